-- report: views that answer a question each, and the catalogue of joins.
-- Counts stand beside every rate, so that rates over longer times can be
-- made from sums rather than from averages of averages.

CREATE VIEW oms_bi.fill_rate AS     --| Which part of what buyers order can we supply from stock? fill_rate = units_filled / units: units for which a node had stock, so far, over units ordered.
SELECT o.company_id,                --| Company
       o.channel_id,                --| Channel
       o.order_date,                --| Day the orders were placed
       count(*)::bigint AS orders,  --| Orders
       count(*) FILTER (WHERE o.units_filled = o.units)::bigint AS orders_filled, --| Of these filled completely
       sum(o.units)::numeric(18,3) AS units, --| Units ordered
       sum(o.units_filled)::numeric(18,3) AS units_filled, --| Of these for which a node had stock
       (sum(o.units_filled) / nullif(sum(o.units), 0))::numeric(7,4) AS fill_rate, --| units_filled / units
       (count(*) FILTER (WHERE o.units_filled = o.units)::numeric / count(*))::numeric(7,4) AS order_fill_rate --| orders_filled / orders
  FROM oms_bi.fact_order o
 GROUP BY o.company_id, o.channel_id, o.order_date;

CREATE VIEW oms_bi.split_rate AS    --| How many orders need more than one node? split_rate = orders_split / orders: filled by two or more nodes over filled by any.
SELECT o.company_id,                --| Company
       o.channel_id,                --| Channel
       o.order_date,                --| Day the orders were placed
       count(*)::bigint AS orders,  --| Orders with at least one node
       count(*) FILTER (WHERE o.nodes > 1)::bigint AS orders_split, --| Of these with two or more
       sum(o.nodes)::bigint AS nodes, --| Nodes used, over all
       (count(*) FILTER (WHERE o.nodes > 1)::numeric / count(*))::numeric(7,4) AS split_rate --| orders_split / orders
  FROM oms_bi.fact_order o
 WHERE o.nodes > 0
 GROUP BY o.company_id, o.channel_id, o.order_date;

CREATE VIEW oms_bi.promise_kept AS  --| Do we deliver when we said? kept_rate = kept / due: delivered by the promised time, over parcels delivered or past their promise.
SELECT s.company_id,                --| Company
       s.channel_id,                --| Channel
       s.courier_service_id,        --| Courier service; NULL: over the counter
       s.promised_date,             --| Day promised
       count(*)::bigint AS due,     --| Parcels delivered, or not delivered although the promise is past
       count(*) FILTER (WHERE s.delivered_at <= s.promised_at)::bigint AS kept, --| Of these delivered by the promised time
       count(*) FILTER (WHERE s.delivered_at > s.promised_at)::bigint AS late, --| Of these delivered later
       count(*) FILTER (WHERE s.delivered_at IS NULL)::bigint AS missed, --| Of these not delivered: late on the way, or came back
       (count(*) FILTER (WHERE s.delivered_at <= s.promised_at)::numeric / count(*))::numeric(7,4) AS kept_rate --| kept / due
  FROM oms_bi.fact_shipment s
 WHERE s.direction = 'forward' AND s.state <> 'CANCELLED' AND s.promised_at IS NOT NULL
   AND (s.delivered_at IS NOT NULL OR s.promised_at < now())
 GROUP BY s.company_id, s.channel_id, s.courier_service_id, s.promised_date;

CREATE VIEW oms_bi.rto_by_pincode_courier AS --| Where and with whom do parcels come back? rto_rate = rto / resolved: came or come back, over these and the delivered.
SELECT s.company_id,                --| Company
       s.pincode,                   --| Pincode of the buyer
       s.courier_service_id,        --| Courier service
       count(*)::bigint AS resolved, --| Parcels delivered or coming back
       count(*) FILTER (WHERE s.is_rto)::bigint AS rto, --| Of these coming back
       count(*) FILTER (WHERE s.is_cod)::bigint AS cod_resolved, --| resolved, cash on delivery only
       count(*) FILTER (WHERE s.is_cod AND s.is_rto)::bigint AS cod_rto, --| rto, cash on delivery only
       (count(*) FILTER (WHERE s.is_rto)::numeric / count(*))::numeric(7,4) AS rto_rate, --| rto / resolved
       (count(*) FILTER (WHERE s.is_cod AND s.is_rto)::numeric / nullif(count(*) FILTER (WHERE s.is_cod), 0))::numeric(7,4) AS cod_rto_rate --| cod_rto / cod_resolved
  FROM oms_bi.fact_shipment s
 WHERE s.direction = 'forward' AND (s.is_delivered OR s.is_rto)
 GROUP BY s.company_id, s.pincode, s.courier_service_id;

CREATE VIEW oms_bi.cod_share_and_risk AS --| How much is cash on delivery, how risky is it, and was the model right? cod_share = cod_orders / orders; expected_rto = sum of the probabilities of scored COD orders; compare expected_rto_resolved with rto.
SELECT o.company_id,                --| Company
       o.channel_id,                --| Channel
       o.order_date,                --| Day the orders were placed
       count(*)::bigint AS orders,  --| Orders
       count(*) FILTER (WHERE o.is_cod)::bigint AS cod_orders, --| Of these cash on delivery
       sum(o.total_amount)::numeric(18,2) AS amount, --| What buyers pay
       coalesce(sum(o.total_amount) FILTER (WHERE o.is_cod), 0)::numeric(18,2) AS cod_amount, --| Of this on orders with cash on delivery
       (count(*) FILTER (WHERE o.is_cod)::numeric / count(*))::numeric(7,4) AS cod_share, --| cod_orders / orders
       coalesce(sum(r.probability) FILTER (WHERE o.is_cod), 0)::double precision AS expected_rto, --| COD orders expected to come back
       (avg(r.probability) FILTER (WHERE o.is_cod))::double precision AS mean_probability, --| Mean probability of a COD order
       count(*) FILTER (WHERE o.is_cod AND r.outcome <> 'open')::bigint AS resolved, --| Scored COD orders delivered or come back
       count(*) FILTER (WHERE o.is_cod AND r.outcome = 'rto')::bigint AS rto, --| Of these come back
       coalesce(sum(r.probability) FILTER (WHERE o.is_cod AND r.outcome <> 'open'), 0)::double precision AS expected_rto_resolved, --| What the model expected of the resolved
       count(*) FILTER (WHERE r.action = 'confirm')::bigint AS asked_to_confirm, --| Orders asked to confirm
       count(*) FILTER (WHERE r.action IN ('prepaid_only', 'block'))::bigint AS refused_cod --| Orders asked to pay ahead, or blocked
  FROM oms_bi.fact_order o
  LEFT JOIN oms_bi.fact_risk_score r ON r.company_id = o.company_id AND r.order_id = o.order_id
 GROUP BY o.company_id, o.channel_id, o.order_date;

CREATE VIEW oms_bi.freight_per_delivered_order AS --| What does it cost in freight to get one order delivered, failures included? freight_per_order = freight_amount / orders_delivered; freight = quoted freight + COD fee (if delivered) + way back (if it came back), both directions, before GST.
SELECT o.company_id,                --| Company
       o.channel_id,                --| Channel
       o.order_date,                --| Day the orders were placed
       count(*)::bigint AS orders_shipped, --| Orders with a parcel handed to a courier
       count(*) FILTER (WHERE f.delivered)::bigint AS orders_delivered, --| Of these with a parcel delivered to the buyer
       sum(f.amount)::numeric(18,2) AS freight_amount, --| Freight of all their parcels
       (sum(f.amount) / nullif(count(*) FILTER (WHERE f.delivered), 0))::numeric(14,2) AS freight_per_order --| freight_amount / orders_delivered
  FROM oms_bi.fact_order o
  JOIN (SELECT s.company_id, s.order_id, bool_or(s.direction = 'forward' AND s.is_delivered) AS delivered,
               sum(coalesce(s.freight_amount, 0)
                   + CASE WHEN s.is_delivered THEN coalesce(s.cod_fee_amount, 0) ELSE 0 END
                   + CASE WHEN s.is_rto THEN coalesce(s.rto_freight_amount, 0) ELSE 0 END) AS amount
          FROM oms_bi.fact_shipment s
         WHERE s.shipped_at IS NOT NULL AND s.courier_service_id IS NOT NULL
         GROUP BY 1, 2) f ON f.company_id = o.company_id AND f.order_id = o.order_id
 GROUP BY o.company_id, o.channel_id, o.order_date;

CREATE VIEW oms_bi.stock_outs AS    --| What can we not promise anywhere near, since when, and who waits for it? One row for each active counted item at a node with available <= 0.
SELECT s.stock_id,                  --| Key: item at a node
       s.company_id,                --| Company
       s.node_id,                   --| Node
       s.sku_id,                    --| Item
       s.on_hand,                   --| Counted units
       s.reserved,                  --| Held for orders and carts
       s.available,                 --| on_hand - reserved - safety
       e.since::timestamptz AS out_since, --| When it last ran out; NULL: never had any
       coalesce(b.units, 0)::numeric(18,3) AS units_backordered, --| Units of the item that wait, whole company
       coalesce(w.available, 0)::numeric(18,3) AS available_elsewhere --| Available at other open nodes
  FROM oms_bi.fact_stock s
  JOIN oms_bi.dim_sku k ON k.sku_id = s.sku_id AND k.is_active AND k.is_tracked
  LEFT JOIN LATERAL (SELECT max(v.created_at) AS since FROM oms.event v
                      WHERE v.company_id = s.company_id AND v.topic = 'stock' AND v.subject_id = s.sku_id
                        AND v.type = 'stock.out' AND v.payload ->> 'node_id' = s.node_id::text) e ON true
  LEFT JOIN (SELECT a.company_id, a.sku_id, sum(a.qty) AS units
               FROM oms.allocation a WHERE a.status = 'backordered' GROUP BY 1, 2) b ON b.company_id = s.company_id AND b.sku_id = s.sku_id
  LEFT JOIN LATERAL (SELECT sum(x.available) AS available
                       FROM oms_bi.fact_stock x JOIN oms_bi.dim_node n ON n.node_id = x.node_id AND n.is_open
                      WHERE x.company_id = s.company_id AND x.sku_id = s.sku_id AND x.node_id <> s.node_id AND x.available > 0) w ON true
 WHERE s.available <= 0;

CREATE VIEW oms_bi.ndr_recovery AS  --| Of parcels that failed at the first attempt, how many are still delivered? recovery_rate = recovered / (recovered + lost), by the reason of the first failure.
SELECT s.company_id,                --| Company
       s.courier_service_id,        --| Courier service
       n.ndr_code,                  --| Reason of the first failed attempt
       count(*)::bigint AS parcels, --| Parcels with a failed attempt
       count(*) FILTER (WHERE s.is_delivered)::bigint AS recovered, --| Of these delivered later
       count(*) FILTER (WHERE s.is_rto)::bigint AS lost, --| Of these came or come back
       count(*) FILTER (WHERE NOT s.is_delivered AND NOT s.is_rto)::bigint AS open, --| Of these undecided
       (count(*) FILTER (WHERE s.is_delivered)::numeric / nullif(count(*) FILTER (WHERE s.is_delivered OR s.is_rto), 0))::numeric(7,4) AS recovery_rate --| recovered / (recovered + lost)
  FROM oms_bi.fact_shipment s
  JOIN oms_bi.fact_ndr n ON n.company_id = s.company_id AND n.shipment_id = s.shipment_id AND n.attempt = 1
 GROUP BY s.company_id, s.courier_service_id, n.ndr_code;

-- The cell of a point by arithmetic (cube rounding), not by searching
-- st_hexagongrid for it: the same cells, no set made for every order.
CREATE VIEW oms_bi.demand_by_cell AS --| Where is the demand? Orders by hexagon (oms.meta demand_cell_m: metres of an edge, 10,000) of the projection EPSG:7755; orders without a place are left out.
SELECT (g.company_id * 1000000000000 + (g.i + 500000)::bigint * 1000000 + (g.j + 500000))::bigint AS cell_id, --| Key: company and cell
       g.company_id::integer AS company_id, --| Company
       g.i::integer AS cell_i,      --| Column of the grid, as st_hexagongrid counts
       g.j::integer AS cell_j,      --| Row of the grid
       g.orders::bigint AS orders,  --| Orders
       g.cod_orders::bigint AS cod_orders, --| Of these cash on delivery
       g.rto_orders::bigint AS rto_orders, --| Of these come back undelivered
       g.amount::numeric(18,2) AS amount, --| What buyers pay
       st_x(st_transform(st_centroid(h.geom), 4326))::double precision AS longitude, --| Centre, degrees east
       st_y(st_transform(st_centroid(h.geom), 4326))::double precision AS latitude, --| Centre, degrees north
       st_asgeojson(st_forcepolygoncw(st_transform(h.geom, 4326)), 5)::text AS boundary_geojson --| The hexagon as GeoJSON, wound clockwise
  FROM (SELECT o.company_id, n.edge, c.i::integer AS i, (c.r + floor(c.i / 2))::integer AS j,
               count(*) AS orders, count(*) FILTER (WHERE o.payment_mode = 'COD') AS cod_orders,
               count(*) FILTER (WHERE EXISTS (SELECT FROM oms.shipment s WHERE s.company_id = o.company_id AND s.order_id = o.order_id
                                                 AND s.direction = 'forward' AND s.state LIKE 'RTO\_%')) AS rto_orders, sum(o.total_amount) AS amount
          FROM (SELECT m.value::double precision AS edge FROM oms.meta m WHERE m.key = 'demand_cell_m') n
         CROSS JOIN oms."order" o
         CROSS JOIN LATERAL (SELECT st_transform(o.ship_place::geometry, 7755) AS flat OFFSET 0) p
         CROSS JOIN LATERAL (SELECT 2 * st_x(p.flat) / (3 * n.edge) AS q, (sqrt(3::double precision) * st_y(p.flat) - st_x(p.flat)) / (3 * n.edge) AS r) a
         CROSS JOIN LATERAL (SELECT round(a.q) AS q, round(a.r) AS r, round(-a.q - a.r) AS s, abs(round(a.q) - a.q) AS dq,
                                    abs(round(a.r) - a.r) AS dr, abs(round(-a.q - a.r) + a.q + a.r) AS ds OFFSET 0) b
         CROSS JOIN LATERAL (SELECT CASE WHEN b.dq > b.dr AND b.dq > b.ds THEN -b.r - b.s ELSE b.q END AS i,
                                    CASE WHEN b.dr > b.ds AND NOT (b.dq > b.dr AND b.dq > b.ds) THEN -b.q - b.s ELSE b.r END AS r) c
         WHERE o.ship_place IS NOT NULL
         GROUP BY 1, 2, 3, 4) g
 CROSS JOIN LATERAL (SELECT st_hexagon(g.edge, g.i, g.j, st_setsrid(st_makepoint(0, 0), 7755)) AS geom OFFSET 0) h;

CREATE VIEW oms_bi.channel_mix AS   --| Which channel brings how much? order_share and amount_share are the channel's part of the company's orders and amount of the month.
SELECT o.company_id,                --| Company
       o.channel_id,                --| Channel
       date_trunc('month', o.order_date)::date AS month_date, --| First day of the month
       count(*)::bigint AS orders,  --| Orders
       sum(o.units)::numeric(18,3) AS units, --| Units
       sum(o.total_amount)::numeric(18,2) AS amount, --| What buyers pay
       (sum(o.total_amount) / count(*))::numeric(14,2) AS amount_per_order, --| amount / orders
       (count(*) / sum(count(*)) OVER m)::numeric(7,4) AS order_share, --| Part of all orders
       (sum(o.total_amount) / nullif(sum(sum(o.total_amount)) OVER m, 0))::numeric(7,4) AS amount_share --| Part of the whole amount
  FROM oms_bi.fact_order o
 GROUP BY o.company_id, o.channel_id, date_trunc('month', o.order_date)
WINDOW m AS (PARTITION BY o.company_id, date_trunc('month', o.order_date));

CREATE VIEW oms_bi.relationships AS --| How the views join: view.column = ref_view.ref_column, many to one. People and tests derive joins from here.
SELECT r.relationship_id::integer AS relationship_id, --| Key
       r.view_name::text AS view_name, --| View that refers
       r.column_name::text AS column_name, --| Its column
       r.ref_view::text AS ref_view, --| View referred to
       r.ref_column::text AS ref_column --| Its key
  FROM (
    SELECT row_number() OVER (ORDER BY a.relname COLLATE "C", a.attname COLLATE "C"), a.relname, a.attname, k.ref_view, k.ref_column
      FROM (SELECT c.relname, t.attname
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
             WHERE c.relnamespace = 'oms_bi'::regnamespace AND c.relkind = 'v') a
      JOIN (VALUES ('node_id', 'dim_node', 'node_id'), ('sku_id', 'dim_sku', 'sku_id'), ('channel_id', 'dim_channel', 'channel_id'),
                   ('courier_service_id', 'dim_courier', 'courier_service_id'), ('customer_id', 'dim_customer', 'customer_id'),
                   ('pincode', 'dim_pincode', 'pincode'), ('order_id', 'fact_order', 'order_id'),
                   ('order_line_id', 'fact_order_line', 'order_line_id'), ('shipment_id', 'fact_shipment', 'shipment_id'),
                   ('return_id', 'fact_return', 'return_id'), ('stock_id', 'fact_stock', 'stock_id')) AS k (attname, ref_view, ref_column)
        ON a.attname = k.attname AND a.relname <> k.ref_view
    UNION ALL
    SELECT 1000 + row_number() OVER (ORDER BY c.relname COLLATE "C", t.attname COLLATE "C"), c.relname, t.attname, 'dim_date', 'calendar_date'
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attname ~ '_date$'
     WHERE c.relnamespace = 'oms_bi'::regnamespace AND c.relkind = 'v' AND c.relname <> 'dim_date'
  ) AS r (relationship_id, view_name, column_name, ref_view, ref_column);
