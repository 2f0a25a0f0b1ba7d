#!/bin/sh
# Data packages as Frictionless, the standard's own reader, reads them: the same rows, values and rejects.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_FRICTIONLESS" ] || test_skip_all 'frictionless cannot be had here'

test_expect_success 'a matrix of packages and files is read as Frictionless reads it, but for what is on purpose' '
	PYTHONDONTWRITEBYTECODE=1 "$LK_INTEROP_FRICTIONLESS/bin/python" "$LK_TOP/t/interop/packages.py" "$PWD"
'

test_done
