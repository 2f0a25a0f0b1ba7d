#!/bin/sh
# Maps of surrogate keys are tables that PyIceberg reads, and may add to.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here'

rule='patient_sk = patient(facility, mrn | national_id)'

cat >map.py <<'END'
import csv, os, sys
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

lake = os.path.abspath("lake")
table = SqlCatalog("lk", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}").load_table("keys.patient")
if sys.argv[1] == "add":  # a key of elsewhere, and what a merge would say
    rows = {"surrogate": [100, 2], "natural_key": ["facility, mrn", None], "facility": ["P", None], "mrn": ["1", None],
            "merged_into": [None, 1]}
    schema = table.schema().as_arrow()
    table.append(pa.table([pa.array(rows.get(f.name, [None, None]), f.type) for f in schema], schema=schema))
else:
    rows = table.scan().to_arrow().to_pylist()
    names = ["surrogate", "natural_key", "facility", "mrn", "national_id", "merged_into", "first_file", "first_row"]
    out = csv.writer(sys.stdout, lineterminator="\n")
    for row in sorted([["" if r[n] is None else r[n] for n in names] for r in rows], key=str):
        out.writerow(row)
END

stream() { printf "%s\n" "@visits facility:utf8 mrn:int64 national_id:utf8 lk_file:utf8! lk_row:int64!" "$@" | make-stream; }
pyiceberg() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore map.py "$1"; }
ask() { lk-query -l lake -F csv "$1" | tail -n +2; }
columns='surrogate, natural_key, facility, mrn, national_id, merged_into, first_file, first_row'

test_expect_success 'PyIceberg reads what lk-query reads' '
	stream "facility=A|mrn=1|lk_file=f|lk_row=1" "national_id=X|lk_file=f|lk_row=2" "facility=B|mrn=2|lk_file=f|lk_row=3" |
		lk-surrogate -q -l lake "$rule" >out.lk &&
	stream "facility=B|mrn=2|national_id=X|lk_file=g|lk_row=1" | lk-surrogate -q -l lake "$rule" >out.lk &&
	ask "select $columns from keys.patient" | sort >expect && pyiceberg read | sort >actual && test_cmp expect actual &&
	[ "$(wc -l <expect)" = 4 ]
'

test_expect_success 'what PyIceberg adds is known, and no number of it is given again' '
	pyiceberg add &&
	stream "facility=P|mrn=1" "facility=Q|mrn=1" "national_id=X" | lk-surrogate -q -l lake "$rule" | lk-cat -F csv | cut -d, -f4 | tr "\n" " " >actual &&
	[ "$(cat actual)" = "patient_sk 100 101 1 " ] &&
	lk-fsck -l lake
'

test_done
