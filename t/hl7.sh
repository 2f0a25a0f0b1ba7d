#!/bin/sh
# HL7 v2 by messages of our own: delimiters, line ends, envelopes, paths, what belongs to what, escapes, odd ones.
. "$(dirname "$0")/test-lib.sh"

# package NAME RECORD PATH...: a package of one resource with a column for each path; PATH=JOIN where it takes several.
package() {
	name=$1 record=$2
	shift 2
	{
		printf '{"name": "p", "resources": [{"name": "%s", "path": "*", "format": "hl7v2", "lk": {"record": "%s"},\n' \
			"$name" "$record"
		printf '"schema": {"fields": ['
		n=0
		for p; do
			n=$((n + 1))
			[ $n = 1 ] || printf ',\n'
			printf '{"name": "v%d", "lk": {"path": "%s"' $n "${p%%=*}"
			case $p in *=*) printf ', "join": "%s"' "${p#*=}" ;; esac
			printf '}}'
		done
		printf ']}}]}\n'
	} >"$name.json"
}

# show NAME FILE: the columns of its table, tab-separated, without lk's own.
show() {
	lk-parse -s "$1.json" "$2" >"$1.lk" 2>summary || cat summary
	lk-cat -t "$1" -F tsv "$1.lk" | sed 1d | sed -E 's/\t[^\t]*\t[0-9]*$//'
}

warnings() {
	lk-cat -t lk.files -F json "$1.lk" | sed -E 's/.*"warning":("([^"]*)"|null).*/\2/'
}

message() {
	printf 'MSH|^~\\&|APP^1.2^ISO|FAC|R|RF|20260131||ORU^R01^ORU_R01|M1|P|2.5.1\r'
	printf 'PID|1||4711^^^A&1.3&ISO^MR~0815^^^B^SS~""^x||Eve&von^Adam^""||19700101|F\r'
	printf 'OBR|1||77|24^Panel^LN\rOBX|1|NM|a^A^LN||5|mg\rNTE|1||first\rNTE|2||second\r'
	printf 'OBX|2|ST|b^B^LN||x~y~~z||""\rOBR|2||78|25^Other^LN\rNTE|1||of the order\rOBX|1|TX|c||t\rZXX|zed^1\r'
}

test_expect_success 'paths of a message' '
	package m MSH MSH-1 MSH-2 MSH-3 MSH-3.2 MSH-9.1 MSH-9.2 MSH-10 PID-3 PID-3.1 "PID-3[2].1" PID-3.4.1 "PID-3[1].4.2" &&
	message >a.hl7 && show m a.hl7 >actual &&
	printf "%s\t" "|" "^~\\\\&" "APP^1.2^ISO" 1.2 ORU R01 M1 "4711^^^A&1.3&ISO^MR" 4711 0815 A 1.3 | sed "s/\t$//" >expect &&
	echo >>expect && test_cmp expect actual
'

test_expect_success 'nothing is where nothing stands; quotes alone are null; a whole is its own first part' '
	package n MSH PID-3.9 PID-3[4] PID-99 PV1-2 PID-5.3 "PID-3[3].1" PID-5.1 PID-5.1.1 PID-5.1.2 PID-7.1.1 &&
	show n a.hl7 >actual &&
	printf "\t\t\t\t\t\tEve&von\tEve\tvon\t19700101\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'several values are joined' '
	package j MSH "PID-3[*].1=;" "OBX[*]-3.1=," "OBX[*]-5[*]=/" "OBX[2]-5" "OBX[2]-5[*]=+" "OBX[9]-5" "PID-9[*]=," "ZXX-1.2" &&
	show j a.hl7 >actual &&
	printf "4711;0815;\ta,b,c\t5/x/y//z/t\tx\tx+y++z\t\t\t1\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'a record of a segment has its parents, and what belongs to it' '
	package o OBX message:number segment:number OBX-3.1 OBR-3 OBR-4.2 PID-3.1 MSH-10 "NTE[*]-3=; " NTE-3 ZXX-1.1 &&
	show o a.hl7 >actual &&
	printf "1\t1\ta\t77\tPanel\t4711\tM1\tfirst; second\tfirst\t\n1\t2\tb\t77\tPanel\t4711\tM1\t\t\t\n" >expect &&
	printf "1\t3\tc\t78\tOther\t4711\tM1\t\t\tzed\n" >>expect &&
	test_cmp expect actual
'

test_expect_success 'a record of an order has its results, and its own notes only' '
	package r OBR OBR-3 "OBX[*]-3.1=," "OBX[2]-3.1" NTE-3 PID-3.1 message:segments &&
	show r a.hl7 >actual &&
	printf "77\ta,b\tb\t\t4711\t11\n78\tc\t\tof the order\t4711\t11\n" >expect &&
	test_cmp expect actual
'

# The result before any order has none; the second patient has no visit; an order of another kind is not the one before.
test_expect_success 'nobody has what is another one'\''s' '
	printf "MSH|^~\\\\&|A|B|||1||ORU^R01|1|P|2.5\rPID|1||p1\rPV1|1|I\rOBX|1|NM|own||1\rORC|1|o1\rOBR|1||f1\rOBX|1|NM|r1||1\r" >b.hl7 &&
	printf "ORC|1|o2\rRXA|0\rOBX|1|NM|vaccine||1\rPID|2||p2\rOBR|1||f2\rOBX|1|NM|r2||1\r" >>b.hl7 &&
	package k OBX OBX-3 PID-3 PV1-2 ORC-2 OBR-3 RXA-1 &&
	show k b.hl7 >actual &&
	printf "own\tp1\tI\t\t\t\nr1\tp1\tI\to1\tf1\t\nvaccine\tp1\tI\to2\t\t0\nr2\tp2\t\t\tf2\t\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'a specimen after its results, and one before its orders' '
	printf "MSH|^~\\\\&|A|B|||1||ORU^R01|1|P|2.5.1\rPID|1\rORC|RE|o1\rOBR|1\rOBX|1|NM|a\rOBX|2|NM|b\rSPM|1|||blood\rOBX|1|NM|of it\rORC|RE|o2\rOBR|2\rOBX|1|NM|c\r" >c.hl7 &&
	printf "MSH|^~\\\\&|A|B|||1||OUL^R22|2|P|2.5.1\rPID|1\rSPM|1|||urine\rOBX|1|ST|x\rOBR|1\rORC|1|o3\rOBX|1|NM|d\rSPM|2|||hair\rOBR|2\rOBX|1|NM|e\r" >>c.hl7 &&
	package s OBX OBX-3 SPM-4 OBR-1 ORC-2 &&
	show s c.hl7 >actual &&
	printf "a\tblood\t1\to1\nb\tblood\t1\to1\nof it\tblood\t1\to1\nc\t\t2\to2\n" >expect &&
	printf "x\turine\t\t\nd\turine\t1\to3\ne\thair\t2\t\n" >>expect &&
	test_cmp expect actual
'

test_expect_success 'patients, visits and what hangs on them' '
	printf "MSH|^~\\\\&|A|B|||1||ADT^A40|1|P|2.5\rEVN|A40\rPID|1||p1\rPD1|x1\rMRG|m1\rNK1|1|kin\rPV1|1|O\rPV2|y1\rDG1|1||d1\rDG1|2||d2\rNTE|1||n2\rIN1|1|i1\rIN2|s1\rIN1|2|i2\rPID|2||p2\rMRG|m2\r" >d.hl7 &&
	package pid PID PID-3 MRG-1 PV1-2 PV2-1 EVN-1 PD1-1 "DG1[*]-3=," NTE-3 && show pid d.hl7 >actual &&
	package pv1 PV1 PID-3 PD1-1 PV2-1 "DG1[*]-3=," && show pv1 d.hl7 >>actual &&
	package in1 IN1 PID-3 PV1-2 IN1-2 IN2-1 && show in1 d.hl7 >>actual &&
	package nk1 NK1 NK1-2 PID-3 PV1-2 && show nk1 d.hl7 >>actual &&
	package dg1 DG1 DG1-3 NTE-3 PV2-1 && show dg1 d.hl7 >>actual &&
	package pd1 PD1 PD1-1 PID-3 PV1-2 && show pd1 d.hl7 >>actual &&
	cat >expect <<-\EOF &&
	p1,m1,O,y1,A40,x1,d1,d2,
	p2,m2,,,A40,,,
	p1,x1,y1,d1,d2
	p1,O,i1,s1
	p1,O,i2,
	kin,p1,O
	d1,,y1
	d2,n2,y1
	x1,p1,O
	EOF
	tr "\t" , <actual | test_cmp expect -
'

test_expect_success 'line ends of all kinds, blank lines, marks and blocks' '
	printf "\357\273\277\n\013MSH|^~\\\\&|A||||1||ADT^A01|1|P|2.5\r\nPID|1||a\n\n  \nPV1|1|I\r\034\r\013MSH|^~\\\\&|A||||1||ADT^A01|2|P|2.5\rPID|1||b\r\034\r\n\357\273\277MSH|^~\\\\&|A||||1||ADT^A01|3|P|2.5\nPID|1||c" >e.hl7 &&
	package e MSH MSH-10 PID-3 PV1-2 message:segments && show e e.hl7 >actual &&
	printf "1\ta\tI\t3\n2\tb\t\t2\n3\tc\t\t2\n" >expect &&
	test_cmp expect actual && test -z "$(warnings e)"
'

test_expect_success 'delimiters are those of each message' '
	printf "MSH|^~\\\\&#|A|||||||1\rPID|1||a^b&c\nMSH\$%%*@+\$A\$\$\$\$\$\$\$2\rPID\$1\$\$a%%b+c|d*e\nMSH|:|A|||||||3\rPID|1||a:b&c~d\\\\T\\\\\n" >f.hl7 &&
	package f MSH MSH-1 MSH-2 MSH-10 PID-3 PID-3.1 PID-3.2.1 PID-3.2 && show f f.hl7 >actual &&
	cat >expect <<-\EOF &&
	|	^~\\&#	1	a^b&c	a	b	b&c
	$	%*@+	2	a%b+c|d	a	b	b+c|d
	|	:	3	a:b&c~d\\T\\	a	b&c~d\\T\\	b&c~d\\T\\
	EOF
	test_cmp expect actual
'

test_expect_success 'messages whose delimiters are none are rejects, and the next ones are read' '
	printf "MSH|&&&&|A\rPID|1\rMSH||A\rMSH|^~\\\\&#!|A\rMSH|^a|A\rMSH|^~\\\\&|||||||ADT|5|P|2.5\r" >g.hl7 &&
	package g MSH MSH-10 && show g g.hl7 >actual &&
	grep -q "4 records rejected, 0 files failed, 0 unmatched; 1 rows" actual && grep -qx 5 actual &&
	lk-cat -t lk.rejects -F csv g.lk | cut -d, -f6,7,9- | sed 1d | tr -d "\"" >rejects &&
	cat >expect <<-\EOF &&
	1,1,delimiters: the characters of MSH-1 and MSH-2 are not distinct,MSH|&&&&|A\rPID|1\r
	2,3,delimiters: MSH-2 is empty,MSH||A\r
	3,4,delimiters: MSH-2 has more than 5 characters,MSH|^~\&#!|A\r
	4,5,delimiters: MSH-2 has a character that is no punctuation,MSH|^a|A\r
	EOF
	lk-cat -t lk.rejects -F json g.lk | python3 -c "
import json, sys
for line in sys.stdin:
    o = json.loads(line)
    print(o[\"record\"], o[\"line\"], o[\"reason\"], o[\"raw\"].replace(chr(13), \"\\\\r\"), sep=\",\")" >actual &&
	test_cmp expect actual
'

test_expect_success 'escapes' '
	cat >h.hl7 <<-\EOF &&
	MSH|^~\&|A|||||||1
	OBX|1|ST|||a\F\b\S\c\T\d\R\e\E\f
	OBX|2|ST|||\H\bold\N\ x\.br\y\.sp+2\z\.in+4\\.sk 3\\.sk3\w\.fi\\.ce\v
	OBX|3|ST|||\X41\\Xc3a9\ \XE9\ \X00\ \X4\ \X\ \XGG\
	OBX|4|ST|||C:\temp\F\x \Z12\ \M2422\ \q\ end\
	OBX|5|CE|||a\T\b^c\S\d\F\e^f&g
	OBX|6|ST|||\\ \E\E\E\ \E\F\E\
	EOF
	package h OBX OBX-5 OBX-5.1 OBX-5.2 OBX-5.3 OBX-5.3.1 && lk-parse -s h.json h.hl7 | lk-cat -t h -F json |
		python3 -c "
import json, sys
for line in sys.stdin:
    o = json.loads(line)
    print(json.dumps([o[\"v%d\" % n] for n in range(1, 6)], ensure_ascii=False))" >actual &&
	cat >expect <<-\EOF &&
	["a|b^c&d~e\\f", "a|b^c&d~e\\f", null, null, null]
	["bold x\ny\n\nz\\.sk 3\\   w\nv", "bold x\ny\n\nz\\.sk 3\\   w\nv", null, null, null]
	["Aé \\XE9\\ \\X00\\ \\X4\\ \\X\\ \\XGG\\", "Aé \\XE9\\ \\X00\\ \\X4\\ \\X\\ \\XGG\\", null, null, null]
	["C:\\temp|x \\Z12\\ \\M2422\\ \\q\\ end\\", "C:\\temp|x \\Z12\\ \\M2422\\ \\q\\ end\\", null, null, null]
	["a\\T\\b^c\\S\\d\\F\\e^f&g", "a&b", "c^d|e", "f&g", "f"]
	["\\\\ \\E\\ \\F\\", "\\\\ \\E\\ \\F\\", null, null, null]
	EOF
	test_cmp expect actual
'

test_expect_success 'envelopes are in no message, and their counts are checked' '
	printf "FHS|^~\\\\&|A\rBHS|^~\\\\&|A\rMSH|^~\\\\&|||||||ADT|1|P|2.5\rPID|1\rMSH|^~\\\\&|||||||ADT|2|P|2.5\rBTS|2\rBHS|^~\\\\&\rMSH|^~\\\\&|||||||ADT|3|P|2.5\rBTS|1|x\rFTS|2\r" >i.hl7 &&
	package i MSH MSH-10 message:segments && show i i.hl7 >actual &&
	printf "1\t2\n2\t1\n3\t1\n" >expect && test_cmp expect actual && test -z "$(warnings i)" &&
	sed "s/BTS|2/BTS|5/; s/FTS|2/FTS|1/" i.hl7 >i2.hl7 && show i i2.hl7 >actual && test_cmp expect actual &&
	echo "1 batch said to hold another number of messages (BTS-1): 5, not 2, on line 6; 1 file said to hold another number of batches (FTS-1): 1, not 2, on line 10" >expect &&
	warnings i >actual && test_cmp expect actual &&
	printf "FHS|^~\\\\&|A\rBHS|^~\\\\&|A\rBTS|0\rFTS|1\r" >i3.hl7 && show i i3.hl7 >actual && test ! -s actual && test -z "$(warnings i)"
'

test_expect_success 'lines that are no segments are told, and those within a message kept' '
	printf "junk\nmore\nMSH|^~\\\\&|||||||ADT|1|P|2.5\nPID|1\na line\nPIDX|1\nPV1\nBTS|1\nafter\n" >l.hl7 &&
	package l MSH MSH-10 message:segments message:others && show l l.hl7 >actual &&
	printf "1\t3\ta line\\\\nPIDX|1\n" >expect && test_cmp expect actual &&
	echo "3 lines outside of messages were skipped, the first on line 1; 2 lines within messages are no segments, the first on line 3" >expect &&
	warnings l >actual && test_cmp expect actual
'

test_expect_success 'odd headers are told' '
	printf "MSH|^~\\\\&|A\nMSH|^~\\\\&|||||||ADT|7|P|2.3.z\nMSH|^~\\\\&|||||||ADT|7|P|2.3\n" >q.hl7 &&
	package q MSH MSH-9.1 MSH-10 MSH-12 && show q q.hl7 >actual &&
	printf "\t\t\nADT\t7\t2.3.z\nADT\t7\t2.3\n" >expect && test_cmp expect actual &&
	echo "line 1: 1 message has no type (MSH-9); line 1: 1 message has no control id (MSH-10); line 1: 1 message has no version (MSH-12); line 2: 1 message has a version (MSH-12) that is none of the standard'\''s; line 3: 1 message has the control id (MSH-10) of one before it" >expect &&
	warnings q >actual && test_cmp expect actual
'

test_expect_success 'character sets by MSH-18' '
	printf "MSH|^~\\\\&|||||||ADT|1|P|2.5||||||8859/1\nPID|1||\351\344|x\nMSH|^~\\\\&|||||||ADT|2|P|2.5||||||UNICODE UTF-8\nPID|1||\303\251|x\n" >u.hl7 &&
	printf "MSH|^~\\\\&|||||||ADT|3|P|2.5||||||8859/1\nPID|1||\303\251|x\nMSH|^~\\\\&|||||||ADT|4|P|2.5||||||ASCII\nPID|1||\351|x\n" >>u.hl7 &&
	printf "MSH|^~\\\\&|||||||ADT|5|P|2.5||||||GB 18030-2000\nPID|1||\316\322|x\nfree \316\322\n" >>u.hl7 &&
	package u MSH MSH-10 PID-3 PID-4 message:others && show u u.hl7 >actual &&
	printf "1\téä\tx\t\n2\té\tx\t\n3\té\tx\t\n5\t我\tx\tfree 我\n" >expect &&
	grep -v "^lk-parse" actual | test_cmp expect - &&
	lk-cat -t lk.rejects -F json u.lk >rejects && grep -q "v2.*is not UTF-8" rejects && test $(wc -l <rejects) = 1 &&
	warnings u | grep -q "line 7: 1 message is not UTF-8, and names a character set (MSH-18) that is not known"
'

# Each record once as it is and once as a reject that is read again, by a package in which it fits.
test_expect_success 'rejects are read again where they were' '
	printf "MSH|^~\\\\&|||||||ADT|first|P|2.5\rPID|1||no\r" >again.hl7 && message >>again.hl7 && cat c.hl7 d.hl7 >>again.hl7 &&
	for record in MSH OBX PID PV1 IN1 NK1 DG1
	do
		package z $record message:number segment:number MSH-10 EVN-1 PID-3.1 PD1-1 PV1-2 PV2-1 OBR-3 ORC-2 SPM-4 IN2-1 "NTE[*]-3=; " &&
		sed "s/\"v2\", \"lk\": {/\"v2\", \"type\": \"boolean\", \"lk\": {/; s/segment:number/MSH-9.1/; s/\"name\": \"p\"/\"name\": \"q\"/" z.json >fails.json &&
		sed "s/\"name\": \"p\"/\"name\": \"q\"/" z.json >works.json &&
		lk-parse -q -s works.json again.hl7 | lk-cat -t z -F csv >expect && rm -rf lake &&
		{ lk-parse -q -s fails.json again.hl7; true; } >fails.lk 2>/dev/null && lk-commit -q -l lake --schema add <fails.lk &&
		lk-query -l lake -F arrow "select * from quarantine.rejects order by record" | lk-parse -s works.json --replay >again.lk &&
		lk-cat -t z -F csv again.lk >actual && test $(wc -l <actual) -gt 1 && test_cmp expect actual || return 1
	done
'

test_expect_success 'content tells, not the name' '
	package z MSH MSH-10 && printf "a,b\n1,2\n" >plain.hl7 && printf "x\ny\rMSH|^~\\\\&|||||||ADT|1|P|2.5\n" >late.csv &&
	expect_status 1 lk-parse -s z.json plain.hl7 late.csv >z.lk 2>summary && lk-cat -t lk.files -F csv z.lk >files &&
	grep "plain.hl7.*unmatched,.no resource takes it: no line begins a message" files && grep "late.csv.*,1,1,0,ok," files &&
	expect_status 1 lk-parse -s z.json --as z plain.hl7 >z.lk && lk-cat -t lk.files -F csv z.lk | grep "failed,.no line begins"
'

test_expect_success 'a message that is too long, or has too many segments, is a reject, and the next is read' '
	package x MSH MSH-10 OBX-5 &&
	{
		printf "MSH|^~\\\\&|||||||ADT|1|P|2.5\nOBX|1|TX|||" && head -c 18000000 /dev/zero | tr "\0" x &&
		printf "\nOBX|2\nMSH|^~\\\\&|||||||ADT|2|P|2.5\nOBX|1|TX|||b\n" &&
		printf "MSH|^~\\\\&|||||||ADT|3|P|2.5\n" && yes "OBX|1" | head -n 1000001 &&
		printf "MSH|^~\\\\&|||||||ADT|4|P|2.5\n" && yes "OBX|1|TX|||0123456789" | head -n 900000 &&
		printf "MSH|^~\\\\&|||||||ADT|5|P|2.5\nOBX|1|TX|||e\n"
	} >x.hl7 &&
	(limit_memory 400000 && show x x.hl7) >actual && cat actual &&
	printf "2\tb\n5\te\n" >expect && grep -v "^lk-parse" actual | test_cmp expect - &&
	lk-cat -t lk.rejects -F json x.lk | sed -E "s/.*\"record\":([0-9]*),\"line\":([0-9]*).*\"reason\":\"([^\"]*)\".*/\1 \2 \3/" >actual &&
	cat >expect <<-\EOF &&
	1 1 is longer than 16 MiB
	3 6 has more than 1,000,000 segments
	4 1000008 is longer than 16 MiB
	EOF
	test_cmp expect actual
'

test_expect_success 'wrong paths are refused, with their place' '
	for p in PID "PID-" PID-0 pid-3 PID-3.0 PID-3.1.2.3 "PID-3[0]" "PID-3[1" PID-1000 "PID 3" PIDD-3 "OBX[]-5" message:nothing
	do
		package bad MSH "$p" && expect_error 78 "is not an HL7 path" lk-parse --check -s bad.json || return 1
	done &&
	package bad MSH "OBX[*]-5" && expect_error 78 "lk.join must say what goes between them" lk-parse --check -s bad.json &&
	package bad MSH "PID-3=," && expect_error 78 "schema.fields[0].lk.join: '\''PID-3'\'' takes one value" lk-parse --check -s bad.json &&
	package bad MSH "MSH-2.1" && expect_error 78 "are delimiters and have no parts" lk-parse --check -s bad.json &&
	package bad obx "OBX-5" && expect_error 78 "lk.record: '\''obx'\'' is not the name of a segment" lk-parse --check -s bad.json
'

test_done
