-- The ERP of Sahyadri Lifestyle, as a small firm's own programmer would have
-- made it: a dozen ordinary tables in schema public.  It knows nothing of
-- pg_oms.  Oddities that real ERPs have are kept on purpose: a few item codes
-- are in lower case, weights are in kilograms, an item is active when its
-- status is 'A', prices and tax rates are dated rows, one "warehouse" is only
-- a shelf for goods on hold, and stock may go negative.

create table company (
    company_id   integer primary key,
    code         varchar(10) not null unique,
    name         varchar(120) not null,
    currency     char(3) not null default 'INR'
);

create table item_group (
    group_id     serial primary key,
    name         varchar(60) not null unique
);

create table item (
    item_id      serial primary key,
    item_code    varchar(30) not null unique,
    description  varchar(200) not null,
    group_id     integer not null references item_group,
    hsn_code     varchar(8),
    uom          varchar(6) not null default 'NOS',      -- NOS or KG
    status       char(1) not null default 'A',           -- A active, I inactive
    weight_kg    numeric(9,3),
    length_cm    numeric(7,1),
    width_cm     numeric(7,1),
    height_cm    numeric(7,1),
    std_cost     numeric(12,2),
    fragile      boolean not null default false,
    cod_allowed  boolean not null default true,
    returnable   boolean not null default true,
    cold_chain   boolean not null default false,
    surface_only boolean not null default false,         -- not by air (batteries, perfume)
    changed_at   timestamptz not null default now()
);

create table item_barcode (
    barcode      varchar(20) primary key,
    item_id      integer not null references item
);
create index on item_barcode (item_id);

create table warehouse (
    warehouse_id serial primary key,
    company_id   integer not null references company,
    code         varchar(10) not null unique,
    name         varchar(120) not null,
    kind         varchar(8) not null,                    -- wh, shop, virtual
    city         varchar(60),
    state        varchar(60),
    pincode      char(6),
    gstin        varchar(15),
    is_active    boolean not null default true,
    check (kind in ('wh', 'shop', 'virtual'))
);

-- Kept by the trigger on stock_movement; nobody writes it by hand.
create table stock_level (
    item_id      integer not null references item,
    warehouse_id integer not null references warehouse,
    qty_on_hand  numeric(14,3) not null default 0,
    primary key (item_id, warehouse_id)
);

create table stock_movement (
    movement_id  bigserial primary key,
    moved_at     timestamptz not null default now(),
    item_id      integer not null references item,
    warehouse_id integer not null references warehouse,
    qty          numeric(14,3) not null,                 -- plus is in, minus is out
    reason       varchar(12) not null,
    document     varchar(40),
    batch_no     varchar(30),                            -- of an item that has batches
    check (reason in ('OPENING', 'RECEIPT', 'SALE', 'RETURN', 'COUNT', 'TRANSFER', 'DAMAGE'))
);
create index on stock_movement (item_id, warehouse_id);
create index on stock_movement (document);

-- Batches of items that do not keep for ever, as far as they are known; kept
-- by the trigger on stock_movement too. What goes out without a batch number is
-- taken from the batch that ends first.
create table item_batch (
    item_id      integer not null references item,
    warehouse_id integer not null references warehouse,
    batch_no     varchar(30) not null,
    qty          numeric(14,3) not null default 0,
    best_before  date,
    came_at      timestamptz not null default now(),
    primary key (item_id, warehouse_id, batch_no)
);

-- Selling price including GST; the row with the latest valid_from not after
-- today is in force.
create table price (
    item_id      integer not null references item,
    valid_from   date not null,
    price        numeric(12,2) not null,
    primary key (item_id, valid_from)
);

-- Of the rows of an HSN that are in force (latest valid_from not after the
-- invoice date) the one with the largest above_value below the sale value of a
-- piece without GST applies.
create table tax_rate (
    hsn          varchar(8) not null,
    valid_from   date not null,
    above_value  numeric(12,2) not null default 0,
    percent      numeric(5,2) not null,
    description  varchar(120),
    primary key (hsn, valid_from, above_value)
);

create table customer (
    customer_id  serial primary key,
    code         varchar(12) not null unique,
    name         varchar(120) not null,
    kind         char(3) not null default 'B2C',
    gstin        varchar(15),
    phone        varchar(20),
    email        varchar(120),
    is_active    boolean not null default true
);

create table customer_address (
    address_id   serial primary key,
    customer_id  integer not null references customer,
    kind         varchar(8) not null default 'shipping',
    line1        varchar(200),
    line2        varchar(200),
    city         varchar(60),
    state        varchar(60),
    pincode      char(6)
);
create index on customer_address (customer_id);

create table sales_order (
    order_id     serial primary key,
    order_no     varchar(20) not null unique,
    order_date   date not null,
    customer_id  integer not null references customer,
    address_id   integer references customer_address,
    warehouse_id integer not null references warehouse,
    status       varchar(10) not null default 'draft',
    customer_ref varchar(60),
    check (status in ('draft', 'confirmed', 'shipped', 'cancelled'))
);
create index on sales_order (customer_id);

create table sales_order_line (
    order_id     integer not null references sales_order,
    line_no      integer not null,
    item_id      integer not null references item,
    qty          numeric(14,3) not null,
    unit_price   numeric(12,2) not null,
    primary key (order_id, line_no)
);
create index on sales_order_line (item_id);

-- The ERP's own programs ------------------------------------------------------

create function stock_movement_post() returns trigger language plpgsql as $$
begin
    insert into stock_level as s (item_id, warehouse_id, qty_on_hand)
    values (new.item_id, new.warehouse_id, new.qty)
    on conflict (item_id, warehouse_id)
    do update set qty_on_hand = s.qty_on_hand + excluded.qty_on_hand;
    if new.batch_no is not null then
        insert into item_batch as b (item_id, warehouse_id, batch_no, qty, came_at)
        values (new.item_id, new.warehouse_id, new.batch_no, new.qty, new.moved_at)
        on conflict (item_id, warehouse_id, batch_no) do update set qty = b.qty + excluded.qty;
    elsif new.qty < 0 then
        update item_batch as b set qty = b.qty - least(b.qty, -new.qty - x.before)
          from (select batch_no, sum(qty) over (order by best_before, batch_no) - qty as before
                  from item_batch where item_id = new.item_id and warehouse_id = new.warehouse_id and qty > 0) as x
         where b.item_id = new.item_id and b.warehouse_id = new.warehouse_id and b.batch_no = x.batch_no and x.before < -new.qty;
    end if;
    return null;
end $$;

create trigger stock_movement_post after insert on stock_movement
    for each row execute function stock_movement_post();

create function stock_movement_fixed() returns trigger language plpgsql as $$
begin
    raise exception 'a stock movement is not changed; post the opposite one';
end $$;

create trigger stock_movement_fixed before update or delete on stock_movement
    for each row execute function stock_movement_fixed();

-- What the stock screen does: one movement, by codes; answers the new level.
create function erp_post(p_item varchar, p_warehouse varchar, p_qty numeric,
                         p_reason varchar default 'RECEIPT', p_document varchar default null)
returns numeric language plpgsql as $$
declare
    i integer; w integer; r numeric;
begin
    select item_id into strict i from item where upper(item_code) = upper(p_item);
    select warehouse_id into strict w from warehouse where code = p_warehouse;
    insert into stock_movement (item_id, warehouse_id, qty, reason, document)
    values (i, w, p_qty, p_reason, p_document);
    select qty_on_hand into r from stock_level where item_id = i and warehouse_id = w;
    return r;
end $$;

-- What the counting screen does: books the difference to what was counted.
create function erp_count(p_item varchar, p_warehouse varchar, p_counted numeric)
returns numeric language plpgsql as $$
declare
    was numeric;
begin
    select s.qty_on_hand into was
      from stock_level s join item i using (item_id) join warehouse w using (warehouse_id)
     where upper(i.item_code) = upper(p_item) and w.code = p_warehouse for update of s;
    if coalesce(was, 0) = p_counted then
        return p_counted;
    end if;
    return erp_post(p_item, p_warehouse, p_counted - coalesce(was, 0), 'COUNT', 'COUNT');
end $$;

-- What the dispatch screen does with a confirmed order.
create function erp_ship(p_order_no varchar) returns void language plpgsql as $$
declare
    o sales_order;
begin
    select * into strict o from sales_order where order_no = p_order_no for update;
    if o.status <> 'confirmed' then
        raise exception 'order % is %, not confirmed', o.order_no, o.status;
    end if;
    insert into stock_movement (item_id, warehouse_id, qty, reason, document)
    select item_id, o.warehouse_id, -qty, 'SALE', o.order_no
      from sales_order_line where order_id = o.order_id order by line_no;
    update sales_order set status = 'shipped' where order_id = o.order_id;
end $$;
