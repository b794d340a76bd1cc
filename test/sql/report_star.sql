-- The star of oms_bi over the small business, and the ten questions, with
-- answers worked out by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
SELECT oms.install() ~ '^(already )?installed' AS installed;
\getenv abs_srcdir PG_ABS_SRCDIR
\set business :abs_srcdir '/sql/include/business.inc'
\set ECHO none
\i :business
\set ECHO all
SET LOCAL timezone = 'America/New_York'; -- nobody's business zone

-- dates are the company's: 20:00 UTC on the 2nd is the 3rd in India
SELECT order_id, order_date, promised_date, lines, units, units_cancelled, units_filled, nodes, parcels, holds, open_holds, is_cod
  FROM oms_bi.fact_order WHERE company_id = 901 ORDER BY 1;
SELECT shipment_id, direction, shipped_date, promised_date, delivered_date, transit_hours, is_cod, is_delivered, is_rto
  FROM oms_bi.fact_shipment WHERE company_id = 901 ORDER BY 1;
SELECT order_line_id, order_id, line_no, sku_id, order_date, units, units_cancelled, net_amount
  FROM oms_bi.fact_order_line WHERE company_id = 901 AND order_id IN (9102, 9105) ORDER BY 1;
SELECT allocation_id, order_line_id, node_id, status, units, net_amount, taxable_amount, cgst_amount, sgst_amount, igst_amount
  FROM oms_bi.fact_allocation WHERE company_id = 901 AND order_id = 9102 ORDER BY 1;
SELECT ndr_id, order_id, courier_service_id, attempt, failed_date, action, action_hours, outcome FROM oms_bi.fact_ndr WHERE company_id = 901 ORDER BY 1;
SELECT return_id, order_id, return_kind, status, return_date, units, units_received, units_restocked, return_amount FROM oms_bi.fact_return WHERE company_id = 901 ORDER BY 1;
SELECT refund_id, order_id, return_id, status, refund_amount, due_date, paid_date, paid_hours FROM oms_bi.fact_refund WHERE company_id = 901 ORDER BY 1;
SELECT risk_score_id, probability, action, main_reason, outcome FROM oms_bi.fact_risk_score WHERE company_id = 901 ORDER BY 1;
SELECT stock_id = node_id * 2147483648 + sku_id AS key, node_id, sku_id, on_hand, reserved, available, stock_value FROM oms_bi.fact_stock WHERE company_id = 901 ORDER BY 2, 3;
SELECT date_id, calendar_date, month_name, week_date, weekday_name, is_weekend, fiscal_year, fiscal_quarter
  FROM oms_bi.dim_date WHERE calendar_date IN ('2026-03-31', '2026-04-01', '2026-01-04', '2026-12-31') ORDER BY 1;
SELECT customer_id, buyer_kind, first_seen_date FROM oms_bi.dim_customer WHERE company_id = 901;
SELECT node_code, node_kind, state_name, longitude, latitude FROM oms_bi.dim_node WHERE company_id = 901 ORDER BY 1;
SELECT sku_code, is_kit, is_tracked, cost FROM oms_bi.dim_sku WHERE company_id = 901 ORDER BY 1;

-- goods that came back undelivered and were restocked: the order says returned, the reports still say rto
SAVEPOINT restocked;
UPDATE oms.allocation SET status = 'returned' WHERE allocation_id = 9205;
UPDATE oms."order" SET status = 'returned' WHERE order_id = 9104;
SELECT status, is_rto, parcels, parcels_delivered, parcels_rto FROM oms_bi.fact_order WHERE order_id = 9104;
SELECT outcome FROM oms_bi.fact_risk_score WHERE order_id = 9104;
SELECT sum(rto_orders) FROM oms_bi.demand_by_cell WHERE company_id = 901;
ROLLBACK TO restocked;

-- 1 fill rate
SELECT channel_id, order_date, orders, orders_filled, units, units_filled, fill_rate, order_fill_rate FROM oms_bi.fill_rate WHERE company_id = 901 ORDER BY 1, 2;
-- 2 split rate
SELECT channel_id, order_date, orders, orders_split, nodes, split_rate FROM oms_bi.split_rate WHERE company_id = 901 ORDER BY 1, 2;
-- 3 promises
SELECT channel_id, courier_service_id, promised_date, due, kept, late, missed, kept_rate FROM oms_bi.promise_kept WHERE company_id = 901 ORDER BY 1, 2, 3;
-- 4 RTO
SELECT pincode, courier_service_id, resolved, rto, cod_resolved, cod_rto, rto_rate, cod_rto_rate FROM oms_bi.rto_by_pincode_courier WHERE company_id = 901 ORDER BY 1, 2;
-- 5 COD
SELECT channel_id, order_date, orders, cod_orders, cod_amount, cod_share, expected_rto, resolved, rto, expected_rto_resolved, asked_to_confirm, refused_cod
  FROM oms_bi.cod_share_and_risk WHERE company_id = 901 ORDER BY 1, 2;
-- 6 freight
SELECT channel_id, order_date, orders_shipped, orders_delivered, freight_amount, freight_per_order FROM oms_bi.freight_per_delivered_order WHERE company_id = 901 ORDER BY 1, 2;
-- 7 stock-outs
SELECT node_id, sku_id, on_hand, available, out_since, units_backordered, available_elsewhere FROM oms_bi.stock_outs WHERE company_id = 901 ORDER BY 1, 2;
-- 8 failed attempts
SELECT courier_service_id, ndr_code, parcels, recovered, lost, open, recovery_rate FROM oms_bi.ndr_recovery WHERE company_id = 901 ORDER BY 1, 2;
-- 9 demand: both cities, each inside its hexagon of 10 km
SELECT orders, cod_orders, rto_orders, amount,
       st_contains(st_geomfromgeojson(boundary_geojson), CASE WHEN latitude < 15 THEN st_setsrid(st_makepoint(77.6, 12.98), 4326) ELSE st_setsrid(st_makepoint(72.84, 18.94), 4326) END) AS inside,
       round(st_area(st_geomfromgeojson(boundary_geojson)::geography) / 1e6) BETWEEN 250 AND 270 AS right_size
  FROM oms_bi.demand_by_cell WHERE company_id = 901 ORDER BY orders;
-- the same cells as st_hexagongrid, on a net of points over India
CREATE VIEW pg_temp.net AS SELECT st_setsrid(st_makepoint(68 + x * 0.73, 8 + y * 0.61), 4326) AS place FROM generate_series(0, 40) x, generate_series(0, 45) y;
SAVEPOINT net;
DELETE FROM oms."order" WHERE company_id = 901;
INSERT INTO oms."order" (company_id, order_id, channel_id, external_id, document_hash, status, placed_at, currency, payment_mode, goods_amount, total_amount, ship_place)
SELECT 901, 100000 + row_number() OVER (), 911, row_number() OVER (), 'h', 'captured', now(), 'INR', 'COD', 1, 1, place::geography FROM pg_temp.net;
SELECT (SELECT sum(orders) FROM oms_bi.demand_by_cell WHERE company_id = 901) AS orders, count(*) AS cells,
       count(*) FILTER (WHERE d.orders = g.n) AS alike
  FROM (SELECT h.i, h.j, count(*) AS n FROM pg_temp.net, LATERAL st_hexagongrid(10000, st_transform(place, 7755)) h WHERE st_intersects(h.geom, st_transform(place, 7755)) GROUP BY 1, 2) g
  LEFT JOIN oms_bi.demand_by_cell d ON d.company_id = 901 AND (d.cell_i, d.cell_j) = (g.i, g.j);
ROLLBACK TO net;
UPDATE oms.meta SET value = '500000' WHERE key = 'demand_cell_m';
SELECT sum(orders), count(*) FROM oms_bi.demand_by_cell WHERE company_id = 901;
-- 10 channels
SELECT channel_id, month_date, orders, units, amount, amount_per_order, order_share, amount_share FROM oms_bi.channel_mix WHERE company_id = 901 ORDER BY 1;

-- facts and dimensions fit together: keys are unique, joins lose and multiply nothing
DO $$
DECLARE
    v record;
    n bigint;
    k bigint;
BEGIN
    FOR v IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
              WHERE c.relnamespace = 'oms_bi'::regnamespace AND c.relname ~ '^(dim|fact)_' ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*), count(DISTINCT %I) FROM oms_bi.%I', v.attname, v.relname) INTO n, k;
        IF n <> k OR v.attname !~ '_id$' THEN
            RAISE NOTICE 'key %.%: % rows, % keys', v.relname, v.attname, n, k;
        END IF;
    END LOOP;
    FOR v IN SELECT * FROM oms_bi.relationships LOOP
        EXECUTE format('SELECT count(*) FROM oms_bi.%I f LEFT JOIN oms_bi.%I d ON d.%I = f.%I WHERE f.%I IS NOT NULL AND d.%I IS NULL',
                       v.view_name, v.ref_view, v.ref_column, v.column_name, v.column_name, v.ref_column) INTO n;
        IF n > 0 AND v.view_name NOT IN ('dim_node') THEN -- 110001 is not among the pincodes here
            RAISE NOTICE '%.% -> %.%: % lost', v.view_name, v.column_name, v.ref_view, v.ref_column, n;
        END IF;
    END LOOP;
END $$;
SELECT ref_view, ref_column, count(*) > 0 AS used FROM oms_bi.relationships GROUP BY 1, 2 ORDER BY 1;

-- no personal data: neither the buyer's name nor phone is in any view
DO $$
DECLARE
    v text;
    n bigint;
BEGIN
    FOR v IN SELECT relname FROM pg_class WHERE relnamespace = 'oms_bi'::regnamespace AND relname NOT IN ('dim_date', 'dim_pincode', 'dim_status', 'relationships') ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*) FROM oms_bi.%I x WHERE x::text ~ ''Asha|9845012345''', v) INTO n;
        IF n > 0 THEN
            RAISE NOTICE '% tells who buyers are', v;
        END IF;
    END LOOP;
END $$;
-- every question says what it answers, and by which formula
SELECT c.relname, obj_description(c.oid, 'pg_class') ~ '\?' AS asks FROM pg_class c
 WHERE c.relnamespace = 'oms_bi'::regnamespace AND c.relname !~ '^(dim|fact)_' AND c.relname <> 'relationships' ORDER BY c.relname COLLATE "C";
ROLLBACK;
