-- invoice: e-way bills: whether one is needed, how long it holds, and the portal's JSON.

CREATE TABLE oms.eway_threshold (   --| Value of a consignment, tax included, above which an e-way bill is needed, by state and date. The row of the state wins over *, the user's own over a shipped one, the later over the earlier.
    state_code text NOT NULL CHECK (state_code ~ '^([0-9]{2}|\*)$'), --| GST state; * for all
    movement text NOT NULL CHECK (movement IN ('inter', 'intra', 'city')), --| Between states, within one, within one city of it
    valid_from date NOT NULL,       --| First day
    valid_to date CHECK (valid_to >= valid_from), --| Last day; NULL while in force
    above_value numeric(14,2) NOT NULL CHECK (above_value >= 0 AND above_value < 'NaN'), --| Needed above this, INR
    consumers boolean NOT NULL DEFAULT true, --| false: never needed for goods to unregistered consumers
    source text NOT NULL,           --| Where it is taken from; check it before relying on it
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (state_code, movement, valid_from, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.eway_threshold', 'WHERE NOT builtin');
INSERT INTO oms.eway_threshold (state_code, movement, valid_from, above_value, source, builtin) VALUES
    ('*', 'inter', '2018-04-01', 50000, 'Rule 138 of the CGST Rules', true),
    ('*', 'intra', '2018-04-01', 50000, 'Rule 138 of the CGST Rules, where the state says nothing else', true);
INSERT INTO oms.eway_threshold (state_code, movement, valid_from, above_value, source, builtin)
SELECT s, m, '2018-04-01', v, 'A published table of the states'' limits, without dates; check the state''s notification', true
  FROM (VALUES ('03', 'intra', 100000), ('07', 'intra', 100000), ('19', 'intra', 100000), ('27', 'intra', 100000), ('33', 'intra', 100000),
               ('08', 'intra', 100000), ('08', 'city', 200000)) AS t (s, m, v);

CREATE TABLE oms.eway_exempt (      --| Goods for which no e-way bill is needed, by HSN prefix; the longest wins, then the user's own row.
    hsn text COLLATE "C" NOT NULL CHECK (hsn ~ '^([0-9]{2}){1,4}$'), --| HSN prefix
    exempt boolean NOT NULL DEFAULT true, --| false: needed all the same, where a shorter prefix says exempt
    description text,               --| The goods, for people
    source text NOT NULL,           --| Where it is taken from
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (hsn, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.eway_exempt', 'WHERE NOT builtin');
INSERT INTO oms.eway_exempt (hsn, exempt, description, source, builtin) VALUES
    ('71', true, 'Pearls, precious stones, precious metals, jewellery', 'Annexure to rule 138(14), general knowledge; Kerala asks for one within the state', true),
    ('7117', false, 'Imitation jewellery', 'Annexure to rule 138(14), general knowledge', true),
    ('4907', true, 'Stamps, bank notes', 'Annexure to rule 138(14) (currency), general knowledge', true);

CREATE TABLE oms.eway_validity (    --| Kilometres a day for which an e-way bill holds, by date of its generation.
    valid_from date NOT NULL,       --| From when
    km_per_day integer NOT NULL CHECK (km_per_day > 0), --| Kilometres a day or part of one
    odc_km_per_day integer NOT NULL CHECK (odc_km_per_day > 0), --| The same for over-dimensional cargo
    source text NOT NULL,           --| Where it is taken from
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (valid_from, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.eway_validity', 'WHERE NOT builtin');
INSERT INTO oms.eway_validity (valid_from, km_per_day, odc_km_per_day, source, builtin) VALUES
    ('2018-04-01', 100, 20, 'Rule 138(10) before 2021', true),
    ('2021-01-01', 200, 20, 'Rule 138(10), notification 94/2020-CT', true);

CREATE FUNCTION oms.eway_days(distance_km numeric, odc boolean DEFAULT false, day date DEFAULT CURRENT_DATE) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE COST 100
SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(1, ceil($1 / CASE WHEN $2 THEN v.odc_km_per_day ELSE v.km_per_day END))::integer
      FROM oms.eway_validity v WHERE v.valid_from <= $3 AND $1 >= 0 AND $1 < 100000 ORDER BY v.valid_from DESC, v.builtin LIMIT 1
$$;
COMMENT ON FUNCTION oms.eway_days(numeric, boolean, date) IS
    'Days for which an e-way bill generated on a day holds: one for each 200 km or part (oms.eway_validity), of over-dimensional cargo (odc) for each 20. NULL for a negative or unknown distance, and before 2018-04-01.';

CREATE FUNCTION oms.eway_valid_until(generated_at timestamptz, distance_km numeric, odc boolean DEFAULT false) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE COST 100
SET search_path = pg_catalog, pg_temp AS $$
    SELECT ((d.day + oms.eway_days($2, $3, d.day)) + time '23:59') AT TIME ZONE 'Asia/Kolkata'
      FROM (SELECT ($1 AT TIME ZONE 'Asia/Kolkata')::date AS day) d WHERE isfinite($1)
$$;
COMMENT ON FUNCTION oms.eway_valid_until(timestamptz, numeric, boolean) IS
    'Last minute of an e-way bill: 23:59 India time of the day it was generated plus oms.eway_days(). NULL where these are.';

CREATE FUNCTION oms.eway_need(value numeric, from_state text, to_state text, day date DEFAULT CURRENT_DATE, exempt boolean DEFAULT false,
    registered boolean DEFAULT true, within_city boolean DEFAULT false, job_work boolean DEFAULT false, handicraft boolean DEFAULT false, transporter_km numeric DEFAULT NULL,
    OUT needed boolean, OUT reason text, OUT above_value numeric, OUT part_b boolean, OUT source text) RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE COST 200
SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.needed, n.reason, t.above_value, n.needed AND NOT ($2 = $3 AND coalesce($10 <= 50, false)), t.source
      FROM (SELECT $2 = $3 AS intra) i
      LEFT JOIN LATERAL (SELECT e.above_value, e.consumers, e.source FROM oms.eway_threshold e
            WHERE i.intra IS NOT NULL AND e.state_code IN ($2, '*') AND e.movement = ANY (CASE WHEN NOT i.intra THEN '{inter}'::text[] WHEN coalesce($7, false) THEN '{city,intra}' ELSE '{intra}' END)
              AND e.valid_from <= $4 AND (e.valid_to IS NULL OR e.valid_to >= $4)
            ORDER BY e.state_code = '*', e.movement = 'intra', e.builtin, e.valid_from DESC LIMIT 1) t ON true
     CROSS JOIN LATERAL (SELECT
            CASE WHEN $5 THEN false
                 WHEN NOT i.intra AND ($8 OR $9) THEN true
                 WHEN NOT t.consumers AND NOT $6 THEN false
                 ELSE $1 > t.above_value END,
            CASE WHEN $5 THEN 'EXEMPT_GOODS'
                 WHEN NOT i.intra AND $8 THEN 'JOB_WORK'
                 WHEN NOT i.intra AND $9 THEN 'HANDICRAFT'
                 WHEN NOT t.consumers AND NOT $6 THEN 'CONSUMER'
                 WHEN $1 > t.above_value THEN 'ABOVE_LIMIT'
                 WHEN $1 <= t.above_value THEN 'WITHIN_LIMIT'
                 ELSE 'UNKNOWN' END) n (needed, reason)
$$;
COMMENT ON FUNCTION oms.eway_need(numeric, text, text, date, boolean, boolean, boolean, boolean, boolean, numeric) IS
    'Whether goods need an e-way bill, and why: value of the consignment with tax (INR) between two GST states on a day against oms.eway_threshold. exempt: all of the goods are; registered: the buyer is; within_city; job_work and handicraft between states need one at any value; transporter_km: way to the transporter within the state, up to 50 km Part B is not needed (part_b). reason: ABOVE_LIMIT, WITHIN_LIMIT, EXEMPT_GOODS, JOB_WORK, HANDICRAFT, CONSUMER, UNKNOWN (needed NULL: the value is, or no limit is in force).';

CREATE FUNCTION oms.eway_need_of(shipment_id bigint, company text DEFAULT NULL, day date DEFAULT CURRENT_DATE,
    OUT needed boolean, OUT reason text, OUT value numeric, OUT above_value numeric, OUT part_b boolean, OUT source text) RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE COST 1000
SET search_path = pg_catalog, pg_temp AS $$
    WITH goods AS (
        -- of the invoice, with its charges; before there is one, of what the parcel holds
        SELECT l.hsn, l.rate, l.taxable + l.cgst + l.sgst + l.igst AS value
          FROM oms.invoice i JOIN oms.invoice_line l USING (company_id, invoice_id)
         WHERE i.company_id = oms.company_id($2) AND i.shipment_id = $1 AND i.status = 'issued' AND i.kind <> 'credit_note'
        UNION ALL
        SELECT regexp_replace(k.hsn, '[^0-9]', '', 'g'), a.tax_rate, a.taxable + a.cgst + a.sgst + a.igst
          FROM oms.allocation a JOIN oms.sku k USING (sku_id)
         WHERE a.company_id = oms.company_id($2) AND a.shipment_id = $1 AND a.status <> 'cancelled'
           AND NOT EXISTS (SELECT FROM oms.invoice i WHERE i.company_id = a.company_id AND i.shipment_id = $1 AND i.status = 'issued' AND i.kind <> 'credit_note')
    ), judged AS (
        SELECT g.value, g.rate = 0 OR coalesce((SELECT e.exempt FROM oms.eway_exempt e WHERE starts_with(g.hsn, e.hsn) ORDER BY length(e.hsn) DESC, e.builtin LIMIT 1), false) AS exempt
          FROM goods g
    ), sums AS (SELECT count(*) > 0 AND bool_and(j.exempt) AS exempt, coalesce(sum(j.value) FILTER (WHERE NOT j.exempt), 0) AS value, count(*) AS n FROM judged j)
    SELECT e.needed, e.reason, s.value, e.above_value, e.part_b, e.source
      FROM oms.shipment p
      JOIN oms."order" o ON o.company_id = p.company_id AND o.order_id = p.order_id
      JOIN oms.node n ON n.node_id = p.node_id
     CROSS JOIN sums s
     CROSS JOIN LATERAL oms.eway_need(CASE WHEN s.n > 0 THEN s.value END, n.state_code, coalesce(o.ship_state_code, n.state_code), $3, s.exempt, o.buyer_gstin IS NOT NULL,
            n.state_code = o.ship_state_code AND lower(btrim(n.city)) = lower(btrim(o.ship_city))) e
     WHERE p.company_id = oms.company_id($2) AND p.shipment_id = $1 AND s.n > 0
$$;
COMMENT ON FUNCTION oms.eway_need_of(bigint, text, date) IS
    'oms.eway_need() of a parcel on a day, from where its goods lie to where they go: value of its invoice, or of what is in it while it has none, without what bears no tax or is in oms.eway_exempt. All NULL for a parcel that does not exist or is empty. Raises OM002 for an unknown company.';

CREATE FUNCTION oms.eway_transport(transport jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    f record;
BEGIN
    IF jsonb_typeof(transport) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'transport must be an object', DETAIL = 'Argument transport.';
    END IF;
    FOR f IN SELECT e.key, e.value FROM jsonb_each(transport) e ORDER BY e.key LOOP
        IF NOT (CASE WHEN f.key IN ('transporter_id', 'transporter_name', 'doc_no', 'vehicle_no') THEN jsonb_typeof(f.value) = 'string'
                    WHEN f.key = 'doc_date' THEN f.value #>> '{}' ~ '^20[0-9]{2}-[0-9]{2}-[0-9]{2}$' AND oms.form_day(regexp_replace(f.value #>> '{}', '(....)-(..)-(..)', '\3/\2/\1')) IS NOT NULL
                    WHEN f.key = 'vehicle_type' THEN f.value #>> '{}' IN ('R', 'O')
                    WHEN f.key = 'mode' THEN f.value IN ('1', '2', '3', '4', '5')
                    WHEN f.key = 'distance_km' THEN jsonb_typeof(f.value) = 'number' AND (f.value #>> '{}')::numeric BETWEEN 0 AND 4000
                    ELSE false END) THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('transport.%s is not known or has no value it can have', f.key), DETAIL = 'Argument transport.',
                HINT = 'Fields are mode (1 road, 2 rail, 3 air, 4 ship, 5 in transit), distance_km (to 4000), transporter_id, transporter_name, doc_no, doc_date (YYYY-MM-DD), vehicle_no and vehicle_type (R, O).';
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.eway_transport(jsonb) IS
    'Raises OM001 naming the first field of a transport, as oms.eway_json() takes it, that is not known or has no value it can have.';

CREATE FUNCTION oms.eway_json(shipment_id bigint, transport jsonb DEFAULT '{}', company text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    answer jsonb;
BEGIN
    PERFORM oms.eway_transport(coalesce(transport, '{}'));
    SELECT jsonb_build_object('version', '1.0.0621', 'billLists', jsonb_build_array(
        jsonb_build_object(
            'userGstin', i.gstin, 'supplyType', 'O', 'subSupplyType', CASE WHEN i.supply_type IN ('EXPWP', 'EXPWOP') THEN 3 ELSE 1 END, 'subSupplyDesc', '',
            'docType', CASE i.kind WHEN 'invoice' THEN 'INV' ELSE 'BIL' END, 'docNo', i.number, 'docDate', to_char(i.invoice_date, 'DD/MM/YYYY'),
            'transType', 1 + CASE WHEN b.elsewhere THEN 1 ELSE 0 END + CASE WHEN i.dispatch IS NOT NULL THEN 2 ELSE 0 END,
            'fromGstin', i.gstin, 'fromTrdName', left(coalesce(i.seller ->> 'trade_name', i.seller ->> 'legal_name', ''), 100),
            'fromAddr1', substr(coalesce(f.p ->> 'address1', ''), 1, 120), 'fromAddr2', substr(coalesce(f.p ->> 'address2', substr(f.p ->> 'address1', 121), ''), 1, 120),
            'fromPlace', left(coalesce(f.p ->> 'place', ''), 50), 'fromPincode', CASE WHEN f.p ->> 'pincode' ~ '^[0-9]{6}$' THEN (f.p ->> 'pincode')::integer END,
            'fromStateCode', i.supplier_state::integer, 'actualFromStateCode', CASE WHEN f.p ->> 'state_code' ~ '^[0-9]{2}$' THEN (f.p ->> 'state_code')::integer END,
            'toGstin', coalesce(i.buyer_gstin, 'URP'), 'toTrdName', left(coalesce(i.buyer ->> 'trade_name', i.buyer ->> 'legal_name', ''), 100),
            'toAddr1', substr(coalesce(t.p ->> 'address1', ''), 1, 120), 'toAddr2', substr(coalesce(t.p ->> 'address2', substr(t.p ->> 'address1', 121), ''), 1, 120),
            'toPlace', left(coalesce(t.p ->> 'place', ''), 50), 'toPincode', CASE WHEN t.p ->> 'pincode' ~ '^[0-9]{6}$' THEN (t.p ->> 'pincode')::integer END,
            'toStateCode', CASE WHEN i.buyer ->> 'state_code' ~ '^[0-9]{2}$' THEN (i.buyer ->> 'state_code')::integer ELSE i.place_of_supply::integer END,
            'actualToStateCode', CASE WHEN t.p ->> 'state_code' ~ '^[0-9]{2}$' THEN (t.p ->> 'state_code')::integer ELSE i.place_of_supply::integer END,
            'totalValue', i.taxable, 'cgstValue', i.cgst, 'sgstValue', i.sgst, 'igstValue', i.igst, 'cessValue', 0, 'TotNonAdvolVal', 0, 'OthValue', i.round_off, 'totInvValue', i.total)
     || jsonb_build_object(
            'transMode', coalesce(transport -> 'mode', '""'),
            'transDistance', coalesce(ceil((transport ->> 'distance_km')::numeric), least(4000, ceil(oms.parcel_distance(n.place, o.ship_place) * 1.3 / 1000)), 0)::integer,
            'transporterName', left(coalesce(transport ->> 'transporter_name', c.name, ''), 100), 'transporterId', coalesce(transport ->> 'transporter_id', c.transporter_id, ''),
            'transDocNo', coalesce(transport ->> 'doc_no', CASE WHEN s.awb ~ '^[A-Za-z0-9/-]{1,15}$' THEN s.awb END, ''),
            'transDocDate', coalesce(to_char((transport ->> 'doc_date')::date, 'DD/MM/YYYY'), CASE WHEN transport ? 'doc_no' OR s.awb ~ '^[A-Za-z0-9/-]{1,15}$' THEN to_char(i.invoice_date, 'DD/MM/YYYY') END, ''),
            'vehicleNo', coalesce(transport ->> 'vehicle_no', ''), 'vehicleType', coalesce(transport ->> 'vehicle_type', CASE WHEN transport ? 'vehicle_no' THEN 'R' ELSE '' END),
            'mainHsnCode', m.main_hsn, 'itemList', m.items)))
      INTO answer
      FROM oms.invoice i
      JOIN oms.shipment s ON s.company_id = i.company_id AND s.shipment_id = i.shipment_id
      JOIN oms."order" o ON o.company_id = i.company_id AND o.order_id = i.order_id
      JOIN oms.node n ON n.node_id = s.node_id
      LEFT JOIN LATERAL (SELECT coalesce(x.name, k.name) AS name, x.transporter_id
              FROM oms.courier_service v JOIN oms.courier k USING (courier_id) JOIN oms.courier_transporter x USING (courier_id) WHERE v.courier_service_id = s.courier_service_id) c ON true
     CROSS JOIN LATERAL (SELECT coalesce(i.dispatch, i.seller) AS p) f
     CROSS JOIN LATERAL (SELECT coalesce(i.ship_to, i.buyer) AS p) t
     CROSS JOIN LATERAL (SELECT i.buyer_gstin IS NOT NULL AND (i.buyer ->> 'pincode', i.buyer ->> 'state_code') IS DISTINCT FROM (t.p ->> 'pincode', t.p ->> 'state_code') AS elsewhere) b
     -- goods, with the charges of their HSN and rate at the first of them; more than the portal takes: by HSN
     CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('itemNo', g.no, 'productName', left(g.description, 100), 'productDesc', left(g.description, 100), 'hsnCode', coalesce(g.hsn, ''), 'quantity', trim_scale(g.qty),
                       'qtyUnit', g.uom, 'taxableAmount', g.taxable, 'sgstRate', trim_scale(CASE WHEN x.intra THEN g.rate / 2 ELSE 0 END), 'cgstRate', trim_scale(CASE WHEN x.intra THEN g.rate / 2 ELSE 0 END),
                       'igstRate', trim_scale(CASE WHEN x.intra THEN 0 ELSE g.rate END), 'cessRate', 0, 'cessNonAdvol', 0) ORDER BY g.no) AS items,
                   (array_agg(coalesce(g.hsn, '') ORDER BY g.taxable DESC, g.no))[1] AS main_hsn
              FROM (SELECT i.supplier_state = i.place_of_supply AND i.supply_type IN ('B2C', 'B2B', 'DEXP') AS intra) x,
                   LATERAL (SELECT row_number() OVER (ORDER BY min(q.line_no)) AS no, (array_agg(q.description ORDER BY q.line_no))[1] AS description, q.hsn, q.uom, q.rate,
                                   sum(q.qty) AS qty, sum(q.taxable + q.extra) AS taxable
                              FROM (SELECT l.line_no, l.description, l.hsn, l.uom, l.rate, l.qty, l.taxable, count(*) OVER () AS lines,
                                           CASE WHEN row_number() OVER (PARTITION BY l.hsn, l.rate ORDER BY l.line_no) = 1
                                                THEN coalesce((SELECT sum(e.taxable) FROM oms.invoice_line e WHERE e.company_id = i.company_id AND e.invoice_id = i.invoice_id
                                                                  AND e.charge IS NOT NULL AND e.rate = l.rate AND e.hsn IS NOT DISTINCT FROM l.hsn), 0) ELSE 0 END AS extra
                                      FROM oms.invoice_line l WHERE l.company_id = i.company_id AND l.invoice_id = i.invoice_id AND l.charge IS NULL) q
                             GROUP BY q.hsn, q.uom, q.rate, CASE WHEN q.lines <= 250 THEN q.line_no END) g) m
     WHERE i.company_id = oms.company_id(company) AND i.shipment_id = eway_json.shipment_id AND i.status = 'issued' AND i.kind IN ('invoice', 'bill_of_supply');
    IF answer IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM802', MESSAGE = format('shipment %s has no invoice an e-way bill could be made of', coalesce(eway_json.shipment_id::text, 'NULL')),
            HINT = 'Make it with oms.make_invoice().';
    END IF;
    RETURN answer;
END $$;
COMMENT ON FUNCTION oms.eway_json(bigint, jsonb, text) IS
    'The portal''s JSON (form of bulk upload) for the e-way bill of a parcel, from its invoice. transport: {mode, distance_km, transporter_id, transporter_name, doc_no, doc_date, vehicle_no, vehicle_type}; without mode Part A only, by the transporter of the courier (oms.courier_transporter). Without distance_km: 1.3 times the straight line, 0 where places are unknown (the portal then takes its own). Check it with oms.check_eway_json(). Raises OM001, OM002, OM802 (no invoice).';

CREATE FUNCTION oms.form_day(written text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN extract(month FROM d.day) = d.m THEN d.day END
      FROM (SELECT m.m, make_date(m.y, m.m, 1) + (m.d - 1) AS day
              FROM (SELECT substr($1, 1, 2)::integer, substr($1, 4, 2)::integer, substr($1, 7)::integer WHERE $1 ~ '^[0-3][0-9]/(0[1-9]|1[0-2])/20[0-9]{2}$') m (d, m, y)) d
$$;
COMMENT ON FUNCTION oms.form_day(text) IS 'The day that a form of the authorities writes as DD/MM/YYYY; NULL where it is none.';

CREATE FUNCTION oms.check_eway_json(doc jsonb, day date DEFAULT CURRENT_DATE, OUT path text, OUT rule text, OUT expected jsonb, OUT value jsonb) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.path, c.rule, c.expected, c.value FROM oms.check_json(doc, 'eway_bill') c;
    IF FOUND OR doc IS NULL THEN
        RETURN; -- what follows needs the form
    END IF;
    RETURN QUERY
    WITH b AS (
        SELECT format('billLists[%s]', n - 1) AS at, j AS b,
               (j ->> 'totalValue')::numeric AS total, (j ->> 'cgstValue')::numeric AS cgst, (j ->> 'sgstValue')::numeric AS sgst, (j ->> 'igstValue')::numeric AS igst,
               (j ->> 'cessValue')::numeric + coalesce((j ->> 'TotNonAdvolVal')::numeric, 0) AS cess, coalesce((j ->> 'OthValue')::numeric, 0) AS other, (j ->> 'totInvValue')::numeric AS whole,
               (j ->> 'fromStateCode')::integer = (j ->> 'toStateCode')::integer AS intra
          FROM jsonb_array_elements(doc -> 'billLists') WITH ORDINALITY AS e (j, n)
    ), s AS (
        SELECT b.at, sum((i ->> 'taxableAmount')::numeric) AS taxable, sum(round((i ->> 'taxableAmount')::numeric * (i ->> 'cgstRate')::numeric / 100, 2)) AS cgst,
               sum(round((i ->> 'taxableAmount')::numeric * (i ->> 'sgstRate')::numeric / 100, 2)) AS sgst, sum(round((i ->> 'taxableAmount')::numeric * (i ->> 'igstRate')::numeric / 100, 2)) AS igst,
               bool_and(i ->> 'hsnCode' LIKE '99%') AS services, count(*) AS n
          FROM b, jsonb_array_elements(b.b -> 'itemList') i GROUP BY b.at
    ), found AS (
        SELECT b.at || '.' || k.key, 'GSTIN: ' || w.wrong, NULL::jsonb, b.b -> k.key
          FROM b, unnest('{userGstin,fromGstin,toGstin}'::text[]) k (key), LATERAL (SELECT oms.check_gstin(b.b ->> k.key) AS wrong) w WHERE b.b ->> k.key <> 'URP' AND w.wrong IS NOT NULL
        UNION ALL SELECT b.at || '.userGstin', 'must be the sender''s GSTIN of an outward supply, the receiver''s of an inward one', b.b -> u.key, b.b -> 'userGstin'
          FROM b, LATERAL (SELECT CASE b.b ->> 'supplyType' WHEN 'O' THEN 'fromGstin' ELSE 'toGstin' END AS key) u WHERE b.b -> 'userGstin' <> b.b -> u.key
        UNION ALL SELECT b.at || '.' || k.key, 'must be the state of ' || k.gstin, to_jsonb(left(b.b ->> k.gstin, 2)::integer), b.b -> k.key
          FROM b, (VALUES ('fromStateCode', 'fromGstin'), ('toStateCode', 'toGstin')) k (key, gstin)
         WHERE b.b ->> k.gstin <> 'URP' AND left(b.b ->> k.gstin, 2)::integer <> (b.b ->> k.key)::integer AND (b.b ->> k.key)::integer NOT IN (96, 97, 99)
        UNION ALL SELECT b.at || '.' || k.key, 'is no GST state', NULL, b.b -> k.key
          FROM b, unnest('{fromStateCode,actualFromStateCode,toStateCode,actualToStateCode}'::text[]) k (key)
         WHERE (b.b ->> k.key)::integer <> ALL ('{96,97,99}') AND NOT EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = lpad(b.b ->> k.key, 2, '0'))
        UNION ALL SELECT b.at || '.' || k.pin, 'pincode ' || w.wrong, b.b -> k.state, b.b -> k.pin
          FROM b, (VALUES ('fromPincode', 'actualFromStateCode'), ('toPincode', 'actualToStateCode')) k (pin, state),
               LATERAL (SELECT oms.check_pincode(b.b ->> k.pin, lpad(b.b ->> k.state, 2, '0')) AS wrong) w
         WHERE w.wrong IS NOT NULL AND (b.b ->> k.state)::integer <> ALL ('{96,97,99}') AND b.b ->> k.pin <> '999999'
        UNION ALL SELECT b.at || '.docDate', 'is no day', NULL, b.b -> 'docDate' FROM b
         WHERE oms.form_day(b.b ->> 'docDate') IS NULL
        UNION ALL SELECT b.at || '.docDate', 'must not be in the future', to_jsonb(day::text), b.b -> 'docDate' FROM b WHERE oms.form_day(b.b ->> 'docDate') > day
        UNION ALL SELECT b.at || '.docDate', 'must not be more than 180 days ago', to_jsonb((day - 180)::text), b.b -> 'docDate' FROM b
         WHERE day >= '2025-01-01' AND oms.form_day(b.b ->> 'docDate') < day - 180
        UNION ALL SELECT b.at || '.totalValue', 'must be the sum of taxableAmount', to_jsonb(s.taxable), b.b -> 'totalValue' FROM b JOIN s USING (at) WHERE abs(s.taxable - b.total) > 1
        UNION ALL SELECT b.at || '.' || v.key, 'must be the tax of the items by their rates', to_jsonb(v.items), to_jsonb(v.bill)
          FROM b JOIN s USING (at), LATERAL (VALUES ('cgstValue', s.cgst, b.cgst), ('sgstValue', s.sgst, b.sgst), ('igstValue', s.igst, b.igst)) v (key, items, bill)
         WHERE abs(v.items - v.bill) > 1 + 0.01 * s.n
        UNION ALL SELECT b.at || '.totInvValue', 'must be the sum of values', to_jsonb(b.total + b.cgst + b.sgst + b.igst + b.cess + b.other), b.b -> 'totInvValue'
          FROM b WHERE abs(b.total + b.cgst + b.sgst + b.igst + b.cess + b.other - b.whole) > 1
        UNION ALL SELECT b.at || '.igstValue', 'CGST and SGST or IGST, not both', NULL, b.b -> 'igstValue' FROM b WHERE b.igst > 0 AND b.cgst + b.sgst > 0
        UNION ALL SELECT b.at || '.sgstValue', 'must be as much as cgstValue', b.b -> 'cgstValue', b.b -> 'sgstValue' FROM b JOIN s USING (at) WHERE abs(b.cgst - b.sgst) > 0.01 * s.n
        UNION ALL SELECT b.at || '.cgstValue', 'no CGST and SGST between states', NULL, b.b -> 'cgstValue' FROM b
         WHERE NOT b.intra AND b.cgst > 0 AND b.b ->> 'toGstin' <> 'URP' AND b.b ->> 'fromGstin' <> 'URP' AND b.b -> 'fromStateCode' <> b.b -> 'actualToStateCode'
        UNION ALL SELECT b.at || '.itemList', 'services need no e-way bill', NULL, NULL FROM s b WHERE b.services
        UNION ALL SELECT b.at || '.toGstin', 'must be another than fromGstin for a supply', NULL, b.b -> 'toGstin' FROM b WHERE (b.b ->> 'subSupplyType')::integer = 1 AND b.b -> 'fromGstin' = b.b -> 'toGstin'
        UNION ALL SELECT b.at || '.fromGstin', 'one side must be registered', NULL, b.b -> 'fromGstin' FROM b WHERE b.b ->> 'fromGstin' = 'URP' AND b.b ->> 'toGstin' = 'URP'
    )
    SELECT * FROM found ORDER BY 1, 2;
END $$;
COMMENT ON FUNCTION oms.check_eway_json(jsonb, date) IS
    'What the e-way bill portal would not take of a JSON for bulk upload: violations of the JSON Schema eway_bill, and when there are none of the rules between fields (GSTINs, states and pincodes, totals, kind of tax, age of the document on "day"). No row: nothing found.';

CREATE FUNCTION oms.record_eway_bill(shipment_id bigint, ewb_no text, generated_at timestamptz, distance_km numeric, vehicle_no text DEFAULT NULL, odc boolean DEFAULT false, valid_until timestamptz DEFAULT NULL, company text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    cid integer := oms.company_id(company);
    inv oms.invoice;
    had oms.eway_bill;
BEGIN
    IF record_eway_bill.ewb_no IS NULL OR record_eway_bill.ewb_no !~ '^[0-9]{12}$' OR record_eway_bill.generated_at IS NULL OR NOT isfinite(record_eway_bill.generated_at)
       OR record_eway_bill.distance_km IS NULL OR NOT record_eway_bill.distance_km BETWEEN 0 AND 4000 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'not what the portal answers', DETAIL = 'ewb_no has 12 digits, generated_at is a moment, distance_km is 0 to 4000.';
    END IF;
    SELECT * INTO inv FROM oms.invoice i WHERE i.company_id = cid AND i.shipment_id = record_eway_bill.shipment_id AND i.status = 'issued' AND i.kind IN ('invoice', 'bill_of_supply') FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM802', MESSAGE = format('shipment %s has no invoice an e-way bill could belong to', coalesce(record_eway_bill.shipment_id::text, 'NULL')), HINT = 'Make it with oms.make_invoice().';
    END IF;
    SELECT * INTO had FROM oms.eway_bill w WHERE w.company_id = cid AND (w.ewb_no = record_eway_bill.ewb_no OR (w.shipment_id = record_eway_bill.shipment_id AND w.status = 'active'))
     ORDER BY w.ewb_no <> record_eway_bill.ewb_no LIMIT 1;
    IF FOUND THEN
        IF (had.ewb_no, had.shipment_id, had.status) = (record_eway_bill.ewb_no, record_eway_bill.shipment_id, 'active') THEN
            RETURN false;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'OM005', MESSAGE = format('e-way bill %s is of shipment %s', had.ewb_no, had.shipment_id), DETAIL = format('It is %s.', had.status), HINT = 'Cancel the other before, with oms.cancel_eway_bill().';
    END IF;
    INSERT INTO oms.eway_bill (company_id, ewb_no, shipment_id, invoice_id, generated_at, distance_km, odc, vehicle_no, valid_until)
    VALUES (cid, record_eway_bill.ewb_no, record_eway_bill.shipment_id, inv.invoice_id, record_eway_bill.generated_at, record_eway_bill.distance_km, coalesce(record_eway_bill.odc, false), record_eway_bill.vehicle_no,
            coalesce(record_eway_bill.valid_until, CASE WHEN record_eway_bill.vehicle_no IS NOT NULL THEN oms.eway_valid_until(record_eway_bill.generated_at, record_eway_bill.distance_km, coalesce(record_eway_bill.odc, false)) END));
    RETURN true;
END $$;
COMMENT ON FUNCTION oms.record_eway_bill(bigint, text, timestamptz, numeric, text, boolean, timestamptz, text) IS
    'Notes the e-way bill the portal gave for a parcel''s invoice; false when it is noted already. valid_until as the portal says, else computed where a vehicle is known (Part B). Raises OM001, OM002, OM005 (another is active, or the number is another parcel''s), OM802.';

CREATE FUNCTION oms.eway_part_b(ewb_no text, vehicle_no text, code text, remark text DEFAULT NULL, transport jsonb DEFAULT '{"mode": 1}', company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    w oms.eway_bill;
    n record;
BEGIN
    PERFORM oms.eway_transport(coalesce(transport, '{}'));
    IF code IS NULL OR code <> ALL ('{1,2,3,4}') OR coalesce(eway_part_b.vehicle_no, '') !~ '^[A-Za-z0-9]{7,15}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'Part B needs a vehicle and a code', DETAIL = 'Argument vehicle_no: 7 to 15 letters and digits. Argument code: 1 to 4.', HINT = '1 break-down, 2 transshipment, 3 others, 4 first time.';
    END IF;
    SELECT * INTO w FROM oms.eway_bill e WHERE e.company_id = oms.company_id(company) AND e.ewb_no = eway_part_b.ewb_no FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('e-way bill %s does not exist', coalesce(eway_part_b.ewb_no, 'NULL')), HINT = 'Note it with oms.record_eway_bill().';
    ELSIF w.status <> 'active' OR w.valid_until < at THEN
        RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('e-way bill %s takes no Part B any more', w.ewb_no),
            DETAIL = CASE WHEN w.status <> 'active' THEN 'It is cancelled.' ELSE format('It was valid until %s.', w.valid_until) END;
    END IF;
    -- it holds from the first Part B on
    UPDATE oms.eway_bill e SET vehicle_no = eway_part_b.vehicle_no, valid_until = coalesce(e.valid_until, oms.eway_valid_until(at, e.distance_km, e.odc))
     WHERE e.company_id = w.company_id AND e.ewb_no = w.ewb_no;
    SELECT d.city, d.state_code INTO n FROM oms.shipment s JOIN oms.node d ON d.node_id = s.node_id WHERE s.company_id = w.company_id AND s.shipment_id = w.shipment_id;
    RETURN jsonb_build_object('ewbNo', w.ewb_no::bigint, 'vehicleNo', eway_part_b.vehicle_no, 'fromPlace', coalesce(n.city, ''), 'fromState', n.state_code::integer,
        'reasonCode', code, 'reasonRem', coalesce(remark, ''), 'transDocNo', coalesce(transport ->> 'doc_no', ''), 'transDocDate', coalesce(to_char((transport ->> 'doc_date')::date, 'DD/MM/YYYY'), ''),
        'transMode', coalesce(transport ->> 'mode', '1'), 'vehicleType', coalesce(transport ->> 'vehicle_type', CASE WHEN w.odc THEN 'O' ELSE 'R' END));
END $$;
COMMENT ON FUNCTION oms.eway_part_b(text, text, text, text, jsonb, text, timestamptz) IS
    'Notes the vehicle of an e-way bill (Part B) and returns the portal''s JSON for it, from the sending node. Codes: 1 break-down, 2 transshipment, 3 others, 4 first time. The validity begins with the first one. transport as of oms.eway_json(). Raises OM001, OM002, OM803.';

CREATE FUNCTION oms.extend_eway_bill(ewb_no text, remaining_km numeric, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    w oms.eway_bill;
    until timestamptz;
BEGIN
    SELECT * INTO w FROM oms.eway_bill e WHERE e.company_id = oms.company_id(company) AND e.ewb_no = extend_eway_bill.ewb_no FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('e-way bill %s does not exist', coalesce(extend_eway_bill.ewb_no, 'NULL')), HINT = 'Note it with oms.record_eway_bill().';
    END IF;
    until := oms.eway_valid_until(at, remaining_km, w.odc);
    IF until IS NULL OR remaining_km > 4000 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'remaining_km is not the rest of a way', DETAIL = 'Argument remaining_km: 0 to 4000.';
    ELSIF w.status <> 'active' OR w.valid_until IS NULL OR at NOT BETWEEN w.valid_until - interval '8 hours' AND w.valid_until + interval '8 hours' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('e-way bill %s cannot be extended now', w.ewb_no),
            DETAIL = CASE WHEN w.status <> 'active' THEN 'It is cancelled.' WHEN w.valid_until IS NULL THEN 'Its Part B is missing.' ELSE format('It is valid until %s; from 8 hours before to 8 hours after.', w.valid_until) END;
    ELSIF at >= '2025-01-01 00:00+05:30' AND until > w.generated_at + interval '360 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('e-way bill %s cannot be extended so far', w.ewb_no), DETAIL = 'At most 360 days from its generation.';
    END IF;
    UPDATE oms.eway_bill e SET valid_until = until, extended = e.extended + 1 WHERE e.company_id = w.company_id AND e.ewb_no = w.ewb_no;
    RETURN until;
END $$;
COMMENT ON FUNCTION oms.extend_eway_bill(text, numeric, text, timestamptz) IS
    'Notes that an e-way bill was extended for the rest of the way, and returns until when it holds. From 8 hours before its end to 8 hours after; in all at most 360 days. Raises OM001, OM002, OM803.';

CREATE FUNCTION oms.cancel_eway_bill(ewb_no text, code text, remark text DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    w oms.eway_bill;
BEGIN
    IF code IS NULL OR code <> ALL ('{1,2,3,4}') THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'the cancellation of an e-way bill needs a code', DETAIL = 'Argument code: 1 to 4.', HINT = '1 duplicate, 2 order cancelled, 3 data entry mistake, 4 others.';
    END IF;
    SELECT * INTO w FROM oms.eway_bill e WHERE e.company_id = oms.company_id(company) AND e.ewb_no = cancel_eway_bill.ewb_no FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('e-way bill %s does not exist', coalesce(cancel_eway_bill.ewb_no, 'NULL')), HINT = 'Note it with oms.record_eway_bill().';
    ELSIF w.status = 'active' THEN
        IF at > w.generated_at + interval '24 hours' THEN
            RAISE EXCEPTION USING ERRCODE = 'OM803', MESSAGE = format('e-way bill %s cannot be cancelled any more', w.ewb_no), DETAIL = format('It was generated at %s; 24 hours.', w.generated_at);
        END IF;
        UPDATE oms.eway_bill e SET status = 'cancelled', cancelled_at = at, cancel_code = code, cancel_remark = remark WHERE e.company_id = w.company_id AND e.ewb_no = w.ewb_no;
    END IF;
    RETURN jsonb_build_object('ewbNo', w.ewb_no::bigint, 'cancelRsnCode', CASE WHEN w.status = 'active' THEN code ELSE w.cancel_code END::integer, 'cancelRmrk', coalesce(CASE WHEN w.status = 'active' THEN remark ELSE w.cancel_remark END, ''));
END $$;
COMMENT ON FUNCTION oms.cancel_eway_bill(text, text, text, text, timestamptz) IS
    'Cancels an e-way bill within 24 hours of its generation, and returns the portal''s JSON for that; again returns the same. Codes: 1 duplicate, 2 order cancelled, 3 data entry mistake, 4 others. Raises OM001, OM002, OM803.';
