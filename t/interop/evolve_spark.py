"""Spark, with Iceberg's reference implementation, and lk-table change one table in turn. After each change both see the same columns
and the same rows.

    evolve_spark.py LAKE HOME
"""
import json
import os
import subprocess
import sys

from session import Spark

LAKE, HOME = os.path.abspath(sys.argv[1]), sys.argv[2]
TABLE = "main.turns"


def run(*command, **more):
    tool, *rest = command
    done = subprocess.run([tool, "-l", LAKE, *rest], capture_output=True, **more)
    if done.returncode:
        raise SystemExit(f"{command}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def lk_alter(*actions):
    return lambda spark: run("lk-table", "alter", TABLE, *actions)


def sql(statement):
    return lambda spark: spark.rows(statement.replace("@", f"lk.{TABLE}"))


def lk_rows(text):
    return lambda spark: run("lk-commit", input=subprocess.run(["make-stream"], input=f"@{TABLE} {text}".encode(),
                                                               capture_output=True, check=True).stdout)


# What is done, and the columns and rows that both must see after it.
TURNS = [
    (lk_rows("id:int64! b:utf8 n:int32\nid=1|b=one|n=11\nid=2|b=two|n=12\n"),
     "id b n place tags", [[1, "one", 11, None, None], [2, "two", 12, None, None]]),
    (lk_alter("rename column b to name", "add column x int after id comment why not"), "id x name n place tags",
     [[1, None, "one", 11, None, None], [2, None, "two", 12, None, None]]),
    (sql("ALTER TABLE @ ALTER COLUMN n TYPE bigint"), "id x name n place tags",
     [[1, None, "one", 11, None, None], [2, None, "two", 12, None, None]]),
    (sql("ALTER TABLE @ ADD COLUMN place.room string AFTER ward"), None, None),
    (lk_alter("add column place.floor int first", "move column n first"), "n id x name place tags", None),
    (sql("INSERT INTO @ (n, id, x, name, place, tags) VALUES"
         " (13, 3, 33, 'three', named_struct('floor', 1, 'ward', 'A', 'room', 'r', 'bed', 4), array('s'))"),
     "n id x name place tags", [[11, 1, None, "one", None, None], [12, 2, None, "two", None, None],
                                [13, 3, 33, "three", [1, "A", "r", 4], ["s"]]]),
    (lk_alter("drop column x", "rename column place.ward to station"), "n id name place tags", None),
    (lk_alter("add column x string"), "n id name place tags x",
     [[11, 1, "one", None, None, None], [12, 2, "two", None, None, None], [13, 3, "three", [1, "A", "r", 4], ["s"], None]]),
    (sql("ALTER TABLE @ ADD PARTITION FIELD bucket(4, id)"), None, None),
    (lk_rows("id:int64! name:utf8 n:int64 x:utf8\nid=4|name=four|n=14|x=new\n"), "n id name place tags x",
     [[11, 1, "one", None, None, None], [12, 2, "two", None, None, None], [13, 3, "three", [1, "A", "r", 4], ["s"], None],
      [14, 4, "four", None, None, "new"]]),
    (lk_alter("replace partition bucket(4, id) with truncate(2, name) as start", "sort by n desc nulls last, id"), None, None),
    (sql("INSERT INTO @ (n, id, name, place, tags, x) VALUES (15, 5, 'five', null, null, 'y')"), None, None),
    (sql("ALTER TABLE @ WRITE ORDERED BY name"), None, None),
    (sql("ALTER TABLE @ SET IDENTIFIER FIELDS id"), None, None),
    (lk_alter("partition by bucket(4, id)", "set comment=done"), None, None),
    (sql("ALTER TABLE @ DROP PARTITION FIELD bucket(4, id)"), None, None),
    (lk_alter("sort by ()", "key by ()", "alter column id drop not null"), None, None),
    (sql("DELETE FROM @ WHERE id = 2"), "n id name place tags x",
     [[11, 1, "one", None, None, None], [13, 3, "three", [1, "A", "r", 4], ["s"], None], [14, 4, "four", None, None, "new"],
      [15, 5, "five", None, None, "y"]]),
]


def plain(value):
    """Rows and lists of either engine as lists."""
    if hasattr(value, "asDict") or isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return plain(list(value.values())) if isinstance(value, dict) else value


def check(spark, columns, rows):
    described = json.loads(run("lk-table", "describe", "--json", TABLE))
    names = [c["column"] for c in described["columns"] if "." not in c["column"]]
    theirs = [f.name for f in spark.session.table(f"lk.{TABLE}").schema.fields]
    assert names == theirs, f"columns differ: {names} and {theirs}"
    assert columns is None or names == columns.split(), f"columns are {names}"
    spark_rows = plain(spark.rows(f"select * from lk.{TABLE} order by id"))
    lk_rows = [plain(list(json.loads(line).values()))
               for line in run("lk-query", "-F", "json", f"select * from {TABLE} order by id").splitlines()]
    assert spark_rows == lk_rows, f"rows differ: {spark_rows} and {lk_rows}"
    assert rows is None or spark_rows == rows, f"rows are {spark_rows}"


def main():
    run("lk-table", "create", TABLE, "id long not null, b string, n int, place struct<ward: string, bed: int>, tags list<string>")
    with Spark(HOME, LAKE) as spark:
        for number, (turn, columns, rows) in enumerate(TURNS):
            turn(spark)
            try:
                check(spark, columns, rows)
            except AssertionError as e:
                raise SystemExit(f"after turn {number + 1}: {e}")
            print(f"turn {number + 1} is right", flush=True)


main()
