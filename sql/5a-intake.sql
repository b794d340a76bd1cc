-- intake: channel payloads become orders by rows of jsonpath.

CREATE TABLE oms.intake_map (       --| How payloads of a platform are read, by version. To change a built-in map, add rows of your own to oms.intake_field (a lower priority wins), or copy it: changed built-in rows are not dumped.
    map text NOT NULL,              --| Name of the platform's map
    version text NOT NULL,          --| Version, as the platform calls it; the greatest in force goes first
    title text NOT NULL,            --| For people
    detect jsonpath,                --| True for a payload this reads; NULL: it does not say
    root jsonpath[] NOT NULL DEFAULT '{$}', --| Where the order is in the payload: the first that gives an object. $ of all other paths
    lines jsonpath[] NOT NULL,      --| Its lines: the first that gives any
    csv_key text[] NOT NULL DEFAULT '{}', --| For oms.capture_csv: columns whose value is the order's number, the first that is there; names in lower case, all else than letters and digits one _
    valid_from timestamptz NOT NULL DEFAULT '-infinity', --| In force from
    valid_to timestamptz NOT NULL DEFAULT 'infinity', --| In force until (exclusive)
    unused text[] NOT NULL DEFAULT '{}', --| What the platform documents and an order does not need: names with dots between them, arrays like their elements, from the order on, or from $payload. or $line. Not reported as unknown
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (map, version)
);
SELECT pg_catalog.pg_extension_config_dump('oms.intake_map', 'WHERE NOT builtin');

CREATE TABLE oms.intake_field (     --| Where a map finds a field of the canonical order. Several rows of one field: the first that gives a value, by priority.
    map text NOT NULL,              --| oms.intake_map.map
    version text NOT NULL,          --| oms.intake_map.version
    target text NOT NULL            --| Field of the canonical order, or what one is worked out from (doc/intake.md)
        CHECK (target IN ('ignore', 'external_id', 'placed_at', 'currency', 'total', 'tax_included', 'cart_id', 'priority', 'order_class',
            'payment.mode', 'payment.state', 'payment.paid_amount', 'payment.outstanding',
            'customer.ref', 'customer.name', 'customer.phone', 'customer.email', 'customer.gstin',
            'ship_to.name', 'ship_to.phone', 'ship_to.address1', 'ship_to.address2', 'ship_to.landmark', 'ship_to.city', 'ship_to.state', 'ship_to.pincode', 'ship_to.country', 'ship_to.lat', 'ship_to.lng',
            'bill_to.name', 'bill_to.phone', 'bill_to.address1', 'bill_to.address2', 'bill_to.landmark', 'bill_to.city', 'bill_to.state', 'bill_to.pincode', 'bill_to.country',
            'charges.SHIPPING', 'charges.SHIPPING.tax', 'charges.COD_FEE', 'charges.COD_FEE.tax', 'charges.GIFT_WRAP', 'charges.GIFT_WRAP.tax', 'charges.CART_DISCOUNT',
            'fulfilment.mode', 'fulfilment.node', 'fulfilment.service', 'fulfilment.max_days',
            'lines[].skip', 'lines[].line_no', 'lines[].sku', 'lines[].qty', 'lines[].ordered_qty', 'lines[].unit_price', 'lines[].discount', 'lines[].amount', 'lines[].net', 'lines[].tax')),
    priority integer NOT NULL DEFAULT 50, --| Lower is tried first; built-in rows have 100 and above
    source jsonpath[] NOT NULL DEFAULT '{}', --| Where it is: the first that gives a value, or all (sum, join). $: the order, for lines[] the line; $doc: the order; $payload: all that came
    transform text NOT NULL DEFAULT 'text' --| How the value is read
        CHECK (transform IN ('text', 'money', 'minor', 'sum', 'sum_minor', 'quantity', 'integer', 'number', 'boolean', 'time', 'phone', 'pincode', 'state', 'lookup', 'join', 'constant')),
    arg text,                       --| constant: the value; lookup: the vocabulary (oms.intake_value); join: what goes between (a space); time: the zone of times that name none (Asia/Kolkata), and dmy or mdy; ignore: the reason
    required boolean NOT NULL DEFAULT false, --| Without a value the payload is refused
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (map, version, target, priority)
);
SELECT pg_catalog.pg_extension_config_dump('oms.intake_field', 'WHERE NOT builtin');

CREATE TABLE oms.intake_value (     --| Vocabularies: what a platform's word is called here.
    vocabulary text NOT NULL,       --| Name, as oms.intake_field.arg has it
    match text NOT NULL CHECK (match = lower(match)), --| The platform's word in lower case, or a pattern of LIKE if it has a %
    value text NOT NULL,            --| Ours
    priority integer NOT NULL DEFAULT 50, --| A word goes before patterns; among several the lowest wins. Built-in rows have 100 and above
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (vocabulary, match, priority)
);
CREATE INDEX intake_value_pattern ON oms.intake_value (vocabulary, priority) WHERE match LIKE '%\%%';
SELECT pg_catalog.pg_extension_config_dump('oms.intake_value', 'WHERE NOT builtin');

-- masters: sessions keep rows of them until they change (doc/core.md)
SELECT oms.memo_watch('oms.intake_map');
SELECT oms.memo_watch('oms.intake_field');
SELECT oms.memo_watch('oms.intake_value');

CREATE FUNCTION oms.capture_from(channel text, payload jsonb, at timestamptz DEFAULT now(), company text DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_capture_from';
COMMENT ON FUNCTION oms.capture_from(text, jsonb, timestamptz, text) IS
    'Takes one order as a channel (code) sends it: read by the channel''s map (oms.intake_channel), captured as oms.capture_order does, and kept (oms.intake_message), in this transaction. Answers as oms.capture_order, and under intake with external_id, map, version, unknown (paths the map does not read), dropped (lines of which nothing is left) and warnings; one of which no order is wanted answers status ignored and the reason. Raises OM901 naming what is missing or cannot be read, by path, OM902 where no map fits, OM005 with what is different from the order that came before under the number, and what oms.capture_order raises.';

CREATE FUNCTION oms.capture_many_from(channel text, payloads jsonb, at timestamptz DEFAULT now(), company text DEFAULT NULL,
    OUT seq integer, OUT ok boolean, OUT external_id text, OUT status text, OUT message_id bigint, OUT answer jsonb, OUT sqlstate text, OUT message text) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_capture_many_from';
COMMENT ON FUNCTION oms.capture_many_from(text, jsonb, timestamptz, text) IS
    'Takes many orders as a channel sends them (an array), each as oms.capture_from does; one that is refused is kept in oms.intake_message and oms.reject with the reason, and the others go on. One row per payload in order: seq from 1, ok, the channel''s number, status, the message, the answer, or SQLSTATE and message of the refusal. Raises OM001 where payloads is not an array, OM002 for an unknown channel.';

CREATE FUNCTION oms.intake_retry(message_id bigint, at timestamptz DEFAULT now(), company text DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_intake_retry';
COMMENT ON FUNCTION oms.intake_retry(bigint, timestamptz, text) IS
    'Tries a payload again that was refused or ignored, with the maps as they are now; its rows of oms.intake_message and oms.reject follow. Answers as oms.capture_from, or status refused with sqlstate, message and problems. One that became an order changes nothing and answers duplicate. Raises OM002 for an unknown message.';

CREATE FUNCTION oms.intake_document(channel text, payload jsonb, at timestamptz DEFAULT now(), company text DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_intake_document';
COMMENT ON FUNCTION oms.intake_document(text, jsonb, timestamptz, text) IS
    'What oms.capture_from would make of a payload, without doing it: document (the canonical order), reason (where it would be ignored), problems, and the rest of the report: for writing a map. Raises OM902 where no map fits, OM002 for an unknown channel.';

CREATE FUNCTION oms.capture_csv(channel text, csv text, at timestamptz DEFAULT now(), company text DEFAULT NULL,
    OUT row_no integer, OUT ok boolean, OUT external_id text, OUT status text, OUT message_id bigint, OUT answer jsonb, OUT sqlstate text, OUT message text) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_capture_csv';
COMMENT ON FUNCTION oms.capture_csv(text, text, timestamptz, text) IS
    'Takes the orders of a file: the first row names the columns; separated by comma, semicolon, tab or bar; quoted or not, with a byte order mark or not. Rows with the same order number are one order, whose payload is {"rows": [...]} with the names of columns in lower case, all else than letters and digits one _. A row with too many values, a broken quote or no order number is kept in oms.reject; an order one of whose rows is bad is refused whole; the others go on. One row per order (row_no: its first row in the file, from 1 for the header) and per bad row; else as oms.capture_many_from. Raises OM001 for a file without a header or with a column twice, OM902 where the channel''s map reads no files.';

CREATE FUNCTION oms.copy_intake_map(map text, version text, to_map text, to_version text) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    n integer;
BEGIN
    INSERT INTO oms.intake_map (map, version, title, detect, root, lines, csv_key, valid_from, valid_to, unused)
    SELECT to_map, to_version, m.title, m.detect, m.root, m.lines, m.csv_key, m.valid_from, m.valid_to, m.unused
      FROM oms.intake_map m WHERE m.map = copy_intake_map.map AND m.version = copy_intake_map.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM902', MESSAGE = format('there is no map "%s" version "%s"', map, version),
            DETAIL = 'Arguments map and version.', HINT = 'The maps are the rows of oms.intake_map.';
    END IF;
    INSERT INTO oms.intake_field (map, version, target, priority, source, transform, arg, required)
    SELECT to_map, to_version, f.target, f.priority, f.source, f.transform, f.arg, f.required
      FROM oms.intake_field f WHERE f.map = copy_intake_map.map AND f.version = copy_intake_map.version;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION oms.copy_intake_map(text, text, text, text) IS
    'Copies a map under another name or version, to change it; returns how many fields it has. Raises OM902 where there is no such map.';
