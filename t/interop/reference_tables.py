"""The same tables by three writers, for reference.py: `reference_tables.py WRITER LAKE`.

All are appended to twice: one without partitions, one by day, and one by bucket, of which then every fifth row is deleted (by
position, but for PyIceberg, which rewrites files).
"""
import os
import sys

import matrix
from cases import Table


def main():
    writer, lake = matrix.WRITERS[sys.argv[1]], os.path.abspath(sys.argv[2])
    writer.tables = staticmethod(lambda: [Table("none"), Table("day", "t"), Table("bucket", "l")])
    delete = dict(writer.steps)["delete"]
    writer.steps = [("delete", lambda self, table, name: table.transform == "bucket" and delete(self, table, name))]
    writer(lake).run()


if __name__ == "__main__":
    main()
