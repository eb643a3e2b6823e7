/*
 * tsdb_writer_index.c
 *    The parts of a block's index that do not come series by series.
 *
 * Every section begins with its length.  As nothing is written twice, lengths are computed before
 * the sections: the same walk is made over the sorted pairs once for sizes, once for bytes.  Where
 * a postings list lies follows from the numbers of series of the lists before it.
 *
 * Label indices are of no use to Prometheus since 2.10, but cost four bytes a label value and make
 * the block readable for everything that is older.
 */
#include "wire/tsdb_writer_int.h"

#include "util/cancel.h"
#include "wire/tsdb_index_int.h"

#define ALIGN 4 /* of label indices and postings */

static bool
too_large(Err *err, const char *what)
{
	return err_set(err, ERR_TOO_LARGE, -1, "%s of the block does not fit the index format", what);
}

bool
tsdb_write_symbols(TsdbOut *o, const TsdbStrings *s, Err *err)
{
	uint64_t len = 4;

	for (uint32_t i = 0; i < s->n; i++)
		len += tsdb_string_size(tsdb_strings_get(s, i));
	if (len > UINT32_MAX)
		return too_large(err, "symbol table");
	tsdb_out_u32(o, TSDB_INDEX_MAGIC);
	tsdb_out_put(o, "\2", 1);
	tsdb_out_u32(o, (uint32_t) len);
	tsdb_out_crc_begin(o);
	tsdb_out_u32(o, (uint32_t) s->n);
	for (uint32_t i = 0; i < s->n; i++)
		tsdb_out_string(o, tsdb_strings_get(s, i));
	tsdb_out_crc_end(o);
	return true;
}

/* --- label indices -------------------------------------------------------------------------------- */

static const TsdbPair *
pair_at(const TsdbPairs *p, size_t i)
{
	return &p->items[p->sorted[i]];
}

/* n_values -- how many pairs from i on are of the same name. */
static size_t
n_values(const TsdbPairs *p, size_t i)
{
	size_t n = 1;

	while (i + n < p->n - 1 && pair_at(p, i + n)->name == pair_at(p, i)->name)
		n++;
	return n;
}

/* label_index_size -- length, numbers of names and entries, entries, checksum. */
static uint64_t
label_index_size(size_t values)
{
	return 16 + 4 * (uint64_t) values;
}

static bool
write_label_indices(TsdbOut *o, const TsdbPairs *p, Err *err)
{
	for (size_t i = 0, n; i < p->n - 1; i += n)
	{
		n = n_values(p, i);
		if (label_index_size(n) > UINT32_MAX)
			return too_large(err, "label index");
		tsdb_out_align(o, ALIGN);
		tsdb_out_u32(o, (uint32_t) label_index_size(n) - 8);
		tsdb_out_crc_begin(o);
		tsdb_out_u32(o, 1);
		tsdb_out_u32(o, (uint32_t) n);
		for (size_t j = 0; j < n; j++)
			tsdb_out_u32(o, pair_at(p, i + j)->value);
		tsdb_out_crc_end(o);
	}
	return true;
}

/* for_label_table -- the records, whose sizes are summed up, or which are put if o is not NULL. */
static uint64_t
for_label_table(TsdbOut *o, const TsdbStrings *s, const TsdbPairs *p, uint64_t at, uint32_t *names)
{
	uint64_t len = 4;

	*names = 0;
	for (size_t i = 0, n; i < p->n - 1; i += n)
	{
		StrView name = tsdb_strings_get(s, pair_at(p, i)->name);

		n = n_values(p, i);
		at = (at + ALIGN - 1) & ~(uint64_t) (ALIGN - 1);
		len += 1 + tsdb_string_size(name) + tsdb_uvarint_size(at);
		++*names;
		if (o != NULL)
		{
			tsdb_out_uvarint(o, 1);
			tsdb_out_string(o, name);
			tsdb_out_uvarint(o, at);
		}
		at += label_index_size(n);
	}
	return len;
}

static bool
write_label_table(TsdbOut *o, const TsdbStrings *s, const TsdbPairs *p, uint64_t at, Err *err)
{
	uint32_t names;
	uint64_t len = for_label_table(NULL, s, p, at, &names);

	if (len > UINT32_MAX)
		return too_large(err, "label offset table");
	tsdb_out_u32(o, (uint32_t) len);
	tsdb_out_crc_begin(o);
	tsdb_out_u32(o, names);
	for_label_table(o, s, p, at, &names);
	tsdb_out_crc_end(o);
	return true;
}

/* --- postings ----------------------------------------------------------------------------------------- */

static uint64_t
postings_size(const TsdbPair *pair)
{
	return 12 + 4 * (uint64_t) pair->n;
}

static bool
write_list(TsdbOut *o, const TsdbPairs *p, const TsdbPair *pair, Err *err)
{
	TsdbPairWalk walk;

	if (postings_size(pair) > UINT32_MAX)
		return too_large(err, "postings list");
	tsdb_out_align(o, ALIGN);
	tsdb_out_u32(o, (uint32_t) postings_size(pair) - 8);
	tsdb_out_crc_begin(o);
	tsdb_out_u32(o, pair->n);
	tsdb_pairs_walk(p, pair, &walk);
	for (uint32_t i = 0; i < pair->n; i++)
		tsdb_out_u32(o, tsdb_pairs_walk_next(&walk));
	tsdb_out_crc_end(o);
	return true;
}

static bool
write_postings(TsdbOut *o, const TsdbPairs *p, Err *err)
{
	if (!write_list(o, p, &p->items[0], err))
		return false;
	for (size_t i = 0; i < p->n - 1; i++)
		if (!write_list(o, p, pair_at(p, i), err))
			return false;
	return true;
}

/* for_pair_table -- as for_label_table; the lists are aligned already. */
static uint64_t
for_pair_table(TsdbOut *o, const TsdbStrings *s, const TsdbPairs *p, uint64_t at)
{
	StrView name = strview("", 0), value = strview("", 0);
	const TsdbPair *pair = &p->items[0];
	uint64_t len = 4;

	for (size_t i = 0; i < p->n; i++)
	{
		if (i > 0)
		{
			pair = pair_at(p, i - 1);
			name = tsdb_strings_get(s, pair->name);
			value = tsdb_strings_get(s, pair->value);
		}
		len += 1 + tsdb_string_size(name) + tsdb_string_size(value) + tsdb_uvarint_size(at);
		if (o != NULL)
		{
			tsdb_out_uvarint(o, 2);
			tsdb_out_string(o, name);
			tsdb_out_string(o, value);
			tsdb_out_uvarint(o, at);
		}
		at += postings_size(pair);
	}
	return len;
}

static bool
write_pair_table(TsdbOut *o, const TsdbStrings *s, const TsdbPairs *p, uint64_t at, Err *err)
{
	uint64_t len = for_pair_table(NULL, s, p, at);

	if (len > UINT32_MAX)
		return too_large(err, "postings offset table");
	tsdb_out_u32(o, (uint32_t) len);
	tsdb_out_crc_begin(o);
	tsdb_out_u32(o, (uint32_t) p->n);
	for_pair_table(o, s, p, at);
	tsdb_out_crc_end(o);
	return true;
}

/* --- together -------------------------------------------------------------------------------------------- */

static void
write_toc(TsdbOut *o, const TsdbToc *toc)
{
	tsdb_out_crc_begin(o);
	tsdb_out_u64(o, toc->symbols);
	tsdb_out_u64(o, toc->series);
	tsdb_out_u64(o, toc->label_indices);
	tsdb_out_u64(o, toc->label_table);
	tsdb_out_u64(o, toc->postings);
	tsdb_out_u64(o, toc->pairs);
	tsdb_out_crc_end(o);
}

bool
tsdb_write_rest(TsdbOut *o, const TsdbStrings *s, TsdbPairs *p, uint64_t series_at, Err *err)
{
	TsdbToc toc = {.symbols = TSDB_INDEX_HEADER, .series = series_at};

	toc.label_indices = o->pos;
	if (!write_label_indices(o, p, err))
		return false;
	tsdb_out_align(o, ALIGN);
	toc.postings = o->pos;
	if (!write_postings(o, p, err))
		return false;
	toc.label_table = o->pos;
	if (!write_label_table(o, s, p, toc.label_indices, err))
		return false;
	toc.pairs = o->pos;
	if (!write_pair_table(o, s, p, toc.postings, err))
		return false;
	write_toc(o, &toc);
	tsdb_out_flush(o);
	return true;
}
