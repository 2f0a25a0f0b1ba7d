#!/bin/sh
# What rejects repeat of what stood before them: it stays in proportion to what was read.
. "$(dirname "$0")/test-lib.sh"

# package FORMAT RESOURCE FIELD: the resource a, of a.*, with an integer n.
package() {
	printf '{"name": "p", "resources": [{"name": "a", "path": "a.*", "format": "%s", %s"schema": {"fields": [{"name": "n", "type": "integer"%s}]}}]}\n' \
		"$@" >a.json
}

# The stream has ROWS rejects, in no more than FACTOR bytes for each that was read, and one for each KiB that a reject may cost.
stays_small() { # FILE REJECTS FACTOR
	expect_status 1 lk-parse -s a.json "$1" >out && read_bytes=$(wc -c <"$1") && written=$(wc -c <out) &&
	[ "$(lk-cat --count -t lk.rejects out | tr -dc 0-9)" = "$2" ] &&
	{ [ "$written" -le $((read_bytes * $3 + $2 * 1536 + 8 * 1024 * 1024)) ] || { echo "$written bytes of $read_bytes"; false; }; }
}

contexts() { # how many are told, how many are cut
	lk-cat -t lk.rejects -F json out | python3 -c '
import json, sys
cut = [json.loads(line)["context"] == "..." for line in sys.stdin]
print(cut.count(False), cut.count(True))'
}

test_expect_success 'XML: a root of a MiB around many small records' '
	package xml "\"lk\": {\"record\": \"/r/x\"}, " ", \"lk\": {\"path\": \"@n\"}" &&
	python3 -c "print(\"<r a=\\\"%s\\\">\" % (\"y\" * 1000000) + \"<x n=\\\"a\\\"/>\" * 20000 + \"</r>\")" >a.xml &&
	stays_small a.xml 20000 16 && contexts >actual && grep -v "^0 " actual | grep -v " 0$"
'

test_expect_success 'delimited text: a first line of a MB before many bad rows' '
	package csv "\"dialect\": {\"headerRows\": [2]}, " "" &&
	python3 -c "print(\"y\" * 1000000 + \"\\nn\\n\" + \"a\\n\" * 5000, end=\"\")" >a.csv &&
	stays_small a.csv 5000 16 && contexts >actual && grep -v "^0 " actual | grep -v " 0$"
'

test_expect_success 'fixed width: a header record of a MB before many bad ones' '
	package fixed "\"lk\": {\"record\": \"D\", \"recordType\": \"1:1\", \"header\": \"H\"}, " ", \"lk\": {\"path\": \"2:1\"}" &&
	python3 -c "print(\"H\" + \"y\" * 1000000 + \"\\n\" + \"Da\\n\" * 5000, end=\"\")" >a.txt &&
	stays_small a.txt 5000 16 && contexts >actual && grep -v "^0 " actual | grep -v " 0$"
'

test_expect_success 'JSON: elements are not told of those before them, unless something goes by their number' '
	package json "\"lk\": {\"record\": \"/x/*\"}, " "" &&
	python3 -c "print(\"{\\\"x\\\":[\" + \",\".join(\"{\\\"n\\\":\\\"a%d\\\"}\" % i for i in range(20000)) + \"]}\")" >a.json.in && mv a.json.in a.doc &&
	stays_small a.doc 20000 16 && [ "$(contexts)" = "20000 0" ] &&
	lk-cat -t lk.rejects -F json out | grep -c "\"context\":\"{.\"x.\":\[\"" >actual && [ "$(cat actual)" = 20000 ] &&
	sed "s/}\]}}\]}/}, {\"name\": \"i\", \"type\": \"integer\", \"lk\": {\"path\": \"0#\"}}]}}]}/" a.json >b.json && mv b.json a.json &&
	stays_small a.doc 20000 16 && contexts >actual && grep -v "^0 " actual | grep -v " 0$" &&
	lk-cat -t lk.rejects -F json out | sed -n 3p | grep -qF "[null,null,"
'

test_expect_success 'JSON: large members beside many small records' '
	package json "\"lk\": {\"record\": \"/x/*\"}, " "" &&
	python3 -c "print(\"{\\\"y\\\":\\\"%s\\\",\\\"x\\\":[\" % (\"y\" * 1000000) + \",\".join(\"{\\\"n\\\":\\\"a\\\"}\" for i in range(20000)) + \"]}\")" >a.doc &&
	stays_small a.doc 20000 16 && contexts >actual && grep -v "^0 " actual | grep -v " 0$"
'

test_expect_success 'an ordinary file of nothing but rejects keeps what each needs' '
	package csv "\"lk\": {\"rest\": true}, " "" &&
	python3 -c "print(\"n,\" + \",\".join(\"column%d\" % i for i in range(100))); [print(\"a\" + \",b\" * 100) for i in range(20000)]" >a.csv &&
	expect_status 1 lk-parse -s a.json a.csv >out && [ "$(contexts)" = "20000 0" ]
'

test_expect_success 'a reject whose context was cut stays, and is told' '
	package xml "\"lk\": {\"record\": \"/r/x\"}, " ", \"lk\": {\"path\": \"@n\"}" &&
	python3 -c "print(\"<r a=\\\"%s\\\">\" % (\"y\" * 1000000) + \"<x n=\\\"a\\\"/>\" * 10 + \"</r>\")" >a.xml &&
	expect_status 1 lk-parse -s a.json a.xml >a.lk && lk-commit -q -l lake <a.lk &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''\"a\"'\'', '\''\"1\"'\'') as raw) from quarantine.rejects where context = '\''...'\''" >in.lk &&
	expect_error 1 "what stands before it is too long to be kept with it" sh -c "lk-parse -s a.json --replay <in.lk >out.lk" &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''\"a\"'\'', '\''\"1\"'\'') as raw) from quarantine.rejects where context <> '\''...'\''" |
		lk-parse -q -s a.json --replay >out.lk && [ "$(lk-cat --count -t a out.lk | tr -dc 0-9)" -gt 0 ]
'

test_done
