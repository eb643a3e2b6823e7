/*
 * regex_trim.h
 *    When a process's cache of regular expressions is brought back to its bound.
 */
#ifndef MIMIR_QUERY_REGEX_TRIM_H
#define MIMIR_QUERY_REGEX_TRIM_H

extern void regex_trim_init(void); /* from _PG_init */

#endif
