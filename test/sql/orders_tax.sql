-- GST on an order's path: kinds of supply, place of supply, whose GSTIN ships, charges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 50, 'SHIRT', 'BOOK', 'TV'); END $$;
CREATE FUNCTION pg_temp.taxes(ext text) RETURNS TABLE (item text, qty numeric, node text, rate numeric, taxable numeric, cgst numeric, sgst numeric, igst numeric, "from" text, "to" text) LANGUAGE sql AS $$
    SELECT k.code, trim_scale(a.qty), n.code, trim_scale(a.tax_rate), a.taxable, a.cgst, a.sgst, a.igst, a.supplier_state, a.place_of_supply
      FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id
     WHERE a.order_id = pg_temp.id(ext) AND a.status <> 'cancelled' ORDER BY a.line_no, a.allocation_id
$$;
CREATE FUNCTION pg_temp.kind(ext text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', o.supply_type, coalesce(o.place_of_supply, '-'), 'total', o.total_amount, 'tax', o.tax_amount) FROM oms."order" o WHERE o.order_id = pg_temp.id(ext)
$$;

-- consumers and businesses; B2B prices are without tax
SELECT ext, count(*) FROM (VALUES
    ('b2c', 'WEB 981001 PREPAID 1xSHIRT', '{}'),
    ('billed', 'WEB 981001 PREPAID 1xSHIRT', '{"bill_to": {"pincode": "981002"}}'),
    ('b2b', 'B2B 981001 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}}'),
    ('ship', 'B2B 981002 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}}'),
    ('billship', 'B2B 981002 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}, "bill_to": {"pincode": "981001"}}'),
    ('stated', 'B2B 981002 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}, "place_of_supply": "07"}'),
    ('sezwp', 'B2B 981001 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}, "supply_type": "SEZWP"}'),
    ('sezwop', 'B2B 981001 PREPAID 1xTV@1000', '{"customer": {"gstin": "29ABCDE1234F1ZW"}, "supply_type": "SEZWOP"}'),
    ('webwop', 'WEB 981001 PREPAID 1xSHIRT', '{"customer": {"gstin": "29ABCDE1234F1ZW"}, "supply_type": "SEZWOP"}'),
    ('exp', 'WEB 981002 PREPAID 1xTV@11800', '{"supply_type": "EXPWP"}'),
    ('counter', 'POS 981002 COD 1xSHIRT', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}'),
    ('counterbill', 'POS 981002 COD 1xSHIRT', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}, "bill_to": {"pincode": "981002"}}'),
    ('counterb2b', 'POS 981002 COD 1xSHIRT', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}, "customer": {"gstin": "27AAPFU0939F1ZV"}, "bill_to": {"pincode": "981002"}}')) v (ext, what, more),
    pg_temp.capture(v.ext, v.what, v.more::jsonb) GROUP BY ext HAVING count(*) <> 1;
SELECT ext, pg_temp.kind(ext), t.* FROM unnest('{b2c,billed,b2b,ship,billship,stated,sezwp,sezwop,webwop,exp,counter,counterbill,counterb2b}'::text[]) WITH ORDINALITY u (ext, n), pg_temp.taxes(ext) t ORDER BY u.n;

SELECT * FROM oms.verify();
-- what verify would say of a wrong split
SAVEPOINT wrong;
UPDATE oms.allocation SET cgst = igst / 2, sgst = igst / 2, igst = 0 WHERE order_id IN (pg_temp.id('sezwp'), pg_temp.id('exp'));
UPDATE oms.allocation SET taxable = 1000, net_amount = 1180, igst = 180 WHERE order_id = pg_temp.id('sezwop');
SELECT invariant, regexp_replace(detail, '.*CGST', 'CGST') AS detail FROM oms.verify() WHERE invariant = 'allocation_tax';
ROLLBACK TO wrong;
-- another node, another state: recomputed and stored; SEZ stays between states, without payment stays without
CREATE FUNCTION pg_temp.move(ext text, item text, node text) RETURNS text LANGUAGE sql AS $$ SELECT oms.reroute_allocation(pg_temp.at(ext, item), node, at => '2026-03-02 12:00+05:30') ->> 'status' $$;
SELECT pg_temp.move('b2b', 'TV', 'BOM'), pg_temp.move('ship', 'TV', 'BLR'), pg_temp.move('sezwp', 'TV', 'BOM'), pg_temp.move('sezwop', 'TV', 'DEL'), pg_temp.move('billship', 'TV', 'BLR');
SELECT ext, pg_temp.kind(ext), t.* FROM unnest('{b2b,ship,billship,sezwp,sezwop}'::text[]) WITH ORDINALITY u (ext, n), pg_temp.taxes(ext) t ORDER BY u.n;

-- a node supplies under its own GSTIN; one without, under its state
UPDATE oms.node SET gstin = '29ABCDE1234F1ZW' WHERE node_id = 9212;
SELECT oms.supplier_gstin(9211) IS NULL AS none, oms.supplier_gstin(9212) AS own;
INSERT INTO oms.gstin (company_id, gstin, state_code) VALUES (9200, '29AABCR1718E1ZL', '29'), (9200, '07ABCDE1234F1Z2', '07');
SELECT oms.supplier_gstin(9211) AS company_s, oms.supplier_gstin(9212) AS own, oms.supplier_gstin(-1) IS NULL AS nobody;
SELECT status FROM pg_temp.took('owngstin', 'WEB 981002 PREPAID 1xSHIRT', '{"fulfilment": {"node": "BOM"}}');
SELECT * FROM pg_temp.taxes('owngstin');
-- what will not stand on an invoice
SELECT * FROM oms.check_gst();
UPDATE oms.node SET gstin = NULL WHERE node_id = 9212;
UPDATE oms.sku SET hsn = '610910' WHERE sku_id = 9221;
SELECT * FROM oms.check_gst('SHOP', 60000000) ORDER BY what COLLATE "C", code COLLATE "C";

-- a price in the dead band is told of
INSERT INTO oms.price (company_id, sku_id, amount, includes_tax, valid_from) VALUES (9200, 9230, 2626, true, '2026-01-01'), (9200, 9221, 2625, true, '2026-01-01');
SELECT * FROM oms.check_gst() WHERE what = 'price';
DELETE FROM oms.price WHERE company_id = 9200 AND valid_from = '2026-01-01';
SELECT pg_temp.capture('dead', 'WEB 981001 PREPAID 1xBOOK@200 1xSHIRT@2800 1xSHIRT@2951') -> 'warnings' AS warnings;
SELECT line_no, trim_scale(tax_rate), taxable FROM oms.allocation WHERE order_id = pg_temp.id('dead') ORDER BY line_no;
SELECT pg_temp.capture('notdead', 'WEB 981001 PREPAID 1xSHIRT@2625') ? 'warnings' AS warned;
-- a cart discount moves two pieces of 2,600 into the lower band
SELECT (SELECT tax FROM pg_temp.took('slab', 'B2B 981001 PREPAID 2xSHIRT@2600')) AS "18", (SELECT tax FROM pg_temp.took('slabcart', 'B2B 981001 PREPAID 2xSHIRT@2600', '{"charges": [{"kind": "CART_DISCOUNT", "amount": 400}]}')) AS "5";

-- charges go with the goods: 100.00 over 1,000.00 at 5 % and 10,000.00 at 18 % is 9.09 and 90.91, tax 0.45 and 16.36
SELECT * FROM pg_temp.took('charges', 'B2B 981002 PREPAID 2xSHIRT@500 1xTV@10000', '{"charges": [{"kind": "SHIPPING", "amount": 100}, {"kind": "CART_DISCOUNT", "amount": 0}]}');
SELECT kind, rate, net, taxable, cgst, sgst, igst FROM oms.charge_tax(pg_temp.id('charges'));
SELECT o.goods_amount + o.charge_amount + o.tax_amount + (SELECT sum(c.cgst + c.sgst + c.igst) FROM oms.charge_tax(o.order_id) c) = o.total_amount AS adds_up, total_amount FROM oms."order" o WHERE order_id = pg_temp.id('charges');
-- the invoice says the same, of SEZ too
INSERT INTO oms.gstin (company_id, gstin, state_code) VALUES (9200, '27AAPFU0939F1ZV', '27');
SELECT a->>'taxable' AS taxable, a->>'tax' AS tax, a->>'total' AS total, a->>'supply_type' AS type FROM (SELECT oms.make_invoice(s.shipment_id) AS a FROM oms.shipment s WHERE s.order_id = pg_temp.id('charges') AND s.state <> 'CANCELLED') i;
WITH parcel AS MATERIALIZED (SELECT o.order_id, o.supply_type, s.shipment_id FROM oms."order" o JOIN oms.shipment s USING (company_id, order_id)
      WHERE o.company_id = 9200 AND o.external_id IN ('sezwp', 'sezwop', 'exp') AND s.state <> 'CANCELLED'),
    made AS MATERIALIZED (SELECT p.*, oms.make_invoice(p.shipment_id) AS a FROM parcel p ORDER BY p.order_id)
SELECT supply_type, a->>'taxable' AS taxable, a->>'tax' AS tax, a->>'total' AS total, a->>'supply_type' AS type, a->>'kind' AS kind FROM made ORDER BY order_id;
-- a line less, a line more: the tax of the charge follows the goods that are left, and what was paid too much is owed back
SELECT pg_temp.took('less', 'B2B 981001 PREPAID 2xSHIRT@500 1xTV@10000', '{"charges": [{"kind": "SHIPPING", "amount": 100}]}');
CREATE FUNCTION pg_temp.money(ext text) RETURNS TABLE (tax numeric, charge_tax numeric, total numeric, paid numeric, refunds numeric, adds_up boolean) LANGUAGE sql AS $$
    SELECT o.tax_amount, o.charge_tax_amount, o.total_amount, o.paid_amount, (SELECT sum(f.amount) FROM oms.refund f WHERE f.order_id = o.order_id AND f.status <> 'void'),
           o.total_amount = (SELECT sum(a.net_amount + a.cgst + a.sgst + a.igst) FROM oms.allocation a WHERE a.order_id = o.order_id AND a.status <> 'cancelled')
               + o.charge_amount + (SELECT sum(c.cgst + c.sgst + c.igst) FROM oms.charge_tax(o.order_id) c)
      FROM oms."order" o WHERE o.order_id = pg_temp.id(ext)
$$;
SELECT * FROM pg_temp.money('less');
SELECT oms.cancel_line(pg_temp.id('less'), 2, request_id => 'less1') - 'order_id' AS answer;
SELECT * FROM pg_temp.money('less');
SELECT oms.cancel_line(pg_temp.id('less'), 1, 1, request_id => 'less2') - 'order_id' AS answer;
SELECT * FROM pg_temp.money('less');
SELECT oms.exchange_line(pg_temp.id('less'), 1, 'TV', 1, request_id => 'less3', unit_price => 700, at => '2026-03-02 12:00+05:30') - '{order_id,plan,line_no,new_line_no}'::text[] AS answer;
SELECT * FROM pg_temp.money('less');
SELECT * FROM oms.verify();
-- contained: 118 and 50.01 over two shirts worth 1,000 without tax and a book of 200; another node sends the shirts, the tax of their share goes with them
SELECT * FROM pg_temp.took('charges2', 'WEB 981001 COD 2xSHIRT 1xBOOK', '{"charges": [{"kind": "SHIPPING", "amount": 118}, {"kind": "COD_FEE", "amount": 50.01}]}');
SELECT kind, rate, net, taxable, cgst, sgst, igst FROM oms.charge_tax(pg_temp.id('charges2'));
SELECT pg_temp.move('charges2', 'SHIRT', 'BOM');
SELECT kind, rate, net, taxable, cgst, sgst, igst FROM oms.charge_tax(pg_temp.id('charges2'));
SELECT sum(net) = 168.01 AS whole, sum(taxable + cgst + sgst + igst) = 168.01 AS with_tax FROM oms.charge_tax(pg_temp.id('charges2'));
-- free goods: the highest rate
SELECT * FROM pg_temp.took('chargesfree', 'WEB 981001 PREPAID 1xSHIRT@525-525 1xBOOK@200-200', '{"charges": [{"kind": "SHIPPING", "amount": 21}]}');
SELECT rate, net, taxable, cgst, sgst FROM oms.charge_tax(pg_temp.id('chargesfree'));
-- what waits has no rate yet; what is cancelled bears nothing
SELECT * FROM pg_temp.took('chargeswait', 'WEB 981001 PREPAID 1xSHIRT 1xRICE@100', '{"charges": [{"kind": "SHIPPING", "amount": 62.5}]}');
SELECT rate, net, taxable, cgst, sgst FROM oms.charge_tax(pg_temp.id('chargeswait'));
SELECT count(oms.cancel_line(pg_temp.id('chargeswait'), 2, NULL, 'c1'));
SELECT rate, net, taxable, cgst, sgst FROM oms.charge_tax(pg_temp.id('chargeswait'));
SELECT pg_temp.fails('SELECT oms.charge_tax(-1)');

-- a line over nodes and back together: whatever the parts, they are the line, and the order has their tax
SELECT pg_temp.set_stock(3, 2, 2, 'RICE');
SELECT * FROM pg_temp.took('parts', 'WEB 981001 PREPAID 7xRICE@333.33');
CREATE FUNCTION pg_temp.whole(ext text) RETURNS TABLE (parts bigint, net numeric, with_tax numeric, tax_is_order_s boolean, halves boolean) LANGUAGE sql AS $$
    SELECT count(*), sum(a.net_amount), sum(a.taxable + a.cgst + a.sgst + a.igst), sum(a.cgst + a.sgst + a.igst) = max(o.tax_amount), bool_and(a.cgst - a.sgst IN (0, 0.01))
      FROM oms.allocation a JOIN oms."order" o USING (company_id, order_id) WHERE a.order_id = pg_temp.id(ext) AND a.status <> 'cancelled'
$$;
SELECT * FROM pg_temp.taxes('parts');
SELECT * FROM pg_temp.whole('parts');
SELECT pg_temp.set_stock(10, 2, 2, 'RICE');
SELECT count(oms.reroute_allocation(a.allocation_id, 'BLR', at => '2026-03-02 12:00+05:30')) FROM oms.allocation a JOIN oms.node n USING (node_id) WHERE a.order_id = pg_temp.id('parts') AND n.code <> 'BLR';
SELECT * FROM pg_temp.taxes('parts');
SELECT * FROM pg_temp.whole('parts');
-- the same for every count and odd price
CREATE FUNCTION pg_temp.storm() RETURNS TABLE (orders bigint, parts numeric, lost bigint) LANGUAGE plpgsql AS $f$
DECLARE
    ext text;
    w record;
BEGIN
    orders := 0; parts := 0; lost := 0;
    FOR i IN 2 .. 24 LOOP
        ext := 'storm' || i;
        PERFORM pg_temp.set_stock(s.on_hand[1] + i / 3, s.on_hand[2] + i / 3, s.on_hand[3] + i - 2 * (i / 3), 'RICE')
           FROM (SELECT array_agg(x.reserved ORDER BY x.node_id) AS on_hand FROM oms.stock x WHERE x.company_id = 9200 AND x.sku_id = 9224) s;
        PERFORM pg_temp.capture(ext, format('WEB 981001 PREPAID %sxRICE@%s-%s 1xTV@23611.%s', i, 63 + i * 7.77, i * 0.13, 10 + i));
        FOR j IN 1 .. 2 LOOP
            SELECT * INTO w FROM pg_temp.whole(ext);
            orders := orders + 1; parts := parts + w.parts;
            IF w.net <> w.with_tax OR NOT w.tax_is_order_s OR NOT w.halves OR w.net <> (SELECT goods_amount FROM oms."order" WHERE order_id = pg_temp.id(ext)) THEN
                lost := lost + 1;
            END IF;
            PERFORM pg_temp.set_stock(s.on_hand[1], s.on_hand[2], s.on_hand[3] + i, 'RICE')
               FROM (SELECT array_agg(x.reserved ORDER BY x.node_id) AS on_hand FROM oms.stock x WHERE x.company_id = 9200 AND x.sku_id = 9224) s;
            PERFORM oms.reroute_allocation(a.allocation_id, 'DEL', at => '2026-03-02 12:00+05:30')
               FROM oms.allocation a WHERE a.order_id = pg_temp.id(ext) AND a.node_id <> 9213 AND a.sku_id = 9224;
        END LOOP;
    END LOOP;
    RETURN NEXT;
END $f$;
SELECT orders, parts > orders * 2 AS in_parts, lost FROM pg_temp.storm();
SELECT * FROM oms.verify();
-- captured on the last day of 28 %, invoiced on the first of 18 %: the day of the invoice counts; what has its invoice keeps it
SELECT pg_temp.capture('old' || n, what, at => '2025-09-21 20:00+05:30') ->> 'total' AS total FROM (VALUES (1, 'WEB 981001 COD 1xTV@1280 1xSHIRT@525'), (2, 'WEB 981001 COD 1xTV@1280'), (3, 'WEB 981001 COD 1xTV@1280')) v (n, what);
SELECT pg_temp.capture('old4', 'B2B 981001 PREPAID 1xTV@1000 1xBOOK@1000', '{"charges": [{"kind": "SHIPPING", "amount": 100}]}', '2025-09-21 20:00+05:30') ->> 'total' AS total;
SELECT (i.a ->> 'tax')::numeric AS tax, i.a ->> 'total' AS total FROM (SELECT oms.make_invoice(s.shipment_id, at => '2025-09-21 23:00+05:30') AS a FROM oms.shipment s WHERE s.order_id = pg_temp.id('old2')) i;
SELECT (i.a ->> 'tax')::numeric AS tax, i.a ->> 'total' AS total FROM (SELECT oms.make_invoice(s.shipment_id, at => '2025-09-22 00:00+05:30') AS a FROM oms.shipment s WHERE s.order_id = pg_temp.id('old1')) i;
SELECT n, oms.retax_order(pg_temp.id('old' || n), at => '2025-09-21 23:59+05:30') AS before, oms.retax_order(pg_temp.id('old' || n), at => '2025-09-22 00:00+05:30') AS changed, oms.retax_order(pg_temp.id('old' || n), at => '2025-09-22 00:00+05:30') AS again FROM generate_series(1, 4) n ORDER BY n;
SELECT ext, pg_temp.kind(ext), t.* FROM unnest('{old1,old2,old3,old4}'::text[]) WITH ORDINALITY u (ext, n), pg_temp.taxes(ext) t ORDER BY u.n;
SELECT o.external_id, o.paid_amount, (SELECT sum(f.amount) FROM oms.refund f WHERE f.order_id = o.order_id) AS refund, o.goods_amount + o.charge_amount + o.tax_amount + (SELECT sum(c.cgst + c.sgst + c.igst) FROM oms.charge_tax(o.order_id) c) = o.total_amount AS adds_up FROM oms."order" o WHERE o.order_id = pg_temp.id('old4');
SELECT payload FROM oms.event WHERE company_id = 9200 AND type = 'order.retaxed' ORDER BY event_id;
-- an item whose rate is not known any more keeps what it had
UPDATE oms.sku SET hsn = '9999' WHERE sku_id = 9222;
SELECT oms.retax_order(pg_temp.id('old3'), at => '2025-09-22 00:00+05:30') AS changed;
UPDATE oms.sku SET hsn = '8528' WHERE sku_id = 9222;
SELECT * FROM oms.verify();
SELECT pg_temp.fails('SELECT oms.retax_order(-1)'), pg_temp.fails('SELECT oms.retax_order(NULL)');
-- what the marketplace should have collected: invoices of the channel so far
SELECT gstin, place_of_supply, from_day, to_day, supplies, returns, net, rate, tcs, cgst, sgst, igst FROM oms.tcs_month('WEB', '2025-09-15');
SELECT count(oms.credit_invoice(i.invoice_id, 'goodwill', at => '2025-09-30 23:00+05:30')) FROM oms.invoice i WHERE i.order_id = pg_temp.id('old2') AND i.kind = 'invoice';
SELECT place_of_supply, supplies, returns, net, tcs, cgst, sgst FROM oms.tcs_month('WEB', '2025-09-01');
SELECT count(*) AS none FROM oms.tcs_month('WEB', '2025-08-31');
SELECT pg_temp.fails($$SELECT oms.tcs_month('NOSUCH', '2025-09-01')$$), pg_temp.fails($$SELECT oms.tcs_month('WEB', NULL)$$);
-- refused
SELECT pg_temp.fails(format('SELECT pg_temp.capture(''x'', ''WEB 981001 PREPAID 1xBOOK'', %L)', m)) FROM unnest(ARRAY['{"customer": {"gstin": "00ABCDE1234F1ZG"}}', '{"supply_type": "EXPORT"}', '{"supply_type": "B2B"}', '{"place_of_supply": "98"}', '{"place_of_supply": 29}']) m;
ROLLBACK;
