/*
 * fuzz_promql_exec.c
 *    Any bytes as a query, run over series in memory: floats and histograms with gaps, resets,
 *    staleness markers and values that are none.  It answers or fails with a message; an instant
 *    query and a range query of one step agree on success; every set that was opened is closed.
 *
 * The first byte chooses flags and times, the rest is the query.
 */
#include "mem_source.h"
#include "model/histogram.h"
#include "promql/promql.h"
#include "util/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS	  15000
#define SAMPLES	  40
#define MAX_STEPS 24
#define MAX_QUERY 400

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static MemSource source;

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static double
value_of(int series, int i)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 5e-324, 1.7976931348623157e308,
								 0.1};

	switch (series % 5)
	{
		case 0:
			return i * (series + 1);
		case 1:
			return i % 11 * 7.5; /* falls now and then */
		case 2:
			return odd[i % 7];
		case 3:
			return 3;
		default:
			return -i * 0.3;
	}
}

static Histogram *
histogram_of(int series, int i)
{
	static const int schemas[] = {0, 3, -1, HISTOGRAM_CUSTOM_SCHEMA, 8};
	int schema = schemas[series % 5];
	bool custom = schema == HISTOGRAM_CUSTOM_SCHEMA;
	Histogram *h = mem_alloc0(sizeof(*h));

	h->schema = schema;
	h->sum = i % 13 == 7 ? NAN : i * 2.5 - series;
	h->n_pos = 3;
	h->pos = mem_alloc0(sizeof(double) * 3);
	for (int k = 0; k < 3; k++)
		h->count += h->pos[k] = i % 17 * (k + 1);
	h->n_pos_spans = 1;
	h->pos_spans = mem_alloc0(sizeof(*h->pos_spans));
	h->pos_spans[0].offset = custom ? 0 : series % 3 - 1;
	h->pos_spans[0].length = 3;
	if (custom)
	{
		h->n_custom = 3;
		h->custom = mem_alloc(sizeof(double) * 3);
		for (int k = 0; k < 3; k++)
			h->custom[k] = k + (i / 10 % 2 ? 0.5 : 1);
		return h;
	}
	h->hint = series % 2 ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
	h->zero_threshold = i / 8 % 2 ? 0.001 : 0.1;
	h->zero_count = i % 5;
	h->count += h->zero_count;
	if (series % 2)
	{
		h->n_neg = 1;
		h->neg = mem_alloc0(sizeof(double));
		h->neg[0] = i % 6;
		h->count += h->neg[0];
		h->n_neg_spans = 1;
		h->neg_spans = mem_dup(h->pos_spans, sizeof(*h->pos_spans));
		h->neg_spans[0].length = 1;
	}
	return h;
}

static void
add_series(const char *labels, int series, bool histograms)
{
	Labels ls = mem_source_labels(labels);

	for (int i = series % 4; i < SAMPLES; i++)
	{
		int64_t t = (int64_t) i * STEP_MS + series;

		if ((i + series) % 9 == 4)
			continue; /* a gap */
		if ((i + series) % 14 == 9)
			mem_source_append(&source, ls, t, value_from_bits(VALUE_STALE_BITS), NULL, 0);
		else if (histograms && i != 20)
			mem_source_append(&source, ls, t, 0, histogram_of(series, i), t - 60000);
		else
			mem_source_append(&source, ls, t, value_of(series, i), NULL, t - 60000);
	}
}

static void
fill_source(void)
{
	static const char *const les[] = {"0.1", "1", "1.0", "+Inf", "x"};
	char labels[128];
	int series = 0;

	mem_scope_switch(mem_scope_create("series"));
	mem_source_init(&source);
	for (int job = 0; job < 2; job++)
		for (int i = 0; i < 3; i++)
		{
			snprintf(labels, sizeof(labels), "a{job=\"%d\",i=\"%d\"}", job, i);
			add_series(labels, series++, false);
			snprintf(labels, sizeof(labels), "b_total{job=\"%d\",i=\"%d\"}", job, i);
			add_series(labels, series++, false);
			snprintf(labels, sizeof(labels), "h{job=\"%d\",i=\"%d\"}", job, i);
			add_series(labels, series++, true);
		}
	for (int i = 0; i < 5; i++)
	{
		snprintf(labels, sizeof(labels), "c_bucket{job=\"0\",le=\"%s\"}", les[i]);
		add_series(labels, 5 * i, false);
	}
	add_series("target_info{job=\"0\",instance=\"0\",x=\"y\"}", 3, false);
	add_series("a{job=\"0\",instance=\"0\"}", 5, false);
}

/* run -- the error's code, ERR_NONE if it went well. */
static ErrCode
run(const char *text, size_t len, PromqlParams *params)
{
	Err err = ERR_INIT;
	PromqlExpr *expr = promql_parse(text, len, &params->flags, &err);
	PromqlPlan *plan = expr != NULL ? promql_plan(expr, params, &err) : NULL;
	PromqlExec *ex = plan != NULL ? promql_exec_create(plan, &source.source, &err) : NULL;
	const PromqlAnnotation *notes;
	PromqlSeries s;
	int rc = -1;

	if (ex != NULL)
	{
		while ((rc = promql_exec_next(ex, &s, &err)) > 0)
			check(s.labels.len == 0 || labels_check(s.labels.data, s.labels.len));
		promql_exec_annotations(ex, &notes);
		promql_exec_close(ex);
	}
	check((rc == 0) == (err.code == ERR_NONE));
	check(rc == 0 || err.msg != NULL);
	check(source.nopen == 0);
	return err.code;
}

/* too_long -- more than a few digits, or unit letters that make years of steps out of few. */
static bool
too_long(const char *text, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++)
	{
		digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
		if (digits > 4 ||
			(i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9' && strchr("wyd", text[i]) != NULL))
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MemScope *scope, *outer;
	PromqlParams params = {
		.lookback_ms = 300000,
		.default_subquery_step_ms = 60000,
		.max_samples = 200000,
		.max_memory = 64 * 1024 * 1024,
		.instant = true,
	};
	const char *text = (const char *) data + 1;
	ErrCode code;

	if (source.mem == NULL)
		fill_source();
	if (size < 2 || size > MAX_QUERY || too_long(text, size - 1))
		return 0;
	scope = mem_scope_create("fuzz");
	outer = mem_scope_switch(scope);
	params.flags.experimental_functions = params.flags.binop_fill = params.flags.extended_range =
		data[0] & 1;
	params.flags.delayed_name_removal = data[0] & 2;
	params.flags.start_timestamps = data[0] & 4;
	params.flags.type_and_unit_labels = data[0] & 8;
	params.query = strview(text, size - 1);
	params.start_ms = params.end_ms = (int64_t) (data[0] >> 4) * 40000;
	code = run(text, size - 1, &params);
	if (code != ERR_PROMQL_SYNTAX && code != ERR_PROMQL_TYPE)
	{
		params.instant = false;
		params.step_ms = 7000;
		params.end_ms = params.start_ms + params.step_ms * MAX_STEPS;
		run(text, size - 1, &params);
	}
	mem_scope_switch(outer);
	mem_scope_delete(scope);
	return 0;
}
