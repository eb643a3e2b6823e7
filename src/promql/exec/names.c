/*
 * names.c
 *    Taking the metric name off a result, at once or by a mark (reference 2.7).
 *
 * The "name" is __name__ together with __type__ and __unit__.
 */
#include "promql/exec/exec.h"

static bool
is_name_label(StrView name, bool alone)
{
	if (name.len != 8 || memcmp(name.s, "__", 2) != 0)
		return false;
	if (memcmp(name.s, LABELS_NAME, 8) == 0)
		return true;
	return !alone && (memcmp(name.s, "__type__", 8) == 0 || memcmp(name.s, "__unit__", 8) == 0);
}

/*
 * drop -- the labels that stay keep their bytes, so runs between dropped labels are copied as
 * they are; a set that begins with the dropped labels is only shortened.
 */
static Labels
drop(Labels ls, bool alone)
{
	LabelsIter it;
	Label label;
	uint8_t *out = NULL;
	uint32_t len = 0;
	const uint8_t *keep = ls.data; /* start of a run that stays */
	const uint8_t *at = ls.data;
	uint32_t tail;

	labels_iter_init(&it, ls);
	while (labels_next(&it, &label))
	{
		if (is_name_label(label.name, alone))
		{
			if (at > keep)
			{
				if (out == NULL)
					out = mem_alloc(ls.len);
				memcpy(out + len, keep, at - keep);
				len += at - keep;
			}
			keep = it.p;
		}
		at = it.p;
	}
	tail = (uint32_t) (at - keep);
	if (out == NULL)
		return (Labels){keep, tail};
	memcpy(out + len, keep, tail);
	return (Labels){out, len + tail};
}

Labels
promql_drop_name(Labels ls)
{
	return drop(ls, false);
}

void
promql_series_drop_name(PromqlOp *op, PromqlOpSeries *series)
{
	if (op->exec->params->flags.delayed_name_removal)
		series->drop_name = true;
	else
		series->labels = drop(series->labels, false);
}

void
promql_series_call_name(PromqlOp *op, PromqlOpSeries *series)
{
	switch (op->plan->call.sig->name_rule)
	{
		case PROMQL_NAME_DROPPED:
			promql_series_drop_name(op, series);
			break;
		case PROMQL_NAME_DROPPED_ALONE:
			if (op->exec->params->flags.delayed_name_removal)
				series->drop_name = true;
			else
				series->labels = drop(series->labels, true);
			break;
		case PROMQL_NAME_KEPT:
		case PROMQL_NAME_COMPUTED:
			break;
	}
}
