#!/usr/bin/python3
"""Prints one JSON line per mutated order: {"valid": bool, "what": ..., "doc": ...}.

The verdict is jsonschema's, on doc/order.schema.json; the test compares it
with the server's.  Usage: order_mutations.py SCHEMA
"""
import copy
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
check = jsonschema.Draft7Validator(schema)

ADDRESS = {"name": "A", "phone": "9876543210", "address1": "1 Road",
           "address2": "Layout", "landmark": "Temple", "city": "Pune",
           "state": "Maharashtra", "pincode": "411001", "country": "IN",
           "lat": 18.5, "lng": 73.8}
BASE = {"channel": "WEB", "external_id": "X", "company": "C",
        "placed_at": "2026-11-20T10:00:00+05:30", "currency": "INR",
        "payment": {"mode": "COD", "paid_amount": 0},
        "customer": {"ref": "r", "name": "n", "phone": "9876543210",
                     "email": "e@example.in"},
        "ship_to": ADDRESS, "bill_to": ADDRESS,
        "lines": [{"line_no": 1, "sku": "A", "qty": 1, "unit_price": 100,
                   "discount": 0},
                  {"line_no": 2, "sku": "A", "qty": 1.5}],
        "charges": [{"kind": "SHIPPING", "amount": 10},
                    {"kind": "CART_DISCOUNT", "amount": 1}],
        "fulfilment": {"mode": "SHIP", "max_days": 30},
        "order_class": "PRIME"}

VALUES = [None, True, 0, -1, 1, 1.5, 10 ** 12, "", " ", "X", "x" * 600,
          "COD", "0411001", "41100", "INR", "inr", [], {}, [1], {"a": 1}]
out = []


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
    doc = copy.deepcopy(doc)
    if isinstance(doc, dict) and isinstance(doc.get("external_id"), str) \
            and doc["external_id"] == "X":
        doc["external_id"] = "M%d" % len(out)
    out.append({"valid": check.is_valid(doc), "what": what, "doc": doc})


emit("base", BASE)
for path in list(paths(BASE)):
    doc = copy.deepcopy(BASE)
    del at(doc, path[:-1])[path[-1]]
    # one of lat and lng alone is refused by a rule the schema cannot say
    if path[-1] not in ("lat", "lng"):
        emit("without %s" % (path,), doc)
    for value in VALUES:
        doc = copy.deepcopy(BASE)
        at(doc, path[:-1])[path[-1]] = value
        emit("%s = %r" % (path, value), doc)
for path in [()] + [p for p in paths(BASE) if isinstance(at(BASE, p), dict)]:
    doc = copy.deepcopy(BASE)
    at(doc, path)["surplus"] = 1
    emit("surplus field in %s" % (path,), doc)
for value in (None, [], "text", 1):
    emit("root = %r" % (value,), value)
for line in out:
    print(json.dumps(line))
