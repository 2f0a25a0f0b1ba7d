#!/bin/sh
# lk-diff: rows that were added, removed and changed.
. "$(dirname "$0")/test-lib.sh"

cat >people.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}},
	 {"name": "notes", "path": "n*.csv", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]}}]}
END

# Rows of a file to a table, behind those that are there or in their place.
add() { lk-parse -q -s people.json --as $1 $2 >rows.lk && lk-commit -q -l "${3:-lake}" <rows.lk; }
set_to() { lk-parse -q -s people.json --as $1 $2 >rows.lk && lk-commit -q -l "${3:-lake}" --overwrite true <rows.lk; }
head_of() { lk-log -l lake -t $1 --json --max-count 1 | grep -o '"snapshot":[0-9]*' | cut -d: -f2; }

test_expect_success 'by the key of the table' '
	printf "id,name\n1,Zo\303\253\n2,b\n3,c\n4,\n" >p1.csv && printf "id,name\n1,Zoe\n2,b\n4,d\n5,\n" >p2.csv &&
	add people p1.csv && s1=$(head_of people) && set_to people p2.csv && s2=$(head_of people) &&
	expect_status 1 lk-diff -l lake -t people $s1 >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,id,name
	before,1,Zoë
	after,1,Zoe
	removed,3,c
	before,4,
	after,4,d
	added,5,
	END
	expect_status 1 lk-diff -l lake -t people $s2 $s1 >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,id,name
	before,1,Zoe
	after,1,Zoë
	added,3,c
	before,4,d
	after,4,
	removed,5,
	END
	lk-diff -l lake -t people $s2 >actual && [ ! -s actual ] && lk-diff -l lake $s1 $s1
'

test_expect_success 'counts, of all tables' '
	expect_status 1 lk-diff -l lake --stat 2026-01-01 >actual && cat >expect <<-\END && test_cmp expect actual &&
	table,added,removed,changed,columns,files
	lk.files,2,0,,,2
	main.people,4,0,0,,1
	END
	expect_status 1 lk-diff -l lake --stat --json $s1 >actual &&
	echo "{\"table\":\"main.people\",\"added\":1,\"removed\":1,\"changed\":2,\"columns\":null,\"files\":2}" >expect && test_cmp expect actual &&
	lk-diff -l lake --stat $s2 >actual && echo "table,added,removed,changed,columns,files" >expect && test_cmp expect actual
'

test_expect_success 'without a key rows are a multiset; another key may be named' '
	printf "a,b\n1,x\n1,x\n1,x\n,\n2,y\n" >n1.csv && printf "a,b\n1,x\n2,y\n2,z\n,\n,\n" >n2.csv &&
	add notes n1.csv && n1=$(head_of notes) && set_to notes n2.csv && expect_status 1 lk-diff -l lake -t notes $n1 >actual &&
	cat >expect <<-\END && test_cmp expect actual &&
	lk_op,a,b
	removed,1,x
	removed,1,x
	added,2,z
	added,,
	END
	expect_status 1 lk-diff -l lake -t notes --key b --stat --json $n1 | sed "s/,\"columns.*//" >actual &&
	echo "{\"table\":\"main.notes\",\"added\":2,\"removed\":2,\"changed\":0" >expect && test_cmp expect actual &&
	printf "a,b\n9,x\n2,y\n2,z\n,\n7,\n" >n3.csv && n2=$(head_of notes) && set_to notes n3.csv &&
	expect_status 1 lk-diff -l lake -t notes --key b $n2 >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,a,b
	before,1,x
	after,9,x
	before,,
	after,7,
	END
	expect_error 65 "has no column '\''nix'\'' for a key" lk-diff -l lake -t notes --key a,nix $n1
'

test_expect_success 'where a row came from is no change of it' '
	printf "id,name\n5,\n4,d\n2,b\n1,Zoe\n" >p2again.csv && set_to people p2again.csv && lk-diff -l lake -t people $s2 && lk-diff -l lake -t people --stat $s2 &&
	expect_status 1 lk-diff -l lake -t people --trace $s2 >actual && head -n 2 actual | cut -c1-60 && [ "$(wc -l <actual)" = 9 ] &&
	grep -q "^before,1,Zoe,p2.csv@.*,1$" actual
'

test_expect_success 'files that both sides have are not read' '
	for i in 1 2 3 4 5 6; do printf "id,name\n10%d,x\n" $i >p10$i.csv && add people p10$i.csv || return 1; done && s=$(head_of people) &&
	printf "id,name\n200,y\n" >p200.csv && add people p200.csv && mkdir aside && mv lake/main/people/data/* aside &&
	new=$(cd aside && ls -t | head -n 1) && cp aside/$new lake/main/people/data/ &&
	expect_status 1 lk-diff -l lake -t people $s >actual && printf "lk_op,id,name\nadded,200,y\n" >expect && test_cmp expect actual &&
	expect_status 1 lk-diff -l lake -t people --stat --json $s | grep -q "\"files\":1}" && mv aside/* lake/main/people/data/
'

test_expect_success 'rows that position deletes took out' '
	s=$(head_of people) && printf "id,name\n2,bb\n" >p9.csv && lk-parse -q -s people.json --as people p9.csv >rows.lk &&
	lk-commit -q -l lake --overwrite "id = 2" <rows.lk && expect_status 1 lk-diff -l lake -t people $s >actual &&
	printf "lk_op,id,name\nbefore,2,b\nafter,2,bb\n" >expect && test_cmp expect actual &&
	lk-ls -l lake people | cut -d, -f4 >deletes && [ "$(sed 1d deletes)" -ge 1 ] && t=$(head_of people) &&
	printf "id,name\n1,Z\n" >p8.csv && lk-parse -q -s people.json --as people p8.csv >rows.lk && lk-commit -q -l lake --overwrite "id = 1" <rows.lk &&
	expect_status 1 lk-diff -l lake -t people $t >actual && printf "lk_op,id,name\nbefore,1,Zoe\nafter,1,Z\n" >expect && test_cmp expect actual &&
	expect_status 1 lk-diff -l lake -t people $s --stat --json | grep -q "\"added\":0,\"removed\":0,\"changed\":2,"
'

test_expect_success 'a branch, a tag and a time' '
	lk-branch -q -l lake --tag mark && lk-branch -q -l lake audit && printf "id,name\n300,x\n" >p300.csv &&
	lk-parse -q -s people.json --as people p300.csv | lk-commit -q -l lake --branch audit && lk-diff -l lake mark && lk-diff -l lake mark main &&
	expect_status 1 lk-diff -l lake -t people main audit >actual && printf "lk_op,id,name\nadded,300,x\n" >expect && test_cmp expect actual &&
	expect_status 1 lk-diff -l lake --stat audit main | cut -d, -f1-3 >actual && printf "table,added,removed\nlk.files,0,1\nmain.people,0,1\n" >expect &&
	test_cmp expect actual && now=$(lk-log -l lake --json --max-count 1 | grep -o "\"time\":\"[^\"]*" | cut -c9- | tr -d "\"") &&
	lk-diff -l lake -t people $now && lk-branch -q -l lake --publish audit && expect_status 1 lk-diff -l lake -t people $now >actual &&
	printf "lk_op,id,name\nadded,300,x\n" >expect && test_cmp expect actual && expect_status 1 lk-diff -l lake -t people mark >actual && test_cmp expect actual
'

test_expect_success 'columns that one side alone has' '
	s=$(head_of people) && lk-table alter -q -l lake people "add column age bigint" && t=$(head_of people) && [ $s = $t ] &&
	expect_status 1 lk-diff -l lake -t people $s >actual && [ ! -s actual ] && printf "id,name,age\n400,x,7\n401,y,\n" >p400.csv &&
	sed "s/{\"name\": \"name\", \"type\": \"string\"}/&, {\"name\": \"age\", \"type\": \"integer\"}/" people.json >wide.json &&
	lk-parse -q -s wide.json --as people p400.csv | lk-commit -q -l lake && expect_status 1 lk-diff -l lake -t people $s >actual 2>err &&
	printf "lk_op,id,name,age\nadded,400,x,7\nadded,401,y,\n" >expect && test_cmp expect actual &&
	grep -q "columns of one side alone are not compared: +age" err || { cat err; false; }
'

test_expect_success 'two lakes' '
	add people p1.csv one && add notes n1.csv one && add people p2.csv two && add notes n1.csv two &&
	expect_status 1 lk-diff -l one --with two -t people >actual && cat >expect <<-\END && test_cmp expect actual &&
	lk_op,id,name
	before,1,Zoë
	after,1,Zoe
	removed,3,c
	before,4,
	after,4,d
	added,5,
	END
	expect_status 1 lk-diff -l one --with two --stat | grep -v "^lk.files" | cut -d, -f1-4 >actual &&
	printf "table,added,removed,changed\nmain.people,1,1,2\n" >expect && test_cmp expect actual && lk-diff -l one --with two -t notes &&
	lk-parse -q -s people.json --as people p1.csv | lk-cat -F arrow -t people >rows.arrow && lk-commit -q -l two --plain --as only <rows.arrow &&
	expect_status 1 lk-diff -l one --with two -t only --stat | cut -d, -f1-3 | sed 1d >actual && echo main.only,4,0 >expect && test_cmp expect actual
'

test_expect_success 'formats' '
	printf "a,b\n1,x\n2,y\n3,z\n,\n5,\n" >n5.csv && s=$(head_of notes) && add notes n5.csv && expect_status 1 lk-diff -l lake -t notes -F json $s >actual && [ "$(wc -l <actual)" = 5 ] &&
	[ "$(grep -c "^{\"lk_op\":\"added\",\"a\":" actual)" = 5 ] && expect_status 1 lk-diff -l lake -t notes -o out.parquet $s && [ -s out.parquet ] &&
	expect_status 1 lk-diff -l lake -t notes -o out.csv $s && [ "$(wc -l <out.csv)" = 6 ] &&
	expect_status 1 lk-diff -l lake -F arrow 2026-01-01 >all.lk && lk-cat --count -F csv all.lk >actual && grep -q "^main.notes,10$" actual && grep -q "^lk.files," actual &&
	expect_status 1 lk-diff -l lake -t notes -F table $s | head -n 1 | grep "^lk_op  *a  *b"
'

test_expect_success 'many rows, against a count of its own' '
	cat >make.py <<-\END && python3 make.py &&
	import collections, random
	random.seed(7)
	def rows(n): return [(random.choice(["", *map(str, range(40))]), random.choice(["", "x", "y", "z"])) for _ in range(n)]
	a, b = rows(3000), rows(2900)
	for name, r in ("n91.csv", a), ("n92.csv", b):
	    open(name, "w").write("a,b\n" + "".join("%s,%s\n" % x for x in r))
	a, b = collections.Counter(a), collections.Counter(b)
	minus, plus = a - b, b - a
	open("plain", "w").write("%d %d\n" % (sum(plus.values()), sum(minus.values())))
	changed = added = removed = 0
	for k in {x[0] for x in minus} | {x[0] for x in plus}:
	    m = sum(n for x, n in minus.items() if x[0] == k); p = sum(n for x, n in plus.items() if x[0] == k)
	    changed += min(m, p); added += max(0, p - m); removed += max(0, m - p)
	open("keyed", "w").write("%d %d %d\n" % (added, removed, changed))
	END
	set_to notes n91.csv && s=$(head_of notes) && set_to notes n92.csv &&
	expect_status 1 lk-diff -l lake -t notes --stat $s | sed 1d | cut -d, -f2,3 | tr , " " >actual && test_cmp plain actual &&
	expect_status 1 lk-diff -l lake -t notes --stat --key a $s | sed 1d | cut -d, -f2-4 | tr , " " >actual && test_cmp keyed actual &&
	expect_status 1 lk-diff -l lake -t notes --key a $s >rows && for op in added removed after; do grep -c "^$op," rows; done | tr "\n" " " | sed "s/ $//" >actual &&
	echo >>actual && test_cmp keyed actual && [ "$(grep -c ^before, rows)" = "$(grep -c ^after, rows)" ]
'

if [ -z "$LK_DATA" ]; then
	test_skip 'editions of a real table' 'the public data are not there'
else
	test_expect_success 'editions of a real table, against a comparison of its own' '
		cat >editions.py <<-\END && python3 editions.py "$LK_DATA"/csv/cms-hospital-general-information &&
		import collections, csv, json, os, sys
		csv.field_size_limit(1 << 24)
		tables = {}
		for name in sorted(os.listdir(sys.argv[1])):
		    try: rows = list(csv.reader(open(os.path.join(sys.argv[1], name), encoding="utf-8", newline="")))
		    except UnicodeDecodeError: continue
		    if not name.endswith(".csv") or not rows: continue
		    tables.setdefault(tuple(c.strip().lower() for c in rows[0]), []).append([tuple(c.strip() or None for c in r) for r in rows[1:]])
		same = sorted((t for t in tables.values() if len(t) > 1), key=len)[-1] if any(len(t) > 1 for t in tables.values()) else None
		if same is None: # no two have one heading: the columns that two share, by name
		    (h1, [t1]), (h2, [t2]) = sorted(tables.items(), key=lambda x: len(x[0]))[-2:]
		    common = [c for c in h1 if c in h2]
		    same = [[tuple(r[h1.index(c)] for c in common) for r in t1], [tuple(r[h2.index(c)] for c in common) for r in t2]]
		a, b = same[0], same[1]
		width = len(a[0])
		fields = [{"name": "c%d" % i, "type": "string"} for i in range(width)]
		json.dump({"name": "e", "resources": [{"name": "hospitals", "path": "h*.csv", "schema": {"fields": fields, "primaryKey": ["c0"]}}]}, open("e.json", "w"))
		for name, rows in ("h1.csv", a), ("h2.csv", b):
		    out = csv.writer(open(name, "w", newline=""))
		    out.writerow([f["name"] for f in fields])
		    out.writerows([c or "" for c in r] for r in rows)
		minus, plus = collections.Counter(a) - collections.Counter(b), collections.Counter(b) - collections.Counter(a)
		m, p = collections.Counter(), collections.Counter()
		for r, n in minus.items(): m[r[0]] += n
		for r, n in plus.items(): p[r[0]] += n
		open("expect", "w").write("%d %d %d\n" % (sum((p - m).values()), sum((m - p).values()), sum((m & p).values())))
		open("sizes", "w").write("%d %d\n" % (len(a), len(b)))
		END
		cat sizes expect && lk-parse -q -s e.json --as hospitals h1.csv >rows.lk && lk-commit -q -l real <rows.lk &&
		lk-branch -q -l real --tag first && lk-parse -q -s e.json --as hospitals h2.csv >rows.lk && lk-commit -q -l real --overwrite true <rows.lk &&
		[ "$(lk-ls -l real hospitals lk.rejects 2>/dev/null | grep -c rejects)" = 0 ] &&
		{ lk-diff -l real -t hospitals --stat --key c0 first; [ $? -le 1 ]; } >out && sed 1d out | cut -d, -f2-4 | tr , " " >actual && test_cmp expect actual &&
		lk-diff -l real -t hospitals --key c0 first >rows; cut -d, -f1 rows | grep -cE "^(added|after)$" >n && [ "$(cat n)" -gt 100 ]
	'
fi

test_expect_success 'what is not there, and misuse' '
	expect_error 64 "from when" lk-diff -l lake && expect_error 64 "two moments" lk-diff -l lake a b c &&
	expect_error 65 "there is no branch or tag '\''nothing'\''" lk-diff -l lake nothing && expect_error 65 "there is no snapshot '\''12345'\''" lk-diff -l lake 12345 &&
	expect_error 66 "there is no table '\''nothing'\''" lk-diff -l lake -t nothing main && expect_error 64 "several tables differ" lk-diff -l lake 2026-01-01 &&
	expect_error 64 "-o FILE" lk-diff -l lake -t notes -F parquet main && expect_error 66 nowhere lk-diff -l lake --with nowhere
'

test_done
