/*
 * labels_builder.c
 *    Making label sets: labels in any order, the last of a name wins, empty values go.
 *
 * Kept sorted by insertion; most come in order already, so an insertion is an append.
 *
 * Memory: the builder holds views, so names and values (and a base set) must live until finish.
 * Its array is from mem_alloc in the scope of its first growth, and is kept by reset.
 */
#include "model/labels.h"

#include "util/mem.h"

void
labels_builder_init(LabelsBuilder *b)
{
	b->items = NULL;
	b->n = b->cap = 0;
}

void
labels_builder_reset(LabelsBuilder *b)
{
	b->n = 0;
}

/* find -- first place whose name is not below name. */
static int
find(const LabelsBuilder *b, StrView name)
{
	int lo = 0;
	int hi = b->n;

	if (hi > 0 && strview_cmp(b->items[hi - 1].name, name) < 0)
		return hi;
	while (lo < hi)
	{
		int mid = (lo + hi) / 2;

		if (strview_cmp(b->items[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
labels_builder_del(LabelsBuilder *b, StrView name)
{
	int at = find(b, name);

	if (at < b->n && strview_eq(b->items[at].name, name))
	{
		memmove(b->items + at, b->items + at + 1, sizeof(Label) * (size_t) (b->n - at - 1));
		b->n--;
	}
}

/*
 * labels_builder_set -- add or replace a label; an empty value removes it.
 *
 * A value longer than LABELS_MAX_BYTES, which only label functions of a query could make, is cut:
 * the byte form has no room for more.
 */
void
labels_builder_set(LabelsBuilder *b, StrView name, StrView value)
{
	int at;

	if (value.len > LABELS_MAX_BYTES)
		value.len = LABELS_MAX_BYTES;
	if (value.len == 0)
	{
		labels_builder_del(b, name);
		return;
	}
	at = find(b, name);
	if (at < b->n && strview_eq(b->items[at].name, name))
	{
		b->items[at].value = value;
		return;
	}
	if (b->n == b->cap)
	{
		b->cap = b->cap < 16 ? 16 : b->cap * 2;
		b->items = mem_realloc(b->items, sizeof(Label) * (size_t) b->cap);
	}
	memmove(b->items + at + 1, b->items + at, sizeof(Label) * (size_t) (b->n - at));
	b->items[at] = (Label){name, value};
	b->n++;
}

/* labels_builder_from -- start again with the labels of base. */
void
labels_builder_from(LabelsBuilder *b, Labels base)
{
	LabelsIter it;
	Label l;

	b->n = 0;
	labels_iter_init(&it, base);
	while (labels_next(&it, &l))
		labels_builder_set(b, l.name, l.value);
}

/* labels_builder_finish -- the set in its byte form; the builder keeps its labels. */
Labels
labels_builder_finish(LabelsBuilder *b)
{
	size_t size = labels_encoded_size(b->items, b->n);
	uint8_t *data = mem_alloc(size > 0 ? size : 1);
	uint8_t *p = data;

	for (int i = 0; i < b->n; i++)
		p = labels_put(p, b->items[i].name, b->items[i].value);
	return (Labels){data, (uint32_t) size};
}
