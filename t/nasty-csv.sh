#!/bin/sh
# Delimited text made or found to do harm: by three resources that could not be more general, each file ends within 5 s and
# 256 MB with a stated disposition, and its records are rows and rejects.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

cat >any.json <<\EOF_
{"resources": [
  {"name": "lines", "path": "*", "dialect": {"header": false, "quoteChar": "", "delimiter": "\u0001"},
   "schema": {"fields": [{"name": "line"}]}},
  {"name": "loose", "path": "*", "dialect": {"header": false},
   "lk": {"ragged": "pad", "rest": true, "quotes": "mend"}, "schema": {"fields": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}},
  {"name": "strict", "path": "*", "dialect": {"escapeChar": "\\", "skipInitialSpace": true, "commentChar": "#"},
   "lk": {"rest": true}, "schema": {"fieldsMatch": "partial", "fields": [{"name": "a"}, {"name": "id", "type": "integer"}, {"name": "column_1"}]}}]}
EOF_

cat >nasty.py <<\EOF_
import json, os, resource, subprocess, sys
data, limit = os.environ["LK_DATA"] + "/nasty", 0 if "sanitize" in os.environ["LK_BUILD"] else 256 << 20
def bounded():
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
paths = sorted(os.path.join(place, name) for folder in sorted(os.listdir(data)) if folder.startswith("csv-")
               for place, _, names in os.walk(os.path.join(data, folder)) for name in names
               if name != "LICENSE.upstream" and not name.endswith(".json"))
wrong = []
for first in range(0, len(paths), 200):
    batch = paths[first:first + 200]
    # all of them together in the time of one
    parse = subprocess.run(["lk-parse", "-q", "-s", "any.json", "--as", sys.argv[1]] + batch, capture_output=True, timeout=5,
                           preexec_fn=bounded)
    if parse.returncode not in (0, 1):
        wrong.append((parse.returncode, parse.stderr.decode()[-300:]))
    files = subprocess.run(["lk-cat", "-t", "lk.files", "-F", "json"], input=parse.stdout, capture_output=True, check=True).stdout
    rows = [json.loads(line) for line in files.decode().splitlines()]
    if [r["delivery"] for r in rows] != batch:
        wrong.append(("files", len(batch), len(rows)))
    wrong += [(r["member"], r["status"], r["error"]) for r in rows
              if r["status"] not in ("ok", "failed") or (r["status"] == "failed") != (r["error"] is not None)
              or r["rows_in"] != r["rows"] + r["rejected"]]
print(len(paths), "files", *wrong, sep="\n")
sys.exit(len(paths) < 1000 or bool(wrong))
EOF_

for resource in lines loose strict; do
	test_expect_success "by $resource" 'python3 nasty.py $resource'
done

test_done
