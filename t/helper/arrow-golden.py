#!/usr/bin/env python3
"""Compares what lk-cat reads with what Arrow's integration JSON says of the same data.

usage: arrow-golden.py JSON.GZ INPUT...

The JSON holds a table's buffers, value by value (arrow/docs, "Integration Testing"). Here it is turned into the rows
that `lk-cat -F json` should print, by other means than those of lib/stream, and every INPUT must give just these.
"""
import gzip
import json
import struct
import subprocess
import sys
from decimal import Decimal, getcontext

getcontext().prec = 100
ANY = object()  # the names inside of a map, which writers may change


def civil(days):
    """The year, month and day of a count of days since 1970, by counting."""
    year = 1970 + days // 366
    while days >= days_before(year + 1):
        year += 1
    while days < days_before(year):
        year -= 1
    day = days - days_before(year)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    for month, length in enumerate([31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 1):
        if day < length:
            return year, month, day + 1
        day -= length
    raise ValueError(days)


def days_before(year):
    y = year - 1
    return y * 365 + y // 4 - y // 100 + y // 400 - 719162


def date_text(days):
    year, month, day = civil(days)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"


PER_SECOND = {"SECOND": 1, "MILLISECOND": 10**3, "MICROSECOND": 10**6, "NANOSECOND": 10**9}


def fraction_text(value, unit):
    digits = str(value).rjust(len(str(unit)) - 1, "0").rstrip("0") if value else ""
    return "." + digits if digits else ""


def time_text(value, unit):
    seconds, rest = divmod(value, unit)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" + fraction_text(rest, unit)


def interval_text(months, days, ns):
    sign = "-" if ns < 0 else ""
    return f"P{months}M{days}DT{sign}{abs(ns) // 10**9}{fraction_text(abs(ns) % 10**9, 10**9)}S"


def as_float32(x):
    return struct.unpack("<f", struct.pack("<f", float(x)))[0]


def fixed(field, v):
    """A value of a type without children."""
    t = field["type"]
    name = t["name"]
    if name == "bool":
        return bool(v)
    if name == "int":
        return Decimal(int(v))
    if name == "floatingpoint":
        return ("float", float(v) if t["precision"] == "DOUBLE" else as_float32(v))
    if name == "decimal":
        return Decimal(int(v)).scaleb(-t["scale"]) if v else Decimal(0)
    if name in ("binary", "largebinary", "fixedsizebinary"):
        return "\\x" + v.lower()
    if name in ("utf8", "largeutf8"):
        return v
    if name == "date":
        return date_text(int(v) if t["unit"] == "DAY" else int(v) // 86400000)
    if name == "time":
        return time_text(int(v), PER_SECOND[t["unit"]])
    if name == "timestamp":
        unit = PER_SECOND[t["unit"]]
        days, rest = divmod(int(v), 86400 * unit)
        return date_text(days) + "T" + time_text(rest, unit) + ("Z" if t.get("timezone") else "")
    if name == "duration":
        return Decimal(int(v))
    if name == "interval":
        if t["unit"] == "YEAR_MONTH":
            return interval_text(int(v), 0, 0)
        if t["unit"] == "DAY_TIME":
            return interval_text(0, v["days"], v["milliseconds"] * 10**6)
        return interval_text(v["months"], v["days"], v["nanoseconds"])
    raise ValueError(f"type {t}")


def values(field, column, dictionaries):
    """The column's values as lk-cat's JSON should have them."""
    if "dictionary" in field:
        items = dictionaries[field["dictionary"]["id"]]
        out = [items[int(i)] if valid else None for i, valid in zip(column["DATA"], column["VALIDITY"])]
        return out
    count = column["count"]
    name = field["type"]["name"]
    valid = column.get("VALIDITY", [1] * count)
    if name == "map":
        entries = field["children"][0]
        entries["children"] = [dict(f, name=ANY) for f in entries["children"]]
    children = [values(f, c, dictionaries) for f, c in zip(field.get("children", []), column.get("children", []))]
    if name == "null":
        return [None] * count
    if name == "struct":
        names = [f["name"] for f in field["children"]]
        return [list(zip(names, row)) if ok else None for ok, row in zip(valid, zip(*children))]
    if name in ("list", "largelist", "map"):
        o = [int(x) for x in column["OFFSET"]]
        return [children[0][o[i] : o[i + 1]] if valid[i] else None for i in range(count)]
    if name == "fixedsizelist":
        n = field["type"]["listSize"]
        return [children[0][i * n : (i + 1) * n] if valid[i] else None for i in range(count)]
    return [fixed(field, v) if ok else None for ok, v in zip(valid, column["DATA"])]


def dictionary_fields(fields, found):
    """The value type of every dictionary, as a field; those inside of others come first."""
    for f in fields:
        dictionary_fields(f.get("children", []), found)
        if "dictionary" in f:
            found[f["dictionary"]["id"]] = {k: v for k, v in f.items() if k != "dictionary"}
    return found


def expected_rows(document):
    fields = document["schema"]["fields"]
    dictionaries = {}
    data = {d["id"]: d["data"]["columns"][0] for d in document.get("dictionaries", [])}
    for number, field in dictionary_fields(fields, {}).items():
        dictionaries[number] = values(field, data[number], dictionaries)
    for batch in document["batches"]:
        columns = [values(f, c, dictionaries) for f, c in zip(fields, batch["columns"])]
        for row in zip(*columns):
            yield list(zip([f["name"] for f in fields], row))


def same(want, got):
    if want is ANY:
        return True
    if isinstance(want, tuple) and len(want) == 2 and want[0] == "float":
        return got is not None and (float(got) == want[1] or as_float32(got) == want[1])
    if isinstance(want, (list, tuple)):
        return isinstance(got, (list, tuple)) and len(want) == len(got) and all(map(same, want, got))
    return type(want) is type(got) and want == got


def main():
    with gzip.open(sys.argv[1], "rt", encoding="utf-8") as f:
        want = list(expected_rows(json.load(f)))
    for path in sys.argv[2:]:
        output = subprocess.run(["lk-cat", "-F", "json", path], check=True, stdout=subprocess.PIPE).stdout
        number = lambda s: Decimal(s)  # noqa: E731
        got = [
            json.loads(line, object_pairs_hook=list, parse_int=number, parse_float=number)
            for line in output.decode("utf-8").splitlines()
        ]
        if len(want) != len(got):
            sys.exit(f"{path}: {len(got)} rows, not {len(want)}")
        for i, (w, g) in enumerate(zip(want, got)):
            if not same(w, [tuple(p) for p in g]):
                sys.exit(f"{path}: row {i} is\n{g}\nnot\n{w}")
        print(f"{path}: {len(got)} rows agree")


main()
