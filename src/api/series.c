/*
 * series.c
 *    /labels, /label/NAME/values, /series: listings over the request's tenants.
 *
 * With more than one tenant each series carries __tenant_id__ (Mimir's tenant federation).
 */
#include "api/handlers.h"

#include "pg/time.h"
#include "store/select.h"
#include "util/text.h"

#include "miscadmin.h"

typedef struct Texts
{
	StrView *items;
	int n;
	int cap;
} Texts;

static void
add_texts(Texts *t, const StrView *items, int n)
{
	if (t->n + n > t->cap)
	{
		t->cap = Max(t->cap * 2, t->n + n);
		t->items = t->items ? repalloc_huge(t->items, sizeof(StrView) * t->cap)
							: palloc(sizeof(StrView) * t->cap);
	}
	memcpy(t->items + t->n, items, sizeof(StrView) * n);
	t->n += n;
}

static int
cmp_text(const void *a, const void *b)
{
	return strview_cmp(*(const StrView *) a, *(const StrView *) b);
}

typedef struct Range
{
	StoreMatcherSet *sets;
	int nsets;
	int64 mint, maxt;
	int64 limit;
} Range;

static bool
range_params(ApiCall *call, Range *r)
{
	if (!api_limit_param(call, "limit", &r->limit) ||
		!api_time_param(call, "start", PG_INT64_MIN, false, &r->mint) ||
		!api_time_param(call, "end", PG_INT64_MAX, false, &r->maxt))
		return false;
	if (r->maxt < r->mint)
		return err_set(&call->err, ERR_BAD_REQUEST, -1,
					   "invalid parameter \"end\": end timestamp must not be before start time");
	return api_matcher_params(call, &r->sets, &r->nsets);
}

/*
 * The sets as they apply to one tenant: matchers on __tenant_id__ choose tenants and are taken
 * out.  Returns the number of sets that remain; a set without matchers lists everything.
 */
static int
sets_for_tenant(ApiCall *call, const Range *r, const Tenant *tenant, StoreMatcherSet *out)
{
	int n = 0;

	for (int i = 0; i < r->nsets; i++)
		if (api_matchers_of_tenant(call, tenant, r->sets[i].m, r->sets[i].n, &out[n]))
			n++;
	return n;
}

static bool
write_texts(ApiCall *call, Texts *t, int64 limit)
{
	Buf b;
	int n = 0;
	StrView last = {NULL, 0};
	bool truncated = false;
	static const char head[] = "{\"status\":\"success\",\"data\":[";

	if (t->n > 1)
		qsort(t->items, t->n, sizeof(StrView), cmp_text);
	buf_init(&b, 65536, API_BODY_MAX);
	api_begin_json(call);
	api_write(call, head, sizeof(head) - 1);
	for (int i = 0; i < t->n; i++)
	{
		if (last.s != NULL && strview_eq(last, t->items[i]))
			continue;
		last = t->items[i];
		if (limit > 0 && n >= limit)
		{
			truncated = true;
			break;
		}
		if (n++ > 0)
			buf_char(&b, ',');
		text_json_string(&b, last.s, last.len, true);
		api_flush(call, &b, 32768);
	}
	buf_str(&b, "]");
	if (truncated)
		buf_str(&b, ",\"warnings\":[\"results truncated due to limit\"]");
	buf_char(&b, '}');
	api_write(call, b.data, b.len);
	api_end(call);
	return true;
}

bool
api_labels(ApiCall *call)
{
	Range r;
	Texts t = {NULL, 0, 0};
	StrView tenant_label = strview_cstr(API_TENANT_LABEL);

	if (!range_params(call, &r))
		return false;
	for (int i = 0; i < call->tenants.n; i++)
	{
		StoreMatcherSet *sets = palloc(sizeof(StoreMatcherSet) * (r.nsets + 1));
		int nsets = sets_for_tenant(call, &r, call->tenants.tenants[i], sets);
		StrView *names;
		int n;

		if (r.nsets > 0 && nsets == 0)
			continue;
		n = store_label_names(call->tenants.tenants[i]->id, sets, nsets, r.mint, r.maxt, &names);
		add_texts(&t, names, n);
	}
	if (call->tenants.federated)
		add_texts(&t, &tenant_label, 1);
	return write_texts(call, &t, r.limit);
}

/* U__ names: `__` is `_`, `_HEX_` a rune; anything malformed stays as it is. */
static StrView
unescape_name(const char *name)
{
	const char *p = name + 3;
	Buf out;

	if (strncmp(name, "U__", 3) != 0)
		return strview_cstr(name);
	buf_init(&out, strlen(name), strlen(name) + 8);
	while (*p)
	{
		char rune[4];
		char *end;
		unsigned long r;

		if (*p != '_')
		{
			buf_char(&out, *p++);
			continue;
		}
		if (p[1] == '_')
		{
			buf_char(&out, '_');
			p += 2;
			continue;
		}
		r = strtoul(p + 1, &end, 16);
		if (end == p + 1 || *end != '_' || end - p > 7 || r > 0x10FFFF ||
			(r >= 0xD800 && r <= 0xDFFF))
			return strview_cstr(name);
		buf_append(&out, rune, text_utf8_encode(rune, (uint32) r));
		p = end + 1;
	}
	return strview(out.data, out.len);
}

bool
api_label_values(ApiCall *call)
{
	Range r;
	Texts t = {NULL, 0, 0};
	StrView name = unescape_name(call->segment);

	if (name.len == 0 || !text_utf8_valid(name.s, name.len))
		return err_set(&call->err, ERR_BAD_REQUEST, -1, "invalid label name: \"%s\"",
					   call->segment);
	if (!range_params(call, &r))
		return false;
	for (int i = 0; i < call->tenants.n; i++)
	{
		const Tenant *tenant = call->tenants.tenants[i];
		StoreMatcherSet *sets = palloc(sizeof(StoreMatcherSet) * (r.nsets + 1));
		int nsets = sets_for_tenant(call, &r, tenant, sets);
		StrView *values;
		StrView id = strview_cstr(tenant->name);
		int n;

		if (r.nsets > 0 && nsets == 0)
			continue;
		if (call->tenants.federated && strview_eq_cstr(name, API_TENANT_LABEL))
		{
			add_texts(&t, &id, 1);
			continue;
		}
		n = store_label_values(tenant->id, name, sets, nsets, r.mint, r.maxt, &values);
		add_texts(&t, values, n);
	}
	return write_texts(call, &t, r.limit);
}

bool
api_series(ApiCall *call)
{
	Range r;
	Buf b;
	int64 written = 0;
	bool truncated = false;
	static const char head[] = "{\"status\":\"success\",\"data\":[";

	if (!range_params(call, &r))
		return false;
	if (r.nsets == 0)
		return err_set(&call->err, ERR_BAD_REQUEST, -1, "no match[] parameter provided");
	buf_init(&b, 65536, API_BODY_MAX);
	api_begin_json(call);
	api_write(call, head, sizeof(head) - 1);
	for (int i = 0; i < call->tenants.n && !truncated; i++)
	{
		const Tenant *tenant = call->tenants.tenants[i];
		StoreMatcherSet *sets = palloc(sizeof(StoreMatcherSet) * (r.nsets + 1));
		int nsets = sets_for_tenant(call, &r, tenant, sets);
		Labels *series;
		int n = nsets == 0 ? 0 : store_series(tenant->id, sets, nsets, r.mint, r.maxt, &series);

		for (int k = 0; k < n; k++)
		{
			Labels ls = series[k];

			if (r.limit > 0 && written >= r.limit)
			{
				truncated = true;
				break;
			}
			ls = api_labels_of_tenant(call, tenant, ls);
			if (written++ > 0)
				buf_char(&b, ',');
			labels_json(&b, ls);
			api_flush(call, &b, 32768);
			CHECK_FOR_INTERRUPTS();
		}
	}
	buf_char(&b, ']');
	if (truncated)
		buf_str(&b, ",\"warnings\":[\"results truncated due to limit\"]");
	buf_char(&b, '}');
	api_write(call, b.data, b.len);
	api_end(call);
	return true;
}
