/*
 * date.c
 *    Calendar fields of values taken as Unix seconds; timestamp().
 *
 * UTC, proleptic Gregorian calendar, whatever the year.  Without an argument the value is the
 * evaluation time, so these are operators of their own: there may be no vector to map.
 */
#include "promql/functions/families.h"

#define SECONDS_PER_DAY 86400
#define ERA_DAYS		INT64_C(146097)					/* a multiple of 7 */
#define FIRST_ERA		INT64_C(730692556)				/* eras before that of the year 0 */
#define EPOCH_DAY		(FIRST_ERA * ERA_DAYS + 719468) /* days before 1970-01-01 */
#define FIRST_WEEKDAY	3								/* Wednesday, as 0000-03-01 */

typedef struct CivilTime
{
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute;
	int weekday; /* 0: Sunday */
	int yearday; /* from 1 */
} CivilTime;

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
month_days(int64_t year, int month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* seconds_of -- toward zero; what no int64 holds becomes its minimum, as Go does on amd64. */
static int64_t
seconds_of(double v)
{
	if (!(v >= -0x1p63 && v < 0x1p63))
		return INT64_MIN;
	return (int64_t) v;
}

/*
 * civil_time -- years are counted from March, so that the leap day is a year's last day, in eras
 * of 400 years (Howard Hinnant, "chrono-compatible low-level date algorithms").
 *
 * As in Go, seconds are counted from the first year that an era begins with, modulo 2^64: what lies
 * before it, the minimum above all, comes out as the year 292277026596.
 */
static CivilTime
civil_time(double v)
{
	uint64_t since = (uint64_t) seconds_of(v) + (uint64_t) EPOCH_DAY * SECONDS_PER_DAY;
	int64_t from_march = (int64_t) (since / SECONDS_PER_DAY);
	int in_day = (int) (since % SECONDS_PER_DAY);
	int64_t era = from_march / ERA_DAYS;
	int of_era = (int) (from_march % ERA_DAYS);
	int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int shifted_month = (5 * of_year + 2) / 153; /* 0: March */
	CivilTime c;

	c.day = of_year - (153 * shifted_month + 2) / 5 + 1;
	c.month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
	c.year = (era - FIRST_ERA) * 400 + year_of_era + (c.month <= 2);
	c.hour = in_day / 3600;
	c.minute = in_day % 3600 / 60;
	c.weekday = (int) ((from_march + FIRST_WEEKDAY) % 7);
	c.yearday = c.day;
	for (int m = 1; m < c.month; m++)
		c.yearday += month_days(c.year, m);
	return c;
}

static double
field(PromqlFn fn, double v)
{
	CivilTime c = civil_time(v);

	switch (fn)
	{
		case PROMQL_FN_day_of_month:
			return c.day;
		case PROMQL_FN_day_of_week:
			return c.weekday;
		case PROMQL_FN_day_of_year:
			return c.yearday;
		case PROMQL_FN_days_in_month:
			return month_days(c.year, c.month);
		case PROMQL_FN_hour:
			return c.hour;
		case PROMQL_FN_minute:
			return c.minute;
		case PROMQL_FN_month:
			return c.month;
		default:
			return (double) c.year;
	}
}

typedef struct DateOp
{
	PromqlOp op;
	PromqlVector vec;
	bool done; /* without an argument: the one series is out */
} DateOp;

static bool
date_open(PromqlOp *op, Err *err)
{
	promql_vector_init(&((DateOp *) op)->vec, op->grid->nsteps);
	return true;
}

/* now_next -- fields of the evaluation times. */
static int
now_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	DateOp *self = (DateOp *) op;

	if (self->done)
		return 0;
	self->done = true;
	memset(self->vec.kind, PROMQL_FLOAT, op->grid->nsteps);
	for (int i = 0; i < op->grid->nsteps; i++)
		self->vec.v[i] = field(op->plan->call.sig->fn, (double) op->grid->ts[i] / 1000);
	out->vec = self->vec;
	return op->grid->nsteps > 0;
}

static int
date_next(PromqlOp *op, PromqlOpSeries *out, Err *err)
{
	DateOp *self = (DateOp *) op;
	int n = op->grid->nsteps;
	int rc;

	while ((rc = promql_op_next(op->children[0], out, err)) > 0)
	{
		op->stats.series_in++;
		for (int i = 0; i < n; i++)
		{
			self->vec.kind[i] = out->vec.kind[i] == PROMQL_FLOAT ? PROMQL_FLOAT : PROMQL_ABSENT;
			if (self->vec.kind[i] == PROMQL_FLOAT)
				self->vec.v[i] = field(op->plan->call.sig->fn, out->vec.v[i]);
		}
		if (promql_vector_count(&self->vec, n) == 0)
			continue;
		out->vec = self->vec;
		promql_series_call_name(op, out);
		return 1;
	}
	return rc;
}

PromqlOp *
promql_date_create(PromqlExec *ex, const PromqlPlanNode *plan, PromqlOp **children, Err *err)
{
	DateOp *self = promql_op_new(ex, plan, children, sizeof(*self));

	self->op.open = date_open;
	self->op.next = plan->nchildren > 0 ? date_next : now_next;
	return &self->op;
}

/* promql_fn_timestamp -- of anything but a selector: the evaluation time. */
bool
promql_fn_timestamp(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err)
{
	for (int i = 0; i < call->nsteps; i++)
	{
		out->kind[i] = in->kind[i] != PROMQL_ABSENT ? PROMQL_FLOAT : PROMQL_ABSENT;
		out->v[i] = (double) call->ts[i] / 1000;
	}
	return true;
}

/* promql_fn_start_timestamp -- of anything but a selector, or with start times off: nothing. */
bool
promql_fn_start_timestamp(PromqlCall *call, const PromqlVector *in, PromqlVector *out, Err *err)
{
	memset(out->kind, PROMQL_ABSENT, call->nsteps);
	return true;
}
