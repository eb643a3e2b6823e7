/*
 * status.c
 *    Pages about the server itself: build, readiness, counters, services, ring.
 */
#include "api/handlers.h"

#include "pg/guc.h"
#include "pg/stats.h"
#include "store/serving.h"
#include "util/text.h"

#include "miscadmin.h"

bool
api_buildinfo(ApiCall *call)
{
	Buf b;

	buf_init(&b, 512, 4096);
	buf_str(&b,
			"{\"application\":\"mimir_pg\",\"version\":\"" MIMIR_VERSION "\",\"revision\":\"\","
			"\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\","
			"\"features\":{\"ruler_config_api\":\"false\",\"alertmanager_config_api\":\"false\","
			"\"query_sharding\":\"false\",\"federated_rules\":\"false\"}}");
	api_success_text(call, &b);
	return true;
}

/* The worker has looked whether the store is ready before it called. */
bool
api_ready(ApiCall *call)
{
	http_reply(call->resp, 200, "text/plain; charset=utf-8", "ready\n");
	return true;
}

bool
api_metrics(ApiCall *call)
{
	Buf b;
	const char *last = "";

	buf_init(&b, 16384, 1024 * 1024);
	for (int i = 0; i < STAT_NCOUNTERS; i++)
	{
		const StatInfo *s = stats_info(i);

		if (strcmp(last, s->metric) != 0)
			buf_printf(&b, "# HELP %s %s\n# TYPE %s %s\n", s->metric, s->help, s->metric, s->type);
		last = s->metric;
		buf_printf(&b, s->labels[0] ? "%s{%s} %llu\n" : "%s%s %llu\n", s->metric, s->labels,
				   (unsigned long long) stats_get(i));
	}
	http_set_header(call->resp, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	http_write(call->resp, b.data, b.len);
	return true;
}

bool
api_services(ApiCall *call)
{
	http_reply(call->resp, 200, "text/plain; charset=utf-8",
			   psprintf("gateway => Running\nworkers => Running\nstore => %s\n",
						store_is_ready() ? "Running" : "Starting"));
	return true;
}

/* One instance owns everything; clients that look for a ring find one. */
bool
api_ring(ApiCall *call)
{
	const char *accept = http_header(call->req, "accept");
	const char *state = store_is_ready() ? "ACTIVE" : "JOINING";

	if (accept && strstr(accept, "application/json"))
		http_reply(
			call->resp, 200, "application/json",
			psprintf("{\"shards\":[{\"id\":\"mimir_pg\",\"state\":\"%s\",\"address\":\"%s:%d\","
					 "\"tokens\":[0],\"registered_timestamp\":\"\",\"zone\":\"\"}]}",
					 state, mimir_http_listen, mimir_http_port));
	else
		http_reply(
			call->resp, 200, "text/html; charset=utf-8",
			psprintf("<!DOCTYPE html><html><head><title>Ring status</title></head><body>"
					 "<h1>Ring status</h1><table border=\"1\"><tr><th>Instance</th><th>State</th>"
					 "<th>Address</th><th>Ownership</th></tr><tr><td>mimir_pg</td><td>%s</td>"
					 "<td>%s:%d</td><td>100%%</td></tr></table></body></html>\n",
					 state, mimir_http_listen, mimir_http_port));
	return true;
}
