#!/bin/sh
# Real tables of which several editions came out, loaded edition by edition as upserts and as full lists: after each, lk-diff says just what
# an independent script finds in the CSV files, and whatever the order in which they come, the table ends the same.
#
#	EDITIONS=all t/editions.sh	in more orders, and lk-diff of all tables of SDTM and Synthea, not only of some
. "$(dirname "$0")/test-lib.sh"
all=${EDITIONS-}

[ -n "$LK_DATA" ] || test_skip_all 'the public data are not here'

cp "$LK_TOP"/t/editions/*.json . && for p in cms-hospitals sdtm synthea; do mkdir $p && cp "$LK_TOP/contrib/sources/$p/datapackage.json" $p; done
cms="$LK_DATA/csv/cms-hospital-general-information" old=$LK_DATA/csv/sdtm-phuse-cdiscpilot01-from-xpt new=$LK_DATA/csv/sdtm-phuse-updated-cdiscpilot-from-xpt
python() { python3 "$LK_TOP/t/helper/editions.py" "$@"; }

mkdir landing && year=2014 && for f in "$cms"/edition-?-*.csv; do
	year=$((year + 1)) && mkdir landing/${year}0101 && ln "$f" landing/${year}0101/ 2>/dev/null || cp "$f" landing/${year}0101/
done
# Study and population, an archive each.
python3 - "$old" "$new" "$LK_DATA/csv/synthea-older-mcode-rhode-island" "$LK_DATA/csv/synthea-ohdsi-dbt" <<-'EOT'
	import os, sys, zipfile
	os.mkdir("sdtm-landing"), os.mkdir("synthea-landing")
	for folder, archive in zip(sys.argv[1:], ("sdtm-landing/20130101.zip", "sdtm-landing/20140101.zip", "synthea-landing/20190101.zip", "synthea-landing/20230101.zip")):
	    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
	        for name in sorted(os.listdir(folder)):
	            if name.endswith(".csv"):
	                z.write(os.path.join(folder, name), name)
EOT

load() { lk-ingest -q --settle 0 --max-rejects 1000 -s "$@"; } # PACKAGE -l LAKE PATH...

# moment LAKE TABLE: its snapshot now, or a time before all where it has none.
moment() {
	lk-query -l "$1" -F csv "select snapshot_id from ${2%.*}.\"${2#*.}\$snapshots\" order by committed_at desc limit 1" 2>/dev/null | tail -n 1 | grep -x "[0-9]*" || echo 1999-01-01
}

# step PACKAGE RESOURCE LOAD TABLE FROM TO EDITION... : lk-diff of two moments is what the script says of the editions.
step() {
	package=$1 resource=$2 load=$3 table=$4 from=$5 to=$6
	shift 6
	rc=0
	if [ "$from" = "$to" ]; then
		: >said.json
	else
		lk-diff -l lake -t "$table" --json "$from" "$to" >said.json || rc=$?
	fi
	[ $rc -le 1 ] && python diff "$package" "$resource" "$load" "$@" <said.json
}

# editions PACKAGE LOAD: the six, one after the other.
editions() {
	rm -rf lake && before= && for folder in landing/*; do
		from=$(moment lake cms.hospitals) && load $1.json -l lake "$folder" && to=$(moment lake cms.hospitals) && [ "$from" != "$to" ] &&
			step $1.json hospitals "$2" cms.hospitals "$from" "$to" $before -- "$folder"/*.csv || return
		before="$before $(echo "$folder"/*.csv)"
	done && lk-query -l lake -F json "from cms.hospitals" >now && python table $1.json hospitals "$2" $before <now && content lake >want && lk-fsck -q -l lake
}

# The table, but for where rows came from.
content() { lk-query -l "$1" -F csv "select * exclude (lk_file, lk_row, lk_sent) from cms.hospitals order by all"; }

# shuffled PACKAGE ORDER... : other orders end the same, and so does all of it at once.
shuffled() {
	package=$1.json && shift && for order; do
		rm -rf other && for n in $order; do load $package -l other landing/$((2014 + n))0101 || return; done && content other >got && cmp want got || return
	done && rm -rf other && load $package -l other -j 2 --commit-every 2 landing && content other >got && cmp want got &&
		rm -rf other && load $package -l other landing && content other >got && cmp want got
}
orders() { # one of them, unless all are asked for
	[ -n "$all" ] && shuffled "$@" "6 5 4 3 2 1" "2 4 1 6 3 5" || shuffled "$@"
}

test_expect_success 'CMS hospitals, six editions as upserts' 'editions cms upsert'
test_expect_success 'in other orders, two at once, all at once' 'orders cms "3 1 6 2 5 4"'
test_expect_success 'as complete lists: hospitals that vanished go' 'editions cms-full full'
test_expect_success 'lists in other orders: what is older than the newest comes to nothing' 'orders cms-full "4 6 1 3 2 5"'

# both NAME NAMESPACE OLD NEW: an archive of many tables, then a later one.
both() {
	rm -rf lake other && load $1.json -l lake $1-landing/*0101.zip && lk-query -l lake -F csv -f all.$1 >want &&
	set -- "$1" "$2" "$3" "$4" $1-landing/* && load $1.json -l other "$6" && load $1.json -l other "$5" && lk-query -l other -F csv -f all.$1 >got && cmp want got &&
	rm -rf lake && load $1.json -l lake "$5" && for t in $(told $1); do echo "$t $(moment lake $2.$t)"; done >from &&
	load $1.json -l lake "$6" && for t in $(told $1); do echo "$t $(moment lake $2.$t)"; done >to &&
	while read -r t was; do
		is=$(sed -n "s/^$t //p" to) && step $1.json "$t" upsert $2.$t 1999-01-01 "$was" -- "$3" && step $1.json "$t" upsert $2.$t "$was" "$is" "$3" -- "$4" || return
	done <from && lk-query -l lake -F csv -f all.$1 >got && cmp want got && lk-fsck -q -l lake
}
tables() { python3 -c "import json, sys; print(*(r['name'] for r in json.load(open(sys.argv[1]))['resources']))" $1.json; }
told() { # the tables whose changes are looked at
	case $all$1 in
	sdtm) echo ae dm suppdm ts ;;
	synthea) echo medications patients payers procedures ;;
	*) tables "$1" ;;
	esac
}
for p in sdtm synthea; do for t in $(tables $p); do echo "select * exclude (lk_file, lk_row, lk_sent) from $p.$t order by all;"; done >all.$p; done

test_expect_success 'SDTM, as submitted and as updated' 'both sdtm sdtm "$old" "$new"'
test_expect_success 'Synthea, an older export and a newer one' 'both synthea synthea "$LK_DATA/csv/synthea-older-mcode-rhode-island" "$LK_DATA/csv/synthea-ohdsi-dbt"'

test_done
