/*
 * deadline.c
 *    When the request that a background worker serves has to be done.
 *
 * A timer of our own beside statement_timeout: that one is PostgreSQL's, which ends it with the
 * statements of a session, and a background worker has none.  When the time is up the running query is
 * cancelled like by a user; deadline_has_passed() tells why.
 *
 * Calls: init, then for each request start, lower at any time, stop.
 */
#include "postgres.h"

#include "pg/deadline.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

static TimeoutId timer;
static int64 limit_ms; /* of the request, from when it was set; 0: none */
static volatile sig_atomic_t passed;

static void
handle_timeout(void)
{
	passed = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

void
deadline_init(void)
{
	timer = RegisterTimeout(USER_TIMEOUT, handle_timeout);
}

static void
set(int64 ms)
{
	limit_ms = ms;
	enable_timeout_after(timer, (int) Min(ms, PG_INT32_MAX));
}

/* deadline_start -- a request begins, which may take ms milliseconds; 0: any time. */
void
deadline_start(int64 ms)
{
	passed = false;
	limit_ms = 0;
	if (ms > 0)
		set(ms);
}

/* deadline_lower -- the request wants to take no longer than ms milliseconds from now; at least one. */
void
deadline_lower(int64 ms)
{
	if (limit_ms == 0 || ms < limit_ms)
		set(Max(ms, 1));
}

/* deadline_stop -- a cancel that is pending already is the caller's business. */
void
deadline_stop(void)
{
	disable_timeout(timer, false);
}

/* deadline_has_passed -- of the request that was started last. */
bool
deadline_has_passed(void)
{
	return passed;
}
