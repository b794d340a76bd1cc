-- Goods of a node that are too heavy for one parcel go in several.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(20, 20, 20, 'SHIRT', 'BOOK', 'TV', 'RICE');
UPDATE oms.sku SET weight_g = CASE code WHEN 'SHIRT' THEN 400 WHEN 'BOOK' THEN 300 WHEN 'TV' THEN 5000 WHEN 'RICE' THEN 1000 ELSE 500 END WHERE company_id = 9200;
CREATE FUNCTION pg_temp.parcels(ext text) RETURNS TABLE (parcel bigint, node text, grams integer, value numeric, cash numeric, state text, holds text) LANGUAGE sql AS $$
    SELECT row_number() OVER (ORDER BY s.shipment_id), n.code, s.dead_g, s.declared_value, s.cod_amount, s.state,
           (SELECT string_agg(trim_scale(a.qty) || 'x' || k.code || CASE WHEN a.status = 'reserved' THEN '' ELSE ' ' || a.status END, ', ' ORDER BY k.code COLLATE "C", a.allocation_id)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) WHERE a.shipment_id = s.shipment_id)
      FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = pg_temp.id(ext)
$$;
-- no limit: one parcel of 1,800 g
SELECT status, plan FROM pg_temp.took('none', 'ONE 981001 PREPAID 3xSHIRT 2xBOOK');
SELECT * FROM pg_temp.parcels('none');
INSERT INTO oms.sourcing_rule (company_id, max_parcel_g) VALUES (9200, 1000);
-- the heaviest first, each where there is room: two shirts; a shirt and both books
SELECT status, plan FROM pg_temp.took('two', 'ONE 981001 COD 3xSHIRT 2xBOOK');
SELECT * FROM pg_temp.parcels('two');
SELECT total_amount FROM oms."order" WHERE order_id = pg_temp.id('two');
SELECT terms ->> 'parcels' AS parcels FROM oms.decision WHERE order_id = pg_temp.id('two') AND subject = 'plan' AND outcome = 'chosen';
-- what fits goes in one; what is too heavy by itself goes alone; loose goods by weight; a kit stays whole
SELECT status FROM pg_temp.took('fits', 'ONE 981001 PREPAID 1xSHIRT 2xBOOK');
SELECT * FROM pg_temp.parcels('fits');
SELECT status FROM pg_temp.took('heavy', 'ONE 981001 PREPAID 2xTV@2000 1xBOOK');
SELECT * FROM pg_temp.parcels('heavy');
SELECT status FROM pg_temp.took('loose', 'ONE 981001 PREPAID 2.5xRICE');
SELECT * FROM pg_temp.parcels('loose');
SELECT status FROM pg_temp.took('kit', 'ONE 981001 PREPAID 3xPAIR');
SELECT * FROM pg_temp.parcels('kit');
-- a part is cancelled: its parcel shrinks, an empty one ends
SELECT oms.cancel_line(pg_temp.id('two'), 2) ->> 'status' AS status;
SELECT * FROM pg_temp.parcels('two');
SELECT oms.cancel_line(pg_temp.id('two'), 1, 2, request_id => 'q') ->> 'status' AS status;
SELECT parcel, cash, state, holds FROM pg_temp.parcels('two');
-- a promise says the same, two parcels of a node are one for the limit on splits, and slots
UPDATE oms.node SET capacity = 10, capacity_unit = 'units' WHERE code = 'BLR' AND company_id = 9200;
UPDATE oms.node SET capacity = 10 WHERE code = 'BOM' AND company_id = 9200;
SELECT pg_temp.plan(oms.promise(pg_temp.doc('p', 'TWO 981001 PREPAID 5xSHIRT'), '2026-03-02 10:00+05:30'));
SELECT status FROM pg_temp.took('slot', 'TWO 981001 PREPAID 5xSHIRT', '{"fulfilment": {"mode": "SHIP", "node": "BLR"}}');
SELECT status FROM pg_temp.took('place', 'TWO 981001 PREPAID 5xSHIRT', '{"fulfilment": {"mode": "SHIP", "node": "BOM"}}');
SELECT n.code, count(*) AS parcels, sum(u.qty) AS taken, min(t.used) AS used FROM oms.slot_use u JOIN oms.node n USING (node_id) JOIN oms.node_slot t USING (node_id, starts_at) GROUP BY 1 ORDER BY 1;
SELECT oms.cancel_order(pg_temp.id('slot')), oms.cancel_order(pg_temp.id('place'));
SELECT sum(used) AS used FROM oms.node_slot;
-- rerouted: the allocation's number stays with its first part
UPDATE oms.node SET capacity = NULL WHERE company_id = 9200;
UPDATE oms.sourcing_rule SET max_parcel_g = 9000;
SELECT status FROM pg_temp.took('route', 'WEB 981001 PREPAID 4xSHIRT', '{"fulfilment": {"mode": "SHIP", "node": "DEL"}}');
UPDATE oms.sourcing_rule SET max_parcel_g = 1000;
CREATE TEMP TABLE was AS SELECT allocation_id FROM oms.allocation WHERE order_id = pg_temp.id('route');
SELECT oms.reroute_allocation(allocation_id, 'BLR', at => '2026-03-02 10:00+05:30') ->> 'status' AS status FROM was;
SELECT * FROM pg_temp.parcels('route') ORDER BY 1;
SELECT a.qty, EXISTS (SELECT FROM was w WHERE w.allocation_id = a.allocation_id) AS same FROM oms.allocation a WHERE order_id = pg_temp.id('route') ORDER BY allocation_id;
-- what the count lacks is in what is taken last: the first two go at once, the others when more has come
UPDATE oms.sku SET weight_g = 600 WHERE sku_id = 9226;
SELECT oms.adjust_stock('BLR', 'RING', 2) AS rings, oms.set_stock_policy('BLR', 'RING', backorder_limit => 5) IS NOT NULL AS set;
SELECT oms.set_inbound('PO-1', 'BLR', 'RING', 9, '2026-03-10 09:00+05:30', at => '2026-03-02 10:00+05:30') > 0 AS set;
SELECT status FROM pg_temp.took('beyond', 'WEB 981001 PREPAID 4xRING');
SELECT row_number() OVER (ORDER BY a.shipment_id) AS parcel, a.qty, a.promised_at FROM oms.allocation a WHERE a.order_id = pg_temp.id('beyond') ORDER BY 1;
-- two on their way are enough for the two
SELECT oms.cancel_order(pg_temp.id('beyond')), oms.set_inbound('PO-1', 'BLR', 'RING', 2, '2026-03-10 09:00+05:30', at => '2026-03-02 10:00+05:30') > 0 AS set;
SELECT p ->> 'qty' AS qty, p ->> 'promised_at' AS promised_at FROM jsonb_array_elements(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 4xRING'), '2026-03-02 10:00+05:30') -> 'plan') p;
SELECT * FROM oms.verify();
ROLLBACK;
