// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "server.h"

struct stream *conn_streams(struct conn *c)
{
	return c->streams;
}

size_t conn_queued(const struct conn *c)
{
	return c->out_len - c->out_at;
}

/* Appends a line to what is to be sent. */
static int queue(struct conn *c, const char *text, size_t len)
{
	size_t need;

	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	if (c->out_at > (64u << 10)) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	need = c->out_len + len + 1;
	if (need > c->out_size) {
		size_t size = need + need / 2;
		char *out = realloc(c->out, size);

		if (!out) {
			c->broken = -ENOMEM;
			return -ENOMEM;
		}
		c->out = out;
		c->out_size = size;
	}
	memcpy(c->out + c->out_len, text, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	return 0;
}

static void send_object(struct conn *c, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!text)
		c->broken = -ENOMEM;
	else
		queue(c, text, strlen(text));
	free(text);
	json_decref(object);
}

static void send_error(struct conn *c, json_t *id, int err, const char *message, const char *where)
{
	json_t *o = json_pack("{s:O?, s:{s:s, s:s}}", "id", id, "error", "code", control_code(-err),
			      "message", *message ? message : strerror(-err));

	if (o && where && *where)
		json_object_set_new(json_object_get(o, "error"), "path", json_string(where));
	send_object(c, o);
}

static void free_stream(struct stream *s)
{
	json_decref(s->id);
	json_decref(s->params);
	ebpfnet_flow_filter_free(s->filter);
	ebpfnet_ct_iter_free(s->ct);
	ct_stream_free(s->watch);
	free(s);
}

static void unlink_stream(struct conn *c, struct stream *s)
{
	for (struct stream **p = &c->streams; *p; p = &(*p)->next) {
		if (*p != s)
			continue;
		*p = s->next;
		c->n_streams--;
		free_stream(s);
		return;
	}
}

void conn_end_stream(struct conn *c, struct stream *s, int err, const char *message)
{
	if (err < 0)
		send_error(c, s->id, err, message, NULL);
	unlink_stream(c, s);
}

struct stream *conn_stream(struct call *call, enum stream_kind kind)
{
	struct stream *s;

	if (call->conn->n_streams == CONTROL_STREAMS) {
		call_error(call, -EBUSY, NULL, "more than %d streams on one connection",
			   CONTROL_STREAMS);
		return NULL;
	}
	for (s = call->conn->streams; s; s = s->next) {
		if (json_equal(s->id, call->id)) {
			call_error(call, -EEXIST, NULL, "a stream with this id is running");
			return NULL;
		}
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		call_error(call, -ENOMEM, NULL, "out of memory");
		return NULL;
	}
	s->kind = kind;
	s->id = json_incref(call->id);
	s->next = call->conn->streams;
	call->conn->streams = s;
	call->conn->n_streams++;
	return s;
}

int conn_cancel(struct conn *c, json_t *id)
{
	for (struct stream *s = c->streams; s; s = s->next) {
		if (json_equal(s->id, id)) {
			unlink_stream(c, s);
			return 1;
		}
	}
	return 0;
}

void conn_stream_text(struct conn *c, struct stream *s, const char *member, const char *body)
{
	char *id, *line;
	int len;

	if (conn_queued(c) > CONTROL_STREAM_QUEUE) {
		s->lost++;
		return;
	}
	id = json_dumps(s->id, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!id)
		return;
	if (s->lost) {
		len = asprintf(&line, "{\"id\":%s,\"result\":{\"lost\":%llu}}", id,
			       (unsigned long long)s->lost);
		if (len > 0 && !queue(c, line, (size_t)len))
			s->lost = 0;
		if (len > 0)
			free(line);
	}
	len = asprintf(&line, "{\"id\":%s,\"result\":{\"%s\":%s}}", id, member, body);
	if (len > 0) {
		queue(c, line, (size_t)len);
		free(line);
	}
	free(id);
}

/* ---- requests */

/* Is word one of those in a list separated by blanks? */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; len && (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

static int run_method(struct call *call, const char *name)
{
	const struct method *m = method_find(name);
	const char *key;
	json_t *value;

	if (!m)
		return call_error(call, -ENOSYS, NULL, "no method \"%.64s\"", name);
	if (strcmp(m->params, "*")) {
		json_object_foreach(call->params, key, value) {
			if (!listed(m->params, key))
				return call_error(call, -EINVAL, key, "unknown parameter");
		}
	}
	return m->fn(call);
}

static void request(struct conn *c, json_t *root)
{
	json_t *id = json_object_get(root, "id"), *params = json_object_get(root, "params");
	json_t *method = json_object_get(root, "method"), *none = NULL;
	struct call call = { .agent = c->agent, .conn = c, .id = id };
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(root, key, value) {
		if (strcmp(key, "id") && strcmp(key, "method") && strcmp(key, "params"))
			err = call_error(&call, -EINVAL, key, "unknown key");
	}
	if (!json_is_integer(id) && !json_is_string(id)) {
		call.id = NULL;
		err = call_error(&call, -EINVAL, "id", "a number or a text is required");
	} else if (json_string_length(id) > 256) {
		call.id = NULL;
		err = call_error(&call, -EINVAL, "id", "longer than 256 bytes");
	} else if (!json_is_string(method)) {
		err = call_error(&call, -EINVAL, "method", "a text is required");
	} else if (params && !json_is_object(params)) {
		err = call_error(&call, -EINVAL, "params", "an object is required");
	}
	if (!err) {
		call.params = params ? params : (none = json_object());
		err = call.params ? run_method(&call, json_string_value(method)) : -ENOMEM;
	}
	if (err < 0)
		send_error(c, call.id, err, call.message, call.where);
	else if (!call.streaming)
		send_object(c, json_pack("{s:O, s:O}", "id", id, "result",
					 call.result ? call.result : json_null()));
	json_decref(call.result);
	json_decref(none);
}

static void line(struct conn *c, const char *text, size_t len)
{
	json_error_t error;
	json_t *root;

	/* Blank lines keep a connection alive. */
	if (!len || (len == 1 && *text == '\r'))
		return;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root)) {
		char message[256];

		snprintf(message, sizeof(message), "not a request: %s",
			 root ? "an object is required" : error.text);
		send_error(c, NULL, -EPROTO, message, NULL);
	} else {
		request(c, root);
	}
	json_decref(root);
}

bool conn_wants_input(const struct conn *c)
{
	return conn_queued(c) <= CONTROL_QUEUE;
}

/* Answers the whole lines that are there, as long as the client takes the answers. */
static void answer_lines(struct conn *c)
{
	size_t at = 0;

	while (at < c->in_len && (!c->broken || c->broken == -ECONNRESET) && conn_wants_input(c)) {
		char *end = memchr(c->in + at + c->in_scanned, '\n', c->in_len - at - c->in_scanned);

		if (!end) {
			c->in_scanned = c->in_len - at;
			break;
		}
		line(c, c->in + at, (size_t)(end - (c->in + at)));
		at = (size_t)(end - c->in) + 1;
		c->in_scanned = 0;
	}
	if (at) {
		memmove(c->in, c->in + at, c->in_len - at);
		c->in_len -= at;
	}
}

int conn_input(struct conn *c, const char *data, size_t len)
{
	if (!len)
		return c->broken;
	if (c->in_len + len > c->in_size) {
		size_t size = (c->in_len + len) * 2;
		char *in = realloc(c->in, size);

		if (!in)
			return -ENOMEM;
		c->in = in;
		c->in_size = size;
	}
	memcpy(c->in + c->in_len, data, len);
	c->in_len += len;
	answer_lines(c);
	if (!c->broken && c->in_scanned > CONTROL_LINE) {
		send_error(c, NULL, -EMSGSIZE, "the line is too long", NULL);
		c->broken = -EMSGSIZE;
	}
	return c->broken;
}

/* ---- lists: one portion at a time, when the last one has been taken */

static void fill_list(struct conn *c, struct stream *s)
{
	json_t *array = json_array(), *result;
	int more = array ? s->fill(c->agent, s, array) : -ENOMEM;

	if (more < 0) {
		json_decref(array);
		conn_end_stream(c, s, more, strerror(-more));
		return;
	}
	result = json_pack("{s:o, s:b}", s->member, array, "more", more);
	send_object(c, json_pack("{s:O, s:o}", "id", s->id, "result", result));
	if (!more)
		unlink_stream(c, s);
}

static bool has_list(const struct conn *c)
{
	for (const struct stream *s = c->streams; s; s = s->next)
		if (s->kind == STREAM_LIST)
			return true;
	return false;
}

bool conn_wants_output(const struct conn *c)
{
	return conn_queued(c) || has_list(c);
}

static int flush(struct conn *c)
{
	while (conn_queued(c) && c->source.fd >= 0) {
		ssize_t n = send(c->source.fd, c->out + c->out_at, conn_queued(c),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		c->out_at += (size_t)n;
	}
	return 0;
}

int conn_output(struct conn *c)
{
	struct stream *s, *next;
	int err = flush(c);

	if (err < 0)
		return err;
	if (conn_queued(c) <= CONTROL_STREAM_QUEUE / 4) {
		for (s = c->streams; s; s = next) {
			next = s->next;
			if (s->kind == STREAM_LIST)
				fill_list(c, s);
		}
		if (conn_queued(c) <= CONTROL_STREAM_QUEUE)
			answer_lines(c);
		err = flush(c);
	}
	return c->broken && !conn_wants_output(c) ? c->broken : err;
}

void conn_end(struct conn *c)
{
	struct stream *s, *next;

	if (!c->broken)
		c->broken = -ECONNRESET;
	for (s = c->streams; s; s = next) {
		next = s->next;
		if (s->kind != STREAM_LIST)
			unlink_stream(c, s);
	}
}

int conn_new(struct agent *a, int fd, struct conn **ret)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->agent = a;
	c->source.fd = fd;
	*ret = c;
	return 0;
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	while (c->streams)
		unlink_stream(c, c->streams);
	if (c->source.fd >= 0)
		close(c->source.fd);
	free(c->in);
	free(c->out);
	free(c);
}

struct conn *conn_next(struct conn *c)
{
	return c->next;
}

char *conn_take(struct conn *c, size_t *ret_len)
{
	size_t len = conn_queued(c);
	char *text = malloc(len + 1);

	if (!text)
		return NULL;
	if (len)
		memcpy(text, c->out + c->out_at, len);
	text[len] = '\0';
	c->out_at = c->out_len = 0;
	*ret_len = len;
	return text;
}
