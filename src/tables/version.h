/*
 * version.h
 *    Is the extension in this database of the library's version?  After an upgrade it is not until ALTER
 *    EXTENSION UPDATE, and tables may lack columns that the library reads.
 */
#ifndef MIMIR_TABLES_VERSION_H
#define MIMIR_TABLES_VERSION_H

#include "postgres.h"

/* All need a transaction. */
extern char *tables_version(Oid *extension);   /* that is installed; NULL: none is */
extern const char *tables_other_version(void); /* what to do about it; NULL: it fits, or none is */
extern void tables_need_version(void);		   /* ereports if it does not fit */

#endif
