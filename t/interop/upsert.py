"""Holds what an engine reads of a lake to what the model of t/helper/upsert-model.py says of it.

    upsert.py ENGINE WORLD     ENGINE: pyiceberg, spark or clickhouse; WORLD: a folder that the model kept

The model left the rows of each table after each round, by snapshot, as texts; an engine's values are brought to that form.
"""
import datetime as dt
import json
import os
import sys

from summary import catalog_tables


def text(kind, value):
    if value is None:
        return None
    if kind == "bool":
        return "true" if value else "false"
    if kind.startswith("decimal"):
        return format(value, ".%df" % int(kind[kind.index(",") + 1:-1]))
    if kind.startswith("timestamp"):
        if value.tzinfo:
            value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)
        at = value.isoformat(" ")
        return (at.rstrip("0") if value.microsecond else at) + ("+00" if kind == "timestamptz" else "")
    if kind == "date32":
        return value.isoformat()
    if kind == "binary" or isinstance(value, (bytes, bytearray)):
        return bytes(value).decode()
    return str(value)


class PyIceberg:
    def __init__(self, world):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass

    def rows(self, name, location, snapshot, columns):
        from pyiceberg.table import StaticTable
        there = StaticTable.from_metadata(location).scan(snapshot_id=snapshot).to_arrow()
        return zip(*[there.column(c).to_pylist() for c in columns])


class ClickHouse(PyIceberg):
    def __init__(self, world):
        from ask import ClickHouse
        self.ask = ClickHouse(None)

    def rows(self, name, location, snapshot, columns):
        source = self.ask.source({"location": location, "snapshot": snapshot})
        return self.ask.rows("select %s from %s" % (", ".join(self.ask.name(c) for c in columns), source))


class Spark:
    def __init__(self, world):
        from session import Spark
        self.session = Spark(os.path.join(world, "spark"), os.path.join(world, "lake"))

    def __enter__(self):
        self.session.__enter__()
        return self

    def __exit__(self, *unused):
        self.session.__exit__(*unused)

    def rows(self, name, location, snapshot, columns):
        # As text where its Python has no value of its own for it: times go by the clock of the machine there.
        return self.session.rows("select %s from lk.main.%s version as of %d" % (", ".join("`%s`" % c for c in columns), name, snapshot))


def main():
    engine, world = sys.argv[1], os.path.abspath(sys.argv[2])
    with open(os.path.join(world, "model.json")) as file:
        model = json.load(file)
    locations = {name: location for namespace, name, location in catalog_tables(os.path.join(world, "lake")) if namespace == "main"}
    asked = wrong = rows = 0
    with {"pyiceberg": PyIceberg, "spark": Spark, "clickhouse": ClickHouse}[engine](world) as session:
        for moment in model["moments"]:
            for name, snapshot in moment["snapshots"].items():
                table = model["tables"][name]
                want = moment["rows"][name]
                got = sorted(json.dumps([text(table["types"][c], v) for c, v in zip(table["columns"], row)])
                             for row in session.rows(name, locations[name], snapshot, table["columns"]))
                asked, rows = asked + 1, rows + len(got)
                if got != want:
                    wrong += 1
                    print("%s: %s after round %d, snapshot %d: model -, engine +" % (engine, name, moment["round"], snapshot))
                    print("\n".join(["  - " + w for w in want if w not in got][:4] + ["  + " + g for g in got if g not in want][:4]))
    print("%s: %d tables at %d moments, %d rows, %d wrong" % (engine, asked, len(model["moments"]), rows, wrong))
    sys.exit(1 if wrong or not rows else 0)


if __name__ == "__main__":
    main()
