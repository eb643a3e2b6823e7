/*
 * natural.c
 *    Natural order of strings, as the Go module github.com/facette/natsort has it (reference 2.19).
 *
 * A string is cut into runs of digits and of other bytes, and run is compared with run.  Where
 * the shorter string ends, the order has its quirks: a string that is equal to a prefix of the
 * other comes first, but two strings of equal runs ("1" and "01") each come before the other.
 */
#include "promql/functions/natural.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* cut_run -- take the first run off *s; *s must not be empty. */
static StrView
cut_run(StrView *s)
{
	bool digits = is_digit(s->s[0]);
	uint32_t len = 1;
	StrView run;

	while (len < s->len && is_digit(s->s[len]) == digits)
		len++;
	run = (StrView){s->s, len};
	s->s += len;
	s->len -= len;
	return run;
}

/* run_number -- false: not a number that an int64 holds. */
static bool
run_number(StrView run, int64_t *v)
{
	*v = 0;
	for (uint32_t i = 0; i < run.len; i++)
		if (!is_digit(run.s[i]) || __builtin_mul_overflow(*v, 10, v) ||
			__builtin_add_overflow(*v, run.s[i] - '0', v))
			return false;
	return true;
}

bool
promql_natural_less(StrView a, StrView b)
{
	while (a.len > 0)
	{
		StrView run_a, run_b;
		int64_t number_a, number_b;

		if (b.len == 0)
			return false;
		run_a = cut_run(&a);
		run_b = cut_run(&b);
		if (run_number(run_a, &number_a) && run_number(run_b, &number_b))
		{
			if (number_a != number_b)
				return number_a < number_b;
		}
		else
		{
			int c = strview_cmp(run_a, run_b);

			if (c != 0)
				return c < 0;
		}
		if (a.len == 0)
			return true;
		if (b.len == 0)
			return false;
	}
	return false;
}
