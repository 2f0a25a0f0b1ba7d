#!/bin/sh
# lk-reset: a lake back to what it was, and its ledger with it.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}},
	 {"name": "visits", "path": "v*.csv", "schema": {"fields": [{"name": "id", "type": "integer"}]}}]}
END
mkdir landing
for i in 1 2 3 4; do printf 'id,name\n%d,a\n%d,b\n' ${i}1 ${i}2 >landing/p$i.csv; done
printf 'id,name\n51,a\nfive,b\n' >landing/p5.csv
printf 'id\n1\n2\n3\n' >landing/v1.csv

# Takes a snapshot out of thinned/, as a policy of its own would, and the log up to it.
cat >thin.py <<'END'
import json, sqlite3, sys
db = sqlite3.connect("thinned/catalog.db")
for name, at in db.execute("SELECT table_name, metadata_location FROM iceberg_tables").fetchall():
    path = at[len("file://"):].replace("/lake/", "/thinned/", 1)
    db.execute("UPDATE iceberg_tables SET metadata_location = ? WHERE table_name = ?", ("file://" + path, name))
    if name != "people":
        continue
    root = json.load(open(path))
    for key in [k for k in root["properties"] if k.startswith("lk.retention")]:
        del root["properties"][key]
    snapshots = root["snapshots"]
    [n] = [n for n, s in enumerate(snapshots) if str(s["snapshot-id"]) == sys.argv[1]]
    for s in snapshots:
        if s.get("parent-snapshot-id") == snapshots[n]["snapshot-id"]:
            s["summary"]["lk.ancestor"] = str(snapshots[n]["parent-snapshot-id"])
    gone = snapshots.pop(n)["snapshot-id"]
    last = max(i for i, e in enumerate(root["snapshot-log"]) if e["snapshot-id"] == gone)
    root["snapshot-log"] = root["snapshot-log"][last + 1:]
    json.dump(root, open(path, "w"))
db.commit()
END

ingest() { lk-ingest -q -l lake -s people.json --settle 0 --max-rejects 9 "$@"; }
rows() { lk-ls -l lake | sed 1d | cut -d, -f1,2 | tr ',\n' '  '; }
ids() { lk-query -l lake -F csv "select id from people order by 1" | sed 1d | tr '\n' ' '; }
# A field of the n-th newest line of the log of a table.
logged() { # FIELD N [OPTION...]
	field=$1 n=$2
	shift 2
	lk-log -l lake --json "$@" | sed -n "${n}p" | grep -o "\"$field\":[^,]*" | cut -d: -f2- | tr -d '"'
}

test_expect_success 'a lake with a history' '
	ingest landing/p1.csv && ingest landing/p2.csv landing/v1.csv && ingest landing/p3.csv && ingest landing/p4.csv landing/p5.csv &&
	[ "$(rows)" = "lk.files 6 lk.rejects 1 main.people 9 main.visits 3 quarantine.rejects 1 " ] &&
	t1=$(logged time 4 -t people) t2=$(logged time 3 -t people) s2=$(logged snapshot 3 -t people) s3=$(logged snapshot 2 -t people) &&
	run2=$(logged run 3 -t people) && [ "$run2" = "$(logged run 1 -t visits)" ] && [ "$t2" = "$(logged time 1 -t visits)" ]
'

test_expect_success 'a dry run says what would be done, and does nothing' '
	before=$(sha256sum <lake/catalog.db) && lk-reset -l lake -n $t2 >actual 2>err && cat err &&
	grep -q "lk-reset: 4 tables would be set back to $t2, and 3 deliveries in the ledger" err &&
	sed "s/[0-9]\{10,\}/N/g" actual >short && cat >expect <<-END && test_cmp expect short &&
	lk.files: snapshot N to N, rows 6 to 3
	lk.rejects: snapshot N to none, rows 1 to 0
	main.people: snapshot N to N, rows 9 to 4
	quarantine.rejects: snapshot N to none, rows 1 to 0
	not known any more: landing/p3.csv
	not known any more: landing/p4.csv
	not known any more: landing/p5.csv
	END
	[ "$before" = "$(sha256sum <lake/catalog.db)" ]
'

test_expect_success 'the lake is what it was, and deliveries load again' '
	lk-reset -l lake $t2 2>err && grep -q "4 tables were set back to $t2, and 3 deliveries in the ledger" err &&
	[ "$(rows)" = "lk.files 3 lk.rejects 0 main.people 4 main.visits 3 quarantine.rejects 0 " ] && [ "$(ids)" = "11 12 21 22 " ] &&
	lk-reset -l lake $t2 2>err && grep -q "nothing to do: all is as it was at $t2" err &&
	ingest landing && [ "$(ids)" = "11 12 21 22 31 32 41 42 51 " ] &&
	[ "$(rows)" = "lk.files 6 lk.rejects 1 main.people 9 main.visits 3 quarantine.rejects 1 " ] &&
	ingest landing && [ "$(ids)" = "11 12 21 22 31 32 41 42 51 " ]
'

test_expect_success 'a snapshot means the moment after its run, in all tables' '
	lk-reset -q -l lake $s2 && [ "$(rows)" = "lk.files 3 lk.rejects 0 main.people 4 main.visits 3 quarantine.rejects 0 " ] &&
	s=$(logged snapshot 1 -t visits) && lk-reset -q -l lake $t1 &&
	[ "$(rows)" = "lk.files 1 lk.rejects 0 main.people 2 main.visits 0 quarantine.rejects 0 " ] &&
	lk-reset -q -l lake $s && [ "$(rows)" = "lk.files 3 lk.rejects 0 main.people 4 main.visits 3 quarantine.rejects 0 " ] &&
	expect_error 65 "there is no snapshot 12345 in the lake" lk-reset -l lake 12345
'

test_expect_success 'a reset is undone by another one' '
	lk-reset -q -l lake $s3 && [ "$(ids)" = "11 12 21 22 31 32 " ] && ingest landing/p3.csv && [ "$(ids)" = "11 12 21 22 31 32 " ] &&
	lk-reset -q -l lake 2026-01-01 && [ "$(ids)" = "" ] && lk-log -l lake --all -t people --json | grep -c . >all &&
	lk-reset -q -l lake $s3 && [ "$(ids)" = "11 12 21 22 31 32 " ] && ingest landing/p1.csv landing/p2.csv landing/p3.csv &&
	[ "$(ids)" = "11 12 21 22 31 32 " ] && ingest landing && [ "$(ids)" = "11 12 21 22 31 32 41 42 51 " ]
'

test_expect_success 'a delivery that was loaded in part is in part again' '
	mkdir d && printf "id,name\n61,a\n" >d/p6.csv && printf "id\n9\n" >d/v6.csv && printf "x,y\n1,2\n" >d/other.csv && (cd d && 7z a -tzip ../landing/z.zip * >/dev/null) &&
	{ ingest landing/z.zip; [ $? -le 1 ]; } && t=$(logged time 1) && before=$(rows) &&
	sed "s/\"resources\": \[/&{\"name\": \"other\", \"path\": \"other.csv\", \"schema\": {\"fields\": [{\"name\": \"x\", \"type\": \"integer\"}, {\"name\": \"y\", \"type\": \"integer\"}]}},/" people.json >more.json &&
	lk-ingest -q -l lake -s more.json --settle 0 landing/z.zip && lk-ls -l lake other | grep -q "^main.other,1," &&
	sqlite3 lake/catalog.db "select state from lk_ledger where delivery like '\''%z.zip'\''" >state && [ "$(cat state)" = complete ] &&
	lk-reset -l lake --json $t >report && grep -q "\"delivery\":\"landing/z.zip\",\"known\":true" report &&
	sqlite3 lake/catalog.db "select state from lk_ledger where delivery like '\''%z.zip'\''" >state && [ "$(cat state)" = partial ] &&
	sqlite3 lake/catalog.db "select member from lk_ledger_failed where sha256 in (select sha256 from lk_ledger where delivery like '\''%z.zip'\'')" >member &&
	[ "$(cat member)" = other.csv ] && lk-ingest -q -l lake -s more.json --settle 0 landing/z.zip &&
	lk-ls -l lake other | grep -q "^main.other,1," && [ "$(ids)" = "11 12 21 22 31 32 41 42 51 61 " ]
'

test_expect_success 'one table alone leaves the ledger' '
	before=$(sqlite3 lake/catalog.db "select count(*) from lk_ledger") &&
	lk-reset -l lake -t people $s2 2>err && cat err && grep -q "the ledger stays as it is, for table lk.files keeps rows" err &&
	[ "$(ids)" = "11 12 21 22 " ] && ingest landing/p3.csv && [ "$(ids)" = "11 12 21 22 " ] &&
	[ "$before" = "$(sqlite3 lake/catalog.db "select count(*) from lk_ledger")" ] &&
	lk-reset -q -l lake -t people -t main.visits -t lk.files -t lk.rejects -t quarantine.rejects -t other $s2 &&
	ingest landing/p3.csv && [ "$(ids)" = "11 12 21 22 31 32 " ]
'

test_expect_success 'a tag, and what is loaded by lk-commit --once' '
	lk-branch -q -l lake --tag before && printf "id,name\n71,a\n" >p.csv &&
	load() { lk-parse -q -s people.json --as people p.csv | lk-cat -F arrow -t people |
		lk-commit -q -l lake --plain --as people --once seven; } &&
	load && load && [ "$(ids)" = "11 12 21 22 31 32 71 " ] && lk-reset -l lake -n before | grep -q "not known any more: seven" &&
	lk-reset -q -l lake before && [ "$(ids)" = "11 12 21 22 31 32 " ] && load && load && [ "$(ids)" = "11 12 21 22 31 32 71 " ]
'

test_expect_success 'what has expired is told, and nothing is changed' '
	cp -r lake thinned && python3 thin.py "$s2" &&
	expect_error 65 "what table main.people was at" lk-reset -l thinned $t2 && grep -q "has expired; the last before that is of" .stderr &&
	lk-reset -l thinned -n -t visits $t2 >actual
'

test_expect_success 'columns stay; older rows have nulls' '
	printf "id,name,age\n81,a,7\n" >landing/p8.csv && t=$(logged time 1) &&
	sed "s/{\"name\": \"name\", \"type\": \"string\"}/&, {\"name\": \"age\", \"type\": \"integer\"}/" people.json >wide.json &&
	lk-parse -q -s wide.json --as people landing/p8.csv | lk-commit -q -l lake --schema add && lk-reset -q -l lake $t &&
	lk-query -l lake -F csv "select count(*) as n, count(age) as a from people" >actual && printf "n,a\n7,0\n" >expect && test_cmp expect actual
'

# What is in k/lake: it must be all as before, or all as after.
is_whole() {
	got=$(lk-ls -l k/lake | sed 1d | cut -d, -f1,2 | tr ",\n" "  ") known=$(sqlite3 k/lake/catalog.db "select count(*) from lk_ledger") &&
	echo "$1: $known $got" &&
	case $got in
	"lk.files 1 lk.rejects 0 main.other 0 main.people 2 main.visits 0 "*) [ $known = 1 ] ;;
	*"main.people 7 "*) [ $known -gt 1 ] ;;
	*) false ;;
	esac
}

test_expect_success 'kill -9 at any moment leaves before or after, and the same command ends it' '
	mkdir k && for ms in 004 008 012 016 024 032 048 064 096 128; do
		rm -rf k/lake && cp -r lake k/lake &&
		sqlite3 k/lake/catalog.db "update iceberg_tables set metadata_location = replace(metadata_location, '\''/lake/'\'', '\''/k/lake/'\'')" &&
		{ timeout -s KILL 0.$ms lk-reset -q -l k/lake $t1; true; } && is_whole $ms || return 1
	done &&
	lk-reset -q -l k/lake $t1 && is_whole end && [ $known = 1 ]
'

test_expect_success 'misuse' '
	expect_error 64 "one time, snapshot or ref" lk-reset -l lake && expect_error 64 "one time" lk-reset -l lake a b &&
	expect_error 65 "no branch or tag '\''nothing'\''" lk-reset -l lake nothing && expect_error 66 nowhere lk-reset -l nowhere 2026-01-01 &&
	expect_error 66 "no table '\''nothing'\''" lk-reset -l lake -t nothing 2026-01-01
'

test_done
