#!/bin/sh
# lk-upsert: what becomes of rows by their key; op words, full lists, patches, rows of before; spilling; what is wrong with a stream or a lake.
. "$(dirname "$0")/test-lib.sh"


# rows TABLE COLUMNS < ROWS: a stream of a table with key id, in an upsert.
rows() {
	{
		printf '%%lk.key ["id"]\n'
		printf '%%lk.load %s\n' "${LOAD:-upsert}"
		[ -z "${META:-}" ] || printf '%s\n' "$META"
		printf '@%s %s\n' "$1" "$2"
		cat
	} | make-stream
}

head_of() { lk-log -l lake -t $1 --json --max-count 1 | grep -o '"snapshot":[0-9]*' | cut -d: -f2; }

# The columns that tests look at, as csv.
show() { # FILE [COLUMNS]
	lk-query -F csv "SELECT ${2:-lk_op, id, name} FROM stdin" <"$1"
}

PEOPLE='id:int64! name:utf8 weight:decimal(9,2) lk_sent:timestamptz lk_file:utf8 lk_row:int64'

test_expect_success 'a lake with a table' '
	printf "%s\n" "@main.people $PEOPLE" \
		"id=1|name=Ada|weight=50.5|lk_sent=2026-01-01T00:00:00Z|lk_file=a.zip@aaaaaaaaaaaa!p.csv|lk_row=1" \
		"id=2|name=Bob|lk_sent=2026-01-01T00:00:00Z|lk_file=a.zip@aaaaaaaaaaaa!p.csv|lk_row=2" \
		"id=3|name=Cyd|weight=70|lk_sent=2026-01-01T00:00:00Z|lk_file=a.zip@aaaaaaaaaaaa!p.csv|lk_row=3" \
		"id=4|name=Dan|weight=80|lk_sent=2026-03-01T00:00:00Z|lk_file=c.zip@cccccccccccc!p.csv|lk_row=1" | make-stream >base.lk &&
	lk-commit -q -l lake <base.lk
'

test_expect_success 'each verdict: insert, update, unchanged, late, repeated, delete' '
	META="%lk.op op" rows main.people "op:utf8 $PEOPLE" >in.lk <<-\END &&
	id=9|name=New|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=1
	id=1|name=Ada L.|weight=50.5|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=2
	id=2|name=Bob|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=3
	op=D|id=3|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=4
	id=4|name=Late|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=5
	id=9|name=Newest|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=6
	END
	lk-upsert -l lake <in.lk >out.lk 2>err && cat err &&
	cat >expect <<-\END &&
	lk_op,id,name,lk_row,goes
	U,1,Ada L.,2,true
	D,3,,4,true
	I,9,Newest,6,false
	END
	show out.lk "lk_op, id, name, lk_row, lk_old_pos IS NOT NULL AS goes" | head -1 >actual &&
	show out.lk "lk_op, id, name, lk_row, lk_old_pos IS NOT NULL AS goes" | tail -n +2 | sort -t, -k2n >>actual &&
	test_cmp expect actual &&
	grep -qF "lk-upsert: main.people: 6 rows came: 1 inserted, 1 updated, 1 deleted, 1 unchanged, 1 late, 1 repeated" err
'

test_expect_success 'rows come out in the order in which they came' '
	printf "lk_op,id,name\nU,1,Ada L.\nD,3,\nI,9,Newest\n" >expect &&
	show out.lk >actual && test_cmp expect actual
'

test_expect_success 'columns: the marks in front, the op column gone, metadata settled' '
	lk-cat --schema -t main.people -F json out.lk >schema.json && cat schema.json &&
	jq -r "select(.column) | .column" schema.json | paste -sd, >actual &&
	echo "lk_op,lk_old_file,lk_old_pos,id,name,weight,lk_sent,lk_file,lk_row" >expect && test_cmp expect actual &&
	jq -r "select(.column == null) | .metadata | fromjson | .[\"lk.op\"], .[\"lk.load\"], .[\"lk.key\"]" schema.json >actual &&
	printf "lk_op\nupsert\n[\"id\"]\n" >expect && test_cmp expect actual
'

test_expect_success 'lk.change: table, base, key, and the files that rows go from' '
	jq -r "select(.column == null) | .metadata | fromjson | .[\"lk.change\"]" schema.json >change.json && cat change.json &&
	[ "$(jq -r .branch change.json)" = main ] && [ "$(jq -r .load change.json)" = upsert ] &&
	[ "$(jq -c .keyIds change.json)" = "[1]" ] && [ "$(jq -c .scope change.json)" = "[]" ] &&
	[ "$(jq -r .base change.json)" = "$(head_of main.people)" ] &&
	[ "$(jq -r ".files | length" change.json)" = 1 ] &&
	path=$(jq -r ".files[0]" change.json) && [ -f "${path#file://}" ] &&
	lk-query -F csv "SELECT lk_op, lk_old_file, lk_old_pos FROM stdin WHERE lk_op <> '"'I'"' ORDER BY 3" <out.lk >actual &&
	printf "lk_op,lk_old_file,lk_old_pos\nU,0,0\nD,0,2\n" >expect && test_cmp expect actual
'

test_expect_success 'the end marker counts what was dropped, and says why' '
	grep -aqF "1 unchanged, 1 late, 1 repeated" out.lk &&
	printf "table,rows\nmain.people,3\nlk.versions,2\n" >expect && lk-cat --count out.lk | sort -t, -k2nr >actual && grep -F main.people,3 actual &&
	grep -F lk.versions,2 actual
'

test_expect_success 'facts travel beside: what was deleted, and what was confirmed' '
	lk-cat -t lk.versions -F json out.lk >facts.json && cat facts.json &&
	jq -r "[.table, .fact, .lk_file, .lk_row] | @csv" facts.json | sort >actual &&
	cat >expect <<-\END &&
	"main.people","confirmed","b.zip@bbbbbbbbbbbb!p.csv",3
	"main.people","deleted","b.zip@bbbbbbbbbbbb!p.csv",4
	END
	test_cmp expect actual &&
	[ "$(jq -r .table_uuid facts.json | sort -u)" = "$(jq -r .uuid change.json)" ]
'

test_expect_success 'as JSON: a line for each table' '
	lk-upsert -q --json -l lake <in.lk 2>err >again.lk &&
	cat >expect <<-\END &&
	{"table":"main.people","new":false,"rows":6,"inserted":1,"updated":1,"deleted":1,"unchanged":1,"late":1,"repeated":1,"held":0,"heldScopes":0}
	END
	test_cmp expect err &&
	lk-upsert -q -l lake <in.lk 2>err >again.lk && ! [ -s err ]
'

test_expect_success 'op words of all kinds, in any case; null is an insert, B is nothing' '
	META="%lk.op op" rows main.people "op:utf8 id:int64! name:utf8" >ops.lk <<-\END &&
	op=i|id=11
	op=C|id=12
	op=r|id=13
	op=Insert|id=14
	op=U|id=15
	op=UPDATE|id=16
	op=d|id=17
	op=delete|id=18
	id=19
	op=B|id=20
	END
	lk-upsert -q -l none <ops.lk >out.lk && show out.lk "lk_op, id" >actual &&
	printf "lk_op,id\nI,11\nI,12\nI,13\nI,14\nI,15\nI,16\nD,17\nD,18\nI,19\n" >expect && test_cmp expect actual
'

test_expect_success 'the column of --op, whatever the stream says' '
	rows main.people "what:utf8 id:int64! lk_sent:timestamptz" >ops.lk <<-\END &&
	what=delete|id=1|lk_sent=2026-02-01T00:00:00Z
	END
	lk-upsert -q -l lake --op what <ops.lk >out.lk && show out.lk "lk_op, id" >actual &&
	printf "lk_op,id\nD,1\n" >expect && test_cmp expect actual &&
	! lk-cat --schema out.lk | grep what
'

test_expect_success 'an op that is none names table, column, file and row' '
	META="%lk.op op" rows main.people "op:utf8 $PEOPLE" >bad.lk <<-\END &&
	op=X|id=1|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=7
	END
	expect_error 65 "table main.people: column op of '"'b.zip@bbbbbbbbbbbb!p.csv'"', row 7" lk-upsert -l lake <bad.lk >out.lk
'

test_expect_success 'a key that is null is bad data, and said where' '
	rows main.people "id:int64 lk_file:utf8 lk_row:int64" >bad.lk <<-\END &&
	id=5|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=1
	lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=2
	END
	expect_error 65 "table main.people: column id of '"'b.zip@bbbbbbbbbbbb!p.csv'"', row 2" lk-upsert -l lake <bad.lk >out.lk &&
	! lk-cat out.lk
'

test_expect_success 'columns that the table has and rows do not are null, which is an update' '
	rows main.people "id:int64! name:utf8 lk_sent:timestamptz lk_file:utf8 lk_row:int64" >in.lk <<-\END &&
	id=1|name=Ada|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=2
	id=2|name=Bob|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=3
	END
	lk-upsert -q -l lake <in.lk >out.lk && show out.lk >actual &&
	printf "lk_op,id,name\nU,1,Ada\n" >expect && test_cmp expect actual
'

test_expect_success '--patch: columns that rows do not have keep their values' '
	lk-upsert -q -l lake --patch <in.lk >out.lk && show out.lk "lk_op, id, name, weight" >actual &&
	printf "lk_op,id,name,weight\n" >expect && test_cmp expect actual &&
	rows main.people "id:int64! name:utf8 lk_sent:timestamptz lk_file:utf8 lk_row:int64" >in.lk <<-\END &&
	id=1|name=Ada L.|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=2
	id=7|name=New|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=3
	id=3|lk_sent=2026-02-01T00:00:00Z|lk_file=b.zip@bbbbbbbbbbbb!p.csv|lk_row=4
	END
	lk-upsert -q -l lake --patch <in.lk >out.lk && show out.lk "lk_op, id, name, weight, lk_row" >actual &&
	printf "lk_op,id,name,weight,lk_row\nU,1,Ada L.,50.50,2\nI,7,New,,3\nU,3,,70.00,4\n" >expect && test_cmp expect actual &&
	lk-cat --schema -F json out.lk | jq -r "select(.column == null) | .metadata | fromjson | .[\"lk.change\"]" >change.json &&
	[ "$(jq -r .load change.json)" = patch ] &&
	[ "$(jq -c .columns change.json)" = "[\"id\",\"name\",\"lk_sent\",\"lk_file\",\"lk_row\"]" ]
'

# parts TABLE: two streams of patches, of which each has columns of its own; rows are `s:...` and `p:...`.
parts() {
	cat >parts.txt
	for part in "s name:utf8" "p phone:utf8"; do
		printf "%%lk.key [\"id\"]\n%%lk.op op\n@%s op:utf8 id:int64! %s lk_sent:timestamptz\n" "$1" "${part#* }"
		sed -n "s/^${part%% *}://p" parts.txt
	done | make-stream
}

test_expect_success '--patch: several patches of a key, in the order of their versions, whichever columns they have' '
	printf "@main.phones id:int64! name:utf8 phone:utf8 lk_sent:timestamptz\n%s\n%s\n%s\n%s\n%s\n%s\n" \
		"id=1|name=n1|phone=p1|lk_sent=2026-01-02T00:00:00Z" "id=2|name=n2|lk_sent=2026-01-02T00:00:00Z" \
		"id=3|name=n3|phone=p3|lk_sent=2026-01-02T00:00:00Z" "id=4|name=n4|phone=p4|lk_sent=2026-01-02T00:00:00Z" \
		"id=5|name=n5|phone=p5|lk_sent=2026-01-02T00:00:00Z" "id=6|phone=p6|lk_sent=2026-01-02T00:00:00Z" | make-stream | lk-commit -q -l lake &&
	parts main.phones >in.lk <<-\END &&
	s:id=1|name=N1|lk_sent=2026-01-04T00:00:00Z
	s:id=2|name=late|lk_sent=2026-01-01T00:00:00Z
	s:id=3|name=N3|lk_sent=2026-01-03T00:00:00Z
	s:id=4|name=N4|lk_sent=2026-01-05T00:00:00Z
	s:id=5|name=N5|lk_sent=2026-01-03T00:00:00Z
	s:id=7|name=N7|lk_sent=2026-01-03T00:00:00Z
	s:id=6|name=N6|lk_sent=2026-01-03T00:00:00Z
	p:id=1|phone=P1|lk_sent=2026-01-03T00:00:00Z
	p:id=1|phone=older|lk_sent=2026-01-02T12:00:00Z
	p:id=2|phone=P2|lk_sent=2026-01-03T00:00:00Z
	p:id=3|phone=P3|lk_sent=2026-01-04T00:00:00Z
	p:op=D|id=4|lk_sent=2026-01-04T00:00:00Z
	p:op=D|id=5|lk_sent=2026-01-04T00:00:00Z
	p:id=7|phone=P7|lk_sent=2026-01-02T00:00:00Z
	p:id=6|phone=p6|lk_sent=2026-01-04T00:00:00Z
	END
	cat >expect <<-\END &&
	lk_op,id,name,phone
	U,1,N1,P1
	U,2,n2,P2
	U,3,N3,P3
	U,4,N4,
	D,5,,
	U,6,N6,p6
	I,7,N7,P7
	END
	lk-upsert -l lake --patch <in.lk >out.lk 2>err && cat err && show out.lk "lk_op, id, name, phone" >rows && (head -1 rows && tail -n +2 rows | sort -t, -k2n) >actual &&
	test_cmp expect actual && grep -F "1 inserted, 5 updated, 1 deleted, 0 unchanged, 0 late, 8 repeated" err &&
	lk-upsert -q -l nowhere --patch <in.lk >out.lk && show out.lk "lk_op, id, name, phone" >rows && (head -1 rows && tail -n +2 rows | sort -t, -k2n) >actual &&
	sed "s/^U/I/; s/n2,P2/late,P2/" expect >want && test_cmp want actual
'

test_expect_success '--before: the row of before stands in front of the one that takes its place' '
	META="%lk.op op" rows main.people "op:utf8 $PEOPLE" >in.lk <<-\END &&
	id=9|name=New|lk_sent=2026-02-01T00:00:00Z|lk_row=1
	id=3|name=Cid|weight=71|lk_sent=2026-02-01T00:00:00Z|lk_row=2
	op=D|id=1|lk_sent=2026-02-01T00:00:00Z|lk_row=4
	END
	lk-upsert -q -l lake --before <in.lk >out.lk && show out.lk "lk_op, id, name, weight, lk_old_pos" >actual &&
	cat >expect <<-\END &&
	lk_op,id,name,weight,lk_old_pos
	I,9,New,,
	B,3,Cyd,70.00,
	U,3,Cid,71.00,2
	B,1,Ada,50.50,
	D,1,,,0
	END
	test_cmp expect actual
'

# ---- complete lists ----

CENSUS='facility:utf8! id:int64! name:utf8 lk_sent:timestamptz lk_file:utf8 lk_row:int64'
census() { # SENT DIGEST: a list; rows on stdin are FACILITY ID NAME
	{
		printf "%%lk.key [\"facility\",\"id\"]\n%%lk.load full\n%%lk.scope [\"facility\"]\n@main.census %s\n" "$CENSUS"
		n=0
		while read -r facility id name; do
			n=$((n + 1))
			echo "facility=$facility|id=$id|name=$name|lk_sent=$1|lk_file=l.zip@$2!c.csv|lk_row=$n"
		done
	} | make-stream
}

test_expect_success 'a lake with lists of three facilities' '
	{
		printf "@main.census %s\n" "$CENSUS"
		for f in A B C; do
			for i in 1 2 3; do
				echo "facility=$f|id=$i|name=$f$i|lk_sent=2026-01-01T00:00:00Z|lk_file=l.zip@aaaaaaaaaaaa!c.csv|lk_row=$i"
			done
		done
	} | make-stream >base.lk && lk-commit -q -l lake <base.lk
'

test_expect_success 'full: what is absent in a scope that came is deleted, other scopes stay' '
	census 2026-02-01T00:00:00Z bbbbbbbbbbbb >in.lk <<-\END &&
	A 1 A1
	A 9 A9
	B 1 B1
	B 2 changed
	B 3 B3
	END
	lk-upsert -l lake <in.lk >out.lk 2>err && cat err && show out.lk "lk_op, facility, id, name" >actual &&
	cat >expect <<-\END &&
	lk_op,facility,id,name
	I,A,9,A9
	U,B,2,changed
	D,A,2,
	D,A,3,
	END
	test_cmp expect actual &&
	grep -F "1 inserted, 1 updated, 2 deleted, 3 unchanged" err &&
	lk-cat -t lk.versions -F csv out.lk | grep -c complete >actual && echo 2 >expect && test_cmp expect actual
'

test_expect_success 'full with --before: what vanishes is told in whole' '
	lk-upsert -q -l lake --before <in.lk >out.lk && show out.lk "lk_op, facility, id, name" >actual &&
	cat >expect <<-\END &&
	lk_op,facility,id,name
	I,A,9,A9
	B,B,2,B2
	U,B,2,changed
	B,A,2,A2
	D,A,2,
	B,A,3,A3
	D,A,3,
	END
	test_cmp expect actual
'

test_expect_success 'an older list is late as a whole' '
	census 2025-12-01T00:00:00Z 999999999999 >old.lk <<-\END &&
	A 1 old
	END
	lk-upsert -l lake <old.lk >out.lk 2>err && cat err && lk-cat --count out.lk >actual && cat actual &&
	grep -F "main.census,0" actual && grep -F "1 late" err
'

test_expect_success 'more than the limit may vanish: nothing of that scope does, and the exit status is 1' '
	expect_status 1 lk-upsert --max-vanish 1 -l lake <in.lk >out.lk 2>err && cat err &&
	show out.lk "lk_op, facility, id" >actual && printf "lk_op,facility,id\nI,A,9\nU,B,2\n" >expect && test_cmp expect actual &&
	grep -F "held back: 2 rows" err &&
	lk-upsert -q --json --max-vanish 10% -l lake <in.lk 2>few >out.lk && cat few && jq -e ".held == 0 and .deleted == 2" few && # 20 always may
	lk-upsert -q --max-vanish 2 -l lake <in.lk >out.lk
'

test_expect_success '--full --scope on rows that say nothing of it' '
	{
		printf "%%lk.key [\"facility\",\"id\"]\n@main.census %s\n" "$CENSUS"
		echo "facility=C|id=1|name=C1|lk_sent=2026-02-01T00:00:00Z|lk_file=l.zip@bbbbbbbbbbbb!c.csv|lk_row=1"
	} | make-stream >plain.lk &&
	lk-upsert -q -l lake <plain.lk >out.lk && show out.lk "lk_op, facility, id" >actual &&
	printf "lk_op,facility,id\n" >expect && test_cmp expect actual &&
	lk-upsert -q -l lake --full --scope facility <plain.lk >out.lk && show out.lk "lk_op, facility, id" >actual &&
	printf "lk_op,facility,id\nD,C,2\nD,C,3\n" >expect && test_cmp expect actual &&
	lk-upsert -q -l lake --full <plain.lk >out.lk && show out.lk "count(*) AS n" >actual &&
	printf "n\n8\n" >expect && test_cmp expect actual
'

test_expect_success 'a list of which records were rejected is not complete' '
	{
		printf "%%lk.key [\"facility\",\"id\"]\n%%lk.load full\n%%lk.scope [\"facility\"]\n@main.census %s\n" "$CENSUS"
		echo "facility=C|id=1|name=C1|lk_sent=2026-02-01T00:00:00Z|lk_file=l.zip@bbbbbbbbbbbb!c.csv|lk_row=1"
		echo "@lk.files"
		echo "delivery=l.zip|sha256=bbbbbbbbbbbb0000|member=c.csv|table=main.census|rows_in=2|rows=1|rejected=1|status=ok"
	} | make-stream >in.lk &&
	lk-upsert -q -l lake <in.lk >out.lk && lk-cat --count out.lk >actual && cat actual &&
	grep -F "lk.files,1" actual && grep -F "main.census,0" actual
'

test_expect_success 'a list of rows that do not say where they are from is the newest where none does' '
	printf "@main.plain id:int64! name:utf8\n*5 id=#|name=n#\n" | make-stream >base.lk && lk-commit -q -l lake <base.lk &&
	LOAD=full rows main.plain "id:int64! name:utf8" >in.lk <<-\END &&
	id=0|name=n0
	id=1|name=changed
	END
	lk-upsert -q -l lake <in.lk >out.lk && show out.lk >actual && cat >expect <<-\END && test_cmp expect actual
	lk_op,id,name
	U,1,changed
	D,2,
	D,3,
	D,4,
	END
'

# ---- tables and streams ----

test_expect_success 'a table that is appended to, one without a key and the side tables pass unchanged' '
	{
		printf "%%lk.key [\"id\"]\n%%lk.load append\n@main.log id:int64!\nid=1\nid=1\n"
		printf "@main.notes note:utf8\nnote=a\nnote=a\n"
		printf "%%lk.key [\"id\"]\n@main.people id:int64! name:utf8\nid=50|name=x\nid=50|name=y\n"
		printf "@lk.rejects\nreason=bad\n"
	} | make-stream >in.lk && lk-upsert -q -l lake <in.lk >out.lk && lk-cat --count out.lk | sort >actual &&
	printf "lk.rejects,1\nmain.log,2\nmain.notes,2\nmain.people,1\ntable,rows\n" >expect && test_cmp expect actual &&
	lk-upsert -q -l lake -t log <in.lk >out.lk && lk-cat --count out.lk | sort >actual &&
	printf "lk.rejects,1\nmain.log,1\nmain.notes,2\nmain.people,2\ntable,rows\n" >expect && test_cmp expect actual &&
	expect_error 66 "no table '"'nothing'"'" lk-upsert -q -l lake -t nothing <in.lk >out.lk &&
	expect_error 65 "table main.notes: it has no key" lk-upsert -q -l lake -t notes <in.lk >out.lk &&
	expect_error 65 "lk.key names a column '"'id'"'" lk-upsert -q -l lake --key id <in.lk >out.lk
'

test_expect_success 'no lake yet, or no such table: all are inserts' '
	rows main.fresh "id:int64! name:utf8" >in.lk <<-\END &&
	id=1|name=a
	id=2|name=b
	id=1|name=c
	END
	lk-upsert -l nowhere <in.lk >out.lk 2>err && grep -F "there is no lake" err && ! [ -e nowhere ] &&
	show out.lk >actual && printf "lk_op,id,name\nI,2,b\nI,1,c\n" >expect && test_cmp expect actual &&
	lk-upsert -l lake <in.lk >out.lk 2>err && grep -F "does not have the table yet" err &&
	show out.lk >actual && test_cmp expect actual
'

test_expect_success 'a table without rows passes through with its columns' '
	rows main.people "$PEOPLE" </dev/null >in.lk &&
	lk-upsert -q -l lake <in.lk >out.lk && lk-cat --count out.lk >actual &&
	printf "table,rows\nmain.people,0\n" >expect && test_cmp expect actual
'

test_expect_success 'the key from the options or from the lake, where the stream says nothing' '
	printf "@main.keyed code:utf8! v:int32\ncode=a|v=1\n" >t && { printf "%%lk.key [\"code\"]\n" && cat t; } | make-stream >in.lk &&
	lk-commit -q -l lake <in.lk &&
	printf "@main.keyed code:utf8! v:int32\ncode=a|v=2\n" | make-stream >in.lk &&
	lk-upsert -q -l lake <in.lk >out.lk && show out.lk "lk_op, code, v" >actual &&
	printf "lk_op,code,v\nU,a,2\n" >expect && test_cmp expect actual &&
	lk-upsert -q -l lake --key code,v <in.lk >out.lk && show out.lk "lk_op, code, v" >actual &&
	printf "lk_op,code,v\nI,a,2\n" >expect && test_cmp expect actual
'

test_expect_success 'types that do not fit the table' '
	rows main.people "id:int64! weight:utf8" >in.lk <<-\END &&
	id=1|weight=heavy
	END
	expect_error 65 "table main.people: column weight is decimal(9, 2) in the lake, and utf8 does not fit it" lk-upsert -l lake <in.lk >out.lk
'

test_expect_success '--order decides, not what came last' '
	rows main.fresh "id:int64! name:utf8 at:date32" >in.lk <<-\END &&
	id=1|name=new|at=2026-02-02
	id=1|name=old|at=2026-01-01
	id=1|name=none
	END
	lk-upsert -q -l lake --order at <in.lk >out.lk && show out.lk >actual &&
	printf "lk_op,id,name\nI,1,new\n" >expect && test_cmp expect actual
'

test_expect_success 'keys of several columns and of all types; null is a value as any other' '
	columns="a:utf8! b:decimal(12,3)! c:date32! d:timestamptz! e:bool! v:utf8 w:float64 x:time" &&
	keys="[\"a\",\"b\",\"c\",\"d\",\"e\"]" &&
	one="b=-1.500|c=1969-12-31|d=2026-01-01T00:00:00.000001Z|e=true" && two="b=1.500|c=2026-01-01|d=2026-01-01T00:00:00Z|e=false" &&
	{ printf "%%lk.key $keys\n@main.wide $columns\n" && cat <<-\END
	a=|$one|v=empty
	a=x|$one|w=1.5
	a=x|$two|x=10:00:00
	a=xy|$one|v=y
	END
	} | sed "s/\$one/$one/; s/\$two/$two/" | make-stream >base.lk && lk-commit -q -l lake <base.lk &&
	{ printf "%%lk.key $keys\n@main.wide $columns\n" && cat <<-\END
	a=x|$one|w=1.5
	a=x|$two|x=10:00:00|w=0
	a=|$one
	a=xy|$two|v=y
	a=xy|$one|v=y
	END
	} | sed "s/\$one/$one/; s/\$two/$two/" | make-stream >in.lk &&
	lk-upsert -l lake <in.lk >out.lk 2>err && cat err && show out.lk "lk_op, a, b, v, w, lk_old_pos" >actual && cat >expect <<-\END &&
	lk_op,a,b,v,w,lk_old_pos
	U,x,1.500,,0.0,2
	U,"",-1.500,,,0
	I,xy,1.500,y,,
	END
	test_cmp expect actual
'

test_expect_success 'the table may have wider columns than the rows' '
	printf "@main.wider id:int64! v:decimal(12,2) n:int64\nid=1|v=1.50|n=1\nid=2|v=2.50|n=2\n" | make-stream | lk-commit -q -l lake &&
	rows main.wider "id:int32! v:decimal(5,2) n:int32" >in.lk <<-\END &&
	id=1|v=1.50|n=1
	id=2|v=2.50|n=3
	END
	lk-upsert -q -l lake <in.lk >out.lk && show out.lk "lk_op, id, v, n" >actual && printf "lk_op,id,v,n\nU,2,2.50,3\n" >expect &&
	test_cmp expect actual && lk-upsert -q --before -l lake <in.lk >out.lk && show out.lk "lk_op, id, v, n" >actual &&
	printf "lk_op,id,v,n\nB,2,2.50,2\nU,2,2.50,3\n" >expect && test_cmp expect actual
'

# ---- with lk-commit behind it ----

STATE='id:int64! name:utf8 lk_sent:timestamptz lk_file:utf8 lk_row:int64'
version() { # DAY DIGIT ROWS...: each ID=NAME, or ID- to delete
	day=$1 digest=$(printf "%012d" $2)
	shift 2
	printf "%%lk.key [\"id\"]\n%%lk.load upsert\n%%lk.op op\n%%lk.partition [\"bucket(3, id)\"]\n@main.state op:utf8 %s\n" "$STATE"
	n=0
	for r; do
		n=$((n + 1))
		case $r in
		*-) op=D id=${r%-} name= ;;
		*) op=U id=${r%%=*} name="|name=${r#*=}" ;;
		esac
		echo "op=$op|id=$id$name|lk_sent=2026-01-${day}T00:00:00Z|lk_file=s.zip@$digest!s.csv|lk_row=$n"
	done
}
apply() { make-stream | lk-upsert -q -l "$@" | lk-commit -q -l "$@"; }
state() { lk-query -l "$@" "SELECT id, name FROM state ORDER BY 1"; }

test_expect_success 'deliveries in any order, and twice, make the same table: partitions, deletes and all' '
	version 01 1 1=a 2=b 3=c 4=d 5=e >v1 && version 02 2 1=aa 2- 6=f >v2 && version 03 3 3- 2=bb 6=f 7=g >v3 && version 04 4 1=a4 7- 3=c4 >v4 &&
	printf "id,name\n1,a4\n2,bb\n3,c4\n4,d\n5,e\n6,f\n" >expect &&
	for order in "1 2 3 4" "4 3 2 1" "2 4 1 3" "3 1 4 2" "1 1 4 3 3 2 4"; do
		rm -rf any && for v in $order; do apply any <v$v || return 1; done &&
		state any >actual && test_cmp expect actual || return 1
	done &&
	lk-query -l any "SELECT count(*) FROM state\$snapshots" >before && apply any <v4 && apply any <v1 &&
	lk-query -l any "SELECT count(*) FROM state\$snapshots" >after && test_cmp before after
'

test_expect_success 'a delivery that deletes what is gone already changes nothing' '
	version 02 2 1=aa 2- 6=f | make-stream | lk-upsert --json -l any 2>err >out.lk && cat err && grep -F "\"rows\":3" err &&
	lk-cat --count out.lk >actual && grep -F main.state,0 actual && ! grep -F lk.versions actual
'

test_expect_success 'against a branch' '
	lk-branch -q -l any b && version 09 9 1=branch >v9 && apply any --branch b <v9 &&
	version 10 9 1=branch | make-stream >in.lk && lk-upsert -q -l any <in.lk >out.lk && show out.lk >actual &&
	printf "lk_op,id,name\nU,1,branch\n" >want && test_cmp want actual &&
	lk-upsert -q -l any --branch b <in.lk >out.lk && show out.lk >actual && printf "lk_op,id,name\n" >want && test_cmp want actual &&
	lk-cat --schema -F json out.lk | grep -F "\\\\\\\"branch\\\\\\\":\\\\\\\"b\\\\\\\"" &&
	state any >actual && test_cmp expect actual &&
	expect_error 65 "nobranch" lk-upsert -l any --branch nobranch <in.lk >out.lk
'

test_expect_success 'a change stream is taken again as what it says' '
	version 11 8 1=x 4- 9=new | make-stream | lk-upsert -q -l any >changes.lk && lk-upsert -q -l any <changes.lk >again.lk &&
	show changes.lk "lk_op, lk_old_file, lk_old_pos, id, name" >want && show again.lk "lk_op, lk_old_file, lk_old_pos, id, name" >actual &&
	test_cmp want actual && lk-commit -q -l any <again.lk && lk-upsert -q -l any <changes.lk >again.lk && lk-cat --count again.lk >actual &&
	grep -F main.state,0 actual
'

test_expect_success 'changes of a table make the same table in another lake, all at once or step by step' '
	first=$(lk-log -l any -t state --json | grep -o "\"snapshot\":[0-9]*" | tail -1 | cut -d: -f2) && rm -rf copy &&
	lk-query -l any "SELECT * FROM state ORDER BY 1" >want &&
	lk-changes -q -l any -t state --key id | lk-upsert -q -l copy | lk-commit -q -l copy &&
	lk-query -l copy "SELECT * FROM state ORDER BY 1" >actual && test_cmp want actual && rm -rf copy &&
	lk-changes -q -l any -t state --key id --to $first | lk-upsert -q -l copy | lk-commit -q -l copy &&
	lk-changes -q -l any -t state --key id --from $first | lk-upsert -q -l copy | lk-commit -q -l copy &&
	lk-query -l copy "SELECT * FROM state ORDER BY 1" >actual && test_cmp want actual
'

# ---- much ----

test_expect_success 'with little memory rows are spilled and looked up in passes, and nothing else changes' '
	{ printf "%%lk.key [\"id\"]\n@main.many id:int64! name:utf8 text:utf8\n"
	echo "*30000 id=#|name=n#|text=some text that takes its room in memory, as texts do #"; } | make-stream | lk-commit -q -l lake &&
	{ printf "%%lk.key [\"id\"]\n@main.many id:int64! name:utf8 text:utf8\n"
	echo "*20000 id=#5|name=n#5|text=some text that takes its room in memory, as texts do #5"
	echo "*20000 id=#7|name=changed|text=x"; echo "*10 id=#5|name=last"; } | make-stream >in.lk &&
	lk-upsert -l lake <in.lk >out.lk 2>err && cat err && grep -F "34000 inserted, 3010 updated, 0 deleted, 2990 unchanged, 0 late, 10 repeated" err &&
	lk-upsert -l lake --memory 1M <in.lk >small.lk 2>err.small && test_cmp err err.small &&
	show out.lk "*" >want && show small.lk "*" >actual && test_cmp want actual &&
	lk-cat -t lk.versions -F csv out.lk 2>/dev/null | sort >want && lk-cat -t lk.versions -F csv small.lk 2>/dev/null | sort >actual && test_cmp want actual &&
	expect_status 64 lk-upsert -l lake --memory 1k <in.lk
'

# ---- through lk-query ----

test_expect_success 'a filter keeps the operations, the limit and the changes' '
	printf "%s\n" "@main.people $PEOPLE" "id=1|name=Ada" "id=2|name=Bob" "id=3|name=Cyd" | make-stream >through.lk &&
	lk-commit -q -l through <through.lk &&
	META=$(printf "%%lk.op op\n%%lk.maxVanish 3%%") rows main.people "op:utf8 $PEOPLE" >through.lk <<-\END &&
	id=1|name=Ada L.|weight=1
	op=D|id=2
	id=3|name=Cyd M.|weight=3
	id=9|name=New|weight=9
	END
	lk-query -F arrow "SELECT * FROM stdin WHERE id <> 9" <through.lk >filtered.lk &&
	lk-cat --schema -F json filtered.lk >schema.json && cat schema.json &&
	jq -r "select(.column == null) | .metadata | fromjson | .[\"lk.op\"], .[\"lk.maxVanish\"]" schema.json >actual &&
	printf "op\n3%%\n" >expect && test_cmp expect actual &&
	lk-upsert -q -l through <filtered.lk >out.lk &&
	lk-query -F arrow "SELECT * FROM stdin WHERE id <> 3" <out.lk >small.lk && show small.lk &&
	lk-cat -F csv -t lk.versions out.lk | grep -q deleted && ! lk-cat --schema small.lk | grep lk.versions &&
	lk-commit -l through <small.lk &&
	printf "id,name,weight\n1,Ada L.,1.00\n3,Cyd,\n" >expect &&
	lk-query -l through -F csv "SELECT id, name, weight FROM people ORDER BY id" >actual && test_cmp expect actual
'

test_expect_success 'a result without the places is rows, no changes' '
	lk-query -F arrow "SELECT id, name FROM stdin" <out.lk >plain.lk && lk-cat --schema plain.lk >schema &&
	! grep -e lk.change -e lk.op schema
'

# ---- what goes wrong ----

test_expect_success 'a stream that broke upstream: no end marker, and nothing is committed' '
	size=$(wc -c <in.lk) && head -c $((size - 100)) in.lk >cut.lk &&
	expect_error 65 "lk-upsert: " lk-upsert -l lake <cut.lk >out.lk && head_of main.many >want &&
	expect_status 65 lk-commit -l lake <out.lk && head_of main.many >actual && test_cmp want actual &&
	{ cat in.lk in.lk >twice.lk; expect_error 65 "segment" lk-upsert -l lake <twice.lk >out.lk; }
'

test_expect_success 'a reader that goes ends it without a word' '
	lk-upsert -q -l lake <in.lk | head -c 1000 >/dev/null
'

test_expect_success 'a lake of which files are gone' '
	cp -r lake gone && lk-copy -q lake moved && rm moved/main/many/data/*.parquet &&
	expect_error 66 "many" lk-upsert -l moved <in.lk >out.lk || expect_error 74 "many" lk-upsert -l moved <in.lk >out.lk
'

test_expect_success 'what does not go together' '
	expect_error 64 "--full and --patch" lk-upsert -l lake --full --patch <in.lk &&
	expect_error 64 "--scope goes with --full" lk-upsert -l lake --scope a <in.lk &&
	expect_error 64 "--max-vanish" lk-upsert -l lake --full --max-vanish 200% <in.lk &&
	expect_error 64 "unexpected argument" lk-upsert -l lake in.lk
'

test_done
