\echo 'The ERP''s stock follows: its own ledger has our bookings, made by the worker through the ERP''s own door:'
select reason, count(*) as movements, sum(qty) as units from stock_movement where document ~ '^(shipment|order|return) ' group by reason order by reason;
