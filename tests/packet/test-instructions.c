// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the verifier has to follow, against bpf/instructions.csv: a tenth more is a failure, and so is more than the limits. */
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

#define LARGEST 40000u
#define ENDPOINT_PROGRAMS 120000u

static const char *const names[] = { "ebn_from_ep", "ebn_to_ep", "ebn_from_netdev", "ebn_to_netdev", "ebn_watch_in",
				     "ebn_watch_out" };

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

START_TEST(programs_stay_within_their_budgets)
{
	const char *src = getenv("top_srcdir");
	unsigned int i, n, sum = 0;
	char path[4096];
	FILE *f;

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/bpf/instructions.csv", src ? src : ".."), (int)sizeof(path));
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s", path);
	rig_open(NULL);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = budget(f, names[i]);
		printf("%s,%u\n", names[i], rig.insns[i]);
		ck_assert_msg(n, "%s has no budget", names[i]);
		ck_assert_msg(rig.insns[i] <= n + n / 10, "%s: %u verified instructions, budget %u", names[i],
			      rig.insns[i], n);
		ck_assert_uint_le(rig.insns[i], LARGEST);
		if (i <= FROM_NETDEV)
			sum += rig.insns[i];
	}
	ck_assert_uint_le(sum, ENDPOINT_PROGRAMS);
	fclose(f);
	rig_close();
}
END_TEST

RUN_SUITE("packet-instructions", programs_stay_within_their_budgets)
