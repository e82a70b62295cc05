// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Deletions for an agent who is not there. A file of the spool holds the name of an endpoint (NUMBER.delete), or of an owner
 * of addresses (NUMBER.release). The agent listens first, then
 * takes the lock of the spool for himself, reads it and removes it; a plugin takes the lock with others, asks the agent once
 * more and only then writes. So either the agent is asked or he finds the file.
 */
#include "cni.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* More waiting than that: the runtime has to try again. */
#define SPOOL_MAX 4096

static int open_dir(const char *path)
{
	struct stat st;
	int fd, err;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ? -EPERM : 0;
	if (!err && flock(fd, LOCK_SH) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static size_t count(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!d)
		return SPOOL_MAX;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int write_file(int dir, const char *kind, const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;
	char name[32], temp[40];
	size_t len = strlen(text);
	int fd, err = 0;

	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	snprintf(name, sizeof(name), "%016llx.%s", (unsigned long long)h, kind);
	snprintf(temp, sizeof(temp), ".%.16s.%d", name, (int)getpid());
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
		err = -EIO;
	if (close(fd) < 0)
		err = -errno;
	if (!err && renameat(dir, temp, dir, name) < 0)
		err = -errno;
	if (err < 0)
		unlinkat(dir, temp, 0);
	return err;
}

int cni_spool(struct cni *c, enum cni_spooled what, const char *name)
{
	static const struct {
		const char *kind, *method, *param;
	} how[] = {
		[CNI_SPOOL_ENDPOINT] = { "delete", "endpoint.delete", "name" },
		[CNI_SPOOL_ADDRESSES] = { "release", "ipam.release", "owner" },
	};
	int dir = open_dir(c->spool), err;

	if (dir < 0)
		return cni_fail(c, CNI_TRY_AGAIN, "no agent answers, and %.200s: %s", c->spool, strerror(-dir));
	err = cni_call(c, how[what].method, json_pack("{s:s}", how[what].param, name), NULL);
	if (err == -ECONNREFUSED) {
		err = count(dir) >= SPOOL_MAX ? -ENOSPC : write_file(dir, how[what].kind, name);
		if (!err)
			cni_log("no agent answers at %s: %s is left to him in %s", c->socket, name, c->spool);
	}
	*c->details = '\0';
	close(dir);
	if (!err || err == -ENOENT)
		return 0;
	return cni_fail(c, CNI_TRY_AGAIN, "no agent answers, and %.200s: %s", c->spool, strerror(-err));
}
