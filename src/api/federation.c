/*
 * federation.c
 *    Several tenants in one request: matchers on __tenant_id__ choose among them, series carry it.
 */
#include "api/handlers.h"

#include "store/select.h"

bool
api_matchers_of_tenant(ApiCall *call, const Tenant *tenant, const Matcher *m, int n,
					   StoreMatcherSet *out)
{
	Matcher *kept = palloc(sizeof(Matcher) * Max(n, 1));
	int nkept = 0;

	for (int i = 0; i < n; i++)
	{
		if (!call->tenants.federated || !strview_eq_cstr(m[i].name, API_TENANT_LABEL))
			kept[nkept++] = m[i];
		else if (!matcher_matches(&m[i], strview_cstr(tenant->name)))
			return false;
	}
	*out = (StoreMatcherSet){kept, nkept};
	return true;
}

Labels
api_labels_of_tenant(ApiCall *call, const Tenant *tenant, Labels labels)
{
	LabelsBuilder lb;

	if (!call->tenants.federated)
		return labels;
	labels_builder_init(&lb);
	labels_builder_from(&lb, labels);
	labels_builder_set(&lb, strview_cstr(API_TENANT_LABEL), strview_cstr(tenant->name));
	return labels_builder_finish(&lb);
}
