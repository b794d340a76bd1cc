\echo 'Untouched by hand, the worker closed the cart''s hold and filled backorders from what came in:'
select cart_id, qty, state, close_reason from oms.reservation where cart_id = 'demo-cart';
select w.sku, w.units as waited_for, coalesce(sum(a.qty) filter (where a.status = 'backordered'), 0) as still_waiting,
       (select count(distinct e.subject_id) from oms.event e join oms.allocation f on f.order_id = e.subject_id and f.sku_id = w.sku_id
         where e.type = 'order.backorder_filled') as orders_filled
  from demo_wait w left join oms.allocation a using (sku_id) group by w.sku, w.units, w.sku_id;
