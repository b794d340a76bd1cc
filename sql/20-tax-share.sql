-- tax: parts of amounts that add up, credit notes, and what marketplaces collect and deduct.

CREATE FUNCTION oms.apportion(amount numeric, weights numeric[]) RETURNS numeric[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_apportion';
COMMENT ON FUNCTION oms.apportion(numeric, numeric[]) IS
    'An amount (INR) in parts by weights, each to the paisa, the sum exactly the amount; equal parts where all weights are 0. For cart discounts and charges over lines. Weights have two decimals at most. Raises OM001 for a weight that is negative or missing.';

CREATE FUNCTION oms.credit_share(qty numeric, taxable numeric, cgst numeric, sgst numeric, igst numeric, credited numeric, credit numeric,
    OUT taxable_credit numeric, OUT cgst_credit numeric, OUT sgst_credit numeric, OUT igst_credit numeric)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_credit_share';
COMMENT ON FUNCTION oms.credit_share(numeric, numeric, numeric, numeric, numeric, numeric, numeric) IS
    'What a credit note says of an invoiced line: the share of credit units in what was invoiced for qty, after credited units before. The credits of all units add up to the invoice in each amount, in whatever steps. The rate of the day plays no part. Raises OM001 when more is credited than was invoiced.';

CREATE FUNCTION oms.credit_note_until(invoiced date, annual_return date DEFAULT NULL) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT least(make_date(extract(year FROM invoiced)::integer + CASE WHEN extract(month FROM invoiced) >= 4 THEN 1 ELSE 0 END, 11, 30), annual_return);
END;
COMMENT ON FUNCTION oms.credit_note_until(date, date) IS
    'Last day to declare a credit note that reduces tax (CGST Act s. 34(2)): 30 November after the financial year of the invoice, or the day of the annual return where that is earlier.';

CREATE TABLE oms.collection_rate (  --| What an e-commerce operator withholds from sellers, by date of supply or payment.
    kind text NOT NULL CHECK (kind IN ('TCS52', 'TDS194O')), --| TCS52: CGST Act s. 52, on the net taxable value of a month; TDS194O: Income-tax Act s. 194-O, on gross sales
    valid_from date NOT NULL,       --| First day
    valid_to date CHECK (valid_to >= valid_from), --| Last day; NULL while in force
    rate numeric(6,3) NOT NULL CHECK (rate >= 0 AND rate <= 100), --| Percent
    rate_no_pan numeric(6,3) CHECK (rate_no_pan >= 0 AND rate_no_pan <= 100), --| Percent of sellers who have given no PAN; NULL: the same
    free_up_to numeric(14,2) CHECK (free_up_to >= 0 AND free_up_to < 'NaN'), --| Sales of a year, INR, up to which nothing is withheld from individuals and undivided families with a PAN; NULL: no such limit
    source text NOT NULL,           --| Where it is taken from
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (kind, valid_from, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.collection_rate', 'WHERE NOT builtin');
INSERT INTO oms.collection_rate (kind, valid_from, valid_to, rate, rate_no_pan, free_up_to, source, builtin) VALUES
    ('TCS52', '2018-10-01', '2024-07-09', 1, NULL, NULL, 'notification 52/2018-CT', true),
    ('TCS52', '2024-07-10', NULL, 0.5, NULL, NULL, 'notification 15/2024-CT', true),
    ('TDS194O', '2020-10-01', '2021-03-31', 0.75, 5, 500000, 'reduced by press release of 13 May 2020', true),
    ('TDS194O', '2021-04-01', '2024-09-30', 1, 5, 500000, 'Finance Act 2020', true),
    ('TDS194O', '2024-10-01', NULL, 0.1, 5, 500000, 'Finance (No. 2) Act 2024', true);

CREATE FUNCTION oms.tcs(supplies numeric, returns numeric, day date, inter_state boolean DEFAULT true,
    OUT rate numeric, OUT net numeric, OUT tcs numeric, OUT cgst numeric, OUT sgst numeric, OUT igst numeric)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT trim_scale(r.rate), n.net, t.tcs, CASE WHEN NOT inter_state THEN round(t.tcs / 2, 2) ELSE 0.00 END,
           CASE WHEN NOT inter_state THEN t.tcs - round(t.tcs / 2, 2) ELSE 0.00 END, CASE WHEN NOT inter_state THEN 0.00 ELSE t.tcs END
      FROM (SELECT c.rate FROM oms.collection_rate c
             WHERE supplies IS NOT NULL AND c.kind = 'TCS52' AND day BETWEEN c.valid_from AND coalesce(c.valid_to, 'infinity')
             ORDER BY c.builtin, c.valid_from DESC LIMIT 1) r,
           LATERAL (SELECT round(greatest(supplies - coalesce(returns, 0), 0), 2) AS net) n,
           LATERAL (SELECT round(n.net * r.rate / 100, 2) AS tcs) t;
END;
COMMENT ON FUNCTION oms.tcs(numeric, numeric, date, boolean) IS
    'What an operator collects of a seller''s month (CGST Act s. 52), INR: rate of the day on taxable supplies less returns, never below 0; half CGST and SGST within a state, IGST between states. Leave services of s. 9(5) out. NULL before 1 October 2018, or without supplies or day.';

CREATE FUNCTION oms.tds_194o(gross numeric, day date, has_pan boolean DEFAULT true, individual boolean DEFAULT false, earlier numeric DEFAULT 0,
    OUT rate numeric, OUT tds numeric)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT trim_scale(p.rate), round(greatest(gross, 0) * p.rate / 100, 2)
      FROM (SELECT CASE WHEN NOT has_pan THEN coalesce(c.rate_no_pan, c.rate)
                        WHEN individual AND coalesce(earlier, 0) + gross <= c.free_up_to THEN 0 ELSE c.rate END AS rate
              FROM oms.collection_rate c
             WHERE gross IS NOT NULL AND c.kind = 'TDS194O' AND day BETWEEN c.valid_from AND coalesce(c.valid_to, 'infinity')
             ORDER BY c.builtin, c.valid_from DESC LIMIT 1) p;
END;
COMMENT ON FUNCTION oms.tds_194o(numeric, date, boolean, boolean, numeric) IS
    'What an operator deducts of a seller''s gross sales (Income-tax Act s. 194-O), INR, by the day they are credited or paid: nothing of an individual or undivided family with PAN while the year''s sales (earlier and these) are 5 lakh at most, more without PAN. What was paid free before the limit is not made up for. NULL before 1 October 2020, or without sales or day.';
