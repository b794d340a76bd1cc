/*
 * intake.h
 *	  Payloads of channels: maps, values, the canonical document.
 *
 * intake_map.c reads and keeps maps, intake_path.c finds values,
 * intake_value.c reads them, intake_order.c makes the document,
 * intake_unknown.c says what was not read, intake.c captures and keeps,
 * intake_csv.c takes files.
 *
 * Money is int64 millionths of a rupee ("micro") until the document is made:
 * platforms state up to six decimals.
 */
#ifndef OMS_INTAKE_H
#define OMS_INTAKE_H

#include "core.h"

#define OMS_MICRO_PAISA	10000	/* micro in a paisa */

typedef enum OmsTransform
{
	OMS_T_TEXT, OMS_T_MONEY, OMS_T_MINOR, OMS_T_SUM, OMS_T_SUM_MINOR,
	OMS_T_QUANTITY, OMS_T_INTEGER, OMS_T_NUMBER, OMS_T_BOOLEAN, OMS_T_TIME,
	OMS_T_PHONE, OMS_T_PINCODE, OMS_T_STATE, OMS_T_LOOKUP, OMS_T_JOIN,
	OMS_T_CONSTANT
} OmsTransform;

/* What a field is for; in the order of oms_intake_targets[]. */
typedef enum OmsTarget
{
	OMS_I_IGNORE, OMS_I_EXTERNAL_ID, OMS_I_PLACED_AT, OMS_I_CURRENCY,
	OMS_I_TOTAL, OMS_I_TAX_INCLUDED, OMS_I_CART_ID, OMS_I_PRIORITY,
	OMS_I_ORDER_CLASS,
	OMS_I_PAY_MODE, OMS_I_PAY_STATE, OMS_I_PAID, OMS_I_OUTSTANDING,
	OMS_I_CUSTOMER_REF, OMS_I_CUSTOMER_NAME, OMS_I_CUSTOMER_PHONE,
	OMS_I_CUSTOMER_EMAIL, OMS_I_CUSTOMER_GSTIN,
	OMS_I_SHIP_NAME, OMS_I_SHIP_PHONE, OMS_I_SHIP_ADDRESS1,
	OMS_I_SHIP_ADDRESS2, OMS_I_SHIP_LANDMARK, OMS_I_SHIP_CITY,
	OMS_I_SHIP_STATE, OMS_I_SHIP_PINCODE, OMS_I_SHIP_COUNTRY, OMS_I_SHIP_LAT,
	OMS_I_SHIP_LNG,
	OMS_I_BILL_NAME, OMS_I_BILL_PHONE, OMS_I_BILL_ADDRESS1,
	OMS_I_BILL_ADDRESS2, OMS_I_BILL_LANDMARK, OMS_I_BILL_CITY,
	OMS_I_BILL_STATE, OMS_I_BILL_PINCODE, OMS_I_BILL_COUNTRY,
	OMS_I_SHIPPING, OMS_I_SHIPPING_TAX, OMS_I_COD_FEE, OMS_I_COD_FEE_TAX,
	OMS_I_GIFT_WRAP, OMS_I_GIFT_WRAP_TAX, OMS_I_CART_DISCOUNT,
	OMS_I_MODE, OMS_I_NODE, OMS_I_SERVICE, OMS_I_MAX_DAYS,
	OMS_I_LINE_SKIP, OMS_I_LINE_NO, OMS_I_LINE_SKU, OMS_I_LINE_QTY,
	OMS_I_LINE_ORDERED, OMS_I_LINE_PRICE, OMS_I_LINE_DISCOUNT,
	OMS_I_LINE_AMOUNT, OMS_I_LINE_NET, OMS_I_LINE_TAX,
	OMS_I_NTARGETS
} OmsTarget;

#define OMS_I_FIRST_LINE OMS_I_LINE_SKIP

typedef enum OmsKind
{
	OMS_K_TEXT, OMS_K_MONEY, OMS_K_QTY, OMS_K_WHOLE, OMS_K_DEGREE, OMS_K_BOOL,
	OMS_K_TIME
} OmsKind;

typedef struct OmsTargetInfo
{
	const char *name;
	OmsKind		kind;
	int			maxlen;			/* of a text */
	bool		personal;		/* no value in messages */
	bool		strict;			/* what cannot be read refuses the payload */
} OmsTargetInfo;

extern const OmsTargetInfo oms_intake_targets[OMS_I_NTARGETS];

/* A jsonpath; "nkeys" names from $ on where it is nothing else, else -1. */
typedef struct OmsPath
{
	Datum		path;
	char	   *text;
	int			nkeys;
	char	  **keys;
	int		   *keylens;
} OmsPath;

typedef struct OmsField
{
	OmsTarget	target;
	OmsTransform transform;
	char	   *arg;			/* NULL: none */
	bool		required;
	int			npaths;
	OmsPath    *paths;
} OmsField;

/* What of a payload the map reads: names below names; arrays as elements. */
typedef struct OmsKnown
{
	char	   *key;
	int			keylen;
	bool		whole;			/* all of it */
	int			nsub;
	struct OmsKnown **sub;
} OmsKnown;

typedef struct OmsMap
{
	char	   *map;
	char	   *version;
	int			nroots;
	OmsPath    *roots;
	int			nlines;
	OmsPath    *lines;
	int			nfields;
	OmsField   *fields;			/* by target, then priority */
	int			first[OMS_I_NTARGETS + 1];	/* a target's fields */
	bool		uses_vars;
	OmsKnown   *known;
	int			ncsv;
	char	  **csv_keys;
} OmsMap;

/*
 * intake_map.c: the map of a payload, kept until the next call of either.
 * "map" and "version" may be NULL: found by what the payload looks like.
 * csv: the first in force that reads files.
 */
extern const OmsMap *oms_intake_map(const char *map, const char *version,
									Jsonb *payload, TimestampTz at);
extern const OmsMap *oms_intake_csv_map(const char *map, const char *version,
										TimestampTz at);

/* intake_path.c */
extern void oms_path_compile(Datum path, OmsPath *out);	/* copies */
extern void oms_path_known(Datum path, OmsKnown *payload, OmsKnown *doc,
						   OmsKnown *self, OmsKnown **end);
extern bool oms_path_uses_vars(Datum path);
extern OmsKnown *oms_known_add(OmsKnown *at, const char *key, int len);

/* What paths are evaluated on. */
typedef struct OmsSource
{
	JsonbContainer *at;			/* $ */
	int			len;			/* its bytes */
	Jsonb	   *whole;			/* the same; NULL: made when needed */
	Jsonb	   *vars;			/* NULL: none */
} OmsSource;

/* All values a path gives, nulls left out; an array palloc'd. */
extern int	oms_path_values(const OmsPath *path, OmsSource *source,
							JsonbValue **values);
extern bool oms_path_true(const OmsPath *path, Jsonb *payload);

/* intake_unknown.c: path -> value of what no path reads; NULL: nothing. */
extern Jsonb *oms_intake_unknown(const OmsMap *map, Jsonb *payload);

/* A value read. */
typedef struct OmsRead
{
	bool		set;
	char	   *text;
	int64		num;			/* micro, milli, whole, or 1 for true */
} OmsRead;

/*
 * intake_value.c: reads the values of a field; NULL, or what is wrong with
 * one, and then "bad" is it.  Not set: there is none.
 */
extern const char *oms_intake_read(const OmsField *field,
								   const OmsTargetInfo *target,
								   OmsSource *source, OmsRead *out,
								   char **bad);

/* What is wrong, or merely odd. */
typedef struct OmsProblem
{
	char	   *field;
	const char *source;			/* NULL: none */
	const char *what;
	char	   *value;			/* NULL: none */
	bool		personal;
	bool		warning;
} OmsProblem;

/* What was made of a payload. */
typedef struct OmsIntake
{
	const char *map;
	const char *version;
	char	   *external_id;	/* NULL: not known */
	char	   *ignored;		/* the reason, or NULL */
	Jsonb	   *document;		/* NULL: ignored, or problems */
	Jsonb	   *extra;
	int			dropped;
	int			nproblems;
	OmsProblem *problems;
	int			nerrors;		/* problems that are no warnings */
} OmsIntake;

/* intake_order.c: the canonical order of a payload. */
extern void oms_intake_order(const OmsMap *map, int32 company_id,
							 const char *company, const char *channel,
							 bool price_includes_tax, Jsonb *payload,
							 OmsIntake *out);

/*
 * intake.c: for intake_csv.c.  One payload, in a subtransaction; what is
 * refused is kept.  "because": refused for this reason, unread.
 */
typedef struct OmsIntakeChannel
{
	int32		company_id;
	char	   *company;		/* code */
	int32		channel_id;
	char	   *code;
	bool		price_includes_tax;
	char	   *map;			/* NULL: by the payload */
	char	   *version;
} OmsIntakeChannel;

extern void oms_intake_channel(FunctionCallInfo fcinfo, int channel_arg,
							   int company_arg, OmsIntakeChannel *out);
extern void oms_intake_one(const OmsIntakeChannel *channel, Jsonb *payload,
						   TimestampTz at, const char *because,
						   const char *external_id, Datum *values, bool *nulls);

#endif							/* OMS_INTAKE_H */
