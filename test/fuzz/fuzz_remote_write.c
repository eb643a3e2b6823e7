/*
 * fuzz_remote_write.c
 *    Any bytes as a remote-write request, after snappy; the first byte chooses the version.  Everything
 *    the decoder gives is looked at.
 */
#include "util/mem.h"
#include "wire/remote_write.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* of all bytes seen, so that the sanitizer sees them read */

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
look_at(StrView s)
{
	for (uint32_t i = 0; i < s.len; i++)
		sum += (uint8_t) s.s[i];
}

static void
look_at_metadata(const Metadata *m)
{
	check((unsigned) m->type <= METRIC_STATESET);
	look_at(m->family);
	look_at(m->help);
	look_at(m->unit);
}

static void
look_at_series(RwReader *r, const RwSeries *s)
{
	Label *labels;
	Err err = ERR_INIT;
	int n;

	for (int i = 0; i < s->nsamples; i++)
		sum += value_bits(s->samples[i].v) + (uint64_t) s->samples[i].t;
	for (int i = 0; i < s->nhistograms; i++)
	{
		const HistogramSample *h = &s->histograms[i];

		check((h->i != NULL) != (h->f != NULL));
		if (h->i != NULL)
			sum += histogram_validate_int(h->i, NULL);
		else
			sum += histogram_validate(h->f, NULL);
	}
	for (int i = 0; i < s->nexemplars; i++)
		check(labels_check(s->exemplars[i].labels.data, s->exemplars[i].labels.len));
	if (s->has_metadata)
		look_at_metadata(&s->metadata);
	n = rw_series_labels(r, s, &labels, &err);
	check((n < 0) == (err.code != ERR_NONE));
	for (int i = 0; i < n; i++)
	{
		look_at(labels[i].name);
		look_at(labels[i].value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	RwReader *r = rw_reader_create(42);
	Err err = ERR_INIT;
	RwSeries s;
	Metadata m;
	int got = -1;

	if (size > 0 && rw_reader_begin(r, data[0] & 1 ? RW_V2 : RW_V1, data + 1, size - 1, &err))
	{
		while ((got = rw_next_series(r, &s, &err)) == 1)
			look_at_series(r, &s);
		while (got == 0 && (got = rw_next_metadata(r, &m, &err)) == 1)
		{
			look_at_metadata(&m);
			got = 0;
		}
	}
	check(size == 0 || (got < 0) == (err.code == ERR_BAD_REQUEST));
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
