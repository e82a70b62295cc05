// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ebn_vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("tc")
int ebn_closed(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
