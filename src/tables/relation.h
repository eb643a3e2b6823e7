/*
 * relation.h
 *    From the name of one of our tables to its OID.
 */
#ifndef MIMIR_TABLES_RELATION_H
#define MIMIR_TABLES_RELATION_H

#include "postgres.h"

#include "utils/rel.h"

extern Oid tables_schema(void); /* OID of schema mimir, InvalidOid if it does not exist */
extern Oid tables_relid(const char *name); /* ereports if the table does not exist */
extern Oid tables_relid_missing_ok(const char *name);

/* tables_open -- open by name; close with table_close.  Needs a transaction. */
extern Relation tables_open(const char *name, LOCKMODE lockmode);

/* tables_index -- OID of an index by name. */
extern Oid tables_index(const char *name);

#endif
