#!/bin/sh
# Every cell of the public C-CDA documents that two other readers agree on, against what contrib's package makes of them.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

test_expect_success 'read the documents' '
	python3 - <<-\EOF >list &&
	import json, os, shutil
	os.makedirs("documents")
	for n, line in enumerate(open(os.environ["LK_DATA"] + "/oracle/ccda-dev.jsonl")):
	    shutil.copyfile(os.path.join(os.environ["LK_DATA"], json.loads(line)["path"]), "documents/%04d.xml" % n)
	    print("documents/%04d.xml" % n)
	EOF
	test $(wc -l <list) = 139 &&
	lk-parse -s "$LK_TOP/contrib/sources/ccda" $(cat list) >all.lk &&
	for table in patients problems medications results vital_signs allergies immunizations procedures encounters
	do
		lk-cat -F json -t ccda.$table all.lk >$table || return 1
	done
'

test_expect_success 'every patient, code, time, value and unit is what the oracle says' '
	python3 - <<-\EOF
	import collections, json, os
	def text(s):
	    return " ".join(s.split()) if s is not None else None
	def coded(r, name):
	    return r[name] if r[name] is not None else "@" + r[name + "_null"] if r[name + "_null"] else None
	def time(r):
	    if r["time"] or r["time_null"]:
	        return coded(r, "time")
	    low, high = coded(r, "time_low"), coded(r, "time_high")
	    return None if low is None and high is None else (low or "") + ".." + (high or "")
	def negated(r):
	    return int(r["negated"])
	def value(r):
	    v = coded(r, "value")
	    return text(v)[:60] if v is not None else None
	shapes = {
	    "problems": lambda r: [coded(r, "code"), time(r), negated(r)],
	    "medications": lambda r: [coded(r, "code"), time(r), negated(r)],
	    "immunizations": lambda r: [coded(r, "code"), time(r), negated(r)],
	    "procedures": lambda r: [coded(r, "code"), time(r), negated(r)],
	    "encounters": lambda r: [coded(r, "code"), time(r), negated(r)],
	    "allergies": lambda r: [coded(r, "allergen"), coded(r, "code"), time(r), negated(r)],
	    "results": lambda r: [coded(r, "code"), r["value_type"], value(r), r["unit"], time(r)],
	    "vital_signs": lambda r: [coded(r, "code"), r["value_type"], value(r), r["unit"], time(r)],
	}
	got = collections.defaultdict(list)
	for table, shape in shapes.items():
	    for line in open(table):
	        r = json.loads(line)
	        got[table, r["lk_file"][-8:-4]].append(shape(r))
	patients = {r["lk_file"][-8:-4]: r for r in map(json.loads, open("patients"))}
	cells, wrong = 0, []
	for n, line in enumerate(open(os.environ["LK_DATA"] + "/oracle/ccda-dev.jsonl")):
	    o, key = json.loads(line), "%04d" % n
	    for kind, items in o["items"].items():
	        table = "vital_signs" if kind == "vitals" else kind
	        mine = got[table, key]
	        if len(mine) != len(items):
	            wrong.append((o["path"], kind, len(mine), len(items)))
	        for a, b in zip(mine, items):
	            b = [x.strip() if isinstance(x, str) else x for x in b] # two codes end in a line end: lk.trim takes it
	            cells += len(b)
	            if a != b:
	                wrong.append((o["path"], kind, a, b))
	    p = patients[key]
	    first = lambda v: v[0] if v else None
	    for mine, theirs in ((p["document_id"], "|".join(x for x in (o["doc_id_root"], o["doc_id_ext"]) if x)),
	            (p["patient_id"], first(o["patient_ids"])), (p["family"], o["family"]), (p["given"], first(o["given"])),
	            (p["birth_date"] and p["birth_date"].replace("-", ""), o["birth_time"] and o["birth_time"][:8]),
	            (p["sex"], o["gender"]), (p["race"], first(o["race"])), (p["ethnicity"], first(o["ethnicity"])),
	            (p["city"], o["addr_city"]), (p["state"], o["addr_state"]), (p["postal_code"], o["addr_postalCode"]),
	            (p["custodian"], o["custodian_org"]), (p["author"], o["author_org"]), (p["document_type"], o["type_code"]), (p["document_time"], o["effective_time"])):
	        cells += 1
	        if text(mine) != (theirs or None) and not (mine is None and (theirs or "").startswith("@")):
	            wrong.append((o["path"], "patient", mine, theirs))
	for w in wrong[:30]:
	    print(w)
	print(cells, "cells,", len(wrong), "wrong")
	assert cells > 15000 and not wrong
	EOF
'

test_done
