// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Any bytes as the agent's configuration. */
#include "../../examples/agent/conf.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_parse how = { .source = CONF_SOCKET };
	struct ebpfnet_ctx *ctx;
	struct report report;
	struct conf *conf;

	if (ebpfnet_ctx_new(NULL, &ctx) < 0)
		return 0;
	report_init(&report);
	if (!conf_parse((const char *)data, size, &how, ctx, &report, &conf)) {
		json_decref(conf_json(conf, true, -1));
		conf_free(conf);
	} else if (!report.errors) {
		/* refused without a word: only memory may run out like that */
		FUZZ_CHECK(!"refused without a word");
	}
	report_clear(&report);
	ebpfnet_ctx_unref(ctx);
	return 0;
}
