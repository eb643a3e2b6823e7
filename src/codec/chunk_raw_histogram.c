/*
 * chunk_raw_histogram.c
 *    Reading the open form of histogram samples, which the head appends to.
 */
#include "codec/chunk.h"

#include "util/mem.h"
#include "util/varint.h"

#define MIN_SAMPLE 3 /* bytes of the smallest sample: bounds what a count may ask for */

int
chunk_raw_histogram_decode(const uint8_t *data, size_t len, int count, HistogramSample **out,
						   Err *err)
{
	const uint8_t *p = data;
	const uint8_t *end = data + len;

	if (count < 0 || (size_t) count > len / MIN_SAMPLE)
	{
		err_set(err, ERR_CORRUPT, -1, "histogram chunk in the head is corrupt");
		return -1;
	}
	*out = mem_alloc0(sizeof(HistogramSample) * (size_t) (count > 0 ? count : 1));
	for (int i = 0; i < count; i++)
	{
		uint64_t u;

		if ((p = varint_get(p, end, &u)) == NULL ||
			(p = histogram_sample_get(p, end, &(*out)[i])) == NULL)
		{
			err_set(err, ERR_CORRUPT, -1, "histogram chunk in the head is corrupt");
			return -1;
		}
		(*out)[i].t = varint_unzigzag(u);
	}
	return count;
}
