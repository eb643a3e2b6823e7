/*
 * raw_histogram.c
 *    Open histogram chunks: for each sample its time as a varint, then its binary form.
 */
#include "postgres.h"

#include "store/raw_histogram.h"

#include "util/varint.h"

bool
raw_histogram_decode(const uint8 *data, uint32 len, int count, HistogramSample **out, Err *err)
{
	const uint8 *p = data;
	const uint8 *end = data + len;

	*out = palloc0(sizeof(HistogramSample) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		uint64 u;

		if ((p = varint_get(p, end, &u)) == NULL ||
			(p = histogram_sample_get(p, end, &(*out)[i])) == NULL)
			return err_set(err, ERR_CORRUPT, -1, "histogram chunk in the head is corrupt");
		(*out)[i].t = varint_unzigzag(u);
	}
	return true;
}
