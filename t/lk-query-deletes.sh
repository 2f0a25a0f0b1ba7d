#!/bin/sh
# Rows that are gone: by position, at the right places, and what stays keeps its order.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -l lake -F csv "$@" "$sql" >actual && test_cmp expect actual
}

test_expect_success 'a table with deletes in some of its files' '
	for n in 0 1 2; do
		lk-query -F arrow --as t "select i as id, '\''name'\'' || i as name from range($n * 50000, $n * 50000 + 50000) t(i)" >rows.lk &&
		lk-commit -q -l lake --once $n <rows.lk || return 1
	done &&
	lk-query -F arrow --as t "select 0::bigint as id, '\'''\'' as name where false" >none.lk &&
	lk-commit -q -l lake --once less --overwrite "id % 10 = 3 and id < 50000" <none.lk &&
	lk-commit -q -l lake --once lesser --overwrite "id % 10 = 3 and id between 50000 and 99999" <none.lk &&
	printf "content,n,rows\n0,3,150000\n1,2,10000\n" | answers "select content, count(*) as n, sum(record_count) as rows from t\$files group by 1 order by 1"
'

test_expect_success 'what is gone is gone, and nothing else' '
	printf "n,sum,wrong\n140000,10749945000,0\n" | answers "select count(*) as n, sum(id) as sum, count(*) filter (id % 10 = 3 and id < 100000) as wrong from t" &&
	printf "name\nname99994\nname100003\n" | answers "select name from t where id in (99993, 99994, 100003) order by id" &&
	printf "n\n1\n" | answers "select count(*) as n from t where name = '\''name149993'\''"
'

test_expect_success 'rows keep the order in which they were written' '
	lk-query -l lake -F csv -j 4 "select id from t" | sed 1d >ids && sort -nc ids && [ "$(wc -l <ids)" = 140000 ] &&
	printf "id\n99994\n99995\n" | answers "select id from t where id > 99992 limit 2"
'

test_expect_success 'files without deletes, and deletes of files that are not wanted, are not opened' '
	lk-query -l lake -F csv "select file_path from t\$files where content = 1" | sed 1d | while read -r uri; do rm "${uri#file://}"; done &&
	printf "n\n50000\n" | answers "select count(*) as n from t where id >= 100000" &&
	expect_status 74 lk-query -l lake "select count(*) from t where id >= 99999"
'

test_expect_success 'one large file is read whole, in order, with its deletes and without' '
	lk-query -F arrow --as big "select range as id from range(1100000)" | lk-commit -q -l lake &&
	printf "n,sum\n1100000,604999450000\n" | answers "select count(*) as n, sum(id) as sum from big" -j 4 &&
	lk-query -l lake -F csv -j 4 "select id from big" | sed 1d >ids && sort -nc ids && [ "$(wc -l <ids)" = 1100000 ] &&
	lk-query -F arrow --as big "select 0::bigint as id where false" | lk-commit -q -l lake --overwrite "id % 11 = 3" &&
	printf "n,sum\n1000000,549999700000\n" | answers "select count(*) as n, sum(id) as sum from big" -j 4 &&
	printf "id\n699998\n700000\n" | answers "select id from big where id between 699998 and 700000"
'

test_done
