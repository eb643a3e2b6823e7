/*
 * recording.h
 *    Recordings of remote-write requests: how they are written and read.
 *
 * A recording is a sequence of frames, each one request:
 *
 *    u32 length of the body    little endian
 *    u16 stream                the connection that sends it
 *    u16 samples               in the body
 *    body                      a remote-write 1.0 WriteRequest, snappy (block format)
 *
 * A series is always in the same stream, and the frames of a stream are in order of time.
 */
#ifndef BENCH_RECORDING_H
#define BENCH_RECORDING_H

#include <stdint.h>
#include <stdio.h>

#define RECORDING_STREAMS	  8
#define RECORDING_PER_REQUEST 2000 /* samples */

typedef struct FrameHead
{
	uint32_t length; /* of the body, in bytes */
	uint16_t stream;
	uint16_t samples;
} FrameHead;

/* One request in the making. */
typedef struct RecordingStream
{
	char *body;
	size_t len;
	size_t size;
	uint16_t samples;
} RecordingStream;

typedef struct RecordingWriter
{
	RecordingStream streams[RECORDING_STREAMS];
	FILE *out;
	uint64_t samples;
	uint64_t raw_bytes; /* before snappy */
	uint64_t bytes;		/* in the file */
} RecordingWriter;

extern void recording_open(RecordingWriter *w, const char *path);
extern char *recording_reserve(RecordingWriter *w, unsigned stream, size_t max_bytes);
extern void recording_add(RecordingWriter *w, unsigned stream, size_t len, unsigned samples);
extern void recording_close(RecordingWriter *w);

#endif
