/*
 * gen.c
 *    Make a recording of remote-write requests that look like those of a fleet.
 *
 *    gen SERIES SCRAPES [START_MS] > RECORDING
 *
 * Deterministic.  Targets of 200 series are scraped every 15 s, each at a phase of its own, a
 * quarter of them with a few ms of jitter.  Of the series half are integer counters with very
 * different rates (some with le buckets, some restart), then integer gauges, walks of two or three
 * decimals, slow gauges, and 5 % full-entropy floats.  A request holds about 2,000 samples; the
 * output is a sequence of a little-endian u32 length and a WriteRequest (replay.c sends it).
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_TARGET	200
#define PER_REQUEST 2000
#define INTERVAL_MS 15000

typedef struct Series
{
	double value;
	double rate; /* of counters, per scrape */
	uint8_t kind;
} Series;

static uint64_t seed = 42;

static uint64_t
rnd(void)
{
	/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

static double
uniform(void)
{
	return (double) (rnd() >> 11) / 9007199254740992.0;
}

static char *
put_varint(char *p, uint64_t v)
{
	while (v >= 0x80)
	{
		*p++ = (char) (v | 0x80);
		v >>= 7;
	}
	*p++ = (char) v;
	return p;
}

static char *
put_label(char *p, const char *name, const char *value)
{
	size_t n = strlen(name);
	size_t v = strlen(value);

	*p++ = 0x0a;
	p = put_varint(p, n + v + 4);
	*p++ = 0x0a;
	*p++ = (char) n;
	memcpy(p, name, n);
	p += n;
	*p++ = 0x12;
	*p++ = (char) v;
	memcpy(p, value, v);
	return p + v;
}

/* Labels in order of their names. */
static char *
put_labels(char *p, int target, int k)
{
	char text[64];
	bool bucket = k % 5 == 0;

	snprintf(text, sizeof(text),
			 bucket	 ? "request_duration_%03d_seconds_bucket"
			 : k % 2 ? "process_events_%03d_total"
					 : "runtime_state_%03d_value",
			 bucket ? k / 50 : k);
	p = put_label(p, "__name__", text);
	p = put_label(p, "cluster", "production-europe-west");
	snprintf(text, sizeof(text), "service-%03d-api", target % 37);
	p = put_label(p, "container", text);
	snprintf(text, sizeof(text), "10.%d.%d.%d:8080", target >> 16 & 255, target >> 8 & 255,
			 target & 255);
	p = put_label(p, "instance", text);
	snprintf(text, sizeof(text), "job-%02d", target % 20);
	p = put_label(p, "job", text);
	if (bucket)
	{
		snprintf(text, sizeof(text), k % 50 == 45 ? "+Inf" : "%g", 0.005 * (1 << (k % 50 / 5)));
		p = put_label(p, "le", text);
	}
	p = put_label(p, "namespace", "default");
	snprintf(text, sizeof(text), "pod-%05d-x7k2q", target);
	return put_label(p, "pod", text);
}

static double
next_value(Series *s)
{
	switch (s->kind)
	{
		case 0: /* counter */
			s->value += floor(s->rate * 2 * uniform());
			if (rnd() % 20000 == 0)
				s->value = 0;
			return s->value;
		case 1: /* slow gauge */
			if (rnd() % 20 == 0)
				s->value += (double) (rnd() % 3) - 1;
			return s->value;
		case 2: /* walks of decimals */
			s->value += floor(uniform() * 21 - 10);
			return s->value / 100;
		case 3:
			s->value += floor(uniform() * 201 - 100);
			return s->value / 1000;
		case 4: /* integer gauge */
			s->value = floor(uniform() * 1000);
			return s->value;
		default:
			return uniform();
	}
}

static void
init(Series *s, int k)
{
	static const uint8_t gauges[] = {1, 2, 3, 4, 1, 2, 4, 1, 3, 5};

	s->kind = k % 5 == 0 || k % 2 ? 0 : gauges[k / 2 % 10];
	s->rate = pow(10, uniform() * 6 - 1);
	s->value = floor(uniform() * 1e6);
}

int
main(int argc, char **argv)
{
	int nseries = argc > 2 ? atoi(argv[1]) : 0;
	int nscrapes = argc > 2 ? atoi(argv[2]) : 0;
	int64_t start = argc > 3 ? atoll(argv[3]) : INT64_C(1767225600000);
	int ntargets = (nseries + PER_TARGET - 1) / PER_TARGET;
	Series *series;
	char *buf;

	if (nseries <= 0 || nscrapes <= 0)
	{
		fprintf(stderr, "usage: gen SERIES SCRAPES [START_MS] > RECORDING\n");
		return 2;
	}
	series = calloc((size_t) ntargets * PER_TARGET, sizeof(Series));
	buf = malloc(PER_REQUEST * 600);
	for (int i = 0; i < ntargets * PER_TARGET; i++)
		init(&series[i], i % PER_TARGET);
	for (int scrape = 0; scrape < nscrapes; scrape++)
	{
		char *p = buf;
		int n = 0;

		for (int target = 0; target < ntargets; target++)
		{
			int64_t t =
				start + (int64_t) scrape * INTERVAL_MS + (int64_t) target * 7919 % INTERVAL_MS;

			if (target % 4 == 0)
				t += (int64_t) (rnd() % 9) - 4;
			for (int k = 0; k < PER_TARGET; k++)
			{
				char one[600];
				char sample[32];
				char *q = put_labels(one, target, k);
				char *s = sample;
				double v = next_value(&series[target * PER_TARGET + k]);

				*s++ = 0x09;
				memcpy(s, &v, 8);
				s += 8;
				*s++ = 0x10;
				s = put_varint(s, (uint64_t) t);
				*q++ = 0x12;
				q = put_varint(q, (uint64_t) (s - sample));
				memcpy(q, sample, (size_t) (s - sample));
				q += s - sample;
				*p++ = 0x0a;
				p = put_varint(p, (uint64_t) (q - one));
				memcpy(p, one, (size_t) (q - one));
				p += q - one;
				n++;
			}
			if (n >= PER_REQUEST || target == ntargets - 1)
			{
				uint32_t len = (uint32_t) (p - buf);

				fwrite(&len, sizeof(len), 1, stdout);
				fwrite(buf, 1, len, stdout);
				p = buf;
				n = 0;
			}
		}
	}
	return 0;
}
