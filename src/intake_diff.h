/*
 * intake_diff.h
 *	  Where two documents differ.
 */
#ifndef OMS_INTAKE_DIFF_H
#define OMS_INTAKE_DIFF_H

#include "utils/jsonb.h"

/* Paths, with the values before and now where they are not personal data. */
extern char *oms_intake_diff(Jsonb *before, Jsonb *now);

#endif							/* OMS_INTAKE_DIFF_H */
