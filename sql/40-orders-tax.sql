-- orders: GST of charges, and whether masters are fit for invoices.

CREATE FUNCTION oms.charge_tax(order_id bigint, company text DEFAULT NULL)
RETURNS TABLE (kind text, rate numeric, allocation_id bigint, net numeric, taxable numeric, cgst numeric, sgst numeric, igst numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 COST 1000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    the_company integer := oms.company_id(company);
    inclusive boolean;
    type_of_supply text;
BEGIN
    SELECT c.price_includes_tax, o.supply_type INTO inclusive, type_of_supply
      FROM oms."order" o JOIN oms.channel c ON c.channel_id = o.channel_id
     WHERE o.company_id = the_company AND o.order_id = charge_tax.order_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('there is no order %s', charge_tax.order_id),
            HINT = 'Orders are the rows of oms."order".';
    END IF;
    RETURN QUERY
    WITH live AS (
        SELECT a.allocation_id, coalesce(a.tax_rate, -1) AS rate, coalesce(a.taxable, a.net_amount) AS value, a.qty, a.supplier_state, a.place_of_supply
          FROM oms.allocation a
         WHERE a.company_id = the_company AND a.order_id = charge_tax.order_id AND a.status <> 'cancelled'
    ), by_rate AS ( -- where the goods cost nothing, the highest rate
        SELECT l.rate, sum(l.value) AS value, CASE WHEN sum(sum(l.value)) OVER () > 0 THEN sum(l.value) WHEN l.rate = max(l.rate) OVER () THEN 1 ELSE 0 END AS weight,
               array_agg(l.allocation_id ORDER BY l.allocation_id) AS ids,
               array_agg(l.value ORDER BY l.allocation_id) AS values, array_agg(round(l.qty) ORDER BY l.allocation_id) AS qtys
          FROM live l GROUP BY l.rate
    ), charge AS (
        SELECT c.kind, sum(c.amount) AS amount FROM oms.order_charge c
         WHERE c.company_id = the_company AND c.order_id = charge_tax.order_id AND c.kind <> 'CART_DISCOUNT' GROUP BY c.kind
    ), share AS ( -- of a charge at a rate, and the tax on it, rounded once
        SELECT c.kind, r.rate, r.ids, CASE WHEN r.value > 0 THEN r.values ELSE r.qtys END AS weights, s.net,
               CASE WHEN r.rate < 0 THEN 0 WHEN inclusive THEN round(s.net * r.rate / (100 + r.rate), 2) ELSE round(s.net * r.rate / 100, 2) END AS tax
          FROM charge c, (SELECT array_agg(x.rate ORDER BY x.rate) AS rates, array_agg(x.weight ORDER BY x.rate) AS weights FROM by_rate x) w,
               unnest(w.rates, oms.apportion(c.amount, w.weights)) AS s (rate, net)
          JOIN by_rate r ON r.rate = s.rate
    )
    SELECT s.kind, trim_scale(nullif(s.rate, -1)), p.allocation_id, p.net,
           CASE WHEN s.rate >= 0 THEN p.net - CASE WHEN inclusive THEN p.tax ELSE 0 END END,
           coalesce(t.cgst, 0.00), coalesce(t.sgst + t.utgst, 0.00), coalesce(t.igst, 0.00)
      FROM share s, unnest(s.ids, oms.apportion(s.net, s.weights), oms.apportion(s.tax, s.weights)) AS p (allocation_id, net, tax)
      JOIN live l ON l.allocation_id = p.allocation_id
      LEFT JOIN LATERAL oms.tax_split(p.tax, l.supplier_state, l.place_of_supply, type_of_supply) t ON true
     ORDER BY s.kind COLLATE "C" DESC, s.rate, p.allocation_id;
END $$;
COMMENT ON FUNCTION oms.charge_tax(bigint, text) IS
    'GST of an order''s charges (shipping, COD fee, gift wrap), INR: they are one supply with the goods, so those of a kind are divided by the taxable value of what is not cancelled at each rate, taxed at that rate, and divided over the allocations, whose states decide the split. Sums to the charge and its tax to the paisa. rate and taxable are NULL for what waits for a node. What was invoiced stands in oms.invoice_line. Raises OM002.';

CREATE FUNCTION oms.supplier_gstin(node_id integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer text;
BEGIN
    SELECT coalesce(n.gstin, (SELECT min(g.gstin) FROM oms.gstin g WHERE g.company_id = n.company_id AND g.state_code = n.state_code HAVING count(*) = 1))
      INTO answer FROM oms.node n WHERE n.node_id = supplier_gstin.node_id;
    RETURN answer;
END $$;
COMMENT ON FUNCTION oms.supplier_gstin(integer) IS
    'The GSTIN a node supplies under: its own, else the company''s registration in its state; NULL where there is none, or more than one.';

CREATE FUNCTION oms.check_gst(company text DEFAULT NULL, turnover numeric DEFAULT NULL)
RETURNS TABLE (what text, code text, problem text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 COST 10000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    the_company integer := oms.company_id(company);
BEGIN
    RETURN QUERY
    SELECT 'gstin', g.gstin, oms.check_gstin(g.gstin, NULL, g.state_code) FROM oms.gstin g
     WHERE g.company_id = the_company AND oms.check_gstin(g.gstin, NULL, g.state_code) IS NOT NULL
     ORDER BY g.gstin COLLATE "C";
    RETURN QUERY
    SELECT 'node', n.code, p.problem FROM oms.node n,
           LATERAL (SELECT CASE
                WHEN n.gstin IS NOT NULL AND oms.check_gstin(n.gstin, NULL, n.state_code) IS NOT NULL THEN 'GSTIN ' || n.gstin || ' ' || oms.check_gstin(n.gstin, NULL, n.state_code)
                WHEN n.gstin IS NULL AND n.state_code IS NULL THEN 'has neither GSTIN nor state'
                WHEN n.gstin IS NULL AND r.n = 0 THEN format('is in state %s, where the company is not registered', n.state_code)
                WHEN n.gstin IS NULL AND r.n > 1 THEN format('has no GSTIN of its own, and the company has %s in state %s', r.n, n.state_code) END AS problem
              FROM (SELECT count(*) AS n FROM oms.gstin g WHERE g.company_id = n.company_id AND g.state_code = n.state_code) r) p
     WHERE n.company_id = the_company AND n.open AND p.problem IS NOT NULL
     ORDER BY n.code COLLATE "C";
    RETURN QUERY
    SELECT 'sku', k.code, p.problem FROM oms.sku k,
           LATERAL (SELECT CASE
                WHEN NOT EXISTS (SELECT FROM oms.tax_code t WHERE t.company_id = k.company_id AND t.code = k.tax_code AND t.valid_from <= current_date)
                     AND oms.tax_rate(coalesce(k.hsn, ''), current_date) IS NULL THEN format('has no GST rate (HSN %s, tax code %s)', coalesce(k.hsn, 'missing'), coalesce(k.tax_code, 'missing'))
                WHEN oms.check_hsn(k.hsn, turnover, 'B2B') IS NOT NULL THEN 'HSN ' || oms.check_hsn(k.hsn, turnover, 'B2B') END AS problem) p
     WHERE k.company_id = the_company AND k.active AND p.problem IS NOT NULL
     ORDER BY k.code COLLATE "C";
    RETURN QUERY
    SELECT 'price', k.code, format('no GST rate agrees with the price of %s with tax: at %s %% it is worth %s without', p.amount, t.rate, t.taxable)
      FROM oms.sku k JOIN oms.price p ON p.company_id = k.company_id AND p.sku_id = k.sku_id,
           LATERAL (SELECT c.state_code AS state FROM oms.company c WHERE c.company_id = k.company_id) c,
           -- an item without a rate was told above
           oms.tax(CASE WHEN oms.tax_rate(coalesce(k.hsn, ''), current_date) IS NOT NULL
                          OR EXISTS (SELECT FROM oms.tax_code x WHERE x.company_id = k.company_id AND x.code = k.tax_code AND x.valid_from <= current_date AND x.above_value = 0)
                        THEN p.amount END, 1, k.hsn, c.state, c.state, current_date, true, k.tax_code, check_gst.company) t
     WHERE k.company_id = the_company AND k.active AND p.includes_tax AND p.valid_from <= now() AND (p.valid_to IS NULL OR p.valid_to > now()) AND t.dead_band
     ORDER BY k.code COLLATE "C", p.amount;
END $$;
COMMENT ON FUNCTION oms.check_gst(text, numeric) IS
    'What of a company''s masters will not stand on a tax invoice: GSTINs that are none or of another state, open nodes without a registration in their state, active items without a GST rate or with an HSN that is none (for B2B, at the turnover of the year before, INR), list prices with tax at which no rate agrees with itself. Raises OM002.';
