/*
 * openmetrics.h
 *    Pull parser of the text formats: OpenMetrics 1.0 and Prometheus' own 0.0.4.
 *
 *    OmReader *r = om_reader_create(om_detect(text, len), text, len);
 *    while ((got = om_next(r, &item, &err)) == 1)
 *        ...
 *    om_reader_free(r);
 *
 * It takes what Prometheus 3 takes and refuses what it refuses; classic histograms and summaries are
 * ordinary series.  Errors begin with the number of the line.
 */
#ifndef MIMIR_WIRE_OPENMETRICS_H
#define MIMIR_WIRE_OPENMETRICS_H

#include "model/exemplar.h"
#include "util/err.h"

typedef enum OmFormat
{
	OM_OPENMETRICS,
	OM_PROMETHEUS
} OmFormat;

typedef enum OmKind
{
	OM_SAMPLE,
	OM_TYPE, /* metadata: family and type, */
	OM_HELP, /* family and help, */
	OM_UNIT	 /* family and unit */
} OmKind;

/* Everything it points to is scratch of the reader or the text: valid until the next item. */
typedef struct OmItem
{
	OmKind kind;
	int line;		   /* from 1 */
	Metadata metadata; /* of the other kinds; type is the last TYPE's in samples too */

	Labels labels; /* with __name__ */
	double value;  /* any NaN is Prometheus' one */
	bool has_t;
	int64_t t; /* ms */
	bool has_exemplar;
	bool exemplar_has_t;
	Exemplar exemplar;
} OmItem;

typedef struct OmReader OmReader;

/* om_detect -- OpenMetrics ends with "# EOF", nothing else does. */
extern OmFormat om_detect(const char *text, size_t len);

/* om_reader_create -- text must outlive the reader; at most 4 GB. */
extern OmReader *om_reader_create(OmFormat format, const char *text, size_t len);
extern void om_reader_free(OmReader *r);
extern int om_next(OmReader *r, OmItem *out, Err *err); /* 1, 0 at the end, -1 with err */

#endif
