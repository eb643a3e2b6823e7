/*
 * gateway_watch.c
 *    Connections whose request is queued or running: libmicrohttpd does not look at them.
 *
 * So their sockets stand in an epoll set of ours that tells when the client goes away; then a
 * query is cancelled.  A client that only shut its sending side down may still read: it gets the
 * answer of a push and of a cheap request; a query is cancelled, as Prometheus does.
 */
#include "postgres.h"

#include "worker/gateway_int.h"

#include <sys/epoll.h>

static int watch_fd = -1;

int
gateway_watch_init(void)
{
	watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch_fd < 0)
		ereport(FATAL, (errcode_for_socket_access(), errmsg("could not create an epoll set: %m")));
	return watch_fd;
}

void
gateway_unwatch(Exchange *x)
{
	if (x->watched)
		epoll_ctl(watch_fd, EPOLL_CTL_DEL, x->client->fd, NULL);
	x->watched = false;
}

void
gateway_suspend(Exchange *x)
{
	struct epoll_event ev = {.events = EPOLLRDHUP, .data.ptr = x}; /* and always HUP and ERR */

	Assert(!x->suspended);
	MHD_suspend_connection(x->mhd);
	x->suspended = true;
	x->watched = epoll_ctl(watch_fd, EPOLL_CTL_ADD, x->client->fd, &ev) == 0;
}

void
gateway_resume(Exchange *x)
{
	if (!x->suspended)
		return;
	gateway_unwatch(x);
	x->suspended = false;
	MHD_resume_connection(x->mhd);
}

static void
client_left(Exchange *x, bool may_read)
{
	if (may_read && x->pool != HTTP_POOL_QUERY)
	{
		gateway_unwatch(x);
		return;
	}
	if (x->state == EXCHANGE_QUEUED)
	{
		gateway_dequeue(x);
		gateway_refuse(x, 499, "the client went away\n");
	}
	else
	{
		gateway_cancel(x);
		x->broken = true;
		/* without a head to send, the worker's answer will end it */
		if (x->reply_headers == NULL)
		{
			gateway_unwatch(x);
			return;
		}
	}
	/* libmicrohttpd meets the closed socket and completes the request */
	gateway_resume(x);
}

void
gateway_look_at_watched(void)
{
	struct epoll_event events[64];
	int n = epoll_wait(watch_fd, events, lengthof(events), 0);

	for (int i = 0; i < n; i++)
		client_left(events[i].data.ptr, (events[i].events & (EPOLLHUP | EPOLLERR)) == 0);
}
