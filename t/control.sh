#!/bin/sh
# Header, detail and trailer records: whose records they are, and whether the totals agree.
. "$(dirname "$0")/test-lib.sh"

cat >fixed.json <<'EOF'
{"resources": [
 {"name": "claims", "path": "f*", "format": "fixed",
  "lk": {"record": "CLM", "recordType": "1:3", "header": "HDR",
         "trailer": {"type": "TRL", "count": "4:4", "details": "8:4", "records": "12:4", "sums": {"amount": "16:10"}}},
  "schema": {"fields": [
   {"name": "id", "type": "string", "lk": {"path": "4:3"}},
   {"name": "amount", "type": "number", "lk": {"path": "7:8", "decimal": [12, 2]}},
   {"name": "sent", "type": "date", "format": "%Y%m%d", "lk": {"path": "header:4:8"}}]}},
 {"name": "payments", "path": "f*", "format": "fixed",
  "lk": {"record": "PMT", "recordType": "1:3", "header": "HDR", "trailer": {"type": "TRL"}},
  "schema": {"fields": [{"name": "id", "type": "string", "lk": {"path": "4:3"}}]}}
]}
EOF
cat >csv.json <<'EOF'
{"resources": [
 {"name": "claims", "path": "f*", "dialect": {"delimiter": "|", "header": false},
  "lk": {"record": "CLM", "header": "HDR",
         "trailer": {"type": "TRL", "count": 2, "details": 3, "records": 4, "sums": {"amount": 5}}},
  "schema": {"fields": [
   {"name": "kind", "type": "string"},
   {"name": "id", "type": "string"},
   {"name": "amount", "type": "number", "lk": {"decimal": [12, 2]}},
   {"name": "sent", "type": "date", "format": "%Y%m%d", "lk": {"path": "header:2"}}]}},
 {"name": "payments", "path": "f*", "format": "csv", "dialect": {"delimiter": "|", "header": false},
  "lk": {"record": "PMT", "header": "HDR", "trailer": {"type": "TRL"}},
  "schema": {"fields": [{"name": "kind", "type": "string"}, {"name": "id", "type": "string"}]}}
]}
EOF

# The file of a format: its lines are given as delimited text, with amounts that end a line or stand before others.
make_file() { # FORMAT
	if [ "$1" = csv ]; then
		cat
	else
		awk -F'|' '{
			if ($1 == "CLM") printf "CLM%-3s%8s\n", $2, $3
			else if ($1 == "TRL") printf "TRL%4s%4s%4s%10s\n", $2, $3, $4, $5
			else { gsub(/\|/, ""); print } }'
	fi >f.txt
}

rows() { # TABLE COLUMNS
	lk-cat -t "$1" -F csv out | cut -d, -f"$2"
}

rejects() {
	lk-cat -t lk.rejects -F json out | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["table"][5:], r["record"], r["line"], r["reason"], sep="|")'
}

# status and error of each table's file
files() {
	lk-cat -t lk.files -F json out | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["table"][5:], r["status"], r["rows"], r["rejected"], r["error"], sep="|")'
}

for format in fixed csv; do

[ $format = csv ] && first=2 || first=1
columns=$first-$((first + 2)),$((first + 4))

test_expect_success "$format: records go to their tables, totals that agree are silent" '
	make_file '$format' <<-\EOF &&
	HDR|20260131
	CLM|a|10.10
	PMT|p
	CLM|b|-0.05
	TRL|2|3|5|+10.050
	EOF
	lk-parse -s '$format'.json f.txt >out &&
	rows claims $columns >actual &&
	cat >expect <<-\EOF &&
	id,amount,sent,lk_row
	a,10.10,2026-01-31,1
	b,-0.05,2026-01-31,2
	EOF
	test_cmp expect actual &&
	rows payments $first >actual && printf "id\np\n" >expect && test_cmp expect actual &&
	files >actual && printf "claims|ok|2|0|None\npayments|ok|1|0|None\n" >expect && test_cmp expect actual
'

test_expect_success "$format: several batches, each with its own header and trailer" '
	make_file '$format' <<-\EOF &&
	HDR|20260131
	CLM|a|1
	TRL|1|1|3|1
	HDR|20260228
	CLM|b|2
	CLM|c|3
	TRL|2|2|4|5.0
	EOF
	lk-parse -s '$format'.json f.txt >out && rows claims $columns >actual &&
	printf "id,amount,sent,lk_row\na,1.00,2026-01-31,1\nb,2.00,2026-02-28,2\nc,3.00,2026-02-28,3\n" >expect &&
	test_cmp expect actual
'

test_expect_success "$format: totals that differ are a reject of the trailer, and the error of the file" '
	make_file '$format' <<-\EOF &&
	HDR|20260131
	CLM|a|10.10
	CLM|b|20.00
	TRL|3|3|5|40.10
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && rejects >actual &&
	cat >expect <<-\EOF &&
	claims|3|4|the totals of this trailer are not those of the records before it
	EOF
	test_cmp expect actual && files >actual &&
	cat >expect <<-\EOF &&
	claims|ok|2|1|line 4: the trailer says 3 records, 2 came; says 3 details, 2 came; says 5 records in all, 4 came; says that amount adds up to 40.10, it is 30.10
	payments|ok|0|0|None
	EOF
	test_cmp expect actual
'

test_expect_success "$format: rejected records count, and so do their amounts; what is no number cannot be added" '
	make_file '$format' <<-\EOF &&
	HDR|20269999
	CLM|a|10.10
	TRL|1|1|3|10.10
	HDR|20260101
	CLM|b|x
	CLM|c|1
	TRL|2|2|4|1
	HDR|20260101
	TRL|0|0|2|y
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && rejects | grep ^claims >actual &&
	cat >expect <<-\EOF &&
	claims|1|2|is not a date
	claims|2|5|is not a number
	claims|4|7|the totals of this trailer are not those of the records before it
	claims|5|9|the totals of this trailer are not those of the records before it
	EOF
	test_cmp expect actual && files | grep ^claims >actual &&
	cat >expect <<-\EOF &&
	claims|ok|1|4|line 7: the trailer has a sum of amount, and not all that came are numbers; line 9: the trailer has no number where the sum of amount must stand
	EOF
	test_cmp expect actual
'

test_expect_success "$format: a missing trailer is told, and a missing header" '
	make_file '$format' <<-\EOF &&
	HDR|20260131
	CLM|a|10.10
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && files >actual &&
	cat >expect <<-\EOF && test_cmp expect actual &&
	claims|ok|1|1|has no trailer at its end, behind 2 records: more may be lost
	payments|failed|0|0|has no trailer at its end, behind 2 records: more may be lost
	EOF
	make_file '$format' <<-\EOF &&
	CLM|a|10.10
	TRL|1|1|2|10.10
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && rejects >actual &&
	grep -q "claims|1|1|no header comes before it" actual &&
	grep -q "claims|2|2|the totals" actual && files | grep -q "line 2: the trailer has no header before it" &&
	make_file '$format' <<-\EOF &&
	HDR|20260131
	CLM|a|10.10
	HDR|20260201
	CLM|b|1
	TRL|1|1|3|1
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && rejects >actual &&
	grep -q "claims|2|3|no trailer comes before this header" actual && rows claims $first | tr "\n" " " >actual &&
	printf "id a b " >expect && test_cmp expect actual &&
	: >f.txt && expect_status 1 lk-parse -s '$format'.json f.txt >out && files | grep -q "claims|failed|0|0|has no trailer"
'

test_expect_success "$format: a record of a type that nobody knows is one reject, whichever resource is named" '
	make_file '$format' <<-\EOF &&
	HDR|20260131
	XXX|secret
	CLM|a|1
	TRL|1|2|4|1
	EOF
	expect_status 1 lk-parse -s '$format'.json f.txt >out && rejects >actual &&
	echo "claims|1|2|is of a type that no resource is for" >expect && test_cmp expect actual &&
	expect_status 1 lk-parse -s '$format'.json --as payments f.txt >out && rejects >actual &&
	echo "payments|1|2|is of a type that no resource is for" >expect && test_cmp expect actual
'

done

test_expect_success 'sums are exact, with many digits and signs on either side' '
	python3 - <<-\EOF &&
	import random
	from decimal import Decimal, getcontext
	getcontext().prec = 60
	random.seed(4)
	total, lines = Decimal(0), []
	for i in range(3000):
	    v = Decimal(random.randrange(-10**20, 10**20)) / 10**random.randrange(0, 9)
	    v = Decimal(format(v, "f"))
	    total += v
	    t = format(v, "f")
	    if i % 3 == 0 and v < 0:
	        t = t[1:] + "-"
	    lines.append("D,%s\n" % t)
	open("s.csv", "w").writelines(lines + ["T,%s\n" % format(total, "f")])
	open("w.csv", "w").writelines(lines + ["T,%s\n" % format(total + Decimal("0.00000001"), "f")])
	EOF
	cat >s.json <<-\EOF &&
	{"resources": [{"name": "s", "path": "*.csv", "dialect": {"header": false}, "format": "csv",
	  "lk": {"record": "D", "trailer": {"type": "T", "sums": {"v": 2}}},
	  "schema": {"fields": [{"name": "t"}, {"name": "v"}]}}]}
	EOF
	lk-parse -s s.json s.csv >out && expect_status 1 lk-parse -s s.json w.csv >out && files | grep -q "says that v adds up to"
'

test_expect_success 'sums of private columns are not shown' '
	sed "s/\"name\": \"v\"/\"name\": \"v\", \"lk\": {\"phi\": \"amount\"}/" s.json >p.json &&
	printf "D,17\nT,4242\n" >p.csv && expect_status 1 lk-parse -s p.json p.csv >out &&
	files >actual && echo "s|ok|1|1|line 2: the trailer has another sum of v than came" >expect && test_cmp expect actual
'

test_expect_success 'plans that cannot be are refused' '
	try() { # SED TEXT
		sed "$1" fixed.json >bad.json && expect_error 78 "$2" lk-parse -s bad.json --check
	}
	try "s/\"type\": \"TRL\", \"count\"/\"count\"/" "resources[0].lk.trailer.type: a trailer needs the type" &&
	try "s/\"count\": \"4:4\"/\"count\": 4/" "resources[0].lk.trailer.count: must be START:WIDTH" &&
	try "s/\"count\"/\"counts\"/" "resources[0].lk.trailer.counts: there is no such property" &&
	try "s/{\"amount\": \"16/{\"amounts\": \"16/" "resources[0].lk.trailer.sums.amounts: there is no such field" &&
	try "s/\"recordType\": \"1:3\", //" "resources[0].lk.recordType: must say where" &&
	try "s/\"header\": \"HDR\",\$//" "resources[0].schema.fields[2].lk.path: the resource has no lk.header" &&
	try "s/header:4:8/header:4-8/" "resources[0].schema.fields[2].lk.path: must be START:WIDTH" &&
	sed "s/header:2/header:x/" csv.json >bad.json &&
	expect_error 78 "resources[0].schema.fields[3].lk.path: must be header: and the number" lk-parse -s bad.json --check
'

test_done
