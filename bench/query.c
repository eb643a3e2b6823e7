/*
 * query.c
 *    Time queries over HTTP, over keep-alive connections.
 *
 *    query [-n RUNS] PORT END FILE               each query of FILE RUNS times, one after the other (9)
 *    query -c CLIENTS -d SECONDS PORT END FILE   that many clients at once, each going through FILE
 *                                                again and again, beginning at different places
 *
 * END is the time of the newest data, Unix seconds.  A line of FILE is a name, a kind, the window before END
 * ("1h", or 0), the step, and the text:
 *
 *    instant   a query at END
 *    range     a query over the window
 *    values    values of the label that text names, within the window
 *    series    series that match the selector, within the window
 *
 * Prints for each query "NAME_first ms", "NAME_median ms" (of the other runs), "NAME_series" and "NAME_points",
 * or for clients at once "queries", "queries_per_s", "query_p50", "query_p99", "query_max".
 * An error or an empty answer is a failure: it is told, and the exit status is 1.
 */
#include "client.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_QUERIES 200

typedef enum Kind
{
	KIND_INSTANT,
	KIND_RANGE,
	KIND_VALUES,
	KIND_SERIES
} Kind;

typedef struct Query
{
	char name[64];
	Kind kind;
	char *request; /* the whole of it */
	size_t len;
} Query;

typedef struct Answer
{
	size_t series; /* or values of a label */
	size_t points;
} Answer;

typedef struct Worker
{
	pthread_t thread;
	int number;
	double *latency;
	size_t n;
	size_t size;
} Worker;

static Query queries[MAX_QUERIES];
static int nqueries;
static int port;
static double deadline;
static atomic_int failures;

/* --- the file of queries ---------------------------------------------------------------------- */

static void
add_encoded(char **p, const char *text)
{
	for (; *text; text++)
	{
		if (isalnum((unsigned char) *text) || strchr("-_.~", *text))
			*(*p)++ = *text;
		else
			*p += sprintf(*p, "%%%02X", (unsigned char) *text);
	}
}

static long
seconds_of(const char *text)
{
	char *unit;
	long n = strtol(text, &unit, 10);

	return *unit == 'd' ? n * 86400 : *unit == 'h' ? n * 3600 : *unit == 'm' ? n * 60 : n;
}

static bool
make_request(Query *q, const char *kind, long window, long step, const char *text, double end)
{
	static const char *const kinds[] = {"instant", "range", "values", "series"};
	char *p;
	int k = 0;

	while (k < 4 && strcmp(kinds[k], kind) != 0)
		k++;
	if (k == 4)
		return false;
	q->kind = (Kind) k;
	q->request = p = malloc(strlen(text) * 3 + 1000);
	/* nocache keeps victoria-metrics from repeating its last answer; others ignore it */
	switch (q->kind)
	{
		case KIND_INSTANT:
			p += sprintf(p, "GET /api/v1/query?nocache=1&time=%.3f&query=", end);
			add_encoded(&p, text);
			break;
		case KIND_RANGE:
			p += sprintf(p, "GET /api/v1/query_range?nocache=1&start=%.3f&end=%.3f&step=%ld&query=",
						 end - (double) window, end, step);
			add_encoded(&p, text);
			break;
		case KIND_VALUES:
			p += sprintf(p, "GET /api/v1/label/%s/values?nocache=1&start=%.3f&end=%.3f", text,
						 end - (double) window, end);
			break;
		case KIND_SERIES:
			p += sprintf(p, "GET /api/v1/series?nocache=1&start=%.3f&end=%.3f&match%%5B%%5D=",
						 end - (double) window, end);
			add_encoded(&p, text);
			break;
	}
	p += sprintf(p, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: query\r\n\r\n");
	q->len = (size_t) (p - q->request);
	return true;
}

static bool
read_queries(const char *path, double end)
{
	FILE *f = fopen(path, "r");
	char line[4096];

	if (f == NULL)
	{
		perror(path);
		return false;
	}
	while (nqueries < MAX_QUERIES && fgets(line, sizeof(line), f) != NULL)
	{
		char kind[16], window[16], step[16];
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (sscanf(line, "%63s %15s %15s %15s %n", queries[nqueries].name, kind, window, step,
				   &at) != 4 ||
			!make_request(&queries[nqueries], kind, seconds_of(window), seconds_of(step), line + at,
						  end))
		{
			fprintf(stderr, "%s: cannot read \"%s\"\n", path, line);
			return false;
		}
		nqueries++;
	}
	fclose(f);
	return nqueries > 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static size_t
count_text(const char *body, const char *text)
{
	size_t n = 0;

	for (const char *p = body; (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	return n;
}

/* A digit followed by ," stands in [time,"value"] only. */
static size_t
count_points(const char *body)
{
	size_t n = 0;

	for (const char *p = body; (p = strstr(p, ",\"")) != NULL; p++)
		n += isdigit((unsigned char) p[-1]) != 0;
	return n;
}

static Answer
count_answer(const Query *q, const char *body)
{
	Answer a = {0, 0};
	const char *data = strstr(body, "\"data\":[");

	switch (q->kind)
	{
		case KIND_INSTANT:
		case KIND_RANGE:
			a.series = count_text(body, "\"metric\":{");
			a.points = count_points(body);
			break;
		case KIND_VALUES:
			a.series = data == NULL || data[8] == ']' ? 0 : count_text(data, "\",\"") + 1;
			break;
		case KIND_SERIES:
			a.series = count_text(body, "\"__name__\":");
			break;
	}
	return a;
}

/* Ask and wait; returns seconds, or -1 and tells why. */
static double
ask(Client *c, const Query *q, Answer *a)
{
	double begin = client_now();
	int status = client_ask(c, q->request, q->len, NULL, 0);
	double took = client_now() - begin;
	Answer got = {0, 0};

	if (status == 200 && strstr(c->body, "\"status\":\"success\"") != NULL)
		got = count_answer(q, c->body);
	if (a != NULL)
		*a = got;
	if (got.series > 0)
		return took;
	if (failures++ < 5)
		fprintf(stderr, "no answer to %s: status %d %.200s\n", q->name, status,
				status > 0 ? c->body : "");
	return -1;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
run_one_after_the_other(int runs)
{
	double *took = malloc(sizeof(double) * (size_t) (runs + 1));
	Client c;

	client_init(&c, port);
	for (int i = 0; i < nqueries; i++)
	{
		const Query *q = &queries[i];
		Answer a;
		double first = ask(&c, q, &a);
		int n = 0;

		if (first < 0)
			continue;
		for (int k = 1; k < runs; k++)
			if ((took[n] = ask(&c, q, NULL)) >= 0)
				n++;
		printf("%s_first %.3f ms\n", q->name, first * 1e3);
		if (n > 0)
		{
			qsort(took, (size_t) n, sizeof(double), by_value);
			printf("%s_median %.3f ms\n", q->name, took[n / 2] * 1e3);
		}
		printf("%s_series %zu count\n", q->name, a.series);
		if (q->kind <= KIND_RANGE)
			printf("%s_points %zu count\n", q->name, a.points);
	}
	client_close(&c);
	free(took);
}

/* --- many at once ----------------------------------------------------------------------------- */

static void *
run_worker(void *arg)
{
	Worker *w = arg;
	Client c;

	client_init(&c, port);
	for (int i = w->number * 5; client_now() < deadline; i++)
	{
		double took = ask(&c, &queries[i % nqueries], NULL);

		if (took < 0)
			continue;
		if (w->n == w->size)
		{
			w->size = w->size * 2 + 1024;
			w->latency = realloc(w->latency, sizeof(double) * w->size);
		}
		w->latency[w->n++] = took;
	}
	client_close(&c);
	return NULL;
}

static void
run_together(int clients, double seconds)
{
	Worker *workers = calloc((size_t) clients, sizeof(Worker));
	double *all;
	double begin = client_now();
	size_t n = 0;

	deadline = begin + seconds;
	for (int i = 0; i < clients; i++)
	{
		workers[i].number = i;
		pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]);
	}
	for (int i = 0; i < clients; i++)
	{
		pthread_join(workers[i].thread, NULL);
		n += workers[i].n;
	}
	seconds = client_now() - begin;
	all = malloc(sizeof(double) * (n + 1));
	n = 0;
	for (int i = 0; i < clients; i++)
	{
		memcpy(all + n, workers[i].latency, sizeof(double) * workers[i].n);
		n += workers[i].n;
	}
	qsort(all, n, sizeof(double), by_value);
	printf("queries %zu count\nqueries_per_s %.1f /s\n", n, (double) n / seconds);
	if (n > 0)
		printf("query_p50 %.2f ms\nquery_p99 %.2f ms\nquery_max %.2f ms\n", all[n / 2] * 1e3,
			   all[n * 99 / 100] * 1e3, all[n - 1] * 1e3);
}

int
main(int argc, char **argv)
{
	int runs = 10;
	int clients = 0;
	double seconds = 10;
	int opt;

	while ((opt = getopt(argc, argv, "n:c:d:")) != -1)
	{
		if (opt == 'n')
			runs = atoi(optarg);
		else if (opt == 'c')
			clients = atoi(optarg);
		else if (opt == 'd')
			seconds = atof(optarg);
		else
			optind = argc;
	}
	if (argc - optind != 3 || runs < 1)
	{
		fprintf(stderr, "usage: query [-n RUNS | -c CLIENTS -d SECONDS] PORT END FILE\n");
		return 2;
	}
	port = atoi(argv[optind]);
	if (!read_queries(argv[optind + 2], atof(argv[optind + 1])))
		return 2;
	if (clients > 0)
		run_together(clients, seconds);
	else
		run_one_after_the_other(runs);
	return failures > 0;
}
