/*
 * tsdb_tool.h
 *    What the parts of the test program share: samples as lines of text, files.
 */
#ifndef MIMIR_TEST_TSDB_TOOL_H
#define MIMIR_TEST_TSDB_TOOL_H

#include "model/histogram.h"
#include "util/buf.h"
#include "wire/tsdb_block.h"

/* tool_fail -- print what went wrong and end the program. */
extern void tool_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A line a sample, as promtool prints them: {__name__="up", job="x"} 1 1700000000000 */
extern void tool_print_float(Labels labels, int64_t t, double v);
extern void tool_print_histogram(Labels labels, const HistogramSample *s);

extern bool tool_is_deleted(int n, const TsdbTombstone *deleted, int64_t t);

/* tool_print_chunk -- all samples of a chunk, without deleted ones. */
extern void tool_print_chunk(Labels labels, ChunkEncoding encoding, const uint8_t *data, size_t len,
							 int n_deleted, const TsdbTombstone *deleted);

extern TsdbBytes tool_map(const char *path, bool optional);
extern TsdbBlock *tool_open_block(const char *dir);
extern TsdbBytes tool_read_stdin(void);
extern void tool_write_stdout(const void *data, size_t len);

/* tsdb_tool_read.c */
extern int tool_read_request(int argc, char **argv);
extern int tool_read_decode(int argc, char **argv);
extern int tool_read_serve(int argc, char **argv);

#endif
