/*
 * catalog.h
 *	  Working days and local time of a company; files shipped beside the
 *	  extension.
 */
#ifndef OMS_CATALOG_H
#define OMS_CATALOG_H

#include "core.h"
#include "pgtime.h"
#include "utils/date.h"

#define OMS_CALENDAR_DAYS 92	/* days off are known so far ahead */

/* Local time and days off of a company around a moment; plain data. */
typedef struct OmsCalendar
{
	uint64		reading;		/* the same for copies of what was read once */
	pg_tz	   *tz;
	int			noff;
	DateADT		off[OMS_CALENDAR_DAYS + 2];
} OmsCalendar;

/* Raises UNKNOWN_REFERENCE when the company or its time zone does not exist. */
extern void oms_calendar_load(int32 company_id, TimestampTz at,
							  bool read_only, OmsCalendar *cal);

/* Local date of a moment, and local time of day unless "time" is NULL. */
extern DateADT oms_calendar_day(const OmsCalendar *cal, TimestampTz at,
								TimeADT *time);

/* The moment of a local date and time of day. */
extern TimestampTz oms_calendar_moment(const OmsCalendar *cal, DateADT day,
									   TimeADT time);

/* Neither a Sunday nor a day off. */
extern bool oms_calendar_working(const OmsCalendar *cal, DateADT day);

/*
 * "n" working days after "day", which itself need not be one; n = 0 gives
 * the first working day from "day" on.
 */
extern DateADT oms_calendar_add(const OmsCalendar *cal, DateADT day, int n);

#endif							/* OMS_CATALOG_H */
