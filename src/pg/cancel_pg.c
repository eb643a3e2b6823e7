/*
 * cancel_pg.c
 *    util/cancel.h in the server.
 */
#include "postgres.h"

#include "util/cancel.h"

#include "miscadmin.h"

void
cancel_poll(void)
{
	CHECK_FOR_INTERRUPTS();
}
