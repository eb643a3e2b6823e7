/*
 * fetch.c
 *    One HTTP request to another server, its answer read piece by piece, by libcurl.
 *
 * libcurl calls back with the body.  A callback must not raise an error through libcurl's frames, so
 * it copies into a buffer of fixed size and holds the transfer up when that is full; everything else
 * happens outside of libcurl.
 *
 * libcurl may resolve names in a thread of its own.  Signals are blocked while it may start one, for
 * the thread inherits that: the server's signal handlers belong to the main thread.
 */
#include "postgres.h"

#include "remote/fetch.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include <curl/curl.h>
#include <signal.h>

#define BUFFER_BYTES (4 * CURL_MAX_WRITE_SIZE)
#define POLL_MS		 100
#define CONNECT_S	 30

struct Fetch
{
	MemoryContextCallback callback;
	char *url; /* for messages */
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	bool paused;
	bool done;
	CURLcode result; /* when done */
	long status;
	Size len; /* bytes in buffer */
	char error[CURL_ERROR_SIZE];
	uint8 buffer[BUFFER_BYTES];
};

static void
fetch_close(void *arg)
{
	Fetch *f = arg;

	if (f->easy)
	{
		curl_multi_remove_handle(f->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	if (f->multi)
		curl_multi_cleanup(f->multi);
	curl_slist_free_all(f->headers);
	f->easy = NULL;
	f->multi = NULL;
	f->headers = NULL;
}

static void
bad_url(const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("URL %s", why)));
}

void
fetch_check_url(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL;
	char *host = NULL;
	char *user = NULL;
	char *password = NULL;
	const char *why = NULL;

	if (u == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		why = "is not valid or not of http or https";
	else if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
			 (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		why = "must be of http or https";
	else if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0')
		why = "has no host";
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK ||
			 curl_url_get(u, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
		why = "must not have a user or password; use a header";
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_free(password);
	curl_url_cleanup(u);
	if (why)
		bad_url(why);
}

void
fetch_check_header(const char *name, const char *value)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
								"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	bool ok = name[0] != '\0' && name[strspn(name, token)] == '\0';

	for (const char *p = value; *p; p++)
		ok &= (unsigned char) *p >= ' ' || *p == '\t';
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the name of a header, or its value has control characters",
						name)));
}

/* From libcurl: body bytes.  All or none are taken. */
static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	Fetch *f = arg;

	if (f->len + size * n > BUFFER_BYTES)
	{
		f->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(f->buffer + f->len, data, size * n);
	f->len += size * n;
	return size * n;
}

static void
add_header(Fetch *f, const char *line)
{
	struct curl_slist *more = curl_slist_append(f->headers, line);

	if (more == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	f->headers = more;
}

static void
raise_failure(const Fetch *f)
{
	ereport(ERROR, (errcode(ERRCODE_CONNECTION_EXCEPTION),
					errmsg("could not read from \"%s\": %s", f->url,
						   f->error[0] ? f->error : curl_easy_strerror(f->result))));
}

/* Let libcurl work once. */
static void
perform(Fetch *f)
{
	sigset_t all;
	sigset_t old;
	CURLMcode code;
	CURLMsg *msg;
	int running;
	int left;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	if (f->paused && f->len == 0)
	{
		f->paused = false;
		(void) curl_easy_pause(f->easy, CURLPAUSE_CONT);
	}
	code = curl_multi_perform(f->multi, &running);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_EXCEPTION),
				 errmsg("could not read from \"%s\": %s", f->url, curl_multi_strerror(code))));
	while ((msg = curl_multi_info_read(f->multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE)
		{
			f->done = true;
			f->result = msg->data.result;
		}
}

/* Wait until there is something in the buffer, or the end. */
static void
fill(Fetch *f)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!f->done)
			perform(f);
		if (f->len > 0 || f->done)
			break;
		(void) curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL);
	}
	if (f->done && f->result != CURLE_OK)
		raise_failure(f);
}

Fetch *
fetch_begin(const char *url, const FetchHeader *headers, int nheaders, const void *body, Size len,
			int idle_s)
{
	Fetch *f = palloc0(sizeof(Fetch));

	f->url = pstrdup(url);
	f->callback.func = fetch_close;
	f->callback.arg = f;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &f->callback);
	f->multi = curl_multi_init();
	f->easy = curl_easy_init();
	if (f->multi == NULL || f->easy == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	for (int i = 0; i < nheaders; i++)
		add_header(f, psprintf("%s: %s", headers[i].name, headers[i].value));
	add_header(f, "Expect:"); /* no question before the body is sent */
	curl_easy_setopt(f->easy, CURLOPT_URL, url);
	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(f->easy, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_S);
	curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_TIME, (long) idle_s);
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(f->easy, CURLOPT_USERAGENT, "mimir_pg");
	curl_easy_setopt(f->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) len);
	curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	curl_multi_add_handle(f->multi, f->easy);
	fill(f);
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &f->status);
	return f;
}

int
fetch_status(const Fetch *f)
{
	return (int) f->status;
}

const char *
fetch_content_type(const Fetch *f)
{
	char *type = NULL;

	curl_easy_getinfo(f->easy, CURLINFO_CONTENT_TYPE, &type);
	return type ? type : "";
}

bool
fetch_read(Fetch *f, const uint8 **data, Size *len)
{
	if (f->len == 0)
		fill(f);
	*data = f->buffer;
	*len = f->len;
	f->len = 0;
	return *len > 0;
}

/* fetch_end -- close the connection, whether all was read or not. */
void
fetch_end(Fetch *f)
{
	fetch_close(f);
}
