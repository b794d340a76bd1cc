\echo 'A shop sends orders in its own form; rows of jsonpath read it (doc/intake.md). Here as Shopify does:'
select a->>'status' as status, a->>'total' as total, a#>>'{plan,0,node}' as node, a#>>'{intake,map}' as map, a#>>'{intake,unknown}' as unknown
  from (select s.code, p.amount from oms.sku s join oms.price p using (sku_id) join oms.stock t using (sku_id)
         where s.active and s.tracked and t.sellable and t.on_hand - t.reserved - t.safety > 5 and p.amount > 0 order by t.on_hand - t.reserved desc, s.code limit 1) k,
       oms.capture_from('WEB', jsonb_build_object('id', 5820001, 'name', '#1001', 'currency', 'INR', 'financial_status', 'pending', 'taxes_included', true,
           'payment_gateway_names', jsonb_build_array('Cash on Delivery (COD)'), 'gift_message', 'With love',
           'shipping_address', jsonb_build_object('name', 'Asha Rao', 'address1', '14, Temple Street', 'city', 'Pune', 'province_code', 'MH', 'zip', '411001', 'country_code', 'IN', 'phone', '+91 98450 12345'),
           'line_items', jsonb_build_array(jsonb_build_object('sku', k.code, 'quantity', 2, 'price', k.amount,
               'discount_allocations', jsonb_build_array(jsonb_build_object('amount', '10.00')))))) a;
\echo
\echo 'And is told what it may sell, where that changed:'
insert into oms.channel_stock_rule (company_id, channel_id, buffer_pct) select company_id, channel_id, 5 from oms.channel where code = 'WEB' limit 1;
select version, sku, qty, price from oms.channel_feed('WEB', 0, 3);
