#!/bin/sh
# lk-cat: formats, choice of table, --schema, --head, --count, --as; streams that are cut, doubled, or from other tools.
. "$(dirname "$0")/test-lib.sh"

# Streams are made by a helper: main.people (2 batches), lk.rejects, main.visits in one segment.
test_expect_success 'a stream to look at' '
	stream-make people visits rejects >all.lk &&
	stream-make people >people.lk &&
	stream-make odd >odd.lk
'

# ---- formats ----

test_expect_success 'table shows every table under its name, numbers to the right' '
	cat >expect <<-\END &&
	main.people
	id  name  born        weight
	--  ----  ----------  ------
	 1  Zoë   1969-12-31   71.50
	 2  名前  2001-02-03
	 3

	main.visits
	visit  at
	-----  ----------------------
	   10  2026-01-31 23:59:59+00

	lk.rejects
	reason
	------
	no key
	END
	lk-cat -F table all.lk >actual && test_cmp expect actual
'

test_expect_success 'csv is the default when standard output is no terminal' '
	printf "id,name,born,weight\n1,Zoë,1969-12-31,71.50\n2,名前,2001-02-03,\n3,,,\n" >expect &&
	lk-cat people.lk >actual && test_cmp expect actual &&
	lk-cat -F csv - <people.lk >actual && test_cmp expect actual &&
	lk-cat <people.lk >actual && test_cmp expect actual
'

test_expect_success 'csv quotes what it has to' '
	printf "text,flag,bytes\n\"a,\"\"b\"\"\",true,\\\\x00ff\n\"line\nline\",false,\\\\x\n\"\",,\n,,\n\"\t\\\\|\033[31m\",,\n" | sed "s/\"\(\t.*\)\",,/\1,,/" >expect &&
	lk-cat -F csv odd.lk >actual && test_cmp expect actual
'

test_expect_success 'tsv escapes what it has to' '
	printf "text\tflag\tbytes\na,\"b\"\ttrue\t\\\\\\\\x00ff\nline\\\\nline\tfalse\t\\\\\\\\x\n\t\t\n\t\t\n\\\\t\\\\\\\\|\033[31m\t\t\n" >expect &&
	lk-cat -F tsv odd.lk >actual && test_cmp expect actual
'

test_expect_success 'json is an object a line that any reader takes' '
	cat >expect <<-\END &&
	{"text":"a,\"b\"","flag":true,"bytes":"\\x00ff"}
	{"text":"line\nline","flag":false,"bytes":"\\x"}
	{"text":"","flag":null,"bytes":null}
	{"text":null,"flag":null,"bytes":null}
	{"text":"\t\\|\u001b[31m","flag":null,"bytes":null}
	END
	lk-cat -F json odd.lk >actual && test_cmp expect actual &&
	python3 -c "import json, sys; [json.loads(line) for line in sys.stdin]" <actual
'

test_expect_success 'table shows no control character' '
	cat >expect <<-\END &&
	main.odd
	text          flag   bytes
	------------  -----  ------
	a,"b"         true   \x00ff
	line\nline    false  \x


	\t\|\x1b[31m
	END
	lk-cat -F table odd.lk >actual && test_cmp expect actual
'

test_expect_success 'markdown has its own escapes' '
	cat >expect <<-\END &&
	| text          | flag  | bytes  |
	| ------------- | ----- | ------ |
	| a,"b"         | true  | \x00ff |
	| line\nline    | false | \x     |
	|               |       |        |
	|               |       |        |
	| \t\\|\x1b[31m |       |        |
	END
	lk-cat -F markdown odd.lk >actual && test_cmp expect actual
'

test_expect_success 'an aligned table goes on behind the rows that it held back' '
	stream-make many >many.lk &&
	lk-cat -F table many.lk >actual &&
	[ "$(wc -l <actual)" = 5003 ] && tail -n 1 actual | grep -qx 4999
'

# ---- which table ----

test_expect_success '-t chooses, by the whole name or by what is behind the dot' '
	printf "visit,at\n10,2026-01-31 23:59:59+00\n" >expect &&
	lk-cat -t visits all.lk >actual && test_cmp expect actual &&
	lk-cat -t main.visits all.lk >actual && test_cmp expect actual &&
	printf "reason\nno key\n" >expect &&
	lk-cat -t lk.rejects all.lk >actual && test_cmp expect actual
'

test_expect_success 'two tables where one has room are an error, the side tables aside' '
	for format in csv tsv json markdown arrow; do
		expect_error 64 "option -t chooses one" lk-cat -F $format all.lk >out || return 1
	done &&
	stream-make people rejects >rejects.lk &&
	lk-cat rejects.lk >actual && lk-cat people.lk >expect && test_cmp expect actual
'

test_expect_success 'a table that is not there is said to be so' '
	expect_error 66 "there is no table '\''nowhere'\''" lk-cat -t nowhere all.lk
'

# ---- what is in it ----

test_expect_success '--count' '
	printf "table,rows\nmain.people,3\nmain.visits,1\nlk.rejects,1\n" >expect &&
	lk-cat --count all.lk >actual && test_cmp expect actual
'

test_expect_success '--schema shows types, nulls and metadata' '
	cat >expect <<-\END &&
	table,column,type,nullable,metadata
	main.people,,,,"{""lk.key"":""[\""id\""]""}"
	main.people,id,int64,false,
	main.people,name,utf8,true,"{""lk.phi"":""direct""}"
	main.people,born,date32,true,
	main.people,weight,"decimal(9,2)",true,
	END
	lk-cat --schema people.lk >actual && test_cmp expect actual
'

test_expect_success '--head shows the first rows of each table' '
	lk-cat --head 1 -F table all.lk >actual &&
	grep -q "Zoë" actual && ! grep -q "名前" actual && grep -q "no key" actual &&
	printf "id,name,born,weight\n" >expect &&
	lk-cat --head 0 people.lk >actual && test_cmp expect actual
'

test_expect_success '--head with -t stops when it has its rows, whatever comes then' '
	head -c $(($(wc -c <many.lk) - 100)) many.lk >cut.lk &&
	lk-cat -t many --head 2 cut.lk >actual && [ "$(wc -l <actual)" = 3 ] &&
	expect_error 65 "its writer died" lk-cat --head 2 cut.lk
'

# ---- Arrow, and back ----

test_expect_success '-F arrow is one plain stream, --as makes an lk stream of it again' '
	lk-cat -t people -F arrow all.lk >people.arrows &&
	! grep -q lk.segment people.arrows &&
	lk-cat --as main.people people.arrows >again.lk &&
	lk-cat -F table people.lk >expect && lk-cat -F table again.lk >actual && test_cmp expect actual &&
	lk-cat --as people --head 1 people.arrows | lk-cat --count >actual &&
	printf "table,rows\npeople,1\n" >expect && test_cmp expect actual
'

test_expect_success 'a plain stream of a side table is shown, and --as takes it' '
	lk-cat -t lk.rejects -F arrow all.lk >rejects.arrows &&
	printf "reason\nno key\n" >expect && lk-cat rejects.arrows >actual && test_cmp expect actual &&
	lk-cat --as quarantine.rejects rejects.arrows >again.lk && lk-cat -t quarantine.rejects again.lk >actual && test_cmp expect actual &&
	lk-cat -t lk.rejects --as quarantine.rejects all.lk | lk-cat >actual && test_cmp expect actual &&
	stream-make rejects >only.lk && expect_error 66 "option -t chooses one" lk-cat --as people only.lk >out
'

test_expect_success 'a plain stream may end by the end of the file, not inside a message' '
	size=$(wc -c <people.arrows) &&
	head -c $((size - 8)) people.arrows | lk-cat >actual &&
	lk-cat people.arrows >expect && test_cmp expect actual &&
	head -c $((size - 9)) people.arrows >cut.arrows &&
	expect_error 65 "it ends in the middle of a message" lk-cat cut.arrows
'

test_expect_success '-o says the format by its ending, and leaves nothing half' '
	lk-cat -o out.json people.lk && lk-cat -F json people.lk >expect && test_cmp expect out.json &&
	lk-cat -o out.arrow -t people all.lk && cmp out.arrow people.arrows &&
	expect_error 65 "died" lk-cat -o half.csv cut.lk && [ ! -e half.csv ] &&
	expect_error 73 "cannot create" lk-cat -o nowhere/out.csv people.lk
'

# ---- damage ----

test_expect_success 'a stream cut at any byte is an error' '
	stream-damage cut all.lk
'

test_expect_success 'a stream with any byte changed is read or refused' '
	stream-damage flip all.lk 3
'

test_expect_success 'streams after one another are a stream, one given twice is not' '
	stream-make visits >visits.lk &&
	cat people.lk visits.lk | lk-cat --count >actual &&
	printf "table,rows\nmain.people,3\nmain.visits,1\n" >expect && test_cmp expect actual &&
	cat people.lk visits.lk people.lk >doubled.lk &&
	expect_error 65 "the same stream was given twice" lk-cat --count doubled.lk &&
	lk-cat --count people.lk visits.lk >actual && test_cmp expect actual &&
	expect_error 65 "people.lk: segment" lk-cat --count people.lk visits.lk people.lk &&
	lk-cat -t people -F arrow people.lk >people.arrows && lk-cat --count people.arrows people.arrows >actual &&
	printf "table,rows\nmain.people,6\n" >expect && test_cmp expect actual
'

test_expect_success 'a writer that died is named, at the end and before another segment' '
	stream-make people die >died.lk &&
	expect_error 65 "the writer of table '\''main.people'\'' died: its segment has no end marker" lk-cat died.lk &&
	cat died.lk visits.lk >died-visits.lk &&
	expect_error 65 "the writer of table '\''main.people'\'' died" lk-cat -F table died-visits.lk &&
	expect_error 65 "died" sh -c "stream-make people die | lk-cat >/dev/null"
'

test_expect_success 'counts that do not agree are an error' '
	stream-make people lie >lie.lk &&
	expect_error 65 "the end marker says" lk-cat lie.lk
'

test_expect_success 'no byte at all is an error, and so is what is no stream' '
	expect_error 65 "standard input: it is empty" lk-cat </dev/null &&
	printf "id,name\n1,Bo\n" >people.csv &&
	expect_error 65 "people.csv: it is not an Arrow stream" lk-cat people.csv
'

test_expect_success 'a bomb is refused before it takes memory' '
	stream-make bomb >bomb.arrows &&
	expect_error 65 "larger than 1024 MiB once decompressed" lk-cat bomb.arrows &&
	stream-make rows >rows.arrows &&
	expect_error 65 "than its bytes can hold" lk-cat rows.arrows &&
	stream-make dictionary >dictionary.arrows &&
	expect_error 65 "once its dictionaries are decoded" lk-cat dictionary.arrows &&
	stream-make knot >knot.arrows &&
	expect_error 65 "claims more than its bytes can hold" timeout 10 lk-cat knot.arrows
'

test_expect_success 'text that is not UTF-8 is named by table and column' '
	stream-make latin1 >latin1.lk &&
	expect_error 65 "table '\''main.latin1'\'': column '\''name'\'' holds text that is not UTF-8, in row 2" lk-cat latin1.lk
'

# ---- manners ----

test_expect_success 'binary does not go to a terminal' '
	expect_status 64 script -qec "lk-cat -F arrow people.lk" /dev/null >out && grep -q "is binary" out &&
	script -qec "lk-cat people.lk" /dev/null >out && grep -q "^--  --" out
'

test_expect_success 'on a terminal long cells are cut' '
	stream-make long >long.lk &&
	script -qec "lk-cat long.lk" /dev/null >out && grep -q "…" out &&
	lk-cat -F table long.lk >out && ! grep -q "…" out
'

test_expect_success 'options that do not go together are refused' '
	expect_error 64 "only one of" lk-cat --schema --count people.lk &&
	expect_error 64 "--as makes" lk-cat --as x --count people.lk &&
	expect_error 64 "--as makes" lk-cat --as x -F csv people.lk &&
	expect_error 64 "cannot be the name" lk-cat --as lk.end people.lk &&
	expect_error 64 "does not write Parquet" lk-cat -F parquet people.lk
'

test_expect_success 'a full disk is said to be so, in every format' '
	for format in table csv tsv json markdown arrow; do
		expect_error 74 "standard output" lk-cat -t people -F $format all.lk >/dev/full || return 1
	done
'

test_expect_success 'a table without a namespace goes by main, too' '
	lk-cat -t people -F arrow all.lk >people.arrow && lk-cat --as people people.arrow >bare.lk &&
	lk-cat -t main.people --count bare.lk >actual && printf "table,rows\npeople,3\n" >expect && test_cmp expect actual &&
	expect_error 66 "there is no table" lk-cat -t other.people --count bare.lk
'

test_done
