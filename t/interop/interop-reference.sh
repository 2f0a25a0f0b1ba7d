#!/bin/sh
# What lk writes beside what the reference implementation writes of the same rows: every fact of metadata, manifest lists and
# manifests, and what Spark's metadata tables make of them. Each difference that is meant stands here with its reason.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_PYICEBERG" ] || test_skip_all 'PyIceberg cannot be had here, and pyarrow makes the rows'
[ -n "$LK_INTEROP_SPARK" ] || test_skip_all 'Spark, the reference implementation, cannot be had here'
here=$LK_TOP/t/interop
python() { "$LK_INTEROP_PYICEBERG/bin/python" -W ignore "$@"; }
spark() { "$LK_INTEROP_SPARK/bin/python" -W ignore "$@"; }

test_expect_success 'lk, PyIceberg and Spark make the same tables' '
	python "$here/matrix.py" rows &&
	for writer in lk pyiceberg; do python "$here/reference_tables.py" $writer lake || return 1; done &&
	spark "$here/reference_tables.py" spark lake
'

# What the two have by themselves: names and versions of who wrote, and properties that each sets.
without_names() { grep -Ev 'metadata\.(properties|snapshots\.summary)\.(lk\.|write\.|owner|app-|engine-|iceberg-version|spark\.)'; }
differ() { # TABLE
	python "$here/reference.py" lake "lk_$1" "spark_$1" >facts && without_names <facts >actual && cat actual && test_cmp expect actual
}

# The specification wants the id of the schema in the header of a manifest, and Spark leaves it out.
test_expect_success 'lk writes each fact of a table as the reference implementation does' '
	echo "- data header.schema-id = 0" >expect && differ none
'
# The lower bound of zeros is -0.0, as the formats of Parquet and Iceberg want it where the sign of zero is not known.
test_expect_success 'and of a partitioned table' '
	{ echo "- data entry.data_file.lower_bounds.5 = 0000000000000080"
	echo "- data header.schema-id = 0"
	echo "+ data entry.data_file.lower_bounds.5 = 0000000000000000"; } >expect && differ day_t
'
# Files of deletes: lk writes one for a partition where Spark writes one for each data file (both is allowed; less files are
# less to open), counts its values, and names the data file when it is one, as later versions of the specification have it.
# Fields by bucket are called l_bucket_4, as Spark does in ALTER TABLE, and not l_bucket, as it does in CREATE TABLE.
test_expect_success 'and of files of deletes' '
	python "$here/reference.py" lake lk_bucket_l spark_bucket_l >facts &&
	without_names <facts | sed "s/l_bucket_4/l_bucket/g" | grep -v "l_bucket" | sed "s/ = .*//" | sort | uniq >actual && cat actual &&
	{ echo "+ deletes entry.data_file.lower_bounds.2147483545"
	echo "+ deletes entry.data_file.nan_value_counts"
	echo "+ deletes entry.data_file.null_value_counts"
	echo "+ deletes entry.data_file.record_count"
	echo "+ deletes entry.data_file.upper_bounds.2147483545"
	echo "+ deletes entry.data_file.value_counts"
	echo "+ list of deletes.added_files_count"
	echo "+ metadata.snapshots.summary.added-delete-files"
	echo "+ metadata.snapshots.summary.added-position-delete-files"
	echo "+ metadata.snapshots.summary.total-delete-files"
	echo "- data header.schema-id"
	echo "- deletes entry.data_file.nan_value_counts"
	echo "- deletes entry.data_file.null_value_counts.2147483545"
	echo "- deletes entry.data_file.null_value_counts.2147483546"
	echo "- deletes entry.data_file.record_count"
	echo "- deletes entry.data_file.referenced_data_file"
	echo "- deletes entry.data_file.value_counts.2147483545"
	echo "- deletes entry.data_file.value_counts.2147483546"
	echo "- deletes header.schema-id"
	echo "- list of deletes.added_files_count"
	echo "- metadata.snapshots.summary.added-delete-files"
	echo "- metadata.snapshots.summary.added-position-delete-files"
	echo "- metadata.snapshots.summary.total-delete-files"; } | sort >expect && test_cmp expect actual
'

test_expect_success 'Spark shows the same in \$files, \$entries, \$manifests, \$partitions, \$snapshots, \$history and \$refs' '
	spark "$here/reference_views.py" lake none day_t >actual && cat actual &&
	[ "$(wc -l <actual)" = 1 ] && read -r count rest <actual && [ "$count" -ge 60 ]
'

test_expect_success 'Apache Avro holds manifests of all three writers to the specification' '
	python "$here/manifests.py" lake lk_none lk_day_t lk_bucket_l
'
test_expect_success 'lk-fsck finds nothing in tables of any of them, data and all' '
	lk-fsck -d -l lake >found && [ ! -s found ]
'

test_done
