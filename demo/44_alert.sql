\echo 'The worker has taken it in by now, and the alerts are there (oms.event); below zero is what orders hold beyond the new count:'
select e.type, k.sku, n.code as node, e.payload->>'available' as available
  from oms.event e join demo_pick k on k.sku_id = e.subject_id join oms.node n on n.node_id = (e.payload->>'node_id')::integer
 where e.topic = 'stock' and e.type = 'stock.out' order by n.code limit 5;
