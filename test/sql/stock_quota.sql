-- Units set aside for a channel, thresholds of channels, nodes of a channel.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.sees(item text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c || ' ' || coalesce((SELECT trim_scale(sum(available))::text FROM oms.available(item, channel => nullif(c, '-'))), 'none'), ', ' ORDER BY c COLLATE "C")
      FROM unnest('{-,NOW,WEB,B2B}'::text[]) c $$;
CREATE FUNCTION pg_temp.quotas() RETURNS TABLE (channel text, node text, qty numeric, used numeric) LANGUAGE sql AS $$
    SELECT c.code, n.code, trim_scale(q.qty), trim_scale(q.used) FROM oms.stock_quota q JOIN oms.channel c USING (channel_id) JOIN oms.node n ON n.node_id = q.node_id
     WHERE q.company_id = 9200 ORDER BY q.quota_id $$;
SELECT pg_temp.set_stock(10, 0, 0, 'SHIRT', 'BOOK', 'RICE');
-- four of ten for NOW: it sees all, the others six
SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', 4), pg_temp.sees('SHIRT');
SELECT c, pg_temp.plan(oms.promise(pg_temp.doc('p', c || ' 981001 PREPAID 11xSHIRT'))) FROM unnest('{NOW,WEB}'::text[]) c;
-- its own first, then what is common: three of the quota, then one and one
SELECT plan FROM pg_temp.took('n1', 'NOW 981001 PREPAID 3xSHIRT');
SELECT plan FROM pg_temp.took('n2', 'NOW 981001 PREPAID 2xSHIRT');
SELECT * FROM pg_temp.quotas();
SELECT pg_temp.sees('SHIRT'), pg_temp.stock('SHIRT');
SELECT r.qty, r.quota_qty FROM oms.reservation r WHERE r.company_id = 9200 AND r.sku_id = 9221 ORDER BY r.reservation_id;
-- given back to the quota; set again: nothing changes; a cart uses it too and the order that comes of it
SELECT oms.cancel_order(pg_temp.id('n1')), pg_temp.sees('SHIRT');
SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', 4) AS left, count(*) FROM oms.stock_quota WHERE company_id = 9200;
SELECT oms.reserve_cart(pg_temp.doc('c', 'NOW 981001 PREPAID 2xSHIRT', '{"cart_id": "c"}'), '2026-03-02 10:00+05:30') -> 'holds' AS holds;
SELECT * FROM pg_temp.quotas();
SELECT trim_scale(available) AS expired FROM oms.available('SHIRT', 'BLR', channel => 'WEB', at => '2026-03-02 11:00+05:30');
SELECT plan FROM pg_temp.took('n3', 'NOW 981001 PREPAID 4xSHIRT', '{"cart_id": "c"}');
SELECT * FROM pg_temp.quotas();
SELECT r.qty, r.quota_qty, r.state, r.close_reason FROM oms.reservation r WHERE r.company_id = 9200 AND r.sku_id = 9221 ORDER BY r.reservation_id;
-- a part of it cancelled: first what the quota did not give
SELECT oms.cancel_line(pg_temp.id('n3'), 1, 2, request_id => 'q') ->> 'qty' AS cancelled;
SELECT * FROM pg_temp.quotas();
-- gone is used; what is left ends, or runs out
SELECT oms.add_awbs('SHOPC', '{9200000001,9200000002}');
SELECT oms.release_order(pg_temp.id('n2')), oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id) IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('n2') AND s.company_id = 9200;
SELECT * FROM pg_temp.quotas();
SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', 6) AS left, pg_temp.sees('SHIRT');
SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', 6, '2026-03-01') AS left, pg_temp.sees('SHIRT');
SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', 0) AS left, pg_temp.sees('SHIRT');
SELECT * FROM pg_temp.quotas();
-- not enough for all quotas: the older first, nothing twice, nothing idle
SELECT oms.set_stock_quota('BLR', 'BOOK', 'NOW', 6), oms.set_stock_quota('BLR', 'BOOK', 'WEB', 5), pg_temp.sees('BOOK');
SELECT oms.adjust_stock('BLR', 'BOOK', 8), pg_temp.sees('BOOK');
SELECT oms.adjust_stock('BLR', 'BOOK', 4), pg_temp.sees('BOOK');
SELECT status, plan FROM pg_temp.took('w1', 'WEB 981001 PREPAID 1xBOOK');
SELECT status, plan FROM pg_temp.took('n4', 'NOW 981001 PREPAID 4xBOOK');
SELECT oms.adjust_stock('BLR', 'BOOK', 12), pg_temp.sees('BOOK'), oms.retry_backorders(50, '2026-03-02 11:00+05:30') AS tried, pg_temp.sees('BOOK');
-- a threshold above zero is kept back from one channel, below zero it goes so deep
SELECT oms.set_channel_threshold('BLR', 'RICE', 'WEB', 3), oms.set_channel_threshold('BLR', 'RICE', 'B2B', -5), pg_temp.sees('RICE');
SELECT status, plan FROM pg_temp.took('t1', 'WEB 981001 PREPAID 8xRICE');
SELECT status, plan FROM pg_temp.took('t2', 'B2B 981001 PREPAID 9xRICE@50');
SELECT status, plan FROM pg_temp.took('t3', 'WEB 981001 PREPAID 1xRICE');
SELECT pg_temp.stock('RICE'), trim_scale(channel_depth) AS depth, has_terms FROM oms.stock WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9224;
SELECT pg_temp.fails($$SELECT oms.set_channel_threshold('BLR', 'RICE', 'B2B', -3)$$);
SELECT pg_temp.fails($$SELECT oms.set_channel_threshold('BLR', 'RICE', 'B2B', NULL)$$);
-- a count below: what a channel may go beneath it is no shortfall
SELECT oms.adjust_stock('BLR', 'RICE', 8);
SELECT trim_scale(reserved) AS reserved, trim_scale(shortfall) AS shortfall FROM oms.stock WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9224;
SELECT oms.adjust_stock('BLR', 'RICE', 10);
-- numbers are not rounded in silence, and an error names the argument
SELECT pg_temp.fails(format('SELECT oms.%s(%L, %L, %L, %s)', f, 'BLR', 'RICE', 'B2B', q)) FROM unnest('{set_stock_quota,set_channel_threshold}'::text[]) f, unnest('{0.0005,''NaN'',1e12}'::text[]) q;
SELECT pg_temp.fails($$SELECT oms.adjust_stock('BLR', 'RICE', 1.0005)$$);
SELECT pg_temp.fails(format('SELECT oms.adjust_lot(%L, %L, %L, 1, unit_cost => %s)', 'BLR', 'RICE', 'L', c)) FROM unnest('{1.999,-1}'::text[]) c;
SELECT oms.set_channel_threshold('BLR', 'RICE', 'WEB', NULL), pg_temp.sees('RICE');
SELECT pg_temp.fails($$SELECT oms.set_stock_policy('BLR', 'RICE', backorder_limit => 0)$$);
-- kits by their scarcest component, as the channel sees it
SELECT pg_temp.set_stock(10, 0, 0, 'SHIRT', 'BOOK'), oms.set_stock_quota('BLR', 'BOOK', 'NOW', 9), oms.set_stock_quota('BLR', 'BOOK', 'WEB', 0);
SELECT c, (oms.promise(pg_temp.doc('k', c || ' 981001 PREPAID 5xPAIR')) -> 'available' -> 0 ->> 'available') AS pairs FROM unnest('{NOW,WEB}'::text[]) c;
-- a cap: so many at most, with what goes beyond the count, and a pre-order's limit for all
SELECT pg_temp.set_stock(2, 0, 0, 'RING'), oms.set_stock_policy('BLR', 'RING', backorder_limit => 7), oms.set_stock_quota('BLR', 'RING', 'WEB', 5, cap => true), oms.set_stock_quota('BLR', 'RING', 'PRE', 8, cap => true);
SELECT c, (oms.promise(pg_temp.doc('k', c || ' 981001 PREPAID 20xRING@1000')) -> 'available' -> 0 ->> 'available') AS most FROM unnest('{NOW,WEB,PRE,TWO}'::text[]) c;
SELECT plan FROM pg_temp.took('g1', 'WEB 981001 PREPAID 4xRING@1000');
SELECT c, (oms.promise(pg_temp.doc('k', c || ' 981001 PREPAID 20xRING@1000')) -> 'available' -> 0 ->> 'available') AS most FROM unnest('{NOW,WEB,PRE,TWO}'::text[]) c;
SELECT oms.reserve_cart(pg_temp.doc('c', 'WEB 981001 PREPAID 1xRING@1000', '{"cart_id": "pre"}'), '2026-03-02 10:00+05:30') -> 'holds' AS holds;
SELECT plan FROM pg_temp.took('g2', 'WEB 981001 PREPAID 1xRING@1000', at => '2026-03-02 10:01+05:30');
SELECT plan FROM pg_temp.took('g3', 'PRE 981001 PREPAID 9xRING@1000', at => '2026-03-02 10:01+05:30');
SELECT c.code, q.qty, q.used FROM oms.stock_quota q JOIN oms.channel c USING (channel_id) WHERE q.company_id = 9200 AND q.cap ORDER BY q.quota_id;
SELECT oms.cancel_order(pg_temp.id('g1')), oms.cancel_order(pg_temp.id('g3')), oms.release_cart('pre'), oms.cancel_order(pg_temp.id('g2'));
SELECT oms.set_stock_policy('BLR', 'RING', backorder_limit => 0), pg_temp.stock('RING');
-- what is set aside for one is nobody's under a cap; a cap below the count leaves nothing beyond it
CREATE FUNCTION pg_temp.most(VARIADIC channels text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c || ' ' || (oms.promise(pg_temp.doc('k', c || ' 981001 PREPAID 20xRING@1000'), '2026-03-02 10:01+05:30') -> 'available' -> 0 ->> 'available'), ', ' ORDER BY ord) FROM unnest(channels) WITH ORDINALITY u (c, ord) $$;
SELECT pg_temp.set_stock(8, 0, 0, 'RING'), oms.set_stock_quota('BLR', 'RING', 'NOW', 6), pg_temp.most('NOW', 'WEB', 'PRE', 'TWO');
SELECT pg_temp.set_stock(10, 0, 0, 'RING'), oms.set_stock_quota('BLR', 'RING', 'NOW', 4), oms.set_stock_policy('BLR', 'RING', backorder_limit => 7), pg_temp.most('NOW', 'WEB', 'PRE', 'TWO');
-- what the own cart holds of the quota is the own cart's: two quotas of four, six there, the older goes first
SELECT pg_temp.set_stock(6, 0, 0, 'RING'), oms.set_stock_policy('BLR', 'RING', backorder_limit => 0), oms.set_stock_quota('BLR', 'RING', 'TWO', 4), pg_temp.most('NOW', 'TWO');
SELECT oms.reserve_cart(pg_temp.doc('c', 'NOW 981001 PREPAID 3xRING@1000', '{"cart_id": "own"}'), '2026-03-02 10:00+05:30') -> 'holds' -> 0 ->> 'qty' AS held, pg_temp.most('NOW', 'TWO');
SELECT oms.promise(pg_temp.doc('k', 'NOW 981001 PREPAID 9xRING@1000', '{"cart_id": "own"}'), '2026-03-02 10:01+05:30') -> 'available' -> 0 ->> 'available' AS own;
SELECT oms.release_cart('own'), oms.set_stock_quota('BLR', 'RING', 'NOW', 0), oms.set_stock_quota('BLR', 'RING', 'TWO', 0);
-- nodes of its own
SELECT pg_temp.set_stock(10, 10, 10, 'TV');
SELECT oms.set_channel_node('B2B', 'BOM'), oms.set_channel_node('B2B', 'DEL');
SELECT plan FROM pg_temp.took('v1', 'B2B 981001 PREPAID 1xTV@100');
SELECT plan FROM pg_temp.took('v2', 'WEB 981001 PREPAID 1xTV@100');
SELECT what, outcome, reason FROM oms.explain_order(pg_temp.id('v1')) WHERE subject = 'node' ORDER BY what COLLATE "C";
SELECT oms.set_channel_node('B2B', 'BOM', false), oms.set_channel_node('B2B', 'DEL', false);
SELECT status, plan FROM pg_temp.took('v3', 'B2B 981001 PREPAID 1xTV@100');
-- what a threshold allows beyond the count is no shortfall any more
SELECT oms.adjust_stock('BLR', 'TV', 0);
SELECT trim_scale(shortfall) AS shortfall FROM oms.stock WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9222;
SELECT oms.set_channel_threshold('BLR', 'TV', 'WEB', -1);
SELECT trim_scale(shortfall) AS shortfall FROM oms.stock WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9222;
-- several carts of one owner
SELECT pg_temp.set_stock(3, 0, 0, 'RING');
SELECT count(oms.reserve_cart(pg_temp.doc('c', 'NOW 981001 PREPAID 1xRING@1000', jsonb_build_object('cart_id', c)), '2026-03-02 10:00+05:30')) FROM unnest('{c1,c2,c3}'::text[]) c;
SELECT oms.promise(pg_temp.doc('p', 'NOW 981001 PREPAID 3xRING@1000', more), '2026-03-02 10:01+05:30') -> 'available' -> 0 ->> 'available' AS available
  FROM (VALUES ('{}'::jsonb), ('{"cart_id": "c1"}'), ('{"cart_ids": ["c1", "c3"]}'), ('{"cart_id": "c1", "cart_ids": ["c2", "c3"]}')) v (more);
SELECT plan FROM pg_temp.took('r', 'NOW 981001 PREPAID 2xRING@1000', '{"cart_ids": ["c1", "c3"]}', '2026-03-02 10:01+05:30');
SELECT cart_id, state, close_reason FROM oms.reservation WHERE company_id = 9200 AND cart_id ~ '^c[123]' ORDER BY cart_id;
-- refused, nothing done
SELECT pg_temp.fails(q) FROM (VALUES ($$SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', -1)$$), ($$SELECT oms.set_stock_quota('BLR', 'PAIR', 'NOW', 1)$$),
    ($$SELECT oms.set_stock_quota('NOWHERE', 'SHIRT', 'NOW', 1)$$), ($$SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOSUCH', 1)$$), ($$SELECT oms.set_stock_quota('BLR', 'SHIRT', NULL, 1)$$), ($$SELECT oms.set_stock_quota('BLR', 'SHIRT', 'NOW', NULL)$$),
    ($$SELECT oms.set_channel_threshold('BLR', 'NONE', 'NOW', 1)$$), ($$SELECT oms.set_channel_node('WEB', 'BLR', NULL)$$),
    ($$SELECT oms.promise(pg_temp.doc('p', 'NOW 981001 PREPAID 3xRING@1000', '{"cart_ids": "c"}'))$$), ($$SELECT oms.promise(pg_temp.doc('p', 'NOW 981001 PREPAID 3xRING@1000', '{"cart_ids": [1]}'))$$)) v (q);
SELECT * FROM oms.verify();
ROLLBACK;
