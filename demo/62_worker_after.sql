\echo 'The worker closed it:'
select cart_id, qty, state, close_reason from oms.reservation where cart_id = 'demo-cart';
\echo 'And it filled backorders from what came back or came in:'
select (select count(*) from oms.event where type = 'order.backorder_filled') as orders_filled_so_far,
       (select count(*) from oms.allocation where status = 'backordered') as allocations_still_waiting;
