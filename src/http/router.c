/*
 * router.c
 *    Matching a path against a table of patterns.
 *
 * The tables are small and matched linearly; a pattern has at most one {name}, which takes one
 * non-empty path segment (percent-encoded slashes stay inside it).
 */
#include "http/router.h"

#include <string.h>

static bool
path_matches(const char *pattern, const char *path, HttpMatch *m)
{
	for (; *pattern; pattern++)
	{
		if (*pattern == '{')
		{
			m->segment = path;
			m->segment_len = strcspn(path, "/");
			if (m->segment_len == 0)
				return false;
			path += m->segment_len;
			pattern = strchr(pattern, '}');
			continue;
		}
		if (*pattern != *path++)
			return false;
	}
	return *path == '\0';
}

static bool
method_listed(const char *methods, const char *method)
{
	size_t len = strlen(method);

	while (*methods)
	{
		size_t n = strcspn(methods, ",");

		if (n == len && memcmp(methods, method, n) == 0)
			return true;
		methods += n;
		if (*methods == ',')
			methods++;
	}
	return false;
}

HttpMatch
http_route(const HttpRoute *table, int n, const char *method, const char *path)
{
	HttpMatch found = {NULL, false, NULL, 0};

	for (int i = 0; i < n; i++)
	{
		HttpMatch m = {&table[i], false, NULL, 0};

		if (!path_matches(table[i].pattern, path, &m))
			continue;
		m.method_ok = method_listed(table[i].methods, method);
		found = m;
		if (m.method_ok)
			break;
	}
	return found;
}
