"""Damages a lake in one way that has a name, or lists the names; and reads and writes Avro for those who look into manifests.

    lake-damage.py LAKE TABLE DAMAGE
    lake-damage.py --all GOOD LAKE      for each damage, a copy of GOOD at LAKE is damaged and given to lk-fsck: a line with its name,
                                        `found` or what went wrong, and what lk-fsck found it by
    lake-damage.py --show FILE.avro     its records, a JSON object a line
"""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zlib

# ---- Avro ----


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n < 0 or self.at + n > len(self.data):
            raise ValueError("it ends early")
        self.at += n
        return self.data[self.at - n:self.at]

    def long(self):
        n = shift = 0
        while True:
            byte = self.take(1)[0]
            n |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (n >> 1) ^ -(n & 1)

    def value(self, t, names):
        if isinstance(t, list):
            return self.value(t[self.long()], names)
        if isinstance(t, str):
            t = names.get(t, t)
        kind = t["type"] if isinstance(t, dict) else t
        if isinstance(kind, (dict, list)):
            return self.value(kind, names)
        if isinstance(t, dict) and "name" in t:
            names[t["name"]] = t
        if kind == "record":
            return {f["name"]: self.value(f["type"], names) for f in t["fields"]}
        if kind == "array":
            out = []
            while (count := self.long()):
                if count < 0:
                    count = -count
                    self.long()
                out += [self.value(t["items"], names) for _ in range(count)]
            return out
        if kind == "map":
            out = {}
            while (count := self.long()):
                for _ in range(count):
                    key = self.take(self.long()).decode()
                    out[key] = self.value(t["values"], names)
            return out
        if kind == "null":
            return None
        if kind == "boolean":
            return self.take(1) == b"\1"
        if kind in ("int", "long"):
            return self.long()
        if kind == "string":
            return self.take(self.long()).decode()
        if kind == "bytes":
            return self.take(self.long())
        return self.take({"float": 4, "double": 8}.get(kind) or t["size"])


def put_long(n):
    n = (n << 1) ^ (n >> 63)
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def put(v, t, names):
    if isinstance(t, list):
        branch = t.index("null") if v is None else next(i for i, b in enumerate(t) if b != "null")
        return put_long(branch) + put(v, t[branch], names)
    if isinstance(t, str):
        t = names.get(t, t)
    kind = t["type"] if isinstance(t, dict) else t
    if isinstance(kind, (dict, list)):
        return put(v, kind, names)
    if isinstance(t, dict) and "name" in t:
        names[t["name"]] = t
    if kind == "record":
        return b"".join(put(v[f["name"]], f["type"], names) for f in t["fields"])
    if kind == "array":
        return (put_long(len(v)) + b"".join(put(x, t["items"], names) for x in v) if v else b"") + b"\0"
    if kind == "null":
        return b""
    if kind == "boolean":
        return b"\1" if v else b"\0"
    if kind in ("int", "long"):
        return put_long(v)
    if kind in ("string", "bytes"):
        v = v.encode() if isinstance(v, str) else v
        return put_long(len(v)) + v
    return v


class Avro:
    def __init__(self, path):
        r = Reader(open(path, "rb").read())
        assert r.take(4) == b"Obj\1"
        self.path, self.header, self.records = path, r.value({"type": "map", "values": "bytes"}, {}), []
        self.schema, self.sync = json.loads(self.header["avro.schema"]), r.take(16)
        while r.at < len(r.data):
            count, block = r.long(), r.take(r.long())
            if self.header.get("avro.codec") == b"deflate":
                block = zlib.decompress(block, -15)
            b, names = Reader(block), {}
            self.records += [b.value(self.schema, names) for _ in range(count)]
            assert r.take(16) == self.sync

    def save(self):
        self.header["avro.codec"] = b"null"
        out = b"Obj\1" + put_long(len(self.header))
        for key, value in self.header.items():
            out += put(key, "string", {}) + put(value, "bytes", {})
        block, names = b"", {}
        for record in self.records:
            block += put(record, self.schema, names)
        out += b"\0" + self.sync + put_long(len(self.records)) + put_long(len(block)) + block + self.sync
        open(self.path, "wb").write(out)


# ---- a lake ----


def local(uri):
    return uri[len("file://"):] if uri.startswith("file://") else uri


class Table:
    """A table of the lake: its current snapshot, the first manifest of data in it and the first data file in that."""

    def __init__(self, lake, name):
        db = sqlite3.connect(os.path.join(lake, "catalog.db"))
        namespace, table = name.rsplit(".", 1)
        (self.location,), = db.execute("select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?",
                                       (namespace, table))
        db.close()
        self.lake, self.meta = lake, json.load(open(local(self.location)))
        self.snapshot = next(s for s in self.meta["snapshots"] if s["snapshot-id"] == self.meta["current-snapshot-id"])

    def list(self):
        return Avro(local(self.snapshot["manifest-list"]))

    def manifest(self, content=0):
        """The first one with live entries, and how the list tells of it."""
        for said in self.list().records:
            made = Avro(local(said["manifest_path"]))
            if said["content"] == content and any(r["status"] != 2 for r in made.records):
                return made

    def entry(self, content=0):
        return next(r for r in self.manifest(content).records if r["status"] != 2)

    def file(self, content=0):
        return local(self.entry(content)["data_file"]["file_path"])

    def save_meta(self):
        json.dump(self.meta, open(local(self.location), "w"))

    def edit_entry(self, change, content=0):
        """Changes the first live entry of the manifest, and nothing else that anybody would notice."""
        made = self.manifest(content)
        change(next(r for r in made.records if r["status"] != 2))
        self.save_manifest(made)

    def save_manifest(self, made):
        made.save()
        for s in self.meta["snapshots"]:
            lists = Avro(local(s["manifest-list"]))
            for r in lists.records:
                if local(r["manifest_path"]) == made.path:
                    r["manifest_length"] = os.path.getsize(made.path)
            lists.save()

    def edit_list(self, change, content=0):
        lists = self.list()
        change(next(r for r in lists.records if r["content"] == content))
        lists.save()


def flip(path, at):
    data = bytearray(open(path, "rb").read())
    data[at] ^= 0xFF
    open(path, "wb").write(data)


def cut(path, keep):
    data = open(path, "rb").read()
    open(path, "wb").write(data[:keep if keep >= 0 else len(data) + keep])


def pair(entry, key, change):
    """Changes the first value of a map of columns."""
    entry["data_file"][key][0]["value"] = change(entry["data_file"][key][0]["value"])


def of_meta(change):
    def run(t):
        change(t.meta)
        t.save_meta()
    return run


def of_entry(change, content=0):
    return lambda t: t.edit_entry(change, content)


def of_list(change, content=0):
    return lambda t: t.edit_list(change, content)


def set_in(key, value):
    return lambda x: x.__setitem__(key, value(x[key]) if callable(value) else value)


def set_file(key, value):
    return lambda e: e["data_file"].__setitem__(key, value(e["data_file"][key]) if callable(value) else value)


def summary(key, value):
    return of_meta(lambda m: m["snapshots"][-1]["summary"].__setitem__(key, value))


def twice(t):
    made = t.manifest()
    live = next(r for r in made.records if r["status"] != 2)
    made.records.append(live)
    t.save_manifest(made)


def swap_manifests(t):
    lists = t.list()
    a, b = [r for r in lists.records if r["content"] == 0][:2]
    a["manifest_path"], b["manifest_path"] = b["manifest_path"], a["manifest_path"]
    a["manifest_length"], b["manifest_length"] = b["manifest_length"], a["manifest_length"]
    lists.save()


def swap_files(t):
    """Two data files of other rows change places."""
    made = [Avro(local(r["manifest_path"])) for r in t.list().records if r["content"] == 0]
    a, b = [r["data_file"]["file_path"] for m in made for r in m.records if r["status"] != 2][:2]
    a, b = local(a), local(b)
    os.rename(a, a + "~"), os.rename(b, a), os.rename(a + "~", b)


def narrow(t):
    """Bounds that are sound, and not true: the upper one is the lower one, where they differ."""
    def change(e):
        low = {p["key"]: p["value"] for p in e["data_file"]["lower_bounds"]}
        for p in e["data_file"]["upper_bounds"]:
            p["value"] = low.get(p["key"], p["value"])
    t.edit_entry(change)


def swap_bounds(t):
    def change(e):
        f = e["data_file"]
        f["lower_bounds"], f["upper_bounds"] = f["upper_bounds"], f["lower_bounds"]
    t.edit_entry(change)


def null_more(t):
    """Of a column with a null and two values, one of these is said to be null, too: nothing but the values themselves can tell."""
    for said in t.list().records:
        made = Avro(local(said["manifest_path"]))
        for r in made.records:
            for p in r["data_file"]["null_value_counts"]:
                if p["value"] == 1 and r["data_file"]["record_count"] == 3 and said["content"] == 0:
                    p["value"] = 2
                    t.save_manifest(made)
                    return


def sql(statement):
    def run(t):
        db = sqlite3.connect(os.path.join(t.lake, "catalog.db"))
        db.execute(statement)
        db.commit()
        db.close()
    return run


def set_position(t):
    """The data files that deletes are about are said to be shorter than they think."""
    for said in t.list().records:
        made = Avro(local(said["manifest_path"]))
        if said["content"] == 0:
            for r in made.records:
                r["data_file"]["record_count"] = 1
            t.save_manifest(made)


DAMAGES = {
    # name: (code, with -d: True if only then it can be found, how)
    "metadata-gone": ("metadata-missing", False, lambda t: os.remove(local(t.location))),
    "metadata-cut": ("metadata", False, lambda t: cut(local(t.location), -200)),
    "metadata-empty": ("metadata", False, lambda t: cut(local(t.location), 0)),
    "metadata-no-uuid": ("metadata", False, of_meta(lambda m: m.pop("table-uuid"))),
    "metadata-version": ("unsupported", False, of_meta(set_in("format-version", 9))),
    "catalog-elsewhere": ("metadata-missing", False, sql("update iceberg_tables set metadata_location = metadata_location || 'x'")),
    "schema-gone": ("schema", False, of_meta(set_in("current-schema-id", 99))),
    "schema-id-twice": ("schema", False, of_meta(lambda m: m["schemas"][-1]["fields"][1].__setitem__("id", 1))),
    "schema-type": ("schema", False, of_meta(lambda m: m["schemas"][-1]["fields"][0].__setitem__("type", "longish"))),
    "schema-last-column": ("schema", False, of_meta(set_in("last-column-id", 1))),
    "spec-gone": ("spec", False, of_meta(set_in("default-spec-id", 7))),
    "sort-order-gone": ("sort-order", False, of_meta(set_in("default-sort-order-id", 7))),
    "property-number": ("property", False, of_meta(lambda m: m["properties"].__setitem__("a", 1))),
    "current-gone": ("snapshot", False, of_meta(set_in("current-snapshot-id", 4711))),
    "snapshot-twice": ("snapshot", False, of_meta(lambda m: m["snapshots"].append(m["snapshots"][0]))),
    "ref-dangling": ("ref", False, of_meta(lambda m: m["refs"].__setitem__("old", {"snapshot-id": 4711, "type": "tag"}))),
    "ref-type": ("ref", False, of_meta(lambda m: m["refs"]["main"].__setitem__("type", "tag"))),
    "log-order": ("log", False, of_meta(lambda m: m["snapshot-log"][0].__setitem__("timestamp-ms", 99999999999999))),
    "log-head": ("log", False, of_meta(lambda m: m["snapshot-log"].pop())),
    "sequence-high": ("sequence", False, of_meta(set_in("last-sequence-number", 0))),
    "sequence-parent": ("sequence", False, of_meta(lambda m: m["snapshots"][-1].__setitem__("sequence-number", 1))),
    "totals-records": ("totals", False, summary("total-records", "12345")),
    "totals-files": ("totals", False, summary("total-data-files", "77")),
    "totals-added": ("totals", False, summary("added-records", "12345")),
    "totals-text": ("totals", False, summary("total-files-size", "many")),
    "list-gone": ("list-missing", False, lambda t: os.remove(local(t.snapshot["manifest-list"]))),
    "list-cut": ("list", False, lambda t: cut(local(t.snapshot["manifest-list"]), -9)),
    "list-flip": ("list", False, lambda t: flip(local(t.snapshot["manifest-list"]), -20)),
    "list-other": ("totals", False, lambda t: (
        t.snapshot.__setitem__("manifest-list", t.meta["snapshots"][0]["manifest-list"]), t.save_meta())),
    "manifest-gone": ("manifest-missing", False, lambda t: os.remove(t.manifest().path)),
    "manifest-cut": ("manifest-size", False, lambda t: cut(t.manifest().path, -1)),
    "manifest-flip": ("manifest", False, lambda t: flip(t.manifest().path, 0)),
    "manifest-length": ("manifest-size", False, of_list(set_in("manifest_length", 5))),
    "manifest-counts": ("manifest-counts", False, of_list(set_in("added_files_count", lambda n: n + 1))),
    "manifest-rows": ("manifest-counts", False, of_list(set_in("added_rows_count", lambda n: n + 1))),
    "manifest-min-sequence": ("sequence", False, of_list(set_in("min_sequence_number", lambda n: n - 1))),
    "manifest-sequence": ("sequence", False, of_list(set_in("sequence_number", 1000))),
    "manifest-spec": ("spec", False, of_list(set_in("partition_spec_id", 6))),
    "manifest-content": ("entry", False, of_list(set_in("content", 1))),
    "manifests-swapped": ("manifest-counts", False, swap_manifests),
    "entry-twice": ("duplicate", False, twice),
    "entry-status": ("manifest-counts", False, of_entry(set_in("status", 2))),
    "entry-existing": ("entry", False, of_entry(lambda e: e.update(status=0, snapshot_id=None))),
    "entry-format": ("entry", False, of_entry(set_file("file_format", "CSV"))),
    "entry-equality": ("entry", False, of_entry(set_file("equality_ids", [1]))),
    "entry-sort-order": ("sort-order", False, of_entry(set_file("sort_order_id", 3))),
    "splits-order": ("splits", False, of_entry(set_file("split_offsets", [4, 4]))),
    "splits-inside": ("splits", False, of_entry(set_file("split_offsets", [5]))),
    "metrics-values": ("metrics", False, of_entry(lambda e: pair(e, "value_counts", lambda n: n + 1))),
    "metrics-nulls": ("metrics", False, of_entry(lambda e: pair(e, "null_value_counts", lambda n: 10**9))),
    "metrics-id": ("metrics", False, of_entry(lambda e: e["data_file"]["value_counts"][0].__setitem__("key", 4711))),
    "bounds-swapped": ("bounds", False, swap_bounds),
    "bounds-length": ("bounds", False, of_entry(lambda e: pair(e, "lower_bounds", lambda b: b[:3]))),
    "bounds-false": ("data-bounds", True, narrow),
    "file-gone": ("file-missing", False, lambda t: os.remove(t.file())),
    "file-folder": ("file-missing", False, lambda t: (os.remove(t.file()), os.mkdir(t.file()))),
    "file-cut": ("file-size", False, lambda t: cut(t.file(), -100)),
    "file-empty": ("file", False, lambda t: cut(t.file(), 0)),
    "file-magic": ("file", False, lambda t: flip(t.file(), -1)),
    "file-footer": ("file", False, lambda t: flip(t.file(), -9)),
    "file-rows": ("rows", False, of_entry(set_file("record_count", lambda n: n + 1))),
    "file-bytes": ("file-size", False, of_entry(set_file("file_size_in_bytes", lambda n: n + 1))),
    "file-elsewhere": ("file-missing", False, of_entry(set_file("file_path", lambda p: p + ".gone"))),
    "files-swapped": ("file-size", False, swap_files),
    "page-flip": ("checksum", True, lambda t: flip(t.file(), 60)),
    "nulls-wrong": ("data-counts", True, null_more),
    "delete-gone": ("file-missing", False, lambda t: os.remove(t.file(1))),
    "delete-position": ("delete-position", "too", set_position),
    "delete-reference": ("delete-reference", True, of_entry(set_file("referenced_data_file", "file:///nowhere"), 1)),
    "ledger-gone": ("ledger", True, sql("delete from lk_ledger")),
    "ledger-rows": ("ledger", True, sql("update lk_ledger set rows = rows + 1")),
}


def try_damage(name, code, data, how):
    good, lake = sys.argv[2:]
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(good, lake)
    how(Table(lake, "lk.rejects" if name.startswith("delete-") else "main.people"))
    if data is True and subprocess.run(["lk-fsck", "-q", "-l", lake], stdout=subprocess.PIPE).returncode:
        return "is found without -d"
    said = subprocess.run(["lk-fsck", "-q", "--json", "-l", lake] + ["-d"] * bool(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found = [json.loads(line) for line in said.stdout.splitlines()]
    codes = sorted({f["code"] for f in found if "code" in f})
    if said.returncode != 1 or said.stderr:
        return f"has exit status {said.returncode}: {said.stderr.decode()}"
    return ("found" if code in codes else f"is not found as {code}:") + " " + " ".join(codes)


def main():
    if sys.argv[1] == "--all":
        for name, (code, data, how) in DAMAGES.items():
            print(name, try_damage(name, code, data, how))
    elif sys.argv[1] == "--show":
        for record in Avro(sys.argv[2]).records:
            print(json.dumps(record, default=lambda b: b.hex()))
    else:
        lake, table, damage = sys.argv[1:]
        DAMAGES[damage][2](Table(lake, table))


if __name__ == "__main__":
    main()
