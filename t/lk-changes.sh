#!/bin/sh
# lk-changes: what became of a table's rows, and cursors that remember what was taken.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string", "lk": {"phi": "name"}}]}},
	 {"name": "notes", "path": "n*.csv", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]}}]}
END

# Rows of text to a table, beside those that are there or in place of those of a predicate.
rows() { printf "$2" >"in.csv" && lk-parse -q -s people.json --as $1 in.csv >rows.lk; }
add() { rows $1 "$2" && lk-commit -q -l lake <rows.lk; }
replace() { rows $1 "$2" && lk-commit -q -l lake --overwrite "$3" <rows.lk; }
head_of() { lk-log -l lake -t $1 --json --max-count 1 | grep -o '"snapshot":[0-9]*' | cut -d: -f2; }
# Changes as csv without the snapshot, its time and where rows came from.
changes() { lk-changes -l lake -F csv "$@" | sed 's/^\([^,]*\),[0-9]*,[-0-9:+. ]*,/\1,/; s/,in.csv@.*//; s/,lk_file.*//; s/lk_snapshot,lk_committed,//'; }

test_expect_success 'inserted, updated and deleted rows, by the key, snapshot by snapshot' '
	add people "id,name\n3,c\n1,a\n2,b\n" && s1=$(head_of people) && replace people "id,name\n2,bb\n" "id = 2" && s2=$(head_of people) &&
	replace people "id,name\n2,bbb\n4,d\n1,a\n" "id < 5" && s3=$(head_of people) && changes -t people >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,id,name
	I,1,a
	I,2,b
	I,3,c
	B,2,b
	U,2,bb
	B,2,bb
	U,2,bbb
	D,3,c
	I,4,d
	END
	lk-changes -l lake -t people -F csv | cut -d, -f2 | sed 1d | uniq >actual && printf "%s\n" $s1 $s2 $s3 | test_cmp - actual &&
	lk-changes -l lake -t people -F csv | cut -d, -f3 | sed 1d | uniq >actual &&
	lk-log -l lake -t people -F csv | sed 1d | cut -d, -f1 | tac | test_cmp - actual
'

test_expect_success 'between moments: behind the first, up to the second' '
	changes -t people --from $s2 >actual && sed -n "1p;7,10p" expect | test_cmp - actual &&
	changes -t people --from $s1 --to $s2 >actual && sed -n "1p;5,6p" expect >part && test_cmp part actual &&
	changes -t people --from $s3 >actual && echo lk_op,id,name | test_cmp - actual && changes -t people --from 2026-01-01 >actual &&
	test_cmp expect actual && changes -t people --to $s1 >actual && sed -n 1,4p expect | test_cmp - actual &&
	lk-branch -q -l lake --tag mark && changes -t people --from $s2 --to mark >actual && [ "$(wc -l <actual)" = 5 ] &&
	expect_error 65 "snapshot $s3 did not lead to $s2" lk-changes -l lake -t people --from $s3 --to $s2 &&
	expect_error 65 "there is no snapshot 12345 (any more), and the oldest left is $s1" lk-changes -l lake -t people --from 12345 &&
	expect_error 65 "no branch or tag" lk-changes -l lake -t people --from nix && expect_status 66 lk-changes -l lake -t nix
'

test_expect_success '--net: the difference of the ends' '
	changes -t people --net --from $s1 >actual && printf "lk_op,id,name\nB,2,b\nU,2,bbb\nD,3,c\nI,4,d\n" | test_cmp - actual &&
	changes -t people --net --from $s3 --to $s1 >actual && printf "lk_op,id,name\nB,2,bbb\nU,2,b\nI,3,c\nD,4,d\n" | test_cmp - actual &&
	changes -t people --net >actual && printf "lk_op,id,name\nI,1,a\nI,2,bbb\nI,4,d\n" | test_cmp - actual
'

test_expect_success 'without a key rows are a multiset; another key may be named' '
	add notes "a,b\n1,x\n1,x\n,\n" && n1=$(head_of notes) && replace notes "a,b\n1,x\n1,y\n,\n,\n" true && changes -t notes --from $n1 >actual &&
	printf "lk_op,a,b\nD,1,x\nI,1,y\nI,,\n" >expect && test_cmp expect actual &&
	changes -t notes --from $n1 --key a >actual && printf "lk_op,a,b\nB,1,x\nU,1,y\nI,,\n" | test_cmp - actual &&
	expect_error 65 "has no column '\''nix'\'' for a key" lk-changes -l lake -t notes --key nix
'

test_expect_success 'where rows came from travels with them, and is no change' '
	s=$(head_of people) && replace people "id,name\n4,d\n2,bbb\n1,a\n" true && changes -t people --from $s >actual && echo lk_op,id,name | test_cmp - actual &&
	lk-changes -l lake -t people --from $s --trace -F csv >actual && [ "$(grep -c "^[BU]," actual)" = 6 ] && grep -q "^B,.*,1,a,in.csv@.*,3$" actual &&
	grep -q "^U,.*,1,a,in.csv@.*,3$" actual && for i in "4,d" "2,bbb" "1,a"; do replace people "id,name\n$i\n" "id = ${i%,*}" || return 1; done && u=$(head_of people) && lk-compact -q -l lake -t people && t=$(head_of people) && [ $u != $t ] && lk-log -l lake -t people | grep -q replace && changes -t people --from $s >actual &&
	echo lk_op,id,name | test_cmp - actual && replace people "id,name\n4,dd\n" "id = 4" && lk-changes -l lake -t people --from $t -F csv >actual &&
	grep -q "^B,.*,4,d,in.csv@.*,1$" actual && grep -q "^U,.*,4,dd,in.csv@.*,1$" actual
'

test_expect_success 'a stream says key and classes, and is one also without changes' '
	lk-changes -l lake -t people --from $s3 >changes.lk && lk-cat --schema -F json changes.lk >actual && grep -q "lk.key.*\[.*id.*\]" actual && grep -q "lk.load..:..upsert" actual &&
	grep "\"column\":\"name\"" actual | grep -q "lk.phi" && grep "\"column\":\"lk_snapshot\",\"type\":\"int64\",\"nullable\":false" actual &&
	grep -q "\"column\":\"id\",\"type\":\"int64\",\"nullable\":false" actual && lk-changes -l lake -t people --from $(head_of people) >none.lk &&
	lk-cat --count -F csv none.lk | grep "^main.people,0" && lk-changes -l lake -t people -o all.parquet && [ -s all.parquet ] &&
	lk-changes -l lake -t people -o all.lk && lk-changes -l lake -t people | lk-query "SELECT count(*) FROM stdin" >actual && lk-query <all.lk "SELECT count(*) FROM stdin" | test_cmp - actual
'

test_expect_success 'columns by their ids, as the table has them at the end' '
	cat >w.json <<-\END &&
	{"name": "p", "resources": [{"name": "wide", "path": "*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "a", "type": "string"}, {"name": "b", "type": "string"}]}}]}
	END
	printf "id,a,b\n1,x,p\n2,y,q\n" >w1.csv && lk-parse -q -s w.json w1.csv | lk-commit -q -l lake && w1=$(head_of wide) &&
	printf "id,a,b\n1,x,pp\n2,yy,q\n" >w2.csv && lk-parse -q -s w.json w2.csv >rows.lk && lk-commit -q -l lake --overwrite true <rows.lk && w2=$(head_of wide) &&
	lk-table alter -q -l lake wide "rename column a to aa" && lk-table alter -q -l lake wide "drop column b" && lk-table alter -q -l lake wide "add column c bigint" &&
	lk-changes -l lake -t wide -F csv | cut -d, -f1,4,5,8 >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,id,aa,c
	I,1,x,
	I,2,y,
	B,2,y,
	U,2,yy,
	END
	lk-changes -l lake -t wide --to $w2 -F csv | cut -d, -f1,4-6 >actual && cat >expect <<-\END && test_cmp expect actual
	lk_op,id,a,b
	I,1,x,p
	I,2,y,q
	B,1,x,p
	U,1,x,pp
	B,2,y,q
	U,2,yy,q
	END
'

test_expect_success 'only what a commit added and took out is read' '
	seq 1 3000 | sed "s/.*/&,n&/" >many && { echo id,name; cat many; } >p1.csv && lk-parse -q -s people.json --as big p1.csv 2>/dev/null || lk-parse -q -s people.json p1.csv >rows.lk;
	lk-commit -q -l big <rows.lk && f=$(ls big/main/people/data/*.parquet) && printf "id,name\n5000,x\n" >p2.csv && lk-parse -q -s people.json p2.csv | lk-commit -q -l big &&
	b1=$(lk-log -l big -t people --json | tail -n 1 | grep -o "\"snapshot\":[0-9]*" | cut -d: -f2) && mv $f aside.parquet &&
	lk-changes -l big -t people --from $b1 -F csv | cut -d, -f1,4,5 >actual && printf "lk_op,id,name\nI,5000,x\n" | test_cmp - actual &&
	mv aside.parquet $f && b2=$(lk-log -l big -t people --json --max-count 1 | grep -o "\"snapshot\":[0-9]*" | cut -d: -f2) &&
	printf "id,name\n" >p3.csv && lk-parse -q -s people.json p3.csv | lk-commit -q -l big --overwrite "id % 2 = 0 AND id < 3000 OR id = 17" &&
	lk-changes -l big -t people --from $b2 -F csv | sed 1d | cut -d, -f1,4,5 >actual && { echo D,17,n17; seq 2 2 2998 | sed "s/.*/D,&,n&/"; } | sort -t, -k2n >expect && test_cmp expect actual
'

# ---- cursors ----

take() { lk-changes -q -l lake -t people --cursor "$@"; }

test_expect_success 'a cursor begins with all rows and goes on where it was' '
	take feed -F csv | cut -d, -f1,4,5 >actual && printf "lk_op,id,name\nI,1,a\nI,2,bbb\nI,4,dd\n" | test_cmp - actual && take feed -F csv | sed 1d >actual && [ ! -s actual ] &&
	replace people "id,name\n7,g\n" "id = 1 OR id = 7" && add people "id,name\n8,h\n" && lk-changes -l lake -t people --cursor feed -F csv 2>err | cut -d, -f1,4,5 >actual && printf "lk_op,id,name\nD,1,a\nI,7,g\nI,8,h\n" | test_cmp - actual &&
	grep -q "^lk-changes: cursor '\''feed'\'' of main.people is at $(head_of people) now: 3 changes of 2 snapshots$" err && [ -z "$(take feed -F csv | sed 1d)" ]
'

test_expect_success 'cursors are listed, put elsewhere and forgotten' '
	lk-changes -q -l lake -t people --cursor two --reset $s3 && lk-changes -l lake --cursors -F csv | cut -d, -f1-3,5 >actual &&
	printf "cursor,table,snapshot,behind\nfeed,main.people,%s,0\ntwo,main.people,%s,8\n" $(head_of people) $s3 | test_cmp - actual &&
	lk-changes -l lake --cursors --json | head -n 1 | grep "^{\"cursor\":\"feed\",\"table\":\"main.people\",\"snapshot\":[0-9]*,\"committed\":\"[^\"]*\",\"behind\":0,\"moved\":\"" &&
	lk-changes -q -l lake -t people --cursor two --forget && expect_error 66 "has no cursor '\''two'\''" lk-changes -l lake -t people --cursor two --forget &&
	take new --from $s3 -F csv | sed 1d | wc -l >actual && take new --from $s3 -F csv | sed 1d | wc -l >second && echo 0 | test_cmp - second && [ "$(cat actual)" = 5 ] &&
	expect_status 64 lk-changes -l lake -t people --cursor "" && expect_status 64 lk-changes -l lake -t people --reset $s3 && expect_status 64 lk-changes -l lake --cursors -t people
'

test_expect_success 'it moves only when its output was taken' '
	at=$(lk-changes -l lake --cursors -F csv | grep ^feed,) && add people "id,name\n9,i\n" && where() { lk-changes -l lake --cursors -F csv | grep ^feed, | cut -d, -f1-3; } && before=$(where) &&
	expect_status 74 take feed -F csv >/dev/full 2>err && [ "$(where)" = "$before" ] && expect_status 74 take feed >/dev/full 2>err && [ "$(where)" = "$before" ] &&
	expect_status 73 take feed -o none/such/file 2>err && [ "$(where)" = "$before" ] && { take feed -F csv 2>err >&-; true; } && [ "$(where)" = "$before" ] &&
	expect_status 3 take feed -- sh -c "cat >got.lk; exit 3" 2>err && grep -q "exited with status 3: the changes count as not taken" err && [ "$(where)" = "$before" ] &&
	lk-cat --count -F csv got.lk | grep "main.people,1" && expect_status 1 take feed -- sh -c "kill -9 \$\$" 2>err && [ "$(where)" = "$before" ] &&
	expect_status 69 take feed -- no-such-program 2>err && [ "$(where)" = "$before" ] && expect_status 64 take feed -- 2>err &&
	take feed -F csv -- sh -c "cut -d, -f1,4,5; echo done" >actual && printf "lk_op,id,name\nI,9,i\ndone\n" | test_cmp - actual && [ "$(where)" != "$before" ] &&
	add people "id,name\n10,j\n" && take feed -o feed.csv && cut -d, -f4,5 feed.csv | tail -n 1 >actual && echo 10,j | test_cmp - actual && [ -z "$(take feed -F csv | sed 1d)" ]
'

test_expect_success 'one process at a time' '
	add people "id,name\n11,k\n" && mkfifo go && { lk-changes -q -l lake -t people --cursor feed -- sh -c "cat >held.lk; : >started; read x <go" & } && pid=$! && wait_until 20 test -e started &&
	expect_error 75 "the cursor '\''feed'\'' is in use" lk-changes -l lake -t people --cursor feed && expect_status 75 lk-changes -q -l lake -t people --cursor feed --forget &&
	lk-changes -q -l lake -t people --cursor other >other.lk && echo x >go && wait $pid && [ -z "$(take feed -F csv | sed 1d)" ] && lk-cat --count -F csv held.lk | grep "main.people,1"
'

test_expect_success 'killed: nothing is lost, the same comes again' '
	add people "id,name\n12,l\n" && before=$(where) && rm -f started && { lk-changes -q -l lake -t people --cursor feed -- sh -c "cat >held.lk; : >started; read x <go" & } && pid=$! && wait_until 20 test -e started &&
	lk-cat --count -F csv held.lk | grep "main.people,1" && kill -9 $pid && { wait $pid; [ $? = 137 ]; } && [ "$(where)" = "$before" ] &&
	take feed -F csv | sed 1d | cut -d, -f1,4,5 >actual && echo I,12,l | test_cmp - actual && lk-fsck -q -l lake
'

test_expect_success 'all rows come again as they were, and what is newer the time after' '
	expect_status 9 take first -F csv -- sh -c "cat >one; exit 9" && add people "id,name\n13,m\n" && expect_status 9 take first -F csv -- sh -c "cat >two; exit 9" && test_cmp one two &&
	take first -F csv >three && test_cmp one three && take first -F csv | sed 1d | cut -d, -f1,4 >actual && echo I,13 | test_cmp - actual && lk-changes -q -l lake -t people --cursor first --forget
'

test_expect_success 'history is kept from a cursor on, until it is forgotten' '
	for i in 21 22 23; do add people "id,name\n$i,x\n" || return 1; done && s=$(head_of people) && lk-changes -q -l lake -t people --cursor kept --reset $s &&
	for i in 24 25 26 27; do add people "id,name\n$i,x\n" || return 1; done && lk-changes -q -l lake -t people --cursor feed --forget && lk-expire -q -l lake --keep-last 2 -t people &&
	lk-log -l lake -t people -F csv | sed 1d | cut -d, -f3 >left && [ "$(wc -l <left)" = 6 ] && grep -q "^$s$" left && lk-gc -q -l lake --grace 0 && lk-fsck -q -l lake &&
	lk-changes -l lake -t people --cursor kept -F csv >out 2>err && cut -d, -f1,4 out | sed 1d >actual && printf "I,24\nI,25\nI,26\nI,27\n" | test_cmp - actual &&
	grep "snapshots before 1 of 2 have expired, and what they changed comes with those" err && lk-changes -q -l lake -t people --cursor kept --forget &&
	add people "id,name\n28,x\n" && lk-expire -q -l lake --keep-last 1 -t people && expect_error 65 "any more), and the oldest left is" lk-changes -l lake -t people --from $s
'

test_expect_success 'a table that was set back: --net goes there' '
	take back >/dev/null && r=$(head_of people) && replace people "id,name\n" "id > 20" && take back >/dev/null && lk-reset -q -l lake -t people $r &&
	expect_error 65 "did not lead to" lk-changes -l lake -t people --cursor back && take back --net -F csv | sed 1d | cut -d, -f1 | sort | uniq -c | tr -s " " >actual && echo " 8 I" | test_cmp - actual &&
	[ -z "$(take back -F csv | sed 1d)" ]
'

test_expect_success 'a copy has the cursors, and fsck nothing to say' '
	lk-copy -q lake copy && lk-changes -l copy --cursors -F csv | cut -d, -f1-4 >actual && lk-changes -l lake --cursors -F csv | cut -d, -f1-4 | test_cmp - actual && lk-fsck -q -l copy && lk-gc -l lake -n
'

test_done
