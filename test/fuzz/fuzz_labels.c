/*
 * fuzz_labels.c
 *    Any bytes as a label set, binary and as text: refused, or the builder makes the same bytes of
 *    its labels, and its text reads back.
 */
#include "model/labels.h"
#include "util/mem.h"
#include "util/text.h"

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
	Labels back;
	Err err = ERR_INIT;
	bool utf8 = true;
	int n = 0;

	labels_builder_init(&b);
	labels_iter_init(&it, ls);
	for (; labels_next(&it, &l); n++)
	{
		check(labels_get(ls, l.name, &v) && strview_eq(v, l.value));
		labels_builder_set(&b, l.name, l.value);
		utf8 &= text_utf8_valid(l.name.s, l.name.len) && text_utf8_valid(l.value.s, l.value.len);
	}
	check(n == labels_count(ls));
	check(labels_equal(labels_builder_finish(&b), ls));
	check(labels_cmp(ls, ls) == 0);
	buf_init(&text, 64, 1 << 24);
	labels_text(&text, ls);
	check(labels_parse(text.data, text.len, &back, &err) == utf8);
	check(!utf8 || labels_equal(ls, back));
	labels_json(&text, ls);
	check(!text.overflow);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);
	Err err = ERR_INIT;
	Labels parsed;

	if (labels_parse((const char *) data, size, &parsed, &err))
	{
		check(labels_check(parsed.data, parsed.len));
		use(parsed);
	}
	if (labels_check(data, size))
		use((Labels){data, (uint32_t) size});
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
