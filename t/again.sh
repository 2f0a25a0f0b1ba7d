#!/bin/sh
# --again: a delivery is loaded anew, in place of what is there of it, in one commit; and a lake that was killed in between.
. "$(dirname "$0")/test-lib.sh"

field() { printf '{"name": "%s", "type": "%s"%s}' "$1" "$2" "${3:+, $3}"; } # NAME TYPE [MORE]

ask() { # LAKE SQL
	lk-query -l "$1" -F csv "$2" | tail -n +2
}

ledger() { # LAKE COLUMNS
	sqlite3 "$1/catalog.db" "select $2 from lk_ledger where branch = 'main' order by delivery"
}

state() { # LAKE
	lk-query -l "$1" -F csv 'from people order by all; select delivery, record, raw from quarantine.rejects order by all;
		select delivery, sender, member, "table", rows, rejected, status, package_sha256 from lk.files order by all;
		select delivery, sender, member, record, reason from lk.rejects order by all'
	ledger "$1" "delivery, sender, sha256, state, rows, rejected, package_sha256"
	sqlite3 "$1/catalog.db" "select * from lk_ledger_failed order by 1, 2, 3, 4"
}

snapshots() { # LAKE TABLE
	python3 - "$@" <<-\EOF_
	import json, sqlite3, sys
	namespace, name = sys.argv[2].split(".")
	(at,), = sqlite3.connect(sys.argv[1] + "/catalog.db").execute(
	    "select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?", (namespace, name))
	m = json.load(open(at[len("file://"):]))
	print(len(m["snapshots"]), m["snapshots"][-1]["summary"]["operation"])
	EOF_
}

ingest() { # SOURCES LAKE ARGUMENT...
	sources=$1 lake=$2 && shift 2 && { lk-ingest -q --settle 0 -s "$sources" -l "$lake" "$@" || [ $? = 1 ]; }
}

package() { # DATE-FORMAT
	echo "{\"name\": \"clinic\", \"lk\": {\"delivery\": \"(?<sender>[A-Z]+)-.*\"}, \"resources\": [{\"name\": \"people\", \"path\": \"*.csv\",
	\"schema\": {\"fields\": [$(field id integer), $(field born date "\"format\": \"$1\"")]}}]}"
}
package %m/%d/%Y >wrong.json && package %d/%m/%Y >right.json
mkdir in && for i in 1 2 3 4; do printf 'id,born\n%d1,0%d/02/2001\n%d2,13/02/2001\n%d3,02/13/2001\n' $i $i $i $i >in/FAC-$i.csv; done

test_expect_success 'a corrected package: old rows out and new ones in, one snapshot a table' '
	ingest right.json want in && state want >expect && ingest wrong.json lake in && ! state lake | cmp -s - expect &&
	ingest right.json lake --again in && state lake >actual && test_cmp expect actual &&
	for t in main.people lk.files lk.rejects quarantine.rejects; do [ "$(snapshots lake $t)" = "2 overwrite" ] || return; done &&
	[ "$(ledger lake generation | sort -u)" = 2 ] && [ "$(find lake/quarantine -type f ! -perm 600)" = "" ]
'

test_expect_success 'twice is once more' '
	ingest right.json lake --again in && state lake >actual && test_cmp expect actual && [ "$(ledger lake generation | sort -u)" = 3 ]
'

test_expect_success 'one delivery of many that share files' '
	ingest wrong.json some in && lk-ingest -q --settle 0 -s right.json -l some --again in/FAC-2.csv; [ $? = 1 ] &&
	ask some "select id, born from people order by id" >actual &&
	printf "%s\n" 11,2001-01-02 13,2001-02-13 21,2001-02-02 22,2001-02-13 31,2001-03-02 33,2001-02-13 41,2001-04-02 43,2001-02-13 >expect2 && test_cmp expect2 actual &&
	[ "$(ask some "select string_agg(delivery || record, '\'' '\'' order by delivery) from lk.rejects" | sed "s|$PWD/||g; s|in/FAC-||g; s|.csv||g")" = "12 23 32 42" ] &&
	[ "$(ledger some generation | tr "\n" " ")" = "1 2 1 1 " ]
'

test_expect_success 'step by step, and by stages' '
	ingest wrong.json steps in && lk-unpack -q -l steps --again -s right.json in/*.csv | { lk-parse -q -s right.json; :; } >new.lk &&
	expect_status 0 lk-commit -q -l steps <new.lk && ! state steps | cmp -s - expect && lk-commit -q --again -l steps <new.lk && sed "s|$PWD/||" expect >e && state steps | sed "s|$PWD/||" >a && test_cmp e a &&
	ingest wrong.json stages in && ingest right.json stages --again --stage stage in && ! state stages | cmp -s - expect &&
	lk-commit -l stages --staged stage >said && grep "^main.people: 8 rows, .* 8 rows removed" said && state stages >actual && test_cmp expect actual &&
	[ "$(snapshots stages main.people)" = "2 overwrite" ]
'

test_expect_success 'a delivery that is not loaded yet is loaded' '
	ingest right.json fresh --again in && state fresh >actual && test_cmp expect actual && [ "$(ledger fresh generation | sort -u)" = 1 ]
'

test_expect_success 'rows go from a table that the new package does not fill any more' '
	sed "s/\"people\"/\"late\"/" wrong.json >other.json && ingest other.json moved in && ingest right.json moved --again in &&
	[ "$(ask moved "select count(*) from late")" = 0 ] && ask moved "from people order by all" >actual && ask want "from people order by all" >expect4 &&
	test_cmp expect4 actual
'

test_expect_success 'what cannot be loaded now stays as it was' '
	sed "s/\*.csv/*.txt/" right.json >none.json && state moved >before &&
	expect_status 1 lk-ingest -q --settle 0 -s none.json -l moved --again in/FAC-1.csv 2>said; state moved | diff before - &&
	lk-unpack -q -l moved --again -s none.json in/FAC-1.csv | lk-parse -q -s none.json >none.lk; expect_error 65 "could be loaded anew" lk-commit -l moved --again <none.lk && state moved | diff before -
'

test_expect_success 'another sender'\''s delivery is not taken for this one'\''s' '
	sed "s/(?<sender>\[A-Z\]+)/(?<sender>F)AC/" right.json >sender.json && state lake >before &&
	expect_status 1 lk-ingest --settle 0 -s sender.json -l lake --again in/FAC-1.csv >said 2>&1; cat said; grep "another sender" said && state lake | diff before - &&
	lk-unpack -l lake --again -s sender.json in/FAC-1.csv 2>said | lk-cat --count; grep "was loaded from another sender, and is left out" said
'

test_expect_success 'replayed rejects are rejects and rows of the delivery like all others' '
	ingest wrong.json replayed in && lk-query -l replayed -F arrow "select * replace (replace(raw, '\''13/02'\'', '\''02/13'\'') as raw) from quarantine.rejects" |
		lk-parse -q -s wrong.json --replay | lk-commit -q -l replayed && [ "$(ask replayed "select count(*) from people")" = 12 ] &&
	ingest right.json replayed --again in && state replayed >actual && test_cmp expect actual
'

test_expect_success 'on a branch, looked at there, and published' '
	ingest wrong.json audit in && state audit >before && lk-branch -q -l audit try && ingest right.json audit --branch try --again in && state audit | diff before - &&
	lk-query -l audit --at try -F csv "from people order by all" | tail -n +2 >actual && ask want "from people order by all" >expect5 && test_cmp expect5 actual &&
	ingest right.json audit --branch try --again in && lk-branch -q -l audit --publish try && state audit >actual && test_cmp expect actual && [ "$(ledger audit generation | sort -u)" = 3 ]
'

test_expect_success 'options that do not go together' '
	expect_error 64 "without a lake" lk-unpack --again in/FAC-1.csv &&
	expect_error 64 "--again takes deliveries" lk-commit -l lake --again --once x <new.lk &&
	expect_error 64 "--staged goes with" lk-commit -l lake --again --staged stage &&
	expect_error 64 "those of --retry too" lk-ingest -l lake -s right.json --again --retry in
'

# ---- at the same time, and in between ----

test_expect_success 'others may load meanwhile, and load anew' '
	mkdir more && printf "id,born\n91,05/02/2001\n" >more/FAC-9.csv &&
	for i in 1 2 3; do
		rm -rf both && ingest wrong.json both in && { ingest right.json both --again in & one=$!; } && { ingest right.json both more & other=$!; } &&
		{ ingest right.json both --again in & third=$!; } && wait $one && wait $other && wait $third && [ "$(ask both "select count(*) from people where id = 91")" = 1 ] &&
		ask both "select * from people where id <> 91 order by all" >actual && ask want "select * from people order by all" >expect3 && test_cmp expect3 actual &&
		[ "$(ask both "select count(*) from lk.rejects")" = 4 ] && [ "$(ask both "select count(*) from lk.files")" = 5 ] || return
	done
'

test_expect_success 'killed at any moment and repeated, it ends the same' '
	rm -rf killed && ingest wrong.json killed in && state killed >old && start=$(date +%s%N) && ingest right.json killed --again in && took=$((($(date +%s%N) - start) / 1000)) &&
	rm -rf killed && ingest wrong.json killed in && for i in 1 2 3 4 5 6 7 8; do
		lk-ingest -q --settle 0 -s right.json -l killed --again in >/dev/null 2>&1 & pid=$!
		sleep "$(printf "%d.%06d" $((took * i / 8 / 1000000)) $((took * i / 8 % 1000000)))"
		kill -9 $pid 2>/dev/null; wait $pid
		wait_until 20 sh -c "sqlite3 killed/catalog.db '\''begin immediate; rollback'\'' 2>/dev/null" && state killed >actual && { cmp actual expect || test_cmp old actual; } || return
	done; ingest right.json killed --again in && state killed >actual && test_cmp expect actual
'

test_done
