// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ctl.h"
#include "../common/agent_socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An agent's answer is never longer. */
#define LINE_MAX_BYTES (256u << 20)

int client_open(struct ctl *ctl)
{
	char path[PATH_MAX];
	int fd;

	if (ctl->fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "/run/ebpfnet/%s.sock", ctl->name);
	fd = agent_socket_open(ctl->socket ? ctl->socket : path);
	if (fd < 0)
		return fd;
	ctl->fd = fd;
	return 0;
}

void client_close(struct ctl *ctl)
{
	if (ctl->fd >= 0)
		close(ctl->fd);
	ctl->fd = -1;
	free(ctl->in);
	ctl->in = NULL;
	ctl->in_len = ctl->in_size = 0;
}

static int receive(struct ctl *ctl)
{
	ssize_t n;

	if (ctl->in_size - ctl->in_len < 65536) {
		size_t size = ctl->in_size + ctl->in_size / 2 + 65536;
		char *in = size > LINE_MAX_BYTES ? NULL : realloc(ctl->in, size);

		if (!in)
			return -ENOMEM;
		ctl->in = in;
		ctl->in_size = size;
	}
	n = recv(ctl->fd, ctl->in + ctl->in_len, ctl->in_size - ctl->in_len, 0);
	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	ctl->in_len += (size_t)n;
	return 0;
}

/* The next line as JSON; NULL and a message when the agent is gone or makes no sense. */
static json_t *next_answer(struct ctl *ctl)
{
	size_t scanned = 0;
	json_t *answer;
	char *end;

	while (!ctl->in_len || !(end = memchr(ctl->in + scanned, '\n', ctl->in_len - scanned))) {
		int err;

		scanned = ctl->in_len;
		err = receive(ctl);
		if (err == -EINTR)
			continue;
		if (err < 0) {
			fail("the agent ended the connection");
			return NULL;
		}
	}
	answer = json_loadb(ctl->in, (size_t)(end - ctl->in), 0, NULL);
	ctl->in_len -= (size_t)(end + 1 - ctl->in);
	memmove(ctl->in, end + 1, ctl->in_len);
	if (!json_is_object(answer)) {
		fail("the agent's answer is not understood");
		json_decref(answer);
		return NULL;
	}
	return answer;
}

static int print_error(const json_t *error)
{
	const char *path = json_string_value(json_object_get(error, "path"));
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	fputs("ebpfnetctl: ", stderr);
	if (path) {
		print_text(stderr, path);
		fputs(": ", stderr);
	}
	print_text(stderr, message ? message : "?");
	fprintf(stderr, " (%s)\n", code ? code : "?");
	return 1;
}

/* Is this result the last of its call? */
static bool is_last(const json_t *result)
{
	static const char *const go_on[] = { "following", "watching", "flow", "text", "change", "lost", "event", "missed" };
	const json_t *more = json_object_get(result, "more");

	if (more)
		return !json_is_true(more);
	for (size_t i = 0; i < sizeof(go_on) / sizeof(go_on[0]); i++)
		if (json_object_size(result) == 1 && json_object_get(result, go_on[i]))
			return false;
	return true;
}

int client_call(struct ctl *ctl, const char *method, json_t *params, client_fn fn, void *userdata)
{
	json_t *request = json_pack("{s:i, s:s, s:o*}", "id", 1, "method", method, "params", params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int err = client_open(ctl), status = -1;

	if (!err && text) {
		err = agent_socket_send(ctl->fd, text, strlen(text));
		if (!err)
			err = agent_socket_send(ctl->fd, "\n", 1);
	}
	free(text);
	json_decref(request);
	if (err < 0 || !text)
		return fail("no agent answers for \"%s\": %s", ctl->name, strerror(err ? -err : ENOMEM));
	while (status < 0) {
		json_t *answer = next_answer(ctl), *error, *result;
		int r;

		if (!answer)
			return 1;
		error = json_object_get(answer, "error");
		result = json_object_get(answer, "result");
		if (error) {
			status = print_error(error);
		} else {
			r = fn ? fn(ctl, result, userdata) : 0;
			if (r || is_last(result))
				status = r < 0;
		}
		json_decref(answer);
	}
	return status;
}

struct listing {
	json_t *all;
	const char *member;
};

static int add_items(struct ctl *ctl, json_t *result, void *userdata)
{
	struct listing *l = userdata;

	(void)ctl;
	return json_array_extend(l->all, json_object_get(result, l->member)) ? -1 : 0;
}

json_t *client_list(struct ctl *ctl, const char *method, json_t *params, const char *member,
		    int *ret_status)
{
	struct listing l = { json_array(), member };

	*ret_status = client_call(ctl, method, params, add_items, &l);
	if (!*ret_status)
		return l.all;
	json_decref(l.all);
	return NULL;
}

static int keep_result(struct ctl *ctl, json_t *result, void *userdata)
{
	json_t **ret = userdata;

	(void)ctl;
	*ret = json_incref(result);
	return 1;
}

json_t *client_get(struct ctl *ctl, const char *method, json_t *params, int *ret_status)
{
	json_t *result = NULL;

	*ret_status = client_call(ctl, method, params, keep_result, &result);
	return result;
}
