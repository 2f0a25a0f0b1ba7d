"""What editions of a table come to, computed from their CSV files by Python's csv module: for t/editions.sh.

    editions.py table PACKAGE RESOURCE upsert|full EDITION...          the rows after the last one
    editions.py diff PACKAGE RESOURCE upsert|full BEFORE... -- AFTER   what the last one changes

Reads what lk says of the same on standard input, a JSON object a line (lk-query -F json, lk-diff --json), and compares.
An EDITION is a CSV file, or a folder that has the resource's; of the package only names, types, keys and missing values are taken.
"""
import csv
import datetime as dt
import decimal
import io
import json
import os
import re
import sys

TRACE = {"lk_file", "lk_row", "lk_sent"}


def resource_of(path, name):
    """The resource, with what it has from the one that it extends."""
    with open(path) as file:
        package = json.load(file)
    own = next(r for r in package["resources"] if r["name"] == name)
    if "extends" not in own.get("lk", {}):
        return own, package
    base_path, base_name = own["lk"]["extends"].split("#")
    base, base_package = resource_of(os.path.join(os.path.dirname(path), base_path), base_name)
    base["schema"].update(own.get("schema", {}))
    return base, base_package


def text_of(path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def column_of(name):
    return re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")


def value_of(field, text, missing):
    kind = field.get("type", "string")
    if text is None or text in missing:
        return None
    if kind == "string":
        return text.zfill(field.get("lk", {}).get("pad", 0)) if text.isdigit() else text
    text = text.strip()
    if kind == "integer":
        return int(text)
    if kind == "number":
        return decimal.Decimal(text).normalize()
    if kind == "boolean":
        if text in field.get("trueValues", ["true"]):
            return True
        assert text in field["falseValues"], (field, text)
        return False
    if kind == "date":
        return dt.date.fromisoformat(text)
    assert kind == "datetime", kind
    at = dt.datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)


class Table:
    def __init__(self, package, resource):
        self.resource, whole = resource_of(package, resource)
        schema = self.resource["schema"]
        self.missing = schema.get("missingValues", whole.get("missingValues", [""]))
        self.fields = {f["name"]: f for f in schema["fields"]}
        self.by_column = {column_of(n): f for n, f in self.fields.items()}
        key = schema["primaryKey"]
        self.key = [column_of(k) for k in ([key] if isinstance(key, str) else key)]

    def rows(self, edition):
        """By their keys; of two rows of a key the last one."""
        if os.path.isdir(edition):
            edition = os.path.join(edition, self.resource["name"] + ".csv")
            if not os.path.exists(edition):
                return {}
        lines = list(csv.reader(io.StringIO(text_of(edition), newline="")))
        places = {}
        for i, name in enumerate(lines[0]):
            field = next((f for n, f in self.fields.items() if name.lower() in [n.lower()] + [a.lower() for a in f.get("lk", {}).get("aliases", [])]), None)
            places[i] = (name, field, field and column_of(field["name"]))
        out = {}
        for line in lines[1:]:
            if not line:
                continue
            row, rest = dict.fromkeys(self.by_column), {}
            for i, text in enumerate(line):
                name, field, column = places[i]
                if field:
                    row[column] = value_of(field, text, self.missing)
                elif text != "" and text not in self.missing:
                    rest[name] = text
            if self.resource["lk"].get("rest"):
                row["lk_rest"] = rest or None
            key = tuple(row[k] for k in self.key)
            if None not in key:  # a reject
                out[key] = row
        return out

    def state(self, load, editions):
        have = {}
        for edition in editions:
            rows = self.rows(edition)
            have = rows if load == "full" and rows else {**have, **rows}
        return have

    def said(self, line):
        """A row as lk says it."""
        row = json.loads(line, parse_float=decimal.Decimal)
        out = {}
        for name, value in row.items():
            field = self.by_column.get(name)
            if name in TRACE or name == "lk_op":
                continue
            if name == "lk_rest":
                value = value and (json.loads(value) if isinstance(value, str) else value)
            elif value is not None:
                assert field, name
                kind = field.get("type", "string")
                if kind in ("integer", "boolean", "string"):
                    assert type(value) is {"integer": int, "boolean": bool, "string": str}[kind], (name, value)
                else:
                    value = value_of(field, str(value), ())
            out[name] = value
        return row.get("lk_op"), out


def frozen(row):
    """What equals another where the rows do, NaN too."""
    return tuple((n, json.dumps(v, sort_keys=True) if type(v) is dict else "NaN" if v != v else v) for n, v in sorted(row.items()))


def difference(before, after):
    """As lk-diff says it: op and row."""
    out = []
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if old is None or new is None:
            out.append(("removed", old) if new is None else ("added", new))
        else:
            out += [("before", old), ("after", new)]
    return out


def main():
    verb, package, resource, load, *editions = sys.argv[1:]
    table = Table(package, resource)
    said = [table.said(line) for line in sys.stdin if line.strip()]
    if verb == "table":
        want = [(None, row) for row in table.state(load, editions).values()]
    else:
        at = editions.index("--")
        want = difference(table.state(load, editions[:at]), table.state(load, editions[:at] + editions[at + 1:]))
    counts = {}
    for op, _ in want:
        counts[op or "rows"] = counts.get(op or "rows", 0) + 1
    changed = {}
    for (op, old), (_, new) in zip(want, want[1:]):
        if op == "before":
            for name in old:
                if old[name] != new[name]:
                    changed[name] = changed.get(name, 0) + 1
    left = {}
    for sign, rows in ((1, want), (-1, said)):
        for op, row in rows:
            k = (op, frozen(row))
            left[k] = left.get(k, 0) + sign
    wrong = [(n, k) for k, n in left.items() if n]
    print(resource, ", ".join("%d %s" % (n, op) for op, n in sorted(counts.items())) or "nothing",
          "; columns: " + ", ".join("%s %d" % c for c in sorted(changed.items(), key=lambda c: -c[1])[:5]) if changed else "")
    # Pairs stand together: a row as it was, then as it is.
    for (op, old), (then, new) in zip(said, said[1:] + [(None, None)]):
        if op == "before":
            assert then == "after" and [old[k] for k in table.key] == [new[k] for k in table.key], (old, then, new)
    for n, (op, row) in sorted(wrong, key=str)[:6]:
        print("%s: %s %s" % ("only in the files" if n > 0 else "only in the lake", op or "", dict((c, v) for c, v in row if v is not None)))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
