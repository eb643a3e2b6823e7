/*
 * varbit.h
 *    Prometheus' prefix-coded integers in a growing bit buffer, and their reading.
 */
#ifndef MIMIR_CODEC_VARBIT_H
#define MIMIR_CODEC_VARBIT_H

#include "codec/bitstream.h"

/* A bit buffer that grows with mem_realloc. */
typedef struct BitBuf
{
	uint8_t *data;
	size_t cap;	  /* bytes */
	uint32_t pos; /* bits */
} BitBuf;

extern void bitbuf_init(BitBuf *b);
extern void bitbuf_put(BitBuf *b, uint64_t v, unsigned n);
extern void bitbuf_put_varbit_int(BitBuf *b, int64_t v);
extern void bitbuf_put_varbit_uint(BitBuf *b, uint64_t v);

extern int64_t bits_get_varbit_int(BitReader *r);
extern uint64_t bits_get_varbit_uint(BitReader *r);

/* XOR-coded doubles, each stream with a window of its own. */
typedef struct XorState
{
	uint64_t v;
	uint8_t leading; /* 0xff: no window yet */
	uint8_t trailing;
} XorState;

extern void bitbuf_put_xor(BitBuf *b, XorState *x, uint64_t v);
extern uint64_t bits_get_xor(BitReader *r, XorState *x);

#endif
