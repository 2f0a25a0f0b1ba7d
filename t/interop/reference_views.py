"""Tables as Spark's metadata tables show them: `reference_views.py LAKE TABLE...` prints what differs between lk_TABLE and spark_TABLE,
and how much was compared.

readable_metrics are what the reference implementation makes of counts and bounds in manifests: it shows whether it understands ours.
"""
import os
import re
import sys

from session import Spark

VIEWS = {
    "files": "select content, file_format, spec_id, {partition} as p, record_count, value_counts, null_value_counts, nan_value_counts, lower_bounds,"
             " upper_bounds, split_offsets, sort_order_id, equality_ids, readable_metrics from {table}.files",
    "entries": "select status, sequence_number, file_sequence_number, readable_metrics from {table}.entries",
    "manifests": "select content, partition_spec_id, added_data_files_count, existing_data_files_count, deleted_data_files_count,"
                 " added_delete_files_count, partition_summaries from {table}.manifests",
    "partitions": "select {partition} as p, {spec} as spec_id, record_count, file_count, position_delete_record_count, position_delete_file_count,"
                  " equality_delete_record_count, equality_delete_file_count from {table}.partitions",
    "snapshots": "select operation, parent_id is null as first, summary['total-records'] as rows, summary['added-records'] as added from {table}.snapshots",
    "history": "select is_current_ancestor, parent_id is null as first from {table}.history",
    "refs": "select name, type, max_reference_age_in_ms, min_snapshots_to_keep from {table}.refs",
    "metadata_log_entries": "select latest_schema_id, latest_sequence_number from {table}.metadata_log_entries",
    "all_data_files": "select content, record_count, readable_metrics from {table}.all_data_files",
}


def seen(text):
    """A row as text, without the sizes of columns on disk. The lower bound of zero is -0.0 to lk, as Parquet wants it."""
    text = re.sub(r"column_size=\d+", "column_size=N", str(text)).replace("=-0.0", "=0.0")
    return text.replace(r"bytearray(b'\x00\x00\x00\x00\x00\x00\x00\x80')", r"bytearray(b'\x00\x00\x00\x00\x00\x00\x00\x00')")


def compare(spark, view, sql, table):
    partition, spec = ("null", "0") if table.startswith("none") else ("partition", "spec_id")
    mine, theirs = (sorted(map(seen, spark.session.sql(sql.format(table=f"lk.main.{writer}_{table}", partition=partition, spec=spec)).collect()))
                    for writer in ("lk", "spark"))
    if len(mine) != len(theirs):
        print(f"{view} of {table}: {len(mine)} rows and {len(theirs)}")
    for a, b in zip(mine, theirs):
        if a != b:
            print(f"{view} of {table}:\n- {a}\n+ {b}")
    return len(mine)


def main():
    lake, *tables = sys.argv[1:]
    compared = 0
    with Spark(os.path.abspath("spark.home"), lake) as spark:
        for view, sql in VIEWS.items():
            for table in tables:
                compared += compare(spark, view, sql, table)
    print(compared, "rows compared")


if __name__ == "__main__":
    main()
