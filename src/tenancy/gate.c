/*
 * gate.c
 *    Which tenants may be seen: of the request under way, or of the current role.
 *
 * In a request the answer is the request's own set.  In SQL it is what the role's memberships
 * grant (mimir.tenant_member), everything for superusers and members of mimir_admin, and the
 * setting mimir.tenant narrows it to one of them; naming another tenant narrows to nothing.
 *
 * Computed once per transaction and role; changes of the tables or of role memberships drop it
 * earlier.
 */
#include "postgres.h"

#include "tenancy/gate.h"

#include "pg/compat.h"
#include "pg/export.h"
#include "pg/guc.h"
#include "tables/relation.h"
#include "tenancy/owner_rights.h"
#include "tenancy/tenant_int.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

MIMIR_FUNCTION(mimir_visible_tenants);
MIMIR_FUNCTION(mimir_tenant_changed);

#define HTTP_ROLE	"mimir_http"
#define ADMIN_ROLE	"mimir_admin"
#define WRITER_ROLE "mimir_writer"

/* What was worked out for reads and for writes; the set lives in TopTransactionContext. */
typedef struct Answer
{
	LocalTransactionId lxid;
	Oid role;
	uint64 changes;		  /* tenant_changes at that time */
	const char *narrowed; /* mimir.tenant */
	const TenantSet *set; /* NULL: none yet */
} Answer;

static Answer answers[2]; /* by write */
static const TenantSet *request_set;
static Oid saved_user = InvalidOid;
static int saved_sec;

void
tenancy_enter(const TenantSet *set)
{
	Oid role = get_role_oid(HTTP_ROLE, false);

	GetUserIdAndSecContext(&saved_user, &saved_sec);
	SetUserIdAndSecContext(role, saved_sec | SECURITY_LOCAL_USERID_CHANGE);
	request_set = set;
}

void
tenancy_leave(void)
{
	if (request_set != NULL && OidIsValid(saved_user))
		SetUserIdAndSecContext(saved_user, saved_sec);
	request_set = NULL;
	saved_user = InvalidOid;
}

static bool
sees_all(Oid role)
{
	Oid admin = get_role_oid(ADMIN_ROLE, true);

	return superuser_arg(role) || (OidIsValid(admin) && has_privs_of_role(role, admin));
}

/* Ids of the tenants that a role may read, or write, sorted by name. */
static int
query_ids(Oid role, bool write, TenantId **ids)
{
	bool all = sees_all(role);
	const char *sql = all ? "SELECT tenant_id FROM mimir.tenant ORDER BY name"
						  : "SELECT DISTINCT t.tenant_id, t.name FROM mimir.tenant t"
							" JOIN mimir.tenant_member m USING (tenant_id)"
							" JOIN pg_roles r ON r.rolname = m.member"
							" WHERE pg_has_role($1, r.oid, 'USAGE') AND (m.can_write OR NOT $2)"
							" ORDER BY t.name";
	Oid types[2] = {OIDOID, BOOLOID};
	Datum values[2] = {ObjectIdGetDatum(role), BoolGetDatum(write)};
	MemoryContext caller = CurrentMemoryContext;
	OwnerRights rights;
	int n;

	owner_rights_begin(&rights);
	SPI_connect();
	if (SPI_execute_with_args(sql, all ? 0 : 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.tenant");
	n = (int) SPI_processed;
	*ids = MemoryContextAlloc(caller, sizeof(TenantId) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		bool isnull;

		(*ids)[i] = (TenantId) DatumGetInt32(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	owner_rights_end(&rights);
	return n;
}

/* The answer for a role, narrowed by mimir.tenant, in CurrentMemoryContext. */
static TenantSet *
resolve(Oid role, bool write)
{
	TenantSet *set = palloc0(sizeof(TenantSet));
	TenantId *ids;
	int n = query_ids(role, write, &ids);

	set->tenants = palloc(sizeof(Tenant *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const Tenant *t = tenancy_by_id(ids[i]);

		if (t == NULL || (mimir_tenant[0] != '\0' && strcmp(mimir_tenant, t->name) != 0))
			continue;
		set->tenants[set->n++] = (Tenant *) t;
	}
	set->federated = set->n > 1;
	return set;
}

static const TenantSet *
answer(bool write)
{
	Answer *a = &answers[write];
	Oid role = GetUserId();
	MemoryContext old;
	uint64 changes;
	TenantSet *set;

	tenant_cache_init();
	if (a->set != NULL && a->lxid == compat_my_lxid() && a->role == role &&
		a->changes == tenant_changes && strcmp(a->narrowed, mimir_tenant) == 0)
		return a->set;
	a->set = NULL;
	changes = tenant_changes;
	old = MemoryContextSwitchTo(TopTransactionContext);
	set = resolve(role, write);
	*a = (Answer){compat_my_lxid(), role, changes, pstrdup(mimir_tenant), set};
	MemoryContextSwitchTo(old);
	return set;
}

const TenantSet *
tenancy_visible(void)
{
	return request_set != NULL ? request_set : answer(false);
}

const Tenant *
tenancy_writable(void)
{
	const TenantSet *set = answer(true);
	Oid writer = get_role_oid(WRITER_ROLE, false);

	if (!has_privs_of_role(GetUserId(), writer))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to write samples"),
						errdetail("Only members of mimir_writer may.")));
	if (set->n == 1)
		return set->tenants[0];
	if (set->n == 0 && mimir_tenant[0] == '\0' && sees_all(GetUserId()) && !mimir_multitenancy)
		return tenant_create("anonymous");
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s", set->n == 0 ? "there is no tenant to write to"
											 : "more than one tenant could be written to"),
					errhint("Set mimir.tenant to the tenant's name.")));
	return NULL;
}

/* mimir.visible_tenants() -- ids of tenancy_visible() as int[]. */
Datum
mimir_visible_tenants(PG_FUNCTION_ARGS)
{
	const TenantSet *set = tenancy_visible();
	Datum *ids = palloc(sizeof(Datum) * Max(set->n, 1));

	for (int i = 0; i < set->n; i++)
		ids[i] = Int32GetDatum((int32) set->tenants[i]->id);
	PG_RETURN_ARRAYTYPE_P(construct_array(ids, set->n, INT4OID, 4, true, TYPALIGN_INT));
}

/* mimir.tenant_changed() -- statement trigger: every process forgets what it knows. */
Datum
mimir_tenant_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(tables_relid("tenant"));
	PG_RETURN_POINTER(NULL);
}
