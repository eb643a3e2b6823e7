/*
 * match_side.h
 *    The "one" side of a vector match: held whole, found by signature and step.
 */
#ifndef MIMIR_PROMQL_EXEC_MATCH_SIDE_H
#define MIMIR_PROMQL_EXEC_MATCH_SIDE_H

#include "promql/exec/grouping.h"
#include "promql/exec/operator.h"

typedef struct PromqlOneSeries
{
	Labels labels;
	int sig;
	int prev; /* series before this one with the same signature, -1: none */
	PromqlVector vec;
} PromqlOneSeries;

typedef struct PromqlOneSide
{
	PromqlOp *op; /* the binary operator */
	PromqlGrouping grouping;
	PromqlLabelMap sigs; /* signatures are label sets: the match group */
	int *last;			 /* by signature: its newest series, -1: none */
	int last_cap;
	PromqlOneSeries *series;
	int nseries;
	int cap;
	/* by step: two series of one signature, the first such pair; NULL: there is none */
	int *dup_a;
	int *dup_b;
} PromqlOneSide;

extern void promql_one_side_init(PromqlOneSide *side, PromqlOp *op);
/* promql_one_side_load -- read input to its end. */
extern bool promql_one_side_load(PromqlOneSide *side, PromqlOp *input, Err *err);
/* promql_one_side_sig -- number of a label set's signature; add: a new one if need be, else -1. */
extern int promql_one_side_sig(PromqlOneSide *side, Labels ls, bool add);
/* promql_one_side_find -- the series of signature sig that has a value at step i, -1: none. */
extern int promql_one_side_find(const PromqlOneSide *side, int sig, int i);
/* promql_one_side_duplicate -- the error of the duplicate at step i; always false. */
extern bool promql_one_side_duplicate(const PromqlOneSide *side, int i, Err *err);

#endif
