#!/usr/bin/env python3
"""Random delimited text and what it must become, as lk-source(5) says: an oracle for lk-parse that shares no code with it.

    delimited-oracle.py make DIR SEED COUNT   writes COUNT texts with their packages, and what each must become
    delimited-oracle.py compare DIR           compares DIR/rows and DIR/rejects (JSON lines of lk-cat) with that

Where the csv module can read a dialect at all, the oracle itself is held against it on texts that csv wrote.
"""
import csv
import io
import json
import os
import random
import sys

DIALECTS = [
    {},
    {'delimiter': '|'},
    {'delimiter': '\t', 'quoteChar': ''},
    {'delimiter': ';', 'quoteChar': "'"},
    {'delimiter': ',', 'escapeChar': '\\', 'doubleQuote': False},
    {'delimiter': ',', 'escapeChar': '\\'},
    {'delimiter': '$', 'skipInitialSpace': True},
    {'delimiter': ',', 'commentChar': '#'},
]
WIDTH = 3


def read(text, dialect):
    """Records as (cells, fault): one character after another, nothing looked up ahead but the next one."""
    delimiter = dialect.get('delimiter', ',')
    quote = dialect.get('quoteChar', '"')
    escape = dialect.get('escapeChar', '')
    double = dialect.get('doubleQuote', True)
    comment = dialect.get('commentChar', '')
    skip_space = dialect.get('skipInitialSpace', False)
    records, i, n = [], 0, len(text)

    def line_end(i):
        return i + 2 if text[i:i + 2] == '\r\n' else i + 1

    while i < n:
        if text[i] in '\r\n':
            i = line_end(i)
            continue
        if comment and text[i] == comment:
            while i < n and text[i] not in '\r\n':
                i += 1
            continue
        cells, fault, ended, escaped = [], False, False, False
        while not ended:
            while skip_space and i < n and text[i] == ' ':
                i += 1
            cell, first_end, fault_here = '', None, False
            quoted = bool(quote) and i < n and text[i] == quote
            if quoted:
                i += 1
                while True:
                    if i >= n:
                        fault = fault_here = True
                        break
                    if escape and text[i] == escape and i + 1 < n:
                        cell += text[i + 1]
                        i += 2
                    elif text[i] == quote and double and text[i + 1:i + 2] == quote:
                        cell += quote
                        i += 2
                    elif text[i] == quote:
                        i += 1
                        break
                    else:
                        if first_end is None and text[i] in '\r\n':
                            first_end = i
                        cell += text[i]
                        i += 1
            tail = ''
            while i < n and text[i] != delimiter and text[i] not in '\r\n':
                if escape and text[i] == escape and i + 1 < n:
                    tail += text[i + 1]
                    i += 2
                    escaped = True
                    fault |= quoted
                else:
                    tail += text[i]
                    i += 1
            if quoted and tail.strip(' \t'):
                fault = True
            if quoted and first_end is not None and (fault_here or tail.strip(' \t')):
                # a quote that was not meant to be one: the record ends with the line it opened on
                i, fault, ended = line_end(first_end), True, True
                break
            cells.append((cell if quoted else tail, quoted))
            if i >= n:
                ended = True
            elif text[i] == delimiter:
                i += 1
            else:
                i = line_end(i)
                ended = True
        if len(cells) == 1 and not cells[0][1] and not escaped and not fault and not cells[0][0].strip(' \t\f\x1a'):
            continue # a line of blanks
        records.append((cells, fault))
    return records


def expect(text, dialect):
    """Rows as lists with their record number, and the numbers of the records that are rejected."""
    rows, rejects = [], []
    for number, (cells, fault) in enumerate(read(text, dialect), 1):
        surplus = any(value or quoted for value, quoted in cells[WIDTH:])
        if fault or len(cells) < WIDTH or surplus or any('\0' in value for value, _ in cells[:WIDTH]):
            rejects.append(number)
        else:
            rows.append([value for value, _ in cells[:WIDTH]] + [number])
    return rows, rejects


def well_formed(rng, dialect):
    out = io.StringIO()
    quote = dialect.get('quoteChar', '"')
    # csv.writer leaves line ends unquoted that are not those of its own terminator.
    end = rng.choice(['\n', '\r\n', '\r'])
    quoting = csv.QUOTE_NONE if not quote else csv.QUOTE_MINIMAL if end == '\r\n' else csv.QUOTE_ALL
    writer = csv.writer(out, delimiter=dialect.get('delimiter', ','), quotechar=quote or None, quoting=quoting,
                        doublequote=dialect.get('doubleQuote', True), escapechar=dialect.get('escapeChar') or None,
                        lineterminator=end)
    letters = 'ab é€\U0001f600"\'' + ('\n\r' if quote else '') + (dialect.get('delimiter', ',') if quote else '')
    rows = []
    for _ in range(rng.randrange(1, 40)):
        row = [''.join(rng.choice(letters) for _ in range(rng.choice([0, 1, 3, 9, 90]))) for _ in range(WIDTH)]
        if any(v.startswith((' ', '#')) for v in row) or (not quote and any(v[:1] == '"' for v in row)):
            continue
        writer.writerow(row)
        rows.append(row)
    return out.getvalue(), rows


def soup(rng, dialect):
    special = [dialect.get('delimiter', ',')] * 6 + [dialect.get('quoteChar', '"'), dialect.get('escapeChar', ''), '\n', '\r\n',
                                                    '\r', ' ', '#', 'a', 'bc', 'é', '\0', 'x' * 70]
    text = ''
    for _ in range(rng.randrange(0, 400)):
        if rng.random() < 0.4:
            q = dialect.get('quoteChar', '"')
            text += dialect.get('delimiter', ',').join(q + rng.choice(['', 'a', 'b c', q + q, '\n']) + q for _ in range(WIDTH)) + '\n'
        else:
            text += rng.choice(special)
    return text


def make(folder, seed, count):
    rng = random.Random(seed)
    for number in range(count):
        dialect = DIALECTS[number % len(DIALECTS)]
        name = 'd%03d' % number
        if rng.random() < 0.4:
            text, written = well_formed(rng, dialect)
            if not dialect.get('escapeChar') and not dialect.get('skipInitialSpace'):
                got = [[v for v, _ in cells] for cells, fault in read(text, dialect) if not fault]
                assert got == [r for r in written], (name, dialect, text)
        else:
            text = soup(rng, dialect)
        mark = '\ufeff' if rng.random() < 0.1 else ''
        package = {'name': name, 'resources': [{
            'name': name, 'lk': {'table': 'texts'}, 'path': name + '.txt', 'dialect': dict(dialect, header=False),
            'schema': {'missingValues': [], 'fields': [{'name': c} for c in 'abc'[:WIDTH]]}}]}
        for suffix, content in (('.txt', mark + text), ('.json', json.dumps(package)),
                                ('.expect', json.dumps(expect(text, dialect)))):
            with open(os.path.join(folder, name + suffix), 'w', newline='') as f:
                f.write(content)


def by_text(path):
    texts = {}
    with open(path) as f:
        for line in f:
            row = json.loads(line)
            texts.setdefault((row.get('member') or row['lk_file']).split('.')[0], []).append(row)
    return texts


def compare(folder):
    bad = 0
    got_rows, got_rejects = by_text(os.path.join(folder, 'rows')), by_text(os.path.join(folder, 'rejects'))
    for file in sorted(f for f in os.listdir(folder) if f.endswith('.expect')):
        name = file[:-7]
        with open(os.path.join(folder, file)) as f:
            rows, rejects = json.load(f)
        have_rows = [[r['a'], r['b'], r['c'], r['lk_row']] for r in got_rows.get(name, [])]
        have_rejects = [r['record'] for r in got_rejects.get(name, [])]
        if have_rows != rows or have_rejects != rejects:
            bad += 1
            print('%s:\n  want %s %s\n  got  %s %s' % (name, rows, rejects, have_rows, have_rejects))
    return bad


if __name__ == '__main__':
    if sys.argv[1] == 'make':
        make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(compare(sys.argv[2]) != 0)
