/*
 * cancel_none.c
 *    util/cancel.h where nobody can cancel: unit tests and fuzzers.
 */
#include "util/cancel.h"

void
cancel_poll(void)
{
}
