#!/bin/sh
# lk-log --key: the life of one row.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string", "lk": {"phi": "name"}},
	  {"name": "ward", "type": "string"}, {"name": "age", "type": "integer"}]}},
	 {"name": "labs", "path": "l*.csv", "schema": {"primaryKey": ["visit", "test"], "fields": [
	  {"name": "visit", "type": "integer", "constraints": {"required": true}}, {"name": "test", "type": "string", "constraints": {"required": true}},
	  {"name": "value", "type": "number"}]}},
	 {"name": "notes", "path": "n*.csv", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]}}]}
END

rows() { printf "$2" >in.csv && lk-parse -q -s people.json --as $1 in.csv >rows.lk; }
add() { rows $1 "$2" && lk-commit -q -l lake <rows.lk; }
replace() { rows $1 "$2" && lk-commit -q -l lake --overwrite "$3" <rows.lk; }
life() { lk-log -l lake -F csv "$@" | sed 's/in.csv@[0-9a-f]*!in.csv/in.csv/' | cut -d, -f3-; }

test_expect_success 'inserted, updated, moved and deleted' '
	add people "id,name,ward,age\n1,Ann,A1,7\n2,Bob,A1,\n3,Cyd,,9\n" && replace people "id,name,ward,age\n9,Ida,A1,1\n2,Bob,B2,5\n" "id IN (2, 9)" &&
	replace people "id,name,ward,age\n2,Bert,B2,5\n" "id = 2" && replace people "id,name,ward,age\n2,Bert,B2,5\n" "id = 2" && add people "id,name,ward,age\n4,D,C,1\n" &&
	lk-compact -q -l lake -t people && replace people "id,name,ward,age\n" "id = 2" && life -t people --key 2 >actual && cat >expect <<-\END && test_cmp expect actual &&
	operation,changes,lk_file,lk_row
	delete,"id: 2, name: (private), ward: ""B2"", age: 5",in.csv,1
	update,name: (private),in.csv,1
	update,"ward: ""A1"" -> ""B2"", age: null -> 5",in.csv,2
	insert,"id: 2, name: (private), ward: ""A1""",in.csv,2
	END
	life -t people --key id=2 | test_cmp expect - && life -t people --key 2 --max-count 2 >actual && sed -n 1,3p expect | test_cmp - actual &&
	life -t people --key 3 >actual && printf "operation,changes,lk_file,lk_row\ninsert,\"id: 3, name: (private), age: 9\",in.csv,3\n" | test_cmp - actual &&
	lk-log -l lake -t people --key 2 -F csv | cut -d, -f2 | sed 1d >ids && lk-log -l lake -t people -F csv | cut -d, -f3 >all && for s in $(cat ids); do grep -q "^$s$" all || return 1; done
'

test_expect_success 'private values only when they are asked for; JSON' '
	lk-log -l lake -t people --key 2 --json >actual && [ "$(wc -l <actual)" = 4 ] && ! grep -q "Bob\|Bert" actual &&
	sed -n 2p actual | grep "^{\"time\":\"[^\"]*\",\"snapshot\":[0-9]*,\"operation\":\"update\",\"changes\":{\"name\":{\"private\":true}},\"lk_file\":\"in.csv@[^\"]*\",\"lk_row\":1}$" &&
	sed -n 3p actual | grep "\"changes\":{\"ward\":{\"old\":\"A1\",\"new\":\"B2\"},\"age\":{\"old\":null,\"new\":5}}" &&
	sed -n 1p actual | grep "\"operation\":\"delete\",\"changes\":{\"id\":{\"old\":2,\"new\":null},\"name\":{\"private\":true}" &&
	lk-log -l lake -t people --key 2 --private --json | sed -n 2p | grep "\"name\":{\"old\":\"Bob\",\"new\":\"Bert\"}" &&
	lk-log -l lake -t people --key 2 --private | grep -q "name: \"\"Bob\"\" -> \"\"Bert\"\"" && python3 -c "import json,sys; [json.loads(l) for l in open(\"actual\")]"
'

test_expect_success 'keys of several columns, and of a table without one' '
	add labs "visit,test,value\n1,Na,140\n1,\"K, serum\",4\n2,Na,139\n" && replace labs "visit,test,value\n1,Na,141\n" "visit = 1 AND test = '\''Na'\''" &&
	printf "operation,changes,lk_file,lk_row\nupdate,value: 140.0 -> 141.0,in.csv,1\ninsert,\"visit: 1, test: \"\"Na\"\", value: 140.0\",in.csv,1\n" >expect &&
	life -t labs --key 1,Na | tr -d " " >actual && tr -d " " <expect | sed "s/140\.0/140/g; s/141\.0/141/g" >e && sed "s/140\.0*/140/g; s/141\.0*/141/g" actual | test_cmp e - &&
	life -t labs --key visit=1 --key test=Na | tr -d " " | test_cmp actual - && life -t labs --key "1,K, serum" | grep -c insert >n && echo 1 | test_cmp - n &&
	life -t labs --key visit=1 >actual && [ "$(grep -c insert actual)" = 2 ] && [ "$(grep -c update actual)" = 1 ] &&
	add notes "a,b\n1,x\n" && replace notes "a,b\n1,y\n" true && life -t notes --key a=1 >actual && printf "operation,changes,lk_file,lk_row\nupdate,\"b: \"\"x\"\" -> \"\"y\"\"\",in.csv,1\ninsert,\"a: 1, b: \"\"x\"\"\",in.csv,1\n" | test_cmp - actual
'

test_expect_success 'errors do not tell the value' '
	expect_error 65 "the value for column id is no long" lk-log -l lake -t people --key 12x && { lk-log -l lake -t people --key 12x 2>&1 | grep -q 12x && return 1; true; } &&
	expect_error 64 "has 2 columns, and needs as many values" lk-log -l lake -t labs --key 1 && expect_error 64 "has no key: --key COLUMN=VALUE" lk-log -l lake -t notes --key 1 &&
	expect_error 64 "of several --key each is COLUMN=VALUE" lk-log -l lake -t labs --key visit=1 --key Na && expect_error 64 "two values for column visit" lk-log -l lake -t labs --key visit=1 --key visit=2 &&
	expect_status 64 lk-log -l lake --key 1 && expect_status 64 lk-log -l lake -t people -t labs --key 1 && expect_status 64 lk-log -l lake -t people --private &&
	expect_status 66 lk-log -l lake -t nix --key 1 && expect_status 65 lk-log -l lake -t people --branch nix --key 1 &&
	lk-log -l lake -t people --key "1'\'' OR true OR '\''" >actual 2>err; grep -q "is no long" err && lk-log -l lake -t labs --key "visit=1" --key "test=x'\'' OR '\''1'\''='\''1" -F csv >actual 2>err && [ "$(wc -l <actual)" = 1 ] && grep -q "no row of labs has had that key" err
'

test_expect_success 'only files that can have the key are opened' '
	for i in 1 2 3 4 5; do printf "id,name,ward,age\n${i}00,x,y,1\n${i}99,x,y,1\n" >p.csv && lk-parse -q -s people.json p.csv | lk-commit -q -l far || return 1; done &&
	printf "id,name,ward,age\n150,x,y,1\n" >p.csv && lk-parse -q -s people.json p.csv | lk-commit -q -l far &&
	lk-log -v -l far -t people --key 150 -F csv >actual 2>err && [ "$(wc -l <actual)" = 2 ] && [ "$(grep -c "1 files are read" err)" = 2 ] &&
	lk-log -v -l far -t people --key 777 -F csv >actual 2>err && [ "$(wc -l <actual)" = 1 ] && ! grep -q "files are read" err && rm -f far/main/people/data/* &&
	lk-log -l far -t people --key 777 -q -F csv >actual && [ "$(wc -l <actual)" = 1 ]
'

test_expect_success 'of a branch; columns that are newer than rows' '
	lk-branch -q -l lake audit && lk-table alter -q -l lake people "add column note string" && printf "id,name,ward,age\n1,Ann,Z9,7\n" >in.csv &&
	lk-parse -q -s people.json --as people in.csv >rows.lk && lk-commit -q -l lake --branch audit --overwrite "id = 1" <rows.lk &&
	life -t people --key 1 | wc -l >n && echo 2 | test_cmp - n && life -t people --key 1 --branch audit | sed -n 2p >actual && echo "update,\"ward: \"\"A1\"\" -> \"\"Z9\"\"\",in.csv,1" | test_cmp - actual
'

test_done
