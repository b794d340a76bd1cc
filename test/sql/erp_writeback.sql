-- Orders written into an ERP: told once, step by step, counted once at every
-- step, cancelled, by SQL and by agents.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set back :abs_srcdir '/sql/include/back.inc'
BEGIN;
\i :shop
\i :back
SELECT * FROM pg_temp.free();

-- an order is a sale; it is confirmed there before it is picked there
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK');
SELECT event FROM oms.erp_order_note;
SELECT pg_temp.send();
SELECT pg_temp.document('a');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send() AS waits;
SELECT back.step(pg_temp.sale('a'), 'confirmed');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send();
SELECT oms.release_order(pg_temp.id('a'));
SELECT oms.dispatch_shipment(shipment_id) ->> 'state' FROM oms.shipment WHERE order_id = pg_temp.id('a');
SELECT pg_temp.send() AS "booked by the sale, not by stock_out";
SELECT * FROM pg_temp.free();
SELECT back.step(pg_temp.sale('a'), 'picked');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send();
SELECT count(*) AS leaving FROM oms.reservation r JOIN oms.allocation USING (allocation_id) WHERE order_id = pg_temp.id('a') AND r.state <> 'closed';
SELECT back.step(pg_temp.sale('a'), 'shipped');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send(), oms.erp_watch();
SELECT pg_temp.document('a');
SELECT * FROM oms.erp_verify();
SELECT * FROM oms.erp_reconcile();
SELECT type FROM oms.event WHERE type LIKE 'erp.%';

-- the ERP picks before it leaves here; then both
SELECT plan FROM pg_temp.took('b', 'WEB 981001 PREPAID 10xSHIRT');
SELECT pg_temp.send();
SELECT back.step(pg_temp.sale('b'), 'confirmed');
SELECT back.step(pg_temp.sale('b'), 'picked');
SELECT * FROM pg_temp.free();
SELECT oms.release_order(pg_temp.id('b'));
SELECT oms.dispatch_shipment(shipment_id) ->> 'state' FROM oms.shipment WHERE order_id = pg_temp.id('b');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send();
SELECT * FROM pg_temp.free();
SELECT count(*) AS leaving FROM oms.reservation r JOIN oms.allocation USING (allocation_id) WHERE order_id = pg_temp.id('b') AND r.state <> 'closed';

-- cancelled here: the ERP has it until it has cancelled it too
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 5xSHIRT');
SELECT pg_temp.send();
SELECT back.step(pg_temp.sale('c'), 'confirmed');
SELECT * FROM pg_temp.free();
SELECT oms.cancel_order(pg_temp.id('c'));
SELECT * FROM pg_temp.free();
SELECT pg_temp.send();
SELECT back.step(pg_temp.sale('c'), 'cancelled');
SELECT * FROM pg_temp.free();
SELECT pg_temp.send();
-- picked there: not cancelled there, and a person is told
SELECT plan FROM pg_temp.took('d', 'WEB 981001 PREPAID 5xSHIRT');
SELECT pg_temp.send();
SELECT back.step(pg_temp.sale('d'), 'confirmed');
SELECT back.step(pg_temp.sale('d'), 'picked');
SELECT oms.cancel_order(pg_temp.id('d'));
SELECT pg_temp.send();
SELECT * FROM pg_temp.free();
SELECT kind, error FROM oms.erp_call WHERE state = 'failed';
SELECT payload - 'document' AS payload FROM oms.event WHERE type = 'erp.call_failed';
SELECT scope, cause, field, oms_value, erp_value FROM oms.erp_reconcile() WHERE document = 'WB-' || pg_temp.id('d');
SELECT oms.erp_settle(call_id) FROM oms.erp_call WHERE state = 'failed';
-- never told: dropped
SELECT plan FROM pg_temp.took('e', 'WEB 981001 PREPAID 5xSHIRT');
SELECT oms.erp_collect(), pg_temp.document('e');
SELECT oms.cancel_order(pg_temp.id('e'));
SELECT pg_temp.send(), pg_temp.document('e');
SELECT kind, state FROM oms.erp_call WHERE document = 'order ' || pg_temp.id('e') ORDER BY call_id;

-- from two nodes: a sale each, of its place
UPDATE back.level SET qty = CASE place WHEN 'BLR' THEN 10 ELSE 8 END WHERE product = 'SHIRT';
SELECT plan FROM pg_temp.took('f', 'WEB 981002 PREPAID 15xSHIRT');
SELECT pg_temp.send(), pg_temp.document('f');
-- less is wanted: what was told is cancelled and told anew; a part dropped is cancelled
SELECT oms.cancel_line(pg_temp.id('f'), 1, 9, request_id => 'c1') ->> 'qty' AS fewer;
SELECT pg_temp.send(), pg_temp.document('f');
-- more: a second one
SELECT plan FROM pg_temp.took('g', 'WEB 981001 PREPAID 2xBOOK');
SELECT pg_temp.send(), pg_temp.document('g');
SELECT oms.amend_line(pg_temp.id('g'), 1, 5, 'r1') IS NOT NULL AS more;
SELECT pg_temp.send(), pg_temp.document('g');

-- held: a draft there, confirmed when it is lifted
SELECT status, holds FROM pg_temp.took('h', 'WEB 981001 PREPAID 1xBOOK@100');
SELECT pg_temp.send(), pg_temp.document('h');
SELECT oms.lift_hold(pg_temp.id('h'));
SELECT pg_temp.send();
-- refused after it was told: told again, later each time, and the eighth time it has failed
UPDATE back.sale SET trouble = 'no such buyer' WHERE id = pg_temp.sale('h');
UPDATE oms.erp_call SET sent_at = now() - interval '1 hour', next_at = now() - interval '1 hour' WHERE state = 'sent' AND document = 'order ' || pg_temp.id('h');
SELECT oms.erp_poll();
SELECT state, attempts, error, next_at > clock_timestamp() + interval '15 seconds' AS later FROM oms.erp_call WHERE document = 'order ' || pg_temp.id('h') AND kind = 'order_confirm';
UPDATE oms.erp_call SET attempts = 7, state = 'sent', sent_at = now() - interval '1 hour', next_at = now() - interval '1 hour' WHERE document = 'order ' || pg_temp.id('h') AND kind = 'order_confirm';
SELECT oms.erp_poll();
SELECT state, attempts, error FROM oms.erp_call WHERE document = 'order ' || pg_temp.id('h') AND kind = 'order_confirm';
SELECT oms.erp_settle(call_id, true) FROM oms.erp_call WHERE state = 'failed';

-- told twice it is one sale; an answer that was lost is found
UPDATE oms.erp_document SET erp_ref = NULL WHERE order_id = pg_temp.id('h');
UPDATE oms.erp_call SET state = 'pending', erp_ref = NULL, attempts = 0 WHERE kind = 'order_create' AND document = 'order ' || pg_temp.id('h');
SELECT pg_temp.send(), pg_temp.document('h');
SELECT count(*) FROM back.sale WHERE ref = 'WB-' || pg_temp.id('h');

-- agents: what they take is theirs, in order, until they answer or their time is up
UPDATE oms.erp_call_map SET transport = 'agent' WHERE profile = 'back' AND kind LIKE 'order_c%';
SELECT plan FROM pg_temp.took('i', 'WEB 981001 PREPAID 2xBOOK');
SELECT pg_temp.send() LIKE '%order_create pending%' AS left_to_agents;
UPDATE oms.erp_call SET next_at = 'infinity' WHERE state IN ('pending', 'sent') AND document <> 'order ' || pg_temp.id('i');
SELECT kind, reference = 'WB-' || pg_temp.id('i') AS reference, key, attempts, document - '{order_id,reference,placed_at,ship}'::text[] AS document FROM oms.erp_take_calls('one');
SELECT count(*) AS nothing FROM oms.erp_take_calls('two');
SELECT call_id AS id FROM oms.erp_call WHERE state = 'taken' \gset
SELECT pg_temp.fails(format('SELECT oms.erp_call_done(%s)', :id)) ~ '^OM001' AS a_key_is_needed;
SELECT oms.erp_call_failed(:id, 'the ERP is down');
SELECT attempts, error FROM oms.erp_call WHERE call_id = :id;
UPDATE oms.erp_call SET next_at = now() WHERE call_id = :id;
SELECT kind, attempts FROM oms.erp_take_calls('one', 10, '1 second');
-- it made the sale, and its answer was lost
INSERT INTO back.sale (ref, place, tax) SELECT 'WB-' || pg_temp.id('i'), 'BLR', 0 RETURNING state;
UPDATE oms.erp_call SET next_at = now() - interval '1 minute' WHERE call_id = :id;
SELECT kind, key = pg_temp.sale('i')::text AS key FROM oms.erp_take_calls('two');
SELECT state FROM oms.erp_call WHERE call_id = :id;
SELECT call_id AS id FROM oms.erp_call WHERE state = 'taken' \gset
SELECT oms.erp_call_done(:id), oms.erp_call_done(:id) AS again, oms.erp_call_failed(:id, 'no') AS too_late;
SELECT pg_temp.fails('SELECT oms.erp_call_done(-1)'), pg_temp.fails('SELECT * FROM oms.erp_take_calls('''')');
SELECT oms.cancel_order(pg_temp.id('i'));
SELECT kind FROM oms.erp_take_calls('two') WHERE reference = 'WB-' || pg_temp.id('i');

SELECT * FROM oms.erp_verify();
SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject LIKE 'erp%';
-- detached: nothing is asked any more
SELECT oms.detach_erp('back');
SELECT DISTINCT state FROM oms.erp_call ORDER BY 1;
ROLLBACK;
