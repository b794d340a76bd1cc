-- The status of an order by its allocations and holds: each line of the table
-- in doc/orders.md, from rows written by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE TEMP TABLE told (parts text, held boolean, status text);
INSERT INTO told VALUES
    ('', false, 'captured'), ('planned', false, 'captured'), ('planned planned', false, 'captured'),
    ('reserved', false, 'reserved'), ('reserved planned', false, 'reserved'), ('reserved released', false, 'reserved'), ('packed reserved', false, 'reserved'),
    ('backordered', false, 'backordered'), ('backordered backordered', false, 'backordered'),
    ('backordered reserved', false, 'part_reserved'), ('backordered packed', false, 'part_reserved'), ('backordered planned', false, 'part_reserved'),
    ('released', false, 'released'), ('picked', false, 'released'), ('released picked packed', false, 'released'), ('packed', false, 'packed'),
    ('shipped', false, 'shipped'), ('shipped rto', false, 'shipped'), ('shipped returned', false, 'shipped'),
    ('shipped reserved', false, 'part_shipped'), ('rto backordered', false, 'part_shipped'), ('returned packed', false, 'part_shipped'),
    ('delivered', false, 'delivered'), ('delivered returned', false, 'delivered'),
    ('delivered shipped', false, 'part_delivered'), ('delivered rto', false, 'part_delivered'), ('delivered backordered', false, 'part_delivered'),
    ('rto', false, 'rto'), ('rto returned', false, 'rto'), ('returned', false, 'returned'),
    ('cancelled', false, 'cancelled'), ('cancelled cancelled', true, 'cancelled'),
    -- what is cancelled counts only when nothing else is left
    ('cancelled reserved', false, 'reserved'), ('cancelled delivered', false, 'delivered'), ('cancelled backordered', false, 'backordered'), ('cancelled packed', false, 'packed'),
    -- a hold shows until something was shipped
    ('reserved', true, 'on_hold'), ('backordered', true, 'on_hold'), ('packed', true, 'on_hold'), ('planned', true, 'on_hold'), ('cancelled released', true, 'on_hold'),
    ('shipped reserved', true, 'part_shipped'), ('shipped', true, 'shipped'), ('delivered backordered', true, 'part_delivered'), ('rto', true, 'rto');
CREATE TEMP TABLE made AS SELECT row_number() OVER () + 1000000 AS id, * FROM told;
INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, node_id, qty, status, net_amount)
SELECT 9200, id, i, 9221, 9211, 1, s, 0 FROM made, string_to_table(parts, ' ') WITH ORDINALITY AS u (s, i);
-- a hold that was lifted says nothing
INSERT INTO oms.order_hold (company_id, order_id, hold, reason, resolved_at)
SELECT 9200, id, 'PERSON', 'test', CASE WHEN NOT held THEN now() END FROM made;
-- of another company
INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, node_id, qty, status, net_amount)
SELECT 9201, id, 1, 9221, 9211, 1, 'shipped', 0 FROM made;
SELECT parts, held, status, oms.order_status(9200, id) AS told FROM made WHERE oms.order_status(9200, id) IS DISTINCT FROM status;
SELECT count(*) AS cases, count(DISTINCT oms.order_status(9200, id)) AS statuses FROM made;
-- an order that is not; strict
SELECT oms.order_status(9200, 999999999999), oms.order_status(NULL, 1), oms.order_status(9200, NULL);

-- what is kept is what is told, and until when the last of it is promised
DO $$ BEGIN PERFORM pg_temp.set_stock(9, 9, 9, 'SHIRT'); END $$;
SELECT oms.capture_order(pg_temp.doc('o', 'WEB 981001 PREPAID 2xSHIRT'), '2026-03-02 10:00+05:30') ->> 'order_id' AS id \gset
UPDATE oms.allocation SET status = 'backordered', node_id = NULL, promised_at = '2026-03-09 10:00+05:30' WHERE company_id = 9200 AND order_id = :id;
SELECT status, oms.order_status(company_id, order_id) FROM oms."order" WHERE company_id = 9200 AND order_id = :id;
INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES (9200, :id, 'PERSON', 'test'), (9200, :id, 'PAYMENT', 'test');
SELECT oms.lift_hold(:id, 'PAYMENT');
SELECT status, oms.order_status(company_id, order_id), promised_at FROM oms."order" WHERE company_id = 9200 AND order_id = :id;
SELECT oms.lift_hold(:id);
SELECT status, oms.order_status(company_id, order_id), promised_at FROM oms."order" WHERE company_id = 9200 AND order_id = :id;
ROLLBACK;
