\echo 'The ERP''s stock follows: its own ledger has our bookings, and its counts are ours (oms.erp_verify finds no drift):'
select reason, count(*) as movements, sum(qty) as units from stock_movement where document ~ '^(shipment|order|return) ' group by reason order by reason;
