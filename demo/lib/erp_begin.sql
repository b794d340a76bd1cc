-- ./run erp: the profile, the ERP's schema and the parameters that are meant.
DROP SCHEMA IF EXISTS oms_run CASCADE;
CREATE SCHEMA oms_run;
CREATE TABLE oms_run.given AS SELECT :'profile'::text AS name, :'params'::jsonb AS params;
CREATE TABLE oms_run.said (line text);
DO $do$
DECLARE
    name text := (SELECT g.name FROM oms_run.given AS g);
    params jsonb := (SELECT g.params FROM oms_run.given AS g);
    any_profile text := (SELECT p.profile FROM oms.erp_profile AS p WHERE name IN (p.profile, p.erp) ORDER BY p.profile <> name, p.erp_from DESC NULLS LAST LIMIT 1);
    place text;
    c record;
BEGIN
    -- names the profile does not know are left out here, where nobody can ask
    FOR c IN SELECT * FROM oms.erp_check_params(any_profile, params) AS x WHERE any_profile IS NOT NULL AND NOT x.problem LIKE '%value%' AND x.what_to_do LIKE 'Parameters are%' LOOP
        INSERT INTO oms_run.said VALUES (format('parameter "%s" is left out: %s. %s', c.name, c.problem, c.what_to_do));
        params := params - c.name;
    END LOOP;
    -- the schema that has most of the tables
    IF any_profile IS NOT NULL AND NOT params ? 'schema' THEN
        SELECT n.nspname INTO place FROM pg_namespace AS n
         CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE to_regclass(t.relation) IS NULL) AS gone, count(*) AS all
                               FROM oms.erp_profile_tables(any_profile, '{"schema": "public"}'::jsonb || (SELECT p.params FROM oms.erp_profile AS p WHERE p.profile = any_profile)
                                    || params || jsonb_build_object('schema', n.nspname)) AS t) AS f
         WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'oms', 'oms_bi', 'oms_gis', 'oms_run') AND f.gone < f.all
         ORDER BY f.gone, n.nspname <> 'public', n.nspname LIMIT 1;
        IF place <> 'public' THEN
            INSERT INTO oms_run.said VALUES (format('schema "%s": the tables are there', place));
            params := params || jsonb_build_object('schema', place);
        END IF;
    END IF;
    UPDATE oms_run.given AS g SET params = do_params.params FROM (SELECT params) AS do_params;
END $do$;
SELECT oms.erp_pick_profile(g.name, g.params) AS profile FROM oms_run.given AS g \gset
CREATE TABLE oms_run.meant AS
SELECT :'profile'::text AS profile, g.params, oms.erp_profile_params(:'profile', g.params) AS par FROM oms_run.given AS g;
INSERT INTO oms_run.said
SELECT format('profile %s: %s, version %s%s', p.profile, p.title, p.version, '; the ERP''s is ' || oms.erp_version(p.profile, m.params))
  FROM oms_run.meant AS m JOIN oms.erp_profile AS p USING (profile);
