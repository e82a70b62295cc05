/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Somebody else's program on a device, for the tests in this folder:
 *   foreign IFNAME in|out PIN	one that goes on to the next, by a pinned tcx link
 *   foreign - prog PIN		the program alone, for tc
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>

int main(int argc, char **argv)
{
	static const struct bpf_insn insns[] = {
		/* return TCX_NEXT */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int prog, link, type;

	if (argc != 4)
		return 2;
	prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", insns, 2, NULL);
	if (prog < 0)
		return 1;
	if (!strcmp(argv[2], "prog"))
		return bpf_obj_pin(prog, argv[3]) != 0;
	/* BPF_TCX_INGRESS, BPF_TCX_EGRESS: newer than the headers of some build environments */
	type = strcmp(argv[2], "in") ? 47 : 46;
	link = bpf_link_create(prog, (int)if_nametoindex(argv[1]), (enum bpf_attach_type)type, &opts);
	if (link < 0) {
		fprintf(stderr, "foreign: %s\n", strerror(-link));
		return 1;
	}
	return bpf_obj_pin(link, argv[3]) != 0;
}
