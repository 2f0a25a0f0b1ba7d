#!/bin/sh
# One table that lk, PyIceberg, Spark and Trino change in turn. After each step its rows are right, to lk-query and to PyIceberg,
# and lk-fsck finds nothing. See roundtrip.py.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here'

engines=PyIceberg steps=9
[ -z "$LK_INTEROP_SPARK" ] || engines="$engines, Spark" steps=$((steps + 9))
[ -z "$LK_INTEROP_TRINO" ] || engines="$engines, Trino" steps=$((steps + 3))
[ -n "$LK_INTEROP_SPARK" ] || test_skip 'Spark in the round trip' 'Spark cannot be had here'
[ -n "$LK_INTEROP_TRINO" ] || test_skip 'Trino in the round trip' 'Trino cannot be had here'

test_expect_success "lk, $engines change a table in turn; its rows are right after each step, and lk-fsck is content" '
	"$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$LK_TOP/t/interop/roundtrip.py" >said && cat said &&
	[ "$(tail -n 1 said)" = "$steps steps" ]
'

test_done
