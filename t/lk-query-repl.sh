#!/bin/sh
# lk-query on a terminal: statements, commands, history, completion, interrupts, pager; each typed as a person would.
. "$(dirname "$0")/test-lib.sh"

PYTHONPATH=$LK_TOP/t/helper XDG_STATE_HOME=$test_dir/state
export PYTHONPATH XDG_STATE_HOME
unset PAGER

# What is done at the terminal `t`, which has shown its first prompt; it must end well.
at_terminal() { # PYTHON [COMMAND...]
	printf 'import os, sys, terminal\nt = terminal.Terminal(sys.argv[1:] or ["lk-query", "-l", "lake"])\nt.expect("lk> ")\n%s\nstatus = t.end()\nprint(t.seen)\nassert status == 0, status\n' "$1" >.steps
	shift
	python3 -B .steps "$@"
}

test_expect_success 'a lake' '
	printf "{\"name\": \"clinic\", \"resources\": [{\"name\": \"people\", \"path\": \"people*.csv\", \"schema\": {\"fields\": [
		{\"name\": \"id\", \"type\": \"integer\"}, {\"name\": \"family_name\", \"type\": \"string\"}]}}]}" >p.json &&
	printf "id,family_name\n1,Zoë\n2,Bo\n" >people1.csv && lk-parse -q -s p.json people1.csv | lk-commit -q -l lake &&
	printf "id,family_name\n3,Di\n" >people2.csv && lk-parse -q -s p.json people2.csv >more.lk
'

test_expect_success 'statements of several lines are answered at their semicolon, and rows are counted' '
	at_terminal "
t.type(\"select id, family_name\r\")
t.expect(\"  > \")
t.type(\"from people where family_name <> '\'';'\'' -- not this ;\r\")
t.expect(\"  > \")
t.type(\"order by id;\r\")
t.expect(\" 1  Zoë\")
t.expect(\" 2  Bo\")
t.expect(\"(2 rows)\")
t.expect(\"lk> \")
t.type(\"select 1 as one;\r\")
t.expect(\"(1 row)\")
t.expect(\"lk> \")
t.type(\"\\\\q\r\")"
'

test_expect_success 'each statement sees the lake as it is then' '
	at_terminal "
t.type(\"select count(*) as n from people;\r\")
t.expect(\"-\r\n2\")
t.expect(\"lk> \")
assert os.system(\"lk-commit -q -l lake <more.lk\") == 0
t.type(\"select count(*) as n from people;\r\")
t.expect(\"-\r\n3\")
t.expect(\"lk> \")
t.type(\"\x04\")"
'

test_expect_success 'errors do not end it' '
	at_terminal "
t.type(\"select nothing from people;\r\")
t.expect(\"lk-query: \")
t.expect(\"nothing\")
t.expect(\"lk> \")
t.type(\"selec 1;\r\")
t.expect(\"syntax error\")
t.expect(\"lk> \")
t.type(\"copy people to '\''x.csv'\'';\r\")
t.expect(\"only SELECT runs here\")
t.expect(\"lk> \")
t.type(\"\\\\nonsense\r\")
t.expect(\"there is no command\")
t.expect(\"lk> \")
t.type(\"select 40 + 2 as sum;\r\")
t.expect(\"42\")
t.type(\"exit\r\")" && [ ! -e x.csv ]
'

test_expect_success 'commands: tables, columns, timing, formats, files' '
	at_terminal "
t.type(\"\\\\dt\r\")
t.expect(\"main.people\")
t.expect(\"lk> \")
t.type(\"\\\\d people\r\")
t.expect(\"family_name\")
t.expect(\"VARCHAR\")
t.expect(\"lk> \")
t.type(\".schema lk.files\r\")
t.expect(\"sha256\")
t.expect(\"lk> \")
t.type(\"\\\\timing\r\")
t.expect(\"Timing is on.\")
t.type(\"\\\\f csv\r\")
t.expect(\"lk> \")
t.type(\"select 1 as a, 2 as b;\r\")
t.expect(\"a,b\r\n1,2\")
t.expect(\"Time: \")
t.expect(\"lk> \")
t.type(\"\\\\timing off\r\")
t.expect(\"Timing is off.\")
t.type(\"\\\\o out.csv\r\")
t.expect(\"lk> \")
t.type(\"select id from people order by 1;\r\")
t.expect(\"lk> \")
t.type(\"select 7 as seven;\r\")
t.expect(\"lk> \")
t.type(\"\\\\o\r\")
t.expect(\"lk> \")
t.type(\"\\\\o lake/x.csv\r\")
t.expect(\"lies in the lake\")
t.expect(\"lk> \")
t.type(\"\\\\?\r\")
t.expect(\"Ctrl-C\")
t.type(\".quit\r\")" && [ "$(tr "\n" " " <out.csv)" = "id 1 2 3 seven 7 " ] && [ ! -e lake/x.csv ]
'

test_expect_success 'Tab completes words, tables and columns, and lists what there is to choose from' '
	at_terminal "
t.type(\"SEL\t\")
t.expect(\"SELECT \")
t.type(\"fam\t\")
t.expect(\"family_name \")
t.type(\"from peo\t\")
t.expect(\"people \")
t.type(\"where id = 1;\r\")
t.expect(\"Zoë\")
t.expect(\"lk> \")
t.type(\"from lk.\t\")
t.expect(\"lk.files\")
t.type(\"\x03\")
t.expect(\"lk> \")
t.type(\"\\\\q\r\")"
'

test_expect_success 'Ctrl-C gives up what was typed, and a statement that runs, but not the session' '
	at_terminal "
t.type(\"select 1 as\r\")
t.expect(\"  > \")
t.type(\"nonsense\x03\")
t.expect(\"lk> \")
t.type(\"select 5 as five;\r\")
t.expect(\"(1 row)\")
t.expect(\"lk> \")
t.type(\"select sum(a.range * b.range) from range(1000000) a, range(1000000) b;\r\")
import threading
done = threading.Event()
def interrupt():
    while not done.wait(0.3):
        t.type(\"\x03\")
threading.Thread(target=interrupt, daemon=True).start()
t.expect(\"lk-query: cancelled\")
done.set()
t.expect(\"lk> \")
t.type(\"\x15select 6 as six;\r\")
t.expect(\"(1 row)\")
t.type(\"\\\\q\r\")"
'

test_expect_success 'what was typed is remembered, for its owner alone, and not what begins with a blank' '
	[ "$(stat -c %a state/lk/query_history)" = 600 ] && [ "$(stat -c %a state/lk)" = 700 ] && grep -c "select 6 as six;" state/lk/query_history &&
	at_terminal "
t.type(\"select '\''remember'\'' as me;\r\")
t.expect(\"(1 row)\")
t.expect(\"lk> \")
t.type(\" select '\''secret'\'' as me;\r\")
t.expect(\"(1 row)\")
t.type(\"\\\\q\r\")" &&
	grep "remember" state/lk/query_history && ! grep secret state/lk/query_history &&
	at_terminal "
t.type(\"\x10\x10\")
t.expect(\"select '\''remember'\'' as me;\")
t.type(\"\r\")
t.expect(\"(1 row)\")
t.type(\"\\\\q\r\")"
'

test_expect_success 'what is longer than the terminal goes to the pager, and only that' '
	printf "#!/bin/sh\necho paged\nsed -n \"\\\\\$=\"\n" >pager && chmod +x pager &&
	PAGER=$PWD/pager && export PAGER && at_terminal "
t.type(\"select 1 as one;\r\")
assert \"paged\" not in t.expect(\"(1 row)\")
t.expect(\"lk> \")
t.type(\"from range(100);\r\")
t.expect(\"paged\")
t.expect(\"103\")
t.expect(\"lk> \")
t.type(\"\\\\q\r\")"; rc=$?; unset PAGER; [ $rc = 0 ]
'

test_expect_success 'a pager that is left early ends nothing' '
	PAGER=true && export PAGER && at_terminal "
t.type(\"from range(1000000);\r\")
t.expect(\"lk> \")
t.type(\"select 8 as eight;\r\")
t.expect(\"(1 row)\")
t.type(\"\\\\q\r\")"; rc=$?; unset PAGER; [ $rc = 0 ]
'

test_expect_success 'without a terminal, and with --list, the tables are listed as before' '
	lk-query -l lake -F csv >expect && lk-query --list -l lake -F csv >actual && test_cmp expect actual && grep main.people actual &&
	printf "import sys, terminal\nt = terminal.Terminal([\"lk-query\", \"--list\", \"-l\", \"lake\"])\nt.expect(\"main.people\")\nassert t.end() == 0\nassert \"lk>\" not in t.seen\n" >.steps &&
	python3 -B .steps && expect_error 64 "goes with no SQL" lk-query --list -l lake "select 1"
'

test_expect_success 'no lake is an error at once, and nothing is left behind' '
	printf "import sys, terminal\nt = terminal.Terminal([\"lk-query\", \"-l\", \"nowhere\"])\nt.expect(\"there is no lake\")\nassert t.end() == 66\n" >.steps &&
	python3 -B .steps && [ -z "$(ls "$TMPDIR")" ]
'

test_done
