/*
 * fetch.h
 *    One HTTP request to another server, its answer read piece by piece.
 *
 *    fetch_begin, fetch_read until it returns false, fetch_end
 *
 * Only http and https are spoken and no redirection is followed: what is asked is what the caller
 * named.  Waiting ends with a cancel or a shutdown, at most a tenth of a second later.
 */
#ifndef MIMIR_REMOTE_FETCH_H
#define MIMIR_REMOTE_FETCH_H

#include "postgres.h"

typedef struct FetchHeader
{
	const char *name;
	const char *value;
} FetchHeader;

typedef struct Fetch Fetch;

/*
 * fetch_check_url -- ereports unless it is an http or https URL of a host, without user and password,
 * which do not belong into statements that are logged as they are.
 */
extern void fetch_check_url(const char *url);

/* fetch_check_header -- ereports if the texts would not be one header. */
extern void fetch_check_header(const char *name, const char *value);

/*
 * fetch_begin -- POST a body, which must live as long as the fetch; idle_s without a byte end it.
 * Returns when the head of the answer is there, or ereports if there is none.  The memory context that is
 * current owns the connection: its deletion closes it.
 */
extern Fetch *fetch_begin(const char *url, const FetchHeader *headers, int nheaders,
						  const void *body, Size len, int idle_s);
extern int fetch_status(const Fetch *f);
extern const char *fetch_content_type(const Fetch *f); /* "" if it was not told */

/* fetch_read -- the next bytes of the body, valid until the next call; false: it is over. */
extern bool fetch_read(Fetch *f, const uint8 **data, Size *len);
extern void fetch_end(Fetch *f);

#endif
