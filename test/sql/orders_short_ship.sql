-- Less is there than was planned: short picks, parcels handed over in part,
-- parcels cancelled and recalled, what is left of an order cancelled.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(ext text) RETURNS TABLE (status text, total text, allocations text, parcels text) LANGUAGE sql AS $$
    SELECT o.status, concat_ws(' ', o.total_amount, 'tax', o.tax_amount),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount), ', ' ORDER BY a.line_no, a.node_id, a.status)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', n.code, s.state, s.declared_value, nullif(s.cod_amount, 0) || ' cash', s.dead_g || ' g'), ', ' ORDER BY s.shipment_id)
              FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ext
$$;
CREATE FUNCTION pg_temp.parcel(ext text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT shipment_id FROM oms.shipment WHERE order_id = pg_temp.id(ext) AND state <> 'CANCELLED' ORDER BY shipment_id LIMIT 1
$$;
CREATE FUNCTION pg_temp.picks(allocation bigint, picked numeric, shelf numeric DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT a - 'allocation_id' - 'order_id' - 'plan' FROM oms.short_ship(allocation, picked, 'NOT_FOUND', shelf, at => '2026-03-02 12:00+05:30') a
$$;
CREATE VIEW pg_temp.unsound AS SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject !~ 'stock';
SELECT oms.add_awbs('SHOPC', ARRAY(SELECT 'AWB' || i FROM generate_series(1, 30) i));
DO $$ BEGIN PERFORM pg_temp.set_stock(9, 2, 0, 'SHIRT', 'BOOK'); END $$;

-- two of three shirts are found: they go on, the third comes from the other node; the shelf is empty, the count follows
SELECT plan FROM pg_temp.took('a', 'WEB 981001 COD 3xSHIRT 1xBOOK');
SELECT oms.release_order(pg_temp.id('a'));
SELECT pg_temp.at('a', 'SHIRT') AS id \gset
SELECT pg_temp.picks(:id, 2, 0);
SELECT * FROM pg_temp.story('a');
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT type, payload - 'allocation_id' - 'node_id' AS payload FROM oms.event WHERE company_id = 9200 AND type ~ 'short' ORDER BY event_id;
SELECT delta, on_hand, reason FROM oms.stock_ledger WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9221 ORDER BY ledger_id;
SELECT * FROM pg_temp.unsound;
-- once; all found is a pick
SELECT pg_temp.picks(:id, 2, 0);
SELECT pg_temp.picks(pg_temp.at('a', 'BOOK'), 1), pg_temp.picks(pg_temp.at('a', 'BOOK'), 1) -> 'duplicate' AS again;
SELECT * FROM pg_temp.story('a');
-- the shirt at BOM is not there either: nobody is left, it waits, and BLR is not asked again though it has some
SELECT pg_temp.at('a', 'SHIRT') <> :id AS another, allocation_id AS id FROM oms.allocation WHERE order_id = pg_temp.id('a') AND status = 'reserved' \gset
SELECT pg_temp.picks(:id, 0), pg_temp.picks(:id, 0) -> 'duplicate' AS again;
SELECT oms.adjust_stock('BLR', 'SHIRT', 9), oms.retry_backorders(at => '2026-03-02 13:00+05:30');
SELECT * FROM pg_temp.story('a');
SELECT * FROM pg_temp.unsound;

-- a policy that cancels: 2 x 0.83 and 0.01 more, one by one to the paisa; the last cancels the order
INSERT INTO oms.shortfall_policy (company_id, sku_id, action) VALUES (9200, 9223, 'cancel');
SELECT total, plan FROM pg_temp.took('r', 'WEB 981001 PREPAID 3xBOOK@0.84-0.85');
SELECT oms.lift_hold(pg_temp.id('r')), pg_temp.picks(pg_temp.at('r', 'BOOK'), 2);
SELECT * FROM pg_temp.story('r');
SELECT pg_temp.picks(pg_temp.at('r', 'BOOK'), 1), pg_temp.picks(pg_temp.at('r', 'BOOK'), 0);
SELECT * FROM pg_temp.story('r');
SELECT amount FROM oms.refund WHERE order_id = pg_temp.id('r') ORDER BY refund_id;
SELECT * FROM pg_temp.unsound;

-- a channel that does not split: all goes elsewhere, or the rest is cancelled and the order goes
SELECT oms.adjust_stock('BOM', 'SHIRT', 3);
SELECT plan FROM pg_temp.took('one', 'ONE 981001 PREPAID 2xSHIRT 1xBOOK');
SELECT pg_temp.picks(pg_temp.at('one', 'SHIRT'), 1);
SELECT * FROM pg_temp.story('one');
SELECT plan FROM pg_temp.took('one2', 'ONE 981001 PREPAID 1xSHIRT 2xBOOK');
SELECT pg_temp.picks(pg_temp.at('one2', 'BOOK'), 1);
SELECT * FROM pg_temp.story('one2');
-- refused
SELECT pg_temp.fails(format('SELECT oms.short_ship(%s, %s)', pg_temp.at('one2', 'BOOK'), q)) FROM unnest('{2,-1,"null"}'::text[]) q;
SELECT plan FROM pg_temp.took('kit', 'WEB 981001 PREPAID 2xPAIR');
SELECT pg_temp.fails(format('SELECT oms.short_ship(%s, %s)', pg_temp.at('kit', 'PAIR'), q)) FROM unnest('{0.5,"1, shelf => 1","1, shelf => -1"}'::text[]) q;
SELECT pg_temp.picks(pg_temp.at('kit', 'PAIR'), 1);
SELECT * FROM pg_temp.story('kit');
SELECT pg_temp.fails('SELECT oms.short_ship(-1, 1)');
SELECT pg_temp.fails('SELECT oms.short_ship(-1, ' || q || ')') FROM unnest('{0.0005,"1, shelf => ''NaN''"}'::text[]) q;
SELECT count(oms.pack_shipment(pg_temp.parcel('one2')));
SELECT pg_temp.fails(format('SELECT oms.short_ship(%s, 0)', pg_temp.at('one2', 'BOOK')));
SELECT * FROM pg_temp.unsound;
DELETE FROM oms.shortfall_policy;

-- a parcel goes in part: what stays has a parcel and its share of the cash
DO $$ BEGIN PERFORM pg_temp.set_stock(20, 20, 20, 'SHIRT', 'BOOK'); END $$;
-- what a shortfall leaves to people waits after a short pick, though others have some
INSERT INTO oms.shortfall_policy (company_id, action) VALUES (9200, 'leave');
SELECT plan FROM pg_temp.took('lv', 'WEB 981001 PREPAID 2xSHIRT');
SELECT pg_temp.picks(pg_temp.at('lv', 'SHIRT'), 1);
SELECT allocations FROM pg_temp.story('lv');
DELETE FROM oms.shortfall_policy;
SELECT oms.cancel_order(pg_temp.id('lv'));
SELECT plan FROM pg_temp.took('p', 'WEB 981001 COD 3xSHIRT 2xBOOK');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT oms.lift_hold(pg_temp.id('p')), pg_temp.parcel('p') AS parcel \gset
SELECT d - 'shipment_id' - 'rest' - 'awb' AS answer, d -> 'rest' <> 'null' AS rest FROM oms.dispatch_part(:parcel, '[{"line_no": 1, "qty": 1}, {"line_no": 2, "qty": 2}, {"line_no": 1, "qty": 1}]', at => '2026-03-03 10:00+05:30') d;
SELECT * FROM pg_temp.story('p');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT * FROM pg_temp.unsound;
SELECT d -> 'duplicate' AS again, d -> 'rest' <> 'null' AS rest FROM oms.dispatch_part(:parcel, '[{"line_no": 1, "qty": 1}]') d;
-- the rest goes whole
SELECT d - 'shipment_id' - 'awb' AS answer FROM oms.shipment s, oms.dispatch_part(s.shipment_id, '[{"line_no": 1, "qty": 1}]', at => '2026-03-03 12:00+05:30') d WHERE s.order_id = pg_temp.id('p') AND s.state = 'PLANNED';
SELECT * FROM pg_temp.story('p');
-- refused: more than is in it, no lines, not split, less counted than would leave
SELECT plan FROM pg_temp.took('q', 'WEB 981001 PREPAID 3xSHIRT');
SELECT regexp_replace(pg_temp.fails(format('SELECT oms.dispatch_part(%s, %L)', pg_temp.parcel('q'), l)), 'shipment [0-9]+', 'shipment N') FROM unnest(ARRAY['[{"line_no": 1, "qty": 4}]', '[{"line_no": 2, "qty": 1}]', '[]', '{}', '[{"line_no": 1}]', '[{"line_no": 1, "qty": 1, "lot": "A"}]', NULL]) l;
SELECT pg_temp.fails(format('SELECT oms.dispatch_part(%s, %L)', pg_temp.parcel('one'), '[{"line_no": 1, "qty": 1}]'));
SELECT oms.adjust_stock('BLR', 'SHIRT', 2);
SELECT pg_temp.fails(format('SELECT oms.dispatch_shipment(%s)', pg_temp.parcel('q')));
SELECT d -> 'state' AS state FROM oms.dispatch_part(pg_temp.parcel('q'), '[{"line_no": 1, "qty": 2}]') d;
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM pg_temp.unsound;

-- what is left of it is cancelled, though a part is on its way
SELECT pg_temp.fails(format('SELECT oms.cancel_order(%s)', pg_temp.id('q')));
SELECT oms.cancel_order(pg_temp.id('q'), rest => true), oms.cancel_order(pg_temp.id('q'), rest => true) AS again;
SELECT * FROM pg_temp.story('q');
SELECT amount FROM oms.refund WHERE order_id = pg_temp.id('q');
SELECT * FROM pg_temp.unsound;
SELECT plan FROM pg_temp.took('w', 'WEB 981001 PREPAID 1xBOOK');
SELECT oms.cancel_order(pg_temp.id('w'), rest => true), pg_temp.fails(format('SELECT oms.release_order(%s)', pg_temp.id('w')));

-- a parcel is cancelled: unpacked and planned anew
SELECT oms.adjust_stock('BLR', 'SHIRT', 20);
SELECT plan FROM pg_temp.took('c', 'WEB 981001 COD 2xSHIRT 1xBOOK');
SELECT oms.pack_shipment(pg_temp.parcel('c')), oms.book_shipment(pg_temp.parcel('c')) ~ 'AWB' AS booked;
SELECT pg_temp.parcel('c') AS parcel \gset
SELECT c - 'shipment_id' - 'order_id' FROM oms.cancel_shipment(:parcel, at => '2026-03-02 12:00+05:30') c;
SELECT * FROM pg_temp.story('c');
SELECT c - 'shipment_id' - 'order_id' FROM oms.cancel_shipment(:parcel) c;
SELECT * FROM pg_temp.unsound;
-- recalled: handed over, but the courier has not reported it; on_hand and reserved as before
SELECT pg_temp.stock('SHIRT') AS before;
SELECT oms.dispatch_shipment(pg_temp.parcel('c'), at => '2026-03-03 10:00+05:30') -> 'state' AS state, pg_temp.stock('SHIRT') AS gone;
SELECT c - 'shipment_id' - 'order_id' FROM oms.cancel_shipment(pg_temp.parcel('c'), at => '2026-03-03 11:00+05:30') c;
SELECT * FROM pg_temp.story('c');
SELECT pg_temp.stock('SHIRT') AS after;
SELECT delta, on_hand, reason, regexp_replace(document, '[0-9]+', 'N') FROM oms.stock_ledger WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9221 ORDER BY ledger_id DESC LIMIT 2;
SELECT * FROM pg_temp.unsound;
-- not what the courier has
SELECT oms.dispatch_shipment(pg_temp.parcel('c'), at => '2026-03-03 12:00+05:30') -> 'state' AS state;
INSERT INTO oms.scan (company_id, shipment_id, courier_id, code, scanned_at, state) SELECT 9200, pg_temp.parcel('c'), 9241, 'PU', '2026-03-03 13:00+05:30', 'PICKED_UP';
SELECT pg_temp.fails(format('SELECT oms.cancel_shipment(%s)', pg_temp.parcel('c'))) ~ '^OM004: shipment [0-9]+ is on its way' AS refused;
SELECT pg_temp.fails('SELECT oms.cancel_shipment(-1)');
-- many at once: those that can go, or all or none
SELECT plan FROM pg_temp.took('m1', 'WEB 981001 PREPAID 1xBOOK');
SELECT plan, holds FROM pg_temp.took('m2', 'WEB 981001 PREPAID 1xBOOK', '{"payment": {"mode": "PREPAID", "paid_amount": 1}}');
SELECT regexp_replace(pg_temp.fails(format('SELECT * FROM oms.dispatch_shipments(ARRAY[%s, %s], partial => false)', pg_temp.parcel('m1'), pg_temp.parcel('m2'))), 'order [0-9]+', 'order N');
SELECT status FROM pg_temp.story('m1');
SELECT ok, left(error, 5) AS error FROM oms.dispatch_shipments(ARRAY[pg_temp.parcel('m1'), pg_temp.parcel('m2')]);
SELECT status FROM pg_temp.story('m1');
-- where the ERP counts: recalled until it is told
UPDATE oms.node SET stock_from = 'erp' WHERE node_id = 9211;
SELECT plan FROM pg_temp.took('erp', 'WEB 981001 PREPAID 2xBOOK');
SELECT pg_temp.stock('BOOK') AS before;
SELECT oms.dispatch_shipment(pg_temp.parcel('erp'), at => '2026-03-03 10:00+05:30') -> 'state' AS state, pg_temp.stock('BOOK') AS leaving;
SELECT kind, qty, state FROM oms.erp_call WHERE company_id = 9200;
SELECT c -> 'status' AS status, pg_temp.stock('BOOK') AS after FROM oms.cancel_shipment(pg_temp.parcel('erp'), at => '2026-03-03 11:00+05:30') c;
SELECT count(*) AS calls FROM oms.erp_call WHERE company_id = 9200;
SELECT r.state, count(*) FROM oms.reservation r JOIN oms.allocation a USING (company_id, allocation_id) WHERE a.order_id = pg_temp.id('erp') GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.unsound;
SELECT oms.dispatch_shipment(pg_temp.parcel('erp'), at => '2026-03-03 12:00+05:30') -> 'state' AS state;
UPDATE oms.erp_call SET state = 'sent' WHERE company_id = 9200;
SELECT pg_temp.fails(format('SELECT oms.cancel_shipment(%s)', pg_temp.parcel('erp'))) ~ '^OM004: shipment [0-9]+ is booked out in the ERP' AS refused;
SELECT pg_temp.fails(format('SELECT oms.short_ship(%s, 1, shelf => 1)', pg_temp.at('one2', 'SHIRT')));
SELECT * FROM pg_temp.unsound;
SELECT * FROM pg_temp.unsound;
ROLLBACK;
