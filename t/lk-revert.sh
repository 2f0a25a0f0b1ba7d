#!/bin/sh
# lk-revert: what a run or a delivery brought goes, from all tables and the ledger, and nothing else.
. "$(dirname "$0")/test-lib.sh"

field() { printf '{"name": "%s", "type": "%s"%s}' "$1" "$2" "${3:+, $3}"; } # NAME TYPE [MORE]

ask() { # LAKE SQL
	lk-query -l "$1" -F csv "$2" | tail -n +2
}

ledger() { # LAKE SQL-OF-COLUMNS [REST]
	sqlite3 "$1/catalog.db" "select $2 from lk_ledger ${3-} order by delivery, sender"
}

# Everything that can be seen of a lake, but for ids and times.
state() { # LAKE
	lk-query -l "$1" -F csv 'from people order by all; from quarantine.rejects order by all;
		select delivery, sender, member, "table", rows, rejected, status from lk.files order by all;
		select delivery, sender, member, record, reason from lk.rejects order by all'
	ledger "$1" "delivery, sender, sha256, state, rows, rejected"
	sqlite3 "$1/catalog.db" "select * from lk_ledger_failed order by 1, 2, 3, 4"
}

# Each file is a delivery with two rows and a reject.
delivery() { # NAME ID...
	name=$1 && shift && { echo id,name; for i; do echo "$i,n$i"; done; echo "x$1,bad"; } >"$name"
}

load() { # LAKE FILE...
	lake=$1 && shift && lk-unpack -q -s pkg.json "$@" | { lk-parse -q -s pkg.json || [ $? = 1 ]; } | lk-commit --json -l "$lake" >said &&
		run=$(python3 -c 'import json; print(json.load(open("said"))["run"])')
}

sha() { sha256sum <"$1" | cut -c1-"${2-64}"; } # FILE [DIGITS]

cat >pkg.json <<EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>[A-Z]+)[-/].*"}, "resources": [{"name": "people", "path": "*.csv",
 "schema": {"fields": [$(field id integer), $(field name string)]}}]}
EOF_
for i in 1 2 3 4 5; do delivery FAC-$i.csv ${i}1 ${i}2; done

test_expect_success 'a run in the middle goes, and the others stay as if it had never been' '
	load want FAC-1.csv && load want FAC-4.csv FAC-5.csv && state want >expect &&
	load lake FAC-1.csv && load lake FAC-2.csv FAC-3.csv && middle=$run && load lake FAC-4.csv FAC-5.csv &&
	lk-revert -l lake --run $middle >said && grep "^main.people: 4 rows, 1 file removed, snapshot" said && grep -c "^unknown now: FAC-[23].csv" said &&
	state lake >actual && test_cmp expect actual
'

test_expect_success 'a second time there is nothing to take out' '
	sqlite3 lake/catalog.db .dump >before && find lake -type f | sort >files &&
	lk-revert -l lake --run $middle >said && [ "$(cat said)" = "nothing to take out" ] &&
	lk-revert -l lake --json --delivery "$(sha FAC-2.csv)" >said && python3 -c "import json; r = json.load(open(\"said\")); assert r[\"tables\"] == r[\"deliveries\"] == []" &&
	sqlite3 lake/catalog.db .dump | diff before - && find lake -type f | sort | diff files -
'

test_expect_success 'it is loaded again when it comes again' '
	load lake FAC-2.csv FAC-3.csv && load all FAC-1.csv FAC-2.csv FAC-3.csv FAC-4.csv FAC-5.csv && state all >expect && state lake >actual && test_cmp expect actual
'

test_expect_success 'a dry run says what would go and changes nothing' '
	sqlite3 all/catalog.db .dump >before && find all -type f | sort >files && chmod -R a-w all &&
	lk-revert -l all -n --delivery "$(sha FAC-2.csv 8)" >actual && chmod -R u+w all &&
	cat >expect <<-\EOF_ &&
	lk.files: 1 row, 1 row to be deleted by position
	lk.rejects: 1 row, 1 row to be deleted by position
	main.people: 2 rows, 2 rows to be deleted by position
	quarantine.rejects: 1 row, 1 row to be deleted by position
	would be unknown: FAC-2.csv
	EOF_
	test_cmp expect actual && sqlite3 all/catalog.db .dump | diff before - && find all -type f | sort | diff files - &&
	lk-revert -l all -n --json --run "$(sqlite3 all/catalog.db "select distinct run from lk_ledger")" >said &&
	python3 -c "
import json
r = json.load(open(\"said\"))
assert r[\"dry_run\"] and len(r[\"runs\"]) == 1 and len(r[\"deliveries\"]) == 5
assert [t[\"files\"] for t in r[\"tables\"]] == [1] * 4 and all(t[\"snapshot\"] is None for t in r[\"tables\"])
assert [t[\"rows\"] for t in r[\"tables\"] if t[\"table\"] == \"main.people\"] == [10]"
'

test_expect_success 'deliveries that share files with others go by position, several at once, with one snapshot a table' '
	load want2 FAC-1.csv FAC-4.csv && state want2 >expect &&
	lk-revert -l all --delivery "$(sha FAC-2.csv 8)" --delivery "$(sha FAC-3.csv)" --delivery "$(sha FAC-5.csv 12 | tr a-f A-F)" >said &&
	state all >actual && test_cmp expect actual &&
	[ "$(find all/quarantine -type f ! -perm 600)" = "" ] &&
	python3 - <<-\EOF_
	import json, sqlite3
	for (at,) in sqlite3.connect("all/catalog.db").execute("select metadata_location from iceberg_tables"):
	    m = json.load(open(at[len("file://"):]))
	    assert len(m["snapshots"]) == 2, at
	    s = m["snapshots"][-1]["summary"]
	    assert s["operation"] in ("delete", "overwrite") and s["lk.run"], s
	EOF_
'

test_expect_success 'when the last row of a file goes, the file goes' '
	lk-revert -l all --delivery "$(sha FAC-1.csv)" >said && lk-revert -l all --delivery "$(sha FAC-4.csv)" >said && grep "^main.people: 2 rows, 1 file removed, snap" said &&
	[ "$(ask all "select count(*) from people")" = 0 ] && [ "$(ledger all "count(*)")" = 0 ]
'

test_expect_success 'what is named must be known, and by enough of it' '
	expect_error 66 "the lake knows of no run" lk-revert -l lake --run 00000000-1111 &&
	expect_error 66 "the lake knows of no delivery" lk-revert -l lake --delivery 0011223344556677 &&
	expect_error 66 "of '\''NOBODY'\''" lk-revert -l lake --delivery "$(sha FAC-1.csv)" --sender NOBODY &&
	expect_error 64 "at least 8" lk-revert -l lake --delivery "$(sha FAC-1.csv 7)" &&
	expect_error 64 "is not the id of a run" lk-revert -l lake --run main.people &&
	expect_error 64 "nothing is named" lk-revert -l lake &&
	expect_error 64 "--sender goes with --delivery" lk-revert -l lake --run 12345678 --sender A &&
	expect_error 66 "there is no lake" lk-revert -l nowhere --run 12345678
'

# ---- senders ----

test_expect_success 'the same bytes and name from two senders are told apart by who wrote the files' '
	mkdir -p AAA BBB && delivery AAA/x.csv 1 2 && cp AAA/x.csv BBB/x.csv && load want3 AAA/x.csv && state want3 >expect &&
	load twins AAA/x.csv && load twins BBB/x.csv &&
	expect_error 64 "came from several senders ('\''AAA'\'', '\''BBB'\''): --sender says" lk-revert -l twins --delivery "$(sha AAA/x.csv)" &&
	lk-revert -q -l twins --delivery "$(sha AAA/x.csv)" --sender BBB && state twins >actual && test_cmp expect actual &&
	load twins BBB/x.csv && lk-revert -q -l twins --run $run && state twins >actual && test_cmp expect actual
'

test_expect_success 'where one process wrote both, nobody'\''s rows are taken for another'\''s' '
	load mixed AAA/x.csv BBB/x.csv && state mixed >before &&
	expect_error 65 "from several senders, which cannot be told apart" lk-revert -l mixed --delivery "$(sha AAA/x.csv)" --sender BBB &&
	state mixed | diff before - && lk-revert -q -l mixed --run $run && [ "$(ask mixed "select count(*) from people")" = 0 ]
'

# ---- other runs on the same delivery ----

replay() { # LAKE
	lk-query -l "$1" -F arrow "select * replace (replace(raw, 'x', '9') as raw) from quarantine.rejects" | lk-parse -q -s pkg.json --replay | lk-commit --json -l "$1" >said &&
		run=$(python3 -c 'import json; print(json.load(open("said"))["run"])')
}

test_expect_success 'what a replay made of its rejects goes with a delivery' '
	load want4 FAC-2.csv && state want4 >expect && load re FAC-1.csv && first=$run && replay re && load re FAC-2.csv &&
	[ "$(ask re "select count(*) from people where id = 911")" = 1 ] && lk-revert -q -l re --run $first && state re >actual && test_cmp expect actual
'

test_expect_success 'a run that replayed rejects is not taken out without them' '
	load re2 FAC-1.csv && replay re2 && state re2 >before &&
	expect_error 65 "replayed rejects of '\''FAC-1.csv'\'', which would be lost" lk-revert -l re2 --run $run && state re2 | diff before - &&
	lk-revert -q -l re2 --delivery "$(sha FAC-1.csv)" && [ "$(ask re2 "select (select count(*) from people) + (select count(*) from lk.rejects)")" = 0 ]
'

test_expect_success 'runs that loaded members of one delivery are not taken apart' '
	printf "id,name\n7,g\n" >in.csv && printf "a,b\n8,h\n" >out.txt && python3 -c "
import zipfile
z = zipfile.ZipFile(\"FAC-z.zip\", \"w\")
z.write(\"in.csv\"); z.write(\"out.txt\")" &&
	load part FAC-z.zip && one=$run && python3 - <<-\EOF_ &&
	import json
	p = json.load(open("pkg.json"))
	p["resources"].append({"name": "others", "path": "*.txt", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]}})
	json.dump(p, open("both.json", "w"))
	EOF_
	lk-unpack -q -l part -s both.json FAC-z.zip | lk-parse -q -s both.json | lk-commit --json -l part >said &&
	two=$(python3 -c "import json; print(json.load(open(\"said\"))[\"run\"])") && [ "$(ledger part state,generation)" = "complete|1" ] &&
	expect_error 65 "loaded different members of '\''FAC-z.zip'\'': --delivery takes all of it out" lk-revert -l part --run $one &&
	expect_error 65 "loaded different members of '\''FAC-z.zip'\''" lk-revert -l part --run $two &&
	lk-revert -q -l part --delivery "$(sha FAC-z.zip)" &&
	[ "$(ask part "select (select count(*) from people), (select count(*) from others), (select count(*) from lk.files)")" = 0,0,0 ] &&
	[ "$(sqlite3 part/catalog.db "select (select count(*) from lk_ledger), (select count(*) from lk_ledger_failed), (select count(*) from lk_ledger_path)")" = "0|0|0" ]
'

# ---- rows without deliveries ----

test_expect_success 'rows that belong to no delivery go by their run' '
	lk-query -F arrow "select 1::bigint as a" | lk-cat --as main.t >a.lk && lk-query -F arrow "select 2::bigint as a" | lk-cat --as main.t >b.lk &&
	lk-commit -q -l plain <a.lk && lk-commit --json -l plain --once two <b.lk >said && two=$(python3 -c "import json; print(json.load(open(\"said\"))[\"run\"])") &&
	lk-query -F arrow "select 3::bigint as a" | lk-cat --as main.t | lk-commit -q -l plain &&
	lk-revert -l plain --run $two >said && grep "^main.t: 1 row, 1 file removed" said && [ "$(ask plain "select string_agg(a, '\''+'\'' order by a) from t")" = 1+3 ] &&
	[ "$(ledger plain "count(*)")" = 0 ] && lk-commit -q -l plain --once two <b.lk && [ "$(ask plain "select count(*) from t")" = 3 ] &&
	lk-revert -q -l plain --delivery "$(printf two | sha256sum | cut -c1-64)" && [ "$(ask plain "select string_agg(a, '\''+'\'' order by a) from t")" = 1+3 ]
'

# ---- after compaction ----

test_expect_success 'deliveries are found in files that were written anew together' '
	load want7 FAC-1.csv && load want7 FAC-3.csv && state want7 >expect && for i in 1 2 3; do load small FAC-$i.csv && eval "run$i=$run" || return; done &&
	lk-compact -q -l small -t main.people && [ "$(lk-query -l small -F csv "select count(*) from \"people\$files\"" | tail -n 1)" = 1 ] &&
	lk-revert -l small --run $run2 >said && grep "^main.people: 2 rows, 2 rows deleted by position" said && state small >actual && test_cmp expect actual
'

test_expect_success 'rows that cannot be told from others'\'' there are left' '
	load twins2 AAA/x.csv && load twins2 BBB/x.csv && twin=$run && lk-compact -q -l twins2 -t main.people && state twins2 >before &&
	expect_error 65 "cannot be told apart" lk-revert -l twins2 --delivery "$(sha AAA/x.csv)" --sender BBB && state twins2 | diff before - &&
	expect_error 65 "cannot be told apart" lk-revert -l twins2 --run $twin && state twins2 | diff before - &&
	lk-commit -q -l plain2 <a.lk && lk-commit --json -l plain2 --once two <b.lk >said && two=$(python3 -c "import json; print(json.load(open(\"said\"))[\"run\"])") &&
	lk-query -F arrow "select 3::bigint as a" | lk-cat --as main.t | lk-commit -q -l plain2 && lk-compact -q -l plain2 && lk-query -l plain2 "from t" >before &&
	expect_error 65 "table main.t: 1 of the run'\''s 1 rows were written anew together with others" lk-revert -l plain2 --run $two && lk-query -l plain2 "from t" | diff before - &&
	expect_error 65 "only wrote rows anew" lk-revert -l plain2 --run "$(lk-log -l plain2 --json | python3 -c "
import json, sys
print(next(s[\"run\"] for line in sys.stdin for s in [json.loads(line)] if s[\"operation\"] == \"replace\"))")"
'

# ---- at the same time, and in between ----

many() { # LAKE
	rm -rf "$1" && load "$1" FAC-1.csv && load "$1" FAC-2.csv FAC-3.csv && middle=$run && load "$1" FAC-4.csv
}

test_expect_success 'others may load meanwhile, and revert' '
	{ lk-parse -q -s pkg.json FAC-5.csv || [ $? = 1 ]; } >five.lk && load want5 FAC-1.csv && load want5 FAC-4.csv && { lk-commit -q -l want5 <five.lk; } && state want5 | grep -v "^.*FAC-5" >expect &&
	for i in 1 2 3; do
		many both && { lk-revert -q -l both --run $middle & one=$!; } && { lk-commit -q -l both <five.lk & other=$!; } && { lk-revert -q -l both --delivery "$(sha FAC-2.csv)" & third=$!; } &&
		wait $one; rc=$?; wait $other && { wait $third || [ $? = 75 ]; } && { [ $rc = 0 ] || [ $rc = 75 ]; } && lk-revert -q -l both --run $middle &&
		state both | grep -v FAC-5 >actual && test_cmp expect actual && [ "$(ask both "select count(*) from people where id // 10 = 5")" = 2 ] || return
	done
'

test_expect_success 'killed at any moment and repeated, it ends the same' '
	load want6 FAC-1.csv && load want6 FAC-4.csv && state want6 >expect &&
	many killed && state killed >full && start=$(date +%s%N) && lk-revert -q -l killed --run $middle && took=$((($(date +%s%N) - start) / 1000)) &&
	many killed && for i in 1 2 3 4 5 6 7 8; do
		lk-revert -q -l killed --run $middle >/dev/null 2>&1 & pid=$!
		sleep "$(printf "%d.%06d" 0 $((took * i / 8 % 1000000)))"
		kill -9 $pid 2>/dev/null; wait $pid
		sqlite3 killed/catalog.db "select count(*) from lk_ledger" && state killed >actual && { cmp actual expect || test_cmp full actual; } || return
	done; lk-revert -q -l killed --run $middle && state killed >actual && test_cmp expect actual
'

test_done
