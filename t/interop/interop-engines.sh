#!/bin/sh
# The engines that the other tests compare with are the ones that were asked for.
. "$(dirname "$0")/../test-lib.sh"

pinned() { sed -n "s/^$2==//p" "$LK_TOP/t/interop/env/$1.txt"; }

if [ -n "$LK_INTEROP_PYICEBERG" ]; then
	test_expect_success 'PyIceberg, pyarrow and Avro are the pinned versions' '
		{ pinned pyiceberg pyiceberg && pinned pyiceberg pyarrow && pinned pyiceberg avro; } >expect &&
		"$LK_INTEROP_PYICEBERG/bin/python" -c "
from importlib.metadata import version
import pyiceberg.catalog.sql, pyarrow.parquet, avro.datafile
for name in (\"pyiceberg\", \"pyarrow\", \"avro\"): print(version(name))" >actual &&
		test_cmp expect actual
	'
else
	test_skip 'PyIceberg, pyarrow and Avro are the pinned versions' 'PyIceberg cannot be had here'
fi

if [ -n "$LK_INTEROP_PYICEBERG" ]; then
	test_expect_success 'Polars and DataFusion are the pinned versions' '
		{ pinned pyiceberg polars && pinned pyiceberg datafusion && pinned pyiceberg pyiceberg-core; } >expect &&
		"$LK_INTEROP_PYICEBERG/bin/python" -c "
from importlib.metadata import version
import polars, datafusion, pyiceberg_core
for name in (\"polars\", \"datafusion\", \"pyiceberg-core\"): print(version(name))" >actual &&
		test_cmp expect actual
	'
else
	test_skip 'Polars and DataFusion are the pinned versions' 'PyIceberg, by which they read, cannot be had here'
fi

if [ -n "$LK_INTEROP_DUCKDB" ]; then
	test_expect_success 'DuckDB and its Iceberg extension are the pinned versions' '
		{ pinned duckdb duckdb && pinned duckdb duckdb-extension-iceberg; } >expect &&
		"$LK_INTEROP_DUCKDB/bin/python" -c "
from importlib.metadata import version
import duckdb
for name in (\"duckdb\", \"duckdb-extension-iceberg\"): print(version(name))" >actual && test_cmp expect actual
	'
else
	test_skip 'DuckDB and its Iceberg extension are the pinned versions' 'DuckDB cannot be had here'
fi

if [ -n "$LK_INTEROP_SPARK" ]; then
	test_expect_success 'Spark and the reference implementation are the pinned versions, and start' '
		sed -n "s/^pyspark==//p" "$LK_TOP/t/interop/env/spark.txt" >expect &&
		sed -n "s/^org.apache.iceberg:.*:\([0-9.]*\)$/Iceberg \1/p" "$LK_TOP/t/interop/env/spark.jars" >>expect &&
		mkdir none && sqlite3 none/catalog.db "create table unused (x)" &&
		"$LK_INTEROP_SPARK/bin/python" -c "
import sys; sys.path.insert(0, sys.argv[1])
from session import Spark
with Spark(\"spark.home\", \"none\") as spark:
    print(spark.session.version)
    print(\"Iceberg\", spark.rows(\"select lk.system.iceberg_version()\")[0][0])" "$LK_TOP/t/interop" >actual && test_cmp expect actual
	'
else
	test_skip 'Spark and the reference implementation are the pinned versions, and start' 'Spark cannot be had here'
fi

if [ -n "$LK_INTEROP_CHDB" ]; then
	test_expect_success 'ClickHouse is the pinned version and answers' '
		{ pinned chdb chdb && echo 2; } >expect &&
		"$LK_INTEROP_CHDB/bin/python" -c "
from importlib.metadata import version
import chdb
print(version(\"chdb\")); print(str(chdb.query(\"select 1 + 1\")).strip())" >actual &&
		test_cmp expect actual
	'
else
	test_skip 'ClickHouse is the pinned version and answers' 'ClickHouse cannot be had here'
fi

if [ -n "$LK_INTEROP_ARROW_JS" ]; then
	test_expect_success 'arrow-js is the pinned version' '
		sed -n "s/.*\"apache-arrow\": \"\(.*\)\".*/\1/p" "$LK_TOP/t/interop/env/arrow-js/package.json" >expect &&
		node -p "JSON.parse(require(\"fs\").readFileSync(\"$LK_INTEROP_ARROW_JS/node_modules/apache-arrow/package.json\")).version" >actual &&
		test_cmp expect actual
	'
else
	test_skip 'arrow-js is the pinned version' 'arrow-js cannot be had here'
fi

test_done
