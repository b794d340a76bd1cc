-- A shop of 20 nodes and 1,000 items with plenty of stock, twice: in pg_oms,
-- and as an able programmer would write it in PL/pgSQL (schema rival).
CREATE EXTENSION pg_oms CASCADE;
DO $$ BEGIN PERFORM oms.install(); END $$;
SET oms.company = 'HOT';
INSERT INTO oms.company (company_id, code, name, state_code) VALUES (1, 'HOT', 'Hot Pvt Ltd', '29');
INSERT INTO oms.channel (channel_id, company_id, code, name, kind, price_includes_tax, cod_allowed, allow_split, max_shipments, allow_backorder, active, accept_first)
    VALUES (1, 1, 'WEB', 'Web', 'web', true, true, true, 3, false, true, false), (2, 1, 'RUSH', 'Flash sale', 'web', true, true, true, 3, false, true, true);
INSERT INTO oms.pincode (pincode, state_code, district, city, place) VALUES ('981001', '29', 'Hotpur', NULL, oms.geo_point(12.97, 77.59));
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode, pos, place, pick_minutes)
    SELECT n, 1, 'N' || n, 'Node ' || n, '29', '981001', false, oms.geo_point(12.9 + n * 0.5, 77.5), 60 FROM generate_series(1, 20) n;
INSERT INTO oms.sku (sku_id, company_id, code, name, hsn, cost, uom, cod_ok, tracked, active)
    SELECT i, 1, 'S' || i, 'Item ' || i, '6109', 300, 'NOS', true, true, true FROM generate_series(1, 1000) i;
INSERT INTO oms.price (company_id, sku_id, amount, includes_tax) SELECT 1, i, 525, true FROM generate_series(1, 1000) i;
INSERT INTO oms.courier (courier_id, code, name) VALUES (1, 'HOTC', 'Courier');
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (1, 1, 'HOTC-S', 'Surface', 'surface');
INSERT INTO oms.serviceability (courier_service_id, pincode, cod) VALUES (1, '981001', true);
INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (1, 1, 'otherwise', 'Z');
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (1, 'Z', 2);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id, note) VALUES (1, 1, 1, 'bench');
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT 1, 'Z', l, 40, 20 FROM unnest('{forward,rto,reverse}'::text[]) l;
INSERT INTO oms.risk_model (risk_model_id, company_id, name, intercept, state, source) VALUES (9271, 1, 'units', -4, 'champion', 'bench');
INSERT INTO oms.risk_term (risk_model_id, term, weight, mean, reason) VALUES (9271, 'units', 1, 0, 'R04');
INSERT INTO oms.risk_policy (company_id) VALUES (1);
INSERT INTO oms.stock (company_id, node_id, sku_id, on_hand) SELECT 1, n, i, 100000000 FROM generate_series(1, 20) n, generate_series(1, 1000) i;
INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason) SELECT company_id, node_id, sku_id, on_hand, on_hand, 'snapshot' FROM oms.stock;

CREATE SCHEMA rival;
CREATE TABLE rival.node (node_id int PRIMARY KEY, lat float8 NOT NULL, lon float8 NOT NULL);
CREATE TABLE rival.stock (node_id int, sku_id int, on_hand int NOT NULL, reserved int NOT NULL DEFAULT 0, PRIMARY KEY (sku_id, node_id), CHECK (reserved <= on_hand)) WITH (fillfactor = 70);
CREATE TABLE rival."order" (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, external_id text NOT NULL UNIQUE, phone text NOT NULL, pincode text NOT NULL, node_id int, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE rival.order_line (order_id bigint, line_no int, sku_id int NOT NULL, qty int NOT NULL, price numeric(14,2) NOT NULL, PRIMARY KEY (order_id, line_no));
CREATE TABLE rival.reservation (reservation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL, node_id int NOT NULL, sku_id int NOT NULL, qty int NOT NULL);
CREATE INDEX ON rival.reservation (order_id);
INSERT INTO rival.node SELECT n, 12.9 + n * 0.5, 77.5 FROM generate_series(1, 20) n;
INSERT INTO rival.stock SELECT n, i, 100000000 FROM generate_series(1, 20) n, generate_series(1, 1000) i;

-- The nearest node that has both; order, two lines; rows locked in item order
-- as late as possible, checked again under the lock; reservation.
CREATE FUNCTION rival.nearest(a int, b int, lat float8, lon float8) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE
    chosen int;
BEGIN
    SELECT n.node_id INTO chosen FROM rival.node n
        JOIN rival.stock s ON s.sku_id = a AND s.node_id = n.node_id AND s.on_hand - s.reserved >= 1
        JOIN rival.stock t ON t.sku_id = b AND t.node_id = n.node_id AND t.on_hand - t.reserved >= 1
        ORDER BY (n.lat - nearest.lat) ^ 2 + (n.lon - nearest.lon) ^ 2, n.node_id LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'out of stock';
    END IF;
    RETURN chosen;
END $$;
CREATE FUNCTION rival.capture(doc jsonb, lat float8, lon float8) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    a int := (doc #>> '{lines,0,sku_id}')::int;
    b int := (doc #>> '{lines,1,sku_id}')::int;
    chosen int := rival.nearest(a, b, lat, lon);
    id bigint;
    locked int;
BEGIN
    INSERT INTO rival."order" (external_id, phone, pincode, node_id)
        VALUES (doc ->> 'external_id', doc #>> '{customer,phone}', doc #>> '{ship_to,pincode}', chosen) RETURNING order_id INTO id;
    INSERT INTO rival.order_line SELECT id, n, (l ->> 'sku_id')::int, (l ->> 'qty')::int, (l ->> 'unit_price')::numeric
        FROM jsonb_array_elements(doc -> 'lines') WITH ORDINALITY AS x (l, n);
    LOOP
        SELECT count(*) FILTER (WHERE on_hand - reserved >= 1) INTO locked
            FROM (SELECT * FROM rival.stock WHERE sku_id IN (a, b) AND node_id = chosen ORDER BY sku_id FOR UPDATE) x;
        EXIT WHEN locked = 2;
        chosen := rival.nearest(a, b, lat, lon);
        UPDATE rival."order" SET node_id = chosen WHERE order_id = id;
    END LOOP;
    UPDATE rival.stock SET reserved = reserved + 1 WHERE sku_id IN (a, b) AND node_id = chosen;
    INSERT INTO rival.reservation (order_id, node_id, sku_id, qty) VALUES (id, chosen, a, 1), (id, chosen, b, 1);
    RETURN jsonb_build_object('order_id', id, 'node_id', chosen);
END $$;
-- the same rows with no look at stock
CREATE FUNCTION rival.bare(doc jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    INSERT INTO rival."order" (external_id, phone, pincode, node_id) VALUES (doc ->> 'external_id', doc #>> '{customer,phone}', doc #>> '{ship_to,pincode}', 1) RETURNING order_id INTO id;
    INSERT INTO rival.order_line SELECT id, n, (l ->> 'sku_id')::int, (l ->> 'qty')::int, (l ->> 'unit_price')::numeric
        FROM jsonb_array_elements(doc -> 'lines') WITH ORDINALITY AS x (l, n);
    INSERT INTO rival.reservation (order_id, node_id, sku_id, qty) SELECT id, 1, (l ->> 'sku_id')::int, 1 FROM jsonb_array_elements(doc -> 'lines') l;
    RETURN jsonb_build_object('order_id', id);
END $$;
-- what the shop sends; the rival is given numbers for codes: no look-up of items
CREATE FUNCTION rival.doc(channel text, a int, b int, phone bigint) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT format('{"company":"HOT","channel":"%s","external_id":"%s","payment":{"mode":"PREPAID"},"customer":{"phone":"%s"},"ship_to":{"pincode":"981001","address1":"12, Long Street"},"lines":[{"sku":"S%s","qty":1,"unit_price":525},{"sku":"S%s","qty":1,"unit_price":525}]}',
        channel, gen_random_uuid(), phone, a, b)::jsonb
$$;
CREATE FUNCTION rival.doc(a int, b int, phone bigint) RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT rival.doc('WEB', a, b, phone) $$;
CREATE FUNCTION rival.small_doc(a int, b int, phone bigint) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT format('{"external_id":"%s","customer":{"phone":"%s"},"ship_to":{"pincode":"981001","address1":"12, Long Street"},"lines":[{"sku_id":%s,"qty":1,"unit_price":525},{"sku_id":%s,"qty":1,"unit_price":525}]}',
        gen_random_uuid(), phone, a, b)::jsonb
$$;
-- Tables that are empty yet are left alone: once vacuumed they would count as
-- empty in the plans that sessions make, and be scanned as they grow.
SELECT format('VACUUM ANALYZE %s', c.oid::regclass) FROM pg_class c
 WHERE c.relnamespace IN ('oms'::regnamespace, 'rival'::regnamespace) AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0 \gexec
