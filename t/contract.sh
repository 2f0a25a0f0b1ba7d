#!/bin/sh
# What every tool does alike (design: exit statuses, messages, help): each tool in build/bin is held to it, so a new tool
# is covered the day it is built. What only a tool knows, how to make it fail or speak, is a row in the tables below.
. "$(dirname "$0")/test-lib.sh"

tools=$(cd "$LK_BUILD/bin" && ls)
have() { [ -x "$LK_BUILD/bin/$1" ]; }

# Inputs for those rows, made by the tools themselves.
mkdir -p landing sources
printf 'Id,Name,Born\n1,Zo\303\253,1969-12-31\n2,Bo,2001-02-03\n' >people.csv
cp people.csv landing/people.csv
: >regular
cat >sources/people.json <<-'END'
	{"name": "people", "resources": [{"name": "people", "path": "people*.csv", "schema": {"fields": [
	  {"name": "Id", "type": "integer"}, {"name": "Name", "type": "string"}, {"name": "Born", "type": "date"}]}}]}
END
if have lk-unpack && have lk-parse; then
	test_expect_success 'a stream and a lake to try the tools on' '
		lk-unpack landing/people.csv >members.lk &&
		lk-parse -s sources <members.lk >rows.lk &&
		{ ! have lk-commit || lk-commit -q -l lake <rows.lk; }
	'
fi

# Runs a command line of the tables below; what it prints is in out and err, its status in rc.
run_row() {
	rm -f out err
	sh -c "$1" >out 2>err </dev/null
	rc=$?
}

# The message: one line `NAME: ...` that holds the text, and for misuse a hint at --help after it.
said() { # NAME TEXT
	cat err
	head -n 1 err | grep -q "^$1: ." || { echo "the message does not begin with '$1: '"; return 1; }
	grep -qF -- "$2" err || { echo "the message does not hold '$2'"; return 1; }
	[ "$(grep -vc "^Try '$1 --help'\.\$" err)" = 1 ] || { echo "the message is not one line"; return 1; }
	head -n 1 err | grep -q '[^.]$' || { echo "the message ends in a full stop"; return 1; }
}

ended() { [ "$rc" = "$1" ] || { echo "exit status $rc, not $1"; cat err; return 1; }; }
silent() { [ ! -s "$1" ] || { echo "expected nothing in $1:"; head -c 500 "$1"; return 1; }; }

for tool in $tools; do
	test_expect_success "$tool --help is on stdout and begins with usage" '
		run_row "$tool --help" && ended 0 && silent err && head -n 1 out | grep -q "^usage: $tool\\b" &&
		cp out help && run_row "$tool -h" && ended 0 && silent err && test_cmp help out
	'
	test_expect_success "$tool --version is one line" '
		run_row "$tool --version" && ended 0 && silent err && [ "$(wc -l <out)" = 1 ] &&
		grep -qE "^$tool [0-9]+\\.[0-9]+\\.[0-9]+\$" out
	'
	test_expect_success "$tool refuses an unknown option" '
		run_row "$tool --no-such-option" && ended 64 && silent out && said $tool "--no-such-option" &&
		run_row "$tool -%" && ended 64 && silent out && said $tool "-%" &&
		run_row "$tool -q -v%" && ended 64 && said $tool "-%" &&
		run_row "$tool --quiet=x" && ended 64 && said $tool "takes no value"
	'
	test_expect_success "$tool says that the disk is full, or that stdout is closed" '
		run_row "$tool --help >/dev/full" && ended 74 && said $tool "cannot write" &&
		run_row "$tool --help >&-" && ended 74 && said $tool "cannot write"
	'
	test_expect_success "$tool has a manual page whose SYNOPSIS is what --help says" '
		"$LK_TOP/scripts/check-synopsis" $tool
	'
	test_expect_success "$tool has every option that its usage names" '
		"$tool" --help | sed -n "1,/^\$/p" >usage && "$tool" --help | sed "1,/^\$/d" >help &&
		for option in $(grep -oE -- "(^|[^-a-zA-Z])--?[a-z][-a-z]*([^-a-zA-Z]|\$)" usage | grep -oE -- "--?[a-z][-a-z]*"); do
			grep -qE -- "^  ( *|-., )$option(,| |\$)" help || { echo "no $option"; return 1; }
		done
	'
	test_expect_success "$tool takes one value of each option" '
		$tool --list-options | sed -n "s/=//p" >single
		$tool --help | grep -E "may be (repeated|given twice)" | grep -oE "^ *(-., )?--[a-z-]+" | tr -s " ," "\n" >several
		for o in $(grep -vxF -f several single); do
			run_row "$tool $o 1 $o 1" && ended 64 && said $tool "is given twice" || return
		done
	'
	test_expect_success "$tool says in a short sentence what it is about" '
		LK_EXEC_PATH= lk help >out && sed -n "s/^  ${tool#lk-}  *//p" out >about && cat about &&
		{ [ $tool = lk ] || grep -qE "^[A-Z].{1,69}\$" about; } && $tool --help | grep -qE "^[A-Z].{1,69}\.( |\$)"
	'
	test_expect_success "$tool has EXIT STATUS in its manual page" '
		grep -q "^\.Sh EXIT STATUS" "$LK_TOP/man/$tool.1"
	'
done

# STATUS | TOOL | WHAT IS WRONG | TEXT IN THE MESSAGE | COMMAND
failures() {
	cat <<-'END'
		66|lk-unpack|a delivery is not there|nowhere.zip|lk-unpack nowhere.zip
		66|lk-unpack|a list of deliveries is not there|nowhere.txt|lk-unpack --files-from nowhere.txt
		66|lk-unpack|a passphrase file is not there|nowhere.pass|lk-unpack --passphrase-file nowhere.pass landing/people.csv
		66|lk-parse|a file is not there|nowhere.csv|lk-parse -s sources --as people nowhere.csv
		66|lk-parse|the sources are not there|nowhere.json|lk-parse -s nowhere.json --as people people.csv
		66|lk-infer|a sample is not there|nowhere.csv|lk-infer nowhere.csv
		65|lk-infer|a sample is empty|regular|lk-infer regular
		66|lk-cat|a stream is not there|nowhere.lk|lk-cat nowhere.lk
		66|lk-dedup|a stream is not there|nowhere.lk|lk-dedup nowhere.lk
		66|lk-dedup|the lake is not there|nowhere|lk-dedup --against nowhere rows.lk
		65|lk-dedup|a column is not there|nothing|lk-dedup --key nothing rows.lk
		65|lk-dedup|the input is not a stream|people.csv|lk-dedup people.csv
		73|lk-dedup|the output cannot be made|regular|lk-dedup --dups regular/out.lk rows.lk
		66|lk-commit|what was staged is not there|nowhere|lk-commit -l lake --staged nowhere
		66|lk-query|the lake is not there|nowhere|lk-query -l nowhere "select 1"
		66|lk-copy|the lake is not there|nowhere|lk-copy nowhere x
		66|lk-fsck|the lake is not there|nowhere|lk-fsck -l nowhere
		66|lk-fsck|a table is not there|nothing|lk-fsck -l lake nothing
		66|lk-revert|the lake is not there|nowhere|lk-revert -l nowhere --run 12345678
		66|lk-revert|the lake never had a delivery|12345678|lk-revert -l lake --delivery 12345678
		66|lk-ls|the lake is not there|nowhere|lk-ls -l nowhere
		66|lk-ls|a table is not there|nothing|lk-ls -l lake nothing
		66|lk-log|the lake is not there|nowhere|lk-log -l nowhere
		66|lk-log|a table is not there|nothing|lk-log -l lake -t nothing
		66|lk-expire|the lake is not there|nowhere|lk-expire -l nowhere
		66|lk-expire|a table is not there|nothing|lk-expire -l lake -t nothing
		66|lk-compact|the lake is not there|nowhere|lk-compact -l nowhere
		66|lk-compact|a table is not there|nothing|lk-compact -l lake -t nothing
		66|lk-gc|the lake is not there|nowhere|lk-gc -l nowhere
		66|lk-maintain|the lake is not there|nowhere|lk-maintain -l nowhere
		66|lk-maintain|a table is not there|nothing|lk-maintain -l lake -t nothing
		66|lk-gc|a table is not there|nothing|lk-gc -l lake -t nothing
		66|lk-gc|a folder of staged runs is not there|nowhere|lk-gc -l lake --staged nowhere
		66|lk-table|the lake is not there|nowhere|lk-table describe -l nowhere people
		66|lk-table|a table is not there|nothing|lk-table describe -l lake nothing
		64|lk-table|a type is not there|nonsense|lk-table create -l lake t "a nonsense"
		73|lk-table|the lake cannot be made|regular|lk-table create -l regular/lake t "a int"
		66|lk-diff|the lake is not there|nowhere|lk-diff -l nowhere main
		65|lk-diff|the moment is not there|nothing|lk-diff -l lake nothing
		64|lk-diff|a format is not there|nonsense|lk-diff -l lake -F nonsense main
		73|lk-diff|the output cannot be made|regular|lk-diff -l lake -o regular/out.csv main
		66|lk-branch|the lake is not there|nowhere|lk-branch -l nowhere
		65|lk-branch|the branch is not there|nothing|lk-branch -l lake -d nothing
		66|lk-changes|the lake is not there|nowhere|lk-changes -l nowhere -t people
		66|lk-changes|the table is not there|nothing|lk-changes -l lake -t nothing
		65|lk-changes|the moment is not there|nothing|lk-changes -l lake -t people --from nothing
		66|lk-changes|the cursor is not there|nothing|lk-changes -l lake -t people --cursor nothing --forget
		73|lk-changes|the output cannot be made|regular|lk-changes -l lake -t people -o regular/out.csv
		66|lk-surrogate|the lake is not there|nowhere|lk-surrogate -n -l nowhere "sk = map(id)" <rows.lk
		66|lk-surrogate|the table is not there|nothing|lk-surrogate -l lake -t nothing "sk = map(id)" <rows.lk
		64|lk-surrogate|the rule is none|nonsense|lk-surrogate -l lake nonsense <rows.lk
		65|lk-surrogate|the input is not a stream|standard input|lk-surrogate -l lake "sk = map(id)" <people.csv
		73|lk-surrogate|the lake cannot be made|regular|lk-surrogate -l regular/lake "sk = map(id)" <rows.lk
		66|lk-reset|the lake is not there|nowhere|lk-reset -l nowhere 2026-01-01
		65|lk-reset|the moment is not there|nothing|lk-reset -l lake nothing
		66|lk-query|a script is not there|nowhere.sql|lk-query -l lake -f nowhere.sql
		66|lk-ingest|a path is not there|nowhere|lk-ingest -l lake -s sources nowhere
		66|lk-ingest|the sources are not there|nowhere.json|lk-ingest -l lake -s nowhere.json landing
		64|lk|a command is not there|nowhere|lk nowhere
		65|lk-upsert|nothing comes|standard input|lk-upsert -l lake </dev/null
		65|lk-upsert|a column is not there|nothing|lk-upsert -l lake --key nothing <rows.lk
		65|lk-upsert|the input is not a stream|standard input|lk-upsert -l lake <people.csv
		64|lk-upsert|a limit that is none|many|lk-upsert -l lake --full --max-vanish many <rows.lk
		64|lk-cat|a format is not there|nonsense|lk-cat -F nonsense rows.lk
		64|lk-query|a format is not there|nonsense|lk-query -l lake -F nonsense "select 1"
		64|lk-commit|an option lacks its value|-l|lk-commit -l
		65|lk-cat|the input is not a stream|people.csv|lk-cat people.csv
		65|lk-parse|the input is not a stream|standard input|lk-parse -s sources <people.csv
		65|lk-commit|the input is not a stream|standard input|lk-commit -l lake <people.csv
		65|lk-query|the input is not a stream|standard input|lk-query -l lake "select * from stdin" <people.csv
		65|lk-query|the statement does not parse|selec|lk-query -l lake "selec 1"
		78|lk-parse|the sources are not JSON|people.csv|lk-parse -s people.csv --as people people.csv
		73|lk-commit|the lake cannot be made|regular|lk-commit -l regular/lake <rows.lk
		73|lk-unpack|the folder to extract to cannot be made|regular|lk-unpack -x regular/out landing/people.csv
		73|lk-query|the output cannot be made|regular|lk-query -l lake -o regular/out.csv "select 1"
		73|lk-ingest|the lake cannot be made|regular|lk-ingest --settle 0 -l regular/lake -s sources landing
		73|lk-commit|the folder to stage in cannot be made|regular|lk-commit -l lake4 --stage regular/stage <rows.lk
	END
}

# TOOL | WHAT IT PRINTS | COMMAND, to which a redirection of stdout is added
printers() {
	cat <<-'END'
		lk|the commands|lk help
		lk-unpack|members|lk-unpack landing/people.csv
		lk-unpack|a list|lk-unpack --list landing/people.csv
		lk-parse|rows|lk-parse -s sources <members.lk
		lk-infer|a package|lk-infer people.csv
		lk-infer|a report|lk-infer --report people.csv
		lk-cat|CSV|lk-cat -t people -F csv rows.lk
		lk-cat|Arrow|lk-cat -t people -F arrow rows.lk
		lk-cat|a schema|lk-cat --schema rows.lk
		lk-dedup|rows|lk-dedup rows.lk
		lk-surrogate|rows|lk-surrogate -q -l lake9 "sk = map(id)" <rows.lk
		lk-query|a table|lk-query -l lake "select * from people"
		lk-query|Arrow|lk-query -l lake -F arrow "select * from people"
		lk-query|its tables|lk-query -l lake
		lk-copy|what it copied|lk-copy -q -n --json lake x
		lk-fsck|what it checked|lk-fsck -q --json -l lake
		lk-ls|its tables|lk-ls -l lake
		lk-log|snapshots|lk-log -l lake
		lk-expire|what it expired|lk-expire -q -l lake --json
		lk-compact|what it compacted|lk-compact -q -l lake --json
		lk-maintain|what it did|lk-maintain -q -l lake --json
		lk-gc|what it removed|lk-gc -q -l lake --json
		lk-revert|what would go|lk-revert -l lake -n --delivery "$(sqlite3 lake/catalog.db "select min(sha256) from lk_ledger")"
		lk-table|a table|lk-table describe -l lake people
		lk-diff|differences|lk-diff -l lake --stat 2026-01-01
		lk-upsert|a stream of changes|lk-upsert -l lake -t people --key id <rows.lk
		lk-changes|changes|lk-changes -l lake -t people
		lk-changes|changes as text|lk-changes -l lake -t people --json
		lk-changes|its cursors|lk-changes -l lake --cursors
		lk-branch|its branches|lk-branch -l lake
		lk-reset|what it would do|lk-reset -q -l lake -n --json 2026-01-01
		lk-commit|what it committed|lk-commit -l lake2 <rows.lk
		lk-ingest|a summary|lk-ingest --settle 0 -l lake3 -s sources landing
	END
}

each_row() { # TABLE BLOCK; the fields of a row are in a, b, c, d, e
	"$1" >rows.table
	while IFS='|' read -r a b c d e; do "$2"; done <rows.table
}

check_failure() {
	have "$b" || return 0
	test_expect_success "$b ends with $a when $c" '
		run_row "$e" && ended "$a" && silent out && said "$b" "$d"
	'
}

check_printer() {
	have "$a" || return 0
	test_expect_success "$a says that the disk is full, or stdout closed, when it prints $b" '
		run_row "$c >/dev/full" && ended 74 && said "$a" "standard output" &&
		run_row "$c >&-" && ended 74 && said "$a" "standard output"
	'
}

each_row failures check_failure
each_row printers check_printer

test_expect_success 'every tool has rows in both tables' '
	for tool in $tools; do
		failures | grep -q "|$tool|" || { echo "no failure of $tool is tried"; false; } || return 1
		printers | grep -q "^$tool|" || { echo "no output of $tool is tried"; false; } || return 1
	done
'

# What lies in a lake is written by what is loaded, and by nothing else: not by its name, nor through a link.
ln -s lake/catalog.db link.csv && ln -s lake there
test_expect_success 'no output goes into a lake, which stays as it is' '
	find lake -type f | sort >files && cat $(cat files) | sha256sum >before &&
	data=$(grep "\.parquet$" files | head -n 1) && [ -n "$data" ] &&
	for out in lake/catalog.db lake/new.csv there/new.csv link.csv $data lake/main/no/such/folder ./lake "$PWD/lake/x"; do
		for command in "lk-query -l lake -o $out \"select 1\"" "lk-cat -F csv -o $out rows.lk" "lk-unpack -x $out landing/people.csv" \
			"lk-ingest --settle 0 -l lake -s sources --done $out landing" \
			"lk-ingest --settle 0 -l lake -s sources --stage $out landing" \
			"lk-ingest --settle 0 -l lake -s sources --done away $out"; do
			have ${command%% *} || continue
			[ -e "$out" ] || case $command in *away*) continue ;; esac
			run_row "$command"; ended 77 && silent out && said ${command%% *} "lies in the lake" || return 1
		done
	done &&
	find lake -type f | sort >actual && test_cmp files actual && cat $(cat files) | sha256sum >after && test_cmp before after &&
	[ ! -e away ] && mkdir -p beside && lk-query -l lake -o beside/new.csv "select 1" && [ -s beside/new.csv ]
'

# Writing where one may not. Root may everywhere, so root gives that up first.
as_user() { "$@"; }
[ "$(id -u)" != 0 ] || as_user() { setpriv --bounding-set=-dac_override,-dac_read_search,-fowner --inh-caps=-dac_override,-dac_read_search,-fowner "$@"; }
mkdir closed && chmod 555 closed
if as_user sh -c ': 2>/dev/null >closed/x' 2>/dev/null || ! as_user true 2>/dev/null; then
	test_skip 'where one may not write, the tools say so' 'everything may be written here'
else
	denied() { # TOOL COMMAND...
		have "$1" || return 0
		as_user "$@" >out 2>err <rows.lk
		rc=$?
		{ [ $rc = 77 ] || [ $rc = 73 ]; } || { echo "exit status $rc, not 73 or 77: $*"; cat err; return 1; }
		silent out && said "$1" closed
	}
	test_expect_success 'where one may not write, the tools say so' '
		denied lk-commit -l closed/lake &&
		denied lk-query -l lake -o closed/x.csv "select 1" &&
		denied lk-unpack -x closed/out landing/people.csv &&
		denied lk-ingest --settle 0 -l closed/lake -s sources landing
	'
	if have lk-commit; then
		test_expect_success 'a lake that one may only read is said to be so, and stays as it is' '
			sqlite3 lake/catalog.db .dump >before &&
			chmod -R a-w lake &&
			as_user lk-commit -l lake --once again <rows.lk >out 2>err; rc=$?;
			chmod -R u+w lake;
			{ [ $rc = 77 ] || [ $rc = 73 ]; } && silent out && said lk-commit "" &&
			sqlite3 lake/catalog.db .dump >after && test_cmp before after
		'
		! have lk-query ||
			test_expect_success 'who may only read the lake may query it' '
				chmod -R a-w lake &&
				as_user lk-query -l lake -F csv "select count(*) as n from people" >actual; rc=$?;
				chmod -R u+w lake;
				printf "n\n2\n" >expect && [ $rc = 0 ] && test_cmp expect actual
			'
	fi
fi

test_expect_success 'a tool that dies leaves no core dump, and lets nobody but root look into it' '
	cat >dies.py <<-\END &&
	import os, resource, signal, subprocess, sys, time
	resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
	os.makedirs("dies", exist_ok=True)
	child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="dies")
	def waits():  # for its input: it has begun
	    with open("/proc/%d/stat" % child.pid) as f:
	        return f.read().rpartition(") ")[2][0] == "S"
	while open("/proc/%d/comm" % child.pid).read().strip() != sys.argv[1][:15] or not waits():
	    time.sleep(0.01)
	owner = os.stat("/proc/%d/environ" % child.pid).st_uid
	child.send_signal(signal.SIGABRT)
	status = os.waitpid(child.pid, 0)[1]
	print(sys.argv[1], os.WTERMSIG(status) == signal.SIGABRT, os.WCOREDUMP(status), owner, os.listdir("dies"))
	END
	for command in "lk-unpack -" "lk-parse -s $PWD/sources" "lk-cat" "lk-commit -l $PWD/lake9" "lk-query -l $PWD/lake -f -"; do
		have ${command%% *} || continue
		case $(as_user python3 dies.py $command) in "${command%% *} True False 0 []") ;; *) echo "$command"; return 1 ;; esac
	done
'

# A closed stdin is no input, and no file takes its number.
test_expect_success 'a filter whose stdin is closed fails, and so does one that gets nothing' '
	for command in "lk-cat" "lk-parse -s sources" "lk-commit -l lake"; do
		have ${command%% *} || continue
		sh -c "$command <&-" >out 2>err; rc=$?
		{ [ $rc = 74 ] || [ $rc = 65 ] || [ $rc = 66 ]; } || { echo "$command <&-: exit status $rc"; return 1; }
		silent out && said "${command%% *}" "standard input" || return 1
		run_row "$command </dev/null"; ended 65 && silent out && said "${command%% *}" "standard input" || return 1
	done
'

test_done
