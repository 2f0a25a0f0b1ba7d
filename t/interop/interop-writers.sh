#!/bin/sh
# PyIceberg and lk write the same lake in turn: each goes on from what the other left.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here'
here=$LK_TOP/t/interop
python() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$@"; }
pyiceberg() { python "$here/append.py" lake "$@"; }

commit() { # TABLE PART [OPTION...]
	made=${1%[0-9]}
	python "$here/rows.py" "$made" "$2" >"$1.$2.arrows" || return 1
	name=$1 once=$1.$2
	shift 2
	lk-commit -q -l lake --plain --as "$name" --once "$once" "$@" <"$once.arrows"
}
count() { lk-query -l lake -F csv "select count(*) as n from $1" | tail -n 1; } # TABLE
agree() { # TABLE...
	python "$here/summary.py" lk lake "$@" >lk.json && [ -s lk.json ] &&
		python "$here/summary.py" pyiceberg lake "$@" >pyiceberg.json && test_cmp lk.json pyiceberg.json &&
		{ [ -z "$LK_INTEROP_CHDB" ] || {
			"$LK_INTEROP_CHDB/bin/python" -W ignore "$here/summary.py" clickhouse lake "$@" >clickhouse.json &&
				sed "/\"type\": \"time\"/ s/, \"min\".*/}/" lk.json >expect &&
				sed "/\"type\": \"time\"/ s/, \"min\".*/}/" clickhouse.json >actual && test_cmp expect actual; }; } &&
		python "$here/manifests.py" lake "$@"
}

test_expect_success 'lk makes a table, PyIceberg appends, lk appends again' '
	commit types 1 && [ "$(count types)" = 1001 ] &&
	pyiceberg append main.types 2 && [ "$(count types)" = 2003 ] &&
	commit types 3 && [ "$(count types)" = 3006 ] &&
	[ "$(pyiceberg rows main.types)" = 3006 ]
'
test_expect_success 'every engine sees all three parts' 'agree types'

test_expect_success 'PyIceberg deletes rows by rewriting files, lk sees it and appends after it' '
	before=$(count "types where small is null") && [ "$before" -gt 0 ] &&
	pyiceberg delete main.types "small is null" && [ "$(count types)" = $((3006 - before)) ] &&
	commit types 4 && [ "$(count types)" = $((3006 - before + 1004)) ] && agree types
'

test_expect_success 'PyIceberg makes a table in the same catalog, lk reads it' '
	pyiceberg create main.decimals 1 && [ "$(count decimals)" = 9 ] && agree decimals
'
test_expect_success 'lk appends to it, PyIceberg appends again' '
	commit decimals 2 && pyiceberg append main.decimals 3 && [ "$(count decimals)" = 27 ] && agree decimals
'

test_expect_success 'a namespace of its own that PyIceberg made' '
	pyiceberg create other.grown 1 && [ "$(count other.grown)" = 50 ] &&
	lk-query -l lake -F csv >tables && grep -q other tables && agree grown
'
test_expect_success 'lk adds a column to a table that PyIceberg made' '
	python "$here/rows.py" grown 2 >grown.2.arrows &&
	expect_error 65 extra lk-commit -l lake --plain --as other.grown --once g2 <grown.2.arrows &&
	lk-commit -q -l lake --plain --as other.grown --once g2 --schema add <grown.2.arrows &&
	[ "$(count other.grown)" = 100 ] && agree grown
'

test_expect_success 'ledger and once: what lk committed before PyIceberg wrote is still known' '
	lk-commit -q -l lake --plain --as types --once types.1 <types.1.arrows;
	[ "$(count types)" = "$(pyiceberg rows main.types)" ] && [ "$(count types)" -lt 4010 ]
'

test_expect_success 'PyIceberg loses a race and tries again: both rows are there' '
	commit special 1 &&
	python -c "
import sys; sys.path.insert(0, sys.argv[1])
import os, subprocess, rows, summary
table = summary.open_catalog(os.path.abspath(\"lake\")).load_table(\"main.special\")
with open(\"special.2.arrows\", \"wb\") as out: subprocess.run([sys.executable, sys.argv[1] + \"/rows.py\", \"special\", \"2\"], stdout=out, check=True)
with open(\"special.2.arrows\") as rows_in:
    subprocess.run([\"lk-commit\", \"-q\", \"-l\", \"lake\", \"--plain\", \"--as\", \"special\", \"--once\", \"s2\"], stdin=rows_in, check=True)
try:
    table.append(rows.special(3).cast(table.schema().as_arrow()))
except Exception as error:
    print(type(error).__name__); table.refresh(); table.append(rows.special(3).cast(table.schema().as_arrow()))
" "$here" && [ "$(count special)" = 21 ] && agree special
'

test_expect_success 'tables of PyIceberg that are partitioned, of format v1, or whose columns moved are read' '
	pyiceberg others theirs && python "$here/summary.py" lk lake parted old evolved >lk.json && [ "$(wc -l <lk.json)" = 20 ] &&
	python "$here/summary.py" pyiceberg lake parted old evolved >pyiceberg.json && test_cmp lk.json pyiceberg.json &&
	lk-query -l lake -F json "select * from theirs.nested" >actual &&
	printf "%s\n" "{\"id\":1,\"list\":[1,2],\"struct\":{\"a\":1,\"b\":\"x\"}}" "{\"id\":2,\"list\":null,\"struct\":null}" >expect &&
	test_cmp expect actual
'
test_expect_success 'lk appends to a table that PyIceberg partitioned, into its folders' '
	lk-commit -q -l lake --plain --as theirs.parted --once p <types.4.arrows && [ "$(count theirs.parted)" = 2005 ] &&
	agree parted &&
	[ "$(find lake/theirs/parted/data -path "*/code=gr%C3%BCn/*.parquet" | wc -l)" -ge 2 ]
'
test_expect_success 'what lk cannot write it leaves alone, and says so' '
	sqlite3 lake/catalog.db .dump >before &&
	expect_error 69 v1 lk-commit -l lake --plain --as theirs.old --once o <grown.2.arrows &&
	sqlite3 lake/catalog.db .dump >after && test_cmp before after
'
test_expect_success 'rows find the columns by name, whatever became of them' '
	python -c "
import pyarrow as pa, sys
rows = pa.table({\"c\": [\"again\"], \"a\": pa.array([7], pa.int64())})
with pa.ipc.new_stream(sys.stdout.buffer, rows.schema) as out: out.write_table(rows)" >moved.arrows &&
	lk-commit -q -l lake --plain --as theirs.evolved --once e <moved.arrows &&
	lk-query -l lake -F csv "select * from evolved order by a" >actual &&
	printf "%s\n" z,a,name,c ,1,x, ,2,y, ,7,,again ,1099511627776,Z,new >expect && test_cmp expect actual &&
	agree evolved
'

test_done
