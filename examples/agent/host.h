/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The host as an endpoint, between JSON and the library. */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

#include <ebpfnet/ebpfnet.h>
#include <jansson.h>

struct host_read {
	struct ebpfnet_host_opts opts;
	struct ebpfnet_labels *labels;
	struct ebpfnet_host_safe safe[EBPFNET_HOST_SAFE_MAX];
	const char *why;	/* it is not one */
};

/* opts point into ret. 0, or -EINVAL with why. */
int host_read(const json_t *o, struct host_read *ret);
void host_read_done(struct host_read *read);
/* One of "safe", added to ret: as many entries as it has prefixes. 0, or -EINVAL with why. */
int host_read_safe(const json_t *o, struct host_read *ret);

#endif
