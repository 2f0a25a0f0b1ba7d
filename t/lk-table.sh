#!/bin/sh
# lk-table: tables are made, described, altered, renamed and dropped; rows of before stay right, and other writers are met.
. "$(dirname "$0")/test-lib.sh"

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables
		where catalog_name = 'lk' and table_namespace || '.' || table_name = '$2'"
}

# An expression in Python over a table's metadata m and its current schema.
ask() { # LAKE TABLE EXPRESSION
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
schema = [x for x in m["schemas"] if x["schema-id"] == m["current-schema-id"]][0]
print(eval(sys.argv[2]))' "$(metadata_of "$1" "$2")" "$3"
}

described() { # LAKE TABLE EXPRESSION over d
	lk-table describe --json -l "$1" "$2" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$3"
}

rows() { # TABLE COUNT
	printf "%s\n" "@$1 id:int64! name:utf8" "*$2 id=#|name=name #" | make-stream
}

query() { lk-query -l lake -F csv "$1" | tail -n +2; } # STATEMENT

# ---- create ----

test_expect_success 'a table is made, and described' '
	lk-table create -l lake ward.visits --key id --sort "admitted desc, bucket(4, id)" --set comment="a, b = c" \
		--set write.target-file-size-bytes=1048576 \
		"id long not null comment '\''who it is'\'', name string, admitted timestamptz, cost decimal(9,2),
		 place struct<ward: string not null, bed: int>, tags list<string>, notes map<string, struct<by: string>>" 2>said &&
	grep -qx "lk-table: made ward.visits" said &&
	lk-table describe -l lake visits | sed "s#file://.*/lake#LAKE#" >actual &&
	cat >expect <<-\END &&
	table       ward.visits
	location    LAKE/ward/visits
	snapshot    none yet
	partitions  none
	sort        admitted desc nulls last, bucket(4, id) asc nulls first

	id  column          type                                     null  key  comment
	--  --------------  ---------------------------------------  ----  ---  ---------
	 1  id              long                                     no    yes  who it is
	 2  name            string
	 3  admitted        timestamptz
	 4  cost            decimal(9, 2)
	 5  place           struct<ward: string not null, bed: int>
	 8  place.ward      string                                   no
	 9  place.bed       int
	 6  tags            list<string>
	10  tags.element    string
	 7  notes           map<string, struct<by: string>>
	11  notes.key       string                                   no
	12  notes.value     struct<by: string>
	13  notes.value.by  string
	END
	head -n 21 actual >head && test_cmp expect head &&
	grep -qx "comment = a, b = c" actual && grep -qx "write.target-file-size-bytes = 1048576" actual
'

test_expect_success 'its metadata are those of a first version' '
	[ "$(ask lake ward.visits "len(m[\"schemas\"]), m[\"current-schema-id\"], schema[\"identifier-field-ids\"], m[\"last-column-id\"]")" = \
		"(1, 0, [1], 13)" ] &&
	[ "$(ask lake ward.visits "[o[\"order-id\"] for o in m[\"sort-orders\"]], m[\"default-sort-order-id\"]")" = "([1], 1)" ] &&
	lk-table create -l lake parted --partition "month(at), bucket(16, id)" "id long, at date" &&
	[ "$(ask lake main.parted "len(m[\"partition-specs\"]), m[\"default-spec-id\"], m[\"last-partition-id\"]")" = "(1, 0, 1001)" ] &&
	[ "$(described lake parted "[f[\"term\"] + \" as \" + f[\"name\"] for f in d[\"partitions\"][\"fields\"]]")" = \
		"['\''month(at) as at_month'\'', '\''bucket(16, id) as id_bucket_16'\'']" ]
'

test_expect_success 'a table that is there is an error, or is fine' '
	expect_error 73 "table ward.visits is there already" lk-table create -l lake ward.visits "a int" &&
	lk-table create -l lake --if-not-exists ward.visits "a int" 2>said && grep -q "is there already" said &&
	[ "$(ask lake ward.visits "m[\"last-column-id\"]")" = 13 ]
'

test_expect_success 'what is wrong is told, and nothing is left' '
	expect_error 64 "is no type" lk-table create -l none t "a varchar" && [ ! -e none ] &&
	expect_error 64 "is there twice, case aside" lk-table create -l none t "a int, A int" &&
	expect_error 64 "is no transform" lk-table create -l none t "a int" --partition "shard(a)" && [ ! -e none ] &&
	expect_error 65 "it may be null" lk-table create -l lake t "a int" --key a &&
	expect_error 65 "there is no column '\''b'\''" lk-table create -l lake t "a int" --sort b &&
	expect_error 65 "is not for properties" lk-table create -l lake t "a int" --set format-version=1 &&
	[ ! -e lake/main/t ] &&
	expect_error 65 "is no name for a table" lk-table create -l lake Bad "a int" &&
	expect_error 77 "lk'\''s own" lk-table create -l lake quarantine.x "a int" &&
	expect_error 66 "there is no table" lk-table describe -l lake nothing &&
	expect_error 66 "nowhere" lk-table describe -l nowhere nothing &&
	expect_status 64 lk-table create -l lake t && expect_status 64 lk-table alter -l lake t && expect_status 64 lk-table &&
	expect_status 64 lk-table shrink t && expect_status 64 lk-table describe t --key a && expect_status 64 lk-table rename -n a b
'

test_expect_success 'the tables of data packages' '
	cat >people.json <<-\END &&
	{"name": "ward", "resources": [
		{"name": "people", "path": "people.csv", "schema": {"primaryKey": "id", "fields": [
			{"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "name", "type": "string"}]}},
		{"name": "beds", "path": "beds.csv", "schema": {"fields": [{"name": "bed", "type": "integer"}]}}]}
	END
	lk-table create -l lake -s people.json people &&
	[ "$(described lake people "[c[\"column\"] for c in d[\"columns\"] if c[\"key\"]]")" = "['\''id'\'']" ] &&
	expect_status 66 lk-table describe -l lake beds &&
	lk-table create -l lake -s people.json && lk-table describe -l lake beds >out &&
	expect_error 65 "no data package has a table '\''nothing'\''" lk-table create -l lake -s people.json nothing
'

# ---- alter ----

test_expect_success 'rows of before are read by the columns of now' '
	rows main.a 3 | lk-commit -l lake >out &&
	lk-table alter -l lake a add column n int after id comment how many, in all 2>said &&
	grep -qx "lk-table: altered main.a: schema 1, partition spec 0, sort order 0" said &&
	lk-table alter -l lake a "rename column name to \"full name\"" "alter column n type long" "add column name string first" &&
	query "select id, n, \"full name\", name from a order by id" >actual &&
	printf "0,,name 0,\n1,,name 1,\n2,,name 2,\n" >expect && test_cmp expect actual &&
	[ "$(described lake a "[(c[\"id\"], c[\"column\"], c[\"type\"]) for c in d[\"columns\"]]")" = \
		"[(4, '\''name'\'', '\''string'\''), (1, '\''id'\'', '\''long'\''), (3, '\''n'\'', '\''long'\''), (2, '\''full name'\'', '\''string'\'')]" ] &&
	[ "$(described lake a "[c[\"comment\"] for c in d[\"columns\"]][2]")" = "how many, in all" ]
'

test_expect_success 'and new rows by the same names go where they belong' '
	rows main.a 2 | lk-commit -l lake >out &&
	query "select id, \"full name\", name from a where \"full name\" is null order by id" >actual &&
	printf "0,,name 0\n1,,name 1\n" >expect && test_cmp expect actual &&
	[ "$(query "select count(*) from a")" = 5 ]
'

test_expect_success 'a column that is dropped and made again is another one' '
	lk-table alter -l lake a drop column name && lk-table alter -l lake a add column name string &&
	[ "$(query "select count(name) from a")" = 0 ] &&
	[ "$(described lake a "[c[\"id\"] for c in d[\"columns\"] if c[\"column\"] == \"name\"]")" = "[5]" ]
'

test_expect_success 'a required column may become optional, and lk-commit refuses nulls before that' '
	printf "%s\n" "@main.a id:int64 n:int64" "n=1" | make-stream >null.lk &&
	expect_error 65 "id" lk-commit -l lake <null.lk &&
	lk-table alter -l lake a alter column id drop not null &&
	lk-commit -l lake <null.lk >out && [ "$(query "select count(*) from a where id is null and n = 1")" = 1 ]
'

test_expect_success 'a table with nested columns takes rows for its flat ones' '
	lk-table create -l lake nested "id long not null, place struct<ward: string>, name string, tags list<string>" &&
	rows main.nested 2 | lk-commit -l lake >out &&
	query "select id, name, place is null, tags is null from nested order by id" >actual &&
	printf "0,name 0,true,true\n1,name 1,true,true\n" >expect && test_cmp expect actual
'

test_expect_success 'nothing to do makes no version, and -n none either' '
	before=$(metadata_of lake main.a) &&
	lk-table alter -l lake a alter column n type long 2>said && grep -q "is so already" said &&
	lk-table alter -l lake -n a "drop column n" "set x=y" >out 2>said && grep -qx "x = y" out && ! grep -q " n " out && [ ! -s said ] &&
	[ "$(metadata_of lake main.a)" = "$before" ] &&
	lk-table alter -l lake --json a set x=y >out 2>/dev/null && python3 -c "import json; assert json.load(open(\"out\"))[\"properties\"][\"x\"] == \"y\""
'

test_expect_success 'options say the same as actions, and come after them' '
	lk-table create -l lake opts "id long not null, n int" &&
	lk-table alter -l lake opts "add column at date" --partition "month(at)" --sort "at desc" --key id --set a=b &&
	[ "$(described lake opts "d[\"partitions\"][\"fields\"][0][\"term\"], d[\"sort\"][\"fields\"][0][\"term\"], d[\"columns\"][0][\"key\"]")" = \
		"('\''month(at)'\'', '\''at'\'', True)" ] &&
	lk-table alter -l lake opts --partition "()" --set a=c --set b=d && [ "$(described lake opts "d[\"partitions\"][\"fields\"], d[\"properties\"][\"a\"]")" = "([], '\''c'\'')" ]
'

test_expect_success 'properties that would stop every commit are refused' '
	expect_error 65 "not a number above 0" lk-table alter -l lake a set write.target-file-size-bytes=huge &&
	expect_error 65 "lk.retention.keep-last" lk-table alter -l lake a set lk.retention.keep-last=all &&
	expect_error 65 "not a number above 0" lk-table create -l lake t "a int" --set write.parquet.page-size-bytes=0 && [ ! -e lake/main/t ]
'

test_expect_success 'all actions or none' '
	before=$(metadata_of lake main.a) &&
	expect_error 65 "table main.a: '\''drop column nothing'\'': there is no column '\''nothing'\''" \
		lk-table alter -l lake a "add column z int" "drop column nothing" &&
	expect_error 64 "is no type" lk-table alter -l lake a "add column z int" "add column y varchar" &&
	expect_error 64 "the end is expected" lk-table alter -l lake a drop column z "add column y int" &&
	[ "$(metadata_of lake main.a)" = "$before" ] &&
	find lake/main/a/metadata -name "*.metadata.json" | wc -l >count &&
	[ "$(cat count)" = "$(ask lake main.a "len(m[\"metadata-log\"]) + 1")" ]
'

test_expect_success 'of the tables of lk itself only properties are for users' '
	printf "%s\n" "@lk.files" "delivery=d|sha256=s|sender=x|member=a.csv|status=ok|rows_in=0|rows=0|table=main.a" | make-stream | lk-commit -l lake >out &&
	expect_error 77 "only its properties may be set" lk-table alter -l lake lk.files add column x int &&
	lk-table alter -l lake lk.files set lk.retention.keep-last=7 &&
	expect_error 77 "lk'\''s own" lk-table drop -l lake lk.files &&
	expect_error 77 "lk'\''s own" lk-table rename -l lake lk.files a2 &&
	expect_error 77 "lk'\''s own" lk-table rename -l lake a lk.a
'

# ---- other writers ----

test_expect_success 'alterations from all sides at once are all made' '
	lk-table create -l lake busy "id long not null, name string" &&
	for i in 1 2 3 4 5 6; do
		lk-table alter -l lake busy add column "c$i" int 2>"said.$i" &
		rows main.busy 10 | lk-commit -l lake >"rows.$i" &
	done && wait &&
	[ "$(described lake busy "sorted(c[\"column\"] for c in d[\"columns\"])")" = "['\''c1'\'', '\''c2'\'', '\''c3'\'', '\''c4'\'', '\''c5'\'', '\''c6'\'', '\''id'\'', '\''name'\'']" ] &&
	[ "$(described lake busy "sorted(c[\"id\"] for c in d[\"columns\"])")" = "[1, 2, 3, 4, 5, 6, 7, 8]" ] &&
	[ "$(query "select count(*), count(distinct name), count(c1) from busy")" = 60,10,0 ]
'

# A commit that has begun holds the schema of when it began; the pipe keeps it open until the table is altered.
commit_while() { # ROWS-OF-TABLE ALTERATION...
	rows "$1" 4 >flight.lk && rm -f flight && mkfifo flight && shift || return 1
	lk-commit -l lake <flight >flight.out 2>flight.err &
	flight=$!
	exec 9>flight && head -c 1500 flight.lk >&9 &&
	lk-table alter -l lake "$@" 2>said && tail -c +1501 flight.lk >&9
	exec 9>&-
	wait $flight
}

test_expect_success 'a commit in flight meets an alteration' '
	lk-table create -l lake flying "id long not null, name string, gone int" &&
	commit_while main.flying flying "rename column name to called" "add column name string" "drop column gone" &&
	query "select id, called, name from flying order by id" >actual &&
	cat actual flight.out &&
	{ printf "0,name 0,\n1,name 1,\n2,name 2,\n3,name 3,\n" >expect && test_cmp expect actual ||
		{ printf "0,,name 0\n1,,name 1\n2,,name 2\n3,,name 3\n" >expect && test_cmp expect actual; }; }
'

test_expect_success 'a drop meets a commit in flight' '
	lk-table create -l lake shortlived "id long not null, name string" &&
	rows main.shortlived 4 >flight.lk && mkfifo flight2 || return 1
	{ lk-commit -l lake <flight2 >out 2>err; echo $? >status; } &
	exec 9>flight2 && head -c 1500 flight.lk >&9 &&
	lk-table drop -l lake shortlived 2>said && tail -c +1501 flight.lk >&9
	exec 9>&-
	wait
	case $(cat status) in
	75) grep -q "dropped" err ;;
	0) [ "$(query "select count(*) from shortlived")" = 4 ] ;; # it had not looked at the table yet, and made its own
	*) false ;;
	esac
'

# ---- rename and drop ----

test_expect_success 'a table is renamed, with its rows, and its old name is free' '
	lk-table rename -l lake a ward.aa 2>said && grep -qx "lk-table: renamed a to ward.aa" said &&
	[ "$(query "select count(*) from ward.aa")" = 6 ] &&
	expect_status 66 lk-table describe -l lake main.a &&
	rows main.a 7 | lk-commit -l lake >out &&
	[ "$(query "select count(*) from main.a")" = 7 ] && [ "$(query "select count(*) from ward.aa")" = 6 ] &&
	[ "$(described lake main.a "d[\"location\"]")" != "$(described lake ward.aa "d[\"location\"]")" ] &&
	rows ward.aa 1 | lk-commit -l lake >out && [ "$(query "select count(*) from ward.aa")" = 7 ] &&
	expect_error 73 "there already" lk-table rename -l lake ward.aa main.a
'

test_expect_success 'a dropped table leaves its files, and a new one of the name begins anew' '
	find lake/main/busy -name "*.parquet" | wc -l >before &&
	lk-table drop -l lake -n busy 2>said && grep -q "would drop main.busy; its files stay in file://.*/lake/main/busy for lk-gc" said &&
	[ "$(query "select count(*) from busy")" = 60 ] &&
	lk-table drop -l lake busy 2>said && grep -q "dropped main.busy" said &&
	expect_status 66 lk-table describe -l lake busy &&
	[ "$(find lake/main/busy -name "*.parquet" | wc -l)" = "$(cat before)" ] &&
	rows main.busy 2 | lk-commit -l lake >out && [ "$(query "select count(*) from busy")" = 2 ] &&
	lk-gc -l lake --grace 0 2>said && [ "$(query "select count(*) from busy")" = 2 ] &&
	[ "$(find lake/main/busy -name "*.parquet" | wc -l)" = 1 ]
'

test_expect_success 'a table whose metadata are damaged can be dropped, but not purged' '
	lk-table create -l lake broken "a int" && echo nonsense >"$(metadata_of lake main.broken)" &&
	expect_error 65 "is not JSON" lk-table describe -l lake broken &&
	expect_status 65 lk-table drop -l lake --purge broken &&
	lk-table drop -l lake broken && expect_status 66 lk-table describe -l lake broken
'

test_expect_success '--purge removes what it said that it would, and nothing else' '
	rows main.p 3 | lk-commit -l lake >out && rows main.p 3 | lk-commit -l lake >out &&
	find lake -type f ! -name "catalog.*" | sort >before &&
	lk-table drop -l lake -n --purge p >list 2>said && grep -q "would drop main.p and remove [0-9]* files" said &&
	find lake -type f ! -name "catalog.*" | sort >after && test_cmp before after &&
	lk-table drop -l lake --json --purge p >out 2>said &&
	find lake -type f ! -name "catalog.*" | sort >after && comm -23 before after | sed "s#.*/lake/##; s#^lake/##" >gone &&
	sed "s#^ *[0-9]* *##; s#.*/lake/##" list | sort >listed && test_cmp listed gone &&
	[ "$(wc -l <gone)" -ge 7 ] && ! grep -qv "^main/p/" gone && [ ! -e lake/main/p ] &&
	python3 -c "import json; o = json.load(open(\"out\")); assert o[\"removed_files\"] == len(o[\"files\"]) == $(wc -l <gone) and not o[\"dry_run\"]" &&
	[ "$(query "select count(*) from main.a")" = 7 ]
'

test_expect_success '--purge spares what another table has, and a table that says so' '
	rows main.shared 3 | lk-commit -l lake >out && rows main.other 3 | lk-commit -l lake >out &&
	sqlite3 lake/catalog.db "insert into iceberg_tables select catalog_name, table_namespace, '\''twin'\'', metadata_location, previous_metadata_location, iceberg_type
		from iceberg_tables where table_name = '\''shared'\''" &&
	lk-table alter -l lake twin set a=b && lk-table drop -l lake --purge shared 2>said &&
	[ "$(query "select count(*) from twin")" = 3 ] && grep -q "others stay" said && [ -d lake/main/shared ] &&
	lk-table alter -l lake other set gc.enabled=false &&
	expect_error 65 "gc.enabled=false" lk-table drop -l lake --purge other &&
	[ "$(query "select count(*) from other")" = 3 ]
'

test_done
