#!/bin/sh
# Streams on pipes: ours read by pyarrow and arrow-js, theirs by us, with equal values and metadata.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'pyarrow cannot be had here'
here=$LK_TOP/t/interop
pyarrow() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$here/streams.py" "$@"; }
arrow_js() { node "$here/streams.js" "$@"; }

# Without lk.table, which a plain stream does not have yet.
shown() { sed "s/\"lk.table\": \"[^\"]*\",\{0,1\} \{0,1\}//"; }

for kind in everything decimals nested metadata_of_its_own empty; do
	test_expect_success "pyarrow writes, lk-cat makes a stream of it, pyarrow reads the same: $kind" '
		pyarrow write $kind >theirs.arrows && pyarrow show <theirs.arrows >expect &&
		lk-cat --as t <theirs.arrows >ours.$kind.lk && pyarrow show <ours.$kind.lk >shown &&
		grep -q "\"lk.table\": \"t\"" shown && grep -v "\"lk.table\": \"lk.end\"" shown | shown >both &&
		head -n "$(wc -l <expect)" both >actual && test_cmp expect actual
	'
	for compression in zstd lz4; do
		test_expect_success "bodies compressed with $compression are read the same: $kind" '
			pyarrow write $kind --compression $compression >packed.arrows &&
			{ [ $kind = empty ] || ! cmp -s packed.arrows theirs.arrows; } &&
			lk-cat --as t <packed.arrows | lk-cat -t t -F arrow >actual.arrows &&
			pyarrow show <actual.arrows | shown >actual && test_cmp expect actual
		'
	done
	test_expect_success "what lk-cat shows as JSON is what pyarrow reads: $kind" '
		tail -n +2 expect >rows && lk-cat -F json <theirs.arrows | pyarrow show-json theirs.arrows >actual && test_cmp rows actual
	'
	test_expect_success "lk-cat shows the same of plain, compressed and passed-on streams: $kind" '
		lk-cat -F json <theirs.arrows >expect.json && lk-cat -F json <packed.arrows >actual.json &&
		test_cmp expect.json actual.json && lk-cat -F json ours.$kind.lk >actual.json && test_cmp expect.json actual.json
	'
done

test_expect_success 'pyarrow loops over all streams of a pipe, the end marker among them' '
	cat ours.everything.lk ours.nested.lk ours.decimals.lk | pyarrow show >all &&
	[ "$(grep -c "^{\"metadata\"" all)" = 6 ] && [ "$(grep -c "\"lk.table\": \"lk.end\"" all)" = 3 ]
'

test_expect_success 'the loop that lk-stream(5) shows reads every table' '
	mandoc -Tascii -O width=200 "$LK_TOP/man/lk-stream.5" | sed "s/.$(printf "\\b")//g" |
		sed -n "/import pyarrow/,/^\$/s/^           //p" >loop.py &&
	cat ours.nested.lk ours.decimals.lk | "$LK_INTEROP_PYICEBERG/bin/python" loop.py >out &&
	[ "$(grep -c "^b.t. pyarrow.Table" out)" = 2 ] && [ "$(grep -c "^b.lk.end. pyarrow.Table" out)" = 2 ]
'

if [ -n "$LK_INTEROP_ARROW_JS" ]; then
	for kind in everything decimals nested metadata_of_its_own empty; do
		test_expect_success "arrow-js reads of our stream what pyarrow reads: $kind" '
			pyarrow show <ours.$kind.lk >expect && arrow_js show <ours.$kind.lk >actual && test_cmp expect actual
		'
	done
	test_expect_success 'arrow-js loops over all streams of a pipe' '
		cat ours.everything.lk ours.nested.lk ours.decimals.lk | arrow_js show >actual && test_cmp all actual
	'
	test_expect_success 'arrow-js writes, lk-cat makes a stream of it, both read the same' '
		arrow_js write >theirs.arrows && arrow_js show <theirs.arrows >expect &&
		lk-cat --as js <theirs.arrows >ours.lk && lk-cat -t js -F arrow ours.lk >plain.arrows &&
		arrow_js show <plain.arrows | shown >actual && test_cmp expect actual &&
		pyarrow show <plain.arrows | shown >actual && test_cmp expect actual
	'
else
	test_skip 'arrow-js reads our streams and we read its' 'arrow-js cannot be had here'
fi

test_expect_success 'the streams of a real pipe: members, rows, files, rejects' '
	mkdir -p drop sources &&
	printf "%s\n" "{\"name\": \"p\", \"resources\": [{\"name\": \"people\", \"path\": \"*.csv\", \"schema\": {\"fields\": [" \
		"{\"name\": \"Id\", \"type\": \"integer\"}, {\"name\": \"Name\", \"type\": \"string\", \"lk\": {\"phi\": \"name\"}}]}}]}" >sources/p.json &&
	printf "Id,Name\n1,Zo\303\253\n2,\nx,bad\n" >drop/people.csv &&
	lk-unpack drop/people.csv >members.lk && lk-parse -s sources <members.lk >rows.lk;
	pyarrow show <members.lk >shown && grep -q "\"lk.table\": \"lk.members\"" shown && grep -q "$(printf "Id,Name\n" | od -An -tx1 | tr -d " \n")" shown &&
	pyarrow show <rows.lk >shown && for table in main.people lk.files lk.rejects lk.end; do
		grep -q "\"lk.table\": \"\(${table#main.}\|$table\)\"" shown || { echo "no $table"; return 1; }
	done && grep -q "\"lk.phi\": \"name\"" shown && grep -q "Zoë" shown &&
	{ [ -z "$LK_INTEROP_ARROW_JS" ] || { arrow_js show <rows.lk >actual && test_cmp shown actual; }; }
'

test_done
