/*
 * labels_sort.c
 *    Labels as they arrive, in any order and number, made ready for labels_encode.
 *
 * The builder (labels_builder.c) keeps a set sorted while it changes, which for a hostile number of
 * labels would take quadratic time; this takes n log n.
 */
#include "model/labels.h"

#include <stdlib.h>

#define FEW 24 /* sorted by insertion; most sets are, and most come in order */

static int
by_name(const void *a, const void *b)
{
	return strview_cmp(((const Label *) a)->name, ((const Label *) b)->name);
}

static void
sort(Label *labels, int n)
{
	if (n > FEW)
	{
		qsort(labels, (size_t) n, sizeof(*labels), by_name);
		return;
	}
	for (int i = 1; i < n; i++)
	{
		Label l = labels[i];
		int at = i;

		for (; at > 0 && by_name(&labels[at - 1], &l) > 0; at--)
			labels[at] = labels[at - 1];
		labels[at] = l;
	}
}

int
labels_sort(Label *labels, int n)
{
	int left = 0;

	sort(labels, n);
	for (int i = 1; i < n; i++)
		if (strview_eq(labels[i - 1].name, labels[i].name))
			return -1;
	for (int i = 0; i < n; i++)
		if (labels[i].value.len > 0)
			labels[left++] = labels[i];
	return left;
}
