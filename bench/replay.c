/*
 * replay.c
 *    Send a recording of remote-write requests over one keep-alive connection.
 *
 *    replay PORT PATH [PAUSE_MS] < RECORDING       on 127.0.0.1
 *
 * The recording is a sequence of a little-endian u32 length and an uncompressed WriteRequest.  All
 * requests are compressed before the clock starts, so the loader costs next to nothing while it
 * runs.  Prints requests, failures, seconds and the slowest request.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <snappy-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct Request
{
	char *bytes; /* header and body */
	size_t len;
} Request;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static Request
pack(const char *path, const char *body, size_t len)
{
	size_t n = snappy_max_compressed_length(len);
	Request r;
	char head[512];
	int h;
	char *out = malloc(n);

	snappy_compress(body, len, out, &n);
	h = snprintf(head, sizeof(head),
				 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: snappy\r\n"
				 "Content-Type: application/x-protobuf\r\n"
				 "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: %zu\r\n\r\n",
				 path, n);
	r.len = (size_t) h + n;
	r.bytes = malloc(r.len);
	memcpy(r.bytes, head, (size_t) h);
	memcpy(r.bytes + h, out, n);
	free(out);
	return r;
}

/* Read one response; returns its status. */
static int
read_response(int fd)
{
	char buf[65536];
	size_t n = 0;

	for (;;)
	{
		ssize_t got = read(fd, buf + n, sizeof(buf) - 1 - n);
		char *end;
		char *cl;
		size_t body = 0;

		if (got <= 0)
			return -1;
		n += (size_t) got;
		buf[n] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end == NULL)
			continue;
		cl = strcasestr(buf, "content-length:");
		if (cl != NULL && cl < end)
			body = strtoul(cl + 15, NULL, 10);
		if ((size_t) (end + 4 - buf) + body <= n)
			return atoi(buf + 9);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	Request *reqs = NULL;
	size_t n = 0;
	size_t stored = 0;
	uint32_t len;
	int failed = 0;
	int one = 1;
	int fd;
	double t0;
	double worst = 0;

	if (argc != 3 && argc != 4)
	{
		fprintf(stderr, "usage: replay PORT PATH [PAUSE_MS] < RECORDING\n");
		return 2;
	}
	while (fread(&len, sizeof(len), 1, stdin) == 1)
	{
		char *body = malloc(len);

		if (fread(body, 1, len, stdin) != len)
			break;
		reqs = realloc(reqs, sizeof(Request) * (n + 1));
		reqs[n++] = pack(argv[2], body, len);
		free(body);
	}
	addr.sin_port = htons((uint16_t) atoi(argv[1]));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) != 0)
	{
		perror("connect");
		return 1;
	}
	t0 = now();
	for (size_t i = 0; i < n; i++)
	{
		double sent = now();
		size_t done = 0;
		int status;

		while (done < reqs[i].len)
		{
			ssize_t w = write(fd, reqs[i].bytes + done, reqs[i].len - done);

			if (w <= 0)
				break;
			done += (size_t) w;
		}
		status = done < reqs[i].len ? -1 : read_response(fd);
		stored += status >= 200 && status <= 299;
		if (status < 200 || status > 299)
		{
			if (failed++ < 3)
				fprintf(stderr, "request %zu: status %d\n", i, status);
			if (status < 0)
				break;
		}
		if (now() - sent > worst)
			worst = now() - sent;
		if (argc == 4)
			usleep((useconds_t) atoi(argv[3]) * 1000);
	}
	printf("%zu requests, %zu stored, %d failed, %.3f s, slowest %.1f ms\n", n, stored, failed,
		   now() - t0, worst * 1e3);
	return failed != 0;
}
