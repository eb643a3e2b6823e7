/*
 * fuzz_openmetrics.c
 *    Any bytes as text of samples; the first byte chooses the format.  A sample that was read can be
 *    written in a plain way, and that reads as the same sample.
 */
#include "model/value.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/openmetrics.h"

#include <inttypes.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* put_escaped -- as both formats have it between quotes. */
static void
put_escaped(Buf *out, StrView s)
{
	buf_char(out, '"');
	for (uint32_t i = 0; i < s.len; i++)
	{
		if (s.s[i] == '\\' || s.s[i] == '"')
			buf_char(out, '\\');
		if (s.s[i] == '\n')
			buf_str(out, "\\n");
		else
			buf_char(out, s.s[i]);
	}
	buf_char(out, '"');
}

static void
read_again(const OmItem *item)
{
	char value[TEXT_DOUBLE_MAX];
	LabelsIter it;
	Label l;
	OmReader *r;
	OmItem again;
	Buf text;

	buf_init(&text, 256, 1 << 26);
	buf_char(&text, '{');
	labels_iter_init(&it, item->labels);
	while (labels_next(&it, &l))
	{
		if (!strview_eq_cstr(l.name, LABELS_NAME))
		{
			put_escaped(&text, l.name);
			buf_char(&text, '=');
			put_escaped(&text, l.value);
		}
		else
			put_escaped(&text, l.value);
		buf_char(&text, ',');
	}
	text_double_shortest_g(value, item->value);
	buf_printf(&text, "} %s", value);
	if (item->has_t)
		buf_printf(&text, " %" PRId64, item->t);
	r = om_reader_create(OM_PROMETHEUS, text.data, text.len);
	check(om_next(r, &again, NULL) == 1);
	check(labels_equal(again.labels, item->labels));
	check(value_bits(again.value) == value_bits(item->value));
	check(again.has_t == item->has_t && again.t == item->t);
	check(om_next(r, &again, NULL) == 0);
	om_reader_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope = mem_scope_create("fuzz"), *outer = mem_scope_switch(scope);

	if (size > 0)
	{
		OmReader *r = om_reader_create(data[0] & 1 ? OM_OPENMETRICS : OM_PROMETHEUS,
									   (const char *) data + 1, size - 1);
		Err err = ERR_INIT;
		OmItem item;
		int got, line = 1;

		om_detect((const char *) data + 1, size - 1);
		while ((got = om_next(r, &item, &err)) == 1)
		{
			check(item.line >= line);
			line = item.line;
			check(text_utf8_valid(item.metadata.help.s, item.metadata.help.len));
			check(labels_check(item.labels.data, item.labels.len));
			check(labels_check(item.exemplar.labels.data, item.exemplar.labels.len));
			if (item.kind == OM_SAMPLE)
				read_again(&item);
		}
		check((got < 0) == (err.code != ERR_NONE));
		check(got == 0 || strncmp(err.msg, "line ", 5) == 0);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
