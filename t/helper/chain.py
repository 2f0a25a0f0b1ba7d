"""Holds a table's history after many writers to what it must be: `chain.py METADATA COMMITS ROWS`.

Every commit is one snapshot, whose parent is the one before it; sequence numbers go up by one; totals of each summary are the
sums of what was added so far. Prints how many of the commits are lk's, how many tries all of these took and how many the
most unlucky one did: the number of the try stands in the name of a manifest list.
"""
import json
import os
import re
import sys


def main():
    path, commits, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path) as file:
        metadata = json.load(file)
    by_id = {s["snapshot-id"]: s for s in metadata["snapshots"]}
    chain, at = [], metadata["current-snapshot-id"]
    while at is not None:
        chain.append(by_id[at])
        at = by_id[at].get("parent-snapshot-id")
    chain.reverse()
    assert len(chain) == len(by_id) == commits, f"{len(chain)} snapshots in the chain, {len(by_id)} in all, of {commits} commits"
    assert [s["sequence-number"] for s in chain] == list(range(1, commits + 1)), "sequence numbers"
    assert metadata["last-sequence-number"] == commits, metadata["last-sequence-number"]
    assert [e["snapshot-id"] for e in metadata["snapshot-log"]] == [s["snapshot-id"] for s in chain], "snapshot-log"
    total, tries = 0, []
    for snapshot in chain:
        summary = snapshot["summary"]
        total += int(summary["added-records"])
        assert int(summary["total-records"]) == total, f"total-records {summary['total-records']}, not {total}"
        assert os.path.exists(re.sub("^file:(//)?", "", snapshot["manifest-list"])), f"no {snapshot['manifest-list']}"
        if "lk.run" in summary:
            tries.append(int(re.search(r"snap-\d+-(\d+)-", snapshot["manifest-list"])[1]))
    assert total == rows, f"{total} rows, not {rows}"
    print(len(tries), sum(tries), max(tries))


if __name__ == "__main__":
    main()
