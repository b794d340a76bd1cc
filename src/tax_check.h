/*
 * tax_check.h
 *	  Form of identifiers: GSTIN is in tax.h; phones here.
 */
#ifndef OMS_TAX_CHECK_H
#define OMS_TAX_CHECK_H

/* What a telephone number is, without +91, 0091, 91 and 0 before it. */
typedef enum OmsPhone
{
	OMS_PHONE_MOBILE,			/* ten digits from 6 */
	OMS_PHONE_LANDLINE,			/* ten digits with the area code, from 1 to 5 */
	OMS_PHONE_CHARACTER,		/* has a character no number has */
	OMS_PHONE_LENGTH,			/* not ten digits */
	OMS_PHONE_START				/* ten digits, but no number begins so */
} OmsPhone;

/* "digits" are the ten of the first two. */
extern OmsPhone oms_phone_read(const char *phone, char digits[11]);

#endif							/* OMS_TAX_CHECK_H */
