// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The network's IPAM plugin is run with the same environment and the same document. */
#include "cni.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (1u << 20)

extern char **environ;

/* In CNI_PATH, whose relative parts are passed over: nothing comes from the current directory. */
static int find_plugin(struct cni *c, char path[PATH_MAX])
{
	const char *dir = c->path;
	struct stat st;

	while (*dir) {
		size_t len = strcspn(dir, ":");

		if (*dir == '/' && snprintf(path, PATH_MAX, "%.*s/%s", (int)len, dir, c->ipam_type) < PATH_MAX &&
		    !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK))
			return 0;
		dir += len + (dir[len] == ':');
	}
	return cni_fail(c, CNI_IO, "failed to find plugin \"%.64s\" in path [%.300s]", c->ipam_type, c->path);
}

/* The document as a file, so that nobody waits for anybody. */
static int document(struct cni *c)
{
	int fd = memfd_create("cni", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < c->text_len) {
		ssize_t n = write(fd, c->text + done, c->text_len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0 && done == c->text_len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return cni_fail(c, CNI_IO, "the configuration cannot be handed on");
}

static int read_all(int fd, char **ret, size_t *ret_len)
{
	size_t len = 0, size = 0;
	char *text = NULL;

	for (;;) {
		ssize_t n;

		if (size - len < 4096) {
			char *grown = size > OUTPUT_MAX ? NULL : realloc(text, size + 65536);

			if (!grown)
				break;
			text = grown;
			size += 65536;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret = text;
			*ret_len = len;
			return n ? -errno : 0;
		}
		len += (size_t)n;
	}
	free(text);
	return -E2BIG;
}

static int spawn(struct cni *c, const char *path, int in, int out, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	err = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return err ? cni_fail(c, CNI_IO, "%.200s cannot be run: %s", path, strerror(err)) : 0;
}

/* Its error becomes ours, with its code. */
static int plugin_failed(struct cni *c, const char *text, size_t len)
{
	json_t *error = json_loadb(text, len, 0, NULL);
	const char *message = json_string_value(json_object_get(error, "msg"));
	const char *details = json_string_value(json_object_get(error, "details"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	cni_fail(c, code > 0 && code < INT_MAX ? (int)code : CNI_INTERNAL, "IPAM plugin \"%.64s\": %.300s%s%.100s",
		 c->ipam_type, message ? message : "failed without saying why", details && *details ? ": " : "",
		 details ? details : "");
	json_decref(error);
	return -1;
}

static int finish(struct cni *c, pid_t pid, int fd, json_t **result)
{
	char *text = NULL;
	size_t len = 0;
	int status = 0, err = read_all(fd, &text, &len);

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		err = plugin_failed(c, text ? text : "", len);
	} else if (err < 0) {
		err = cni_fail(c, CNI_IO, "the IPAM plugin's answer cannot be read: %s", strerror(-err));
	} else if (result) {
		*result = json_loadb(text, len, 0, NULL);
		if (!json_is_object(*result))
			err = cni_fail(c, CNI_DECODE, "the IPAM plugin's answer is not understood");
	}
	free(text);
	return err;
}

int cni_delegate(struct cni *c, enum cni_command command, json_t **result)
{
	static const char *const names[] = { "", "ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION" };
	char path[PATH_MAX];
	int in, out[2], err;
	pid_t pid;

	if (find_plugin(c, path) < 0)
		return -1;
	in = document(c);
	if (in < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in);
		return cni_fail(c, CNI_IO, "no pipe: %s", strerror(errno));
	}
	setenv("CNI_COMMAND", names[command], 1);
	err = spawn(c, path, in, out[1], &pid);
	close(in);
	close(out[1]);
	if (!err)
		err = finish(c, pid, out[0], result);
	close(out[0]);
	return err;
}
