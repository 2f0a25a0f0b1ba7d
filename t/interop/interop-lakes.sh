#!/bin/sh
# Lakes that lk made, read by PyIceberg and ClickHouse: they agree with lk-query on rows, nulls, minimum, maximum and sum of
# every column of every table. Apache's Avro library holds the manifests to the specification.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here, and pyarrow makes the rows'
here=$LK_TOP/t/interop
python() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$@"; }
clickhouse() { "$LK_INTEROP_CHDB/bin/python" -W ignore "$here/summary.py" clickhouse "$@"; }

commit() { # TABLE PART [OPTION...]
	rows=$1.$2
	table=$1
	python "$here/rows.py" "$1" "$2" >"$rows.arrows" || return 1
	shift 2
	lk-commit -q -l lake --plain --as "$table" --once "$rows" "$@" <"$rows.arrows"
}

test_expect_success 'lakes are made: every type, decimals of each width, far dates, no rows, several snapshots' '
	for table in types special decimals far empty names wide; do commit $table 1 || return 1; done &&
	for part in 2 3; do commit types $part && commit decimals $part || return 1; done &&
	commit grown 1 && commit grown 2 --schema add && commit grown 3
'

test_expect_success 'the catalog holds the tables, and lk-query lists them' '
	sqlite3 lake/catalog.db "select table_namespace || \".\" || table_name from iceberg_tables order by 1" >expect &&
	for table in decimals empty far grown names special types wide; do grep -qx "main.$table" expect || return 1; done &&
	lk-query -l lake -F csv >tables && for table in $(cat expect); do grep -q "${table#*.}" tables || return 1; done
'

test_expect_success 'lk-query says what there is' '
	python "$here/summary.py" lk lake >lk.json && [ "$(wc -l <lk.json)" -ge 50 ]
'

test_expect_success 'what was put in is what lk-query says: types' '
	python -c "
import sys; sys.path.insert(0, sys.argv[1])
import json, pyarrow as pa, rows, summary
whole = pa.concat_tables([rows.types(p) for p in (1, 2, 3)])
kinds = {c.name: c for c in summary.columns_of(next(l for n, t, l in summary.catalog_tables(\"lake\") if t == \"types\"))}
for name in whole.column_names:
    c = kinds[name]
    values = summary.arrow_summary(whole.column(name), c)
    print(json.dumps({\"table\": \"main.types\", \"column\": name, \"type\": c.kind, **summary.summarise(c, values)}))
" "$here" >expect && grep "\"main.types\"" lk.json >actual && test_cmp expect actual
'

test_expect_success 'PyIceberg agrees on every column of every table' '
	python "$here/summary.py" pyiceberg lake >pyiceberg.json && test_cmp lk.json pyiceberg.json
'

if [ -n "$LK_INTEROP_CHDB" ]; then
	# ClickHouse reads Iceberg times as whole seconds; of those only rows and nulls are compared.
	without_times() { sed "/\"type\": \"time\"/ s/, \"min\".*/}/" "$1"; }
	test_expect_success 'ClickHouse agrees on every column of every table' '
		clickhouse lake >clickhouse.json &&
		without_times lk.json >expect && without_times clickhouse.json >actual && test_cmp expect actual
	'
else
	test_skip 'ClickHouse agrees on every column of every table' 'ClickHouse cannot be had here'
fi

test_expect_success 'Avro reads manifest lists and manifests; ids, counts, sizes and bounds are those of the files' '
	python "$here/manifests.py" lake >actual && read -r lists manifests files <actual &&
	[ "$lists" -ge 12 ] && [ "$manifests" -ge 12 ] && [ "$files" -ge 12 ]
'

test_expect_success 'PyIceberg sees each snapshot of a table as it was' '
	python -c "
import sys; sys.path.insert(0, sys.argv[1])
import os, summary
table = summary.open_catalog(os.path.abspath(\"lake\")).load_table(\"main.grown\")
for s in table.metadata.snapshots:
    print(s.summary.operation.value, len(table.scan(snapshot_id=s.snapshot_id).to_arrow()))
print(*table.schema().column_names)
" "$here" >actual &&
	printf "%s\n" "append 50" "append 100" "append 150" "id name extra" >expect && test_cmp expect actual
'

# The real thing: deliveries through every filter, with the tables that travel beside the data.
test_expect_success 'a lake filled from archives is read the same, its own tables too' '
	mkdir -p drop sources &&
	printf "%s\n" "{\"name\": \"clinic\", \"resources\": [{\"name\": \"people\", \"path\": \"people*.csv\", \"schema\": {\"fields\": [" \
		"{\"name\": \"Id\", \"type\": \"integer\"}, {\"name\": \"Name\", \"type\": \"string\"}, {\"name\": \"Born\", \"type\": \"date\"}," \
		"{\"name\": \"Cost\", \"type\": \"number\", \"lk\": {\"decimal\": [12, 2]}}, {\"name\": \"Seen\", \"type\": \"datetime\"}]}}]}" \
		>sources/clinic.json &&
	printf "Id,Name,Born,Cost,Seen\n1,Zo\303\253,1969-12-31,12.50,1969-12-31T23:59:59.999999\n2,,,,\nx,bad,,,\n" >drop/people.csv &&
	tar -C drop -cf one.tar people.csv && lk-unpack one.tar | lk-parse -s sources | lk-commit -q -l clinic; [ $? -le 1 ] &&
	python "$here/summary.py" lk clinic >lk.clinic && [ "$(grep -c "\"lk.files\"" lk.clinic)" -ge 15 ] &&
	grep -q "\"main.people\"" lk.clinic && grep -q "\"lk.rejects\"" lk.clinic &&
	python "$here/summary.py" pyiceberg clinic >pyiceberg.clinic && test_cmp lk.clinic pyiceberg.clinic &&
	python "$here/manifests.py" clinic
'

test_expect_success 'rejects that were replayed are gone for every engine, and their rows are there' '
	{ echo Id,Name,Born,Cost,Seen && seq -f "y%.0f,more,,," 500; } >drop/people2.csv && touch drop/people2.csv &&
	tar -C drop -cf two.tar people2.csv && lk-unpack two.tar | lk-parse -q -s sources | lk-commit -q -l clinic; [ $? -le 1 ] &&
	lk-query -l clinic -F arrow "select * replace (raw[2:] as raw) from quarantine.rejects where record % 2 = 1" |
		lk-parse -q -s sources --replay | lk-commit -q -l clinic; [ $? -le 1 ] &&
	lk-query -l clinic -F arrow "select * replace (raw[2:] as raw) from quarantine.rejects where record % 5 = 0" |
		lk-parse -q -s sources --replay | lk-commit -q -l clinic &&
	[ "$(lk-query -l clinic -F csv "select count(*) || chr(32) || (select count(*) from people) from lk.rejects" | tail -n 1)" = "200 303" ] &&
	for reader in lk pyiceberg; do
		python "$here/summary.py" $reader clinic >$reader.replayed || return 1
	done && test_cmp lk.replayed pyiceberg.replayed && grep -q "\"lk.rejects\".*\"rows\": 200" lk.replayed && python "$here/manifests.py" clinic
'
if [ -n "$LK_INTEROP_CHDB" ]; then
	test_expect_success 'ClickHouse sees the same' '
		clickhouse clinic rejects people >clickhouse.json &&
		grep -v "\"lk.files\"" lk.replayed >mine && without_times mine >expect && without_times clickhouse.json >actual &&
		test_cmp expect actual
	'
else
	test_skip 'ClickHouse sees the same' 'ClickHouse cannot be had here'
fi

test_done
