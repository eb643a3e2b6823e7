/*
 * session.c
 *    Settings of the workers' sessions.
 *
 * The configuration and ALTER DATABASE set defaults for people's sessions.  Some of them would
 * change what a worker does or hold it up: they are overridden, and no reload brings them back.
 */
#include "postgres.h"

#include "worker/session.h"

#include "pg/guc.h"

#include "postmaster/bgworker.h"
#include "utils/guc.h"

typedef struct SessionSetting
{
	const char *name;
	const char *value;
} SessionSetting;

/* Workers run with the owner's rights, so nobody else's objects may be found first. */
static const SessionSetting everywhere[] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_deferrable", "off"},
	{"statement_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"transaction_timeout", "0"}, /* since 17 */
	{NULL, NULL},
};

/* A push that waits keeps its generation from being flushed, and its sender waits too. */
static const SessionSetting of_push[] = {{"lock_timeout", "5s"}, {NULL, NULL}};

/*
 * The flusher works in a read-only server too: blocks are smaller than the log that they replace.
 * It gives up on a lock before all waits for it, mimir.flush() for one, whose caller may hold it.
 */
static const SessionSetting of_flusher[] = {
	{"default_transaction_read_only", "off"}, {"lock_timeout", "30s"}, {NULL, NULL}};

static const SessionSetting of_query[] = {{"lock_timeout", "0"}, {NULL, NULL}};

static void
apply(const SessionSetting *s)
{
	for (; s->name != NULL; s++)
		if (GetConfigOption(s->name, true, false) != NULL)
			SetConfigOption(s->name, s->value, PGC_SUSET, PGC_S_OVERRIDE);
}

void
worker_connect(WorkerKind kind)
{
	BackgroundWorkerInitializeConnection(mimir_database, NULL, 0);
	apply(everywhere);
	apply(kind == WORKER_PUSH ? of_push : kind == WORKER_FLUSHER ? of_flusher : of_query);
}
