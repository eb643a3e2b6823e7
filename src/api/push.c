/*
 * push.c
 *    Remote write 1.0 and 2.0 (reference 3.2, 3.3; statuses as Mimir's distributor).
 */
#include "postgres.h"

#include "api/push.h"

#include "pg/guc.h"
#include "tenancy/tenant.h"
#include "wire/snappy.h"

#define TYPE_V1		"prometheus.WriteRequest"
#define TYPE_V2		"io.prometheus.write.v2.Request"
#define DECODED_MAX ((size_t) 256 * 1024 * 1024) /* bytes after decompression */

static bool
unsupported(Err *err, const char *type)
{
	return err_set(err, ERR_MEDIA_TYPE, -1,
				   "got %s content type; unknown type for remote write protobuf message %s, "
				   "supported: " TYPE_V1 ", " TYPE_V2,
				   "application/x-protobuf", type);
}

/* Content-Type and Content-Encoding to the protocol version. */
static bool
negotiate(const HttpRequest *req, RwVersion *version, Err *err)
{
	const char *type = http_header(req, "content-type");
	const char *encoding = http_header(req, "content-encoding");
	char *copy;
	char *save = NULL;
	char *part;

	*version = RW_V1;
	if (encoding != NULL && encoding[0] != '\0' && strcmp(encoding, "snappy") != 0)
		return err_set(err, ERR_MEDIA_TYPE, -1,
					   "%s encoding (compression) is not accepted by this server; only snappy is "
					   "acceptable",
					   encoding);
	if (type == NULL || type[0] == '\0')
		return true;
	copy = pstrdup(type);
	part = strtok_r(copy, ";", &save);
	while (part && *part == ' ')
		part++;
	if (part == NULL || strcmp(part, "application/x-protobuf") != 0)
		return err_set(
			err, ERR_MEDIA_TYPE, -1,
			"expected application/x-protobuf as the first (media) part, got %s content-type", type);
	while ((part = strtok_r(NULL, ";", &save)) != NULL)
	{
		char *eq;

		while (*part == ' ')
			part++;
		eq = strchr(part, '=');
		if (eq == NULL)
			return err_set(err, ERR_MEDIA_TYPE, -1,
						   "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected "
						   "parameters to be key-values, got %s in %s content-type",
						   part, type);
		if (strncmp(part, "proto=", 6) != 0)
			continue;
		if (strcmp(eq + 1, TYPE_V2) == 0)
			*version = RW_V2;
		else if (strcmp(eq + 1, TYPE_V1) != 0)
			return unsupported(err, eq + 1);
	}
	return true;
}

static void
refuse(PushReply *reply, const Err *err)
{
	memset(&reply->result, 0, sizeof(reply->result));
	reply->result.err = *err;
	reply->result.http_status = err_http_status(err->code);
}

void
api_push_add(PushBatch *batch, const HttpRequest *req, PushReply *reply)
{
	Err err = ERR_INIT;
	TenantSet tenants;
	uint8 *body = NULL;
	size_t cap = 0;
	int64 len;

	reply->version = RW_V1;
	if (!negotiate(req, &reply->version, &err) || !tenancy_for_request(req, true, &tenants, &err) ||
		(len = snappy_decode(req->body, req->body_len, &body, &cap, DECODED_MAX, &err)) < 0)
	{
		if (err.code == ERR_TOO_LARGE)
			err.code = ERR_BAD_REQUEST; /* as Prometheus for a declared size */
		refuse(reply, &err);
		return;
	}
	push_add(batch, tenants.tenants[0], reply->version, body, len, &reply->result);
}

static void
set_count(HttpResponse *resp, const char *name, int64 n)
{
	char text[24];

	snprintf(text, sizeof(text), INT64_FORMAT, n);
	http_set_header(resp, name, text);
}

void
api_push_reply(const PushReply *reply, HttpResponse *resp)
{
	const PushResult *r = &reply->result;

	if (reply->version == RW_V2)
	{
		set_count(resp, "X-Prometheus-Remote-Write-Samples-Written", r->samples_written);
		set_count(resp, "X-Prometheus-Remote-Write-Histograms-Written", r->histograms_written);
		set_count(resp, "X-Prometheus-Remote-Write-Exemplars-Written", r->exemplars_written);
	}
	if (r->err.code == ERR_NONE)
	{
		/* 204 is what Prometheus' own receiver answers; Mimir's 200 means the same */
		resp->status = reply->version == RW_V2 ? 204 : 200;
		return;
	}
	if (r->http_status == 429 || r->http_status >= 500)
		http_set_header(resp, "Retry-After", "6");
	http_reply(resp, r->http_status, "text/plain; charset=utf-8",
			   psprintf("%s\n", r->err.msg ? r->err.msg : "unknown error"));
}
