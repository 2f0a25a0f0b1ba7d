#!/bin/sh
# lk-copy: backups that stand alone, restores, moves, increments, parts, trial lakes; and what must not be written over.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<\EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>[A-Z]+)-.*"}, "resources": [{"name": "people", "path": "*.csv",
 "schema": {"fields": [{"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"},
 {"name": "born", "type": "date"}]}}]}
EOF_
load() { # LAKE FILE
	lk-parse -q -s people.json $2 >$2.lk; [ $? -le 1 ] && lk-commit -q -l $1 <$2.lk
}
answers() { # LAKE
	for q in "from people order by id" "select reason, record from lk.rejects order by 2" "select member, rows from lk.files order by 1" \
		"select reason, raw from quarantine.rejects order by 2"; do
		lk-query -l $1 -F csv "$q" || return 1
	done
}
ledger() { sqlite3 $1/catalog.db "select branch, sender, sha256, state, rows, rejected from lk_ledger order by sha256"; }
same() { # LAKE LAKE
	answers $1 >a && answers $2 >b && test_cmp a b && ledger $1 >a && ledger $2 >b && test_cmp a b && [ -s a ]
}
files() { find $1 -type f ! -name version-hint.text | sort; }

test_expect_success 'a lake with several snapshots and position deletes' '
	printf "id,name,born\n1,Al,2001-02-03\n2,Bo,31/02/2001\n3,Cy,2002-02-30\n" >FAC-one.csv && load lake FAC-one.csv &&
	printf "id,name,born\n7,Di,\n" >FAC-two.csv && load lake FAC-two.csv &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''31/02/2001'\'', '\''2001-02-28'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s people.json --replay | lk-commit -q -l lake && lk-fsck -q -d -l lake
'

# ---- the whole ----

test_expect_success 'a dry run says what would be copied, and makes nothing' '
	lk-copy -n lake backup 2>said && grep "^lk-copy: main.people: .* files of .* bytes would be copied, 0 there already$" said &&
	[ ! -e backup ]
'

test_expect_success 'a backup is whole, the same, and leads nowhere else' '
	lk-copy lake backup 2>said && [ "$(grep -c "bytes copied, 0 there already" said)" = 4 ] && lk-fsck -q -d -l backup && same lake backup &&
	mv lake away && same away backup 2>/dev/null; [ -d away ] && answers backup >b && [ -s b ] && lk-fsck -q -d -l backup && mv away lake &&
	python3 - <<-\EOF_
	import os, sqlite3, subprocess, sys
	lake = os.path.abspath("lake").encode()
	for folder, _, names in os.walk("backup"):
	    for name in names:
	        path = os.path.join(folder, name)
	        data = open(path, "rb").read()
	        if name.endswith(".avro"):
	            data = subprocess.run(["python3", os.environ["LK_TOP"] + "/t/helper/lake-damage.py", "--show", path], stdout=subprocess.PIPE, check=True).stdout
	        if name != "catalog.db" and lake + b"/" in data:
	            sys.exit(path)
	EOF_
'

test_expect_success 'what is private stays private' '
	[ "$(stat -c %a lake/quarantine/rejects backup/quarantine/rejects | sort -u | wc -l)" = 1 ] &&
	[ "$(find backup/quarantine -type f ! -perm 600)" = "$(find lake/quarantine -type f ! -perm 600 | sed s/^lake/backup/)" ] &&
	[ "$(find backup/quarantine -name "*.parquet" -perm 600 | wc -l)" -gt 0 ]
'

test_expect_success 'what is there is not copied again' '
	files backup >before && lk-copy lake backup 2>said && [ "$(grep -c ": unchanged$" said)" = 4 ] && files backup >after && test_cmp before after &&
	printf "id,name,born\n8,Ed,\n" >FAC-three.csv && load lake FAC-three.csv &&
	lk-copy --json lake backup 2>/dev/null >said && python3 -c "
import json
t = {t[\"table\"]: t for t in json.load(open(\"said\"))[\"tables\"]}
assert not t[\"main.people\"][\"unchanged\"] and t[\"main.people\"][\"files\"] == 4 and t[\"main.people\"][\"there\"] >= 6, t
assert t[\"lk.rejects\"][\"unchanged\"], t" && lk-fsck -q -d -l backup && same lake backup
'

test_expect_success 'a file that is cut is copied again' '
	lk-copy -q lake torn && f=$(find torn/main/people/data -name "*.parquet" | head -1) && rm torn/catalog.db && truncate -s 10 "$f" &&
	lk-copy -q lake torn && lk-fsck -q -d -l torn
'

test_expect_success 'restored and moved lakes are lakes to write to' '
	lk-copy -q backup restored && same backup restored && lk-fsck -q -d -l restored &&
	printf "id,name,born\n9,Fi,\n" >FAC-four.csv && load restored FAC-four.csv && [ "$(lk-query -l restored -F csv "select count(*) from people" | tail -1)" = 5 ] &&
	lk-fsck -q -d -l restored && load restored FAC-four.csv && [ "$(lk-query -l restored -F csv "select count(*) from people" | tail -1)" = 5 ]
'

test_expect_success 'a lake that was moved as plain files is mended' '
	cp -R lake kept && mv lake moved && expect_status 1 lk-fsck -q -l moved >/dev/null && lk-copy -q moved mended && mv kept lake &&
	lk-fsck -q -d -l mended && same lake mended && ! grep -rq "$PWD/lake/" mended/*/*/metadata/*.json
'

# ---- what must not be lost ----

test_expect_success 'a lake that is no copy is not written over' '
	load other FAC-two.csv && files other >before && expect_error 73 "is no copy of" lk-copy lake other && files other >after && test_cmp before after &&
	lk-copy -q --replace lake other && same lake other && lk-fsck -q -d -l other
'

test_expect_success 'nor is a copy that was written to' '
	lk-copy -q lake grown && load grown FAC-four.csv && answers grown >before && load lake FAC-four.csv &&
	expect_error 73 "main.people that was changed since it was copied" lk-copy lake grown && answers grown >after && test_cmp before after &&
	lk-copy -q --replace lake grown && same lake grown
'

test_expect_success 'lakes do not lie in each other, and names are checked' '
	expect_error 64 "lie in each other" lk-copy lake lake/backup && expect_error 64 "lie in each other" lk-copy lake lake &&
	expect_error 66 "there is no lake" lk-copy nowhere x && expect_error 66 "there is no table '\''nobody'\''" lk-copy -t nobody lake x &&
	expect_error 64 "name two lakes" lk-copy lake
'

test_expect_success 'a copy that fails half way leaves the destination as it was' '
	lk-copy -q lake half && answers half >before && rm -rf broken && cp -R lake broken.tmp && load lake FAC-one.csv &&
	printf "id,name,born\n10,Gi,\n" >FAC-five.csv && load lake FAC-five.csv &&
	f=$(find lake/main/people/data -newer half/catalog.db -name "*.parquet" | head -1) && mv "$f" aside &&
	expect_error 66 "$(basename "$f")" lk-copy lake half && answers half >after && test_cmp before after && lk-fsck -q -d -l half &&
	mv aside "$f" && lk-copy -q lake half && same lake half && lk-fsck -q -d -l half && rm -r broken.tmp
'

test_expect_success 'metadata do not say what is written outside of the copy' '
	mkdir up && lk-copy -q lake up/lake && echo theirs >aside && echo ours >up/aside &&
	f=$(sqlite3 up/lake/catalog.db "select substr(metadata_location, 8) from iceberg_tables where table_name = '\''people'\''") && python3 -c "
import json, sys
m = json.load(open(sys.argv[1]))
m[\"statistics\"] = [{\"snapshot-id\": m[\"current-snapshot-id\"], \"statistics-path\": m[\"location\"][:-len(\"/main/people\")] + \"/main/../../aside\"}]
json.dump(m, open(sys.argv[1], \"w\"))" "$f" && rm aside && expect_error 65 "leads upward" lk-copy up/lake down && [ ! -e aside ] && rm -r up
'

# ---- parts ----

test_expect_success 'one table, into a lake that has others' '
	lk-copy -q -t people lake one && [ "$(lk-query -l one -F csv | tail -n +2 | cut -d, -f1)" = main.people ] && lk-fsck -q -d -l one &&
	[ "$(sqlite3 one/catalog.db "select count(*) from lk_ledger")" = 0 ] &&
	stream-make visits >v.lk && lk-commit -q -l two <v.lk && lk-copy -q -t people lake two && lk-fsck -q -d -l two &&
	[ "$(lk-query -l two -F csv | tail -n +2 | cut -d, -f1 | tr "\n" " ")" = "main.people main.visits " ] &&
	lk-copy -q -t people lake two && expect_error 73 "main.people that is no copy" lk-copy -t people restored other
'

test_expect_success 'one snapshot' '
	id=$(python3 -c "
import glob, json
print(json.load(open(max(glob.glob(\"lake/main/people/metadata/*.json\"))))[\"snapshots\"][0][\"snapshot-id\"])") &&
	lk-copy -q -t people --at "$id" lake then && lk-fsck -q -d -l then && [ "$(lk-query -l then -F csv "select id from people" | tr "\n" " ")" = "id 1 " ] &&
	lk-copy --at 2000-01-01 lake never 2>said && grep "main.people is not copied" said && [ "$(lk-query -l never -F csv | wc -l)" = 1 ]
'

# ---- trial lakes ----

test_expect_success 'a trial lake shares the data files, and goes its own way' '
	lk-copy -q --shallow lake trial && same lake trial && lk-fsck -q -d -l trial && [ -z "$(find trial -name "*.parquet")" ] &&
	answers lake >before && printf "id,name,born\n20,Zo,\n" >FAC-six.csv && load trial FAC-six.csv && [ "$(find trial/main -name "*.parquet" | wc -l)" = 1 ] &&
	lk-query -l trial -F csv "select name from people where id = 20" | grep Zo && answers lake >after && test_cmp before after &&
	[ "$(sqlite3 lake/catalog.db "select path from lk_shallow")" = "$PWD/trial" ] && [ "$(sqlite3 trial/catalog.db "select path from lk_parent")" = "$PWD/lake" ] &&
	expect_error 73 "there is a lake in" lk-copy --shallow lake trial
'

test_expect_success 'neither removes files of the other' '
	files lake >before && touch -d "10 days ago" $(find lake trial -type f) && lk-gc -q -l trial && files lake >after && test_cmp before after &&
	lk-expire -q -l lake --keep-last 1 && lk-gc -q -l lake && lk-fsck -q -d -l lake && lk-fsck -q -d -l trial && answers trial >/dev/null
'

test_expect_success 'a trial lake of a trial lake is known to both, and its copy stands alone' '
	lk-copy -q --shallow trial again && [ "$(sqlite3 lake/catalog.db "select count(*) from lk_shallow")" = 2 ] &&
	[ "$(sqlite3 again/catalog.db "select count(*) from lk_parent")" = 2 ] && lk-fsck -q -d -l again &&
	lk-copy -q again alone && [ "$(sqlite3 alone/catalog.db "select count(*) from sqlite_master where name in (\"lk_parent\", \"lk_shallow\")")" = 0 ] &&
	same again alone && for l in lake trial again; do mv $l $l.away || return 1; done &&
	lk-fsck -q -d -l alone && answers alone >/dev/null && for l in lake trial again; do mv $l.away $l || return 1; done
'

# ---- another engine ----

if python3 -c 'import pyiceberg.catalog.sql, pyarrow' 2>/dev/null; then
	test_expect_success 'PyIceberg reads the copy' '
		python3 -W ignore - >actual <<-\EOF_ && [ "$(cat actual)" = "$(lk-query -l backup -F csv "select count(*) from people" | tail -1)" ]
		import os
		from pyiceberg.catalog.sql import SqlCatalog
		lake = os.path.abspath("backup")
		print(len(SqlCatalog("lk", uri=f"sqlite:///{lake}/catalog.db").load_table("main.people").scan().to_arrow()))
		EOF_
	'
else
	test_skip 'PyIceberg reads the copy' 'PyIceberg is not at hand'
fi

test_done
