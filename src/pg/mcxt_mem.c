/*
 * mcxt_mem.c
 *    util/mem.h in the server: palloc and memory contexts.
 *
 * A MemScope is a MemoryContext by another name; sizes beyond 1 GB are allowed, for the callers
 * bound them themselves.
 */
#include "postgres.h"

#include "util/mem.h"

#include "utils/memutils.h"

void *
mem_alloc(size_t size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_HUGE);
}

void *
mem_alloc0(size_t size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void *
mem_realloc(void *ptr, size_t size)
{
	return ptr == NULL ? mem_alloc(size) : repalloc_huge(ptr, size);
}

void
mem_free(void *ptr)
{
	if (ptr != NULL)
		pfree(ptr);
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
	s = palloc(n + 1);
	va_start(ap, fmt);
	vsnprintf(s, n + 1, fmt, ap);
	va_end(ap);
	return s;
}

MemScope *
mem_scope_create(const char *static_name)
{
	/* the macro wants a literal; the name is one by contract */
	return (MemScope *) AllocSetContextCreateInternal(CurrentMemoryContext, static_name,
													  ALLOCSET_DEFAULT_SIZES);
}

MemScope *
mem_scope_current(void)
{
	return (MemScope *) CurrentMemoryContext;
}

MemScope *
mem_scope_switch(MemScope *scope)
{
	return (MemScope *) MemoryContextSwitchTo((MemoryContext) scope);
}

void
mem_scope_reset(MemScope *scope)
{
	MemoryContextReset((MemoryContext) scope);
}

void
mem_scope_delete(MemScope *scope)
{
	MemoryContextDelete((MemoryContext) scope);
}

size_t
mem_scope_bytes(MemScope *scope)
{
	return MemoryContextMemAllocated((MemoryContext) scope, true);
}
