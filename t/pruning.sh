#!/bin/sh
# lk-query opens only files that may have rows of the answer: how many, and that none is missing.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -F csv "$@" "$sql" >actual 2>err && test_cmp expect actual
}
opens() { # FILES: what -v said of the last answer
	cat err && grep -q ": $1 files$" err
}

# ---- a table of ten thousand files, of which one is there ----

test_expect_success 'a large table: files that are not there cannot be opened' '
	lk-query -F arrow --as t "select i as id, i * 3 as n, '\''name'\'' || i as name from range(10) t(i)" >one.lk &&
	lk-commit -q -l lake --once 1 <one.lk && add-absent lake t 9999 &&
	expect_error 74 "absent" lk-query -l lake "from t"
'

test_expect_success 'a filter opens what can match' '
	printf "id,n\n5,15\n" | answers "select id, n from t where id = 5" -v -l lake && opens "1 of 10000" &&
	printf "n\n3\n" | answers "select count(*) as n from main.t as x where x.id between 3 and 5 and name like '\''n%'\''" -v -l lake &&
	opens "1 of 10000" &&
	printf "n\n10\n" | answers "select count(*) as n from t where id < 10 and (n > 100 or n is not null)" -v -l lake && opens "1 of 10000" &&
	printf "id\n" | answers "select id from t where id < 0" -v -l lake && opens "0 of 10000"
'

test_expect_success 'so do filters of joins, subqueries, CTEs and unions, each for its table' '
	lk-query -F arrow --as few "select i as id, i % 2 = 0 as even from range(4) t(i)" >few.lk && lk-commit -q -l lake --once few <few.lk &&
	printf "n\n4\n" | answers "select count(*) as n from t join few on t.id = few.id and t.id < 7" -v -l lake && opens "1 of 10000" &&
	printf "n\n4\n" | answers "select count(*) as n from few left join t on t.id = few.id and t.id <= 9" -v -l lake && opens "1 of 10000" &&
	printf "n\n2\n" | answers "select count(*) as n from few, t where few.id = t.id and t.id <= 9 and even" -v -l lake && opens "1 of 10000" &&
	printf "n\n4\n" | answers "select count(*) as n from few where id in (select id from t where id < 8)" -v -l lake && opens "1 of 10000" &&
	printf "n\n8\n" | answers "with w as (select * from t where id < 8) select count(*) as n from w" -v -l lake && opens "1 of 10000" &&
	printf "n\n1\n2\n" | answers "select count(*) as n from t where id = 1 union all select count(*) + 1 from t where id = 2 order by 1" \
		-v -l lake && opens "1 of 10000" &&
	printf "even\nfalse\ntrue\n" | answers "select distinct even from few semi join t on few.id = t.id and t.id < 5 order by 1" -v -l lake &&
	opens "1 of 10000"
'

test_expect_success 'where rows would be missing or drawn otherwise, all are opened' '
	for sql in "select * from t full join few using (id) where t.id = 5" \
		"select * from few left join t on few.id = t.id where t.id is null" \
		"select * from t left join few on t.id = few.id and t.id = 5" \
		"select * from t anti join few on t.id = few.id and t.id = 5" \
		"select * from t where id = 5 or n * 2 = 7" "select * from t where id + 0 = 5" "select count(*) from t" \
		"select * from t where id = 5 using sample 1 rows" "select * from t tablesample 10% where t.id = 5" \
		"select * from t where id = 5 union all select * from t" "select * from t as x(id2, id) where id = 15" \
		"select * from t positional join few where t.id = 5" "select * from few asof join t on few.id >= t.id where t.id = 5" \
		"select (select max(id) from t) from few where few.id = 5" "select * from t, t as u where u.id = 5" \
		"describe t" "select * from t where id = 5 and n = 18446744073709551615 or n = 1"
	do
		lk-query -v -l lake "$sql" >out 2>err; grep "t: 10000 of 10000 files" err || { echo "$sql"; cat err; return 1; }
	done
'

# ---- whatever the condition, no file with rows of it is left out ----

test_expect_success 'tables of all types, in files that overlap' '
	for f in 0 1 2 3 4 5 6 7 8 9 10 11; do
		lk-query -F arrow --as p "select case when h % 17 = 0 then null else $f * 40 + h % 50 end as l,
			(case when h % 13 = 0 then null else h % 100 - 50 + $f * 5 end)::int as i,
			case when $f = 3 then null when h % 19 = 0 then '\''nan'\''::double when h % 11 = 0 then -0.0
				else ($f - 6) * 1.5 + (h % 20) / 10.0 end as d,
			case when h % 7 = 0 then null when $f % 4 = 1 then '\''a long common prefix of all '\'' || chr(97 + $f) || h % 30
				else chr(97 + $f) || h % 20 || '\''é'\'' end as s,
			date '\''1969-12-20'\'' + ($f * 4 + h % 5)::int as day,
			(timestamp '\''1969-12-25'\'' + to_hours(($f * 30 + h % 40)::int))::timestamptz as tz,
			timestamp '\''1969-12-25'\'' + to_minutes(($f * 3000 + h % 4000)::int) as ts,
			(($f * 100 + h % 150 - 600) / 100)::decimal(9,2) as c, h % 23 = 0 and $f > 2 as b,
			time '\''10:00'\'' + to_minutes(($f * 10 + h % 30)::int) as tm
			from (select (hash(i * 100 + $f) % 1000000)::bigint as h from range(15) t(i))" >p.lk &&
			lk-commit -q -l types --schema add --once $f <p.lk || return 1
	done
'

# Conditions at random, but the same ones each time: columns and values by type, and what joins them.
conditions() { # COUNT SEED
	awk -v count="$1" -v seed="$2" '
		function pick(list, parts) { return parts[int(rand() * split(list, parts, "|")) + 1] }
		function quoted(s) { return "\047" s "\047" }
		function value(c) {
			if (c == "l") return pick("0|45|203|460|-1|501|45.5|1e2|null|9007199254740993|\0473\047")
			if (c == "i") return pick("-50|0|7|55|105|200|5.5|3000000000|\04712\047")
			if (c == "d") return pick("0|-0.0|1.5|-9|8.7|1e300|\047nan\047::double|\0471.5\047|0.1")
			if (c == "s") return pick(quoted("b3é") "|" quoted("a long common prefix of all f7") "|" quoted("a long common prefix of b") "|" quoted("") "|" quoted("k") "|" quoted("zz") "|" quoted("é"))
			if (c == "day") return pick(quoted("1970-01-05") "|date " quoted("1969-12-31") "|date " quoted("1970-01-01") " + 9|current_date|date " quoted("1970-01-20") " - interval 7 day|timestamp " quoted("1970-01-02 12:00:00"))
			if (c == "c") return pick("-6|1.25|0|5.555|5|-0.01|\0471.25\047|1e0|7.50::decimal(12,4)")
			if (c == "b") return pick("true|false|null")
			if (c == "tm") return pick("time " quoted("11:00") "|" quoted("10:29") "|" quoted("12:19:00"))
			return pick(quoted("1969-12-26") "|timestamp " quoted("1970-01-03 11:00:00") "|date " quoted("1970-01-05") "|timestamptz " quoted("1970-01-02 00:00:00+02") "|now()|timestamp " quoted("1969-12-31") " + interval 36 hour")
		}
		function leaf(c, k) {
			c = pick("l|i|d|s|day|tz|ts|c|b|tm")
			k = int(rand() * 13)
			if (k == 0) return c " is null"
			if (k == 1) return c " is not null"
			if (k == 2) return c " in (" value(c) ", " value(c) ", " value(c) ")"
			if (k == 3) return c " not in (" value(c) ", " value(c) ")"
			if (k == 4) return c " between " value(c) " and " value(c)
			if (k == 5) return c " not between " value(c) " and " value(c)
			if (k == 6 && c == "s") return c " like " pick(quoted("a long%") "|" quoted("b3_") "|" quoted("c%é") "|" quoted("%1") "|" quoted("d1é"))
			if (k == 7 && c == "s") return pick("starts_with|prefix") "(s, " pick(quoted("a long common prefix of all f") "|" quoted("g")) ")"
			if (k == 8 && (c == "ts" || c == "tz")) return c "::date " pick("=|<|>|<=|>=|<>") " " value("day")
			if (k == 9 && c == "b") return pick("b|not b")
			if (k == 10) return value(c) " " pick("=|<|>|<=|>=|<>") " " c
			return c " " pick("=|<|>|<=|>=|<>|is not distinct from") " " value(c)
		}
		function condition(depth) {
			if (!depth || rand() < 0.3) return leaf()
			if (rand() < 0.2) return "not (" condition(depth - 1) ")"
			return "(" condition(depth - 1) pick(" and | or ") condition(depth - 1) ")"
		}
		BEGIN { srand(seed); for (n = 0; n < count; n++) print condition(int(rand() * 4)) }'
}

test_expect_success 'no condition loses a row' '
	conditions 1000 1 >conditions && expect_status 0 prune-check types p <conditions >checked && ! grep LOST checked &&
	awk "{ kept += \$1; matching += \$2; all += \$3 } END { print kept, matching, all; exit !(matching < kept && kept < all * 0.75) }" checked
'

test_expect_success 'nor by partitions, whatever their transform' '
	columns="l long, i int, d double, s string, day date, tz timestamptz, ts timestamp, c decimal(9,2), b boolean, tm time" &&
	lk-query -F arrow --as none "select case when h % 17 = 0 then null else h % 520 end as l,
		(case when h % 13 = 0 then null else h % 200 - 80 end)::int as i, case when h % 19 = 0 then '\''nan'\''::double else h % 40 / 2 - 9 end as d,
		case when h % 7 = 0 then null when h % 3 = 1 then '\''a long common prefix of all '\'' || chr(97 + (h % 12)::int) || h % 30
			else chr(97 + (h % 12)::int) || h % 20 || '\''é'\'' end as s,
		date '\''1969-12-20'\'' + (h % 50)::int as day, (timestamp '\''1969-12-25'\'' + to_hours((h % 400)::int))::timestamptz as tz,
		timestamp '\''1969-12-25'\'' + to_minutes((h % 40000)::int) as ts, case when h % 11 = 0 then null else ((h % 1350 - 600) / 100)::decimal(9,2) end as c,
		case when h % 9 = 0 then null else h % 23 = 0 end as b, time '\''10:00'\'' + to_minutes((h % 140)::int) as tm
		from (select (hash(i) % 1000000)::bigint as h from range(150) t(i))" >rows.lk &&
	conditions 150 2 >some && n=0 &&
	for terms in "l" "bucket(8, l)" "truncate(50, l)" "truncate(7, i)" "day, b" "month(day)" "year(tz)" "month(tz)" "day(tz)" "hour(ts)" \
		"truncate(3, s), bucket(4, tm)" "bucket(5, s)" "truncate(20, s)" "c" "truncate(100, c)" "bucket(6, c)" "bucket(3, ts), i"
	do
		n=$((n + 1)) && lk-table create -q -l parts --partition "$terms" --set write.metadata.metrics.default=none p$n "$columns" &&
		lk-query -F arrow --as p$n "from stdin" <rows.lk | lk-commit -q -l parts --once $n &&
		prune-check parts p$n <some >checked || { echo "by $terms"; grep -A1 LOST checked; return 1; }
		awk -v terms="$terms" "{ kept += \$1; all += \$3 } END { print kept, all, terms; exit !(kept < all) }" checked || return 1
	done
'

test_expect_success 'nor NaN, which the bounds in footers leave out' '
	lk-query -F arrow --as m "select i as id, case i when 3 then '\''nan'\''::double else i end as d from range(5) t(i)" >m.lk &&
	lk-commit -q -l nan --once m <m.lk &&
	for deletes in without with
	do
		for condition in "d = '\''nan'\''" "d > 100" "d >= '\''nan'\''" "d in (7, '\''nan'\'')"; do
			printf "id\n3\n" | answers "select id from m where $condition" -l nan || { echo "$condition $deletes"; return 1; }
		done
		lk-query -F arrow --as m "select 1::bigint as id, null::double as d" >one.lk && lk-commit -q -l nan --overwrite "id = 1" <one.lk || return 1
	done
'

test_expect_success 'manifests of partitions that cannot match are not read' '
	lk-query -v -l parts -F csv "select count(*) from p5 where day = '\''1969-12-21'\''" >out 2>err && cat err &&
	lk-query -F arrow --as p5 "select date '\''2030-01-01'\'' as day" >late.lk && lk-commit -q -l parts --once late <late.lk &&
	printf "n\n1\n" | answers "select count(*) as n from p5 where day >= '\''2029-12-31'\''" -l parts &&
	old=$(lk-query -l parts -F csv "select path from p5\$manifests order by partition_summaries[1].upper_bound" | sed -n 2p) && rm "${old#file://}" &&
	printf "n\n1\n" | answers "select count(*) as n from p5 where day >= '\''2029-12-31'\''" -l parts &&
	expect_status 66 lk-query -l parts "select count(*) as n from p5"
'

test_done
