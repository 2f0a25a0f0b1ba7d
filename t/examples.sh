#!/bin/sh
# What the manual pages show under EXAMPLES is run as it stands there, each in a folder with files of the names that it uses.
. "$(dirname "$0")/test-lib.sh"

# The examples of a page: the lines that are set apart from the text. Those between two lines of text are one script,
# ended by a line `--`. A line for cron is none.
examples_of() { # PAGE
	mandoc -Tascii -O width=200 "$1" | sed "s/.$(printf '\b')//g" | awk '
		/^EXAMPLES/ { on = 1; next }
		/^[^ ]/ { on = 0 }
		!on || /\* \* \*/ { next }
		/^        / { print; open = 1; next }
		/[^ ]/ && open { print "--"; open = 0 }
		END { if (open) print "--" }'
}

make_fixtures() {
	mkdir -p sources landing keys csv &&
		printf '%s\n' '{"name": "clinic", "resources": [' \
			' {"name": "people", "path": ["people*.csv", "drop.csv"], "lk": {"table": "main.people"}, "schema": {"fields": [' \
			'  {"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "born", "type": "date"}]}},' \
			' {"name": "visits", "path": "visits*.csv", "schema": {"fields": [' \
			'  {"name": "person", "type": "integer"}, {"name": "at", "type": "datetime"}]}}]}' >sources/clinic.json &&
		cp sources/clinic.json clinic.json &&
		printf 'id,name,born\n1,Zo\303\253,1969-12-31\n2,Bo,\n' >csv/people.csv &&
		printf 'person,at\n1,2024-01-02T03:04:05\nx,2024-01-02T03:04:05\n' >csv/visits.csv &&
		printf 'id,name,born\n2,Bo,\n3,Al,2001-02-03\n' >drop.csv &&
		cp csv/visits.csv visits.csv && cp csv/people.csv export.csv && cp csv/visits.csv 2026-01.txt &&
		(cd csv && 7z a -tzip ../drop.zip people.csv visits.csv >/dev/null &&
			7z a -tzip ../landing/drop.zip people.csv visits.csv >/dev/null) &&
		echo secret >keys/shared && echo "*.zip shared keys/shared" >keyring && chmod 600 keyring keys/shared &&
		touch -d "1 hour ago" landing/drop.zip &&
		lk-parse -q -s sources drop.csv >a.lk && lk-parse -q -s sources csv/people.csv >b.lk &&
		cp a.lk monday.lk && cp b.lk tuesday.lk &&
		{ lk-unpack drop.zip | lk-parse -q -s sources >rows.lk; [ $? -le 1 ]; } &&
		lk-cat -t main.people -F arrow a.lk >people.arrow && cp a.lk people.lk &&
		{ cat csv/people.csv && echo 7,Ed,; } >people-2025.csv && cp drop.csv people-2026.csv &&
		printf 'facility,mrn,empi_id\nF1,17,1001\n' >empi.csv &&
		lk-query -F arrow "select 'F1' as facility, 1 as bed" | lk-cat --as census >census.lk &&
		lk-parse -q -s sources csv/people.csv csv/visits.csv | lk-commit -q -l lake &&
		mkdir more && printf 'id,name,born\n9,Cy,\n' >more/people.csv &&
		lk-parse -q -s sources more/people.csv | lk-commit -q -l lake && plain labs "select 1 as id, 7.5 as value" &&
		lk-surrogate -q -l lake 'person_sk = patient(id)' <a.lk >/dev/null &&
		lk-branch -l lake review && lk-copy -q --shallow lake trial
}

# A run of the lake that pages name so.
RUN=0b3f9c1d
name_run() {
	run=$(lk-log -l lake -t people -F csv | sed -n 2p | grep -o "[0-9a-f]\{8\}-[0-9a-f]\{4\}-[0-9a-f-]*")
	[ -z "$run" ] || sed -i "s/$RUN/$run/" script
}

plain() { # TABLE SQL
	lk-query -F arrow "$2" | lk-commit -q -l lake --plain --as "$1"
}

# On a terminal, as a reader of the page would. Records are rejected in some of them, which is status 1; anything else is
# wrong, in any part of a pipe.
PAGER=cat MANPAGER=cat
export PAGER MANPAGER
run_script() { # FILE
	cat "$1"
	timeout -k 5 60 script -qec "bash -o pipefail $1" /dev/null >out 2>&1
	rc=$?
	cat out
	[ $rc -le 1 ] || { echo "exit status $rc"; return 1; }
}

run_examples() { # PAGE
	examples_of "$1" >all
	[ -s all ] || { echo "no examples"; return 1; }
	: >script
	while IFS= read -r line; do
		if [ "$line" = -- ]; then
			rm -rf here && tar -xf fixtures.tar && mv script here/ || return 1
			(cd here && name_run && run_script script </dev/null) || { echo "it fails"; return 1; }
			: >script
		else
			printf '%s\n' "$line" >>script
		fi
	done <all
}

# Always in one place, as a lake knows where it is.
test_expect_success 'the files that the examples use' '
	mkdir here && cd here && make_fixtures && cd .. && tar -cf fixtures.tar here
'

for page in "$LK_TOP"/man/*.1; do
	name=$(basename "$page" .1)
	test_expect_success "the examples of $name" 'run_examples "$page"'
done

test_done
