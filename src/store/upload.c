/*
 * upload.c
 *    TSDB blocks that come file by file: kept in a folder until they are whole, then imported.
 *
 * The folder is pgsql_tmp_mimir_upload/TENANT/ULID in the data directory.  By its prefix base backups
 * leave it out.  Its files belong to a row of mimir.block_upload; rows without a folder (after a restore)
 * and folders without a row (after a crash, or DROP EXTENSION) are removed when the compactor starts and
 * every hour, with blocks that nobody has touched for a day.
 *
 * No path comes from outside: a tenant is a number, a block a ULID that was parsed, a file `index` or
 * chunks/ and six digits.
 */
#include "postgres.h"

#include "store/upload.h"

#include "pg/errmap.h"
#include "pg/time.h"
#include "store/compact.h"
#include "store/import.h"
#include "store/tsdb_files.h"
#include "tenancy/owner_rights.h"
#include "wire/tsdb_block.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/file_utils.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPLOAD_DIR		"pgsql_tmp_mimir_upload"
#define META_AS_SENT	"uploading-meta.json"
#define CLEAN_EVERY_MS	3600000
#define ABANDONED_AFTER "1 day"

/* ---- rows --------------------------------------------------------------------------------------- */

/*
 * Run a statement about a block with the owner's rights.  Returns its number of rows; out, if not
 * NULL, gets the columns of the first as texts, from the caller's context.
 */
static uint64
run(const char *sql, TenantId tenant, const char *ulid, char **out, int nout)
{
	Oid types[2] = {INT4OID, TEXTOID};
	Datum values[2] = {Int32GetDatum((int32) tenant), CStringGetTextDatum(ulid)};
	MemoryContext caller = CurrentMemoryContext;
	OwnerRights rights;
	uint64 n;

	owner_rights_begin(&rights);
	SPI_connect();
	if (SPI_execute_with_args(sql, 2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	n = SPI_processed;
	for (int i = 0; i < nout; i++)
	{
		char *text =
			n > 0 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1) : NULL;

		out[i] = text ? MemoryContextStrdup(caller, text) : NULL;
	}
	SPI_finish();
	owner_rights_end(&rights);
	return n;
}

UploadState
upload_state(TenantId tenant, const TsdbUlid *ulid, bool lock, char **error)
{
	static const char read[] = "SELECT state, error FROM mimir.block_upload"
							   " WHERE tenant_id = $1 AND ulid = $2";
	char *columns[2];

	if (run(lock ? psprintf("%s FOR UPDATE", read) : read, tenant, ulid->text, columns, 2) > 0)
	{
		if (error)
			*error = columns[1];
		return strcmp(columns[0], "uploading") == 0	   ? UPLOAD_UPLOADING
			   : strcmp(columns[0], "validating") == 0 ? UPLOAD_VALIDATING
													   : UPLOAD_FAILED;
	}
	return run("SELECT FROM mimir.imported_block WHERE tenant_id = $1 AND ulid = $2", tenant,
			   ulid->text, NULL, 0) > 0
			   ? UPLOAD_COMPLETE
			   : UPLOAD_NONE;
}

int
upload_count(TenantId tenant)
{
	char *n;

	run("SELECT count(*) FROM mimir.block_upload WHERE tenant_id = $1 AND ulid <> $2", tenant, "",
		&n, 1);
	return atoi(n);
}

/* ---- files -------------------------------------------------------------------------------------- */

static char *
block_dir(TenantId tenant, const TsdbUlid *ulid)
{
	return psprintf("%s/%u/%s", UPLOAD_DIR, tenant, ulid->text);
}

static void
make_dir(const char *path)
{
	if (MakePGDirectory(path) < 0 && errno != EEXIST)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not create directory \"%s\": %m", path)));
}

static void
remove_block(TenantId tenant, const TsdbUlid *ulid)
{
	char *dir = block_dir(tenant, ulid);
	struct stat st;

	if (lstat(dir, &st) == 0 && !rmtree(dir, true))
		ereport(WARNING, (errmsg("could not remove all of directory \"%s\"", dir)));
}

/* Under its name only when it is whole and on disk. */
static void
write_file(const char *path, const void *data, Size len)
{
	char *tmp = psprintf("%s.tmp", path);
	int fd = OpenTransientFile(tmp, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	const char *p = data;

	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not create file \"%s\": %m", tmp)));
	while (len > 0)
	{
		ssize_t n;

		errno = 0;
		n = write(fd, p, Min(len, 1024 * 1024));
		if (n <= 0)
		{
			errno = errno ? errno : ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(), errmsg("could not write file \"%s\": %m", tmp)));
		}
		p += n;
		len -= (Size) n;
		CHECK_FOR_INTERRUPTS();
	}
	if (pg_fsync(fd) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not fsync file \"%s\": %m", tmp)));
	if (CloseTransientFile(fd) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not close file \"%s\": %m", tmp)));
	if (rename(tmp, path) < 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not rename file \"%s\" to \"%s\": %m", tmp, path)));
}

bool
upload_path_ok(StrView path)
{
	static const char chunks[] = "chunks/";

	if (strview_eq_cstr(path, "index"))
		return true;
	if (path.len != sizeof(chunks) - 1 + 6 || memcmp(path.s, chunks, sizeof(chunks) - 1) != 0)
		return false;
	for (Size i = sizeof(chunks) - 1; i < path.len; i++)
		if (path.s[i] < '0' || path.s[i] > '9')
			return false;
	return true;
}

static char *
file_path(TenantId tenant, const TsdbUlid *ulid, StrView path)
{
	Assert(upload_path_ok(path));
	return psprintf("%s/%.*s", block_dir(tenant, ulid), (int) path.len, path.s);
}

void
upload_file(TenantId tenant, const TsdbUlid *ulid, StrView path, const void *data, Size len)
{
	write_file(file_path(tenant, ulid, path), data, len);
	run("UPDATE mimir.block_upload SET changed_at = now() WHERE tenant_id = $1 AND ulid = $2",
		tenant, ulid->text, NULL, 0);
}

int64
upload_file_size(TenantId tenant, const TsdbUlid *ulid, StrView path)
{
	struct stat st;

	return stat(file_path(tenant, ulid, path), &st) == 0 ? (int64) st.st_size : -1;
}

/* ---- the sender's calls ------------------------------------------------------------------------- */

void
upload_start(TenantId tenant, const TsdbMeta *meta, const void *body, Size len)
{
	char *dir = block_dir(tenant, &meta->ulid);
	Buf sound;

	/* the row is locked from here on: nobody else is in the folder */
	run("INSERT INTO mimir.block_upload AS u (tenant_id, ulid, state) VALUES ($1, $2, 'uploading')"
		" ON CONFLICT (tenant_id, ulid) DO UPDATE"
		" SET state = 'uploading', error = NULL, changed_at = now()",
		tenant, meta->ulid.text, NULL, 0);
	remove_block(tenant, &meta->ulid);
	make_dir(UPLOAD_DIR);
	make_dir(psprintf("%s/%u", UPLOAD_DIR, tenant));
	make_dir(dir);
	make_dir(psprintf("%s/chunks", dir));
	write_file(psprintf("%s/%s", dir, META_AS_SENT), body, len);
	buf_init(&sound, 1024, TSDB_META_MAX_BYTES);
	tsdb_meta_write(&sound, meta);
	write_file(psprintf("%s/meta.json", dir), sound.data, sound.len);
}

void
upload_meta(TenantId tenant, const TsdbUlid *ulid, TsdbMeta *out)
{
	char *path = psprintf("%s/%s", block_dir(tenant, ulid), META_AS_SENT);
	FILE *file = AllocateFile(path, PG_BINARY_R);
	char *bytes = palloc(TSDB_META_MAX_BYTES);
	Size len;
	Err err = ERR_INIT;

	if (file == NULL)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
	len = fread(bytes, 1, TSDB_META_MAX_BYTES, file);
	FreeFile(file);
	if (!tsdb_meta_read((TsdbBytes){(const uint8_t *) bytes, len}, out, &err))
		errmap_raise(&err);
}

static bool wake_at_commit;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && wake_at_commit)
		compact_wake();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		wake_at_commit = false;
}

void
upload_finish(TenantId tenant, const TsdbUlid *ulid)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
	run("UPDATE mimir.block_upload SET state = 'validating', changed_at = now()"
		" WHERE tenant_id = $1 AND ulid = $2",
		tenant, ulid->text, NULL, 0);
	wake_at_commit = true;
}

/* ---- the compactor's part ----------------------------------------------------------------------- */

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* Is the index sound in all its parts?  What the import reads, it checks itself. */
static void
check_index(const char *dir)
{
	TsdbBlockFiles files;
	Err err = ERR_INIT;
	TsdbBlock *block;

	tsdb_files_map(dir, &files);
	block = tsdb_block_open(&files, &err);
	if (block == NULL || !tsdb_index_check(tsdb_block_index(block), &err))
		errmap_raise(&err);
	tsdb_block_close(block);
}

/* The oldest block that is whole; false: there is none.  Its row is locked. */
static bool
next_whole(TenantId *tenant, TsdbUlid *ulid)
{
	char *columns[2];

	if (run("SELECT tenant_id, ulid FROM mimir.block_upload WHERE state = 'validating'"
			" AND $1 = 0 AND $2 = '' ORDER BY changed_at LIMIT 1 FOR UPDATE",
			0, "", columns, 2) == 0)
		return false;
	*tenant = (TenantId) strtoul(columns[0], NULL, 10);
	return tsdb_ulid_parse(columns[1], strlen(columns[1]), ulid);
}

/*
 * Errors of the server, not of the block: it is tried again.  Classes: transaction rollback,
 * insufficient resources, object not in prerequisite state, operator intervention, system error.
 */
static bool
is_passing(int sqlerrcode)
{
	int class = ERRCODE_TO_CATEGORY(sqlerrcode);

	return class == MAKE_SQLSTATE('4', '0', '0', '0', '0') ||
		   class == MAKE_SQLSTATE('5', '3', '0', '0', '0') ||
		   class == MAKE_SQLSTATE('5', '5', '0', '0', '0') ||
		   class == MAKE_SQLSTATE('5', '7', '0', '0', '0') || sqlerrcode == ERRCODE_IO_ERROR;
}

static void
set_failed(TenantId tenant, const TsdbUlid *ulid, const char *why)
{
	Oid types[3] = {INT4OID, TEXTOID, TEXTOID};
	Datum values[3] = {Int32GetDatum((int32) tenant), CStringGetTextDatum(ulid->text),
					   CStringGetTextDatum(why)};

	begin_transaction();
	SPI_connect();
	if (SPI_execute_with_args("UPDATE mimir.block_upload SET state = 'failed', error = $3,"
							  " changed_at = now() WHERE tenant_id = $1 AND ulid = $2",
							  3, types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not update mimir.block_upload");
	SPI_finish();
	commit_transaction();
}

/* Import one block that is whole; false: there is none. */
static bool
import_next(void)
{
	MemoryContext caller = CurrentMemoryContext;
	TenantId tenant;
	TsdbUlid ulid;
	char *volatile why = NULL;

	begin_transaction();
	if (!next_whole(&tenant, &ulid))
	{
		commit_transaction();
		MemoryContextSwitchTo(caller);
		return false;
	}
	PG_TRY();
	{
		char *dir = block_dir(tenant, &ulid);
		OwnerRights rights;

		check_index(dir);
		owner_rights_begin(&rights);
		(void) import_tsdb_block(tenant, dir);
		owner_rights_end(&rights);
		run("DELETE FROM mimir.block_upload WHERE tenant_id = $1 AND ulid = $2", tenant, ulid.text,
			NULL, 0);
		commit_transaction();
	}
	PG_CATCH();
	{
		ErrorData *edata;

		if (is_passing(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		edata = CopyErrorData();
		HOLD_INTERRUPTS();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
		why = edata->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (why != NULL)
	{
		ereport(LOG, (errmsg("block \"%s\" that was uploaded is not sound: %s", ulid.text, why)));
		set_failed(tenant, &ulid, why);
		MemoryContextSwitchTo(caller);
	}
	remove_block(tenant, &ulid);
	return true;
}

/* Folders of a tenant that no row belongs to. */
static void
clean_tenant(TenantId tenant)
{
	char *path = psprintf("%s/%u", UPLOAD_DIR, tenant);
	DIR *dir = AllocateDir(path);
	struct dirent *entry;

	while ((entry = ReadDirExtended(dir, path, LOG)) != NULL)
	{
		TsdbUlid ulid;

		if (tsdb_ulid_parse(entry->d_name, strlen(entry->d_name), &ulid) &&
			run("SELECT FROM mimir.block_upload WHERE tenant_id = $1 AND ulid = $2", tenant,
				ulid.text, NULL, 0) == 0)
			remove_block(tenant, &ulid);
	}
	FreeDir(dir);
}

/* Rows without a folder. */
static void
clean_rows(void)
{
	SPI_connect();
	if (SPI_execute("SELECT tenant_id, ulid FROM mimir.block_upload WHERE state <> 'failed'", false,
					0) != SPI_OK_SELECT)
		elog(ERROR, "could not read mimir.block_upload");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		SPITupleTable *rows = SPI_tuptable;
		uint64 n = SPI_processed;
		TenantId tenant =
			(TenantId) strtoul(SPI_getvalue(rows->vals[i], rows->tupdesc, 1), NULL, 10);
		char *name = SPI_getvalue(rows->vals[i], rows->tupdesc, 2);
		TsdbUlid ulid;
		struct stat st;

		if (!tsdb_ulid_parse(name, strlen(name), &ulid) || stat(block_dir(tenant, &ulid), &st) != 0)
			run("DELETE FROM mimir.block_upload WHERE tenant_id = $1 AND ulid = $2", tenant, name,
				NULL, 0);
		SPI_tuptable = rows;
		SPI_processed = n;
	}
	SPI_finish();
}

/* The lock keeps senders out, who make a row and its folder in one transaction. */
static void
clean(void)
{
	DIR *dir;
	struct dirent *entry;

	begin_transaction();
	run("LOCK TABLE mimir.block_upload IN SHARE ROW EXCLUSIVE MODE", 0, "", NULL, 0);
	PopActiveSnapshot();
	PushActiveSnapshot(GetTransactionSnapshot());
	run("DELETE FROM mimir.block_upload WHERE state <> 'validating' AND $1 = 0 AND $2 = ''"
		" AND changed_at < now() - interval '" ABANDONED_AFTER "'",
		0, "", NULL, 0);
	clean_rows();
	dir = AllocateDir(UPLOAD_DIR);
	while (dir != NULL && (entry = ReadDirExtended(dir, UPLOAD_DIR, LOG)) != NULL)
	{
		char *end;
		unsigned long tenant = strtoul(entry->d_name, &end, 10);

		if (tenant > 0 && tenant <= PG_INT32_MAX && *end == '\0')
			clean_tenant((TenantId) tenant);
	}
	if (dir != NULL)
		FreeDir(dir);
	commit_transaction();
}

void
upload_tick(void)
{
	static int64 cleaned_ms = 0;
	static MemoryContext context = NULL; /* reset, not deleted: an error leaves it behind */
	MemoryContext old;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "mimir upload", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	if (time_now_ms() - cleaned_ms > CLEAN_EVERY_MS)
	{
		clean();
		MemoryContextSwitchTo(context);
		cleaned_ms = time_now_ms();
	}
	while (import_next())
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
}
