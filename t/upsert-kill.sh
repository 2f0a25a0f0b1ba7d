#!/bin/sh
# Upserts that are killed at a step and run again: the same tables as by running them once. A step is a change of a file: a write, a
# sync, a rename, a removal, a folder, by whichever process of the command (t/preload/die-at.c), so no moment is left to a clock.
#
#	UPSERT_KILL=all t/upsert-kill.sh	at every step there is, of each command; else at some, the seed of which is printed
#	UPSERT_SEED=N				the same ones again
. "$(dirname "$0")/test-lib.sh"

case $LK_BUILD in
*/sanitize) test_skip_all 'a sanitizer wants to be loaded before all else' ;;
esac
${CC:-cc} -O2 -shared -fPIC "$LK_TOP/t/preload/die-at.c" -o die-at.so 2>cc.log || test_skip_all 'no compiler makes the library that kills'
seed=${UPSERT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} points=${UPSERT_KILL:-2}

# Some steps of TOTAL: the last ones, where a commit is made, and some of all the others.
steps() { # TOTAL
	python3 - "$1" "$points" "$seed" <<-'EOT'
	import random, sys
	total, points = int(sys.argv[1]), sys.argv[2]
	steps = range(1, total + 1)
	if points != "all":
	    r, late = random.Random(sys.argv[3]), range(max(1, total - 25), total + 1)
	    steps = sorted(set(r.sample(steps, min(total, int(points) - int(points) // 2))) | set(r.sample(late, min(len(late), int(points) // 2))))
	print(*steps)
	EOT
}

# Runs a command with steps counted, and dies at one of them; 0: at none.
counted() { # STEP COMMAND
	head -c 8 /dev/zero >count && LK_DIE_COUNT=$PWD/count LK_DIE_AT=$1 LD_PRELOAD=$PWD/die-at.so sh -c "$2"
}
taken() { od -An -tu8 count | tr -d ' '; }

# What is in the tables, but for where it came from.
state() { # LAKE
	if [ -e "$1/catalog.db" ] && [ "$(sqlite3 "$1/catalog.db" "select count(*) from sqlite_master where name = 'iceberg_tables'")" = 1 ] &&
		[ "$(sqlite3 "$1/catalog.db" "select count(*) from iceberg_tables where table_name in ('people', 'wards', 'files')")" = 3 ]; then
		lk-query -l "$1" -F csv -f state.sql | sed "/^facility,/d; /^table,/d; /^$/d" >.state
	else
		: >.state
	fi
}

# Whoever died had a lock, and is gone: the next one has it. Children of one that was killed end by themselves.
settled() { [ ! -e lake/catalog.db ] || sqlite3 lake/catalog.db "begin immediate; rollback" 2>/dev/null; }

# dies_well COMMAND [MOVED]: over the lake that is kept as base, which works in its place alone.
dies_well() {
	rm -rf lake && cp -r base lake && { state lake && mv .state before; } && counted 0 "$1" && total=$(taken) && state lake && mv .state want &&
		! cmp -s before want && lk-fsck -q -l lake && echo "$total steps, seed $seed" && died=0 after=0 || return
	for step in $(steps "$total"); do
		rm -rf lake stage && cp -r base lake
		counted "$step" "$1" >out 2>&1
		[ $? = 0 ] || died=$((died + 1))
		wait_until 20 settled && state lake || return
		cmp -s .state want && after=$((after + 1)) || test_cmp before .state || { echo "at step $step of $total: neither before nor after"; return 1; }
		sh -c "$1" >out 2>&1 || { [ $? = 75 ] && [ -n "$2" ] && cmp -s .state want; } || { cat out; echo "again after step $step of $total: it fails"; return 1; }
		state lake && test_cmp want .state || { echo "again after step $step of $total: not as if once"; return 1; }
		lk-gc -q -l lake --grace 0 && lk-fsck -q -d -l lake && state lake && test_cmp want .state || { echo "after step $step of $total and lk-gc"; return 1; }
		! ls -d lake/.stage-* 2>/dev/null || return
	done
	echo "$died ended badly, $after were as after"
	[ "$died" -gt 0 ]
}

printf "%s;\n" "select * exclude (lk_file, lk_row, lk_sent) from people order by all" "select * exclude (lk_file, lk_row, lk_sent) from wards order by all" \
	"select \"table\", delivery, sum(rows) from lk.files group by all order by all" >state.sql

mkdir sources && cat >sources/clinic.json <<-'EOT'
	{"name": "clinic", "lk": {"delivery": "/(?<sent>[0-9]{8})-(?<sender>FAC[0-9])"}, "resources": [
	  {"name": "people", "path": "people*.csv", "lk": {"load": "upsert", "op": "op"}, "schema": {"primaryKey": ["facility", "id"],
	    "fields": [{"name": "facility", "type": "string"}, {"name": "id", "type": "integer"}, {"name": "name", "type": "string"},
	               {"name": "op", "type": "string"}]}},
	  {"name": "wards", "path": "wards*.csv", "lk": {"load": "full", "scope": ["facility"]}, "schema": {"primaryKey": ["facility", "ward"],
	    "fields": [{"name": "facility", "type": "string"}, {"name": "ward", "type": "integer"}, {"name": "beds", "type": "integer"}]}}]}
EOT

# drop FOLDER DAY FIRST: a delivery a facility: people, the seventh ones deleted, and the list of its wards.
drop() {
	python3 - "$@" <<-'EOT'
	import os, sys, zipfile
	folder, day, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
	os.makedirs(folder, exist_ok=True)
	for f in "FAC1", "FAC2", "FAC3":
	    with zipfile.ZipFile("%s/%s-%s.zip" % (folder, day, f), "w") as z:
	        z.writestr("people.csv", "facility,id,name,op\n" + "".join("%s,%d,Name %s,%s\n" % (f, n, day if n % 3 else "same", "D" if n % 7 == 0 else "U")
	                                                                    for n in range(first, first + 40)))
	        z.writestr("wards.csv", "facility,ward,beds\n" + "".join("%s,%d,%d\n" % (f, n, n * first) for n in range(first % 5, first % 5 + 6)))
	EOT
}

test_expect_success 'a lake, and deliveries that change, delete and complete what it has' '
	drop one 20260101 1 && drop two 20260102 21 && drop two 20260103 33 && drop two 20251231 30 &&
	lk-ingest -q --settle 0 -l lake -s sources one && cp -r lake base && state lake && [ "$(wc -l <.state)" -gt 100 ]
'

test_expect_success 'lk-commit, of rows as they came' '
	lk-unpack two/*.zip | lk-parse -q -s sources >rows.lk && dies_well "lk-commit -q -l lake <rows.lk"
'

test_expect_success 'lk-upsert | lk-commit' '
	dies_well "lk-upsert -q -l lake <rows.lk >change.lk && lk-commit -q -l lake <change.lk"
'

test_expect_success 'a change stream that was made before' '
	rm -rf lake && cp -r base lake && lk-upsert -q -l lake <rows.lk >change.lk && dies_well "lk-commit -q -l lake <change.lk" moved
'

test_expect_success 'lk-commit --stage, then --staged' '
	dies_well "rm -rf stage; for z in two/*.zip; do lk-unpack -l lake \$z | lk-parse -q -s sources | lk-commit -q -l lake --stage stage || exit; done; lk-commit -q -l lake --staged stage"
'

test_expect_success 'lk-ingest' '
	dies_well "lk-ingest -q -j 2 --settle 0 -l lake -s sources two"
'

test_expect_success 'lk-ingest, of a lake that is not there yet' '
	rm -rf base && mkdir base && dies_well "lk-ingest -q -j 2 --settle 0 -l lake -s sources one two"
'

test_done
