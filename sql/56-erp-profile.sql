-- erp: profiles as things of their own: versions, parameters, and a text form
-- that is exported, compared and read back.

-- Versions -------------------------------------------------------------------------

CREATE FUNCTION oms.erp_version_fits(version text, erp_from text, erp_to text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.a IS NULL OR ((f.a IS NULL OR v.a >= f.a) AND (t.a IS NULL OR v.a[1:cardinality(t.a)] <= t.a))
      FROM (SELECT string_to_array(substring(version FROM '[0-9]+(?:\.[0-9]+)*'), '.')::numeric[] AS a) AS v,
           (SELECT string_to_array(regexp_replace(substring(erp_from FROM '[0-9]+(?:\.[0-9]+)*'), '(\.0+)+$', ''), '.')::numeric[] AS a) AS f,
           (SELECT string_to_array(substring(erp_to FROM '[0-9]+(?:\.[0-9]+)*'), '.')::numeric[] AS a) AS t
$$;
COMMENT ON FUNCTION oms.erp_version_fits(text, text, text) IS
    'Whether a version (16.0, saas~17.2, 16.0.1.3) lies between two, each with all below it: 19 holds 19.2. A version that is unknown (NULL, or without a number) fits.';

CREATE FUNCTION oms.erp_version(profile text, params jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    q text;
    par jsonb;
    v text;
BEGIN
    SELECT p.probe, '{"schema": "public"}'::jsonb || p.params || jsonb_strip_nulls(coalesce($2, '{}')) INTO q, par FROM oms.erp_profile AS p WHERE p.profile = $1;
    IF q IS NOT NULL THEN
        EXECUTE format(E'SELECT q.v::text FROM (%s\n) AS q (v) LIMIT 1', replace(q, '@erp@', quote_ident(par->>'schema'))) INTO v USING par;
    END IF;
    RETURN v;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL; -- not that ERP, or not all of it
END $$;
COMMENT ON FUNCTION oms.erp_version(text, jsonb) IS 'The version of the ERP in this database, as the probe of a profile finds it; NULL where it finds none.';

CREATE FUNCTION oms.erp_pick_profile(profile text, params jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    p record;
    best text;
    seen text;
BEGIN
    IF profile IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'profile is null', DETAIL = 'Argument profile.', HINT = 'Profiles are the rows of oms.erp_profile.';
    END IF;
    IF params IS NOT NULL AND jsonb_typeof(params) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'params is not a JSON object', DETAIL = format('Argument params is %s.', left(params::text, 100)),
            HINT = 'Give names and values, as in {"company": 1}.';
    END IF;
    -- the one of that name first, then the others of that ERP, the newest first
    FOR p IN SELECT x.profile AS name, x.erp_from, x.erp_to, x.probe, oms.erp_version(x.profile, $2) AS version FROM oms.erp_profile AS x
              WHERE x.profile = $1 OR coalesce(x.erp, x.profile) = $1
                 OR x.erp = (SELECT y.erp FROM oms.erp_profile AS y WHERE y.profile = $1)
              ORDER BY x.profile <> $1, string_to_array(substring(x.erp_from FROM '[0-9]+(?:\.[0-9]+)*'), '.')::numeric[] DESC NULLS LAST, x.profile COLLATE "C"
    LOOP
        seen := coalesce(seen, p.version);
        CONTINUE WHEN NOT oms.erp_version_fits(p.version, p.erp_from, p.erp_to) OR (p.name <> $1 AND p.probe IS NOT NULL AND p.version IS NULL);
        best := coalesce(best, p.name);
    END LOOP;
    IF EXISTS (SELECT FROM oms.erp_profile AS x WHERE x.profile = $1 AND (x.profile = best OR best IS NULL AND seen IS NULL)) THEN
        RETURN $1;
    ELSIF NOT EXISTS (SELECT FROM oms.erp_profile AS x WHERE x.profile = $1 OR x.erp = $1) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('there is no ERP profile "%s"', $1),
            HINT = format('Profiles are the rows of oms.erp_profile: %s.', (SELECT string_agg(x.profile, ', ' ORDER BY x.profile) FROM oms.erp_profile AS x));
    ELSIF best IS NOT NULL AND NOT EXISTS (SELECT FROM oms.erp_profile AS x WHERE x.profile = $1) THEN
        RETURN best;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'OM601',
        MESSAGE = CASE WHEN seen IS NULL THEN format('this database does not look like the ERP "%s"', $1)
                       ELSE format('profile "%s" is not for version %s of the ERP', $1, seen) END,
        DETAIL = (SELECT format('Profiles are for %s.', string_agg(format('%s to %s ("%s")', coalesce(x.erp_from, 'any'), coalesce(x.erp_to, 'any'), x.profile), ', ' ORDER BY x.profile))
                    FROM oms.erp_profile AS x WHERE x.profile = $1 OR coalesce(x.erp, x.profile) = $1),
        HINT = coalesce('Profile "' || best || '" is.', 'Another schema is given as {"schema": "..."}; a profile for this version is made from a copy (oms.export_profile).');
END $$;
COMMENT ON FUNCTION oms.erp_pick_profile(text, jsonb) IS
    'The profile meant by a name: that profile, where the version of the ERP in this database is one it is for; for the name of an ERP (oms.erp_profile.erp) the newest of its profiles that fits. Errors OM001 (NULL, parameters that are no object), OM601 (no such profile, or not for this version).';

-- Parameters -----------------------------------------------------------------------

CREATE FUNCTION oms.erp_check_params(profile text, params jsonb)
RETURNS TABLE (name text, problem text, example text, what_to_do text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH known (name, type, allowed, meaning) AS (
        SELECT v.* FROM (VALUES ('schema', 'text', NULL::text[], 'schema of the ERP''s tables'), ('always', 'boolean', NULL, 'triggers also fire for replicated changes')) AS v
        UNION ALL SELECT p.name, p.type, p.allowed, p.meaning FROM oms.erp_param AS p WHERE p.profile = $1 AND p.name NOT IN ('schema', 'always')
        UNION ALL SELECT k, 'text', NULL, '' FROM oms.erp_profile AS p, jsonb_object_keys(p.params || jsonb_build_object(p.company_param, NULL)) AS k
                   WHERE p.profile = $1 AND k NOT IN ('schema', 'always') AND NOT EXISTS (SELECT FROM oms.erp_param AS x WHERE x.profile = $1 AND x.name = k)
    )
    SELECT g.key, CASE WHEN k.name IS NULL THEN 'the profile has no such parameter'
                       WHEN g.value <> ALL (k.allowed) THEN 'the parameter does not have this value'
                       ELSE oms.erp_misfit(g.value, k.type) END,
           left(g.value, 100),
           CASE WHEN k.name IS NULL THEN format('Parameters are %s.', (SELECT string_agg(x.name, ', ' ORDER BY x.name) FROM known AS x))
                WHEN g.value <> ALL (k.allowed) THEN format('Values are %s: %s.', array_to_string(k.allowed, ', '), k.meaning)
                ELSE format('It takes %s: %s.', k.type, k.meaning) END
      FROM jsonb_each_text(coalesce($2, '{}')) AS g LEFT JOIN known AS k ON k.name = g.key
     WHERE k.name IS NULL OR g.value IS NOT NULL AND (coalesce(g.value <> ALL (k.allowed), false) OR oms.erp_misfit(g.value, k.type) IS NOT NULL)
     ORDER BY g.key COLLATE "C"
$$;
COMMENT ON FUNCTION oms.erp_check_params(text, jsonb) IS 'Parameters that a profile does not know, or whose values it cannot use.';

CREATE FUNCTION oms.erp_known_params(profile text, params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    c record;
BEGIN
    SELECT * INTO c FROM oms.erp_check_params($1, $2) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('parameter "%s" of profile "%s": %s', c.name, $1, c.problem),
            DETAIL = format('Its value is "%s".', c.example), HINT = c.what_to_do;
    END IF;
    RETURN $2;
END $$;
COMMENT ON FUNCTION oms.erp_known_params(text, jsonb) IS 'The parameters given, if the profile knows them all. Error OM001 names the first it does not know or cannot use.';

CREATE FUNCTION oms.erp_companies(profile text, params jsonb)
RETURNS TABLE (no bigint, key text, code text, name text, currency text, timezone text, state text, state_code text, chosen boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    p record;
    par jsonb;
    mine text;
BEGIN
    SELECT replace(x.company_query, '@erp@', quote_ident(coalesce($2->>'schema', 'public'))) AS query, x.company_param AS param INTO p FROM oms.erp_profile AS x WHERE x.profile = $1;
    -- all of them where the query can tell, with the parameters' own in any case
    par := params - p.param;
    EXECUTE format(E'SELECT q.key::text FROM (%s\n) AS q LIMIT 1', p.query) INTO mine USING params;
    RETURN QUERY EXECUTE format(E'SELECT row_number() OVER (ORDER BY q.again, q.no), q.key, q.code, q.name, q.currency, q.timezone, q.state, s.state_code, coalesce(q.key = $3, false)'
            '  FROM (SELECT false AS again, row_number() OVER () AS no, a.key::text, a.code::text, a.name::text, a.currency::text, a.timezone::text, a.state::text FROM (%1$s\n) AS a'
            '        UNION ALL SELECT true, 1, a.key::text, a.code::text, a.name::text, a.currency::text, a.timezone::text, a.state::text FROM (SELECT * FROM (%2$s\n) AS b LIMIT 1) AS a) AS q'
            '  LEFT JOIN LATERAL (SELECT min(g.state_code) AS state_code FROM oms.gst_state AS g'
            '       WHERE g.state_code = q.state OR lower(g.name) = lower(q.state) OR g.iso = upper(regexp_replace(q.state, ''^IN-'', '''', ''i''))) AS s ON true'
            ' WHERE q.key IS NOT NULL AND (NOT q.again OR q.key NOT IN (SELECT c.key::text FROM (%1$s\n) AS c WHERE c.key IS NOT NULL))',
            regexp_replace(p.query, '\$1(?![0-9])', '$2', 'g'), p.query)
        USING params, par, mine;
END $$;
COMMENT ON FUNCTION oms.erp_companies(text, jsonb) IS 'Companies of the ERP, as the profile''s company query lists them without the parameter that names one, and which of them these parameters choose.';

CREATE FUNCTION oms.erp_profile_params(profile text, params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    p record;
    par jsonb;
    company text;
    kept jsonb := '{}';
BEGIN
    IF profile IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'profile is null', DETAIL = 'Argument profile.', HINT = 'Profiles are the rows of oms.erp_profile.';
    END IF;
    SELECT * INTO p FROM oms.erp_profile AS x WHERE x.profile = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('there is no ERP profile "%s"', $1),
            HINT = format('Profiles are the rows of oms.erp_profile: %s.', (SELECT string_agg(x.profile, ', ' ORDER BY x.profile) FROM oms.erp_profile AS x));
    END IF;
    -- attached already: that company in that schema, unless others are named
    IF to_regclass('oms.erp_attachment') IS NOT NULL THEN
        SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') INTO kept
          FROM (SELECT x.params FROM oms.erp_attachment AS x WHERE x.profile = $1 ORDER BY x.company_id LIMIT 1) AS a, jsonb_each(a.params) AS e
         WHERE e.key IN ('schema', 'always', p.company_param);
    END IF;
    par := '{"schema": "public"}'::jsonb || p.params || kept || jsonb_strip_nulls(coalesce($2, '{}'));
    -- no company named: the profile's own if the ERP has it, else the first
    IF NOT kept ? p.company_param AND $2->>p.company_param IS NULL THEN
        BEGIN
            SELECT c.key INTO company FROM oms.erp_companies($1, par) AS c ORDER BY c.chosen AND par ? p.company_param DESC, c.no LIMIT 1;
            IF company IS NOT NULL THEN
                par := par || jsonb_build_object(p.company_param, CASE WHEN company ~ '^(0|[1-9][0-9]{0,17})$' THEN to_jsonb(company::bigint) ELSE to_jsonb(company) END);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            NULL; -- what is missing is said by whoever looks at the tables
        END;
    END IF;
    RETURN par || jsonb_build_object('profile', $1); -- so that a copy reads words of its own
END $$;
COMMENT ON FUNCTION oms.erp_profile_params(text, jsonb) IS 'Parameters of a profile with its defaults and its name; where no company is named, with the (first) one it is attached for, else the first. Error OM001 for NULL, OM601 when there is no such profile.';
