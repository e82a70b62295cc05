/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * ebpfnet-cni, a CNI plugin, and ebpfnet-ipam, which only gives addresses. One process for one command: the environment and a JSON document come in, a result or an
 * error goes out. What must be kept is the agent's, or in a standalone network the library's.
 */
#ifndef CNI_CNI_H
#define CNI_CNI_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

/* The specification's codes, and ours from 100 on. */
enum cni_code {
	CNI_VERSION = 1,
	CNI_UNSUPPORTED = 2,
	CNI_UNKNOWN_CONTAINER = 3,
	CNI_ENVIRONMENT = 4,
	CNI_IO = 5,
	CNI_DECODE = 6,
	CNI_INVALID_CONFIG = 7,
	CNI_NETNS = 8,
	CNI_TRY_AGAIN = 11,
	CNI_UNAVAILABLE = 50,
	CNI_INTERNAL = 999,
	CNI_EXISTS = 100,	/* the interface or the address is in use */
	CNI_CHECK_FAILED = 101,
};

enum cni_command { CNI_NONE, CNI_ADD, CNI_DEL, CNI_CHECK, CNI_GC, CNI_STATUS, CNI_GET_VERSION };

/* Known versions in order; an index is what the code compares. */
enum cni_spec { SPEC_0_1_0, SPEC_0_2_0, SPEC_0_3_0, SPEC_0_3_1, SPEC_0_4_0, SPEC_1_0_0, SPEC_1_1_0, SPECS };
extern const char *const cni_specs[SPECS];

#define CNI_STDIN_MAX (4u << 20)

struct cni {
	/* the environment; "" where a command may do without */
	enum cni_command command;
	const char *container, *netns, *ifname, *args, *path;
	int netns_fd;			/* -1: not open */
	/* the document */
	char *text;			/* as it came, for delegates */
	size_t text_len;
	json_t *conf;
	enum cni_spec spec;
	const char *version;		/* as the document says it, or the oldest */
	const char *network;
	const char *ipam_type;		/* of a delegate; NULL: none */
	json_t *prev;			/* prevResult or NULL */
	bool chained;			/* ADD: there is a prevResult */
	const char *socket, *pool;
	char *spool;
	json_t *standalone;		/* object or NULL */
	uint32_t mtu;
	uint16_t device_kind;		/* enum ebpfnet_device_kind */
	/* what the runtime asks for */
	struct ebpfnet_addr want4, want6;
	struct ebpfnet_mac mac;
	struct ebpfnet_endpoint_rates rates;
	json_t *dns;
	json_t *labels;			/* object: keys and values */
	const char *k8s_namespace;	/* "default" unless said */
	const char *pod;		/* K8S_POD_NAME or NULL */
	/* names made from these */
	char endpoint[64];
	char device[16];
	/* the answer */
	int code;			/* of the error, 0: none */
	char message[512], details[768];
};

/* Notes an error, the first one counts; returns -1. */
int cni_fail(struct cni *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int cni_fail_diag(struct cni *c, int code, const char *what, int err, const struct ebpfnet_diag *diag);
/* A line on stderr, which runtimes log. */
void cni_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* answer.c: standard output. print takes the value over; the error's exit status is returned. */
int cni_print(json_t *value);
/* Whatever comes on standard input, and without waiting for its end: the answer is the same. */
int cni_print_version(void);
int cni_print_error(const struct cni *c);
/* Run by hand: on stderr, and exit status 0. */
int cni_say_what(const char *program);

/* env.c: each 0, or -1 with the error noted */
int cni_read_environment(struct cni *c);
int cni_read_args(struct cni *c);
int cni_open_netns(struct cni *c);
bool cni_name_ok(const char *name);
/* Endpoint and device of an attachment, the same ones each time. */
void cni_names(const char *container, const char *ifname, char endpoint[64], char device[16]);

/* document.c: standard input as JSON, its version, whether that has the command, the network's name */
int cni_read_document(struct cni *c);
/* socket, spool and pool; "/run/ebpfnet/NAME.sock" has its spool in "/run/ebpfnet/NAME.spool". */
int cni_read_paths(struct cni *c, const json_t *object);
int cni_text_key(struct cni *c, const json_t *object, const char *key, bool absolute, const char *fallback,
		 const char **ret);
/* The addresses that are asked for, of each family the last. */
int cni_read_ips(struct cni *c, const char *where, const json_t *ips);
/* GC: endpoint names of the attachments that stay, as keys; -1: not understood, and nothing is removed. */
int cni_valid_attachments(struct cni *c, json_t **ret);
bool cni_is_one_of(const char *key, const char *const *list);
/* A key with its value, as code 2 must name them. */
int cni_unsupported(struct cni *c, const char *key, const json_t *value, const char *why);

/* conf.c */
int cni_read_conf(struct cni *c);
/* A member by its name in any case: runtimes differ. */
json_t *cni_member(const json_t *object, const char *key);

/* result.c */
struct cni_result {
	char host[16];
	struct ebpfnet_mac host_mac, mac;
	uint32_t mtu;
	struct ebpfnet_addr addr4, addr6, gateway4, gateway6;
};
json_t *cni_result_json(const struct cni *c, const struct cni_result *r);
/* Addresses and gateways of a result of any version: those of the interface, or all where none is said. */
int cni_result_read(struct cni *c, const json_t *result, const char *ifname, struct cni_result *ret);
bool cni_result_has_interface(const json_t *result, const char *ifname);

/* delegate.c: the network's IPAM plugin; result (ADD) may be NULL for other commands. */
int cni_delegate(struct cni *c, enum cni_command command, json_t **result);

/* backend.c, agent.c, standalone.c: who keeps endpoints and addresses. */
struct cni_endpoint {
	const char *name, *device;
	struct ebpfnet_mac mac;
	const char *pool;		/* NULL: these addresses */
	struct ebpfnet_addr addr4, addr6, gateway4, gateway6;
	bool no_redirect;
	/* as it was found */
	bool attached;
	char found_device[16];
};

struct cni_backend {
	/* Makes it; fills in what came from the pool. */
	int (*add)(struct cni *c, struct cni_endpoint *ep);
	/* Removes it; one that is not there is success. */
	int (*del)(struct cni *c, const char *endpoint);
	/* 0: there it is; CNI_UNKNOWN_CONTAINER noted: it is not. */
	int (*get)(struct cni *c, const char *endpoint, struct cni_endpoint *ret);
	/* Names of the network's endpoints, an array. */
	int (*list)(struct cni *c, json_t **ret);
	int (*status)(struct cni *c);
};
extern const struct cni_backend cni_agent, cni_standalone;

/* agent.c: one call; -errno as the agent says (message noted in c->details), -ECONNREFUSED: nobody answers. */
int cni_call(struct cni *c, const char *method, json_t *params, json_t **result);
/* What the agent refuses, as a CNI error. */
int cni_refused(struct cni *c, int err, const char *what);
/* Can the next ADD have an address of the pool? */
int cni_pool_has_room(struct cni *c);

/* spool.c: leaves the deletion of an endpoint, or the release of an owner's addresses, for the agent to do when it is back. */
enum cni_spooled { CNI_SPOOL_ENDPOINT, CNI_SPOOL_ADDRESSES };
int cni_spool(struct cni *c, enum cni_spooled what, const char *name);

#endif
