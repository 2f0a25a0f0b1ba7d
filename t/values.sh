#!/bin/sh
# Types, constraints, partial dates, time zones, and values that do not fit: what a package says of them, and what comes out.
. "$(dirname "$0")/test-lib.sh"

# A package with one resource, x, of the given fields; with more properties of the resource.
package() { # FIELDS [PROPERTIES]
	cat >x.json <<-EOP
	{"name": "x", "resources": [{"name": "x", "path": "x*", ${2-} "schema": {"fields": [$1]}}]}
	EOP
}

# The rows of x.csv without lk's own columns, then its rejects: record, column, reason.
read_values() { # STATUS
	expect_status "$1" lk-parse -s x.json x.csv >out.lk &&
		lk-cat -F csv -t x out.lk | sed 's/,x\.csv@[0-9a-f]*!x\.csv,[0-9]*$//; s/,lk_file,lk_row$//' >actual &&
		lk-cat -F csv -t lk.rejects out.lk | python3 -c 'import csv, sys
for r in csv.DictReader(sys.stdin):
    print(r["record"], r["field"], "%s%s" % (chr(39) + r["value"] + chr(39) + " " if r["value"] else "", r["reason"]), sep=": ")' >>actual
}

test_expect_success 'bounds are held to, and read as the values are' '
	package "{\"name\": \"n\", \"type\": \"integer\", \"constraints\": {\"minimum\": 1, \"maximum\": \"5\"}},
		{\"name\": \"d\", \"type\": \"date\", \"format\": \"%d.%m.%Y\", \"constraints\": {\"exclusiveMinimum\": \"01.01.2026\"}},
		{\"name\": \"p\", \"type\": \"number\", \"decimalChar\": \",\", \"constraints\": {\"exclusiveMaximum\": 0.5}},
		{\"name\": \"t\", \"type\": \"duration\", \"constraints\": {\"maximum\": \"P1M\"}},
		{\"name\": \"ym\", \"type\": \"yearmonth\", \"constraints\": {\"minimum\": \"2026-02\"}}" "\"dialect\": {\"delimiter\": \"|\"}," &&
	printf "n|d|p|t|ym\n1|02.01.2026|0,4|P27D|2026-02\n||||\n0||||\n7||||\n|01.01.2026|||\n||0,5||\n|||P30D|\n|||P1Y|\n||||2026-01\n" >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	n,d,p,t,ym
	1,2026-01-02,0.4,P27D,2026-02
	,,,,
	3: n: '\''0'\'' is less than the minimum 1
	4: n: '\''7'\'' is more than the maximum 5
	5: d: '\''01.01.2026'\'' is not more than the exclusive minimum 01.01.2026
	6: p: '\''0,5'\'' is not less than the exclusive maximum 0.5
	7: t: '\''P30D'\'' cannot be compared with the maximum P1M
	8: t: '\''P1Y'\'' is more than the maximum P1M
	9: ym: '\''2026-01'\'' is less than the minimum 2026-02
	EOF_
	test_cmp expect actual
'

test_expect_success 'lengths count characters and items, and enum compares values' '
	package "{\"name\": \"s\", \"constraints\": {\"minLength\": 2, \"maxLength\": 3}},
		{\"name\": \"a\", \"type\": \"array\", \"constraints\": {\"minLength\": 1}},
		{\"name\": \"l\", \"type\": \"list\", \"delimiter\": \";\", \"itemType\": \"integer\", \"constraints\": {\"maxLength\": 2}},
		{\"name\": \"n\", \"type\": \"number\", \"constraints\": {\"enum\": [1.5, \"2\"]}},
		{\"name\": \"c\", \"categories\": [{\"value\": \"M\", \"label\": \"male\"}, \"F\"]},
		{\"name\": \"o\", \"type\": \"object\", \"constraints\": {\"enum\": [{\"a\": 1, \"b\": 2}]}}" "\"dialect\": {\"delimiter\": \"|\", \"quoteChar\": \"\"}," &&
	printf "s|a|l|n|c|o\nh\\303\\251\\303\\251|[0]|1; 2|1.50|F|{\"b\":2, \"a\":1}\nh|||||\nh\\303\\251\\303\\251h|||||\n|[]||||\n|{}||||\n||1;2;3|||\n||1;x|||\n|||3||\n||||m|\n|||||{\"a\":1}\n" >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	s,a,l,n,c,o
	héé,[0],1; 2,1.5,F,"{""b"":2, ""a"":1}"
	2: s: '\''h'\'' has fewer than 2 characters
	3: s: '\''hééh'\'' has more than 3 characters
	4: a: '\''[]'\'' has fewer than 1 item
	5: a: '\''{}'\'' is not a JSON array
	6: l: '\''1;2;3'\'' has more than 2 items
	7: l: '\''1;x'\'' is a list with an item of another type
	8: n: '\''3'\'' is none of 1.5, 2
	9: c: '\''m'\'' is none of M, F
	10: o: '\''{"a":1}'\'' is none of {"a":1,"b":2}
	EOF_
	test_cmp expect actual
'

test_expect_success 'a pattern is one of the whole value, and no value can make it run on' '
	package "{\"name\": \"s\", \"constraints\": {\"pattern\": \"[A-Z]{2}|x.\"}}, {\"name\": \"h\", \"constraints\": {\"pattern\": \"(a+)+b?\"}}" &&
	{ printf "s,h\nAB,aaa\nxy,\nABC,\nAB ,\n\"x\n\",\n"; python3 -c "print(\",\" + \"a\" * 40 + \"!\")"; } >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	s,h
	AB,aaa
	xy,
	3: s: '\''ABC'\'' does not match the pattern [A-Z]{2}|x.
	4: s: '\''AB '\'' does not match the pattern [A-Z]{2}|x.
	5: s: '\''x
	'\'' does not match the pattern [A-Z]{2}|x.
	6: h: '\''aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'\'' takes too long to be matched by the pattern (a+)+b?
	EOF_
	test_cmp expect actual
'

test_expect_success 'unique is about the rows of one file' '
	package "{\"name\": \"k\", \"type\": \"number\", \"lk\": {\"phi\": \"id\"}, \"constraints\": {\"unique\": true}}, {\"name\": \"d\", \"type\": \"date\"}" &&
	printf "k,d\n1,2026-01-01\n1.0,\n2,bad\n2,\n,\n,\n2,\n" >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	k,d
	1.0,2026-01-01
	2.0,
	,
	,
	2: k: stands in an earlier record, and must be unique
	3: d: '\''bad'\'' is not a date
	7: k: stands in an earlier record, and must be unique
	EOF_
	test_cmp expect actual &&
	cp x.csv x2.csv &&
	expect_status 1 lk-parse -s x.json x.csv x2.csv | lk-cat -F csv -t lk.files >files &&
	grep -c ",7,4,3,ok," files >count && echo 2 | test_cmp - count
'

test_expect_success 'a constraint that is wrong is refused with its place' '
	package "{\"name\": \"d\", \"type\": \"date\", \"constraints\": {\"enum\": [\"2026-01-01\", \"31.1.2026\"]}}" &&
	expect_error 78 "resources[0].schema.fields[0].constraints.enum[1]: '\''31.1.2026'\'' is not a date" lk-parse --check -s x.json &&
	package "{\"name\": \"d\", \"type\": \"boolean\", \"constraints\": {\"minimum\": 1}}" &&
	expect_error 78 "constraints.minimum: a field of type boolean cannot have it" lk-parse --check -s x.json &&
	package "{\"name\": \"d\", \"constraints\": {\"pattern\": \"a(\"}}" &&
	expect_error 78 "constraints.pattern: missing closing parenthesis" lk-parse --check -s x.json &&
	package "{\"name\": \"d\", \"constraints\": {\"minLength\": -1}}" &&
	expect_error 78 "constraints.minLength: must be a whole number" lk-parse --check -s x.json &&
	package "{\"name\": \"d\", \"type\": \"object\", \"constraints\": {\"jsonSchema\": {}}}" &&
	expect_error 78 "constraints.jsonSchema: is not supported" lk-parse --check -s x.json
'

test_expect_success 'partial dates say how much they say' '
	package "{\"name\": \"d\", \"type\": \"date\", \"lk\": {\"partial\": true}},
		{\"name\": \"t\", \"type\": \"datetime\", \"format\": \"any\", \"lk\": {\"partial\": true, \"timezone\": \"-05:00\"}}" &&
	printf "d,t\n2012,2014\n2012-07,201407\n2012-07-31,2014-07-02\n,2014-07-02T11\n,2014-07-02T11:45\n,20140630120030.1234-0700\n2012-13,\n2014-07-02T11:45,\n" >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	d,d_precision,t,t_precision
	2012-01-01,year,2014-01-01 05:00:00+00,year
	2012-07-01,month,2014-07-01 05:00:00+00,month
	2012-07-31,day,2014-07-02 05:00:00+00,day
	,,2014-07-02 16:00:00+00,hour
	,,2014-07-02 16:45:00+00,minute
	,,2014-06-30 19:00:30.1234+00,second
	7: d: '\''2012-13'\'' is not a date
	8: d: '\''2014-07-02T11:45'\'' is not a date
	EOF_
	test_cmp expect actual &&
	package "{\"name\": \"d\", \"type\": \"date\", \"lk\": {\"partial\": true}}, {\"name\": \"d_precision\"}" &&
	expect_error 78 "both become the column '\''d_precision'\''" lk-parse --check -s x.json &&
	package "{\"name\": \"d\", \"type\": \"date\"}" && printf "d\n2012\n" >x.csv && read_values 1 &&
	grep -q "is not a date" actual
'

test_expect_success 'columns beside a value agree with those of other resources of the table' '
	cat >two.json <<-\EOP &&
	{"resources": [
	    {"name": "x", "path": "x*", "schema": {"fields": [{"name": "d", "type": "date", "lk": {"bad": "text"}}]}},
	    {"name": "y", "path": "y*", "lk": {"table": "x"}, "schema": {"fields": [{"name": "d_text", "type": "integer"}]}}]}
	EOP
	expect_error 78 "table x gets column d_text from the resources x and y, with different types" lk-parse --check -s two.json
'

test_expect_success 'a value that does not fit can be kept as text beside' '
	package "{\"name\": \"n\", \"type\": \"integer\", \"constraints\": {\"maximum\": 9}, \"lk\": {\"bad\": \"text\", \"phi\": \"id\"}}, {\"name\": \"d\", \"type\": \"date\", \"lk\": {\"partial\": true, \"bad\": \"text\"}}" &&
	printf "n,d\n1,2012\nx,31/02\n10,\n,\n\\377\\000,\n" >x.csv &&
	read_values 0 &&
	cat >expect <<-\EOF_ &&
	n,n_text,d,d_precision,d_text
	1,,2012-01-01,year,
	,x,,,31/02
	,10,,,
	,,,,
	,\xff\x00,,,
	EOF_
	test_cmp expect actual &&
	lk-cat --schema -t x out.lk >schema && grep "n_text" schema &&
	package "{\"name\": \"n\", \"type\": \"integer\", \"constraints\": {\"required\": true}, \"lk\": {\"bad\": \"text\"}}" &&
	expect_error 78 "fields[0].lk.bad: a required value" lk-parse --check -s x.json
'

test_expect_success 'local times are of a zone of the IANA database' '
	package "{\"name\": \"t\", \"type\": \"datetime\", \"format\": \"any\", \"lk\": {\"timezone\": \"America/New_York\"}}" &&
	printf "t\n2026-01-31T12:00:00\n2026-07-31T12:00:00\n2026-11-01T01:30:00\n2026-03-08T02:30:00\n2026-03-08T03:00:00\n2099-07-01T00:00:00\n1900-01-01T00:00:00\n2026-07-31T12:00:00+02:00\n20260731\n" >x.csv &&
	read_values 1 &&
	cat >expect <<-\EOF_ &&
	t
	2026-01-31 17:00:00+00
	2026-07-31 16:00:00+00
	2026-11-01 05:30:00+00
	2026-03-08 07:00:00+00
	2099-07-01 04:00:00+00
	1900-01-01 05:00:00+00
	2026-07-31 10:00:00+00
	2026-07-31 04:00:00+00
	4: t: '\''2026-03-08T02:30:00'\'' is no time in its zone: the clocks were set forward over it
	EOF_
	test_cmp expect actual &&
	package "{\"name\": \"t\", \"type\": \"datetime\", \"lk\": {\"timezone\": \"America/Nowhere\"}}" &&
	expect_error 78 "lk.timezone: there is no time zone '\''America/Nowhere'\''" lk-parse --check -s x.json &&
	package "{\"name\": \"t\", \"type\": \"datetime\", \"lk\": {\"timezone\": \"../../../etc/passwd\"}}" &&
	expect_error 78 "must be UTC, an offset" lk-parse --check -s x.json
'

test_done
