#!/bin/sh
# Tables with one row for each key: what lk-commit and lk-ingest make of rows that come again, late, corrected and deleted, one after the
# other, staged, at once, and killed.
. "$(dirname "$0")/test-lib.sh"

ask() { # LAKE SQL
	lk-query -l "$1" -F csv "$2" | tail -n +2
}

rows() { # <rows: a stream of main.t, whose key is id, order v, and op op
	{ printf '%s\n' '%lk.load upsert' '%lk.key ["id"]' '%lk.order v' '%lk.op op' '@t id:int64! v:int64 s:utf8 op:utf8' && cat; } | make-stream
}

says() { # JSON-FILE TABLE: its counts, those that are not 0
	python3 - "$@" <<-\EOF_
	import json, sys
	for t in json.load(open(sys.argv[1]))["tables"]:
	    if t["table"] == sys.argv[2]:
	        print(" ".join(f"{n}={t[n]}" for n in "rows inserted updated deleted unchanged late repeated held".split() if t.get(n)))
	EOF_
}

summary() { # LAKE TABLE KEY...: of the newest snapshot, and how many there are
	python3 - "$@" <<-\EOF_
	import json, sqlite3, sys
	namespace, name = sys.argv[2].split(".")
	(at,), = sqlite3.connect(sys.argv[1] + "/catalog.db").execute(
	    "select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?", (namespace, name))
	m = json.load(open(at[len("file://"):]))
	s = m["snapshots"][-1]["summary"]
	print(len(m["snapshots"]), *[s.get(k, 0) for k in sys.argv[3:]])
	EOF_
}

test_expect_success 'a table, and then what is newer, the same, late, there twice, and deleted' '
	printf "%s\n" "id=1|v=1|s=a" "id=2|v=1|s=b" "id=3|v=1|s=c" "id=6|v=1|s=f" | rows >one.lk && lk-commit -l lake --json <one.lk >said &&
	[ "$(says said main.t)" = "rows=4 inserted=4" ] &&
	printf "%s\n" "id=1|v=2|s=A" "id=2|v=1|s=b" "id=3|v=0|s=old" "id=4|v=1|s=d" "id=4|v=2|s=D" "id=6|v=2|op=D" "id=5|v=5|op=d" |
		rows | lk-commit -l lake --json >said &&
	[ "$(says said main.t)" = "rows=2 inserted=1 updated=1 deleted=1 unchanged=1 late=1 repeated=1" ] &&
	ask lake "from t order by id" >actual && printf "%s\n" 1,2,A 2,1,b 3,1,c 4,2,D >expect && test_cmp expect actual &&
	[ "$(ask lake "select fact, count(*) from lk.versions where \"table\" = '\''main.t'\'' group by 1 order by 1" | tr "\n" " ")" = "confirmed,1 deleted,2 " ] &&
	lk-fsck -q -l lake && ! lk-query -l lake -F csv "from t" | head -n 1 | grep op
'

test_expect_success 'what was deleted stays so when an older row comes late, and comes back with a newer one' '
	echo "id=6|v=1|s=late" | rows | lk-commit -l lake --json >said && [ "$(says said main.t)" = "late=1" ] &&
	echo "id=5|v=4|s=late" | rows | lk-commit -l lake --json >said && [ "$(says said main.t)" = "late=1" ] &&
	[ "$(ask lake "select count(*) from t where id > 4")" = 0 ] &&
	echo "id=6|v=3|s=back" | rows | lk-commit -l lake && [ "$(ask lake "select s from t where id = 6")" = back ]
'

test_expect_success 'rows that say nothing new make no snapshot, and leave no file' '
	n=$(summary lake main.t) && find lake/main -type f | sort >before && echo "id=3|v=0|s=later" | rows | lk-commit -l lake >said &&
	grep "^main.t: 0 rows, 0 files, 0 bytes, 1 late$" said && [ "$(summary lake main.t)" = "$n" ] && find lake/main -type f | sort >after &&
	test_cmp before after && lk-gc -n --grace 0s -l lake 2>&1 | grep -c "main.t" | grep -qx 0
'

test_expect_success 'the summary counts rows and deletes' '
	printf "*10 id=#|v=10|s=x\n" | rows | lk-commit -q -l lake &&
	[ "$(summary lake main.t added-records added-position-deletes added-data-files deleted-data-files operation)" = "4 10 2 1 2 overwrite" ] &&
	[ "$(summary lake main.t total-records total-position-deletes total-data-files)" = "4 14 4 2" ]
'

test_expect_success 'a base file of which all rows go is removed, and a file of mostly dead rows is written anew' '
	printf "*10 id=#|v=1|s=x\n" | rows >ten.lk && lk-commit -q -l whole <ten.lk && printf "*10 id=#|v=2|s=y\n" | rows | lk-commit -q -l whole &&
	[ "$(summary whole main.t added-records deleted-data-files added-position-deletes)" = "2 10 1 0" ] &&
	printf "*10 id=#|v=2|s=y\nid=77|v=1|s=z\n" | rows | lk-commit -q -l whole &&
	[ "$(summary whole main.t added-records added-position-deletes)" = "3 1 0" ] && [ "$(ask whole "select count(*) from t")" = 11 ] &&
	lk-fsck -q -l whole
'

test_expect_success 'any order of the same streams is the same table' '
	printf "%s\n" "id=1|v=1|s=a" "id=2|v=4|op=D" "id=3|v=2|s=c" | rows >a.lk && printf "%s\n" "id=1|v=3|s=b" "id=2|v=3|s=x" "id=3|v=3|s=c" | rows >b.lk &&
	printf "%s\n" "id=1|v=2|op=D" "id=2|v=5|s=y" "id=4|v=1|s=d" | rows >c.lk && printf "%s\n" 1,3,b 2,5,y 3,3,c 4,1,d >expect &&
	for o in "a b c" "a c b" "b a c" "b c a" "c a b" "c b a"; do
		rm -rf any && for f in $o; do lk-commit -q -l any <$f.lk || return; done &&
		ask any "from t order by id" >actual && test_cmp expect actual || return
	done && rm -rf stage any && for f in c a b; do lk-commit -q -l any --stage stage <$f.lk || return; done && lk-commit -q -l any --staged stage &&
	ask any "from t order by id" >actual && test_cmp expect actual && [ "$(summary any main.t)" = 1 ] && [ "$(ls stage)" = "" ]
'

test_expect_success 'two staged runs of one table with other keys are an error that says so' '
	rm -rf stage && lk-commit -q -l keys --stage stage <a.lk &&
	printf "%s\n" "%lk.load upsert" "%lk.key [\"id\"]" "@t id:int64! v:int64 s:utf8" "id=9|v=1" | make-stream | lk-commit -q -l keys --stage stage &&
	expect_error 65 "table main.t: its rows come with two different keys, orders, scopes or ways to load" lk-commit -l keys --staged stage &&
	[ "$(ls stage | wc -l)" = 2 ] && [ "$(ask keys "select count(*) from t")" = 0 ] &&
	printf "%s\n" "%lk.load upsert" "%lk.key [\"s\"]" "@t id:int64! v:int64 s:utf8" "id=9|v=1|s=q" | make-stream >other.lk &&
	expect_error 65 "table main.t: its lk.key is another one" lk-commit -l lake <other.lk
'

test_expect_success 'what cannot be: no value in the key, an op that is none, rows in the place of others' '
	printf "%s\n" "%lk.load upsert" "%lk.key [\"s\"]" "@n id:int64! s:utf8" "id=1|s=a" "id=2" | make-stream >null.lk &&
	expect_error 65 "table n, column s: a row has no value, and the column is of the key" lk-commit -l lake <null.lk &&
	echo "id=1|v=1|op=X" | rows >bad.lk && expect_error 65 "column op of a row is none of I, U, D and B" lk-commit -l lake <bad.lk &&
	expect_error 65 "overwrite replaces rows as they stand" lk-commit -l lake --overwrite "id = 1" <one.lk &&
	expect_error 65 "replace-partitions replaces rows as they stand" lk-commit -l lake --replace-partitions <one.lk
'

test_expect_success 'a stream that says nothing of how it is loaded is loaded as the table says' '
	printf "%s\n" "@t id:int64! v:int64 s:utf8" "id=1|v=99|s=quiet" "id=1|v=98|s=not" | make-stream | lk-commit -q -l lake &&
	[ "$(ask lake "select s from t where id = 1")" = quiet ]
'

test_expect_success 'a branch of its own' '
	lk-branch -q -l lake trial && echo "id=1|v=100|s=trial" | rows | lk-commit -q -l lake --branch trial &&
	echo "id=2|v=100|op=D" | rows | lk-commit -q -l lake --branch trial && [ "$(ask lake "select s from t where id = 1")" = quiet ] &&
	[ "$(ask lake "select count(*) from t where id = 2")" = 1 ] && echo "id=2|v=50|s=late" | rows | lk-commit -l lake --branch trial --json >said &&
	[ "$(says said main.t)" = "late=1" ] && echo "id=2|v=50|s=now" | rows | lk-commit -q -l lake && [ "$(ask lake "select s from t where id = 2")" = now ]
'

# Several at once, on the same keys: of each key the newest row is there, in whatever order they came.
test_expect_success 'many lk-commit at once on the same keys' '
	python3 - <<-\EOF_ &&
	import random
	random.seed(7)
	state = {}
	for w in range(12):
	    with open(f"w{w}.txt", "w") as f:
	        for i in range(40):
	            k, v, d = random.randrange(30), random.randrange(1000) * 12 + w, random.random() < 0.2
	            f.write(f"id={k}|v={v}|" + ("op=D\n" if d else f"s=r{v}\n"))
	            state[k] = max(state.get(k, (-1,)), (v, d))
	with open("expect", "w") as f:
	    for k in sorted(state):
	        if not state[k][1]:
	            f.write(f"{k},{state[k][0]},r{state[k][0]}\n")
	EOF_
	echo "id=1000|v=1|op=D" | rows | lk-commit -q -l many && for w in 0 1 2 3 4 5 6 7 8 9 10 11; do rows <w$w.txt >w$w.lk || return; done &&
	pids= && for w in 0 1 2 3 4 5 6 7 8 9 10 11; do lk-commit -q -l many <w$w.lk & pids="$pids $!"; done &&
	for p in $pids; do wait $p || return; done && ask many "from t order by id" >actual && test_cmp expect actual && lk-fsck -q -l many
'

# ---- the main job ----

package() { # LK [FIELDS]: deliveries are called SENDER_SENT.csv
	printf '{"name": "p", "lk": {"delivery": "(?<sender>[A-Z]+)_(?<sent>[0-9]+)[^/]*$"}, "resources": [{"name": "visits", "path": "*.csv", "lk": {%s},
		"schema": {"primaryKey": ["id"], "fields": [%s]}}]}\n' "$1" "${2-$fields}"
}
fields='{"name": "id", "type": "integer"}, {"name": "ward"}, {"name": "n", "type": "integer"}, {"name": "op"}'
package '"load": "upsert", "op": "op"' >p.json

ingest() { # LAKE ARGUMENT...
	lake=$1 && shift && lk-ingest -s "${sources-p.json}" -l "$lake" --settle 0 "$@"
}

visits() { # LAKE
	ask "$1" "select id, ward, n from visits order by id"
}

mkdir in && printf 'id,ward,n,op\n1,W1,1,\n2,W1,1,\n3,W2,1,\n4,W2,1,\n' >in/A_20260101.csv && printf 'id,ward,n,op\n1,W9,2,U\n2,W1,1,\n3,,,D\n' >in/A_20260103.csv &&
	printf 'id,ward,n,op\n1,W5,9,\n2,W5,9,\n3,W5,9,\n5,W5,9,\n6,,,D\n' >in/B_20260102.csv && printf '%s\n' 1,W9,2 2,W1,1 4,W2,1 5,W5,9 >want

test_expect_success 'lk-ingest: all at once, by several workers' '
	ingest all -j 3 --json in >said && visits all >actual && test_cmp want actual && python3 - <<-\EOF_ &&
	import json
	(t,) = json.load(open("said"))["tables"]
	assert (t["inserted"], t["updated"], t["deleted"], t["unchanged"]) == (4, 0, 0, 0), t
	assert t["late"] + t["repeated"] == 6 and t["rows"] == 4 and t["held"] == 0, t
	EOF_
	[ "$(summary all main.visits)" = 1 ] && ingest all in | grep "3 known already" && visits all >actual && test_cmp want actual && lk-fsck -q -l all
'

test_expect_success 'one after the other, in any order, it is the same table' '
	for o in "A_20260101 A_20260103 B_20260102" "B_20260102 A_20260101 A_20260103" "A_20260103 B_20260102 A_20260101" "B_20260102 A_20260103 A_20260101"; do
		rm -rf any && for f in $o; do ingest any -q in/$f.csv || return; done && visits any >actual && test_cmp want actual || { echo "$o" && return 1; }
	done && ingest any in/A_20260101.csv | grep "1 known already"
'

test_expect_success 'what became of rows is said' '
	rm -rf any && ingest any -q in/A_20260101.csv && ingest any in/A_20260103.csv >said && grep "1 updated, 1 deleted, 1 unchanged" said
'

test_expect_success 'killed at any moment and repeated, it ends the same' '
	start=$(date +%s%N) && rm -rf killed && ingest killed -q -j 2 in && took=$((($(date +%s%N) - start) / 1000)) && visits killed >actual && test_cmp want actual &&
	for i in 1 2 3 4 5; do
		rm -rf killed && { ingest killed -q -j 2 in >/dev/null 2>&1 & pid=$!; } && sleep "$(printf "%d.%06d" $((took * i / 6 / 1000000)) $((took * i / 6 % 1000000)))"
		kill -9 $pid 2>/dev/null; wait $pid; ingest killed -q -j 2 in && visits killed >actual && test_cmp want actual && lk-fsck -q -l killed || return
	done
'

test_expect_success '--again: a corrected package; rows that are not there any more go, and what others said stays' '
	package "\"load\": \"upsert\"" >wrong.json && rm -rf again && sources=wrong.json ingest again -q in && [ "$(ask again "select count(*) from visits")" = 6 ] &&
	ingest again -q --again in && visits again >actual && test_cmp want actual && ingest again -q --again in && visits again >actual && test_cmp want actual &&
	mkdir less && printf "id,ward,n,op\n1,W1,1,\n7,W1,1,\n" >less/A_20260101.csv && ingest again -q less && [ "$(ask again "select ward from visits where id = 7")" = W1 ] &&
	package "\"load\": \"upsert\", \"op\": \"op\"" "{\"name\": \"id\", \"type\": \"integer\", \"constraints\": {\"maximum\": 6}}, {\"name\": \"ward\"}, {\"name\": \"n\", \"type\": \"integer\"}, {\"name\": \"op\"}" >six.json &&
	{ sources=six.json ingest again -q --again less || [ $? = 1 ]; } && visits again >actual && test_cmp want actual && lk-fsck -q -l again
'

test_expect_success 'lk-revert takes no delivery of such a table back, and says what does' '
	for f in in/A_20260101 in/A_20260103 in/B_20260102; do
		sum=$(sha256sum $f.csv) && expect_error 65 "lk-reset puts tables back" lk-revert -l again --delivery "${sum%% *}" || return
	done &&
	visits again >actual && test_cmp want actual
'

# ---- full lists ----

package '"load": "full", "scope": ["ward"]' >full.json

test_expect_success 'a full list: what is absent goes, within the wards that it has rows of' '
	mkdir lists && printf "id,ward,n,op\n1,W1,1,\n2,W1,1,\n3,W1,1,\n4,W2,1,\n5,W2,1,\n" >lists/A_20260101.csv && printf "id,ward,n,op\n1,W1,1,\n3,W1,7,\n6,W1,1,\n" >lists/A_20260102.csv &&
	sources=full.json ingest full -q lists/A_20260101.csv && sources=full.json ingest full --json lists/A_20260102.csv >said &&
	[ "$(says said main.visits)" = "rows=2 inserted=1 updated=1 deleted=1 unchanged=1" ] &&
	printf "%s\n" 1,W1,1 3,W1,7 4,W2,1 5,W2,1 6,W1,1 >lists.want && visits full >actual && test_cmp lists.want actual &&
	rm -rf full && sources=full.json ingest full -q lists/A_20260102.csv && sources=full.json ingest full -q lists/A_20260101.csv && visits full >actual && test_cmp lists.want actual &&
	rm -rf full && sources=full.json ingest full -q -j 2 lists && visits full >actual && test_cmp lists.want actual
'

test_expect_success 'a list of which a record was rejected deletes nothing, nor one of which a member failed' '
	rm -rf full && sources=full.json ingest full -q lists/A_20260101.csv && mkdir bad && printf "id,ward,n,op\n1,W1,1,\nx,W1,1,\n" >bad/A_20260105.csv &&
	{ sources=full.json ingest full --json bad >said || [ $? = 1 ]; } && [ "$(says said main.visits)" = "unchanged=1" ] && [ "$(ask full "select count(*) from visits")" = 5 ] &&
	python3 - <<-\EOF_ &&
	import zipfile
	with zipfile.ZipFile("bad/A_20260106.zip", "w") as z:
	    z.writestr("a.csv", "id,ward,n,op\n1,W1,1,\n")
	    z.writestr("b.csv", "id,ward,n,op\n2,W1,1,\n")
	data = bytearray(open("bad/A_20260106.zip", "rb").read())
	data[data.index(b"2,W1,1")] = ord("3")
	open("bad/A_20260106.zip", "wb").write(data)
	EOF_
	{ sources=full.json ingest full --json bad/A_20260106.zip >said || [ $? = 1 ]; } && [ "$(ask full "select count(*) from visits")" = 5 ]
'

test_expect_success 'more than the limit allows is held, and the exit status says so' '
	package "\"load\": \"full\", \"scope\": [\"ward\"], \"maxVanish\": \"1\"" >limit.json && rm -rf full && sources=full.json ingest full -q lists/A_20260101.csv &&
	printf "id,ward,n,op\n1,W1,8,\n" >lists/A_20260109.csv && { sources=limit.json ingest full --json lists/A_20260109.csv >said 2>err; [ $? = 1 ]; } &&
	grep "2 rows are held that full lists do not have" err && [ "$(says said main.visits)" = "rows=1 updated=1 held=2" ] &&
	[ "$(ask full "select count(*) from visits")" = 5 ]
'

# ---- streams of changes ----

change() { # LAKE LOAD FILE <rows: a change stream of t, against the lake as it is; FILE in the place of the table's first file
	python3 - "$@" >.change <<-\EOF_ &&
	import json, sqlite3, sys
	at, = sqlite3.connect(sys.argv[1] + "/catalog.db").execute("select metadata_location from iceberg_tables where table_name = 't'").fetchone()
	m = json.load(open(at[7:]))
	print("%lk.change", json.dumps({"uuid": m["table-uuid"], "branch": "main", "base": str(m["current-snapshot-id"]), "facts": None, "keyIds": [1],
	    "load": sys.argv[2], "scope": [], "files": [sys.argv[3]], "columns": ["s"]}))
	EOF_
	{ printf '%s\n' '%lk.load upsert' '%lk.key ["id"]' '%lk.order v' && cat .change && echo '@t lk_op:utf8! lk_old_file:int32 lk_old_pos:int64 id:int64! v:int64 s:utf8' && cat; } | make-stream
}

file() { # LAKE: the uri of the only data file of t
	echo "file://$(find "$1/main/t/data" -name '*.parquet' ! -name '*deletes*')" | sed "s|file://$1|file://$PWD/$1|"
}

printf '*4 id=#|v=1|s=x\n' | rows >four.lk

test_expect_success 'a change stream is applied as it stands, once; by its keys where it is not the table any more' '
	lk-commit -q -l c <four.lk && printf "%s\n" "id=0|v=2|s=new" "id=1|v=2|op=D" "id=2|v=1|s=x" "id=9|v=1|s=nine" | rows >u.lk && lk-upsert -q -l c <u.lk >c.lk &&
	lk-commit -l c --json <c.lk >said && [ "$(says said main.t)" = "rows=2 inserted=1 updated=1 deleted=1" ] &&
	ask c "from t order by id" >actual && printf "%s\n" 0,2,new 2,1,x 3,1,x 9,1,nine >expect && test_cmp expect actual && [ "$(summary c main.t added-position-deletes)" = "2 2" ] &&
	lk-commit -l c --json <c.lk >said && [ "$(says said main.t)" = "unchanged=2" ] && ask c "from t order by id" >actual && test_cmp expect actual &&
	printf "%s\n" "id=0|v=3|s=newest" "id=1|v=3|s=back" "id=3|v=5|s=y" | rows >o.lk && printf "%s\n" "id=0|v=4|s=A" "id=1|v=2|op=D" "id=3|v=4|s=late" "id=8|v=1|s=i" | rows >u.lk &&
	lk-upsert -q -l c <u.lk >c.lk && lk-commit -q -l c <o.lk && lk-commit -l c --json <c.lk >said && [ "$(says said main.t)" = "rows=2 inserted=1 updated=1 late=1" ] &&
	ask c "from t order by id" >actual && printf "%s\n" 0,4,A 1,3,back 2,1,x 3,5,y 8,1,i 9,1,nine >expect && test_cmp expect actual && lk-fsck -q -l c
'

test_expect_success 'another one deletes what a change stream inserts: that is seen, though no row of the table changed' '
	echo "id=50|v=1|s=early" | rows >u.lk && lk-upsert -q -l c <u.lk >c.lk && echo "id=50|v=9|op=D" | rows | lk-commit -q -l c &&
	lk-commit -l c --json <c.lk >said && [ "$(says said main.t)" = "late=1" ] && [ "$(ask c "select count(*) from t where id = 50")" = 0 ]
'

test_expect_success 'positions that are not there, that are gone, twice, and files that are none' '
	rm -rf e && lk-commit -q -l e <four.lk && f=$(file e) && ask e "from t order by id" >expect &&
	echo "lk_op=U|lk_old_file=0|lk_old_pos=4|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "has no row at position 4" lk-commit -l e <x.lk &&
	echo "lk_op=U|lk_old_file=0|lk_old_pos=-1|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "has no row at position -1" lk-commit -l e <x.lk &&
	echo "lk_op=U|lk_old_file=1|lk_old_pos=0|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "replaces one of file 1, and the stream names 1" lk-commit -l e <x.lk &&
	echo "lk_op=U|lk_old_file=0|lk_old_pos=0|id=1|v=2|s=q" | change e upsert "$f.gone" >x.lk && expect_error 65 "is no file of the table" lk-commit -l e <x.lk &&
	printf "%s\n" "lk_op=U|lk_old_file=0|lk_old_pos=0|id=1|v=2|s=q" "lk_op=D|lk_old_file=0|lk_old_pos=0|id=1|v=2" | change e upsert "$f" >x.lk &&
		expect_error 65 "is meant twice" lk-commit -l e <x.lk &&
	echo "lk_op=U|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "does not say which row it replaces" lk-commit -l e <x.lk &&
	echo "lk_op=I|lk_old_file=0|lk_old_pos=0|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "is an insert (I), and says which row" lk-commit -l e <x.lk &&
	echo "lk_op=Z|id=1|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 65 "is none of I, U, D and B" lk-commit -l e <x.lk &&
	echo "lk_op=I|id=7|v=2|s=q" | change e upsert "$f" >x.lk && expect_error 64 "is committed at once, not staged" lk-commit -l e --stage st <x.lk &&
	ask e "from t order by id" >actual && test_cmp expect actual && [ "$(find e/main -name "*.parquet" | wc -l)" = 1 ] &&
	echo "lk_op=D|lk_old_file=0|lk_old_pos=1|id=1|v=2" | change e upsert "$f" | lk-commit -q -l e && [ "$(ask e "select count(*) from t")" = 3 ] &&
	echo "lk_op=D|lk_old_file=0|lk_old_pos=1|id=1|v=2" | change e upsert "$f" >x.lk && expect_error 65 "at position 1, which is deleted already" lk-commit -l e <x.lk
'

test_expect_success 'a list, and rows that set some columns only, are not resolved again: 75' '
	for how in full patch; do
		echo "lk_op=U|lk_old_file=0|lk_old_pos=0|id=0|v=2|s=q" | change e $how "$f" >$how.lk || return
	done && echo "id=77|v=1|s=z" | rows | lk-commit -q -l e && ask e "from t order by id" >expect &&
	expect_error 75 "run lk-upsert again" lk-commit -l e <full.lk && expect_error 75 "rows that set some columns only" lk-commit -l e <patch.lk &&
	ask e "from t order by id" >actual && test_cmp expect actual && find e/main e/lk -name "*.parquet" | sort >files && ! lk-commit -q -l e <full.lk 2>err &&
	find e/main e/lk -name "*.parquet" | sort >after && test_cmp files after && lk-commit -q -l other <four.lk && expect_error 65 "it was made anew, or it is another lake" lk-commit -l other <patch.lk
'

test_expect_success 'a change stream whose deliveries are loaded is loaded already, whatever became of the table' '
	lk-parse -s full.json lists/A_20260101.csv | lk-upsert -q -l once >c.lk && lk-commit -q -l once <c.lk && lk-commit -l once <c.lk >said && grep "^already loaded$" said
'

test_expect_success 'a table that was made with a key, and of which nothing else says it' '
	lk-table -q -l made create t "id bigint not null, v string" --key id --set lk.load=upsert &&
	lk-query -F arrow "select 1::bigint as id, '\''a'\'' as v" | lk-commit -q -l made --plain --as t &&
	lk-query -F arrow "select 1::bigint as id, '\''b'\'' as v" | lk-commit -q -l made --plain --as t &&
	lk-query -l made "from t" >actual && printf "id,v\n1,b\n" >expect && test_cmp expect actual
'

test_done
