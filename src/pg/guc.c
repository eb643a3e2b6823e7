/*
 * guc.c
 *    All settings mimir.*, sorted by name.
 *
 * Defaults follow Mimir, except that rates and series counts have no limit: one server has no
 * neighbours to protect.
 */
#include "postgres.h"

#include "pg/guc.h"

#include "utils/guc.h"

#include <limits.h>

bool mimir_admin_api;
bool mimir_auto_create_tenants;
int mimir_compaction_cpu;
char *mimir_database;
bool mimir_enable_promql_plan;
bool mimir_enable_store_plan;
int mimir_flush_interval;
int mimir_head_memory;
int mimir_http_buffer_memory;
int mimir_http_idle_timeout;
char *mimir_http_listen;
int mimir_http_max_connections;
int mimir_http_max_request_size;
int mimir_http_port;
int mimir_http_push_workers;
int mimir_http_query_workers;
int mimir_http_request_timeout;
char *mimir_http_tls_cert_file;
char *mimir_http_tls_key_file;
bool mimir_limits_compactor_block_upload_enabled;
int mimir_limits_compactor_block_upload_max_block_size;
int mimir_limits_compactor_blocks_retention_period;
int mimir_limits_creation_grace_period;
int mimir_limits_ingestion_burst_size;
double mimir_limits_ingestion_rate;
int mimir_limits_max_global_series_per_user;
int mimir_limits_max_label_name_length;
int mimir_limits_max_label_names_per_series;
int mimir_limits_max_label_value_length;
int mimir_limits_max_native_histogram_buckets;
bool mimir_limits_native_histograms_ingestion_enabled;
int mimir_limits_out_of_order_time_window;
int mimir_limits_past_grace_period;
bool mimir_limits_utf8_names;
bool mimir_multitenancy;
bool mimir_promql_delayed_name_removal;
bool mimir_promql_experimental;
bool mimir_promql_start_timestamps;
int mimir_query_lookback_delta;
int mimir_query_max_memory;
int mimir_query_max_samples;
int mimir_query_timeout;
char *mimir_tenant;
bool mimir_tenant_federation;
int mimir_tenant_federation_max_tenants;

void
guc_init(void)
{
	DefineCustomBoolVariable("mimir.admin_api",
							 "Enables deleting series and removing tombstones over HTTP.", NULL,
							 &mimir_admin_api, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.auto_create_tenants", "Creates a tenant at its first push.",
							 NULL, &mimir_auto_create_tenants, true, PGC_SIGHUP, 0, NULL, NULL,
							 NULL);
	DefineCustomIntVariable("mimir.compaction_cpu",
							"Sets how much of a core background compaction may use, in percent.",
							"100 means no rest between batches.", &mimir_compaction_cpu, 50, 1, 100,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"mimir.database", "Sets the database that the HTTP server and the flusher work in.", NULL,
		&mimir_database, "postgres", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.enable_promql_plan",
							 "Enables planning of PromQL functions in FROM into plan nodes.", NULL,
							 &mimir_enable_promql_plan, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"mimir.enable_store_plan",
		"Enables planning of samples, series, chunks and label values in FROM into plan nodes that "
		"take over conditions.",
		NULL, &mimir_enable_store_plan, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.flush_interval",
		"Sets how long samples stay in the head before they are flushed to blocks.", NULL,
		&mimir_flush_interval, 1800, 10, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.head_memory", "Sets the memory for recent samples and the series index.", NULL,
		&mimir_head_memory, 512, 32, 1048576, PGC_POSTMASTER, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.http_buffer_memory",
							"Sets the memory for request bodies and replies under way.", NULL,
							&mimir_http_buffer_memory, 64, 8, 16384, PGC_POSTMASTER, GUC_UNIT_MB,
							NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.http_idle_timeout", "Sets after what time an idle client connection is closed.",
		NULL, &mimir_http_idle_timeout, 300, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable("mimir.http_listen",
							   "Sets the addresses that the HTTP server listens on.",
							   "Several are separated by commas; * means all.", &mimir_http_listen,
							   "127.0.0.1", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.http_max_connections", "Sets the number of client connections at once.", NULL,
		&mimir_http_max_connections, 4000, 10, 100000, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.http_max_request_size",
							"Sets the size of the largest request body taken.", NULL,
							&mimir_http_max_request_size, 32768, 64, 1048576, PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.http_port", "Sets the TCP port of the HTTP server.",
							"0 turns the HTTP server off.", &mimir_http_port, 9009, 0, 65535,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.http_push_workers", "Sets the number of workers that take pushes.", NULL,
		&mimir_http_push_workers, 2, 1, 64, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.http_query_workers", "Sets the number of workers that answer queries.", NULL,
		&mimir_http_query_workers, 4, 1, 64, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.http_request_timeout", "Sets how long a client may take to send a request.", NULL,
		&mimir_http_request_timeout, 120, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable("mimir.http_tls_cert_file",
							   "Sets the file of the certificate chain that the HTTP server shows.",
							   "Empty means HTTP without TLS.", &mimir_http_tls_cert_file, "",
							   PGC_POSTMASTER, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("mimir.http_tls_key_file",
							   "Sets the file of the private key of the HTTP server's certificate.",
							   NULL, &mimir_http_tls_key_file, "", PGC_POSTMASTER,
							   GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"mimir.limits_compactor_block_upload_enabled", "Takes TSDB blocks in over HTTP.", NULL,
		&mimir_limits_compactor_block_upload_enabled, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_compactor_block_upload_max_block_size",
							"Sets the size of the largest block that is taken in over HTTP.",
							"0 means no limit.",
							&mimir_limits_compactor_block_upload_max_block_size, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_compactor_blocks_retention_period",
							"Sets how far back samples are kept.", "0 means forever.",
							&mimir_limits_compactor_blocks_retention_period, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_creation_grace_period",
							"Sets how far in the future a sample may be.", NULL,
							&mimir_limits_creation_grace_period, 600, 0, 2147483, PGC_SIGHUP,
							GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.limits_ingestion_burst_size", "Sets the largest burst of samples of a tenant.",
		"Used with mimir.limits_ingestion_rate.", &mimir_limits_ingestion_burst_size, 200000, 0,
		INT_MAX, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("mimir.limits_ingestion_rate",
							 "Sets how many samples a second a tenant may push.",
							 "0 means no limit.", &mimir_limits_ingestion_rate, 0, 0, 1e12,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_max_global_series_per_user",
							"Sets how many active series a tenant may have.", "0 means no limit.",
							&mimir_limits_max_global_series_per_user, 0, 0, INT_MAX, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_max_label_name_length",
							"Sets the length of the longest label name, in bytes.",
							"0 means no limit.", &mimir_limits_max_label_name_length, 1024, 0,
							16000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_max_label_names_per_series",
							"Sets how many labels a series may have.", "0 means no limit.",
							&mimir_limits_max_label_names_per_series, 30, 0, 8000, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_max_label_value_length",
							"Sets the length of the longest label value, in bytes.",
							"0 means no limit.", &mimir_limits_max_label_value_length, 2048, 0,
							16000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.limits_max_native_histogram_buckets",
		"Sets how many buckets a native histogram may have before its resolution is reduced.",
		"0 means no limit.", &mimir_limits_max_native_histogram_buckets, 0, 0, 100000, PGC_SIGHUP,
		0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"mimir.limits_native_histograms_ingestion_enabled", "Takes native histograms in.", NULL,
		&mimir_limits_native_histograms_ingestion_enabled, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"mimir.limits_out_of_order_time_window",
		"Sets how much older than the tenant's newest sample an out-of-order sample may be.",
		"0 refuses out-of-order samples.", &mimir_limits_out_of_order_time_window, 0, 0, 2147483,
		PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.limits_past_grace_period",
							"Sets how far in the past a sample may be.", "0 means no limit.",
							&mimir_limits_past_grace_period, 0, 0, 2147483, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.limits_utf8_names",
							 "Allows any UTF-8 text as metric and label names.", NULL,
							 &mimir_limits_utf8_names, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.multitenancy",
							 "Takes the tenant from the X-Scope-OrgID header.",
							 "When off, all HTTP requests belong to the tenant \"anonymous\".",
							 &mimir_multitenancy, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"mimir.promql_delayed_name_removal",
		"Removes metric names at the end of a PromQL query instead of in each operation.", NULL,
		&mimir_promql_delayed_name_removal, false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.promql_experimental",
							 "Enables experimental PromQL functions, modifiers and selectors.",
							 NULL, &mimir_promql_experimental, false, PGC_USERSET, 0, NULL, NULL,
							 NULL);
	DefineCustomBoolVariable(
		"mimir.promql_start_timestamps", "Uses start timestamps of samples in PromQL functions.",
		NULL, &mimir_promql_start_timestamps, false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.query_lookback_delta",
							"Sets how far an instant selector looks back for a sample.", NULL,
							&mimir_query_lookback_delta, 300, 1, 86400, PGC_USERSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.query_max_memory",
							"Sets the memory that a PromQL query may use.", NULL,
							&mimir_query_max_memory, 1048576, 1024, INT_MAX, PGC_USERSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.query_max_samples",
							"Sets how many samples a PromQL query may hold in memory.",
							"0 means no limit.", &mimir_query_max_samples, 50000000, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.query_timeout",
							"Sets how long a PromQL query over HTTP may run.", "0 means no limit.",
							&mimir_query_timeout, 120, 0, 86400, PGC_USERSET, GUC_UNIT_S, NULL,
							NULL, NULL);
	DefineCustomStringVariable("mimir.tenant", "Narrows what the role may see to one tenant.",
							   "Empty means all tenants that the role may see.", &mimir_tenant, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("mimir.tenant_federation",
							 "Allows reads of several tenants at once, written a|b.", NULL,
							 &mimir_tenant_federation, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("mimir.tenant_federation_max_tenants",
							"Sets how many tenants a read may name.", "0 means no limit.",
							&mimir_tenant_federation_max_tenants, 0, 0, 100000, PGC_SIGHUP, 0, NULL,
							NULL, NULL);
	MarkGUCPrefixReserved("mimir");
}
