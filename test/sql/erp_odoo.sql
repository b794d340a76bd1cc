-- Profile odoo: tables in the shape of Odoo 19, and of 18, 17 and 16 with the
-- same content; attached, changed as Odoo changes them, verified.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- what each version has, of the columns that matter and some that do not
CREATE FUNCTION odoo_make(v integer) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    CREATE SCHEMA odoo;
    SET LOCAL search_path = odoo, public;
    CREATE TABLE ir_module_module (id serial PRIMARY KEY, name varchar, state varchar, latest_version varchar);
    INSERT INTO ir_module_module (name, state, latest_version) VALUES ('base', 'installed', v || '.0.1.3'), ('sale', 'installed', v || '.0.1.2');
    CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key varchar, value text);
    INSERT INTO ir_config_parameter (key, value) VALUES ('web.base.url', 'http://localhost:8069');
    CREATE TABLE ir_model_data (id serial PRIMARY KEY, name varchar, module varchar, model varchar, res_id integer);
    CREATE TABLE res_currency (id integer PRIMARY KEY, name varchar, symbol varchar, rounding numeric);
    INSERT INTO res_currency VALUES (1, 'USD', '$', 0.01), (20, 'INR', '₹', 0.01);
    CREATE TABLE res_country (id integer PRIMARY KEY, code varchar(2), name jsonb);
    INSERT INTO res_country VALUES (104, 'IN', '{"en_US": "India"}'), (233, 'US', '{"en_US": "United States"}');
    CREATE TABLE res_country_state (id integer PRIMARY KEY, country_id integer, name varchar, code varchar);
    INSERT INTO res_country_state VALUES (588, 104, 'Karnataka', 'KA'), (592, 104, 'Maharashtra', 'MH'), (600, 104, 'Orissa', 'OR'), (13, 233, 'California', 'CA'), (18, 233, 'Georgia', 'GA');
    IF v >= 17 THEN -- module l10n_in
        ALTER TABLE res_country_state ADD l10n_in_tin varchar(2);
        UPDATE res_country_state SET l10n_in_tin = CASE code WHEN 'KA' THEN '29' WHEN 'MH' THEN '27' WHEN 'OR' THEN '21' END WHERE country_id = 104;
    END IF;
    CREATE TABLE res_partner (id integer PRIMARY KEY, name varchar, parent_id integer, company_id integer, type varchar, is_company boolean, street varchar, street2 varchar,
        city varchar, zip varchar, state_id integer, country_id integer, vat varchar, phone varchar, email varchar, tz varchar, active boolean DEFAULT true,
        customer_rank integer DEFAULT 0, supplier_rank integer DEFAULT 0, comment text, write_date timestamp);
    IF v < 19 THEN
        ALTER TABLE res_partner ADD mobile varchar;
    END IF;
    INSERT INTO res_partner (id, name, parent_id, company_id, type, is_company, street, city, zip, state_id, country_id, vat, phone, email, tz, active, customer_rank) VALUES
        (1, 'My Company (Bengaluru)', NULL, NULL, 'contact', true, '12 MG Road', 'Bengaluru', '560001', 588, 104, '29AABCU9603R1ZJ', '+91 80 4000 0000', 'info@my.example', NULL, true, 3),
        (3, 'Mitchell Admin', 1, NULL, 'contact', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'admin@my.example', 'Asia/Kolkata', true, 0),
        (7, 'My Company, Mumbai', NULL, NULL, 'contact', true, 'Plot 4', 'Mumbai', '400 001', 592, 104, NULL, NULL, NULL, NULL, true, 0),
        (9, 'Wood Corner', NULL, NULL, 'contact', true, '1839 Arbor Way', 'Turlock', '95380', 13, 233, NULL, '(623)-853-7197', 'wood@example.com', NULL, true, 1),
        (10, 'Deco Addict', NULL, NULL, 'contact', true, '77 Santa Barbara Rd', 'Pleasant Hill', '94523', 13, 233, NULL, '+1 603-996-3829', 'Deco <DECO@example.com>', NULL, true, 2),
        (11, 'Ready Mat', NULL, NULL, 'contact', true, NULL, 'Tracy', '110001', 18, 233, NULL, NULL, NULL, NULL, true, 0),
        (12, 'Asha Rao', NULL, NULL, 'contact', false, NULL, 'Mysuru', '570001', 588, 104, NULL, '98450 12345 / 080-2222222', 'asha@example.in', NULL, true, 0),
        (13, NULL, 12, NULL, 'delivery', false, '5 "Quote" Lane', 'Mysuru', '570002', 588, 104, NULL, NULL, NULL, NULL, true, 0),
        (14, 'B2B d''Été', NULL, 1, 'contact', true, NULL, 'Pune', '411001', 592, 104, '27aapfu0939f1zv', '+919845011111', NULL, NULL, true, 1),
        (15, 'Of the other company', NULL, 2, 'contact', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, 1),
        (16, 'Gone', NULL, NULL, 'contact', true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 1);
    CREATE TABLE res_company (id integer PRIMARY KEY, name varchar, partner_id integer, currency_id integer, parent_id integer, active boolean, sequence integer, email varchar);
    INSERT INTO res_company VALUES (1, 'My Company (Bengaluru)', 1, 20, NULL, true, 0, NULL), (2, 'My Company, Mumbai', 7, 20, NULL, true, 10, NULL), (3, 'Closed', 16, 1, NULL, false, 20, NULL);
    IF v >= 18 THEN
        ALTER TABLE res_company ADD account_price_include varchar DEFAULT 'tax_excluded';
    END IF;

    CREATE TABLE uom_uom (id integer PRIMARY KEY, name jsonb, active boolean DEFAULT true, factor numeric, write_date timestamp);
    IF v >= 19 THEN
        ALTER TABLE uom_uom ADD relative_factor numeric, ADD relative_uom_id integer, ADD parent_path varchar;
    ELSE
        ALTER TABLE uom_uom ADD category_id integer, ADD uom_type varchar, ADD rounding numeric;
    END IF;
    INSERT INTO uom_uom (id, name, factor) VALUES (1, '{"en_US": "Units"}', 1), (2, '{"en_US": "Dozens"}', CASE WHEN v >= 19 THEN 12 ELSE 1 / 12.0 END), (12, '{"en_US": "kg"}', 1), (30, '{"en_US": "Our box"}', 1);
    INSERT INTO ir_model_data (name, module, model, res_id) VALUES ('product_uom_unit', 'uom', 'uom.uom', 1), ('product_uom_dozen', 'uom', 'uom.uom', 2), ('product_uom_kgm', 'uom', 'uom.uom', 12);

    CREATE TABLE product_category (id integer PRIMARY KEY, name varchar, complete_name varchar, parent_id integer, parent_path varchar);
    INSERT INTO product_category VALUES (1, 'All', 'All', NULL, '1/'), (4, 'Office', 'All / Office', 1, '1/4/');
    CREATE TABLE product_template (id integer PRIMARY KEY, name jsonb, type varchar, categ_id integer, uom_id integer, list_price numeric, company_id integer,
        active boolean DEFAULT true, sale_ok boolean DEFAULT true, default_code varchar, description_sale jsonb, write_date timestamp);
    CREATE TABLE product_product (id integer PRIMARY KEY, product_tmpl_id integer, default_code varchar, barcode varchar, active boolean DEFAULT true,
        weight numeric, volume numeric, combination_indices varchar, write_date timestamp);
    CREATE INDEX product_product__default_code_index ON product_product (default_code);
    IF v < 18 THEN
        ALTER TABLE product_template ADD detailed_type varchar;
        CREATE TABLE ir_property (id serial PRIMARY KEY, name varchar, res_id varchar, company_id integer, fields_id integer, value_float float8, type varchar);
    ELSE
        ALTER TABLE product_template ADD is_storable boolean;
        ALTER TABLE product_product ADD standard_price jsonb;
    END IF;
    IF v >= 17 THEN
        ALTER TABLE product_template ADD l10n_in_hsn_code varchar;
    ELSE
        ALTER TABLE product_template ADD hs_code varchar;
    END IF;
    INSERT INTO product_template (id, name, type, categ_id, uom_id, list_price, company_id, active) VALUES
        (1, '{"en_US": "Customizable Desk", "fr_FR": "Bureau"}', 'consu', 4, 1, 750, NULL, true),
        (2, '{"en_US": "Rice"}', 'consu', 1, 12, 80.5, NULL, true),
        (3, '{"fr_FR": "Lampe"}', 'consu', 1, 1, 40, NULL, true),
        (4, '{"en_US": "Standard delivery"}', 'service', 1, 1, 10, NULL, true),
        (5, '{"en_US": "Bolt \"M8\"; 100% zinc"}', 'consu', 1, 2, 0, NULL, true),
        (6, '{"en_US": "Of Mumbai"}', 'consu', 1, 1, 5, 2, true),
        (7, '{"en_US": "Archived"}', 'consu', 1, 1, 5, NULL, false),
        (8, '{"en_US": "Twin A"}', 'consu', 1, 1, 7, NULL, true),
        (9, '{"en_US": "Twin B"}', 'consu', 1, 1, 8, NULL, true),
        (10, '{"en_US": "Box"}', 'consu', 1, 30, 9, 1, true),
        (11, '{"en_US": "Egg"}', 'consu', 1, 1, 6, NULL, true);
    UPDATE product_template SET description_sale = '{"en_US": "long text"}';
    INSERT INTO product_product (id, product_tmpl_id, default_code, active, weight, barcode) VALUES
        (1, 1, 'FURN_0096', true, 20, '601'), (2, 1, 'FURN_0097', true, 20.5, NULL), (3, 1, NULL, true, NULL, NULL),
        (4, 2, ' RICE ', true, 1, NULL), (5, 3, '', true, 0, NULL), (6, 4, 'Delivery_007', true, 0, NULL), (7, 5, '3', true, 0.02, NULL), (8, 6, 'MUM', true, 1, NULL),
        (9, 7, 'TWIN', true, 1, NULL), (10, 8, 'TWIN', true, 1, NULL), (11, 9, 'TWIN', true, 1, NULL), (12, 10, 'BOX', true, 1, NULL), (13, 11, 'EGG', true, 0.06, NULL);
    IF v < 18 THEN
        UPDATE product_template SET type = 'product' WHERE type = 'consu' AND id <> 10;
        UPDATE product_template SET detailed_type = type;
        INSERT INTO ir_property (name, res_id, company_id, fields_id, value_float, type) VALUES ('standard_price', 'product.product,1', 1, 99, 500, 'float'), ('standard_price', 'product.product,1', 2, 99, 400, 'float'),
            ('standard_price', 'product.product,4', 1, 99, 60.255, 'float'), ('standard_price', NULL, NULL, 99, 1, 'float'), ('property_account_payable_id', 'res.partner,4', 1, 98, NULL, 'many2one');
    ELSE
        UPDATE product_template SET is_storable = id <> 10 WHERE type = 'consu';
        UPDATE product_product SET standard_price = '{"1": 500.0, "2": 400.0}' WHERE id = 1;
        UPDATE product_product SET standard_price = '{"1": 60.255}' WHERE id = 4;
    END IF;
    IF v >= 17 THEN
        UPDATE product_template SET l10n_in_hsn_code = CASE id WHEN 1 THEN '9403' WHEN 11 THEN '0407.21' END;
    ELSE
        UPDATE product_template SET hs_code = CASE id WHEN 1 THEN '9403' WHEN 11 THEN '0407.21' END;
    END IF;
    CREATE TABLE product_attribute_value (id integer PRIMARY KEY, name jsonb, sequence integer, attribute_id integer);
    INSERT INTO product_attribute_value VALUES (1, '{"en_US": "Steel"}', 1, 1), (2, '{"en_US": "Aluminium", "fr_FR": "Alu"}', 2, 1), (3, '{"en_US": "White"}', 1, 2), (4, '{"en_US": "Plain"}', 1, 3);
    CREATE TABLE product_template_attribute_line (id integer PRIMARY KEY, product_tmpl_id integer, attribute_id integer, sequence integer, active boolean);
    IF v = 16 THEN
        ALTER TABLE product_template_attribute_line DROP sequence;
        INSERT INTO product_template_attribute_line VALUES (1, 1, 1, true), (2, 1, 2, true), (3, 2, 3, true), (4, 13, 1, true);
    ELSE
        INSERT INTO product_template_attribute_line VALUES (1, 1, 1, 10, true), (2, 1, 2, 20, true), (3, 2, 3, 10, true), (4, 13, 1, 10, true);
    END IF;
    CREATE TABLE product_template_attribute_value (id integer PRIMARY KEY, product_tmpl_id integer, attribute_line_id integer, attribute_id integer, product_attribute_value_id integer, price_extra numeric, ptav_active boolean);
    INSERT INTO product_template_attribute_value VALUES (1, 1, 1, 1, 1, 0, true), (2, 1, 1, 1, 2, 50.4, true), (3, 1, 2, 2, 3, 6, true), (4, 2, 3, 3, 4, NULL, true);
    CREATE TABLE product_variant_combination (product_product_id integer, product_template_attribute_value_id integer, PRIMARY KEY (product_product_id, product_template_attribute_value_id));
    INSERT INTO product_variant_combination VALUES (1, 1), (1, 3), (2, 2), (2, 3), (4, 4);

    CREATE TABLE account_tax (id integer PRIMARY KEY, name jsonb, amount numeric, amount_type varchar, type_tax_use varchar, company_id integer, active boolean DEFAULT true, sequence integer, tax_group_id integer);
    IF v < 18 THEN
        ALTER TABLE account_tax ADD price_include boolean;
    ELSE
        ALTER TABLE account_tax ADD price_include_override varchar;
    END IF;
    INSERT INTO account_tax (id, name, amount, amount_type, type_tax_use, company_id, active) VALUES
        (1, '{"en_US": "GST 18%"}', 18, 'group', 'sale', 1, true), (2, '{"en_US": "SGST"}', 9, 'percent', 'none', 1, true), (3, '{"en_US": "CGST"}', 9, 'percent', 'none', 1, true),
        (4, '{"en_US": "5%"}', 5, 'percent', 'sale', 1, true), (5, '{"en_US": "Cess 3%"}', 3, 'percent', 'sale', 1, true), (6, '{"en_US": "Bag fee"}', 2, 'fixed', 'sale', 1, true),
        (7, '{"en_US": "Mumbai 12%"}', 12, 'percent', 'sale', 2, true), (8, '{"en_US": "Bought 5%"}', 5, 'percent', 'purchase', 1, true), (9, '{"en_US": "Old 28%"}', 28, 'percent', 'sale', 1, false),
        (10, '{"en_US": "20% of the price"}', 20, 'division', 'sale', 1, true), (11, '{"en_US": "Withheld"}', -1, 'percent', 'sale', 1, true);
    IF v < 18 THEN
        UPDATE account_tax SET price_include = id IN (4, 10);
    ELSE
        UPDATE account_tax SET price_include_override = 'tax_included' WHERE id IN (4, 10);
    END IF;
    CREATE TABLE account_tax_filiation_rel (parent_tax integer, child_tax integer, PRIMARY KEY (parent_tax, child_tax));
    INSERT INTO account_tax_filiation_rel VALUES (1, 2), (1, 3);
    CREATE TABLE product_taxes_rel (prod_id integer, tax_id integer, PRIMARY KEY (prod_id, tax_id));
    INSERT INTO product_taxes_rel VALUES (1, 1), (1, 7), (2, 4), (2, 5), (3, 7), (5, 9), (8, 4), (9, 5), (9, 4), (10, 10);

    CREATE TABLE stock_location (id integer PRIMARY KEY, name varchar, complete_name varchar, location_id integer, parent_path varchar, usage varchar, company_id integer, active boolean DEFAULT true, warehouse_id integer);
    INSERT INTO stock_location (id, name, location_id, parent_path, usage, company_id, active) VALUES
        (1, 'Physical Locations', NULL, '1/', 'view', NULL, true), (2, 'Partners', NULL, '2/', 'view', NULL, true), (3, 'Virtual', NULL, '3/', 'view', NULL, true),
        (4, 'Vendors', 2, '2/4/', 'supplier', NULL, true), (5, 'Customers', 2, '2/5/', 'customer', NULL, true), (6, 'Transit', 1, '1/6/', 'transit', NULL, true), (7, 'Inventory adjustment', 3, '3/7/', 'inventory', 1, true),
        (8, 'WH', 1, '1/8/', 'view', 1, true), (9, 'Stock', 8, '1/8/9/', 'internal', 1, true), (10, 'Input', 8, '1/8/10/', 'internal', 1, false), (11, 'Shelf', 10, '1/8/10/11/', 'internal', 1, true),
        (12, 'Loss', 8, '1/8/12/', 'inventory', 1, true), (18, 'BLR', 1, '1/18/', 'view', 1, true), (19, 'Stock', 18, '1/18/19/', 'internal', 1, true),
        (28, 'MUM', 1, '1/28/', 'view', 2, true), (29, 'Stock', 28, '1/28/29/', 'internal', 2, true), (30, 'Nowhere', NULL, NULL, 'internal', 1, true);
    CREATE TABLE stock_warehouse (id integer PRIMARY KEY, name varchar, code varchar(5), company_id integer, partner_id integer, view_location_id integer, lot_stock_id integer, active boolean DEFAULT true, delivery_steps varchar);
    INSERT INTO stock_warehouse VALUES (1, 'Bengaluru', 'WH', 1, 1, 8, 9, true, 'ship_only'), (2, 'BLR West', 'BLR', 1, NULL, 18, 19, true, 'pick_ship'), (3, 'Mumbai', 'MUM', 2, 7, 28, 29, true, 'ship_only');
    CREATE TABLE stock_lot (id integer PRIMARY KEY, name varchar, product_id integer, company_id integer, note text);
    ALTER TABLE stock_lot ADD expiration_date timestamp, ADD removal_date timestamp, ADD use_date timestamp; -- module product_expiry
    INSERT INTO stock_lot (id, name, product_id, company_id) VALUES (1, 'L1', 13, 1), (2, 'L2', 13, 1), (3, 'L3', 13, 1);
    UPDATE stock_lot SET expiration_date = '2031-01-20 10:00:00', removal_date = '2031-01-15 10:00:00' WHERE id = 1;
    UPDATE stock_lot SET expiration_date = '2030-01-20 10:00:00' WHERE id = 2;
    CREATE TABLE stock_quant (id serial PRIMARY KEY, product_id integer, location_id integer, company_id integer, lot_id integer, package_id integer, owner_id integer,
        quantity float8, reserved_quantity float8 DEFAULT 0, inventory_quantity float8, in_date timestamp DEFAULT '2026-01-01 06:00:00', write_date timestamp);
    IF v >= 18 THEN
        ALTER TABLE stock_quant ALTER quantity TYPE numeric, ALTER reserved_quantity TYPE numeric;
    END IF;
    INSERT INTO stock_quant (product_id, location_id, lot_id, package_id, owner_id, quantity, reserved_quantity) VALUES
        (1, 9, NULL, NULL, NULL, 10, 3), (1, 9, NULL, 5, NULL, 2, 0), (1, 11, NULL, NULL, NULL, 4, 0), (1, 19, NULL, NULL, NULL, 1, 0), (1, 29, NULL, NULL, NULL, 50, 0),
        (1, 5, NULL, NULL, NULL, 100, 0), (1, 4, NULL, NULL, NULL, -117, 0), (1, 7, NULL, NULL, NULL, -5, 0), (1, 6, NULL, NULL, NULL, 8, 0), (1, 12, NULL, NULL, NULL, 9, 0), (1, 30, NULL, NULL, NULL, 9, 0),
        (2, 9, NULL, NULL, NULL, NULL, 0), (3, 9, NULL, NULL, NULL, -2, 0), (4, 9, NULL, NULL, NULL, 12.345, 0.1), (5, 9, NULL, NULL, 9, 6, 0), (5, 19, NULL, NULL, 1, 2, 0),
        (7, 9, NULL, NULL, NULL, 0, 0), (9, 9, NULL, NULL, NULL, 3, 0), (8, 29, NULL, NULL, NULL, 3, 0),
        (13, 9, 1, NULL, NULL, 5, 1), (13, 11, 1, NULL, NULL, 2, 0), (13, 9, 2, NULL, NULL, 3, 0), (13, 9, 3, NULL, NULL, 0, 0);
    CREATE TABLE stock_picking_type (id integer PRIMARY KEY, name jsonb, code varchar, warehouse_id integer);
    INSERT INTO stock_picking_type VALUES (1, '{"en_US": "Receipts"}', 'incoming', 1), (2, '{"en_US": "Delivery Orders"}', 'outgoing', 1), (3, '{"en_US": "Internal"}', 'internal', 1), (12, '{"en_US": "Delivery Orders"}', 'outgoing', 2), (22, '{"en_US": "Delivery Orders"}', 'outgoing', 3);
    CREATE TABLE delivery_carrier (id integer PRIMARY KEY, name jsonb, product_id integer);
    INSERT INTO delivery_carrier VALUES (1, '{"en_US": "Normal Delivery"}', 6);
    CREATE TABLE stock_picking (id serial PRIMARY KEY, name varchar, origin varchar, state varchar, partner_id integer, picking_type_id integer, location_id integer, location_dest_id integer, company_id integer,
        scheduled_date timestamp, date_done timestamp, carrier_id integer, carrier_tracking_ref varchar, sale_id integer);
    INSERT INTO stock_picking (name, origin, state, partner_id, picking_type_id, location_id, location_dest_id, company_id, date_done, carrier_id, carrier_tracking_ref, sale_id) VALUES
        ('WH/OUT/00001', 'S00001', 'done', 12, 2, 9, 5, 1, '2026-03-01 05:30:00', 1, ' AWB1 ', 1), ('WH/OUT/00002', 'S00001', 'assigned', 12, 2, 9, 5, 1, NULL, NULL, NULL, 1),
        ('WH/IN/00001', 'P00001', 'assigned', 20, 1, 4, 9, 1, NULL, NULL, NULL, NULL), ('WH/RET/00001', 'Return of WH/OUT/00001', 'confirmed', 12, 1, 5, 9, 1, NULL, NULL, NULL, 1),
        ('WH/INT/00001', NULL, 'assigned', NULL, 3, 9, 11, 1, NULL, NULL, NULL, NULL), ('MUM/OUT/00001', 'S00005', 'assigned', 9, 22, 29, 5, 2, NULL, NULL, NULL, 5), ('WH/OUT/00003', 'S00002', 'cancel', 11, 2, 9, 5, 1, NULL, NULL, '', NULL);
    CREATE TABLE stock_move (id serial PRIMARY KEY, name varchar, product_id integer, product_uom integer DEFAULT 1, product_uom_qty numeric, product_qty numeric, state varchar, location_id integer, location_dest_id integer,
        picking_id integer, date timestamp DEFAULT '2026-04-01 18:30:00', origin varchar, company_id integer);
    IF v >= 17 THEN
        ALTER TABLE stock_move ADD quantity numeric, ADD picked boolean;
    END IF;
    INSERT INTO stock_move (product_id, product_uom_qty, product_qty, state, location_id, location_dest_id, picking_id) VALUES
        (1, 5, 5, 'partially_available', 9, 5, 2), (1, 2, 2, 'waiting', 9, 11, NULL), (1, 1, 1, 'confirmed', 9, 19, NULL), (1, 4, 4, 'done', 9, 5, 1), (1, 6, 6, 'assigned', 4, 9, 3),
        (5, 1, 1, 'confirmed', 5, 9, 4), (2, 3, 3, 'cancel', 9, 5, 2), (2, 3, 3, 'cancel', 9, 5, 7), (5, 8, 8, 'assigned', 6, 19, NULL), (5, 8, 8, 'assigned', 4, 29, NULL);
    -- two dozen of what is kept by the piece, three of them shipped by the piece
    INSERT INTO stock_move (product_id, product_uom, product_uom_qty, product_qty, state, location_id, location_dest_id, picking_id) VALUES (5, 2, 2, 24, 'done', 9, 5, 1);
    IF v >= 17 THEN
        UPDATE stock_move SET quantity = product_uom_qty WHERE state = 'done';
    END IF;
    CREATE TABLE product_supplierinfo (id serial PRIMARY KEY, partner_id integer, product_tmpl_id integer, product_id integer, min_qty numeric, price numeric, delay integer, company_id integer);
    INSERT INTO res_partner (id, name, is_company, type, zip, country_id, vat, phone) VALUES (20, 'Timber & Co', true, 'contact', '560100', 104, '29AAGCB7383J1Z4', '080 2345 6789'), (21, 'Never bought from', true, 'contact', NULL, NULL, NULL, NULL);
    INSERT INTO product_supplierinfo (partner_id, product_tmpl_id, min_qty, price, delay) VALUES (20, 1, 1, 500, 3), (20, 2, 1, 50, 7);
    CREATE TABLE product_pricelist (id integer PRIMARY KEY, name jsonb, active boolean DEFAULT true, currency_id integer, company_id integer, sequence integer);
    INSERT INTO product_pricelist VALUES (1, '{"en_US": "Default"}', true, 20, NULL, 1), (2, '{"en_US": "Dealers"}', true, 20, 1, 2), (3, '{"en_US": "Dollars"}', true, 1, NULL, 3), (4, '{"en_US": "Mumbai only"}', true, 20, 2, 4);
    CREATE TABLE product_pricelist_item (id integer PRIMARY KEY, pricelist_id integer, applied_on varchar, product_tmpl_id integer, product_id integer, categ_id integer, compute_price varchar, base varchar, fixed_price numeric, percent_price float8,
        price_discount numeric, price_surcharge numeric, price_round numeric, price_min_margin numeric, price_max_margin numeric, min_quantity numeric, date_start timestamp, date_end timestamp, company_id integer);
    -- dealers: 10 % off, offices 20 %, the steel desk 700, from 5 on 650 in summer; rice by formula; the rest is not for us
    INSERT INTO product_pricelist_item (id, pricelist_id, applied_on, product_tmpl_id, product_id, categ_id, compute_price, base, fixed_price, percent_price, price_discount, price_surcharge, price_round, min_quantity, date_start, date_end) VALUES
        (1, 2, '3_global', NULL, NULL, NULL, 'percentage', 'list_price', 0, 10, 0, 0, 0, 0, NULL, NULL), (2, 2, '2_product_category', NULL, NULL, 4, 'percentage', 'list_price', 0, 20, 0, 0, 0, 0, NULL, NULL),
        (3, 2, '0_product_variant', 1, 1, NULL, 'fixed', 'list_price', 700, 0, 0, 0, 0, 0, NULL, NULL), (4, 2, '0_product_variant', 1, 1, NULL, 'fixed', 'list_price', 650, 0, 0, 0, 0, 5, '2026-04-30 18:30:00', '2026-06-30 18:30:00'),
        (5, 2, '1_product', 2, NULL, NULL, 'formula', 'list_price', 0, 0, 15, -0.01, 5, 10, NULL, NULL), (6, 2, '1_product', 3, NULL, NULL, 'formula', 'standard_price', 0, 0, 0, 0, 0, 0, NULL, NULL),
        (7, 3, '3_global', NULL, NULL, NULL, 'percentage', 'list_price', 0, 50, 0, 0, 0, 0, NULL, NULL), (8, 4, '3_global', NULL, NULL, NULL, 'fixed', NULL, 1, 0, 0, 0, 0, 0, NULL, NULL);
    CREATE TABLE mrp_bom (id integer PRIMARY KEY, type varchar, product_tmpl_id integer, product_id integer, product_qty numeric, product_uom_id integer, sequence integer, active boolean DEFAULT true, company_id integer, code varchar);
    CREATE TABLE mrp_bom_line (id integer PRIMARY KEY, bom_id integer, product_id integer, product_qty numeric, product_uom_id integer, sequence integer);
    CREATE TABLE mrp_bom_line_product_template_attribute_value_rel (mrp_bom_line_id integer, product_template_attribute_value_id integer, PRIMARY KEY (mrp_bom_line_id, product_template_attribute_value_id));
    -- a box is half a dozen lamps and a bag, four bags are a kilo of rice; a set is two kilos, and in steel three bolts
    INSERT INTO product_template (id, name, type, categ_id, uom_id, list_price) VALUES (12, '{"en_US": "Bag"}', 'consu', 1, 1, 30), (13, '{"en_US": "Set"}', 'consu', 4, 1, 99);
    INSERT INTO product_product (id, product_tmpl_id, default_code, weight) VALUES (14, 12, 'BAG', 0), (15, 13, 'SET-ST', 0), (16, 13, 'SET-AL', 0);
    INSERT INTO product_template_attribute_value VALUES (5, 13, 4, 1, 1, 0, true), (6, 13, 4, 1, 2, 0, true);
    INSERT INTO product_variant_combination VALUES (15, 5), (16, 6);
    IF v < 18 THEN
        UPDATE product_template SET type = 'product', detailed_type = 'product' WHERE id IN (12, 13);
    ELSE
        UPDATE product_template SET is_storable = true WHERE id IN (12, 13);
    END IF;
    INSERT INTO mrp_bom VALUES (1, 'phantom', 10, NULL, 1, 30, 1, true, NULL, NULL), (2, 'phantom', 12, NULL, 4, 1, 1, true, NULL, NULL), (3, 'normal', 3, NULL, 1, 1, 1, true, NULL, NULL), (4, 'phantom', 13, NULL, 1, 1, 1, true, 2, NULL), (5, 'phantom', 13, NULL, 1, 1, 2, true, NULL, NULL);
    INSERT INTO mrp_bom_line VALUES (1, 1, 5, 0.5, 2, 1), (2, 1, 14, 1, 1, 2), (3, 2, 4, 1, 12, 1), (4, 3, 4, 1, 12, 1), (5, 4, 4, 1, 12, 1), (6, 5, 7, 0.25, 2, 1), (7, 5, 4, 2, 12, 2), (8, 1, 6, 1, 1, 3);
    INSERT INTO mrp_bom_line_product_template_attribute_value_rel VALUES (6, 5);
    CREATE TABLE sale_order (id serial PRIMARY KEY, name varchar, partner_id integer, company_id integer, state varchar, client_order_ref varchar, warehouse_id integer, delivery_status varchar, date_order timestamp DEFAULT '2026-02-28 20:00:00',
        amount_total numeric, currency_id integer, currency_rate numeric, locked boolean);
    INSERT INTO sale_order (name, partner_id, company_id, state, client_order_ref, warehouse_id, delivery_status, amount_total, currency_id, currency_rate) VALUES
        ('S00001', 12, 1, 'sale', 'WEB-1', 1, 'partial', 4720, 20, 1), ('S00002', 11, 1, 'draft', NULL, 1, NULL, 12.5, 1, 0.0125), ('S00003', 7, 1, 'sale', '', 2, 'pending', 0, 20, 1), ('S00004', 9, 1, 'cancel', NULL, 1, 'full', 0, 20, NULL), ('S00005', 9, 2, 'sale', NULL, 3, NULL, 5, 20, 1);
    CREATE TABLE sale_order_line (id serial PRIMARY KEY, order_id integer, name text, sequence integer DEFAULT 10, product_id integer, product_uom_qty numeric, qty_delivered numeric, price_unit numeric, discount numeric, display_type varchar);
    EXECUTE format('ALTER TABLE sale_order_line ADD %I integer DEFAULT 1', CASE WHEN v >= 19 THEN 'product_uom_id' ELSE 'product_uom' END);
    INSERT INTO sale_order_line (order_id, name, product_id, product_uom_qty, price_unit, discount, display_type) VALUES
        (1, 'Desk', 1, 4, 750, 10, NULL), (1, 'Our terms', NULL, 0, 0, 0, 'line_note'), (1, 'Shipping', 6, 1, 10, 0, NULL), (2, 'Desk', 2, 1, 10, 0, NULL), (2, 'Desk', 2, 2, 1.25, NULL, NULL);
    EXECUTE format('INSERT INTO sale_order_line (order_id, name, product_id, %I, product_uom_qty, price_unit) VALUES (1, ''Lamps'', 5, 2, 2, 480)', CASE WHEN v >= 19 THEN 'product_uom_id' ELSE 'product_uom' END);
END $make$;

-- what came of it, in one text
CREATE FUNCTION odoo_picture() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT string_agg(l, E'\n' ORDER BY l COLLATE "C") FROM (
        SELECT concat_ws('|', 'node', code, name, kind, address, city, pincode, state_code, gstin, open) FROM oms.node
        UNION ALL SELECT concat_ws('|', 'sku', erp_key, code, name, category, hsn, tax_code, uom, weight_g, cost, CASE WHEN NOT tracked THEN 'not counted' END, CASE WHEN NOT active THEN 'inactive' END) FROM oms.sku
        UNION ALL SELECT concat_ws('|', 'tax', code, rate, description) FROM oms.tax_code
        UNION ALL SELECT concat_ws('|', 'price', k.code, p.amount, CASE WHEN p.includes_tax THEN 'tax in it' END, l.name, 'from ' || nullif(trim_scale(p.min_qty), 0), to_char(nullif(p.valid_from, '-infinity') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), to_char(p.valid_to AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'))
                    FROM oms.price p JOIN oms.sku k USING (sku_id) LEFT JOIN oms.price_list l USING (price_list_id)
        UNION ALL SELECT concat_ws('|', 'kit', k.code, c.code, trim_scale(x.qty)) FROM oms.kit_component x JOIN oms.sku k ON k.sku_id = x.kit_sku_id JOIN oms.sku c ON c.sku_id = x.sku_id
        UNION ALL SELECT concat_ws('|', 'list', erp_key, name, currency, CASE WHEN NOT active THEN 'inactive' END) FROM oms.price_list
        UNION ALL SELECT concat_ws('|', 'address', erp_key, kind, name, phone, address1, city, state_code, pincode, country, CASE WHEN NOT active THEN 'inactive' END) FROM oms.customer_address
        UNION ALL SELECT concat_ws('|', 'supplier', erp_key, name, gstin, phone, pincode, lead_days, CASE WHEN NOT active THEN 'inactive' END) FROM oms.supplier
        UNION ALL SELECT concat_ws('|', 'order', number, reference, customer_key, node_key, status, erp_status, to_char(ordered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), currency, total, nullif(lines, '[]')) FROM oms.erp_order
        UNION ALL SELECT concat_ws('|', 'shipment', number, reference, order_key, node_key, status, carrier, awb, to_char(shipped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), lines) FROM oms.erp_shipment
        UNION ALL SELECT concat_ws('|', 'return', number, reference, order_key, node_key, status, to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), lines) FROM oms.erp_return
        UNION ALL SELECT concat_ws('|', 'inbound', n.code, k.code, trim_scale(i.qty), to_char(i.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), i.document, i.state, (SELECT s.name FROM oms.supplier s WHERE s.supplier_id = i.supplier_id)) FROM oms.inbound i JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)
        UNION ALL SELECT concat_ws('|', 'customer', erp_key, name, phone, email, gstin, pincode) FROM oms.customer
        UNION ALL SELECT concat_ws('|', 'stock', n.code, k.code, trim_scale(s.on_hand)) FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)
        UNION ALL SELECT concat_ws('|', 'lot', n.code, b.lot, trim_scale(b.on_hand), to_char(b.expires_on, 'YYYY-MM-DD')) FROM oms.stock_lot b JOIN oms.node n USING (node_id) WHERE NOT b.gone) AS x (l));
END $$;

BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(19) \g /dev/null
SELECT * FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}', dry_run => true) AS r WHERE r LIKE 'entity%';
SELECT severity, entity, "column", problem FROM oms.check_profile('odoo', '{"schema": "odoo"}') WHERE severity <> 'info';
SELECT count(*) FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}') AS r WHERE r LIKE 'entity%';
SELECT odoo_picture() AS v19 \gset
\echo :v19
SELECT DISTINCT received_at AT TIME ZONE 'UTC' AS received FROM oms.stock_lot;
SELECT * FROM oms.erp_verify();
SELECT source, message FROM oms.reject;

-- what Odoo does, one after the other; nothing may be left behind by any
CREATE FUNCTION pg_temp.step(what text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text[] := string_to_array(odoo_picture(), E'\n');
    after text[];
    drift bigint;
BEGIN
    SET LOCAL search_path = odoo, public;
    EXECUTE change;
    PERFORM oms.erp_apply();
    after := string_to_array(odoo_picture(), E'\n');
    SELECT count(*) INTO drift FROM oms.erp_verify();
    RETURN concat_ws(E'\n', what || CASE WHEN drift > 0 THEN ': DRIFT ' || drift ELSE '' END,
        (SELECT string_agg('  - ' || l, E'\n' ORDER BY l COLLATE "C") FROM unnest(before) l WHERE l <> ALL (after)),
        (SELECT string_agg('  + ' || l, E'\n' ORDER BY l COLLATE "C") FROM unnest(after) l WHERE l <> ALL (before)));
END $$;
\pset tuples_only on
\pset format unaligned
SELECT pg_temp.step(what, change) FROM (VALUES
(1, 'reserved for an order', 'UPDATE stock_quant SET reserved_quantity = 5 WHERE id = 1'),
(2, 'shipped', 'UPDATE stock_quant SET quantity = 8, reserved_quantity = 3 WHERE id = 1; UPDATE stock_quant SET quantity = 102 WHERE id = 6'),
(3, 'zero quants swept', 'UPDATE stock_quant SET quantity = 0 WHERE id = 3; DELETE FROM stock_quant WHERE coalesce(quantity, 0) = 0'),
(4, 'counted where nothing was', 'INSERT INTO stock_quant (product_id, location_id, quantity) VALUES (2, 11, NULL), (2, 19, 7)'),
(5, 'a new bin, empty', 'INSERT INTO stock_location (id, name, location_id, parent_path, usage) VALUES (40, ''Bin'', 9, ''1/8/9/40/'', ''internal'')'),
(6, 'goods into it', 'UPDATE stock_quant SET location_id = 40 WHERE id = 4'),
(7, 'the tree of the bin moves to the other warehouse', 'UPDATE stock_location SET location_id = 19, parent_path = ''1/18/19/40/'' WHERE id = 40'),
(8, 'the bin is for scrap now', 'UPDATE stock_location SET usage = ''inventory'' WHERE id = 40'),
(9, 'and is not any more', 'UPDATE stock_location SET usage = ''internal'' WHERE id = 40'),
(10, 'a template renamed: its variants', 'UPDATE product_template SET name = ''{"en_US": "Desk", "fr_FR": "Bureau"}'' WHERE id = 1'),
(11, 'a value renamed', 'UPDATE product_attribute_value SET name = ''{"en_US": "Alu"}'' WHERE id = 2'),
(12, 'dearer by that value', 'UPDATE product_template_attribute_value SET price_extra = 60 WHERE id = 2'),
(13, 'list price', 'UPDATE product_template SET list_price = 800 WHERE id = 1'),
(14, 'GST 12 %', 'UPDATE account_tax SET amount = 6 WHERE id IN (2, 3)'),
(15, 'two taxes become one', 'DELETE FROM product_taxes_rel WHERE prod_id = 2 AND tax_id = 5'),
(16, 'one becomes three, a set of its own', 'INSERT INTO product_taxes_rel VALUES (2, 5), (2, 6)'),
(17, 'a tax archived', 'UPDATE account_tax SET active = false WHERE id = 6'),
(18, 'the parts of a group now contained in prices', 'UPDATE account_tax SET price_include_override = ''tax_included'' WHERE id IN (2, 3)'),
(19, 'a template archived with its variants', 'UPDATE product_template SET active = false WHERE id = 8; UPDATE product_product SET active = false WHERE product_tmpl_id = 8'),
(20, 'and back', 'UPDATE product_product SET active = true WHERE product_tmpl_id = 8; UPDATE product_template SET active = true WHERE id = 8'),
(21, 'a third of the same code, older variant renamed', 'UPDATE product_product SET default_code = ''TWIN'' WHERE id = 13; UPDATE product_product SET default_code = ''SOLO'' WHERE id = 10'),
(22, 'a code that is the id of an item without', 'UPDATE product_product SET default_code = ''5'' WHERE id = 13'),
(23, 'a new item with stock', 'INSERT INTO product_template (id, name, type, is_storable, categ_id, uom_id, list_price) VALUES (20, ''{"en_US": "New"}'', ''consu'', true, 4, 1, 3); INSERT INTO product_product (id, product_tmpl_id, default_code) VALUES (20, 20, ''NEW''); INSERT INTO product_taxes_rel VALUES (20, 4); INSERT INTO stock_quant (product_id, location_id, quantity) VALUES (20, 9, 5)'),
(24, 'it becomes a service', 'UPDATE product_template SET type = ''service'' WHERE id = 20'),
(25, 'cost', 'UPDATE product_product SET standard_price = ''{"1": 505.5, "2": 400.0}'' WHERE id = 1'),
(26, 'category renamed', 'UPDATE product_category SET complete_name = ''All / Furniture'' WHERE id = 4'),
(27, 'pounds', 'INSERT INTO ir_config_parameter (key, value) VALUES (''product.weight_in_lbs'', ''1'')'),
(28, 'a first order makes a customer', 'INSERT INTO sale_order (name, partner_id, state) VALUES (''S00004'', 3, ''sale'')'),
(29, 'customer moves', 'UPDATE res_partner SET zip = ''570 020'', phone = ''+91 90000 00001'' WHERE id = 12'),
(30, 'the warehouse too', 'UPDATE res_partner SET city = ''Bangalore'', zip = ''560002'' WHERE id = 1'),
(31, 'a lot ends earlier', 'UPDATE stock_lot SET removal_date = ''2029-12-31 05:00:00'' WHERE id = 2'),
(32, 'a lot renamed', 'UPDATE stock_lot SET name = ''L2-B'' WHERE id = 2'),
(33, 'the other company sells and buys', 'UPDATE stock_quant SET quantity = 1 WHERE location_id = 29; UPDATE product_template SET list_price = 6 WHERE id = 6; UPDATE account_tax SET amount = 13 WHERE company_id = 2'),
(34, 'a warehouse archived', 'UPDATE stock_warehouse SET active = false WHERE id = 2'),
(35, 'a warehouse opened', 'INSERT INTO stock_location (id, name, parent_path, usage) VALUES (50, ''HYD'', ''1/50/'', ''view''), (51, ''Stock'', ''1/50/51/'', ''internal''); INSERT INTO stock_quant (product_id, location_id, quantity) VALUES (4, 51, 2.5); INSERT INTO stock_warehouse VALUES (5, ''Hyderabad'', ''HYD'', 1, NULL, 50, 51, true, ''ship_only'')'),
(36, 'a partner deleted', 'DELETE FROM res_partner WHERE id = 14'),
(37, 'all quants gone', 'TRUNCATE stock_quant'),
(38, 'an order confirmed, a line added', 'UPDATE sale_order SET state = ''sale'', delivery_status = ''pending'' WHERE id = 2; INSERT INTO sale_order_line (order_id, product_id, product_uom_qty, price_unit) VALUES (2, 4, 1.5, 1)'),
(39, 'a backorder', 'INSERT INTO stock_picking (name, origin, state, picking_type_id, location_id, location_dest_id, company_id, sale_id) VALUES (''WH/OUT/00009'', ''S00001'', ''confirmed'', 2, 9, 5, 1, 1); INSERT INTO stock_move (product_id, product_uom_qty, product_qty, state, location_id, location_dest_id, picking_id) VALUES (1, 2, 2, ''confirmed'', 9, 5, 8); UPDATE stock_move SET product_qty = 3, product_uom_qty = 3, state = ''done'', quantity = 3 WHERE id = 1; UPDATE stock_picking SET state = ''done'', date_done = ''2026-03-02 04:00:00'', carrier_id = 1, carrier_tracking_ref = ''AWB2'' WHERE id = 2'),
(40, 'delivered in full', 'UPDATE sale_order SET delivery_status = ''full'' WHERE id = 1'),
(41, 'a state nobody knows', 'UPDATE sale_order SET state = ''blocked'' WHERE id = 4'),
(42, 'it came back', 'UPDATE stock_picking SET state = ''done'', date_done = ''2026-03-05 04:00:00'' WHERE id = 4; UPDATE stock_move SET state = ''done'', quantity = 1 WHERE id = 6'),
(43, 'supply came', 'UPDATE stock_move SET state = ''done'', quantity = 6 WHERE id = 5; UPDATE stock_picking SET state = ''done'' WHERE id = 3'),
(0, 'supply later than thought', 'UPDATE stock_move SET date = ''2026-05-01 00:00:00'' WHERE id = 9'),
(45, 'the carrier renamed', 'UPDATE delivery_carrier SET name = ''{"en_US": "Fast"}'''),
(46, 'a bill of material', 'UPDATE mrp_bom_line SET product_qty = 3 WHERE id = 3; DELETE FROM mrp_bom_line WHERE id = 6'),
(47, 'a rule of a price list', 'UPDATE product_pricelist_item SET percent_price = 25 WHERE id = 2'),
(48, 'the company''s clock', 'UPDATE res_partner SET tz = ''Europe/Brussels'' WHERE id = 1'),
(48.5, 'another category, other rules', 'UPDATE product_template SET categ_id = 4 WHERE id = 2'),
(49, 'a list archived', 'UPDATE product_pricelist SET active = false WHERE id = 2'),
(50, 'an address of delivery', 'INSERT INTO res_partner (id, name, parent_id, type, street, zip, country_id) VALUES (60, ''Office'', 12, ''delivery'', ''9 Hill'', ''570009'', 104)'),
(51, 'given up', 'UPDATE res_partner SET active = false WHERE id = 60'),
(52, 'a supplier bought from', 'INSERT INTO product_supplierinfo (partner_id, product_tmpl_id, delay) VALUES (21, 3, 5)')
) AS s (n, what, change) ORDER BY n;
\pset format aligned
\pset tuples_only off
SELECT relation, state, problem FROM oms.erp_lag() WHERE problem IS NOT NULL OR pending > 0;
SELECT source, message FROM oms.reject;
ROLLBACK;

-- parameters, each against a sum made by hand: 10+2+4 of item 1 in WH, 3 reserved; 5 (to a customer) + 1 (to BLR) open;
-- 6 of item 5 are another's
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(19) \g /dev/null
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1, "demand": "done", "owners": "own", "lang": "fr_FR"}');
CREATE TEMP VIEW wh AS SELECT k.erp_key, k.name, s.on_hand FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE n.code = 'WH' AND k.erp_key IN ('1', '5') ORDER BY 1;
SELECT * FROM wh;
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1, "demand": "confirmed"}');
SELECT * FROM wh;
UPDATE odoo.stock_move SET state = 'cancel' WHERE id = 3;
INSERT INTO odoo.stock_move (product_id, product_qty, state, location_id, location_dest_id) VALUES (5, 2, 'confirmed', 9, 5);
SELECT oms.erp_apply();
SELECT * FROM wh;
UPDATE odoo.stock_location SET parent_path = '1/18/5/' WHERE id = 5;
SELECT oms.erp_apply();
SELECT * FROM wh;
SELECT * FROM oms.erp_verify();
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'oms_capture%' \gset
SELECT oms.detach_erp('odoo');
SELECT :triggers > 20 AS had, count(*) AS has FROM pg_trigger WHERE tgname LIKE 'oms_capture%';
ROLLBACK;

-- the other company: its own prices' taxes, its own stock, nothing of the first
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(19) \g /dev/null
SELECT r FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 2}') AS r WHERE r LIKE 'company%' OR r LIKE 'entity%';
SELECT odoo_picture();
SELECT * FROM oms.erp_verify();
ROLLBACK;

-- older ones say the same
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(18) \g /dev/null
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}');
SELECT odoo_picture() = :'v19' AS same;
UPDATE odoo.res_partner SET mobile = '90000 00009' WHERE id = 12;
UPDATE odoo.res_company SET account_price_include = 'tax_included' WHERE id = 1;
SELECT oms.erp_apply() > 0;
SELECT phone FROM oms.customer WHERE erp_key = '12';
SELECT k.code, p.includes_tax FROM oms.price p JOIN oms.sku k USING (sku_id) ORDER BY 1;
SELECT * FROM oms.erp_verify();
ROLLBACK;
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(17) \g /dev/null
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}');
SELECT odoo_picture() = :'v19' AS same;
UPDATE odoo.ir_property SET value_float = 510 WHERE res_id = 'product.product,1' AND company_id = 1;
INSERT INTO odoo.ir_property (name, res_id, company_id, value_float) VALUES ('standard_price', 'product.product,7', 1, 2.5);
DELETE FROM odoo.ir_property WHERE res_id = 'product.product,4';
UPDATE odoo.product_template SET type = 'consu', detailed_type = 'consu' WHERE id = 5;
SELECT oms.erp_apply();
SELECT erp_key, cost, tracked FROM oms.sku WHERE erp_key IN ('1', '4', '7') ORDER BY 1;
SELECT * FROM oms.erp_verify();
ROLLBACK;
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(16) \g /dev/null
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}');
SELECT odoo_picture() = :'v19' AS same;
-- without module product_expiry
ALTER TABLE odoo.stock_lot DROP expiration_date, DROP removal_date, DROP use_date;
SELECT count(*) > 0 AS attached FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}');
SELECT count(expires_on) FROM oms.stock_lot;
UPDATE odoo.stock_lot SET name = 'L9' WHERE id = 1;
SELECT oms.erp_apply();
SELECT lot FROM oms.stock_lot WHERE NOT gone ORDER BY 1;
SELECT * FROM oms.erp_verify();
ROLLBACK;

-- stock alone, without accounting and sales: no taxes, no customers
BEGIN;
SELECT oms.install() \g /dev/null
SELECT odoo_make(19) \g /dev/null
DROP TABLE odoo.account_tax, odoo.account_tax_filiation_rel, odoo.product_taxes_rel, odoo.sale_order, odoo.sale_order_line, odoo.mrp_bom, odoo.mrp_bom_line, odoo.mrp_bom_line_product_template_attribute_value_rel, odoo.delivery_carrier;
ALTER TABLE odoo.res_partner DROP customer_rank;
SELECT r FROM oms.attach_erp('odoo', '{"schema": "odoo", "company": 1}') AS r WHERE r LIKE 'entity%';
SELECT DISTINCT tax_code FROM oms.sku ORDER BY 1;
SELECT * FROM oms.erp_verify();
ROLLBACK;
DROP FUNCTION odoo_make(integer), odoo_picture();
