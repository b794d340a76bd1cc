-- Tax on many rows: the same figures as by plain SQL and numeric arithmetic,
-- and never an outdated rate.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
-- The rules of doc/tax.md written down once more, independently of the C code.
CREATE FUNCTION pg_temp.bands(company integer, code text, hsn text, day date) RETURNS numeric[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    digits text := translate(hsn, ' .', '');
    g record;
    answer numeric[];
BEGIN
    SELECT valid_from INTO g FROM oms.tax_code c WHERE c.company_id = company AND c.code = bands.code AND c.valid_from <= day ORDER BY valid_from DESC LIMIT 1;
    IF FOUND THEN
        SELECT array_agg(ARRAY[c.above_value, c.rate] ORDER BY c.above_value) INTO answer
          FROM oms.tax_code c WHERE c.company_id = company AND c.code = bands.code AND c.valid_from = g.valid_from;
        IF answer[1][1] = 0 THEN RETURN answer; END IF;
    END IF;
    IF digits !~ '^([0-9]{2}){1,4}$' THEN RETURN NULL; END IF;
    SELECT r.hsn, r.builtin, r.valid_from INTO g FROM oms.gst_rate r
     WHERE digits LIKE r.hsn || '%' AND day BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity')
     ORDER BY length(r.hsn) DESC, r.builtin, r.valid_from DESC LIMIT 1;
    IF NOT FOUND THEN RETURN NULL; END IF;
    SELECT array_agg(ARRAY[r.above_value, r.rate] ORDER BY r.above_value) INTO answer
      FROM oms.gst_rate r WHERE r.hsn = g.hsn AND r.builtin = g.builtin AND r.valid_from = g.valid_from AND day <= coalesce(r.valid_to, 'infinity');
    RETURN CASE WHEN answer[1][1] = 0 THEN answer END;
END $$;
CREATE FUNCTION pg_temp.ref_tax(net numeric, qty numeric, hsn text, supplier text, place text, day date, inclusive boolean, code text, company integer,
    OUT rate numeric, OUT taxable numeric, OUT cgst numeric, OUT sgst numeric, OUT igst numeric, OUT dead_band boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    b numeric[] := pg_temp.bands(company, code, hsn, day);
    tax numeric;
    unit numeric;
BEGIN
    IF b IS NULL THEN RETURN; END IF;
    FOR i IN 1 .. array_length(b, 1) LOOP
        -- the lowest band that is not too low for the value it gives
        rate := b[i][2];
        tax := round(CASE WHEN inclusive THEN net * rate / (100 + rate) ELSE net * rate / 100 END, 2);
        taxable := CASE WHEN inclusive THEN net - tax ELSE net END;
        unit := abs(round(taxable / qty, 2));
        EXIT WHEN i = array_length(b, 1) OR unit <= b[i + 1][1];
    END LOOP;
    dead_band := inclusive AND unit <= b[array_position(ARRAY(SELECT b[k][2] FROM generate_series(1, array_length(b, 1)) k), rate)][1] AND rate <> b[1][2];
    cgst := CASE WHEN supplier = coalesce(place, supplier) THEN round(tax / 2, 2) ELSE 0 END;
    sgst := CASE WHEN supplier = coalesce(place, supplier) THEN tax - cgst ELSE 0 END;
    igst := CASE WHEN supplier = coalesce(place, supplier) THEN 0 ELSE tax END;
END $$;

INSERT INTO oms.company (code, name) VALUES ('RUNT', 'Tax run');
SELECT company_id AS company FROM oms.company WHERE code = 'RUNT' \gset
INSERT INTO oms.tax_code (company_id, code, valid_from, above_value, rate)
SELECT :company, c.code, c.valid_from::date, c.above, c.rate
  FROM (VALUES ('GST5', '-infinity', 0, 5), ('GST18', '2025-01-01', 0, 12), ('GST18', '2025-09-22', 0, 18), ('LATE', '2025-10-01', 0, 40),
               ('BANDS', '2020-01-01', 0, 0), ('BANDS', '2020-01-01', 1000, 10), ('BANDS', '2020-01-01', 3000, 28), ('HOLE', '2020-01-01', 5, 3)) c (code, valid_from, above, rate);
INSERT INTO oms.gst_rate (hsn, valid_from, valid_to, rate, source) VALUES ('8528', '2025-10-01', '2025-10-15', 7, 'test'), ('852859', '2025-04-01', NULL, 9, 'test');
SELECT setseed(0.5);
CREATE TEMPORARY TABLE line AS
SELECT i, round(CASE i % 7 WHEN 0 THEN -1 WHEN 1 THEN 0.02 ELSE 1 END * (random() * 9000)::numeric, 2) AS net,
       CASE i % 5 WHEN 0 THEN round((random() * 3)::numeric, 3) + 0.001 ELSE 1 + i % 4 END AS qty,
       (ARRAY['61', '6109', '61091000', '6109.10.00', '62', '64', '6302', '0406', '040610', '8528', '852859', '85285900', '4901', '7113', '330510', '3304', '40610', '9999'])[1 + i % 18] AS hsn,
       (ARRAY['29', '27', '07', '96'])[1 + i % 3] AS supplier, (ARRAY['29', '27', '36', NULL])[1 + i / 3 % 4] AS place,
       date '2025-09-15' + (random() * 40)::integer AS day, i % 3 <> 0 AS inclusive,
       (ARRAY[NULL, 'GST5', 'GST18', 'LATE', 'BANDS', 'HOLE', 'none', ''])[1 + i / 18 % 8] AS code
  FROM generate_series(1, 6000) i;
-- refused is what has no rate; both refuse the same lines
CREATE TEMPORARY TABLE answer AS
SELECT l.*, r.rate AS r_rate, r.taxable AS r_taxable, r.cgst AS r_cgst, r.sgst AS r_sgst, r.igst AS r_igst, r.dead_band AS r_dead
  FROM line l, pg_temp.ref_tax(l.net, l.qty, l.hsn, l.supplier, l.place, l.day, l.inclusive, l.code, :company) r;
SELECT count(*) AS lines, count(*) FILTER (WHERE r_rate IS NULL) BETWEEN 300 AND 900 AS some_refused, count(DISTINCT r_rate) AS rates,
       count(*) FILTER (WHERE r_dead) > 50 AS dead_bands FROM answer;
SELECT count(*) AS compared, count(*) FILTER (WHERE (t.rate, t.taxable, t.cgst, t.sgst, t.igst, t.dead_band)
                                                    IS DISTINCT FROM (r_rate, r_taxable, r_cgst, r_sgst, r_igst, r_dead)) AS differ
  FROM answer a, oms.tax(a.net, a.qty, a.hsn, a.supplier, a.place, a.day, a.inclusive, a.code, 'RUNT') t WHERE r_rate IS NOT NULL;
-- nothing is lost: the parts are the whole, each line's and the run's
SELECT sum(t.taxable + t.cgst + t.sgst + t.igst) = sum(a.net) AS whole, bool_and(t.taxable + t.cgst + t.sgst + t.igst = a.net) AS each
  FROM answer a, oms.tax(a.net, a.qty, a.hsn, a.supplier, a.place, a.day, true, a.code, 'RUNT') t WHERE r_rate IS NOT NULL;
DO $$
DECLARE
    a record;
BEGIN
    FOR a IN SELECT * FROM answer WHERE r_rate IS NULL LIMIT 50 LOOP
        BEGIN
            PERFORM oms.tax(a.net, a.qty, a.hsn, a.supplier, a.place, a.day, a.inclusive, a.code, 'RUNT');
            RAISE EXCEPTION 'line % was taxed', a.i;
        EXCEPTION WHEN SQLSTATE 'OM201' THEN NULL;
        END;
    END LOOP;
END $$;
-- the same in parallel workers
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
CREATE TABLE oms_tax_run_line AS SELECT * FROM answer WHERE r_rate IS NOT NULL;
ANALYZE oms_tax_run_line;
CREATE FUNCTION pg_temp.gathers(q text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    p json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO p;
    RETURN p::text LIKE '%"Gather"%';
END $$;
SELECT pg_temp.gathers($$SELECT sum((oms.tax(net, qty, hsn, supplier, place, day, inclusive, code, 'RUNT')).igst) FROM oms_tax_run_line$$) AS in_workers;
SELECT sum((oms.tax(net, qty, hsn, supplier, place, day, inclusive, code, 'RUNT')).igst) = sum(r_igst) AS same FROM oms_tax_run_line;
DROP TABLE oms_tax_run_line;

-- a call site that lives on (PL/pgSQL) sees every change: own, rolled back, of another company, of the setting
CREATE FUNCTION pg_temp.rate_now() RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    RETURN (oms.tax(118, 1, NULL, '29', '27', '2025-10-01', true, 'MINE')).rate;
END $$;
CREATE FUNCTION pg_temp.watch() RETURNS TABLE (step text, rate numeric) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('oms.company', 'RUNT', true);
    INSERT INTO oms.tax_code (company_id, code, rate) SELECT company_id, 'MINE', 18 FROM oms.company WHERE code = 'RUNT';
    step := 'inserted'; rate := pg_temp.rate_now(); RETURN NEXT;
    UPDATE oms.tax_code c SET rate = 5 WHERE c.code = 'MINE';
    step := 'updated'; rate := pg_temp.rate_now(); RETURN NEXT;
    BEGIN
        UPDATE oms.tax_code c SET rate = 40 WHERE c.code = 'MINE';
        step := 'in a savepoint'; rate := pg_temp.rate_now(); RETURN NEXT;
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    step := 'rolled back'; rate := pg_temp.rate_now(); RETURN NEXT;
    INSERT INTO oms.company (code, name) VALUES ('RUN2', 'Another');
    INSERT INTO oms.tax_code (company_id, code, rate) SELECT company_id, 'MINE', 12 FROM oms.company WHERE code = 'RUN2';
    PERFORM pg_temp.rate_now();
    PERFORM set_config('oms.company', 'RUN2', true);
    step := 'another company'; rate := pg_temp.rate_now(); RETURN NEXT;
    DELETE FROM oms.tax_code c WHERE c.code = 'MINE';
    INSERT INTO oms.tax_code (company_id, code, rate) SELECT company_id, 'MINE', 3 FROM oms.company WHERE code = 'RUN2';
    step := 'deleted and inserted'; rate := pg_temp.rate_now(); RETURN NEXT;
END $$;
SELECT * FROM pg_temp.watch();
-- in one query the rate is the one its snapshot shows
CREATE FUNCTION pg_temp.meddle() RETURNS integer LANGUAGE sql VOLATILE AS $$ UPDATE oms.tax_code SET rate = rate + 1 WHERE code = 'MINE' RETURNING 1 $$;
SELECT pg_temp.meddle(), (oms.tax(118, 1, NULL, '29', '27', '2025-10-01', true, 'MINE', 'RUN2')).rate FROM generate_series(1, 3);
SELECT (oms.tax(118, 1, NULL, '29', '27', '2025-10-01', true, 'MINE', 'RUN2')).rate AS after;
-- codes of any length and number are remembered apart
SELECT count(DISTINCT (oms.tax(118, 1, repeat(' ', n % 3) || lpad(n::text, 4, '0'), '29', '27', '2025-10-01', true, 'GST5', 'RUNT')).taxable) AS one
  FROM generate_series(1, 25000) n;
ROLLBACK;
