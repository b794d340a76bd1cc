/*
 * intake_value.c
 *	  Values as platforms write them: money, quantities, times, phones,
 *	  words of their vocabularies.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"

#include "compat.h"
#include "core_memo.h"
#include "intake.h"

#define TEXT(name, len, personal, strict) {name, OMS_K_TEXT, len, personal, strict}
#define MONEY(name) {name, OMS_K_MONEY, 0, false, true}

/* In the order of OmsTarget. */
const OmsTargetInfo oms_intake_targets[OMS_I_NTARGETS] = {
	{"ignore", OMS_K_BOOL, 0, false, true},
	TEXT("external_id", 0, false, true),
	{"placed_at", OMS_K_TIME, 0, false, true},
	TEXT("currency", 0, false, true),
	MONEY("total"),
	{"tax_included", OMS_K_BOOL, 0, false, true},
	TEXT("cart_id", 0, false, true),
	{"priority", OMS_K_WHOLE, 0, false, true},
	TEXT("order_class", 0, false, true),
	TEXT("payment.mode", 0, false, true),
	TEXT("payment.state", 0, false, true),
	MONEY("payment.paid_amount"),
	MONEY("payment.outstanding"),
	TEXT("customer.ref", 100, false, false),
	TEXT("customer.name", 200, true, false),
	TEXT("customer.phone", 30, true, false),
	TEXT("customer.email", 200, true, false),
	TEXT("customer.gstin", 0, false, true),
	TEXT("ship_to.name", 200, true, false),
	TEXT("ship_to.phone", 30, true, false),
	TEXT("ship_to.address1", 500, true, false),
	TEXT("ship_to.address2", 500, true, false),
	TEXT("ship_to.landmark", 500, true, false),
	TEXT("ship_to.city", 100, false, false),
	TEXT("ship_to.state", 100, false, false),
	TEXT("ship_to.pincode", 20, false, true),
	TEXT("ship_to.country", 100, false, true),
	{"ship_to.lat", OMS_K_DEGREE, 0, true, false},
	{"ship_to.lng", OMS_K_DEGREE, 0, true, false},
	TEXT("bill_to.name", 200, true, false),
	TEXT("bill_to.phone", 30, true, false),
	TEXT("bill_to.address1", 500, true, false),
	TEXT("bill_to.address2", 500, true, false),
	TEXT("bill_to.landmark", 500, true, false),
	TEXT("bill_to.city", 100, false, false),
	TEXT("bill_to.state", 100, false, false),
	TEXT("bill_to.pincode", 20, false, false),
	TEXT("bill_to.country", 100, false, false),
	MONEY("charges.SHIPPING"),
	MONEY("charges.SHIPPING.tax"),
	MONEY("charges.COD_FEE"),
	MONEY("charges.COD_FEE.tax"),
	MONEY("charges.GIFT_WRAP"),
	MONEY("charges.GIFT_WRAP.tax"),
	MONEY("charges.CART_DISCOUNT"),
	TEXT("fulfilment.mode", 0, false, true),
	TEXT("fulfilment.node", 0, false, true),
	TEXT("fulfilment.service", 0, false, true),
	{"fulfilment.max_days", OMS_K_WHOLE, 0, false, true},
	{"lines[].skip", OMS_K_BOOL, 0, false, true},
	{"lines[].line_no", OMS_K_WHOLE, 0, false, true},
	TEXT("lines[].sku", 0, false, true),
	{"lines[].qty", OMS_K_QTY, 0, false, true},
	{"lines[].ordered_qty", OMS_K_QTY, 0, false, true},
	MONEY("lines[].unit_price"),
	MONEY("lines[].discount"),
	MONEY("lines[].amount"),
	MONEY("lines[].net"),
	MONEY("lines[].tax"),
};

static OmsPlan lookup_plan = {
	"SELECT v.value FROM (SELECT w.value, 0 AS rank, w.priority, w.match FROM oms.intake_value w WHERE w.vocabulary = $1 AND w.match = lower($2)"
	" UNION ALL SELECT w.value, 1, w.priority, w.match FROM oms.intake_value w"
	"  WHERE w.vocabulary = $1 AND w.match LIKE '%\\%%' AND lower($2) LIKE w.match) v"
	" ORDER BY v.rank, v.priority, v.match COLLATE \"C\" LIMIT 1",
	2, {TEXTOID, TEXTOID}, NULL
};

/* What our vocabulary says of a word; NULL: nothing.  The caller's memory. */
static char *
look_up(const char *vocabulary, const char *word)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {oms_text(vocabulary), oms_text(word)};
	char	   *value = NULL;

	oms_spi_connect();
	if (oms_memo(&lookup_plan, values, NULL, false) > 0)
		value = oms_strdup(caller, oms_cstr(0, 1));
	oms_spi_finish();
	return value;
}

/*
 * A decimal number, with a currency sign before it or not, thousands apart
 * by commas or not; rounded half away from zero to "scale" places.  NULL, or
 * what is wrong.
 */
static const char *
read_decimal(const char *text, int scale, int64 *out)
{
	static const char *const signs[] = {"\xe2\x82\xb9", "Rs.", "Rs", "INR", NULL};
	const char *s = text;
	bool		negative = false;
	bool		digits = false;
	int			places = -1;	/* behind the point */
	int			group = -1;		/* digits since the last comma */
	int			round = 0;
	int64		n = 0;

	while (isspace((unsigned char) *s))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	for (int i = 0; signs[i]; i++)
		if (pg_strncasecmp(s, signs[i], strlen(signs[i])) == 0)
		{
			s += strlen(signs[i]);
			break;
		}
	while (isspace((unsigned char) *s))
		s++;
	if (!negative && *s == '-')
		negative = *s++ == '-';
	for (; *s; s++)
	{
		if (*s >= '0' && *s <= '9')
		{
			digits = true;
			if (places < 0 && group >= 0)
				group++;
			if (places == scale)
				round = *s - '0';
			if (places >= scale)
			{
				places++;
				continue;
			}
			if (places >= 0)
				places++;
			if (pg_mul_s64_overflow(n, 10, &n) || pg_add_s64_overflow(n, *s - '0', &n))
				return "is out of range";
		}
		else if (*s == ',' && places < 0 && digits && (group < 0 || group == 2 || group == 3))
			group = 0;
		else if (*s == '.' && places < 0 && (group < 0 || group == 3))
			places = 0;
		else if (isspace((unsigned char) *s))
		{
			while (isspace((unsigned char) *s))
				s++;
			if (*s)
				return "is not a number";
			break;
		}
		else
			return "is not a number";
	}
	if (!digits || (places < 0 && group >= 0 && group != 3))
		return "is not a number";
	for (int i = Max(places, 0); i < scale; i++)
		if (pg_mul_s64_overflow(n, 10, &n))
			return "is out of range";
	if (round >= 5 && pg_add_s64_overflow(n, 1, &n))
		return "is out of range";
	*out = negative ? -n : n;
	return NULL;
}

/* Amounts an order can have, in micro. */
static const char *
read_money(const char *text, bool minor, int64 *out)
{
	const char *wrong = read_decimal(text, minor ? 4 : 6, out);

	if (wrong == NULL && (*out > INT64CONST(9999999999000000) || *out < -INT64CONST(9999999999000000)))
		return "is out of range";
	return wrong;
}

static const char *
read_boolean(const char *text, int64 *out)
{
	static const char *const yes[] = {"true", "yes", "y", "t", "1", "on", NULL};
	static const char *const no[] = {"false", "no", "n", "f", "0", "off", NULL};

	for (int i = 0; yes[i]; i++)
		if (pg_strcasecmp(text, yes[i]) == 0)
			return *out = 1, NULL;
	for (int i = 0; no[i]; i++)
		if (pg_strcasecmp(text, no[i]) == 0)
			return *out = 0, NULL;
	return "is neither true nor false";
}

/* Ten digits of an Indian mobile number. */
static const char *
read_phone(const char *text, char **out)
{
	char		digits[21];
	int			n = 0;
	const char *p;

	for (p = text; *p && n < 20; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
		else if (strchr("+- ().", *p) == NULL)
			return "is not an Indian mobile number";
	digits[n] = '\0';
	p = digits;
	if (n == 14 && strncmp(p, "0091", 4) == 0)
		p += 4;
	else if (n == 12 && strncmp(p, "91", 2) == 0)
		p += 2;
	else if (n == 11 && p[0] == '0')
		p += 1;
	if (strlen(p) != 10 || p[0] < '6')
		return "is not an Indian mobile number";
	*out = pstrdup(p);
	return NULL;
}

static const char *
read_pincode(const char *text, char **out)
{
	char		digits[7];
	int			n = 0;

	for (const char *p = text; *p; p++)
		if (*p >= '0' && *p <= '9' && n < 6)
			digits[n++] = *p;
		else if (*p != ' ' && *p != '-')
			return "is not a pincode of six digits";
	digits[n] = '\0';
	if (n != 6 || digits[0] == '0')
		return "is not a pincode of six digits";
	*out = pstrdup(digits);
	return NULL;
}

/* Whether a time names its zone: behind the date a sign, or letters. */
static bool
has_zone(const char *text)
{
	int			n = 0;

	for (const char *p = text; *p; p++)
	{
		bool		letter = isalpha((unsigned char) *p);

		if (*p == ':' || n > 0)
			n++;				/* we are in the time of day */
		if (n == 0)
			continue;
		if (*p == '+' || *p == '-')
			return true;
		if (letter && !((*p == 'A' || *p == 'a' || *p == 'P' || *p == 'p') &&
						(p[1] == 'M' || p[1] == 'm') && p[2] == '\0'))
			return true;
		if (letter)
			return false;
	}
	return false;
}

static int
month_of(const char *name)
{
	static const char *const names[] = {
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
		"nov", "dec"
	};

	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(names[i], name) == 0)
			return i + 1;
	return 0;
}

/* ISO 8601, day or month first where "arg" says so, or seconds since 1970. */
static const char *
read_time(const char *text, const char *arg, char **out)
{
	char		zone[64] = "Asia/Kolkata";
	char	   *order = NULL;
	char	   *s = pstrdup(text);
	char		work[MAXDATELEN + 128];
	char	   *field[MAXDATEFIELDS];
	int			ftype[MAXDATEFIELDS];
	int			nf;
	int			dtype;
	int			tz;
	struct pg_tm tm;
	fsec_t		fsec;
	TimestampTz t;
	char		month[4];
	int			a,
				b,
				y,
				len;

	if (arg)
	{
		strlcpy(zone, arg, sizeof(zone));
		if ((order = strchr(zone, ' ')) != NULL)
			*order++ = '\0';
		else if (strcmp(zone, "dmy") == 0 || strcmp(zone, "mdy") == 0)
		{
			order = pstrdup(zone);
			strcpy(zone, "Asia/Kolkata");
		}
	}
	if (strlen(s) > 60)
		return "is not a date and time";
	if (strspn(s, "0123456789") == strlen(s) && strlen(s) >= 9 && strlen(s) <= 13)
	{
		int64		epoch = strtoll(s, NULL, 10);

		if (strlen(s) > 10)
			epoch /= 1000;
		t = (epoch - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400)) * USECS_PER_SEC;
	}
	else
	{
		if (sscanf(s, "%2d%*1[- /]%3[A-Za-z]%*[^0-9]%4d%n", &a, month, &y, &len) == 3 &&
			(b = month_of(month)) > 0)
			s = psprintf("%04d-%02d-%02d%s", y < 100 ? 2000 + y : y, b, a, s + len);
		else if (order && sscanf(s, "%2d%*1[-/.]%2d%*1[-/.]%4d%n", &a, &b, &y, &len) == 3)
			s = psprintf("%04d-%02d-%02d%s", y < 100 ? 2000 + y : y,
						 order[0] == 'm' ? a : b, order[0] == 'm' ? b : a, s + len);
		if (strspn(s, "0123456789") != 4 || s[4] != '-')
			return "is not a date and time";
		/* India's, not Israel's */
		len = strlen(s);
		if (len > 4 && pg_strcasecmp(s + len - 4, " IST") == 0)
			s = psprintf("%.*s+05:30", len - 4, s);
		/* without a time of day there is no zone either */
		if (!has_zone(s))
			s = psprintf("%s %s", s, zone);
		if (ParseDateTime(s, work, sizeof(work), field, ftype, MAXDATEFIELDS, &nf) != 0 ||
			oms_decode_datetime(field, ftype, nf, &dtype, &tm, &fsec, &tz) != 0 ||
			dtype != DTK_DATE || tm2timestamp(&tm, fsec, &tz, &t) != 0)
			return "is not a date and time";
	}
	if (timestamp2tm(t, NULL, &tm, &fsec, NULL, NULL) != 0 || tm.tm_year < 2000 || tm.tm_year > 2999)
		return "is out of range";
	*out = fsec == 0 ? psprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
								tm.tm_hour, tm.tm_min, tm.tm_sec) :
		psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
				 tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
	return NULL;
}

/* A scalar as text, without blanks around it; NULL: empty, or none. */
static char *
scalar_text(const JsonbValue *v, const char **wrong)
{
	char	   *s;
	int			len;

	switch (v->type)
	{
		case jbvString:
			s = pnstrdup(v->val.string.val, v->val.string.len);
			break;
		case jbvNumeric:
			s = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
			break;
		case jbvBool:
			s = pstrdup(v->val.boolean ? "true" : "false");
			break;
		default:
			*wrong = "is not a single value";
			return NULL;
	}
	while (isspace((unsigned char) *s))
		s++;
	len = strlen(s);
	while (len > 0 && isspace((unsigned char) s[len - 1]))
		s[--len] = '\0';
	return len ? s : NULL;
}

/* A text as what the target wants. */
static const char *
convert(const OmsField *field, const OmsTargetInfo *target, char *text,
		OmsRead *out)
{
	OmsTransform how = field->transform;
	const char *wrong = NULL;

	if (how == OMS_T_LOOKUP)
	{
		char	   *value = look_up(field->arg ? field->arg : "", text);

		if (value == NULL)
			return psprintf("is not in the vocabulary \"%s\" (oms.intake_value)",
							field->arg ? field->arg : "");
		text = value;
	}
	if (how == OMS_T_STATE)
	{
		char	   *value = look_up("state", text);

		if (value == NULL)
			return "is not a state";
		text = value;
	}
	if (how == OMS_T_TIME || target->kind == OMS_K_TIME)
		wrong = read_time(text, how == OMS_T_TIME ? field->arg : NULL, &text);
	else if (how == OMS_T_PHONE)
		wrong = read_phone(text, &text);
	else if (how == OMS_T_PINCODE)
		wrong = read_pincode(text, &text);
	else if (target->kind == OMS_K_MONEY)
		wrong = read_money(text, how == OMS_T_MINOR || how == OMS_T_SUM_MINOR, &out->num);
	else if (target->kind == OMS_K_BOOL)
		wrong = read_boolean(text, &out->num);
	else if (target->kind == OMS_K_QTY)
	{
		wrong = read_decimal(text, 6, &out->num);
		if (wrong == NULL && out->num % 1000 != 0)
			wrong = "has more than three decimals";
		if (wrong == NULL && out->num > INT64CONST(99999999999000000))
			wrong = "is out of range";
		out->num /= 1000;
	}
	else if (target->kind == OMS_K_WHOLE)
	{
		wrong = read_decimal(text, 6, &out->num);
		if (wrong == NULL && out->num % 1000000 != 0)
			wrong = "is not a whole number";
		out->num /= 1000000;
		if (wrong == NULL && (out->num < 0 || out->num > 1000000))
			wrong = "is out of range";
	}
	else if (target->kind == OMS_K_DEGREE && strchr(text, ','))
	{
		/* "lat,lng" */
		char	   *comma = strchr(text, ',');
		bool		lng = strcmp(target->name, "ship_to.lng") == 0;

		wrong = read_decimal(lng ? comma + 1 : pnstrdup(text, comma - text), 6, &out->num);
	}
	else if (target->kind == OMS_K_DEGREE)
		wrong = read_decimal(text, 6, &out->num);
	if (wrong)
		return wrong;
	if (target->maxlen > 0 && pg_mbstrlen(text) > target->maxlen)
		text = pnstrdup(text, pg_mbcharcliplen(text, strlen(text), target->maxlen));
	out->text = text;
	out->set = true;
	return NULL;
}

const char *
oms_intake_read(const OmsField *field, const OmsTargetInfo *target,
				OmsSource *source, OmsRead *out, char **bad)
{
	bool		sum = field->transform == OMS_T_SUM || field->transform == OMS_T_SUM_MINOR;
	int64		total = 0;
	const char *first = NULL;
	StringInfoData joined;

	memset(out, 0, sizeof(*out));
	*bad = NULL;
	if (field->transform == OMS_T_CONSTANT)
		return field->arg ? convert(field, target, pstrdup(field->arg), out) : NULL;
	if (field->transform == OMS_T_JOIN)
		initStringInfo(&joined);
	for (int p = 0; p < field->npaths; p++)
	{
		JsonbValue *values;
		int			n = oms_path_values(&field->paths[p], source, &values);

		for (int i = 0; i < n; i++)
		{
			const char *wrong = NULL;
			char	   *text = scalar_text(&values[i], &wrong);

			if (text == NULL && wrong == NULL)
				continue;
			if (wrong == NULL && field->transform == OMS_T_JOIN)
			{
				appendStringInfo(&joined, "%s%s", joined.len ? (field->arg ? field->arg : " ") : "", text);
				continue;
			}
			if (wrong == NULL)
				wrong = convert(field, target, text, out);
			if (wrong == NULL && sum && pg_add_s64_overflow(total, out->num, &total))
				wrong = "is out of range";
			if (wrong && first == NULL)
			{
				first = wrong;
				*bad = text;
			}
			if (wrong && (sum || target->strict))
			{
				memset(out, 0, sizeof(*out));
				return wrong;
			}
			if (!wrong && !sum)
			{
				*bad = NULL;	/* another was wrong and is not needed */
				return NULL;
			}
		}
	}
	if (sum && out->set)
	{
		out->num = total;
		if (total > INT64CONST(9999999999000000) || total < -INT64CONST(9999999999000000))
			return "is out of range";
	}
	if (field->transform == OMS_T_JOIN && joined.len > 0)
		return convert(field, target, joined.data, out);
	return out->set ? NULL : first;
}
