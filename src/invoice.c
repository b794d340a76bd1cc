/*
 * invoice.c
 *	  The tax invoice of a parcel: one parcel, one invoice, by the GSTIN of the
 *	  node that sends it.
 *
 * Amounts are those the allocations were taxed with; nothing is computed anew
 * but the parcel's share of the order's charges.  Charges go with the goods
 * (composite supply): they bear the goods' rates, by taxable value where a
 * parcel has several.  All under the order's lock, then the row of the series.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core_find.h"
#include "core_rows.h"
#include "invoice.h"
#include "shipment.h"
#include "tax.h"

typedef struct Made
{
	int64		invoice_id;
	bool		duplicate;
	int64		replaced;		/* invoice_id, or 0 */
} Made;

static void parcel_moves(const OmsShipment *s, bool leaves, TimestampTz at);
static void parcels_ahead(int32 company_id, Datum ids, TimestampTz at);
static void make_invoice(const OmsShipment *s, Jsonb *buyer,
						 const char *series, TimestampTz at, Made *made);

void
oms_invoice_init(void)
{
	oms_shipment_moves = parcel_moves;
	oms_shipments_ahead = parcels_ahead;
}

static OmsPlan policy_plan = {
	"SELECT make_at FROM oms.invoice_policy WHERE company_id = $1",
	1, {INT4OID}, NULL
};

/* A parcel was packed, or is about to be handed over. */
static void
parcel_moves(const OmsShipment *s, bool leaves, TimestampTz at)
{
	Datum		values[1] = {Int32GetDatum(s->company_id)};
	const char *when;
	Made		made;

	if (oms_find(&policy_plan, values, NULL) == 0)
		return;
	when = oms_cstr(0, 1);
	if (strcmp(when, "packing") == 0 || (leaves && strcmp(when, "dispatch") == 0))
		make_invoice(s, NULL, NULL, at, &made);
}

/* The series that parcels of several nodes may take from, in one order. */
static OmsPlan lock_series_plan = {
	"SELECT 1 FROM oms.invoice_series s WHERE s.company_id = $1 AND s.kind IN ('invoice', 'bill_of_supply') AND s.fin_year = $3"
	" AND s.gstin IN (SELECT oms.supplier_gstin(n.node_id) FROM oms.node n WHERE n.company_id = $1 AND n.node_id IN"
	"  (SELECT p.node_id FROM oms.shipment p WHERE p.company_id = $1 AND p.shipment_id = ANY ($2) AND p.shipped_at IS NULL))"
	" ORDER BY s.gstin, s.kind, s.series FOR NO KEY UPDATE",
	3, {INT4OID, INT8ARRAYOID, TEXTOID}, NULL
};

static void
parcels_ahead(int32 company_id, Datum ids, TimestampTz at)
{
	Datum		values[3] = {Int32GetDatum(company_id), ids};

	if (oms_find(&policy_plan, values, NULL) == 0 || strcmp(oms_cstr(0, 1), "demand") == 0)
		return;
	values[2] = oms_text(oms_financial_year(oms_company_day(company_id, at)));
	oms_exec(&lock_series_plan, values, NULL, false, 0);
}

/*
 * What the documents of a parcel have in common
 */
typedef struct Head
{
	const char *gstin;
	const char *node;			/* code */
	const char *series;			/* as asked, or NULL */
	const char *supply_type;
	const char *supplier_state;
	const char *place_of_supply;
	const char *buyer_gstin;
	Datum		party[4];		/* seller, dispatch, buyer, ship_to */
	bool		party_null[4];
	bool		inclusive;
} Head;

static OmsPlan head_plan = {
	"SELECT o.currency, c.price_includes_tax, n.code, n.state_code, coalesce(n.gstin, (SELECT min(g.gstin) FROM oms.gstin g"
	"   WHERE g.company_id = $1 AND g.state_code = n.state_code HAVING count(*) = 1)) AS gstin,"
	" o.buyer_gstin, coalesce(o.place_of_supply, o.ship_state_code, n.state_code),"
	" (SELECT count(*) FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'),"
	" (SELECT count(*) FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	"   AND (a.taxable IS NULL OR a.tax_rate IS NULL)),"
	" (SELECT count(*) FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	"   AND a.supplier_state <> n.state_code),"
	" (SELECT count(DISTINCT a.place_of_supply) FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'),"
	" (SELECT max(a.place_of_supply) FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'),"
	" (SELECT coalesce(sum(a.igst), 0) <> 0 FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'),"
	" nullif(o.supply_type, 'B2C')"
	" FROM oms.shipment s"
	" JOIN oms.\"order\" o ON o.company_id = s.company_id AND o.order_id = s.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" JOIN oms.node n ON n.node_id = s.node_id"
	" WHERE s.company_id = $1 AND s.shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* Names and addresses as they stand now; a registered buyer may be told. */
static OmsPlan parties_plan = {
	"SELECT jsonb_strip_nulls(jsonb_build_object('gstin', $3, 'legal_name', coalesce(g.legal_name, m.name), 'trade_name', g.trade_name,"
	"  'address1', coalesce(g.address, n.address), 'place', CASE WHEN g.address IS NULL THEN n.city ELSE g.city END,"
	"  'pincode', CASE WHEN g.address IS NULL THEN n.pincode ELSE g.pincode END, 'state_code', substr($3, 1, 2))),"
	" CASE WHEN g.address IS NOT NULL AND (g.address, g.pincode) IS DISTINCT FROM (n.address, n.pincode)"
	"  THEN jsonb_strip_nulls(jsonb_build_object('legal_name', n.name, 'address1', n.address, 'place', n.city, 'pincode', n.pincode, 'state_code', n.state_code)) END,"
	" jsonb_strip_nulls(jsonb_build_object('gstin', o.buyer_gstin, 'legal_name', coalesce(CASE WHEN o.buyer_gstin IS NOT NULL THEN u.name END, o.ship_name),"
	"  'address1', CASE WHEN b.address_id IS NULL THEN o.ship_address ELSE b.address1 END, 'address2', b.address2,"
	"  'place', CASE WHEN b.address_id IS NULL THEN o.ship_city ELSE b.city END, 'pincode', CASE WHEN b.address_id IS NULL THEN o.ship_pincode ELSE b.pincode END,"
	"  'state_code', coalesce(substr(o.buyer_gstin, 1, 2), o.bill_state_code, o.ship_state_code), 'phone', o.ship_phone, 'email', u.email))"
	"  || coalesce($4, '{}'),"
	" CASE WHEN o.ship_pincode IS NOT NULL OR o.ship_address IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('legal_name', o.ship_name,"
	"  'address1', o.ship_address, 'place', o.ship_city, 'pincode', o.ship_pincode, 'state_code', o.ship_state_code)) END"
	" FROM oms.shipment s"
	" JOIN oms.\"order\" o ON o.company_id = s.company_id AND o.order_id = s.order_id"
	" JOIN oms.company m ON m.company_id = s.company_id"
	" JOIN oms.node n ON n.node_id = s.node_id"
	" LEFT JOIN oms.gstin g ON g.company_id = s.company_id AND g.gstin = $3"
	" LEFT JOIN oms.customer u ON u.company_id = o.company_id AND u.customer_id = o.customer_id"
	/* where a registered buyer is billed */
	" LEFT JOIN LATERAL (SELECT a.* FROM oms.customer_address a WHERE a.company_id = o.company_id AND a.customer_id = o.customer_id"
	"   AND a.active AND a.kind = 'billing' AND a.state_code = substr(o.buyer_gstin, 1, 2) ORDER BY a.address_id LIMIT 1) b ON true"
	" WHERE s.company_id = $1 AND s.shipment_id = $2",
	4, {INT4OID, INT8OID, TEXTOID, JSONBOID}, NULL
};

static void
refuse(const OmsShipment *s, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVOICE),
			 errmsg("no invoice can be made for shipment " INT64_FORMAT, s->shipment_id),
			 errdetail("%s", detail),
			 hint ? errhint("%s", hint) : 0));
}

static void
check_buyer(Jsonb *buyer)
{
	static const char *const fields[] = {"legal_name", "trade_name", "address1",
	"address2", "place", "pincode", "state_code", "phone", "email"};
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken t;

	if (buyer == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(buyer))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("buyer must be an object"),
				 errdetail("Argument buyer.")));
	it = JsonbIteratorInit(&buyer->root);
	JsonbIteratorNext(&it, &v, false);
	while ((t = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		char	   *key = pnstrdup(v.val.string.val, v.val.string.len);
		bool		known = false;

		for (int i = 0; i < lengthof(fields); i++)
			known |= strcmp(key, fields[i]) == 0;
		t = JsonbIteratorNext(&it, &v, true);
		if (!known || v.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("buyer.%s %s", key, known ? "must be text" : "is not known"),
					 errdetail("Argument buyer."),
					 errhint("Fields are legal_name, trade_name, address1, address2, place, pincode, state_code, phone and email; the GSTIN is the order's.")));
	}
}

static void
read_head(const OmsShipment *s, Jsonb *buyer, const char *series, Head *h)
{
	Datum		values[4] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	const char *node;
	const char *state;
	const char *place;
	bool		igst;

	oms_exec(&head_plan, values, NULL, false, 1);
	node = oms_cstr(0, 3);
	state = oms_cstr(0, 4);
	h->gstin = oms_cstr(0, 5);
	h->inclusive = oms_bool(0, 2);
	h->buyer_gstin = oms_cstr(0, 6);
	place = oms_cstr(0, 12) ? oms_cstr(0, 12) : oms_cstr(0, 7);
	igst = oms_bool(0, 13);
	if (strcmp(oms_cstr(0, 1), "INR") != 0)
		refuse(s, psprintf("The order is in %s; tax documents are in INR.", oms_cstr(0, 1)), NULL);
	if (oms_int8(0, 8) == 0)
		refuse(s, "Nothing is in the parcel.", NULL);
	if (oms_int8(0, 9) > 0)
		refuse(s, "Goods in the parcel are not taxed.", "Allocations get their tax when they are planned at a node.");
	if (h->gstin == NULL)
		refuse(s, psprintf("Node \"%s\" has no GSTIN.", node),
			   "Set oms.node.gstin, or have one row in oms.gstin for its state.");
	if (state && strncmp(h->gstin, state, 2) != 0)
		refuse(s, psprintf("GSTIN %s of node \"%s\" is of another state than the node, %s.", h->gstin, node, state),
			   "Correct oms.node.gstin or oms.node.state_code.");
	if (oms_int8(0, 10) > 0 || oms_int8(0, 11) > 1)
		refuse(s, psprintf("Goods in the parcel were taxed as supplied from or to different states; node \"%s\" is in %s.",
						   node, state),
			   "Reroute the order, so that it is planned and taxed anew.");
	h->supplier_state = pnstrdup(h->gstin, 2);
	h->place_of_supply = place ? place : h->supplier_state;
	if (oms_cstr(0, 14))
		h->supply_type = oms_cstr(0, 14);
	else if (strcmp(h->place_of_supply, "96") == 0)
		h->supply_type = igst ? "EXPWP" : "EXPWOP";
	else
		h->supply_type = h->buyer_gstin ? "B2B" : "B2C";

	h->series = series;
	h->node = node;
	values[2] = oms_text(h->gstin);
	values[3] = buyer ? JsonbPGetDatum(buyer) : (Datum) 0;
	oms_exec(&parties_plan, values, buyer ? NULL : "   n", false, 1);
	for (int i = 0; i < 4; i++)
		h->party[i] = oms_datum(0, i + 1, &h->party_null[i]);
}

/*
 * Lines
 */
static OmsPlan goods_plan = {
	"INSERT INTO oms.invoice_line (company_id, invoice_id, line_no, order_line_no, allocation_id, sku_id, description, hsn, uom, qty,"
	"  unit_price, gross, discount, net_amount, taxable, rate, cgst, sgst, igst)"
	" SELECT $1, $3, row_number() OVER (ORDER BY a.line_no, a.allocation_id), a.line_no, a.allocation_id, a.sku_id, k.name,"
	"  nullif(regexp_replace(k.hsn, '[^0-9]', '', 'g'), ''), k.uom, a.qty,"
	"  round(greatest(p.gross, a.taxable) / a.qty, 3), greatest(p.gross, a.taxable), greatest(p.gross, a.taxable) - a.taxable,"
	"  a.net_amount, a.taxable, a.tax_rate, a.cgst, a.sgst, a.igst"
	" FROM oms.allocation a"
	" JOIN oms.sku k ON k.sku_id = a.sku_id"
	" JOIN oms.order_line l ON l.company_id = a.company_id AND l.order_id = a.order_id AND l.line_no = a.line_no"
	" CROSS JOIN LATERAL (SELECT CASE WHEN l.discount = 0 THEN a.taxable"
	"   WHEN $4 THEN round(l.unit_price * a.qty * 100 / (100 + a.tax_rate), 2) ELSE round(l.unit_price * a.qty, 2) END AS gross) p"
	" WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'",
	4, {INT4OID, INT8OID, INT8OID, BOOLOID}, NULL
};

/*
 * The parcel's share of each charge by net amount, all that is left when no
 * other goods of the order are still to be invoiced; by rate of the goods, as
 * differences of cumulative shares.
 */
static OmsPlan charges_plan = {
	"INSERT INTO oms.invoice_line (company_id, invoice_id, line_no, charge, description, hsn, uom, qty,"
	"  unit_price, gross, discount, net_amount, taxable, rate, cgst, sgst, igst)"
	" WITH goods AS (SELECT rate, sum(taxable) AS value, (array_agg(hsn ORDER BY taxable DESC, line_no))[1] AS hsn, sum(net_amount) AS net"
	"   FROM oms.invoice_line WHERE company_id = $1 AND invoice_id = $3 GROUP BY rate),"
	" rates AS (SELECT g.rate, g.hsn, sum(w) OVER () AS whole, sum(w) OVER (ORDER BY g.rate) AS upto, w"
	"   FROM (SELECT g.*, CASE WHEN sum(value) OVER () > 0 THEN value WHEN g.rate = max(g.rate) OVER () THEN 1 ELSE 0 END AS w FROM goods g) g),"
	" due AS (SELECT c.kind, sum(c.amount) - coalesce((SELECT sum(x.net_amount) FROM oms.invoice_line x JOIN oms.invoice i USING (company_id, invoice_id)"
	"     WHERE i.company_id = $1 AND i.order_id = $2 AND i.status = 'issued' AND i.kind <> 'credit_note' AND x.charge = c.kind), 0) AS rest, sum(c.amount) AS amount"
	"   FROM oms.order_charge c WHERE c.company_id = $1 AND c.order_id = $2 AND c.kind <> 'CART_DISCOUNT' GROUP BY c.kind),"
	" parts AS (SELECT (SELECT sum(net) FROM goods) AS here,"
	"    (SELECT sum(a.net_amount) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled') AS whole,"
	"    EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled'"
	"      AND NOT EXISTS (SELECT FROM oms.invoice_line x WHERE x.company_id = $1 AND x.allocation_id = a.allocation_id"
	"        AND (x.invoice_id = $3 OR EXISTS (SELECT FROM oms.invoice i WHERE i.company_id = $1 AND i.invoice_id = x.invoice_id"
	"          AND i.status = 'issued' AND i.kind <> 'credit_note')))) AS more),"
	" shares AS (SELECT d.kind, greatest(0, CASE WHEN p.more AND p.whole > 0 THEN least(d.rest, round(d.amount * p.here / p.whole, 2)) ELSE d.rest END) AS share"
	"   FROM due d, parts p),"
	" pieces AS (SELECT s.kind, r.rate, r.hsn, round(s.share * r.upto / r.whole, 2) - round(s.share * (r.upto - r.w) / r.whole, 2) AS net"
	"   FROM shares s, rates r),"
	" taxed AS (SELECT p.*, CASE WHEN $4 THEN round(p.net * p.rate / (100 + p.rate), 2) ELSE round(p.net * p.rate / 100, 2) END AS tax FROM pieces p WHERE p.net > 0)"
	" SELECT $1, $3, (SELECT count(*) FROM oms.invoice_line WHERE company_id = $1 AND invoice_id = $3) + row_number() OVER (ORDER BY t.kind COLLATE \"C\" DESC, t.rate), t.kind,"
	"  CASE t.kind WHEN 'SHIPPING' THEN 'Shipping' WHEN 'COD_FEE' THEN 'Cash on delivery fee' ELSE 'Gift wrap' END, t.hsn, 'OTH', 1,"
	"  v.taxable, v.taxable, 0, t.net, v.taxable, t.rate, CASE WHEN $5 THEN round(t.tax / 2, 2) ELSE 0 END,"
	"  CASE WHEN $5 THEN t.tax - round(t.tax / 2, 2) ELSE 0 END, CASE WHEN $5 THEN 0 ELSE t.tax END"
	" FROM taxed t CROSS JOIN LATERAL (SELECT CASE WHEN $4 THEN t.net - t.tax ELSE t.net END AS taxable) v",
	5, {INT4OID, INT8OID, INT8OID, BOOLOID, BOOLOID}, NULL
};

/* Whether what the invoice says is what the parcel holds. */
static OmsPlan same_plan = {
	"SELECT NOT EXISTS ("
	" (SELECT a.allocation_id, a.qty, a.net_amount, a.taxable, a.cgst, a.sgst, a.igst FROM oms.allocation a"
	"   WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	"  EXCEPT SELECT l.allocation_id, l.qty, l.net_amount, l.taxable, l.cgst, l.sgst, l.igst FROM oms.invoice_line l WHERE l.company_id = $1 AND l.invoice_id = $3)"
	" UNION ALL"
	" (SELECT l.allocation_id, l.qty, l.net_amount, l.taxable, l.cgst, l.sgst, l.igst FROM oms.invoice_line l"
	"   WHERE l.company_id = $1 AND l.invoice_id = $3 AND l.allocation_id IS NOT NULL"
	"  EXCEPT SELECT a.allocation_id, a.qty, a.net_amount, a.taxable, a.cgst, a.sgst, a.igst FROM oms.allocation a"
	"   WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'))",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};
static OmsPlan issued_plan = {
	"SELECT invoice_id FROM oms.invoice WHERE company_id = $1 AND shipment_id = $2 AND status = 'issued' AND kind IN ('invoice', 'bill_of_supply')",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan bears_tax_plan = {
	"SELECT EXISTS (SELECT FROM oms.invoice_line WHERE company_id = $1 AND invoice_id = $2 AND rate > 0)",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan write_plan = {
	"INSERT INTO oms.invoice (company_id, invoice_id, kind, gstin, fin_year, series, no, number, invoice_date, issued_at, order_id, shipment_id,"
	"  supply_type, supplier_state, place_of_supply, buyer_gstin, seller, dispatch, buyer, ship_to, taxable, cgst, sgst, igst, round_off, total)"
	" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, t.taxable, t.cgst, t.sgst, t.igst,"
	"  r.whole - t.sum, r.whole"
	" FROM (SELECT sum(taxable) AS taxable, sum(cgst) AS cgst, sum(sgst) AS sgst, sum(igst) AS igst, sum(taxable + cgst + sgst + igst) AS sum"
	"   FROM oms.invoice_line WHERE company_id = $1 AND invoice_id = $2) t"
	" CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM oms.invoice_policy p WHERE p.company_id = $1 AND p.round_rupee)"
	"   THEN round(t.sum, 0) ELSE t.sum END AS whole) r",
	20, {INT4OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, DATEOID, TIMESTAMPTZOID, INT8OID, INT8OID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, JSONBOID, JSONBOID, JSONBOID}, NULL
};

static void
write_invoice(const OmsShipment *s, const Head *h, TimestampTz at, Made *made)
{
	bool		intra = !oms_inter_state(oms_supply_of(h->supply_type), h->supplier_state,
										 h->place_of_supply);
	Datum		values[20] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	char		nulls[21] = "                    ";
	DateADT		day = oms_company_day(s->company_id, at);
	OmsInvoiceNumber n;
	const char *series = h->series;
	const char *kind;

	made->invoice_id = oms_next("invoice_invoice_id_seq");
	values[2] = Int64GetDatum(made->invoice_id);
	values[3] = BoolGetDatum(h->inclusive);
	oms_exec(&goods_plan, values, NULL, false, 0);
	values[1] = Int64GetDatum(s->order_id);
	values[4] = BoolGetDatum(intra);
	oms_exec(&charges_plan, values, NULL, false, 0);
	values[1] = Int64GetDatum(made->invoice_id);
	oms_exec(&bears_tax_plan, values, NULL, false, 1);
	/* zero-rated is not exempt: a tax invoice without tax */
	kind = oms_bool(0, 1) || oms_supply_untaxed(oms_supply_of(h->supply_type)) ?
		"invoice" : "bill_of_supply";
	if (series == NULL && oms_invoice_has_series(s->company_id, h->gstin, kind, h->node))
		series = h->node;
	oms_invoice_number(s->company_id, h->gstin, kind, series, day,
					   psprintf("shipment " INT64_FORMAT, s->shipment_id), &n);
	values[2] = oms_text(kind);
	values[3] = oms_text(h->gstin);
	values[4] = oms_text(n.fin_year);
	values[5] = oms_text(n.series);
	values[6] = Int64GetDatum(n.no);
	values[7] = oms_text(n.number);
	values[8] = DateADTGetDatum(day);
	values[9] = TimestampTzGetDatum(at);
	values[10] = Int64GetDatum(s->order_id);
	values[11] = Int64GetDatum(s->shipment_id);
	values[12] = oms_text(h->supply_type);
	values[13] = oms_text(h->supplier_state);
	values[14] = oms_text(h->place_of_supply);
	values[15] = oms_text(h->buyer_gstin);
	if (h->buyer_gstin == NULL)
		nulls[15] = 'n';
	for (int i = 0; i < 4; i++)
	{
		values[16 + i] = h->party[i];
		if (h->party_null[i])
			nulls[16 + i] = 'n';
	}
	oms_exec(&write_plan, values, nulls, false, 0);
}

static void
issued_event(const OmsShipment *s, const Made *made)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_int(&j, "invoice_id", made->invoice_id);
	if (made->replaced)
		oms_json_int(&j, "replaces", made->replaced);
	oms_event(s->company_id, "shipment", s->shipment_id, "invoice.issued",
			  oms_json_end(&j));
}

/* SPI connected, parcel locked. */
static void
make_invoice(const OmsShipment *s, Jsonb *buyer, const char *series,
			 TimestampTz at, Made *made)
{
	Datum		values[3] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	Head		h = {0};

	memset(made, 0, sizeof(*made));
	if (s->reverse)
		refuse(s, "It is a pickup from a customer.", "oms.make_credit_note() credits a return.");
	if (oms_exec(&issued_plan, values, NULL, false, 1) > 0)
	{
		made->invoice_id = oms_int8(0, 1);
		values[2] = Int64GetDatum(made->invoice_id);
		oms_exec(&same_plan, values, NULL, false, 1);
		if (oms_bool(0, 1))
		{
			made->duplicate = true;
			return;
		}
		/* what goes is not what it says: that one never left */
		made->replaced = made->invoice_id;
		oms_invoice_cancel(s->company_id, made->replaced, "The parcel changed", at);
	}
	if (strcmp(s->state, "CANCELLED") == 0)
		refuse(s, "The parcel is cancelled.", NULL);
	if (s->shipped_at == 0)
		oms_invoice_retax(s->company_id, s->order_id, s->shipment_id,
						  oms_company_day(s->company_id, at));
	read_head(s, buyer, series, &h);
	write_invoice(s, &h, at, made);
	issued_event(s, made);
}

static OmsPlan answer_plan = {
	"SELECT jsonb_build_object('invoice_id', invoice_id, 'kind', kind, 'number', number, 'date', invoice_date, 'order_id', order_id,"
	" 'shipment_id', shipment_id, 'gstin', gstin, 'supply_type', supply_type, 'taxable', taxable, 'tax', cgst + sgst + igst, 'total', total,"
	" 'duplicate', $3) || CASE WHEN $4 = 0 THEN '{}' ELSE jsonb_build_object('replaces', $4) END"
	" FROM oms.invoice WHERE company_id = $1 AND invoice_id = $2",
	4, {INT4OID, INT8OID, BOOLOID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_make_invoice);

/* oms.make_invoice(shipment_id, buyer, series, company, at) */
Datum
oms_make_invoice(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 3);
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(4);
	Jsonb	   *buyer = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	MemoryContext caller = CurrentMemoryContext;
	OmsShipment s;
	Made		made;
	Datum		values[4];
	bool		isnull;
	Datum		answer;

	check_buyer(buyer);
	oms_spi_connect();
	oms_shipment_lock(company_id, oms_id_arg(fcinfo, 0, "shipment_id"), &s);
	make_invoice(&s, buyer, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
				 at, &made);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(made.invoice_id);
	values[2] = BoolGetDatum(made.duplicate);
	values[3] = Int64GetDatum(made.replaced);
	oms_exec(&answer_plan, values, NULL, false, 1);
	answer = oms_datum(0, 1, &isnull);
	MemoryContextSwitchTo(caller);
	answer = PointerGetDatum(PG_DETOAST_DATUM_COPY(answer));
	oms_spi_finish();
	PG_RETURN_DATUM(answer);
}
