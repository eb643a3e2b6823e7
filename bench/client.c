/*
 * client.c
 *    A keep-alive HTTP connection.
 *
 * Just what measuring needs: a request is sent in one piece, the whole answer is read into one
 * growing buffer; bodies come with Content-Length or chunked.  A connection that broke is opened
 * again by the next request.
 *
 * Calls: init, then ask*, then close.  The answer's body is good until the next ask.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* client_now -- seconds of the monotonic clock. */
double
client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

void
client_init(Client *c, int port)
{
	memset(c, 0, sizeof(*c));
	c->port = port;
	c->fd = -1;
}

static void
disconnect(Client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->len = 0;
}

void
client_close(Client *c)
{
	disconnect(c);
	free(c->buf);
	c->buf = NULL;
	c->size = 0;
}

static bool
connect_to_server(Client *c)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t) c->port)};
	int one = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *) &addr, sizeof(addr)) == 0)
		return true;
	disconnect(c);
	return false;
}

static bool
send_all(int fd, struct iovec *iov, int n)
{
	while (n > 0)
	{
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t) n};
		ssize_t w = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		for (; n > 0 && (size_t) w >= iov->iov_len; iov++, n--)
			w -= (ssize_t) iov->iov_len;
		if (n > 0)
		{
			iov->iov_base = (char *) iov->iov_base + w;
			iov->iov_len -= (size_t) w;
		}
	}
	return true;
}

/* Receive more; the buffer keeps room for a zero byte behind. */
static bool
receive(Client *c)
{
	ssize_t n;

	if (c->size - c->len < 65536)
	{
		c->size = c->size * 2 + 131072;
		c->buf = realloc(c->buf, c->size);
		if (c->buf == NULL)
			return false;
	}
	do
		n = recv(c->fd, c->buf + c->len, c->size - c->len - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	c->len += (size_t) n;
	c->buf[c->len] = '\0';
	return true;
}

/*
 * Read chunks that begin at offset at, and move their contents together there.  False if the
 * connection broke.
 */
static bool
read_chunks(Client *c, size_t at)
{
	size_t next = at; /* where the next chunk's size stands */

	c->body_len = 0;
	for (;;)
	{
		size_t n;
		char *end;

		while (c->len == next || (end = memmem(c->buf + next, c->len - next, "\r\n", 2)) == NULL)
			if (!receive(c))
				return false;
		n = strtoul(c->buf + next, NULL, 16);
		next = (size_t) (end - c->buf) + 2;
		while (c->len < next + n + 2)
			if (!receive(c))
				return false;
		if (n == 0)
			return true;
		memmove(c->buf + at + c->body_len, c->buf + next, n);
		c->body_len += n;
		next += n + 2;
	}
}

static const char *
header(const char *head, const char *name)
{
	const char *p = strcasestr(head, name);

	return p == NULL ? NULL : p + strlen(name);
}

static bool
read_answer(Client *c)
{
	char *end;
	const char *value;
	size_t at;
	size_t n;

	while (c->len == 0 || (end = strstr(c->buf, "\r\n\r\n")) == NULL)
		if (!receive(c))
			return false;
	*end = '\0'; /* headers are looked for in the head only */
	at = (size_t) (end - c->buf) + 4;
	c->status = c->len > 12 ? atoi(c->buf + 9) : 0;
	value = header(c->buf, "\r\nretry-after:");
	c->retry_after = value ? atof(value) : 0;
	if ((value = header(c->buf, "\r\ntransfer-encoding:")) != NULL)
	{
		if (!read_chunks(c, at))
			return false;
	}
	else
	{
		value = header(c->buf, "\r\ncontent-length:");
		n = value ? strtoul(value, NULL, 10) : 0;
		while (c->len < at + n)
			if (!receive(c))
				return false;
		c->body_len = n;
	}
	c->body = c->buf + at;
	c->buf[at + c->body_len] = '\0';
	return true;
}

/*
 * client_ask -- send a request, wait for its answer.
 *
 * head is everything up to the empty line, with it.  Returns the status, or -1 when the server
 * cannot be reached or the connection broke; the next call connects again.
 */
int
client_ask(Client *c, const char *head, size_t head_len, const char *body, size_t body_len)
{
	struct iovec iov[2] = {{(void *) head, head_len}, {(void *) body, body_len}};

	c->status = -1;
	c->len = 0;
	if (c->fd < 0 && !connect_to_server(c))
		return -1;
	if (send_all(c->fd, iov, body_len > 0 ? 2 : 1) && read_answer(c))
		return c->status;
	disconnect(c);
	return -1;
}
