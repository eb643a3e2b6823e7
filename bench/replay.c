/*
 * replay.c
 *    Send a recording: one keep-alive connection and one thread for each of its streams.
 *
 *    replay [-r SAMPLES_PER_SECOND] [-g SECONDS] PORT PATH RECORDING      to 127.0.0.1
 *
 *    -r   send each request when it is due at this rate, in the recording's order (else each
 *         connection sends as soon as its last request is answered)
 *    -g   give up when one request has been refused for so long            (60)
 *
 * No connection runs far ahead of another in the recording: at most AHEAD samples, so that what arrives
 * together was scraped within a short time, as receivers expect it.
 *
 * The recording is mapped, its bodies are compressed already: the loader costs next to nothing.
 * Refusals that ask for it (429, 5xx) and broken connections are tried again, after Retry-After or 100 ms
 * doubling to 5 s; other statuses are failures.  Latency is that of the whole request, retries and
 * their pauses with it.  At a rate, lag says how late requests were sent at worst.
 *
 * Prints a line "figure number unit" for each figure.  Fails unless every sample was stored.
 */
#include "client.h"
#include "recording.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define AHEAD (4 * RECORDING_STREAMS * RECORDING_PER_REQUEST) /* samples */

typedef struct Frame
{
	const char *body;
	uint64_t before; /* samples in the recording before this frame */
	uint32_t length;
	uint16_t samples;
} Frame;

typedef struct Stream
{
	pthread_t thread;
	Frame *frames;
	size_t n;
	size_t size;
	float *latency; /* seconds, of each request answered */
	size_t nlatency;
	uint64_t stored; /* samples */
	uint64_t failed; /* requests */
	uint64_t retries;
	double lag;		   /* seconds, the most */
	uint64_t position; /* in the recording, of the frame under way; under progress_lock */
} Stream;

static Stream streams[RECORDING_STREAMS];
static int port;
static const char *path;
static double rate; /* samples per second; 0: no limit */
static double give_up = 60;
static double started;
static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
static atomic_int complaints;
static atomic_bool gave_up;

static void
map_recording(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY);
	const char *p;
	const char *end;
	uint64_t samples = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0 ||
		(p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
	{
		perror(name);
		exit(2);
	}
	close(fd);
	for (end = p + st.st_size; p < end;)
	{
		FrameHead head;
		Stream *s;

		memcpy(&head, p, sizeof(head));
		p += sizeof(head);
		if (head.stream >= RECORDING_STREAMS || head.length > (size_t) (end - p))
		{
			fprintf(stderr, "%s is no recording\n", name);
			exit(2);
		}
		s = &streams[head.stream];
		if (s->n == s->size)
		{
			s->size = s->size * 2 + 256;
			s->frames = realloc(s->frames, s->size * sizeof(Frame));
		}
		s->frames[s->n++] = (Frame){p, samples, head.length, head.samples};
		samples += head.samples;
		p += head.length;
	}
}

/* The stream is going to send what stands there: wait until no other is too far behind. */
static void
wait_for_others(Stream *s, uint64_t position)
{
	bool wait = true;

	pthread_mutex_lock(&progress_lock);
	s->position = position;
	pthread_cond_broadcast(&progress);
	while (wait && position != UINT64_MAX)
	{
		wait = false;
		for (int i = 0; i < RECORDING_STREAMS; i++)
			wait |= streams[i].position < position && position - streams[i].position > AHEAD;
		if (wait)
			pthread_cond_wait(&progress, &progress_lock);
	}
	pthread_mutex_unlock(&progress_lock);
}

static void
sleep_until(double when)
{
	double wait = when - client_now();

	if (wait > 0)
		usleep((useconds_t) (wait * 1e6));
}

/* Send until it is stored, refused for good, or refused for too long. */
static int
send_frame(Client *c, Stream *s, const Frame *f, double due)
{
	char head[512];
	int n = snprintf(head, sizeof(head),
					 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: snappy\r\n"
					 "Content-Type: application/x-protobuf\r\nUser-Agent: replay\r\n"
					 "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: %u\r\n\r\n",
					 path, f->length);
	double pause = 0.1;

	for (;;)
	{
		int status = client_ask(c, head, (size_t) n, f->body, f->length);

		if (status >= 200 && status != 429 && status < 500)
			return status;
		if (client_now() - due > give_up)
		{
			gave_up = true;
			return status;
		}
		s->retries++;
		usleep((useconds_t) ((c->retry_after > 0 && status > 0 ? c->retry_after : pause) * 1e6));
		pause = pause * 2 > 5 ? 5 : pause * 2;
	}
}

static void *
run_stream(void *arg)
{
	Stream *s = arg;
	Client c;

	client_init(&c, port);
	s->latency = malloc(sizeof(float) * (s->n + 1));
	for (size_t i = 0; i < s->n && !gave_up; i++)
	{
		const Frame *f = &s->frames[i];
		double begin;
		int status;

		wait_for_others(s, f->before);
		if (rate > 0)
		{
			double due = started + (double) f->before / rate;

			sleep_until(due);
			if (client_now() - due > s->lag)
				s->lag = client_now() - due;
		}
		begin = client_now();
		status = send_frame(&c, s, f, begin);
		s->latency[s->nlatency++] = (float) (client_now() - begin);
		if (status >= 200 && status <= 299)
			s->stored += f->samples;
		else
		{
			s->failed++;
			if (complaints++ < 3)
				fprintf(stderr, "request %zu of a stream: status %d: %.300s\n", i, status,
						status > 0 ? c.body : "");
		}
	}
	wait_for_others(s, UINT64_MAX);
	client_close(&c);
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *) a;
	float y = *(const float *) b;

	return (x > y) - (x < y);
}

/* Print the figures; true if all was stored. */
static bool
report(double seconds)
{
	Stream sum = {0};
	uint64_t samples = 0;
	size_t n = 0;
	struct rusage use;

	for (int i = 0; i < RECORDING_STREAMS; i++)
		n += streams[i].nlatency;
	sum.latency = malloc(sizeof(float) * (n + 1));
	for (int i = 0; i < RECORDING_STREAMS; i++)
	{
		const Stream *s = &streams[i];

		memcpy(sum.latency + sum.nlatency, s->latency, sizeof(float) * s->nlatency);
		sum.nlatency += s->nlatency;
		sum.stored += s->stored;
		sum.failed += s->failed;
		sum.retries += s->retries;
		sum.n += s->n;
		sum.lag = s->lag > sum.lag ? s->lag : sum.lag;
		for (size_t k = 0; k < s->n; k++)
			samples += s->frames[k].samples;
	}
	qsort(sum.latency, n, sizeof(float), by_value);
	getrusage(RUSAGE_SELF, &use);
	printf("requests %zu count\nstored %llu samples\nfailed %llu requests\nretries %llu count\n",
		   sum.n, (unsigned long long) sum.stored, (unsigned long long) sum.failed,
		   (unsigned long long) sum.retries);
	printf("seconds %.3f s\nspeed %.0f samples/s\n", seconds, (double) sum.stored / seconds);
	if (n > 0)
		printf("request_p50 %.2f ms\nrequest_p99 %.2f ms\nrequest_max %.2f ms\n",
			   sum.latency[n / 2] * 1e3, sum.latency[n * 99 / 100] * 1e3, sum.latency[n - 1] * 1e3);
	if (rate > 0)
		printf("lag %.1f ms\n", sum.lag * 1e3);
	printf("loader_cpu %.2f s\n", (double) (use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
									  (double) (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	return sum.stored == samples;
}

int
main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "r:g:")) != -1)
	{
		if (opt == 'r')
			rate = atof(optarg);
		else if (opt == 'g')
			give_up = atof(optarg);
		else
			optind = argc;
	}
	if (argc - optind != 3)
	{
		fprintf(stderr, "usage: replay [-r SAMPLES_PER_SECOND] [-g SECONDS] PORT PATH RECORDING\n");
		return 2;
	}
	port = atoi(argv[optind]);
	path = argv[optind + 1];
	map_recording(argv[optind + 2]);
	started = client_now();
	for (int i = 0; i < RECORDING_STREAMS; i++)
		pthread_create(&streams[i].thread, NULL, run_stream, &streams[i]);
	for (int i = 0; i < RECORDING_STREAMS; i++)
		pthread_join(streams[i].thread, NULL);
	return report(client_now() - started) ? 0 : 1;
}
