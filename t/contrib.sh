#!/bin/sh
# The ready sources: each becomes what its samples say, and real public data of all editions land in one table each.
. "$(dirname "$0")/test-lib.sh"

sources=$LK_TOP/contrib/sources

test_expect_success 'the packages are right, and their samples become what is expected' '
	lk-parse -s "$sources" --check >actual && cat actual && grep -q "^ok: .* samples" actual &&
	for p in orange-book cms-hospitals icd10 fhir-bulk
	do
		lk-parse -s "$sources/$p" --check >actual && ! grep -q " 0 samples" actual || return 1
	done
'

test_expect_success 'FHIR resources find their tables whatever their files are called' '
	mkdir drop && n=0 && for f in "$sources"/fhir-bulk/samples/*.ndjson
	do
		n=$((n + 1)) && cp "$f" drop/part-$n.ndjson || return 1
	done &&
	expect_status 1 lk-parse -s "$sources" drop/*.ndjson >out &&
	lk-cat -t lk.files -F json out | python3 -c "
import json, sys
got = {}
for line in sys.stdin:
    r = json.loads(line)
    got[r[\"table\"]] = r[\"rows\"], r[\"rejected\"]
assert got == {\"fhir.patients\": (2, 3), \"fhir.patient_names\": (2, 1), \"fhir.patient_identifiers\": (2, 1),
    \"fhir.patient_addresses\": (1, 1), \"fhir.patient_telecoms\": (1, 1), \"fhir.encounters\": (1, 0), \"fhir.conditions\": (1, 0),
    \"fhir.observations\": (3, 0), \"fhir.observation_components\": (2, 0), \"fhir.medication_requests\": (1, 0),
    \"fhir.procedures\": (1, 0), \"fhir.allergy_intolerances\": (1, 0), \"fhir.allergy_reactions\": (1, 0),
    \"fhir.immunizations\": (1, 0)}, got"
'

if [ -z "$LK_DATA" ]; then
	test_skip 'real data have the rows that other tools count' 'the public data are not here'
	test_done
fi

# count STREAM FOLDER [PREFIX]: a line for each member: rows + rejects, and what truth.json says.
cat >count.py <<'EOF'
import json, os, sys
truth = json.load(open(os.environ["LK_DATA"] + "/truth.json"))
folder, expect_rejects = sys.argv[1], int(sys.argv[2])
rows = rejected = files = 0
for line in sys.stdin:
    r = json.loads(line)
    if r["status"] == "skipped":
        continue
    assert r["status"] == "ok" and r["error"] is None and r["table"], r
    t = truth.get("%s/%s" % (folder, r["member"]))
    if t is None:
        t = truth["%s/%s" % (folder, os.path.basename(r["delivery"]))]["members"][r["member"]]
    blank = int(os.environ.get("BLANK_" + r["member"].split(".")[0], 0))
    assert r["rows"] + r["rejected"] + blank == t["rows"], (r, t["rows"])
    rows, rejected, files = rows + r["rows"], rejected + r["rejected"], files + 1
print(folder, files, rows, rejected)
assert files and rejected == expect_rejects, rejected
EOF

# holds FOLDER REJECTS EXIT FILE...: parses with all packages.
holds() {
	folder=$1 count=$2 status=$3
	shift 3
	expect_status $status lk-parse -q -s "$sources" "$@" >out || return 1
	lk-cat -t lk.files -F json out | python3 count.py "$folder" $count
}

# nothing_left TABLE...: no column is without a field.
nothing_left() {
	for t
	do
		lk-cat -t $t -F json out | grep -v "\"lk_rest\":null" && echo "$t has columns without a field" && return 1
	done
	return 0
}

test_expect_success 'Orange Book' '
	holds txt/orange-book-fda-tilde 0 0 "$LK_DATA"/txt/orange-book-fda-tilde/*.txt &&
	nothing_left orange_book.patents orange_book.exclusivity &&
	lk-cat -t orange_book.exclusivity -F csv out | sed -n 2p | grep "^N,017031,001,RTO,2026-07-13,"
'

test_expect_success 'all six editions of the CMS table land in one, by name' '
	holds csv/cms-hospital-general-information 0 0 "$LK_DATA"/csv/cms-hospital-general-information/*.csv &&
	nothing_left cms.hospitals &&
	lk-cat -t cms.hospitals -F json out | python3 -c "
import json, sys
n, missing, footnotes = 0, 0, set()
for line in sys.stdin:
    r = json.loads(line)
    n += 1
    missing += r[\"hospital_overall_rating\"] is None
    assert r[\"facility_id\"] and r[\"facility_name\"] and r[\"city_town\"], r
    assert r[\"emergency_services\"] in (True, False), r
    assert \"Not Available\" not in r.values(), r
    footnotes.add(r[\"hospital_overall_rating_footnote\"])
assert (n, missing) == (31052, 4799 + 9929), (n, missing)
assert any(f and \"hospital\u2019s star\" in f for f in footnotes)"
'

test_expect_success 'ICD-10 and ICD-9 out of their archives; PDF and XLSX are skipped' '
	lk-unpack "$LK_DATA"/txt/icd-cms-fixed-width-zip/*.zip >members &&
	expect_status 1 lk-parse -q -s "$sources" <members >out &&
	lk-cat -t lk.files -F json out |
		BLANK_icd10cm_order_addenda_2018=2 BLANK_icd10cm_codes_addenda_2018=1 python3 count.py txt/icd-cms-fixed-width-zip 26 &&
	lk-cat -t lk.files -F json out | grep -c "\"skipped\"" | grep -x 4 &&
	lk-cat -t icd10.icd9_diagnoses -F csv out | grep "^38600,\"Ménière" &&
	lk-cat -t icd10.orders -F json out | python3 -c "
import json, sys, zipfile, os
z = zipfile.ZipFile(os.environ[\"LK_DATA\"] + \"/txt/icd-cms-fixed-width-zip/icd10dx.zip\")
for line, text in zip(sys.stdin, z.read(\"icd10cm_order_2018.txt\").decode().split(\"\\r\\n\")):
    r = json.loads(line)
    want = text[:5], text[6:13], text[14], text[16:76], text[77:]
    got = \"%05d\" % r[\"order_number\"], r[\"code\"], \"01\"[r[\"billable\"]], r[\"short_description\"], r[\"long_description\"]
    assert got == tuple(w.strip() for w in want), (got, want)"
'

test_expect_success 'both versions of SDTM land in one table each, and R'\''s CSV' '
	for d in sdtm-phuse-cdiscpilot01-from-xpt sdtm-phuse-updated-cdiscpilot-from-xpt sdtm-pharmaverse
	do
		holds csv/$d 0 0 "$LK_DATA"/csv/$d/*.csv && lk-cat --schema out >schema.$d || return 1
	done &&
	grep "^sdtm\.\(ae\|se\|sv\|ti\|ts\)," schema.sdtm-phuse-cdiscpilot01-from-xpt | cut -d, -f1-4 >expect &&
	grep "^sdtm\.\(ae\|se\|sv\|ti\|ts\)," schema.sdtm-phuse-updated-cdiscpilot-from-xpt | cut -d, -f1-4 >actual &&
	test_cmp expect actual && [ $(wc -l <expect) -gt 50 ] &&
	lk-cat -t sdtm.ts -F csv out | grep "Alzheimer.*s Disease"
'

test_expect_success 'both versions of Synthea land in one table each' '
	for d in synthea-ohdsi-dbt synthea-older-mcode-rhode-island
	do
		holds csv/$d 0 0 "$LK_DATA"/csv/$d/*.csv && nothing_left synthea.procedures synthea.allergies synthea.payer_transitions &&
		lk-cat -t synthea.procedures -F json out | grep -v "\"start\":\"[0-9]" && return 1
		lk-cat --schema out | grep "^synthea.procedures," | cut -d, -f1-4 >$d
	done
	test_cmp synthea-ohdsi-dbt synthea-older-mcode-rhode-island
'

test_done
