#!/usr/bin/python3
"""Prints one JSON line per mutated document: {"schema", "rules", "what", "doc"}.

"rules" are the keywords that jsonschema finds violated, sorted, one for each
violation; the test compares them with what oms.check_json() says.
Usage: schema_mutations.py NAME SCHEMA < DOCUMENT
"""
import copy
import json
import sys
from decimal import Decimal

import jsonschema

name = sys.argv[1]
schema = json.load(open(sys.argv[2]), parse_float=Decimal)
jsonschema.Draft7Validator.check_schema(schema)
check = jsonschema.Draft7Validator(schema)
base = json.load(sys.stdin, parse_float=Decimal)

VALUES = [None, True, 0, -1, 1, 4, 8, Decimal("0.001"), Decimal("1.005"), 4001, 999999, 10 ** 16, "", "X", "URP", "N", "2",
          "x" * 15, "x" * 101, "x" * 301, "01/04/2026", "0000", "610910", "1234567", 'a"b', "29AAAAA0000A1Z5", [], {}, [1], {"a": 1}]


def paths(node, path=()):
    if isinstance(node, dict):
        for key in node:
            yield path + (key,)
            yield from paths(node[key], path + (key,))
    elif isinstance(node, list):
        for i, item in enumerate(node):
            yield path + (i,)
            yield from paths(item, path + (i,))


def at(doc, path):
    for step in path:
        doc = doc[step]
    return doc


def emit(what, doc):
    rules = sorted(e.validator for e in check.iter_errors(doc))
    print(json.dumps({"schema": name, "rules": ",".join(rules), "what": what,
                      "doc": json.dumps(doc, default=float)}))


emit("base", base)
for path in list(paths(base)):
    doc = copy.deepcopy(base)
    del at(doc, path[:-1])[path[-1]]
    emit("without %s" % (path,), doc)
    for value in VALUES:
        doc = copy.deepcopy(base)
        at(doc, path[:-1])[path[-1]] = value
        emit("%s = %r" % (path, value), doc)
for path in [()] + [p for p in paths(base) if isinstance(at(base, p), dict)]:
    doc = copy.deepcopy(base)
    at(doc, path)["surplus"] = 1
    emit("surplus field in %s" % (path,), doc)
for value in (None, [], "text", 1):
    emit("root = %r" % (value,), value)
