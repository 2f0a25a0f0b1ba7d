"""The matrix: data packages and files, each a case of its own. cases() yields (name, resource, bytes of its file)."""

# Cells that every type is tried on, beside its own.
COMMON = ["", " ", "x", "0", "1", "-1", "1.5", "true", "2026-01-31", "{}", "[]", "null", "NA", " 1 ", "é", "1e3", "+1", "--1"]

TYPES = [
    ("string", "default", {}, ["a", " a b ", "'", "a\nb"]),
    ("string", "email", {}, ["a@b.example", "a.b+c@d.example.org", "a", "@b.example", "a@", "a b@c.example", "a@b@c.example"]),
    ("string", "uri", {}, ["http://a.example/b?c=d#e", "urn:oid:1.2.3", "mailto:a@b.example", "not a uri", "a/b", "http://"]),
    ("string", "uuid", {}, ["9d188916-8390-482b-8ec2-73fce6e08649", "9D188916-8390-482B-8EC2-73FCE6E08649", "9d188916"]),
    ("string", "binary", {}, ["aGk=", "aGk", "####", "aGkgdGhlcmU="]),
    ("integer", "default", {}, ["42", "-42", "007", "9223372036854775807", "1.0", "1,000", "1 000", "0x10", "-", "12 ml"]),
    ("integer", "default", {"bareNumber": False}, ["12 ml", "$12", "EUR -5", "95%", "kg", "1 2", "-12-"]),
    ("integer", "default", {"groupChar": ","}, ["1,000", "1,000,000", "-1,000"]),
    ("number", "default", {}, ["1259.76", "-0.1", "NaN", "INF", "-INF", "1E3", "1e-3", ".5", "5.", "1,5", "0.30", "1.2.3", "-0", "1e400"]),
    ("number", "default", {"decimalChar": ","}, ["1,5", "-1,25", "1.5", "1,5,5", "12"]),
    ("number", "default", {"groupChar": ","}, ["1,234.5", "1,234,567", "-1,000.25"]),
    ("number", "default", {"groupChar": ".", "decimalChar": ","}, ["1.234,5", "1.234.567", "0,5"]),
    ("number", "default", {"groupChar": " "}, ["1 234.5", "12"]),
    ("number", "default", {"groupChar": "\u00a0", "decimalChar": ","}, ["1\u00a0234,5"]),
    ("number", "default", {"bareNumber": False}, ["$1259.76", "95%", "EUR 5.25", "1.5 kg", "kg", "-3 C"]),
    ("number", "default", {"bareNumber": False, "groupChar": ",", "decimalChar": "."}, ["US$ 1,234.50", "1,234 kg"]),
    ("boolean", "default", {}, ["true", "True", "TRUE", "1", "false", "False", "FALSE", "0", "yes", "tRue", "T"]),
    ("boolean", "default", {"trueValues": ["yes", "Y"], "falseValues": ["no"]}, ["yes", "Y", "no", "NO", "true"]),
    ("boolean", "default", {"trueValues": ["ja"]}, ["ja", "0", "true"]),
    ("date", "default", {}, ["2026-02-28", "2026-02-29", "2024-02-29", "31/01/2026", "20260131", "2026", "2026-01", "0001-01-01", "9999-12-31",
                             "2026-01-31T00:00:00"]),
    ("date", "%d/%m/%Y", {}, ["31/01/2026", "1/2/2026", "31/02/2026", "31-01-2026", "31/01/26"]),
    ("date", "%b %d, %Y", {}, ["Jul 13, 2026", "jul 1, 2026", "July 13, 2026", "Jul 32, 2026"]),
    ("date", "%B %d %Y", {}, ["July 13 2026", "May 1 2026"]),
    ("date", "%Y%m%d", {}, ["20260131", "20260231", "2026131"]),
    ("date", "%m/%d/%y", {}, ["01/31/68", "01/31/69", "1/5/26"]),
    ("date", "%Y-%j", {}, ["2026-031", "2024-366", "2026-366"]),
    ("date", "%a, %d %b %Y", {}, ["Sat, 31 Jan 2026", "Xyz, 31 Jan 2026"]),
    ("date", "any", {}, ["20260131", "2026-01-31T10:11:12"]),
    ("time", "default", {}, ["23:59:59", "00:00:00", "24:00:00", "12:30", "12:60:00", "23:59:59.5", "12:30:00 PM"]),
    ("time", "%H:%M", {}, ["12:30", "1:05", "25:00"]),
    ("time", "%I:%M %p", {}, ["12:30 AM", "12:30 pm", "01:05 PM", "13:00 PM"]),
    ("datetime", "default", {}, ["2026-01-31T10:11:12", "2026-01-31T10:11:12.5", "2026-01-31T10:11", "2026-01-31", "2026-02-30T00:00:00", "2026-01-31T25:00:00",
                                 "2026-01-31T24:00:00"]),
    ("datetime", "default", {"lk": {"timezone": "UTC"}}, ["2026-01-31T10:11:12Z", "2026-01-31T10:11:12+01:00", "2026-01-31T10:11:12.25-05:30"]),
    ("datetime", "%d.%m.%Y %H:%M", {}, ["31.01.2026 10:11", "1.2.2026 1:02", "31.01.2026", "31.01.2026  10:11"]),
    ("datetime", "%Y-%m-%dT%H:%M:%S%z", {}, ["2026-01-31T10:11:12+0100", "2026-01-31T10:11:12-05:00", "2026-01-31T10:11:12Z", "2026-01-31T10:11:12"]),
    ("datetime", "%Y%m%d%H%M%S", {}, ["20260131101112", "20260131"]),
    ("datetime", "any", {}, ["2026-01-31T10:11:12", "20260131T101112"]),
    ("year", "default", {}, ["2026", "0000", "9999", "12345", "26", "-2026", "2O26"]),
    ("yearmonth", "default", {}, ["2026-01", "2026-12", "2026-13", "2026-00", "202601"]),
    ("duration", "default", {}, ["P1Y2M10DT2H30M", "PT0S", "P2W", "-P1D", "P", "PT", "P1H", "1 day", "PT1.5S", "P1D2H", "P1Y"]),
    ("geopoint", "default", {}, ["90.50, 45.50", "-180,90", "181,0", "0,91", "90.50", "a,b", "1,2,3"]),
    ("geopoint", "array", {}, ["[90.5, 45.5]", "[181, 0]", "[1]", "[1, 2, 3]"]),
    ("geopoint", "object", {}, ['{"lon": 90.5, "lat": 45.5}', '{"lon": 1}', '{"lon": 1, "lat": 91}', '{"lon": 1, "lat": 2, "x": 3}']),
    ("geojson", "default", {}, ['{"type": "Point", "coordinates": [1, 2]}', '{"type": "Point"}', '{"type": "Nowhere", "coordinates": [1, 2]}',
                                '{"type": "LineString", "coordinates": [[1, 2], [3, 4]]}', '{"type": "LineString", "coordinates": [[1, 2]]}',
                                '{"type": "Feature", "geometry": null, "properties": {}}',
                                '{"type": "FeatureCollection", "features": []}', '{"type": "GeometryCollection", "geometries": []}',
                                '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}', '{"coordinates": [1, 2]}', '{']),
    ("geojson", "topojson", {}, ['{"type": "Topology", "objects": {}, "arcs": []}', '{"type": "Topology"}', '{"type": "Point", "coordinates": [1, 2]}',
                                 '{"type": "Topology", "objects": {}, "arcs": [[[0, 0], [1, 1]]]}']),
    ("object", "default", {}, ['{"a": 1}', '{"a": {"b": [1, 2]}}', "{a: 1}", '{"a": 1', '"a"']),
    ("array", "default", {}, ['[1, "a"]', "[[]]", "[1", "a,b", '{"a": 1}']),
    ("list", "default", {}, ["a,b", "a", "a,,b"]),
    ("list", "default", {"itemType": "integer"}, ["1,2,3", "1, 2", "1,a", "1,,2"]),
    ("list", "default", {"itemType": "date", "delimiter": ";"}, ["2026-01-31;2026-02-01", "2026-01-31", "2026-01-31;x"]),
    ("list", "default", {"itemType": "boolean", "delimiter": "|"}, ["true|false", "true|maybe"]),
    ("any", "default", {}, ["a", "{"]),
]

CONSTRAINTS = [
    ("string", {}, {"required": True}, ["", "a"]),
    ("string", {}, {"unique": True}, ["a", "b", "a", "", "", "A"]),
    ("integer", {}, {"unique": True}, ["1", "01", "2", "1", ""]),
    ("number", {}, {"unique": True}, ["1.0", "1.00", "2", "1"]),
    ("string", {}, {"minLength": 2}, ["a", "ab", "é", "éé", ""]),
    ("string", {}, {"maxLength": 2}, ["a", "abc", "éé", "ééé"]),
    ("string", {}, {"minLength": 2, "maxLength": 3}, ["a", "ab", "abc", "abcd"]),
    ("array", {}, {"minLength": 1, "maxLength": 2}, ["[]", "[1]", "[1, 2]", "[1, 2, 3]"]),
    ("object", {}, {"minLength": 1}, ["{}", '{"a": 1}']),
    ("list", {}, {"minLength": 2}, ["a", "a,b"]),
    ("string", {}, {"pattern": "[a-z]+"}, ["abc", "abc1", "1abc", "", "ab\ncd"]),
    ("string", {}, {"pattern": "^[a-z]{2}$"}, ["ab", "abc"]),
    ("string", {}, {"pattern": "a|bc"}, ["a", "bc", "ac"]),
    ("string", {}, {"pattern": "\\d{3}-\\d{2}"}, ["123-45", "123-4", "x123-45"]),
    ("string", {}, {"enum": ["a", "b"]}, ["a", "b", "c", "A", ""]),
    ("integer", {}, {"enum": [1, 2]}, ["1", "2", "3", "01"]),
    ("integer", {}, {"enum": ["1", "2"]}, ["1", "3"]),
    ("number", {}, {"enum": [1.5, 2]}, ["1.50", "2.0", "3"]),
    ("boolean", {}, {"enum": [True]}, ["true", "false"]),
    ("date", {}, {"enum": ["2026-01-31"]}, ["2026-01-31", "2026-02-01"]),
    ("year", {}, {"enum": ["2026"]}, ["2026", "2027"]),
    ("object", {}, {"enum": [{"a": 1}]}, ['{"a":1}', '{"a": 2}']),
    ("integer", {}, {"minimum": 2, "maximum": 4}, ["1", "2", "3", "4", "5", ""]),
    ("integer", {}, {"exclusiveMinimum": 2, "exclusiveMaximum": 4}, ["2", "3", "4"]),
    ("integer", {}, {"minimum": "2"}, ["1", "2"]),
    ("number", {}, {"minimum": 0.5, "maximum": "1.5"}, ["0.4", "0.5", "1.5", "1.6", "NaN", "INF", "-INF"]),
    ("number", {}, {"exclusiveMaximum": 1}, ["0.99", "1", "1.0"]),
    ("number", {"decimalChar": ","}, {"minimum": "0,5"}, ["0,4", "0,5"]),
    ("date", {}, {"minimum": "2026-01-31", "exclusiveMaximum": "2026-12-31"}, ["2026-01-30", "2026-01-31", "2026-12-30", "2026-12-31"]),
    ("date", {"format": "%d/%m/%Y"}, {"minimum": "31/01/2026"}, ["30/01/2026", "31/01/2026"]),
    ("time", {}, {"maximum": "12:00:00"}, ["11:59:59", "12:00:01"]),
    ("datetime", {}, {"minimum": "2026-01-31T12:00:00"}, ["2026-01-31T11:59:59", "2026-01-31T12:00:00"]),
    ("year", {}, {"minimum": 2000, "maximum": "2026"}, ["1999", "2000", "2026", "2027"]),
    ("yearmonth", {}, {"minimum": "2026-02"}, ["2026-01", "2026-02", "2027-01"]),
]

DIALECTS = [
    ({}, 'a,b\n1,x\n2,"y,z"\n'),
    ({}, 'a,b\r\n1,x\r\n2,"y\r\nz"\r\n'),
    ({}, 'a,b\r1,x\r2,y\r'),
    ({}, 'a,b\n1,x\n2,"say ""hi"""\n3,"a\nb"\n4,a"b\n5,""\n'),
    ({}, 'a,b\n1,x'),
    ({}, '\ufeffa,b\n1,x\n'),
    ({}, 'a,b\n1\n2,x,y\n3,z\n4,,\n'),
    ({}, 'a,b\n1,x\n\n2,y\n'),
    ({}, 'a,b\n'),
    ({"delimiter": ";"}, 'a;b\n1;x,y\n2;"a;b"\n'),
    ({"delimiter": "\t"}, 'a\tb\n1\tx\n2\t"y\tz"\n'),
    ({"delimiter": "|"}, 'a|b\n1|x\n'),
    ({"delimiter": "~"}, 'a~b\n1~x\n'),
    ({"delimiter": "$"}, 'a$b\n1$x\n'),
    ({"delimiter": " "}, 'a b\n1 x\n2 "y z"\n'),
    ({"quoteChar": "'"}, "a,b\n1,'x,y'\n2,'it''s'\n3,\"z\"\n"),
    ({"quoteChar": "|"}, "a,b\n1,|x,y|\n2,z\n"),
    ({"quoteChar": ""}, 'a,b\n1,"x"\n2,y\n'),
    ({"escapeChar": "\\", "doubleQuote": False}, 'a,b\n1,"x\\"y"\n2,a\\,b\n3,"c\\\\d"\n4,"e\\\nf"\n'),
    ({"escapeChar": "\\"}, 'a,b\n1,"x\\"y"\n2,"p""q"\n'),
    ({"skipInitialSpace": True}, 'a, b\n1, x\n2, "y, z"\n'),
    ({"skipInitialSpace": False}, 'a,b\n1, x\n'),
    ({"header": False}, '1,x\n2,y\n'),
    ({"headerRows": [1, 2]}, 'a,b\nx,y\n1,v\n'),
    ({"headerRows": [1, 2], "headerJoin": "-"}, 'a,b\nx,y\n1,v\n'),
    ({"headerRows": [2]}, 'made by hand,\na,b\n1,v\n'),
    ({"headerRows": [3]}, 'made by hand\n,\na,b\n1,v\n'),
    ({"commentChar": "#"}, 'a,b\n#no,record\n1,x\n# none,either\n2,y\n3,#z\n'),
    ({"commentRows": [2]}, 'a,b\nnot,this\n1,x\n'),
    ({"commentRows": [2, 4]}, 'a,b\nnot,this\n1,x\nnor,this\n2,y\n'),
    ({"commentChar": "#"}, '#first\na,b\n1,x\n'),
    ({"lineTerminator": "\n"}, 'a,b\n1,x\n'),
    ({"lineTerminator": "\r\n"}, 'a,b\r\n1,x\r\n'),
    ({"doubleQuote": True}, 'a,b\n1,"x""y"\n2,""""\n'),
]

# Header, the fieldsMatch that are tried on it, and a record.
HEADERS = ["id,name,age", "name,id,age", "id,name", "id,name,age,more", "more,age,name,id", "id", "more", "ID,Name,AGE", "id,id,name",
           "id,,age", "id, name ,age", '"id","name","age"']

ENCODINGS = [
    ({}, "utf-8"), ({"encoding": "utf-8"}, "utf-8"), ({"encoding": "utf-8"}, "utf-8-sig"), ({"encoding": "utf-16"}, "utf-16"),
    ({"encoding": "utf-16le"}, "utf-16-le"), ({"encoding": "utf-16be"}, "utf-16-be"), ({"encoding": "utf-32"}, "utf-32"),
    ({"encoding": "iso-8859-1"}, "iso-8859-1"), ({"encoding": "latin-1"}, "iso-8859-1"), ({"encoding": "windows-1252"}, "cp1252"),
    ({"encoding": "cp1252"}, "cp1252"), ({"encoding": "iso-8859-15"}, "iso-8859-15"), ({"encoding": "windows-1250"}, "cp1250"),
    ({"encoding": "cp437"}, "cp437"), ({"encoding": "shift_jis"}, "shift_jis"), ({"encoding": "gb18030"}, "gb18030"),
]

MISSING = [
    (None, None, None), (["", "NA"], None, None), (["NA"], None, None), ([], None, None), (["", "NA"], ["-"], None),
    ([{"value": "", "label": "blank"}, {"value": "-99", "label": "refused"}], None, None), (None, ["NA"], None), (None, [""], ["x", "1"]),
    (["NA", "N/A", "null"], None, None), ([" "], None, None),
]


def quoted(cell):
    """A cell as it must stand in a file with commas."""
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') or cell != cell.strip() else cell


def table(cells):
    return "id,v\n" + "".join(f"{i},{quoted(c)}\n" for i, c in enumerate(cells, 1))


def fields(**v):
    return [{"name": "id", "type": "string"}, {"name": "v", **v}]


def short(value):
    return "".join(c if c.isalnum() or c in "-%.:" else "_" for c in value)[:60] if isinstance(value, str) else "_".join(
        f"{k}={short(str(w))}" for k, w in sorted(value.items()))


def cases():
    for kind, form, more, cells in TYPES:
        schema = {"fields": fields(type=kind, **({"format": form} if form != "default" else {}), **more)}
        yield f"type/{kind}/{short(form)}/{short(more)}", {"schema": schema}, table(cells + COMMON).encode()
    for kind, more, constraints, cells in CONSTRAINTS:
        schema = {"fields": fields(type=kind, **more, constraints=constraints)}
        yield f"constraint/{kind}/{short(constraints)}/{short(more)}", {"schema": schema}, table(cells).encode()
    for i, (dialect, text) in enumerate(DIALECTS):
        names = ["a x", "b y"] if dialect.get("headerRows") == [1, 2] else ["a", "b"]
        if dialect.get("headerJoin"):
            names = ["a-x", "b-y"]
        schema = {"fields": [{"name": names[0], "type": "string"}, {"name": names[1], "type": "string"}]}
        yield f"dialect/{i}/{short(dialect)}", {"dialect": dialect, "schema": schema}, text.encode()
    for match in [None, "exact", "equal", "subset", "superset", "partial"]:
        for header in HEADERS:
            for case in (None, True):
                schema = {"fields": [{"name": n, "type": "string"} for n in ("id", "name", "age")], **({"fieldsMatch": match} if match else {})}
                width = header.count(",") + 1
                rows = header + "\n" + ",".join(f"v{i}" for i in range(width)) + "\n" + ",".join(f"w{i}" for i in range(width)) + "\n"
                dialect = {"caseSensitiveHeader": True} if case else {}
                yield f"match/{match or 'none'}/{short(header)}/{'sensitive' if case else 'any'}", {"schema": schema, "dialect": dialect}, rows.encode()
    for more, codec in ENCODINGS:
        text = "日本" if codec in ("shift_jis", "gb18030") else "é" if codec in ("cp437", "iso-8859-1") else "Grün é"
        yield f"encoding/{more.get('encoding', 'none')}/{codec}", {**more, "schema": {"fields": fields()}}, table([text, "plain"]).encode(codec)
    yield "encoding/utf-8/wrong", {"schema": {"fields": fields()}}, b"id,v\n1,ok\n2,\xff\n3,ok\n"
    for i, (schema_level, field_level, both) in enumerate(MISSING):
        for kind in ("string", "integer", "number", "boolean", "date"):
            v = {"type": kind, **({"missingValues": field_level} if field_level is not None else {})}
            schema = {"fields": fields(**v), **({"missingValues": schema_level} if schema_level is not None else {})}
            if both:
                schema["missingValues"] = both
            yield f"missing/{i}/{kind}", {"schema": schema}, table(["", "NA", "-", "-99", "1", "x", "null", "N/A", " ", "true", "2026-01-31"]).encode()
    for kind in ("string", "integer"):
        for values in (["M", "F"], [{"value": "M", "label": "male"}, {"value": "F", "label": "female"}]) if kind == "string" else ([1, 2],):
            yield f"categories/{kind}/{short(str(values))}", {"schema": {"fields": fields(type=kind, categories=values)}}, table(["M", "F", "1", "2", "3", ""]).encode()
    keyed = [{"name": "id", "type": "integer"}, {"name": "v", "constraints": {"unique": True}}]
    yield "integrity/unique", {"schema": {"fields": keyed}}, b"id,v\n1,a\nx,b\n2,b\n3,a\n"
    yield "integrity/key", {"schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "v"}], "primaryKey": "id"}}, b"id,v\n1,a\n2,b\n1,c\n"
