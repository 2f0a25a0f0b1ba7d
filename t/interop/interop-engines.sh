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
