/*
 * grouping.c
 *    Keys of by, without, on and ignoring: a subset of a label set, as a label set.
 *
 * Labels and names are both sorted, so one walk over both picks what stays; its bytes are copied
 * as they are.  The key is the label set of the group itself: nothing is rebuilt later, and two
 * sets with equal keys are in the same group by definition.
 */
#include "promql/exec/grouping.h"

void
promql_grouping_init(PromqlGrouping *g, const StrView *names, int nnames, bool keep, MemScope *mem)
{
	*g = (PromqlGrouping){.names = names, .nnames = nnames, .keep = keep, .mem = mem};
}

static inline int
name_cmp(StrView a, StrView b)
{
	uint32_t len = a.len < b.len ? a.len : b.len;
	int c = memcmp(a.s, b.s, len);

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static inline bool
is_metric_name(StrView name)
{
	return name.len == 8 && memcmp(name.s, LABELS_NAME, 8) == 0;
}

Labels
promql_grouping_key(PromqlGrouping *g, Labels ls)
{
	LabelsIter it;
	Label label;
	const uint8_t *from = ls.data;
	uint32_t len = 0;
	int next = 0; /* first name not below the label */

	if (g->keep && g->nnames == 0)
		return (Labels){ls.data, 0};
	if (g->cap < ls.len)
	{
		MemScope *old = mem_scope_switch(g->mem);

		g->cap = ls.len * 2;
		mem_free(g->buf);
		g->buf = mem_alloc(g->cap);
		mem_scope_switch(old);
	}
	labels_iter_init(&it, ls);
	while (labels_next(&it, &label))
	{
		int c = -1;
		bool stays;

		while (next < g->nnames && (c = name_cmp(g->names[next], label.name)) < 0)
			next++;
		stays = next < g->nnames && c == 0;
		if (!g->keep)
			stays = !stays && !is_metric_name(label.name);
		if (stays)
		{
			memcpy(g->buf + len, from, it.p - from);
			len += it.p - from;
		}
		from = it.p;
	}
	return (Labels){g->buf, len};
}
