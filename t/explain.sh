#!/bin/sh
# lk-parse --explain: what is made of a file, and why.
. "$(dirname "$0")/test-lib.sh"

cat >clinic.json <<\EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>FAC[0-9]+)-.*"}, "resources": [
 {"name": "people", "path": "*.csv", "encoding": "windows-1252", "schema": {"fieldsMatch": "partial", "fields": [
  {"name": "id", "type": "integer"}, {"name": "ssn", "type": "integer", "lk": {"phi": "id"}},
  {"name": "born", "type": "date", "format": "%d.%m.%Y"}, {"name": "height", "type": "number"},
  {"name": "sent", "lk": {"path": "delivery:sender"}}]}},
 {"name": "books", "path": "*.xml", "format": "xml", "lk": {"record": "/shop/book", "root": "shop"},
  "schema": {"fields": [{"name": "id", "type": "integer", "lk": {"path": "@id"}}]}}]}
EOF_
cat >other.json <<\EOF_
{"name": "other", "resources": [{"name": "lists", "path": ["a*.txt", "b*.txt"], "dialect": {"header": false, "delimiter": "|"},
 "schema": {"fields": [{"name": "n", "type": "integer"}, {"name": "m"}]}}]}
EOF_
mkdir sources && mv clinic.json other.json sources
printf 'ID,SSN,Born,Note\n1,99912,01.02.2003,x\n2,88secret,01.02.2003,y\n3,,31.02.2003,\351\n4,,,\n' >FAC1-p.csv

test_expect_success 'who was asked, how columns were read, and what was rejected' '
	expect_status 1 lk-parse -s sources --explain FAC1-p.csv >actual &&
	cat >expect <<-\EOF_ &&
	FAC1-p.csv: 83 bytes, from FAC1
	  package clinic (sources/clinic.json) applies by its lk.delivery
	    people: takes it
	    books: no: its path is *.xml
	  clinic/people -> table people: csv, windows-1252, delimiter ",", quote "\"", a header
	    ID           -> id      int64, 2 values: 1, 4
	    SSN          -> ssn     int64, 1 value, 1 null; private (id)
	    Born         -> born    date32 by %d.%m.%Y, 1 value, 1 null: 2003-02-01
	    Note         is left out: no field takes it
	    (no column)  -> height  float64, 0 values, 2 null
	    sender       -> sent    utf8, 2 values: FAC1
	  4 records: 2 rows, 2 rejected
	  why:
	    line 3, record 2, column ssn: is not an integer of 64 bits
	    line 4, record 3, column born: '\''31.02.2003'\'' is not a date
	EOF_
	test_cmp expect actual && ! grep -q "99912\|88secret" actual
'

test_expect_success 'why no resource takes a member, for each of an archive' '
	mkdir drop && printf "<shop><book id=\"1\"/><book id=\"x\"/></shop>" >drop/b.xml && printf "<other/>" >drop/c.xml &&
	printf "1|one\n2|two\n" >drop/b1.txt && printf hello >drop/README.md && tar -C drop -cf FAC2-d.tar README.md b.xml b1.txt c.xml &&
	lk-unpack FAC2-d.tar >members.lk && expect_status 1 lk-parse -s sources --explain <members.lk >actual &&
	cat >expect <<-\EOF_ &&
	FAC2-d.tar!README.md: 5 bytes
	  package clinic (sources/clinic.json) applies by its lk.delivery
	    people: no: its path is *.csv
	    books: no: its path is *.xml
	  package other (sources/other.json) applies to every delivery
	    lists: no: its path is a*.txt, b*.txt
	  unmatched
	  no resource takes it
	FAC2-d.tar!b.xml: 41 bytes
	  package clinic (sources/clinic.json) applies by its lk.delivery
	    people: no: its path is *.csv
	    books: takes it
	  clinic/books -> table books: xml
	    @id  -> id  int64, 1 value: 1
	  2 records: 1 row, 1 rejected
	  why:
	    line 1, record 2, column id: '\''x'\'' is not an integer of 64 bits
	FAC2-d.tar!b1.txt: 12 bytes
	  package clinic (sources/clinic.json) applies by its lk.delivery
	    people: no: its path is *.csv
	    books: no: its path is *.xml
	  package other (sources/other.json) applies to every delivery
	    lists: takes it
	  other/lists -> table lists: csv, UTF-8, delimiter "|", quote "\"", no header
	    n  -> n  int64, 2 values: 1, 2
	    m  -> m  utf8, 2 values: one, two
	  2 records: 2 rows, 0 rejected
	EOF_
	sed "/c.xml/,\$d" actual | test_cmp expect - &&
	sed "1,/c.xml/d" actual | grep "books: no: .*root" &&
	expect_status 1 lk-parse -s sources --explain drop/README.md >actual && grep "does not apply: its lk.delivery is (?<sender>" actual
'

test_expect_success 'many rejects are counted by reason, and the first ten shown' '
	{ seq -f "%.0f|a" 1000; seq -f "x%.0f|a" 30; echo "1|2|3"; } >a.txt && expect_status 1 lk-parse -s sources --explain a.txt >actual &&
	grep -A2 "why, and how many" actual | tail -n 2 >got && printf "          30  n is not an integer of 64 bits\n           1  has 3 fields, not 2\n" | test_cmp - got &&
	[ "$(grep -c "^    line 10[0-9][0-9], record 10[0-9][0-9], column n: .x[0-9]*. is not" actual)" = 10 ] &&
	grep "^    n  -> n  int64, 1000 values: 1, 2, 3$" actual && grep "1031 records: 1000 rows, 31 rejected" actual
'

test_expect_success 'a file of which nothing can be read, by its resource' '
	printf "a,b\n1,2\n" >FAC3-x.csv && sed "s/\"partial\"/\"equal\"/" sources/clinic.json >equal.json &&
	expect_status 1 lk-parse -s equal.json --explain FAC3-x.csv >actual &&
	grep "0 records: 0 rows, 0 rejected" actual && grep "^  failed$" actual && grep "^  error: line 1: " actual &&
	expect_status 1 lk-parse -s sources --as lists --explain <FAC3-x.csv >actual && grep "other/lists -> table lists" actual
'

test_expect_success 'as JSON, a line for each member' '
	lk-parse -s sources --explain --json FAC1-p.csv drop/b1.txt >actual; [ $? = 1 ] && [ "$(wc -l <actual)" = 2 ] && python3 - <<-\EOF_
	import json
	p, b = map(json.loads, open("actual"))
	assert (p["delivery"], p["member"], p["size"], p["sender"]) == ("FAC1-p.csv", "FAC1-p.csv", 83, "FAC1")
	assert [(r["resource"], r["takes"], r["named"]) for r in p["packages"][0]["resources"]] == [("people", True, True), ("books", False, False)]
	t, = p["tables"]
	assert (t["records"], t["rows"], t["rejected"], t["encoding"], t["missing"]) == (4, 2, 2, "windows-1252", ["height"])
	columns = {c.get("column", c.get("field")): c for c in t["columns"]}
	assert columns["SSN"]["samples"] == [] and columns["SSN"]["phi"] == "id" and columns["ID"]["samples"] == ["1", "4"]
	assert columns["Note"] == {"column": "Note"} and columns["Born"]["format"] == "%d.%m.%Y"
	assert t["rejects"][0] == {"record": 2, "line": 3, "field": "ssn", "reason": "is not an integer of 64 bits"}
	assert t["rejects"][1]["value"] == "31.02.2003"
	assert [r["applies"] for r in b["packages"]] == [False, True] and b["tables"][0]["dialect"]["delimiter"] == "|"
	assert "88secret" not in open("actual").read()
	EOF_
'

test_expect_success 'what goes with --explain' '
	expect_error 64 "--json goes with --explain only" lk-parse -s sources --json FAC1-p.csv &&
	expect_error 64 "--explain goes with neither --check nor --replay" lk-parse -s sources --explain --check &&
	expect_error 74 "" sh -c "lk-parse -s sources --explain FAC1-p.csv >/dev/full"
'

test_done
