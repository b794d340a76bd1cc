-- A node rejects what it cannot supply: given back there, sourced elsewhere
-- at once, and the node is not asked again for that order.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(ext text) RETURNS TABLE (status text, total text, allocations text, parcels text) LANGUAGE sql AS $$
    SELECT o.status, concat_ws(' ', o.total_amount, 'tax', o.tax_amount, 'paid', o.paid_amount),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount, nullif(a.cgst + a.sgst, 0) || ' cs', nullif(a.igst, 0) || ' i'), ', ' ORDER BY a.line_no, a.node_id)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', n.code, s.state, s.declared_value, nullif(s.cod_amount, 0) || ' cash', s.dead_g || ' g', s.freight), ', ' ORDER BY s.shipment_id)
              FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ext
$$;
CREATE FUNCTION pg_temp.rejects(ext text, item text, until timestamptz DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_set(a - 'allocation_id' - 'order_id', '{plan}', (SELECT jsonb_agg(p - 'allocation_id' - 'promised_at') FROM jsonb_array_elements(a -> 'plan') p))
      FROM oms.reject_allocation(pg_temp.at(ext, item), 'NOT_FOUND', until, at => '2026-03-02 12:00+05:30') a
$$;
CREATE VIEW pg_temp.unsound AS SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject !~ 'stock';
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 2, 9, 'SHIRT', 'BOOK'), pg_temp.set_stock(2, 0, 0, 'TV'); END $$;

-- one line of two: the other stays, both parcels together collect what is due; tax by the new node
SELECT * FROM pg_temp.took('a', 'WEB 981002 COD 1xSHIRT 2xBOOK', '{"charges": [{"kind": "SHIPPING", "amount": 49}]}');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.rejects('a', 'SHIRT');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT * FROM pg_temp.unsound;
-- the last of the parcel: it is cancelled
SELECT pg_temp.rejects('a', 'BOOK');
SELECT * FROM pg_temp.story('a');
-- asked again with the number it had: nothing changes, the answer says what became of it
SELECT a - 'allocation_id' - 'order_id' - 'plan' AS again, a #>> '{plan,0,node}' AS node FROM oms.allocation_rejection r, oms.reject_allocation(r.allocation_id, 'DAMAGED') a WHERE r.order_id = pg_temp.id('a') ORDER BY r.line_no;
SELECT * FROM pg_temp.story('a');
SELECT run, what, outcome, reason FROM oms.explain_order(pg_temp.id('a')) WHERE subject = 'node' ORDER BY run, seq;
SELECT line_no, qty, reason, until FROM oms.allocation_rejection WHERE order_id = pg_temp.id('a') ORDER BY line_no;
SELECT type, payload - 'order_id' - 'allocation_id' FROM oms.event WHERE topic IN ('order', 'shipment') AND company_id = 9200 AND type ~ 'reject|cancel|changed' ORDER BY event_id;
SELECT * FROM pg_temp.unsound;

-- no node left: it waits; the node is asked again only once its time is over
SELECT * FROM pg_temp.took('tv', 'WEB 981001 PREPAID 1xTV');
SELECT pg_temp.rejects('tv', 'TV', '2026-03-05 12:00+05:30');
SELECT * FROM pg_temp.story('tv');
SELECT pg_temp.stock('TV') AS tv;
SELECT oms.retry_backorders(at => '2026-03-04 11:00+05:30');
UPDATE oms.allocation SET updated_at = '2026-03-04 11:00+05:30' WHERE order_id = pg_temp.id('tv');
-- though nothing of the stock has moved since
UPDATE oms.stock SET updated_at = '2026-03-01' WHERE company_id = 9200 AND sku_id = 9222;
SELECT oms.retry_backorders(at => '2026-03-06 11:00+05:30');
SELECT * FROM pg_temp.story('tv');
SELECT * FROM pg_temp.unsound;

-- prices without tax: what was paid in full stays so, and is never lowered by it
SELECT * FROM pg_temp.took('b2b', 'B2B 981001 PREPAID 1xTV@20000');
SELECT pg_temp.rejects('b2b', 'TV');
SELECT * FROM pg_temp.story('b2b');
SELECT oms.adjust_stock('DEL', 'TV', 1), oms.retry_backorders(at => '2026-03-06 12:00+05:30');
SELECT * FROM pg_temp.story('b2b');

-- a channel that does not split: the order moves as one, or waits as one
SELECT * FROM pg_temp.took('one', 'ONE 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT pg_temp.rejects('one', 'BOOK');
SELECT * FROM pg_temp.story('one');
SELECT pg_temp.rejects('one', 'SHIRT'), pg_temp.rejects('one', 'SHIRT');
SELECT * FROM pg_temp.story('one');
-- kits give back their components
SELECT * FROM pg_temp.took('kit', 'WEB 981001 PREPAID 1xPAIR');
SELECT pg_temp.rejects('kit', 'PAIR');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;

-- released and picked may be rejected, what waits, is packed or cancelled may not
SELECT * FROM pg_temp.took('p', 'WEB 981001 PREPAID 1xBOOK');
SELECT oms.release_order(pg_temp.id('p'));
SELECT pg_temp.rejects('p', 'BOOK') ->> 'status' AS status;
SELECT count(oms.pack_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('p') AND state = 'PLANNED';
SELECT pg_temp.fails($$SELECT pg_temp.rejects('p', 'BOOK')$$);
SELECT oms.cancel_order(pg_temp.id('p'));
SELECT pg_temp.fails($$SELECT pg_temp.rejects('p', 'BOOK')$$);
SELECT pg_temp.fails($$SELECT pg_temp.rejects('one', 'BOOK')$$);
SELECT pg_temp.fails('SELECT oms.reject_allocation(-1, ''NOT_FOUND'')');
SELECT pg_temp.fails('SELECT oms.reject_allocation(NULL, ''NOT_FOUND'')');
SELECT pg_temp.fails('SELECT oms.reject_allocation(1, NULL)');
SELECT * FROM pg_temp.unsound;
ROLLBACK;
