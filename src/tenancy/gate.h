/*
 * gate.h
 *    Entering and leaving a request; the SQL side of the gate.
 */
#ifndef MIMIR_TENANCY_GATE_H
#define MIMIR_TENANCY_GATE_H

#include "tenancy/tenant.h"

/*
 * tenancy_enter -- from here to tenancy_leave (or the end of the transaction) the process acts as
 * the role mimir_http and sees the tenants of the request only.
 */
extern void tenancy_enter(const TenantSet *set);
extern void tenancy_leave(void);

#endif
