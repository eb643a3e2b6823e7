/*
 * regex_trim.c
 *    Trims the cache of regular expressions at the end of each transaction.
 *
 * Matchers point into the cache, so nothing may leave it while a query runs; at the end of the
 * transaction none does.  Workers run every request as a transaction, so this serves them too.
 */
#include "postgres.h"

#include "query/regex_trim.h"

#include "model/regex.h"

#include "access/xact.h"

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		regex_cache_trim();
}

void
regex_trim_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}
