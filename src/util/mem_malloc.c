/*
 * mem_malloc.c
 *    util/mem.h over malloc, for unit tests and fuzzers; never linked into the server.
 *
 * Scopes form a tree below one root that exists from the start.  Every block is a malloc of its
 * own with a header that links it into its scope's ring, so a sanitizer sees each block, and a
 * block outliving its scope is reported as what it is, a use after free.  Reset and delete free
 * the scope's children too, as PostgreSQL's memory contexts do.
 *
 * Concurrency: none; the tests have one thread.
 */
#include "util/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block Block;
struct Block
{
	alignas(max_align_t) Block *prev;
	Block *next;
	MemScope *scope;
	size_t size; /* bytes the caller asked for */
};

struct MemScope
{
	const char *name;
	MemScope *parent; /* NULL: the root */
	MemScope *child;  /* first child */
	MemScope *sibling;
	size_t bytes; /* of own blocks, without children and headers */
	Block ring;	  /* head of the ring of own blocks */
};

static MemScope root = {.name = "root", .ring = {&root.ring, &root.ring, &root, 0}};
static MemScope *current = &root;

static void
block_link(Block *b, MemScope *scope, size_t size)
{
	b->scope = scope;
	b->size = size;
	b->prev = &scope->ring;
	b->next = scope->ring.next;
	b->prev->next = b;
	b->next->prev = b;
	scope->bytes += size;
}

static void
block_unlink(Block *b)
{
	b->prev->next = b->next;
	b->next->prev = b->prev;
	b->scope->bytes -= b->size;
}

static Block *
block_of(void *ptr)
{
	return (Block *) ptr - 1;
}

/* checked_alloc -- malloc or realloc that aborts instead of returning NULL. */
static Block *
checked_alloc(Block *old, size_t size)
{
	Block *b = NULL;

	if (size <= SIZE_MAX - sizeof(Block))
		b = realloc(old, sizeof(Block) + size);
	if (b == NULL)
	{
		fprintf(stderr, "out of memory: %zu bytes\n", size);
		abort();
	}
	return b;
}

void *
mem_alloc(size_t size)
{
	Block *b = checked_alloc(NULL, size);

	block_link(b, current, size);
	return b + 1;
}

void *
mem_alloc0(size_t size)
{
	return memset(mem_alloc(size), 0, size);
}

/* mem_realloc -- the block stays in the scope it came from. */
void *
mem_realloc(void *ptr, size_t size)
{
	Block *b;
	MemScope *scope;

	if (ptr == NULL)
		return mem_alloc(size);
	b = block_of(ptr);
	scope = b->scope;
	block_unlink(b);
	b = checked_alloc(b, size);
	block_link(b, scope, size);
	return b + 1;
}

void
mem_free(void *ptr)
{
	if (ptr == NULL)
		return;
	block_unlink(block_of(ptr));
	free(block_of(ptr));
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	int len;
	char *r;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(len >= 0);
	r = mem_alloc((size_t) len + 1);
	va_start(ap, fmt);
	vsnprintf(r, (size_t) len + 1, fmt, ap);
	va_end(ap);
	return r;
}

MemScope *
mem_scope_create(const char *static_name)
{
	MemScope *s = malloc(sizeof(*s));

	if (s == NULL)
		abort();
	*s = (MemScope){.name = static_name, .parent = current, .sibling = current->child};
	s->ring = (Block){.prev = &s->ring, .next = &s->ring, .scope = s};
	current->child = s;
	return s;
}

MemScope *
mem_scope_current(void)
{
	return current;
}

MemScope *
mem_scope_switch(MemScope *scope)
{
	MemScope *former = current;

	current = scope;
	return former;
}

void
mem_scope_reset(MemScope *scope)
{
	while (scope->child != NULL)
		mem_scope_delete(scope->child);
	while (scope->ring.next != &scope->ring)
		mem_free(scope->ring.next + 1);
	assert(scope->bytes == 0);
}

/* mem_scope_delete -- the root and the current scope must not be deleted (asserted). */
void
mem_scope_delete(MemScope *scope)
{
	MemScope **link;

	assert(scope != &root && scope != current);
	mem_scope_reset(scope);
	for (link = &scope->parent->child; *link != scope; link = &(*link)->sibling)
		;
	*link = scope->sibling;
	free(scope);
}

size_t
mem_scope_bytes(MemScope *scope)
{
	size_t n = scope->bytes;

	for (MemScope *c = scope->child; c != NULL; c = c->sibling)
		n += mem_scope_bytes(c);
	return n;
}
