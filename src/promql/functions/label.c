/*
 * label.c
 *    label_replace and label_join: series pass with one label set from others.
 *
 * Results may come to have equal labels; the plan puts the check above.
 */
#include "promql/functions/families.h"

#include "util/text.h"

typedef struct LabelOp
{
	PromqlOp op;
	const StrView *args; /* string arguments by position; args[1] is the label to set */
	int nargs;
	const Regex *re; /* label_replace */
} LabelOp;

static bool
valid_name(StrView name)
{
	return name.len > 0 && text_utf8_valid(name.s, name.len);
}

/* check_name -- role: "source" or "destination". */
static bool
check_name(const LabelOp *self, StrView name, const char *role, Err *err)
{
	if (valid_name(name))
		return true;
	return err_set(err, ERR_EXECUTION, self->op.plan->pos, "invalid %s label name in %s(): %.*s",
				   role, self->op.plan->call.sig->name, (int) name.len, name.s);
}

static void
read_args(LabelOp *self)
{
	const PromqlCallPlan *call = &self->op.plan->call;
	StrView *args = mem_alloc0(sizeof(*args) * call->nargs);

	for (int k = 0; k < call->nargs; k++)
		args[k] = call->args[k].string;
	self->args = args;
	self->nargs = call->nargs;
}

static bool
replace_open(PromqlOp *op, Err *err)
{
	LabelOp *self = (LabelOp *) op;
	Err re_err = ERR_INIT;

	read_args(self);
	self->re = regex_cached(self->args[4], &re_err);
	if (self->re == NULL)
		return err_set(err, ERR_EXECUTION, op->plan->pos,
					   "invalid regular expression in label_replace(): %.*s",
					   (int) self->args[4].len, self->args[4].s);
	return check_name(self, self->args[1], "destination", err);
}

static bool
join_open(PromqlOp *op, Err *err)
{
	LabelOp *self = (LabelOp *) op;

	read_args(self);
	for (int k = 3; k < self->nargs; k++)
		if (!check_name(self, self->args[k], "source", err))
			return false;
	return check_name(self, self->args[1], "destination", err);
}

/* set_label -- a name that is written stays: a mark to drop it is taken back. */
static void
set_label(LabelOp *self, PromqlOpSeries *series, const Buf *value)
{
	LabelsBuilder builder;

	labels_builder_init(&builder);
	labels_builder_from(&builder, series->labels);
	labels_builder_set(&builder, self->args[1], strview(value->data, value->len));
	series->labels = labels_builder_finish(&builder);
	if (strview_eq_cstr(self->args[1], LABELS_NAME))
		series->drop_name = false;
}

static int
replace_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	LabelOp *self = (LabelOp *) op;
	int rc = promql_op_next(op->children[0], out, err);
	StrView source;
	Buf value;

	if (rc <= 0)
		return rc;
	op->stats.series_in++;
	labels_get(out->labels, self->args[3], &source);
	buf_init(&value, 64, LABELS_MAX_BYTES);
	if (regex_expand(self->re, source, self->args[2], &value))
		set_label(self, out, &value);
	return 1;
}

static int
join_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	LabelOp *self = (LabelOp *) op;
	int rc = promql_op_next(op->children[0], out, err);
	Buf value;

	if (rc <= 0)
		return rc;
	op->stats.series_in++;
	buf_init(&value, 64, LABELS_MAX_BYTES);
	for (int k = 3; k < self->nargs; k++)
	{
		StrView source;

		if (k > 3)
			buf_append(&value, self->args[2].s, self->args[2].len);
		if (labels_get(out->labels, self->args[k], &source))
			buf_append(&value, source.s, source.len);
	}
	set_label(self, out, &value);
	return 1;
}

PromqlOp *
promql_label_replace_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children,
							Err *err)
{
	LabelOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = replace_open;
	self->op.next = replace_next;
	return &self->op;
}

PromqlOp *
promql_label_join_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	LabelOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = join_open;
	self->op.next = join_next;
	return &self->op;
}
