/*
 * log_record.h
 *    The bytes of an ingest log row.
 *
 * A row is self-contained: a header (format version, generation, tenant) and records, one a sample,
 * each relative to the one before in the row.  docs/formats.md has the layout.
 */
#ifndef MIMIR_STORE_LOG_RECORD_H
#define MIMIR_STORE_LOG_RECORD_H

#include "postgres.h"

/*
 * Three rows fill a page: 8168 bytes less line pointers, tuple headers and varlena headers.
 * Only a histogram larger than that makes a longer row (then TOASTed).
 */
#define LOG_ROW_MAX 2680

typedef struct LogRow
{
	char *data; /* a varlena: VARHDRSZ bytes of header first */
	uint32 len; /* bytes after the header */
} LogRow;

typedef struct LogWriter
{
	LogRow *rows;
	int nrows;
	int cap;
	uint32 gen;
	uint32 tenant_id;
	uint8 *p;	/* next byte of the open row; NULL = none open */
	uint8 *end; /* its limit */
	int64 series_id;
	int64 t;
	uint64 bytes; /* of all finished rows */
} LogWriter;

extern void log_writer_init(LogWriter *w, uint32 gen);
extern void log_writer_tenant(LogWriter *w, uint32 tenant_id); /* records from here are its */
extern void log_writer_float(LogWriter *w, int64 series_id, int64 t, double v);
extern void log_writer_histogram(LogWriter *w, int64 series_id, int64 t, const uint8 *form,
								 uint32 len);
extern void log_writer_finish(LogWriter *w);

typedef struct LogRecord
{
	uint32 tenant_id;
	int64 series_id;
	int64 t; /* ms */
	bool is_histogram;
	double v;
	const uint8 *form; /* histogram: its self-contained form */
	uint32 form_len;
} LogRecord;

typedef struct LogReader
{
	const uint8 *p;
	const uint8 *end;
	uint32 gen;
	LogRecord last;
} LogReader;

extern bool log_reader_init(LogReader *r, const uint8 *data, uint32 len); /* false: corrupt */
extern int log_reader_next(LogReader *r, LogRecord *out); /* 1, 0 at the end, -1 corrupt */

#endif
