/*
 * index.c
 *    The head's series index in shared memory.
 *
 * Hash tables are arrays of chain heads with the link inside the entries, sized once from the
 * memory budget, so nothing is ever rehashed.  Creating a series allocates first (slot,
 * pair array, pairs with their strings, postings) and links last; when memory runs out half
 * way, what was added is taken back.
 *
 * Concurrency: see index.h.  No function here raises an error except index_labels (palloc).
 */
#include "postgres.h"

#include "index/index.h"

#include "pg/time.h"

#include "port/atomics.h"
#include "port/pg_bitutils.h"

HeadIndex *head_index;

Size
index_shmem_size(Size budget)
{
	uint32 nbuckets = pg_nextpower2_32(Max(budget / 1024, 1024));
	Size size = MAXALIGN(sizeof(HeadIndex));

	size += 3 * MAXALIGN(sizeof(uint32) * nbuckets);
	size += 2 * MAXALIGN(sizeof(uint32) * INDEX_NAME_BUCKETS);
	size += 4 * slots_shmem_size(budget);
	return size;
}

/* index_init -- lay the index out at shmem; returns the bytes used. */
Size
index_init(void *shmem, Size budget, Arena *arena, uint32 series_entry_size, int lwlock_tranche)
{
	char *p = shmem;
	HeadIndex *ix = shmem;
	Size table = slots_shmem_size(budget);

	memset(ix, 0, sizeof(HeadIndex));
	LWLockInitialize(&ix->lock, lwlock_tranche);
	ix->arena = arena;
	if (!pg_strong_random(&ix->alias_seed, sizeof(ix->alias_seed)))
		elog(FATAL, "could not get random bytes");
	ix->nbuckets = pg_nextpower2_32(Max(budget / 1024, 1024));
	p += MAXALIGN(sizeof(HeadIndex));

#define TAKE(field, n)                                                                             \
	do                                                                                             \
	{                                                                                              \
		ix->field = (uint32 *) p;                                                                  \
		memset(p, 0, sizeof(uint32) * (n));                                                        \
		p += MAXALIGN(sizeof(uint32) * (n));                                                       \
	} while (0)
	TAKE(alias_heads, ix->nbuckets);
	TAKE(hash_heads, ix->nbuckets);
	TAKE(pair_heads, ix->nbuckets);
	TAKE(name_heads, INDEX_NAME_BUCKETS);
	TAKE(tenant_heads, INDEX_NAME_BUCKETS);
#undef TAKE

	slots_init(&ix->series, arena, series_entry_size, p, budget);
	slots_init(&ix->pairs, arena, sizeof(IndexPair), p + table, budget);
	slots_init(&ix->names, arena, sizeof(IndexName), p + 2 * table, budget);
	slots_init(&ix->tenants, arena, sizeof(IndexTenant), p + 3 * table, budget);
	p += 4 * table;
	head_index = ix;
	return p - (char *) shmem;
}

static inline uint32
mix_tenant(uint64 hash, uint32 tenant)
{
	return (uint32) ((hash ^ ((uint64) tenant * UINT64CONST(0x9E3779B97F4A7C15))) >> 7);
}

static inline uint32 *
alias_head(uint32 tenant, Hash128 alias)
{
	return &head_index->alias_heads[mix_tenant(alias.lo, tenant) & (head_index->nbuckets - 1)];
}

static inline uint32 *
hash_head(uint32 tenant, uint64 hash)
{
	return &head_index->hash_heads[mix_tenant(hash, tenant) & (head_index->nbuckets - 1)];
}

static inline uint32
text_hash(uint32 seed, StrView s)
{
	uint64 h = hash_xxh64(s.s, s.len) ^ ((uint64) seed * UINT64CONST(0x9E3779B97F4A7C15));

	return (uint32) (h ^ (h >> 32));
}

/* ---- tenants, names, pairs ------------------------------------------------------------------ */

uint32
index_find_tenant(uint32 tenant_id)
{
	uint32 i = head_index->tenant_heads[tenant_id % INDEX_NAME_BUCKETS];

	while (i != 0 && index_tenant(i)->tenant_id != tenant_id)
		i = index_tenant(i)->next;
	return i;
}

uint32
index_create_tenant(uint32 tenant_id)
{
	uint32 *head = &head_index->tenant_heads[tenant_id % INDEX_NAME_BUCKETS];
	uint32 i = slots_alloc(&head_index->tenants);

	Assert(LWLockHeldByMeInMode(&head_index->lock, LW_EXCLUSIVE));
	if (i == 0)
		return 0;
	index_tenant(i)->tenant_id = tenant_id;
	pg_atomic_init_u64(&index_tenant(i)->max_t, (uint64) PG_INT64_MIN);
	pg_atomic_init_u64(&index_tenant(i)->arrived_ms, (uint64) time_now_ms());
	SpinLockInit(&index_tenant(i)->rate_lock);
	index_tenant(i)->next = *head;
	*head = i;
	return i;
}

uint32
index_find_name(uint32 tenant, StrView name)
{
	uint32 hash = text_hash(tenant, name);
	uint32 i = head_index->name_heads[hash % INDEX_NAME_BUCKETS];

	for (; i != 0; i = index_name(i)->next)
	{
		IndexName *n = index_name(i);

		if (n->hash == hash && n->tenant == tenant && n->len == name.len &&
			memcmp(n->text, name.s, name.len) == 0)
			return i;
	}
	return 0;
}

static uint32
find_pair(uint32 name, StrView value, uint32 hash)
{
	uint32 i = head_index->pair_heads[hash & (head_index->nbuckets - 1)];

	for (; i != 0; i = index_pair(i)->next)
	{
		IndexPair *p = index_pair(i);

		if (p->hash == hash && p->name == name && p->len == value.len &&
			memcmp(p->text, value.s, value.len) == 0)
			return i;
	}
	return 0;
}

uint32
index_find_pair(uint32 tenant, StrView name, StrView value)
{
	uint32 n = index_find_name(tenant, name);

	return n == 0 ? 0 : find_pair(n, value, text_hash(n, value));
}

static void
free_name_if_unused(uint32 i)
{
	IndexName *n = index_name(i);
	uint32 *link;

	if (n->npairs > 0)
		return;
	for (link = &head_index->name_heads[n->hash % INDEX_NAME_BUCKETS]; *link != i;)
		link = &index_name(*link)->next;
	*link = n->next;
	for (link = &index_tenant(n->tenant)->names; *link != i;)
		link = &index_name(*link)->next_of_tenant;
	*link = n->next_of_tenant;
	arena_free(head_index->arena, n->text);
	slots_free(&head_index->names, i);
}

static void
free_pair_if_unused(uint32 i)
{
	IndexPair *p = index_pair(i);
	IndexName *n = index_name(p->name);
	uint32 name = p->name;
	uint32 *link;

	if (p->nrefs > 0)
		return;
	for (link = &head_index->pair_heads[p->hash & (head_index->nbuckets - 1)]; *link != i;)
		link = &index_pair(*link)->next;
	*link = p->next;
	if (p->prev_of_name)
		index_pair(p->prev_of_name)->next_of_name = p->next_of_name;
	else
		n->pairs = p->next_of_name;
	if (p->next_of_name)
		index_pair(p->next_of_name)->prev_of_name = p->prev_of_name;
	n->npairs--;
	arena_free(head_index->arena, p->text);
	slots_free(&head_index->pairs, i);
	free_name_if_unused(name);
}

static uint32
get_name(uint32 tenant, StrView name)
{
	uint32 i = index_find_name(tenant, name);
	uint32 *head;
	IndexName *n;
	char *text;

	if (i != 0)
		return i;
	text = arena_alloc(head_index->arena, Max(name.len, 1), NULL);
	if (text == NULL)
		return 0;
	i = slots_alloc(&head_index->names);
	if (i == 0)
	{
		arena_free(head_index->arena, text);
		return 0;
	}
	memcpy(text, name.s, name.len);
	n = index_name(i);
	n->tenant = tenant;
	n->hash = text_hash(tenant, name);
	n->text = text;
	n->len = name.len;
	n->next_of_tenant = index_tenant(tenant)->names;
	index_tenant(tenant)->names = i;
	head = &head_index->name_heads[n->hash % INDEX_NAME_BUCKETS];
	n->next = *head;
	*head = i;
	return i;
}

static uint32
get_pair(uint32 tenant, Label label)
{
	uint32 name = get_name(tenant, label.name);
	uint32 hash;
	uint32 i;
	uint32 *head;
	IndexPair *p;
	char *text;

	if (name == 0)
		return 0;
	hash = text_hash(name, label.value);
	i = find_pair(name, label.value, hash);
	if (i != 0)
		return i;
	text = arena_alloc(head_index->arena, Max(label.value.len, 1), NULL);
	i = text ? slots_alloc(&head_index->pairs) : 0;
	if (i == 0)
	{
		if (text)
			arena_free(head_index->arena, text);
		free_name_if_unused(name);
		return 0;
	}
	memcpy(text, label.value.s, label.value.len);
	p = index_pair(i);
	p->name = name;
	p->hash = hash;
	p->text = text;
	p->len = label.value.len;
	p->next_of_name = index_name(name)->pairs;
	if (p->next_of_name)
		index_pair(p->next_of_name)->prev_of_name = i;
	index_name(name)->pairs = i;
	index_name(name)->npairs++;
	head = &head_index->pair_heads[hash & (head_index->nbuckets - 1)];
	p->next = *head;
	*head = i;
	return i;
}

/* ---- series ---------------------------------------------------------------------------------- */

SeriesRef
index_find_alias(uint32 tenant, Hash128 alias)
{
	SeriesRef ref = *alias_head(tenant, alias);

	while (ref != 0)
	{
		IndexSeries *s = index_series(ref);

		if (hash128_equal(s->alias, alias) && s->tenant == tenant)
			return ref;
		ref = s->alias_next;
	}
	return 0;
}

void
index_prefetch_alias(uint32 tenant, Hash128 alias)
{
	__builtin_prefetch(alias_head(tenant, alias));
}

static bool
series_has_labels(const IndexSeries *s, const Label *labels, int n)
{
	if (s->npairs != n)
		return false;
	for (int i = 0; i < n; i++)
	{
		const IndexPair *p = index_pair(s->pairs[i]);
		const IndexName *nm = index_name(p->name);

		if (p->len != labels[i].value.len || nm->len != labels[i].name.len ||
			memcmp(p->text, labels[i].value.s, p->len) != 0 ||
			memcmp(nm->text, labels[i].name.s, nm->len) != 0)
			return false;
	}
	return true;
}

SeriesRef
index_find_labels(uint32 tenant, uint64 hash, const Label *labels, int n)
{
	SeriesRef ref = *hash_head(tenant, hash);

	while (ref != 0)
	{
		IndexSeries *s = index_series(ref);

		if (s->hash == hash && s->tenant == tenant && series_has_labels(s, labels, n))
			return ref;
		ref = s->hash_next;
	}
	return 0;
}

static void
unlink_alias(SeriesRef ref)
{
	IndexSeries *s = index_series(ref);
	uint32 *link = alias_head(s->tenant, s->alias);

	if (!s->alias_linked)
		return;
	while (*link != ref)
		link = &index_series(*link)->alias_next;
	*link = s->alias_next;
	s->alias_linked = false;
}

void
index_set_alias(SeriesRef ref, Hash128 alias)
{
	IndexSeries *s = index_series(ref);
	uint32 *head;

	unlink_alias(ref);
	s->alias = alias;
	head = alias_head(s->tenant, alias);
	s->alias_next = *head;
	*head = ref;
	s->alias_linked = true;
}

/*
 * index_create_series -- a series that index_find_labels does not know, labels sorted and
 * unique.  alias {0,0} means none.  Returns 0 if memory is used up.
 */
SeriesRef
index_create_series(uint32 tenant, const Label *labels, int n, uint64 hash, int64 series_id,
					Hash128 alias)
{
	IndexTenant *t = index_tenant(tenant);
	SeriesRef ref;
	IndexSeries *s;
	uint32 *pairs;
	uint32 *head;
	int done;

	Assert(LWLockHeldByMeInMode(&head_index->lock, LW_EXCLUSIVE));
	pairs = arena_alloc(head_index->arena, Max(n, 1) * sizeof(uint32), NULL);
	if (pairs == NULL)
		return 0;
	ref = slots_alloc(&head_index->series);
	if (ref == 0)
	{
		arena_free(head_index->arena, pairs);
		return 0;
	}
	for (done = 0; done < n; done++)
	{
		pairs[done] = get_pair(tenant, labels[done]);
		if (pairs[done] == 0)
			break;
		if (!postings_add(head_index->arena, &index_pair(pairs[done])->postings, ref))
		{
			free_pair_if_unused(pairs[done]);
			break;
		}
		index_pair(pairs[done])->nrefs++;
	}
	if (done < n || !postings_add(head_index->arena, &t->all, ref))
	{
		while (--done >= 0)
		{
			postings_remove(head_index->arena, &index_pair(pairs[done])->postings, ref);
			index_pair(pairs[done])->nrefs--;
			free_pair_if_unused(pairs[done]);
		}
		slots_free(&head_index->series, ref);
		arena_free(head_index->arena, pairs);
		return 0;
	}

	s = index_series(ref);
	s->hash = hash;
	s->series_id = series_id;
	s->pairs = pairs;
	s->npairs = n;
	s->tenant = tenant;
	head = hash_head(tenant, hash);
	s->hash_next = *head;
	*head = ref;
	if (alias.lo != 0 || alias.hi != 0)
		index_set_alias(ref, alias);
	t->nseries++;
	head_index->nseries++;
	return ref;
}

void
index_unlink_series(SeriesRef ref)
{
	IndexSeries *s = index_series(ref);
	IndexTenant *t = index_tenant(s->tenant);
	uint32 *link = hash_head(s->tenant, s->hash);

	Assert(LWLockHeldByMeInMode(&head_index->lock, LW_EXCLUSIVE));
	unlink_alias(ref);
	while (*link != ref)
		link = &index_series(*link)->hash_next;
	*link = s->hash_next;
	for (int i = 0; i < s->npairs; i++)
		postings_remove(head_index->arena, &index_pair(s->pairs[i])->postings, ref);
	postings_remove(head_index->arena, &t->all, ref);
	t->nseries--;
	head_index->nseries--;
	s->dead = true;
}

/*
 * index_free_series -- give back what unlink kept for the last readers: the slot, the pair
 * array and pairs that no series carries any more.
 */
void
index_free_series(SeriesRef ref)
{
	IndexSeries *s = index_series(ref);

	Assert(LWLockHeldByMeInMode(&head_index->lock, LW_EXCLUSIVE) && s->dead);
	for (int i = 0; i < s->npairs; i++)
	{
		index_pair(s->pairs[i])->nrefs--;
		free_pair_if_unused(s->pairs[i]);
	}
	arena_free(head_index->arena, s->pairs);
	slots_free(&head_index->series, ref);
}

/* ---- labels of a series ---------------------------------------------------------------------- */

static inline StrView
pair_name(const IndexPair *p)
{
	const IndexName *n = index_name(p->name);

	return strview(n->text, n->len);
}

Size
index_labels_size(SeriesRef ref)
{
	const IndexSeries *s = index_series(ref);
	Size size = 0;

	for (int i = 0; i < s->npairs; i++)
	{
		const IndexPair *p = index_pair(s->pairs[i]);
		uint32 nlen = index_name(p->name)->len;

		size += nlen + (nlen < 255 ? 1 : 4) + p->len + (p->len < 255 ? 1 : 4);
	}
	return size;
}

uint8 *
index_labels_put(SeriesRef ref, uint8 *out)
{
	const IndexSeries *s = index_series(ref);

	for (int i = 0; i < s->npairs; i++)
	{
		const IndexPair *p = index_pair(s->pairs[i]);

		out = labels_put(out, pair_name(p), strview(p->text, p->len));
	}
	return out;
}

Labels
index_labels(SeriesRef ref)
{
	Size size = index_labels_size(ref);
	uint8 *data = palloc(Max(size, 1));

	index_labels_put(ref, data);
	return (Labels){data, (uint32) size};
}

int
index_labels_cmp(SeriesRef a, SeriesRef b)
{
	const IndexSeries *sa = index_series(a);
	const IndexSeries *sb = index_series(b);
	int n = Min(sa->npairs, sb->npairs);

	for (int i = 0; i < n; i++)
	{
		const IndexPair *pa;
		const IndexPair *pb;

		if (sa->pairs[i] == sb->pairs[i])
			continue;
		pa = index_pair(sa->pairs[i]);
		pb = index_pair(sb->pairs[i]);
		if (pa->name != pb->name)
			return strview_cmp(pair_name(pa), pair_name(pb));
		return strview_cmp(strview(pa->text, pa->len), strview(pb->text, pb->len));
	}
	return (int) sa->npairs - (int) sb->npairs;
}

StrView
index_label_value(SeriesRef ref, StrView name)
{
	const IndexSeries *s = index_series(ref);

	for (int i = 0; i < s->npairs; i++)
	{
		const IndexPair *p = index_pair(s->pairs[i]);
		const IndexName *n = index_name(p->name);

		if (n->len == name.len && memcmp(n->text, name.s, name.len) == 0)
			return strview(p->text, p->len);
	}
	return strview("", 0);
}
