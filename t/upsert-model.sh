#!/bin/sh
# Change streams at random, against a model in SQLite that knows only the rule (t/helper/upsert-model.py says how).
#
#	UPSERT_ROUNDS=2000 UPSERT_SEED=7 t/upsert-model.sh	that many commits, from that seed; else a few, from 1 and from a seed of their own
. "$(dirname "$0")/test-lib.sh"

python3 -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 39))' || test_skip_all 'no Python 3 with SQLite 3.39'

case $LK_BUILD in
*/sanitize) rounds=4 ;;
*) rounds=8 ;;
esac

play() { # SEED ROUNDS
	python3 "$LK_TOP/t/helper/upsert-model.py" "$@" >said; rc=$?
	sed 's/^/# /' said >&3
	cat said && return $rc
}
exec 3>&1

if [ -n "${UPSERT_ROUNDS-}${UPSERT_SEED-}" ]; then
	test_expect_success "the lake is the model's after each commit" 'play "${UPSERT_SEED:-1}" "${UPSERT_ROUNDS:-$rounds}"'
	test_done
fi
test_expect_success "the lake is the model's after each commit" 'play 1 $rounds'
test_expect_success 'from another seed, too' 'play "$(od -An -N4 -tu4 /dev/urandom | tr -d " ")" $rounds'

test_done
