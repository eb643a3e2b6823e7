/*
 * test_text_time.c
 *    Durations, RFC 3339, time parameters.
 */
#include "unit.h"

#include "util/text.h"

typedef struct DurationCase
{
	const char *text;
	int64_t ms;			 /* -1: an error */
	const char *printed; /* canonical text, or the error */
} DurationCase;

static const DurationCase duration_cases[] = {
	{"0", 0, "0s"},
	{"0s", 0, "0s"},
	{"1ms", 1, "1ms"},
	{"90s", 90000, "1m30s"},
	{"7d", 604800000, "1w"},
	{"8d", 691200000, "8d"},
	{"365d", INT64_C(31536000000), "1y"},
	{"366d", INT64_C(31622400000), "366d"},
	{"1500ms", 1500, "1s500ms"},
	{"1y2w", INT64_C(32745600000), "379d"},
	{"1h30m", 5400000, "1h30m"},
	{"1d12h", 129600000, "1d12h"},
	{"1y1w1d1h1m1s1ms", INT64_C(32230861001), "373d1h1m1s1ms"},
	{"106751d", INT64_C(9223286400000), "106751d"},
	{"", -1, "empty duration string"},
	{"30m1h", -1, "not a valid duration string: \"30m1h\""},
	{"1m1m", -1, "not a valid duration string: \"1m1m\""},
	{"1.5h", -1, "unknown unit \".\" in duration \"1.5h\""},
	{"5hs", -1, "unknown unit \"hs\" in duration \"5hs\""},
	{"1", -1, "not a valid duration string: \"1\""},
	{"-1s", -1, "not a valid duration string: \"-1s\""},
	{"s", -1, "not a valid duration string: \"s\""},
	{"1h ", -1, "unknown unit \"h \" in duration \"1h \""},
	{"293y", -1, "duration out of range"},
	{"292y200d", -1, "duration out of range"},
	{"18446744073709551616ms", -1, "not a valid duration string: \"18446744073709551616ms\""},
	{"18446744073709551615ms", -1, "duration out of range"},
};

UNIT_TEST(text_durations)
{
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(duration_cases) / sizeof(duration_cases[0]); i++)
	{
		const DurationCase *c = &duration_cases[i];
		Err err = ERR_INIT;
		int64_t ms = -1;

		buf_reset(&b);
		if (text_parse_duration_ms(c->text, strlen(c->text), &ms, &err))
		{
			text_duration(&b, ms);
			CHECK_STR(b.data, c->printed);
		}
		else
			CHECK_STR(err.msg, c->printed);
		CHECK_INT(ms, c->ms);
	}
	buf_reset(&b);
	text_duration(&b, -5400000);
	CHECK_STR(b.data, "-1h30m");
	buf_reset(&b);
	text_duration(&b, INT64_MIN);
	CHECK_STR(b.data, "-106751991167d7h12m55s808ms");
}

typedef struct TimeCase
{
	const char *text;
	bool ok;
	int64_t ms;
	const char *printed; /* NULL: not compared */
} TimeCase;

static const TimeCase time_cases[] = {
	{"0", true, 0, "1970-01-01T00:00:00Z"},
	{"1435781451.781", true, 1435781451781, "2015-07-01T20:10:51.781Z"},
	{"2015-07-01T20:10:51.781Z", true, 1435781451781, "2015-07-01T20:10:51.781Z"},
	{"2015-07-01T22:10:51.781999999+02:00", true, 1435781451781, NULL},
	{"2015-07-01T14:40:51.7-05:30", true, 1435781451700, "2015-07-01T20:10:51.7Z"},
	{"1e9", true, 1000000000000, "2001-09-09T01:46:40Z"},
	{"-1.5", true, -1500, "1969-12-31T23:59:58.5Z"},
	{"0.0004", true, 0, NULL},
	{"0.0005", true, 1, NULL},
	{"2000-02-29T00:00:00Z", true, 951782400000, "2000-02-29T00:00:00Z"},
	{"0000-01-01T00:00:00Z", true, INT64_C(-62167219200000), "0000-01-01T00:00:00Z"},
	{"9999-12-31T23:59:59Z", true, INT64_C(253402300799000), "9999-12-31T23:59:59Z"},
	{"253402300800", true, INT64_C(253402300800000), "10000-01-01T00:00:00Z"},
	{"-62167219201", true, INT64_C(-62167219201000), "-0001-12-31T23:59:59Z"},
	{"-292273086-05-16T16:47:06Z", true, INT64_C(-9223309901257974000),
	 "-292273086-05-16T16:47:06Z"},
	{"292277025-08-18T07:12:54.999999999Z", true, INT64_C(9223309901257974999),
	 "292277025-08-18T07:12:54.999Z"},
	{"1900-02-29T00:00:00Z", false, 0, NULL},
	{"2015-13-01T00:00:00Z", false, 0, NULL},
	{"2015-00-01T00:00:00Z", false, 0, NULL},
	{"2015-07-01T24:00:00Z", false, 0, NULL},
	{"2015-07-01T20:10:60Z", false, 0, NULL},
	{"2015-07-01T20:10:51", false, 0, NULL},
	{"2015-07-01T20:10:51.Z", false, 0, NULL},
	{"2015-07-01 20:10:51Z", false, 0, NULL},
	{"2015-07-01T20:10:51Zx", false, 0, NULL},
	{"2015-07-01", false, 0, NULL},
	{"NaN", false, 0, NULL},
	{"Inf", false, 0, NULL},
	{"1e300", false, 0, NULL},
	{"", false, 0, NULL},
	{"now", false, 0, NULL},
};

UNIT_TEST(text_times)
{
	Buf b;

	buf_init(&b, 0, 1000);
	for (size_t i = 0; i < sizeof(time_cases) / sizeof(time_cases[0]); i++)
	{
		const TimeCase *c = &time_cases[i];
		int64_t ms = 0;
		bool ok = text_parse_time_ms(c->text, strlen(c->text), &ms);

		if (ok != c->ok || (ok && ms != c->ms))
			unit_fail(__FILE__, __LINE__, "\"%s\" -> %d %lld", c->text, ok, (long long) ms);
		if (!ok || c->printed == NULL)
			continue;
		buf_reset(&b);
		text_time_rfc3339(&b, ms);
		CHECK_STR(b.data, c->printed);
	}
}
