/*
 * prompb.h
 *    The messages that remote write and remote read share: labels, samples, native histograms.
 */
#ifndef MIMIR_WIRE_PROMPB_H
#define MIMIR_WIRE_PROMPB_H

#include "model/histogram.h"
#include "model/labels.h"
#include "wire/protobuf.h"

typedef struct PromSample
{
	int64_t t; /* ms */
	double v;
	int64_t start_t; /* ms, 0 = unset; remote write 2.0 only */
} PromSample;

/* prompb_read_sample -- inline: it is the inner loop of ingestion. */
static inline bool
prompb_read_sample(const PbField *f, PromSample *s)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	int got;

	memset(s, 0, sizeof(*s));
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number == 1 && g.wire == PB_64BIT)
			s->v = value_from_bits(g.u);
		else if (g.number == 2 && g.wire == PB_VARINT)
			s->t = (int64_t) g.u;
		else if (g.number == 3 && g.wire == PB_VARINT)
			s->start_t = (int64_t) g.u;
		else if (g.number <= 3)
			return false;
	}
	return got == 0;
}

/* All readers: false if the message is malformed.  Views point into it. */
extern bool prompb_read_label(const PbField *f, Label *l);
extern bool prompb_read_histogram(const PbField *f, HistogramSample *out); /* from mem_alloc */

extern void prompb_put_labels(Buf *out, uint32_t number, Labels labels);
extern void prompb_put_sample(Buf *out, uint32_t number, int64_t t, double v);
extern void prompb_put_histogram(Buf *out, uint32_t number, const HistogramSample *s);

#endif
