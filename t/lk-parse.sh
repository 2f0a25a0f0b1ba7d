#!/bin/sh
. "$(dirname "$0")/test-lib.sh"

# A package with one resource: its name, more properties of the resource, its fields.
package() { # NAME PROPERTIES FIELDS
	cat >"$1.json" <<-EOP
	{"name": "$1", "resources": [{"name": "$1", "path": "$1*", $2 "schema": {"fields": [$3]}}]}
	EOP
}

# One table of a parsed file as CSV. lk-parse says 1 where it rejected something.
parse() { # STATUS TABLE ARGUMENTS...
	want=$1 table=$2
	shift 2
	expect_status "$want" lk-parse "$@" >out.lk && lk-cat -F csv -t "$table" out.lk
}

# Columns of a CSV without line ends in its fields, by name.
columns() { # NAME,...
	python3 -c 'import csv, sys
csv.field_size_limit(1 << 30)
names = sys.argv[1].split(",")
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerows([r[n] for n in names] for r in csv.DictReader(sys.stdin))' "$1"
}

test_expect_success 'a file becomes typed rows' '
	package visits "" "{\"name\": \"Id\", \"type\": \"integer\"}, {\"name\": \"Admit Date\", \"type\": \"date\"},
		{\"name\": \"Cost\", \"type\": \"number\", \"lk\": {\"decimal\": [9, 2]}}, {\"name\": \"seenBy\"}" &&
	printf "id,admit date,COST,seenBy\n1,2026-01-31,12.5,\"Dr. \"\"No\"\"\"\n2,,,\n" >visits.csv &&
	parse 0 visits -s visits.json visits.csv >actual &&
	digest=$(sha256sum visits.csv | cut -c1-12) &&
	cat >expect <<-EOF_ &&
	id,admit_date,cost,seen_by,lk_file,lk_row
	1,2026-01-31,12.50,"Dr. ""No""",visits.csv@$digest!visits.csv,1
	2,,,,visits.csv@$digest!visits.csv,2
	EOF_
	test_cmp expect actual &&
	lk-cat --schema -t visits out.lk >schema &&
	grep -q "cost.*decimal(9,2)" schema
'

test_expect_success 'every record is a row or a reject, and every reject says why' '
	printf "Id,Admit Date,Cost,seenBy\n1,31/02/2026,1,a\n2,2026-01-01,1.234,b\n\n3,,,\"c\nd\"\n4,,\n5,,,e,f\n6,,,g,\n7,,,\"h\"x\nx,,,\n" >visits.csv &&
	printf "8,,,\\377\n9,,,\\000\n10,,,\"never closed\nand more" >>visits.csv &&
	parse 1 lk.rejects -s visits.json visits.csv | columns record,line,field,reason,value >actual &&
	cat >expect <<-\EOF_ &&
	1,2,admit_date,is not a date,31/02/2026
	2,3,cost,does not fit the decimal'\''s precision and scale,1.234
	4,7,,"has 3 fields, not 4",
	5,8,,"has 5 fields, not 4",
	7,10,seen_by,text follows a closing quote,
	8,11,id,is not an integer of 64 bits,x
	9,12,seen_by,is not UTF-8,\xff
	10,13,seen_by,holds a NUL byte,\x00
	11,14,seen_by,a quote is never closed: reading went on at the next line,
	12,15,,"has 1 fields, not 4",
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t lk.files out.lk | columns table,rows_in,rows,rejected,status,error >actual &&
	echo "main.visits,12,2,10,ok," >expect &&
	test_cmp expect actual &&
	lk-cat -F csv -t visits out.lk | columns id,lk_row >actual &&
	printf "3,3\n6,6\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'the raw text of a reject is kept, byte for byte or as \xNN' '
	lk-parse -s visits.json visits.csv 2>/dev/null | lk-cat -F json -t lk.rejects >rejects &&
	grep -qF "\"raw\":\"8,,,\\\\xff\"" rejects &&
	grep -qF "\"raw\":\"10,,,\\\"never closed\"" rejects &&
	grep -qF "\"raw\":\"and more\"" rejects
'

test_expect_success 'values of private columns are not told' '
	package secret "" "{\"name\": \"ssn\", \"type\": \"integer\", \"lk\": {\"phi\": \"id\"}}" &&
	printf "ssn\n999-12-3456\n" >secret.csv &&
	parse 1 lk.rejects -s secret.json secret.csv | columns field,reason,value >actual &&
	echo "ssn,is not an integer of 64 bits," >expect &&
	test_cmp expect actual
'

test_expect_success 'headers: fieldsMatch, aliases, and what is said when they do not agree' '
	fields="{\"name\": \"a\"}, {\"name\": \"b\", \"lk\": {\"aliases\": [\"bee\"]}}" &&
	for match in exact equal subset superset partial; do
		cat >$match.json <<-EOP || return 1
		{"resources": [{"name": "$match", "path": "*", "schema": {"fieldsMatch": "$match", "fields": [$fields]}}]}
		EOP
	done &&
	i=0 && while read -r header; do
		i=$((i + 1))
		printf "%s\n" "$header" "$header" | tr " " , >h$i.csv
	done <<-\EOF_ &&
	a Bee
	b a
	a b c
	a
	c
	a a
	EOF_
	for match in exact equal subset superset partial; do
		lk-parse -s $match.json h?.csv 2>/dev/null | lk-cat -F csv -t lk.files | columns member,table,rows,status,error || return 1
	done >actual &&
	cat >expect <<-\EOF_ &&
	h1.csv,main.exact,1,ok,
	h2.csv,main.exact,0,failed,"line 1: columns stand in another order, from '\''a'\'' on"
	h3.csv,main.exact,0,failed,line 1: the header has '\''c'\''
	h4.csv,main.exact,0,failed,line 1: the header lacks '\''b'\''
	h5.csv,main.exact,0,failed,"line 1: the header lacks '\''a'\'', '\''b'\''; and has 1 column of other names"
	h6.csv,main.exact,0,failed,line 1: the header lacks '\''b'\''
	h1.csv,main.equal,1,ok,
	h2.csv,main.equal,1,ok,
	h3.csv,main.equal,0,failed,line 1: the header has '\''c'\''
	h4.csv,main.equal,0,failed,line 1: the header lacks '\''b'\''
	h5.csv,main.equal,0,failed,"line 1: the header lacks '\''a'\'', '\''b'\''; and has 1 column of other names"
	h6.csv,main.equal,0,failed,line 1: the header lacks '\''b'\''
	h1.csv,main.subset,1,ok,
	h2.csv,main.subset,1,ok,
	h3.csv,main.subset,1,ok,
	h4.csv,main.subset,0,failed,line 1: the header lacks '\''b'\''
	h5.csv,main.subset,0,failed,"line 1: the header lacks '\''a'\'', '\''b'\''"
	h6.csv,main.subset,0,failed,line 1: the header lacks '\''b'\''
	h1.csv,main.superset,1,ok,
	h2.csv,main.superset,1,ok,
	h3.csv,main.superset,0,failed,line 1: the header has '\''c'\''
	h4.csv,main.superset,1,ok,
	h5.csv,main.superset,0,failed,line 1: the header has 1 column of other names
	h6.csv,main.superset,0,failed,line 1: column '\''a'\'' stands twice
	h1.csv,main.partial,1,ok,
	h2.csv,main.partial,1,ok,
	h3.csv,main.partial,1,ok,
	h4.csv,main.partial,1,ok,
	h5.csv,main.partial,0,failed,line 1: the header has none of the fields
	h6.csv,main.partial,0,failed,line 1: column '\''a'\'' stands twice
	EOF_
	test_cmp expect actual
'

test_expect_success 'columns without a field land in lk_rest' '
	cat >rest.json <<-\EOP &&
	{"resources": [{"name": "rest", "path": "*", "lk": {"rest": true}, "schema": {"fields": [{"name": "b"}]}}]}
	EOP
	printf "a,b,\"c \"\"d\"\"\"\n1,2,\"x\"\"y\"\n,3,\n" >rest.csv &&
	parse 0 rest -s rest.json rest.csv | columns b,lk_rest >actual &&
	cat >expect <<-\EOF_ &&
	2,"{""a"":""1"",""c \""d\"""":""x\""y""}"
	3,
	EOF_
	test_cmp expect actual
'

test_expect_success 'missing values, maps, trimming, booleans, zones, what a bad value does' '
	package v "\"missingValues\": [\"\", \"NA\"], \"lk\": {\"missing\": \"unquoted\"}," "
		{\"name\": \"t\"}, {\"name\": \"sex\", \"lk\": {\"trim\": true, \"map\": {\"1\": \"male\", \"9\": null}}},
		{\"name\": \"yes\", \"type\": \"boolean\", \"trueValues\": [\"Y\"], \"falseValues\": [\"N\"], \"lk\": {\"bad\": \"null\"}},
		{\"name\": \"at\", \"type\": \"datetime\", \"format\": \"any\", \"lk\": {\"timezone\": \"+01:00\"}},
		{\"name\": \"n\", \"type\": \"number\", \"decimalChar\": \",\", \"groupChar\": \".\", \"bareNumber\": false}" &&
	cat >v.csv <<-\EOF_ &&
	t,sex,yes,at,n
	NA, 1 ,Y,20260131,"1.234,5 EUR"
	"NA",9,N,2026-01-31T10:00:00Z,"-0,5"
	"",x,maybe,2026-01-31 10:00,NA
	EOF_
	parse 0 v -s v.json v.csv | columns t,sex,yes,at,n >actual &&
	cat >expect <<-\EOF_ &&
	,male,true,2026-01-30 23:00:00+00,1234.5
	NA,,false,2026-01-31 10:00:00+00,-0.5
	,x,,2026-01-31 09:00:00+00,
	EOF_
	test_cmp expect actual
'

test_expect_success 'zeros that were lost come back' '
	package v "" "{\"name\": \"t\", \"lk\": {\"pad\": 4, \"map\": {\"0009\": \"nine\"}}}, {\"name\": \"n\", \"type\": \"integer\"}" &&
	printf "t,n\n1,1\n0012,2\n12345,3\n1a,4\n,5\n9,6\n-1,7\n" >v.csv &&
	parse 0 v -s v.json v.csv | columns t,n >actual && printf "%s\n" 0001,1 0012,2 12345,3 1a,4 ,5 nine,6 -1,7 >expect && test_cmp expect actual &&
	package v "" "{\"name\": \"t\", \"type\": \"integer\", \"lk\": {\"pad\": 4}}" &&
	expect_error 78 "schema.fields[0].lk.pad: only a string" lk-parse --check -s v.json &&
	package v "" "{\"name\": \"t\", \"lk\": {\"pad\": 65}}" &&
	expect_error 78 "schema.fields[0].lk.pad: must be a number of digits, 1 to 64" lk-parse --check -s v.json
'

test_expect_success 'facts of the delivery and the member are columns' '
	cat >facts.json <<-\EOP &&
	{"lk": {"delivery": "(?<sender>FAC[0-9]+)/(?<sent>[0-9]{8})?"}, "resources": [{"name": "facts", "path": "*.csv", "schema": {"fields": [
		{"name": "a"}, {"name": "facility", "constraints": {"required": true}, "lk": {"path": "delivery:sender"}},
		{"name": "sent", "type": "date", "format": "%Y%m%d", "lk": {"path": "delivery:sent"}},
		{"name": "file", "lk": {"path": "member:name"}}, {"name": "modified", "type": "datetime", "lk": {"path": "member:modified", "timezone": "UTC"}}]}}]}
	EOP
	mkdir -p FAC7/20260131 && printf "a\n1\n2\n" >FAC7/20260131/x.csv && cp FAC7/20260131/x.csv FAC7/y.csv &&
	touch -d 2026-02-01T10:00:00Z FAC7/20260131/x.csv FAC7/y.csv &&
	parse 0 facts -s facts.json FAC7/20260131/x.csv FAC7/y.csv | columns a,facility,sent,file,modified >actual &&
	cat >expect <<-\EOF_ &&
	1,FAC7,2026-01-31,x.csv,2026-02-01 10:00:00+00
	2,FAC7,2026-01-31,x.csv,2026-02-01 10:00:00+00
	1,FAC7,,y.csv,2026-02-01 10:00:00+00
	2,FAC7,,y.csv,2026-02-01 10:00:00+00
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t lk.files out.lk | columns sender,member,package,status >actual &&
	printf "FAC7,x.csv,facts,ok\nFAC7,y.csv,facts,ok\n" >expect &&
	test_cmp expect actual &&
	cp FAC7/y.csv y.csv &&
	parse 1 lk.files -s facts.json y.csv | columns member,table,status,error >actual &&
	echo "y.csv,,unmatched,no resource takes it" >expect &&
	test_cmp expect actual
'

test_expect_success 'a file that cannot be read is failed, and the others go on' '
	package g "" "{\"name\": \"a\"}" &&
	printf "\377\376a\000" >g1.csv && : >g2.csv && printf "a\n1" >g3.csv && printf "\357\273\277a\r\n2\r\n" >g4.csv && printf "a" >g5.csv &&
	parse 1 lk.files -s g.json g?.csv | columns member,status,rows,error >actual &&
	cat >expect <<-\EOF_ &&
	g1.csv,ok,0,
	g2.csv,failed,0,is empty: it has not even a header
	g3.csv,ok,1,
	g4.csv,ok,1,
	g5.csv,ok,0,
	EOF_
	test_cmp expect actual &&
	parse 0 g -s g.json g5.csv | columns a >actual &&
	test_cmp /dev/null actual
'

test_expect_success 'a matched resource without rows still shows its schema' '
	lk-parse -s g.json g5.csv | lk-cat --schema >schema &&
	grep -q lk_row schema
'

test_expect_success 'a header of more columns than any table has is refused' '
	package crowd "\"lk\": {\"rest\": true}," "{\"name\": \"a\"}" &&
	{ printf a; head -c 100000 /dev/zero | tr "\\000" ,; echo; echo 1; } >crowd.csv &&
	parse 1 lk.files -s crowd.json crowd.csv | columns status,error >actual &&
	echo "failed,\"line 1: the header has 100001 columns, more than 100000\"" >expect && test_cmp expect actual
'

test_expect_success 'a record that is too long is a reject, and what follows is read' '
	python3 -c "
print(\"a\")
print(1)
print(\"x\" * (17 << 20))
print(\"\\\"\" + \"y,\" * (9 << 20) + \"\\\"\")
print(2)" >glong.csv &&
	parse 1 g -s g.json glong.csv | columns a,lk_row >actual &&
	printf "1,1\n2,4\n" >expect &&
	test_cmp expect actual &&
	lk-cat -F csv -t lk.rejects out.lk | columns record,line,reason >actual &&
	printf "2,3,is longer than 16 MiB\n3,4,is longer than 16 MiB\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'raw text on standard input, by the name of a resource' '
	printf "a\n1\n" >input &&
	lk-parse -s g.json --as g <input | lk-cat -F csv -t g | columns a,lk_file >actual &&
	echo "1,-@$(sha256sum input | cut -c1-12)!-" >expect &&
	test_cmp expect actual &&
	cat input | lk-parse -s g.json --as g/g | lk-cat -F csv -t g >actual &&
	printf "a,lk_file,lk_row\n1,-,1\n" >expect &&
	test_cmp expect actual &&
	expect_error 64 "no package has a resource '\''nope'\''" lk-parse -s g.json --as nope input
'

test_expect_success 'a stream on standard input by the name of a resource: it takes all members' '
	printf "a\n1\n" >odd.one && printf "a\n2\n" >odd.two && lk-unpack odd.one odd.two >odd.lk &&
	for how in "lk-parse -s g.json --as g <odd.lk" "cat odd.lk | lk-parse -s g.json --as g" "cat odd.lk | lk-parse -s g.json --as g -"; do
		eval "$how" >out.lk && lk-cat -F csv -t g out.lk | columns a,lk_row >actual && printf "1,1\n2,1\n" >expect && test_cmp expect actual &&
		lk-cat -F csv -t lk.files out.lk | columns delivery,status,table >actual && printf "odd.one,ok,main.g\nodd.two,ok,main.g\n" >expect &&
		test_cmp expect actual || return 1
	done &&
	head -c 900 odd.lk | expect_error 65 "standard input" lk-parse -s g.json --as g >out.lk &&
	printf "a\n3\n" | lk-parse -s g.json --as g - | lk-cat -F csv -t g | columns a >actual && echo 3 >expect && test_cmp expect actual &&
	for short in "" "\377\377"; do printf "$short" | lk-parse -s g.json --as g >out.lk; test $? = 1 || return 1; done
'

test_expect_success 'other tables pass through unchanged' '
	lk-parse -s g.json g3.csv >part.lk &&
	lk-parse -s g.json <part.lk >through.lk &&
	lk-cat -t g -F csv part.lk >expect && lk-cat -t g -F csv through.lk >actual &&
	test_cmp expect actual
'

test_expect_success 'members of an archive become rows that name it' '
	cp g3.csv drop-a.csv && printf "a\n2\n3\n" >drop-b.csv && echo "not data" >notes.md &&
	sed "s/\"g\*\"/\"drop-*.csv\"/; s/^{/{\"lk\": {\"ignore\": [\"*.md\"]}, /" g.json >drop.json &&
	7z a -bso0 -bsp0 -tzip drop.zip drop-a.csv drop-b.csv notes.md &&
	lk-unpack drop.zip | lk-parse -s drop.json >drop.lk &&
	lk-cat -F csv -t g drop.lk >actual &&
	digest=$(sha256sum drop.zip | cut -c1-12) &&
	cat >expect <<-EOF_ &&
	a,lk_file,lk_row
	1,drop.zip@$digest!drop-a.csv,1
	2,drop.zip@$digest!drop-b.csv,1
	3,drop.zip@$digest!drop-b.csv,2
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t lk.files drop.lk | columns member,table,rows,status,error >actual &&
	cat >expect <<-\EOF_ &&
	drop-a.csv,main.g,1,ok,
	drop-b.csv,main.g,2,ok,
	notes.md,,0,skipped,a package says that it is not data
	EOF_
	test_cmp expect actual
'

test_expect_success 'random text in every dialect becomes what an oracle says' '
	mkdir oracle && python3 "$LK_TOP/t/helper/delimited-oracle.py" make oracle 1 240 &&
	(cd oracle && expect_status 1 lk-parse -s . *.txt >all.lk) &&
	lk-cat -F json -t texts oracle/all.lk >oracle/rows &&
	lk-cat -F json -t lk.rejects oracle/all.lk >oracle/rejects &&
	test $(wc -l <oracle/rows) -gt 1000 &&
	python3 "$LK_TOP/t/helper/delimited-oracle.py" compare oracle
'

cat >books.json <<\EOP
{"lk": {"namespaces": {"p": "urn:p"}, "root": "p:shop"}, "resources": [
	{"name": "book", "path": "*.xml", "lk": {"record": "//p:book"}, "schema": {"fields": [
		{"name": "id", "type": "integer", "lk": {"path": "@id"}},
		{"name": "title", "lk": {"path": "p:title"}, "constraints": {"required": true}},
		{"name": "authors", "lk": {"path": "p:author", "join": "; "}},
		{"name": "second", "lk": {"path": "p:author[2]"}},
		{"name": "count", "type": "integer", "lk": {"path": "count(p:author)"}},
		{"name": "old", "type": "boolean", "lk": {"path": "@year < 2000"}}]}},
	{"name": "shelf", "path": "*.xml", "lk": {"record": "p:shop/p:shelf"}, "schema": {"fields": [
		{"name": "name", "lk": {"path": "@name"}}, {"name": "books", "type": "integer", "lk": {"path": "count(.//p:book)"}}]}}]}
EOP

test_expect_success 'one document feeds several tables' '
	cat >books.xml <<-\EOF_ &&
	<?xml version="1.0" encoding="ISO-8859-1"?>
	<shop xmlns="urn:p" xmlns:q="urn:p">
	<shelf name="one"><!-- no --><book id="1" year="1999"><title> A &amp; B </title><author>x</author><author>y</author></book></shelf>
	<q:shelf name="two"><q:book id="2"><title>C<![CDATA[<D>]]></title></q:book>
	<book id="x"><title>E</title></book><book id="4"/><book xmlns="" id="5"><title>no</title></book></q:shelf>
	</shop>
	EOF_
	parse 1 book -s books.json books.xml | columns id,title,authors,second,count,old,lk_row >actual &&
	cat >expect <<-\EOF_ &&
	1,A & B,x; y,y,2,true,1
	2,C<D>,,,0,false,2
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t shelf out.lk | columns name,books,lk_row >actual &&
	printf "one,1,1\ntwo,3,2\n" >expect &&
	test_cmp expect actual &&
	lk-cat -F csv -t lk.rejects out.lk | columns table,record,line,field,reason,value,raw >actual &&
	cat >expect <<-\EOF_ &&
	main.book,3,5,id,is not an integer of 64 bits,x,"<book id=""x""><title>E</title></book>"
	main.book,4,5,title,a required value is missing,,"<book id=""4""/>"
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t lk.files out.lk | columns table,rows_in,rows,rejected,status >actual &&
	printf "main.book,4,2,2,ok\nmain.shelf,2,2,0,ok\n" >expect &&
	test_cmp expect actual
'

test_expect_success '--check finds properties that are mistyped' '
	cat >right.json <<-\EOF_ &&
	{"name": "p", "owner": "x", "resources": [{"name": "r", "path": "r*.csv", "x-note": 1, "dialect": {"delimiter": ";"},
	  "schema": {"fields": [{"name": "a", "type": "integer", "constraints": {"required": true}}]}}]}
	EOF_
	lk-parse -s right.json --check &&
	for typo in type:typ:fields[0].typ delimiter:delimeter:dialect.delimeter dialect:dialects:resources[0].dialects \
		required:requried:constraints.requried fields\":fieldss\":fieldss resources:resource:resource; do
		old=${typo%%:*} new=${typo#*:} && place=${new#*:} && new=${new%%:*} &&
		sed "s/$old/$new/" right.json >typo.json && ! cmp -s right.json typo.json &&
		expect_status 78 lk-parse -s typo.json --check 2>err || return
		case $place in fieldss|resource) ;; *) grep -F "$place: there is no such property; did you mean" err || return ;; esac
	done &&
	printf "a\n1\n" >r1.csv && sed "s/type/typ/" right.json >typo.json && lk-parse -s typo.json r1.csv | lk-cat --count
'

test_expect_success 'XML that takes the parser for ever is refused in no time' '
	python3 - <<-\EOF_ &&
	def write(name, text):
	    open(name, "w").write(text)
	def attributes(n, value="1"):
	    return " ".join(f"a{i}=\"{value}\"" for i in range(n))
	write("few.xml", "<r>" + f"<v {attributes(1000)}>few</v>" * 3 + "</r>")
	write("many.xml", f"<r><v {attributes(1001)}>many</v></r>")
	write("more.xml", f"<r {attributes(300000)}/>")
	write("sharp.xml", f"<r {attributes(300000, chr(62))}/>")
	write("prefixes.xml", "<r>" + "".join("<e " + " ".join(f"xmlns:p{k}x{i}=\"u\"" for i in range(400)) + ">" for k in range(200)) + "</r>")
	write("names.xml", "<r>" + "".join(f"<v{i} a{i}=\"1\"/>" for i in range(300000)) + "</r>")
	write("long.xml", "<r><v a=\"" + "<>"[1:] * 5000000 + "\">long</v><v>" + "x" * 100 + "</v></r>")
	EOF_
	for stream in . ../r/v; do
		cat >slow.json <<-EOF_ &&
		{"name": "p", "resources": [{"name": "v", "path": "*.xml", "lk": {"record": "/r/v"}, "schema": {"fields": [
			{"name": "v", "lk": {"path": "$stream"}}]}}]}
		EOF_
		for f in few many more sharp prefixes names long; do
			timeout 10 lk-parse -q -s slow.json $f.xml >$f.lk || [ $? = 1 ] || return
			lk-cat -F csv -t lk.files $f.lk | columns member,rows,status,error
		done >actual
		cat actual
		cat >expect <<-\EOF_ &&
		few.xml,3,ok,
		many.xml,0,failed,line 1: has an element '\''v'\'' of more than 1000 attributes
		more.xml,0,failed,line 1: has an element of more than 1000 attributes
		sharp.xml,0,failed,line 1: has an element of more than 1000 attributes
		prefixes.xml,0,failed,line 1: has more than 1000 namespaces in force in '\''e'\''
		names.xml,0,failed,line 1: has more than 100000 different names
		long.xml,2,ok,
		EOF_
		test_cmp expect actual || return
	done
'

test_expect_success 'other roots are unmatched, what is not well-formed is failed without rows' '
	echo "<shop/>" >noroot.xml && echo "text" >text.xml && : >empty.xml &&
	printf "<shop xmlns=\"urn:p\"><shelf/>\n<shelf>" >cut.xml &&
	printf "<shop xmlns=\"urn:p\">\n<shelf>&nope;</shelf></shop>" >entity.xml &&
	parse 1 lk.files -s books.json noroot.xml text.xml empty.xml cut.xml entity.xml | columns member,table,rows,status,error >actual &&
	cat >expect <<-\EOF_ &&
	noroot.xml,,0,unmatched,no resource takes it: its root element is shop
	text.xml,,0,unmatched,no resource takes it: it does not begin as XML
	empty.xml,,0,unmatched,no resource takes it: it does not begin as XML
	cut.xml,main.book,0,failed,line 2: is not well-formed: it ends within the element '\''shelf'\''
	cut.xml,main.shelf,0,failed,line 2: is not well-formed: it ends within the element '\''shelf'\''
	entity.xml,main.book,0,failed,line 2: is not well-formed: Entity '\''nope'\'' not defined
	entity.xml,main.shelf,0,failed,line 2: is not well-formed: Entity '\''nope'\'' not defined
	EOF_
	test_cmp expect actual
'

test_expect_success 'a resource that is named takes no document of another kind' '
	echo "<p>no shop</p>" >noroot.xml &&
	parse 1 lk.files -s books.json --as book noroot.xml | columns table,rows,status,error >actual &&
	echo "main.book,0,failed,its root element is p" >expect &&
	test_cmp expect actual
'

test_expect_success 'paths with several // find what XPath finds, in any depth' '
	cat >deep.json <<-\EOP &&
	{"resources": [
		{"name": "all", "path": "*", "lk": {"record": "//a//a//b"}, "schema": {"fields": [{"name": "n", "lk": {"path": "@n"}}]}},
		{"name": "none", "path": "*", "lk": {"record": "/x//a//a//a//a//a//a//a//a//b"}, "schema": {"fields": [{"name": "n", "lk": {"path": "@n"}}]}},
		{"name": "child", "path": "*", "lk": {"record": "/r/a//c/a/b"}, "schema": {"fields": [{"name": "n", "lk": {"path": "@n"}}]}}]}
	EOP
	python3 -c "
print(\"<r>\" + \"<!-- filler -->\" * 300000 + \"<a><b n=\x271\x27/><c><a><b n=\x272\x27/><a><b n=\x273\x27/></a></a></c></a>\" +
    \"<a>\" * 250 + \"<b n=\x274\x27/>\" + \"</a>\" * 250 + \"</r>\")" >deep.xml &&
	parse 0 all -s deep.json deep.xml | columns n >actual && printf "2\n3\n4\n" >expect && test_cmp expect actual &&
	lk-cat -F csv -t child out.lk | columns n >actual && echo 2 >expect && test_cmp expect actual &&
	lk-cat -F csv -t none out.lk | columns n >actual && test_cmp /dev/null actual
'

test_expect_success 'documents that declare entities or name others are safe' '
	cat >bomb.xml <<-\EOF_ &&
	<!DOCTYPE shop [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
	<shop xmlns="urn:p"><shelf name="x">&b;</shelf></shop>
	EOF_
	echo secret >secret.txt &&
	cat >external.xml <<-EOF_ &&
	<!DOCTYPE shop [<!ENTITY a SYSTEM "file://$PWD/secret.txt">]><shop xmlns="urn:p"><book id="1"><title>&a;</title></book></shop>
	EOF_
	cat >dtd.xml <<-EOF_ &&
	<!DOCTYPE shop SYSTEM "file://$PWD/missing.dtd"><shop xmlns="urn:p"><book id="1"><title>t</title></book></shop>
	EOF_
	parse 1 lk.files -s books.json bomb.xml external.xml dtd.xml | columns member,table,rows,status,error >actual &&
	cat >expect <<-\EOF_ &&
	bomb.xml,main.book,0,failed,line 1: declares the entity '\''a'\'': documents with entities of their own are not read
	bomb.xml,main.shelf,0,failed,line 1: declares the entity '\''a'\'': documents with entities of their own are not read
	external.xml,main.book,0,failed,line 1: declares the entity '\''a'\'': documents with entities of their own are not read
	external.xml,main.shelf,0,failed,line 1: declares the entity '\''a'\'': documents with entities of their own are not read
	dtd.xml,main.book,1,ok,
	dtd.xml,main.shelf,0,ok,
	EOF_
	test_cmp expect actual
'

# N shelves of 5 books, one in the other: about 1,200 bytes a shelf.
shop() { # N
	python3 -c '
import sys
print("<shop xmlns=\"urn:p\">")
for s in range(int(sys.argv[1])):
    print("<shelf name=\"s%d\">%s" % (s, "some text " * 90))
    for i in range(4):
        print("  <book id=\"%d\"><title>t%d</title><author>a</author>%s</book>" % (5 * s + i, s,
            "<book id=\"%d\"><title>inner</title></book>" % (5 * s + 4) if i == 3 else ""))
    print("</shelf>")
print("</shop>")' "$1"
}

test_expect_success 'documents longer than memory stream record by record, and give the same' '
	shop 2500 >whole.xml && shop 6000 >long.xml && test $(wc -c <whole.xml) -lt 4000000 && test $(wc -c <long.xml) -gt 7000000 &&
	lk-parse -s books.json whole.xml >whole.lk && lk-parse -s books.json long.xml >long.lk &&
	lk-cat -F csv -t book whole.lk | columns id,title,authors,count,lk_row >expect &&
	lk-cat -F csv -t book long.lk | columns id,title,authors,count,lk_row >actual &&
	test $(wc -l <actual) = 30000 && test $(wc -l <expect) = 12500 &&
	head -n 12500 actual | test_cmp expect - &&
	lk-cat -F csv -t shelf long.lk | columns name,books,lk_row | tail -n 1 >actual &&
	echo s5999,5,6000 >expect && test_cmp expect actual
'

test_expect_success 'a streamed document that breaks off keeps its rows, and a record that is too long is a reject' '
	head -c 5000000 long.xml >broken.xml &&
	parse 1 lk.files -s books.json broken.xml | columns table,rows,rejected,status,error >actual &&
	shelves=$(lk-cat -t shelf --count out.lk | tail -n 1) && books=$(lk-cat -t book --count out.lk | tail -n 1) &&
	grep -q "^main.shelf,[1-9][0-9]*,1,ok,line [0-9]*: is not well-formed" actual &&
	grep -q "^main.book,[1-9][0-9]*,1,ok,line [0-9]*: is not well-formed" actual &&
	sed "s/p:shop\/p:shelf/\/p:shop/" books.json >all.json &&
	(head -n 1 long.xml && for i in 1 2 3; do sed "1d; \$d" long.xml || exit; done && echo "</shop>") >longer.xml &&
	parse 1 lk.files -s all.json longer.xml | columns table,rows,rejected,status,error >actual &&
	printf "main.book,90000,0,ok,\nmain.shelf,0,1,ok,\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'without a header, the values of the first record are not told' '
	printf "SECRETNAME,SECRETDAY\n1,2\n" >headless.csv && printf "SECRETNAME\n" >headless2.csv &&
	for match in exact equal subset superset partial; do
		lk-parse -s $match.json headless.csv headless2.csv 2>>said | lk-cat -F json -t lk.files || return 1
	done >told && grep -c "failed" told && grep "and has 2 columns of other names" told && ! grep SECRET told said
'

test_expect_success 'a file that changes while it is read ends the stream badly' '
	mkfifo gate && cp longer.xml moving.xml &&
	{ { lk-parse -s all.json --as book moving.xml >gate 2>err; echo $? >rc; } & test_pids="$test_pids $!"; } &&
	{ head -c 1000 && echo "<!-- more -->" >>moving.xml && cat; } <gate >moving.lk &&
	wait_until 10 test -s rc && [ "$(cat rc)" = 74 ] && grep -q "changed while it was being read" err &&
	expect_status 65 lk-cat --count moving.lk
'

test_expect_success 'XPaths that are wrong are found when the package is loaded' '
	for path in "p:a[" "q:a" "nope()" "/p:a/.."; do
		sed "s|@year < 2000|$path|" books.json >wrong.json || return 1
		lk-parse -s wrong.json --check 2>&1
	done >actual
	cat >expect <<-\EOF_ &&
	lk-parse: '\''wrong.json'\'': resources[0].schema.fields[5].lk.path: '\''p:a['\'' is not an XPath
	lk-parse: '\''wrong.json'\'': resources[0].schema.fields[5].lk.path: '\''q:a'\'' has a prefix that lk.namespaces does not declare
	lk-parse: '\''wrong.json'\'': resources[0].schema.fields[5].lk.path: '\''nope()'\'' calls a function that XPath 1.0 does not have
	ok: 1 package, 2 resources, 0 samples
	EOF_
	test_cmp expect actual &&
	sed "s|//p:book|count(p:a)|" books.json >wrong.json &&
	expect_error 78 "resources[0].lk.record: '\''count(p:a)'\'' must yield elements" lk-parse -s wrong.json --check
'

test_expect_success '--check says ok, or where a package is wrong' '
	lk-parse -s g.json --check >actual && echo "ok: 1 package, 1 resource, 0 samples" >expect && test_cmp expect actual &&
	echo "{\"resources\": [{\"name\": \"a\", \"path\": \"b\", \"lk\": {\"tabel\": 1}}]}" >wrong.json &&
	expect_error 78 "'\''wrong.json'\'': resources[0].lk.tabel: there is no such property" lk-parse -s wrong.json --check &&
	expect_error 66 "missing.json" lk-parse -s missing.json --check &&
	expect_error 64 "no sources" lk-parse --check &&
	LK_SOURCES=g.json lk-parse --check
'

test_expect_success 'a broken stream is an error' '
	head -c 700 part.lk >cut.lk &&
	expect_status 65 lk-parse -s g.json <cut.lk >out.lk &&
	expect_status 65 lk-parse -s g.json </dev/null >out.lk &&
	expect_error 66 missing.csv lk-parse -s g.json missing.csv >out.lk
'

test_done
