/*
 * tsdb_writer_out.c
 *    A file of a block on its way to the callback: buffered, counted, with checksums.
 *
 * The first failure of the callback makes everything after it do nothing; whoever began the call
 * looks at failed when it is done.
 */
#include "wire/tsdb_writer_int.h"

#include "util/cancel.h"
#include "util/crc32c.h"

#define BUFFER_BYTES (64 * 1024)

void
tsdb_out_init(TsdbOut *o, const TsdbWriterConfig *config, TsdbFileKind kind, int number)
{
	memset(o, 0, sizeof(*o));
	o->config = config;
	o->kind = kind;
	o->number = number;
	buf_init(&o->buf, BUFFER_BYTES, BUFFER_BYTES);
}

static void
hand_out(TsdbOut *o, const void *data, size_t len)
{
	cancel_poll();
	if (len > 0 && !o->failed)
		o->failed = !o->config->write(o->config->arg, o->kind, o->number, data, len, o->err);
}

void
tsdb_out_flush(TsdbOut *o)
{
	hand_out(o, o->buf.data, o->buf.len);
	buf_reset(&o->buf);
}

void
tsdb_out_put(TsdbOut *o, const void *data, size_t len)
{
	o->crc = crc32c(o->crc, data, len);
	o->pos += len;
	if (len > BUFFER_BYTES - o->buf.len)
		tsdb_out_flush(o);
	if (len > BUFFER_BYTES)
		hand_out(o, data, len);
	else
		buf_append(&o->buf, data, len);
}

void
tsdb_out_u32(TsdbOut *o, uint32_t v)
{
	v = __builtin_bswap32(v);
	tsdb_out_put(o, &v, sizeof(v));
}

void
tsdb_out_u64(TsdbOut *o, uint64_t v)
{
	v = __builtin_bswap64(v);
	tsdb_out_put(o, &v, sizeof(v));
}

void
tsdb_out_uvarint(TsdbOut *o, uint64_t v)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	tsdb_out_put(o, bytes, (size_t) (varint_put(bytes, v) - bytes));
}

void
tsdb_out_string(TsdbOut *o, StrView s)
{
	tsdb_out_uvarint(o, s.len);
	tsdb_out_put(o, s.s, s.len);
}

void
tsdb_out_align(TsdbOut *o, unsigned to)
{
	static const uint8_t zeros[16];

	tsdb_out_put(o, zeros, (size_t) (-o->pos & (to - 1)));
}

void
tsdb_out_crc_begin(TsdbOut *o)
{
	o->crc = 0;
}

void
tsdb_out_crc_end(TsdbOut *o)
{
	tsdb_out_u32(o, o->crc);
}
