/*
 * varbit.h
 *    The number codes of histogram chunks: prefix-coded integers and XOR-coded doubles, into a
 *    growing bit buffer and out of a BitReader.  For codec/ only.
 */
#ifndef MIMIR_CODEC_VARBIT_H
#define MIMIR_CODEC_VARBIT_H

#include "codec/bitstream.h"

/* A bit buffer that grows by mem_realloc; the eight bytes behind w.p are always allocated. */
typedef struct BitBuf
{
	uint8_t *data;
	size_t cap; /* bytes */
	BitWriter w;
} BitBuf;

extern void bitbuf_init(BitBuf *b, size_t cap);
extern void bitbuf_put(BitBuf *b, uint64_t v, unsigned n);
extern void bitbuf_put_varbit_int(BitBuf *b, int64_t v);
extern void bitbuf_put_varbit_uint(BitBuf *b, uint64_t v);
extern size_t bitbuf_size(const BitBuf *b);
extern size_t bitbuf_finish(BitBuf *b);

extern int64_t bits_get_varbit_int(BitReader *r);
extern uint64_t bits_get_varbit_uint(BitReader *r);

/* One stream of integers, each stored as the change of its difference to the one before. */
typedef struct DodState
{
	uint64_t value;
	uint64_t delta; /* both modulo 2^64 */
} DodState;

extern void bitbuf_put_dod(BitBuf *b, DodState *s, uint64_t value);
extern uint64_t bits_get_dod(BitReader *r, DodState *s);

/* One stream of doubles, each stored as XOR with the one before, with a window of its own. */
typedef struct XorState
{
	uint64_t v;		  /* bits of the last double */
	uint8_t leading;  /* zero bits before the window */
	uint8_t trailing; /* zero bits behind it */
} XorState;

#define XOR_NO_WINDOW	 0xff /* as leading, for a writer that has written none */
#define XOR_WRITER_START ((XorState){0, XOR_NO_WINDOW, 0})
#define XOR_READER_START ((XorState){0, 0, 0}) /* Prometheus' reader: all 64 bits */

extern void bitbuf_put_xor(BitBuf *b, XorState *x, uint64_t v);
extern uint64_t bits_get_xor(BitReader *r, XorState *x);

#endif
