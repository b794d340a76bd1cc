"""The kinds of cases: what each makes a shop do, and what came of it."""

import json
import re
from decimal import ROUND_HALF_UP, Decimal

import cases_rules
import cases_supply
from cases_shop import NOW, NotCovered, Read, Refused, Within, number, plain, quote, result_of


# --- kinds: each returns what pg_oms answers, by the names of expectations


def kind_atp(shop):
    skus = [sku for sku, _ in shop.demand()]
    cart = shop.own_cart()
    ledger = shop.options.get("reservation_ledger")
    if ledger:
        owed = {}
        for i, entry in enumerate(ledger):
            if entry["qty"] < 0:
                shop.cart("ledger", [(entry["sku"], -entry["qty"])])
                owed[entry["sku"]] = -number(entry["qty"])
            else:
                owed[entry["sku"]] -= number(entry["qty"])
                shop.cart("ledger", [(entry["sku"], owed[entry["sku"]])])
    shop.options.get("atp")
    shop.options.get("scope")
    got = {}
    if shop.options.get("queues") is not None:
        got["virtual_queue_demand"] = cases_supply.queued(shop)
    cases_supply.channel_levels(shop, got)
    if skus:
        got["atp"] = shop.atp(skus, cart)
        got["salable"] = {sku: qty > 0 for sku, qty in got["atp"].items()}
        if shop.options.get("clamp") is False:
            # what a count lacks of what is reserved
            free, held = shop.levels("on_hand"), shop.levels("reserved")
            got["atp"] = {sku: sum(number(free[k]) - number(held[k]) for k in free if k.endswith("/" + sku)) for sku in skus}
        got["qoh"] = {sku: sum(v for k, v in shop.levels("on_hand").items() if k.endswith("/" + sku)) for sku in skus}
    return got


def kind_check(shop):
    shop.options.get("scope")
    cart = shop.own_cart()
    lines = shop.demand()
    try:
        answer = shop.promise(lines, cart=cart)
    except Refused as refused:
        if refused.state != "OM001" or ".qty" not in refused.detail:
            raise
        return {"salable": False, "result": "invalid"}
    got = {"salable": answer["complete"], "result": "ok" if answer["complete"] else "insufficient"}
    if len(lines) == 1:
        got["available"] = answer["available"][0]["available"]
    return got


def kind_capture(shop):
    options = shop.options
    options.get("scope")
    backorderable = options.get("backorderable")
    options.get("require_inventory")
    node = options.get("pinned_node")
    if node:
        for n in shop.nodes:
            n.get("collection_point")
    lines = shop.demand()
    asked = {}
    for sku, qty in lines:
        asked[sku] = asked.get(sku, 0) + number(qty)
    promised = shop.promise(lines, node=node)
    free = shop.levels("available")
    got = {"result": "ok", "allocations": [], "backordered": {}, "unallocated": {}}
    pieces = []
    order_id = None
    try:
        answer = shop.capture(lines, node=node)
    except Refused as refused:
        got["result"] = result_of(refused)
        got["short_skus"] = re.findall(r"(?:^|; )(\S+): asked", refused.detail)
        got["short"] = {}
        for sku in got["short_skus"]:
            have = [a["available"] for a in promised["available"] if a["sku"] == sku][0]
            if asked[sku] > have:
                got["short"][sku] = asked[sku] - number(have)
        got["fully_allocated"] = False
    else:
        order_id = answer["order_id"]
        merged = {}
        for p in answer["pieces"]:
            merged[p["node"], p["sku"]] = merged.get((p["node"], p["sku"]), 0) + number(p["qty"])
        pieces = [{"node": n, "sku": s, "qty": q} for (n, s), q in merged.items()]
        plan = {}
        for p in promised["plan"]:
            if p.get("node"):
                plan[p["node"], p["sku"]] = plan.get((p["node"], p["sku"]), 0) + number(p["qty"])
        if plan != merged:
            raise AssertionError("promised %s, captured %s" % (plan, merged))
        got["unallocated"] = got["backordered"] = answer["unfilled"]
        got["fully_allocated"] = not answer["unfilled"]
        if answer["unfilled"] and not any((dict.get(options, "backorders") or {}).values()) \
                and options.get("partial") is None:
            got["result"] = "insufficient"
    got["allocations"] = pieces
    got["shipments"] = len({p["node"] for p in pieces})
    got["nodes_used"] = sorted({p["node"] for p in pieces})
    got["total"] = got["on_hand_total"] = sum(p["qty"] for p in pieces)
    got["backordered_total"] = sum(got["backordered"].values())
    if dict.get(options, "backorders") and got["result"] == "ok":
        # of what was promised, the part beyond the count
        got["backordered"] = sum(max(p["qty"] - number(free["%s/%s" % (p["node"], p["sku"])] or 0), 0)
                                 for p in pieces)
    got["on_hand"] = shop.levels("on_hand")
    got["allocated"] = shop.levels("reserved")
    got["atp"] = shop.atp(list(asked))
    cases_rules.after_order(shop, got, order_id)
    return got


def kind_kit(shop):
    lines = shop.demand()
    parts = {}
    for sku, qty in lines:
        for part, each in (shop.kits.get(sku) or {sku: 1}).items():
            parts[part] = parts.get(part, 0) + number(qty) * number(each)
    have = shop.atp(list(parts))
    got = {"atp": shop.atp([sku for sku, _ in lines])}
    shop.db.tell("UPDATE oms.channel SET allow_backorder = false WHERE company_id = 9900;")
    try:
        shop.capture(lines)
        got["result"] = "ok"
    except Refused as refused:
        got["result"] = result_of(refused)
        got["short"] = {p: q - number(have[p]) for p, q in parts.items() if q > have[p]}
    return got


def kind_cart(shop):
    lines = shop.demand()
    shop.options.get("exclude_own_hold")
    if shop.case.get("steps"):
        return kind_extend(shop)
    got = {"result": "ok"}
    try:
        answer = shop.cart("self", lines)
    except Refused as refused:
        got["result"] = result_of(refused)
        got["holds"] = []
    else:
        got["holds"] = [{k: h[k] for k in ("node", "sku", "qty")} for h in answer["holds"]]
        got["expires_minutes"] = shop.db.value(
            "SELECT extract(epoch FROM %s::timestamptz - %s::timestamptz) / 60" % (
                quote(answer["expires_at"]), NOW))
        minutes = got["expires_minutes"]
        got["expires_within_minutes"] = Within(minutes)
        rows = shop.db.rows("SELECT k.code, sum(r.qty) AS qty, count(*) AS n FROM oms.reservation r"
                            " JOIN oms.sku k USING (sku_id) WHERE r.company_id = 9900 AND r.cart_id = 'self'"
                            " AND r.state = 'open' GROUP BY 1")
        got["holds_of_owner"] = sum(r["n"] for r in rows)
        got["held_total"] = {r["code"]: r["qty"] for r in rows}
    got["on_hand"] = shop.levels("on_hand")
    return got


def kind_extend(shop):
    """Two carts that soon expire, one of which is held again."""
    steps = shop.case["steps"]
    before = shop.options.get("expires_in_minutes_before")
    if before is None or shop.demand() or [set(s) - {"op", "owner"} for s in steps] != [set()] \
            or steps[0]["op"] != "extend":
        raise NotCovered("these steps of a cart")
    shop.db.make("sku", sku_id=9949, company_id=9900, code="ITEM", name="Item", hsn="6109")
    shop.make_node(9949, Read({"code": "NODE", "stock": {"ITEM": 2}}))
    then = "now() - interval '%s minutes'" % (shop.options.get("ttl_minutes") - before)
    for owner in ("self", "other"):
        shop.cart(owner, [("ITEM", 1)], at=then)
    shop.cart(steps[0]["owner"], [("ITEM", 1)])
    rows = shop.db.rows("SELECT cart_id, extract(epoch FROM expires_at - now()) / 60 AS minutes FROM oms.reservation"
                        " WHERE company_id = 9900 AND state = 'open'")
    return {"expires_minutes": {r["cart_id"]: r["minutes"] for r in rows}}


def kind_steps(shop):
    """Life-cycle cases: operations in order, each with what it may assert."""
    options = shop.options
    together = options.get("same_call")
    steps = [Read(s) for s in shop.case.get("steps") or []]
    if not steps:
        raise NotCovered("a case without steps")
    got = {"result": "ok"}
    shop.last = shop.held_orders[-1][0] if shop.held_orders else None
    before = None
    held_before = shop.levels("reserved")
    if together and {s.get("op") for s in steps} <= set(TOGETHER):
        # the steps of one kind are one call
        calls = {TOGETHER[s.get("op")] for s in steps}
        if len(calls) > 1:
            raise NotCovered("several operations in one call")
        got["result"] = calls.pop()(shop, steps)
    elif together:
        if any(s.get("op") != "reserve" for s in steps):
            raise NotCovered("several operations in one call")
        got["result"] = cases_supply.reserve_together(shop, steps)
    else:
        got["results"] = []
        for i, step in enumerate(steps):
            before = shop.atp(list(shop.skus)) if before is None and shop.skus else before
            result = STEP.get(step.get("op"), no_step)(shop, step, i)
            got["results"].append(result)
            if result != "ok":
                got["result"] = result
            for field in ("on_hand", "allocated", "reserved"):
                want = step.get(field)
                if isinstance(want, dict):
                    levels = shop.levels("on_hand" if field == "on_hand" else "reserved")
                    for key, value in want.items():
                        if number(levels.get(key, 0)) != number(value):
                            raise AssertionError("after step %d %s of %s is %s, not %s" % (
                                i + 1, field, key, plain(levels.get(key, 0)), value))
                elif want is not None:
                    raise NotCovered("step field " + field)
            if step.get("result") not in (None, result):
                raise AssertionError("step %d: %s" % (i + 1, result))
    for step in steps:
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
    if all(r == "ok" for r in got.get("results") or []):
        got["result"] = "ok" if got["result"] == "ok" else got["result"]
    place_gathered(shop)
    got["on_hand"] = shop.levels("on_hand")
    got["available"] = shop.levels("available")
    got["allocated"] = got["reserved"] = shop.levels("reserved")
    got["reserved_now"] = sum(number(v) - number(held_before.get(k, 0)) for k, v in got["reserved"].items())
    got["inconsistencies"] = len(shop.db.rows("SELECT * FROM oms.verify()"))
    if len(shop.skus) == 1 and len(shop.node_codes) == 1:
        got["rows"] = shop.db.value("SELECT count(*) FROM oms.stock WHERE company_id = 9900")
    if shop.skus:
        got["atp"] = shop.atp(list(shop.skus))
        got["atp_before"] = before
        got["total"] = {s: sum(v for k, v in got["on_hand"].items() if k.endswith("/" + s)) for s in shop.skus}
        got["reserved_total"] = {s: sum(v for k, v in got["reserved"].items() if k.endswith("/" + s))
                                 for s in shop.skus}
    return got


def no_step(shop, step, i):
    raise NotCovered("step " + str(step.get("op")))


def step_reserve(shop, step, i):
    sku = step.get("sku") or shop.only_sku()
    node = step.get("node")
    if node and node not in shop.node_codes:
        shop.make_node(9950 + i, Read({"code": node}))
    try:
        shop.cart("cart%d" % i, [(sku, step.get("qty"))], node=node)
    except Refused as refused:
        if node and not shop.db.rows("SELECT FROM oms.available(%s, %s)" % (quote(sku), quote(node))):
            return "not_stocked"
        return result_of(refused)
    return "ok"


def step_place(shop, step, i):
    lines = list((step.get("lines") or {}).items())
    if not lines and not shop.nodes:
        lines = shop.demand()
        stocked(shop, lines)
    if not lines:
        raise NotCovered("a step that names no item")
    how = {}
    if step.get("channel"):
        how["channel"] = step["channel"]
    shop.db.tell("UPDATE oms.channel SET allow_backorder = false WHERE company_id = 9900;")
    try:
        shop.last = shop.capture(lines, node=step.get("node"), **how)["order_id"]
    except Refused as refused:
        return result_of(refused)
    return "ok"


def step_set_on_hand(shop, step, i):
    """A count; what is refused as none is an error."""
    node = step.get("node") or (shop.node_codes[0] if len(shop.node_codes) == 1 else None)
    if node is None:
        raise NotCovered("a step that names no node")
    try:
        shop.adjust(node, step.get("sku") or shop.only_sku(), step.get("to"))
    except Refused as refused:
        if refused.state == "OM001":
            return "error"
        raise
    return "ok"


def step_increase(shop, step, i):
    if step.get("force"):
        raise NotCovered("a count that is forced")
    for field in ("session", "stale"):
        step.get(field)
    node = step.get("node") or (shop.node_codes[0] if len(shop.node_codes) == 1 else None)
    if node is None:
        raise NotCovered("a step that names no node")
    sku = step.get("sku") or shop.only_sku()
    now = shop.levels("on_hand").get("%s/%s" % (node, sku), 0)
    shop.adjust(node, sku, number(now) + number(step.get("qty")))
    if step.get("allocate"):
        # it is for an order that is there already
        shop.last = shop.capture([(sku, step.get("qty"))], node=node)["order_id"]
    return "ok"


def step_lock_row(shop, step, i):
    """Another session is at the row; real ones are test/specs."""
    step.get("session")
    return "ok"


def step_cancel_order(shop, step, i):
    place_gathered(shop)
    if shop.last is None:
        raise NotCovered("cancelling an order the case does not make")
    shop.db.value("SELECT oms.cancel_order(%s)" % shop.last)
    return "ok"


def step_allocate(shop, step, i):
    """Gathered: the lines are one order, placed by what follows."""
    step.get("line")
    shop.gathered.append((step.get("sku") or shop.only_sku(), step.get("qty")))
    return "ok"


def place_gathered(shop):
    if shop.gathered:
        shop.last = shop.capture(shop.gathered)["order_id"]
        shop.gathered = []


def step_set_reservation(shop, step, i):
    try:
        shop.cart("reserved", [(step.get("sku") or shop.only_sku(), step.get("qty"))], node=step.get("node"))
    except Refused as refused:
        return result_of(refused)
    return "ok"


def step_lose_reservation(shop, step, i):
    """What must never be: an order whose reservation is gone."""
    lines = shop.demand()
    if not lines or shop.nodes:
        raise NotCovered("this loss of a reservation")
    stocked(shop, lines)
    shop.capture(lines)
    shop.db.tell("DELETE FROM oms.reservation WHERE company_id = 9900;"
                 "UPDATE oms.stock SET reserved = 0 WHERE company_id = 9900;")
    shop.damaged = True
    return "ok"


def stocked(shop, lines):
    """A case that names no node has one that has enough."""
    shop.make_node(9949, Read({"code": "NODE", "stock": dict(lines)}))


def step_deallocate(shop, step, i):
    """Gives back what the orders of the case hold: whole orders only."""
    qty = step.get("qty")
    node = step.get("node")
    held = [h for h in shop.held_orders if node in (None, h[1])]
    if qty is not None and number(qty) < sum(h[3] for h in held):
        cases_supply.give_back_part(shop, held, qty)
        return "ok"
    for order_id, _, _, _ in held:
        shop.db.value("SELECT oms.cancel_order(%s)" % order_id)
    return "ok"


def step_ship(shop, step, i):
    """Hands over whole parcels of the last order, or of what is allocated."""
    lines = step.get("lines")
    qty = step.get("qty")
    node = step.get("node")
    step.get("line")
    orders = [h[0] for h in shop.held_orders if node in (None, h[1])] or [shop.last]
    parcels = []
    for order_id in orders:
        shop.db.value("SELECT oms.release_order(%s)" % order_id)
        parcels += shop.db.rows("SELECT a.shipment_id, n.code AS node, k.code AS sku, a.qty FROM oms.allocation a"
                                " JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)"
                                " WHERE a.company_id = 9900 AND a.order_id = %s" % order_id)
    total = {}
    for p in parcels:
        if node in (None, p["node"]):
            total[p["sku"]] = total.get(p["sku"], 0) + number(p["qty"])
    if lines is None:
        if len(total) != 1:
            raise NotCovered("a step that names no item")
        lines = {next(iter(total)): qty}
    if any(number(q) != total.get(s, 0) for s, q in lines.items()) or set(lines) != set(total):
        raise NotCovered("handing over a part of a parcel")
    for shipment in sorted({p["shipment_id"] for p in parcels if node in (None, p["node"])}):
        shop.db.value("SELECT oms.pack_shipment(%s)" % shipment)
        shop.db.value("SELECT oms.dispatch_shipment(%s, at => %s)" % (shipment, NOW))
    return "ok"


def step_cart(shop, step, i):
    """A basket, which holds nothing until somebody pays."""
    shop.baskets.setdefault(step.get("customer"), []).append((step.get("sku") or shop.only_sku(), step.get("qty")))
    return "ok"


def step_pay(shop, step, i):
    lines = shop.baskets.get(step.get("customer"))
    if not lines:
        raise NotCovered("paying for nothing")
    shop.db.tell("UPDATE oms.channel SET allow_backorder = false WHERE company_id = 9900;")
    try:
        shop.last = shop.capture(lines)["order_id"]
    except Refused as refused:
        return result_of(refused)
    return "ok"


STEP = {
    "reserve": step_reserve, "place_order": step_place, "place_pickup_order": step_place,
    "set_on_hand": step_set_on_hand, "increase": step_increase, "adjust": step_increase,
    "cancel_order": step_cancel_order, "deallocate": step_deallocate, "release_by_node": step_deallocate,
    "ship": step_ship, "fulfil": step_ship, "allocate": step_allocate, "set_reservation": step_set_reservation,
    "lock_row": step_lock_row, "cart": step_cart, "pay": step_pay, "begin_payment": step_pay,
    "insert_order_without_reservation": step_lose_reservation,
}


TOGETHER = {}


def kind_concurrency(shop):
    """Buyers one after the other; races proper are test/specs."""
    sessions = shop.options.get("sessions")
    if sessions is None:
        return kind_steps(shop)
    each = shop.options.get("each")
    shop.db.tell("UPDATE oms.channel SET allow_backorder = false WHERE company_id = 9900;")
    got = {"accepted": 0, "rejected": 0}
    for _ in range(sessions):
        try:
            shop.capture(list(each.items()))
            got["accepted"] += 1
        except Refused as refused:
            result_of(refused)
            got["rejected"] += 1
    got["on_hand_min"] = min(number(v) - number(shop.levels("reserved")[k])
                             for k, v in shop.levels("on_hand").items())
    return got


def kind_eligible(shop):
    value = shop.options.get("order_value", 1)
    kg = shop.options.get("weight_kg", 1)
    grams = int(kg * 1000)
    if grams > 2147483647:
        raise NotCovered("a parcel above 2,147 tonnes")
    services = dict.get(shop.options, "services")
    volume = int(shop.options.get("volume", 0) * cases_rules.VOLUME)
    rows = shop.db.rows("SELECT service, refused FROM oms.courier_quotes('999001', '999001', %d, %d, value => %s, at => %s)" % (
        grams, max(volume, 1), value, NOW))
    asked = [s["code"] for s in services]
    return {"eligible": sorted(r["service"] for r in rows if r["refused"] is None and r["service"] in asked)}


def kind_select(shop):
    """The courier of the parcel that really goes."""
    options = shop.options
    if dict.get(options, "ranked") is not None:
        return cases_rules.kind_ranked(shop)
    if dict.get(options, "ground_reach_mi") is not None:
        return cases_rules.kind_requested(shop)
    alternatives, preferred = options.get("alternatives"), options.get("preferred")
    if alternatives is None or (alternatives is False and not preferred):
        raise NotCovered("this choice of a courier")
    asked = None if alternatives else {"service": preferred}
    available = options.get("available")
    lines = shop.demand()
    if available is None or len(lines) != 1:
        raise NotCovered("this choice of a courier")
    shop.make_node(9900, Read({"code": "WH", "stock": {lines[0][0]: available}}))
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    answer = shop.capture(lines, asked=asked)
    row = shop.db.rows("SELECT s.code, p.dead_g AS weight_g FROM oms.shipment p JOIN oms.courier_service s USING (courier_service_id)"
                       " WHERE p.company_id = 9900 AND p.order_id = %s" % answer["order_id"])[0]
    return {"carrier": row["code"], "weight_kg": number(row["weight_g"]) / 1000}


def kind_refund(shop):
    """Sold, paid, delivered and brought back."""
    options = shop.options
    window, age = options.get("window_days", 30), options.get("age_days", 1)
    sale = [Read(line) for line in shop.case.get("lines") or [{"line": 1, "sku": "ITEM", "qty": 1, "price": 100}]]
    response = options.get("response")
    if len(sale) != 1 or response not in (None, "refund", "exchange"):
        raise NotCovered("this return")
    sku, qty, price = (sale[0].get(k) for k in ("sku", "qty", "price"))
    sale[0].get("line")
    if sale[0].unread():
        raise NotCovered("line field " + ", ".join(sale[0].unread()))
    if sku not in shop.skus:
        shop.db.make("sku", sku_id=9949, company_id=9900, code=sku, name=sku, hsn="6109")
    shop.db.tell("UPDATE oms.sku SET return_days = %d WHERE company_id = 9900;" % window)
    stocked(shop, [(sku, qty if response != "exchange" else 2 * qty)])
    total = qty * price + options.get("order_adjustment", 0)
    document = {
        "channel": "WEB", "external_id": "SALE", "payment": {"mode": "PREPAID", "paid_amount": total},
        "ship_to": {"pincode": "999001", "address1": "1, Street", "city": "Town"},
        "lines": [{"sku": sku, "qty": qty, "unit_price": price}],
    }
    if total < qty * price:
        document["charges"] = [{"kind": "CART_DISCOUNT", "amount": qty * price - total}]
    elif total > qty * price:
        raise NotCovered("a surcharge on the order")
    delivered = "now() - interval '%d days'" % age
    order = shop.db.value("SELECT oms.capture_order(%s::jsonb, %s - interval '2 days')" % (
        quote(json.dumps(document)), delivered))["order_id"]
    shop.db.value("SELECT oms.release_order(%s)" % order)
    parcel = shop.db.value("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s" % order)
    shop.db.value("SELECT oms.pack_shipment(%s)" % parcel)
    awb = shop.db.value("SELECT oms.dispatch_shipment(%s, at => %s - interval '1 day')" % (parcel, delivered))["awb"]
    scan = shop.db.value("SELECT oms.record_scan(jsonb_build_object('courier', 'CASEC', 'awb', %s,"
                         " 'code', '8', 'scanned_at', %s))" % (quote(awb), delivered))
    if scan.get("state") != "DELIVERED":
        raise NotCovered("delivery: " + json.dumps(plain(scan)))
    back = options.get("return_qty", qty)
    if response == "exchange":
        # for the same item: it pays for itself
        answer = shop.db.value("SELECT oms.exchange_line(%s, 1, %s, %s, 'E', %s)" % (order, quote(sku), back, price))
        got = shop.db.value("SELECT oms.receive_return(%s)" % answer["return_id"])
        return {"eligible": True, "refund": Paid(number(got["refund"]) + number(answer["refund"]))}
    try:
        answer = shop.db.value("SELECT oms.create_return(%s::jsonb, now())" % quote(json.dumps(
            {"return_ref": "R", "reason": "SIZE", "order_id": order, "lines": [{"line_no": 1, "qty": back}]})))
    except Refused as refused:
        if refused.state != "OM502":
            raise
        return {"eligible": False}
    got = shop.db.value("SELECT oms.receive_return(%s, %s::jsonb)" % (
        answer["return_id"], quote(json.dumps([{"line_no": 1, "qty": back}]))))
    return {"eligible": True, "refund": Paid(number(got["refund"]))}


class Paid(Within):
    """Money: equal to what rounds to it."""

    def __eq__(self, other):
        return Decimal(str(other)).quantize(Decimal("0.01"), ROUND_HALF_UP) == self.value


def near(shop, lat, lon, at=NOW):
    return shop.db.rows("SELECT node, distance_m, inside, refused, ready_at FROM oms.nodes_near(%s, %s, %s)" % (
        quote(lat), quote(lon), at))


def kind_distance(shop):
    to = dict.get(shop.options, "destination")
    radius = shop.options.get("radius_km")
    sort = shop.options.get("sort", "distance asc").split(",")[0].strip()
    pickup = shop.options.get("require") == "pickup"
    counters = {n["code"] for n in shop.nodes if n.get("pickup")}
    for n in shop.nodes:
        n.get("city")
    if sort not in ("distance asc", "distance desc"):
        raise NotCovered("sort " + sort)
    rows = [r for r in near(shop, to["lat"], to["lon"])
            if r["distance_m"] is not None and r["distance_m"] <= radius * 1000
            and (not pickup or r["node"] in counters)]
    rows.sort(key=lambda r: r["distance_m"], reverse=sort.endswith("desc"))
    return {"nodes_in_order": [r["node"] for r in rows]}


def kind_zone(shop):
    """A dark store with the zone as its area; who takes no part, or has no
    coordinates, is a place unknown."""
    options = shop.options
    ring = [tuple(p) for p in options.get("zone_polygon_lon_lat")]
    point = options.get("point_lon_lat")
    if options.get("restrict_to_zone") is not True:
        raise NotCovered("a zone that does not restrict")
    if options.get("geo_enabled") is not True:
        point = None
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    # a ring that crosses itself is refused: repaired, as its owner would
    wkt = "POLYGON((%s))" % ", ".join("%s %s" % p for p in ring)
    area = "ST_Multi(ST_CollectionExtract(ST_MakeValid(%s::geometry), 3))::geography" % quote(wkt)
    shop.db.make("node", node_id=9900, company_id=9900, code="ZONE", name="Zone", state_code="29", hyperlocal=True,
                 pincode="999001", kind="dark_store", place="=oms.geo_point(%s, %s)" % (ring[0][1], ring[0][0]))
    shop.db.value("SELECT oms.set_service_area('ZONE', %s)" % area)
    rows = near(shop, point[1] if point else None, point[0] if point else None)
    return {"assigned": bool(rows[0]["inside"]) and rows[0]["refused"] is None}


def kind_cutoff(shop):
    options = shop.options
    hours = options.get("cutoff_local_hours")
    day = options.get("process_day")
    cutoff = "%02d:%02d" % (int(hours), round(hours % 1 * 60))
    shop.db.make("node", node_id=9900, company_id=9900, code="N", name="N", state_code="29", pincode="999001",
                 cutoff=cutoff, pick_minutes=0, place="=oms.geo_point(%s, %s)" % shop.place)
    row = near(shop, shop.place[0], shop.place[1], quote(options.get("now")))[0]
    late = shop.db.value("SELECT (%s::timestamptz AT TIME ZONE %s)::date > %s::date" % (
        quote(row["ready_at"]), quote(shop.timezone), quote(day)))
    return {"past_cutoff": late}


def before_cutoff(shop):
    shop.timezone = shop.options.get("tz")


def before_amend(shop):
    shop.reserved_as_cart = True


KIND = {
    "atp": kind_atp, "atp_check": kind_check, "qty_validation": kind_check,
    "sourcing": kind_capture, "place_order": kind_capture, "allocate": kind_capture,
    "kit": kind_kit, "reservation_ttl": kind_cart,
    "reservation": kind_steps, "cancel": kind_steps, "deallocate": kind_steps, "fulfil": kind_steps,
    "restock": kind_steps, "shared_pool": kind_steps, "amend_reservation": kind_steps, "ringfence": kind_steps,
    "validation": kind_steps, "refund": kind_refund,
    "return_eligibility": kind_refund,
    "reconcile": kind_steps, "eligibility": kind_capture, "concurrency": kind_concurrency,
    "carrier_eligibility": kind_eligible, "carrier_selection": kind_select,
    "distance_filter": kind_distance, "geo_zone": kind_zone, "cutoff": kind_cutoff,
}
BEFORE = {"cutoff": before_cutoff, "amend_reservation": before_amend}
