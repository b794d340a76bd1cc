"""Kinds of cases about what happens after capture: parts of parcels, short
picks, amended and rerouted lines, backorders, release, parcels cancelled."""

import ast
import json
import math
import operator
import re

from cases_kinds import KIND, BEFORE, STEP, TOGETHER, kind_concurrency, kind_steps, stocked
from cases_shop import EARLIER, NOW, PLENTY, NotCovered, Read, Refused, number, quote, result_of


# --- what an order holds


def allocations(shop, orders):
    """What these orders have, in the order in which it was planned."""
    if not orders:
        return []
    return shop.db.rows(
        "SELECT a.allocation_id AS id, a.order_id, a.line_no, a.qty, a.status, a.shipment_id, n.code AS node, k.code AS sku, a.net_amount"
        " FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id"
        " WHERE a.company_id = 9900 AND a.order_id IN (%s) AND a.status <> 'cancelled' ORDER BY n.priority, a.allocation_id"
        % ", ".join(str(o) for o in orders))


def orders_of(shop, node=None):
    held = [h[0] for h in shop.held_orders]
    return held or ([shop.last] if shop.last is not None else [])


def here(parts):
    return [p for p in parts if p["status"] in ("reserved", "released", "picked", "packed")]


def refused_as(refused):
    """The name of a refusal, as cases have it."""
    return {"OM001": "quantity_not_positive" if "above zero" in str(refused) else "invalid",
            "OM004": "already_shipped" if "shipped" in str(refused) else "conflict"}.get(refused.state)


def together_or_not(shop, calls):
    """All of the calls or, where one is refused, none."""
    if not calls:
        return "ok"
    try:
        shop.db.rows(" UNION ALL ".join("SELECT (%s)::text" % c for c in calls))
    except Refused as refused:
        return result_of(refused)
    return "ok"


# --- handing over


def hand_over(shop, wanted, node=None):
    """So much of each item, of what orders hold at the node (from other
    nodes it is rerouted); in parts of parcels where it is less."""
    orders = orders_of(shop)
    for order_id in orders:
        shop.db.value("SELECT oms.release_order(%s)" % order_id)
    parts = here(allocations(shop, orders))
    going = {}
    for sku, qty in wanted.items():
        left = number(qty)
        at = [p for p in parts if p["sku"] == sku and node in (None, p["node"])]
        if sum(number(p["qty"]) for p in at) < left:
            away = [p for p in parts if p["sku"] == sku and p not in at]
            need = left - sum(number(p["qty"]) for p in at)
            if sum(number(p["qty"]) for p in away) < need:
                return "insufficient"
            try:
                for p in away:
                    part = min(need, number(p["qty"]))
                    if part > 0:
                        shop.db.value("SELECT oms.reroute_allocation(%s, %s, qty => %s)" % (p["id"], quote(node), part))
                        need -= part
            except Refused as refused:
                return result_of(refused)
            parts = here(allocations(shop, orders))
            at = [p for p in parts if p["sku"] == sku and node in (None, p["node"])]
        for p in at:
            part = min(left, number(p["qty"]))
            if part > 0:
                lines = going.setdefault(p["shipment_id"], {})
                lines[p["line_no"]] = lines.get(p["line_no"], 0) + part
                left -= part
    return together_or_not(shop, ["oms.dispatch_part(%s, %s::jsonb, at => %s)" % (
        parcel, quote(json.dumps([{"line_no": n, "qty": float(q)} for n, q in sorted(lines.items())])), NOW)
        for parcel, lines in sorted(going.items())])


def step_ship(shop, step, i):
    lines = step.get("lines")
    qty = step.get("qty")
    node = step.get("node")
    line = step.get("line")
    if lines is None and qty is None:
        raise NotCovered("a step that names no quantity")
    if lines is not None:
        return hand_over(shop, lines, node)
    sku = step.get("sku") or line_item(shop, line)
    return hand_over(shop, {sku: qty}, node)


def line_item(shop, line):
    skus = {p["sku"] for p in allocations(shop, orders_of(shop)) if line in (None, p["line_no"])}
    if len(skus) != 1:
        skus = {p["sku"] for p in allocations(shop, orders_of(shop))}
    if len(skus) != 1:
        raise NotCovered("a step that names no item")
    return skus.pop()


def ship_together(shop, steps):
    """Several hand-overs in one call: what they ask of an item adds up."""
    wanted = {}
    for step in steps:
        sku = step.get("sku") or line_item(shop, step.get("line"))
        wanted[step.get("node"), sku] = wanted.get((step.get("node"), sku), 0) + number(step.get("qty"))
    if len({node for node, _ in wanted}) != 1:
        raise NotCovered("several nodes in one call")
    return hand_over(shop, {sku: qty for (_, sku), qty in wanted.items()}, next(iter(wanted))[0])


def step_fulfil_all(shop, step, i):
    wanted = {}
    for p in here(allocations(shop, orders_of(shop))):
        wanted[p["sku"]] = wanted.get(p["sku"], 0) + number(p["qty"])
    return hand_over(shop, wanted)


# --- giving back


def step_deallocate(shop, step, i):
    """So many units, from the orders in turn; no more than they hold."""
    node = step.get("node")
    qty = step.get("qty")
    left = None if qty is None else number(qty)
    for part in here(allocations(shop, orders_of(shop))):
        if node not in (None, part["node"]) or left == 0:
            continue
        some = number(part["qty"]) if left is None else min(left, number(part["qty"]))
        shop.db.value("SELECT oms.cancel_line(%s, %s, %s, request_id => 'step%d-%s')" % (
            part["order_id"], part["line_no"], some, i, part["id"]))
        left = left if left is None else left - some
    return "ok"


def step_cancel(shop, step, i):
    line = step.get("line")
    orders = orders_of(shop)
    if len(orders) != 1 or line is None:
        raise NotCovered("cancelling a part the case does not name")
    qty = step.get("qty")
    try:
        shop.db.value("SELECT oms.cancel_line(%s, %s, %s, request_id => 'step%d')" % (orders[0], line, qty, i))
    except Refused as refused:
        return refused_as(refused) or result_of(refused)
    return "ok"


def step_cancel_order(shop, step, i):
    """Also what was handed over, as long as the courier has not got it."""
    orders = orders_of(shop)
    if not orders and shop.gathered:
        return before_step["cancel_order"](shop, step, i)
    if not orders:
        raise NotCovered("cancelling an order the case does not make")
    for order_id in [shop.last] if shop.last in orders or shop.last is not None else orders:
        for row in shop.db.rows("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s"
                                " AND shipped_at IS NOT NULL AND state = 'PICKED_UP'" % order_id):
            shop.db.value("SELECT oms.cancel_shipment(%s)" % row["shipment_id"])
        shop.db.value("SELECT oms.cancel_order(%s)" % order_id)
    return "ok"


def step_cancel_remaining(shop, step, i):
    for order_id in orders_of(shop):
        shop.db.value("SELECT oms.cancel_order(%s, rest => true)" % order_id)
    return "ok"


def step_unallocated(shop, step, i):
    """An order that has to wait from the first moment on."""
    sku = step.get("sku") or shop.only_sku()
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    for code in shop.node_codes:
        shop.policy(code, sku, sellable=False)
    answer = shop.capture([(sku, step.get("qty"))])
    for code in shop.node_codes:
        shop.policy(code, sku, sellable=True)
    if answer["pieces"]:
        raise AssertionError("it was allocated")
    shop.last = answer["order_id"]
    return "ok"


def step_lock_row(shop, step, i):
    """One session after the other: who waits for the row comes next."""
    step.get("session")
    return "ok"


def step_increase(shop, step, i):
    allocate = step.get("allocate")
    if step.get("force"):
        raise NotCovered("a count below zero")
    for field in ("session", "stale"):
        step.get(field)
    node = step.get("node") or (shop.node_codes[0] if len(shop.node_codes) == 1 else None)
    if node is None:
        raise NotCovered("a step that names no node")
    sku = step.get("sku") or shop.only_sku()
    now = shop.levels("on_hand").get("%s/%s" % (node, sku), 0)
    shop.adjust(node, sku, number(now) + number(step.get("qty")))
    if allocate:
        shop.last = shop.capture([(sku, step.get("qty"))])["order_id"]
    return "ok"


def step_partial_ship(shop, step, i):
    """Two units, one of which goes."""
    wanted = shop.case.get("expected") or {}
    sku = next(iter(wanted.get("missing") or shop.case.get("demand") or {"ITEM": 1}))
    if sku not in shop.skus:
        shop.db.make("sku", sku_id=9948, company_id=9900, code=sku, name=sku, hsn="6109")
        shop.skus[sku] = 9948
    stocked(shop, [(sku, 2)])
    shop.last = shop.capture([(sku, 2)])["order_id"]
    return hand_over(shop, {sku: 1})


def step_delete_hold(shop, step, i):
    """What must never be: what still waits to go has lost its reservation."""
    shop.missing = {p["sku"]: number(p["qty"]) for p in here(allocations(shop, [shop.last]))}
    shop.db.tell("DELETE FROM oms.reservation WHERE company_id = 9900 AND state = 'open';"
                 "UPDATE oms.stock SET reserved = 0 WHERE company_id = 9900;")
    shop.damaged = True
    return "ok"


def kind_after_steps(shop):
    """As cases of steps, with what only these kinds ask."""
    if shop.case["kind"] == "cancel" and any("pinned_node" in line for line in shop.case.get("lines") or []):
        place_pinned(shop)
    if shop.case["kind"] == "validation" and not shop.case.get("steps"):
        # no call takes what is reserved as given: it follows from holds
        shop.options.get("reserved_on_create")
        return {"reserved": shop.levels("reserved"), "on_hand": shop.levels("on_hand"), "result": "ok"}
    got = kind_steps(shop)
    if getattr(shop, "missing", None):
        got["missing"] = shop.missing
    got["rows"] = shop.db.value("SELECT count(*) FROM oms.stock WHERE company_id = 9900")
    return got


def kind_buyers(shop):
    return kind_concurrency(shop) if shop.options.get("sessions") else kind_after_steps(shop)


def place_pinned(shop):
    """Lines that name their nodes: captured, then each brought there."""
    lines = []
    pins = []
    for line in shop.case["lines"]:
        line = Read(line)
        line.get("line")
        lines.append((line.get("sku"), line.get("qty")))
        pins.append(line.get("pinned_node"))
        if line.unread():
            raise NotCovered("line field " + ", ".join(line.unread()))
    order_id = shop.capture(lines)["order_id"]
    for part in allocations(shop, [order_id]):
        pin = pins[part["line_no"] - 1]
        if pin not in (None, part["node"]):
            shop.db.value("SELECT oms.reroute_allocation(%s, %s)" % (part["id"], quote(pin)))
    shop.held_orders.append((order_id, None, None, None))


# --- amending lines


def amend_together(shop, steps):
    """New quantities of lines, all in one call."""
    orders = orders_of(shop)
    if len(orders) != 1:
        raise NotCovered("amending an order the case does not make")
    numbers = {s.get("line") or 1 for s in steps}
    have = {}
    for p in allocations(shop, orders):
        have[p["line_no"]] = have.get(p["line_no"], 0) + number(p["qty"])
    if not numbers <= set(have):
        have = split_lines(shop, max(numbers))
        orders = orders_of(shop)
    for step in steps:
        line, qty = step.get("line") or 1, number(step.get("qty"))
        op = step.get("op")
        have[line] = qty if op == "set_line" else have[line] - qty if op == "decrease_line" else have[line] + qty
    try:
        shop.db.value("SELECT oms.amend_lines(%s, %s::jsonb, 'amend%d')" % (orders[0], quote(json.dumps(
            [{"line_no": n, "qty": float(have[n])} for n in sorted(numbers)])), len(shop.db_requests)))
    except Refused as refused:
        return refused_as(refused) or result_of(refused)
    finally:
        shop.db_requests.append(1)
    return "ok"


def split_lines(shop, count):
    """The order that holds what is allocated, anew with so many lines."""
    order_id, node, sku, qty = shop.held_orders.pop()
    shop.db.value("SELECT oms.cancel_order(%s)" % order_id)
    parts = [qty - (count - 1)] + [1] * (count - 1)
    answer = shop.capture([(sku, p) for p in parts], node=node, at=EARLIER)
    shop.held_orders.append((answer["order_id"], node, sku, qty))
    return {i + 1: number(p) for i, p in enumerate(parts)}


def step_amend(shop, step, i):
    return amend_together(shop, [step])


# --- rerouting


def before_net(shop):
    """Counts that are told net of what is promised: what stands there is what
    is told and what is promised."""
    shop.net = {}
    for node in shop.nodes:
        for sku, qty in (dict.get(node, "stock") or {}).items():
            shop.net[node["code"], sku] = number(qty)
            node["stock"] = dict(node["stock"], **{sku: max(qty, 0)})


def moves(shop):
    steps = [Read(s) for s in shop.case.get("steps") or []]
    if any(s.get("op") != "move" for s in steps) or not steps:
        raise NotCovered("these steps of rerouting")
    return steps


def net_levels(shop):
    reserved = shop.levels("reserved")
    return {key: number(v) - number(reserved[key]) for key, v in shop.levels("on_hand").items()}


def lacking(shop, node, sku):
    row = shop.db.rows("SELECT on_hand, reserved FROM oms.available(%s, %s)" % (quote(sku), quote(node)))
    return max(number(row[0]["reserved"]) - number(row[0]["on_hand"]), number(0)) if row else number(0)


def kind_reroute(shop):
    steps = moves(shop)
    shipment = shop.options.get("shipment") or {}
    state = shop.options.get("shipment_state")
    if state not in (None, "shipped", "ready", "pending"):
        raise NotCovered("shipment_state " + str(state))
    if not shop.nodes:
        shop.make_node(9947, Read({"code": "L1"}))
        shop.make_node(9948, Read({"code": "L2"}))
        shop.net = {("L1", "ITEM"): number(0), ("L2", "ITEM"): number(9)}
        if not shop.skus:
            shop.db.make("sku", sku_id=9948, company_id=9900, code="ITEM", name="ITEM", hsn="6109")
            shop.skus["ITEM"] = 9948
    sku = shop.only_sku()
    start = steps[0].get("from") or shop.node_codes[0]
    asked = sum(max(number(s.get("qty")), 0) for s in steps)
    total = number(shipment.get("on_hand", 0) + shipment.get("backordered", 0)) or asked + 1
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    for node in shop.nodes:
        if node.get("backorderable"):
            shop.policy(node["code"], sku, backorder_limit=PLENTY)
    for (node, item), net in shop.net.items():
        stands = net + total if node == start else max(net, 0)
        shop.adjust(node, item, max(stands, 0))
        if node == start and total > stands:
            shop.policy(node, item, backorder_limit=total - stands)
        if node != start and net < 0:
            shop.capture([(item, -net)], node=node, at=EARLIER)
    order_id = shop.capture([(sku, total)], node=start)["order_id"]
    if state == "shipped":
        parcel = shop.db.value("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s" % order_id)
        shop.db.value("SELECT oms.dispatch_shipment(%s)" % parcel)
    before = net_levels(shop)
    got = {"result": "ok"}
    target = number(0)
    for step in steps:
        to = step.get("to") or shop.node_codes[-1]
        step.get("from")
        part = [p for p in allocations(shop, [order_id]) if p["node"] == start][0]
        was = lacking(shop, to, sku)
        try:
            shop.db.value("SELECT oms.reroute_allocation(%s, %s, qty => %s)" % (part["id"], quote(to), step.get("qty")))
        except Refused as refused:
            got["reason"] = refused_as(refused)
            got["result"] = "error" if got["reason"] else result_of(refused)
            break
        target = lacking(shop, to, sku) - was
        got["target"] = {"on_hand": number(step.get("qty")) - target, "backordered": target}
        left = sum(number(p["qty"]) for p in allocations(shop, [order_id]) if p["node"] == start)
        beyond = min(lacking(shop, start, sku), left)
        got["source_left"] = {"on_hand": left - beyond, "backordered": beyond}
    after = net_levels(shop)
    got["on_hand"] = after
    got["on_hand_delta"] = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    return got


# --- waiting


def kind_backorder(shop):
    options = shop.options
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    options.get("require_inventory")
    sizes = options.get("backorders_fifo") or []
    sku = shop.only_sku()
    steps = [Read(s) for s in shop.case.get("steps") or []]
    node = shop.node_codes[0]
    others = number(0)
    for n in shop.nodes:
        for item, atp in (n.get("atp") or {}).items():
            waits = number((dict.get(n, "stock") or {}).get(item, 0)) - number(atp)
            if waits > 0:
                shop.capture([(item, waits)], at=EARLIER)
                others += waits
    orders = []
    if sizes:
        shop.adjust(node, sku, 0)
        for i, size in enumerate(sizes):
            orders.append(shop.capture([(sku, size)], at="now() - interval '%d hours'" % (9 - i))["order_id"])
        shop.adjust(node, sku, max(shop.net[node, sku] + sum(sizes), 0))
    waiting = number(0)
    for item, qty in shop.demand():
        answer = shop.capture([(item, qty)])
        waiting += answer["unfilled"].get(item, 0)
    got = {"result": "ok", "quantity_not_available": waiting}
    for step in steps:
        if step.get("op") not in ("receive", "adjust"):
            raise NotCovered("step " + str(step.get("op")))
        step.get("force")
        now = number(shop.levels("on_hand")["%s/%s" % (node, sku)])
        try:
            shop.adjust(node, sku, now + number(step.get("qty")))
        except Refused as refused:
            if refused.state != "OM001":
                raise
            got["result"] = "error"
        shop.db.value("SELECT oms.retry_backorders(1000)")
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    parts = allocations(shop, orders)
    got["filled"] = [sum(number(p["qty"]) for p in here(parts) if p["order_id"] == o) for o in orders]
    short = shop.db.value("SELECT coalesce(sum(qty), 0) FROM oms.allocation WHERE company_id = 9900 AND status = 'backordered'")
    got["on_hand"] = {key: v - number(short) for key, v in net_levels(shop).items()}
    got["atp"] = {sku: sum(got["on_hand"].values())}
    return got


# --- release


def released(shop, orders):
    out = {}
    for p in allocations(shop, [o for _, o in orders]):
        if p["status"] == "released":
            name = [n for n, o in orders if o == p["order_id"]][0]
            mine = out.setdefault(name, {})
            mine[p["sku"]] = mine.get(p["sku"], 0) + number(p["qty"])
    return out


def before_release(shop):
    for demand in dict.get(shop.options, "demands") or []:
        for sku in demand:
            if sku != "order":
                shop.case.setdefault("demand", {}).setdefault(sku, 0)


def kind_release(shop):
    """To the nodes goes what is reserved: what is there, or all or nothing."""
    policy = shop.options.get("policy", "direct")
    if policy not in ("direct", "one"):
        raise NotCovered("policy " + str(policy))
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true, allow_split = %s WHERE company_id = 9900;" % (
        "false" if policy == "one" else "true"))
    orders = []
    demands = shop.options.get("demands")
    for demand in demands or [dict(shop.demand(), order="order")]:
        lines = [(s, q) for s, q in demand.items() if s != "order" and q]
        orders.append((demand["order"], shop.capture(lines)["order_id"]))
    total = number(0)
    steps = [Read(s) for s in shop.case.get("steps") or [{"op": "release"}]]
    for i, step in enumerate(steps):
        op = step.get("op")
        if op == "restock":
            for sku in [step.get("sku")] if step.get("sku") else list(shop.skus):
                shop.adjust(step.get("node") or shop.node_codes[0], sku, step.get("on_hand"))
            shop.db.value("SELECT oms.retry_backorders(1000)")
            continue
        if op != "release":
            raise NotCovered("step " + str(op))
        before = sum(sum(v.values()) for v in released(shop, orders).values())
        for _, order_id in orders:
            shop.db.value("SELECT oms.release_order(%s)" % order_id)
        after = sum(sum(v.values()) for v in released(shop, orders).values())
        waits = sum(number(p["qty"]) for p in allocations(shop, [o for _, o in orders]) if p["status"] == "backordered")
        for field, value in (("released", after - before), ("backorder", waits)):
            if step.get(field) is not None and number(step[field]) != number(value):
                raise AssertionError("step %d: %s is %s, not %s" % (i + 1, field, value, step[field]))
        total = after
    for step in steps:
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    return {"released": released(shop, orders), "released_total": total, "result": "ok"}


# --- short picks


def kind_short_ship(shop):
    """What is not found is cancelled; amounts are of what is left."""
    lines = [Read(line) for line in shop.case.get("lines") or []]
    more = shop.options.get("line_adjustment", 0)
    if not lines:
        raise NotCovered("a short pick of no line")
    document = {"channel": "WEB", "external_id": "SHORT", "payment": {"mode": "PREPAID"},
                "ship_to": {"pincode": "999001", "address1": "1, Street", "city": "Town"}, "lines": []}
    for line in lines:
        line.get("line")
        sku, qty = line.get("sku"), line.get("qty")
        total = number(line.get("price")) * number(qty) + number(more)
        price = number(math.ceil(total * 100 / number(qty))) / 100
        document["lines"].append({"sku": sku, "qty": qty, "unit_price": float(price),
                                  "discount": float(price * number(qty) - total)})
        if line.unread():
            raise NotCovered("line field " + ", ".join(line.unread()))
    if not shop.nodes:
        stocked(shop, [(line["sku"], line["qty"]) for line in lines])
    shop.db.make("shortfall_policy", company_id=9900, action="cancel")
    order_id = shop.db.value("SELECT oms.capture_order(%s::jsonb)" % quote(json.dumps(document)))["order_id"]
    worth = lambda: sum(number(p["net_amount"]) for p in allocations(shop, [order_id]))
    start = worth()
    got = {"result": "ok", "unit_state": "on_hand"}
    for i, step in enumerate(Read(s) for s in shop.case.get("steps") or []):
        if step.get("op") != "short_ship":
            raise NotCovered("step " + str(step.get("op")))
        before = worth()
        part = [p for p in allocations(shop, [order_id]) if p["line_no"] == step.get("line", 1)]
        if not part:
            raise NotCovered("a short pick of nothing")
        rest = number(part[0]["qty"]) - number(step.get("qty"))
        answer = shop.db.value("SELECT oms.short_ship(%s, %s)" % (part[0]["id"], rest))
        got["unit_state"] = "canceled" if number(answer["cancelled"]) == number(step["qty"]) else "on_hand"
        amount = step.get("amount")
        if amount is not None and number(amount) != worth() - before:
            raise AssertionError("step %d: amount is %s, not %s" % (i + 1, worth() - before, amount))
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    got["order_total_delta"] = worth() - start
    got["line_total"] = worth()
    return got


# --- parcels cancelled


def kind_cancel_fulfilment(shop):
    steps = [Read(s) for s in shop.case.get("steps") or []]
    if not shop.nodes:
        need = max([number(s.get("qty")) for s in steps if s.get("qty")] or [1])
        shop.db.make("sku", sku_id=9948, company_id=9900, code="ITEM", name="ITEM", hsn="6109")
        shop.skus["ITEM"] = 9948
        stocked(shop, [("ITEM", int(need))])
    sku = shop.only_sku()
    shop.last = shop.held_orders[-1][0] if shop.held_orders else None
    got = {"result": "ok"}
    for i, step in enumerate(steps):
        op = step.get("op")
        if op in ("place_order", "reserve"):
            shop.last = shop.capture([(step.get("sku") or sku, step.get("qty"))])["order_id"]
        elif op in ("fulfil", "ship"):
            got["result"] = hand_over(shop, {step.get("sku") or sku: step.get("qty")}, step.get("node"))
        elif op in ("cancel_fulfilment", "cancel_shipment"):
            parcels = shop.db.rows("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s"
                                   " AND shipped_at IS NOT NULL ORDER BY 1" % shop.last)
            for p in parcels:
                shop.db.value("SELECT oms.cancel_shipment(%s)" % p["shipment_id"])
        else:
            raise NotCovered("step " + str(op))
        after = step.get("available_after")
        if after is not None:
            free = sum(number(v) for v in shop.levels("available").values())
            if op != "cancel_fulfilment" and free != number(after):
                raise AssertionError("step %d: %s available, not %s" % (i + 1, free, after))
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    got["available"] = shop.levels("available")
    got["on_hand"] = shop.levels("on_hand")
    got["reserved"] = shop.levels("reserved")
    if not isinstance((shop.case.get("expected") or {}).get("reserved"), dict):
        got["reserved"] = sum(number(v) for v in got["reserved"].values())
    got["invariant"] = holds(shop, {})
    return got


# --- words that must hold


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Eq: operator.eq, ast.LtE: operator.le,
             ast.GtE: operator.ge, ast.Lt: operator.lt, ast.Gt: operator.gt}


def evaluate(node, names):
    if isinstance(node, ast.Expression):
        return evaluate(node.body, names)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return OPERATORS[type(node.ops[0])](evaluate(node.left, names), evaluate(node.comparators[0], names))
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](evaluate(node.left, names), evaluate(node.right, names))
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Constant):
        return number(node.value)
    raise NotCovered("an invariant of another form")


def holds(shop, names):
    """The wanted invariant if it is true, else what it comes to."""
    wanted = None
    for answer in (shop.case.get("expected"), shop.case.get("recommended")):
        if isinstance(answer, dict) and answer.get("invariant"):
            wanted = answer["invariant"]
    if wanted is None:
        return None
    names = dict(names)
    names["on_hand"] = names["qoh"] = sum(number(v) for v in shop.levels("on_hand").values())
    names["reserved"] = names["allocated"] = names["open_holds"] = sum(
        number(r["qty"]) for r in shop.db.rows("SELECT qty FROM oms.reservation WHERE company_id = 9900 AND state <> 'closed'"))
    names["atp"] = names["available"] = sum(number(v) for v in shop.levels("available").values())
    for clause in wanted.split(";"):
        text = clause.strip().lower().replace("sum(reserved not issued)", "open_holds")
        text = re.sub(r"(?<![<>=])=(?!=)", "==", text)
        try:
            true = evaluate(ast.parse(text, mode="eval"), names)
        except (SyntaxError, KeyError):
            raise NotCovered("invariant " + clause.strip())
        if not true:
            return "%s does not hold: %s" % (clause.strip(), {k: str(v) for k, v in names.items()})
    return wanted


# --- returns


def deliver(shop, order_id):
    """The couriers report the parcels that went as delivered."""
    for p in shop.db.rows("SELECT awb FROM oms.shipment WHERE company_id = 9900 AND order_id = %s"
                          " AND shipped_at IS NOT NULL AND awb IS NOT NULL" % order_id):
        scan = shop.db.value("SELECT oms.record_scan(jsonb_build_object('courier', 'CASEC', 'awb', %s,"
                             " 'code', '8', 'scanned_at', now()))" % quote(p["awb"]))
        if scan.get("state") != "DELIVERED":
            raise NotCovered("delivery")


def bring_back(shop, order_id, wanted, ref):
    """So much of each item comes back, at most what is at the buyer's."""
    lines = []
    for sku, qty in wanted.items():
        left = number(qty)
        for p in allocations(shop, [order_id]):
            if p["sku"] == sku and p["status"] == "delivered" and left > 0:
                part = min(left, number(p["qty"]))
                lines.append({"line_no": p["line_no"], "qty": float(part)})
                left -= part
    if not lines:
        return None, number(0)
    made = shop.db.value("SELECT oms.create_return(%s::jsonb)" % quote(json.dumps(
        {"return_ref": ref, "reason": "SIZE", "order_id": order_id, "lines": lines})))
    shop.db.value("SELECT oms.receive_return(%s)" % made["return_id"])
    return made["node"], sum(number(line["qty"]) for line in lines)


def kind_return(shop):
    if shop.case.get("lines"):
        raise NotCovered("several responses in one return")
    steps = [Read(s) for s in shop.case.get("steps") or []]
    shop.last = shop.held_orders[-1][0] if shop.held_orders else None
    counts = {"shipped": number(0), "restocked": number(0)}
    got = {"result": "ok"}
    for i, step in enumerate(steps):
        op = step.get("op")
        lines = step.get("lines") or {}
        if op == "place_order":
            shop.last = shop.capture(list(lines.items()))["order_id"]
        elif op == "invoice":
            step.get("qty")         # no stock moves by it
        elif op == "ship":
            node = step.get("node")
            if shop.last is None:
                for sku, qty in lines.items():
                    shop.adjust(node, sku, qty)
                shop.last = shop.capture(list(lines.items()), node=node)["order_id"]
            wanted = lines or {line_item(shop, None): step.get("qty")}
            got["result"] = hand_over(shop, wanted, node)
            counts["shipped"] += sum(number(q) for q in wanted.values())
        elif op == "cancel_remaining":
            step_cancel_remaining(shop, step, i)
        elif op in ("return", "credit_memo"):
            deliver(shop, shop.last)
            wanted = lines or {line_item(shop, None): step.get("back_to_stock") or step.get("qty")}
            step.get("back_to_stock")
            node, back = bring_back(shop, shop.last, wanted, "R%d" % i)
            got["return_node"] = node
            counts["restocked"] += back
        else:
            raise NotCovered("step " + str(op))
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    got["on_hand"] = shop.levels("on_hand")
    got["reserved"] = shop.levels("reserved")
    got["reported_on_hand"] = sum(number(v) for v in got["on_hand"].values())
    got["invariant"] = holds(shop, counts)
    return got


# --- states of a hold


def kind_state_machine(shop):
    """A hold with a name is an order: reserved, released to the nodes
    (allocated), or cancelled (its hold released)."""
    sku = shop.only_sku()
    shop.db.tell("UPDATE oms.channel SET allow_backorder = false WHERE company_id = 9900;")
    orders = {}
    result = None

    def levels(status):
        out = {}
        for node in shop.node_codes:
            out["%s/%s" % (node, sku)] = shop.db.value(
                "SELECT coalesce(sum(a.qty), 0) FROM oms.allocation a JOIN oms.node n USING (node_id)"
                " WHERE a.company_id = 9900 AND n.code = %s AND a.status %s" % (quote(node), status))
        return out

    for i, step in enumerate(Read(s) for s in shop.case.get("steps") or []):
        op, name = step.get("op"), step.get("id")
        result = "ok"
        try:
            if op == "reserve":
                orders[name] = shop.capture([(sku, step.get("qty"))])["order_id"]
            elif op == "release":
                before = shop.levels("reserved")
                shop.db.value("SELECT oms.cancel_order(%s)" % orders[name])
                result = "noop" if shop.levels("reserved") == before else "ok"
            elif op == "allocate":
                shop.db.value("SELECT oms.release_order(%s)" % orders[name])
            else:
                raise NotCovered("step " + str(op))
        except Refused as refused:
            result = "conflict" if refused.state == "OM004" else result_of(refused)
        want = step.get("result")
        if want is not None and result not in want.split("_or_"):
            raise AssertionError("step %d: %s" % (i + 1, result))
        for field, now in (("available", shop.levels("available")), ("reserved", levels("= 'reserved'"))):
            for key, value in (step.get(field) or {}).items():
                if number(now.get(key, 0)) != number(value):
                    raise AssertionError("after step %d %s of %s is %s, not %s" % (i + 1, field, key, now.get(key), value))
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    return {"result": result, "on_hand": shop.levels("on_hand"), "available": shop.levels("available"),
            "reserved": levels("= 'reserved'"), "allocated": levels("IN ('released', 'picked', 'packed')")}


def kind_idempotency(shop):
    """Authorised, the order is taken; settled, it is paid.  The source lets
    orders go beyond the count: so does the first node here."""
    lines = shop.demand()
    have = {sku: sum(number((dict.get(n, "stock") or {}).get(sku, 0)) for n in shop.nodes) for sku, _ in lines}
    for sku, qty in lines:
        if number(qty) > have[sku]:
            shop.policy(shop.node_codes[0], sku, backorder_limit=PLENTY)
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    total = sum(number(qty) for _, qty in lines) * 100
    document = quote(json.dumps({
        "channel": shop.channels[0], "external_id": "PAID", "payment": {"mode": "PREPAID", "paid_amount": 0},
        "ship_to": {"pincode": "999001", "address1": "1, Street", "city": "Town"},
        "lines": [{"sku": s, "qty": q, "unit_price": 100} for s, q in lines]})) + "::jsonb"
    order_id = None
    for step in (Read(s) for s in shop.case.get("steps") or []):
        op = step.get("op")
        if op not in ("payment_authorised", "payment_settled"):
            raise NotCovered("step " + str(op))
        # each message of the payment service brings the order along
        order_id = shop.db.value("SELECT oms.capture_order(%s)" % document)["order_id"]
        if op == "payment_settled":
            shop.db.value("SELECT oms.pay_order(%s, %s)" % (order_id, total))
    return {"result": "ok", "on_hand": shop.levels("on_hand"), "allocated": shop.levels("reserved")}


before_step = dict(STEP)
STEP.update({
    "ship": step_ship, "fulfil": step_ship, "fulfil_all": step_fulfil_all, "deallocate": step_deallocate,
    "cancel": step_cancel, "cancel_order": step_cancel_order, "cancel_remaining": step_cancel_remaining,
    "cart_to_payment_without_allocation": step_unallocated, "lock_row": step_lock_row, "increase": step_increase,
    "adjust": step_increase, "partial_ship": step_partial_ship, "delete_ledger_row": step_delete_hold,
    "increase_line": step_amend, "decrease_line": step_amend, "set_line": step_amend,
})
TOGETHER.update({"ship": ship_together, "fulfil": ship_together, "increase_line": amend_together,
                 "decrease_line": amend_together, "set_line": amend_together})
KIND.update({
    "amend_line": kind_after_steps, "reroute": kind_reroute, "backorder": kind_backorder, "release": kind_release,
    "short_ship": kind_short_ship, "cancel_fulfilment": kind_cancel_fulfilment, "return": kind_return,
    "state_machine": kind_state_machine, "idempotency": kind_idempotency, "cancel": kind_after_steps,
    "reconcile": kind_after_steps, "concurrency": kind_buyers, "validation": kind_after_steps,
})
BEFORE.update({"reroute": before_net, "backorder": before_net, "release": before_release})
