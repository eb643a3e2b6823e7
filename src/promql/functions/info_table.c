/*
 * info_table.c
 *    The info series that info() adds labels from (reference 2.15).
 *
 * Of each series both the value (to refuse histograms) and the time of the sample are needed, so
 * two selectors read the same series side by side.
 */
#include "promql/functions/info_table.h"

#include "promql/exec/annotate.h"

const StrView promql_info_identifying[PROMQL_INFO_IDENTIFYING] = {{"instance", 8}, {"job", 3}};

/* key_of -- the identifying labels of a series, and its name if wanted. */
static Labels
key_of(Labels labels, bool with_name)
{
	LabelsBuilder builder;
	StrView value;

	labels_builder_init(&builder);
	if (with_name && labels_get(labels, strview_cstr(LABELS_NAME), &value))
		labels_builder_set(&builder, strview_cstr(LABELS_NAME), value);
	for (int i = 0; i < PROMQL_INFO_IDENTIFYING; i++)
		if (labels_get(labels, promql_info_identifying[i], &value))
			labels_builder_set(&builder, promql_info_identifying[i], value);
	return labels_builder_finish(&builder);
}

static PromqlInfoTarget *
target_of(PromqlInfoTable *t, Labels labels)
{
	bool is_new;
	int id = promql_label_map_add(&t->targets_by_labels, key_of(labels, false), &is_new);

	if (id >= t->targets_cap)
	{
		t->targets_cap = t->targets_by_labels.cap;
		t->targets = mem_realloc(t->targets, sizeof(*t->targets) * t->targets_cap);
	}
	if (is_new)
		t->targets[id] = (PromqlInfoTarget){0};
	return &t->targets[id];
}

/* group_of -- a new group is entered at its target. */
static PromqlInfoGroup *
group_of(PromqlInfoTable *t, Labels labels)
{
	bool is_new;
	int id = promql_label_map_add(&t->groups_by_labels, key_of(labels, true), &is_new);

	if (id >= t->groups_cap)
	{
		t->groups_cap = t->groups_by_labels.cap;
		t->groups = mem_realloc(t->groups, sizeof(*t->groups) * t->groups_cap);
	}
	if (is_new)
	{
		PromqlInfoGroup *g = &t->groups[id];
		PromqlInfoTarget *target = target_of(t, labels);

		g->pick = mem_alloc(sizeof(*g->pick) * (t->nsteps + 1));
		g->time = mem_alloc(sizeof(*g->time) * (t->nsteps + 1));
		for (int i = 0; i < t->nsteps; i++)
			g->pick[i] = -1;
		target->groups = mem_realloc(target->groups, sizeof(int) * (target->n + 1));
		target->groups[target->n++] = id;
	}
	return &t->groups[id];
}

static bool
duplicate(const PromqlInfoTable *t, const PromqlInfoGroup *g, int i, int number, Err *err)
{
	long long ms = llround(g->time[i] * 1000);

	return err_set(err, ERR_EXECUTION, -1,
				   "found duplicate series for info metric: existing %s @ %lld, new %s @ %lld",
				   promql_labels_plain(t->series[g->pick[i]]), ms,
				   promql_labels_plain(t->series[number]), ms);
}

/* add -- a series with its values and the times of its samples. */
static bool
add(PromqlInfoTable *t, Labels labels, const PromqlVector *values, const PromqlVector *times,
	Err *err)
{
	PromqlInfoGroup *g = group_of(t, labels);
	int number = t->nseries;

	if (number == t->series_cap)
	{
		t->series_cap = number == 0 ? 64 : number * 2;
		t->series = mem_realloc(t->series, sizeof(*t->series) * t->series_cap);
	}
	t->series[t->nseries++] = labels_copy(labels);
	for (int i = 0; i < t->nsteps; i++)
	{
		double time = times->v[i];

		if (values->kind[i] == PROMQL_ABSENT)
			continue;
		if (values->kind[i] == PROMQL_HISTOGRAM)
			return err_set(err, ERR_EXECUTION, -1,
						   "this should be an info metric, with float samples: %s",
						   promql_labels_plain(labels));
		if (g->pick[i] >= 0 && g->time[i] == time)
			return duplicate(t, g, i, number, err);
		if (g->pick[i] >= 0 && g->time[i] > time)
			continue;
		g->pick[i] = number;
		g->time[i] = time;
	}
	return true;
}

static bool
read_both(PromqlInfoTable *t, PromqlOp *values, PromqlOp *times, Err *err)
{
	PromqlOpSeries v, s;
	int rc;

	if (!promql_op_open(values, err) || !promql_op_open(times, err))
		return false;
	while ((rc = promql_op_next(values, &v, err)) > 0 && (rc = promql_op_next(times, &s, err)) > 0)
		if (!add(t, v.labels, &v.vec, &s.vec, err))
			return false;
	return rc == 0;
}

bool
promql_info_table_load(PromqlInfoTable *t, PromqlOp *op, const PromqlSelectorPlan *sel, Err *err)
{
	PromqlSelectorPlan *time_sel = mem_dup(sel, sizeof(*sel));
	PromqlOp *values, *times;
	bool ok;

	time_sel->emit = PROMQL_EMIT_TIME;
	*t = (PromqlInfoTable){.mem = mem_scope_current(), .nsteps = op->grid->nsteps};
	promql_label_map_init(&t->targets_by_labels, t->mem);
	promql_label_map_init(&t->groups_by_labels, t->mem);
	values = promql_select_op(op, sel, err);
	times = promql_select_op(op, time_sel, err);
	ok = read_both(t, values, times, err);
	promql_op_close(values);
	promql_op_close(times);
	return ok;
}

const PromqlInfoTarget *
promql_info_table_target(const PromqlInfoTable *t, Labels labels)
{
	int id =
		t->mem != NULL ? promql_label_map_find(&t->targets_by_labels, key_of(labels, false)) : -1;

	return id >= 0 ? &t->targets[id] : NULL;
}
