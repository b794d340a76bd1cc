\echo 'The ERP''s stock follows, booked by Tryton''s own objects from its own queue (the rest waits there for a trytond-worker):'
select kind, count(*) filter (where state = 'done') as booked, count(*) filter (where state in ('pending', 'sent')) as waiting,
       count(*) filter (where state = 'failed') as failed
  from oms.erp_call group by kind order by kind;
