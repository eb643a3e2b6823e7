/*
 * recording.c
 *    Writing recordings.
 *
 * Time series are added to the request in the making of their stream; at 2,000 samples it is
 * compressed and written.  So a recording of any length needs memory for eight requests only.
 *
 * Calls: open, then (reserve, add)*, then close.  Any failure ends the program with a message.
 */
#include "recording.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
write_request(RecordingWriter *w, unsigned stream)
{
	RecordingStream *s = &w->streams[stream];
	size_t n = snappy_max_compressed_length(s->len);
	char *body = malloc(n);
	FrameHead head;

	if (body == NULL || snappy_compress(s->body, s->len, body, &n) != SNAPPY_OK)
		fail("could not compress a request");
	head = (FrameHead){(uint32_t) n, (uint16_t) stream, s->samples};
	if (fwrite(&head, sizeof(head), 1, w->out) != 1 || fwrite(body, 1, n, w->out) != n)
		fail("could not write the recording");
	free(body);
	w->samples += s->samples;
	w->raw_bytes += s->len;
	w->bytes += sizeof(head) + n;
	s->len = 0;
	s->samples = 0;
}

/* recording_open -- begin a recording in the file, or on standard output if path is "-". */
void
recording_open(RecordingWriter *w, const char *path)
{
	memset(w, 0, sizeof(*w));
	w->out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	if (w->out == NULL)
		fail(path);
}

/* recording_reserve -- room for max_bytes behind what the stream's request holds. */
char *
recording_reserve(RecordingWriter *w, unsigned stream, size_t max_bytes)
{
	RecordingStream *s = &w->streams[stream];

	if (s->len + max_bytes > s->size)
	{
		s->size = (s->len + max_bytes) * 2;
		s->body = realloc(s->body, s->size);
		if (s->body == NULL)
			fail("out of memory");
	}
	return s->body + s->len;
}

/* recording_add -- len bytes with that many samples were put where recording_reserve said. */
void
recording_add(RecordingWriter *w, unsigned stream, size_t len, unsigned samples)
{
	RecordingStream *s = &w->streams[stream];

	s->len += len;
	s->samples = (uint16_t) (s->samples + samples);
	if (s->samples >= RECORDING_PER_REQUEST)
		write_request(w, stream);
}

/* recording_close -- write what is left and end the file. */
void
recording_close(RecordingWriter *w)
{
	for (unsigned i = 0; i < RECORDING_STREAMS; i++)
	{
		if (w->streams[i].samples > 0)
			write_request(w, i);
		free(w->streams[i].body);
	}
	if (w->out == stdout ? fflush(stdout) : fclose(w->out))
		fail("could not write the recording");
}
