/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration the loader writes before the programs are verified, and what depends on it
 * alone.
 */
#ifndef EBN_LIB_CONFIG_H
#define EBN_LIB_CONFIG_H

#include "ebn_config.h"

#include <bpf/bpf_helpers.h>

/*
 * "volatile" keeps the compiler from folding the values below into the code, "const" puts them
 * where the verifier, which sees what the loader wrote, can: it knows every member as a constant
 * and drops the branches that are switched off.
 */
const volatile struct ebn_config ebn_cfg = {
	.magic = EBN_CFG_MAGIC,
	.abi_major = EBN_ABI_MAJOR,
	.abi_minor = EBN_ABI_MINOR,
};

/*
 * Code that is switched off goes to the end of its function. Verifier: it removes dead code range by range, and each time it
 * walks the whole program; side by side they are one range.
 */
#define EBN_UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * Zero, but computed from x: an address it is added to depends on the load that made x, and no CPU
 * reorders the two loads (the address dependency orders them on arm64, where two plain loads may
 * swap). On CPUs that keep loads in order the loader makes it "= 0", which depends on nothing
 * (lib/core/order.c), and what is left is a compiler barrier. Verifier: "and with 0" leaves it knowing
 * that the result is 0, where "xor with itself" does not.
 */
static __always_inline __u64 ebn_dep(__u64 x)
{
	asm volatile("%0 &= 0" : "+r"(x) : : "memory");
	return x;
}

#endif
