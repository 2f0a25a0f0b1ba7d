#!/bin/sh
# Delimited text as real files have it: dialects, headers, ragged rows, quotes that are wrong.

. "$(dirname "$0")/test-lib.sh"

# package NAME DIALECT LK FIELDS...: a resource NAME of NAME*.csv with text fields.
package() {
	name=$1 dialect=$2 lk=$3 fields=
	shift 3
	for f; do fields="$fields${fields:+, }{\"name\": \"$f\"}"; done
	cat >"$name.json" <<-EOF
	{"resources": [{"name": "$name", "path": "$name*.csv", "dialect": {$dialect}, "lk": {$lk},
	  "schema": {"missingValues": ["-"], $match "fields": [$fields]}}]}
	EOF
}
match=

# parse NAME [STATUS]: rows of NAME.csv as JSON lists without lk_file.
parse() {
	expect_status "${2-0}" lk-parse -q -s "$1.json" "$1.csv" >out.lk &&
	lk-cat -F json -t "$1" out.lk | python3 -c "
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    del row[\"lk_file\"]
    print(json.dumps(list(row.values()), ensure_ascii=False))"
}

# rejects: line|reason|raw of each.
rejects() {
	lk-cat -F json -t lk.rejects out.lk | python3 -c "
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(row[\"line\"], row[\"reason\"], row[\"raw\"], sep=\"|\")"
}

# files COLUMN: of lk.files.
files() {
	lk-cat -F json -t lk.files out.lk | python3 -c "
import json, sys
for line in sys.stdin:
    print(json.loads(line)[\"$1\"])"
}

test_expect_success 'delimiters of several characters, and quotes beyond ASCII' '
	package a "\"delimiter\": \", \", \"quoteChar\": \"¦\"" "" x y &&
	printf "x, y\n1,1, ¦a, b¦¦c¦\n¦2¦, é\n¦, , ¦, ¦¦¦¦\n" >a.csv &&
	parse a >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	["1,1", "a, b¦c", 1]
	["2", "é", 2]
	[", , ", "¦", 3]
	EOF
	package b "\"delimiter\": \"§\", \"escapeChar\": \"\\\\\", \"quoteChar\": \"\"" "" x y &&
	printf "x§y\na\\\\§b§\"c\"\n" >b.csv &&
	parse b >actual && echo "[\"a§b\", \"\\\"c\\\"\", 1]" >expect && test_cmp expect actual &&
	package c "\"delimiter\": \"~|~\", \"lineTerminator\": \"#|#\"" "" x y &&
	printf "x~|~y#|#1\n~|~a|b~c#|#2~|~\"#|#\"#|#" >c.csv &&
	parse c >actual && cat >expect <<-\EOF && test_cmp expect actual
	["1\n", "a|b~c", 1]
	["2", "#|#", 2]
	EOF
'

test_expect_success 'lines end anyhow, or as the dialect says' '
	package a "" "" x y && printf "x,y\r1,a\n2,b\r\n3,c\r\r\n\n4,d" >a.csv &&
	parse a >actual && printf "[\"%s\", \"%s\", %s]\n" 1 a 1 2 b 2 3 c 3 4 d 4 >expect && test_cmp expect actual &&
	package a "\"lineTerminator\": \"\\r\\n\"" "" x y && parse a >actual && test_cmp expect actual &&
	package b "\"lineTerminator\": \"\\n\"" "" x y && printf "x,y\r\n1,a\rb\n2,\"c\rd\"\r\n" >b.csv &&
	parse b >actual && printf "[\"1\", \"a\\\\rb\", 1]\n[\"2\", \"c\\\\rd\", 2]\n" >expect && test_cmp expect actual &&
	package c "\"lineTerminator\": \"\\r\"" "" x y && printf "x,y\r1,a\nb\r\n2,c" >c.csv &&
	parse c >actual && printf "[\"1\", \"a\\\\nb\", 1]\n[\"2\", \"c\", 2]\n" >expect && test_cmp expect actual
'

test_expect_success 'preambles, several header rows, rows that are comments' '
	printf "Report \"x\n\nThe,Size\n,ignored\nitem,\n a, b\n1,2\ntotal,2\n3,4\n" >a.csv &&
	package a "\"headerRows\": [3, 5], \"commentRows\": [6, 8]" "" "The item" Size &&
	parse a >actual && printf "[\"1\", \"2\", 1]\n[\"3\", \"4\", 2]\n" >expect && test_cmp expect actual &&
	package a "\"headerRows\": [3, 5], \"headerJoin\": \"_\", \"commentChar\": \"tot\"" "" "The_item" Size &&
	parse a >actual && printf "[\" a\", \" b\", 1]\n[\"1\", \"2\", 2]\n[\"3\", \"4\", 3]\n" >expect && test_cmp expect actual &&
	package a "\"header\": false, \"commentRows\": [1, 2, 3, 4, 5]" "" x y &&
	parse a >actual && lk-cat --count -t a out.lk >count && grep -q 4 count &&
	package a "\"headerRows\": [10]" "" x y && parse a 1 && files error >actual &&
	echo "is empty: it has not even a header" >expect && test_cmp expect actual
'

test_expect_success 'columns without a name, and names that stand twice' '
	match="\"fieldsMatch\": \"subset\"," && package a "" "" column_2 A_2 A_4 B && match= &&
	printf "a,,A,B,a,a_3,b_2,,\n1,2,3,4,5,6,7,,\n" >a.csv &&
	parse a >actual && echo "[\"2\", \"3\", \"5\", \"4\", 1]" >expect && test_cmp expect actual &&
	match="\"fieldsMatch\": \"subset\"," && package b "" "" x && match= &&
	printf "x,y,y,x\n1,2,3,4\n" >b.csv && parse b 1 >actual && files error >actual &&
	echo "line 1: column '\''x'\'' stands twice" >expect && test_cmp expect actual &&
	package b "" "\"rest\": true" x && parse b >actual &&
	echo "[\"1\", 1, \"{\\\"y\\\":\\\"2\\\",\\\"y_2\\\":\\\"3\\\",\\\"x_2\\\":\\\"4\\\"}\"]" >expect && test_cmp expect actual
'

test_expect_success 'a header of 60,000 columns is matched by name in no time' '
	python3 - <<-\EOF &&
	import json
	n = 60000
	names = ["Column %d" % i for i in range(n)]
	json.dump({"resources": [{"name": "w", "path": "w.csv", "schema": {"fieldsMatch": "subset", "fields": [
	    {"name": f"c{k}", "lk": {"aliases": [names[k]]}} for k in range(0, n, 20)]}}]}, open("w.json", "w"))
	open("w.csv", "w").write(",".join(reversed(names)) + "\n" + ",".join(str(i) for i in range(n)) + "\n")
	EOF
	timeout 20 lk-parse -q -s w.json w.csv >out.lk && lk-cat -F csv -t w out.lk | tail -1 | cut -d, -f1,2,3000 >actual &&
	echo 59999,59979,19 >expect && test_cmp expect actual
'

test_expect_success 'of several resources those take a file whose header agrees, or the first says why not' '
	cat >several.json <<-\EOF &&
	{"resources": [
	  {"name": "one", "path": "*.txt", "schema": {"fields": [{"name": "id"}, {"name": "x"}]}},
	  {"name": "two", "path": "*.txt", "dialect": {"delimiter": ";", "headerRows": [2]}, "lk": {"encodings": ["utf-8", "windows-1252"]},
	   "schema": {"fields": [{"name": "id"}, {"name": "é"}]}},
	  {"name": "both", "path": "*.txt", "schema": {"fieldsMatch": "subset", "fields": [{"name": "x"}]}}]}
	EOF
	printf "id,x\n1,2\n" >a.txt && printf "Title\nid;\351\n1;2\n" >b.txt && printf "y,x\n1,2\n" >c.txt && printf "y,z\n1,2\n" >d.txt &&
	: >e.txt && expect_status 1 lk-parse -q -s several.json a.txt b.txt c.txt d.txt e.txt >out.lk &&
	lk-cat -F csv -t lk.files out.lk | python3 -c "
import csv, sys
for r in csv.DictReader(sys.stdin): print(r[\"member\"], r[\"table\"], r[\"rows\"], r[\"error\"], sep=\"|\")" >actual &&
	cat >expect <<-\EOF && test_cmp expect actual
	a.txt|main.one|1|
	a.txt|main.both|1|
	b.txt|main.two|1|
	c.txt|main.both|1|
	d.txt|main.one|0|line 1: the header lacks '\''id'\'', '\''x'\''; and has 2 columns of other names
	e.txt|main.one|0|is empty: it has not even a header
	EOF
'

test_expect_success 'ragged records are rejects, or are filled up' '
	printf "x,y,z\n1\n1,2\n1,2,3\n1,2,3,\n1,2,3,,4\n  \n" >a.csv && printf "\032" >>a.csv &&
	package a "" "" x y z && parse a 1 >actual &&
	printf "[\"1\", \"2\", \"3\", %s]\n" 3 4 >expect && test_cmp expect actual &&
	rejects >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	2|has 1 fields, not 3|1
	3|has 2 fields, not 3|1,2
	6|has 5 fields, not 3|1,2,3,,4
	EOF
	package a "" "\"ragged\": \"pad\"" x y z && parse a 1 >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	["1", null, null, 1]
	["1", "2", null, 2]
	["1", "2", "3", 3]
	["1", "2", "3", 4]
	EOF
	rejects >actual && echo "6|has 5 fields, not 3|1,2,3,,4" >expect && test_cmp expect actual &&
	files warning >actual && echo "2 records have not as many fields as there are columns" >expect && test_cmp expect actual &&
	package a "" "\"ragged\": \"pad\", \"rest\": true" x y z && parse a >actual && tail -1 actual >last &&
	echo "[\"1\", \"2\", \"3\", 5, \"{\\\"column_5\\\":\\\"4\\\"}\"]" >expect && test_cmp expect last
'

test_expect_success 'a quote that is never closed rejects its record only' '
	package a "" "" x y && cat >a.csv <<-\EOF &&
	x,y
	1,"open
	2,"b"
	3,"c
	d"
	4,"e
	5,f
	"6,g
	7,"h"
	8,"
	EOF
	parse a 1 >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	["2", "b", 2]
	["3", "c\nd", 3]
	["5", "f", 5]
	["7", "h", 7]
	EOF
	rejects >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	2|a quote is never closed: reading went on at the next line|1,"open
	6|a quote is never closed: reading went on at the next line|4,"e
	8|a quote is never closed: reading went on at the next line|"6,g
	10|a quote is never closed: reading went on at the next line|8,"
	EOF
	files error >actual && echo None >expect && test_cmp expect actual
'

test_expect_success 'nor does one in 20 MB, and a quote on every line is read in no time' '
	package a "" "" x y && python3 - <<-\EOF &&
	with open("a.csv", "w") as f:
	    f.write("x,y\n1,\"open\n" + ("2," + "b" * 997 + "\n") * 20000)
	with open("b.csv", "w") as f:
	    f.write("x,y\n" + "\"a\n" * 200000)
	with open("c.csv", "w") as f:
	    f.write("x,y\n" + "\"a\n\"\"b\n" * 100000)
	with open("d.csv", "w") as f:
	    f.write("x,y\n" + "\"\"\"\n\"\",\"\"\n" * 100000)
	EOF
	sed "s/a\*.csv/*.csv/" a.json >all.json && expect_status 1 timeout 20 lk-parse -q -s all.json a.csv b.csv c.csv d.csv >out.lk &&
	lk-cat -F csv -t lk.files out.lk | python3 -c "
import csv, sys
for r in csv.DictReader(sys.stdin): print(r[\"member\"], r[\"rows\"], r[\"rejected\"])" >actual &&
	printf "a.csv 20000 1\nb.csv 0 200000\nc.csv 0 200000\n" >expect && head -3 actual | test_cmp expect -
'

test_expect_success 'a field of 10 MB is a value' '
	package a "" "" x y && python3 -c "print(\"x,y\"); print(\"1,\\\"\" + \"a, b\\n\" * 2000000 + \"\\\"\"); print(\"2,c\")" >a.csv &&
	lk-parse -q -s a.json a.csv | lk-cat -F csv -t a | tail -1 >actual && grep -q ^2,c, actual &&
	lk-parse -q -s a.json a.csv | lk-cat -F csv -t a | wc >actual && read -r lines words bytes <actual && test "$lines" = 2000003 && test "$bytes" -gt 10000000
'

test_expect_success 'quotes that are wrong are mended where the number of fields says how' '
	cat >a.csv <<-\EOF &&
	x,y,z
	1,"a 5" nail",b
	2,"a 5"",b
	3,"a,"b, c"
	"4,a,b
	5,a,"
	6,"a" b,c,d
	7,"a ""b" c",d
	8,""a, b",c
	EOF
	package a "" "" x y z && parse a 1 >actual && test ! -s actual &&
	package a "" "\"quotes\": \"mend\"" x y z && parse a 1 >actual && cat >expect <<-\EOF && test_cmp expect actual &&
	["1", "a 5\" nail", "b", 1]
	["2", "a 5\"", "b", 2]
	["3", "\"a", "b, c", 3]
	["\"4", "a", "b", 4]
	["5", "a", "\"", 5]
	["7", "a \"b\" c", "d", 7]
	["8", "\"a, b", "c", 8]
	EOF
	rejects >actual && echo "7|text follows a closing quote|6,\"a\" b,c,d" >expect && test_cmp expect actual &&
	files warning >actual && echo "7 records were read in spite of their quotes" >expect && test_cmp expect actual
'

test_expect_success "a record of nothing but delimiters is a reject, and takes no memory to speak of" '
	{ printf "x,y\n1,2\n"; head -c 15000000 /dev/zero | tr "\0" ,; printf "\n3,4\n"; } >wide.csv &&
	package wide "" "" x y && (limit_memory 250000 && expect_status 1 lk-parse -q -s wide.json wide.csv >out.lk) &&
	lk-cat -t wide out.lk | cut -d, -f1,2 >actual && printf "x,y\n1,2\n3,4\n" >expect && test_cmp expect actual &&
	rejects | cut -c1-34 >actual && echo "3|has more than a million fields|," >expect && test_cmp expect actual
'

test_done
