/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The policy of one datapath: identities, subjects and the installed tables. Sits on the node tables and works on any
 * memory they work on; knows nothing of bpf(2), devices or files.
 *
 * Order of use
 *   fresh arena     ebn_node_open, ebn_rows_open, ebn_node_adopted, ebn_policy_new
 *   adopted arena   ebn_node_open, ebn_rows_open, ebn_policy_adopt, ebn_node_adopted; then the layer above takes its
 *                   references again (identity_ref for each address, subject_get and identity_get for each endpoint) and
 *                   calls ebn_policy_sweep()
 *   end             ebn_policy_free before ebn_rows_free and ebn_node_free, with no grace period ended in between
 *
 * Making and breaking: take the identity and the subject before a packet can name them (ebn_ep_row_publish, ebn_addr_set),
 * put them after it no longer can (ebn_ep_row_put, ebn_addr_del).
 * One writer, one thread. Nothing here waits; retired space comes back when the owner of the node tables ends a grace period.
 */
#ifndef EBN_POLICY_POLICY_H
#define EBN_POLICY_POLICY_H

#include <ebpfnet/address.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/policy.h>

#include "identity/allocator.h"
#include "tables/rows.h"

struct ebn_policy;

/* Subject 0 is never given out: a zeroed endpoint row has no tables, so it denies. */
#define EBN_SUBJECT_NONE 0u

/*
 * Makes the policy's pieces in a fresh arena, with the empty set in force: everything is allowed by default.
 * -ENOSPC, -ENOMEM.
 */
int ebn_policy_new(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebpfnet_diag *diag,
		   struct ebn_policy **ret);

/*
 * Takes over what the arena holds and changes nothing: marks the policy's extents, restores identities and subjects with
 * their numbers, without references. Until the next commit the installed tables stay in force; identities that come new
 * match only rules for everybody, and subjects that come new have no tables, so they are denied.
 * -EPROTO: not sane (diag); -ENOMEM.
 */
int ebn_policy_adopt(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebpfnet_diag *diag,
		     struct ebn_policy **ret);

/* NULL is allowed. The tables stay as they are. */
void ebn_policy_free(struct ebn_policy *p);

/* After adoption: gives up the identities and subjects nobody took a reference on. */
void ebn_policy_sweep(struct ebn_policy *p);

/*
 * Subject of endpoints with these labels, with a reference; its tables are installed when this returns. labels NULL: none.
 * A known one costs a hash look-up. -ENOSPC (subjects or table memory used up), -ENOMEM: nothing changed.
 */
int ebn_policy_subject_get(struct ebn_policy *p, const struct ebpfnet_labels *labels, uint32_t *ret_subject);
/* Drops a reference; with the last one the tables go after a grace period. */
void ebn_policy_subject_put(struct ebn_policy *p, uint32_t subject);

/*
 * Identity of these labels, with a reference; its peer class is installed when this returns. "reserved:NAME" alone gives
 * the reserved number; these need no reference.
 * -EINVAL (reserved: mixed with other labels, or no such name), -ENOSPC (numbers or table memory), -ENOMEM: nothing changed.
 */
int ebn_policy_identity_get(struct ebn_policy *p, const struct ebpfnet_labels *labels, uint32_t *ret_identity);
/* One more reference on a number in use. -ENOENT: it is not. */
int ebn_policy_identity_ref(struct ebn_policy *p, uint32_t identity);
/* Drops a reference; with the last one nobody knows the number any more; it is given out again after a grace period. */
void ebn_policy_identity_put(struct ebn_policy *p, uint32_t identity);
/* Labels of an identity, borrowed while it is in use; NULL: no such. */
const struct ebpfnet_labels *ebn_policy_identity_labels(struct ebn_policy *p, uint32_t identity);
/* In order of number, reserved ones included; the contract of ebpfnet_identity_foreach(). */
int ebn_policy_identity_foreach(struct ebn_policy *p, ebpfnet_identity_fn fn, void *userdata);

/*
 * Addresses. identity is that of the labels, of which the caller holds a reference for as long as the address is there; what the
 * tables say is what policy asks about, which depends on the prefixes in force as well. addr and row as in ebn_addr_set().
 * -EINVAL (no such identity), -ENOSPC, -ENOMEM: nothing changed.
 */
int ebn_policy_addr_set(struct ebn_policy *p, const uint32_t addr[4], uint32_t identity, uint32_t row);
/* -ENOENT, -ENOMEM. */
int ebn_policy_addr_del(struct ebn_policy *p, const uint32_t addr[4]);
/* The identity of the labels. -ENOENT. */
int ebn_policy_addr_get(struct ebn_policy *p, const uint32_t addr[4], uint32_t *ret_identity, uint32_t *ret_row);
/*
 * The two halves of ebn_policy_addr_set(): what policy is going to ask about at the address, with a reference; and that, with its
 * reference, into the tables. The second cannot fail for an address that is there.
 */
int ebn_policy_addr_number(struct ebn_policy *p, const uint32_t addr[4], uint32_t identity, uint32_t *ret);
int ebn_policy_addr_place(struct ebn_policy *p, const uint32_t addr[4], uint32_t number, uint32_t row);
/* Gives back a number that was not placed; 0 is none. */
void ebn_policy_addr_unnumber(struct ebn_policy *p, uint32_t number);

/* The numbers of the cluster's scope: whoever shares them with others says so there. */
struct ebn_identities *ebn_policy_identities(struct ebn_policy *p);

/* The contracts of ebpfnet_fqdn_learn() and ebpfnet_fqdn_forget(), for one address. */
int ebn_policy_learn(struct ebn_policy *p, const char *name, const struct ebpfnet_addr *addr);
int ebn_policy_forget(struct ebn_policy *p, const char *name, const struct ebpfnet_addr *addr);

/* The contract of ebpfnet_policy_commit(), without its -EROFS and -EBUSY. opts may be NULL. */
int ebn_policy_commit(struct ebn_policy *p, const struct ebpfnet_policy_set *set,
		      const struct ebpfnet_policy_commit_opts *opts);
/* Figures of what is installed. */
void ebn_policy_stats(struct ebn_policy *p, struct ebpfnet_policy_stats *ret);

/* What the tables say, with the rule's name. -EINVAL: a subject, direction or protocol and port that cannot be. */
int ebn_policy_lookup(struct ebn_policy *p, uint32_t subject, enum ebpfnet_direction direction, uint32_t identity,
		      uint8_t protocol, uint16_t port, struct ebpfnet_policy_answer *ret);

/*
 * The same out of any mapping of node tables, exactly as the programs read them: one root, then only what it reaches,
 * offsets masked. Pure; for readers in other processes too. The decision's rule has its name in EBN_NAME_RULE.
 * -EINVAL as above, -EPROTO: the directory or a piece is not sane, -EAGAIN: the tables kept changing.
 */
int ebn_policy_read(const void *mem, uint64_t size, uint32_t subject, enum ebpfnet_direction direction,
		    uint32_t identity, uint8_t protocol, uint16_t port, struct ebn_decision *ret);

/* Index of the port map's cell. Of the ICMPs port is type * 256 + code; what is not TCP, UDP or SCTP either has no ports. */
static inline uint32_t ebn_port_cell(uint8_t protocol, uint16_t port)
{
	switch (protocol) {
	case 6:
		return EBN_PORT_TCP + port;
	case 17:
		return EBN_PORT_UDP + port;
	case 132:
		return EBN_PORT_SCTP + port;
	case 1:
		return EBN_PORT_ICMP + port;
	case 58:
		return EBN_PORT_ICMP6 + port;
	default:
		return EBN_PORT_PROTO + protocol;
	}
}

#endif
