/*
 * tans.h
 *    Integers by bins: which bin is entropy-coded, where in the bin is plain bits.
 *
 * A model tiles the integers that occur with up to TANS_MAX_BINS bins, each a power of two wide,
 * narrow where values are frequent.  A value costs about log2(1/p) bits for its bin, p being the
 * bin's weight, and the logarithm of the bin's width.  docs/formats.md has the bits.
 *
 * Fit a model, then write its header, then blocks; or read a header, build the table, read
 * blocks.
 */
#ifndef MIMIR_CODEC_COLUMN_TANS_H
#define MIMIR_CODEC_COLUMN_TANS_H

#include "codec/column/bitpack.h"

#define TANS_MIN_LOG   5
#define TANS_MAX_LOG   11
#define TANS_MAX_BINS  64
#define TANS_BLOCK_MAX 4096 /* values of a block */

typedef struct TansBin
{
	int64_t lower;	 /* bins ascend by it; they may overlap, then the later one counts */
	uint16_t weight; /* of 2^log; at least 1 */
	uint8_t width;	 /* in bits: the bin holds lower .. lower + 2^width - 1 */
} TansBin;

typedef struct TansModel
{
	unsigned log; /* weights sum up to 2^log */
	int nbins;
	TansBin bins[TANS_MAX_BINS];
} TansModel;

/* --- writing ------------------------------------------------------------------------------- */

typedef struct TansEncoder
{
	const TansModel *model;
	uint16_t first[TANS_MAX_BINS];		/* of the bin's entries in states */
	uint16_t states[1 << TANS_MAX_LOG]; /* by bin, then ascending */
} TansEncoder;

extern uint64_t tans_estimate(const int64_t *sorted, int n);
extern uint64_t tans_fit(TansModel *m, const int64_t *sorted, int n);
extern uint8_t *tans_put_model(uint8_t *p, const TansModel *m);
extern void tans_encoder_init(TansEncoder *e, const TansModel *m);
extern uint8_t *tans_put(const TansEncoder *e, uint8_t *p, const int64_t *v, int n);

#define TANS_MODEL_BYTES ((TANS_MAX_BINS * (1 + 7 + 1 + 7 + 64 + 4 + 12) + 128) / 8 + 8)
/* room that tans_put needs for n values */
#define TANS_BLOCK_BYTES(n) ((size_t) (n) * (TANS_MAX_LOG + 64) / 8 + TANS_MAX_LOG + 16)

/* --- reading ------------------------------------------------------------------------------- */

/* What a state stands for; 16 bytes, so that a table of 2^10 fits the level-1 cache. */
typedef struct TansEntry
{
	uint64_t lower;
	uint16_t next; /* state to go to, plus the next bits bits of the stream */
	uint16_t mask; /* 2^bits - 1 */
	uint8_t bits;
	uint8_t width;
	uint8_t total; /* bits + width */
} TansEntry;

typedef struct TansTable
{
	unsigned log;
	unsigned max_total; /* over all entries */
	unsigned max_width;
	TansEntry entries[]; /* 2^log */
} TansTable;

extern const uint8_t *tans_get_model(const uint8_t *p, const uint8_t *end, TansModel *m);
extern TansTable *tans_table_create(const TansModel *m);
extern bool tans_get(const TansTable *t, const uint8_t *p, size_t len, const uint8_t *end, int n,
					 int want, uint64_t *sum, int64_t *v);

#endif
