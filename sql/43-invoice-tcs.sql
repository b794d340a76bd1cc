-- invoice: what a marketplace should have collected of a month's invoices.

CREATE FUNCTION oms.tcs_month(channel text, month date, company text DEFAULT NULL)
RETURNS TABLE (gstin text, place_of_supply text, from_day date, to_day date, supplies numeric, returns numeric, net numeric, rate numeric, tcs numeric, cgst numeric, sgst numeric, igst numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50 COST 10000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    the_company integer := oms.company_id(company);
    the_channel integer;
    first_day date := date_trunc('month', month)::date;
    last_day date := (date_trunc('month', month) + interval '1 month' - interval '1 day')::date;
BEGIN
    IF month IS NULL OR channel IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('%s is null', CASE WHEN channel IS NULL THEN 'channel' ELSE 'month' END),
            DETAIL = format('Argument %s.', CASE WHEN channel IS NULL THEN 'channel' ELSE 'month' END), HINT = 'State it: there is no default.';
    END IF;
    SELECT c.channel_id INTO the_channel FROM oms.channel c WHERE c.company_id = the_company AND c.code = tcs_month.channel;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('there is no channel "%s"', tcs_month.channel),
            DETAIL = 'Argument channel.', HINT = 'Channels are the rows of oms.channel.';
    END IF;
    RETURN QUERY
    WITH period AS ( -- of one rate; the user's rows win
        SELECT min(d.day) AS from_day, max(d.day) AS to_day
          FROM (SELECT g::date AS day, (oms.tcs(0, 0, g::date)).rate AS rate FROM generate_series(first_day, last_day, interval '1 day') g) d
         WHERE d.rate IS NOT NULL GROUP BY d.rate
    ), document AS (
        SELECT i.gstin, i.place_of_supply, i.invoice_date AS day, i.kind = 'credit_note' AS back, i.taxable,
               (oms.tax_split(1, i.supplier_state, i.place_of_supply, i.supply_type)).igst > 0 OR i.supply_type IN ('SEZWOP', 'EXPWOP') AS inter
          FROM oms.invoice i JOIN oms."order" o ON o.company_id = i.company_id AND o.order_id = i.order_id
         WHERE i.company_id = the_company AND o.channel_id = the_channel AND i.status = 'issued' AND i.invoice_date BETWEEN first_day AND last_day
    ), total AS (
        SELECT d.gstin, d.place_of_supply, d.inter, p.from_day, p.to_day,
               coalesce(sum(d.taxable) FILTER (WHERE NOT d.back), 0.00) AS supplies, coalesce(sum(d.taxable) FILTER (WHERE d.back), 0.00) AS returns
          FROM document d JOIN period p ON d.day BETWEEN p.from_day AND p.to_day
         GROUP BY d.gstin, d.place_of_supply, d.inter, p.from_day, p.to_day
    )
    SELECT t.gstin, t.place_of_supply, t.from_day, t.to_day, t.supplies, t.returns, c.net, c.rate, c.tcs, c.cgst, c.sgst, c.igst
      FROM total t, oms.tcs(t.supplies, t.returns, t.from_day, t.inter) c
     ORDER BY t.gstin COLLATE "C", t.place_of_supply, t.inter, t.from_day;
END $$;
COMMENT ON FUNCTION oms.tcs_month(text, date, text) IS
    'What a marketplace should have collected of a month (any day of it) under CGST Act s. 52, to compare with its statement: invoices less credit notes of a channel by our GSTIN and place of supply, INR, at the rate of the day; a month in which the rate changed is in two parts. Nothing below 0. Raises OM001, OM002.';
