"""Validates packages by the JSON Schema: a line for each thing that is wrong.

schema.py SCHEMA PACKAGE...
"""

import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
wrong = False
for path in sys.argv[2:]:
    for error in sorted(validator.iter_errors(json.load(open(path, encoding="utf-8"))), key=lambda e: e.json_path):
        wrong = True
        print(f"{path}: {error.json_path}: {error.message}")
sys.exit(wrong)
