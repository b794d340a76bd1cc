/*
 * core_statement.h
 *	  Reading the text of our own statements, which are written just so.
 */
#ifndef OMS_CORE_STATEMENT_H
#define OMS_CORE_STATEMENT_H

#include "nodes/pg_list.h"

/* Each reads at **s and goes on behind what it read. */

/* A name, quoted or not; NULL when there is none. */
extern char *oms_read_name(const char **s);

/* "(a, b)" as a list of names; NIL when it is anything else. */
extern List *oms_read_names(const char **s);

/* Exactly these characters. */
extern bool oms_read_word(const char **s, const char *word);

#endif							/* OMS_CORE_STATEMENT_H */
