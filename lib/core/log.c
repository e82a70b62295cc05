// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <stdio.h>

#include "core/internal.h"

#define LOG_LEN_MAX 1024

void ebn_log_(struct ebpfnet_ctx *ctx, int level, const char *file, int line, const char *func,
	      const char *fmt, ...)
{
	int saved = errno;
	char text[LOG_LEN_MAX];
	va_list ap;

	if (!ctx || !ctx->log)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	text[strcspn(text, "\n")] = '\0';
	/* out-of-tree builds pass paths relative to the build folder, which mean nothing to a reader */
	while (!strncmp(file, "../", 3))
		file += 3;
	ctx->log(ctx->log_userdata, level, file, line, func, text);
	errno = saved;
}
