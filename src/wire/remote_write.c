/*
 * remote_write.c
 *    Pull decoder of remote-write bodies.
 *
 * Protobuf by hand (wire/protobuf.h).  Unknown fields are skipped by their wire type; a known field
 * of another wire type than ours is malformed.
 *
 * The key of a series:
 *    1.0  senders put a series' labels first and in one run: the run's bytes are hashed as they
 *         stand.  Labels in several runs are hashed run by run, chained.
 *    2.0  each symbol is hashed once per request; the key hashes the sequence of the hashes of
 *         the referred symbols.
 */
#include "wire/remote_write.h"

#include "util/mem.h"
#include "wire/prompb.h"

struct RwReader
{
	uint64_t seed;
	RwVersion version;
	const uint8_t *start;
	const uint8_t *p; /* next field of the request */
	const uint8_t *end;
	const uint8_t *meta; /* next field to look at for metadata */

	StrView *symbols;
	Hash128 *symbol_hashes;
	int nsymbols, cap_symbols;
	int cap_symbol_hashes;

	RwSample *samples;
	int cap_samples;
	HistogramSample *histograms;
	int cap_histograms;
	Exemplar *exemplars;
	int cap_exemplars;
	Label *labels;
	int cap_labels;
	uint64_t *refs;
	int cap_refs;
	LabelsBuilder builder;
};

static bool
malformed(Err *err)
{
	return err_set(err, ERR_BAD_REQUEST, -1, "proto: illegal wireType or truncated message");
}

RwReader *
rw_reader_create(uint64_t key_seed)
{
	RwReader *r = mem_alloc0(sizeof(RwReader));

	r->seed = key_seed;
	labels_builder_init(&r->builder);
	return r;
}

/* 2.0: the symbol table stands anywhere in the request, in practice in front. */
static bool
read_symbols(RwReader *r, Err *err)
{
	const uint8_t *p = r->start;
	PbField f;
	int got;

	r->nsymbols = 0;
	while ((got = pb_next(&p, r->end, &f)) == 1)
	{
		if (f.number != 4)
			continue;
		if (f.wire != PB_BYTES)
			return malformed(err);
		PB_GROW(r->symbols, r->nsymbols, r->cap_symbols);
		r->symbols[r->nsymbols++] = strview((const char *) f.bytes, f.len);
	}
	if (got < 0)
		return malformed(err);
	if (r->cap_symbol_hashes < r->nsymbols)
	{
		r->cap_symbol_hashes = r->cap_symbols;
		r->symbol_hashes =
			mem_realloc(r->symbol_hashes, sizeof(Hash128) * (size_t) r->cap_symbol_hashes);
	}
	for (int i = 0; i < r->nsymbols; i++)
		r->symbol_hashes[i] = hash128(r->symbols[i].s, r->symbols[i].len, r->seed ^ 2);
	return true;
}

bool
rw_reader_begin(RwReader *r, RwVersion version, const uint8_t *body, size_t len, Err *err)
{
	r->version = version;
	r->start = r->p = r->meta = body;
	r->end = body + len;
	if (version == RW_V2)
		return read_symbols(r, err);
	return true;
}

/* ---- parts of a series ------------------------------------------------------------------------- */

/* Packed or single uint32 references, appended to r->refs. */
static bool
add_refs(RwReader *r, const PbField *f, int *n)
{
	const uint8_t *p = f->bytes;
	uint64_t u;

	if (f->wire == PB_VARINT)
	{
		PB_GROW(r->refs, *n, r->cap_refs);
		r->refs[(*n)++] = f->u;
		return true;
	}
	if (f->wire != PB_BYTES)
		return false;
	while (p < f->bytes + f->len)
	{
		if ((p = varint_get(p, f->bytes + f->len, &u)) == NULL)
			return false;
		PB_GROW(r->refs, *n, r->cap_refs);
		r->refs[(*n)++] = u;
	}
	return true;
}

static bool
valid_refs(const RwReader *r, int n)
{
	for (int i = 0; i < n; i++)
		if (r->refs[i] >= (uint64_t) r->nsymbols)
			return false;
	return n % 2 == 0;
}

static bool
read_exemplar(RwReader *r, const PbField *f, Exemplar *e)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	Label l;
	int nrefs = 0;
	int got;

	memset(e, 0, sizeof(*e));
	labels_builder_reset(&r->builder);
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number == 1 && r->version == RW_V2)
		{
			if (!add_refs(r, &g, &nrefs))
				return false;
		}
		else if (g.number == 1)
		{
			if (g.wire != PB_BYTES || !prompb_read_label(&g, &l))
				return false;
			labels_builder_set(&r->builder, l.name, l.value);
		}
		else if (g.number == 2 && g.wire == PB_64BIT)
			e->value = value_from_bits(g.u);
		else if (g.number == 3 && g.wire == PB_VARINT)
			e->t = (int64_t) g.u;
		else if (g.number <= 3)
			return false;
	}
	if (got < 0)
		return false;
	if (valid_refs(r, nrefs))
		for (int i = 0; i < nrefs; i += 2)
			labels_builder_set(&r->builder, r->symbols[r->refs[i]], r->symbols[r->refs[i + 1]]);
	e->labels = labels_builder_finish(&r->builder);
	return true;
}

static StrView
symbol(const RwReader *r, uint64_t ref)
{
	return ref < (uint64_t) r->nsymbols ? r->symbols[ref] : strview("", 0);
}

static bool
read_series_metadata(RwReader *r, const PbField *f, RwSeries *s)
{
	const uint8_t *p = f->bytes;
	const uint8_t *end = p + f->len;
	PbField g;
	int got;

	memset(&s->metadata, 0, sizeof(s->metadata));
	s->metadata.help = s->metadata.unit = s->metadata.family = strview("", 0);
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number <= 4 && g.wire != PB_VARINT)
			return false;
		if (g.number == 1)
			s->metadata.type = g.u <= METRIC_STATESET ? (MetricType) g.u : METRIC_UNKNOWN;
		else if (g.number == 3)
			s->metadata.help = symbol(r, g.u);
		else if (g.number == 4)
			s->metadata.unit = symbol(r, g.u);
	}
	s->has_metadata = true;
	return got == 0;
}

/* ---- a series ---------------------------------------------------------------------------------- */

static bool
add_sample(RwReader *r, const PbField *f, RwSeries *s)
{
	PB_GROW(r->samples, s->nsamples, r->cap_samples);
	return f->wire == PB_BYTES && prompb_read_sample(f, &r->samples[s->nsamples++]);
}

static bool
add_histogram(RwReader *r, const PbField *f, RwSeries *s)
{
	if (s->nhistograms == r->cap_histograms || s->nhistograms == 0)
	{
		/* not reused between series: the batch keeps them */
		HistogramSample *grown;

		r->cap_histograms = s->nhistograms == 0 ? 4 : r->cap_histograms * 2;
		grown = mem_alloc(sizeof(*grown) * (size_t) r->cap_histograms);
		if (s->nhistograms > 0)
			memcpy(grown, r->histograms, sizeof(*grown) * (size_t) s->nhistograms);
		r->histograms = grown;
	}
	return f->wire == PB_BYTES && prompb_read_histogram(f, &r->histograms[s->nhistograms++]);
}

static bool
add_exemplar(RwReader *r, const PbField *f, RwSeries *s)
{
	if (s->nexemplars == r->cap_exemplars || s->nexemplars == 0)
	{
		Exemplar *grown;

		r->cap_exemplars = s->nexemplars == 0 ? 4 : r->cap_exemplars * 2;
		grown = mem_alloc(sizeof(*grown) * (size_t) r->cap_exemplars);
		if (s->nexemplars > 0)
			memcpy(grown, r->exemplars, sizeof(*grown) * (size_t) s->nexemplars);
		r->exemplars = grown;
	}
	return f->wire == PB_BYTES && read_exemplar(r, f, &r->exemplars[s->nexemplars++]);
}

static bool
read_series_v1(RwReader *r, RwSeries *s)
{
	const uint8_t *p = s->body;
	const uint8_t *run = NULL; /* start of the open run of labels */
	PbField f;
	int got;

	s->key = (Hash128){0, 0};
	for (;;)
	{
		const uint8_t *field = p;

		got = pb_next(&p, s->body_end, &f);
		if (run != NULL && (got <= 0 || f.number != 1))
		{
			s->key = hash128(run, (size_t) (field - run), r->seed ^ s->key.hi);
			run = NULL;
		}
		if (got <= 0)
			break;
		if (f.number == 1)
		{
			if (f.wire != PB_BYTES)
				return false;
			if (run == NULL)
				run = field;
		}
		else if ((f.number == 2 && !add_sample(r, &f, s)) ||
				 (f.number == 3 && !add_exemplar(r, &f, s)) ||
				 (f.number == 4 && !add_histogram(r, &f, s)))
			return false;
	}
	return got == 0;
}

static bool
read_series_v2(RwReader *r, RwSeries *s)
{
	const uint8_t *p = s->body;
	PbField f;
	int got;
	int nrefs = 0;

	/* labels first: exemplars use the same scratch */
	while ((got = pb_next(&p, s->body_end, &f)) == 1)
		if (f.number == 1 && !add_refs(r, &f, &nrefs))
			return false;
	if (got < 0)
		return false;
	s->key = (Hash128){0, 0};
	if (!valid_refs(r, nrefs))
		s->bad =
			"invalid labels for series: a label reference is out of range or without a partner";
	else
	{
		uint64_t h = r->seed;
		Hash128 sum = {0, 0};

		for (int i = 0; i < nrefs; i++)
		{
			Hash128 part[2] = {sum, r->symbol_hashes[r->refs[i]]};

			sum = hash128(part, sizeof(part), h);
		}
		s->key = sum;
	}
	p = s->body;
	while ((got = pb_next(&p, s->body_end, &f)) == 1)
	{
		if ((f.number == 2 && !add_sample(r, &f, s)) ||
			(f.number == 3 && !add_histogram(r, &f, s)) ||
			(f.number == 4 && !add_exemplar(r, &f, s)) ||
			(f.number == 5 && (f.wire != PB_BYTES || !read_series_metadata(r, &f, s))))
			return false;
	}
	if (s->bad == NULL && s->nsamples == 0 && s->nhistograms == 0)
		s->bad = "TimeSeries must contain at least one sample or histogram for series";
	return got == 0;
}

int
rw_next_series(RwReader *r, RwSeries *out, Err *err)
{
	uint32_t wanted = r->version == RW_V1 ? 1 : 5;
	PbField f;
	int got;

	while ((got = pb_next(&r->p, r->end, &f)) == 1)
	{
		bool ok;

		if (f.number != wanted)
			continue;
		if (f.wire != PB_BYTES)
			break;
		memset(out, 0, sizeof(*out));
		out->body = f.bytes;
		out->body_end = f.bytes + f.len;
		ok = r->version == RW_V1 ? read_series_v1(r, out) : read_series_v2(r, out);
		if (!ok)
			break;
		out->samples = r->samples;
		out->histograms = r->histograms;
		out->exemplars = r->exemplars;
		return 1;
	}
	if (got == 0)
		return 0;
	malformed(err);
	return -1;
}

int
rw_series_labels(RwReader *r, const RwSeries *s, Label **labels, Err *err)
{
	const uint8_t *p = s->body;
	PbField f;
	int n = 0;
	int nrefs = 0;
	int got;

	while ((got = pb_next(&p, s->body_end, &f)) == 1)
	{
		if (f.number != 1)
			continue;
		if (r->version == RW_V2)
		{
			if (!add_refs(r, &f, &nrefs))
				break;
			continue;
		}
		PB_GROW(r->labels, n, r->cap_labels);
		if (f.wire != PB_BYTES || !prompb_read_label(&f, &r->labels[n]))
			break;
		n++;
	}
	if (got != 0 || (r->version == RW_V2 && !valid_refs(r, nrefs)))
	{
		malformed(err);
		return -1;
	}
	for (int i = 0; i < nrefs; i += 2)
	{
		PB_GROW(r->labels, n, r->cap_labels);
		r->labels[n++] = (Label){r->symbols[r->refs[i]], r->symbols[r->refs[i + 1]]};
	}
	*labels = r->labels;
	return n;
}

int
rw_next_metadata(RwReader *r, Metadata *out, Err *err)
{
	PbField f;
	int got = 0;

	while (r->version == RW_V1 && (got = pb_next(&r->meta, r->end, &f)) == 1)
	{
		const uint8_t *p = f.bytes;
		PbField g;
		int inner;

		if (f.number != 3)
			continue;
		if (f.wire != PB_BYTES)
			break;
		memset(out, 0, sizeof(*out));
		out->family = out->help = out->unit = strview("", 0);
		while ((inner = pb_next(&p, f.bytes + f.len, &g)) == 1)
		{
			if (g.number == 1 && g.wire == PB_VARINT)
				out->type = g.u <= METRIC_STATESET ? (MetricType) g.u : METRIC_UNKNOWN;
			else if (g.number == 2 && g.wire == PB_BYTES)
				out->family = strview((const char *) g.bytes, g.len);
			else if (g.number == 4 && g.wire == PB_BYTES)
				out->help = strview((const char *) g.bytes, g.len);
			else if (g.number == 5 && g.wire == PB_BYTES)
				out->unit = strview((const char *) g.bytes, g.len);
		}
		if (inner < 0)
			break;
		return 1;
	}
	if (got == 0)
		return 0;
	malformed(err);
	return -1;
}
