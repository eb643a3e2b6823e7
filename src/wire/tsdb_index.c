/*
 * tsdb_index.c
 *    Opening a TSDB index; its symbols, label pairs and postings.
 *
 * The file (docs/formats.md has the fields; the format is that of Prometheus' tsdb/docs/format):
 *
 *    header | symbols | series ... | label indices ... | postings ... | label offset table
 *           | postings offset table | table of contents
 *
 * The reader begins at the end, with the table of contents.  Symbols and the postings offset table
 * are walked once when the file is opened, which checks them; of their records only every eighth is
 * remembered, and the few in between are skipped when one is looked up.  Label indices are a
 * leftover that Prometheus itself no longer reads; only tsdb_index_check looks at them.
 *
 * Version 1 differs in three ways: a symbol is named by its offset in the file, a series by its
 * offset and not a sixteenth of it, and the postings offset table is in no order.
 *
 * Memory: half a byte for each byte of the two tables at most, and the labels of one series.
 */
#include "wire/tsdb_index_int.h"

#include "util/cancel.h"
#include "util/crc32c.h"
#include "util/mem.h"

#include <inttypes.h>

#define CANCEL_EVERY 10000

/* --- opening ------------------------------------------------------------------------------------ */

static bool
read_toc(TsdbIndex *ix, Err *err)
{
	TsdbCursor in = {ix->file.data + ix->file.len - TSDB_TOC_BYTES, NULL, false};

	in.end = in.p + TSDB_TOC_BYTES;
	if (crc32c(0, in.p, TSDB_TOC_BYTES - 4) != tsdb_load_u32(in.end - 4))
		return err_set(err, ERR_CORRUPT, -1, "table of contents has a wrong checksum");
	ix->toc.symbols = tsdb_get_u64(&in);
	ix->toc.series = tsdb_get_u64(&in);
	ix->toc.label_indices = tsdb_get_u64(&in);
	ix->toc.label_table = tsdb_get_u64(&in);
	ix->toc.postings = tsdb_get_u64(&in);
	ix->toc.pairs = tsdb_get_u64(&in);
	return true;
}

static bool
skip_symbol(TsdbCursor *in)
{
	tsdb_get_string(in);
	return !in->bad;
}

bool
tsdb_get_pair(TsdbCursor *in, Label *pair, uint64_t *offset)
{
	uint64_t keys = tsdb_get_uvarint(in);

	pair->name = tsdb_get_string(in);
	pair->value = tsdb_get_string(in);
	*offset = tsdb_get_uvarint(in);
	return !in->bad && keys == 2;
}

static bool
skip_pair(TsdbCursor *in)
{
	Label pair;
	uint64_t offset;

	return tsdb_get_pair(in, &pair, &offset);
}

/* open_table -- walk a section of counted records and remember where every eighth is. */
static bool
open_table(const TsdbIndex *ix, uint64_t at, const char *what, bool (*skip)(TsdbCursor *),
		   TsdbTable *t, Err *err)
{
	TsdbCursor in;

	if (!tsdb_section_open(ix->file, at, what, &in, err))
		return false;
	t->n = tsdb_get_u32(&in);
	if (in.bad || t->n > tsdb_left(&in)) /* a record has a byte at least */
		return tsdb_corrupt(err, what, at);
	t->records = in;
	t->at = mem_alloc(sizeof(*t->at) * (t->n / TSDB_SAMPLE + 1));
	for (uint32_t i = 0; i < t->n; i++)
	{
		if (i % TSDB_SAMPLE == 0)
			t->at[i / TSDB_SAMPLE] = (uint32_t) (in.p - t->records.p);
		if (!skip(&in))
			return tsdb_corrupt(err, what, at);
		if (i % CANCEL_EVERY == 0)
			cancel_poll();
	}
	return true;
}

static bool
open_file(TsdbIndex *ix, Err *err)
{
	static const uint8_t nothing[1];

	if (ix->file.len < TSDB_INDEX_HEADER + TSDB_TOC_BYTES ||
		tsdb_load_u32(ix->file.data) != TSDB_INDEX_MAGIC)
		return err_set(err, ERR_CORRUPT, -1, "file is not the index of a TSDB block");
	ix->version = ix->file.data[4];
	if (ix->version != 1 && ix->version != 2)
		return err_set(err, ERR_CORRUPT, -1, "index format version %d is not supported",
					   ix->version);
	if (!read_toc(ix, err))
		return false;
	ix->symbols.records = ix->pairs.records = (TsdbCursor){nothing, nothing, false};
	if (ix->toc.symbols != 0 &&
		!open_table(ix, ix->toc.symbols, "symbol table", skip_symbol, &ix->symbols, err))
		return false;
	return ix->toc.pairs == 0 ||
		   open_table(ix, ix->toc.pairs, "postings offset table", skip_pair, &ix->pairs, err);
}

/* tsdb_index_open -- a reader, from mem_alloc; NULL with err if the file is not sound. */
TsdbIndex *
tsdb_index_open(TsdbBytes file, Err *err)
{
	TsdbIndex *ix = mem_alloc0(sizeof(*ix));

	ix->file = file;
	buf_init(&ix->labels, 256, TSDB_LABELS_MAX_BYTES);
	if (open_file(ix, err))
		return ix;
	tsdb_index_close(ix);
	return NULL;
}

void
tsdb_index_close(TsdbIndex *ix)
{
	mem_free(ix->symbols.at);
	mem_free(ix->pairs.at);
	buf_free(&ix->labels);
	mem_free(ix);
}

int
tsdb_index_version(const TsdbIndex *ix)
{
	return ix->version;
}

/* --- symbols -------------------------------------------------------------------------------------- */

uint32_t
tsdb_symbol_count(const TsdbIndex *ix)
{
	return ix->symbols.n;
}

/* symbol_at -- version 1: any offset inside the symbol table that a string fits at. */
static bool
symbol_at(const TsdbIndex *ix, uint64_t offset, StrView *out)
{
	TsdbCursor in = ix->symbols.records;
	uint64_t first = (uint64_t) (in.p - ix->file.data);

	if (offset < first || offset - first >= tsdb_left(&in))
		return false;
	in.p += offset - first;
	*out = tsdb_get_string(&in);
	return !in.bad;
}

bool
tsdb_symbol_get(const TsdbIndex *ix, uint64_t ref, StrView *out, Err *err)
{
	if (ix->version == 1 && symbol_at(ix, ref, out))
		return true;
	if (ix->version == 2 && ref < ix->symbols.n)
	{
		TsdbCursor in = tsdb_table_from(&ix->symbols, (uint32_t) (ref / TSDB_SAMPLE));

		for (uint64_t i = ref % TSDB_SAMPLE; i > 0; i--)
			tsdb_get_string(&in);
		*out = tsdb_get_string(&in);
		return true;
	}
	return err_set(err, ERR_CORRUPT, -1, "there is no symbol %" PRIu64, ref);
}

void
tsdb_symbols_begin(const TsdbIndex *ix, TsdbSymbolIter *it)
{
	it->in = ix->symbols.records;
	it->left = ix->symbols.n;
}

bool
tsdb_symbols_next(TsdbSymbolIter *it, StrView *out)
{
	if (it->left == 0)
		return false;
	it->left--;
	*out = tsdb_get_string(&it->in);
	return true;
}

/* --- label pairs ------------------------------------------------------------------------------------ */

void
tsdb_pairs_begin(const TsdbIndex *ix, TsdbPairIter *it)
{
	it->in = ix->pairs.records;
	it->left = ix->pairs.n;
	it->at = ix->toc.pairs;
}

int
tsdb_pairs_next(TsdbPairIter *it, Label *pair, uint64_t *offset, Err *err)
{
	if (it->left == 0)
		return 0;
	it->left--;
	if (tsdb_get_pair(&it->in, pair, offset))
		return 1;
	tsdb_corrupt(err, "postings offset table", it->at);
	return -1;
}

static int
pair_cmp(const Label *a, const Label *b)
{
	int c = strview_cmp(a->name, b->name);

	return c != 0 ? c : strview_cmp(a->value, b->value);
}

/* last_sample_before -- of the samples, the last whose pair is not above key; 0 if none is. */
static uint32_t
last_sample_before(const TsdbTable *t, const Label *key)
{
	uint32_t lo = 0, hi = (t->n + TSDB_SAMPLE - 1) / TSDB_SAMPLE;

	while (hi - lo > 1)
	{
		uint32_t mid = lo + (hi - lo) / 2;
		TsdbCursor in = tsdb_table_from(t, mid);
		uint64_t offset;
		Label pair;

		if (tsdb_get_pair(&in, &pair, &offset) && pair_cmp(&pair, key) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* find_pair -- by binary search; in version 1, whose table is in no order, by walking it. */
static bool
find_pair(const TsdbIndex *ix, const Label *key, uint64_t *offset)
{
	const TsdbTable *t = &ix->pairs;
	uint32_t first = 0, n = t->n;
	TsdbCursor in;

	if (n == 0)
		return false;
	if (ix->version != 1)
	{
		first = last_sample_before(t, key);
		n -= first * TSDB_SAMPLE;
		if (n > TSDB_SAMPLE)
			n = TSDB_SAMPLE;
	}
	in = tsdb_table_from(t, first);
	for (; n > 0; n--)
	{
		Label pair;

		if (tsdb_get_pair(&in, &pair, offset) && pair_cmp(&pair, key) == 0)
			return true;
	}
	return false;
}

/* --- postings ----------------------------------------------------------------------------------------- */

bool
tsdb_postings_open(const TsdbIndex *ix, uint64_t offset, TsdbPostings *out, Err *err)
{
	TsdbCursor in;
	uint32_t n;

	if (!tsdb_section_open(ix->file, offset, "postings list", &in, err))
		return false;
	n = tsdb_get_u32(&in);
	if (in.bad || tsdb_left(&in) != (size_t) n * 4)
		return tsdb_corrupt(err, "postings list", offset);
	out->p = in.p;
	out->end = in.end;
	out->last = 0;
	out->started = false;
	return true;
}

bool
tsdb_postings_find(const TsdbIndex *ix, StrView name, StrView value, TsdbPostings *out, Err *err)
{
	Label key = {name, value};
	uint64_t offset;

	if (find_pair(ix, &key, &offset))
		return tsdb_postings_open(ix, offset, out, err);
	memset(out, 0, sizeof(*out));
	return true;
}

int
tsdb_postings_next(TsdbPostings *p, uint64_t *ref, Err *err)
{
	uint32_t v;

	if (p->p == p->end)
		return 0;
	v = tsdb_load_u32(p->p);
	if (p->started && v <= p->last)
	{
		err_set(err, ERR_CORRUPT, -1, "postings list does not ascend at series %" PRIu32, v);
		return -1;
	}
	p->p += 4;
	p->started = true;
	*ref = p->last = v;
	return 1;
}
