select count(*) as violations from oms.verify() \gset
select count(*) as drift from oms.erp_verify() \gset
\echo 'oms.verify(): ' :violations 'violated invariants. oms.erp_verify(): ' :drift 'rows differ between the ERP and its mirror.'
table oms.erp_lag;
