# The test harness: sourced by every t/*.sh, which then is a list of titled blocks and ends with test_done.
#
#   . "$(dirname "$0")/test-lib.sh"
#   test_expect_success 'a title' '
#       printf "a,b\n" >input &&
#       lk-cat input >actual &&
#       test_cmp expect actual
#   '
#   test_done
#
# A block passes when its last command does; join commands with &&. Each script runs in an empty directory of its own
# (build/t/run/NAME), with build/bin first on the PATH; it is removed at the end unless a test failed.
# -v (or LK_VERBOSE=1) shows what each block prints; -i stops at the first failure and leaves the directory.
# t/README.md says more.

: "${LK_TOP:=$(cd "$(dirname "$0")/.." && pwd)}" # t/interop/run says it for scripts a level deeper
: "${LK_BUILD:=$LK_TOP/build}"
PATH=$LK_BUILD/bin:$LK_BUILD/t/helper:$PATH
LC_ALL=C.UTF-8 TZ=UTC
ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1:exitcode=99}
export LK_TOP LK_BUILD PATH LC_ALL TZ ASAN_OPTIONS UBSAN_OPTIONS
unset LK_LAKE LK_SOURCES LK_PASSPHRASE_FILE

# Public data for development, beside the project; tests that use it skip without it.
LK_DATA=${LK_DATA-$LK_TOP/../shared/data}
[ -d "$LK_DATA" ] && LK_DATA=$(cd "$LK_DATA" && pwd) || LK_DATA=
export LK_DATA

verbose=${LK_VERBOSE:-} immediate=
for arg; do
	case $arg in
	-v) verbose=1 ;;
	-i) immediate=1 ;;
	*) echo "usage: $0 [-v] [-i]" >&2; exit 64 ;;
	esac
done

test_name=$(basename "$0" .sh)
test_dir=$LK_BUILD/t/run/$test_name
test_count=0 test_failed=0
rm -rf "$test_dir"
mkdir -p "$test_dir" && cd "$test_dir" || exit 70
HOME=$test_dir TMPDIR=$test_dir.tmp
rm -rf "$TMPDIR" && mkdir "$TMPDIR"
export HOME TMPDIR

test_pids=
trap 'for p in $test_pids; do kill "$p" 2>/dev/null; done' EXIT

# So that a `return 1` in a block ends the block, and not the function that counts it.
test_block() {
	eval "$1"
}

# Limits the address space of what follows in this (sub)shell, in KiB; not under sanitizers, which map terabytes.
limit_memory() {
	case $LK_BUILD in
	*/sanitize) ;;
	*) ulimit -v "$1" ;;
	esac
}

# Runs a block in this shell, so that it can set variables for the next one.
test_expect_success() { # TITLE BLOCK
	test_count=$((test_count + 1))
	test_block "$2" >"$test_dir/.log" 2>&1 </dev/null
	test_rc=$?
	cd "$test_dir" || exit 70
	[ -z "$verbose" ] || sed 's/^/#   /' .log
	if [ $test_rc = 0 ]; then
		echo "ok $test_count - $1"
		return
	fi
	test_failed=$((test_failed + 1))
	echo "not ok $test_count - $1"
	# On stderr, where prove shows it: what failed is to be read from the run that failed.
	{
		echo "# $test_name: not ok $test_count - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		[ -n "$verbose" ] || sed 's/^/#   /' .log
	} >&2
	if [ -n "$immediate" ]; then
		echo "Bail out! left as it is: $test_dir"
		exit 1
	fi
}

# A block that needs something (a word that test_have knows); a skip with the reason where it is absent.
test_skip() { # TITLE REASON
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # skip $2"
}

test_skip_all() { # REASON
	echo "1..0 # skip $1"
	cd / && rm -rf "$test_dir" "$TMPDIR"
	exit 0
}

test_done() {
	echo "1..$test_count"
	if [ $test_failed = 0 ]; then
		cd / && chmod -R u+rwX "$test_dir" && rm -rf "$test_dir" "$TMPDIR"
		exit 0
	fi
	echo "# left as it is: $test_dir"
	exit 1
}

test_cmp() { # EXPECT ACTUAL
	diff -u "$1" "$2"
}

# The command must end with exactly this status: a crash, a sanitizer's report or a wrong status fails.
expect_status() { # STATUS COMMAND...
	want=$1
	shift
	"$@"
	rc=$?
	[ $rc = "$want" ] && return 0
	echo "expected exit status $want, got $rc: $*"
	return 1
}

# As expect_status, and standard error must be one line `NAME: ...` that holds the text given.
expect_error() { # STATUS TEXT COMMAND...
	want=$1 text=$2
	shift 2
	"$@" 2>"$test_dir/.stderr"
	rc=$?
	cat "$test_dir/.stderr"
	[ $rc = "$want" ] || { echo "expected exit status $want, got $rc: $*"; return 1; }
	grep -qF -- "$text" "$test_dir/.stderr" || { echo "expected '$text' on stderr"; return 1; }
}

# Waits until the command succeeds, at most SECONDS; for what other processes do in their own time.
wait_until() { # SECONDS COMMAND...
	limit=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $limit ] || return 1
		sleep 0.02
	done
}
