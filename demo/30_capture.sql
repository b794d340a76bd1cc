\echo 'What became of the 2,500 documents (duplicates changed nothing, malformed ones are kept in oms.reject):'
select 'orders captured' as what, count(*) from oms."order"
union all select 'documents refused', count(*) from oms.reject
union all select 'duplicates in the stream', (select count(*) from demo_stream) - count(*) from (select from oms."order" union all select from oms.reject) x;
\echo 'By channel: what was promised from stock, what waits, what a person or the buyer must settle first:'
select c.code as channel, count(*) as orders, count(*) filter (where o.payment_mode = 'COD') as cod,
       count(*) filter (where o.status in ('reserved', 'delivered')) as ready,
       count(*) filter (where o.status = 'on_hold') as on_hold,
       count(*) filter (where o.status in ('backordered', 'part_reserved')) as waiting,
       sum(o.total_amount) as value_inr, sum(o.tax_amount) as gst_inr
  from oms."order" o join oms.channel c using (channel_id) group by c.code order by c.code;
\echo 'Why documents were refused:'
select sqlstate, message, count(*) from oms.reject group by 1, 2 order by 3 desc, 1, 2 limit 12;
\echo 'GST by place of supply: the same goods, taxed by where they go from and to:'
select case when igst > 0 then 'inter-state: IGST' else 'intra-state: CGST + SGST' end as supply, count(*) as allocations,
       sum(taxable) as taxable, sum(cgst) as cgst, sum(sgst) as sgst, sum(igst) as igst
  from oms.allocation where taxable > 0 group by 1 order by 1;
select order_id as shown from oms."order" o where payment_mode = 'COD' and exists
    (select from oms.decision d where d.order_id = o.order_id and d.subject = 'courier' and d.outcome = 'ranked')
   and exists (select from oms.decision d where d.order_id = o.order_id and d.reason = 'NOT_BEST') order by order_id limit 1 \gset
\echo 'Why order' :shown 'goes as it goes (oms.explain_order): every node, plan and courier, chosen, ranked or refused'
\echo '(nodes whose circle does not reach the buyer are left out here; the risk is a probability):'
select subject, what, outcome, rank, cost, reason, meaning from oms.explain_order(:shown)
 where reason is distinct from 'OUT_OF_AREA' order by run, seq;
\echo 'COD risk, a documented starting model: share of COD orders by action, mean probability of return:'
select action, count(*) as orders, round(avg(probability)::numeric, 3) as mean_probability, mode() within group (order by c.text) as commonest_reason
  from oms.risk_score r join oms."order" o using (company_id, order_id) left join oms.reason_code c on c.code = r.reasons[1]
 where o.payment_mode = 'COD' group by 1 order by 3;
