#!/bin/sh
# lk.versions does not grow without bound: lk-compact and lk-maintain thin it, and what is known of keys stays.
. "$(dirname "$0")/test-lib.sh"

ask() { # SQL [LAKE]
	lk-query -l "${2:-lake}" -F csv "$1" | tail -n +2
}

facts() { # [LAKE]: how many of each kind
	ask "select string_agg(concat(fact, ' ', n), ' ' order by fact) from (select fact, count(*) n from lk.versions group by 1)" "$1"
}

printf '{"name": "p", "lk": {"delivery": "_(?<sent>[0-9]{8})[.]csv$"}, "resources": [{"name": "t", "path": "*.csv", "lk": {"load": "upsert", "op": "op"},
	"schema": {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "n"}, {"name": "op"}]}}]}\n' >p.json
sed 's/"name": "t"/"name": "h"/; s/"op": "op"}/"op": "op", "history": true}/' p.json >h.json
sed 's/"name": "t"/"name": "gone"/' p.json >gone.json

load() { # SOURCES LAKE DAY ROWS
	printf "id,n,op\n$4" >x_$3.csv && lk-parse -q -s "$1" x_$3.csv | lk-commit -q -l "$2" && rm x_$3.csv
}

test_expect_success 'of each key the newest fact of each kind stays, and what rows or deletes know better goes' '
	load p.json lake 20260101 "1,a,I\n2,b,I\n3,c,I\n4,d,I\n" &&
	load p.json lake 20260102 "1,a,U\n2,b,U\n3,,D\n4,d,U\n" && load p.json lake 20260103 "1,a,U\n2,z,U\n3,c,I\n4,,D\n" &&
	load p.json lake 20260104 "1,a,U\n3,,D\n" && [ "$(facts)" = "confirmed 5 deleted 3" ] &&
	ask "select table_uuid, fact, hex(key), hex(version) from lk.versions" | sort >before && ask "from t order by all" >rows &&
	lk-compact -l lake -t lk.versions -n 2>said && grep -q "lk.versions: 5 facts that say nothing any more would go" said &&
	[ "$(facts)" = "confirmed 5 deleted 3" ] &&
	lk-compact -l lake -t lk.versions 2>said && grep -q "lk.versions: 5 facts that say nothing any more went" said &&
	[ "$(facts)" = "confirmed 1 deleted 2" ] && ask "from t order by all" >after && test_cmp rows after &&
	lk-compact -l lake -t lk.versions 2>said && ! grep "facts" said && lk-fsck -q -l lake
'

test_expect_success 'late versions mean what they meant before' '
	load p.json lake 20260103 "1,late,U\n3,late,U\n4,late,U\n" && load p.json lake 20260102 "2,late,U\n" &&
	[ "$(ask "select string_agg(concat(id, n), '\'' '\'' order by id) from t")" = "1a 2z" ]
'

test_expect_success 'facts of a table that is gone go' '
	load gone.json lake 20260101 "1,a,I\n" && load gone.json lake 20260102 "1,,D\n" && [ "$(ask "select count(*) from lk.versions where \"table\" = '\''main.gone'\''")" = 1 ] &&
	lk-table drop -q -l lake gone && lk-maintain -l lake --json >out 2>said && grep -q "facts that say nothing any more went" said && grep -q "\"facts\":" out &&
	[ "$(ask "select count(*) from lk.versions where \"table\" = '\''main.gone'\''")" = 0 ]
'

test_expect_success 'old ones go, counted back from the newest of the table, as the property says' '
	rm -rf old && load p.json old 20240101 "1,a,I\n2,b,I\n" && load p.json old 20240201 "1,,D\n2,b,U\n" && load p.json old 20240301 "3,,D\n" &&
	load p.json old 20250301 "4,,D\n" && [ "$(facts old)" = "confirmed 1 deleted 3" ] &&
	lk-compact -q -l old && [ "$(facts old)" = "confirmed 1 deleted 3" ] &&
	lk-table alter -q -l old lk.versions "set lk.versions.keep-days = 0" && lk-compact -q -l old && [ "$(facts old)" = "confirmed 1 deleted 3" ] &&
	lk-table alter -q -l old lk.versions "set lk.versions.keep-days = 370" && lk-compact -q -l old && [ "$(facts old)" = "deleted 2" ] &&
	load p.json old 20240115 "1,back,U\n" && [ "$(ask "select n from t where id = 1" old)" = back ] &&
	lk-table alter -q -l old lk.versions "set lk.versions.keep-days = soon" && expect_status 1 lk-compact -l old 2>said && grep -q "is no number of days" said
'

test_expect_success 'of tables that keep rows of the past all facts stay while they are young' '
	rm -rf past && load h.json past 20260101 "1,a,I\n2,b,I\n" && load h.json past 20260103 "1,a,U\n2,,D\n" && load h.json past 20260105 "1,a,U\n2,c,I\n" &&
	load h.json past 20260107 "2,,D\n" && [ "$(facts past)" = "confirmed 2 deleted 2" ] && lk-compact -q -l past && [ "$(facts past)" = "confirmed 2 deleted 2" ] &&
	load h.json past 20260102 "1,z,U\n" && [ "$(ask "select string_agg(concat(id, n, day(valid_from)), '\'' '\'' order by id, valid_from) from h" past)" = "1a1 1z2 1a3 2b1 2c5" ]
'

test_expect_success 'what rows were closed at stays when the facts are gone' '
	lk-table alter -q -l past lk.versions "set lk.versions.keep-days = 1" && load h.json past 20260801 "9,,D\n" && lk-compact -q -l past &&
	[ "$(facts past)" = "deleted 1" ] && load h.json past 20260104 "2,late,U\n" && load h.json past 20260110 "2,d,U\n" &&
	[ "$(ask "select string_agg(concat(id, n, day(valid_from), '\''-'\'', day(valid_to)), '\'' '\'' order by id, valid_from) from h where id = 2" past)" = "2b1-3 2late4-5 2c5-7 2d10-" ]
'

test_expect_success 'beside running merges' '
	rm -rf both && load p.json both 20260101 "1,a,I\n2,b,I\n3,,D\n" &&
	{ for day in 02 03 04 05 06; do load p.json both 202601$day "1,a,U\n2,,D\n1$day,x,I\n" && load p.json both 202602$day "2,b,I\n2$day,y,I\n" ||
		echo bad >failed; done & } && merges=$! &&
	while kill -0 $merges 2>/dev/null; do lk-compact -l both -t lk.versions || [ $? = 75 ] || return 1; done; wait $merges && [ ! -e failed ] &&
	lk-compact -q -l both && [ "$(facts both)" = "confirmed 2 deleted 2" ] && [ "$(ask "select string_agg(concat(id, n), '\'' '\'' order by id) from t where id < 9" both)" = "1a 2b" ] &&
	[ "$(ask "select count(*) from t" both)" = 12 ] && lk-fsck -q -l both
'

test_done
