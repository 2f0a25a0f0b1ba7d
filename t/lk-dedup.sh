#!/bin/sh
# lk-dedup: which rows stay, in what order and when, what becomes of the others, and what it does with little memory.
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'packages: rows with a key and an order, and rows without' '
	cat >package.json <<-\END
	{"name": "test", "resources": [
	 {"name": "people", "path": "people*.csv",
	  "schema": {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"},
	   {"name": "v", "type": "integer"}]}, "lk": {"order": "v"}},
	 {"name": "visits", "path": "visits*.csv",
	  "schema": {"fields": [{"name": "visit", "type": "integer"}, {"name": "what", "type": "string"}]}}]}
	END
'

columns() { lk-query -F csv "select $1 from stdin"; }

# ---- whole rows ----

test_expect_success 'the first of the same rows stays, whatever file and line it came from' '
	printf "visit,what\n1,a\n2,b\n1,a\n1,c\n" >visits1.csv &&
	printf "visit,what\n3,\n2,b\n1,a\n3,\n" >visits2.csv &&
	lk-parse -s package.json visits1.csv visits2.csv >visits.lk &&
	lk-dedup visits.lk >out.lk 2>err &&
	test ! -s err &&
	printf "visit,what,lk_row\n1,a,1\n2,b,2\n1,c,4\n3,,1\n" >expect &&
	lk-cat -t visits out.lk | cut -d, -f1,2,4 >actual &&
	test_cmp expect actual
'

test_expect_success 'standard input, - and several files are the same' '
	lk-cat -t visits out.lk >expect &&
	lk-dedup <visits.lk | lk-cat -t visits >actual && test_cmp expect actual &&
	lk-dedup - <visits.lk | lk-cat -t visits >actual && test_cmp expect actual &&
	lk-parse -s package.json visits1.csv >1.lk && lk-parse -s package.json visits2.csv >2.lk &&
	lk-dedup 1.lk 2.lk | lk-cat -t visits >actual && test_cmp expect actual &&
	cat 1.lk 2.lk | lk-dedup | lk-cat -t visits >actual && test_cmp expect actual
'

test_expect_success 'side tables pass as they are, so that the stream can be committed' '
	lk-cat -t lk.files visits.lk >expect && lk-cat -t lk.files out.lk >actual && test_cmp expect actual &&
	lk-commit -l lake <out.lk &&
	lk-query -l lake -F csv "select count(*) as n from visits" >actual && printf "n\n4\n" >expect && test_cmp expect actual
'

test_expect_success 'what went through once is not changed by going through again' '
	lk-dedup out.lk | lk-cat -t visits >actual && lk-cat -t visits out.lk >expect && test_cmp expect actual
'

test_expect_success 'whole rows go on before the input ends' '
	cat >slow.py <<-\END &&
	import os, select, subprocess, sys, threading
	data = open("slow.lk", "rb").read()
	cut = len(data) - 40000
	p = subprocess.Popen(["lk-dedup"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
	def write():
	    p.stdin.write(data[:cut])
	    p.stdin.flush()
	writer = threading.Thread(target=write)
	writer.start()
	got = 0
	while got < cut // 2:
	    if not select.select([p.stdout], [], [], 20)[0]:
	        p.kill()
	        sys.exit("only %d bytes of %d came" % (got, cut))
	    got += len(os.read(p.stdout.fileno(), 65536))
	p.kill()
	END
	awk "BEGIN { print \"visit,what\"; for (i = 0; i < 200000; i++) print i \",something\" }" >visits3.csv &&
	lk-parse -s package.json visits3.csv >slow.lk &&
	python3 slow.py
'

# ---- by key ----

test_expect_success 'of each key the newest version stays, in the order in which rows came' '
	printf "id,name,v\n1,old,1\n2,only,1\n3,new,9\n" >people1.csv &&
	printf "id,name,v\n3,old,8\n1,new,2\n4,none,\n4,some,0\n" >people2.csv &&
	lk-parse -s package.json people1.csv people2.csv >people.lk &&
	lk-dedup people.lk | columns "id, name" >actual &&
	printf "id,name\n2,only\n3,new\n1,new\n4,some\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'whatever the order in which deliveries come' '
	lk-parse -s package.json people2.csv people1.csv | lk-dedup | lk-query -F csv "select * from stdin order by id" >actual &&
	lk-dedup people.lk | lk-query -F csv "select * from stdin order by id" >expect &&
	test_cmp expect actual
'

test_expect_success '--key and --order say otherwise than the table' '
	lk-dedup --key name --order id people.lk | columns "id, name" >actual &&
	printf "id,name\n2,only\n3,new\n3,old\n4,none\n4,some\n" >expect &&
	test_cmp expect actual &&
	lk-dedup --key name,id people.lk | columns "count(*) as n" >actual &&
	printf "n\n7\n" >expect && test_cmp expect actual
'

test_expect_success '--whole compares whole rows of a table with a key' '
	lk-dedup -w people.lk | lk-cat -t people >actual && lk-cat -t people people.lk >expect && test_cmp expect actual
'

test_expect_success 'rows whose key has a null stay, and are told of' '
	printf "visit,what\n,a\n,a\n1,a\n1,a\n" >visits4.csv &&
	lk-parse -s package.json visits4.csv | lk-dedup --key visit 2>err | columns "visit" >actual &&
	printf "visit\n\n\n1\n" >expect && test_cmp expect actual &&
	grep -q "lk-dedup: main.visits: 2 rows without a key\|lk-dedup: visits: 2 rows without a key" err
'

# ---- which tables ----

test_expect_success '-t leaves other tables alone' '
	cat people.lk visits.lk >both.lk &&
	lk-dedup -t visits both.lk >out.lk &&
	lk-cat -t people people.lk >expect && lk-cat -t people out.lk >actual && test_cmp expect actual &&
	lk-cat --count out.lk | grep -q "visits,4$" &&
	lk-dedup -t visits -t people both.lk >out.lk &&
	lk-cat --count out.lk | grep -q "visits,4$" && lk-cat --count out.lk | grep -q "people,4$" &&
	lk-dedup both.lk >all.lk && lk-cat -t people all.lk >expect && lk-cat -t people out.lk >actual && test_cmp expect actual
'

test_expect_success 'a table without the columns is an error that says what helps' '
	expect_error 65 "; -t says which tables are meant" lk-dedup --key id both.lk >out &&
	lk-dedup --key id -t people both.lk >out &&
	expect_error 65 "there is no column" lk-dedup -t people --order nothing both.lk >out
'

# ---- what is left out ----

test_expect_success '--dups has the rest, as a stream' '
	lk-dedup --dups dups.lk both.lk >out.lk &&
	lk-cat --count dups.lk >actual && sort actual >sorted && printf "people,3\ntable,rows\nvisits,4\n" >expect && sed "s/main\.//" sorted >actual &&
	test_cmp expect actual &&
	{ lk-cat -t people out.lk; lk-cat -t people dups.lk | tail -n +2; } | sort >actual &&
	lk-cat -t people both.lk | sort >expect && test_cmp expect actual
'

test_expect_success 'the end marker tells how many, and why' '
	lk-dedup -v both.lk 2>err >out.lk &&
	grep -q "people: 7 rows, 3 repeated, 0 in the lake already" err && grep -q "visits: 8 rows, 4 repeated" err &&
	grep -aq "3 repeated" out.lk && grep -aq "4 repeated" out.lk
'

test_expect_success 'a table of which nothing stays keeps its columns' '
	printf "visit,what\n" >visits5.csv &&
	lk-parse -s package.json visits5.csv visits1.csv | lk-dedup | lk-cat --schema >actual &&
	lk-parse -s package.json visits1.csv | lk-cat --schema >expect && test_cmp expect actual
'

# ---- what a lake has ----

test_expect_success '--against leaves out what the lake has just so: whole rows' '
	lk-parse -s package.json visits1.csv | lk-dedup | lk-commit -q -l lake2 &&
	lk-parse -s package.json visits2.csv >2.lk &&
	lk-dedup -v --against lake2 --dups dups.lk 2.lk 2>err >out.lk &&
	printf "visit,what\n3,\n" >expect && lk-cat -t visits out.lk | cut -d, -f1,2 >actual && test_cmp expect actual &&
	grep -q "4 rows, 1 repeated, 2 in the lake already" err && lk-cat --count dups.lk | grep -q "visits,3$" &&
	grep -aq "1 repeated, 2 in the lake already" out.lk &&
	lk-commit -q -l lake2 <out.lk &&
	lk-dedup --against lake2 2.lk | lk-cat --count | grep -q "visits,0$"
'

test_expect_success 'and newest versions of keys' '
	printf "id,name,v\n1,same,5\n2,old,1\n3,same,\n" >people3.csv &&
	printf "id,name,v\n1,same,5\n1,older,4\n2,new,2\n3,same,\n4,more,1\n,no key,1\n,no key,1\n" >people4.csv &&
	sed "s/\"primaryKey\": \"id\", //" package.json >keyless.json &&
	lk-parse -s keyless.json people3.csv | lk-commit -q -l lake3 &&
	lk-parse -s keyless.json people4.csv | lk-dedup --key id --order v --against lake3 2>/dev/null | columns "id, name" >actual &&
	printf "id,name\n2,new\n4,more\n,no key\n,no key\n" >expect && test_cmp expect actual
'

test_expect_success 'a row that deletes stays, though the lake has its values' '
	cat >op.json <<-\END &&
	{"name": "op", "resources": [{"name": "things", "path": "things*.csv", "schema": {"primaryKey": "id", "fields": [
	 {"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "op", "type": "string"}]},
	 "lk": {"load": "upsert", "op": "op"}}]}
	END
	printf "id,name,op\n1,one,I\n2,two,I\n3,three,I\n" >things1.csv &&
	printf "id,name,op\n1,one,D\n2,two,U\n3,other,U\n" >things2.csv &&
	lk-parse -s op.json things1.csv | lk-commit -q -l lake5 &&
	lk-parse -s op.json things2.csv | lk-dedup --against lake5 | columns "id, op" >actual &&
	printf "id,op\n1,D\n3,U\n" >expect && test_cmp expect actual
'

test_expect_success 'a value in a column that the lake does not have is news; a table that it does not have, too' '
	printf "visit,what,more\n1,a,\n1,c,x\n" >visits7.csv &&
	sed "s/{\"name\": \"what\", \"type\": \"string\"}/&, {\"name\": \"more\", \"type\": \"string\"}/" package.json >more.json &&
	lk-parse -s more.json visits7.csv | lk-dedup --against lake2 | columns "visit, what, more" >actual &&
	printf "visit,what,more\n1,c,x\n" >expect && test_cmp expect actual &&
	lk-dedup --against lake2 people.lk | lk-cat -t people >actual && lk-dedup people.lk | lk-cat -t people >expect && test_cmp expect actual
'

test_expect_success 'with little memory, too, and with no lake it is an error' '
	lk-parse -s package.json visits1.csv >1.lk &&
	awk "BEGIN { print \"visit,what\"; for (i = 0; i < 60000; i++) print i \",something\" }" >visits8.csv &&
	lk-parse -s package.json visits8.csv | lk-commit -q -l lake4 &&
	awk "BEGIN { print \"visit,what\"; for (i = 30000; i < 90000; i++) print i \",something\" }" >visits9.csv &&
	lk-parse -s package.json visits9.csv >9.lk &&
	lk-dedup -q --memory 1M --against lake4 9.lk | columns "count(*) as n, min(visit) as least" >actual &&
	printf "n,least\n30000,60000\n" >expect && test_cmp expect actual &&
	expect_error 66 "nowhere" lk-dedup --against nowhere 9.lk
'

# ---- little memory ----

test_expect_success 'with little memory it says so, and does the same' '
	awk "BEGIN { print \"visit,what\"; for (i = 0; i < 200000; i++) print i * 7919 % 60000 \",something\" }" >visits6.csv &&
	lk-parse -s package.json visits6.csv >many.lk &&
	for how in -w "--key visit" "--key visit --order what" "--key what,visit"; do
		lk-dedup $how many.lk >large.lk 2>err && test ! -s err &&
		lk-dedup $how --memory 1M --dups dups.lk many.lk >small.lk 2>err &&
		grep -qx "lk-dedup: more than 1 MiB of memory are needed: rows go to temporary files from now on" err && [ "$(wc -l <err)" = 1 ] &&
		lk-cat -t visits large.lk >expect && lk-cat -t visits small.lk >actual && test_cmp expect actual &&
		[ "$(wc -l <actual)" = 60001 ] && lk-cat --count dups.lk | grep -q "visits,140000$" || return 1
	done &&
	[ -z "$(ls -A "$TMPDIR")" ]
'

test_expect_success 'a full disk is an error, and no half stream is left to be believed' '
	test_full() (
		trap "" XFSZ
		ulimit -f 64
		lk-dedup --memory 1M --dups dups.lk many.lk | cat >/dev/null
		lk-dedup --memory 1M --key visit many.lk 2>err >/dev/null
	) &&
	test_full
	[ $? = 74 ] && grep -q "cannot write .a temporary file" err
'

test_expect_success 'where temporary files cannot be made' '
	TMPDIR=$PWD/nowhere expect_error 73 "cannot create a temporary file in" lk-dedup --memory 1M --key visit many.lk >out
'

# ---- what is no stream ----

test_expect_success 'a stream that was cut ends in an error, without an end marker' '
	rm -f dups.lk && head -c 3000 both.lk >cut.lk &&
	expect_error 65 "" lk-dedup --dups dups.lk cut.lk >out.lk && test ! -e dups.lk &&
	{ test ! -s out.lk || expect_error 65 "" lk-cat --count out.lk; } &&
	expect_error 65 "" lk-dedup people.lk people.lk >out.lk &&
	expect_error 66 "" lk-dedup nothing.lk >out.lk &&
	expect_error 65 "" lk-dedup </dev/null >out.lk
'

test_expect_success 'options that do not go together' '
	expect_error 64 "cannot be given together" lk-dedup --key id -w people.lk &&
	expect_error 64 "says that there is none" lk-dedup --order v -w people.lk &&
	expect_error 64 "twice" lk-dedup --key id,id people.lk &&
	expect_error 64 "needs names of columns" lk-dedup --key id, people.lk &&
	expect_error 64 "1M at least" lk-dedup --memory 1k people.lk &&
	expect_error 77 "" lk-dedup --dups lake/dups.lk people.lk
'

test_done
