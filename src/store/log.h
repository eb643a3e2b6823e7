/*
 * log.h
 *    Ingest log tables: writing rows of a batch, reading a generation back, truncating.
 */
#ifndef MIMIR_STORE_LOG_H
#define MIMIR_STORE_LOG_H

#include "postgres.h"

#include "store/log_record.h"

/* log_write -- insert the finished rows into the log of a generation.  May ereport. */
extern void log_write(uint32 gen, const LogWriter *w);

/*
 * log_scan -- call fn for every record of a generation, in the order written.  Rows of others that
 * share the table are skipped.  Corrupt rows are an ereport.  fn must not keep pointers into the
 * record.
 */
typedef void (*LogScanFn)(const LogRecord *rec, void *arg);
extern void log_scan(uint32 gen, LogScanFn fn, void *arg);

/*
 * log_truncate -- empty the table of a slot (generation % HEAD_LOG_SLOTS).  Returns false if
 * somebody has it locked: then its rows stay for now, which does no harm.
 */
extern bool log_truncate(uint32 slot);
extern bool log_is_empty(uint32 slot); /* has the table no page at all? */

#endif
