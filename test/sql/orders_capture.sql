-- Capture of every kind of order: amounts, plans, holds, and what is kept.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(20, 20, 0, 'SHIRT', 'BOOK', 'RICE', 'RING', 'BARE'), pg_temp.set_stock(0, 7, 0, 'TV'), pg_temp.set_stock(1, 0, 0, 'NOTE'); END $$;

-- COD and prepaid; nearest node; tax contained: 525 at 5 % is 500 + 25
SELECT * FROM pg_temp.took('cod', 'WEB 981001 COD 1xSHIRT');
SELECT * FROM pg_temp.took('pre', 'WEB 981002 PREPAID 2xSHIRT 1xBOOK');
-- two nodes: the shirt could go from either, so one parcel
SELECT * FROM pg_temp.took('tv', 'WEB 981001 PREPAID 1xTV@23600 1xSHIRT');
-- two parcels when it must be
SELECT oms.adjust_stock('BOM', 'SHIRT', (SELECT reserved FROM oms.available('SHIRT', 'BOM'))) AS change;
SELECT * FROM pg_temp.took('split', 'WEB 981001 PREPAID 1xTV@23600 1xSHIRT');
SELECT n.code, s.dead_g, s.declared_value, s.cod_amount, s.state, v.code AS service, s.promised_at
  FROM oms.shipment s JOIN oms.node n USING (node_id) JOIN oms.courier_service v USING (courier_service_id)
 WHERE s.order_id = pg_temp.id('split') ORDER BY n.code COLLATE "C";
-- COD over two parcels: each collects its share, together what is due, the paid part and charges included
SELECT * FROM pg_temp.took('codsplit', 'WEB 981001 COD 1xTV@23600 1xSHIRT', '{"payment": {"mode": "COD", "paid_amount": 1000}, "charges": [{"kind": "SHIPPING", "amount": 99.99}]}');
SELECT n.code, s.declared_value, s.cod_amount FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = pg_temp.id('codsplit') ORDER BY n.code COLLATE "C";
SELECT sum(s.cod_amount) = 23600 + 525 + 99.99 - 1000 AS collects_all FROM oms.shipment s WHERE s.order_id = pg_temp.id('codsplit');

-- prices without tax: it comes on top, and between states it is integrated
SELECT * FROM pg_temp.took('b2b', 'B2B 981002 PREPAID 2xSHIRT@500 1xBOOK@200', '{"customer": {"gstin": "29ABCDE1234F1ZW", "name": "Shop of shops"}}');
SELECT l.line_no, a.qty, a.net_amount, a.tax_rate, a.taxable, a.cgst, a.sgst, a.igst, a.supplier_state, a.place_of_supply
  FROM oms.order_line l JOIN oms.allocation a USING (company_id, order_id, line_no) WHERE order_id = pg_temp.id('b2b') ORDER BY 1, a.allocation_id;
SELECT paid_amount, goods_amount, charge_amount, tax_amount, total_amount, buyer_gstin, place_of_supply FROM oms."order" WHERE order_id = pg_temp.id('b2b');

-- the rate of the day at the company's place, wherever the session sits: 28 % until 21 September 2025
SET TIME ZONE 'America/New_York';
SELECT at, (SELECT tax FROM pg_temp.took('day' || at, 'B2B 981001 PREPAID 1xTV@10000', at => at)) FROM unnest('{2025-09-21 23:59:59+05:30,2025-09-22 00:00+05:30}'::timestamptz[]) at;
SET TIME ZONE 'Asia/Kolkata';

-- discounts: on a line, and of the cart, spread by value without losing a paisa
SELECT * FROM pg_temp.took('discount', 'WEB 981001 PREPAID 3xSHIRT@525-75 1xBOOK@200 1xBOOK@100.01',
    '{"charges": [{"kind": "CART_DISCOUNT", "amount": 100}, {"kind": "SHIPPING", "amount": 40}, {"kind": "GIFT_WRAP", "amount": 10.5}]}');
SELECT line_no, qty, unit_price, discount, net_amount FROM oms.order_line WHERE order_id = pg_temp.id('discount') ORDER BY line_no;
SELECT charge_no, kind, amount FROM oms.order_charge WHERE order_id = pg_temp.id('discount') ORDER BY charge_no;
SELECT paid_amount, goods_amount, charge_amount, total_amount FROM oms."order" WHERE order_id = pg_temp.id('discount');
-- all of it
SELECT * FROM pg_temp.took('free', 'WEB 981001 PREPAID 1xBOOK', '{"charges": [{"kind": "CART_DISCOUNT", "amount": 200}]}');

-- fractions, items that are not counted, kits from their components
SELECT * FROM pg_temp.took('rice', 'WEB 981001 PREPAID 1.375xRICE');
SELECT qty, unit_price, net_amount FROM oms.order_line WHERE order_id = pg_temp.id('rice');
SELECT * FROM pg_temp.took('note', 'WEB 981001 PREPAID 30xNOTE@10');
SELECT count(*) AS held FROM oms.reservation r JOIN oms.allocation a USING (company_id, allocation_id) WHERE a.order_id = pg_temp.id('note');
SELECT * FROM pg_temp.took('kit', 'WEB 981001 PREPAID 2xPAIR');
SELECT k.code, r.qty FROM oms.reservation r JOIN oms.allocation a USING (company_id, allocation_id) JOIN oms.sku k ON k.sku_id = r.sku_id
 WHERE a.order_id = pg_temp.id('kit') ORDER BY k.code COLLATE "C";

-- over the counter: handed over, counted down, taxed where the counter stands
SELECT pg_temp.stock('BOOK') AS before;
SELECT * FROM pg_temp.took('counter', 'POS 981002 COD 1xBOOK 1xSHIRT', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}');
SELECT pg_temp.stock('BOOK') AS after;
SELECT delta, reason, document ~ '^order [0-9]+$' AS document FROM oms.stock_ledger WHERE company_id = 9200 AND reason = 'dispatch' ORDER BY sku_id;
SELECT k.code, a.status, a.cgst, a.sgst, a.igst, a.supplier_state, a.place_of_supply, a.promised_at FROM oms.allocation a JOIN oms.sku k USING (sku_id) WHERE order_id = pg_temp.id('counter') ORDER BY 1;
SELECT count(*) AS parcels FROM oms.shipment WHERE order_id = pg_temp.id('counter');
-- from the node that the document names, shipped
SELECT * FROM pg_temp.took('named', 'WEB 981001 PREPAID 1xBOOK', '{"fulfilment": {"node": "BOM"}}');

-- what the buyer is known by: one customer, whatever the form of the number
SELECT status FROM pg_temp.took('phone1', 'WEB 981001 COD 1xBOOK', '{"customer": {"phone": "+91 98765-43210", "name": "Asha"}}');
SELECT status FROM pg_temp.took('phone2', 'WEB 981001 PREPAID 1xBOOK', '{"customer": {"phone": "098765 43210"}}');
SELECT c.name, c.phone, length(c.buyer_hash) AS hash, c.orders, c.cod_open, c.last_order_at FROM oms.customer c WHERE company_id = 9200;
SELECT count(DISTINCT customer_id) AS customers FROM oms."order" WHERE order_id IN (pg_temp.id('phone1'), pg_temp.id('phone2'));

-- holds: the stock is reserved all the same
SELECT 'PRICE' AS wanted, t.* FROM pg_temp.took('h1', 'WEB 981001 PREPAID 1xBOOK@179.99') t;
SELECT '' AS wanted, t.* FROM pg_temp.took('h2', 'WEB 981001 PREPAID 1xBOOK@180') t;
SELECT 'PAYMENT' AS wanted, t.* FROM pg_temp.took('h3', 'WEB 981001 PREPAID 1xBOOK', '{"payment": {"mode": "PREPAID", "paid_amount": 199.99}}') t;
SELECT 'PREPAID_ONLY' AS wanted, t.* FROM pg_temp.took('h4', 'WEB 981001 COD 1xRING') t;
SELECT 'PREPAID_ONLY' AS wanted, t.* FROM pg_temp.took('h5', 'WEB 981003 COD 1xBOOK') t;
SELECT 'ADDRESS' AS wanted, t.* FROM pg_temp.took('h6', 'WEB 981001 PREPAID 1xBOOK', '{"ship_to": {"pincode": "981001"}}') t;
SELECT 'NOT_SERVICEABLE' AS wanted, t.* FROM pg_temp.took('h7', 'WEB 981099 PREPAID 1xBOOK') t;
SELECT 'COD_CONFIRM' AS wanted, t.* FROM pg_temp.took('h8', 'WEB 981001 COD 4xBOOK') t;
SELECT 'PREPAID_ONLY' AS wanted, t.* FROM pg_temp.took('h8b', 'WEB 981001 COD 6xRICE') t;
SELECT 'BLOCKED' AS wanted, t.* FROM pg_temp.took('h9', 'WEB 981001 COD 8xBOOK') t;
-- prepaid, the same risk is none
SELECT '' AS wanted, t.* FROM pg_temp.took('h10', 'WEB 981001 PREPAID 8xRICE') t;
SELECT o.external_id, h.hold, h.reason FROM oms.order_hold h JOIN oms."order" o USING (company_id, order_id) WHERE h.company_id = 9200 ORDER BY o.external_id COLLATE "C", h.hold COLLATE "C";

-- a promise is what capture does: same plan, same date, nothing taken
SELECT pg_temp.stock('SHIRT') AS before;
CREATE TEMP TABLE promised AS SELECT w, oms.promise(pg_temp.doc('-', w), '2026-03-02 10:00+05:30') AS p FROM unnest(ARRAY['WEB 981001 PREPAID 2xSHIRT 1xTV@23600', 'WEB 981002 PREPAID 30xSHIRT', 'WEB 981003 COD 1xBOOK 1xRICE', 'WEB 981001 PREPAID 9xPAIR']) w;
SELECT pg_temp.stock('SHIRT') AS after;
SAVEPOINT s;
DO $$ DECLARE r record; c jsonb; BEGIN
    FOR r IN SELECT w, p FROM promised LOOP
        c := oms.capture_order(pg_temp.doc('as promised', r.w), '2026-03-02 10:00+05:30');
        RAISE NOTICE '%: %, promised %: plan %, date %', r.w, pg_temp.plan(c), r.p -> 'complete',
            CASE WHEN pg_temp.plan(r.p) = pg_temp.plan(c) THEN 'the same' ELSE pg_temp.plan(r.p) END,
            CASE WHEN r.p -> 'promised_at' = c -> 'promised_at' THEN 'the same' ELSE (r.p -> 'promised_at')::text END;
        PERFORM oms.cancel_order(pg_temp.id('as promised'));
        UPDATE oms."order" SET external_id = external_id || order_id WHERE order_id = pg_temp.id('as promised');
    END LOOP;
END $$;
ROLLBACK TO s;
-- only channel, ship_to and lines are needed
SELECT jsonb_pretty(oms.promise('{"channel": "WEB", "ship_to": {"pincode": "981001"}, "lines": [{"sku": "BOOK", "qty": 1}, {"sku": "SHIRT", "qty": 100}]}', '2026-03-02 10:00+05:30'));

-- why
SELECT run, subject, what, outcome, rank, cost, reason, meaning, terms - 'utilities' AS terms FROM oms.explain_order(pg_temp.id('split')) WHERE subject <> 'courier' ORDER BY run, seq;
SELECT subject, what, outcome, rank, cost IS NOT NULL AS cost, reason, terms ->> 'zone' AS zone, terms ->> 'freight' AS freight FROM oms.explain_order(pg_temp.id('split')) WHERE subject = 'courier' ORDER BY run, seq;
SELECT what, outcome, reason, meaning FROM oms.explain_order(pg_temp.id('named')) WHERE subject = 'node' ORDER BY seq;
SELECT what, outcome, reason, meaning FROM oms.explain_order(pg_temp.id('h7')) WHERE subject IN ('node', 'courier') ORDER BY seq;
SELECT topic, type, payload FROM oms.event WHERE company_id = 9200 AND topic = 'order' AND subject_id = pg_temp.id('kit');

-- everything adds up
SELECT * FROM oms.verify();
ROLLBACK;
