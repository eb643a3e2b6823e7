/*
 * upload.h
 *    TSDB blocks that come file by file: kept in a folder until they are whole, then imported.
 *
 * A block is `uploading` until its sender says that it is whole, then `validating` until the compactor has
 * imported it, or found that it is no sound block: `failed`.  Calls work in the caller's transaction;
 * what they find out holds until its end, for they lock the block's row.
 */
#ifndef MIMIR_STORE_UPLOAD_H
#define MIMIR_STORE_UPLOAD_H

#include "postgres.h"

#include "tenancy/tenant.h"
#include "wire/tsdb_meta.h"

typedef enum UploadState
{
	UPLOAD_NONE,
	UPLOAD_UPLOADING,
	UPLOAD_VALIDATING,
	UPLOAD_FAILED,
	UPLOAD_COMPLETE
} UploadState;

#define UPLOADS_MAX 100 /* of a tenant at once */

/* upload_state -- error (may be NULL) gets why it failed. */
extern UploadState upload_state(TenantId tenant, const TsdbUlid *ulid, bool lock, char **error);
extern int upload_count(TenantId tenant); /* blocks that are not complete */

/*
 * upload_start -- begin a block, or begin it again; body is meta.json as it was sent, meta what it
 * says.
 */
extern void upload_start(TenantId tenant, const TsdbMeta *meta, const void *body, Size len);

/* upload_meta -- what upload_start was given. */
extern void upload_meta(TenantId tenant, const TsdbUlid *ulid, TsdbMeta *out);

/* upload_path_ok -- is it a file that a block may have?  index, or chunks/ and six digits. */
extern bool upload_path_ok(StrView path);

/* upload_file -- store a file of the block; the path must be ok. */
extern void upload_file(TenantId tenant, const TsdbUlid *ulid, StrView path, const void *data,
						Size len);
extern int64 upload_file_size(TenantId tenant, const TsdbUlid *ulid, StrView path); /* -1: none */

/* upload_finish -- all files are there: the compactor shall import it once this is committed. */
extern void upload_finish(TenantId tenant, const TsdbUlid *ulid);

/* upload_tick -- import what is whole, forget what was abandoned; the compactor calls it. */
extern void upload_tick(void);

#endif
