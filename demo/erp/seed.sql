-- Fills the small ERP from the staged files of demo/data (see build.sh).

insert into company values (1, 'SLPL', 'Sahyadri Lifestyle Private Limited', 'INR');

insert into item_group (name)
select category from stage_item group by category order by min(n);

insert into item (item_code, description, group_id, hsn_code, uom, weight_kg, length_cm, width_cm,
                  height_cm, std_cost, fragile, cod_allowed, returnable, cold_chain, surface_only, changed_at)
select case when sku in ('NOT-0001', 'GAM-0001', 'TOW-0001') then lower(sku) else sku end,
       s.name, g.group_id, s.hsn, s.uom, s.weight_g / 1000.0, s.length_mm / 10.0, s.width_mm / 10.0,
       s.height_mm / 10.0, s.cost, s.fragile, s.cod_ok, s.returnable, s.cold_chain, s.surface_only,
       '2026-08-01 09:00+05:30'
  from stage_item s join item_group g on g.name = s.category
 order by s.n;

-- items no longer sold, as any old item list has
insert into item (item_code, description, group_id, hsn_code, status, changed_at)
select v.code, v.name, g.group_id, v.hsn, 'I', '2025-06-30 18:00+05:30'
  from (values ('KUR-0091-M', 'Rayon Kurta, M (old design)', 'kurta', '62114210'),
               ('SET-0090-L', 'Cotton Patiala Set, L (old design)', 'Set', '62114210'),
               ('MOB-0001',   'Feature phone', 'Electronics', '851714'),
               ('GIFT-WRAP',  'Gift wrapping, not stocked', 'Accessories', null)) v(code, name, grp, hsn)
  join item_group g on g.name = v.grp
 order by v.code;

insert into item_barcode (barcode, item_id)
select s.ean13, i.item_id from stage_item s join item i on upper(i.item_code) = s.sku order by s.n;

insert into warehouse (company_id, code, name, kind, city, state, pincode, gstin)
select 1, code, name, 'wh', city, state, pincode, gstin from stage_warehouse order by n;
insert into warehouse (company_id, code, name, kind, city, state, pincode, gstin)
select 1, code, name, 'shop', city, state, pincode, gstin from stage_shop order by n;
insert into warehouse (company_id, code, name, kind) values (1, 'QC-HOLD', 'Goods on hold', 'virtual');

insert into price (item_id, valid_from, price)
select i.item_id, v.valid_from, v.price
  from stage_item s join item i on upper(i.item_code) = s.sku
 cross join lateral (values
       (date '2026-04-01', s.mrp, true),
       (date '2025-04-01', round(s.mrp * 0.94), s.n % 7 = 0),
       (date '2027-01-15', round(s.mrp * 1.05), s.n % 40 = 3)) v(valid_from, price, wanted)
 where v.wanted
 order by i.item_id, v.valid_from;

insert into tax_rate (hsn, valid_from, above_value, percent, description)
select hsn, valid_from, above_value, percent, description from stage_tax order by n;

insert into customer (code, name, kind, gstin, phone, email, is_active)
select code, name, kind, gstin, phone, email, n % 41 <> 0 from stage_customer order by n;
insert into customer_address (customer_id, kind, line1, line2, city, state, pincode)
select c.customer_id, 'shipping', s.address1, s.address2, s.city, s.state, s.pincode
  from stage_customer s join customer c using (code) order by s.n;

-- stock: opening balances first, then what the sales took
insert into item_batch (item_id, warehouse_id, batch_no, best_before, came_at)
select i.item_id, w.warehouse_id, b.batch_no, b.best_before, '2026-08-01 08:00+05:30'
  from stage_stock s join item i on upper(i.item_code) = s.sku join warehouse w on w.code = s.place,
       (values ('P2607', date '2027-06-30'), ('P2608', date '2027-07-31')) b(batch_no, best_before)
 where s.sku in ('GHE-0001', 'CHO-0001', 'HNY-0001')
 order by s.n, b.batch_no;
insert into stock_movement (moved_at, item_id, warehouse_id, qty, reason, document, batch_no)
select '2026-08-01 08:00+05:30', i.item_id, w.warehouse_id, coalesce(b.qty, s.qty), 'OPENING', 'OPEN-2026-08', b.batch_no
  from stage_stock s join item i on upper(i.item_code) = s.sku join warehouse w on w.code = s.place
  left join lateral (values ('P2607', div(s.qty, 3)), ('P2608', s.qty - div(s.qty, 3))) b(batch_no, qty)
    on s.sku in ('GHE-0001', 'CHO-0001', 'HNY-0001')
 where coalesce(b.qty, s.qty) <> 0
 order by s.n, b.batch_no;
insert into stock_movement (moved_at, item_id, warehouse_id, qty, reason, document)
select '2026-08-01 08:00+05:30', i.item_id, w.warehouse_id, 2, 'DAMAGE', 'QC-0001'
  from item i, warehouse w
 where w.code = 'QC-HOLD' and i.item_code in ('MIX-0001', 'MUG-0001', 'SHO-0002-7')
 order by i.item_id;

insert into sales_order (order_no, order_date, customer_id, address_id, warehouse_id, status)
select s.order_no, s.order_date, c.customer_id, a.address_id, w.warehouse_id, s.status
  from (select distinct on (order_no) * from stage_sale order by order_no, line_no) s
  join customer c on c.code = s.customer
  join customer_address a using (customer_id)
  join warehouse w on w.code = s.place
 order by s.order_no;
insert into sales_order_line (order_id, line_no, item_id, qty, unit_price)
select o.order_id, s.line_no, i.item_id, s.qty, s.unit_price
  from stage_sale s join sales_order o using (order_no) join item i on upper(i.item_code) = s.sku
 order by o.order_id, s.line_no;
insert into stock_movement (moved_at, item_id, warehouse_id, qty, reason, document)
select o.order_date + time '16:30' at time zone 'Asia/Kolkata', l.item_id, o.warehouse_id, -l.qty, 'SALE', o.order_no
  from sales_order o join sales_order_line l using (order_id)
 where o.status = 'shipped'
 order by o.order_id, l.line_no;
