/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Policies as they were given, normalised: what sets hold, explain evaluates and the compiler reads. Immutable once made. */
#ifndef EBN_POLICY_MODEL_H
#define EBN_POLICY_MODEL_H

#include <ebpfnet/policy.h>

#include "core/index.h"
#include "policy/net.h"

#define EBN_POLICY_NAME_MAX 512
#define EBN_POLICY_RULES_MAX 65535u
#define EBN_RULE_PEERS_MAX 4096u
#define EBN_RULE_PORTS_MAX 4096u
#define EBN_RULE_LOG_MAX 1024u
#define EBN_RULE_L7_MAX 65536u
#define EBN_GROUP_NAME_MAX 256u
#define EBN_GROUP_NETS_MAX 65536u
#define EBN_GROUPS_MAX 65535u
#define EBN_FQDN_MAX 255u
#define EBN_PORT_NAME_MAX 63u

/* Sources of labels that only the library gives out: what prefixes, groups and names are known by. */
#define EBN_SOURCE_CIDR "cidr"
#define EBN_SOURCE_GROUP "cidrgroup"
#define EBN_SOURCE_SERVICE "service"
#define EBN_SOURCE_FQDN "fqdn"
/* The same for addresses that somebody gave labels to, of prefixes with EBPFNET_PEER_F_ENDPOINTS. */
#define EBN_SOURCE_NET "net"
#define EBN_SOURCE_NET_GROUP "netgroup"
#define EBN_SOURCE_NET_SERVICE "netservice"
/* Of labels that say which number a port's name has: "port:http/tcp=8080". */
#define EBN_SOURCE_PORT "port"

/* Cells of the port map (ebn_port_cell()), both ends inclusive. */
struct ebn_range {
	uint32_t first, last;
};

struct ebn_named_port {
	uint8_t protocol;			/* TCP, UDP or SCTP */
	char *key;				/* of the label: "http/tcp" */
};

struct ebn_peer {
	uint8_t kind;				/* enum ebpfnet_peer_kind; of entities only all is left, and what is a CIDR is one */
	uint32_t flags;
	struct ebpfnet_selector *selector;	/* of the peer's labels, or with EBPFNET_PEER_F_LABELS of the group's */
	struct ebpfnet_selector *mark;		/* what it comes down to, but for services and groups by label; NULL: see there */
	struct ebpfnet_selector *inside;	/* the same for labelled addresses; NULL: it does not speak of them */
	char *name;				/* of the group; FQDN: the pattern in small letters */
	struct ebn_net net;			/* CIDR */
	uint32_t n_except;
	struct ebn_net *except;
};

struct ebn_rule {
	uint8_t direction;			/* enum ebpfnet_direction */
	uint8_t action;				/* enum ebpfnet_verdict */
	bool everybody;				/* no peers, or one of them is all */
	uint16_t proxy_port;
	uint32_t n_peers;
	struct ebn_peer *peers;
	uint32_t n_ranges, n_named;		/* neither: every protocol and port */
	struct ebn_range *ranges;		/* sorted, apart */
	struct ebn_named_port *named;
	char *log, *l7;				/* NULL: none */
};

struct ebn_rulebook {
	unsigned int refs;
	char *name;
	struct ebpfnet_selector *subject;
	uint8_t tier;				/* enum ebpfnet_policy_tier */
	uint16_t priority;
	bool default_deny[2];			/* by direction */
	bool audit;
	uint32_t n_rules;
	struct ebn_rule *rules;
};

struct ebn_group {
	unsigned int refs;
	uint8_t kind;				/* EBPFNET_PEER_CIDR_GROUP or EBPFNET_PEER_SERVICE */
	char *name;
	struct ebpfnet_labels *labels;
	struct ebpfnet_selector *selector;	/* NULL: none */
	uint32_t n_nets;
	struct ebn_net *nets;			/* sorted */
};

struct ebpfnet_policy_set {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_labels *world;		/* "reserved:world", who a query without peer means */
	struct ebn_rulebook **books;
	size_t n, cap;
	size_t n_rules;
	struct ebn_index names;			/* hash of the name -> number in books */
	struct ebn_group **groups;
	size_t n_groups, groups_cap;
	struct ebn_index group_names;		/* hash of kind and name -> number in groups */
};

struct ebn_rulebook *ebn_rulebook_ref(struct ebn_rulebook *b);
void ebn_rulebook_unref(struct ebn_rulebook *b);
/* Same in all that decides; the name counts too. */
bool ebn_rulebook_equal(const struct ebn_rulebook *a, const struct ebn_rulebook *b);
/* Order of precedence of two policies of one tier: negative when a is asked first. 0: the same name. */
int ebn_rulebook_order(const struct ebn_rulebook *a, const struct ebn_rulebook *b);

uint64_t ebn_text_hash(const char *text);
/* NULL is a text of its own. */
bool ebn_text_same(const char *a, const char *b);

/* Adds n books in order, all or none; takes over the caller's references on success. -EEXIST, -E2BIG, -ENOMEM with diag. */
int ebn_set_add_books(struct ebpfnet_policy_set *set, struct ebn_rulebook **books, size_t n, struct ebpfnet_diag *diag);
/* A book from the public form. The contract of ebpfnet_policy_set_add(), without its -EEXIST. */
int ebn_rulebook_new(const struct ebpfnet_policy_opts *opts, const struct ebpfnet_policy_rule *rules, size_t n_rules,
		     struct ebn_rulebook **ret);

/* Does the rule speak of this cell of the port map, its named ports apart? */
bool ebn_rule_has_cell(const struct ebn_rule *r, uint32_t cell);
static inline bool ebn_rule_all_ports(const struct ebn_rule *r)
{
	return !r->n_ranges && !r->n_named;
}

/* The number a port's label has as its value; false: it is none. */
bool ebn_port_number(const char *value, uint16_t *ret);

/* ---- peers.c ---- */
/* A peer from the public form; what: the rule, for the diag. -EINVAL, -E2BIG, -ENOMEM; ret is to be cleared in any case. */
int ebn_peer_from(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		  struct ebn_peer *ret);
void ebn_peer_clear(struct ebn_peer *peer);
bool ebn_peer_equal(const struct ebn_peer *a, const struct ebn_peer *b);
bool ebn_selector_same(const struct ebpfnet_selector *a, const struct ebpfnet_selector *b);
/* "all" of the entities. */
bool ebn_peer_is_all(const struct ebn_peer *peer);
/* Is name (as DNS has it) one that the pattern means? */
bool ebn_fqdn_match(const char *pattern, const char *name);

/* What the peer comes down to in a set, selector by selector; fn < 0 aborts. -E2BIG, -ENOMEM. */
int ebn_peer_selectors(const struct ebpfnet_policy_set *set, const struct ebn_peer *peer,
		       int (*fn)(struct ebpfnet_selector *sel, void *arg), void *arg);
/* Does it depend on the groups of the set? */
static inline bool ebn_peer_grouped(const struct ebn_peer *peer)
{
	return peer->kind == EBPFNET_PEER_SERVICE || peer->kind == EBPFNET_PEER_CIDR_GROUP;
}

/* ---- groups.c ---- */
struct ebn_group *ebn_group_ref(struct ebn_group *g);
void ebn_group_unref(struct ebn_group *g);
/* A group from the public form. The contract of ebpfnet_policy_set_group(), but for the set. */
int ebn_group_new(const struct ebpfnet_policy_group *group, struct ebn_group **ret);
/* Room for n more, so that as many puts cannot fail. -E2BIG with diag, -ENOMEM. */
int ebn_set_reserve_groups(struct ebpfnet_policy_set *set, size_t n, struct ebpfnet_diag *diag);
/* Takes over the reference; takes the place of the one of that kind and name. */
void ebn_set_put_group(struct ebpfnet_policy_set *set, struct ebn_group *g);
/* NULL: the set has no such. */
const struct ebn_group *ebn_set_group(const struct ebpfnet_policy_set *set, uint8_t kind, const char *name);
/* Does the peer mean this group? */
bool ebn_peer_means(const struct ebn_peer *peer, const struct ebn_group *g);
void ebn_set_groups_clear(struct ebpfnet_policy_set *set);

#endif
