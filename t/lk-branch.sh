#!/bin/sh
# lk-branch: branches and tags of a lake; write, audit, publish.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}},
	 {"name": "visits", "path": "v*.csv", "schema": {"fields": [{"name": "id", "type": "integer"}]}}]}
END
mkdir landing
for i in 1 2 3 4; do printf 'id,name\n%d,a\n%d,b\n' ${i}1 ${i}2 >landing/p$i.csv; done
printf 'id\n1\n2\n3\n' >landing/v1.csv

ingest() { lk-ingest -q -l lake -s people.json --settle 0 "$@"; }
# Ids of people on main, and on a branch.
ids() { lk-query -l lake -F csv "select id from people order by 1" | sed 1d | tr '\n' ' '; }
ids_at() { lk-log -l lake --branch "$1" -t people --json --max-count 1 | grep -o '"rows":[0-9]*' | cut -d: -f2; }
refs() { lk-branch -l lake | sed 1d | cut -d, -f1-6; }
# What the catalog's tables of the ledger say, times aside.
ledger() {
	python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/catalog.db")
for row in db.execute("SELECT branch, sender, sha256, state, members, rows, rejected FROM lk_ledger ORDER BY 1, 2, 3"):
	print(*row)
for row in db.execute("SELECT branch, member, rows FROM lk_ledger_failed ORDER BY 1, 2"):
	print(*row)
print(db.execute("SELECT count(*) FROM lk_branch").fetchone()[0])' "${1:-lake}"
}

test_expect_success 'a branch begins where main is' '
	ingest landing/p1.csv && lk-branch -l lake audit 2>err && echo "lk-branch: '\''audit'\'' is made in 2 tables" >expect && test_cmp expect err &&
	printf "main,branch,2,0,0,\naudit,branch,2,0,0,\n" >expect && refs >actual && test_cmp expect actual &&
	expect_error 65 "has a branch '\''audit'\'' already" lk-branch -l lake audit
'

test_expect_success 'what is loaded on it is there, and known there alone' '
	ingest --branch audit landing/p1.csv landing/p2.csv landing/v1.csv && [ "$(ids)" = "11 12 " ] && [ "$(ids_at audit)" = 4 ] &&
	printf "main,branch,2,0,0,\naudit,branch,3,3,0,\n" >expect && refs >actual && test_cmp expect actual &&
	lk-ls -l lake visits | grep -q "^main.visits,0,0,0,0," &&
	lk-ingest -l lake -s people.json --branch audit --settle 0 --json landing >actual && [ "$(ids_at audit)" = 8 ] &&
	[ "$(lk-unpack -l lake --branch audit -q landing/p2.csv | lk-cat --count -F csv | grep -c members)" = 0 ] &&
	[ "$(lk-unpack -l lake -q landing/p2.csv | lk-cat --count -F csv | grep -c members)" = 1 ] && lk-log -l lake -t visits >actual &&
	[ "$(wc -l <actual)" = 1 ]
'

test_expect_success 'it is published, and main knows' '
	lk-branch -l lake -n --publish audit >actual 2>err && cat err && grep -q "would be published: 3 tables, 4 deliveries known now" err &&
	sed "s/[0-9]\{10,\}/N/g" actual >short && printf "lk.files: N to N\nmain.people: N to N\nmain.visits: none to N\n" >expect &&
	test_cmp expect short && [ "$(ids)" = "11 12 " ] && lk-branch -l lake --publish audit 2>err &&
	echo "lk-branch: '\''audit'\'' is published: 3 tables, 4 deliveries known now" >expect && test_cmp expect err &&
	[ "$(ids)" = "11 12 21 22 31 32 41 42 " ] && lk-ls -l lake visits | grep -q "^main.visits,3," &&
	ledger >before && ingest landing && [ "$(ids)" = "11 12 21 22 31 32 41 42 " ] && ledger >after && test_cmp before after &&
	! grep -q audit after && printf "main,branch,3,0,0,\n" >expect && refs >actual && test_cmp expect actual &&
	lk-log -l lake -t people --json | grep -c "p2.csv" >actual && echo 1 >expect && test_cmp expect actual
'

test_expect_success 'it equals what a load on main makes' '
	lk-ingest -q -l straight -s people.json --settle 0 landing/p1.csv && lk-ingest -q -l straight -s people.json --settle 0 landing/p1.csv landing/p2.csv landing/v1.csv &&
	lk-ingest -q -l straight -s people.json --settle 0 landing && ledger straight >expect && ledger lake >actual && test_cmp expect actual &&
	for t in people visits lk.files; do
		lk-query -l straight -F csv "select * exclude (lk_run) from $t order by all" >expect 2>/dev/null ||
			lk-query -l straight -F csv "select count(*), count(distinct columns(*)) from $t" >expect
		lk-query -l lake -F csv "select * exclude (lk_run) from $t order by all" >actual 2>/dev/null ||
			lk-query -l lake -F csv "select count(*), count(distinct columns(*)) from $t" >actual
		[ $t = lk.files ] || test_cmp expect actual || return 1
	done
'

test_expect_success 'a branch that is deleted is forgotten, and its deliveries load again' '
	printf "id,name\n91,a\n" >landing/p9.csv && ledger >before && lk-branch -q -l lake trial && ingest --branch trial landing && [ "$(ids_at trial)" = 9 ] &&
	lk-branch -l lake -n -d trial >actual 2>err && grep -q "would be deleted: 3 tables, 1 delivery forgotten" err && [ "$(ids_at trial)" = 9 ] &&
	lk-branch -q -l lake -d trial && ledger >after && test_cmp before after &&
	expect_error 65 "no branch or tag '\''trial'\''" lk-branch -l lake -d trial &&
	lk-branch -q -l lake trial && [ "$(ids_at trial)" = 8 ] && ingest --branch trial landing && [ "$(ids_at trial)" = 9 ]
'

test_expect_success 'where main has moved on, nothing is published' '
	printf "id,name\n95,a\n" >p95.csv && ingest p95.csv && ledger >before &&
	expect_error 75 "main has moved on in table lk.files since the branch '\''trial'\'' began" lk-branch -l lake --publish trial &&
	expect_error 75 "main has moved on" lk-branch -l lake -n --publish trial && ledger >after && test_cmp before after &&
	refs >actual && printf "main,branch,3,0,0,\ntrial,branch,3,0,2,\n" >expect && test_cmp expect actual &&
	ingest landing && [ "$(ids)" = "11 12 21 22 31 32 41 42 91 95 " ] && lk-branch -q -l lake -d trial
'

test_expect_success 'staged runs know their branch' '
	lk-branch -q -l lake staged && printf "id,name\n101,a\n" >p101.csv && printf "id,name\n102,a\n" >p102.csv &&
	ingest --branch staged --stage stage p101.csv && ingest --stage stage p102.csv && [ "$(cat stage/*.json | grep -o "\"branch\":\"[a-z]*\"" | sort | tr "\n" " ")" = "\"branch\":\"main\" \"branch\":\"staged\" " ] &&
	expect_error 64 "goes with -l and --json only" lk-commit -l lake --staged stage --branch staged &&
	lk-commit -q -l lake --staged stage && [ -z "$(ls -A stage)" ] && [ "$(ids | grep -o "10[12]" | tr "\n" " ")" = "102 " ] &&
	[ "$(ids_at staged)" = 11 ] && ingest --branch staged p101.csv && [ "$(ids_at staged)" = 11 ] &&
	ingest --branch staged --stage stage p102.csv && lk-branch -q -l lake -d staged &&
	expect_error 65 "there is no branch '\''staged'\''" lk-commit -l lake --staged stage && rm -r stage
'

test_expect_success 'a branch that stays is published again' '
	lk-branch -q -l lake on && ingest --branch on p101.csv && lk-branch -q -l lake --publish --keep on && ids | grep -q 101 &&
	printf "id,name\n103,a\n" >p103.csv && ingest --branch on p101.csv p103.csv && ! ids | grep -q 103 &&
	lk-branch -l lake --publish on 2>err && grep -q " 1 delivery known now" err && ids | grep -q 103 && ingest p101.csv p103.csv &&
	[ "$(ids)" = "11 12 21 22 31 32 41 42 91 95 101 102 103 " ]
'

test_expect_success 'a branch begins at what was, and knows what was known' '
	t=$(lk-log -l lake -t people --json | sed -n 3p | grep -o "\"time\":\"[^\"]*" | cut -c9-) &&
	lk-branch -q -l lake old $t && [ "$(ids_at old)" = 11 ] && ingest --branch old landing p101.csv p102.csv p103.csv p95.csv &&
	[ "$(ids_at old)" = 13 ] && lk-branch -q -l lake -d old &&
	lk-branch -q -l lake -t people some && printf "main,branch,3,0,0,\nsome,branch,1,0,0,\n" >expect && refs >actual && test_cmp expect actual &&
	lk-branch -q -l lake -d -t people some && [ "$(refs)" = "main,branch,3,0,0," ] && expect_error 65 "no branch" lk-branch -l lake -d some
'

test_expect_success 'main was set back since: it is what the branch is, and knows that' '
	lk-branch -q -l lake --tag here && printf "id,name\n201,a\n" >p201.csv && printf "id,name\n202,a\n" >p202.csv && ingest p201.csv &&
	lk-branch -q -l lake later && lk-branch -q -l lake -t people part && lk-reset -q -l lake here && ! ids | grep -q 201 && ingest --branch later p202.csv &&
	expect_error 75 "was set back since the branch '\''part'\'' began" lk-branch -l lake --publish part && lk-branch -q -l lake -d part &&
	lk-branch -l lake --publish later 2>err && grep -q "2 deliveries known now" err && ingest p201.csv p202.csv &&
	[ "$(ids)" = "11 12 21 22 31 32 41 42 91 95 101 102 103 201 202 " ] && lk-reset -q -l lake here && lk-branch -q -l lake -d here
'

test_expect_success 'tags stay where they are, and refs say how long they are kept' '
	lk-branch -q -l lake --tag --keep-days 30 v1 && lk-branch -q -l lake --keep-snapshots 3 --keep-snapshot-days 7 kept &&
	printf "main,branch,3,0,0,\nkept,branch,3,0,0,\nv1,tag,3,,,30.0\n" >expect && refs >actual && test_cmp expect actual &&
	expect_error 65 "has a tag '\''v1'\'' already" lk-branch -l lake v1 && expect_error 65 "is a tag; branches are published" lk-branch -l lake --publish v1 &&
	expect_error 65 "there is no branch '\''v1'\''" ingest --branch v1 landing &&
	python3 - <<-\END &&
	import json, sqlite3
	[(at,)] = sqlite3.connect("lake/catalog.db").execute("SELECT metadata_location FROM iceberg_tables WHERE table_name = '\''people'\''")
	refs = json.load(open(at[len("file://"):]))["refs"]
	assert refs["v1"]["type"] == "tag" and refs["v1"]["max-ref-age-ms"] == 30 * 86400000, refs
	assert refs["kept"]["type"] == "branch" and refs["kept"]["min-snapshots-to-keep"] == 3, refs
	assert refs["kept"]["max-snapshot-age-ms"] == 7 * 86400000 and "max-ref-age-ms" not in refs["kept"], refs
	assert refs["v1"]["snapshot-id"] == refs["main"]["snapshot-id"]
	END
	ingest --branch kept landing && printf "id,name\n104,a\n" >p104.csv && ingest p104.csv && [ "$(ids_at v1)" = 13 ] &&
	lk-branch -l lake --json -t people | grep "^{\"name\":\"v1\",\"type\":\"tag\",\"tables\":\[{\"table\":\"main.people\",\"snapshot\":[0-9]*,\"time\":\"[^\"]*\"}\],\"ahead\":null,\"diverged\":null,\"keep_days\":30.0}$" &&
	lk-branch -q -l lake -d v1 && lk-branch -q -l lake -d kept
'

test_expect_success 'a branch that another engine made in a table is taken over' '
	cat >other.py <<-\END && python3 other.py && lk-branch -l lake theirs 2>err && cat err && [ "$(refs | grep theirs)" = "theirs,branch,3,0,0," ] &&
	import json, sqlite3
	db = sqlite3.connect("lake/catalog.db")
	[(at,)] = db.execute("SELECT metadata_location FROM iceberg_tables WHERE table_name = '\''people'\''")
	root = json.load(open(at[len("file://"):]))
	root["refs"]["theirs"] = dict(root["refs"]["main"])
	json.dump(root, open(at[len("file://"):], "w"))
	END
	printf "id,name\n105,a\n" >p105.csv && ingest --branch theirs p105.csv && lk-branch -q -l lake --publish theirs && ids | grep -q 105
'

test_expect_success 'a branch that expired takes nothing more until it is ended' '
	lk-branch -q -l lake --keep-days 1 short && printf "id,name\n301,a\n" >p301.csv && ingest --branch short p301.csv &&
	cat >expire.py <<-\END && python3 expire.py && printf "id,name\n302,a\n" >p302.csv &&
	import json, sqlite3
	for at, in sqlite3.connect("lake/catalog.db").execute("SELECT metadata_location FROM iceberg_tables"):
	    root = json.load(open(at[len("file://"):]))
	    root.get("refs", {}).pop("short", None)
	    json.dump(root, open(at[len("file://"):], "w"))
	END
	lk-parse -q -s people.json --as people p302.csv >rows.lk && lk-unpack -q -l lake --branch short p302.csv | lk-parse -q -s people.json >rows.lk &&
	expect_error 65 "the branch '\''short'\'' has expired, with what was loaded on it" lk-commit -l lake --branch short <rows.lk &&
	lk-branch -q -l lake -d short && lk-branch -q -l lake short && ingest --branch short p301.csv p302.csv &&
	[ "$(lk-query -l lake --at short -F csv "select id from people where id > 300 order by 1" | tr "\n" " ")" = "id 301 302 " ] && lk-branch -q -l lake -d short
'

test_expect_success 'replayed rejects leave their branch' '
	printf "id,name\n106,a\nsix,b\n" >p106.csv && lk-branch -q -l lake replay && ingest --max-rejects 9 --branch replay p106.csv &&
	lk-query -q -l lake --at replay -F arrow "select * replace (replace(raw, '\''six'\'', '\''6'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s people.json --replay | lk-commit -q -l lake --branch replay &&
	lk-branch -q -l lake --publish replay && ids | grep -q "^6 " && lk-ls -l lake lk.rejects | grep -q "^lk.rejects,0,"
'

test_expect_success 'kill -9 at any moment: a publish is done or not, and the end is the same' '
	lk-branch -q -l lake killed && printf "id,name\n107,a\n" >p107.csv && ingest --branch killed p107.csv && lk-branch -q -l lake --publish -n killed >/dev/null &&
	[ "$(ids | grep -c 107)" = 0 ] && n=0 &&
	while [ $n -lt 12 ]; do
		n=$((n + 1))
		timeout -s KILL 0.0$((10 + n * 2)) lk-branch -q -l lake --publish killed 2>err; rc=$?
		now=$(ids | grep -c 107) known=$(ledger | grep -c "^killed ") main=$(ledger | grep -c "^main ")
		echo "$n: rc $rc, rows $now, known on branch $known" &&
		case $now in
		0) [ $known -gt 0 ] && [ "$(refs | grep killed)" ] || return 1 ;;
		1) [ $known = 0 ] && ! refs | grep killed || return 1; break ;;
		esac
	done &&
	{ [ "$now" = 1 ] || lk-branch -q -l lake --publish killed; } && ingest p107.csv && [ "$(ids | grep -o 107 | wc -l)" = 1 ]
'

test_expect_success 'a table that lacks a branch gets it only with the rows of when it began' '
	ingest() { lk-ingest -q -l begun -s people.json --settle 0 "$@"; } && count() { lk-query -l begun --at "$1" -F csv "select count(*) from $2" | sed 1d; } &&
	ingest landing/p1.csv && lk-branch -q -l begun --tag first && ingest landing/p2.csv landing/v1.csv &&
	printf "id\n8\n" >v8.csv && printf "id\n9\n" >v9.csv && ingest v8.csv &&
	expect_error 65 "no table had a snapshot at '\''1999-01-01'\''" lk-branch -l begun old 1999-01-01 &&
	expect_error 65 "no branch" ingest --branch old landing/p1.csv &&
	lk-branch -q -l begun late first && expect_error 65 "main.visits has not the branch '\''late'\''" ingest --branch late landing/v1.csv &&
	lk-branch -q -l begun -d late && lk-branch -q -l begun -t people part first &&
	expect_error 65 "lk.files has not the branch" ingest --branch part landing/p2.csv &&
	expect_error 65 "began with other rows of table lk.files" lk-branch -l begun -t lk.files part &&
	lk-branch -q -l begun -t lk.files part first && ingest --branch part landing/p2.csv && [ "$(count part people)" = 4 ] &&
	lk-branch -q -l begun -d part && lk-branch -q -l begun -t people fine && lk-compact -q -l begun -t visits &&
	ingest --branch fine v9.csv && [ "$(count fine visits)" = 5 ] && lk-branch -q -l begun --publish fine && lk-fsck -q -d -l begun &&
	ingest landing/p1.csv landing/p2.csv v8.csv v9.csv landing/v1.csv && [ "$(count main people)" = 4 ] && [ "$(count main visits)" = 5 ]
'

test_expect_success 'names, and misuse' '
	expect_error 64 "it is a time" lk-branch -l lake 2026-01-01 && expect_error 64 "it is a snapshot" lk-branch -l lake 123 &&
	expect_error 64 "is no name" lk-branch -l lake "a b" && expect_error 64 "is there, and stays" lk-branch -l lake -d main &&
	expect_error 64 "is there, and stays" lk-branch -l lake main && expect_error 64 "as a whole" lk-branch -l lake -t people --publish x &&
	expect_error 64 "--keep goes with --publish" lk-branch -l lake --keep x && expect_error 64 "for branches and tags that are made" lk-branch -l lake --tag &&
	expect_error 64 "a tag is one snapshot" lk-branch -l lake --tag --keep-snapshots 2 x && expect_error 64 "a list changes nothing" lk-branch -l lake -n &&
	expect_error 65 "there is no branch '\''none'\''" ingest --branch none landing && expect_error 65 "there is no branch '\''none'\''" lk-unpack -l lake --branch none landing/p1.csv &&
	lk-parse -q -s people.json --as people landing/p1.csv >rows.lk && expect_error 65 "lk-branch makes one" lk-commit -l lake --branch none <rows.lk &&
	expect_error 66 "no lake in" lk-ingest -l fresh -s people.json --branch none --settle 0 landing && [ ! -e fresh ] &&
	expect_error 65 "no branch or tag" lk-branch -l lake x nowhere && expect_error 65 "there is no branch or tag '\''x'\''" lk-branch -l lake --publish x
'

test_done
