/*
 * promql_guess.c
 *    What a PromQL scan will give and cost, for the planner.
 *
 * When the text is a constant at planning (or a parameter with a known value), it is parsed and
 * promql_estimate() asks the head's index about its selectors.  Times that are not known have
 * stand-ins, the last hour for a range.
 *
 * The numbers are of the tenants that the current role sees.  A plan kept for later must not show
 * them to another role, so it is marked as depending on the role: the plan cache makes a new one
 * when the role has changed.
 */
#include "postgres.h"

#include "query/promql_guess.h"

#include "pg/time.h"
#include "query/head_stats.h"
#include "query/promql_qual.h"
#include "query/run.h"
#include "store/serving.h"

#include "access/xact.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MAX_TEXT	   65536			   /* bytes; longer queries are not looked at */
#define STAND_IN_RANGE INT64CONST(3600000) /* ms */
#define STAND_IN_STEP  INT64CONST(60000)
#define SAMPLE_BYTES   16

/* In units of cpu_operator_cost; measured against the server's own scans. */
#define COST_SELECT		  4000 /* a selector, however little it selects */
#define COST_SERIES_FOUND 4	   /* matchers, sorting */
#define COST_SERIES_READ  40   /* chunks, labels */
#define COST_SAMPLE		  1
#define COST_POINT		  1
#define COST_ROW		  4
#define COST_LABELS		  400 /* of a series as jsonb */

struct PromqlGuesser
{
	PlannerInfo *root;
	MemoryContext context;
	PromqlExpr *expr;
	PromqlParams params;
	PromqlStatistics *stats;
};

/* The value of an expression as far as it is known now; NULL: it is not. */
static Const *
known_value(PlannerInfo *root, Node *expr)
{
	Node *value = estimate_expression_value(root, copyObject(expr));

	return IsA(value, Const) ? (Const *) value : NULL;
}

/* False: the call will fail, or gives nothing. */
static bool
guess_times(PlannerInfo *root, const FuncExpr *call, SqlCallKind kind, PromqlParams *p)
{
	int64 now = time_to_ms(GetCurrentTransactionStartTimestamp());
	Datum args[SQL_CALL_MAX_ARGS];
	bool known = true;

	for (int i = 1; i < sql_call_nargs(kind); i++)
	{
		Const *value = known_value(root, list_nth(call->args, i));

		if (value != NULL && value->constisnull)
			return false;
		known &= value != NULL;
		args[i] = value != NULL ? value->constvalue : (Datum) 0;
	}
	if (known)
		return sql_call_times_valid(kind, args, p);
	p->instant = kind == SQL_CALL_INSTANT;
	p->end_ms = now;
	p->start_ms = p->instant ? now : now - STAND_IN_RANGE;
	p->step_ms = p->instant ? 0 : STAND_IN_STEP;
	return true;
}

static char *
known_text(PlannerInfo *root, const FuncExpr *call)
{
	Const *value = known_value(root, linitial(call->args));

	if (value == NULL || value->constisnull ||
		VARSIZE_ANY_EXHDR(PG_DETOAST_DATUM_PACKED(value->constvalue)) > MAX_TEXT)
		return NULL;
	return TextDatumGetCString(value->constvalue);
}

static bool
begin(PromqlGuesser *g, const FuncExpr *call, SqlCallKind kind)
{
	const TenantSet *tenants;
	char *query = known_text(g->root, call);
	Err err = ERR_INIT;

	/* the tenants are read from tables */
	if (query == NULL || !ActiveSnapshotSet() || !store_is_ready())
		return false;
	tenants = tenancy_visible();
	g->root->glob->dependsOnRole = true;
	g->params = query_default_params(tenants);
	g->params.query = strview_cstr(query);
	if (!guess_times(g->root, call, kind, &g->params))
		return false;
	g->expr = promql_parse(query, strlen(query), &g->params.flags, &err);
	g->stats = head_stats_create(tenants);
	return g->expr != NULL;
}

PromqlGuesser *
promql_guesser_create(PlannerInfo *root, const FuncExpr *call, SqlCallKind kind)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "PromQL estimate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PromqlGuesser *g = palloc0(sizeof(PromqlGuesser));
	bool ok;

	g->root = root;
	g->context = context;
	ok = begin(g, call, kind);
	MemoryContextSwitchTo(old);
	if (ok)
		return g;
	MemoryContextDelete(context);
	return NULL;
}

void
promql_guesser_free(PromqlGuesser *g)
{
	if (g != NULL)
		MemoryContextDelete(g->context);
}

bool
promql_guess(PromqlGuesser *g, List *quals, PromqlEstimate *out)
{
	MemoryContext old = MemoryContextSwitchTo(g->context);
	PromqlParams params = g->params;
	Err err = ERR_INIT;
	PromqlWanted wanted;
	double part = 1;
	ListCell *lc;
	bool ok;

	promql_wanted_init(&wanted);
	foreach (lc, quals)
	{
		const PromqlQual *q = lfirst(lc);
		Const *value = q->value != NULL ? known_value(g->root, (Node *) q->value) : NULL;

		if (q->value == NULL)
			promql_wanted_add(&wanted, q, (Datum) 0, false);
		else if (value != NULL)
			promql_wanted_add(&wanted, q, value->constvalue, value->constisnull);
		else
			part *= promql_wanted_add_unknown(&wanted, q);
	}
	promql_wanted_tell(&wanted, &params);
	ok = promql_estimate(g->expr, &params, g->stats, out, &err);
	if (params.instant && promql_expr_type(g->expr) != PROMQL_MATRIX &&
		!promql_wanted_time(&wanted, time_from_ms(params.start_ms)))
		part = 0;
	if (wanted.nothing)
		*out = (PromqlEstimate){.series_wise = out->series_wise};
	out->rows *= part;
	MemoryContextSwitchTo(old);
	return ok;
}

void
promql_guess_cost(const PromqlEstimate *est, Cost *startup, Cost *run)
{
	Cost read = est->series_read * COST_SERIES_READ + est->samples_read * COST_SAMPLE +
				est->points * COST_POINT;

	*startup =
		cpu_operator_cost * (est->selectors * COST_SELECT + est->series_read * COST_SERIES_FOUND);
	*run = cpu_operator_cost * (read + est->rows * COST_ROW) + cpu_tuple_cost * est->rows;
	/* what looks at several series has read all of them before it gives a row */
	if (!est->series_wise)
	{
		*startup += cpu_operator_cost * read;
		*run -= cpu_operator_cost * read;
	}
}

Cost
promql_guess_labels_cost(const PromqlEstimate *est)
{
	return cpu_operator_cost * est->series * COST_LABELS;
}

double
promql_guess_pages(const PromqlEstimate *est)
{
	return est->samples_read * SAMPLE_BYTES / BLCKSZ;
}
