/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file address.h
 * Known addresses that are not local endpoints: which labels, and so which identity, stand behind an address. An address that
 * is not known itself has the identity of the longest prefix that covers it; without one it is "world" (identity 2).
 */
#ifndef EBPFNET_ADDRESS_H
#define EBPFNET_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/node.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

/**
 * Says who stands behind @p addr. The same labels give the same identity.
 * @return 0, or -EINVAL, -EEXIST (a local endpoint has it), -ENOSPC (table or identities used up), -EROFS, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_address_upsert(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
				       const struct ebpfnet_labels *labels);

/** Forgets an address. @return 0, -EINVAL, -ENOENT, -EBUSY (a local endpoint's), -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_address_delete(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr);

/**
 * Says who stands behind every address of a prefix that no longer prefix and no address of its own speaks of. A prefix of all
 * bits is an address.
 * Flows are checked again at their next packet, all of them when it is no address. Rules whose prefixes speak of endpoints
 * (EBPFNET_PEER_F_ENDPOINTS) mean addresses that have labels of their own, not those that have them by a prefix.
 * @return 0, or -EINVAL, -EEXIST (a local endpoint's address), -ENOSPC (table or identities used up; counted), -EROFS, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_address_set_prefix(struct ebpfnet_datapath *dp, const struct ebpfnet_prefix *prefix,
					   const struct ebpfnet_labels *labels);

/** Forgets a prefix or an address. @return 0, -EINVAL, -ENOENT, -EBUSY (a local endpoint's), -EROFS, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_address_delete_prefix(struct ebpfnet_datapath *dp, const struct ebpfnet_prefix *prefix);

struct ebpfnet_address_entry {
	struct ebpfnet_prefix prefix;
	const struct ebpfnet_labels *labels;	/**< NULL: the prefix is forgotten; that it was not there is no error */
};

/**
 * Does many at once; flows are checked again once for all of them. Stops at the first that fails.
 * @param[out] ret_done	how many were done, also on failure; may be NULL
 * @return 0, or the error of the first that failed
 * @since 0.1
 */
EBPFNET_API int ebpfnet_address_set_many(struct ebpfnet_datapath *dp, const struct ebpfnet_address_entry *entries,
					 size_t n, size_t *ret_done);

struct ebpfnet_address_info {
	struct ebpfnet_prefix prefix;	/**< that decided: the address itself, the longest prefix, or 0/0 when nothing did */
	uint32_t identity;
	uint16_t endpoint;		/**< id of the local endpoint that has it, 0: none */
	uint8_t policy;			/**< 1: a rule's CIDR brought it, nobody named it here */
	uint8_t reserved;
	/**
	 * What policy asks about: another number than identity when rules speak of prefixes that the address stands within, of
	 * endpoints' addresses too (EBPFNET_PEER_F_ENDPOINTS). For ebpfnet_policy_lookup().
	 */
	uint32_t peer_identity;
	/** Of the node whose prefix the address, or all of the prefix, is within (ebpfnet_node_set()): the longest. */
	uint32_t node_key;		/**< 0: none */
	struct ebpfnet_addr node_addr;	/**< that packets to it go to; of a tunnel when tunnel is 1; none: no node */
	char node[EBPFNET_NODE_NAME_MAX + 1];	/**< "": it is behind no other node */
	uint8_t tunnel;			/**< 1: by the overlay, 0: by routes */
	uint8_t reserved1[7];
};

/**
 * What the programs find for an address, and why. @p size is sizeof(*ret) as the caller knows it.
 * @return 0, -EINVAL, -EAGAIN (the tables kept changing: ask again)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_address_match(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
				      struct ebpfnet_address_info *ret, size_t size);

/** <0 aborts, 1 stops, 0 goes on. */
typedef int (*ebpfnet_address_fn)(const struct ebpfnet_address_info *info, void *userdata);
/**
 * Every known address and prefix, in no order. @p fn must not change them.
 * @return 0, 1, what @p fn returned below 0, -EINVAL, -EAGAIN (the tables kept changing), -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_address_foreach(struct ebpfnet_datapath *dp, ebpfnet_address_fn fn, void *userdata);

struct ebpfnet_address_stats {
	uint32_t addresses;	/**< endpoints' included */
	uint32_t prefixes;
	uint64_t failures;	/**< that could not be recorded, since the tables were made */
};

/** Fills @p ret; @p size is sizeof(*ret) as the caller knows it. @return as ebpfnet_address_foreach() @since 0.1 */
EBPFNET_API int ebpfnet_address_get_stats(struct ebpfnet_datapath *dp, struct ebpfnet_address_stats *ret, size_t size);

/** Identity behind an address as the programs see it. @return 0, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_address_lookup(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
				       uint32_t *ret_identity);

/**
 * Labels of an identity in canonical form; reserved ones as "reserved:world;".
 * @return length as snprintf(3) counts, -EINVAL, -ENOENT
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identity_labels(struct ebpfnet_datapath *dp, uint32_t identity, char *buf, size_t size);

/** Called with each identity in use; <0 aborts, 1 stops, 0 goes on. */
typedef int (*ebpfnet_identity_fn)(uint32_t identity, const char *labels, uint32_t refs, void *userdata);
/** In order of number. @return 0, 1 or what @p fn returned below 0 @since 0.1 */
EBPFNET_API int ebpfnet_identity_foreach(struct ebpfnet_datapath *dp, ebpfnet_identity_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
