-- An allocation moved to a node that is named, and checked there.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(ext text) RETURNS TABLE (status text, total text, allocations text, parcels text) LANGUAGE sql AS $$
    SELECT o.status, concat_ws(' ', o.total_amount, 'tax', o.tax_amount, 'paid', o.paid_amount),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount, nullif(a.cgst + a.sgst, 0) || ' cs', nullif(a.igst, 0) || ' i'), ', ' ORDER BY a.line_no, a.node_id)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', n.code, v.code, s.state, s.declared_value, nullif(s.cod_amount, 0) || ' cash'), ', ' ORDER BY s.shipment_id)
              FROM oms.shipment s JOIN oms.node n USING (node_id) LEFT JOIN oms.courier_service v USING (courier_service_id) WHERE s.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ext
$$;
-- "same": the allocation kept its number
CREATE FUNCTION pg_temp.move(ext text, item text, node text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id bigint := pg_temp.at(ext, item);
    a jsonb := oms.reroute_allocation(id, node, at => '2026-03-02 12:00+05:30');
BEGIN
    RETURN concat_ws(' ', a ->> 'status', (SELECT string_agg(concat_ws(' ', p ->> 'qty', p ->> 'node', p ->> 'status', CASE WHEN (p ->> 'allocation_id')::bigint = id THEN 'same' END), ', ') FROM jsonb_array_elements(a -> 'plan') p),
                     CASE WHEN (a ->> 'duplicate')::boolean THEN 'duplicate' END);
END $$;
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 2, 1, 'SHIRT', 'BOOK'), pg_temp.set_stock(2, 0, 0, 'TV'); END $$;

-- from Karnataka to Maharashtra: CGST and SGST become IGST, cash and courier follow
SELECT * FROM pg_temp.took('a', 'WEB 981001 COD 2xSHIRT 1xBOOK');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.move('a', 'SHIRT', 'BOM');
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.stock('SHIRT') AS shirt;
-- again: nothing changes; and back
SELECT pg_temp.move('a', 'SHIRT', 'BOM');
SELECT pg_temp.move('a', 'SHIRT', 'BLR');
SELECT * FROM pg_temp.story('a');
SELECT run, what, outcome, reason FROM oms.explain_order(pg_temp.id('a')) WHERE subject = 'node' ORDER BY run, seq;
SELECT type, payload - 'order_id' - 'allocation_id' FROM oms.event WHERE company_id = 9200 AND type ~ 'rerouted|cancel|changed' ORDER BY event_id;
SELECT * FROM oms.verify();

-- checked there: stock, refusals, cash; nothing changes when it cannot go
SELECT pg_temp.fails($$SELECT pg_temp.move('a', 'SHIRT', 'DEL')$$);
UPDATE oms.node SET open = false WHERE node_id = 9212;
SELECT pg_temp.fails($$SELECT pg_temp.move('a', 'SHIRT', 'BOM')$$);
UPDATE oms.node SET open = true WHERE node_id = 9212;
SELECT pg_temp.fails($$SELECT pg_temp.move('a', 'SHIRT', 'NOSUCH')$$);
SELECT count(*) FROM (SELECT oms.reject_allocation(pg_temp.at('a', 'BOOK'), 'NOT_FOUND', at => '2026-03-02 12:00+05:30')) r;
SELECT pg_temp.fails($$SELECT pg_temp.move('a', 'BOOK', 'BLR')$$);
UPDATE oms.serviceability SET prepaid = false, cod = false WHERE pincode = '981001';
SELECT pg_temp.fails($$SELECT pg_temp.move('a', 'SHIRT', 'BOM')$$);
UPDATE oms.serviceability SET prepaid = true, cod = true WHERE pincode = '981001';
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.stock('SHIRT') AS shirt;

-- what waits may be sent to where some has come; what was released is reserved anew
SELECT * FROM pg_temp.took('w', 'WEB 981001 PREPAID 3xTV');
SELECT oms.adjust_stock('DEL', 'TV', 2);
SELECT pg_temp.move('w', 'TV', 'DEL') FROM (SELECT oms.release_order(pg_temp.id('w'))) r;
SELECT pg_temp.fails($$SELECT oms.reroute_allocation(allocation_id, 'DEL') FROM oms.allocation WHERE order_id = pg_temp.id('w') AND node_id IS NULL$$);
SELECT count(*) FROM (SELECT oms.adjust_stock('BOM', 'TV', 3)) s;
SELECT count(oms.reroute_allocation(allocation_id, 'BOM', at => '2026-03-02 12:00+05:30')) FROM oms.allocation WHERE order_id = pg_temp.id('w') AND node_id IS NULL;
SELECT * FROM pg_temp.story('w');
SELECT pg_temp.move('w', 'TV', 'BOM');
SELECT * FROM pg_temp.story('w');
SELECT * FROM oms.verify();

-- one parcel or nothing: it moves as one; kits with their components
SELECT * FROM pg_temp.took('one', 'ONE 981001 PREPAID 1xPAIR 1xBOOK');
SELECT pg_temp.fails($$SELECT pg_temp.move('one', 'PAIR', 'BOM')$$);
SELECT oms.adjust_stock('BOM', 'BOOK', 4);
SELECT pg_temp.move('one', 'PAIR', 'BOM');
SELECT * FROM pg_temp.story('one');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT count(oms.pack_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('one') AND state = 'PLANNED';
SELECT pg_temp.fails($$SELECT pg_temp.move('one', 'PAIR', 'BLR')$$);
-- all of it waits: all of it goes
SELECT * FROM pg_temp.took('onew', 'ONE 981001 PREPAID 5xRICE 1xTV');
SELECT oms.adjust_stock('DEL', 'RICE', 5);
SELECT pg_temp.fails($$SELECT pg_temp.move('onew', 'RICE', 'BOM')$$);
SELECT pg_temp.move('onew', 'RICE', 'DEL');
SELECT * FROM pg_temp.story('onew');
SELECT pg_temp.fails($$SELECT oms.reroute_allocation(-1, 'BLR')$$);
SELECT * FROM oms.verify();
ROLLBACK;
