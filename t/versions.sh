#!/bin/sh
# Rows that are versions of their keys (lk.load upsert, full): lk_sent, keys that are null, words of operations, packages.
. "$(dirname "$0")/test-lib.sh"

ask() { # SQL, of lake
	lk-query -l lake -F csv "$1" | tail -n +2
}

package() { # FILE LK FIELDS [PRIMARY-KEY], its resource `t` of *.csv
	printf '{"name": "p", "lk": {"delivery": "_(?<sent>[^/]*)[.]csv$"}, "resources": [{"name": "t", "path": "*.csv", "lk": {%s},
		"schema": {%s"fields": [%s]}}]}\n' "$2" "${4-\"primaryKey\": \"id\", }" "$3" >"$1"
}

fields='{"name": "id", "type": "integer"}, {"name": "n"}'

sent() { # NAME, of a delivery: what lk_sent is
	printf "id,n\n1,a\n" >"$1" && touch -d "2026-05-06 07:08:09.25 UTC" "$1" &&
	lk-parse -s "${2-p.json}" "$1" | lk-cat -t t -F csv | cut -d, -f3 | tail -n +2
	rm "$1"
}

test_expect_success 'when a delivery was sent stands before lk_file, of versions only' '
	package p.json "\"load\": \"upsert\"" "$fields" && package full.json "\"load\": \"full\"" "$fields" &&
	package append.json "\"load\": \"append\"" "$fields" && printf "id,n\n1,a\n" >x_1.csv &&
	for how in p full; do
		lk-parse -s $how.json x_1.csv | lk-cat -t t -F csv | head -n 1 >actual &&
		echo "id,n,lk_sent,lk_file,lk_row" >expect && test_cmp expect actual || return 1
	done &&
	lk-parse -s append.json x_1.csv | lk-cat -t t -F csv | head -n 1 >actual && echo "id,n,lk_file,lk_row" >expect &&
	test_cmp expect actual
'

test_expect_success 'the group `sent` says when, in many forms' '
	while read -r name is; do
		[ "$(sent "x_$name.csv")" = "$is" ] || { echo "$name: $(sent "x_$name.csv"), not $is"; return 1; }
	done <<-\EOF_
	20261121 2026-11-21 00:00:00+00
	2026-11-21 2026-11-21 00:00:00+00
	2026_11_21 2026-11-21 00:00:00+00
	20261121T0715 2026-11-21 07:15:00+00
	20261121T071559 2026-11-21 07:15:59+00
	20261121T071559Z 2026-11-21 07:15:59+00
	20261121071559 2026-11-21 07:15:59+00
	202611210715 2026-11-21 07:15:00+00
	20261121_0715 2026-11-21 07:15:00+00
	20261121-071559 2026-11-21 07:15:59+00
	20261121T0715+0200 2026-11-21 05:15:00+00
	2026-11-21T07:15:59 2026-11-21 07:15:59+00
	2026-11-21T07:15:59.125-05:00 2026-11-21 12:15:59.125+00
	2026-11-21_07-15-59 2026-11-21 07:15:59+00
	2026-11-21T07-15-59Z 2026-11-21 07:15:59+00
	2026-11-21_07.15 2026-11-21 07:15:00+00
	EOF_
'

test_expect_success 'what is none is told, and the time of last change taken' '
	for name in 20261321 2026-02-30 2026 202611 20261121_7 20261121_0715_001 20261121T2561 today 2026-11-21_07-15-59-00; do
		[ "$(sent "x_$name.csv")" = "2026-05-06 07:08:09.25+00" ] || { echo "$name"; return 1; }
	done &&
	printf "id,n\n1,a\n" >x_today.csv && lk-parse -s p.json x_today.csv | lk-cat -t lk.files -F csv >files &&
	grep -q "the group .sent. of lk.delivery is no date or time here: lk_sent is when the delivery was last changed" files &&
	printf "id,n\n1,a\n" >x_20261121.csv && lk-parse -s p.json x_20261121.csv | lk-cat -t lk.files -F csv >files &&
	! grep "no date" files &&
	sed "s/\"delivery\": [^}]*/\"timezone\": \"UTC\"/" p.json >nogroup.json && [ "$(sent x_20261121.csv nogroup.json)" = "2026-05-06 07:08:09.25+00" ] &&
	lk-parse -s nogroup.json x_today.csv | lk-cat -t lk.files -F csv >files && ! grep "no date" files
'

test_expect_success 'a time without an offset is in the time zone of the resource' '
	package zone.json "\"load\": \"upsert\", \"timezone\": \"America/New_York\"" "$fields" &&
	[ "$(sent x_20261121T0715.csv zone.json)" = "2026-11-21 12:15:00+00" ] &&
	[ "$(sent x_20260621.csv zone.json)" = "2026-06-21 04:00:00+00" ] &&
	[ "$(sent x_20261121T0715Z.csv zone.json)" = "2026-11-21 07:15:00+00" ] &&
	[ "$(sent x_20260308T0230.csv zone.json)" = "2026-05-06 07:08:09.25+00" ] &&
	package zone.json "\"load\": \"upsert\", \"timezone\": \"+05:30\"" "$fields" &&
	[ "$(sent x_20261121T0715.csv zone.json)" = "2026-11-21 01:45:00+00" ]
'

test_expect_success 'members of an archive are as old as it, or as its name says' '
	mkdir -p in && printf "id,n\n1,a\n" >in/a.csv && touch -d "2001-01-01" in/a.csv && tar -C in -czf x.tar.gz a.csv &&
	touch -d "2026-05-06 07:08:09 UTC" x.tar.gz && cp -p x.tar.gz x_20261121.tar.gz &&
	sed "s/\[.\]csv/.tar.gz/" p.json >tar.json &&
	lk-unpack x.tar.gz x_20261121.tar.gz | lk-parse -s nogroup.json | lk-cat -t t -F csv | cut -d, -f3 | tail -n +2 >actual &&
	printf "2026-05-06 07:08:09+00\n2026-05-06 07:08:09+00\n" >expect && test_cmp expect actual &&
	lk-unpack x_20261121.tar.gz | lk-parse -s tar.json | lk-cat -t t -F csv | cut -d, -f3 | tail -n 1 >actual &&
	echo "2026-11-21 00:00:00+00" >expect && test_cmp expect actual
'

test_expect_success 'records without a value of the key are rejects' '
	two="{\"name\": \"id\", \"type\": \"integer\", \"lk\": {\"bad\": \"null\"}}, {\"name\": \"at\", \"type\": \"date\"}, {\"name\": \"n\"}" &&
	package two.json "\"load\": \"upsert\"" "$two" "\"primaryKey\": [\"id\", \"at\"], " &&
	printf "id,at,n\n1,2026-01-01,a\n,2026-01-01,b\n2,,c\nx,2026-01-01,d\n3,2026-01-01,\n" >x_2.csv &&
	expect_status 1 lk-parse -s two.json x_2.csv >out.lk &&
	lk-cat -t lk.rejects -F csv out.lk | cut -d, -f6,8,9,10 | grep . >actual &&
	cat >expect <<-\EOF_ &&
	record,field,reason,value
	2,id,a value of the key is missing,
	3,at,a value of the key is missing,
	4,id,is not an integer of 64 bits,x
	EOF_
	test_cmp expect actual && [ "$(lk-cat -t t -F csv out.lk | tail -n +2 | wc -l)" = 2 ] &&
	package two.json "\"load\": \"append\"" "$two" "\"primaryKey\": [\"id\", \"at\"], " && lk-parse -s two.json x_2.csv >out.lk &&
	[ "$(lk-cat -t t -F csv out.lk | tail -n +2 | wc -l)" = 5 ]
'

test_expect_success 'records that say no operation are rejects' '
	package op.json "\"load\": \"upsert\", \"op\": \"op\"" "$fields, {\"name\": \"op\"}" &&
	printf "id,n,op\n1,a,I\n2,b,U\n3,c,D\n4,d,\n5,e,X\n6,f,delete\n7,g,r\n8,h,gone\n" >x_3.csv &&
	expect_status 1 lk-parse -s op.json x_3.csv >out.lk && lk-cat -t lk.rejects -F csv out.lk | cut -d, -f6,8,9,10 | grep . >actual &&
	cat >expect <<-\EOF_ &&
	record,field,reason,value
	5,op,says neither insert nor update nor delete,X
	8,op,says neither insert nor update nor delete,gone
	EOF_
	test_cmp expect actual && [ "$(lk-cat -t t -F csv out.lk | tail -n +2 | wc -l)" = 6 ] &&
	package op.json "\"load\": \"append\", \"op\": \"op\"" "$fields, {\"name\": \"op\"}" && lk-parse -s op.json x_3.csv >out.lk
'

test_expect_success 'the column of operations is none of the table, and the key is its identity' '
	printf "id,n,op\n1,a,I\n2,b,U\n" >x_3.csv && package op.json "\"load\": \"upsert\", \"op\": \"op\"" "$fields, {\"name\": \"op\"}" &&
	for how in commit table; do
		rm -rf lake
		case $how in
		commit) lk-parse -q -s op.json x_3.csv | lk-commit -q -l lake ;;
		table) lk-table create -q -l lake -s op.json ;;
		esac &&
		lk-table describe -l lake t --json >told && python3 - <<-\EOF_ || return 1
		import json
		told = json.load(open("told"))
		columns = {c["column"]: c["key"] for c in told["columns"]}
		assert columns == {"id": True, "n": False, "lk_sent": False, "lk_file": False, "lk_row": False}, columns
		assert told["properties"]["lk.load"] == "upsert", told
		EOF_
	done
'

test_expect_success 'packages that do not go together with their load are refused' '
	wrong() { expect_error 78 "$1" lk-parse --check -s w.json && expect_error 78 "$1" lk-parse -s w.json x_1.csv; } &&
	package w.json "\"load\": \"full\"" "$fields" "" &&
	wrong "resources[0].schema.primaryKey: the resource '\''t'\'' needs one: lk.load is full" &&
	package w.json "\"load\": \"upsert\"" "$fields" "\"primaryKey\": [], " &&
	wrong "resources[0].schema.primaryKey: the resource '\''t'\'' needs one: lk.load is upsert" &&
	package w.json "\"load\": \"upsert\"" "$fields" "\"primaryKey\": \"i\", " && wrong "there is no field '\''i'\''" &&
	package w.json "\"load\": \"upsert\", \"op\": \"id\"" "$fields" "\"primaryKey\": \"n\", " && wrong "resources[0].lk.op: field '\''id'\'' must be of type string" &&
	package w.json "\"load\": \"upsert\", \"op\": \"n\"" "$fields" "\"primaryKey\": \"n\", " && wrong "resources[0].lk.op: field '\''n'\'' is in schema.primaryKey" &&
	package w.json "\"load\": \"full\", \"maxVanish\": \"much\"" "$fields" && wrong "resources[0].lk.maxVanish: '\''much'\'' must be a number of rows or a percentage" &&
	package w.json "\"maxVanish\": \"5%\"" "$fields" && wrong "resources[0].lk.maxVanish: is for" &&
	package w.json "\"scope\": [\"n\"]" "$fields" && wrong "resources[0].lk.scope: is for" &&
	package w.json "\"history\": true" "$fields" && wrong "resources[0].lk.history: is for" &&
	package w.json "\"load\": \"upsert\", \"history\": true" "$fields, {\"name\": \"Current\"}" &&
	wrong "resources[0].lk.history: the table'\''s own column '\''current'\'' is that of field '\''Current'\'' too" &&
	mkdir -p both && cp p.json both/ && package both/q.json "\"load\": \"full\"" "$fields" &&
	expect_error 78 "table t is fed by the resources t and t, with different lk.load" lk-parse --check -s both &&
	package both/q.json "\"load\": \"upsert\", \"order\": \"n\"" "$fields" && expect_error 78 "with different lk.order" lk-parse --check -s both &&
	package both/q.json "\"load\": \"upsert\"" "$fields" "\"primaryKey\": \"n\", " && expect_error 78 "with different schema.primaryKey" lk-parse --check -s both &&
	cp p.json both/q.json && lk-parse --check -s both
'

test_expect_success 'a replayed record was sent when its delivery was' '
	printf "id,n\n1,a\nx,b\n" >x_today.csv && touch -d "2026-05-06 07:08:09 UTC" x_today.csv &&
	expect_status 1 lk-parse -s p.json x_today.csv >out.lk && lk-commit -q -l lake <out.lk && touch x_today.csv &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''x'\'', '\''2'\'') as raw) from quarantine.rejects" |
		lk-parse -s p.json --replay | lk-commit -q -l lake &&
	[ "$(ask "select string_agg(concat_ws('\''|'\'', id, lk_sent), '\'' '\'' order by id) from t")" = "1|2026-05-06 07:08:09+00 2|2026-05-06 07:08:09+00" ]
'

test_expect_success 'expectations of samples and lk-diff leave it out' '
	mkdir -p s/samples && cp p.json s/datapackage.json && printf "id,n\n1,a\n" >s/samples/x_20260102.csv &&
	lk-parse --check --accept -s s && printf "%s\n" "{\"id\":1,\"n\":\"a\"}" >expect &&
	test_cmp expect s/samples/x_20260102.csv.expect/t.jsonl && lk-parse --check -s s &&
	rm -rf lake && printf "id,n\n1,a\n2,b\n" >x_20260102.csv && lk-parse -q -s p.json x_20260102.csv | lk-commit -q -l lake &&
	printf "id,n\n1,a\n2,c\n" >x_20260103.csv && lk-parse -q -s p.json x_20260103.csv | lk-commit -q -l other &&
	expect_status 1 lk-diff -l lake -t t --with other >actual && ! grep lk_sent actual && grep c actual && ! grep a,a actual &&
	expect_status 1 lk-diff -l lake -t t --with other --trace >actual && grep lk_sent actual
'

test_done
