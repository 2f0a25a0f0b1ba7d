#!/bin/sh
# lk-compact: the same rows in fewer files, whoever else is writing.
. "$(dirname "$0")/test-lib.sh"

# Commits rows id FROM to FROM + N - 1 as one file.
rows() { # LAKE TABLE FROM N
	lk-query -F arrow "select (range + $3)::bigint as id, 'n' || range as name, (range % 7)::decimal(9, 2) as cost from range($4)" |
		lk-commit -q -l "$1" --plain --as "$2"
}

ask() { lk-query -l "$1" -F csv "$2" | tail -1; }     # LAKE SQL
sums() { ask "$1" "select count(*), count(distinct id), sum(id), sum(cost), min(name), max(name) from $2"; } # LAKE TABLE
no_garbage() { lk-gc -q -l "$1" -n --grace 0 >garbage && test_cmp /dev/null garbage; } # LAKE

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables where table_name = '$2'"
}

# A key of the current snapshot's summary.
summary() { # LAKE TABLE KEY
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
print([s for s in m["snapshots"] if s["snapshot-id"] == m["current-snapshot-id"]][0]["summary"].get(sys.argv[2], ""))' \
		"$(metadata_of "$1" "$2")" "$3"
}

set_property() { # LAKE TABLE KEY VALUE
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
m["properties"][sys.argv[2]] = sys.argv[3]
json.dump(m, open(sys.argv[1], "w"))' "$(metadata_of "$1" "$2")" "$3" "$4"
}

test_expect_success 'many small files' '
	for i in 0 100 200 300 400; do rows lake people $i 100 || return 1; done && rows lake single 0 10 &&
	[ "$(summary lake people total-data-files)" = 5 ] && sums lake people >before && sums lake single >single
'

test_expect_success 'a dry run says what would be done, and changes nothing' '
	find lake -type f | sort >files1 && sqlite3 lake/catalog.db .dump >dump &&
	lk-compact -l lake -n >out && grep "^main.people  5 files in 1 groups, 500 rows" out && ! grep single out &&
	find lake -type f | sort >files2 && test_cmp files1 files2 && sqlite3 lake/catalog.db .dump | cmp - dump
'

test_expect_success 'become one, with the same rows' '
	lk-compact -l lake 2>said && grep "compacted 5 files of [0-9]* bytes to 1 of [0-9]*; 0 files of deletes went" said &&
	sums lake people >after && test_cmp before after &&
	[ "$(summary lake people operation)" = replace ] && [ "$(summary lake people total-data-files)" = 1 ] &&
	[ "$(summary lake people total-records)" = 500 ] && [ "$(summary lake people added-records)" = 500 ] &&
	[ "$(summary lake people deleted-records)" = 500 ] && [ "$(summary lake single total-data-files)" = 1 ] && no_garbage lake
'

test_expect_success 'which is left alone then' '
	sqlite3 lake/catalog.db .dump >dump && lk-compact -l lake --json >out && sqlite3 lake/catalog.db .dump | cmp - dump &&
	python3 -c "
import json
for t in json.load(open(\"out\"))[\"tables\"]: assert t[\"files\"] == 0 and t[\"commits\"] == 0, t"
'

test_expect_success 'and the old files go with their snapshots' '
	lk-expire -q -l lake -t people --keep-last 1 && [ "$(find lake/main/people/data -name "*.parquet" | wc -l)" = 1 ] &&
	sums lake people >after && test_cmp before after && no_garbage lake
'

test_expect_success 'rows of a column that came later, or was dropped, are the same' '
	lk-query -F arrow "select range + 500 as id, '\''n'\'' || range as name, 1::decimal(9, 2) as cost, range as extra from range(10)" |
		lk-commit -q -l lake --schema add --plain --as people &&
	ask lake "select count(*), count(extra), sum(extra), sum(id) from people" >before && lk-compact -q -l lake &&
	ask lake "select count(*), count(extra), sum(extra), sum(id) from people" >after && test_cmp before after &&
	[ "$(summary lake people total-data-files)" = 1 ]
'

test_expect_success 'deletes are applied, and go' '
	for i in 0 100 200; do rows gone people $i 100 || return 1; done &&
	delete-rows gone people 5 && delete-rows gone people 10 && sums gone people >before && grep "^240,240," before &&
	[ "$(summary gone people total-position-deletes)" = 90 ] &&
	lk-compact -l gone -t people 2>said && sums gone people >after && test_cmp before after &&
	[ "$(summary gone people total-position-deletes)" = 0 ] && [ "$(summary gone people total-delete-files)" = 0 ] &&
	[ "$(summary gone people total-records)" = 240 ] && [ "$(summary gone people total-data-files)" = 1 ] &&
	grep "; 2 files of deletes went" said && lk-fsck -q -l gone && no_garbage gone
'

test_expect_success 'so they do of a single small file, and where no row is left' '
	delete-rows gone people 2 && lk-compact -q -l gone && [ "$(ask gone "select count(*) from people")" = 120 ] &&
	[ "$(summary gone people total-position-deletes)" = 0 ] && [ "$(summary gone people total-records)" = 120 ] &&
	delete-rows gone people 1 && lk-compact -q -l gone && [ "$(ask gone "select count(*) from people")" = 0 ] &&
	[ "$(summary gone people total-data-files)" = 0 ] && [ "$(summary gone people total-delete-files)" = 0 ] &&
	rows gone people 0 10 && [ "$(ask gone "select count(*) from people")" = 10 ] && lk-fsck -q -l gone && no_garbage gone
'

test_expect_success 'files become about as large as the table wants them' '
	lk-query -F arrow "select range as id, md5(range::varchar) as name from range(20000)" >big.arrow &&
	for i in 1 2 3 4 5 6; do lk-commit -q -l sized --plain --as big <big.arrow || return 1; done &&
	size=$(find sized -name "*.parquet" -printf "%s\n" | head -1) &&
	set_property sized big write.target-file-size-bytes $((size * 2 + 100)) && lk-compact -l sized --json >out 2>/dev/null &&
	python3 -c "
import json
t = json.load(open(\"out\"))[\"tables\"][0]
assert t[\"groups\"] == 3 and t[\"files\"] == 6 and t[\"rows\"] == 120000 and t[\"added_files\"] == 3, t" &&
	[ "$(ask sized "select count(*), count(distinct id) from big")" = 120000,20000 ] &&
	lk-compact -l sized --json 2>/dev/null | grep -q "\"groups\":0"
'

# Rows of five days, of 50 keys, in no order.
events() { # LAKE FROM
	lk-query -F arrow "select (range * 7 + $2)::bigint as id, 'n' || (range * 31 % 97) as name,
		TIMESTAMPTZ '2026-01-30 00:00:00+00' + (range % 5) * INTERVAL 1 DAY as day from range(500)" |
		lk-commit -q -l "$1" --plain --as events
}
event_sums() { ask "$1" "select count(*), sum(id), count(distinct day), min(name), max(name), sum(hash(id, name, day) % 1000) from events"; }

test_expect_success 'partitions and order are kept, and an earlier spec is left behind' '
	lk-table create -q -l parts --partition "day(day), bucket(2, id)" --sort "name desc" events "id long, name string, day timestamptz" &&
	for i in 0 500 1000; do events parts $i || return 1; done && delete-rows parts events 9 && event_sums parts >before &&
	[ "$(summary parts events total-data-files)" = 30 ] && lk-compact -q -l parts && event_sums parts >after && test_cmp before after &&
	[ "$(summary parts events total-data-files)" = 10 ] && [ "$(summary parts events total-delete-files)" = 0 ] &&
	[ "$(ls parts/main/events/data/day_day=2026-02-03 2>/dev/null || ls parts/main/events/data/day=2026-02-03)" ] &&
	lk-compact -l parts --json 2>/dev/null | grep "\"groups\":0" && lk-fsck -q -l parts &&
	lk-table alter -q -l parts events "partition by month(day)" && events parts 2000 && delete-rows parts events 7 && event_sums parts >before &&
	lk-compact -q -l parts && event_sums parts >after && test_cmp before after && lk-fsck -q -l parts && lk-compact -q -l parts &&
	[ "$(summary parts events total-data-files)" -le 3 ] && [ "$(summary parts events total-delete-files)" = 0 ] &&
	event_sums parts >after && test_cmp before after && no_garbage parts &&
	lk-query -l parts -F csv "select name from events where day < TIMESTAMPTZ '\''2026-02-01 00:00:00+00'\''" | sed 1d >names &&
	sort -r names | test_cmp names -
'

test_expect_success 'what lk cannot write is left as it is, and the rest is done' '
	rows odd people 0 10 && rows odd people 10 10 && rows odd other 0 10 && rows odd other 10 10 &&
	sed -i "s/\"type\":\"decimal(9, 2)\"/\"type\":\"float\"/" "$(metadata_of odd people)" &&
	expect_error 1 "table main.people: column cost is float, a type that lk does not write" lk-compact -l odd &&
	[ "$(summary odd people total-data-files)" = 2 ] && [ "$(summary odd other total-data-files)" = 1 ]
'

test_expect_success 'a file that is damaged or gone stops its table only, and nothing is lost' '
	rows hurt people 0 10 && rows hurt people 10 10 && rows hurt other 0 10 && rows hurt other 10 10 &&
	f=$(find hurt/main/people/data -name "*.parquet" | head -1) && mv "$f" aside &&
	expect_status 1 lk-compact -q -l hurt && mv aside "$f" && [ "$(ask hurt "select count(*) from people")" = 20 ] &&
	[ "$(summary hurt other total-data-files)" = 1 ] && no_garbage hurt
'

# Writers and the compactor side by side: each row is there once, whoever was first.
write_some() { # N
	for i in 1 2 3 4 5 6 7 8; do
		lk-query -F arrow "select range + $(($1 * 1000 + i * 100)) as id from range(100)" | lk-commit -q -l busy --plain --as t || return 1
	done
}
test_expect_success 'beside writers all rows stay, once' '
	lk-query -F arrow "select range as id from range(100)" | lk-commit -q -l busy --plain --as t &&
	{ write_some 1 & } && one=$! && { write_some 2 & } && two=$! && { write_some 3 & } && three=$! &&
	while kill -0 $one 2>/dev/null || kill -0 $two 2>/dev/null || kill -0 $three 2>/dev/null; do
		lk-compact -q -l busy || return 1
	done && wait $one && wait $two && wait $three && lk-compact -q -l busy &&
	[ "$(ask busy "select count(*), count(distinct id) from t")" = 2500,2500 ] &&
	[ "$(summary busy t total-records)" = 2500 ] && [ "$(summary busy t total-data-files)" = 1 ] &&
	lk-gc -q -l busy -n --grace 0 >garbage && ! grep "\.parquet" garbage
'

test_expect_success 'a table that another engine called as lk would not is tended like others' '
	rows quoted people 0 10 && rows quoted people 10 10 && sqlite3 quoted/catalog.db "update iceberg_tables set table_name = '\''My\"T'\''" &&
	for t in "compact -n" "expire -n" "maintain -n" "branch audit" "compact"; do
		set -- $t && tool=$1 && shift && lk-$tool -q --json -l quoted "$@" >out && python3 -c "
import json
r = json.load(open(\"out\"))
assert [t[\"table\"] for t in r.get(\"compact\", r)[\"tables\"]] == [\"main.My\\\"T\"], r
assert not any(t.get(\"problem\") for t in r.get(\"compact\", r)[\"tables\"]), r" || return 1
	done && [ "$(ask quoted "select count(*) from \"My\"\"T\"")" = 20 ] && lk-log -l quoted --all --json | grep -q "\"operation\":\"replace\"" &&
	lk-reset -q -l quoted audit && lk-fsck -q -l quoted
'

test_expect_success 'misuse' '
	expect_status 64 lk-compact -l lake x 2>/dev/null && expect_error 66 "there is no table '\''x'\''" lk-compact -l lake -t x &&
	expect_status 66 lk-compact -l nowhere 2>/dev/null
'

test_done
