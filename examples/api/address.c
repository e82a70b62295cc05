// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Says who stands behind two addresses and asks the tables about them. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>

#include <ebpfnet/address.h>

#include "scratch.h"

static int learn(struct ebpfnet_datapath *dp, const char *address, const char *text)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_addr addr;
	int r;

	r = ebpfnet_addr_parse(address, &addr);
	if (r == 0)
		r = ebpfnet_labels_parse(text, "k8s", NULL, &labels);
	if (r == 0)
		r = ebpfnet_address_upsert(dp, &addr, labels);
	ebpfnet_labels_unref(labels);
	return r;
}

static int ask(struct ebpfnet_datapath *dp, const char *address)
{
	struct ebpfnet_addr addr;
	char labels[512];
	uint32_t identity;
	int r;

	r = ebpfnet_addr_parse(address, &addr);
	if (r == 0)
		r = ebpfnet_address_lookup(dp, &addr, &identity);
	if (r == 0)
		r = ebpfnet_identity_labels(dp, identity, labels, sizeof(labels));
	if (r >= 0)
		printf("%s: identity %u, %s\n", address, identity, labels);
	return r < 0 ? r : 0;
}

static int example(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	int r;

	(void)diag;
	r = learn(dp, "192.0.2.7", "app=db,tier=storage");
	if (r == 0)
		r = learn(dp, "2001:db8::7", "app=db,tier=storage");
	if (r == 0)
		r = ask(dp, "192.0.2.7");
	if (r == 0)
		r = ask(dp, "2001:db8::7");
	if (r == 0)
		r = ask(dp, "203.0.113.1");
	return r;
}

int main(void)
{
	return scratch_run(NULL, example);
}
