/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The socket programs: loaded when the first cgroup is attached, pinned in sock/ of the pin directory:
 *
 *	ebn_sock, ebn_sock_aff, ebn_svc_stat, ebn_be_stat	their maps, kept for as long as the datapath
 *	tag							which object the links' programs are of
 *	CGROUP-N						a link of program N to the cgroup of this id
 *
 * A link holds its program, so programs have no pins of their own. Another object is put in by updating each link; the tag
 * is written last, so that a process killed in the middle leaves links of both, which get on with each other (their maps are
 * the same), and a successor that does it again.
 */
#include "datapath/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ebn_sock.h"
#include "ebn_sock.skel.h"
#include <ebpfnet/service.h>

#define EBN_SOCK_OBJECT "ebn_sock"
#define EBN_SOCK_TAG "sock/tag"
#define EBN_CGROUP2_MAGIC 0x63677270
#define EBN_CGROUPS_MAX 64u
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum { EBN_SM_SOCK, EBN_SM_AFF, EBN_SM_SVC_STAT, EBN_SM_BE_STAT, EBN_SM_MAPS };
static const char *const ebn_sm_names[EBN_SM_MAPS] = { "ebn_sock", "ebn_sock_aff", "ebn_svc_stat", "ebn_be_stat" };

/* Pins have their numbers. What is younger is at the end. */
static const struct {
	const char *name;
	enum bpf_attach_type type;
} ebn_sock_progs[] = {
	{ "ebn_peer4", BPF_CGROUP_INET4_GETPEERNAME }, { "ebn_peer6", BPF_CGROUP_INET6_GETPEERNAME },
	{ "ebn_recvmsg4", BPF_CGROUP_UDP4_RECVMSG },   { "ebn_recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	{ "ebn_bound4", BPF_CGROUP_INET4_POST_BIND },  { "ebn_bound6", BPF_CGROUP_INET6_POST_BIND },
	{ "ebn_sendmsg4", BPF_CGROUP_UDP4_SENDMSG },   { "ebn_sendmsg6", BPF_CGROUP_UDP6_SENDMSG },
	{ "ebn_connect4", BPF_CGROUP_INET4_CONNECT },  { "ebn_connect6", BPF_CGROUP_INET6_CONNECT },
	{ "ebn_release", BPF_CGROUP_INET_SOCK_RELEASE },
};
#define EBN_SOCK_PROGS EBN_ARRAY_SIZE(ebn_sock_progs)

/* The order of attaching: a socket that connects must find the way back already there, and what sees its end. */
static size_t ebn_sock_nth(size_t i)
{
	return i ? i - 1 : EBN_SOCK_PROGS - 1;
}

struct ebn_sock_state {
	int map_fd[EBN_SM_MAPS];	/* -1: not made yet */
	struct ebn_svc_stat *svc_stat;	/* mapped, read-only where dp is; NULL: none */
	uint64_t *be_stat;
};

struct ebn_sock_load {
	struct ebn_object object;
	int prog_fd[EBN_SOCK_PROGS];
};

/* ---- maps ---- */

void ebn_sock_reset_service(struct ebpfnet_datapath *dp, uint32_t number)
{
	struct ebn_sock_state *s = dp->p->sock;

	if (s && s->svc_stat && number < EBN_SVC_STATS)
		memset(&s->svc_stat[number], 0, sizeof(s->svc_stat[number]));
}

void ebn_sock_reset_backend(struct ebpfnet_datapath *dp, uint32_t row)
{
	struct ebn_sock_state *s = dp->p->sock;

	if (s && s->be_stat && row < EBN_BE_STATS)
		EBN_WRITE(s->be_stat[row], 0);
}

/* The counters in memory. */
static int ebn_sock_map(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	int prot = dp->readonly ? PROT_READ : PROT_READ | PROT_WRITE;
	struct ebn_sock_state *s = dp->p->sock;
	void *mem;

	mem = mmap(NULL, EBN_SVC_STATS * sizeof(*s->svc_stat), prot, MAP_SHARED, s->map_fd[EBN_SM_SVC_STAT], 0);
	if (mem == MAP_FAILED)
		return ebn_diag(diag, ebn_sm_names[EBN_SM_SVC_STAT], errno, "cannot map the counters");
	s->svc_stat = mem;
	mem = mmap(NULL, EBN_BE_STATS * sizeof(*s->be_stat), prot, MAP_SHARED, s->map_fd[EBN_SM_BE_STAT], 0);
	if (mem == MAP_FAILED)
		return ebn_diag(diag, ebn_sm_names[EBN_SM_BE_STAT], errno, "cannot map the counters");
	s->be_stat = mem;
	return 0;
}

static bool ebn_sm_fits(int fd, int i)
{
	static const struct {
		uint32_t type, key, value, entries;
	} want[EBN_SM_MAPS] = {
		[EBN_SM_SOCK] = { BPF_MAP_TYPE_SK_STORAGE, 4, sizeof(struct ebn_sock), 0 },
		[EBN_SM_AFF] = { BPF_MAP_TYPE_LRU_HASH, sizeof(struct ebn_aff_key), sizeof(struct ebn_aff), 0 },
		[EBN_SM_SVC_STAT] = { BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ebn_svc_stat), EBN_SVC_STATS },
		[EBN_SM_BE_STAT] = { BPF_MAP_TYPE_ARRAY, 4, sizeof(uint64_t), EBN_BE_STATS },
	};
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == want[i].type && info.key_size == want[i].key &&
	       info.value_size == want[i].value && (!want[i].entries || info.max_entries == want[i].entries) &&
	       !strncmp(info.name, ebn_sm_names[i], sizeof(info.name) - 1);
}

int ebn_sock_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_sock_state *s;
	char name[64];
	int i, r = 0;

	s = calloc(1, sizeof(*s));
	if (!s)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	for (i = 0; i < EBN_SM_MAPS; i++)
		s->map_fd[i] = -1;
	dp->p->sock = s;
	for (i = 0; !r && i < EBN_SM_MAPS; i++) {
		r = ebn_format(name, sizeof(name), "sock/%s", ebn_sm_names[i]);
		if (!r)
			r = ebn_pin_get(dp, name, EBN_FD_MAP, 0, diag);
		if (r >= 0) {
			s->map_fd[i] = r;
			r = ebn_sm_fits(s->map_fd[i], i) ?
				    0 :
				    ebn_diag(diag, name, EPROTO, "not a map of this version: refused");
		}
	}
	if (!r)
		return ebn_sock_map(dp, diag);
	/* all or none: a process killed while it pinned them left some that nobody has used */
	for (i = 0; r == -ENOENT && i < EBN_SM_MAPS; i++)
		ebn_close(&s->map_fd[i]);
	if (r == -ENOENT)
		return 0;
	ebn_sock_close(dp);
	return r;
}

void ebn_sock_close(struct ebpfnet_datapath *dp)
{
	struct ebn_sock_state *s = dp->p->sock;
	int i;

	if (!s)
		return;
	if (s->svc_stat)
		munmap(s->svc_stat, EBN_SVC_STATS * sizeof(*s->svc_stat));
	if (s->be_stat)
		munmap(s->be_stat, EBN_BE_STATS * sizeof(*s->be_stat));
	for (i = 0; i < EBN_SM_MAPS; i++)
		ebn_close(&s->map_fd[i]);
	free(s);
	dp->p->sock = NULL;
}

/* ---- loading ---- */

static int ebn_netns_cookie(uint64_t *ret)
{
	socklen_t len = sizeof(*ret);
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) ? -errno : 0;
}

static int ebn_sock_configure(struct ebpfnet_datapath *dp, struct bpf_object *obj, struct ebpfnet_diag *diag)
{
	struct ebn_config *cfg = ebn_object_var(obj, "ebn_cfg", sizeof(*cfg));
	uint64_t *netns = ebn_object_var(obj, "ebn_node_netns", sizeof(*netns)), cookie;
	uint32_t *hz = ebn_object_var(obj, "ebn_hz", sizeof(*hz));
	struct bpf_map *map, *active = bpf_object__find_map_by_name(obj, ebn_map_names[EBN_MAP_ACTIVE]);
	int i, r;

	if (!netns || !hz || !active)
		return ebn_diag(diag, EBN_SOCK_OBJECT, EPROTO, "object lacks a variable or map");
	r = ebn_netns_cookie(&cookie);
	if (!r)
		r = bpf_map__reuse_fd(active, dp->map_fd[EBN_MAP_ACTIVE]);
	if (!r)
		r = ebn_object_node(dp, cfg, dp->map_fd[EBN_MAP_NODE]);
	map = bpf_object__find_map_by_name(obj, "ebn_node");
	if (!r)
		r = map ? bpf_map__reuse_fd(map, dp->map_fd[EBN_MAP_NODE]) : -EPROTO;
	for (i = 0; !r && i < EBN_SM_MAPS; i++) {
		map = bpf_object__find_map_by_name(obj, ebn_sm_names[i]);
		if (!map)
			r = -EPROTO;
		else if (dp->p->sock->map_fd[i] >= 0)
			r = bpf_map__reuse_fd(map, dp->p->sock->map_fd[i]);
	}
	if (r < 0)
		return ebn_diag(diag, EBN_SOCK_OBJECT, r, "cannot give the programs their maps");
	*netns = cookie;
	*hz = (uint32_t)(1000000000ULL / (ebn_dp_tick_ns(dp) >> dp->tick_shift));
	return 0;
}

/* The maps of the first object are those of all that follow. */
static int ebn_sock_keep_maps(struct ebpfnet_datapath *dp, struct bpf_object *obj, struct ebpfnet_diag *diag)
{
	struct ebn_sock_state *s = dp->p->sock;
	char path[PATH_MAX];
	int i, r;

	if (s->map_fd[0] >= 0)
		return 0;
	for (i = 0; i < EBN_SM_MAPS; i++) {
		r = ebn_pin_path(dp, path, "sock/%s", ebn_sm_names[i]);
		/* of a process that was killed in this loop */
		if (!r && unlink(path) && errno != ENOENT)
			r = -errno;
		if (!r)
			r = bpf_obj_pin(bpf_map__fd(bpf_object__find_map_by_name(obj, ebn_sm_names[i])), path);
		if (r < 0)
			break;
	}
	if (i == EBN_SM_MAPS) {
		for (i = 0; i < EBN_SM_MAPS; i++) {
			s->map_fd[i] = fcntl(bpf_map__fd(bpf_object__find_map_by_name(obj, ebn_sm_names[i])),
					     F_DUPFD_CLOEXEC, 3);
			r = s->map_fd[i] < 0 ? -errno : 0;
			if (r < 0)
				break;
		}
		if (!r)
			return ebn_sock_map(dp, diag);
	}
	for (i = 0; i < EBN_SM_MAPS; i++) {
		ebn_close(&s->map_fd[i]);
		if (!ebn_pin_path(dp, path, "sock/%s", ebn_sm_names[i]))
			unlink(path);
	}
	return ebn_diag(diag, "sock", r, "cannot keep the maps");
}

static void ebn_sock_unload(struct ebn_sock_load *l)
{
	ebn_object_close(&l->object);
}

static int ebn_sock_object(const char *dir, struct ebpfnet_diag *diag, struct ebn_object *o)
{
	struct ebn_bytes builtin;
	int r;

	builtin.data = ebn_sock_bpf__elf_bytes(&builtin.size);
	r = ebn_object_open_as(EBN_SOCK_OBJECT, &builtin, dir, diag, o);
	return r < 0 ? r : ebn_object_belongs(dir ? dir : "built-in object", o->obj, diag);
}

static int ebn_sock_load(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag,
			 struct ebn_sock_load *l)
{
	struct bpf_program *prog;
	size_t i;
	int r;

	memset(l, 0, sizeof(*l));
	if (mkdirat(dp->p->dir_fd, "sock", 0700) && errno != EEXIST)
		return ebn_diag(diag, "sock", errno, "cannot make the directory");
	r = ebn_sock_object(dir, diag, &l->object);
	if (!r)
		r = ebn_sock_configure(dp, l->object.obj, diag);
	if (!r)
		r = ebn_object_verify(&l->object, EBN_SOCK_OBJECT, diag);
	for (i = 0; !r && i < EBN_SOCK_PROGS; i++) {
		prog = bpf_object__find_program_by_name(l->object.obj, ebn_sock_progs[i].name);
		l->prog_fd[i] = prog ? bpf_program__fd(prog) : -1;
		if (l->prog_fd[i] < 0)
			r = ebn_diag(diag, EBN_SOCK_OBJECT, EPROTO, "object has no program %s", ebn_sock_progs[i].name);
	}
	return r < 0 ? r : ebn_sock_keep_maps(dp, l->object.obj, diag);
}

/* ---- links ---- */

struct ebn_sock_links {
	struct {
		uint64_t cgroup;
		uint32_t prog;
	} l[EBN_CGROUPS_MAX * EBN_SOCK_PROGS];
	size_t n;
};

static int ebn_sock_links(struct ebpfnet_datapath *dp, struct ebn_sock_links *ret)
{
	unsigned long long id;
	unsigned int prog;
	struct dirent *de;
	int fd, end;
	DIR *d;

	ret->n = 0;
	fd = openat(dp->p->dir_fd, "sock", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((de = readdir(d))) {
		end = 0;
		if (sscanf(de->d_name, "%llu-%u%n", &id, &prog, &end) != 2 || de->d_name[end] || prog >= EBN_SOCK_PROGS ||
		    ret->n == EBN_ARRAY_SIZE(ret->l))
			continue;
		ret->l[ret->n].cgroup = id;
		ret->l[ret->n++].prog = prog;
	}
	closedir(d);
	return 0;
}

static int ebn_sock_link_name(char *buf, size_t size, uint64_t cgroup, size_t prog)
{
	return ebn_format(buf, size, "sock/%llu-%zu", (unsigned long long)cgroup, prog);
}

/* Ends a link at once: the kernel would do so some time after the pin is gone. */
static int ebn_sock_link_del(struct ebpfnet_datapath *dp, uint64_t cgroup, size_t prog)
{
	_close_ int fd = -1;
	char name[64];
	int r;

	r = ebn_sock_link_name(name, sizeof(name), cgroup, prog);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	/* of a cgroup that is gone it is detached already */
	if (fd >= 0)
		(void)bpf_link_detach(fd);
	else
		fd = -1;
	return unlinkat(dp->p->dir_fd, name, 0) ? -errno : 0;
}

/* 1: made, 0: there already. A pin whose cgroup is gone is not there. */
static int ebn_sock_link_add(struct ebpfnet_datapath *dp, int cgroup_fd, uint64_t cgroup, size_t prog, int prog_fd,
			     struct ebpfnet_diag *diag)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	_close_ int fd = -1;
	char path[PATH_MAX], name[64];
	int r;

	r = ebn_sock_link_name(name, sizeof(name), cgroup, prog);
	if (!r)
		r = ebn_pin_path(dp, path, "%s", name);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && info.cgroup.cgroup_id == cgroup)
		return 0;
	if (fd >= 0)
		(void)ebn_sock_link_del(dp, cgroup, prog);
	ebn_close(&fd);
	fd = bpf_link_create(prog_fd, cgroup_fd, ebn_sock_progs[prog].type, NULL);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return ebn_diag(diag, ebn_sock_progs[prog].name, r, "cannot attach to the cgroup");
	}
	r = bpf_obj_pin(fd, path);
	return r < 0 ? ebn_diag(diag, path, r, "cannot pin the link") : 1;
}

void ebn_sock_clear(struct ebpfnet_datapath *dp)
{
	_free_ struct ebn_sock_links *links = calloc(1, sizeof(*links));
	size_t i;

	if (!links || ebn_sock_links(dp, links))
		return;
	for (i = 0; i < links->n; i++)
		(void)ebn_sock_link_del(dp, links->l[i].cgroup, links->l[i].prog);
}

/* ---- upgrade ---- */

static int ebn_sock_update(struct ebpfnet_datapath *dp, uint64_t cgroup, uint32_t prog, int prog_fd, uint32_t *ret_old)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	_close_ int fd = -1;
	char name[64];
	int r;

	r = ebn_sock_link_name(name, sizeof(name), cgroup, prog);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	/* the cgroup was removed: the link is a shell that the kernel no longer updates */
	if (!r && !info.cgroup.cgroup_id) {
		*ret_old = 0;
		(void)ebn_sock_link_del(dp, cgroup, prog);
		return 0;
	}
	if (!r)
		r = bpf_link_update(fd, prog_fd, NULL);
	if (!r)
		*ret_old = info.prog_id;
	return r;
}

static void ebn_sock_update_back(struct ebpfnet_datapath *dp, const struct ebn_sock_links *l, const uint32_t *old,
				 size_t n)
{
	uint32_t ignored;
	int fd;

	while (n-- > 0) {
		fd = old[n] ? bpf_prog_get_fd_by_id(old[n]) : -1;
		if (fd < 0)
			continue;
		(void)ebn_sock_update(dp, l->l[n].cgroup, l->l[n].prog, fd, &ignored);
		close(fd);
	}
}

int ebn_sock_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag)
{
	_free_ struct ebn_sock_links *links = calloc(1, sizeof(*links));
	uint32_t old[EBN_CGROUPS_MAX * EBN_SOCK_PROGS] = { 0 };
	struct ebn_sock_load l;
	size_t i = 0;
	int r;

	if (!links)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	r = ebn_sock_links(dp, links);
	if (r < 0 || !links->n)
		return r;
	r = ebn_sock_object(dir, diag, &l.object);
	if (r < 0 || ebn_tag_is(dp, EBN_SOCK_TAG, l.object.tag)) {
		ebn_object_close(&l.object);
		return r;
	}
	ebn_object_close(&l.object);
	r = ebn_sock_load(dp, dir, diag, &l);
	for (i = 0; !r && i < links->n; i++)
		r = ebn_sock_update(dp, links->l[i].cgroup, links->l[i].prog, l.prog_fd[links->l[i].prog], &old[i]);
	if (!r)
		r = ebn_tag_write(dp, EBN_SOCK_TAG, l.object.tag);
	if (r < 0) {
		ebn_diag(diag, "sock", r, "cannot replace the socket programs, they are as before");
		ebn_sock_update_back(dp, links, old, i);
	}
	ebn_sock_unload(&l);
	return r;
}

/* ---- interface ---- */

/* Opens a cgroup's directory; its id. */
static int ebn_cgroup_open(const char *path, struct ebpfnet_diag *diag, uint64_t *ret_id)
{
	_close_ int fd = -1;
	struct statfs fs;
	struct stat st;

	if (!path || !*path)
		return -EINVAL;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ebn_diag(diag, path, errno == ENOTDIR ? EINVAL : errno, "cannot open the cgroup");
	if (fstatfs(fd, &fs) || fs.f_type != EBN_CGROUP2_MAGIC || fstat(fd, &st))
		return ebn_diag(diag, path, EINVAL, "not a cgroup of version 2");
	/* the number of a cgroup's directory is the id the kernel has for it */
	*ret_id = st.st_ino;
	return EBN_TAKE_FD(fd);
}

static bool ebn_cgroup_room(struct ebpfnet_datapath *dp, uint64_t cgroup)
{
	_free_ struct ebn_sock_links *links = calloc(1, sizeof(*links));
	size_t i, n = 0;

	if (!links || ebn_sock_links(dp, links))
		return false;
	for (i = 0; i < links->n; i++) {
		if (links->l[i].cgroup == cgroup)
			return true;
		n += links->l[i].prog == 0;
	}
	return n < EBN_CGROUPS_MAX;
}

int ebpfnet_service_attach(struct ebpfnet_datapath *dp, const char *path, struct ebpfnet_diag *diag)
{
	bool made[EBN_SOCK_PROGS] = { false };
	struct ebn_sock_load l;
	_close_ int fd = -1;
	uint64_t cgroup;
	size_t i;
	int r;

	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return ebn_diag(diag, NULL, EBUSY, "programs are not loaded");
	fd = ebn_cgroup_open(path, diag, &cgroup);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	if (!ebn_cgroup_room(dp, cgroup))
		return ebn_diag(diag, path, ENOSPC, "more than %u cgroups", EBN_CGROUPS_MAX);
	/* all cgroups run one object */
	r = ebn_sock_refresh(dp, dp->p->object_dir, diag);
	if (r < 0)
		return r;
	r = ebn_sock_load(dp, dp->p->object_dir, diag, &l);
	if (!r)
		r = ebn_tag_write(dp, EBN_SOCK_TAG, l.object.tag);
	for (i = 0; r >= 0 && i < EBN_SOCK_PROGS; i++) {
		r = ebn_sock_link_add(dp, fd, cgroup, ebn_sock_nth(i), l.prog_fd[ebn_sock_nth(i)], diag);
		made[i] = r > 0;
	}
	for (i = EBN_SOCK_PROGS; r < 0 && i-- > 0;)
		if (made[i])
			(void)ebn_sock_link_del(dp, cgroup, ebn_sock_nth(i));
	ebn_sock_unload(&l);
	return r < 0 ? r : 0;
}

int ebpfnet_service_detach(struct ebpfnet_datapath *dp, const char *path)
{
	_close_ int fd = -1;
	uint64_t cgroup;
	size_t i;
	int r, n = 0;

	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	fd = ebn_cgroup_open(path, NULL, &cgroup);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	/* connect first: the others serve those that are connected */
	for (i = EBN_SOCK_PROGS; i-- > 0;) {
		r = ebn_sock_link_del(dp, cgroup, ebn_sock_nth(i));
		if (r < 0 && r != -ENOENT)
			return r;
		n += !r;
	}
	return n ? 0 : -ENOENT;
}

int ebn_sock_service_stats(struct ebpfnet_datapath *dp, uint32_t number, struct ebpfnet_service_stats *ret)
{
	const struct ebn_svc_stat *st = dp->p->sock ? dp->p->sock->svc_stat : NULL;

	memset(ret, 0, sizeof(*ret));
	if (!st || number >= EBN_SVC_STATS)
		return -ENOENT;
	ret->connections = EBN_READ(st[number].connections);
	ret->no_backend = EBN_READ(st[number].no_backend);
	ret->denied = EBN_READ(st[number].denied);
	return 0;
}

uint64_t ebn_sock_backend_count(struct ebpfnet_datapath *dp, uint32_t row)
{
	const uint64_t *st = dp->p->sock ? dp->p->sock->be_stat : NULL;

	return st && row < EBN_BE_STATS ? EBN_READ(st[row]) : 0;
}

int ebn_sock_storage(const struct ebpfnet_datapath *dp)
{
	return dp->p->sock ? dp->p->sock->map_fd[EBN_SM_SOCK] : -1;
}
