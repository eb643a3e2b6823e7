/*
 * fuzz_histogram_notation.c
 *    Any text as a native histogram's notation: refused, or a sample that can be stored and whose
 *    text reads back to the same.
 */
#include "model/histogram.h"
#include "util/mem.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	HistogramSample s, back;
	Err err = ERR_INIT;
	Buf b;

	if (histogram_sample_parse((const char *) data, size, &s, &err))
	{
		buf_init(&b, 64, 1 << 24);
		histogram_sample_put(&b, &s);
		check(!b.overflow && histogram_sample_get((uint8_t *) b.data, (uint8_t *) b.data + b.len,
												  &back) == (uint8_t *) b.data + b.len);
		check(histogram_sample_equal(&s, &back));
		buf_reset(&b);
		histogram_sample_text(&b, &s);
		check(!b.overflow && histogram_sample_parse(b.data, b.len, &back, &err));
		check(histogram_sample_equal(&s, &back));
	}
	else
		check(err.code == ERR_BAD_REQUEST);
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
