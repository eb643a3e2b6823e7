/*
 * histogram_value.c
 *    Native histograms as Datums.
 */
#include "postgres.h"

#include "types/histogram_value.h"

static void
put(Buf *b, const HistogramSample *s)
{
	buf_init(b, 256, HISTOGRAM_TEXT_MAX);
	histogram_sample_put(b, s);
	if (b->overflow)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("histogram is too large")));
}

Datum
histogram_to_datum(const HistogramSample *s)
{
	struct varlena *v;
	Buf b;

	put(&b, s);
	if (!histogram_sample_is_normal(s))
	{
		HistogramSample copy;

		/* its own spans: those of s may belong to other samples too */
		if (histogram_sample_get((uint8 *) b.data, (uint8 *) b.data + b.len, &copy) == NULL)
			elog(ERROR, "histogram does not read back");
		histogram_sample_normalize(&copy);
		buf_free(&b);
		put(&b, &copy);
	}
	v = palloc(VARHDRSZ + b.len);
	SET_VARSIZE(v, VARHDRSZ + b.len);
	memcpy(VARDATA(v), b.data, b.len);
	buf_free(&b);
	return PointerGetDatum(v);
}

HistogramSample
histogram_of_varlena(const struct varlena *v)
{
	const uint8 *p = (const uint8 *) VARDATA_ANY(v);
	const uint8 *end = p + VARSIZE_ANY_EXHDR(v);
	HistogramSample s = {0};

	if (histogram_sample_get(p, end, &s) != end)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("histogram is corrupt")));
	return s;
}

const Histogram *
histogram_float_form(const HistogramSample *s)
{
	return s->f != NULL ? s->f : histogram_from_int(s->i);
}
