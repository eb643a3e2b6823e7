/*
 * load.h
 *    What `load` puts into the store.
 */
#ifndef MIMIR_TEST_PROMQLTEST_LOAD_H
#define MIMIR_TEST_PROMQLTEST_LOAD_H

#include "mem_source.h"
#include "promqltest/script.h"

/* promqltest_load -- false: a sample is not newer than what its series holds. */
extern bool promqltest_load(MemSource *ms, const ScriptLoad *load, Err *err);

#endif
