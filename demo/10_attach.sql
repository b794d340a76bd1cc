create extension pg_oms cascade;
\echo 'oms.attach_erp(): items, warehouses, stock, prices, taxes and customers come in by declared queries;'
\echo 'from now on every change is appended inside the ERP''s own transaction.'
select * from oms.attach_erp(:'erp');
