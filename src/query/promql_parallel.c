/*
 * promql_parallel.c
 *    A PromQL scan shared by parallel workers.
 *
 * For queries that map series to series (promql_plan_is_series_wise).  The selector's series are dealt
 * out by the hash of their labels (query/source.h): there are several times as many parts as
 * processes, and whoever is through with one claims the next.  So it does not matter when a
 * worker starts, or whether it does.
 *
 *    leader    estimate, init     evaluates the call, says what there is to read
 *              reinit             the same anew before each rescan, when no worker runs
 *    anybody   eval, parts        takes the call from shared memory, claims parts while running
 *    worker    report             its figures, into its place
 *    leader    on detach          copies these before the shared memory goes
 *              collect            adds them up for EXPLAIN
 *
 * Every process selects, and pins the head, for itself; blocks are read under the leader's snapshot,
 * which workers have as theirs.  Tenants are those the leader found.
 *
 * A query that turns out not to be of that kind (the settings have changed since it was planned) is one
 * part: the first to come evaluates all of it.
 *
 * Limits on samples and memory hold for each process.
 */
#include "postgres.h"

#include "query/promql_scan.h"

#include "pg/errmap.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "utils/dsa.h"
#include "utils/memutils.h"

#define PARTS_PER_PROCESS 16

/* What a worker has counted; nodes of the tree follow it. */
typedef struct WorkerFigures
{
	bool reported;
	PromqlStats stats;
	PromqlTreeFigures nodes[FLEXIBLE_ARRAY_MEMBER];
} WorkerFigures;

/* The shared state, followed by the figures of each worker. */
typedef struct ParallelShared
{
	dsa_pointer call; /* a PackedCall; invalid: an argument is null */
	uint32 nparts;
	pg_atomic_uint32 next; /* part to claim */
	int nworkers;
	int nnodes; /* room for figures */
	Size figures_size;
} ParallelShared;

/* The call in one run of memory: this struct, tenants, filters, strings. */
typedef struct PackedCall
{
	PromqlParams params;
	int ntenants;
	bool federated;
	PromqlWanted wanted;
	Size tenants, filters, query; /* offsets */
	Size size;
} PackedCall;

struct PromqlParallel
{
	ParallelShared *shared; /* NULL: gone */
	QueryParts parts;
	/* leader: figures of workers, saved from shared memory */
	char *saved;
	int nsaved;
	Size saved_size; /* of each */
	int saved_nodes;
};

static Size
figures_size(int nnodes)
{
	return MAXALIGN(offsetof(WorkerFigures, nodes) + sizeof(PromqlTreeFigures) * nnodes);
}

static WorkerFigures *
figures_of(ParallelShared *sh, int worker)
{
	return (WorkerFigures *) ((char *) sh + MAXALIGN(sizeof(ParallelShared)) +
							  sh->figures_size * worker);
}

/* --- the call in shared memory ------------------------------------------------------------------ */

static Size
put(char *base, Size *at, const void *data, Size len)
{
	Size offset = *at;

	if (base != NULL && len > 0)
		memcpy(base + offset, data, len);
	*at = MAXALIGN(offset + len);
	return offset;
}

/* Views become offsets: the strings are at base. */
static StrView
put_view(char *base, Size *at, StrView s)
{
	return strview((const char *) put(base, at, s.s, s.len), s.len);
}

/* Lay the call out at base; base NULL: only find its size. */
static Size
pack(const PromqlScan *s, char *base)
{
	const SqlCall *call = &s->call;
	PackedCall head = {.params = call->params, .wanted = s->wanted};
	Size at = MAXALIGN(sizeof(PackedCall));

	head.ntenants = call->tenants->n;
	head.federated = call->tenants->federated;
	head.query = put(base, &at, call->query, strlen(call->query) + 1);
	head.tenants = at;
	for (int i = 0; i < call->tenants->n; i++)
		put(base, &at, call->tenants->tenants[i], sizeof(Tenant));
	head.filters = at;
	at += MAXALIGN(sizeof(Matcher) * s->wanted.nfilters);
	for (int i = 0; i < s->wanted.nfilters; i++)
	{
		Matcher m = s->wanted.filters[i];

		m.name = put_view(base, &at, m.name);
		m.value = put_view(base, &at, m.value);
		m.re = NULL;
		if (base != NULL)
			memcpy(base + head.filters + sizeof(Matcher) * i, &m, sizeof(Matcher));
	}
	head.size = at;
	if (base != NULL)
		memcpy(base, &head, sizeof(head));
	return at;
}

/* A copy into s->call and s->wanted: EXPLAIN shows the call when the shared memory is gone. */
static void
unpack(PromqlScan *s, const char *packed)
{
	char *base = palloc(((const PackedCall *) packed)->size);
	const PackedCall *head = memcpy(base, packed, ((const PackedCall *) packed)->size);
	TenantSet *tenants = palloc0(sizeof(TenantSet));
	Err err = ERR_INIT;

	tenants->n = head->ntenants;
	tenants->federated = head->federated;
	tenants->tenants = palloc(sizeof(Tenant *) * Max(head->ntenants, 1));
	for (int i = 0; i < head->ntenants; i++)
		tenants->tenants[i] = (Tenant *) (base + head->tenants + MAXALIGN(sizeof(Tenant)) * i);
	s->wanted = head->wanted;
	s->wanted.filters = palloc(sizeof(Matcher) * Max(head->wanted.nfilters, 1));
	for (int i = 0; i < head->wanted.nfilters; i++)
	{
		const Matcher *m = (const Matcher *) (base + head->filters) + i;
		StrView name = strview(base + (uintptr_t) m->name.s, m->name.len);
		StrView value = strview(base + (uintptr_t) m->value.s, m->value.len);

		if (!matcher_init(&s->wanted.filters[i], m->type, name, value, &err))
			errmap_raise(&err);
	}
	s->call.tenants = tenants;
	s->call.query = base + head->query;
	s->call.params = head->params;
	s->call.params.query = strview("", 0);
	promql_wanted_tell(&s->wanted, &s->call.params);
}

/* --- the leader ------------------------------------------------------------------------------------ */

/*
 * Evaluate the call and see whether it can be dealt out.  Returns the number of nodes of its plan,
 * -1: an argument is null.
 */
static int
leader_eval(PromqlScan *s, bool *series_wise)
{
	MemoryContext old = MemoryContextSwitchTo(s->css.ss.ps.state->es_query_cxt);
	PromqlPlan *plan = NULL;
	Err err = ERR_INIT;
	int nnodes = -1;

	if (promql_scan_eval(s))
	{
		plan = query_plan(s->call.query, &s->call.params, &err);
		if (plan == NULL)
			errmap_raise_query(&err, s->call.query);
		nnodes = promql_plan_nnodes(plan);
		*series_wise = promql_plan_is_series_wise(plan);
	}
	MemoryContextSwitchTo(old);
	return nnodes;
}

/* What there is to read, for all to see; no worker runs. */
static void
publish(PromqlScan *s, ParallelShared *sh, dsa_area *area)
{
	bool series_wise = false;
	int nnodes = leader_eval(s, &series_wise);

	if (DsaPointerIsValid(sh->call))
		dsa_free(area, sh->call);
	sh->call = InvalidDsaPointer;
	pg_atomic_write_u32(&sh->next, 0);
	for (int w = 0; w < sh->nworkers; w++)
		memset(figures_of(sh, w), 0, sh->figures_size);
	if (nnodes < 0)
		return;
	sh->nparts = series_wise ? (sh->nworkers + 1) * PARTS_PER_PROCESS : 1;
	sh->call = dsa_allocate(area, pack(s, NULL));
	pack(s, dsa_get_address(area, sh->call));
}

Size
promql_parallel_estimate(CustomScanState *css, ParallelContext *pcxt)
{
	PromqlScan *s = (PromqlScan *) css;
	bool series_wise;
	int nnodes = css->ss.ps.state->es_instrument != 0 ? leader_eval(s, &series_wise) : 0;

	return MAXALIGN(sizeof(ParallelShared)) + figures_size(Max(nnodes, 0)) * pcxt->nworkers;
}

/* Copy what workers reported; called before the shared memory goes, or is used again. */
static void
save_figures(PromqlParallel *p)
{
	ParallelShared *sh = p->shared;
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(p));

	p->saved = p->saved == NULL ? palloc(sh->figures_size * sh->nworkers)
								: repalloc(p->saved, sh->figures_size * (p->nsaved + sh->nworkers));
	for (int w = 0; w < sh->nworkers; w++)
		if (figures_of(sh, w)->reported)
			memcpy(p->saved + sh->figures_size * p->nsaved++, figures_of(sh, w), sh->figures_size);
	p->saved_size = sh->figures_size;
	p->saved_nodes = sh->nnodes;
	MemoryContextSwitchTo(old);
}

static void
on_detach(dsm_segment *seg, Datum arg)
{
	PromqlParallel *p = (PromqlParallel *) DatumGetPointer(arg);

	if (!IsAbortedTransactionBlockState() && IsTransactionState())
		save_figures(p);
	p->shared = NULL;
}

void
promql_parallel_init(CustomScanState *css, ParallelContext *pcxt, void *coordinate)
{
	PromqlScan *s = (PromqlScan *) css;
	EState *estate = css->ss.ps.state;
	ParallelShared *sh = coordinate;
	bool series_wise;
	int nnodes = estate->es_instrument != 0 ? leader_eval(s, &series_wise) : 0;

	/* without shared memory there are no workers, and this process reads all */
	if (pcxt->seg == NULL)
		return;
	sh->call = InvalidDsaPointer;
	pg_atomic_init_u32(&sh->next, 0);
	sh->nworkers = pcxt->nworkers;
	sh->nnodes = Max(nnodes, 0);
	sh->figures_size = figures_size(sh->nnodes);
	publish(s, sh, estate->es_query_dsa);
	/* as long as the segment at least, which an error may let outlive the query's memory */
	if (s->parallel == NULL)
		s->parallel = MemoryContextAllocZero(TopTransactionContext, sizeof(PromqlParallel));
	else
		promql_parallel_collect(s);
	s->parallel->shared = sh;
	on_dsm_detach(pcxt->seg, on_detach, PointerGetDatum(s->parallel));
}

void
promql_parallel_reinit(CustomScanState *css, ParallelContext *pcxt, void *coordinate)
{
	PromqlScan *s = (PromqlScan *) css;

	if (s->parallel == NULL)
		return;
	save_figures(s->parallel);
	publish(s, s->parallel->shared, css->ss.ps.state->es_query_dsa);
}

void
promql_parallel_collect(PromqlScan *s)
{
	PromqlParallel *p = s->parallel;

	for (int i = 0; i < p->nsaved; i++)
	{
		const WorkerFigures *f = (const WorkerFigures *) (p->saved + p->saved_size * i);

		s->stats.samples_read += f->stats.samples_read;
		s->stats.peak_samples = Max(s->stats.peak_samples, f->stats.peak_samples);
		if (s->tree != NULL && promql_tree_nnodes(s->tree) == p->saved_nodes)
			promql_tree_add(s->tree, f->nodes);
	}
	p->nsaved = 0;
}

/* --- anybody --------------------------------------------------------------------------------------- */

static bool
claim(void *arg, uint32 *part)
{
	ParallelShared *sh = ((PromqlParallel *) arg)->shared;

	if (sh == NULL || pg_atomic_read_u32(&sh->next) >= sh->nparts)
		return false;
	*part = pg_atomic_fetch_add_u32(&sh->next, 1);
	return *part < sh->nparts;
}

bool
promql_parallel_eval(PromqlScan *s)
{
	PromqlParallel *p = s->parallel;
	uint32 part;

	if (p->shared == NULL || !DsaPointerIsValid(p->shared->call))
		return false;
	if (p->shared->nparts == 1 && !claim(p, &part))
		return false;
	unpack(s, dsa_get_address(s->css.ss.ps.state->es_query_dsa, p->shared->call));
	p->parts = (QueryParts){p->shared->nparts, claim, p};
	return true;
}

const QueryParts *
promql_parallel_parts(PromqlScan *s)
{
	return s->parallel->parts.nparts > 1 ? &s->parallel->parts : NULL;
}

/* --- a worker --------------------------------------------------------------------------------------- */

void
promql_parallel_init_worker(CustomScanState *css, shm_toc *toc, void *coordinate)
{
	PromqlScan *s = (PromqlScan *) css;

	s->parallel = MemoryContextAllocZero(TopTransactionContext, sizeof(PromqlParallel));
	s->parallel->shared = coordinate;
}

void
promql_parallel_report(PromqlScan *s)
{
	ParallelShared *sh = s->parallel->shared;
	WorkerFigures *f;

	f = figures_of(sh, ParallelWorkerNumber);
	f->stats = s->stats;
	if (s->tree != NULL && promql_tree_nnodes(s->tree) == sh->nnodes)
		promql_tree_get(s->tree, f->nodes);
	f->reported = true;
}
