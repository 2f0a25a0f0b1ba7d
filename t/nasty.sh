#!/bin/sh
# Archives and documents that were made to do harm, through unpacking and parsing: each ends within 5 s and 256 MB with a
# stated disposition, and nothing is expanded, fetched or written outside.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

test_expect_success 'each file ends in time and says how' '
	cat >any.json <<-\EOF_ &&
	{"resources": [
	    {"name": "text", "path": ["*.txt", "*.csv", "*.jar", "*.md", "file*"], "dialect": {"header": false, "quoteChar": ""}, "schema": {"fields": [{"name": "line"}]}},
	    {"name": "documents", "path": "*.xml", "lk": {"record": "//*[not(*) = true()]"}, "schema": {"fields": [
	        {"name": "name", "lk": {"path": "local-name()"}}, {"name": "text", "lk": {"path": "."}}]}}]}
	EOF_
	mkdir outside && cat >nasty.py <<-\EOF_ &&
	import json, os, resource, subprocess, sys
	data, limit = os.environ["LK_DATA"], 0 if "sanitize" in os.environ["LK_BUILD"] else 256 << 20
	truth = json.load(open(data + "/truth.json"))
	def bounded():
	    if limit:
	        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
	wrong, seen = [], 0
	for folder in ("xml-defusedxml", "zip-libarchive", "zip-slip-snyk", "zip-yauzl"):
	    for place, _, names in os.walk(os.path.join(data, "nasty", folder)):
	        for name in sorted(names):
	            path = os.path.join(place, name)
	            if name in ("LICENSE.upstream", "README.md"):
	                continue
	            with open("key", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
	                f.write((truth.get(os.path.relpath(path, data), {}).get("password") or "none") + "\n")
	            unpack = subprocess.Popen(["lk-unpack", "-q", "--passphrase-file", "key", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=bounded)
	            parse = subprocess.Popen(["lk-parse", "-q", "-s", "any.json"], stdin=unpack.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=bounded)
	            unpack.stdout.close()
	            try:
	                out, err = parse.communicate(timeout=5)
	                unpack.wait(timeout=5)
	            except subprocess.TimeoutExpired:
	                wrong.append((name, "took too long"))
	                unpack.kill(), parse.kill()
	                continue
	            files = subprocess.run(["lk-cat", "-t", "lk.files", "-F", "json"], input=out, capture_output=True)
	            rows = [json.loads(line) for line in files.stdout.decode().splitlines()]
	            seen += 1
	            if unpack.returncode not in (0, 1) or parse.returncode not in (0, 1) or not rows:
	                wrong.append((name, unpack.returncode, parse.returncode, len(rows), err.decode()[-300:]))
	            for r in rows:
	                if r["status"] not in ("ok", "failed", "skipped", "unmatched") or (r["status"] != "ok") != (r["error"] is not None) and not r["rejected"]:
	                    wrong.append((name, r["status"], r["error"]))
	print(seen, "files", *wrong, sep="\n")
	sys.exit(seen < 130 or bool(wrong))
	EOF_
	python3 nasty.py
'

test_expect_success 'entities are refused by name, and none is expanded or fetched' '
	expect_status 1 lk-parse -q -s any.json "$LK_DATA"/nasty/xml-defusedxml/*.xml >documents.lk &&
	lk-cat -F json -t lk.files documents.lk | sed "s/.*\"member\":\"\([^\"]*\)\".*\"rows\":\([0-9]*\).*\"status\":\"\([a-z]*\)\",\"error\":\(null\|\"[^\"]*\"\).*/\1 \2 \3 \4/" >actual &&
	cat >expect <<-\EOF_ &&
	cyclic.xml 0 failed "line 2: declares the entity '\''a'\'': documents with entities of their own are not read"
	dtd.xml 2 ok null
	dtd_element.xml 1 ok null
	external.xml 0 failed "line 2: declares the entity '\''ee'\'': documents with entities of their own are not read"
	external_file.xml 0 failed "line 2: declares the entity '\''ee'\'': documents with entities of their own are not read"
	quadratic.xml 0 failed "line 2: declares the entity '\''a'\'': documents with entities of their own are not read"
	simple-ns.xml 3 ok null
	simple.xml 3 ok null
	xmlbomb.xml 0 failed "line 2: declares the entity '\''a'\'': documents with entities of their own are not read"
	xmlbomb2.xml 0 failed "line 2: declares the entity '\''a'\'': documents with entities of their own are not read"
	EOF_
	test_cmp expect actual
'

test_expect_success 'paths that climb stay inside when they are extracted' '
	for zip in "$LK_DATA"/nasty/zip-slip-snyk/*.zip "$LK_DATA"/nasty/zip-yauzl/failure/*.zip "$LK_DATA"/nasty/zip-libarchive/*.zip
	do
		rm -rf outside && mkdir -p outside/in && (cd outside/in && lk-unpack -q -x . "$zip" >/dev/null 2>&1; [ $? -le 1 ]) &&
		[ "$(find outside -mindepth 1 -maxdepth 1)" = outside/in ] && [ -z "$(find outside -type l)" ] || { echo "$zip"; return 1; }
	done
'

test_done
