#!/bin/sh
# Many lk-commit processes at once, on one table and on three in one transaction: every row is there, once, the history adds up,
# and writers queue instead of trying again. The larger form, with PyIceberg among the writers, is t/interop/interop-concurrent.sh.
. "$(dirname "$0")/test-lib.sh"

writers=8 commits=6

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables
		where catalog_name = 'lk' and table_namespace || '.' || table_name = '$2'"
}
chain() { # LAKE TABLE
	python3 "$LK_TOP/t/helper/chain.py" "$(metadata_of "$1" "$2")" $((writers * commits)) $((writers * commits * 5))
}
distinct() { # LAKE TABLE
	lk-query -l "$1" -F csv "select count(*) || ' ' || count(distinct (writer, turn, id)) from $2" | tail -n 1
}

# One writer: as many commits as it has turns, each of five rows to each table.
write() { # LAKE WRITER TABLE...
	lake=$1 writer=$2 turn=0
	shift 2
	while [ $turn -lt $commits ]; do
		for table; do printf '@main.%s id:int64 writer:int32 turn:int32\n*5 id=#|writer=%s|turn=%s\n' "$table" "$writer" $turn; done |
			make-stream | lk-commit -q -l "$lake" --once "$writer.$turn.$*" || return 1
		turn=$((turn + 1))
	done
}

all_write() { # LAKE TABLE...
	pids=
	for w in $(seq $writers); do
		(write "$1" "$w" ${2+"$2"} ${3+"$3"} ${4+"$4"}) & pids="$pids $!"
	done
	failed=0
	for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
	[ $failed = 0 ]
}

test_expect_success 'many writers make one lake and one table' '
	all_write one t && [ "$(distinct one t)" = "240 240" ]
'
test_expect_success 'its history is one chain, and nobody tried again often' '
	chain one main.t >tries && read -r ours tries worst <tries && echo "$ours $tries $worst" && [ "$ours" = 48 ] && [ "$tries" -le 60 ]
'
test_expect_success 'many writers commit to three tables at once' '
	all_write three a b c && for table in a b c; do [ "$(distinct three $table)" = "240 240" ] || return 1; done
'
test_expect_success 'their histories add up, each commit in all of them' '
	for table in a b c; do
		chain three main.$table >tries && read -r ours tries worst <tries && [ "$ours" = 48 ] && [ "$tries" -le 60 ] || return 1
		python3 -c "
import json, sys
m = json.load(open(sys.argv[1]))
print(*sorted(s[\"summary\"][\"lk.run\"] for s in m[\"snapshots\"]), sep=\"\\n\")" "$(metadata_of three main.$table)" >runs.$table || return 1
	done && test_cmp runs.a runs.b && test_cmp runs.a runs.c && [ "$(sort -u runs.a | wc -l)" = 48 ]
'
test_expect_success 'no files are left over from tries that lost' '
	for table in one/main/t three/main/a three/main/b three/main/c; do
		[ "$(find $table/data -name "*.parquet" | wc -l)" = 48 ] && [ "$(find $table/metadata -name "snap-*" | wc -l)" = 48 ] || return 1
	done
'

test_done
