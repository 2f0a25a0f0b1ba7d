#!/bin/sh
# The JSON Schema of packages, by Python's jsonschema: every package here fits it, and what lk-parse refuses does not.
. "$(dirname "$0")/../test-lib.sh"

[ -n "$LK_INTEROP_JSONSCHEMA" ] || test_skip_all 'jsonschema cannot be had here'
validate() {
	"$LK_INTEROP_JSONSCHEMA/bin/python" "$LK_TOP/t/interop/schema.py" "$LK_TOP/contrib/schema/lk-source.schema.json" "$@"
}

test_expect_success 'all packages of the project fit the schema' '
	set -- $(find "$LK_TOP/contrib/sources" "$LK_TOP/testdata" -name "*.json" -exec grep -l "\"resources\"" {} +) &&
	[ $# -ge 6 ] && validate "$@"
'

# Packages that lk-parse takes or refuses, a line each; the schema must agree.
agree() { # STATUS-OF-LK-PARSE STATUS-OF-THE-SCHEMA
	while read -r line; do
		printf "%s\n" "$line" >package.json
		echo "$line"
		expect_status "$1" lk-parse --check -s package.json || return 1
		expect_status "$2" validate package.json || return 1
	done
}

test_expect_success 'what lk-parse takes fits the schema' '
	echo "{\"fields\": [{\"name\": \"a\"}]}" >schema.jsn &&
	agree 0 0 <<-\EOF_
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": ["a", "b*"], "schema": "schema.jsn"}]}
	{"resources": [{"name": "a", "path": "a", "schema": "schema.jsn"}, {"name": "b", "path": "b", "lk": {"extends": "a"}}]}
	{"resources": [{"name": "a", "path": "a", "format": "tsv", "dialect": {"quoteChar": null, "header": true}, "schema": {"fieldsMatch": ["equal"], "missingValues": ["", {"value": "-", "label": "none"}], "primaryKey": "x", "fields": [{"name": "x", "type": "date", "format": "%d.%m.%Y"}]}, "lk": {"table": "n.t", "load": "full", "scope": "x"}}]}
	{"lk": {"delivery": "(?<sender>F[0-9])", "ignore": "*.pdf"}, "resources": [{"name": "a", "path": "a", "schema": {"primaryKey": "x", "uniqueKeys": [["x"]], "foreignKeys": [{"fields": "x", "reference": {"fields": "x"}}], "fields": [{"name": "x", "lk": {"path": "delivery:sender", "map": {"a": null, "b": "c"}}}]}}]}
	EOF_
'

test_expect_success 'what lk-parse refuses for its form does not' '
	agree 78 1 <<-\EOF_
	{}
	{"resources": []}
	{"resources": [{"path": "a", "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a"}]}
	{"resources": [{"name": "a", "path": [], "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "format": "xls", "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": []}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"type": "date"}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "type": "int"}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"alias": ["y"]}}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"bad": "keep"}}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "lk": {"column": "X Y"}}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x", "constraints": {"required": "yes"}}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"fieldsMatch": "some", "fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"foreignKeys": [{"fields": "x"}], "fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "lk": {"tabel": "b"}, "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "lk": {"table": "A-B"}, "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "lk": {"load": "merge"}, "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "dialect": {"header": "yes"}, "schema": {"fields": [{"name": "x"}]}}]}
	{"resources": [{"name": "a", "path": "a", "schema": {"missingValues": "NA", "fields": [{"name": "x"}]}}]}
	{"lk": {"ignored": []}, "resources": [{"name": "a", "path": "a", "schema": {"fields": [{"name": "x"}]}}]}
	EOF_
'

test_done
