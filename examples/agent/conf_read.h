/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the readers of the configuration's parts share.
 */
#ifndef AGENT_CONF_READ_H
#define AGENT_CONF_READ_H

#include "conf.h"

/* Something that must be there once only: an address, a device, a name, an id. */
struct conf_seen {
	char key[96];
	const struct tree_node *node;
};

struct conf_reader {
	const struct tree *tree;
	const struct conf_parse *how;
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct report *report;
	struct conf *conf;
	struct conf_seen *seen;
	size_t n_seen;
};

/* A reader of one value. 0, -EINVAL (reported, reading goes on) or -ENOMEM. */
typedef int (*conf_read_fn)(struct conf_reader *r, const struct tree_node *node, void *object);

struct conf_key {
	const char *key;
	conf_read_fn read;	/* NULL: known, but not supported by this version */
	bool required;
};

/* Reads every member of a map by its key; keys end with a NULL key. */
int conf_read_map(struct conf_reader *r, const struct tree_node *map, const struct conf_key *keys,
		  void *object);
/* Reads every item of a list; nothing at all is an empty list. */
int conf_read_list(struct conf_reader *r, const struct tree_node *list, conf_read_fn read,
		   void *object);
/* A text that is not empty. */
int conf_read_text(struct conf_reader *r, const struct tree_node *node, char **ret);
int conf_read_number(struct conf_reader *r, const struct tree_node *node, uint64_t max,
		     uint64_t *ret);
/* Bits, with "k", "M" or "G" for thousands of them. */
int conf_read_bits(struct conf_reader *r, const struct tree_node *node, uint64_t max, uint64_t *ret);
int conf_read_labels(struct conf_reader *r, const struct tree_node *node,
		     struct ebpfnet_labels **ret);

/* Sets a member of a JSON object that is being read; the second and third named as the node. */
int conf_keep(json_t *object, const char *key, json_t *value);
int conf_keep_text(struct conf_reader *r, const struct tree_node *node, json_t *object);
int conf_keep_number(struct conf_reader *r, const struct tree_node *node, uint64_t max, json_t *object);
/* true or false */
int conf_keep_flag(struct conf_reader *r, const struct tree_node *node, json_t *object);
/* A list of addresses or prefixes, as they are written. */
int conf_keep_prefixes(struct conf_reader *r, const struct tree_node *node, json_t *object);

/* Notes a key with a letter for its kind; conf_parse() reports those seen twice. 0 or -ENOMEM. */
int conf_note(struct conf_reader *r, char kind, const char *key, const struct tree_node *node);

/* Of two results the one to return: no memory outweighs a bad value. */
int conf_worse(int a, int b);

/* A device's name, noted. */
int conf_read_device_name(struct conf_reader *r, const struct tree_node *node, char ret[16]);
int conf_read_addr(struct conf_reader *r, const struct tree_node *node, struct ebpfnet_addr *ret);
int conf_note_addr(struct conf_reader *r, const struct ebpfnet_addr *addr,
		   const struct tree_node *node);

/* The readers of the top level's parts. */
int conf_read_endpoint(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_ipam(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_cni(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_egress(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_host(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_overlay(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_other_node(struct conf_reader *r, const struct tree_node *node, void *conf);
/* Into a struct conf_device. */
int conf_read_masquerade(struct conf_reader *r, const struct tree_node *node, void *device);
int conf_read_policy(struct conf_reader *r, const struct tree_node *node, void *conf);
int conf_read_service(struct conf_reader *r, const struct tree_node *node, void *conf);
/* Of the node, into a struct conf_node. */
int conf_read_zone(struct conf_reader *r, const struct tree_node *node, void *object);
int conf_read_node_addresses(struct conf_reader *r, const struct tree_node *node, void *object);
int conf_read_cgroups(struct conf_reader *r, const struct tree_node *node, void *object);
int conf_read_source(struct conf_reader *r, const struct tree_node *node, void *object);
int conf_read_xdp(struct conf_reader *r, const struct tree_node *node, void *object);

#endif
