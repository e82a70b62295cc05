// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a container waits for: ebpfnet-cni with an agent, from the start of the plugin's process to its end, policy enforced
 * then. Beside it the reference plugins bridge and host-local, which enforce nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "setup.h"

#define REFERENCE_DIR "/usr/lib/cni"
#define CONTAINERS 60u
#define AGENT "examples/agent/ebpfnet-agent"

struct lab {
	char dir[64], sock[96], conf[96], reference[96];
	pid_t agent;
	unsigned int spaces;
};

static int put_file(struct bench *b, const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int err = f ? 0 : errno;

	if (f && (fputs(text, f) < 0 || fclose(f)))
		err = EIO;
	return err ? bench_fail(b, -err, "%s: %s", path, strerror(err)) : 0;
}

static int write_files(struct bench *b, struct lab *l)
{
	char path[128], text[1200];
	int err;

	snprintf(path, sizeof(path), "%s/agent.yaml", l->dir);
	snprintf(text, sizeof(text), "version: 1\nnode: {datapath: bench-%d, flows4: 65536, flows6: 65536}\n"
		 "ipam:\n  store: %s/ipam\n  quarantine: 0\n  pools:\n  - name: pods\n"
		 "    ranges: [{subnet: 10.44.0.0/16}, {subnet: \"fd44::/64\"}]\n", (int)getpid(), l->dir);
	err = put_file(b, path, text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "{\"cniVersion\": \"1.0.0\", \"name\": \"bench\", \"type\": \"ebpfnet-cni\", \"socket\": \"%s\","
		 " \"pool\": \"pods\", \"labels\": {\"app\": \"bench\"}}", l->sock);
	err = put_file(b, l->conf, text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "{\"cniVersion\": \"1.0.0\", \"name\": \"ref\", \"type\": \"bridge\", \"bridge\": \"ebnref\","
		 " \"isGateway\": true, \"ipam\": {\"type\": \"host-local\", \"dataDir\": \"%s/local\","
		 " \"ranges\": [[{\"subnet\": \"10.45.0.0/16\"}], [{\"subnet\": \"fd45::/64\"}]]}}", l->dir);
	return put_file(b, l->reference, text);
}

/* Namespaces bound to files, as runtimes have them. */
static int make_spaces(struct bench *b, struct lab *l)
{
	char path[96];
	int fd;

	for (; l->spaces < CONTAINERS; l->spaces++) {
		pid_t pid = fork();
		int status;

		snprintf(path, sizeof(path), "%s/ns%u", l->dir, l->spaces);
		if (!pid) {
			fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
			_exit(fd < 0 || unshare(CLONE_NEWNET) || mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL));
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return bench_fail(b, -EIO, "a network namespace at %s cannot be made", path);
	}
	return 0;
}

static int start_agent(struct bench *b, struct lab *l)
{
	char config[96], state[96];
	unsigned int waited;
	int null;

	snprintf(config, sizeof(config), "%s/agent.yaml", l->dir);
	snprintf(state, sizeof(state), "%s/state", l->dir);
	l->agent = fork();
	if (l->agent < 0)
		return bench_fail(b, -errno, "fork: %s", strerror(errno));
	if (!l->agent) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		execl(AGENT, AGENT, "-c", config, "-s", l->sock, "--state", state, (char *)NULL);
		_exit(127);
	}
	for (waited = 0; access(l->sock, F_OK); waited++) {
		if (waited == 500 || waitpid(l->agent, NULL, WNOHANG))
			return bench_fail(b, -EIO, "the agent does not start");
		usleep(20000);
	}
	return 0;
}

/* One command of a plugin on namespace i: its us, or a negative errno. */
static double run_plugin(const struct lab *l, const char *plugin, const char *conf, const char *command, unsigned int i)
{
	char env[5][128], *environment[] = { env[0], env[1], env[2], env[3], env[4], getenv("LD_LIBRARY_PATH") ?
		getenv("LD_LIBRARY_PATH") - strlen("LD_LIBRARY_PATH=") : NULL, NULL };
	char *argv[] = { (char *)(uintptr_t)plugin, NULL };
	posix_spawn_file_actions_t actions;
	double from = bench_now_ns();
	int status = -1;
	pid_t pid;

	snprintf(env[0], sizeof(env[0]), "CNI_COMMAND=%s", command);
	snprintf(env[1], sizeof(env[1]), "CNI_CONTAINERID=bench%u", i);
	snprintf(env[2], sizeof(env[2]), "CNI_NETNS=%s/ns%u", l->dir, i);
	snprintf(env[3], sizeof(env[3]), "CNI_IFNAME=eth0");
	snprintf(env[4], sizeof(env[4]), "CNI_PATH=" REFERENCE_DIR);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, conf, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, plugin, &actions, NULL, argv, environment))
		status = -1;
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&actions);
	return status ? -EIO : (bench_now_ns() - from) / 1e3;
}

static int measure(struct bench *b, struct lab *l, struct bench_sample *ours, struct bench_sample *theirs)
{
	/* not the script in its place that finds the library: it takes longer than the plugin */
	const char *plugin = access("examples/cni/.libs/ebpfnet-cni", X_OK) ? "examples/cni/ebpfnet-cni" :
									     "examples/cni/.libs/ebpfnet-cni";
	bool reference = !access(REFERENCE_DIR "/bridge", X_OK) && !access(REFERENCE_DIR "/host-local", X_OK);
	unsigned int i;
	double us;

	/* in turns, so that both see the same machine */
	for (i = 0; i < CONTAINERS; i++) {
		us = run_plugin(l, plugin, l->conf, "ADD", i);
		if (us < 0)
			return bench_fail(b, -EIO, "ADD %u fails", i);
		bench_add(ours, us / 1e3);
		if (run_plugin(l, plugin, l->conf, "DEL", i) < 0)
			return bench_fail(b, -EIO, "DEL %u fails", i);
		if (!reference)
			continue;
		us = run_plugin(l, REFERENCE_DIR "/bridge", l->reference, "ADD", i);
		if (us < 0 || run_plugin(l, REFERENCE_DIR "/bridge", l->reference, "DEL", i) < 0)
			return bench_fail(b, -EIO, "the reference plugin fails");
		bench_add(theirs, us / 1e3);
	}
	return 0;
}

static void take_down(struct lab *l)
{
	char command[256];

	if (l->agent > 0) {
		kill(l->agent, SIGTERM);
		waitpid(l->agent, NULL, 0);
		snprintf(command, sizeof(command), AGENT " -c %s/agent.yaml -s %s --state %s/state --cleanup 2>/dev/null",
			 l->dir, l->sock, l->dir);
		setup_shell(command);
	}
	while (l->spaces--) {
		snprintf(command, sizeof(command), "%s/ns%u", l->dir, l->spaces);
		umount2(command, MNT_DETACH);
	}
	snprintf(command, sizeof(command), "ip link del ebnref 2>/dev/null; rm -rf %s", l->dir);
	setup_shell(command);
}

/* Plugins and the agent run as anybody does: two real-time processes on one CPU would keep each other out. */
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

static int add(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample ours = { .n = 0 }, theirs = { .n = 0 };
	/* in memory: what the agent writes through to the disk is not measured here */
	struct lab l = { .dir = "/dev/shm/ebn-bench.XXXXXX" };
	int err = setup_namespace(b);

	(void)row;
	if (err)
		return err;
	if (!mkdtemp(l.dir))
		return bench_fail(b, -errno, "%s: %s", l.dir, strerror(errno));
	snprintf(l.sock, sizeof(l.sock), "%s/sock", l.dir);
	snprintf(l.conf, sizeof(l.conf), "%s/conf", l.dir);
	snprintf(l.reference, sizeof(l.reference), "%s/reference", l.dir);
	setenv("LD_LIBRARY_PATH", "lib/.libs", 1);
	as_anybody(b, true);
	err = write_files(b, &l);
	if (!err)
		err = make_spaces(b, &l);
	if (!err)
		err = start_agent(b, &l);
	if (!err)
		err = measure(b, &l, &ours, &theirs);
	if (!err) {
		bench_value(res, &ours, 0, 1);
		if (theirs.n)
			bench_reference(res, "bridge-host-local", bench_median(&theirs));
	}
	take_down(&l);
	as_anybody(b, false);
	return err;
}

const struct bench_row bench_cni_rows[] = {
	{ "cni-add/p50", "ms", 30, add, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
