-- What channels may sell: buffers, caps, terms of the channel; only what changed is told, once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(20, 10, 0, 'SHIRT', 'BOOK'), pg_temp.set_stock(0, 7, 0, 'TV'), pg_temp.set_stock(3.5, 0, 0, 'RICE'), pg_temp.set_stock(1, 0, 0, 'NOTE'), pg_temp.set_stock(0, 0, 5, 'RING'); END $$;
CREATE FUNCTION pg_temp.now_(ch text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', sku, coalesce(trim_scale(qty)::text, 'any')), ', ' ORDER BY sku COLLATE "C") FROM oms.channel_stock WHERE channel = ch
$$;
CREATE FUNCTION pg_temp.fed(ch text, since bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s %s', version, sku, coalesce(trim_scale(qty)::text, 'any')), ', ' ORDER BY version) FROM oms.channel_feed(ch, since)
$$;
-- nobody is told without a rule
SELECT oms.refresh_channel_stock() AS told, pg_temp.now_('WEB') AS stock;
SELECT pg_temp.fails($$SELECT * FROM oms.channel_feed('WEB')$$);
INSERT INTO oms.channel_stock_rule (company_id, channel_id) VALUES (9200, 9201);
-- kits as their components make them: PAIR is two shirts and a book, BLR 10, BOM 5
SELECT pg_temp.now_('WEB');
SELECT sku, channel_sku, price, told_qty, version, changed_at FROM oms.channel_stock WHERE channel = 'WEB' AND sku = 'TV';
-- as oms.atp() has it
SELECT sku, qty, oms.atp(sku, channel => 'WEB') AS atp FROM oms.channel_stock WHERE channel = 'WEB' AND qty IS DISTINCT FROM oms.atp(sku, channel => 'WEB');
SELECT pg_temp.fed('WEB', 0);
SELECT pg_temp.fed('WEB', 9);
SELECT count(*), count(DISTINCT subject_id), min(payload ->> 'channel') FROM oms.event WHERE company_id = 9200 AND topic = 'channel_stock';
-- nothing changed: nothing is told
SELECT oms.refresh_channel_stock() AS told, pg_temp.fed('WEB', 9) AS fed;
-- two shirts are ordered: the shirt and the kits of it
SELECT status FROM pg_temp.took('o1', 'WEB 981001 PREPAID 2xSHIRT');
SELECT pg_temp.fed('WEB', 9);
SELECT payload FROM oms.event WHERE company_id = 9200 AND topic = 'channel_stock' ORDER BY event_id DESC LIMIT 1;
-- back to the number that was told: nobody hears of it
DO $$ BEGIN PERFORM oms.adjust_stock('BLR', 'TV', 1); PERFORM oms.adjust_stock('BLR', 'TV', 0); END $$;
SELECT pg_temp.fed('WEB', 12) AS fed;
-- some at a time
SELECT string_agg(sku, ' ' ORDER BY version) FROM oms.channel_feed('WEB', 0, 4);
SELECT pg_temp.fails($$SELECT * FROM oms.channel_feed('WEB', NULL)$$), pg_temp.fails($$SELECT * FROM oms.channel_feed('NOPE')$$);

-- kept back: 2 units and 10 per cent; of the shirt 5 units, at most 6; books under 40 are none
UPDATE oms.channel_stock_rule SET buffer = 2, buffer_pct = 10 WHERE channel_id = 9201 AND sku_id = 0;
INSERT INTO oms.channel_stock_rule (company_id, channel_id, sku_id, buffer, buffer_pct, minimum, cap, channel_sku) VALUES
    (9200, 9201, 9221, 5, 0, NULL, 6, 'WEB-SHIRT'), (9200, 9201, 9223, NULL, NULL, 40, NULL, NULL), (9200, 9201, 9225, NULL, NULL, NULL, 999, NULL);
-- shirt 28 - 5, at most 6; book 30 less 3 and 2 is 25, under 40; TV 7 less 1 and 2; rice 3.5 less 0.35 and 2; RING 5 less 1 and 2; PAIR 14 less 2 and 2; DRESS 28 less 3 and 2
SELECT pg_temp.now_('WEB');
SELECT pg_temp.fed('WEB', 12);
SELECT channel_sku, qty FROM oms.channel_feed('WEB', 12) WHERE sku = 'SHIRT';
-- what is not sold there any more is told as 0, once
UPDATE oms.channel_stock_rule SET listed = false WHERE channel_id = 9201 AND sku_id = 9221;
UPDATE oms.sku SET active = false WHERE sku_id = 9222;
SELECT pg_temp.now_('WEB');
SELECT pg_temp.fed('WEB', 20);
SELECT pg_temp.fed('WEB', 22), oms.refresh_channel_stock() AS told;
UPDATE oms.sku SET active = true WHERE sku_id = 9222;
SELECT pg_temp.fed('WEB', 22);

-- a second channel: only what is listed, from nodes of its own, with its own terms
SELECT oms.set_channel_node('NOW', 'BLR');
INSERT INTO oms.channel_stock_rule (company_id, channel_id, sku_id, listed) VALUES (9200, 9202, 0, false), (9200, 9202, 9221, true), (9200, 9202, 9223, true);
SELECT pg_temp.now_('NOW'), pg_temp.fed('NOW', 0);
SELECT oms.set_stock_quota('BLR', 'BOOK', 'WEB', 15), oms.set_channel_threshold('BLR', 'SHIRT', 'NOW', 4);
SELECT pg_temp.now_('NOW'), pg_temp.fed('NOW', 2);
UPDATE oms.node SET open = false WHERE node_id = 9211;
SELECT pg_temp.fed('NOW', 4);
UPDATE oms.node SET open = true WHERE node_id = 9211;
UPDATE oms.channel SET active = false WHERE channel_id = 9202;
SELECT pg_temp.now_('NOW'), pg_temp.fed('NOW', 6);
SELECT pg_temp.fed('NOW', 6);
UPDATE oms.channel SET active = true WHERE channel_id = 9202;
SELECT pg_temp.fed('NOW', 6);

-- a sweep in parts; a row that is gone
DELETE FROM oms.stock WHERE company_id = 9200 AND sku_id = 9226;
UPDATE oms.channel_stock_state SET swept_at = '-infinity' WHERE channel_id = 9201;
SELECT oms.refresh_channel_stock('WEB', max => 3) AS told;
SELECT sweep_from FROM oms.channel_stock_state WHERE channel_id = 9201;
SELECT oms.refresh_channel_stock('WEB', max => 3) AS told;
SELECT oms.refresh_channel_stock('WEB', max => 3) AS told;
SELECT oms.refresh_channel_stock('WEB', max => 3) AS told;
SELECT sweep_from FROM oms.channel_stock_state WHERE channel_id = 9201;
SELECT pg_temp.fails('SELECT oms.refresh_channel_stock(max => -1)'), pg_temp.fails($$SELECT oms.refresh_channel_stock('ONE')$$);
-- what was told is what is
SELECT channel, sku, qty, told_qty FROM oms.channel_stock WHERE qty IS DISTINCT FROM told_qty;
SELECT result, error FROM oms.run_jobs('channel_stock');
ROLLBACK;
