select sku from demo_pick \gset
\echo 'The very next promise knows:'
select p->>'complete' as complete, p->'available'->0->>'available' as available, p->'plan'->0->>'status' as status
  from oms.promise(format('{"channel": "WEB", "ship_to": {"pincode": "411001"}, "lines": [{"sku": "%s", "qty": 1}]}', :'sku')::jsonb) p;
