"""Random change streams into a lake, and after each commit the lake held to a model that knows only the rule.

    upsert-model.py [--modes commit,upsert,...] [--keep] SEED ROUNDS      in an empty folder

--keep leaves each world's lake, and in model.json what is in it and was after some of the rounds, for other engines to be held to.

The rule: of each key the newest version is the table's row, whatever came first; a row that deletes is a version, too; and of a
full load, the newest list of each value of the scope is all that there is of it, but for newer rows. The model is one table in SQLite that holds
every row of every delivery so far, and one statement that says what is to be seen of it. It never looks at what the lake had before.

A world is a lake with some tables of random shapes, and a few dozens of rounds; a round is a commit of deliveries for all of its
tables: new, late, resent, mended ones, split into Arrow streams, several segments, staged runs, or two writers at once. Every value is text
here, in the form in which both make-stream and a cast to VARCHAR have it.
"""
import argparse
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import zipfile

WORLD_ROUNDS = 24
MODES = {"commit": 5, "upsert": 5, "segments": 2, "staged": 2, "stale": 2, "writers": 2, "ingest": 8}
OPS = {"I": ["I", "i", "C", "c", "r", "R", "insert", "create", "Read", ""], "U": ["U", "u", "update", "UPDATE"],
       "D": ["D", "d", "delete", "Delete"]}


class Wrong(Exception):
    """The lake is not what the model says."""


# ---- values ----

def a_date(r, far=40):
    return (dt.date(1969, 12, 1) + dt.timedelta(r.randrange(far))).isoformat()


def a_moment(r, zone=""):
    at = dt.datetime(2026, 1, 1) + dt.timedelta(seconds=r.randrange(50) * 1800, microseconds=r.choice([0, 0, 0, 1, 250000]))
    text = at.isoformat(" ")
    return (text.rstrip("0") if at.microsecond else text) + zone


TEXTS = ["", "a", "A", "ab", "abc", "a ", " a", "a b", "ä", "é", "e\u0301", "z\u00fcrich", "\U0001F40C", "0", "00", "007", "7", "null",
         "NULL", "x" * 200, "x" * 199 + "y", "a\\", "'", '"', "\t", "'; drop", "%", "_", "\u00ff", "\ufffd", "~", "12-345", "12-345 "]


def a_text(r):
    return r.choice(TEXTS) if r.random() < .5 else "k%d" % r.randrange(30)


VALUES = {
    "int64": lambda r: str(r.choice([r.randrange(-15, 15), r.randrange(-15, 15), 2**63 - 1, -2**63])),
    "int32": lambda r: str(r.choice([r.randrange(-15, 15), 2**31 - 1, -2**31])),
    "utf8": a_text,
    "binary": a_text,
    "decimal(9,2)": lambda r: "%.2f" % (r.randrange(-1500, 1500, 50) / 100 + .0),
    "decimal(30,4)": lambda r: "%d.%04d" % (r.choice([10**25, 0, 77]) + r.randrange(12), r.choice([0, 5000])),
    "date32": a_date,
    "timestamp": a_moment,
    "timestamptz": lambda r: a_moment(r, "+00"),
    "bool": lambda r: r.choice(["true", "false"]),
    "float64": lambda r: r.choice(["0.0", "1.5", "-2.25", "1e+300", "0.1", "3.0"]),
}
KEY_TYPES = ["int64", "int64", "int32", "utf8", "utf8", "decimal(9,2)", "decimal(30,4)", "date32", "timestamp", "timestamptz", "binary", "bool"]
# What lk-parse makes; of lk's types the others come by streams alone.
FILE_TYPES = {"int64": "integer", "utf8": "string", "decimal(9,2)": "number", "date32": "date", "timestamptz": "datetime", "bool": "boolean", "float64": "number"}
ORDER_TYPES = ["int64", "int32", "timestamp", "timestamptz", "date32", "decimal(9,2)", "utf8"]


def sortable(kind, text):
    """What SQLite orders as lk orders it: numbers as numbers, the rest as bytes."""
    if text is None:
        return None
    if kind.startswith("int"):
        return int(text)
    if kind.startswith("decimal"):
        return float(text)  # small ones only
    if kind.startswith("timestamp"):
        at = dt.datetime.fromisoformat(text.removesuffix("+00")) - dt.datetime(1970, 1, 1)
        return (at.days * 86400 + at.seconds) * 1000000 + at.microseconds
    return text.encode()


# ---- tables, deliveries ----

class Table:
    def __init__(self, r, name, kind, files):
        """kind: what the table is to try; shape and types are random. files: types are those that files have."""
        def a_type(types):
            return r.choice([t for t in types if not files or t in FILE_TYPES])

        self.name, self.kind = name, kind
        self.load = "full" if kind.startswith("full") else "upsert"
        self.key = []
        columns = []
        self.scope = []
        if kind in ("full-scope", "full-moves"):
            self.scope = ["facility"]
            columns.append(("facility", "utf8"))
            if kind == "full-scope":
                self.key.append("facility")
        for i in range({"wide": 5}.get(kind, r.choice([1, 1, 1, 2, 3]))):
            columns.append(("k%d" % i, a_type(KEY_TYPES if i else ["int64", "utf8", "int32", "date32", "decimal(9,2)", "timestamptz"])))
            self.key.append("k%d" % i)
        self.order = None
        if r.random() < (.35 if self.load == "full" else .55) or kind == "bare":
            self.order = "seq"
            columns.append(("seq", a_type(ORDER_TYPES)))
        for i in range(r.choice([0, 1, 2, 3, 4])):
            columns.append(("v%d" % i, a_type(list(VALUES))))
        self.traced = kind != "bare"
        self.op = "op" if r.random() < (.25 if self.load == "full" else .6) else None
        # The lake makes columns in the order of the first stream, so that is the only one that is not shuffled.
        self.types = dict(columns)
        self.columns = [c for c, _ in columns]
        r.shuffle(self.columns)
        if self.op:
            self.types["op"] = "utf8"
        self.travel = self.columns + ([self.op] if self.op else [])
        self.keys = [[self.a_value(r, k) for k in self.key] for _ in range(r.choice([3, 8, 14]))]
        self.partition = None
        if r.random() < .25:
            c = r.choice([c for c in self.columns if self.types[c] in ("utf8", "int64", "int32")] or [None])
            self.partition = c and r.choice(["bucket(3, %s)" % c, "truncate(2, %s)" % c])

    def a_value(self, r, column):
        return "FAC%d" % r.randrange(1, 4) if column == "facility" else VALUES[self.types[column]](r)

    def meta(self):
        out = [("lk.load", self.load), ("lk.key", json.dumps(self.key))]
        if self.order:
            out.append(("lk.order", self.order))
        if self.op:
            out.append(("lk.op", self.op))
        if self.scope:
            out.append(("lk.scope", json.dumps(self.scope)))
        if self.partition:
            out.append(("lk.partition", json.dumps([self.partition])))
        return out


    def resource(self):
        """As a data package has it."""
        fields = []
        for c in self.travel:
            kind = self.types[c]
            lk = {"decimal": [9, 2]} if kind.startswith("decimal") else {"timezone": "UTC"} if kind == "timestamptz" else {}
            fields.append({"name": c, "type": FILE_TYPES[kind], "lk": lk})
        lk = {"table": self.name, "load": self.load, "order": self.order, "op": self.op, "scope": self.scope or None,
              "partition": self.partition and [self.partition], "missing": "unquoted"}
        return {"name": self.name, "path": self.name + "-*.csv", "lk": {k: v for k, v in lk.items() if v},
                "schema": {"fieldsMatch": "superset", "primaryKey": self.key, "fields": fields}}


class Delivery:
    """Rows of one table that were sent at once: dicts of columns, with op and row (lk_row)."""

    def __init__(self, table, sent, sha, name, member, rows):
        self.table, self.sent, self.sha, self.name, self.member, self.rows = table, sent, sha, name, member, rows

    def file(self):
        return "%s@%s!%s" % (self.name, self.sha, self.member)


class World:
    """Makes deliveries, and remembers those that were sent, to send them again."""

    def __init__(self, r, tables):
        self.r, self.tables, self.clock = r, tables, 100
        self.past = {t.name: [] for t in tables}
        self.bytes = set()  # hashes of files that were loaded: the same bytes again are the same delivery, which is skipped

    def files(self, folder):
        """Deliveries as files in a folder, plain ones and archives of several tables."""
        r, out = self.r, []
        os.mkdir(folder)
        for _ in range(r.choice([1, 2, 4])):
            several = r.random() < .4
            made = []
            for t in r.sample(self.tables, r.choice([2, 4, 8])) if several else [r.choice(self.tables)]:
                past = [d for d in self.past[t.name] if d.rows]
                d = self.resent(t, r.choice(past)) if past and r.random() < .2 else self.fresh(t)
                member = "%s-%d.csv" % (t.name, len(made))
                made.append((Delivery(t, None, None, None, member, [(i + 1, op, row) for i, (_, op, row) in enumerate(d.rows)]), csv_text(t, d.rows)))
            sent, named = self.when(), r.random() < .7
            name = stamp(sent) if named else "now"
            if several:
                name += "-%d.zip" % r.getrandbits(40)
                with zipfile.ZipFile(os.path.join(folder, name), "w") as z:
                    for d, text in made:
                        z.writestr(d.member, text)
            else:
                name = made[0][0].member = "%s-%s-%d.csv" % (made[0][0].table.name, name, r.getrandbits(40))
                with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
                    file.write(made[0][1])
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                sha = hashlib.sha256(file.read()).hexdigest()[:12]
            if sha in self.bytes:
                os.remove(path)
                continue
            self.bytes.add(sha)
            if not named:
                os.utime(path, (EPOCH + sent, EPOCH + sent))
            for d, _ in made:
                d.sent, d.sha, d.name = sent, sha, name
                self.past[d.table.name].append(d)
                out.append(d)
        return out

    def deliveries(self, t, mend):
        r, out = self.r, []
        for _ in range(r.choice([0, 1, 1, 1, 2, 3] if t.traced else [0, 1])):
            past = self.past[t.name]
            what = r.random()
            if past and what < .12:
                d = r.choice(past)  # the same bytes again
            elif past and what < .2 and t.traced:
                d = self.resent(t, r.choice(past))
            elif past and what < .27 and mend and t.traced:
                d = self.mended(t, r.choice(past))
                past[:] = [p for p in past if (p.sha, p.member) != (d.sha, d.member)]
                past.append(d)
            else:
                d = self.fresh(t)
                past.append(d)
            if any(d.file() == o.file() for o in out) and t.traced:
                continue
            out.append(d)
            if t.traced and what > .9:  # and another member of the same; they are not sent apart
                past.pop()
                more = self.fresh(t)
                out.append(Delivery(t, d.sent, d.sha, d.name, "z.csv", more.rows))
        return out

    def when(self):
        """When something was sent: mostly now, sometimes long ago, sometimes when something else was."""
        self.clock += self.r.choice([0, 1, 1, 5])
        return self.clock - (self.r.choice([1, 3, 10, 30]) if self.r.random() < .3 else 0)

    def fresh(self, t):
        r = self.r
        rows, at = [], 0
        # Of rows that know nothing of their age the order in which they come decides, so each round has one of a key.
        keys = r.sample(t.keys, min(len(t.keys), r.choice([1, 3, 6]))) if not t.traced else [r.choice(t.keys) if r.random() < .95 else [t.a_value(r, k) for k in t.key] for _ in range(r.choice([1, 2, 4, 8, 12]))]
        for key in keys:
            at += r.choice([1, 1, 1, 2])
            row = {c: None if r.random() < .15 else t.a_value(r, c) for c in t.columns}
            if r.random() < .3 and t.order:
                row[t.order] = t.a_value(r, t.order)
            row.update(zip(t.key, key))
            if t.scope and t.kind == "full-moves":
                row["facility"] = t.a_value(r, "facility")
            op = "I"
            if t.op:
                op = r.choice("IIUUD") if t.load == "upsert" else r.choice("IIIIIIIIID")
                row["op"] = r.choice(OPS[op]) or None
                if op == "D" and r.random() < .5:  # with the key, its order and scope alone
                    row = {c: v for c, v in row.items() if c in t.key or c in (t.order, "op") or c in t.scope}
            rows.append((at, op, row))
        if t.traced:
            sent = None if r.random() < .03 else self.when()
            return Delivery(t, sent, "%012x" % r.getrandbits(48), r.choice(["a.csv", "b.zip", "we@ird!.zip", "ü.zip"]),
                            r.choice(["a.csv", "x/b.csv", "b!c.csv"]), rows)
        return Delivery(t, None, None, None, None, [(None, op, row) for _, op, row in rows])

    def resent(self, t, d):
        """The same rows by another delivery."""
        return Delivery(t, self.when(), "%012x" % self.r.getrandbits(48), d.name, d.member, d.rows)

    def mended(self, t, d):
        """The same delivery, some of its values read in another way since."""
        rows = []
        for at, op, row in d.rows:
            row = dict(row)
            if op != "D":
                for c in t.columns:
                    if c not in t.key and c != t.order and c not in t.scope and self.r.random() < .3:
                        row[c] = t.a_value(self.r, c)
            rows.append((at, op, row))
        return Delivery(t, d.sent, d.sha, d.name, d.member, rows)


# ---- the model ----

class Model:
    def __init__(self):
        self.db = sqlite3.connect(":memory:")
        self.db.executescript("""
            create table seen (t text, load text, key text, ord, sent integer, sha text, member text, name text, row integer, arrival integer,
                op text, scope text, content text);
            create index seen_t on seen (t, key);
            -- Of each scope, of full loads, the newest list.
            create view lists as select * from (select t, scope, sent, sha,
                row_number() over (partition by t, scope order by sent desc, sha desc) as n from seen where load = 'full' and op <> 'D') where n = 1;
            create view newest as select * from (select *, row_number() over (partition by t, key
                order by case load when 'full' then sent else ord end desc, case load when 'full' then sha end desc,
                    case load when 'full' then ord else sent end desc, sha desc, member desc, name desc, row desc, arrival desc) as n
                from seen) where n = 1;
            create view visible as select newest.* from newest left join lists using (t, scope)
                where op <> 'D' and (load <> 'full' or (newest.sent is lists.sent and newest.sha is lists.sha));
        """)
        self.arrival = 0

    def take(self, deliveries):
        for d in deliveries:
            t = d.table
            for at, op, row in d.rows:
                self.arrival += 1
                content = [row.get(c) for c in t.columns]
                self.db.execute("insert into seen values (?,?,?,?,?,?,?,?,?,?,?,?,?)", (
                    t.name, t.load, json.dumps([row[k] for k in t.key]), sortable(t.types[t.order], row.get(t.order)) if t.order else None,
                    d.sent, d.sha, d.member and d.member.encode(), d.name and d.name.encode(), at, self.arrival, op,
                    json.dumps([row.get(c) for c in t.scope]), json.dumps(content)))

    def known(self, t):
        """By key: the content that is seen, or None, and when it came."""
        return {key: (seen, arrival, op) for key, seen, arrival, op in self.db.execute(
            "select n.key, v.content, n.arrival, n.op from newest n left join visible v on v.arrival = n.arrival where n.t = ?", (t.name,))}

    def counts(self, t, before, mark, deliveries):
        """What became of the candidates of a commit; mark: the last arrival before it."""
        after, keys, rows = self.known(t), set(), 0
        for d in deliveries:
            if d.table is t:
                keys.update(json.dumps([row[k] for k in t.key]) for _, _, row in d.rows)
                rows += len(d.rows)
        out = dict.fromkeys(("inserted", "updated", "deleted", "unchanged", "late"), 0)
        out["repeated"] = rows - len(keys)
        for key, (content, arrival, op) in after.items():
            was = before.get(key, (None,))[0]
            if was is not None and content is None:
                out["deleted"] += 1
            if key not in keys or op == "D" and arrival > mark:
                continue
            if arrival <= mark or content is None:
                out["late"] += 1
            else:
                out["inserted" if was is None else "unchanged" if was == content else "updated"] += 1
        return out

    def table(self, t):
        return sorted(row[0] for row in self.db.execute("select content from visible where t = ?", (t.name,)))


# ---- the lake ----

def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def stream_text(deliveries, r, split):
    """Deliveries as make-stream wants them, those of a table in one or several Arrow streams."""
    out = []
    for d in deliveries:
        t = d.table
        columns = list(t.travel)
        if split and r.random() < .3:
            r.shuffle(columns)
        absent = {c for c in columns if c not in t.key and c not in t.scope and c not in (t.op, t.order) and all(row.get(c) is None for _, _, row in d.rows)}
        absent = absent if split and d.rows and r.random() < .5 else set()
        columns = [c for c in columns if c not in absent]
        words = ["%s:%s%s" % (c, t.types[c], "!" if c in t.key else "") for c in columns]
        if t.traced:
            words += ["lk_sent:timestamptz", "lk_file:utf8!", "lk_row:int64!"]
        parts = [d.rows]
        if split and len(d.rows) > 2 and r.random() < .4:
            cut = r.randrange(1, len(d.rows))
            parts = [d.rows[:cut], d.rows[cut:]]
        for part in parts:
            out += ["%%%s %s" % m for m in t.meta()]
            out.append("@%s %s" % (t.name, " ".join(words)))
            for at, _, row in part:
                cells = ["%s=%s" % (c, row[c]) for c in columns if row.get(c) is not None]
                if t.traced:
                    if d.sent is not None:
                        cells.append("lk_sent=" + moment(d.sent))
                    cells += ["lk_file=" + d.file(), "lk_row=%d" % at]
                out.append("|".join(cells))
    return "\n".join(out) + "\n"


def csv_text(t, rows):
    """A CSV of the rows, in which only what is not quoted can be missing."""
    def cell(c, value):
        if value is None:
            return ""
        if t.types[c] == "timestamptz":
            return value.replace(" ", "T").replace("+00", "Z")
        return '"' + value.replace('"', '""') + '"' if t.types[c] == "utf8" else value

    lines = [",".join(t.travel)]
    for _, _, row in rows:
        cells = [cell(c, row.get(c)) for c in t.travel]
        lines.append(",".join(cells) if len(cells) > 1 or cells[0] else '""')
    return "\n".join(lines) + "\n"


EPOCH = int(dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc).timestamp())


def stamp(seconds):
    return (dt.datetime(2026, 1, 1) + dt.timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")


def moment(seconds):
    return (dt.datetime(2026, 1, 1) + dt.timedelta(seconds=seconds)).isoformat(" ") + "+00"


class Lake:
    def __init__(self, folder):
        self.lake, self.folder, self.steps = os.path.join(folder, "lake"), folder, 0
        self.log = open(os.path.join(folder, "log"), "w")

    def path(self, what):
        return os.path.join(self.folder, "%03d.%s" % (self.steps, what))

    def run(self, command, want=0):
        """A line of shell, in the world's folder; its output."""
        return self.wait(self.start(command), want)[1]

    def start(self, command):
        print(command, file=self.log, flush=True)
        return command, subprocess.Popen(["sh", "-c", command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)

    def wait(self, started, want=0):
        command, process = started
        out, err = process.communicate()
        if process.returncode not in ((want,) if isinstance(want, int) else want):
            raise Wrong("%s\nended with %d, not %s: %s" % (command, process.returncode, want, err.decode(errors="replace")))
        return process.returncode, out.decode()

    def stream(self, deliveries, r, part=0, split=True):
        """A file with the stream of these deliveries."""
        name = "%03d.%d" % (self.steps, part)
        with open(os.path.join(self.folder, name + ".text"), "w") as file:
            file.write(stream_text(deliveries, r, split))
        self.run("make-stream <%s.text >%s.lk" % (name, name))
        return name + ".lk"

    def snapshots(self):
        """By the tables' names: the one that is now, and all there are."""
        db = sqlite3.connect("file:%s/catalog.db?mode=ro" % self.lake, uri=True)
        out = {}
        for name, location in db.execute("select table_name, metadata_location from iceberg_tables where table_namespace = 'main'"):
            with open(location.removeprefix("file://")) as file:
                metadata = json.load(file)
            out[name] = metadata["current-snapshot-id"], {s["snapshot-id"] for s in metadata["snapshots"]}
        db.close()
        return out

    def seen(self, tables, at=None):
        """What each table has: sorted JSON texts of rows. at: snapshots by the tables' names."""
        sql = []
        for t in tables:
            cells = ["%s as c%d" % (("decode(%s)" if t.types[c] == "binary" else "%s::varchar") % quoted(c), i) for i, c in enumerate(t.columns)]
            sql.append("select '%s' as t, %s from main.%s" % (t.name, ", ".join(cells), quoted("%s@%s" % (t.name, at[t.name])) if at else t.name))
        with open(self.path("sql"), "w") as file:
            file.write(";\n".join(sql) + ";\n")
        out = {t.name: [] for t in tables}
        for line in self.run("lk-query -l lake -F json -f %s" % os.path.basename(self.path("sql"))).split("\n"):
            if line:
                name, *row = json.loads(line).values()
                out[name].append(json.dumps(row))
        return {name: sorted(rows) for name, rows in out.items()}


# ---- rounds ----

def apply(lake, r, mode, deliveries, model):
    """One commit, or several that belong together, by one of the ways into a lake."""
    if mode == "ingest":
        lake.run("lk-ingest -q --settle 0 -l lake -s source.json -j %d %s %03d.in" % (
            r.choice([1, 2]), r.choice(["", "--commit-every 1", "--commit-every 2"]), lake.steps))
    elif mode == "commit":
        return json.loads(lake.run("lk-commit --json -l lake --schema add <%s" % lake.stream(deliveries, r)))
    elif mode == "upsert":
        lake.run("lk-upsert -q -l lake <%s >%03d.change && lk-commit -q -l lake --schema add <%03d.change" % (lake.stream(deliveries, r), lake.steps, lake.steps))
    elif mode == "segments":
        half = len(deliveries) // 2
        files = [lake.stream(part, r, i) for i, part in enumerate((deliveries[:half], deliveries[half:])) if part]
        lake.run("cat %s | %slk-commit -q -l lake --schema add" % (" ".join(files), r.choice(["", "lk-upsert -q -l lake | "])))
    elif mode == "staged":
        parts = [p for p in (deliveries[0::3], deliveries[1::3], deliveries[2::3]) if p]
        r.shuffle(parts)
        for i, part in enumerate(parts):
            lake.run("lk-commit -q -l lake --schema add --stage stage%03d <%s" % (lake.steps, lake.stream(part, r, i)))
        return json.loads(lake.run("lk-commit --json -l lake --staged stage%03d" % lake.steps))
    elif mode in ("stale", "writers"):
        one, two = (lake.stream([d for d in deliveries if of_second(d) == i], r, int(i)) for i in (False, True))
        change = "lk-upsert -q -l lake <%s >%03d.%d.change"
        commit = "lk-commit -q -l lake --schema add <%s"
        if mode == "stale":
            lake.run(change % (one, lake.steps, 0))
            lake.run(change % (two, lake.steps, 1))
            lake.run(commit % ("%03d.0.change" % lake.steps))
            again(lake, commit % ("%03d.1.change" % lake.steps), "lk-upsert -q -l lake <%s | lk-commit -q -l lake --schema add" % two)
        else:
            commands = [r.choice([commit % s, "lk-upsert -q -l lake <%s | lk-commit -q -l lake --schema add" % s]) for s in (one, two)]
            for command, (status, _) in zip(commands, [lake.wait(s, (0, 75)) for s in [lake.start(c) for c in commands]]):
                if status:
                    again(lake, command, command)


def of_second(d):
    return (d.sha or "") < "8"


def again(lake, command, otherwise):
    """A full list whose scope has changed is a conflict: whoever has it begins anew."""
    if lake.wait(lake.start(command), (0, 75))[0]:
        lake.run(otherwise)


def care(lake, r):
    """What a lake is tended with, between commits; it must not change what is seen."""
    what = r.choice(["lk-compact -q -l lake", "lk-expire -q -l lake --keep-last 3", "lk-maintain -q -l lake", "lk-gc -q -l lake"])
    lake.run(what)
    return what


def differences(want, got, limit=6):
    want_left, got_left = list(want), []
    for row in got:
        if row in want_left:
            want_left.remove(row)
        else:
            got_left.append(row)
    return "\n".join(["  - %s" % w for w in want_left[:limit]] + ["  + %s" % g for g in got_left[:limit]])


def compare(tables, want, seen, what):
    for t in tables:
        if want[t.name] != seen[t.name]:
            raise Wrong("%s: %s (%s; key %s, order %s, op %s, scope %s), model -, lake +\n%s" % (
                what, t.name, t.kind, t.key, t.order, t.op, t.scope, differences(want[t.name], seen[t.name])))


def travel(lake, r, past, tables):
    """The lake as it was after some of its rounds, as far as its snapshots are still there."""
    there = lake.snapshots()
    past = [(n, at, was) for n, at, was in past if all(s in there[t][1] for t, s in at.items())]
    for n, at, was in r.sample(past, min(2, len(past))):
        compare([t for t in tables if t.name in at], was, lake.seen([t for t in tables if t.name in at], at), "as it was after round %d" % n)
    return len(past)


def keep(lake, past, tables):
    there = lake.snapshots()
    past = [(n, at, was) for n, at, was in past if all(s in there[t][1] for t, s in at.items())]
    with open(os.path.join(lake.folder, "model.json"), "w") as file:
        json.dump({"tables": {t.name: {"columns": t.columns, "types": t.types} for t in tables},
                   "moments": [{"round": n, "snapshots": at, "rows": was} for n, at, was in past[-1:] + past[:-1:7]]}, file)


def play(seed, rounds, modes, keeps=False, lake_of=Lake):
    r = random.Random(seed)
    files = r.random() < .3
    modes = {m: n for m, n in modes.items() if files or m != "ingest"} or {"commit": 1}
    kinds = ["upsert", "upsert", "upsert", "wide", "bare", "full", "full-scope", "full-scope"]
    tables = [Table(r, "t%d" % i, "upsert" if files and kind == "bare" else kind, files) for i, kind in enumerate(kinds)]
    folder = os.path.abspath("world-%s" % seed)
    os.mkdir(folder)
    lake, world, model = lake_of(folder), World(r, tables), Model()
    tally, past = {}, []
    try:
        if files:
            with open(os.path.join(folder, "source.json"), "w") as file:
                json.dump({"name": "model", "lk": {"delivery": "(?<sent>[0-9]{8}T[0-9]{6}Z)?-[0-9]+[.]"}, "resources": [
                    t.resource() for t in tables]}, file, indent=1)
        first = [world.fresh(t) for t in tables]
        model.take(first)
        lake.run("lk-commit -q -l lake <%s" % lake.stream(first, r, split=False))
        for n in range(rounds):
            lake.steps = n + 1
            mode = r.choices(list(modes), modes.values())[0]
            tally[mode] = tally.get(mode, 0) + 1
            alone = mode in ("commit", "upsert")
            deliveries = world.files(lake.path("in")) if mode == "ingest" else [d for t in tables for d in world.deliveries(t, alone)]
            if not alone:
                r.shuffle(deliveries)
            if len(deliveries) < 2 and mode != "ingest":
                deliveries += [world.fresh(t) for t in tables[:2]]
            if mode in ("stale", "writers"):  # members of one delivery, and rows that know nothing of their age, come together
                deliveries.sort(key=of_second)
                if len({of_second(d) for d in deliveries}) < 2:
                    mode = "commit"
            before, mark = {t.name: model.known(t) for t in tables}, model.arrival
            model.take(deliveries)
            said = apply(lake, r, mode, deliveries, model)
            for table in said["tables"] if said else ():
                t = next((t for t in tables if "main." + t.name == table["table"]), None)
                want = t and model.counts(t, before[t.name], mark, deliveries)
                if want and any(op == "D" for d in deliveries if d.table is t for _, op, _ in d.rows):
                    del want["late"], want["repeated"]  # rows that delete, and came to nothing, are not told
                if t and want != {name: table.get(name) for name in want}:
                    raise Wrong("round %d, by %s: %s (%s) is told to have %s, not %s" % (n + 1, mode, t.name, t.kind, table, want))
            what = mode
            if r.random() < .1:
                what += ", then " + care(lake, r)
            want = {t.name: model.table(t) for t in tables}
            compare(tables, want, lake.seen(tables), "round %d, by %s" % (n + 1, what))
            past.append((n + 1, {name: at for name, (at, _) in lake.snapshots().items() if at}, want))
        travel(lake, r, past, tables)
        lake.run("lk-fsck -q -d -l lake")
    except Wrong as wrong:
        print("seed %s: %s\n  again: UPSERT_SEED=%s UPSERT_ROUNDS=%d t/upsert-model.sh; its lake: %s" % (seed, wrong, seed, rounds, folder), flush=True)
        return False, tally, model.arrival
    lake.log.close()
    if keeps:
        keep(lake, past, tables)
    else:
        shutil.rmtree(folder)
    return True, tally, model.arrival


def main():
    p = argparse.ArgumentParser()
    p.add_argument("seed")
    p.add_argument("rounds", type=int)
    p.add_argument("--modes")
    p.add_argument("--keep", action="store_true")
    options = p.parse_args()
    modes = {m: MODES[m] for m in options.modes.split(",")} if options.modes else MODES
    good, rows, tally, at = True, 0, {}, 0
    for first in range(0, options.rounds, WORLD_ROUNDS):
        seed = options.seed + ("" if not first else ".%d" % (first // WORLD_ROUNDS))
        fine, did, took = play(seed, min(WORLD_ROUNDS, options.rounds - first), modes, options.keep)
        good, rows = good and fine, rows + took
        for mode, n in did.items():
            tally[mode] = tally.get(mode, 0) + n
    print("seed %s: %d rounds (%s), %d rows" % (options.seed, sum(tally.values()), ", ".join("%d %s" % (n, m) for m, n in sorted(tally.items())), rows))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
