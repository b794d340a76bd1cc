select count(*) as violations from oms.verify() \gset
select count(*) as drift from oms.erp_verify() \gset
\echo 'oms.verify():' :violations 'violated invariants. oms.erp_verify():' :drift 'differences between the ERP and its mirror, recounted in full.'
\echo 'What is pending (oms.erp_lag):'
select relation, pending, state from oms.erp_lag() order by relation;
