#!/usr/bin/env python3
"""Replays cases of order management against pg_oms, through its SQL API.

    cases.py FILE [ID...]

FILE (- for standard input) is a JSON array of cases; doc/cases.md says what
they hold.  Each case
runs in a transaction of its own that is rolled back: it makes a company with
its channel, nodes, items and stock, and makes the calls a shop would.
Connects by PG*, through psql.  One line a case, then counts by kind.  Exit
code 1 when a case failed.

A case is "not covered" when its kind, or an option, a field, a step or an
expectation of it, has no counterpart here: whatever is not read is told.
"""

import json
import sys
from decimal import Decimal

import cases_after  # adds its kinds
import cases_rules
import cases_simulate
import cases_supply
from cases_kinds import BEFORE, KIND, Within
from cases_shop import Database, NotCovered, Refused, Shop, number, plain

KIND.update(cases_rules.KIND)
KIND.update(cases_simulate.KIND)
BEFORE.update(cases_rules.BEFORE)


def same(want, got):
    """Numbers by value, lists of mappings in any order, the rest as it is."""
    if isinstance(want, bool) or isinstance(got, bool) or want is None or got is None:
        return want is got
    if isinstance(want, (int, float, Decimal)) and isinstance(got, (int, float, Decimal)):
        return number(want) == number(got)
    if isinstance(want, dict) and isinstance(got, dict):
        return want.keys() == got.keys() and all(same(v, got[k]) for k, v in want.items())
    if isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return False
        if all(isinstance(x, dict) for x in want):
            rest = list(got)
            for x in want:
                match = [i for i, y in enumerate(rest) if same(x, y)]
                if not match:
                    return False
                rest.pop(match[0])
            return True
        return all(same(a, b) for a, b in zip(want, got))
    return want == got


def wanted(case):
    """The expectations, any of which may be met."""
    expected = case.get("expected")
    recommended = case.get("recommended")
    if not isinstance(expected, dict):
        expected = {}
    if "source_system" in expected:
        return [recommended or {}]
    return [expected] + ([recommended] if recommended else [])


def compare(want, got):
    """None when met, else what is not; raises where nothing can say."""
    want = {k: v for k, v in want.items() if k != "note"}
    if not want:
        raise NotCovered("no expectation")
    unknown = sorted(k for k in want if k not in got)
    if unknown:
        raise NotCovered("expectation " + ", ".join(unknown))
    for key, value in want.items():
        answer = got[key]
        if key in ("ordered_atp", "previous_promised"):
            # the source need not state each demand
            answer = {k: v for k, v in answer.items() if k in value}
        if key in ("on_hand", "allocated", "reserved", "atp", "available") and isinstance(value, dict):
            answer = {k: answer.get(k, 0) for k in value}
        if key == "nodes_used":
            value = sorted(value)
        if not (value == answer if isinstance(answer, Within) else same(value, answer)):
            return "%s: wanted %s, got %s" % (key, json.dumps(value), json.dumps(plain(answer), default=repr))
    return None


def replay(db, case):
    kind = cases_supply.KIND.get(case["kind"]) or KIND.get(case["kind"])
    if kind is None:
        raise NotCovered("kind " + case["kind"])
    shop = Shop(db, case)
    if case["kind"] in BEFORE:
        BEFORE[case["kind"]](shop)
    shop.build()
    got = kind(shop)
    unread = shop.options.unread()
    if unread:
        raise NotCovered("option " + ", ".join(unread))
    for node in shop.nodes:
        if node.unread():
            raise NotCovered("node field " + ", ".join(node.unread()))
    problems = []
    for want in wanted(case):
        problem = compare(want, got)
        if problem is None:
            break
        problems.append(problem)
    else:
        return problems[0]
    wrong = [] if shop.damaged else db.rows("SELECT * FROM oms.verify()")
    return "oms.verify: " + json.dumps(plain(wrong)) if wrong else None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "-":
        cases = json.load(sys.stdin)
    else:
        with open(sys.argv[1]) as file:
            cases = json.load(file)
    only = set(sys.argv[2:])
    db = Database()
    counts = {}
    for case in cases:
        if only and case["id"] not in only:
            continue
        db.tell("BEGIN;")
        why = None
        try:
            why = replay(db, case)
            outcome = "failed" if why else "passed"
        except NotCovered as missing:
            outcome, why = "not covered", str(missing)
        except Refused as refused:
            outcome, why = "failed", "%s: %s %s" % (refused.state, refused, refused.detail)
        except AssertionError as error:
            outcome, why = "failed", str(error)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # a case of another form than those known: one line, not the end
            outcome, why = "failed", "not understood: %r" % error
        db.tell("ROLLBACK;")
        print("%-10s %-20s %s%s" % (case["id"], case["kind"], outcome, ": " + why if why else ""), flush=True)
        counts.setdefault(case["kind"], {}).setdefault(outcome, 0)
        counts[case["kind"]][outcome] += 1
    outcomes = ("passed", "failed", "not covered")
    print()
    for kind in sorted(counts):
        print("%-20s %s" % (kind, ", ".join("%d %s" % (counts[kind].get(o, 0), o) for o in outcomes)))
    total = {o: sum(c.get(o, 0) for c in counts.values()) for o in outcomes}
    print("%d passed, %d failed, %d not covered" % tuple(total[o] for o in outcomes))
    sys.exit(1 if total["failed"] else 0)


if __name__ == "__main__":
    main()
