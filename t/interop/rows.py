"""Rows that tables of the tests are made of: `rows.py TABLE PART` writes an Arrow IPC stream to stdout.

Values are made so that every engine can be exact about them: doubles are multiples of 1/8, sums fit their types.
"""
import datetime as dt
import decimal
import sys

import pyarrow as pa

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1)
TEXTS = ["", "a", "Zoë", "漢字かな", "😀😁", "'quoted' \"text\", with comma", "tab\tand\nnewline", "ÅÄÖ åäö", "\u200bzero width",
         "x" * 300, "NULL", "\\N", "0", "e\u0301 combining"]
DECIMALS = [(1, 0), (4, 2), (9, 2), (9, 9), (10, 3), (18, 4), (18, 0), (19, 1), (28, 10), (37, 12), (38, 6), (38, 38)]


def some(count, value, null_every):
    """count values by value(i), each null_every-th null."""
    return [None if null_every and i % null_every == null_every - 1 else value(i) for i in range(count)]


def types(part):
    n = 1000 + part
    day = lambda i: dt.date(1900, 1, 2) + dt.timedelta(days=(i * 137 + part) % 145000)
    micros = lambda i: EPOCH + dt.timedelta(seconds=i * 3_999_999 - 2_000_000_000, microseconds=i * 7919 + part)
    return pa.table({
        "flag": pa.array(some(n, lambda i: i % 3 == 0, 7), pa.bool_()),
        "small": pa.array(some(n, lambda i: [-2**31, 2**31 - 1, 0, -1][i] if i < 4 else i * 1001 - part, 11), pa.int32()),
        "big": pa.array(some(n, lambda i: [-2**63, 2**63 - 1, 0, -1][i] if i < 4 else i * 10**12 - part, 13), pa.int64()),
        "real": pa.array(some(n, lambda i: (i - 500) / 8, 5), pa.float64()),
        "amount": pa.array(some(n, lambda i: decimal.Decimal(i * 99 - 4321).scaleb(-2), 17), pa.decimal128(12, 2)),
        "text": pa.array(some(n, lambda i: TEXTS[i % len(TEXTS)] + (str(i) if i % 2 else ""), 19), pa.utf8()),
        "code": pa.array(some(n, lambda i: ["red", "grün", "blue"][i % 3], 23), pa.utf8()),
        "bytes": pa.array(some(n, lambda i: bytes([i % 256, 255, 0]) * (i % 5), 29), pa.binary()),
        "day": pa.array(some(n, day, 31), pa.date32()),
        "time": pa.array(some(n, lambda i: (i * 86_399_999_999 // (n - 1)), 37), pa.int64()).cast(pa.time64("us")),
        "local": pa.array(some(n, micros, 41), pa.timestamp("us")),
        "instant": pa.array(some(n, lambda i: micros(i).replace(tzinfo=UTC), 43), pa.timestamp("us", "UTC")),
        "nothing": pa.array([None] * n, pa.utf8()),
        "lack": pa.array([None] * n, pa.int64()),
    }, schema=None)


def special(part):
    """Doubles that are not numbers, zeros of both signs, very large and the smallest; sums are the same in any order."""
    huge, tiny = 2.0**1000, 5e-324
    return pa.table({
        "id": pa.array(range(7), pa.int32()),
        "v": pa.array([float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.5, None], pa.float64()),
        "huge": pa.array([huge, -huge, None, 0.0, huge, -huge, huge], pa.float64()),
        "tiny": pa.array([tiny, -tiny, tiny, tiny, None, -0.0, 0.0], pa.float64()),
        "never": pa.array([float("nan")] * 6 + [None], pa.float64()),
    })


def decimals(part):
    """Each width that Parquet stores differently: the largest and smallest, zero, one unit, nulls."""
    columns = {}
    for precision, scale in DECIMALS:
        top = 10**precision - 1
        units = [top, -top, 0, 1, -1, None, part % 10, -(top // 3), top // 7]
        with decimal.localcontext() as context:
            context.prec = 60
            columns[f"d{precision}_{scale}"] = pa.array(
                [None if u is None else decimal.Decimal(u).scaleb(-scale) for u in units], pa.decimal128(precision, scale))
    return pa.table(columns)


def far(part):
    """Dates and times that some engines cannot hold."""
    days = [dt.date(1, 1, 1), dt.date(1582, 10, 4), dt.date(1582, 10, 15), dt.date(1899, 12, 31), dt.date(9999, 12, 31), None]
    return pa.table({
        "day": pa.array(days, pa.date32()),
        "local": pa.array([d and dt.datetime(d.year, d.month, d.day, 23, 59, 59, 999999) for d in days], pa.timestamp("us")),
        "instant": pa.array([d and dt.datetime(d.year, d.month, d.day, 0, 0, 0, 1, UTC) for d in days], pa.timestamp("us", "UTC")),
    })


def empty(part):
    return types(1).slice(0, 0)


def grown(part):
    """Part 2 has a column more, part 3 one less and another order."""
    table = pa.table({"id": pa.array(range(part * 100, part * 100 + 50), pa.int64()),
                      "name": pa.array(some(50, lambda i: f"n{part}-{i}", 9), pa.utf8())})
    if part == 2:
        table = table.append_column("extra", pa.array(some(50, lambda i: (i - 25) / 4, 4), pa.float64()))
    if part == 3:
        table = table.select(["name", "id"])
    return table


def names(part):
    """Columns with names that are no identifiers."""
    return pa.table({"select": pa.array([1, 2, None], pa.int64()), "Größe in cm": pa.array(["a", None, "ü"], pa.utf8()),
                     "a.b": pa.array([1.5, 2.5, 3.5], pa.float64()), 'q"uote': pa.array([True, False, None], pa.bool_())})


def wide(part):
    """Many row groups' worth of pages: more rows than one batch holds, dictionary and plain pages."""
    n = 150_000
    return pa.table({"id": pa.array(range(n), pa.int64()), "group": pa.array([f"g{i % 100}" for i in range(n)], pa.utf8()),
                     "text": pa.array([f"{i * 2654435761 % 2**32:08x}" if i % 10 else None for i in range(n)], pa.utf8()),
                     "dict": pa.array([f"k{i % 7}" for i in range(n)]).dictionary_encode()})


if __name__ == "__main__":
    made = globals()[sys.argv[1]](int(sys.argv[2]))
    with pa.ipc.new_stream(sys.stdout.buffer, made.schema) as writer:
        writer.write_table(made, max_chunksize=65536)
