#!/bin/sh
# Text of fixed width: columns, ragged lines, line ends, lines of a length, other characters than ASCII.
. "$(dirname "$0")/test-lib.sh"

# package NAME LK FIELDS [MORE]: one resource.
package() {
	cat >"$1.json" <<-EOF
	{"resources": [{"name": "$1", "path": "$1*", "format": "fixed", "lk": {$2}, ${4:-"\"title\": \"\""},
	  "schema": {"fields": [$3]}}]}
	EOF
}

field() { # NAME PATH [TYPE]
	printf '{"name": "%s", "type": "%s", "lk": {"path": "%s"}}' "$1" "${3:-string}" "$2"
}

# rows TABLE: what lk-parse wrote, without lk_file.
rows() {
	lk-cat -t "$1" -F csv out | sed 's/,[^,]*,\([0-9]*\)$/,\1/; s/,lk_file,lk_row$/,lk_row/'
}

rejects() {
	lk-cat -t lk.rejects -F json out | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["record"], r["line"], r["field"], r["reason"], sep="|")'
}

test_expect_success 'fields are columns, trimmed, in any order, over each other too' '
	package a "" "$(field id 1:3 integer), $(field name 4:6), $(field last 10:), $(field all 1:9)" &&
	printf "001Anna  xyz z \n002Bo  \n\n003\n" >a.txt &&
	lk-parse -s a.json a.txt >out &&
	rows a >actual &&
	cat >expect <<-\EOF &&
	id,name,last,all,lk_row
	1,Anna,xyz z,001Anna,1
	2,Bo,,002Bo,2
	3,,,003,3
	EOF
	test_cmp expect actual
'

test_expect_success 'lines end in LF, CR or CRLF; a byte order mark, form feeds and ^Z are no text' '
	printf "\357\273\277001a\r002b\r\n003c\n\r\n\f004d\n\f\n005e\032" >a.txt &&
	lk-parse -s a.json a.txt >out && rows a | cut -d, -f1,2,5 >actual &&
	printf "id,name,lk_row\n1,a,1\n2,b,2\n3,c,3\n4,d,4\n5,e,5\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'positions count characters; a byte that is none counts as one, and its field is a reject' '
	package a "" "$(field a 1:2), $(field b 3:2), $(field c 5:)" &&
	printf "\303\244\303\266cd\342\202\254\nab\377dzz\nab\377\303\244yy\n\303\244\303\266\377\n" >a.txt &&
	expect_status 1 lk-parse -s a.json a.txt >out &&
	rows a >actual &&
	printf "a,b,c,lk_row\näö,cd,€,1\n" >expect && test_cmp expect actual &&
	rejects | cut -d"|" -f 1,2,3 >actual && printf "2|2|b\n3|3|b\n4|4|b\n" >expect && test_cmp expect actual
'

test_expect_success 'a value that does not fit, and a NUL, make a reject' '
	package a "" "$(field n 1:3 integer), $(field t 4:2)" &&
	printf " 12ab\n1x2ab\n  7\0b\n  8cd\n" >a.txt &&
	expect_status 1 lk-parse -s a.json a.txt >out &&
	rows a >actual && printf "n,t,lk_row\n12,ab,1\n8,cd,4\n" >expect && test_cmp expect actual &&
	rejects >actual && printf "2|2|n|is not an integer of 64 bits\n3|3|t|holds a NUL byte\n" >expect && test_cmp expect actual
'

test_expect_success 'lk.trim false keeps blanks' '
	package a "" "{\"name\": \"t\", \"lk\": {\"path\": \"2:4\", \"trim\": false}}" &&
	printf "x a  x\n" >a.txt && lk-parse -s a.json a.txt | lk-cat -t a -F json | grep -qF "\"t\":\" a  \""
'

test_expect_success 'a header is passed over, and comments are' '
	package a "" "$(field n 1:3 integer)" "\"dialect\": {\"header\": true, \"commentChar\": \"#\"}" &&
	printf "NNN\n# of today\n001\n#002\n003\n" >a.txt &&
	lk-parse -s a.json a.txt >out && rows a >actual && printf "n,lk_row\n1,1\n3,2\n" >expect && test_cmp expect actual &&
	package a "" "$(field n 1:3 integer)" "\"dialect\": {\"headerRows\": [2, 3], \"commentRows\": [5]}" &&
	printf "of today\n\nNNN\n001\n002\n003\n" >a.txt &&
	lk-parse -s a.json a.txt >out && rows a >actual && printf "n,lk_row\n1,1\n3,2\n" >expect && test_cmp expect actual
'

test_expect_success 'records of a length need no line ends; one that is short at the end is a reject' '
	package a "\"length\": 5" "$(field n 1:2 integer), $(field t 3:3)" &&
	printf "01abc02d\303\266f03g\nh04i\r\n" >a.txt &&
	lk-parse -s a.json a.txt >out && rows a >actual &&
	printf "n,t,lk_row\n1,abc,1\n2,döf,2\n3,\"g\nh\",3\n4,i,4\n" >expect && test_cmp expect actual &&
	printf "01abc\n\032\n" >a.txt && lk-parse -s a.json a.txt >out && rows a | tail -1 >actual &&
	echo "1,abc,1" >expect && test_cmp expect actual &&
	printf "01abc02d" >a.txt && expect_status 1 lk-parse -s a.json a.txt >out && rejects >actual &&
	echo "2|None|None|has fewer than 5 characters, and nothing follows it" >expect && test_cmp expect actual
'

test_expect_success 'EBCDIC: records of a length, or with its own line ends' '
	python3 -c "
open(\"a.txt\", \"wb\").write(\"\".join(\"%-3d%-7s\" % (i, \"M\u00fcller\") for i in range(3)).encode(\"cp037\"))
open(\"b.txt\", \"wb\").write(\"\".join(\"%-3d%-7s\x85\" % (i, \"M\u00fcller\") for i in range(3)).encode(\"cp037\"))" &&
	package a "\"length\": 10" "$(field n 1:3 integer), $(field t 4:7)" "\"encoding\": \"cp037\"" &&
	lk-parse -s a.json a.txt >out && rows a >actual && printf "n,t,lk_row\n0,Müller,1\n1,Müller,2\n2,Müller,3\n" >expect &&
	test_cmp expect actual &&
	package a "" "$(field n 1:3 integer), $(field t 4:7)" "\"encoding\": \"cp037\", \"dialect\": {\"lineTerminator\": \"\\u0085\"}" &&
	lk-parse -s a.json --as a b.txt >out && rows a >actual && test_cmp expect actual
'

test_expect_success 'text that no field takes is told of' '
	package a "" "$(field n 1:3 integer), $(field t 4:2)" &&
	printf "001ab\n002ab  \n003abc\n004\303\244\303\244\303\244\n" >a.txt &&
	lk-parse -s a.json a.txt >out && lk-cat -t lk.files -F json out | grep "\"warning\":\"2 records have text behind column 5,"
'

test_expect_success 'lines of 16 MiB pass, longer ones are rejects, and the next is read again' '
	package a "" "$(field a 1:3), $(field z 16777214:)" &&
	python3 -c "
import sys
n = 16 << 20
sys.stdout.write(\"abc\" + \"x\" * (n - 6) + \"xyz\r\n\" + \"y\" * (n + 1) + \"\r\n\" + \"def\r\n\")" >a.txt &&
	expect_status 1 lk-parse -s a.json a.txt >out && rows a >actual &&
	printf "a,z,lk_row\nabc,xyz,1\ndef,,3\n" >expect && test_cmp expect actual &&
	rejects >actual && echo "2|2|None|is longer than 16 MiB" >expect && test_cmp expect actual
'

test_expect_success 'a path that is no window is refused' '
	for bad in 0:3 1: :3 1:0 1-3 1:2:3 a 99999999:1 99999999999999999999:1
	do
		package a "" "$(field a $bad)" &&
		case $bad in 1:) lk-parse -s a.json --check ;;
		*) expect_error 78 "resources[0].schema.fields[0].lk.path: '\''$bad'\'' must be START:WIDTH" lk-parse -s a.json --check ;;
		esac || return 1
	done &&
	package a "" "{\"name\": \"a\"}" && expect_error 78 "needs lk.path: START:WIDTH" lk-parse -s a.json --check &&
	package a "\"length\": 4" "$(field a 3:3)" && expect_error 78 "goes beyond lk.length, 4" lk-parse -s a.json --check &&
	package a "\"length\": 0" "$(field a 3:3)" && expect_error 78 "lk.length: must be a number" lk-parse -s a.json --check
'

if [ -z "$LK_DATA" ]; then
	test_skip 'the Census files become what csvkit makes of them' 'the public data are not here'
	test_done
fi

# Each oracle: schema (column,start,length), text, the CSV that csvkit made of it, and from which column it counts.
test_expect_success 'the Census files become what csvkit makes of them' '
	cat >oracle.py <<-\EOF &&
	import csv, json, os, re, subprocess
	top = os.environ["LK_DATA"] + "/txt/census-fixed-width-csvkit/"
	cells = rows = 0
	def kind_of(values):
	    # csvkit guesses types, and writes the values its way
	    values = [v for v in values if v]
	    if values and all(v in ("True", "False") for v in values):
	        return "boolean"
	    if values and all(re.fullmatch(r"-?(0|[1-9][0-9]*)([.][0-9]+)?", v) for v in values):
	        return "number"
	    return "string"
	def same(kind, ours, theirs):
	    if kind == "boolean":
	        return ours == theirs.lower()
	    if kind == "number" and ours and theirs:
	        return float(ours) == float(theirs)
	    return ours == theirs
	for schema, text, want in (
	        ("testfixed_schema.csv", "testfixed", "testfixed_converted.csv"),
	        ("testfixed_schema.csv", "testfixed_skip_lines", "testfixed_converted.csv"),
	        ("realdata/census_2010/census2010_geo_schema.csv", "realdata/census_2010/ilgeo2010_excerpt.pl",
	         "realdata/census_2010/ilgeo2010_excerpt.csv"),
	        ("realdata/census_2000/determination_schema.csv", "realdata/census_2000/VROUTFSJ.TXt",
	         "realdata/census_2000/determination.csv")):
	    columns = list(csv.DictReader(open(top + schema, newline=None)))
	    first = 1 - min(int(c["start"]) for c in columns)   # from 0 or from 1
	    expect = list(csv.reader(open(top + want)))[1:]
	    kinds = [kind_of(values) for values in zip(*expect)]
	    fields = [{"name": c["column"], "type": kind, "lk": {"path": "%d:%s" % (int(c["start"]) + first, c["length"])}}
	              for c, kind in zip(columns, kinds)]
	    for f in fields:
	        if f["type"] == "boolean":
	            f.update(trueValues=["True", "1"], falseValues=["False", "0"])
	        if f["type"] == "number":
	            f.update(groupChar=",")
	    json.dump({"resources": [{"name": "t", "path": "*", "format": "fixed", "schema": {"fields": fields}}]}, open("t.json", "w"))
	    out = subprocess.run("lk-parse -s t.json %s | lk-cat -t t -F csv" % (top + text), shell=True, check=True,
	                         stdout=subprocess.PIPE).stdout.decode()
	    got = [r[:-2] for r in list(csv.reader(out.splitlines()))[1:]]
	    assert len(got) == len(expect), (text, len(got), len(expect))
	    for n, (g, e) in enumerate(zip(got, expect)):
	        assert len(g) == len(e), (text, n, len(g), len(e))
	        for c, kind, a, b in zip(columns, kinds, g, e):
	            assert same(kind, a, b), (text, n, c["column"], kind, a, b)
	        cells += len(g)
	    rows += len(got)
	print(rows, cells)
	assert rows == 2563, rows
	assert cells == 2 * 4 * 8 + 1000 * 101 + 1555 * 21, cells
	EOF
	python3 oracle.py
'

test_done
