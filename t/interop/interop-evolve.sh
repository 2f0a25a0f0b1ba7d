#!/bin/sh
# Tables that lk-table and other engines change in turn: the same columns under the same ids, and every row of before as it was.
. "$(dirname "$0")/../test-lib.sh"

here=$LK_TOP/t/interop
[ -n "$LK_INTEROP_PYICEBERG$LK_INTEROP_SPARK" ] || test_skip_all 'neither PyIceberg nor Spark can be had here'

if [ -n "$LK_INTEROP_PYICEBERG" ]; then
	test_expect_success 'PyIceberg and lk-table change a table at random' '
		for seed in 1 4; do
			mkdir "lake$seed" && "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$here/evolve.py" "lake$seed" $seed 12 || return 1
		done
	'
else
	test_skip 'PyIceberg and lk-table change a table at random' 'PyIceberg cannot be had here'
fi

if [ -n "$LK_INTEROP_SPARK" ]; then
	test_expect_success 'Spark and lk-table change a table in turn' '
		mkdir lake && "$LK_INTEROP_SPARK/bin/python" -W ignore "$here/evolve_spark.py" lake spark
	'
else
	test_skip 'Spark and lk-table change a table in turn' 'Spark cannot be had here'
fi

test_done
