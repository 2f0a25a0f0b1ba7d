#!/bin/sh
# Rows that came again as they are: what that says is not lost when another writer was between.
. "$(dirname "$0")/test-lib.sh"

mkdir sources
cat >sources/datapackage.json <<'EOF'
{"name": "p", "lk": {"delivery": "(?<sent>[0-9]{8})"}, "resources": [
  {"name": "beds", "path": "*.csv", "lk": {"load": "upsert"},
   "schema": {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "v"}]}}]}
EOF

# delivery DAY ROW...
delivery() {
	mkdir -p "$1" && { echo id,v && shift && printf '%s\n' "$@"; } >"$1/beds.csv"
}
# rows DAY
rows() {
	lk-unpack "$1/beds.csv" | lk-parse -q -s sources
}
delivery 20260101 1,a 2,b
delivery 20260102 1,between
delivery 20260103 1,a 3,c

test_expect_success 'a row that was confirmed, and replaced meanwhile by an older one, is a conflict' '
	rows 20260101 | lk-commit -q -l lake &&
	rows 20260103 | lk-upsert -q -l lake >change &&
	rows 20260102 | lk-commit -q -l lake &&
	expect_error 75 "run lk-upsert again" lk-commit -l lake <change
'
test_expect_success 'resolved again, the newest version is there' '
	rows 20260103 | lk-upsert -q -l lake | lk-commit -q -l lake &&
	lk-query -l lake "select id, v from beds order by id" >actual &&
	printf "id,v\n1,a\n2,b\n3,c\n" >expect && test_cmp expect actual
'
test_expect_success 'where another key was changed meanwhile, the stream goes in' '
	delivery 20260105 1,a 4,d && delivery 20260104 2,B &&
	rows 20260105 | lk-upsert -q -l lake >change &&
	rows 20260104 | lk-commit -q -l lake &&
	lk-commit -q -l lake <change &&
	lk-query -l lake "select id, v from beds order by id" >actual &&
	printf "id,v\n1,a\n2,B\n3,c\n4,d\n" >expect && test_cmp expect actual &&
	lk-fsck -q -l lake -d
'

test_done
