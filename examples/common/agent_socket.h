/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The client's end of an agent's control socket. */
#ifndef EXAMPLES_COMMON_AGENT_SOCKET_H
#define EXAMPLES_COMMON_AGENT_SOCKET_H

#include <stddef.h>

/* A descriptor, close-on-exec, or a negative errno; -ENAMETOOLONG where the path does not fit an address. */
int agent_socket_open(const char *path);
/* All of the text. 0 or a negative errno; no signal comes where the agent is gone. */
int agent_socket_send(int fd, const char *text, size_t len);

#endif
