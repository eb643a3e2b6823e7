/*
 * upload.c
 *    /upload/block/{block}/start, files, finish, check: TSDB blocks file by file, as Mimir's compactor
 *    takes them from mimirtool backfill (reference 7.6).
 *
 * Statuses and texts are Mimir's.  What is sent must be what meta.json listed: no other file, no other
 * size.  Whether a block is sound is found out after finish; check tells.
 */
#include "api/handlers.h"

#include "pg/guc.h"
#include "pg/time.h"
#include "store/retention.h"
#include "store/upload.h"
#include "tenancy/owner_rights.h"
#include "util/text.h"

#include "miscadmin.h"

typedef struct Upload
{
	const Tenant *tenant;
	TsdbUlid ulid;
} Upload;

static bool refuse(ApiCall *call, int status, const char *fmt, ...) pg_attribute_printf(3, 4);

/* A plain text answer, as Mimir's compactor gives.  Always true: it is the answer. */
static bool
refuse(ApiCall *call, int status, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text) - 1, fmt, args);
	va_end(args);
	http_reply(call->resp, status, "text/plain; charset=utf-8", psprintf("%s\n", text));
	return true;
}

/* Tenant and block of the request; false: it was refused. */
static bool
begin(ApiCall *call, Upload *u)
{
	/* a tenant that is not there */
	if (call->tenants.n == 0)
		return mimir_limits_compactor_block_upload_enabled
				   ? !refuse(call, 404, "block upload not started")
				   : !refuse(call, 400, "block upload is disabled");
	if (call->tenants.n != 1 || call->tenants.federated)
		return !refuse(call, 400, "a block is of one tenant");
	u->tenant = call->tenants.tenants[0];
	if (!u->tenant->limits.block_upload)
		return !refuse(call, 400, "block upload is disabled");
	if (!tsdb_ulid_parse(call->segment, strlen(call->segment), &u->ulid))
		return !refuse(call, 400, "invalid block ID");
	return true;
}

/* May its files be sent?  Its row is locked then. */
static bool
need_uploading(ApiCall *call, const Upload *u)
{
	char *error;

	switch (upload_state(u->tenant->id, &u->ulid, true, &error))
	{
		case UPLOAD_UPLOADING:
			return true;
		case UPLOAD_VALIDATING:
			return !refuse(call, 400, "block validation in progress");
		case UPLOAD_FAILED:
			return !refuse(call, 400, "block validation failed: %s", error);
		case UPLOAD_COMPLETE:
			return !refuse(call, 409, "block already exists");
		default:
			return !refuse(call, 404, "block upload not started");
	}
}

static bool
check_labels(ApiCall *call, const TsdbMeta *meta)
{
	LabelsIter it;
	Label l;

	labels_iter_init(&it, meta->external);
	while (labels_next(&it, &l))
		if (!strview_eq_cstr(l.name, "__org_id__") && !strview_eq_cstr(l.name, "__ingester_id__") &&
			!strview_eq_cstr(l.name, "__compactor_shard_id__") &&
			!strview_eq_cstr(l.name, "__out_of_order__"))
			return !refuse(call, 400, "unsupported external label: %.*s",
						   (int) Min(l.name.len, 100), l.name.s);
	return true;
}

static bool
check_files(ApiCall *call, const Upload *u, const TsdbMeta *meta)
{
	int64 limit = u->tenant->limits.block_upload_max_bytes;
	int64 total = 0;
	bool has_index = false;

	for (int i = 0; i < meta->n_files; i++)
	{
		const TsdbMetaFile *f = &meta->files[i];

		if (strview_eq_cstr(f->path, "meta.json"))
			continue;
		if (!upload_path_ok(f->path))
			return !refuse(call, 400, "file with invalid path: %.*s", (int) Min(f->path.len, 100),
						   f->path.s);
		if (f->bytes <= 0 || f->bytes > PG_INT64_MAX - total)
			return !refuse(call, 400, "file with invalid size: %.*s", (int) f->path.len, f->path.s);
		total += f->bytes;
		has_index |= strview_eq_cstr(f->path, "index");
	}
	if (!has_index)
		return !refuse(call, 400, "meta.json does not list the files of the block");
	if (limit > 0 && total > limit)
		return !refuse(call, 413, "block exceeds the maximum block size limit of %lld bytes",
					   (long long) limit);
	return true;
}

static bool
check_meta(ApiCall *call, const Upload *u, const TsdbMeta *meta)
{
	if (meta->min_t >= meta->max_t)
		return !refuse(call, 400, "invalid minTime/maxTime: %lld, %lld", (long long) meta->min_t,
					   (long long) meta->max_t);
	if (meta->max_t > time_now_ms())
		return !refuse(call, 400,
					   "block time(s) greater than the present: minTime=%lld, maxTime=%lld",
					   (long long) meta->min_t, (long long) meta->max_t);
	if (meta->max_t <= retention_cutoff(u->tenant->id))
		return !refuse(call, 422, "block is older than the tenant's retention period");
	if (meta->resolution != 0)
		return !refuse(call, 400, "block contains downsampled data");
	return check_labels(call, meta) && check_files(call, u, meta);
}

/* The first that a tenant sends may be a block; one that may not send any is not made. */
static bool
make_tenant(ApiCall *call)
{
	OwnerRights rights;
	bool ok;

	if (call->tenants.n > 0 || !mimir_limits_compactor_block_upload_enabled)
		return true;
	owner_rights_begin(&rights);
	ok = tenancy_for_request(call->req, true, &call->tenants, &call->err);
	owner_rights_end(&rights);
	return ok;
}

bool
api_upload_start(ApiCall *call)
{
	Upload u;
	TsdbMeta meta;
	Err err = ERR_INIT;
	UploadState state;

	PreventCommandDuringRecovery("block upload");
	if (!make_tenant(call))
		return false;
	if (!begin(call, &u))
		return true;
	state = upload_state(u.tenant->id, &u.ulid, false, NULL);
	if (state == UPLOAD_COMPLETE)
		return refuse(call, 409, "block already exists");
	if (state == UPLOAD_VALIDATING)
		return refuse(call, 400, "block validation in progress");
	if (call->req->body_len > TSDB_META_MAX_BYTES ||
		!tsdb_meta_read((TsdbBytes){call->req->body, call->req->body_len}, &meta, &err))
		return refuse(call, 400, "malformed request body: %s", err.msg ? err.msg : "too large");
	meta.ulid = u.ulid;
	if (!check_meta(call, &u, &meta))
		return true;
	if (state == UPLOAD_NONE && upload_count(u.tenant->id) >= UPLOADS_MAX)
		return refuse(call, 429, "too many block uploads in progress");
	upload_start(u.tenant->id, &meta, call->req->body, call->req->body_len);
	return true;
}

bool
api_upload_files(ApiCall *call)
{
	Upload u;
	TsdbMeta meta;
	const char *name = api_param(call, "path");
	StrView path = strview_cstr(name ? name : "");
	const TsdbMetaFile *file = NULL;

	PreventCommandDuringRecovery("block upload");
	if (!begin(call, &u))
		return true;
	if (path.len == 0)
		return refuse(call, 400, "missing or invalid file path");
	if (strview_eq_cstr(path, "meta.json"))
		return refuse(call, 400, "meta.json is not allowed");
	if (!upload_path_ok(path))
		return refuse(call, 400, "invalid path: \"%.*s\"", (int) Min(path.len, 100), path.s);
	if (call->req->body_len == 0)
		return refuse(call, 400, "file cannot be empty");
	if (!need_uploading(call, &u))
		return true;
	upload_meta(u.tenant->id, &u.ulid, &meta);
	for (int i = 0; i < meta.n_files; i++)
		if (strview_eq(meta.files[i].path, path))
			file = &meta.files[i];
	if (file == NULL)
		return refuse(call, 400, "unexpected file");
	if (file->bytes != (int64) call->req->body_len)
		return refuse(call, 400, "file size doesn't match meta.json");
	upload_file(u.tenant->id, &u.ulid, path, call->req->body, call->req->body_len);
	return true;
}

bool
api_upload_finish(ApiCall *call)
{
	Upload u;
	TsdbMeta meta;

	PreventCommandDuringRecovery("block upload");
	if (!begin(call, &u) || !need_uploading(call, &u))
		return true;
	upload_meta(u.tenant->id, &u.ulid, &meta);
	for (int i = 0; i < meta.n_files; i++)
	{
		StrView path = meta.files[i].path;

		if (upload_path_ok(path) &&
			upload_file_size(u.tenant->id, &u.ulid, path) != meta.files[i].bytes)
			return refuse(call, 400, "file is missing: %.*s", (int) path.len, path.s);
	}
	upload_finish(u.tenant->id, &u.ulid);
	return true;
}

bool
api_upload_check(ApiCall *call)
{
	static const char *const results[] = {NULL, "uploading", "validating", "failed", "complete"};
	Upload u;
	char *error = NULL;
	UploadState state;
	Buf b;

	if (!begin(call, &u))
		return true;
	state = upload_state(u.tenant->id, &u.ulid, false, &error);
	if (state == UPLOAD_NONE)
		return refuse(call, 404, "block doesn't exist");
	buf_init(&b, 256, 65536);
	buf_printf(&b, "{\"result\":\"%s\"", results[state]);
	if (error != NULL)
	{
		buf_str(&b, ",\"error\":");
		text_json_string(&b, error, strlen(error), true);
	}
	buf_str(&b, "}\n");
	http_set_header(call->resp, "Content-Type", "application/json");
	http_write(call->resp, b.data, b.len);
	return true;
}
