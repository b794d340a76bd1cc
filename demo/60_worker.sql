\echo 'One background worker a database (preloaded here; oms.start_worker() elsewhere). Its jobs are rows:'
select pid is not null as running, supervised, jobs, failing from oms.worker_status();
select name, every, last_run is not null as has_run, last_result, last_error from oms.job order by name;
select k.code as sku from oms.stock s join oms.sku k using (sku_id) join oms.node n using (node_id)
 where n.kind = 'warehouse' and k.uom = 'NOS' and s.on_hand - s.reserved > 5 order by s.on_hand desc, k.code limit 1 \gset
\echo 'A cart holds two units of' :sku 'for two seconds (normally channel.cart_ttl, 15 minutes):'
update oms.channel set cart_ttl = '2 seconds' where code = 'WEB';
select to_char((oms.reserve_cart(format('{"channel": "WEB", "cart_id": "demo-cart", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 2}]}', :'sku')::jsonb)->>'expires_at')::timestamptz, 'HH24:MI:SS') as held_until;
update oms.channel set cart_ttl = '15 minutes' where code = 'WEB';
-- the item most waited for
create table demo_wait as
select k.sku_id, k.code as sku, sum(a.qty) as units, count(distinct a.order_id) as orders
  from oms.allocation a join oms.sku k using (sku_id) where a.status = 'backordered' and k.uom = 'NOS'
   and not exists (select from demo_pick p where p.sku_id = k.sku_id)
 group by k.sku_id, k.code order by sum(a.qty) desc, k.code limit 1;
select sku as wait_sku, orders as wait_orders, units::integer as wait_units from demo_wait \gset
\echo :wait_orders 'orders wait for' :wait_units 'units of' :wait_sku'. The ERP books in a delivery of 40 at its Mumbai warehouse.'
