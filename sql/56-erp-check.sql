-- erp: a profile beside the live catalogue and the ERP's own rows, before
-- anything is created.

CREATE FUNCTION oms.erp_describe(query text, argtypes regtype[])
RETURNS TABLE (kind text, relation text, name text, type text)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'oms_erp_describe';
COMMENT ON FUNCTION oms.erp_describe(text, regtype[]) IS
    'What a statement would do, without running it: rows column (name and type of what it returns), table (a table it reads), reads (a column of it; * the whole row), writes (it changes something). Views are seen through. Errors as the statement''s own.';

CREATE FUNCTION oms.erp_misfit(value text, type text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'oms_erp_misfit';
COMMENT ON FUNCTION oms.erp_misfit(text, text) IS 'Why a value does not fit a type, as numeric(14,2); NULL: it fits.';

CREATE FUNCTION oms.erp_syntax(query text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'oms_erp_syntax';
COMMENT ON FUNCTION oms.erp_syntax(text) IS 'What is wrong with the syntax of a statement; NULL: nothing, it is one statement. Whether its tables exist is not asked.';

CREATE FUNCTION oms.erp_scans(query text, keys text[], params jsonb) RETURNS TABLE (relation text, filter text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE E'EXPLAIN (FORMAT JSON, VERBOSE) ' || query INTO plan USING keys, params;
    RETURN QUERY
        WITH RECURSIVE n (node) AS (
            SELECT plan->0->'Plan'
            UNION ALL SELECT c FROM n, json_array_elements(n.node->'Plans') AS c
        )
        SELECT DISTINCT format('%I.%I', n.node->>'Schema', n.node->>'Relation Name'), n.node->>'Filter'
          FROM n WHERE n.node->>'Node Type' = 'Seq Scan';
END $$;
COMMENT ON FUNCTION oms.erp_scans(text, text[], jsonb) IS 'Tables that a query of a profile reads from end to end for these keys, and what it looks for.';

CREATE FUNCTION oms.check_profile(profile text, params jsonb DEFAULT '{}')
RETURNS TABLE (severity text, entity text, relation text, "column" text, problem text, example text, what_to_do text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 1000000
SET search_path = pg_catalog, oms, pg_temp
SET client_min_messages = warning AS $$
#variable_conflict use_column
DECLARE
    sample constant integer := 200000;
    prof record;
    par jsonb;
    sch text;
    e record;
    c record;
    t record;
    r record;
    rows jsonb[];
    keys text[];
    n bigint;
    total bigint;
    ex text;
    why text;
    state text;
    absent text[];
    queries jsonb := '{}';          -- entity: its query, where it runs
    images jsonb[];
    value text;
    watched text[];
    chosen boolean;
BEGIN
    SELECT * INTO prof FROM oms.erp_profile AS p WHERE p.profile = oms.erp_pick_profile($1, $2);
    BEGIN
    PERFORM set_config('transaction_read_only', 'on', true);
    FOR r IN SELECT * FROM oms.erp_check_params(prof.profile, $2) LOOP
        severity := 'error'; entity := NULL; relation := NULL; "column" := r.name;
        problem := r.problem; example := r.example; what_to_do := r.what_to_do;
        RETURN NEXT;
    END LOOP;
    par := oms.erp_profile_params(prof.profile, $2);
    sch := quote_ident(par->>'schema');
    IF to_regnamespace(sch) IS NULL THEN
        severity := 'error'; "column" := 'schema'; problem := 'there is no such schema'; example := par->>'schema';
        what_to_do := 'Give the ERP''s schema: {"schema": "..."}.';
        RETURN NEXT;
        RAISE EXCEPTION USING ERRCODE = 'OM000';
    END IF;

    -- the company
    severity := 'error'; entity := 'company'; relation := NULL; "column" := NULL; example := NULL;
    BEGIN
        SELECT count(*), string_agg(format('%s (%s)', x.key, x.name), ', ' ORDER BY x.no), bool_or(x.chosen) INTO n, ex, chosen FROM oms.erp_companies(prof.profile, par) AS x;
        IF n = 0 THEN
            problem := 'the profile finds no company'; example := par->>prof.company_param;
            what_to_do := format('Name it: {"%s": ...}.', prof.company_param);
            RETURN NEXT;
        ELSIF NOT chosen THEN
            problem := format('company %s is not there', par->>prof.company_param); example := left(ex, 200);
            what_to_do := format('Name one of these: {"%s": ...}, or none to take the first.', prof.company_param);
            RETURN NEXT;
        ELSIF n > 1 AND jsonb_typeof($2->prof.company_param) IS NULL THEN
            severity := 'hint'; problem := format('there are %s companies; %s is taken', n, par->>prof.company_param); example := left(ex, 200);
            what_to_do := format('Name another: {"%s": ...}.', prof.company_param);
            RETURN NEXT;
        END IF;
        FOR r IN SELECT * FROM oms.erp_companies(prof.profile, par) AS x WHERE x.chosen LOOP
            severity := 'error'; example := NULL;
            IF r.code IS NULL OR r.name IS NULL THEN
                "column" := CASE WHEN r.code IS NULL THEN 'code' ELSE 'name' END; problem := 'the company has none'; example := r.key;
                what_to_do := 'Let company_query return one, say the key.';
                RETURN NEXT;
            END IF;
            IF r.timezone IS NOT NULL AND NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = r.timezone) THEN
                "column" := 'timezone'; problem := 'there is no such time zone'; example := r.timezone;
                what_to_do := 'Correct it in the ERP, or let company_query return another.';
                RETURN NEXT;
            END IF;
            IF r.currency !~ '^[A-Z]{3}$' THEN
                "column" := 'currency'; problem := 'it is no ISO 4217 code'; example := r.currency;
                what_to_do := 'Let company_query return three capital letters.';
                RETURN NEXT;
            END IF;
            IF r.state_code IS NULL THEN
                severity := 'warning'; "column" := 'state'; problem := 'no GST state is found for it: Karnataka (29) is taken'; example := r.state;
                what_to_do := 'Set oms.company.state_code after attaching.';
                RETURN NEXT;
            END IF;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        severity := 'error'; "column" := NULL; problem := 'the query for the company fails'; example := SQLERRM;
        what_to_do := 'Correct oms.erp_profile.company_query, or the schema.';
        RETURN NEXT;
    END;

    -- tables and watched columns
    absent := ARRAY(SELECT a.entity FROM oms.erp_profile_absent(prof.profile, par) AS a);
    FOR t IN SELECT * FROM oms.erp_profile_tables(prof.profile, par) LOOP
        SELECT k.oid, k.relkind, k.relreplident, k.relpersistence,
               EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = k.oid AND i.indisprimary AND i.indisvalid) AS pk
          INTO r FROM pg_class AS k WHERE k.oid = to_regclass(t.relation);
        SELECT string_agg(DISTINCT s.entity, ', ' ORDER BY s.entity) INTO entity FROM oms.erp_source AS s
         WHERE s.profile = prof.profile AND replace(s.relation, '@erp@', sch) = t.relation AND s.entity <> ALL (absent);
        severity := 'error'; relation := t.relation; "column" := NULL; example := NULL;
        IF r.oid IS NULL THEN
            problem := 'there is no such table';
            what_to_do := 'Give the ERP''s schema as {"schema": "..."}, install the ERP''s module, or take the row out of oms.erp_source.';
            RETURN NEXT;
            CONTINUE;
        END IF;
        FOREACH value IN ARRAY t.missing LOOP
            "column" := value; problem := 'there is no such column';
            what_to_do := 'Correct oms.erp_source.watch; a column that not every such ERP has ends in ?.';
            RETURN NEXT;
        END LOOP;
        "column" := NULL;
        IF r.relkind NOT IN ('r', 'p', 'f') THEN
            problem := 'it is not a table: changes cannot be seen there';
            what_to_do := 'Watch the tables behind it.';
            RETURN NEXT;
        ELSIF r.relkind = 'f' THEN
            severity := 'warning'; problem := 'it is a foreign table: only changes made through it are seen';
            what_to_do := 'Refresh its entities by the clock, or replicate the table.';
            RETURN NEXT;
        ELSIF NOT r.pk AND r.relreplident IN ('d', 'n') THEN
            severity := 'hint'; problem := 'it has no primary key'; what_to_do := 'Only for logical replication from another server: REPLICA IDENTITY FULL there.';
            RETURN NEXT;
        END IF;
    END LOOP;
    FOR t IN SELECT * FROM oms.erp_profile_absent(prof.profile, par) LOOP
        severity := 'hint'; entity := t.entity; relation := t.relation; "column" := NULL; example := NULL;
        problem := 'this ERP does not have it'; what_to_do := 'Attach again when it does.';
        RETURN NEXT;
    END LOOP;

    -- entities
    FOR e IN SELECT x.entity AS name, replace(x.query, '@erp@', sch) AS query FROM oms.erp_entity AS x
              WHERE x.profile = prof.profile AND x.entity <> ALL (absent) ORDER BY array_position(oms.erp_entities(), x.entity) LOOP
        severity := 'error'; entity := e.name; relation := NULL; "column" := NULL; example := NULL;
        -- columns
        BEGIN
            watched := ARRAY(SELECT replace(s.relation, '@erp@', sch) FROM oms.erp_source AS s WHERE s.profile = prof.profile AND s.entity = e.name);
            FOR c IN
                WITH d AS MATERIALIZED (SELECT * FROM oms.erp_describe(e.query, '{text[],jsonb}'))
                SELECT 1 AS no, d.kind, d.relation, d.name, d.type, NULL::text AS takes, false AS required, NULL::text AS missing FROM d WHERE d.kind = 'writes'
                UNION ALL
                SELECT 2, d.kind, NULL, coalesce(d.name, k.name), d.type, k.type, k.required, CASE WHEN d.name IS NULL THEN 'query' WHEN k.name IS NULL THEN 'entity' END
                  FROM (SELECT * FROM d WHERE d.kind = 'column') AS d
                  FULL JOIN (SELECT * FROM oms.erp_entity_column AS y WHERE y.entity = e.name) AS k ON k.name = d.name
                UNION ALL
                SELECT 3, 'table', d.relation, string_agg(d.name, ', ' ORDER BY d.name), NULL, NULL, false, NULL
                  FROM (SELECT DISTINCT u.relation, nullif(u.name, '*') AS name FROM d AS u WHERE u.kind IN ('table', 'reads')) AS d
                 WHERE to_regclass(d.relation) <> ALL (SELECT coalesce(to_regclass(w), 0::oid::regclass) FROM unnest(watched) AS w)
                   AND d.relation NOT LIKE 'oms.%' AND d.relation NOT LIKE 'pg\_catalog.%'
                 GROUP BY d.relation
                UNION ALL
                SELECT 4, 'reads', d.relation, string_agg(d.name, ', ' ORDER BY d.name), NULL, NULL, false, NULL FROM (SELECT DISTINCT u.relation, u.name FROM d AS u WHERE u.kind = 'reads' AND u.name <> '*') AS d
                 WHERE to_regclass(d.relation) = ANY (SELECT to_regclass(w) FROM unnest(watched) AS w)
                   AND NOT EXISTS (SELECT FROM oms.erp_source AS s, unnest(s.watch) AS w WHERE s.profile = prof.profile AND s.entity = e.name
                                      AND to_regclass(replace(s.relation, '@erp@', sch)) = to_regclass(d.relation) AND rtrim(w, '?') = d.name)
                   -- its key does not change, and what reads all of a row means no column of it
                   AND NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                                    WHERE i.indrelid = to_regclass(d.relation) AND i.indisprimary AND a.attname = d.name)
                   AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(d.relation) AND a.attnum > 0 AND NOT a.attisdropped
                                  AND NOT EXISTS (SELECT FROM d AS u WHERE u.kind = 'reads' AND u.relation = d.relation AND u.name = a.attname))
                 GROUP BY d.relation
                ORDER BY 1, 3, 4
            LOOP
                severity := 'error'; relation := c.relation; "column" := c.name; example := NULL;
                IF c.kind = 'writes' THEN
                    "column" := NULL; problem := 'the query changes or locks rows'; what_to_do := 'Let it be a plain SELECT.';
                ELSIF c.kind = 'table' THEN
                    severity := 'hint'; problem := 'the query reads this table and no source of the entity watches it: its changes are seen only with other ones';
                    what_to_do := 'Add a row to oms.erp_source if they matter.';
                ELSIF c.kind = 'reads' THEN
                    severity := 'hint'; problem := 'the query reads these columns and the source does not watch them: their changes are seen only with other ones';
                    what_to_do := 'Add them to oms.erp_source.watch if they matter.';
                ELSIF c.missing = 'query' THEN
                    CONTINUE WHEN NOT c.required;
                    problem := 'the query does not return it'; what_to_do := 'Return it: ' || (SELECT y.meaning FROM oms.erp_entity_column AS y WHERE y.entity = e.name AND y.name = c.name) || '.';
                ELSIF c.missing = 'entity' THEN
                    severity := 'warning'; problem := 'the entity has no such column: it is not taken in';
                    what_to_do := 'Columns are ' || coalesce((SELECT string_agg(y.name, ', ' ORDER BY y.name) FROM oms.erp_entity_column AS y WHERE y.entity = e.name), '(none)') || '.';
                ELSE
                    -- what cannot become it, whatever the value
                    CONTINUE WHEN c.takes IN ('jsonb', 'json');
                    SELECT k.typcategory::text || x.typcategory::text INTO value
                      FROM pg_type AS k, pg_type AS x WHERE k.oid = to_regtype(regexp_replace(c.takes, '\(.*', '')) AND x.oid = to_regtype(c.type);
                    CONTINUE WHEN value IS NULL OR right(value, 1) IN (left(value, 1), 'S', 'X') OR value IN ('SN', 'SB', 'SD', 'ST', 'SE', 'SU', 'BN')
                              AND c.type NOT IN ('json', 'jsonb', 'bytea', 'xml');
                    problem := format('the query returns %s where %s is taken', c.type, c.takes); what_to_do := 'Convert it in the query.';
                END IF;
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
            severity := 'error'; relation := NULL; "column" := NULL; example := why;
            problem := CASE state WHEN '42601' THEN 'the query has a syntax error' WHEN '42P01' THEN 'the query names a table that is not there'
                                  WHEN '42703' THEN 'the query names a column that is not there' ELSE 'the query cannot be prepared' END;
            what_to_do := 'Correct oms.erp_entity.query.';
            RETURN NEXT;
            CONTINUE;
        END;
        -- rows
        severity := 'error'; relation := NULL; "column" := NULL; example := NULL;
        CONTINUE WHEN NOT EXISTS (SELECT FROM oms.erp_describe(e.query, '{text[],jsonb}') AS d WHERE d.kind = 'column' AND d.name = 'key')
                   OR EXISTS (SELECT FROM oms.erp_describe(e.query, '{text[],jsonb}') AS d WHERE d.kind = 'writes');
        BEGIN
            EXECUTE format(E'SELECT coalesce(array_agg(to_jsonb(q)), ''{}''), (SELECT count(*) FROM (%1$s\n) AS a) FROM (SELECT * FROM (%1$s\n) AS a LIMIT %2$s) AS q', e.query, sample)
               INTO rows, total USING NULL::text[], par;
            queries := queries || jsonb_build_object(e.name, e.query);
        EXCEPTION WHEN OTHERS THEN
            problem := 'the query fails'; example := SQLERRM; what_to_do := 'Correct oms.erp_entity.query, or the rows it stumbles over.';
            RETURN NEXT;
            CONTINUE;
        END;
        severity := 'hint'; problem := format('%s rows', total); what_to_do := '';
        IF total = 0 AND e.name IN ('node', 'sku') THEN
            severity := 'warning'; problem := 'no rows';
            what_to_do := 'Without them nothing can be sold: are the company and the other parameters right?';
            RETURN NEXT;
        ELSE
            severity := 'info'; RETURN NEXT;
        END IF;
        RETURN QUERY SELECT x.severity, e.name, NULL::text, x."column", x.problem, x.example, x.what_to_do FROM oms.erp_check_rows(e.name, rows, total) AS x;

        IF EXISTS (SELECT FROM oms.erp_entity_column AS k WHERE k.entity = e.name AND k.name = 'status') THEN
            severity := 'warning'; relation := 'oms.erp_status'; "column" := 'status';
            FOR r IN SELECT x->>'status' AS word, count(*) AS n FROM unnest(rows) AS x
                      WHERE x->>'status' IS NOT NULL AND NOT EXISTS (SELECT FROM oms.erp_status AS v WHERE v.profile = prof.profile AND v.entity = e.name AND v.erp_value IN (x->>'status', split_part(x->>'status', '/', 1) || '/*'))
                      GROUP BY 1 ORDER BY 2 DESC, (x->>'status') COLLATE "C" LIMIT 50 LOOP
                problem := format('no row for this word, on %s rows', r.n); example := r.word; what_to_do := 'Add it to oms.erp_status, under a profile of your own.';
                RETURN NEXT;
            END LOOP;
            relation := NULL;
        END IF;

        -- by keys the same as at once
        keys := ARRAY(SELECT k FROM (SELECT DISTINCT x->>'key' AS k FROM unnest(rows) AS x WHERE x->>'key' IS NOT NULL) AS y ORDER BY md5(k) LIMIT 20);
        severity := 'error'; "column" := 'key'; example := NULL;
        BEGIN
            EXECUTE format(E'SELECT count(*), min(d->>''key'') FROM ((SELECT x AS d FROM unnest($3::jsonb[]) AS x WHERE x->>''key'' = ANY ($1) EXCEPT ALL SELECT to_jsonb(q) FROM (%1$s\n) AS q WHERE q.key::text = ANY ($1))'
                           ' UNION ALL (SELECT to_jsonb(q) FROM (%1$s\n) AS q WHERE q.key::text = ANY ($1) EXCEPT ALL SELECT x FROM unnest($3::jsonb[]) AS x WHERE x->>''key'' = ANY ($1))) AS z', e.query)
               INTO n, example USING keys, par, rows;
            IF n > 0 AND total <= sample THEN
                problem := 'the query returns other rows for keys ($1) than for all';
                what_to_do := 'Both ways must agree: what changes is asked for by its keys.';
                RETURN NEXT;
            END IF;
            severity := 'hint'; "column" := NULL;
            FOR t IN SELECT s.relation, min(s.filter) AS filter FROM oms.erp_scans(e.query, keys[1:1], par) AS s
                      WHERE cardinality(keys) > 0 AND pg_relation_size(to_regclass(s.relation)) >= 1048576 GROUP BY 1 ORDER BY 1 LOOP
                relation := t.relation; example := left(t.filter, 200);
                problem := format('for one key this table of %s is read from end to end', pg_size_pretty(pg_relation_size(to_regclass(t.relation))));
                what_to_do := 'Make an index for what is looked for, or let the query go by one.';
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            severity := 'error'; relation := NULL; "column" := 'key'; problem := 'the query fails when asked for keys ($1)'; example := SQLERRM;
            what_to_do := 'Let it take any text as a key, or compare as text.';
            RETURN NEXT;
        END;
    END LOOP;

    -- keys of other entities
    FOR e IN SELECT k.entity AS name, k.name AS col, u.part, u.target
               FROM oms.erp_entity_column AS k, unnest(string_to_array(k.refers, '|')) WITH ORDINALITY AS u (target, part)
              WHERE k.refers IS NOT NULL AND queries ? k.entity AND queries ? u.target ORDER BY array_position(oms.erp_entities(), k.entity), 2, 3 LOOP
        severity := 'hint'; entity := e.name; relation := NULL; "column" := e.col; example := NULL;
        BEGIN
            IF EXISTS (SELECT FROM oms.erp_describe(queries->>e.name, '{text[],jsonb}') AS d WHERE d.kind = 'column' AND d.name = e.col) THEN
                EXECUTE format(E'SELECT count(*), min(z.k) FROM (SELECT %s AS k FROM (%s\n) AS q WHERE q.%I IS NOT NULL EXCEPT SELECT q.key::text FROM (%s\n) AS q) AS z',
                        CASE WHEN e.part = 2 THEN format('substr(q.%1$I::text, strpos(q.%1$I::text, ''|'') + 1)', e.col)
                             WHEN e.name IN (SELECT k.entity FROM oms.erp_entity_column AS k WHERE k.name = e.col AND k.refers LIKE '%|%') THEN format('split_part(q.%I::text, ''|'', 1)', e.col)
                             ELSE format('q.%I::text', e.col) END, queries->>e.name, e.col, queries->>e.target)
                   INTO n, ex USING NULL::text[], par;
                IF n > 0 THEN
                    problem := format('keys not among those of %s, their rows left out (%s)', e.target, n); example := ex;
                    what_to_do := format('Expected where the ERP has more than what is sold; else see the query of %s.', e.target);
                    RETURN NEXT;
                END IF;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            severity := 'warning'; problem := format('could not be compared with %s', e.target); example := SQLERRM; what_to_do := 'See the queries of both.';
            RETURN NEXT;
        END;
    END LOOP;

    -- words
    FOR e IN SELECT coalesce(w.entity, v.entity) AS name, replace(w.query, '@erp@', sch) AS query
               FROM (SELECT * FROM oms.erp_word AS x WHERE x.profile = prof.profile) AS w
               FULL JOIN (SELECT DISTINCT x.entity FROM oms.erp_status AS x WHERE x.profile = prof.profile) AS v ON v.entity = w.entity ORDER BY 1 LOOP
        severity := 'warning'; entity := e.name; relation := 'oms.erp_status'; "column" := 'erp_value'; example := NULL;
        IF e.query IS NULL THEN
            -- those of documents are in the rows looked at; of our own orders in the ERP, the write-back tells
            CONTINUE WHEN e.name = 'document' OR EXISTS (SELECT FROM oms.erp_entity_column AS k WHERE k.entity = e.name AND k.name = 'status');
            severity := 'hint'; problem := 'nothing tells which words are in use: those without a row are not found';
            what_to_do := 'Add a row to oms.erp_word.';
            RETURN NEXT;
            CONTINUE;
        END IF;
        BEGIN
            FOR r IN EXECUTE format(E'SELECT w.word::text AS word, sum(w.n)::bigint AS n FROM (%s\n) AS w (word, n) WHERE w.word IS NOT NULL'
                        ' AND NOT EXISTS (SELECT FROM oms.erp_status AS v WHERE v.profile = $3 AND v.entity = $4 AND v.erp_value = w.word::text) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50', e.query)
                     USING NULL::text[], par, prof.profile, e.name LOOP
                problem := format('no row for this word, used %s times', r.n); example := r.word;
                what_to_do := 'Add it to oms.erp_status, under a profile of your own.';
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            severity := 'error'; relation := 'oms.erp_word'; "column" := 'query'; problem := 'the query for its words fails'; example := SQLERRM; what_to_do := 'Correct oms.erp_word.query.';
            RETURN NEXT;
        END;
    END LOOP;

    -- resolvers: rows of the table as the trigger would note them
    FOR e IN SELECT s.entity AS name, replace(s.relation, '@erp@', sch) AS rel, replace(s.resolve, '@erp@', sch) AS resolve,
                    ARRAY(SELECT rtrim(w, '?') FROM unnest(s.watch) AS w
                           WHERE EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(replace(s.relation, '@erp@', sch)) AND a.attname = rtrim(w, '?') AND a.attnum > 0 AND NOT a.attisdropped)) AS cols
               FROM oms.erp_source AS s
              WHERE s.profile = prof.profile AND s.resolve IS NOT NULL AND to_regclass(replace(s.relation, '@erp@', sch)) IS NOT NULL AND s.entity <> ALL (absent)
              ORDER BY 2, 1 LOOP
        severity := 'error'; entity := e.name; relation := e.rel; "column" := 'resolve'; example := NULL;
        BEGIN
            EXECUTE format('SELECT coalesce(array_agg(to_jsonb(q)), ''{}'') FROM (SELECT %s FROM %s AS t LIMIT 20) AS q',
                           (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(e.cols) AS x), e.rel) INTO images;
            -- a row may hold nothing
            images := images || (SELECT jsonb_object_agg(x, NULL::text) FROM unnest(e.cols) AS x);
            EXECUTE format(E'SELECT coalesce(array_agg(DISTINCT k::text), ''{}'') FROM (%s\n) AS r (k) WHERE k IS NOT NULL', e.resolve) INTO keys USING images, par;
        EXCEPTION WHEN OTHERS THEN
            problem := 'the resolver fails'; example := SQLERRM; what_to_do := 'Correct oms.erp_source.resolve: it gets images of rows, of which each column may be null.';
            RETURN NEXT;
            CONTINUE;
        END;
        CONTINUE WHEN NOT queries ? e.name OR keys = '{}';
        BEGIN
            EXECUTE format(E'SELECT count(*) FROM (%s\n) AS q', queries->>e.name) INTO n USING keys[1:100], par;
        EXCEPTION WHEN OTHERS THEN
            problem := 'the query of the entity fails for keys that this resolver returns'; example := SQLERRM;
            what_to_do := 'Leave keys out that cannot be any, or let the query take any text.';
            RETURN NEXT;
        END;
    END LOOP;

    -- write-back
    FOR e IN SELECT m.kind, f.name, replace(f.sql, '@erp@', sch) AS sql, f.types, 'oms.erp_call_map' AS rel
               FROM oms.erp_call_map AS m,
                    LATERAL (VALUES ('send_sql', m.send_sql, CASE WHEN m.kind IN ('stock_out', 'stock_in') THEN '{text,text,numeric,text,jsonb}' ELSE '{jsonb,jsonb}' END::regtype[]), ('lots_sql', m.lots_sql, '{text,text,numeric,text,jsonb,jsonb}'),
                                    ('done_sql', m.done_sql, '{text[],jsonb}'), ('refused_sql', m.refused_sql, '{text[],jsonb}'), ('find_sql', m.find_sql, '{text[],jsonb}')) AS f (name, sql, types)
              WHERE m.profile = prof.profile AND (m.kind IN ('stock_out', 'stock_in') OR lower(par->>'write_orders') IN ('true', 't', 'on', 'yes', '1'))
                AND f.sql IS NOT NULL AND (f.name <> 'lots_sql' OR 'lot' <> ALL (absent))
             UNION ALL
             SELECT 'order', f.name, replace(f.sql, '@erp@', sch), '{text[],jsonb}', 'oms.erp_document_map'
               FROM oms.erp_document_map AS m, LATERAL (VALUES ('state_sql', m.state_sql), ('lines_sql', m.lines_sql), ('taken_sql', m.taken_sql)) AS f (name, sql)
              WHERE m.profile = prof.profile AND f.sql IS NOT NULL AND lower(par->>'write_orders') IN ('true', 't', 'on', 'yes', '1')
              ORDER BY 1, 2 LOOP
        severity := 'warning'; entity := e.kind; relation := e.rel; "column" := e.name;
        BEGIN
            IF e.name IN ('send_sql', 'lots_sql') THEN
                PERFORM set_config('search_path', format('%s, pg_temp', sch), true);
            END IF;
            PERFORM FROM oms.erp_describe(e.sql, e.types);
            PERFORM set_config('search_path', 'pg_catalog, oms, pg_temp', true);
        EXCEPTION WHEN OTHERS THEN
            problem := 'it cannot be prepared: nothing of this kind can be booked'; example := SQLERRM; what_to_do := format('Correct %s.', e.rel);
            RETURN NEXT;
        END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'OM000';
    EXCEPTION WHEN SQLSTATE 'OM000' THEN
        NULL; -- all of it is rolled back: locks, settings
    END;
END $$;
COMMENT ON FUNCTION oms.check_profile(text, jsonb) IS
    'A profile beside this database, before anything is created: one row a finding. severity: error (attaching fails, or an entity stays out), warning (rows or values are not taken in), hint, info (how many rows). Reads only; each probe for itself, so that one that fails does not hide the others. Values are looked at in at most 200,000 rows an entity. Error OM601 for an unknown profile, or a version of the ERP that it is not for.';

CREATE FUNCTION oms.erp_check_rows(entity text, rows jsonb[], total bigint)
RETURNS TABLE (severity text, "column" text, problem text, example text, what_to_do text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c record;
    n bigint;
    key text;
    bad text[];
    own text[] := ARRAY(SELECT k.name FROM oms.erp_entity_column AS k WHERE k.entity = $1 AND k.in_key ORDER BY k.name <> 'key', k.name);
BEGIN
    -- keys
    severity := 'warning'; "column" := 'key';
    SELECT count(*) INTO n FROM unnest(rows) AS x WHERE x->>'key' IS NULL;
    IF n > 0 THEN
        problem := format('rows without a key, left out (%s)', n); example := (SELECT left(x::text, 200) FROM unnest(rows) AS x WHERE x->>'key' IS NULL LIMIT 1);
        what_to_do := 'Let the query return a key for each row.';
        RETURN NEXT;
    END IF;
    IF own <> '{}' THEN
        EXECUTE format('SELECT count(*), min(d.k COLLATE "C") FROM (SELECT concat_ws(''|'', %s) AS k FROM unnest($1) AS x WHERE x->>''key'' IS NOT NULL GROUP BY 1 HAVING count(*) > 1) AS d',
                       (SELECT string_agg(format('x->>%L', o), ', ') FROM unnest(own) AS o)) INTO n, example USING rows;
    END IF;
    IF own <> '{}' AND n > 0 THEN
        severity := 'error'; problem := format('keys on more than one row (%s)', n);
        what_to_do := format('%s must be a row''s own.', array_to_string(own, ' and '));
        RETURN NEXT;
    END IF;
    -- values
    FOR c IN SELECT k.* FROM oms.erp_entity_column AS k WHERE k.entity = $1 AND k.name <> 'key' ORDER BY k.name LOOP
        "column" := c.name; example := NULL; severity := 'warning';
        CONTINUE WHEN NOT EXISTS (SELECT FROM unnest(rows) AS x WHERE x ? c.name);
        IF c.required THEN
            SELECT count(*), min(x->>'key') INTO n, example FROM unnest(rows) AS x WHERE x->>c.name IS NULL;
            IF n > 0 THEN
                problem := format('rows without it, left out or refused (%s)', n); example := 'key ' || example;
                what_to_do := 'State it in the ERP, or leave these rows out of the query.';
                RETURN NEXT;
            END IF;
        END IF;
        bad := '{}';
        IF c.type <> 'text' THEN
            BEGIN
                EXECUTE format('SELECT count((x->>$2)::%s) FROM unnest($1) AS x', c.type) USING rows, c.name;
            EXCEPTION WHEN OTHERS THEN
                bad := ARRAY(SELECT v FROM (SELECT DISTINCT x->>c.name AS v FROM unnest(rows) AS x) AS d WHERE oms.erp_misfit(v, c.type) IS NOT NULL);
                SELECT count(*), min(x->>'key') FILTER (WHERE x->>c.name = bad[1]) INTO n, key FROM unnest(rows) AS x WHERE x->>c.name = ANY (bad);
                problem := format('rows refused (%s): %s', n, oms.erp_misfit(bad[1], c.type)); example := format('%s (key %s)', left(bad[1], 100), key);
                what_to_do := format('It takes %s; convert it in the query.', c.type);
                RETURN NEXT;
            END;
        END IF;
        IF c.rule IS NOT NULL THEN
            EXECUTE format('SELECT count(*), min(key COLLATE "C"), (array_agg(t ORDER BY key COLLATE "C"))[1] FROM (SELECT x->>''key'' AS key, x->>$2 AS t, nullif(x->>$2, '''')::%s AS v FROM unnest($1) AS x WHERE x->>$2 <> ALL ($3)) AS r WHERE v IS NOT NULL AND (%s) IS NOT TRUE', c.type, c.rule)
               INTO n, key, example USING rows, c.name, bad;
            IF n > 0 THEN
                problem := format('values not taken in (%s)', n); example := format('%s (key %s)', left(example, 100), key);
                what_to_do := format('It takes: %s.', c.meaning);
                RETURN NEXT;
            END IF;
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.erp_check_rows(text, jsonb[], bigint) IS 'Part of oms.check_profile(): rows of an entity''s query that have no key of their own, lack what is required, or hold values that would be refused or left out.';

-- How far behind ---------------------------------------------------------------------

CREATE FUNCTION oms.erp_lag()
RETURNS TABLE (relation text, pending bigint, oldest timestamptz, state text, problem text, age interval, entities text[], paused text[], refused bigint, applied_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, oms, pg_temp
SET jit = off AS $$
    SELECT l.relation, coalesce(c.pending, 0), c.oldest, l.state,
           CASE WHEN to_regclass(l.relation) IS NULL THEN 'table is missing'
                WHEN NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = to_regclass(l.relation) AND t.tgname = 'oms_capture' AND t.tgenabled NOT IN ('D', 'R')
                                    AND (t.tgenabled = 'A' OR NOT coalesce((a.params->>'always')::boolean, false)))
                THEN 'trigger is missing or disabled'
                WHEN l.fingerprint <> oms.erp_fingerprint(l.relation, l.watch) THEN 'watched columns have changed'
                WHEN l.state = 'paused' THEN 'paused: ' || coalesce(l.problem, 'see the events erp.paused')
                WHEN EXISTS (SELECT FROM pg_class AS k WHERE k.oid = to_regclass(l.relation) AND k.relkind IN ('r', 'p'))
                     AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = to_regclass(l.relation) AND t.tgname = 'oms_capture_truncate' AND t.tgenabled NOT IN ('D', 'R'))
                THEN 'trigger for TRUNCATE is missing or disabled'
                WHEN k.gaps IS NOT NULL THEN 'missing or disabled: ' || k.gaps
           END,
           clock_timestamp() - c.oldest, s.entities, CASE WHEN l.state = 'paused' THEN s.entities ELSE ARRAY(SELECT x FROM unnest(s.entities) AS x WHERE x = ANY (a.paused) ORDER BY 1) END,
           (SELECT count(*) FROM oms.reject AS r WHERE r.company_id = ANY (a.companies) AND r.source = ANY (SELECT 'erp.' || x FROM unnest(s.entities) AS x) AND r.resolved_at IS NULL),
           a.applied_at
      FROM oms.erp_source_link AS l
      LEFT JOIN LATERAL (SELECT b.profile, b.absent, b.params, max(b.applied_at) OVER () AS applied_at, array_agg(b.company_id) OVER () AS companies,
                                ARRAY(SELECT DISTINCT p FROM oms.erp_attachment AS c, unnest(c.paused) AS p WHERE c.profile = l.profile) AS paused
                           FROM oms.erp_attachment AS b WHERE b.profile = l.profile LIMIT 1) AS a ON true
      LEFT JOIN (SELECT x.relation, x.gaps FROM (SELECT DISTINCT b.profile FROM oms.erp_attachment AS b) AS b, oms.erp_look(b.profile) AS x) AS k ON k.relation = l.relation
      LEFT JOIN (SELECT e.relation, sum(e.changes) AS pending, min(e.changed_at) AS oldest FROM oms.erp_change AS e GROUP BY e.relation) AS c ON c.relation = l.relation
      LEFT JOIN LATERAL (SELECT array_agg(DISTINCT x.entity ORDER BY x.entity) AS entities FROM oms.erp_source AS x
                          WHERE x.profile = l.profile AND x.entity <> ALL (a.absent) AND replace(x.relation, '@erp@', quote_ident(coalesce(a.params->>'schema', 'public'))) = l.relation) AS s ON true
     ORDER BY l.relation
$$;
COMMENT ON FUNCTION oms.erp_lag() IS
    'Each attached table of the ERP: changes not taken in yet, the oldest of them and its age, whether it is paused, what is wrong with it (NULL: nothing), the entities made of it, those of them that are paused, rows of these entities that were refused and not settled, and when changes were last taken in by oms.erp_apply(). The way out of a pause: doc/erp.md, pauses. oms.erp_state() says it by entity.';

CREATE FUNCTION oms.erp_state()
RETURNS TABLE (entity text, state text, pending bigint, age interval, refused bigint, example text, problem text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp
SET jit = off AS $$
    SELECT e.entity,
           CASE WHEN e.entity = ANY (a.absent) THEN 'absent' WHEN e.entity = ANY (a.paused) OR bool_or(l.state = 'paused' OR l.problem = 'watched columns have changed') THEN 'paused' ELSE 'attached' END,
           coalesce(sum(l.pending), 0)::bigint, max(l.age),
           (SELECT count(*) FROM oms.reject AS r WHERE r.company_id = ANY (a.companies) AND r.source = 'erp.' || e.entity AND r.resolved_at IS NULL),
           (SELECT format('%s: %s', r.external_ref, r.message) FROM oms.reject AS r WHERE r.company_id = ANY (a.companies) AND r.source = 'erp.' || e.entity AND r.resolved_at IS NULL ORDER BY r.last_at DESC LIMIT 1),
           string_agg(DISTINCT format('%s: %s', l.relation, l.problem), '; ' ORDER BY format('%s: %s', l.relation, l.problem)) FILTER (WHERE l.problem IS NOT NULL)
      FROM (SELECT b.profile, array_agg(b.company_id) AS companies, 
                   (SELECT c.absent FROM oms.erp_attachment AS c WHERE c.profile = b.profile ORDER BY c.company_id LIMIT 1) AS absent,
                   ARRAY(SELECT DISTINCT p FROM oms.erp_attachment AS c, unnest(c.paused) AS p) AS paused
              FROM oms.erp_attachment AS b GROUP BY b.profile) AS a
      JOIN oms.erp_entity AS e ON e.profile = a.profile
      LEFT JOIN oms.erp_lag() AS l ON e.entity = ANY (l.entities)
     GROUP BY a.profile, a.companies, a.absent, a.paused, e.entity
     ORDER BY array_position(oms.erp_entities(), e.entity)
$$;
COMMENT ON FUNCTION oms.erp_state() IS
    'Each entity of the attached profile: attached, paused or absent; changes of its tables not taken in yet and the age of the oldest; its rows that were refused and not settled, the last of them and why; what is wrong with its tables.';
