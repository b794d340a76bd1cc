-- orders: capture, promise, carts, holds, cancellation, retry of backorders.

CREATE FUNCTION oms.capture_order(document jsonb, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 -- sets search_path itself
AS 'MODULE_PATHNAME', 'oms_capture_order';
COMMENT ON FUNCTION oms.capture_order(jsonb, timestamptz) IS
    'Takes one canonical order (doc/order.schema.json) in this transaction: checked, de-duplicated, scored, planned, reserved, taxed, given to couriers. Answers with order_id, status, promised_at, total, tax, risk, holds and plan. The same order again changes nothing and answers "duplicate": true. Raises OM001 invalid document, OM002 unknown channel, item or node, OM005 same number with another content, OM101 out of stock (counter sales, and channels without backorders), OM103 a counter sale at a node without counter, OM201 no GST rate, OM202 invalid GSTIN, OM301 no risk model.';

CREATE FUNCTION oms.capture_orders(documents text[], at timestamptz DEFAULT now(),
    OUT seq integer, OUT ok boolean, OUT answer jsonb, OUT sqlstate text, OUT message text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_capture_orders';
COMMENT ON FUNCTION oms.capture_orders(text[], timestamptz) IS
    'Takes many orders, each as oms.capture_order does (whole, also on a channel that accepts first); one that is refused lands in oms.reject with its reason and the others go on. One row per document in order: seq from 1, ok, the answer, or SQLSTATE and message of the refusal.';

CREATE FUNCTION oms.complete_orders(max integer DEFAULT 256) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS 'MODULE_PATHNAME', 'oms_complete_orders';
COMMENT ON FUNCTION oms.complete_orders(integer) IS
    'Makes the orders of what was accepted in a rush (oms.accepted_order), oldest first, at most max of them; returns how many. One that cannot be made stays, with the reason, and is tried again after 1, 2, 4 ... minutes (event order.not_completed, once); what another transaction is busy with is left for the next call. Run by the worker. Raises OM001 for a negative max.';

CREATE FUNCTION oms.complete_order(order_id bigint, company text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_complete_order';
COMMENT ON FUNCTION oms.complete_order(bigint, text) IS
    'Makes the order of one that was accepted in a rush, now; every call on the order does so by itself. False when none is accepted under this number (any more). Raises what oms.capture_order raises of the document.';

CREATE FUNCTION oms.refuse_order(order_id bigint, reason text, company text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_refuse_order';
COMMENT ON FUNCTION oms.refuse_order(bigint, text, text) IS
    'Refuses an order that was accepted in a rush and cannot be made (oms.accepted_order.error): its stock is given back, its document kept in oms.reject, event order.refused; the channel may send its number again. False when none is accepted under this number (any more). Raises OM001 without a reason.';

CREATE FUNCTION oms.promise(document jsonb, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_promise';
COMMENT ON FUNCTION oms.promise(jsonb, timestamptz) IS
    'What would become of a canonical order (only channel, ship_to and lines are needed) if it came now: complete, serviceable, promised_at, availability by line, and the plan of the very planner that captures. Reserves nothing; works on a standby. Raises as capture_order does.';

CREATE FUNCTION oms.rules_of(document jsonb, at timestamptz DEFAULT now())
RETURNS TABLE (line_no integer, sku text, sourcing_rule_id integer)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 ROWS 3
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_rules_of';
COMMENT ON FUNCTION oms.rules_of(jsonb, timestamptz) IS
    'The rule of sourcing that each line of a canonical order would fall under at that moment, and in the first row (line_no NULL) the order''s own: the one all lines share, else the most specific that names neither item nor class. NULL: no rule matches, the defaults count. Changes nothing. Raises as oms.promise.';

CREATE FUNCTION oms.reserve_cart(document jsonb, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_reserve_cart';
COMMENT ON FUNCTION oms.reserve_cart(jsonb, timestamptz) IS
    'Holds the lines of a cart (cart_id, channel, ship_to, lines) for channel.cart_ttl; called again it replaces what the cart held. An order that names the cart_id converts it without a gap. Raises OM101 naming every short item, with nothing held.';

CREATE FUNCTION oms.release_cart(cart_id text, company text DEFAULT NULL) RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_release_cart';
COMMENT ON FUNCTION oms.release_cart(text, text) IS
    'Gives back what a cart holds; returns the units given back, 0 the second time.';

CREATE FUNCTION oms.expire_carts(at timestamptz DEFAULT now(), max integer DEFAULT 1000) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_expire_carts';
COMMENT ON FUNCTION oms.expire_carts(timestamptz, integer) IS
    'Closes holds of carts that have expired (they have counted no more since); returns the number of carts, at most max. Run by the worker. Raises OM001 for max below zero.';

CREATE FUNCTION oms.hold_order(order_id bigint, hold text, reason text, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_hold_order';
COMMENT ON FUNCTION oms.hold_order(bigint, text, text, text) IS
    'Holds an order that is not released yet, for a reason that people can read (no personal data: it goes into an event); its stock stays reserved. An open hold of that kind stays as it is. Returns the order''s status. Raises OM001 for the kind, OM002, OM004 from release on.';

CREATE FUNCTION oms.lift_hold(order_id bigint, hold text DEFAULT NULL, by text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_lift_hold';
COMMENT ON FUNCTION oms.lift_hold(bigint, text, text, text) IS
    'Lifts a hold of an order (every open one where NULL); returns the order''s status. Raises OM002.';

CREATE FUNCTION oms.reject_hold(order_id bigint, hold text DEFAULT NULL, by text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_reject_hold';
COMMENT ON FUNCTION oms.reject_hold(bigint, text, text, text) IS
    'Rejects a hold: the order is cancelled, its stock given back; returns the order''s status. Raises OM002, OM004 when something was shipped.';

CREATE FUNCTION oms.pay_order(order_id bigint, amount numeric, reference text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_pay_order';
COMMENT ON FUNCTION oms.pay_order(bigint, numeric, text, text) IS
    'Books a payment. An order paid in full is prepaid from here on: nothing is collected for it and its holds PREPAID_ONLY, COD_CONFIRM and PAYMENT are lifted. Returns the order''s status. Raises OM001 above what is due, OM002, OM004 for a cancelled order.';

CREATE FUNCTION oms.release_order(order_id bigint, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_release_order';
COMMENT ON FUNCTION oms.release_order(bigint, text) IS
    'Gives what is reserved to the nodes for picking, no more: what waits goes on waiting; returns the order''s status. Raises OM501 while holds are open, OM002, OM004 for a cancelled order.';

CREATE FUNCTION oms.cancel_order(order_id bigint, reason text DEFAULT 'BUYER', company text DEFAULT NULL, rest boolean DEFAULT false) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_cancel_order';
COMMENT ON FUNCTION oms.cancel_order(bigint, text, text, boolean) IS
    'Cancels an order nothing of which was shipped: stock goes back exactly, parcels are cancelled, what was paid is owed to the buyer (oms.refund). With rest, where a part was shipped, cancels what was not: each line costs less by it. Asked again it changes nothing. Returns the order''s status. Raises OM002, without rest OM004 when something was shipped.';

CREATE FUNCTION oms.cancel_line(order_id bigint, line_no integer, qty numeric DEFAULT NULL, reason text DEFAULT 'BUYER', request_id text DEFAULT NULL, company text DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_cancel_line';
COMMENT ON FUNCTION oms.cancel_line(bigint, integer, numeric, text, text, text) IS
    'Cancels qty units of a line (NULL: all that is not handed over): first what waits, then what is least far. Their stock goes back exactly, the order costs less by their share of the line, parcels and their cash follow, what was paid too much is owed to the buyer (oms.refund). The last of an order cancels the order. The same request_id again changes nothing and answers duplicate true; it is needed with qty. Answer: {order_id, line_no, qty, amount, refund, status, duplicate}. Raises OM001, OM002, OM004 more than can be cancelled, OM005 the request_id was used for something else.';

CREATE FUNCTION oms.reject_allocation(allocation_id bigint, reason text, exclude_until timestamptz DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_reject_allocation';
COMMENT ON FUNCTION oms.reject_allocation(bigint, text, timestamptz, text, timestamptz) IS
    'The node cannot supply an allocation that is reserved, released or picked: its stock is given back, the node is not asked again for this order until exclude_until (NULL: for good), and other nodes are planned at once; what no node has waits as backordered. On a channel that does not split, all of the order that is not packed goes with it. Answer: {allocation_id, order_id, status, duplicate, plan}; plan is what the line''s allocations are now. Asked again it changes nothing and answers duplicate true. Raises OM001 without a reason, OM002, OM004 for any other status.';

CREATE FUNCTION oms.reroute_allocation(allocation_id bigint, node text, company text DEFAULT NULL, at timestamptz DEFAULT now(), qty numeric DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_reroute_allocation';
COMMENT ON FUNCTION oms.reroute_allocation(bigint, text, text, timestamptz, numeric) IS
    'Moves an allocation that waits, is reserved, released or picked, or qty units of it (they become an allocation of their own), to the node named, checked there like a new plan: stock, area, refusals; tax by its state, courier chosen anew. All of it or an error; the allocation keeps its number and is reserved. On a channel that does not split, all of the order at the old node that is not packed goes with it. Where it already is at that node nothing changes and the answer says duplicate true. Answer as of oms.reject_allocation. Raises OM001 a quantity it has not, OM002, OM004 for any other status, OM101, OM103 the node is refused, OM401 no courier from there.';

CREATE FUNCTION oms.retry_backorders(max integer DEFAULT 50, at timestamptz DEFAULT now()) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS 'MODULE_PATHNAME', 'oms_retry_backorders';
COMMENT ON FUNCTION oms.retry_backorders(integer, timestamptz) IS
    'Plans again what waits for stock, where some has come: by priority of the order (highest first), promised date, order_id; returns the number of orders of which something was reserved. An order or stock row that another transaction is busy with is left for the next call. Run by the worker. Raises OM001 for max below zero.';

CREATE FUNCTION oms.cancel_parked(at timestamptz DEFAULT now(), max integer DEFAULT 50) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS 'MODULE_PATHNAME', 'oms_cancel_parked';
COMMENT ON FUNCTION oms.cancel_parked(timestamptz, integer) IS
    'Cancels (reason UNFILLED) what still waits of orders whose time in parking is over (oms.parking.cancel_at), at most max of them; what is planned of them goes on, and one of which nothing waits any more only ends its parking. Returns the number of orders of which something was cancelled. Orders that another transaction is busy with are left for the next call. Run by the worker. Raises OM001 for max below zero.';

CREATE FUNCTION oms.parked_orders(company text DEFAULT NULL)
RETURNS TABLE (order_id bigint, queue text, reason text, parked_at timestamptz, cancel_at timestamptz, waiting numeric)
LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.order_id, p.queue, p.reason, p.parked_at, p.cancel_at, sum(a.qty)
      FROM oms.parking p
      JOIN oms.allocation a ON a.company_id = p.company_id AND a.order_id = p.order_id AND a.status = 'backordered'
     WHERE p.company_id = oms.company_id($1) AND p.ended_at IS NULL
     GROUP BY 1, 2, 3, 4, 5 ORDER BY p.parked_at, p.order_id
$$;
COMMENT ON FUNCTION oms.parked_orders(text) IS
    'Orders that are parked now, oldest first: queue, reason, since when, when what waits will be cancelled (NULL: never), and how many stock units wait. Raises OM002.';

CREATE FUNCTION oms.ordered_atp(sku text, company text DEFAULT NULL, by timestamptz DEFAULT NULL)
RETURNS TABLE (order_id bigint, line_no integer, placed_at timestamptz, qty numeric, before numeric, available numeric)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    whose integer := oms.company_id(company);
    -- NULL for an item that is not counted: as much as anybody wants
    free numeric := coalesce(oms.atp(sku, by => by, company => company, less_waiting => false), 'infinity');
BEGIN
    RETURN QUERY WITH line AS (
        SELECT a.order_id, a.line_no, o.placed_at, o.priority, min(a.promised_at) AS promised_at, sum(a.qty) AS qty
          FROM oms.allocation a
          JOIN oms.sku k ON k.sku_id = a.sku_id AND k.company_id = a.company_id
          JOIN oms."order" o ON o.company_id = a.company_id AND o.order_id = a.order_id
         WHERE a.company_id = whose AND k.code = sku AND a.status = 'backordered'
         GROUP BY a.order_id, a.line_no, o.placed_at, o.priority
    ), waiting AS (
        SELECT l.*, coalesce(sum(l.qty) OVER (rank ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before, row_number() OVER rank AS rank
          FROM line l WINDOW rank AS (ORDER BY l.priority DESC, l.promised_at NULLS LAST, l.order_id, l.line_no)
    )
    SELECT w.order_id, w.line_no, w.placed_at, w.qty, w.before, least(w.qty, greatest(free - w.before, 0))
      FROM waiting w ORDER BY w.rank;
END $$;
COMMENT ON FUNCTION oms.ordered_atp(text, text, timestamptz) IS
    'Which waiting lines of an item (code) the stock that is free now would reach, with the supply that is ready by a moment (NULL: none), in the order in which oms.retry_backorders serves them (priority of the order, highest first; promised date; order_id, line_no): before is what the lines ahead wait for, available = least(qty, greatest(free - before, 0)), in stock units. free is oms.atp with nothing taken off for what waits: of a kit the whole ones that its components make. Lines that wait for a kit are not among those of a component, nor those of a component among a kit''s. Raises OM002 for an unknown item.';

CREATE FUNCTION oms.resolve_shortfalls(max integer DEFAULT 50, at timestamptz DEFAULT now(), company text DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS 'MODULE_PATHNAME', 'oms_resolve_shortfalls';
COMMENT ON FUNCTION oms.resolve_shortfalls(integer, timestamptz, text) IS
    'Where counts are below what is reserved (stock.shortfall), takes the missing units off the newest orders and does with them what oms.shortfall_policy says: other nodes, waiting, or cancelled. What is picked or packed is not touched (see oms.shortfalls), holds of carts give way by themselves. Looks at max stock rows (NULL: 50) of the company, or of all where NULL; returns the number of times an order gave up units. What another transaction is busy with is left for the next call. Events order.shortfall, stock.shortfall_resolved. Run by the worker. Raises OM001 for max below zero, OM002 for an unknown company.';

CREATE FUNCTION oms.shortfalls(company text DEFAULT NULL)
RETURNS TABLE (node text, sku text, on_hand numeric, reserved numeric, shortfall numeric, carts numeric, waiting_release numeric, released numeric, picked numeric, leaving numeric)
LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.code, k.code, s.on_hand, s.reserved, s.shortfall,
           coalesce(sum(r.qty) FILTER (WHERE r.cart_id IS NOT NULL), 0),
           coalesce(sum(r.qty) FILTER (WHERE a.status = 'reserved'), 0),
           coalesce(sum(r.qty) FILTER (WHERE a.status = 'released'), 0),
           coalesce(sum(r.qty) FILTER (WHERE a.status IN ('picked', 'packed')), 0),
           coalesce(sum(r.qty) FILTER (WHERE r.state = 'leaving'), 0)
      FROM oms.stock s
      JOIN oms.node n ON n.node_id = s.node_id
      JOIN oms.sku k ON k.sku_id = s.sku_id
      LEFT JOIN oms.reservation r ON r.company_id = s.company_id AND r.node_id = s.node_id AND r.sku_id = s.sku_id AND r.state <> 'closed'
      LEFT JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id
     WHERE s.company_id = oms.company_id($1) AND s.shortfall > 0
     GROUP BY n.code, k.code, s.company_id, s.node_id, s.sku_id
     ORDER BY n.code COLLATE "C", k.code COLLATE "C"
$$;
COMMENT ON FUNCTION oms.shortfalls(text) IS
    'Items counted below what is reserved, and by whom they are held, in stock units: carts, orders not released, released, picked or packed, handed over and not booked by the ERP. oms.resolve_shortfalls takes from the second and, where the policy says so, the third; the rest is for people to settle: unpack, or correct the count.';

CREATE FUNCTION oms.short_ship(allocation_id bigint, picked numeric, reason text DEFAULT 'NOT_FOUND', shelf numeric DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_short_ship';
COMMENT ON FUNCTION oms.short_ship(bigint, numeric, text, numeric, text, timestamptz) IS
    'A node found picked units (stock units, down to 0) of an allocation that is reserved, released or picked: these are picked and keep its number, the rest is taken off the node, which is not asked again for this order, and becomes what oms.shortfall_policy says: sourced from other nodes, waiting, or cancelled (leave: waiting). On a channel that does not split, all of the order at the node goes along, unless the rest is cancelled. shelf, where the count is ours: how many units are left on the shelf beside those picked and packed; the count is set by it. All found: the allocation is picked, nothing else. Asked again with the same number it changes nothing and answers duplicate true. Answer as of oms.reject_allocation, with resourced, backordered and cancelled units. Raises OM001, OM002, OM004 for any other status, OM501 order on hold.';

CREATE FUNCTION oms.dispatch_part(shipment_id bigint, lines jsonb, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_dispatch_part';
COMMENT ON FUNCTION oms.dispatch_part(bigint, jsonb, text, timestamptz) IS
    'Hands over a part of a parcel: lines [{line_no, qty}] go as oms.dispatch_shipment does it, in the parcel and under its AWB number; what stays behind becomes a parcel of its own from the same node, with its share of the cash. A line named twice adds up; all of it is a plain hand-over. Asked again it answers with duplicate true. Answer: that of oms.dispatch_shipment, and rest, the shipment_id of the other parcel or null. Raises OM001 more than the parcel has, OM002, OM004 (also where the channel does not split), OM101 fewer counted than would leave, OM401, OM403, OM501.';

CREATE FUNCTION oms.cancel_shipment(shipment_id bigint, reason text DEFAULT 'SELLER', company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_cancel_shipment';
COMMENT ON FUNCTION oms.cancel_shipment(bigint, text, text, timestamptz) IS
    'Cancels a parcel, not its goods: they are unpacked, given back and planned anew at once, what no node has waits. One that was handed over is recalled as long as the courier has reported nothing and the ERP was not told: its goods are held again, the count is as before. Asked again it answers duplicate true. Answer: {shipment_id, order_id, allocations, waiting, status, duplicate}; waiting is how many allocations of the order wait. Raises OM002, OM004 on its way, ended, or a pickup from a customer.';

CREATE FUNCTION oms.set_inbound(ref text, node text, sku text, qty numeric, due_at timestamptz, lead_minutes integer DEFAULT 0, document text DEFAULT NULL,
    company text DEFAULT NULL, at timestamptz DEFAULT NULL, lead_days integer DEFAULT 0) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_set_inbound';
COMMENT ON FUNCTION oms.set_inbound(text, text, text, numeric, timestamptz, integer, text, text, timestamptz, integer) IS
    'States a supply on its way by the caller''s number (ref): so many stock units of an item (code) still expected at a node (code), arriving at due_at and ready to be picked lead_days (working days of the company) and lead_minutes later. The same ref again states it anew: later, less, more; qty 0 cancels it. What waits is promised by it in the order of oms.ordered_atp, and who was promised otherwise gets the new date and an event order.promise_changed. Returns inbound_id. Raises OM001 for a missing ref, qty or date, a negative number or a kit, OM002 for an unknown node or item, OM005 where the ref is of another node or item.';

CREATE FUNCTION oms.receive_inbound(ref text, qty numeric, receipt_id text, company text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_receive_inbound';
COMMENT ON FUNCTION oms.receive_inbound(text, numeric, text, text, timestamptz) IS
    'Books that so many stock units of a supply (oms.set_inbound) came: less is expected, the count rises with a ledger row (not where the ERP counts: its count brings them), and what waits for the item is filled in the order of oms.ordered_atp in the same transaction. Returns the number of orders of which something was reserved; the same receipt_id again changes nothing and returns the same. Orders that another transaction is busy with are left for oms.retry_backorders. Raises OM001 for a missing number or quantity, OM002 for an unknown ref, OM005 for a receipt_id used with another content.';

CREATE FUNCTION oms.repeg_supply(sku text DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_repeg_supply';
COMMENT ON FUNCTION oms.repeg_supply(text, text, timestamptz) IS
    'Assigns supply on its way to what waits for it anew, by priority, promised date and allocation, for one item (code) or all (NULL), where something has changed since: an order cancelled, or a more urgent one come. Returns how many promised dates changed, each with an event order.promise_changed. An order that another transaction is busy with keeps its date until the next call. Run by the worker. Raises OM002.';

CREATE FUNCTION oms.amend_lines(order_id bigint, lines jsonb, request_id text, partial boolean DEFAULT false, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_amend_lines';
COMMENT ON FUNCTION oms.amend_lines(bigint, jsonb, text, boolean, text, timestamptz) IS
    'New quantities of lines that are not handed over, all in one step or none: lines [{line_no, qty}], qty (stock units, 0: none) being what is wanted of the line in all from now on. Fewer: given back as by oms.cancel_line, what waits first. More: at the line''s unit price, planned and reserved as at capture, or OM101 with nothing changed; with partial, where the channel takes backorders, what is not there waits. Demand of all lines is summed. Tax, totals, parcels and cash follow; only the difference is refunded or due (a prepaid order with something due is held: PAYMENT). The same request_id again changes nothing and answers duplicate true. Answer: {order_id, added, taken, refund, due, waiting, status, duplicate}, rupees and units. Raises OM001, OM002, OM004 more cannot be added or fewer is handed over already, OM005 the request_id was used for something else, OM101.';

CREATE FUNCTION oms.amend_line(order_id bigint, line_no integer, qty numeric, request_id text, partial boolean DEFAULT false, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp AS $$
    SELECT oms.amend_lines($1, jsonb_build_array(jsonb_build_object('line_no', $2, 'qty', $3)), $4, $5, $6, $7)
$$;
COMMENT ON FUNCTION oms.amend_line(bigint, integer, numeric, text, boolean, text, timestamptz) IS
    'oms.amend_lines of one line: qty (stock units) is what is wanted of it in all from now on. Answers and raises as that.';

CREATE FUNCTION oms.exchange_line(order_id bigint, line_no integer, sku text, qty numeric, request_id text, unit_price numeric DEFAULT NULL, reason text DEFAULT 'SIZE', company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_exchange_line';
COMMENT ON FUNCTION oms.exchange_line(bigint, integer, text, numeric, text, numeric, text, text, timestamptz) IS
    'Exchanges qty units (stock units) of a line for as many of another item, a new line of the order, at unit_price (rupees, as the channel prices; NULL: the list price). Not handed over: the units are cancelled and the new ones reserved in one step. Delivered (also for the same item): a return with its pickup is made for reason (oms.reason_code, kind return), the new line is reserved, and what the returned goods are worth pays for it; only what is worth more is refunded when they arrive. All or OM101; only the difference is refunded or due (a prepaid order with something due is held: PAYMENT). The same request_id again changes nothing and answers duplicate true. Answer: {order_id, line_no, new_line_no, qty, added, taken, credited, refund, due, return_id, status, duplicate}. Raises OM001, OM002, OM004 not so much can be exchanged, OM005 the request_id was used for something else, OM101, OM502.';
