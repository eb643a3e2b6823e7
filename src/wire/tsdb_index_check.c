/*
 * tsdb_index_check.c
 *    Is a TSDB index sound in all its parts?
 *
 * Beyond what opening it and walking its series checks: symbols ascend; label pairs ascend; each
 * postings list names only series there are; all lists together have as many entries as the series
 * have labels; the label indices name only symbols there are.
 *
 * What the two offset tables point to must follow each other without overlap, as every writer leaves
 * it.  So no byte is looked at twice, and a hostile file cannot make the check take longer than n log n
 * of its size.
 */
#include "wire/tsdb_index_int.h"

#include "util/cancel.h"
#include "util/mem.h"

#include <inttypes.h>

static bool
check_symbols(const TsdbIndex *ix, Err *err)
{
	TsdbSymbolIter it;
	StrView symbol, last = strview("", 0);
	bool first = true;

	tsdb_symbols_begin(ix, &it);
	while (tsdb_symbols_next(&it, &symbol))
	{
		if (!first && strview_cmp(last, symbol) >= 0)
			return err_set(err, ERR_CORRUPT, -1, "symbols do not ascend");
		first = false;
		last = symbol;
	}
	return true;
}

/* check_series -- walk all series and their chunks; *pairs is how many labels they have. */
static bool
check_series(TsdbIndex *ix, uint64_t *pairs, Err *err)
{
	TsdbSeriesIter it;
	TsdbSeries s;
	int got = -1;

	*pairs = 0;
	if (tsdb_series_begin(ix, &it, err))
	{
		while ((got = tsdb_series_next(&it, &s, err)) == 1)
		{
			TsdbChunkMeta c;

			*pairs += s.n_labels;
			while ((got = tsdb_series_next_chunk(&s, &c, err)) == 1)
				;
			if (got < 0)
				break;
		}
	}
	tsdb_series_end(&it);
	return got == 0;
}

/* has_series -- is ref in the list of all, which ascends? */
static bool
has_series(const TsdbPostings *all, uint64_t ref)
{
	size_t lo = 0, hi = (size_t) (all->end - all->p) / 4;

	while (lo < hi)
	{
		size_t mid = lo + (hi - lo) / 2;
		uint32_t v = tsdb_load_u32(all->p + 4 * mid);

		if (v == ref)
			return true;
		if (v < ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* check_list -- a pair's postings; *n grows by how many there are, *end is where they end. */
static bool
check_list(const TsdbIndex *ix, const TsdbPostings *all, uint64_t offset, uint64_t *n,
		   uint64_t *end, Err *err)
{
	TsdbPostings list;
	uint64_t ref;
	int got;

	if (!tsdb_postings_open(ix, offset, &list, err))
		return false;
	*end = (uint64_t) (list.end - ix->file.data);
	while ((got = tsdb_postings_next(&list, &ref, err)) == 1)
	{
		if (!has_series(all, ref))
			return err_set(err, ERR_CORRUPT, -1,
						   "postings list at offset %" PRIu64 " names series %" PRIu64
						   ", which is not in the block",
						   offset, ref);
		++*n;
	}
	return got == 0;
}

/* check_pair -- does a record of the postings offset table follow the one before? */
static bool
check_pair(const TsdbIndex *ix, const Label *last, const Label *pair, bool first)
{
	int c = strview_cmp(last->name, pair->name);

	if (c == 0)
		c = strview_cmp(last->value, pair->value);
	if (pair->name.len == 0 && pair->value.len != 0)
		return false;
	return first || c < 0 || ix->version == 1;
}

static bool
check_postings(const TsdbIndex *ix, uint64_t pairs, Err *err)
{
	TsdbPairIter it;
	TsdbPostings all;
	Label pair, last = {{"", 0}, {"", 0}};
	uint64_t offset, end = 0, n = 0;
	bool first = true;
	int got;

	if (!tsdb_postings_find(ix, strview("", 0), strview("", 0), &all, err))
		return false;
	tsdb_pairs_begin(ix, &it);
	while ((got = tsdb_pairs_next(&it, &pair, &offset, err)) == 1)
	{
		cancel_poll();
		if (offset < end || !check_pair(ix, &last, &pair, first))
			return err_set(err, ERR_CORRUPT, -1, "postings offset table does not ascend");
		first = false;
		last = pair;
		if (pair.name.len > 0 && !check_list(ix, &all, offset, &n, &end, err))
			return false;
	}
	if (got == 0 && n != pairs)
		return err_set(err, ERR_CORRUPT, -1,
					   "postings lists have %" PRIu64 " entries for %" PRIu64 " labels", n, pairs);
	return got == 0;
}

/* check_label_index -- the values of one label, or of some together, and where they end. */
static bool
check_label_index(const TsdbIndex *ix, uint64_t offset, uint64_t names, uint64_t *end, Err *err)
{
	TsdbCursor in;
	uint32_t n_names, n_entries;

	if (!tsdb_section_open(ix->file, offset, "label index", &in, err))
		return false;
	*end = (uint64_t) (in.end - ix->file.data);
	n_names = tsdb_get_u32(&in);
	n_entries = tsdb_get_u32(&in);
	if (in.bad || n_names != names || n_entries != tsdb_left(&in) / 4 || tsdb_left(&in) % 4 != 0)
		return tsdb_corrupt(err, "label index", offset);
	while (tsdb_left(&in) > 0)
	{
		StrView value;

		if (!tsdb_symbol_get(ix, tsdb_get_u32(&in), &value, err))
			return false;
	}
	return true;
}

/* A writer that has given up label indices points at the postings offset table instead. */
static bool
check_label_indices(const TsdbIndex *ix, Err *err)
{
	uint64_t end = 0;
	uint32_t n;
	TsdbCursor in;

	if (ix->toc.label_table == 0 || ix->toc.label_table == ix->toc.pairs)
		return true;
	if (!tsdb_section_open(ix->file, ix->toc.label_table, "label offset table", &in, err))
		return false;
	for (n = tsdb_get_u32(&in); n > 0 && !in.bad; n--)
	{
		uint64_t names = tsdb_get_uvarint(&in), offset;

		cancel_poll();
		for (uint64_t i = 0; i < names && !in.bad; i++)
			tsdb_get_string(&in);
		offset = tsdb_get_uvarint(&in);
		if (in.bad || names == 0 || offset < end)
			return tsdb_corrupt(err, "label offset table", ix->toc.label_table);
		if (!check_label_index(ix, offset, names, &end, err))
			return false;
	}
	return !in.bad || tsdb_corrupt(err, "label offset table", ix->toc.label_table);
}

bool
tsdb_index_check(TsdbIndex *ix, Err *err)
{
	uint64_t pairs;

	return check_symbols(ix, err) && check_series(ix, &pairs, err) &&
		   check_postings(ix, pairs, err) && check_label_indices(ix, err);
}
