-- catalog: GST states, checks of identifiers, loading of pincodes.

CREATE TABLE oms.gst_state (        --| GST states and union territories.
    state_code text PRIMARY KEY CHECK (state_code ~ '^[0-9]{2}$'), --| GST state code, two digits
    name text NOT NULL UNIQUE,      --| Name
    iso text,                       --| ISO 3166-2 code without IN-
    union_territory boolean NOT NULL DEFAULT false, --| UTGST instead of SGST (same amount)
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.gst_state', 'WHERE NOT builtin');
INSERT INTO oms.gst_state (state_code, name, iso, union_territory, builtin) VALUES
    ('01', 'Jammu and Kashmir', 'JK', false, true), ('02', 'Himachal Pradesh', 'HP', false, true),
    ('03', 'Punjab', 'PB', false, true), ('04', 'Chandigarh', 'CH', true, true),
    ('05', 'Uttarakhand', 'UK', false, true), ('06', 'Haryana', 'HR', false, true),
    ('07', 'Delhi', 'DL', false, true), ('08', 'Rajasthan', 'RJ', false, true),
    ('09', 'Uttar Pradesh', 'UP', false, true), ('10', 'Bihar', 'BR', false, true),
    ('11', 'Sikkim', 'SK', false, true), ('12', 'Arunachal Pradesh', 'AR', false, true),
    ('13', 'Nagaland', 'NL', false, true), ('14', 'Manipur', 'MN', false, true),
    ('15', 'Mizoram', 'MZ', false, true), ('16', 'Tripura', 'TR', false, true),
    ('17', 'Meghalaya', 'ML', false, true), ('18', 'Assam', 'AS', false, true),
    ('19', 'West Bengal', 'WB', false, true), ('20', 'Jharkhand', 'JH', false, true),
    ('21', 'Odisha', 'OD', false, true), ('22', 'Chhattisgarh', 'CG', false, true),
    ('23', 'Madhya Pradesh', 'MP', false, true), ('24', 'Gujarat', 'GJ', false, true),
    ('26', 'Dadra and Nagar Haveli and Daman and Diu', 'DH', true, true),
    ('27', 'Maharashtra', 'MH', false, true), ('29', 'Karnataka', 'KA', false, true),
    ('30', 'Goa', 'GA', false, true), ('31', 'Lakshadweep', 'LD', true, true),
    ('32', 'Kerala', 'KL', false, true), ('33', 'Tamil Nadu', 'TN', false, true),
    ('34', 'Puducherry', 'PY', false, true), ('35', 'Andaman and Nicobar Islands', 'AN', true, true),
    ('36', 'Telangana', 'TS', false, true), ('37', 'Andhra Pradesh', 'AP', false, true),
    ('38', 'Ladakh', 'LA', true, true), ('96', 'Other Countries', NULL, false, true),
    ('97', 'Other Territory', NULL, false, true);
