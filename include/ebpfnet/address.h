/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file address.h
 * Known addresses that are not local endpoints: which labels, and so which identity, stand behind an address. An address
 * nobody told of is "world" (identity 2).
 */
#ifndef EBPFNET_ADDRESS_H
#define EBPFNET_ADDRESS_H

#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/labels.h>
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
