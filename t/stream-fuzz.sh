#!/bin/sh
# What Arrow's fuzzers found: whatever a stream or file holds, it ends soon, in little memory, as rows or as a clear error.
. "$(dirname "$0")/test-lib.sh"

[ -d "$LK_DATA/arrow/fuzz" ] || test_skip_all 'the finds of Arrow'\''s fuzzers are not here'

# A sanitizer's own memory is more than any limit.
limit='ulimit -v 4000000'
nm "$LK_BUILD/bin/lk-cat" 2>/dev/null | grep -q __asan_init && limit=:

ends_well() {
	(eval "$limit" && exec timeout 10 lk-cat -F json "$1") >out 2>err
	rc=$?
	cat err
	[ "$(wc -c <out)" -lt 100000000 ] || { echo 'it prints without end'; return 1; }
	[ $rc = 0 ] || { [ $rc = 65 ] && [ "$(wc -l <err)" = 1 ] && grep -q '^lk-cat: ' err; }
}

for file in "$LK_DATA"/arrow/fuzz/*; do
	test_expect_success "$(basename "$file")" 'ends_well "$file"'
done

# Our own: golden files with a byte changed at every 11th place, in three ways.
for name in cpp-21.0.0/generated_dictionary cpp-21.0.0/generated_nested cpp-21.0.0/generated_nested_dictionary \
	cpp-21.0.0/generated_map cpp-21.0.0/generated_custom_metadata cpp-21.0.0/generated_decimal256 \
	2.0.0-compression/generated_zstd 2.0.0-compression/generated_lz4 0.14.1/generated_dictionary; do
	for form in stream arrow_file; do
		test_expect_success "$name.$form, changed" '
			stream-damage flip "$LK_DATA/arrow/golden/$name.$form" 11
		'
	done
done

test_done
