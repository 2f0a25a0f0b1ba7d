#!/bin/sh
# What XML may hold, and documents that are made to hold a parser up.
. "$(dirname "$0")/test-lib.sh"

# A package of one resource `x`: its record, more properties of its package's lk, its fields as NAME=XPATH.
package() { # FILE RECORD LK FIELD...
	python3 - "$@" <<-\EOF_
	import json, sys
	file, record, lk, *fields = sys.argv[1:]
	json.dump({"lk": json.loads(lk), "resources": [{"name": "x", "path": "*", "lk": {"record": record}, "schema": {"fields": [
	    {"name": f.split("=", 1)[0], "lk": {"path": f.split("=", 1)[1]}} for f in fields]}}]}, open(file, "w"))
	EOF_
}

# One table of a parsed file, without the columns that say where a row is from.
parse() { # STATUS TABLE ARGUMENTS...
	want=$1 table=$2
	shift 2
	expect_status "$want" lk-parse -q "$@" >out.lk && lk-cat -F json -t "$table" out.lk |
		sed 's/,"lk_file":.*/}/; s/^{"delivery.*"rows_in"/{"rows_in"/; s/,"started".*/}/'
}

# The same document below and above the size from which it streams.
padded() { # BYTES FILE
	python3 - "$@" <<-\EOF_
	import sys
	head, tail = open(sys.argv[2]).read().split("@", 1)
	pad = "<!-- " + "filler " * 8 + "-->\n"
	open(sys.argv[2], "w").write(head + pad * (int(sys.argv[1]) // len(pad)) + tail)
	EOF_
}

test_expect_success 'mixed text, CDATA, references, attributes, default namespaces' '
	package p.json "//b:r" "{\"namespaces\": {\"b\": \"urn:b\", \"c\": \"urn:c\"}}" "id=@id" "mixed=b:t" "cdata=b:d" "other=@c:k" "all=." &&
	cat >mixed.xml <<-\EOF_ &&
	<a xmlns="urn:b"><r id="1" xmlns:z="urn:c" z:k="v"><t>one <i>two</i> three &amp; &#x2014;</t><d><![CDATA[<x> & ]]>y</d></r></a>
	EOF_
	parse 0 x -s p.json mixed.xml >actual &&
	echo "{\"id\":\"1\",\"mixed\":\"one two three & —\",\"cdata\":\"<x> & y\",\"other\":\"v\",\"all\":\"one two three & —<x> & y\"}" >expect &&
	test_cmp expect actual
'

test_expect_success 'encodings that a document declares' '
	package p.json "/r/v" "{}" "t=." &&
	for encoding in UTF-8 ISO-8859-1 windows-1252 UTF-16
	do
		printf "<?xml version=\"1.0\" encoding=\"$encoding\"?><r><v>naïve</v></r>" | iconv -f UTF-8 -t $encoding >$encoding.xml || return 1
	done &&
	parse 0 x -s p.json UTF-8.xml ISO-8859-1.xml windows-1252.xml UTF-16.xml | sort -u >actual &&
	echo "{\"t\":\"naïve\"}" >expect && test_cmp expect actual &&
	printf "<r><v>na\357ve</v></r>" >undeclared.xml &&
	parse 1 lk.files -s p.json undeclared.xml >actual && grep "\"failed\".*not proper UTF-8" actual
'

test_expect_success 'names alone, where namespaces are missing, wrong or not declared' '
	package p.json "/shop/book" "{\"ignoreNamespaces\": true, \"root\": \"shop\"}" "id=@id" "t=title" &&
	echo "<shop><book id=\"1\"><title>a</title></book></shop>" >none.xml &&
	echo "<shop xmlns=\"urn:x\"><book id=\"2\"><title>b</title></book></shop>" >default.xml &&
	echo "<q:shop><q:book q:id=\"3\"><z:title>c</z:title></q:book></q:shop>" >undeclared.xml &&
	parse 0 x -s p.json none.xml default.xml undeclared.xml >actual &&
	printf "{\"id\":\"%s\",\"t\":\"%s\"}\n" 1 a 2 b 3 c >expect && test_cmp expect actual
'

test_expect_success 'one document after the other in one file' '
	package p.json "/book" "{\"fragments\": true}" "id=@id" "n=count(/*)" &&
	printf "<?xml version=\"1.0\"?>\n<book id=\"1\"/>\n<book id=\"2\"></book><?xml version=\"1.0\"?><book id=\"3\"><t/></book>\n\n" >many.xml &&
	parse 0 x -s p.json many.xml >actual &&
	printf "{\"id\":\"%s\",\"n\":\"1\"}\n" 1 2 3 >expect && test_cmp expect actual &&
	printf "<book id=\"1\"/><book id=\"2\">" >cut.xml &&
	parse 1 lk.files -s p.json cut.xml >actual &&
	grep "\"rows\":1,\"rejected\":1,\"status\":\"ok\",\"error\":\"line 1: is not well-formed: it ends within the element .book" actual &&
	package strict.json "/book" "{}" "id=@id" &&
	parse 1 lk.files -s strict.json many.xml >actual && grep "\"rows\":0.*\"failed\".*not well-formed: Extra content" actual
'

test_expect_success '... of any length, cut anywhere' '
	package p.json "/book" "{\"fragments\": true}" "id=@id" "t=t" &&
	cat >many.py <<-\EOF_ &&
	import json, sys
	def text(i):
	    return "na\xefve " + "x" * (i % 197) + "."
	if sys.argv[1] == "make":
	    with open("many.xml", "w", encoding="latin-1") as f:
	        for i in range(50000):
	            f.write("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + "\n" * (i % 2) + "<book id=\"%d\"><t>%s</t></book>" % (i, text(i)) + "\n " * (i % 3))
	else:
	    rows = [json.loads(line) for line in open("actual")]
	    assert rows == [{"id": str(i), "t": text(i)} for i in range(50000)], "the rows are others"
	EOF_
	python3 many.py make && test $(wc -c <many.xml) -gt 5000000 &&
	parse 0 x -s p.json many.xml >actual && python3 many.py check &&
	head -c 3000000 many.xml >some.xml && parse 1 x -s p.json some.xml >some && head -n $(wc -l <some) actual | cmp - some && test $(wc -l <some) -gt 10000
'

test_expect_success 'predicates of the last step are tested while a document streams by' '
	package p.json "//r[t/@k=\"x\" or not(t)=true()]" "{}" "id=@id" &&
	echo "<a>@<r id=\"1\"><t k=\"x\"/></r><r id=\"2\"><t k=\"y\"/></r><q><r id=\"3\"/><r id=\"4\"><t/><r id=\"5\"/></r></q></a>" >small.xml &&
	cp small.xml large.xml && padded 0 small.xml && padded 5000000 large.xml &&
	parse 0 x -s p.json small.xml >expect && parse 0 x -s p.json large.xml >actual &&
	test_cmp expect actual && test $(wc -l <actual) = 3 &&
	(limit_memory 200000 && python3 -c "
print(\"<a>\")
for i in range(400000): print(\"<r id=\x27%d\x27><t k=\x27%s\x27>some text</t></r>\" % (i, \"xy\"[i % 2]))
print(\"</a>\")" | lk-parse -s p.json --as x | lk-cat --count -t x >actual) && grep -q "x,200000" actual
'

test_expect_success 'documents within the document are left out' '
	package p.json "/r/v" "{}" "id=@id" "t=t" "after=after" "raw=t/@mediaType" &&
	python3 - <<-\EOF_ &&
	for name, size in (("small", 1000), ("large", 30000000)):
	    open(name + ".xml", "w").write("<r><v id=\"1\"><t mediaType=\"application/pdf\" representation=\"B64\">%s<i>%s</i></t><after>x</after></v>"
	        "<v id=\"2\"><t representation=\"TXT\">y</t></v><v id=\"3\"><t representation=\"B64\"/><after>z</after></v></r>" % ("QUJD" * (size // 4), "Q" * 50))
	EOF_
	for f in small large
	do
		parse 0 x -s p.json $f.xml >actual &&
		printf "%s\n" "{\"id\":\"1\",\"t\":null,\"after\":\"x\",\"raw\":\"application/pdf\"}" "{\"id\":\"2\",\"t\":\"y\",\"after\":null,\"raw\":null}" \
			"{\"id\":\"3\",\"t\":null,\"after\":\"z\",\"raw\":null}" >expect && test_cmp expect actual &&
		lk-cat -F json -t lk.files out.lk | grep "\"warning\":\"1 attachment in base64 left out\"" || return 1
	done
'

test_expect_success 'texts of any length up to that of a record' '
	package p.json "/r/x" "{}" "id=@id" "n=string-length(v)" &&
	package whole.json "/r/x[../x]" "{}" "id=@id" "n=string-length(v)" &&
	python3 - <<-\EOF_ &&
	rows = "".join("<x id=\"%d\"><v>b</v></x>" % i for i in range(5))
	for name, text in (("fits", "a" * 12000000), ("joined", "<!--c-->".join(["a" * 4000000] * 3)), ("long", "a" * 17000000)):
	    open(name + ".xml", "w").write("<r>%s\n<x id=\"B\"><v>%s</v></x>%s</r>" % (rows, text, rows))
	EOF_
	parse 0 x -s p.json fits.xml joined.xml >actual && grep -c "\"B\",\"n\":\"12000000\"" actual && test $(wc -l <actual) = 22 &&
	parse 0 x -s whole.json fits.xml joined.xml >same && test_cmp same actual &&
	parse 1 x -s p.json long.xml >actual && test $(wc -l <actual) = 10 &&
	lk-cat -F json -t lk.rejects out.lk | grep "\"reason\":\"is longer than 16 MiB\""
'

test_expect_success 'tags, comments and depths that would take for ever are refused at once' '
	package p.json "/r/x" "{}" "id=@id" &&
	python3 - <<-\EOF_ &&
	open("tag.xml", "w").write("<r><x id=\"" + "a" * 20000000 + "\"/></r>")
	open("open.xml", "w").write("<r><x " + "a" * 20000000)
	open("comment.xml", "w").write("<r><!--" + "a" * 20000000 + "--></r>")
	open("pi.xml", "w").write("<r><?x " + "a" * 20000000 + "?></r>")
	open("deep.xml", "w").write("<r>" + "<x>" * 100000 + "</x>" * 100000 + "</r>")
	open("names.xml", "w").write("<r>" + "".join("<%s%d/>" % ("n" * 5000, i) for i in range(5000)) + "</r>")
	EOF_
	for f in tag open comment pi deep names
	do
		(limit_memory 400000 && timeout 10 lk-parse -q -s p.json $f.xml >$f.lk; [ $? = 1 ]) &&
		lk-cat -F json -t lk.files $f.lk | sed "s/.*\"status\":\"\([a-z]*\)\",\"error\":\"\([^\"]*\)\".*/$f \1 \2/" || return 1
	done >actual &&
	cat >expect <<-\EOF_ &&
	tag failed line 1: has a tag, comment or instruction longer than 16 MiB
	open failed line 1: has a tag, comment or instruction longer than 16 MiB
	comment failed line 1: has a tag, comment or instruction longer than 16 MiB
	pi failed line 1: has a tag, comment or instruction longer than 16 MiB
	deep failed line 1: is deeper than 256 elements
	names failed line 1: has names of more than 10 MB
	EOF_
	test_cmp expect actual
'

test_done
