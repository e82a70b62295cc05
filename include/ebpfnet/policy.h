/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file policy.h
 * Policies: who may talk to whom. A policy set is built or parsed (pure), then committed to a datapath in one
 * transaction: a packet sees all of the old set or all of the new one.
 */
#ifndef EBPFNET_POLICY_H
#define EBPFNET_POLICY_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_datapath;
struct ebpfnet_policy_set;

enum ebpfnet_direction {
	EBPFNET_EGRESS,
	EBPFNET_INGRESS,
};

enum ebpfnet_verdict {
	EBPFNET_VERDICT_DENY,
	EBPFNET_VERDICT_ALLOW,
	EBPFNET_VERDICT_REDIRECT,
	EBPFNET_VERDICT_AUDIT,
	EBPFNET_VERDICT_AUTH,
};

/** Ports of one protocol. */
struct ebpfnet_port_range {
	uint8_t protocol;	/**< IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, or another
				     number; 0: every protocol (first and last are then 0) */
	uint8_t reserved;
	uint16_t first;		/**< 0 with last 0: every port. ICMP: the type */
	uint16_t last;		/**< inclusive, not below first */
};

/** Everything here is copied. */
struct ebpfnet_policy_rule {
	size_t sz;			/**< EBPFNET_OPTS_INIT() */
	enum ebpfnet_direction direction;
	enum ebpfnet_verdict action;	/**< EBPFNET_VERDICT_ALLOW or EBPFNET_VERDICT_DENY */
	const char *const *peers;	/**< selectors (labels.h); one that matches is enough */
	size_t n_peers;			/**< 0: every peer, known or not */
	const struct ebpfnet_port_range *ports;
	size_t n_ports;			/**< 0: every protocol and port */
};
#define ebpfnet_policy_rule__last_field n_ports

/** A policy is named, selects its subjects and holds rules. */
struct ebpfnet_policy_opts {
	size_t sz;
	const char *name;	/**< "namespace/name" or any unique name; required */
	const char *subject;	/**< selector of the endpoints it is about; NULL or "": all */
	int default_deny_egress;  /**< 1: what no rule allows is denied in this direction */
	int default_deny_ingress;
	int audit;		/**< 1: what this policy would deny is let through and reported */
	int reserved;		/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_policy_opts__last_field diag

struct ebpfnet_policy_parse_opts {
	size_t sz;
	const char *path;	/**< for messages; may be NULL */
	unsigned int first_line; /**< line of the text's first line in the file; 0: 1 */
	unsigned int reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_policy_parse_opts__last_field diag

/** Makes an empty set. @return 0, -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_policy_set_new(struct ebpfnet_ctx *ctx, struct ebpfnet_policy_set **ret);

/** Frees a set; NULL is allowed. A committed set may be freed. @since 0.1 */
EBPFNET_API void ebpfnet_policy_set_free(struct ebpfnet_policy_set *set);

/**
 * Adds a policy with its rules.
 * @return 0, or
 *   -EINVAL	no name, a bad selector, a bad port range (diag)
 *   -EEXIST	a policy of that name is there
 *   -E2BIG	over a limit (65,535 rules in a set)
 *   -ENOMEM
 * On failure the set is as before.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_set_add(struct ebpfnet_policy_set *set, const struct ebpfnet_policy_opts *opts,
				       const struct ebpfnet_policy_rule *rules, size_t n_rules);

/** Removes a policy by name. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_policy_set_remove(struct ebpfnet_policy_set *set, const char *name);

/**
 * Parses YAML or JSON text holding Kubernetes NetworkPolicy documents (networking.k8s.io/v1) and adds them all.
 * What this version cannot enforce is refused, never ignored.
 * @return number of policies added, or
 *   -EINVAL	not such a document, an unknown field, a bad value: the diag names path, line and field
 *   -ENOTSUP	a field of the language that this version does not enforce (diag)
 *   -EEXIST, -E2BIG, -ENOMEM
 * On failure the set is as before.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_set_parse(struct ebpfnet_policy_set *set, const char *text, size_t len,
					 const struct ebpfnet_policy_parse_opts *opts);

/** Number of policies. @since 0.1 */
EBPFNET_API size_t ebpfnet_policy_set_count(const struct ebpfnet_policy_set *set);

/** Name of policy number @p index in order of addition, borrowed until the set changes; NULL past the end. @since 0.1 */
EBPFNET_API const char *ebpfnet_policy_set_name(const struct ebpfnet_policy_set *set, size_t index);

/** One question to the policy. */
struct ebpfnet_policy_query {
	enum ebpfnet_direction direction;
	uint8_t protocol;
	uint8_t reserved[3];
	uint16_t port;			/**< destination port, ICMP: type */
	uint16_t reserved2;
	uint32_t reserved3;
	const struct ebpfnet_labels *subject;
	const struct ebpfnet_labels *peer;	/**< NULL: a peer nobody knows (world) */
};

struct ebpfnet_policy_answer {
	enum ebpfnet_verdict verdict;
	uint32_t rule;		/**< rule id, 0: the default decided */
	char name[128];		/**< "policy#rule" that decided, or "default allow", "default deny" */
};

/**
 * What would this set say? Pure: evaluates the rules, not the tables.
 * @return 0, -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_explain(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
				       struct ebpfnet_policy_answer *ret);

struct ebpfnet_policy_commit_opts {
	size_t sz;
	int dry_run;		/**< 1: compile and report sizes, change nothing */
	int reserved;		/**< 0 */
	struct ebpfnet_diag *diag;
	struct ebpfnet_policy_stats *stats; /**< filled when not NULL, also on -ENOSPC */
};
#define ebpfnet_policy_commit_opts__last_field stats

struct ebpfnet_policy_stats {
	uint32_t policies;
	uint32_t rules;
	uint32_t identities;
	uint32_t peer_classes;
	uint32_t port_classes;
	uint32_t subjects;	/**< policy tables in use */
	uint64_t bytes;		/**< of table memory used after the commit */
	uint64_t bytes_free;
	uint32_t generation;	/**< of the tables after the commit */
	uint32_t reserved;
};

/**
 * Makes @p set the policy of the datapath: compiled, written beside the old tables, published with one store.
 * The set is copied and may be changed or freed afterwards.
 * @return 0, or
 *   -EINVAL
 *   -EROFS	the datapath was opened read-only
 *   -ENOSPC	the tables cannot hold it; diag and stats say by how much. The old policy stays
 *   -EBUSY	programs are not loaded yet
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_commit(struct ebpfnet_datapath *dp, const struct ebpfnet_policy_set *set,
				      const struct ebpfnet_policy_commit_opts *opts);

/**
 * What do the tables in the kernel say? Reads the mapped tables as the programs do.
 * @param subject_ep	endpoint id
 * @param identity	of the peer
 * @return 0, or
 *   -EINVAL
 *   -ENOENT	no such endpoint
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_lookup(struct ebpfnet_datapath *dp, uint16_t subject_ep,
				      enum ebpfnet_direction direction,
				      uint32_t identity, uint8_t protocol, uint16_t port,
				      struct ebpfnet_policy_answer *ret);

EBPFNET_END_DECLS
#endif
