/*
 * err.c
 *    Filling an Err, and the views of util/errcodes.def.
 */
#include "util/err.h"

#include "util/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct ErrInfo
{
	const char *name;
	const char *sqlstate;
	const char *prom_type;
	int http_status;
} ErrInfo;

static const ErrInfo err_info[ERR_NCODES] = {
	[ERR_NONE] = {"none", "00000", "", 200},
#define ERRCODE(name, sqlstate, http, prom_type, description)                                      \
	[ERR_##name] = {#name, sqlstate, prom_type, http},
#include "util/errcodes.def"
#undef ERRCODE
};

/*
 * err_set -- note an error in e and return false.
 *
 * The first error wins: a caller that adds context on the way up changes nothing.  e may be
 * NULL if the caller asks only whether something fails.  The text is from mem_alloc.
 */
bool
err_set(Err *e, ErrCode code, int pos, const char *fmt, ...)
{
	va_list ap;
	int len;

	assert(code > ERR_NONE && code < ERR_NCODES);
	if (e == NULL || e->code != ERR_NONE)
		return false;
	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(len >= 0);
	e->msg = mem_alloc((size_t) len + 1);
	va_start(ap, fmt);
	vsnprintf(e->msg, (size_t) len + 1, fmt, ap);
	va_end(ap);
	e->code = code;
	e->pos = pos;
	return false;
}

static const ErrInfo *
info_of(ErrCode code)
{
	assert(code >= ERR_NONE && code < ERR_NCODES);
	return &err_info[code];
}

/* err_code_name -- the name as it stands in errcodes.def, for logs and tests. */
const char *
err_code_name(ErrCode code)
{
	return info_of(code)->name;
}

const char *
err_sqlstate(ErrCode code)
{
	return info_of(code)->sqlstate;
}

int
err_http_status(ErrCode code)
{
	return info_of(code)->http_status;
}

const char *
err_prom_type(ErrCode code)
{
	return info_of(code)->prom_type;
}
