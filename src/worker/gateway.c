/*
 * gateway.c
 *    The process that owns client sockets: libmicrohttpd driven by our own event loop.
 *
 * A turn of the loop: look what workers have sent, which clients went away, what sockets bring.
 * It never blocks but in the one wait, runs no SQL, and knows of other processes only what stands
 * in the slots (queue.h).  A request that needs no worker to be refused is refused here.
 *
 *    gateway_client.c    connections and requests, as libmicrohttpd tells of them
 *    gateway_watch.c     connections that it does not look at while a worker has their request
 *    gateway_dispatch.c  waiting requests, workers, replies
 *    gateway_bytes.c     memory
 */
#include "postgres.h"

#include "worker/gateway_int.h"

#include "pg/export.h"
#include "pg/guc.h"
#include "pg/stats.h"
#include "pg/wait_event.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN_MAX 16
#define TICK_MS	   1000
#define PEM_MAX	   (1024 * 1024) /* bytes of a certificate or key file */

MIMIR_WORKER(mimir_gateway_main);

static struct MHD_Daemon *daemons[LISTEN_MAX];
static int ndaemons;

static void
on_panic(void *cls, const char *file, unsigned line, const char *reason)
{
	ereport(FATAL, (errmsg_internal("libmicrohttpd: %s", reason ? reason : "internal error")));
}

/* A certificate or key as text; NULL if the setting is empty. */
static char *
read_pem(const char *path)
{
	FILE *file;
	char *text;
	size_t len;

	if (path[0] == '\0')
		return NULL;
	file = AllocateFile(path, "r");
	if (file == NULL)
		ereport(FATAL, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
	text = MemoryContextAlloc(TopMemoryContext, PEM_MAX + 1);
	len = fread(text, 1, PEM_MAX, file);
	FreeFile(file);
	text[len] = '\0';
	return text;
}

static void
listen_on(const char *host, const char *cert, const char *key)
{
	struct addrinfo hint = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found;
	char port[16];
	int rc;

	snprintf(port, sizeof(port), "%d", mimir_http_port);
	rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hint, &found);
	if (rc != 0)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not translate \"%s\" of \"mimir.http_listen\" to an address: %s",
						host, gai_strerror(rc))));
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
	{
		if (ndaemons == LISTEN_MAX)
			ereport(FATAL,
					(errcode(ERRCODE_CONFIG_FILE_ERROR),
					 errmsg("\"mimir.http_listen\" names more than %d addresses", LISTEN_MAX)));
		daemons[ndaemons] = gateway_listen(a->ai_addr, cert, key);
		if (daemons[ndaemons] == NULL)
			ereport(FATAL, (errcode_for_socket_access(),
							errmsg("could not listen for HTTP on \"%s\", port %d: %m", host,
								   mimir_http_port)));
		ndaemons++;
	}
	freeaddrinfo(found);
}

static void
listen_on_all(void)
{
	char *cert = read_pem(mimir_http_tls_cert_file);
	char *key = read_pem(mimir_http_tls_key_file);
	char *rest = NULL;

	if ((cert == NULL) != (key == NULL))
		ereport(FATAL, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("only one of \"mimir.http_tls_cert_file\" and "
							   "\"mimir.http_tls_key_file\" is set")));
	for (char *host = strtok_r(pstrdup(mimir_http_listen), ", ", &rest); host != NULL;
		 host = strtok_r(NULL, ", ", &rest))
		listen_on(host, cert, key);
}

/* Every client is a descriptor. */
static void
raise_file_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max)
	{
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static WaitEventSet *
what_to_wait_for(void)
{
	WaitEventSet *set = CreateWaitEventSet(TopMemoryContext, 3 + LISTEN_MAX);

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, gateway_watch_init(), NULL, NULL);
	for (int i = 0; i < ndaemons; i++)
		AddWaitEventToSet(set, WL_SOCKET_READABLE,
						  MHD_get_daemon_info(daemons[i], MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, NULL,
						  NULL);
	return set;
}

static long
wait_ms(int64 next_tick)
{
	int64 wait = Max(next_tick - gateway_now_ms(), 0);

	for (int i = 0; i < ndaemons; i++)
	{
		MHD_UNSIGNED_LONG_LONG wanted;

		if (MHD_get_timeout(daemons[i], &wanted) == MHD_YES && wanted < (uint64) wait)
			wait = wanted;
	}
	return wait;
}

void
mimir_gateway_main(Datum arg)
{
	WaitEventSet *set;
	WaitEvent event;
	int64 next_tick = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGPIPE, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	raise_file_limit();
	MHD_set_panic_func(on_panic, NULL);
	stats_set(STAT_HTTP_CONNECTIONS, 0);

	gateway_dispatch_init();
	listen_on_all();
	set = what_to_wait_for();
	http_queue->gateway_latch = MyLatch;
	pg_atomic_fetch_add_u32(&http_queue->gateway_epoch, 1);
	for (int i = 0; i < http_queue->nslots; i++)
		queue_wake_worker(&http_queue->slots[i]);

	while (!ShutdownRequestPending)
	{
		WaitEventSetWait(set, wait_ms(next_tick), &event, 1, mimir_wait_event(MIMIR_WAIT_GATEWAY));
		ResetLatch(MyLatch);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		gateway_look_at_workers();
		gateway_look_at_watched();
		for (int i = 0; i < ndaemons; i++)
			MHD_run(daemons[i]);
		if (gateway_now_ms() >= next_tick)
		{
			gateway_close_overdue();
			next_tick = gateway_now_ms() + TICK_MS;
		}
	}
	proc_exit(1); /* 0 would tell the postmaster not to start another */
}
