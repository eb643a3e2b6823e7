/*
 * block_index_write.c
 *    Building the index of a compacted block.
 *
 * Series come in label order with their chunks.  Numbers of values are known only when all have
 * come, so until then a series is a list of provisional pair numbers; block_index_finish sorts
 * the values of each name, numbers them and turns the lists round into postings.
 *
 * Calls: create, then add_times and add_series in any order (a series' columns before it), then
 * finish, free.
 * Memory: a scope of its own; about 10 bytes a label of a series and the texts once.  Callers
 * look at block_index_memory and begin another part in time.
 */
#include "codec/block_index_int.h"

#include "codec/block_postings.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/varint.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_BUCKETS 4096
#define NAME_BUCKETS  1024
#define OUT_MAX		  ((size_t) 1 << 30)

typedef struct WriterPair
{
	StrView value;
	uint32_t name;
	uint32_t hash;
	uint32_t next;	/* hash chain, number + 1 */
	uint32_t count; /* series that have it */
	uint32_t value_no;
} WriterPair;

typedef struct WriterSeries
{
	int64_t series_id;
	size_t first;	/* of its pairs in refs */
	size_t list;	/* of its chunk list in lists */
	uint64_t bytes; /* of its chunks */
	uint32_t npairs;
	uint32_t list_len;
} WriterSeries;

typedef struct WriterName
{
	StrView text;
	uint32_t next;	 /* hash chain, number + 1 */
	uint32_t number; /* in order of the names; filled by finish */
	uint32_t npairs;
} WriterName;

struct BlockIndexWriter
{
	MemScope *scope;
	uint32_t nnames, cap_names;
	WriterName *names;
	uint32_t name_buckets[NAME_BUCKETS];
	uint32_t npairs, cap_pairs, nbuckets;
	WriterPair *pairs;
	uint32_t *buckets;
	size_t nrefs, cap_refs;
	uint32_t *refs; /* pairs of all series, one behind the other */
	uint32_t nseries, cap_series;
	WriterSeries *series;
	Buf lists; /* chunk lists in their final form */
	Buf times; /* the time table */
	uint32_t ntimes;
	uint64_t times_bytes, chunk_bytes;
	size_t text_bytes;
};

BlockIndexWriter *
block_index_writer_create(void)
{
	MemScope *scope = mem_scope_create("mimir block index writer");
	MemScope *old = mem_scope_switch(scope);
	BlockIndexWriter *w = mem_alloc0(sizeof(BlockIndexWriter));

	w->scope = scope;
	w->nbuckets = FIRST_BUCKETS;
	w->buckets = mem_alloc0(sizeof(uint32_t) * w->nbuckets);
	buf_init(&w->lists, 65536, OUT_MAX);
	buf_init(&w->times, 4096, OUT_MAX);
	mem_scope_switch(old);
	return w;
}

void
block_index_writer_free(BlockIndexWriter *w)
{
	mem_scope_delete(w->scope);
}

uint32_t
block_index_nseries(const BlockIndexWriter *w)
{
	return w->nseries;
}

/* block_index_memory -- bytes that the writer holds and finish will need, about. */
size_t
block_index_memory(const BlockIndexWriter *w)
{
	return w->text_bytes * 2 + w->nrefs * 12 + w->nseries * sizeof(WriterSeries) +
		   w->npairs * (sizeof(WriterPair) + 32) + (w->lists.len + w->times.len) * 2;
}

/* A growing array of the writer: room for one more. */
#define GROW(w, array, n, cap)                                                                     \
	do                                                                                             \
	{                                                                                              \
		if ((w)->n == (w)->cap)                                                                    \
		{                                                                                          \
			(w)->cap = (w)->cap ? (w)->cap * 2 : 1024;                                             \
			(w)->array = mem_realloc((w)->array, sizeof(*(w)->array) * (w)->cap);                  \
		}                                                                                          \
	} while (0)

/*
 * block_index_add_times -- tell of a time column that stands next in the time stream with len
 * bytes; times in ms.  Returns its number.
 */
uint32_t
block_index_add_times(BlockIndexWriter *w, int64_t min_t, int64_t max_t, uint32_t count,
					  uint32_t len)
{
	assert(max_t >= min_t && max_t - min_t <= UINT32_MAX);
	block_put_u64(&w->times, w->times_bytes);
	block_put_u64(&w->times, (uint64_t) min_t);
	block_put_u32(&w->times, (uint32_t) (max_t - min_t));
	block_put_u32(&w->times, count);
	block_put_u32(&w->times, len);
	w->times_bytes += len;
	return ++w->ntimes;
}

static uint32_t
name_number(BlockIndexWriter *w, StrView name, uint32_t hint)
{
	uint32_t *head;

	/* mostly the name is the one that stands here in the first label sets */
	if (hint < w->nnames && strview_eq(w->names[hint].text, name))
		return hint;
	head = &w->name_buckets[hash_xxh64(name.s, name.len) % NAME_BUCKETS];
	for (uint32_t i = *head; i != 0; i = w->names[i - 1].next)
		if (strview_eq(w->names[i - 1].text, name))
			return i - 1;
	GROW(w, names, nnames, cap_names);
	w->names[w->nnames] =
		(WriterName){.text = strview(mem_dup(name.s, name.len), name.len), .next = *head};
	*head = w->nnames + 1;
	w->text_bytes += name.len;
	return w->nnames++;
}

static void
grow_buckets(BlockIndexWriter *w)
{
	mem_free(w->buckets);
	w->nbuckets *= 4;
	w->buckets = mem_alloc0(sizeof(uint32_t) * w->nbuckets);
	for (uint32_t i = 0; i < w->npairs; i++)
	{
		uint32_t *head = &w->buckets[w->pairs[i].hash & (w->nbuckets - 1)];

		w->pairs[i].next = *head;
		*head = i + 1;
	}
}

static uint32_t
pair_number(BlockIndexWriter *w, uint32_t name, StrView value)
{
	uint32_t hash = (uint32_t) hash_xxh64(value.s, value.len) ^ name * UINT32_C(0x9e3779b9);
	uint32_t i = w->buckets[hash & (w->nbuckets - 1)];

	for (; i != 0; i = w->pairs[i - 1].next)
		if (w->pairs[i - 1].hash == hash && w->pairs[i - 1].name == name &&
			strview_eq(w->pairs[i - 1].value, value))
			return i - 1;
	if (w->npairs >= w->nbuckets)
		grow_buckets(w);
	GROW(w, pairs, npairs, cap_pairs);
	w->pairs[w->npairs] = (WriterPair){.value = strview(mem_dup(value.s, value.len), value.len),
									   .name = name,
									   .hash = hash,
									   .next = w->buckets[hash & (w->nbuckets - 1)]};
	w->buckets[hash & (w->nbuckets - 1)] = w->npairs + 1;
	w->names[name].npairs++;
	w->text_bytes += value.len + 16;
	return w->npairs++;
}

/*
 * block_index_add_series -- the next series in label order and its chunks by time; they stand
 * next in the chunk stream (offset, and times of chunks with a column, are not looked at).
 * Returns false, having done nothing, if the index is full.
 */
bool
block_index_add_series(BlockIndexWriter *w, int64_t series_id, Labels labels,
					   const BlockChunk *chunks, int n)
{
	MemScope *old;
	WriterSeries *s;
	LabelsIter it;
	Label label;

	if (w->nseries >= BLOCK_INDEX_MAX_SERIES || w->lists.len > OUT_MAX / 4)
		return false;
	old = mem_scope_switch(w->scope);
	GROW(w, series, nseries, cap_series);
	s = &w->series[w->nseries++];
	*s = (WriterSeries){.series_id = series_id, .first = w->nrefs, .list = w->lists.len};
	labels_iter_init(&it, labels);
	while (s->npairs < BLOCK_INDEX_MAX_LABELS && labels_next(&it, &label))
	{
		uint32_t name = name_number(w, label.name, s->npairs);
		uint32_t pair = pair_number(w, name, label.value);

		GROW(w, refs, nrefs, cap_refs);
		w->refs[w->nrefs++] = pair;
		w->pairs[pair].count++;
		s->npairs++;
	}
	buf_uvarint(&w->lists, (uint64_t) n);
	for (int i = 0; i < n; i++)
	{
		buf_uvarint(&w->lists, chunks[i].times);
		buf_uvarint(&w->lists, chunks[i].len);
		if (chunks[i].times == 0)
		{
			buf_char(&w->lists, (char) chunks[i].encoding);
			buf_varint(&w->lists, chunks[i].min_t);
			buf_uvarint(&w->lists, (uint64_t) (chunks[i].max_t - chunks[i].min_t));
			buf_uvarint(&w->lists, chunks[i].count);
		}
		s->bytes += chunks[i].len;
	}
	s->list_len = (uint32_t) (w->lists.len - s->list);
	w->chunk_bytes += s->bytes;
	mem_scope_switch(old);
	return true;
}

/* ---- finishing --------------------------------------------------------------------------------- */

typedef struct SortedText
{
	StrView text;
	uint32_t number;
} SortedText;

static int
cmp_text(const void *a, const void *b)
{
	return strview_cmp(((const SortedText *) a)->text, ((const SortedText *) b)->text);
}

static void
number_names(BlockIndexWriter *w, SortedText *order)
{
	for (uint32_t i = 0; i < w->nnames; i++)
		order[i] = (SortedText){w->names[i].text, i};
	qsort(order, w->nnames, sizeof(SortedText), cmp_text);
	for (uint32_t i = 0; i < w->nnames; i++)
		w->names[order[i].number].number = i;
}

/* Pairs sorted by name and value; starts[name number] is where a name's pairs begin. */
static SortedText *
number_values(BlockIndexWriter *w, const SortedText *names, size_t *starts)
{
	SortedText *pairs = mem_alloc(sizeof(SortedText) * (w->npairs + 1));
	size_t at = 0;

	for (uint32_t i = 0; i < w->nnames; i++)
	{
		starts[i] = at;
		at += w->names[names[i].number].npairs;
	}
	starts[w->nnames] = at;
	for (uint32_t i = 0; i < w->npairs; i++)
		pairs[starts[w->names[w->pairs[i].name].number]++] = (SortedText){w->pairs[i].value, i};
	for (uint32_t i = w->nnames; i > 0; i--)
		starts[i] = starts[i - 1];
	starts[0] = 0;
	for (uint32_t i = 0; i < w->nnames; i++)
	{
		qsort(pairs + starts[i], starts[i + 1] - starts[i], sizeof(SortedText), cmp_text);
		for (size_t k = starts[i]; k < starts[i + 1]; k++)
			w->pairs[pairs[k].number].value_no = (uint32_t) (k - starts[i]);
	}
	return pairs;
}

static uint32_t
shared_pairs(const BlockIndexWriter *w, const WriterSeries *a, const WriterSeries *b)
{
	uint32_t n = 0;

	while (n < a->npairs && n < b->npairs && w->refs[a->first + n] == w->refs[b->first + n])
		n++;
	return n;
}

/* Series records and the table of their groups; returns the table's offset. */
static uint64_t
put_series(BlockIndexWriter *w, Buf *out)
{
	Buf table;
	uint64_t chunks = 0;
	uint64_t at;

	buf_init(&table, 4096, OUT_MAX);
	for (uint32_t i = 0; i < w->nseries; i++)
	{
		const WriterSeries *s = &w->series[i];
		const WriterSeries *before = i % BLOCK_INDEX_GROUP == 0 ? NULL : s - 1;
		uint32_t shared = before ? shared_pairs(w, before, s) : 0;

		if (before == NULL)
		{
			block_put_u64(&table, out->len);
			block_put_u64(&table, chunks);
		}
		buf_varint(out, before ? s->series_id - before->series_id : s->series_id);
		buf_uvarint(out, shared);
		buf_uvarint(out, s->npairs - shared);
		for (uint32_t k = shared; k < s->npairs; k++)
		{
			const WriterPair *p = &w->pairs[w->refs[s->first + k]];

			buf_uvarint(out, w->names[p->name].number);
			buf_uvarint(out, p->value_no);
		}
		buf_append(out, w->lists.data + s->list, s->list_len);
		chunks += s->bytes;
	}
	block_put_u64(&table, out->len);
	block_put_u64(&table, chunks);
	at = out->len;
	buf_append(out, table.data, table.len);
	buf_free(&table);
	return at;
}

/* Ordinals of each pair's series, pair by pair: starts[pair] is where its own begin. */
static uint32_t *
invert(const BlockIndexWriter *w, size_t *starts)
{
	uint32_t *ordinals = mem_alloc(sizeof(uint32_t) * (w->nrefs + 1));
	size_t at = 0;

	for (uint32_t i = 0; i < w->npairs; i++)
	{
		starts[i] = at;
		at += w->pairs[i].count;
	}
	for (uint32_t i = 0; i < w->nseries; i++)
		for (uint32_t k = 0; k < w->series[i].npairs; k++)
			ordinals[starts[w->refs[w->series[i].first + k]]++] = i;
	for (uint32_t i = 0; i < w->npairs; i++)
		starts[i] -= w->pairs[i].count;
	return ordinals;
}

static uint32_t
shared_prefix(StrView a, StrView b)
{
	uint32_t n = 0;

	while (n < a.len && n < b.len && a.s[n] == b.s[n])
		n++;
	return n;
}

/* Postings, then the values of one name and the table of their groups; returns its offset. */
static uint64_t
put_values(const BlockIndexWriter *w, const SortedText *pairs, size_t n, const uint32_t *ordinals,
		   const size_t *starts, Buf *out)
{
	uint32_t *lens = mem_alloc(sizeof(uint32_t) * n);
	uint64_t postings = out->len;
	uint64_t at;
	Buf table;

	for (size_t i = 0; i < n; i++)
	{
		size_t before = out->len;

		block_postings_put(out, ordinals + starts[pairs[i].number],
						   w->pairs[pairs[i].number].count);
		lens[i] = (uint32_t) (out->len - before);
	}
	buf_init(&table, 256, OUT_MAX);
	for (size_t i = 0; i < n; i++)
	{
		bool first = i % BLOCK_INDEX_VALUES == 0;
		uint32_t shared = first ? 0 : shared_prefix(pairs[i - 1].text, pairs[i].text);

		if (first)
		{
			block_put_u64(&table, out->len);
			block_put_u64(&table, postings);
		}
		buf_uvarint(out, shared);
		buf_uvarint(out, pairs[i].text.len - shared);
		buf_append(out, pairs[i].text.s + shared, pairs[i].text.len - shared);
		buf_uvarint(out, lens[i]);
		postings += lens[i];
	}
	block_put_u64(&table, out->len);
	block_put_u64(&table, postings);
	at = out->len;
	buf_append(out, table.data, table.len);
	buf_free(&table);
	mem_free(lens);
	return at;
}

static void
put_footer(const BlockFooter *f, Buf *out)
{
	block_put_u64(out, f->groups);
	block_put_u64(out, f->times);
	block_put_u64(out, f->names);
	block_put_u64(out, f->names_len);
	block_put_u64(out, f->chunk_bytes);
	block_put_u32(out, f->nseries);
	block_put_u32(out, f->ntimes);
	block_put_u32(out, f->nnames);
	block_put_u32(out, BLOCK_INDEX_VERSION);
	block_put_u32(out, 0);
	block_put_u32(out, BLOCK_INDEX_MAGIC);
}

/*
 * block_index_finish -- append the index to out.  Returns false if it does not fit out's maximum.
 */
bool
block_index_finish(BlockIndexWriter *w, Buf *out)
{
	MemScope *old = mem_scope_switch(w->scope);
	SortedText *names = mem_alloc(sizeof(SortedText) * (w->nnames + 1));
	size_t *name_starts = mem_alloc0(sizeof(size_t) * (w->nnames + 1));
	size_t *pair_starts = mem_alloc(sizeof(size_t) * (w->npairs + 1));
	BlockFooter f = {.nseries = w->nseries,
					 .ntimes = w->ntimes,
					 .nnames = w->nnames,
					 .chunk_bytes = w->chunk_bytes};
	SortedText *pairs;
	uint32_t *ordinals;
	Buf name_list;

	assert(out->len == 0);
	number_names(w, names);
	pairs = number_values(w, names, name_starts);
	f.groups = put_series(w, out);
	f.times = out->len;
	buf_append(out, w->times.data, w->times.len);
	ordinals = invert(w, pair_starts);
	buf_init(&name_list, 1024, OUT_MAX);
	for (uint32_t i = 0; i < w->nnames; i++)
	{
		size_t n = name_starts[i + 1] - name_starts[i];
		uint64_t table = put_values(w, pairs + name_starts[i], n, ordinals, pair_starts, out);

		buf_uvarint(&name_list, names[i].text.len);
		buf_append(&name_list, names[i].text.s, names[i].text.len);
		buf_uvarint(&name_list, n);
		buf_uvarint(&name_list, table);
	}
	f.names = out->len;
	f.names_len = name_list.len;
	buf_append(out, name_list.data, name_list.len);
	put_footer(&f, out);
	mem_scope_switch(old);
	return !out->overflow && !w->lists.overflow && !w->times.overflow;
}
