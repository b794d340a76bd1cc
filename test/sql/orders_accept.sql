-- Orders of channels in a rush: accepted with number and stock, made a moment
-- later, refused where they cannot be made.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
UPDATE oms.channel SET accept_first = true WHERE company_id = 9200;
SELECT pg_temp.set_stock(20, 20, 20, 'SHIRT', 'BOOK', 'TV', 'RICE', 'RING');
CREATE FUNCTION pg_temp.accepted() RETURNS TABLE (external_id text, plan text, tries integer, error text) LANGUAGE sql AS $$
    SELECT a.external_id, (SELECT string_agg(format('%s: %s x %s %s', u.l, trim_scale(u.q), k.code, n.code), ', ' ORDER BY u.l, n.code)
             FROM unnest(a.line_nos, a.node_ids, a.sku_ids, a.qtys) u (l, n, s, q) JOIN oms.node n ON n.node_id = u.n JOIN oms.sku k ON k.sku_id = u.s),
           a.tries, a.error
      FROM oms.accepted_order a ORDER BY a.order_id
$$;
CREATE FUNCTION pg_temp.accepted_id(ext text) RETURNS bigint LANGUAGE sql AS $$ SELECT order_id FROM oms.accepted_order WHERE external_id = ext $$;
-- every change of a row of stock counts
CREATE FUNCTION pg_temp.changes() RETURNS numeric LANGUAGE sql AS $$ SELECT sum(version) FROM oms.stock WHERE company_id = 9200 $$;
CREATE FUNCTION pg_temp.made(ext text) RETURNS TABLE (status text, captured text, line_no integer, sku text, qty numeric, line text, node text, reserved numeric) LANGUAGE sql AS $$
    SELECT o.status, to_char(o.captured_at, 'MM-DD HH24:MI'), a.line_no, k.code, trim_scale(a.qty), a.status, n.code,
           (SELECT trim_scale(sum(r.qty)) FROM oms.reservation r WHERE r.allocation_id = a.allocation_id AND r.state = 'open')
      FROM oms."order" o JOIN oms.allocation a USING (company_id, order_id)
           JOIN oms.sku k ON k.sku_id = a.sku_id LEFT JOIN oms.node n ON n.node_id = a.node_id
     WHERE o.company_id = 9200 AND o.external_id = ext AND a.status <> 'cancelled' ORDER BY 3, a.allocation_id
$$;
-- events of the order, by name
CREATE FUNCTION pg_temp.told(what text) RETURNS TABLE (times bigint, payload jsonb) LANGUAGE sql AS $$
    SELECT count(*), e.payload FROM oms.event e WHERE e.company_id = 9200 AND e.type = what GROUP BY 2 ORDER BY 2::text
$$;

-- accepted: number, stock, plan; nothing else is there
SELECT pg_temp.capture('a1', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK');
SELECT * FROM pg_temp.accepted();
SELECT pg_temp.stock('SHIRT'), pg_temp.stock('BOOK');
SELECT count(*) FROM oms."order" WHERE company_id = 9200;
SELECT count(*) FROM oms.reservation WHERE company_id = 9200;
SELECT oms.available('SHIRT', node => 'BLR');
SELECT * FROM oms.verify();
-- again: the same number; with another content, refused
SELECT pg_temp.capture('a1', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK');
SELECT (oms.capture_order(pg_temp.doc('a1', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK')) ->> 'order_id')::bigint = pg_temp.accepted_id('a1') AS same_number;
SELECT pg_temp.fails($$SELECT pg_temp.capture('a1', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK')$$);
-- another channel's number is another number; many at once, one of them bad
SELECT pg_temp.capture('a1', 'NOW 981002 PREPAID 1xBOOK');
SELECT c.seq, c.ok, c.answer - 'order_id' AS answer, c.sqlstate FROM oms.capture_orders(ARRAY[pg_temp.doc('m1', 'WEB 981001 PREPAID 1xTV')::text, pg_temp.doc('m2', 'WEB 981001 PREPAID 1xNOSUCH')::text,
    pg_temp.doc('m1', 'WEB 981001 PREPAID 1xTV')::text], '2026-03-02 10:00+05:30') c;
SELECT * FROM pg_temp.accepted();
SELECT pg_temp.stock('SHIRT'), pg_temp.stock('TV');
SELECT * FROM oms.verify();
-- what a document is refused for, it is refused for here, too
SELECT pg_temp.fails($$SELECT pg_temp.capture('x', 'WEB 981001 PREPAID 1xOLD')$$);
SELECT pg_temp.fails($$SELECT pg_temp.capture('x', 'OFF 981001 PREPAID 1xTV')$$);
SELECT pg_temp.fails($$SELECT pg_temp.capture('x', 'PRE 981001 COD 1xTV')$$);
SELECT pg_temp.fails($$SELECT pg_temp.capture('x', 'WEB 981001 COD 1xRING')$$);

-- made: node, number, moment and units stay, and no row of stock is touched
SELECT order_id AS a1 FROM oms.accepted_order WHERE external_id = 'a1' AND channel_id = 9201 \gset
SELECT pg_temp.changes() AS before \gset
SELECT oms.complete_orders(0), oms.complete_orders(1);
SELECT * FROM pg_temp.made('a1');
SELECT pg_temp.id('a1') = :a1 AS number_stays, pg_temp.changes() - :before AS stock_changes;
SELECT * FROM pg_temp.accepted();
SELECT oms.complete_orders();
SELECT pg_temp.changes() - :before AS stock_changes, oms.complete_orders() AS none_left;
SELECT external_id, status, captured_at = '2026-03-02 10:00+05:30' AS moment_stays FROM oms."order" WHERE company_id = 9200 ORDER BY order_id;
SELECT * FROM oms.verify();
-- the same document again, made meanwhile; another content
SELECT pg_temp.capture('a1', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK') - 'promised_at';
SELECT pg_temp.fails($$SELECT pg_temp.capture('a1', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK')$$);
SELECT count(*) AS left_behind FROM oms.accepted_order;
SELECT pg_temp.fails('SELECT oms.complete_orders(-1)');

-- captured whole at once: what a row cannot hold
CREATE FUNCTION pg_temp.whole(id text, what text, more jsonb DEFAULT '{}') RETURNS TABLE (status text, plan text, accepted bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT t.status, t.plan, (SELECT count(*) FROM oms.accepted_order) FROM pg_temp.took(id, what, more) t;
END $$;
INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES (9200, 9211, 9225);
SELECT * FROM pg_temp.whole('kit', 'WEB 981001 PREPAID 1xPAIR');
SELECT * FROM pg_temp.whole('counter', 'POS 981002 COD 1xBOOK', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}');
SELECT * FROM pg_temp.whole('back', 'WEB 981001 PREPAID 2xBOOK 90xRICE');
SELECT pg_temp.fails($$SELECT pg_temp.whole('short', 'NOW 981001 PREPAID 900xBOOK')$$);
SELECT * FROM pg_temp.whole('free', 'WEB 981001 PREPAID 1xNOTE@50 1xSHIRT');
SELECT count(oms.reserve_cart(pg_temp.doc('-', 'WEB 981001 PREPAID 1xSHIRT', '{"cart_id": "c1"}') - 'external_id' - 'payment', '2026-03-02 10:00+05:30'));
SELECT * FROM pg_temp.whole('cart', 'WEB 981001 PREPAID 1xSHIRT', '{"cart_id": "c1"}');
SELECT oms.set_stock_policy('BLR', 'RING', backorder_limit => 3), oms.adjust_stock('BLR', 'RING', 0), oms.adjust_stock('BOM', 'RING', 0), oms.adjust_stock('DEL', 'RING', 0);
SELECT * FROM pg_temp.whole('beyond', 'WEB 981001 PREPAID 1xRING');
SAVEPOINT terms;
SELECT oms.set_stock_quota('BLR', 'TV', 'WEB', 2);
SELECT * FROM pg_temp.whole('quota', 'WEB 981001 PREPAID 1xTV');
ROLLBACK TO terms;
SELECT oms.set_channel_threshold('BLR', 'TV', 'WEB', 2);
SELECT * FROM pg_temp.whole('threshold', 'WEB 981001 PREPAID 1xTV');
ROLLBACK TO terms;
SELECT oms.adjust_lot('BLR', 'TV', 'L1', 3, '2026-12-31', at => '2026-03-02');
SELECT * FROM pg_temp.whole('lot', 'WEB 981001 PREPAID 1xTV');
ROLLBACK TO terms;
UPDATE oms.node SET capacity = 5 WHERE node_id = 9211;
SELECT * FROM pg_temp.whole('slot', 'WEB 981001 PREPAID 1xTV');
SELECT used FROM oms.node_slot WHERE company_id = 9200;
ROLLBACK TO terms;
INSERT INTO oms.sourcing_rule (company_id, cost_per_km, freight_weight) VALUES (9200, 0.02, 1);
SELECT * FROM pg_temp.whole('freight', 'WEB 981001 PREPAID 1xTV');
ROLLBACK TO terms;
-- and such an item, or node, beside others that could be accepted: the whole order
SELECT oms.set_stock_quota('BLR', 'TV', 'WEB', 2);
SELECT * FROM pg_temp.whole('both', 'WEB 981001 PREPAID 1xSHIRT 1xTV');
ROLLBACK TO terms;
-- a kind of order that is captured whole keeps no claim of its number
SELECT count(*) AS claims FROM oms.accepted_order;
SELECT * FROM oms.verify();

-- split between nodes, and two lines of one item: as planned, or whole
CREATE FUNCTION pg_temp.set_free(item text, blr numeric, bom numeric, del numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN -- so many units that nobody holds
    PERFORM oms.adjust_stock(n.code, k.code, greatest(s.reserved + v.q, 0))
       FROM (VALUES ('BLR', blr), ('BOM', bom), ('DEL', del)) v (node, q) JOIN oms.node n ON (n.company_id, n.code) = (9200, v.node)
            JOIN oms.sku k ON (k.company_id, k.code) = (9200, item) JOIN oms.stock s USING (node_id, sku_id);
END $$;
SELECT pg_temp.set_free('SHIRT', 3, 2, 0);
SELECT pg_temp.stock('SHIRT');
SELECT pg_temp.capture('parts', 'WEB 981001 PREPAID 4xSHIRT 1xBOOK') -> 'status', pg_temp.capture('twice', 'WEB 981001 PREPAID 1xBOOK 2xBOOK 1.5xRICE') -> 'status';
SELECT * FROM pg_temp.accepted();
SELECT pg_temp.changes() AS before \gset
SELECT oms.complete_orders();
SELECT * FROM pg_temp.made('parts');
SELECT * FROM pg_temp.made('twice');
SELECT pg_temp.changes() - :before AS stock_changes;
SELECT * FROM oms.verify();

-- the node was closed since; it does not serve the buyer any more: another, and the stock of the first is free again
SELECT pg_temp.capture('closed', 'WEB 981001 PREPAID 2xTV') -> 'status';
UPDATE oms.node SET open = false WHERE node_id = 9211;
SELECT pg_temp.stock('TV');
SELECT oms.complete_orders();
SELECT * FROM pg_temp.made('closed');
SELECT pg_temp.stock('TV');
UPDATE oms.node SET open = true WHERE node_id = 9211;
SELECT * FROM oms.verify();
-- no courier goes there any more: held, and what was taken is given back
SELECT pg_temp.capture('courier', 'WEB 981002 PREPAID 1xTV') -> 'status';
DELETE FROM oms.serviceability WHERE courier_service_id = 9251 AND pincode = '981002';
SELECT pg_temp.stock('TV');
SELECT oms.complete_orders();
SELECT * FROM pg_temp.made('courier');
SELECT hold FROM oms.order_hold WHERE order_id = pg_temp.id('courier');
SELECT pg_temp.stock('TV');
SELECT * FROM oms.verify();
-- the count fell below: another node, or waiting, or, on a channel without backorders, not made, and it keeps its units
SELECT pg_temp.set_free('SHIRT', 9, 0, 0);
SELECT pg_temp.capture('count1', 'WEB 981001 PREPAID 3xSHIRT') -> 'status', pg_temp.capture('count2', 'WEB 981001 PREPAID 3xSHIRT') -> 'status', pg_temp.capture('count3', 'NOW 981001 PREPAID 3xSHIRT') -> 'status';
SELECT external_id, plan FROM pg_temp.accepted();
SELECT pg_temp.set_free('SHIRT', -8, 2, 0);
SELECT pg_temp.stock('SHIRT');
SELECT node, shortfall FROM oms.shortfalls();
SELECT * FROM oms.verify();
SELECT oms.complete_orders();
SELECT * FROM pg_temp.made('count1');
SELECT * FROM pg_temp.made('count2');
SELECT * FROM pg_temp.made('count3');
SELECT * FROM pg_temp.accepted();
SELECT pg_temp.stock('SHIRT');
SELECT node, shortfall FROM oms.shortfalls();
SELECT * FROM oms.verify();
SELECT pg_temp.set_free('SHIRT', 9, 9, 9);
SELECT oms.complete_orders() AS not_yet;
UPDATE oms.accepted_order SET tried_at = clock_timestamp() - interval '61 s';
SELECT oms.complete_orders() AS a_minute_later;
SELECT * FROM pg_temp.made('count3');
SELECT * FROM oms.verify();

-- the item is not sold any more: it stays, with the reason, keeps its stock, and is told once
SELECT pg_temp.capture('off', 'WEB 981001 PREPAID 1xBOOK 2xTV') -> 'status', pg_temp.capture('after', 'WEB 981001 PREPAID 1xBOOK') -> 'status';
UPDATE oms.sku SET active = false WHERE sku_id = 9222;
SELECT pg_temp.stock('TV');
-- the other is made
SELECT oms.complete_orders();
SELECT * FROM pg_temp.accepted();
SELECT pg_temp.stock('TV');
SELECT * FROM pg_temp.told('order.not_completed');
-- again after one, two, four minutes, and so on, at most after 1,024; not before
CREATE FUNCTION pg_temp.tried(ago interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE n integer;
BEGIN
    UPDATE oms.accepted_order SET tried_at = clock_timestamp() - ago;
    PERFORM oms.complete_orders();
    SELECT tries INTO n FROM oms.accepted_order;
    RETURN n;
END $$;
SELECT pg_temp.tried('58 s'), pg_temp.tried('61 s'), pg_temp.tried('118 s'), pg_temp.tried('121 s'), pg_temp.tried('238 s'), pg_temp.tried('241 s');
UPDATE oms.accepted_order SET tries = 40;
SELECT pg_temp.tried('1023 min'), pg_temp.tried('1025 min');
SELECT sum(times) FROM pg_temp.told('order.not_completed');
-- asked for, it says why; it is answered to the channel as before
SELECT pg_temp.fails(format('SELECT oms.complete_order(%s)', pg_temp.accepted_id('off')));
SELECT pg_temp.fails(format('SELECT oms.cancel_order(%s)', pg_temp.accepted_id('off')));
SELECT pg_temp.capture('off', 'WEB 981001 PREPAID 1xBOOK 2xTV');
SELECT * FROM oms.verify();
-- sold again: made
SAVEPOINT unsold;
UPDATE oms.sku SET active = true WHERE sku_id = 9222;
SELECT oms.complete_order(pg_temp.accepted_id('off'));
SELECT * FROM pg_temp.made('off');
SELECT * FROM oms.verify();
ROLLBACK TO unsold;
-- or refused: the stock is given back, the document kept, the number may come again
SELECT pg_temp.fails('SELECT oms.refuse_order(NULL, ''x'')');
SELECT pg_temp.fails(format('SELECT oms.refuse_order(%s, NULL)', pg_temp.accepted_id('off')));
SELECT pg_temp.accepted_id('off') AS off \gset
SELECT oms.refuse_order(:off, 'the set was the last one'), oms.refuse_order(:off, 'again');
SELECT pg_temp.stock('TV'), pg_temp.stock('BOOK');
SELECT source, external_ref, sqlstate, regexp_replace(message, '[0-9]+', 'N') AS message, document::jsonb = pg_temp.doc('off', 'WEB 981001 PREPAID 1xBOOK 2xTV') AS whole FROM oms.reject WHERE company_id = 9200 AND source = 'refuse_order';
SELECT * FROM pg_temp.told('order.refused');
SELECT * FROM oms.verify();
UPDATE oms.sku SET active = true WHERE sku_id = 9222;
SELECT pg_temp.capture('off', 'WEB 981001 PREPAID 3xTV') -> 'status', pg_temp.accepted_id('off') > :off AS another_number;
SELECT oms.complete_order(:off), oms.complete_order(NULL), oms.complete_order(pg_temp.accepted_id('off'));
-- what is made is refused no more, it is cancelled
SELECT oms.refuse_order(pg_temp.id('off'), 'late');

-- what stock asks for changes after: terms, lots, no counting
SELECT pg_temp.capture('t' || i, 'WEB 981001 PREPAID 1xTV') -> 'status' FROM generate_series(1, 3) i;
SELECT oms.set_stock_quota('BLR', 'TV', 'NOW', 2), oms.complete_order(pg_temp.accepted_id('t1'));
SELECT * FROM oms.verify();
SELECT oms.adjust_lot('BLR', 'TV', 'L1', 3, '2026-12-31', at => '2026-03-02'), oms.complete_order(pg_temp.accepted_id('t2'));
SELECT * FROM oms.verify();
UPDATE oms.sku SET tracked = false WHERE sku_id = 9222;
SELECT oms.complete_order(pg_temp.accepted_id('t3'));
SELECT status, line, node, qty FROM pg_temp.made('t3');
SELECT oms.cancel_order(pg_temp.id('t' || i)) FROM generate_series(1, 3) i;
SELECT pg_temp.stock('TV');
SELECT * FROM oms.verify();

-- and of a node: slots
SELECT pg_temp.capture('slot' || i, 'WEB 981001 PREPAID 1xBOOK') -> 'status' FROM generate_series(1, 2) i;
UPDATE oms.node SET capacity = 1 WHERE node_id = 9211;
SELECT oms.complete_orders();
SELECT e, m.status, m.node, m.reserved FROM unnest('{slot1,slot2}'::text[]) e, pg_temp.made(e) m;
SELECT used, capacity FROM oms.node_slot WHERE company_id = 9200 ORDER BY starts_at;
SELECT * FROM oms.verify();
UPDATE oms.node SET capacity = NULL WHERE node_id = 9211;

-- the sale is over: what was accepted is made all the same
SELECT pg_temp.capture('late' || i, 'WEB 981001 PREPAID 1xBOOK') -> 'status' FROM generate_series(1, 3) i;
UPDATE oms.channel SET active = false WHERE channel_id = 9201;
SELECT oms.complete_order(pg_temp.accepted_id('late1'));
UPDATE oms.channel SET active = true, accept_first = false WHERE channel_id = 9201;
-- no more first, but the numbers that are accepted are known
SELECT pg_temp.capture('late2', 'WEB 981001 PREPAID 1xBOOK'), pg_temp.fails($$SELECT pg_temp.capture('late2', 'WEB 981001 PREPAID 2xBOOK')$$);
SELECT pg_temp.capture('late4', 'WEB 981001 PREPAID 1xBOOK') -> 'status', pg_temp.capture('late1', 'WEB 981001 PREPAID 1xBOOK') -> 'duplicate';
SELECT oms.complete_orders();
SELECT status, line, node FROM pg_temp.made('late2');
UPDATE oms.channel SET accept_first = true WHERE channel_id = 9201;
SELECT pg_temp.capture('late4', 'WEB 981001 PREPAID 1xBOOK') -> 'duplicate', (SELECT count(*) FROM oms.accepted_order) AS accepted;
SELECT * FROM oms.verify();

-- whatever asks for such an order makes it first
SELECT count(pg_temp.capture('c' || i, 'WEB 981001 PREPAID 2xBOOK')) FROM generate_series(1, 9) i;
SELECT oms.cancel_order(pg_temp.accepted_id('c1'));
SELECT oms.cancel_line(pg_temp.accepted_id('c2'), 1, 1, request_id => 'r') - 'order_id';
SELECT pg_temp.fails(format('SELECT oms.pay_order(%s, 1)', pg_temp.accepted_id('c3')));
SELECT oms.release_order(pg_temp.accepted_id('c4'));
SELECT oms.amend_line(pg_temp.accepted_id('c5'), 1, 3, 'r', at => '2026-03-02 10:05+05:30') - 'order_id' - 'due';
SELECT oms.exchange_line(pg_temp.accepted_id('c6'), 1, 'SHIRT', 1, 'e', at => '2026-03-02 10:05+05:30') ->> 'taken';
SELECT pg_temp.fails(format('SELECT oms.lift_hold(%s)', pg_temp.accepted_id('c7')));
SELECT pg_temp.fails(format('SELECT oms.reject_hold(%s)', pg_temp.accepted_id('c8')));
SELECT external_id FROM pg_temp.accepted();
SELECT e.external_id, m.status, m.qty, m.line FROM (VALUES ('c1'), ('c2'), ('c3'), ('c4'), ('c5'), ('c6'), ('c7'), ('c8')) e (external_id) LEFT JOIN LATERAL pg_temp.made(e.external_id) m ON true;
SELECT pg_temp.fails('SELECT oms.cancel_order(0)');
SELECT oms.complete_orders();
SELECT * FROM oms.verify();

-- each company its own; numbers are of a channel
INSERT INTO oms.company (company_id, code, name, state_code) VALUES (9300, 'OTHER', 'Other Pvt Ltd', '29');
INSERT INTO oms.channel (channel_id, company_id, code, name, kind, accept_first) VALUES (9301, 9300, 'WEB', 'Web', 'web', true);
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode, place) VALUES (9311, 9300, 'BLR', 'Bengaluru', '29', '981001', oms.geo_point(12.97, 77.59));
INSERT INTO oms.sku (sku_id, company_id, code, name, hsn) VALUES (9321, 9300, 'BOOK', 'Book', '4901');
INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES (9300, 9311, 9321);
SELECT oms.adjust_stock('BLR', 'BOOK', 5, company => 'OTHER');
SELECT oms.capture_order(pg_temp.doc('two', 'WEB 981001 PREPAID 1xBOOK@200') || jsonb_build_object('company', c), '2026-03-02 10:00+05:30') ->> 'status' AS status FROM unnest('{SHOP,OTHER}'::text[]) c;
SELECT company_id, external_id FROM oms.accepted_order ORDER BY 1;
SELECT order_id AS other FROM oms.accepted_order WHERE company_id = 9300 \gset
-- not under another company's name
SELECT oms.complete_order(:other), oms.refuse_order(:other, 'not ours'), pg_temp.fails(format('SELECT oms.cancel_order(%s)', :other)), oms.complete_order(:other, 'OTHER');
SELECT company_id, external_id FROM oms.accepted_order ORDER BY 1;
SELECT oms.capture_order(pg_temp.doc('two2', 'WEB 981001 PREPAID 1xBOOK@200') || jsonb_build_object('company', c), '2026-03-02 10:00+05:30') ->> 'status' AS status FROM unnest('{SHOP,OTHER}'::text[]) c;
-- one at most: the companies take turns; then the rest
SELECT count(*) FROM unnest('{two3,two4}'::text[]) e, unnest('{SHOP,OTHER}'::text[]) c, oms.capture_order(pg_temp.doc(e, 'WEB 981001 PREPAID 1xBOOK@200') || jsonb_build_object('company', c), '2026-03-02 10:00+05:30');
CREATE FUNCTION pg_temp.waiting() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(n::text, ' ' ORDER BY company_id) FROM (SELECT company_id, count(*) AS n FROM oms.accepted_order GROUP BY 1) x $$;
SELECT pg_temp.waiting();
SELECT oms.complete_orders(1);
SELECT oms.complete_orders(1), pg_temp.waiting();
SELECT oms.complete_orders(1);
SELECT oms.complete_orders(1), pg_temp.waiting();
SELECT oms.complete_orders();
SELECT company_id, external_id, status FROM oms."order" WHERE external_id LIKE 'two%' ORDER BY 1, 2;
SELECT * FROM oms.verify();

-- damage is found
SELECT pg_temp.capture('hurt', 'WEB 981002 PREPAID 2xSHIRT 1xBOOK') -> 'status';
CREATE FUNCTION pg_temp.broken(q text) RETURNS TABLE (invariant text, subject text, detail text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE q;
        RETURN QUERY SELECT v.invariant, regexp_replace(v.subject, 'order \(9200, [0-9]+\)', 'order N'), v.detail FROM oms.verify() v;
        RAISE EXCEPTION 'undo' USING errcode = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    END;
END $$;
SELECT external_id, plan FROM pg_temp.accepted();
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET qtys = ARRAY[3, 1]');
SELECT * FROM pg_temp.broken('DELETE FROM oms.accepted_order');
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET node_ids = ARRAY[9212, 9213]');
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET line_nos = ARRAY[1]');
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET channel_id = 9301');
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET order_id = pg_temp.id(''late1'')');
SELECT * FROM pg_temp.broken('UPDATE oms.accepted_order SET external_id = ''late1''');
SELECT * FROM oms.verify();

-- the app captures, and so accepts; making and refusing is for the worker and for people
CREATE ROLE regress_oms_accept_app;
CREATE ROLE regress_oms_accept_op;
DO $$ BEGIN PERFORM oms.grant_role('app', 'regress_oms_accept_app'), oms.grant_role('operator', 'regress_oms_accept_op'); END $$;
SELECT oms.capture_order(pg_temp.doc('byapp', 'WEB 981001 PREPAID 1xBOOK')) ->> 'order_id' AS byapp, pg_temp.doc('byapp2', 'WEB 981001 PREPAID 1xBOOK') AS doc \gset
SET LOCAL ROLE regress_oms_accept_app;
SELECT oms.capture_order(:'doc'::jsonb, '2026-03-02 10:00+05:30') ->> 'status' AS status;
-- also what has to be made on the way
SELECT oms.cancel_order(:byapp);
SAVEPOINT may_not;
\set VERBOSITY terse
SELECT oms.refuse_order(:byapp, 'x');
ROLLBACK TO may_not;
SELECT oms.complete_orders();
ROLLBACK TO may_not;
SET LOCAL ROLE regress_oms_accept_op;
SELECT oms.complete_orders();
RESET ROLE;
SELECT external_id, status FROM oms."order" WHERE external_id LIKE 'byapp%' ORDER BY 1;
SELECT * FROM oms.verify();
-- all of the nearest is held by a cart whose time is over: nobody has to wait for it to be given back
SELECT pg_temp.set_free('BOOK', 2, 9, 9);
SELECT count(oms.reserve_cart(pg_temp.doc('-', 'WEB 981001 PREPAID 2xBOOK', '{"cart_id": "c2"}') - 'external_id' - 'payment', '2026-03-02 09:00+05:30'));
SELECT pg_temp.plan(pg_temp.capture('cart2', 'WEB 981001 PREPAID 1xBOOK', '{}', '2026-03-02 09:01+05:30')), pg_temp.plan(pg_temp.capture('cart3', 'WEB 981001 PREPAID 1xBOOK')), pg_temp.stock('BOOK');
SELECT * FROM oms.verify();
-- the path of the caller stays his own
SET LOCAL search_path = public, pg_catalog;
SELECT pg_temp.capture('path', 'WEB 981001 PREPAID 1xBOOK') -> 'status', current_setting('search_path') AS path;
ROLLBACK;
