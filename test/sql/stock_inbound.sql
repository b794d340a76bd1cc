-- Supply on its way: what it promises, to whom, and what becomes of it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.waits(item text) RETURNS TABLE (external_id text, qty numeric, status text, node text, promised_at timestamptz, counts_on text) LANGUAGE sql AS $$
    SELECT o.external_id, trim_scale(a.qty), a.status, n.code, a.promised_at,
           (SELECT string_agg(i.ref || ' ' || trim_scale(p.qty), ', ' ORDER BY i.ready_at, i.inbound_id) FROM oms.supply_peg p JOIN oms.inbound i USING (company_id, inbound_id)
             WHERE p.company_id = a.company_id AND p.allocation_id = a.allocation_id)
      FROM oms.allocation a JOIN oms."order" o USING (company_id, order_id) JOIN oms.sku k ON k.sku_id = a.sku_id LEFT JOIN oms.node n ON n.node_id = a.node_id
     WHERE a.company_id = 9200 AND k.code = item AND a.status <> 'cancelled' ORDER BY o.external_id COLLATE "C", a.status COLLATE "C", n.code COLLATE "C" $$;
CREATE FUNCTION pg_temp.changes() RETURNS TABLE (external_id text, was text, promised_at text) LANGUAGE sql AS $$
    SELECT o.external_id, e.payload ->> 'was', e.payload ->> 'promised_at' FROM oms.event e JOIN oms."order" o ON o.order_id = e.subject_id AND o.company_id = e.company_id
     WHERE e.company_id = 9200 AND e.topic = 'order' AND e.type = 'order.promise_changed' ORDER BY e.event_id $$;
-- ready Mondays and Thursdays at noon; two working days with the courier, handed over the same day before four
SELECT pg_temp.set_stock(2, 0, 0, 'SHIRT', 'BOOK');
SELECT oms.set_inbound('PO-1', 'BLR', 'SHIRT', 5, '2026-03-09 10:00+05:30', 120, at => '2026-03-02 10:00+05:30') > 0 AS set, oms.set_inbound('PO-2', 'BOM', 'SHIRT', 4, '2026-03-12 12:00+05:30', at => '2026-03-02 10:00+05:30') > 0 AS set;
SELECT ref, qty, due_at, ready_at, state FROM oms.inbound WHERE company_id = 9200 ORDER BY inbound_id;
-- by date: two; two and five; two, five and four
SELECT d, trim_scale(oms.atp('SHIRT', by => d)) AS atp, trim_scale(oms.atp('SHIRT', 'BLR', d)) AS blr FROM unnest('{NULL,2026-03-09 11:59+05:30,2026-03-09 12:00+05:30,2026-03-12 12:00+05:30}'::timestamptz[]) d;
-- a promise takes nothing, however often
SELECT oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 6xSHIRT'), '2026-03-02 10:00+05:30') - 'available' AS promise FROM generate_series(1, 2);
-- each counts on what the others leave; who is not covered has no date
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 6xSHIRT');
SELECT plan FROM pg_temp.took('b', 'WEB 981001 PREPAID 3xSHIRT');
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 3xSHIRT');
SELECT * FROM pg_temp.waits('SHIRT');
SELECT d, trim_scale(oms.atp('SHIRT', by => d)) AS atp FROM unnest('{NULL,2026-03-09 12:00+05:30,2026-03-12 12:00+05:30}'::timestamptz[]) d;
-- in their order
SELECT o.external_id, trim_scale(a.qty) AS qty, trim_scale(a.before) AS before, trim_scale(a.available) AS available
  FROM oms.ordered_atp('SHIRT', by => '2026-03-12 12:00+05:30') WITH ORDINALITY a JOIN oms."order" o USING (order_id) WHERE o.company_id = 9200 ORDER BY a.ordinality;
SELECT * FROM oms.verify();
-- later: those who counted on it are told; nothing changes the second time
SELECT oms.set_inbound('PO-1', 'BLR', 'SHIRT', 5, '2026-03-16 10:00+05:30', 120, at => '2026-03-02 11:00+05:30') > 0 AS set FROM generate_series(1, 2);
SELECT * FROM pg_temp.waits('SHIRT');
SELECT * FROM pg_temp.changes();
-- more of it: the last one has a date now
SELECT oms.set_inbound('PO-2', 'BOM', 'SHIRT', 6, '2026-03-12 12:00+05:30', at => '2026-03-02 11:00+05:30') > 0 AS set;
SELECT * FROM pg_temp.waits('SHIRT');
-- somebody more urgent: not before the next assignment
SELECT plan FROM pg_temp.took('u', 'WEB 981001 PREPAID 2xSHIRT', '{"priority": 5}', '2026-03-02 12:00+05:30');
SELECT oms.repeg_supply(at => '2026-03-02 12:00+05:30') AS changed, oms.repeg_supply(at => '2026-03-02 12:00+05:30') AS again;
SELECT * FROM pg_temp.waits('SHIRT');
-- cancelled: who waited behind moves up
SELECT oms.cancel_order(pg_temp.id('a')), oms.repeg_supply('SHIRT', at => '2026-03-02 12:30+05:30') AS changed;
SELECT * FROM pg_temp.waits('SHIRT');
SELECT trim_scale(oms.atp('SHIRT', by => '2026-03-31')) AS atp;
-- it comes: a part, filled in order, once
SELECT oms.receive_inbound('PO-2', 3, 'R-1', at => '2026-03-12 09:00+05:30') AS filled, oms.receive_inbound('PO-2', 3, 'R-1', at => '2026-03-12 09:00+05:30') AS again;
SELECT * FROM pg_temp.waits('SHIRT');
SELECT ref, qty, received_qty, state FROM oms.inbound WHERE company_id = 9200 ORDER BY inbound_id;
SELECT n.code, l.delta, l.on_hand, l.reason, l.document FROM oms.stock_ledger l JOIN oms.node n USING (node_id) WHERE l.company_id = 9200 AND l.sku_id = 9221 AND l.reason = 'receipt';
SELECT oms.receive_inbound('PO-2', 4, 'R-2', at => '2026-03-12 09:30+05:30') AS filled;
SELECT * FROM pg_temp.waits('SHIRT');
SELECT ref, qty, received_qty, state FROM oms.inbound WHERE company_id = 9200 ORDER BY inbound_id;
SELECT * FROM oms.verify();
-- called off
SELECT plan FROM pg_temp.took('d', 'WEB 981001 PREPAID 9xSHIRT', at => '2026-03-13 10:00+05:30');
SELECT * FROM pg_temp.waits('SHIRT') WHERE external_id = 'd';
SELECT oms.set_inbound('PO-1', 'BLR', 'SHIRT', 0, '2026-03-16 10:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set;
SELECT * FROM pg_temp.waits('SHIRT') WHERE external_id = 'd';
SELECT * FROM pg_temp.changes() OFFSET 2;
-- a part of what waits cancelled: the rest of the supply is free for others
SELECT oms.set_inbound('PO-0', 'BLR', 'RING', 4, '2026-03-20 12:00+05:30', at => '2026-03-13 10:00+05:30') > 0 AS set;
SELECT plan FROM pg_temp.took('p1', 'WEB 981001 PREPAID 3xRING@1000', at => '2026-03-13 11:00+05:30');
SELECT plan FROM pg_temp.took('p2', 'WEB 981001 PREPAID 3xRING@1000', at => '2026-03-13 11:00+05:30');
SELECT oms.cancel_line(pg_temp.id('p1'), 1, 2, request_id => 'q') ->> 'qty' AS cancelled, oms.repeg_supply('RING', at => '2026-03-13 12:00+05:30') AS changed;
SELECT * FROM pg_temp.waits('RING');
SELECT oms.cancel_order(pg_temp.id('p1')), oms.cancel_order(pg_temp.id('p2')), oms.set_inbound('PO-0', 'BLR', 'RING', 0, '2026-03-20 12:00+05:30', at => '2026-03-13 10:00+05:30') > 0 AS set;
-- kits: two shirts and a book; the last component decides
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK'), oms.cancel_order(pg_temp.id('d'));
SELECT sum(available) AS shirts FROM oms.available('SHIRT');
SELECT oms.set_inbound('PO-3', 'BLR', 'SHIRT', 5, '2026-03-17 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set, oms.set_inbound('PO-4', 'BLR', 'BOOK', 1, '2026-03-19 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set,
       oms.set_inbound('PO-5', 'BLR', 'BOOK', 3, '2026-03-24 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set;
SELECT d, trim_scale(oms.atp('PAIR', by => d)) AS pairs FROM unnest('{NULL,2026-03-18,2026-03-20,2026-03-25}'::timestamptz[]) d;
SELECT plan FROM pg_temp.took('k1', 'WEB 981001 PREPAID 1xPAIR', at => '2026-03-13 12:00+05:30');
SELECT plan FROM pg_temp.took('k2', 'WEB 981001 PREPAID 1xPAIR', at => '2026-03-13 12:00+05:30');
SELECT * FROM pg_temp.waits('PAIR');
SELECT d, trim_scale(oms.atp('PAIR', by => d)) AS pairs, trim_scale(oms.atp('BOOK', by => d)) AS books FROM unnest('{2026-03-20,2026-03-25}'::timestamptz[]) d;
-- what waits gets, in its order, the kits that the components make by then
SELECT d, string_agg(concat_ws(' ', o.external_id, trim_scale(a.qty), trim_scale(a.before), trim_scale(a.available)), ', ' ORDER BY a.ordinality) AS ordered, trim_scale(oms.atp('PAIR', by => d, less_waiting => false)) AS pairs
  FROM unnest('{NULL,2026-03-18,2026-03-20,2026-03-25}'::timestamptz[]) d, LATERAL oms.ordered_atp('PAIR', by => d) WITH ORDINALITY a JOIN oms."order" o USING (order_id) WHERE o.company_id = 9200 GROUP BY d ORDER BY d NULLS FIRST;
-- components at two nodes make no kit
SELECT oms.set_inbound('PO-4', 'BLR', 'BOOK', 0, '2026-03-19 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set, oms.set_inbound('PO-BOM', 'BOM', 'BOOK', 1, '2026-03-19 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set;
SELECT sum(a.available) AS available FROM oms.ordered_atp('PAIR', by => '2026-03-20') a;
SELECT oms.set_inbound('PO-BOM', 'BOM', 'BOOK', 0, '2026-03-19 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set, oms.set_inbound('PO-4', 'BLR', 'BOOK', 1, '2026-03-19 12:00+05:30', at => '2026-03-13 11:00+05:30') > 0 AS set;
-- reserved beyond the count: by the supply of that node
SELECT pg_temp.set_stock(1, 0, 0, 'RICE'), oms.set_stock_policy('BLR', 'RICE', backorder_limit => 10);
SELECT plan FROM pg_temp.took('r0', 'WEB 981001 PREPAID 2xRICE', at => '2026-03-13 12:00+05:30');
SELECT * FROM pg_temp.waits('RICE');
SELECT oms.set_inbound('PO-6', 'BLR', 'RICE', 4, '2026-03-20 12:00+05:30', at => '2026-03-13 12:30+05:30') > 0 AS set, oms.set_inbound('PO-7', 'BOM', 'RICE', 9, '2026-03-14 12:00+05:30', at => '2026-03-13 12:30+05:30') > 0 AS set;
SELECT * FROM pg_temp.waits('RICE');
SELECT plan FROM pg_temp.took('r1', 'WEB 981001 PREPAID 3xRICE', at => '2026-03-13 13:00+05:30');
SELECT plan FROM pg_temp.took('r2', 'WEB 981001 PREPAID 1xRICE', at => '2026-03-13 13:00+05:30');
SELECT * FROM pg_temp.waits('RICE');
SELECT oms.receive_inbound('PO-6', 4, 'R-3', at => '2026-03-18 09:00+05:30') AS filled;
SELECT * FROM pg_temp.waits('RICE');
-- nodes of a channel, the node an order names: no other's supply
SELECT oms.set_channel_node('B2B', 'DEL'), oms.set_inbound('PO-8', 'BOM', 'TV', 9, '2026-03-20 12:00+05:30', at => '2026-03-13 12:30+05:30') > 0 AS set;
SELECT plan FROM pg_temp.took('t1', 'B2B 981001 PREPAID 1xTV@100', at => '2026-03-13 13:00+05:30');
SELECT plan FROM pg_temp.took('t2', 'WEB 981001 PREPAID 1xTV@100', '{"fulfilment": {"mode": "SHIP", "node": "DEL"}}', '2026-03-13 13:00+05:30');
SELECT plan FROM pg_temp.took('t3', 'WEB 981001 PREPAID 1xTV@100', at => '2026-03-13 13:00+05:30');
SELECT * FROM pg_temp.waits('TV');
SELECT trim_scale(oms.atp('TV', by => '2026-03-21', channel => 'B2B')) AS b2b, trim_scale(oms.atp('TV', by => '2026-03-21', channel => 'WEB')) AS web, oms.atp('NOTE') AS note;
-- stated anew, too; a promise that was given comes before none, whoever asked first
SELECT oms.set_inbound('PO-8', 'BOM', 'TV', 9, '2026-03-21 12:00+05:30', at => '2026-03-13 14:00+05:30') > 0 AS set, oms.set_inbound('PO-11', 'DEL', 'TV', 1, '2026-03-20 12:00+05:30', at => '2026-03-13 14:00+05:30') > 0 AS set;
SELECT * FROM pg_temp.waits('TV');
-- nobody counts on what comes to a node that is closed
UPDATE oms.node SET open = false WHERE node_id = 9213;
SELECT oms.set_inbound('PO-11', 'DEL', 'TV', 1, '2026-03-20 13:00+05:30', at => '2026-03-13 14:00+05:30') > 0 AS set;
SELECT external_id, counts_on FROM pg_temp.waits('TV') WHERE counts_on <> '';
UPDATE oms.node SET open = true WHERE node_id = 9213;
SELECT oms.set_inbound('PO-11', 'DEL', 'TV', 1, '2026-03-20 12:00+05:30', at => '2026-03-13 14:00+05:30') > 0 AS set;
-- two lines of one order count on different units; cancelled, all of it can be promised at once
SELECT plan FROM pg_temp.took('t4', 'WEB 981001 PREPAID 5xTV@100 5xTV@100', at => '2026-03-13 14:00+05:30');
SELECT i.ref, i.qty AS expected, sum(p.qty) AS promised FROM oms.supply_peg p JOIN oms.inbound i USING (company_id, inbound_id) WHERE p.company_id = 9200 AND p.order_id = pg_temp.id('t4') GROUP BY 1, 2;
SELECT oms.cancel_order(pg_temp.id('t4')), oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 9xTV@100'), '2026-03-13 14:00+05:30') -> 'promised_at' AS promised_at;
-- what comes to a node that rejected the order is not for it, until its time is over
SELECT oms.adjust_stock('BLR', 'TV', 1);
SELECT plan FROM pg_temp.took('t5', 'WEB 981001 PREPAID 1xTV@100', at => '2026-03-13 14:00+05:30');
SELECT oms.reject_allocation(allocation_id, 'BROKEN', '2026-03-25 10:00+05:30', at => '2026-03-13 14:10+05:30') ->> 'status' AS status FROM oms.allocation WHERE order_id = pg_temp.id('t5');
SELECT oms.adjust_stock('BLR', 'TV', 0), oms.set_inbound('PO-12', 'BLR', 'TV', 3, '2026-03-19 12:00+05:30', at => '2026-03-13 15:00+05:30') > 0 AS set;
SELECT external_id, counts_on FROM pg_temp.waits('TV') WHERE external_id IN ('t3', 't5');
SELECT oms.set_inbound('PO-12', 'BLR', 'TV', 3, '2026-03-27 12:00+05:30', at => '2026-03-25 10:00+05:30') > 0 AS set, oms.set_inbound('PO-8', 'BOM', 'TV', 9, '2026-03-28 12:00+05:30', at => '2026-03-25 10:00+05:30') > 0 AS set;
SELECT external_id, counts_on FROM pg_temp.waits('TV') WHERE external_id IN ('t3', 't5');
-- one comes without a receipt: who was promised a date is filled before who has none
SELECT oms.adjust_stock('DEL', 'TV', 1), oms.retry_backorders(10, '2026-03-25 10:00+05:30') AS filled;
SELECT external_id, status, node FROM pg_temp.waits('TV') WHERE external_id IN ('t1', 't2', 't3');
-- two lines of one item: three of the six are beyond the count, all of the second
SELECT oms.adjust_stock('BLR', 'TV', 3), oms.set_stock_policy('BLR', 'TV', backorder_limit => 10);
-- the three that wait would have those there; what may go beyond the count is not there
SELECT trim_scale(oms.atp('TV', 'BLR', at => '2026-03-25 10:00+05:30')) AS atp, trim_scale(available) AS available FROM oms.available('TV', 'BLR', at => '2026-03-25 10:00+05:30');
SELECT p ->> 'qty' AS qty, p ->> 'node' AS node, p ->> 'promised_at' AS promised_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 2xTV@100 4xTV@100'), '2026-03-25 10:00+05:30') -> 'plan') p;
SELECT oms.set_inbound('PO-12', 'BLR', 'TV', 4, '2026-03-27 12:00+05:30', at => '2026-03-25 10:00+05:30') > 0 AS set;
SELECT p ->> 'qty' AS qty, p ->> 'node' AS node, p ->> 'promised_at' AS promised_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 2xTV@100 4xTV@100'), '2026-03-25 10:00+05:30') -> 'plan') p;
SELECT oms.adjust_stock('BLR', 'TV', 0), oms.set_stock_policy('BLR', 'TV', backorder_limit => 0);
-- nothing on its way: by what is usual, of the item at the node, the node, the channel
UPDATE oms.channel SET lead_days = 30 WHERE company_id = 9200 AND code = 'ONE';
SELECT p -> 'supply_at' AS supply_at, p -> 'promised_at' AS promised_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'ONE 981001 PREPAID 1xRING@1000'), '2026-04-01 10:00+05:30') -> 'plan') p;
SELECT oms.adjust_stock('BOM', 'RING', 0), oms.adjust_stock('DEL', 'RING', 0);
UPDATE oms.node SET lead_days = CASE code WHEN 'BOM' THEN 10 ELSE 12 END WHERE company_id = 9200;
SELECT p -> 'supply_at' AS supply_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'ONE 981001 PREPAID 1xRING@1000'), '2026-04-01 10:00+05:30') -> 'plan') p;
UPDATE oms.stock SET lead_days = 7 WHERE company_id = 9200 AND node_id = 9213 AND sku_id = 9226;
SELECT p -> 'supply_at' AS supply_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 1xRING@1000'), '2026-04-01 10:00+05:30') -> 'plan') p;
SELECT plan FROM pg_temp.took('l1', 'WEB 981001 PREPAID 1xRING@1000', at => '2026-04-01 10:00+05:30');
SELECT oms.set_inbound('PO-10', 'BOM', 'RING', 1, '2026-04-03 12:00+05:30', lead_days => 2, at => '2026-04-01 11:00+05:30') > 0 AS set;
SELECT ready_at FROM oms.inbound WHERE company_id = 9200 AND ref = 'PO-10';
SELECT promised_at, counts_on FROM pg_temp.waits('RING');
SELECT oms.set_inbound('PO-10', 'BOM', 'RING', 0, '2026-04-03 12:00+05:30', at => '2026-04-01 12:00+05:30') > 0 AS set;
SELECT promised_at, counts_on FROM pg_temp.waits('RING');
-- kits are filled by what comes of their components: the last one decides
SELECT oms.receive_inbound('PO-3', 5, 'R-5', at => '2026-03-17 12:00+05:30') AS shirts, oms.receive_inbound('PO-4', 1, 'R-6', at => '2026-03-19 12:00+05:30') AS book;
SELECT external_id, status FROM pg_temp.waits('PAIR');
-- a part of it is on its way: the later of the two
SELECT oms.set_inbound('PO-13', 'BOM', 'RING', 2, '2026-05-04 12:00+05:30', at => '2026-04-01 12:00+05:30') > 0 AS set;
SELECT n AS rings, p -> 'supply_at' AS supply_at FROM unnest('{1,3}'::int[]) n, jsonb_array_elements(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID ' || n || 'xRING@1000'), '2026-04-01 13:00+05:30') -> 'plan') p;
-- refused, nothing done
SELECT pg_temp.fails(q) FROM (VALUES ($$SELECT oms.set_inbound(NULL, 'BLR', 'SHIRT', 1, now())$$), ($$SELECT oms.set_inbound('X', 'BLR', 'SHIRT', -1, now())$$),
    ($$SELECT oms.set_inbound('X', 'BLR', 'SHIRT', NULL, now())$$), ($$SELECT oms.set_inbound('X', 'BLR', 'SHIRT', 1, 'infinity')$$), ($$SELECT oms.set_inbound('X', 'BLR', 'SHIRT', 1, now(), -5)$$),
    ($$SELECT oms.set_inbound('X', 'BLR', 'PAIR', 1, now())$$), ($$SELECT oms.set_inbound('X', 'NOWHERE', 'SHIRT', 1, now())$$), ($$SELECT oms.set_inbound('PO-8', 'BLR', 'TV', 1, now())$$),
    ($$SELECT oms.receive_inbound('PO-9', 1, 'R-9')$$), ($$SELECT oms.receive_inbound('PO-8', 0, 'R-9')$$), ($$SELECT oms.receive_inbound('PO-8', 1, NULL)$$), ($$SELECT oms.receive_inbound('PO-8', 1, 'R-1')$$), ($$SELECT oms.receive_inbound('PO-2', 2, 'R-1')$$),
    ($$SELECT oms.atp('NONE')$$), ($$SELECT oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 1xSHIRT', '{"priority": 1.5}'))$$), ($$SELECT oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 1xSHIRT', '{"priority": 101}'))$$)) v (q);
SELECT * FROM oms.verify();
ROLLBACK;
