-- The warehouses are the ERP's; where they stand and whom they serve is ours.
create temp table site (code text, name text, city text, pincode text, state text, state_code text, gstin text,
    lat float8, lng float8);
\copy site from 'demo/data/warehouses.csv' csv header
create temp table shop (code text, name text, kind text, city text, pincode text, state text, state_code text,
    gstin text, lat float8, lng float8, radius_m integer, cutoff time, pick_minutes integer);
\copy shop from 'demo/data/dark_stores.csv' csv header
select oms.load_pincodes() as pincodes \gset
insert into oms.gstin (company_id, gstin, state_code)
select distinct oms.company_id(), gstin, state_code from site union select distinct oms.company_id(), gstin, state_code from shop
on conflict do nothing;
select count(oms.place_node(code, lat, lng)) from site \g /dev/null
update oms.node n set city = s.city, pincode = s.pincode, state_code = s.state_code, gstin = s.gstin
  from site s where n.code = s.code;
select count(oms.add_dark_store(code, name, lat, lng, radius_m, pincode, cutoff, pick_minutes, kind, gstin)) from shop \g /dev/null
update oms.node n set pos = true, city = s.city, state_code = s.state_code from shop s where n.code = s.code;
insert into oms.channel (company_id, code, name, kind, max_shipments) values
    (oms.company_id(), 'AMAZON_IN', 'Amazon India', 'marketplace', 2),
    (oms.company_id(), 'WEB', 'Web shop', 'web', 3),
    (oms.company_id(), 'POS', 'Shop counters', 'pos', 1);
\i demo/couriers.sql
\echo :pincodes 'pincodes loaded. Fulfilment nodes: warehouses ship anywhere, dark stores and stores serve their circle:'
select n.kind, n.code, n.city, n.pincode, n.state_code as gst, n.cutoff, n.pick_minutes as pick_min,
       a.radius_m, (select count(*) from oms.stock s where s.node_id = n.node_id and s.on_hand > 0) as items_in_stock
  from oms.node n left join oms.service_area a using (node_id)
 where n.place is not null order by n.hyperlocal, n.code;
\echo 'Two couriers with illustrative services, serviceability and rate cards (not the couriers'' own prices):'
select s.code as service, s.mode, count(distinct v.pincode) as pincodes, count(distinct v.pincode) filter (where v.cod) as with_cod,
       max(r.base) filter (where r.zone = 'A') as first_slab_zone_a, max(r.base) filter (where r.zone = 'D') as zone_d
  from oms.courier_service s left join oms.serviceability v using (courier_service_id)
  left join oms.rate_card c using (courier_service_id) left join lateral (select * from oms.rate_slab r where r.rate_card_id = c.rate_card_id and r.leg = 'forward') r on true
 group by s.courier_service_id, s.code, s.mode order by s.code;
