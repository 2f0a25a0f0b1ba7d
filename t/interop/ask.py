"""Asks an engine all that the matrix wants to know, in one session.

    ask.py ENGINE LAKE QUESTIONS ANSWERS     ENGINE: lk, pyiceberg, spark, trino, clickhouse, duckdb, polars or datafusion

QUESTIONS holds a JSON object a line: {"id", "table" (its name in LAKE's catalog), "location" (of its metadata), "snapshot"
(an id to travel to, or null), "ref" (the branch that it is of, for engines that go by name), "kinds": {column: type}, "slow" (whether slow engines are asked, too), "filters": [[column, operator, literals...]]}. ANSWERS gets one for
each: {"id", "rows", "columns": {column: [nulls, min, max, sum]}, "filters": [[rows, sum of id]]}, or {"id", "error"}.
Values are in the form of cases.canonical.
"""
import datetime as dt
import decimal
import json
import os
import subprocess
import sys
import traceback
import urllib.parse

from cases import canonical, has_sum, is_for, plain, scale_of

decimal.getcontext().prec = 80


class Sql:
    """Engines that speak SQL. `rows` runs a statement and gives lists of Python values."""

    quote = '"'

    def name(self, column):
        return self.quote + column.replace(self.quote, self.quote * 2) + self.quote

    def text(self, value):
        return "'" + value.replace("'", "''") + "'"

    def binary(self, value):
        return f"X'{value}'"

    def literal(self, kind, value):
        if kind == "boolean" or kind in ("int", "long"):
            return value
        if kind in ("double", "float"):
            return f"{value}e0" if "e" not in value else value
        if kind.startswith("decimal"):
            return f"cast('{value}' as {kind.replace(' ', '')})"
        if kind == "binary":
            return self.binary(value)
        if kind in ("date", "time", "timestamp"):
            return f"{kind} '{value}'"
        if kind == "timestamptz":
            return self.instant(value)
        return self.text(value)

    def instant(self, value):
        return f"timestamptz '{value}+00'"

    def version(self, asked):
        return self.text(asked["ref"]) if asked["ref"] else asked["snapshot"]

    def sum_of(self, kind, column):
        return f"sum({column})" if kind in ("double", "float") else f"sum(cast({column} as decimal(38,{self.digits(kind)})))"

    def digits(self, kind):
        return scale_of(kind) if kind.startswith("decimal") else 0

    def starts(self, column, value):
        return f"{column} like {self.text(value + '%')}"

    def where(self, kinds, asked):
        column, verb, *values = asked
        kind, name = kinds[column], self.name(column)
        if verb in ("is null", "is not null"):
            return f"{name} {verb}"
        if verb == "starts":
            return self.starts(name, values[0])
        said = [self.literal(kind, v) for v in values]
        return f"{name} in ({', '.join(said)})" if verb == "in" else f"{name} {verb} {said[0]}"

    def answer(self, asked):
        source, kinds = self.source(asked), asked["kinds"]
        parts = ["count(*)"]
        for column, kind in kinds.items():
            name = self.name(column)
            parts += [f"count({name})"]
            if kind != "boolean":  # not every engine orders those
                parts += [f"min({name})", f"max({name})"]
            if has_sum(kind):
                parts.append(self.sum_of(kind, name))
        row = self.rows(f"select {', '.join(f'{p} as c{i}' for i, p in enumerate(parts))} from {source}")[0]
        took = iter(row)
        out = {"rows": int(next(took)), "columns": {}}
        for column, kind in kinds.items():
            nulls = out["rows"] - int(next(took))
            least, most = (next(took), next(took)) if kind != "boolean" else (None, None)
            total = next(took) if has_sum(kind) else None
            kind_of_sum = "long" if kind in ("int", "long") else kind
            out["columns"][column] = [nulls, canonical(kind, least), canonical(kind, most),
                                      total if total is None else canonical(kind_of_sum, total)]
        asks = [f"select {i} as q_i, count(*) as q_n, sum(id) as q_s from {source} where {self.where(kinds, f)}"
                for i, f in enumerate(asked["filters"])]
        rows = sorted(self.rows(" union all ".join(asks))) if asks else []
        out["filters"] = [[int(n), None if s is None else int(s)] for _, n, s in rows]
        return out

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass


class Lk(Sql):
    def __init__(self, lake):
        self.lake = lake

    def source(self, asked):
        self.at = ["--at", asked["ref"] or str(asked["snapshot"])] if asked["snapshot"] else []
        return f"main.{self.name(asked['table'])}"

    def binary(self, value):
        return f"from_hex('{value}')"

    def rows(self, sql):
        import pyarrow as pa
        done = subprocess.run(["lk-query", "-l", self.lake, "-F", "arrow", *self.at, sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise RuntimeError(f"exit status {done.returncode}: {done.stderr.decode().strip()}")
        return [list(row.values()) for row in pa.ipc.open_stream(done.stdout).read_all().to_pylist()]


class DuckDB(Sql):
    def __enter__(self):
        import duckdb
        import importlib.util
        self.db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for extension in ("avro", "iceberg"):
            folder = os.path.dirname(importlib.util.find_spec(f"duckdb_extension_{extension}").origin)
            found = [os.path.join(f, n) for f, _, names in os.walk(folder) for n in names if n.endswith(".duckdb_extension")]
            self.db.execute(f"load '{found[0]}'")
        self.db.execute("set timezone = 'UTC'; set threads = 2; set memory_limit = '1GB'")
        return self

    def __init__(self, lake):
        pass

    def source(self, asked):
        at = f", snapshot_from_id => {asked['snapshot']}" if asked["snapshot"] else ""
        return f"iceberg_scan({self.text(asked['location'])}{at})"

    def binary(self, value):
        return f"from_hex('{value}')"

    def rows(self, sql):
        return [list(row) for row in self.db.execute(sql).fetchall()]


class SparkSql(Sql):
    quote = "`"

    def __init__(self, lake):
        from session import Spark
        self.engine = Spark(os.path.abspath("spark.home"), lake)

    def __enter__(self):
        self.engine.__enter__()
        return self

    def __exit__(self, *error):
        self.engine.__exit__()

    def source(self, asked):
        at = f" version as of {self.version(asked)}" if asked["snapshot"] else ""
        return f"lk.main.{self.name(asked['table'])}{at}"

    def literal(self, kind, value):
        if kind == "long":
            return f"cast('{value}' as bigint)"
        if kind in ("double", "float"):
            return f"cast('{value}' as double)"
        return super().literal(kind, value) if kind != "timestamp" else f"timestamp_ntz '{value}'"

    def instant(self, value):
        return f"timestamp_ltz '{value} UTC'"

    def text(self, value):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def rows(self, sql):
        return self.engine.rows(sql)


class TrinoSql(Sql):
    def __init__(self, lake):
        from session import Trino
        self.engine = Trino(os.path.abspath("trino.home"), lake)

    __enter__, __exit__, rows = SparkSql.__enter__, SparkSql.__exit__, SparkSql.rows

    def source(self, asked):
        at = f" for version as of {self.version(asked)}" if asked["snapshot"] else ""
        return f"{self.name(asked['table'])}{at}"

    def literal(self, kind, value):
        return f"double '{value}'" if kind in ("double", "float") else super().literal(kind, value)

    def instant(self, value):
        return f"timestamp '{value} UTC'"


class ClickHouse(Sql):
    quote = "`"

    def __init__(self, lake):
        os.chdir("/")  # ClickHouse in a process reads only files below the current folder
        import chdb
        self.query = chdb.query

    def name(self, column):
        return "`" + column.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def source(self, asked):
        path = urllib.parse.urlparse(asked["location"]).path
        folder, file = path.split("/metadata/")
        self.settings = " settings session_timezone = 'UTC', output_format_arrow_string_as_string = 0"
        if asked["snapshot"]:
            self.settings += f", iceberg_snapshot_id = {asked['snapshot']}"
        return f"icebergLocal({self.text(folder)}, settings iceberg_metadata_file_path = {self.text('metadata/' + file)})"

    def text(self, value):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def binary(self, value):
        return f"unhex('{value}')"

    def literal(self, kind, value):
        if kind in ("timestamp", "timestamptz"):
            return f"toDateTime64('{value}', 6, 'UTC')"
        if kind == "date":
            return f"toDate32('{value}')"
        if kind.startswith("decimal"):
            width = kind[len("decimal("):].split(",")[0]
            return f"toDecimal{32 if int(width) <= 9 else 64 if int(width) <= 18 else 128}('{value}', {scale_of(kind)})"
        if kind in ("double", "float"):
            return f"toFloat64('{value}')"
        return super().literal(kind, value)

    def starts(self, column, value):
        return f"startsWith({column}, {self.text(value)})"

    def sum_of(self, kind, column):
        return f"sumOrNull({column if kind in ('double', 'float') else f'toDecimal256({column}, {self.digits(kind)})'})"

    def answer(self, asked):
        clocks = [c for c, kind in asked["kinds"].items() if kind == "time"]  # it has no literals for what it makes of those
        said = super().answer({**asked, "filters": [f for f in asked["filters"] if f[0] not in clocks]})
        rest = iter(said["filters"])
        return {**said, "filters": ["not asked" if f[0] in clocks else next(rest) for f in asked["filters"]]}

    def rows(self, sql):
        done = self.query(sql.replace(" min(", " minOrNull(").replace(" max(", " maxOrNull(").replace(" sum(id)", " sumOrNull(id)")
                          + self.settings, "Arrow")
        import pyarrow as pa
        return [list(row.values()) for row in pa.ipc.open_file(pa.BufferReader(done.bytes())).read_all().to_pylist()]


class DataFusionSql(Sql):
    def __init__(self, lake):
        import datafusion
        self.context = datafusion.SessionContext()

    def source(self, asked):
        from pyiceberg.table import StaticTable
        if asked["snapshot"]:
            raise NotImplementedError("no time travel")
        known = f"q{asked['id']}"
        if not self.context.table_exist(known):
            from pyiceberg_core.datafusion import IcebergDataFusionTable
            self.context.register_table(known, IcebergDataFusionTable(["main", asked["table"]], asked["location"], {}))
        return known

    def instant(self, value):
        return f"arrow_cast('{value}Z', 'Timestamp(Microsecond, Some(\"+00:00\"))')"

    def literal(self, kind, value):
        return f"arrow_cast('{value}', 'Timestamp(Microsecond, None)')" if kind == "timestamp" else super().literal(kind, value)

    def rows(self, sql):
        return [list(row.values()) for batch in self.context.sql(sql).collect() for row in batch.to_pylist()]


class Frames:
    """Engines that are asked by methods: what they share is how predicates are put together."""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass


class PyIceberg(Frames):
    def __init__(self, lake):
        pass

    def answer(self, asked):
        import pyarrow.compute as pc
        from pyiceberg.table import StaticTable
        table = StaticTable.from_metadata(asked["location"])
        at = {"snapshot_id": asked["snapshot"]} if asked["snapshot"] else {}
        rows = table.scan(**at).to_arrow()
        out = {"rows": len(rows), "columns": {}}
        for column, kind in asked["kinds"].items():
            values = [v for v in rows.column(column).to_pylist() if v is not None]
            orders = values and kind != "boolean"
            total = sum(values) if has_sum(kind) and values else None
            out["columns"][column] = [len(rows) - len(values), canonical(kind, min(values)) if orders else None,
                                      canonical(kind, max(values)) if orders else None,
                                      total if total is None else canonical("long" if kind in ("int", "long") else kind, total)]
        out["filters"] = []
        for asks in asked["filters"]:
            ids = table.scan(row_filter=self.where(asked["kinds"], asks), selected_fields=("id",), **at).to_arrow().column("id")
            out["filters"].append([len(ids), pc.sum(ids).as_py()])
        return out

    def where(self, kinds, asked):
        from pyiceberg import expressions as e
        column, verb, *values = asked
        if verb in ("is null", "is not null"):
            return (e.IsNull if verb == "is null" else e.NotNull)(column)
        if verb == "starts":
            return e.StartsWith(column, values[0])
        kind = kinds[column]
        said = [self.literal(kind, plain(kind, v)) for v in values]
        if verb == "in":
            return e.In(column, set(said))
        return {"=": e.EqualTo, "<": e.LessThan, ">=": e.GreaterThanOrEqual}[verb](column, said[0])

    def literal(self, kind, value):
        from pyiceberg.expressions.literals import literal
        return literal(value.isoformat()) if kind in ("timestamptz", "timestamp", "date", "time") else literal(value)


class Polars(Frames):
    def __init__(self, lake):
        pass

    def answer(self, asked):
        import polars as pl
        import pyarrow as pa
        from pyiceberg.table import StaticTable
        at = {"snapshot_id": asked["snapshot"]} if asked["snapshot"] else {}
        frame = pl.scan_iceberg(StaticTable.from_metadata(asked["location"]), **at)
        parts = [pl.len().alias("rows")]
        for column, kind in asked["kinds"].items():
            parts.append(pl.col(column).null_count().alias(column + " nulls"))
            if kind != "boolean":
                parts += [pl.col(column).min().alias(column + " min"), pl.col(column).max().alias(column + " max")]
            if has_sum(kind):
                wide = pl.Float64 if kind in ("double", "float") else pl.Decimal(38, 0 if kind in ("int", "long") else scale_of(kind))
                parts.append(pl.col(column).cast(wide).sum().alias(column + " sum"))
        row = frame.select(parts).collect().to_arrow().to_pylist()[0]
        out = {"rows": row["rows"], "columns": {}, "filters": []}
        for column, kind in asked["kinds"].items():
            nulls = row[column + " nulls"]
            total = row.get(column + " sum") if nulls < row["rows"] else None  # it calls the sum of nothing 0
            out["columns"][column] = [nulls, canonical(kind, row.get(column + " min")), canonical(kind, row.get(column + " max")),
                                      total if total is None else canonical("long" if kind in ("int", "long") else kind, total)]
        for asks in asked["filters"]:
            n, total = frame.filter(self.where(asked["kinds"], asks)).select(pl.len().alias("n"), pl.col("id").sum().alias("s")).collect().row(0)
            out["filters"].append([n, total if n else None])
        return out

    def where(self, kinds, asked):
        import polars as pl
        column, verb, *values = asked
        name, kind = pl.col(column), kinds[asked[0]]
        if verb in ("is null", "is not null"):
            return name.is_null() if verb == "is null" else name.is_not_null()
        if verb == "starts":
            return name.str.starts_with(values[0])
        said = [plain(kind, v) for v in values]
        if kind.startswith("decimal"):
            width, scale = kind[len("decimal("):-1].split(",")
            said = [pl.lit(v, dtype=pl.Decimal(int(width), int(scale))) for v in said]
        if verb == "in":
            return (name == said[0]) | (name == said[1])
        return {"=": name == said[0], "<": name < said[0], ">=": name >= said[0]}[verb]


ENGINES = {"lk": Lk, "pyiceberg": PyIceberg, "spark": SparkSql, "trino": TrinoSql, "clickhouse": ClickHouse, "duckdb": DuckDB,
           "polars": Polars, "datafusion": DataFusionSql}


def main():
    engine, lake, questions, answers = sys.argv[1:]
    lake, questions, answers = map(os.path.abspath, (lake, questions, answers))
    with open(questions) as file:
        asked = [q for q in map(json.loads, file) if is_for(engine, q)]
    with open(answers, "w") as out, ENGINES[engine](lake) as session:
        for question in asked:
            try:
                said = session.answer(question)
            except Exception as error:  # an engine's refusal is an answer to compare
                text = " ".join(str(error).split())[:400]
                said = {"error": f"{type(error).__name__}: {text}"}
                if os.environ.get("LK_VERBOSE"):
                    traceback.print_exc()
            print(json.dumps({"id": question["id"], **said}, ensure_ascii=False), file=out)
            out.flush()


if __name__ == "__main__":
    main()
