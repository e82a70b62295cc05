// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A firewall for one container: firewall DEVICE ADDRESS GATEWAY PORT...
 * DEVICE is the host's side of its pair. Only the TCP ports named may be reached; what it begins itself may go anywhere.
 * Prints what is refused until it is stopped; then everything is removed. docs/tutorial.md goes through it.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/ebpfnet.h>

static volatile sig_atomic_t stopped;

static void stop(int sig) { stopped = sig; }

/* Nobody may come in, but to these ports. */
static int set_policy(struct ebpfnet_ctx *ctx, struct ebpfnet_datapath *dp, char **ports, struct ebpfnet_diag *diag)
{
	struct ebpfnet_policy_opts policy = { EBPFNET_OPTS_INIT(policy), .name = "firewall", .default_deny_ingress = 1 };
	struct ebpfnet_policy_commit_opts commit = { EBPFNET_OPTS_INIT(commit), .diag = diag };
	struct ebpfnet_port_range range[16] = { { .protocol = 6 /* TCP */ } };
	struct ebpfnet_policy_rule rule = { EBPFNET_OPTS_INIT(rule), .direction = EBPFNET_INGRESS,
					    .action = EBPFNET_VERDICT_ALLOW, .ports = range };
	struct ebpfnet_policy_set *set = NULL;
	int r = ebpfnet_policy_set_new(ctx, &set);

	for (struct ebpfnet_port_range *p = range; *ports && p < range + 16; p++, rule.n_ports++) {
		p->protocol = range->protocol;
		p->first = p->last = (uint16_t)strtoul(*ports++, NULL, 10);
	}
	policy.diag = diag;
	r = ebpfnet_policy_set_add(set, &policy, &rule, rule.n_ports > 0);
	if (r == 0)
		r = ebpfnet_policy_commit(dp, set, &commit);
	ebpfnet_policy_set_free(set);
	return r;
}

static int on_event(const struct ebpfnet_event *event, void *names)
{
	struct ebpfnet_flow flow;
	char line[4096];

	if (event->type == EBPFNET_EVENT_DROP && !ebpfnet_flow_from_event(names, event, &flow, sizeof(flow)) &&
	    ebpfnet_flow_to_text(&flow, line, sizeof(line)) > 0 && puts(line) >= 0)
		fflush(stdout);
	return 0;
}

static int loop(struct ebpfnet_datapath *dp, struct ebpfnet_events *events)
{
	struct pollfd p = { .fd = ebpfnet_events_get_fd(events), .events = POLLIN };
	int r = 0;

	while (r >= 0 && !stopped) {
		poll(&p, 1, ebpfnet_events_get_timeout(events));
		r = ebpfnet_events_dispatch(events, 0);
		if (r >= 0 && ebpfnet_datapath_get_timeout(dp) == 0)
			r = ebpfnet_datapath_maintain(dp, 1000);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "firewall" };
	struct ebpfnet_endpoint_opts ep = { EBPFNET_OPTS_INIT(ep), .name = "container" };
	struct ebpfnet_events *events = NULL;
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_names *names = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char text[4096];
	int r;

	if (argc < 4 || ebpfnet_addr_parse(argv[2], &ep.addr4) || ebpfnet_addr_parse(argv[3], &ep.gateway4))
		return fputs("usage: firewall DEVICE ADDRESS GATEWAY [PORT]...\n", stderr) < 0 ? 1 : 2;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	ep.device = argv[1];
	if ((r = ebpfnet_diag_new(&opts.diag)) == 0 && (r = ebpfnet_ctx_new(NULL, &ctx)) == 0 &&
	    (r = ebpfnet_datapath_open(ctx, &opts, &dp)) == 0 && (r = ebpfnet_datapath_load(dp, opts.diag)) == 0 &&
	    (r = set_policy(ctx, dp, argv + 4, ep.diag = opts.diag)) == 0 &&
	    (r = ebpfnet_endpoint_create(dp, &ep, NULL)) == 0 && (r = ebpfnet_names_new(dp, NULL, &names)) == 0 &&
	    (r = ebpfnet_events_open(dp, NULL, on_event, names, &events)) == 0)
		r = loop(dp, events);
	if (r < 0 && ebpfnet_diag_format(opts.diag, text, sizeof(text)) >= 0)
		fprintf(stderr, "firewall: %s: %s", strerror(-r), text);
	ebpfnet_events_free(events);
	ebpfnet_names_free(names);
	if (dp)
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(opts.diag);
	return r < 0;
}
