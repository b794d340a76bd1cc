/*
 * erp_log.h
 *	  Writing oms.erp_change, and reading it back.
 */
#ifndef OMS_ERP_LOG_H
#define OMS_ERP_LOG_H

#include "lib/stringinfo.h"

/* What changes are of: a table as attached. Lives as long as the session. */
typedef struct OmsErpSource
{
	char	   *relation;		/* its name as attached */
	char	   *header;			/* start of the images: "[[" names "]" */
} OmsErpSource;

extern void oms_erp_capture_init(void);
extern void oms_erp_log_init(void);

/*
 * One change: begin, append ",[values]" to the buffer for each image, end.
 * Never fails on what the log is like; where it cannot be written, nothing
 * is, and the server's log says so.
 */
extern StringInfo oms_erp_log_begin(const OmsErpSource *source, char op);
extern void oms_erp_log_end(void);

/* Writes what statements still under way have changed, to be read now. */
extern void oms_erp_log_flush(void);

#endif							/* OMS_ERP_LOG_H */
