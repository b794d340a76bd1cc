/*
 * postcode.c
 *	  Postal codes: ranges of them, and lists of places served.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "postcode.h"

/* Spaces and hyphens only part the pieces of a code. */
static const char *
next_piece(const char *p)
{
	while (*p && !isalnum((unsigned char) *p))
		p++;
	return p;
}

/* Piece by piece: digits by value, letters by letter, digits first. */
static int
compare_codes(const char *a, const char *b)
{
	for (;;)
	{
		a = next_piece(a);
		b = next_piece(b);
		if (*a == '\0' || *b == '\0')
			return (*a != '\0') - (*b != '\0');
		if (isdigit((unsigned char) *a) && isdigit((unsigned char) *b))
		{
			size_t		la,
						lb;
			int			cmp;

			while (*a == '0')
				a++;
			while (*b == '0')
				b++;
			la = strspn(a, "0123456789");
			lb = strspn(b, "0123456789");
			if (la != lb)
				return la < lb ? -1 : 1;
			cmp = strncmp(a, b, la);
			if (cmp != 0)
				return cmp < 0 ? -1 : 1;
			a += la;
			b += lb;
		}
		else
		{
			int			x = toupper((unsigned char) *a++);
			int			y = toupper((unsigned char) *b++);

			if (x != y)
				return x < y ? -1 : 1;
		}
	}
}

bool
oms_postcode_between(const char *code, const char *from, const char *to)
{
	return (from == NULL || *from == '\0' || compare_codes(code, from) >= 0) &&
		(to == NULL || *to == '\0' || compare_codes(code, to) <= 0);
}

PG_FUNCTION_INFO_V1(oms_postcode_in_range);

/* oms.postcode_in_range(code text, range_from text, range_to text) */
Datum
oms_postcode_in_range(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(oms_postcode_between(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)),
										PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))));
}

static bool
entry_holds(const char *entry, const char *pincode, const char *state_code)
{
	const char *dots = strstr(entry, "..");

	if (dots)
		return oms_postcode_between(pincode, pnstrdup(entry, dots - entry),
									dots + 2);
	if (strlen(entry) == 2)
		return state_code && strcmp(state_code, entry) == 0;
	return strncmp(pincode, entry, strlen(entry)) == 0;
}

bool
oms_place_listed(const char *const *list, int n, const char *pincode,
				 const char *state_code)
{
	bool		listed = false;
	bool		included = false;

	for (int i = 0; i < n; i++)
	{
		bool		not = list[i][0] == '!';

		if (entry_holds(list[i] + not, pincode, state_code))
		{
			if (not)
				return false;
			listed = true;
		}
		included |= !not;
	}
	return listed || (n > 0 && !included);
}
