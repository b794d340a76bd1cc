"""Replays a week of many nodes and orders through the SQL API.

A folder holds freight.csv (parcel and unit cost by node and region, paise),
stock.csv, orders.csv (minute, region, lines), forecast.csv (units a day by
item and region) and scoreboard.json (cost of reference policies and a lower
bound that knows the future).  Each policy is a company of its own, so that
nothing is shared: nodes, items, stock, lanes; a region is a pincode.  Every
order is captured by oms.capture_order() at its minute, as a shop would:
    myopic   the exact cheapest plan of each order by what it costs now
    priced   the same with sourcing_rule.stock_price_weight 1 and
             oms.compute_stock_prices() every six hours, which sees stock and
             forecast of that moment only
What is compared is freight of the parcels planned plus the penalty for units
that no node could supply, counted here from oms.allocation and the files, not
from what the planner says it costs.  A split is avoidable above those that
would be needed if stock never ran down (its exact cover is found here).
"""
import csv
import itertools
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

FILES = {"orders.csv", "stock.csv", "freight.csv", "forecast.csv", "scoreboard.json"}

# What has to be reached (issue of stock and sourcing): least saving against
# myopic and least fall of avoidable splits, largest gap to the bound, percent.
LEAST_SAVING, LEAST_SPLITS, MOST_GAP = 2.2, 30.0, 11.5
# myopic is an optimum an order: how far its cost may be from the reference's,
# which breaks ties its own way
MYOPIC_TOLERANCE = 0.2
HOURS_BETWEEN_PRICES = 6
START = "2026-03-02 00:00+05:30"


def read(folder, name):
    with open(os.path.join(folder, name), newline="") as f:
        return list(csv.DictReader(f))


class World:
    def __init__(self, folder):
        self.freight = {(int(r["node"]), int(r["region"])): (int(r["base_per_shipment"]), int(r["per_unit"]))
                        for r in read(folder, "freight.csv")}
        self.nodes = sorted({n for n, _ in self.freight})
        self.regions = sorted({r for _, r in self.freight})
        self.stock = [(int(r["sku"]), int(r["node"]), int(r["qty"])) for r in read(folder, "stock.csv")]
        self.forecast = [(int(r["sku"]), int(r["region"]), float(r["units_per_day"])) for r in read(folder, "forecast.csv")]
        self.orders = []
        for r in read(folder, "orders.csv"):
            lines = [tuple(map(int, x.split(":"))) for x in r["lines_sku:qty"].split()]
            self.orders.append((int(r["order"]), int(r["minute"]), int(r["region"]), lines))
        self.skus = sorted({k for k, _, _ in self.stock} | {k for k, _, _ in self.forecast}
                           | {k for o in self.orders for k, _ in o[3]})
        self.days = max(1, math.ceil((self.orders[-1][1] + 1) / 1440))
        with open(os.path.join(folder, "scoreboard.json")) as f:
            self.board = json.load(f)
        self.penalty = self.board["penalty_per_unserved_unit"]

    def pincode(self, region):
        return str(800001 + region)


def setup(w, company, priced):
    """The company's rows, as one script; its keys begin at a number of its own."""
    c = 700000 + 100 * company
    rows = [f"""
SET client_min_messages = warning;
INSERT INTO oms.company (company_id, code, name) VALUES ({c}, 'SIM{c}', 'Replay');
INSERT INTO oms.channel (company_id, code, name, kind, max_shipments) VALUES ({c}, 'WEB', 'Web', 'web', {len(w.nodes)});
INSERT INTO oms.sourcing_rule (company_id, cost_per_km, cost_per_minute, cost_per_priority, shipment_cost, max_nodes,
        line_single_node, lane_costs, stock_price_weight)
    VALUES ({c}, 0, 0, 0, 0, 30, true, true, {int(priced)});
INSERT INTO oms.risk_model (company_id, name, intercept, state, source) VALUES ({c}, 'sim{c}', -9, 'champion', 'replay');
INSERT INTO oms.risk_policy (company_id) VALUES ({c});
INSERT INTO oms.courier (courier_id, code, name) VALUES ({c}, 'SIM{c}', 'Everywhere');
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES ({c}, {c}, 'SIM{c}', 'Surface', 'surface');
INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES ({c}, 1, 'otherwise', 'Z');
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES ({c}, 'Z', 2);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id) VALUES ({c}, {c}, {c});
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT {c}, 'Z', l, 40, 0 FROM unnest('{{forward,rto,reverse}}'::text[]) l;
"""]
    for r in w.regions:
        rows.append(f"INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('{w.pincode(r)}', '29', 'Replay') ON CONFLICT DO NOTHING;"
                    f"INSERT INTO oms.serviceability (courier_service_id, pincode) VALUES ({c}, '{w.pincode(r)}');\n")

    def copy(into, lines):
        rows.append(f"COPY {into} FROM stdin;\n" + "".join("\t".join(map(str, line)) + "\n" for line in lines) + "\\.\n")

    copy("oms.node (node_id, company_id, code, name, state_code, pincode, handling_cost)",
         [(c + n, c, f"N{n}", f"Node {n}", "29", w.pincode(w.regions[0]), 0) for n in w.nodes])
    first = c * 1000
    copy("oms.sku (sku_id, company_id, code, name, hsn)", [(first + k, c, f"S{k}", f"Item {k}", "4901") for k in w.skus])
    copy("oms.price (company_id, sku_id, amount)", [(c, first + k, 100) for k in w.skus])
    copy("oms.stock (company_id, node_id, sku_id, on_hand)", [(c, c + n, first + k, q) for k, n, q in w.stock])
    copy("oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason)",
         [(c, c + n, first + k, q, q, "snapshot") for k, n, q in w.stock])
    copy("oms.lane_cost (company_id, node_id, region, shipment_cost, unit_cost)",
         [(c, c + n, w.pincode(r), base / 100, unit / 100) for (n, r), (base, unit) in w.freight.items()])
    rows.append("CREATE TEMP TABLE told (sku integer, region text, units_per_day numeric);\n")
    copy("told", [(k, w.pincode(r), q) for k, r, q in w.forecast])
    rows.append(f"INSERT INTO oms.demand_forecast (company_id, sku_id, region, period_from, period_to, qty)"
                f" SELECT {c}, {first} + sku, region, '{START}', timestamptz '{START}' + interval '{w.days} days',"
                f" units_per_day * {w.days} FROM told;\n")
    rows.append("CREATE TEMP TABLE arrival (n integer, minute integer, document jsonb);\n")
    copy("arrival", [(o, minute, json.dumps({
        "company": f"SIM{c}", "channel": "WEB", "external_id": str(o), "payment": {"mode": "PREPAID"},
        "ship_to": {"pincode": w.pincode(r), "address1": "1, Long Street"},
        "lines": [{"sku": f"S{k}", "qty": q} for k, q in lines]})) for o, minute, r, lines in w.orders])
    rows.append("ANALYZE;\n")
    return c, "".join(rows)


def captures(c, w, priced):
    end = f"timestamptz '{START}' + interval '{w.days} days'"
    prices = f"""
        IF a.minute / {60 * HOURS_BETWEEN_PRICES} <> slot THEN
            slot := a.minute / {60 * HOURS_BETWEEN_PRICES};
            PERFORM oms.compute_stock_prices('SIM{c}', moment, {end} - moment, 0.55, {w.penalty} / 100.0);
        END IF;""" if priced else ""
    return f"""
SET synchronous_commit = off;
DO $$
DECLARE
    a record;
    moment timestamptz;
    slot integer := -1;
    i integer := 0;
BEGIN
    FOR a IN SELECT * FROM arrival ORDER BY n LOOP
        moment := timestamptz '{START}' + a.minute * interval '1 minute';{prices}
        PERFORM oms.capture_order(a.document, moment);
        i := i + 1;
        IF i % 50 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$;
SELECT o.external_id, l.line_no, coalesce(l.node_id - {c}, -1), l.qty::int, k.code
  FROM oms.allocation l JOIN oms."order" o USING (company_id, order_id) JOIN oms.sku k USING (sku_id)
 WHERE l.company_id = {c} AND l.status IN ('reserved', 'backordered') ORDER BY l.allocation_id;
"""


def price_the_plan(w, rows):
    """Cost, split orders and unserved units of what was planned, checked against orders and stock."""
    region = {str(o): r for o, _, r, _ in w.orders}
    asked = {(str(o), f"S{k}"): q for o, _, _, lines in w.orders for k, q in lines}
    left = {(f"S{k}", n): q for k, n, q in w.stock}
    nodes, cost, missing = {}, 0, 0
    for order, _, node, qty, sku in (row.split("|") for row in rows):
        node, qty = int(node), int(qty)
        asked[order, sku] -= qty
        if node < 0:
            missing += qty
            continue
        left[sku, node] = left.get((sku, node), 0) - qty
        nodes.setdefault(order, set()).add(node)
        cost += qty * w.freight[node, region[order]][1]
    for order, used in nodes.items():
        cost += sum(w.freight[node, region[order]][0] for node in used)
    if any(asked.values()):
        raise ValueError("what was planned is not what was ordered")
    if min(left.values()) < 0:
        raise ValueError("a unit was sold twice")
    return cost + missing * w.penalty, sum(len(n) > 1 for n in nodes.values()), missing


def forced_splits(w):
    """Orders whose cheapest plan is split although stock never runs down."""
    at = {}
    for k, n, q in w.stock:
        at.setdefault(k, {})[n] = q
    splits = 0
    for _, _, r, lines in w.orders:
        can = [[n for n, q in at.get(k, {}).items() if q >= qty] for k, qty in lines]
        can = [(qty, c) for (k, qty), c in zip(lines, can) if c]
        if len(can) < 2:
            continue
        nodes = sorted({n for _, c in can for n in c})
        best = None
        for size in range(1, len(can) + 1):
            for chosen in itertools.combinations(nodes, size):
                cost = sum(w.freight[n, r][0] for n in chosen)
                if best and cost >= best[0]:
                    continue
                for qty, c in can:
                    units = [w.freight[n, r][1] for n in chosen if n in c]
                    if not units:
                        cost = None
                        break
                    cost += qty * min(units)
                if cost is not None and (best is None or cost < best[0]):
                    best = (cost, size)
        splits += best[1] > 1
    return splits


def run(w, company, priced, sql):
    """(cost, split orders, unserved units), seconds; or what went wrong."""
    c, script = setup(w, company, priced)
    began = time.time()
    rows, error = sql(script + captures(c, w, priced))
    if error:
        return None, error
    try:
        return price_the_plan(w, [r for r in rows if r.count("|") == 4]), time.time() - began
    except (ValueError, KeyError) as e:
        return None, str(e)


def replay(kind, folder, tally, sql):
    w = World(folder)
    policies = ("myopic", "priced")
    answers, error = sql("SELECT oms.install() WHERE to_regclass('oms.company') IS NULL;")
    if not error:
        answers, error = sql("SELECT count(*) FROM oms.company WHERE company_id >= 700000;")
    if error:
        tally.note(kind, "database", error)
        return
    # both at once: they share no row
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(run, w, int(answers[0]) + i, p == "priced", sql) for i, p in enumerate(policies)]
        floor = forced_splits(w)
        results = [r.result() for r in runs]
    for policy, (result, took) in zip(policies, results):
        if result is None:
            tally.note(kind, policy, took)
            return
        print(f"{kind} {policy}: cost {result[0] / 100:.2f}, {result[1]} split orders ({result[1] - floor} avoidable), "
              f"{result[2]} units unserved, {len(w.orders)} orders in {took:.0f} s")
    (myopic, before, _), (priced, after, _) = [r[0] for r in results]
    reference = w.board["policies"]["C_exact_per_order"]["cost"]
    bound = w.board["clairvoyant_lower_bound"]
    off = 100 * (myopic / reference - 1)
    saving = 100 * (1 - priced / myopic)
    fewer = 100 * (1 - (after - floor) / (before - floor)) if before > floor else 100.0
    gap = 100 * (priced / bound - 1)
    tally.note(kind, f"myopic cost {off:+.3f} % of the reference's",
               None if abs(off) <= MYOPIC_TOLERANCE else f"more than {MYOPIC_TOLERANCE} % away")
    tally.note(kind, f"saving by stock prices {saving:.2f} %", None if saving >= LEAST_SAVING else f"below {LEAST_SAVING} %")
    tally.note(kind, f"avoidable splits {-fewer:+.1f} %", None if fewer >= LEAST_SPLITS else f"less than {LEAST_SPLITS} % fewer")
    tally.note(kind, f"gap to the bound {gap:.2f} %", None if gap <= MOST_GAP else f"above {MOST_GAP} %")
