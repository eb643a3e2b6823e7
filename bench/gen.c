/*
 * gen.c
 *    Make recordings of remote-write requests that look like those of a fleet (fleet.c).
 *
 *    gen [OPTION...] (SCRAPES FILE)...
 *
 *    -s SERIES    series that live as long as the recording           (20000)
 *    -l SERIES    of these, so many are there from the first scrape,
 *    -f SCRAPE    the others from this scrape on                      (all, 0)
 *    -c SERIES    a set with churn beside them, from scrape -f on: every
 *                 30 s 2 % of its series are replaced by new ones     (0)
 *    -i MS        between scrapes of a target                         (15000)
 *    -t MS        time of the first scrape, Unix epoch                (1767247200000)
 *    -m           one metric only, a counter "events_total"
 *
 * Each FILE continues where the one before it ended, so that one fleet's history, its present and
 * what arrives later can be sent apart.  Deterministic: equal options make equal bytes.  Numbers of series
 * are rounded up to whole targets.  What was made is told on standard error for each FILE, lines
 * "figure number unit": samples and bytes of the file, series and the time of the last sample so far.
 *
 * A scrape visits the targets in order of their phase.  The series of a target are spread over
 * the streams in runs of 25, as a sender's shards would; every stream so sees every target.
 */
#include "fleet.h"
#include "recording.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHURN_MS   30000
#define CHURN_PART 0.02
#define RUN		   (FLEET_PER_TARGET / RECORDING_STREAMS) /* series of a target in a row */

typedef struct Fleet
{
	Target *targets; /* in order of phase */
	Target **churn;	 /* those that are replaced, in turn */
	FleetLayout layout;
	int ntargets;
	int nlong;	 /* targets whose number is below this are there from the beginning */
	int nstable; /* targets with a number from this on are of the churn set */
	int first;	 /* scrape of the others */
	int interval_ms;
	int64_t start_ms;
	double churn_due; /* targets to be replaced: collects fractions */
	int churn_next;
	uint64_t series_made;
	int64_t last_ms; /* the newest sample */
} Fleet;

static int
by_phase(const void *a, const void *b)
{
	const Target *x = a;
	const Target *y = b;

	if (x->phase_ms != y->phase_ms)
		return x->phase_ms < y->phase_ms ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static int
targets_of(long series)
{
	return (int) ((series + FLEET_PER_TARGET - 1) / FLEET_PER_TARGET);
}

static void
make_fleet(Fleet *f)
{
	int n = 0;

	f->targets = calloc((size_t) f->ntargets, sizeof(Target));
	f->churn = calloc((size_t) (f->ntargets - f->nstable) + 1, sizeof(Target *));
	if (f->targets == NULL || f->churn == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	for (int i = 0; i < f->ntargets; i++)
		fleet_init_target(&f->targets[i], f->layout, (uint32_t) i, (uint32_t) f->interval_ms);
	qsort(f->targets, (size_t) f->ntargets, sizeof(Target), by_phase);
	for (int i = 0; i < f->ntargets; i++)
		if (f->targets[i].number >= (uint32_t) f->nstable)
			f->churn[n++] = &f->targets[i];
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

/* One TimeSeries message with one sample, as a field of a WriteRequest. */
static void
write_sample(RecordingWriter *w, unsigned stream, const Series *s, int64_t t)
{
	char sample[24];
	char *e = sample;
	char *start = recording_reserve(w, stream, s->label_len + 40u);
	char *p = start;

	*e++ = 0x09; /* Sample.value, a double */
	memcpy(e, &s->value, 8);
	e += 8;
	*e++ = 0x10; /* Sample.timestamp */
	e = put_varint(e, (uint64_t) t);

	*p++ = 0x0a; /* WriteRequest.timeseries */
	p = put_varint(p, s->label_len + 2u + (uint64_t) (e - sample));
	memcpy(p, s->labels, s->label_len);
	p += s->label_len;
	*p++ = 0x12; /* TimeSeries.samples */
	*p++ = (char) (e - sample);
	memcpy(p, sample, (size_t) (e - sample));
	p += e - sample;
	recording_add(w, stream, (size_t) (p - start), 1);
}

static void
replace_due(Fleet *f)
{
	int n = f->ntargets - f->nstable;

	f->churn_due += n * CHURN_PART * f->interval_ms / CHURN_MS;
	for (; f->churn_due >= 1; f->churn_due--)
	{
		fleet_replace_target(f->churn[f->churn_next], f->layout);
		f->churn_next = (f->churn_next + 1) % n;
		f->series_made += FLEET_PER_TARGET;
	}
}

static void
scrape(Fleet *f, RecordingWriter *w, int number)
{
	int64_t base = f->start_ms + (int64_t) number * f->interval_ms;

	if (number > f->first && f->ntargets > f->nstable)
		replace_due(f);
	for (int i = 0; i < f->ntargets; i++)
	{
		Target *t = &f->targets[i];
		int64_t at = base + t->phase_ms + fleet_jitter_ms(t);

		if (number < f->first && t->number >= (uint32_t) f->nlong)
			continue;
		fleet_scrape(t);
		if (at > f->last_ms)
			f->last_ms = at;
		for (int k = 0; k < FLEET_PER_TARGET; k++)
			write_sample(w, (unsigned) (k / RUN), &t->series[k], at);
	}
}

static void
report(const Fleet *f, const RecordingWriter *w)
{
	uint64_t text = 0;

	for (int i = 0; i < f->ntargets; i++)
		for (int k = 0; k < FLEET_PER_TARGET; k++)
			text += fleet_label_text_bytes(&f->targets[i].series[k]);
	fprintf(stderr, "samples %llu count\nprotobuf %llu bytes\nrecording %llu bytes\n",
			(unsigned long long) w->samples, (unsigned long long) w->raw_bytes,
			(unsigned long long) w->bytes);
	fprintf(stderr, "series %llu count\nlabels %.0f bytes\nlast %lld ms\n",
			(unsigned long long) f->series_made, (double) text / f->ntargets / FLEET_PER_TARGET,
			(long long) f->last_ms);
}

static void
usage(void)
{
	fprintf(stderr, "usage: gen [-s SERIES] [-l SERIES] [-f SCRAPE] [-c SERIES] [-i MS] [-t MS] "
					"[-m] (SCRAPES FILE)...\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	Fleet f = {.interval_ms = 15000, .start_ms = INT64_C(1767247200000)};
	long series = 20000;
	long from_start = -1;
	long churning = 0;
	int number = 0;
	int opt;

	while ((opt = getopt(argc, argv, "s:l:f:c:i:t:m")) != -1)
	{
		switch (opt)
		{
			case 's':
				series = atol(optarg);
				break;
			case 'l':
				from_start = atol(optarg);
				break;
			case 'f':
				f.first = atoi(optarg);
				break;
			case 'c':
				churning = atol(optarg);
				break;
			case 'i':
				f.interval_ms = atoi(optarg);
				break;
			case 't':
				f.start_ms = atoll(optarg);
				break;
			case 'm':
				f.layout = FLEET_COUNTER;
				break;
			default:
				usage();
		}
	}
	if (optind == argc || (argc - optind) % 2 || series < 0 || f.interval_ms <= 0)
		usage();
	f.nstable = targets_of(series);
	f.nlong = from_start < 0 ? f.nstable : targets_of(from_start);
	f.ntargets = f.nstable + targets_of(churning);
	make_fleet(&f);
	f.series_made = (uint64_t) f.ntargets * FLEET_PER_TARGET;
	for (int i = optind; i < argc; i += 2)
	{
		RecordingWriter w;

		recording_open(&w, argv[i + 1]);
		for (int end = number + atoi(argv[i]); number < end; number++)
			scrape(&f, &w, number);
		recording_close(&w);
		report(&f, &w);
	}
	return 0;
}
