/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the agent is told to do: by its YAML file, and by programs over the control socket.
 */
#ifndef AGENT_CONF_H
#define AGENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>
#include "report.h"
#include "tree.h"

/* Who owns an entry: only its owner changes or removes it. */
enum conf_source {
	CONF_FILE,
	CONF_SOCKET,
};

struct conf_node {
	char *name;		/* of the node in flows; NULL: the host's */
	char *datapath;		/* name of the datapath; never NULL after parsing */
	char *pin_dir;		/* NULL: the library's default */
	char *state_dir;	/* of the store of identities; NULL: they are the tables' */
	uint32_t flows4, flows6, ring_bytes, endpoints;
	uint64_t table_bytes;
	uint32_t history;	/* events kept for "observe" without -f */
	char *zone;		/* of the node, for services; or NULL */
	json_t *addresses;	/* where node ports answer; NULL: every address the host has */
	json_t *cgroups;	/* whose sockets services are for; NULL: none */
	json_t *source;		/* addresses, ports for clients outside; NULL: the library's choice */
	json_t *xdp;		/* names of devices with the balancer; NULL: none */
	struct ebpfnet_ct_config tracking; /* sz 0: left as it is in the tables; times of 0 likewise */
};

struct conf_masquerade {
	bool on;
	uint32_t flags;			/* EBPFNET_NAT_* */
	uint16_t port_min, port_max;	/* 0: the library chooses */
	struct ebpfnet_addr addr4, addr6;	/* none: the device's own */
	struct ebpfnet_nat_prefix keep[2 * EBPFNET_NAT_PREFIXES];
	size_t n_keep;
};

struct conf_device {
	char name[16];
	enum ebpfnet_role role;
	struct conf_masquerade masquerade;
	enum ebpfnet_pacing pacing;
	enum conf_source source;
	int error;		/* 0: in force, else why not yet */
};

struct conf_endpoint {
	char *name;
	char device[16];
	char *pool;			/* its addresses come from there, those below are wishes; or NULL */
	struct ebpfnet_mac mac;
	struct ebpfnet_addr addr4, addr6, gateway4, gateway6;
	struct ebpfnet_labels *labels;	/* may be NULL */
	uint32_t flags;			/* EBPFNET_ENDPOINT_* */
	uint16_t id;
	struct ebpfnet_endpoint_rates rates;
	enum conf_source source;
	int error;			/* 0: in force, else why not yet */
};

/* One policy document as it was written; the library parses it. */
struct conf_policy {
	char *name;
	char *text;
	size_t len;
	char *path;		/* for messages, or NULL */
	unsigned int line;	/* of the text's first line in path */
	enum conf_source source;
};

struct conf_address {
	struct ebpfnet_prefix prefix;
	struct ebpfnet_labels *labels;
	enum conf_source source;
	int error;		/* 0: in force, else why not */
};

struct conf_service {
	char *name;
	json_t *spec;		/* common/service.h */
	enum conf_source source;
};

/* Sorted: devices, endpoints, policies and services by name, addresses by their bytes. */
struct conf {
	struct conf_node node;
	struct conf_device *devices;
	size_t n_devices;
	struct conf_endpoint *endpoints;
	size_t n_endpoints;
	struct conf_policy *policies;
	size_t n_policies;
	struct conf_address *addresses;
	size_t n_addresses;
	struct conf_service *services;
	size_t n_services;
	json_t *ipam;		/* store, quarantine, pools as the file says them; NULL: none */
	json_t *overlay;	/* device, underlay, port, mtu, addresses; NULL: none */
	json_t *nodes;		/* others, a list as the file says it; NULL: none */
	json_t *host;		/* labels, audit, safe; NULL: the host is no endpoint */
	json_t *egress;		/* rules of egress gateways, a list as the file says it; NULL: none */
	json_t *cni;		/* conflist, network, pool, mtu, chain; NULL: none */
};

#define CONF_HISTORY_DEFAULT 4096
#define CONF_HISTORY_MAX 1048576
#define CONF_NODE_ADDRESSES 256
/* Plugins behind ours in the conflist. */
#define CONF_CHAIN_MAX 16

int conf_new(struct conf **ret);
void conf_free(struct conf *conf);

struct conf_parse {
	const char *path;	/* for messages and for "file:" patterns; NULL: those are refused */
	enum conf_source source;
};

/*
 * Parses a document of the agent's configuration. Everything is checked that can be checked without
 * a datapath; the report names file, line and place of each error.
 * Returns 0, -EINVAL, -E2BIG, -ENOMEM.
 */
int conf_parse(const char *text, size_t len, const struct conf_parse *how, struct ebpfnet_ctx *ctx,
	       struct report *report, struct conf **ret);

/* Reads a file and parses it. Also errors of open(2) and read(2), in the report. */
int conf_load(const char *path, const struct conf_parse *how, struct ebpfnet_ctx *ctx,
	      struct report *report, struct conf **ret);

/*
 * Everything of one source taken from one, of the other from two. Fails with -EEXIST when both have
 * an entry of the same name or address.
 */
int conf_merge(const struct conf *file, const struct conf *socket, struct report *report,
	       struct conf **ret);

/* NULL when there is none. */
struct conf_endpoint *conf_find_endpoint(const struct conf *conf, const char *name);
struct conf_policy *conf_find_policy(const struct conf *conf, const char *name);
struct conf_address *conf_find_address(const struct conf *conf, const struct ebpfnet_prefix *prefix);
struct conf_service *conf_find_service(const struct conf *conf, const char *name);
struct conf_device *conf_find_device(const struct conf *conf, const char *name);

/* Puts an entry in, or in the place of the one of that name; takes over what it points to.
 * 0 or -ENOMEM. */
int conf_put_endpoint(struct conf *conf, struct conf_endpoint *ep);
int conf_put_policy(struct conf *conf, struct conf_policy *policy);
int conf_put_address(struct conf *conf, struct conf_address *address);
int conf_put_service(struct conf *conf, struct conf_service *service);
int conf_put_device(struct conf *conf, const struct conf_device *device);
/* 1 removed, 0 was not there. */
int conf_remove_endpoint(struct conf *conf, const char *name);
int conf_remove_policy(struct conf *conf, const char *name);
int conf_remove_address(struct conf *conf, const struct ebpfnet_prefix *prefix);
int conf_remove_service(struct conf *conf, const char *name);
int conf_remove_device(struct conf *conf, const char *name);

void conf_endpoint_clear(struct conf_endpoint *ep);
void conf_policy_clear(struct conf_policy *policy);
void conf_service_clear(struct conf_service *service);
void conf_address_clear(struct conf_address *address);

bool conf_endpoint_equal(const struct conf_endpoint *a, const struct conf_endpoint *b);
/* Equal but for labels and those flags that can be changed in place. */
bool conf_endpoint_same_place(const struct conf_endpoint *a, const struct conf_endpoint *b);
const char *conf_pacing_name(enum ebpfnet_pacing pacing);
bool conf_masquerade_equal(const struct conf_masquerade *a, const struct conf_masquerade *b);
bool conf_policy_equal(const struct conf_policy *a, const struct conf_policy *b);

/* Labels as conf_parse() reads them. A new reference, NULL: no memory. */
json_t *conf_labels_json(const struct ebpfnet_labels *labels);
/* As the YAML says it, "source" added. New references, NULL: no memory. */
json_t *conf_endpoint_json(const struct conf_endpoint *ep);
json_t *conf_policy_json(const struct conf_policy *policy, bool with_text);
json_t *conf_masquerade_json(const struct conf_masquerade *masquerade);
json_t *conf_service_json(const struct conf_service *service);
json_t *conf_address_json(const struct conf_address *address);
/* A document that conf_parse() reads back; with_source adds "source" (which it does not read). */
json_t *conf_json(const struct conf *conf, bool with_source, int only_source);

/* The entries of a set in one library object. 0, or what ebpfnet_policy_set_parse() returned. */
int conf_policy_set(const struct conf *conf, struct ebpfnet_ctx *ctx, struct report *report,
		    struct ebpfnet_policy_set **ret);

#endif
