/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One check of a backend over the network, without waiting: the caller's loop says when its socket is ready. */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

/* "health_check" of a service; path is the JSON's. */
struct check {
	enum check_type {
		CHECK_TCP,	/* a connection is taken */
		CHECK_HTTP,	/* and answered by a status from 200 to 399 */
	} type;
	uint16_t port;		/* 0: the backend's */
	const char *path;
	struct ebpfnet_health_config config;
};

#define CHECK_PATH_MAX 255

/* 0, or -EINVAL and *why is what is wrong with it (a constant). */
int check_read(const json_t *item, struct check *ret, const char **why);
/* Can these backends be checked like this? A port must be known, and one that takes connections. 0 or -EINVAL with *why. */
int check_fits(const struct check *c, const struct ebpfnet_backend *backends, size_t n, const char **why);

enum probe_result {
	PROBE_WAITS,		/* for probe_events() on its socket */
	PROBE_GOOD,
	PROBE_BAD,
	PROBE_NOT_MADE,		/* for want of something here: says nothing of the backend */
};

struct probe {
	int fd;			/* -1: none */
	enum {
		PROBE_CONNECTING,
		PROBE_SENDING,
		PROBE_READING,
	} step;
	char request[CHECK_PATH_MAX + 256];	/* none for TCP */
	size_t len, at;
	char answer[16];
	size_t got;
	char why[96];		/* it was not good */
};

/* Begins a check; goes on with one whose socket is ready. Whoever gets another result than PROBE_WAITS calls probe_end(). */
enum probe_result probe_begin(struct probe *p, const struct check *c, const struct ebpfnet_backend *backend);
enum probe_result probe_ready(struct probe *p);
uint32_t probe_events(const struct probe *p);
/* Closes the socket. Also in the middle, and twice. */
void probe_end(struct probe *p);

/* The status of an answer's first bytes: 100 to 599, 0: more are needed, -1: not HTTP. */
int probe_http_status(const char *text, size_t len);

#endif
