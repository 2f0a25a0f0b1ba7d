#!/bin/sh
# Iceberg's own reference metadata: each is taken, or refused, as its name says; and what other writers leave is read by the rules.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -F csv "$@" "$sql" >actual && test_cmp expect actual
}

# Puts metadata files into a catalog: NAME PATH a line.
register() { # LAKE <LIST
	python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/catalog.db")
for line in sys.stdin:
    name, path = line.rstrip("\n").split(" ", 1)
    db.execute("insert or replace into iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) "
               "values (?, ?, ?, ?, ?)", ("lk", "main", name, path, "TABLE"))
db.commit()' "$1"
}

test_expect_success 'a lake' '
	lk-query -F arrow --as t "select i as id, '\''n'\'' || i as name from range(3) t(i)" >t.lk && lk-commit -q -l lake --once 1 <t.lk
'

if [ -z "$LK_DATA" ] || [ ! -d "$LK_DATA/iceberg/table_metadata" ]; then
	test_skip 'reference metadata' 'no public data here'
else
	test_expect_success 'reference metadata are registered' '
		for file in "$LK_DATA"/iceberg/table_metadata/*.json; do
			echo "$(basename "$file" .json | tr A-Z a-z) file://$file"
		done >list && [ "$(wc -l <list)" -ge 19 ] && register lake <list
	'

	# What one may not trust (65) or what is not known here (69); all else is taken.
	while read -r name path; do
		case $name in
		*unsupportedversion | *v1novalidschema | *notfound | *missing*)
			test_expect_success "$name is refused" '
				expect_error 65 "is not sound table metadata" lk-query -l lake "from \"$name\$snapshots\"" &&
				expect_status 65 lk-query -l lake "from $name"
			'
			;;
		*)
			test_expect_success "$name is taken" '
				snapshots=$(python3 -c "import json, sys; print(len(json.load(open(sys.argv[1])).get(\"snapshots\") or []))" "${path#file://}") &&
				printf "n\n$snapshots\n" | answers "select count(*) as n from \"$name\$snapshots\"" -l lake &&
				lk-query -l lake -F csv "select * from \"$name\$history\", \"$name\$refs\"" &&
				lk-query -l lake "from $name limit 0" >out 2>err; rc=$?
				cat err; case $name in
				*encryption) [ $rc = 69 ] && grep -q "is encrypted, which lk does not read" err ;;
				*) { [ $rc = 69 ] && grep -q "is not a local" err; } || { [ $rc = 0 ] && [ "$snapshots" = 0 ]; } ;;
				esac
			'
			;;
		esac
	done <list

	test_expect_success 'the columns of a table of format v3, with what they were before' '
		printf "column_name,column_type\nx,BIGINT\ny,BIGINT\nz,BIGINT\n" |
			answers "select column_name, column_type from (describe tablemetadatav3validminimal)" -l lake
	'
fi

# ---- our own table, rewritten as others would have it ----

# Changes the metadata of main.t by Python (root is the tree), as the table main.NAME.
rewrite() { # NAME SUFFIX CODE
	python3 - "$@" <<-\EOF_ >rewritten && register lake <rewritten
	import gzip, json, os, sqlite3, sys
	name, suffix, code = sys.argv[1:]
	db = sqlite3.connect("lake/catalog.db")
	path = db.execute("select metadata_location from iceberg_tables where table_name = 't'").fetchone()[0].replace("file://", "")
	root = json.load(open(path))
	snapshot = root["snapshots"][-1]
	exec(code)
	data = json.dumps(root).encode()
	out = os.path.abspath(name + suffix)
	open(out, "wb").write(gzip.compress(data) if "gz" in suffix else data)
	print(name, out)
	EOF_
}

test_expect_success 'compressed metadata, under both names' '
	rewrite zipped .gz.metadata.json "" && printf "n\n3\n" | answers "select count(*) as n from zipped" -l lake &&
	rewrite zipped2 .metadata.json.gz "" && printf "n\n3\n" | answers "select count(*) as n from zipped2" -l lake &&
	head -c 300 zipped.gz.metadata.json >cut.gz.metadata.json && echo "cut $PWD/cut.gz.metadata.json" | register lake &&
	expect_error 65 "damaged gzip" lk-query -l lake "from cut"
'

test_expect_success 'format v1, with its manifests named inline and one schema' '
	manifest=$(lk-query -l lake -F csv "select path from t\$manifests" | tail -n 1) &&
	rewrite old .metadata.json "
root[\"format-version\"] = 1
root[\"schema\"] = root[\"schemas\"][0]
for key in (\"schemas\", \"current-schema-id\", \"last-sequence-number\", \"sort-orders\", \"refs\", \"table-uuid\", \"snapshot-log\"):
    root.pop(key, None)
snapshot.pop(\"manifest-list\")
snapshot.pop(\"schema-id\"); snapshot.pop(\"sequence-number\")
snapshot[\"manifests\"] = [\"$manifest\"]" &&
	printf "id,name\n0,n0\n1,n1\n2,n2\n" | answers "from old order by id" -l lake &&
	printf "id\n1\n" | answers "select id from \"old@main\" where id = 1" -l lake
'

test_expect_success 'paths with one slash, three, and none' '
	list=$(lk-query -l lake -F csv "select manifest_list from t\$snapshots" | tail -n 1) && path=${list#file://} &&
	for form in "$path" "file:$path" "file://$path"; do
		rewrite path .metadata.json "snapshot[\"manifest-list\"] = \"$form\"" &&
		printf "n\n3\n" | answers "select count(*) as n from path" -l lake || return 1
	done &&
	rewrite path .metadata.json "snapshot[\"manifest-list\"] = \"s3://bucket/list.avro\"" &&
	expect_error 69 "is not a local manifest list" lk-query -l lake "from path"
'

test_expect_success 'format v3, as far as it uses nothing new' '
	v3="root[\"format-version\"] = 3; root[\"next-row-id\"] = 0; schema = root[\"schemas\"][0]; fields = schema[\"fields\"]" &&
	rewrite three .metadata.json "$v3" && printf "n\n3\n" | answers "select count(*) as n from three" -l lake &&
	rewrite three .metadata.json "$v3; fields.append({\"id\": 90, \"name\": \"more\", \"required\": False, \"type\": \"decimal(9, 2)\",
		\"initial-default\": \"1.50\"}); root[\"last-column-id\"] = 90; snapshot.pop(\"schema-id\", None)" &&
	printf "id,more\n0,1.50\n1,1.50\n2,1.50\n" | answers "select id, more from three order by id" -l lake &&
	for type in variant geometry unknown timestamptz_ns; do
		rewrite three .metadata.json "$v3; fields.append({\"id\": 90, \"name\": \"more\", \"required\": False, \"type\": \"$type\"})
root[\"last-column-id\"] = 90" &&
		expect_error 69 "column more: type $type cannot be read here" lk-query -l lake "from three" || return 1
	done &&
	rewrite four .metadata.json "root[\"format-version\"] = 4" && expect_error 69 "format v4; lk reads v1 to v3" lk-query -l lake "from four" &&
	lk-query -F arrow --as three "select 9 as id" >9.lk && expect_status 69 lk-commit -q -l lake --once 9 <9.lk
'

test_expect_success 'columns renamed, widened, dropped and added are found by id' '
	rewrite evolved .metadata.json "
fields = root[\"schemas\"][0][\"fields\"]
fields[0][\"name\"], fields[1][\"name\"] = \"name\", \"id\"
fields.append({\"id\": 91, \"name\": \"new\", \"required\": False, \"type\": \"date\"})
root[\"last-column-id\"] = 91" &&
	printf "name,id,new\n0,n0,\n1,n1,\n2,n2,\n" | answers "from evolved order by name" -l lake &&
	printf "id\nn1\n" | answers "select id from evolved where name = 1 and new is null" -l lake
'

test_done
