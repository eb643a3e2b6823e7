/*
 * compat.h
 *    The only place that tests PG_VERSION_NUM.  Each entry: what changed, since which major; the
 *    wrapper has the newest signature.
 */
#ifndef MIMIR_PG_COMPAT_H
#define MIMIR_PG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "mimir_pg needs PostgreSQL 15 or newer"
#endif

/* 18: index_beginscan takes an instrumentation argument. */
#if PG_VERSION_NUM >= 180000
#define compat_index_beginscan(heap, index, snapshot, nkeys, norderbys)                            \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys)
#else
#define compat_index_beginscan(heap, index, snapshot, nkeys, norderbys)                            \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#endif

/* 17: MyProc->pgprocno became MyProcNumber. */
#if PG_VERSION_NUM >= 170000
#define compat_my_proc_number() MyProcNumber
#else
#define compat_my_proc_number() (MyProc->pgprocno)
#endif

/* 17: MyProc->lxid moved into MyProc->vxid. */
#if PG_VERSION_NUM >= 170000
#define compat_my_lxid() (MyProc->vxid.lxid)
#else
#define compat_my_lxid() (MyProc->lxid)
#endif

/* 16: privileges on all kinds of objects are checked by object_aclcheck. */
#if PG_VERSION_NUM >= 160000
#define compat_function_aclcheck(funcid, role, mode)                                               \
	object_aclcheck(ProcedureRelationId, funcid, role, mode)
#else
#define compat_function_aclcheck(funcid, role, mode) pg_proc_aclcheck(funcid, role, mode)
#endif

/* 16: input functions report bad input through their context. */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define compat_ereturn(context, dummy, ...) ereturn(context, dummy, __VA_ARGS__)
#else
#define compat_ereturn(context, dummy, ...) ereport(ERROR, __VA_ARGS__)
#endif

#endif
