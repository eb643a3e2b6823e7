/*
 * index.h
 *    The head's series index: label sets to series, label pairs to postings, per tenant.
 *
 * All in shared memory, all under one LWLock (index_lock): shared to look up, exclusive to
 * create or remove series.  Ingestion looks all series of a request up under one shared hold;
 * creation holds it exclusively for one batch of new series.
 *
 * A label pair is stored once per tenant, with its postings; a series is an array of pair
 * numbers in order of the label names.  Tenants share nothing, not even strings.
 */
#ifndef MIMIR_INDEX_INDEX_H
#define MIMIR_INDEX_INDEX_H

#include "postgres.h"

#include "index/arena.h"
#include "index/postings.h"
#include "index/slots.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
#include "util/hash.h"

typedef uint32 SeriesRef; /* slot number; reused after the series is gone */

/* Identity of a series: the first member of the store's own series entry. */
typedef struct IndexSeries
{
	Hash128 alias;	   /* key of the label bytes as last received (wire/remote_write.h) */
	uint32 alias_next; /* hash chains */
	uint32 hash_next;
	uint64 hash;	 /* labels_hash */
	int64 series_id; /* durable, never reused */
	uint32 *pairs;	 /* label pairs in name order; constant while the series lives */
	uint32 tenant;	 /* slot of IndexTenant */
	uint16 npairs;
	bool alias_linked; /* stands in the alias chain */
	bool dead;		   /* unlinked from the index, kept for its last readers */
} IndexSeries;

typedef struct IndexTenant
{
	uint32 next; /* hash chain */
	uint32 tenant_id;
	uint32 names; /* first IndexName */
	uint32 nseries;
	Postings all;				 /* every series of the tenant */
	pg_atomic_uint64 max_t;		 /* largest timestamp accepted, ms, as int64 */
	pg_atomic_uint64 arrived_ms; /* when samples were last accepted, by our clock */

	/* ingestion rate limit: a token bucket, under its own spinlock */
	slock_t rate_lock;
	double rate_tokens;
	int64 rate_at_ms; /* when tokens were last added */
} IndexTenant;

typedef struct IndexName
{
	uint32 next; /* hash chain */
	uint32 tenant;
	uint32 next_of_tenant;
	uint32 pairs; /* first IndexPair */
	uint32 npairs;
	uint32 hash;
	uint32 len;
	char *text;
} IndexName;

typedef struct IndexPair
{
	uint32 next; /* hash chain */
	uint32 name;
	uint32 next_of_name;
	uint32 prev_of_name;
	uint32 hash;
	uint32 len;		   /* of the value */
	uint32 nrefs;	   /* series that name it, dead ones included; 0 = to be freed */
	char *text;		   /* the value */
	Postings postings; /* living series; may be empty */
} IndexPair;

typedef struct HeadIndex
{
	LWLock lock; /* guards everything below but what says otherwise */
	Arena *arena;
	uint64 alias_seed; /* constant after start */
	uint32 nbuckets;   /* of alias, hash and pair chains; a power of two */
	uint32 *alias_heads;
	uint32 *hash_heads;
	uint32 *pair_heads;
	uint32 *name_heads;	  /* INDEX_NAME_BUCKETS */
	uint32 *tenant_heads; /* INDEX_NAME_BUCKETS */
	Slots series;
	Slots pairs;
	Slots names;
	Slots tenants;
	uint32 nseries;
} HeadIndex;

#define INDEX_NAME_BUCKETS 4096

extern HeadIndex *head_index; /* set in every process after shared memory exists */

extern Size index_shmem_size(Size budget);
extern Size index_init(void *shmem, Size budget, Arena *arena, uint32 series_entry_size,
					   int lwlock_tranche);

static inline IndexSeries *
index_series(SeriesRef ref)
{
	return slots_get(&head_index->series, ref);
}
static inline IndexPair *
index_pair(uint32 i)
{
	return slots_get(&head_index->pairs, i);
}
static inline IndexName *
index_name(uint32 i)
{
	return slots_get(&head_index->names, i);
}
static inline IndexTenant *
index_tenant(uint32 i)
{
	return slots_get(&head_index->tenants, i);
}

/* index_note_time -- raise the tenant's largest timestamp (ms) to t; no lock. */
static inline void
index_note_time(uint32 tenant, int64 t)
{
	pg_atomic_uint64 *max_t = &index_tenant(tenant)->max_t;
	uint64 old = pg_atomic_read_u64(max_t);

	while ((int64) old < t && !pg_atomic_compare_exchange_u64(max_t, &old, (uint64) t))
		;
}

/* Under the lock, shared or exclusive. */
extern uint32 index_find_tenant(uint32 tenant_id); /* slot, 0 = none */
extern SeriesRef index_find_alias(uint32 tenant, Hash128 alias);
extern void index_prefetch_alias(uint32 tenant, Hash128 alias); /* index_find_alias comes soon */
extern SeriesRef index_find_labels(uint32 tenant, uint64 hash, const Label *labels, int n);
extern Size index_labels_size(SeriesRef ref);
extern uint8 *index_labels_put(SeriesRef ref, uint8 *out); /* returns the byte after */
extern Labels index_labels(SeriesRef ref);				   /* palloc'd */
extern int index_labels_cmp(SeriesRef a, SeriesRef b);	   /* same tenant; order of labels_cmp */
extern StrView index_label_value(SeriesRef ref, StrView name);
extern uint32 index_find_name(uint32 tenant, StrView name);
extern uint32 index_find_pair(uint32 tenant, StrView name, StrView value);

/* Under the exclusive lock.  0 = out of memory, nothing changed that matters. */
extern uint32 index_create_tenant(uint32 tenant_id);
extern SeriesRef index_create_series(uint32 tenant, const Label *labels, int n, uint64 hash,
									 int64 series_id, Hash128 alias);
extern void index_set_alias(SeriesRef ref, Hash128 alias);
extern void index_unlink_series(SeriesRef ref); /* marks dead; slot and pairs array stay */
extern void index_free_series(SeriesRef ref);	/* after unlink, when no reader can hold it */

#endif
