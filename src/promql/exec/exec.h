/*
 * exec.h
 *    The state of one running query, as its operators see it.
 */
#ifndef MIMIR_PROMQL_EXEC_EXEC_H
#define MIMIR_PROMQL_EXEC_EXEC_H

#include "promql/exec/annotate.h"
#include "promql/exec/operator.h"

struct PromqlExec
{
	const PromqlPlan *plan;
	const PromqlParams *params; /* plan's copy */
	PromqlSource *source;
	MemScope *scope; /* everything of this execution; child of the creator's scope */
	PromqlOp *root;
	PromqlOp **ops;				  /* by plan node number */
	struct PromqlShared **shared; /* by share number - 1 of selectors; NULL: not selected yet */
	PromqlTracer tracer;		  /* enter and leave NULL: none */
	PromqlAnnotations annotations;

	/* limits */
	int64_t held_samples; /* points that operators keep at the moment */
	int64_t peak_samples;
	int64_t samples_read;
	int64_t memory_countdown; /* steps of series until memory is measured again */

	struct PromqlResult *result; /* shapes what the root yields */
	bool opened;
	bool done;
};

/*
 * promql_exec_hold -- an operator keeps n more points (negative: gives them back).  False after
 * setting the error of the sample limit.  A histogram weighs promql_histogram_weight.
 */
extern bool promql_exec_hold(PromqlExec *ex, int64_t n, Err *err);
extern int64_t promql_histogram_weight(const Histogram *h);
/* promql_exec_check_memory -- false and an error when the query holds more than it may. */
extern bool promql_exec_check_memory(PromqlExec *ex, Err *err);

#endif
