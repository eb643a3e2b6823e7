/*
 * block_index_read.c
 *    Reading the index of a compacted block piecewise.
 *
 * Nothing is trusted: every number is checked against what the footer says before it is used as
 * an offset or a size, and every walk consumes bytes.
 *
 * Memory: a scope of its own.  Texts of values that were asked for stay, 16 bytes more for each
 * value of such a label; all else is bounded by what one group holds.
 */
#include "codec/block_index_int.h"

#include "util/mem.h"
#include "util/varint.h"

#define MAX_PIECE ((size_t) 1 << 28) /* bytes of a group or of the names: no sound index has more */

typedef struct ReaderName
{
	StrView text;
	uint32_t nvalues;
	uint64_t table; /* offset of its group table */
	StrView *texts; /* of its values; NULL: none asked for yet; s NULL: not this group */
} ReaderName;

struct BlockIndex
{
	MemScope *scope;
	BlockBytes *bytes;
	BlockFooter f;
	ReaderName *names;

	/* the series group at hand */
	uint32_t group; /* its number + 1; 0: none */
	Buf series;		/* its bytes */
	size_t at;		/* of the next record in series */
	uint32_t next;	/* ordinal of that record */
	uint64_t chunk_offset;
	int64_t series_id; /* of the last record */
	int npairs, cap_pairs;
	uint32_t *pair_names, *pair_values;
	int nchunks, cap_chunks;
	BlockChunk *chunks;
};

static bool
corrupt(Err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, -1, "block index is corrupt: %s", what);
}

/* block_index_bytes -- a checked piece; NULL with err filled. */
const uint8_t *
block_index_bytes(BlockIndex *ix, uint64_t offset, size_t len, Err *err)
{
	if (offset > ix->bytes->size || len > ix->bytes->size - offset || len > MAX_PIECE)
	{
		corrupt(err, "a piece lies outside");
		return NULL;
	}
	return ix->bytes->read(ix->bytes, offset, len, err);
}

static bool
copy_bytes(BlockIndex *ix, uint64_t from, uint64_t to, Buf *out, Err *err)
{
	const uint8_t *p;

	buf_reset(out);
	if (from > to || to - from > MAX_PIECE)
		return corrupt(err, "a table does not ascend");
	p = block_index_bytes(ix, from, (size_t) (to - from), err);
	if (p != NULL)
		buf_append(out, p, (size_t) (to - from));
	return p != NULL;
}

/* Entry i of a group table and where the next begins. */
static bool
table_entry(BlockIndex *ix, uint64_t table, uint32_t i, uint64_t *from, uint64_t *to,
			uint64_t *second, Err *err)
{
	const uint8_t *p =
		block_index_bytes(ix, table + (uint64_t) i * BLOCK_INDEX_ENTRY, 2 * BLOCK_INDEX_ENTRY, err);

	if (p == NULL)
		return false;
	*from = block_get_u64(p);
	*second = block_get_u64(p + 8);
	*to = block_get_u64(p + BLOCK_INDEX_ENTRY);
	return true;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static bool
read_footer(BlockIndex *ix, Err *err)
{
	const uint8_t *p;
	BlockFooter *f = &ix->f;

	if (ix->bytes->size < BLOCK_INDEX_FOOTER)
		return corrupt(err, "it is too short");
	p = block_index_bytes(ix, ix->bytes->size - BLOCK_INDEX_FOOTER, BLOCK_INDEX_FOOTER, err);
	if (p == NULL)
		return false;
	if (block_get_u32(p + 60) != BLOCK_INDEX_MAGIC)
		return corrupt(err, "its footer is not one");
	if (block_get_u32(p + 52) != BLOCK_INDEX_VERSION)
		return err_set(err, ERR_CORRUPT, -1, "block index has unknown version %u",
					   block_get_u32(p + 52));
	f->groups = block_get_u64(p);
	f->times = block_get_u64(p + 8);
	f->names = block_get_u64(p + 16);
	f->names_len = block_get_u64(p + 24);
	f->chunk_bytes = block_get_u64(p + 32);
	f->nseries = block_get_u32(p + 40);
	f->ntimes = block_get_u32(p + 44);
	f->nnames = block_get_u32(p + 48);
	if (f->nseries > BLOCK_INDEX_MAX_SERIES || f->names_len > MAX_PIECE ||
		f->nnames > f->names_len || f->groups > ix->bytes->size || f->times > ix->bytes->size)
		return corrupt(err, "its footer is not one");
	return true;
}

static bool
read_names(BlockIndex *ix, Err *err)
{
	const uint8_t *p = block_index_bytes(ix, ix->f.names, (size_t) ix->f.names_len, err);
	const uint8_t *end;

	if (p == NULL)
		return false;
	end = p + ix->f.names_len;
	ix->names = mem_alloc0(sizeof(ReaderName) * (ix->f.nnames + 1));
	for (uint32_t i = 0; i < ix->f.nnames; i++)
	{
		uint64_t len;
		uint64_t nvalues;
		ReaderName *name = &ix->names[i];

		if ((p = varint_get(p, end, &len)) == NULL || len > (uint64_t) (end - p))
			return corrupt(err, "names");
		name->text = strview(mem_dup(p, len), len);
		p += len;
		if ((p = varint_get(p, end, &nvalues)) == NULL ||
			(p = varint_get(p, end, &name->table)) == NULL || nvalues > ix->bytes->size ||
			nvalues > UINT32_MAX / 2 || name->table > ix->bytes->size)
			return corrupt(err, "names");
		name->nvalues = (uint32_t) nvalues;
		if (i > 0 && strview_cmp(ix->names[i - 1].text, name->text) >= 0)
			return corrupt(err, "names are not sorted");
	}
	return true;
}

/* block_index_open -- read what every query needs.  bytes must live until the close. */
BlockIndex *
block_index_open(BlockBytes *bytes, Err *err)
{
	MemScope *scope = mem_scope_create("mimir block index");
	MemScope *old = mem_scope_switch(scope);
	BlockIndex *ix = mem_alloc0(sizeof(BlockIndex));
	bool ok;

	ix->scope = scope;
	ix->bytes = bytes;
	buf_init(&ix->series, 4096, MAX_PIECE);
	/* err's text must outlive the scope */
	mem_scope_switch(old);
	ok = read_footer(ix, err);
	if (ok)
	{
		Err inner = ERR_INIT;

		mem_scope_switch(scope);
		ok = read_names(ix, &inner);
		mem_scope_switch(old);
		if (!ok)
			err_set(err, inner.code, -1, "%s", inner.msg);
	}
	if (!ok)
	{
		mem_scope_delete(scope);
		return NULL;
	}
	return ix;
}

void
block_index_close(BlockIndex *ix)
{
	mem_scope_delete(ix->scope);
}

uint32_t
block_index_count(const BlockIndex *ix)
{
	return ix->f.nseries;
}

/* ---- names and values -------------------------------------------------------------------------- */

int
block_index_nnames(const BlockIndex *ix)
{
	return (int) ix->f.nnames;
}

StrView
block_index_name(const BlockIndex *ix, int number)
{
	return ix->names[number].text;
}

int
block_index_find_name(const BlockIndex *ix, StrView name)
{
	int lo = 0;
	int hi = (int) ix->f.nnames;

	while (lo < hi)
	{
		int mid = (lo + hi) / 2;
		int c = strview_cmp(ix->names[mid].text, name);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

uint32_t
block_index_nvalues(const BlockIndex *ix, int name)
{
	return ix->names[name].nvalues;
}

void
block_values_open(BlockValues *v, BlockIndex *ix, int name)
{
	MemScope *old = mem_scope_switch(ix->scope);

	memset(v, 0, sizeof(*v));
	v->ix = ix;
	v->name = name;
	buf_init(&v->group, 1024, MAX_PIECE);
	buf_init(&v->text, 64, MAX_PIECE);
	mem_scope_switch(old);
}

void
block_values_close(BlockValues *v)
{
	buf_free(&v->group);
	buf_free(&v->text);
}

static bool
load_values(BlockValues *v, uint32_t group, Err *err)
{
	uint64_t from;
	uint64_t to;

	v->postings_len = 0;
	v->next = group * BLOCK_INDEX_VALUES;
	v->at = 0;
	buf_reset(&v->text);
	return table_entry(v->ix, v->ix->names[v->name].table, group, &from, &to, &v->postings, err) &&
		   copy_bytes(v->ix, from, to, &v->group, err);
}

/* block_values_next -- the next value to text, postings and postings_len. */
int
block_values_next(BlockValues *v, Err *err)
{
	const uint8_t *p;
	const uint8_t *end;
	uint64_t shared;
	uint64_t len;
	uint64_t postings_len;

	if (v->next >= v->ix->names[v->name].nvalues)
		return 0;
	if (v->next % BLOCK_INDEX_VALUES == 0 && !load_values(v, v->next / BLOCK_INDEX_VALUES, err))
		return -1;
	p = (const uint8_t *) v->group.data + v->at;
	end = (const uint8_t *) v->group.data + v->group.len;
	if ((p = varint_get(p, end, &shared)) == NULL || shared > v->text.len ||
		(p = varint_get(p, end, &len)) == NULL || len > (uint64_t) (end - p))
	{
		corrupt(err, "values");
		return -1;
	}
	v->text.len = shared;
	buf_append(&v->text, p, len);
	p += len;
	if ((p = varint_get(p, end, &postings_len)) == NULL || postings_len > MAX_PIECE)
	{
		corrupt(err, "values");
		return -1;
	}
	v->postings += v->postings_len;
	v->postings_len = (uint32_t) postings_len;
	v->at = (size_t) (p - (const uint8_t *) v->group.data);
	v->next++;
	return 1;
}

/*
 * block_values_seek -- make the first value that is not below from the next one (mostly: it may
 * stop up to a group early).
 */
bool
block_values_seek(BlockValues *v, StrView from, Err *err)
{
	uint32_t nvalues = v->ix->names[v->name].nvalues;
	uint32_t lo = 0;
	uint32_t hi = (nvalues + BLOCK_INDEX_VALUES - 1) / BLOCK_INDEX_VALUES;

	/* the last group whose first value is not above from */
	while (hi - lo > 1)
	{
		uint32_t mid = lo + (hi - lo) / 2;

		v->next = mid * BLOCK_INDEX_VALUES;
		if (block_values_next(v, err) < 0)
			return false;
		if (strview_cmp(strview(v->text.data, v->text.len), from) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	v->next = lo * BLOCK_INDEX_VALUES;
	return true;
}

/* Decode the group of a value into the name's texts. */
static bool
load_texts(BlockIndex *ix, ReaderName *name, uint32_t value, Err *err)
{
	BlockValues v;
	uint32_t first = value - value % BLOCK_INDEX_VALUES;
	int got = 1;

	block_values_open(&v, ix, (int) (name - ix->names));
	v.next = first;
	for (uint32_t i = first; got > 0 && i < first + BLOCK_INDEX_VALUES && i < name->nvalues; i++)
	{
		got = block_values_next(&v, err);
		if (got > 0)
		{
			MemScope *old = mem_scope_switch(ix->scope);

			name->texts[i] = strview(mem_dup(v.text.data, v.text.len + 1), v.text.len);
			mem_scope_switch(old);
		}
	}
	block_values_close(&v);
	return got > 0;
}

/* block_index_value -- the text of a value, valid until the index is closed. */
bool
block_index_value(BlockIndex *ix, int number, uint32_t value, StrView *out, Err *err)
{
	ReaderName *name = &ix->names[number];

	if (value >= name->nvalues)
		return corrupt(err, "a value is not there");
	if (name->texts == NULL)
	{
		MemScope *old = mem_scope_switch(ix->scope);

		name->texts = mem_alloc0(sizeof(StrView) * name->nvalues);
		mem_scope_switch(old);
	}
	if (name->texts[value].s == NULL && !load_texts(ix, name, value, err))
		return false;
	*out = name->texts[value];
	return true;
}

/* ---- series ------------------------------------------------------------------------------------ */

static bool
load_group(BlockIndex *ix, uint32_t group, Err *err)
{
	uint64_t from;
	uint64_t to;

	ix->group = 0;
	if (!table_entry(ix, ix->f.groups, group, &from, &to, &ix->chunk_offset, err) ||
		!copy_bytes(ix, from, to, &ix->series, err))
		return false;
	ix->group = group + 1;
	ix->at = 0;
	ix->next = group * BLOCK_INDEX_GROUP;
	ix->series_id = 0;
	ix->npairs = 0;
	return true;
}

/* Room for n pairs or chunks; n is bounded by the bytes of the group. */
static void
reserve_pairs(BlockIndex *ix, int n)
{
	if (n <= ix->cap_pairs)
		return;
	ix->cap_pairs = n * 2;
	ix->pair_names = mem_realloc(ix->pair_names, sizeof(uint32_t) * (size_t) ix->cap_pairs);
	ix->pair_values = mem_realloc(ix->pair_values, sizeof(uint32_t) * (size_t) ix->cap_pairs);
}

static void
reserve_chunks(BlockIndex *ix, int n)
{
	if (n <= ix->cap_chunks)
		return;
	ix->cap_chunks = n * 2;
	ix->chunks = mem_realloc(ix->chunks, sizeof(BlockChunk) * (size_t) ix->cap_chunks);
}

static const uint8_t *
get_pairs(BlockIndex *ix, const uint8_t *p, const uint8_t *end)
{
	uint64_t shared;
	uint64_t more;

	if ((p = varint_get(p, end, &shared)) == NULL || shared > (uint64_t) ix->npairs ||
		(p = varint_get(p, end, &more)) == NULL || more > (uint64_t) (end - p) ||
		more > BLOCK_INDEX_MAX_LABELS)
		return NULL;
	reserve_pairs(ix, (int) (shared + more));
	ix->npairs = (int) (shared + more);
	for (int i = (int) shared; i < ix->npairs; i++)
	{
		uint64_t name;
		uint64_t value;

		if ((p = varint_get(p, end, &name)) == NULL || name >= ix->f.nnames ||
			(p = varint_get(p, end, &value)) == NULL || value >= ix->names[name].nvalues ||
			(i > 0 && name <= ix->pair_names[i - 1]))
			return NULL;
		ix->pair_names[i] = (uint32_t) name;
		ix->pair_values[i] = (uint32_t) value;
	}
	return p;
}

static const uint8_t *
get_own_times(BlockChunk *c, const uint8_t *p, const uint8_t *end)
{
	uint64_t min_t;
	uint64_t span;
	uint64_t count;

	if (p >= end)
		return NULL;
	c->encoding = *p++;
	if ((p = varint_get(p, end, &min_t)) == NULL || (p = varint_get(p, end, &span)) == NULL ||
		span > UINT32_MAX || (p = varint_get(p, end, &count)) == NULL || count > UINT32_MAX)
		return NULL;
	c->min_t = varint_unzigzag(min_t);
	if (c->min_t > INT64_MAX - (int64_t) span)
		return NULL;
	c->max_t = c->min_t + (int64_t) span;
	c->count = (uint32_t) count;
	return p;
}

static const uint8_t *
get_chunks(BlockIndex *ix, const uint8_t *p, const uint8_t *end)
{
	uint64_t n;

	if ((p = varint_get(p, end, &n)) == NULL || n > (uint64_t) (end - p))
		return NULL;
	reserve_chunks(ix, (int) n);
	ix->nchunks = (int) n;
	for (int i = 0; i < ix->nchunks; i++)
	{
		BlockChunk *c = &ix->chunks[i];
		uint64_t times;
		uint64_t len;

		*c = (BlockChunk){.offset = ix->chunk_offset};
		if ((p = varint_get(p, end, &times)) == NULL || times > ix->f.ntimes ||
			(p = varint_get(p, end, &len)) == NULL || len > UINT32_MAX ||
			len > ix->f.chunk_bytes - ix->chunk_offset)
			return NULL;
		c->times = (uint32_t) times;
		c->len = (uint32_t) len;
		ix->chunk_offset += len;
		if (times == 0 && (p = get_own_times(c, p, end)) == NULL)
			return NULL;
	}
	return p;
}

static bool
next_record(BlockIndex *ix, Err *err)
{
	const uint8_t *p = (const uint8_t *) ix->series.data + ix->at;
	const uint8_t *end = (const uint8_t *) ix->series.data + ix->series.len;
	uint64_t id;

	if (ix->chunk_offset > ix->f.chunk_bytes || (p = varint_get(p, end, &id)) == NULL ||
		(p = get_pairs(ix, p, end)) == NULL)
	{
		ix->group = 0;
		return corrupt(err, "series");
	}
	ix->series_id = (int64_t) ((uint64_t) ix->series_id + (uint64_t) varint_unzigzag(id));
	if ((p = get_chunks(ix, p, end)) == NULL)
	{
		ix->group = 0;
		return corrupt(err, "chunks of a series");
	}
	ix->at = (size_t) (p - (const uint8_t *) ix->series.data);
	ix->next++;
	return true;
}

/* block_index_times -- a time column by its number, from 1 on. */
bool
block_index_times(BlockIndex *ix, uint32_t number, BlockTimes *out, Err *err)
{
	const uint8_t *p;

	if (number == 0 || number > ix->f.ntimes)
		return corrupt(err, "a time column is not there");
	p = block_index_bytes(ix, ix->f.times + (uint64_t) (number - 1) * BLOCK_INDEX_TIMES,
						  BLOCK_INDEX_TIMES, err);
	if (p == NULL)
		return false;
	out->offset = block_get_u64(p);
	out->min_t = (int64_t) block_get_u64(p + 8);
	out->count = block_get_u32(p + 20);
	out->len = block_get_u32(p + 24);
	if (out->min_t > INT64_MAX - (int64_t) block_get_u32(p + 16))
		return corrupt(err, "a time column is not one");
	out->max_t = out->min_t + (int64_t) block_get_u32(p + 16);
	return true;
}

static bool
fill_times(BlockIndex *ix, Err *err)
{
	for (int i = 0; i < ix->nchunks; i++)
	{
		BlockTimes t;

		if (ix->chunks[i].times == 0)
			continue;
		if (!block_index_times(ix, ix->chunks[i].times, &t, err))
			return false;
		ix->chunks[i].min_t = t.min_t;
		ix->chunks[i].max_t = t.max_t;
		ix->chunks[i].count = t.count;
	}
	return true;
}

/*
 * block_index_series -- the series at an ordinal.  Cheapest in ascending order: within a group
 * of 32 the walk goes on where it was.
 */
bool
block_index_series(BlockIndex *ix, uint32_t ordinal, BlockSeries *out, Err *err)
{
	MemScope *old;
	bool ok = true;

	if (ordinal >= ix->f.nseries)
		return corrupt(err, "a series is not there");
	if ((ix->group != ordinal / BLOCK_INDEX_GROUP + 1 || ix->next > ordinal) &&
		!load_group(ix, ordinal / BLOCK_INDEX_GROUP, err))
		return false;
	while (ok && ix->next <= ordinal)
	{
		Err inner = ERR_INIT;

		old = mem_scope_switch(ix->scope);
		ok = next_record(ix, &inner);
		mem_scope_switch(old);
		if (!ok)
			err_set(err, inner.code, -1, "%s", inner.msg);
	}
	if (!ok || !fill_times(ix, err))
		return false;
	*out = (BlockSeries){.series_id = ix->series_id,
						 .npairs = ix->npairs,
						 .names = ix->pair_names,
						 .values = ix->pair_values,
						 .nchunks = ix->nchunks,
						 .chunks = ix->chunks};
	return true;
}

/* block_index_labels -- the label set of a series, from mem_alloc. */
bool
block_index_labels(BlockIndex *ix, const BlockSeries *s, Labels *out, Err *err)
{
	size_t size = 0;
	uint8_t *data;
	uint8_t *p;
	StrView value;

	for (int i = 0; i < s->npairs; i++)
	{
		Label label;

		if (!block_index_value(ix, (int) s->names[i], s->values[i], &value, err))
			return false;
		label.name = ix->names[s->names[i]].text;
		label.value = value;
		size += labels_encoded_size(&label, 1);
	}
	p = data = mem_alloc(size > 0 ? size : 1);
	for (int i = 0; i < s->npairs; i++)
		p = labels_put(p, ix->names[s->names[i]].text, ix->names[s->names[i]].texts[s->values[i]]);
	out->data = data;
	out->len = (uint32_t) size;
	return true;
}
