#!/bin/sh
# lk-fsck: good lakes are found good, and damage of each kind is found and named.
. "$(dirname "$0")/test-lib.sh"

damage() { python3 "$LK_TOP/t/helper/lake-damage.py" "$@"; }

# ---- a lake with several snapshots, position deletes and a ledger ----

cat >people.json <<\EOF_
{"name": "clinic", "lk": {"delivery": "(?<sender>[A-Z]+)-.*"}, "resources": [{"name": "people", "path": "*.csv",
 "schema": {"fields": [{"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"},
 {"name": "born", "type": "date"}, {"name": "weight", "type": "number"}, {"name": "sum", "type": "number", "lk": {"decimal": [9, 2]}},
 {"name": "seen", "type": "datetime"}, {"name": "here", "type": "boolean"}]}}]}
EOF_
head='id,name,born,weight,sum,seen,here\n'
printf "$head"'1,Al,2001-02-03,1.5,10.25,2026-01-01T10:00:00,true\n2,Bo,31/02/2001,-2,3,,\n3,Zoë,1969-12-31,,-7.5,1960-01-01T00:00:00,false\n4,Di,2002-02-30,,,,\n' >FAC-one.csv
printf "$head"'7,"a very long name indeed, longer than what bounds hold",1999-09-09,1e300,99999,2030-01-01T00:00:00,true\n8,,,,,,\n9,Jo,2000-01-01,1,1,2026-01-01T00:00:00,true\n' >FAC-two.csv

test_expect_success 'a lake is made' '
	for f in FAC-one.csv FAC-two.csv; do
		lk-parse -s people.json $f >$f.lk; lk-commit -q -l lake <$f.lk || return 1
	done &&
	lk-query -l lake -F arrow "select * replace (replace(raw, '\''31/02/2001'\'', '\''2001-02-28'\'') as raw) from quarantine.rejects" |
		lk-parse -s people.json --replay | lk-commit -q -l lake &&
	[ "$(lk-query -l lake -F csv "select count(*) from people" | tail -1)" = 6 ] && cp -R lake good
'

test_expect_success 'it is whole, says nothing on standard output and a line on standard error' '
	lk-fsck -l lake >out 2>err && test_cmp /dev/null out &&
	[ "$(cat err)" = "lk-fsck: 4 tables, 9 snapshots, 11 manifests, 11 files: 0 findings" ] &&
	lk-fsck -d -q -l lake >out 2>err && test_cmp /dev/null out && test_cmp /dev/null err &&
	lk-fsck -d -q --json -l lake >out &&
	python3 -c "
import json
(line,) = open(\"out\")
totals = json.loads(line)
assert list(totals) == [\"tables\", \"snapshots\", \"manifests\", \"files\", \"bytes\", \"findings\"], totals
assert totals[\"findings\"] == 0 and totals[\"bytes\"] > 0, totals"
'

test_expect_success 'one table is checked alone' '
	lk-fsck -l lake people 2>err && grep "1 tables, 3 snapshots" err &&
	lk-fsck -d -l lake lk.files main.people 2>err && grep "2 tables" err &&
	expect_error 66 "there is no table '\''peeple'\'' in the lake" lk-fsck -l lake peeple
'

test_expect_success 'nothing is written' '
	find lake -type f -exec sha256sum {} + | sort >before && lk-fsck -q -d -l lake && find lake -type f -exec sha256sum {} + | sort >after &&
	test_cmp before after && diff -r good lake
'

# ---- damage ----

test_expect_success 'each kind of damage is found, and named' '
	damage --all good lake >said && cat said && [ "$(wc -l <said)" -ge 60 ] && ! grep -v "^[a-z-]* found [a-z]" said
'

restore() { rm -rf lake && cp -R good lake; }

test_expect_success 'a finding is a line with code, table, file and what is wrong' '
	restore && file=$(find "$PWD/lake/main/people/data" -name "*.parquet" | sort | head -1) && rm "$file" &&
	expect_status 1 lk-fsck -q -l lake >out &&
	[ "$(cat out)" = "file-missing: main.people: file://$file is named by a manifest, and cannot be found: No such file or directory" ] &&
	expect_status 1 lk-fsck -q -l lake --json >out && head -1 out | grep -F "{\"code\": \"file-missing\", \"table\": \"main.people\", \"object\": \"file://$file\", \"text\": \"is named" &&
	expect_status 0 lk-fsck -q -l lake lk.files
'

test_expect_success 'values of columns are not shown' '
	restore && damage lake main.people bounds-false && expect_status 1 lk-fsck -d -q -l lake >out && cat out && grep data-bounds out &&
	! grep -E "Zo|Bo|1969|10\.25|99999" out
'

test_expect_success 'what is no lake is an error, not a finding' '
	mkdir -p none && expect_error 66 "there is no lake in" lk-fsck -l none &&
	mkdir -p text && echo text >text/catalog.db && expect_error 65 "catalog.db" lk-fsck -l text
'

# ---- bytes that somebody made up ----

test_expect_success 'no mutation of metadata, lists, manifests or footers ends lk-fsck otherwise than with 0 or 1' '
	cat >mutate.py <<-\EOF_ &&
	import os, random, shutil, subprocess, sys
	random.seed(11)
	files = [os.path.join(d, f) for d, _, fs in os.walk("good/main/people") for f in fs]
	files.sort(key=lambda f: (os.path.splitext(f)[1], os.path.getsize(f)))
	bad = found = 0
	shutil.rmtree("lake"), shutil.copytree("good", "lake")
	for n in range(int(sys.argv[1])):
	    good = files[n % len(files)]
	    path = good.replace("good", "lake", 1)
	    data = bytearray(open(good, "rb").read())
	    for _ in range(random.choice((1, 1, 3, 20))):
	        at = random.randrange(len(data))
	        how = random.randrange(5)
	        if how == 0: data[at] = random.randrange(256)
	        elif how == 1: data[at] ^= 1 << random.randrange(8)
	        elif how == 2: del data[at:at + random.randrange(1, 9)]
	        elif how == 3: data[at:at] = random.randbytes(random.randrange(1, 9))
	        else: data[at:at + 1] = b"\xff" * 9
	        if not data: break
	    open(path, "wb").write(data)
	    made = subprocess.run(["lk-fsck", "-q", "-l", "lake"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
	    found += made.returncode == 1
	    if made.returncode not in (0, 1):
	        bad += 1
	        print(n, path, made.returncode, made.stderr.decode()[-3000:])
	    shutil.copyfile(good, path)
	print("found", found)
	sys.exit(bad > 0)
	EOF_
	python3 mutate.py 150
'

# ---- what is allowed ----

test_expect_success 'an empty lake, and tables without rows, are whole' '
	mkdir empty && sqlite3 empty/catalog.db "create table iceberg_tables(catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)" &&
	lk-fsck -q -d -l empty && stream-make people | lk-commit -q -l empty --plain --as nobody --once x &&
	lk-fsck -q -d -l empty
'

if [ -n "$LK_DATA" ]; then
	test_expect_success 'the reference metadata that are sound are no finding but for the files that they name' '
		for f in "$LK_DATA"/iceberg/table_metadata/*.json; do
			rm -rf ref && mkdir ref && cp "$f" ref/v1.metadata.json &&
			sqlite3 ref/catalog.db "create table iceberg_tables(catalog_name, table_namespace, table_name, metadata_location,
				previous_metadata_location, iceberg_type);
				insert into iceberg_tables values (\"lk\", \"main\", \"t\", \"file://$PWD/ref/v1.metadata.json\", null, \"TABLE\")" || return 1
			lk-fsck -q --json -l ref >out 2>err; echo "$(basename "$f") $? $(sed -n "s/.*\"code\": \"\([a-z-]*\)\".*/\1/p" out | grep -v missing | sort -u | tr "\n" " ")"
		done >said; cat said
		[ "$(grep -cE "V[123]Valid|V1Compat|V1Schemas|V1PartitionSpecs|deep_history" said)" = 9 ] &&
		! grep -E "V[123]Valid|V1Compat|V1Schemas|V1PartitionSpecs|deep_history" said | grep -vE " (0 |1 unsupported )$" &&
		grep -E "Missing|NotFound|NoValid|Unsupported" said >wrong && [ "$(wc -l <wrong)" = 7 ] && ! grep -E " 0 | 1 $" wrong
	'
else
	test_skip 'the reference metadata that are sound are no finding' 'the reference data are not at hand'
fi

test_done
