-- verify: what must always hold, checked over every row.  One statement, so
-- one snapshot: sound also while orders pour in.

CREATE FUNCTION oms.verify(OUT invariant text, OUT subject text, OUT detail text) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE COST 1000000 ROWS 1
SET search_path = pg_catalog, pg_temp
SET jit = off AS $$
WITH held AS ( -- reservations that count, by key
    SELECT company_id, node_id, sku_id, sum(qty) AS qty
      FROM (SELECT company_id, node_id, sku_id, qty FROM oms.reservation WHERE state <> 'closed'
            UNION ALL SELECT company_id, u.node_id, u.sku_id, u.qty
              FROM oms.accepted_order, unnest(node_ids, sku_ids, qtys) AS u (node_id, sku_id, qty)) r GROUP BY 1, 2, 3
), due AS ( -- what allocations that reserve must hold: the item, or a kit's components
    SELECT a.company_id, a.allocation_id, a.node_id, coalesce(k.sku_id, a.sku_id) AS sku_id,
           sum(a.qty * coalesce(k.qty, 1)) AS qty
      FROM oms.allocation a
      LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id
      JOIN oms.sku s ON s.sku_id = coalesce(k.sku_id, a.sku_id) AND s.tracked
     WHERE a.status IN ('reserved', 'released', 'picked', 'packed')
     GROUP BY 1, 2, 3, 4
), open_for AS ( -- what allocations do hold
    SELECT r.company_id, r.allocation_id, r.node_id, r.sku_id, sum(r.qty) AS qty
      FROM oms.reservation r
     WHERE r.state = 'open' AND r.allocation_id IS NOT NULL
     GROUP BY 1, 2, 3, 4
)
-- accepted orders
SELECT 'accepted_order', format('accepted order (%s, %s)', a.company_id, a.order_id), w.what
  FROM oms.accepted_order a, LATERAL (
    SELECT format('%s lines, %s nodes, %s items, %s quantities', cardinality(a.line_nos), cardinality(a.node_ids), cardinality(a.sku_ids), cardinality(a.qtys))
     WHERE cardinality(a.line_nos) = 0 OR (cardinality(a.node_ids), cardinality(a.sku_ids), cardinality(a.qtys)) IS DISTINCT FROM (cardinality(a.line_nos), cardinality(a.line_nos), cardinality(a.line_nos))
    UNION ALL
    SELECT format('channel %s is none of the company', a.channel_id)
     WHERE NOT EXISTS (SELECT FROM oms.channel c WHERE c.company_id = a.company_id AND c.channel_id = a.channel_id)
    UNION ALL
    SELECT format('its number "%s" is an order''s already', a.external_id)
     WHERE EXISTS (SELECT FROM oms."order" o WHERE o.company_id = a.company_id AND (o.order_id = a.order_id OR (o.channel_id, o.external_id) = (a.channel_id, a.external_id)))
  ) AS w (what)
UNION ALL
-- stock
SELECT 'stock_reserved', format('stock (%s, %s, %s)', company_id, node_id, sku_id),
       format('reserved is %s, reservations that are open or leaving, and orders accepted, hold %s',
              coalesce(s.reserved::text, 'without a row'), coalesce(h.qty, 0))
  FROM oms.stock s FULL JOIN held h USING (company_id, node_id, sku_id)
 WHERE s.reserved IS DISTINCT FROM coalesce(h.qty, 0)
UNION ALL
SELECT 'stock_oversold', format('stock (%s, %s, %s)', company_id, node_id, sku_id),
       format('reserved %s of %s on hand, with %s for backorders and a shortfall of %s', reserved, on_hand, greatest(backorder_limit, channel_depth), shortfall)
  FROM oms.stock
 WHERE reserved > greatest(on_hand, 0) + greatest(backorder_limit, channel_depth) + shortfall
UNION ALL
SELECT 'stock_ledger', format('stock (%s, %s, %s)', s.company_id, s.node_id, s.sku_id),
       format('on_hand is %s, the ledger ends at %s', s.on_hand, coalesce(l.on_hand, 0))
  FROM oms.stock s
  LEFT JOIN LATERAL (SELECT g.on_hand FROM oms.stock_ledger g
                      WHERE g.company_id = s.company_id AND g.node_id = s.node_id AND g.sku_id = s.sku_id
                      ORDER BY g.ledger_id DESC LIMIT 1) l ON true
 WHERE s.on_hand <> coalesce(l.on_hand, 0)
UNION ALL
SELECT 'quota_used', format('stock_quota (%s, %s)', q.company_id, q.quota_id),
       format('used is %s, its reservations took %s', q.used, coalesce(r.qty, 0))
  FROM oms.stock_quota q
  LEFT JOIN (SELECT company_id, quota_id, sum(quota_qty) AS qty FROM oms.reservation
              WHERE quota_id IS NOT NULL AND (state <> 'closed' OR close_reason = 'consumed') GROUP BY 1, 2) r USING (company_id, quota_id)
 WHERE q.used <> coalesce(r.qty, 0)
UNION ALL
SELECT 'stock_terms', format('stock (%s, %s, %s)', company_id, node_id, sku_id),
       format('has_terms is %s with %s quotas, thresholds and lots, channel_depth %s of %s', coalesce(s.has_terms::text, 'nowhere'), coalesce(t.n, 0),
              s.channel_depth, coalesce(t.depth, 0))
  FROM oms.stock s
  FULL JOIN (SELECT company_id, node_id, sku_id, count(*) AS n, max(depth) AS depth
               FROM (SELECT company_id, node_id, sku_id, 0 AS depth FROM oms.stock_quota
                     UNION ALL SELECT company_id, node_id, sku_id, greatest(-threshold, 0) FROM oms.channel_threshold
                     UNION ALL SELECT company_id, node_id, sku_id, 0 FROM oms.stock_lot) x
              GROUP BY 1, 2, 3) t USING (company_id, node_id, sku_id)
 WHERE s.has_terms IS DISTINCT FROM (coalesce(t.n, 0) > 0) OR s.channel_depth IS DISTINCT FROM coalesce(t.depth, 0)
UNION ALL
SELECT 'stock_shortfall', format('stock (%s, %s, %s)', company_id, node_id, sku_id),
       format('a shortfall of %s, reserved %s of %s on hand with %s for backorders', shortfall, reserved, on_hand, backorder_limit)
  FROM oms.stock
 WHERE shortfall > greatest(reserved - greatest(on_hand, 0) - greatest(backorder_limit, channel_depth), 0)
UNION ALL
SELECT 'supply_pegged', format('inbound (%s, %s)', i.company_id, i.inbound_id),
       format('%s expected, %s promised of it', i.qty, p.qty)
  FROM oms.inbound i
  JOIN (SELECT g.company_id, g.inbound_id, sum(g.qty) AS qty FROM oms.supply_peg g
          JOIN oms.allocation a ON a.company_id = g.company_id AND a.allocation_id = g.allocation_id
         WHERE a.status IN ('backordered', 'reserved', 'released', 'picked', 'packed') GROUP BY 1, 2) p USING (company_id, inbound_id)
 WHERE p.qty > i.qty
UNION ALL
SELECT 'supply_received', format('inbound (%s, %s)', i.company_id, i.inbound_id),
       format('received %s, its receipts say %s', i.received_qty, coalesce(r.qty, 0))
  FROM oms.inbound i
  LEFT JOIN (SELECT company_id, inbound_id, sum(qty) AS qty FROM oms.inbound_receipt GROUP BY 1, 2) r USING (company_id, inbound_id)
 WHERE i.received_qty <> coalesce(r.qty, 0)
UNION ALL
SELECT 'stock_lots', format('stock (%s, %s, %s)', s.company_id, s.node_id, s.sku_id),
       format('%s on hand, %s in lots', s.on_hand, l.qty)
  FROM oms.stock s JOIN (SELECT company_id, node_id, sku_id, sum(on_hand) AS qty FROM oms.stock_lot GROUP BY 1, 2, 3) l USING (company_id, node_id, sku_id)
 WHERE l.qty > greatest(s.on_hand, 0)
UNION ALL
SELECT 'lot_assigned', format('lot %s of stock (%s, %s, %s)', b.lot, b.company_id, b.node_id, b.sku_id),
       format('%s on hand, %s assigned', b.on_hand, l.qty)
  FROM oms.stock_lot b
  JOIN (SELECT x.company_id, x.node_id, x.sku_id, x.lot, sum(x.qty) AS qty, coalesce(sum(x.qty) FILTER (WHERE r.state = 'leaving'), 0) AS leaving FROM oms.reservation_lot x JOIN oms.reservation r USING (company_id, reservation_id)
         WHERE r.state <> 'closed' GROUP BY 1, 2, 3, 4) l USING (company_id, node_id, sku_id, lot)
 WHERE l.qty > b.on_hand AND l.qty > l.leaving -- what left the ERP may have taken out already
-- reservations and allocations
UNION ALL
SELECT 'reservation_leaving', format('reservation (%s, %s)', r.company_id, r.reservation_id),
       'it waits for a booking of the ERP that nobody asked for or that was made'
  FROM oms.reservation r
 WHERE r.state = 'leaving'
   AND NOT EXISTS (SELECT FROM oms.erp_call c WHERE c.company_id = r.company_id AND c.reservation_id = r.reservation_id
                      AND c.kind IN ('stock_out', 'order_out') AND c.state <> 'done')
UNION ALL
SELECT 'reservation_owner', format('reservation (%s, %s)', r.company_id, r.reservation_id),
       format('it is %s, its allocation %s %s', r.state, r.allocation_id, coalesce('is ' || a.status, 'does not exist'))
  FROM oms.reservation r
  LEFT JOIN oms.allocation a USING (company_id, allocation_id)
 WHERE r.allocation_id IS NOT NULL AND r.state <> 'closed'
   AND (a.status IS NULL
        OR a.status <> ALL (CASE r.state WHEN 'open' THEN '{reserved,released,picked,packed}'::text[]
                                         ELSE '{shipped,delivered,rto,returned}' END))
UNION ALL
SELECT 'allocation_reserved', format('allocation (%s, %s)', company_id, allocation_id),
       format('it must hold %s of item %s at node %s and holds %s', trim_scale(coalesce(d.qty, 0)), sku_id, node_id, trim_scale(coalesce(o.qty, 0)))
  FROM due d FULL JOIN open_for o USING (company_id, allocation_id, node_id, sku_id)
 WHERE coalesce(d.qty, 0) <> coalesce(o.qty, 0)
   -- one that should hold nothing at all is reservation_owner's
   AND (d.qty IS NOT NULL OR EXISTS (
        SELECT FROM oms.allocation a
         WHERE a.company_id = o.company_id AND a.allocation_id = o.allocation_id
           AND a.status IN ('reserved', 'released', 'picked', 'packed')
           -- an item that is no longer counted may still be held
           AND EXISTS (SELECT FROM oms.sku s WHERE s.sku_id = o.sku_id AND s.tracked)))
UNION ALL
SELECT 'allocation_shipment', format('allocation (%s, %s)', a.company_id, a.allocation_id),
       format('of order %s at node %s, it travels in shipment %s %s', a.order_id, a.node_id, a.shipment_id,
              CASE WHEN s.order_id IS NULL THEN 'that does not exist' ELSE format('of order %s from node %s', s.order_id, s.node_id) END)
  FROM oms.allocation a
  LEFT JOIN oms.shipment s USING (company_id, shipment_id)
 WHERE a.shipment_id IS NOT NULL
   AND (s.order_id IS DISTINCT FROM a.order_id OR s.direction <> 'forward'
        OR (s.node_id IS DISTINCT FROM a.node_id AND a.status <> 'cancelled'
            -- nodes of one site send one parcel
            AND NOT EXISTS (SELECT FROM oms.node n JOIN oms.node m ON m.company_id = n.company_id AND m.site = n.site AND m.state_code = n.state_code
                             WHERE n.node_id = a.node_id AND m.node_id = s.node_id)))
UNION ALL
SELECT 'allocation_tax', format('allocation (%s, %s)', a.company_id, a.allocation_id),
       format('net %s, taxable %s, CGST %s, SGST %s, IGST %s, from state %s to %s%s',
              a.net_amount, a.taxable, a.cgst, a.sgst, a.igst, a.supplier_state, a.place_of_supply, ', ' || nullif(o.supply_type, 'B2C'))
  FROM oms.allocation a LEFT JOIN oms."order" o ON o.company_id = a.company_id AND o.order_id = a.order_id,
       -- states by the codes they have now
       LATERAL (SELECT coalesce(o.supply_type IN ('SEZWP', 'EXPWP'), false) OR a.supplier_state = '96'
                    OR replace(replace(a.supplier_state, '28', '37'), '25', '26') <> replace(replace(a.place_of_supply, '28', '37'), '25', '26') AS inter_state) s
 WHERE a.taxable IS NOT NULL
   AND (a.net_amount NOT IN (a.taxable, a.taxable + a.cgst + a.sgst + a.igst)
        OR abs(a.cgst - a.sgst) > 0.01
        OR (a.igst <> 0 AND (a.cgst <> 0 OR a.sgst <> 0))
        OR (a.igst <> 0 AND NOT s.inter_state)
        OR (a.cgst <> 0 AND s.inter_state)
        OR (o.supply_type IN ('SEZWOP', 'EXPWOP') AND (a.igst <> 0 OR a.cgst <> 0 OR a.sgst <> 0)))
-- capacity
UNION ALL
SELECT 'slot_used', format('node_slot (%s, %s, %s)', company_id, node_id, starts_at),
       format('used is %s, parcels take %s', coalesce(s.used::text, 'without a row'), coalesce(u.qty, 0))
  FROM oms.node_slot s
  FULL JOIN (SELECT company_id, node_id, starts_at, sum(qty) AS qty FROM oms.slot_use GROUP BY 1, 2, 3) u USING (company_id, node_id, starts_at)
 WHERE s.used IS DISTINCT FROM coalesce(u.qty, 0)
UNION ALL
SELECT 'slot_use', format('slot_use (%s, %s, %s)', u.company_id, u.shipment_id, u.node_id),
       format('takes %s for a parcel that is %s and holds %s from there', u.qty, coalesce(s.state, 'not there'), coalesce(a.qty, 0))
  FROM oms.slot_use u
  LEFT JOIN oms.shipment s ON s.company_id = u.company_id AND s.shipment_id = u.shipment_id AND s.order_id = u.order_id
  LEFT JOIN LATERAL (SELECT sum(x.qty) AS qty FROM oms.allocation x
                      WHERE x.company_id = u.company_id AND x.shipment_id = u.shipment_id AND x.node_id = u.node_id AND x.status <> 'cancelled') a ON true
 WHERE s.state IS NULL OR s.state = 'CANCELLED' OR a.qty IS NULL
-- orders
UNION ALL
SELECT 'line_quantity', format('order_line (%s, %s, %s)', l.company_id, l.order_id, l.line_no),
       format('ordered %s, cancelled %s, allocated %s', l.qty, l.cancelled_qty, coalesce(a.live, 0))
  FROM oms.order_line l
  LEFT JOIN LATERAL (SELECT sum(x.qty) AS live FROM oms.allocation x
                      WHERE x.company_id = l.company_id AND x.order_id = l.order_id AND x.line_no = l.line_no
                        AND x.status <> 'cancelled') a ON true
 WHERE l.qty <> l.cancelled_qty + coalesce(a.live, 0)
UNION ALL
SELECT 'line_money', format('order_line (%s, %s, %s)', l.company_id, l.order_id, l.line_no),
       format('net %s, its allocations carry %s', l.net_amount, coalesce(a.net, 0))
  FROM oms.order_line l
  LEFT JOIN LATERAL (SELECT sum(x.net_amount) AS net FROM oms.allocation x
                      WHERE x.company_id = l.company_id AND x.order_id = l.order_id AND x.line_no = l.line_no) a ON true
 WHERE l.net_amount <> coalesce(a.net, 0)
UNION ALL
SELECT 'order_money', format('order (%s, %s)', o.company_id, o.order_id),
       format('goods %s, its lines %s', o.goods_amount, coalesce(l.net, 0))
  FROM oms."order" o
  LEFT JOIN LATERAL (SELECT sum(x.net_amount) AS net FROM oms.order_line x
                      WHERE x.company_id = o.company_id AND x.order_id = o.order_id) l ON true
 WHERE o.goods_amount <> coalesce(l.net, 0)
UNION ALL
SELECT 'order_status', format('order (%s, %s)', o.company_id, o.order_id),
       format('it is %s, its allocations and holds say %s', o.status, s.status)
  FROM oms."order" o, LATERAL (SELECT oms.order_status(o.company_id, o.order_id) AS status) s
 WHERE o.status <> s.status
UNION ALL
SELECT 'refund_amount', format('order (%s, %s)', o.company_id, o.order_id),
       format('refunds of %s, paid ahead %s, collected %s', r.amount, o.paid_amount, c.collected)
  FROM (SELECT company_id, order_id, sum(amount) AS amount FROM oms.refund WHERE status <> 'void' AND NOT netted GROUP BY 1, 2) r
  JOIN oms."order" o USING (company_id, order_id)
 CROSS JOIN LATERAL (SELECT coalesce(sum(s.cod_amount), 0) AS collected FROM oms.shipment s
                      WHERE s.company_id = o.company_id AND s.order_id = o.order_id
                        AND s.direction = 'forward' AND s.delivered_at IS NOT NULL) c
 WHERE r.amount > o.paid_amount + c.collected
-- shipments
UNION ALL
SELECT 'shipment_awb', format('AWB %s of courier %s', s.awb, v.courier_id),
       format('on live shipments %s', string_agg(format('(%s, %s)', s.company_id, s.shipment_id), ', ' ORDER BY s.company_id, s.shipment_id))
  FROM oms.shipment s JOIN oms.courier_service v USING (courier_service_id)
 WHERE s.awb IS NOT NULL
   AND s.state <> ALL ('{DELIVERED,RTO_DELIVERED,RTO_DISPOSED,LOST,DAMAGED,CANCELLED}')
 GROUP BY v.courier_id, s.awb HAVING count(*) > 1
-- tax documents
UNION ALL
SELECT 'invoice_series', format('invoice_series (%s, %s, %s, %s, %s)', company_id, gstin, kind, series, fin_year),
       format('it stands at %s from %s on, %s numbers were taken, %s to %s', coalesce(s.next_no::text, 'none taken'), coalesce(s.first_no::text, 'nowhere'), coalesce(n.taken, 0), n.lowest, n.highest)
  FROM oms.invoice_series s
  FULL JOIN (SELECT company_id, gstin, kind, series, fin_year, count(*) AS taken, min(no) AS lowest, max(no) AS highest
               FROM oms.invoice_number GROUP BY 1, 2, 3, 4, 5) n USING (company_id, gstin, kind, series, fin_year)
 WHERE s.first_no IS NULL OR coalesce(n.taken, 0) <> coalesce(s.next_no, s.first_no) - s.first_no
    OR (n.taken > 0 AND (n.lowest <> s.first_no OR n.highest <> s.next_no - 1))
UNION ALL
SELECT 'invoice_number', format('invoice (%s, %s)', i.company_id, i.invoice_id), format('its number %s is %s', i.number, coalesce('no. of the series ' || n.number, 'none of the series'))
  FROM oms.invoice i LEFT JOIN oms.invoice_number n USING (company_id, gstin, kind, series, fin_year, no)
 WHERE n.number IS DISTINCT FROM i.number
UNION ALL
SELECT 'invoice_amount', format('invoice (%s, %s)', i.company_id, i.invoice_id),
       format('taxable %s, CGST %s, SGST %s, IGST %s; its lines %s, %s, %s, %s', i.taxable, i.cgst, i.sgst, i.igst, l.taxable, l.cgst, l.sgst, l.igst)
  FROM oms.invoice i
  LEFT JOIN (SELECT company_id, invoice_id, sum(taxable) AS taxable, sum(cgst) AS cgst, sum(sgst) AS sgst, sum(igst) AS igst FROM oms.invoice_line GROUP BY 1, 2) l USING (company_id, invoice_id)
 WHERE (i.taxable, i.cgst, i.sgst, i.igst) IS DISTINCT FROM (l.taxable, l.cgst, l.sgst, l.igst)
UNION ALL
SELECT 'invoice_credited', format('invoice (%s, %s)', l.company_id, l.invoice_id), format('line %s: %s of %s credited, %s of %s', l.line_no, c.qty, l.qty, c.amount, l.taxable + l.cgst + l.sgst + l.igst)
  FROM oms.invoice_line l
  JOIN (SELECT i.company_id, i.original_id AS invoice_id, x.original_line_no AS line_no, sum(x.qty) AS qty, sum(x.taxable + x.cgst + x.sgst + x.igst) AS amount
          FROM oms.invoice i JOIN oms.invoice_line x USING (company_id, invoice_id)
         WHERE i.status = 'issued' AND i.original_id IS NOT NULL GROUP BY 1, 2, 3) c USING (company_id, invoice_id, line_no)
 WHERE c.qty > l.qty OR c.amount > l.taxable + l.cgst + l.sgst + l.igst
-- rows that name what is not there; none of these has a foreign key
UNION ALL
SELECT 'wave_state', format('wave (%s, %s)', w.company_id, w.wave_id), format('it is done with %s orders that are open', count(*))
  FROM oms.wave w JOIN oms.wave_order o USING (company_id, wave_id)
 WHERE w.state = 'done' AND o.state = 'open' GROUP BY w.company_id, w.wave_id
UNION ALL
SELECT 'orphan', what, 'names ' || missing || ', which does not exist'
  FROM (
    SELECT format('order_line (%s, %s, %s)', c.company_id, c.order_id, c.line_no), format('order %s', c.order_id)
      FROM oms.order_line c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('order_line (%s, %s, %s)', c.company_id, c.order_id, c.line_no), format('item %s', c.sku_id)
      FROM oms.order_line c WHERE NOT EXISTS (SELECT FROM oms.sku p WHERE p.company_id = c.company_id AND p.sku_id = c.sku_id)
    UNION ALL
    SELECT format('order_charge (%s, %s, %s)', c.company_id, c.order_id, c.charge_no), format('order %s', c.order_id)
      FROM oms.order_charge c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('order_hold (%s, %s, %s)', c.company_id, c.order_id, c.hold), format('order %s', c.order_id)
      FROM oms.order_hold c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('decision_run (%s, %s, %s)', c.company_id, c.order_id, c.run), format('order %s', c.order_id)
      FROM oms.decision_run c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('line_cancellation (%s, %s, %s)', c.company_id, c.order_id, c.request_id), format('line %s of order %s', c.line_no, c.order_id)
      FROM oms.line_cancellation c WHERE NOT EXISTS (SELECT FROM oms.order_line p WHERE p.company_id = c.company_id AND p.order_id = c.order_id AND p.line_no = c.line_no)
    UNION ALL
    SELECT format('line_change (%s, %s, %s)', c.company_id, c.order_id, c.request_id), format('order %s', c.order_id)
      FROM oms.line_change c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('parking (%s, %s)', c.company_id, c.order_id), format('order %s', c.order_id)
      FROM oms.parking c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('allocation_rejection (%s, %s)', c.company_id, c.allocation_id), format('line %s of order %s', c.line_no, c.order_id)
      FROM oms.allocation_rejection c WHERE NOT EXISTS (SELECT FROM oms.order_line p WHERE p.company_id = c.company_id AND p.order_id = c.order_id AND p.line_no = c.line_no)
    UNION ALL
    SELECT format('wave_order (%s, %s, %s)', c.company_id, c.wave_id, c.order_id), format('order %s', c.order_id)
      FROM oms.wave_order c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('risk_score (%s, %s)', c.company_id, c.order_id), format('order %s', c.order_id)
      FROM oms.risk_score c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('order (%s, %s)', c.company_id, c.order_id), format('channel %s', c.channel_id)
      FROM oms."order" c WHERE NOT EXISTS (SELECT FROM oms.channel p WHERE p.company_id = c.company_id AND p.channel_id = c.channel_id)
    UNION ALL
    SELECT format('order (%s, %s)', c.company_id, c.order_id), format('customer %s', c.customer_id)
      FROM oms."order" c WHERE c.customer_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.customer p WHERE p.company_id = c.company_id AND p.customer_id = c.customer_id)
    UNION ALL
    SELECT format('customer %s', c.customer_id), format('company %s', c.company_id)
      FROM oms.customer c WHERE NOT EXISTS (SELECT FROM oms.company p WHERE p.company_id = c.company_id)
    UNION ALL
    SELECT format('allocation (%s, %s)', c.company_id, c.allocation_id), format('line %s of order %s', c.line_no, c.order_id)
      FROM oms.allocation c WHERE NOT EXISTS (SELECT FROM oms.order_line p WHERE p.company_id = c.company_id AND p.order_id = c.order_id AND p.line_no = c.line_no)
    UNION ALL
    SELECT format('allocation (%s, %s)', c.company_id, c.allocation_id), format('node %s', c.node_id)
      FROM oms.allocation c WHERE c.node_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.node p WHERE p.company_id = c.company_id AND p.node_id = c.node_id)
    UNION ALL
    SELECT format('shipment (%s, %s)', c.company_id, c.shipment_id), format('order %s', c.order_id)
      FROM oms.shipment c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('shipment (%s, %s)', c.company_id, c.shipment_id), format('node %s', c.node_id)
      FROM oms.shipment c WHERE NOT EXISTS (SELECT FROM oms.node p WHERE p.company_id = c.company_id AND p.node_id = c.node_id)
    UNION ALL
    SELECT format('shipment (%s, %s)', c.company_id, c.shipment_id), format('courier service %s', c.courier_service_id)
      FROM oms.shipment c WHERE c.courier_service_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.courier_service p WHERE p.courier_service_id = c.courier_service_id)
    UNION ALL
    SELECT format('awb_pool (%s, %s)', c.courier_id, c.awb), format('shipment %s', c.shipment_id)
      FROM oms.awb_pool c WHERE c.shipment_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.shipment p WHERE p.shipment_id = c.shipment_id)
    UNION ALL
    SELECT format('scan (%s, %s)', c.company_id, c.scan_id), format('shipment %s', c.shipment_id)
      FROM oms.scan c WHERE NOT EXISTS (SELECT FROM oms.shipment p WHERE p.company_id = c.company_id AND p.shipment_id = c.shipment_id)
    UNION ALL
    SELECT format('ndr (%s, %s)', c.company_id, c.ndr_id), format('shipment %s', c.shipment_id)
      FROM oms.ndr c WHERE NOT EXISTS (SELECT FROM oms.shipment p WHERE p.company_id = c.company_id AND p.shipment_id = c.shipment_id)
    UNION ALL
    SELECT format('return_order (%s, %s)', c.company_id, c.return_id), format('order %s', c.order_id)
      FROM oms.return_order c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('return_line (%s, %s, %s)', c.company_id, c.return_id, c.allocation_id), format('return %s', c.return_id)
      FROM oms.return_line c WHERE NOT EXISTS (SELECT FROM oms.return_order p WHERE p.company_id = c.company_id AND p.return_id = c.return_id)
    UNION ALL
    SELECT format('return_line (%s, %s, %s)', c.company_id, c.return_id, c.allocation_id), format('allocation %s', c.allocation_id)
      FROM oms.return_line c WHERE NOT EXISTS (SELECT FROM oms.allocation p WHERE p.company_id = c.company_id AND p.allocation_id = c.allocation_id)
    UNION ALL
    SELECT format('refund (%s, %s)', c.company_id, c.refund_id), format('order %s', c.order_id)
      FROM oms.refund c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('stock (%s, %s, %s)', c.company_id, c.node_id, c.sku_id), format('node %s', c.node_id)
      FROM oms.stock c WHERE NOT EXISTS (SELECT FROM oms.node p WHERE p.company_id = c.company_id AND p.node_id = c.node_id)
    UNION ALL
    SELECT format('stock (%s, %s, %s)', c.company_id, c.node_id, c.sku_id), format('item %s', c.sku_id)
      FROM oms.stock c WHERE NOT EXISTS (SELECT FROM oms.sku p WHERE p.company_id = c.company_id AND p.sku_id = c.sku_id)
    UNION ALL
    SELECT format('erp_call (%s, %s)', c.company_id, c.call_id), format('reservation %s', c.reservation_id)
      FROM oms.erp_call c WHERE c.reservation_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.reservation p WHERE p.company_id = c.company_id AND p.reservation_id = c.reservation_id)
    UNION ALL
    SELECT format('invoice (%s, %s)', c.company_id, c.invoice_id), format('order %s', c.order_id)
      FROM oms.invoice c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('invoice_line (%s, %s, %s)', c.company_id, c.invoice_id, c.line_no), format('invoice %s', c.invoice_id)
      FROM oms.invoice_line c WHERE NOT EXISTS (SELECT FROM oms.invoice p WHERE p.company_id = c.company_id AND p.invoice_id = c.invoice_id)
    UNION ALL
    SELECT format('einvoice (%s, %s)', c.company_id, c.invoice_id), format('invoice %s', c.invoice_id)
      FROM oms.einvoice c WHERE NOT EXISTS (SELECT FROM oms.invoice p WHERE p.company_id = c.company_id AND p.invoice_id = c.invoice_id)
    UNION ALL
    SELECT format('eway_bill (%s, %s)', c.company_id, c.ewb_no), format('invoice %s', c.invoice_id)
      FROM oms.eway_bill c WHERE NOT EXISTS (SELECT FROM oms.invoice p WHERE p.company_id = c.company_id AND p.invoice_id = c.invoice_id)
    UNION ALL
    SELECT format('erp_call (%s, %s)', c.company_id, c.call_id), format('erp_document %s', c.document_id)
      FROM oms.erp_call c WHERE c.document_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM oms.erp_document p WHERE p.company_id = c.company_id AND p.document_id = c.document_id)
    UNION ALL
    SELECT format('erp_document (%s, %s)', c.company_id, c.document_id), format('order %s', c.order_id)
      FROM oms.erp_document c WHERE NOT EXISTS (SELECT FROM oms."order" p WHERE p.company_id = c.company_id AND p.order_id = c.order_id)
    UNION ALL
    SELECT format('erp_document_line (%s, %s)', c.company_id, c.document_id), format('erp_document %s', c.document_id)
      FROM oms.erp_document_line c WHERE NOT EXISTS (SELECT FROM oms.erp_document p WHERE p.company_id = c.company_id AND p.document_id = c.document_id)
  ) AS orphans (what, missing)
ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION oms.verify() IS
    'One row for every invariant that does not hold, none when all is sound: accepted_order, stock_reserved, stock_oversold, stock_ledger, quota_used, stock_terms, supply_pegged, supply_received, stock_lots, lot_assigned, stock_shortfall, reservation_leaving, reservation_owner, allocation_reserved, allocation_shipment, allocation_tax, slot_used, slot_use, line_quantity, line_money, order_money, order_status, refund_amount, shipment_awb, wave_state, invoice_series, invoice_number, invoice_amount, invoice_credited, orphan (doc/report.md says what each means). Reads every row of the tables concerned, in one snapshot.';
