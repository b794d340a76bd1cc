#!/usr/bin/python3
"""Replays golden files through SQL: ./run golden DIR calls it.

    golden.py DIR

DIR is one folder of golden files or a folder of such folders.  What a folder
holds is told by its files, so that copies made with other seeds run too:
    instances.jsonl, expected.csv   oms.plan_split(), every mode of every order
    *.min (DIMACS), expected.csv    oms.min_cost_flow(), optimum and flow
    orders.csv, stock.csv, freight.csv, forecast.csv, scoreboard.json
        every order by oms.capture_order(), with and without the prices of
        oms.compute_stock_prices() (golden_fulfil.py)
Folders of other kinds are listed as not covered.  The connection is psql's
(PGHOST, PGDATABASE ...); the database has the extension.  Prints a line a
case; ends with exit code 0 when nothing failed and something was replayed.
"""
import csv
import json
import os
import subprocess
import sys
from decimal import Decimal

import golden_fulfil


def sql(text):
    """The rows of the statements, one line of text each; None and the error."""
    run = subprocess.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=text, capture_output=True, text=True,
        env=dict(os.environ, PGCLIENTENCODING="UTF8"))
    if run.returncode:
        return None, run.stderr.strip().split("\n")[0]
    return run.stdout.rstrip("\n").split("\n"), None


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Tally:
    def __init__(self):
        self.kinds = {}

    def note(self, kind, case, wrong):
        """wrong: None for passed, else what differs"""
        n = self.kinds.setdefault(kind, [0, 0, 0])
        n[1 if wrong else 0] += 1
        print(f"{kind} {case}: {'FAILED: ' + wrong if wrong else 'passed'}")

    def not_covered(self, kind):
        self.kinds.setdefault(kind, [0, 0, 0])[2] += 1
        print(f"{kind}: not covered")

    def close(self):
        print()
        print(f"{'kind':<20}{'passed':>8}{'failed':>8}{'not covered':>13}")
        total = [0, 0, 0]
        for kind, n in sorted(self.kinds.items()):
            print(f"{kind:<20}{n[0]:>8}{n[1]:>8}{n[2]:>13}")
            total = [a + b for a, b in zip(total, n)]
        print(f"{total[0]} passed, {total[1]} failed, {total[2]} not covered")
        return 0 if total[0] and not total[1] else 1


# One order, its best plans ------------------------------------------------

# mode, lines divided, columns of expected.csv and what answers them; the
# first column is empty where there is no complete plan
SPLIT = [
    ("shipments", False, [("whole_min_ships", "shipments"), ("whole_cost_at_min_ships", "cost")]),
    ("cost", False, [("whole_min_cost", "cost"), ("whole_ships_at_min_cost", "shipments")]),
    ("slab", False, [("whole_min_slab_cost", "slab_cost"), ("whole_ships_at_min_slab", "shipments")]),
    ("shipments", True, [("split_min_ships", "shipments"), ("split_cost_at_min_ships", "cost")]),
    ("cost", True, [("split_min_cost", "cost"), ("split_ships_at_min_cost", "shipments")]),
    ("greedy", False, [("greedy_ships", "shipments"), ("greedy_cost", "cost"), ("greedy_slab_cost", "slab_cost")]),
    ("partial", False, [("partial_ships", "shipments"), ("partial_cost", "cost")]),
]


def problem_of(order, divided):
    nodes = [{"id": n["id"], "open": bool(n["open"]), "fixed": n["fixed"],
              "base": n["base"], "add": n["add"]} for n in order["nodes"]]
    return {"split_lines": divided, "nodes": nodes, "lines": order["lines"]}


def check_pieces(order, divided, plan):
    """What is wrong with the pieces of a plan by the order itself, or None."""
    left = [line["qty"] for line in order["lines"]]
    parts = [0] * len(left)
    cost, used = 0, set()
    for piece in plan["pieces"]:
        i, j, qty = piece["line"] - 1, piece["node"], piece["qty"]
        line, node = order["lines"][i], order["nodes"][j]
        if qty > line["stock"][j] or not node["open"]:
            return f"line {i + 1} takes {qty} from node {j}"
        left[i] -= qty
        parts[i] += 1
        cost += qty * line["unit_cost"][j]
        used.add(j)
    cost += sum(order["nodes"][j]["fixed"] for j in used)
    if min(left) < 0 or (not divided and (max(parts) > 1 or any(p and r for p, r in zip(parts, left)))):
        return "a line is divided or overfilled"
    if len(used) != plan["shipments"] or cost != plan["cost"]:
        return f"its pieces are {len(used)} parcels for {cost}"
    return None


def split(kind, folder, tally):
    with open(os.path.join(folder, "instances.jsonl")) as f:
        orders = {o["id"]: o for o in map(json.loads, f)}
    with open(os.path.join(folder, "expected.csv"), newline="") as f:
        expected = list(csv.DictReader(f))
    calls = []
    for row in expected:
        for mode, divided, _ in SPLIT:
            doc = json.dumps(problem_of(orders[int(row["id"])], divided))
            calls.append(f"SELECT oms.plan_split({quote(doc)}, {quote(mode)});")
    answers, error = sql("\n".join(calls))
    if error:
        tally.note(kind, "instances.jsonl", error)
        return
    answers = (json.loads(a, parse_float=Decimal) for a in answers)
    for row in expected:
        order, wrong = orders[int(row["id"])], []
        for mode, divided, columns in SPLIT:
            plan = next(answers)
            name = mode + (" divided" if divided else "")
            if not plan["proven"]:
                wrong.append(f"{name}: not proven")
            if mode == "partial" and plan["lines"] != int(row["partial_lines"]):
                wrong.append(f"{name}: {plan['lines']} lines, not {row['partial_lines']}")
            there = plan["lines"] > 0 if mode == "partial" else plan["complete"]
            if there != (row[columns[0][0]] != ""):
                wrong.append(f"{name}: complete is {plan['complete']}")
                continue
            for column, key in columns if there else []:
                if plan[key] != int(row[column]):
                    wrong.append(f"{name}: {column} is {plan[key]}, not {row[column]}")
            fault = check_pieces(order, divided, plan) if there else None
            if fault:
                wrong.append(f"{name}: {fault}")
        tally.note(kind, f"order {row['id']}", "; ".join(wrong))


# Flows ----------------------------------------------------------------------

def read_dimacs(path):
    """Supplies, arcs [from, to, least, most, cost]; nodes count from 1."""
    supply, arcs = [], []
    with open(path) as f:
        for word in map(str.split, f):
            if word and word[0] == "p":
                supply = [0] * int(word[2])
            elif word and word[0] == "n":
                supply[int(word[1]) - 1] = int(word[2])
            elif word and word[0] == "a":
                arcs.append([int(w) for w in word[1:6]])
    return supply, arcs


def array(values, kind):
    return quote("{" + ",".join(map(str, values)) + "}") + "::" + kind + "[]"


def check_flow(supply, arcs, flow):
    """What is wrong with a flow by the file itself, or None; and its cost."""
    if len(flow) != len(arcs):
        return f"{len(flow)} flows for {len(arcs)} arcs", 0
    net, cost = [0] * len(supply), 0
    for x, (u, v, least, most, price) in zip(flow, arcs):
        if x < least or x > most:
            return f"{x} on an arc of {least} to {most}", 0
        net[u - 1] += x
        net[v - 1] -= x
        cost += x * price
    return (None if net == supply else "the flow is not conserved"), cost


def mcf(kind, folder, tally):
    with open(os.path.join(folder, "expected.csv"), newline="") as f:
        expected = list(csv.DictReader(f))
    for row in expected:
        supply, arcs = read_dimacs(os.path.join(folder, row["file"]))
        # what must flow at least flows already
        left = list(supply)
        for u, v, least, _, _ in arcs:
            left[u - 1] -= least
            left[v - 1] += least
        columns = list(zip(*arcs))
        answer, error = sql("SELECT row_to_json(f) FROM oms.min_cost_flow(%s, %s, %s, %s, %s) f;" % (
            array(left, "bigint"), array(columns[0], "integer"), array(columns[1], "integer"),
            array([a[3] - a[2] for a in arcs], "bigint"), array(columns[4], "bigint")))
        if error:
            tally.note(kind, row["file"], error)
            continue
        answer = json.loads(answer[0])
        if answer["status"] != "optimal":
            tally.note(kind, row["file"], answer["status"])
            continue
        wrong, cost = check_flow(supply, arcs, [x + a[2] for x, a in zip(answer["flow"], arcs)])
        base = sum(a[2] * a[4] for a in arcs)
        if wrong is None and cost != answer["total_cost"] + base:
            wrong = f"its flow costs {cost}, its answer says {answer['total_cost'] + base}"
        if wrong is None and cost != int(row["optimal_cost"]):
            wrong = f"optimal_cost is {cost}, not {row['optimal_cost']}"
        tally.note(kind, row["file"], wrong)


# Everything under golden files --------------------------------------------

def replay(folder, tally):
    kind = os.path.basename(os.path.abspath(folder))
    names = os.listdir(folder)
    try:
        if "expected.csv" in names and "instances.jsonl" in names:
            split(kind, folder, tally)
        elif "expected.csv" in names and any(n.endswith(".min") for n in names):
            mcf(kind, folder, tally)
        elif golden_fulfil.FILES <= set(names):
            golden_fulfil.replay(kind, folder, tally, sql)
        else:
            tally.not_covered(kind)
    except (OSError, ValueError, KeyError, IndexError, StopIteration) as e:
        tally.note(kind, "files", f"not of the form expected: {e!r}")


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("golden.py wants a directory: a folder of golden files, or a folder of such folders")
    top, tally = sys.argv[1], Tally()
    inner = sorted(d.path for d in os.scandir(top) if d.is_dir())
    for folder in inner or [top]:
        replay(folder, tally)
    sys.exit(tally.close())


main()
