#!/bin/sh
# lk-unpack: what `openssl enc` encrypted, by openssl itself.
. "$(dirname "$0")/test-lib.sh"

rows() {
	lk-cat -t lk.members -F json |
		python3 -c '
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    content = row["content"]
    size = "-" if content is None else (len(content) - 2) // 2
    print(row["delivery"], row["member"] or "(empty)", row["status"], size, row["passphrase"] or "-", sep="|")'
}
pass() { printf '%s\n' "$2" >"$1" && chmod 600 "$1"; }
pass good 'correct horse'
pass wrong incorrect
pass long "$(printf '%0200d' 7)"

# enc FROM TO [OPTION...]
enc() {
	from=$1 to=$2
	shift 2
	openssl enc -e -in "$from" -out "$to" -pass file:good "$@" 2>/dev/null
}

# What comes out of a delivery, byte for byte.
same() { # DELIVERY MEMBER ORIGINAL [OPTION...]
	from=$1 member=$2 original=$3
	shift 3
	rm -rf x && lk-unpack -q -x x --passphrase-file good "$@" "$from" && cmp "x/$(basename "$from")/$member" "$original"
}

printf 'id,name\n1,Zo\303\253\n' >a.csv
gzip -nc a.csv >a.csv.gz
python3 -c '
import random
r = random.Random(7)
for i in range(720000):
    print(i, r.randrange(10**9), "ward %d" % (i % 7), sep=",")' >large.csv
gzip -1nc large.csv >large.csv.gz

test_expect_success 'gzip by the usual command' '
	enc a.csv.gz secret.csv.gz.enc -aes-256-cbc -pbkdf2 && same secret.csv.gz.enc secret.csv a.csv &&
	lk-unpack --passphrase-file good secret.csv.gz.enc | rows >actual &&
	echo "secret.csv.gz.enc|secret.csv|ok|15|good" >expect && test_cmp expect actual
'

test_expect_success 'content tells, not the name' '
	cp secret.csv.gz.enc anything.csv && same anything.csv anything.csv a.csv
'

test_expect_success 'every way and cipher that is known' '
	n=0 &&
	for way in "-pbkdf2" "-md sha256" "-md md5" "-pbkdf2 -md sha1" "-pbkdf2 -md sha512" "-pbkdf2 -iter 1000" "-pbkdf2 -iter 100000"
	do
		for cipher in aes-256-cbc aes-128-cbc aes-192-cbc
		do
			n=$((n + 1)) && enc a.csv.gz way$n.csv.gz.aes -$cipher $way && same way$n.csv.gz.aes way$n.csv a.csv || return 1
		done
	done &&
	enc a.csv.gz dear.gz.enc -aes-256-cbc -pbkdf2 -iter 600000 && same dear.gz.enc dear a.csv &&
	lk-unpack --passphrase-file good way*.aes dear.gz.enc | rows | grep -c "|ok|15|good" >count && echo 22 | test_cmp - count
'

test_expect_success 'whatever has a check of its own may be in it' '
	xz -c a.csv >a.csv.xz && bzip2 -c a.csv >a.csv.bz2 && zstd -qc a.csv >a.csv.zst && tar -czf a.tgz a.csv &&
	7z a -bso0 -bsp0 -tzip a.zip a.csv && 7z a -bso0 -bsp0 a.7z a.csv &&
	for kind in csv.xz csv.bz2 csv.zst tgz zip 7z
	do
		enc a.$kind a.$kind.enc -aes-256-cbc -pbkdf2 && same a.$kind.enc a.csv a.csv || return 1
	done
'

test_expect_success 'a zip in it may be encrypted once more, and archives in archives are opened' '
	7z a -bso0 -bsp0 -tzip -pincorrect -mem=AES256 twice.zip a.csv && enc twice.zip twice.zip.enc -aes-256-cbc -pbkdf2 &&
	printf "* good good\n* wrong wrong\n" >ring && chmod 600 ring &&
	lk-unpack --keyring ring twice.zip.enc | rows >actual && echo "twice.zip.enc|a.csv|ok|15|wrong" >expect &&
	test_cmp expect actual &&
	7z a -bso0 -bsp0 -tzip outer.zip secret.csv.gz.enc a.csv && lk-unpack --nested --keyring ring outer.zip | rows >actual &&
	printf "outer.zip|a.csv|ok|15|-\nouter.zip|secret.csv.gz.enc!secret.csv|ok|15|good\n" >expect && test_cmp expect actual &&
	lk-unpack outer.zip | rows | grep "outer.zip|secret.csv.gz.enc|ok|$(wc -c <secret.csv.gz.enc)|-"
'

# More than one piece (8 MiB) of content, more than is held of a delivery (16 MiB), whatever there is of memory.
test_expect_success 'large ones, from a file and through a pipe, in bounded memory' '
	enc large.csv.gz large.csv.gz.enc -aes-256-cbc -pbkdf2 && same large.csv.gz.enc large.csv large.csv &&
	7z a -bso0 -bsp0 -tzip -mx=0 large.zip large.csv a.csv && enc large.zip large.zip.enc -aes-256-cbc -pbkdf2 &&
	[ $(wc -c <large.zip.enc) -gt 16777216 ] &&
	(limit_memory 150000 && same large.zip.enc large.csv large.csv && same large.zip.enc a.csv a.csv) &&
	cat large.zip.enc | lk-unpack --passphrase-file good - | rows >actual && grep -q "|a.csv|ok|15|good" actual
'

test_expect_success 'what is wrong is said, and nothing comes out' '
	head -n 100 large.csv >plain.csv && enc plain.csv plain.csv.enc -aes-256-cbc -pbkdf2 && tar -cf a.tar a.csv && enc a.tar a.tar.enc -aes-256-cbc -pbkdf2 &&
	xz --check=none -c a.csv >none.xz && enc none.xz none.xz.enc -aes-256-cbc -pbkdf2 &&
	zstd -q --no-check -c a.csv >none.zst && enc none.zst none.zst.enc -aes-256-cbc -pbkdf2 &&
	for f in plain.csv.enc a.tar.enc none.xz.enc none.zst.enc
	do
		expect_status 1 lk-unpack -q --passphrase-file good $f 2>err >out.lk || return 1
		grep "has no check of its own: gzip it before it is encrypted" err || { cat err; return 1; }
		rows <out.lk >actual && echo "$f|(empty)|failed|-|-" | test_cmp - actual || return 1
	done &&
	expect_status 1 lk-unpack -q --passphrase-file wrong secret.csv.gz.enc 2>err >out.lk &&
	grep "encrypted by openssl enc, and no passphrase fits (1 tried)" err &&
	expect_status 1 lk-unpack -q secret.csv.gz.enc 2>err >out.lk && grep "no passphrase was given for it" err &&
	head -c 40 secret.csv.gz.enc >cut.enc && expect_status 1 lk-unpack -q --passphrase-file good cut.enc 2>err >out.lk &&
	grep "cut short: its size is not one" err &&
	printf "Salted__12345678" >bare.enc && expect_status 1 lk-unpack -q --passphrase-file good bare.enc 2>err >out.lk &&
	grep "cut short" err && ! grep -q horse err
'

# Bytes of the content, changed: CBC has no check, gzip does. Of its header and end, some bytes mean nothing to it.
test_expect_success 'damage never comes out as content' '
	cat >damage.py <<-\EOF &&
	import subprocess, sys
	good = open("secret.csv.gz.enc", "rb").read()
	names = []
	for at in (20, 33, 37, 41):
	    names.append("damaged%d.enc" % at)
	    open(names[-1], "wb").write(good[:at] + bytes([good[at] ^ 0x20]) + good[at + 1:])
	for size in (9, 47):
	    names.append("shorter%d.enc" % size)
	    open(names[-1], "wb").write(good[:size])
	print("\0".join(names), end="")
	EOF
	python3 damage.py >names && lk-unpack -q --files-from names --passphrase-file good 2>err >out.lk
	[ $? = 1 ] && lk-cat -t lk.members -F json out.lk | python3 -c "
import json, sys
want = \"\\\\x\" + open(\"a.csv\", \"rb\").read().hex()
ok = failed = 0
for line in sys.stdin:
    row = json.loads(line)
    if row[\"status\"] == \"ok\":
        assert row[\"content\"] == want, row
        ok += 1
    else:
        failed += 1
print(ok, failed)
assert failed + ok == 6 and ok < 2"
'

test_expect_success 'from there to rows' '
	printf "%s\n" "{\"name\":\"p\",\"resources\":[{\"name\":\"t\",\"path\":\"*.csv\",\"schema\":{\"fields\":[{\"name\":\"id\",\"type\":\"integer\"},{\"name\":\"name\"}]}}]}" >p.json &&
	lk-unpack --passphrase-file good secret.csv.gz.enc | lk-parse -s p.json | lk-cat -t t -F csv | cut -d, -f1-3 >actual &&
	printf "id,name,lk_file\n1,Zoë,secret.csv.gz.enc@%s!secret.csv\n" $(sha256sum secret.csv.gz.enc | cut -c1-12) >expect &&
	test_cmp expect actual &&
	lk-unpack --list -F csv --passphrase-file good secret.csv.gz.enc >list && grep "secret.csv.gz.enc,secret.csv,.*,true,ok" list &&
	lk-unpack --test --passphrase-file good secret.csv.gz.enc >list && printf "secret.csv.gz.enc\tgood\n" | test_cmp - list
'

test_done
