#!/bin/sh
# lk-commit: rows to Iceberg tables, once, all or nothing.
. "$(dirname "$0")/test-lib.sh"

# All that can be seen of a lake: catalog, ledger and the names of its files.
look() { # LAKE
	sqlite3 "$1/catalog.db" .dump 2>/dev/null
	find "$1" -type f ! -name catalog.db | sort
}

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables
		where catalog_name = 'lk' and table_namespace || '.' || table_name = '$2'"
}

# A property of a table, by an expression in Python over its metadata m and its current snapshot s.
ask() { # LAKE TABLE EXPRESSION
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
s = [x for x in m["snapshots"] if x["snapshot-id"] == m["current-snapshot-id"]]
s = s[0] if s else None
schema = [x for x in m["schemas"] if x["schema-id"] == m["current-schema-id"]][0]
print(eval(sys.argv[2]))' "$(metadata_of "$1" "$2")" "$3"
}

# A number of the current snapshot's summary, 0 without one.
summary() { # LAKE TABLE KEY
	sqlite3 :memory: "with m(j) as (select readfile('$(metadata_of "$1" "$2")'))
		select coalesce(max(json_extract(s.value, '\$.summary.\"$3\"')), 0) from m, json_each(m.j, '\$.snapshots') s
		where json_extract(s.value, '\$.\"snapshot-id\"') = json_extract(m.j, '\$.\"current-snapshot-id\"')"
}

rows() { summary "$1" "$2" total-records; } # LAKE TABLE

# Every Parquet file of a table is named by a manifest, and the other way round: nothing is left over. Manifests are compressed,
# so the count stands for it.
files_named() { # LAKE TABLE
	[ "$(summary "$1" "$2" total-data-files)" = "$(find "$1"/"${2%.*}"/"${2##*.}"/data -name '*.parquet' | wc -l)" ]
}

ledger() { sqlite3 "$1/catalog.db" "select sender, sha256, state, members, failed, rows, rejected from lk_ledger order by 1, 2"; }

# A stream of a delivery with one good member of three rows.
delivery() { # PATH SHA SENDER
	cat <<-END
		@main.people id:int64! name:utf8
		*3 id=#|name=$1 #
		@lk.files
		delivery=$1|sha256=$2|sender=$3|member=a.csv|status=ok|rows_in=3|rows=3|table=main.people
	END
}

test_expect_success 'a table is made from the stream' '
	printf "%s\n" "%lk.key [\"id\"]" "%lk.load append" "@visits id:int64! who:utf8 at:timestamptz cost:decimal(9,2)" \
		"*100 id=#|who=patient #|at=2026-01-31T00:00:00Z|cost=1.25" | make-stream >visits.lk &&
	lk-commit -l new/lake <visits.lk >said &&
	grep "^main.visits: 100 rows, 1 file, [0-9]* bytes, snapshot [0-9]*$" said &&
	[ "$(rows new/lake main.visits)" = 100 ] &&
	[ "$(ask new/lake main.visits "[f[\"type\"] for f in schema[\"fields\"]]")" = \
		"['\''long'\'', '\''string'\'', '\''timestamptz'\'', '\''decimal(9, 2)'\'']" ] &&
	[ "$(ask new/lake main.visits "schema[\"identifier-field-ids\"]")" = "[1]" ] &&
	[ "$(ask new/lake main.visits "m[\"properties\"][\"lk.load\"]")" = append ] &&
	[ "$(sqlite3 new/lake/catalog.db "select namespace from iceberg_namespace_properties")" = main ]
'

test_expect_success 'rows are appended, and the metadata say so' '
	lk-commit -l new/lake --json <visits.lk >said &&
	python3 -c "import json; o = json.load(open(\"said\")); t = o[\"tables\"][0]
assert t[\"table\"] == \"main.visits\" and t[\"rows\"] == 100 and t[\"files\"] == 1 and t[\"snapshot\"] > 0
assert o[\"staged\"] is None and o[\"committed\"] == o[\"skipped\"] == o[\"again\"] == []" &&
	[ "$(rows new/lake main.visits)" = 200 ] &&
	[ "$(ask new/lake main.visits "[len(m[k]) for k in (\"snapshots\", \"snapshot-log\", \"metadata-log\", \"schemas\")]")" = "[2, 2, 1, 1]" ] &&
	[ "$(ask new/lake main.visits "s[\"sequence-number\"], m[\"last-sequence-number\"], s[\"parent-snapshot-id\"] == m[\"snapshots\"][0][\"snapshot-id\"]")" = "(2, 2, True)" ] &&
	[ "$(ask new/lake main.visits "m[\"refs\"][\"main\"][\"snapshot-id\"] == m[\"current-snapshot-id\"]")" = True ] &&
	files_named new/lake main.visits
'

test_expect_success 'the lake is found by LK_LAKE and upward' '
	(cd new/lake/main && lk-commit <"$test_dir/visits.lk" >/dev/null) &&
	LK_LAKE=new/lake lk-commit -q <visits.lk >said && [ ! -s said ] &&
	[ "$(rows new/lake main.visits)" = 400 ] &&
	expect_error 64 "no lake" lk-commit <visits.lk
'

test_expect_success 'a stream of no rows makes the table and no snapshot' '
	echo "@empty.table id:int64" | make-stream | lk-commit -l empty &&
	[ "$(ask empty empty.table "m[\"current-snapshot-id\"], m[\"snapshots\"], m[\"refs\"]")" = "(-1, [], {})" ] &&
	echo "@empty.table id:int64" | make-stream | lk-commit -l empty &&
	[ "$(ask empty empty.table "m[\"metadata-log\"]")" = "[]" ]
'

test_expect_success 'deliveries, rejects and rows land in one commit' '
	{
		delivery in/a.zip aaa FAC1
		echo "delivery=in/a.zip|sha256=aaa|sender=FAC1|member=b.csv|status=ok|rows_in=3|rows=2|rejected=1|table=main.people"
		echo "delivery=in/a.zip|sha256=aaa|sender=FAC1|member=c.pdf|status=skipped"
		echo "@lk.rejects"
		echo "delivery=in/a.zip|sha256=aaa|sender=FAC1|member=b.csv|table=main.people|record=3|reason=not a number|raw=secret"
		echo "@main.people id:int64! name:utf8"
		echo "*2 id=#|name=b #"
	} | make-stream >a.lk &&
	lk-commit -l lake <a.lk >said && cat said &&
	[ "$(rows lake main.people)" = 5 ] && [ "$(rows lake lk.files)" = 3 ] &&
	[ "$(rows lake lk.rejects)" = 1 ] && [ "$(rows lake quarantine.rejects)" = 1 ] &&
	[ "$(ledger lake)" = "FAC1|aaa|complete|3|0|5|1" ] &&
	[ "$(sqlite3 lake/catalog.db "select count(distinct run) from lk_ledger")" = 1 ]
'

test_expect_success 'raw text of rejects is in quarantine alone, and private' '
	[ "$(ask lake lk.rejects "\"raw\" in [f[\"name\"] for f in schema[\"fields\"]]")" = False ] &&
	[ "$(ask lake quarantine.rejects "\"raw\" in [f[\"name\"] for f in schema[\"fields\"]]")" = True ] &&
	[ "$(stat -c %a lake/quarantine)" = 700 ] &&
	[ "$(find lake/quarantine -type f ! -perm 600)" = "" ] &&
	[ "$(stat -c %a lake/main/people/data/*.parquet)" = 644 ]
'

test_expect_success 'a delivery is loaded once' '
	look lake >before &&
	lk-commit -l lake <a.lk >said && [ "$(cat said)" = "already loaded" ] &&
	look lake >after && test_cmp before after &&
	lk-commit -l lake --json <a.lk >said &&
	python3 -c "import json; o = json.load(open(\"said\")); assert not o[\"tables\"] and not o[\"committed\"]
assert [d[\"delivery\"] for d in o[\"skipped\"]] == [\"in/a.zip\"]" &&
	delivery elsewhere/renamed.zip aaa FAC1 | make-stream | lk-commit -l lake &&
	[ "$(rows lake main.people)" = 5 ]
'

test_expect_success 'the same bytes from another sender are another delivery' '
	delivery in/a.zip aaa FAC2 | make-stream | lk-commit -l lake &&
	[ "$(rows lake main.people)" = 8 ] && [ "$(ledger lake | wc -l)" = 2 ]
'

test_expect_success 'a stream of which some is loaded is refused, and changes nothing' '
	look lake >before &&
	{ delivery in/a.zip aaa FAC1; delivery in/b.zip bbb FAC1; } | make-stream >mixed.lk &&
	expect_error 75 "in/a.zip" lk-commit -l lake <mixed.lk &&
	look lake >after && test_cmp before after
'

# A delivery of members a (good), b and c (failed), and what comes later.
files_row() { echo "delivery=in/p.zip|sha256=ppp|sender=F|member=$1|status=$2|error=$3|rows=$4|rows_in=$4|table=main.part"; } # MEMBER STATUS ERROR ROWS
part() { # MEMBER ROWS
	printf "@main.part m:utf8\n*%s m=%s\n@lk.files\n" "$2" "$1"
}

test_expect_success 'a delivery of which members failed is partial' '
	{ part a 4; files_row a ok "" 4; files_row b failed damaged 0; files_row c failed damaged 0; } | make-stream >p1.lk &&
	lk-commit -l part <p1.lk &&
	[ "$(ledger part)" = "F|ppp|partial|3|2|4|0" ] &&
	[ "$(sqlite3 part/catalog.db "select member, error, rows from lk_ledger_failed")" = "b|damaged|0
c|damaged|0" ]
'

test_expect_success 'members that fail again the same way are no news' '
	look part >before &&
	{ echo "@lk.files"; files_row b failed damaged 0; files_row c failed damaged 0; } | make-stream >p2.lk &&
	lk-commit -l part <p2.lk && look part >after && test_cmp before after
'

test_expect_success 'members that are loaded must not come again' '
	look part >before && lk-commit -l part <p1.lk >out && echo "already loaded" >expect && test_cmp expect out &&
	{ part a 4; files_row a ok "" 4; files_row c failed "another reason" 0; } | make-stream >p3.lk &&
	expect_error 75 "in/p.zip!a" lk-commit -l part <p3.lk &&
	look part >after && test_cmp before after
'

test_expect_success 'members that failed may come again' '
	{ part b 5; files_row b ok "" 5; files_row c failed damaged 0; } | make-stream | lk-commit -l part &&
	[ "$(ledger part)" = "F|ppp|partial|3|1|9|0" ] && [ "$(rows part lk.files)" = 4 ] &&
	{ echo "@lk.files"; files_row c failed "another reason" 0; } | make-stream | lk-commit -l part &&
	[ "$(sqlite3 part/catalog.db "select error from lk_ledger_failed")" = "another reason" ] &&
	{ part c 1; files_row c ok "" 1; } | make-stream | lk-commit -l part &&
	[ "$(ledger part)" = "F|ppp|complete|3|0|10|0" ] &&
	[ "$(rows part main.part)" = 10 ] &&
	[ "$(sqlite3 part/catalog.db "select count(*) from lk_ledger_failed")" = 0 ]
'

test_expect_success 'a member that was loaded in part is not loaded again' '
	{ part x 2; files_row x failed "ends early" 2; files_row y ok "" 0; } | make-stream | lk-commit -l torn &&
	[ "$(ledger torn)" = "F|ppp|partial|2|1|2|0" ] &&
	{ part x 3; files_row x ok "" 3; } | make-stream >torn.lk &&
	expect_error 75 "in/p.zip!x" lk-commit -l torn <torn.lk
'

test_expect_success 'a delivery of which nothing opens is held until it does' '
	{ echo "@lk.files"; files_row "" failed "no passphrase fits" 0; } | make-stream >held.lk &&
	lk-commit -l held <held.lk && [ "$(ledger held)" = "F|ppp|held|0|1|0|0" ] &&
	lk-commit -l held <held.lk >said && [ "$(cat said)" = "already loaded" ] &&
	{ part a 4; files_row a ok "" 4; files_row b skipped "" 0; } | make-stream | lk-commit -l held &&
	[ "$(ledger held)" = "F|ppp|complete|2|0|4|0" ] &&
	{ echo "@lk.files"; echo "delivery=k|sha256=k|sender=F|member=|status=crashed|error=signal 11"; } | make-stream | lk-commit -l held &&
	[ "$(ledger held | grep crashed)" = "F|k|crashed|0|1|0|0" ]
'

test_expect_success '--once gives rows without a delivery an identity' '
	lk-commit -l once --once january <visits.lk && look once >before &&
	lk-commit -l once --once january <visits.lk >said && [ "$(cat said)" = "already loaded" ] &&
	look once >after && test_cmp before after &&
	lk-commit -l once --once february <visits.lk && [ "$(rows once main.visits)" = 200 ]
'

# ---- schemas ----

test_expect_success 'a new column is refused with the difference shown, and added on demand' '
	look lake >before &&
	printf "%s\n" "@main.people id:int64! age:int32 zip:utf8 name:utf8" "id=1|age=7" | make-stream >wide.lk &&
	expect_error 65 "column age (int32) is not in the table; column zip (utf8) is not in the table (--schema add changes the table)" \
		lk-commit -l lake <wide.lk &&
	look lake >after && test_cmp before after &&
	lk-commit -l lake --schema add <wide.lk &&
	[ "$(ask lake main.people "[(f[\"id\"], f[\"name\"], f[\"required\"]) for f in schema[\"fields\"]]")" = \
		"[(1, '\''id'\'', True), (2, '\''name'\'', False), (3, '\''age'\'', False), (4, '\''zip'\'', False)]" ] &&
	[ "$(ask lake main.people "len(m[\"schemas\"]), m[\"last-column-id\"], s[\"schema-id\"]")" = "(2, 4, 1)" ] &&
	lk-commit -l lake <wide.lk && [ "$(ask lake main.people "len(m[\"schemas\"])")" = 2 ]
'

test_expect_success 'columns are widened on demand, and narrower values fit' '
	printf "%s\n" "@w n:int32 d:decimal(5,2)" "n=1|d=1.5" | make-stream >narrow.lk &&
	printf "%s\n" "@w n:int64 d:decimal(9,2)" "n=5000000000|d=1234567.89" | make-stream >wider.lk &&
	lk-commit -l widen <narrow.lk &&
	expect_error 65 "--schema widen" lk-commit -l widen <wider.lk &&
	expect_error 65 "--schema widen" lk-commit -l widen --schema add <wider.lk &&
	lk-commit -l widen --schema widen <wider.lk &&
	[ "$(ask widen main.w "[f[\"type\"] for f in schema[\"fields\"]]")" = "['\''long'\'', '\''decimal(9, 2)'\'']" ] &&
	lk-commit -l widen <narrow.lk && [ "$(rows widen main.w)" = 3 ]
'

test_expect_success 'other differences are bad data' '
	printf "%s\n" "@main.people id:utf8!" "id=1" | make-stream >type.lk &&
	expect_error 65 "column id is utf8 in the stream and long in the table" lk-commit -l lake --schema widen <type.lk &&
	printf "%s\n" "@main.people name:utf8" "name=x" | make-stream >missing.lk &&
	expect_error 65 "column id is required" lk-commit -l lake <missing.lk &&
	printf "%s\n" "@main.people id:int64 name:utf8" "name=x" | make-stream >null.lk &&
	expect_error 65 "id" lk-commit -l lake <null.lk &&
	printf "%s\n" "@main.people ID:int64! id:int64!" "id=1|ID=1" | make-stream >case.lk &&
	expect_error 65 "other letters" lk-commit -l lake --schema add <case.lk &&
	printf "%s\n" "@mixed a:int64" "a=1" "@mixed a:utf8" "a=x" | make-stream >mixed.lk &&
	expect_error 65 "column a" lk-commit -l lake <mixed.lk
'

test_expect_success 'streams of one table merge by name' '
	printf "%s\n" "@m a:int64" "a=1" "@m b:utf8 a:int64" "b=x|a=2" "@m a:int64" "a=3" | make-stream | lk-commit -l merge &&
	[ "$(rows merge main.m)" = 3 ] && [ "$(ask merge main.m "[f[\"name\"] for f in schema[\"fields\"]]")" = "['\''a'\'', '\''b'\'']" ] &&
	files_named merge main.m
'

test_expect_success 'names are checked' '
	for name in Main.t main.T 1t main. .t main..t ../t main.t/x "main.t-x" lk.mine quarantine.mine; do
		printf "%s\n" "@$name a:int64" "a=1" | make-stream >name.lk &&
		expect_status 65 lk-commit -l names <name.lk || return
	done &&
	printf "%s\n" "@a.b.c x:int64" "x=1" | make-stream | lk-commit -l names && [ -d names/a.b/c/data ]
'

# ---- what is not whole ----

test_expect_success 'a stream that is not whole commits nothing and leaves nothing' '
	look lake >before &&
	size=$(stat -c %s a.lk) &&
	for n in 0 1 100 $((size / 3)) $((size / 2)) $((size - 20)) $((size - 1)); do
		head -c $n a.lk >cut.lk &&
		expect_error 65 "lk-commit: " lk-commit -l lake <cut.lk || return
	done &&
	{ delivery in/z.zip zzz F; echo "!"; } | make-stream >died.lk &&
	expect_status 65 lk-commit -l lake <died.lk &&
	cat mixed.lk mixed.lk >twice.lk && expect_status 65 lk-commit -l lake <twice.lk &&
	look lake >after && test_cmp before after &&
	expect_status 65 lk-commit -l nothing <died.lk && [ "$(find nothing -type f)" = nothing/catalog.db ]
'

test_expect_success 'without the beginning of a stream no lake is made' '
	expect_error 65 "it is empty" lk-commit -l typo </dev/null && [ ! -e typo ] &&
	echo "Id,Name" >text.csv && expect_status 65 lk-commit -l typo <text.csv && [ ! -e typo ] &&
	head -c 100 visits.lk >begun.lk && expect_status 65 lk-commit -l typo <begun.lk && [ ! -e typo ] &&
	expect_status 65 lk-commit -l typo --stage stage-typo </dev/null && [ ! -e typo ] && [ ! -e stage-typo ] &&
	lk-commit -l typo <visits.lk && [ "$(rows typo main.visits)" = 100 ]
'

test_expect_success 'a limit on the size of files is an error, not a death' '
	printf "%s\n" "@main.big a:utf8" "*200000 a=value number # of many" | make-stream >big.lk &&
	(ulimit -f 160 && expect_error 74 "File too large" lk-commit -l limited <big.lk)
'

test_expect_success 'members of archives are no rows' '
	printf "%s\n" "@lk.members" "delivery=x|content=y" | make-stream >members.lk &&
	expect_error 65 "lk-parse" lk-commit -l lake <members.lk
'

test_expect_success 'plain Arrow is taken on the caller'\''s word' '
	lk-cat -F arrow visits.lk >visits.arrows &&
	expect_status 65 lk-commit -l plain <visits.arrows &&
	lk-commit -l plain --plain --as other.visits <visits.arrows && [ "$(rows plain other.visits)" = 100 ] &&
	expect_error 64 "together" lk-commit -l plain --plain <visits.arrows &&
	expect_error 65 "keeps" lk-commit -l plain --plain --as lk.files <visits.arrows
'

test_expect_success 'a catalog of the older shape is taken, and views are left alone' '
	mkdir -p old && sqlite3 old/catalog.db "CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL,
		table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000),
		previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name))" &&
	lk-commit -l old <visits.lk && lk-commit -l old <visits.lk && [ "$(rows old main.visits)" = 200 ] &&
	sqlite3 lake/catalog.db "insert into iceberg_tables values (\"lk\", \"main\", \"v\", \"x\", null, \"VIEW\")" &&
	printf "%s\n" "@main.v a:int64" "a=1" | make-stream >view.lk &&
	expect_error 65 "is a view" lk-commit -l lake <view.lk
'

test_expect_success 'misuse and what cannot be written' '
	expect_error 64 "freeze, add or widen" lk-commit -l lake --schema thaw <a.lk &&
	expect_error 64 "unexpected" lk-commit -l lake a.lk &&
	expect_error 64 "staged" lk-commit -l lake --staged x --plain --as y &&
	expect_error 66 "no lake" lk-commit -l nowhere --staged x &&
	expect_error 66 "nowhere" lk-commit -l lake --staged nowhere &&
	expect_error 73 "" lk-commit -l /dev/null/lake <a.lk &&
	: >not-a-lake-db && mkdir bad && echo "this is not a database, by any means" >bad/catalog.db &&
	expect_error 65 "catalog.db" lk-commit -l bad <a.lk &&
	lk-commit -l full <visits.lk >/dev/full; [ $? = 74 ]
'

# ---- staging ----

test_expect_success 'many processes stage, one commits' '
	for i in 1 2 3 4 5 6; do
		{ delivery in/$i.zip sha$i F; echo "@main.other n:int64"; echo "*$i n=#"; } | make-stream >s$i.lk &&
		lk-commit -l stage-lake --stage stage <s$i.lk >said$i & test_pids="$test_pids $!"
	done &&
	wait && [ "$(ls stage | wc -l)" = 6 ] && grep staged said1 &&
	[ "$(rows stage-lake main.people)" = 0 ] && [ "$(ledger stage-lake)" = "" ] &&
	cp -R stage kept &&
	lk-commit -l stage-lake --staged stage --json >said &&
	python3 -c "import json; o = json.load(open(\"said\")); assert len(o[\"committed\"]) == 6 and not o[\"again\"], o
assert {t[\"table\"]: (t[\"rows\"], t[\"files\"]) for t in o[\"tables\"]} == {\"main.people\": (18, 6), \"main.other\": (21, 6), \"lk.files\": (6, 6)}, o" &&
	[ "$(rows stage-lake main.people)" = 18 ] && [ "$(rows stage-lake main.other)" = 21 ] &&
	[ "$(ask stage-lake main.people "len(m[\"snapshots\"])")" = 1 ] &&
	[ "$(ls stage)" = "" ] && [ "$(ledger stage-lake | wc -l)" = 6 ] &&
	files_named stage-lake main.people && files_named stage-lake main.other
'

test_expect_success 'a crash before descriptions are removed is harmless' '
	look stage-lake >before && cp kept/* stage/ &&
	lk-commit -l stage-lake --staged stage >said && [ "$(cat said)" = "nothing to commit" ] &&
	look stage-lake >after && test_cmp before after && [ "$(ls stage)" = "" ]
'

test_expect_success 'what is staged and loaded already is set aside, and the rest named' '
	{ delivery in/1.zip sha1 F; delivery in/7.zip sha7 F; } | make-stream >late.lk &&
	expect_status 75 lk-commit -l stage-lake --stage stage <late.lk &&
	{ delivery in/8.zip sha8 F; delivery in/9.zip sha9 F; } | make-stream | lk-commit -l stage-lake --stage stage &&
	{ delivery in/9.zip sha9 F; delivery in/10.zip sha10 F; } | make-stream | lk-commit -l stage-lake --stage stage &&
	delivery in/8.zip sha8 F | make-stream | lk-commit -l stage-lake &&
	lk-commit -l stage-lake --staged stage --json >said &&
	python3 -c "import json; o = json.load(open(\"said\"))
got = {k: sorted(d[\"sha256\"] for d in o[k]) for k in (\"committed\", \"skipped\", \"again\")}
assert got == {\"committed\": [\"sha10\", \"sha9\"], \"skipped\": [\"sha8\", \"sha9\"], \"again\": []}, got" &&
	[ "$(rows stage-lake main.people)" = 27 ] && files_named stage-lake main.people && [ "$(ls stage)" = "" ]
'

test_expect_success 'what was staged for another lake is refused and kept, also where that lake has it all' '
	{ delivery in/8.zip sha8 F; delivery in/9.zip sha9 F; } | make-stream | lk-commit -l other-lake --stage foreign &&
	delivery in/14.zip sha14 F | make-stream | lk-commit -l other-lake --stage foreign &&
	ls foreign >before && look stage-lake >look-before &&
	expect_error 65 "for another lake" lk-commit -l stage-lake --staged foreign &&
	mkdir some && for one in foreign/*; do
		cp $one some && expect_error 65 "for another lake" lk-commit -l stage-lake --staged some && rm some/* || return 1
	done &&
	ls foreign >after && test_cmp before after && look stage-lake >look-after && test_cmp look-before look-after &&
	lk-commit -l other-lake --staged foreign && [ "$(rows other-lake main.people)" = 9 ] && files_named other-lake main.people
'

test_expect_success 'one delivery in two runs: one is set aside, what else it had is to be done again' '
	{ delivery in/11.zip sha11 F; delivery in/12.zip sha12 F; } | make-stream | lk-commit -l stage-lake --stage stage &&
	{ delivery in/11.zip sha11 F; delivery in/13.zip sha13 F; } | make-stream | lk-commit -l stage-lake --stage stage &&
	expect_status 1 lk-commit -l stage-lake --staged stage --json >said &&
	python3 -c "import json; o = json.load(open(\"said\"))
assert len(o[\"committed\"]) == 2 and len(o[\"again\"]) == 1 and o[\"again\"][0][\"sha256\"] in (\"sha12\", \"sha13\"), o
assert [d[\"sha256\"] for d in o[\"skipped\"]] == [\"sha11\"]" &&
	[ "$(rows stage-lake main.people)" = 33 ] && files_named stage-lake main.people
'

test_expect_success 'the same segment staged twice is committed once' '
	printf "%s\n" "@main.seg n:int64" "*5 n=#" | make-stream >seg.lk &&
	lk-commit -l stage-lake --stage stage <seg.lk && lk-commit -l stage-lake --stage stage <seg.lk &&
	lk-commit -l stage-lake --staged stage && [ "$(rows stage-lake main.seg)" = 5 ] &&
	lk-commit -l stage-lake --stage stage <seg.lk && lk-commit -l stage-lake --staged stage &&
	[ "$(rows stage-lake main.seg)" = 5 ] && files_named stage-lake main.seg
'

test_expect_success 'a retry is staged too' '
	{ part a 4; files_row a ok "" 4; files_row b failed damaged 0; } | make-stream | lk-commit -l stage-lake &&
	{ part b 5; files_row b ok "" 5; } | make-stream | lk-commit -l stage-lake --stage stage &&
	lk-commit -l stage-lake --staged stage && ledger stage-lake | grep "^F|ppp|complete|2|0|9|0$"
'

test_expect_success 'new columns are staged with ids of the table' '
	printf "%s\n" "@main.seg n:int64 extra:utf8" "n=1|extra=x" | make-stream >extra.lk &&
	expect_status 65 lk-commit -l stage-lake --stage stage <extra.lk && [ "$(ls stage)" = "" ] &&
	lk-commit -l stage-lake --schema add --stage stage <extra.lk && lk-commit -l stage-lake --staged stage &&
	[ "$(ask stage-lake main.seg "m[\"last-column-id\"], s[\"summary\"][\"total-records\"]")" = "(2, '\''6'\'')" ]
'

test_expect_success 'a description that is not sound is refused, and removes nothing' '
	printf "%s\n" "@main.seg n:int64" "n=1" | make-stream | lk-commit -l stage-lake --stage stage &&
	file=$(ls stage/*.json) && cp $file good.json &&
	look stage-lake >before &&
	for edit in "s/\"path\":\"file:[^\"]*/\"path\":\"file:\/\/\/etc\/passwd/" "s/\"rows\":1,\"bytes\"/\"rows\":-1,\"bytes\"/" \
		"s/\"lk-staged\":1/\"lk-staged\":2/" "s/\"schema-id\":[0-9]*/\"schema-id\":99/" "s/\"uuid\":\"./\"uuid\":\"z/" "s/}]}/}/"; do
		sed "$edit" good.json >$file && ! cmp -s good.json $file &&
		expect_status 65 lk-commit -l stage-lake --staged stage || return
	done &&
	look stage-lake >after && test_cmp before after &&
	cp good.json $file && lk-commit -l stage-lake --staged stage && rm -f good.json
'

# ---- at the same time ----

test_expect_success 'many writers of one table lose nothing' '
	for i in 1 2 3 4 5 6 7 8; do
		delivery in/r$i.zip rsha$i F | make-stream >r$i.lk &&
		lk-commit -l race <r$i.lk >/dev/null & test_pids="$test_pids $!"
	done &&
	wait && [ "$(rows race main.people)" = 24 ] && [ "$(ledger race | wc -l)" = 8 ] && [ "$(rows race lk.files)" = 8 ] &&
	[ "$(ask race main.people "len(m[\"snapshots\"]), len(m[\"metadata-log\"]), s[\"sequence-number\"]")" = "(8, 7, 8)" ] &&
	files_named race main.people
'

test_expect_success 'one delivery committed by many at once is loaded once' '
	for i in 1 2 3 4 5 6; do
		lk-commit -l once-race <a.lk >/dev/null 2>&1; echo $? >rc$i & test_pids="$test_pids $!"
	done &&
	wait && cat rc1 rc2 rc3 rc4 rc5 rc6 | sort | uniq -c && ! cat rc? | grep -v "^0$" | grep -v "^75$" &&
	[ "$(rows once-race main.people)" = 5 ] && [ "$(ledger once-race | wc -l)" = 1 ] && files_named once-race main.people
'

# Tables and ledger must tell of the same deliveries; `same` leaves their number.
same() { # LAKE
	same=$(ledger "$1" | wc -l) &&
	[ "$(sqlite3 "$1/catalog.db" "pragma integrity_check")" = ok ] &&
	[ "$(rows "$1" main.people)" = $((same * 3)) ] && [ "$(rows "$1" lk.files)" = "$same" ]
}

test_expect_success 'killed at any moment, the lake is as before or as after' '
	delivery in/k.zip ksha F | make-stream | lk-commit -l killed >/dev/null && before=1 &&
	delivery in/timed.zip tsha F | make-stream >k.lk &&
	start=$(date +%s%N) && lk-commit -l killed <k.lk >/dev/null && took=$((($(date +%s%N) - start) / 1000)) && before=2 &&
	for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
		delivery in/k$i.zip ksha$i F | make-stream >k.lk || return
		lk-commit -l killed <k.lk >/dev/null 2>&1 & pid=$!
		sleep "$(printf "%d.%06d" 0 $((took * i / 16)))"
		kill -9 $pid 2>/dev/null
		wait $pid
		same killed && { [ $same = $before ] || [ $same = $((before + 1)) ]; } || return
		before=$same
	done &&
	echo "of 20, $((before - 2)) were as after" &&
	delivery in/k.zip klast F | make-stream | lk-commit -l killed >/dev/null && same killed && [ $same = $((before + 1)) ]
'

test_expect_success 'two commits of one folder, and one that is killed, load all of it once' '
	lk-commit -l fight <visits.lk >/dev/null && n=0 &&
	for i in 0 1 2 3 4 5; do
		for k in a b c; do
			n=$((n + 1))
			delivery in/$i$k.zip f$i$k F | make-stream | lk-commit -q -l fight --stage fight.stage || return
		done
		lk-commit -l fight --staged fight.stage >/dev/null 2>&1 & one=$!
		lk-commit -l fight --staged fight.stage >/dev/null 2>&1 & two=$!
		[ $((i % 2)) = 0 ] || { sleep "$(printf "%d.%06d" 0 $((took * i / 6)))"; kill -9 $one 2>/dev/null; }
		wait $one; wait $two; same fight || return
	done &&
	lk-commit -l fight --staged fight.stage >/dev/null && same fight && [ $same = $n ] &&
	files_named fight main.people && [ "$(ls fight.stage)" = "" ]
'

test_done
