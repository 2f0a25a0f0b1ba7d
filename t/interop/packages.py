"""Data packages as Frictionless reads them and as lk-parse does.

    packages.py FOLDER [-v] [CASE...]

Each case of packages_cases.py is written into the folder and read by both: the same records must be rows with the same
values, the same be rejected, in the same field, and the same headers be refused. Where the two differ on purpose, DIFFERENCES
says why; an entry that no case needs any more is an error, and so is any other difference. -v prints them all.
"""
import datetime
import json
import math
import os
import re
import subprocess
import sys
import warnings

import frictionless
from frictionless import Resource, system

import packages_cases
from packages_differences import DIFFERENCES

warnings.simplefilter("ignore")

FAILED = "failed"


def number(value):
    value = float(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 and math.isinf(value) else "-inf" if math.isinf(value) else value


def value_of(value, field, raw):
    """A value of Frictionless's as lk-cat shows ours."""
    kind = field.get("type", "string")
    if value is None:
        return None
    if kind in ("yearmonth", "duration", "geopoint", "geojson", "object", "array", "list", "any"):
        return raw  # stays text
    if kind == "number":
        return number(value)
    if kind == "date":
        return value.isoformat()
    if kind == "time":
        return fraction(value.replace(tzinfo=None).isoformat())
    if kind == "datetime":
        zone = value.tzinfo is not None
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None) if zone else value
        return fraction(value.isoformat()) + ("Z" if zone or has_zone(field) else "")
    return value


def has_zone(field):
    return "timezone" in field.get("lk", {}) or "%z" in field.get("format", "")


def fraction(text):
    return text.rstrip("0") if "." in text else text


def theirs(resource, path):
    """Frictionless's reading: FAILED, or a list of ("row", values) and ("reject", fields, raw)."""
    dialect = dict(resource.get("dialect", {}))
    sensitive = dialect.pop("caseSensitiveHeader", False)
    # What a package does not say, Frictionless guesses from the file; the standard has defaults instead.
    for name, default in (("delimiter", ","), ("quoteChar", '"'), ("doubleQuote", True), ("skipInitialSpace", False)):
        dialect.setdefault(name, default)
    dialect["headerCase"] = sensitive
    dialect["skipBlankRows"] = False
    descriptor = {"name": "x", "path": os.path.basename(path), "format": "csv", "encoding": "utf-8", **resource, "dialect": dialect}
    descriptor["$schema"] = "https://datapackage.org/profiles/2.0/dataresource.json"
    by_name = {f["name"]: f for f in resource["schema"]["fields"]}
    out = []
    try:
        with Resource.from_descriptor(descriptor, basepath=os.path.dirname(path)) as opened:
            if opened.header.errors:
                return FAILED
            for row in opened.row_stream:
                cells = row._Row__cells
                if not cells:
                    continue  # a blank line
                errors = row.errors
                raw = list(cells)
                if errors:
                    out.append(("reject", {getattr(e, "field_name", None) or None for e in errors}, raw))
                    continue
                at = dict(zip([f.name for f in row.fields], raw))
                out.append(("row", {n: value_of(row[n], by_name[n], at.get(n)) for n in row.field_names if n in by_name}, raw))
    except frictionless.FrictionlessException as error:
        return f"{FAILED}: {error}"
    return out


def lines(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def ours(resource, path, folder):
    package = os.path.join(folder, "package.json")
    stream = os.path.join(folder, "out.lk")
    with open(package, "w") as f:
        json.dump({"name": "x", "resources": [{"name": "x", "path": "*.csv", **resource}]}, f)
    with open(stream, "wb") as f:
        done = subprocess.run(["lk-parse", "-q", "-s", package, path], stdout=f, stderr=subprocess.PIPE)
    if done.returncode not in (0, 1):
        return f"{FAILED}: {done.stderr.decode()}"
    if lines("lk-cat", "-F", "json", "-t", "lk.files", stream)[0]["status"] == "failed":
        return FAILED
    records = {r["lk_row"]: ("row", {k: v for k, v in r.items() if not k.startswith("lk_")})
               for r in lines("lk-cat", "-F", "json", "-t", "x", stream)}
    for r in lines("lk-cat", "-F", "json", "-t", "lk.rejects", stream):
        records[r["record"]] = ("reject", r["field"], r["reason"])
    return [records[i] for i in sorted(records)]


def column(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def difference(a, b):
    """How our record (a) differs from theirs (b): None, or a word and what each has."""
    if a is None or b is None:
        return "records", a, b
    if a[0] == b[0] == "row":
        want = {column(k): v for k, v in b[1].items()}
        got = {k: v for k, v in a[1].items() if k in want or v is not None}
        return None if got == want else ("values", got, want)
    if a[0] == b[0]:
        fields = {column(f) for f in b[1] if f}
        return None if a[1] is None or not fields or a[1] in fields else ("field", a[1], fields)
    return ("we take it", a[1], b[1]) if a[0] == "row" else ("we reject it", a[2], b[1])


def compare(a, b):
    """Yields (word, raw text, ours, theirs) of each difference."""
    failed = [isinstance(x, str) for x in (a, b)]
    if any(failed):
        if not all(failed):
            yield ("we refuse the file" if failed[0] else "we take the file"), "", a, b
        return
    for i in range(max(len(a), len(b))):
        left, right = (x[i] if i < len(x) else None for x in (a, b))
        found = difference(left, right)
        if found:
            yield found[0], "|".join(right[2]) if right else "", found[1], found[2]


def main():
    verbose = "-v" in sys.argv
    folder, *wanted = [a for a in sys.argv[1:] if a != "-v"]
    system.trusted = True
    used = [0] * len(DIFFERENCES)
    total = records = unexplained = 0
    path = os.path.join(folder, "x.csv")
    for name, resource, data in packages_cases.cases():
        if wanted and not any(re.search(w, name) for w in wanted):
            continue
        total += 1
        with open(path, "wb") as f:
            f.write(data)
        a, b = ours(resource, path, folder), theirs(resource, path)
        records += 1 if isinstance(b, str) else len(b)
        for word, raw, left, right in compare(a, b):
            why = [i for i, (cases, cells, kind, _) in enumerate(DIFFERENCES)
                   if re.fullmatch(cases, name) and re.fullmatch(cells, raw, re.S) and kind == word]
            for i in why:
                used[i] += 1
            unexplained += not why
            if verbose or not why:
                print(f"{name}: {raw!r}: {word}: {left!r} / {right!r}{': ' + DIFFERENCES[why[0]][3] if why else ''}")
    stale = [] if wanted else [d for d, n in zip(DIFFERENCES, used) if not n]
    for d in stale:
        print(f"no case needs this any more: {d}")
    print(f"{total} cases, {records} records, {sum(used)} differences on purpose, {unexplained} others")
    sys.exit(1 if unexplained or stale or not total else 0)


main()
