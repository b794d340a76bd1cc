-- Lines to tax and the two rivals: SQL over the whole set, PL/pgSQL row by row.
-- :lines says how many.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION pg_oms CASCADE;
DO $$ BEGIN PERFORM oms.install(); END $$;

-- goods of every row of the catalogue, as codes of 8 digits, around the change of 22 September 2025
CREATE TABLE line (id integer, net numeric(14,2) NOT NULL, qty numeric(14,3) NOT NULL, hsn text NOT NULL, supplier text NOT NULL, place text NOT NULL, day date NOT NULL, inclusive boolean NOT NULL);
SELECT setseed(0.5);
INSERT INTO line
SELECT i, round((random() * random() * 9000 + 1)::numeric, 2), 1 + i % 3, rpad(h.codes[1 + (random() * (h.n - 1))::integer], 8, '0'),
       (ARRAY['29', '27', '07', '33'])[1 + (random() * 3)::integer], (ARRAY['29', '27', '09', '36', '24', '19'])[1 + (random() * 5)::integer],
       date '2025-08-01' + (random() * 90)::integer, random() < 0.9
  FROM generate_series(1, :lines) i, (SELECT array_agg(DISTINCT hsn) AS codes, count(DISTINCT hsn)::integer AS n FROM oms.gst_rate WHERE valid_to IS NULL) h;
VACUUM (ANALYZE, FREEZE) line;

-- As an able programmer would: the rate of every code and day once, two bands at most, then plain arithmetic.
CREATE VIEW by_sql AS
WITH key AS MATERIALIZED (SELECT DISTINCT hsn, day FROM line),
band AS MATERIALIZED (
    SELECT k.hsn, k.day, lo.rate AS low, hi.above_value AS above, hi.rate AS high
      FROM key k
     CROSS JOIN LATERAL (SELECT r.hsn, r.builtin, r.valid_from, r.rate FROM oms.gst_rate r
                          WHERE r.hsn >= left(k.hsn, 2) AND r.hsn <= k.hsn AND starts_with(k.hsn, r.hsn) AND k.day >= r.valid_from AND k.day <= coalesce(r.valid_to, 'infinity') AND r.above_value = 0
                          ORDER BY length(r.hsn) DESC, r.builtin, r.valid_from DESC LIMIT 1) lo
      LEFT JOIN oms.gst_rate hi ON hi.hsn = lo.hsn AND hi.builtin = lo.builtin AND hi.valid_from = lo.valid_from AND hi.above_value > 0
)
SELECT l.id, t.rate, CASE WHEN l.inclusive THEN l.net - t.tax ELSE l.net END AS taxable,
       CASE WHEN l.supplier = l.place THEN round(t.tax / 2, 2) ELSE 0 END AS cgst,
       CASE WHEN l.supplier = l.place THEN t.tax - round(t.tax / 2, 2) ELSE 0 END AS sgst,
       CASE WHEN l.supplier = l.place THEN 0 ELSE t.tax END AS igst
  FROM line l JOIN band b ON b.hsn = l.hsn AND b.day = l.day
 CROSS JOIN LATERAL (SELECT CASE WHEN l.inclusive THEN round(l.net * b.low / (100 + b.low), 2) ELSE 0 END AS contained OFFSET 0) c
 CROSS JOIN LATERAL (SELECT CASE WHEN b.above IS NULL OR round((l.net - c.contained) / l.qty, 2) <= b.above THEN b.low ELSE b.high END AS rate OFFSET 0) r
 CROSS JOIN LATERAL (SELECT r.rate, CASE WHEN l.inclusive THEN round(l.net * r.rate / (100 + r.rate), 2) ELSE round(l.net * r.rate / 100, 2) END AS tax OFFSET 0) t;

-- The same as a function for a row, which is what applications call.
CREATE FUNCTION row_tax(net numeric, qty numeric, hsn text, supplier text, place text, day date, inclusive boolean,
    OUT rate numeric, OUT taxable numeric, OUT cgst numeric, OUT sgst numeric, OUT igst numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    low record;
    high record;
    tax numeric;
BEGIN
    SELECT r.hsn, r.builtin, r.valid_from, r.rate INTO low FROM oms.gst_rate r
     WHERE r.hsn >= left(row_tax.hsn, 2) AND r.hsn <= row_tax.hsn AND starts_with(row_tax.hsn, r.hsn)
       AND row_tax.day >= r.valid_from AND row_tax.day <= coalesce(r.valid_to, 'infinity') AND r.above_value = 0
     ORDER BY length(r.hsn) DESC, r.builtin, r.valid_from DESC LIMIT 1;
    rate := low.rate;
    IF low.hsn IN ('61', '62', '63', '64') THEN
        SELECT r.above_value, r.rate INTO high FROM oms.gst_rate r WHERE r.hsn = low.hsn AND r.builtin = low.builtin AND r.valid_from = low.valid_from AND r.above_value > 0;
        IF round((net - CASE WHEN inclusive THEN round(net * rate / (100 + rate), 2) ELSE 0 END) / qty, 2) > high.above_value THEN
            rate := high.rate;
        END IF;
    END IF;
    tax := CASE WHEN inclusive THEN round(net * rate / (100 + rate), 2) ELSE round(net * rate / 100, 2) END;
    taxable := CASE WHEN inclusive THEN net - tax ELSE net END;
    cgst := CASE WHEN supplier = place THEN round(tax / 2, 2) ELSE 0 END;
    sgst := CASE WHEN supplier = place THEN tax - cgst ELSE 0 END;
    igst := CASE WHEN supplier = place THEN 0 ELSE tax END;
END $$;

CREATE FUNCTION cpu() RETURNS numeric LANGUAGE sql VOLATILE AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000 $$;
-- Microseconds of CPU a statement takes this backend, and what it answers.
CREATE FUNCTION took(statement text, OUT us numeric, OUT wall numeric, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
    t timestamptz := clock_timestamp();
    c numeric := cpu();
BEGIN
    EXECUTE statement INTO answer;
    us := cpu() - c;
    wall := extract(epoch FROM clock_timestamp() - t) * 1000000;
END $$;
