/*
 * info.c
 *    info(): series with the labels of the info series of their target added (reference 2.15).
 *
 * Which info series to read depends on the targets of the input, so the input is read and kept
 * first.  Then each of its series is enriched step by step: as info series come and go its
 * labels change, and it comes out in as many parts as it had label sets.
 */
#include "promql/exec/exec.h"
#include "promql/functions/families.h"
#include "promql/functions/info_table.h"

#define MAX_PATTERN (64 * 1024 * 1024)

typedef struct InfoOp
{
	PromqlOp op;
	/* matchers of the info series: of the name, of other labels, of the input's targets */
	Matcher *matchers;
	int nmatchers;
	int nname; /* the first are those of the name, defaults included */
	int ndata; /* those that follow are of other labels */
	PromqlSelectorPlan sel;
	PromqlInfoTable table;
	PromqlOpSeries *base; /* the input, kept */
	int nbase;
	int cap;
	int at; /* next of base to enrich */
	bool loaded;
	MemScope *parts_mem;
	PromqlOpSeries *parts; /* of the base series being put out */
	int nparts;
	int parts_cap;
	int part; /* next to yield */
} InfoOp;

/* --- matchers --------------------------------------------------------------------------------- */

static bool
is_name(const Matcher *m)
{
	return strview_eq_cstr(m->name, LABELS_NAME);
}

static bool
add_matcher(InfoOp *self, MatchType type, StrView name, StrView value, Err *err)
{
	return matcher_init(&self->matchers[self->nmatchers++], type, name, value, err);
}

/* name_matchers -- those given; without a positive one, what is usual for info metrics. */
static bool
name_matchers(InfoOp *self, const PromqlSelectorPlan *given, Err *err)
{
	bool positive = false;

	for (int i = 0; i < given->nmatchers; i++)
	{
		const Matcher *m = &given->matchers[i];

		if (!is_name(m))
			continue;
		self->matchers[self->nmatchers++] = *m;
		positive |= m->type == MATCH_EQUAL || m->type == MATCH_REGEX;
	}
	if (self->nmatchers == 0)
		return add_matcher(self, MATCH_EQUAL, strview_cstr(LABELS_NAME),
						   strview_cstr("target_info"), err);
	return positive ||
		   add_matcher(self, MATCH_REGEX, strview_cstr(LABELS_NAME), strview_cstr(".+_info"), err);
}

static bool
prepare_matchers(InfoOp *self, Err *err)
{
	const PromqlSelectorPlan *given = self->op.plan->call.info;

	self->matchers = mem_alloc0(sizeof(Matcher) * (given->nmatchers + 1 + PROMQL_INFO_IDENTIFYING));
	if (!name_matchers(self, given, err))
		return false;
	self->nname = self->nmatchers;
	for (int i = 0; i < given->nmatchers; i++)
		if (!is_name(&given->matchers[i]))
			self->matchers[self->nmatchers++] = given->matchers[i];
	self->ndata = self->nmatchers - self->nname;
	return true;
}

/* is_info -- an info series itself: it passes as it is. */
static bool
is_info(const InfoOp *self, Labels labels)
{
	return matchers_match(self->matchers, self->nname, labels);
}

/* quote -- append s as a pattern that matches it literally. */
static void
quote(Buf *pattern, StrView s)
{
	for (uint32_t i = 0; i < s.len; i++)
	{
		if (strchr("\\.+*?()|[]{}^$", s.s[i]) != NULL && s.s[i] != '\0')
			buf_char(pattern, '\\');
		buf_char(pattern, s.s[i]);
	}
}

/*
 * identify -- add a matcher for the values that identifying label name has in the input; *any is
 * set if there are some.
 */
static bool
identify(InfoOp *self, StrView name, bool *any, Err *err)
{
	PromqlLabelMap values; /* each value as a label set of its own: finds doubles */
	LabelsBuilder builder;
	Buf pattern;

	promql_label_map_init(&values, self->op.mem);
	labels_builder_init(&builder);
	buf_init(&pattern, 256, MAX_PATTERN);
	for (int i = 0; i < self->nbase; i++)
	{
		StrView value;
		bool is_new;

		if (is_info(self, self->base[i].labels) || !labels_get(self->base[i].labels, name, &value))
			continue;
		labels_builder_reset(&builder);
		labels_builder_set(&builder, name, value);
		promql_label_map_add(&values, labels_builder_finish(&builder), &is_new);
		if (!is_new)
			continue;
		if (pattern.len > 0)
			buf_char(&pattern, '|');
		quote(&pattern, value);
	}
	if (values.n == 0)
		return true;
	*any = true;
	return add_matcher(self, MATCH_REGEX, name, strview(pattern.data, pattern.len), err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
read_base(InfoOp *self, Err *err)
{
	int n = self->op.grid->nsteps;
	PromqlOpSeries s;
	int rc;

	while ((rc = promql_op_next(self->op.children[0], &s, err)) > 0)
	{
		PromqlOpSeries *kept;

		self->op.stats.series_in++;
		if (self->nbase == self->cap)
		{
			self->cap = self->cap == 0 ? 64 : self->cap * 2;
			self->base = mem_realloc(self->base, sizeof(*self->base) * self->cap);
		}
		kept = &self->base[self->nbase++];
		*kept = s;
		kept->labels = labels_copy(s.labels);
		promql_vector_copy(&kept->vec, &s.vec, n);
		if (!promql_exec_hold(self->op.exec, promql_vector_count(&s.vec, n), err))
			return false;
	}
	return rc == 0;
}

static bool
load(InfoOp *self, Err *err)
{
	bool any = false;

	if (!prepare_matchers(self, err) || !read_base(self, err))
		return false;
	for (int i = 0; i < PROMQL_INFO_IDENTIFYING; i++)
		if (!identify(self, promql_info_identifying[i], &any, err))
			return false;
	if (!any)
		return true;
	self->sel = *self->op.plan->call.info;
	self->sel.matchers = self->matchers;
	self->sel.nmatchers = self->nmatchers;
	return promql_info_table_load(&self->table, &self->op, &self->sel, err);
}

/* --- enriching -------------------------------------------------------------------------------- */

/* wanted -- is label one that the data matchers name?  Without any, all are. */
static bool
wanted(const InfoOp *self, StrView label)
{
	for (int i = 0; i < self->ndata; i++)
		if (strview_eq(self->matchers[self->nname + i].name, label))
			return true;
	return self->ndata == 0;
}

/* must_match -- no info series, no result: a data matcher asks for a value. */
static bool
must_match(const InfoOp *self)
{
	for (int i = 0; i < self->ndata; i++)
		if (!matcher_matches_empty(&self->matchers[self->nname + i]))
			return true;
	return false;
}

/* add_labels -- those of info series number to what is added so far. */
static bool
add_labels(const InfoOp *self, int number, LabelsBuilder *added, Err *err)
{
	LabelsIter it;
	Label label;

	labels_iter_init(&it, self->table.series[number]);
	while (labels_next(&it, &label))
	{
		if (strview_eq_cstr(label.name, LABELS_NAME) || !wanted(self, label.name))
			continue;
		for (int i = 0; i < added->n; i++)
			if (strview_eq(added->items[i].name, label.name) &&
				!strview_eq(added->items[i].value, label.value))
				return err_set(err, ERR_EXECUTION, self->op.plan->pos, "conflicting label: %.*s",
							   (int) label.name.len, label.name.s);
		labels_builder_set(added, label.name, label.value);
	}
	return true;
}

/* enriched -- labels of a base series and what is to be added; its own labels win. */
static Labels
enriched(Labels base, const LabelsBuilder *added)
{
	LabelsBuilder builder;
	StrView own;

	labels_builder_init(&builder);
	labels_builder_from(&builder, base);
	for (int i = 0; i < added->n; i++)
		if (!labels_get(base, added->items[i].name, &own))
			labels_builder_set(&builder, added->items[i].name, added->items[i].value);
	return labels_builder_finish(&builder);
}

/* same_picks -- do steps i and i-1 have the same info series? */
static bool
same_picks(const InfoOp *self, const PromqlInfoTarget *target, int i)
{
	for (int k = 0; k < target->n; k++)
	{
		const PromqlInfoGroup *g = &self->table.groups[target->groups[k]];

		if (g->pick[i] != g->pick[i - 1])
			return false;
	}
	return true;
}

/* labels_at -- of a base series at step i; *matched: some info series is there. */
static bool
labels_at(const InfoOp *self, Labels base, const PromqlInfoTarget *target, int i, Labels *out,
		  bool *matched, Err *err)
{
	LabelsBuilder added;

	*matched = false;
	labels_builder_init(&added);
	for (int k = 0; k < target->n; k++)
	{
		int number = self->table.groups[target->groups[k]].pick[i];

		if (number < 0)
			continue;
		*matched = true;
		if (!add_labels(self, number, &added, err))
			return false;
	}
	*out = enriched(base, &added);
	return true;
}

/* part_of -- the part of base with these labels, a new one without values if need be. */
static PromqlOpSeries *
part_of(InfoOp *self, const PromqlOpSeries *base, Labels labels)
{
	PromqlOpSeries *part;

	for (int k = 0; k < self->nparts; k++)
		if (labels_equal(self->parts[k].labels, labels))
			return &self->parts[k];
	if (self->nparts == self->parts_cap)
	{
		self->parts_cap = self->parts_cap == 0 ? 4 : self->parts_cap * 2;
		self->parts = mem_realloc(self->parts, sizeof(*self->parts) * self->parts_cap);
	}
	part = &self->parts[self->nparts++];
	*part = (PromqlOpSeries){.labels = labels, .drop_name = base->drop_name};
	promql_vector_init(&part->vec, self->op.grid->nsteps);
	part->vec.v = base->vec.v;
	part->vec.h = base->vec.h;
	return part;
}

/* split -- base into parts of equal labels; steps that need an info series and have none go. */
static bool
split(InfoOp *self, const PromqlOpSeries *base, const PromqlInfoTarget *target, Err *err)
{
	bool drop_unmatched = must_match(self);
	bool matched = false;
	PromqlOpSeries *part = NULL;
	Labels labels;

	for (int i = 0; i < self->op.grid->nsteps; i++)
	{
		if (base->vec.kind[i] == PROMQL_ABSENT)
		{
			part = NULL;
			continue;
		}
		if (part == NULL || !same_picks(self, target, i))
		{
			if (!labels_at(self, base->labels, target, i, &labels, &matched, err))
				return false;
			if (!matched && drop_unmatched)
			{
				part = NULL;
				continue;
			}
			part = part_of(self, base, labels);
		}
		part->vec.kind[i] = base->vec.kind[i];
	}
	return true;
}

/* enrich -- fill parts with what comes of one base series. */
static bool
enrich(InfoOp *self, const PromqlOpSeries *base, Err *err)
{
	const PromqlInfoTarget *target;
	MemScope *old;
	bool ok = true;

	mem_scope_reset(self->parts_mem);
	self->parts = NULL;
	self->nparts = self->parts_cap = self->part = 0;
	old = mem_scope_switch(self->parts_mem);
	target =
		is_info(self, base->labels) ? NULL : promql_info_table_target(&self->table, base->labels);
	if (target != NULL)
		ok = split(self, base, target, err);
	else if (is_info(self, base->labels) || !must_match(self))
		part_of(self, base, base->labels)->vec.kind = base->vec.kind;
	mem_scope_switch(old);
	return ok;
}

static int
info_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	InfoOp *self = (InfoOp *) op;

	if (!self->loaded)
	{
		MemScope *old = mem_scope_switch(op->mem);
		bool ok;

		self->loaded = true;
		self->parts_mem = mem_scope_create("promql info parts");
		ok = load(self, err);
		mem_scope_switch(old);
		if (!ok)
			return -1;
	}
	while (self->part == self->nparts)
	{
		if (self->at == self->nbase)
			return 0;
		if (!enrich(self, &self->base[self->at++], err))
			return -1;
	}
	*out = self->parts[self->part++];
	return 1;
}

PromqlOp *
promql_info_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	InfoOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.next = info_next;
	return &self->op;
}
