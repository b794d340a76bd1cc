-- An order may name its courier service, or how many days it may take.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(50, 0, 0, 'SHIRT');
-- beside the shop's service (40 rupees, two days): a fast dear one and a slow cheap one
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (9252, 9241, 'FAST', 'Air', 'surface'), (9253, 9241, 'SLOW', 'Rail', 'surface');
INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT s, p FROM unnest('{9252,9253}'::int[]) s, unnest('{981001,981002}'::text[]) p;
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (9252, 'Z', 1), (9253, 'Z', 6);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id, note) VALUES (9262, 9200, 9252, 'test'), (9263, 9200, 9253, 'test');
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT c, 'Z', l, CASE c WHEN 9262 THEN 90 ELSE 10 END, 0 FROM unnest('{9262,9263}'::int[]) c, unnest('{forward,rto,reverse}'::text[]) l;
CREATE FUNCTION pg_temp.courier(ext text, asked jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(p ->> 'courier', 'none') || coalesce(', held ' || (a -> 'holds' -> 0 ->> 'hold'), '')
      FROM pg_temp.capture(ext, 'WEB 981001 PREPAID 1xSHIRT', jsonb_build_object('fulfilment', '{"mode": "SHIP"}' || asked)) a, jsonb_array_elements(a -> 'plan') p
$$;
SELECT pg_temp.courier('any') AS any, pg_temp.courier('fast', '{"service": "FAST"}') AS named, pg_temp.courier('days', '{"max_days": 5}') AS in_five_days,
    pg_temp.courier('next', '{"max_days": 1}') AS next_day, pg_temp.courier('never', '{"max_days": 0}') AS same_day, pg_temp.courier('both', '{"service": "SLOW", "max_days": 5}') AS named_too_slow;
SELECT what, reason FROM oms.explain_order(pg_temp.id('next')) WHERE subject = 'courier' AND outcome = 'refused' ORDER BY 1;
SELECT what, reason FROM oms.explain_order(pg_temp.id('both')) WHERE subject = 'courier' ORDER BY 1;
SELECT only_service, max_days FROM oms."order" WHERE order_id = pg_temp.id('both');
-- booked and planned anew it stays so, whoever else has numbers
SELECT oms.release_order(pg_temp.id('fast'));
SELECT oms.pack_shipment(shipment_id) > 0 AS packed FROM oms.shipment WHERE order_id = pg_temp.id('fast');
SELECT pg_temp.fails(format('SELECT oms.book_shipment(%s)', shipment_id)) AS without_numbers FROM oms.shipment WHERE order_id = pg_temp.id('fast') \gset
SELECT regexp_replace(:'without_numbers', 'shipment [0-9]+', 'shipment N') AS without_numbers;
SELECT oms.add_awbs('SHOPC', '{9900000001}') AS awbs;
SELECT oms.book_shipment(shipment_id) AS awb FROM oms.shipment WHERE order_id = pg_temp.id('fast');
SELECT v.code FROM oms.shipment s JOIN oms.courier_service v USING (courier_service_id) WHERE s.order_id = pg_temp.id('fast');
SELECT oms.reject_allocation(allocation_id, 'LOST') ->> 'status' AS status FROM oms.allocation WHERE order_id = pg_temp.id('next');
SELECT pg_temp.set_stock(0, 20, 0, 'SHIRT');
SELECT oms.retry_backorders(at => '2026-03-02 11:00+05:30') AS filled;
SELECT v.code, s.state FROM oms.shipment s JOIN oms.courier_service v USING (courier_service_id) WHERE s.order_id = pg_temp.id('next') ORDER BY s.shipment_id;
-- what a service is too small for
UPDATE oms.courier_service SET max_volume_cm3 = 1499 WHERE courier_service_id = 9253;
UPDATE oms.courier_service SET max_volume_cm3 = 1500 WHERE courier_service_id = 9252;
SELECT service, refused FROM oms.courier_quotes('981001', '981001', 500, 1500, at => '2026-03-02 10:00+05:30') WHERE service IN ('FAST', 'SLOW', 'SHOPC-S') ORDER BY 1;
-- refused: no such service, no such number of days
SELECT pg_temp.fails($$SELECT pg_temp.courier('x', '{"service": "NOBODY"}')$$);
SELECT pg_temp.fails($$SELECT pg_temp.courier('x', '{"max_days": -1}')$$);
SELECT pg_temp.fails($$SELECT pg_temp.courier('x', '{"max_days": 1.5}')$$);
SELECT pg_temp.fails($$SELECT pg_temp.courier('x', '{"max_days": 366}')$$);
SELECT * FROM oms.verify();
ROLLBACK;
