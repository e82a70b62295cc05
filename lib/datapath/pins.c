/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The pin directory: made, checked, locked; sets built aside and put in place by rename. */
#include "datapath/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <bpf/bpf.h>

#define EBN_BPF_FS_MAGIC 0xcafe4a11

static const char *const ebn_pin_links[] = { "current", "previous", "next" };

int ebn_pin_path(struct ebpfnet_datapath *dp, char *buf, const char *fmt, ...)
{
	int n = snprintf(buf, PATH_MAX, "%s/", dp->p->pin_dir), m;
	va_list ap;

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	va_start(ap, fmt);
	m = vsnprintf(buf + n, (size_t)(PATH_MAX - n), fmt, ap);
	va_end(ap);
	return m < 0 || m >= PATH_MAX - n ? -ENAMETOOLONG : 0;
}

static bool ebn_pin_set_name(const char *name, uint32_t *ret)
{
	char *end;
	unsigned long n;

	if (strncmp(name, "set", 3) || name[3] < '1' || name[3] > '9')
		return false;
	errno = 0;
	n = strtoul(name + 3, &end, 10);
	if (errno || *end || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* A name we make in a pin directory. */
static bool ebn_pin_known(const char *name)
{
	uint32_t n;
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(ebn_pin_links); i++)
		if (!strcmp(name, ebn_pin_links[i]))
			return true;
	return !strcmp(name, "stage") || !strcmp(name, "links") || !strcmp(name, "sock") ||
	       !strcmp(name, "xdp") || !strcmp(name, "swap") || ebn_pin_set_name(name, &n);
}

/* Calls fn with each name in a directory of ours. */
static int ebn_pins_list(int dir_fd, const char *name, int (*fn)(const char *entry, void *arg), void *arg)
{
	struct dirent *de;
	int fd, r = 0;
	DIR *d;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!r && (errno = 0, de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			r = fn(de->d_name, arg);
	if (!r && errno)
		r = -errno;
	closedir(d);
	return r;
}

static int ebn_pins_check_entry(const char *entry, void *arg)
{
	struct ebpfnet_diag *diag = arg;

	if (ebn_pin_known(entry))
		return 0;
	return ebn_diag(diag, entry, EACCES, "pin directory is not ours: it holds something we never make");
}

/* Pid of the process that holds a flock on this inode, 0: not found. */
static unsigned int ebn_pins_holder(int fd)
{
	unsigned int pid = 0, p;
	unsigned long ino;
	char line[256];
	struct stat st;
	FILE *f;

	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	if (fstat(fd, &st))
		st.st_ino = 0;
	while (!pid && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u: FLOCK %*s %*s %u %*x:%*x:%lu", &p, &ino) == 2 && ino == st.st_ino)
			pid = p;
	fclose(f);
	return pid;
}

/* The directory the new one goes into must be on a bpffs; makes the levels below the mount point. */
static int ebn_pins_mkdir(const char *dir, struct ebpfnet_diag *diag)
{
	_free_ char *path = strdup(dir);
	struct statfs fs;
	char *slash;
	int r;

	if (!path)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	slash = strrchr(path, '/');
	if (slash == path)
		return ebn_diag(diag, dir, ENODEV, "not on a BPF file system");
	*slash = '\0';
	if (statfs(path, &fs)) {
		if (errno != ENOENT)
			return ebn_diag(diag, path, errno, "cannot look at the pin directory's parent");
		r = ebn_pins_mkdir(path, diag);
		if (r < 0)
			return r;
		if (statfs(path, &fs))
			return ebn_diag(diag, path, errno, "cannot look at it");
	}
	if (fs.f_type != EBN_BPF_FS_MAGIC)
		return ebn_diag(diag, path, ENODEV,
				"not on a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf");
	if (mkdir(dir, 0700) && errno != EEXIST) {
		r = errno == EACCES || errno == EPERM || errno == EROFS ? EACCES : errno;
		return ebn_diag(diag, dir, r, "cannot make the pin directory");
	}
	return 0;
}

static int ebn_pins_check_dir(int fd, const char *dir, struct ebpfnet_diag *diag)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return ebn_diag(diag, dir, errno, "cannot look at the pin directory");
	if (fs.f_type != EBN_BPF_FS_MAGIC)
		return ebn_diag(diag, dir, ENODEV,
				"not on a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf");
	if (st.st_uid != geteuid())
		return ebn_diag(diag, dir, EACCES, "pin directory belongs to user %u, not to us",
				(unsigned int)st.st_uid);
	if (st.st_mode & 077)
		return ebn_diag(diag, dir, EACCES, "pin directory has mode %04o, others may reach it; 0700 is required",
				st.st_mode & 07777);
	return 0;
}

int ebn_pins_open(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p = dp->p;
	_close_ int fd = -1;
	unsigned int pid;
	int r;

	r = ebn_format(p->pin_dir, sizeof(p->pin_dir), "%s", dir);
	/* room for the names below it */
	if (r < 0 || strlen(dir) > PATH_MAX - 128)
		return ebn_diag(diag, NULL, EINVAL, "path of the pin directory is too long");
	if (!dp->readonly) {
		r = ebn_pins_mkdir(dir, diag);
		if (r < 0)
			return r;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		r = errno == ENOENT ? ENOENT : errno == ELOOP || errno == ENOTDIR ? EACCES : errno;
		return ebn_diag(diag, dir, r, "cannot open the pin directory");
	}
	r = ebn_pins_check_dir(fd, dir, diag);
	if (r < 0)
		return r;
	if (!dp->readonly && flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return ebn_diag(diag, dir, errno, "cannot lock the pin directory");
		pid = ebn_pins_holder(fd);
		return pid ? ebn_diag(diag, dir, EBUSY, "process %u holds the writer's lock", pid) :
			     ebn_diag(diag, dir, EBUSY, "another process holds the writer's lock");
	}
	r = ebn_pins_list(fd, ".", ebn_pins_check_entry, diag);
	if (r < 0)
		return r;
	p->dir_fd = EBN_TAKE_FD(fd);
	return 0;
}

int ebn_pins_number(struct ebpfnet_datapath *dp, const char *link, uint32_t *ret)
{
	char to[64];
	ssize_t n;

	n = readlinkat(dp->p->dir_fd, link, to, sizeof(to) - 1);
	if (n < 0)
		return errno == ENOENT ? -ENOENT : -EPROTO;
	to[n] = '\0';
	return ebn_pin_set_name(to, ret) ? 0 : -EPROTO;
}

struct ebn_pins_walk {
	struct ebpfnet_datapath *dp;
	const char *dir;
	int r;
	uint32_t keep[EBN_ARRAY_SIZE(ebn_pin_links)];
	uint32_t highest;
};

static int ebn_pins_remove_entry(const char *entry, void *arg)
{
	struct ebn_pins_walk *w = arg;
	char name[512];
	int r;

	r = ebn_format(name, sizeof(name), "%s/%s", w->dir, entry);
	if (!r)
		r = ebn_pins_remove(w->dp, name);
	if (r < 0 && !w->r)
		w->r = r;
	return 0;
}

int ebn_pins_remove(struct ebpfnet_datapath *dp, const char *name)
{
	struct ebn_pins_walk w = { .dp = dp, .dir = name };
	int r;

	if (!unlinkat(dp->p->dir_fd, name, 0))
		return 0;
	if (errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	r = ebn_pins_list(dp->p->dir_fd, name, ebn_pins_remove_entry, &w);
	if (r < 0 || w.r < 0)
		return r < 0 ? r : w.r;
	return unlinkat(dp->p->dir_fd, name, AT_REMOVEDIR) && errno != ENOENT ? -errno : 0;
}

int ebn_pins_stage(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	int r = ebn_pins_remove(dp, "stage");

	if (!r && mkdirat(dp->p->dir_fd, "stage", 0700))
		r = -errno;
	return r < 0 ? ebn_diag(diag, "stage", r, "cannot make the directory") : 0;
}

int ebn_pins_stage_fd(struct ebpfnet_datapath *dp, const char *name, int fd, struct ebpfnet_diag *diag)
{
	char path[PATH_MAX];
	int r;

	r = ebn_pin_path(dp, path, "stage/%s", name);
	if (!r)
		r = bpf_obj_pin(fd, path);
	return r < 0 ? ebn_diag(diag, path, r, "cannot pin") : 0;
}

int ebn_pins_point(struct ebpfnet_datapath *dp, const char *link, uint32_t number, struct ebpfnet_diag *diag)
{
	int dir = dp->p->dir_fd, r = 0;
	char to[32];

	if (!number) {
		if (unlinkat(dir, link, 0) && errno != ENOENT)
			r = -errno;
	} else {
		r = ebn_format(to, sizeof(to), "set%u", number);
		if (!r && unlinkat(dir, "swap", 0) && errno != ENOENT)
			r = -errno;
		if (!r && symlinkat(to, dir, "swap"))
			r = -errno;
		if (!r && renameat(dir, "swap", dir, link))
			r = -errno;
	}
	return r < 0 ? ebn_diag(diag, link, r, "cannot change the link") : 0;
}

int ebn_pins_commit(struct ebpfnet_datapath *dp, uint32_t number, const char *link, struct ebpfnet_diag *diag)
{
	int r;
	char to[32];

	r = ebn_format(to, sizeof(to), "set%u", number);
	if (!r && renameat(dp->p->dir_fd, "stage", dp->p->dir_fd, to))
		r = -errno;
	if (r < 0)
		return ebn_diag(diag, to, r, "cannot put the set in place");
	return ebn_pins_point(dp, link, number, diag);
}

static int ebn_pins_tidy_entry(const char *entry, void *arg)
{
	struct ebn_pins_walk *w = arg;
	uint32_t n;
	size_t i;
	int r;

	if (ebn_pin_set_name(entry, &n)) {
		for (i = 0; i < EBN_ARRAY_SIZE(w->keep); i++)
			if (w->keep[i] == n)
				return 0;
	} else if (strcmp(entry, "stage") && strcmp(entry, "swap")) {
		return 0;
	}
	r = ebn_pins_remove(w->dp, entry);
	if (r < 0)
		ebn_warn(w->dp->ctx, "%s/%s: cannot remove: %s", w->dp->p->pin_dir, entry, strerror(-r));
	return 0;
}

int ebn_pins_links(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	if (mkdirat(dp->p->dir_fd, "links", 0700) && errno != EEXIST)
		return ebn_diag(diag, "links", errno, "cannot make the directory");
	return 0;
}

void ebn_pins_tidy(struct ebpfnet_datapath *dp)
{
	struct ebn_pins_walk w = { .dp = dp };
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(w.keep); i++)
		if (ebn_pins_number(dp, ebn_pin_links[i], &w.keep[i]) < 0)
			w.keep[i] = 0;
	ebn_pins_list(dp->p->dir_fd, ".", ebn_pins_tidy_entry, &w);
}

static int ebn_pins_highest(const char *entry, void *arg)
{
	struct ebn_pins_walk *w = arg;
	uint32_t n;

	if (ebn_pin_set_name(entry, &n) && n > w->highest)
		w->highest = n;
	return 0;
}

uint32_t ebn_pins_free_number(struct ebpfnet_datapath *dp)
{
	struct ebn_pins_walk w = { .dp = dp };

	ebn_pins_list(dp->p->dir_fd, ".", ebn_pins_highest, &w);
	return w.highest + 1;
}

static int ebn_pins_clear_entry(const char *entry, void *arg)
{
	struct ebn_pins_walk *w = arg;
	int r;

	if (!ebn_pin_known(entry))
		return 0;
	r = ebn_pins_remove(w->dp, entry);
	if (r < 0 && !w->r)
		w->r = r;
	return 0;
}

int ebn_pins_clear(struct ebpfnet_datapath *dp)
{
	struct ebn_pins_walk w = { .dp = dp };
	int r;

	/* first the name by which a set is believed: a process killed here leaves rubbish, not half a set */
	r = ebn_pins_point(dp, "current", 0, NULL);
	ebn_pins_list(dp->p->dir_fd, ".", ebn_pins_clear_entry, &w);
	return r < 0 ? r : w.r;
}

enum ebn_fd_kind ebn_fd_kind(int fd)
{
	char path[64], to[64];
	ssize_t n;

	if (ebn_format(path, sizeof(path), "/proc/self/fd/%d", fd))
		return EBN_FD_OTHER;
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return EBN_FD_OTHER;
	to[n] = '\0';
	if (!strcmp(to, "anon_inode:bpf-map"))
		return EBN_FD_MAP;
	if (!strcmp(to, "anon_inode:bpf-prog"))
		return EBN_FD_PROG;
	/* "bpf_link" since 5.7, "bpf-link" when the kernel's other names are followed one day */
	if (!strcmp(to, "anon_inode:bpf_link") || !strcmp(to, "anon_inode:bpf-link"))
		return EBN_FD_LINK;
	return EBN_FD_OTHER;
}

int ebn_pin_get(struct ebpfnet_datapath *dp, const char *name, enum ebn_fd_kind kind, uint32_t flags,
		struct ebpfnet_diag *diag)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[PATH_MAX];
	_close_ int fd = -1;
	int r;

	r = ebn_pin_path(dp, path, "%s", name);
	if (r < 0)
		return r;
	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0) {
		r = fd;
		fd = -1;
		if (r == -ENOENT)
			return r;
		return ebn_diag(diag, path, r, "cannot open the pin");
	}
	if (ebn_fd_kind(fd) != kind)
		return ebn_diag(diag, path, EPROTO, "the pin is not what belongs there: refused");
	return EBN_TAKE_FD(fd);
}
