/*
 * export.h
 *    What the library exports: SQL functions and worker entry points, nothing else.
 *
 * The library is built with -fvisibility=hidden.  Before 16 the stock PG_FUNCTION_INFO_V1 leaves
 * the function itself hidden and PG_MODULE_MAGIC its function, so all are declared here with
 * default visibility.
 */
#ifndef MIMIR_PG_EXPORT_H
#define MIMIR_PG_EXPORT_H

#include "postgres.h"

#include "fmgr.h"

#define MIMIR_EXPORT __attribute__((visibility("default")))

#define MIMIR_MODULE                                                                               \
	extern MIMIR_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void);                       \
	extern MIMIR_EXPORT void _PG_init(void);                                                       \
	PG_MODULE_MAGIC

#define MIMIR_FUNCTION(name)                                                                       \
	extern MIMIR_EXPORT Datum name(PG_FUNCTION_ARGS);                                              \
	extern MIMIR_EXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name)(void);                   \
	const Pg_finfo_record *CppConcat(pg_finfo_, name)(void)                                        \
	{                                                                                              \
		static const Pg_finfo_record my_finfo = {1};                                               \
		return &my_finfo;                                                                          \
	}                                                                                              \
	extern int no_such_variable

#define MIMIR_WORKER(name) extern MIMIR_EXPORT pg_noreturn_compat void name(Datum arg)
#define pg_noreturn_compat __attribute__((noreturn))

#endif
