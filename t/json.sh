#!/bin/sh
# JSON lines and documents: pointers, arrays as tables, exact numbers, broken texts.
. "$(dirname "$0")/test-lib.sh"

rows() { # TABLE
	lk-cat -t "$1" -F csv out | sed 's/,[^,]*,\([0-9]*\)$/,\1/; s/,lk_file,lk_row$/,lk_row/'
}

rejects() {
	lk-cat -t lk.rejects -F json out | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["table"][5:], r["record"], r["line"], r["field"], r["reason"], sep="|")'
}

# package FORMAT LK FIELDS: the resource a, of a*.
package() {
	printf '{"resources": [{"name": "a", "path": "a*", "format": "%s", "lk": {%s}, "schema": {"fields": [%s]}}]}\n' "$@" >a.json
}

field() { # NAME PATH [TYPE [MORE]]
	printf '{"name": "%s", "type": "%s", "lk": {"path": "%s"%s}}' "$1" "${3:-string}" "$2" "${4:+, $4}"
}

test_expect_success 'fields are members, or pointers; null is missing' '
	package jsonl "" "{\"name\": \"id\"}, $(field city /address/0/city), $(field n /n integer), $(field ok /ok boolean), $(field slash /a~1b~0c), $(field born /born date)" &&
	cat >a.jsonl <<-\EOF &&
	{"id": "p1", "address": [{"city": "Bern"}, {"city": "Basel"}], "n": 7, "ok": true, "a/b~c": "x", "born": "1970-01-31"}

	{"born": null, "n": null, "id": 12, "address": [], "ok": false}
	{"id": "\u00e4\ud83d\ude00\n\"q\"", "address": {"0": {"city": "Object"}}}
	EOF
	lk-parse -s a.json a.jsonl >out && lk-cat -t a -F json out | cut -d, -f1-6 >actual &&
	cat >expect <<-\EOF &&
	{"id":"p1","city":"Bern","n":7,"ok":true,"slash":"x","born":"1970-01-31"
	{"id":"12","city":null,"n":null,"ok":false,"slash":null,"born":null
	{"id":"ä😀\n\"q\"","city":"Object","n":null,"ok":null,"slash":null,"born":null
	EOF
	test_cmp expect actual
'

test_expect_success 'numbers keep what stands there' '
	package jsonl "" "$(field t /v), $(field d /v number "\"decimal\": [38, 10]"), $(field all "")" &&
	cat >a.jsonl <<-\EOF &&
	{"v": 1.10}
	{"v": 123456789012345678901234567.0123456789}
	{"v": 0.30000000000000004441}
	{"v": -0}
	EOF
	lk-parse -s a.json a.jsonl >out || true
	lk-cat -t a -F json out | cut -d, -f1,2 >actual &&
	cat >expect <<-\EOF &&
	{"t":"1.10","d":1.1000000000
	{"t":"123456789012345678901234567.0123456789","d":123456789012345678901234567.0123456789
	{"t":"-0","d":0.0000000000
	EOF
	test_cmp expect actual && rejects | cut -d"|" -f1-4 >actual && echo "a|3|3|d" >expect && test_cmp expect actual
'

test_expect_success 'arrays and objects are their own text; all elements joined' '
	package jsonl "" "$(field o /o object), $(field a /a array), $(field g "/name/*/given/*" string "\"join\": \" \""), $(field first "/name/*/given/*"), $(field rec "" object)" &&
	echo "{\"o\": {\"x\": [1.0, \"\\u0041\"]}, \"a\": [ 1,2 ], \"name\": [{\"given\": [\"A\\\\u0042\", null, \"B\"]}, {}, {\"given\": [\"C\", 4]}]}" >a.jsonl &&
	lk-parse -s a.json a.jsonl >out && lk-cat -t a -F json out | python3 -c "
import json, sys
r = json.loads(sys.stdin.readline())
assert r[\"o\"] == \"{\\\"x\\\": [1.0, \\\"\\\\u0041\\\"]}\", r
assert r[\"a\"] == \"[ 1,2 ]\", r
assert r[\"g\"] == \"AB B C 4\", r
assert r[\"first\"] == \"AB\", r
assert r[\"rec\"] == open(\"a.jsonl\").read().strip(), r"
'

test_expect_success 'arrays become tables of their own, that reach outward' '
	cat >a.json <<-EOF &&
	{"resources": [
	 {"name": "patients", "path": "a*", "format": "ndjson", "schema": {"fields": [$(field id /id)]}},
	 {"name": "names", "path": "a*", "format": "ndjson", "lk": {"record": "/name/*"}, "schema": {"fields": [
	  $(field patient 2/id), $(field n 0# integer), $(field family /family)]}},
	 {"name": "given", "path": "a*", "format": "ndjson", "lk": {"record": "/name/*/given/*"}, "schema": {"fields": [
	  $(field patient 4/id), $(field name 2# integer), $(field n 0# integer), $(field what 1#), $(field given 0), $(field far 9/id)]}}
	]}
	EOF
	cat >a.ndjson <<-\EOF &&
	{"id": "p1", "name": [{"family": "F", "given": ["A", "B"]}, {"family": "G"}]}
	{"id": "p2"}
	{"name": [{"given": ["C"]}], "id": "p3"}
	EOF
	lk-parse -s a.json a.ndjson >out && rows patients >actual && rows names >>actual && rows given >>actual &&
	cat >expect <<-\EOF &&
	id,lk_row
	p1,1
	p2,2
	p3,3
	patient,n,family,lk_row
	p1,0,F,1
	p1,1,G,2
	p3,0,,3
	patient,name,n,what,given,far,lk_row
	p1,0,0,given,A,,1
	p1,0,1,given,B,,2
	p3,0,0,given,C,,3
	EOF
	test_cmp expect actual
'

test_expect_success 'what is no JSON is a reject of each table, with line and column; the next line is read' '
	cat >bad.jsonl <<-\EOF &&
	{"id": "p1"}
	{"id": "p2"
	{"id" "p3"}
	{"id": "p4", }
	{"id": "p5"} x
	{"id": "p6", "id": "p7"}
	{"ä": nul}
	{"id": "\ud800"}
	{"id": 01}
	{"id": 1.}
	{"id": "a	b"}
	{"id": "\x"}
	'\''p'\''
	{"id": "p8"}
	EOF
	printf "{\"id\": \"\377\"}\n{\"id\": \"p\\\\u0000q\"}\n{\"id\": \"p9" >>bad.jsonl &&
	package jsonl "" "$(field id /id)" && cp bad.jsonl a.jsonl &&
	expect_status 1 lk-parse -s a.json a.jsonl >out && rows a | tr "\n" " " >actual &&
	printf "id,lk_row p1,1 p8,14 " >expect && test_cmp expect actual &&
	rejects >actual && cat >expect <<-\EOF && test_cmp expect actual
	a|2|2|None|is not JSON: a comma or a closing brace is missing, column 12
	a|3|3|None|is not JSON: a colon is missing, column 7
	a|4|4|None|is not JSON: a member'\''s name in quotes is missing, column 14
	a|5|5|None|is not JSON: text follows the value, column 14
	a|6|6|None|is not JSON: an object has two members of one name, column 15
	a|7|7|None|is not JSON: no value of JSON begins like this, column 7
	a|8|8|None|is not JSON: \u without four hexadecimal digits, or half of a pair, column 9
	a|9|9|None|is not JSON: a number begins with 0, column 8
	a|10|10|None|is not JSON: a digit is missing, column 10
	a|11|11|None|is not JSON: a control character in a string, column 10
	a|12|12|None|is not JSON: there is no such escape, column 9
	a|13|13|None|is not JSON: no value of JSON begins like this, column 1
	a|15|15|None|is not JSON: bytes that are not UTF-8, column 9
	a|16|16|id|holds a NUL byte
	a|17|17|None|is not JSON: a string is never closed, column 8
	EOF
'

test_expect_success 'depth, size and number of values have limits; members of one name are found among many' '
	python3 - <<-\EOF &&
	n = 16 << 20
	with open("a.jsonl", "w") as f:
	    f.write("[" * 256 + "]" * 256 + "\n")
	    f.write("[" * 257 + "]" * 257 + "\n")
	    f.write("[" * 100000 + "\n")
	    f.write("{\"id\": \"ok\"}\n")
	    f.write("{\"id\": \"" + "x" * n + "\"}\n")
	    f.write("[" + "1," * 2000000 + "1]\n")
	    f.write("{" + ",".join("\"k%d\": %d" % (i, i) for i in range(100000)) + ",\"id\": \"many\"}\n")
	    f.write("{" + ",".join("\"k%d\": %d" % (i, i) for i in range(100000)) + ",\"k77\": 1}\n")
	    f.write("{\"id\": \"end\"}\n")
	EOF
	expect_status 1 lk-parse -s a.json a.jsonl >out && rows a | tr "\n" " " >actual &&
	printf "id,lk_row ,1 ok,4 many,7 end,9 " >expect && test_cmp expect actual &&
	rejects | cut -d"|" -f2,5 | sed "s/, column.*//" >actual && cat >expect <<-\EOF && test_cmp expect actual
	2|is not JSON: deeper than 256 arrays and objects
	3|is not JSON: deeper than 256 arrays and objects
	5|is longer than 16 MiB
	6|is not JSON: more than a million values
	8|is not JSON: an object has two members of one name
	EOF
'

test_expect_success 'lk.where says whose records they are' '
	cat >a.json <<-EOF &&
	{"resources": [
	 {"name": "p", "path": "a*", "format": "jsonl", "lk": {"where": {"0/resourceType": "P"}}, "schema": {"fields": [$(field id /id)]}},
	 {"name": "q", "path": "a*", "format": "jsonl", "lk": {"where": {"0/resourceType": ["Q", "R"]}}, "schema": {"fields": [$(field id /id)]}}
	]}
	EOF
	printf "{\"resourceType\": \"%s\", \"id\": \"%s\"}\n" P p1 Q q1 R q2 X x1 P p2 >a.jsonl &&
	expect_status 1 lk-parse -s a.json a.jsonl >out && (rows p && rows q) | tr "\n" " " >actual &&
	printf "id,lk_row p1,1 p2,3 id,lk_row q1,1 q2,2 " >expect && test_cmp expect actual &&
	rejects >actual && echo "p|2|4|None|is none that lk.where takes" >expect && test_cmp expect actual &&
	sed "s,0/resourceType,/resourceType,g" a.json >b.json &&
	expect_status 1 lk-parse -s b.json a.jsonl >out && (lk-cat -t p -F csv out | wc -l) >actual && echo 3 >expect &&
	test_cmp expect actual && expect_status 66 lk-cat -t q -F csv out &&
	grep X a.jsonl >ax.jsonl && expect_status 1 lk-parse -s b.json ax.jsonl >out &&
	lk-cat -t lk.files -F json out | grep -q "unmatched.*its first record is none that lk.where takes"
'

test_expect_success 'members that no field names land in lk_rest' '
	package jsonl "\"rest\": true" "$(field id /id), $(field city /address/0/city)" &&
	cat >a.jsonl <<-\EOF &&
	{"id": "p1", "x": 1.50, "address": [1], "\u0079\"": "a\n", "z": null, "o": {"k": []}}
	{"id": "p2"}
	EOF
	cat >expect <<-\EOF &&
	{"x":1.50,"\u0079\"":"a\n","o":{"k": []}}
	EOF
	lk-parse -s a.json a.jsonl >out && lk-cat -t a -F json out | python3 -c "
import json, sys
r = [json.loads(l)[\"lk_rest\"] for l in sys.stdin]
assert r[0] == open(\"expect\").read().strip(), r
assert r[1] is None, r"
'

test_expect_success 'documents: an array of records, values one after the other, one record' '
	package json "" "$(field id /id)" &&
	cat >a.1 <<-\EOF &&
	[{"id": 1}, {"id": "2]}\""} ,
	{"id": {"a": [3]}}
	]
	EOF
	printf "%s" "{\"id\": 1} {\"id\": \"2]}\\\"\"}{\"id\": {\"a\": [3]}}" >a.2 &&
	cat >expect <<-\EOF &&
	{"id":"1"
	{"id":"2]}\""
	{"id":"{\"a\": [3]}"
	EOF
	for doc in a.1 a.2
	do
		lk-parse -s a.json $doc >out && lk-cat -t a -F json out | cut -d, -f1 >actual && test_cmp expect actual || return 1
	done &&
	printf "\357\273\277 {\"id\":\n1}" >a.doc && lk-parse -s a.json a.doc >out && rows a | tail -1 >actual && echo 1,1 >expect &&
	test_cmp expect actual && : >a.doc && lk-parse -s a.json a.doc >out && echo "[]" >a.doc && lk-parse -s a.json a.doc
'

test_expect_success 'documents: a record that is broken is a reject, brackets that do not close end the reading' '
	printf "[{\"id\": 1},\n {\"id\" 2},\n {\"id\": 3}, 7 ,\n {\"id\": \"4\n" >a.doc &&
	expect_status 1 lk-parse -s a.json a.doc >out && rows a | tr "\n" " " >actual &&
	printf "id,lk_row 1,1 3,3 ,4 " >expect && test_cmp expect actual &&
	rejects >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	a|2|2|None|is not JSON: a colon is missing, column 7
	a|5|4|None|is not JSON: it ends within a value
	EOF
	printf "[{\"id\": 1}] x" >a.doc && expect_status 1 lk-parse -s a.json a.doc >out && rejects | grep "text follows the array" &&
	printf "{\"id\": 1" >a.doc && expect_status 1 lk-parse -s a.json a.doc >out &&
	lk-cat -t lk.files -F json out | grep -q "\"failed\".*it ends within a value" &&
	python3 -c "print(\"[{\\\"id\\\": 1}, {\\\"id\\\": \\\"\" + \"x\" * (17 << 20) + \"\\\"}, {\\\"id\\\": 3}]\")" >a.doc &&
	expect_status 1 lk-parse -s a.json a.doc >out && rows a | tr "\n" " " >actual && printf "id,lk_row 1,1 3,3 " >expect &&
	test_cmp expect actual && rejects | grep "a|2|1|None|is longer than 16 MiB"
'

test_expect_success 'a bundle: its entries are records' '
	package json "\"record\": \"/entry/*/resource\", \"where\": {\"0/resourceType\": \"P\"}" "$(field id /id), $(field url 1/fullUrl), $(field type 3/type)" &&
	echo "{\"type\": \"t\", \"entry\": [{\"fullUrl\": \"u1\", \"resource\": {\"resourceType\": \"P\", \"id\": 1}}, {\"resource\": {\"resourceType\": \"Q\"}}]}" >a.doc &&
	lk-parse -s a.json a.doc >out && rows a >actual && printf "id,url,type,lk_row\n1,u1,t,1\n" >expect && test_cmp expect actual
'

test_expect_success 'rejects are read again behind what stood around them' '
	cat >a.json <<-EOF &&
	{"resources": [
	 {"name": "p", "path": "a*", "format": "jsonl", "lk": {"where": {"/t": "P"}}, "schema": {"fields": [$(field id /id), $(field n /n integer)]}},
	 {"name": "g", "path": "a*", "format": "jsonl", "lk": {"record": "/name/*/given/*", "where": {"/t": "P"}}, "schema": {"fields": [
	  $(field id 4/id), $(field use 2/use), $(field ref 4/ref/x), $(field at 2# integer), $(field n 0# integer), $(field given 0 integer)]}},
	 {"name": "next", "path": "a*", "format": "jsonl", "lk": {"record": "/name/*", "where": {"/t": "P"}}, "schema": {"fields": [
	  $(field first 1/0/use), $(field bad /bad integer)]}}
	]}
	EOF
	cat >a.jsonl <<-\EOF &&
	{"t": "P", "id": "p\"1]", "n": 1, "name": [{"use": "u0"}, {"given": [1, null, "{two"], "use": "u1", "bad": "x"}], "ref": {"x": [1]}}
	{"t": "P", "id": "p2", "n": "no"}
	{"t": "P", "id": "p3", "n": 3
	EOF
	expect_status 1 lk-parse -q -s a.json a.jsonl >out && lk-commit -q -l lake <out &&
	lk-query -l lake -F arrow "select * replace (replace(replace(replace(raw, '\''\"no\"'\'', '\''2'\''), '\''{two'\'', '\''2'\''),
		'\'': 3'\'', '\'': 3}'\'') as raw) from quarantine.rejects where \"table\" <> '\''main.g'\'' or line = 1" |
		expect_status 1 lk-parse -s a.json --replay >again 2>err && cat err && lk-commit -q -l lake <again &&
	lk-query -l lake -F csv "select id, n, lk_row from p order by 3" >actual &&
	printf "id,n,lk_row\n\"p\"\"1]\",1,1\np2,2,2\np3,3,3\n" >expect && test_cmp expect actual &&
	lk-query -l lake -F csv "select id, \"use\", \"ref\", \"at\", n, given, lk_row from g order by lk_row" >actual &&
	cat >expect <<-\EOF && test_cmp expect actual &&
	id,use,ref,at,n,given,lk_row
	"p""1]",u1,[1],1,0,1,1
	"p""1]",u1,[1],1,2,2,2
	EOF
	lk-query -l lake -F csv "select \"table\", count(*) n from lk.rejects group by 1 order by 1" >actual &&
	printf "table,n\nmain.g,1\nmain.next,2\n" >expect && test_cmp expect actual
'

test_expect_success 'what is no JSON at all is not taken' '
	package jsonl "" "$(field id /id)" && echo "id,name" >a.csv && expect_status 1 lk-parse -s a.json a.csv >out &&
	lk-cat -t lk.files -F json out | grep -q "unmatched.*no resource takes it: is not JSON" &&
	printf "junk\n{\"id\": 1}\n" >a.csv && expect_status 1 lk-parse -s a.json a.csv >out && rows a | tail -1 >actual && echo 1,2 >expect &&
	test_cmp expect actual
'

test_expect_success 'paths that cannot be are refused' '
	for bad in a/b /a~2 1b 0#x
	do
		package jsonl "" "$(field id $bad)" &&
		expect_error 78 "resources[0].schema.fields[0].lk.path: '\''$bad'\'' " lk-parse -s a.json --check || return 1
	done &&
	package jsonl "\"record\": \"1/x\"" "$(field id /id)" && expect_error 78 "lk.record: '\''1/x'\'' must begin with a slash" lk-parse -s a.json --check &&
	package jsonl "\"where\": {\"a\": \"b\"}" "$(field id /id)" && expect_error 78 "lk.where.a: '\''a'\'' is no JSON Pointer" lk-parse -s a.json --check
'

test_done
