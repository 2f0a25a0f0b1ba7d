#!/bin/sh
# Tables that many upserts, deletes and complete lists have been through, as other engines read them: now, and as they were after
# rounds before. What they must have is said by the model of t/upsert-model.sh.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG$LK_INTEROP_CHDB$LK_INTEROP_SPARK" ] || test_skip_all 'no engine can be had here'
seed=${UPSERT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

test_expect_success "rounds upon rounds, from seed $seed" '
	python3 "$LK_TOP/t/helper/upsert-model.py" --keep "$seed" "${UPSERT_ROUNDS:-48}" && ls -d world-*
'

# agrees ENGINE PYTHON
agrees() {
	for world in world-*; do
		"$2" -W ignore "$LK_TOP/t/interop/upsert.py" "$1" "$world" || return
	done
}
ask() { # ENGINE HOME PYTHON
	if [ -n "$2" ]; then
		test_expect_success "$1 sees what the model says" "agrees $1 '$2/$3'"
	else
		test_skip "$1 sees what the model says" "$1 cannot be had here"
	fi
}
ask pyiceberg "$LK_INTEROP_PYICEBERG" bin/python
ask clickhouse "$LK_INTEROP_CHDB" bin/python
ask spark "$LK_INTEROP_SPARK" bin/python

test_done
