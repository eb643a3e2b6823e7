/*
 * params.c
 *    Parameters of the query API, with Prometheus' messages.
 */
#include "api/handlers.h"

#include "promql/promql.h"
#include "store/select.h"
#include "util/text.h"

#include <math.h>

const char *
api_param(ApiCall *call, const char *name)
{
	const char *v = http_param(call->params, call->nparams, name);

	return v && v[0] ? v : NULL;
}

bool
api_time_param(ApiCall *call, const char *name, int64 def, bool required, int64 *ms)
{
	const char *v = api_param(call, name);

	*ms = def;
	if (v == NULL && !required)
		return true;
	if (v != NULL && text_parse_time_ms(v, strlen(v), ms))
		return true;
	if (required)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"%s\": cannot parse \"%s\" to a valid timestamp", name,
					   v ? v : "");
	return err_set(
		&call->err, ERR_BAD_REQUEST, -1,
		"invalid parameter \"%s\": invalid time value for '%s': cannot parse \"%s\" to a "
		"valid timestamp",
		name, name, v);
}

/* Float seconds or a Prometheus duration. */
bool
api_duration_param(ApiCall *call, const char *name, int64 *ms)
{
	const char *v = http_param(call->params, call->nparams, name);
	double seconds;
	Err ignored = ERR_INIT;

	if (v == NULL)
		v = "";
	if (text_parse_double(v, strlen(v), &seconds))
	{
		if (!(fabs(seconds) < 9.2e9))
			return err_set(&call->err, ERR_BAD_REQUEST, -1,
						   "invalid parameter \"%s\": cannot parse \"%s\" to a valid duration. It "
						   "overflows int64",
						   name, v);
		*ms = (int64) (seconds * 1000);
		return true;
	}
	if (text_parse_duration_ms(v, strlen(v), ms, &ignored))
		return true;
	return err_set(&call->err, ERR_BAD_REQUEST, -1,
				   "invalid parameter \"%s\": cannot parse \"%s\" to a valid duration", name, v);
}

bool
api_limit_param(ApiCall *call, const char *name, int64 *limit)
{
	const char *v = api_param(call, name);
	char *end;

	*limit = 0;
	if (v == NULL)
		return true;
	errno = 0;
	*limit = strtoll(v, &end, 10);
	if (*end != '\0' || errno != 0 || *v == ' ')
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"%s\": strconv.Atoi: parsing \"%s\": %s", name, v,
					   errno == ERANGE ? "value out of range" : "invalid syntax");
	if (*limit < 0)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"%s\": limit must be non-negative", name);
	return true;
}

bool
api_matcher_params(ApiCall *call, StoreMatcherSet **sets, int *n)
{
	*sets = palloc(sizeof(StoreMatcherSet) * (call->nparams + 1));
	*n = 0;
	for (int i = 0; i < call->nparams; i++)
	{
		Matcher *m;
		int nm;
		bool any = false;
		Err err = ERR_INIT;
		const char *text = call->params[i].value;

		if (strcmp(call->params[i].name, "match[]") != 0)
			continue;
		if (!promql_parse_selector(text, strlen(text), &m, &nm, &err))
			return err_set(&call->err, ERR_BAD_REQUEST, -1, "invalid parameter \"match[]\": %s",
						   err.msg);
		for (int k = 0; k < nm; k++)
			any |= !matcher_matches_empty(&m[k]);
		if (!any)
			return err_set(&call->err, ERR_BAD_REQUEST, -1,
						   "invalid parameter \"match[]\": match[] must contain at least one "
						   "non-empty matcher");
		(*sets)[*n].m = m;
		(*sets)[(*n)++].n = nm;
	}
	return true;
}
