#!/bin/sh
# Partitioned and sorted writing: routes of rows, folders, orders, properties, whole partitions replaced.
. "$(dirname "$0")/test-lib.sh"

metadata_of() { # LAKE TABLE
	sqlite3 "$1/catalog.db" "select substr(metadata_location, 8) from iceberg_tables
		where catalog_name = 'lk' and table_namespace || '.' || table_name = '$2'"
}

# An expression in Python over a table's metadata m and its current snapshot s.
ask() { # LAKE TABLE EXPRESSION
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
s = [x for x in m["snapshots"] if x["snapshot-id"] == m["current-snapshot-id"]]
s = s[0] if s else None
spec = [x for x in m["partition-specs"] if x["spec-id"] == m["default-spec-id"]][0]
print(eval(sys.argv[2]))' "$(metadata_of "$1" "$2")" "$3"
}

# What manifests tell of the live files, some of it: "spec=0 order=1".
files() { # LAKE TABLE WORD...
	lake=$1 table=$2
	shift 2
	data-files "$(metadata_of "$lake" "$table")" >files.all || return
	awk -v words="$*" '{ n = split(words, w, " "); line = ""
		for (i = 1; i <= n; i++) for (f = 1; f <= NF; f++) if (index($f, w[i] "=") == 1) line = line (i > 1 ? " " : "") $f
		print line }' files.all
}

folders() { (cd "$1" && find . -name '*.parquet' | sed 's,/[^/]*$,,; s,^./,,' | sort -u); } # LAKE/ns/table/data
query() { lk-query -F csv "$@" | tail -n +2; }

test_expect_success 'lk.partition becomes the spec of a new table, number 0' '
	printf "%s\n" "%lk.partition [\"month(at)\", \"bucket(4, id)\", \"place\"]" "@visits id:int64! at:timestamp place:utf8" \
		"*6 id=#|at=2026-01-31T10:00:00|place=north" "*4 id=#|at=2025-12-01T00:00:00|place=south" | make-stream >visits.lk &&
	lk-commit -q -l lake <visits.lk &&
	[ "$(ask lake main.visits "[(f[\"name\"], f[\"transform\"], f[\"source-id\"], f[\"field-id\"]) for f in spec[\"fields\"]]")" = \
		"[('\''at_month'\'', '\''month'\'', 2, 1000), ('\''id_bucket_4'\'', '\''bucket[4]'\'', 1, 1001), ('\''place'\'', '\''identity'\'', 3, 1002)]" ] &&
	[ "$(ask lake main.visits "len(m[\"partition-specs\"]), m[\"default-spec-id\"], m[\"last-partition-id\"]")" = "(1, 0, 1002)" ] &&
	cat >expect <<-\END &&
	at_month=2025-12/id_bucket_4=0/place=south
	at_month=2025-12/id_bucket_4=3/place=south
	at_month=2026-01/id_bucket_4=0/place=north
	at_month=2026-01/id_bucket_4=2/place=north
	at_month=2026-01/id_bucket_4=3/place=north
	END
	folders lake/main/visits/data >actual &&
	test_cmp expect actual &&
	[ "$(query -l lake "select count(*), sum(id), count(distinct place) from visits")" = 10,21,2 ] &&
	[ "$(ask lake main.visits "s[\"summary\"][\"changed-partition-count\"]")" = 5 ]
'

test_expect_success 'a table goes on in its spec, and what lk.partition says later is not asked' '
	printf "%s\n" "%lk.partition [\"place\"]" "@visits id:int64! at:timestamp place:utf8" "*1 id=4|place=north" | make-stream >late.lk &&
	lk-commit -q -l lake <late.lk &&
	folders lake/main/visits/data | grep -x "at_month=null/id_bucket_4=2/place=north" &&
	[ "$(ask lake main.visits "len(m[\"partition-specs\"])")" = 1 ]
'

test_expect_success 'a spec that does not go with the columns is refused, and no table is made' '
	for terms in "[\"day(id)\"]" "[\"nope\"]" "[\"week(at)\"]" "[\"bucket(0, id)\"]" "[3]" id {}; do
		printf "%s\n" "%lk.partition $terms" "@bad id:int64! at:timestamp" "*1 id=1" | make-stream >bad.lk &&
		expect_status 65 lk-commit -l bad <bad.lk 2>err &&
		grep "lk-commit: table main.bad: lk.partition: " err || return 1
	done &&
	! ls -d bad/main/bad
'

test_expect_success 'nulls, empty texts and characters that folders cannot have' '
	printf "%s\n" "%lk.partition [\"t\"]" "@odd id:int64! t:utf8" "*1 id=1|t=a/b" "*1 id=2|t=.." "*1 id=3" "*1 id=4|t=" \
		"*1 id=5|t=null" "*1 id=6|t=é 100%" "*1 id=7|t=a=b&c" "*1 id=8|t=$(printf "%0300d" 7)" "*1 id=9|t=$(printf "%0300d" 8)" |
		make-stream >odd.lk &&
	lk-commit -q -l lake <odd.lk &&
	folders lake/main/odd/data | cut -c 1-30 >actual &&
	cat >expect <<-\END &&
	t=
	t=%C3%A9+100%25
	t=..
	t=0000000000000000000000000000
	t=a%2Fb
	t=a%3Db%26c
	t=null
	END
	test_cmp expect actual &&
	[ "$(query -l lake "select string_agg(id, '\'' '\'' order by id) from odd where t is not null")" = "1 2 4 5 6 7 8 9" ] &&
	[ "$(query -l lake "select id from odd where t = '\''a/b'\''")" = 1 ] &&
	[ "$(query -l lake "select id from odd where t is null")" = 3 ] &&
	[ "$(query -l lake "select count(*) from odd where length(t) = 300")" = 2 ]
'

# Rows of many partitions, in a random order.
test_expect_success 'beyond 64 partitions rows are sorted: one file of each, whatever the order, and nothing left over' '
	lk-table create -q -l many --partition "bucket(500, id)" main.rows "id long, v double, note string" &&
	lk-query -l many -F arrow -o rows.arrows "select i as id, i / 4.0 as v, case when i % 3 > 0 then repeat(i::varchar, 5) end as note
		from range(60000) t(i) order by hash(i)" &&
	lk-commit -q -l many --plain --as main.rows <rows.arrows &&
	[ "$(find many/main/rows/data -name "*.parquet" | wc -l)" = 500 ] &&
	[ "$(folders many/main/rows/data | wc -l)" = 500 ] &&
	[ -z "$(find many -name ".*")" ] &&
	[ "$(query -l many "select count(*), count(distinct id), sum(id), sum(v), count(note), sum(length(note)) from main.rows")" = \
		"$(query -l many "select count(*), count(distinct i), sum(i), sum(i / 4.0), count(*) filter (i % 3 > 0),
			sum(length(i::varchar) * 5) filter (i % 3 > 0) from range(60000) t(i)")" ] &&
	[ "$(ask many main.rows "s[\"summary\"][\"changed-partition-count\"]")" = 500 ]
'

# More than the sorter keeps in memory.
test_expect_success 'with long texts, they go through the disk, and leave nothing there' '
	lk-table create -q -l many --partition "bucket(80, id)" --sort "id desc" main.long "id long, note string" &&
	lk-query -l many -F arrow "select i as id, repeat(i::varchar, 1000) as note from range(40000) t(i) order by hash(i)" |
		lk-commit -q -l many --plain --as main.long &&
	[ "$(find many/main/long/data -name "*.parquet" | wc -l)" = 80 ] && [ -z "$(find many -name ".*")" ] &&
	[ "$(query -l many "select count(*), sum(id), sum(length(note)), count(*) filter (note[:5] = (id::varchar || id || id || id || id)[:5])
		from main.long")" = 40000,799980000,188890000,40000 ]
'

test_expect_success 'rows that come partition by partition need no sorting: a file of each' '
	lk-table create -q -l many --partition "truncate(1000, id)" main.ordered "id long, v double, note string" &&
	lk-query -l many -F arrow -o ordered.arrows "select i as id, null::double as v, '\''x'\'' as note from range(100000) t(i)" &&
	lk-commit -q -l many --plain --as main.ordered <ordered.arrows &&
	[ "$(find many/main/ordered/data -name "*.parquet" | wc -l)" = 100 ] &&
	[ "$(query -l many "select count(*), sum(id) from main.ordered")" = 100000,4999950000 ]
'

test_expect_success 'the sort order of the table is that of its files, and they say so' '
	lk-table create -q -l sorted --sort "city asc nulls last, v desc nulls first" main.s "id long, city string, v double" &&
	lk-query -l sorted -F arrow -o s.arrows "select i as id, case when i % 7 > 0 then '\''c'\'' || (i * 31 % 5) end as city,
		case when i % 11 > 0 then (i * 7919 % 1000) / 8.0 end as v from range(5000) t(i)" &&
	lk-commit -q -l sorted --plain --as main.s <s.arrows &&
	lk-query -F csv -l sorted "select id from main.s" >got &&
	lk-query -F csv -l sorted "select id from main.s order by city asc nulls last, v desc nulls first, id" >want &&
	test_cmp want got &&
	[ "$(files sorted main.s order)" = order=1 ]
'

# A table's rows come file by file, in the order in which they stand: v falls once between files, and nowhere else.
test_expect_success 'sorted in each partition' '
	lk-table create -q -l sorted --partition "truncate(2500, id)" --sort "v nulls last" main.p "id long, city string, v double" &&
	lk-commit -q -l sorted --plain --as main.p <s.arrows &&
	[ "$(find sorted/main/p/data -name "*.parquet" | wc -l)" = 2 ] &&
	query -l sorted -j 1 "select v from main.p where v is not null" |
		awk "NR > 1 && \$1 < last { falls++ } { last = \$1 } END { exit falls != 1 || NR != 4545 }" &&
	[ "$(query -l sorted "select count(*), sum(id) from main.p")" = 5000,12497500 ]
'

test_expect_success 'a null in a required column is refused before anything is sorted' '
	lk-table create -q -l sorted --sort v main.r "id long not null, v long" &&
	printf "%s\n" "@r id:int64 v:int64" "*3 id=#|v=1" "*1 v=1" | make-stream >r.lk &&
	expect_status 65 lk-commit -l sorted <r.lk 2>err &&
	grep "table r: column .id. is required, but row 4 of the table has none" err
'

test_expect_success 'files of older specs stay, new rows go by the default one' '
	lk-table create -q -l evolved main.t "id long, d date" &&
	printf "%s\n" "@t id:int64 d:date32" "*3 id=#|d=2026-01-01" | make-stream >one.lk && lk-commit -q -l evolved <one.lk &&
	lk-table alter -q -l evolved main.t "add partition day(d)" &&
	printf "%s\n" "@t id:int64 d:date32" "*3 id=#|d=2026-01-02" | make-stream >two.lk && lk-commit -q -l evolved <two.lk &&
	lk-table alter -q -l evolved main.t "drop partition day(d)" "add partition year(d)" &&
	lk-commit -q -l evolved <two.lk &&
	folders evolved/main/t/data >actual &&
	printf "%s\n" . d_day=2026-01-02 d_year=2026 | sed "s/^\.$//" >expect &&
	sed "s/^[^=]*$//" actual | diff - expect &&
	files evolved main.t spec partition | sort >actual &&
	cat >expect <<-\END &&
	spec=0 partition=
	spec=1 partition=1000:e74f0000
	spec=2 partition=1001:38000000
	END
	test_cmp expect actual &&
	[ "$(query -l evolved "select count(*), count(distinct d) from main.t")" = 9,2 ]
'

test_expect_success 'a spec that lk cannot write by is refused clearly, and its table can be read' '
	lk-table create -q -l foreign --partition "day(d)" main.t "id long, d date" &&
	lk-commit -q -l foreign <one.lk &&
	file=$(metadata_of foreign main.t) &&
	sed -i "s/\"transform\":\"day\"/\"transform\":\"zorder\"/" "$file" &&
	expect_status 69 lk-commit -l foreign <one.lk 2>err &&
	grep "table main.t: partition field d_day is of a transform that lk does not know" err &&
	[ "$(query -l foreign "select count(*) from main.t")" = 3 ]
'

test_expect_success 'write.* properties are honoured' '
	lk-table create -q -l props --set write.target-file-size-bytes=20000 --set write.parquet.compression-codec=snappy \
		--set write.parquet.row-group-size-bytes=4000 --set write.parquet.page-row-limit=100 \
		--set write.metadata.metrics.default=counts --set write.metadata.metrics.column.id=full \
		--set write.metadata.metrics.column.note=none --set write.something.unknown=7 main.rows "id long, v double, note string" &&
	lk-commit -q -l props --plain --as main.rows <rows.arrows &&
	[ "$(find props/main/rows/data -name "*.parquet" | wc -l)" -gt 10 ] &&
	[ "$(query -l props "select count(*), sum(id) from main.rows")" = 60000,1799970000 ] &&
	[ "$(files props main.rows counted bounded | sort -u)" = "counted=1,2 bounded=1" ] &&
	lk-table create -q -l props --set write.data.path="file://$PWD/props/elsewhere" main.away "id long, v double, note string" &&
	lk-commit -q -l props --plain --as main.away <rows.arrows &&
	[ "$(find props/elsewhere -name "*.parquet" | wc -l)" = 1 ] && [ "$(query -l props "select count(*) from main.away")" = 60000 ]
'

test_expect_success 'what lk does not write is refused' '
	for set in write.parquet.compression-codec=brotli write.format.default=orc; do
		table=main.t$(echo "$set" | cksum | cut -c 1-5) &&
		lk-table create -q -l props --set "$set" "$table" "id long, v double, note string" &&
		! lk-commit -l props --plain --as "$table" <rows.arrows 2>err && grep "table $table: its property ${set%%=*} is" err || return 1
	done
'

test_expect_success 'only the first hundred columns have metrics, unless all are asked for' '
	columns=$(seq 1 120 | sed "s/.*/c&:int64/" | tr "\n" " ") &&
	printf "%s\n" "@wide $columns" "*1 c1=1|c120=2" | make-stream >wide.lk &&
	lk-commit -q -l props <wide.lk &&
	[ "$(files props main.wide counted | grep -o "[0-9][0-9]*" | wc -l)" = 100 ] &&
	lk-table alter -q -l props main.wide "set write.metadata.metrics.default=truncate(16)" &&
	lk-commit -q -l props <wide.lk &&
	[ "$(files props main.wide counted | grep -o "[0-9][0-9]*" | wc -l)" = 220 ]
'

day() { # DAY FIRST COUNT
	printf "%s\n" "@t id:int64 d:date32" "*$3 id=$2|d=$1"
}

test_expect_success 'staged runs carry partitions, spec and order' '
	lk-table create -q -l staging --partition "day(d)" --sort id main.t "id long, d date" &&
	lk-commit -q -l staging --stage desk <one.lk && lk-commit -q -l staging --stage desk <two.lk &&
	lk-commit -q -l staging --staged desk &&
	files staging main.t spec partition order | sort >actual &&
	cat >expect <<-\END &&
	spec=0 partition=1000:e64f0000 order=1
	spec=0 partition=1000:e74f0000 order=1
	END
	test_cmp expect actual &&
	day 2026-01-02 1 1 | sed "s/^@t/@main.t/" | make-stream | lk-commit -q -l staging --stage desk &&
	sed -i "s/\"partition\":\[\"[0-9a-f]*\"\]/\"partition\":[]/" desk/*.json &&
	expect_status 65 lk-commit -l staging --staged desk 2>err && grep "not a sound description of a staged run: a file" err &&
	[ "$(query -l staging "select count(*) from main.t")" = 6 ]
'

test_expect_success '--replace-partitions replaces those that rows come for, in one snapshot' '
	lk-table create -q -l rep --partition "day(d)" main.t "id long, d date" &&
	{ day 2026-01-01 1 5; day 2026-01-02 2 5; day 2026-01-03 3 5; } | make-stream | lk-commit -q -l rep &&
	before=$(ask rep main.t "len(m[\"snapshots\"])") &&
	{ day 2026-01-02 20 2; day 2026-01-04 40 1; } | make-stream | lk-commit -l rep --replace-partitions >said &&
	grep "main.t: 3 rows, 2 files, .*, 5 rows removed" said &&
	[ "$(query -l rep "select d, min(id), count(*) from main.t group by d order by d" | tr "\n" " ")" = \
		"2026-01-01,1,5 2026-01-02,20,2 2026-01-03,3,5 2026-01-04,40,1 " ] &&
	[ "$(ask rep main.t "len(m[\"snapshots\"]) - $before, s[\"summary\"][\"operation\"], s[\"summary\"][\"replace-partitions\"]")" = \
		"(1, '\''overwrite'\'', '\''true'\'')" ] &&
	[ "$(ask rep main.t "s[\"summary\"][\"total-records\"], s[\"summary\"][\"total-data-files\"]")" = "('\''13'\'', '\''4'\'')" ] &&
	{ day 2026-01-02 20 2; day 2026-01-04 40 1; } | make-stream | lk-commit -q -l rep --replace-partitions &&
	[ "$(query -l rep "select count(*) from main.t")" = 13 ]
'

test_expect_success 'nulls are a partition; a table without partitions is replaced whole; no rows replace nothing' '
	printf "%s\n" "@t id:int64 d:date32" "*2 id=7" | make-stream | lk-commit -q -l rep --replace-partitions &&
	printf "%s\n" "@t id:int64 d:date32" "*1 id=8" | make-stream | lk-commit -q -l rep --replace-partitions &&
	[ "$(query -l rep "select count(*), sum(id) filter (d is null) from main.t")" = 14,8 ] &&
	printf "%s\n" "@plain id:int64" "*4 id=#" | make-stream | lk-commit -q -l rep --replace-partitions &&
	printf "%s\n" "@plain id:int64" "*2 id=9" | make-stream | lk-commit -q -l rep --replace-partitions &&
	[ "$(query -l rep "select count(*), min(id) from main.plain")" = 2,9 ] &&
	printf "%s\n" "@plain id:int64" | make-stream | lk-commit -q -l rep --replace-partitions &&
	[ "$(query -l rep "select count(*) from main.plain")" = 2 ]
'

# mine.lk is held after its first rows, when the table is open and a file of it begun, until theirs.lk is committed.
files_begun() { find "$1" -name "*.parquet" 2>/dev/null | wc -l; }
more_begun() { [ "$(files_begun "$1")" -gt "$2" ]; }
both() { # LAKE FOLDER OPTION...
	lake=$1 folder=$2
	shift 2
	rm -f hold && mkfifo hold && begun=$(files_begun "$folder") &&
	size=$(($(wc -c <mine.lk) - 8)) || return 70
	{ head -c $size mine.lk; read -r line <hold; tail -c 8 mine.lk; } | lk-commit -l "$lake" "$@" >said 2>err &
	test_pids="$test_pids $!" held=$!
	wait_until 20 more_begun "$folder" "$begun" && lk-commit -q -l "$lake" <theirs.lk && echo go >hold || return 70
	wait $held
}

replace_beside() { # DAY OF THE OTHER WRITER
	day 2026-01-02 50 1 | make-stream >mine.lk &&
	day "$1" 60 1 | make-stream >theirs.lk &&
	both rep rep/main/t/data --replace-partitions
}

test_expect_success 'another writer in another partition is no conflict' '
	replace_beside 2026-01-03 &&
	[ "$(query -l rep "select string_agg(id, '\'' '\'' order by id) from main.t where d in ('\''2026-01-02'\'', '\''2026-01-03'\'')")" = \
		"3 3 3 3 3 50 60" ]
'

test_expect_success 'in a replaced partition it is one, and nothing is changed' '
	replace_beside 2026-01-02; [ $? = 75 ] &&
	grep "another writer changed partitions of table main.t that this commit replaces; nothing was changed, try again" err &&
	[ "$(query -l rep "select string_agg(id, '\'' '\'' order by id) from main.t where d = '\''2026-01-02'\''")" = "50 60" ] &&
	lk-commit -q -l rep --replace-partitions <mine.lk &&
	[ "$(query -l rep "select string_agg(id, '\'' '\'' order by id) from main.t where d = '\''2026-01-02'\''")" = 50 ]
'

test_expect_success 'a table that another writer made by another spec meanwhile is not written by ours' '
	printf "%s\n" "%lk.partition [\"id\"]" "@fresh id:int64! d:date32" "*1 id=1" | make-stream >mine.lk &&
	for terms in "[\"day(d)\"]" "[]"; do
		rm -rf made &&
		printf "%s\n" "%lk.partition $terms" "@fresh id:int64! d:date32" "*1 id=2" | make-stream >theirs.lk &&
		expect_status 75 both made made/main/fresh/data && grep "another writer made table main.fresh meanwhile" err &&
		[ "$(query -l made "select id from fresh")" = 2 ] || return 1
	done &&
	rm -rf made &&
	printf "%s\n" "%lk.partition [\"id\"]" "@fresh id:int64! d:date32" "*1 id=2" | make-stream >theirs.lk &&
	both made made/main/fresh/data && [ "$(query -l made "select sum(id) from fresh")" = 3 ]
'

test_expect_success 'lk-ingest makes tables by their packages, and its workers write by their specs' '
	mkdir -p src drop/f && echo "{\"resources\": [{\"name\": \"stays\", \"path\": \"*.csv\", \"lk\": {\"partition\":
		[\"month(From)\", \"Ward\"]}, \"schema\": {\"fields\": [{\"name\": \"From\", \"type\": \"date\"}, {\"name\": \"Ward\"}]}}]}" \
		>src/datapackage.json &&
	printf "From,Ward\n2026-01-01,A 1\n2026-02-01,B\n2026-02-02,B\n" >drop/f/stays.csv &&
	lk-ingest -q --settle 0 -l taken -s src drop &&
	folders taken/main/stays/data >actual && printf "%s\n" from_month=2026-01/ward=A+1 from_month=2026-02/ward=B >expect &&
	test_cmp expect actual && [ "$(query -l taken "select count(*), count(distinct ward) from stays")" = 3,2 ]
'

test_expect_success 'files of another spec cannot be told apart, and are not touched' '
	lk-table alter -q -l rep main.t "add partition bucket(2, id)" &&
	count=$(query -l rep "select count(*) from main.t") &&
	day 2026-01-01 1 1 | make-stream | expect_status 65 lk-commit -l rep --replace-partitions 2>err &&
	grep "has files of partition spec 0, and rows come by spec 1" err &&
	[ "$(query -l rep "select count(*) from main.t")" = "$count" ]
'

test_expect_success 'it goes alone' '
	for with in "--stage d" "--staged d" --again "--overwrite true"; do
		expect_status 64 lk-commit -l rep --replace-partitions $with <one.lk 2>err && grep -e "--replace-partitions" err || return 1
	done
'

test_done
