#!/bin/sh
# lk-ls: the tables of a lake.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}}]}
END
mkdir landing
printf 'id,name\n1,Zo\303\253\n2,b\n3,c\n' >landing/p1.csv
printf 'id,name\n4,d\nfive,e\n' >landing/p2.csv

ingest() { lk-ingest -q -l lake -s people.json --settle 0 "$@"; }

test_expect_success 'tables with their rows, files and bytes' '
	ingest landing/p1.csv && expect_status 1 ingest landing/p2.csv &&
	lk-parse -q -s people.json --as people landing/p1.csv | lk-cat -F arrow -t people >rows.arrow &&
	lk-commit -q -l lake --plain --as ward.visits <rows.arrow &&
	lk-ls -l lake >actual && head -n 1 actual >header && printf "table,rows,files,delete_files,bytes,changed\n" >expect &&
	test_cmp expect header && sed 1d actual | cut -d, -f1-4 >tables && cat >expect <<-\END && test_cmp expect tables &&
	lk.files,2,2,0
	lk.rejects,1,1,0
	main.people,4,2,0
	quarantine.rejects,1,1,0
	ward.visits,3,1,0
	END
	[ "$(sed -n "s/^main.people,4,2,0,\([0-9]*\),.*/\1/p" actual)" = "$(cat lake/main/people/data/*.parquet | wc -c)" ] &&
	changed=$(sed -n "s/^main.people,.*,//p" actual) && [ "$(date -d "$changed" +%s)" -le "$(date +%s)" ] &&
	[ "$(date -d "$changed" +%s)" -ge $(($(date +%s) - 60)) ]
'

test_expect_success 'patterns are of the whole name or of its last part' '
	lk-ls -l lake "ward.*" | sed 1d | cut -d, -f1 >actual && echo ward.visits >expect && test_cmp expect actual &&
	lk-ls -l lake "*rejects" people | sed 1d | cut -d, -f1 >actual &&
	printf "lk.rejects\nmain.people\nquarantine.rejects\n" >expect && test_cmp expect actual &&
	expect_error 66 "there is no table '\''nothing*'\''" lk-ls -l lake people "nothing*"
'

test_expect_success 'formats; it is what lk-query lists' '
	lk-ls -l lake --json people | sed "s/,\"bytes.*//" >actual &&
	echo "{\"table\":\"main.people\",\"rows\":4,\"files\":2,\"delete_files\":0" >expect && test_cmp expect actual &&
	lk-ls -l lake -F table | head -n 1 | grep "^table  *rows  *files" &&
	lk-ls -l lake >expect && lk-query -l lake -F csv >actual && test_cmp expect actual &&
	expect_error 64 "is no format of lists" lk-ls -l lake -F parquet
'

test_expect_success 'rows that deletes take out do not count, and totals that are not told are added up' '
	printf "id,name\n5,e\n" >landing/p2.csv &&
	lk-query -q -l lake -F arrow "select * replace (replace(raw, '\''five'\'', '\''5'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s people.json --replay | lk-commit -q -l lake &&
	lk-ls -l lake --json | sed "s/,\"bytes.*//" >actual && cat >expect <<-\END && test_cmp expect actual &&
	{"table":"lk.files","rows":2,"files":2,"delete_files":0
	{"table":"lk.rejects","rows":0,"files":1,"delete_files":1
	{"table":"main.people","rows":5,"files":3,"delete_files":0
	{"table":"quarantine.rejects","rows":0,"files":1,"delete_files":1
	{"table":"ward.visits","rows":3,"files":1,"delete_files":0
	END
	lk-ls -l lake >expect && for f in lake/*/*/metadata/*.json; do sed -i "s/\"total-records\"/\"total-forgotten\"/g" "$f"; done &&
	! grep -l total-records lake/*/*/metadata/*.json && lk-ls -l lake >actual && test_cmp expect actual
'

test_expect_success 'no lake, no table' '
	mkdir none && expect_error 64 "no lake" env -C none lk-ls && expect_error 66 "nowhere" lk-ls -l nowhere &&
	lk-ls -l lake "lk.r*" >/dev/null && (cd lake/main && lk-ls people) | grep -q "^main.people,5"
'

test_done
