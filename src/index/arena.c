/*
 * arena.c
 *    Page and slab allocator over the head's shared memory.
 *
 * Each page has a descriptor apart from it.  A slab page keeps its own list of free items
 * (threaded through them) and a count of used ones; pages with both used and free items stand
 * in a doubly linked list per class.  Freeing the last item returns the page to the pool.
 *
 * Size classes rise by 32 bytes up to 512, then by an eighth: open chunks grow in small steps and
 * waste little.
 *
 * Invariants: a page is in exactly one state; used + free items = items of the class; a page is
 * in its class list iff 0 < used < items.
 */
#include "postgres.h"

#include "index/arena.h"

#include "storage/spin.h"

#define ARENA_NCLASSES 44
#define ARENA_NOPAGE   UINT32_MAX

typedef enum ArenaPageState
{
	ARENA_PAGE_FREE, /* in the pool */
	ARENA_PAGE_SLAB, /* cut into items */
	ARENA_PAGE_WHOLE /* handed out as one page */
} ArenaPageState;

typedef struct ArenaPageDesc
{
	uint8 state;
	uint8 class;
	uint16 used;	   /* items handed out */
	uint16 carved;	   /* items ever handed out or freed: those beyond are untouched */
	uint32 prev, next; /* class list of partly used pages, or pool list (next only) */
	void *free;		   /* first freed item */
} ArenaPageDesc;

struct Arena
{
	slock_t lock; /* guards all below */
	char *base;
	uint32 npages;
	uint32 fresh;	  /* pages from here on were never handed out */
	uint32 pool;	  /* returned pages */
	uint32 pages_out; /* handed out now */
	int nclasses;
	uint32 class_size[ARENA_NCLASSES];
	uint32 partial[ARENA_NCLASSES];
	uint8 class_of[ARENA_PAGE / 32 + 1]; /* by (size + 31) / 32 */
	ArenaPageDesc desc[FLEXIBLE_ARRAY_MEMBER];
};

static uint32
arena_npages(Size budget)
{
	return (uint32) Max(budget / ARENA_PAGE, 16);
}

Size
arena_shmem_size(Size budget)
{
	uint32 n = arena_npages(budget);

	return MAXALIGN(offsetof(Arena, desc) + sizeof(ArenaPageDesc) * n) + (Size) n * ARENA_PAGE +
		   ARENA_PAGE;
}

Arena *
arena_init(void *shmem, Size budget)
{
	Arena *a = shmem;
	uint32 size = 32;

	SpinLockInit(&a->lock);
	a->npages = arena_npages(budget);
	a->base = (char *) TYPEALIGN(ARENA_PAGE, (char *) shmem + offsetof(Arena, desc) +
												 sizeof(ArenaPageDesc) * a->npages);
	a->fresh = 0;
	a->pool = ARENA_NOPAGE;
	a->pages_out = 0;
	a->nclasses = 0;
	while (size < ARENA_PAGE / 2)
	{
		a->class_size[a->nclasses++] = size;
		size += size < 512 ? 32 : TYPEALIGN(32, size / 4);
	}
	a->class_size[a->nclasses++] = ARENA_PAGE / 2;
	a->class_size[a->nclasses++] = ARENA_PAGE;
	Assert(a->nclasses <= ARENA_NCLASSES);
	for (int c = 0, i = 0; c < a->nclasses; c++)
	{
		a->partial[c] = ARENA_NOPAGE;
		for (; i <= (int) (a->class_size[c] / 32); i++)
			a->class_of[i] = c;
	}
	return a;
}

static inline char *
page_start(Arena *a, uint32 page)
{
	return a->base + (Size) page * ARENA_PAGE;
}

static inline uint32
page_of(Arena *a, const void *p)
{
	return (uint32) (((const char *) p - a->base) / ARENA_PAGE);
}

static uint32
pool_take_locked(Arena *a)
{
	uint32 page = a->pool;

	if (page != ARENA_NOPAGE)
		a->pool = a->desc[page].next;
	else if (a->fresh < a->npages)
		page = a->fresh++;
	else
		return ARENA_NOPAGE;
	a->pages_out++;
	return page;
}

static void
pool_return_locked(Arena *a, uint32 page)
{
	a->desc[page].state = ARENA_PAGE_FREE;
	a->desc[page].next = a->pool;
	a->pool = page;
	a->pages_out--;
}

static void
partial_push_locked(Arena *a, uint32 page)
{
	ArenaPageDesc *d = &a->desc[page];

	d->prev = ARENA_NOPAGE;
	d->next = a->partial[d->class];
	if (d->next != ARENA_NOPAGE)
		a->desc[d->next].prev = page;
	a->partial[d->class] = page;
}

static void
partial_remove_locked(Arena *a, uint32 page)
{
	ArenaPageDesc *d = &a->desc[page];

	if (d->prev != ARENA_NOPAGE)
		a->desc[d->prev].next = d->next;
	else
		a->partial[d->class] = d->next;
	if (d->next != ARENA_NOPAGE)
		a->desc[d->next].prev = d->prev;
}

void *
arena_alloc(Arena *a, Size size, uint32 *cap)
{
	int class;
	uint32 page;
	uint32 items;
	ArenaPageDesc *d;
	void *item;

	Assert(size >= 1 && size <= ARENA_MAX_ITEM);
	class = a->class_of[(size + 31) / 32];
	items = ARENA_PAGE / a->class_size[class];

	SpinLockAcquire(&a->lock);
	page = a->partial[class];
	if (page == ARENA_NOPAGE)
	{
		page = pool_take_locked(a);
		if (page == ARENA_NOPAGE)
		{
			SpinLockRelease(&a->lock);
			return NULL;
		}
		d = &a->desc[page];
		d->state = ARENA_PAGE_SLAB;
		d->class = class;
		d->used = 0;
		d->carved = 0;
		d->free = NULL;
		partial_push_locked(a, page);
	}
	d = &a->desc[page];
	if (d->free != NULL)
	{
		item = d->free;
		d->free = *(void **) item;
	}
	else
		item = page_start(a, page) + (Size) d->carved++ * a->class_size[class];
	if (++d->used == items)
		partial_remove_locked(a, page);
	SpinLockRelease(&a->lock);

	if (cap)
		*cap = a->class_size[class];
	return item;
}

void
arena_free(Arena *a, void *p)
{
	uint32 page = page_of(a, p);
	ArenaPageDesc *d = &a->desc[page];
	uint32 items;

	SpinLockAcquire(&a->lock);
	Assert(d->state == ARENA_PAGE_SLAB && d->used > 0);
	items = ARENA_PAGE / a->class_size[d->class];
	*(void **) p = d->free;
	d->free = p;
	if (d->used-- == items && items > 1)
		partial_push_locked(a, page);
	if (d->used == 0)
	{
		if (items > 1)
			partial_remove_locked(a, page);
		pool_return_locked(a, page);
	}
	SpinLockRelease(&a->lock);
}

uint32
arena_cap(Arena *a, void *p)
{
	return a->class_size[a->desc[page_of(a, p)].class];
}

void *
arena_page_alloc(Arena *a)
{
	uint32 page;

	SpinLockAcquire(&a->lock);
	page = pool_take_locked(a);
	if (page != ARENA_NOPAGE)
		a->desc[page].state = ARENA_PAGE_WHOLE;
	SpinLockRelease(&a->lock);
	return page == ARENA_NOPAGE ? NULL : page_start(a, page);
}

void
arena_page_free(Arena *a, void *p)
{
	uint32 page = page_of(a, p);

	SpinLockAcquire(&a->lock);
	Assert(a->desc[page].state == ARENA_PAGE_WHOLE);
	pool_return_locked(a, page);
	SpinLockRelease(&a->lock);
}

Size
arena_used(Arena *a)
{
	return (Size) a->pages_out * ARENA_PAGE;
}

Size
arena_budget(Arena *a)
{
	return (Size) a->npages * ARENA_PAGE;
}
