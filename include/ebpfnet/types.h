/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file types.h
 * Small value types. Their size and layout are ABI.
 */
#ifndef EBPFNET_TYPES_H
#define EBPFNET_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>

EBPFNET_BEGIN_DECLS

/** An address of either family: 16 bytes in network order, IPv4 in the mapped form of RFC 4291. All zero: none. */
struct ebpfnet_addr {
	uint8_t b[16];
};

/** Smallest buffer ebpfnet_addr_format() never truncates in. */
#define EBPFNET_ADDR_STRLEN 46

/** Addresses that begin alike: the first @c len bits, of 32 or 128, are those of @c addr; its others are zero. */
struct ebpfnet_prefix {
	struct ebpfnet_addr addr;	/**< "::" is all zero, too */
	uint8_t len;			/**< IPv4 0..32, IPv6 0..128 */
	uint8_t reserved[7];		/**< 0 */
};

/** Smallest buffer ebpfnet_prefix_format() never truncates in. */
#define EBPFNET_PREFIX_STRLEN 50

/** A MAC address. */
struct ebpfnet_mac {
	uint8_t b[6];
};

/**
 * Reads "192.0.2.1" or "2001:db8::1". "::" is refused: all zero means "none" here, which filters take for "any".
 * @param[out] ret	untouched on failure
 * @return 0 or -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_addr_parse(const char *text, struct ebpfnet_addr *ret);

/**
 * Writes an address as people write it (RFC 5952); "none" when there is none.
 * @return length as snprintf(3) counts, or -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_addr_format(const struct ebpfnet_addr *addr, char *buf, size_t size);

/** 4, 6, or 0 for "none" and NULL. @since 0.1 */
EBPFNET_API int ebpfnet_addr_family(const struct ebpfnet_addr *addr);

/**
 * Reads "192.0.2.0/24", "2001:db8::/32", "::/0", or an address, which is a prefix of all its bits. Bits behind the prefix must
 * be zero.
 * @param[out] ret	untouched on failure
 * @return 0 or -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_prefix_parse(const char *text, struct ebpfnet_prefix *ret);

/** Writes a prefix; one of all bits as its address. @return length as snprintf(3) counts, or -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_prefix_format(const struct ebpfnet_prefix *prefix, char *buf, size_t size);

/** Reads "02:00:00:00:00:01". @return 0 or -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_mac_parse(const char *text, struct ebpfnet_mac *ret);

EBPFNET_END_DECLS
#endif
