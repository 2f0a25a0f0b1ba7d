#!/bin/sh
# Full lists: each delivery is complete within its scope, whichever comes first.
. "$(dirname "$0")/test-lib.sh"

mkdir sources
cat >sources/datapackage.json <<'EOF'
{"name": "p", "lk": {"delivery": "(?<sender>F[0-9])/(?<sent>[0-9]{8})"}, "resources": [
  {"name": "visits", "path": "*.csv", "lk": {"load": "full", "scope": ["facility"]},
   "schema": {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "facility"}, {"name": "v"}]}}]}
EOF

# list FOLDER ROW...
list() {
	mkdir -p "drop/$1" && f=drop/$1/list.csv && shift &&
	{ echo id,facility,v && printf '%s\n' "$@"; } >"$f"
}
load() {
	lk ingest -q -l lake -s sources --settle 0 "$@"
}
rows() {
	lk-query -l lake "select id, facility, v from visits order by id"
}

list F1/20260101 1,F1,a 2,F1,b 3,F1,c
list F2/20260101 4,F2,a 5,F2,b
list F1/20260103 1,F1,a 2,F1,B
list F1/20260102 1,F1,x 3,F1,zz 7,F1,n
printf 'id,facility,v\n1,F1,a\n2,F1,B\n4,F2,a\n5,F2,b\n' >expect

test_expect_success 'what a list does not have goes, within its scope' '
	load drop/F1/20260101 drop/F2/20260101 && load drop/F1/20260103 &&
	rows >actual && test_cmp expect actual
'
test_expect_success 'a list that comes late changes nothing' '
	load drop/F1/20260102 && rows >actual && test_cmp expect actual &&
	lk-fsck -q -l lake -d
'
test_expect_success 'any order of lists gives the same table' '
	for order in "2 1 3 4" "3 4 2 1" "3 1 4 2" "4 3 2 1" "2 3 1 4"; do
		rm -rf lake &&
		for i in $order; do
			case $i in
			1) load drop/F1/20260101 ;;
			2) load drop/F2/20260101 ;;
			3) load drop/F1/20260103 ;;
			4) load drop/F1/20260102 ;;
			esac || return 1
		done && rows >actual && test_cmp expect actual || return 1
	done
'
test_expect_success 'a key that goes from one scope to another is there once, whichever list came first' '
	list F2/20260104 4,F2,a 2,F2,moved && list F2/20260105 4,F2,a &&
	printf "id,facility,v\n1,F1,a\n4,F2,a\n" >expect &&
	for order in "F1/20260103 F2/20260104 F2/20260105" "F1/20260103 F2/20260105 F2/20260104" "F2/20260105 F2/20260104 F1/20260103"; do
		rm -rf lake &&
		for l in $order; do
			load "drop/$l" || return 1
		done && rows >actual && test_cmp expect actual || return 1
	done
'

test_done
