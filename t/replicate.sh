#!/bin/sh
# Tables that follow others by lk-changes: random changes, applied elsewhere, give the same table.
# LK_SEED=N tries others.
. "$(dirname "$0")/test-lib.sh"

cat >p.json <<-'END'
	{"name": "p", "resources": [{"name": "people", "path": "p*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "a", "type": "string"}, {"name": "b", "type": "number"}]}},
	 {"name": "state", "path": "s*.csv", "schema": {"primaryKey": ["id"], "fields": [
	  {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "seq", "type": "integer"}, {"name": "a", "type": "string"},
	  {"name": "op", "type": "string"}]}, "lk": {"load": "upsert", "order": "seq", "op": "op"}}]}
END

# Applies changes as JSON to a table of SQLite, strictly: each must be about the row that is there. Refuses at random, when asked to.
cat >apply.py <<-'END'
	import json, random, sqlite3, sys
	if len(sys.argv) > 2 and random.random() < float(sys.argv[2]):
	    sys.stdin.buffer.read(random.randrange(300)); sys.exit(9)
	db = sqlite3.connect(sys.argv[1])
	db.execute("create table if not exists t(id integer primary key, row text)")
	before, key = None, None
	for line in sys.stdin:
	    row = json.loads(line)
	    op, snapshot = row.pop("lk_op"), row.pop("lk_snapshot")
	    for gone in "lk_committed", "lk_file", "lk_row", "lk_sent": row.pop(gone, None)
	    text = json.dumps(row, sort_keys=True)
	    there = db.execute("select row from t where id = ?", (row["id"],)).fetchone()
	    assert not before or (op == "U" and before == (row["id"], snapshot)), "a B row without its U"
	    assert (there is None) == (op == "I"), (op, there, row)
	    assert op not in "BD" or there[0] == text, (there, text)
	    assert op != "U" or (before and there[0] != text), "an update without its B, or of nothing"
	    assert key is None or key[0] != snapshot or key[1] < row["id"] or op == "U", "not in order"
	    before = (row["id"], snapshot) if op == "B" else None
	    key = (snapshot, row["id"])
	    if op in "IU": db.execute("replace into t values (?, ?)", (row["id"], text))
	    if op == "D": db.execute("delete from t where id = ?", (row["id"],))
	assert not before
	db.commit()
END
# The table of SQLite, and that of the lake, as text.
replica() { sqlite3 $1 "select row from t order by id"; }
table() { lk-query -l lake "$@" -F json "SELECT id, a, b FROM people ORDER BY id" | python3 -c 'import json, sys; [print(json.dumps(json.loads(l), sort_keys=True)) for l in sys.stdin]'; }

# Random commits to `people`: rows are added, replaced, written anew as they are, deleted, compacted.
cat >commits.py <<-'END'
	import json, os, random, subprocess, sys
	seed, rounds = int(sys.argv[1]), int(sys.argv[2])
	random.seed(seed)
	rows = {int(i): tuple(v) for i, v in json.load(open("rows.json")).items()} if os.path.exists("rows.json") else {}
	def value(): return (random.choice(["", "x", "y", "zé", '"q, r"']), random.choice(["", "1.5", "2", "-0.25"]))
	def commit(changed, predicate=None):
	    name = "p%d.%d.csv" % (seed, r)
	    with open(name, "w") as f:
	        f.write("id,a,b\n" + "".join("%d,%s,%s\n" % (i, *v) for i, v in changed.items()))
	    parse = subprocess.run(["lk-parse", "-q", "-s", "p.json", name], stdout=subprocess.PIPE, check=True)
	    subprocess.run(["lk-commit", "-q", "-l", "lake"] + (["--overwrite", predicate] if predicate else []), input=parse.stdout, check=True)
	for r in range(rounds):
	    kind = random.choice("aarrrsdc")
	    if kind == "a" or not rows:
	        new = {i: value() for i in random.sample(range(200), 20) if i not in rows}
	        if new: commit(new)
	        rows.update(new)
	    elif kind == "c":
	        subprocess.run(["lk-compact", "-q", "-l", "lake", "-t", "people"], check=True)
	    else:
	        m = random.choice([2, 3, 7, 20]); k = random.randrange(m)
	        old = {i: v for i, v in rows.items() if i % m == k}
	        # a delivery of the same bytes as one before would be left out, so a row comes that is new
	        fresh = ("t%d" % random.randrange(10**9), "")
	        new = {k + m * random.randrange(1000, 10**6): fresh} if kind == "d" else dict(old)
	        if kind == "r": new = {i: v if random.random() < .5 else value() for i, v in new.items() if random.random() < .8}
	        if kind == "r": new.update({k + m * random.randrange(0, 10**6 if random.random() < .2 else 200 // m): fresh for i in range(3)})
	        commit(new, "id %% %d = %d" % (m, k))
	        rows = {i: v for i, v in rows.items() if i % m != k} | new
	json.dump(rows, open("rows.json", "w"))
END

seed=${LK_SEED:-4711}
test_expect_success "random changes, taken by a cursor, seed $seed" '
	: >log && for round in 1 2 3; do
		python3 commits.py 1$seed$round 4 || return 1
		until lk-changes -q -l lake -t people --cursor x -F json -- python3 apply.py x.db 0.4 2>>log; do grep -q Traceback log && { cat log; return 1; }; done
		table >expect && replica x.db >actual && test_cmp expect actual || return 1
	done && [ -s expect ]
'

test_expect_success 'the whole history at once, and each state of it' '
	lk-changes -l lake -t people -F json >all.json && python3 apply.py all.db <all.json && replica all.db | test_cmp expect - &&
	lk-log -l lake -t people -F csv | sed 1d | cut -d, -f3 | sed -n "1~5p" >snapshots && for s in $(cat snapshots); do
		rm -f s.db && lk-changes -l lake -t people --to $s -F json | python3 apply.py s.db && replica s.db >actual && table --at $s >then && test_cmp then actual || return 1
		cp s.db net.db && lk-changes -l lake -t people --from $s --net -F json | python3 apply.py net.db && replica net.db | test_cmp expect - &&
		lk-changes -l lake -t people --from $s -F json | python3 apply.py s.db && replica s.db | test_cmp expect - || return 1
	done
'

# Kills lk-changes after an ever longer while, in the midst of whatever it does.
test_expect_success 'killed at any moment: nothing is lost' '
	rm -f x.db && lk-changes -q -l lake -t people --cursor x --forget && i=0 && while [ $i -lt 6 ]; do
		i=$((i + 1)) && python3 commits.py 3$seed$i 1 || return 1
		lk-changes -q -l lake -t people --cursor x -F json -o got.$i & pid=$!
		sleep 0.0$((i * 7 % 10)) && kill -9 $pid 2>/dev/null; wait $pid
	done; lk-changes -q -l lake -t people --cursor x -F json -o got.7 && lk-changes -q -l lake -t people --cursor x -F json -o got.8 && cat >again.py <<-\END && ls got.* | sort -t. -k2n | xargs python3 again.py &&
	import json, subprocess, sys
	done, keep = set(), []
	for name in sys.argv[1:]: # what came before comes again as it was
	    lines = [l for l in open(name)]
	    new = [l for l in lines if json.loads(l)["lk_snapshot"] not in done]
	    done |= {json.loads(l)["lk_snapshot"] for l in lines}
	    keep += new
	subprocess.run(["python3", "apply.py", "killed.db"], input="".join(keep), text=True, check=True)
	END
	table >expect && replica killed.db | test_cmp expect - && lk-fsck -q -l lake
'

state_commits() { # ROUND
	python3 - $seed$1 >s$1.csv <<-\END &&
	import random, sys
	random.seed(int(sys.argv[1]))
	print("id,seq,a,op")
	for i in random.sample(range(60), 25): print("%d,%s,%s,%s" % (i, random.randrange(30), random.choice(["", "x", "y", "z"]), random.choice("IUUUD")))
	END
	lk-parse -q -s p.json s$1.csv | lk-commit -q -l lake
}

test_expect_success 'to another lake: equal by lk-diff, and again' '
	for i in 1 2 3; do
		state_commits $i && lk-changes -q -l lake -t state --cursor other -- sh -c "lk-upsert -q -l other >changes.lk && lk-commit -q -l other <changes.lk" &&
		lk-diff -l lake --with other -t state >actual && lk-changes -q -l lake -t state | lk-upsert -q -l other >again.lk && lk-commit -q -l other <again.lk &&
		lk-diff -l lake --with other -t state >actual || { cat actual; return 1; }
	done && lk-query -l other "SELECT count(*) > 10 FROM state" | grep true
'

# Rows that were put in place of others by hand may be older than these: what is newest is when they were committed, then.
test_expect_success 'also where the newest row is not what its delivery says' '
	for i in 1 2 3; do
		python3 commits.py 7$seed$i 2 && lk-changes -q -l lake -t people --cursor other -- sh -c "lk-query --as people -F arrow \
			\"SELECT * EXCLUDE (lk_snapshot, lk_committed), lk_committed AS changed FROM stdin\" | lk-upsert -q -l other --order changed >changes.lk &&
			lk-commit -q -l other <changes.lk" && lk-query -l other -F json "SELECT id, a, b FROM people ORDER BY id" >actual &&
		lk-query -l lake -F json "SELECT id, a, b FROM people ORDER BY id" | test_cmp - actual || return 1
	done && [ -s actual ]
'

test_done
