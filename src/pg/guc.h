/*
 * guc.h
 *    All settings mimir.*; docs/settings.md describes them for users.
 */
#ifndef MIMIR_PG_GUC_H
#define MIMIR_PG_GUC_H

#include "postgres.h"

extern bool mimir_admin_api;
extern bool mimir_auto_create_tenants;
extern int mimir_compaction_cpu; /* percent */
extern char *mimir_database;
extern bool mimir_enable_promql_plan;
extern bool mimir_enable_store_plan;
extern int mimir_flush_interval;	 /* s */
extern int mimir_head_memory;		 /* MB */
extern int mimir_http_buffer_memory; /* MB */
extern int mimir_http_idle_timeout;	 /* s */
extern char *mimir_http_listen;
extern int mimir_http_max_connections;
extern int mimir_http_max_request_size; /* kB */
extern int mimir_http_port;
extern int mimir_http_push_workers;
extern int mimir_http_query_workers;
extern int mimir_http_request_timeout; /* s */
extern char *mimir_http_tls_cert_file;
extern char *mimir_http_tls_key_file;
extern bool mimir_limits_compactor_block_upload_enabled;
extern int mimir_limits_compactor_block_upload_max_block_size; /* kB */
extern int mimir_limits_compactor_blocks_retention_period;	   /* min */
extern int mimir_limits_creation_grace_period;				   /* s */
extern int mimir_limits_ingestion_burst_size;
extern double mimir_limits_ingestion_rate;
extern int mimir_limits_max_global_series_per_user;
extern int mimir_limits_max_label_name_length;
extern int mimir_limits_max_label_names_per_series;
extern int mimir_limits_max_label_value_length;
extern int mimir_limits_max_native_histogram_buckets;
extern bool mimir_limits_native_histograms_ingestion_enabled;
extern int mimir_limits_out_of_order_time_window; /* s */
extern int mimir_limits_past_grace_period;		  /* s */
extern bool mimir_limits_utf8_names;
extern bool mimir_multitenancy;
extern bool mimir_promql_delayed_name_removal;
extern bool mimir_promql_experimental;
extern bool mimir_promql_start_timestamps;
extern int mimir_query_lookback_delta; /* s */
extern int mimir_query_max_memory;	   /* kB */
extern int mimir_query_max_samples;
extern int mimir_query_timeout; /* s */
extern char *mimir_tenant;
extern bool mimir_tenant_federation;
extern int mimir_tenant_federation_max_tenants;

extern void guc_init(void);

#endif
