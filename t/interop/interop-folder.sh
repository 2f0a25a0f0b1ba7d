#!/bin/sh
# A table by its folder alone, without a catalog: version-hint.text leads engines to the newest metadata after each commit of lk.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here'
folder=$test_dir/lake/main/t

commit() { # TURN
	printf '@main.t id:int64 turn:int32\n*10 id=#|turn=%s\n' "$1" | make-stream | lk-commit -q -l lake --once "$1"
}
pyiceberg() {
	"$LK_INTEROP_PYICEBERG/bin/python" -W ignore -c '
import sys
from pyiceberg.table import StaticTable
print(len(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow()))' "$folder"
}
polars() {
	"$LK_INTEROP_PYICEBERG/bin/python" -W ignore -c '
import sys, polars
from pyiceberg.table import StaticTable
print(polars.scan_iceberg(StaticTable.from_metadata(sys.argv[1])).collect().height)' "$folder"
}
duckdb() {
	"$LK_INTEROP_DUCKDB/bin/python" -W ignore -c '
import sys; sys.path.insert(0, sys.argv[1])
from ask import DuckDB
with DuckDB(None) as db: print(db.rows(f"select count(*) from iceberg_scan({db.text(sys.argv[2])})")[0][0])' "$LK_TOP/t/interop" "$folder"
}
clickhouse() {
	"$LK_INTEROP_CHDB/bin/python" -W ignore -c '
import os, sys; os.chdir("/")
import chdb
print(str(chdb.query(f"select count() from icebergLocal({sys.argv[1]!r})")).strip())' "$folder"
}
# Spark knows tables by their folder as those of a Hadoop catalog, which name metadata otherwise: it is not asked.

for pair in "pyiceberg:$LK_INTEROP_PYICEBERG" "polars:$LK_INTEROP_PYICEBERG" "duckdb:$LK_INTEROP_DUCKDB" "clickhouse:$LK_INTEROP_CHDB"; do
	engine=${pair%%:*}
	if [ -z "${pair#*:}" ]; then
		test_skip "$engine finds the newest metadata in a folder" "$engine cannot be had here"
		continue
	fi
	test_expect_success "$engine finds the newest metadata in a folder, after each commit" '
		rm -rf lake && commit 1 && commit 2 && [ "$($engine)" = 20 ] && commit 3 && [ "$($engine)" = 30 ]
	'
done

test_done
