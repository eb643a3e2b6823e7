/*
 * log_record.c
 *    Coding of ingest log rows.
 *
 * Layout of a row:
 *    u8       format version, 2
 *    uvarint  generation
 *    uvarint  tenant id
 *    then per sample:
 *    u8       control: bits 0-1 how the series id follows, bit 2 a time follows, bits 4-7 the
 *             kind of the value
 *    [varint] series id minus the one before     (control LOG_ID_DELTA)
 *    [varint] time minus the one before, ms      (control LOG_TIME)
 *    value    by kind: nothing, a varint, 4 or 8 bytes little-endian, or a length and a form
 *
 * Requests carry the same series in the same order each time, so the id is mostly the one
 * before plus one, and the time mostly the one before: a sample takes a byte plus its value.
 * Values that are integers or have up to three decimals take a varint; the test is exact: the
 * decoded double has the same bits.
 */
#include "postgres.h"

#include "store/log_record.h"

#include "model/value.h"
#include "util/varint.h"

#define LOG_VERSION 2

#define LOG_ID_NEXT	 0 /* the id before plus one */
#define LOG_ID_SAME	 1
#define LOG_ID_DELTA 2
#define LOG_ID_MASK	 3
#define LOG_TIME	 4 /* a time difference follows */

typedef enum LogKind
{
	LOG_ZERO,
	LOG_INTEGER,
	LOG_DECIMAL1,
	LOG_DECIMAL2,
	LOG_DECIMAL3,
	LOG_FLOAT32,
	LOG_FLOAT64,
	LOG_STALE,
	LOG_HISTOGRAM
} LogKind;

static const double log_scale[] = {
	[LOG_INTEGER] = 1, [LOG_DECIMAL1] = 10, [LOG_DECIMAL2] = 100, [LOG_DECIMAL3] = 1000};

#define LOG_MAX_FIXED  (1 + 2 * VARINT_MAX_BYTES + VARINT_MAX_BYTES)
#define LOG_MAX_SCALED 4e15 /* below 2^52: exact as double and as integer */

void
log_writer_init(LogWriter *w, uint32 gen)
{
	memset(w, 0, sizeof(*w));
	w->gen = gen;
	w->cap = 16;
	w->rows = palloc(sizeof(LogRow) * w->cap);
}

static void
finish_row(LogWriter *w)
{
	LogRow *row;

	if (w->p == NULL)
		return;
	row = &w->rows[w->nrows - 1];
	row->len = w->p - (uint8 *) row->data - VARHDRSZ;
	SET_VARSIZE(row->data, VARHDRSZ + row->len);
	w->bytes += row->len;
	w->p = NULL;
}

void
log_writer_finish(LogWriter *w)
{
	finish_row(w);
}

void
log_writer_tenant(LogWriter *w, uint32 tenant_id)
{
	if (tenant_id != w->tenant_id)
		finish_row(w);
	w->tenant_id = tenant_id;
}

static void
need(LogWriter *w, uint32 bytes)
{
	uint32 size;
	LogRow *row;

	if (w->p != NULL && w->end - w->p >= bytes)
		return;
	finish_row(w);
	if (w->nrows == w->cap)
	{
		w->cap *= 2;
		w->rows = repalloc(w->rows, sizeof(LogRow) * w->cap);
	}
	size = Max(LOG_ROW_MAX, bytes + 1 + 2 * VARINT_MAX_BYTES);
	row = &w->rows[w->nrows++];
	row->data = palloc(VARHDRSZ + size);
	w->p = (uint8 *) row->data + VARHDRSZ;
	w->end = w->p + size;
	*w->p++ = LOG_VERSION;
	w->p = varint_put(w->p, w->gen);
	w->p = varint_put(w->p, w->tenant_id);
	w->series_id = 0;
	w->t = 0;
}

/* Control, id and time; the caller or's the kind into the returned control byte. */
static uint8 *
put_prefix(LogWriter *w, int64 series_id, int64 t)
{
	uint8 *control = w->p++;

	if (series_id == w->series_id + 1)
		*control = LOG_ID_NEXT;
	else if (series_id == w->series_id)
		*control = LOG_ID_SAME;
	else
	{
		*control = LOG_ID_DELTA;
		w->p = varint_put(w->p, varint_zigzag(series_id - w->series_id));
	}
	if (t != w->t)
	{
		*control |= LOG_TIME;
		w->p = varint_put(w->p, varint_zigzag(t - w->t));
	}
	w->series_id = series_id;
	w->t = t;
	return control;
}

void
log_writer_float(LogWriter *w, int64 series_id, int64 t, double v)
{
	uint8 *control;
	uint64 bits = value_bits(v);

	need(w, LOG_MAX_FIXED);
	control = put_prefix(w, series_id, t);
	if (bits == 0)
	{
		*control |= LOG_ZERO << 4;
		return;
	}
	if (bits == VALUE_STALE_BITS)
	{
		*control |= LOG_STALE << 4;
		return;
	}
	if (fabs(v) < LOG_MAX_SCALED / 1000)
	{
		for (int kind = LOG_INTEGER; kind <= LOG_DECIMAL3; kind++)
		{
			int64 scaled = (int64) rint(v * log_scale[kind]);

			if (value_bits((double) scaled / log_scale[kind]) == bits)
			{
				*control |= kind << 4;
				w->p = varint_put(w->p, varint_zigzag(scaled));
				return;
			}
		}
	}
	if (value_bits((double) (float) v) == bits)
	{
		float f = (float) v;

		*control |= LOG_FLOAT32 << 4;
		memcpy(w->p, &f, sizeof(f));
		w->p += sizeof(f);
		return;
	}
	*control |= LOG_FLOAT64 << 4;
	memcpy(w->p, &bits, sizeof(bits));
	w->p += sizeof(bits);
}

void
log_writer_histogram(LogWriter *w, int64 series_id, int64 t, const uint8 *form, uint32 len)
{
	uint8 *control;

	need(w, LOG_MAX_FIXED + len);
	control = put_prefix(w, series_id, t);
	*control |= LOG_HISTOGRAM << 4;
	w->p = varint_put(w->p, len);
	memcpy(w->p, form, len);
	w->p += len;
}

bool
log_reader_init(LogReader *r, const uint8 *data, uint32 len)
{
	uint64 gen;
	uint64 tenant;

	memset(r, 0, sizeof(*r));
	if (len < 2 || data[0] != LOG_VERSION)
		return false;
	r->end = data + len;
	r->p = varint_get(data + 1, r->end, &gen);
	if (r->p == NULL || (r->p = varint_get(r->p, r->end, &tenant)) == NULL)
		return false;
	r->gen = (uint32) gen;
	r->last.tenant_id = (uint32) tenant;
	return true;
}

static const uint8 *
get_signed(const uint8 *p, const uint8 *end, int64 *v)
{
	uint64 u;

	p = varint_get(p, end, &u);
	if (p != NULL)
		*v = varint_unzigzag(u);
	return p;
}

int
log_reader_next(LogReader *r, LogRecord *out)
{
	const uint8 *p = r->p;
	uint8 control;
	int kind;
	int64 d = 0;
	uint64 u;

	if (p >= r->end)
		return 0;
	control = *p++;
	kind = control >> 4;
	switch (control & LOG_ID_MASK)
	{
		case LOG_ID_NEXT:
			r->last.series_id++;
			break;
		case LOG_ID_SAME:
			break;
		case LOG_ID_DELTA:
			if ((p = get_signed(p, r->end, &d)) == NULL)
				return -1;
			r->last.series_id = (int64) ((uint64) r->last.series_id + (uint64) d);
			break;
		default:
			return -1;
	}
	if (control & LOG_TIME)
	{
		if ((p = get_signed(p, r->end, &d)) == NULL)
			return -1;
		r->last.t = (int64) ((uint64) r->last.t + (uint64) d);
	}
	r->last.is_histogram = false;
	switch (kind)
	{
		case LOG_ZERO:
			r->last.v = 0;
			break;
		case LOG_STALE:
			r->last.v = value_from_bits(VALUE_STALE_BITS);
			break;
		case LOG_INTEGER:
		case LOG_DECIMAL1:
		case LOG_DECIMAL2:
		case LOG_DECIMAL3:
			if ((p = get_signed(p, r->end, &d)) == NULL)
				return -1;
			r->last.v = (double) d / log_scale[kind];
			break;
		case LOG_FLOAT32:
		{
			float f;

			if (r->end - p < sizeof(f))
				return -1;
			memcpy(&f, p, sizeof(f));
			p += sizeof(f);
			r->last.v = f;
			break;
		}
		case LOG_FLOAT64:
			if (r->end - p < sizeof(u))
				return -1;
			memcpy(&u, p, sizeof(u));
			p += sizeof(u);
			r->last.v = value_from_bits(u);
			break;
		case LOG_HISTOGRAM:
			if ((p = varint_get(p, r->end, &u)) == NULL || u > (uint64) (r->end - p))
				return -1;
			r->last.is_histogram = true;
			r->last.form = p;
			r->last.form_len = (uint32) u;
			p += u;
			break;
		default:
			return -1;
	}
	r->p = p;
	*out = r->last;
	return 1;
}
