/*
 * rows_listing.c
 *    Series, and the values of labels, as rows.
 */
#include "postgres.h"

#include "query/store_rows_int.h"

#include "store/select.h"
#include "types/labels_value.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* ---- series: a group of one row each ----------------------------------------------------------- */

enum
{
	SERIES_TENANT,
	SERIES_ID,
	SERIES_METRIC,
	SERIES_LABELS
};

typedef struct SeriesPart
{
	StoreSelect *select;
	int next;
	bool given; /* the row of the current series */
} SeriesPart;

static StoreRowsPart *
series_open(StoreRows *r, const Tenant *tenant)
{
	SeriesPart *p = palloc0(sizeof(SeriesPart));
	StoreSelectStats st;

	p->select = store_select_begin(tenant->id, r->filter.matchers, r->filter.nmatchers,
								   r->filter.mint, r->filter.maxt, true);
	st = store_select_stats(p->select);
	r->stats.blocks += st.blocks;
	r->stats.blocks_pruned += st.blocks_pruned;
	return (StoreRowsPart *) p;
}

static bool
series_next_group(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	SeriesPart *p = (SeriesPart *) part;
	Labels ls;
	int i = p->next;

	if (i >= store_select_nseries(p->select))
		return false;
	p->next++;
	p->given = false;
	values[SERIES_ID] = Int64GetDatum(store_select_series_id(p->select, i));
	nulls[SERIES_ID] = false;
	if (store_rows_wants(r, SERIES_METRIC) || store_rows_wants(r, SERIES_LABELS))
	{
		ls = store_select_labels(p->select, i);
		values[SERIES_METRIC] = PointerGetDatum(labels_string_to_text(labels_metric_name(ls)));
		nulls[SERIES_METRIC] = false;
	}
	if (store_rows_wants(r, SERIES_LABELS))
	{
		values[SERIES_LABELS] = labels_to_jsonb(ls);
		nulls[SERIES_LABELS] = false;
	}
	CHECK_FOR_INTERRUPTS();
	return true;
}

static bool
series_next(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	SeriesPart *p = (SeriesPart *) part;
	bool first = !p->given;

	p->given = true;
	return first;
}

static void
series_close(StoreRows *r, StoreRowsPart *part)
{
	store_select_end(((SeriesPart *) part)->select);
}

const StoreRowsMethods store_rows_series = {series_open, series_next_group, series_next,
											series_close};

/* ---- label values: the group is the label ------------------------------------------------------ */

enum
{
	LABEL_TENANT,
	LABEL_NAME,
	LABEL_VALUE
};

typedef struct LabelPart
{
	TenantId tenant;
	StrView *names;
	int nnames;
	int next_name;
	MemoryContext value_context; /* values of the current name */
	StrView *values;
	int nvalues;
	int next_value;
	bool listed; /* the values of the current name */
} LabelPart;

static StoreRowsPart *
values_open(StoreRows *r, const Tenant *tenant)
{
	LabelPart *p = palloc0(sizeof(LabelPart));

	p->tenant = tenant->id;
	p->value_context =
		AllocSetContextCreate(CurrentMemoryContext, "mimir label values", ALLOCSET_DEFAULT_SIZES);
	if (r->filter.label_name.s != NULL)
	{
		p->names = &r->filter.label_name;
		p->nnames = 1;
	}
	else
		p->nnames =
			store_label_names(tenant->id, NULL, 0, r->filter.mint, r->filter.maxt, &p->names);
	return (StoreRowsPart *) p;
}

static bool
values_next_group(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	LabelPart *p = (LabelPart *) part;

	if (p->next_name >= p->nnames)
		return false;
	values[LABEL_NAME] = PointerGetDatum(labels_string_to_text(p->names[p->next_name++]));
	nulls[LABEL_NAME] = false;
	p->listed = false;
	CHECK_FOR_INTERRUPTS();
	return true;
}

static bool
values_next(StoreRows *r, StoreRowsPart *part, Datum *values, bool *nulls)
{
	LabelPart *p = (LabelPart *) part;

	if (!p->listed)
	{
		MemoryContext old;

		MemoryContextReset(p->value_context);
		old = MemoryContextSwitchTo(p->value_context);
		p->nvalues = store_label_values(p->tenant, p->names[p->next_name - 1], NULL, 0,
										r->filter.mint, r->filter.maxt, &p->values);
		MemoryContextSwitchTo(old);
		p->next_value = 0;
		p->listed = true;
	}
	if (p->next_value >= p->nvalues)
		return false;
	values[LABEL_VALUE] = PointerGetDatum(labels_string_to_text(p->values[p->next_value++]));
	nulls[LABEL_VALUE] = false;
	return true;
}

static void
values_close(StoreRows *r, StoreRowsPart *part)
{
}

const StoreRowsMethods store_rows_label_values = {values_open, values_next_group, values_next,
												  values_close};
