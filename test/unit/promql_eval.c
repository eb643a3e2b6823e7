/*
 * promql_eval.c
 *    Run a query over a MemSource and get the whole result as one text.
 */
#include "promql_eval.h"

#include "unit.h"
#include "util/text.h"

#include <inttypes.h>

#define TEXT_MAX (16 * 1024 * 1024)

void
promql_eval_init(PromqlEval *ev)
{
	*ev = (PromqlEval){
		.flags = {.experimental_functions = true, .extended_range = true, .binop_fill = true}};
	mem_source_init(&ev->source);
}

/* wanted -- do the labels pass the filters?  A label that is not there does not. */
static bool
wanted(const PromqlEval *ev, Labels labels)
{
	for (int i = 0; i < ev->nlabel_filters; i++)
	{
		StrView value;

		if (!labels_get(labels, ev->label_filters[i].name, &value) ||
			!matcher_matches(&ev->label_filters[i], value))
			return false;
	}
	return true;
}

static bool
in_window(const PromqlEval *ev, int64_t t)
{
	return !ev->has_window || (t >= ev->window_from_ms && t <= ev->window_to_ms);
}

static void
series_text(Buf *out, const PromqlEval *ev, const PromqlSeries *s)
{
	char number[TEXT_DOUBLE_MAX];
	int n = 0;

	for (int i = 0; i < s->n; i++)
		n += in_window(ev, s->t[i]);
	if (n == 0 || !wanted(ev, s->labels))
		return;
	labels_text(out, s->labels);
	for (int i = 0; i < s->n; i++)
	{
		if (!in_window(ev, s->t[i]))
			continue;
		text_double_shortest_g(number, s->v[i]);
		buf_printf(out, " %s@%" PRId64, s->h != NULL && s->h[i] != NULL ? "h" : number, s->t[i]);
	}
	buf_char(out, '\n');
}

static bool
run(PromqlEval *ev, const char *query, PromqlParams *params, Buf *out, Err *err)
{
	PromqlExpr *expr = promql_parse(query, strlen(query), &params->flags, err);
	PromqlPlan *plan = expr != NULL ? promql_plan(expr, params, err) : NULL;
	PromqlExec *ex = plan != NULL ? promql_exec_create(plan, &ev->source.source, err) : NULL;
	const PromqlAnnotation *notes;
	PromqlSeries s;
	int rc;

	if (ex == NULL)
		return false;
	if (promql_exec_type(ex) == PROMQL_STRING)
		buf_printf(out, "\"%s\"\n", promql_exec_string(ex));
	while ((rc = promql_exec_next(ex, &s, err)) > 0)
		series_text(out, ev, &s);
	if (rc == 0)
		for (int i = 0; i < promql_exec_annotations(ex, &notes); i++)
			buf_printf(out, "%s\n", notes[i].text);
	ev->stats = promql_exec_stats(ex);
	return rc == 0;
}

static const char *
eval(PromqlEval *ev, const char *query, PromqlParams *params)
{
	Err err = ERR_INIT;
	Buf out;

	params->lookback_ms = 300000;
	params->default_subquery_step_ms = 60000;
	params->flags = ev->flags;
	params->max_samples = ev->max_samples;
	params->max_memory = ev->max_memory;
	params->query = strview_cstr(query);
	params->any_order = ev->any_order;
	if (ev->tell_wanted)
	{
		params->label_filters = ev->label_filters;
		params->nlabel_filters = ev->nlabel_filters;
		params->has_window = ev->has_window;
		params->window_from_ms = ev->window_from_ms;
		params->window_to_ms = ev->window_to_ms;
	}
	buf_init(&out, 256, TEXT_MAX);
	if (!run(ev, query, params, &out, &err))
	{
		buf_reset(&out);
		buf_printf(&out, "error: %s\n", err.msg != NULL ? err.msg : "(no message)");
	}
	CHECK_INT(ev->source.nopen, 0);
	return out.data;
}

const char *
promql_eval_instant(PromqlEval *ev, const char *query, int64_t t)
{
	PromqlParams params = {.start_ms = t, .end_ms = t, .instant = true};

	return eval(ev, query, &params);
}

const char *
promql_eval_range(PromqlEval *ev, const char *query, int64_t start, int64_t end, int64_t step)
{
	PromqlParams params = {.start_ms = start, .end_ms = end, .step_ms = step};

	return eval(ev, query, &params);
}
