-- The item with most stock left, and who would ship it to Pune.
create table demo_pick as
select k.sku_id, k.code as sku from oms.stock s join oms.sku k using (sku_id) join oms.node n using (node_id)
 where n.kind = 'warehouse' and s.on_hand = trunc(s.on_hand) and k.uom = 'NOS' order by s.on_hand - s.reserved desc, k.code limit 1;
select sku from demo_pick \gset
\echo 'Before: one unit of' :sku 'to Pune, as oms.promise() answers:'
select p->>'complete' as complete, p->'available'->0->>'available' as available, p->'plan'->0->>'node' as node, p->>'promised_at' as promised_at
  from oms.promise(format('{"channel": "WEB", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 1}]}', :'sku')::jsonb) p;
