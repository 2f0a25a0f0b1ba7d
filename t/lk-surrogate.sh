#!/bin/sh
# lk-surrogate: numbers for natural keys, from maps in the lake, the same for ever.
. "$(dirname "$0")/test-lib.sh"

# Rows of a table of a stream, or of a query, as CSV without a heading.
rows() { lk-cat -F csv -t "$1" "$2" | tail -n +2; } # TABLE FILE
ask() { lk-query -l "$1" -F csv "$2" | tail -n +2; } # LAKE SQL

PATIENT='patient_sk = patient(facility, mrn | national_id)'
COLUMNS='facility:utf8 mrn:utf8 national_id:utf8 lk_file:utf8! lk_row:int64!'

# Rows "facility mrn national_id" (- for null) of standard input, as a stream of a table.
visits() { # NAME [TABLE]
	awk -v name="$1" -v table="${2:-visits}" -v columns="$COLUMNS" 'BEGIN { print "@" table " " columns }
		{ split("facility mrn national_id", c); s = "lk_file=" name "|lk_row=" NR
		  for (i = 1; i <= 3; i++) if ($i != "-") s = s "|" c[i] "=" $i
		  print s }' | make-stream
}

test_expect_success 'rows get numbers in the order in which keys come, before the columns of lk at the end' '
	printf "%s\n" "A 1 -" "A 2 X" "- - X" "B 1 -" "A 1 -" "B - -" | visits one >one.lk &&
	lk-surrogate -l lake "$PATIENT" <one.lk >out.lk 2>said &&
	cat >expect <<-\EOF_ &&
	facility,mrn,national_id,patient_sk,lk_file,lk_row
	A,1,,1,one,1
	A,2,X,2,one,2
	,,X,2,one,3
	B,1,,3,one,4
	A,1,,1,one,5
	B,,,,one,6
	EOF_
	lk-cat -F csv out.lk >actual && test_cmp expect actual &&
	grep "^lk-surrogate: keys.patient: 6 rows, 4 natural keys, 4 new (3 surrogates)$" said &&
	grep "1 row without a natural key" said
'

test_expect_success 'the map is a table that says where each number came from' '
	cat >expect <<-\EOF_ &&
	1,"facility, mrn",A,1,,,one,1
	2,"facility, mrn",A,2,,,one,2
	2,national_id,,,X,,one,2
	3,"facility, mrn",B,1,,,one,4
	EOF_
	ask lake "select surrogate, natural_key, facility, mrn, national_id, merged_into, first_file, first_row from keys.patient order by all" >actual &&
	test_cmp expect actual &&
	lk-fsck -l lake
'

test_expect_success 'again they are the same, and nothing is committed' '
	before=$(sqlite3 lake/catalog.db "select metadata_location from iceberg_tables") &&
	lk-surrogate -q -l lake "$PATIENT" <one.lk >again.lk 2>said &&
	[ ! -s said ] &&
	rows visits out.lk >expect && rows visits again.lk >actual && test_cmp expect actual &&
	[ "$before" = "$(sqlite3 lake/catalog.db "select metadata_location from iceberg_tables")" ]
'

test_expect_success 'equal input gives equal numbers in a fresh map, whatever is on disk meanwhile' '
	lk-surrogate -q -l fresh --memory 1 "$PATIENT" <one.lk >again.lk &&
	rows visits again.lk >actual && test_cmp expect actual
'

test_expect_success 'names in a key may be said in any order, and columns have other names' '
	printf "%s\n" "@stays place:utf8 number:int64" "place=A|number=2" "place=B|number=1" "place=C|number=9" | make-stream |
		lk-surrogate -q -l lake "sk = keys.patient(mrn = number, facility = place)" | lk-cat -F csv >actual &&
	printf "place,number,sk\nA,2,2\nB,1,3\nC,9,4\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'two tables of one stream share a map; others pass unchanged' '
	{ printf "%s\n" "%lk.key [\"n\"]" "@wards n:int64! facility:utf8" "n=1|facility=A"
	  printf "%s\n" "@visits facility:utf8 mrn:utf8" "facility=D|mrn=1" "@stays facility:utf8 mrn:utf8" "facility=D|mrn=2" "facility=D|mrn=1"
	  printf "%s\n" "@lk.files" "delivery=d|sha256=$(printf %064d 1)|sender=s|member=a|status=ok|rows_in=3|rows=3|table=main.visits"
	} | make-stream >two.lk &&
	lk-surrogate -q -l lake "$PATIENT" "ward_sk = ward(facility, mrn)" <two.lk >out.lk &&
	[ "$(rows visits out.lk)" = "D,1,5,1" ] &&
	[ "$(rows stays out.lk | tr "\n" " ")" = "D,2,6,2 D,1,5,1 " ] &&
	lk-cat --schema -F csv -t wards two.lk >expect && lk-cat --schema -F csv -t wards out.lk >actual && test_cmp expect actual &&
	lk-cat --count -F csv two.lk | sort >expect && lk-cat --count -F csv out.lk | sort >actual && test_cmp expect actual &&
	lk-surrogate -q -l lake -t stays "$PATIENT" <two.lk >out.lk &&
	[ "$(rows visits out.lk)" = "D,1" ] && [ "$(rows stays out.lk | tr "\n" " ")" = "D,2,6 D,1,5 " ]
'

# ---- types and nulls ----

test_expect_success 'a key is the same whatever types its columns have' '
	printf "%s\n" "@a k:int32 d:date32" "k=17|d=2026-01-31" "@b k:int64 d:date32" "k=17|d=2026-01-31" \
		"@c k:decimal(9,2) d:date32" "k=17.00|d=2026-01-31" "@e k:decimal(38,0) d:utf8" "k=17|d=2026-01-31" \
		"@f k:utf8 d:utf8" "k=17|d=2026-01-31" "@g k:decimal(9,2) d:utf8" "k=17.50|d=2026-01-31" \
		"@h k:decimal(20,4) d:utf8" "k=17.5|d=2026-01-31" | make-stream |
		lk-surrogate -q -l types "sk = thing(k, d)" >out.lk &&
	for t in a b c e f; do [ "$(rows $t out.lk | cut -d, -f3)" = 1 ] || return 1; done &&
	[ "$(rows g out.lk)" = 17.50,2026-01-31,2 ] && [ "$(rows h out.lk | cut -d, -f3)" = 2 ] &&
	printf "%s\n" "@t k:timestamptz b:bool" "k=2026-01-31T10:00:00Z|b=true" "@u k:utf8 b:utf8" "k=2026-01-31 10:00:00+00|b=true" |
		make-stream | lk-surrogate -q -l types "sk = at(k, b)" >out.lk &&
	[ "$(rows t out.lk | cut -d, -f3)" = 1 ] && [ "$(rows u out.lk | cut -d, -f3)" = 1 ]
'

test_expect_success 'text counts as it is; null and blank parts make no key' '
	printf "%s\n" "@t k:utf8 l:utf8" "k=a|l=b" "k=A|l=b" "k=a |l=b" "k= |l=b" "k=|l=b" "l=b" "k=ab|l= b" "k=a b|l=b" | make-stream |
		lk-surrogate -l text "sk = thing(k, l)" 2>said | lk-cat -F csv | cut -d, -f3 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "sk 1 2 3    4 5 " ] && grep "3 rows without a natural key" said
'

test_expect_success 'columns that cannot be of a key are refused' '
	for type in float64 binary; do
		printf "%s\n" "@t k:$type" | make-stream >in.lk &&
		expect_error 65 "table t: column k is $(echo $type), which cannot be part of a natural key" lk-surrogate -l text "sk = x(k)" <in.lk >out.lk || return 1
	done
'

test_expect_success '--required refuses rows without a key, before any is made' '
	printf "%s\n" "E 1 -" "E - -" | visits bad >bad.lk &&
	before=$(sqlite3 lake/catalog.db "select metadata_location from iceberg_tables") &&
	expect_error 65 "table visits: row 2 has no key for patient_sk" lk-surrogate -l lake --required "$PATIENT" <bad.lk >out.lk &&
	[ "$before" = "$(sqlite3 lake/catalog.db "select metadata_location from iceberg_tables")" ] &&
	expect_status 65 lk-cat out.lk
'

# ---- links ----

test_expect_success 'keys of one row are linked, wherever in the stream that row is' '
	printf "%s\n" "A 1 -" "- - X" "B 7 -" "A 1 X" "B 7 Y" "A 1 Y" "C 1 -" | visits links |
		lk-surrogate -l links "$PATIENT" 2>said | rows visits - | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "1 1 1 1 1 1 2 " ] && ! grep merged said
'

test_expect_success 'surrogates that turn out to be the same are merged into the smallest; rows of before keep theirs' '
	printf "%s\n" "A 1 -" "- - X" "B 7 -" "- - Z" "C 1 -" | visits before | lk-surrogate -q -l merge "$PATIENT" >/dev/null &&
	printf "%s\n" "C 1 -" "B 7 X" "D 1 Z" | visits first | lk-surrogate -l merge "$PATIENT" 2>said | rows visits - | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "5 2 4 " ] &&
	grep "keys.patient: 1 surrogate was merged into smaller ones" said &&
	printf "%s\n" "A 1 X" "- - X" "B 7 -" "- - Z" | visits second | lk-surrogate -q -l merge "$PATIENT" | rows visits - | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "1 1 1 4 " ] &&
	printf "%s\n" "2,1,second,1" "3,1,second,1" "3,2,first,2" >expect &&
	ask merge "select surrogate, merged_into, first_file, first_row from keys.patient where natural_key is null order by all" >actual &&
	test_cmp expect actual &&
	printf "%s\n" 1,1 2,1 3,1 4,4 5,5 >expect &&
	ask merge "select surrogate, coalesce(min(merged_into), surrogate) from keys.patient group by surrogate order by 1" >actual &&
	test_cmp expect actual &&
	ask merge "select surrogate, natural_key from keys.patient where facility = '\''B'\''" >actual && echo "3,\"facility, mrn\"" >expect && test_cmp expect actual
'

test_expect_success 'a rule may get a further natural key later' '
	printf "%s\n" "@t a:utf8" "a=1" "a=2" | make-stream | lk-surrogate -q -l later "sk = thing(a)" >/dev/null &&
	printf "%s\n" "%lk.x y" "@t a:utf8 b:utf8" "a=2|b=x" "a=3|b=y" "b=x" | make-stream >in.lk &&
	lk-surrogate -q -l later "sk = thing(a | b)" <in.lk | rows t - | cut -d, -f3 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "2 3 2 " ] &&
	printf "%s\n" "@t a:utf8" "a=3" | make-stream | lk-surrogate -q -l later "sk = thing(a)" | rows t - >actual && [ "$(cat actual)" = 3,3 ] &&
	lk-fsck -l later
'

# ---- looking only ----

test_expect_success '-n makes nothing: what is not known is null, and counted' '
	printf "%s\n" "A 1 -" "Z 1 -" "Z 1 -" "Z 2 X" "- - -" | visits look >look.lk &&
	before=$(sqlite3 lake/catalog.db .dump | cksum) &&
	expect_status 1 lk-surrogate -n -l lake "$PATIENT" <look.lk >out.lk 2>said &&
	[ "$(rows visits out.lk | cut -d, -f4 | tr "\n" " ")" = "1   2  " ] &&
	grep "keys.patient: 2 rows with keys that it does not have (1)" said &&
	[ "$before" = "$(sqlite3 lake/catalog.db .dump | cksum)" ] &&
	expect_error 66 "there is no map keys.nothing" lk-surrogate -n -l lake "x = nothing(facility)" <look.lk >out.lk &&
	expect_status 66 lk-surrogate -n -l nowhere "$PATIENT" <look.lk >out.lk && [ ! -e nowhere ]
'

# ---- importing ----

test_expect_success '--import takes numbers of elsewhere; new ones are above them' '
	printf "%s\n" "@map id:int64 facility:utf8 mrn:utf8 national_id:utf8" "id=1000|facility=A|mrn=1|national_id=X" "id=7|facility=A|mrn=2" \
		"id=7|facility=B|mrn=9" "id=-5|facility=C|mrn=1" | make-stream >map.lk &&
	lk-surrogate -l import --import "id = patient(facility, mrn | national_id)" <map.lk >out 2>said && [ ! -s out ] &&
	grep "keys.patient: 4 rows, 5 natural keys, 5 new" said &&
	printf "%s\n" "A 1 -" "- - X" "B 9 -" "C 1 -" "N 1 -" | visits new | lk-surrogate -q -l import "$PATIENT" | rows visits - | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "1000 1000 7 -5 1001 " ] &&
	lk-surrogate -l import --import "id = patient(facility, mrn | national_id)" <map.lk 2>said && grep "5 natural keys, 0 new" said &&
	[ "$(ask import "select count(*) from keys.patient")" = 6 ]
'

import_error() { # MESSAGE ROW...
	message=$1
	shift
	printf "%s\n" "@map id:int64 facility:utf8 mrn:utf8" "$@" | make-stream >bad.lk &&
	before=$(sqlite3 import/catalog.db .dump | cksum) &&
	expect_error 65 "$message" lk-surrogate -l import --import "id = patient(facility, mrn)" <bad.lk &&
	[ "$before" = "$(sqlite3 import/catalog.db .dump | cksum)" ]
}

test_expect_success 'what contradicts the map or itself is refused, and nothing is taken' '
	import_error "row 2: the key (facility, mrn) has the surrogate 8 here, and 7 in keys.patient" "id=77|facility=Q|mrn=1" "id=8|facility=A|mrn=2" &&
	import_error "row 3: the key (facility, mrn) has the surrogate 78 here, and 77 in row 1" "id=77|facility=Q|mrn=1" "id=79|facility=Q|mrn=2" "id=78|facility=Q|mrn=1" &&
	import_error "row 2: the surrogate 1001 is that of other keys in keys.patient" "id=77|facility=Q|mrn=1" "id=1001|facility=Q|mrn=2" &&
	import_error "row 1: column id has no surrogate" "facility=Q|mrn=1" &&
	import_error "table map: row 2 has no key for id" "id=77|facility=Q|mrn=1" "id=78|facility=Q" &&
	import_error "row 1: 9223372036854775807 is no surrogate" "id=9223372036854775807|facility=Q|mrn=1" &&
	! grep -F "facility=Q" .stderr
'

test_expect_success 'further keys of a number come with one that the map knows' '
	printf "%s\n" "@map id:int64 facility:utf8 mrn:utf8" "id=1001|facility=Q|mrn=2" "id=1001|facility=N|mrn=1" | make-stream |
		lk-surrogate -q -l import --import "id = patient(facility, mrn)" &&
	printf "%s\n" "Q 2 -" | visits q | lk-surrogate -q -n -l import "$PATIENT" | rows visits - >actual &&
	[ "$(cut -d, -f4 actual)" = 1001 ] && lk-fsck -l import
'

test_expect_success 'a map of CSV comes by lk-parse, and goes out by lk-query' '
	printf "empi_id,facility,mrn\n501,F1,A1\n502,F1,A2\n" >empi.csv &&
	lk-infer -o empi.json empi.csv &&
	lk-parse -s empi.json empi.csv | lk-surrogate -q -l csv --import "empi_id = patient(facility, mrn)" &&
	lk-query -l csv -o out.csv "select surrogate as empi_id, facility, mrn from keys.patient order by all" && test_cmp empi.csv out.csv &&
	[ "$(ask csv "select distinct first_file like '\''empi.csv@%'\'' from keys.patient")" = true ]
'

# ---- many at once ----

test_expect_success 'many at once: each key has one number, each number one key' '
	for i in 1 2 3 4 5 6 7 8; do
		awk -v i=$i "BEGIN { for (k = 0; k < 300; k++) print \"F\" k % 7, (k * 37 + i * 20) % 400, \"-\" }" | visits w$i >w$i.lk || return 1
	done &&
	pids= &&
	for i in 1 2 3 4 5 6 7 8; do
		lk-surrogate -q -l many "$PATIENT" "visit_sk = visit(facility, mrn, source = lk_file)" <w$i.lk >o$i.lk & pids="$pids $!"
	done &&
	for p in $pids; do wait $p || return 1; done &&
	for i in 1 2 3 4 5 6 7 8; do rows visits o$i.lk; done | cut -d, -f1,2,4 | sort -u >all &&
	keys=$(cut -d, -f1,2 all | sort -u | wc -l) &&
	[ "$(wc -l <all)" = $keys ] && [ "$(cut -d, -f3 all | sort -u | wc -l)" = $keys ] &&
	ask many "select facility, mrn, surrogate from keys.patient" | sort >map && test_cmp all map &&
	[ "$(ask many "select count(*) = count(distinct surrogate) and count(*) = 2400 from keys.visit")" = true ] &&
	lk-fsck -l many
'

test_expect_success 'killed anywhere and done again, keys are as if it was done once' '
	awk "BEGIN { for (k = 0; k < 3000; k++) print \"F\" k % 7, k, \"N\" k % 1500 }" | visits kill >kill.lk &&
	for ms in 1 3 5 8 12 16 20 25 30 40 60; do
		lk-surrogate -q -l killed "$PATIENT" <kill.lk >out.lk & pid=$!
		sleep "$(echo "$ms" | awk "{ print \$1 / 1000 }")"
		kill -9 $pid 2>/dev/null
		wait $pid
	done
	lk-surrogate -q -l killed "$PATIENT" <kill.lk >out.lk &&
	rows visits out.lk | cut -d, -f3,4 | sort -u >actual && [ "$(wc -l <actual)" = 1500 ] && [ "$(cut -d, -f2 actual | sort -u | wc -l)" = 1500 ] &&
	[ "$(ask killed "select count(*), count(distinct (facility, mrn, national_id)), count(distinct surrogate) from keys.patient")" = 4500,4500,1500 ] &&
	lk-fsck -l killed
'

test_expect_success 'a stream that is cut makes no keys; a reader that goes away is no trouble' '
	{ echo "@visits $COLUMNS"; echo "facility=A|mrn=1"; echo "!"; } | make-stream >dead.lk
	expect_status 65 lk-surrogate -l cut "$PATIENT" <dead.lk >out.lk && [ ! -e cut ] &&
	head -c 700 one.lk >short.lk && expect_status 65 lk-surrogate -l cut "$PATIENT" <short.lk >out.lk && [ ! -e cut ] &&
	{ lk-surrogate -q -l killed "$PATIENT" <kill.lk; echo $? >status; } | head -c 1 >/dev/null &&
	case $(cat status) in 0 | 141 | 74) ;; *) return 1 ;; esac &&
	expect_status 65 lk-surrogate -l cut "$PATIENT" <out.lk
'

# ---- the lake around it ----

test_expect_success 'compaction, a branch, a reset and a revert leave keys as they are' '
	printf "%s\n" "A 1 -" | visits d1 | lk-surrogate -q -l past "$PATIENT" | lk-commit -l past >said &&
	lk-branch -q -l past trial &&
	printf "%s\n" "A 2 -" | visits d2 | lk-surrogate -q -l past "$PATIENT" | lk-commit -l past --branch trial >said &&
	lk-query -l past --at trial -F csv "select mrn, surrogate from visits join keys.patient using (facility, mrn) order by 1" >actual &&
	printf "mrn,surrogate\n1,1\n2,2\n" >expect && test_cmp expect actual &&
	lk-branch -l past --publish trial &&
	[ "$(ask past "select patient_sk from visits order by 1" | tr "\n" " ")" = "1 2 " ] &&
	first=$(ask past "select snapshot_id from main.\"visits\$snapshots\" order by committed_at limit 1") &&
	lk-compact -q -l past &&
	lk-reset -q -l past "$first" &&
	[ "$(ask past "select count(*) from visits")" = 1 ] && [ "$(ask past "select count(*) from keys.patient")" = 2 ] &&
	expect_error 65 "is a map of surrogate keys: it has no branches" lk-branch -l past -t keys.patient other &&
	printf "%s\n" "A 3 -" "A 2 -" | visits d3 | lk-surrogate -q -l past "$PATIENT" | rows visits - | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "3 2 " ] && lk-fsck -l past
'

test_expect_success 'numbers are not given twice, even when the map is set back' '
	snapshot=$(ask past "select snapshot_id from keys.\"patient\$snapshots\" order by committed_at limit 1") &&
	lk-reset -q -l past -t keys.patient "$snapshot" &&
	[ "$(ask past "select count(*) from keys.patient")" = 1 ] &&
	printf "%s\n" "A 9 -" | visits d4 | lk-surrogate -q -l past "$PATIENT" | rows visits - | cut -d, -f4 >actual &&
	[ "$(cat actual)" = 4 ]
'

test_expect_success 'a table that is no map is refused' '
	printf "%s\n" "@keys.bad a:utf8" "a=1" | make-stream | lk-commit -l past >said &&
	expect_error 65 "table keys.bad is no map of keys: it has no column surrogate" lk-surrogate -l past "x = bad(facility)" <one.lk >out.lk &&
	printf "%s\n" "@keys.bad2 surrogate:int64! natural_key:utf8 merged_into:int64 facility:int64" "surrogate=1" | make-stream | lk-commit -l past >said &&
	expect_error 65 "column facility is long and not string" lk-surrogate -l past "x = bad2(facility)" <one.lk >out.lk
'

# ---- as metadata ----

test_expect_success 'a package says it once: by hand and by lk-ingest' '
	mkdir -p landing/F1 sources &&
	cat >sources/clinic.json <<-\EOF_ &&
	{"name": "clinic", "lk": {"delivery": "(?<sender>F[0-9]+)/"}, "resources": [{"name": "visits", "path": "visits*.csv",
	  "schema": {"fields": [{"name": "mrn", "lk": {"phi": "id"}}, {"name": "visit", "type": "integer"}, {"name": "facility", "lk": {"path": "delivery:sender"}}]},
	  "lk": {"surrogate": ["patient_sk = patient(facility, mrn)", "visit_sk = visit(facility, visit)"]}}]}
	EOF_
	printf "mrn,visit\nA,1\nA,2\nB,3\n,4\n" >landing/F1/visits1.csv &&
	lk-parse --check -s sources &&
	lk-unpack -s sources landing/F1/visits1.csv | lk-parse -s sources >parsed.lk &&
	lk-surrogate -q -l byhand <parsed.lk >out.lk &&
	lk-surrogate -q -l byhand <out.lk >twice.lk && rows main.visits out.lk >expect && rows main.visits twice.lk >actual && test_cmp expect actual &&
	lk-ingest -q -l ingested -s sources --settle 0 landing >said &&
	ask ingested "select mrn, visit, patient_sk, visit_sk from visits order by visit" >actual &&
	printf "A,1,1,1\nA,2,1,2\nB,3,2,3\n,4,,4\n" >expect && test_cmp expect actual &&
	printf "mrn,visit\nB,5\nC,1\n" >landing/F1/visits2.csv &&
	lk-ingest -q -l ingested -s sources --settle 0 landing >said &&
	ask ingested "select mrn, visit, patient_sk, visit_sk from visits where patient_sk > 1 order by visit" >actual &&
	printf "C,1,3,1\nB,3,2,3\nB,5,2,5\n" >expect && test_cmp expect actual &&
	lk-table describe -l ingested keys.patient | grep -F "lk.phi.mrn = id" &&
	lk-fsck -l ingested
'

test_expect_success 'rules that are none are refused, with what is wrong' '
	while IFS="	" read -r rule message; do
		expect_error 64 "$message" lk-surrogate -l lake "$rule" <one.lk >out.lk || return 1
	done <<-\EOF_ &&
	patient	'"'"'patient'"'"': = is expected at the end
	sk = patient	( is expected at the end
	sk = patient(	a column of the key is expected at the end
	sk = patient(a, )	a column of the key is expected before )
	sk = patient(a) x	nothing more is expected before x
	sk = patient(a, a)	a key names '"'"'a'"'"' twice
	sk = patient(a, b | b, a)	the key '"'"'a, b'"'"' is there twice
	sk = patient(Mrn)	NAME = Mrn gives it one
	sk = patient(surrogate)	'"'"'surrogate'"'"' is a column that maps have for themselves
	lk_sk = patient(a)	names that begin with lk_ are lk'"'"'s own
	sk = Patient(facility)	'"'"'Patient'"'"' is no name for a map
	sk = lk.files(facility)	'"'"'lk.files'"'"' is a name that lk keeps
	EOF_
	expect_error 65 "no table of the stream has the columns of its keys (visits has no column mrm)" lk-surrogate -l lake "sk = patient(facility, mrm)" <one.lk >out.lk &&
	expect_error 65 "table visits has a column mrn already" lk-surrogate -l lake "mrn = patient(facility)" <one.lk >out.lk &&
	expect_error 66 "there is no table '"'"'stays'"'"' in the stream" lk-surrogate -l lake -t stays "$PATIENT" <one.lk >out.lk &&
	expect_error 64 "another rule makes a column sk" lk-surrogate -l lake "sk = a(facility)" "sk = b(mrn)" <one.lk >out.lk &&
	while IFS="	" read -r rules message; do
		printf "%s\n" "{\"resources\": [{\"name\": \"a\", \"path\": \"a\", \"lk\": {\"surrogate\": $rules}, \"schema\": {\"fields\": [{\"name\": \"Mrn\"}, {\"name\": \"w\", \"type\": \"number\"}]}}]}" >wrong.json
		expect_error 78 "resources[0].lk.surrogate$message" lk-parse --check -s wrong.json || return 1
	done <<-\EOF_
	["sk = p(mrm)"]	[0]: there is no column '"'"'mrm'"'"'
	"sk = p(w)"	: column w is float64, which cannot be part of a natural key
	["mrn = p(mrn)"]	[0]: there is a field with the column '"'"'mrn'"'"' already
	["sk = p(mrn)", "sk = q(mrn)"]	[1]: another rule makes a column '"'"'sk'"'"', too
	["sk = p"]	[0]: '"'"'sk = p'"'"': ( is expected at the end
	EOF_
'

# Streams at random, and what must come of them: keys that rows link are one thing, whose smallest number holds.
cat >model.py <<'END'
import random, sys

random.seed(int(sys.argv[1]))
parent, number, last = {}, {}, 0  # number: what each key was given

def find(key):
    parent.setdefault(key, key)
    while parent[key] != key:
        key = parent[key]
    return key

for stream in range(int(sys.argv[2])):
    rows = []
    for _ in range(random.randint(1, 12)):
        rows.append([random.choice(["-", str(random.randint(1, 25))]), random.choice(["-", "-", "X%d" % random.randint(1, 25)])])
    keys = []
    for mrn, national in rows:
        own = [k for k in ("m" + mrn, "n" + national) if k[1:] != "-"]
        keys += own
        if len(own) == 2:
            parent[find(own[1])] = find(own[0])
    current = {}
    for key, n in number.items():
        current[find(key)] = min(n, current.get(find(key), n))
    for key in keys:
        if find(key) not in current:
            last += 1
            current[find(key)] = last
    for key in keys:
        number.setdefault(key, current[find(key)])
    with open(f"in{stream}", "w") as f:
        f.writelines(f"A {m} {n}\n" for m, n in rows)
    with open(f"expect{stream}", "w") as f:
        for m, n in rows:
            key = "m" + m if m != "-" else "n" + n
            f.write("%s\n" % current.get(find(key), ""))
with open("expect", "w") as f:
    for n in sorted(set(number.values())):
        f.write("%d,%d\n" % (n, min(current.get(find(k), number[k]) for k in number if number[k] == n)))
END

test_expect_success 'streams at random get what a model says' '
	for seed in 1 2 3; do
		python3 model.py $seed 12 && echo "seed $seed" || return 1
		for n in 0 1 2 3 4 5 6 7 8 9 10 11; do
			visits s$n <in$n | lk-surrogate -q -l model$seed "$PATIENT" 2>/dev/null | rows visits - | cut -d, -f4 >actual && test_cmp expect$n actual || return 1
		done
		ask model$seed "select surrogate, coalesce(min(merged_into), surrogate) from keys.patient group by surrogate order by 1" >actual &&
		test_cmp expect actual && lk-fsck -l model$seed || return 1
	done
'

test_expect_success 'links that many make at once hold: what any row has together is one thing' '
	python3 model.py 4 8 && pids= &&
	for n in 0 1 2 3 4 5 6 7; do
		visits s$n <in$n >m$n.lk || return 1
	done &&
	for n in 0 1 2 3 4 5 6 7; do
		lk-surrogate -q -l linked "$PATIENT" <m$n.lk >/dev/null 2>&1 & pids="$pids $!"
	done &&
	for p in $pids; do wait $p || return 1; done &&
	ask linked "with now as (select surrogate, coalesce(min(merged_into), surrogate) as sk from keys.patient group by surrogate)
		select coalesce('\''m'\'' || mrn, '\''n'\'' || national_id), sk from keys.patient join now using (surrogate) where natural_key is not null" >now &&
	python3 - <<-\END
	import csv
	now = {}
	for key, sk in csv.reader(open("now")):
	    assert now.setdefault(key, sk) == sk, key
	same, keys = {}, set()
	def find(k):
	    while same.setdefault(k, k) != k: k = same[k]
	    return k
	for n in range(8):
	    for line in open("in%d" % n):
	        own = [c + v for c, v in zip("mn", line.split()[1:]) if v != "-"]
	        keys |= set(own)
	        if len(own) == 2: same[find(own[0])] = find(own[1])
	things = {}
	for k in keys: things.setdefault(find(k), set()).add(now[k])
	assert all(len(t) == 1 for t in things.values()), things
	assert len({min(t) for t in things.values()}) == len(things), "two things have one number"
	assert set(now) == keys
	END
'

test_done
