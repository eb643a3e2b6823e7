/*
 * err.c
 *    Filling an Err; the list of codes.
 */
#include "util/err.h"

#include "util/mem.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct ErrInfo
{
	const char *name;
	const char *sqlstate;
	int http;
	const char *prom_type;
} ErrInfo;

static const ErrInfo infos[ERR_NCODES] = {
	[ERR_NONE] = {"none", "00000", 200, ""},
#define ERRCODE(name, sqlstate, http, prom_type, description)                                      \
	[ERR_##name] = {#name, sqlstate, http, prom_type},
#include "util/errcodes.def"
#undef ERRCODE
};

bool
err_set(Err *e, ErrCode code, int pos, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (e == NULL || e->code != ERR_NONE)
		return false;
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	e->msg = mem_alloc((size_t) n + 1);
	va_start(ap, fmt);
	vsnprintf(e->msg, (size_t) n + 1, fmt, ap);
	va_end(ap);
	e->code = code;
	e->pos = pos;
	return false;
}

const char *
err_code_name(ErrCode code)
{
	return infos[code].name;
}

const char *
err_sqlstate(ErrCode code)
{
	return infos[code].sqlstate;
}

int
err_http_status(ErrCode code)
{
	return infos[code].http;
}

const char *
err_prom_type(ErrCode code)
{
	return infos[code].prom_type;
}
