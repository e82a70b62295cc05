/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The balancer on node devices: loaded when the first device is attached, pinned in xdp/ of the pin directory:
 *
 *	ebn_xdp_conn, _conf, _svc, _be, _count, _hop	its maps, kept until the last device is detached and the datapath is loaded
 *							anew, or for as long as the datapath
 *	tag						which object the links' program is of
 *	IFINDEX						a link to this device
 *
 * It shares the node tables and the counters of drops with the other programs. As with sockets (sock.c), a link holds its
 * program, and the tag is written last.
 */
#include "datapath/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/xdp.h"
#include "ebn_xdp.skel.h"

#define EBN_XDP_OBJECT "ebn_xdp"
#define EBN_XDP_TAG "xdp/tag"

static const struct {
	const char *name;
	uint32_t type, value;
} ebn_xm[EBN_XM_MAPS] = {
	[EBN_XM_CONN] = { "ebn_xdp_conn", BPF_MAP_TYPE_ARRAY, sizeof(struct ebn_xdp_set) },
	[EBN_XM_CONF] = { "ebn_xdp_conf", BPF_MAP_TYPE_ARRAY, sizeof(struct ebn_xdp_conf) },
	[EBN_XM_SVC] = { "ebn_xdp_svc", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct ebn_xdp_svc_stat) },
	[EBN_XM_BE] = { "ebn_xdp_be", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct ebn_xdp_be_stat) },
	[EBN_XM_COUNT] = { "ebn_xdp_count", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint64_t) },
	[EBN_XM_HOP] = { "ebn_xdp_hop", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct ebn_xdp_hop) },
};

/* ---- maps ---- */

static int ebn_xm_fits(int fd, int i, uint32_t *ret_entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return r;
	if (info.type != ebn_xm[i].type || info.key_size != 4 || info.value_size != ebn_xm[i].value ||
	    !info.max_entries || (i == EBN_XM_CONN && info.max_entries & (info.max_entries - 1)))
		return -EPROTO;
	*ret_entries = info.max_entries;
	return 0;
}

int ebn_xdp_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_xdp_state *s = calloc(1, sizeof(*s));
	char name[64];
	int i, r = 0;

	if (!s)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	for (i = 0; i < EBN_XM_MAPS; i++)
		s->map_fd[i] = -1;
	dp->p->xdp = s;
	for (i = 0; !r && i < EBN_XM_MAPS; i++) {
		r = ebn_format(name, sizeof(name), "xdp/%s", ebn_xm[i].name);
		if (!r)
			r = ebn_pin_get(dp, name, EBN_FD_MAP, 0, diag);
		if (r < 0)
			break;
		s->map_fd[i] = r;
		r = ebn_xm_fits(s->map_fd[i], i, &s->entries[i]);
		if (r < 0)
			ebn_diag(diag, name, r, "not a map of this version: refused");
	}
	if (!r)
		return 0;
	/* all or none: a process killed while it pinned them left some that nobody has used */
	for (i = 0; i < EBN_XM_MAPS; i++)
		ebn_close(&s->map_fd[i]);
	if (r == -ENOENT)
		return 0;
	ebn_xdp_close(dp);
	return r;
}

void ebn_xdp_close(struct ebpfnet_datapath *dp)
{
	struct ebn_xdp_state *s = dp->p->xdp;
	int i;

	if (!s)
		return;
	for (i = 0; i < EBN_XM_MAPS; i++)
		ebn_close(&s->map_fd[i]);
	free(s);
	dp->p->xdp = NULL;
}

/* ---- loading ---- */

static int ebn_xdp_sizes(struct ebpfnet_datapath *dp, struct bpf_object *obj, uint32_t sets)
{
	struct ebn_xdp_state *s = dp->p->xdp;
	struct bpf_map *map;
	int i, r = 0;

	for (i = 0; !r && i < EBN_XM_MAPS; i++) {
		map = bpf_object__find_map_by_name(obj, ebn_xm[i].name);
		if (!map)
			r = -EPROTO;
		else if (s->map_fd[i] >= 0)
			r = bpf_map__reuse_fd(map, s->map_fd[i]);
		else if (i == EBN_XM_CONN)
			r = bpf_map__set_max_entries(map, sets);
	}
	return r;
}

static int ebn_xdp_configure(struct ebpfnet_datapath *dp, struct bpf_object *obj, uint32_t sets,
			     struct ebpfnet_diag *diag)
{
	struct ebn_config *cfg = ebn_object_var(obj, "ebn_cfg", sizeof(*cfg));
	uint32_t *mask = ebn_object_var(obj, "ebn_xdp_mask", sizeof(*mask));
	const struct ebn_node_hdr *hdr = dp->node_mem;
	struct bpf_map *node = bpf_object__find_map_by_name(obj, "ebn_node");
	struct bpf_map *reason = bpf_object__find_map_by_name(obj, "ebn_reason");
	int r;

	if (!cfg || !mask || !node || !reason)
		return ebn_diag(diag, EBN_XDP_OBJECT, EPROTO, "object lacks a variable or map");
	r = ebn_object_node(dp, cfg, dp->map_fd[EBN_MAP_NODE]);
	if (!r)
		r = bpf_map__reuse_fd(node, dp->map_fd[EBN_MAP_NODE]);
	if (!r)
		r = bpf_map__reuse_fd(reason, dp->map_fd[EBN_MAP_REASON]);
	if (!r)
		r = ebn_xdp_sizes(dp, obj, sets);
	if (r < 0)
		return ebn_diag(diag, EBN_XDP_OBJECT, r, "cannot give the program its maps");
	cfg->flow_seed[0] = hdr->flow_seed[0];
	cfg->flow_seed[1] = hdr->flow_seed[1];
	*mask = sets - 1;
	return 0;
}

/* The maps of the first object are those of all that follow. */
static int ebn_xdp_keep_maps(struct ebpfnet_datapath *dp, struct bpf_object *obj, struct ebpfnet_diag *diag)
{
	struct ebn_xdp_conf conf = { htonl(0xac100000), { htonl(0x01000000), 0, 0 } };
	struct ebn_xdp_state *s = dp->p->xdp;
	char path[PATH_MAX];
	uint32_t zero = 0;
	int i, fd, r = 0;

	if (s->map_fd[0] >= 0)
		return 0;
	for (i = 0; !r && i < EBN_XM_MAPS; i++) {
		fd = bpf_object__find_map_fd_by_name(obj, ebn_xm[i].name);
		if (i == EBN_XM_CONF)
			r = bpf_map_update_elem(fd, &zero, &conf, BPF_ANY);
		if (!r)
			r = ebn_pin_path(dp, path, "xdp/%s", ebn_xm[i].name);
		/* of a process that was killed in this loop */
		if (!r && unlink(path) && errno != ENOENT)
			r = -errno;
		if (!r)
			r = bpf_obj_pin(fd, path);
		if (!r) {
			s->map_fd[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
			r = s->map_fd[i] < 0 ? -errno : ebn_xm_fits(s->map_fd[i], i, &s->entries[i]);
		}
	}
	if (!r)
		return 0;
	for (i = 0; i < EBN_XM_MAPS; i++) {
		ebn_close(&s->map_fd[i]);
		if (!ebn_pin_path(dp, path, "xdp/%s", ebn_xm[i].name))
			unlink(path);
	}
	return ebn_diag(diag, "xdp", r, "cannot keep the maps");
}

static int ebn_xdp_object(const char *dir, struct ebpfnet_diag *diag, struct ebn_object *o)
{
	struct ebn_bytes builtin;
	int r;

	builtin.data = ebn_xdp_bpf__elf_bytes(&builtin.size);
	r = ebn_object_open_as(EBN_XDP_OBJECT, &builtin, dir, diag, o);
	return r < 0 ? r : ebn_object_belongs(dir ? dir : "built-in object", o->obj, diag);
}

/* o is closed by the caller, also after a failure; the program's descriptor is the object's. */
static int ebn_xdp_load(struct ebpfnet_datapath *dp, const char *dir, uint32_t sets, struct ebpfnet_diag *diag,
			struct ebn_object *o, int *ret_prog)
{
	struct ebn_xdp_state *s = dp->p->xdp;
	struct bpf_program *prog;
	int r;

	memset(o, 0, sizeof(*o));
	if (mkdirat(dp->p->dir_fd, "xdp", 0700) && errno != EEXIST)
		return ebn_diag(diag, "xdp", errno, "cannot make the directory");
	r = ebn_xdp_object(dir, diag, o);
	if (!r)
		r = ebn_xdp_configure(dp, o->obj, s->map_fd[0] >= 0 ? s->entries[EBN_XM_CONN] : sets, diag);
	if (!r)
		r = ebn_object_verify(o, EBN_XDP_OBJECT, diag);
	if (r < 0)
		return r;
	prog = bpf_object__find_program_by_name(o->obj, "ebn_xdp");
	if (!prog)
		return ebn_diag(diag, EBN_XDP_OBJECT, EPROTO, "object has no program ebn_xdp");
	*ret_prog = bpf_program__fd(prog);
	return ebn_xdp_keep_maps(dp, o->obj, diag);
}

/* ---- links ---- */

static int ebn_xdp_link_get(struct ebpfnet_datapath *dp, uint32_t ifindex, struct bpf_link_info *ret)
{
	uint32_t len = sizeof(*ret);
	char name[32];
	int fd, r;

	memset(ret, 0, sizeof(*ret));
	r = ebn_format(name, sizeof(name), "xdp/%u", ifindex);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, ret, &len);
	/* the device was removed: the link is a shell */
	if (!r && ret->xdp.ifindex == ifindex)
		return fd;
	close(fd);
	return r ? r : -ENOENT;
}

int ebn_xdp_prog(struct ebpfnet_datapath *dp, uint32_t ifindex, int *ret)
{
	struct bpf_link_info info;
	int fd = ebn_xdp_link_get(dp, ifindex, &info);

	if (fd < 0)
		return fd;
	close(fd);
	*ret = bpf_prog_get_fd_by_id(info.prog_id);
	return *ret < 0 ? *ret : 0;
}

static int ebn_xdp_link_del(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	_close_ int fd = -1;
	char name[32];
	int r;

	r = ebn_format(name, sizeof(name), "xdp/%u", ifindex);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	/* at once: the kernel would do so some time after the pin is gone */
	if (fd >= 0)
		(void)bpf_link_detach(fd);
	else
		fd = -1;
	return unlinkat(dp->p->dir_fd, name, 0) ? -errno : 0;
}

static int ebn_xdp_mode_of(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, o);

	if (bpf_xdp_query((int)ifindex, 0, &o))
		return EBPFNET_XDP_AUTO;
	return o.attach_mode == XDP_ATTACHED_SKB ? EBPFNET_XDP_GENERIC : EBPFNET_XDP_NATIVE;
}

static int ebn_xdp_link_make(uint32_t ifindex, int prog_fd, enum ebpfnet_xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);
	int fd = -EOPNOTSUPP;

	if (mode != EBPFNET_XDP_GENERIC)
		fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &o);
	/* whatever the driver has against it; but one that has a program already has one in the stack, too */
	if (fd >= 0 || mode == EBPFNET_XDP_NATIVE || fd == -EBUSY || fd == -EEXIST || fd == -EPERM || fd == -ENOMEM)
		return fd == -EEXIST ? -EBUSY : fd;
	o.flags = XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &o);
	return fd == -EEXIST ? -EBUSY : fd;
}

static int ebn_xdp_link_add(struct ebpfnet_datapath *dp, const struct ebn_link_info *li, int prog_fd,
			    enum ebpfnet_xdp_mode mode, struct ebpfnet_diag *diag)
{
	char path[PATH_MAX];
	_close_ int fd = -1;
	int r;

	r = ebn_pin_path(dp, path, "xdp/%u", li->ifindex);
	if (r < 0)
		return r;
	(void)ebn_xdp_link_del(dp, li->ifindex);
	fd = ebn_xdp_link_make(li->ifindex, prog_fd, mode);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return ebn_diag(diag, li->name, r, r == -EBUSY ? "another XDP program is on the device" :
								 "the device does not take the program");
	}
	r = bpf_obj_pin(fd, path);
	return r < 0 ? ebn_diag(diag, path, r, "cannot pin the link") : 0;
}

/* Every pin that is a link; those whose devices are gone, too. */
static int ebn_xdp_pins(struct ebpfnet_datapath *dp, uint32_t **ret, size_t *ret_n)
{
	uint32_t *v = NULL, ifindex;
	size_t n = 0, cap = 0;
	struct dirent *de;
	int fd, end, r = 0;
	DIR *d;

	*ret = NULL;
	*ret_n = 0;
	fd = openat(dp->p->dir_fd, "xdp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!r && (de = readdir(d))) {
		end = 0;
		if (sscanf(de->d_name, "%u%n", &ifindex, &end) != 1 || de->d_name[end])
			continue;
		r = ebn_grow(&v, &cap, n + 1, sizeof(*v));
		if (!r)
			v[n++] = ifindex;
	}
	closedir(d);
	if (r < 0) {
		free(v);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

void ebn_xdp_clear(struct ebpfnet_datapath *dp)
{
	_free_ uint32_t *pins = NULL;
	size_t n, i;

	if (ebn_xdp_pins(dp, &pins, &n))
		return;
	for (i = 0; i < n; i++)
		(void)ebn_xdp_link_del(dp, pins[i]);
}

/* ---- upgrade ---- */

static int ebn_xdp_update(struct ebpfnet_datapath *dp, uint32_t ifindex, int prog_fd, uint32_t *ret_old)
{
	struct bpf_link_info info;
	_close_ int fd = ebn_xdp_link_get(dp, ifindex, &info);
	int r;

	*ret_old = 0;
	if (fd == -ENOENT) {
		fd = -1;
		(void)ebn_xdp_link_del(dp, ifindex);
		return 0;
	}
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	r = bpf_link_update(fd, prog_fd, NULL);
	if (!r)
		*ret_old = info.prog_id;
	return r;
}

static void ebn_xdp_update_back(struct ebpfnet_datapath *dp, const uint32_t *pins, const uint32_t *old, size_t n)
{
	uint32_t ignored;
	int fd;

	while (n-- > 0) {
		fd = old[n] ? bpf_prog_get_fd_by_id(old[n]) : -1;
		if (fd < 0)
			continue;
		(void)ebn_xdp_update(dp, pins[n], fd, &ignored);
		close(fd);
	}
}

int ebn_xdp_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag)
{
	_free_ uint32_t *pins = NULL, *old = NULL;
	struct ebn_object o = { 0 };
	size_t n, i = 0;
	int r, prog;

	r = ebn_xdp_pins(dp, &pins, &n);
	if (r < 0 || !n)
		return r;
	old = ebn_calloc(n, sizeof(*old));
	if (!old)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	r = ebn_xdp_object(dir, diag, &o);
	if (r < 0 || ebn_tag_is(dp, EBN_XDP_TAG, o.tag)) {
		ebn_object_close(&o);
		return r;
	}
	ebn_object_close(&o);
	r = ebn_xdp_load(dp, dir, EBN_XDP_SETS, diag, &o, &prog);
	for (i = 0; !r && i < n; i++)
		r = ebn_xdp_update(dp, pins[i], prog, &old[i]);
	if (!r)
		r = ebn_tag_write(dp, EBN_XDP_TAG, o.tag);
	if (r < 0) {
		ebn_diag(diag, "xdp", r, "cannot replace the balancer's program, it is as before");
		ebn_xdp_update_back(dp, pins, old, i);
	}
	ebn_object_close(&o);
	return r;
}

/* ---- interface ---- */

static int ebn_xdp_check(const struct ebpfnet_xdp_opts *o, struct ebpfnet_diag *diag)
{
	static const struct ebpfnet_addr none;
	uint32_t connections = EBN_OPT(o, connections, 0);
	struct ebpfnet_addr a4 = EBN_OPT(o, source4, none), a6 = EBN_OPT(o, source6, none);

	if (!EBN_OPTS_VALID(o, ebpfnet_xdp_opts) || (unsigned int)EBN_OPT(o, mode, 0) > EBPFNET_XDP_GENERIC)
		return -EINVAL;
	if (connections && (connections < EBN_XDP_WAYS || connections > EBPFNET_XDP_CONNECTIONS_MAX ||
			    connections & (connections - 1)))
		return ebn_diag(diag, "connections", EINVAL, "%u is not a power of two from %u to %u", connections, EBN_XDP_WAYS,
				EBPFNET_XDP_CONNECTIONS_MAX);
	if ((memcmp(&a4, &none, sizeof(none)) && ebpfnet_addr_family(&a4) != 4) ||
	    (memcmp(&a6, &none, sizeof(none)) && ebpfnet_addr_family(&a6) != 6))
		return ebn_diag(diag, "source", EINVAL, "a source is not of its family");
	return 0;
}

static int ebn_xdp_sources(struct ebpfnet_datapath *dp, const struct ebpfnet_xdp_opts *o)
{
	static const struct ebpfnet_addr none;
	struct ebpfnet_addr a4 = EBN_OPT(o, source4, none), a6 = EBN_OPT(o, source6, none);
	int fd = dp->p->xdp->map_fd[EBN_XM_CONF];
	struct ebn_xdp_conf conf;
	uint32_t zero = 0;
	int r;

	r = bpf_map_lookup_elem(fd, &zero, &conf);
	if (r < 0)
		return r;
	if (ebpfnet_addr_family(&a4)) {
		memcpy(&conf.src4, a4.b + 12, 4);
		conf.src4 &= htonl(0xffff0000);
	}
	if (ebpfnet_addr_family(&a6))
		memcpy(conf.src6, a6.b, sizeof(conf.src6));
	return bpf_map_update_elem(fd, &zero, &conf, BPF_ANY);
}

static int ebn_xdp_attach_new(struct ebpfnet_datapath *dp, const struct ebn_link_info *li,
			      const struct ebpfnet_xdp_opts *opts, struct ebpfnet_diag *diag)
{
	uint32_t sets = EBN_OPT(opts, connections, 0) / EBN_XDP_WAYS;
	struct ebn_object o = { 0 };
	int r, prog;

	r = ebn_xdp_load(dp, dp->p->object_dir, sets ? sets : EBN_XDP_SETS, diag, &o, &prog);
	if (!r)
		r = ebn_tag_write(dp, EBN_XDP_TAG, o.tag);
	if (!r)
		r = ebn_xdp_sources(dp, opts);
	if (!r)
		r = ebn_xdp_link_add(dp, li, prog, EBN_OPT(opts, mode, 0), diag);
	ebn_object_close(&o);
	return r;
}

/* Another size than that of the maps: possible while no device uses them. */
static int ebn_xdp_resize(struct ebpfnet_datapath *dp, uint32_t connections, struct ebpfnet_diag *diag)
{
	struct ebn_xdp_state *s = dp->p->xdp;
	_free_ uint32_t *pins = NULL;
	size_t n, i;
	int r;

	if (!connections || s->map_fd[0] < 0 || connections == s->entries[EBN_XM_CONN] * EBN_XDP_WAYS)
		return 0;
	r = ebn_xdp_pins(dp, &pins, &n);
	for (i = 0; !r && i < n; i++) {
		struct bpf_link_info info;
		int fd = ebn_xdp_link_get(dp, pins[i], &info);

		if (fd >= 0) {
			close(fd);
			return ebn_diag(diag, "connections", EEXIST, "%u are in use on other devices",
					s->entries[EBN_XM_CONN] * EBN_XDP_WAYS);
		}
	}
	for (i = 0; !r && i < EBN_XM_MAPS; i++)
		ebn_close(&s->map_fd[i]);
	return r;
}

int ebpfnet_xdp_attach(struct ebpfnet_datapath *dp, const char *device, const struct ebpfnet_xdp_opts *opts,
		       struct ebpfnet_diag *diag)
{
	enum ebpfnet_xdp_mode mode = EBN_OPT(opts, mode, EBPFNET_XDP_AUTO);
	struct bpf_link_info info;
	struct ebn_link_info li;
	_close_ int fd = -1;
	int r;

	r = ebn_dp_writable(dp);
	if (!r && (!device || !*device))
		r = -EINVAL;
	if (!r)
		r = ebn_xdp_check(opts, diag);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return ebn_diag(diag, NULL, EBUSY, "programs are not loaded");
	r = ebn_nl_link(&dp->p->nl, device, 0, &li);
	if (r < 0)
		return ebn_diag(diag, device, r, "no such device");
	/* all devices run one object */
	r = ebn_xdp_refresh(dp, dp->p->object_dir, diag);
	if (!r)
		r = ebn_xdp_resize(dp, EBN_OPT(opts, connections, 0), diag);
	if (r < 0)
		return r;
	fd = ebn_xdp_link_get(dp, li.ifindex, &info);
	if (fd < 0) {
		fd = -1;
		return ebn_xdp_attach_new(dp, &li, opts, diag);
	}
	if (mode != EBPFNET_XDP_AUTO && ebn_xdp_mode_of(li.ifindex) != (int)mode)
		return ebn_diag(diag, device, EEXIST, "attached in another mode: detach it first");
	return ebn_xdp_sources(dp, opts);
}

int ebpfnet_xdp_detach(struct ebpfnet_datapath *dp, const char *device)
{
	struct ebn_link_info li;
	int r = ebn_dp_writable(dp);

	if (!r && (!device || !*device))
		r = -EINVAL;
	if (!r)
		r = ebn_nl_link(&dp->p->nl, device, 0, &li);
	return r < 0 ? r : ebn_xdp_link_del(dp, li.ifindex);
}

int ebpfnet_xdp_foreach(struct ebpfnet_datapath *dp, ebpfnet_xdp_fn fn, void *userdata)
{
	_free_ uint32_t *pins = NULL;
	size_t n, i;
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_xdp_pins(dp, &pins, &n);
	for (i = 0; !r && i < n; i++) {
		struct ebpfnet_xdp_info info = { .ifindex = pins[i] };
		struct bpf_link_info link;
		int fd = ebn_xdp_link_get(dp, pins[i], &link);

		if (fd < 0)
			continue;
		close(fd);
		/* gone meanwhile, or in another namespace */
		if (!if_indextoname(pins[i], info.device))
			continue;
		info.mode = (enum ebpfnet_xdp_mode)ebn_xdp_mode_of(pins[i]);
		info.program_id = link.prog_id;
		r = fn(&info, userdata);
	}
	return r;
}
