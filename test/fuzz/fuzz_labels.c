/*
 * fuzz_labels.c
 *    Any bytes as a label set: refused, or the builder makes the same bytes of its labels.
 */
#include "model/labels.h"
#include "util/mem.h"

#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
use(Labels ls)
{
	LabelsBuilder b;
	LabelsIter it;
	Label l;
	StrView v;
	Buf text;
	int n = 0;

	labels_builder_init(&b);
	labels_iter_init(&it, ls);
	for (; labels_next(&it, &l); n++)
	{
		check(labels_get(ls, l.name, &v) && strview_eq(v, l.value));
		labels_builder_set(&b, l.name, l.value);
	}
	check(n == labels_count(ls));
	check(labels_equal(labels_builder_finish(&b), ls));
	check(labels_cmp(ls, ls) == 0);
	buf_init(&text, 64, 1 << 24);
	labels_text(&text, ls);
	labels_json(&text, ls);
	check(!text.overflow);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);

	if (labels_check(data, size))
		use((Labels){data, (uint32_t) size});
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
