"""What the matrix of engines is made of: columns of every type, rows, partition transforms, and the questions to ask.

Plain Python, so that every engine's own environment can load it. Columns hold few different values each, so that any of
them can be partitioned by: among them nulls, empty and special texts, times before 1970, the ends of what a type holds
(but for the two smallest integers, of which truncate[3] is no integer any more: writers put different values there).
"""
import datetime as dt
import decimal
import re

UTC = dt.timezone.utc
D = decimal.Decimal


def at(*parts):
    return dt.datetime(*parts)


COLUMNS = {  # name: (Iceberg's type, values)
    "flag": ("boolean", [True, False]),
    "i": ("int", [0, -1, 7, 2**31 - 1, -2**31 + 2]),
    "l": ("long", [0, -1, 10**12, 2**62, -2**62]),
    "x": ("double", [0.0, -0.125, 1.5, 1e15, -2.0**60]),
    "m": ("decimal(9, 2)", [D("0.00"), D("-12.34"), D("9999999.99"), D("0.01"), D("-9999999.99")]),
    "n": ("decimal(18, 4)", [D("0.0000"), D("-1234567890.1234"), D("99999999999999.9999"), D("0.0001")]),
    "w": ("decimal(38, 6)", [D("0.000000"), D("-12345678901234567890123456.789012"), D("1.000001")]),
    "s": ("string", ["", "Zoë", "漢字かな and more", "a/b c%&=+?#'\"\\", "😀😁", "grün"]),
    "b": ("binary", [b"", b"\x00\xff\x80", b"abcdef", b"abcdeg"]),
    "d": ("date", [dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(2024, 2, 29), dt.date(1905, 5, 5), dt.date(2038, 1, 19)]),
    "t": ("timestamp", [at(1970, 1, 1), at(1969, 12, 31, 23, 59, 59, 999999), at(2024, 2, 29, 12, 34, 56, 789012),
                        at(1905, 5, 5, 5, 5, 5, 1), at(2038, 1, 19, 3, 14, 8, 500000)]),
    "z": ("timestamptz", [at(1970, 1, 1), at(1969, 12, 31, 23, 0, 0, 1), at(2024, 2, 29, 12, 34, 56, 789012),
                          at(1905, 5, 5, 5, 5, 5, 1), at(2038, 1, 19, 3, 14, 8, 500000)]),
    "h": ("time", [dt.time(0, 0, 0), dt.time(23, 59, 59, 999999), dt.time(12, 34, 56, 789012)]),
}
COLUMNS["z"] = ("timestamptz", [v.replace(tzinfo=UTC) for v in COLUMNS["z"][1]])
PLAIN = [name for name in COLUMNS if name != "h"]
ROWS = 40

# transform: (as written in a partition spec, the columns it is tried on). Spark reads no table with a time.
TRANSFORMS = {
    "identity": ("identity", ["flag", "i", "l", "m", "w", "s", "b", "d", "t", "z", "h"]),
    "bucket": ("bucket[4]", ["i", "l", "m", "w", "s", "b", "d", "t", "z", "h"]),
    "truncate": ("truncate[3]", ["i", "l", "m", "w", "s", "b"]),
    "year": ("year", ["d", "t", "z"]),
    "month": ("month", ["d", "t", "z"]),
    "day": ("day", ["d", "t", "z"]),
    "hour": ("hour", ["t", "z"]),
    "void": ("void", ["l"]),
}


class Table:
    """A table of the matrix: its columns, and what it is partitioned by (transform "none": nothing)."""

    def __init__(self, transform, source=None):
        self.transform, self.source = transform, source
        self.name = f"{transform}_{source}" if source else transform
        self.columns = ["id", *PLAIN] + (["h"] if source == "h" else [])

    @property
    def spelt(self):
        """As in Iceberg's metadata: bucket[4]."""
        return TRANSFORMS[self.transform][0]

    def kinds(self):
        return {c: "long" if c == "id" else COLUMNS[c][0] for c in self.columns}

    def rows(self, part):
        """Part 1, 2, ... of its rows; each column runs through its values at a pace of its own, every ninth or so null."""
        out = []
        for n in range(ROWS):
            row = {"id": part * 1000 + n}
            for k, name in enumerate(self.columns[1:]):
                values = COLUMNS[name][1]
                turn = n * (k % 3 + 1) + part + k
                row[name] = None if turn % (7 + k % 4) == 3 else values[turn % len(values)]
            out.append(row)
        return out


def tables(transforms=TRANSFORMS):
    yield Table("none")
    yield Table("none", "h")
    for transform in transforms:
        for source in TRANSFORMS[transform][1]:
            yield Table(transform, source)


def canonical(kind, value):
    """A value in the one form that answers are compared in."""
    if value is None:
        return None
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("int", "long"):
        return str(int(value))
    if kind in ("double", "float"):
        return repr(float(value) + 0.0)
    if kind.startswith("decimal"):
        return str(D(str(value)).quantize(D(1).scaleb(-scale_of(kind)), context=decimal.Context(prec=60)))
    if kind in ("binary", "fixed"):
        return bytes(value).hex()
    if kind == "date":
        return value.isoformat()[:10]
    if kind == "timestamp":
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if kind == "timestamptz":
        value = value.astimezone(UTC) if value.tzinfo else value
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if kind == "time":
        return value.isoformat(timespec="microseconds") if isinstance(value, dt.time) else str(value)
    return value.decode() if isinstance(value, bytes) else str(value)


def plain(kind, text):
    """The value that canonical() wrote."""
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in ("int", "long"):
        return int(text)
    if kind in ("double", "float"):
        return float(text)
    if kind.startswith("decimal"):
        return D(text)
    if kind in ("binary", "fixed"):
        return bytes.fromhex(text)
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind == "time":
        return dt.time.fromisoformat(text)
    if kind in ("timestamp", "timestamptz"):
        made = dt.datetime.fromisoformat(text)
        return made.replace(tzinfo=UTC) if kind == "timestamptz" else made
    return text


def scale_of(kind):
    return int(re.fullmatch(r"decimal\(\d+, *(\d+)\)", kind)[1])


def has_sum(kind):
    return kind in ("int", "long", "double", "float") or kind.startswith("decimal")


def filters_of(kinds, columns):
    """[column, operator, literals...]: what is asked with WHERE, of these columns. Literals in canonical form."""
    out = []
    for name in columns:
        kind = kinds[name]
        if name == "id":
            out.append([name, ">=", "2010"])
            continue
        values = COLUMNS[name][1]
        say = lambda v: canonical(kind, v)
        out += [[name, "is null"], [name, "is not null"]]
        out += [[name, "=", say(v)] for v in values[1:4]]
        if kind not in ("boolean", "binary"):
            out += [[name, "<", say(sorted(values)[1])], [name, ">=", say(sorted(values)[-2])],
                    [name, "in", say(values[0]), say(values[2])]]
        if kind == "string":
            out += [[name, "starts", "漢"], [name, "starts", "a/b"]]
    return out


def is_for(engine, question):
    """Whether an engine is asked: the slow ones are asked less, and Spark not for what it says of its own tables."""
    if engine == "spark" and question["writer"] == "spark" and question["transform"] != "none":
        return False
    return question["slow"] or engine not in ("spark", "trino")


class Known:
    """A fault of an engine, in its pinned version, that reading a table of anybody's shows: what it spoils is not held
    against lk. An answer is excused only where it differs, and a fault that spoils nothing any more is reported."""

    def __init__(self, engine, what, spoils):
        self.engine, self.what, self.spoils, self.spoilt = engine, what, spoils, 0


def early(what):
    return what.startswith("where ") and " = 19" in what and what.split(" = ")[1] < "1970"


def by_time(question):
    return question["transform"] in ("year", "month", "day", "hour")


# spoils(question, column, what): what is "error" for a question that failed as a whole.
KNOWN = [
    Known("spark", "reads no table that has a time", lambda q, c, w: w == "error" and "h" in q["kinds"]),
    Known("datafusion", "does not travel in time", lambda q, c, w: w == "error" and q["snapshot"] is not None),
    Known("datafusion", "cannot compare a time with a literal", lambda q, c, w: w == "error" and any(f[0] == "h" for f in q["filters"])),
    Known("clickhouse", "has times in whole seconds", lambda q, c, w: c == "h" and w != "nulls"),
    Known("clickhouse", "drops rows before 1970 that are asked for with = under a partition by time", lambda q, c, w: by_time(q) and early(w)),
    Known("duckdb", "drops rows before 1970 that are asked for with = under a partition by time", lambda q, c, w: by_time(q) and early(w)),
    Known("duckdb", "cannot filter by a decimal under truncate", lambda q, c, w: w == "error" and q["source"] == "m" and q["transform"] == "truncate"),
    Known("duckdb", "drops rows that are asked for by a decimal of 38 digits under truncate",
          lambda q, c, w: c == "w" and q["source"] == "w" and q["transform"] == "truncate" and w.startswith("where")),
    Known("clickhouse", "cannot filter by a decimal of 38 digits under truncate",
          lambda q, c, w: w == "error" and q["source"] == "w" and q["transform"] == "truncate"),
]
