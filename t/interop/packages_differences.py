"""Where lk-parse reads otherwise than Frictionless, on purpose: (cases, cells, what differs, why), the first two as regular
expressions of the whole case's name and of the whole record with | between its cells. "The standard" is Table Schema 2."""

DIFFERENCES = [
    # White space
    (r"type/(?!string|any|list).*|missing/[0157]/(?!string).*", r"\d+\| ", "we take it",
     "white space around values of other types than string is no part of them (XML Schema collapses it): a blank is a missing value"),
    (r"type/boolean/.*|type/list/.*itemType=boolean", r"\d+\| 1 ", "we take it", "the same: a boolean may have blanks around it"),
    # What the standard says
    (r"type/integer/default/groupChar=_", r"\d+\|-?[\d,]+", "we take it",
     "the standard gives integers a groupChar, too; Frictionless reads it of numbers only"),
    (r"type/year/.*", r"\d+\|-2026", "we take it", "a gYear of XML Schema may be before the first"),
    (r"type/duration/.*", r"\d+\|PT", "we reject it", "a duration names something (ISO 8601); isodate takes nothing for zero"),
    (r"type/geojson/topojson/", r'\d+\|\{"type": "Point".*', "we reject it", "a TopoJSON text is a topology (TopoJSON, 2)"),
    (r"categories/.*", r"\d+\|\d", "we reject it",
     "categories restrict a field to its values, the standard says; Frictionless does not look at them"),
    # Values that Python reads by chance
    (r"type/string/binary/", r"\d+\|(####|2026-01-31|\{\}|\[\])", "we reject it", "Python's base64 skips what is no digit of it"),
    (r"type/date/%Y%m%d/", r"\d+\|2026131", "we reject it", "seven digits: Python tries other widths until one fits, and guesses January 31"),
    (r"type/date/%Y-%j/", r"\d+\|2026-366", "we reject it", "2026 has 365 days; Python goes on into 2027"),
    (r"type/(date|datetime)/any/", r"\d+\|( 1 |-?-?1|1\.5)", "we reject it",
     "dateutil makes a day of this month of any number; ours reads ISO 8601 and HL7's forms"),
    (r"constraint/string/pattern=a_bc/", r"\d+\|ac", "we reject it", "Frictionless writes ^a|bc$, in which each end holds for one half only"),
    (r"type/time/default/", r"\d+\|24:00:00", "we reject it", "the end of a day is no time of that day; dateutil makes its start of it"),
    # Values as columns
    (r"type/number/default/", r"\d+\|1e400", "we reject it", "no double is so large, and infinity it is not; lk.decimal is exact"),
    (r"type/date/%b_%d__%Y/", r"\d+\|July 13, 2026", "we take it", "%b takes months in full, too"),
    # Records and files
    (r"dialect/6/.*|missing/7/.*", r".*\|", "we take it", "a record whose values are all missing is one; an empty line is none"),
    (r"dialect/17/quoteChar=", r"", "we take the file", "an empty quoteChar says that nothing is quoted; Frictionless cannot have it"),
    (r"encoding/utf-8/wrong", r"", "we take the file", "wrong bytes reject their record; Frictionless fails the file"),
    (r"integrity/unique", r"2\|b", "we take it", "unique is among rows: a record that was rejected for another reason does not count"),
    (r"integrity/key", r"1\|c", "we take it", "a key that stands twice is for the load (upsert) and lk-dedup, not an error of the file"),
]
