-- invoice: e-invoices: whether one is due, the portal's JSON, what it answers, cancellation.

CREATE TABLE oms.einvoice_rule (    --| From when e-invoices are due at which aggregate turnover, and by when they are to be reported.
    rule text NOT NULL CHECK (rule IN ('due', 'report')), --| due: an e-invoice is due above this turnover of any earlier year from 2017-18 on; report: from this turnover on it is to be reported within days
    valid_from date NOT NULL,       --| First day of the document
    turnover numeric(18,2) NOT NULL CHECK (turnover >= 0 AND turnover < 'NaN'), --| INR
    days integer CHECK (days > 0),  --| Days after the document's date (report)
    source text NOT NULL,           --| Where it is taken from
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (rule, valid_from, builtin),
    CHECK ((rule = 'report') = (days IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('oms.einvoice_rule', 'WHERE NOT builtin');
INSERT INTO oms.einvoice_rule (rule, valid_from, turnover, days, source, builtin) VALUES
    ('due', '2020-10-01', 5000000000, NULL, 'Notification 13/2020-CT and its changes, general knowledge', true),
    ('due', '2021-01-01', 1000000000, NULL, 'Notification 13/2020-CT and its changes, general knowledge', true),
    ('due', '2021-04-01', 500000000, NULL, 'Notification 13/2020-CT and its changes, general knowledge', true),
    ('due', '2022-04-01', 200000000, NULL, 'Notification 13/2020-CT and its changes, general knowledge', true),
    ('due', '2022-10-01', 100000000, NULL, 'Notification 13/2020-CT and its changes, general knowledge', true),
    ('due', '2023-08-01', 50000000, NULL, 'Notification 10/2023-CT', true),
    ('report', '2023-11-01', 1000000000, 30, 'Advisory of the portals', true),
    ('report', '2025-04-01', 100000000, 30, 'Advisory of the portals', true);

CREATE FUNCTION oms.einvoice_need(invoice_id bigint, company text DEFAULT NULL, OUT needed boolean, OUT reason text, OUT report_by date) RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE COST 1000
SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.needed, n.reason, CASE WHEN n.needed AND r.days IS NOT NULL AND t.most >= r.turnover THEN i.invoice_date + r.days END
      FROM oms.invoice i
      LEFT JOIN LATERAL (SELECT d.turnover FROM oms.einvoice_rule d WHERE d.rule = 'due' AND d.valid_from <= i.invoice_date ORDER BY d.builtin, d.valid_from DESC LIMIT 1) d ON true
      LEFT JOIN LATERAL (SELECT d.turnover, d.days FROM oms.einvoice_rule d WHERE d.rule = 'report' AND d.valid_from <= i.invoice_date ORDER BY d.builtin, d.valid_from DESC LIMIT 1) r ON true
     CROSS JOIN LATERAL (SELECT max(x.amount) AS most FROM oms.turnover x WHERE x.company_id = i.company_id AND x.fin_year >= '2017-18' AND x.fin_year < oms.financial_year(i.invoice_date)) t
     CROSS JOIN LATERAL (SELECT
            CASE WHEN i.status = 'cancelled' OR i.supply_type = 'B2C' OR i.kind = 'bill_of_supply' OR d.turnover IS NULL THEN false
                 WHEN i.kind = 'credit_note' AND EXISTS (SELECT FROM oms.invoice o WHERE o.company_id = i.company_id AND o.invoice_id = i.original_id AND o.kind = 'bill_of_supply') THEN false
                 ELSE t.most > d.turnover END,
            CASE WHEN i.status = 'cancelled' THEN 'CANCELLED' WHEN i.supply_type = 'B2C' THEN 'CONSUMER' WHEN i.kind = 'bill_of_supply' THEN 'NO_TAX'
                 WHEN i.kind = 'credit_note' AND EXISTS (SELECT FROM oms.invoice o WHERE o.company_id = i.company_id AND o.invoice_id = i.original_id AND o.kind = 'bill_of_supply') THEN 'NO_TAX'
                 WHEN d.turnover IS NULL THEN 'NOT_YET' WHEN t.most IS NULL THEN 'TURNOVER_UNKNOWN' WHEN t.most > d.turnover THEN 'TURNOVER' ELSE 'BELOW_TURNOVER' END) n (needed, reason)
     WHERE i.company_id = oms.company_id($2) AND i.invoice_id = $1
$$;
COMMENT ON FUNCTION oms.einvoice_need(bigint, text) IS
    'Whether a tax document is to be registered as an e-invoice, why, and by when (NULL: no limit): supplies to registered buyers, exports and SEZ, where the turnover of any earlier year (oms.turnover) is above what oms.einvoice_rule says for the document''s day. reason: TURNOVER, BELOW_TURNOVER, TURNOVER_UNKNOWN (needed NULL), CONSUMER, NO_TAX, NOT_YET, CANCELLED. Sellers that the law exempts (banks, insurers, SEZ units, …) are not known here. All NULL for a document that does not exist. Raises OM002 for an unknown company.';

CREATE FUNCTION oms.einvoice_party(party jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('Gstin', p.gstin, 'LglNm', left(p.legal_name, 100), 'TrdNm', left(p.trade_name, 100),
            'Addr1', substr(p.address1, 1, 100), 'Addr2', nullif(substr(coalesce(p.address2, substr(p.address1, 101)), 1, 100), ''), 'Loc', left(p.place, 50),
            'Pin', CASE WHEN p.pincode ~ '^[0-9]{6}$' THEN p.pincode::integer END, 'Stcd', p.state_code))
      FROM (SELECT $1 ->> 'gstin', translate($1 ->> 'legal_name', '"\', ''), translate($1 ->> 'trade_name', '"\', ''), translate($1 ->> 'address1', '"\', ''), translate($1 ->> 'address2', '"\', ''),
                   translate($1 ->> 'place', '"\', ''), $1 ->> 'pincode', $1 ->> 'state_code') AS p (gstin, legal_name, trade_name, address1, address2, place, pincode, state_code)
$$;
COMMENT ON FUNCTION oms.einvoice_party(jsonb) IS
    'A party as oms.invoice keeps it, in the names of form INV-01; quotes and backslashes, which it does not take, are left out.';

CREATE FUNCTION oms.einvoice_json(invoice_id bigint, transport jsonb DEFAULT NULL, company text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    answer jsonb;
    doc oms.invoice;
BEGIN
    IF transport IS NOT NULL THEN
        PERFORM oms.eway_transport(transport);
    END IF;
    SELECT * INTO doc FROM oms.invoice i WHERE i.company_id = oms.company_id(company) AND i.invoice_id = einvoice_json.invoice_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('invoice %s does not exist', coalesce(einvoice_json.invoice_id::text, 'NULL')), HINT = 'Tax documents are the rows of oms.invoice.';
    ELSIF doc.supply_type = 'B2C' OR doc.kind = 'bill_of_supply' OR doc.status <> 'issued' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM802', MESSAGE = format('%s is no document of an e-invoice', doc.number),
            DETAIL = CASE WHEN doc.status <> 'issued' THEN 'It is cancelled.' WHEN doc.supply_type = 'B2C' THEN 'The buyer is not registered.' ELSE 'A bill of supply is none.' END;
    END IF;
    SELECT jsonb_build_object('Version', '1.1',
            'TranDtls', jsonb_build_object('TaxSch', 'GST', 'SupTyp', doc.supply_type, 'RegRev', 'N', 'IgstOnIntra', 'N'),
            'DocDtls', jsonb_build_object('Typ', CASE doc.kind WHEN 'credit_note' THEN 'CRN' ELSE 'INV' END, 'No', doc.number, 'Dt', to_char(doc.invoice_date, 'DD/MM/YYYY')),
            'SellerDtls', oms.einvoice_party(doc.seller),
            'BuyerDtls', oms.einvoice_party(doc.buyer) || jsonb_build_object('Pos', doc.place_of_supply)
                || CASE WHEN doc.supply_type IN ('EXPWP', 'EXPWOP') THEN '{"Gstin": "URP", "Stcd": "96", "Pin": 999999}'::jsonb ELSE '{}' END,
            'ItemList', l.items,
            'ValDtls', jsonb_build_object('AssVal', doc.taxable, 'CgstVal', doc.cgst, 'SgstVal', doc.sgst, 'IgstVal', doc.igst, 'CesVal', 0, 'Discount', 0, 'OthChrg', 0,
                'RndOffAmt', doc.round_off, 'TotInvVal', doc.total))
        || CASE WHEN doc.dispatch IS NOT NULL THEN jsonb_build_object('DispDtls', (SELECT d - '{LglNm,TrdNm,Gstin}'::text[] || jsonb_build_object('Nm', d -> 'LglNm') FROM oms.einvoice_party(doc.dispatch) d)) ELSE '{}' END
        || CASE WHEN doc.ship_to - 'legal_name' <> (doc.buyer - '{gstin,legal_name,trade_name,phone,email}'::text[])
                THEN jsonb_build_object('ShipDtls', oms.einvoice_party(CASE WHEN doc.ship_to ? 'legal_name' THEN doc.ship_to ELSE doc.ship_to || jsonb_build_object('legal_name', doc.buyer -> 'legal_name') END)) ELSE '{}' END
        || coalesce((SELECT jsonb_build_object('RefDtls', jsonb_build_object('PrecDocDtls', jsonb_build_array(jsonb_build_object('InvNo', o.number, 'InvDt', to_char(o.invoice_date, 'DD/MM/YYYY')))))
                       FROM oms.invoice o WHERE o.company_id = doc.company_id AND o.invoice_id = doc.original_id), '{}')
        || CASE WHEN transport IS NULL THEN '{}' ELSE jsonb_build_object('EwbDtls', jsonb_strip_nulls(jsonb_build_object(
                'TransId', transport ->> 'transporter_id', 'TransName', transport ->> 'transporter_name', 'TransMode', transport ->> 'mode',
                'Distance', coalesce(ceil((transport ->> 'distance_km')::numeric), 0), 'TransDocNo', transport ->> 'doc_no', 'TransDocDt', to_char((transport ->> 'doc_date')::date, 'DD/MM/YYYY'),
                'VehNo', transport ->> 'vehicle_no', 'VehType', coalesce(transport ->> 'vehicle_type', CASE WHEN transport ? 'vehicle_no' THEN 'R' END)))) END
      INTO answer
      FROM (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('SlNo', l.line_no::text, 'PrdDesc', left(translate(l.description, '"\', ''), 300), 'IsServc', CASE WHEN l.hsn LIKE '99%' THEN 'Y' ELSE 'N' END,
                    'HsnCd', l.hsn, 'Qty', trim_scale(l.qty), 'Unit', l.uom, 'UnitPrice', trim_scale(l.unit_price), 'TotAmt', l.gross, 'Discount', l.discount, 'AssAmt', l.taxable,
                    'GstRt', trim_scale(l.rate), 'IgstAmt', l.igst, 'CgstAmt', l.cgst, 'SgstAmt', l.sgst, 'CesRt', 0, 'CesAmt', 0, 'CesNonAdvlAmt', 0,
                    'TotItemVal', l.taxable + l.cgst + l.sgst + l.igst)) ORDER BY l.line_no) AS items
              FROM oms.invoice_line l WHERE l.company_id = doc.company_id AND l.invoice_id = doc.invoice_id) l;
    RETURN answer;
END $$;
COMMENT ON FUNCTION oms.einvoice_json(bigint, jsonb, text) IS
    'Form INV-01, version 1.1, of an invoice or credit note to a registered buyer, for export or SEZ, as the registration portals take it. transport, as of oms.eway_json(): the portal makes the e-way bill, too. Check it with oms.check_einvoice_json(). Raises OM001, OM002, OM802 (supplies to consumers, bills of supply, cancelled).';

CREATE FUNCTION oms.check_einvoice_json(doc jsonb, day date DEFAULT CURRENT_DATE, OUT path text, OUT rule text, OUT expected jsonb, OUT value jsonb) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.path, c.rule, c.expected, c.value FROM oms.check_json(doc, 'einvoice') c;
    IF FOUND OR doc IS NULL THEN
        RETURN; -- what follows needs the form
    END IF;
    RETURN QUERY
    WITH h AS (
        SELECT doc #>> '{TranDtls,SupTyp}' AS sup, doc #>> '{SellerDtls,Gstin}' AS seller, doc #>> '{BuyerDtls,Gstin}' AS buyer,
               (doc #>> '{SellerDtls,Stcd}')::integer AS from_state, (doc #>> '{BuyerDtls,Pos}')::integer AS pos, doc #>> '{TranDtls,IgstOnIntra}' = 'Y' AS igst_on_intra,
               doc #>> '{DocDtls,Dt}' AS dt
    ), i AS (
        SELECT format('ItemList[%s]', n - 1) AS at, e AS i, (e ->> 'TotAmt')::numeric AS gross, coalesce((e ->> 'Discount')::numeric, 0) AS discount, (e ->> 'AssAmt')::numeric AS ass,
               (e ->> 'GstRt')::numeric AS rate, coalesce((e ->> 'IgstAmt')::numeric, 0) AS igst, coalesce((e ->> 'CgstAmt')::numeric, 0) AS cgst, coalesce((e ->> 'SgstAmt')::numeric, 0) AS sgst,
               coalesce((e ->> 'CesAmt')::numeric, 0) + coalesce((e ->> 'CesNonAdvlAmt')::numeric, 0) AS cess, coalesce((e ->> 'StateCesAmt')::numeric, 0) + coalesce((e ->> 'StateCesNonAdvlAmt')::numeric, 0) AS state_cess,
               coalesce((e ->> 'OthChrg')::numeric, 0) AS other, (e ->> 'TotItemVal')::numeric AS whole
          FROM jsonb_array_elements(doc -> 'ItemList') WITH ORDINALITY AS x (e, n)
    ), s AS (
        SELECT sum(ass) AS ass, sum(cgst) AS cgst, sum(sgst) AS sgst, sum(igst) AS igst, sum(cess) AS cess, sum(state_cess) AS state_cess FROM i
    ), v AS (
        SELECT coalesce((doc #>> ARRAY['ValDtls', k])::numeric, 0) AS val, k FROM unnest('{AssVal,CgstVal,SgstVal,IgstVal,CesVal,StCesVal,Discount,OthChrg,RndOffAmt,TotInvVal}'::text[]) k
    ), found AS (
        SELECT k.key || '.Gstin', 'GSTIN: ' || w.wrong, NULL::jsonb, doc #> ARRAY[k.key, 'Gstin']
          FROM unnest('{SellerDtls,BuyerDtls,ShipDtls}'::text[]) k (key), LATERAL (SELECT oms.check_gstin(doc #>> ARRAY[k.key, 'Gstin']) AS wrong) w
         WHERE doc #>> ARRAY[k.key, 'Gstin'] <> 'URP' AND w.wrong IS NOT NULL
        UNION ALL SELECT 'BuyerDtls.Gstin', 'URP only of exports', NULL, to_jsonb(h.buyer) FROM h WHERE h.buyer = 'URP' AND h.sup NOT IN ('EXPWP', 'EXPWOP')
        UNION ALL SELECT 'BuyerDtls.Gstin', 'must be another than the seller''s', NULL, to_jsonb(h.buyer) FROM h WHERE h.buyer = h.seller
        UNION ALL SELECT k.key || '.Stcd', 'must be the state of its Gstin', to_jsonb(left(doc #>> ARRAY[k.key, 'Gstin'], 2)), doc #> ARRAY[k.key, 'Stcd']
          FROM h, unnest('{SellerDtls,BuyerDtls}'::text[]) k (key)
         WHERE doc #>> ARRAY[k.key, 'Gstin'] <> 'URP' AND left(doc #>> ARRAY[k.key, 'Gstin'], 2)::integer <> (doc #>> ARRAY[k.key, 'Stcd'])::integer
        UNION ALL SELECT k.path, 'is no GST state', NULL, doc #> string_to_array(k.path, '.')
          FROM unnest('{SellerDtls.Stcd,BuyerDtls.Stcd,BuyerDtls.Pos,DispDtls.Stcd,ShipDtls.Stcd}'::text[]) k (path), LATERAL (SELECT (doc #>> string_to_array(k.path, '.'))::integer AS code) c
         WHERE c.code <> ALL ('{96,97,99}') AND NOT EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = lpad(c.code::text, 2, '0'))
        UNION ALL SELECT k.key || '.Pin', 'pincode ' || w.wrong, doc #> ARRAY[k.key, 'Stcd'], doc #> ARRAY[k.key, 'Pin']
          FROM unnest('{SellerDtls,BuyerDtls,DispDtls,ShipDtls}'::text[]) k (key), LATERAL (SELECT oms.check_pincode(doc #>> ARRAY[k.key, 'Pin'], lpad(doc #>> ARRAY[k.key, 'Stcd'], 2, '0')) AS wrong) w
         WHERE doc #> ARRAY[k.key, 'Pin'] IS NOT NULL AND doc #>> ARRAY[k.key, 'Pin'] <> '999999' AND (doc #>> ARRAY[k.key, 'Stcd'])::integer <> ALL ('{96,97,99}') AND w.wrong IS NOT NULL
        UNION ALL SELECT 'BuyerDtls.' || k.key, 'of an export', k.want, doc #> ARRAY['BuyerDtls', k.key] FROM h, (VALUES ('Gstin', '"URP"'::jsonb), ('Pos', '"96"'), ('Stcd', '"96"'), ('Pin', '999999')) k (key, want)
         WHERE h.sup IN ('EXPWP', 'EXPWOP') AND doc #> ARRAY['BuyerDtls', k.key] IS DISTINCT FROM k.want
        UNION ALL SELECT 'BuyerDtls.Pos', 'abroad only of exports', NULL, doc #> '{BuyerDtls,Pos}' FROM h WHERE h.pos = 96 AND h.sup NOT IN ('EXPWP', 'EXPWOP')
        UNION ALL SELECT 'DocDtls.Dt', 'is no day', NULL, to_jsonb(h.dt) FROM h WHERE oms.form_day(h.dt) IS NULL
        UNION ALL SELECT 'DocDtls.Dt', 'must not be in the future', to_jsonb(day::text), to_jsonb(h.dt) FROM h WHERE oms.form_day(h.dt) > day
        UNION ALL SELECT i.at || '.HsnCd', 'must have 6 or 8 digits', NULL, i.i -> 'HsnCd' FROM i WHERE length(i.i ->> 'HsnCd') < 6
        UNION ALL SELECT i.at || '.IsServc', 'Y of services (99), N of goods', to_jsonb(CASE WHEN i.i ->> 'HsnCd' LIKE '99%' THEN 'Y' ELSE 'N' END), i.i -> 'IsServc' FROM i WHERE (i.i ->> 'HsnCd' LIKE '99%') <> (i.i ->> 'IsServc' = 'Y')
        UNION ALL SELECT i.at || '.SlNo', 'comes twice', NULL, i.i -> 'SlNo' FROM i WHERE EXISTS (SELECT FROM i o WHERE o.at <> i.at AND o.i ->> 'SlNo' = i.i ->> 'SlNo')
        UNION ALL SELECT i.at || '.Unit', 'must be there for goods', NULL, NULL FROM i WHERE i.i ->> 'IsServc' = 'N' AND i.i -> 'Unit' IS NULL
        UNION ALL SELECT i.at || '.Qty', 'must be there for goods', NULL, NULL FROM i WHERE i.i ->> 'IsServc' = 'N' AND i.i -> 'Qty' IS NULL
        UNION ALL SELECT i.at || '.TotAmt', 'must be UnitPrice times Qty', to_jsonb(round((i.i ->> 'UnitPrice')::numeric * (i.i ->> 'Qty')::numeric, 2)), i.i -> 'TotAmt' FROM i
         WHERE abs((i.i ->> 'UnitPrice')::numeric * (i.i ->> 'Qty')::numeric - i.gross) > 1 + 0.0005 * (i.i ->> 'Qty')::numeric
        UNION ALL SELECT i.at || '.AssAmt', 'must be TotAmt less Discount', to_jsonb(i.gross - i.discount), i.i -> 'AssAmt' FROM i WHERE abs(i.gross - i.discount - i.ass) > 1
        UNION ALL SELECT i.at || '.GstRt', 'must give the taxes of the item', to_jsonb(round(i.ass * i.rate / 100, 2)), to_jsonb(i.igst + i.cgst + i.sgst) FROM h, i
         WHERE abs(i.ass * i.rate / 100 - i.igst - i.cgst - i.sgst) > 1 AND h.sup NOT IN ('EXPWOP', 'SEZWOP')
        UNION ALL SELECT i.at || '.SgstAmt', 'must be as much as CgstAmt', i.i -> 'CgstAmt', i.i -> 'SgstAmt' FROM i WHERE abs(i.cgst - i.sgst) > 0.01
        UNION ALL SELECT i.at || '.IgstAmt', 'IGST between states, CGST and SGST within one', NULL, to_jsonb(i.igst) FROM h, i
         WHERE (i.igst > 0 AND h.from_state = h.pos AND h.sup IN ('B2B', 'DEXP') AND h.igst_on_intra IS NOT TRUE) OR (i.cgst + i.sgst > 0 AND (h.from_state <> h.pos OR h.sup NOT IN ('B2B', 'DEXP')))
        UNION ALL SELECT i.at || '.IgstAmt', 'no tax is paid with this SupTyp', NULL, to_jsonb(i.igst) FROM h, i WHERE h.sup IN ('EXPWOP', 'SEZWOP') AND i.igst > 0
        UNION ALL SELECT i.at || '.TotItemVal', 'must be the sum of its values', to_jsonb(i.ass + i.igst + i.cgst + i.sgst + i.cess + i.state_cess + i.other), i.i -> 'TotItemVal' FROM i
         WHERE abs(i.ass + i.igst + i.cgst + i.sgst + i.cess + i.state_cess + i.other - i.whole) > 1
        UNION ALL SELECT 'ValDtls.' || v.k, 'must be the sum of the items', to_jsonb(x.sum), to_jsonb(v.val) FROM s, v, LATERAL (SELECT CASE v.k WHEN 'AssVal' THEN s.ass WHEN 'CgstVal' THEN s.cgst WHEN 'SgstVal' THEN s.sgst
                 WHEN 'IgstVal' THEN s.igst WHEN 'CesVal' THEN s.cess WHEN 'StCesVal' THEN s.state_cess END AS sum) x WHERE abs(x.sum - v.val) > 1
        UNION ALL SELECT 'ValDtls.TotInvVal', 'must be the sum of ValDtls', to_jsonb(x.sum), to_jsonb(x.val)
          FROM (SELECT sum(CASE v.k WHEN 'TotInvVal' THEN 0 WHEN 'Discount' THEN -v.val ELSE v.val END) AS sum, max(v.val) FILTER (WHERE v.k = 'TotInvVal') AS val FROM v) x WHERE abs(x.sum - x.val) > 1
    )
    SELECT * FROM found ORDER BY 1, 2;
END $$;
COMMENT ON FUNCTION oms.check_einvoice_json(jsonb, date) IS
    'What the registration portals would not take of a JSON in form INV-01: violations of the JSON Schema einvoice, and when there are none of the rules between fields (GSTINs, states and pincodes, HSN digits, sums to a rupee, kind of tax, day). No row: nothing found.';

CREATE FUNCTION oms.record_irn(invoice_id bigint, answer jsonb, company text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    doc oms.invoice;
    had oms.einvoice;
    doc_type text;
BEGIN
    SELECT * INTO doc FROM oms.invoice i WHERE i.company_id = oms.company_id(company) AND i.invoice_id = record_irn.invoice_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('invoice %s does not exist', coalesce(record_irn.invoice_id::text, 'NULL')), HINT = 'Tax documents are the rows of oms.invoice.';
    END IF;
    IF jsonb_typeof(answer) IS DISTINCT FROM 'object' OR answer ->> 'Irn' IS NULL OR coalesce(answer ->> 'AckDt', '') !~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'not what the portal answers', DETAIL = 'Irn and AckDt (YYYY-MM-DD HH:MM:SS) must be there.', HINT = 'Give the decrypted data of its answer: {Irn, AckNo, AckDt, SignedInvoice, SignedQRCode}.';
    END IF;
    doc_type := CASE doc.kind WHEN 'credit_note' THEN 'CRN' ELSE 'INV' END;
    -- the portals take capitals for small letters since June 2025
    IF lower(answer ->> 'Irn') NOT IN (oms.irn(doc.gstin, doc.fin_year, doc_type, doc.number), oms.irn(doc.gstin, doc.fin_year, doc_type, upper(doc.number))) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('the portal''s answer is of another document than %s', doc.number), DETAIL = format('Its IRN is %s.', oms.irn(doc.gstin, doc.fin_year, doc_type, doc.number));
    END IF;
    SELECT * INTO had FROM oms.einvoice e WHERE e.company_id = doc.company_id AND e.invoice_id = doc.invoice_id;
    IF FOUND THEN
        RETURN false;
    ELSIF doc.status <> 'issued' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('%s is cancelled', doc.number), HINT = 'Cancel it at the portal, too.';
    END IF;
    INSERT INTO oms.einvoice (company_id, invoice_id, irn, ack_no, ack_at, signed_invoice, signed_qr)
    VALUES (doc.company_id, doc.invoice_id, lower(answer ->> 'Irn'), answer ->> 'AckNo', (answer ->> 'AckDt')::timestamp AT TIME ZONE 'Asia/Kolkata', answer ->> 'SignedInvoice', answer ->> 'SignedQRCode');
    RETURN true;
END $$;
COMMENT ON FUNCTION oms.record_irn(bigint, jsonb, text) IS
    'Keeps what the registration portal answered for a document: {Irn, AckNo, AckDt, SignedInvoice, SignedQRCode}; false when it is kept already. Raises OM001, OM002, OM803 (the IRN is another document''s, or the document is cancelled).';

CREATE FUNCTION oms.cancel_irn(invoice_id bigint, code text, remark text, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    cid integer := oms.company_id(company);
    had oms.einvoice;
BEGIN
    IF code IS NULL OR code <> ALL ('{1,2,3,4}') OR coalesce(remark, '') = '' OR length(remark) > 100 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'the cancellation of an IRN needs a code and a remark', DETAIL = 'Argument code: 1 to 4. Argument remark: 1 to 100 characters.', HINT = '1 duplicate, 2 data entry mistake, 3 order cancelled, 4 others.';
    END IF;
    -- as oms.cancel_invoice(): the order, then the document
    PERFORM FROM oms."order" o WHERE (o.company_id, o.order_id) = (SELECT i.company_id, i.order_id FROM oms.invoice i WHERE i.company_id = cid AND i.invoice_id = cancel_irn.invoice_id) FOR NO KEY UPDATE;
    SELECT * INTO had FROM oms.einvoice e WHERE e.company_id = cid AND e.invoice_id = cancel_irn.invoice_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('invoice %s has no IRN', coalesce(cancel_irn.invoice_id::text, 'NULL')), HINT = 'Keep the portal''s answer with oms.record_irn().';
    ELSIF had.status = 'active' THEN
        IF at > had.ack_at + interval '24 hours' THEN
            RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = 'the IRN cannot be cancelled any more', DETAIL = format('It was given at %s; 24 hours.', had.ack_at), HINT = 'Credit the invoice with oms.make_credit_note() or oms.credit_invoice().';
        ELSIF EXISTS (SELECT FROM oms.eway_bill w WHERE w.company_id = cid AND w.invoice_id = had.invoice_id AND w.status = 'active') THEN
            RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = 'the IRN cannot be cancelled', DETAIL = 'Its e-way bill is active.', HINT = 'Cancel it before, with oms.cancel_eway_bill().';
        END IF;
        UPDATE oms.einvoice e SET status = 'cancelled', cancelled_at = at, cancel_code = code, cancel_remark = remark WHERE e.company_id = cid AND e.invoice_id = had.invoice_id;
        PERFORM oms.cancel_invoice(had.invoice_id, 'IRN cancelled: ' || remark, company, at);
    END IF;
    RETURN jsonb_build_object('Irn', had.irn, 'CnlRsn', CASE WHEN had.status = 'active' THEN code ELSE had.cancel_code END, 'CnlRem', CASE WHEN had.status = 'active' THEN remark ELSE had.cancel_remark END);
END $$;
COMMENT ON FUNCTION oms.cancel_irn(bigint, text, text, text, timestamptz) IS
    'Cancels an IRN within 24 hours of its acknowledgement, and with it the document, and returns the portal''s JSON for that; again returns the same. Codes: 1 duplicate, 2 data entry mistake, 3 order cancelled, 4 others (2 and 3 are the other way round for e-way bills). Raises OM001, OM002, OM803.';

CREATE FUNCTION oms.invoice_todo(since timestamptz DEFAULT now() - interval '30 days', company text DEFAULT NULL, at timestamptz DEFAULT now(),
    OUT what text, OUT shipment_id bigint, OUT invoice_id bigint, OUT return_id bigint, OUT number text, OUT due timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
    WITH c AS (SELECT m.company_id, m.timezone FROM oms.company m WHERE m.company_id = oms.company_id($2))
    SELECT 'invoice', s.shipment_id, NULL::bigint, NULL::bigint, NULL::text, s.shipped_at
      FROM c JOIN oms.shipment s USING (company_id)
     WHERE s.direction = 'forward' AND s.shipped_at >= $1 AND s.state <> 'CANCELLED'
       AND NOT EXISTS (SELECT FROM oms.invoice i WHERE i.company_id = s.company_id AND i.shipment_id = s.shipment_id AND i.status = 'issued' AND i.kind <> 'credit_note')
    UNION ALL
    SELECT 'cancel_invoice', i.shipment_id, i.invoice_id, NULL, i.number, i.issued_at
      FROM c JOIN oms.invoice i USING (company_id) JOIN oms.shipment s ON s.company_id = i.company_id AND s.shipment_id = i.shipment_id
     WHERE i.issued_at >= $1 AND i.status = 'issued' AND i.kind <> 'credit_note' AND s.state = 'CANCELLED'
       AND NOT EXISTS (SELECT FROM oms.invoice n WHERE n.company_id = i.company_id AND n.original_id = i.invoice_id AND n.status = 'issued')
    UNION ALL
    SELECT 'credit_note', i.shipment_id, i.invoice_id, r.return_id, i.number, (oms.credit_note_until(i.invoice_date) + 1)::timestamp AT TIME ZONE c.timezone
      FROM c JOIN oms.return_order r USING (company_id)
      JOIN LATERAL (SELECT DISTINCT j.invoice_id FROM oms.return_line b JOIN oms.invoice_line l ON l.company_id = b.company_id AND l.allocation_id = b.allocation_id
                      JOIN oms.invoice j ON j.company_id = l.company_id AND j.invoice_id = l.invoice_id AND j.status = 'issued' AND j.kind <> 'credit_note'
                     WHERE b.company_id = r.company_id AND b.return_id = r.return_id AND (r.kind = 'RTO' OR r.received_at IS NULL OR b.received_qty > 0)) x ON true
      JOIN oms.invoice i ON i.company_id = r.company_id AND i.invoice_id = x.invoice_id
     WHERE r.status IN ('inspected', 'closed') AND coalesce(r.received_at, r.closed_at) >= $1
       AND NOT EXISTS (SELECT FROM oms.invoice n WHERE n.company_id = r.company_id AND n.return_id = r.return_id AND n.original_id = i.invoice_id AND n.status = 'issued')
    UNION ALL
    SELECT 'einvoice', i.shipment_id, i.invoice_id, i.return_id, i.number, (n.report_by + 1)::timestamp AT TIME ZONE c.timezone
      FROM c JOIN oms.invoice i USING (company_id) CROSS JOIN LATERAL oms.einvoice_need(i.invoice_id, $2) n
     WHERE i.issued_at >= $1 AND i.status = 'issued' AND i.supply_type <> 'B2C' AND n.needed
       AND NOT EXISTS (SELECT FROM oms.einvoice e WHERE e.company_id = i.company_id AND e.invoice_id = i.invoice_id)
    UNION ALL
    SELECT 'eway_bill', i.shipment_id, i.invoice_id, NULL, i.number, s.shipped_at
      FROM c JOIN oms.invoice i USING (company_id) JOIN oms.shipment s ON s.company_id = i.company_id AND s.shipment_id = i.shipment_id
     CROSS JOIN LATERAL oms.eway_need_of(i.shipment_id, $2, i.invoice_date) n
     WHERE i.issued_at >= $1 AND i.status = 'issued' AND i.kind <> 'credit_note' AND n.needed AND s.delivered_at IS NULL AND s.state <> 'CANCELLED'
       AND NOT EXISTS (SELECT FROM oms.eway_bill w WHERE w.company_id = i.company_id AND w.shipment_id = i.shipment_id AND w.status = 'active')
    UNION ALL
    SELECT 'extend_eway_bill', w.shipment_id, w.invoice_id, NULL, w.ewb_no, w.valid_until
      FROM c JOIN oms.eway_bill w USING (company_id) JOIN oms.shipment s ON s.company_id = w.company_id AND s.shipment_id = w.shipment_id
     WHERE w.status = 'active' AND w.valid_until BETWEEN $3 - interval '8 hours' AND $3 + interval '8 hours' AND s.shipped_at IS NOT NULL AND s.delivered_at IS NULL AND s.rto_at IS NULL
     ORDER BY 6 NULLS LAST, 1, 2, 3
$$;
COMMENT ON FUNCTION oms.invoice_todo(timestamptz, text, timestamptz) IS
    'Documents that are to be made since a time, most urgent first: invoice (a parcel that left has none), cancel_invoice (its parcel was cancelled), credit_note (a return was counted in), einvoice, eway_bill (none is active, the parcel not delivered), extend_eway_bill (ends, or ended, within 8 hours of "at"). due: when it was to be there, or the end of the time for it; NULL: none. Raises OM002.';
