// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "setup.h"

#define AGENT "examples/agent/ebpfnet-agent"

/* Two real-time processes on one CPU would keep each other out. */
static void as_anybody(const struct bench *b, bool yes)
{
	struct sched_param sp = { .sched_priority = yes ? 0 : 50 };
	cpu_set_t set;

	CPU_ZERO(&set);
	for (long i = 0; yes && i < sysconf(_SC_NPROCESSORS_ONLN) && i < CPU_SETSIZE; i++)
		CPU_SET(i, &set);
	if (!yes)
		CPU_SET(b->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (b->fifo)
		sched_setscheduler(0, yes ? SCHED_OTHER : SCHED_FIFO, &sp);
}

int lab_open(struct bench *b, struct lab *l)
{
	int err = setup_namespace(b);

	memset(l, 0, sizeof(*l));
	if (err)
		return err;
	/* in memory: what the agent writes through to the disk is not measured here */
	snprintf(l->dir, sizeof(l->dir), "/dev/shm/ebn-bench.XXXXXX");
	if (!mkdtemp(l->dir))
		return bench_fail(b, -errno, "%s: %s", l->dir, strerror(errno));
	snprintf(l->sock, sizeof(l->sock), "%s/sock", l->dir);
	snprintf(l->conf, sizeof(l->conf), "%s/agent.yaml", l->dir);
	setenv("LD_LIBRARY_PATH", "lib/.libs", 1);
	as_anybody(b, true);
	return 0;
}

int lab_file(struct bench *b, const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int err = f ? 0 : errno;

	if (f && (fputs(text, f) < 0 || fclose(f)))
		err = EIO;
	return err ? bench_fail(b, -err, "%s: %s", path, strerror(err)) : 0;
}

int lab_agent(struct bench *b, struct lab *l)
{
	char state[96];
	unsigned int waited;
	int null;

	snprintf(state, sizeof(state), "%s/state", l->dir);
	l->agent = fork();
	if (l->agent < 0)
		return bench_fail(b, -errno, "fork: %s", strerror(errno));
	if (!l->agent) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		execl(AGENT, AGENT, "-c", l->conf, "-s", l->sock, "--state", state, (char *)NULL);
		_exit(127);
	}
	for (waited = 0; access(l->sock, F_OK); waited++) {
		if (waited == 500 || waitpid(l->agent, NULL, WNOHANG))
			return bench_fail(b, -EIO, "the agent does not start");
		usleep(20000);
	}
	return 0;
}

void lab_close(struct bench *b, struct lab *l)
{
	char command[400];

	if (l->agent > 0) {
		kill(l->agent, SIGTERM);
		waitpid(l->agent, NULL, 0);
		snprintf(command, sizeof(command), AGENT " -c %s -s %s --state %s/state --cleanup 2>/dev/null", l->conf, l->sock,
			 l->dir);
		setup_shell(command);
	}
	snprintf(command, sizeof(command), "rm -rf %s", l->dir);
	setup_shell(command);
	as_anybody(b, false);
}
