-- A count comes in below what is reserved: the newest orders give up what is
-- missing, and the policy says what becomes of it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(VARIADIC exts text[]) RETURNS TABLE (ext text, status text, total text, allocations text) LANGUAGE sql AS $$
    SELECT o.external_id, o.status, concat_ws(' ', o.total_amount, 'tax', o.tax_amount),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount), ', ' ORDER BY a.line_no, a.status, a.node_id)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ANY (exts) ORDER BY o.external_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.short() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s of %s/%s: carts %s, reserved %s, released %s, picked %s', node, sku, trim_scale(shortfall), trim_scale(reserved), trim_scale(on_hand),
           trim_scale(carts), trim_scale(waiting_release), trim_scale(released), trim_scale(picked)), '; ') FROM oms.shortfalls()
$$;
CREATE FUNCTION pg_temp.resolve() RETURNS integer LANGUAGE sql AS $$ SELECT oms.resolve_shortfalls(at => '2026-03-02 12:00+05:30', company => 'SHOP') $$;
CREATE VIEW pg_temp.told AS SELECT type, payload - 'node_id' - 'sku_id' - 'allocation_id' - 'order_id' AS payload FROM oms.event WHERE company_id = 9200 AND type ~ 'shortfall' ORDER BY event_id;
CREATE VIEW pg_temp.unsound AS SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject !~ 'stock';
DO $$ BEGIN PERFORM pg_temp.set_stock(9, 2, 0, 'SHIRT', 'BOOK'), pg_temp.set_stock(0, 0, 4, 'TV'); END $$;

-- three orders hold 9 shirts at BLR, one holds books there; the count falls to 6
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 3xSHIRT', '{"placed_at": "2026-03-02 09:01+05:30"}');
SELECT plan FROM pg_temp.took('b', 'WEB 981001 PREPAID 2xSHIRT', '{"placed_at": "2026-03-02 09:03+05:30"}');
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 4xSHIRT 1xBOOK', '{"placed_at": "2026-03-02 09:02+05:30"}');
SELECT oms.adjust_stock('BLR', 'SHIRT', 6), pg_temp.short();
-- b is the newest: its two go to BOM; of c, placed before it, one is left to take, and waits, as nobody has it
SELECT pg_temp.resolve();
SELECT * FROM pg_temp.story('a', 'b', 'c');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.short();
SELECT * FROM pg_temp.told;
SELECT * FROM pg_temp.unsound;
-- asked again nothing is to be done
SELECT pg_temp.resolve();
SELECT count(*) FROM pg_temp.told;
-- what waits is filled when the shirt turns up
SELECT oms.adjust_stock('BLR', 'SHIRT', 7), oms.retry_backorders(at => '2026-03-02 12:30+05:30');
SELECT * FROM pg_temp.story('c');

-- cancelled instead, on this channel; the line and the order cost less, what was paid is owed
INSERT INTO oms.shortfall_policy (company_id, action) VALUES (9200, 'leave');
INSERT INTO oms.shortfall_policy (company_id, channel_id, action) SELECT 9200, channel_id, 'cancel' FROM oms.channel WHERE company_id = 9200 AND code = 'WEB';
SELECT oms.adjust_stock('BLR', 'SHIRT', 5), pg_temp.short(), pg_temp.resolve();
SELECT * FROM pg_temp.story('a', 'b', 'c');
SELECT amount, tax_amount FROM oms.refund WHERE company_id = 9200;
SELECT * FROM pg_temp.unsound;
-- more specific rows come first: this item at this node is left to people
INSERT INTO oms.shortfall_policy (company_id, node_id, sku_id, action) VALUES (9200, 9211, 9221, 'leave');
SELECT oms.adjust_stock('BLR', 'SHIRT', 4), pg_temp.short(), pg_temp.resolve();
-- or waits, whoever else has some
UPDATE oms.shortfall_policy SET action = 'backorder' WHERE node_id IS NOT NULL;
SELECT oms.adjust_stock('BOM', 'SHIRT', 9), pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.story('c');
SELECT * FROM pg_temp.unsound;

-- what is released stays, unless the policy says so; what is picked and packed always
SELECT oms.release_order(pg_temp.id('a')), oms.release_order(pg_temp.id('c'));
UPDATE oms.shortfall_policy SET action = 'resource', otherwise = 'cancel' WHERE node_id IS NOT NULL;
SELECT oms.adjust_stock('BLR', 'SHIRT', 2), pg_temp.short(), pg_temp.resolve();
UPDATE oms.shortfall_policy SET released = true WHERE node_id IS NOT NULL;
SELECT count(oms.pack_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('a') AND state = 'PLANNED';
SELECT pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.story('a', 'c');
-- nobody has it: cancelled
SELECT oms.set_stock_policy('BOM', 'SHIRT', sellable => false), plan FROM pg_temp.took('d', 'WEB 981001 PREPAID 2xBOOK 1xTV');
SELECT oms.adjust_stock('BOM', 'BOOK', 0), oms.adjust_stock('BLR', 'BOOK', 2), pg_temp.short();
UPDATE oms.shortfall_policy SET sku_id = 9223 WHERE node_id IS NOT NULL;
SELECT pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.story('c', 'd');
-- the last of an order cancels it
SELECT oms.adjust_stock('BLR', 'BOOK', 0), oms.adjust_stock('DEL', 'TV', 0), pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.story('c', 'd');
SELECT * FROM pg_temp.unsound;

-- a cart holds what is missing: no order gives up anything
DELETE FROM oms.shortfall_policy;
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 5, 5, 'BOOK', 'TV'); END $$;
SELECT plan FROM pg_temp.took('e', 'WEB 981001 PREPAID 3xBOOK');
SELECT oms.reserve_cart(pg_temp.doc('x', 'WEB 981001 PREPAID 2xBOOK') || '{"cart_id": "k"}', '2026-03-02 12:00+05:30') ->> 'cart_id' AS cart;
SELECT oms.adjust_stock('BLR', 'BOOK', 3), pg_temp.short(), pg_temp.resolve();
SELECT oms.adjust_stock('BLR', 'BOOK', 2), pg_temp.short(), pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.story('e');

-- kits give up whole kits; on a channel that does not split the order goes as one
SELECT oms.release_cart('k');
DO $$ BEGIN PERFORM pg_temp.set_stock(8, 9, 9, 'BOOK', 'SHIRT'); END $$;
SELECT oms.set_stock_policy('BOM', 'SHIRT', sellable => true);
SELECT plan FROM pg_temp.took('kit', 'WEB 981001 PREPAID 2xPAIR');
SELECT plan FROM pg_temp.took('one', 'ONE 981001 PREPAID 1xTV 1xSHIRT');
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT oms.adjust_stock('BLR', 'SHIRT', 6), pg_temp.short(), pg_temp.resolve(), pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM pg_temp.story('one', 'kit');
SELECT oms.adjust_stock('BLR', 'SHIRT', 5), pg_temp.short(), pg_temp.resolve(), pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM pg_temp.story('one', 'kit');
SELECT pg_temp.resolve(), pg_temp.short();
SELECT * FROM pg_temp.unsound;

-- the least urgent gives up first, though another came later; what is released only when nothing else is left
DO $$ BEGIN PERFORM pg_temp.set_stock(10, 0, 0, 'RICE', 'RING'); END $$;
SELECT plan FROM pg_temp.took('n1', 'WEB 981001 PREPAID 2xRICE', '{"placed_at": "2026-03-02 09:01+05:30"}');
SELECT plan FROM pg_temp.took('n2', 'WEB 981001 PREPAID 2xRICE', '{"placed_at": "2026-03-02 09:02+05:30", "priority": 7}');
SELECT plan FROM pg_temp.took('n3', 'WEB 981001 PREPAID 2xRICE', '{"placed_at": "2026-03-02 09:03+05:30"}');
INSERT INTO oms.shortfall_policy (company_id, action, released) VALUES (9200, 'backorder', true);
SELECT oms.release_order(pg_temp.id('n3')), oms.adjust_stock('BLR', 'RICE', 5), pg_temp.resolve();
SELECT ext, allocations FROM pg_temp.story('n1', 'n2', 'n3');
SELECT oms.adjust_stock('BLR', 'RICE', 1), pg_temp.resolve();
SELECT ext, allocations FROM pg_temp.story('n1', 'n2', 'n3');
-- the item's row before the node's, the node's before the channel's
DO $$ BEGIN PERFORM oms.adjust_stock('BLR', 'RICE', 0); END $$;
DELETE FROM oms.shortfall_policy;
INSERT INTO oms.shortfall_policy (company_id, node_id, channel_id, sku_id, action, released) VALUES (9200, 9211, 9201, NULL, 'cancel', true), (9200, NULL, NULL, 9224, 'leave', true);
SELECT pg_temp.short(), pg_temp.resolve();
DELETE FROM oms.shortfall_policy;
INSERT INTO oms.shortfall_policy (company_id, node_id, channel_id, action, released) VALUES (9200, NULL, 9201, 'cancel', true), (9200, 9211, NULL, 'leave', true);
SELECT pg_temp.resolve();
DELETE FROM oms.shortfall_policy;
-- a limit that allows it makes it good
SELECT oms.set_stock_policy('BLR', 'RICE', backorder_limit => 1), pg_temp.short();
-- what may go beyond the count stays; in the steps the item is sold in
SELECT oms.set_stock_policy('BLR', 'RING', backorder_limit => 2), plan FROM pg_temp.took('s', 'WEB 981001 PREPAID 10xRING@1000');
SELECT oms.adjust_stock('BLR', 'RING', 6), pg_temp.short(), pg_temp.resolve();
SELECT allocations FROM pg_temp.story('s');
UPDATE oms.sku SET sale_step = 2 WHERE sku_id = 9226;
INSERT INTO oms.shortfall_policy (company_id, action) VALUES (9200, 'backorder');
SELECT oms.adjust_stock('BLR', 'RING', 5), pg_temp.short(), pg_temp.resolve();
SELECT allocations FROM pg_temp.story('s');
-- a channel that does not split: units that are cancelled are all that goes; what is picked in part stays as it is
DO $$ BEGIN PERFORM pg_temp.set_stock(9, 9, 9, 'TV', 'SHIRT'); END $$;
UPDATE oms.shortfall_policy SET action = 'resource', otherwise = 'cancel';
SELECT plan FROM pg_temp.took('u', 'ONE 981001 PREPAID 4xTV 1xSHIRT');
SELECT oms.adjust_stock('BLR', 'TV', 3), pg_temp.resolve();
SELECT ext, allocations FROM pg_temp.story('u');
UPDATE oms.shortfall_policy SET otherwise = 'backorder', released = true;
SELECT oms.release_order(pg_temp.id('u')), oms.short_ship(a.allocation_id, 1) ->> 'duplicate' AS again FROM oms.allocation a WHERE a.order_id = pg_temp.id('u') AND a.sku_id = 9221;
SELECT a.sku_id, a.status FROM oms.allocation a WHERE a.order_id = pg_temp.id('u') AND a.status <> 'cancelled' ORDER BY 1;
SELECT oms.adjust_stock('BLR', 'TV', 1), pg_temp.resolve();
SELECT ext, allocations FROM pg_temp.story('u');
SELECT * FROM pg_temp.unsound;
SELECT pg_temp.fails('SELECT oms.resolve_shortfalls(company => ''NOBODY'')');
ROLLBACK;
