// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Loads a datapath, says what it is, and removes it again. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <ebpfnet/datapath.h>

static int say_pacing(const struct ebpfnet_pacing_info *info, void *userdata)
{
	(void)userdata;
	printf("%s: limits are kept by %s\n", info->device, info->paced ? "fq" : "dropping");
	return 0;
}

int main(void)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts) };
	struct ebpfnet_datapath_status st;
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	static const unsigned char packet[60] = { [12] = 8, [14] = 0x45, [17] = 46, [22] = 64, 17, [26] = 127, [29] = 1,
						  127, [33] = 1, 4, 0, 4, 0, 0, 26 };
	struct ebpfnet_run_opts run = { EBPFNET_OPTS_INIT(run), .device = "lo", .hook = EBPFNET_HOOK_IN,
					.packet = packet, .len = sizeof(packet) };
	struct ebpfnet_run_result result = { 0 };
	unsigned char out[128];
	char name[33], text[4096];
	int r;

	/* a name of its own, so that it disturbs nobody */
	snprintf(name, sizeof(name), "example-%ld", (long)getpid());
	opts.name = name;
	r = ebpfnet_diag_new(&diag);
	opts.diag = diag;
	if (r == 0)
		r = ebpfnet_ctx_new(NULL, &ctx);
	if (r == 0)
		r = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (r == 0)
		r = ebpfnet_datapath_load(dp, diag);
	if (r == 0)
		r = ebpfnet_datapath_status(dp, &st, sizeof(st));
	if (r == 0)
		printf("%s: programs %s of %s, room for %" PRIu64 " IPv4 flows, %" PRIu64 " KiB of kernel memory\n", st.name,
		       st.program_tag, st.version, st.flows4_max, st.memory >> 10);
	/* a datagram, as if it had come there: what would the programs do? */
	if (r == 0)
		r = ebpfnet_datapath_attach(dp, "lo", EBPFNET_ROLE_WATCH, diag);
	if (r == 0)
		r = ebpfnet_datapath_run(dp, &run, out, sizeof(out), &result, sizeof(result));
	if (r == 0)
		printf("lo: action %u, %zu bytes\n", result.action, result.len);
	/* limits of what endpoints send: by fq where a device of the node has it */
	if (r == 0)
		r = ebpfnet_datapath_detach(dp, "lo", diag);
	if (r == 0)
		r = ebpfnet_datapath_attach(dp, "lo", EBPFNET_ROLE_NETDEV, diag);
	if (r == 0)
		r = ebpfnet_datapath_set_pacing(dp, "lo", EBPFNET_PACING_POLICE, diag);
	if (r == 0)
		r = ebpfnet_datapath_foreach_pacing(dp, say_pacing, NULL);
	if (dp && ebpfnet_datapath_cleanup(dp, diag) < 0 && r == 0)
		r = -1;
	if (r < 0 && ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fprintf(stderr, "%s", text);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r < 0;
}
