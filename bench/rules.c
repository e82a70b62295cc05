// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/policy.h>

uint32_t rules_other(uint32_t i)
{
	return 0x0a140000 + i;
}

/* N rules, begin and end around each address, given to a command. */
static int rules(const char *command, const char *head, const char *begin, const char *end, const char *tail,
		 uint32_t n)
{
	struct in_addr a;
	FILE *f = popen(command, "w");
	uint32_t i;

	if (!f)
		return -errno;
	fputs(head, f);
	for (i = 1; i <= n; i++) {
		a.s_addr = htonl(i < n ? rules_other(i) : 0x0a010001);
		fprintf(f, "%s%s%s", begin, inet_ntoa(a), end);
	}
	fputs(tail, f);
	return pclose(f) ? -EIO : 0;
}

int rules_nftables(const char *protocol, uint32_t n)
{
	char end[64];

	snprintf(end, sizeof(end), " %s dport %u accept\n", protocol, RULES_PORT);
	return rules("nft -f - 2>/dev/null",
		     "table ip ebn_bench {\n chain forward {\n  type filter hook forward priority 0; policy drop;\n"
		     "  ct state established accept\n",
		     "  ip saddr ", end, " }\n}\n", n);
}

int rules_iptables(const char *protocol, uint32_t n)
{
	char end[64];

	snprintf(end, sizeof(end), " -p %s --dport %u -j ACCEPT\n", protocol, RULES_PORT);
	return rules("iptables-restore 2>/dev/null",
		     "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
		     "-A FORWARD -s ", end, "COMMIT\n", n);
}

int rules_policy(struct bench *b, struct daemon *d, uint8_t protocol, uint32_t n)
{
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "bench", .default_deny_ingress = 1,
					    .diag = d->diag };
	struct ebpfnet_policy_commit_opts commit = { EBPFNET_OPTS_INIT(commit), .diag = d->diag };
	struct ebpfnet_port_range port = { .protocol = protocol, .first = RULES_PORT, .last = RULES_PORT };
	struct ebpfnet_policy_rule *rule = calloc(n, sizeof(*rule));
	struct ebpfnet_policy_peer *peer = calloc(n, sizeof(*peer));
	char (*text)[24] = calloc(n, sizeof(*text));
	struct ebpfnet_policy_set *set = NULL;
	struct in_addr a;
	uint32_t i;
	int err = -ENOMEM;

	if (!rule || !peer || !text)
		goto out;
	for (i = 0; i < n; i++) {
		a.s_addr = htonl(rules_other(i + 1));
		snprintf(text[i], sizeof(text[i]), "%s/32", inet_ntoa(a));
		peer[i].kind = i + 1 < n ? EBPFNET_PEER_CIDR : EBPFNET_PEER_SELECTOR;
		peer[i].text = i + 1 < n ? text[i] : "app=bench";
		rule[i] = (struct ebpfnet_policy_rule){
			EBPFNET_OPTS_INIT(*rule), .direction = EBPFNET_INGRESS, .action = EBPFNET_VERDICT_ALLOW,
			.peers = &peer[i], .n_peers = 1, .ports = &port, .n_ports = 1,
		};
	}
	err = ebpfnet_policy_set_new(d->ctx, &set);
	if (!err)
		err = ebpfnet_policy_set_add(set, &opts, rule, n);
	if (!err)
		err = ebpfnet_policy_commit(d->dp, set, &commit);
	ebpfnet_policy_set_free(set);
out:
	free(text);
	free(peer);
	free(rule);
	return err ? daemon_fail(b, d, err, "the policy") : 0;
}
