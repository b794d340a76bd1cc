-- What the ERP altered of the orders we wrote: echoes, news, conflicts; and
-- the report of differences, each cause made.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set back :abs_srcdir '/sql/include/back.inc'
BEGIN;
\i :shop
\i :back
CREATE FUNCTION pg_temp.news(OUT changed text, OUT conflict text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    last bigint := (SELECT coalesce(max(event_id), 0) FROM oms.event);
BEGIN
    PERFORM oms.erp_watch();
    RETURN QUERY SELECT CASE type WHEN 'erp.order_changed' THEN payload ->> 'changed' END, CASE type WHEN 'erp.conflict' THEN concat_ws(' ', payload ->> 'field', CASE WHEN payload ->> 'held' = 'true' THEN 'held' END, regexp_replace(payload ->> 'what', 'WB-[0-9]+', 'WB')) END
      FROM oms.event WHERE event_id > last AND type LIKE 'erp.%' ORDER BY event_id;
END $$;
CREATE FUNCTION pg_temp.order_of(ext text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', o.status, (SELECT string_agg(hold || ': ' || regexp_replace(reason, 'WB-[0-9]+', 'WB'), ' ' ORDER BY hold) FROM oms.order_hold h WHERE h.order_id = o.order_id AND resolved_at IS NULL)) FROM oms."order" o WHERE order_id = pg_temp.id(ext)
$$;
CREATE VIEW pg_temp.report AS SELECT r.scope, r.cause, r.field, r.oms_value, r.erp_value, trim_scale(r.difference) AS difference, r.detail, o.external_id
   FROM oms.erp_reconcile() r LEFT JOIN oms.erp_document d ON d.reference = r.document LEFT JOIN oms."order" o ON o.order_id = coalesce(d.order_id, substring(r.document FROM 'order ([0-9]+)')::bigint);

-- an echo: all comes back as it was told, step by step; nothing is said of it
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK');
SELECT pg_temp.send() \g /dev/null
SELECT count(*) AS nothing FROM pg_temp.news();
SELECT back.step(pg_temp.sale('a'), 'confirmed');
SELECT count(*) AS nothing FROM pg_temp.news();
SELECT step, erp_number IS NOT NULL AS number, erp_untaxed, erp_tax, altered FROM oms.erp_document WHERE order_id = pg_temp.id('a');
SELECT oms.erp_watch() AS again;
SELECT pg_temp.send() \g /dev/null
SELECT * FROM pg_temp.report;

-- altered there: quantities are ours, so a person is asked
UPDATE back.sale_line SET qty = 5 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report;
SELECT * FROM pg_temp.news();
SELECT pg_temp.order_of('a');
SELECT count(*) AS nothing FROM pg_temp.news();
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report;
SELECT * FROM pg_temp.free();
SELECT pg_temp.fails(format('SELECT oms.release_order(%s)', pg_temp.id('a'))) ~ 'OM501' AS stopped;
-- put right there: news again, and the person lifts it
UPDATE back.sale_line SET qty = 3 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT * FROM pg_temp.news();
SELECT oms.lift_hold(pg_temp.id('a'), 'ERP');
-- prices are reported, or held where a row says so
UPDATE back.sale_line SET price = 450 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT * FROM pg_temp.news();
SELECT pg_temp.order_of('a');
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report;
UPDATE back.sale_line SET price = 500 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT count(*) AS restored FROM pg_temp.news();
INSERT INTO oms.erp_owner VALUES (9200, 'price', 'oms', 'hold'), (9200, 'qty', 'erp', 'hold');
UPDATE back.sale_line SET price = 501 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT * FROM pg_temp.news();
UPDATE back.sale_line SET price = 500, qty = qty + 1 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT * FROM pg_temp.news();
UPDATE back.sale_line SET qty = qty - 1 WHERE sale = pg_temp.sale('a') AND product = 'SHIRT';
SELECT count(*) FROM pg_temp.news();
SELECT oms.lift_hold(pg_temp.id('a'));
DELETE FROM oms.erp_owner;

-- cancelled there, before it is picked here: cancelled here
SELECT plan FROM pg_temp.took('b', 'WEB 981001 PREPAID 2xSHIRT');
SELECT pg_temp.send() \g /dev/null
SELECT back.step(pg_temp.sale('b'), 'cancelled');
SELECT external_id, scope, cause, field, oms_value, erp_value FROM pg_temp.report WHERE external_id = 'b';
SELECT * FROM pg_temp.news();
SELECT pg_temp.order_of('b');
SELECT pg_temp.send() \g /dev/null
SELECT * FROM pg_temp.free();
-- packed here: it is not; a person is told
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 2xSHIRT');
SELECT pg_temp.send() \g /dev/null
SELECT oms.release_order(pg_temp.id('c'));
SELECT oms.pack_shipment(shipment_id) FROM oms.shipment WHERE order_id = pg_temp.id('c');
SELECT back.step(pg_temp.sale('c'), 'cancelled');
SELECT * FROM pg_temp.news();
SELECT pg_temp.order_of('c');
-- further there: ours follows
SELECT plan FROM pg_temp.took('d', 'WEB 981001 PREPAID 4xSHIRT');
SELECT pg_temp.send() \g /dev/null
SELECT back.step(pg_temp.sale('d'), 'confirmed'), back.step(pg_temp.sale('d'), 'picked'), back.step(pg_temp.sale('d'), 'shipped');
SELECT * FROM pg_temp.news();
SELECT pg_temp.order_of('d');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send() \g /dev/null
SELECT * FROM pg_temp.free();
-- a word nobody knows is not guessed
SELECT plan FROM pg_temp.took('e', 'WEB 981001 PREPAID 1xSHIRT');
SELECT pg_temp.send() \g /dev/null
UPDATE back.sale SET state = 'odd' WHERE id = pg_temp.sale('e');
SELECT * FROM pg_temp.news();
SELECT external_id, scope, cause, field, oms_value, erp_value FROM pg_temp.report WHERE external_id = 'e';
UPDATE back.sale SET state = 'confirmed' WHERE id = pg_temp.sale('e');
SELECT * FROM pg_temp.news();

-- every cause of the report
SELECT plan FROM pg_temp.took('f', 'WEB 981001 PREPAID 1xBOOK');
SELECT external_id, scope, cause, field, oms_value, erp_value FROM pg_temp.report WHERE external_id = 'f';
DELETE FROM oms.erp_order_note;
SELECT external_id, scope, cause FROM pg_temp.report WHERE external_id = 'f';
INSERT INTO oms.erp_order_note (company_id, order_id, event) VALUES (9200, pg_temp.id('f'), 'order.status');
SELECT oms.erp_collect();
SELECT external_id, scope, cause, detail FROM pg_temp.report WHERE external_id = 'f';
SELECT oms.erp_call_again(9200, call_id, 'no customer', true) FROM oms.erp_call WHERE document = 'order ' || pg_temp.id('f') AND kind = 'order_create';
SELECT external_id, scope, cause, detail FROM pg_temp.report WHERE external_id = 'f';
SELECT oms.erp_settle(call_id, true) FROM oms.erp_call WHERE state = 'failed';
SELECT pg_temp.send() \g /dev/null
SELECT external_id, scope, cause, detail FROM pg_temp.report WHERE external_id = 'f';
SELECT back.step(pg_temp.sale('f'), 'confirmed');
SELECT pg_temp.send(), oms.erp_watch() \g /dev/null
SELECT external_id, scope, cause, detail FROM pg_temp.report WHERE external_id = 'f';
UPDATE back.sale SET adjusted = 0.01 WHERE id = pg_temp.sale('f');
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE external_id = 'f';
UPDATE back.sale SET adjusted = 7, tax = 3 WHERE id = pg_temp.sale('f');
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE external_id = 'f';
UPDATE back.sale SET adjusted = 0, tax = 0.01 WHERE id = pg_temp.sale('f');
SELECT external_id, scope, cause, field, difference FROM pg_temp.report WHERE external_id = 'f';
UPDATE back.sale SET tax = 0 WHERE id = pg_temp.sale('f');
-- fewer here than it was told, where nothing may be cancelled there
DELETE FROM oms.erp_call_event WHERE profile = 'back' AND kind = 'order_cancel';
SELECT plan FROM pg_temp.took('g', 'WEB 981001 PREPAID 6xBOOK');
SELECT pg_temp.send() \g /dev/null
SELECT oms.cancel_line(pg_temp.id('g'), 1, 2, request_id => 'c') ->> 'qty' AS fewer;
SELECT pg_temp.send() \g /dev/null
SELECT back.step(pg_temp.sale('g'), 'confirmed');
SELECT pg_temp.send(), oms.erp_watch() \g /dev/null
SELECT external_id, scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE external_id = 'g';
-- gone there
DELETE FROM back.sale WHERE id = pg_temp.sale('g');
SELECT external_id, scope, cause FROM pg_temp.report WHERE external_id = 'g';
-- counts: a change that is pending, and one behind our back
UPDATE back.level SET qty = qty - 2 WHERE place = 'BOM' AND product = 'SHIRT';
SELECT scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE field = 'on hand' AND oms_value = '50';
SELECT oms.erp_apply() > 0 AS applied;
SELECT count(*) FROM pg_temp.report WHERE field = 'on hand';
SET LOCAL session_replication_role = replica;
UPDATE back.level SET qty = qty - 2 WHERE place = 'BOM' AND product = 'SHIRT';
SET LOCAL session_replication_role = origin;
SELECT scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE field = 'on hand';
SELECT oms.erp_refresh('stock');
-- a return the ERP has not booked
INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document) VALUES (9200, 'stock_in', 9211, 9223, 2, 'return 1');
SELECT scope, cause, field, oms_value, erp_value, difference FROM pg_temp.report WHERE field LIKE 'stock_in%';

SELECT scope, cause, differences, documents, trim_scale(difference) AS difference FROM oms.erp_reconcile_totals();
SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject LIKE 'erp%';
-- holds by hand
SELECT pg_temp.fails(format('SELECT oms.hold_order(%s, ''lower'', ''x'')', pg_temp.id('a'))), pg_temp.fails(format('SELECT oms.hold_order(%s, ''STOP'', NULL)', pg_temp.id('a')));
SELECT pg_temp.fails(format('SELECT oms.hold_order(%s, ''STOP'', ''x'')', pg_temp.id('d')));
SELECT oms.hold_order(pg_temp.id('a'), 'STOP', 'asked by phone'), oms.hold_order(pg_temp.id('a'), 'STOP', 'again'), pg_temp.order_of('a'), oms.lift_hold(pg_temp.id('a'), 'STOP');
ROLLBACK;
