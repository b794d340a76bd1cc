"""Kinds of cases about runs over past orders under changed rules."""

import json

from cases_shop import NotCovered, Read, quote


def capture(shop, name, sku, hours):
    shop.db.value(
        "SELECT oms.capture_order(jsonb_build_object('company', 'CASE', 'channel', %s, 'external_id', %s, 'payment', '{\"mode\": \"PREPAID\"}'::jsonb,"
        " 'ship_to', '{\"pincode\": \"999001\", \"address1\": \"1, Case Street\"}'::jsonb, 'lines', jsonb_build_array(jsonb_build_object('sku', %s, 'qty', 1, 'unit_price', 100))),"
        " now() + %s * interval '1 hour') ->> 'order_id'" % (quote(shop.channels[0]), quote(name), quote(sku), hours))


def summary(shop, rules, since, till):
    return shop.db.value("SELECT oms.simulation_summary(%s, now() + %s * interval '1 hour', now() + %s * interval '1 hour')"
                         % (quote(rules), since, till))


def kind_simulation(shop):
    shop.db.tell("UPDATE oms.channel SET allow_backorder = true WHERE company_id = 9900;")
    if shop.options.get("attempted") is not None:
        return fill_rate(shop)
    if shop.options.get("parent") is not None:
        return two_runs(shop)
    raise NotCovered("a run that says neither its orders nor how many")


def fill_rate(shop):
    """So many orders while the node was closed; what if it had been open?"""
    options = shop.options
    shop.db.make("sku", sku_id=9949, company_id=9900, code="ITEM", name="Item", hsn="6109")
    shop.make_node(9949, Read({"code": "NODE", "stock": {"ITEM": options.get("brokered")}, "enabled": False}))
    for i in range(options.get("attempted")):
        capture(shop, "O%d" % i, "ITEM", 1 + i / 1000)
    run = summary(shop, '{"node": {"NODE": {"open": true}}}', 1, 24)
    assert run["was"]["filled"] == 0, "a closed node filled orders"
    queued = options.get("queued")
    assert queued is None or len(run["simulated"]["queued"]) == queued, "%d are queued" % len(run["simulated"]["queued"])
    return {"fill_rate": run["simulated"]["fill_rate"]}


def two_runs(shop):
    """Each order has an item of its own.  As it was: what its node of the
    first run had.  In the second run most of it is where that one wants it,
    and the rule asks for most."""
    first, second = (dict(shop.options.get(k) or []) for k in ("parent", "variation"))
    orders = sorted(set(first) | set(second))
    for i, code in enumerate(sorted({n for run in (first, second) for n in run.values() if n})):
        shop.make_node(9950 + i, Read({"code": code}))
    for i, order in enumerate(orders):
        sku = "ITEM-" + order
        shop.db.make("sku", sku_id=9950 + i, company_id=9900, code=sku, name=sku, hsn="6109")
        if first.get(order):
            shop.adjust(first[order], sku, 1)
        # those of the first run alone, of both, of the second alone
        capture(shop, order, sku, 1 if order not in second else 2 if order in first else 3)
        if second.get(order):
            shop.adjust(second[order], sku, 2)
        elif first.get(order):
            shop.adjust(first[order], sku, 0)
    before = summary(shop, "{}", 1, 2.5)["was"]
    after = summary(shop, '{"rule": {"pick": "stock"}}', 1.5, 4)["simulated"]
    told = shop.db.value("SELECT oms.simulation_difference(%s, %s)" % tuple(quote(json.dumps(x, default=float)) for x in (before, after)))
    return {"delta": told["nodes"], "queued": told["queued"]}


KIND = {"simulation": kind_simulation}
