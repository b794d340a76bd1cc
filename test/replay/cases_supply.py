"""Kinds of cases about supply: pre-orders, dates, channels, queues, baskets."""

from cases_shop import EARLIER, NOW, PLENTY, NotCovered, Read, Refused, number, plain, quote, result_of


def kind_preorder(shop):
    """Sold before anything is there: the node may go so far beyond its count,
    each channel so far in all."""
    options = shop.options
    if options.get("preorder") is not True:
        raise NotCovered("an item that is not sold ahead")
    total, share = options.get("global_threshold"), options.get("channel_threshold")
    lines = shop.demand()
    if len(lines) != 1:
        raise NotCovered("a pre-order of several items")
    sku = lines[0][0]
    shop.make_node(9949, Read({"code": "NODE", "stock": {sku: 0}}))
    shop.policy("NODE", sku, backorder_limit=PLENTY if total is None else total)
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    own, other = shop.channels[0], "OTHER"
    shop.db.tell("INSERT INTO oms.channel (channel_id, company_id, code, name, kind, allow_backorder)"
                 " VALUES (9990, 9900, 'OTHER', 'Other', 'web', true);")
    if share is not None:
        for channel in (own, other):
            shop.db.value("SELECT oms.set_stock_quota('NODE', %s, %s, %s, cap => true)" % (quote(sku), quote(channel), share))
    allocated = options.get("already_allocated")
    if allocated:
        shop.capture([(sku, allocated)], at=EARLIER)
    mine = bool(options.get("exclude_own_hold"))
    for held, channel in ((options.get("held_same_channel"), own), (options.get("held_other_channel"), other)):
        if held:
            shop.cart("self" if mine else "held-" + channel, [(sku, held)], channel=channel)
    got = {"result": "ok"}
    try:
        answer = shop.capture(lines, cart="self" if mine else None)
        got["allocated"] = sum(p["qty"] for p in answer["pieces"])
        if answer["unfilled"]:
            got["result"] = "insufficient"
    except Refused as refused:
        got["result"] = result_of(refused)
    return got


def local(shop, day, hour=12):
    return quote("%s %02d:00" % (day, hour)) + "::timestamp AT TIME ZONE " + quote(shop.timezone)


def kind_promise_date(shop):
    """When the goods of an order can go that has to wait for them."""
    options = shop.options
    shop.db.make("sku", sku_id=9949, company_id=9900, code="ITEM", name="Item", hsn="6109")
    shop.make_node(9949, Read({"code": "NODE", "stock": {"ITEM": 0}}))
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    days = options.get("days_to_ship")
    if days is not None:
        # of the item at the node, of the node, and the source's own default
        days = Read(days)
        item, node = days.get("product_facility"), days.get("facility_default")
        if days.unread():
            raise NotCovered("days to ship: " + ", ".join(days.unread()))
        shop.db.tell("UPDATE oms.channel SET lead_days = 30 WHERE company_id = 9900;"
                     "UPDATE oms.node SET lead_days = %s WHERE node_id = 9949;"
                     "UPDATE oms.stock SET lead_days = %s WHERE company_id = 9900;" % (quote(node), quote(item)))
        at = local(shop, options.get("order_date"))
    else:
        done, lead = options.get("process_end_date"), options.get("lead_time_days")
        calendar = options.get("calendar")
        if done is None or lead is None:
            raise NotCovered("this date")
        how = "lead_days => %d" % lead if calendar else "lead_minutes => %d" % (lead * 1440)
        if calendar == "mon-fri":
            shop.db.tell("INSERT INTO oms.calendar (company_id, day, name) SELECT 9900, d::date, 'case' FROM generate_series(%s::date,"
                         " %s::date + 90, '1 day') d WHERE extract(isodow FROM d) = 6;" % (quote(done), quote(done)))
        elif calendar not in (None, "mon-sat"):
            raise NotCovered("calendar " + str(calendar))
        at = local(shop, done)
        shop.db.value("SELECT oms.set_inbound('SUPPLY', 'NODE', 'ITEM', 1, %s, %s, at => %s)" % (at, how, at))
    answer = shop.db.value("SELECT oms.promise(%s, %s)" % (shop.document([("ITEM", 1)]), at))
    ready = answer["plan"][0].get("supply_at")
    day = ready and shop.db.value("SELECT (%s::timestamptz AT TIME ZONE %s)::date::text" % (quote(ready), quote(shop.timezone)))
    return {"promised": day, "shipment_date": day}


def kind_status(shop):
    """What a buyer is told, with supply on its way.  Its days are moved to
    come, by whole weeks: taxes and prices are of today."""
    coming = []
    for node in shop.nodes:
        for sku, supplies in (node.get("incoming") or {}).items():
            for c in supplies if isinstance(supplies, list) else [supplies]:
                c = Read(c)
                coming.append((node["code"], sku, c.get("qty"), c.get("date")))
                if c.unread():
                    raise NotCovered("supply field " + ", ".join(c.unread()))
    shift = 0
    if coming:
        shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
        shift = shop.db.value("SELECT (current_date + 30 - %s::date) / 7 * 7" % quote(min(c[3] for c in coming)))
    for i, (node, sku, qty, day) in enumerate(coming):
        shop.db.value("SELECT oms.set_inbound(%s, %s, %s, %s, %s + interval '%d days')" % (
            quote("IN-%d" % i), quote(node), quote(sku), qty, local(shop, day), shift))
    answer = shop.promise(shop.demand())
    if len(answer["available"]) != 1:
        raise NotCovered("a status over several items")
    asked, have = (number(answer["available"][0][k]) for k in ("asked", "available"))
    if answer["complete"]:
        return {"status": "full"}
    got = {"status": "partial" if have > 0 else "none", "available": have, "delayed": asked - have}
    ready = [p.get("supply_at") for p in answer["plan"] if p.get("node") is None]
    if ready and all(ready):
        got["expected_date"] = shop.db.value("SELECT ((%s::timestamptz - interval '%d days') AT TIME ZONE %s)::date::text" % (
            quote(max(ready)), shift, quote(shop.timezone)))
        if have <= 0:
            got["status"] = "restock"
    return got


def kind_ordered(shop):
    """Demands that wait in their order while there is nothing, then stock."""
    options = shop.options
    order_by = options.get("order_by") or []
    demands = []
    for d in options.get("demands"):
        d = Read(d)
        demands.append((d.get("id"), d.get("sku") or shop.only_sku(), d.get("qty"), d.get("cancelled"),
                        1 if d.get("urgent") else 0))
        if d.unread():
            raise NotCovered("demand field " + ", ".join(d.unread()))
    if order_by not in ([], ["urgent desc", "date asc", "id asc"], ["date asc", "id asc"]):
        raise NotCovered("order by " + ", ".join(order_by))
    stock = shop.levels("on_hand")
    for key in stock:
        shop.adjust(*key.split("/"), 0)
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    ids = {}
    for name, sku, qty, cancelled, priority in demands:
        order = shop.capture([(sku, qty)], priority=priority)["order_id"]
        ids[order] = name
        if cancelled:
            shop.db.value("SELECT oms.cancel_order(%s)" % order)
    for key, qty in stock.items():
        shop.adjust(*key.split("/"), qty)
    got = {"ordered_atp": {}, "previous_promised": {}}
    for sku in shop.skus:
        for row in shop.db.rows("SELECT * FROM oms.ordered_atp(%s)" % quote(sku)):
            got["ordered_atp"][ids[row["order_id"]]] = row["available"]
            got["previous_promised"][ids[row["order_id"]]] = row["before"]
    return got


def channel_levels(shop, got):
    """Where what a channel may promise comes from, as the tables say."""
    for row in shop.db.rows(
            "SELECT k.code AS sku, n.code AS node, s.on_hand, s.safety, n.open, w.node_id IS NOT NULL OR NOT c.own_nodes AS serves"
            " FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n ON n.node_id = s.node_id"
            " JOIN oms.channel c ON c.company_id = 9900 AND c.code = %s"
            " LEFT JOIN oms.channel_node w ON w.channel_id = c.channel_id AND w.node_id = n.node_id"
            " WHERE s.company_id = 9900 ORDER BY n.node_id" % quote(shop.channels[0])):
        got["physical_atp"] = got.get("physical_atp", 0) + row["on_hand"]
        for name, counts, column in (("channel_atp", row["serves"], "on_hand"),
                                     ("brokering_disabled_atp", row["serves"] and not row["open"], "on_hand"),
                                     ("contributing_safety_stock", row["serves"] and row["open"], "safety")):
            got[name] = got.get(name, 0) + (row[column] if counts else 0)
        got.setdefault("outside_channel", [])
        if not row["serves"]:
            got["outside_channel"].append(row["node"])


def queued(shop):
    """Orders that wait in queues, beside one that is cancelled."""
    options = shop.options
    demand, queues = options.get("queued_demand"), options.get("queues")
    excluded = options.get("exclude_item_states") or []
    if not set(excluded) <= {"CANCELLED", "COMPLETED", "REJECTED"}:
        raise NotCovered("states " + ", ".join(excluded))
    if not queues:
        return 0
    shop.db.make("sku", sku_id=9949, company_id=9900, code="QUEUED", name="Queued", hsn="6109")
    shop.make_node(9949, Read({"code": "NODE", "stock": {"QUEUED": 0}}))
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    shop.capture([("QUEUED", demand)])
    shop.db.value("SELECT oms.cancel_order(%s)" % shop.capture([("QUEUED", 3)])["order_id"])
    return sum(row["qty"] for row in shop.db.rows("SELECT qty FROM oms.ordered_atp('QUEUED')"))


def kind_ledger(shop):
    """Giving back is bounded by what is held."""
    steps = [Read(s) for s in shop.case.get("steps") or []]
    if [s.get("op") for s in steps] != ["compensate"]:
        raise NotCovered("this ledger")
    step = steps[0]
    step.get("sku")
    step.get("qty")
    if step.unread():
        raise NotCovered("step field " + ", ".join(step.unread()))
    sku = step["sku"]
    given = shop.db.value("SELECT oms.release_cart('none')")
    got = {"ledger": [], "atp": shop.atp([sku])}
    if number(given) == 0:
        got["error"] = "nothing_to_release"
    else:
        got["ledger"] = [{"sku": sku, "qty": given}]
    return got


def kind_basket(shop):
    """A basket holds nothing: asked anew it keeps what may be promised."""
    basket = {}
    results = []
    for step in shop.case.get("steps") or []:
        step = Read(step)
        op, sku = step.get("op"), step.get("sku") or shop.only_sku()
        result = "ok"
        if op == "set_on_hand":
            node = step.get("node") or (shop.node_codes[0] if len(shop.node_codes) == 1 else None)
            if node is None:
                raise NotCovered("a step that names no node")
            shop.adjust(node, sku, step.get("to"))
        elif op in ("add_to_cart", "change_line"):
            wanted = step.get("qty") + (basket.get(sku, 0) if op == "add_to_cart" else 0)
            have = number(shop.promise([(sku, wanted)])["available"][0]["available"])
            basket[sku] = min(number(wanted), have)
            if have < wanted:
                result = "insufficient"
            if not basket[sku]:
                del basket[sku]
        elif op == "remove_line":
            basket.pop(sku, None)
        else:
            raise NotCovered("step " + str(op))
        if step.get("result") not in (None, result):
            raise AssertionError("%s: %s" % (op, result))
        if step.unread():
            raise NotCovered("step field " + ", ".join(step.unread()))
        results.append(result)
    return {"cart": basket, "results": results, "result": results[-1] if results else None}


def reserve_together(shop, steps):
    """Several reservations in one call, at one node or more: all or none."""
    for s in steps:
        node, sku = s.get("node"), s.get("sku") or shop.only_sku()
        if s.get("allow_backorder"):
            shop.policy(node, sku, backorder_limit=PLENTY)
            shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    shop.db.tell("SAVEPOINT together;")
    try:
        for node in sorted({s.get("node") for s in steps}, key=str):
            shop.cart("cart at %s" % node, [(s.get("sku") or shop.only_sku(), s.get("qty")) for s in steps
                                            if s.get("node") == node], node=node)
    except Refused as refused:
        shop.db.tell("ROLLBACK TO SAVEPOINT together;")
        return result_of(refused)
    return "ok"


def give_back_part(shop, held, qty):
    """So many units of the orders of the case, the first first."""
    for i, (order_id, node, sku, units) in enumerate(held):
        part = min(number(qty), units)
        if part <= 0:
            break
        shop.db.value("SELECT oms.cancel_line(%s, 1, %s, request_id => %s)" % (order_id, part, quote("part-%d" % i)))
        qty = number(qty) - part


LOT_ORDER = {
    "FIFO_RECEIVED": "fifo", "LIFO_RECEIVED": "lifo", "FIFO_EXPIRE": "fefo", "LIFO_EXPIRE": "lefo",
    "LEAST_UNIT_COST": "cost_low", "GREATEST_UNIT_COST": "cost_high",
}
AGES = {"oldest": 30, "older": 20, "old": 20, "newer": 10, "new": 10, "newest": 5}


def make_lots(shop, sku):
    """Each lot as the node says it; what others hold of it is pinned to it."""
    places = shop.options.get("location_order") or []
    for node in shop.nodes:
        for lot in node.get("lots") or []:
            lot = Read(lot)
            received, place = lot.get("received"), lot.get("location")
            if received in AGES:
                received = shop.db.value("SELECT (current_date - %d)::text" % AGES[received])
            if places and place not in places:
                raise NotCovered("a lot at no place of the order")
            shop.db.value("SELECT oms.adjust_lot(%s, %s, %s, %s, %s, coalesce(%s::timestamptz, now()), %s, %s)" % (
                quote(node["code"]), quote(sku), quote(lot.get("id")), lot.get("qty"), quote(later(shop, lot.get("expires"))),
                quote(received), quote(lot.get("unit_cost")), places.index(place) if places else 0))
            others = lot.get("reserved_by_others")
            if others:
                order = shop.capture([(sku, others)], node=node["code"], at=EARLIER)["order_id"]
                pin(shop, order, lot["id"], False)
            if lot.unread():
                raise NotCovered("lot field " + ", ".join(lot.unread()))


def later(shop, day):
    """Days of expiry are moved to come, all by as much: here they are days of use."""
    if day is None:
        return None
    first = min(l["expires"] for n in shop.nodes for l in n["lots"] if l.get("expires"))
    return shop.db.value("SELECT (%s::date + greatest(current_date + 30 - %s::date, 0))::text" % (quote(day), quote(first)))


def pin(shop, order, lot, displace):
    for row in shop.db.rows("SELECT allocation_id FROM oms.allocation WHERE company_id = 9900 AND order_id = %s"
                            " AND status = 'reserved' ORDER BY 1" % order):
        shop.db.rows("SELECT oms.pin_lot(%s, %s, %s)::text" % (row["allocation_id"], quote(lot), quote(displace)))


def kind_lots(shop):
    """Which lots an order takes."""
    options = shop.options
    rule, pinned, displace = options.get("lot_order"), options.get("pinned_lot"), options.get("displace")
    if rule is not None and rule not in LOT_ORDER:
        raise NotCovered("lots by " + rule)
    lines = shop.demand()
    if len(lines) != 1:
        raise NotCovered("lots of several items")
    sku = lines[0][0]
    shop.db.tell("UPDATE oms.sku SET lot_order = %s WHERE company_id = 9900;" % quote(LOT_ORDER.get(rule, "fefo")))
    make_lots(shop, sku)
    got = {"result": "ok"}
    try:
        answer = shop.capture(lines)
        if answer["unfilled"]:
            got["result"] = "insufficient"
        if pinned is not None:
            pin(shop, answer["order_id"], pinned, bool(displace))
    except Refused as refused:
        got["result"] = result_of(refused)
        return got
    got["lots"] = [[r["lot"], r["qty"]] for r in shop.db.rows(
        "SELECT l.lot, sum(l.qty) AS qty FROM oms.shipment_lot l WHERE l.company_id = 9900 AND l.order_id = %s"
        " GROUP BY l.lot ORDER BY min((SELECT x.seq FROM oms.reservation_lot x JOIN oms.reservation r USING (company_id, reservation_id)"
        " WHERE r.allocation_id = l.allocation_id AND x.lot = l.lot)), l.lot" % answer["order_id"])]
    got["atp_by_lot"] = {r["lot"]: r["free"] for r in shop.db.rows(
        "SELECT b.lot, b.on_hand - coalesce((SELECT sum(l.qty) FROM oms.reservation_lot l JOIN oms.reservation r USING (company_id, reservation_id)"
        " WHERE l.company_id = b.company_id AND l.sku_id = b.sku_id AND l.node_id = b.node_id AND l.lot = b.lot AND r.state <> 'closed'), 0) AS free"
        " FROM oms.stock_lot b WHERE b.company_id = 9900")}
    return got


KIND = {
    "lot_order": kind_lots, "displace": kind_lots, "preorder": kind_preorder, "promise_date": kind_promise_date, "promise_status": kind_status,
    "ordered_atp": kind_ordered, "ledger": kind_ledger, "cart": kind_basket,
}
