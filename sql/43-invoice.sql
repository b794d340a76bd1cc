-- invoice: numbers without gaps, tax invoices for parcels, credit notes for returns.

CREATE FUNCTION oms.financial_year(day date) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'oms_financial_year_sql';
COMMENT ON FUNCTION oms.financial_year(date) IS
    'Financial year of a day, April to March: 2025-26 for 1 April 2025 to 31 March 2026. Raises OM001 outside 1950 to 9998.';

CREATE FUNCTION oms.next_invoice_number(gstin text, kind text DEFAULT 'invoice', at timestamptz DEFAULT now(), series text DEFAULT NULL, used_for text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_next_invoice_number';
COMMENT ON FUNCTION oms.next_invoice_number(text, text, timestamptz, text, text, text) IS
    'Takes the next number of a series (MAIN where NULL) of a GSTIN, for the financial year of "at" by the company''s clock. Consecutive without gaps: the series is locked until the transaction ends, and a rollback gives the number back. oms.make_invoice() calls it; call it yourself for documents made elsewhere, in the transaction that writes them. Kinds: invoice, credit_note, debit_note, bill_of_supply, challan. Raises OM001, OM002, OM202, OM801.';

CREATE FUNCTION oms.irn(gstin text, fin_year text, doc_type text, number text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'oms_irn';
COMMENT ON FUNCTION oms.irn(text, text, text, text) IS
    'Invoice reference number of an e-invoice: SHA-256 of GSTIN, financial year (2025-26), type (INV, CRN, DBN) and number, in hexadecimal. Raises OM001, OM202.';

CREATE FUNCTION oms.make_invoice(shipment_id bigint, buyer jsonb DEFAULT NULL, series text DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_make_invoice';
COMMENT ON FUNCTION oms.make_invoice(bigint, jsonb, text, text, timestamptz) IS
    'The tax invoice of a parcel (a bill of supply where nothing bears tax), by the GSTIN of its node, with the taxes its allocations have and its share of the order''s charges. Once: again it answers with duplicate true; where the parcel''s contents changed meanwhile the old one is cancelled and another made (replaces). buyer: what differs from the order for a registered buyer {legal_name, trade_name, address1, address2, place, pincode, state_code, phone, email}. series NULL: the one named as the node, else MAIN. Answer: {invoice_id, kind, number, date, order_id, shipment_id, gstin, supply_type, taxable, tax, total, duplicate, replaces?}. Raises OM001, OM002, OM801, OM802, OM803.';

CREATE FUNCTION oms.make_credit_note(return_id bigint, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_make_credit_note';
COMMENT ON FUNCTION oms.make_credit_note(bigint, text, timestamptz) IS
    'Credit notes for a return that was counted in, one for each invoice its goods left with: what arrived of a customer''s return, without charges; all that is left of the invoice of an RTO. Once; again it answers with duplicate true. Answer: {return_id, duplicate, notes: [{invoice_id, number, date, original_id, original, taxable, tax, total}]}. Raises OM001, OM002, OM004, OM801, OM802 (no invoice, nothing came back, after 30 November of the following year).';

CREATE FUNCTION oms.credit_invoice(invoice_id bigint, reason text, lines jsonb DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_credit_invoice';
COMMENT ON FUNCTION oms.credit_invoice(bigint, text, jsonb, text, timestamptz) IS
    'A credit note without a return: for lines [{line_no, qty}] of an invoice (line_no of oms.invoice_line), or all that is not credited yet. For parcels that were lost, and for what can no longer be cancelled. Every call makes a note. Answer: as one note of oms.make_credit_note(). Raises OM001, OM002, OM801, OM802.';

CREATE FUNCTION oms.cancel_invoice(invoice_id bigint, reason text, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_cancel_invoice';
COMMENT ON FUNCTION oms.cancel_invoice(bigint, text, text, timestamptz) IS
    'Cancels a tax document, which keeps its number; false when it was cancelled before. Not while its IRN or its e-way bill is active, nor credited; once the goods left only within invoice_policy.cancel_hours of its issue. Raises OM001, OM002, OM803.';

CREATE FUNCTION oms.retax_order(order_id bigint, company text DEFAULT NULL, at timestamptz DEFAULT now()) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_retax_order';
COMMENT ON FUNCTION oms.retax_order(bigint, text, timestamptz) IS
    'Taxes what of an order is not invoiced and has not left anew, where the GST rate of the day is another than when it was planned (CGST Act s. 14: the day of the invoice counts). Prices with tax keep their total, others follow, and what was paid too much becomes a refund. oms.make_invoice() does it for its parcel; call it yourself where invoices are made elsewhere. Event order.retaxed. Answers how many allocations changed. Raises OM001, OM002.';
