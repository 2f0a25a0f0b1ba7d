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
	    {"name": "id", "type": "integer", "lk": {"path": "@id"}}, {"name": "text", "type": "string", "lk": {"path": "text"}}]}}]}
END
printf 'Id,Name,Born,Cost,Seen\n1,Zo\303\253,1969-12-31,12.50,1969-12-31T23:59:59.9\n2,"a ""quoted""\nname",,,\nx,bad,,,\n' >drop/people.csv
printf '<notes><note id="1"><text>one &amp; more</text></note><note id="2"/><note id="y"/></notes>' >drop/notes.xml
echo secret >pass && chmod 600 pass

test_expect_success 'archives become members' '
	(cd drop && 7z a -tzip -mem=AES256 -psecret ../aes.zip people.csv notes.xml >/dev/null &&
		7z a -tzip -mem=ZipCrypto -psecret ../crypto.zip people.csv >/dev/null && tar -czf ../plain.tar.gz people.csv) &&
	lk-unpack --passphrase-file pass aes.zip crypto.zip plain.tar.gz drop/notes.xml >members.lk &&
	lk-unpack --list --passphrase-file pass aes.zip >/dev/null
'
test_expect_success 'members become rows' '
	lk-parse -s sources <members.lk >rows.lk; rc=$?; [ $rc -le 1 ]
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
