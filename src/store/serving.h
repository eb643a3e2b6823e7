/*
 * serving.h
 *    Is the head there, and does it hold what the tables of this database hold?
 */
#ifndef MIMIR_STORE_SERVING_H
#define MIMIR_STORE_SERVING_H

#include "postgres.h"

extern bool store_is_ready(void); /* any process, no transaction */

/* store_unready_reason -- why reads and writes are not possible here, NULL: they are. */
extern const char *store_unready_reason(void);

extern void store_need(void); /* ereports the reason */

/*
 * store_installed_extension -- OID of the extension, if its catalog is that of this library's version.  After an
 * upgrade it is not until ALTER EXTENSION UPDATE.  Needs a transaction.
 */
extern Oid store_installed_extension(void);

/*
 * store_check_extension -- ereports unless the tables are those that the head was recovered from.
 * Needs a lock on one of them, else the answer may be out of date at once.
 */
extern void store_check_extension(void);

/*
 * store_lock_extension -- keep the extension from being dropped until the end of the transaction.
 * Returns what tells it from others (Head.extension).
 */
extern Oid store_lock_extension(void);

#endif
