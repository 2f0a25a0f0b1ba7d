"""Arrow streams by pyarrow.

    streams.py write NAME [--compression zstd|lz4]   one plain stream of the kind NAME, to stdout
    streams.py show                                  every stream on stdin, one after the other on the one pipe
    streams.py show-json STREAM                      rows as JSON lines on stdin, as if they had come by the plain STREAM

`show` prints an object a line: for each stream its schema and metadata, then its rows. streams.js prints the same of the
same stream, so a diff compares the two: integers, dates and times as the numbers they are stored as, decimals in units of
their last digit, doubles as the 16 digits of their bits, binary as hexadecimal. What differs by nature is left out:
lk.segment, and whether a column was dictionary-encoded or had 64-bit offsets.
"""
import datetime as dt
import decimal
import json
import struct
import sys

import pyarrow as pa

import rows

decimal.getcontext().prec = 80  # a decimal of 38 digits must not be rounded on the way


def type_name(t):
    if pa.types.is_dictionary(t):
        return type_name(t.value_type)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return f"list<{type_name(t.value_type)}>"
    if pa.types.is_struct(t):
        return "struct<" + ", ".join(f"{f.name}: {type_name(f.type)}" for f in t) + ">"
    if pa.types.is_decimal128(t):
        return f"decimal({t.precision},{t.scale})"
    if pa.types.is_timestamp(t):
        return f"timestamp[{t.unit}{', ' + t.tz if t.tz else ''}]"
    return {"string": "utf8", "large_string": "utf8", "large_binary": "binary", "date32[day]": "date32"}.get(str(t), str(t))


def plain(value, t):
    """A value as it is shown."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if pa.types.is_dictionary(t):
        return plain(value, t.value_type)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return [plain(v, t.value_type) for v in value]
    if pa.types.is_struct(t):
        return {f.name: plain(value[f.name], f.type) for f in t}
    if pa.types.is_float64(t):
        return struct.pack(">d", value).hex()
    if pa.types.is_decimal(t):
        return str(int(value.scaleb(t.scale)))
    if pa.types.is_temporal(t):
        scalar = pa.scalar(value, t)
        return str(scalar.cast(pa.int32() if pa.types.is_date32(t) else pa.int64()).as_py())
    return value.hex() if isinstance(value, bytes) else str(value)


def read_json(value, t):
    """A value of lk's JSON as it is shown."""
    if value is None or isinstance(value, bool):
        return value
    if pa.types.is_dictionary(t):
        return read_json(value, t.value_type)
    if pa.types.is_list(t):
        return [read_json(v, t.value_type) for v in value]
    if pa.types.is_struct(t):
        return {f.name: read_json(value[f.name], f.type) for f in t}
    if pa.types.is_float64(t):
        return struct.pack(">d", float(value)).hex()
    if pa.types.is_decimal(t):
        return str(int(decimal.Decimal(value).scaleb(t.scale)))
    if pa.types.is_temporal(t):
        parse = {"d": dt.date, "t": dt.datetime if pa.types.is_timestamp(t) else dt.time}[str(t)[0]].fromisoformat
        return plain(parse(value), t)
    if type_name(t) == "binary":
        assert value.startswith("\\x"), value
        return value[2:]
    return str(value)


def show_json(lines, path):
    with pa.ipc.open_stream(path) as reader:
        schema = reader.schema
    for line in lines:
        row = json.loads(line, parse_float=decimal.Decimal)
        assert list(row) == schema.names, f"columns {list(row)}"
        print(json.dumps([read_json(row[f.name], f.type) for f in schema], ensure_ascii=False, separators=(",", ":")))


def metadata(holder):
    pairs = {k.decode(): v.decode() for k, v in (holder.metadata or {}).items()}
    pairs.pop("lk.segment", None)
    return dict(sorted(pairs.items()))


def show(source):
    while source.peek(1):
        reader = pa.ipc.open_stream(source)
        fields = [{"name": f.name, "type": type_name(f.type), "nullable": f.nullable, "metadata": metadata(f)}
                  for f in reader.schema]
        print(json.dumps({"metadata": metadata(reader.schema), "fields": fields}, ensure_ascii=False))
        for batch in reader:
            batch.validate(full=True)
            for row in batch.to_pylist():
                shown = [plain(row[f.name], f.type) for f in reader.schema]
                print(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))


def everything(part):
    """All of our types, and those that we only read."""
    table = rows.types(part)
    n = len(table)
    words = pa.array([rows.TEXTS[i % len(rows.TEXTS)] if i % 6 else None for i in range(n)])
    add = {
        "large_text": words.cast(pa.large_utf8()),
        "large_bytes": words.cast(pa.binary()).cast(pa.large_binary()),
        "coded": pa.array([["red", "grün", None][i % 3] for i in range(n)]).dictionary_encode(),
        "coded8": pa.DictionaryArray.from_arrays(pa.array([i % 4 if i % 5 else None for i in range(n)], pa.int8()),
                                                 pa.array(["a", "", "Zoë", "d"])),
        "coded_big": pa.DictionaryArray.from_arrays(pa.array([i % 3 for i in range(n)], pa.int32()),
                                                    pa.array([7, None, -9], pa.int64())),
    }
    for name, column in add.items():
        table = table.append_column(name, column)
    return table


def decimals(part):
    return rows.decimals(part)


def nested(part):
    n = 200
    return pa.table({
        "id": pa.array(range(n), pa.int64()),
        "numbers": pa.array([None if i % 7 == 6 else [j if j % 3 else None for j in range(i % 5)] for i in range(n)],
                            pa.list_(pa.int64())),
        "point": pa.array([None if i % 5 == 4 else {"x": i / 8, "name": rows.TEXTS[i % 4]} for i in range(n)],
                          pa.struct([("x", pa.float64()), ("name", pa.utf8())])),
        "points": pa.array([[{"a": j, "b": [str(j)] * j} for j in range(i % 3)] for i in range(n)],
                           pa.list_(pa.struct([("a", pa.int32()), ("b", pa.list_(pa.utf8()))]))),
    })


def metadata_of_its_own(part):
    fields = [pa.field("id", pa.int64(), nullable=False, metadata={"lk.doc": "der Schlüssel", "theirs": "x"}),
              pa.field("name", pa.utf8(), metadata={"lk.phi": "name"})]
    schema = pa.schema(fields, metadata={"lk.key": '["id"]', "made.by": "pyarrow, für uns"})
    return pa.table([pa.array([1, 2], pa.int64()), pa.array(["a", None])], schema=schema)


def empty(part):
    return rows.empty(part)


def batches(name):
    """Two batches, so that offsets and dictionaries go on from one to the next; the second is a slice."""
    table = globals()[name](1)
    half = len(table) // 2
    return table.schema, [b for t in (table.slice(0, half), table.slice(half)) for b in t.combine_chunks().to_batches()]


def main():
    if sys.argv[1] == "show":
        return show(sys.stdin.buffer)
    if sys.argv[1] == "show-json":
        return show_json(sys.stdin, sys.argv[2])
    compression = sys.argv[4] if len(sys.argv) > 3 and sys.argv[3] == "--compression" else None
    schema, made = batches(sys.argv[2])
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sys.stdout.buffer, schema, options=options) as writer:
        for batch in made:
            writer.write_batch(batch)


if __name__ == "__main__":
    main()
