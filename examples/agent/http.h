/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* As much of a server's side of HTTP/1 as answers a question whose answer does not depend on what is asked for. */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a request that are read. */
#define HTTP_REQUEST_MAX 4096

struct http_request {
	int status;		/* 200, or what is wrong with it: 400, 405, 414, 431, 501, 505 */
	bool head;		/* without a body, please */
};

/* Reads what has come. end: no more will. 1: ret is filled; 0: more is needed. */
int http_read(const char *text, size_t len, bool end, struct http_request *ret);
/* Writes a whole answer with a body in JSON, after which the connection closes; its length, -ENOBUFS. */
int http_answer(char *buf, size_t size, int status, bool head, const char *json);

#endif
