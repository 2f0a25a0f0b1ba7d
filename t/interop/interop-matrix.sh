#!/bin/sh
# Types x partition transforms x (append, delete, evolve, compact, branch): tables that lk, PyIceberg and Spark took through
# them, and what each engine answers about them beside lk-query's answers. See matrix.py; the last test prints the table.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here, and pyarrow makes the rows'
here=$LK_TOP/t/interop
python() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$@"; }

test_expect_success 'lk writes its tables' '
	python "$here/matrix.py" rows && python "$here/matrix.py" write lk lake
'
test_expect_success 'PyIceberg writes tables of its own into the lake' '
	python "$here/matrix.py" write pyiceberg lake
'
if [ -n "$LK_INTEROP_SPARK" ]; then
	test_expect_success 'Spark writes tables of its own into the lake' '
		"$LK_INTEROP_SPARK/bin/python" "$here/matrix.py" write spark lake
	'
else
	test_skip 'Spark writes tables of its own into the lake' 'Spark cannot be had here'
fi

test_expect_success 'lk-query answers every question' '
	python "$here/matrix.py" questions lake &&
	python "$here/ask.py" lk stages stages/questions.jsonl stages/lk.jsonl && ! grep "\"error\"" stages/lk.jsonl
'

# Engines that are there: each one's Python, asked in a session of its own, the slow one beside the others.
engines=
ask() { # ENGINE ENVIRONMENT
	[ -n "$2" ] || return 0
	"$2/bin/python" -W ignore "$here/ask.py" "$1" stages stages/questions.jsonl "stages/$1.jsonl" >"$1.log" 2>&1 ||
		{ echo "$1:"; tail -n 20 "$1.log"; return 1; }
}
trino=
[ -z "$LK_INTEROP_TRINO" ] || trino=$LK_INTEROP_PYICEBERG
for pair in "pyiceberg:$LK_INTEROP_PYICEBERG" "spark:$LK_INTEROP_SPARK" "trino:$trino" "clickhouse:$LK_INTEROP_CHDB" \
	"duckdb:$LK_INTEROP_DUCKDB" "polars:$LK_INTEROP_PYICEBERG" "datafusion:$LK_INTEROP_PYICEBERG"; do
	if [ -n "${pair#*:}" ]; then
		engines="$engines ${pair%%:*}"
	else
		test_skip "${pair%%:*} answers" "${pair%%:*} cannot be had here"
	fi
done

test_expect_success "every engine answers:$engines" '
	{ ask spark "$LK_INTEROP_SPARK" >spark.failed; } & slow=$!
	ask trino "$trino" && ask pyiceberg "$LK_INTEROP_PYICEBERG" && ask clickhouse "$LK_INTEROP_CHDB" && ask duckdb "$LK_INTEROP_DUCKDB" &&
		ask polars "$LK_INTEROP_PYICEBERG" && ask datafusion "$LK_INTEROP_PYICEBERG"; others=$?
	wait $slow || { cat spark.failed; false; } && [ $others = 0 ]
'

# shellcheck disable=SC2086 # a word for each engine
python "$here/matrix.py" compare $engines >compared
compared=$?
cat compared >&2
test_expect_success 'every answer of every engine is lk-query'"'"'s' '[ $compared = 0 ] && [ -s compared ]'

test_done
