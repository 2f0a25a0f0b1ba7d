#!/bin/sh
# Real public data through the main job: every table of Synthea, SDTM, FAERS and C-CDA, zipped under AES-256, under
# ZipCrypto and open, must come out with the counts that other tools made.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

sources=$LK_TOP/contrib/sources

# pack NAME FILE...: three archives of the same files, one a way of encryption.
pack() {
	name=$1
	shift
	mkdir -p "aes/$name" "zipcrypto/$name" "open/$name"
	7z a -bso0 -bsp0 -tzip -paes-phrase -mem=AES256 "aes/$name/drop.zip" "$@" &&
		7z a -bso0 -bsp0 -tzip -pold-phrase -mem=ZipCrypto "zipcrypto/$name/drop.zip" "$@" &&
		7z a -bso0 -bsp0 -tzip "open/$name/drop.zip" "$@"
}

test_expect_success 'pack the tables' '
	for d in synthea-ohdsi-dbt sdtm-pharmaverse sdtm-phuse-cdiscpilot01-from-xpt sdtm-phuse-updated-cdiscpilot-from-xpt
	do
		pack $d "$LK_DATA"/csv/$d/*.csv || return 1
	done &&
	for f in "$LK_DATA"/txt/faers-fda-zip/*.zip
	do
		mkdir ascii && (cd ascii && 7z e -bso0 -bsp0 "$f" >/dev/null && rmdir ascii 2>/dev/null)
		pack $(basename "$f" .zip) ascii && rm -r ascii || return 1
	done &&
	(umask 077 && mkdir keys && echo aes-phrase >keys/aes && echo old-phrase >keys/zipcrypto)
'

# One document a member, named so that document and row find each other again.
test_expect_success 'pack the documents' '
	python3 - <<-\EOF &&
	import json, os, shutil
	for n, line in enumerate(open(os.environ["LK_DATA"] + "/oracle/ccda-dev.jsonl")):
	    path = json.loads(line)["path"]
	    folder = "documents/" + path.split("/")[1]
	    os.makedirs(folder, exist_ok=True)
	    shutil.copyfile(os.path.join(os.environ["LK_DATA"], path), "%s/%04d.xml" % (folder, n))
	EOF
	for d in documents/*
	do
		pack $(basename $d) ./$d/*.xml || return 1
	done
'

for way in aes zipcrypto open; do
	case $way in
	open) key= ;;
	*) key="--passphrase-file keys/$way" ;;
	esac

	test_expect_success "$way: load all of it in one command" '
		lk ingest -q -l lake-$way -s "$sources" $key --settle 0 $way &&
		lk-query -l lake-$way -F json "select * from lk.files" >files-$way &&
		lk-query -l lake-$way -F csv | sed -n "/^lk\.\|^quarantine\./d; s/^\([a-z_]*\.[a-z_0-9]*\),.*/\1/p" |
			sed "s/.*/select '\''&'\'' as \"table\", lk_file, count(*) as rows from & group by lk_file/; 2,\$s/^/union all /" >count.sql &&
		lk-query -l lake-$way -F json -f count.sql >rows-$way
	'

	test_expect_success "$way: rows and rejects of every table are what the public counts say" '
		python3 - $way <<-\EOF
		import collections, json, os, sys
		truth = json.load(open(os.environ["LK_DATA"] + "/truth.json"))
		expect = {}
		for d in ("synthea-ohdsi-dbt", "sdtm-pharmaverse", "sdtm-phuse-cdiscpilot01-from-xpt",
		          "sdtm-phuse-updated-cdiscpilot-from-xpt"):
		    for path, t in truth.items():
		        if path.startswith("csv/%s/" % d) and path.endswith(".csv"):
		            expect[d, os.path.basename(path)] = t["rows"]
		for path, t in truth.items():
		    if path.startswith("txt/faers-fda-zip/"):
		        for member, m in t["members"].items():
		            if m.get("rows") is not None:
		                expect[os.path.basename(path)[:-4], os.path.basename(member)] = m["rows"]
		way, got, files = sys.argv[1], collections.Counter(), {}
		for line in open("files-" + way):
		    f = json.loads(line)
		    drop = f["delivery"].split("/")[-2]
		    member = os.path.basename(f["member"])
		    assert f["rows_in"] == f["rows"] + f["rejected"], f
		    assert f["status"] == "ok" or (f["status"], f["error"]) == ("skipped", "a directory"), f
		    if f["table"] and f["table"].split(".")[0] != "ccda":
		        got[drop, member] += f["rows"] + f["rejected"]
		    if f["table"]:
		        files[f["table"], f["sha256"][:12], f["member"]] = f["rows"]
		wrong = [(k, n, got[k]) for k, n in expect.items() if got[k] != n]
		assert len(expect) > 110, len(expect)
		assert not wrong, wrong
		rows = {}
		for line in open("rows-" + way):
		    r = json.loads(line)
		    delivery, member = r["lk_file"].split("!", 1)
		    rows[("" if "." in r["table"] else "main.") + r["table"], delivery.split("@")[1], member] = r["rows"]
		assert rows == {k: n for k, n in files.items() if n}, "lk.files and the tables disagree"
		EOF
	'

	test_expect_success "$way: each document has the statements that the oracle counts" '
		python3 - $way <<-\EOF
		import collections, json, os, sys
		got = collections.Counter()
		for line in open("rows-" + sys.argv[1]):
		    r = json.loads(line)
		    if r["table"].startswith("ccda."):
		        got[r["table"][5:], os.path.basename(r["lk_file"])[-8:]] += r["rows"]
		total = 0
		for n, line in enumerate(open(os.environ["LK_DATA"] + "/oracle/ccda-dev.jsonl")):
		    o = json.loads(line)
		    member = "%04d.xml" % n
		    assert got["patients", member] == 1, (o["path"], got["patients", member])
		    for kind, c in o["counts"].items():
		        table = "vital_signs" if kind == "vitals" else kind
		        assert got[table, member] == c["in_section"], (o["path"], kind, got[table, member], c["in_section"])
		        total += c["in_section"]
		assert total == 4222, total
		EOF
	'

	test_expect_success "$way: again loads nothing" '
		lk-query -l lake-$way -F csv "select count(*) from lk.files" >before &&
		lk ingest -q -l lake-$way -s "$sources" $key --settle 0 $way &&
		lk-query -l lake-$way -F csv "select count(*) from lk.files" >after &&
		test_cmp before after
	'
done

test_done
