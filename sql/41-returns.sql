-- returns: asked for by customers or begun by couriers, counted in, paid back.

CREATE FUNCTION oms.create_return(doc jsonb, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_create_return';
COMMENT ON FUNCTION oms.create_return(jsonb, timestamptz) IS
    'A customer''s return: {return_ref, reason, order_id | channel + external_id, lines?: [{line_no, qty}], company?}; without lines all that can be returned. Chooses the receiving node (the sender where it accepts returns, else the nearest), plans the pickup and books its AWB number where a courier has one. The same return_ref again answers with duplicate true. Answer: {return_id, order_id, status, node, shipment_id, courier, awb, duplicate}. Raises OM001, OM002, OM005, OM103, OM502.';

CREATE FUNCTION oms.receive_return(return_id bigint, lines jsonb DEFAULT NULL, disposition text DEFAULT 'restock', company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_receive_return';
COMMENT ON FUNCTION oms.receive_return(bigint, jsonb, text, text, timestamptz) IS
    'Counts a return in, customer''s or RTO, once: all of it, or lines [{line_no, qty, disposition?}] (a line not named did not arrive). restock goes into the node''s stock, quarantine and scrap do not. What is owed becomes a refund (RTO: only of prepaid orders, then in full); the return closes when it is paid or none is owed. Answer: {return_id, status, duplicate, refund_id, refund, lines}. Raises OM001, OM002, OM004, OM502.';

CREATE FUNCTION oms.cancel_return(return_id bigint, company text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_cancel_return';
COMMENT ON FUNCTION oms.cancel_return(bigint, text) IS
    'Cancels a return whose goods are still with the buyer, and its pickup; false when it was cancelled before. Raises OM002, OM004.';

CREATE FUNCTION oms.pay_refund(refund_id bigint, reference text, company text DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_pay_refund';
COMMENT ON FUNCTION oms.pay_refund(bigint, text, text) IS
    'Notes that a refund was paid, with the payment''s reference (UTR); the same reference again changes nothing, another raises OM005. Closes the return it was for. Answer: {refund_id, status, amount, duplicate}. Raises OM002, OM005.';
