/*
 * auth.c
 *    From a request's X-Scope-OrgID to its tenants (Mimir's rules and messages).
 */
#include "postgres.h"

#include "tenancy/tenant.h"

#include "pg/guc.h"
#include "tenancy/tenant_int.h"

#include "access/xlog.h"

#define ANONYMOUS "anonymous"

static bool
name_valid(const char *name, Err *err)
{
	if (strlen(name) > TENANT_NAME_MAX)
		return err_set(err, ERR_UNAUTHORIZED, -1, "tenant ID is too long: max %d characters",
					   TENANT_NAME_MAX);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_UNAUTHORIZED, -1, "tenant ID is '.' or '..'");
	for (const char *p = name; *p; p++)
	{
		bool ok = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
				  (*p >= 'A' && *p <= 'Z') || strchr("!-_.*'()", *p) != NULL;

		if (!ok)
			return err_set(err, ERR_UNAUTHORIZED, -1,
						   "tenant ID '%s' contains unsupported character '%c'", name,
						   (unsigned char) *p < 0x80 ? *p : '?');
	}
	return true;
}

static int
cmp_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Split at `|`, check, sort, drop duplicates. */
static int
split_names(const char *header, char ***out, Err *err)
{
	char *copy = pstrdup(header);
	int n = 1;
	int kept = 0;

	for (const char *p = header; *p; p++)
		n += *p == '|';
	*out = palloc(sizeof(char *) * n);
	n = 0;
	for (char *name = copy; name != NULL;)
	{
		char *bar = strchr(name, '|');

		if (bar)
			*bar = '\0';
		if (name[0] == '\0')
		{
			err_set(err, ERR_UNAUTHORIZED, -1, "no org id");
			return -1;
		}
		if (!name_valid(name, err))
			return -1;
		(*out)[n++] = name;
		name = bar ? bar + 1 : NULL;
	}
	qsort(*out, n, sizeof(char *), cmp_names);
	for (int i = 0; i < n; i++)
		if (kept == 0 || strcmp((*out)[kept - 1], (*out)[i]) != 0)
			(*out)[kept++] = (*out)[i];
	return kept;
}

bool
tenancy_for_request(const HttpRequest *req, bool write, TenantSet *out, Err *err)
{
	const char *header = mimir_multitenancy ? http_header(req, "x-scope-orgid") : ANONYMOUS;
	char **names;
	int n;

	out->n = 0;
	if (header == NULL || header[0] == '\0')
		return err_set(err, ERR_UNAUTHORIZED, -1, "no org id");
	n = split_names(header, &names, err);
	if (n < 0)
		return false;
	if (write && n > 1)
		return err_set(err, ERR_BAD_REQUEST, -1, "multiple org IDs present");
	if (n > 1 && (!mimir_tenant_federation || (mimir_tenant_federation_max_tenants > 0 &&
											   n > mimir_tenant_federation_max_tenants)))
		return err_set(err, ERR_TENANTS, -1, "too many tenant IDs present. max: %d actual: %d",
					   mimir_tenant_federation ? mimir_tenant_federation_max_tenants : 1, n);
	out->federated = n > 1;
	out->tenants = palloc(sizeof(Tenant *) * n);
	for (int i = 0; i < n; i++)
	{
		const Tenant *t = tenant_by_name(names[i]);

		if (t == NULL && write && (mimir_auto_create_tenants || !mimir_multitenancy))
			t = tenant_create(names[i]);
		if (t == NULL && write)
			return err_set(err, ERR_UNAUTHORIZED, -1, "tenant \"%s\" does not exist", names[i]);
		if (t != NULL)
			out->tenants[out->n++] = (Tenant *) t;
	}
	return true;
}
