-- Profile erpnext: tables in the shape of ERPNext 15 on PostgreSQL; attached,
-- changed as ERPNext changes them, verified; then in that of 14.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never

CREATE FUNCTION erpnext_make(v integer) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    CREATE SCHEMA erpnext;
    SET LOCAL search_path = erpnext, public;
    CREATE TABLE "tabInstalled Application" (name varchar(140) PRIMARY KEY, app_name varchar(140), app_version varchar(140));
    INSERT INTO "tabInstalled Application" VALUES ('a', 'frappe', v || '.1.0'), ('b', 'erpnext', v || '.3.1');
    CREATE TABLE "tabSingles" (doctype varchar(140), field varchar(140), value text);
    INSERT INTO "tabSingles" VALUES ('System Settings', 'time_zone', 'Asia/Kolkata'), ('System Settings', 'language', 'en');
    CREATE TABLE "tabCompany" (name varchar(140) PRIMARY KEY, abbr varchar(140), default_currency varchar(140), country varchar(140), lft integer, rgt integer, docstatus smallint);
    INSERT INTO "tabCompany" VALUES ('Kirana Pvt Ltd', 'KPL', 'INR', 'India', 1, 2, 0), ('Other Ltd', 'OL', 'USD', 'United States', 3, 4, 0);
    CREATE TABLE "tabAddress" (name varchar(140) PRIMARY KEY, address_title varchar(140), address_type varchar(140), address_line1 varchar(240), address_line2 varchar(240), city varchar(140), state varchar(140), pincode varchar(140),
        country varchar(140), phone varchar(140), is_primary_address smallint, is_shipping_address smallint, disabled smallint, gstin varchar(15), gst_state_number varchar(140));
    CREATE TABLE "tabDynamic Link" (name varchar(140) PRIMARY KEY, parent varchar(140), parentfield varchar(140), parenttype varchar(140), link_doctype varchar(140), link_name varchar(140), idx integer);
    INSERT INTO "tabAddress" VALUES ('KPL-Office', 'KPL', 'Office', '1 Residency Rd', NULL, 'Bengaluru', 'Karnataka', '560025', 'India', NULL, 1, 0, 0, '29AABCU9603R1ZJ', '29'),
        ('Pune-WH', 'Pune', 'Warehouse', 'Gat 12', 'Chakan', 'Pune', 'Maharashtra', '410 501', 'India', NULL, 0, 0, 0, '27AABCU9603R1ZN', NULL),
        ('Asha-Ship', 'Asha', 'Shipping', '5 Park', NULL, 'Mysuru', 'Karnataka', '570001', 'India', '9845012345', 0, 1, 0, '', NULL), ('Asha-Bill', 'Asha', 'Billing', '6 Park', NULL, 'Mysuru', 'Karnataka', '570002', 'India', NULL, 1, 0, 0, NULL, NULL);
    INSERT INTO "tabDynamic Link" VALUES ('l1', 'KPL-Office', 'links', 'Address', 'Company', 'Kirana Pvt Ltd', 1), ('l2', 'Pune-WH', 'links', 'Address', 'Warehouse', 'Pune - KPL', 1), ('l3', 'Asha-Ship', 'links', 'Address', 'Customer', 'Asha Rao', 1),
        ('l4', 'Asha-Bill', 'links', 'Address', 'Customer', 'Asha Rao', 1), ('l5', 'Some-Contact', 'links', 'Contact', 'Customer', 'Asha Rao', 1);
    CREATE TABLE "tabWarehouse" (name varchar(140) PRIMARY KEY, warehouse_name varchar(140), company varchar(140), parent_warehouse varchar(140), is_group smallint, disabled smallint, warehouse_type varchar(140), lft integer, rgt integer,
        address_line_1 varchar(140), address_line_2 varchar(140), city varchar(140), state varchar(140), pin varchar(140));
    IF v >= 15 THEN
        ALTER TABLE "tabWarehouse" ADD is_rejected_warehouse smallint;
    END IF;
    INSERT INTO "tabWarehouse" (name, warehouse_name, company, parent_warehouse, is_group, disabled, warehouse_type, lft, rgt) VALUES
        ('All Warehouses - KPL', 'All Warehouses', 'Kirana Pvt Ltd', '', 1, 0, NULL, 1, 16), ('Stores - KPL', 'Stores', 'Kirana Pvt Ltd', 'All Warehouses - KPL', 0, 0, NULL, 2, 3),
        ('Work In Progress - KPL', 'Work In Progress', 'Kirana Pvt Ltd', 'All Warehouses - KPL', 0, 0, NULL, 4, 5), ('Goods In Transit - KPL', 'Goods In Transit', 'Kirana Pvt Ltd', 'All Warehouses - KPL', 0, 0, 'Transit', 6, 7),
        ('Pune - KPL', 'Pune', 'Kirana Pvt Ltd', 'All Warehouses - KPL', 1, 0, NULL, 8, 13), ('Pune A - KPL', 'Pune A', 'Kirana Pvt Ltd', 'Pune - KPL', 0, 0, NULL, 9, 10), ('Pune B - KPL', 'Pune B', 'Kirana Pvt Ltd', 'Pune - KPL', 0, 0, NULL, 11, 12),
        ('Closed - KPL', 'Closed', 'Kirana Pvt Ltd', 'All Warehouses - KPL', 0, 1, NULL, 14, 15), ('All Warehouses - OL', 'All Warehouses', 'Other Ltd', NULL, 1, 0, NULL, 17, 20), ('Stores - OL', 'Stores', 'Other Ltd', 'All Warehouses - OL', 0, 0, NULL, 18, 19);
    CREATE TABLE "tabItem Group" (name varchar(140) PRIMARY KEY, parent_item_group varchar(140), is_group smallint, lft integer, rgt integer);
    INSERT INTO "tabItem Group" VALUES ('All Item Groups', '', 1, 1, 6), ('Grocery', 'All Item Groups', 1, 2, 5), ('Rice', 'Grocery', 0, 3, 4);
    CREATE TABLE "tabItem" (name varchar(140) PRIMARY KEY, item_code varchar(140), item_name varchar(140), item_group varchar(140), stock_uom varchar(140), disabled smallint, has_variants smallint, variant_of varchar(140), is_fixed_asset smallint,
        is_stock_item smallint, is_sales_item smallint, end_of_life date, weight_per_unit numeric(21,9), weight_uom varchar(140), valuation_rate numeric(21,9), standard_rate numeric(21,9), has_batch_no smallint, gst_hsn_code varchar(140), description text);
    INSERT INTO "tabItem" (name, item_code, item_name, item_group, stock_uom, disabled, has_variants, variant_of, is_fixed_asset, is_stock_item, end_of_life, weight_per_unit, weight_uom, valuation_rate, gst_hsn_code) VALUES
        ('RICE-5', 'RICE-5', 'Rice 5 kg', 'Rice', 'Nos', 0, 0, NULL, 0, 1, '2099-12-31', 5, 'Kg', 310.123, '10063020'), ('RICE', 'RICE', 'Rice, loose', 'Rice', 'Kg', 0, 0, NULL, 0, 1, NULL, 0, NULL, 0, NULL),
        ('SHIRT', 'SHIRT', 'Shirt', 'All Item Groups', 'Nos', 0, 1, NULL, 0, 1, NULL, 0, NULL, 0, NULL), ('SHIRT-"M"|1', 'SHIRT-"M"|1', 'Shirt M', 'All Item Groups', 'Nos', 0, 0, 'SHIRT', 0, 1, NULL, 250, 'Gram', 200, '6205'),
        ('FITTING', 'FITTING', 'Fitting', 'All Item Groups', 'Hour', 0, 0, NULL, 0, 0, NULL, 0, NULL, 0, NULL), ('PC', 'PC', 'Computer', 'All Item Groups', 'Nos', 0, 0, NULL, 1, 0, NULL, 0, NULL, 0, NULL),
        ('OLD', 'OLD', 'Old', 'Rice', 'Nos', 1, 0, NULL, 0, 1, NULL, 0, NULL, 0, NULL), ('PAST', 'PAST', 'Past its life', 'Rice', 'Nos', 0, 0, NULL, 0, 1, '2020-01-01', 0, NULL, 0, NULL), ('HAMPER', 'HAMPER', 'Hamper', 'Grocery', 'Set', 0, 0, NULL, 0, 0, NULL, 0, NULL, 0, NULL);
    CREATE TABLE "tabProduct Bundle" (name varchar(140) PRIMARY KEY, new_item_code varchar(140), disabled smallint);
    INSERT INTO "tabProduct Bundle" VALUES ('HAMPER', 'HAMPER', 0);
    CREATE TABLE "tabItem Tax" (name varchar(140) PRIMARY KEY, parent varchar(140), parenttype varchar(140), item_tax_template varchar(140), tax_category varchar(140), valid_from date, minimum_net_rate numeric(21,9), maximum_net_rate numeric(21,9), idx integer);
    CREATE TABLE "tabItem Tax Template" (name varchar(140) PRIMARY KEY, title varchar(140), company varchar(140), disabled smallint);
    IF v >= 15 THEN
        ALTER TABLE "tabItem Tax Template" ADD gst_rate numeric(21,9), ADD gst_treatment varchar(140);
    END IF;
    CREATE TABLE "tabItem Tax Template Detail" (name varchar(140) PRIMARY KEY, parent varchar(140), tax_type varchar(140), tax_rate numeric(21,9), idx integer);
    INSERT INTO "tabItem Tax Template" (name, title, company, disabled) VALUES ('GST 5% - KPL', 'GST 5%', 'Kirana Pvt Ltd', 0), ('GST 12% - KPL', 'GST 12%', 'Kirana Pvt Ltd', 0), ('GST 5% - OL', 'GST 5%', 'Other Ltd', 0), ('Nil - KPL', 'Nil', 'Kirana Pvt Ltd', 0);
    INSERT INTO "tabItem Tax Template Detail" VALUES ('d1', 'GST 5% - KPL', 'Output Tax SGST - KPL', 2.5, 1), ('d2', 'GST 5% - KPL', 'Output Tax CGST - KPL', 2.5, 2), ('d3', 'GST 5% - KPL', 'Output Tax IGST - KPL', 5, 3), ('d4', 'GST 5% - KPL', 'Input Tax IGST - KPL', 5, 4),
        ('d5', 'GST 12% - KPL', 'Output Tax SGST - KPL', 6, 1), ('d6', 'GST 12% - KPL', 'Output Tax CGST - KPL', 6, 2);
    INSERT INTO "tabItem Tax" VALUES ('x1', 'RICE-5', 'Item', 'GST 12% - KPL', '', '2030-01-01', 0, 0, 1), ('x2', 'RICE-5', 'Item', 'GST 5% - KPL', '', NULL, 0, 0, 2), ('x3', 'RICE-5', 'Item', 'GST 5% - OL', '', NULL, 0, 0, 3), ('x4', 'Grocery', 'Item Group', 'Nil - KPL', NULL, NULL, 0, 0, 1),
        ('x5', 'SHIRT-"M"|1', 'Item', 'GST 12% - KPL', 'Out-State', NULL, 0, 0, 1);
    CREATE TABLE "tabSales Taxes and Charges Template" (name varchar(140) PRIMARY KEY, company varchar(140), is_default smallint, disabled smallint);
    CREATE TABLE "tabSales Taxes and Charges" (name varchar(140) PRIMARY KEY, parent varchar(140), parenttype varchar(140), charge_type varchar(140), account_head varchar(140), rate numeric(21,9), included_in_print_rate smallint, idx integer);
    INSERT INTO "tabSales Taxes and Charges Template" VALUES ('Output GST In-state - KPL', 'Kirana Pvt Ltd', 1, 0), ('Output GST Out-state - KPL', 'Kirana Pvt Ltd', 0, 0);
    INSERT INTO "tabSales Taxes and Charges" VALUES ('c1', 'Output GST In-state - KPL', 'Sales Taxes and Charges Template', 'On Net Total', 'Output Tax SGST - KPL', 9, 0, 1), ('c2', 'Output GST In-state - KPL', 'Sales Taxes and Charges Template', 'On Net Total', 'Output Tax CGST - KPL', 9, 0, 2),
        ('c3', 'SO-1', 'Sales Order', 'On Net Total', 'Output Tax CGST - KPL', 9, 0, 2);
    CREATE TABLE "tabItem Price" (name varchar(140) PRIMARY KEY, item_code varchar(140), price_list varchar(140), uom varchar(140), price_list_rate numeric(21,9), currency varchar(140), selling smallint, buying smallint, valid_from date, valid_upto date, customer varchar(140), batch_no varchar(140), modified timestamp DEFAULT '2026-01-01');
    CREATE TABLE "tabUOM Conversion Detail" (name varchar(140) PRIMARY KEY, parent varchar(140), parenttype varchar(140), uom varchar(140), conversion_factor numeric(21,9));
    INSERT INTO "tabUOM Conversion Detail" VALUES ('u1', 'RICE', 'Item', 'Quintal', 100), ('u2', 'RICE-5', 'Item', 'Box', 4), ('u3', 'RICE-5', 'Item', 'Nos', 1);
    INSERT INTO "tabItem Price" (name, item_code, price_list, uom, price_list_rate, currency, selling, valid_from, valid_upto, customer) VALUES ('p1', 'RICE-5', 'Standard Selling', 'Nos', 400, 'INR', 1, '2025-04-01', NULL, NULL), ('p2', 'RICE-5', 'Standard Selling', 'Box', 1560, 'INR', 1, '2025-04-01', NULL, ''),
        ('p3', 'RICE-5', 'Standard Selling', 'Nos', 350, 'INR', 1, '2025-04-01', NULL, 'Asha Rao'), ('p4', 'RICE-5', 'Standard Buying', 'Nos', 300, 'INR', 0, '2025-04-01', NULL, NULL), ('p5', 'RICE', 'Standard Selling', 'Quintal', 5500, 'INR', 1, NULL, NULL, NULL),
        ('p6', 'SHIRT-"M"|1', 'Standard Selling', '', 999.995, 'INR', 1, '2025-04-01', NULL, NULL), ('p7', 'FITTING', 'Standard Selling', 'Hour', 100, 'INR', 1, NULL, NULL, NULL);
    CREATE TABLE "tabCustomer" (name varchar(140) PRIMARY KEY, customer_name varchar(140), disabled smallint, mobile_no varchar(140), email_id varchar(140), tax_id varchar(140), gstin varchar(15), customer_group varchar(140));
    INSERT INTO "tabCustomer" VALUES ('Asha Rao', 'Asha Rao', 0, '+91-98450 12345', 'asha@example.in', NULL, '', 'Individual'), ('CUST-2', 'Étoile & Sons', 0, NULL, NULL, NULL, '27AAPFU0939F1ZV', 'Commercial'), ('CUST-3', 'Gone', 1, NULL, NULL, NULL, NULL, 'Individual');
    CREATE TABLE "tabBin" (name varchar(140) PRIMARY KEY, item_code varchar(140), warehouse varchar(140), actual_qty numeric(21,9), reserved_qty numeric(21,9), ordered_qty numeric(21,9), projected_qty numeric(21,9), reserved_qty_for_production numeric(21,9), reserved_qty_for_sub_contract numeric(21,9));
    IF v >= 15 THEN
        ALTER TABLE "tabBin" ADD reserved_stock numeric(21,9);
    END IF;
    INSERT INTO "tabBin" (name, item_code, warehouse, actual_qty, reserved_qty, reserved_qty_for_production) VALUES ('b1', 'RICE-5', 'Stores - KPL', 40, 6, 0), ('b2', 'RICE-5', 'Pune A - KPL', 10, 0, 1), ('b3', 'RICE-5', 'Pune B - KPL', 5, 0, 0), ('b4', 'RICE-5', 'Work In Progress - KPL', 7, 0, 0),
        ('b5', 'RICE-5', 'Goods In Transit - KPL', 9, 0, 0), ('b6', 'RICE-5', 'Closed - KPL', 2, 0, 0), ('b7', 'RICE-5', 'Stores - OL', 99, 0, 0), ('b8', 'RICE', 'Stores - KPL', 12.3456, NULL, NULL), ('b9', 'SHIRT-"M"|1', 'Pune A - KPL', -2, 0, 0), ('b10', 'SHIRT-"M"|1', 'Stores - KPL', 3, -1, 0);
    CREATE TABLE "tabBatch" (name varchar(140) PRIMARY KEY, batch_id varchar(140), item varchar(140), expiry_date date, disabled smallint, creation timestamp);
    INSERT INTO "tabBatch" VALUES ('B1', 'B1', 'RICE', '2031-03-31', 0, '2026-01-05 10:00:00'), ('B2', 'B2', 'RICE', NULL, 0, '2026-01-06 10:00:00'), ('B3', 'B3', 'RICE', '2031-03-31', 1, '2026-01-05 10:00:00');
    CREATE TABLE "tabStock Ledger Entry" (name varchar(140) PRIMARY KEY, item_code varchar(140), warehouse varchar(140), batch_no varchar(140), actual_qty numeric(21,9), is_cancelled smallint, posting_date date, docstatus smallint);
    IF v >= 15 THEN
        ALTER TABLE "tabStock Ledger Entry" ADD serial_and_batch_bundle varchar(140);
        CREATE TABLE "tabSerial and Batch Bundle" (name varchar(140) PRIMARY KEY, item_code varchar(140), warehouse varchar(140), docstatus smallint, is_cancelled smallint, type_of_transaction varchar(140));
        CREATE TABLE "tabSerial and Batch Entry" (name varchar(140) PRIMARY KEY, parent varchar(140), batch_no varchar(140), warehouse varchar(140), qty numeric(21,9));
        INSERT INTO "tabSerial and Batch Bundle" VALUES ('SB1', 'RICE', 'Stores - KPL', 1, 0, 'Inward'), ('SB2', 'RICE', 'Stores - KPL', 1, 0, 'Outward'), ('SB3', 'RICE', 'Stores - KPL', 0, 0, 'Outward');
        INSERT INTO "tabSerial and Batch Entry" VALUES ('s1', 'SB1', 'B1', 'Stores - KPL', 5), ('s2', 'SB1', 'B2', 'Stores - KPL', 6), ('s3', 'SB2', 'B1', 'Stores - KPL', -1), ('s4', 'SB3', 'B1', NULL, -2);
        INSERT INTO "tabStock Ledger Entry" VALUES ('e0', 'RICE', 'Stores - KPL', NULL, 11, 0, '2026-01-06', 1, 'SB1');
    ELSE
        INSERT INTO "tabStock Ledger Entry" VALUES ('e0', 'RICE', 'Stores - KPL', 'B1', 5, 0, '2026-01-06', 1), ('e1', 'RICE', 'Stores - KPL', 'B2', 6, 0, '2026-01-06', 1), ('e2', 'RICE', 'Stores - KPL', 'B1', -1, 0, '2026-01-07', 1);
    END IF;
    -- from before the bundles: of a cancelled voucher, of a batch no longer in use, of goods without batch
    INSERT INTO "tabStock Ledger Entry" (name, item_code, warehouse, batch_no, actual_qty, is_cancelled) VALUES ('e3', 'RICE', 'Stores - KPL', 'B2', -6, 1), ('e4', 'RICE', 'Stores - KPL', 'B3', 1, 0), ('e5', 'RICE-5', 'Stores - KPL', '', 40, 0);
    CREATE TABLE "tabPrice List" (name varchar(140) PRIMARY KEY, price_list_name varchar(140), currency varchar(140), enabled smallint, selling smallint, buying smallint);
    INSERT INTO "tabPrice List" VALUES ('Standard Selling', 'Standard Selling', 'INR', 1, 1, 0), ('Standard Buying', 'Standard Buying', 'INR', 1, 0, 1), ('Dealers|North', 'Dealers|North', 'INR', 1, 1, 0), ('Export', 'Export', 'USD', 1, 1, 0);
    INSERT INTO "tabItem Price" (name, item_code, price_list, uom, price_list_rate, currency, selling, valid_from, valid_upto) VALUES ('q1', 'RICE-5', 'Dealers|North', 'Nos', 380, 'INR', 1, '2026-01-01', '2026-12-31'), ('q2', 'RICE-5', 'Export', 'Nos', 9, 'USD', 1, NULL, NULL), ('q3', 'SHIRT-"M"|1', 'Dealers|North', 'Nos', 900, 'INR', 1, NULL, NULL);
    CREATE TABLE "tabProduct Bundle Item" (name varchar(140) PRIMARY KEY, parent varchar(140), item_code varchar(140), qty numeric(21,9), idx integer);
    INSERT INTO "tabProduct Bundle Item" VALUES ('h1', 'HAMPER', 'RICE-5', 1, 1), ('h2', 'HAMPER', 'RICE', 0.5, 2), ('h3', 'HAMPER', 'RICE', 0.25, 3), ('h4', 'HAMPER', 'FITTING', 1, 4);
    CREATE TABLE "tabCountry" (name varchar(140) PRIMARY KEY, code varchar(140));
    INSERT INTO "tabCountry" VALUES ('India', 'in'), ('United States', 'us');
    CREATE TABLE "tabSupplier" (name varchar(140) PRIMARY KEY, supplier_name varchar(140), tax_id varchar(140), gstin varchar(15), mobile_no varchar(140), email_id varchar(140), disabled smallint);
    INSERT INTO "tabSupplier" VALUES ('SUP-1', 'Mill & Co', NULL, '29AAGCB7383J1Z4', NULL, 'mill@example.in', 0), ('SUP-2', 'Not used', NULL, NULL, NULL, NULL, 1);
    CREATE TABLE "tabSales Order" (name varchar(140) PRIMARY KEY, company varchar(140), customer varchar(140), po_no varchar(140), docstatus smallint, status varchar(140), per_delivered numeric(21,9), transaction_date date, base_grand_total numeric(21,9), set_warehouse varchar(140));
    INSERT INTO "tabSales Order" VALUES ('SO-1', 'Kirana Pvt Ltd', 'Asha Rao', 'WEB-1', 1, 'To Deliver and Bill', 50, '2026-03-01', 1050.004, 'Stores - KPL'), ('SO-2', 'Kirana Pvt Ltd', 'CUST-2', '', 0, 'Draft', 0, '2026-03-02', 10, NULL), ('SO-3', 'Other Ltd', 'CUST-2', '', 1, 'Completed', 100, '2026-03-02', 10, NULL),
        ('SO-4', 'Kirana Pvt Ltd', 'CUST-2', NULL, 1, 'Closed', 0, '2026-03-02', 10, 'Work In Progress - KPL'), ('SO-5', 'Kirana Pvt Ltd', 'CUST-2', NULL, 2, 'Cancelled', 0, '2026-03-02', 10, NULL);
    CREATE TABLE "tabSales Order Item" (name varchar(140) PRIMARY KEY, parent varchar(140), idx integer, item_code varchar(140), qty numeric(21,9), stock_qty numeric(21,9), conversion_factor numeric(21,9), base_net_amount numeric(21,9));
    INSERT INTO "tabSales Order Item" VALUES ('i1', 'SO-1', 2, 'RICE', 0.1, 10, 100, 500), ('i2', 'SO-1', 1, 'RICE-5', 1, 1, 1, 400);
    CREATE TABLE "tabDelivery Note" (name varchar(140) PRIMARY KEY, company varchar(140), po_no varchar(140), docstatus smallint, status varchar(140), is_return smallint, return_against varchar(140), transporter_name varchar(140), lr_no varchar(140), posting_date date, posting_time time(6));
    INSERT INTO "tabDelivery Note" VALUES ('DN-1', 'Kirana Pvt Ltd', 'WEB-1', 1, 'To Bill', 0, NULL, 'Fast', 'LR9', '2026-03-03', '14:30:00'), ('DN-2', 'Kirana Pvt Ltd', NULL, 0, 'Draft', 0, NULL, NULL, NULL, '2026-03-04', '10:00:00'), ('DN-3', 'Kirana Pvt Ltd', NULL, 1, 'Return', 1, 'DN-1', NULL, NULL, '2026-03-05', '09:00:00');
    CREATE TABLE "tabDelivery Note Item" (name varchar(140) PRIMARY KEY, parent varchar(140), idx integer, item_code varchar(140), stock_qty numeric(21,9), against_sales_order varchar(140), warehouse varchar(140));
    INSERT INTO "tabDelivery Note Item" VALUES ('j1', 'DN-1', 1, 'RICE', 10, 'SO-1', 'Stores - KPL'), ('j2', 'DN-2', 1, 'RICE-5', 1, 'SO-1', 'Pune A - KPL'), ('j3', 'DN-3', 1, 'RICE', -2, 'SO-1', 'Stores - KPL');
    CREATE TABLE "tabPurchase Order" (name varchar(140) PRIMARY KEY, company varchar(140), supplier varchar(140), docstatus smallint, status varchar(140));
    INSERT INTO "tabPurchase Order" VALUES ('PO-1', 'Kirana Pvt Ltd', 'SUP-1', 1, 'To Receive and Bill'), ('PO-2', 'Kirana Pvt Ltd', 'SUP-1', 0, 'Draft'), ('PO-3', 'Kirana Pvt Ltd', 'SUP-1', 1, 'Closed');
    CREATE TABLE "tabPurchase Order Item" (name varchar(140) PRIMARY KEY, parent varchar(140), item_code varchar(140), warehouse varchar(140), qty numeric(21,9), stock_qty numeric(21,9), received_qty numeric(21,9), conversion_factor numeric(21,9), schedule_date date);
    INSERT INTO "tabPurchase Order Item" VALUES ('k1', 'PO-1', 'RICE', 'Stores - KPL', 2, 200, 0.5, 100, '2026-06-01'), ('k2', 'PO-1', 'RICE-5', 'Goods In Transit - KPL', 5, 5, 0, 1, '2026-06-01'), ('k3', 'PO-2', 'RICE', 'Stores - KPL', 1, 1, 0, 1, '2026-06-01'), ('k4', 'PO-3', 'RICE', 'Stores - KPL', 1, 1, 0, 1, '2026-06-01');
END $make$;

CREATE FUNCTION erpnext_picture() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT string_agg(l, E'\n' ORDER BY l COLLATE "C") FROM (
        SELECT concat_ws('|', 'node', code, kind, address, city, pincode, state_code, gstin, open) FROM oms.node
        UNION ALL SELECT concat_ws('|', 'sku', code, name, category, hsn, tax_code, uom, weight_g, cost, CASE WHEN NOT tracked THEN 'not counted' END, CASE WHEN NOT active THEN 'inactive' END) FROM oms.sku
        UNION ALL SELECT concat_ws('|', 'tax', code, rate) FROM oms.tax_code
        UNION ALL SELECT concat_ws('|', 'price', k.code, p.amount, CASE WHEN p.includes_tax THEN 'tax in it' END, to_char(nullif(p.valid_from, '-infinity') AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD'), to_char(p.valid_to AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI'), l.name)
                    FROM oms.price p JOIN oms.sku k USING (sku_id) LEFT JOIN oms.price_list l USING (price_list_id)
        UNION ALL SELECT concat_ws('|', 'kit', k.code, c.code, trim_scale(x.qty)) FROM oms.kit_component x JOIN oms.sku k ON k.sku_id = x.kit_sku_id JOIN oms.sku c ON c.sku_id = x.sku_id
        UNION ALL SELECT concat_ws('|', 'list', code, currency, active) FROM oms.price_list
        UNION ALL SELECT concat_ws('|', 'address', erp_key, kind, name, phone, address1, city, state_code, pincode, country, active) FROM oms.customer_address
        UNION ALL SELECT concat_ws('|', 'supplier', code, name, gstin, email, active) FROM oms.supplier
        UNION ALL SELECT concat_ws('|', 'order', number, reference, customer_key, node_key, status, erp_status, to_char(ordered_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI'), currency, total, nullif(lines, '[]')) FROM oms.erp_order
        UNION ALL SELECT concat_ws('|', 'shipment', number, reference, order_key, node_key, status, carrier, awb, to_char(shipped_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI'), lines) FROM oms.erp_shipment
        UNION ALL SELECT concat_ws('|', 'return', number, reference, order_key, node_key, status, to_char(received_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI'), lines) FROM oms.erp_return
        UNION ALL SELECT concat_ws('|', 'inbound', n.code, k.code, trim_scale(i.qty), to_char(i.due_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD'), i.document, i.state, (SELECT s.name FROM oms.supplier s WHERE s.supplier_id = i.supplier_id)) FROM oms.inbound i JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)
        UNION ALL SELECT concat_ws('|', 'customer', erp_key, name, phone, email, gstin, pincode) FROM oms.customer
        UNION ALL SELECT concat_ws('|', 'stock', n.code, k.code, trim_scale(s.on_hand)) FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)
        UNION ALL SELECT concat_ws('|', 'lot', n.code, b.lot, trim_scale(b.on_hand), to_char(b.expires_on, 'YYYY-MM-DD'), to_char(b.received_at AT TIME ZONE 'Asia/Kolkata', 'MM-DD HH24:MI')) FROM oms.stock_lot b JOIN oms.node n USING (node_id) WHERE NOT b.gone) AS x (l));
END $$;

BEGIN;
SELECT oms.install() \g /dev/null
SELECT erpnext_make(15) \g /dev/null
SELECT severity, entity, "column", problem, example FROM oms.check_profile('erpnext', '{"schema": "erpnext"}') WHERE severity <> 'info';
SELECT r FROM oms.attach_erp('erpnext', '{"schema": "erpnext"}') AS r WHERE r LIKE 'entity%' OR r LIKE 'company%' OR r LIKE 'node%';
SELECT erpnext_picture() AS v15 \gset
\echo :v15
SELECT * FROM oms.erp_verify();

CREATE FUNCTION pg_temp.step(what text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text[] := string_to_array(erpnext_picture(), E'\n');
    after text[];
    drift bigint;
BEGIN
    SET LOCAL search_path = erpnext, public;
    EXECUTE change;
    PERFORM oms.erp_apply();
    after := string_to_array(erpnext_picture(), E'\n');
    SELECT count(*) INTO drift FROM oms.erp_verify();
    RETURN concat_ws(E'\n', what || CASE WHEN drift > 0 THEN ': DRIFT ' || drift ELSE '' END,
        (SELECT string_agg('  - ' || l, E'\n' ORDER BY l COLLATE "C") FROM unnest(before) l WHERE l <> ALL (after)),
        (SELECT string_agg('  + ' || l, E'\n' ORDER BY l COLLATE "C") FROM unnest(after) l WHERE l <> ALL (before)));
END $$;
\pset tuples_only on
\pset format unaligned
SELECT pg_temp.step(what, change) FROM (VALUES
(1, 'an order submitted', 'UPDATE "tabBin" SET reserved_qty = 8 WHERE name = ''b1'''),
(2, 'delivered', 'UPDATE "tabBin" SET reserved_qty = 0, actual_qty = 32 WHERE name = ''b1'''),
(3, 'received where nothing was', 'INSERT INTO "tabBin" (name, item_code, warehouse, actual_qty) VALUES (''b11'', ''RICE'', ''Pune B - KPL'', 4)'),
(4, 'goods of the other company', 'UPDATE "tabBin" SET actual_qty = 1 WHERE name = ''b7'''),
(5, 'the tax of later is that of now', 'UPDATE "tabItem Tax" SET valid_from = ''2026-01-01'' WHERE name = ''x1'''),
(6, 'a group taxed otherwise', 'UPDATE "tabItem Tax" SET item_tax_template = ''GST 5% - KPL'' WHERE name = ''x4'''),
(7, 'a rate stated', 'UPDATE "tabItem Tax Template" SET gst_rate = 18 WHERE name = ''GST 12% - KPL'''),
(8, 'a template disabled', 'UPDATE "tabItem Tax Template" SET disabled = 1 WHERE name = ''GST 12% - KPL'''),
(9, 'taxes contained in rates, by default', 'UPDATE "tabSales Taxes and Charges" SET included_in_print_rate = 1 WHERE name IN (''c1'', ''c2'')'),
(10, 'an order with taxes of its own', 'INSERT INTO "tabSales Taxes and Charges" VALUES (''c4'', ''SO-2'', ''Sales Order'', ''On Net Total'', ''x'', 50, 0, 1)'),
(11, 'the price by the piece withdrawn: that by the box', 'DELETE FROM "tabItem Price" WHERE name = ''p1'''),
(12, 'a new price from July', 'INSERT INTO "tabItem Price" (name, item_code, price_list, uom, price_list_rate, selling, valid_from) VALUES (''p9'', ''RICE-5'', ''Standard Selling'', ''Nos'', 420, 1, ''2026-07-01'')'),
(13, 'boxes of five', 'UPDATE "tabUOM Conversion Detail" SET conversion_factor = 5 WHERE name = ''u2'''),
(14, 'an item disabled', 'UPDATE "tabItem" SET disabled = 1 WHERE name = ''RICE'''),
(15, 'and not any more', 'UPDATE "tabItem" SET disabled = 0 WHERE name = ''RICE'''),
(16, 'a bundle given up', 'DELETE FROM "tabProduct Bundle" WHERE name = ''HAMPER'''),
(17, 'an item renamed, as Frappe does', 'UPDATE "tabItem" SET name = ''RICE-FIVE'', item_code = ''RICE-FIVE'' WHERE name = ''RICE-5''; UPDATE "tabBin" SET item_code = ''RICE-FIVE'' WHERE item_code = ''RICE-5''; UPDATE "tabItem Price" SET item_code = ''RICE-FIVE'' WHERE item_code = ''RICE-5''; UPDATE "tabItem Tax" SET parent = ''RICE-FIVE'' WHERE parent = ''RICE-5''; UPDATE "tabUOM Conversion Detail" SET parent = ''RICE-FIVE'' WHERE parent = ''RICE-5''; UPDATE "tabProduct Bundle Item" SET item_code = ''RICE-FIVE'' WHERE item_code = ''RICE-5'''),
(18, 'a customer moves', 'UPDATE "tabAddress" SET pincode = ''570011'' WHERE name = ''Asha-Ship'''),
(19, 'an address given up', 'UPDATE "tabAddress" SET disabled = 1 WHERE name = ''Asha-Ship'''),
(20, 'a warehouse has its own address', 'INSERT INTO "tabDynamic Link" VALUES (''l9'', ''Pune-WH'', ''links'', ''Address'', ''Warehouse'', ''Pune A - KPL'', 1)'),
(21, 'a warehouse opened', 'UPDATE "tabWarehouse" SET disabled = 0 WHERE name = ''Closed - KPL'''),
(22, 'a warehouse for what was rejected', 'UPDATE "tabWarehouse" SET is_rejected_warehouse = 1 WHERE name = ''Closed - KPL'''),
(23, 'a batch goes out', 'INSERT INTO "tabSerial and Batch Entry" VALUES (''s5'', ''SB3'', ''B2'', NULL, -1); UPDATE "tabSerial and Batch Bundle" SET docstatus = 1 WHERE name = ''SB3'''),
(24, 'and that is cancelled', 'UPDATE "tabSerial and Batch Bundle" SET is_cancelled = 1 WHERE name = ''SB3'''),
(25, 'a batch ends earlier', 'UPDATE "tabBatch" SET expiry_date = ''2030-12-31'' WHERE name = ''B2'''),
(0.1, 'an order delivered in full', 'UPDATE "tabSales Order" SET status = ''To Bill'', per_delivered = 100 WHERE name = ''SO-1'''),
(0.2, 'a delivery submitted', 'UPDATE "tabDelivery Note" SET docstatus = 1, status = ''To Bill'' WHERE name = ''DN-2'''),
(0.3, 'part of the supply came', 'UPDATE "tabPurchase Order Item" SET received_qty = 1.5 WHERE name = ''k1'''),
(0.4, 'and the rest will not', 'UPDATE "tabPurchase Order" SET status = ''Closed'' WHERE name = ''PO-1'''),
(0.5, 'more in a hamper', 'UPDATE "tabProduct Bundle Item" SET qty = 2 WHERE name = ''h1'''),
(0.6, 'a price of dealers', 'UPDATE "tabItem Price" SET price_list_rate = 370 WHERE name = ''q1'''),
(0.7, 'their list withdrawn', 'UPDATE "tabPrice List" SET enabled = 0 WHERE name = ''Dealers|North'''),
(26, 'a customer disabled, one new', 'UPDATE "tabCustomer" SET disabled = 1 WHERE name = ''CUST-2''; INSERT INTO "tabCustomer" (name, customer_name, disabled) VALUES (''CUST-4'', ''New'', 0)')
) AS s (n, what, change) ORDER BY n;
\pset format aligned
\pset tuples_only off
SELECT relation, state, problem FROM oms.erp_lag() WHERE problem IS NOT NULL OR pending > 0;
SELECT source, message FROM oms.reject;
ROLLBACK;

-- groups as nodes, what is reserved as such; by hand: Pune 10 + 5 less 0 reserved, Stores 40 less 2
BEGIN;
SELECT oms.install() \g /dev/null
SELECT erpnext_make(15) \g /dev/null
UPDATE erpnext."tabBin" SET reserved_stock = 2 WHERE name = 'b1';
SELECT count(*) > 0 AS attached FROM oms.attach_erp('erpnext', '{"schema": "erpnext", "nodes": "group", "demand": "assigned"}');
SELECT n.code, n.state_code, k.code, s.on_hand FROM oms.node n LEFT JOIN oms.stock s USING (node_id) LEFT JOIN oms.sku k ON k.sku_id = s.sku_id ORDER BY 1, 3;
UPDATE erpnext."tabWarehouse" SET parent_warehouse = 'Pune - KPL', lft = 12, rgt = 13 WHERE name = 'Closed - KPL';
UPDATE erpnext."tabWarehouse" SET disabled = 0 WHERE name = 'Closed - KPL';
SELECT oms.erp_apply() > 0;
SELECT n.code, k.code, s.on_hand FROM oms.node n JOIN oms.stock s USING (node_id) JOIN oms.sku k ON k.sku_id = s.sku_id WHERE n.code = 'Pune' ORDER BY 1, 2;
SELECT * FROM oms.erp_verify();
ROLLBACK;

-- 14 says the same
BEGIN;
SELECT oms.install() \g /dev/null
SELECT erpnext_make(14) \g /dev/null
SELECT count(*) > 0 AS attached FROM oms.attach_erp('erpnext', '{"schema": "erpnext"}');
SELECT erpnext_picture() = :'v15' AS same;
INSERT INTO erpnext."tabStock Ledger Entry" (name, item_code, warehouse, batch_no, actual_qty, is_cancelled) VALUES ('e9', 'RICE', 'Stores - KPL', 'B1', -3, 0);
SELECT oms.erp_apply();
SELECT lot, on_hand FROM oms.stock_lot ORDER BY 1;
SELECT * FROM oms.erp_verify();
ROLLBACK;
DROP FUNCTION erpnext_make(integer), erpnext_picture();
