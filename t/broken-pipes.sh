#!/bin/sh
# A broken pipe upstream is never a clean end: a stream cut anywhere, doubled or mixed makes every filter that reads it fail
# with a sentence, and the lake stays as it was. Pipes that are whole are the control.
. "$(dirname "$0")/test-lib.sh"

mkdir -p landing sources
cat >sources/clinic.json <<-'END'
	{"name": "clinic", "resources": [
	  {"name": "people", "path": "people*.csv", "schema": {"fields": [
	    {"name": "Id", "type": "integer"}, {"name": "Name", "type": "string"}, {"name": "Born", "type": "date"}]}},
	  {"name": "visits", "path": "visits*.csv", "schema": {"fields": [
	    {"name": "Person", "type": "integer"}, {"name": "At", "type": "datetime"}, {"name": "Cost", "type": "number"}]}}]}
END
deliver() { # NUMBER
	mkdir -p drop
	printf 'Id,Name,Born\n%d1,Zo\303\253,1969-12-31\n%d2,,2001-02-03\nx,bad,\n' "$1" "$1" >drop/people.csv
	printf 'Person,At,Cost\n%d1,2024-01-02T03:04:05,1.5\n%d2,,-2\n' "$1" "$1" >drop/visits.csv
	tar -C drop -cf "landing/$1.tar" people.csv visits.csv
}

# What must not change: the catalog, and the files of the lake.
state() { sqlite3 lake/catalog.db .dump; find lake -type f ! -name catalog.db -exec sha256sum {} + | sort -k2; }
unchanged() { state >after && test_cmp before after; }

# A filter given a broken stream on stdin ends with 65 or 74 and one line.
refuses() { # STREAM COMMAND...
	stream=$1
	shift
	"$@" <"$stream" >out 2>err
	rc=$?
	if [ $rc != 65 ] && [ $rc != 74 ]; then
		echo "exit status $rc for $stream ($(wc -c <"$stream") bytes): $*"
		cat err
		return 1
	fi
	[ "$(wc -l <err)" = 1 ] && grep -q "^$1: ." err || { echo "not one line for $stream: $*"; cat err; return 1; }
}

# As refuses; what the filter wrote before it failed must itself be a broken stream for the next one.
refuses_and_passes_it_on() { # STREAM COMMAND...
	refuses "$@" || return 1
	[ ! -s out ] || { cp out partial && refuses partial lk-cat -F table; } || { echo "its partial output is taken for whole: $*"; return 1; }
}

commits_nothing() { # STREAM
	refuses "$1" lk-commit -l lake && [ ! -s out ] && unchanged || { echo "lk-commit: $1"; return 1; }
}

# Where the Arrow streams of a file end: after each end-of-stream mark, which stands on a multiple of 8.
ends() {
	perl -e 'local $/; $_ = <STDIN>; while (/\xff\xff\xff\xff\0\0\0\0/g) { print pos, "\n" if pos() % 8 == 0 }' <"$1"
}
piece() { tail -c +$(($2 + 1)) "$1" | head -c $(($3 - $2)); } # FILE FROM TO

# COUNT places in 1 .. SIZE-1: spread evenly, and both sides of the ends of Arrow streams and of the whole.
places() { # FILE COUNT
	size=$(wc -c <"$1")
	{
		seq 1 $(((size - 1) / $2 + 1)) $((size - 1))
		ends "$1" | while read -r end; do
			for at in $((end - 9)) $((end - 8)) $((end - 4)) $((end - 1)) "$end" $((end + 1)) $((end + 8)); do echo $at; done
		done
		echo 1 4 8 $((size - 1)) | tr ' ' '\n'
	} | awk -v size="$size" '$1 >= 1 && $1 < size' | sort -nu
}

test_expect_success 'control: whole streams go through' '
	deliver 1 && deliver 2 && deliver 3 &&
	for n in 1 2 3; do
		lk-unpack landing/$n.tar >members$n.lk && expect_status 1 lk-parse -q -s sources <members$n.lk >rows$n.lk || return 1
	done &&
	lk-cat -F table <rows1.lk >/dev/null &&
	lk-commit -q -l lake <rows1.lk &&
	lk-query -l lake -F csv "select count(*) as n from visits" >actual &&
	printf "n\n2\n" >expect && test_cmp expect actual &&
	lk-query -l lake -F csv "select count(*) as n from stdin.people" <rows2.lk >actual &&
	test_cmp expect actual &&
	state >before
'

test_expect_success 'there are several Arrow streams in a segment, and the last ends it' '
	[ "$(ends rows2.lk | wc -l)" -ge 4 ] && [ "$(ends rows2.lk | tail -n 1)" = "$(wc -c <rows2.lk)" ]
'

test_expect_success 'no byte at all is not an empty table' '
	: >empty &&
	refuses empty lk-cat -F table && refuses empty lk-cat --count && refuses empty lk-parse -s sources &&
	refuses empty lk-query -l lake "select * from stdin" && commits_nothing empty
'

test_expect_success 'a cut stream: lk-cat' '
	places rows2.lk 100 >at && [ "$(wc -l <at)" -ge 100 ] &&
	while read -r at; do head -c "$at" rows2.lk >cut && refuses cut lk-cat -F table || return 1; done <at
'

test_expect_success 'a cut stream: lk-parse, and what it wrote so far' '
	places members2.lk 40 >at && [ "$(wc -l <at)" -ge 40 ] &&
	while read -r at; do
		head -c "$at" members2.lk >cut && refuses_and_passes_it_on cut lk-parse -s sources || return 1
	done <at
'

test_expect_success 'a cut stream: lk-commit, and the lake' '
	places rows2.lk 40 >at && [ "$(wc -l <at)" -ge 40 ] &&
	while read -r at; do head -c "$at" rows2.lk >cut && commits_nothing cut || return 1; done <at
'

test_expect_success 'a cut stream: lk-query' '
	{ places rows2.lk 4; ends rows2.lk | head -n -1; } | sort -nu >at &&
	while read -r at; do
		head -c "$at" rows2.lk >cut &&
		refuses cut lk-query -l lake -F csv "select count(*) from stdin.people" || return 1
	done <at
'

test_expect_success 'a cut stream staged: nothing is left to commit' '
	head -c $(($(wc -c <rows2.lk) - 8)) rows2.lk >cut &&
	refuses cut lk-commit -l lake --stage stage &&
	{ [ ! -d stage ] || [ -z "$(find stage -type f)" ] || { find stage -type f; false; }; } && unchanged
'

test_expect_success 'a segment twice' '
	cat rows2.lk rows2.lk >doubled && refuses doubled lk-cat -F table && commits_nothing doubled &&
	refuses doubled lk-query -l lake "select count(*) from stdin.people" &&
	cat members2.lk members2.lk >doubled && refuses_and_passes_it_on doubled lk-parse -s sources &&
	cat rows2.lk rows3.lk rows2.lk >doubled && refuses doubled lk-cat --count && commits_nothing doubled
'

test_expect_success 'two segments interleaved, Arrow stream by Arrow stream and in the middle of one' '
	a=$(ends rows2.lk | head -n 1) b=$(ends rows3.lk | head -n 1) &&
	{ piece rows2.lk 0 "$a"; piece rows3.lk 0 "$b"; tail -c +$((a + 1)) rows2.lk; tail -c +$((b + 1)) rows3.lk; } >mixed &&
	refuses mixed lk-cat -F table && commits_nothing mixed &&
	refuses mixed lk-query -l lake "select count(*) from stdin.people" &&
	{ piece rows2.lk 0 $((a - 100)); cat rows3.lk; tail -c +$((a - 99)) rows2.lk; } >mixed &&
	refuses mixed lk-cat -F table && commits_nothing mixed
'

test_expect_success 'an Arrow stream that is missing from a segment, or there twice, does not go with its end marker' '
	a=$(ends rows2.lk | head -n 1) &&
	tail -c +$((a + 1)) rows2.lk >short && refuses short lk-cat -F table && commits_nothing short &&
	{ piece rows2.lk 0 "$a"; cat rows2.lk; } >long && refuses long lk-cat -F table && commits_nothing long
'

test_expect_success 'bytes after a segment' '
	for tail in x "\377\377\377\377" "not an Arrow stream at all"; do
		{ cat rows2.lk; printf "$tail"; } >trailing && refuses trailing lk-cat -F table && commits_nothing trailing || return 1
	done
'

test_expect_success 'a plain Arrow stream has no segment and is not committed without a word' '
	lk-cat -F arrow -t people rows2.lk >plain.arrows && commits_nothing plain.arrows
'

# Filters killed in the middle of a real pipe. A FIFO that this shell holds open keeps each of them waiting for more, so that
# the moment of the kill does not matter; `seen` shows that bytes went by before it.
test_expect_success 'lk-parse killed in the middle: lk-cat and lk-commit fail, the lake is as it was' '
	{ printf "Id,Name,Born\n"; seq 1 200000 | sed "s/\$/,someone,2001-02-03/"; } >many.csv &&
	for reader in "lk-cat --count" "lk-commit -l lake"; do
		rm -f fifo out.fifo seen && mkfifo fifo out.fifo && : >seen &&
		{ lk-parse -s sources --as people <fifo >out.fifo & writer=$!; } &&
		{ tee seen <out.fifo | { $reader >out 2>err; echo $? >status; } & pipe=$!; } &&
		test_pids="$writer $pipe" &&
		exec 8>fifo && cat many.csv >&8 &&
		wait_until 20 test -s seen &&
		kill -KILL $writer && exec 8>&- && { wait $writer; wait $pipe; test_pids=; } &&
		{ [ "$(cat status)" = 65 ] || [ "$(cat status)" = 74 ]; } &&
		grep -q "^${reader%% *}: ." err && [ ! -s out ] && unchanged || { cat status err; return 1; }
	done
'

test_expect_success 'lk-unpack killed in the middle: lk-parse fails, lk-commit behind it too' '
	rm -f fifo seen && mkfifo fifo && : >seen &&
	{ (lk-unpack --files-from - <fifo & echo $! >pid; wait) | tee seen |
		{ lk-parse -s sources 2>parse.err; echo $? >parse.status; } |
		{ lk-commit -l lake >out 2>err; echo $? >status; } & pipe=$!; } &&
	test_pids=$pipe &&
	exec 8>fifo && echo landing/2.tar >&8 && wait_until 20 test -s pid &&
	{ wait_until 2 test -s seen || :; } &&
	kill -KILL "$(cat pid)" && exec 8>&- && { wait $pipe; test_pids=; } &&
	{ [ "$(cat parse.status)" = 65 ] || [ "$(cat parse.status)" = 74 ]; } && grep -q "^lk-parse: ." parse.err &&
	{ [ "$(cat status)" = 65 ] || [ "$(cat status)" = 74 ]; } && grep -q "^lk-commit: ." err &&
	[ ! -s out ] && unchanged
'

test_expect_success 'lk-commit killed in the middle leaves the catalog and every file it names' '
	rm -f fifo && mkfifo fifo &&
	{ lk-commit -l lake <fifo >out 2>err & writer=$!; } && test_pids=$writer &&
	exec 8>fifo && head -c $(($(wc -c <rows2.lk) - 8)) rows2.lk >&8 &&
	kill -KILL $writer && exec 8>&- && { wait $writer; test_pids=; } &&
	state >after && [ -z "$(diff before after | grep "^<")" ] && sqlite3 lake/catalog.db .dump >dump.after &&
	head -n "$(wc -l <dump.after)" before >dump.before && test_cmp dump.before dump.after
'

test_expect_success 'a reader that goes away ends the filters quietly' '
	{ lk-cat -F table rows1.lk 2>err; echo $? >status; } | true &&
	[ ! -s err ] && { [ "$(cat status)" = 0 ] || [ "$(cat status)" = 141 ]; }
'

test_expect_success 'control: after all that the same streams are committed, and counted once' '
	cat rows2.lk rows3.lk >both.lk && lk-commit -q -l lake <both.lk &&
	lk-query -l lake -F csv "select count(*) as n from visits" >actual &&
	printf "n\n6\n" >expect && test_cmp expect actual &&
	state >before && lk-commit -q -l lake <both.lk && lk-query -l lake -F csv "select count(*) as n from visits" >actual &&
	test_cmp expect actual
'

test_done
