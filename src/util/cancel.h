/*
 * cancel.h
 *    Where a long loop of the pure layers lets itself be interrupted.
 *
 * In the server cancel_poll() is CHECK_FOR_INTERRUPTS() and may not return (the query was
 * cancelled or timed out); in unit tests it does nothing.  Call it at least once per series
 * and once per 10,000 samples or steps.
 */
#ifndef MIMIR_UTIL_CANCEL_H
#define MIMIR_UTIL_CANCEL_H

#include <stdint.h>

extern void cancel_poll(void);

/* cancel_poll_at -- for iteration i of a loop: polls now and then. */
static inline void
cancel_poll_at(int64_t i)
{
	if ((i & 0x3FFF) == 0)
		cancel_poll();
}

#endif
