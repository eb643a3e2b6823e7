/*
 * error.h
 *    Errors as replies: JSON for the Prometheus API, plain text elsewhere.
 */
#ifndef MIMIR_API_ERROR_H
#define MIMIR_API_ERROR_H

#include "http/message.h"
#include "util/err.h"

extern void api_error_reply(const HttpRequest *req, HttpResponse *resp, const Err *err);

#endif
