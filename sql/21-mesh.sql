-- mesh: placing nodes, service areas, dark stores; which nodes serve a place.

CREATE FUNCTION oms.geo_area(area geography) RETURNS geography
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN GeometryType(area::geometry) IN ('POLYGON', 'MULTIPOLYGON') AND ST_IsValid(area::geometry)
                 AND NOT ST_IsEmpty(area::geometry)
                THEN ST_Multi(ST_Force2D(area::geometry))::geography END;
END;
COMMENT ON FUNCTION oms.geo_area(geography) IS
    'A polygon or multipolygon as oms.service_area keeps it; NULL for anything else, empty or crossing itself.';

CREATE FUNCTION oms.postcode_in_range(code text, range_from text, range_to text) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_postcode_in_range';
COMMENT ON FUNCTION oms.postcode_in_range(text, text, text) IS
    'Whether a postal code lies in a range, both ends included; NULL or empty: no bound on that side. Runs of digits compare as numbers and letters as letters (any case), spaces and hyphens only part them: BH20 lies behind BH4. NULL for a NULL code.';

CREATE FUNCTION oms.node_id(code text, company text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_company integer := oms.company_id(company);
    found_id integer;
BEGIN
    IF code IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'code of a node is null', DETAIL = 'Argument code, or node.', HINT = 'The nodes are the rows of oms.node.';
    END IF;
    SELECT n.node_id INTO found_id FROM oms.node n WHERE n.company_id = of_company AND n.code = node_id.code;
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('node "%s" does not exist', code),
            HINT = 'The nodes are the rows of oms.node; oms.add_dark_store() makes one.';
    END IF;
    RETURN found_id;
END $$;
COMMENT ON FUNCTION oms.node_id(text, text) IS
    'node_id of a node''s code. Raises OM001 for none, OM002 for an unknown one.';

CREATE FUNCTION oms.place_node(code text, lat double precision, lng double precision, company text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    id integer;
BEGIN
    PERFORM oms.check_place(lat, lng);
    id := oms.node_id(code, company);
    UPDATE oms.node n
       SET place = oms.geo_point(lat, lng),
           state_code = coalesce(n.state_code, (SELECT p.state_code FROM oms.pincode p WHERE p.pincode = n.pincode)),
           city = coalesce(n.city, (SELECT coalesce(p.city, p.district) FROM oms.pincode p WHERE p.pincode = n.pincode))
     WHERE n.node_id = id;
    RETURN id;
END $$;
COMMENT ON FUNCTION oms.place_node(text, double precision, double precision, text) IS
    'Puts a node on the map (degrees, latitude first) and fills its state and city from its pincode where they are missing. Returns node_id. Raises OM001 (place), OM002 (node).';

CREATE FUNCTION oms.set_service_area(code text, area geography DEFAULT NULL, radius_m integer DEFAULT NULL,
    company text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    id integer := oms.node_id(code, company);
    made integer;
BEGIN
    IF (area IS NULL) = (radius_m IS NULL) OR radius_m <= 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'a service area is a polygon or a radius above zero',
            DETAIL = format('Radius is %s, the polygon %s.', coalesce(radius_m::text, 'missing'), CASE WHEN area IS NULL THEN 'missing' ELSE 'given' END),
            HINT = 'Give exactly one of area and radius_m.';
    ELSIF area IS NOT NULL AND oms.geo_area(area) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'a service area must be a valid polygon or multipolygon',
            DETAIL = 'It is empty, crosses itself, or is another kind of shape.',
            HINT = 'Look at it with ST_IsValidReason(area::geometry).';
    ELSIF radius_m IS NOT NULL AND (SELECT n.place IS NULL FROM oms.node n WHERE n.node_id = id) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('node "%s" has no place for a radius', code),
            HINT = 'Call oms.place_node() first.';
    END IF;
    DELETE FROM oms.service_area a WHERE a.node_id = id;
    INSERT INTO oms.service_area AS a (company_id, node_id, area, radius_m)
    SELECT n.company_id, n.node_id, oms.geo_area(area), radius_m FROM oms.node n WHERE n.node_id = id
    RETURNING a.service_area_id INTO made;
    RETURN made;
END $$;
COMMENT ON FUNCTION oms.set_service_area(text, geography, integer, text) IS
    'Makes this polygon, or circle of radius_m metres around its place, the one area a node serves, in place of all it had. For several areas, or areas of limited validity, write rows of oms.service_area. Returns service_area_id. Raises OM001 (area), OM002 (node).';

CREATE FUNCTION oms.add_dark_store(code text, name text, lat double precision, lng double precision, radius_m integer,
    pincode text, cutoff time DEFAULT '23:00', pick_minutes integer DEFAULT 5, kind text DEFAULT 'dark_store',
    gstin text DEFAULT NULL, handling_cost numeric DEFAULT NULL, company text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    of_company integer := oms.company_id(company);
    state text;
    registration text := gstin;
    in_city text;
    id integer;
BEGIN
    PERFORM oms.check_place(lat, lng);
    IF kind IS NULL OR kind NOT IN ('dark_store', 'store') THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'kind must be dark_store or store',
            DETAIL = format('It is %s.', coalesce(kind, 'missing'));
    END IF;
    SELECT p.state_code, coalesce(p.city, p.district) INTO state, in_city FROM oms.pincode p WHERE p.pincode = pincode;
    state := coalesce(state, left(gstin, 2));
    IF state IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('the state of pincode "%s" is not known', pincode),
            DETAIL = 'A node needs its GST state.',
            HINT = 'Load pincodes with oms.load_pincodes(), or give the gstin.';
    END IF;
    IF registration IS NULL THEN
        SELECT min(g.gstin) INTO registration FROM oms.gstin g WHERE g.company_id = of_company AND g.state_code = state;
    END IF;
    INSERT INTO oms.node AS n (company_id, code, name, kind, place, city, pincode, state_code, gstin, cutoff,
                               pick_minutes, handling_cost, hyperlocal, pos)
    VALUES (of_company, code, name, kind, oms.geo_point(lat, lng), in_city, pincode, state, registration, cutoff,
            pick_minutes, coalesce(handling_cost, 15), true, kind = 'store')
    ON CONFLICT ON CONSTRAINT node_company_id_code_key DO UPDATE
       SET name = EXCLUDED.name, kind = EXCLUDED.kind, place = EXCLUDED.place, city = coalesce(n.city, EXCLUDED.city),
           pincode = EXCLUDED.pincode, state_code = EXCLUDED.state_code, gstin = coalesce(gstin, n.gstin, EXCLUDED.gstin),
           cutoff = EXCLUDED.cutoff, pick_minutes = EXCLUDED.pick_minutes,
           handling_cost = coalesce(handling_cost, n.handling_cost), hyperlocal = true, pos = n.pos OR EXCLUDED.pos
    RETURNING n.node_id INTO id;
    PERFORM oms.set_service_area(code, NULL, radius_m, company);
    RETURN id;
END $$;
COMMENT ON FUNCTION oms.add_dark_store(text, text, double precision, double precision, integer, text, time, integer, text, text, numeric, text) IS
    'Adds a hyperlocal node with a circle of radius_m metres as its service area, or turns the node that has this code (from the ERP, say) into one; its stock, ERP key and opening stay. A store (kind) also sells over the counter. State by the pincode, GSTIN by the state where not given. Returns node_id. Raises OM001 (place, radius, kind), OM002 (pincode of unknown state).';

CREATE FUNCTION oms.nodes_near(lat double precision, lng double precision, at timestamptz DEFAULT now(), company text DEFAULT NULL)
RETURNS TABLE (node text, kind text, distance_m bigint, inside boolean, refused text, ready_at timestamptz)
LANGUAGE c STABLE PARALLEL SAFE COST 2000 ROWS 20
AS 'MODULE_PATHNAME', 'oms_nodes_near';
COMMENT ON FUNCTION oms.nodes_near(double precision, double precision, timestamptz, text) IS
    'Every node of the company as the planner sees it from a place (degrees, latitude first; NULL: place unknown) at a moment: metres as the crow flies, whether one of its service areas holds the place, the reason code against it (NULL: it may serve), when a parcel planned then would be handed over. Candidates first, nearest first. Raises OM001 (place), OM002 (company).';
