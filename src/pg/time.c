/*
 * time.c
 *    Between PostgreSQL's clock and ours.
 */
#include "postgres.h"

#include "pg/time.h"

#include "utils/timestamp.h"

#define EPOCH_DIFF_MS                                                                              \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * INT64CONST(1000))

int64
time_to_ms(TimestampTz t)
{
	int64 ms;

	if (TIMESTAMP_IS_NOBEGIN(t))
		return PG_INT64_MIN;
	if (TIMESTAMP_IS_NOEND(t))
		return PG_INT64_MAX;
	ms = t / 1000;
	if (t % 1000 < 0)
		ms--;
	return ms + EPOCH_DIFF_MS;
}

TimestampTz
time_from_ms(int64 ms)
{
	TimestampTz t;

	if (ms > PG_INT64_MAX / 1000)
		return DT_NOEND;
	if (ms < PG_INT64_MIN / 1000 + EPOCH_DIFF_MS)
		return DT_NOBEGIN;
	t = (ms - EPOCH_DIFF_MS) * 1000;
	if (!IS_VALID_TIMESTAMP(t))
		return t < 0 ? DT_NOBEGIN : DT_NOEND;
	return t;
}

int64
time_now_ms(void)
{
	return time_to_ms(GetCurrentTimestamp());
}
