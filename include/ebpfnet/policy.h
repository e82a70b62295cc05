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
	EBPFNET_VERDICT_REDIRECT,	/**< through a proxy */
	EBPFNET_VERDICT_AUDIT,		/**< answers only: let through and reported, a policy in audit would not */
	EBPFNET_VERDICT_AUTH,		/**< both ends have to prove who they are first */
	EBPFNET_VERDICT_PASS,		/**< actions only: no other rule of this tier counts, the next tier decides */
};

/**
 * Tiers, in the order in which they are asked.
 *
 * Admin: the rules of all its policies in order of priority (lower first), then of the policies' names (bytewise), then as
 * they are in the policy. The first that matches decides; EBPFNET_VERDICT_PASS hands over to the normal tier.
 * Normal: a deny rule beats every other; then the strictest of those that let through: auth, redirect, allow. When none
 * matches: denied, if a policy that selects the subject has the direction's default deny, else the next tier is asked.
 * Baseline: as admin; pass, or no match: allowed.
 */
enum ebpfnet_policy_tier {
	EBPFNET_TIER_NORMAL,
	EBPFNET_TIER_ADMIN,
	EBPFNET_TIER_BASELINE,
};
#define EBPFNET_POLICY_PRIORITY_MAX 1000

enum ebpfnet_peer_kind {
	EBPFNET_PEER_SELECTOR,		/**< text: a selector of labels (labels.h); "" is everybody with labels */
	/**
	 * text: all (everybody, known or not), none, world, world-ipv4, world-ipv6, cluster (everybody with labels who is not
	 * world), host, remote-node, init, health, unmanaged, kube-apiserver, ingress
	 */
	EBPFNET_PEER_ENTITY,
	EBPFNET_PEER_CIDR,		/**< text: "10.0.0.0/8" or an address; bits behind the prefix are 0 */
	EBPFNET_PEER_CIDR_GROUP,	/**< text: name of a group of the set; one that is not there is nobody */
	EBPFNET_PEER_SERVICE,		/**< the same, of services: the endpoints and addresses behind one */
	/**
	 * text: a DNS name, or a pattern. "*" alone is every name, "*" in it any characters but '.', a leading "**." one
	 * label or more. Names are compared without case and without the last dot. Addresses that were learnt under such a name.
	 */
	EBPFNET_PEER_FQDN,
};

/**
 * CIDR, CIDR group, service: also the addresses of endpoints and of others who have labels of their own. Without it (as
 * Cilium has it, and as the languages here use it) a prefix speaks of the world only: of addresses nobody gave labels to,
 * or whose labels have reserved:world in them.
 */
#define EBPFNET_PEER_F_ENDPOINTS 0x1u
/** CIDR group, service: text is a selector of the groups' own labels, not a name. All that match are meant. */
#define EBPFNET_PEER_F_LABELS 0x2u

/** Plain; zero what is not used. */
struct ebpfnet_policy_peer {
	enum ebpfnet_peer_kind kind;
	uint32_t flags;			/**< EBPFNET_PEER_F_* */
	const char *text;
	const char *const *except;	/**< CIDR and CIDR group: prefixes left out */
	size_t n_except;
};

/** ICMP, ICMPv6: of the type first (last is the same) only this code. */
#define EBPFNET_PORT_F_CODE 0x1u
/** first and last are meant as they are when both are 0 too: port 0, or ICMP type 0. */
#define EBPFNET_PORT_F_EXACT 0x2u

/**
 * Ports of one protocol. Plain; zero what is not used.
 *
 * Named ports are labels of the source "port": "port:http/tcp=8080" (protocol tcp, udp or sctp, in small letters). An
 * ingress rule asks the subject's labels, an egress rule each peer's own. Who has no such label is not matched.
 */
struct ebpfnet_port_range {
	uint8_t protocol;	/**< IPPROTO_TCP, _UDP, _SCTP, _ICMP, _ICMPV6, or another number, which has no ports;
			0: every
				     protocol, or with ports or a name: TCP, UDP and SCTP */
	uint8_t flags;		/**< EBPFNET_PORT_F_* */
	uint16_t first;		/**< 0 with last 0: every port. ICMP: the type */
	uint16_t last;		/**< inclusive, not below first */
	uint8_t code;		/**< with EBPFNET_PORT_F_CODE */
	uint8_t reserved;	/**< 0 */
	const char *name;	/**< of a port, instead of first and last; NULL: none */
};

/** Everything here is copied. In an array, sz of the first is the distance of all. */
struct ebpfnet_policy_rule {
	size_t sz;			/**< EBPFNET_OPTS_INIT() */
	enum ebpfnet_direction direction;
	enum ebpfnet_verdict action;	/**< not EBPFNET_VERDICT_AUDIT; PASS not in the normal tier */
	const struct ebpfnet_policy_peer *peers; /**< one that matches is enough */
	size_t n_peers;			/**< 0: every peer, known or not */
	const struct ebpfnet_port_range *ports;
	size_t n_ports;			/**< 0: every protocol and port */
	const char *log;		/**< text that goes with the flows it decides; NULL: none; at most 1024 bytes */
	const char *l7;			/**< rules for the proxy, kept as they are (JSON); NULL: none;
			at most 65,536 bytes */
	uint16_t proxy_port;		/**< redirect: where the proxy listens,
			0: not known yet. Nobody listens: dropped */
	uint16_t reserved[3];		/**< 0 */
};
#define ebpfnet_policy_rule__last_field reserved

/** A policy is named, selects its subjects and holds rules. */
struct ebpfnet_policy_opts {
	size_t sz;
	const char *name;	/**< "namespace/name" or any unique name; required; at most 512 bytes */
	const char *subject;	/**< selector of the endpoints it is about; NULL or "": all */
	int default_deny_egress;  /**< 1: what no rule allows is denied in this direction; normal tier only */
	int default_deny_ingress;
	int audit;		/**< 1: what would be let through but for this policy is let through and reported */
	int reserved;		/**< 0 */
	struct ebpfnet_diag *diag;
	enum ebpfnet_policy_tier tier;
	uint32_t priority;	/**< admin and baseline: 0..EBPFNET_POLICY_PRIORITY_MAX, lower is asked first;
			normal: 0 */
};
#define ebpfnet_policy_opts__last_field priority

/** A named group of prefixes and endpoints, which peers refer to. */
struct ebpfnet_policy_group {
	size_t sz;
	enum ebpfnet_peer_kind kind;	/**< EBPFNET_PEER_CIDR_GROUP or EBPFNET_PEER_SERVICE */
	int reserved;			/**< 0 */
	const char *name;		/**< unique in its kind; visible ASCII that a label's key may hold;
			at most 256 bytes */
	const char *labels;		/**< the group's own, for EBPFNET_PEER_F_LABELS; NULL: none */
	const char *selector;		/**< service: of the endpoints behind it; NULL: none */
	const char *const *prefixes;	/**< prefixes and addresses; at most 65,536 */
	size_t n_prefixes;
	struct ebpfnet_diag *diag;
};
#define ebpfnet_policy_group__last_field diag

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
 *   -EINVAL	no name, a bad selector, peer or port range, a field that does not go with the tier or action (diag)
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
 * Adds a group to the set, or takes the place of the one of that kind and name.
 * @return 0, or
 *   -EINVAL	a bad name, kind, prefix, selector or label (diag)
 *   -E2BIG	over a limit
 *   -ENOMEM
 * On failure the set is as before.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_set_group(struct ebpfnet_policy_set *set, const struct ebpfnet_policy_group *group);

/** Removes a group. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_policy_set_ungroup(struct ebpfnet_policy_set *set, enum ebpfnet_peer_kind kind,
					   const char *name);

/**
 * Parses YAML or JSON text and adds all policies and groups of prefixes in it: NetworkPolicy (networking.k8s.io/v1),
 * CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup (cilium.io/v2), AdminNetworkPolicy and
 * BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1), ClusterNetworkPolicy (v1alpha2), any number of documents, and
 * Lists of them; ebpfnet-policy-file(5) says what each means. A group takes the place of the one of its name.
 * What this version cannot enforce is refused, never ignored.
 * @return number of policies added, or
 *   -EINVAL	not such a document, an unknown field, a bad value: the diag has one message that names path, line, the place
 *		in the document and the reason
 *   -ENOTSUP	a field of the language that this version does not enforce (diag)
 *   -EEXIST, -E2BIG, -ENOMEM
 * On failure the set is as before.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_set_parse(struct ebpfnet_policy_set *set, const char *text, size_t len,
					 const struct ebpfnet_policy_parse_opts *opts);

/** Number of policies. @since 0.1 */
EBPFNET_API size_t ebpfnet_policy_set_count(const struct ebpfnet_policy_set *set);

/** Name of policy number @p index in order of addition, borrowed until the set changes;
		NULL past the end. @since 0.1 */
EBPFNET_API const char *ebpfnet_policy_set_name(const struct ebpfnet_policy_set *set, size_t index);

/** Borrowed for the call. 0 goes on, anything else stops. */
typedef int (*ebpfnet_policy_port_fn)(const struct ebpfnet_port_range *port, void *userdata);

/**
 * Every range of ports that a rule of the set speaks of, policy by policy, rule by rule: what is worth asking about. A rule's
 * ranges that touch come as one; numbers come with EBPFNET_PORT_F_EXACT, and without it a range is all of its protocol.
 * @return 0, what @p fn stopped with, or -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_set_ports(const struct ebpfnet_policy_set *set, ebpfnet_policy_port_fn fn,
		void *userdata);

/**
 * One question to the policy. Who the peer is: its labels, its address, or both; neither: somebody in the world.
 * With an address alone it is one nobody gave labels to.
 */
struct ebpfnet_policy_query {
	size_t sz;			/**< EBPFNET_OPTS_INIT() */
	enum ebpfnet_direction direction;
	uint8_t protocol;
	uint8_t code;			/**< ICMP: the code */
	uint16_t port;			/**< destination port, ICMP: type */
	const struct ebpfnet_labels *subject;	/**< with its named ports */
	const struct ebpfnet_labels *peer;	/**< with its named ports; NULL: by address, or world */
	const struct ebpfnet_addr *peer_addr;	/**< NULL: not known */
	const char *const *peer_names;		/**< DNS names the address was learnt under */
	size_t n_peer_names;
};
#define ebpfnet_policy_query__last_field n_peer_names

/** Room for "policy#rule", and a NUL. */
#define EBPFNET_POLICY_RULE_NAME_MAX 528

struct ebpfnet_policy_answer {
	enum ebpfnet_verdict verdict;
	uint32_t rule;		/**< rule id, 0: the default decided */
	uint16_t proxy_port;	/**< with EBPFNET_VERDICT_REDIRECT */
	uint16_t reserved[3];
	char name[EBPFNET_POLICY_RULE_NAME_MAX]; /**< "policy#rule" that decided, or "default allow", "default deny" */
};

/**
 * What would this set say? Pure: evaluates the rules, not the tables. Rule ids are those of the set: its rules in order,
 * from 1.
 * @return 0, -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_explain(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
				       struct ebpfnet_policy_answer *ret);

/** How a rule stands to a question. */
enum ebpfnet_policy_reason {
	EBPFNET_RULE_DECIDES,
	EBPFNET_RULE_MATCHES,		/**< matches, but another one decides */
	EBPFNET_RULE_NOT_SUBJECT,	/**< near miss: matches but for its policy's subject */
	EBPFNET_RULE_NOT_PEER,		/**< near miss: but for the peer */
	EBPFNET_RULE_NOT_PORT,		/**< near miss: but for the protocol and port */
};

/** Borrowed for the call. */
struct ebpfnet_policy_match {
	size_t sz;			/**< of the library's form */
	enum ebpfnet_policy_reason reason;
	enum ebpfnet_policy_tier tier;
	uint32_t priority;
	enum ebpfnet_verdict action;	/**< the rule's */
	int audit;			/**< 1: its policy is in audit */
	uint32_t rule;			/**< rule id, from 1 */
	const char *policy;
	uint32_t index;			/**< of the rule in its policy, from 1 */
	uint16_t proxy_port;
	uint16_t reserved;
	const char *log;		/**< NULL: none */
	const char *l7;			/**< NULL: none */
};

/** 0 goes on, 1 stops, <0 aborts. */
typedef int (*ebpfnet_policy_match_fn)(const struct ebpfnet_policy_match *match, void *userdata);

/**
 * Why? Every rule of the question's direction that matches or nearly does, in the order in which they are asked: tiers,
 * priorities, then as in the set. When a default decides, no rule is EBPFNET_RULE_DECIDES.
 * @return 0, 1 when @p fn stopped, what it returned below 0, -EINVAL, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_policy_explain_rules(const struct ebpfnet_policy_set *set,
					     const struct ebpfnet_policy_query *query,
					     ebpfnet_policy_match_fn fn, void *userdata);

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
 * Says that @p addr has been learnt under @p name: it belongs to the peers of kind EBPFNET_PEER_FQDN whose pattern matches.
 * Enforced when this returns, so a resolver calls it before it hands the answer on. Known already: nothing changes. Names
 * outlive commits. After a restart addresses stay with the patterns they had until ebpfnet_fqdn_forget() with a NULL name.
 * @return 0, or
 *   -EINVAL	no name, a name of more than 255 bytes, no address
 *   -EROFS	the datapath was opened read-only
 *   -EBUSY	programs are not loaded yet
 *   -ENOSPC	over 1,048,576 names of addresses, or no room in the tables
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_fqdn_learn(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_addr *addr);

/**
 * Takes it back; @p name NULL: all names of the address. Flows that are there are checked again.
 * @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOSPC, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_fqdn_forget(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_addr *addr);

/**
 * What do the tables in the kernel say? Reads the mapped tables as the programs do.
 * @param subject_ep	endpoint id
 * @param identity	of the peer
 * @param port		destination port, ICMP: type * 256 + code
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
