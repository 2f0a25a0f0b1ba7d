"""One table that lk, PyIceberg, Spark and Trino change in turn: `roundtrip.py`, in a folder of its own.

Keeps in Python what the table should hold after each step, and has lk-query read it, PyIceberg read it, and lk-fsck look
through the lake, data and all. Spark runs in a process of its own, as its Python is another: it is told statements on its
standard input, one a line, and answers each with a line.
"""
import datetime as dt
import decimal
import json
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq

from session import Trino
from summary import open_catalog

LAKE = os.path.abspath("lake")
SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.utf8()), ("amount", pa.decimal128(12, 2)), ("seen", pa.timestamp("us", "UTC")),
                    ("day", pa.date32())])


class SparkProcess:
    def __enter__(self):
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen([os.environ["LK_INTEROP_SPARK"] + "/bin/python", "-W", "ignore", os.path.join(here, "session.py"),
                                         "spark", "spark.home", LAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def rows(self, sql):
        print(" ".join(sql.split()), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["rows"]

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(60)


class Table:
    """What main.trip should hold: a row by its id, values as lk-query's JSON has them."""

    def __init__(self):
        self.rows = {}
        self.columns = ["id", "name", "amount", "seen", "day"]
        self.steps = 0

    def put(self, first, count, word):
        """Rows as a writer gets them, and noted."""
        made = []
        for n in range(first, first + count):
            row = {"id": n, "name": None if n % 11 == 0 else f"{word} é{n % 7}", "amount": None if n % 13 == 0 else f"{n * 7 - 999}.25",
                   "seen": f"2024-0{n % 3 + 1}-15 12:00:00.{n % 1000:06d}", "day": f"2024-0{n % 3 + 1}-1{n % 4}"}
            made.append(row)
            self.rows[n] = {**dict.fromkeys(self.columns), **row}
        return made

    def arrow(self, rows):
        columns = {"id": [r["id"] for r in rows], "name": [r["name"] for r in rows],
                   "amount": [r["amount"] and decimal.Decimal(r["amount"]) for r in rows],
                   "seen": [dt.datetime.fromisoformat(r["seen"] + "+00:00") for r in rows],
                   "day": [dt.date.fromisoformat(r["day"]) for r in rows]}
        return pa.table(columns, schema=SCHEMA)

    def check(self, step):
        self.steps += 1
        expect = sorted([r[c] for c in self.columns] for r in self.rows.values())
        names = ", ".join(f"cast({c} as varchar)" if c in ("amount", "day") else f"strftime({c}, '%Y-%m-%d %H:%M:%S.%f')" if c == "seen"
                          else c for c in self.columns)
        said = subprocess.run(["lk-query", "-l", LAKE, "-F", "arrow", f"select {names} from trip order by id"],
                              stdout=subprocess.PIPE, check=True).stdout
        same(step, "lk-query", expect, [list(r.values()) for r in pa.ipc.open_stream(said).read_all().to_pylist()])
        rows = open_catalog(LAKE).load_table("main.trip").scan().to_arrow().to_pylist()
        text = {"amount": str, "day": str, "seen": lambda v: v.strftime("%Y-%m-%d %H:%M:%S.%f")}
        same(step, "PyIceberg", expect, sorted([None if r[c] is None else text.get(c, lambda v: v)(r[c]) for c in self.columns] for r in rows))
        done = subprocess.run(["lk-fsck", "-d", "-l", LAKE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"{step}: lk-fsck: {done.stdout}{done.stderr}"
        print(f"{step}: {len(expect)} rows", flush=True)


def same(step, reader, expect, actual):
    for e, a in zip(expect, actual):
        assert e == a, f"{step}: {reader} says {a}, not {e}"
    assert len(expect) == len(actual), f"{step}: {reader} says {len(actual)} rows, not {len(expect)}"


def lk_commit(table, once, rows, *options):
    with open("rows.arrows", "wb") as out, pa.ipc.new_stream(out, SCHEMA) as stream:
        stream.write_table(table.arrow(rows))
    with open("rows.arrows") as stdin:
        subprocess.run(["lk-commit", "-q", "-l", LAKE, "--plain", "--as", "trip", "--once", once, *options], stdin=stdin, check=True)


def lk(*command):
    subprocess.run([f"lk-{command[0]}", "-q", *command[1:]], stdin=subprocess.DEVNULL, check=True)


def by_lk_and_pyiceberg(table):
    lk("table", "create", "-l", LAKE, "--partition", "month(seen), bucket(2, id)", "main.trip",
       "id long, name string, amount decimal(12,2), seen timestamptz, day date")
    lk_commit(table, "one", table.put(1, 120, "lk"))
    table.check("lk makes the table")
    lk_commit(table, "two", table.put(121, 80, "lk again"))
    table.check("lk appends")
    known = open_catalog(LAKE).load_table("main.trip")
    # By way of Parquet: pyiceberg-core panics on buffers as they are aligned here.
    pq.write_table(table.arrow(table.put(301, 50, "py")), "py.parquet")
    known.append(pq.read_table("py.parquet").cast(known.schema().as_arrow()))
    table.check("PyIceberg appends")


def by_spark(table, spark):
    spark.rows("alter table lk.main.trip set tblproperties ('write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read',"
               " 'write.merge.mode' = 'merge-on-read')")
    table.check("Spark sets properties")

    new = {"amount": None, "seen": "2024-05-01 00:00:00.000000", "day": "2024-05-01"}
    for first, last in ((100, 130), (390, 400)):
        spark.rows(f"""merge into lk.main.trip t using (select id, concat('merged ', id) as name from range({first}, {last})) s
            on t.id = s.id when matched then update set t.name = s.name when not matched then insert (id, name, amount, seen, day)
            values (s.id, s.name, null, timestamp '2024-05-01 00:00:00', date '2024-05-01')""")
        for n in range(first, last):
            table.rows.setdefault(n, {"id": n, **new})["name"] = f"merged {n}"
    table.check("Spark runs MERGE")

    spark.rows("delete from lk.main.trip where id % 10 = 3 or name is null")
    for n in [n for n, r in table.rows.items() if n % 10 == 3 or r["name"] is None]:
        del table.rows[n]
    table.check("Spark runs DELETE")
    lk_commit(table, "three", table.put(501, 40, "between"))
    table.check("lk appends beside deletes")

    spark.rows("call lk.system.rewrite_data_files(table => 'main.trip', options => map('rewrite-all', 'true'))")
    table.check("Spark runs rewrite_data_files")
    spark.rows("call lk.system.rewrite_manifests('main.trip')")
    table.check("Spark runs rewrite_manifests")
    spark.rows("call lk.system.expire_snapshots(table => 'main.trip', older_than => timestamp '2200-01-01 00:00:00', retain_last => 2)")
    table.check("Spark runs expire_snapshots")
    spark.rows("alter table lk.main.trip add column note string")
    table.columns.append("note")
    for row in table.rows.values():
        row["note"] = None
    table.check("Spark adds a column")
    spark.rows("update lk.main.trip set note = 'spark' where id < 10")
    for n, row in table.rows.items():
        row["note"] = "spark" if n < 10 else None
    table.check("Spark runs UPDATE")


def by_trino(table, trino):
    trino.rows("update trip set note = 'trino', amount = amount + 1 where id between 20 and 60")
    for n, row in table.rows.items():
        if 20 <= n <= 60:
            row["note"] = "trino"
            row["amount"] = row["amount"] and str(decimal.Decimal(row["amount"]) + 1)
    table.check("Trino runs UPDATE")
    trino.rows("alter table trip execute optimize")
    table.check("Trino runs optimize")
    trino.rows("delete from trip where id = 70")
    table.rows.pop(70, None)
    table.check("Trino runs DELETE")


def at_the_end(table, trino):
    lk_commit(table, "four", table.put(601, 60, "last"))
    table.check("lk appends after all of them")
    lk_commit(table, "four", [])  # what was committed under that name before is not committed again
    lk_commit(table, "one", list(table.rows.values())[:10])
    table.check("lk knows what it loaded before them")
    lk_commit(table, "less", [], "--overwrite", "id % 10 = 4")
    for n in [n for n in table.rows if n % 10 == 4]:
        del table.rows[n]
    table.check("lk deletes rows of all of them")
    lk("compact", "-l", LAKE, "-t", "main.trip")
    table.check("lk compacts")
    lk("table", "alter", "-l", LAKE, "main.trip", "rename column name to label", "add column extra long")
    table.columns[1] = "label"
    table.columns.append("extra")
    for row in table.rows.values():
        row["label"], row["extra"] = row.pop("name"), None
    table.check("lk renames and adds columns")
    lk("expire", "-l", LAKE, "-t", "main.trip", "--keep-last", "1")
    lk("gc", "-l", LAKE, "--grace", "0s")
    table.check("lk expires snapshots and removes what nothing leads to")
    if trino:
        expect = sorted((r["id"], r["label"], r["note"]) for r in table.rows.values())
        same("the end", "Trino", expect, [tuple(r) for r in trino.rows("select id, label, note from trip order by id")])
        print(f"Trino reads: {len(expect)} rows")


def main():
    table = Table()
    by_lk_and_pyiceberg(table)
    if os.environ.get("LK_INTEROP_SPARK"):
        with SparkProcess() as spark:
            by_spark(table, spark)
    if os.environ.get("LK_INTEROP_TRINO"):
        with Trino("trino.home", LAKE) as trino:
            if "note" not in table.columns:
                trino.rows("alter table trip add column note varchar")
                table.columns.append("note")
                for row in table.rows.values():
                    row["note"] = None
            by_trino(table, trino)
            at_the_end(table, trino)
    else:
        at_the_end(table, None)
    print(table.steps, "steps")


if __name__ == "__main__":
    main()
