-- erp: the text form of a profile. Which tables and columns it has is read
-- from the catalogue: every table of the extension with columns profile and
-- builtin belongs to it.

CREATE FUNCTION oms.erp_profile_parts()
RETURNS TABLE (no integer, part text, keys text[], field text, type text, needed boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT p.no, p.part, p.keys, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT a.atthasdef
      FROM (SELECT c.oid, substr(c.relname::text, 5) AS part,
                   coalesce(array_position('{profile,param,entity,source,word,status,call_map}', substr(c.relname::text, 5)), 100) AS no,
                   ARRAY(SELECT k.attname::text FROM pg_index AS i, unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (attnum, at)
                           JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = u.attnum
                          WHERE i.indrelid = c.oid AND i.indisprimary AND (k.attname <> 'profile' OR c.relname = 'erp_profile') ORDER BY u.at) AS keys
              FROM pg_class AS c
             WHERE c.relnamespace = 'oms'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'erp\_%'
               AND EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')
               AND 2 = (SELECT count(*) FROM pg_attribute AS k WHERE k.attrelid = c.oid AND k.attname IN ('profile', 'builtin') AND NOT k.attisdropped)) AS p
      JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'builtin' AND a.attname <> ALL (p.keys || '{profile}'::name[]::text[])
     ORDER BY p.no, p.part COLLATE "C", a.attnum
$$;
COMMENT ON FUNCTION oms.erp_profile_parts() IS 'What the text form of a profile is made of: sections, the columns that name one, and the fields in it with their types.';

CREATE FUNCTION oms.erp_profile_stored(profile text)
RETURNS TABLE (no bigint, part text, keys text[], field text, value text)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    p record;
    q text;
BEGIN
    IF NOT EXISTS (SELECT FROM oms.erp_profile AS x WHERE x.profile = $1) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('there is no ERP profile "%s"', $1),
            HINT = format('Profiles are the rows of oms.erp_profile: %s.', (SELECT string_agg(x.profile, ', ' ORDER BY x.profile) FROM oms.erp_profile AS x));
    END IF;
    no := 0;
    FOR p IN SELECT f.no, f.part, f.keys, array_agg(f.field) AS fields, array_agg(f.type = 'text') AS texts FROM oms.erp_profile_parts() AS f GROUP BY 1, 2, 3 ORDER BY 1, f.part COLLATE "C" LOOP
        q := format('SELECT r.keys, f.field, CASE WHEN f.is_text THEN f.v #>> ''{}'' ELSE f.v::text END'
                    '  FROM (SELECT ARRAY[%s]::text[] AS keys, to_jsonb(t) AS row FROM oms.%I AS t WHERE t.profile = $1) AS r'
                    ' CROSS JOIN LATERAL (SELECT u.field, u.is_text, u.at, r.row->u.field AS v FROM unnest($2, $3) WITH ORDINALITY AS u (field, is_text, at)) AS f'
                    ' WHERE jsonb_typeof(f.v) <> ''null'' ORDER BY r.keys COLLATE "C", f.at',
                    (SELECT string_agg(format('t.%I', k), ', ' ORDER BY at) FROM unnest(p.keys) WITH ORDINALITY AS u (k, at)), 'erp_' || p.part);
        FOR keys, field, value IN EXECUTE q USING $1, p.fields, p.texts LOOP
            no := no + 1;
            part := p.part;
            value := oms.erp_profile_plain(value);
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.erp_profile_stored(text) IS 'The fields of a stored profile, in the order of its text form. Error OM601 when there is no such profile.';

CREATE FUNCTION oms.erp_profile_plain(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN strpos(value, E'\n') = 0 THEN value ELSE regexp_replace(btrim(replace(value, E'\r\n', E'\n'), E' \t\r\n'), '[ \t\r]+$', '', 'gn') END
$$;
COMMENT ON FUNCTION oms.erp_profile_plain(text) IS 'A text of several lines as the text form has it: without blank lines around it and blanks at ends of lines.';

CREATE FUNCTION oms.erp_profile_quoted(value text, word boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN value = '' OR value ~ '^["\s]|\s$|[\x01-\x1f]' OR word AND value ~ '[\s\[\]#]' THEN to_jsonb(value)::text ELSE value END
$$;
COMMENT ON FUNCTION oms.erp_profile_quoted(text, boolean) IS 'A value of one line as it stands, or as a JSON string where it could be taken for something else.';

CREATE FUNCTION oms.export_profile(profile text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH f AS MATERIALIZED (SELECT * FROM oms.erp_profile_stored($1)),
    line (no, text) AS (
        SELECT min(f.no), E'\n[' || concat_ws(' ', f.part, (SELECT string_agg(oms.erp_profile_quoted(k, true), ' ' ORDER BY at) FROM unnest(f.keys) WITH ORDINALITY AS u (k, at))) || E']\n'
               || string_agg(f.field || ':' || CASE
                     WHEN strpos(f.value, E'\n') = 0 AND (length(f.value) <= 100 OR p.type <> 'jsonb') THEN ' ' || CASE WHEN p.type = 'text' THEN oms.erp_profile_quoted(f.value, false) ELSE f.value END
                     WHEN p.type = 'text' AND f.value ~ '[\x01-\x08\x0b-\x1f]' THEN ' ' || to_jsonb(f.value)::text
                     ELSE E'\n' || regexp_replace(CASE p.type WHEN 'jsonb' THEN jsonb_pretty(f.value::jsonb) ELSE f.value END, '^(?=.)', '    ', 'gn') END || E'\n', '' ORDER BY f.no)
          FROM f JOIN oms.erp_profile_parts() AS p ON p.part = f.part AND p.field = f.field
         GROUP BY f.part, f.keys
    )
    SELECT E'# An ERP profile of pg_oms; oms.import_profile() reads it.\n' || string_agg(l.text, '' ORDER BY l.no) FROM line AS l
$$;
COMMENT ON FUNCTION oms.export_profile(text) IS
    'The text form of a profile: all its rows, in a fixed order. To change a built-in one, write another name into its first section, [profile NAME], and read it with oms.import_profile(). Error OM601 when there is no such profile.';

CREATE FUNCTION oms.erp_profile_read(content text)
RETURNS TABLE (no bigint, line integer, section integer, part text, keys text[], field text, value text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    lines text[] := string_to_array(replace($1, E'\r\n', E'\n'), E'\n');
    i integer := 0;
    l text;
    m text[];
    w text;
    start integer;
    rest text;
    wrong text;
    of_type text;
    own text[];
    seen text[] := '{}';
    sections text[] := '{}';
    -- part: names of its keys, its fields with their types
    form jsonb := (SELECT jsonb_object_agg(f.part, f.form)
                     FROM (SELECT x.part, jsonb_build_object('keys', x.keys, 'fields', jsonb_object_agg(x.field, x.type)) AS form FROM oms.erp_profile_parts() AS x GROUP BY x.part, x.keys) AS f);
BEGIN
    no := 0;
    WHILE i < cardinality(lines) LOOP
        i := i + 1;
        l := rtrim(lines[i], E' \t');
        line := i;
        wrong := NULL;
        CONTINUE WHEN l = '' OR l LIKE '#%';
        IF l LIKE '[%' THEN
            EXIT WHEN section IS NOT NULL AND seen = '{}';
            m := regexp_match(l, '^\[([a-z_]+)(?: +(.*))?\]$');
            part := m[1]; rest := coalesce(m[2], ''); keys := '{}'; seen := '{}'; section := i;
            WHILE rest <> '' AND m IS NOT NULL LOOP
                w := coalesce(substring(rest FROM '^"(?:[^"\\]|\\.)*"(?= |$)'), substring(rest FROM '^[^" ][^ ]*'));
                IF w IS NULL THEN
                    m := NULL;
                ELSE
                    rest := ltrim(substr(rest, length(w) + 1), ' ');
                    keys := keys || CASE WHEN w LIKE '"%' THEN oms.erp_profile_unquoted(w, i) ELSE w END;
                END IF;
            END LOOP;
            own := ARRAY(SELECT * FROM jsonb_array_elements_text(form->m[1]->'keys'));
            wrong := CASE WHEN m IS NULL THEN 'it is not [section names], names with blanks in "..."'
                          WHEN NOT form ? part THEN format('there is no section "%s": there are %s', part, (SELECT string_agg(f, ', ' ORDER BY f) FROM jsonb_object_keys(form) AS f))
                          WHEN cardinality(keys) <> cardinality(own) THEN format('section %s takes %s, names with blanks in "..."', part, CASE part WHEN 'profile' THEN 'NAME' ELSE array_to_string(own, ', ') END)
                          WHEN part || ' ' || keys::text = ANY (sections) THEN 'this section came before'
                          WHEN part <> 'profile' AND sections = '{}' THEN 'the first section is [profile NAME]'
                          WHEN part = 'profile' AND sections <> '{}' THEN 'there is one section profile, the first' END;
            IF wrong IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('line %s of the profile is wrong: %s', i, wrong), DETAIL = format('Line %s: %s', i, left(l, 100)),
                    HINT = 'oms.export_profile() shows the form.';
            END IF;
            sections := sections || (part || ' ' || keys::text);
            CONTINUE;
        END IF;
        m := regexp_match(l, '^([a-z_0-9]+):(?: +(.*))?$');
        IF section IS NULL OR m IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001',
                MESSAGE = format('line %s of the profile is wrong: %s', i, CASE WHEN section IS NULL THEN 'the first section is [profile NAME]' ELSE 'it is neither a section nor "field: value"' END),
                DETAIL = format('Line %s: %s', i, left(l, 100)), HINT = 'Texts of several lines follow "field:", each line after four blanks. oms.export_profile() shows the form.';
        END IF;
        field := m[1];
        value := m[2];
        of_type := form->part->'fields'->>m[1];
        wrong := CASE WHEN of_type IS NULL THEN format('section %s has no field "%s": it has %s', part, m[1], (SELECT string_agg(f, ', ') FROM jsonb_object_keys(form->part->'fields') AS f))
                      WHEN m[1] = ANY (seen) THEN format('field "%s" came before', m[1]) END;
        IF wrong IS NULL AND value IS NULL THEN
            start := i;
            WHILE i < cardinality(lines) AND (lines[i + 1] ~ '^(    |\t)' OR lines[i + 1] ~ '^\s*$') LOOP
                i := i + 1;
            END LOOP;
            value := oms.erp_profile_plain(E'\n' || array_to_string(ARRAY(SELECT regexp_replace(lines[k], '^(    |\t)', '') FROM generate_series(start + 1, i) AS k ORDER BY k), E'\n'));
            IF value = '' THEN
                wrong := format('field "%s" has no value', m[1]);
            END IF;
        ELSIF wrong IS NULL AND of_type = 'text' AND value LIKE '"%' THEN
            value := oms.erp_profile_unquoted(value, line);
        END IF;
        IF wrong IS NULL AND of_type <> 'text' THEN
            BEGIN
                value := value::jsonb::text;
                IF of_type NOT IN ('jsonb', 'json') THEN
                    wrong := format('field "%s" takes %s', m[1], CASE of_type WHEN 'text[]' THEN 'a JSON array of texts, as ["a", "b"]' WHEN 'boolean' THEN 'true or false' ELSE of_type END);
                    IF (of_type = 'boolean') = (jsonb_typeof(value::jsonb) = 'boolean') AND (of_type LIKE '%[]') = (jsonb_typeof(value::jsonb) = 'array')
                       AND (of_type NOT LIKE '%[]' OR NOT EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(value::jsonb) = 'array' THEN value::jsonb ELSE '[]' END) AS e WHERE jsonb_typeof(e) <> 'string'))
                       AND (of_type LIKE '%[]' OR oms.erp_misfit(value::jsonb #>> '{}', of_type) IS NULL) THEN
                        wrong := NULL;
                    END IF;
                END IF;
            EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
                wrong := format('field "%s" is no JSON: %s', m[1], SQLERRM);
            END;
        END IF;
        IF wrong IS NULL AND (m[1] IN ('query', 'resolve', 'probe', 'company_query') OR m[1] LIKE '%\_sql') THEN
            wrong := 'field "' || m[1] || '": ' || oms.erp_syntax(replace(value, '@erp@', 'public'));
        END IF;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('line %s of the profile is wrong: %s', line, wrong),
                DETAIL = format('Line %s, field "%s" of [%s].', line, m[1], concat_ws(' ', part, nullif(array_to_string(keys, ' '), ''))), HINT = 'oms.export_profile() shows the form.';
        END IF;
        seen := seen || m[1];
        no := no + 1;
        RETURN NEXT;
    END LOOP;
    IF section IS NOT NULL AND seen = '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('line %s of the profile is wrong: the section has no field', section), DETAIL = format('Line %s: %s', section, left(lines[section], 100)),
            HINT = 'oms.export_profile() shows the form.';
    END IF;
    IF sections = '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'the text of the profile has no section', DETAIL = 'The first section is [profile NAME].', HINT = 'oms.export_profile() shows the form.';
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_profile_read(text) IS 'The fields of a profile''s text form, each with its line and that of its section. Error OM001 names the line, the field and what is wrong.';

CREATE FUNCTION oms.erp_profile_unquoted(value text, line integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN value::jsonb #>> '{}';
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('line %s of the profile is wrong: it is no JSON string', line), DETAIL = format('Line %s: %s', line, left(value, 100)),
        HINT = 'What begins with " ends with it; \" and \\ stand for these two.';
END $$;
COMMENT ON FUNCTION oms.erp_profile_unquoted(text, integer) IS 'A JSON string of the text form as text. Error OM001 names the line.';

CREATE FUNCTION oms.import_profile(content text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_column
DECLARE
    doc jsonb;                      -- the rows, one an element, in order
    s jsonb;
    p record;
    name text;
    wrong text;
    own boolean;
    counts text;
    form jsonb := (SELECT jsonb_object_agg(f.part, f.form)
                     FROM (SELECT x.part, jsonb_build_object('keys', x.keys, 'needed', coalesce(jsonb_agg(x.field ORDER BY x.field) FILTER (WHERE x.needed), '[]')) AS form FROM oms.erp_profile_parts() AS x GROUP BY x.part, x.keys) AS f);
BEGIN
    SELECT jsonb_agg(jsonb_build_object('line', g.line, 'part', g.part, 'keys', g.keys, 'fields', g.fields) ORDER BY g.line) INTO doc
      FROM (SELECT r.part, r.keys, r.section AS line, jsonb_object_agg(r.field, CASE WHEN f.type = 'text' THEN to_jsonb(r.value) ELSE r.value::jsonb END) AS fields
              FROM oms.erp_profile_read($1) AS r JOIN oms.erp_profile_parts() AS f ON f.part = r.part AND f.field = r.field
             GROUP BY r.part, r.keys, r.section) AS g;
    name := CASE WHEN doc->0->>'part' = 'profile' THEN doc->0->'keys'->>0 END;
    IF name IS NULL OR btrim(name) = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'the profile has no name, or nothing in its first section', DETAIL = 'Section [profile NAME].', HINT = 'oms.export_profile() shows the form.';
    END IF;
    SELECT NOT x.builtin INTO own FROM oms.erp_profile AS x WHERE x.profile = name;
    IF NOT own THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('profile "%s" ships with the extension', name), DETAIL = format('Line %s, [profile %s].', doc->0->>'line', name),
            HINT = 'Give your own another name.';
    END IF;
    -- what each row must have
    FOR s IN SELECT * FROM jsonb_array_elements(doc) LOOP
        SELECT string_agg(f, ', ') INTO wrong FROM jsonb_array_elements_text(form->(s->>'part')->'needed') AS f WHERE NOT s->'fields' ? f;
        IF wrong IS NOT NULL THEN
            wrong := format('field %s is missing', wrong);
        ELSIF s->>'part' IN ('entity', 'source') AND s->'keys'->>0 <> ALL (oms.erp_entities()) THEN
            wrong := format('there is no entity "%s": there are %s', s->'keys'->>0, array_to_string(oms.erp_entities(), ', '));
        ELSIF s->>'part' = 'source' AND NOT EXISTS (SELECT FROM jsonb_array_elements(doc) AS d WHERE d->>'part' = 'entity' AND d->'keys'->>0 = s->'keys'->>0) THEN
            wrong := format('there is no [entity %s]', s->'keys'->>0);
        END IF;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('section at line %s of the profile is wrong: %s', s->>'line', wrong),
                DETAIL = format('Section [%s %s].', s->>'part', (SELECT string_agg(k, ' ' ORDER BY at) FROM jsonb_array_elements_text(s->'keys') WITH ORDINALITY AS u (k, at))), HINT = 'oms.export_profile() shows the form.';
        END IF;
    END LOOP;
    -- all or nothing
    BEGIN
        FOR p IN SELECT f AS part FROM jsonb_object_keys(form) AS f LOOP
            EXECUTE format('DELETE FROM oms.%I AS t WHERE t.profile = $1', 'erp_' || p.part) USING name;
        END LOOP;
        FOR s IN SELECT * FROM jsonb_array_elements(doc) LOOP
            SELECT ARRAY(SELECT * FROM jsonb_array_elements_text(form->(s->>'part')->'keys')) AS keys, (SELECT string_agg(quote_ident(f), ', ') FROM jsonb_object_keys(s->'fields') AS f) AS cols INTO p;
            EXECUTE format('INSERT INTO oms.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::oms.%1$I, $1)', 'erp_' || (s->>'part'),
                           concat_ws(', ', CASE WHEN s->>'part' <> 'profile' THEN 'profile' END, (SELECT string_agg(quote_ident(k), ', ') FROM unnest(p.keys) AS k), p.cols))
              USING jsonb_build_object('profile', name) || (SELECT coalesce(jsonb_object_agg(k, v), '{}') FROM unnest(p.keys, ARRAY(SELECT * FROM jsonb_array_elements_text(s->'keys'))) AS u (k, v)) || (s->'fields');
        END LOOP;
    EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('section at line %s of the profile is wrong: %s', s->>'line', SQLERRM),
            DETAIL = format('Section [%s %s].', s->>'part', (SELECT string_agg(k, ' ' ORDER BY at) FROM jsonb_array_elements_text(s->'keys') WITH ORDINALITY AS u (k, at))), HINT = 'oms.export_profile() shows the form.';
    END;
    SELECT string_agg(format('%s %s', c.n, c.part), ', ' ORDER BY c.first) INTO counts FROM (SELECT d->>'part' AS part, count(*) AS n, min((d->>'line')::integer) AS first FROM jsonb_array_elements(doc) AS d GROUP BY 1) AS c;
    RETURN format('profile %s %s: %s', name, CASE WHEN own THEN 'replaced' ELSE 'made' END, counts)
        || CASE WHEN to_regclass('oms.erp_source_link') IS NOT NULL AND oms.erp_is_attached(name) THEN '; it is attached: call oms.attach_erp() again' ELSE '' END;
END $$;
COMMENT ON FUNCTION oms.import_profile(text) IS
    'Reads the text form of a profile (oms.export_profile) and stores it, all or nothing, in place of the one of that name; built-in ones are not replaced. Whether it fits a database says oms.check_profile(). Returns what it holds. Error OM001 names the line, the field, and what is wrong.';

CREATE FUNCTION oms.erp_is_attached(profile text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
BEGIN
    RETURN to_regclass('oms.erp_attachment') IS NOT NULL AND EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.profile = $1);
END $$;
COMMENT ON FUNCTION oms.erp_is_attached(text) IS 'Whether the ERP in this database is attached by this profile.';

CREATE FUNCTION oms.diff_profile(a text, b text)
RETURNS TABLE (section text, field text, in_a text, in_b text)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH x AS MATERIALIZED (SELECT s.no, s.part, CASE s.part WHEN 'profile' THEN '{}' ELSE s.keys END AS keys, s.field, s.value FROM (
                SELECT t.no, t.part, t.keys, t.field, t.value FROM oms.erp_profile_read($1) AS t WHERE strpos($1, E'\n') > 0
                UNION ALL SELECT t.no, t.part, t.keys, t.field, t.value FROM oms.erp_profile_stored($1) AS t WHERE strpos($1, E'\n') = 0) AS s),
         y AS MATERIALIZED (SELECT s.no, s.part, CASE s.part WHEN 'profile' THEN '{}' ELSE s.keys END AS keys, s.field, s.value FROM (
                SELECT t.no, t.part, t.keys, t.field, t.value FROM oms.erp_profile_read($2) AS t WHERE strpos($2, E'\n') > 0
                UNION ALL SELECT t.no, t.part, t.keys, t.field, t.value FROM oms.erp_profile_stored($2) AS t WHERE strpos($2, E'\n') = 0) AS s)
    SELECT concat_ws(' ', part, (SELECT string_agg(oms.erp_profile_quoted(k, true), ' ' ORDER BY at) FROM unnest(keys) WITH ORDINALITY AS u (k, at))), field, x.value, y.value
      FROM x FULL JOIN y USING (part, keys, field)
     WHERE x.value IS DISTINCT FROM y.value
     ORDER BY coalesce(x.no, y.no), x.no IS NULL, part, field
$$;
COMMENT ON FUNCTION oms.diff_profile(text, text) IS
    'What differs between two profiles, each the name of a stored one or a text form: one row a field, NULL where one of them has none. Errors OM601 (no such profile), OM001 (a text that cannot be read).';
