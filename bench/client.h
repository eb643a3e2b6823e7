/*
 * client.h
 *    A keep-alive HTTP connection to 127.0.0.1, blocking, for one thread.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stddef.h>

typedef struct Client
{
	int port;
	int fd; /* -1: not connected */
	char *buf;
	size_t size;
	size_t len; /* received and not consumed */

	/* of the last answer */
	int status;
	double retry_after; /* seconds; 0 if the header is not there */
	const char *body;	/* in buf; ends with a zero byte */
	size_t body_len;
} Client;

extern void client_init(Client *c, int port);
extern int client_ask(Client *c, const char *head, size_t head_len, const char *body,
					  size_t body_len);
extern void client_close(Client *c);
extern double client_now(void);

#endif
