/*
 * tax_check.c
 *	  Form of identifiers: GSTIN, PAN, telephone, HSN.
 *
 * oms.check_*() answer what is wrong in words that go behind the value, or
 * NULL.  They look at the text alone; what a pincode is, a table says
 * (sql/20-tax-check.sql).
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "tax.h"
#include "tax_check.h"

#define OMS_GSTIN_LENGTH	15
#define OMS_PAN_LENGTH		10
#define FIVE_CRORE			INT64CONST(50000000)

static const char charset[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

PG_FUNCTION_INFO_V1(oms_is_gstin);
PG_FUNCTION_INFO_V1(oms_check_gstin);
PG_FUNCTION_INFO_V1(oms_check_pan);
PG_FUNCTION_INFO_V1(oms_check_phone);
PG_FUNCTION_INFO_V1(oms_phone_e164);
PG_FUNCTION_INFO_V1(oms_check_hsn);

static bool gstin_in_form(const char *gstin);
static char gstin_digit(const char *gstin);
static bool gstin_has_form(const char *gstin, const char *form);
static bool pan_in_form(const char *pan);
static char *optional(FunctionCallInfo fcinfo, int n);

#define REASON(...) PG_RETURN_TEXT_P(cstring_to_text(psprintf(__VA_ARGS__)))

/* oms.is_gstin(gstin) */
Datum
oms_is_gstin(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	char		gstin[OMS_GSTIN_LENGTH + 1];

	if (VARSIZE_ANY_EXHDR(t) != OMS_GSTIN_LENGTH)
		PG_RETURN_BOOL(false);
	memcpy(gstin, VARDATA_ANY(t), OMS_GSTIN_LENGTH);
	gstin[OMS_GSTIN_LENGTH] = '\0';
	PG_RETURN_BOOL(oms_gstin_valid(gstin));
}

/* oms.check_gstin(gstin, pan, state_code) */
Datum
oms_check_gstin(PG_FUNCTION_ARGS)
{
	char	   *gstin = optional(fcinfo, 0);
	char	   *pan = optional(fcinfo, 1);
	char	   *state = optional(fcinfo, 2);
	char	   *own;

	if (gstin == NULL)
		REASON("is missing");
	if (pg_mbstrlen(gstin) != OMS_GSTIN_LENGTH)
		REASON("has %d characters, a GSTIN has %d",
			   pg_mbstrlen(gstin), OMS_GSTIN_LENGTH);
	if (strlen(gstin) != OMS_GSTIN_LENGTH || !gstin_in_form(gstin))
		REASON("has the form of no GSTIN: state (two digits), PAN, number of the registration, Z, check digit, in capitals");
	own = pnstrdup(gstin, 2);
	if (!oms_state_known(own) || strcmp(own, "96") == 0)
		REASON("begins with %s, which is no state", own);
	if (gstin[OMS_GSTIN_LENGTH - 1] != gstin_digit(gstin))
		REASON("ends with %c, but the check digit is %c",
			   gstin[OMS_GSTIN_LENGTH - 1], gstin_digit(gstin));
	if (pan && strncmp(gstin + 2, pan, OMS_PAN_LENGTH) != 0)
		REASON("does not contain the PAN %s", pan);
	if (state && strcmp(own, state) != 0)
		REASON("is registered in state %s, not %s", own, state);
	PG_RETURN_NULL();
}

/* oms.check_pan(pan) */
Datum
oms_check_pan(PG_FUNCTION_ARGS)
{
	char	   *pan = optional(fcinfo, 0);

	if (pan == NULL)
		REASON("is missing");
	if (pg_mbstrlen(pan) != OMS_PAN_LENGTH)
		REASON("has %d characters, a PAN has %d", pg_mbstrlen(pan),
			   OMS_PAN_LENGTH);
	if (strlen(pan) != OMS_PAN_LENGTH || !pan_in_form(pan))
		REASON("is not five capitals, four digits and a capital");
	if (strchr("ABCEFGHJLPT", pan[3]) == NULL)
		REASON("has %c as its fourth letter, which is no kind of holder", pan[3]);
	PG_RETURN_NULL();
}

static const char *
phone_reason(OmsPhone kind)
{
	switch (kind)
	{
		case OMS_PHONE_CHARACTER:
			return "has characters no phone number has";
		case OMS_PHONE_LENGTH:
			return "does not have ten digits, with +91, 0091, 91 or 0 before them or not";
		case OMS_PHONE_START:
			return "begins as no Indian number does";
		default:
			return NULL;
	}
}

/* oms.check_phone(phone, mobile) */
Datum
oms_check_phone(PG_FUNCTION_ARGS)
{
	char	   *phone = optional(fcinfo, 0);
	bool		mobile = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);
	char		digits[11];
	OmsPhone	kind;

	if (phone == NULL)
		REASON("is missing");
	kind = oms_phone_read(phone, digits);
	if (kind == OMS_PHONE_LANDLINE && mobile)
		REASON("is a landline, not a mobile");
	if (phone_reason(kind))
		REASON("%s", phone_reason(kind));
	PG_RETURN_NULL();
}

/* oms.phone_e164(phone): NULL where it is none */
Datum
oms_phone_e164(PG_FUNCTION_ARGS)
{
	char		digits[11];
	OmsPhone	kind = oms_phone_read(text_to_cstring(PG_GETARG_TEXT_PP(0)), digits);

	if (phone_reason(kind))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("+91%s", digits)));
}

/*
 * oms.check_hsn(hsn, turnover, supply_type): notification 78/2020-CT, four
 * digits up to five crore on supplies to the registered, six above; eight of
 * goods that leave the country.
 */
Datum
oms_check_hsn(PG_FUNCTION_ARGS)
{
	char	   *hsn = optional(fcinfo, 0);
	char	   *type = optional(fcinfo, 2);
	OmsSupply	supply = oms_supply_of(type);
	bool		known = !PG_ARGISNULL(1);
	bool		small = known &&
		DatumGetBool(DirectFunctionCall2(numeric_le, PG_GETARG_DATUM(1),
										 NumericGetDatum(int64_to_numeric(FIVE_CRORE))));
	char		digits[9];
	int			n = 0;
	int			chapter;
	int			needed = 0;

	if (hsn == NULL)
	{
		if (small && type && supply == OMS_SUPPLY_B2C)
			PG_RETURN_NULL();
		REASON("is missing");
	}
	for (const char *p = hsn; *p; p++)
	{
		if (*p == ' ' || *p == '.')
			continue;
		if (*p < '0' || *p > '9')
			REASON("has a character that is no digit");
		if (n == 8)
			REASON("has more than 8 digits");
		digits[n++] = *p;
	}
	digits[n] = '\0';
	if (n % 2 == 1)
		REASON("has %d digits: it lost its leading zero or another digit", n);
	if (n < 4)
		REASON("has %d digits, an invoice needs 4, 6 or 8", n);
	chapter = (digits[0] - '0') * 10 + digits[1] - '0';
	if (chapter == 0 || chapter == 77)
		REASON("is of chapter %.2s, which does not exist", digits);
	if (chapter == 99 && n == 8)
		REASON("is a service code with 8 digits, these have 4 or 6");

	if (oms_supply_export(supply) && chapter != 99)
		needed = 8;
	else if (known && !small)
		needed = 6;
	if (n < needed)
		REASON("has %d digits, %s need %d", n,
			   needed == 8 ? "exports" : "suppliers with a turnover above five crore", needed);
	PG_RETURN_NULL();
}

OmsPhone
oms_phone_read(const char *phone, char digits[11])
{
	char		all[21];
	const char *p;
	int			n = 0;

	for (p = phone; *p; p++)
	{
		if (*p >= '0' && *p <= '9')
		{
			if (n == 20)
				return OMS_PHONE_LENGTH;
			all[n++] = *p;
		}
		else if (strchr("+-. ()", *p) == NULL ||
				 (*p == '+' && n > 0))
			return OMS_PHONE_CHARACTER;
	}
	all[n] = '\0';
	p = all;
	/* the country's, then the trunk's; both are written at times */
	if (n > 12 && strncmp(p, "00", 2) == 0)
		p += 2;
	if (strlen(p) > 11 && strncmp(p, "91", 2) == 0)
		p += 2;
	if (strlen(p) == 11 && *p == '0')
		p++;
	if (strlen(p) != 10)
		return OMS_PHONE_LENGTH;
	strcpy(digits, p);
	return *p >= '6' ? OMS_PHONE_MOBILE : *p >= '1' ? OMS_PHONE_LANDLINE :
		OMS_PHONE_START;
}

/*
 * Forms of a GSTIN: d digit, a letter, x either, n not zero, z as in regular
 * registrations, u U or O; anything else is itself.
 */
static const char *const gstin_forms[] = {
	"ddaaaaaddddanzx",			/* regular */
	"ddaaaaaddddanCx",			/* collects tax at source */
	"ddaaaaxddddanDx",			/* deducts tax at source */
	"ddaaaadddddadZx",			/* government department */
	"ddddaaadddddNRx",			/* non-resident */
	"99ddaaadddddOSx",			/* online services from abroad */
	"ddddaaaddddduNx",			/* United Nations body */
};

bool
oms_gstin_valid(const char *gstin)
{
	return strlen(gstin) == OMS_GSTIN_LENGTH && gstin_in_form(gstin) &&
		gstin[OMS_GSTIN_LENGTH - 1] == gstin_digit(gstin);
}

static bool
gstin_in_form(const char *gstin)
{
	for (int i = 0; i < lengthof(gstin_forms); i++)
		if (gstin_has_form(gstin, gstin_forms[i]))
			return true;
	return false;
}

/* What the last character must be; the others are capitals and digits. */
static char
gstin_digit(const char *gstin)
{
	int			sum = 0;

	for (int i = 0; i < OMS_GSTIN_LENGTH - 1; i++)
	{
		int			product = (strchr(charset, gstin[i]) - charset) * (i % 2 + 1);

		sum += product / 36 + product % 36;
	}
	return charset[(36 - sum % 36) % 36];
}

static bool
gstin_has_form(const char *gstin, const char *form)
{
	for (; *form; form++, gstin++)
	{
		bool		digit = *gstin >= '0' && *gstin <= '9';
		bool		letter = *gstin >= 'A' && *gstin <= 'Z';
		bool		fits;

		switch (*form)
		{
			case 'd':
				fits = digit;
				break;
			case 'a':
				fits = letter;
				break;
			case 'x':
				fits = digit || letter;
				break;
			case 'n':
				fits = letter || (digit && *gstin != '0');
				break;
			case 'z':
				fits = *gstin == 'Z' || (digit && *gstin != '0') ||
					(*gstin >= 'A' && *gstin <= 'J' && *gstin != 'C');
				break;
			case 'u':
				fits = *gstin == 'U' || *gstin == 'O';
				break;
			default:
				fits = *gstin == *form;
				break;
		}
		if (!fits)
			return false;
	}
	return true;
}

static bool
pan_in_form(const char *pan)
{
	for (int i = 0; i < OMS_PAN_LENGTH; i++)
		if (i >= 5 && i <= 8 ? (pan[i] < '0' || pan[i] > '9') :
			(pan[i] < 'A' || pan[i] > 'Z'))
			return false;
	return true;
}

/* Text argument as C string; NULL when null or empty */
static char *
optional(FunctionCallInfo fcinfo, int n)
{
	char	   *s;

	if (PG_ARGISNULL(n))
		return NULL;
	s = text_to_cstring(PG_GETARG_TEXT_PP(n));
	return s[0] ? s : NULL;
}
