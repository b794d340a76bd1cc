-- erp: profiles for hand-made schemas.  A mapping says which table and which
-- columns an entity comes from; oms.make_profile() writes the profile's rows:
-- quoted names, queries by key, columns to watch, resolvers.  Each can be
-- read and changed afterwards like those of any profile.  See
-- doc/erp-generic.md.

CREATE FUNCTION oms.erp_map_error(path text, message text, detail text, hint text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    hint := coalesce(hint, 'See doc/erp-generic.md.');
    IF detail IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('mapping, %s: %s', path, message), HINT = hint;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('mapping, %s: %s', path, message), DETAIL = detail, HINT = hint;
END $$;
COMMENT ON FUNCTION oms.erp_map_error(text, text, text, text) IS 'Part of oms.make_profile(): refuses a mapping; OM001.';

CREATE FUNCTION oms.erp_map_table(schema text, spec jsonb, path text, OUT relation regclass, OUT name text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    t text := spec #>> '{}';
    kind "char";
BEGIN
    IF spec IS NULL OR jsonb_typeof(spec) <> 'string' OR t = '' THEN
        PERFORM oms.erp_map_error(path, 'no table is named', format('It is %s.', coalesce(left(spec::text, 100), 'missing')), 'Give its name, as in {"table": "item"}.');
    END IF;
    name := '@erp@.' || quote_ident(t);
    relation := to_regclass(quote_ident(schema) || '.' || quote_ident(t));
    IF relation IS NULL AND strpos(t, '.') > 0 THEN
        name := quote_ident(split_part(t, '.', 1)) || '.' || quote_ident(substr(t, strpos(t, '.') + 1));
        relation := to_regclass(name);
    END IF;
    IF relation IS NULL THEN
        PERFORM oms.erp_map_error(path, format('there is no table "%s"', t), format('Schema is "%s".', schema), 'Another schema is given as {"schema": "..."}, or before the table''s name as schema.table. Names are as the catalogue has them.');
    END IF;
    SELECT c.relkind INTO kind FROM pg_class AS c WHERE c.oid = relation;
    IF kind NOT IN ('r', 'p', 'f') THEN
        PERFORM oms.erp_map_error(path, format('"%s" is not a table', t), 'A view has no changes of its own to watch.', 'Name the tables it is made of, or write the query by hand.');
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_map_table(text, jsonb, text) IS 'Part of oms.make_profile(): a table of a mapping, and its name in the profile. Error OM001.';

CREATE FUNCTION oms.erp_map_type(relation regclass, col text, path text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    type text;
BEGIN
    -- a domain is what it is made of
    WITH RECURSIVE d (oid, base) AS (
        SELECT t.oid, t.typbasetype FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = relation AND a.attname = col AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT t.oid, t.typbasetype FROM d JOIN pg_type AS t ON t.oid = d.base WHERE d.base <> 0)
    SELECT format_type(d.oid, NULL) INTO type FROM d WHERE d.base = 0;
    IF type IS NULL THEN
        PERFORM oms.erp_map_error(path, CASE WHEN relation IS NULL OR col IS NULL THEN 'no column is named' ELSE format('table %s has no column "%s"', relation, col) END, NULL,
            format('Its columns are %s.', (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped)));
    END IF;
    RETURN type;
END $$;
COMMENT ON FUNCTION oms.erp_map_type(regclass, text, text) IS 'Part of oms.make_profile(): the type of a column. Error OM001 when there is none.';

-- The same text for a column and for its image in the log, whatever the
-- session's DateStyle.
CREATE FUNCTION oms.erp_map_key(expr text, type text, image boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN type = 'character' THEN format('rtrim(%s)', CASE WHEN image THEN expr ELSE expr || '::text' END)
                WHEN image THEN expr
                WHEN type IN ('text', 'character varying', 'smallint', 'integer', 'bigint', 'uuid') THEN expr || '::text'
                ELSE format('(to_jsonb(%s) #>> ''{}'')', expr) END
$$;
COMMENT ON FUNCTION oms.erp_map_key(text, text, boolean) IS 'Part of oms.make_profile(): a column, or its image, as text of a key.';

CREATE FUNCTION oms.erp_map_names(relation regclass, sql text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
      FROM pg_attribute AS a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
       AND strpos(lower(sql), lower(a.attname)) > 0
$$;
COMMENT ON FUNCTION oms.erp_map_names(regclass, text) IS 'Part of oms.make_profile(): columns of a table that an expression may use, rather too many than too few.';

CREATE FUNCTION oms.erp_map_value(profile text, schema text, relation regclass, alias text, keyed text, spec jsonb, path text, OUT sql text, OUT uses text[], OUT sources jsonb, OUT summed boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    kind text := coalesce(jsonb_typeof(spec), 'null');
    other record;
    inner_value record;
    m record;
    c record;
    on_sql text := '';
    back text := '';
    watch text[] := '{}';
    parts text := '';
BEGIN
    uses := '{}';
    sources := '{}';
    summed := false;
    IF kind = 'string' THEN
        PERFORM oms.erp_map_type(relation, spec #>> '{}', path);
        sql := format('%s.%I', alias, spec #>> '{}');
        uses := ARRAY[spec #>> '{}'];
    ELSIF kind IN ('number', 'boolean') THEN
        sql := spec::text;
    ELSIF kind = 'null' THEN
        sql := 'NULL::text';
    ELSIF kind = 'object' AND spec ? 'value' THEN
        sql := CASE jsonb_typeof(spec->'value') WHEN 'string' THEN quote_literal(spec->>'value') || '::text' WHEN 'null' THEN 'NULL::text' WHEN 'number' THEN spec->>'value' WHEN 'boolean' THEN spec->>'value'
                    ELSE quote_literal(spec->>'value') || '::jsonb' END;
    ELSIF kind = 'object' AND spec ? 'sql' THEN
        IF jsonb_typeof(spec->'sql') <> 'string' OR oms.erp_syntax(format(E'SELECT CAST(%s\n AS text)', spec->>'sql')) IS NOT NULL THEN
            PERFORM oms.erp_map_error(path, 'this is no SQL expression', left(spec->>'sql', 200), 'Give one expression over columns of the table.');
        END IF;
        sql := format(E'(%s\n)', spec->>'sql');
        uses := oms.erp_map_names(relation, spec->>'sql');
    ELSIF kind = 'object' AND spec ? 'sum' THEN
        SELECT * INTO inner_value FROM oms.erp_map_value(profile, schema, relation, alias, keyed, spec->'sum', path || '.sum');
        sql := format('sum(%s)', inner_value.sql);
        uses := inner_value.uses;
        sources := inner_value.sources;
        summed := true;
    ELSIF kind = 'object' AND spec ? 'table' THEN
        -- another table: one value of it, or (columns) its rows as a list
        SELECT * INTO other FROM oms.erp_map_table(schema, spec->'table', path || '.table');
        IF coalesce(jsonb_typeof(spec->'match'), '') <> 'object' OR spec->'match' = '{}' THEN
            PERFORM oms.erp_map_error(path, 'nothing says which of its rows', format('match is %s.', coalesce(left((spec->'match')::text, 100), 'missing')), 'Give columns of that table and of ours, as in {"match": {"id": "group_id"}}.');
        END IF;
        FOR m IN SELECT j.key AS theirs, j.value AS ours FROM jsonb_each_text(spec->'match') AS j ORDER BY j.key COLLATE "C" LOOP
            PERFORM oms.erp_map_type(other.relation, m.theirs, path || '.match');
            on_sql := on_sql || format(' AND l.%I = %s.%I', m.theirs, alias, m.ours);
            -- from an image of theirs to rows of ours, by our type
            back := back || format(' AND t.%I = (i->>%L)::%s', m.ours, m.theirs, oms.erp_map_type(relation, m.ours, path || '.match'));
            watch := watch || m.theirs;
            uses := uses || m.ours;
        END LOOP;
        IF spec ? 'columns' THEN
            IF jsonb_typeof(spec->'columns') <> 'object' OR spec->'columns' = '{}' THEN
                PERFORM oms.erp_map_error(path, 'columns is not an object', left((spec->'columns')::text, 100), 'As in {"item": "product_id", "qty": "qty"}.');
            END IF;
            FOR c IN SELECT j.key, j.value FROM jsonb_each(spec->'columns') AS j ORDER BY j.key COLLATE "C" LOOP
                SELECT * INTO inner_value FROM oms.erp_map_value(profile, schema, other.relation, 'l', keyed, c.value, path || '.columns.' || c.key);
                IF inner_value.sources <> '{}' OR inner_value.summed THEN
                    PERFORM oms.erp_map_error(path || '.columns.' || c.key, 'a list has plain columns', NULL, 'Write this query by hand.');
                END IF;
                parts := parts || format(', %L, %s', c.key, CASE WHEN c.key = 'item' THEN format('(%s)::text', inner_value.sql) ELSE inner_value.sql END);
                watch := watch || inner_value.uses;
            END LOOP;
            IF spec ? 'order' THEN
                PERFORM oms.erp_map_type(other.relation, spec->>'order', path || '.order');
                watch := watch || (spec->>'order');
            END IF;
            sql := format('(SELECT jsonb_agg(jsonb_build_object(%s) ORDER BY %sto_jsonb(l)) FROM %s AS l WHERE %s)', substr(parts, 3), CASE WHEN spec ? 'order' THEN format('l.%I, ', spec->>'order') ELSE '' END, other.name, substr(on_sql, 6));
        ELSE
            SELECT * INTO inner_value FROM oms.erp_map_value(profile, schema, other.relation, 'l', keyed, spec->'column', path || '.column');
            IF inner_value.sources <> '{}' OR inner_value.summed OR spec->'column' IS NULL THEN
                PERFORM oms.erp_map_error(path || '.column', 'one plain column of that table is wanted', NULL, NULL);
            END IF;
            watch := watch || inner_value.uses;
            sql := format('(SELECT %s FROM %s AS l WHERE %s ORDER BY to_jsonb(l) LIMIT 1)', inner_value.sql, other.name, substr(on_sql, 6));
        END IF;
        sources := jsonb_build_object(other.name, jsonb_build_object('watch', to_jsonb(watch), 'resolve', format('SELECT %s FROM unnest($1) AS i JOIN @table@ AS t ON %s', replace(keyed, '@row@', 't'), substr(back, 6))));
    ELSIF kind = 'object' AND spec ? 'column' THEN
        SELECT * INTO inner_value FROM oms.erp_map_value(profile, schema, relation, alias, keyed, spec->'column', path || '.column');
        sql := inner_value.sql;
        uses := inner_value.uses;
    ELSE
        PERFORM oms.erp_map_error(path, 'not understood', left(spec::text, 200), 'A column''s name, or {"sql": ...}, {"value": ...}, {"sum": ...}, {"table": ..., "match": ..., "column": ...}.');
    END IF;
    IF kind = 'object' AND spec ? 'words' THEN
        sql := format('(SELECT v.oms_value FROM oms.erp_status AS v WHERE v.profile = %L AND v.entity = %L AND v.erp_value = (%s)::text)', profile, spec->>'words', sql);
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_map_value(text, text, regclass, text, text, jsonb, text) IS
    'Part of oms.make_profile(): the expression for one column of a mapping, the columns of its table it uses, other tables it reads. Error OM001.';

CREATE FUNCTION oms.make_profile(profile text, mapping jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp
SET client_min_messages = warning AS $$
#variable_conflict use_variable
DECLARE
    sch text := coalesce(mapping->>'schema', 'public');
    e record;
    c record;
    k record;
    s record;
    base record;
    v record;
    key_columns text[];
    key_types text[];
    key_row text;
    key_image text;
    keyed text;
    selected text;
    watch text[];
    sources jsonb;
    conditions text;
    grouped boolean;
    query text;
    company text;
    wanted text[];
    why text;
    detail text;
    n integer := 0;
    attached boolean := false;
BEGIN
    IF profile IS NULL OR profile !~ '^[a-z][a-z0-9_]{0,62}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'a profile needs a name of its own', DETAIL = format('Argument profile is %s.', coalesce(quote_literal(left(profile, 100)), 'NULL')), HINT = 'Lower-case letters, digits and _, as in my_erp.';
    END IF;
    IF EXISTS (SELECT FROM oms.erp_profile AS p WHERE p.profile = profile AND p.builtin) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('profile "%s" ships with the extension', profile), DETAIL = 'Argument profile.', HINT = 'Take a name of your own.';
    END IF;
    IF coalesce(jsonb_typeof(mapping), '') <> 'object' OR coalesce(jsonb_typeof(mapping->'entities'), '') <> 'object' OR mapping->'entities' = '{}' THEN
        PERFORM oms.erp_map_error('entities', 'no entity is mapped', format('mapping is %s.', coalesce(left(mapping::text, 100), 'NULL')), 'As in {"company": {...}, "entities": {"node": {...}, "sku": {...}, "stock": {...}}}.');
    END IF;
    SELECT x.key INTO why FROM jsonb_object_keys(mapping) AS x (key) WHERE x.key <> ALL ('{title,schema,company,entities,words}'::text[]) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        PERFORM oms.erp_map_error(why, 'no such part', NULL, 'Parts are title, schema, company, entities and words.');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_namespace AS x WHERE x.nspname = sch) THEN
        PERFORM oms.erp_map_error('schema', format('there is no schema "%s"', sch), NULL, NULL);
    END IF;

    -- the company: constants, or rows of a table
    IF coalesce(jsonb_typeof(mapping->'company'), '') <> 'object' THEN
        PERFORM oms.erp_map_error('company', 'no company is named', NULL, 'As in {"company": {"code": "ACME", "name": "Acme Ltd", "state": "29"}}, or a table with its columns.');
    END IF;
    selected := '';
    conditions := '';
    IF mapping->'company' ? 'table' THEN
        SELECT * INTO base FROM oms.erp_map_table(sch, mapping->'company'->'table', 'company.table');
        why := oms.erp_map_type(base.relation, mapping->'company'->>'key', 'company.key');
        query := format('SELECT %s AS key', oms.erp_map_key(format('t.%I', mapping->'company'->>'key'), why, false));
        conditions := format(' FROM %s AS t WHERE ($1->>''company'' IS NULL OR %s = $1->>''company'')', base.name, oms.erp_map_key(format('t.%I', mapping->'company'->>'key'), why, false));
        IF mapping->'company' ? 'where' THEN
            SELECT * INTO v FROM oms.erp_map_value(profile, sch, base.relation, 't', '', jsonb_build_object('sql', mapping->'company'->'where'), 'company.where');
            conditions := conditions || ' AND ' || v.sql;
        END IF;
        conditions := conditions || format(' ORDER BY t.%I', mapping->'company'->>'key');
        selected := 'columns';
    ELSE
        IF coalesce(mapping->'company'->>'code', '') = '' THEN
            PERFORM oms.erp_map_error('company.code', 'it has no code', NULL, 'As in {"code": "ACME", "name": "Acme Ltd"}.');
        END IF;
        query := format('SELECT %L::text AS key', mapping->'company'->>'code');
        conditions := format(' WHERE coalesce($1->>''company'', %1$L) = %1$L', mapping->'company'->>'code');
    END IF;
    FOR c IN SELECT u.name FROM unnest('{code,name,currency,timezone,state}'::text[]) WITH ORDINALITY AS u (name, at) ORDER BY u.at LOOP
        IF selected = 'columns' THEN
            SELECT * INTO v FROM oms.erp_map_value(profile, sch, base.relation, 't', '', CASE WHEN c.name IN ('code', 'name') THEN coalesce(mapping->'company'->'columns'->c.name, mapping->'company'->'key') ELSE mapping->'company'->'columns'->c.name END, 'company.columns.' || c.name);
            query := query || format(', (%s)::text AS %I', v.sql, c.name);
        ELSE
            query := query || format(', %L::text AS %I', coalesce(mapping->'company'->>c.name, CASE c.name WHEN 'name' THEN mapping->'company'->>'code' END), c.name);
        END IF;
    END LOOP;
    company := query || conditions;

    DELETE FROM oms.erp_status AS x WHERE x.profile = profile;
    DELETE FROM oms.erp_word AS x WHERE x.profile = profile;
    DELETE FROM oms.erp_source AS x WHERE x.profile = profile;
    DELETE FROM oms.erp_entity AS x WHERE x.profile = profile;
    DELETE FROM oms.erp_param AS x WHERE x.profile = profile;
    DELETE FROM oms.erp_profile AS x WHERE x.profile = profile;
    INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES (profile, coalesce(mapping->>'title', profile), jsonb_build_object('schema', sch), company);
    INSERT INTO oms.erp_param (profile, name, type, meaning) VALUES (profile, 'company', 'text', 'key of the company');

    -- vocabularies
    IF mapping ? 'words' THEN
        IF jsonb_typeof(mapping->'words') <> 'object' OR EXISTS (SELECT FROM jsonb_each(mapping->'words') AS w WHERE jsonb_typeof(w.value) <> 'object') THEN
            PERFORM oms.erp_map_error('words', 'not a list of vocabularies', left((mapping->'words')::text, 100), 'As in {"order": {"NEW": "confirmed", "X": "cancelled"}}.');
        END IF;
        INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value)
        SELECT profile, w.key, x.key, x.value FROM jsonb_each(mapping->'words') AS w, jsonb_each_text(w.value) AS x WHERE x.value IS NOT NULL;
    END IF;

    FOR e IN SELECT j.key AS name, j.value AS spec FROM jsonb_each(mapping->'entities') AS j ORDER BY array_position(oms.erp_entities(), j.key), j.key LOOP
        IF e.name <> ALL (oms.erp_entities()) THEN
            PERFORM oms.erp_map_error('entities.' || e.name, 'there is no such entity', NULL, format('Entities are %s.', array_to_string(oms.erp_entities(), ', ')));
        END IF;
        IF jsonb_typeof(e.spec) <> 'object' OR coalesce(jsonb_typeof(e.spec->'columns'), 'object') <> 'object' THEN
            PERFORM oms.erp_map_error('entities.' || e.name, 'not an object', left(e.spec::text, 100), 'As in {"table": "item", "key": "id", "columns": {"code": "sku"}}.');
        END IF;
        SELECT x.key INTO why FROM jsonb_object_keys(e.spec) AS x (key) WHERE x.key <> ALL ('{table,key,columns,where,company,distinct}'::text[]) ORDER BY 1 LIMIT 1;
        IF FOUND THEN
            PERFORM oms.erp_map_error(format('entities.%s.%s', e.name, why), 'no such part', NULL, 'Parts are table, key, columns, where, company and distinct.');
        END IF;
        SELECT * INTO base FROM oms.erp_map_table(sch, e.spec->'table', format('entities.%s.table', e.name));

        -- the key: a column, or two or more joined by |
        key_columns := CASE jsonb_typeof(e.spec->'key') WHEN 'string' THEN ARRAY[e.spec->>'key'] WHEN 'array' THEN ARRAY(SELECT u.value FROM jsonb_array_elements_text(e.spec->'key') WITH ORDINALITY AS u (value, at) ORDER BY u.at) END;
        IF coalesce(cardinality(key_columns), 0) = 0 THEN
            PERFORM oms.erp_map_error(format('entities.%s.key', e.name), 'it has no key', format('It is %s.', coalesce(left((e.spec->'key')::text, 100), 'missing')), 'Give a column, or several as in ["warehouse_id", "item_id"].');
        END IF;
        IF cardinality(key_columns) < 2 AND EXISTS (SELECT FROM oms.erp_entity_column AS x WHERE x.entity = e.name AND x.name = 'key' AND x.refers LIKE '%|%') THEN
            PERFORM oms.erp_map_error(format('entities.%s.key', e.name), 'it has two parts', format('It is %s.', e.spec->'key'), 'The column with the key of the node, then the one with the key of the item.');
        END IF;
        key_types := ARRAY(SELECT oms.erp_map_type(base.relation, u.col, format('entities.%s.key', e.name)) FROM unnest(key_columns) WITH ORDINALITY AS u (col, at) ORDER BY u.at);
        SELECT string_agg(oms.erp_map_key(format('@row@.%I', u.col), u.type, false), ' || ''|'' || ' ORDER BY u.at),
               string_agg(oms.erp_map_key(format('(i->>%L)', u.col), u.type, true), ' || ''|'' || ' ORDER BY u.at)
          INTO keyed, key_image FROM unnest(key_columns, key_types) WITH ORDINALITY AS u (col, type, at);
        key_row := replace(keyed, '@row@', 't');
        watch := key_columns;
        sources := '{}';
        grouped := false;
        selected := format('%s AS key', key_row);

        wanted := ARRAY(SELECT x.name FROM oms.erp_entity_column AS x WHERE x.entity = e.name AND x.required AND x.name <> 'key' AND NOT coalesce(e.spec->'columns', '{}') ? x.name ORDER BY x.name COLLATE "C");
        IF cardinality(wanted) > 0 THEN
            PERFORM oms.erp_map_error(format('entities.%s.columns', e.name), format('%s is missing', wanted[1]), NULL,
                format('Its columns are %s.', (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") FROM oms.erp_entity_column AS x WHERE x.entity = e.name AND x.name <> 'key')));
        END IF;
        FOR c IN SELECT j.key AS name, j.value AS spec FROM jsonb_each(coalesce(e.spec->'columns', '{}')) AS j ORDER BY j.key COLLATE "C" LOOP
            IF c.name = 'key' OR NOT EXISTS (SELECT FROM oms.erp_entity_column AS x WHERE x.entity = e.name AND x.name = c.name) THEN
                PERFORM oms.erp_map_error(format('entities.%s.columns.%s', e.name, c.name), 'there is no such column', NULL,
                    format('Its columns are %s.', (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") FROM oms.erp_entity_column AS x WHERE x.entity = e.name AND x.name <> 'key')));
            END IF;
            SELECT * INTO v FROM oms.erp_map_value(profile, sch, base.relation, 't', keyed, c.spec, format('entities.%s.columns.%s', e.name, c.name));
            selected := selected || format(', %s AS %I', v.sql, c.name);
            watch := watch || v.uses;
            grouped := grouped OR v.summed;
            FOR s IN SELECT j.key AS name, j.value AS spec FROM jsonb_each(v.sources) AS j LOOP
                sources := jsonb_set(sources, ARRAY[s.name], jsonb_build_object('watch', coalesce(sources->s.name->'watch', '[]') || (s.spec->'watch'),
                                                                               'resolve', coalesce(sources->s.name->'resolve', '[]') || jsonb_build_array(replace(s.spec->>'resolve', '@table@', base.name))));
            END LOOP;
        END LOOP;

        conditions := '';
        IF e.spec ? 'where' THEN
            SELECT * INTO v FROM oms.erp_map_value(profile, sch, base.relation, 't', keyed, jsonb_build_object('sql', e.spec->'where'), format('entities.%s.where', e.name));
            conditions := conditions || E'\n   AND ' || v.sql;
            watch := watch || v.uses;
        END IF;
        IF e.spec ? 'company' THEN
            why := oms.erp_map_type(base.relation, e.spec->>'company', format('entities.%s.company', e.name));
            conditions := conditions || format(E'\n   AND %s = $2->>''company''', oms.erp_map_key(format('t.%I', e.spec->>'company'), why, false));
            watch := watch || (e.spec->>'company');
        END IF;
        -- by the index of the part that tells most: a single key, else the last
        query := CASE WHEN cardinality(key_columns) = 1 THEN '$1' WHEN cardinality(key_columns) = 2 THEN 'ARRAY(SELECT substr(k, strpos(k, ''|'') + 1) FROM unnest($1::text[]) AS k)' END;
        query := format(E'SELECT %s%s\n  FROM %s AS t\n WHERE ($1::text[] IS NULL OR %s%s = ANY ($1))%s%s',
            CASE WHEN e.spec @> '{"distinct": true}' THEN 'DISTINCT ' ELSE '' END, selected, base.name,
            CASE WHEN query IS NOT NULL AND key_types[cardinality(key_types)] IN ('text', 'character varying', 'smallint', 'integer', 'bigint', 'uuid')
                 THEN format('t.%I = ANY (%s::%s[]) AND ', key_columns[cardinality(key_columns)], query, CASE key_types[cardinality(key_types)] WHEN 'character varying' THEN 'text' ELSE key_types[cardinality(key_types)] END) ELSE '' END,
            key_row, conditions, CASE WHEN grouped THEN E'\n GROUP BY ' || key_row ELSE '' END);
        BEGIN
            EXECUTE format(E'SELECT * FROM (%s\n) AS q LIMIT 0', replace(query, '@erp@', quote_ident(sch))) USING NULL::text[], jsonb_build_object('schema', sch, 'company', '');
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            PERFORM oms.erp_map_error('entities.' || e.name, why, left(query, 1000), 'Correct the expression named.');
        END;
        INSERT INTO oms.erp_entity (profile, entity, query) VALUES (profile, e.name, query);

        -- the table itself, with what lookups into the same say
        sources := jsonb_set(sources, ARRAY[base.name], jsonb_build_object('watch', to_jsonb(watch) || coalesce(sources->base.name->'watch', '[]'),
                       'resolve', jsonb_build_array(format('SELECT %s FROM unnest($1) AS i', key_image)) || coalesce(sources->base.name->'resolve', '[]')));
        INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve)
        SELECT profile, e.name, j.key, ARRAY(SELECT DISTINCT u.col FROM jsonb_array_elements_text(j.value->'watch') AS u (col) ORDER BY 1),
               (SELECT string_agg(u.sql, E'\nUNION ' ORDER BY u.at) FROM jsonb_array_elements_text(j.value->'resolve') WITH ORDINALITY AS u (sql, at))
          FROM jsonb_each(sources) AS j;
        n := n + 1;
    END LOOP;

    -- words in use, where a vocabulary is that of one column
    FOR c IN SELECT DISTINCT ON (x.value->>'words') j.key AS entity, j.value AS spec, x.value AS col
               FROM jsonb_each(mapping->'entities') AS j, jsonb_each(coalesce(j.value->'columns', '{}')) AS x
              WHERE jsonb_typeof(x.value) = 'object' AND x.value ? 'words' AND jsonb_typeof(x.value->'column') = 'string' AND NOT x.value ? 'table'
              ORDER BY x.value->>'words', j.key COLLATE "C" LOOP
        SELECT * INTO base FROM oms.erp_map_table(sch, c.spec->'table', 'entities');
        INSERT INTO oms.erp_word (profile, entity, query) VALUES (profile, c.col->>'words', format('SELECT t.%I, count(*) FROM %s AS t GROUP BY 1', c.col->>'column', base.name));
    END LOOP;
    IF to_regclass('oms.erp_attachment') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.profile = $1)' INTO attached USING profile;
    END IF;
    RETURN format('profile %s: %s entities, %s tables. Next: SELECT * FROM oms.check_profile(%L), then oms.attach_erp(%L).%s', profile, n,
        (SELECT count(DISTINCT x.relation) FROM oms.erp_source AS x WHERE x.profile = profile), profile, profile,
        CASE WHEN attached THEN ' It is attached: attach it again.' ELSE '' END);
END $$;
COMMENT ON FUNCTION oms.make_profile(text, jsonb) IS
    'Makes a profile for a schema of one''s own from a mapping: for each entity a table, its key, and for each column of the entity a column, an expression, a constant, or a value of another table. Writes its rows of oms.erp_profile and the tables beside it, in place of those of that name. Error OM001 names the part of the mapping that does not fit. See doc/erp-generic.md.';
