#!/usr/bin/env python3
"""Writes iso_pair_*.spec: every pair of calls that change stock.

    test/specs/pairs.py

One file a call.  It does its work in a transaction that stays open; another
session makes the other call on the same item and, where it is about one, the
same order; then the first commits.  Each ends with what oms.verify() says and
how the stock stands.  Each pair is run once: of two calls now the one is
first, now the other.  Add a call to CALLS, run it, read the outputs.
"""

import os

# name: (what it does, SQL giving a short text)
CALLS = {
    "amend_down": ("a line of the order is amended to fewer units",
                   "oms.amend_line(x(), 1, 1, 'fewer', company => 'PAIR') ->> 'taken'"),
    "amend_up": ("a line of the order is amended to more units",
                 "oms.amend_line(x(), 1, 3, 'more', company => 'PAIR') ->> 'added'"),
    "cancel_line": ("a unit of the order is cancelled",
                    "oms.cancel_line(x(), 1, 1, request_id => 'one', company => 'PAIR') ->> 'amount'"),
    "cancel_order": ("the order is cancelled", "oms.cancel_order(x(), company => 'PAIR')"),
    "cancel_shipment": ("its parcel is cancelled", "oms.cancel_shipment(parcel(), company => 'PAIR') ->> 'status'"),
    "capture": ("another order of two units", "pairplan(oms.capture_order(pairdoc('NEW', 2)))"),
    "cart_convert": ("a cart becomes an order", "pairplan(oms.capture_order(pairdoc('KART', 1, 'K')))"),
    "cart_expire": ("a cart that expired is given back", "oms.expire_carts()::text"),
    "cart_hold": ("another cart holds two units", "pairplan(oms.reserve_cart(pairdoc('M', 2, 'M')))"),
    "cart_release": ("a cart is given up", "oms.release_cart('K', 'PAIR')::text"),
    "count": ("a count, lower than before", "oms.adjust_stock('N1', 'A', 4, company => 'PAIR')::text"),
    "dispatch": ("its parcel is handed over", "oms.dispatch_shipment(parcel(), 'PAIR') ->> 'state'"),
    "dispatch_part": ("a part of its parcel is handed over",
                      "oms.dispatch_part(parcel(), jsonb_build_array(jsonb_build_object('line_no', 1, 'qty', 1)), 'PAIR') ->> 'state'"),
    "exchange": ("a unit of the order is exchanged for another item",
                 "oms.exchange_line(x(), 1, 'B', 1, 'swap', 400, company => 'PAIR') ->> 'added'"),
    "inbound": ("supply comes in", "oms.receive_inbound('IN', 2, 'R', 'PAIR')::text"),
    "quota": ("units are set aside for a channel", "oms.set_stock_quota('N1', 'A', 'WEB', 1, company => 'PAIR')::text"),
    "reject": ("the node rejects the order's goods", "pairplan(oms.reject_allocation(xalloc(), 'NOT_FOUND', company => 'PAIR'))"),
    "reroute": ("the order's goods are rerouted", "pairplan(oms.reroute_allocation(xalloc(), 'N3', 'PAIR'))"),
    "resolve": ("shortfalls are resolved", "oms.resolve_shortfalls(company => 'PAIR')::text"),
    "retry": ("what waits is planned again", "oms.retry_backorders()::text"),
    "return": ("returned goods are counted in", "oms.receive_return(pairreturn(), company => 'PAIR') ->> 'status'"),
    "short_ship": ("the node finds one of two", "pairplan(oms.short_ship(xalloc(), 1, company => 'PAIR'))"),
    "stock_policy": ("the node keeps back more", "coalesce(oms.set_stock_policy('N1', 'A', 1, company => 'PAIR')::text, 'set')"),
}

# Pairs beside these that other files run: see the matrix in ../README.md.

SETUP = """setup
{
  SET client_min_messages = warning;
  -- no worker that does jobs in between, where the server has pg_oms preloaded
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET oms.worker_autostart = off', current_database()); END $$;
  SELECT oms.install() IS NOT NULL AS installed;
  SELECT setval(pg_get_serial_sequence('oms.allocation', 'allocation_id'), 1000, false) AS first_allocation;
  INSERT INTO oms.company (code, name, state_code) SELECT 'PAIR', 'Pairs', '29' ON CONFLICT DO NOTHING;
  SET oms.company = 'PAIR';
  INSERT INTO oms.channel (company_id, code, name, kind, allow_backorder) VALUES (oms.company_id(), 'WEB', 'Backorders', 'web', true) ON CONFLICT DO NOTHING;
  INSERT INTO oms.node (company_id, code, name, state_code, pincode, priority, accepts_returns)
  SELECT oms.company_id(), 'N' || i, 'Node ' || i, '29', '560001', i, true FROM generate_series(1, 3) i ON CONFLICT DO NOTHING;
  INSERT INTO oms.sku (company_id, code, name, hsn, return_days) VALUES (oms.company_id(), 'A', 'Shirt', '6109', 30), (oms.company_id(), 'B', 'Book', '4901', 30) ON CONFLICT DO NOTHING;
  INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('560001', '29', 'Bengaluru Urban') ON CONFLICT DO NOTHING;
  INSERT INTO oms.courier (code, name) VALUES ('ISO-STOCK', 'Isolated carrier') ON CONFLICT DO NOTHING;
  INSERT INTO oms.courier_service (courier_id, code, name, mode) SELECT courier_id, 'ISO-STOCK-S', 'Surface', 'surface' FROM oms.courier WHERE code = 'ISO-STOCK' ON CONFLICT DO NOTHING;
  INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT courier_service_id, '560001' FROM oms.courier_service WHERE code = 'ISO-STOCK-S' ON CONFLICT DO NOTHING;
  INSERT INTO oms.zone_rule (courier_id, seq, test, zone) SELECT courier_id, 1, 'otherwise', 'Z' FROM oms.courier WHERE code = 'ISO-STOCK' ON CONFLICT DO NOTHING;
  INSERT INTO oms.zone_transit (courier_service_id, zone, days) SELECT courier_service_id, 'Z', 2 FROM oms.courier_service WHERE code = 'ISO-STOCK-S' ON CONFLICT DO NOTHING;
  INSERT INTO oms.rate_card (company_id, courier_service_id) SELECT oms.company_id(), courier_service_id FROM oms.courier_service WHERE code = 'ISO-STOCK-S' ON CONFLICT DO NOTHING;
  INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT r.rate_card_id, 'Z', l, 40, 20 FROM oms.rate_card r, unnest(ARRAY['forward', 'rto', 'reverse']) l
   WHERE r.company_id = oms.company_id() ON CONFLICT DO NOTHING;
  SELECT oms.add_awbs('ISO-STOCK', ARRAY(SELECT 'PAIR' || i FROM generate_series(1, 20) i)) IS NOT NULL AS awbs;
  CREATE OR REPLACE FUNCTION public.pairdoc(id text, units integer, cart text DEFAULT NULL, node text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_strip_nulls(jsonb_build_object(
    'company', 'PAIR', 'channel', 'WEB', 'external_id', id, 'cart_id', cart, 'payment', jsonb_build_object('mode', 'PREPAID'),
    'ship_to', jsonb_build_object('pincode', '560001', 'address1', '12, MG Road'),
    'fulfilment', CASE WHEN node IS NOT NULL THEN jsonb_build_object('mode', 'SHIP', 'node', node) END,
    'lines', jsonb_build_array(jsonb_build_object('sku', 'A', 'qty', units, 'unit_price', 400)))) $$;
  CREATE OR REPLACE FUNCTION public.pairplan(answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', p ->> 'qty', coalesce(p ->> 'node', 'waits')), ', ' ORDER BY p ->> 'node'),
                    CASE WHEN (answer ->> 'duplicate')::boolean THEN 'duplicate' ELSE 'held' END) FROM jsonb_array_elements(answer -> 'plan') p WHERE p ->> 'status' IS DISTINCT FROM 'cancelled' $$;
  -- the order that everybody works on, its parcel, the return
  CREATE OR REPLACE FUNCTION public.x() RETURNS bigint LANGUAGE sql AS $$ SELECT order_id FROM oms."order" WHERE company_id = oms.company_id('PAIR') AND external_id = 'X' $$;
  CREATE TABLE IF NOT EXISTS public.pairids (what text PRIMARY KEY, id bigint);
  CREATE OR REPLACE FUNCTION public.xalloc() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM pairids WHERE what = 'allocation' $$;
  CREATE OR REPLACE FUNCTION public.parcel() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM pairids WHERE what = 'parcel' $$;
  CREATE OR REPLACE FUNCTION public.pairreturn() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM pairids WHERE what = 'return' $$;
  -- a refusal is an answer, too; what concerns the transaction is raised
  CREATE OR REPLACE FUNCTION public.pair(call text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE answer text;
  BEGIN
    EXECUTE 'SELECT ' || call INTO answer;
    RETURN answer;
  EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE !~ '^OM' THEN RAISE; END IF;
    RETURN SQLSTATE;
  END $$;
  CREATE OR REPLACE VIEW public.pairsound AS
  SELECT (SELECT count(*) FROM oms.verify()) AS unsound, string_agg(format('%s %s: %s of %s%s', n.code, k.code, trim_scale(s.reserved), trim_scale(s.on_hand),
         CASE WHEN s.shortfall > 0 THEN ', short ' || trim_scale(s.shortfall) ELSE '' END), '; ' ORDER BY n.code, k.code) AS stock
    FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE s.company_id = oms.company_id('PAIR');
  -- R is delivered and comes back; Y's goods at N2 are missing; X holds two at N1; W waits; carts: K holds one, E has expired
  DO $$ BEGIN
    PERFORM oms.adjust_stock('N1', 'A', 9), oms.adjust_stock('N1', 'B', 1), oms.adjust_stock('N2', 'A', 2);
    PERFORM oms.capture_order(pairdoc('R', 1, NULL, 'N1'), now() - interval '9 days');
    PERFORM oms.dispatch_shipment(shipment_id) FROM oms.shipment;
    UPDATE oms.shipment SET state = 'DELIVERED', delivered_at = now() - interval '2 days';
    UPDATE oms.allocation SET status = 'delivered';
    UPDATE oms."order" SET status = 'delivered';
    INSERT INTO pairids SELECT 'return', (oms.create_return(jsonb_build_object('return_ref', 'R', 'reason', 'SIZE', 'order_id', order_id)) ->> 'return_id')::bigint FROM oms."order";
    PERFORM oms.capture_order(pairdoc('Y', 2, NULL, 'N2'), now() - interval '8 days');
    UPDATE oms."order" SET only_node_id = NULL;
    PERFORM oms.adjust_stock('N3', 'A', 2), oms.reserve_cart(pairdoc('E', 1, 'E', 'N3'), now() - interval '1 day');
    PERFORM oms.reserve_cart(pairdoc('K', 1, 'K'));
    PERFORM oms.capture_order(pairdoc('X', 2), now() - interval '7 days');
    PERFORM oms.adjust_stock('N1', 'A', 3), oms.set_stock_policy('N3', 'A', sellable => false);
    PERFORM oms.capture_order(pairdoc('W', 1), now() - interval '6 days');
    PERFORM oms.adjust_stock('N1', 'A', 6), oms.adjust_stock('N2', 'A', 1), oms.set_stock_policy('N3', 'A', sellable => true);
    PERFORM oms.set_inbound('IN', 'N1', 'A', 2, now() + interval '1 day');
    INSERT INTO pairids SELECT 'allocation', allocation_id FROM oms.allocation WHERE order_id = x();
    INSERT INTO pairids SELECT 'parcel', shipment_id FROM oms.shipment WHERE order_id = x();
  END $$;
}

teardown
{
  DELETE FROM oms.allocation; DELETE FROM oms.reservation; DELETE FROM oms.decision_run; DELETE FROM oms.order_line;
  DELETE FROM oms.order_hold; DELETE FROM oms.refund; DELETE FROM oms.shipment; DELETE FROM oms.risk_score; DELETE FROM oms.manifest;
  DELETE FROM oms."order"; DELETE FROM oms.stock_ledger; DELETE FROM oms.event; DELETE FROM oms.reject; DELETE FROM oms.allocation_rejection;
  DELETE FROM oms.line_cancellation; DELETE FROM oms.line_change; DELETE FROM oms.return_line; DELETE FROM oms.return_order;
  DELETE FROM oms.inbound; DELETE FROM oms.inbound_receipt; DELETE FROM oms.stock_quota; DELETE FROM oms.awb_pool; DELETE FROM pairids;
  DELETE FROM oms.stock WHERE company_id = oms.company_id('PAIR');
}
"""

CHECK = """session s3
step sound    { SELECT * FROM pairsound; }
"""


def quoted(sql):
    return "'" + sql.replace("'", "''") + "'"


# These wait 50 ms for a lock and leave the rest for their next run: they go
# first; among themselves the second is given time to give up.
IMPATIENT = ("resolve", "retry")


def partners(name):
    names = [n for n in sorted(CALLS) if n not in IMPATIENT]
    if name in IMPATIENT:
        return names + list(IMPATIENT[IMPATIENT.index(name):])
    me = names.index(name)
    return [other for i, other in enumerate(names) if i == me or (i < me) == ((i + me) % 2 == 0)]


def spec(name):
    what, sql = CALLS[name]
    others = partners(name)
    out = ["# Written by pairs.py: %s, while another session changes the same" % what,
           "# stock.  Whoever comes second sees what the first has done.", "", SETUP,
           "session s1", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }",
           "step begin    { BEGIN; }",
           "step first    { SELECT pair(%s) AS %s; }" % (quoted(sql), name), "step commit   { COMMIT; }"] + (
           ["step pause    { SELECT pg_sleep(0.3) IS NULL AS waited; }"] if name in IMPATIENT else []) + ["",
           "session s2", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }"]
    for other in others:
        out.append("step %-16s { SELECT pair(%s) AS %s; }" % (other, quoted(CALLS[other][1]), other))
    out += ["", CHECK]
    for other in others:
        if other in IMPATIENT:
            out.append("permutation begin first %s(*) pause commit sound" % other)
        else:
            out.append("permutation begin first %s commit sound" % other)
    return "\n".join(out) + "\n"


NEWER = ("amend_down", "amend_up", "cancel_shipment", "dispatch_part", "exchange", "resolve", "short_ship")


def rollback_spec():
    """The first takes back what it did: the second does all of its own."""
    out = ["# Written by pairs.py: the order is cancelled, another session makes its call", "# and waits, and the cancellation is rolled back.", "", SETUP,
           "session s1", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }", "step begin    { BEGIN; }",
           "step first    { SELECT pair(%s) AS cancel_order; }" % quoted(CALLS["cancel_order"][1]), "step undo     { ROLLBACK; }", "",
           "session s2", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }"]
    names = [n for n in sorted(CALLS) if n not in IMPATIENT]
    for name in names:
        out.append("step %-16s { SELECT pair(%s) AS %s; }" % (name, quoted(CALLS[name][1]), name))
    out += ["", CHECK]
    for name in names:
        out.append("permutation begin first %s undo sound" % name)
    return "\n".join(out) + "\n"


def levels_spec():
    """What was changed since the snapshot is not changed again."""
    out = ["# Written by pairs.py: a unit of the order is cancelled after another session's", "# snapshot was taken: its call fails (40001) and changes nothing, or is about",
           "# nothing that was touched.  SERIALIZABLE where the call is young.", "", SETUP,
           "session s1", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }",
           "step first    { SELECT pair(%s) AS cancel_line; }" % quoted(CALLS["cancel_line"][1]), "",
           "session s2", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }",
           "step repeatable { BEGIN ISOLATION LEVEL REPEATABLE READ; }", "step serializable { BEGIN ISOLATION LEVEL SERIALIZABLE; }",
           "step see      { SELECT status FROM oms.\"order\" WHERE order_id = x(); }", "step commit   { COMMIT; }"]
    for name in sorted(CALLS):
        out.append("step %-16s { SELECT pair(%s) AS %s; }" % (name, quoted(CALLS[name][1]), name))
    out += ["", CHECK]
    for name in sorted(CALLS):
        out.append("permutation repeatable see first %s commit sound" % name)
    for name in NEWER:
        out.append("permutation serializable see first %s commit sound" % name)
    return "\n".join(out) + "\n"


RUSH = "oms.capture_order(pairdoc('RUSH', 2) || jsonb_build_object('channel', 'RUSH'))"


def rush_spec(name):
    """An order is accepted in a rush, or made of what was; others come."""
    accepts = name == "accept"
    setup = SETUP.replace("DELETE FROM oms.allocation;", "DELETE FROM oms.accepted_order; DELETE FROM oms.allocation;", 1)
    out = ["# Written by pairs.py: an order of two units %s, while another" % ("is accepted in a rush" if accepts else "that was accepted in a rush is made"),
           "# session changes the same stock.  Whoever comes second sees what the first has done.", "", setup,
           "session s1", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR';",
           "  INSERT INTO oms.channel (company_id, code, name, kind, accept_first) VALUES (oms.company_id('PAIR'), 'RUSH', 'In a rush', 'web', true) ON CONFLICT DO NOTHING; }",
           "step begin    { BEGIN; }", "step accept   { SELECT pair(%s) AS accept; }" % quoted("pairplan(%s)" % RUSH),
           "step complete { SELECT pair('oms.complete_orders()::text') AS complete; }", "step commit   { COMMIT; }",
           "step pause    { SELECT pg_sleep(0.3) IS NULL AS waited; }", "",
           "session s2", "setup         { SET deadlock_timeout = '100ms'; SET oms.company = 'PAIR'; }"]
    for other in sorted(CALLS):
        out.append("step %-16s { SELECT pair(%s) AS %s; }" % (other, quoted(CALLS[other][1]), other))
    out += ["", CHECK]
    for other in sorted(CALLS):
        second = "%s(*) pause" % other if other in IMPATIENT else other
        out.append("permutation begin accept %s commit complete sound" % second if accepts else
                   "permutation accept begin complete %s commit sound" % second)
    if not accepts:
        for other in sorted(CALLS):
            out.append("permutation accept %s complete sound" % other)
    return "\n".join(out) + "\n"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for name in CALLS:
        with open(os.path.join(here, "iso_pair_%s.spec" % name), "w") as file:
            file.write(spec(name))
    for name, text in (("rollback", rollback_spec()), ("levels", levels_spec()), ("accept", rush_spec("accept")), ("complete", rush_spec("complete"))):
        with open(os.path.join(here, "iso_pair_%s.spec" % name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
