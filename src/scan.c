/*
 * scan.c
 *	  What couriers report: every scan is kept, the state follows from all.
 *
 * Scans come late, twice and in any order.  A scan is one row of oms.scan
 * (unique by parcel, code and time); the parcel's state is the scan of
 * highest rank, among equals the newest, and never lower than what we know
 * ourselves (booked, handed over).  A terminal state stays.  Effects hang on
 * the change of state, under the locks of order and parcel, so each happens
 * once whoever reports it how often.
 *
 * Way back before delivery: couriers say "delivered" also of a parcel
 * delivered back to its origin.  Once a parcel is on its way back, a
 * "delivered" of that time or later means RTO_DELIVERED; an earlier one
 * contradicts and is left to people (event shipment.conflict).
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "allocation.h"
#include "shipment.h"

#define RANK_BOOKED 10
#define RANK_PICKED_UP 30

typedef struct ScanDoc
{
	char	   *courier;
	char	   *awb;
	char	   *code;
	char	   *ndr_code;
	char	   *location;
	char	   *remark;
	TimestampTz at;
} ScanDoc;

/* The state all scans together say. */
typedef struct Verdict
{
	const char *state;
	int32		rank;
	bool		rto;
	bool		conflict;
	int32		attempts;
	TimestampTz state_at;		/* time of the scan that decides */
	TimestampTz newest;
	TimestampTz rto_at;			/* first scan of the way back, or 0 */
} Verdict;

static Datum record_scan(Jsonb *doc);
static void read_doc(Jsonb *doc, ScanDoc *scan);
static void read_code(const ScanDoc *scan, const char **state,
					  const char **ndr_code);
static void judge(const OmsShipment *s, Verdict *v);
static void apply(OmsShipment *s, const Verdict *v);

PG_FUNCTION_INFO_V1(oms_record_scan);

Datum
oms_record_scan(PG_FUNCTION_ARGS)
{
	oms_require_installed();
	return record_scan(PG_GETARG_JSONB_P(0));
}

/*
 * Reading the document: what is not asked for is ignored, couriers add
 * fields as they please.
 */
static char *
doc_text(Jsonb *doc, const char *key)
{
	JsonbValue *v = NULL;

	if (JB_ROOT_IS_OBJECT(doc))
		v = getKeyJsonValueFromContainer(&doc->root, key, strlen(key), NULL);
	if (v == NULL || v->type == jbvNull)
		return NULL;
	if (v->type == jbvString)
	{
		char	   *s = pnstrdup(v->val.string.val, v->val.string.len);
		char	   *end = s + strlen(s);

		while (isspace((unsigned char) *s))
			s++;
		while (end > s && isspace((unsigned char) end[-1]))
			*--end = '\0';
		return *s ? s : NULL;
	}
	if (v->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(v->val.numeric)));
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"%s\" of a scan must be text", key)));
}

static char *
doc_required(Jsonb *doc, const char *key)
{
	char	   *s = doc_text(doc, key);

	if (s == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("scan without \"%s\"", key),
				 errhint("A scan needs courier, awb, code and scanned_at.")));
	return s;
}

static void
bad_time(const char *s)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"scanned_at\" of a scan is not a time"),
			 errdetail("It says \"%s\".", s),
			 errhint("Write it as 2026-04-01T16:05:00+05:30; without an offset it is in the session's time zone.")));
}

/* Only ISO 8601: what the date parser would guess must not pass. */
static TimestampTz
read_time(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			y = 0,
				m = 0,
				d = 0,
				h = 0,
				min = 0,
				sec = 0,
				pos;
	bool		leap;
	const char *p;

	for (pos = 0; form[pos]; pos++)
		if (form[pos] == 'd' ? !isdigit((unsigned char) s[pos]) :
			form[pos] == 'T' ? s[pos] != 'T' && s[pos] != ' ' : s[pos] != form[pos])
			bad_time(s);
	sscanf(s, "%4d-%2d-%2d%*c%2d:%2d:%2d", &y, &m, &d, &h, &min, &sec);
	leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	if (y < 2000 || y > 2200 || m < 1 || m > 12 || d < 1 ||
		d > days[m - 1] + (m == 2 && leap) ||
		h < 0 || h > 23 || min < 0 || min > 59 || sec < 0 || sec > 59)
		bad_time(s);
	p = s + pos;
	if (*p == '.')
	{
		p++;
		if (!isdigit((unsigned char) *p))
			bad_time(s);
		while (isdigit((unsigned char) *p))
			p++;
	}
	if (*p == 'Z' && p[1] == '\0')
		p++;
	else if (*p == '+' || *p == '-')
	{
		int			oh,
					om = 0,
					used = 0;

		if (sscanf(p + 1, "%2d:%2d%n", &oh, &om, &used) != 2 || used != 5)
		{
			om = 0;
			used = 0;
			if (sscanf(p + 1, "%2d%2d%n", &oh, &om, &used) != 2 || used != 4)
			{
				om = 0;
				if (sscanf(p + 1, "%2d%n", &oh, &used) != 1 || used != 2)
					bad_time(s);
			}
		}
		if (oh < 0 || oh > 14 || om < 0 || om > 59)
			bad_time(s);
		p += 1 + used;
	}
	if (*p != '\0' || strlen(s) > 40)
		bad_time(s);
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												   CStringGetDatum(s),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

static void
read_doc(Jsonb *doc, ScanDoc *scan)
{
	if (!JB_ROOT_IS_OBJECT(doc))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a scan must be a JSON object")));
	scan->courier = doc_required(doc, "courier");
	scan->awb = doc_required(doc, "awb");
	scan->code = doc_required(doc, "code");
	scan->at = read_time(doc_required(doc, "scanned_at"));
	scan->ndr_code = doc_text(doc, "ndr_code");
	scan->location = doc_text(doc, "location");
	scan->remark = doc_text(doc, "remark");
}

/*
 * The courier's code in our words
 */
static OmsPlan code_plan = {
	"SELECT state, ndr_code FROM oms.scan_code WHERE courier IN ($1, '*')"
	" AND (code = $2 OR upper(code) = upper($2))"
	" ORDER BY courier = '*', code <> $2, code COLLATE \"C\" LIMIT 1",
	2, {TEXTOID, TEXTOID}, NULL
};
static OmsPlan ndr_code_plan = {
	"SELECT coalesce((SELECT n.ndr_code FROM oms.ndr_code n WHERE n.ndr_code = $2),"
	" (SELECT c.ndr_code FROM oms.scan_code c WHERE c.courier IN ($1, '*') AND c.code = $2"
	"  ORDER BY c.courier = '*' LIMIT 1), '0')",
	2, {TEXTOID, TEXTOID}, NULL
};

/*
 * A reason of failure beside a mere position ("UD:Pending" with "EOD-11")
 * makes it a failed attempt; a reason nobody knows counts as unknown, and
 * only beside a failure.
 */
static void
read_code(const ScanDoc *scan, const char **state, const char **ndr_code)
{
	Datum		values[2] = {oms_text(scan->courier), oms_text(scan->code)};
	const char *reason = NULL;

	if (oms_exec(&code_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_SCAN),
				 errmsg("status code \"%s\" of courier \"%s\" is unknown", scan->code, scan->courier),
				 errhint("Add it to oms.scan_code, then send the scan again.")));
	*state = oms_cstr(0, 1);
	*ndr_code = oms_cstr(0, 2);
	if (scan->ndr_code)
	{
		values[1] = oms_text(scan->ndr_code);
		oms_exec(&ndr_code_plan, values, NULL, false, 1);
		reason = oms_cstr(0, 1);
	}
	if (reason && strcmp(reason, "0") != 0)
	{
		if (strcmp(*state, "IN_TRANSIT") == 0 || strcmp(*state, "AT_DEST_HUB") == 0 ||
			strcmp(*state, "OUT_FOR_DELIVERY") == 0)
			*state = "NDR";
		else if (strcmp(*state, "RTO_IN_TRANSIT") == 0 || strcmp(*state, "RTO_OFD") == 0)
			*state = "RTO_NDR";
		*ndr_code = reason;
	}
	if (strcmp(*state, "NDR") != 0 && strcmp(*state, "RTO_NDR") != 0)
		*ndr_code = NULL;
	else if (*ndr_code == NULL)
		*ndr_code = "0";
}

/*
 * Recording
 */
static OmsPlan find_plan = {
	"SELECT s.company_id, s.shipment_id, c.courier_id FROM oms.courier c"
	" LEFT JOIN (oms.shipment s JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id)"
	"  ON v.courier_id = c.courier_id AND s.awb = $2"
	" WHERE c.code = $1 ORDER BY s.shipment_id DESC NULLS LAST LIMIT 1",
	2, {TEXTOID, TEXTOID}, NULL
};
static OmsPlan keep_plan = {
	"INSERT INTO oms.scan (company_id, shipment_id, courier_id, code, scanned_at, state, ndr_code, location, remark)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
	" ON CONFLICT (company_id, shipment_id, code, scanned_at) DO NOTHING",
	9, {INT4OID, INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID}, NULL
};

static bool
keep_scan(const OmsShipment *s, int32 courier_id, const ScanDoc *scan,
		  const char *state, const char *ndr_code)
{
	Datum		values[9] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		Int32GetDatum(courier_id), oms_text(scan->code),
		TimestampTzGetDatum(scan->at), oms_text(state), oms_text(ndr_code),
		oms_text(scan->location), oms_text(scan->remark)
	};
	char		nulls[10] = "         ";

	if (ndr_code == NULL)
		nulls[6] = 'n';
	if (scan->location == NULL)
		nulls[7] = 'n';
	if (scan->remark == NULL)
		nulls[8] = 'n';
	return oms_exec(&keep_plan, values, nulls, false, 0) > 0;
}

static void
conflict_event(const OmsShipment *s, const char *scan_state,
			   const ScanDoc *scan)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_str(&j, "state", s->state);
	oms_json_str(&j, "scan", scan_state);
	oms_json_str(&j, "code", scan->code);
	oms_json_time(&j, "scanned_at", scan->at);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.conflict",
			  oms_json_end(&j));
}

/* Whether a scan says other than the terminal state the parcel has. */
static bool
contradicts(const OmsShipment *s, const char *state, int32 rank,
			bool terminal)
{
	if (strcmp(s->state, "CANCELLED") == 0)
		return rank >= RANK_PICKED_UP && strcmp(state, "CANCELLED") != 0;
	return terminal && strcmp(state, s->state) != 0 &&
		!(s->rto && strcmp(state, "DELIVERED") == 0);
}

static OmsPlan state_plan = {
	"SELECT rank, terminal FROM oms.shipment_state WHERE state = $1",
	1, {TEXTOID}, NULL
};

static Datum
record_scan(Jsonb *doc)
{
	ScanDoc		scan;
	OmsShipment s;
	Verdict		v = {0};
	const char *state;
	const char *ndr_code;
	const char *before;
	int32		company_id;
	int64		shipment_id;
	int32		courier_id;
	int32		rank;
	bool		terminal;
	bool		fresh;
	Datum		values[2];
	Datum		answer;
	OmsJson		j;

	read_doc(doc, &scan);
	oms_spi_connect();
	values[0] = oms_text(scan.courier);
	values[1] = oms_text(scan.awb);
	if (oms_exec(&find_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("courier \"%s\" does not exist", scan.courier),
				 errhint("The couriers are the rows of oms.courier.")));
	if (oms_isnull(0, 2))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("no shipment of courier \"%s\" has AWB \"%s\"", scan.courier, scan.awb)));
	company_id = oms_int4(0, 1);
	shipment_id = oms_int8(0, 2);
	courier_id = oms_int4(0, 3);
	read_code(&scan, &state, &ndr_code);
	oms_shipment_lock(company_id, shipment_id, &s);
	before = s.state;

	/* A cancellation after the hand-over sends the parcel back. */
	if (!s.reverse && strcmp(state, "CANCELLED") == 0 &&
		(s.shipped_at != 0 || s.rank >= RANK_PICKED_UP))
		state = "RTO_INITIATED";
	fresh = keep_scan(&s, courier_id, &scan, state, ndr_code);
	if (fresh)
	{
		values[0] = oms_text(state);
		oms_exec(&state_plan, values, NULL, false, 1);
		rank = oms_int4(0, 1);
		terminal = oms_bool(0, 2);
		/* The courier has what nobody told us was handed over. */
		if (!s.reverse && !s.terminal && s.shipped_at == 0 &&
			rank >= RANK_PICKED_UP && strcmp(state, "CANCELLED") != 0)
		{
			oms_shipment_moved(&s, scan.at);
			oms_shipment_hand_over(&s, scan.at);
		}
		judge(&s, &v);
		if ((s.terminal && contradicts(&s, state, rank, terminal)) || v.conflict)
			conflict_event(&s, state, &scan);
		apply(&s, &v);
		if (!s.reverse && strcmp(state, "NDR") == 0)
			oms_ndr_failed(&s, ndr_code, scan.at);
		oms_ndr_outcomes(&s, s.state);
	}
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", s.shipment_id);
	oms_json_int(&j, "order_id", s.order_id);
	oms_json_str(&j, "state", s.state);
	oms_json_bool(&j, "changed", strcmp(before, s.state) != 0);
	oms_json_bool(&j, "duplicate", !fresh);
	oms_json_int(&j, "attempts", s.attempts);
	answer = SPI_datumTransfer(JsonbPGetDatum(oms_json_end(&j)), false, -1);
	oms_spi_finish();
	return answer;
}

/*
 * The state from all scans
 */
static OmsPlan scans_plan = {
	"SELECT c.state, t.rank, t.terminal, t.rto, c.scanned_at FROM oms.scan c"
	" JOIN oms.shipment_state t ON t.state = c.state"
	" WHERE c.company_id = $1 AND c.shipment_id = $2"
	" ORDER BY t.rank DESC, c.scanned_at DESC, c.scan_id DESC",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan attempts_plan = {
	"SELECT count(DISTINCT scanned_at) FROM oms.scan"
	" WHERE company_id = $1 AND shipment_id = $2 AND state = 'NDR'",
	2, {INT4OID, INT8OID}, NULL
};

static void
judge(const OmsShipment *s, Verdict *v)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	uint64		n = oms_exec(&scans_plan, values, NULL, false, 0);

	v->state = s->state;
	v->rank = s->rank;
	v->rto = s->rto;
	for (uint64 i = 0; i < n; i++)
	{
		TimestampTz at = oms_time(i, 5);

		v->newest = i == 0 ? at : Max(v->newest, at);
		if (oms_bool(i, 4) && (v->rto_at == 0 || at < v->rto_at))
			v->rto_at = at;
	}
	for (uint64 i = 0; i < n && !s->terminal; i++)
	{
		const char *state = oms_cstr(i, 1);
		int32		rank = oms_int4(i, 2);
		bool		rto = oms_bool(i, 4);
		TimestampTz at = oms_time(i, 5);

		if (!s->reverse && v->rto_at != 0 && strcmp(state, "DELIVERED") == 0)
		{
			if (at < v->rto_at)
			{
				v->conflict = true;
				continue;
			}
			state = "RTO_DELIVERED";
			rto = true;
		}
		/* never below what we know ourselves */
		if (rank < RANK_BOOKED && s->awb)
			break;
		if (rank < RANK_PICKED_UP && s->shipped_at != 0)
			break;
		v->state = state;
		v->rank = rank;
		v->rto = rto;
		v->state_at = at;
		break;
	}
	oms_exec(&attempts_plan, values, NULL, false, 1);
	v->attempts = (int32) oms_int8(0, 1);
}

static OmsPlan apply_plan = {
	"UPDATE oms.shipment SET state = $3, attempts = $4, last_scan_at = $5,"
	" delivered_at = CASE WHEN $3 = 'DELIVERED' THEN coalesce(delivered_at, $6) ELSE delivered_at END,"
	" rto_at = CASE WHEN $3 IN ('RTO_DELIVERED', 'RTO_DISPOSED') THEN coalesce(rto_at, $6) ELSE rto_at END,"
	" shipped_at = CASE WHEN direction = 'reverse' AND $7 >= 30 AND $3 <> 'CANCELLED'"
	"  THEN coalesce(shipped_at, $6) ELSE shipped_at END"
	" WHERE company_id = $1 AND shipment_id = $2",
	7, {INT4OID, INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID,
	INT4OID}, NULL
};

static void
apply(OmsShipment *s, const Verdict *v)
{
	Datum		values[7] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		oms_text(v->state), Int32GetDatum(v->attempts),
		TimestampTzGetDatum(v->newest), TimestampTzGetDatum(v->state_at),
		Int32GetDatum(v->rank)
	};
	const char *from = s->state;
	bool		was_rto = s->rto;
	OmsShipmentTurn turn;
	OmsJson		j;

	oms_exec(&apply_plan, values, NULL, false, 0);
	s->attempts = v->attempts;
	if (strcmp(from, v->state) == 0)
		return;
	s->state = v->state;
	s->rank = v->rank;
	s->rto = v->rto;
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_str(&j, "from", from);
	oms_json_str(&j, "to", v->state);
	oms_json_time(&j, "at", v->state_at);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.state",
			  oms_json_end(&j));
	turn.at = v->state_at;
	turn.rto_at = v->rto_at;
	turn.was_rto = was_rto;
	oms_shipment_turned(s, &turn);
	oms_order_refresh(s->company_id, s->order_id);
}

/*
 * Many scans at once
 */
typedef struct BulkScan
{
	Datum		text;
	Jsonb	   *doc;
	Datum		result;
	MemoryContext cxt;			/* where doc and result live */
} BulkScan;

static void
parse_one(void *arg)
{
	BulkScan   *item = arg;

	item->doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												   CStringGetDatum(TextDatumGetCString(item->text))));
}

static void
record_one(void *arg)
{
	BulkScan   *item = arg;

	item->result = record_scan(item->doc);
}

/* All orders of these numbers, locked by order_id: bulk calls do not deadlock. */
static OmsPlan lock_orders_plan = {
	"SELECT 1 FROM oms.\"order\" o WHERE (o.company_id, o.order_id) IN"
	" (SELECT s.company_id, s.order_id FROM oms.shipment s WHERE s.awb = ANY ($1))"
	" ORDER BY o.company_id, o.order_id FOR NO KEY UPDATE",
	1, {TEXTARRAYOID}, NULL
};
static OmsPlan settle_plan = {
	"UPDATE oms.reject SET resolved_at = now() WHERE source = 'record_scan'"
	" AND document_hash = ANY (SELECT md5(d) FROM unnest($1) d) AND resolved_at IS NULL",
	1, {TEXTARRAYOID}, NULL
};

static void
refuse(ReturnSetInfo *rsinfo, BulkScan *item, Datum *row, bool *nulls,
	   ErrorData *err)
{
	char	   *awb = NULL;

	if (item->doc && JB_ROOT_IS_OBJECT(item->doc))
	{
		JsonbValue *v = getKeyJsonValueFromContainer(&item->doc->root, "awb", 3, NULL);

		if (v && v->type == jbvString)
			awb = pnstrdup(v->val.string.val, v->val.string.len);
	}
	oms_reject(0, "record_scan", awb, TextDatumGetCString(item->text), err);
	row[1] = BoolGetDatum(false);
	row[3] = oms_text(psprintf("%s: %s", unpack_sql_state(err->sqlerrcode),
							   err->message));
	nulls[2] = true;
	nulls[3] = false;
}

PG_FUNCTION_INFO_V1(oms_record_scans);

Datum
oms_record_scans(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *texts;
	bool	   *isnull;
	int			n;
	BulkScan   *items;
	ErrorData **errs;
	const char **awbs;
	const char **good;
	int			nawbs = 0;
	int			ngood = 0;
	Datum		values[1];

	oms_require_installed();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &texts, &isnull, &n);
	InitMaterializedSRF(fcinfo, 0);
	items = palloc0(sizeof(BulkScan) * Max(n, 1));
	errs = palloc0(sizeof(ErrorData *) * Max(n, 1));
	awbs = palloc(sizeof(char *) * Max(n, 1));
	good = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		JsonbValue *v;

		CHECK_FOR_INTERRUPTS();
		if (isnull[i])
			continue;
		items[i].text = texts[i];
		if (!oms_try(parse_one, &items[i], &errs[i]) ||
			!JB_ROOT_IS_OBJECT(items[i].doc))
			continue;
		v = getKeyJsonValueFromContainer(&items[i].doc->root, "awb", 3, NULL);
		if (v && v->type == jbvString)
			awbs[nawbs++] = pnstrdup(v->val.string.val, v->val.string.len);
	}
	oms_spi_connect();
	values[0] = oms_text_array(awbs, nawbs);
	oms_exec(&lock_orders_plan, values, NULL, false, 0);
	oms_spi_finish();
	for (int i = 0; i < n; i++)
	{
		Datum		row[4] = {Int32GetDatum(i + 1), BoolGetDatum(true)};
		bool		nulls[4] = {false, false, false, true};

		CHECK_FOR_INTERRUPTS();
		if (isnull[i])
			continue;
		if (errs[i] == NULL && oms_try(record_one, &items[i], &errs[i]))
		{
			row[2] = items[i].result;
			good[ngood++] = TextDatumGetCString(texts[i]);
		}
		else
			refuse(rsinfo, &items[i], row, nulls, errs[i]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	}
	oms_spi_connect();
	values[0] = oms_text_array(good, ngood);
	oms_exec(&settle_plan, values, NULL, false, 0);
	oms_spi_finish();
	return (Datum) 0;
}
