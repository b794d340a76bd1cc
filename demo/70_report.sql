\echo 'Everything a BI tool needs is in schema oms_bi: a star of plain views, and one view for each of ten questions.'
\echo '1, 2, 10. What each channel brings; how much of it could be supplied from stock; how many orders needed two nodes:'
select c.channel_name as channel, sum(f.orders) as orders, round(100 * m.amount_share, 1) as "% of amount",
       round(100 * sum(f.units_filled) / sum(f.units), 1) as "fill rate %", round(100 * sum(f.orders_filled) / sum(f.orders), 1) as "orders filled %",
       s.split as "split %"
  from oms_bi.fill_rate f join oms_bi.dim_channel c using (channel_id)
  join (select channel_id, sum(amount) / sum(sum(amount)) over () as amount_share from oms_bi.channel_mix group by channel_id) m using (channel_id)
  join (select channel_id, round(100.0 * sum(orders_split) / sum(orders), 1) as split from oms_bi.split_rate group by channel_id) s using (channel_id)
 group by c.channel_name, m.amount_share, s.split order by orders desc;
\echo '3. Do couriers deliver when we said, and 8. what becomes of parcels that failed at the first attempt?'
select d.service_code as service, sum(p.due) as due, round(100.0 * sum(p.kept) / sum(p.due), 1) as "kept %", sum(p.late) as late, sum(p.missed) as missed,
       n.parcels as failed_first, n.recovery as "recovered %"
  from oms_bi.promise_kept p join oms_bi.dim_courier d using (courier_service_id)
  left join (select courier_service_id, sum(parcels) as parcels, round(100.0 * sum(recovered) / nullif(sum(recovered + lost), 0), 1) as recovery
               from oms_bi.ndr_recovery group by 1) n using (courier_service_id)
 group by d.service_code, n.parcels, n.recovery order by d.service_code;
\echo '4. Where and with whom do parcels come back? The worst pairs of pincode and service with three parcels or more:'
select r.pincode, i.district, i.state_name as state, d.service_code as service, r.resolved as parcels, r.rto, round(100 * r.rto_rate) as "rto %"
  from oms_bi.rto_by_pincode_courier r join oms_bi.dim_courier d using (courier_service_id) left join oms_bi.dim_pincode i using (pincode)
 where r.resolved >= 3 and r.rto > 0 order by r.rto_rate desc, r.resolved desc, r.pincode limit 5;
\echo '5. How much is cash on delivery, how risky, was the model right about those whose fate is known?'
\echo '6. What does freight cost for one order delivered, failures included?'
select c.channel_name as channel, round(100.0 * sum(k.cod_orders) / sum(k.orders), 1) as "cod %", round(sum(k.expected_rto)::numeric, 1) as expected_rto,
       sum(k.resolved) as resolved, round(sum(k.expected_rto_resolved)::numeric, 1) as expected, sum(k.rto) as came_back,
       sum(k.asked_to_confirm) as to_confirm, sum(k.refused_cod) as refused_cod, f.freight as freight
  from oms_bi.cod_share_and_risk k join oms_bi.dim_channel c using (channel_id)
  left join (select channel_id, round(sum(freight_amount) / nullif(sum(orders_delivered), 0), 2) as freight from oms_bi.freight_per_delivered_order group by 1) f using (channel_id)
 group by c.channel_name, f.freight order by c.channel_name;
\echo '7. What has run out, since when, and who waits for it? The items most waited for:'
select k.sku_code as sku, count(*) as nodes_without, min(o.out_since)::timestamp(0) as first_out, max(o.units_backordered) as units_backordered
  from oms_bi.stock_outs o join oms_bi.dim_sku k using (sku_id) where o.units_backordered > 0
 group by k.sku_code order by units_backordered desc, k.sku_code limit 5;
\echo '9. Where is the demand? The busiest hexagons of 10 km, by their centre:'
select cell_id, round(latitude::numeric, 3) as latitude, round(longitude::numeric, 3) as longitude, orders, cod_orders, rto_orders, amount
  from oms_bi.demand_by_cell order by orders desc, cell_id limit 5;
