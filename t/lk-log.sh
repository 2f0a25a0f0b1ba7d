#!/bin/sh
# lk-log: the snapshots of a lake's tables.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}}]}
END
mkdir landing
printf 'id,name\n1,Zo\303\253\n2,b\n3,c\n' >landing/p1.csv
printf 'id,name\n4,d\nfive,e\n' >landing/p2.csv
for i in 3 4 5 6; do printf 'id,name\n%d,x\n' ${i}0 >landing/p$i.csv; done

ingest() { lk-ingest -q -l lake -s people.json --settle 0 "$@"; }

# The columns named of lines of JSON.
columns() {
	python3 -c '
import json, sys
for line in sys.stdin:
	o = json.loads(line)
	print(*[" ".join(d["delivery"].split("/")[-1] for d in o[c]) if c == "deliveries" else
		" ".join(r["name"] for r in o[c]) if c == "refs" else o[c] for c in sys.argv[1:]], sep=",")' "$@"
}

test_expect_success 'a line for each snapshot, newest first' '
	ingest landing/p1.csv && expect_status 1 ingest landing/p2.csv && ingest landing/p3.csv landing/p4.csv landing/p5.csv landing/p6.csv &&
	lk-log -l lake -t people --json | columns table operation added removed rows engine refs deliveries >actual &&
	cat >expect <<-\END && test_cmp expect actual &&
	main.people,append,4,0,8,lk,main,p3.csv p4.csv p5.csv p6.csv
	main.people,append,1,0,4,lk,,p2.csv
	main.people,append,3,0,3,lk,,p1.csv
	END
	lk-log -l lake --json | columns table run user >actual && [ "$(wc -l <actual)" = 8 ] &&
	[ "$(cut -d, -f2 actual | sort -u | wc -l)" = 3 ] && [ "$(cut -d, -f3 actual | sort -u)" = "$(id -un)" ] &&
	lk-log -l lake --json | columns time | sed "s/Z//" >actual && sort -r -n -t: -k3 actual | sort -s -r -k1,1.17 >sorted &&
	test_cmp sorted actual
'

test_expect_success 'columns for people' '
	lk-log -l lake -t main.people --max-count 1 >actual &&
	sed "s/^[^,]*,main.people,[0-9]*,append,4,0,8,lk,[^,]*,[0-9a-f-]*,/.../" actual >short &&
	printf "time,table,snapshot,operation,added,removed,rows,engine,user,run,refs,deliveries\n" >expect &&
	printf "...main,\"p3.csv, p4.csv, p5.csv and 1 more\"\n" >>expect && test_cmp expect short &&
	lk-log -l lake -F table | head -n 1 | grep "^time  *table  *snapshot"
'

test_expect_success 'snapshots have the one before them, and ids that lk-query takes' '
	lk-log -l lake -t people --json | columns snapshot parent >actual &&
	[ "$(cut -d, -f2 actual | head -n 2)" = "$(cut -d, -f1 actual | tail -n 2)" ] && [ "$(tail -n 1 actual | cut -d, -f2)" = None ]
'

test_expect_success 'rows that were taken out' '
	lk-query -q -l lake -F arrow "select * replace (replace(raw, '\''five'\'', '\''5'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s people.json --replay | lk-commit -q -l lake --json >commit &&
	lk-log -l lake -t lk.rejects --json | columns operation added removed rows deliveries >actual &&
	printf "delete,0,1,0,p2.csv\nappend,1,0,1,p2.csv\n" >expect && test_cmp expect actual &&
	run=$(lk-log -l lake -t lk.rejects --json --max-count 1 | columns run) && grep -q "\"run\":\"$run\"" commit
'

test_expect_success 'what is not there, and wrong options' '
	expect_error 66 "did you mean '\''people'\''?" lk-log -l lake -t peopel &&
	expect_error 65 "no branch or tag '\''audit'\''" lk-log -l lake --branch audit &&
	expect_error 64 "exclude each other" lk-log -l lake --all --branch main && expect_error 64 "no format" lk-log -l lake -F arrow &&
	expect_error 64 "unexpected argument" lk-log -l lake people && expect_error 66 "nowhere" lk-log -l nowhere &&
	lk-log -l lake --max-count 0 >actual && [ "$(wc -l <actual)" = 1 ]
'

test_expect_success 'what expired in between is passed over' '
	for i in 1 2 3; do printf "id,name\n7%d,x\n" $i >landing/p7$i.csv && ingest landing/p7$i.csv || return 1; done &&
	lk-log -l lake -t people --json | columns rows >before && python3 - <<-\END &&
	import glob, json, os, sqlite3
	db = sqlite3.connect("lake/catalog.db")
	[(at,)] = db.execute("SELECT metadata_location FROM iceberg_tables WHERE table_name = '\''people'\''")
	path = at[len("file://"):]
	root = json.load(open(path))
	by = sorted(root["snapshots"], key=lambda s: s["sequence-number"])
	by[3]["summary"]["lk.ancestor"] = str(by[0]["snapshot-id"])
	root["snapshots"] = [by[0]] + by[3:]
	root["snapshot-log"] = [e for e in root["snapshot-log"] if e["snapshot-id"] in [s["snapshot-id"] for s in by[3:]]]
	json.dump(root, open(path, "w"))
	END
	lk-log -l lake -t people --json | columns rows >actual && sed "5,6d" before >expect && test_cmp expect actual
'

test_done
