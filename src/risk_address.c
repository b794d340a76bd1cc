/*
 * risk_address.c
 *	  How much an address looks like one a courier can find.
 *
 * Looks at form only, byte by byte, in one pass.  Scripts other than Latin are
 * counted as words and characters but not judged by their letters, and their
 * digits pass as digits.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "risk_address.h"

#define OMS_ADDRESS_WORDS	8	/* addresses usually have 9 or 10 */
#define OMS_ADDRESS_CHARS	25
#define OMS_ADDRESS_RUN		4	/* letters of one kind in a row */
#define OMS_ADDRESS_CONSONANTS	5	/* in a row; Lakshmi and KPHB have four */

/* One word as it is read */
typedef struct Word
{
	int			alnum;			/* letters, digits and bytes above ASCII */
	int			digits;
	int			run;			/* the last character, so often in a row */
	int			longest_letter_run;
	int			longest_digit_run;
	int			consonants;		/* in a row up to here */
	bool		monkey;
	char		last;
} Word;

static void add_char(Word *w, unsigned char c);
static bool is_separator(unsigned char c);

void
oms_address_quality(const char *address, OmsAddressQuality *quality)
{
	Word		w = {0};
	int			words = 0;
	int			monkeys = 0;
	int			chars;
	bool		digit = false;
	const char *s;

	memset(quality, 0, sizeof(*quality));
	for (s = address ? address : "";; s++)
	{
		if (*s && !is_separator((unsigned char) *s))
		{
			add_char(&w, (unsigned char) *s);
			continue;
		}
		if (w.alnum > 0)
		{
			words++;
			monkeys += w.monkey;
			digit |= w.digits > 0;
			if (w.longest_letter_run >= OMS_ADDRESS_RUN ||
				(w.longest_digit_run >= OMS_ADDRESS_RUN && w.longest_digit_run == w.alnum))
				quality->repeated = true;
		}
		if (*s == '\0')
			break;
		memset(&w, 0, sizeof(w));
	}
	if (words == 0)
	{
		quality->missing = true;
		return;
	}
	chars = pg_mbstrlen(address);
	quality->words_short = Max(0, OMS_ADDRESS_WORDS - words) / (double) OMS_ADDRESS_WORDS;
	quality->chars_short = Max(0, OMS_ADDRESS_CHARS - chars) / (double) OMS_ADDRESS_CHARS;
	quality->no_digit = !digit;
	quality->monkey_share = monkeys / (double) words;
}

static void
add_char(Word *w, unsigned char c)
{
	bool		letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	char		lower = letter ? (char) (c | 0x20) : (char) c;

	if (letter || (c >= '0' && c <= '9') || c >= 0x80)
		w->alnum++;
	w->run = lower == w->last ? w->run + 1 : 1;
	w->last = lower;
	if (letter)
	{
		w->longest_letter_run = Max(w->longest_letter_run, w->run);
		w->consonants = strchr("aeiouy", lower) ? 0 : w->consonants + 1;
		w->monkey |= w->consonants >= OMS_ADDRESS_CONSONANTS;
		return;
	}
	w->consonants = 0;
	if (c >= '0' && c <= '9')
		w->longest_digit_run = Max(w->longest_digit_run, w->run);
	if ((c >= '0' && c <= '9') || c >= 0x80)
		w->digits++;
}

static bool
is_separator(unsigned char c)
{
	return c <= ' ' || strchr(",;:|()[]\"", c) != NULL;
}
