-- The item with most stock left, and who would ship it to Pune.
select k.code as sku, s.on_hand from oms.stock s join oms.sku k using (sku_id) join oms.node n using (node_id)
 where n.kind = 'warehouse' and s.on_hand = trunc(s.on_hand) order by s.on_hand - s.reserved desc, k.code limit 1 \gset
\echo 'Before: one unit of' :sku 'to Pune, as oms.promise() answers:'
select p->>'complete' as complete, p->'available'->0->>'available' as available, p->'plan'->0->>'node' as node, p->>'promised_at' as promised_at
  from oms.promise(format('{"channel": "WEB", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 1}]}', :'sku')::jsonb) p;
\echo 'Now the ERP sells it out: its own program books movements to zero in every warehouse, in its own transaction.'
select count(erp_count(i.item_code, w.code, 0)) from item i join stock_level l on l.item_id = i.item_id join warehouse w on w.warehouse_id = l.warehouse_id
 where upper(i.item_code) = :'sku' and l.qty_on_hand <> 0 \g /dev/null
\echo 'The very next promise knows:'
select p->>'complete' as complete, p->'available'->0->>'available' as available, p->'plan'->0->>'status' as status
  from oms.promise(format('{"channel": "WEB", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 1}]}', :'sku')::jsonb) p;
select count(*) from oms.run_jobs('erp_apply') \g /dev/null
\echo 'And the alert is there (oms.event):'
select e.type, k.code as sku, n.code as node, e.payload->>'available' as available
  from oms.event e join oms.sku k on k.sku_id = e.subject_id join oms.node n on n.node_id = (e.payload->>'node_id')::integer
 where e.topic = 'stock' and e.type = 'stock.out' and k.code = :'sku' order by n.code limit 5;
