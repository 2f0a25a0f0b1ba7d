"""What a table's metadata, manifest lists and manifests hold, in lines that can be compared between writers.

    reference.py LAKE TABLE          a line for each fact, sorted
    reference.py LAKE MINE THEIRS    what just one of two tables has: "- " and "+ "

Names of files, ids, times and sizes in bytes differ from writer to writer and become placeholders; every other fact (which
keys and fields there are, in which types; counts, bounds, sequence numbers) stands as it is. Documentation of Avro fields
and the order of keys and of entries are left out.
"""
import json
import os
import re
import sys

from manifests import read_avro
from summary import catalog_tables

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def local(uri):
    return re.sub("^file:(//)?", "", uri)


class Facts:
    def __init__(self, metadata):
        self.lines = []
        self.ids = {s["snapshot-id"]: f"snapshot {n}" for n, s in enumerate(metadata.get("snapshots", []), 1)}

    def name(self, key, value):
        """The placeholder of a value, or the value."""
        if value in self.ids and not isinstance(value, bool):
            return self.ids[value]
        if key.endswith(("-ms", "updated-ms")):
            return "TIME"
        if key.endswith(("files-size", "manifest_length", "file_size_in_bytes")) or ".column_sizes." in key:
            return "BYTES"
        if isinstance(value, bytes):
            return self.path(value.decode()) if value.startswith(b"file:") else value.hex()
        return self.path(value) if isinstance(value, str) else value

    def path(self, text):
        if text.isdigit() and int(text) in self.ids:
            return self.ids[int(text)]
        if not text.startswith("file:"):
            return UUID.sub("UUID", text)
        name = UUID.sub("UUID", re.sub(r"^file:/*.*/main/[^/]*", "", text))
        name = re.sub(r"snap-\d+-\d+-", "snap-ID-N-", name)
        return re.sub(r"/data/.*?(-deletes)?\.parquet", r"/data/NAME.parquet", name)

    def walk(self, key, value):
        if isinstance(value, dict):
            for k, v in value.items():
                self.walk(f"{key}.{k}", v)
            if not value:
                self.lines.append(f"{key} = {{}}")
        elif isinstance(value, list):
            for n, v in enumerate(value):
                self.walk(f"{key}[{n}]", v)
            if not value:
                self.lines.append(f"{key} = []")
        else:
            self.lines.append(f"{key} = {self.name(key, value)}")


def shape(schema):
    """An Avro schema without documentation."""
    if isinstance(schema, dict):
        return {k: shape(v) for k, v in sorted(schema.items()) if k != "doc"}
    return [shape(s) for s in schema] if isinstance(schema, list) else schema


def mapped(record):
    """Avro's maps with numbers for keys, as maps."""
    if isinstance(record, dict):
        return {k: mapped(v) for k, v in record.items()}
    if isinstance(record, list):
        if record and all(isinstance(r, dict) and set(r) == {"key", "value"} for r in record):
            return {str(r["key"]): r["value"] for r in record}
        return [mapped(r) for r in record]
    return record


def header(meta):
    out = {}
    for key, value in meta.items():
        text = value.decode()
        if key in ("avro.schema", "iceberg.schema"):
            continue
        out[key] = json.loads(text) if key in ("schema", "partition-spec") else text
    return out


def facts_of(lake, table):
    location = next(where for _, name, where in catalog_tables(lake) if name == table)
    with open(local(location)) as file:
        metadata = json.load(file)
    facts = Facts(metadata)
    facts.walk("metadata", metadata)
    for n, snapshot in enumerate(metadata["snapshots"], 1):
        meta, schema, lists = read_avro(local(snapshot["manifest-list"]))
        facts.walk(f"list {n} header", header(meta))
        facts.lines.append(f"list schema = {json.dumps(shape(schema))}")
        lists.sort(key=lambda m: (m["content"], m["sequence_number"]))
        for k, entry in enumerate(lists, 1):
            kind = ["data", "deletes"][entry["content"]]
            facts.walk(f"list {n} manifest of {kind} {k}", mapped(entry))
            meta, schema, records = read_avro(local(entry["manifest_path"]))
            facts.lines.append(f"manifest schema of {kind} = {json.dumps(shape(schema))}")
            facts.walk(f"list {n} manifest of {kind} {k} header", header(meta))
            records.sort(key=lambda r: (r["status"], str(r["data_file"]["partition"]), str(r["data_file"]["lower_bounds"])))
            for i, record in enumerate(records, 1):
                facts.walk(f"list {n} manifest of {kind} {k} entry {i}", mapped(record))
    return sorted(set(facts.lines))


def alike(fact):
    """A fact without which of many it is of: two tables have the same ones unless they differ in kind."""
    fact = re.sub(r"list \d+ manifest of (data|deletes) \d+ (entry|header)( \d+)?", r"\1 \2", fact)
    fact = re.sub(r"list \d+ manifest of (data|deletes) \d+", r"list of \1", fact)
    return re.sub(r"(snapshots|-log)\[\d+\]", r"\1", fact)


def main():
    lake, *tables = sys.argv[1:]
    facts = [facts_of(os.path.abspath(lake), table) for table in tables]
    if len(facts) == 1:
        print("\n".join(facts[0]))
        return
    mine, theirs = ({alike(f) for f in known} for known in facts)
    print("\n".join(["- " + f for f in sorted(mine - theirs)] + ["+ " + f for f in sorted(theirs - mine)]))


if __name__ == "__main__":
    main()
