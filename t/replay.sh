#!/bin/sh
# Rejects are read again, land once, and leave lk.rejects and quarantine in the same commit.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [LAKE]
	cat >expect && lk-query -l "${2:-lake}" -F csv "$1" >actual && test_cmp expect actual
}

ask() { # LAKE SQL
	lk-query -l "$1" -F csv "$2" | tail -n +2
}

summary() { # LAKE TABLE KEY, of the current snapshot
	python3 - "$@" <<-\EOF_
	import json, os, sqlite3, sys
	db = sqlite3.connect(sys.argv[1] + "/catalog.db")
	namespace, name = sys.argv[2].split(".")
	(at,), = db.execute("select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?", (namespace, name))
	m = json.load(open(at[len("file://"):]))
	print(next(s for s in m["snapshots"] if s["snapshot-id"] == m["current-snapshot-id"])["summary"].get(sys.argv[3], "none"))
	EOF_
}

# What quarantine has, with a replacement of its raw text, read again.
replay() { # LAKE SOURCES EXPRESSION [WHERE]
	lk-query -l "$1" -F arrow "select * replace ($3 as raw) from quarantine.rejects ${4-}" | lk-parse -s "$2" --replay
}

field() { printf '{"name": "%s", "type": "%s"%s}' "$1" "$2" "${3:+, $3}"; } # NAME TYPE [MORE]

# ---- delimited ----

cat >people.json <<EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>[A-Z]+)-.*"}, "resources": [{"name": "people", "path": "*.csv",
 "lk": {"rest": true}, "schema": {"fields": [$(field id integer '"constraints": {"required": true}'), $(field name string),
 $(field born date), $(field sender string '"lk": {"path": "delivery:sender"}'),
 $(field changed datetime '"lk": {"path": "member:modified", "timezone": "UTC"}')]}}]}
EOF_
printf 'name,Extra,born,id\nAl,x,2001-02-03,1\nBo,y,31/02/2001,2\nCy,z\nDi,w,2002-02-30,4\n"E""f",v,never,x\nGo,\\x41\377,2001-01-01,7\n' >FAC-one.csv

test_expect_success 'records that were mended become the rows that they would have been' '
	expect_status 1 lk-parse -s people.json FAC-one.csv >one.lk && lk-commit -q -l lake <one.lk &&
	answers "select record, line, field, reason, value, resource, raw_size from lk.rejects order by record" <<-\EOF_ &&
	record,line,field,reason,value,resource,raw_size
	2,3,born,is not a date,31/02/2001,clinic/people,17
	3,4,,"has 2 fields, not 4",,clinic/people,4
	4,5,born,is not a date,2002-02-30,clinic/people,17
	5,6,id,is not an integer of 64 bits,x,clinic/people,16
	6,7,lk_rest,"is not UTF-8, or holds a NUL byte",,clinic/people,21
	EOF_
	expect_status 1 replay lake people.json "replace(raw, '\''31/02/2001'\'', '\''2001-02-28'\'')" >two.lk &&
	lk-cat -F csv -t lk.replayed two.lk >actual && tail -n +2 actual | cut -d, -f2- >got &&
	printf "FAC,FAC-one.csv,main.people,clinic/people,%s\n" 2,true 3,false 4,false 5,false 6,false >expect && test_cmp expect got &&
	lk-commit -l lake <two.lk >said && grep "^lk.rejects: 4 rows, .* 5 rows removed, snapshot" said &&
	answers "select id, name, born, sender, changed is not null m, lk_row, lk_rest, lk_file = (select min(lk_file) from people) f
		from people order by lk_row" <<-\EOF_ &&
	id,name,born,sender,m,lk_row,lk_rest,f
	1,Al,2001-02-03,FAC,true,1,"{""Extra"":""x""}",true
	2,Bo,2001-02-28,FAC,true,2,"{""Extra"":""y""}",true
	EOF_
	answers "select record, line, reason from lk.rejects order by record" <<-\EOF_ &&
	record,line,reason
	3,4,"has 2 fields, not 4"
	4,5,is not a date
	5,6,is not an integer of 64 bits
	6,7,"is not UTF-8, or holds a NUL byte"
	EOF_
	[ "$(sqlite3 lake/catalog.db "select state, rows, rejected from lk_ledger")" = "complete|2|4" ]
'

test_expect_success 'the snapshot says so' '
	[ "$(summary lake lk.rejects operation)" = overwrite ] && [ "$(summary lake lk.rejects total-position-deletes)" = 5 ] &&
	[ "$(summary lake lk.rejects added-position-delete-files)" = 1 ] && [ "$(summary lake lk.rejects total-delete-files)" = 1 ] &&
	[ "$(summary lake lk.rejects total-records)" = 9 ] && [ "$(summary lake main.people operation)" = append ] &&
	[ "$(summary lake main.people total-position-deletes)" = 0 ] &&
	[ "$(find lake/quarantine -type f ! -perm 600)" = "" ]
'

test_expect_success 'bytes that are no text are themselves again, and what looks like them stays' '
	replay lake people.json "raw" "where record = 6" | lk-cat -F csv -t lk.rejects >actual && grep -qF "\\x5cx41\\xff,2001" actual &&
	replay lake people.json "replace(raw, chr(92) || '\''xff'\'', '\'''\'')" "where record = 6" | lk-commit -q -l lake &&
	answers "select id, lk_rest from people where lk_row = 6" <<-\EOF_
	id,lk_rest
	7,"{""Extra"":""\\x41""}"
	EOF_
'

test_expect_success 'what was replayed is not replayed again, whatever is run' '
	sqlite3 lake/catalog.db .dump >before && find lake -type f | sort >files &&
	lk-commit -l lake <two.lk >said && [ "$(cat said)" = "already replayed" ] &&
	sqlite3 lake/catalog.db .dump | diff before - && find lake -type f | sort | diff files - &&
	lk-commit --json -l lake <two.lk >said && python3 -c "import json; assert json.load(open(\"said\"))[\"tables\"] == []" &&
	replay lake people.json "replace(replace(raw, '\''never'\'', '\''2001-01-01'\''), '\'',x'\'', '\'',5'\'')" "where record in (4, 5)" >more.lk; [ $? = 1 ] &&
	replay lake people.json "replace(raw, '\''02-30'\'', '\''02-28'\'')" "where record = 4" | lk-commit -q -l lake &&
	sqlite3 lake/catalog.db .dump >before && find lake -type f | sort >files &&
	expect_error 75 "1 of these 2 rejects are in lk.rejects no more" lk-commit -l lake <more.lk &&
	sqlite3 lake/catalog.db .dump | diff before - && find lake -type f | sort | diff files -
'

test_expect_success 'a package that was mended takes what it had rejected' '
	sed "s/\"date\"/\"date\", \"format\": \"any\"/; s/\"type\": \"integer\"/\"type\": \"string\"/" people.json >mended.json &&
	cat >loose.json <<-EOF_ &&
	{"name": "clinic", "resources": [{"name": "people", "path": "*.csv", "lk": {"rest": true}, "schema": {"fields": [$(field id integer),
	 $(field name string), $(field born date "\"format\": \"default\", \"lk\": {\"bad\": \"null\"}")]}}]}
	EOF_
	replay lake loose.json "replace(raw, '\'',x'\'', '\'',5'\'')" "where record = 5" | lk-commit -q -l lake &&
	answers "select id, name, born from people where lk_row = 5" <<-\EOF_
	id,name,born
	5,"E""f",
	EOF_
'

test_expect_success 'rows and the rejects that are left add up' '
	[ "$(ask lake "select (select count(*) from people) + (select count(*) from lk.rejects) = (select sum(rows_in) from lk.files)")" = true ] &&
	[ "$(ask lake "select (select count(*) from quarantine.rejects) = (select count(*) from lk.rejects)")" = true ] &&
	[ "$(sqlite3 lake/catalog.db "select rows, rejected from lk_ledger")" = "$(ask lake "select count(*) from people")|1" ]
'

test_expect_success 'a ledger that knows of fewer rejects than there are follows the tables' '
	{ lk-parse -s people.json FAC-one.csv; true; } | lk-commit -q -l fewer &&
	sqlite3 fewer/catalog.db "update lk_ledger set rejected = 0" &&
	{ replay fewer people.json "replace(raw, '\''31/02/2001'\'', '\''2001-02-28'\'')"; true; } | lk-commit -q -l fewer &&
	[ "$(sqlite3 fewer/catalog.db "select rows, rejected from lk_ledger")" = "2|0" ] && [ "$(ask fewer "select count(*) from people")" = 2 ]
'

test_expect_success 'what cannot be read by itself stays, and is told' '
	python3 -c "print(\"id,name,born\"); print(\"x,\" + \"n\" * (1 << 20) + \",\"); print(\"y,a,\")" >big.csv &&
	sed "s/\"lk\": {\"delivery[^}]*}, //; s/, \"lk\": {\"path\": \"delivery:sender\"}//; s/, \"lk\": {\"path\": \"member:modified\"}//" loose.json >big.json &&
	expect_status 1 lk-parse -s big.json big.csv >big.lk && lk-commit -q -l big <big.lk &&
	[ "$(ask big "select length(raw), raw_size from quarantine.rejects where record = 1")" = 1048576,1048579 ] &&
	lk-query -l big -F arrow "select * replace (replace(replace(raw, '\''x,'\'', '\''1,'\''), '\''y,'\'', '\''2,'\'') as raw) from quarantine.rejects" >in.lk &&
	expect_error 1 "1 rejects cannot be read again and stay as they are; the first: '\''big.csv!big.csv'\'' record 1: its raw text is cut: it has more than 1 MiB" \
		sh -c "lk-parse -s big.json --replay <in.lk >out.lk" &&
	lk-commit -q -l big <out.lk && [ "$(ask big "select record from lk.rejects")" = 1 ] && [ "$(ask big "select id, lk_row from people")" = 2,2 ] &&
	sed "s/\"people\"/\"persons\"/; s/\"path\": /\"lk\": {\"table\": \"people\"}, &/; s/ \"lk\": {\"rest\": true},//" big.json >other.json &&
	lk-query -l big -F arrow "from quarantine.rejects" >in.lk &&
	expect_error 1 "the sources lack its resource" sh -c "lk-parse -s other.json --replay <in.lk >out.lk" &&
	printf "id,name,born\nx,a,\n" | cat | lk-parse -q -s big.json --as people >piped.lk; [ $? = 1 ] &&
	lk-commit -q -l piped <piped.lk && lk-query -l piped -F arrow "from quarantine.rejects" >in.lk &&
	expect_error 1 "it came through a pipe" sh -c "lk-parse -s big.json --replay <in.lk >out.lk"
'

test_expect_success 'text that is no longer one record is a reject again' '
	printf "id,name,born\nx,a,\n" >odd.csv && lk-parse -q -s big.json odd.csv | lk-commit -q -l odd &&
	for raw in "1,a,\n2,b," "" "1,\"a\n" "# 1,a,"; do
		lk-query -l odd -F arrow "select * replace ('\''$(printf "$raw")'\'' as raw) from quarantine.rejects" | lk-parse -q -s big.json --replay |
			lk-commit -q -l odd
		ask odd "select count(*), min(record), min(line), min(reason) from quarantine.rejects"
	done >actual &&
	cat >expect <<-\EOF_ &&
	1,1,2,is more than one record when it is read again
	1,1,2,is no record when it is read again
	1,1,2,a quote is never closed
	1,1,2,"has 2 fields, not 3"
	EOF_
	sed "s/# 1,a,/has/" actual >got && head -n 3 got >got3 && head -n 3 expect | test_cmp - got3 &&
	lk-query -l odd -F arrow "select * replace ('\''1,a,'\'' as raw) from quarantine.rejects" | lk-parse -q -s big.json --replay | lk-commit -q -l odd &&
	[ "$(ask odd "select id, lk_row from people")" = 1,1 ] && [ "$(ask odd "select count(*) from lk.rejects")" = 0 ]
'

test_expect_success 'only rejects are read, and from a stream that is whole' '
	lk-query -F arrow "select 1 as a" >a.lk &&
	expect_error 65 "has no column '\''delivery'\'': --replay reads rows of quarantine.rejects" sh -c "lk-parse -s big.json --replay <a.lk >a.out" &&
	head -c 300 in.lk >cut.lk && expect_status 65 lk-parse -q -s big.json --replay <cut.lk >cut.out && expect_status 65 lk-commit -l odd <cut.out &&
	expect_error 64 "--replay takes nothing but -s" lk-parse -s big.json --replay x.csv &&
	expect_error 64 "a commit of their own" lk-commit -l lake --stage stage <two.lk &&
	cat two.lk two.lk >twice.lk && expect_status 65 lk-commit -l lake <twice.lk &&
	lk-query -l big -F arrow "select * replace ('\''3,c,'\'' as raw, 3::bigint as raw_size) from (from quarantine.rejects union all from quarantine.rejects)" |
		lk-parse -q -s big.json --replay >double.lk && expect_error 65 "record 1 of '\''big.csv'\'' was replayed twice in this stream" lk-commit -l big <double.lk
'

# ---- the other formats ----

cat >all.json <<EOF_
{"name": "all", "resources": [
 {"name": "late", "path": "late.csv", "dialect": {"headerRows": [2, 3], "commentRows": [5], "delimiter": ";"},
  "schema": {"fields": [$(field "a x" integer), $(field "b y" string)]}},
 {"name": "bare", "path": "bare.csv", "dialect": {"header": false}, "schema": {"fields": [$(field a integer), $(field b string)]}},
 {"name": "claims", "path": "claims.txt", "format": "fixed", "lk": {"recordType": "1:3", "header": "HDR", "record": "CLM", "trailer": {"type": "TRL", "details": "4:3"}},
  "schema": {"fields": [$(field batch string '"lk": {"path": "header:5:4"}'), $(field n integer '"lk": {"path": "5:3"}')]}},
 {"name": "fixed", "path": "fixed.txt", "format": "fixed", "dialect": {"headerRows": [1]},
  "schema": {"fields": [$(field a integer '"lk": {"path": "1:3"}'), $(field b string '"lk": {"path": "4:"}')]}},
 {"name": "books", "path": "shop.xml", "format": "xml", "lk": {"record": "/s:shop/s:shelf/s:book", "namespaces": {"s": "urn:s", "p": "urn:p"}},
  "schema": {"fields": [$(field id integer '"lk": {"path": "@id"}'), $(field shelf string '"lk": {"path": "../@p:name"}'), $(field title string '"lk": {"path": "s:t"}')]}},
 {"name": "shelves", "path": "shop.xml", "format": "xml", "lk": {"record": "/s:shop/s:shelf", "namespaces": {"s": "urn:s"}},
  "schema": {"fields": [$(field n integer '"lk": {"path": "@n"}'), $(field owner string '"lk": {"path": "/s:shop/s:owner"}')]}},
 {"name": "results", "path": "lab.hl7", "format": "hl7", "lk": {"record": "OBX"},
  "schema": {"fields": [$(field n integer '"lk": {"path": "OBX-1"}'), $(field control string '"lk": {"path": "MSH-10"}'), $(field pid string '"lk": {"path": "PID-3.1"}')]}},
 {"name": "cp", "path": "cp.csv", "encoding": "windows-1252", "schema": {"fields": [$(field n integer), $(field "caf\u00e9" string)]}},
 {"name": "lines", "path": "lines.jsonl", "format": "jsonl", "schema": {"fields": [$(field id integer '"lk": {"path": "/id"}'), $(field name string '"lk": {"path": "/name/0"}')]}}
]}
EOF_
printf 'a preamble\na;b\nx;y\n1;one\n2;a comment by its row\nx3;three\n' >late.csv
printf 'x1,one\n2,two\n' >bare.csv
printf 'HDR 2026\nCLM 001\nCLM x02\nTRL002\nHDR 2027\nCLM y03\nTRL001\n' >claims.txt
printf 'AAABBB\n  1one\n x2two\n' >fixed.txt
printf '<shop xmlns="urn:s" xmlns:p="urn:p"><owner>me</owner>\n<shelf n="1" p:name="a&amp;&lt;b"><book id="1"><t>one</t></book>\n<book id="x2"><t>two</t></book></shelf><shelf n="y"/></shop>\n' >shop.xml
printf 'MSH|^~\\&|L|G|E|C|2026||ORU^R01|M1|P|2.5\rPID|1||77\rOBR|1\rOBX|1|NM|a||1\rOBX|x2|NM|b||2\r' >lab.hl7
printf 'n,caf\351\nx1,\374\n' >cp.csv
printf '{"id": 1, "name": ["one"]}\n{"id": "x2", "name": ["tw\\u00f6"]}\n' >lines.jsonl

test_expect_success 'records of every format are read behind what they need' '
	lk-parse -q -s all.json late.csv bare.csv claims.txt fixed.txt shop.xml lab.hl7 cp.csv lines.jsonl >all.lk; [ $? = 1 ] && lk-commit -q -l all <all.lk &&
	answers "select resource, record, raw from quarantine.rejects where resource not in ('\''all/books'\'', '\''all/results'\'') order by all" all <<-\EOF_ &&
	resource,record,raw
	all/bare,1,"x1,one"
	all/claims,2,CLM x02
	all/claims,3,CLM y03
	all/cp,1,"x1,ü"
	all/fixed,2, x2two
	all/late,2,x3;three
	all/lines,2,"{""id"": ""x2"", ""name"": [""tw\u00f6""]}"
	all/shelves,2,"<shelf n=""y""/>"
	EOF_
	lk-query -l all -F arrow "select * replace (regexp_replace(raw, '\''[xy]([0-9])'\'', if(resource = '\''all/fixed'\'', '\'' \1'\'', '\''\1'\'')) as raw) from quarantine.rejects" >in.lk &&
	expect_error 1 "1 rejects cannot be read again and stay as they are; the first: '\''shop.xml!shop.xml'\'' record 2: its resource looks at more than the record" \
		sh -c "lk-parse -s all.json --replay <in.lk >out.lk" && lk-commit -q -l all <out.lk &&
	{ for t in late bare claims fixed books results cp lines; do lk-query -l all -F csv "select * exclude (lk_file) from $t order by lk_row"; done; } >actual &&
	cat >expect <<-\EOF_ &&
	a_x,b_y,lk_row
	1,one,1
	3,three,2
	a,b,lk_row
	1,one,1
	2,two,2
	batch,n,lk_row
	2026,1,1
	2026,2,2
	2027,3,3
	a,b,lk_row
	1,one,1
	2,two,2
	id,shelf,title,lk_row
	1,a&<b,one,1
	2,a&<b,two,2
	n,control,pid,lk_row
	1,M1,77,1
	2,M1,77,2
	n,café,lk_row
	1,ü,1
	id,name,lk_row
	1,one,1
	2,twö,2
	EOF_
	test_cmp expect actual && [ "$(ask all "select resource from lk.rejects")" = all/shelves ]
'

# ---- at the same time, and in between ----

# A lake with the rejects 1 to 40, and a stream that mends them all.
many() { # LAKE
	rm -rf "$1" && { echo a && seq -f x%g 40; } >many.csv &&
		echo "{\"name\": \"m\", \"resources\": [{\"name\": \"many\", \"path\": \"*.csv\", \"schema\": {\"fields\": [$(field a integer)]}}]}" >many.json &&
		{ lk-parse -q -s many.json many.csv; echo >/dev/null; } | lk-commit -q -l "$1"
}

# Every record is a row or a reject, once.
whole() { # LAKE
	[ "$(ask "$1" "select count(*), count(distinct record), min(record), max(record) from
		(select lk_row as record from many union all select record from lk.rejects)")" = 40,40,1,40 ] &&
		[ "$(ask "$1" "select count(*) from (select record from lk.rejects intersect select record from quarantine.rejects)")" = \
			"$(ask "$1" "select count(*) from lk.rejects")" ] &&
		[ "$(sqlite3 "$1/catalog.db" "select rows, rejected from lk_ledger")" = "$(ask "$1" "select count(*) from many")|$(ask "$1" "select count(*) from lk.rejects")" ]
}

test_expect_success 'two at once: one of them, and where they differ each reject once' '
	many two && replay two many.json "substr(raw, 2)" >same.lk &&
	for i in 1 2 3; do
		many two && { lk-commit -l two <same.lk >one 2>&1 & one=$!; } && { lk-commit -l two <same.lk >other 2>&1 & other=$!; } &&
		wait $one && wait $other && [ "$(cat one other | grep -c "^already replayed")" = 1 ] && whole two &&
		[ "$(ask two "select count(*) from many")" = 40 ] || return
	done &&
	many two && replay two many.json "substr(raw, 2)" "where record <= 20" >low.lk && replay two many.json "substr(raw, 2)" "where record > 20" >high.lk &&
	{ lk-commit -q -l two <low.lk & one=$!; } && { lk-commit -q -l two <high.lk & other=$!; } && wait $one && wait $other &&
	whole two && [ "$(ask two "select count(*) from many")" = 40 ] && [ "$(summary two lk.rejects total-position-deletes)" = 40 ]
'

test_expect_success 'others may load meanwhile' '
	many two && printf "a\ny\n" >n1.csv && lk-parse -q -s many.json n1.csv >n1.lk; [ $? = 1 ] &&
	{ lk-commit -q -l two <same.lk & one=$!; } && { lk-commit -q -l two <n1.lk & other=$!; } && wait $one && wait $other &&
	[ "$(ask two "select count(*) from many")" = 40 ] && [ "$(ask two "select delivery, record from lk.rejects")" = n1.csv,1 ]
'

test_expect_success 'killed at any moment, each reject is a row or still a reject' '
	many killed && start=$(date +%s%N) && lk-commit -q -l killed <same.lk && took=$((($(date +%s%N) - start) / 1000)) &&
	many killed && for i in 1 2 3 4 5 6 7 8; do
		lk-commit -q -l killed <same.lk >/dev/null 2>&1 & pid=$!
		sleep "$(printf "%d.%06d" 0 $((took * i / 8 % 1000000)))"
		kill -9 $pid 2>/dev/null; wait $pid
		# The next writer rolls back what SQLite left half way; lk-query, which only reads, cannot.
		sqlite3 killed/catalog.db "select count(*) from lk_ledger" && whole killed || return
	done; lk-commit -l killed <same.lk >/dev/null && whole killed && [ "$(ask killed "select count(*) from many")" = 40 ]
'

test_expect_success 'what must be unique in its file is not read again without the file' '
	printf "{\"resources\": [{\"name\": \"us\", \"path\": \"u*.csv\", \"schema\": {\"fields\": [%s, %s]}}]}" \
		"$(field id integer "\"constraints\": {\"unique\": true}")" "$(field b string)" >unique.json &&
	printf "id,b\n1,x\n1,y\n2,z\n" >us.csv &&
	{ lk-parse -q -s unique.json us.csv; [ $? = 1 ]; } | lk-commit -q -l once &&
	{ lk-query -l once -F arrow "from quarantine.rejects" | lk-parse -s unique.json --replay 2>said || :; } | lk-commit -q -l once &&
	grep "must be unique within the file" said &&
	ask once "select (select count(*) from us), (select count(*) from lk.rejects), (select count(*) from quarantine.rejects)" >actual &&
	echo 2,1,1 >expect && test_cmp expect actual
'

test_done
