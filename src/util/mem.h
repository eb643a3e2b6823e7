/*
 * mem.h
 *    The one place that says where memory of the pure layers comes from.
 *
 * In the server (src/pg/mcxt_mem.c) these are palloc in CurrentMemoryContext and memory
 * contexts; in unit tests and fuzzers (src/util/mem_malloc.c, not linked into the server) they
 * are malloc with the same lifetimes, so that AddressSanitizer sees every block.
 *
 * No call returns NULL: the server raises an error (a longjmp), the tests abort.  So pure code
 * must hold nothing but memory across a call.
 *
 * A MemScope is a named lifetime (a MemoryContext): everything allocated while it is current
 * is freed by its reset or delete.  Code that builds one result (an AST, a plan, a batch) does
 * not free the pieces; its caller resets the scope.
 */
#ifndef MIMIR_UTIL_MEM_H
#define MIMIR_UTIL_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct MemScope MemScope;

extern void *mem_alloc(size_t size);
extern void *mem_alloc0(size_t size);
extern void *mem_realloc(void *ptr, size_t size); /* ptr may be NULL */
extern void mem_free(void *ptr);				  /* ptr may be NULL */
extern char *mem_strdup(const char *s);
extern char *mem_strndup(const char *s, size_t len); /* copies len bytes, adds NUL */
extern void *mem_dup(const void *p, size_t len);
extern char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

extern MemScope *mem_scope_create(const char *static_name); /* child of the current scope */
extern MemScope *mem_scope_current(void);
extern MemScope *mem_scope_switch(MemScope *scope); /* returns the former current one */
extern void mem_scope_reset(MemScope *scope);
extern void mem_scope_delete(MemScope *scope);
extern size_t mem_scope_bytes(MemScope *scope); /* bytes held, children included */

#endif
