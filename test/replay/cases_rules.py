"""Kinds of cases about rules: which node, which place, which parcels, what
freight; and what the options of sourcing cases make of a shop."""

import json

from cases_shop import FAR_SOUTH, NOW, NotCovered, Read, Within, number, quote

FILLER = "case-filler"
VOLUME = 1000  # cubic centimetres of a case's unit of volume


def wants(shop, key):
    return any(key in (shop.case.get(part) or {}) for part in ("expected", "recommended"))


# --- before: options of the rule


def rule_options(shop, rule):
    """Columns of the sourcing rule that options ask for."""
    options = shop.options
    least = options.get("brokering_safety_stock_min")
    if least is not None:
        rule["min_available"] = least
    parking = options.get("on_unfillable")
    if parking is not None:
        parking = Read(parking)
        rule["park_queue"] = parking.get("queue")
        rule["cancel_days"] = parking.get("auto_cancel_days")
        if parking.unread() or not rule["park_queue"]:
            raise NotCovered("on_unfillable " + json.dumps(parking))
    if any(dict.get(n, "order_limit") is not None for n in shop.nodes):
        rule["when_full"] = "refuse"


def node_options(shop, node_id, node):
    """Where a node delivers, for which channels, and how many orders a day."""
    db = shop.db
    limit, count = node.get("order_limit"), node.get("order_count", 0)
    channels = node.get("channels")
    if any("channels" in n for n in shop.nodes):
        for channel in shop.channels:
            db.rows("SELECT oms.set_channel_node(%s, %s, %s)::text" % (
                quote(channel), quote(node["code"]), quote(channels is None or channel in channels)))
    if shop.options.get("require_shipping_zone"):
        # its zones hold every place of the case, or there are none
        if not node.get("shipping_zones"):
            db.tell("UPDATE oms.node SET regions = '{}' WHERE node_id = %d;" % node_id)
    if limit is not None:
        shop.limits.append((node_id, node["code"], limit, count))


def fill_slots(shop):
    """The orders of the day that a node has already, of an item of their own."""
    db = shop.db
    if not shop.limits:
        return
    if any(limit != int(limit) or count != int(count) or count > 300 for _, _, limit, count in shop.limits):
        raise NotCovered("so many orders")
    db.make("sku", sku_id=9899, company_id=9900, code=FILLER, name="Filler", hsn="6109")
    for node_id, code, limit, count in shop.limits:
        db.tell("UPDATE oms.node SET capacity = %d WHERE node_id = %d;" % (max(limit, count, 1), node_id))
        if count:
            shop.adjust(code, FILLER, count)
        for _ in range(int(count)):
            if shop.capture([(FILLER, 1)], node=code)["unfilled"]:
                raise NotCovered("more orders than the limit")
        db.tell("UPDATE oms.node SET capacity = %d WHERE node_id = %d;" % (limit, node_id))
        db.tell("UPDATE oms.node_slot SET capacity = %d WHERE node_id = %d;" % (limit, node_id))


# --- after an order of a sourcing case


def parking_of(shop, order_id):
    rows = shop.db.rows("SELECT queue, extract(day FROM cancel_at - parked_at) AS days FROM oms.parking"
                        " WHERE company_id = 9900 AND order_id = %s AND ended_at IS NULL" % order_id)
    return {"queue": rows[0]["queue"], "auto_cancel_in_days": rows[0]["days"]} if rows else {}


def ship_all(shop, order_id):
    """Every parcel of the order is handed over."""
    shop.db.value("SELECT oms.release_order(%s)" % order_id)
    for row in shop.db.rows("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s"
                            " AND state <> 'CANCELLED' ORDER BY 1" % order_id):
        shop.db.value("SELECT oms.pack_shipment(%s)" % row["shipment_id"])
        shop.db.value("SELECT oms.dispatch_shipment(%s)" % row["shipment_id"])


def after_order(shop, got, order_id):
    if order_id is None:
        return
    got.update(parking_of(shop, order_id))
    if wants(shop, "on_hand_after_ship"):
        ship_all(shop, order_id)
        got["on_hand_after_ship"] = shop.levels("on_hand")


# --- kinds


def kind_reducer(shop):
    """Ranks one after the other: as planning costs, each so much dearer than
    the next that it alone decides where its ranks differ."""
    options, db = shop.options, shop.db
    ranks = options.get("rule_ranks")
    lower = options.get("lower_is_better", True)
    default = options.get("default_node")
    codes = [n["code"] for n in shop.nodes]
    levels = []
    for rank in ranks:
        if all(rank.get(c) is None for c in codes):
            continue
        if any(rank.get(c) is None for c in codes):
            raise NotCovered("a rule that ranks some nodes only")
        order = sorted(set(rank[c] for c in codes), reverse=not lower)
        levels.append({c: order.index(rank[c]) for c in codes})
    if len(levels) > 3:
        raise NotCovered("more than three rules that rank")
    db.make("sku", sku_id=9898, company_id=9900, code="RANKED", name="Ranked", hsn="6109")
    db.tell("UPDATE oms.sourcing_rule SET lane_costs = true, stock_price_weight = 1, shipment_cost = 0,"
            " cost_per_priority = 100, pick = 'cost' WHERE company_id = 9900;")
    for i, code in enumerate(codes):
        rank = [level[code] for level in levels] + [0, 0, 0]
        shop.adjust(code, "RANKED", 1)
        db.tell("UPDATE oms.node SET priority = %d, handling_cost = %d WHERE node_id = %d;" % (
            rank[2], 0 if code == default else 1 + i, 9900 + i))
        db.make("lane_cost", company_id=9900, node_id=9900 + i, region="999", shipment_cost=rank[0] * 1000000, unit_cost=0)
        db.make("stock_price", company_id=9900, node_id=9900 + i, sku_id=9898, price=rank[1] * 10000, basis="given")
    answer = shop.promise([("RANKED", 1)])
    return {"winner": next((p["node"] for p in answer["plan"] if p.get("node")), None)}


def kind_rank(shop):
    """Lines that a node by itself covers in full."""
    lines = shop.demand()
    got = {}
    for code in shop.node_codes:
        answer = shop.promise(lines, node=code)
        got[code] = -sum(1 for a in answer["available"] if number(a["available"]) >= number(a["asked"]))
    return {"rank": got}


def kind_candidates(shop):
    """Nodes that list the items and may sell them, with what is counted."""
    if shop.options.get("candidate_filter") != "in_stock_flag":
        raise NotCovered("this filter of candidates")
    got = []
    for sku, _ in shop.demand():
        for row in shop.db.rows("SELECT n.code AS node, s.on_hand AS qty FROM oms.stock s JOIN oms.node n USING (node_id)"
                                " JOIN oms.sku k ON k.sku_id = s.sku_id WHERE s.company_id = 9900 AND k.code = %s"
                                " AND s.sellable AND n.open ORDER BY n.priority, n.node_id" % quote(sku)):
            got.append({"node": row["node"], "sku": sku, "qty": row["qty"]})
    return {"candidates": got}


def before_packages(shop):
    """Prepared packages are what their nodes have, in their order."""
    packages = dict.get(shop.options, "packages")
    if packages is None:
        return
    sku = next(iter(shop.case.get("demand") or {"ITEM": 0}))
    for i, package in enumerate(packages):
        shop.nodes.append(Read({"code": package["node"], "priority": i + 1,
                                "stock": {sku: package.get("on_hand", 0)}}))
    dict.__setitem__(shop.options, "strategy", "priority")
    dict.__setitem__(shop.options, "partial", "backorder")


class AtMost(Within):
    """A bound is kept."""

    def __eq__(self, other):
        return number(other) >= self.value


def by_weight(shop, items, most):
    """Items of such weights, in parcels that may weigh so much."""
    db = shop.db
    if most is None or any(weight != int(weight) for weight, _ in items) or most != int(most):
        raise NotCovered("parcels by weight")
    db.tell("UPDATE oms.sourcing_rule SET max_parcel_g = %d WHERE company_id = 9900;" % most)
    shop.make_node(9900, Read({"code": "WH", "priority": 1}))
    lines = []
    for i, (weight, qty) in enumerate(items):
        db.make("sku", sku_id=9800 + i, company_id=9900, code="ITEM%d" % i, name="Item", hsn="6109", weight_g=weight)
        shop.adjust("WH", "ITEM%d" % i, qty)
        lines.append(("ITEM%d" % i, qty))
    order = shop.capture(lines)["order_id"]
    parcels = [r["dead_g"] for r in db.rows("SELECT dead_g FROM oms.shipment WHERE company_id = 9900 AND order_id = %s" % order)]
    return {"packages_count": len(parcels), "max_package_weight": AtMost(number(max(parcels)))}


def kind_packages(shop):
    options = shop.options
    packages = options.get("packages")
    if packages is None:
        if options.get("items") is not None:
            return by_weight(shop, options.get("items"), options.get("max_weight"))
        on_hand, waits = options.get("on_hand"), options.get("backordered")
        if on_hand is None or waits is None:
            raise NotCovered("these packages")
        shop.db.make("sku", sku_id=9897, company_id=9900, code="BOTH", name="Both", hsn="6109")
        shop.make_node(9900, Read({"code": "WH", "priority": 1, "stock": {"BOTH": on_hand}}))
        shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
        answer = shop.capture([("BOTH", on_hand + waits)])
        got = [{"on_hand": number(p["qty"]), "backordered": 0} for p in answer["pieces"]]
        got += [{"on_hand": 0, "backordered": qty} for qty in answer["unfilled"].values()]
        return {"packages": got}
    lines = shop.demand()
    if len(lines) != 1 or any(set(p) - {"node", "on_hand", "backordered"} for p in packages):
        raise NotCovered("these packages")
    answer = shop.capture(lines)
    got = {}
    for p in answer["pieces"]:
        got.setdefault(p["node"], {"node": p["node"]})["on_hand"] = number(p["qty"])
    # what waits stands at no node here: the case's first that may owe it
    owing = [p["node"] for p in packages if p.get("backordered")]
    for qty in answer["unfilled"].values():
        if not owing:
            raise NotCovered("more than the packages hold")
        got.setdefault(owing[0], {"node": owing[0]})["backordered"] = qty
    return {"packages": list(got.values())}


def kind_serviceable(shop):
    options = shop.options
    bounds = options.get("range")
    if bounds is not None:
        options.get("country")
        return {"in_range": shop.db.value("SELECT oms.postcode_in_range(%s, %s, %s)" % tuple(
            quote(x) for x in [options.get("postal_code")] + list(bounds)))}
    # the buyer is at 999001; a rule matches when it names that
    places = []
    for rule in options.get("rules"):
        if set(rule) != {"type", "matches"} or rule["type"] not in ("include", "exclude"):
            raise NotCovered("rule " + json.dumps(rule))
        places.append(("!" if rule["type"] == "exclude" else "") + ("999001..999001" if rule["matches"] else "111"))
    shop.db.make("sku", sku_id=9896, company_id=9900, code="GOODS", name="Goods", hsn="6109")
    shop.db.make("node", node_id=9900, company_id=9900, code="N", name="N", state_code="29", pincode="999001",
                 place="=oms.geo_point(%s, %s)" % FAR_SOUTH, regions="{%s}" % ",".join(places) if places else None)
    shop.adjust("N", "GOODS", 1)
    return {"serviceable": shop.promise([("GOODS", 1)])["complete"]}


def kind_freight(shop):
    """What each service asks for a parcel of one kilogram."""
    rows = shop.db.rows("SELECT service, freight FROM oms.courier_quotes('999001', '999001', 1000, 1, at => %s)"
                        " WHERE refused IS NULL" % NOW)
    shop.options.get("services")
    return {"freight": {r["service"]: r["freight"] for r in rows}}


def before_rto(shop):
    """A service for each mode, with its freight both ways."""
    options = shop.options
    rates = options.get("rto_rate_by_mode")
    forward = options.get("forward_freight")
    dict.__setitem__(options, "services", [
        {"code": mode, "mode": mode, "fixed": forward, "rto": rate} for mode, rate in rates.items()])


def kind_rto(shop):
    """The way back as the parcel's service quotes it."""
    mode = shop.options.get("mode")
    row = shop.db.rows("SELECT freight, rto_freight FROM oms.courier_quotes('999001', '999001', 1000, 1, at => %s)"
                       " WHERE service = %s AND refused IS NULL" % (NOW, quote(mode)))[0]
    return {"rto_charge": row["rto_freight"], "total_freight": number(row["freight"]) + number(row["rto_freight"])}


def levels_of(reach):
    """Service levels, the fastest first: who reaches least far on the ground."""
    return sorted(reach, key=lambda level: reach[level])


def before_ranked(shop):
    """Couriers in their rank: the cheapest first.  Levels of service: the
    faster the dearer; ground goes as fast as its reach says, and is cheapest."""
    reach = dict.get(shop.options, "ground_reach_mi")
    if reach is not None:
        levels = levels_of(reach)
        ground = 1 + sum(1 for level in levels if reach[level] < dict.get(shop.options, "distance_mi"))
        services = [{"code": "STANDARD", "days": ground, "fixed": 10}]
        services += [{"code": level, "days": i + 1, "fixed": 1000 * (len(levels) - i)} for i, level in enumerate(levels)]
        dict.__setitem__(shop.options, "services", services)
    ranked = dict.get(shop.options, "ranked")
    if ranked is not None:
        dict.__setitem__(shop.options, "services", [{"code": code, "seq": i + 1} for i, code in enumerate(ranked)])
        shop.own_couriers = True


def kind_ranked(shop):
    """A courier that refuses has no number to give: the next is asked."""
    options, db = shop.options, shop.db
    options.get("services")
    ranked, refuses = options.get("ranked"), options.get("refuses") or []
    for i, code in enumerate(ranked):
        if code not in refuses:
            db.value("SELECT oms.add_awbs(%s, ARRAY['990000010%d'])" % (quote(code), i))
    db.make("sku", sku_id=9895, company_id=9900, code="GOODS", name="Goods", hsn="6109")
    shop.make_node(9900, Read({"code": "WH", "priority": 1, "stock": {"GOODS": 1}}))
    order = shop.capture([("GOODS", 1)])["order_id"]
    db.value("SELECT oms.release_order(%s)" % order)
    parcel = db.value("SELECT shipment_id FROM oms.shipment WHERE company_id = 9900 AND order_id = %s" % order)
    db.value("SELECT oms.pack_shipment(%s)" % parcel)
    db.value("SELECT oms.book_shipment(%s)" % parcel)
    order_of_asking = [r["service"] for r in db.rows(
        "SELECT service FROM oms.courier_quotes('999001', '999001', 1000, 1, at => %s) WHERE refused IS NULL" % NOW)]
    booked = db.value("SELECT s.code FROM oms.shipment p JOIN oms.courier_service s USING (courier_service_id)"
                      " WHERE p.company_id = 9900 AND p.shipment_id = %s" % parcel)
    return {"booked": booked, "attempts": order_of_asking[:order_of_asking.index(booked) + 1]}


def kind_requested(shop):
    """A level that is asked for is a number of days."""
    options, db = shop.options, shop.db
    for key in ("services", "distance_mi"):
        options.get(key)
    days = 1 + levels_of(options.get("ground_reach_mi")).index(options.get("requested"))
    db.make("sku", sku_id=9894, company_id=9900, code="GOODS", name="Goods", hsn="6109")
    shop.make_node(9900, Read({"code": "WH", "priority": 1, "stock": {"GOODS": 1}}))
    order = shop.capture([("GOODS", 1)], asked={"max_days": days})["order_id"]
    return {"service": db.value("SELECT s.code FROM oms.shipment p JOIN oms.courier_service s USING (courier_service_id)"
                                " WHERE p.company_id = 9900 AND p.order_id = %s" % order)}


KIND = {
    "rule_reducer": kind_reducer, "rule_rank": kind_rank, "candidates": kind_candidates, "split_package": kind_packages,
    "serviceability": kind_serviceable, "freight": kind_freight, "rto_cost": kind_rto,
}
BEFORE = {"split_package": before_packages, "rto_cost": before_rto, "carrier_selection": before_ranked}
