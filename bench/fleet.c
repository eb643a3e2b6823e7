/*
 * fleet.c
 *    What the made-up fleet looks like.
 *
 * A target is a process with 200 series.  There are two classes of targets with some names in
 * common and some of their own, about 200 metric names together, and labels as Kubernetes gives
 * them: 7 on every series, and up to 3 more on histograms and request counters; 170 bytes on average.
 *
 * Half the values are integer counters, buckets of histograms among them, with rates between one
 * in a hundred scrapes and 100,000 a scrape; then slow gauges, walks of two or three decimals,
 * integer gauges, and 5 % floats of full entropy.  A target restarts about every six hours and its counters
 * begin anew.  All is deterministic.
 */
#include "fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTART_SCRAPES 1440 /* between restarts of a target, on average */
#define BUCKETS			11

static const char *const bucket_bounds[BUCKETS] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
												   "0.5",	"1",	"2.5",	 "5",	 "+Inf"};

/* Part of the observations in each bucket, in thousandths. */
static const float bucket_parts[BUCKETS] = {.120f, .200f, .250f, .180f, .110f, .070f,
											.040f, .017f, .008f, .003f, .002f};

static const char *const services[] = {"checkout",	"payments", "search",	 "catalog", "sessions",
									   "inventory", "shipping", "recommend", "gateway", "billing"};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static double
uniform(Target *t)
{
	return (double) (next_random(&t->random) >> 11) / 9007199254740992.0;
}

/* splitmix64: spreads consecutive numbers over all states */
static uint64_t
spread(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* --- labels ----------------------------------------------------------------------------------- */

typedef struct LabelText
{
	const char *name;
	const char *value; /* NULL: not there */
} LabelText;

static char *
put_text(char *p, char tag, const char *text)
{
	size_t n = strlen(text);

	*p++ = tag;
	*p++ = (char) n; /* all our texts are shorter than 128 bytes */
	memcpy(p, text, n);
	return p + n;
}

static char *
put_label(char *p, const LabelText *l)
{
	if (l->value == NULL)
		return p;
	*p++ = 0x0a; /* TimeSeries.labels */
	*p++ = (char) (strlen(l->name) + strlen(l->value) + 4);
	p = put_text(p, 0x0a, l->name);
	return put_text(p, 0x12, l->value);
}

/* What distinguishes the series of a target. */
typedef struct Shape
{
	char name[64];
	char code[4];
	const char *handler;
	const char *le;
	const char *method;
	char shard[4];
	char version[8];
	ValueKind kind;
	int bucket;
} Shape;

static void
histogram_shape(Shape *s, const char *name, const char *handler, int i)
{
	s->handler = handler;
	s->bucket = i;
	s->kind = i < BUCKETS ? VALUE_BUCKET : i == BUCKETS ? VALUE_SUM : VALUE_COUNT;
	s->le = i < BUCKETS ? bucket_bounds[i] : NULL;
	snprintf(s->name, sizeof(s->name), "%s_%s", name,
			 i < BUCKETS	? "bucket"
			 : i == BUCKETS ? "sum"
							: "count");
}

static const struct
{
	int count;
	ValueKind kind;
	const char *name; /* with the number; %s of class names: the class */
	int is_common;	  /* to both classes */
} gauges[] = {
	{17, VALUE_SLOW, "config_generation_%02d", 1}, {10, VALUE_SLOW, "%s_replicas_%02d", 0},
	{10, VALUE_WALK2, "%s_temperature_%02d", 0},   {17, VALUE_WALK3, "%s_load_ratio_%02d", 0},
	{13, VALUE_INTEGER, "queue_length_%02d", 1},   {10, VALUE_NOISE, "%s_estimate_%02d", 0},
};

/* The gauges with a name of their own, from number 0 */
static void
gauge_shape(Shape *s, const char *class, int k)
{
	int g = 0;

	while (k >= gauges[g].count)
		k -= gauges[g++].count;
	s->kind = gauges[g].kind;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (gauges[g].is_common)
		snprintf(s->name, sizeof(s->name), gauges[g].name, k);
	else
		snprintf(s->name, sizeof(s->name), gauges[g].name, class, k);
#pragma GCC diagnostic pop
}

/* Series k of a target. */
static void
series_shape(Shape *s, int class_number, uint32_t target, int k)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	static const char *const codes[] = {"200", "204", "404", "500"};
	const char *class = class_number ? "worker" : "server";

	memset(s, 0, sizeof(*s));
	if (k < 16)
	{
		strcpy(s->name, "http_requests_total");
		strcpy(s->code, codes[k % 4]);
		s->method = methods[k / 4];
		s->handler = "/api/v1/items";
	}
	else if (k < 42)
		histogram_shape(s, "http_request_duration_seconds",
						k < 29 ? "/api/v1/items" : "/api/v1/orders", (k - 16) % 13);
	else if (k < 55)
		histogram_shape(s, "rpc_duration_seconds", "/rpc.Service/Call", k - 42);
	else if (k < 68)
		histogram_shape(s, class_number ? "job_duration_seconds" : "db_query_duration_seconds",
						"main", k - 55);
	else if (k < 98)
		snprintf(s->name, sizeof(s->name), "process_events_%02d_total", k - 68);
	else if (k < 106)
		snprintf(s->name, sizeof(s->name), "%s_operations_%02d_total", class, k - 98);
	else if (k == 106)
	{
		strcpy(s->name, "app_build_info");
		snprintf(s->version, sizeof(s->version), "1.%d.%d", target % 3, target % 7);
		s->kind = VALUE_ONE;
	}
	else if (k < 123)
	{
		strcpy(s->name, "cache_latency_milliseconds");
		snprintf(s->shard, sizeof(s->shard), "%d", k - 107);
		s->kind = VALUE_WALK2;
	}
	else
		gauge_shape(s, class, k - 123);
}

static void
make_labels(Series *out, const Target *t, const Shape *s)
{
	uint64_t id = spread(((uint64_t) t->number << 32) + t->replaced);
	const char *service = services[t->number % FLEET_JOBS / 2];
	char container[32], instance[32], job[32], pod[64];
	char buf[512];
	char *p = buf;
	const LabelText labels[] = {
		{"__name__", s->name},
		{"cluster", "prod-eu-west-1"},
		{"code", s->code[0] ? s->code : NULL},
		{"container", container},
		{"handler", s->handler},
		{"instance", instance},
		{"job", job},
		{"le", s->le},
		{"method", s->method},
		{"namespace", service},
		{"pod", pod},
		{"shard", s->shard[0] ? s->shard : NULL},
		{"version", s->version[0] ? s->version : NULL},
	};

	snprintf(container, sizeof(container), "%s-%s", service, t->number % 2 ? "worker" : "server");
	snprintf(instance, sizeof(instance), "10.%u.%u.%u:8080", t->replaced % 256,
			 t->number / 250 % 250, t->number % 250);
	snprintf(job, sizeof(job), "%s/%s", service, t->number % 2 ? "worker" : "server");
	snprintf(pod, sizeof(pod), "%s-%010llx-%05llx", container, (unsigned long long) id >> 24,
			 (unsigned long long) id & 0xfffff);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		p = put_label(p, &labels[i]);
	out->label_len = (uint16_t) (p - buf);
	out->labels = realloc(out->labels, out->label_len);
	memcpy(out->labels, buf, out->label_len);
}

/* fleet_label_text_bytes -- names and values, without what protobuf adds. */
size_t
fleet_label_text_bytes(const Series *s)
{
	size_t n = 0;

	for (const char *p = s->labels; p < s->labels + s->label_len; p += p[1] + 2)
		n += (size_t) p[1] - 4;
	return n;
}

/* --- values ----------------------------------------------------------------------------------- */

static void
begin_series(Target *t, FleetLayout layout, int k)
{
	Series *s = &t->series[k];
	Shape shape;

	if (layout == FLEET_MIXED)
		series_shape(&shape, t->number % 2, t->number, k);
	else
	{
		memset(&shape, 0, sizeof(shape));
		strcpy(shape.name, "events_total");
		snprintf(shape.shard, sizeof(shape.shard), "%d", k);
	}
	make_labels(s, t, &shape);
	s->kind = (uint8_t) shape.kind;
	s->bucket = (uint8_t) shape.bucket;
	s->rate = (float) pow(10, uniform(t) * 7 - 2);
	s->value = s->kind == VALUE_ONE ? 1 : floor(uniform(t) * 1e6);
	if (s->kind == VALUE_BUCKET || s->kind == VALUE_SUM || s->kind == VALUE_COUNT)
		s->value = 0;
}

/*
 * fleet_init_target -- target of that number, with labels and first values.
 */
void
fleet_init_target(Target *t, FleetLayout layout, uint32_t number, uint32_t interval_ms)
{
	memset(t, 0, sizeof(*t));
	t->number = number;
	t->random = spread(number + 1);
	t->phase_ms = (uint32_t) (spread(number + 7919) % interval_ms);
	t->jitters = number % 4 == 0;
	for (int k = 0; k < FLEET_PER_TARGET; k++)
		begin_series(t, layout, k);
}

/* fleet_replace_target -- another process takes its place: other labels, counters from zero. */
void
fleet_replace_target(Target *t, FleetLayout layout)
{
	t->replaced++;
	for (int k = 0; k < FLEET_PER_TARGET; k++)
		begin_series(t, layout, k);
}

static void
restart(Target *t)
{
	for (int k = 0; k < FLEET_PER_TARGET; k++)
		if (t->series[k].kind <= VALUE_COUNT)
			t->series[k].value = 0;
}

/* Add a scrape's observations to the histogram whose first bucket is h. */
static void
observe(Target *t, Series *h)
{
	double n = 0;
	double sum = 0;

	for (int i = 0; i < BUCKETS; i++)
	{
		double here = floor(h->rate * bucket_parts[i] * 2 * uniform(t) + uniform(t));

		n += here;
		sum += here * atof(i == BUCKETS - 1 ? "10" : bucket_bounds[i]);
		h[i].value += n;
	}
	h[BUCKETS].value = round((h[BUCKETS].value + sum * (0.5 + 0.3 * uniform(t))) * 1000) / 1000;
	h[BUCKETS + 1].value = h[BUCKETS - 1].value;
}

static void
next_value(Target *t, Series *s)
{
	switch (s->kind)
	{
		case VALUE_COUNTER:
			s->value += floor(s->rate * 2 * uniform(t) + uniform(t)); /* s->rate on average */
			break;
		case VALUE_BUCKET:
			if (s->bucket == 0)
				observe(t, s);
			break;
		case VALUE_SLOW:
			if (next_random(&t->random) % 40 == 0)
				s->value += (double) (next_random(&t->random) % 5) - 2;
			break;
		case VALUE_WALK2:
			s->value = round(s->value * 100 + floor(uniform(t) * 41 - 20)) / 100;
			break;
		case VALUE_WALK3:
			s->value = round(s->value * 1000 + floor(uniform(t) * 401 - 200)) / 1000;
			break;
		case VALUE_INTEGER:
			s->value = floor(uniform(t) * 1000);
			break;
		case VALUE_NOISE:
			s->value = uniform(t);
			break;
		default: /* sums and counts go with their buckets, and ones stay */
			break;
	}
}

/* fleet_scrape -- the next value of each series of the target. */
void
fleet_scrape(Target *t)
{
	if (next_random(&t->random) % RESTART_SCRAPES == 0)
		restart(t);
	for (int k = 0; k < FLEET_PER_TARGET; k++)
		next_value(t, &t->series[k]);
}

/* fleet_jitter_ms -- by how much this scrape is late or early: -4 to 4 on a quarter of the targets. */
int
fleet_jitter_ms(Target *t)
{
	return t->jitters ? (int) (next_random(&t->random) % 9) - 4 : 0;
}
