// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{ 200, "OK" }, { 400, "Bad Request" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
	{ 414, "URI Too Long" }, { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
};

/* Length up to the empty line's end, 0: it is not there. Lines may end without a carriage return (RFC 9112, 2.2). */
static size_t whole(const char *text, size_t len)
{
	size_t line = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		if (i > 0 && (i == line || (i == line + 1 && text[line] == '\r')))
			return i + 1;
		line = i + 1;
	}
	return 0;
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", text[i]))
			return false;
	return len > 0;
}

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

/* "GET /healthz HTTP/1.1" */
static int request_line(const char *line, size_t len, bool *head)
{
	const char *end = line + len, *target = memchr(line, ' ', len), *version;

	if (!target || !is_token(line, (size_t)(target - line)))
		return 400;
	version = memchr(target + 1, ' ', (size_t)(end - target) - 1);
	if (!version || version == target + 1)
		return 400;
	for (const char *p = target + 1; p < version; p++)
		if (*p <= ' ' || *p > '~')
			return 400;
	version++;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) || version[6] != '.' || version[5] < '0' || version[5] > '9' ||
	    version[7] < '0' || version[7] > '9')
		return 400;
	if (version[5] != '1')
		return 505;
	*head = is(line, (size_t)(target - line), "HEAD");
	if (*head || is(line, (size_t)(target - line), "GET"))
		return 200;
	for (const char *const *m = (const char *const[]){ "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL };
	     *m; m++)
		if (is(line, (size_t)(target - line), *m))
			return 405;
	return 501;
}

/* Each a name, a colon, and a value of printable characters. What they say is not asked. */
static bool fields(const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol && eol > p && eol[-1] == '\r' ? eol - 1 : eol;
		const char *colon;

		if (!eol)
			return false;
		if (stop == p)
			return true;
		colon = memchr(p, ':', (size_t)(stop - p));
		if (!colon || !is_token(p, (size_t)(colon - p)))
			return false;
		for (const char *q = colon + 1; q < stop; q++)
			if ((unsigned char)*q < ' ' && *q != '\t')
				return false;
		p = eol + 1;
	}
	return true;
}

int http_read(const char *text, size_t len, bool end, struct http_request *ret)
{
	const char *eol;
	size_t n, line, skip = 0;

	*ret = (struct http_request){ .status = 400 };
	/* an empty line before the request is passed over (RFC 9112, 2.2) */
	if (len && text[0] == '\r')
		skip = len > 1 && text[1] == '\n' ? 2 : 0;
	else if (len && text[0] == '\n')
		skip = 1;
	text += skip;
	len -= skip;
	n = whole(text, len);
	eol = memchr(text, '\n', len);
	if (!n) {
		if (len + skip >= HTTP_REQUEST_MAX)
			ret->status = eol ? 431 : 414;
		return len + skip >= HTTP_REQUEST_MAX || end;
	}
	line = (size_t)(eol - text);
	if (line && text[line - 1] == '\r')
		line--;
	ret->status = request_line(text, line, &ret->head);
	if (ret->status != 400 && !fields(eol + 1, text + n))
		ret->status = 400;
	return 1;
}

int http_answer(char *buf, size_t size, int status, bool head, const char *json)
{
	const char *text = "Error";
	int n;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			text = statuses[i].text;
	n = snprintf(buf, size, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s"
		     "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s", status, text, strlen(json),
		     status == 405 ? "Allow: GET, HEAD\r\n" : "", head ? "" : json);
	return n < 0 || (size_t)n >= size ? -ENOBUFS : n;
}
