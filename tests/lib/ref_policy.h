/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Who may talk to whom, asked of policy documents as they were written: a plain walk over trees, from the languages' own
 * specifications, for tests to hold the library against. It shares nothing with the library, keeps nothing between two
 * questions and is as slow as it looks. Documents are taken to be valid.
 *
 * The inventory is {namespaces:[{name,labels}], pods:[{namespace,name,labels,ips,ports:[{name,port,protocol}]}],
 * external:[{name,ips}], services:[{namespace,name,labels,selector}]}; an external's name is its DNS name.
 */
#ifndef EBN_TEST_REF_POLICY_H
#define EBN_TEST_REF_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

enum ref_kind {
	REF_POD,
	REF_EXTERNAL,		/* an address outside of the cluster */
	REF_RESERVED,		/* what the cluster is made of: host, remote-node, health ... */
};

struct ref_end {
	enum ref_kind kind;
	const json_t *object;	/* of the inventory: pod, external */
	const char *name;	/* REF_RESERVED */
	const char *ip;		/* NULL: has none (REF_RESERVED) */
};

struct ref_question {
	const json_t *inventory;
	const json_t *documents;	/* list of policies */
	struct ref_end subject, peer;	/* whose policy is asked; who it talks to */
	bool ingress;			/* the peer is the source */
	int protocol;			/* as in IP */
	int port;			/* ICMP: the type */
};

enum ref_verdict {
	REF_DENY,
	REF_ALLOW,
	REF_PROXY,			/* allowed, and rules above layer 4 have a say */
};

struct ref_answer {
	enum ref_verdict verdict;
	const char *policy;		/* name of one that decided; NULL: none */
};

/* Documents of a YAML or JSON text, members of Lists one by one; NULL: it is none. */
json_t *ref_load(const char *text, size_t len);

void ref_ask(const struct ref_question *q, struct ref_answer *ret);

/* ---- between the files of the reference ---- */

/* What one rule, or one policy's rules in turn, say of the question. */
enum ref_says {
	REF_SAYS_NOTHING,
	REF_SAYS_ALLOW,
	REF_SAYS_PROXY,
	REF_SAYS_DENY,
	REF_SAYS_PASS,
};

/* The policy is about the subject and this direction, and its rules: the strongest of what they say. */
struct ref_opinion {
	bool isolates;			/* what nothing allows is denied */
	enum ref_says says;
};

const json_t *ref_namespace(const json_t *inventory, const char *name);
const char *ref_text(const json_t *object, const char *key);	/* "" when it is not there */
/* matchLabels and matchExpressions on plain labels; namespaces have kubernetes.io/metadata.name besides. */
bool ref_labels_match(const json_t *selector, const json_t *labels, const char *metadata_name);
bool ref_pod_match(const struct ref_question *q, const struct ref_end *end, const json_t *pods,
		const json_t *namespaces,
		   const char *own_namespace);
bool ref_in_cidr(const char *ip, const char *cidr);
/* Is the question's port the one that whoever is the destination calls so? protocol 0: of any. */
bool ref_named_port(const struct ref_question *q, const char *name, int protocol);
bool ref_domain_match(const char *name, const char *pattern, bool many_labels);

void ref_k8s(const struct ref_question *q, const json_t *doc, struct ref_opinion *ret);
/* AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy: the first rule that matches. */
enum ref_says ref_admin(const struct ref_question *q, const json_t *doc);
void ref_cilium(const struct ref_question *q, const json_t *spec, const char *ns, struct ref_opinion *ret);

#endif
