// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What the agent does for ebpfnet-cni: carries out deletions that were left to it while it was not running, and tells
 * container runtimes that the network is ready by writing a conflist.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "control.h"
#include "file.h"

/* The longest name of an endpoint or of an owner of addresses, with its end. */
#define NAME_MAX_BYTES 256

static int open_spool(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	/* what others may write is not obeyed */
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    flock(fd, LOCK_EX) < 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* The endpoint, or the owner of addresses, that a file of the spool names. */
static int read_name(int dir, const char *file, char name[NAME_MAX_BYTES])
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, name, NAME_MAX_BYTES);

	if (fd >= 0)
		close(fd);
	if (n <= 0 || n >= NAME_MAX_BYTES || memchr(name, '\0', (size_t)n))
		return -EINVAL;
	name[n] = '\0';
	return 0;
}

static int delete_endpoint(struct agent *a, const char *name)
{
	const struct conf_endpoint *ep = conf_find_endpoint(a->conf, name);
	int err;

	if (!ep || ep->source != CONF_SOCKET)
		return 0;
	err = agent_remove_endpoint(a, name);
	if (err < 0)
		return err;
	agent_unlease(a, name);
	control_changed(a, "endpoint", name, "delete");
	conf_remove_endpoint(a->conf, name);
	a->state_dirty = true;
	return 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len > n && !strcmp(text + len - n, suffix);
}

void agent_cni_replay(struct agent *a)
{
	size_t len = strlen(a->socket_path), done = 0;
	char name[NAME_MAX_BYTES], *path;
	struct dirent *e;
	int fd, err;
	DIR *d;

	if (has_suffix(a->socket_path, ".sock"))
		len -= 5;
	if (asprintf(&path, "%.*s.spool", (int)len, a->socket_path) < 0)
		return;
	fd = open_spool(path);
	if (fd < 0 && fd != -ENOENT)
		agent_log(EBPFNET_LOG_WARNING, "%s: %s", path, strerror(-fd));
	free(path);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		bool addresses = has_suffix(e->d_name, ".release");

		if (e->d_name[0] == '.' || (!addresses && !has_suffix(e->d_name, ".delete")))
			continue;
		err = read_name(fd, e->d_name, name);
		if (!err)
			err = addresses ? agent_ipam_release(a, name) : delete_endpoint(a, name);
		if (err < 0)
			agent_log(EBPFNET_LOG_WARNING, "spool: %s: %s", e->d_name, strerror(-err));
		/* one that could not be carried out now is tried at the next start */
		if (!err || err == -EINVAL)
			unlinkat(fd, e->d_name, 0);
		done += !err;
	}
	closedir(d);
	if (done)
		agent_log(6, "%zu deletions left by ebpfnet-cni are done", done);
}

/* ---- the conflist */

static json_t *conflist(const struct agent *a)
{
	const char *network = json_string_value(json_object_get(a->conf->cni, "network"));
	json_t *plugin = json_pack("{s:s, s:s, s:O, s:{s:b, s:b, s:b, s:b}}", "type", "ebpfnet-cni", "socket", a->socket_path,
				   "pool", json_object_get(a->conf->cni, "pool"), "capabilities", "ips", 1, "mac", 1, "bandwidth", 1,
				   "dns", 1);
	json_t *mtu = json_object_get(a->conf->cni, "mtu"), *device = json_object_get(a->conf->cni, "device"), *plugins;

	if (plugin && mtu)
		json_object_set(plugin, "mtu", mtu);
	if (plugin && device)
		json_object_set(plugin, "device", device);
	plugins = json_pack("[o]", plugin);
	json_array_extend(plugins, json_object_get(a->conf->cni, "chain"));
	/* the highest version of each runtime's: older ones know no list of versions */
	return json_pack("{s:s, s:[s, s, s], s:s, s:o*}", "cniVersion", "1.0.0", "cniVersions", "0.4.0", "1.0.0", "1.1.0",
			 "name", network ? network : "ebpfnet", "plugins", plugins);
}

int agent_cni_write(struct agent *a)
{
	const char *path = json_string_value(json_object_get(a->conf->cni, "conflist"));
	json_t *list;
	char *text;
	int err;

	if (!path)
		return -ENOENT;
	list = conflist(a);
	text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;
	err = text ? file_replace(path, text, strlen(text)) : -ENOMEM;
	/* runtimes that run as others read it as well; there is no secret in it */
	if (!err && chmod(path, 0644) < 0)
		err = -errno;
	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "%s: %s", path, strerror(-err));
	free(text);
	json_decref(list);
	return err;
}

static int answer_path(struct call *call)
{
	call->result = json_pack("{s:O}", "conflist", json_object_get(call->agent->conf->cni, "conflist"));
	return call->result ? 0 : -ENOMEM;
}

static int needs_cni(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0 || call->agent->conf->cni)
		return err;
	return call_error(call, -ENOENT, NULL, "the agent's file has no \"cni\"");
}

int method_cni_write(struct call *call)
{
	int err = needs_cni(call);

	if (err < 0)
		return err;
	err = agent_cni_write(call->agent);
	return err < 0 ? call_error(call, err, NULL, "the conflist cannot be written: %s", strerror(-err)) :
			 answer_path(call);
}

int method_cni_remove(struct call *call)
{
	int err = needs_cni(call);

	if (err < 0)
		return err;
	if (unlink(json_string_value(json_object_get(call->agent->conf->cni, "conflist"))) < 0 && errno != ENOENT)
		return call_error(call, -errno, NULL, "the conflist cannot be removed: %s", strerror(errno));
	return answer_path(call);
}
