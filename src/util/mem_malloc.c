/*
 * mem_malloc.c
 *    util/mem.h on malloc, for unit tests and fuzzers: never linked into the server.
 *
 * Every block stands in the list of its scope, so that deleting a scope frees it and
 * AddressSanitizer sees each block's borders.
 */
#include "util/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block Block;
struct Block
{
	Block *prev;
	Block *next;
	MemScope *scope;
	size_t size;
};

struct MemScope
{
	Block head; /* ring of blocks */
	MemScope *parent;
	MemScope *first_child;
	MemScope *next_sibling;
	size_t bytes;
};

#define HEADER ((sizeof(Block) + 15) / 16 * 16)

static MemScope root = {.head = {.prev = &root.head, .next = &root.head}};
static MemScope *current = &root;

static void
link_block(Block *b, MemScope *s)
{
	b->scope = s;
	b->prev = s->head.prev;
	b->next = &s->head;
	b->prev->next = b;
	b->next->prev = b;
	s->bytes += b->size;
}

static void
unlink_block(Block *b)
{
	b->prev->next = b->next;
	b->next->prev = b->prev;
	b->scope->bytes -= b->size;
}

void *
mem_alloc(size_t size)
{
	Block *b = malloc(HEADER + size);

	if (b == NULL)
		abort();
	b->size = size;
	link_block(b, current);
	return (char *) b + HEADER;
}

void *
mem_alloc0(size_t size)
{
	return memset(mem_alloc(size), 0, size);
}

void *
mem_realloc(void *ptr, size_t size)
{
	Block *b;
	MemScope *s;

	if (ptr == NULL)
		return mem_alloc(size);
	b = (Block *) ((char *) ptr - HEADER);
	s = b->scope;
	unlink_block(b);
	b = realloc(b, HEADER + size);
	if (b == NULL)
		abort();
	b->size = size;
	link_block(b, s);
	return (char *) b + HEADER;
}

void
mem_free(void *ptr)
{
	Block *b;

	if (ptr == NULL)
		return;
	b = (Block *) ((char *) ptr - HEADER);
	unlink_block(b);
	free(b);
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	int n;
	char *s;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = mem_alloc((size_t) n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t) n + 1, fmt, ap);
	va_end(ap);
	return s;
}

MemScope *
mem_scope_create(const char *static_name)
{
	MemScope *s = calloc(1, sizeof(MemScope));

	(void) static_name;
	if (s == NULL)
		abort();
	s->head.prev = s->head.next = &s->head;
	s->parent = current;
	s->next_sibling = current->first_child;
	current->first_child = s;
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
	MemScope *old = current;

	current = scope;
	return old;
}

void
mem_scope_reset(MemScope *s)
{
	while (s->first_child)
		mem_scope_delete(s->first_child);
	while (s->head.next != &s->head)
		mem_free((char *) s->head.next + HEADER);
}

void
mem_scope_delete(MemScope *s)
{
	MemScope **link = &s->parent->first_child;

	mem_scope_reset(s);
	while (*link != s)
		link = &(*link)->next_sibling;
	*link = s->next_sibling;
	free(s);
}

size_t
mem_scope_bytes(MemScope *s)
{
	size_t total = s->bytes;

	for (MemScope *c = s->first_child; c != NULL; c = c->next_sibling)
		total += mem_scope_bytes(c);
	return total;
}
