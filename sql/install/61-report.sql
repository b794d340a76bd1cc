-- report: the star that BI tools read.  Plain views, simple types, first
-- column the key, dates in the company's own time zone, no personal data.
-- Columns are only ever added at the end: dashboards say SELECT *.

CREATE SCHEMA oms_bi;
COMMENT ON SCHEMA oms_bi IS 'Reports of pg_oms: dimensions, facts, and views that answer business questions. Readers see this schema only.';

INSERT INTO oms.meta (key, value) VALUES ('demand_cell_m', '10000');

-- Dimensions

CREATE VIEW oms_bi.dim_date AS      --| Calendar, one row a day from 2020 to 2039.
SELECT to_char(d, 'YYYYMMDD')::integer AS date_id, --| Key: year, month, day as one number
       d::date AS calendar_date,    --| The day; joins to every *_date of the facts
       extract(year FROM d)::integer AS year, --| Calendar year
       extract(quarter FROM d)::integer AS quarter, --| Calendar quarter, 1 to 4
       extract(month FROM d)::integer AS month, --| Month, 1 to 12
       (ARRAY['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'])[extract(month FROM d)::integer] AS month_name, --| Name of the month
       date_trunc('month', d)::date AS month_date, --| First day of the month
       date_trunc('week', d)::date AS week_date, --| Monday of the week
       extract(isodow FROM d)::integer AS weekday, --| 1 Monday to 7 Sunday
       (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[extract(isodow FROM d)::integer] AS weekday_name, --| Name of the day
       (extract(isodow FROM d) >= 6)::boolean AS is_weekend, --| Saturday or Sunday
       (extract(year FROM d) + CASE WHEN extract(month FROM d) >= 4 THEN 1 ELSE 0 END)::integer AS fiscal_year, --| Indian financial year, named by the year it ends in
       (mod(extract(quarter FROM d)::integer + 2, 4) + 1)::integer AS fiscal_quarter --| Quarter of the Indian financial year; April is in the first
  FROM generate_series(timestamp '2020-01-01', timestamp '2039-12-31', interval '1 day') AS d;

CREATE VIEW oms_bi.dim_node AS      --| Nodes: warehouses, dark stores, stores, suppliers.
SELECT n.node_id::integer AS node_id, --| Key
       n.company_id::integer AS company_id, --| Company
       n.code::text AS node_code,   --| Code
       n.name::text AS node_name,   --| Name
       n.kind::text AS node_kind,   --| warehouse, dark_store, store or supplier
       n.city::text AS city,        --| City
       n.pincode::text AS pincode,  --| Pincode
       n.state_code::text AS state_code, --| GST state code
       s.name::text AS state_name,  --| State
       n.open::boolean AS is_open,  --| Gets new orders
       n.hyperlocal::boolean AS is_hyperlocal, --| Serves its areas only, by riders
       public_lon.x::double precision AS longitude, --| Degrees east
       public_lon.y::double precision AS latitude --| Degrees north
  FROM oms.node n
  LEFT JOIN oms.gst_state s ON s.state_code = n.state_code
  LEFT JOIN LATERAL (SELECT st_x(n.place::geometry) AS x, st_y(n.place::geometry) AS y) AS public_lon ON true;

CREATE VIEW oms_bi.dim_sku AS       --| Items.
SELECT k.sku_id::integer AS sku_id, --| Key
       k.company_id::integer AS company_id, --| Company
       k.code::text AS sku_code,    --| Code
       k.name::text AS sku_name,    --| Name
       coalesce(k.category, 'none')::text AS category, --| Category
       k.hsn::text AS hsn,          --| HSN code
       k.weight_g::integer AS weight_g, --| Dead weight, grams
       k.cost::numeric(14,2) AS cost, --| Cost of one unit
       k.cod_ok::boolean AS is_cod_ok, --| May be sold cash on delivery
       k.returnable::boolean AS is_returnable, --| May be returned
       k.tracked::boolean AS is_tracked, --| Stock is counted
       k.active::boolean AS is_active, --| Sold
       (EXISTS (SELECT FROM oms.kit_component c WHERE c.company_id = k.company_id AND c.kit_sku_id = k.sku_id))::boolean AS is_kit --| Made of other items
  FROM oms.sku k;

CREATE VIEW oms_bi.dim_courier AS   --| Courier services with their couriers.
SELECT v.courier_service_id::integer AS courier_service_id, --| Key
       v.courier_id::integer AS courier_id, --| Courier
       c.code::text AS courier_code, --| Code of the courier
       c.name::text AS courier_name, --| Name of the courier
       v.code::text AS service_code, --| Code of the service
       v.name::text AS service_name, --| Name of the service
       v.mode::text AS mode,        --| air, surface or hyperlocal
       (c.active AND v.active)::boolean AS is_active --| Gets new parcels
  FROM oms.courier_service v JOIN oms.courier c ON c.courier_id = v.courier_id;

CREATE VIEW oms_bi.dim_channel AS   --| Sales channels.
SELECT h.channel_id::integer AS channel_id, --| Key
       h.company_id::integer AS company_id, --| Company
       p.code::text AS company_code, --| Code of the company
       p.name::text AS company_name, --| Name of the company
       h.code::text AS channel_code, --| Code
       h.name::text AS channel_name, --| Name
       h.kind::text AS channel_kind, --| marketplace, web, pos or b2b
       h.active::boolean AS is_active --| Takes orders
  FROM oms.channel h JOIN oms.company p ON p.company_id = h.company_id;

CREATE VIEW oms_bi.dim_pincode AS   --| India's pincodes.
SELECT p.pincode::integer AS pincode_id, --| Key: the pincode as a number
       p.pincode::text AS pincode,  --| Six digits
       p.state_code::text AS state_code, --| GST state code
       s.name::text AS state_name,  --| State
       p.district::text AS district, --| District
       coalesce(p.city, p.district)::text AS city, --| City, or the district
       p.metro::text AS metro,      --| Metro area; NULL outside
       st_x(p.place::geometry)::double precision AS longitude, --| Degrees east, centre of its post offices
       st_y(p.place::geometry)::double precision AS latitude --| Degrees north
  FROM oms.pincode p LEFT JOIN oms.gst_state s ON s.state_code = p.state_code;

CREATE VIEW oms_bi.dim_customer AS  --| Buyers, without anything that tells who they are.
SELECT c.customer_id::bigint AS customer_id, --| Key
       c.company_id::integer AS company_id, --| Company
       (c.gstin IS NOT NULL)::boolean AS is_business, --| Has a GSTIN
       c.pincode::text AS pincode,  --| Last known pincode
       c.orders::integer AS orders, --| Orders captured
       c.delivered::integer AS delivered, --| Orders delivered
       c.rto::integer AS rto,       --| Orders that came back
       (CASE WHEN c.orders = 0 THEN 'none' WHEN c.orders = 1 THEN 'new' ELSE 'repeat' END)::text AS buyer_kind, --| none, new or repeat
       (c.created_at AT TIME ZONE p.timezone)::date AS first_seen_date, --| First seen
       (c.last_order_at AT TIME ZONE p.timezone)::date AS last_order_date --| Last order placed
  FROM oms.customer c JOIN oms.company p ON p.company_id = c.company_id;

CREATE VIEW oms_bi.dim_status AS    --| What each status of an order, allocation, parcel or return means for a report.
SELECT s.status_id::integer AS status_id, --| Key
       s.entity::text AS entity,    --| order, allocation, shipment or return
       s.status::text AS status,    --| The status
       s.phase::text AS phase,      --| waiting, working, moving, done, lost (came back or went missing) or cancelled
       (s.phase IN ('done', 'lost', 'cancelled'))::boolean AS is_final --| Nothing more will happen by itself
  FROM (VALUES
    (101, 'order', 'captured', 'waiting'), (102, 'order', 'on_hold', 'waiting'), (103, 'order', 'backordered', 'waiting'),
    (104, 'order', 'part_reserved', 'waiting'), (105, 'order', 'reserved', 'working'), (106, 'order', 'released', 'working'),
    (107, 'order', 'packed', 'working'), (108, 'order', 'part_shipped', 'moving'), (109, 'order', 'shipped', 'moving'),
    (110, 'order', 'part_delivered', 'moving'), (111, 'order', 'delivered', 'done'), (112, 'order', 'rto', 'lost'),
    (113, 'order', 'returned', 'lost'), (114, 'order', 'cancelled', 'cancelled'),
    (201, 'allocation', 'planned', 'waiting'), (202, 'allocation', 'backordered', 'waiting'), (203, 'allocation', 'reserved', 'working'),
    (204, 'allocation', 'released', 'working'), (205, 'allocation', 'picked', 'working'), (206, 'allocation', 'packed', 'working'),
    (207, 'allocation', 'shipped', 'moving'), (208, 'allocation', 'delivered', 'done'), (209, 'allocation', 'rto', 'lost'),
    (210, 'allocation', 'returned', 'lost'), (211, 'allocation', 'cancelled', 'cancelled'),
    (301, 'shipment', 'PLANNED', 'waiting'), (302, 'shipment', 'BOOKED', 'working'), (303, 'shipment', 'PICKUP_SCHEDULED', 'working'),
    (304, 'shipment', 'OUT_FOR_PICKUP', 'working'), (305, 'shipment', 'PICKUP_FAILED', 'working'), (306, 'shipment', 'PICKED_UP', 'moving'),
    (307, 'shipment', 'IN_TRANSIT', 'moving'), (308, 'shipment', 'AT_DEST_HUB', 'moving'), (309, 'shipment', 'OUT_FOR_DELIVERY', 'moving'),
    (310, 'shipment', 'NDR', 'moving'), (311, 'shipment', 'DELIVERED', 'done'), (312, 'shipment', 'RTO_INITIATED', 'moving'),
    (313, 'shipment', 'RTO_IN_TRANSIT', 'moving'), (314, 'shipment', 'RTO_OFD', 'moving'), (315, 'shipment', 'RTO_NDR', 'moving'),
    (316, 'shipment', 'RTO_DELIVERED', 'lost'), (317, 'shipment', 'RTO_DISPOSED', 'lost'), (318, 'shipment', 'LOST', 'lost'),
    (319, 'shipment', 'DAMAGED', 'lost'), (320, 'shipment', 'CANCELLED', 'cancelled'),
    (401, 'return', 'requested', 'waiting'), (402, 'return', 'authorized', 'working'), (403, 'return', 'picked_up', 'moving'),
    (404, 'return', 'received', 'working'), (405, 'return', 'inspected', 'working'), (406, 'return', 'closed', 'done'),
    (407, 'return', 'rejected', 'cancelled'), (408, 'return', 'cancelled', 'cancelled')
  ) AS s (status_id, entity, status, phase);

-- Facts

CREATE VIEW oms_bi.fact_order AS    --| Orders, one row each.
SELECT o.order_id::bigint AS order_id, --| Key
       o.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       o.customer_id::bigint AS customer_id, --| Buyer, where recognised
       o.external_id::text AS external_id, --| The channel's number
       o.status::text AS status,    --| Status now
       o.payment_mode::text AS payment_mode, --| COD or PREPAID
       (o.payment_mode = 'COD')::boolean AS is_cod, --| Cash on delivery
       o.fulfilment_mode::text AS fulfilment_mode, --| SHIP or CARRY_OUT
       o.placed_at::timestamptz AS placed_at, --| When the buyer placed it
       (o.placed_at AT TIME ZONE p.timezone)::date AS order_date, --| The same as a day
       o.captured_at::timestamptz AS captured_at, --| When it was taken
       o.promised_at::timestamptz AS promised_at, --| Latest promise over its parts
       (o.promised_at AT TIME ZONE p.timezone)::date AS promised_date, --| The same as a day
       o.ship_pincode::text AS pincode, --| Pincode of delivery
       o.ship_state_code::text AS state_code, --| GST state of delivery
       o.currency::text AS currency, --| Currency of the amounts
       o.goods_amount::numeric(14,2) AS goods_amount, --| Goods after discounts, as priced
       o.charge_amount::numeric(14,2) AS charge_amount, --| Shipping, COD fee, gift wrap
       o.tax_amount::numeric(14,2) AS tax_amount, --| GST on the goods
       o.charge_tax_amount::numeric(14,2) AS charge_tax_amount, --| GST on charges, where prices are without tax
       coalesce(o.supply_type, 'B2C') AS supply_type, --| Kind of supply for GST, as in e-invoices, and B2C
       o.total_amount::numeric(14,2) AS total_amount, --| What the buyer pays
       o.paid_amount::numeric(14,2) AS paid_amount, --| Paid ahead
       coalesce(l.lines, 0)::integer AS lines, --| Lines
       coalesce(l.units, 0)::numeric(14,3) AS units, --| Units ordered
       coalesce(l.cancelled, 0)::numeric(14,3) AS units_cancelled, --| Of these cancelled
       coalesce(a.found, 0)::numeric(14,3) AS units_filled, --| Of these for which a node had stock, so far
       coalesce(a.nodes, 0)::integer AS nodes, --| Nodes that fill it
       coalesce(s.parcels, 0)::integer AS parcels, --| Parcels to the buyer
       coalesce(h.ever, 0)::integer AS holds, --| Holds it ever had
       coalesce(h.now, 0)::integer AS open_holds, --| Holds now
       coalesce(s.delivered, 0)::integer AS parcels_delivered, --| Of its parcels delivered
       coalesce(s.rto, 0)::integer AS parcels_rto, --| Of its parcels come or coming back undelivered; stays when they are restocked
       (coalesce(s.rto, 0) > 0)::boolean AS is_rto --| Any of it came or comes back undelivered
  FROM oms."order" o
  JOIN oms.company p ON p.company_id = o.company_id
  LEFT JOIN (SELECT company_id, order_id, count(*) AS lines, sum(qty) AS units, sum(cancelled_qty) AS cancelled
               FROM oms.order_line GROUP BY 1, 2) l ON l.company_id = o.company_id AND l.order_id = o.order_id
  LEFT JOIN (SELECT company_id, order_id, sum(qty) FILTER (WHERE node_id IS NOT NULL AND status <> 'backordered') AS found,
                    count(DISTINCT node_id) FILTER (WHERE status NOT IN ('backordered', 'cancelled')) AS nodes
               FROM oms.allocation GROUP BY 1, 2) a ON a.company_id = o.company_id AND a.order_id = o.order_id
  LEFT JOIN (SELECT company_id, order_id, count(*) AS parcels, count(delivered_at) AS delivered, count(*) FILTER (WHERE state LIKE 'RTO\_%') AS rto
               FROM oms.shipment WHERE direction = 'forward' AND state <> 'CANCELLED' GROUP BY 1, 2) s ON s.company_id = o.company_id AND s.order_id = o.order_id
  LEFT JOIN (SELECT company_id, order_id, count(*) AS ever, count(*) FILTER (WHERE resolved_at IS NULL) AS now
               FROM oms.order_hold GROUP BY 1, 2) h ON h.company_id = o.company_id AND h.order_id = o.order_id;

CREATE VIEW oms_bi.fact_order_line AS --| Lines of orders, one row each.
SELECT (l.order_id * 1000000 + l.line_no)::bigint AS order_line_id, --| Key: order_id and six digits of line_no
       l.order_id::bigint AS order_id, --| Order
       l.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       l.line_no::integer AS line_no, --| Number in the order
       l.sku_id::integer AS sku_id, --| Item
       (o.placed_at AT TIME ZONE p.timezone)::date AS order_date, --| Day the order was placed
       l.qty::numeric(14,3) AS units, --| Units ordered
       l.cancelled_qty::numeric(14,3) AS units_cancelled, --| Of these cancelled
       l.unit_price::numeric(14,2) AS unit_price, --| Price of one, as priced
       l.discount::numeric(14,2) AS discount, --| Discount on the line
       l.net_amount::numeric(14,2) AS net_amount --| Amount after discount, as priced
  FROM oms.order_line l
  JOIN oms."order" o ON o.company_id = l.company_id AND o.order_id = l.order_id
  JOIN oms.company p ON p.company_id = l.company_id;

CREATE VIEW oms_bi.fact_allocation AS --| Quantities of order lines at nodes, one row each.
SELECT a.allocation_id::bigint AS allocation_id, --| Key
       a.order_id::bigint AS order_id, --| Order
       (a.order_id * 1000000 + a.line_no)::bigint AS order_line_id, --| Line
       a.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       a.sku_id::integer AS sku_id, --| Item
       a.node_id::integer AS node_id, --| Node; NULL while backordered
       a.shipment_id::bigint AS shipment_id, --| Parcel
       a.status::text AS status,    --| Status now
       (o.placed_at AT TIME ZONE p.timezone)::date AS order_date, --| Day the order was placed
       (a.promised_at AT TIME ZONE p.timezone)::date AS promised_date, --| Day promised
       a.qty::numeric(14,3) AS units, --| Units
       a.net_amount::numeric(14,2) AS net_amount, --| Its share of the line, as priced
       a.tax_rate::numeric(6,3) AS tax_rate, --| GST percent
       a.taxable::numeric(14,2) AS taxable_amount, --| Taxable value
       a.cgst::numeric(14,2) AS cgst_amount, --| Central GST
       a.sgst::numeric(14,2) AS sgst_amount, --| State GST
       a.igst::numeric(14,2) AS igst_amount, --| Integrated GST
       a.supplier_state::text AS supplier_state, --| GST state it is supplied from
       a.place_of_supply::text AS place_of_supply --| GST state of the supply
  FROM oms.allocation a
  JOIN oms."order" o ON o.company_id = a.company_id AND o.order_id = a.order_id
  JOIN oms.company p ON p.company_id = a.company_id;

CREATE VIEW oms_bi.fact_shipment AS --| Parcels, to buyers and back, one row each.
SELECT s.shipment_id::bigint AS shipment_id, --| Key
       s.order_id::bigint AS order_id, --| Order
       s.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       s.node_id::integer AS node_id, --| Node it leaves, or comes to
       s.courier_service_id::integer AS courier_service_id, --| Courier service; NULL: over the counter
       s.direction::text AS direction, --| forward or reverse
       s.state::text AS state,      --| State now
       o.ship_pincode::text AS pincode, --| Pincode of the buyer
       o.ship_state_code::text AS state_code, --| GST state of the buyer
       s.zone::text AS zone,        --| Courier zone of the lane
       (s.cod_amount > 0)::boolean AS is_cod, --| Cash to collect
       (s.direction = 'forward' AND s.delivered_at IS NOT NULL)::boolean AS is_delivered, --| Reached the buyer
       (s.direction = 'forward' AND s.state LIKE 'RTO\_%')::boolean AS is_rto, --| Came or comes back undelivered
       s.attempts::integer AS failed_attempts, --| Failed delivery attempts
       s.cod_amount::numeric(14,2) AS cod_amount, --| Cash to collect
       s.declared_value::numeric(14,2) AS declared_value, --| Value carried
       s.dead_g::integer AS dead_g, --| Dead weight, grams
       s.charge_g::integer AS charge_g, --| Chargeable weight, grams
       s.freight::numeric(14,2) AS freight_amount, --| Quoted freight before GST
       s.cod_fee::numeric(14,2) AS cod_fee_amount, --| Quoted COD fee before GST
       s.rto_freight::numeric(14,2) AS rto_freight_amount, --| Quoted freight of the way back before GST
       s.courier_gst::numeric(14,2) AS courier_gst_amount, --| GST on freight and COD fee
       s.created_at::timestamptz AS created_at, --| When planned
       s.shipped_at::timestamptz AS shipped_at, --| When handed over
       s.promised_at::timestamptz AS promised_at, --| Promised to the buyer
       s.delivered_at::timestamptz AS delivered_at, --| When delivered
       s.rto_at::timestamptz AS rto_at, --| When back at origin
       (s.shipped_at AT TIME ZONE p.timezone)::date AS shipped_date, --| Day handed over
       (s.promised_at AT TIME ZONE p.timezone)::date AS promised_date, --| Day promised
       (s.delivered_at AT TIME ZONE p.timezone)::date AS delivered_date, --| Day delivered
       round(extract(epoch FROM s.delivered_at - s.shipped_at) / 3600, 2)::numeric(10,2) AS transit_hours --| Hours from hand-over to delivery
  FROM oms.shipment s
  JOIN oms.company p ON p.company_id = s.company_id
  LEFT JOIN oms."order" o ON o.company_id = s.company_id AND o.order_id = s.order_id;

CREATE VIEW oms_bi.fact_ndr AS      --| Failed delivery attempts, one row each.
SELECT d.ndr_id::bigint AS ndr_id,  --| Key
       d.shipment_id::bigint AS shipment_id, --| Parcel
       s.order_id::bigint AS order_id, --| Order
       d.company_id::integer AS company_id, --| Company
       s.courier_service_id::integer AS courier_service_id, --| Courier service
       d.attempt::integer AS attempt, --| Number of the failed attempt
       d.ndr_code::text AS ndr_code, --| Reason
       d.failed_at::timestamptz AS failed_at, --| When
       (d.failed_at AT TIME ZONE p.timezone)::date AS failed_date, --| Day
       coalesce(d.action, 'none')::text AS action, --| What was asked of the courier
       round(extract(epoch FROM d.action_at - d.failed_at) / 3600, 2)::numeric(10,2) AS action_hours, --| Hours until it was asked
       coalesce(d.outcome, 'open')::text AS outcome --| DELIVERED, NDR, RTO or open
  FROM oms.ndr d
  JOIN oms.company p ON p.company_id = d.company_id
  LEFT JOIN oms.shipment s ON s.company_id = d.company_id AND s.shipment_id = d.shipment_id;

CREATE VIEW oms_bi.fact_return AS   --| Returns, one row each.
SELECT r.return_id::bigint AS return_id, --| Key
       r.order_id::bigint AS order_id, --| Order
       r.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       r.node_id::integer AS node_id, --| Node that receives it
       r.shipment_id::bigint AS shipment_id, --| Parcel it travels in
       (CASE r.kind WHEN 'CIR' THEN 'customer' ELSE 'rto' END)::text AS return_kind, --| customer: asked for by the buyer; rto: undelivered
       r.status::text AS status,    --| Status now
       r.reason::text AS reason,    --| Reason code
       (r.created_at AT TIME ZONE p.timezone)::date AS return_date, --| Day it was asked for
       (r.received_at AT TIME ZONE p.timezone)::date AS received_date, --| Day it arrived
       (r.closed_at AT TIME ZONE p.timezone)::date AS closed_date, --| Day it was settled
       coalesce(l.units, 0)::numeric(14,3) AS units, --| Units asked back
       coalesce(l.received, 0)::numeric(14,3) AS units_received, --| Of these arrived
       coalesce(l.restocked, 0)::numeric(14,3) AS units_restocked, --| Of these sellable again
       coalesce(l.amount, 0)::numeric(14,2) AS return_amount --| Value of the units asked back, as priced
  FROM oms.return_order r
  JOIN oms.company p ON p.company_id = r.company_id
  LEFT JOIN oms."order" o ON o.company_id = r.company_id AND o.order_id = r.order_id
  LEFT JOIN (SELECT x.company_id, x.return_id, sum(x.qty) AS units, sum(x.received_qty) AS received, sum(x.restocked_qty) AS restocked,
                    sum(round(a.net_amount * x.qty / a.qty, 2)) AS amount
               FROM oms.return_line x
               JOIN oms.allocation a ON a.company_id = x.company_id AND a.allocation_id = x.allocation_id
              GROUP BY 1, 2) l ON l.company_id = r.company_id AND l.return_id = r.return_id;

CREATE VIEW oms_bi.fact_refund AS   --| Money owed or paid back to buyers, one row each.
SELECT f.refund_id::bigint AS refund_id, --| Key
       f.order_id::bigint AS order_id, --| Order
       f.return_id::bigint AS return_id, --| Return; NULL: a cancellation
       f.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       f.status::text AS status,    --| due, paid or void
       f.mode::text AS mode,        --| original or bank
       f.amount::numeric(14,2) AS refund_amount, --| Amount, tax included
       f.tax_amount::numeric(14,2) AS tax_amount, --| GST in it
       (f.due_at AT TIME ZONE p.timezone)::date AS due_date, --| Day it became due
       (f.paid_at AT TIME ZONE p.timezone)::date AS paid_date, --| Day it was paid
       round(extract(epoch FROM f.paid_at - f.due_at) / 3600, 2)::numeric(10,2) AS paid_hours --| Hours until it was paid
  FROM oms.refund f
  JOIN oms.company p ON p.company_id = f.company_id
  LEFT JOIN oms."order" o ON o.company_id = f.company_id AND o.order_id = f.order_id;

CREATE VIEW oms_bi.fact_risk_score AS --| Risk scores of orders, one row each.
SELECT k.order_id::bigint AS risk_score_id, --| Key: the order
       k.order_id::bigint AS order_id, --| Order
       k.company_id::integer AS company_id, --| Company
       o.channel_id::integer AS channel_id, --| Channel
       m.name::text AS model_name,  --| Model and version
       k.probability::double precision AS probability, --| Probability that it comes back
       k.action::text AS action,    --| allow, confirm, prepaid_only or block
       coalesce(k.reasons[1], 'none')::text AS main_reason, --| What raised it most
       (k.scored_at AT TIME ZONE p.timezone)::date AS scored_date, --| Day
       o.is_cod::boolean AS is_cod, --| Cash on delivery
       (CASE WHEN o.is_rto THEN 'rto' WHEN o.status IN ('delivered', 'returned') THEN 'delivered' ELSE 'open' END)::text AS outcome --| What came of it: rto (also when restocked since), delivered (also when the buyer returned it) or open
  FROM oms.risk_score k
  JOIN oms.company p ON p.company_id = k.company_id
  LEFT JOIN oms.risk_model m ON m.risk_model_id = k.risk_model_id
  LEFT JOIN oms_bi.fact_order o ON o.company_id = k.company_id AND o.order_id = k.order_id;

CREATE VIEW oms_bi.fact_stock AS    --| Stock now, one row for each item at a node.
SELECT (s.node_id * 2147483648 + s.sku_id)::bigint AS stock_id, --| Key: made of node and item
       s.company_id::integer AS company_id, --| Company
       s.node_id::integer AS node_id, --| Node
       s.sku_id::integer AS sku_id, --| Item
       s.on_hand::numeric(14,3) AS on_hand, --| Counted units
       s.reserved::numeric(14,3) AS reserved, --| Held for orders and carts
       s.safety::numeric(14,3) AS safety, --| Kept back
       (CASE WHEN s.sellable THEN s.on_hand - s.reserved - s.safety ELSE 0 END)::numeric(14,3) AS available, --| on_hand - reserved - safety; 0 where not sellable
       s.shortfall::numeric(14,3) AS shortfall, --| Reserved units that the count no longer covers
       (s.on_hand * k.cost)::numeric(14,2) AS stock_value, --| on_hand at cost; NULL where the cost is unknown
       s.updated_at::timestamptz AS updated_at --| Last change
  FROM oms.stock s JOIN oms.sku k ON k.sku_id = s.sku_id;
