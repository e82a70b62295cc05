/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef EXAMPLES_POLICY_TOOL_H
#define EXAMPLES_POLICY_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/ebpfnet.h>

/* Exit statuses. */
enum { STATUS_YES, STATUS_NO, STATUS_TROUBLE };

struct port {
	uint8_t protocol;
	uint16_t number;	/* ICMP: the type */
};

/* Somebody of the inventory. */
struct end {
	char *name;			/* "namespace/pod", or what the inventory calls an external address */
	struct ebpfnet_labels *labels;	/* NULL: not a pod */
	struct ebpfnet_addr *addrs;
	size_t n_addrs;
	struct port *ports;		/* named ones */
	size_t n_ports;
};

struct service {
	char *name, *labels, *selector;
	char **prefixes;
	size_t n_prefixes;
};

struct inventory {
	struct end *ends;		/* pods, then external addresses */
	size_t n_ends;
	struct service *services;
	size_t n_services;
};

/* One way from a source to a destination: the addresses used, NULL where there is none. */
struct way {
	const struct end *src, *dst;
	const struct ebpfnet_addr *src_addr, *dst_addr;
	struct port port;
};

struct judgement {
	struct ebpfnet_policy_answer egress, ingress;
	bool allowed[2];		/* by enum ebpfnet_direction */
	bool combined;
	const char *rule;		/* the one that decided: "policy#rule", "default allow" or "default deny" */
};

/* What a command was given. */
struct options {
	struct ebpfnet_ctx *ctx;
	const char *inventory;
	const char **policies;		/* of explain and matrix; of diff the new ones */
	size_t n_policies;
	const char **old;
	size_t n_old;
	struct port *ports;		/* asked for */
	size_t n_ports;
	bool json;
	char **args;
	int n_args;
};

/* ---- inventory.c ---- */
/* 0; or messages are printed and STATUS_TROUBLE returned. */
int inventory_parse(const char *text, size_t len, const char *path, struct inventory *ret);
int inventory_read(const char *path, struct inventory *ret);
void inventory_free(struct inventory *inv);
const struct end *inventory_find(const struct inventory *inv, const char *name);

/* ---- world.c ---- */
/* Appends an element of size bytes to an array; false: no memory (said). */
bool append(void *array, size_t *n, const void *element, size_t size);
/* A set of all documents of the files, with the inventory's services (NULL: none). Messages are printed. */
int policies_read(struct ebpfnet_ctx *ctx, const char *const *paths, size_t n, const struct inventory *inv,
		  struct ebpfnet_policy_set **ret);
/* Number of policies; or a message is printed and -1 (a bad document) or -2 (not readable) returned. */
int policies_add(struct ebpfnet_policy_set *set, const char *path);
/* "80/TCP", "8/ICMP", "53" (TCP); false: it is none. */
bool port_read(const char *text, struct port *ret);
void port_write(struct port port, char buf[24]);
const char *protocol_name(uint8_t protocol, char buf[8]);
/* Named ports and those the policies speak of, where none were asked for; sorted. */
int ports_of(const struct options *o, const struct inventory *inv, const struct ebpfnet_policy_set *const *sets,
	     size_t n_sets, struct port **ret, size_t *ret_n);
int judge(const struct ebpfnet_policy_set *set, const struct way *way, struct judgement *ret);
/*
 * Every way between two different ends of which one is a pod, by source, destination, port and family. A family is told
 * apart from the one before only where same says that the two differ. fn: 0 to go on.
 */
typedef int (*way_fn)(const struct way *way, const struct judgement *was, const struct judgement *is,
		const char *family,
		      void *userdata);
/* was: of the old set, NULL without one. */
int ways_foreach(const struct inventory *inv, const struct port *ports, size_t n_ports,
		 const struct ebpfnet_policy_set *old, const struct ebpfnet_policy_set *set, way_fn fn, void *userdata);
/* The question that one side's policy is asked. names: room for one name. */
void query_of(const struct way *way, enum ebpfnet_direction direction, const char **names,
	      struct ebpfnet_policy_query *ret);
int say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- commands ---- */
int cmd_validate(const struct options *o);
int cmd_explain(const struct options *o);
int cmd_matrix(const struct options *o);
int cmd_diff(const struct options *o);

#endif
