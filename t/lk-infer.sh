#!/bin/sh
# lk-infer: what is drafted of types, missing values, keys, private columns, names of files and editions of a table; that a draft
# parses its own samples; the report; archives and streams; what is no sample.
. "$(dirname "$0")/test-lib.sh"

# field FILE NAME: one field of the first resource, as JSON.
field() { python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))["resources"][0]
print(json.dumps([f for f in r["schema"]["fields"] if f["name"] == sys.argv[2]][0]))' "$1" "$2"; }

# The draft of the files reads them, and rejects nothing.
parses() { # FILE...
	lk-infer -q "$@" >draft.json && lk-parse -s draft.json "$@" >rows.lk
}

# column NAME VALUE...: the field that such a column becomes. It is quoted, so values may be anything.
column() {
	{ printf 'Record Key,%s\n' "$1"; name=$1; shift; for v; do printf 'a 1,"%s"\n' "$v"; done; } >c.csv &&
		parses c.csv && field draft.json "$name"
}
same() { [ "$1" = "$2" ] || { printf 'expected %s\ngot      %s\n' "$2" "$1"; return 1; }; }

# ---- the whole ----

test_expect_success 'a draft, as people would write it' '
	cat >visits_20260131.csv <<-\END &&
	Visit ID,Patient Name,Admitted,Cost,Ward
	1001,Ann Lee,2026-01-30,12.50,A
	1002,Bo Chan,2026-01-31,1200.00,
	1003,Cy Diaz,,7.25,B
	END
	cat >expect <<-\END &&
	{
	  "name": "visits",
	  "resources": [
	    {
	      "name": "visits",
	      "path": "visits_*.csv",
	      "format": "csv",
	      "schema": {
	        "fields": [
	          {"name": "Visit ID", "type": "integer", "constraints": {"required": true}},
	          {"name": "Patient Name", "type": "string", "lk": {"phi": "name"}},
	          {"name": "Admitted", "type": "date"},
	          {"name": "Cost", "type": "number", "lk": {"decimal": [18, 2]}},
	          {"name": "Ward", "type": "string"}
	        ],
	        "primaryKey": "Visit ID"
	      }
	    }
	  ]
	}
	END
	lk-infer visits_20260131.csv >actual && test_cmp expect actual &&
	lk-infer -o written.json visits_20260131.csv >out && test_cmp expect written.json && [ ! -s out ] &&
	lk-infer <visits_20260131.csv | sed s/data/visits/ >piped && sed "s/visits_\*.csv/*/" expect >expect.piped &&
	test_cmp expect.piped piped &&
	lk-infer visits_20260131.csv | lk-parse -s - visits_20260131.csv | lk-cat --count -t visits >actual &&
	printf "table,rows\nvisits,3\n" >expect && test_cmp expect actual
'

# ---- types ----

test_expect_success 'types that lose nothing of their values' '
	while IFS="|" read -r name values want; do
		old=$IFS IFS=";" && set -f -- $values && IFS=$old && set +f &&
		same "$(column "$name" "$@")" "{\"name\": \"$name\", $want}" || return 1
	done <<-\END
	Amount|1;-20;300|"type": "integer"
	Amount|1;007|"type": "string"
	Amount|1;+7|"type": "string"
	Amount|1;2.5;1e3|"type": "number"
	Amount|0.50;-2.25|"type": "number", "lk": {"decimal": [18, 2]}
	Amount|1234567890.12345678901;2.1|"type": "number", "lk": {"decimal": [38, 11]}
	Amount|1,200;35;1,000,000|"type": "integer", "groupChar": ","
	Amount|1,200.5;35|"type": "number", "groupChar": ","
	Amount|1,5;35,25|"type": "number", "decimalChar": ","
	Amount|1.200,5;35|"type": "number", "decimalChar": ",", "groupChar": "."
	Amount|$1,200.50;$7|"type": "number", "groupChar": ",", "bareNumber": false
	Amount|123456789012;223456789012|"type": "string"
	zip code|12345;22334|"type": "string", "lk": {"phi": "address"}
	Amount|true;False|"type": "boolean"
	Amount|Yes;No|"type": "boolean", "trueValues": ["Yes"], "falseValues": ["No"]
	Amount|Y;Y|"type": "string"
	Amount|0;1|"type": "integer"
	Amount|a;1|"type": "string"
	Amount|;|"type": "string"
	END
'

test_expect_success 'dates and times in the forms that are seen' '
	while IFS="|" read -r name values want; do
		old=$IFS IFS=";" && set -f -- $values && IFS=$old && set +f &&
		same "$(column "$name" "$@")" "{\"name\": \"$name\", $want}" || return 1
	done <<-\END
	When Seen|2026-01-31;2025-12-01|"type": "date"
	visit date|20260131;20251201|"type": "date", "format": "any"
	When Seen|12345678;20260131|"type": "integer"
	visit date|20260131;202601;2026|"type": "string"
	When Seen|1/31/2026;12/1/2025|"type": "date", "format": "%m/%d/%Y"
	When Seen|31/1/2026;1/12/2025|"type": "date", "format": "%d/%m/%Y"
	When Seen|1/2/2026;3/4/2025|"type": "date", "format": "%m/%d/%Y"
	When Seen|1/31/26;12/1/25|"type": "date", "format": "%m/%d/%y"
	When Seen|31.01.2026;1.2.2025|"type": "date", "format": "%d.%m.%Y"
	When Seen|Jul 13, 2026;Jan 1, 2025|"type": "date", "format": "%b %d, %Y"
	When Seen|31-JAN-2026;01-Feb-2025|"type": "date", "format": "%d-%b-%Y"
	When Seen|2026-01-31 23:59;2025-01-01 00:00:01|"type": "datetime", "format": "any"
	When Seen|2026-01-31T23:59:00Z;2025-01-01T00:00:01+01:00|"type": "datetime", "lk": {"timezone": "UTC"}
	When Seen|1/31/2026 11:59 PM;1/1/2025 1:00 AM|"type": "datetime", "format": "%m/%d/%Y %I:%M %p"
	start time|20260131235959;202601312359|"type": "datetime", "format": "any"
	start time|20260131235959-0500;20260131235959.123+0100|"type": "datetime", "format": "any", "lk": {"timezone": "UTC"}
	When Seen|2026-01-31;2025-12-01T10:00|"type": "string"
	When Seen|2026;2025-12;2026-01-31|"type": "string"
	When Seen|23:59;01:00:30|"type": "time", "format": "any"
	When Seen|23:59;1:00|"type": "time", "format": "%H:%M"
	When Seen|11:59 PM;1:00 AM|"type": "time", "format": "%I:%M %p"
	When Seen|2026-02-30;2026-01-31|"type": "string"
	END
'

test_expect_success 'words for what is missing, where the rest of a column has a type' '
	same "$(column Amount 1 NA 2 -)" "{\"name\": \"Amount\", \"type\": \"integer\", \"missingValues\": [\"\", \"NA\", \"-\"]}" &&
	same "$(column Amount a NA)" "{\"name\": \"Amount\", \"type\": \"string\"}" &&
	same "$(column Amount 1 "Not Available")" "{\"name\": \"Amount\", \"type\": \"integer\"}" &&
	grep -q "\"missingValues\": \[\"\", \"Not Available\"\]" draft.json &&
	printf "id,name\n1,\"NA\"\n2,NA\n3,\"x\"\n" >quotes.csv && parses quotes.csv && grep -q "\"missing\": \"unquoted\"" draft.json &&
	lk-cat -F json -t quotes rows.lk >rows && grep -c "\"name\":null" rows >nulls && echo 1 | test_cmp - nulls &&
	grep -q "\"name\":\"NA\"" rows
'

test_expect_success 'private columns by name, however it is written, and by value' '
	for name in "Patient Name" patientName LAST_NAME lname; do
		same "$(column "$name" x)" "{\"name\": \"$name\", \"type\": \"string\", \"lk\": {\"phi\": \"name\"}}" || return 1
	done
	for name in "Hospital Name" drugname; do
		same "$(column "$name" x)" "{\"name\": \"$name\", \"type\": \"string\"}" || return 1
	done
	column DateOfBirth 1990-01-31 | grep "\"phi\": \"date\"" && column dob 1990-01-31 | grep "\"phi\": \"date\"" &&
	column MRN 123 | grep "\"phi\": \"id\"" && column Anything 123-45-6789 | grep "\"phi\": \"id\"" &&
	column Anything "(201) 555-0123" | grep "\"phi\": \"phone\"" && column Anything a@b.org | grep "\"phi\": \"email\"" &&
	column "Home Address 1" x | grep "\"phi\": \"address\""
'

# ---- several files ----

test_expect_success 'files of one name become one resource, their digits a star' '
	for q in 24Q1 24Q2; do printf "id,v\n1,a\n2,b\n" >demo$q.txt; done &&
	printf "id,v\n3,a\n" >other_2026-01-31.csv &&
	lk-infer demo24Q1.txt demo24Q2.txt other_2026-01-31.csv >draft.json &&
	python3 -c "
import json
for r in json.load(open(\"draft.json\"))[\"resources\"]: print(r[\"name\"], r[\"path\"])" >actual &&
	printf "demo demo*.txt\nother other_*.csv\n" >expect && test_cmp expect actual
'

test_expect_success 'equal columns do not make one table of files of other names' '
	printf "date,code\n2026-01-01,a\n" >conditions.csv && cp conditions.csv allergies.csv &&
	parses conditions.csv allergies.csv && lk-cat --count rows.lk >actual &&
	printf "table,rows\nconditions,1\nallergies,1\nlk.files,2\n" >expect && test_cmp expect actual
'

test_expect_success 'editions become one table, with optional fields and aliases' '
	python3 - <<-\END &&
	def write(name, header, row):
	    with open(name, "w") as f:
	        print(header, file=f)
	        for i in range(40):
	            print(row % {"id": 1000 + i, "i": i}, file=f)
	write("list-1-old.csv", "Provider ID,City,State,Beds", "%(id)d,Town %(i)d,AL,%(i)d")
	write("list-2-new.csv", "Facility ID,City/Town,State,Rating,Beds", "0%(id)d,Town %(i)d,AL,Not Available,%(i)d")
	write("list-3-last.csv", "Facility ID,City/Town,State,Rating,Beds", "%(id)d,Town %(i)d,AL,3,%(i)d")
	END
	parses list-1-old.csv list-2-new.csv list-3-last.csv >out &&
	lk-cat --count rows.lk >actual && printf "table,rows\nlist,80\nlist_2_new,40\nlk.files,3\n" >expect || cat actual &&
	parses list-1-old.csv list-3-last.csv && lk-cat --count rows.lk >actual &&
	printf "table,rows\nlist,80\nlk.files,2\n" >expect && test_cmp expect actual &&
	field draft.json "Provider ID" | grep "\"aliases\": \[\"Facility ID\"\]" && field draft.json City | grep "City/Town" &&
	grep -q "\"fieldsMatch\": \"superset\"" draft.json && grep -q "\"path\": \"list-\*.csv\"" draft.json
'

# ---- evidence ----

test_expect_success 'the report tells what did not fit, and shows nothing private' '
	{ echo "n,ssn"; for i in 1 2 3 4 5 6 7 8 9; do echo "$i,123-45-678$i"; done; echo "x,123-45-6780"; } >e.csv &&
	lk-infer --report -F csv e.csv >actual && cat >expect <<-\END &&
	resource,field,type,values,missing,distinct,example,near,fit,misfit,misfits,note
	e,n,string,10,0,10,1,integer,9,1,'"'x'"',
	e,ssn,string,10,0,10,,,,,,private: id
	END
	test_cmp expect actual &&
	printf "d\n1/2/2026\n" >t.csv && lk-infer --report -F csv t.csv | grep "the other way around"
'

test_expect_success 'records of a wrong width, and wrong quotes, are taken where the sample has them' '
	printf "Name,Visits,Ward\nAnn,1,A\nBo,2\nCy,3,C,more\nDi,4,D\n" >ragged.csv && lk-infer ragged.csv 2>err >draft.json &&
	grep "2 of 4 records" err && parses ragged.csv && grep -q "\"lk\": {\"ragged\": \"pad\", \"rest\": true}" draft.json &&
	lk-cat -t ragged -F csv rows.lk | cut -d, -f 1-3,6- >actual &&
	printf "%s\n" name,visits,ward,lk_rest Ann,1,A, Bo,2,, "Cy,3,C,\"{\"\"column_4\"\":\"\"more\"\"}\"" Di,4,D, >expect &&
	test_cmp expect actual &&
	printf "Name,Visits\n\"Ann\",1\n\"Bo \"B\" Ray\",2\n\"Cy\",3\n" >quotes.csv && parses quotes.csv && grep "mend" draft.json
'

# ---- other forms ----

test_expect_success 'JSON lines and arrays: a column for each member, by its path' '
	cat >p.ndjson <<-\END &&
	{"id": "a1", "age": 30, "name": {"family": "Lee", "given": ["Ann", "B"]}, "a/b": null}
	{"id": "a2", "active": true, "born": "1990-01-31", "name": {}}
	END
	parses p.ndjson && python3 -c "
import json
r = json.load(open(\"draft.json\"))[\"resources\"][0]
print(r[\"format\"], *[(f[\"name\"], f[\"type\"], f[\"lk\"][\"path\"]) for f in r[\"schema\"][\"fields\"]], sep=chr(10))" >actual &&
	cat >expect <<-\END &&
	jsonl
	(\047id\047, \047string\047, \047/id\047)
	(\047age\047, \047integer\047, \047/age\047)
	(\047name_family\047, \047string\047, \047/name/family\047)
	(\047name_given\047, \047string\047, \047/name/given\047)
	(\047a_b\047, \047string\047, \047/a~1b\047)
	(\047active\047, \047boolean\047, \047/active\047)
	(\047born\047, \047date\047, \047/born\047)
	(\047name\047, \047string\047, \047/name\047)
	END
	printf "$(cat expect)\n" | test_cmp - actual && lk-cat -t p -F csv rows.lk | cut -d, -f 1-3 >actual &&
	printf "id,age,name_family\na1,30,Lee\na2,,\n" >expect && test_cmp expect actual &&
	printf "[{\"id\": 1}, {\"id\": 2}]" >list.json && parses list.json && lk-cat -t list --count rows.lk | grep "list,2"
'

test_expect_success 'fixed width: fields behind columns that are blank in every line' '
	for i in 1 2 3 4 5 6; do printf "%05d A0%d   %d Cholera of kind %d\n" $i $i $i $i; done >codes.txt &&
	parses codes.txt && lk-cat -t codes -F csv rows.lk | head -n 2 | cut -d, -f 1-3 >actual &&
	printf "column_1,column_2,column_3\n00001,A01,1\n" >expect && test_cmp expect actual &&
	grep -q "\"format\": \"fixed\"" draft.json && grep -q "\"path\": \"7:3\"" draft.json &&
	printf "some words\nof a text\nthat goes on\n" >prose.txt && parses prose.txt && ! grep fixed draft.json
'

test_expect_success 'HL7 v2 and XML are told of, with the package that reads them' '
	printf "MSH|^~\\\\&|A|B|||20260131||ADT^A01|1|P|2.5\rPID|1\r" >m.hl7 && printf "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>" >c.xml &&
	expect_error 65 "contrib/sources/hl7v2" lk-infer m.hl7 && expect_error 65 "contrib/sources/ccda" lk-infer c.xml &&
	printf "<a><b/></a>" >a.xml && expect_error 65 "is XML" lk-infer a.xml
'

# ---- updates ----

test_expect_success 'an update shows what a new file changes, and nothing else' '
	mkdir -p update && cd update && cat >feed.json <<-\END &&
	{"name": "feed", "x-owner": "Zoë", "resources": [{"name": "visits", "path": "visits_1.csv", "lk": {"load": "upsert"},
	  "schema": {"primaryKey": "Id", "fields": [
	    {"name": "Id", "type": "integer", "constraints": {"required": true}},
	    {"name": "Cost", "type": "integer", "description": "in dollars"},
	    {"name": "City", "type": "string"},
	    {"name": "Seen", "type": "date"},
	    {"name": "Flag", "type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}]}}]}
	END
	printf "Id,Cost,City,Seen,Flag\n1,10,Rome,2026-01-31,Y\n" >visits_1.csv &&
	lk-infer --update feed.json visits_1.csv >actual && [ ! -s actual ] &&
	printf "Id,Cost,City/Town,Ward,Seen,Flag\n2,10.5,Oslo,A,NA,No\n3,7,Rome,,2026-02-01,N\n" >visits_2.csv &&
	cat >expect <<-\END &&
	--- feed.json
	+++ new.json
	@@ -4,17 +4,19 @@
	   "resources": [
	     {
	       "name": "visits",
	-      "path": "visits_1.csv",
	+      "path": ["visits_1.csv", "visits_2.csv"],
	       "lk": {"load": "upsert"},
	       "schema": {
	         "primaryKey": "Id",
	         "fields": [
	           {"name": "Id", "type": "integer", "constraints": {"required": true}},
	-          {"name": "Cost", "type": "integer", "description": "in dollars"},
	-          {"name": "City", "type": "string"},
	-          {"name": "Seen", "type": "date"},
	-          {"name": "Flag", "type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}
	-        ]
	+          {"name": "Cost", "type": "number", "description": "in dollars"},
	+          {"name": "City", "type": "string", "lk": {"aliases": ["City/Town"]}},
	+          {"name": "Ward", "type": "string"},
	+          {"name": "Seen", "type": "date", "missingValues": ["", "NA"]},
	+          {"name": "Flag", "type": "boolean", "trueValues": ["Y"], "falseValues": ["N", "No"]}
	+        ],
	+        "fieldsMatch": "superset"
	       }
	     }
	   ]
	END
	expect_status 1 lk-infer --update feed.json -o new.json visits_2.csv >actual && test_cmp expect actual &&
	lk-parse --check -s new.json && lk-parse -s new.json visits_1.csv visits_2.csv | lk-cat -t visits --count >count &&
	printf "table,rows\nvisits,3\n" | test_cmp - count && lk-infer --update new.json visits_1.csv visits_2.csv
'

test_expect_success 'an update widens a type no further than it must' '
	cd update && while IFS="|" read -r own value wanted; do
		printf "{\"resources\": [{\"name\": \"a\", \"path\": \"a.csv\", \"schema\": {\"fields\": [{\"name\": \"Key Text\"}, {\"name\": \"Amount\", %s}]}}]}" \
			"$own" >a.json && printf "Key Text,Amount\nx,%s\n" "$value" >a.csv &&
		expect_status 1 lk-infer --update a.json -o b.json a.csv >out && same "$(field b.json Amount)" "{\"name\": \"Amount\", $wanted}" || return 1
	done <<-\END
	"type": "integer"|x|"type": "string"
	"type": "number", "lk": {"decimal": [9, 2]}|12345678901.125|"type": "number", "lk": {"decimal": [18, 3]}
	"type": "date"|2026-01-31T10:00:00|"type": "datetime", "format": "any"
	"type": "date", "format": "%m/%d/%Y", "lk": {"phi": "date"}|2026-01-31|"type": "string", "lk": {"phi": "date"}
	"type": "boolean"|No|"type": "boolean", "falseValues": ["false", "False", "FALSE", "0", "No"]
	"type": "string", "constraints": {"required": true}||"type": "string"
	END
	printf "Key Text,Amount\nx,1\n" >other.csv && expect_status 1 lk-infer --update a.json other.csv | grep "\"name\": \"other\"" &&
	expect_status 64 lk-infer --update . other.csv && expect_status 78 lk-infer --update other.csv other.csv
'

# ---- archives and streams ----

test_expect_success 'archives, and members on a stream' '
	mkdir -p z/in && printf "id,v\n1,a\n2,b\n" >z/in/a.csv && printf "%%PDF-1.4 x" >z/doc.pdf &&
	(cd z && python3 -m zipfile -c ../z.zip in/a.csv doc.pdf) &&
	lk-infer -q z.zip >draft.json && grep -q "\"ignore\": \[\"\*.pdf\"\]" draft.json &&
	lk-unpack z.zip | lk-infer -q >streamed.json && test_cmp draft.json streamed.json &&
	lk-unpack z.zip | lk-parse -s draft.json | lk-cat --count >actual &&
	printf "table,rows\na,2\nlk.files,2\n" >expect && test_cmp expect actual
'

test_expect_success 'what is no sample is told of, and the others are drafted' '
	: >empty.csv && printf "\0\1\2\3\4\5\6\7\10\0\1\2\3" >rubbish &&
	expect_status 65 lk-infer empty.csv 2>err && grep -q "empty.csv. is empty" err &&
	expect_status 65 lk-infer rubbish 2>err && grep -q "rubbish. is not text" err &&
	expect_status 1 lk-infer empty.csv e.csv >draft.json && field draft.json n &&
	expect_status 66 lk-infer nowhere.csv && expect_error 65 "is empty" lk-infer </dev/null &&
	printf "Name,Visits\nAnn,1\nBo,\000\nCy,3\n" >nul.csv && lk-infer nul.csv >draft.json 2>err && grep -q "1 of 3 records will be rejected" err
'

test_expect_success 'a sample that is read in part says so' '
	{ echo n; seq 1 5000; echo x; } >long.csv && lk-infer --rows 100 long.csv >draft.json 2>err && grep "read in part" err &&
	field draft.json n | grep integer && lk-infer long.csv >draft.json 2>err && [ ! -s err ] && field draft.json n | grep string
'

# ---- real data ----

test_expect_success 'JSON and fixed width: files of one name are one table, and an update holds against it' '
	mkdir forms && python3 - <<-\EOF_ &&
	import json
	for m in (1, 2, 3):
	    with open("forms/enc-2026-0%d-01.ndjson" % m, "w") as f:
	        for i in range(300):
	            r = {"id": "E%05d" % (i + 300 * m), "patient": {"mrn": "%08d" % i, "name": {"family": "F%d" % (i % 70)}}, "day": "2026-01-%02d" % (1 + i % 28)}
	            if m == 3:
	                r["day"], r["extra"] = "later", i
	            f.write(json.dumps(r) + "\n")
	    with open("forms/adt_2026010%d.txt" % m, "w") as f:
	        for i in range(300):
	            f.write("%06d %-12s %s %8.2f\n" % (i + m * 300, "Ward %d" % (i % 7), "202601%02d" % (1 + i % 28), i * 1.5))
	EOF_
	cd forms && lk-infer enc-2026-01-01.ndjson enc-2026-02-01.ndjson >both.json && lk-infer -o enc.json enc-2026-01-01.ndjson &&
	cmp both.json enc.json && grep -c "\"phi\": \"\(id\|name\)\"" enc.json &&
	lk-infer --update enc.json enc-2026-02-01.ndjson >diff && test_cmp /dev/null diff &&
	expect_status 1 lk-infer --update enc.json -o enc.json enc-2026-03-01.ndjson &&
	lk-parse -s enc.json *.ndjson | lk-cat --count -F csv >actual && grep "^enc,900" actual &&
	lk-infer -o adt.json adt_20260101.txt && lk-infer --update adt.json adt_20260102.txt >diff && test_cmp /dev/null diff &&
	lk-infer *.txt >all.json && [ "$(grep -c "\"path\": \"adt_" all.json)" = 1 ]
'

if [ -n "$LK_DATA" ]; then
	test_expect_success 'all tables of the set: each record of its own sample is a row' '
		for f in "$LK_DATA"/csv/*/*.csv "$LK_DATA"/txt/orange-book-fda-tilde/*.txt; do
			parses "$f" || { echo "$f"; return 1; }
		done
	'
	test_expect_success 'all editions land in one table each, by name' '
		python3 - "$LK_DATA" <<-\END
		import collections, csv, glob, io, json, os, subprocess, sys
		data = sys.argv[1]
		truth = json.load(open(data + "/truth.json"))
		for sets in (["cms-hospital-general-information"], ["sdtm-phuse-cdiscpilot01-from-xpt", "sdtm-phuse-updated-cdiscpilot-from-xpt"],
		             ["synthea-older-mcode-rhode-island", "synthea-ohdsi-dbt"]):
		    files = [f for s in sets for f in sorted(glob.glob(data + "/csv/" + s + "/*.csv"))]
		    rows, want = collections.Counter(), collections.Counter()
		    for f in files:
		        name = "edition" if "edition" in f else os.path.basename(f)[:-4]
		        want[name] += truth[os.path.relpath(f, data)]["rows"]
		    open("p.json", "wb").write(subprocess.run(["lk-infer", *files], stdout=subprocess.PIPE, check=True).stdout)
		    stream = subprocess.run(["lk-parse", "-s", "p.json", *files], stdout=subprocess.PIPE, check=True).stdout
		    counts = subprocess.run(["lk-cat", "--count", "-F", "csv"], input=stream, stdout=subprocess.PIPE, check=True).stdout
		    for row in csv.DictReader(io.StringIO(counts.decode())):
		        rows[row["table"]] = int(row["rows"])
		    assert rows.pop("lk.files") == len(files)
		    assert rows == want, (rows, want)
		END
	'
else
	test_skip 'all tables of the set: each record of its own sample is a row' 'the public data is not there'
	test_skip 'all editions land in one table each, by name' 'the public data is not there'
fi

test_done
