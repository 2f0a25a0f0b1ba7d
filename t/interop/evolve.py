"""A table that lk-table and PyIceberg change in turn, at random: after each change both must see the same columns, under the ids
that they have, and every row of before as it was written.

    evolve.py LAKE SEED STEPS

Says each change on stdout, and ends with 1 where something differs.
"""
import datetime as dt
import decimal
import json
import os
import random
import subprocess
import sys

import pyarrow as pa
from pyiceberg import types as it
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, MonthTransform, TruncateTransform

from summary import open_catalog

UTC = dt.timezone.utc
TABLE = "main.evolving"
COLUMNS = ("id long not null, a int, b string, c decimal(9, 2), at timestamptz, day date, "
           "place struct<ward: string, bed: int>, tags list<string>")
ARROW = {"long": pa.int64(), "int": pa.int32(), "string": pa.string(), "double": pa.float64(), "date": pa.date32(),
         "boolean": pa.bool_(), "timestamptz": pa.timestamp("us", "UTC")}
ICEBERG = {"long": it.LongType(), "int": it.IntegerType(), "string": it.StringType(), "double": it.DoubleType(),
           "date": it.DateType(), "boolean": it.BooleanType(), "timestamptz": it.TimestamptzType()}


def digits(kind):
    return [int(n) for n in kind[len("decimal("):-1].split(",")]


def arrow_type(kind):
    return pa.decimal128(*digits(kind)) if kind.startswith("decimal") else ARROW.get(kind)


def iceberg_type(kind):
    return it.DecimalType(*digits(kind)) if kind.startswith("decimal") else ICEBERG[kind]


class Evolution:
    def __init__(self, lake, seed):
        self.lake, self.dice = lake, random.Random(seed)
        self.catalog = open_catalog(lake)
        self.rows = {}  # id of row -> {field id: value}
        self.names = 0
        self.run("lk-table", "create", TABLE, COLUMNS, "--key", "id", "--partition", "bucket(4, id)")

    def run(self, *command, **more):
        tool, *rest = command
        done = subprocess.run([tool, "-l", self.lake, *rest], capture_output=True, **more)
        if done.returncode not in (0, 65):
            raise SystemExit(f"{command}: {done.returncode}: {done.stderr.decode()}")
        return done

    def describe(self):
        return json.loads(self.run("lk-table", "describe", "--json", TABLE).stdout)

    def columns(self):
        """Top-level columns that both engines write: (field id, name, type)."""
        return [(c["id"], c["column"], c["type"]) for c in self.described["columns"]
                if "." not in c["column"] and arrow_type(c["type"])]

    def name(self):
        self.names += 1
        return self.dice.choice(["x", "naïve", "two words", "Q"]) + str(self.names)

    # ---- rows ----

    def value(self, kind, i):
        if self.dice.random() < 0.2:
            return None
        if kind in ("int", "long"):
            return self.dice.randrange(-2**31, 2**31) if kind == "int" else self.dice.randrange(-2**63, 2**63)
        if kind.startswith("decimal"):
            most = 10 ** min(digits(kind)[0], 15)
            return decimal.Decimal(self.dice.randrange(1 - most, most)).scaleb(-digits(kind)[1])
        return {"string": f"text {i} ü", "double": i / 8, "boolean": i % 2 == 0, "date": dt.date(1960, 1, 1) + dt.timedelta(days=i * 97),
                "timestamptz": dt.datetime(1969, 12, 31, tzinfo=UTC) + dt.timedelta(hours=i * 1001)}[kind]

    def append(self, engine):
        made, count = {}, self.dice.randrange(1, 6)
        key = next(name for number, name, kind in self.columns() if number == 1)
        first = len(self.rows)
        arrays, fields = [], []
        for number, name, kind in self.columns():
            values = [first + i if number == 1 else self.value(kind, first + i) for i in range(count)]
            arrays.append(pa.array(values, arrow_type(kind)))
            fields.append(pa.field(name, arrow_type(kind), nullable=name != key))
            for i, value in enumerate(values):
                made.setdefault(first + i, {})[number] = value
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
        if engine == "lk":
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            done = self.run("lk-commit", "--plain", "--as", TABLE, input=sink.getvalue().to_pybytes())
            if done.returncode:
                raise SystemExit(done.stderr.decode())
        else:
            self.catalog.load_table(TABLE).append(table)
        self.rows.update(made)
        return f"{engine} appends {count}"

    # ---- changes: each gives an action for lk-table and what PyIceberg calls it ----

    def change(self):
        quote = lambda name: '"' + name.replace('"', '""') + '"'
        free = [c for c in self.columns() if c[0] != 1]
        number, name, kind = self.dice.choice(free)
        new, verb = self.name(), self.dice.randrange(8) if len(free) > 2 else 2
        if verb == 0:
            return f"drop column {quote(name)}", lambda t: schema(t, lambda u: u.delete_column(name))
        if verb == 1:
            return f"rename column {quote(name)} to {quote(new)}", lambda t: schema(t, lambda u: u.rename_column((name,), new))
        if verb == 2:
            kind = self.dice.choice([*ARROW, "decimal(5, 1)"])
            return f"add column {quote(new)} {kind}", lambda t: schema(t, lambda u: u.add_column((new,), iceberg_type(kind)))
        if verb == 3:
            return f"move column {quote(name)} first", lambda t: schema(t, lambda u: u.move_first(name))
        if verb == 4 and (kind == "int" or kind.startswith("decimal")):
            wide = "long" if kind == "int" else f"decimal({digits(kind)[0] + 1}, {digits(kind)[1]})"
            return f"alter column {quote(name)} type {wide}", lambda t: schema(t, lambda u: u.update_column((name,), iceberg_type(wide)))
        if verb == 5:
            return f"add column place.{quote(new)} int", lambda t: schema(t, lambda u: u.add_column(("place", new), it.IntegerType()))
        term, transform = f"bucket(8, {quote(name)})", BucketTransform(8)
        if kind in ("date", "timestamptz"):
            term, transform = self.dice.choice([(f"day({quote(name)})", DayTransform()), (f"month({quote(name)})", MonthTransform())])
        elif kind in ("boolean", "double"):
            term, transform = quote(name), IdentityTransform()
        elif kind == "string":
            term, transform = f"truncate(6, {quote(name)})", TruncateTransform(6)
        sources = [f["source_id"] for f in self.described["partitions"]["fields"]]
        if verb == 6 and number not in sources:  # PyIceberg writes no table with two partition fields of one column
            return f"add partition {term} as p{self.names}", lambda t: spec(t, lambda u: u.add_field(name, transform, f"p{self.names}"))
        fields = self.described["partitions"]["fields"]
        if not fields:
            return f"sort by {term} desc", None
        field = self.dice.choice(fields)["name"]
        return f"drop partition {quote(field)}", lambda t: spec(t, lambda u: u.remove_field(field))

    def alter(self):
        action, other = self.change()
        if other and self.dice.random() < 0.4:
            try:
                other(self.catalog.load_table(TABLE))
            except Exception as e:  # what PyIceberg refuses is its own business
                return f"PyIceberg refuses '{action}': {str(e).splitlines()[0]}"
            return f"PyIceberg: {action}"
        done = self.run("lk-table", "alter", TABLE, action)
        return f"lk: {action}" if not done.returncode else f"lk refuses '{action}': {done.stderr.decode().strip()}"

    # ---- what must be so ----

    def check(self):
        table = self.catalog.load_table(TABLE)
        self.described = self.describe()
        ours = {c["column"]: c["id"] for c in self.described["columns"]}
        theirs = {name: number for number, name in table.schema()._lazy_id_to_name.items()}
        assert ours == theirs, f"columns differ: {ours} and {theirs}"
        ids = [f["field_id"] for f in self.described["partitions"]["fields"]]
        assert ids == [f.field_id for f in table.spec().fields], "partition fields differ"
        wanted = {key: {number: row.get(number) for number, name, kind in self.columns()} for key, row in self.rows.items()}
        for engine, got in ("PyIceberg", table.scan().to_arrow()), ("lk-query", self.query()):
            rows = {}
            for row in got.to_pylist():
                values = {number: row[name] for number, name, kind in self.columns()}
                rows[values[1]] = values
            assert rows == wanted, f"{engine} sees other rows: {[(rows.get(k), v) for k, v in wanted.items() if rows.get(k) != v][:2]}"

    def query(self):
        done = self.run("lk-query", "-F", "arrow", f"select * from {TABLE}")
        if done.returncode:
            raise SystemExit(done.stderr.decode())
        return pa.ipc.open_stream(done.stdout).read_all()


def schema(table, change):
    with table.update_schema() as update:
        change(update)


def spec(table, change):
    with table.update_spec() as update:
        change(update)


def main():
    lake, seed, steps = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    evolution = Evolution(lake, seed)
    evolution.check()
    print(evolution.append("lk"), flush=True)
    for _ in range(steps):
        evolution.check()
        print(evolution.alter(), flush=True)
        evolution.check()
        print(evolution.append(evolution.dice.choice(["lk", "PyIceberg"])), flush=True)
    evolution.check()
    print(f"{len(evolution.rows)} rows, last column id {max(c['id'] for c in evolution.described['columns'])}")


if __name__ == "__main__":
    main()
