-- shipment: vocabulary of parcel states, courier codes and reasons of failure; packing, booking, hand-over, labels, scans.

CREATE TABLE oms.shipment_state (   --| States of a parcel. The state is the scan of highest rank, among equals the newest; a terminal state stays.
    state text PRIMARY KEY,         --| Canonical name
    rank integer NOT NULL,          --| How far the parcel is; states of one rank follow each other by time
    terminal boolean NOT NULL DEFAULT false, --| The parcel's way ends here
    rto boolean NOT NULL DEFAULT false, --| On its way back to origin, or back
    text text NOT NULL,             --| For people
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.shipment_state', 'WHERE NOT builtin');
INSERT INTO oms.shipment_state (state, rank, terminal, rto, text, builtin) VALUES
    ('PLANNED', 0, false, false, 'Planned, no AWB number yet', true),
    ('BOOKED', 10, false, false, 'AWB number taken', true),
    ('PICKUP_SCHEDULED', 20, false, false, 'Pickup scheduled', true),
    ('OUT_FOR_PICKUP', 20, false, false, 'Out for pickup', true),
    ('PICKUP_FAILED', 20, false, false, 'Pickup failed', true),
    ('PICKED_UP', 30, false, false, 'Picked up', true),
    ('IN_TRANSIT', 40, false, false, 'In transit', true),
    ('AT_DEST_HUB', 40, false, false, 'At the destination hub', true),
    ('OUT_FOR_DELIVERY', 40, false, false, 'Out for delivery', true),
    ('NDR', 40, false, false, 'Delivery attempt failed', true),
    ('RTO_INITIATED', 50, false, true, 'Return to origin ordered', true),
    ('RTO_IN_TRANSIT', 60, false, true, 'On its way back', true),
    ('RTO_OFD', 60, false, true, 'Out for delivery to the origin', true),
    ('RTO_NDR', 60, false, true, 'Delivery to the origin failed', true),
    ('CANCELLED', 70, true, false, 'Cancelled before the courier had it', true),
    ('DELIVERED', 80, true, false, 'Delivered', true),
    ('DAMAGED', 84, true, false, 'Destroyed on the way', true),
    ('LOST', 85, true, false, 'Lost', true),
    ('RTO_DISPOSED', 88, true, true, 'Could not be given back, disposed of', true),
    ('RTO_DELIVERED', 90, true, true, 'Back at the origin', true);

CREATE TABLE oms.ndr_code (         --| Reasons of a failed delivery attempt: the numbers of ClickPost's unified list.
    ndr_code text PRIMARY KEY,      --| Number, as text
    text text NOT NULL,             --| For people
    fault text NOT NULL CHECK (fault IN ('buyer', 'courier', 'unknown')), --| Whose doing; the courier's counts against no buyer
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.ndr_code', 'WHERE NOT builtin');
INSERT INTO oms.ndr_code (ndr_code, text, fault, builtin) VALUES
    ('0', 'Unknown exception', 'unknown', true), ('1', 'Customer unavailable', 'buyer', true),
    ('2', 'Rejected by customer', 'buyer', true), ('3', 'Delivery rescheduled', 'buyer', true),
    ('4', 'No attempt', 'courier', true), ('5', 'Customer unreachable', 'buyer', true),
    ('6', 'Address issue', 'buyer', true), ('7', 'Payment issue', 'buyer', true),
    ('8', 'Out of delivery area', 'unknown', true), ('9', 'Order already cancelled', 'buyer', true),
    ('10', 'Self collect', 'buyer', true), ('11', 'Shipment seized by customer', 'buyer', true),
    ('12', 'Customer wants open delivery', 'buyer', true), ('13', 'Shipment misrouted', 'courier', true);

CREATE TABLE oms.scan_code (        --| What a courier's status code means. Codes are matched whole, never by words in them.
    courier text NOT NULL,          --| oms.courier.code, or * for codes any courier may send
    code text NOT NULL,             --| The code; Delhivery's as "StatusType:Status", since its DL alone means delivered, RTO and DTO
    state text NOT NULL REFERENCES oms.shipment_state, --| Canonical state
    ndr_code text REFERENCES oms.ndr_code, --| Reason of failure it stands for
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (courier, code)
);
SELECT pg_catalog.pg_extension_config_dump('oms.scan_code', 'WHERE NOT builtin');
-- our own names, for couriers that are mapped before they reach us
INSERT INTO oms.scan_code (courier, code, state, builtin)
SELECT '*', state, state, true FROM oms.shipment_state WHERE state <> 'PLANNED';
-- ClickPost's unified codes
INSERT INTO oms.scan_code (courier, code, state, builtin) VALUES
    ('*', '1', 'BOOKED', true), ('*', '2', 'PICKUP_SCHEDULED', true), ('*', '3', 'PICKUP_FAILED', true),
    ('*', '4', 'PICKED_UP', true), ('*', '5', 'IN_TRANSIT', true), ('*', '6', 'OUT_FOR_DELIVERY', true),
    ('*', '7', 'NDR', true), ('*', '8', 'DELIVERED', true), ('*', '9', 'NDR', true),
    ('*', '10', 'CANCELLED', true), ('*', '11', 'RTO_INITIATED', true), ('*', '12', 'RTO_INITIATED', true),
    ('*', '13', 'RTO_OFD', true), ('*', '14', 'RTO_DELIVERED', true), ('*', '15', 'RTO_NDR', true),
    ('*', '16', 'LOST', true), ('*', '17', 'DAMAGED', true), ('*', '18', 'IN_TRANSIT', true),
    ('*', '19', 'IN_TRANSIT', true), ('*', '20', 'IN_TRANSIT', true), ('*', '21', 'RTO_IN_TRANSIT', true),
    ('*', '25', 'OUT_FOR_PICKUP', true), ('*', '26', 'RTO_IN_TRANSIT', true), ('*', '27', 'RTO_IN_TRANSIT', true),
    ('*', '28', 'BOOKED', true), ('*', '1004', 'AT_DEST_HUB', true);
UPDATE oms.scan_code SET ndr_code = '8' WHERE courier = '*' AND code = '7';
-- Delhivery: the pair of StatusType and Status, and its NSL reason codes
INSERT INTO oms.scan_code (courier, code, state, ndr_code, builtin) VALUES
    ('DELHIVERY', 'UD:Manifested', 'BOOKED', NULL, true),
    ('DELHIVERY', 'UD:Not Picked', 'PICKUP_FAILED', NULL, true),
    ('DELHIVERY', 'UD:In Transit', 'IN_TRANSIT', NULL, true),
    ('DELHIVERY', 'UD:Pending', 'AT_DEST_HUB', NULL, true),
    ('DELHIVERY', 'UD:Dispatched', 'OUT_FOR_DELIVERY', NULL, true),
    ('DELHIVERY', 'DL:Delivered', 'DELIVERED', NULL, true),
    ('DELHIVERY', 'RT:In Transit', 'RTO_IN_TRANSIT', NULL, true),
    ('DELHIVERY', 'RT:Pending', 'RTO_IN_TRANSIT', NULL, true),
    ('DELHIVERY', 'RT:Dispatched', 'RTO_OFD', NULL, true),
    ('DELHIVERY', 'DL:RTO', 'RTO_DELIVERED', NULL, true),
    ('DELHIVERY', 'PP:Open', 'BOOKED', NULL, true),
    ('DELHIVERY', 'PP:Scheduled', 'PICKUP_SCHEDULED', NULL, true),
    ('DELHIVERY', 'PP:Dispatched', 'OUT_FOR_PICKUP', NULL, true),
    ('DELHIVERY', 'PU:In Transit', 'IN_TRANSIT', NULL, true),
    ('DELHIVERY', 'PU:Pending', 'AT_DEST_HUB', NULL, true),
    ('DELHIVERY', 'PU:Dispatched', 'OUT_FOR_DELIVERY', NULL, true),
    ('DELHIVERY', 'DL:DTO', 'DELIVERED', NULL, true),
    ('DELHIVERY', 'CN:Canceled', 'CANCELLED', NULL, true),
    ('DELHIVERY', 'CN:Closed', 'CANCELLED', NULL, true),
    ('DELHIVERY', 'LOST', 'LOST', NULL, true),
    ('DELHIVERY', 'X-UCI', 'BOOKED', NULL, true),
    ('DELHIVERY', 'FMPUR-101', 'PICKUP_SCHEDULED', NULL, true),
    ('DELHIVERY', 'FMOFP-101', 'OUT_FOR_PICKUP', NULL, true),
    ('DELHIVERY', 'FMEOD-103', 'PICKUP_FAILED', NULL, true),
    ('DELHIVERY', 'FMEOD-106', 'PICKUP_FAILED', NULL, true),
    ('DELHIVERY', 'FMEOD-118', 'PICKUP_FAILED', NULL, true),
    ('DELHIVERY', 'X-PPOM', 'PICKED_UP', NULL, true),
    ('DELHIVERY', 'FMEOD-152', 'PICKED_UP', NULL, true),
    ('DELHIVERY', 'S-MAR', 'IN_TRANSIT', NULL, true),
    ('DELHIVERY', 'EOD-3', 'NDR', '3', true),
    ('DELHIVERY', 'EOD-6', 'NDR', '2', true),
    ('DELHIVERY', 'EOD-11', 'NDR', '1', true),
    ('DELHIVERY', 'EOD-40', 'NDR', '7', true),
    ('DELHIVERY', 'EOD-69', 'NDR', '12', true),
    ('DELHIVERY', 'EOD-74', 'NDR', '6', true),
    ('DELHIVERY', 'EOD-86', 'NDR', '4', true),
    ('DELHIVERY', 'EOD-104', 'NDR', '6', true),
    ('DELHIVERY', 'EOD-111', 'NDR', '2', true),
    ('DELHIVERY', 'DLYDC-107', 'NDR', '1', true),
    ('DELHIVERY', 'DLYDC-110', 'NDR', '3', true),
    ('DELHIVERY', 'DLYDC-132', 'NDR', '8', true),
    ('DELHIVERY', 'ST-105', 'AT_DEST_HUB', NULL, true),
    ('DELHIVERY', 'ST-107', 'AT_DEST_HUB', NULL, true),
    ('DELHIVERY', 'ST-108', 'AT_DEST_HUB', NULL, true),
    ('DELHIVERY', 'RT-101', 'RTO_NDR', NULL, true),
    ('DELHIVERY', 'RDPD-17', 'RTO_NDR', NULL, true),
    ('DELHIVERY', 'RT-108', 'RTO_DELIVERED', NULL, true),
    ('DELHIVERY', 'RT-113', 'RTO_DELIVERED', NULL, true),
    ('DELHIVERY', 'RDPD-3', 'RTO_DELIVERED', NULL, true),
    ('SHADOWFAX', 'new', 'BOOKED', NULL, true),
    ('SHADOWFAX', 'sent_to_rev', 'PICKUP_SCHEDULED', NULL, true),
    ('SHADOWFAX', 'assigned_for_pickup', 'PICKUP_SCHEDULED', NULL, true),
    ('SHADOWFAX', 'ofp', 'OUT_FOR_PICKUP', NULL, true),
    ('SHADOWFAX', 'pickup_on_hold', 'PICKUP_FAILED', NULL, true),
    ('SHADOWFAX', 'picked', 'PICKED_UP', NULL, true),
    ('SHADOWFAX', 'recd_at_rev_hub', 'IN_TRANSIT', NULL, true),
    ('SHADOWFAX', 'sent_to_fwd', 'IN_TRANSIT', NULL, true),
    ('SHADOWFAX', 'recd_at_fwd_hub', 'IN_TRANSIT', NULL, true),
    ('SHADOWFAX', 'on_hold', 'IN_TRANSIT', NULL, true),
    ('SHADOWFAX', 'recd_at_fwd_dc', 'AT_DEST_HUB', NULL, true),
    ('SHADOWFAX', 'assigned_for_delivery', 'AT_DEST_HUB', NULL, true),
    ('SHADOWFAX', 'reopen_ndr', 'AT_DEST_HUB', NULL, true),
    ('SHADOWFAX', 'ofd', 'OUT_FOR_DELIVERY', NULL, true),
    ('SHADOWFAX', 'cid', 'NDR', '3', true),
    ('SHADOWFAX', 'nc', 'NDR', '5', true),
    ('SHADOWFAX', 'na', 'NDR', '4', true),
    ('SHADOWFAX', 'cancelled_by_customer', 'NDR', '2', true),
    ('SHADOWFAX', 'delivered', 'DELIVERED', NULL, true),
    ('SHADOWFAX', 'rts', 'RTO_INITIATED', NULL, true),
    ('SHADOWFAX', 'rts_d', 'RTO_DELIVERED', NULL, true),
    ('SHADOWFAX', 'lost', 'LOST', NULL, true);

CREATE FUNCTION oms.parcel_distance(a geography, b geography) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
RETURN pg_catalog.round(st_distance(a, b))::bigint;
COMMENT ON FUNCTION oms.parcel_distance(geography, geography) IS
    'Straight line between two places, whole metres on the spheroid.';

CREATE FUNCTION oms.add_awbs(courier text, awbs text[]) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_add_awbs';
COMMENT ON FUNCTION oms.add_awbs(text, text[]) IS
    'Puts AWB numbers pre-fetched from a courier (oms.courier.code) into its pool; numbers it has are passed over. Returns how many are new. Raises OM002.';

CREATE FUNCTION oms.pack_shipment(shipment_id bigint, company text DEFAULT NULL) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_pack_shipment';
COMMENT ON FUNCTION oms.pack_shipment(bigint, text) IS
    'Marks a parcel''s allocations packed; returns how many were not before (0 when called again). Raises OM002, OM004 (nothing in it, cancelled), OM501 (order on hold).';

CREATE FUNCTION oms.book_shipment(shipment_id bigint, fallback boolean DEFAULT true, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_book_shipment';
COMMENT ON FUNCTION oms.book_shipment(bigint, boolean, text) IS
    'Takes an AWB number of the parcel''s courier and returns it; a booked parcel returns the one it has. With fallback, where no service was chosen or its courier has no numbers left, takes the best other service that has (event shipment.courier_changed). Raises OM002, OM004, OM401, OM403.';

CREATE FUNCTION oms.dispatch_shipment(shipment_id bigint, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_dispatch_shipment';
COMMENT ON FUNCTION oms.dispatch_shipment(bigint, text, timestamptz) IS
    'Hands a parcel over to its courier: packs and books it where needed, allocations become shipped, stock leaves. Once; called again it answers with duplicate true. Answer: {shipment_id, courier, awb, state, duplicate}. Raises OM002, OM004, OM401, OM403, OM501.';

CREATE FUNCTION oms.dispatch_shipments(shipment_ids bigint[], company text DEFAULT NULL, at timestamptz DEFAULT now(), partial boolean DEFAULT true)
RETURNS TABLE (shipment_id bigint, ok boolean, awb text, error text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_dispatch_shipments';
COMMENT ON FUNCTION oms.dispatch_shipments(bigint[], text, timestamptz, boolean) IS
    'oms.dispatch_shipment of many, with one manifest for each node and courier. Those that cannot go are reported (error: SQLSTATE, message, detail) and the others go; with partial false all go or none: the first that cannot go raises its error.';

CREATE FUNCTION oms.label_pdf(shipment_id bigint, company text DEFAULT NULL) RETURNS bytea
LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_label_pdf';
COMMENT ON FUNCTION oms.label_pdf(bigint, text) IS
    'Label of a booked parcel, a 4 x 6 inch PDF: AWB and order number in Code 128, consignee, sender, COD amount or PREPAID (RETURN for a pickup from a customer), weight, zone, items. Holds personal data. Same parcel, same bytes. Raises OM002, OM405.';

CREATE FUNCTION oms.record_scan(doc jsonb) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_record_scan';
COMMENT ON FUNCTION oms.record_scan(jsonb) IS
    'Records what a courier reports of a parcel: {courier, awb, code, scanned_at, ndr_code?, location?, remark?}. The same scan again changes nothing; order of arrival does not matter. Answer: {shipment_id, order_id, state, changed, duplicate, attempts}. Raises OM001, OM002, OM404.';

CREATE FUNCTION oms.record_scans(docs text[]) RETURNS TABLE (seq integer, ok boolean, result jsonb, error text)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_record_scans';
COMMENT ON FUNCTION oms.record_scans(text[]) IS
    'oms.record_scan of many documents, as text. Those that cannot be taken are kept in oms.reject (source record_scan) with the reason, and the others go on; one that is taken later settles its reject.';

CREATE FUNCTION oms.ndr_action(shipment_id bigint, action text, details jsonb DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_ndr_action';
COMMENT ON FUNCTION oms.ndr_action(bigint, text, jsonb, text, timestamptz) IS
    'What the courier is asked to do after a failed attempt: RE_ATTEMPT, DEFER (details date, at most six days after the first failure), EDIT_DETAILS (details name, phone, address: written to the order), RTO. After oms.max_attempts failures, or later than act_by, only RTO. Raises OM001, OM002, OM406.';

CREATE FUNCTION oms.ndr_open(company text DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS TABLE (shipment_id bigint, order_id bigint, courier text, awb text, attempt integer, ndr_code text, reason text, fault text, failed_at timestamptz, act_by timestamptz, action text, actions text[])
LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.shipment_id, s.order_id, v.code, s.awb, n.attempt, n.ndr_code, c.text, c.fault, n.failed_at, n.act_by, n.action,
           CASE WHEN s.attempts >= coalesce(current_setting('oms.max_attempts', true), '3')::integer OR $2 > n.act_by THEN ARRAY['RTO']
                ELSE ARRAY['RE_ATTEMPT', 'DEFER', 'EDIT_DETAILS', 'RTO'] END
      FROM oms.ndr n
      JOIN oms.shipment s ON s.company_id = n.company_id AND s.shipment_id = n.shipment_id
      JOIN oms.ndr_code c ON c.ndr_code = n.ndr_code
      LEFT JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id
     WHERE n.company_id = oms.company_id($1) AND n.outcome IS NULL
     ORDER BY n.act_by, s.shipment_id
$$;
COMMENT ON FUNCTION oms.ndr_open(text, timestamptz) IS
    'Failed delivery attempts that nothing has come of yet, most urgent first, with the reason, whose doing it was, what was asked already and the actions left.';
