/*
 * deadline.h
 *    When the request that a background worker serves has to be done.
 */
#ifndef MIMIR_PG_DEADLINE_H
#define MIMIR_PG_DEADLINE_H

#include "postgres.h"

extern void deadline_init(void); /* once a process */
extern void deadline_start(int64 ms);
extern void deadline_lower(int64 ms);
extern void deadline_stop(void);
extern bool deadline_has_passed(void);

#endif
