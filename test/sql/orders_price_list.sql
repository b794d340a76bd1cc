-- What a line costs where no price is sent: the channel's price list before
-- base prices, by quantity and by date. Totals worked out by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(1000, 0, 0, 'SHIRT', 'BOOK');
INSERT INTO oms.price_list (price_list_id, company_id, code, name) VALUES (9301, 9200, 'VIP', 'Good buyers'), (9302, 9200, 'B2B', 'Business');
INSERT INTO oms.price (company_id, sku_id, price_list_id, min_qty, valid_from, valid_to, amount) VALUES
    (9200, 9221, 9301, 0, '-infinity', NULL, 500),
    (9200, 9221, 9301, 0, '2026-03-02 12:00+05:30', NULL, 490),
    (9200, 9221, 9301, 10, '-infinity', '2026-03-04 00:00+05:30', 460),
    (9200, 9221, 9301, 20, '2026-03-03 00:00+05:30', NULL, 440),
    (9200, 9221, 9302, 0, '-infinity', NULL, 1),
    (9200, 9223, 0, 5, '-infinity', NULL, 180);
CREATE FUNCTION pg_temp.total(id text, what text, at timestamptz DEFAULT '2026-03-02 10:00+05:30') RETURNS numeric LANGUAGE sql AS $$
    SELECT (pg_temp.capture(id, what, '{}', at) ->> 'total')::numeric
$$;
-- no list: base prices, those of lists count for nothing; the base has a step of its own: 5 x 180
SELECT pg_temp.total('a1', 'WEB 981001 PREPAID 2xSHIRT'), pg_temp.total('a2', 'WEB 981001 PREPAID 4xBOOK'), pg_temp.total('a3', 'WEB 981001 PREPAID 5xBOOK');
UPDATE oms.channel SET price_list_id = 9301 WHERE channel_id = 9201;
-- 2 x 500; a book is not on the list: 200 and 180; at noon 490; ten cost 460, also in two lines, from the 4th on 490 again; twenty 440 from the 3rd on, to the moment
SELECT pg_temp.total('b1', 'WEB 981001 PREPAID 2xSHIRT'), pg_temp.total('b2', 'WEB 981001 PREPAID 1xBOOK 1xSHIRT'), pg_temp.total('b3', 'WEB 981001 PREPAID 6xBOOK');
SELECT pg_temp.total('c1', 'WEB 981001 PREPAID 2xSHIRT', '2026-03-02 11:59:59+05:30') AS before, pg_temp.total('c2', 'WEB 981001 PREPAID 2xSHIRT', '2026-03-02 12:00+05:30') AS noon;
SELECT pg_temp.total('d1', 'WEB 981001 PREPAID 9xSHIRT') AS nine, pg_temp.total('d2', 'WEB 981001 PREPAID 10xSHIRT') AS ten, pg_temp.total('d3', 'WEB 981001 PREPAID 4xSHIRT 6xSHIRT') AS in_two_lines;
SELECT pg_temp.total('e1', 'WEB 981001 PREPAID 10xSHIRT', '2026-03-03 23:59:59+05:30') AS last_second, pg_temp.total('e2', 'WEB 981001 PREPAID 10xSHIRT', '2026-03-04 00:00+05:30') AS over;
SELECT pg_temp.total('f1', 'WEB 981001 PREPAID 20xSHIRT') AS not_yet, pg_temp.total('f2', 'WEB 981001 PREPAID 20xSHIRT', '2026-03-03 00:00+05:30') AS twenty;
-- what is sent is compared with the price of the list: 455 is 9 % below 500, 440 is 12 %
SELECT holds FROM pg_temp.took('g1', 'WEB 981001 PREPAID 2xSHIRT@455');
SELECT holds FROM pg_temp.took('g2', 'WEB 981001 PREPAID 2xSHIRT@440');
-- the other channels sell as before; a list that is switched off is none
SELECT pg_temp.total('h1', 'NOW 981001 PREPAID 2xSHIRT');
UPDATE oms.price_list SET active = false WHERE price_list_id = 9301;
SELECT pg_temp.total('i1', 'WEB 981001 PREPAID 2xSHIRT');
UPDATE oms.price_list SET active = true WHERE price_list_id = 9301;
-- an exchange is at the list's price too: one book of 200 for one shirt of 490
SELECT pg_temp.total('j1', 'WEB 981001 PREPAID 1xBOOK', '2026-03-02 13:00+05:30');
SELECT oms.exchange_line(pg_temp.id('j1'), 1, 'SHIRT', 1, 'x', at => '2026-03-02 13:30+05:30') \g /dev/null
SELECT unit_price FROM oms.order_line WHERE order_id = pg_temp.id('j1') AND sku_id = 9221;
-- 0 stands for base prices
SELECT pg_temp.fails('INSERT INTO oms.price_list (price_list_id, company_id, code, name) VALUES (0, 9200, ''X'', ''X'')');
ROLLBACK;
