-- erp: what the ERP does to its tables while they are attached: noticed, told, mended.

CREATE FUNCTION oms.erp_columns(relation text, watch text[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)), '{}')
      FROM pg_attribute AS a
     WHERE a.attrelid = to_regclass(relation) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY (watch)
$$;
COMMENT ON FUNCTION oms.erp_columns(text, text[]) IS 'Watched columns of a table of the ERP with their types, as it is now.';

CREATE FUNCTION oms.erp_members(relation text)
RETURNS TABLE (relid oid, part boolean, kind "char", linked text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH RECURSIVE m AS (
        SELECT to_regclass($1)::oid AS relid, '' AS linked WHERE to_regclass($1) IS NOT NULL
        UNION
        SELECT i.inhrelid, i.xmin::text FROM m JOIN pg_inherits AS i ON i.inhparent = m.relid WHERE NOT i.inhdetachpending)
    SELECT m.relid, bool_or(c.relispartition), c.relkind, string_agg(m.linked, ',' ORDER BY m.linked)
      FROM m JOIN pg_class AS c ON c.oid = m.relid GROUP BY m.relid, c.relkind
$$;
COMMENT ON FUNCTION oms.erp_members(text) IS 'A table of the ERP with its partitions and children, all levels: what a query on it reads. linked changes when one is detached and attached again.';

CREATE FUNCTION oms.erp_standing(relations text[], always boolean)
RETURNS TABLE (relation text, bare boolean, gaps text, digest text)
LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 20
SET search_path = pg_catalog, oms, pg_temp
SET jit = off AS $$
    WITH RECURSIVE m AS (
        SELECT r.relation, to_regclass(r.relation)::oid AS relid, '' AS linked FROM unnest(relations) AS r (relation) WHERE to_regclass(r.relation) IS NOT NULL
        UNION
        SELECT m.relation, i.inhrelid, i.xmin::text FROM m JOIN pg_inherits AS i ON i.inhparent = m.relid WHERE NOT i.inhdetachpending),
    t AS MATERIALIZED (
        SELECT m.relation, m.relid, c.relkind, string_agg(m.linked, ',' ORDER BY m.linked) AS linked, x.oid, x.xmin, x.tgname, x.tgenabled,
               x.tgenabled = ANY (CASE WHEN always THEN '{A}' ELSE '{O,A}' END::"char"[]) AS fires
          FROM m JOIN pg_class AS c ON c.oid = m.relid
          LEFT JOIN pg_trigger AS x ON x.tgrelid = m.relid AND x.tgfoid = 'oms.erp_capture()'::regprocedure
         GROUP BY m.relation, m.relid, c.relkind, x.oid, x.xmin::text, x.xmin, x.tgname, x.tgenabled),
    g AS (
        SELECT t.relation, t.relid, w.tgname FROM t, (VALUES ('oms_capture'), ('oms_capture_truncate')) AS w (tgname)
         WHERE w.tgname = 'oms_capture' OR t.relkind IN ('r', 'p')
         GROUP BY 1, 2, 3 HAVING NOT coalesce(bool_or(t.fires) FILTER (WHERE t.tgname = w.tgname), false))
    SELECT r.relation, EXISTS (SELECT FROM g WHERE g.relation = r.relation AND g.relid = to_regclass(r.relation) AND g.tgname = 'oms_capture'),
           (SELECT string_agg(format('%s on %s', g.tgname, g.relid::regclass), ', ' ORDER BY g.relid::regclass::text COLLATE "C", g.tgname) FROM g WHERE g.relation = r.relation),
           (SELECT md5(string_agg(concat_ws(' ', t.relid, t.linked, t.oid, t.xmin, t.tgenabled), ',' ORDER BY t.relid, t.oid)) FROM t WHERE t.relation = r.relation)
      FROM unnest(relations) AS r (relation)
$$;
COMMENT ON FUNCTION oms.erp_standing(text[], boolean) IS
    'How our triggers stand on tables of the ERP with their partitions and children. bare: the table itself has none that works; gaps: which are missing or disabled anywhere; digest: md5 over all of it, which changes when a partition or child is attached or detached, and when triggers were disabled, if only for a load, or came back by a restore: rows may have changed unseen. always: they must be ENABLE ALWAYS.';

CREATE FUNCTION oms.erp_look(profile text)
RETURNS TABLE (relation text, wrong text, gaps text, fingerprint text, digest text)
LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 20
SET search_path = pg_catalog, oms, pg_temp
SET jit = off AS $$
    WITH l AS MATERIALIZED (
        SELECT x.relation, x.columns, x.watch, x.fingerprint AS was, to_regclass(x.relation) AS relid FROM oms.erp_source_link AS x WHERE x.profile = $1),
    f AS MATERIALIZED (
        SELECT l.relation, jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) AS columns,
               md5(string_agg(a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attname)) AS fingerprint
          FROM l JOIN pg_attribute AS a ON a.attrelid = l.relid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY (l.watch)
         GROUP BY l.relation)
    SELECT l.relation,
           CASE WHEN l.relid IS NULL THEN 'the table is missing: dropped, renamed or moved'
                WHEN l.was <> coalesce(f.fingerprint, '') THEN
                     coalesce((SELECT string_agg(CASE WHEN n.type IS NULL THEN format('column %s (%s) is gone', w.name, w.type)
                                                      WHEN w.type IS NULL THEN format('column %s (%s) has come', n.name, n.type)
                                                      ELSE format('column %s is %s, was %s', w.name, n.type, w.type) END, '; ' ORDER BY coalesce(w.name, n.name))
                                 FROM jsonb_each_text(l.columns) AS w (name, type) FULL JOIN jsonb_each_text(f.columns) AS n (name, type) ON n.name = w.name
                                WHERE w.type IS DISTINCT FROM n.type), 'the table''s watched columns have changed')
                WHEN s.bare THEN 'our trigger is missing or disabled: the table was made anew, restored, or its triggers were switched off'
           END, s.gaps, coalesce(f.fingerprint, ''), s.digest
      FROM (SELECT x.profile, x.params FROM oms.erp_attachment AS x WHERE x.profile = $1 ORDER BY x.company_id LIMIT 1) AS a
     CROSS JOIN LATERAL oms.erp_standing((SELECT array_agg(l.relation) FROM l), coalesce((a.params->>'always')::boolean, false)) AS s
      JOIN l ON l.relation = s.relation
      LEFT JOIN f ON f.relation = l.relation
     WHERE a.profile = $1
$$;
COMMENT ON FUNCTION oms.erp_look(text) IS
    'Each attached table beside what it was at attach: wrong says what no longer fits (NULL: nothing), gaps which of our triggers are missing on it, its partitions and children.';

CREATE FUNCTION oms.erp_resync() RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    att record;
    t record;
    entity text;
    still text;
BEGIN
    IF to_regclass('oms.erp_attachment') IS NULL THEN
        RETURN;
    END IF;
    SELECT a.*, quote_ident(coalesce(a.params->>'schema', 'public')) AS sch, coalesce((a.params->>'always')::boolean, false) AS always
      INTO att FROM oms.erp_attachment AS a WHERE a.snapshot_at IS NOT NULL ORDER BY a.company_id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- of all companies that are attached
    att.paused := ARRAY(SELECT DISTINCT x FROM oms.erp_attachment AS a, unnest(a.paused) AS x WHERE a.profile = att.profile ORDER BY 1);
    IF att.paused = '{}' AND NOT EXISTS (SELECT FROM oms.erp_source_link AS l WHERE l.profile = att.profile AND l.state = 'paused')
       AND NOT EXISTS (SELECT FROM oms.erp_look(att.profile) AS k WHERE k.wrong IS NOT NULL OR k.gaps IS NOT NULL) THEN
        RETURN;
    END IF;
    -- one applier at a time; its lock comes first
    PERFORM FROM oms.erp_attachment AS a WHERE a.profile = att.profile FOR NO KEY UPDATE;
    FOR t IN
        SELECT l.relation, l.watch, l.state, l.problem, k.wrong, k.gaps,
               ARRAY(SELECT w FROM unnest(l.watch) AS w WHERE NOT oms.erp_columns(l.relation, l.watch) ? w) AS missing,
               ARRAY(SELECT DISTINCT s.entity FROM oms.erp_source AS s WHERE s.profile = att.profile AND s.entity <> ALL (att.absent) AND replace(s.relation, '@erp@', att.sch) = l.relation ORDER BY 1) AS entities
          FROM oms.erp_source_link AS l JOIN oms.erp_look(att.profile) AS k ON k.relation = l.relation
         WHERE l.profile = att.profile AND (l.state = 'paused' OR k.wrong IS NOT NULL OR k.gaps IS NOT NULL)
         ORDER BY l.relation COLLATE "C"
    LOOP
        IF to_regclass(t.relation) IS NULL OR cardinality(t.missing) > 0 THEN
            RETURN NEXT format('%s: waits, %s', t.relation, coalesce(t.wrong, t.problem));
            CONTINUE;
        END IF;
        BEGIN
            IF t.gaps IS NOT NULL THEN
                -- the table is locked against writers until we commit
                PERFORM set_config('lock_timeout', '200ms', true);
                PERFORM oms.erp_attach_table(att.profile, t.relation, t.watch, att.always);
                PERFORM set_config('lock_timeout', '0', true);
            ELSE
                PERFORM oms.erp_attach_note(att.profile, t.relation, t.watch);
            END IF;
            FOREACH entity IN ARRAY t.entities LOOP
                PERFORM oms.erp_refresh(entity);
            END LOOP;
            SELECT l.problem INTO still FROM oms.erp_source_link AS l WHERE l.relation = t.relation AND l.state = 'paused';
            IF FOUND THEN -- nothing was gained: let it be as it was
                RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = coalesce(still, 'paused');
            END IF;
            INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
            VALUES (att.company_id, 'erp', 0, 'erp.resumed', jsonb_build_object('profile', att.profile, 'relation', t.relation, 'after', coalesce(t.problem, t.wrong, t.gaps)));
            RETURN NEXT format('%s: resumed', t.relation);
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM set_config('lock_timeout', '0', true);
            RETURN NEXT format('%s: waits, the table is in use', t.relation);
        WHEN SQLSTATE 'ZZ001' THEN
            RETURN NEXT format('%s: waits, %s', t.relation, SQLERRM);
        END;
    END LOOP;
    -- entities paused by themselves
    FOREACH entity IN ARRAY att.paused LOOP
        BEGIN
            UPDATE oms.erp_attachment AS a SET paused = array_remove(a.paused, entity) WHERE a.profile = att.profile;
            PERFORM oms.erp_reread();
            PERFORM oms.erp_refresh(entity);
            IF EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.profile = att.profile AND entity = ANY (a.paused)) THEN
                SELECT e.payload->>'why' INTO still FROM oms.event AS e WHERE e.type = 'erp.paused' AND e.payload->>'entity' = entity ORDER BY e.event_id DESC LIMIT 1;
                RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = coalesce(still, 'paused');
            END IF;
            INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
            VALUES (att.company_id, 'erp', 0, 'erp.resumed', jsonb_build_object('profile', att.profile, 'entity', entity));
            RETURN NEXT format('%s: resumed', entity);
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
            RETURN NEXT format('%s: waits, %s', entity, SQLERRM);
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.erp_resync() IS
    'Ends pauses that can be ended: where a paused table has its watched columns again, whatever their types now, our triggers are put back if they are missing (waiting 200 ms at most), its entities are evaluated whole, and if that works it is attached again, with event erp.resumed. Also puts triggers on new children and partitions. A job of the worker calls it every minute; returns a line for each table that was not in order. What still lacks a column waits for the profile or the ERP to change.';
