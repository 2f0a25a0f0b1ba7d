#!/bin/sh
# lk-query --export-views: a lake as views in a DuckDB database, for other programs.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<\EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>[A-Z]+)-.*"}, "resources": [{"name": "people", "path": "*.csv",
 "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "born", "type": "date"}]}}]}
EOF_
load() { lk-parse -q -s people.json $1 >$1.lk; [ $? -le 1 ] && lk-commit -q -l lake <$1.lk; }

# Another program, elsewhere, with nothing of the lake at hand but the file.
ask() { (cd / && duckdb-ask "$test_dir/$1" "$2"); }

test_expect_success 'a lake with deletes' '
	printf "id,name,born\n1,Al,2001-02-03\n2,Bo,31/02/2001\n3,Cy,2002-02-30\n" >FAC-one.csv && load FAC-one.csv &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''31/02/2001'\'', '\''2001-02-28'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s people.json --replay | lk-commit -q -l lake
'

test_expect_success 'there is a schema a namespace and a view a table, but none of what is private' '
	lk-query -l lake --export-views bi.duckdb 2>said && grep -x "lk-query: 3 views in '\''bi.duckdb'\'', 0 tables left out" said &&
	[ "$(ask bi.duckdb "select schema_name || '\''.'\'' || view_name from duckdb_views() where not internal order by 1" | tr "\n" " ")" = \
		"lk.files lk.rejects main.people " ]
'

test_expect_success 'rows are those of the lake, without the deleted ones' '
	ask bi.duckdb "select id, name, born from people order by id" >actual && printf "1,Al,2001-02-03\n2,Bo,2001-02-28\n" >expect && test_cmp expect actual &&
	ask bi.duckdb "select record from lk.rejects" >actual && echo 3 >expect && test_cmp expect actual &&
	ask bi.duckdb "select p.name, f.status from people p, lk.files f where f.rows = 1 limit 1" >actual && [ -s actual ]
'

test_expect_success 'it is a pin, and is replaced at once' '
	printf "id,name,born\n7,Di,\n" >FAC-two.csv && load FAC-two.csv && [ "$(ask bi.duckdb "select count(*) from people")" = 2 ] &&
	lk-query -q -l lake --export-views bi.duckdb && [ "$(ask bi.duckdb "select count(*) from people")" = 3 ] && [ "$(ls -A | grep -c "duckdb")" = 1 ] &&
	lk-query -q -l lake --at 2000-01-01 --export-views old.duckdb 2>said; [ $? = 1 ] && grep "it has no view" said
'

test_expect_success 'what goes wrong is told, and leaves what was there' '
	sum=$(sha256sum <bi.duckdb) && expect_error 77 "lake" lk-query -l lake --export-views lake/x.duckdb &&
	expect_error 73 "cannot create" lk-query -l lake --export-views none/x.duckdb && expect_error 66 "there is no lake" lk-query -l nowhere --export-views bi.duckdb &&
	expect_error 64 "goes with no SQL" lk-query -l lake --export-views bi.duckdb "select 1" && mkdir folder &&
	expect_error 73 "is no plain file" lk-query -l lake --export-views folder && [ "$sum" = "$(sha256sum <bi.duckdb)" ]
'

test_expect_success 'SQL of people still writes and reads no database' '
	expect_error 77 "only SELECT" lk-query -l lake "attach '\''bi.duckdb'\'' as x" && expect_status 77 lk-query -l lake "copy people to '\''x.csv'\''" && [ ! -e x.csv ]
'

test_done
