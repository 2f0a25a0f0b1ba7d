#!/bin/sh
# Metadata as tables in SQL, with the columns that Spark has.
. "$(dirname "$0")/test-lib.sh"

answers() { # SQL [OPTION...]
	sql=$1
	shift
	cat >expect && lk-query -F csv "$@" "$sql" >actual && test_cmp expect actual
}

test_expect_success 'a table of two commits' '
	lk-query -F arrow --as t "select i as id, '\''n'\'' || i as name, date '\''2026-01-01'\'' + i::int as day, case when i = 1 then null else i / 4 end as half
		from range(3) t(i)" >1.lk && lk-commit -q -l lake --once 1 <1.lk &&
	lk-query -F arrow --as t "select i as id, '\''n'\'' || i as name, date '\''2026-01-01'\'' + i::int as day, '\''nan'\''::double as half
		from range(10, 15) t(i)" >2.lk && lk-commit -q -l lake --once 2 <2.lk
'

test_expect_success '$snapshots and $history' '
	printf "operation,added,total\nappend,3,3\nappend,5,8\n" | answers "select operation, summary['\''added-records'\''] as added,
		summary['\''total-records'\''] as total from \"t\$snapshots\" order by committed_at" -l lake &&
	printf "n\n1\n" | answers "select count(*) as n from main.t\$snapshots a join main.\"t\$snapshots\" b on a.parent_id = b.snapshot_id" -l lake &&
	printf "n,all_ancestors\n2,true\n" | answers "select count(*) as n, bool_and(is_current_ancestor) as all_ancestors
		from t\$history h join t\$snapshots s on s.snapshot_id = h.snapshot_id and s.committed_at = h.made_current_at" -l lake &&
	lk-query -l lake -F csv "select max(manifest_list) from t\$snapshots" | tail -n 1 >uri && [ -f "$(sed "s|^file://||" uri)" ]
'

test_expect_success '$refs' '
	printf "name,type,same\nmain,BRANCH,true\n" | answers "select name, type, snapshot_id = (select last(snapshot_id order by committed_at) from t\$snapshots)
		as same from t\$refs" -l lake
'

test_expect_success '$manifests' '
	printf "content,files,spec\n0,1,0\n0,1,0\n" | answers "select content, added_data_files_count + existing_data_files_count as files,
		partition_spec_id as spec from t\$manifests" -l lake &&
	lk-query -l lake -F csv "select path, length from t\$manifests" | sed 1d >list && while IFS=, read -r path length; do
		[ "$(stat -c %s "${path#file://}")" = "$length" ] || return 1
	done <list
'

test_expect_success '$files' '
	printf "rows,format,lo,hi,nulls,nans\n3,PARQUET,n0,n2,1,0\n5,PARQUET,n10,n14,0,5\n" | answers "select record_count as rows, file_format as format,
		readable_metrics.name.lower_bound as lo, readable_metrics.name.upper_bound as hi, null_value_counts[4] as nulls,
		nan_value_counts[4] as nans from \"t\$files\" order by 1" -l lake &&
	printf "lo,hi\n2026-01-01,2026-01-15\n" | answers "select min(readable_metrics.day.lower_bound) as lo, max(readable_metrics.day.upper_bound) as hi
		from t\$files" -l lake &&
	lk-query -l lake -F csv "select hex(lower_bounds[1]) as b from t\$files order by 1 desc limit 1" >actual && printf "b\n0A00000000000000\n" >expect &&
	test_cmp expect actual &&
	lk-query -l lake -F csv "select file_path, file_size_in_bytes from t\$files" | sed 1d >list && while IFS=, read -r path bytes; do
		[ "$(stat -c %s "${path#file://}")" = "$bytes" ] || return 1
	done <list
'

test_expect_success '$partitions' '
	printf "record_count,file_count,deletes\n8,2,0\n" | answers "select record_count, file_count, position_delete_record_count as deletes
		from t\$partitions" -l lake
'

test_expect_success 'they are of the moment that is meant, and join with rows' '
	first=$(lk-query -l lake -F csv "select min_by(snapshot_id, committed_at) from t\$snapshots" | tail -n 1) &&
	printf "n\n1\n" | answers "select count(*) as n from \"t\$files@$first\"" -l lake &&
	printf "n\n1\n" | answers "select count(*) as n from t\$files" -l lake --at "$first" &&
	printf "n,f\n8,2\n" | answers "select count(*) as n, (select count(*) from t\$files) as f from t" -l lake
'

test_expect_success 'a table without rows has them too' '
	lk-query -F arrow --as empty "select 1 as a where false" >0.lk && lk-commit -q -l lake --once 0 <0.lk &&
	for kind in snapshots history refs manifests files; do
		printf "n\n0\n" | answers "select count(*) as n from empty\$$kind" -l lake || return 1
	done &&
	printf "record_count,file_count\n0,0\n" | answers "select record_count, file_count from empty\$partitions" -l lake
'

test_expect_success 'what is not there is told' '
	expect_error 65 "there are \$snapshots, \$history, \$refs, \$manifests, \$files and \$partitions" lk-query -l lake "from t\$nope" &&
	expect_error 65 "no table '\''tt'\''" lk-query -l lake "from \"tt\$files\"" &&
	expect_error 65 "no table" lk-query -l lake "from \"rejects\$files\""
'

test_expect_success 'columns are named as in Spark' '
	cat >expect <<-\EOF_ &&
	snapshots: committed_at snapshot_id parent_id operation manifest_list summary
	history: made_current_at snapshot_id parent_id is_current_ancestor
	refs: name type snapshot_id max_reference_age_in_ms min_snapshots_to_keep max_snapshot_age_in_ms
	manifests: content path length partition_spec_id added_snapshot_id added_data_files_count existing_data_files_count deleted_data_files_count added_delete_files_count existing_delete_files_count deleted_delete_files_count partition_summaries
	files: content file_path file_format spec_id record_count file_size_in_bytes column_sizes value_counts null_value_counts nan_value_counts lower_bounds upper_bounds key_metadata split_offsets equality_ids sort_order_id referenced_data_file readable_metrics
	partitions: record_count file_count total_data_file_size_in_bytes position_delete_record_count position_delete_file_count equality_delete_record_count equality_delete_file_count last_updated_at last_updated_snapshot_id
	EOF_
	for kind in snapshots history refs manifests files partitions; do
		echo "$kind: $(lk-query -l lake -F csv "select column_name from (describe t\$$kind)" | sed 1d | tr "\n" " " | sed "s/ \$//")"
	done >actual && test_cmp expect actual
'

test_done
