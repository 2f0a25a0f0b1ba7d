#!/bin/sh
# lk-ingest: landing folders into lakes. Whatever happens on the way, every row is in the lake once.
. "$(dirname "$0")/test-lib.sh"

mkdir sources keys
cat >sources/people.json <<-'EOT'
	{"name": "clinic", "lk": {"delivery": "(?<sender>FAC[0-9]+)/"}, "resources": [
	  {"name": "people", "path": "people*.csv", "schema": {
	    "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"},
	               {"name": "born", "type": "date"}]}},
	  {"name": "visits", "path": "visits*.txt", "dialect": {"delimiter": "|"}, "schema": {
	    "fields": [{"name": "visit", "type": "integer"}, {"name": "id", "type": "integer"},
	               {"name": "charge", "type": "number", "lk": {"decimal": [9, 2]}}]}}]}
EOT
(umask 077 && echo blue-heron >keys/right && echo wrong >keys/wrong && echo "* right keys/right" >keyring)

# people FILE FIRST [LAST]: a CSV of people with those ids.
people() {
	{
		echo id,name,born
		seq "$2" "${3-$2}" | sed 's/.*/&,Name &,1970-01-02/'
	} >"$1"
}

# drop ZIP FIRST LAST [7z options]: an archive of a CSV of people and a TXT of their visits.
drop() {
	zip=$PWD/$1 first=$2 last=$3
	shift 3
	mkdir -p "$(dirname "$zip")" made
	people made/people.csv "$first" "$last"
	{
		echo 'visit|id|charge'
		seq "$first" "$last" | sed 's/.*/&|&|&.50/'
	} >made/visits.txt
	7z a -bso0 -bsp0 -tzip "$@" "$zip" ./made/people.csv ./made/visits.txt
}

# Small archives without a process each: drops FOLDER FIRST COUNT
drops() {
	python3 - "$@" <<-'EOT'
	import os, sys, zipfile
	folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	os.makedirs(folder, exist_ok=True)
	for n in range(first, first + count):
	    with zipfile.ZipFile("%s/%d.zip" % (folder, n), "w", zipfile.ZIP_DEFLATED) as z:
	        z.writestr("people.csv", "id,name,born\n%d,Name %d,1970-01-02\n" % (n, n))
	EOT
}

ingest() { lk-ingest --settle 0 -l lake -s sources "$@"; }

sql() { lk-query -l lake -F csv "$1" | tail -n +2; }

# holds TABLE FIRST LAST: the table has these ids, each once, and no others.
holds() {
	sql "select id from $1 order by id" >.ids && seq "$2" "$3" >.want && test_cmp .want .ids
}

# found_wanting TEXT OPTION...: the summary is in out; the status is 1 and standard error says why.
found_wanting() {
	text=$1
	shift
	ingest --json "$@" >out 2>err
	rc=$?
	cat err && [ $rc = 1 ] && grep -qF "lk-ingest: $text" err
}

# The number under "deliveries" that the summary has for a word.
told() { # WORD JSON
	python3 -c 'import json, sys; print(json.load(open(sys.argv[2]))["deliveries"][sys.argv[1]])' "$@"
}

test_expect_success 'a landing folder of archives, encrypted and not, and of plain files' '
	drop landing/FAC1/20260101/aes.zip 1 10 -pblue-heron -mem=AES256 &&
	drop landing/FAC1/20260102/crypto.zip 11 20 -pblue-heron -mem=ZipCrypto &&
	drop landing/FAC2/20260101/open.zip 21 30 &&
	people landing/FAC2/20260101/people.csv 31 40 &&
	ingest --keyring keyring landing >out &&
	holds people 1 40 && holds visits 1 30 &&
	grep "^4 deliveries: 4 loaded" out && grep "people  *40 rows" out && grep "^1 commit" out &&
	sql "select sum(charge) from visits" >actual && echo 480.00 >expect && test_cmp expect actual
'

test_expect_success 'nothing is left behind in the lake, nothing changed in the landing folder' '
	ls -A lake | sort >actual && printf "%s\n" catalog.db catalog.lock lk main >expect && test_cmp expect actual &&
	find landing -type f | wc -l >actual && echo 4 >expect && test_cmp expect actual
'

test_expect_success 'again: nothing is loaded, the lake is as it was' '
	find lake -type f ! -name catalog.db | sort >before &&
	sql "select * from lk.files order by all" >files-before &&
	ingest --keyring keyring landing >out && grep "^4 deliveries: 0 loaded, 4 known already" out &&
	find lake -type f ! -name catalog.db | sort >after && test_cmp before after &&
	sql "select * from lk.files order by all" >files-after && test_cmp files-before files-after
'

test_expect_success 'known by path, size and time, a delivery is not opened' '
	cp -p landing/FAC2/20260101/people.csv kept &&
	tr a b <kept >landing/FAC2/20260101/people.csv && touch -r kept landing/FAC2/20260101/people.csv &&
	ingest --json landing >out && test $(told known out) = 4 &&
	cp -p kept landing/FAC2/20260101/people.csv
'

test_expect_success 'a delivery that is still being written is left for another run, with what is loaded in it' '
	people growing.csv 1000 30000 && mkdir -p growing/FAC1 && people growing/FAC1/people-a.csv 1 999 && mv growing.csv growing/FAC1/people-b.csv &&
	rm -f enough began && { python3 - <<-\EOT & } && writer=$! &&
	import os
	n = 30000
	with open("growing/FAC1/people-b.csv", "a", buffering=1) as f:
	    while not os.path.exists("enough"):
	        n += 1
	        if n == 30100: open("began", "w")
	        f.write("%d,Name %d,1970-01-02\n" % (n, n))
	EOT
	wait_until 10 test -e began &&
	{ lk-ingest --settle 0 -l growlake -s sources --done growdone --json growing >out 2>err; rc=$?; : >enough; wait $writer; } &&
	cat err out && case $(told changed out)$(told settling out) in # its last change may be later than the run began
	10) [ $rc = 1 ] && grep "1 delivery changed while it was read" err ;;
	01) [ $rc = 0 ] ;;
	*) false ;;
	esac && test $(told complete out) = 1 && ls growing/FAC1 >actual && echo people-b.csv >expect && test_cmp expect actual &&
	lk-query -l growlake -F csv "select count(*), max(id) from people" | tail -n 1 >actual && echo 999,999 >expect &&
	test_cmp expect actual && find growlake/main/people/data -type f >files && test $(wc -l <files) = 1 &&
	lk-ingest --settle 0 -l growlake -s sources --json growing >out && test $(told complete out) = 1 &&
	lk-query -l growlake -F csv "select count(*) = max(id), count(distinct id) = max(id) from people" | tail -n 1 >actual &&
	echo true,true >expect && test_cmp expect actual
'

test_expect_success 'what was staged before a delivery changed is not committed, and leaves no file' '
	mkdir -p exec late/FAC1 && people late/FAC1/people-a.csv 1 9 && people late/FAC1/people-b.csv 10 19 &&
	cat >exec/lk-commit <<-EOT && chmod +x exec/lk-commit &&
	#!/bin/sh
	"$LK_BUILD/bin/lk-commit" "\$@"
	rc=\$?
	[ -e written ] || { : >written && echo "20,Name 20,1970-01-02" >>late/FAC1/people-b.csv; }
	exit \$rc
	EOT
	{ LK_EXEC_PATH=$PWD/exec lk-ingest --settle 0 -l latelake -s sources --json late >out 2>err; rc=$?; rm -r exec; } &&
	cat err out && [ $rc = 1 ] && test $(told changed out) = 1 && test $(told complete out) = 1 &&
	find latelake/main/people/data -type f >files && test $(wc -l <files) = 1 &&
	lk-ingest --settle 0 -l latelake -s sources --json late >out && test $(told complete out) = 1 &&
	lk-query -l latelake -F csv "select count(*), max(id) from people" | tail -n 1 >actual && echo 20,20 >expect && test_cmp expect actual
'

test_expect_success 'renamed and moved deliveries are known, and once seen not opened again' '
	mkdir landing/FAC1/20260105 &&
	mv landing/FAC1/20260101/aes.zip landing/FAC1/20260105/renamed.zip &&
	cp landing/FAC1/20260102/crypto.zip landing/FAC1/copy.zip &&
	ingest --json landing >out && test $(told known out) = 5 && test $(told complete out) = 0 &&
	holds people 1 40 &&
	cp -p landing/FAC1/copy.zip kept && head -c $(stat -c %s kept) /dev/zero >landing/FAC1/copy.zip &&
	touch -r kept landing/FAC1/copy.zip &&
	ingest --json landing >out && test $(told known out) = 5 && rm landing/FAC1/copy.zip
'

test_expect_success 'the same bytes from another sender are another delivery; twice from one sender they are one' '
	rm -rf lake twins && drop twins/FAC1/x.zip 1 5 && mkdir twins/FAC2 &&
	cp twins/FAC1/x.zip twins/FAC2/x.zip && cp twins/FAC1/x.zip twins/FAC1/y.zip &&
	ingest --json twins >out && test $(told complete out) = 2 && test $(told repeated out) = 1 &&
	sql "select id, count(*) from people group by all order by all" >actual &&
	printf "%d,2\n" 1 2 3 4 5 >expect && test_cmp expect actual &&
	sql "select distinct sender from lk.files order by all" >actual && printf "FAC1\nFAC2\n" >expect &&
	test_cmp expect actual &&
	ingest --json twins >out && test $(told known out) = 3
'

test_expect_success 'two at once load each delivery once' '
	rm -rf lake && drops many/FAC1 1 60 &&
	{ ingest -q --commit-every 16 many & one=$!; ingest -q --commit-every 16 many; two=$?; wait $one && test $two = 0; } &&
	holds people 1 60 &&
	sql "select count(*) from lk.files" >actual && echo 60 >expect && test_cmp expect actual &&
	ls -A lake | sort >actual && printf "%s\n" catalog.db catalog.lock lk main >expect && test_cmp expect actual
'

test_expect_success 'many deliveries take few processes, and commits come in steps' '
	rm -rf lake && mkdir -p count && printf "#!/bin/sh\necho >>%s/started\nexec %s/bin/lk-unpack \"\$@\"\n" "$PWD" "$LK_BUILD" >count/lk-unpack &&
	chmod +x count/lk-unpack && drops many/FAC1 61 540 &&
	LK_EXEC_PATH=$PWD/count ingest -j 2 --commit-every 1h --commit-every 200 many >out &&
	grep "^600 deliveries: 600 loaded" out && grep "^3 commits" out && holds people 1 600 &&
	test $(wc -l <started) -le 9
'

# A lk-parse that ends badly when its input names poison. It looks before it writes, as the real one dies of what it reads.
mkdir poisoned
cat >poisoned/lk-parse <<-EOT
	#!/bin/sh
	members=\$(mktemp) && trap 'rm -f "\$members"' EXIT
	cat >"\$members"
	echo >>"$PWD/parsed"
	if grep -aq poison "\$members"; then rm -f "\$members"; kill -SEGV \$\$; fi
	"$LK_BUILD/bin/lk-parse" "\$@" <"\$members"
EOT
chmod +x poisoned/lk-parse

test_expect_success 'a delivery that crashes its worker is found, recorded and left alone; the others are loaded' '
	rm -rf lake many && drops many/FAC1 1 40 && mv many/FAC1/17.zip many/FAC1/poison.zip &&
	LK_EXEC_PATH=$PWD/poisoned expect_error 1 "1 delivery crashed a worker" ingest -j 1 many >out &&
	grep "^40 deliveries: 39 loaded.* 1 crashed a worker" out &&
	grep "poison.zip: lk-parse was killed by signal 11" out &&
	sql "select count(*) from people where id <> 17" >actual && echo 39 >expect && test_cmp expect actual &&
	sql "select delivery, sender, status, error from lk.files where status <> '\''ok'\''" >actual &&
	echo "many/FAC1/poison.zip,FAC1,crashed,lk-parse was killed by signal 11 (Segmentation fault)" >expect &&
	test_cmp expect actual
'

test_expect_success 'it is tried again only when asked' '
	expect_error 1 "1 delivery is held" ingest many >out && grep "0 loaded.* 1 left alone" out &&
	grep "poison.zip: lk-parse was killed by signal 11" out &&
	ingest --retry many >out && grep "1 loaded" out && holds people 1 40 &&
	ingest many >out && grep "^40 deliveries: 0 loaded, 40 known already" out
'

test_expect_success 'workers that fail whatever the delivery end the run, and record nothing' '
	rm -rf lake broken && mkdir broken && printf "#!/bin/sh\nkill -SEGV \$\$\n" >broken/lk-parse && chmod +x broken/lk-parse &&
	LK_EXEC_PATH=$PWD/broken expect_error 69 "workers fail whatever the delivery" ingest many >out &&
	sqlite3 lake/catalog.db "select count(*) from lk_ledger" >actual && echo 0 >expect && test_cmp expect actual &&
	ls -A lake | grep -v "^[a-z]" || ingest many && holds people 1 40
'

test_expect_success 'a lk-commit without space ends the run with its status and its words' '
	rm -rf lake full && mkdir full && chmod +x full &&
	printf "#!/bin/sh\necho \"lk-commit: cannot write x: No space left on device\" >&2\nexit 74\n" >full/lk-commit &&
	chmod +x full/lk-commit &&
	LK_EXEC_PATH=$PWD/full expect_error 74 "lk-commit exited with status 74: cannot write x: No space left" ingest -q many &&
	ingest -q many && holds people 1 40
'

test_expect_success 'a damaged archive is held, and loaded once it is whole' '
	rm -rf lake damaged && drop damaged/FAC1/a.zip 1 10 && drop damaged/FAC1/b.zip 11 20 &&
	cp damaged/FAC1/b.zip whole && head -c 40 whole >damaged/FAC1/b.zip &&
	found_wanting "1 delivery is held" damaged && test $(told complete out) = 1 && holds people 1 10 &&
	cp whole damaged/FAC1/b.zip && ingest --json damaged >out && test $(told complete out) = 1 && holds people 1 20
'

test_expect_success 'no passphrase, a wrong one, then the right one' '
	rm -rf lake locked && drop locked/FAC1/a.zip 1 10 -pblue-heron -mem=AES256 && drop locked/FAC1/b.zip 11 20 &&
	found_wanting "1 delivery is held" locked && test $(told held out) = 1 && holds people 11 20 &&
	grep "passphrase" out &&
	found_wanting "1 delivery is held" --passphrase-file keys/wrong locked &&
	test $(told held out) = 1 && test $(told known out) = 1 && holds people 11 20 &&
	ingest --passphrase-file keys/right --json locked >out && test $(told complete out) = 1 &&
	holds people 1 20 && holds visits 1 20
'

test_expect_success 'only the members that failed are tried again' '
	rm -rf lake half && drop half/FAC1/a.zip 1 5 && mkdir -p made/x && people made/x/people-locked.csv 6 9 &&
	7z a -bso0 -bsp0 -tzip -pblue-heron -mem=AES256 half/FAC1/a.zip ./made/x/people-locked.csv &&
	expect_error 1 "1 delivery is loaded in part" ingest half >out && grep "half/FAC1/a.zip: .*people-locked.csv: " out &&
	holds people 1 5 && expect_error 1 "1 delivery is loaded in part" ingest half >out &&
	grep "^1 delivery: 0 loaded, 1 loaded in part still" out && grep "half/FAC1/a.zip: .*people-locked.csv: " out &&
	ingest --keyring keyring half >out && grep "1 loaded" out && holds people 1 9 && holds visits 1 5
'

test_expect_success 'killed at any time and run again, every row is there once' '
	rm -rf lake many && drops many/FAC1 1 120 &&
	for ms in 5 15 30 50 80 120 170 230; do
		ingest -q -j 2 --commit-every 30 many & pid=$!
		sleep $(printf "0.%03d" $ms)
		kill -KILL $pid 2>/dev/null
		wait $pid
	done;
	ingest -q --commit-every 30 many && holds people 1 120 &&
	sql "select count(*) from lk.files" >actual && echo 120 >expect && test_cmp expect actual
'

# A lk-parse that says that it is there and then waits for its end.
mkdir waiting
cat >waiting/lk-parse <<-EOT
	#!/bin/sh
	echo \$\$ >>"$PWD/pids"
	exec sleep 100
EOT
chmod +x waiting/lk-parse
parses() { [ "$(wc -l <pids)" -ge "$1" ]; } 2>/dev/null
none_left() { for p in $(cat pids); do ! kill -0 "$p" 2>/dev/null || return 1; done; }

test_expect_success 'told to stop, it ends as the signal would, and leaves no folder and no process' '
	rm -rf lake pids && { LK_EXEC_PATH=$PWD/waiting lk-ingest --settle 0 -l lake -s sources -j 2 many >out 2>err & pid=$!; } &&
	test_pids="$test_pids $pid" && wait_until 5 parses 1 && kill -TERM $pid; wait $pid; test $? = 143 &&
	none_left && ! ls -d lake/.stage* && grep -q "stopped by a signal" err &&
	ingest -q many && holds people 1 120
'

test_expect_success 'killed, its children die with it' '
	rm -rf lake pids && { LK_EXEC_PATH=$PWD/waiting lk-ingest --settle 0 -l lake -s sources many >out 2>err & pid=$!; } &&
	test_pids="$test_pids $pid" && wait_until 5 parses 1 && kill -KILL $pid; wait $pid; test $? = 137 &&
	wait_until 10 none_left && ls -d lake/.stage* &&
	ingest -q many && holds people 1 120 && ! ls -d lake/.stage*
'

# A lk-commit that stages, and waits for its end when it is to commit.
mkdir stuck
cat >stuck/lk-commit <<-EOT
	#!/bin/sh
	case " \$* " in
	*" --staged "*) echo \$\$ >>"$PWD/pids" && sleep 0.5 && exit 74 ;;
	esac
	exec "$LK_BUILD/bin/lk-commit" "\$@"
EOT
chmod +x stuck/lk-commit

test_expect_success 'what was staged and never committed does not count as loaded' '
	rm -rf lake pids && { LK_EXEC_PATH=$PWD/stuck lk-ingest --settle 0 -l lake -s sources --json many >out 2>err & pid=$!; } &&
	test_pids="$test_pids $pid" && wait_until 10 parses 1 && kill -TERM $pid; wait $pid; test $? = 143 &&
	test $(told complete out) = 0 && test $(told waiting out) = 120 && ingest -q many && holds people 1 120
'

# A lk-commit that, before it commits what this run staged, has another run load one of the same deliveries.
mkdir overtaken
cat >overtaken/lk-commit <<-EOT
	#!/bin/sh
	case " \$* " in
	*" --staged "*)
		if mkdir "$PWD/overtaken/once" 2>/dev/null; then
			(unset LK_EXEC_PATH && "$LK_BUILD/bin/lk-ingest" -q -l lake -s sources many/FAC1/7.zip) || exit
		fi
		;;
	esac
	exec "$LK_BUILD/bin/lk-commit" "\$@"
EOT
chmod +x overtaken/lk-commit

test_expect_success 'what another process loads meanwhile is not loaded again, and the rest of its share is' '
	rm -rf lake && LK_EXEC_PATH=$PWD/overtaken ingest -j 1 --json many >out && holds people 1 120 &&
	sql "select count(*) from lk.files" >actual && echo 120 >expect && test_cmp expect actual &&
	test $(told complete out) = 119 && test $(told known out) = 1
'

test_expect_success 'staged by several processes, committed once' '
	rm -rf lake stage && find many -name "*.zip" -print0 |
		xargs -0 -P4 -n30 lk-ingest -j 1 --settle 0 --stage stage -l lake -s sources >out &&
	test $(grep -c "30 staged" out) = 4 &&
	sql "select count(*) from people" >actual && echo 0 >expect && test_cmp expect actual &&
	lk-commit -l lake --staged stage && holds people 1 120 &&
	lk-ingest --stage stage --settle 0 -l lake -s sources --json many >out && test $(told known out) = 120
'

test_expect_success 'staged with rejects: the status says nothing of them before the commit' '
	rm -rf lake stage bad && mkdir -p bad/FAC1 && printf "id,name,born\n1,A,1970-01-01\nx,B,1970-01-01\n" >bad/FAC1/people.csv &&
	lk-ingest --stage stage --settle 0 -l lake -s sources bad >out && grep "rejected 1 of 2 records" out
'

test_expect_success 'staged with members that fail: they are counted, then and at the commit' '
	rm -rf lake stage shut && mkdir -p shut/FAC1 && people shut/FAC1/people.csv 1 9 && (cd shut/FAC1 &&
	7z a -bso0 -bsp0 -tzip -psecret -mem=AES256 shut.zip people.csv && rm people.csv) && people shut/FAC1/people-b.csv 10 12 &&
	lk-ingest --stage stage --settle 0 -l lake -s sources shut >out && grep "^1 member failed, as lk.files will tell" out &&
	lk-ingest --stage stage2 --settle 0 -l lake -s sources --json shut >json && grep "\"failed\": 1, \"rows\"" json &&
	lk-commit -l lake --staged stage >out && grep "^1 member failed, as lk.files tells" out && holds people 10 12
'

test_expect_success 'rejects: status 1 and why, unless they are allowed' '
	for allow in "" "--max-rejects 0" "--max-rejects 49.9%"; do
		rm -rf lake && expect_error 1 "1 record was rejected" ingest $allow bad || return 1
	done &&
	for allow in 1 50%; do
		rm -rf lake && ingest --max-rejects $allow bad || return 1
	done >out && grep "^rejected 1 of 2 records (50%)" out && holds people 1 1 &&
	expect_error 64 "not '\''many'\''" ingest --max-rejects many bad &&
	expect_error 64 "not '\''101%'\''" ingest --max-rejects 101% bad
'

test_expect_success 'the summary says what part was rejected in plain figures' '
	rm -rf lake bad && mkdir -p bad/FAC1 && { echo id,name,born && seq 3 | sed "s/.*/x&,A,1970-01-01/"; } >bad/FAC1/people.csv &&
	ingest --max-rejects 100% bad >out && grep "^rejected 3 of 3 records (100%)" out &&
	people bad/FAC1/people.csv 1 700 && seq 140000 | sed "s/.*/x&,A,1970-01-01/" >>bad/FAC1/people.csv &&
	ingest --max-rejects 100% bad >out && grep "^rejected 140000 of 140700 records (99%)" out &&
	people bad/FAC1/people.csv 1001 40000 && echo x,A,1970-01-01 >>bad/FAC1/people.csv &&
	ingest --max-rejects 1 bad >out && grep "^rejected 1 of 39001 records (less than 0.01%)" out
'

test_expect_success '--nested opens archives inside archives' '
	rm -rf lake matryoshka && drop matryoshka/in/FAC1/inner.zip 1 3 && mkdir matryoshka/FAC1 &&
	(cd matryoshka/in/FAC1 && 7z a -bso0 -bsp0 -tzip ../../FAC1/outer.zip inner.zip) && rm -r matryoshka/in &&
	ingest --nested matryoshka && holds people 1 3 && holds visits 1 3
'

test_expect_success 'the summary counts rejects by column, and members that fit no resource' '
	rm -rf lake odds && mkdir -p odds/FAC1 && printf "id,name,born\n1,A,1970-01-01\n2,B,x\n3,C,y\nz,D,1970-01-01\n" >odds/FAC1/people.csv &&
	echo hello >odds/FAC1/README.txt && expect_error 1 "3 records were rejected; 1 member fits no resource" ingest odds >out &&
	grep "^rejected 3 of 4 records (75%)" out && grep " 2  main.people, column born$" out && grep " 1  main.people, column id$" out &&
	grep "^1 member fits no resource" out && grep "^2 deliveries: 1 loaded .*, 1 fits no resource" out &&
	grep "odds/FAC1/README.txt: README.txt: no resource takes it" out &&
	rm -rf lake && found_wanting "3 records were rejected" odds &&
	python3 -c "import json; o = json.load(open(\"out\")); assert o[\"unmatched\"] == 1 and o[\"members\"] == 2 and o[\"rejects\"] == [
		{\"table\": \"main.people\", \"column\": \"born\", \"records\": 2}, {\"table\": \"main.people\", \"column\": \"id\", \"records\": 1}], o"
'

# one more glob of what people are: more SOURCES GLOB
more() {
	mkdir -p "$1" && sed "s/\"path\": \"people\*.csv\"/\"path\": [\"people*.csv\", \"$2\"]/" sources/people.json >"$1/people.json"
}

test_expect_success 'what fits no resource is loaded once a resource takes it, and left alone until then' '
	rm -rf lake late && mkdir -p late/FAC1 && people late/FAC1/staff.csv 1 3 && people late/FAC1/people.csv 4 && (cd late/FAC1 &&
	people guests.csv 5 6 && 7z a -bso0 -bsp0 -tzip both.zip people.csv guests.csv && rm people.csv guests.csv) && more wider "staff*.csv" &&
	more widest "[gs]*.csv" && expect_error 1 "2 members fit no resource; 1 delivery is loaded in part" ingest late >out &&
	grep "^2 deliveries: 1 loaded (.*), 1 fits no resource$" out && holds people 4 4 &&
	sqlite3 lake/catalog.db "select state, failed, package_sha256 <> \"\" from lk_ledger order by 1" >actual &&
	printf "held|1|0\npartial|1|1\n" >expect && test_cmp expect actual &&
	sql "select status, package is null, length(package_sha256) from lk.files order by 1" >actual && printf "ok,false,64\n%s\n%s\n" unmatched,true,64 unmatched,true,64 >expect &&
	test_cmp expect actual && expect_error 1 "2 deliveries still have members that fit no resource" ingest late >out &&
	grep "^2 deliveries: 0 loaded, 2 fit no resource still$" out && grep "^0 commits" out && touch late/FAC1/*.csv &&
	found_wanting "2 deliveries still have members" late && test $(told still_unmatched out) = 2 && test $(sql "select count(*) from lk.files") = 3 &&
	expect_error 1 "1 member fits no resource" lk-ingest --settle 0 -l lake -s wider late >out && holds people 1 4 &&
	expect_error 1 "1 delivery still has members that fit no resource" lk-ingest --settle 0 -l lake -s wider late >out &&
	lk-ingest --settle 0 -l lake -s widest late >out && holds people 1 6 && lk-ingest --settle 0 -l lake -s sources late >out &&
	grep "2 known already" out && sqlite3 lake/catalog.db "select * from lk_ledger_failed" >actual && test_cmp /dev/null actual
'

test_expect_success 'what was loaded in part is not loaded again from a sender that the sources name later' '
	rm -rf lake nobody && mkdir nobody && sed "s/\"delivery\": [^}]*//" sources/people.json >nobody/people.json && cp -r late part && rm part/FAC1/staff.csv &&
	expect_status 1 lk-ingest -q --settle 0 -l lake -s nobody part && holds people 4 4 &&
	lk-unpack -l lake -s sources part/FAC1/both.zip 2>err | lk-parse -s sources | lk-commit -q -l lake && grep "another sender" err && holds people 4 4 &&
	expect_error 1 "1 delivery is loaded in part" ingest part >out && grep "^1 delivery: 0 loaded, 1 loaded in part still" out && holds people 4 4
'

test_expect_success 'the same, a step at a time, with staging, and twice' '
	rm -rf lake stage && pipe() {
		lk-unpack -l lake -s $1 late/FAC1/*.zip late/FAC1/*.csv >members && { lk-parse -s $1 <members >rows || test $? = 1; } && lk-commit -l lake <rows
	} && all() {
		lk-unpack -s sources late/FAC1/*.zip late/FAC1/*.csv | { lk-parse -s sources || test $? = 1; } | lk-commit -l lake
	} && mkdir lake && all && holds people 4 4 &&
	all >out && echo "already loaded" >expect && test_cmp expect out && holds people 4 4 && pipe sources >out && holds people 4 4 &&
	lk-ingest --settle 0 -l lake -s widest --stage stage late >out && holds people 4 4 && lk-commit -l lake --staged stage && holds people 1 6 &&
	all >out && test_cmp expect out && holds people 1 6
'

test_expect_success 'what has not settled or is to be ignored waits; what is named does not' '
	rm -rf lake waits && mkdir -p waits/FAC1/.hidden waits/FAC1/old && people waits/FAC1/people-1.csv 1 && people waits/FAC1/people-2.csv 2 &&
	people waits/FAC1/people-3.csv.part 3 && people waits/FAC1/.hidden/people-4.csv 4 && people waits/FAC1/people-5.tmp 5 &&
	people waits/FAC1/old/people-6.csv 6 && touch -d "1 hour ago" waits/FAC1/*-1.csv waits/FAC1/*.part waits/FAC1/.hidden/* waits/FAC1/old/* &&
	lk-ingest -l lake -s sources --ignore "*/old/*" waits >out && grep "1 deliver.*, 1 still settling" out && holds people 1 1 &&
	lk-ingest -l lake -s sources --json waits/FAC1/people-2.csv >out && holds people 1 2 &&
	lk-ingest -l lake -s sources --settle 50m --ignore old waits/FAC1 >out && holds people 1 2 &&
	touch -d "1 hour ago" waits/FAC1/people-2.csv && lk-ingest -l lake -s sources -q waits && sql "select sum(id) from people" >actual &&
	echo 9 >expect && test_cmp expect actual
'

test_expect_success 'the lake, the sources and staging folders are no deliveries' '
	rm -rf all && mkdir -p all/FAC1 && people all/FAC1/people.csv 1 && cp -R sources all/sources && touch -d "1 hour ago" all/FAC1/* all/sources/* &&
	for n in 1 2; do lk-ingest -l all/lake -s all/sources --json all >out && test $(told found out) = 1 || return 1; done &&
	rm -rf all/lake && lk-ingest -l all/lake -s all/sources --stage all/stage all >out && touch -d "1 hour ago" all/stage/* &&
	lk-ingest -l all/lake -s all/sources --stage all/stage --json all >out && test $(told found out) = 1
'

test_expect_success 'loaded deliveries are moved where --done says, and nothing there is replaced' '
	rm -rf lake moved && drop moved/FAC1/a.zip 1 5 && drop moved/FAC1/b.zip 6 9 -pblue-heron -mem=AES256 && cp moved/FAC1/a.zip first &&
	expect_status 1 ingest -q --done moved/done moved && test_cmp first moved/done/FAC1/a.zip && ls moved/FAC1 >actual && echo b.zip >expect &&
	test_cmp expect actual && drop moved/FAC1/a.zip 10 14 &&
	ingest -q --done moved/done --keyring keyring moved && find moved -type f | sort >actual &&
	printf "moved/done/FAC1/%s\n" a.zip a.zip.1 b.zip >expect && test_cmp expect actual && test_cmp first moved/done/FAC1/a.zip &&
	holds people 1 14
'

test_expect_success 'a known delivery that is still there is moved as well' '
	cp first moved/FAC1/late.zip && ingest -q --done moved/done moved && ls moved/FAC1 >actual && : >expect && test_cmp expect actual &&
	test_cmp first moved/done/FAC1/late.zip
'

test_expect_success 'names of any kind' '
	rm -rf lake odd && mkdir -p "odd/FAC1/two words" ./-x/FAC1 && people "odd/FAC1/two words/people \"x\" é.csv" 1 &&
	people "odd/FAC1/$(printf "people\nline.csv")" 2 && people "odd/FAC1/people-'\''dash.csv" 3 && people ./-x/FAC1/people.csv 4 &&
	ingest -q -- odd -x && holds people 1 4 && ingest --json -- odd -x >out && test $(told known out) = 4
'

# People 1 to 4 under names that are not UTF-8, look escaped, or would speak to the terminal; and one that fits no resource.
ugly() { # FOLDER
	mkdir -p "$1" && python3 - "$1" <<-'EOT'
	import os, sys
	names = [b"people\xff\xfe.csv", b"people\\xff\\xfe.csv", b"people\xe9.csv", b"people\x1b]0;t\x07.csv", b"staff\x1b[2J\nheld:\xff.csv"]
	for n, name in enumerate(names, 1):
	    with open(os.path.join(os.fsencode(sys.argv[1]), name), "w") as f:
	        f.write("id,name,born\n%d,Name,1970-01-02\n" % n)
	EOT
}

test_expect_success 'names that are not UTF-8, or speak to terminals' '
	rm -rf lake odd && ugly odd/FAC1 && expect_error 1 "1 member fits no resource" ingest odd >out && holds people 1 4 &&
	grep -F "  odd/FAC1/staff\\x1b[2J\\nheld:\\xff.csv: " out && ! grep "$(printf "\\033")" out &&
	lk-query -l lake -F csv "select delivery from lk.files where member like '\''%people%'\'' order by 1" | tr "\\033\\007" "<>" >actual &&
	cat >expect <<-\EOT && test_cmp expect actual &&
	delivery
	odd/FAC1/people<]0;t>.csv
	odd/FAC1/people\x5cxff\x5cxfe.csv
	odd/FAC1/people\xe9.csv
	odd/FAC1/people\xff\xfe.csv
	EOT
	expect_status 1 ingest --json odd >out && test $(told known out) = 4 && iconv -f UTF-8 -t UTF-8 out >again && test_cmp out again
'

test_expect_success 'the same names a step at a time, and known by them' '
	for how in "lk-unpack odd/FAC1/people* | lk-parse -s sources" "find odd -name people\\* -print0 | lk-unpack --files-from - | lk-parse -s sources" \
		"lk-parse -s sources odd/FAC1/people*"; do
		rm -rf lake && eval "$how" | lk-commit -l lake && holds people 1 4 &&
		sqlite3 lake/catalog.db "select count(distinct path) from lk_ledger_path" >actual && echo 4 >expect && test_cmp expect actual &&
		lk-unpack -v -l lake odd/FAC1/people* 2>err | lk-cat >out && test "$(grep -c "in the lake already" err)" = 4 && ! grep "$(printf "\\033")" err &&
		expect_error 66 "cannot open '\''no\\x1b[2J\\nsuch\\xff'\''" lk-parse -s sources "$(printf "no\\033[2J\\nsuch\\377")" || return 1
	done
'

test_expect_success 'misuse' '
	expect_error 64 "a path is needed" lk-ingest -l lake -s sources &&
	expect_error 64 "sources are needed" lk-ingest -l lake many &&
	expect_error 64 "not '\''soon'\''" ingest --commit-every soon many &&
	expect_error 64 "not '\''0'\''" ingest --commit-every 0 many &&
	expect_error 64 "--done" ingest --done x --stage y many &&
	expect_error 64 "exclude each other" ingest --keyring keyring --passphrase-file keys/right many &&
	expect_error 66 "nowhere" ingest many nowhere &&
	expect_error 66 "nowhere.json" lk-ingest -l fresh -s nowhere.json many && ! test -e fresh &&
	expect_error 66 "nowhere" lk-ingest -l fresh -s sources nowhere && ! test -e fresh
'

test_expect_success 'an empty folder is no error' '
	mkdir nothing && ingest nothing >out && grep "^0 deliveries: 0 loaded" out
'

test_expect_success 'staging nothing stages nothing, which commits as nothing' '
	rm -rf lake empty && ingest -q --stage empty nothing && lk-commit -l lake --staged empty >out && echo "nothing to commit" >expect &&
	test_cmp expect out && ingest -q many && ingest -q --stage empty/too many && lk-commit -l lake --staged empty/too >out && test_cmp expect out
'

test_expect_success 'progress on demand, and on standard error only' '
	rm -rf lake && ingest --progress many >out 2>err && grep -q "of 120 deliveries" err && ! grep -q "of 120" out &&
	rm -rf lake && ingest many >out 2>err && test_cmp /dev/null err
'

test_done
