/*
 * mem.c
 *    Copies on top of mem_alloc.
 */
#include "util/mem.h"

#include <string.h>

void *
mem_dup(const void *p, size_t len)
{
	void *d = mem_alloc(len > 0 ? len : 1);

	if (len > 0)
		memcpy(d, p, len);
	return d;
}

char *
mem_strndup(const char *s, size_t len)
{
	char *d = mem_alloc(len + 1);

	if (len > 0)
		memcpy(d, s, len);
	d[len] = '\0';
	return d;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}
