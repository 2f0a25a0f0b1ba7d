#!/bin/sh
# 16 lk-commit processes at a time, 50 commits each, and two PyIceberg writers among them, on one table and on three at once:
# every row is there, once, the history adds up, and nobody's retries run away.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here'
here=$LK_TOP/t/interop
python() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$@"; }
writers=16 commits=50 theirs=10

write() { # LAKE WRITER TABLE...
	lake=$1 writer=$2 turn=0
	shift 2
	while [ $turn -lt $commits ]; do
		for table; do printf '@main.%s id:int64 writer:int32 turn:int32\n*5 id=#|writer=%s|turn=%s\n' "$table" "$writer" $turn; done |
			make-stream | lk-commit -q -l "$lake" --once "$writer.$turn.$*" || return 1
		turn=$((turn + 1))
	done
}

# The tables are there first, so that their whole history is kept: by default each commit thins it.
all_write() { # LAKE TABLE...
	lake=$1
	shift
	for table; do printf '@main.%s id:int64 writer:int32 turn:int32\n' "$table"; done | make-stream | lk-commit -q -l "$lake" &&
		python -c "
import sys; sys.path.insert(0, sys.argv[1])
import os, summary
for table in sys.argv[3:]:
    with summary.open_catalog(os.path.abspath(sys.argv[2])).load_table(f\"main.{table}\").transaction() as t:
        t.set_properties({\"lk.retention.keep-last\": \"5000\"})" "$here" "$lake" "$@" || return 1
	pids=
	for rival in 101 102; do
		python "$here/rival.py" "$lake" $rival $theirs "$@" >rival.$rival 2>&1 & pids="$pids $!"
	done
	for w in $(seq $writers); do
		write "$lake" "$w" "$@" & pids="$pids $!"
	done
	failed=0
	for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
	cat rival.*
	[ $failed = 0 ]
}
rows=$(((writers * commits + 2 * theirs) * 5))

# PyIceberg tries again 4 times by itself and is begun again here: it may lose often against writers that are quicker, but lk,
# whose writers queue, loses only against PyIceberg's commits.
check() { # LAKE TABLE...
	lake=$1
	shift
	for table; do
		metadata=$(sqlite3 "$lake/catalog.db" "select substr(metadata_location, 8) from iceberg_tables
			where catalog_name = 'lk' and table_name = '$table'") &&
			python "$LK_TOP/t/helper/chain.py" "$metadata" $((writers * commits + 2 * theirs)) $rows >tries &&
			read -r ours tries worst <tries && echo "$table: $ours commits of lk in $tries tries, at most $worst" >&2 &&
			[ "$ours" = $((writers * commits)) ] && [ "$tries" -le $((ours + 4 * theirs)) ] && [ "$worst" -le 10 ] || return 1
		lk-query -l "$lake" -F csv "select count(*) || ' ' || count(distinct (writer, turn, id)) from $table" | tail -n 1 >actual &&
			echo "$rows $rows" >expect && test_cmp expect actual || return 1
		python "$here/append.py" "$lake" rows "main.$table" >actual && echo $rows >expect && test_cmp expect actual || return 1
	done
}

test_expect_success '16 writers of lk and two of PyIceberg commit to one table' 'all_write one t'
test_expect_success 'every row is there once, to lk-query and to PyIceberg; the history is one chain; no storm of retries' 'check one t'
test_expect_success '16 writers of lk commit to three tables at once, and two of PyIceberg to each' 'all_write three a b c'
test_expect_success 'there, too, in each of the three' 'check three a b c'

test_done
