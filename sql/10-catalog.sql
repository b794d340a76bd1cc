-- catalog: GST states, checks of identifiers, loading of pincodes.

CREATE TABLE oms.gst_state (        --| GST states and union territories.
    state_code text PRIMARY KEY CHECK (state_code ~ '^[0-9]{2}$'), --| GST state code, two digits
    name text NOT NULL UNIQUE,      --| Name
    iso text,                       --| ISO 3166-2 code without IN-
    union_territory boolean NOT NULL DEFAULT false, --| A union territory without an assembly: UTGST instead of SGST (same amount)
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
    ('97', 'Other Territory', NULL, true, true), ('99', 'Centre Jurisdiction', NULL, false, true);

-- Bound to PostGIS here, once; the functions below run without it in their path.
CREATE FUNCTION oms.lng(place geography) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT ST_X(place::geometry);
END;
COMMENT ON FUNCTION oms.lng(geography) IS 'Longitude of a point, degrees east.';

CREATE FUNCTION oms.lat(place geography) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT ST_Y(place::geometry);
END;
COMMENT ON FUNCTION oms.lat(geography) IS 'Latitude of a point, degrees north.';

CREATE FUNCTION oms.geo_point(lat double precision, lng double precision) RETURNS geography
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography;
END;
COMMENT ON FUNCTION oms.geo_point(double precision, double precision) IS
    'Point of a latitude and a longitude, degrees, WGS84.';

CREATE FUNCTION oms.check_place(lat double precision, lng double precision) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- NaN is above every number here
    IF lat IS NULL OR lng IS NULL OR NOT (lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'place is not on Earth',
            DETAIL = format('Latitude is %s, longitude %s.', coalesce(lat::text, 'missing'), coalesce(lng::text, 'missing')),
            HINT = 'Degrees, latitude first: Bengaluru is 12.97, 77.59.';
    END IF;
END $$;
COMMENT ON FUNCTION oms.check_place(double precision, double precision) IS
    'Raises OM001 unless both are degrees in range.';

CREATE TABLE oms.metro_area (       --| Which pincodes form a metro area and a city: decides courier zones. The longest prefix wins.
    prefix text PRIMARY KEY CHECK (prefix ~ '^[1-9][0-9]{1,5}$'), --| First digits of the pincodes, two to six
    metro text,                     --| Metro area; NULL: of none (an exception to a shorter prefix)
    city text,                      --| City for same-city delivery; NULL: the pincode's district
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.metro_area', 'WHERE NOT builtin');
INSERT INTO oms.metro_area (prefix, metro, city, builtin) VALUES
    ('110', 'DELHI_NCR', 'Delhi', true), ('121', 'DELHI_NCR', 'Faridabad', true), ('122', 'DELHI_NCR', 'Gurugram', true),
    ('201', 'DELHI_NCR', 'Ghaziabad', true), ('2013', 'DELHI_NCR', 'Noida', true),
    ('400', 'MUMBAI', 'Mumbai', true), ('4213', 'MUMBAI', 'Bhiwandi', true), ('700', 'KOLKATA', 'Kolkata', true),
    ('7111', 'KOLKATA', 'Howrah', true), ('712311', 'KOLKATA', 'Dankuni', true), ('600', 'CHENNAI', 'Chennai', true),
    ('560', 'BENGALURU', 'Bengaluru', true), ('500', 'HYDERABAD', 'Hyderabad', true), ('411', 'PUNE', 'Pune', true),
    ('380', 'AHMEDABAD', 'Ahmedabad', true);

CREATE FUNCTION oms.share_file(name text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'oms_share_file';
COMMENT ON FUNCTION oms.share_file(text) IS
    'Path on the server of a file that was installed with the extension (pincodes.csv), NULL when it is not there.';

CREATE FUNCTION oms.load_pincodes(path text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    file text := coalesce(path, oms.share_file('pincodes.csv'));
    n integer;
BEGIN
    IF to_regclass('oms.pincode') IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM003', MESSAGE = 'pg_oms has no tables in this database yet',
            HINT = 'Call oms.install(), or oms.attach_erp() which calls it.';
    END IF;
    IF file IS NULL OR pg_stat_file(file, true) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_file', MESSAGE = 'the file of pincodes is not on the server',
            DETAIL = format('Looked for %s.', coalesce(path, 'pincodes.csv in the directory pg_oms of the server''s share directory')),
            HINT = 'It comes with "make install"; or give the path of a CSV file with the columns pincode, state_code, state, district, lat, lng.';
    END IF;
    DROP TABLE IF EXISTS pg_temp.oms_pincode_file;
    CREATE TEMPORARY TABLE oms_pincode_file
        (pincode text, state_code text, state text, district text, lat double precision, lng double precision) ON COMMIT DROP;
    EXECUTE format('COPY pg_temp.oms_pincode_file FROM %L WITH (FORMAT csv, HEADER match)', file);
    INSERT INTO oms.pincode AS p (pincode, state_code, district, place, metro, city)
    SELECT f.pincode, f.state_code, f.district, oms.geo_point(f.lat, f.lng), m.metro, m.city
      FROM pg_temp.oms_pincode_file f
      LEFT JOIN LATERAL (SELECT a.metro, a.city FROM oms.metro_area a WHERE starts_with(f.pincode, a.prefix)
                          ORDER BY length(a.prefix) DESC LIMIT 1) m ON true
    ON CONFLICT ON CONSTRAINT pincode_pkey DO UPDATE
       SET state_code = EXCLUDED.state_code, district = EXCLUDED.district, place = EXCLUDED.place,
           metro = EXCLUDED.metro, city = EXCLUDED.city
     WHERE (p.state_code, p.district, p.place::text, p.metro, p.city) IS DISTINCT FROM
           (EXCLUDED.state_code, EXCLUDED.district, EXCLUDED.place::text, EXCLUDED.metro, EXCLUDED.city);
    SELECT count(*) INTO n FROM pg_temp.oms_pincode_file;
    DROP TABLE pg_temp.oms_pincode_file;
    RETURN n;
END $$;
COMMENT ON FUNCTION oms.load_pincodes(text) IS
    'Loads or refreshes oms.pincode from a CSV file on the server (by default the one that comes with the extension), with metro and city by oms.metro_area; rows that are not in the file stay. Returns the number of pincodes in the file; a second run writes nothing. Needs the rights of pg_read_server_files. Raises undefined_file, OM003.';

