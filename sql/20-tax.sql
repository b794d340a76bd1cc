-- tax: the law's GST rates by HSN, and GST on a quantity of one item.

CREATE TABLE oms.gst_rate (         --| GST rates by HSN, dated. A starting set for goods retailers sell, from 1 April 2025 on; not advice. Longest prefix in force wins, then the user's own row.
    hsn text COLLATE "C" NOT NULL CHECK (hsn ~ '^([0-9]{2}){1,4}$'), --| HSN prefix of 2, 4, 6 or 8 digits, or a service code (99...)
    valid_from date NOT NULL,       --| First day of supply it holds for
    valid_to date CHECK (valid_to >= valid_from), --| Last day; NULL while in force
    above_value numeric(14,2) NOT NULL DEFAULT 0 CHECK (above_value >= 0 AND above_value < 'NaN'), --| Holds for units whose taxable value, INR, is above this (0: all); the highest band below the value counts
    rate numeric(6,3) NOT NULL CHECK (rate >= 0 AND rate <= 100), --| GST in percent, CGST and SGST together
    description text,               --| The goods, for people
    source text NOT NULL,           --| Where the rate is taken from; "general knowledge": check before relying on it
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (hsn, valid_from, above_value, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.gst_rate', 'WHERE NOT builtin');

-- Moved by the 56th GST Council on 22 September 2025: rate before and after.
INSERT INTO oms.gst_rate (hsn, valid_from, valid_to, rate, description, source, builtin)
SELECT m.hsn, p.valid_from, p.valid_to, CASE WHEN p.valid_to IS NULL THEN m.after ELSE m.before END, m.description,
       CASE m.known WHEN 'both' THEN '56th GST Council, notification 9/2025-CTR'
                    WHEN 'after' THEN CASE WHEN p.valid_to IS NULL THEN '56th GST Council, notification 9/2025-CTR' ELSE 'general knowledge' END
                    ELSE 'general knowledge' END, true
FROM (VALUES
    ('0402', 12, 5, 'Condensed milk', 'none'),
    ('0405', 12, 5, 'Butter, ghee', 'both'),
    ('0406', 12, 5, 'Cheese', 'both'),
    ('040610', 5, 0, 'Paneer, pre-packaged and labelled', 'after'),
    ('0802', 12, 5, 'Other nuts: almonds, walnuts, pistachios', 'none'),
    ('0804', 12, 5, 'Dates, figs', 'none'),
    ('1602', 12, 5, 'Prepared meat', 'none'),
    ('1704', 12, 5, 'Sugar confectionery', 'none'),
    ('1806', 18, 5, 'Chocolate', 'both'),
    ('1902', 12, 5, 'Pasta, noodles', 'none'),
    ('1904', 18, 5, 'Corn flakes, breakfast cereals', 'none'),
    ('1905', 18, 5, 'Pastry, cakes, biscuits', 'both'),
    ('2001', 12, 5, 'Vegetables and fruit in vinegar, pickles', 'none'),
    ('2004', 12, 5, 'Vegetables, prepared and frozen', 'none'), ('2005', 12, 5, 'Vegetables, prepared, not frozen', 'none'),
    ('2006', 12, 5, 'Fruit preserved by sugar', 'none'),
    ('2007', 12, 5, 'Jams, jellies', 'none'),
    ('2008', 12, 5, 'Fruit and nuts, otherwise prepared', 'none'),
    ('2009', 12, 5, 'Fruit and vegetable juices', 'none'),
    ('2101', 18, 5, 'Coffee and tea extracts, instant coffee', 'none'),
    ('2103', 12, 5, 'Sauces, ketchup, mixed condiments', 'none'),
    ('2104', 18, 5, 'Soups and broths', 'none'),
    ('2105', 18, 5, 'Ice cream', 'none'),
    ('2106', 18, 5, 'Food preparations not elsewhere specified', 'none'),
    ('210690', 12, 5, 'Namkeen, bhujia, mixtures, pre-packaged', 'none'),
    ('2201', 18, 5, 'Drinking water', 'none'),
    ('220210', 28, 40, 'Aerated waters with sugar or flavour', 'none'),
    ('2523', 28, 18, 'Cement', 'both'),
    ('3004', 12, 5, 'Medicaments in measured doses', 'none'),
    ('3005', 12, 5, 'Wadding, gauze, bandages', 'none'),
    ('330491', 18, 5, 'Talcum and face powder', 'none'),
    ('330510', 18, 5, 'Shampoo', 'after'),
    ('330590', 18, 5, 'Hair oil', 'after'),
    ('330610', 18, 5, 'Toothpaste, tooth powder', 'none'),
    ('330710', 18, 5, 'Shaving preparations', 'none'),
    ('340111', 18, 5, 'Toilet soap in bars', 'after'),
    ('3406', 12, 5, 'Candles', 'none'),
    ('3822', 12, 5, 'Diagnostic kits and reagents', 'none'),
    ('401692', 5, 0, 'Erasers', 'none'),
    ('4820', 12, 0, 'Exercise and graph books', 'none'),
    ('4905', 12, 0, 'Maps, atlases, globes', 'none'),
    ('57', 12, 5, 'Carpets and floor coverings', 'none'),
    ('6601', 12, 5, 'Umbrellas', 'none'),
    ('6911', 12, 5, 'Tableware of porcelain', 'none'),
    ('6912', 12, 5, 'Tableware of other ceramics', 'none'),
    ('7323', 12, 5, 'Kitchen articles of iron or steel', 'none'),
    ('7418', 12, 5, 'Kitchen articles of copper', 'none'),
    ('7615', 12, 5, 'Kitchen articles of aluminium', 'none'),
    ('821410', 12, 0, 'Pencil sharpeners', 'none'),
    ('8215', 12, 5, 'Spoons, forks, ladles', 'none'),
    ('8415', 28, 18, 'Air conditioners', 'both'),
    ('8422', 28, 18, 'Dish washers', 'none'),
    ('8452', 12, 5, 'Sewing machines', 'none'),
    ('8507', 28, 18, 'Accumulators other than lithium-ion', 'none'),
    ('8528', 28, 18, 'Television sets', 'both'),
    ('8711', 28, 18, 'Motorcycles up to 350 cc', 'after'),
    ('871140', 28, 40, 'Motorcycles above 500 cc to 800 cc', 'none'), ('871150', 28, 40, 'Motorcycles above 800 cc', 'none'),
    ('870321', 28, 18, 'Small cars: petrol up to 1,000 cc, up to 4 m', 'after'),
    ('8712', 12, 5, 'Bicycles', 'after'),
    ('9003', 12, 5, 'Spectacle frames', 'none'),
    ('9018', 12, 5, 'Medical and surgical instruments', 'none'), ('9025', 18, 5, 'Thermometers', 'none'),
    ('92', 12, 5, 'Musical instruments', 'none'),
    ('9503', 12, 5, 'Toys, not electronic', 'none'),
    ('9504', 12, 5, 'Board games, playing cards', 'none'),
    ('9506', 12, 5, 'Sports goods', 'none'),
    ('960321', 18, 5, 'Tooth brushes', 'after'),
    ('9609', 12, 0, 'Pencils, crayons, chalk', 'none')
) AS m (hsn, before, after, description, known),
(VALUES (date '2025-04-01', date '2025-09-21'), (date '2025-09-22', NULL)) AS p (valid_from, valid_to)
WHERE m.before <> m.after;

-- By value of one piece (footwear: one pair): limit and rates before and after.
INSERT INTO oms.gst_rate (hsn, valid_from, valid_to, above_value, rate, description, source, builtin)
SELECT g.hsn, b.valid_from, b.valid_to, b.above_value,
       CASE WHEN b.valid_to IS NOT NULL AND g.hsn IN ('64') THEN b.footwear ELSE b.rate END, g.description,
       CASE WHEN b.valid_to IS NULL THEN '56th GST Council, notification 9/2025-CTR' ELSE 'general knowledge' END, true
FROM (VALUES ('61', 'Apparel, knitted'), ('62', 'Apparel, not knitted'),
             ('63', 'Made-up textiles: bed linen, towels, curtains'), ('64', 'Footwear')) AS g (hsn, description),
(VALUES (date '2025-04-01', date '2025-09-21', 0, 5, 12), (date '2025-04-01', date '2025-09-21', 1000, 12, 18),
        (date '2025-09-22', NULL, 0, 5, 5), (date '2025-09-22', NULL, 2500, 18, 18)) AS b (valid_from, valid_to, above_value, rate, footwear);

-- Not moved on that day.
INSERT INTO oms.gst_rate (hsn, valid_from, rate, description, source, builtin)
SELECT u.hsn, date '2025-04-01', u.rate, u.description, 'general knowledge', true
FROM (VALUES
    ('0407', 0, 'Eggs in shell'),
    ('0701', 0, 'Potatoes, fresh'), ('0702', 0, 'Tomatoes, fresh'), ('0703', 0, 'Onions, garlic, fresh'), ('0709', 0, 'Other vegetables, fresh'),
    ('0803', 0, 'Bananas, fresh'), ('0808', 0, 'Apples, pears, fresh'), ('2501', 0, 'Salt'),
    ('4902', 0, 'Newspapers, periodicals'), ('9619', 0, 'Sanitary towels, tampons'),
    ('710231', 0.25, 'Diamonds, unworked'), ('710239', 1.5, 'Diamonds, cut and polished'),
    ('0409', 5, 'Honey, pre-packaged and labelled'),
    ('0713', 5, 'Pulses, pre-packaged and labelled'),
    ('0801', 5, 'Coconuts, cashew nuts'),
    ('0901', 5, 'Coffee, roasted'),
    ('0902', 5, 'Tea'),
    ('0904', 5, 'Pepper, chillies'), ('0906', 5, 'Cinnamon'), ('0907', 5, 'Cloves'), ('0908', 5, 'Nutmeg, cardamom'),
    ('0909', 5, 'Cumin, coriander, fennel seeds'), ('0910', 5, 'Ginger, turmeric, other spices'),
    ('1006', 5, 'Rice, pre-packaged and labelled'),
    ('1101', 5, 'Wheat flour, pre-packaged and labelled'),
    ('1507', 5, 'Soya-bean oil'), ('1508', 5, 'Ground-nut oil'), ('1509', 5, 'Olive oil'), ('1511', 5, 'Palm oil'),
    ('1512', 5, 'Sunflower oil'), ('1513', 5, 'Coconut oil'), ('1514', 5, 'Mustard oil'),
    ('1701', 5, 'Sugar'),
    ('3303', 18, 'Perfumes'),
    ('3304', 18, 'Beauty and skin-care preparations'),
    ('3305', 18, 'Hair preparations other than oil and shampoo'),
    ('3306', 18, 'Oral hygiene other than toothpaste and powder'),
    ('3307', 18, 'Deodorants, bath preparations, room perfumes'),
    ('330741', 5, 'Agarbatti, incense'),
    ('3401', 18, 'Soap other than toilet soap in bars'),
    ('3402', 18, 'Detergents'),
    ('3808', 18, 'Insecticides, repellents'),
    ('3924', 18, 'Tableware and household articles of plastics'),
    ('3926', 18, 'Other articles of plastics, phone covers'),
    ('4202', 18, 'Bags, suitcases, wallets'),
    ('4819', 18, 'Cartons and boxes of paper'),
    ('4901', 0, 'Printed books'),
    ('5007', 5, 'Woven fabrics of silk, sarees'),
    ('5208', 5, 'Woven fabrics of cotton, sarees'), ('5209', 5, 'Woven fabrics of cotton, heavier'),
    ('5407', 5, 'Woven fabrics of synthetic filament'), ('5512', 5, 'Woven fabrics of synthetic staple fibres'),
    ('7013', 18, 'Glassware'),
    ('7106', 3, 'Silver'), ('7108', 3, 'Gold'), ('7113', 3, 'Jewellery of precious metal'), ('7117', 3, 'Imitation jewellery'),
    ('8211', 18, 'Knives'), ('8212', 18, 'Razors and blades'),
    ('8414', 18, 'Fans, air purifiers'), ('8418', 18, 'Refrigerators'), ('8450', 18, 'Washing machines'),
    ('8471', 18, 'Computers and parts sold with them'), ('8473', 18, 'Computer accessories'),
    ('8504', 18, 'Chargers, power supplies'), ('850760', 18, 'Lithium-ion accumulators, power banks'),
    ('8509', 18, 'Kitchen appliances: mixers, grinders'), ('8510', 18, 'Shavers, hair clippers'),
    ('8516', 18, 'Electric heating appliances: irons, kettles, dryers'),
    ('8517', 18, 'Telephones, routers, smart watches'), ('8518', 18, 'Headphones, speakers, microphones'),
    ('8523', 18, 'Memory cards, drives'), ('8525', 18, 'Cameras'),
    ('8536', 18, 'Switches, plugs, extension boards'), ('8539', 18, 'Lamps'), ('8544', 18, 'Cables'),
    ('9004', 18, 'Sunglasses, goggles'), ('9101', 18, 'Watches of precious metal'), ('9102', 18, 'Wrist watches'),
    ('9105', 18, 'Clocks'),
    ('9403', 18, 'Furniture'), ('9405', 18, 'Luminaires'),
    ('950691', 18, 'Exercise equipment'),
    ('9608', 18, 'Pens'), ('9617', 18, 'Vacuum flasks'),
    ('870380', 5, 'Electric cars'),
    ('9965', 18, 'Goods transport by courier partners'), ('9968', 18, 'Courier and postal services')
) AS u (hsn, rate, description);

SELECT oms.memo_watch('oms.gst_rate');

CREATE FUNCTION oms.tax_rate(hsn text, day date, unit_value numeric DEFAULT 0) RETURNS numeric
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'oms_tax_rate';
COMMENT ON FUNCTION oms.tax_rate(text, date, numeric) IS
    'GST in percent by the catalogue oms.gst_rate: longest HSN prefix in force on the day of supply, band by the taxable value of one unit (INR, without tax). NULL when there is none or the HSN has no form.';

CREATE FUNCTION oms.tax(net numeric, qty numeric, hsn text, supplier_state text, place_of_supply text, day date,
    inclusive boolean DEFAULT true, tax_code text DEFAULT NULL, company text DEFAULT NULL, supply_type text DEFAULT NULL, reverse_charge boolean DEFAULT false,
    OUT rate numeric, OUT taxable numeric, OUT cgst numeric, OUT sgst numeric, OUT igst numeric, OUT dead_band boolean)
RETURNS record
LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'oms_tax';
COMMENT ON FUNCTION oms.tax(numeric, numeric, text, text, text, date, boolean, text, text, text, boolean) IS
    'GST on a net amount (after discounts, INR) for a quantity of one item. The ERP''s tax code wins over the HSN. inclusive: net contains the tax (Rule 35 of the CGST Rules). Amounts to the paisa, half up: cgst = round(tax / 2), sgst = tax - cgst within a state, igst between states; place of supply NULL means the supplier''s state. dead_band: no rate agrees with the inclusive price, the higher was taken. supply_type (B2C, B2B, SEZWP, SEZWOP, EXPWP, EXPWOP, DEXP): SEZ and exports are IGST, those without payment (WOP) bear none. reverse_charge: the buyer owes the tax, so net contains none. NULL where net, quantity, supplier state, day or inclusive is. Raises OM201 without a rate, OM002 for an unknown company, OM001 for an unknown type of supply.';

CREATE FUNCTION oms.place_of_supply(supplier_state text, ship_state text DEFAULT NULL, bill_state text DEFAULT NULL,
    buyer_gstin text DEFAULT NULL, supply_type text DEFAULT NULL, movement boolean DEFAULT true, third_party boolean DEFAULT NULL,
    OUT place_of_supply text, OUT inter_state boolean, OUT rule text)
RETURNS record
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'oms_place_of_supply_sql';
COMMENT ON FUNCTION oms.place_of_supply(text, text, text, text, text, boolean, boolean) IS
    'Where a supply of goods is made, a GST state (96: abroad), and by which rule of the IGST Act: 10(1)(ca) unregistered buyers, the address on the invoice, of two the one of delivery, none: the supplier''s state; 10(1)(a) registered, where the goods arrive; 10(1)(b) delivered to another (third_party; unknown: when billing is in another state than delivery), the buyer''s state; 10(1)(c) handed over (movement false) to the registered; 11(a) imports, 11(b) exports. inter_state: IGST, also within a state for SEZ (s. 7(5)(b)). NULL without supplier_state. Raises OM202 for a GSTIN that is none, OM001 for an unknown type of supply.';

CREATE FUNCTION oms.tax_split(tax numeric, supplier_state text, place_of_supply text DEFAULT NULL, supply_type text DEFAULT NULL,
    OUT cgst numeric, OUT sgst numeric, OUT utgst numeric, OUT igst numeric)
RETURNS record
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'oms_tax_split';
COMMENT ON FUNCTION oms.tax_split(numeric, text, text, text) IS
    'Whose a tax is (INR, to the paisa): IGST between states, to SEZ and abroad; else half CGST (half a paisa up) and the rest SGST, or UTGST in the union territories without an assembly. The parts add up to the tax. Without payment (SEZWOP, EXPWOP) all are 0. NULL without tax or supplier_state; place_of_supply NULL is the supplier''s state.';
