/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Policy languages -> rulebooks and groups. Each language is a shape (shape.h) and a reader that walks what the shape has
 * let through; what they share is here. Every text of a policy in the making belongs to struct ebn_parse.
 */
#ifndef EBN_POLICY_PARSE_H
#define EBN_POLICY_PARSE_H

#include "policy/model.h"
#include "policy/shape.h"

#define EBN_NS_KEY "io.kubernetes.pod.namespace"
#define EBN_NS_LABEL "io.cilium.k8s.namespace.labels."

/* A text that grows; freed by free(p). */
struct ebn_text {
	char *p;
	size_t len, cap;
};

struct ebn_parse {
	struct ebn_doc doc;
	struct ebpfnet_policy_set *set;
	struct ebn_rulebook **book;	/* done */
	size_t n_books, books_cap;
	struct ebn_index names;		/* hash of a book's name -> number in book */
	size_t total_rules;		/* of the books */
	struct ebn_group **group;
	size_t n_groups, groups_cap;
	const char *name, *ns;		/* of the document; ns is NULL when it has none */
	const struct ebn_doc_node *name_node;
	struct ebpfnet_policy_rule *rule; /* of the policy in the making */
	size_t n_rules, rules_cap;
	void **kept;			/* memory that goes when all is done */
	size_t n_kept, kept_cap;
};

/* Peers and ports of a rule in the making. */
struct ebn_rule_parts {
	struct ebpfnet_policy_rule rule;
	struct ebpfnet_policy_peer *peer;
	size_t peers_cap;
	struct ebpfnet_port_range *port;
	size_t ports_cap;
};

struct ebn_language {
	const char *api, *kind;
	bool namespaced;
	const struct ebn_shape *shape;	/* of the document */
	int (*read)(struct ebn_parse *ps, const struct ebn_doc_node *doc);
};

extern const struct ebn_language ebn_language_k8s;
extern const struct ebn_language ebn_language_admin[], ebn_language_cilium[];	/* a NULL kind at the end */
/* Documents of Cilium's policies, and of its groups of prefixes. */
extern const struct ebn_shape ebn_shape_cilium_policy, ebn_shape_cilium_group;
/* Protocol and type that an entry of icmps speaks of. false: there is no such type. */
bool ebn_cilium_icmp(const struct ebn_doc_node *n, uint8_t *ret_protocol, uint8_t *ret_type);

/* ---- parse.c ---- */

__attribute__((format(printf, 2, 3))) int ebn_text_add(struct ebn_text *t, const char *fmt, ...);
/* Keeps memory until the parse is done; on failure it is freed. 0, -ENOMEM (p NULL too). */
int ebn_parse_keep(struct ebn_parse *ps, void *p);
/* The same for a copy of text. */
int ebn_parse_keep_text(struct ebn_parse *ps, const char *text, const char **ret);
/* Appends to the parts; the peer's strings are kept ones or the document's. 0, -ENOMEM. */
int ebn_parse_peer(struct ebn_rule_parts *parts, const struct ebpfnet_policy_peer *peer);
int ebn_parse_port(struct ebn_rule_parts *parts, const struct ebpfnet_port_range *port);
/* Appends the rule to the policy in the making; the parts are taken over, on failure too. 0, -ENOMEM. */
int ebn_parse_rule(struct ebn_parse *ps, struct ebn_rule_parts *parts);
/* Makes a book of the rules so far. n: the node to blame. 0, -EINVAL, -E2BIG, -ENOMEM. */
int ebn_parse_book(struct ebn_parse *ps, const struct ebn_doc_node *n, const struct ebpfnet_policy_opts *opts);

/* Top level of every document. */
#define EBN_DOCUMENT_FIELDS(spec_shape, spec_flags)                   \
	{ "apiVersion", &ebn_shape_text, EBN_FIELD_REQUIRED },        \
	{ "kind", &ebn_shape_text, EBN_FIELD_REQUIRED },              \
	{ "metadata", &ebn_shape_metadata, EBN_FIELD_REQUIRED },      \
	{ "spec", spec_shape, spec_flags },                           \
	{ "status", &ebn_shape_free, 0 }
extern const struct ebn_shape ebn_shape_metadata;

/* ---- parse_words.c ---- */

/* A Kubernetes label selector; keys without a source. */
extern const struct ebn_shape ebn_shape_selector;
/* The same, with sources: "k8s:app", "reserved:host". */
extern const struct ebn_shape ebn_shape_source_selector;
extern const struct ebn_shape ebn_shape_cidr;		/* a prefix */
extern const struct ebn_shape ebn_shape_address;	/* a prefix or an address */
extern const struct ebn_shape ebn_shape_domain;		/* "a.b", "*.b": many labels */
extern const struct ebn_shape ebn_shape_port_name;
extern const struct ebn_shape ebn_shape_nodes;		/* a selector of nodes; only {} is taken, all of them */
extern const struct ebn_shape ebn_shape_labels;		/* as in metadata.labels */

/* A check: exactly one field is there. */
int ebn_check_one_of(const struct ebn_doc *doc, const struct ebn_doc_node *n);

/* Lower-case words of letters and digits joined by '-', with dots between them when dots says so. */
bool ebn_is_dns_name(const char *s, size_t len, size_t max, bool dots);
bool ebn_is_port_name(const char *s);
/* Reads a prefix or an address into buf in the form the model wants. false: it is none. */
bool ebn_read_cidr(const char *text, bool bare, char buf[64], int *ret_family, unsigned int *ret_bits);
/* Is the second, in the form of the first, inside of it and smaller? */
bool ebn_cidr_inside(const char *outer, const char *inner);
/* A kept copy in the form the model wants. */
int ebn_parse_cidr(struct ebn_parse *ps, const struct ebn_doc_node *n, const char **ret);
int ebn_parse_cidr_list(struct ebn_parse *ps, const struct ebn_doc_node *list, const char *const **ret, size_t *ret_n);

/* Appends the requirements of a selector, each behind a comma; n NULL: none. prefix goes before keys without a source. */
int ebn_selector_add(struct ebn_text *t, const struct ebn_doc_node *n, const char *prefix);
/* Keeps the text as *ret; it must be a selector within its limits. Takes over t. */
int ebn_parse_selector(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebn_text *t, const char **ret);
/* Pods by namespaceSelector and podSelector, either NULL: only those of namespace ns, all pods. */
int ebn_parse_pods(struct ebn_parse *ps, const struct ebn_doc_node *n, const struct ebn_doc_node *pods,
		   const struct ebn_doc_node *spaces, const char **ret);

#endif
