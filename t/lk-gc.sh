#!/bin/sh
# lk-gc: what nothing leads to goes after the grace time, and nothing else does.
. "$(dirname "$0")/test-lib.sh"

# Commits rows to a table of a new or old lake.
rows() { # LAKE TABLE N
	printf '%s\n' "@$2 id:int64! name:utf8" "*$3 id=#|name=n#" | make-stream | lk-commit -q -l "$1"
}

count() { lk-query -l "$1" -F csv "select count(*) from $2" | tail -1; } # LAKE TABLE

old() { mkdir -p "$(dirname "$1")" && echo x >"$1" && touch -d '2 days ago' "$1"; } # FILE
age() { find "$1" -exec touch -d '2 days ago' {} +; } # FOLDER

drop() { sqlite3 "$1/catalog.db" "delete from iceberg_tables where table_name = '$2'"; } # LAKE TABLE

listed() { # LAKE [OPTION...]: paths in the lake, sorted
	gc_lake=$1
	shift
	lk-gc -q -l "$gc_lake" -n "$@" | sed "s|^ *[0-9]*  $(pwd -P)/$gc_lake/||" | sort
}

test_expect_success 'a lake in order has no garbage, however little grace is given' '
	rows lake people 100 && rows lake people 100 && rows lake visits 10 &&
	lk-gc -l lake --grace 0 >out 2>said && [ ! -s out ] &&
	grep -x "lk-gc: removed 0 files of 0 bytes" said &&
	[ "$(count lake people)" = 200 ]
'

test_expect_success 'what is old and not named goes, what is young stays' '
	t=lake/main/people &&
	old $t/data/killed.parquet && old $t/data/day=1/killed.parquet && old $t/metadata/snap-1-1-x.avro &&
	old $t/metadata/00009-x.metadata.json && echo x >$t/data/young.parquet &&
	printf "%s\n" main/people/data/day=1/killed.parquet main/people/data/killed.parquet \
		main/people/metadata/00009-x.metadata.json main/people/metadata/snap-1-1-x.avro >expect &&
	listed lake >actual && test_cmp expect actual &&
	[ -f $t/data/killed.parquet ] &&
	lk-gc -l lake 2>said && grep "removed 4 files of 8 bytes" said &&
	[ ! -e $t/data/killed.parquet ] && [ -f $t/data/young.parquet ] && [ "$(count lake people)" = 200 ] &&
	listed lake --grace 0 >actual && echo main/people/data/young.parquet >expect && test_cmp expect actual &&
	rm $t/data/young.parquet
'

test_expect_success 'what is alive stays, however old it is, and Hadoop checksums with it' '
	cp -R lake aged && age aged &&
	f=$(basename "$(find aged/main/people/data -name "*.parquet" | head -1)") &&
	old aged/main/people/data/.$f.crc && old aged/main/people/data/.gone.parquet.crc &&
	echo 3 >aged/main/people/metadata/version-hint.text && touch -d "2 days ago" aged/main/people/metadata/version-hint.text &&
	sqlite3 aged/catalog.db "update iceberg_tables set metadata_location = replace(metadata_location, \"$(pwd -P)/lake\", \"$(pwd -P)/aged\")" &&
	find lake aged -name "*.parquet" | wc -l >before &&
	listed lake >actual && [ ! -s actual ] &&
	age lake && listed lake >actual && [ ! -s actual ] &&
	find lake aged -name "*.parquet" | wc -l >after && test_cmp before after
'

test_expect_success 'a table whose files lie elsewhere keeps them' '
	lk-gc -q -l aged && [ "$(count aged people)" = 200 ] && [ "$(count lake people)" = 200 ] && rm -rf aged
'

test_expect_success 'a lake that was copied or moved as plain files loses nothing, nor does the other' '
	cp -R lake copied && age copied && find lake copied -type f | sort >before &&
	expect_error 1 "of which this one is a copy" lk-gc -l copied && find lake copied -type f | sort >after && test_cmp before after &&
	mv lake moved && expect_error 1 "cannot open" lk-gc -l copied && expect_error 1 "cannot open" lk-gc -l moved --grace 0 &&
	mv moved lake && find lake copied -type f | sort >after && test_cmp before after && rm -rf copied
'

test_expect_success 'names in any form are the same file' '
	mkdir -p real && rows real/forms people 100 && ln -s "$(pwd -P)/real/forms" forms && age real/forms &&
	m=$(find "$(pwd -P)/forms/" -name "*.metadata.json") &&
	for form in file: file:// ""; do
		sqlite3 real/forms/catalog.db "update iceberg_tables set metadata_location = \"$form$m\"" &&
		lk-gc -q -l forms -n >out && [ ! -s out ] &&
		lk-gc -q -l real/forms -n >out && [ ! -s out ] || return 1
	done &&
	sed -i "s|\"manifest-list\":\"file://|\"manifest-list\":\"file:|" "$m" && touch -d "2 days ago" "$m" &&
	lk-gc -l forms && [ "$(count forms people)" = 100 ]
'

test_expect_success 'a dropped table goes with its folder, once all of it is old' '
	rows lake gone 10 && drop lake gone &&
	listed lake >actual && [ ! -s actual ] &&
	age lake/main/gone && echo mine >lake/main/gone/data/notes.txt && touch -d "2 days ago" lake/main/gone/data/notes.txt &&
	age lake/main/gone/metadata && listed lake >actual && [ "$(grep -c ^main/gone/ actual)" -ge 4 ] && ! grep notes actual &&
	lk-gc -q -l lake && find lake/main/gone -type f >left && echo lake/main/gone/data/notes.txt >expect && test_cmp expect left &&
	rm -r lake/main/gone
'

test_expect_success 'the grace time of a table begins when it is dropped' '
	rows lake just 10 && age lake/main/just && lk-table drop -q -l lake just && [ ! -e lake/main/just/metadata/version-hint.text ] &&
	listed lake >actual && [ ! -s actual ] && age lake/main/just && lk-gc -q -l lake && [ ! -e lake/main/just ]
'

test_expect_success 'files of a table that never was go, and the empty folders' '
	old lake/main/never/data/a.parquet && lk-gc -q -l lake && [ ! -e lake/main/never ]
'

test_expect_success 'views, other catalogs, other lakes and catalogs of files are none of its business' '
	rows lake other 10 && rows lake view 10 &&
	sqlite3 lake/catalog.db "update iceberg_tables set catalog_name = \"theirs\" where table_name = \"other\";
		update iceberg_tables set iceberg_type = \"VIEW\" where table_name = \"view\"" &&
	rows lake/main/inner people 10 && drop lake/main/inner people &&
	old lake/main/files/metadata/v1.metadata.json && old lake/main/files/data/a.parquet &&
	age lake && listed lake >actual && [ ! -s actual ]
'

test_expect_success 'a table without garbage collection is left alone' '
	m=$(sqlite3 lake/catalog.db "select substr(metadata_location, 8) from iceberg_tables where table_name = \"visits\"") &&
	cp "$m" saved && sed -i "s/\"properties\":{/&\"gc.enabled\":\"false\",/" "$m" &&
	old lake/main/visits/data/x.parquet &&
	listed lake >actual && [ ! -s actual ] && cp saved "$m" &&
	listed lake >actual && echo main/visits/data/x.parquet >expect && test_cmp expect actual
'

test_expect_success 'what is not understood is not touched, and the rest is' '
	old lake/main/people/data/x.parquet && sed -i "s/\"format-version\":2/\"format-version\":3/" "$m" &&
	expect_error 1 "table main.visits is left alone: it is of Iceberg format v3" lk-gc -l lake &&
	[ -f lake/main/visits/data/x.parquet ] && [ ! -e lake/main/people/data/x.parquet ] &&
	echo "{" >"$m" && expect_error 1 "is not JSON" lk-gc -l lake && [ -f lake/main/visits/data/x.parquet ] &&
	cp saved "$m" && f=$(find lake/main/visits/data -name "*-*.parquet") && mv "$f" aside &&
	expect_error 1 "is named by it and cannot be found" lk-gc -l lake && [ -f lake/main/visits/data/x.parquet ] &&
	expect_status 1 lk-gc --json -n -l lake >out && python3 -c "
import json
r = json.load(open(\"out\"))
assert r[\"dry_run\"] and r[\"files\"] == 0 and [p[\"table\"] for p in r[\"problems\"]] == [\"main.visits\"], r" &&
	mv aside "$f" && lk-gc -q -l lake && [ ! -e lake/main/visits/data/x.parquet ]
'

test_expect_success 'only the tables named' '
	old lake/main/people/data/x.parquet && old lake/main/visits/data/x.parquet && old lake/main/never/data/x.parquet &&
	echo main/visits/data/x.parquet >expect && listed lake -t visits >actual && test_cmp expect actual &&
	listed lake -t main.visits >actual && test_cmp expect actual &&
	expect_error 66 "there is no table '\''nothing'\''" lk-gc -l lake -t nothing && lk-gc -q -l lake
'

test_expect_success 'staged files are spared where they are named' '
	printf "%s\n" "@people id:int64! name:utf8" "*10 id=#|name=s" | make-stream | lk-commit -q -l lake --stage stage &&
	age lake/main/people && listed lake --staged stage >actual && [ ! -s actual ] &&
	listed lake >actual && [ "$(wc -l <actual)" = 1 ] &&
	lk-gc -q -l lake --staged stage && lk-commit -q -l lake --staged stage && [ "$(count lake people)" = 210 ]
'

test_expect_success 'the folder of a killed ingest goes, that of a running one is spared' '
	old lake/.stage-dead/1/x.json && touch -d "2 days ago" lake/.stage-dead &&
	old lake/main/people/data/running.parquet && mkdir lake/.stage-alive &&
	echo "{\"tables\":[{\"files\":[{\"path\":\"file://$(pwd -P)/lake/main/people/data/running.parquet\"}]}]}" >lake/.stage-alive/x.json &&
	age lake/.stage-alive &&
	flock lake/.stage-alive lk-gc -q -l lake -n >out && grep -c . out >n && echo 1 >expect && test_cmp expect n &&
	grep "/.stage-dead/1/x.json$" out && flock lake/.stage-alive lk-gc -q -l lake && [ ! -e lake/.stage-dead ] &&
	[ -f lake/main/people/data/running.parquet ] && lk-gc -q -l lake && [ ! -e lake/main/people/data/running.parquet ]
'

test_expect_success 'what readers of the grace time may read is alive' '
	rows r people 10 && rows r people 10 && rows r people 10 &&
	lk-gc -q -l r --grace 1h && old_data=$(find r/main/people/data -name "*.parquet" | head -1) &&
	lk-expire -q -l r --keep-last 1 --grace 1h && age r/main/people/data && age r/main/people/metadata &&
	list=$(find r/main/people/metadata -name "snap-*" | head -1) &&
	for list in r/main/people/metadata/snap-*; do touch "$list"; done &&
	listed r --grace 1h >actual && [ ! -s actual ] && age r/main/people/metadata &&
	listed r --grace 1h >actual && [ "$(grep -c /snap- actual)" = 2 ]
'

test_expect_success 'trial lakes that share files spare them; one that is being made stops all' '
	rows p people 10 && cp -R p t && sqlite3 t/catalog.db "update iceberg_tables
		set metadata_location = replace(metadata_location, \"$(pwd -P)/p/\", \"$(pwd -P)/t/\")" && old p/main/people/data/mine.parquet &&
	lk-gc -q -l p -n >out && [ "$(wc -l <out)" = 1 ] &&
	sqlite3 p/catalog.db "create table lk_shallow(path text primary key, made_ms integer not null);
		insert into lk_shallow values (\"$(pwd -P)/t\", 0)" &&
	drop p people && age p &&
	lk-gc -q -l p && [ "$(count t people)" = 10 ] && [ ! -e p/main/people/data/mine.parquet ] &&
	sqlite3 p/catalog.db "update lk_shallow set path = \"$(pwd -P)/soon\", made_ms = $(date +%s)000" &&
	old p/main/people/data/mine.parquet && expect_error 1 "is being made, or was removed less than a day after it was; nothing is removed" lk-gc -l p &&
	[ -f p/main/people/data/mine.parquet ] &&
	ln -s soon soon && sqlite3 p/catalog.db "update lk_shallow set made_ms = 0" && expect_error 1 "cannot be opened" lk-gc -l p &&
	[ -f p/main/people/data/mine.parquet ] && rm soon && lk-gc -q -l p -n &&
	[ "$(sqlite3 p/catalog.db "select count(*) from lk_shallow")" = 1 ] && age p &&
	lk-gc -q -l p && [ "$(sqlite3 p/catalog.db "select count(*) from lk_shallow")" = 0 ] && [ -z "$(find p -name "*.parquet")" ]
'

test_expect_success 'where the catalog was emptied nothing goes, and lk-fsck and lk-copy tell' '
	rows e people 10 && lk-copy -q --shallow e trial && cp e/catalog.db kept && : >e/catalog.db && age e && find e | sort >before &&
	expect_error 65 "catalog.db'\'' is empty: " lk-gc -l e -n && expect_error 65 "is empty: " lk-gc -l e --grace 0 &&
	expect_error 65 "is empty: " lk-maintain -l e && rm -f e/.maintain &&
	expect_error 65 "is empty: " lk-fsck -l e && expect_error 65 "is empty: " lk-copy e copy && [ ! -e copy ] &&
	find e | sort >after && test_cmp before after && cp kept e/catalog.db && [ "$(count e people)" = 10 ] &&
	: >trial/catalog.db && drop e people && sqlite3 e/catalog.db "update lk_shallow set made_ms = 0" && age e &&
	expect_error 1 "has an empty catalog; nothing is removed" lk-gc -l e && [ "$(find e -name "*.parquet" | wc -l)" = 1 ]
'

test_expect_success 'a lake whose catalog is lost is not begun anew over its tables, which lk-gc would remove' '
	rows "l[1]" people 10 && cp "l[1]/catalog.db" kept && rm "l[1]/catalog.db" &&
	printf "%s\n" "@people id:int64! name:utf8" "*1 id=#|name=n#" | make-stream >one.lk &&
	expect_error 73 "has tables, and its catalog.db, which names them, is not there" lk-commit -l "l[1]" <one.lk && [ ! -e "l[1]/catalog.db" ] &&
	: >"l[1]/catalog.db" && expect_error 73 "which names them, is empty" lk-commit -l "l[1]" <one.lk &&
	cp kept "l[1]/catalog.db" && [ "$(count "l[1]" people)" = 10 ] && rm "l[1]/catalog.db" && rows full people 3 && lk-copy -q full "l[1]" &&
	[ "$(count "l[1]" people)" = 3 ]
'

test_expect_success 'misuse' '
	expect_status 64 lk-gc -l lake x 2>/dev/null && expect_status 64 lk-gc -l lake --grace soon 2>/dev/null &&
	expect_status 66 lk-gc -l nowhere 2>/dev/null
'

test_done
