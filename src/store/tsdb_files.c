/*
 * tsdb_files.c
 *    Directories of Prometheus' TSDB on the server.
 *
 * A block is written under the name ULID.tmp-for-creation, as Prometheus does, and renamed when it
 * is whole and on disk: who looks meanwhile sees no half a block.
 */
#include "postgres.h"

#include "store/tsdb_files.h"

#include "common/file_utils.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".tmp-for-creation"

/* ---- reading ----------------------------------------------------------------------------------- */

typedef struct Mapping
{
	MemoryContextCallback callback;
	void *data;
	size_t len;
} Mapping;

static void
unmap(void *arg)
{
	Mapping *m = arg;

	munmap(m->data, m->len);
}

/* False: there is no such file. */
static bool
map_file(const char *path, TsdbBytes *out)
{
	int fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat st;
	Mapping *m = palloc0(sizeof(Mapping));

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
	if (fstat(fd, &st) < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not stat file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a regular file", path)));
	out->len = (size_t) st.st_size;
	out->data = (const uint8_t *) "";
	if (out->len > 0)
	{
		m->len = out->len;
		m->data = mmap(NULL, m->len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (m->data == MAP_FAILED)
			ereport(ERROR,
					(errcode_for_file_access(), errmsg("could not map file \"%s\": %m", path)));
		m->callback.func = unmap;
		m->callback.arg = m;
		MemoryContextRegisterResetCallback(CurrentMemoryContext, &m->callback);
		out->data = m->data;
	}
	CloseTransientFile(fd);
	return true;
}

static void
need_file(const char *path, TsdbBytes *out)
{
	if (!map_file(path, out))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE), errmsg("file \"%s\" does not exist", path)));
}

void
tsdb_files_map(const char *dir, TsdbBlockFiles *out)
{
	TsdbBytes *segments = palloc(sizeof(TsdbBytes) * 8);
	int cap = 8;

	memset(out, 0, sizeof(*out));
	need_file(psprintf("%s/meta.json", dir), &out->meta);
	need_file(psprintf("%s/index", dir), &out->index);
	(void) map_file(psprintf("%s/tombstones", dir), &out->tombstones);
	for (;;)
	{
		if (out->n_segments == cap)
			segments = repalloc(segments, sizeof(TsdbBytes) * (cap *= 2));
		if (!map_file(psprintf("%s/chunks/%06d", dir, out->n_segments + 1),
					  &segments[out->n_segments]))
			break;
		out->n_segments++;
	}
	out->segments = segments;
}

static bool
is_block(const char *dir)
{
	struct stat st;

	return stat(psprintf("%s/meta.json", dir), &st) == 0;
}

static int
cmp_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

int
tsdb_files_blocks(const char *dir, char ***out)
{
	int n = 0;
	int cap = 16;
	DIR *d;
	struct dirent *entry;

	*out = palloc(sizeof(char *) * cap);
	if (is_block(dir))
	{
		(*out)[n++] = pstrdup(dir);
		return n;
	}
	d = AllocateDir(dir);
	while ((entry = ReadDir(d, dir)) != NULL)
	{
		TsdbUlid ulid;
		char *path;

		if (!tsdb_ulid_parse(entry->d_name, strlen(entry->d_name), &ulid))
			continue;
		path = psprintf("%s/%s", dir, entry->d_name);
		if (!is_block(path))
			continue;
		if (n == cap)
			*out = repalloc(*out, sizeof(char *) * (cap *= 2));
		(*out)[n++] = path;
	}
	FreeDir(d);
	qsort(*out, n, sizeof(char *), cmp_names);
	return n;
}

/* ---- writing ----------------------------------------------------------------------------------- */

struct TsdbDir
{
	char *parent;
	char *tmp;
	char *final;
	int fd; /* of the file at hand, -1: none */
	TsdbFileKind kind;
	int number;
};

static void
make_dir(const char *path)
{
	if (MakePGDirectory(path) < 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not create directory \"%s\": %m", path)));
}

TsdbDir *
tsdb_dir_create(const char *parent, const char *ulid)
{
	TsdbDir *d = palloc0(sizeof(TsdbDir));

	d->parent = pstrdup(parent);
	d->final = psprintf("%s/%s", parent, ulid);
	d->tmp = psprintf("%s%s", d->final, SUFFIX);
	d->fd = -1;
	make_dir(d->tmp);
	make_dir(psprintf("%s/chunks", d->tmp));
	return d;
}

static char *
file_path(const TsdbDir *d, TsdbFileKind kind, int number)
{
	switch (kind)
	{
		case TSDB_FILE_INDEX:
			return psprintf("%s/index", d->tmp);
		case TSDB_FILE_TOMBSTONES:
			return psprintf("%s/tombstones", d->tmp);
		case TSDB_FILE_META:
			return psprintf("%s/meta.json", d->tmp);
		default:
			return psprintf("%s/chunks/%06d", d->tmp, number);
	}
}

static bool
close_file(TsdbDir *d)
{
	int fd = d->fd;

	d->fd = -1;
	return fd < 0 || (pg_fsync(fd) == 0 && CloseTransientFile(fd) == 0);
}

bool
tsdb_dir_write(void *arg, TsdbFileKind kind, int number, const void *data, size_t len, Err *err)
{
	TsdbDir *d = arg;
	const char *p = data;

	CHECK_FOR_INTERRUPTS();
	if (d->fd < 0 || d->kind != kind || d->number != number)
	{
		char *path = file_path(d, kind, number);

		if (!close_file(d))
			return err_set(err, ERR_INTERNAL, -1, "could not write file: %s", strerror(errno));
		/* index and segments are written in turns: a file may be opened again */
		d->fd = OpenTransientFile(path, O_WRONLY | O_CREAT | O_APPEND | PG_BINARY);
		if (d->fd < 0)
			return err_set(err, ERR_INTERNAL, -1, "could not create file \"%s\": %s", path,
						   strerror(errno));
		d->kind = kind;
		d->number = number;
		pfree(path);
	}
	while (len > 0)
	{
		ssize_t n = write(d->fd, p, len);

		if (n < 0)
			return err_set(err, ERR_INTERNAL, -1, "could not write file: %s", strerror(errno));
		p += n;
		len -= (size_t) n;
	}
	return true;
}

void
tsdb_dir_finish(TsdbDir *d)
{
	if (!close_file(d))
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not write to \"%s\": %m", d->tmp)));
	fsync_fname(psprintf("%s/chunks", d->tmp), true);
	fsync_fname(d->tmp, true);
	if (rename(d->tmp, d->final) < 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not rename \"%s\" to \"%s\": %m", d->tmp, d->final)));
	fsync_fname(d->parent, true);
}

/* tsdb_dir_abandon -- an error came: what was written is of no use. */
void
tsdb_dir_abandon(TsdbDir *d)
{
	(void) close_file(d);
	(void) rmtree(d->tmp, true);
}
