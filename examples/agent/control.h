/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The control socket: lines of JSON in both directions, ebpfnet-control(7).
 *
 * Bounds: CONTROL_CLIENTS connections; lines of at most CONTROL_LINE bytes; CONTROL_STREAMS streams a
 * connection. A client that does not read gets no more than CONTROL_STREAM_QUEUE bytes of stream (what
 * is left out is counted and said), and is not read from while more than CONTROL_QUEUE bytes wait.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

#define CONTROL_PROTOCOL 1
#define CONTROL_CLIENTS 64
#define CONTROL_LINE (8u << 20)
#define CONTROL_STREAMS 8
#define CONTROL_STREAM_QUEUE (256u << 10)
#define CONTROL_QUEUE (1u << 20)
/* Entries in one result of a list. */
#define CONTROL_CHUNK 128

struct agent;
struct conn;
struct stream;

enum stream_kind {
	STREAM_OBSERVE,
	STREAM_WATCH,
	STREAM_LIST,
	STREAM_CT,
};

/* A request while it is answered. */
struct call {
	struct agent *agent;
	struct conn *conn;
	json_t *id;		/* borrowed */
	json_t *params;		/* borrowed, always an object */
	json_t *result;		/* the method's answer, taken over */
	char message[768];	/* of an error */
	char where[256];	/* the parameter it is about, "" */
	bool streaming;		/* results come later, under the same id */
};

struct method {
	const char *name;
	int (*fn)(struct call *call);	/* 0 or -errno with call->message */
	const char *params;		/* keys allowed, separated by blanks; "*": any */
};
const struct method *method_find(const char *name);

/* Makes and binds the socket, mode 0660, and puts it into the agent's loop. */
int control_open(struct agent *a, const char *path, const char *group);
/* Closes all and removes the socket. */
void control_close(struct agent *a);
unsigned int control_clients(const struct agent *a);
bool control_has_observers(const struct agent *a);
unsigned int control_streams(const struct agent *a, enum stream_kind kind);
/* Tells what came of flows to those who watch them; milliseconds until there may be more, -1: nobody watches. */
int control_ct_run(struct agent *a);

/* Tells those who watch. */
void control_changed(struct agent *a, const char *kind, const char *name, const char *op);
/* Tells those who observe. lost: events that did not fit into the ring since the last call. */
char *control_flow_body(const struct ebpfnet_flow *flow, bool text);
void control_flow(struct agent *a, const struct ebpfnet_flow *flow);
void control_lost(struct agent *a, uint64_t lost);
/* Ends streams that walk tables which are being replaced. */
void control_stale(struct agent *a);

/* conn.c: one connection. */

struct stream {
	struct stream *next;
	enum stream_kind kind;
	json_t *id;
	struct ebpfnet_flow_filter *filter;
	bool text;			/* flows as lines for people */
	uint64_t lost;			/* left out because the client was slow */
	const char *member;		/* of a list: the result's array */
	/* Appends the next entries; 1: there are more, 0: these were the last, or -errno. */
	int (*fill)(struct agent *a, struct stream *s, json_t *array);
	size_t at;			/* where fill() goes on */
	size_t left;			/* entries it may still give */
	struct ebpfnet_ct_iter *ct;
	struct ct_stream *watch;	/* of STREAM_CT */
	json_t *params;
};

/* ct_watch.c: a stream of flows that come and go. */
struct ct_stream;
void ct_stream_free(struct ct_stream *w);
int ct_stream_timeout(struct ct_stream *w);
/* Queues a portion of what is there. 0, or -errno: the stream ends. */
int ct_stream_run(struct conn *c, struct stream *s);

/* A connection without a socket, for tests: what is answered is kept. */
int conn_new(struct agent *a, int fd, struct conn **ret);
void conn_free(struct conn *c);
struct conn *conn_next(struct conn *c);
/* Takes bytes as they came. 0, or -errno: the connection must end. */
int conn_input(struct conn *c, const char *data, size_t len);
/* The client says no more: ends what has no end of its own. */
void conn_end(struct conn *c);
/* Sends what can be sent and produces what streams have. 0, or -errno. */
int conn_output(struct conn *c);
bool conn_wants_output(const struct conn *c);
bool conn_wants_input(const struct conn *c);
size_t conn_queued(const struct conn *c);
/* Takes what is queued, for tests; the caller frees it. */
char *conn_take(struct conn *c, size_t *ret_len);

/* Adds a stream to the connection of a call. NULL: too many or no memory (call->message). */
struct stream *conn_stream(struct call *call, enum stream_kind kind);
/* Removes the stream of that id. 1 removed, 0 there is none. */
int conn_cancel(struct conn *c, json_t *id);
void conn_end_stream(struct conn *c, struct stream *s, int err, const char *message);
struct stream *conn_streams(struct conn *c);
/* Queues one result of a stream unless too much waits; body is JSON text. */
void conn_stream_text(struct conn *c, struct stream *s, const char *member, const char *body);

/* "ENOENT" and its kin; "EIO" for a number without a name here. err is positive. */
const char *control_code(int err);

/* params.c: typed parameters; each returns 0 or -EINVAL with the message set. */
int call_error(struct call *call, int err, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int param_text(struct call *call, const char *key, bool required, const char **ret);
int param_number(struct call *call, const char *key, uint64_t max, uint64_t *ret);
int param_bool(struct call *call, const char *key, bool *ret);
int param_addr(struct call *call, const char *key, struct ebpfnet_addr *ret);
int param_ct_filter(struct call *call, struct ebpfnet_ct_filter *ret);
/* The first error of a report, as the answer to a call. */
struct report;
int call_report(struct call *call, int err, const struct report *report);
/* -EBUSY unless there is a datapath. */
int call_needs_datapath(struct call *call);

/* -EPERM: only the file's owner changes that. */
int call_owned_by_file(struct call *call, const char *key, const char *name);
/*
 * Parameters go through the parser of the YAML, so that there is one set of checks: the text
 * {"version": 1, KIND: LIST} is parsed as a configuration of the socket's.
 */
struct conf;
int call_parse(struct call *call, const char *kind, json_t *list, struct conf **ret);
/* Answers with a list in portions. */
int call_list(struct call *call, const char *member,
	      int (*fill)(struct agent *a, struct stream *s, json_t *array));

/* Methods: entries.c, policies.c, reading.c, tracking.c, ct_watch.c, services.c, ipam.c, cni.c, nodes.c, host.c, methods.c. */
int method_endpoint_list(struct call *call);
int method_endpoint_get(struct call *call);
int method_endpoint_create(struct call *call);
int method_endpoint_update(struct call *call);
int method_endpoint_delete(struct call *call);
int method_address_list(struct call *call);
int method_address_upsert(struct call *call);
int method_address_delete(struct call *call);
int method_address_get(struct call *call);
int method_policy_list(struct call *call);
int method_policy_get(struct call *call);
int method_policy_set(struct call *call);
int method_policy_delete(struct call *call);
int method_policy_commit(struct call *call);
int method_policy_explain(struct call *call);
int method_ipam_pools(struct call *call);
int method_ipam_list(struct call *call);
int method_ipam_get(struct call *call);
int method_ipam_allocate(struct call *call);
int method_ipam_release(struct call *call);
int method_ipam_collect(struct call *call);
int method_node_list(struct call *call);
int method_node_set(struct call *call);
int method_node_delete(struct call *call);
int method_overlay_get(struct call *call);
int method_host_get(struct call *call);
int method_egress_list(struct call *call);
int method_cni_write(struct call *call);
int method_cni_remove(struct call *call);
int method_identity_list(struct call *call);
int method_ct_list(struct call *call);
int method_ct_flush(struct call *call);
int method_ct_get(struct call *call);
int method_ct_delete(struct call *call);
int method_ct_count(struct call *call);
int method_ct_stats(struct call *call);
int method_ct_config(struct call *call);
int method_ct_import(struct call *call);
int method_ct_watch(struct call *call);
int method_service_list(struct call *call);
int method_service_get(struct call *call);
int method_service_upsert(struct call *call);
int method_service_delete(struct call *call);
int method_service_sync(struct call *call);
int method_service_state(struct call *call);
int method_service_end_sockets(struct call *call);
int method_service_stats(struct call *call);
int method_service_xdp(struct call *call);
int method_service_select(struct call *call);
int method_nat_list(struct call *call);
int method_drops(struct call *call);
int method_observe(struct call *call);
int method_watch(struct call *call);
int method_cancel(struct call *call);
int method_hello(struct call *call);
int method_status(struct call *call);
int method_config_get(struct call *call);
int method_config_apply(struct call *call);
int method_reload(struct call *call);
int method_upgrade(struct call *call);
int method_rollback(struct call *call);

#endif
