"""PyIceberg as another writer of the same lake.

    append.py LAKE append TABLE PART     rows of rows.py are appended to a table
    append.py LAKE create TABLE PART     a table is created and filled
    append.py LAKE delete TABLE FILTER   rows go, by rewriting their files
    append.py LAKE rows TABLE            how many rows it sees
"""
import os
import sys

import rows
from summary import open_catalog


def rows_of(table, part):
    return getattr(rows, table.split(".")[-1].rstrip("0123456789_"))(int(part))


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
    elif verb == "rows":
        print(len(catalog.load_table(table).scan().to_arrow()))


if __name__ == "__main__":
    main()
