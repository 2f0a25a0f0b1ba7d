"""PyIceberg as one of many writers: `rival.py LAKE WRITER TURNS TABLE...` appends five rows to each table at each turn.

Prints how many commits it made and how many tries they took; it begins again whenever PyIceberg gives up.
"""
import logging
import os
import sys

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from summary import open_catalog


def main():
    lake, writer, turns, tables = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    logging.disable(logging.WARNING)
    catalog = open_catalog(lake)
    commits = tries = 0
    commit = catalog.commit_table

    def counted(*args):
        nonlocal tries
        tries += 1
        return commit(*args)

    catalog.commit_table = counted
    for turn in range(turns):
        rows = pa.table({"id": pa.array(range(5), pa.int64()), "writer": pa.array([writer] * 5, pa.int32()),
                         "turn": pa.array([turn] * 5, pa.int32())})
        for name in tables:
            while True:
                try:
                    catalog.load_table(f"main.{name}").append(rows)
                    break
                except CommitFailedException:
                    pass
            commits += 1
    print(commits, tries)


if __name__ == "__main__":
    main()
