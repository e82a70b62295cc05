/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Services as JSON, the same in the agent's YAML, on its control socket and in what ebpfnetctl prints.
 */
#ifndef EXAMPLES_SERVICE_H
#define EXAMPLES_SERVICE_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

/* A service out of JSON; what it points to is in it and in the JSON. */
struct service {
	struct ebpfnet_service_opts opts;
	struct ebpfnet_frontend *frontends;
	struct ebpfnet_backend *backends;
	struct ebpfnet_source_range *sources;
};

/* Each 0, or -EINVAL and *why is what is wrong with it (a constant), or -ENOMEM. Keys it does not know are passed over. */
int service_read(const json_t *spec, struct service *ret, const char **why);
int service_read_frontend(const json_t *item, struct ebpfnet_frontend *ret, const char **why);
int service_read_backend(const json_t *item, struct ebpfnet_backend *ret, const char **why);
int service_read_source(const json_t *text, int deny, struct ebpfnet_source_range *ret, const char **why);
int service_read_state(const char *name, enum ebpfnet_backend_state *ret);
void service_done(struct service *s);

/* A service as service_read() takes it. NULL: no memory. */
json_t *service_json(const struct ebpfnet_service_opts *o);
/* "connections", "no_backend", "denied" */
json_t *service_stats_json(const struct ebpfnet_service_stats *stats);
/* One line of a list: the counters, "frontends" as texts, "backends" their number, "active" of them. */
json_t *service_brief(const struct ebpfnet_service_opts *o, const struct ebpfnet_service_stats *stats);
json_t *service_answer_json(const struct ebpfnet_service_answer *a);
/* The question of "service.select"; *why names what is wrong. 0 or -EINVAL. */
#define SERVICE_QUERY_KEYS "src sport dst dport protocol outside"
int service_query(const json_t *params, struct ebpfnet_service_query *ret, const char **why);

/* Out of the tables; NULL: none of that name, no memory or tables that keep changing. */
json_t *service_show(struct ebpfnet_datapath *dp, const char *name);
json_t *service_show_all(struct ebpfnet_datapath *dp);
json_t *service_totals(struct ebpfnet_datapath *dp);

#endif
