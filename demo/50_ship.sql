-- The buyers asked to confirm answer: four of five do. The rest wait for a person.
select count(oms.lift_hold(order_id, 'COD_CONFIRM', 'buyer')) as confirmed from oms.order_hold
 where hold = 'COD_CONFIRM' and resolved_at is null and order_id % 5 <> 0 \gset
select count(oms.release_order(order_id)) as released from oms."order" where status in ('reserved', 'part_reserved') and fulfilment_mode = 'SHIP' \gset
\echo :confirmed 'buyers confirmed their COD order;' :released 'orders released to the nodes. Packing, AWB numbers and hand-over, parcel by parcel:'
create temp table gone as
select d.* from (select max(o.placed_at + case when n.hyperlocal then n.pick_minutes * interval '1 minute' else '0' end) as at, array_agg(distinct a.shipment_id) as ids
                   from oms.allocation a join oms."order" o using (company_id, order_id) join oms.node n using (node_id)
                  where a.status = 'released' and a.shipment_id is not null
                  group by o.placed_at::date, case when n.hyperlocal then a.shipment_id end) s, -- riders come for each, trucks once a day
       lateral oms.dispatch_shipments(s.ids, at => s.at) d;
select c.code as courier, v.code as service, count(*) as parcels, min(s.awb) as first_awb,
       round(avg(s.charge_g)) as mean_charged_g, round(avg(s.freight), 2) as mean_freight, sum(s.cod_amount) as to_collect
  from gone g join oms.shipment s using (shipment_id) join oms.courier_service v using (courier_service_id) join oms.courier c using (courier_id)
 where g.ok group by 1, 2 order by 1, 2;
select count(*) as stuck from gone where not ok \gset
select string_agg(distinct error, '; ') as stuck_why from gone where not ok \gset

-- What the couriers will report: fate drawn from the order's own risk by a hash of the AWB number.
create temp table way as
select s.shipment_id, s.awb, c.code as courier, t.shipped_at, t.attempt_at,
       case when u < p * 0.8 then 'rto' when u < p * 0.8 + 0.12 then 'second' else 'first' end as fate,
       (array['EOD-11', 'EOD-74', 'EOD-6'])[1 + s.shipment_id % 3] as reason
  from gone g join oms.shipment s using (shipment_id) join oms.courier_service v using (courier_service_id) join oms.courier c using (courier_id)
  join oms."order" o on o.company_id = s.company_id and o.order_id = s.order_id
  left join oms.risk_score r on r.company_id = s.company_id and r.order_id = s.order_id,
  lateral (select ('x' || substr(md5(s.awb), 1, 6))::bit(24)::integer / 16777216.0 as u,
                  case o.payment_mode when 'COD' then coalesce(r.probability, 0.2) else 0.02 end as p) x,
  lateral (select s.shipped_at, greatest(s.promised_at - case v.mode when 'hyperlocal' then interval '2 minutes' else interval '5 hours' end, s.shipped_at + interval '4 minutes')
                  + case when s.shipment_id % 9 > 0 then interval '0' when v.mode = 'hyperlocal' then interval '15 minutes' else interval '1 day' end as attempt_at) t
 where g.ok;
create temp table code (courier text, what text, code text);
insert into code values ('DELHIVERY', 'transit', 'UD:In Transit'), ('DELHIVERY', 'out', 'UD:Dispatched'), ('DELHIVERY', 'done', 'DL:Delivered'),
    ('DELHIVERY', 'rto', 'RT:In Transit'), ('DELHIVERY', 'back', 'DL:RTO'),
    ('SHADOWFAX', 'transit', 'recd_at_fwd_hub'), ('SHADOWFAX', 'out', 'ofd'), ('SHADOWFAX', 'done', 'delivered'), ('SHADOWFAX', 'fail', 'nc'),
    ('SHADOWFAX', 'rto', 'rts'), ('SHADOWFAX', 'back', 'rts_d');
create temp view scan_doc as
select w.shipment_id, x.phase, jsonb_build_object('courier', w.courier, 'awb', w.awb, 'scanned_at', x.at,
       'code', case when x.what = 'fail' and w.courier = 'DELHIVERY' then w.reason else c.code end)::text as doc
  from way w cross join lateral (values
       (1, 'transit', w.shipped_at + least(interval '10 minutes', (w.attempt_at - w.shipped_at) / 4), true),
       (1, 'out', w.attempt_at - least(interval '10 minutes', (w.attempt_at - w.shipped_at) / 4), true),
       (1, 'done', w.attempt_at, w.fate = 'first'), (1, 'fail', w.attempt_at, w.fate <> 'first'),
       (2, 'out', w.attempt_at + interval '20 hours', w.fate <> 'first'), (2, 'done', w.attempt_at + interval '1 day', w.fate = 'second'),
       (2, 'fail', w.attempt_at + interval '1 day', w.fate = 'rto'),
       (2, 'fail', w.attempt_at + interval '2 days', w.fate = 'rto'), (2, 'rto', w.attempt_at + interval '3 days', w.fate = 'rto'),
       (2, 'back', w.attempt_at + interval '6 days', w.fate = 'rto')) as x (phase, what, at, holds)
  left join code c on c.courier = w.courier and c.what = x.what
 where x.holds;

select count(*) as scans, count(*) filter (where not ok) as bad from oms.record_scans(
    (select array_agg(doc order by md5(doc)) from (select doc from scan_doc where phase = 1 union all select doc from scan_doc where phase = 1 and shipment_id % 10 = 0) d)) \gset
\echo :scans 'courier scans taken, shuffled and a tenth of them twice;' :bad 'refused. Failed first attempts, as the desk sees them (oms.ndr_open):'
select shipment_id, courier, attempt, reason, fault, actions from oms.ndr_open(at => (select min(failed_at) from oms.ndr)) order by shipment_id limit 4;
select count(oms.ndr_action(n.shipment_id, 'RE_ATTEMPT', at => n.failed_at + interval '2 hours')) as asked from oms.ndr n where n.outcome is null \gset
select count(*) as scans from oms.record_scans((select array_agg(doc order by md5(doc)) from scan_doc where phase = 2)) \gset
\echo :asked 're-attempts asked for;' :scans 'more scans. Where every parcel is now:'
select state, count(*) as parcels, sum(attempts) as failed_attempts from oms.shipment where shipped_at is not null group by state order by 2 desc;

\echo 'A buyer sends one item back (oms.create_return: checked against the order, reverse courier chosen, AWB and label made):'
select o.order_id as ret_order, a.line_no as ret_line, s.delivered_at as ret_at
  from oms.shipment s join oms."order" o using (company_id, order_id) join oms.allocation a on a.shipment_id = s.shipment_id and a.status = 'delivered'
  join oms.sku k on k.sku_id = a.sku_id and k.returnable
 where s.state = 'DELIVERED' and s.direction = 'forward' and o.payment_mode = 'PREPAID' and a.qty >= 1
   and exists (select from oms.serviceability v join oms.courier_service c using (courier_service_id)
                where v.pincode = o.ship_pincode and v.reverse and c.reverse and c.mode <> 'hyperlocal')
 order by s.delivered_at desc, o.order_id limit 1 \gset
select oms.create_return(jsonb_build_object('order_id', :ret_order, 'return_ref', 'R-1', 'reason', 'SIZE',
           'lines', jsonb_build_array(jsonb_build_object('line_no', :ret_line, 'qty', 1))), at => :'ret_at'::timestamptz + interval '1 day') as answer \gset
select r->>'return_id' as return_id, r->>'status' as status, r->>'node' as to_node, r->>'courier' as courier, r->>'awb' as awb from (select :'answer'::jsonb as r) x;
select oms.receive_return((:'answer'::jsonb->>'return_id')::bigint) as received \gset
\echo 'Received and inspected: back to stock, money due. Parcels that came back undelivered are taken in the same way:'
select count(oms.receive_return(return_id)) as rto_received from oms.return_order where kind = 'RTO' and status in ('picked_up', 'received') \gset
select r.kind, count(*) as returns, sum(l.restocked_qty) as units_restocked,
       (select coalesce(sum(f.amount), 0) from oms.refund f join oms.return_order q using (company_id, return_id) where q.kind = r.kind and f.status = 'due') as refund_due
  from oms.return_order r join oms.return_line l using (company_id, return_id) group by r.kind order by r.kind;
