#!/bin/sh
# Arrow's own golden files (the same data as a stream, a file and JSON) read to the values of their JSON, or end with a
# clear error where lk does not read their types.
. "$(dirname "$0")/test-lib.sh"

[ -d "$LK_DATA/arrow/golden" ] || test_skip_all 'Arrow'\''s golden files are not here'
golden=$LK_DATA/arrow/golden

# These types are in no list of lk's: each file is refused with the column that has it.
refused() {
	case $1 in
	cpp-21.0.0/generated_binary_view) echo 'is of type binary view' ;;
	cpp-21.0.0/generated_list_view) echo 'is of type list view' ;;
	cpp-21.0.0/generated_run_end_encoded) echo 'is of type run-end encoded' ;;
	cpp-21.0.0/generated_union) echo 'is of type union' ;;
	*) return 1 ;;
	esac
}

reads() { python3 "$LK_TOP/t/helper/arrow-golden.py" "$golden/$1.json.gz" "$golden/$1.stream" "$golden/$1.arrow_file"; }

is_refused() { # NAME TEXT
	for form in stream arrow_file; do
		expect_error 65 "$2" lk-cat -F json "$golden/$1.$form" || return 1
	done
}

# What is read can be written again: the rows of an lk stream made of it are the same.
passes() {
	for form in stream arrow_file; do
		lk-cat -F json "$golden/$1.$form" >expect &&
			lk-cat --as main.golden "$golden/$1.$form" >passed.lk &&
			lk-cat -F json passed.lk >actual && cmp expect actual || return 1
	done
}

count=0
for json in "$golden"/*/*.json.gz; do
	name=${json#"$golden"/} name=${name%.json.gz}
	count=$((count + 1))
	if text=$(refused "$name"); then
		test_expect_success "$name is refused" 'is_refused "$name" "$text"'
	else
		test_expect_success "$name reads to the values of its JSON" 'reads "$name"'
		test_expect_success "$name passes through an lk stream" 'passes "$name"'
	fi
done
# arrow-js writes files whose schema stands in the footer alone; here it is cut out of one that has it in front too.
test_expect_success 'a file with its schema at the end alone' '
	file=$golden/cpp-21.0.0/generated_nested_dictionary.arrow_file &&
	size=$(od -An -t d4 -j 12 -N 4 "$file" | tr -d " ") &&
	{ head -c 8 "$file" && tail -c +$((8 + 8 + size + 1)) "$file"; } >footer.arrow &&
	lk-cat -F json "$file" >expect && lk-cat -F json footer.arrow >actual && cmp expect actual &&
	expect_error 65 "its schema at its end alone" sh -c "lk-cat <footer.arrow | cat; cat footer.arrow | lk-cat"
'

test_expect_success 'there are golden files of three writers' '[ $count -ge 40 ]'

test_done
