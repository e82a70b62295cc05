/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What follows "ebpfnetctl ct": one command, a filter, how to print. */
#ifndef CTL_CT_ARGS_H
#define CTL_CT_ARGS_H

#include <stdbool.h>
#include <jansson.h>

struct ct_args {
	int command;		/* letter of -L -E -D -F -C -G -S -X (export) -I (import) -T (settings) */
	const char *file;	/* of an export or import */
	json_t *filter;		/* as the control socket takes it; new reference */
	bool json, extended, timestamp;
	unsigned int kinds;	/* of -E: bit (1 << enum ebpfnet_ct_event_type), 0: new and destroyed ones */
};

/* 0 or an exit status, with a message on stderr. On 0 ret->filter is the caller's. */
int ct_args_read(int argc, char **argv, struct ct_args *ret);

#endif
