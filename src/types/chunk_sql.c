/*
 * chunk_sql.c
 *    mimir.chunk: input and output, what is in a chunk, its samples.
 *
 * Text form: the encoding's name, a colon, the bytes in hexadecimal.  Binary form, and the cast to
 * bytea: the encoding byte, then the bytes, as they stand in a chunk file of Prometheus between
 * length and checksum.
 */
#include "postgres.h"

#include "types/chunk_value.h"

#include "pg/compat.h"
#include "pg/export.h"
#include "pg/time.h"
#include "types/histogram_value.h"

#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

MIMIR_FUNCTION(mimir_chunk_in);
MIMIR_FUNCTION(mimir_chunk_out);
MIMIR_FUNCTION(mimir_chunk_recv);
MIMIR_FUNCTION(mimir_chunk_send);
MIMIR_FUNCTION(mimir_chunk_from_bytea);
MIMIR_FUNCTION(mimir_chunk_to_bytea);
MIMIR_FUNCTION(mimir_chunk_count);
MIMIR_FUNCTION(mimir_chunk_min_time);
MIMIR_FUNCTION(mimir_chunk_max_time);
MIMIR_FUNCTION(mimir_chunk_encoding);
MIMIR_FUNCTION(mimir_chunk_samples);

/* ---- input and output -------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The Datum of bytes that a client gave, after decoding them once. */
static Datum
checked_datum(int encoding, const uint8 *data, Size len)
{
	ChunkSamples samples;

	chunk_view_decode((ChunkView){encoding, data, len}, &samples);
	return chunk_to_datum(encoding, data, len);
}

static bool
parse_text(const char *text, const ChunkCodec **codec, uint8 **data, Size *len)
{
	const char *colon = strchr(text, ':');
	const char *p;
	Size digits;

	if (colon == NULL)
		return false;
	*codec = chunk_codec_by_name(strview(text, colon - text));
	digits = strlen(colon + 1);
	if (*codec == NULL || digits % 2 != 0)
		return false;
	*len = digits / 2;
	*data = palloc(*len + 1);
	p = colon + 1;
	for (Size i = 0; i < *len; i++, p += 2)
	{
		int high = hex_digit(p[0]);
		int low = hex_digit(p[1]);

		if (high < 0 || low < 0)
			return false;
		(*data)[i] = (uint8) (high << 4 | low);
	}
	return true;
}

Datum
mimir_chunk_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	const ChunkCodec *codec;
	uint8 *data;
	Size len;

	if (!parse_text(text, &codec, &data, &len))
		compat_ereturn(
			fcinfo->context, (Datum) 0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%.100s\"", "mimir.chunk", text),
			 errdetail("A chunk is written as its encoding, a colon and bytes in hexadecimal.")));
	return checked_datum(codec->encoding, data, len);
}

Datum
mimir_chunk_out(PG_FUNCTION_ARGS)
{
	static const char hex[] = "0123456789abcdef";
	ChunkView chunk = chunk_view(PG_GETARG_VARLENA_PP(0));
	const char *name = chunk_view_codec(chunk)->name;
	char *out = palloc(strlen(name) + 2 + 2 * chunk.len);
	char *p = out + sprintf(out, "%s:", name);

	for (Size i = 0; i < chunk.len; i++)
	{
		*p++ = hex[chunk.data[i] >> 4];
		*p++ = hex[chunk.data[i] & 15];
	}
	*p = '\0';
	PG_RETURN_CSTRING(out);
}

static Datum
chunk_of_bytes(const uint8 *p, Size len)
{
	if (len == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("chunk is corrupt"),
						errdetail("It has no encoding byte.")));
	return checked_datum(p[0], p + 1, len - 1);
}

Datum
mimir_chunk_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len = in->len - in->cursor;

	return chunk_of_bytes((const uint8 *) pq_getmsgbytes(in, len), len);
}

Datum
mimir_chunk_send(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

Datum
mimir_chunk_from_bytea(PG_FUNCTION_ARGS)
{
	bytea *v = PG_GETARG_BYTEA_PP(0);

	return chunk_of_bytes((const uint8 *) VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
}

Datum
mimir_chunk_to_bytea(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);

	PG_RETURN_BYTEA_P((bytea *) cstring_to_text_with_len(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v)));
}

/* ---- what is in it ----------------------------------------------------------------------------- */

Datum
mimir_chunk_count(PG_FUNCTION_ARGS)
{
	ChunkView chunk = chunk_view(PG_GETARG_VARLENA_PP(0));

	PG_RETURN_INT32(chunk_view_codec(chunk)->count(chunk.data, chunk.len));
}

Datum
mimir_chunk_min_time(PG_FUNCTION_ARGS)
{
	ChunkSamples s;

	chunk_view_decode(chunk_view(PG_GETARG_VARLENA_PP(0)), &s);
	if (s.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time_from_ms(s.t[0]));
}

Datum
mimir_chunk_max_time(PG_FUNCTION_ARGS)
{
	ChunkSamples s;

	chunk_view_decode(chunk_view(PG_GETARG_VARLENA_PP(0)), &s);
	if (s.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time_from_ms(s.t[s.n - 1]));
}

Datum
mimir_chunk_encoding(PG_FUNCTION_ARGS)
{
	ChunkView chunk = chunk_view(PG_GETARG_VARLENA_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(chunk_view_codec(chunk)->name));
}

/* mimir.samples(chunk) -- a row (time, value, histogram) for each sample. */
Datum
mimir_chunk_samples(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsi = (ReturnSetInfo *) fcinfo->resultinfo;
	ChunkSamples s;

	InitMaterializedSRF(fcinfo, 0);
	chunk_view_decode(chunk_view(PG_GETARG_VARLENA_PP(0)), &s);
	for (int i = 0; i < s.n; i++)
	{
		bool nulls[3] = {false, s.h != NULL, s.h == NULL};
		Datum values[3] = {TimestampTzGetDatum(time_from_ms(s.t[i])), (Datum) 0, (Datum) 0};

		if (s.h != NULL)
			values[2] = histogram_to_datum(&s.h[i]);
		else
			values[1] = Float8GetDatum(s.v[i]);
		tuplestore_putvalues(rsi->setResult, rsi->setDesc, values, nulls);
		if (s.h != NULL)
			pfree(DatumGetPointer(values[2]));
		if (i % 1000 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_NULL();
}
