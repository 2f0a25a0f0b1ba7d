#!/bin/sh
# lk-query: SQL over a lake and over a stream; what it must not do; its formats and errors.
. "$(dirname "$0")/test-lib.sh"

# The answer of lk-query to SQL, as CSV, against standard input.
answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -F csv "$@" "$sql" >actual && test_cmp expect actual
}

# ---- without a lake ----

test_expect_success 'SELECT, FROM, VALUES and WITH run, and need no lake' '
	printf "a,b\n1,x\n" | answers "select 1 as a, '\''x'\'' as b" &&
	printf "range\n0\n1\n" | answers "from range(2)" &&
	printf "col0\n1\n2\n" | answers "values (1), (2)" &&
	printf "n\n3\n" | answers "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3)
		select max(n) as n from t" &&
	printf "column_name,column_type\na,INTEGER\n" |
		answers "select column_name, column_type from (describe select 1 as a)"
'

test_expect_success 'the time zone is UTC' '
	printf "t\n2026-01-31 12:00:00+00\n" | TZ=America/New_York answers "select timestamptz '\''2026-01-31 12:00:00'\'' as t" &&
	printf "h\n12\n" | TZ=America/New_York answers "select hour(timestamptz '\''2026-01-31 12:00:00+00'\'') as h"
'

test_expect_success 'text formats' '
	sql="select 1 as a, '\''x y'\'' as b union all select null, '\''q,\"r'\''" &&
	lk-query -F csv "$sql" >actual && printf "a,b\n1,x y\n,\"q,\"\"r\"\n" >expect && test_cmp expect actual &&
	lk-query -F tsv "$sql" >actual && printf "a\tb\n1\tx y\n\tq,\"r\n" >expect && test_cmp expect actual &&
	lk-query -F json "$sql" >actual &&
	printf "{\"a\":1,\"b\":\"x y\"}\n{\"a\":null,\"b\":\"q,\\\\\"r\"}\n" >expect && test_cmp expect actual &&
	lk-query -F markdown "$sql" >actual && grep -q "^| *1 | x y" actual &&
	lk-query -F table "$sql" >actual && grep -q "x y" actual && ! grep -q "|" actual
'

test_expect_success 'types have one text' '
	cat >expect <<-\END &&
	{"a":true,"b":-1,"c":200,"d":4294967295,"e":18446744073709551615,"f":45,"g":1.5,"h":12.50}
	END
	lk-query -F json "select true a, -1::tinyint b, 200::utinyint c, 4294967295::uinteger d,
		18446744073709551615::ubigint e, sum(i) f, 1.5::float g, 12.5::decimal(9,2) h from range(10) t(i)" >actual &&
	test_cmp expect actual &&
	cat >expect <<-\END &&
	a,b,c,d,e,f,g,h
	2026-01-31,23:59:59.5,2026-01-31 00:00:01,2026-01-31 00:00:01.25,1 year 2 months -3 days 04:05:06.5,hi,\x00ff,9f0c1d2e-0000-4000-8000-000000000001
	END
	lk-query -F csv "select date '\''2026-01-31'\'' a, time '\''23:59:59.5'\'' b,
		'\''2026-01-31 00:00:01'\''::timestamp_s c, '\''2026-01-31 00:00:01.25'\''::timestamp_ns d,
		interval '\''14 months -3 days 4 hours 5 minutes 6.5 seconds'\'' e, '\''hi'\''::enum('\''hi'\'', '\''ho'\'') f,
		'\''\x00\xff'\''::blob g, '\''9f0c1d2e-0000-4000-8000-000000000001'\''::uuid h" >actual &&
	test_cmp expect actual &&
	printf "{\"a\":[1,null],\"b\":{\"x\":1,\"y\":\"z\"},\"c\":null}\n" >expect &&
	lk-query -F json "select [1, null] a, {x: 1, y: '\''z'\''} b, null c" >actual && test_cmp expect actual
'

test_expect_success 'a time finer than microseconds is an error' '
	expect_error 65 "column t: a time does not fit microseconds" \
		lk-query "select '\''2026-01-31 00:00:00.000000001'\''::timestamp_ns as t"
'

test_expect_success '-o writes a file in the format of its ending, and only a whole one' '
	lk-query -o out.json "select 1 as a" && printf "{\"a\":1}\n" >expect && test_cmp expect out.json &&
	cp out.json before &&
	expect_error 65 "column 51: could not convert string" lk-query -o out.json \
		"select (case when i = 90000 then '\''x'\'' else '\''1'\'' end)::int as a from range(100000) t(i)" &&
	test_cmp before out.json && [ "$(ls -A | grep -c "\.tmp$")" = 0 ] &&
	(umask 027 && lk-query -o private.csv "select 1 as a") && [ "$(stat -c %a private.csv)" = 640 ] &&
	lk-query -o /dev/null "select 1" && expect_error 74 "/dev/full" lk-query -o /dev/full "from range(9)" &&
	expect_error 73 "out.json/x.csv" lk-query -o out.json/x.csv "select 1"
'

test_expect_success 'Parquet goes to a file' '
	lk-query -o out.parquet "select i as a, i / 2 as half, '\''x'\'' || i as b from range(5000) t(i)" &&
	[ "$(head -c 4 out.parquet)" = PAR1 ] && [ "$(tail -c 4 out.parquet)" = PAR1 ] &&
	expect_error 64 "-o FILE" lk-query -F parquet "select 1" &&
	expect_error 64 "plain file" lk-query -F parquet -o /dev/null "select 1" &&
	expect_error 65 "column a: list" lk-query -o nested.parquet "select [1] as a" && [ ! -e nested.parquet ]
'

test_expect_success 'a script has several statements, a stream one' '
	printf "select 1 as a; -- the first\nfrom range(2) as t(b)\n;\n" >two.sql &&
	lk-query -F csv -f two.sql >actual && printf "a\n1\n\nb\n0\n1\n" >expect && test_cmp expect actual &&
	lk-query -F json -f two.sql >actual && printf "{\"a\":1}\n{\"b\":0}\n{\"b\":1}\n" >expect && test_cmp expect actual &&
	expect_error 64 "has 2 statements" lk-query -F arrow -f two.sql &&
	lk-query -f - <two.sql >/dev/null &&
	expect_error 66 "nowhere.sql" lk-query -f nowhere.sql &&
	expect_error 64 "not from both" lk-query -f two.sql "select 1" &&
	printf "select 1\0" >nul.sql && expect_error 65 "not text" lk-query -f nul.sql
'

test_expect_success 'errors say what and where, in a line' '
	expect_error 65 "column 1: syntax error at or near \"selec\"" lk-query "selec 1" && [ "$(wc -l <.stderr)" = 1 ] &&
	expect_error 65 "line 2, column 3: referenced column \"nope\" not found" lk-query "select
  nope from range(3)" && [ "$(wc -l <.stderr)" = 1 ] &&
	printf "select 1;\n\nselect é + nope from range(3) t(é);\n" >bad.sql &&
	expect_error 65 "'\''bad.sql'\'' line 3, column 12: " lk-query -f bad.sql &&
	expect_error 65 "no statement" lk-query "" && expect_error 65 "no statement" lk-query "/* nothing */" &&
	expect_error 65 "nopefunction" lk-query "select nopefunction(1)" &&
	expect_error 65 "values were not provided" lk-query "select \$1"
'

test_expect_success 'EXPLAIN shows the plan' '
	lk-query -F table "explain select 42 as a" >actual && grep -q "PROJECTION" actual && ! grep -q physical_plan actual &&
	lk-query -F table "explain analyze select 42 as a" >actual && grep -q "EXPLAIN_ANALYZE" actual &&
	lk-query -F json "/* why */ explain select 42 as a" >actual && grep -q physical_plan actual
'

test_expect_success 'DuckDB is looked for where LK_DUCKDB says' '
	expect_error 69 "cannot load DuckDB" env LK_DUCKDB=/nowhere/libduckdb.so lk-query "select 1"
'

test_expect_success 'the private folder is private, is used, and goes' '
	mkdir tmp &&
	TMPDIR=$PWD/tmp lk-query --memory 24M -j 1 -F csv "select count(*) n from
		(select i, row_number() over (order by hash(i)) from range(2000000) t(i))" >actual &&
	printf "n\n2000000\n" >expect && test_cmp expect actual && [ -z "$(ls -A tmp)" ] &&
	expect_error 73 "private folder" env TMPDIR=/nowhere lk-query "select 1"
'

test_expect_success 'a signal leaves nothing behind and says nothing' '
	mkdir -p tmp && rm -f err &&
	{ TMPDIR=$PWD/tmp lk-query -o late.csv "select count(*) from range(1000000000000) a, range(1000000) b where a.range > b.range" \
		2>err & } && pid=$! && test_pids="$test_pids $pid" &&
	wait_until 20 sh -c "ls tmp | grep -q lk-sql && ls -A | grep -q \"late.csv.*tmp\"" &&
	[ "$(stat -c %a tmp/lk-sql-*)" = 700 ] &&
	kill -TERM $pid; wait $pid; [ $? = 143 ] &&
	[ -z "$(ls -A tmp)" ] && [ ! -s err ] && ! ls -A | grep "late.csv"
'

test_expect_success 'a reader that leaves ends it quietly' '
	rm -f err && { TMPDIR=$PWD/tmp lk-query -F csv "from range(10000000)" 2>err; echo $? >rc; } | head -n 1 >actual &&
	printf "range\n" >expect && test_cmp expect actual && [ ! -s err ] && [ "$(cat rc)" = 141 ] && [ -z "$(ls -A tmp)" ]
'

test_done
