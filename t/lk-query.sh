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

test_expect_success 'JSON has each name once' '
	expect_error 65 "two columns are called '\''a'\''" lk-query -F json "select 1 a, 2 b, 3 a" &&
	lk-query -F csv "select 1 a, 2 b, 3 a" && lk-query -F json "select 1 a, 2 b, 3 a_1"
'

test_expect_success 'advice is such as can be followed here' '
	expect_error 69 "; --memory gives more" lk-query --memory 30M "select count(*) from
		(select distinct a, hash(a) from range(20000000) t(a))" && ! grep -iE "set |solutions" .stderr &&
	expect_error 77 "a PIVOT needs its list of values" lk-query "pivot (select 1 a, 2 b) on a using sum(b)" &&
	expect_error 77 "only SELECT runs here" lk-query "create table pivot_in as select 1 where 1 in (1)"
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

# ---- a lake ----

mkdir sources
cat >sources/people.json <<-'END'
	{"name": "people", "resources": [{"name": "people", "path": "people*.csv", "schema": {"fields": [
	  {"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "born", "type": "date",
	   "lk": {"phi": "date"}}, {"name": "charge", "type": "number", "lk": {"decimal": [9, 2]}}]}}]}
END
cat >sources/visits.json <<-'END'
	{"name": "visits", "resources": [{"name": "visits", "path": "visits*.csv", "lk": {"table": "ward.visits"},
	  "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "at", "type": "datetime", "lk": {"timezone": "UTC"}}]}}]}
END
printf 'id,name,born,charge\n1,Zo\303\253,1969-12-31,12.50\n2,Bo,,0.01\n3,Cy,2001-02-03,\n' >people.csv
printf 'id,name,born,charge\n4,Di,1980-01-01,7\nfive,Ed,1980-01-01,7\n' >people2.csv
printf 'id,at\n1,2026-01-31T12:00:00Z\n1,2026-02-01T12:00:00Z\n9,\n' >visits.csv

test_expect_success 'a lake to ask' '
	lk-parse -q -s sources --as people people.csv >people.lk &&
	lk-parse -q -s sources --as people people2.csv >people2.lk;
	lk-parse -q -s sources --as visits visits.csv >visits.lk &&
	lk-commit -q -l lake <people.lk && lk-commit -q -l lake <people2.lk && lk-commit -q -l lake <visits.lk
'

test_expect_success 'without SQL the tables are listed' '
	lk-query -l lake -F csv >actual && head -n 1 actual >header && printf "table,rows,files,delete_files,bytes,changed\n" >expect &&
	test_cmp expect header &&
	cut -d, -f1-3 actual | sed 1d >tables &&
	printf "lk.files,3,3\nlk.rejects,1,1\nmain.people,4,2\nquarantine.rejects,1,1\nward.visits,3,1\n" >expect &&
	test_cmp expect tables &&
	lk-query -l lake -F csv "show tables" >shown && test_cmp actual shown &&
	(cd lake/main && lk-query -F csv) >up && test_cmp actual up &&
	LK_LAKE=lake lk-query -F csv >env && test_cmp actual env
'

test_expect_success 'tables are joined, by full name and by the last part alone' '
	printf "name,n\nZoë,2\n" | answers "select name, count(*) as n from people join ward.visits using (id) group by 1" -l lake &&
	printf "n\n7\n" | answers "select (select count(*) from MAIN.People) + (select count(*) from visits) as n" -l lake &&
	printf "n\n4\n" | answers "with people as (from people) select count(*) as n from people" -l lake &&
	printf "id\n1\n2\n3\n4\n" | answers "select id from \"main\".\"people\" order by 1" -l lake
'

test_expect_success 'values come back as they went in' '
	cat >expect <<-\END &&
	{"id":1,"name":"Zoë","born":"1969-12-31","charge":12.50}
	{"id":2,"name":"Bo","born":null,"charge":0.01}
	{"id":3,"name":"Cy","born":"2001-02-03","charge":null}
	{"id":4,"name":"Di","born":"1980-01-01","charge":7.00}
	END
	lk-query -l lake -F json "select id, name, born, charge from people order by id" >actual && test_cmp expect actual &&
	cat >expect <<-\END &&
	id,BIGINT
	at,TIMESTAMP WITH TIME ZONE
	END
	lk-query -l lake -F csv "select column_name, column_type from (describe visits) where column_name not like '\''lk%'\''" |
		sed 1d >actual && test_cmp expect actual &&
	printf "at\n2026-01-31 12:00:00+00\n" | answers "select v.at from visits v order by 1 limit 1" -l lake
'

test_expect_success 'a data file that is not there is named, wherever in the table it is' '
	for n in 1 2 3 4 5 6; do
		lk-query -F arrow --as t "select $n as id" | lk-commit -q -l holed --once $n || return 1
	done &&
	lk-query -l holed -F csv "select file_path from \"t\$files\"" | sed -n "s,^file://,,p" >files && [ "$(wc -l <files)" = 6 ] &&
	while read -r file; do
		mv "$file" away && expect_error 74 "file '\''$file'\'' is not there" lk-query -l holed "select sum(id) from t" </dev/null && mv away "$file" || return 1
	done <files
'

test_expect_success 'a name that is not there is told, with the nearest' '
	expect_error 65 "did you mean '\''main.people'\''?" lk-query -l lake "from peopel" &&
	expect_error 65 "did you mean '\''ward.visits'\''?" lk-query -l lake "from main.visits" &&
	expect_error 65 "without SQL lists them" lk-query -l lake "from zzzzzzzz" &&
	expect_error 64 "no lake" lk-query "from people" && expect_error 66 "nowhere" lk-query -l nowhere "select 1"
'

# Root may read everything, so root gives that up first.
as_user() { "$@"; }
[ "$(id -u)" != 0 ] || as_user() { setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$@"; }
mkdir closed && chmod 0 closed
if as_user ls closed >/dev/null 2>&1 || ! as_user true 2>/dev/null; then
	test_skip 'what one may not read is listed by its name' 'everything may be read here'
else
	test_expect_success 'what one may not read is listed by its name' '
		lk-query -l lake -F csv | sed "s/^quarantine.rejects,.*/quarantine.rejects,,,,,/" >expect && grep "^quarantine" expect &&
		chmod 0 lake/quarantine && { as_user lk-query -l lake -F csv >actual; rc=$?; chmod 700 lake/quarantine; [ $rc = 0 ]; } &&
		test_cmp expect actual && chmod 0 lake/quarantine &&
		{ as_user lk-query -l lake "from quarantine.rejects" 2>err; rc=$?; chmod 700 lake/quarantine; [ $rc = 77 ]; } && grep "quarantine" err
	'
fi

test_expect_success 'rejects are grouped by reason, whatever their values are' '
	printf "n,born,cost\n1,31/02/2026,x\n2,2026-02-30,1\n3,2026-01-01,y\n4,never,1\n5,2026-01-01\n" >reasons.csv &&
	echo "{\"name\": \"r\", \"resources\": [{\"name\": \"reasons\", \"path\": \"*.csv\", \"schema\": {\"fields\": [
		{\"name\": \"n\", \"type\": \"integer\"}, {\"name\": \"born\", \"type\": \"date\"},
		{\"name\": \"cost\", \"type\": \"number\"}]}}]}" >reasons.json &&
	expect_status 1 lk-parse -s reasons.json reasons.csv >reasons.lk && lk-commit -q -l reasons <reasons.lk &&
	answers "select \"table\", field, reason, count(*) from lk.rejects group by all order by 4 desc, 3 desc" -l reasons <<-\EOF_ &&
	table,field,reason,count_star()
	main.reasons,born,is not a date,3
	main.reasons,cost,is not a number,1
	main.reasons,,"has 2 fields, not 3",1
	EOF_
	printf "record,value\n2,2026-02-30\n1,31/02/2026\n4,never\n3,y\n5,\n" |
		answers "select record, value from lk.rejects order by value nulls last" -l reasons
'

test_expect_success 'quarantine is named in full, and a name of two namespaces too' '
	printf "raw\n\"five,Ed,1980-01-01,7\"\n" | answers "select trim(raw, chr(10)) as raw from quarantine.rejects" -l lake &&
	printf "n\n1\n" | answers "select count(*) as n from rejects where reason is not null" -l lake &&
	lk-query -F arrow --as x.people "select 1 as id" </dev/null >other.lk &&
	lk-commit -q -l two --once a <other.lk &&
	lk-query -F arrow --as y.people "select 2 as id" >other.lk && lk-commit -q -l two --once b <other.lk &&
	expect_error 65 "could be any of x.people, y.people" lk-query -l two "from people" &&
	lk-query -F arrow --as people "select 3 as id" >other.lk && lk-commit -q -l two --once c <other.lk &&
	printf "id\n3\n" | answers "select id from people" -l two
'

test_expect_success 'a table without rows has its columns' '
	lk-query -F arrow --as empty "select 1 as a, '\''x'\'' as b, 1.5::decimal(9,2) as c where false" >empty.lk &&
	lk-commit -q -l lake --once empty <empty.lk &&
	printf "column_name,column_type\na,INTEGER\nb,VARCHAR\nc,\"DECIMAL(9,2)\"\n" |
		answers "select column_name, column_type from (describe empty)" -l lake &&
	printf "n\n0\n" | answers "select count(*) as n from empty" -l lake
'

test_expect_success 'columns are found by field id: added, renamed, widened' '
	lk-query -F arrow --as t "select 1::int as a, '\''x'\'' as b" >one.lk && lk-commit -q -l grown --once 1 <one.lk &&
	lk-query -F arrow --as t "select 5000000000 as a, '\''y'\'' as b, 2.5::double as c" >two.lk &&
	lk-commit -q -l grown --schema widen --once 2 <two.lk &&
	printf "a,b,c\n1,x,\n5000000000,y,2.5\n" | answers "select a, b, c from t order by a" -l grown &&
	current=$(ls grown/main/t/metadata/00001-*.metadata.json) &&
	sed -i "s/\"name\":\"b\"/\"name\":\"before\"/g; s/\"name\":\"c\"/\"name\":\"b\"/g" "$current" &&
	printf "a,before,b\n1,x,\n5000000000,y,2.5\n" | answers "select a, before, b from t order by a" -l grown
'

test_expect_success 'names of files and columns are taken as they are' '
	dir="it'\''s [a] *" && mkdir "$dir" &&
	lk-query -F arrow --as odd "select 1 as \"it'\''s \"\"q\"\"\", 2 as \"a,b\", 3 as \"select\"" >odd.lk &&
	lk-commit -q -l "$dir/l *" --once 1 <odd.lk && cp -R "$dir" "it'\''s a b" && cp -R "$dir/l *" "$dir/l x" &&
	printf "\"it'\''s \"\"q\"\"\",\"a,b\",select\n1,2,3\n" |
		answers "select \"it'\''s \"\"q\"\"\", \"a,b\", \"select\" from odd" -l "$dir/l *" &&
	lk-query -F arrow --as t "select 1 as id, 2 as x, 3 as b" >case.lk && lk-commit -q -l case --once 1 <case.lk &&
	sed -i "s/\"name\":\"x\"/\"name\":\"ID\"/g" case/main/t/metadata/*.json && printf "id,ID_1,b\n1,2,3\n" | answers "select id, id_1, b from t" -l case
'

# ---- what must not work ----

# Each line is tried on a lake, and must be refused in a line. t/unit/sql.c has many more that the parse tree decides.
attacks() {
	cat <<-END
		copy (select 1) to '$data'
		copy (select 1) to '$PWD/lake/catalog.db'
		copy people to '$PWD/stolen.csv'
		from people; copy (select 1) to '$PWD/lake/catalog.db'
		explain analyze copy (select 1) to '$PWD/stolen.csv'
		export database '$PWD/stolen'
		attach '$PWD/lake/catalog.db' as c (type sqlite)
		install httpfs
		set enable_external_access = true
		create table t (a int)
		insert into people values (1)
		from '/etc/passwd'
		from '$private'
		from '$data'
		from "$PWD/lake/catalog.db".lk_ledger
		from (with "/etc/passwd" as (select 1) select 1), "/etc/passwd"
		from read_text('/etc/passwd')
		from read_blob('$PWD/lake/catalog.db')
		from read_parquet('$private')
		from read_parquet('$data')
		from glob('/etc/*')
		from json_execute_serialized_sql(json_serialize_sql('from read_text(''/etc/passwd'')'))
		select (select content from read_text('/etc/passwd'))
		describe '/etc/passwd'
		summarize '$private'
		from information_schema.tables
		from lk_stream."0_0"
		from memory.main.people
		from temp.people
	END
}

test_expect_success 'what would reach outside is refused, and nothing changes' '
	data=$(ls "$PWD"/lake/main/people/data/*.parquet | head -n 1) &&
	private=$(ls "$PWD"/lake/quarantine/rejects/data/*.parquet) &&
	sums() { find lake -type f -exec sha256sum {} + | sort; ls -A; } && attacks >list && touch out err before after && sums >before &&
	while IFS= read -r attack; do
		lk-query -l lake -F csv "$attack" </dev/null >out 2>err; rc=$?
		{ [ $rc = 65 ] || [ $rc = 77 ]; } && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && ! grep -q "root:" err ||
			{ echo "exit status $rc: $attack"; cat out err; return 1; }
	done <list &&
	sums >after && test_cmp before after
'

# ---- a stream ----

test_expect_success 'stdin is the table of the stream' '
	printf "n\n2\n" | { cat >expect; lk-query -F csv "select count(*) as n from stdin where born is not null" <people.lk >actual; } &&
	test_cmp expect actual &&
	printf "name,born,before\n" >expect &&
	lk-query -l lake -F csv "select s.id, p.name from stdin s join people p using (id) order by 1" <people.lk >actual &&
	printf "id,name\n1,Zoë\n2,Bo\n3,Cy\n" >expect && test_cmp expect actual &&
	lk-query -F csv "select a.id from stdin a join STDIN b on a.id = b.id + 1 order by 1" <people.lk >actual &&
	printf "id\n2\n3\n" >expect && test_cmp expect actual
'

test_expect_success 'stdin.TABLE is each of several' '
	cat people.lk visits.lk >both.lk &&
	expect_error 65 "stdin" lk-query "from stdin" <both.lk && grep -q "people, ward.visits" .stderr &&
	lk-query -F csv "select count(*) n from stdin.people, stdin.visits" <both.lk >actual && printf "n\n9\n" >expect &&
	test_cmp expect actual &&
	lk-query -F csv "select count(*) n from stdin.\"ward.visits\" union all select count(*) from stdin.files" <both.lk >actual &&
	printf "n\n3\n2\n" >expect && test_cmp expect actual &&
	expect_error 65 "no table '\''nope'\''" lk-query "from stdin.nope" <both.lk
'

test_expect_success 'as a filter it passes on what it does not name' '
	lk-query -F arrow "select name, id, born from stdin where id > 1" <people.lk >filtered.lk &&
	lk-cat -F csv -t people filtered.lk >actual && printf "name,id,born\nBo,2,\nCy,3,2001-02-03\n" >expect &&
	test_cmp expect actual &&
	lk-cat -F json -t lk.files people.lk >expect && lk-cat -F json -t lk.files filtered.lk >actual && test_cmp expect actual &&
	lk-query -F arrow "select * from stdin.visits" <both.lk | lk-cat --count -F csv >actual &&
	printf "table,rows\npeople,3\nlk.files,2\nward.visits,3\n" | sort >expect && sort actual >sorted && test_cmp expect sorted &&
	lk-cat --schema -F csv filtered.lk | grep "people,born" >actual && grep -q "lk.phi" actual &&
	lk-query -q -F arrow "from stdin" <people2.lk | lk-cat -F csv -t lk.rejects >actual && grep -q five actual
'

test_expect_success 'what it filtered is committed' '
	lk-parse -q -s sources --as people people.csv | lk-query -F arrow "select * from stdin where born is not null" |
		lk-commit -q -l filtered &&
	printf "n\n2\n" | answers "select count(*) as n from people" -l filtered &&
	printf "rows\n3\n" | answers "select rows from lk.files" -l filtered &&
	lk-query -F arrow "select id from stdin where false" <people.lk | lk-cat --schema -F csv | grep -q "^people,id,int64"
'

test_expect_success 'the result on a stream is named' '
	named() { lk-query -F arrow "$@" | lk-cat --count -F csv | sed -n "s/^\([a-z._]*\),[0-9]*\$/\1/p" | grep -v "^lk\." >actual; } &&
	named -l lake "select 1 as a" && echo result >expect && test_cmp expect actual &&
	named -l lake "from people" && echo people >expect && test_cmp expect actual &&
	named --as other -l lake "from people" && echo other >expect && test_cmp expect actual &&
	named -l lake "select s.id from stdin s join visits v using (id)" <people.lk && echo people >expect && test_cmp expect actual
'

test_expect_success 'a broken stream gives no answer and no end marker' '
	size=$(stat -c %s people.lk) &&
	for cut in 1 100 $((size / 2)) $((size - 1)); do
		head -c $cut people.lk >cut.lk || return 1
		lk-query -F csv "select count(*) from stdin" <cut.lk >actual 2>err; rc=$?
		{ [ $rc = 65 ] || [ $rc = 74 ]; } && [ ! -s actual ] && [ "$(wc -l <err)" = 1 ] || { cat err; return 1; }
		lk-query -F arrow "from stdin" <cut.lk 2>err | expect_status 65 lk-cat -F csv || return 1
	done &&
	expect_error 65 "empty" lk-query "from stdin" </dev/null &&
	expect_error 65 "standard input" lk-query "from stdin" <people.csv &&
	cat people.lk people.lk >twice.lk && expect_error 65 "came already" lk-query "from stdin" <twice.lk
'

test_expect_success 'one table comes with several schemas' '
	lk-query -F arrow --as t "select 1 as a" >a.lk && lk-query -F arrow --as t "select 2 as a, '\''x'\'' as b" >b.lk &&
	cat a.lk b.lk | lk-query -F csv "select * from stdin order by a" >actual && printf "a,b\n1,\n2,x\n" >expect &&
	test_cmp expect actual &&
	lk-query -F arrow --as t "select '\''x'\'' as a" >c.lk && cat a.lk c.lk >ac.lk &&
	expect_error 65 "two types of column a" lk-query "from stdin" <ac.lk
'

test_expect_success 'types survive a trip through a stream' '
	sql="select true a, 1::int b, 2::bigint c, 1.5::double d, 1.25::decimal(38,2) e, '\''x'\'' f, '\''\xff'\''::blob g,
		date '\''1969-12-31'\'' h, time '\''23:59:59.999999'\'' i, timestamp '\''1969-12-31 23:59:59.5'\'' j,
		timestamptz '\''2026-01-31 12:00:00+00'\'' k, [1, null] l, {x: 1} m
		union all select null, null, null, null, null, null, null, null, null, null, null, null, null" &&
	lk-query -F json "$sql" >expect && lk-query -F arrow "$sql" | lk-query -F json "from stdin" >actual && test_cmp expect actual &&
	lk-query -F arrow "$sql" | lk-query -F csv "select column_type from (describe stdin)" | tr "\n" " " >actual &&
	printf "%s " column_type BOOLEAN INTEGER BIGINT DOUBLE "\"DECIMAL(38,2)\"" VARCHAR BLOB DATE TIME TIMESTAMP \
		"TIMESTAMP WITH TIME ZONE" "INTEGER[]" "STRUCT(x INTEGER)" >expect && test_cmp expect actual
'

test_expect_success 'a lake whose writer was killed within its commit can be read at once' '
	cp -R lake killed && lk-query -l lake -F csv "select count(*) from people" >expect &&
	python3 - <<-\EOF_
	import os, sqlite3
	db = sqlite3.connect("killed/catalog.db", isolation_level=None)
	db.execute("PRAGMA cache_size = 1")
	db.execute("BEGIN")
	db.execute("CREATE TABLE much (x)")
	for i in range(1000):
	    db.execute("INSERT INTO much VALUES (zeroblob(1000))")
	db.execute("UPDATE iceberg_tables SET metadata_location = NULL")
	os.kill(os.getpid(), 9)
	EOF_
	[ $? = 137 ] && [ -s killed/catalog.db-journal ] &&
	lk-query -l killed -F csv "select count(*) from people" >actual && test_cmp expect actual && [ ! -e killed/catalog.db-journal ]
'

test_done
