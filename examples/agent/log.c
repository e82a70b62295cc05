// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Set once before the loop starts. */
static int max_level = EBPFNET_LOG_WARNING;
static const char *program_name = "ebpfnet-agent";
static bool with_priority;

void agent_log_init(const char *program, bool verbose)
{
	struct stat st;

	program_name = program;
	max_level = verbose ? EBPFNET_LOG_DEBUG : 6;
	/* The journal reads "<4>text" from the socket it gave us; a terminal or a file is for people. */
	with_priority = !fstat(STDERR_FILENO, &st) && S_ISSOCK(st.st_mode);
}

void agent_log(int level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	char *line = text;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A line for each line of the text. */
	while (line) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		/* nothing behind the last line's end */
		if (next && !*next)
			next = NULL;
		if (with_priority)
			fprintf(stderr, "<%d>%s\n", level, line);
		else
			fprintf(stderr, "%s: %s%s\n", program_name,
				level <= EBPFNET_LOG_ERR ? "error: " :
				level == EBPFNET_LOG_WARNING ? "warning: " : "", line);
		line = next;
	}
}

void agent_log_report(const struct report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		char *text = report_format(report, i);

		if (text)
			agent_log(report->messages[i].warning ? EBPFNET_LOG_WARNING : EBPFNET_LOG_ERR,
				  "%s", text);
		free(text);
	}
	if (report->errors > report->n)
		agent_log(EBPFNET_LOG_ERR, "and %zu more errors", report->errors - report->n);
}

void agent_library_log(void *userdata, int level, const char *file, int line, const char *func,
		       const char *text)
{
	(void)userdata;
	(void)func;
	if (level == EBPFNET_LOG_DEBUG)
		agent_log(level, "%s:%d: %s", file, line, text);
	else
		agent_log(level, "%s", text);
}

void agent_notify(const char *notify_socket, const char *text)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = notify_socket ? strlen(notify_socket) : 0;
	int fd;

	if (!len || len >= sizeof(sun.sun_path) || (*notify_socket != '/' && *notify_socket != '@'))
		return;
	memcpy(sun.sun_path, notify_socket, len);
	if (*notify_socket == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sun,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		agent_log(EBPFNET_LOG_WARNING, "the service manager could not be told: %s",
			  strerror(errno));
	close(fd);
}

uint64_t agent_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
