#!/bin/sh
# The main paths, each once, for scripts/valgrind: the tools on the PATH are wrappers that run them under it. A tool in whose
# run valgrind finds a fault ends with 99.
. "$(dirname "$0")/../test-lib.sh"

mkdir -p drop sources
cat >sources/clinic.json <<-'END'
	{"name": "clinic", "resources": [
	  {"name": "people", "path": "people*.csv", "schema": {"fields": [
	    {"name": "Id", "type": "integer"}, {"name": "Name", "type": "string"}, {"name": "Born", "type": "date"},
	    {"name": "Cost", "type": "number", "lk": {"decimal": [12, 2]}}, {"name": "Seen", "type": "datetime"}]}},
	  {"name": "notes", "path": "*.xml", "lk": {"record": "/notes/note"}, "schema": {"fields": [
	    {"name": "id", "type": "integer", "lk": {"path": "@id"}}, {"name": "text", "type": "string", "lk": {"path": "text"}}]}},
	  {"name": "results", "path": "*.hl7", "format": "hl7", "lk": {"record": "OBX"}, "schema": {"fields": [
	    {"name": "OBX-5", "type": "integer"}, {"name": "PID-3.1"}]}},
	  {"name": "codes", "path": "*.fix", "format": "fixed", "schema": {"fields": [
	    {"name": "code", "lk": {"path": "1:3"}}, {"name": "n", "type": "integer", "lk": {"path": "4:5"}}]}},
	  {"name": "visits", "path": "*.jsonl", "format": "jsonl", "schema": {"fields": [
	    {"name": "id"}, {"name": "n", "type": "integer", "lk": {"path": "/at/0"}}]}}]}
END
printf 'MSH|^~\\&|A\rPID|1||p^^^x\rOBX|1|NM|c||1\rOBX|2|NM|c||\\X32\\\rOBX|3|NM|c||x\r' >drop/lab.hl7
printf 'abc 1\nde  x\nfgh12\n' >drop/codes.fix
printf '{"id": "\\u00e4", "at": [1, 2]}\n{"at": ["x"]}\n{"id": [1}\n' >drop/visits.jsonl
printf 'Id,Name,Born,Cost,Seen\n1,Zo\303\253,1969-12-31,12.50,1969-12-31T23:59:59.9\n2,"a ""quoted""\nname",,,\nx,bad,,,\n' >drop/people.csv
printf '<notes><note id="1"><text>one &amp; more</text></note><note id="2"/><note id="y"/></notes>' >drop/notes.xml
echo secret >pass && chmod 600 pass

test_expect_success 'archives become members' '
	(cd drop && 7z a -tzip -mem=AES256 -psecret ../aes.zip people.csv notes.xml >/dev/null &&
		7z a -tzip -mem=ZipCrypto -psecret ../crypto.zip people.csv >/dev/null && tar -czf ../plain.tar.gz people.csv) &&
	lk-unpack --passphrase-file pass aes.zip crypto.zip plain.tar.gz drop/notes.xml drop/lab.hl7 drop/codes.fix drop/visits.jsonl >members.lk &&
	lk-unpack --list --passphrase-file pass aes.zip >/dev/null
'
test_expect_success 'members become rows' '
	lk-parse -s sources <members.lk >rows.lk; rc=$?; [ $rc -le 1 ]
'
test_expect_success 'what was done with them is explained' '
	for file in drop/*; do lk-parse -s sources --explain $file >/dev/null; rc=$?; [ $rc -le 1 ] || return 1; done
'
test_expect_success 'rejects are read again, by a package that takes more' '
	mkdir mended && sed "s/\"Id\", \"type\": \"integer\"/\"Id\"/" sources/clinic.json >mended/clinic.json &&
	lk-cat -F arrow -t lk.rejects rows.lk | lk-cat --as quarantine.rejects >rejects.lk &&
	{ lk-parse -s mended --replay <rejects.lk >again.lk; [ $? = 1 ]; } &&
	[ "$(lk-cat -t people -F csv again.lk | grep -c "^x,bad,")" = 3 ] &&
	lk-cat -t lk.replayed --count again.lk | grep -q "^lk.replayed,[1-9]"
'
test_expect_success 'packages are drafted of samples' '
	at_most_1() { "$@"; [ $? -le 1 ]; } &&
	for file in people.csv codes.fix visits.jsonl; do
		at_most_1 lk-infer -o draft.json drop/$file && at_most_1 lk-infer --update draft.json -o draft.json drop/$file || return 1
	done &&
	at_most_1 lk-infer --report <members.lk >/dev/null
'
test_expect_success 'rows are shown' '
	for format in table csv tsv json markdown; do lk-cat -t people -F $format <rows.lk >/dev/null || return 1; done &&
	lk-cat --schema <rows.lk >/dev/null && lk-cat --count <rows.lk >/dev/null && lk-cat -t people -F arrow <rows.lk >/dev/null
'
test_expect_success 'rows are committed, and staged and committed' '
	lk-commit -q -l lake <rows.lk && lk-commit -q -l lake <rows.lk &&
	lk-commit -q -l lake2 --stage stage <rows.lk && lk-commit -q -l lake2 --staged stage
'
test_expect_success 'what is broken is refused' '
	head -c 1000 rows.lk >cut && for reader in lk-cat "lk-commit -l lake"; do
		$reader <cut >/dev/null 2>&1; rc=$?; [ $rc = 65 ] || [ $rc = 74 ] || return 1
	done &&
	head -c 300 aes.zip >cut.zip && { lk-unpack --passphrase-file pass cut.zip >/dev/null 2>&1; rc=$?; [ $rc != 99 ] && [ $rc -lt 128 ]; } &&
	printf "wrong\n" >wrong && chmod 600 wrong && { lk-unpack --passphrase-file wrong aes.zip >/dev/null 2>&1; rc=$?; [ $rc != 99 ] && [ $rc -lt 128 ]; }
'

test_done
