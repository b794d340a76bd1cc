-- Lines are amended and exchanged: stock, tax, totals, parcels and money in
-- one step, under the caller's number.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(ext text) RETURNS TABLE (status text, total text, lines text, allocations text, parcels text) LANGUAGE sql AS $$
    SELECT o.status, concat_ws(' ', o.total_amount, 'tax', o.tax_amount, 'paid', o.paid_amount),
           (SELECT string_agg(concat_ws(' ', l.line_no, trim_scale(l.qty), '-' || nullif(trim_scale(l.cancelled_qty), 0), l.net_amount), ', ' ORDER BY l.line_no) FROM oms.order_line l WHERE l.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount), ', ' ORDER BY a.line_no, a.node_id, a.status, a.qty)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', n.code, s.direction, s.state, s.declared_value, nullif(s.cod_amount, 0) || ' cash', s.dead_g || ' g'), ', ' ORDER BY s.shipment_id)
              FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ext
$$;
CREATE FUNCTION pg_temp.amend(ext text, lines text, request text, partial boolean DEFAULT false) RETURNS jsonb LANGUAGE sql AS $$
    SELECT oms.amend_lines(pg_temp.id(ext), lines::jsonb, request, partial, at => '2026-03-02 12:00+05:30') - 'order_id' $$;
CREATE FUNCTION pg_temp.swap(ext text, line integer, item text, qty numeric, request text, price numeric DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT a - 'order_id' || jsonb_build_object('return_id', a -> 'return_id' <> 'null') FROM oms.exchange_line(pg_temp.id(ext), line, item, qty, request, price, at => '2026-03-09 12:00+05:30') a $$;
CREATE FUNCTION pg_temp.refunds(ext text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', amount, 'tax', tax_amount, mode), ', ' ORDER BY refund_id) FROM oms.refund WHERE order_id = pg_temp.id(ext) $$;
CREATE VIEW pg_temp.unsound AS SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject !~ 'stock';
DO $$ BEGIN PERFORM pg_temp.set_stock(10, 4, 0, 'SHIRT', 'BOOK'); END $$;

-- more and fewer at once; the parcel grows, its cash follows
SELECT plan FROM pg_temp.took('a', 'WEB 981001 COD 1xSHIRT 2xBOOK');
SELECT pg_temp.amend('a', '[{"line_no": 1, "qty": 2}, {"line_no": 2, "qty": 1}]', 'r1');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
-- once; another content under the same number is refused
SELECT pg_temp.amend('a', '[{"line_no": 1, "qty": 2}, {"line_no": 2, "qty": 1}]', 'r1');
SELECT pg_temp.fails($$SELECT pg_temp.amend('a', '[{"line_no": 1, "qty": 3}]', 'r1')$$);
SELECT * FROM pg_temp.unsound;
-- demand of all lines is summed: 8 more are there at BLR and 4 at BOM, 12 in all
SELECT pg_temp.took('two', 'WEB 981001 PREPAID 1xSHIRT 1xSHIRT') IS NOT NULL AS two;
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT pg_temp.fails($$SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 6}, {"line_no": 2, "qty": 7}]', 'r1')$$);
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 6}, {"line_no": 2, "qty": 6}]', 'r1');
SELECT * FROM pg_temp.story('two');
SELECT pg_temp.stock('SHIRT') AS shirt;
-- what is due is held for; paid, it is lifted
SELECT oms.pay_order(pg_temp.id('two'), 5250);
SELECT * FROM pg_temp.unsound;
-- in part only where the channel lets orders wait
SELECT pg_temp.set_stock(3, 0, 0, 'RICE');
SELECT status FROM pg_temp.took('now', 'NOW 981001 PREPAID 1xRICE');
SELECT pg_temp.fails($$SELECT pg_temp.amend('now', '[{"line_no": 1, "qty": 99}]', 'n1', true)$$);
SELECT oms.cancel_order(pg_temp.id('now'));
-- partial: what is not there waits; fewer again: what waits goes first
SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 8}]', 'r2', true);
SELECT status, total, lines FROM pg_temp.story('two');
SELECT oms.amend_line(pg_temp.id('two'), 1, 5, 'r3') - 'order_id';
SELECT status, total, lines FROM pg_temp.story('two');
SELECT pg_temp.refunds('two');
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM pg_temp.unsound;
-- it grows again: the refund that was due is not any more; one that was paid is due from the buyer
SELECT oms.cancel_line(pg_temp.id('two'), 2, 1, request_id => 'c') -> 'refund' AS refund, pg_temp.refunds('two');
SELECT oms.pay_refund(refund_id, 'UTR') -> 'status' AS status FROM oms.refund WHERE order_id = pg_temp.id('two') ORDER BY refund_id LIMIT 1;
SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 6}, {"line_no": 2, "qty": 6}]', 'r4');
SELECT status, total FROM pg_temp.story('two');
SELECT amount, status, netted FROM oms.refund WHERE order_id = pg_temp.id('two') ORDER BY refund_id;
SELECT oms.pay_order(pg_temp.id('two'), 525), oms.cancel_line(pg_temp.id('two'), 1, 1, request_id => 'd') -> 'refund' AS refund;
SELECT amount, status, netted FROM oms.refund WHERE order_id = pg_temp.id('two') ORDER BY refund_id;
SELECT * FROM pg_temp.unsound;
-- a channel that does not split moves as one; without tax in the price
SELECT plan FROM pg_temp.took('one', 'ONE 981001 PREPAID 1xSHIRT');
SELECT pg_temp.fails($$SELECT pg_temp.amend('one', '[{"line_no": 1, "qty": 3}]', 'r1')$$);
SELECT plan FROM pg_temp.took('b2b', 'B2B 981002 PREPAID 1xBOOK@100 1xSHIRT@500');
SELECT pg_temp.amend('b2b', '[{"line_no": 1, "qty": 3}]', 'r1');
SELECT * FROM pg_temp.story('b2b');
-- all of it none: the order is cancelled
SELECT pg_temp.amend('a', '[{"line_no": 1, "qty": 0}, {"line_no": 2, "qty": 0}]', 'r2');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.fails($$SELECT pg_temp.amend('a', '[{"line_no": 1, "qty": 1}]', 'r3')$$);
SELECT * FROM pg_temp.unsound;
-- refused
SELECT pg_temp.fails(format('SELECT pg_temp.amend(%L, %L, %L)', 'two', l, 'bad')) FROM unnest(ARRAY['[]', '{}', '[{"line_no": 9, "qty": 1}]', '[{"line_no": 1}]', '[{"line_no": 1, "qty": -1}]', '[{"line_no": 1, "qty": 1}, {"line_no": 1, "qty": 2}]']) l;
SELECT pg_temp.fails($$SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 2}]', NULL)$$);
-- nothing is lost in silence: fields, decimals
SELECT pg_temp.fails($$SELECT pg_temp.amend('two', '[{"line_no": 1, "qty": 2, "unit_price": 5}]', 'bad')$$);
SELECT pg_temp.fails(format('SELECT oms.exchange_line(1, 1, %L, %s)', 'BOOK', a)) FROM unnest(ARRAY['0.0005, ''e''', '''NaN'', ''e''', '1, ''e'', 1.999', '1e15, ''e''']) a;
SELECT pg_temp.fails('SELECT oms.cancel_line(1, 1, 0.0005)');
-- nothing is taken for a number 0 or an item ""; a number of a request has an end
SELECT q, pg_temp.fails('SELECT oms.' || q) FROM unnest(ARRAY[$$amend_line(NULL, 1, 1, 'x')$$, $$amend_line(pg_temp.id('two'), NULL, 1, 'x')$$, $$amend_lines(NULL, '[]', 'x')$$, $$cancel_line(NULL, 1)$$, $$cancel_line(1, NULL)$$,
    $$exchange_line(NULL, 1, 'BOOK', 1, 'x')$$, $$exchange_line(1, NULL, 'BOOK', 1, 'x')$$, $$exchange_line(1, 1, NULL, 1, 'x')$$, $$short_ship(NULL, 1)$$, $$dispatch_part(NULL, '[]')$$, $$cancel_shipment(NULL)$$,
    $$reject_allocation(NULL, 'x')$$, $$reroute_allocation(NULL, 'BLR')$$, $$reroute_allocation(1, NULL)$$, $$dispatch_shipment(NULL)$$, $$receive_return(NULL)$$, $$pay_refund(NULL, 'x')$$, $$node_id(NULL)$$,
    $$amend_line(1, 1, 1, repeat('x', 201))$$, $$cancel_line(1, 1, 1, request_id => repeat('x', 201))$$, $$cancel_line(1, 1, 1, request_id => '')$$, $$exchange_line(1, 1, 'BOOK', 1, repeat('x', 201))$$]) q;
-- nor is there a limit below zero
SELECT q, pg_temp.fails('SELECT oms.' || q) FROM unnest(ARRAY['retry_backorders(-1)', 'cancel_parked(max => -1)', 'expire_carts(max => -1)', 'resolve_shortfalls(-1)', 'erp_apply(-1)', 'erp_send(-1)']) q;
SELECT oms.retry_backorders(0), oms.cancel_parked(max => 0), oms.expire_carts(max => 0), oms.resolve_shortfalls(0);
SELECT pg_temp.fails($$SELECT oms.amend_line(-1, 1, 1, 'x')$$);

-- exchanged before it is handed over: a dearer item, the difference is due
DO $$ BEGIN PERFORM pg_temp.set_stock(20, 20, 0, 'SHIRT', 'BOOK'), pg_temp.set_stock(0, 2, 0, 'TV'); END $$;
SELECT plan FROM pg_temp.took('x', 'WEB 981001 PREPAID 2xBOOK');
SELECT pg_temp.swap('x', 1, 'SHIRT', 1, 'e1');
SELECT * FROM pg_temp.story('x');
SELECT pg_temp.swap('x', 1, 'SHIRT', 1, 'e1') -> 'duplicate' AS again;
SELECT pg_temp.fails($$SELECT pg_temp.swap('x', 1, 'TV', 1, 'e1')$$);
SELECT * FROM pg_temp.unsound;
-- a cheaper one, all of the line: the difference is owed
SELECT oms.pay_order(pg_temp.id('x'), 325);
SELECT pg_temp.swap('x', 2, 'BOOK', 1, 'e2', 150);
SELECT * FROM pg_temp.story('x');
SELECT pg_temp.refunds('x');
SELECT * FROM pg_temp.unsound;
-- not there: nothing changes
SELECT oms.set_stock_policy(n, 'TV', sellable => false) FROM unnest('{BLR,BOM,DEL}'::text[]) n;
SELECT pg_temp.fails($$SELECT pg_temp.swap('x', 1, 'TV', 1, 'e3')$$);
SELECT pg_temp.fails(format('SELECT pg_temp.swap(%L, %s)', 'x', a)) FROM unnest(ARRAY['1, ''BOOK'', 1, ''e4''', '1, ''NONE'', 1, ''e4''', '1, ''SHIRT'', 5, ''e4''', '1, ''SHIRT'', 0, ''e4''', '7, ''SHIRT'', 1, ''e4''', '1, ''SHIRT'', 1, NULL', '1, ''BARE'', 1, ''e4''']) a;
SELECT status, total FROM pg_temp.story('x');

-- after delivery: the same item again; the return pays for it, nothing is refunded
SELECT oms.add_awbs('SHOPC', ARRAY(SELECT 'LC' || i FROM generate_series(1, 30) i));
UPDATE oms.node SET accepts_returns = true WHERE company_id = 9200;
SELECT plan FROM pg_temp.took('d', 'WEB 981001 COD 2xSHIRT');
SELECT oms.dispatch_shipment(shipment_id, at => '2026-03-03 10:00+05:30') -> 'state' AS state FROM oms.shipment WHERE order_id = pg_temp.id('d');
UPDATE oms.shipment SET state = 'DELIVERED', delivered_at = '2026-03-05 10:00+05:30' WHERE order_id = pg_temp.id('d');
UPDATE oms.allocation SET status = 'delivered' WHERE order_id = pg_temp.id('d');
UPDATE oms."order" SET status = 'delivered' WHERE order_id = pg_temp.id('d');
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT pg_temp.swap('d', 1, 'SHIRT', 1, 'e1');
SELECT * FROM pg_temp.story('d');
SELECT return_id, credit, kind, status FROM oms.return_order WHERE order_id = pg_temp.id('d') \gset ret_
SELECT :'ret_credit' AS credit, :'ret_kind' AS kind, :'ret_status' AS status;
SELECT pg_temp.swap('d', 1, 'SHIRT', 1, 'e1') -> 'duplicate' AS again;
SELECT * FROM pg_temp.unsound;
SELECT r - 'return_id' - 'lines' FROM oms.receive_return(:ret_return_id) r;
SELECT pg_temp.refunds('d'), pg_temp.stock('SHIRT') AS shirt;
SELECT kind, line_no, new_line_no, return_id = :ret_return_id AS linked FROM oms.line_change WHERE order_id = pg_temp.id('d');
-- a cheaper one: what is left is refunded when the goods are there
SELECT pg_temp.swap('d', 1, 'BOOK', 1, 'e2');
SELECT status, total FROM pg_temp.story('d');
SELECT r -> 'refund' AS refund FROM oms.return_order o, oms.receive_return(o.return_id) r WHERE o.order_id = pg_temp.id('d') AND o.external_id = 'exchange:e2';
SELECT pg_temp.refunds('d');
SELECT * FROM pg_temp.unsound;
-- goods that do not come back pay for nothing
SELECT plan FROM pg_temp.took('n', 'WEB 981001 PREPAID 1xSHIRT');
SELECT oms.dispatch_shipment(shipment_id, at => '2026-03-03 10:00+05:30') -> 'state' AS state FROM oms.shipment WHERE order_id = pg_temp.id('n');
UPDATE oms.shipment SET state = 'DELIVERED', delivered_at = '2026-03-05 10:00+05:30' WHERE order_id = pg_temp.id('n');
UPDATE oms.allocation SET status = 'delivered' WHERE order_id = pg_temp.id('n');
UPDATE oms."order" SET status = 'delivered' WHERE order_id = pg_temp.id('n');
SELECT pg_temp.swap('n', 1, 'SHIRT', 1, 'e1', 600);
SELECT status, total FROM pg_temp.story('n');
SELECT oms.cancel_return(return_id) FROM oms.return_order WHERE order_id = pg_temp.id('n');
SELECT status, total FROM pg_temp.story('n');
SELECT hold, reason FROM oms.order_hold WHERE order_id = pg_temp.id('n') AND resolved_at IS NULL;
SELECT type, payload - 'return_id' AS payload FROM oms.event WHERE company_id = 9200 AND type ~ 'amended|exchange' ORDER BY event_id;
SELECT * FROM pg_temp.unsound;
ROLLBACK;
