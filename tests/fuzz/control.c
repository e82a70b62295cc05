// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Any bytes on the agent's control socket. Every answer must be a line of JSON. */
#include <stdlib.h>
#include <string.h>

#include "../../examples/agent/agent.h"
#include "../../examples/agent/control.h"
#include "fuzz.h"

static void check(const char *out, size_t len)
{
	while (len) {
		const char *end = memchr(out, '\n', len);
		json_t *answer = end ? json_loadb(out, (size_t)(end - out), 0, NULL) : NULL;

		if (!json_is_object(answer))
			__builtin_trap();
		json_decref(answer);
		len -= (size_t)(end + 1 - out);
		out = end + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent agent = { .epoll_fd = -1 };
	struct conn *conn;
	size_t len;
	char *out;

	if (ebpfnet_ctx_new(NULL, &agent.ctx) < 0)
		return 0;
	if (!ebpfnet_diag_new(&agent.diag) && !conn_new(&agent, -1, &conn)) {
		conn_input(conn, (const char *)data, size / 2);
		conn_input(conn, (const char *)data + size / 2, size - size / 2);
		out = conn_take(conn, &len);
		if (out)
			check(out, len);
		free(out);
		conn_free(conn);
	}
	ebpfnet_diag_free(agent.diag);
	ebpfnet_ctx_unref(agent.ctx);
	return 0;
}
