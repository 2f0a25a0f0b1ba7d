#!/bin/sh
# lk-commit --overwrite WHERE: rows go, rows come, one snapshot; what is no predicate, or does not match it, is refused.
. "$(dirname "$0")/test-lib.sh"

rows() { # DAY VALUE COUNT
	lk-query -F arrow "select date '$1' as day, i::bigint as n, '$2' as v from range($3) t(i)" | lk-cat --as main.days
}

days() { # LAKE
	lk-query -l "$1" -F csv "select day, v, count(*) as n from days group by all order by all" | tail -n +2
}

unchanged() { # COMMAND..., which must leave the lake as it is
	sqlite3 lake/catalog.db .dump >before && find lake -type f ! -name catalog.lock | sort >files && "$@" &&
		sqlite3 lake/catalog.db .dump | diff before - && find lake -type f ! -name catalog.lock | sort | diff files -
}

last() { # LAKE, the summary of the last snapshot of main.days
	python3 - "$1" <<-\EOF_
	import json, sqlite3, sys
	(at,), = sqlite3.connect(sys.argv[1] + "/catalog.db").execute("select metadata_location from iceberg_tables where table_name = 'days'")
	m = json.load(open(at[len("file://"):]))
	s = m["snapshots"][-1]["summary"]
	print(len(m["snapshots"]), s["operation"], *(s.get(k, "0") for k in
	    ("added-records", "deleted-data-files", "added-position-deletes", "total-data-files")))
	EOF_
}

test_expect_success 'days in files of their own, and one file with some of each' '
	for d in 1 2 3; do rows 2026-01-0$d a 10 | lk-commit -q -l lake || return; done &&
	lk-query -F arrow "select date '\''2026-01-01'\'' + (i % 3)::int as day, i::bigint as n, '\''mixed'\'' as v from range(6) t(i)" | lk-cat --as main.days | lk-commit -q -l lake &&
	[ "$(days lake | wc -l)" = 6 ]
'

test_expect_success 'a day anew: whole files go, rows of others by position, and the new ones come in the same snapshot' '
	rows 2026-01-02 b 4 | lk-commit -l lake --overwrite "day = '\''2026-01-02'\''" >said && grep "^main.days: 4 rows, 1 file, .* 12 rows removed" said &&
	days lake >actual && printf "%s\n" 2026-01-01,a,10 2026-01-01,mixed,2 2026-01-02,b,4 2026-01-03,a,10 2026-01-03,mixed,2 >expect && test_cmp expect actual &&
	[ "$(last lake)" = "5 overwrite 4 1 2 4" ]
'

test_expect_success 'again is the same' '
	rows 2026-01-02 b 4 | lk-commit -q -l lake --overwrite "day = '\''2026-01-02'\''" && days lake >actual && test_cmp expect actual
'

test_expect_success 'rows that do not match are refused, nulls among them' '
	unchanged expect_error 65 "of 4 rows that come 4 do not match" sh -c "$(command -v lk-query) -F arrow \"select date '\''2026-01-01'\'' as day, i::bigint as n, '\''x'\'' as v from range(4) t(i)\" | lk-cat --as main.days | lk-commit -l lake --overwrite \"day = '\''2026-01-02'\''\"" &&
	lk-query -F arrow "select if(i = 2, null, date '\''2026-01-02'\'') as day, i::bigint as n, '\''x'\'' as v from range(4) t(i)" | lk-cat --as main.days >null.lk &&
	unchanged expect_error 65 "of 4 rows that come 1 do not match" lk-commit -l lake --overwrite "day = '\''2026-01-02'\''" <null.lk
'

test_expect_success 'only a predicate is taken' '
	rows 2026-01-02 x 1 >x.lk &&
	while IFS="|" read -r status text where; do
		unchanged expect_error $status "$text" lk-commit -l lake --overwrite "$where" <x.lk || return
	done <<-\EOF_
	65|column 1: syntax error|= day
	65|syntax error|true) or (true
	65|unterminated|true /* a
	65|"nocolumn" not found|nocolumn = 1
	65|aggregates|count(*) > 1
	77|more than a predicate|true; drop table days
	77|more than a predicate|true union select 1
	77|more than a predicate|true order by 1
	77|more than a predicate|true group by n
	77|more than a predicate|true limit 1
	77|more than a predicate|day in (select day from other)
	77|more than a predicate|n = (select 1)
	77|more than a predicate|exists (from days)
	77|is closed here|getenv('\''HOME'\'') = '\'''\''
	EOF_
'

test_expect_success 'a comment ends where the predicate does, and the table may be named' '
	rows 2026-01-03 c 1 | lk-commit -q -l lake --overwrite "days.day = '\''2026-01-03'\'' -- the third" &&
	days lake >actual && printf "%s\n" 2026-01-01,a,10 2026-01-01,mixed,2 2026-01-02,b,4 2026-01-03,c,1 >expect && test_cmp expect actual
'

test_expect_success 'no rows take rows out; a new table takes rows in' '
	rows 2026-01-03 c 0 | lk-commit -q -l lake --overwrite "day = '\''2026-01-03'\''" && days lake >actual && sed -i "\$d" expect && test_cmp expect actual &&
	rows 2026-01-03 c 2 | lk-commit -q -l new --overwrite "day > '\''2026-01-01'\''" && [ "$(days new)" = 2026-01-03,c,2 ]
'

test_expect_success 'a column that comes with the rows can be asked for' '
	lk-query -F arrow "select date '\''2026-01-09'\'' as day, 1::bigint as n, '\''e'\'' as v, 7::bigint as extra" | lk-cat --as main.days |
		lk-commit -q -l new --schema add --overwrite "day = '\''2026-01-09'\'' and n = 1" && [ "$(days new | wc -l)" = 2 ] &&
	lk-query -F arrow "select date '\''2026-01-09'\'' as day, 2::bigint as n, '\''f'\'' as v, 7::bigint as extra" | lk-cat --as main.days |
		lk-commit -q -l new --overwrite "extra = 7" && days new | grep -x "2026-01-09,f,1" && ! days new | grep ",e,"
'

test_expect_success 'options and streams that do not go with it' '
	expect_error 64 "commits at once" lk-commit -l lake --overwrite true --stage s <x.lk &&
	expect_error 64 "commits at once" lk-commit -l lake --overwrite true --again <x.lk &&
	{ lk-query -F arrow "select 1 as a" | lk-cat --as main.one; cat x.lk; } >two.lk &&
	unchanged expect_error 65 "the stream has rows of main.one and of main.days" lk-commit -l lake --overwrite true <two.lk &&
	rows 2026-01-02 d 1 | lk-commit -q -l lake --once day2 --overwrite "day = '\''2026-01-02'\''" && unchanged lk-commit -q -l lake --once day2 --overwrite true <x.lk
'

test_expect_success 'others may append meanwhile' '
	for i in 1 2 3; do
		{ rows 2026-02-01 w 5 | lk-commit -q -l lake & one=$!; } && { rows 2026-02-02 b$i 3 | lk-commit -q -l lake --overwrite "day = '\''2026-02-02'\''" & two=$!; } &&
		{ rows 2026-02-03 c$i 2 | lk-commit -q -l lake --overwrite "day = '\''2026-02-03'\''" & three=$!; } && wait $one && wait $two && wait $three || return
	done && days lake | tail -n 3 >actual && printf "%s\n" 2026-02-01,w,15 2026-02-02,b3,3 2026-02-03,c3,2 >expect && test_cmp expect actual
'

test_expect_success 'killed at any moment, a day is the old one or the new one' '
	rows 2026-02-02 new 4 >new.lk && start=$(date +%s%N) && rows 2026-03-01 x 1 | lk-commit -q -l lake --overwrite "day = '\''2026-03-01'\''" &&
	took=$((($(date +%s%N) - start) / 1000)) && for i in 1 2 3 4 5 6; do
		lk-commit -q -l lake --overwrite "day = '\''2026-02-02'\''" <new.lk >/dev/null 2>&1 & pid=$!
		sleep "$(printf "%d.%06d" 0 $((took * i / 6 % 1000000)))"
		kill -9 $pid 2>/dev/null; wait $pid
		sqlite3 lake/catalog.db "select count(*) from lk_ledger" && days lake | grep 2026-02-02 >actual && { [ "$(cat actual)" = 2026-02-02,b3,3 ] || [ "$(cat actual)" = 2026-02-02,new,4 ]; } || return
	done; lk-commit -q -l lake --overwrite "day = '\''2026-02-02'\''" <new.lk && [ "$(days lake | grep 2026-02-02)" = 2026-02-02,new,4 ]
'

test_done
