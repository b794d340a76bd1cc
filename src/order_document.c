/*
 * order_document.c
 *	  Reads the canonical order (doc/order.schema.json) and checks each field.
 *
 * Every refusal names the field by its path, the value and the way out.
 * What the schema forbids is refused here too, unknown fields included: a
 * mistyped name must not be lost in silence.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "orders.h"
#include "tax.h"
#include "tax_check.h"

#define MAX_LINES 500
#define MAX_CARTS 100

static void refuse(const char *path, const char *problem,
				   const char *value) pg_attribute_noreturn();
static char *join(const char *path, const char *key);
static void only_fields(JsonbContainer *c, const char *path,
						const char *const *allowed);
static JsonbContainer *get_object(JsonbContainer *c, const char *path,
								  const char *key, bool required);
static char *get_text(JsonbContainer *c, const char *path, const char *key,
					  bool required, int maxlen);
static bool get_number(JsonbContainer *c, const char *path, const char *key,
					   bool required, bool paise, int64 *out);
static bool get_degree(JsonbContainer *c, const char *path, const char *key,
					   double limit, double *out);
static TimestampTz read_time(const char *path, const char *text);
static void read_address(JsonbContainer *c, const char *path, bool cart,
						 OmsAddress *a);
static void read_lines(JsonbContainer *root, bool cart, OmsOrderDoc *out);
static void read_charges(JsonbContainer *root, OmsOrderDoc *out);
static void read_carts(JsonbContainer *root, OmsOrderDoc *out);

static const char *const root_fields[] = {
	"channel", "external_id", "company", "placed_at", "currency", "payment",
	"customer", "ship_to", "bill_to", "lines", "charges", "fulfilment",
	"cart_id", "cart_ids", "priority", "order_class", "supply_type",
	"place_of_supply", NULL
};
static const char *const payment_fields[] = {"mode", "paid_amount", NULL};
static const char *const customer_fields[] = {
	"ref", "name", "phone", "email", "gstin", NULL
};
static const char *const address_fields[] = {
	"name", "phone", "address1", "address2", "landmark", "city", "state",
	"pincode", "country", "lat", "lng", NULL
};
static const char *const line_fields[] = {
	"line_no", "sku", "qty", "unit_price", "discount", NULL
};
static const char *const charge_fields[] = {"kind", "amount", NULL};
static const char *const fulfilment_fields[] = {"mode", "node", "service", "max_days", NULL};

void
oms_order_read(Jsonb *doc, bool cart, OmsOrderDoc *out)
{
	JsonbContainer *root = &doc->root;
	JsonbContainer *c;
	char	   *text;
	int64		priority;
	int64		days;

	memset(out, 0, sizeof(*out));
	if (!JB_ROOT_IS_OBJECT(doc))
		refuse("", "is not an object", NULL);
	only_fields(root, "", root_fields);

	out->channel = get_text(root, "", "channel", true, 100);
	out->external_id = get_text(root, "", "external_id", !cart, 50);
	out->company = get_text(root, "", "company", false, 100);
	out->cart_id = get_text(root, "", "cart_id", false, 100);
	if (get_number(root, "", "priority", false, false, &priority))
	{
		if (priority % 1000 != 0 || priority > 100000)
			refuse("priority", "is not a whole number from 0 to 100", NULL);
		out->priority = (int32) (priority / 1000);
	}
	out->order_class = get_text(root, "", "order_class", false, 100);
	out->currency = get_text(root, "", "currency", false, 3);
	if (out->currency && (strlen(out->currency) != 3 ||
						  strspn(out->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		refuse("currency", "is not a currency code of three capitals",
			   out->currency);
	if ((text = get_text(root, "", "placed_at", false, 40)) != NULL)
	{
		if (strlen(text) < 16 || strspn(text, "0123456789-") < 8)
			refuse("placed_at", "is not an ISO 8601 date and time", text);
		out->placed_at = read_time("placed_at", text);
	}

	if ((c = get_object(root, "", "payment", !cart)) != NULL)
	{
		only_fields(c, "payment", payment_fields);
		text = get_text(c, "payment", "mode", true, 20);
		if (strcmp(text, "COD") != 0 && strcmp(text, "PREPAID") != 0)
			refuse("payment.mode", "is neither COD nor PREPAID", text);
		out->cod = text[0] == 'C';
		out->has_paid = get_number(c, "payment", "paid_amount", false, true,
								   &out->paid);
	}
	if ((c = get_object(root, "", "customer", false)) != NULL)
	{
		only_fields(c, "customer", customer_fields);
		out->customer_ref = get_text(c, "customer", "ref", false, 100);
		out->customer_name = get_text(c, "customer", "name", false, 200);
		out->phone = get_text(c, "customer", "phone", false, 30);
		if (out->phone)
			out->phone = oms_normal_phone(out->phone, "customer.phone");
		out->email = get_text(c, "customer", "email", false, 200);
		out->gstin = get_text(c, "customer", "gstin", false, 15);
		if (out->gstin && (!oms_gstin_valid(out->gstin) ||
						   !oms_state_known(pnstrdup(out->gstin, 2))))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_GSTIN),
					 errmsg("\"%s\" is not a valid GSTIN", out->gstin),
					 errdetail("Field customer.gstin: form, state or check digit is wrong."),
					 errhint("Correct it (oms.check_gstin() says what is wrong), or leave it out for an unregistered buyer.")));
	}
	text = get_text(root, "", "supply_type", false, 6);
	out->supply = text ? oms_supply_of(text) :
		out->gstin ? OMS_SUPPLY_B2B : OMS_SUPPLY_B2C;
	if (out->gstin == NULL && out->supply != OMS_SUPPLY_B2C &&
		!oms_supply_export(out->supply))
		refuse("supply_type", "needs customer.gstin", text);
	out->place_of_supply = get_text(root, "", "place_of_supply", false, 2);
	if (out->place_of_supply && !oms_state_known(out->place_of_supply))
		refuse("place_of_supply", "is not a GST state code", out->place_of_supply);
	if ((c = get_object(root, "", "fulfilment", false)) != NULL)
	{
		only_fields(c, "fulfilment", fulfilment_fields);
		text = get_text(c, "fulfilment", "mode", false, 20);
		if (text && strcmp(text, "SHIP") != 0 && strcmp(text, "CARRY_OUT") != 0)
			refuse("fulfilment.mode", "is neither SHIP nor CARRY_OUT", text);
		out->carry_out = text && text[0] == 'C';
		out->node = get_text(c, "fulfilment", "node", out->carry_out, 100);
		out->service = get_text(c, "fulfilment", "service", false, 100);
		if (get_number(c, "fulfilment", "max_days", false, false, &days))
		{
			if (days % 1000 != 0 || days > 365000)
				refuse("fulfilment.max_days", "is not a whole number from 0 to 365", NULL);
			out->max_days = (int32) (days / 1000);
			out->has_max_days = true;
		}
	}
	if ((c = get_object(root, "", "ship_to", true)) != NULL)
		read_address(c, "ship_to", cart, &out->ship);
	if ((c = get_object(root, "", "bill_to", false)) != NULL)
	{
		out->has_bill = true;
		read_address(c, "bill_to", cart, &out->bill);
	}
	if (out->phone == NULL)
		out->phone = out->ship.phone;
	if (out->customer_name == NULL)
		out->customer_name = out->ship.name;
	read_lines(root, cart, out);
	read_charges(root, out);
	read_carts(root, out);
}

void
oms_order_hash(Jsonb *doc, OmsOrderDoc *out)
{
	uint64		h1,
				h2;

	h1 = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended,
											JsonbPGetDatum(doc), Int64GetDatum(1)));
	h2 = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended,
											JsonbPGetDatum(doc), Int64GetDatum(2)));
	snprintf(out->hash, sizeof(out->hash), "%016llx%016llx",
			 (unsigned long long) h1, (unsigned long long) h2);
}

/* A moment; what timestamptz refuses is refused by the name of the field. */
static TimestampTz
read_time(const char *path, const char *text)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile TimestampTz t = 0;
	volatile bool bad = false;

	PG_TRY();
	{
		t = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
													CStringGetDatum(text),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		/* another error follows at once, so nothing goes on from here */
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		bad = true;
	}
	PG_END_TRY();
	if (bad)
		refuse(path, "is not a date and time", text);
	return t;
}

static void
read_address(JsonbContainer *c, const char *path, bool cart, OmsAddress *a)
{
	const char *part[3];
	StringInfoData street;
	char	   *text;

	only_fields(c, path, address_fields);
	a->name = get_text(c, path, "name", false, 200);
	a->phone = get_text(c, path, "phone", false, 30);
	if (a->phone)
		a->phone = oms_normal_phone(a->phone, join(path, "phone"));
	part[0] = get_text(c, path, "address1", false, 500);
	part[1] = get_text(c, path, "address2", false, 500);
	part[2] = get_text(c, path, "landmark", false, 500);
	initStringInfo(&street);
	for (int i = 0; i < 3; i++)
		if (part[i] && part[i][0])
			appendStringInfo(&street, "%s%s", street.len ? ", " : "", part[i]);
	a->street = street.len ? street.data : NULL;
	a->city = get_text(c, path, "city", false, 100);
	(void) get_text(c, path, "state", false, 100);
	a->pincode = get_text(c, path, "pincode", true, 20);
	if (strlen(a->pincode) != 6 || strspn(a->pincode, "0123456789") != 6 ||
		a->pincode[0] == '0')
		refuse(join(path, "pincode"), "is not a pincode of six digits",
			   a->pincode);
	text = get_text(c, path, "country", false, 2);
	if (text && strcmp(text, "IN") != 0)
		refuse(join(path, "country"), "is not IN", text);
	a->has_point = get_degree(c, path, "lat", 90, &a->lat);
	if (get_degree(c, path, "lng", 180, &a->lng) != a->has_point)
		refuse(path, "has one of lat and lng but not the other", NULL);
}

static void
read_lines(JsonbContainer *root, bool cart, OmsOrderDoc *out)
{
	JsonbValue	v;
	JsonbContainer *array;

	if (getKeyJsonValueFromContainer(root, "lines", 5, &v) == NULL ||
		v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data) ||
		JsonContainerIsScalar(v.val.binary.data))
		refuse("lines", "is missing or not an array", NULL);
	array = v.val.binary.data;
	out->nlines = JsonContainerSize(array);
	if (out->nlines == 0 || out->nlines > MAX_LINES)
		refuse("lines", out->nlines == 0 ? "is empty" :
			   "has more than 500 lines", NULL);
	out->lines = palloc0(sizeof(OmsLine) * out->nlines);
	for (int i = 0; i < out->nlines; i++)
	{
		OmsLine    *l = &out->lines[i];
		JsonbValue *e = getIthJsonbValueFromContainer(array, i);
		char	   *path = psprintf("lines[%d]", i);
		JsonbContainer *c;
		int64		line_no;

		if (e->type != jbvBinary || !JsonContainerIsObject(e->val.binary.data))
			refuse(path, "is not an object", NULL);
		c = e->val.binary.data;
		only_fields(c, path, line_fields);
		l->sku = get_text(c, path, "sku", true, 100);
		get_number(c, path, "qty", true, false, &l->qty);
		if (l->qty <= 0)
			refuse(join(path, "qty"), "is not above zero", NULL);
		l->has_price = get_number(c, path, "unit_price", false, true,
								  &l->unit_price);
		get_number(c, path, "discount", false, true, &l->discount);
		l->line_no = i + 1;
		if (get_number(c, path, "line_no", false, false, &line_no))
		{
			if (line_no % 1000 != 0 || line_no < 1000 || line_no > INT64CONST(1000000000))
				refuse(join(path, "line_no"), "is not a whole number from 1", NULL);
			l->line_no = (int32) (line_no / 1000);
		}
		for (int k = 0; k < i; k++)
			if (out->lines[k].line_no == l->line_no)
				refuse(join(path, "line_no"), "is used twice",
					   psprintf("%d", l->line_no));
	}
}

static void
read_charges(JsonbContainer *root, OmsOrderDoc *out)
{
	static const char *const kinds[] = {
		"SHIPPING", "COD_FEE", "GIFT_WRAP", "CART_DISCOUNT", NULL
	};
	JsonbValue	v;
	JsonbContainer *array;

	if (getKeyJsonValueFromContainer(root, "charges", 7, &v) == NULL)
		return;
	if (v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data))
		refuse("charges", "is not an array", NULL);
	array = v.val.binary.data;
	out->ncharges = JsonContainerSize(array);
	out->charges = palloc0(sizeof(OmsCharge) * (out->ncharges + 1));
	for (int i = 0; i < out->ncharges; i++)
	{
		JsonbValue *e = getIthJsonbValueFromContainer(array, i);
		char	   *path = psprintf("charges[%d]", i);
		bool		known = false;

		if (e->type != jbvBinary || !JsonContainerIsObject(e->val.binary.data))
			refuse(path, "is not an object", NULL);
		only_fields(e->val.binary.data, path, charge_fields);
		out->charges[i].kind = get_text(e->val.binary.data, path, "kind", true, 30);
		for (int k = 0; kinds[k]; k++)
			known = known || strcmp(kinds[k], out->charges[i].kind) == 0;
		if (!known)
			refuse(join(path, "kind"),
				   "is none of SHIPPING, COD_FEE, GIFT_WRAP, CART_DISCOUNT",
				   out->charges[i].kind);
		get_number(e->val.binary.data, path, "amount", true, true,
				   &out->charges[i].amount);
	}
}

/* All carts whose holds are the document's own: cart_id and cart_ids. */
static void
read_carts(JsonbContainer *root, OmsOrderDoc *out)
{
	JsonbValue	v;
	JsonbContainer *array = NULL;
	int			n = 0;

	if (getKeyJsonValueFromContainer(root, "cart_ids", 8, &v) != NULL)
	{
		if (v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data) ||
			JsonContainerIsScalar(v.val.binary.data))
			refuse("cart_ids", "is not an array", NULL);
		array = v.val.binary.data;
		n = JsonContainerSize(array);
		if (n > MAX_CARTS)
			refuse("cart_ids", "has more than 100 carts", NULL);
	}
	out->own_carts = palloc(sizeof(char *) * (n + 1));
	if (out->cart_id)
		out->own_carts[out->nown_carts++] = out->cart_id;
	for (int i = 0; i < n; i++)
	{
		JsonbValue *e = getIthJsonbValueFromContainer(array, i);

		if (e->type != jbvString)
			refuse(psprintf("cart_ids[%d]", i), "is not a text", NULL);
		if (e->val.string.len > 400 ||
			pg_mbstrlen_with_len(e->val.string.val, e->val.string.len) > 100)
			refuse(psprintf("cart_ids[%d]", i),
				   "is longer than 100 characters", NULL);
		out->own_carts[out->nown_carts++] = pnstrdup(e->val.string.val,
													 e->val.string.len);
	}
}

char *
oms_normal_phone(const char *phone, const char *field)
{
	char		digits[11];
	OmsPhone	kind = oms_phone_read(phone, digits);

	if (kind == OMS_PHONE_CHARACTER)
		refuse(field, "has characters no phone number has", NULL);
	if (kind != OMS_PHONE_MOBILE)
		refuse(field, "is not an Indian mobile number (ten digits from 6, with +91, 91 or 0 before it or not)", NULL);
	return pstrdup(digits);
}

/*
 * Field access
 *
 * Values that may be personal data are not repeated in messages: callers
 * pass no value for them.
 */
static void
refuse(const char *path, const char *problem, const char *value)
{
	if (path[0] == '\0')
		path = "document";
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("invalid order document: \"%s\" %s", path, problem),
			 value ? errdetail("Field %s has the value \"%s\".", path, value) :
			 errdetail("Field %s.", path),
			 errhint("The form of an order is in doc/order.schema.json.")));
}

static char *
join(const char *path, const char *key)
{
	return path[0] ? psprintf("%s.%s", path, key) : pstrdup(key);
}

static void
only_fields(JsonbContainer *c, const char *path, const char *const *allowed)
{
	JsonbIterator *it = JsonbIteratorInit(c);
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; allowed[i] && !known; i++)
			known = strlen(allowed[i]) == v.val.string.len &&
				memcmp(allowed[i], v.val.string.val, v.val.string.len) == 0;
		if (!known)
			refuse(join(path, pnstrdup(v.val.string.val, v.val.string.len)),
				   "is not a field of an order", NULL);
	}
}

static JsonbContainer *
get_object(JsonbContainer *c, const char *path, const char *key, bool required)
{
	JsonbValue	v;

	if (getKeyJsonValueFromContainer(c, key, strlen(key), &v) == NULL)
	{
		if (required)
			refuse(join(path, key), "is missing", NULL);
		return NULL;
	}
	if (v.type != jbvBinary || !JsonContainerIsObject(v.val.binary.data))
		refuse(join(path, key), "is not an object", NULL);
	return v.val.binary.data;
}

static char *
get_text(JsonbContainer *c, const char *path, const char *key, bool required,
		 int maxlen)
{
	JsonbValue	v;
	char	   *text;

	if (getKeyJsonValueFromContainer(c, key, strlen(key), &v) == NULL)
	{
		if (required)
			refuse(join(path, key), "is missing", NULL);
		return NULL;
	}
	if (v.type != jbvString)
		refuse(join(path, key), "is not a text", NULL);
	if (v.val.string.len > maxlen * 4 ||
		pg_mbstrlen_with_len(v.val.string.val, v.val.string.len) > maxlen)
		refuse(join(path, key), psprintf("is longer than %d characters", maxlen),
			   NULL);
	text = pnstrdup(v.val.string.val, v.val.string.len);
	if (required && text[strspn(text, " ")] == '\0')
		refuse(join(path, key), "is empty", NULL);
	return text;
}

/* A number not below zero, with at most two (paise) or three decimals. */
static bool
get_number(JsonbContainer *c, const char *path, const char *key,
		   bool required, bool paise, int64 *out)
{
	JsonbValue	v;
	Datum		num;

	if (getKeyJsonValueFromContainer(c, key, strlen(key), &v) == NULL)
	{
		if (required)
			refuse(join(path, key), "is missing", NULL);
		return false;
	}
	if (v.type != jbvNumeric)
		refuse(join(path, key), "is not a number", NULL);
	num = NumericGetDatum(v.val.numeric);
	if (DatumGetInt32(DirectFunctionCall1(numeric_min_scale, num)) > (paise ? 2 : 3))
		refuse(join(path, key), paise ? "has more than two decimals" :
			   "has more than three decimals",
			   DatumGetCString(DirectFunctionCall1(numeric_out, num)));
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, num,
										  NumericGetDatum(int64_to_numeric(99999999999)))) > 0)
		refuse(join(path, key), "is too large", NULL);
	*out = paise ? oms_numeric_to_paise(num) : oms_numeric_to_milli(num);
	if (*out < 0)
		refuse(join(path, key), "is below zero",
			   DatumGetCString(DirectFunctionCall1(numeric_out, num)));
	return true;
}

static bool
get_degree(JsonbContainer *c, const char *path, const char *key, double limit,
		   double *out)
{
	JsonbValue	v;

	if (getKeyJsonValueFromContainer(c, key, strlen(key), &v) == NULL)
		return false;
	if (v.type != jbvNumeric)
		refuse(join(path, key), "is not a number", NULL);
	*out = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(v.val.numeric)));
	if (!(*out >= -limit && *out <= limit))
		refuse(join(path, key), "is outside the globe", NULL);
	return true;
}
