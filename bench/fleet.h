/*
 * fleet.h
 *    The made-up fleet: targets, their series, their values.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdint.h>
#include <stddef.h>

#define FLEET_PER_TARGET 200 /* series */
#define FLEET_JOBS		 20

typedef enum FleetLayout
{
	FLEET_MIXED,  /* about 200 metric names */
	FLEET_COUNTER /* one counter, "events_total" */
} FleetLayout;

typedef enum ValueKind
{
	VALUE_COUNTER,
	VALUE_BUCKET, /* of a histogram, cumulative; the first of its histogram has the sum of all */
	VALUE_SUM,	  /* a counter of three decimals */
	VALUE_COUNT,  /* equals the last bucket */
	VALUE_ONE,	  /* constant 1 */
	VALUE_SLOW,	  /* gauge that seldom changes */
	VALUE_WALK2,  /* random walk of two decimals */
	VALUE_WALK3,
	VALUE_INTEGER, /* gauge */
	VALUE_NOISE	   /* full entropy */
} ValueKind;

typedef struct Series
{
	double value;
	float rate; /* of counters, per scrape */
	uint8_t kind;
	uint8_t bucket;		/* number within its histogram */
	uint16_t label_len; /* bytes */
	char *labels;		/* the label fields of a TimeSeries message */
} Series;

typedef struct Target
{
	uint64_t random; /* state of its own generator, so that targets do not depend on each other */
	uint32_t number;
	uint32_t replaced; /* how many targets were here before: a new one has new labels */
	uint32_t phase_ms; /* within the scrape interval */
	uint8_t jitters;
	Series series[FLEET_PER_TARGET];
} Target;

extern void fleet_init_target(Target *t, FleetLayout layout, uint32_t number, uint32_t interval_ms);
extern void fleet_replace_target(Target *t, FleetLayout layout);
extern void fleet_scrape(Target *t);
extern int fleet_jitter_ms(Target *t);
extern size_t fleet_label_text_bytes(const Series *s);

#endif
