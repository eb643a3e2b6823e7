/*
 * value_map.c
 *    Doubles as integers: which mapping, to integers, and back.
 *
 * Mapping tests every value by mapping it back, so that what is stored is exact whatever the
 * processor's arithmetic; values that do not come back are exceptions.  Which mapping needs the
 * fewest bytes shows only when the integers are encoded: value_mapping_next gives those that
 * stand a chance, most columns having one.
 */
#include "codec/column/value_map.h"

#include "util/mem.h"

#include <assert.h>

static const double powers_of_ten[VALUE_MAX_DIGITS + 1] = {1e0,	 1e1,  1e2,	 1e3,  1e4,	 1e5,  1e6,
														   1e7,	 1e8,  1e9,	 1e10, 1e11, 1e12, 1e13,
														   1e14, 1e15, 1e16, 1e17, 1e18};

#define EXACT 9007199254740992.0 /* 2^53: integers up to it are doubles */

static inline bool
is_same(double a, double b)
{
	return value_bits(a) == value_bits(b);
}

/* --- one value ----------------------------------------------------------------------------- */

/* to_decimal -- the m with m / 10^digits = v, bit by bit; false if there is none */
static inline bool
to_decimal(double v, unsigned digits, int64_t *m)
{
	double x = v * powers_of_ten[digits];
	double limit = digits == 0 ? 9223372036854774784.0 : EXACT; /* the largest below 2^63 */

	if (!(x >= -limit && x <= limit))
		return false;
	*m = digits == 0 ? (int64_t) x : (int64_t) (x + (x < 0 ? -0.5 : 0.5));
	return is_same((double) *m / powers_of_ten[digits], v);
}

/* digits_of -- the fewest digits that represent v; VALUE_MAX_DIGITS + 1 if none do */
static unsigned
digits_of(double v)
{
	unsigned digits = 0;
	int64_t m;

	while (digits <= VALUE_MAX_DIGITS && !to_decimal(v, digits, &m))
		digits++;
	return digits;
}

/* scale_of -- the least s for which v * 2^s is a whole number; v is finite and not 0 */
static int
scale_of(double v)
{
	uint64_t b = value_bits(v), mantissa = b & (UINT64_MAX >> 12);
	int exponent = (int) (b >> 52 & 0x7ff);

	if (exponent > 0)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	return 1075 - exponent - __builtin_ctzll(mantissa);
}

static bool
to_binary(double v, int scale, int64_t *m)
{
	double x = ldexp(v, scale);

	if (!(x >= -EXACT && x <= EXACT))
		return false;
	*m = (int64_t) x;
	return is_same(ldexp((double) *m, -scale), v);
}

/* Units in the last place between a value and a decimal: more are no rounding errors. */
#define MAX_DRIFT (INT64_C(1) << 20)

static bool
to_drifted(double v, unsigned digits, int64_t *m, int64_t *drift)
{
	double x = v * powers_of_ten[digits];

	if (!(x >= -EXACT && x <= EXACT))
		return false;
	*m = (int64_t) (x + (x < 0 ? -0.5 : 0.5));
	*drift = value_order(v) - value_order((double) *m / powers_of_ten[digits]);
	return *drift >= -MAX_DRIFT && *drift <= MAX_DRIFT;
}

/* --- all of them --------------------------------------------------------------------------- */

static bool
to_int(ValueMapping *m, int i)
{
	switch (m->kind)
	{
		case VALUE_DECIMAL:
			return to_decimal(m->v[i], m->digits, &m->ints[i]);
		case VALUE_DRIFTED:
			return to_drifted(m->v[i], m->digits, &m->ints[i], &m->drift[i]);
		case VALUE_BINARY:
			return to_binary(m->v[i], m->scale, &m->ints[i]);
		case VALUE_ORDERED:
			m->ints[i] = value_order(m->v[i]);
			return true;
	}
	return false;
}

/*
 * map_all -- map all values by the mapping set in m; false if more than max are exceptions.
 *
 * An exception's integer is the one before, which costs least.
 */
static bool
map_all(ValueMapping *m, int max)
{
	m->exceptions = 0;
	for (int i = 0; i < m->n; i++)
	{
		if (to_int(m, i))
			continue;
		if (m->exceptions == max)
			return false;
		m->places[m->exceptions++] = i;
		m->ints[i] = i > 0 ? m->ints[i - 1] : 0;
		if (m->kind == VALUE_DRIFTED)
			m->drift[i] = i > 0 ? m->drift[i - 1] : 0;
	}
	/* exceptions at the beginning have nothing before them */
	if (m->exceptions > 0 && m->places[0] == 0)
	{
		int first = 0;

		while (first < m->exceptions && m->places[first] == first)
			first++;
		for (int i = 0; i < first && first < m->n; i++)
		{
			m->ints[i] = m->ints[first];
			if (m->kind == VALUE_DRIFTED)
				m->drift[i] = m->drift[first];
		}
	}
	return true;
}

/* is_special -- is v an exception to any mapping to numbers: NaN, an infinity, -0? */
static inline bool
is_special(double v)
{
	return !isfinite(v) || value_bits(v) == UINT64_C(1) << 63;
}

static int
count_special(const double *v, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += is_special(v[i]);
	return count;
}

#define SAMPLES 64

/*
 * choose_digits -- for the fewest bits over every step-th value: a digit makes all values longer
 * by 3.3 bits, a misfit costs ten bytes.  Returns false if no number of digits fits most.
 */
static bool
choose_digits(ValueMapping *m, int step)
{
	int need[VALUE_MAX_DIGITS + 2] = {0}, count = 0, fits = 0;
	int64_t best = 0;

	for (int i = 0; i < m->n; i += step)
		if (!is_special(m->v[i]))
		{
			need[digits_of(m->v[i])]++;
			count++;
		}
	for (unsigned d = 0; d <= VALUE_MAX_DIGITS; d++)
	{
		int64_t cost;

		fits += need[d];
		cost = (int64_t) (count - fits) * 800 + (int64_t) fits * 33 * (int) d;
		if (d == 0 || cost < best)
		{
			best = cost;
			m->digits = d;
		}
	}
	return need[VALUE_MAX_DIGITS + 1] <= count / 4;
}

/* next_decimal -- the first mapping that is tried */
static bool
next_decimal(ValueMapping *m)
{
	int special = count_special(m->v, m->n);

	m->kind = VALUE_DECIMAL;
	if (!choose_digits(m, m->n > SAMPLES ? m->n / SAMPLES : 1))
		return false;
	if (map_all(m, special + m->n / 64))
		return true;
	/* the sample told little: look at all */
	return choose_digits(m, 1) && map_all(m, special + m->n / 8);
}

/* next_binary -- if one scale serves all finite values */
static bool
next_binary(ValueMapping *m)
{
	m->kind = VALUE_BINARY;
	m->digits = 0;
	m->scale = VALUE_MIN_SCALE;
	for (int i = 0; i < m->n; i++)
		if (isfinite(m->v[i]) && m->v[i] != 0)
		{
			int scale = scale_of(m->v[i]);

			m->scale = scale > m->scale ? scale : m->scale;
		}
	return map_all(m, count_special(m->v, m->n) + m->n / 64);
}

/* next_drifted -- for sums of whole nano-, micro- or milliseconds, if there is little drift */
static bool
next_drifted(ValueMapping *m)
{
	static const unsigned digits[] = {9, 6, 3};
	int step = m->n > SAMPLES ? m->n / SAMPLES : 1;
	unsigned best_bits = UINT32_MAX;

	m->kind = VALUE_DRIFTED;
	for (size_t d = 0; d < sizeof(digits) / sizeof(digits[0]); d++)
	{
		unsigned bits = 0, count = 0;

		for (int i = 0; i < m->n; i += step)
		{
			int64_t whole, drift;

			if (to_drifted(m->v[i], digits[d], &whole, &drift))
			{
				uint64_t width = (uint64_t) (drift < 0 ? -drift : drift);

				bits += width == 0 ? 0 : 65 - (unsigned) __builtin_clzll(width);
			}
			else
				bits += 64;
			count++;
		}
		if (bits <= 12 * count && bits < best_bits)
		{
			best_bits = bits;
			m->digits = digits[d];
		}
	}
	if (best_bits == UINT32_MAX)
		return false;
	if (m->drift == NULL)
		m->drift = mem_alloc(sizeof(*m->drift) * (size_t) m->n);
	return map_all(m, count_special(m->v, m->n) + m->n / 64);
}

static bool
next_ordered(ValueMapping *m)
{
	m->kind = VALUE_ORDERED;
	m->digits = 0;
	return map_all(m, 0);
}

/* Decimals with more digits than these may be doubles of another kind. */
#define SURE_DIGITS 12

/* value_mapping_init -- for n (>= 1) values, which must stay. */
void
value_mapping_init(ValueMapping *m, const double *v, int n)
{
	*m = (ValueMapping){.v = v, .n = n};
	m->ints = mem_alloc(sizeof(*m->ints) * (size_t) n);
	m->places = mem_alloc(sizeof(*m->places) * (size_t) n);
}

/*
 * value_mapping_next -- map the values in another way, which may need fewer bytes.
 *
 * The first call always gives a mapping.  Returns false when there is no other worth trying.
 */
bool
value_mapping_next(ValueMapping *m)
{
	if (m->tried == 0)
	{
		m->tried = 1 << VALUE_DECIMAL;
		if (next_decimal(m))
		{
			if (m->digits <= SURE_DIGITS && m->exceptions <= count_special(m->v, m->n))
				m->tried = -1; /* all there is */
			return true;
		}
	}
	for (int kind = VALUE_BINARY; kind <= VALUE_DRIFTED; kind++)
	{
		bool (*const next[])(ValueMapping *) = {next_decimal, next_binary, next_ordered,
												next_drifted};

		if (m->tried & 1 << kind)
			continue;
		m->tried |= 1 << kind;
		if (next[kind](m))
			return true;
	}
	return false;
}

void
value_mapping_free(ValueMapping *m)
{
	mem_free(m->ints);
	mem_free(m->places);
	mem_free(m->drift);
}

/* --- and back ------------------------------------------------------------------------------ */

/* Pairs of doubles and integers: every 64-bit processor has registers for them. */
typedef double Doubles __attribute__((vector_size(16)));
typedef int64_t Longs __attribute__((vector_size(16)));

/*
 * divide_pairs -- v = m / divisor for n (even) integers between -2^51 and 2^51
 *
 * Such an integer, added to the bits of 1.5 * 2^52, gives those of the sum; subtracting leaves
 * the integer as a double.  So two are converted by two instructions, and divided by one.
 */
static void
divide_pairs(const int64_t *m, int n, double divisor, double *v)
{
	const double bias = 6755399441055744.0;
	const int64_t bias_bits = (int64_t) value_bits(bias);

	for (int i = 0; i < n; i += 2)
	{
		Longs x;
		Doubles d;

		memcpy(&x, m + i, sizeof(x));
		x += bias_bits;
		memcpy(&d, &x, sizeof(d));
		d = (d - bias) / divisor;
		memcpy(v + i, &d, sizeof(d));
	}
}

/* value_from_decimal -- v = m / 10^digits */
void
value_from_decimal(const int64_t *m, int n, unsigned digits, double *v)
{
	double power = powers_of_ten[digits];
	uint64_t wide = 0; /* 52 bits and more, of integers plus 2^51 */
	int i = 0;

	if (digits == 0)
	{
		for (; i < n; i++)
			v[i] = (double) m[i];
		return;
	}
	for (int j = 0; j < n; j++)
		wide |= (uint64_t) m[j] + (UINT64_C(1) << 51);
	if (wide >> 52 == 0)
	{
		i = n & ~1;
		divide_pairs(m, i, power, v);
	}
	for (; i < n; i++)
		v[i] = (double) m[i] / power;
}

/* value_from_drifted -- the same, and drift doubles further up */
void
value_from_drifted(const int64_t *m, const int64_t *drift, int n, unsigned digits, double *v)
{
	double power = powers_of_ten[digits];

	for (int i = 0; i < n; i++)
		v[i] = value_unorder(
			(int64_t) ((uint64_t) value_order((double) m[i] / power) + (uint64_t) drift[i]));
}

/* value_from_binary -- v = m * 2^-scale, which is exact */
void
value_from_binary(const int64_t *m, int n, int scale, double *v)
{
	double power = ldexp(1, -scale);

	for (int i = 0; i < n; i++)
		v[i] = (double) m[i] * power;
}

/* value_from_ordered -- the inverse of value_order */
void
value_from_ordered(const int64_t *m, int n, double *v)
{
	for (int i = 0; i < n; i++)
		v[i] = value_unorder(m[i]);
}
