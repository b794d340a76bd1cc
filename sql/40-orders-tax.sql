-- orders: GST of charges, credit notes of returns, and whether masters are fit for invoices.

CREATE FUNCTION oms.charge_tax(order_id bigint, company text DEFAULT NULL)
RETURNS TABLE (charge_no integer, kind text, line_no integer, allocation_id bigint, net numeric, rate numeric, taxable numeric, cgst numeric, sgst numeric, igst numeric)
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
        SELECT a.line_no, a.allocation_id, a.net_amount, a.qty, a.tax_rate, a.supplier_state, a.place_of_supply
          FROM oms.allocation a
         WHERE a.company_id = the_company AND a.order_id = charge_tax.order_id AND a.status <> 'cancelled'
    ), line AS (
        SELECT l.line_no, sum(l.net_amount) AS weight, max(l.tax_rate) AS rate FROM live l GROUP BY l.line_no
    ), lines AS (
        SELECT array_agg(l.line_no ORDER BY l.line_no) AS nos, array_agg(l.weight ORDER BY l.line_no) AS weights FROM line l
    ), share AS ( -- of a charge for a line, and the tax on it, rounded once
        SELECT c.charge_no, c.kind, s.line_no, s.net, l.rate,
               CASE WHEN inclusive THEN round(s.net * l.rate / (100 + l.rate), 2) ELSE round(s.net * l.rate / 100, 2) END AS tax
          FROM oms.order_charge c, lines,
               unnest(lines.nos, oms.apportion(c.amount, lines.weights)) AS s (line_no, net)
          JOIN line l ON l.line_no = s.line_no
         WHERE c.company_id = the_company AND c.order_id = charge_tax.order_id AND c.kind <> 'CART_DISCOUNT'
    ), part AS (
        SELECT s.charge_no, s.kind, s.line_no, s.rate, p.allocation_id, p.net, p.tax
          FROM share s
          JOIN (SELECT l.line_no, array_agg(l.allocation_id ORDER BY l.allocation_id) AS ids,
                       array_agg(CASE WHEN w.whole > 0 THEN l.net_amount ELSE round(l.qty * 1000) END ORDER BY l.allocation_id) AS weights
                  FROM live l JOIN (SELECT x.line_no, sum(x.net_amount) AS whole FROM live x GROUP BY x.line_no) w ON w.line_no = l.line_no
                 GROUP BY l.line_no) a ON a.line_no = s.line_no,
               unnest(a.ids, oms.apportion(s.net, a.weights), oms.apportion(coalesce(s.tax, 0), a.weights)) AS p (allocation_id, net, tax)
    )
    SELECT p.charge_no, p.kind, p.line_no, p.allocation_id, p.net, trim_scale(p.rate),
           CASE WHEN p.rate IS NOT NULL THEN p.net - CASE WHEN inclusive THEN p.tax ELSE 0 END END,
           coalesce(t.cgst, 0.00), coalesce(t.sgst + t.utgst, 0.00), coalesce(t.igst, 0.00)
      FROM part p JOIN live l ON l.allocation_id = p.allocation_id,
           oms.tax_split(p.tax, l.supplier_state, l.place_of_supply, type_of_supply) t
     ORDER BY p.charge_no, p.line_no, p.allocation_id;
END $$;
COMMENT ON FUNCTION oms.charge_tax(bigint, text) IS
    'GST of an order''s charges (shipping, COD fee, gift wrap), INR: they are one supply with the goods, so each is divided over the lines that are not cancelled by value, taxed at the line''s rate, and divided over its allocations, whose states decide the split. Sums to the charge and its tax to the paisa. rate and taxable are NULL while an allocation waits. Raises OM002.';

CREATE FUNCTION oms.supplier_gstin(node_id integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer text;
BEGIN
    SELECT coalesce(n.gstin, (SELECT min(g.gstin) FROM oms.gstin g WHERE g.company_id = n.company_id AND g.state_code = n.state_code))
      INTO answer FROM oms.node n WHERE n.node_id = supplier_gstin.node_id;
    RETURN answer;
END $$;
COMMENT ON FUNCTION oms.supplier_gstin(integer) IS
    'The GSTIN a node supplies under: its own, else the company''s registration in its state; NULL where there is none.';

CREATE FUNCTION oms.credit_note(return_id bigint, day date DEFAULT current_date, company text DEFAULT NULL)
RETURNS TABLE (line_no integer, allocation_id bigint, sku text, hsn text, qty numeric, rate numeric, taxable numeric, cgst numeric, sgst numeric, igst numeric,
    supplier_state text, place_of_supply text, declare_until date, warning text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 COST 1000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    the_company integer := oms.company_id(company);
    zone text;
BEGIN
    IF NOT EXISTS (SELECT FROM oms.return_order r WHERE r.company_id = the_company AND r.return_id = credit_note.return_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('there is no return %s', credit_note.return_id),
            HINT = 'Returns are the rows of oms.return_order.';
    END IF;
    SELECT c.timezone INTO zone FROM oms.company c WHERE c.company_id = the_company;
    RETURN QUERY
    SELECT l.line_no, l.allocation_id, k.code, k.hsn, q.qty, trim_scale(a.tax_rate), s.taxable_credit, s.cgst_credit, s.sgst_credit, s.igst_credit,
           a.supplier_state, a.place_of_supply, u.until,
           CASE WHEN day > u.until THEN format('the tax of %s cannot be reduced after %s (CGST Act s. 34(2))', u.invoiced, u.until) END
      FROM oms.return_line l
      JOIN oms.return_order r ON r.company_id = l.company_id AND r.return_id = l.return_id
      JOIN oms.allocation a ON a.company_id = l.company_id AND a.allocation_id = l.allocation_id
      JOIN oms.sku k ON k.sku_id = a.sku_id
      LEFT JOIN oms.shipment p ON p.company_id = a.company_id AND p.shipment_id = a.shipment_id,
           LATERAL (SELECT CASE WHEN r.received_at IS NOT NULL THEN l.received_qty ELSE l.qty END AS qty) q,
           -- as refunds count: what was settled before this return
           LATERAL (SELECT coalesce(sum(CASE WHEN o.received_at IS NOT NULL THEN b.received_qty ELSE b.qty END), 0) AS qty
                      FROM oms.return_line b JOIN oms.return_order o ON o.company_id = b.company_id AND o.return_id = b.return_id
                     WHERE b.company_id = l.company_id AND b.allocation_id = l.allocation_id AND o.return_id < l.return_id
                       AND o.status IN ('received', 'inspected', 'closed')) e,
           oms.credit_share(a.qty, a.taxable, a.cgst, a.sgst, a.igst, least(e.qty, a.qty), least(q.qty, a.qty - least(e.qty, a.qty))) s,
           LATERAL (SELECT (coalesce(p.shipped_at, a.created_at) AT TIME ZONE zone)::date AS invoiced) d,
           LATERAL (SELECT d.invoiced, oms.credit_note_until(d.invoiced) AS until) u
     WHERE l.company_id = the_company AND l.return_id = credit_note.return_id AND a.taxable IS NOT NULL AND q.qty > 0
     ORDER BY l.line_no, l.allocation_id;
END $$;
COMMENT ON FUNCTION oms.credit_note(bigint, date, text) IS
    'Lines of the credit note of a return, INR: the shares of what was invoiced for the goods (the rate then, not now), of units counted in, or asked back before that. The credits of a line''s returns add up to its invoice. declare_until and warning: CGST Act s. 34(2), seen from "day". Raises OM002.';

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
                WHEN n.gstin IS NULL AND NOT EXISTS (SELECT FROM oms.gstin g WHERE g.company_id = n.company_id AND g.state_code = n.state_code)
                    THEN format('is in state %s, where the company is not registered', n.state_code) END AS problem) p
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
END $$;
COMMENT ON FUNCTION oms.check_gst(text, numeric) IS
    'What of a company''s masters will not stand on a tax invoice: GSTINs that are none or of another state, open nodes without a registration in their state, active items without a GST rate or with an HSN that is none (for B2B, at the turnover of the year before, INR). Raises OM002.';
