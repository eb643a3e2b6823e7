/*
 * op_binary_match.c
 *    vector op vector: elements paired by signature, step by step (reference 2.11).
 *
 * The "one" side (right, or left under group_right) is held; the "many" side streams through it.
 * A series of the many side gives an output series for each way its labels come out: one, but
 * where group_left copies labels from partners that change over time.
 *
 * Errors belong to a step, and of several the one of the earliest step is the query's.  They are
 * collected while streaming and raised at the end.  Duplicates on the one side count only where
 * the many side has something too (or a fill could have stood in for it).
 */
#include "promql/exec/elem.h"
#include "promql/exec/exec.h"
#include "promql/exec/match_side.h"
#include "promql/exec/ops.h"
#include "promql/plan/arith.h"

/* Partner of a many-side element, where it is not a series of the one side. */
#define PARTNER_NONE (-1)
#define PARTNER_FILL (-2)
#define PARTNER_DONE (-3) /* taken care of by an output series before */

typedef struct BinaryMatchOp
{
	PromqlOp op;
	const PromqlBinaryPlan *plan;
	PromqlElemOp elem;
	bool swapped; /* the many side is the right one */
	bool grouped; /* group_left or group_right */
	PromqlOp *many_op, *one_op;
	bool has_fill_many, has_fill_one;
	double fill_many, fill_one;
	bool drops_name; /* from the labels, now */
	bool marks_name; /* at the end */
	bool check_output;

	PromqlOneSide one;
	uint64_t *matched; /* words entries for each signature: steps with a result */
	int matched_cap;
	int words;
	uint8_t *many_present;	/* by step */
	PromqlLabelMap outputs; /* check_output: label sets of results */
	uint64_t *output_steps; /* words entries for each */
	int *output_sig;		/* signature that gave it first */
	int outputs_cap;

	bool loaded;
	bool many_done;
	PromqlOpSeries many; /* current series of the many side */
	int many_sig;
	bool many_pending; /* some of its partners are not done */
	int *partner;	   /* by step */
	int fill_at;	   /* fill for the many side: next series of the one side */
	PromqlVector vec;

	int error_step; /* earliest step with an error; nsteps: none */
	const char *error;
} BinaryMatchOp;

static bool
match_open(PromqlOp *op, Err *err)
{
	BinaryMatchOp *self = (BinaryMatchOp *) op;
	int n = op->grid->nsteps;

	promql_one_side_init(&self->one, op);
	promql_label_map_init(&self->outputs, op->mem);
	promql_vector_init(&self->vec, n);
	self->words = (n + 63) / 64;
	self->many_present = mem_alloc0(n + 1);
	self->partner = mem_alloc(sizeof(int) * (n + 1));
	self->elem.noted = mem_alloc0(n + 1);
	self->error_step = n;
	return true;
}

/* --- errors and bits -------------------------------------------------------------------------- */

/* fail_at -- an error of step i; only the earliest is kept. */
static void
fail_at(BinaryMatchOp *self, int i, const char *text)
{
	if (i >= self->error_step)
		return;
	self->error_step = i;
	self->error = text;
}

/* bit rows: *rows holds words entries for each id; a new id gets zeroes. */
static uint64_t *
bit_row(BinaryMatchOp *self, uint64_t **rows, int *cap, int id, int need)
{
	if (id >= *cap)
	{
		MemScope *old = mem_scope_switch(self->op.mem);
		size_t width = sizeof(uint64_t) * self->words;

		*rows = mem_realloc(*rows, width * need);
		memset((char *) *rows + width * *cap, 0, width * (need - *cap));
		*cap = need;
		mem_scope_switch(old);
	}
	return *rows + (size_t) id * self->words;
}

static inline bool
bit_test_set(uint64_t *row, int i)
{
	uint64_t bit = UINT64_C(1) << (i & 63);
	bool was = row[i / 64] & bit;

	row[i / 64] |= bit;
	return was;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* result_labels -- of a pair; in the current scope, or the grouping's buffer. */
static Labels
result_labels(BinaryMatchOp *self, Labels many, Labels one)
{
	const PromqlBinaryPlan *b = self->plan;
	Labels ls = self->drops_name ? promql_drop_name(many) : many;
	LabelsBuilder builder;

	if (!self->grouped && b->on)
		return promql_grouping_key(&self->one.grouping, ls);
	if (self->grouped ? b->ninclude == 0 : b->nmatching == 0)
		return ls;

	labels_builder_init(&builder);
	labels_builder_from(&builder, ls);
	for (int i = 0; !self->grouped && i < b->nmatching; i++)
		labels_builder_del(&builder, b->matching[i]);
	for (int i = 0; self->grouped && i < b->ninclude; i++)
	{
		StrView value;

		if (labels_get(one, b->include[i], &value))
			labels_builder_set(&builder, b->include[i], value);
		else
			labels_builder_del(&builder, b->include[i]);
	}
	return labels_builder_finish(&builder);
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* note_result -- a result of signature sig at step i; raises what rules 7 and 10 forbid. */
static void
note_result(BinaryMatchOp *self, int sig, int i, int output, bool new_output)
{
	uint64_t *row = bit_row(self, &self->matched, &self->matched_cap, sig, self->one.sigs.cap);

	if (bit_test_set(row, i) && !self->grouped)
		fail_at(self, i,
				"multiple matches for labels: many-to-one matching must be explicit "
				"(group_left/group_right)");
	if (output < 0)
		return;
	row = self->output_steps + (size_t) output * self->words;
	if (!bit_test_set(row, i))
		return;
	if (self->grouped && !new_output && self->output_sig[output] == sig)
		fail_at(self, i, "multiple matches for labels: grouping labels must ensure unique matches");
	else
		fail_at(self, i, "vector cannot contain metrics with the same labelset");
}

/* output_number -- where the results with these labels are noted; -1: no need to. */
static int
output_number(BinaryMatchOp *self, Labels labels, int sig, bool *is_new)
{
	int id;

	*is_new = false;
	if (!self->check_output)
		return -1;
	id = promql_label_map_add(&self->outputs, labels, is_new);
	if (id >= self->outputs_cap)
	{
		MemScope *old = mem_scope_switch(self->op.mem);

		self->output_sig =
			mem_realloc(self->output_sig, sizeof(*self->output_sig) * self->outputs.cap);
		mem_scope_switch(old);
	}
	bit_row(self, &self->output_steps, &self->outputs_cap, id, self->outputs.cap);
	if (*is_new)
		self->output_sig[id] = sig;
	return id;
}

/* compute -- the result of a pair into vec; false: no result at this step. */
static bool
compute(BinaryMatchOp *self, const PromqlElem *many, const PromqlElem *one, int sig, int i,
		int output, bool new_output)
{
	const PromqlElem *l = self->swapped ? one : many;
	const PromqlElem *r = self->swapped ? many : one;
	PromqlElem result;
	bool keep = true;

	self->elem.step = i;
	if (!promql_elem_apply(&self->elem, l, r, &result, &keep))
		return false;
	note_result(self, sig, i, output, new_output);
	if (self->plan->is_comparison && !self->plan->return_bool && !keep)
		return false;
	promql_elem_put(&self->vec, i, self->op.grid->nsteps, &result);
	return true;
}

static void
start_output(BinaryMatchOp *self, PromqlOpSeries *out, Labels labels)
{
	memset(self->vec.kind, PROMQL_ABSENT, self->op.grid->nsteps);
	self->vec.h = NULL;
	out->labels = labels;
	out->drop_name = self->marks_name;
}

/* --- the many side ------------------------------------------------------------------------------ */

/* find_partners -- of self->many at each step; false if there is none at all. */
static bool
find_partners(BinaryMatchOp *self)
{
	int n = self->op.grid->nsteps;
	bool any = false;

	self->many_sig = promql_one_side_sig(&self->one, self->many.labels, self->has_fill_one);
	for (int i = 0; i < n; i++)
	{
		int partner = PARTNER_NONE;

		self->partner[i] = PARTNER_NONE;
		if (self->many.vec.kind[i] == PROMQL_ABSENT)
			continue;
		self->many_present[i] = true;
		if (self->many_sig < 0)
			continue;
		partner = promql_one_side_find(&self->one, self->many_sig, i);
		if (partner < 0 && self->has_fill_one)
			partner = PARTNER_FILL;
		self->partner[i] = partner;
		any |= partner != PARTNER_NONE;
	}
	return any;
}

/*
 * pair_up -- the next output series of self->many: the steps of one partner, or all steps if
 * labels do not depend on the partner.  False once no partner is left.
 */
static bool
pair_up(BinaryMatchOp *self, PromqlOpSeries *out, bool *found)
{
	int n = self->op.grid->nsteps;
	bool by_partner = self->grouped && self->plan->ninclude > 0;
	int first = 0;
	int partner, output;
	bool new_output;
	Labels one, labels;

	while (first < n &&
		   (self->partner[first] == PARTNER_NONE || self->partner[first] == PARTNER_DONE))
		first++;
	if (first == n)
		return false;
	partner = self->partner[first];
	one = partner == PARTNER_FILL ? self->one.sigs.keys[self->many_sig]
								  : self->one.series[partner].labels;
	labels = result_labels(self, self->many.labels, one);
	output = output_number(self, labels, self->many_sig, &new_output);
	start_output(self, out, labels);
	*found = false;
	for (int i = first; i < n; i++)
	{
		int p = self->partner[i];
		PromqlElem many_elem, one_elem;

		if (p == PARTNER_NONE || p == PARTNER_DONE || (by_partner && p != partner))
			continue;
		self->partner[i] = PARTNER_DONE;
		many_elem = promql_elem_at(&self->many.vec, i);
		one_elem = p == PARTNER_FILL ? (PromqlElem){PROMQL_FLOAT, self->fill_one, NULL}
									 : promql_elem_at(&self->one.series[p].vec, i);
		*found |= compute(self, &many_elem, &one_elem, self->many_sig, i, output, new_output);
	}
	out->vec = self->vec;
	return true;
}

static int
many_next(BinaryMatchOp *self, PromqlOpSeries *out, Err *err)
{
	bool found;
	int rc;

	for (;;)
	{
		while (self->many_pending && pair_up(self, out, &found))
			if (found)
				return 1;
		rc = promql_op_next(self->many_op, &self->many, err);
		if (rc <= 0)
			return rc;
		self->op.stats.series_in++;
		self->many_pending = find_partners(self);
	}
}

/* --- fill for the many side ------------------------------------------------------------------- */

/* fill_next -- series of the one side, at the steps where their signature had no match. */
static int
fill_next(BinaryMatchOp *self, PromqlOpSeries *out)
{
	PromqlElem fill = {PROMQL_FLOAT, self->fill_many, NULL};

	while (self->fill_at < self->one.nseries)
	{
		const PromqlOneSeries *one = &self->one.series[self->fill_at++];
		const uint64_t *row =
			bit_row(self, &self->matched, &self->matched_cap, one->sig, self->one.sigs.cap);
		Labels labels = result_labels(self, self->one.sigs.keys[one->sig], one->labels);
		bool new_output;
		int output = output_number(self, labels, one->sig, &new_output);
		bool found = false;

		start_output(self, out, labels);
		for (int i = 0; i < self->op.grid->nsteps; i++)
		{
			PromqlElem elem = promql_elem_at(&one->vec, i);

			if (elem.kind != PROMQL_ABSENT && !(row[i / 64] >> (i & 63) & 1))
				found |= compute(self, &fill, &elem, one->sig, i, output, new_output);
		}
		out->vec = self->vec;
		if (found)
			return 1;
	}
	return 0;
}

/* --- the operator ----------------------------------------------------------------------------- */

/* raise -- the error of the earliest step, if there is any. */
static bool
raise(BinaryMatchOp *self, Err *err)
{
	bool fills = self->has_fill_many || self->has_fill_one;

	if (self->one.dup_a != NULL)
		for (int i = 0; i < self->op.grid->nsteps && i <= self->error_step; i++)
			if (self->one.dup_a[i] >= 0 && (self->many_present[i] || fills))
				return promql_one_side_duplicate(&self->one, i, err);
	if (self->error != NULL)
		return err_set(err, ERR_EXECUTION, self->op.plan->pos, "%s", self->error);
	return true;
}

/* is_quiet -- reading it would neither fail nor warn, so where no result comes of it, it need not be. */
static bool
is_quiet(const PromqlPlanNode *node)
{
	while (node->kind == PROMQL_PLAN_INVARIANT)
		node = node->children[0];
	return node->kind == PROMQL_PLAN_SELECT || node->kind == PROMQL_PLAN_NUMBER;
}

static int
read_to_end(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	int rc;

	do
		rc = promql_op_next(op, out, err);
	while (rc > 0);
	return rc;
}

static int
match_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	BinaryMatchOp *self = (BinaryMatchOp *) op;
	int rc;

	if (!self->loaded)
	{
		self->loaded = true;
		if (!promql_one_side_load(&self->one, self->one_op, err))
			return -1;
		if (self->one.nseries == 0 && !self->has_fill_one && !self->has_fill_many)
			return is_quiet(self->many_op->plan) ? 0 : read_to_end(self->many_op, out, err);
	}
	if (!self->many_done)
	{
		rc = many_next(self, out, err);
		if (rc != 0)
			return rc;
		self->many_done = true;
	}
	if (self->has_fill_many && fill_next(self, out) > 0)
		return 1;
	promql_elem_tell(&self->elem);
	return raise(self, err) ? 0 : -1;
}

/*
 * may_repeat -- whether results of one step could have equal labels without two of one signature
 * in a one-to-one match, which is found without looking at labels.
 */
static bool
may_repeat(const BinaryMatchOp *self, const PromqlPlanNode *many)
{
	const PromqlBinaryPlan *b = self->plan;

	if (self->grouped)
		return b->ninclude > 0 || self->has_fill_many || (self->drops_name && !many->names_unique);
	if (!self->drops_name)
		return false;
	for (int i = 0; b->on && i < b->nmatching; i++)
		if (b->matching[i].len > 2 && memcmp(b->matching[i].s, "__", 2) == 0)
			return true;
	return !b->on && self->op.exec->params->flags.type_and_unit_labels;
}

PromqlOp *
op_binary_match_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	const PromqlBinaryPlan *b = &plan->binary;
	BinaryMatchOp *self = promql_op_new(ex, plan, children, sizeof(*self));
	bool keeps_name =
		b->is_comparison || b->op == PROMQL_OP_TRIM_UPPER || b->op == PROMQL_OP_TRIM_LOWER;
	bool delayed = ex->params->flags.delayed_name_removal;
	int many = b->card == PROMQL_ONE_TO_MANY ? 1 : 0;

	self->op.open = match_open;
	self->op.next = match_next;
	self->plan = b;
	self->elem.op = &self->op;
	self->swapped = many == 1;
	self->grouped = b->card != PROMQL_ONE_TO_ONE;
	self->many_op = children[many];
	self->one_op = children[1 - many];
	/* as in Prometheus: under group_right too, fill_left stands in for the many side */
	self->has_fill_many = b->has_fill_left;
	self->has_fill_one = b->has_fill_right;
	self->fill_many = b->fill_left;
	self->fill_one = b->fill_right;
	self->drops_name = !keeps_name || (b->return_bool && !delayed);
	self->marks_name = b->return_bool && delayed;
	self->check_output = may_repeat(self, plan->children[many]);
	return &self->op;
}
