\echo 'Everything a BI tool needs is in schema oms_bi: a star of plain views. Some of the ten questions:'
\echo '- how much of what was ordered could be promised from stock?'
table oms_bi.fill_rate;
