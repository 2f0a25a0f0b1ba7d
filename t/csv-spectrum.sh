#!/bin/sh
# csv-spectrum: edge cases of CSV with the right answers as JSON.
. "$(dirname "$0")/test-lib.sh"

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

cat >spectrum.py <<\EOF_
import csv, json, os, subprocess, sys
name, folder = sys.argv[1], os.environ["LK_DATA"] + "/nasty/csv-spectrum"
want = json.load(open(f"{folder}/json/{name}.json"))
text = open(f"{folder}/csvs/{name}.csv", "rb").read()
if isinstance(want, dict): # one record, whose first cell is another in the JSON
    want = [dict(want, **{"Contact Phone Number": "2095257564"})]
if name.endswith("_crlf"): # this copy has lost what the name says
    text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
with open("in.csv", "wb") as f:
    f.write(text)
names = list(want[0])
fields = [{"name": n, "lk": {"column": f"c{i}"}} for i, n in enumerate(names)]
with open("package.json", "w") as f:
    json.dump({"resources": [{"name": "t", "path": "*", "schema": {"missingValues": [], "fields": fields}}]}, f)
stream = subprocess.run(["lk-parse", "-s", "package.json", "in.csv"], stdout=subprocess.PIPE, check=True).stdout
text = subprocess.run(["lk-cat", "-F", "json", "-t", "t"], input=stream, stdout=subprocess.PIPE, check=True).stdout.decode()
got = [{n: row[f"c{i}"] for i, n in enumerate(names)} for row in map(json.loads, text.splitlines())]
print("want", want, "got ", got, sep="\n")
sys.exit(got != want)
EOF_

for file in "$LK_DATA"/nasty/csv-spectrum/csvs/*.csv; do
	name=$(basename "$file" .csv)
	test_expect_success "$name" 'python3 spectrum.py $name'
done
test_expect_success 'all of them were there' 'test $test_count = 13'

test_done
