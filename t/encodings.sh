#!/bin/sh
# Text in other encodings than UTF-8: declared, told by the file itself, mixed within one file, and wrong.
. "$(dirname "$0")/test-lib.sh"

package() { # PROPERTIES [FIELDS]
	cat >x.json <<-EOP
	{"name": "x", "resources": [{"name": "x", "path": "x*", $1 "schema": {"fields": [${2-"{\"name\": \"a\"}, {\"name\": \"b\"}"}]}}]}
	EOP
}

# Rows without lk's own columns, rejects and the file's warning.
read_text() { # STATUS
	expect_status "$1" lk-parse -s x.json x.csv >out.lk &&
		lk-cat -F csv -t x out.lk | sed 's/,x\.csv@[0-9a-f]*!x\.csv,[0-9]*$//; s/,lk_file,lk_row$//' >actual &&
		lk-cat -F csv -t lk.rejects out.lk | python3 -c 'import csv, sys
for r in csv.DictReader(sys.stdin):
    print(r["record"], r["field"], r["reason"], sep=": ")' >>actual &&
		lk-cat -F csv -t lk.files out.lk | python3 -c 'import csv, sys
for r in csv.DictReader(sys.stdin):
    print("warning:" + (" " if r["warning"] else "") + r["warning"])' >>actual
}

test_expect_success 'a declared encoding is decoded, names and rest with it' '
	printf "a,ü,€\nGrün,Ærø,“x”\nplain,,\n" >utf8 &&
	cat >expect <<-\EOF_ &&
	a,b,lk_rest
	Grün,Ærø,"{""€"":""“x”""}"
	plain,,
	warning:
	EOF_
	for encoding in windows-1252 cp1252 UTF-16 utf-16le utf_16_be utf-32; do
		package "\"encoding\": \"$encoding\", \"lk\": {\"rest\": true}," "{\"name\": \"a\"}, {\"name\": \"ü\", \"lk\": {\"column\": \"b\"}}" &&
		iconv -f utf-8 -t "$(echo $encoding | sed s/utf_16_be/utf-16be/)" utf8 >x.csv &&
		read_text 0 && sed "s/,x.csv@[^,]*,[0-9]*//; s/,lk_file,lk_row//" actual >rows &&
		test_cmp expect rows || return 1
	done
'

test_expect_success 'wide text without a mark is told by its NUL bytes, and a mark is always believed' '
	printf "a,b\nGrün,1\n" >utf8 && printf "a,b\nGrün,1\nwarning:\n" >expect &&
	package "\"lk\": {\"encodings\": [\"utf-16\", \"utf-8\", \"windows-1252\"]}," &&
	for encoding in utf-16le utf-16be utf-16 utf-8; do
		iconv -f utf-8 -t $encoding utf8 >x.csv && read_text 0 && test_cmp expect actual || return 1
	done &&
	package "\"encoding\": \"windows-1252\"," && { printf "\357\273\277"; cat utf8; } >x.csv && read_text 0 && test_cmp expect actual &&
	package "\"encoding\": \"utf-16be\"," && { printf "\377\376"; iconv -f utf-8 -t utf-16le utf8; } >x.csv && read_text 0 && test_cmp expect actual
'

test_expect_success 'each value is read by the first encoding that it is valid in' '
	package "\"lk\": {\"encodings\": [\"utf-8\", \"windows-1252\"]}," &&
	printf "a,b\nGr\303\274n,Gr\374n\n\200,plain\n\201,\n" >x.csv &&
	read_text 1 &&
	cat >expect <<-\EOF_ &&
	a,b
	Grün,Grün
	€,plain
	3: a: is not UTF-8
	warning: 2 values hold bytes that are not UTF-8, read as windows-1252
	EOF_
	test_cmp expect actual &&
	package "\"lk\": {\"encodings\": [\"utf-8\", \"windows-1252\", \"iso-8859-1\"]}," && read_text 0 &&
	printf "warning: 2 values hold bytes that are not UTF-8, read as windows-1252; 1 value holds bytes that are not UTF-8, read as iso-8859-1\n" >expect &&
	tail -n 1 actual | test_cmp expect - &&
	package "\"lk\": {\"encodings\": [\"windows-1252\", \"iso-8859-1\"]}," && read_text 0 &&
	printf "warning: 1 bytes are not windows-1252, read as iso-8859-1\n" >expect &&
	tail -n 1 actual | test_cmp expect -
'

test_expect_success 'wrong bytes reject their record, or are replaced, and are counted' '
	printf "a,b\n1,x\377y\n2,\000\n3,\303\n4,z\n" >x.csv &&
	package "" && read_text 1 &&
	cat >expect <<-\EOF_ &&
	a,b
	4,z
	1: b: is not UTF-8
	2: b: holds a NUL byte
	3: b: is not UTF-8
	warning:
	EOF_
	test_cmp expect actual &&
	package "\"lk\": {\"wrongBytes\": \"replace\"}," && read_text 0 &&
	cat >expect <<-\EOF_ &&
	a,b
	1,x�y
	2,�
	3,�
	4,z
	warning: 3 values hold bytes that are not UTF-8, or NUL, replaced by U+FFFD
	EOF_
	test_cmp expect actual
'

test_expect_success 'a lone surrogate rejects its record, not the file' '
	{ printf "a,b\n1,x" | iconv -f utf-8 -t utf-16le; printf "\000\330"; printf "y\n2,z\n3," | iconv -f utf-8 -t utf-16le; printf "q"; } >x.csv &&
	package "\"encoding\": \"utf-16le\"," && read_text 1 &&
	cat >expect <<-\EOF_ &&
	a,b
	2,z
	1: b: holds bytes that are no text
	3: b: holds bytes that are no text
	warning: 2 sequences of bytes are not UTF-16LE
	EOF_
	test_cmp expect actual &&
	package "\"encoding\": \"utf-16le\", \"lk\": {\"wrongBytes\": \"replace\"}," && read_text 0 &&
	printf "a,b\n1,x�y\n2,z\n3,�\nwarning: 2 sequences of bytes are not UTF-16LE, replaced by U+FFFD\n" >expect && test_cmp expect actual
'

test_expect_success 'encodings that are wrong are refused with their place' '
	package "\"encoding\": \"utf-9\"," && expect_error 78 "resources[0].encoding: '\''utf-9'\'' is no encoding" lk-parse --check -s x.json &&
	package "\"encoding\": \"utf-8//TRANSLIT\"," && expect_error 78 "is no encoding" lk-parse --check -s x.json &&
	package "\"lk\": {\"encodings\": [\"utf-8\", \"UTF8\"]}," && expect_error 78 "resources[0].lk.encodings[1]: '\''UTF8'\'' stands twice" lk-parse --check -s x.json &&
	package "\"encoding\": \"utf-8\", \"lk\": {\"encodings\": [\"utf-8\"]}," && expect_error 78 "stands instead of encoding" lk-parse --check -s x.json &&
	package "\"lk\": {\"wrongBytes\": \"drop\"}," && expect_error 78 "wrongBytes: '\''drop'\'' is none of reject, replace" lk-parse --check -s x.json
'

test_done
