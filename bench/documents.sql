-- Two-line prepaid and COD orders; plenty of stock, so that every order is
-- planned and reserved (a copy of the database: the counts are not the ERP's).
UPDATE oms.stock SET on_hand = on_hand + 1000000 WHERE on_hand > 0;
DROP TABLE IF EXISTS bench_doc;
CREATE TABLE bench_doc AS
WITH sku AS (
    SELECT row_number() OVER (ORDER BY k.sku_id) AS i, count(*) OVER () AS n, k.code, p.amount
      FROM oms.sku k JOIN LATERAL (SELECT amount FROM oms.price p WHERE p.sku_id = k.sku_id AND p.valid_from <= now()
                                    ORDER BY p.valid_from DESC LIMIT 1) p ON true
     WHERE k.active AND k.cod_ok AND EXISTS (SELECT FROM oms.stock s WHERE s.sku_id = k.sku_id AND s.on_hand > 0)
), buyer AS (
    SELECT row_number() OVER (ORDER BY order_id) AS i, count(*) OVER () AS n, ship_pincode, ship_address, ship_city
      FROM oms."order" WHERE ship_pincode IS NOT NULL AND ship_address IS NOT NULL
)
SELECT g AS n, jsonb_build_object('channel', 'WEB', 'external_id', 'BENCH-' || g,
         'payment', jsonb_build_object('mode', CASE WHEN g % 5 < 3 THEN 'COD' ELSE 'PREPAID' END),
         'customer', jsonb_build_object('phone', (7000000000 + g % 500000)::text, 'name', 'Bench Buyer'),
         'ship_to', jsonb_build_object('pincode', b.ship_pincode, 'address1', b.ship_address, 'city', coalesce(b.ship_city, 'x')),
         'lines', jsonb_build_array(jsonb_build_object('sku', s1.code, 'qty', 1, 'unit_price', s1.amount),
                                    jsonb_build_object('sku', s2.code, 'qty', 1 + g % 2, 'unit_price', s2.amount))) AS doc
  FROM generate_series(1::bigint, :n) g
  JOIN sku s1 ON s1.i = 1 + (g * 7919) % s1.n
  JOIN sku s2 ON s2.i = 1 + (g * 104729 + 13) % s2.n AND s2.i <> s1.i
  JOIN buyer b ON b.i = 1 + (g * 15485863::bigint) % b.n;
-- orders whose two picks fell on one item are left out
CREATE TABLE bench_all AS SELECT row_number() OVER (ORDER BY n) AS n, doc FROM bench_doc;
DROP TABLE bench_doc;
ALTER TABLE bench_all RENAME TO bench_doc;
ALTER TABLE bench_doc ADD PRIMARY KEY (n);
VACUUM ANALYZE;
