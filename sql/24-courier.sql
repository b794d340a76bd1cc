-- courier: quotes for people, breakers, live state of the network, outcomes.

CREATE FUNCTION oms.courier_quotes(from_pincode text, to_pincode text, weight_g integer, volume_cm3 integer,
    cod_amount numeric DEFAULT 0, value numeric DEFAULT 0, at timestamptz DEFAULT now(), p_rto double precision DEFAULT NULL,
    loss numeric DEFAULT 0, reverse boolean DEFAULT false, hyperlocal boolean DEFAULT false, distance_m bigint DEFAULT NULL,
    cold_chain boolean DEFAULT false, air_ok boolean DEFAULT true, company text DEFAULT NULL)
RETURNS TABLE (service text, refused text, zone text, charge_g integer, freight numeric, cod_fee numeric, gst numeric, total numeric,
    rto_freight numeric, p_success double precision, days integer, promised_at timestamptz, expected_cost numeric)
LANGUAGE c STABLE PARALLEL SAFE COST 5000 ROWS 10
AS 'MODULE_PATHNAME', 'oms_courier_quotes_sql';
COMMENT ON FUNCTION oms.courier_quotes(text, text, integer, integer, numeric, numeric, timestamptz, double precision, numeric, boolean, boolean, bigint, boolean, boolean, text) IS
    'What every active courier service would do with a parcel handed over at a moment: grams, cubic centimetres, rupees, metres. cod_amount above 0 makes it COD; p_rto is the order''s own risk of coming back (NULL: 0.20 COD, 0.03 prepaid), loss what is lost then besides freight. The best first, then the refused with their reason code; prices are NULL without a rate. Formulas: doc/courier.md. Raises OM001 (numbers out of range), OM002 (company).';

CREATE FUNCTION oms.courier_outcome(company_id integer, courier_service_id integer, region text, cod boolean, delivered boolean,
    first_attempt boolean DEFAULT NULL, days double precision DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'oms_courier_outcome_sql';
COMMENT ON FUNCTION oms.courier_outcome(integer, integer, text, boolean, boolean, boolean, double precision) IS
    'Counts the outcome of a parcel into oms.courier_stat, for the region (GST state code of the buyer, may be NULL) and for all. Shipments count themselves; this is for a record kept elsewhere.';

CREATE FUNCTION oms.courier_service_id(code text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id integer := (SELECT s.courier_service_id FROM oms.courier_service s WHERE s.code = courier_service_id.code);
BEGIN
    IF code IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'code of a courier service is null', DETAIL = 'Argument code, or service.', HINT = 'The services are the rows of oms.courier_service.';
    ELSIF id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('courier service "%s" does not exist', code),
            HINT = 'The services are the rows of oms.courier_service.';
    END IF;
    RETURN id;
END $$;
COMMENT ON FUNCTION oms.courier_service_id(text) IS
    'courier_service_id of a service''s code. Raises OM001 for none, OM002 for an unknown one.';

CREATE FUNCTION oms.check_breaker_region(region text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- no parcel goes to the codes that are no states
    IF region IS NULL OR (region <> '*' AND NOT EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = region AND g.state_code NOT IN ('96', '97', '99'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'region of a breaker is a GST state code or *',
            DETAIL = format('It is %s.', coalesce(region, 'missing'));
    END IF;
END $$;
COMMENT ON FUNCTION oms.check_breaker_region(text) IS
    'Raises OM001 unless it is the code of a GST state, or *.';

CREATE FUNCTION oms.open_breaker(service text, region text DEFAULT '*', reason text DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM oms.check_breaker_region(region);
    INSERT INTO oms.courier_health AS h (courier_service_id, region, state, until, reason, updated_at)
    VALUES (oms.courier_service_id(service), region, 'open', until, reason, now())
    ON CONFLICT ON CONSTRAINT courier_health_pkey DO UPDATE
       SET state = 'open', until = EXCLUDED.until, reason = EXCLUDED.reason, updated_at = EXCLUDED.updated_at;
END $$;
COMMENT ON FUNCTION oms.open_breaker(text, text, text, timestamptz) IS
    'From now on the service gets no new parcels for a GST state (or * for all) that are handed over before until (NULL: until closed). Raises OM001 (region), OM002 (service).';

CREATE FUNCTION oms.close_breaker(service text, region text DEFAULT '*') RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM oms.check_breaker_region(region);
    UPDATE oms.courier_health h SET state = 'closed', until = NULL, updated_at = now()
     WHERE h.courier_service_id = oms.courier_service_id(service) AND h.region = close_breaker.region AND h.state <> 'closed';
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION oms.close_breaker(text, text) IS
    'The service takes parcels for the region again; false when its breaker was not open. Raises OM001 (region), OM002 (service).';

CREATE FUNCTION oms.set_network_status(region text, courier text DEFAULT NULL, delay_days integer DEFAULT 0, surcharge_pct numeric DEFAULT 0,
    blocked boolean DEFAULT false, valid_from timestamptz DEFAULT now(), valid_to timestamptz DEFAULT 'infinity', note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    of_courier integer;
    made bigint;
BEGIN
    IF region IS NULL OR region !~ '^([0-9]{2}|[1-9][0-9]{2}|[1-9][0-9]{5})$' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'region is a GST state code, the first three digits of a pincode, or a pincode',
            DETAIL = format('It is %s.', coalesce(region, 'missing'));
    ELSIF delay_days IS NULL OR delay_days < 0 OR surcharge_pct IS NULL OR surcharge_pct < 0 OR surcharge_pct >= 1000 OR blocked IS NULL OR (valid_from < valid_to) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'delay, surcharge or validity out of range',
            DETAIL = format('Delay is %s days, surcharge %s percent, valid from %s to %s.', delay_days, surcharge_pct, valid_from, valid_to);
    ELSIF courier IS NOT NULL THEN
        SELECT c.courier_id INTO of_courier FROM oms.courier c WHERE c.code = courier;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('courier "%s" does not exist', courier),
                HINT = 'The couriers are the rows of oms.courier.';
        END IF;
    END IF;
    -- what was said before holds until then
    DELETE FROM oms.network_status n
     WHERE n.region = region AND n.courier_id IS NOT DISTINCT FROM of_courier AND n.valid_from >= valid_from AND n.valid_from < valid_to;
    UPDATE oms.network_status n SET valid_to = valid_from
     WHERE n.region = region AND n.courier_id IS NOT DISTINCT FROM of_courier AND n.valid_from < valid_from AND n.valid_to > valid_from;
    IF blocked OR delay_days > 0 OR surcharge_pct > 0 THEN
        INSERT INTO oms.network_status AS n (courier_id, region, delay_days, surcharge_pct, blocked, valid_from, valid_to, note)
        VALUES (of_courier, region, delay_days, surcharge_pct, blocked, valid_from, valid_to, note)
        RETURNING n.network_status_id INTO made;
    END IF;
    RETURN made;
END $$;
COMMENT ON FUNCTION oms.set_network_status(text, text, integer, numeric, boolean, timestamptz, timestamptz, text) IS
    'Live state of the network in a region (GST state code, three digits of a pincode, or a pincode), for one courier or all (NULL): working days of delay, percent on freight, blocked. In place of what was said of this region and courier for that time; with none of the three it ends the trouble and returns NULL. Raises OM001 (region, range), OM002 (courier).';
