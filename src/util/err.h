/*
 * err.h
 *    Errors of the pure layers: a return value and a filled Err, never an exit.
 *
 * A function that can fail takes an Err * last and returns false (or NULL, or -1) after one
 * err_set().  The first error wins: err_set on an Err that already holds one does nothing.
 * util/errcodes.def lists all codes with SQLSTATE, HTTP status and Prometheus errorType.
 */
#ifndef MIMIR_UTIL_ERR_H
#define MIMIR_UTIL_ERR_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ErrCode
{
	ERR_NONE = 0,
#define ERRCODE(name, sqlstate, http, prom_type, description) ERR_##name,
#include "util/errcodes.def"
#undef ERRCODE
	ERR_NCODES
} ErrCode;

typedef struct Err
{
	ErrCode code; /* ERR_NONE: no error */
	int pos;	  /* byte offset in the input text, -1 if unknown */
	char *msg;	  /* from mem_alloc; NULL if no error */
} Err;

#define ERR_INIT                                                                                   \
	{                                                                                              \
		ERR_NONE, -1, NULL                                                                         \
	}

/* err_set -- fill e unless it holds an error already; always returns false. */
extern bool err_set(Err *e, ErrCode code, int pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

extern const char *err_code_name(ErrCode code); /* as in errcodes.def: "BAD_REQUEST" */
extern const char *err_sqlstate(ErrCode code);	/* five characters */
extern int err_http_status(ErrCode code);		/* 400, 422, ... */
extern const char *err_prom_type(ErrCode code); /* "bad_data", "execution", ... */

#endif
