/*
 * promqltest.c
 *    Runs a test file: the store between load and clear, and each eval in all its forms.
 *
 * An instant eval is run as written, then pinned to its time by @ and evaluated at other times,
 * and each of these also as the middle step of a range query: all must agree (reference 6.3).
 */
#include "promqltest/promqltest.h"

#include "promql_eval.h"
#include "promqltest/compare.h"
#include "promqltest/load.h"
#include "promqltest/rewrite.h"
#include "promqltest/script.h"

#include <stdio.h>

#define LOOKBACK_MS		 300000
#define SUBQUERY_STEP_MS 60000
#define MAX_SAMPLES		 10000

/* --- one query -------------------------------------------------------------------------------- */

static PromqlSeries
copy_series(const PromqlSeries *s)
{
	PromqlSeries c = {.labels = labels_copy(s->labels), .n = s->n};
	Histogram **h = NULL;

	c.t = mem_dup(s->t, sizeof(*s->t) * s->n);
	c.v = mem_dup(s->v, sizeof(*s->v) * s->n);
	if (s->h != NULL)
		h = mem_alloc(sizeof(*h) * (s->n + 1));
	for (int i = 0; h != NULL && i < s->n; i++)
		h[i] = s->h[i] != NULL ? histogram_copy(s->h[i]) : NULL;
	c.h = h;
	return c;
}

static bool
run_query(MemSource *ms, const char *query, PromqlParams *params, TestResult *out, Err *err)
{
	PromqlExpr *e;
	PromqlPlan *plan;
	PromqlExec *ex;
	PromqlSeries s;
	int rc;

	*out = (TestResult){0};
	params->query = strview_cstr(query);
	e = promql_parse(query, strlen(query), &params->flags, err);
	plan = e != NULL ? promql_plan(e, params, err) : NULL;
	ex = plan != NULL ? promql_exec_create(plan, &ms->source, err) : NULL;
	if (ex == NULL)
		return false;
	out->type = promql_exec_type(ex);
	out->string = promql_exec_string(ex);
	while ((rc = promql_exec_next(ex, &s, err)) > 0)
	{
		out->series = mem_realloc(out->series, sizeof(*out->series) * (out->n + 1));
		out->series[out->n++] = copy_series(&s);
	}
	out->nannotations = promql_exec_annotations(ex, &out->annotations);
	return rc == 0;
}

static PromqlParams
params_for(int64_t start, int64_t end, int64_t step)
{
	return (PromqlParams){
		.start_ms = start,
		.end_ms = end,
		.step_ms = step,
		.instant = step == 0,
		.lookback_ms = LOOKBACK_MS,
		.default_subquery_step_ms = SUBQUERY_STEP_MS,
		.max_samples = MAX_SAMPLES,
		.flags =
			{
				.experimental_functions = true,
				.extended_range = true,
				.binop_fill = true,
				.delayed_name_removal = true,
				.start_timestamps = true,
			},
	};
}

/* --- an eval in its forms --------------------------------------------------------------------- */

static bool
names_query_times(const char *query)
{
	return strstr(query, "start()") != NULL || strstr(query, "end()") != NULL ||
		   strstr(query, "range()") != NULL || strstr(query, "step()") != NULL;
}

/* run_in_range -- the query once more as the middle step of three. */
static bool
run_in_range(MemSource *ms, const ScriptEval *eval, const char *query, PromqlType type, int64_t t,
			 Err *err)
{
	PromqlParams params = params_for(t - 60000, t + 60000, 60000);
	TestResult r;

	return run_query(ms, query, &params, &r, err) &&
		   promqltest_compare_middle_step(eval, type, &r, t, err);
}

static bool
run_instant(MemSource *ms, const ScriptEval *eval, const char *query, int64_t t, Err *err)
{
	PromqlParams params = params_for(t, t, 0);
	Err query_err = ERR_INIT;
	TestResult r;

	if (!run_query(ms, query, &params, &r, &query_err))
		return promqltest_compare_failure(eval, query_err.msg, err);
	if (!promqltest_compare_result(eval, &r, err))
		return false;
	if (eval->string != NULL || eval->has_points || names_query_times(query))
		return true;
	return run_in_range(ms, eval, query, r.type, t, err);
}

/* run_pinned -- the query pinned to its own time, evaluated at others. */
static bool
run_pinned(MemSource *ms, const ScriptEval *eval, Err *err)
{
	int64_t t = eval->start_ms;
	int64_t others[5] = {-10 * t, 0, t / 5, t, 10 * t};
	int n = 5;
	PromqlParams params = params_for(t, t, 0);
	const char *pinned = promqltest_pin(eval->query, &params.flags, t);

	if (pinned == NULL)
		return true;
	if (t == 0)
	{
		others[0] = -1000;
		others[2] = 1000;
		n = 3;
	}
	for (int i = 0; i < n; i++)
		if (!run_instant(ms, eval, pinned, others[i], err))
		{
			Err inner = *err;

			*err = (Err) ERR_INIT;
			return err_set(err, ERR_EXECUTION, -1, "as %s at %.3f: %s", pinned,
						   (double) others[i] / 1000, inner.msg);
		}
	return true;
}

static bool
run_eval(MemSource *ms, const ScriptEval *eval, Err *err)
{
	if (eval->is_range)
	{
		PromqlParams params = params_for(eval->start_ms, eval->end_ms, eval->step_ms);
		Err query_err = ERR_INIT;
		TestResult r;

		if (!run_query(ms, eval->query, &params, &r, &query_err))
			return promqltest_compare_failure(eval, query_err.msg, err);
		return promqltest_compare_result(eval, &r, err);
	}
	return run_instant(ms, eval, eval->query, eval->start_ms, err) && run_pinned(ms, eval, err);
}

/* --- a file ----------------------------------------------------------------------------------- */

/* The store lives in a scope of its own, replaced by clear. */
typedef struct Store
{
	MemScope *scope;
	MemSource source;
} Store;

static void
store_clear(Store *st)
{
	MemScope *old;

	if (st->scope != NULL)
		mem_scope_delete(st->scope);
	st->scope = mem_scope_create("promqltest store");
	old = mem_scope_switch(st->scope);
	mem_source_init(&st->source);
	mem_scope_switch(old);
}

/* run_command -- false, with err filled, if a load or an eval fails. */
static bool
run_command(Store *st, const ScriptCommand *cmd, Err *err)
{
	MemScope *scope, *old;
	bool ok = true;
	Err inner = ERR_INIT;

	if (cmd->kind == SCRIPT_CLEAR)
	{
		store_clear(st);
		return true;
	}
	scope = mem_scope_create("promqltest command");
	old = mem_scope_switch(scope);
	if (cmd->kind == SCRIPT_LOAD)
		ok = promqltest_load(&st->source, &cmd->load, &inner);
	else
		ok = run_eval(&st->source, &cmd->eval, &inner);
	mem_scope_switch(old);
	if (!ok)
		err_set(err, ERR_EXECUTION, -1, "%s", inner.msg);
	mem_scope_delete(scope);
	return ok;
}

PromqlTestCount
promqltest_run_file(const char *path, bool verbose)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	PromqlTestCount count = {0};
	ScriptCommand cmd = {.kind = SCRIPT_END};
	Script script;
	Store st = {0};

	store_clear(&st);
	if (!script_read(&script, path))
	{
		printf("# %s: cannot be read\n", path);
		return (PromqlTestCount){0, 1};
	}
	do
	{
		Err err = ERR_INIT;
		bool ok = script_next(&script, &cmd, &err) &&
				  (cmd.kind == SCRIPT_END || run_command(&st, &cmd, &err));

		if (cmd.kind == SCRIPT_EVAL || !ok)
			count.total++;
		if (cmd.kind == SCRIPT_EVAL && ok)
			count.passed++;
		if (!ok && verbose)
			printf("# %s:%d: %s\n#    %s\n", name, cmd.line,
				   cmd.kind == SCRIPT_EVAL && cmd.eval.query != NULL ? cmd.eval.query : "",
				   err.msg != NULL ? err.msg : "(no message)");
	} while (cmd.line > 0);
	mem_scope_delete(st.scope);
	printf("# %s: %d/%d\n", name, count.passed, count.total);
	return count;
}
