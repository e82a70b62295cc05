// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what is asked for */

/* A number of first to last; 0 when there is none of that key. */
static int number(const json_t *item, const char *key, json_int_t first, json_int_t last, uint32_t *ret)
{
	const json_t *v = json_object_get(item, key);
	json_int_t n = json_integer_value(v);

	if (v && (!json_is_integer(v) || n < first || n > last))
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static int bad(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* It goes into a request's first line as it is. */
static int path_valid(const char *path)
{
	size_t n;

	if (!path || *path != '/')
		return 0;
	for (n = 0; path[n]; n++)
		if (path[n] <= ' ' || path[n] > '~')
			return 0;
	return n <= CHECK_PATH_MAX;
}

int check_read(const json_t *item, struct check *ret, const char **why)
{
	const json_t *path = json_object_get(item, "path");
	const char *type = json_string_value(json_object_get(item, "type"));
	struct check c = { .path = "/", .config = { EBPFNET_OPTS_INIT(c.config) } };
	uint32_t port;

	if (!type || (strcmp(type, "tcp") && strcmp(type, "http")))
		return bad(why, "a check is of type tcp or http");
	c.type = *type == 'h' ? CHECK_HTTP : CHECK_TCP;
	if (number(item, "port", 1, 65535, &port) < 0)
		return bad(why, "a port is 1 to 65535");
	c.port = (uint16_t)port;
	if (path && c.type != CHECK_HTTP)
		return bad(why, "a check of type tcp has no path");
	if (path && !path_valid(json_string_value(path)))
		return bad(why, "a path begins with / and has at most 255 printable characters");
	if (path)
		c.path = json_string_value(path);
	if (number(item, "interval_ms", EBPFNET_HEALTH_INTERVAL_MIN_MS, EBPFNET_HEALTH_INTERVAL_MAX_MS,
		   &c.config.interval_ms) < 0)
		return bad(why, "interval_ms is 10 to 86400000");
	if (number(item, "timeout_ms", 1, c.config.interval_ms ? c.config.interval_ms : EBPFNET_HEALTH_INTERVAL_MS,
		   &c.config.timeout_ms) < 0)
		return bad(why, "timeout_ms is 1 to interval_ms");
	if (number(item, "rise", 1, EBPFNET_HEALTH_RUN_MAX, &c.config.rise) < 0 ||
	    number(item, "fall", 1, EBPFNET_HEALTH_RUN_MAX, &c.config.fall) < 0)
		return bad(why, "rise and fall are 1 to 1000");
	*ret = c;
	return 0;
}

int check_fits(const struct check *c, const struct ebpfnet_backend *backends, size_t n, const char **why)
{
	for (size_t i = 0; !c->port && i < n; i++) {
		if (!backends[i].port)
			return bad(why, "a check needs a port where a backend has none");
		if (backends[i].protocol == IPPROTO_UDP || backends[i].protocol == IPPROTO_SCTP)
			return bad(why, "a check of backends of UDP or SCTP needs a port that takes TCP");
	}
	return 0;
}

/* ---- carrying it out */

static enum probe_result no(struct probe *p, enum probe_result result, const char *text)
{
	snprintf(p->why, sizeof(p->why), "%s", text);
	return result;
}

/* An error of a call: what this process or host has not got is not the backend's fault. */
static enum probe_result failed(struct probe *p, int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return no(p, PROBE_NOT_MADE, strerror(err));
	default:
		return no(p, PROBE_BAD, strerror(err));
	}
}

static void write_request(struct probe *p, const char *path, const struct ebpfnet_addr *addr, uint16_t port)
{
	int v6 = ebpfnet_addr_family(addr) == 6, len;
	char text[EBPFNET_ADDR_STRLEN] = "";

	ebpfnet_addr_format(addr, text, sizeof(text));
	len = snprintf(p->request, sizeof(p->request),
		       "GET %s HTTP/1.0\r\nHost: %s%s%s:%u\r\nUser-Agent: ebpfnet-agent\r\nConnection: close\r\n\r\n", path,
		       v6 ? "[" : "", text, v6 ? "]" : "", port);
	p->len = (size_t)len;
}

static int start_connect(int fd, const struct ebpfnet_addr *addr, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int v6 = ebpfnet_addr_family(addr) == 6;

	memcpy(&in6.sin6_addr, addr->b, sizeof(in6.sin6_addr));
	memcpy(&in.sin_addr, addr->b + 12, sizeof(in.sin_addr));
	return connect(fd, v6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in,
		       v6 ? sizeof(in6) : sizeof(in));
}

enum probe_result probe_begin(struct probe *p, const struct check *c, const struct ebpfnet_backend *backend)
{
	uint16_t port = c->port ? c->port : backend->port;

	memset(p, 0, sizeof(*p));
	if (c->type == CHECK_HTTP)
		write_request(p, c->path, &backend->addr, port);
	p->fd = socket(ebpfnet_addr_family(&backend->addr) == 6 ? AF_INET6 : AF_INET,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return failed(p, errno);
	/* one that is made at once says so with its first event, as any other */
	if (start_connect(p->fd, &backend->addr, port) < 0 && errno != EINPROGRESS)
		return failed(p, errno);
	return PROBE_WAITS;
}

static enum probe_result connected(struct probe *p)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		return failed(p, err);
	if (!p->len)
		return PROBE_GOOD;
	p->step = PROBE_SENDING;
	return PROBE_WAITS;
}

static enum probe_result send_more(struct probe *p)
{
	ssize_t n = send(p->fd, p->request + p->at, p->len - p->at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? PROBE_WAITS : failed(p, errno);
	p->at += (size_t)n;
	if (p->at == p->len)
		p->step = PROBE_READING;
	return PROBE_WAITS;
}

int probe_http_status(const char *text, size_t len)
{
	static const char shape[] = "HTTP/#.# ###";
	int status = 0;
	size_t i;

	for (i = 0; i < len && i < sizeof(shape) - 1; i++)
		if (shape[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return -1;
	/* and a character that ends the number */
	if (len < sizeof(shape))
		return 0;
	if (text[i] != ' ' && text[i] != '\r' && text[i] != '\n')
		return -1;
	for (i = 9; i < 12; i++)
		status = status * 10 + text[i] - '0';
	return status >= 100 && status <= 599 ? status : -1;
}

static enum probe_result read_more(struct probe *p)
{
	ssize_t n = recv(p->fd, p->answer + p->got, sizeof(p->answer) - p->got, MSG_DONTWAIT);
	int status;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? PROBE_WAITS : failed(p, errno);
	if (!n)
		return no(p, PROBE_BAD, p->got ? "the answer ended in its first line" : "closed without an answer");
	p->got += (size_t)n;
	status = probe_http_status(p->answer, p->got);
	if (!status)
		return PROBE_WAITS;
	if (status < 0)
		return no(p, PROBE_BAD, "the answer is not HTTP");
	if (status >= 200 && status <= 399)
		return PROBE_GOOD;
	snprintf(p->why, sizeof(p->why), "HTTP status %d", status);
	return PROBE_BAD;
}

enum probe_result probe_ready(struct probe *p)
{
	enum probe_result r = PROBE_WAITS;

	if (p->step == PROBE_CONNECTING)
		r = connected(p);
	if (r == PROBE_WAITS && p->step == PROBE_SENDING)
		r = send_more(p);
	else if (r == PROBE_WAITS && p->step == PROBE_READING)
		r = read_more(p);
	return r;
}

uint32_t probe_events(const struct probe *p)
{
	return p->step == PROBE_READING ? EPOLLIN : EPOLLOUT;
}

void probe_end(struct probe *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
