/*
 * column_reference.h
 *    Columns read the slow way, a field after the other as docs/formats.md lists them: what the
 *    fast readers are compared with.  For well-formed columns only; running past the end is
 *    undefined.
 */
#ifndef MIMIR_TEST_COLUMN_REFERENCE_H
#define MIMIR_TEST_COLUMN_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* Each returns the number of samples; t or v is from mem_alloc. */
extern int reference_times(const uint8_t *p, size_t len, int64_t **t);
extern int reference_values(const uint8_t *p, size_t len, double **v);

#endif
