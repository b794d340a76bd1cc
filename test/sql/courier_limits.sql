-- Least weight and least value a service carries; exactly at a limit is allowed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
UPDATE oms.courier_service SET min_weight_g = 1000, min_value = 250.50 WHERE courier_service_id = 9251;
SELECT g, v, refused FROM (VALUES (1000, 250.50), (999, 250.50), (1000, 250.49), (999, 0)) c (g, v),
    LATERAL oms.courier_quotes('981001', '981002', g, 1, value => v) WHERE service = 'SHOPC-S';
SELECT code, kind FROM oms.reason_code WHERE code LIKE 'TOO%' ORDER BY code COLLATE "C";
ROLLBACK;
