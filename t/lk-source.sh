#!/bin/sh
# Data packages: what they are made of, what is refused, and how that is said.
. "$(dirname "$0")/test-lib.sh"

# The rows of one table of a parse that must succeed.
rows() { # TABLE ARGUMENTS...
	table=$1
	shift
	lk-parse "$@" >out.lk && lk-cat -F csv -t "$table" out.lk | cut -d, -f"${fields:-1-}"
}

# Each line of standard input is a package and, after a tab, what must be said of it.
refused() {
	while IFS='	' read -r json message; do
		printf '%s\n' "$json" >wrong.json
		expect_error 78 "'wrong.json': $message" lk-parse --check -s wrong.json || return 1
	done
}

test_expect_success 'a wrong package is refused with place, reason and suggestion' '
	refused <<-\EOF_
	[]	must be an object
	{}	resources: must be a list of at least one resource
	{"resources": [{"path": "a"}]}	resources[0]: a resource needs a name
	{"resources": [{"name": "a", "schema": {}}]}	resources[0].path: a resource needs a glob
	{"resources": [{"name": "a", "path": ["a", 1], "schema": {}}]}	resources[0].path[1]: must be a text
	{"resources": [{"name": "a", "path": ["a", "http://x/y.csv"], "schema": {}}]}	resources[0].path[1]: '\''http://x/y.csv'\'' is a URL
	{"resources": [{"name": "a", "path": "/data/*.csv", "schema": {}}]}	resources[0].path: '\''/data/*.csv'\'' must be relative
	{"resources": [{"name": "a", "path": "../*.csv", "schema": {}}]}	resources[0].path: '\''../*.csv'\'' must be relative
	{"resources": [{"name": "a", "path": "a", "data": []}]}	resources[0].data: data in place is not read
	{"resources": [{"name": "a", "path": "a"}]}	resources[0].schema: a resource needs one
	{"resources": [{"name": "a", "path": "a", "format": "xmll", "schema": {}}]}	resources[0].format: '\''xmll'\'' is none of
	{"resources": [{"name": "a", "path": "a", "mediatype": "application/vnd.ms-excel", "schema": {}}]}	resources[0].mediatype: '\''application/vnd.ms-excel'\'' does not say
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "type": "interger"}]}}]}	resources[0].schema.fields[0].type: there is no type '\''interger'\''; did you mean '\''integer'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"alias": []}}]}}]}	resources[0].schema.fields[0].lk.alias: there is no such property; did you mean '\''aliases'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"bad": "rejects"}}]}}]}	resources[0].schema.fields[0].lk.bad: '\''rejects'\'' is none of
	{"resources": [{"name": "a", "path": "a", "lk": {"tabel": "b"}, "schema": {"fields": [{"name": "x"}]}}]}	resources[0].lk.tabel: there is no such property; did you mean '\''table'\''?
	{"resources": [{"name": "a", "path": "a", "lk": {"load": "upsrt"}, "schema": {"fields": [{"name": "x"}]}}]}	resources[0].lk.load: '\''upsrt'\'' is none of append, upsert, full; did you mean '\''upsert'\''?
	{"resources": [{"name": "a", "path": "a", "lk": {"order": "visitt"}, "schema": {"fields": [{"name": "visit"}]}}]}	resources[0].lk.order: there is no field '\''visitt'\''; did you mean '\''visit'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"primaryKey": ["x", "vist"], "fields": [{"name": "visit"}, {"name": "x"}]}}]}	resources[0].schema.primaryKey[1]: there is no field '\''vist'\''; did you mean '\''visit'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"fieldsMatch": ["subset", "exact"], "fields": [{"name": "x"}]}}]}	resources[0].schema.fieldsMatch: must be a text
	{"resources": [{"name": "a", "path": "a", "schema": {"fieldsMatch": ["subst"], "fields": [{"name": "x"}]}}]}	resources[0].schema.fieldsMatch[0]: '\''subst'\'' is none of exact, equal, subset, superset, partial; did you mean '\''subset'\''?
	{"lk": {"delivry": "x"}, "resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x"}]}}]}	lk.delivry: there is no such property; did you mean '\''delivery'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "format": "emial"}]}}]}	resources[0].schema.fields[0].format: '\''emial'\'' must be default, email, uri, uuid or binary; did you mean '\''email'\''?
	{"lk": {"delivery": "(?<sender>x)"}, "resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"path": "delivery:sendr"}}]}}]}	resources[0].schema.fields[0].lk.path: lk.delivery has no group '\''sendr'\''; did you mean '\''sender'\''?
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"path": "member:nam"}}]}}]}	resources[0].schema.fields[0].lk.path: '\''member:nam'\'' is none of member:name, member:path, member:modified; did you mean '\''name'\''?
	{"lk": {"delivery": "("}, "resources": []}	lk.delivery: missing closing parenthesis
	{"resources": [{"name": "a", "path": "a", "schema": "http://x/schema.json"}]}	resources[0].schema: '\''http://x/schema.json'\'' is a URL, and nothing is fetched
	{"resources": [{"name": "a", "path": "a", "schema": "../schema.json"}]}	resources[0].schema: '\''../schema.json'\'' must be the path of a file beside or below the package
	{"resources": [{"name": "a", "path": "a", "schema": "/etc/passwd"}]}	resources[0].schema: '\''/etc/passwd'\'' must be the path
	{"resources": [{"name": "a", "path": "a", "schema": "b/../../c"}]}	resources[0].schema: '\''b/../../c'\'' must be the path
	{"resources": [{"name": "a", "path": "a", "schema": ""}]}	resources[0].schema: '\'''\'' must be the path
	{"resources": [{"name": "a", "path": "a", "dialect": "none.json", "schema": {}}]}	resources[0].dialect: there is no file '\''none.json'\''
	{"resources": [{"name": "a", "path": "a", "dialect": 1, "schema": {}}]}	resources[0].dialect: must be an object
	{"resources": [{"name": "a", "lk": {"extends": "a"}}]}	resources[0].lk.extends: '\''a'\'' extends itself
	{"resources": [{"name": "a", "lk": {"extends": "b"}}, {"name": "b", "lk": {"extends": "a"}}]}	resources[1].lk.extends: '\''a'\'' extends itself
	{"resources": [{"name": "visits", "path": "a", "schema": {"fields": [{"name": "x"}]}}, {"name": "b", "lk": {"extends": "visit"}}]}	resources[1].lk.extends: '\''wrong.json'\'' has no resource '\''visit'\''; did you mean '\''visits'\''?
	{"resources": [{"name": "a", "lk": {"extends": "none.json#b"}}]}	resources[0].lk.extends: there is no file '\''none.json'\''
	{"resources": [{"name": "a", "lk": {"extends": 1}}]}	resources[0].lk.extends: must be a text
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"drop": true}}]}}]}	resources[0].schema.fields[0].lk.drop: only a resource that extends
	{"resources": [{"name": "v", "path": "v", "schema": {"fields": [{"name": "x"}]}}, {"name": "w", "path": "w", "schema": {"fields": [{"name": "y", "lk": {"drop": true}}]}, "lk": {"extends": "v"}}]}	resources[1].schema.fields[0]: there is no field '\''y'\'' to drop
	EOF_
'

test_expect_success 'a schema and a dialect may stand in files of their own' '
	mkdir -p feed/schemas && cd feed &&
	cat >clinic.json <<-\EOF_ &&
	{"name": "clinic", "resources": [
	  {"name": "visits", "path": ["visit-*.txt", "vst*.txt"], "dialect": "pipe.json", "schema": "./schemas/visits.json"},
	  {"name": "stays", "path": "stays.txt", "dialect": "pipe.json", "schema": "schemas/visits.json", "lk": {"table": "visits"}}]}
	EOF_
	echo "{\"delimiter\": \"|\"}" >pipe.json &&
	echo "{\"fields\": [{\"name\": \"Id\", \"type\": \"integer\"}, {\"name\": \"Ward\"}]}" >schemas/visits.json &&
	printf "Id|Ward\n1|A\n" | tee visit-1.txt vst2.txt >stays.txt &&
	lk-parse --check -s . &&
	fields=1-2 rows visits -s . visit-1.txt vst2.txt stays.txt >actual &&
	printf "id,ward\n1,A\n1,A\n1,A\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'what is wrong in such a file is said with its name and place' '
	cd feed &&
	sed "s/integer/integr/" schemas/visits.json >schemas/wrong.json &&
	sed "s/visits.json/wrong.json/" clinic.json >wrong.jsn &&
	expect_error 78 "lk-parse: '\''schemas/wrong.json'\'': fields[0].type: there is no type '\''integr'\''" lk-parse --check -s wrong.jsn &&
	echo "{" >schemas/wrong.json &&
	expect_error 78 "lk-parse: '\''schemas/wrong.json'\'' line " lk-parse --check -s wrong.jsn &&
	echo "[]" >schemas/wrong.json &&
	expect_error 78 "lk-parse: '\''schemas/wrong.json'\'': must be an object" lk-parse --check -s wrong.jsn &&
	echo "{\"delimeter\": \"|\"}" >typo.json &&
	sed "s/pipe.json/typo.json/" clinic.json >wrong.jsn &&
	expect_error 78 "lk-parse: '\''typo.json'\'': delimeter: there is no such property; did you mean '\''delimiter'\''?" \
		lk-parse --check -s wrong.jsn &&
	rm typo.json
'

test_expect_success 'they are a part of the package: its hash changes with them' '
	cd feed &&
	hash() { lk-parse -s clinic.json visit-1.txt | lk-cat -F csv -t lk.files | tail -1 | cut -d, -f12; } &&
	before=$(hash) && [ ${#before} = 64 ] &&
	sed "s/Ward/Unit/" schemas/visits.json >changed && sed "s/Ward/Unit/" visit-1.txt >visit && mv visit visit-1.txt &&
	mv changed schemas/visits.json &&
	after=$(hash) && [ ${#after} = 64 ] && [ "$before" != "$after" ] &&
	echo "{\"resources\": [{\"name\": \"v\", \"path\": \"v\", \"schema\": {\"fields\": [{\"name\": \"x\"}]}}]}" >../one.json &&
	echo x >v && lk-parse -s ../one.json v | lk-cat -F csv -t lk.files >files &&
	grep -qF "$(sha256sum <../one.json | cut -c1-64)" files
'

test_expect_success 'in a folder of packages, a file without resources must be a part of one' '
	cp -R feed folder && cd folder && rm -f wrong.json &&
	lk-parse --check -s . &&
	echo nothing that fits >alien && expect_status 1 lk-parse -s . alien 2>said >/dev/null && ! grep "must be a list" said &&
	echo "{\"fields\": []}" >lonely.json &&
	expect_error 78 "lonely.json'\'': resources: must be a list" lk-parse --check -s .
'

test_expect_success 'a variant says only what differs, and feeds the same table' '
	cat >variants.json <<-\EOF_ &&
	{"resources": [
	  {"name": "cvisits", "path": "c*.csv", "lk": {"extends": "bvisits"}, "dialect": {"delimiter": ","}},
	  {"name": "bvisits", "path": "b*.csv", "dialect": {"delimiter": ";"}, "lk": {"extends": "visits"},
	    "schema": {"fields": [{"name": "Note"}, {"name": "Cost", "decimalChar": ","}, {"name": "Old", "lk": {"drop": true}}]}},
	  {"name": "visits", "path": "a*.csv", "dialect": {"quoteChar": "'\''"}, "lk": {"order": "Id"},
	    "schema": {"primaryKey": "Id", "fields": [{"name": "Id", "type": "integer"}, {"name": "Old"},
	      {"name": "Cost", "type": "number", "lk": {"decimal": [9, 2]}}]}}]}
	EOF_
	printf "Id,Old,Cost\n1,'\''o,o'\'',1.50\n" >a.csv &&
	printf "Id;Cost;Note\n2;2,50;'\''n;n'\''\n" >b.csv &&
	printf "Id,Cost,Note\n3,'\''3,50'\'',m\n" >c.csv &&
	for f in a b c; do fields=1-3 rows visits -s variants.json $f.csv || return 1; done >actual &&
	cat >expect <<-\EOF_ &&
	id,old,cost
	1,"o,o"
	id,cost,note
	2,2.50,n;n
	id,cost,note
	3,3.50,m
	EOF_
	test_cmp expect actual
'

test_expect_success 'a variant of a resource in another file brings along what its package says' '
	cat >base.json <<-\EOF_ &&
	{"name": "base", "missingValues": ["-"], "lk": {"delivery": "nowhere", "timezone": "+01:00"}, "resources": [
	  {"name": "visits", "path": "*.csv", "schema": {"fields": [{"name": "Id"}, {"name": "At", "type": "datetime"}]}}]}
	EOF_
	cat >mine.json <<-\EOF_ &&
	{"name": "mine", "resources": [{"name": "my-visits", "lk": {"extends": "base.json#visits"}, "dialect": {"delimiter": "|"}}]}
	EOF_
	printf "Id|At\n-|2026-01-01T01:00:00\n" >d.csv &&
	rows visits -s mine.json d.csv | cut -d, -f1,2 >actual &&
	printf "id,at\n,2026-01-01 00:00:00+00\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'what is wrong in a variant is said where it was written' '
	sed "s/\"Note\"/\"Note\", \"type\": \"txt\"/" variants.json >wrong.json &&
	expect_error 78 "'\''wrong.json'\'': resources[1].schema.fields[0].type: there is no type '\''txt'\''" \
		lk-parse --check -s wrong.json &&
	sed "s/\"type\": \"number\"/\"type\": \"numbr\"/" variants.json >wrong.json &&
	expect_error 78 "'\''wrong.json'\'': resources[2].schema.fields[2].type: there is no type '\''numbr'\''" \
		lk-parse --check -s wrong.json &&
	sed "s/datetime/datetme/" base.json >wrong.json &&
	sed "s/base.json/wrong.json/" mine.json >mine2.json &&
	expect_error 78 "'\''wrong.json'\'': resources[0].schema.fields[1].type: there is no type '\''datetme'\''" \
		lk-parse --check -s mine2.json
'

test_expect_success 'extends goes 16 deep and no deeper, in either order' '
	python3 - <<-\EOF_ &&
	import json
	for name, count, step in ("fits", 17, 1), ("fits-back", 17, -1), ("deep", 18, 1), ("deep-back", 18, -1):
	    r = [{"name": "r0", "path": "r0", "schema": {"fields": [{"name": "x"}]}}]
	    r += [{"name": f"r{i}", "path": f"r{i}", "lk": {"extends": f"r{i-1}"}} for i in range(1, count)]
	    json.dump({"resources": r[::step]}, open(name + ".json", "w"))
	EOF_
	lk-parse --check -s fits.json && lk-parse --check -s fits-back.json &&
	expect_error 78 "goes through more than 16 resources" lk-parse --check -s deep.json &&
	expect_error 78 "goes through more than 16 resources" lk-parse --check -s deep-back.json
'

test_expect_success 'packages of version 1, media types, fieldsMatch as a list' '
	cat >v1.json <<-\EOF_ &&
	{"profile": "tabular-data-package", "name": "v1", "licenses": [{"name": "ODC-PDDL-1.0"}], "sources": [{"title": "x"}],
	 "resources": [{"profile": "tabular-data-resource", "name": "tabs", "path": "tabs.txt", "mediatype": "Text/Tab-Separated-Values; charset=utf-8",
	   "encoding": "utf-8", "bytes": 20, "hash": "md5:0", "compression": "no",
	   "dialect": {"csvddfVersion": 1.2, "caseSensitiveHeader": true},
	   "schema": {"missingValues": ["", "-"], "fieldsMatch": ["subset"],
	     "fields": [{"name": "when", "type": "date", "format": "any", "rdfType": "x", "constraints": {"required": true}}, {"name": "n", "type": "integer", "bareNumber": false}]}}]}
	EOF_
	printf "n\tmore\twhen\n5%%\tz\t20260131\n-\tz\t2026-02-01\n" >tabs.txt &&
	lk-parse --check -s v1.json &&
	fields=1,2 rows tabs -s v1.json tabs.txt >actual &&
	printf "when,n\n2026-01-31,5\n2026-02-01,\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'unique and foreign keys are checked and kept with the rows' '
	cat >keys.json <<-\EOF_ &&
	{"resources": [
	  {"name": "visits", "path": "v.csv", "lk": {"table": "c.visits"}, "schema": {
	    "fields": [{"name": "Visit Id"}, {"name": "patient"}, {"name": "site"}, {"name": "before"}],
	    "uniqueKeys": [["patient", "site"], ["before"]],
	    "foreignKeys": [
	      {"fields": "patient", "reference": {"resource": "patients", "fields": "PatientId"}},
	      {"fields": ["before"], "reference": {"resource": "", "fields": ["Visit Id"]}},
	      {"fields": ["patient", "site"], "reference": {"resource": "patients", "fields": ["PatientId", "Site"]}}]}},
	  {"name": "patients", "path": "p.csv", "schema": {"fields": [{"name": "PatientId"}, {"name": "Site"}]}}]}
	EOF_
	echo "Visit Id,patient,site,before" >v.csv &&
	lk-parse -s keys.json v.csv >out.lk &&
	while read -r line; do
		grep -aqF "$line" out.lk || { echo "not there: $line"; return 1; }
	done <<-\EOF_ &&
	[["patient", "site"], ["before"]]
	[{"columns": ["patient"], "table": "patients", "reference": ["patient_id"]}, {"columns": ["before"], "table": "c.visits", "reference": ["visit_id"]}, {"columns": ["patient", "site"], "table": "patients", "reference": ["patient_id", "site"]}]
	EOF_
	while IFS="	" read -r from to message; do
		sed "s/$from/$to/" keys.json >wrong.json &&
		expect_error 78 "$message" lk-parse --check -s wrong.json || return 1
	done <<-\EOF_
	\["before"\]\],	["befor"]],	resources[0].schema.uniqueKeys[1][0]: there is no field '\''befor'\''; did you mean '\''before'\''?
	\["before"\]\],	[]],	resources[0].schema.uniqueKeys[1]: must name at least one field
	"patients", "fields": "PatientId"	"patient", "fields": "PatientId"	resources[0].schema.foreignKeys[0].reference.resource: there is no resource '\''patient'\''; did you mean '\''patients'\''?
	"fields": "PatientId"	"fields": "PatientID"	resources[0].schema.foreignKeys[0].reference.fields: there is no field '\''PatientID'\''; did you mean '\''PatientId'\''?
	"fields": \["before"\]	"fields": ["before", "site"]	resources[0].schema.foreignKeys[1]: has 2 fields and refers to 1
	"reference": {"resource": ""	"references": {"resource": ""	resources[0].schema.foreignKeys[1].reference: a foreign key needs the fields
	EOF_
'

test_expect_success 'a variant that takes what its base takes is refused' '
	sed "s/\"path\": \"b\*.csv\", //" variants.json >right.json &&
	printf "Id,Old,Cost\n1,o,1.50\n" >a1.csv && printf "Id;Cost;Note\n2;2,50;n\n" >a2.csv &&
	fields=1,2 rows visits -s right.json a1.csv a2.csv >actual && printf "id,old\n1,o\nid,cost\n2,2.50\n" >expect &&
	sed "s/\"delimiter\": \";\"//; s/\"schema\": {/&\"fieldsMatch\": \"partial\", /" right.json >wrong.json &&
	expect_error 78 "resources[1]: takes the members that '\''visits'\'' takes, into the same table" \
		lk-parse --check -s wrong.json &&
	sed "s/\"extends\": \"visits\"/&, \"table\": \"others\"/" wrong.json >right.json &&
	lk-parse --check -s right.json
'

test_expect_success 'the example of editions in the manual reads all of them into one table' '
	sed -n "/^{\"resources\": \[\$/,/^\.Ed/p" "$LK_TOP/man/lk-source.5" | sed "/^\.Ed/d" >editions.json &&
	printf "Stay Id,Admitted,Ward,Payer\n1,2026-01-31,ICU,X\n" >stays_2026.csv &&
	printf "Unit,StayID,Admitted,Room\nICU,2,2021-01-31,7\n" >stays_2021.csv &&
	printf "STAY_NO|Admitted|Ward\n3|31.01.2019|2\n" >STAY19.TXT &&
	printf "Ward,Payer\nICU,X\n" >stays_bad.csv &&
	expect_status 1 lk-parse -s editions.json stays_2026.csv stays_2021.csv STAY19.TXT stays_bad.csv >out.lk &&
	lk-cat -F csv -t stays out.lk | sed "s/,[^,]*@[^,]*,/,/" >actual &&
	cat >expect <<-\EOF_ &&
	stay_id,admitted,ward,payer,lk_file,lk_row,lk_rest
	1,2026-01-31,ICU,X,1,
	2,2021-01-31,ICU,,1,"{""Room"":""7""}"
	3,2019-01-31,Surgery,,1,
	EOF_
	test_cmp expect actual &&
	lk-cat -F csv -t lk.files out.lk | grep -q "stays_bad.csv.*failed"
'

test_expect_success 'the ready packages are right' '
	for dir in "$LK_TOP"/contrib/sources/*/; do lk-parse --check -s "$dir" || return 1; done &&
	lk-parse --check -s "$LK_TOP/contrib/sources" && lk-parse --check -s "$LK_TOP/testdata/demo/sources"
'

# ---- samples ----

test_expect_success 'samples beside a package must become what lies beside them' '
	mkdir -p clinic/samples/FAC1/day "clinic/samples/FAC2/drop.zip!/csv" &&
	cat >clinic/datapackage.json <<-\EOF_ &&
	{"name": "clinic", "lk": {"delivery": "^(?<sender>FAC[0-9]+)/"}, "resources": [{"name": "visits", "path": ["visits*.csv", "csv/*"],
	  "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "cost", "type": "number", "lk": {"decimal": [30, 2]}},
	    {"name": "at", "type": "datetime"}, {"name": "ok", "type": "boolean"}, {"name": "rate", "type": "number"}, {"name": "note"},
	    {"name": "from", "lk": {"path": "delivery:sender"}}, {"name": "file", "lk": {"path": "member:path"}}]}}]}
	EOF_
	cat >clinic/samples/FAC1/day/visits.csv <<-\EOF_ &&
	id,cost,at,ok,rate,note
	1,1.5,2026-01-01T01:02:03,true,0.1,"a ""b"""
	x,1,,,,
	3,12345678901234567890.12,,false,,12
	EOF_
	printf "id,cost,at,ok,rate,note\n9,,,,,\n" >"clinic/samples/FAC2/drop.zip!/csv/x" &&
	expect_status 1 lk-parse --check -s clinic >actual 2>err &&
	cat >expect <<-\EOF_ &&
	--- clinic/samples/FAC1/day/visits.csv.expect/lk.rejects.jsonl
	+++ clinic/samples/FAC1/day/visits.csv: table lk.rejects
	@@ +1 @@
	+{"table":"main.visits","record":2,"line":3,"field":"id","reason":"is not an integer of 64 bits"}
	EOF_
	test_cmp expect actual &&
	grep -q "1 of 2 samples did not become what is expected of them" err
'

test_expect_success '--accept writes down what they become, and that holds' '
	lk-parse --check --accept -s clinic >actual &&
	cat >expect <<-\EOF_ &&
	wrote clinic/samples/FAC1/day/visits.csv.expect/lk.rejects.jsonl
	wrote clinic/samples/FAC1/day/visits.csv.expect/visits.jsonl
	wrote clinic/samples/FAC2/drop.zip!/csv/x.expect/visits.jsonl
	ok: 1 package, 1 resource, 2 samples
	EOF_
	test_cmp expect actual &&
	cat clinic/samples/FAC1/day/visits.csv.expect/visits.jsonl "clinic/samples/FAC2/drop.zip!/csv/x.expect/visits.jsonl" >actual &&
	cat >expect <<-\EOF_ &&
	{"id":1,"cost":1.50,"at":"2026-01-01T01:02:03","ok":true,"rate":0.1,"note":"a \"b\"","from":"FAC1","file":"visits.csv"}
	{"id":3,"cost":"12345678901234567890.12","at":null,"ok":false,"rate":null,"note":"12","from":"FAC1","file":"visits.csv"}
	{"id":9,"cost":null,"at":null,"ok":null,"rate":null,"note":null,"from":"FAC2","file":"csv/x"}
	EOF_
	test_cmp expect actual &&
	echo "ok: 1 package, 1 resource, 2 samples" >expect &&
	lk-parse --check -s clinic >actual && test_cmp expect actual &&
	lk-parse --check --accept -s clinic >actual && test_cmp expect actual
'

test_expect_success 'what differs is shown as a diff, with line, row and the columns that are named' '
	rows=clinic/samples/FAC1/day/visits.csv.expect/visits.jsonl && cp "$rows" kept &&
	while IFS="	" read -r first second shown; do
		printf "%s\n" "$first" "" "$second" >"$rows" &&
		if [ "$shown" = - ]; then
			lk-parse --check -s clinic >actual
		else
			expect_status 1 lk-parse --check -s clinic >actual && grep -qxF "$shown" actual
		fi || { cat actual; return 1; }
	done <<-\EOF_ &&
	{}	{}	-
	{"id": 1, "cost": 1.5}	{"id": "3", "note": "12", "at": null}	-
	{"id": 1.0, "cost": "1.50"}	{"lk_row": 3, "ok": false}	-
	{"id": 2, "ok": true}	{}	+{"id":1,"ok":true}
	{"cost": 1.51}	{}	@@ -1 +1 @@
	{}	{"id": 4}	@@ -3 +2 @@
	{}	{"cost": 12345678901234567890.12}	+{"cost":"12345678901234567890.12"}
	{}	{"note": 12}	+{"note":"12"}
	{}	{"rate": ""}	+{"rate":null}
	{"ok": "true"}	{}	+{"ok":true}
	{"note": ["a"]}	{}	+{"note":"a \"b\""}
	EOF_
	sed -n 2p kept >"$rows" &&
	expect_status 1 lk-parse --check -s clinic >actual &&
	cat >expect <<-\EOF_ &&
	--- clinic/samples/FAC1/day/visits.csv.expect/visits.jsonl
	+++ clinic/samples/FAC1/day/visits.csv: table visits
	@@ +1 @@
	+{"id":1,"cost":1.50,"at":"2026-01-01T01:02:03","ok":true,"rate":0.1,"note":"a \"b\"","from":"FAC1","file":"visits.csv"}
	EOF_
	test_cmp expect actual &&
	cp kept "$rows" && echo "{\"id\": 5}" >>"$rows" &&
	expect_status 1 lk-parse --check -s clinic >actual &&
	tail -2 actual >tail && printf "%s\n" "@@ -3 @@" "-{\"id\": 5}" >expect && test_cmp expect tail &&
	cp kept "$rows" && echo "{\"id\": 1}" >"${rows%/*}/other.jsonl" &&
	expect_status 1 lk-parse --check -s clinic >actual && grep -qF "table other" actual &&
	lk-parse --check --accept -s clinic && [ ! -e "${rows%/*}/other.jsonl" ] &&
	lk-parse --check -s clinic
'

test_expect_success 'expectations that cannot be read are said to be wrong' '
	rows=clinic/samples/FAC1/day/visits.csv.expect/visits.jsonl && cp "$rows" kept &&
	while IFS="	" read -r line message; do
		printf "{}\n%s\n" "$line" >"$rows" &&
		expect_error 78 "'\''$rows'\'' line 2: $message" lk-parse --check -s clinic || return 1
	done <<-\EOF_ &&
	{"idd": 1}	the table has no column '\''idd'\''; did you mean '\''id'\''?
	[]	must be an object
	{	string or
	{"id": 1, "id": 2}	duplicate object key
	EOF_
	cp kept "$rows"
'

test_expect_success 'a sample that is not read whole, or by another package, is a difference' '
	cp -R clinic other && cd other &&
	printf "a,b\n1,2\n" >samples/FAC1/visits-bad.csv && echo x >samples/FAC1/nothing && mkdir samples/FAC1/gone.expect &&
	expect_status 1 lk-parse --check -s . >actual &&
	sed "s/\"error\":\"line 1.*/\"error\":.../" actual >short && cat >expect <<-\EOF_ &&
	./samples/FAC1/gone.expect: there is no such sample
	--- ./samples/FAC1/nothing.expect/lk.files.jsonl
	+++ ./samples/FAC1/nothing: table lk.files
	@@ +1 @@
	+{"table":null,"status":"unmatched","error":"no resource takes it"}
	--- ./samples/FAC1/visits-bad.csv.expect/lk.files.jsonl
	+++ ./samples/FAC1/visits-bad.csv: table lk.files
	@@ +1 @@
	+{"table":"main.visits","status":"failed","error":...
	EOF_
	test_cmp expect short &&
	rmdir samples/FAC1/gone.expect && lk-parse --check --accept -s . && lk-parse --check -s . &&
	cd .. && mkdir two && mv other two/b && mkdir two/a && sed "s/clinic/greedy/" clinic/datapackage.json >two/a/datapackage.json &&
	expect_status 1 lk-parse --check -s two >actual &&
	grep -qF "two/b/samples/FAC1/day/visits.csv: the package \"greedy\" takes it, not \"clinic\"" actual
'

test_expect_success 'a package that is no datapackage.json has samples under its own name' '
	mkdir -p flat/one.samples && cd flat &&
	echo "{\"resources\": [{\"name\": \"one\", \"path\": \"*\", \"schema\": {\"fields\": [{\"name\": \"a\"}]}}]}" >one.json &&
	printf "a\n1\n" >one.samples/a.csv && printf "a\n2\n" >one.samples/b.csv &&
	lk-parse --check -s . >actual && echo "ok: 1 package, 1 resource, 2 samples" >expect && test_cmp expect actual &&
	head -c 17000000 /dev/zero >one.samples/c.csv &&
	expect_error 65 "c.csv'\'' is longer than 16777216 bytes" lk-parse --check -s one.json
'

# ---- lakes ----

test_expect_success '--check -l says which table of a lake the packages would change or break' '
	package() { # COLUMNS
		cat >change.json <<-EOF_
		{"name": "change", "resources": [{"name": "v", "path": "v*", "schema": {"fields": [$1]}}, {"name": "w", "path": "w*", "schema": {"fields": [{"name": "a"}]}}]}
		EOF_
	} &&
	id="{\"name\": \"id\", \"type\": \"integer\", \"constraints\": {\"required\": true}}" cost="{\"name\": \"cost\", \"type\": \"number\"}" &&
	package "$id, $cost" && printf "id,cost\n1,2\n" >v.csv &&
	lk-parse -s change.json v.csv | lk-commit -l lake && find lake -type f | sort >before &&
	lk-parse --check -s change.json -l lake >actual && cat >expect <<-\EOF_ &&
	main.w: is new
	ok: 1 package, 2 resources, 0 samples
	EOF_
	test_cmp expect actual &&
	package "$id, {\"name\": \"costs\", \"type\": \"number\"}" &&
	lk-parse --check -s change.json -l lake | head -2 >actual && cat >expect <<-\EOF_ &&
	main.v: gets costs
	main.v: has columns that are filled no more: cost
	EOF_
	test_cmp expect actual &&
	package "{\"name\": \"id\", \"type\": \"string\"}, $cost" &&
	expect_status 1 lk-parse --check -s change.json -l lake >actual 2>err &&
	grep -q "main.v: breaks, by the package .change.: .*column id is utf8 in the stream and long in the table" actual &&
	grep -q "main.v: breaks, by the package .change.: column id is required by the table, and may be missing now" actual &&
	grep -q "1 of 2 tables would not take their rows any more" err &&
	package "$cost" &&
	expect_status 1 lk-parse --check -s change.json -l lake >actual &&
	grep -q "main.v: breaks.*column id is required by the table and not in the stream" actual &&
	find lake -type f | sort >after && test_cmp before after
'

test_expect_success 'options that do not go together' '
	expect_error 66 "there is no lake in" lk-parse --check -s change.json -l nowhere &&
	expect_error 64 "goes with --check only" lk-parse --accept -s change.json &&
	expect_error 64 "goes with --check only" lk-parse -l lake -s change.json &&
	expect_error 64 "takes no RESOURCE and no FILE" lk-parse --check -s change.json v.csv
'

test_done
