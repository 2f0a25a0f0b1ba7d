"""Reads every manifest list and manifest of a lake with Apache's Avro library, and holds them to the Iceberg specification
(v2, "Manifests", "Manifest Lists") and to the files they name: `manifests.py LAKE [TABLE...]`; without tables, all of them.

Prints what it read; a fault is an AssertionError that says where.
"""
import json
import os
import sys

import avro.datafile
import avro.io
import pyarrow.parquet as pq

from summary import catalog_tables

# name -> (field id, type); optional ones in brackets. The order is Java's, which readers by position rely on.
MANIFEST_LIST = {
    "manifest_path": (500, "string"), "manifest_length": (501, "long"), "partition_spec_id": (502, "int"),
    "content": (517, "int"), "sequence_number": (515, "long"), "min_sequence_number": (516, "long"),
    "added_snapshot_id": (503, "long"), "added_files_count": (504, "int"), "existing_files_count": (505, "int"),
    "deleted_files_count": (506, "int"), "added_rows_count": (512, "long"), "existing_rows_count": (513, "long"),
    "deleted_rows_count": (514, "long"), "partitions": (507, ["array"]), "key_metadata": (519, ["bytes"]),
}
MANIFEST = {
    "status": (0, "int"), "snapshot_id": (1, ["long"]), "sequence_number": (3, ["long"]),
    "file_sequence_number": (4, ["long"]), "data_file": (2, "record"),
}
DATA_FILE = {
    "content": (134, "int"), "file_path": (100, "string"), "file_format": (101, "string"), "partition": (102, "record"),
    "record_count": (103, "long"), "file_size_in_bytes": (104, "long"), "column_sizes": (108, ["map", 117, 118, "long"]),
    "value_counts": (109, ["map", 119, 120, "long"]), "null_value_counts": (110, ["map", 121, 122, "long"]),
    "nan_value_counts": (137, ["map", 138, 139, "long"]), "lower_bounds": (125, ["map", 126, 127, "bytes"]),
    "upper_bounds": (128, ["map", 129, 130, "bytes"]), "key_metadata": (131, ["bytes"]), "split_offsets": (132, ["array"]),
    "equality_ids": (135, ["array"]), "sort_order_id": (140, ["int"]),
}
# "Reserved Field IDs": what a file of position deletes is made of.
DELETES = {"type": "struct", "schema-id": 0, "fields": [
    {"id": 2147483546, "name": "file_path", "required": True, "type": "string"},
    {"id": 2147483545, "name": "pos", "required": True, "type": "long"}]}


def local(uri):
    assert uri.startswith("file:///"), f"{uri} is not an absolute URI"
    return uri[len("file://"):]


def check_schema(where, schema, expected):
    """The record has these fields, with these ids and types; more may follow."""
    fields = {f["name"]: f for f in schema["fields"]}
    order = [name for name in fields if name in expected]
    assert order == [name for name in expected if name in fields], f"{where}: fields in the order {order}"
    for name, (field_id, kind) in expected.items():
        if name not in fields and isinstance(kind, list) and name in ("key_metadata", "equality_ids", "sort_order_id"):
            continue
        assert name in fields, f"{where}: lacks the field {name}"
        field = fields[name]
        assert field.get("field-id") == field_id, f"{where}: {name} has field-id {field.get('field-id')}"
        got = field["type"]
        if isinstance(kind, list):
            assert isinstance(got, list) and got[0] == "null" and len(got) == 2, f"{where}: {name} is not optional: {got}"
            assert field.get("default", "absent") is None, f"{where}: {name} has no default null"
            got = got[1]
            check_optional(f"{where}: {name}", got, kind)
        else:
            got = got["type"] if isinstance(got, dict) else got
            assert got == kind, f"{where}: {name} is {got}"


def check_optional(where, got, kind):
    if kind[0] == "map":
        assert got["type"] == "array" and got.get("logicalType") == "map", f"{where}: {got}"
        key, value = got["items"]["fields"]
        assert (key["name"], key["field-id"], key["type"]) == ("key", kind[1], "int"), f"{where}: {key}"
        assert (value["name"], value["field-id"], value["type"]) == ("value", kind[2], kind[3]), f"{where}: {value}"
    elif kind[0] == "array":
        assert got["type"] == "array" and isinstance(got.get("element-id"), int), f"{where}: {got}"
    else:
        assert got == kind[0], f"{where}: {got}"


def read_avro(path):
    """(metadata, schema, records)"""
    with open(path, "rb") as file, avro.datafile.DataFileReader(file, avro.io.DatumReader()) as reader:
        meta = {k: v for k, v in reader.meta.items()}
        return meta, json.loads(meta["avro.schema"]), list(reader)


def check_data_file(where, data, schema):
    """What the manifest says of a data file is what the file says of itself."""
    path = local(data["file_path"])
    assert os.path.getsize(path) == data["file_size_in_bytes"], f"{where}: file_size_in_bytes of {path}"
    assert data["file_format"].upper() == "PARQUET" and data["content"] in (0, 1), where
    schema = DELETES if data["content"] else schema
    file = pq.ParquetFile(path)
    meta = file.metadata
    assert meta.num_rows == data["record_count"], f"{where}: record_count of {path}"
    ids = {int(file.schema_arrow.field(i).metadata[b"PARQUET:field_id"]): file.schema_arrow.field(i).name
           for i in range(len(file.schema_arrow.names))}
    names = {f["id"]: f["name"] for f in schema["fields"]}
    assert set(ids) <= set(names), f"{where}: field ids {sorted(ids)} of {path}"
    offsets = [meta.row_group(g).column(0).dictionary_page_offset or meta.row_group(g).column(0).data_page_offset
               for g in range(meta.num_row_groups)]
    if data["split_offsets"] is not None:
        assert data["split_offsets"] == offsets, f"{where}: split_offsets {data['split_offsets']}, row groups at {offsets}"
    pairs = lambda name: {p["key"]: p["value"] for p in data[name] or []}
    values, nulls, sizes = pairs("value_counts"), pairs("null_value_counts"), pairs("column_sizes")
    lower, upper = pairs("lower_bounds"), pairs("upper_bounds")
    table = file.read()
    for i, field_id in enumerate(ids):
        column = table.column(i)
        assert values[field_id] == len(column), f"{where}: value_counts of {ids[field_id]}"
        assert nulls[field_id] == column.null_count, f"{where}: null_value_counts of {ids[field_id]}"
        total = sum(meta.row_group(g).column(i).total_compressed_size for g in range(meta.num_row_groups))
        assert sizes[field_id] == total, f"{where}: column_sizes of {ids[field_id]}"
        kind = next(f["type"] for f in schema["fields"] if f["id"] == field_id)
        check_bounds(f"{where}: {ids[field_id]}", kind, column, lower.get(field_id), upper.get(field_id))


def check_deletes(where, data, live):
    """Rows are sorted and name live data files byte for byte, and rows that these have; bounds of file_path are whole."""
    rows = pq.ParquetFile(local(data["file_path"])).read().to_pylist()
    places = [(r["file_path"], r["pos"]) for r in rows]
    assert places == sorted(set(places)) and places, f"{where}: not sorted, or twice"
    for path, pos in places:
        assert path in live and 0 <= pos < live[path], f"{where}: row {pos} of {path}"
    paths = sorted({path for path, _ in places})
    bounds = [{p["key"]: p["value"] for p in data[name]}[2147483546].decode() for name in ("lower_bounds", "upper_bounds")]
    assert bounds == [paths[0], paths[-1]], f"{where}: bounds of file_path are cut"
    assert data["referenced_data_file"] == (paths[0] if len(paths) == 1 else None), f"{where}: referenced_data_file"
    assert data["sort_order_id"] is None, f"{where}: sort_order_id"


def check_bounds(where, kind, column, lower, upper):
    """Every value lies between the bounds, and the bounds are tight where the type is not a text or binary."""
    from pyiceberg.conversions import from_bytes
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField
    import pyarrow as pa
    field_type = NestedField(1, "x", Schema.model_validate({"type": "struct", "schema-id": 0, "fields": [
        {"id": 1, "name": "x", "required": False, "type": kind}]}).fields[0].field_type).field_type
    if kind in ("date", "time", "timestamp", "timestamptz"):
        column = column.cast(pa.int32() if kind == "date" else pa.int64())
    items = [v for v in column.to_pylist() if v is not None and not (kind == "double" and v != v)]
    if not items:
        assert lower is None and upper is None, f"{where}: bounds without values"
        return
    if kind in ("string", "binary"):
        if lower is not None:
            assert from_bytes(field_type, lower) <= min(items), f"{where}: lower bound"
        if upper is not None:
            assert from_bytes(field_type, upper) >= max(items), f"{where}: upper bound"
        return
    assert lower is not None and upper is not None, f"{where}: no bounds"
    assert (from_bytes(field_type, lower), from_bytes(field_type, upper)) == (min(items), max(items)), f"{where}: bounds"


def same_form(schema):
    """Writers differ in what they leave out, and in blanks: "decimal(9,2)"."""
    fields = [{**f, "type": str(f["type"]).replace(", ", ",")} for f in schema["fields"]]
    return {**schema, "fields": fields, "identifier-field-ids": schema.get("identifier-field-ids", [])}


def check_manifest(where, entry, metadata, live, deletes):
    path = local(entry["manifest_path"])
    where = f"{where}: {os.path.basename(path)}"
    assert os.path.getsize(path) == entry["manifest_length"], f"{where}: manifest_length"
    meta, schema, records = read_avro(path)
    check_schema(where, schema, MANIFEST)
    check_schema(where, next(f["type"] for f in schema["fields"] if f["name"] == "data_file"), DATA_FILE)
    kind = [b"data", b"deletes"][entry["content"]]
    assert meta["content"] == kind and meta["format-version"] == b"2", f"{where}: {meta['content']} {meta['format-version']}"
    assert int(meta["partition-spec-id"]) == entry["partition_spec_id"], f"{where}: partition-spec-id"
    json.loads(meta["partition-spec"])
    table_schema = json.loads(meta["schema"])
    assert same_form(table_schema) in map(same_form, metadata["schemas"]), f"{where}: its schema is none of the table's"
    assert records, f"{where}: no entries"
    counts = {0: [0, 0], 1: [0, 0], 2: [0, 0]}
    for record in records:
        counts[record["status"]][0] += 1
        counts[record["status"]][1] += record["data_file"]["record_count"]
        if record["status"] == 1:
            assert record["snapshot_id"] in (None, entry["added_snapshot_id"]), f"{where}: snapshot_id of an added file"
        if record["status"] != 2:
            check_data_file(where, record["data_file"], table_schema)
            assert record["data_file"]["content"] == entry["content"], f"{where}: content of a file"
            if not entry["content"]:
                live[record["data_file"]["file_path"]] = record["data_file"]["record_count"]
            else:
                deletes.append((where, record["data_file"]))
    for status, word in ((1, "added"), (0, "existing"), (2, "deleted")):
        assert counts[status] == [entry[f"{word}_files_count"], entry[f"{word}_rows_count"]], f"{where}: {word} counts"
    return sum(r["status"] != 2 for r in records)


def check_table(where, location):
    with open(local(location)) as file:
        metadata = json.load(file)
    assert metadata["format-version"] == 2, where
    assert [s["schema-id"] for s in metadata["schemas"]] == sorted({s["schema-id"] for s in metadata["schemas"]}), where
    ids = [f["id"] for s in metadata["schemas"] for f in s["fields"]]
    assert not ids or max(ids) == metadata["last-column-id"], f"{where}: last-column-id"
    lists = manifests = files = 0
    for snapshot in metadata.get("snapshots", []):
        meta, schema, records = read_avro(local(snapshot["manifest-list"]))
        here = f"{where}: {os.path.basename(snapshot['manifest-list'])}"
        check_schema(here, schema, MANIFEST_LIST)
        assert int(meta["snapshot-id"]) == snapshot["snapshot-id"], f"{here}: snapshot-id in the header"
        assert int(meta["sequence-number"]) == snapshot["sequence-number"], f"{here}: sequence-number in the header"
        assert meta["format-version"] == b"2", f"{here}: format-version"
        rows = deleted = 0
        live, deletes = {}, []
        lists += 1
        for entry in records:
            assert entry["min_sequence_number"] <= entry["sequence_number"] <= snapshot["sequence-number"], here
            files += check_manifest(here, entry, metadata, live, deletes)
            manifests += 1
            count = entry["added_rows_count"] + entry["existing_rows_count"]
            rows += 0 if entry["content"] else count
            deleted += count if entry["content"] else 0
        for name, data in deletes:
            check_deletes(name, data, live)
        assert rows == int(snapshot["summary"]["total-records"]), f"{here}: total-records"
        assert deleted == int(snapshot["summary"]["total-position-deletes"]), f"{here}: total-position-deletes"
        assert len(deletes) == int(snapshot["summary"]["total-delete-files"]), f"{here}: total-delete-files"
    return lists, manifests, files


if __name__ == "__main__":
    total = [0, 0, 0]
    for namespace, table, location in catalog_tables(os.path.abspath(sys.argv[1])):
        if not sys.argv[2:] or table in sys.argv[2:]:
            total = [a + b for a, b in zip(total, check_table(f"{namespace}.{table}", location))]
    print(*total)
