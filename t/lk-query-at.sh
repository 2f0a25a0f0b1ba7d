#!/bin/sh
# lk-query --at, and "table@moment": times, snapshots, branches and tags.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -l lake -F csv "$@" "$sql" >actual && test_cmp expect actual
}
ask() { # SQL: one value
	lk-query -l lake -F csv "$1" | tail -n 1
}

test_expect_success 'tables that change' '
	lk-query -F arrow --as t "select 1 as id" >1.lk && lk-commit -q -l lake --once 1 <1.lk &&
	lk-query -F arrow --as t "select 2 as id, '\''x'\'' as name" >2.lk && lk-commit -q -l lake --schema add --once 2 <2.lk &&
	lk-query -F arrow --as u "select 7 as id" >3.lk && lk-commit -q -l lake --once 3 <3.lk &&
	first=$(ask "select min_by(snapshot_id, committed_at) from t\$snapshots") &&
	lk-branch -q -l lake -t t --tag before "$first" && lk-branch -q -l lake -t t audit "$first" &&
	lk-query -F arrow --as t "select 3 as id" >4.lk && lk-commit -q -l lake --branch audit --once 4 <4.lk
'

test_expect_success 'a snapshot, with the columns that it had' '
	printf "id\n1\n" | answers "from t" --at $first &&
	printf "id\n1\n" | answers "from \"t@$first\"" && printf "id\n1\n" | answers "from main.\"t@$first\"" &&
	printf "id,name\n1,\n2,x\n" | answers "from t order by id" &&
	expect_error 65 "no snapshot '\''12345'\''; it has 3 snapshots, from $first of 20" lk-query -l lake --at 12345 "from t"
'

test_expect_success 'a time' '
	at=$(ask "select strftime(max(made_current_at), '\''%Y-%m-%dT%H:%M:%S.%g'\'') from t\$history") &&
	just=$(ask "select strftime(max(made_current_at) - interval 1 millisecond, '\''%Y-%m-%d %H:%M:%S.%g'\'') from t\$history") &&
	printf "n\n2\n" | answers "select count(*) as n from t" --at "$at" && printf "n\n1\n" | answers "select count(*) as n from t" --at "$just" &&
	printf "n\n1\n" | answers "select count(*) as n from \"t@${just}Z\"" &&
	printf "n\n2\n" | answers "select count(*) as n from t" --at 2999-01-01 &&
	expect_error 65 "has nothing as of '\''2001-01-31'\''; what is known of it begins at 20" lk-query -l lake --at 2001-01-31 "from t"
'

test_expect_success 'branches and tags, a branch with the columns of the table' '
	printf "id\n1\n" | answers "from t" --at before && printf "id,name\n1,\n3,\n" | answers "from t order by id" --at audit &&
	printf "id,name\n1,\n2,x\n" | answers "from \"t@main\" order by id" &&
	expect_error 65 "table main.t: has no branch or tag '\''nope'\''; its refs are " lk-query -l lake --at nope "from t"
'

test_expect_success 'moments beside each other' '
	printf "id\n3\n" | answers "select id from \"t@audit\" except select id from t" &&
	printf "a,b,c\n1,2,1\n" | answers "select (select count(*) from \"t@before\") as a, (select count(*) from t) as b,
		(select count(*) from \"t@audit\" where id = 3) as c" &&
	printf "a,b\n1,2\n" | answers "select (select count(*) from t) as a, (select count(*) from \"t@main\") as b" --at before
'

test_expect_success 'a table without that ref ends it' '
	expect_error 65 "table main.u: has no branch or tag '\''before'\''" lk-query -l lake --at before "from t, u" &&
	printf "n\n1\n" | answers "select count(*) as n from \"t@before\", u"
'

test_expect_success 'a snapshot that expired is told' '
	cp -R lake expired && second=$(ask "select max_by(snapshot_id, made_current_at) from t\$history") &&
	python3 - "$first" <<-\EOF_ &&
	import glob, json, sqlite3, sys
	db = sqlite3.connect("expired/catalog.db")
	path = db.execute("select metadata_location from iceberg_tables where table_name = '"'t'"'").fetchone()[0].replace("file://", "")
	path = path.replace("/lake/", "/expired/")
	root = json.load(open(path))
	root["snapshots"] = [s for s in root["snapshots"] if s["snapshot-id"] != int(sys.argv[1])]
	root["refs"] = {"main": root["refs"]["main"]}
	json.dump(root, open(path, "w"))
	db.execute("update iceberg_tables set metadata_location = ? where table_name = '"'t'"'", (path,))
	db.commit()
	EOF_
	expect_error 65 "has lost the snapshot that was current as of" lk-query -l expired --at "$just" "from t" &&
	expect_error 65 "no snapshot '\''$first'\''" lk-query -l expired --at "$first" "from t"
'

test_expect_success 'what cannot be meant' '
	expect_error 64 "not nothing" lk-query -l lake --at "" "from t" && expect_error 64 "not nothing" lk-query -l lake "from \"t@\"" &&
	expect_error 65 "no table '\''tt'\''" lk-query -l lake "from \"tt@main\"" && lk-query -l lake --at before "select 1"
'

test_done
