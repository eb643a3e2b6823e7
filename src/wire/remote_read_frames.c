/*
 * remote_read_frames.c
 *    Streamed answers of remote read: frames of one series' chunks.
 *
 * Frame:   uvarint length of the payload | CRC-32C of it, big-endian | payload
 *
 * Payload, a ChunkedReadResponse:
 *    ChunkedReadResponse  1 ChunkedSeries  2 number of the query
 *    ChunkedSeries        1 Label...  2 Chunk...
 *    Chunk                1 min time ms  2 max time ms  3 enum encoding  4 data
 *
 * The protocol lets a message have several series, but every server sends one; more are refused.
 */
#include "wire/remote_read.h"

#include "util/crc32c.h"
#include "util/mem.h"
#include "wire/remote_read_int.h"

#define HEADER_BYTES (VARINT_MAX_BYTES + 4) /* room in front of the payload while it grows */

/* --- the server --------------------------------------------------------------------------------------- */

/*
 * rr_frame_begin -- empty the Buf and begin a frame of the series in it.
 *
 * While it grows, HEADER_BYTES are free in front of the payload; rr_frame_end fills them in and moves
 * the payload down.
 */
void
rr_frame_begin(Buf *out, Labels labels)
{
	static const uint8_t room[HEADER_BYTES];

	buf_reset(out);
	buf_append(out, room, HEADER_BYTES);
	pb_begin(out, 1);
	prompb_put_labels(out, 1, labels);
}

void
rr_frame_chunk(Buf *out, ChunkEncoding encoding, int64_t min_t, int64_t max_t, const uint8_t *data,
			   size_t len)
{
	size_t start = pb_begin(out, 2);

	pb_put_varint(out, 1, (uint64_t) min_t);
	pb_put_varint(out, 2, (uint64_t) max_t);
	pb_put_varint(out, 3, encoding);
	pb_put_bytes(out, 4, data, len);
	pb_end(out, start);
}

/* rr_frame_end -- the Buf is the frame now, or overflow is set. */
void
rr_frame_end(Buf *out, int query)
{
	uint8_t header[HEADER_BYTES];
	uint8_t *p;
	uint32_t crc;
	size_t len;

	pb_end(out, HEADER_BYTES + 2);
	pb_put_varint(out, 2, (uint64_t) query);
	if (out->overflow)
		return;
	len = out->len - HEADER_BYTES;
	p = varint_put(header, len);
	crc = __builtin_bswap32(crc32c(0, out->data + HEADER_BYTES, len));
	memcpy(p, &crc, sizeof(crc));
	p += sizeof(crc);
	memcpy(out->data, header, (size_t) (p - header));
	memmove(out->data + (p - header), out->data + HEADER_BYTES, len);
	out->len = (size_t) (p - header) + len;
	out->data[out->len] = '\0';
}

/* --- the client ---------------------------------------------------------------------------------------- */

static int
malformed(Err *err, const char *what)
{
	err_set(err, ERR_BAD_REQUEST, -1, "remote read: %s", what);
	return -1;
}

int
rr_frame_take(const uint8_t *data, size_t len, size_t max, const uint8_t **payload,
			  size_t *payload_len, size_t *used, Err *err)
{
	uint64_t n;
	uint32_t crc;
	const uint8_t *p = varint_get(data, data + len, &n);

	if (p == NULL)
		return len < VARINT_MAX_BYTES ? 0 : malformed(err, "length of a frame is malformed");
	if (n > max)
	{
		err_set(err, ERR_TOO_LARGE, -1, "remote read: a frame has %llu bytes, more than %zu",
				(unsigned long long) n, max);
		return -1;
	}
	if ((size_t) (data + len - p) < n + 4)
		return 0;
	memcpy(&crc, p, sizeof(crc));
	p += sizeof(crc);
	if (crc32c(0, p, (size_t) n) != __builtin_bswap32(crc))
		return malformed(err, "a frame has a wrong checksum");
	*payload = p;
	*payload_len = (size_t) n;
	*used = (size_t) (p + n - data);
	return 1;
}

/* read_labels -- of the series at f->p to f->end; its chunks are passed over. */
static bool
read_labels(RrFrame *f, Buf *scratch)
{
	const uint8_t *p = f->p;
	RrLabels labels;
	PbField g;
	bool ok = true;
	int got;

	rr_labels_init(&labels);
	while (ok && (got = pb_next(&p, f->end, &g)) == 1)
		if (g.number == 1)
			ok = rr_labels_add(&labels, &g);
	ok = ok && got == 0 && rr_labels_build(&labels, scratch, &f->labels);
	mem_free(labels.items);
	return ok;
}

bool
rr_frame_read(const uint8_t *payload, size_t len, RrFrame *out, Buf *scratch, Err *err)
{
	const uint8_t *p = payload, *end = payload + len;
	PbField f;
	int got;

	memset(out, 0, sizeof(*out));
	while ((got = pb_next(&p, end, &f)) == 1)
	{
		if (f.number == 1)
		{
			if (f.wire != PB_BYTES || out->p != NULL)
				break;
			out->p = f.bytes;
			out->end = f.bytes + f.len;
		}
		else if (f.number == 2)
		{
			if (f.wire != PB_VARINT || f.u > INT32_MAX)
				break;
			out->query = (int) f.u;
		}
	}
	if (got == 0 && out->p != NULL && read_labels(out, scratch))
		return true;
	malformed(err, "a frame is malformed");
	return false;
}

int
rr_frame_next_chunk(RrFrame *f, RrChunk *out, Err *err)
{
	const uint8_t *p, *end;
	PbField g;
	int got;

	do
		got = pb_next(&f->p, f->end, &g);
	while (got == 1 && g.number != 2);
	if (got == 0)
		return 0;
	if (got < 0 || g.wire != PB_BYTES)
		return malformed(err, "a chunk is malformed");
	memset(out, 0, sizeof(*out));
	p = g.bytes;
	end = p + g.len;
	while ((got = pb_next(&p, end, &g)) == 1)
	{
		if (g.number <= 4 && g.wire != (g.number == 4 ? PB_BYTES : PB_VARINT))
			return malformed(err, "a chunk is malformed");
		if (g.number == 1)
			out->min_t = (int64_t) g.u;
		else if (g.number == 2)
			out->max_t = (int64_t) g.u;
		else if (g.number == 3)
			out->encoding = (ChunkEncoding) (g.u <= CHUNK_FLOAT_HISTOGRAM ? g.u : 0);
		else if (g.number == 4)
		{
			out->data = g.bytes;
			out->len = g.len;
		}
	}
	if (got < 0)
		return malformed(err, "a chunk is malformed");
	if (out->encoding < CHUNK_XOR)
		return malformed(err, "encoding of a chunk is not supported");
	return 1;
}
