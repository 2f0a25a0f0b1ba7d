"""The matrix: tables of every type by every partition transform, taken through append, delete, evolve, compact and branch.

    matrix.py rows                          the rows that writers take, into rows/: Arrow streams and Parquet
    matrix.py write WRITER LAKE             a writer (lk, pyiceberg, spark) makes its tables; adds to stages.jsonl
    matrix.py questions LAKE                a lake of its own, stages/, with each table as it was after each operation, and
                                            stages/questions.jsonl for ask.py
    matrix.py compare ENGINE...             answers of engines (stages/ENGINE.jsonl) beside lk's; prints the tables

Metadata of Iceberg never changes once it is written, so what a table was after an operation stays readable under a name of
its own: one session of an engine sees all of them.
"""
import decimal
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import cases
from cases import PLAIN, ROWS, TRANSFORMS, Table

decimal.getcontext().prec = 60
# What foreign writers try is a part of what lk does: Spark and PyIceberg are each other's checks on the rest.
FOREIGN = {"identity": ["i", "m", "s", "d", "z"], "bucket": ["l", "w", "s", "b", "t"], "truncate": ["i", "m", "w", "s", "b"],
           "year": ["z"], "month": ["t"], "day": ["d", "z"], "hour": ["t"], "void": ["l"]}
DELETED = "id % 5 = 2"


def deleted(row):
    return row["id"] % 5 == 2


def foreign_tables():
    yield Table("none")
    for transform, sources in FOREIGN.items():
        for source in sources:
            yield Table(transform, source)


# Rows as files -------------------------------------------------------------------------------------------------------

def arrow_type(kind):
    import pyarrow as pa
    if kind.startswith("decimal"):
        return pa.decimal128(*map(int, kind[len("decimal("):-1].split(",")))
    return {"boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "string": pa.utf8(),
            "binary": pa.binary(), "date": pa.date32(), "time": pa.time64("us"), "timestamp": pa.timestamp("us"),
            "timestamptz": pa.timestamp("us", "UTC")}[kind]


def evolved(rows):
    """Rows as tables take them after they evolved: see EVOLVED."""
    for row in rows:
        row["ratio"], row["b"], row["extra"] = row.pop("x"), f"text {row['id']}", None if row["id"] % 3 else "é" * (row["id"] % 7)
        row["i"] = row["i"] if row["i"] is None else row["i"] * 2**20
        row["m"] = row["m"] if row["m"] is None else row["m"] * 100
    return rows


EVOLVED = {"ratio": "double", "i": "long", "m": "decimal(12, 2)", "b": "string", "extra": "string"}


def write_rows():
    import pyarrow as pa
    import pyarrow.parquet as pq
    os.makedirs("rows", exist_ok=True)
    for kind, table in (("plain", Table("none")), ("clock", Table("none", "h"))):
        for part in (0, 1, 2, 3, 4):
            rows, kinds = table.rows(part) if part else [], table.kinds()
            if part >= 3:
                rows = evolved(rows)
                kinds = {**{k: v for k, v in kinds.items() if k != "x"}, **EVOLVED}
            made = pa.table({c: pa.array([r[c] for r in rows], arrow_type(k)) for c, k in kinds.items()})
            with pa.ipc.new_stream(f"rows/{kind}.{part}.arrows", made.schema) as out:
                out.write_table(made)
            pq.write_table(made, f"rows/{kind}.{part}.parquet")


def rows_file(table, part, form):
    return os.path.abspath(f"rows/{'clock' if 'h' in table.columns else 'plain'}.{part}.{form}")


# Writers -------------------------------------------------------------------------------------------------------------

class Recorder:
    """Writes down where a table's metadata was after each operation."""

    def __init__(self, lake, writer):
        self.lake, self.writer = lake, writer
        self.out = open("stages.jsonl", "a")

    def location(self, name):
        with sqlite3.connect(f"file:{self.lake}/catalog.db?mode=ro", uri=True, timeout=30) as db:
            return db.execute("select metadata_location from iceberg_tables where table_namespace = 'main' and table_name = ?",
                              (name,)).fetchone()[0]

    def stage(self, table, name, stage, ref=None):
        """The table as it is now; of the ref's snapshot, when one is named."""
        print(json.dumps({"writer": self.writer, "transform": table.transform, "source": table.source, "name": name, "stage": stage,
                          "location": self.location(name), "ref": ref}), file=self.out, flush=True)


class Writer:
    """The operations, in the order that every writer's tables go through them."""

    def branch_of(self, name):
        return "audit"

    def run(self):
        record = Recorder(self.lake, self.title)
        for table in self.tables():
            name = f"{self.title}_{table.name}"
            self.create(table, name)
            self.append(table, name, 1)
            self.append(table, name, 2)
            record.stage(table, name, "append")
            for stage, step in self.steps:
                if not step(self, table, name):
                    continue
                record.stage(table, name, stage, self.branch_of(name) if stage == "branch" else None)
                if stage == "branch":
                    record.stage(table, name, "main beside")


class PyIcebergWriter(Writer):
    title = "pyiceberg"

    def __init__(self, lake):
        from summary import open_catalog
        self.lake, self.catalog = lake, open_catalog(lake)
        self.catalog.create_namespace_if_not_exists("main")

    def tables(self):  # its own library cannot truncate the binary that its own reader makes
        return (t for t in foreign_tables() if t.name != "truncate_b")

    def rows(self, table, part):
        import pyarrow.parquet as pq  # pyiceberg-core panics on buffers as IPC aligns them
        return pq.read_table(rows_file(table, part, "parquet"))

    def create(self, table, name):
        from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
        made = self.catalog.create_table(f"main.{name}", schema=self.rows(table, 1).schema,
                                         location=f"file://{self.lake}/main/{name}")
        if table.source:
            with made.update_spec() as spec:
                spec.add_field(table.source, table.spelt, f"{table.source}_{table.transform}")

    def append(self, table, name, part, **branch):
        known = self.catalog.load_table(f"main.{name}")
        made = self.rows(table, part)
        known.append(made.select(known.schema().column_names).cast(known.schema().as_arrow()), **branch)

    def delete(self, table, name):
        gone = [p * 1000 + n for p in (1, 2) for n in range(ROWS) if (p * 1000 + n) % 5 == 2]
        self.catalog.load_table(f"main.{name}").delete(f"id in ({', '.join(map(str, gone))})")
        return True

    def evolve(self, table, name):
        from pyiceberg.types import DecimalType, LongType, StringType
        if table.source in ("b", "x"):
            return False
        known = self.catalog.load_table(f"main.{name}")
        with known.update_schema() as schema:
            schema.rename_column("x", "ratio")
            schema.update_column("i", LongType())
            schema.update_column("m", DecimalType(12, 2))
            schema.delete_column("b")
            schema.add_column("extra", StringType())
            schema.move_first("z")
        with known.update_schema() as schema:
            schema.add_column("b", StringType())
        if table.source:
            with known.update_spec() as spec:
                spec.remove_field(f"{table.source}_{table.transform}")
                spec.add_field("id", "bucket[3]", "id_bucket")
        self.append(table, name, 3)
        return True

    def branch(self, table, name):
        if table.source in ("b", "x"):
            return False
        known = self.catalog.load_table(f"main.{name}")
        known.manage_snapshots().create_branch(known.current_snapshot().snapshot_id, "audit").commit()
        self.append(table, name, 4, branch="audit")
        return True

    steps = [("delete", delete), ("evolve", evolve), ("branch", branch)]


class SparkWriter(Writer):
    title = "spark"
    tables = staticmethod(foreign_tables)

    def __init__(self, lake):
        self.lake = lake

    def run(self):
        from session import Spark
        with Spark(os.path.abspath("spark.home"), self.lake) as engine:
            self.sql = engine.rows
            self.sql("create namespace if not exists lk.main")
            super().run()

    def create(self, table, name):
        words = {"double": "double", "long": "bigint", "timestamp": "timestamp_ntz", "timestamptz": "timestamp"}
        columns = ", ".join(f"{c} {words.get(k, k.replace(' ', ''))}" for c, k in table.kinds().items())
        by = ""
        if table.transform == "void":
            by = f"partitioned by (truncate(3, {table.source}))"
        elif table.source:
            form = {"bucket": "bucket(4, {})", "truncate": "truncate(3, {})", "identity": "{}"}
            by = f"partitioned by ({form.get(table.transform, table.transform + '({})').format(table.source)})"
        self.sql(f"create table lk.main.{name} ({columns}) using iceberg {by} location 'file://{self.lake}/main/{name}'"
                 " tblproperties ('format-version' = '2', 'write.delete.mode' = 'merge-on-read')")
        if table.transform == "void":
            self.sql(f"alter table lk.main.{name} drop partition field truncate(3, {table.source})")

    def append(self, table, name, part, ref=""):
        self.sql(f"insert into lk.main.{name}{ref} by name select * from parquet.`{rows_file(table, part, 'parquet')}`")

    def delete(self, table, name):
        self.sql(f"delete from lk.main.{name} where {DELETED}")
        return True

    def evolve(self, table, name):
        if table.source in ("b", "x"):
            return False
        t = f"alter table lk.main.{name}"
        self.sql(f"{t} rename column x to ratio")
        self.sql(f"{t} alter column i type bigint")
        self.sql(f"{t} alter column m type decimal(12,2)")
        self.sql(f"{t} drop column b")
        self.sql(f"{t} add columns (extra string, b string)")
        self.sql(f"{t} alter column z first")
        if table.source and table.transform != "void":
            field = {"bucket": "bucket(4, {})", "truncate": "truncate(3, {})", "identity": "{}"}
            self.sql(f"{t} replace partition field {field.get(table.transform, table.transform + '({})').format(table.source)}"
                     " with bucket(3, id) as id_bucket")
        self.append(table, name, 3)
        return True

    def compact(self, table, name):
        self.sql(f"call lk.system.rewrite_data_files(table => 'main.{name}', options => map('rewrite-all', 'true'))")
        return True

    def branch(self, table, name):
        if table.source in ("b", "x"):
            return False
        self.sql(f"alter table lk.main.{name} create branch audit")
        self.append(table, name, 4, ".branch_audit")
        return True

    steps = [("delete", delete), ("evolve", evolve), ("compact", compact), ("branch", branch)]


class LkWriter(Writer):
    title = "lk"
    tables = staticmethod(cases.tables)
    TERMS = {"identity": "{}", "bucket": "bucket(4, {})", "truncate": "truncate(3, {})"}

    def __init__(self, lake):
        self.lake = lake

    def lk(self, *command, rows=None):
        with open(rows or os.devnull) as stdin:
            subprocess.run([f"lk-{command[0]}", "-q", *command[1:]], stdin=stdin, check=True)

    def term(self, table):
        return self.TERMS.get(table.transform, table.transform + "({})").format(table.source)

    def create(self, table, name):
        term = f"truncate(3, {table.source})" if table.transform == "void" else self.term(table)
        by = ["--partition", term] if table.transform != "none" else []
        columns = ", ".join(f"{c} {k}" for c, k in table.kinds().items())
        self.lk("table", "create", "-l", self.lake, *by, f"main.{name}", columns)
        if table.transform == "void":  # what a v2 table has instead of a dropped field is no field; v1 has void
            self.lk("table", "alter", "-l", self.lake, f"main.{name}", f"drop partition {term}")

    def append(self, table, name, part, *options):
        self.lk("commit", "-l", self.lake, "--plain", "--as", name, "--once", f"{name}.{part}", *options,
                rows=rows_file(table, part, "arrows"))

    def delete(self, table, name):
        self.lk("commit", "-l", self.lake, "--plain", "--as", name, "--overwrite", DELETED, rows=rows_file(table, 0, "arrows"))
        return True

    def evolve(self, table, name):
        if table.source == "b":
            return False
        actions = ["rename column x to ratio", "alter column i type long", "alter column m type decimal(12,2)", "drop column b",
                   "add column extra string", "add column b string", "move column z first"]
        if table.transform not in ("none", "void"):
            actions.append(f"replace partition {self.term(table)} with bucket(3, id) as id_bucket")
        self.lk("table", "alter", "-l", self.lake, f"main.{name}", *actions)
        self.append(table, name, 3)
        return True

    def branch_of(self, name):
        """A branch of lk's begins with all of its tables at one moment, so each table has one of its own here."""
        return f"audit_{name}"

    def branch(self, table, name):
        if table.source == "b":
            return False
        self.lk("branch", "-l", self.lake, "-t", f"main.{name}", self.branch_of(name))
        self.append(table, name, 4, "--branch", self.branch_of(name))
        return True

    def compact(self, table, name):
        self.lk("compact", "-l", self.lake, "-t", f"main.{name}")
        return True

    steps = [("delete", delete), ("evolve", evolve), ("compact", compact), ("branch", branch)]


WRITERS = {"lk": LkWriter, "pyiceberg": PyIcebergWriter, "spark": SparkWriter}


# Questions -----------------------------------------------------------------------------------------------------------

def metadata_of(location):
    with open(location.removeprefix("file:")) as file:
        return json.load(file)


def check_operation(stage, metadata):
    """The table's last snapshot is what the operation should have made of it."""
    snapshots = {s["snapshot-id"]: s["summary"] for s in metadata["snapshots"]}
    last = snapshots[metadata["refs"][stage["ref"] or "main"]["snapshot-id"]]
    expected = {"append": ["append"], "delete": ["delete", "overwrite"], "evolve": ["append"], "compact": ["replace"], "branch": ["append"]}
    assert last["operation"] in expected.get(stage["stage"], [last["operation"]]), f"{stage['name']}: {stage['stage']} made {last}"
    if stage["stage"] == "compact" and stage["writer"] == "lk":  # Spark leaves those that apply to nothing any more
        assert last["total-delete-files"] == "0", f"{stage['name']}: deletes are left: {last}"
    if stage["stage"] == "branch":
        assert stage["ref"] != "main" and metadata["refs"][stage["ref"]] != metadata["refs"]["main"], f"{stage['name']}: the branch is main"


def write_questions(lake):
    with open("stages.jsonl") as file:
        stages = [json.loads(line) for line in file]
    os.makedirs("stages", exist_ok=True)
    shutil.copy(f"{lake}/catalog.db", "stages/catalog.db")
    with sqlite3.connect("stages/catalog.db") as db, open("stages/questions.jsonl", "w") as out:
        db.execute("delete from iceberg_tables where table_namespace = 'main'")
        count = 0

        def ask(stage, label, table, schema, snapshot):
            nonlocal count
            kinds = {f["name"]: f["type"].replace(",", ", ").replace("  ", " ") for f in schema["fields"]}
            known = Table("none", "h").kinds()
            same = [c for c in kinds if kinds[c] == known.get(c)]
            if stage["transform"] != "none":  # some of the others, in turn; what evolved
                changes = EVOLVED if "ratio" in kinds else {}
                turn = PLAIN[count % 3::3]
                kinds = {c: k for c, k in kinds.items() if c in ("id", stage["source"], *turn, *changes)}
                same = [c for c in same if c in kinds]
            # Every column is asked for with WHERE once, each column that a table is partitioned by in each of its states.
            wanted = same if stage["name"] in ("lk_none", "lk_none_h") and label == "append" else [stage["source"]]
            question = {"id": count, "writer": stage["writer"], "transform": stage["transform"], "source": stage["source"],
                        "stage": label, "table": table, "location": stage["location"], "snapshot": snapshot, "ref": stage["ref"], "kinds": kinds,
                        # Spark and Trino take a second for an answer: of lk's tables that differ only in the type that they are
                        # partitioned by, they are asked of each state for the first, of the others as they were first and last.
                        "slow": label in ("append", "branch") or stage["source"] in (None, "h", TRANSFORMS.get(stage["transform"], (0, [None]))[1][0]),
                        "filters": cases.filters_of(kinds, ["id"] + [c for c in wanted if c in same and c != "id"])}
            print(json.dumps(question, ensure_ascii=False), file=out)
            count += 1

        for stage in stages:
            # Of what others wrote, the states that lk reads in a way of its own; main beside a branch is what it was before.
            skipped = ("main beside",) if stage["writer"] == "lk" else ("append", "evolve", "main beside")
            if stage["stage"] in skipped and stage["transform"] != "none":
                continue
            table = f"{stage['name']}__{stage['stage'].replace(' ', '_')}"
            metadata = metadata_of(stage["location"])
            check_operation(stage, metadata)
            schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
            db.execute("insert into iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) values ('lk', 'main', ?, ?)",
                       (table, stage["location"]))
            if stage["ref"]:
                ask(stage, stage["stage"], table, schema, metadata["refs"][stage["ref"]]["snapshot-id"])
                continue
            ask(stage, stage["stage"], table, schema, None)
            if stage["stage"] == "append":
                ask(stage, "time travel", table, schema, metadata["snapshot-log"][0]["snapshot-id"])
    print(count, "questions of", len(stages), "tables")


# Comparing -----------------------------------------------------------------------------------------------------------

STAGES = ["append", "time travel", "delete", "evolve", "compact", "branch", "main beside"]


def cells_of(question, answer):
    """(what, value) of everything that was asked."""
    if "error" in answer:
        yield "", "error", answer["error"]
        return
    yield "", "rows", answer["rows"]
    for column, said in answer["columns"].items():
        for what, value in zip(("nulls", "min", "max", "sum"), said):
            yield column, what, value
    for asked, said in zip(question["filters"], answer["filters"]):
        yield asked[0], "where " + " ".join(asked), said


def load(path):
    with open(path) as file:
        return {a["id"]: a for a in map(json.loads, file)}


def compare(engines):
    """Prints the tables, and what differs; how many answers are wrong."""
    with open("stages/questions.jsonl") as file:
        questions = [json.loads(line) for line in file]
    truth = load("stages/lk.jsonl")
    grid = Grid()
    shown = {}
    for engine in engines:
        answers = load(f"stages/{engine}.jsonl")
        for question in questions:
            if not cases.is_for(engine, question):
                continue
            for column, what, mine, theirs in pairs_of(question, truth[question["id"]], answers.get(question["id"])):
                right = mine == theirs
                why = None if right else excuse(engine, question, column, what)
                grid.count(engine, question, column, right, why)
                if not right and not why:
                    like = (engine, question["stage"], what.split(" ")[0], str(theirs)[:60] if what == "error" else column)
                    shown.setdefault(like, []).append(f"{question['table']}{' at a snapshot' if question['snapshot'] else ''}: {column} {what}:"
                                                      f" lk-query says {mine}, {engine} {theirs}")
    grid.show(engines)
    for known in cases.KNOWN:
        if known.engine in engines:
            print(f"# * {known.engine} {known.what}: {known.spoilt} answers")
    for examples in list(shown.values())[:40]:
        print(f"# {len(examples)} like: {examples[0]}")
    idle = [k for k in cases.KNOWN if k.engine in engines and not k.spoilt]
    for known in idle:
        print(f"# {known.engine} {known.what}, it is said, but nothing shows it")
    return sum(map(len, shown.values()))


def pairs_of(question, mine, theirs):
    """(column, what, lk's answer, another's) of everything that was asked."""
    theirs = theirs or {"error": "no answer"}
    if "error" in mine or "error" in theirs:
        yield "", "error", mine.get("error", "an answer"), theirs.get("error", "an answer")
        return
    for (column, what, a), (_, _, b) in zip(cells_of(question, mine), cells_of(question, theirs), strict=True):
        yield column, what, a, b


def excuse(engine, question, column, what):
    for known in cases.KNOWN:
        if known.engine == engine and known.spoils(question, column, what):
            known.spoilt += 1
            return known
    return None


class Grid:
    """Answers by feature and engine: right, wrong, excused."""

    def __init__(self):
        self.cells = {}

    def count(self, engine, question, column, right, why):
        features = [("by " + question["writer"], question["stage"]), ("partitions", question["transform"])]
        if column:
            features.append(("types", question["kinds"][column].split("(")[0]))
        for feature in features:
            cell = self.cells.setdefault((feature, engine), [0, 0, 0])
            cell[0 if right else 2 if why else 1] += 1

    def show(self, engines):
        order = {"partitions": ["none", *TRANSFORMS]}
        for group in dict.fromkeys(feature[0] for feature, _ in self.cells):
            names = list(dict.fromkeys(f[1] for f, _ in self.cells if f[0] == group))
            wanted = STAGES if group.startswith("by ") else order.get(group, names)
            print(f"#\n# {group:<14}" + "".join(f"{e:>12}" for e in engines))
            for name in sorted(names, key=wanted.index):
                print(f"#   {name:<12}" + "".join(f"{self.text(group, name, e):>12}" for e in engines))
        print("#\n# Numbers: answers that equal lk-query's. *: but for faults of the engine, all of them here:")

    def text(self, group, name, engine):
        right, wrong, excused = self.cells.get(((group, name), engine), [0, 0, 0])
        if wrong:
            return f"{wrong} WRONG"
        return f"{right}*" if right and excused else str(right) if right else "*" if excused else "-"


def main():
    verb, *rest = sys.argv[1:]
    if verb == "rows":
        write_rows()
    elif verb == "write":
        started = time.monotonic()
        WRITERS[rest[0]](os.path.abspath(rest[1])).run()
        print(f"{rest[0]} wrote for {time.monotonic() - started:.0f} s")
    elif verb == "questions":
        write_questions(os.path.abspath(rest[0]))
    elif verb == "compare":
        sys.exit(1 if compare(rest) else 0)


if __name__ == "__main__":
    main()
