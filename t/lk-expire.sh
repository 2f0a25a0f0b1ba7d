#!/bin/sh
# lk-expire: history thinned by a policy, and just the files that only it led to.
. "$(dirname "$0")/test-lib.sh"

# Commits n rows to a table, each a snapshot of its own.
rows() { # LAKE TABLE N
	printf '%s\n' "@$2 id:int64! name:utf8" "*$3 id=#|name=n#" | make-stream | lk-commit -q -l "$1"
}

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables where table_name = '$2'"
}

# Runs Python over the metadata m of a table; `out` writes m back.
edit() { # LAKE TABLE CODE
	python3 -c 'import json, sys
path = sys.argv[1]
m = json.load(open(path))
def out(): json.dump(m, open(path, "w"))
exec(sys.argv[2])' "$(metadata_of "$1" "$2")" "$3"
}

snapshots() { edit "$1" "$2" 'print(*[s["snapshot-id"] for s in m["snapshots"]])'; } # LAKE TABLE
count() { lk-query -l "$1" -F csv "select count(*) from $2" | tail -1; }	     # LAKE TABLE
# The rows of a table at a snapshot or ref: the metadata are made to say that it is current, for a moment.
at() { # LAKE TABLE SNAPSHOT|REF
	cp "$(metadata_of "$1" "$2")" saved-metadata
	edit "$1" "$2" "
i = m['refs']['$3']['snapshot-id'] if '$3' in m['refs'] else int('$3')
m['refs'] = {'main': {'snapshot-id': i, 'type': 'branch'}}; m['current-snapshot-id'] = i; out()" && count "$1" "$2"
	mv saved-metadata "$(metadata_of "$1" "$2")"
}
no_garbage() { lk-gc -q -l "$1" -n --grace 0 >garbage && test_cmp /dev/null garbage; } # LAKE

test_expect_success 'a lake with a history' '
	for i in 1 2 3 4 5 6; do rows lake people 10 || return 1; done && rows lake visits 5 && rows lake visits 5 &&
	[ "$(snapshots lake people | wc -w)" = 6 ] && no_garbage lake
'

test_expect_success 'without a rule the policy of the tables applies, which is kept already' '
	lk-expire -l lake 2>said && echo "lk-expire: expired 0 snapshots and removed 0 files of 0 bytes" >expect && test_cmp expect said
'

test_expect_success 'a dry run says exactly what goes, and changes nothing' '
	find lake -type f | sort >before && sqlite3 lake/catalog.db .dump >dump &&
	lk-expire -l lake -t people --keep-last 2 -n >list 2>said &&
	grep "would expire 4 snapshots and remove 4 files" said &&
	grep "^snapshot" list | cut -d" " -f5 >gone &&
	snapshots lake people | tr " " "\n" | head -4 | sort >expect && sort gone >actual && test_cmp expect actual &&
	find lake -type f | sort >after && test_cmp before after && sqlite3 lake/catalog.db .dump | cmp - dump
'

test_expect_success 'then they go, and nothing else' '
	grep "^file" list | sed "s/.* //" | sort >listed &&
	lk-expire -l lake -t people --keep-last 2 2>said && grep "expired 4 snapshots and removed 4 files" said &&
	find lake -type f | sort >after && sed "s|$(pwd -P)/||" listed >gone && comm -23 before after >actual && test_cmp gone actual &&
	[ "$(snapshots lake people | wc -w)" = 2 ] && [ "$(snapshots lake visits | wc -w)" = 2 ] &&
	[ "$(count lake people)" = 60 ] && no_garbage lake &&
	for s in $(snapshots lake people); do at lake people $s || return 1; done >counts &&
	printf "50\n60\n" >expect && test_cmp expect counts &&
	lk-commit -q -l lake --help >/dev/null && rows lake people 10 && [ "$(count lake people)" = 70 ]
'

test_expect_success 'data go that only an expired snapshot had' '
	rows lake people 10 && edit lake people "
s = m[\"snapshots\"]; i = m[\"current-snapshot-id\"]
old = s[-2][\"snapshot-id\"]
m[\"refs\"][\"main\"][\"snapshot-id\"] = m[\"current-snapshot-id\"] = old
m[\"snapshot-log\"].append({\"timestamp-ms\": m[\"last-updated-ms\"], \"snapshot-id\": old})
out()" && [ "$(count lake people)" = 70 ] && rows lake people 1 && no_garbage lake &&
	lk-expire -l lake -t people --keep-last 1 -n --json >out && python3 -c "
import json
t = json.load(open(\"out\"))[\"tables\"]
assert len(t) == 1 and t[0][\"kept\"] == 2, t" &&
	sleep 0.01 && lk-expire -q -l lake -t people --keep-last 1 && [ "$(snapshots lake people | wc -w)" = 2 ] && no_garbage lake &&
	rows lake people 1 && [ "$(count lake people)" = 72 ]
'

test_expect_success 'what is no history of any branch is thinned too' '
	edit lake people "
for s in m[\"snapshots\"]:
    if s[\"snapshot-id\"] != m[\"current-snapshot-id\"]: s[\"timestamp-ms\"] -= 1
m[\"snapshots\"].append(dict(m[\"snapshots\"][-1], **{\"snapshot-id\": 77, \"timestamp-ms\": 1}))
out()" && lk-expire -q -l lake -t people --keep-last 1 && ! snapshots lake people | grep -w 77 && no_garbage lake &&
	find lake/main/people/data -name "*.parquet" | wc -l >n && [ "$(count lake people)" = 72 ]
'

test_expect_success 'tags and branches keep what they name' '
	for i in 1 2 3; do rows lake tagged $i || return 1; done &&
	edit lake tagged "
m[\"refs\"][\"v1\"] = {\"snapshot-id\": m[\"snapshots\"][0][\"snapshot-id\"], \"type\": \"tag\"}
m[\"refs\"][\"old\"] = {\"snapshot-id\": m[\"snapshots\"][1][\"snapshot-id\"], \"type\": \"tag\", \"max-ref-age-ms\": 1}
m[\"refs\"][\"test\"] = {\"snapshot-id\": m[\"snapshots\"][0][\"snapshot-id\"], \"type\": \"branch\"}
out()" && lk-expire -l lake -t tagged --keep-last 1 --json >out 2>/dev/null && python3 -c "
import json
t = json.load(open(\"out\"))[\"tables\"][0]
assert t[\"refs\"] == [\"old\"] and len(t[\"removed\"]) == 1 and t[\"kept\"] == 2, t" &&
	[ "$(at lake tagged v1)" = 1 ] && [ "$(count lake tagged)" = 6 ] && no_garbage lake &&
	edit lake tagged "print([l[\"snapshot-id\"] == m[\"current-snapshot-id\"] for l in m[\"snapshot-log\"]])" >actual &&
	echo "[True]" >expect && test_cmp expect actual
'

test_expect_success '--set makes the policy the table'\''s own, and commits apply it' '
	lk-expire -q -l lake -t visits --keep-last 3 --keep-daily 2 --set &&
	edit lake visits "print({k: v for k, v in m[\"properties\"].items() if k.startswith(\"lk.retention\")})" >actual &&
	echo "{'\''lk.retention.keep-last'\'': '\''3'\'', '\''lk.retention.keep-daily'\'': '\''2'\''}" >expect && test_cmp expect actual &&
	for i in 1 2 3 4 5; do rows lake visits 1 || return 1; done && [ "$(snapshots lake visits | wc -w)" = 3 ] &&
	lk-expire -q -l lake -t visits --keep-last 3 --keep-daily 2 --set -n >out && [ ! -s out ]
'

test_expect_success 'the grace time leaves the files of what was just current' '
	for i in 1 2 3; do rows grace people 1 || return 1; done &&
	lk-expire -q -l grace --keep-last 1 --grace 1h --json >out &&
	grep -o "\"files\":\[\]" out && [ "$(snapshots grace people | wc -w)" = 1 ] &&
	lk-gc -q -l grace -n >list && [ ! -s list ] && lk-gc -q -l grace --grace 0 && no_garbage grace && [ "$(count grace people)" = 3 ]
'

test_expect_success 'files that another table or a trial lake has are spared' '
	for i in 1 2; do rows shared people 1 || return 1; done && cp -R shared trial &&
	sqlite3 trial/catalog.db "update iceberg_tables set metadata_location = replace(metadata_location, \"/shared/\", \"/trial/\")" &&
	sqlite3 shared/catalog.db "create table lk_shallow(path text primary key, made_ms integer not null);
		insert into lk_shallow values (\"$(pwd -P)/trial\", 0)" &&
	lk-expire -q -l shared --keep-last 1 && [ "$(count trial people)" = 2 ] &&
	for s in $(snapshots trial people); do at trial people $s || return 1; done >counts &&
	printf "1\n2\n" >expect && test_cmp expect counts &&
	rm -r trial && lk-gc -q -l shared && lk-gc -q -l shared --grace 0 && no_garbage shared && [ "$(count shared people)" = 2 ]
'

test_expect_success 'a table that cannot be changed is said, and the others are done' '
	rows mixed good 1 && rows mixed good 1 && rows mixed bad 1 && rows mixed bad 1 &&
	edit mixed bad "m[\"format-version\"] = 3; m[\"next-row-id\"] = 0; out()" &&
	expect_error 1 "table main.bad: it is of Iceberg format v3" lk-expire -l mixed --keep-last 1 &&
	[ "$(snapshots mixed good | wc -w)" = 1 ] && [ "$(snapshots mixed bad | wc -w)" = 2 ]
'

test_expect_success 'misuse' '
	expect_status 64 lk-expire -l lake --keep-last 0 2>/dev/null && expect_status 64 lk-expire -l lake --set 2>/dev/null &&
	expect_status 64 lk-expire -l lake x 2>/dev/null && expect_status 64 lk-expire -l lake --keep-within 1d --set 2>/dev/null &&
	expect_error 66 "there is no table '\''x'\''" lk-expire -l lake -t x --keep-last 1
'

test_done
