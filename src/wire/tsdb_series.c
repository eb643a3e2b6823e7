/*
 * tsdb_series.c
 *    Series of a TSDB index: labels and where their chunks are.
 *
 * Entry:   uvarint length | body | CRC-32C of the body
 * Body:    uvarint n | n times: uvarint name symbol, uvarint value symbol
 *          uvarint m | first chunk: varint min_t, uvarint max_t - min_t, uvarint ref
 *                    | later: uvarint min_t - max_t before, uvarint max_t - min_t, varint ref - ref before
 *
 * Differences are modulo 2^64: chunks that overlap, as blocks of out-of-order samples may have them,
 * have a "negative" first difference.
 *
 * A walk over all series follows the list of all postings.  That refs ascend, entries do not
 * overlap and label sets ascend is checked on the way: so it ends, takes time linear in the file,
 * and who merges blocks may rely on the order.
 */
#include "wire/tsdb_index_int.h"

#include "util/cancel.h"
#include "util/crc32c.h"
#include "util/mem.h"

#include <inttypes.h>

static bool
malformed(Err *err, uint64_t at)
{
	return tsdb_corrupt(err, "series entry", at);
}

/* open_entry -- the checked body of a series' entry. */
static bool
open_entry(const TsdbIndex *ix, uint64_t ref, uint64_t *at, TsdbCursor *body, Err *err)
{
	uint64_t unit = ix->version == 1 ? 1 : TSDB_SERIES_ALIGN;
	uint64_t limit = ix->file.len - TSDB_TOC_BYTES;
	TsdbCursor in;
	uint64_t len;

	if (ref > limit / unit || ref * unit < ix->toc.series || ref * unit < TSDB_INDEX_HEADER)
		return err_set(err, ERR_CORRUPT, -1, "there is no series %" PRIu64, ref);
	*at = ref * unit;
	in = (TsdbCursor){ix->file.data + *at, ix->file.data + limit, false};
	len = tsdb_get_uvarint(&in);
	if (in.bad || tsdb_left(&in) < 4 || len > tsdb_left(&in) - 4)
		return malformed(err, *at);
	*body = (TsdbCursor){in.p, in.p + len, false};
	if (crc32c(0, in.p, (size_t) len) != tsdb_load_u32(in.p + len))
		return err_set(err, ERR_CORRUPT, -1,
					   "series entry at offset %" PRIu64 " has a wrong checksum", *at);
	return true;
}

/*
 * read_labels -- the label set in its byte form, to ix->labels.
 *
 * A label with an empty value is the same as none (Prometheus of old stored some).
 */
static bool
read_labels(TsdbIndex *ix, TsdbCursor *in, uint64_t n, uint64_t at, Err *err)
{
	StrView last = strview("", 0);

	buf_reset(&ix->labels);
	for (uint64_t i = 0; i < n; i++)
	{
		uint64_t name_ref = tsdb_get_uvarint(in);
		uint64_t value_ref = tsdb_get_uvarint(in);
		Label l;

		if (in->bad)
			return malformed(err, at);
		if (!tsdb_symbol_get(ix, name_ref, &l.name, err) ||
			!tsdb_symbol_get(ix, value_ref, &l.value, err))
			return false;
		if (strview_cmp(last, l.name) >= 0) /* no empty name either */
			return malformed(err, at);
		last = l.name;
		if (l.value.len == 0)
			continue;
		if (l.name.len > LABELS_MAX_BYTES || l.value.len > LABELS_MAX_BYTES ||
			!buf_grow(&ix->labels, labels_encoded_size(&l, 1)))
			return err_set(err, ERR_CORRUPT, -1,
						   "series entry at offset %" PRIu64 " has more than %d bytes of labels",
						   at, TSDB_LABELS_MAX_BYTES);
		labels_encode(&ix->labels, &l, 1);
	}
	return true;
}

bool
tsdb_index_series(TsdbIndex *ix, uint64_t ref, TsdbSeries *out, Err *err)
{
	TsdbCursor in;

	memset(out, 0, sizeof(*out));
	out->ref = ref;
	if (!open_entry(ix, ref, &out->at, &in, err))
		return false;
	out->n_labels = tsdb_get_uvarint(&in);
	if (out->n_labels > tsdb_left(&in) / 2)
		return malformed(err, out->at);
	if (!read_labels(ix, &in, out->n_labels, out->at, err))
		return false;
	out->labels = (Labels){(const uint8_t *) ix->labels.data, (uint32_t) ix->labels.len};
	out->n_chunks = out->left = tsdb_get_uvarint(&in);
	out->in = in;
	return !in.bad || malformed(err, out->at);
}

int
tsdb_series_next_chunk(TsdbSeries *s, TsdbChunkMeta *out, Err *err)
{
	bool first = s->left == s->n_chunks;
	TsdbCursor *in = &s->in;

	if (s->left == 0)
		return 0;
	s->left--;
	out->min_t =
		first ? tsdb_get_varint(in) : (int64_t) ((uint64_t) s->last.max_t + tsdb_get_uvarint(in));
	out->max_t = (int64_t) ((uint64_t) out->min_t + tsdb_get_uvarint(in));
	out->ref = first ? tsdb_get_uvarint(in) : s->last.ref + (uint64_t) tsdb_get_varint(in);
	if (in->bad || out->max_t < out->min_t)
	{
		malformed(err, s->at);
		return -1;
	}
	s->last = *out;
	return 1;
}

/* --- all of them -------------------------------------------------------------------------------- */

bool
tsdb_series_begin(TsdbIndex *ix, TsdbSeriesIter *it, Err *err)
{
	it->ix = ix;
	it->end = 0;
	buf_init(&it->last, 256, TSDB_LABELS_MAX_BYTES);
	return tsdb_postings_find(ix, strview("", 0), strview("", 0), &it->all, err);
}

/* in_order -- does the entry begin behind the one before, and are its labels above? */
static bool
in_order(TsdbSeriesIter *it, const TsdbSeries *s, Err *err)
{
	Labels last = {(const uint8_t *) it->last.data, (uint32_t) it->last.len};

	if (s->at < it->end)
		return err_set(err, ERR_CORRUPT, -1, "series entry at offset %" PRIu64 " overlaps another",
					   s->at);
	if (it->end != 0 && labels_cmp(last, s->labels) >= 0)
		return err_set(err, ERR_CORRUPT, -1,
					   "series entry at offset %" PRIu64 " is not in label order", s->at);
	it->end = (uint64_t) (s->in.end - it->ix->file.data) + 4;
	buf_reset(&it->last);
	buf_append(&it->last, s->labels.data, s->labels.len);
	return true;
}

int
tsdb_series_next(TsdbSeriesIter *it, TsdbSeries *out, Err *err)
{
	uint64_t ref;
	int got = tsdb_postings_next(&it->all, &ref, err);

	cancel_poll();
	if (got <= 0)
		return got;
	return tsdb_index_series(it->ix, ref, out, err) && in_order(it, out, err) ? 1 : -1;
}

void
tsdb_series_end(TsdbSeriesIter *it)
{
	buf_free(&it->last);
}
