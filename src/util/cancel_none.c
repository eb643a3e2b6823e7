/*
 * cancel_none.c
 *    cancel_poll for unit tests: nothing interrupts them.
 */
#include "util/cancel.h"

void
cancel_poll(void)
{
}
