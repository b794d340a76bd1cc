/*
 * intake_order.c
 *	  The canonical order (doc/order.schema.json) of a channel's payload.
 *
 * Amounts.  A platform states a line as unit price and discount, or as what
 * it costs before and after discounts, with tax or without.  What a line
 * costs the buyer (net) is worked out in micro and rounded on the running sum
 * over lines and charges, so that the order's total is the exact total,
 * rounded once.  Unit price and discount are then made to give that net.
 */
#include "postgres.h"

#include "intake.h"

/* Platform's total and ours may differ by so much: rounding to whole rupees. */
#define TOTAL_SLACK INT64CONST(1000000)

/* Of a line, in micro; 500 of them are still an int64. */
#define MOST INT64CONST(9999999999000000)
#define MAX_LINES 500

typedef struct Line
{
	int32		line_no;
	char	   *sku;
	int64		qty;			/* milli */
	bool		priced;
	int64		gross;			/* micro, before discount */
	int64		net;			/* micro */
	int64		discount;		/* micro, where not priced */
	int64		price;			/* paise; 0: none stated */
	int64		net_paise;
	int64		unit_paise;
	int64		discount_paise;
} Line;

typedef struct Charge
{
	const char *kind;
	OmsTarget	amount;
	OmsTarget	tax;
	int64		micro;
	int64		paise;
	bool		set;
} Charge;

typedef struct Work
{
	const OmsMap *map;
	OmsSource	source;			/* the order */
	bool		includes_tax;	/* the channel's prices */
	bool		stated_with;	/* the payload's */
	OmsRead		read[OMS_I_NTARGETS];
	Line	   *lines;
	int			nlines;
	Charge		charges[4];
	int64		total;			/* micro, as the payload counts */
	int64		total_paise;
	bool		partly;			/* lines were left out or made smaller */
	OmsIntake  *out;
	int			maxproblems;
} Work;

static void
problem(Work *w, const OmsField *f, OmsTarget target, int line,
		const char *what, const char *value, bool warning)
{
	OmsIntake  *out = w->out;
	OmsProblem *p;
	const char *name = oms_intake_targets[target].name;

	if (out->nproblems == w->maxproblems)
	{
		w->maxproblems = w->maxproblems ? w->maxproblems * 2 : 8;
		out->problems = out->problems ?
			repalloc(out->problems, sizeof(OmsProblem) * w->maxproblems) :
			palloc(sizeof(OmsProblem) * w->maxproblems);
	}
	p = &out->problems[out->nproblems++];
	p->field = line < 0 ? pstrdup(name) :
		psprintf("lines[%d]%s", line, name + strlen("lines[]"));
	p->source = NULL;
	if (f && f->npaths > 0)
	{
		StringInfoData s;

		initStringInfo(&s);
		for (int i = 0; i < f->npaths; i++)
			appendStringInfo(&s, "%s%s", i ? ", " : "", f->paths[i].text);
		p->source = s.data;
	}
	p->what = what;
	p->value = value ? pstrdup(value) : NULL;
	p->personal = oms_intake_targets[target].personal;
	p->warning = warning;
	if (!warning)
		out->nerrors++;
}

/* Reads a target from its fields; line -1: of the order. */
static void
read_target(Work *w, OmsTarget t, OmsSource *source, int line)
{
	const OmsTargetInfo *info = &oms_intake_targets[t];
	const OmsField *required = NULL;
	OmsRead    *r = &w->read[t];

	memset(r, 0, sizeof(*r));
	for (int i = w->map->first[t]; i < w->map->first[t + 1]; i++)
	{
		const OmsField *f = &w->map->fields[i];
		char	   *bad;
		const char *wrong = oms_intake_read(f, info, source, r, &bad);

		if (wrong)
			problem(w, f, t, line, wrong, bad, !info->strict && !f->required);
		if (wrong && (info->strict || f->required))
			return;
		if (r->set)
			return;
		if (f->required && required == NULL)
			required = f;
	}
	if (required)
		problem(w, required, t, line, "is missing", NULL, false);
}

/* Rows of "ignore" stand each for itself. */
static bool
read_ignore(Work *w)
{
	for (int i = w->map->first[OMS_I_IGNORE]; i < w->map->first[OMS_I_IGNORE + 1]; i++)
	{
		const OmsField *f = &w->map->fields[i];
		OmsField	g = *f;
		OmsRead		r;
		char	   *bad;
		const char *wrong;

		g.arg = NULL;			/* the reason */
		wrong = oms_intake_read(&g, &oms_intake_targets[OMS_I_IGNORE], &w->source, &r, &bad);
		if (wrong)
			problem(w, f, OMS_I_IGNORE, -1, wrong, bad, false);
		else if (r.set && r.num)
		{
			w->out->ignored = pstrdup(f->arg ? f->arg : "IGNORED");
			return true;
		}
	}
	return false;
}

static int64
absolute(int64 n)
{
	return n < 0 ? -n : n;
}

/* micro to paise, half away from zero */
static int64
paise(int64 micro)
{
	return oms_muldiv(micro, 1, OMS_MICRO_PAISA);
}

/*
 * From the payload's prices to the channel's: with tax or without.  False
 * where the tax is not known.
 */
static bool
convert_tax(Work *w, int64 *gross, int64 *net, const OmsRead *tax, int64 t)
{
	if (w->stated_with == w->includes_tax || *net == 0)
		return true;
	if (!tax->set)
		return false;
	if (w->stated_with)
		t = -t;
	/* its share of what is before the discount; a tax above the value is none */
	*gross += absolute(t) <= *net ? oms_muldiv(t, *gross, *net) : t;
	*net = *net + t;
	return *net >= 0;
}

static void
read_line(Work *w, JsonbValue *v, int i)
{
	OmsSource	source = {v->val.binary.data, v->val.binary.len, NULL, w->source.vars};
	OmsRead    *r = w->read;
	Line	   *l = &w->lines[w->nlines];
	int64		ordered;
	int64		tax;
	int64		discount;
	int			errors = w->out->nerrors;

	memset(l, 0, sizeof(*l));
	read_target(w, OMS_I_LINE_SKIP, &source, i);
	read_target(w, OMS_I_LINE_QTY, &source, i);
	if ((r[OMS_I_LINE_SKIP].set && r[OMS_I_LINE_SKIP].num) ||
		(r[OMS_I_LINE_QTY].set && r[OMS_I_LINE_QTY].num == 0))
	{
		w->partly = true;		/* no goods, or cancelled, or refunded */
		w->out->dropped++;
		return;
	}
	for (int t = OMS_I_FIRST_LINE; t < OMS_I_NTARGETS; t++)
		if (t != OMS_I_LINE_SKIP && t != OMS_I_LINE_QTY)
			read_target(w, t, &source, i);
	if (!r[OMS_I_LINE_SKU].set || !r[OMS_I_LINE_QTY].set)
	{
		if (w->out->nerrors == errors)
			problem(w, NULL, r[OMS_I_LINE_SKU].set ? OMS_I_LINE_QTY : OMS_I_LINE_SKU, i, "is missing", NULL, false);
		return;
	}
	l->line_no = r[OMS_I_LINE_NO].set ? (int32) r[OMS_I_LINE_NO].num : i + 1;
	l->sku = r[OMS_I_LINE_SKU].text;
	l->qty = r[OMS_I_LINE_QTY].num;
	ordered = r[OMS_I_LINE_ORDERED].set ? r[OMS_I_LINE_ORDERED].num : l->qty;
	if (l->qty < 0 || ordered < 0)
	{
		problem(w, NULL, OMS_I_LINE_QTY, i, "is below zero", r[OMS_I_LINE_QTY].text, false);
		return;
	}
	ordered = Max(ordered, l->qty);
	w->partly = w->partly || ordered != l->qty;

	for (int t = OMS_I_LINE_PRICE; t <= OMS_I_LINE_TAX; t++)
		if (r[t].set && r[t].num < 0 && t != OMS_I_LINE_DISCOUNT)
		{
			problem(w, NULL, t, i, "is below zero", r[t].text, false);
			return;
		}
	discount = absolute(r[OMS_I_LINE_DISCOUNT].num);
	l->discount = oms_muldiv(discount, l->qty, ordered);
	tax = r[OMS_I_LINE_TAX].num;
	l->priced = r[OMS_I_LINE_PRICE].set || r[OMS_I_LINE_AMOUNT].set || r[OMS_I_LINE_NET].set;
	if (r[OMS_I_LINE_AMOUNT].set)
		l->gross = r[OMS_I_LINE_AMOUNT].num;
	else if (r[OMS_I_LINE_PRICE].set &&
			 (int128) r[OMS_I_LINE_PRICE].num * ordered / 1000 > MOST)
		l->gross = MOST + 1;
	else if (r[OMS_I_LINE_PRICE].set)
		l->gross = oms_muldiv(r[OMS_I_LINE_PRICE].num, ordered, 1000);
	else
		l->gross = r[OMS_I_LINE_NET].num + discount;
	if (l->gross > MOST || (int128) l->gross * 1000 / l->qty > MOST ||
		(int128) r[OMS_I_LINE_NET].num * 1000 / l->qty > MOST ||
		w->total > (MAX_LINES - 1) * MOST / 2)
	{
		problem(w, NULL, OMS_I_LINE_PRICE, i, "is out of range: the line is worth too much", NULL, false);
		return;
	}
	l->net = r[OMS_I_LINE_NET].set ? r[OMS_I_LINE_NET].num : l->gross - discount;
	l->gross = Max(l->gross, l->net);
	if (l->net < 0)
	{
		problem(w, NULL, OMS_I_LINE_DISCOUNT, i, "is more than the line costs", r[OMS_I_LINE_DISCOUNT].text, false);
		return;
	}
	if (ordered != l->qty)
	{
		l->gross = oms_muldiv(l->gross, l->qty, ordered);
		l->net = oms_muldiv(l->net, l->qty, ordered);
		tax = oms_muldiv(tax, l->qty, ordered);
	}
	w->total += l->net + (w->stated_with ? 0 : tax);
	if (l->priced && !convert_tax(w, &l->gross, &l->net, &r[OMS_I_LINE_TAX], tax))
	{
		problem(w, NULL, OMS_I_LINE_TAX, i, w->stated_with ?
				"is needed: the channel's prices are without tax, the payload's with" :
				"is needed: the channel's prices are with tax, the payload's without", NULL, false);
		return;
	}
	if (!l->priced && l->discount > 0 && w->stated_with != w->includes_tax &&
		w->out->nerrors == errors)
		problem(w, NULL, OMS_I_LINE_PRICE, i, "is needed to turn the discount into the channel's prices", NULL, false);
	/* a unit price that may stay as it is stated */
	if (r[OMS_I_LINE_PRICE].set && w->stated_with == w->includes_tax &&
		r[OMS_I_LINE_PRICE].num % OMS_MICRO_PAISA == 0)
		l->price = r[OMS_I_LINE_PRICE].num / OMS_MICRO_PAISA;
	w->nlines++;
}

static void
read_lines(Work *w)
{
	JsonbValue *found = NULL;
	int			n = 0;

	for (int i = 0; i < w->map->nlines && n == 0; i++)
		n = oms_path_values(&w->map->lines[i], &w->source, &found);
	if (n == 0)
	{
		OmsField	f = {0};

		f.npaths = w->map->nlines;
		f.paths = w->map->lines;
		problem(w, &f, OMS_I_LINE_SKU, 0, "is missing: there are no lines", NULL, false);
		return;
	}
	if (n > MAX_LINES)
	{
		problem(w, NULL, OMS_I_LINE_SKU, MAX_LINES, "is one line too many: an order has at most 500", NULL, false);
		return;
	}
	w->lines = palloc(sizeof(Line) * n);
	for (int i = 0; i < n; i++)
		if (found[i].type == jbvBinary && !JsonContainerIsArray(found[i].val.binary.data))
			read_line(w, &found[i], i);
		else
			problem(w, NULL, OMS_I_LINE_SKU, i, "cannot be read: the line is not an object", NULL, false);
}

static void
read_charges(Work *w)
{
	static const Charge kinds[] = {
		{"SHIPPING", OMS_I_SHIPPING, OMS_I_SHIPPING_TAX, 0, 0, false},
		{"COD_FEE", OMS_I_COD_FEE, OMS_I_COD_FEE_TAX, 0, 0, false},
		{"GIFT_WRAP", OMS_I_GIFT_WRAP, OMS_I_GIFT_WRAP_TAX, 0, 0, false},
		{"CART_DISCOUNT", OMS_I_CART_DISCOUNT, OMS_I_NTARGETS, 0, 0, false},
	};

	memcpy(w->charges, kinds, sizeof(kinds));
	for (int i = 0; i < lengthof(kinds); i++)
	{
		Charge	   *c = &w->charges[i];
		OmsRead    *r = &w->read[c->amount];
		OmsRead    *tax = c->tax == OMS_I_NTARGETS ? NULL : &w->read[c->tax];
		int64		gross = 0;

		if (!r->set || r->num == 0)
			continue;
		c->set = true;
		c->micro = r->num;
		if (tax == NULL)
		{
			c->micro = absolute(c->micro);
			w->total -= c->micro;
			if (w->stated_with != w->includes_tax)
				problem(w, NULL, c->amount, -1, "is with tax where the channel's prices are not, or without where they are: it cannot be spread", r->text, false);
			continue;
		}
		if (c->micro < 0 || tax->num < 0)
		{
			problem(w, NULL, c->amount, -1, "is below zero", r->text, false);
			continue;
		}
		w->total += c->micro + (w->stated_with ? 0 : tax->num);
		if (!convert_tax(w, &gross, &c->micro, tax, tax->num) && w->stated_with)
			problem(w, NULL, c->tax, -1, "is needed: the channel's prices are without tax, the payload's with", NULL, true);
	}
}

/* Rounds, on the running sum; prices and discounts that give it. */
static void
round_amounts(Work *w)
{
	int64		sum = 0;
	int64		rounded = 0;

	for (int i = 0; i < w->nlines; i++)
	{
		Line	   *l = &w->lines[i];

		if (!l->priced)
		{
			l->discount_paise = paise(l->discount);
			continue;
		}
		sum += l->net;
		l->net_paise = paise(sum) - rounded;
		rounded += l->net_paise;
		l->unit_paise = l->price;
		if (l->price == 0 || oms_muldiv(l->price, l->qty, 1000) < l->net_paise)
		{
			/* rounded up: the discount takes up what is too much */
			l->unit_paise = oms_muldiv(Max(l->gross, l->net), 1000, l->qty);
			l->unit_paise = (l->unit_paise + OMS_MICRO_PAISA - 1) / OMS_MICRO_PAISA;
			while (oms_muldiv(l->unit_paise, l->qty, 1000) < l->net_paise)
				l->unit_paise++;
		}
		l->discount_paise = oms_muldiv(l->unit_paise, l->qty, 1000) - l->net_paise;
	}
	w->total_paise = rounded;
	for (int i = 0; i < lengthof(w->charges); i++)
	{
		Charge	   *c = &w->charges[i];
		bool		off = c->amount == OMS_I_CART_DISCOUNT;

		if (!c->set)
			continue;
		sum += off ? -c->micro : c->micro;
		c->paise = off ? rounded - paise(sum) : paise(sum) - rounded;
		rounded += off ? -c->paise : c->paise;
		w->total_paise = rounded;
	}
}

static void
check_total(Work *w)
{
	OmsRead    *r = &w->read[OMS_I_TOTAL];

	for (int i = 0; i < w->nlines; i++)
		if (!w->lines[i].priced)
			return;
	if (!r->set || w->partly || absolute(r->num - w->total) <= TOTAL_SLACK)
		return;
	problem(w, &w->map->fields[w->map->first[OMS_I_TOTAL]], OMS_I_TOTAL, -1,
			psprintf("is not what lines and charges add up to, " INT64_FORMAT ".%02d",
					 paise(w->total) / 100, (int) absolute(paise(w->total) % 100)),
			r->text, true);
}

/*
 * Mode and what is paid.  paid: all of it, and nothing is collected; unpaid:
 * nothing; else what is stated.
 */
static void
write_payment(Work *w, OmsJson *j)
{
	OmsRead    *mode = &w->read[OMS_I_PAY_MODE];
	OmsRead    *state = &w->read[OMS_I_PAY_STATE];
	OmsRead    *paid = &w->read[OMS_I_PAID];
	OmsRead    *due = &w->read[OMS_I_OUTSTANDING];
	bool		cod = strcmp(mode->text, "COD") == 0;
	bool		all = state->set && strcmp(state->text, "paid") == 0;
	bool		none = state->set && strcmp(state->text, "unpaid") == 0;
	int64		amount = -1;
	int64		worth = Max(paise(w->total), w->total_paise);	/* with tax */

	if (paid->set)
		amount = paise(paid->num);
	else if (due->set && !all)
		amount = worth - paise(due->num);
	if (none && !paid->set)
		amount = 0;
	if (amount >= worth && amount > 0 && !none)
		all = true;
	oms_json_object(j, "payment");
	oms_json_str(j, "mode", cod && !all ? "COD" : "PREPAID");
	if (!all && amount >= 0 && (amount > 0 || !cod))
		oms_json_paise(j, "paid_amount", Min(amount, Max(w->total_paise, 0)));
	oms_json_close_object(j);
}

static void
write_text(Work *w, OmsJson *j, const char *key, OmsTarget t)
{
	if (w->read[t].set)
		oms_json_str(j, key, w->read[t].text);
}

/* Between first and last: the targets of one address, by their last names. */
static void
write_address(Work *w, OmsJson *j, const char *key, OmsTarget first,
			  OmsTarget last)
{
	oms_json_object(j, key);
	for (int t = first; t <= last; t++)
	{
		const char *name = strchr(oms_intake_targets[t].name, '.') + 1;
		OmsRead    *r = &w->read[t];

		if (!r->set || strcmp(name, "lat") == 0 || strcmp(name, "lng") == 0)
			continue;
		oms_json_str(j, name, r->text);
	}
	if (first == OMS_I_SHIP_NAME && w->read[OMS_I_SHIP_LAT].set && w->read[OMS_I_SHIP_LNG].set)
	{
		oms_json_float(j, "lat", w->read[OMS_I_SHIP_LAT].num / 1e6, 6);
		oms_json_float(j, "lng", w->read[OMS_I_SHIP_LNG].num / 1e6, 6);
	}
	oms_json_close_object(j);
}

static Jsonb *
write_document(Work *w, const char *company, const char *channel)
{
	OmsRead    *r = w->read;
	OmsJson		j;
	bool		any = false;

	oms_json_begin(&j);
	oms_json_str(&j, "channel", channel);
	oms_json_str(&j, "company", company);
	oms_json_str(&j, "external_id", w->out->external_id);
	write_text(w, &j, "placed_at", OMS_I_PLACED_AT);
	write_text(w, &j, "currency", OMS_I_CURRENCY);
	write_text(w, &j, "cart_id", OMS_I_CART_ID);
	write_text(w, &j, "order_class", OMS_I_ORDER_CLASS);
	if (r[OMS_I_PRIORITY].set)
		oms_json_int(&j, "priority", r[OMS_I_PRIORITY].num);
	write_payment(w, &j);
	for (int t = OMS_I_CUSTOMER_REF; t <= OMS_I_CUSTOMER_GSTIN; t++)
		any = any || r[t].set;
	if (any)
	{
		oms_json_object(&j, "customer");
		write_text(w, &j, "ref", OMS_I_CUSTOMER_REF);
		write_text(w, &j, "name", OMS_I_CUSTOMER_NAME);
		write_text(w, &j, "phone", OMS_I_CUSTOMER_PHONE);
		write_text(w, &j, "email", OMS_I_CUSTOMER_EMAIL);
		write_text(w, &j, "gstin", OMS_I_CUSTOMER_GSTIN);
		oms_json_close_object(&j);
	}
	write_address(w, &j, "ship_to", OMS_I_SHIP_NAME, OMS_I_SHIP_LNG);
	if (r[OMS_I_BILL_PINCODE].set &&
		(!r[OMS_I_BILL_COUNTRY].set || strcmp(r[OMS_I_BILL_COUNTRY].text, "IN") == 0))
		write_address(w, &j, "bill_to", OMS_I_BILL_NAME, OMS_I_BILL_COUNTRY);
	oms_json_array(&j, "lines");
	for (int i = 0; i < w->nlines; i++)
	{
		Line	   *l = &w->lines[i];

		oms_json_object(&j, NULL);
		oms_json_int(&j, "line_no", l->line_no);
		oms_json_str(&j, "sku", l->sku);
		oms_json_milli(&j, "qty", l->qty);
		if (l->priced)
			oms_json_paise(&j, "unit_price", l->unit_paise);
		if (l->discount_paise > 0)
			oms_json_paise(&j, "discount", l->discount_paise);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	any = false;
	for (int i = 0; i < lengthof(w->charges); i++)
	{
		if (!w->charges[i].set || w->charges[i].paise <= 0)
			continue;
		if (!any)
			oms_json_array(&j, "charges");
		any = true;
		oms_json_object(&j, NULL);
		oms_json_str(&j, "kind", w->charges[i].kind);
		oms_json_paise(&j, "amount", w->charges[i].paise);
		oms_json_close_object(&j);
	}
	if (any)
		oms_json_close_array(&j);
	if (r[OMS_I_MODE].set || r[OMS_I_NODE].set || r[OMS_I_SERVICE].set || r[OMS_I_MAX_DAYS].set)
	{
		oms_json_object(&j, "fulfilment");
		write_text(w, &j, "mode", OMS_I_MODE);
		write_text(w, &j, "node", OMS_I_NODE);
		write_text(w, &j, "service", OMS_I_SERVICE);
		if (r[OMS_I_MAX_DAYS].set)
			oms_json_int(&j, "max_days", r[OMS_I_MAX_DAYS].num);
		oms_json_close_object(&j);
	}
	return oms_json_end(&j);
}

static OmsPlan node_pincode_plan = {
	"SELECT pincode FROM oms.node WHERE company_id = $1 AND code = $2",
	2, {INT4OID, TEXTOID}, NULL
};

/* Over the counter it is handed over where the counter stands. */
static void
counter_address(Work *w, int32 company_id)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(w->read[OMS_I_NODE].text)};

	bool		exists;

	oms_spi_connect();
	exists = oms_exec(&node_pincode_plan, values, NULL, false, 1) > 0;
	if (exists && !oms_isnull(0, 1))
	{
		w->read[OMS_I_SHIP_PINCODE].set = true;
		w->read[OMS_I_SHIP_PINCODE].text = oms_strdup(caller, oms_cstr(0, 1));
	}
	oms_spi_finish();
	if (!exists)
		problem(w, NULL, OMS_I_NODE, -1, "does not exist", w->read[OMS_I_NODE].text, false);
}

static bool
is_wrong(const Work *w, OmsTarget t)
{
	for (int p = 0; p < w->out->nproblems; p++)
		if (!w->out->problems[p].warning &&
			strcmp(w->out->problems[p].field, oms_intake_targets[t].name) == 0)
			return true;
	return false;
}

/* What an order has to have, whatever the map says. */
static void
check_order(Work *w, int32 company_id)
{
	static const OmsTarget needed[] = {
		OMS_I_EXTERNAL_ID, OMS_I_PAY_MODE, OMS_I_SHIP_PINCODE
	};
	OmsRead    *r = w->read;

	if (r[OMS_I_MODE].set && strcmp(r[OMS_I_MODE].text, "CARRY_OUT") == 0 &&
		!r[OMS_I_SHIP_PINCODE].set)
	{
		if (r[OMS_I_NODE].set)
			counter_address(w, company_id);
		else if (!is_wrong(w, OMS_I_NODE))
			problem(w, NULL, OMS_I_NODE, -1, "is missing: over which counter it goes", NULL, false);
	}
	for (int i = 0; i < lengthof(needed); i++)
	{
		bool		said = is_wrong(w, needed[i]);

		/* the counter's place, if only we knew which */
		if (needed[i] == OMS_I_SHIP_PINCODE && is_wrong(w, OMS_I_NODE))
			said = true;
		if (!r[needed[i]].set && !said)
			problem(w, w->map->first[needed[i]] < w->map->first[needed[i] + 1] ?
					&w->map->fields[w->map->first[needed[i]]] : NULL,
					needed[i], -1, "is missing", NULL, false);
	}
	if (r[OMS_I_PAY_MODE].set && strcmp(r[OMS_I_PAY_MODE].text, "COD") != 0 &&
		strcmp(r[OMS_I_PAY_MODE].text, "PREPAID") != 0)
		problem(w, NULL, OMS_I_PAY_MODE, -1, "is neither COD nor PREPAID", r[OMS_I_PAY_MODE].text, false);
	if (r[OMS_I_PAY_STATE].set && strcmp(r[OMS_I_PAY_STATE].text, "paid") != 0 &&
		strcmp(r[OMS_I_PAY_STATE].text, "unpaid") != 0 && strcmp(r[OMS_I_PAY_STATE].text, "partial") != 0)
		problem(w, NULL, OMS_I_PAY_STATE, -1, "is none of paid, unpaid and partial", r[OMS_I_PAY_STATE].text, false);
	if (r[OMS_I_SHIP_COUNTRY].set && strcmp(r[OMS_I_SHIP_COUNTRY].text, "IN") != 0)
		problem(w, NULL, OMS_I_SHIP_COUNTRY, -1, "is not IN", r[OMS_I_SHIP_COUNTRY].text, false);
}

/* The order in the payload, and what its paths may name. */
static bool
find_root(Work *w, Jsonb *payload)
{
	OmsSource	all = {&payload->root, 0, payload, NULL};
	JsonbValue *v;
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue	whole;

	if (!JB_ROOT_IS_OBJECT(payload))
		return false;
	for (int i = 0; i < w->map->nroots && w->source.at == NULL; i++)
		if (oms_path_values(&w->map->roots[i], &all, &v) == 1 && v[0].type == jbvBinary &&
			!JsonContainerIsArray(v[0].val.binary.data))
		{
			w->source.at = v[0].val.binary.data;
			w->source.len = v[0].val.binary.len;
		}
	if (w->source.at == NULL)
		w->source.at = &payload->root;
	if (w->source.at == &payload->root || w->map->nroots == 0)
		w->source.whole = payload;
	if (!w->map->uses_vars)
		return true;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	whole.type = key.type = jbvString;
	whole.type = jbvBinary;
	whole.val.binary.len = 0;
	key.val.string.val = "doc";
	key.val.string.len = 3;
	pushJsonbValue(&state, WJB_KEY, &key);
	whole.val.binary.data = w->source.at;
	pushJsonbValue(&state, WJB_VALUE, &whole);
	key.val.string.val = "payload";
	key.val.string.len = 7;
	pushJsonbValue(&state, WJB_KEY, &key);
	whole.val.binary.data = &payload->root;
	pushJsonbValue(&state, WJB_VALUE, &whole);
	w->source.vars = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return true;
}

void
oms_intake_order(const OmsMap *map, int32 company_id, const char *company,
				 const char *channel, bool price_includes_tax, Jsonb *payload,
				 OmsIntake *out)
{
	Work	   *w = palloc0(sizeof(Work));
	OmsRead    *with = &w->read[OMS_I_TAX_INCLUDED];

	w->map = map;
	w->out = out;
	w->includes_tax = price_includes_tax;
	out->map = pstrdup(map->map);
	out->version = pstrdup(map->version);
	if (!find_root(w, payload))
	{
		problem(w, NULL, OMS_I_EXTERNAL_ID, -1, "cannot be read: the payload is not an object", NULL, false);
		return;
	}
	out->extra = oms_intake_unknown(map, payload);
	read_target(w, OMS_I_EXTERNAL_ID, &w->source, -1);
	out->external_id = w->read[OMS_I_EXTERNAL_ID].text;
	if (read_ignore(w))
		return;
	for (int t = OMS_I_EXTERNAL_ID + 1; t < OMS_I_FIRST_LINE; t++)
		read_target(w, t, &w->source, -1);
	w->stated_with = with->set ? with->num != 0 : price_includes_tax;
	read_lines(w);
	check_order(w, company_id);
	if (out->nerrors == 0 && w->nlines == 0)
		out->ignored = "NOTHING_LEFT";
	read_charges(w);
	if (out->nerrors > 0 || out->ignored)
		return;
	round_amounts(w);
	check_total(w);
	out->document = write_document(w, company, channel);
}
