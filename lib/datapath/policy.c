/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The policy calls that take a datapath. */
#include "datapath/private.h"

#include <stdio.h>

int ebpfnet_policy_commit(struct ebpfnet_datapath *dp, const struct ebpfnet_policy_set *set,
			  const struct ebpfnet_policy_commit_opts *opts)
{
	int r;

	if (!set || !EBN_OPTS_VALID(opts, ebpfnet_policy_commit_opts))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r == -EBUSY || (!r && !dp->loaded))
		return ebn_diag(EBN_OPT(opts, diag, NULL), NULL, EBUSY, "programs are not loaded");
	if (r < 0)
		return r;
	ebn_dp_room(dp);
	return ebn_policy_commit(dp->policy, set, opts);
}

static int ebn_fqdn_ready(struct ebpfnet_datapath *dp)
{
	int r = ebn_dp_writable(dp);

	if (!r && !dp->loaded)
		r = -EBUSY;
	if (!r)
		ebn_dp_room(dp);
	return r;
}

int ebpfnet_fqdn_learn(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_addr *addr)
{
	int r = ebn_fqdn_ready(dp);

	return r ? r : ebn_policy_learn(dp->policy, name, addr);
}

int ebpfnet_fqdn_forget(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_addr *addr)
{
	int r = ebn_fqdn_ready(dp);

	return r ? r : ebn_policy_forget(dp->policy, name, addr);
}

static int ebn_rule_name(uint32_t number, const char *text, void *arg)
{
	struct ebpfnet_policy_answer *a = arg;

	if (number != a->rule)
		return 0;
	snprintf(a->name, sizeof(a->name), "%s", text);
	return 1;
}

/* A process that only reads has no policy object: the tables say all of it. */
static int ebn_policy_read_answer(struct ebpfnet_datapath *dp, uint32_t subject, enum ebpfnet_direction direction,
				  uint32_t identity, uint8_t protocol, uint16_t port, struct ebpfnet_policy_answer *ret)
{
	struct ebpfnet_policy_answer a = { 0 };
	struct ebn_decision d;
	int r;

	r = ebn_policy_read(dp->node_mem, dp->node_size, subject, direction, identity, protocol, port, &d);
	if (r < 0)
		return r;
	a.verdict = (enum ebpfnet_verdict)d.verdict;
	a.rule = d.rule;
	a.proxy_port = d.proxy_port;
	snprintf(a.name, sizeof(a.name), "%s", d.verdict == EBN_V_DENY ? "default deny" : "default allow");
	if (a.rule) {
		snprintf(a.name, sizeof(a.name), "rule %u", a.rule);
		r = ebn_rows_read_names(dp->node_mem, dp->node_size, EBN_NAME_RULE, ebn_rule_name, &a);
		if (r < 0)
			return r;
	}
	*ret = a;
	return 0;
}

int ebpfnet_policy_lookup(struct ebpfnet_datapath *dp, uint16_t subject_ep, enum ebpfnet_direction direction,
			  uint32_t identity, uint8_t protocol, uint16_t port, struct ebpfnet_policy_answer *ret)
{
	struct ebn_ep_row row;
	int r;

	if (!dp || !ret)
		return -EINVAL;
	r = ebn_dp_endpoint_row(dp, subject_ep, &row, NULL);
	if (r < 0)
		return r == -EBUSY ? -ENOENT : r;
	if (dp->policy)
		return ebn_policy_lookup(dp->policy, row.subject, direction, identity, protocol, port, ret);
	return ebn_policy_read_answer(dp, row.subject, direction, identity, protocol, port, ret);
}
