#!/bin/sh
# The public HL7 v2 messages through contrib/sources/hl7v2: each one is a row or a reject, each cell is what other readers
# found, and the odd ones end as a sane reader would end them.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

test_expect_success 'read all of them' '
	python3 - >files <<-\EOF &&
	import json, os
	paths = {json.loads(l)["file"] for l in open(os.environ["LK_DATA"] + "/oracle/hl7-dev.jsonl")}
	print("\n".join(sorted(os.environ["LK_DATA"] + "/" + p for p in paths)))
	EOF
	tr "\n" "\0" <files | xargs -0 lk-parse -s "$LK_TOP/contrib/sources/hl7v2" >out.lk 2>summary
	cat summary && grep -q "4 records rejected, 0 files failed, 0 unmatched" summary &&
	for t in hl7v2.messages hl7v2.observations hl7v2.patients hl7v2.visits lk.files lk.rejects
	do
		lk-cat -t $t -F json out.lk >$t.json || return 1
	done
'

cat >compare.py <<'EOF'
import collections, hashlib, json, os, re, sys

def read(name):
    return [json.loads(line) for line in open(name)]

data = os.environ["LK_DATA"]
oracle = read(data + "/oracle/hl7-dev.jsonl")
digest = {o["file"]: hashlib.sha256(open(os.path.join(data, o["file"]), "rb").read()).hexdigest()[:12] for o in oracle}

def by_message(table):
    found = collections.defaultdict(list)
    for row in read(table + ".json"):
        found[re.search(r"@([0-9a-f]{12})!", row["lk_file"]).group(1), int(row["message"])].append(row)
    return found

messages, observations = by_message("hl7v2.messages"), by_message("hl7v2.observations")
patients, visits = by_message("hl7v2.patients"), by_message("hl7v2.visits")
rejected = {(r["sha256"][:12], r["record"]) for r in read("lk.rejects.json") if r["table"] == "hl7v2.messages"}

# As lk-source(5) has it: escapes are resolved in what has no parts; in what has some, those of delimiters stay.
def expected(value, whole=True):
    if value in (None, "", '""'):
        return None
    composite = re.search(r"[\^&]" if whole else r"&", value)
    marks = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
    return value if composite else re.sub(r"\\([FSTRE])\\", lambda m: marks[m.group(1)], value)

def first_part(value):
    return None if value is None else value.split("^")[0]

cells = differences = 0

def same(where, what, want, got):
    global cells, differences
    cells += 1
    if want != got:
        differences += 1
        print("differs:", where["file"], where["ordinal"], what, repr(want), repr(got))

in_file = collections.Counter(o["file"] for o in oracle)
for o in oracle:
    key = digest[o["file"]], o["ordinal"]
    if key in rejected:
        same(o, "rejected message's row", [], messages[key])
        continue
    same(o, "messages", 1, len(messages[key]))
    m = messages[key][0]
    for column, cell in (("type", "msh9_1"), ("trigger", "msh9_2"), ("structure", "msh9_3"), ("control_id", "msh10"),
            ("processing_id", "msh11_1"), ("version", "msh12_1"), ("sending_app", "msh3_1"), ("sending_facility", "msh4_1"),
            ("patient_id", "pid3_1_1"), ("patient_class", "pv1_2"), ("visit_number", "pv1_19_1")):
        want = expected(o[cell], False)
        same(o, cell, first_part(want) if cell == "pv1_2" else want, m[column])
    same(o, "msh7", first_part(expected(o["msh7"])), m["sent_at_text"])
    same(o, "segments", o["n_segments"], int(m["segments"]))
    same(o, "repetitions of PID-3", o["pid3_reps"] if o["pid3_1_1"] is not None else 0,
        len(m["patient_ids"].split("~")) if m["patient_ids"] is not None else
        o["pid3_reps"] if not o["pid3_1_1"] else 0)

    same(o, "PID", o["segments"].get("PID", 0), len(patients[key]))
    if patients[key]:
        p = patients[key][0]
        same(o, "pid3", expected(o["pid3_1_1"], False), p["patient_id"])
        family = expected(o["pid5_1_1"], False)
        same(o, "pid5.1", family and (family.split("&")[0] or None), p["family_name"])
        same(o, "pid5.2", expected(o["pid5_1_2"], False), p["given_name"])
        same(o, "pid7", first_part(expected(o["pid7"])), p["birth_date_text"])
        same(o, "pid8", first_part(expected(o["pid8"])), p["sex"])
    same(o, "PV1", o["segments"].get("PV1", 0), len(visits[key]))
    if visits[key]:
        v = visits[key][0]
        same(o, "pv1-2", first_part(expected(o["pv1_2"])), v["patient_class"])
        same(o, "pv1-3", expected(o["pv1_3_1"], False), v["unit"])
        same(o, "pv1-19", expected(o["pv1_19_1"], False), v["visit_number"])

    rows = sorted(observations[key], key=lambda r: int(r["observation"]))
    same(o, "OBX", o["n_obx"], len(rows))
    for i, (want, row) in enumerate(zip(o["obx"], rows)):
        where = "OBX %d " % (i + 1)
        same(o, where + "type", first_part(expected(want[0])), row["value_type"])
        same(o, where + "code", expected(want[1], False), row["code"])
        same(o, where + "system", expected(want[2], False), row["code_system"])
        same(o, where + "value", expected(want[3]), row["value"])
        same(o, where + "units", expected(want[4], False), row["units"])
        same(o, where + "status", first_part(expected(want[5])), row["status"])
        same(o, where + "control id", expected(o["msh10"]), row["control_id"])
        several = o.get("obx5_reps", {}).get(str(i))
        if several and row["values"] is not None:
            same(o, where + "repetitions", several, row["values"].count("~") + 1)

print(len(oracle), "messages,", cells, "cells,", differences, "differences")
print(len(rejected), "rejected")
sys.exit(differences > 0 or len(oracle) != 392 or
    sum(map(len, messages.values())) + len(rejected) != len(oracle))
EOF

test_expect_success 'every message is there, every cell as the oracle has it' '
	python3 compare.py >report
	rc=$?
	tail -n 40 report && return $rc
'

cat >odd.py <<'EOF'
import hashlib, json, os, sys

def read(name):
    return [json.loads(line) for line in open(name)]

data = os.environ["LK_DATA"]
warnings = {f["sha256"]: f["warning"] or "" for f in read("lk.files.json") if f["table"] == "hl7v2.messages"}
reasons = {r["sha256"]: r["reason"] for r in read("lk.rejects.json") if r["table"] == "hl7v2.messages"}
rows = {}
for row in read("hl7v2.messages.json"):
    rows.setdefault(row["lk_file"].split("@")[1][:12], []).append(row)

# What is said of each kind of fault: a warning, a column that is null, or the reason of a reject. Where the list says
# "or quarantine" of a header that ends early, the message is kept: all that it has is there.
WARNED = {
    "no_msh9": "has no type (MSH-9)",
    "no_msh10": "has no control id (MSH-10)",
    "no_msh12": "has no version (MSH-12)",
    "version_nonstandard": "has a version (MSH-12) that is none of the standard",
    "msh10_repeated_in_file": "has the control id (MSH-10) of one before it",
    "text_before_first_segment": "outside of messages",
    "msh_stub": "has no type (MSH-9)",
}
NULL = {"no_msh7": "sent_at_text", "no_msh9": "type", "no_msh10": "control_id", "no_msh12": "version"}
REJECTED = {"delims_not_distinct": "delimiters"}
bad = 0
odd = read(data + "/oracle/hl7-odd.jsonl")
gone = {o["file"] for o in odd if o["kind"] in REJECTED}
for o in odd:
    sha = hashlib.sha256(open(os.path.join(data, o["file"]), "rb").read()).hexdigest()
    found = [r for r in rows.get(sha[:12], []) if int(r["message"]) == o["ordinal"]]
    kind = o["kind"]
    if o["file"] in gone:
        ok = not found and "delimiters" in reasons[sha]
    else:
        ok = len(found) == 1 and WARNED.get(kind, "") in warnings[sha] and found[0].get(NULL.get(kind)) is None
        ok = ok and (kind in WARNED or kind in NULL or kind == "several_pid")
    if not ok:
        bad += 1
        print("not as it should be:", o["file"], kind, "|", o["disposition"], "|", warnings[sha], reasons.get(sha), found)
print(len(odd), "odd messages,", bad, "otherwise")
sys.exit(bad > 0 or len(odd) != 20)
EOF

test_expect_success 'the odd ones end as a sane reader would end them' '
	python3 odd.py >report
	rc=$?
	cat report && return $rc
'

# As people put files together: with marks, and line ends of all kinds, in the middle.
test_expect_success 'all of them as one file' '
	while read -r f; do cat "$f" && printf "\r" || return 1; done <files >all.hl7 &&
	expect_status 1 lk-parse -s "$LK_TOP/contrib/sources/hl7v2" all.hl7 2>summary >one.lk &&
	cat summary && grep "4 records rejected, 0 files failed, 0 unmatched; 18881 rows from 4 files" summary &&
	for t in hl7v2.messages hl7v2.observations hl7v2.patients hl7v2.visits
	do
		lk-cat -t $t -F json one.lk | sed "s/,\"\(others\|lk_file\)\".*//; s/\"message\":[0-9]*,//" | sort >one &&
		sed "s/,\"\(others\|lk_file\)\".*//; s/\"message\":[0-9]*,//" $t.json | sort | cmp - one || return 1
	done
'

test_done
