\echo 'One background worker a database (preloaded here; oms.start_worker() elsewhere). Its jobs are rows:'
select pid is not null as running, supervised, jobs, failing from oms.worker_status();
select name, every, last_run is not null as has_run, last_result, last_error from oms.job order by name;
select k.code as sku, n.code as node from oms.stock s join oms.sku k using (sku_id) join oms.node n using (node_id)
 where n.kind = 'warehouse' and s.on_hand - s.reserved > 5 order by s.on_hand desc, k.code limit 1 \gset
\echo 'A cart holds two units for two seconds; a minute-long hold would do as well, but you are waiting:'
update oms.channel set cart_ttl = '2 seconds' where code = 'WEB';
select oms.reserve_cart(format('{"channel": "WEB", "cart_id": "demo-cart", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 2}]}', :'sku')::jsonb)->>'expires_at' as held_until;
update oms.channel set cart_ttl = '15 minutes' where code = 'WEB';
