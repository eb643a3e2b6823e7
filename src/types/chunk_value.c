/*
 * chunk_value.c
 *    Chunks as Datums.
 */
#include "postgres.h"

#include "types/chunk_value.h"

ChunkView
chunk_view(const struct varlena *v)
{
	const uint8 *p = (const uint8 *) VARDATA_ANY(v);
	Size len = VARSIZE_ANY_EXHDR(v);

	if (len == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("chunk is corrupt"),
						errdetail("It has no encoding byte.")));
	return (ChunkView){p[0], p + 1, len - 1};
}

Datum
chunk_to_datum(int encoding, const void *data, Size len)
{
	struct varlena *v = palloc(VARHDRSZ + 1 + len);

	SET_VARSIZE(v, VARHDRSZ + 1 + len);
	VARDATA(v)[0] = (char) encoding;
	memcpy(VARDATA(v) + 1, data, len);
	return PointerGetDatum(v);
}

const ChunkCodec *
chunk_view_codec(ChunkView chunk)
{
	const ChunkCodec *codec = chunk_codec(chunk.encoding);

	if (codec == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("chunk is corrupt"),
						errdetail("Encoding %d is not known.", chunk.encoding)));
	if (chunk.len < codec->min_len)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("chunk is corrupt"),
						errdetail("It ends within its header.")));
	if (chunk.len > CHUNK_VALUE_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("chunk is too large"),
						errdetail("A chunk may have %d bytes.", CHUNK_VALUE_MAX)));
	return codec;
}

void
chunk_view_decode(ChunkView chunk, ChunkSamples *out)
{
	const ChunkCodec *codec = chunk_view_codec(chunk);
	Err err = ERR_INIT;

	if (!codec->decode(chunk.data, chunk.len, out, &err))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("chunk is corrupt"),
						errdetail("%s.", err.msg)));
}
