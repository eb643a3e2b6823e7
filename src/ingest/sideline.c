/*
 * sideline.c
 *    Exemplars, metadata, and checks of native histograms.
 *
 * Senders repeat all metadata every minute.  A process remembers a hash of each entry that it
 * wrote or saw committed, so that a repeated one costs a look-up in a small direct-mapped
 * table and no SQL.
 */
#include "postgres.h"

#include "ingest/sideline.h"

#include "tables/relation.h"
#include "util/hash.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "store/head.h"
#include "utils/builtins.h"

#define SIDE_KNOWN 16384 /* remembered metadata entries of a process; a power of two */

typedef struct SideExemplar
{
	TenantId tenant;
	Labels series;
	Labels labels;
	double value;
	int64 t;
} SideExemplar;

typedef struct SideMetadata
{
	TenantId tenant;
	Metadata m;
	uint64 hash;
} SideMetadata;

static uint64 known[SIDE_KNOWN];

void
sideline_init(SideLine *s)
{
	memset(s, 0, sizeof(*s));
}

bool
sideline_is_empty(const SideLine *s)
{
	return s->nexemplars == 0 && s->nmetadata == 0;
}

void
sideline_add_exemplar(SideLine *s, TenantId tenant, SeriesRef ref, const Exemplar *e)
{
	SideExemplar *out;

	if (s->nexemplars == s->cap_exemplars)
	{
		s->cap_exemplars = Max(16, s->cap_exemplars * 2);
		s->exemplars = s->exemplars
						   ? repalloc(s->exemplars, sizeof(SideExemplar) * s->cap_exemplars)
						   : palloc(sizeof(SideExemplar) * s->cap_exemplars);
	}
	out = &s->exemplars[s->nexemplars++];
	out->tenant = tenant;
	out->series = index_labels(ref);
	out->labels = labels_copy(e->labels);
	out->value = e->value;
	out->t = e->t;
}

static uint64
metadata_hash(TenantId tenant, const Metadata *m)
{
	uint64 parts[6];

	/* the schema's OID: what was known is forgotten with DROP EXTENSION */
	parts[0] = ((uint64) tables_schema() << 32) | tenant;
	parts[1] = m->type;
	parts[2] = hash_xxh64(m->family.s, m->family.len);
	parts[3] = hash_xxh64(m->help.s, m->help.len);
	parts[4] = hash_xxh64(m->unit.s, m->unit.len);
	parts[5] = m->family.len;
	return hash_xxh64(parts, sizeof(parts)) | 1;
}

void
sideline_add_metadata(SideLine *s, TenantId tenant, Metadata m)
{
	uint64 hash = metadata_hash(tenant, &m);
	SideMetadata *out;

	if (known[hash % SIDE_KNOWN] == hash)
		return;
	if (s->nmetadata == s->cap_metadata)
	{
		s->cap_metadata = Max(16, s->cap_metadata * 2);
		s->metadata = s->metadata ? repalloc(s->metadata, sizeof(SideMetadata) * s->cap_metadata)
								  : palloc(sizeof(SideMetadata) * s->cap_metadata);
	}
	out = &s->metadata[s->nmetadata++];
	out->tenant = tenant;
	out->m = m;
	out->hash = hash;
}

static bool
strip_suffix(StrView *name, const char *suffix)
{
	uint32 n = strlen(suffix);

	if (name->len <= n || memcmp(name->s + name->len - n, suffix, n) != 0)
		return false;
	name->len -= n;
	return true;
}

void
sideline_add_series_metadata(SideLine *s, TenantId tenant, SeriesRef ref, Metadata m)
{
	StrView name = index_label_value(ref, strview(LABELS_NAME, strlen(LABELS_NAME)));

	if (m.type == METRIC_UNKNOWN && m.help.len == 0 && m.unit.len == 0)
		return;
	if (m.type == METRIC_HISTOGRAM || m.type == METRIC_GAUGEHISTOGRAM || m.type == METRIC_SUMMARY)
		(void) (strip_suffix(&name, "_bucket") || strip_suffix(&name, "_count") ||
				strip_suffix(&name, "_sum"));
	m.family = strview(pnstrdup(name.s, name.len), name.len);
	sideline_add_metadata(s, tenant, m);
}

static bytea *
to_bytea(Labels ls)
{
	bytea *b = palloc(VARHDRSZ + ls.len);

	SET_VARSIZE(b, VARHDRSZ + ls.len);
	memcpy(VARDATA(b), ls.data, ls.len);
	return b;
}

static void
write_exemplars(SideLine *s)
{
	Relation rel = tables_open("exemplar", RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);

	for (int i = 0; i < s->nexemplars; i++)
	{
		const SideExemplar *e = &s->exemplars[i];
		Datum values[5];
		bool nulls[5] = {0};

		values[0] = Int32GetDatum((int32) e->tenant);
		values[1] = PointerGetDatum(to_bytea(e->series));
		values[2] = PointerGetDatum(to_bytea(e->labels));
		values[3] = Float8GetDatum(e->value);
		values[4] = Int64GetDatum(e->t);
		CatalogTupleInsertWithInfo(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls),
								   indexes);
	}
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

static int
cmp_metadata(const void *a, const void *b)
{
	const SideMetadata *x = a;
	const SideMetadata *y = b;

	if (x->tenant != y->tenant)
		return x->tenant < y->tenant ? -1 : 1;
	return strview_cmp(x->m.family, y->m.family);
}

/* In order of the key, so that two pushes never wait for each other in a circle. */
static void
write_metadata(SideLine *s)
{
	static const char sql[] =
		"INSERT INTO mimir.metric_metadata AS m (tenant_id, metric, type, help, unit)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, metric) DO UPDATE"
		" SET type = excluded.type, help = excluded.help, unit = excluded.unit, updated_at = now()"
		" WHERE (m.type, m.help, m.unit) IS DISTINCT FROM"
		" (excluded.type, excluded.help, excluded.unit)";
	Oid types[5] = {INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	SPIPlanPtr plan;

	qsort(s->metadata, s->nmetadata, sizeof(SideMetadata), cmp_metadata);
	SPI_connect();
	plan = SPI_prepare(sql, 5, types);
	for (int i = 0; i < s->nmetadata; i++)
	{
		const SideMetadata *d = &s->metadata[i];
		Datum values[5];

		values[0] = Int32GetDatum((int32) d->tenant);
		values[1] = PointerGetDatum(cstring_to_text_with_len(d->m.family.s, d->m.family.len));
		values[2] = CStringGetTextDatum(metric_type_name(d->m.type));
		values[3] = PointerGetDatum(cstring_to_text_with_len(d->m.help.s, d->m.help.len));
		values[4] = PointerGetDatum(cstring_to_text_with_len(d->m.unit.s, d->m.unit.len));
		if (SPI_execute_plan(plan, values, NULL, false, 0) < 0)
			elog(ERROR, "could not write metric metadata");
	}
	SPI_finish();
}

void
sideline_write(SideLine *s)
{
	if (s->nexemplars > 0)
		write_exemplars(s);
	if (s->nmetadata > 0)
		write_metadata(s);
}

void
sideline_committed(SideLine *s)
{
	for (int i = 0; i < s->nmetadata; i++)
		known[s->metadata[i].hash % SIDE_KNOWN] = s->metadata[i].hash;
}

static int
count_buckets(const HistogramSample *h)
{
	return h->i ? h->i->n_pos + h->i->n_neg : h->f->n_pos + h->f->n_neg;
}

static bool
check_one(HistogramSample *h, const TenantLimits *lim, const char *series, Err *err)
{
	int32 schema = h->i ? h->i->schema : h->f->schema;
	int limit = lim->max_native_histogram_buckets;
	Buf form;

	if (schema > 8 && schema <= 52)
	{
		if (h->i)
			histogram_reduce_int(h->i, 8);
		else
			histogram_reduce(h->f, 8);
		schema = 8;
	}
	if ((schema < -4 || schema > 8) && schema != HISTOGRAM_CUSTOM_SCHEMA)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a native histogram sample with an invalid schema: %d "
					   "(err-mimir-invalid-native-histogram-schema)",
					   schema);
	if (!(h->i ? histogram_validate_int(h->i, err) : histogram_validate(h->f, err)))
		return false;
	while (limit > 0 && count_buckets(h) > limit && schema != HISTOGRAM_CUSTOM_SCHEMA &&
		   schema > -4)
	{
		schema--;
		if (h->i)
			histogram_reduce_int(h->i, schema);
		else
			histogram_reduce(h->f, schema);
	}
	if (limit > 0 && count_buckets(h) > limit)
		return err_set(
			err, ERR_BAD_REQUEST, -1,
			"received a native histogram sample with too many buckets, timestamp: %lld "
			"series: %s, buckets: %d, limit: %d (err-mimir-max-native-histogram-buckets)",
			(long long) h->t, series, count_buckets(h), limit);
	buf_init(&form, 256, HEAD_MAX_HISTOGRAM);
	histogram_sample_put(&form, h);
	if (form.overflow)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a native histogram sample with too many buckets, timestamp: %lld "
					   "series: %s, buckets: %d, its binary form exceeds %d bytes "
					   "(err-mimir-max-native-histogram-buckets)",
					   (long long) h->t, series, count_buckets(h), HEAD_MAX_HISTOGRAM);
	buf_free(&form);
	return true;
}

void
sideline_check_histograms(RwSeries *s, const TenantLimits *lim, const char *series, Err *err)
{
	if (!lim->native_histograms)
	{
		s->nhistograms = 0; /* silently, as Mimir */
		return;
	}
	for (int i = 0; i < s->nhistograms; i++)
		if (!check_one((HistogramSample *) &s->histograms[i], lim, series, err))
			return;
}
