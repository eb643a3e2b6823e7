/*
 * errmap.h
 *    Between Err of the pure layers and ereport.
 */
#ifndef MIMIR_PG_ERRMAP_H
#define MIMIR_PG_ERRMAP_H

#include "postgres.h"

#include "util/err.h"

/* errmap_raise -- ereport(ERROR) with the Err's SQLSTATE and message. */
extern void errmap_raise(const Err *err) pg_attribute_noreturn();

/*
 * errmap_raise_query -- the same for PromQL text: query and position go into the internal query
 * fields, so that psql points at the fault.
 */
extern void errmap_raise_query(const Err *err, const char *query) pg_attribute_noreturn();

/* errmap_from_report -- an ErrorData as Err: the code whose SQLSTATE fits, else INTERNAL. */
extern void errmap_from_report(const ErrorData *edata, Err *err);

#endif
