/*
 * json_histogram.c
 *    A native histogram in the API's JSON (reference 4.1).
 */
#include "wire/json.h"

#include "model/histogram_math.h"
#include "util/mem.h"

/* 0 = (lo,hi], 1 = [lo,hi), 2 = open at both ends, 3 = closed at both */
static int
border_code(const HistogramBucket *b)
{
	if (b->lower_inclusive)
		return b->upper_inclusive ? 3 : 1;
	return b->upper_inclusive ? 0 : 2;
}

void
json_histogram(Buf *out, const Histogram *h)
{
	HistogramBucket *buckets;
	int n = histogram_buckets(h, &buckets);
	bool open = false;

	buf_str(out, "{\"count\":");
	json_sample_value(out, h->count);
	buf_str(out, ",\"sum\":");
	json_sample_value(out, h->sum);
	for (int i = 0; i < n; i++)
	{
		const HistogramBucket *b = &buckets[i];

		if (b->count == 0)
			continue;
		buf_str(out, open ? "," : ",\"buckets\":[");
		open = true;
		buf_printf(out, "[%d,", border_code(b));
		json_sample_value(out, b->lower);
		buf_char(out, ',');
		json_sample_value(out, b->upper);
		buf_char(out, ',');
		json_sample_value(out, b->count);
		buf_char(out, ']');
	}
	buf_str(out, open ? "]}" : "}");
	mem_free(buckets);
}
