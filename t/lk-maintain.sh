#!/bin/sh
# lk-maintain: compaction, expiry and garbage in one go, one run at a time.
. "$(dirname "$0")/test-lib.sh"

rows() { # LAKE TABLE FROM N
	printf '%s\n' "@$2 id:int64! name:utf8" "*$4 id=#|name=n#" | make-stream | lk-commit -q -l "$1"
}

count() { lk-query -l "$1" -F csv "select count(*) from $2" | tail -1; } # LAKE TABLE
old() { mkdir -p "$(dirname "$1")" && echo x >"$1" && touch -d '2 days ago' "$1"; } # FILE
make_lake() { # LAKE
	for i in 1 2 3 4; do rows "$1" people 0 10 || return 1; done
	rows "$1" visits 0 10 && lk-expire -q -l "$1" --keep-last 2 --set && old "$1/main/people/data/killed.parquet"
}

test_expect_success 'all of it, in one line' '
	make_lake lake && lk-maintain -l lake 2>said && cat said &&
	grep -x "lk-maintain: compacted 4 files to 1, expired 0 snapshots, removed 1 files of 2 bytes" said &&
	[ "$(count lake people)" = 40 ] && [ ! -e lake/main/people/data/killed.parquet ] && lk-fsck -q -l lake
'

test_expect_success 'what was written again goes once nobody can be reading it' '
	[ "$(find lake/main/people/data -name "*.parquet" | wc -l)" = 5 ] && rows lake people 0 10 && rows lake people 0 10 &&
	find lake -type f ! -name "catalog*" -exec touch -d "2 days ago" {} + && lk-maintain -l lake --grace 0 2>said &&
	[ "$(count lake people)" = 60 ] && rows lake people 0 1 && rows lake people 0 1 && lk-maintain -q -l lake --grace 0 &&
	rows lake people 0 1 && lk-maintain -q -l lake --grace 0 && [ "$(count lake people)" = 63 ] && lk-fsck -q -l lake &&
	[ "$(find lake/main/people/data -name "*.parquet" | wc -l)" -le 4 ]
'

test_expect_success 'a dry run lists it all, and changes nothing' '
	make_lake dry && find dry -type f | sort >before && sqlite3 dry/catalog.db .dump >dump && lk-maintain -l dry -n >out 2>said &&
	grep "^compact  main.people  4 files of" out && grep "^garbage  main.people  2  .*/killed.parquet$" out &&
	grep "would compact 4 files, expire 0 snapshots and remove 1 files of 2 bytes" said &&
	find dry -type f | sort >after && test_cmp before after && sqlite3 dry/catalog.db .dump | cmp - dump
'

test_expect_success 'as JSON' '
	lk-maintain -q -l dry --json >out && python3 -c "
import json
r = json.load(open(\"out\"))
assert not r[\"dry_run\"] and r[\"gc\"][\"files\"] == 1 and len(r[\"expire\"][\"tables\"]) == 2, r
assert [t[\"files\"] for t in r[\"compact\"][\"tables\"]] == [4, 0], r"
'

test_expect_success 'two runs do not overlap, dry ones apart' '
	expect_error 75 "another lk-maintain is at work on" flock dry/.maintain lk-maintain -l dry &&
	flock dry/.maintain lk-maintain -q -l dry -n && lk-maintain -q -l dry
'

test_expect_success 'what cannot be done is said, and the rest is done' '
	make_lake part && m=$(sqlite3 part/catalog.db "select substr(metadata_location, 8) from iceberg_tables where table_name = \"visits\"") &&
	sed -i "s/\"format-version\":2/\"format-version\":3/" "$m" && old part/main/visits/data/x.parquet &&
	expect_error 1 "no garbage of table main.visits is collected: it is of Iceberg format v3" lk-maintain -l part &&
	[ -f part/main/visits/data/x.parquet ] && [ ! -e part/main/people/data/killed.parquet ] &&
	[ "$(count part people)" = 40 ]
'

test_expect_success 'only the tables named' '
	make_lake some && old some/main/visits/data/x.parquet && lk-maintain -q -l some -t visits &&
	[ ! -e some/main/visits/data/x.parquet ] && [ -f some/main/people/data/killed.parquet ]
'

test_expect_success 'the examples for cron and systemd say what the tool takes' '
	make_lake nightly && for f in "$LK_TOP"/contrib/cron/lk-maintain "$LK_TOP/contrib/systemd/lk-maintain@.service"; do
		line=$(sed -n "s,^[^#].*\(lk-maintain -.*\),\1,p" "$f" | sed "s,%f,nightly,; s,/data/lake,nightly,") && [ -n "$line" ] && $line || return 1
	done && [ "$(count nightly people)" = 40 ]
'

test_expect_success 'misuse' '
	expect_status 64 lk-maintain -l lake x 2>/dev/null && expect_status 66 lk-maintain -l nowhere 2>/dev/null &&
	expect_error 66 "there is no table '\''x'\''" lk-maintain -l lake -t x
'

test_done
