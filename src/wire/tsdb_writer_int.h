/*
 * tsdb_writer_int.h
 *    The parts of the block writer: memory budget, strings, postings, output.  For
 *    tsdb_writer*.c only.
 */
#ifndef MIMIR_WIRE_TSDB_WRITER_INT_H
#define MIMIR_WIRE_TSDB_WRITER_INT_H

#include "wire/tsdb_writer.h"

/* --- tsdb_writer_memory.c: growing within a budget ---------------------------------------------- */

typedef struct TsdbBudget
{
	size_t used;
	size_t max;
} TsdbBudget;

/*
 * tsdb_budget_grow -- make room for need items of size bytes at *array, which has room for *cap.
 * False, and nothing changed, if the budget does not allow for old and new at a time.
 */
extern bool tsdb_budget_grow(TsdbBudget *b, void **array, size_t *cap, size_t need, size_t size);

/* --- tsdb_writer_strings.c: the symbol table ------------------------------------------------------ */

typedef struct TsdbString
{
	uint64_t at; /* in bytes */
	uint32_t len;
	uint32_t hash;
} TsdbString;

typedef struct TsdbStrings
{
	TsdbBudget *budget;
	char *bytes;
	size_t len, cap;
	TsdbString *items; /* in the order they came */
	size_t n, cap_items;
	uint32_t *slots; /* item + 1, or 0; twice as many as items, a power of two */
	size_t n_slots;
	uint32_t *sorted; /* after tsdb_strings_sort: number -> item */
	uint32_t *number; /* item -> number */
} TsdbStrings;

extern bool tsdb_strings_add(TsdbStrings *s, StrView v);
extern bool tsdb_strings_sort(TsdbStrings *s);
extern bool tsdb_strings_number(const TsdbStrings *s, StrView v, uint32_t *number);
extern StrView tsdb_strings_get(const TsdbStrings *s, uint32_t number);
extern void tsdb_strings_free(TsdbStrings *s);

/* --- tsdb_writer_pairs.c: postings of every label pair -------------------------------------------- */

typedef struct TsdbPair
{
	uint32_t name, value; /* numbers of symbols */
	uint32_t n;			  /* series */
	uint32_t last;		  /* the last one added */
	uint32_t head, tail;  /* places of the first and the last block of differences */
	uint32_t room;		  /* bytes free in the last block */
	uint32_t size;		  /* bytes of the last block */
} TsdbPair;

typedef struct TsdbPairs
{
	TsdbBudget *budget;
	TsdbPair *items; /* item 0: all series */
	size_t n, cap;
	uint32_t *slots; /* item + 1, or 0 */
	size_t n_slots;
	uint8_t **pages; /* of blocks */
	size_t n_pages, cap_pages;
	uint32_t page_used;
	uint32_t *sorted; /* after tsdb_pairs_sort: items 1 to n - 1, by name and value */
} TsdbPairs;

/* Walk the series of one pair. */
typedef struct TsdbPairWalk
{
	const TsdbPairs *pairs;
	uint32_t left; /* series */
	uint32_t block, used, size;
	uint32_t last;
} TsdbPairWalk;

extern bool tsdb_pairs_init(TsdbPairs *p, TsdbBudget *budget);
extern bool tsdb_pairs_add(TsdbPairs *p, uint32_t name, uint32_t value, uint32_t series);
extern bool tsdb_pairs_add_all(TsdbPairs *p, uint32_t series);
extern bool tsdb_pairs_sort(TsdbPairs *p);
extern void tsdb_pairs_walk(const TsdbPairs *p, const TsdbPair *pair, TsdbPairWalk *walk);
extern uint32_t tsdb_pairs_walk_next(TsdbPairWalk *walk);
extern void tsdb_pairs_free(TsdbPairs *p);

/* --- tsdb_writer_out.c: a file on its way out ------------------------------------------------------- */

typedef struct TsdbOut
{
	const TsdbWriterConfig *config;
	TsdbFileKind kind;
	int number;
	uint64_t pos; /* bytes put so far */
	uint32_t crc; /* since tsdb_out_crc_begin */
	bool failed;  /* the callback has failed: nothing is put any more */
	Err *err;	  /* of the call under way */
	Buf buf;	  /* not given to the callback yet */
} TsdbOut;

extern void tsdb_out_init(TsdbOut *o, const TsdbWriterConfig *config, TsdbFileKind kind,
						  int number);
extern void tsdb_out_put(TsdbOut *o, const void *data, size_t len);
extern void tsdb_out_u32(TsdbOut *o, uint32_t v);
extern void tsdb_out_u64(TsdbOut *o, uint64_t v);
extern void tsdb_out_uvarint(TsdbOut *o, uint64_t v);
extern void tsdb_out_string(TsdbOut *o, StrView s);
extern void tsdb_out_align(TsdbOut *o, unsigned to);
extern void tsdb_out_crc_begin(TsdbOut *o);
extern void tsdb_out_crc_end(TsdbOut *o); /* put the checksum */
extern void tsdb_out_flush(TsdbOut *o);

static inline size_t
tsdb_uvarint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

static inline size_t
tsdb_string_size(StrView s)
{
	return tsdb_uvarint_size(s.len) + s.len;
}

/* --- tsdb_writer_index.c: everything in the index but the series ------------------------------------- */

/* tsdb_write_symbols -- header and symbol table; false if they are too many for the format. */
extern bool tsdb_write_symbols(TsdbOut *o, const TsdbStrings *s, Err *err);

/* tsdb_write_rest -- label indices, postings, their tables, table of contents. */
extern bool tsdb_write_rest(TsdbOut *o, const TsdbStrings *s, TsdbPairs *p, uint64_t series_at,
							Err *err);

#endif
