#!/bin/sh
# lk: dispatch to lk-NAME, help, and the shell's completion.
. "$(dirname "$0")/test-lib.sh"

# Commands of the test's own, so that what is asserted does not depend on which tools there are.
mkdir bin other
cat >bin/lk-hello <<-'EOT'
	#!/bin/sh
	case $1 in
	--help) printf 'usage: lk-hello [name]\n\nGreets people (e.g. Al. and Bo) by the table\nlk.names, i.e. all. Or not.\n\n  -x  nothing\n' ;;
	--list-options) printf '%s\n' --name= --loud --help ;;
	*) echo "hello${1:+ $1}" && exit 3 ;;
	esac
EOT
printf '#!/bin/sh\nprintf "%%s|" "$0" "$@"\n' >bin/lk-show
printf '#!/bin/sh\necho from the path\n' >other/lk-elsewhere
chmod +x bin/lk-* other/lk-*
LK_EXEC_PATH=$PWD/bin
export LK_EXEC_PATH

test_expect_success 'lk NAME runs lk-NAME and has its exit status' '
	expect_status 3 lk hello world >actual &&
	echo "hello world" >expect &&
	test_cmp expect actual
'

test_expect_success 'arguments, options among them, arrive as they are' '
	lk show -l lake --help "a b" -- -x >actual &&
	printf "%s|" "$LK_EXEC_PATH/lk-show" -l lake --help "a b" -- -x >expect &&
	test_cmp expect actual
'

test_expect_success 'commands are found on the PATH as well' '
	PATH=$PWD/other:$PATH lk elsewhere >actual &&
	grep -qx "from the path" actual
'

test_expect_success 'commands beside lk come before those on the PATH' '
	mkdir own &&
	cp "$(command -v lk)" own/lk &&
	printf "#!/bin/sh\necho from beside\n" >own/lk-elsewhere &&
	chmod +x own/lk-elsewhere &&
	PATH=$PWD/other:$PATH own/lk elsewhere >actual &&
	grep -qx "from beside" actual
'

test_expect_success 'an unknown command is misuse, and the nearest one is suggested' '
	expect_error 64 "did you mean '\''hello'\''?" lk helo &&
	expect_error 64 "did you mean '\''hello'\''?" lk hlelo &&
	expect_error 64 "did you mean '\''hello'\''?" lk hel &&
	expect_error 64 "lk help" lk xyzzyxyzzy &&
	expect_error 64 "is not a command" lk "" &&
	expect_error 64 "is not a command" lk ../bin/lk-hello &&
	expect_error 64 "is not a command" lk "$(printf "%02000d" 7)" &&
	expect_error 64 "did you mean" lk help helo
'

test_expect_success 'lk without a command is misuse' '
	expect_error 64 "a command is needed" lk &&
	expect_error 64 "unknown option" lk --frob &&
	expect_error 64 "not '\''two'\'' as well" lk help hello two &&
	expect_status 64 lk >out && test ! -s out
'

test_expect_success 'lk help lists each command once, with what its --help says it is about' '
	cp bin/lk-hello own/ &&
	own/lk help >actual &&
	grep -x "  hello      Greets people (e.g. Al. and Bo) by the table lk.names, i.e. all" actual &&
	test $(grep -c "^  hello" actual) = 1 &&
	grep "^  elsewhere" actual
'

test_expect_success 'lk help NAME falls back to --help' '
	lk help hello >actual &&
	lk-hello --help >expect 2>/dev/null || bin/lk-hello --help >expect &&
	test_cmp expect actual
'

test_expect_success 'lk help NAME shows the manual page' '
	mkdir -p inst/bin inst/share/man/man1 view &&
	cp own/lk inst/bin/lk && cp bin/lk-hello inst/bin/ &&
	echo "the page" >inst/share/man/man1/lk-hello.1 &&
	printf "#!/bin/sh\necho man: && cat \"\$1\"\n" >view/man && chmod +x view/man &&
	PATH=$PWD/view:$PATH inst/bin/lk help hello >actual &&
	printf "man:\nthe page\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'version and help' '
	lk --version >actual && grep -Ex "lk [0-9.]+" actual &&
	lk --help >actual && grep -q "^usage: lk command" actual &&
	expect_error 74 "standard output" lk help >/dev/full
'

complete() { # WORDS...: what bash would offer for the last of them
	bash -c '
		. "$LK_TOP/contrib/completions/lk.bash" || exit
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_lk
		printf "%s\n" "${COMPREPLY[@]}"' complete "$@"
}

test_expect_success 'completion offers commands, their options and files' '
	PATH=$PWD/bin:$PATH && export PATH &&
	complete lk hel >actual && printf "hello\nhelp\n" >expect && test_cmp expect actual &&
	complete lk help he >actual && printf "hello\nhelp\n" >expect && test_cmp expect actual &&
	complete lk hello -- >actual && printf -- "--name=\n--loud\n--help\n" >expect && test_cmp expect actual &&
	complete lk-hello --l >actual && echo "--loud" >expect && test_cmp expect actual &&
	complete lk hello oth >actual && echo other >expect && test_cmp expect actual &&
	complete lk-hello -F cs >actual && echo csv >expect && test_cmp expect actual
'

test_done
