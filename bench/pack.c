/*
 * pack.c
 *    Make a recording of what a real sender sent.
 *
 *    pack FILE < REQUESTS
 *
 * REQUESTS is a sequence of a little-endian u32 length and an uncompressed WriteRequest (remote
 * write 1.0).  Its time series are dealt to the streams by a hash of their labels; metadata is
 * left out.  Prints what gen prints.
 */
#include "recording.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader
{
	const unsigned char *p;
	const unsigned char *end;
	bool is_bad;
} Reader;

/* A field of a message: its number and kind, and what it holds. */
typedef struct Field
{
	uint64_t tag;
	uint64_t number;			/* if it is a varint */
	const unsigned char *bytes; /* if it has a length */
	size_t len;
} Field;

static uint64_t
read_varint(Reader *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && r->p < r->end; shift += 7)
	{
		v |= (uint64_t) (*r->p & 0x7f) << shift;
		if (*r->p++ < 0x80)
			return v;
	}
	r->is_bad = true;
	return 0;
}

static bool
read_field(Reader *r, Field *f)
{
	if (r->p == r->end || r->is_bad)
		return false;
	f->tag = read_varint(r);
	f->bytes = r->p;
	f->len = 0;
	switch (f->tag & 7)
	{
		case 0:
			f->number = read_varint(r);
			return !r->is_bad;
		case 1:
			f->len = 8;
			break;
		case 2:
			f->len = read_varint(r);
			f->bytes = r->p;
			break;
		default:
			r->is_bad = true;
	}
	if (r->is_bad || f->len > (size_t) (r->end - r->p))
		r->is_bad = true;
	else
		r->p += f->len;
	return !r->is_bad;
}

static int64_t
sample_time(const Field *sample)
{
	Reader r = {sample->bytes, sample->bytes + sample->len, false};
	Field f;

	while (read_field(&r, &f))
		if (f.tag == 0x10)
			return (int64_t) f.number;
	return 0;
}

static char *
put_length(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char) (v | 0x80);
	*p++ = (char) v;
	return p;
}

static void
add_series(RecordingWriter *w, const Field *series, int64_t *last)
{
	Reader r = {series->bytes, series->bytes + series->len, false};
	uint32_t hash = 2166136261u; /* FNV-1a of the labels */
	unsigned samples = 0;
	Field f;
	char *start, *p;

	while (read_field(&r, &f))
	{
		if (f.tag == 0x0a)
			for (size_t i = 0; i < f.len; i++)
				hash = (hash ^ f.bytes[i]) * 16777619u;
		else if (f.tag == 0x12)
		{
			int64_t t = sample_time(&f);

			samples++;
			*last = t > *last ? t : *last;
		}
	}
	start = p = recording_reserve(w, hash % RECORDING_STREAMS, series->len + 16);
	*p++ = 0x0a;
	p = put_length(p, series->len);
	memcpy(p, series->bytes, series->len);
	recording_add(w, hash % RECORDING_STREAMS, (size_t) (p - start) + series->len, samples);
}

int
main(int argc, char **argv)
{
	RecordingWriter w;
	uint32_t len;
	int64_t last = 0;

	if (argc != 2)
	{
		fprintf(stderr, "usage: pack FILE < REQUESTS\n");
		return 2;
	}
	recording_open(&w, argv[1]);
	while (fread(&len, sizeof(len), 1, stdin) == 1)
	{
		unsigned char *body = malloc(len ? len : 1);
		Reader r = {body, body + len, false};
		Field f;

		if (body == NULL || fread(body, 1, len, stdin) != len)
		{
			fprintf(stderr, "the input ends within a request\n");
			return 1;
		}
		while (read_field(&r, &f))
			if (f.tag == 0x0a)
				add_series(&w, &f, &last);
		if (r.is_bad)
		{
			fprintf(stderr, "a request is no protobuf message\n");
			return 1;
		}
		free(body);
	}
	recording_close(&w);
	fprintf(stderr, "samples %llu count\nprotobuf %llu bytes\nrecording %llu bytes\nlast %lld ms\n",
			(unsigned long long) w.samples, (unsigned long long) w.raw_bytes,
			(unsigned long long) w.bytes, (long long) last);
	return 0;
}
