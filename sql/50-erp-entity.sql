-- erp: what a profile may say. The columns of each entity stand here, once:
-- checks, reports and the text form of profiles go by these rows. Who adds an
-- entity adds its columns.

CREATE TABLE oms.erp_entity_column (  --| What the query of an entity returns: one row a column, also for key. Queries may leave out what is not required.
    entity text NOT NULL,           --| Entity
    name text NOT NULL,             --| Column of the query's result
    type text NOT NULL,             --| SQL type its values must fit; the query's own type need only convert
    required boolean NOT NULL DEFAULT false, --| true: the query must return it, and a row without it is of no use
    meaning text NOT NULL,          --| For people
    in_key boolean NOT NULL DEFAULT false, --| Together these columns are a row's own: no two rows may have the same. None: rows may repeat
    refers text,                    --| Entity whose key it holds; two joined by | for a key of two parts. NULL: none
    rule text,                      --| SQL condition on the value v, of that type; the values that do not meet it are not taken in. NULL: all are
    PRIMARY KEY (entity, name)
);

INSERT INTO oms.erp_entity_column (entity, name, type, required, meaning, in_key, refers, rule) VALUES
('node', 'key', 'text', true, 'the ERP''s key of the place', true, NULL, NULL),
('node', 'code', 'text', false, 'short code; without: the key', false, NULL, NULL),
('node', 'name', 'text', false, 'for people; without: the code', false, NULL, NULL),
('node', 'kind', 'text', false, 'warehouse, dark_store, store or supplier; warehouse where not stated', false, NULL, 'v IN (''warehouse'', ''dark_store'', ''store'', ''supplier'')'),
('node', 'address', 'text', false, 'street address, printed on labels', false, NULL, NULL),
('node', 'city', 'text', false, 'city', false, NULL, NULL),
('node', 'pincode', 'text', false, 'six digits', false, NULL, 'replace(v, '' '', '''') ~ ''^[1-9][0-9]{5}$'''),
('node', 'state', 'text', false, 'GST state: its code, name or ISO code; without: that of the pincode', false, NULL,
 'EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = v OR lower(g.name) = lower(v) OR g.iso = upper(regexp_replace(v, ''^IN-'', '''', ''i'')))'),
('node', 'gstin', 'text', false, 'GST registration it supplies under', false, NULL, 'oms.is_gstin(v)'),
('node', 'active', 'boolean', false, 'false closes it', false, NULL, NULL),

('sku', 'key', 'text', true, 'the ERP''s key of the item', true, NULL, NULL),
('sku', 'code', 'text', false, 'code that channels use; without: the key', false, NULL, NULL),
('sku', 'name', 'text', false, 'for people; without: the code', false, NULL, NULL),
('sku', 'category', 'text', false, 'category, for reports and risk', false, NULL, NULL),
('sku', 'hsn', 'text', false, 'HSN, 4 to 8 digits', false, NULL, 'replace(v, '' '', '''') ~ ''^[0-9]{4,8}$'''),
('sku', 'tax_code', 'text', false, 'code of its tax', false, NULL, NULL),
('sku', 'uom', 'text', false, 'stock unit, GST unit code; NOS where not stated', false, NULL, NULL),
('sku', 'weight_g', 'numeric', false, 'weight of one stock unit, packed, grams', false, NULL, 'v > 0 AND v <= 2147483647'),
('sku', 'length_mm', 'numeric', false, 'packed length, millimetres', false, NULL, 'v > 0 AND v <= 2147483647'),
('sku', 'width_mm', 'numeric', false, 'packed width, millimetres', false, NULL, 'v > 0 AND v <= 2147483647'),
('sku', 'height_mm', 'numeric', false, 'packed height, millimetres', false, NULL, 'v > 0 AND v <= 2147483647'),
('sku', 'cost', 'numeric(14,2)', false, 'cost of one stock unit', false, NULL, 'v >= 0 AND v < ''NaN'''),
('sku', 'cod_ok', 'boolean', false, 'may be sold cash on delivery', false, NULL, NULL),
('sku', 'returnable', 'boolean', false, 'may be returned', false, NULL, NULL),
('sku', 'cold_chain', 'boolean', false, 'needs a cold chain', false, NULL, NULL),
('sku', 'fragile', 'boolean', false, 'handle with care', false, NULL, NULL),
('sku', 'air_ok', 'boolean', false, 'may fly', false, NULL, NULL),
('sku', 'tracked', 'boolean', false, 'false: its stock is not counted', false, NULL, NULL),
('sku', 'active', 'boolean', false, 'false: refused on new orders', false, NULL, NULL),

('kit', 'key', 'text', true, 'the ERP''s key of this component of the kit', true, NULL, NULL),
('kit', 'kit', 'text', true, 'key of the kit', false, 'sku', NULL),
('kit', 'component', 'text', true, 'key of the component; not itself a kit', false, 'sku', NULL),
('kit', 'qty', 'numeric(14,3)', true, 'stock units of the component in one kit', false, NULL, 'v > 0 AND v < ''NaN'''),

('tax', 'key', 'text', true, 'the ERP''s key of the rate', true, NULL, NULL),
('tax', 'code', 'text', true, 'what tax_code of items says', false, NULL, NULL),
('tax', 'valid_from', 'date', false, 'first day; without: always', false, NULL, NULL),
('tax', 'above_value', 'numeric(14,2)', false, 'for units of more than this taxable value; 0 where not stated', false, NULL, 'v >= 0 AND v < ''NaN'''),
('tax', 'rate', 'numeric(6,3)', true, 'percent, CGST and SGST together', false, NULL, 'v >= 0 AND v <= 100'),
('tax', 'description', 'text', false, 'for people', false, NULL, NULL),

('price', 'key', 'text', true, 'the ERP''s key of the price', true, NULL, NULL),
('price', 'item', 'text', true, 'key of the item', false, 'sku', NULL),
('price', 'amount', 'numeric(14,2)', true, 'price of one stock unit', false, NULL, 'v >= 0 AND v < ''NaN'''),
('price', 'valid_from', 'timestamp', false, 'from when, the company''s time; without: always', false, NULL, NULL),
('price', 'includes_tax', 'boolean', false, 'GST is contained; without: as its price list says, else true', false, NULL, NULL),
('price', 'price_list', 'text', false, 'key of the price list; null: a base price', false, 'price_list', NULL),
('price', 'min_qty', 'numeric(14,3)', false, 'for lines of at least so many stock units; 0 where not stated', false, NULL, 'v >= 0 AND v < ''NaN'''),
('price', 'problem', 'text', false, 'why the ERP''s price cannot be told, as of a formula: reported, and no price is taken in; null: it can', false, NULL, NULL),
('price', 'valid_to', 'timestamp', false, 'until when, that moment not included, the company''s time; without: until another begins', false, NULL, NULL),

('price_list', 'key', 'text', true, 'the ERP''s key of the list', true, NULL, NULL),
('price_list', 'code', 'text', false, 'short code; without: the key', false, NULL, NULL),
('price_list', 'name', 'text', false, 'for people; without: the code', false, NULL, NULL),
('price_list', 'currency', 'text', false, 'currency the ERP keeps it in; its prices are stated in the company''s all the same', false, NULL, 'v ~ ''^[A-Z]{3}$'''),
('price_list', 'includes_tax', 'boolean', false, 'its prices contain GST, where a price does not say so itself', false, NULL, NULL),
('price_list', 'active', 'boolean', false, 'false: base prices count instead', false, NULL, NULL),

('customer', 'key', 'text', true, 'the ERP''s key of the customer', true, NULL, NULL),
('customer', 'name', 'text', false, 'name', false, NULL, NULL),
('customer', 'phone', 'text', false, 'its last ten digits are taken', false, NULL, 'regexp_replace(v, ''[^0-9]'', '''', ''g'') ~ ''[0-9]{10}$'''),
('customer', 'email', 'text', false, 'e-mail address', false, NULL, NULL),
('customer', 'gstin', 'text', false, 'GSTIN of a registered buyer', false, NULL, NULL),
('customer', 'pincode', 'text', false, 'six digits', false, NULL, 'replace(v, '' '', '''') ~ ''^[1-9][0-9]{5}$'''),

('address', 'key', 'text', true, 'the ERP''s key of the address', true, NULL, NULL),
('address', 'customer', 'text', true, 'key of the customer', false, 'customer', NULL),
('address', 'kind', 'text', false, 'billing or shipping; shipping where not stated', false, NULL, 'v IN (''billing'', ''shipping'')'),
('address', 'name', 'text', false, 'who receives there', false, NULL, NULL),
('address', 'phone', 'text', false, 'its last ten digits are taken', false, NULL, 'regexp_replace(v, ''[^0-9]'', '''', ''g'') ~ ''[0-9]{10}$'''),
('address', 'address1', 'text', false, 'street', false, NULL, NULL),
('address', 'address2', 'text', false, 'street, second line', false, NULL, NULL),
('address', 'city', 'text', false, 'city', false, NULL, NULL),
('address', 'state', 'text', false, 'GST state: its code, name or ISO code; without: that of the pincode', false, NULL,
 'EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = v OR lower(g.name) = lower(v) OR g.iso = upper(regexp_replace(v, ''^IN-'', '''', ''i'')))'),
('address', 'pincode', 'text', false, 'six digits', false, NULL, 'replace(v, '' '', '''') ~ ''^[1-9][0-9]{5}$'''),
('address', 'country', 'text', false, 'ISO 3166, two letters; without: India', false, NULL, 'v ~ ''^[A-Za-z]{2}$'''),
('address', 'active', 'boolean', false, 'false: no longer used', false, NULL, NULL),

('supplier', 'key', 'text', true, 'the ERP''s key of the supplier', true, NULL, NULL),
('supplier', 'code', 'text', false, 'short code; without: the key', false, NULL, NULL),
('supplier', 'name', 'text', false, 'name; without: the code', false, NULL, NULL),
('supplier', 'gstin', 'text', false, 'GST registration', false, NULL, NULL),
('supplier', 'phone', 'text', false, 'its last ten digits are taken', false, NULL, 'regexp_replace(v, ''[^0-9]'', '''', ''g'') ~ ''[0-9]{10}$'''),
('supplier', 'email', 'text', false, 'e-mail address', false, NULL, NULL),
('supplier', 'pincode', 'text', false, 'six digits', false, NULL, 'replace(v, '' '', '''') ~ ''^[1-9][0-9]{5}$'''),
('supplier', 'lead_days', 'integer', false, 'days from order to arrival', false, NULL, 'v >= 0'),
('supplier', 'active', 'boolean', false, 'false: nothing more is bought from it', false, NULL, NULL),

('order', 'key', 'text', true, 'the ERP''s key of the order', true, NULL, NULL),
('order', 'number', 'text', false, 'the ERP''s number of it', false, NULL, NULL),
('order', 'reference', 'text', false, 'the other side''s number: the channel''s, or ours', false, NULL, NULL),
('order', 'customer', 'text', false, 'key of the customer', false, NULL, NULL),
('order', 'node', 'text', false, 'key of the node', false, NULL, NULL),
('order', 'status', 'text', true, 'the ERP''s word, or words joined by /; oms.erp_status (entity order) says what it is here', false, NULL, NULL),
('order', 'ordered_at', 'timestamp', false, 'when, with its zone or in the company''s time', false, NULL, NULL),
('order', 'currency', 'text', false, 'ISO 4217', false, NULL, 'v ~ ''^[A-Z]{3}$'''),
('order', 'total', 'numeric', false, 'what it costs in all', false, NULL, 'v < ''NaN'''),
('order', 'lines', 'jsonb', false, '[{"item", "qty", "unit_price"}, ...]: key of the item, stock units, price of one', false, NULL, 'jsonb_typeof(v) = ''array'''),

('shipment', 'key', 'text', true, 'the ERP''s key of the shipment', true, NULL, NULL),
('shipment', 'number', 'text', false, 'the ERP''s number of it', false, NULL, NULL),
('shipment', 'reference', 'text', false, 'the other side''s number', false, NULL, NULL),
('shipment', 'order', 'text', false, 'key of the order', false, NULL, NULL),
('shipment', 'node', 'text', false, 'key of the node', false, NULL, NULL),
('shipment', 'status', 'text', true, 'the ERP''s word, or words joined by /; oms.erp_status (entity shipment) says what it is here', false, NULL, NULL),
('shipment', 'carrier', 'text', false, 'who carries it', false, NULL, NULL),
('shipment', 'awb', 'text', false, 'the carrier''s number', false, NULL, NULL),
('shipment', 'shipped_at', 'timestamp', false, 'when it left, with its zone or in the company''s time', false, NULL, NULL),
('shipment', 'lines', 'jsonb', false, '[{"item", "qty"}, ...]', false, NULL, 'jsonb_typeof(v) = ''array'''),

('return', 'key', 'text', true, 'the ERP''s key of the return', true, NULL, NULL),
('return', 'number', 'text', false, 'the ERP''s number of it', false, NULL, NULL),
('return', 'reference', 'text', false, 'the other side''s number', false, NULL, NULL),
('return', 'order', 'text', false, 'key of the order', false, NULL, NULL),
('return', 'node', 'text', false, 'key of the node it comes to', false, NULL, NULL),
('return', 'status', 'text', true, 'the ERP''s word, or words joined by /; oms.erp_status (entity return) says what it is here', false, NULL, NULL),
('return', 'received_at', 'timestamp', false, 'when it came, with its zone or in the company''s time', false, NULL, NULL),
('return', 'lines', 'jsonb', false, '[{"item", "qty"}, ...]', false, NULL, 'jsonb_typeof(v) = ''array'''),

('stock', 'key', 'text', true, 'key of the node, |, key of the item', true, 'node|sku', NULL),
('stock', 'on_hand', 'numeric(14,3)', true, 'what may be promised, in stock units', false, NULL, 'v < ''NaN'''),

('lot', 'key', 'text', true, 'as of stock; rows of one key and lot are one', false, 'node|sku', NULL),
('lot', 'lot', 'text', true, 'number of the batch', false, NULL, 'btrim(v) <> '''''),
('lot', 'on_hand', 'numeric(14,3)', true, 'units of it', false, NULL, 'v < ''NaN'''),
('lot', 'expires_on', 'date', false, 'last day of use; null: no end', false, NULL, NULL),
('lot', 'received_at', 'timestamp', false, 'when it came', false, NULL, NULL),
('lot', 'unit_cost', 'numeric(14,2)', false, 'what a unit of it cost', false, NULL, 'v >= 0 AND v < ''NaN'''),
('lot', 'pick_rank', 'integer', false, 'lower is picked first', false, NULL, NULL),

('inbound', 'key', 'text', true, 'the ERP''s key of the line of supply', true, NULL, NULL),
('inbound', 'node', 'text', true, 'key of the node it comes to', false, 'node', NULL),
('inbound', 'item', 'text', true, 'key of the item', false, 'sku', NULL),
('inbound', 'qty', 'numeric(14,3)', true, 'stock units still to come', false, NULL, 'v >= 0 AND v < ''NaN'''),
('inbound', 'expected_at', 'timestamp', false, 'when it arrives, with its zone or in the company''s time; without: the supplier''s lead_days after it was first seen', false, NULL, NULL),
('inbound', 'document', 'text', false, 'purchase order or transfer, for people', false, NULL, NULL),
('inbound', 'supplier', 'text', false, 'key of the supplier', false, 'supplier', NULL);

CREATE TABLE oms.erp_param (        --| Parameters that the queries of a profile read: what attach_erp() may be given. Defaults: oms.erp_profile.params.
    profile text NOT NULL,          --| Profile
    name text NOT NULL,             --| Name, as in {"company": 1}
    type text NOT NULL DEFAULT 'text', --| SQL type its value must fit
    allowed text[],                 --| The values it may have; NULL: any of the type
    meaning text NOT NULL,          --| For people
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, name)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_param', 'WHERE NOT builtin');

CREATE TABLE oms.erp_word (         --| Where the words of a vocabulary (oms.erp_status) come from, so that those without a row are found.
    profile text NOT NULL,          --| Profile
    entity text NOT NULL,           --| Vocabulary: oms.erp_status.entity
    query text NOT NULL,            --| SQL: the words in use, one a row, and for each how many use it, for parameters $2 ($1 is null)
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, entity)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_word', 'WHERE NOT builtin');
