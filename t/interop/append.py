"""PyIceberg as another writer of the same lake.

    append.py LAKE append TABLE PART     rows of rows.py are appended to a table
    append.py LAKE create TABLE PART     a table is created and filled
    append.py LAKE delete TABLE FILTER   rows go, by rewriting their files
    append.py LAKE rows TABLE            how many rows it sees
    append.py LAKE others NAMESPACE      tables that lk does not write: partitioned, of format v1, nested; and one whose columns
                                         were renamed, widened, moved, dropped and added again
"""
import os
import sys

import pyarrow as pa

import rows
from summary import open_catalog


def rows_of(table, part):
    return getattr(rows, table.split(".")[-1].rstrip("0123456789_"))(int(part))


def others(catalog, lake, namespace):
    from pyiceberg.types import DoubleType, LongType, StringType, DateType
    catalog.create_namespace(namespace)

    def make(name, made, **properties):
        return catalog.create_table(f"{namespace}.{name}", schema=made.schema, location=f"file://{lake}/{namespace}/{name}",
                                    properties=properties)

    table = make("parted", rows.types(1))
    with table.update_spec() as spec:
        spec.add_identity("code")
    catalog.load_table(f"{namespace}.parted").append(rows.types(1))
    make("old", rows.grown(1), **{"format-version": "1"}).append(rows.grown(1))
    nested = pa.table({"id": [1, 2], "list": [[1, 2], None], "struct": [{"a": 1, "b": "x"}, None]})
    make("nested", nested).append(nested)

    made = pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"], "c": pa.array([1.5, 2.5], pa.float32())})
    table = make("evolved", made)
    table.append(made)
    with table.update_schema() as schema:
        schema.rename_column("b", "name")
        schema.update_column("a", LongType())
        schema.update_column("c", DoubleType())
        schema.add_column("z", DateType())
        schema.move_first("z")
    with table.update_schema() as schema:
        schema.delete_column("c")
    with table.update_schema() as schema:
        schema.add_column("c", StringType())
    table.append(pa.table({"z": pa.array([None], pa.date32()), "a": pa.array([2**40]), "name": ["Z"], "c": ["new"]}))


def main():
    lake, verb, table = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    catalog = open_catalog(lake)
    if verb == "create":
        made = rows_of(table, sys.argv[4])
        catalog.create_namespace_if_not_exists(table.split(".")[0])
        catalog.create_table(table, schema=made.schema, location=f"file://{lake}/{table.replace('.', '/')}").append(made)
    elif verb == "append":
        known = catalog.load_table(table)
        known.append(rows_of(table, sys.argv[4]).cast(known.schema().as_arrow()))
    elif verb == "delete":
        catalog.load_table(table).delete(sys.argv[4])
    elif verb == "others":
        others(catalog, lake, table)
    elif verb == "rows":
        print(len(catalog.load_table(table).scan().to_arrow()))


if __name__ == "__main__":
    main()
