#!/bin/sh
# Tables that keep rows of the past (lk.history): valid_from, valid_to, current, the same whatever came first.
. "$(dirname "$0")/test-lib.sh"

ask() { # SQL [LAKE]
	lk-query -l "${2:-lake}" -F csv "$1" | tail -n +2
}

package() { # FILE LK FIELDS
	printf '{"name": "p", "lk": {"delivery": "_(?<sent>[0-9]{8})[.]csv$"}, "resources": [{"name": "t", "path": "*.csv", "lk": {%s},
		"schema": {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "n"}%s]}}]}\n' "$2" "$3" >"$1"
}

load() { # SOURCES LAKE FILE...
	sources=$1 to=$2
	shift 2
	lk-parse -q -s "$sources" "$@" | lk-commit -q -l "$to"
}

# A row for each version: key, value, from, to, *: current.
chain() { # [LAKE]
	ask "select string_agg(concat_ws(' ', id, n, strftime(valid_from, '%d'), coalesce(strftime(valid_to, '%d'), '-'), if(current, '*', '')), '; '
		order by id, valid_from, valid_to, lk_row) from t" "$1"
}

# What held at a time.
at() { # DAY [LAKE]
	ask "select string_agg(concat(id, n), ' ' order by id) from t where valid_from <= '2026-01-$1' and (valid_to > '2026-01-$1' or valid_to is null)" "$2"
}

package p.json '"load": "upsert", "op": "op", "history": true' ', {"name": "op"}'

test_expect_success 'an update closes the row that it replaces, a delete closes it, and what comes again opens another' '
	printf "id,n,op\n1,a,I\n2,b,I\n" >x_20260101.csv && printf "id,n,op\n1,c,U\n" >x_20260105.csv &&
	printf "id,n,op\n1,,D\n" >x_20260107.csv && printf "id,n,op\n1,d,I\n" >x_20260109.csv &&
	for day in 01 05 07 09; do load p.json lake x_202601$day.csv || return 1; done &&
	[ "$(chain)" = "1 a 01 05 ; 1 c 05 07 ; 1 d 09 - *; 2 b 01 - *" ] &&
	[ "$(at 01)" = "1a 2b" ] && [ "$(at 04)" = "1a 2b" ] && [ "$(at 05)" = "1c 2b" ] && [ "$(at 07)" = 2b ] && [ "$(at 08)" = 2b ] &&
	[ "$(at 09)" = "1d 2b" ] && [ "$(ask "select count(*) from t where current")" = 2 ]
'

test_expect_success 'late data goes where it belongs, and resends change nothing' '
	printf "id,n,op\n1,x,U\n" >x_20260106.csv && load p.json lake x_20260106.csv &&
	[ "$(chain)" = "1 a 01 05 ; 1 c 05 06 ; 1 x 06 07 ; 1 d 09 - *; 2 b 01 - *" ] &&
	printf "id,n,op\n2,b,U\n1,d,U\n" >x_20260111.csv && load p.json lake x_20260111.csv &&
	[ "$(chain)" = "1 a 01 05 ; 1 c 05 06 ; 1 x 06 07 ; 1 d 09 - *; 2 b 01 - *" ]
'

test_expect_success 'a late version between two that say the same is followed by the second' '
	printf "id,n,op\n2,z,U\n" >x_20260103.csv && load p.json lake x_20260103.csv &&
	[ "$(chain)" = "1 a 01 05 ; 1 c 05 06 ; 1 x 06 07 ; 1 d 09 - *; 2 b 01 03 ; 2 z 03 11 ; 2 b 11 - *" ] &&
	[ "$(ask "select lk_file like '\''x_20260111%'\'' from t where id = 2 and current")" = true ]
'

test_expect_success 'the same table whatever comes first, one delivery at a time or several' '
	ask "from t order by all" >expect &&
	for order in "11 09 07,06,05 03 01" "06,03 01,11 09,05,07" "09 01,03,05,06,07,11"; do
		rm -rf other &&
		for days in $order; do
			load p.json other $(echo "$days" | tr , "\n" | sed "s/.*/x_202601&.csv/") || return 1
		done &&
		ask "from t order by all" other >actual && test_cmp expect actual || return 1
	done
'

test_expect_success 'two updates in one delivery, and two deliveries in one commit' '
	rm -rf twice && printf "id,n,op\n1,a,I\n1,b,U\n2,c,I\n" >y_20260101.csv && printf "id,n,op\n1,e,U\n2,f,U\n" >y_20260102.csv &&
	load p.json twice y_20260102.csv y_20260101.csv &&
	[ "$(chain twice)" = "1 a 01 01 ; 1 b 01 02 ; 1 e 02 - *; 2 c 01 02 ; 2 f 02 - *" ] && [ "$(at 01 twice)" = "1b 2c" ]
'

test_expect_success 'the order column says when, where it is a date' '
	rm -rf ordered && package o.json "\"load\": \"upsert\", \"order\": \"on\", \"history\": true" ", {\"name\": \"on\", \"type\": \"date\"}" &&
	printf "id,n,on\n1,a,2026-01-04\n2,b,2026-01-02\n" >o_20260110.csv && printf "id,n,on\n1,late,2026-01-02\n2,c,2026-01-06\n3,d,\n" >o_20260111.csv &&
	load o.json ordered o_20260110.csv && load o.json ordered o_20260111.csv &&
	[ "$(chain ordered)" = "1 late 02 04 ; 1 a 04 - *; 2 b 02 06 ; 2 c 06 - *; 3 d - *" ] &&
	[ "$(ask "select typeof(valid_from) from t limit 1" ordered)" = DATE ]
'

test_expect_success 'full lists: what is absent is closed, and late lists are put in their place' '
	package f.json "\"load\": \"full\", \"scope\": \"site\", \"history\": true" ", {\"name\": \"site\"}" &&
	printf "id,n,site\n1,a,S\n2,b,S\n9,z,T\n" >f_20260101.csv && printf "id,n,site\n1,a,S\n" >f_20260102.csv &&
	printf "id,n,site\n1,c,S\n2,b,S\n" >f_20260103.csv && printf "id,n,site\n2,b,S\n" >f_20260104.csv &&
	for order in "01 02 03 04" "04 03 02 01" "02 04 01 03"; do
		rm -rf full &&
		for day in $order; do load f.json full f_202601$day.csv || return 1; done &&
		[ "$(chain full)" = "1 a 01 03 ; 1 c 03 04 ; 2 b 01 02 ; 2 b 03 - *; 9 z 01 - *" ] || return 1
	done
'

test_expect_success 'a list that leaves out too much closes nothing' '
	rm -rf vanish && { echo id,n,site && seq -f "%g,a,S" 100; } >v_20260101.csv && printf "id,n,site\n1,b,S\n2,a,S\n" >v_20260102.csv &&
	load f.json vanish v_20260101.csv &&
	lk-parse -q -s f.json v_20260102.csv >out.lk && expect_status 1 lk-commit -l vanish <out.lk 2>said &&
	[ "$(ask "select count(*), count(*) filter (current), count(*) filter (n = '\''b'\'' and current) from t" vanish)" = 101,100,1 ]
'

test_expect_success 'rows of a table that begins to keep history get their times with the next commit' '
	rm -rf begun && package n.json "\"load\": \"upsert\", \"op\": \"op\"" ", {\"name\": \"op\"}" &&
	printf "id,n,op\n1,a,I\n2,b,I\n3,e,I\n" >b_20260101.csv && printf "id,n,op\n2,c,U\n" >b_20260102.csv && printf "id,n,op\n1,d,U\n" >b_20260103.csv &&
	load n.json begun b_20260101.csv b_20260102.csv && [ "$(ask "select count(*) from t" begun)" = 3 ] &&
	lk-table alter -q -l begun t "set lk.history = true" &&
	load n.json begun b_20260103.csv && [ "$(chain begun)" = "1 a 01 03 ; 1 d 03 - *; 2 c 02 - *; 3 e 01 - *" ]
'

test_expect_success 'a delivery that is loaded anew takes what it brought before with it' '
	rm -rf anew && cp x_20260101.csv a_20260101.csv && cp x_20260105.csv a_20260105.csv && package mended.json "\"load\": \"upsert\", \"op\": \"op\", \"history\": true" ", {\"name\": \"op\"}" &&
	load p.json anew a_20260101.csv && load p.json anew a_20260105.csv && [ "$(chain anew)" = "1 a 01 05 ; 1 c 05 - *; 2 b 01 - *" ] &&
	sed "s/{\"name\": \"n\"}/{\"name\": \"n\", \"lk\": {\"map\": {\"a\": \"A\"}}}/" p.json >mended.json &&
	lk-parse -q -s mended.json a_20260101.csv | lk-commit -q -l anew --again &&
	[ "$(chain anew)" = "1 A 01 05 ; 1 c 05 - *; 2 b 01 - *" ]
'

test_expect_success 'compaction keeps the times, and what comes then goes on from them' '
	rm -rf packed && for day in 01 05 07 09 06; do load p.json packed x_202601$day.csv || return 1; done &&
	ask "from t order by all" packed >before && lk-compact -q -l packed && ask "from t order by all" packed >after && test_cmp before after &&
	load p.json packed x_20260111.csv && load p.json packed x_20260103.csv && ask "from t order by all" packed >actual && test_cmp expect actual
'

test_expect_success 'lk-upsert leaves such tables to lk-commit' '
	lk-parse -q -s p.json x_20260111.csv >out.lk && expect_error 65 "keeps rows of the past (lk.history)" lk-upsert -l lake <out.lk
'

test_expect_success 'two writers at once' '
	rm -rf both && load p.json both x_20260101.csv &&
	for day in 03 05 06 07 09 11; do load p.json both x_202601$day.csv & pids="$pids $!"; done &&
	for pid in $pids; do wait $pid || return 1; done &&
	ask "from t order by all" both >actual && test_cmp expect actual
'

test_expect_success 'ingest, with workers' '
	rm -rf landing ingested && mkdir landing && cp x_*.csv landing && lk-ingest -q --settle 0 -j 2 -s p.json -l ingested landing &&
	ask "from t order by all" ingested >actual && test_cmp expect actual && lk-fsck -q -l ingested && lk-fsck -q -l lake
'

test_done
