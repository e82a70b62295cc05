// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the verifier has to follow, against bpf/instructions.csv: a tenth more is a failure, and so is more than the limits. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"
#include "ebn_sock.h"
#include "ebn_sock.skel.h"
#include "ebn_xdp.skel.h"
#include "../lib/skeleton.h"

EBN_SKELETON(ebn_sock_bpf)
EBN_SKELETON(ebn_xdp_bpf)

#define LARGEST 40000u
#define ENDPOINT_PROGRAMS 120000u

static const char *const names[] = { "ebn_from_ep", "ebn_to_ep", "ebn_from_netdev", "ebn_to_netdev", "ebn_watch_in",
				     "ebn_watch_out", "ebn_svc_out", "ebn_svc_back", "ebn_svc_none", "ebn_svc_in",
				     "ebn_from_overlay", "ebn_to_overlay", "ebn_host",
				     "ebn_too_big",   "ebn_egress",   "ebn_carried", "ebn_svc_abroad", "ebn_svc_home",
				     "ebn_svc_direct", "ebn_svc_landed" };

static unsigned int budget(FILE *f, const char *name)
{
	char line[128], program[64];
	unsigned int n, found = 0;

	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^,],%u", program, &n) == 2 && !strcmp(program, name))
			found = n;
	return found;
}

static FILE *budgets(void)
{
	const char *src = getenv("top_srcdir");
	char path[4096];
	FILE *f;

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/bpf/instructions.csv", src ? src : ".."), (int)sizeof(path));
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s", path);
	return f;
}

static void within(FILE *f, const char *name, unsigned int insns)
{
	unsigned int n = budget(f, name);

	printf("%s,%u\n", name, insns);
	ck_assert_msg(n, "%s has no budget", name);
	ck_assert_msg(insns <= n + n / 10, "%s: %u verified instructions, budget %u", name, insns, n);
	ck_assert_uint_le(insns, LARGEST);
}

START_TEST(programs_stay_within_their_budgets)
{
	unsigned int i, sum = 0;
	FILE *f = budgets();

	rig_open(NULL);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		within(f, names[i], rig.insns[i]);
		if (i <= FROM_NETDEV)
			sum += rig.insns[i];
	}
	ck_assert_uint_le(sum, ENDPOINT_PROGRAMS);
	fclose(f);
	rig_close();
}
END_TEST

START_TEST(socket_programs_stay_within_their_budgets)
{
	struct ebn_sock_bpf *skel = ebn_sock_bpf__open_as(EBN_LOADS_IN_ORDER);
	struct bpf_program *prog;
	FILE *f = budgets();

	ck_assert_ptr_nonnull(skel);
	ck_assert_int_eq(bpf_map__set_value_size(skel->maps.ebn_node, 1 << 20), 0);
	skel->rodata->ebn_cfg.node_size = 1 << 20;
	ck_assert_int_eq(ebn_sock_bpf__load(skel), 0);
	bpf_object__for_each_program(prog, skel->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		ck_assert_int_eq(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), 0);
		within(f, bpf_program__name(prog), info.verified_insns);
	}
	ebn_sock_bpf__destroy(skel);
	fclose(f);
}
END_TEST

START_TEST(the_balancer_stays_within_its_budget)
{
	struct ebn_xdp_bpf *skel = ebn_xdp_bpf__open_as(EBN_LOADS_IN_ORDER);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	FILE *f = budgets();

	ck_assert_ptr_nonnull(skel);
	ck_assert_int_eq(bpf_map__set_value_size(skel->maps.ebn_node, 1 << 20), 0);
	skel->rodata->ebn_cfg.node_size = 1 << 20;
	ck_assert_int_eq(ebn_xdp_bpf__load(skel), 0);
	ck_assert_int_eq(bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.ebn_xdp), &info, &len), 0);
	within(f, "ebn_xdp", info.verified_insns);
	ebn_xdp_bpf__destroy(skel);
	fclose(f);
}
END_TEST

RUN_SUITE("packet-instructions", programs_stay_within_their_budgets, socket_programs_stay_within_their_budgets,
	  the_balancer_stays_within_its_budget)
