/*
 * store_rows.c
 *    The frame of a scan of the store: filter, tenants one after the other, groups.
 *
 *    context                  the scan
 *      part_context           one tenant's series set or select
 *      group_context          columns of the group
 */
#include "postgres.h"

#include "query/store_rows_int.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "promql/promql.h"
#include "query/run.h"
#include "tables/relation.h"
#include "types/labels_value.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static const StoreRowsInfo infos[STORE_ROWS_NKINDS] = {
	[STORE_ROWS_SAMPLES] = {"samples",
							3,
							6,
							{{STORE_COLUMN_TENANT, true},
							 {STORE_COLUMN_METRIC, true},
							 {STORE_COLUMN_LABELS, true},
							 {STORE_COLUMN_TIME, false},
							 {STORE_COLUMN_PLAIN, false},
							 {STORE_COLUMN_PLAIN, false}}},
	[STORE_ROWS_SERIES] = {"list_series",
						   0,
						   4,
						   {{STORE_COLUMN_TENANT, true},
							{STORE_COLUMN_PLAIN, true},
							{STORE_COLUMN_METRIC, true},
							{STORE_COLUMN_LABELS, true}}},
	[STORE_ROWS_CHUNKS] = {"chunks",
						   3,
						   9,
						   {{STORE_COLUMN_TENANT, true},
							{STORE_COLUMN_PLAIN, true},
							{STORE_COLUMN_LABELS, true},
							{STORE_COLUMN_METRIC, true},
							{STORE_COLUMN_TIME, false},
							{STORE_COLUMN_TIME, false},
							{STORE_COLUMN_PLAIN, false},
							{STORE_COLUMN_PLAIN, false},
							{STORE_COLUMN_PLAIN, false}}},
	[STORE_ROWS_LABEL_VALUES] = {"list_label_values",
								 0,
								 3,
								 {{STORE_COLUMN_TENANT, true},
								  {STORE_COLUMN_LABEL_NAME, true},
								  {STORE_COLUMN_PLAIN, false}}},
};

static const StoreRowsMethods *const methods[STORE_ROWS_NKINDS] = {
	[STORE_ROWS_SAMPLES] = &store_rows_samples,
	[STORE_ROWS_SERIES] = &store_rows_series,
	[STORE_ROWS_CHUNKS] = &store_rows_chunks,
	[STORE_ROWS_LABEL_VALUES] = &store_rows_label_values,
};

const StoreRowsInfo *
store_rows_info(StoreRowsKind kind)
{
	return &infos[kind];
}

/* By schema and name: only the extension has functions of these names there. */
StoreRowsKind
store_rows_kind(Oid funcid, int nargs)
{
	Oid schema = tables_schema();
	char *name;

	if (!OidIsValid(schema) || get_func_namespace(funcid) != schema)
		return STORE_ROWS_NONE;
	name = get_func_name(funcid);
	for (int k = 0; name != NULL && k < STORE_ROWS_NKINDS; k++)
		if (infos[k].nargs == nargs && strcmp(name, infos[k].function) == 0)
			return k;
	return STORE_ROWS_NONE;
}

/* ---- the filter -------------------------------------------------------------------------------- */

void
store_filter_init(StoreFilter *f)
{
	const TenantSet *visible = tenancy_visible();

	memset(f, 0, sizeof(*f));
	f->ntenants = visible->n;
	f->tenants = palloc(sizeof(Tenant *) * Max(visible->n, 1));
	memcpy(f->tenants, visible->tenants, sizeof(Tenant *) * visible->n);
	f->mint = PG_INT64_MIN;
	f->maxt = PG_INT64_MAX;
}

/* Samples have whole milliseconds: the first that is not before t. */
static int64
first_ms(TimestampTz t)
{
	int64 ms = time_to_ms(t);

	return TIMESTAMP_NOT_FINITE(t) || t % 1000 == 0 ? ms : ms + 1;
}

void
store_filter_args(StoreFilter *f, StoreRowsKind kind, const Datum *args)
{
	char *selector;
	Err err = ERR_INIT;

	if (infos[kind].nargs == 0)
		return;
	selector = TextDatumGetCString(args[0]);
	if (!promql_parse_selector(selector, strlen(selector), &f->matchers, &f->nmatchers, &err))
		errmap_raise_query(&err, selector);
	f->mint = first_ms(DatumGetTimestampTz(args[1]));
	f->maxt = time_to_ms(DatumGetTimestampTz(args[2]));
}

void
store_filter_add(StoreFilter *f, const Matcher *m)
{
	Matcher *grown = palloc(sizeof(Matcher) * (f->nmatchers + 1));

	if (f->nmatchers > 0)
		memcpy(grown, f->matchers, sizeof(Matcher) * f->nmatchers);
	grown[f->nmatchers++] = *m;
	f->matchers = grown;
}

/* ---- rows -------------------------------------------------------------------------------------- */

StoreRows *
store_rows_begin(StoreRowsKind kind, const StoreFilter *f, uint32 columns)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir store rows", ALLOCSET_DEFAULT_SIZES);
	StoreRows *r = MemoryContextAllocZero(context, sizeof(StoreRows));

	query_need_store();
	r->kind = kind;
	r->methods = methods[kind];
	r->filter = *f;
	r->columns = columns;
	r->context = context;
	r->part_context =
		AllocSetContextCreate(context, "mimir store rows part", ALLOCSET_DEFAULT_SIZES);
	r->group_context =
		AllocSetContextCreate(context, "mimir store rows group", ALLOCSET_SMALL_SIZES);
	if (f->nothing || f->mint > f->maxt)
		r->next_tenant = f->ntenants;
	return r;
}

static void
close_part(StoreRows *r)
{
	if (r->part != NULL)
		r->methods->close(r, r->part);
	r->part = NULL;
	MemoryContextReset(r->part_context);
}

/* A part is open; false if no tenant is left. */
static bool
open_part(StoreRows *r)
{
	MemoryContext old;

	if (r->part != NULL)
		return true;
	if (r->next_tenant >= r->filter.ntenants)
		return false;
	r->tenant = r->filter.tenants[r->next_tenant++];
	old = MemoryContextSwitchTo(r->part_context);
	r->part = r->methods->open(r, r->tenant);
	MemoryContextSwitchTo(old);
	return true;
}

bool
store_rows_next_group(StoreRows *r, Datum *values, bool *nulls)
{
	MemoryContext old;
	bool got = false;

	MemoryContextReset(r->group_context);
	for (int c = 0; c < infos[r->kind].ncolumns; c++)
		nulls[c] = true;
	old = MemoryContextSwitchTo(r->group_context);
	while (!got && open_part(r))
	{
		got = r->methods->next_group(r, r->part, values, nulls);
		if (!got)
			close_part(r);
	}
	if (got)
	{
		r->stats.groups++;
		values[0] = CStringGetTextDatum(r->tenant->name);
		nulls[0] = false;
	}
	MemoryContextSwitchTo(old);
	return got;
}

bool
store_rows_next(StoreRows *r, Datum *values, bool *nulls)
{
	return r->methods->next(r, r->part, values, nulls);
}

void
store_rows_corrupt(const StoreRows *r, Labels ls, const Err *err)
{
	Buf b;

	buf_init(&b, 128, LABELS_TEXT_MAX);
	labels_text(&b, ls);
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("%s", err->msg),
					errdetail("Tenant \"%s\", series %s.", r->tenant->name, b.data)));
	pg_unreachable();
}

StoreRowsStats
store_rows_end(StoreRows *r)
{
	StoreRowsStats stats;

	close_part(r);
	stats = r->stats;
	MemoryContextDelete(r->context);
	return stats;
}
