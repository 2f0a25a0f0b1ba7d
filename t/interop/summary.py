"""What an engine says of every column of every table of a lake, one JSON object a line: rows, nulls, min, max, sum.

    summary.py ENGINE LAKE [TABLE...]     ENGINE: lk, pyiceberg or clickhouse; without tables, all of them

The same numbers in the same form from each engine, so that two outputs can be compared by diff: booleans and integers as
they are, decimals in units of their last digit, dates in days, times in microseconds, binary as hexadecimal digits, and
for texts and binary the sum of their lengths. Doubles that are not finite are counted apart.
"""
import datetime as dt
import decimal
import json
import os
import re
import sqlite3
import subprocess
import sys

EPOCH = dt.datetime(1970, 1, 1)
decimal.getcontext().prec = 80


class Column:
    def __init__(self, name, kind):
        self.name, self.kind, self.scale = name, kind, 0
        if match := re.match(r"decimal\((\d+), *(\d+)\)", kind):
            self.kind, self.scale = "decimal", int(match[2])


def catalog_tables(lake):
    """(namespace, name, metadata location) as the catalog has them."""
    with sqlite3.connect(f"file:{lake}/catalog.db?mode=ro", uri=True) as db:
        return db.execute("select table_namespace, table_name, metadata_location from iceberg_tables"
                          " where catalog_name = 'lk' order by 1, 2").fetchall()


def columns_of(location):
    """Columns of the current schema, from the table's metadata."""
    with open(location.removeprefix("file://")) as file:
        metadata = json.load(file)
    schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    return [Column(field["name"], field["type"]) for field in schema["fields"]]


def number(column, text):
    """A number as an engine printed it, in the common form."""
    if text is None:
        return None
    if column.kind == "double":
        return float(text) + 0.0
    if column.kind == "decimal":
        return int(decimal.Decimal(str(text)).scaleb(column.scale))
    return int(text)


def summarise(column, row):
    """row: rows, nulls, min, max, sum and for doubles odd, as an engine printed them."""
    keep = (lambda c, v: v) if column.kind in ("string", "binary") else number
    out = {"rows": int(row["rows"]), "nulls": int(row["nulls"]), "min": keep(column, row["min"]), "max": keep(column, row["max"])}
    if column.kind == "binary":
        out.update({k: v and v.lower() for k, v in out.items() if k in ("min", "max")})
    plain = Column("", "long")
    total = row["sum"]
    out["sum"] = number(plain if column.kind in ("string", "binary") else column, total) if out["min"] is not None else None
    if column.kind == "double":
        out["odd"] = int(row["odd"])
    return out


def sql_of_table(columns, quote, forms, source):
    """One SELECT for each column of a table, in one statement. forms: kind -> expression of the value to compare, and of
    its length."""
    return " union all ".join(f"select {i} as i, {sql_of_column(c, quote, forms)} from {source}" for i, c in enumerate(columns))


def sql_of_column(column, quote, forms):
    name = quote(column.name)
    value = forms.get(column.kind, "{}").format(name)
    length = forms["length " + column.kind].format(name) if column.kind in ("string", "binary") else value
    where = f"{name} is not null" + (f" and {forms['finite'].format(name)}" if column.kind == "double" else "")
    odd = forms["count if"].format(f"{name} is not null and not {forms['finite'].format(name)}") if column.kind == "double" else "0"
    text = forms["text"]
    agg = lambda f, v: text.format(forms["aggregate"].format(f=f, value=v, where=where))
    return (f"{text.format('count(*)')} as \"rows\", {text.format(f'count(*) - count({name})')} as \"nulls\","
            f" {agg('min', value)} as \"min\", {agg('max', value)} as \"max\", {agg('sum', length)} as \"sum\","
            f" {text.format(odd)} as \"odd\"")


DUCKDB = {
    "boolean": "{}::int", "date": "date_diff('day', date '1970-01-01', {})", "time": "epoch_us({})",
    "timestamp": "epoch_us({})", "timestamptz": "epoch_us({})", "binary": "hex({})",
    "length string": "length({})", "length binary": "octet_length({})", "finite": "isfinite({})", "count if": "count(*) filter (where {})",
    "text": "cast({} as varchar)", "aggregate": "{f}({value}) filter (where {where})",
}


def lk(lake, wanted):
    for namespace, table, location in catalog_tables(lake):
        if wanted and table not in wanted:
            continue
        quote = lambda n: '"' + n.replace('"', '""') + '"'
        columns = columns_of(location)
        sql = sql_of_table(columns, quote, DUCKDB, f"{quote(namespace)}.{quote(table)}")
        done = subprocess.run(["lk-query", "-l", lake, "-F", "json", sql], stdout=subprocess.PIPE, check=True)
        yield from in_order(namespace, table, columns, done.stdout.decode())


CLICKHOUSE = {
    "boolean": "toInt128({})", "int": "toInt128({})", "long": "toInt128({})", "date": "toInt128(toInt32({}))",
    "timestamp": "toInt128(toUnixTimestamp64Micro({}))", "timestamptz": "toInt128(toUnixTimestamp64Micro({}))",
    "time": "toInt128({})", "binary": "hex({})",
    "length string": "lengthUTF8({})", "length binary": "length({})", "finite": "isFinite({})", "count if": "countIf({})",
    "text": "toString({})", "aggregate": "{f}OrNullIf({value}, {where})",
}


def clickhouse(lake, wanted):
    os.chdir("/")  # ClickHouse in a process reads only files below the current folder
    import chdb
    for namespace, table, location in catalog_tables(lake):
        if wanted and table not in wanted:
            continue
        folder = os.path.dirname(os.path.dirname(location.removeprefix("file://")))
        quote = lambda n: "`" + n.replace("\\", "\\\\").replace("`", "\\`") + "`"
        columns = columns_of(location)
        sql = sql_of_table(columns, quote, CLICKHOUSE, f"icebergLocal('{folder}')") + " settings session_timezone = 'UTC'"
        yield from in_order(namespace, table, columns, str(chdb.query(sql, "JSONEachRow")))


def in_order(namespace, table, columns, lines):
    """The rows of sql_of_table's statement, which may come in any order."""
    for row in sorted(map(json.loads, lines.splitlines()), key=lambda row: int(row["i"])):
        yield namespace, table, columns[int(row["i"])], row


def pyiceberg(lake, wanted):
    for identifier, table in load_tables(lake):
        namespace, name = identifier
        if wanted and name not in wanted:
            continue
        rows = table.scan().to_arrow()
        for field in table.schema().fields:
            column = Column(field.name, str(field.field_type))
            yield namespace, name, column, arrow_summary(rows.column(field.name), column)


def load_tables(lake):
    """Every table through PyIceberg's own catalog."""
    catalog = open_catalog(lake)
    for namespace in sorted(catalog.list_namespaces()):
        for identifier in sorted(catalog.list_tables(namespace)):
            yield identifier, catalog.load_table(identifier)


def open_catalog(lake):
    from pyiceberg.catalog.sql import SqlCatalog
    return SqlCatalog("lk", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}", init_catalog_tables="false")


def arrow_summary(values, column):
    """One column of an Arrow table by plain Python."""
    import pyarrow as pa
    if column.kind in ("date", "time", "timestamp", "timestamptz"):
        values = values.cast(pa.int32() if column.kind == "date" else pa.int64())
    items = [v for v in values.to_pylist() if v is not None]
    out = {"rows": len(values), "nulls": len(values) - len(items), "odd": 0}
    if column.kind == "double":
        finite = [v for v in items if v - v == 0]
        out["odd"], items = len(items) - len(finite), finite
    if column.kind == "binary":
        items = [v.hex() for v in items]
    out["min"], out["max"] = (min(items), max(items)) if items else (None, None)
    if column.kind in ("string", "binary"):
        out["sum"] = sum(map(len, items)) // (2 if column.kind == "binary" else 1)
    else:
        out["sum"] = sum(items)
    return out


def main():
    engine, lake, wanted = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
    for namespace, table, column, row in {"lk": lk, "pyiceberg": pyiceberg, "clickhouse": clickhouse}[engine](lake, wanted):
        print(json.dumps({"table": f"{namespace}.{table}", "column": column.name, "type": column.kind, **summarise(column, row)}))


if __name__ == "__main__":
    main()
