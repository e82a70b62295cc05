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
#include "lab.h"
#include "setup.h"

#define REFERENCE_DIR "/usr/lib/cni"
#define CONTAINERS 60u

struct containers {
	struct lab lab;
	char conf[96], reference[96];
	unsigned int spaces;
};

static int write_files(struct bench *b, struct containers *c)
{
	const struct lab *l = &c->lab;
	char text[1200];
	int err;

	snprintf(text, sizeof(text), "version: 1\nnode: {datapath: bench-%d, flows4: 65536, flows6: 65536}\n"
		 "ipam:\n  store: %s/ipam\n  quarantine: 0\n  pools:\n  - name: pods\n"
		 "    ranges: [{subnet: 10.44.0.0/16}, {subnet: \"fd44::/64\"}]\n", (int)getpid(), l->dir);
	err = lab_file(b, l->conf, text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "{\"cniVersion\": \"1.0.0\", \"name\": \"bench\", \"type\": \"ebpfnet-cni\", \"socket\": \"%s\","
		 " \"pool\": \"pods\", \"labels\": {\"app\": \"bench\"}}", l->sock);
	err = lab_file(b, c->conf, text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "{\"cniVersion\": \"1.0.0\", \"name\": \"ref\", \"type\": \"bridge\", \"bridge\": \"ebnref\","
		 " \"isGateway\": true, \"ipam\": {\"type\": \"host-local\", \"dataDir\": \"%s/local\","
		 " \"ranges\": [[{\"subnet\": \"10.45.0.0/16\"}], [{\"subnet\": \"fd45::/64\"}]]}}", l->dir);
	return lab_file(b, c->reference, text);
}

/* Namespaces bound to files, as runtimes have them. */
static int make_spaces(struct bench *b, struct containers *l)
{
	char path[96];
	int fd;

	for (; l->spaces < CONTAINERS; l->spaces++) {
		pid_t pid = fork();
		int status;

		snprintf(path, sizeof(path), "%s/ns%u", l->lab.dir, l->spaces);
		if (!pid) {
			fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
			_exit(fd < 0 || unshare(CLONE_NEWNET) || mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL));
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return bench_fail(b, -EIO, "a network namespace at %s cannot be made", path);
	}
	return 0;
}

/* One command of a plugin on namespace i: its us, or a negative errno. */
static double run_plugin(const struct containers *l, const char *plugin, const char *conf, const char *command,
			 unsigned int i)
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
	snprintf(env[2], sizeof(env[2]), "CNI_NETNS=%s/ns%u", l->lab.dir, i);
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

static int measure(struct bench *b, struct containers *l, struct bench_sample *ours, struct bench_sample *theirs)
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

static void take_down(struct bench *b, struct containers *c)
{
	char path[96];

	while (c->spaces--) {
		snprintf(path, sizeof(path), "%s/ns%u", c->lab.dir, c->spaces);
		umount2(path, MNT_DETACH);
	}
	setup_shell("ip link del ebnref 2>/dev/null");
	lab_close(b, &c->lab);
}

static int add(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample ours = { .n = 0 }, theirs = { .n = 0 };
	struct containers c = { .spaces = 0 };
	int err;

	(void)row;
	err = lab_open(b, &c.lab);
	if (err)
		return err;
	snprintf(c.conf, sizeof(c.conf), "%s/conf", c.lab.dir);
	snprintf(c.reference, sizeof(c.reference), "%s/reference", c.lab.dir);
	err = write_files(b, &c);
	if (!err)
		err = make_spaces(b, &c);
	if (!err)
		err = lab_agent(b, &c.lab);
	if (!err)
		err = measure(b, &c, &ours, &theirs);
	if (!err) {
		bench_value(res, &ours, 0, 1);
		if (theirs.n)
			bench_reference(res, "bridge-host-local", bench_median(&theirs));
	}
	take_down(b, &c);
	return err;
}

const struct bench_row bench_cni_rows[] = {
	{ "cni-add/p50", "ms", 30, add, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
