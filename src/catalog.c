/*
 * catalog.c
 *	  Working days and local time of a company; files shipped beside the
 *	  extension.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"

#include "catalog.h"
#include "core_memo.h"

PG_FUNCTION_INFO_V1(oms_share_file);

/*
 * Path of a file that "make install" put into SHAREDIR/pg_oms, below the
 * prefix of Debian's extension_destdir where that is set and has the file;
 * NULL when it is nowhere.
 */
Datum
oms_share_file(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *prefix = GetConfigOption("extension_destdir", true, false);
	char		share[MAXPGPATH];
	struct stat st;

	get_share_path(my_exec_path, share);
	for (int i = 0; i < 2; i++)
	{
		char	   *path;

		if (i == 0 && (prefix == NULL || prefix[0] == '\0'))
			continue;
		path = psprintf("%s%s/pg_oms/%s", i == 0 ? prefix : "", share, name);
		if (stat(path, &st) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(path));
	}
	PG_RETURN_NULL();
}

static OmsPlan calendar_plan = {
	"SELECT c.timezone, k.day FROM oms.company c"
	" LEFT JOIN oms.calendar k"
	" ON k.company_id OPERATOR(pg_catalog.=) c.company_id"
	" AND k.day OPERATOR(pg_catalog.>=) $2"
	" AND k.day OPERATOR(pg_catalog.<=) $3"
	" WHERE c.company_id OPERATOR(pg_catalog.=) $1",
	3, {INT4OID, DATEOID, DATEOID}, NULL
};

void
oms_calendar_load(int32 company_id, TimestampTz at, bool read_only,
				  OmsCalendar *cal)
{
	static struct
	{
		LocalTransactionId lxid;
		SubTransactionId subxact;
		CommandId	command;
		int32		company_id;
		DateADT		first;
		OmsCalendar cal;
	}			last;
	static uint64 readings = 0;
	Datum		values[3];
	DateADT		first;
	uint64		n;
	char	   *name;

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a moment is needed, not infinity")));
	/* a day early: the local date may lie behind the one in UTC */
	first = at / USECS_PER_DAY - 1 - (at % USECS_PER_DAY < 0 ? 1 : 0);

	/*
	 * A plan asks for every node it weighs.  Until this transaction writes
	 * something (the command counter moves) the answer stays the same.
	 */
	if (!read_only && last.lxid == MyProc->lxid &&
		last.subxact == GetCurrentSubTransactionId() &&
		last.command == GetCurrentCommandId(false) &&
		last.company_id == company_id && last.first == first)
	{
		*cal = last.cal;
		return;
	}
	values[0] = Int32GetDatum(company_id);
	values[1] = DateADTGetDatum(first);
	values[2] = DateADTGetDatum(first + OMS_CALENDAR_DAYS);

	oms_spi_connect();
	n = oms_memo(&calendar_plan, values, NULL, read_only);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("company %d does not exist", company_id)));
	name = oms_cstr(0, 1);
	cal->tz = pg_tzset(name);
	if (cal->tz == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("time zone \"%s\" of the company does not exist", name),
				 errhint("Correct oms.company.timezone; pg_timezone_names lists them.")));
	cal->reading = ++readings;
	cal->noff = 0;
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		day = oms_datum(i, 2, &isnull);

		if (!isnull && cal->noff < lengthof(cal->off))
			cal->off[cal->noff++] = DatumGetDateADT(day);
	}
	oms_spi_finish();
	if (!read_only)
	{
		last.lxid = MyProc->lxid;
		last.subxact = GetCurrentSubTransactionId();
		last.command = GetCurrentCommandId(false);
		last.company_id = company_id;
		last.first = first;
		last.cal = *cal;
	}
}

DateADT
oms_calendar_day(const OmsCalendar *cal, TimestampTz at, TimeADT *time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (timestamp2tm(at, &tz, &tm, &fsec, NULL, cal->tz) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	if (time)
		*time = ((tm.tm_hour * MINS_PER_HOUR + tm.tm_min) * SECS_PER_MINUTE +
				 tm.tm_sec) * USECS_PER_SEC + fsec;
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

TimestampTz
oms_calendar_moment(const OmsCalendar *cal, DateADT day, TimeADT time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;
	TimestampTz at;

	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	time2tm(time, &tm, &fsec);
	tz = DetermineTimeZoneOffset(&tm, cal->tz);
	if (tm2timestamp(&tm, fsec, &tz, &at) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return at;
}

bool
oms_calendar_working(const OmsCalendar *cal, DateADT day)
{
	if (j2day(day + POSTGRES_EPOCH_JDATE) == 0)
		return false;
	for (int i = 0; i < cal->noff; i++)
	{
		if (cal->off[i] == day)
			return false;
	}
	return true;
}

DateADT
oms_calendar_add(const OmsCalendar *cal, DateADT day, int n)
{
	while (n > 0 || !oms_calendar_working(cal, day))
	{
		day++;
		if (oms_calendar_working(cal, day))
			n--;
		if (n <= 0 && oms_calendar_working(cal, day))
			break;
	}
	return day;
}
