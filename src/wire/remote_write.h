/*
 * remote_write.h
 *    A pull decoder for remote-write bodies, 1.0 and 2.0, after snappy: series by series, no
 *    allocation per series, labels parsed only on demand.
 *
 * The hot path of ingestion.  The reader walks the protobuf by hand; all views point into the
 * body, which must outlive the reader.  Hostile input gives an error, never a read outside
 * the body.  Scratch arrays grow with mem_alloc and are reused for every series.
 */
#ifndef MIMIR_WIRE_REMOTE_WRITE_H
#define MIMIR_WIRE_REMOTE_WRITE_H

#include "model/exemplar.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "util/hash.h"
#include "wire/prompb.h"

typedef enum RwVersion
{
	RW_V1,
	RW_V2
} RwVersion;

typedef PromSample RwSample;

typedef struct RwSeries
{
	/*
	 * Hash of the label bytes as they stand in the request (2.0: of the symbols referred to),
	 * seeded.  Equal keys mean equal labels in equal order of one protocol version.
	 */
	Hash128 key;
	int nsamples;
	const RwSample *samples; /* scratch of the reader: valid until the next series */
	int nhistograms;
	const HistogramSample *histograms; /* from mem_alloc */
	int nexemplars;
	const Exemplar *exemplars; /* labels from mem_alloc */
	bool has_metadata;		   /* 2.0 */
	Metadata metadata;
	const char
		*bad; /* NULL, or why this series alone cannot be taken (2.0: refs out of range...) */

	/* private */
	const uint8_t *body;
	const uint8_t *body_end;
} RwSeries;

typedef struct RwReader RwReader;

/* rw_reader_create -- scratch comes from the current mem scope. */
extern RwReader *rw_reader_create(uint64_t key_seed);

/*
 * rw_reader_begin -- start a new body.  False with err if it is malformed in its frame (2.0
 * reads its symbol table here).
 */
extern bool rw_reader_begin(RwReader *r, RwVersion version, const uint8_t *body, size_t len,
							Err *err);

/* rw_next_series -- 1: *out is filled; 0: end; -1: malformed (err). */
extern int rw_next_series(RwReader *r, RwSeries *out, Err *err);

/*
 * rw_series_labels -- the labels in the order received; *labels is scratch, valid until the next
 * call.  Returns their number, -1 if malformed.
 */
extern int rw_series_labels(RwReader *r, const RwSeries *s, Label **labels, Err *err);

/* rw_next_metadata -- 1.0 metadata, after the last series; 1, 0, -1 as above. */
extern int rw_next_metadata(RwReader *r, Metadata *out, Err *err);

#endif
