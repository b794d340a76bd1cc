-- Carts hold stock for a while; an order converts what its cart holds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(3, 3, 0, 'SHIRT', 'BOOK'); END $$;
CREATE FUNCTION pg_temp.hold(cart text, what text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' until ', (SELECT string_agg(concat_ws(' ', (h ->> 'qty') || 'x' || (h ->> 'sku'), h ->> 'node'), ', ' ORDER BY ord) FROM jsonb_array_elements(a -> 'holds') WITH ORDINALITY u (h, ord)), a ->> 'expires_at')
      FROM oms.reserve_cart(pg_temp.doc('-', what, jsonb_build_object('cart_id', cart)) - 'external_id' - 'payment', at) a
$$;
CREATE VIEW pg_temp.held AS SELECT r.cart_id, n.code AS node, k.code AS sku, r.qty, r.state, r.close_reason, r.expires_at FROM oms.reservation r JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)
 WHERE r.company_id = 9200 AND r.cart_id IS NOT NULL ORDER BY r.reservation_id;

SELECT pg_temp.hold('c1', 'WEB 981001 PREPAID 2xSHIRT', '2026-03-02 10:00+05:30');
-- again: replaced, the time runs anew; a kit holds its components
SELECT pg_temp.hold('c1', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK', '2026-03-02 10:05+05:30');
SELECT pg_temp.hold('c2', 'WEB 981001 PREPAID 1xPAIR', '2026-03-02 10:05+05:30');
SELECT * FROM pg_temp.held;
SELECT pg_temp.stock('SHIRT'), pg_temp.stock('BOOK');
-- too much: every short item is named, and the cart keeps what it had
SELECT pg_temp.fails($$SELECT pg_temp.hold('c1', 'WEB 981001 PREPAID 5xSHIRT 7xBOOK 1xTV', '2026-03-02 10:06+05:30')$$);
SELECT count(*) AS open FROM pg_temp.held WHERE cart_id = 'c1' AND state = 'open';
-- what others may have: the promise leaves out what carts hold until they expire; its own cart's is its own
SELECT w, at, oms.promise(pg_temp.doc('-', w), at) #> '{available,0,available}' AS available
  FROM unnest('{2026-03-02 10:19:59+05:30,2026-03-02 10:20+05:30}'::timestamptz[]) at, unnest(ARRAY['WEB 981001 PREPAID 1xSHIRT']) w;
SELECT cart, oms.promise(pg_temp.doc('-', 'WEB 981001 PREPAID 1xSHIRT', jsonb_build_object('cart_id', cart)), '2026-03-02 10:10+05:30') #> '{available,0,available}' AS available FROM unnest('{c1,c2,c9}'::text[]) cart;

-- conversion: less than held (the rest is free), more than held (if there is)
SELECT * FROM pg_temp.took('o1', 'WEB 981001 PREPAID 2xSHIRT', '{"cart_id": "c1"}', '2026-03-02 10:10+05:30');
SELECT * FROM pg_temp.took('o2', 'WEB 981001 PREPAID 1xPAIR 1xSHIRT', '{"cart_id": "c2"}', '2026-03-02 10:10+05:30');
SELECT * FROM pg_temp.held;
SELECT pg_temp.stock('SHIRT'), pg_temp.stock('BOOK');
SELECT oms.cancel_order(pg_temp.id('o1')), oms.cancel_order(pg_temp.id('o2'));
-- a cart of another place: what it held elsewhere is free too
SELECT pg_temp.hold('c3', 'WEB 981002 PREPAID 3xBOOK', '2026-03-02 10:00+05:30');
SELECT plan FROM pg_temp.took('o3', 'WEB 981001 PREPAID 3xBOOK', '{"cart_id": "c3"}', '2026-03-02 10:10+05:30');
SELECT pg_temp.stock('BOOK');
SELECT oms.cancel_order(pg_temp.id('o3'));

-- given back, expired; once
SELECT pg_temp.hold('c4', 'WEB 981001 PREPAID 1xBOOK 2xSHIRT', '2026-03-02 10:00+05:30'), pg_temp.hold('c5', 'WEB 981001 PREPAID 1xBOOK', '2026-03-02 10:01+05:30'),
       pg_temp.hold('c6', 'WEB 981001 PREPAID 1xBOOK', '2026-03-02 10:01+05:30');
SELECT oms.release_cart('c4'), oms.release_cart('c4'), oms.release_cart('never');
SELECT oms.expire_carts('2026-03-02 10:15:59+05:30'), oms.expire_carts('2026-03-02 10:16+05:30', 1), oms.expire_carts('2026-03-02 10:16+05:30'), oms.expire_carts('2026-03-02 10:16+05:30');
SELECT cart_id, close_reason FROM pg_temp.held WHERE cart_id IN ('c4', 'c5', 'c6');
-- a savepoint gives back exactly
SELECT pg_temp.hold('c7', 'WEB 981001 PREPAID 2xBOOK', '2026-03-02 10:00+05:30'), pg_temp.stock('BOOK');
SAVEPOINT s;
SELECT status FROM pg_temp.took('o7', 'WEB 981001 PREPAID 3xBOOK', '{"cart_id": "c7"}', '2026-03-02 10:10+05:30');
SELECT pg_temp.stock('BOOK');
ROLLBACK TO s;
SELECT pg_temp.stock('BOOK'), (SELECT state FROM pg_temp.held WHERE cart_id = 'c7');
SELECT status FROM pg_temp.took('o7', 'WEB 981001 PREPAID 2xBOOK', '{"cart_id": "c7"}', '2026-03-02 10:10+05:30');
SELECT pg_temp.stock('BOOK'), pg_temp.stock('SHIRT');
SELECT * FROM oms.verify();
ROLLBACK;
