/*
 * tsdb_bytes.c
 *    Sections of an index file, checked.
 */
#include "wire/tsdb_bytes.h"

#include "util/crc32c.h"

#include <inttypes.h>

bool
tsdb_corrupt(Err *err, const char *what, uint64_t at)
{
	return err_set(err, ERR_CORRUPT, -1, "%s at offset %" PRIu64 " is malformed", what, at);
}

bool
tsdb_section_open(TsdbBytes file, uint64_t at, const char *what, TsdbCursor *content, Err *err)
{
	size_t left;
	uint32_t len;

	if (at > file.len || file.len - at < 8)
		return err_set(err, ERR_CORRUPT, -1, "%s at offset %" PRIu64 " is outside the file", what,
					   at);
	left = file.len - (size_t) at - 8;
	len = tsdb_load_u32(file.data + at);
	if (len > left)
		return err_set(err, ERR_CORRUPT, -1, "%s at offset %" PRIu64 " ends outside the file", what,
					   at);
	content->p = file.data + at + 4;
	content->end = content->p + len;
	content->bad = false;
	if (crc32c(0, content->p, len) != tsdb_load_u32(content->end))
		return err_set(err, ERR_CORRUPT, -1, "%s at offset %" PRIu64 " has a wrong checksum", what,
					   at);
	return true;
}
