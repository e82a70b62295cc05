/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The BPF object: where its bytes come from, what is checked before it is believed, how it is configured and loaded.
 *
 * libbpf prints to stderr by default, through one pointer of the whole process. A library must not print, and what libbpf
 * would say is in the kernel's log, which goes to the diag. So the pointer is swapped for the moments in which libbpf could
 * speak. Where two threads do that at the same time the last one restores nothing but the program's own function: ours is
 * never left behind. A warning of the program's own use of libbpf in another thread may be lost in these moments.
 */
#include "datapath/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ebpfnet/version.h>

#include "core/features.h"
#include "core/order.h"

#include "ebn_datapath.skel.h"

#define EBN_OBJECT_NAME "ebn_datapath"
#define EBN_OBJECT_MAX (16u << 20)
#define EBN_LOG_SIZE (1u << 20)

static int ebn_print_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

libbpf_print_fn_t ebn_quiet(void)
{
	return libbpf_set_print(ebn_print_nothing);
}

void ebn_unquiet(libbpf_print_fn_t old)
{
	if (old != ebn_print_nothing)
		libbpf_set_print(old);
}

static void ebn_object_tag(struct ebn_object *o)
{
	const unsigned char *b = o->data;
	uint64_t h = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < o->size; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	ebn_format(o->tag, sizeof(o->tag), "%016llx", (unsigned long long)ebn_mix64(h));
}

/* Bytes of a file that only root may have written. */
static int ebn_object_read(const char *dir, const char *name, struct ebpfnet_diag *diag, struct ebn_object *o)
{
	_close_ int dfd = -1, fd = -1;
	char path[PATH_MAX], file[64];
	struct stat st;
	size_t n = 0;
	ssize_t r;

	if (dir[0] != '/' || ebn_format(file, sizeof(file), "%s.bpf.o", name) < 0 ||
	    ebn_format(path, sizeof(path), "%s/%s", dir, file) < 0)
		return ebn_diag(diag, dir, EINVAL, "directory of BPF objects must be an absolute path");
	dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd < 0)
		return ebn_diag(diag, dir, errno, "cannot open the directory of BPF objects");
	if (fstat(dfd, &st) || st.st_uid != 0 || (st.st_mode & 022))
		return ebn_diag(diag, dir, EACCES, "directory of BPF objects is not root's alone to write");
	fd = openat(dfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ebn_diag(diag, path, errno, "cannot open the BPF object");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022))
		return ebn_diag(diag, path, EACCES, "BPF object is not a regular file that only root may write");
	if (st.st_size <= 0 || st.st_size > EBN_OBJECT_MAX)
		return ebn_diag(diag, path, EPROTO, "BPF object of %lld bytes", (long long)st.st_size);
	o->mem = malloc((size_t)st.st_size);
	if (!o->mem)
		return ebn_diag(diag, path, ENOMEM, "out of memory");
	while (n < (size_t)st.st_size) {
		r = read(fd, (char *)o->mem + n, (size_t)st.st_size - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ebn_diag(diag, path, r ? errno : EPROTO, "cannot read the BPF object");
		n += (size_t)r;
	}
	o->data = o->mem;
	o->size = n;
	return 0;
}

/* A variable inside .rodata, writable until the object is loaded. NULL: no such variable of the right size. */
void *ebn_object_var(struct bpf_object *obj, const char *name, size_t want)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata");
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_var_secinfo *v;
	const struct btf_type *t, *var;
	const void *data;
	size_t size = 0;
	int id, i;

	data = map ? bpf_map__initial_value(map, &size) : NULL;
	id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -1;
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	if (!data || !t)
		return NULL;
	v = btf_var_secinfos(t);
	for (i = 0; i < btf_vlen(t); i++, v++) {
		var = btf__type_by_id(btf, v->type);
		if (!var || !btf_is_var(var) || strcmp(btf__name_by_offset(btf, var->name_off), name))
			continue;
		if (v->size != want || v->offset > size || size - v->offset < v->size)
			return NULL;
		return (void *)((uintptr_t)data + v->offset);
	}
	return NULL;
}

static struct ebn_config *ebn_object_cfg(struct bpf_object *obj)
{
	return ebn_object_var(obj, "ebn_cfg", sizeof(struct ebn_config));
}

int ebn_object_belongs(const char *where, struct bpf_object *obj, struct ebpfnet_diag *diag)
{
	const struct ebn_config *cfg = ebn_object_cfg(obj);

	if (!cfg || cfg->magic != EBN_CFG_MAGIC)
		return ebn_diag(diag, where, EPROTO, "not an object of this library: ebn_cfg is missing");
	if (cfg->abi_major != EBN_ABI_MAJOR || cfg->abi_minor > EBN_ABI_MINOR)
		return ebn_diag(diag, where, EPROTO, "object has layout version %u.%u, this library has %u.%u",
				cfg->abi_major, cfg->abi_minor, EBN_ABI_MAJOR, EBN_ABI_MINOR);
	return 0;
}

static int ebn_object_check(const char *where, struct ebn_object *o, struct ebpfnet_diag *diag)
{
	struct bpf_object *obj = o->obj;
	int i, r = ebn_object_belongs(where, obj, diag);
	const struct ebn_flow_layout *layout;

	if (r < 0)
		return r;
	layout = ebn_object_var(obj, "ebn_flow_layout", sizeof(*layout));
	if (!layout || !ebn_flow_layout_valid(layout))
		return ebn_diag(diag, where, EPROTO, "object does not say how its flow tables are laid out");
	o->layout = *layout;
	for (i = 0; i < EBN_PROGS; i++)
		if (!bpf_object__find_program_by_name(obj, ebn_prog_names[i]))
			return ebn_diag(diag, where, EPROTO, "object has no program %s", ebn_prog_names[i]);
	for (i = 0; i < EBN_MAPS; i++)
		if (!bpf_object__find_map_by_name(obj, ebn_map_names[i]))
			return ebn_diag(diag, where, EPROTO, "object has no map %s", ebn_map_names[i]);
	return 0;
}

/* builtin: used when dir is NULL, and the environment names none. */
int ebn_object_open_as(const char *name, const struct ebn_bytes *builtin, const char *dir, struct ebpfnet_diag *diag,
		       struct ebn_object *ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	const char *where = dir ? dir : "built-in object";
	libbpf_print_fn_t old;
	_free_ void *eased = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!dir)
		dir = secure_getenv("EBPFNET_OBJECT_PATH");
	if (dir) {
		where = dir;
		r = ebn_object_read(dir, name, diag, ret);
		if (r < 0)
			return r;
	} else {
		ret->data = builtin->data;
		ret->size = builtin->size;
	}
	ebn_object_tag(ret);
	ret->log = calloc(1, EBN_LOG_SIZE);
	/* a copy: what is built in, and what the tag is of, stays as it is; libbpf keeps nothing of it */
	eased = malloc(ret->size);
	if (!ret->log || !eased)
		return ebn_diag(diag, where, ENOMEM, "out of memory");
	memcpy(eased, ret->data, ret->size);
	if (EBN_LOADS_IN_ORDER)
		ebn_order_ease(eased, ret->size);
	opts.kernel_log_buf = ret->log;
	opts.kernel_log_size = EBN_LOG_SIZE;
	old = ebn_quiet();
	ret->obj = bpf_object__open_mem(eased, ret->size, &opts);
	r = ret->obj ? 0 : -errno;
	ebn_unquiet(old);
	if (r == -ENOMEM)
		return ebn_diag(diag, where, ENOMEM, "out of memory");
	if (r < 0)
		return ebn_diag(diag, where, EPROTO, "not a BPF object");
	return 0;
}

int ebn_object_open(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag, struct ebn_object *ret)
{
	struct ebn_bytes builtin;
	int r;

	(void)dp;
	builtin.data = ebn_datapath_bpf__elf_bytes(&builtin.size);
	r = ebn_object_open_as(EBN_OBJECT_NAME, &builtin, dir, diag, ret);
	return r < 0 ? r : ebn_object_check(dir ? dir : "built-in object", ret, diag);
}

void ebn_object_close(struct ebn_object *o)
{
	bpf_object__close(o->obj);
	free(o->log);
	free(o->mem);
	memset(o, 0, sizeof(*o));
}

static int ebn_object_is_ours(const char *name)
{
	int i;

	for (i = 0; i < EBN_MAPS; i++)
		if (!strcmp(name, ebn_map_names[i]))
			return i;
	return -1;
}

/* A map of the programs alone: kept from one set to the next when its shape stays. */
static int ebn_object_reuse_extra(struct ebpfnet_datapath *dp, struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	_close_ int fd = -1;
	char name[64];

	/* of programs: each set calls its own */
	if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
		return 0;
	if (!dp->p->set.number || ebn_format(name, sizeof(name), "set%u/%s", dp->p->set.number, bpf_map__name(map)) < 0)
		return 0;
	fd = ebn_pin_get(dp, name, EBN_FD_MAP, 0, NULL);
	if (fd < 0) {
		fd = -1;
		return 0;
	}
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != bpf_map__type(map) ||
	    info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map) ||
	    info.max_entries != bpf_map__max_entries(map))
		return 0;
	return bpf_map__reuse_fd(map, fd);
}

static int ebn_object_maps(struct ebpfnet_datapath *dp, struct ebn_object *o, const int *map_fd, const int *old_fd)
{
	struct bpf_map *map;
	const char *name;
	uint32_t cells;
	int i, r = 0;

	bpf_object__for_each_map(map, o->obj) {
		name = bpf_map__name(map);
		i = ebn_object_is_ours(name);
		cells = ebn_count_cells(name);
		if (cells)
			r = bpf_map__set_max_entries(map, cells);
		if (r < 0)
			return r;
		if (i >= 0)
			r = bpf_map__reuse_fd(map, map_fd[i]);
		else if (!strcmp(name, "ebn_flow4_old") || !strcmp(name, "ebn_flow6_old"))
			r = old_fd ? bpf_map__reuse_fd(map, old_fd[name[8] == '6']) :
				     bpf_map__set_autocreate(map, false);
		else if (!strcmp(name, EBN_BEFORE_MAP))
			r = bpf_map__set_autocreate(map, old_fd != NULL);
		else if (!bpf_map__is_internal(map))
			r = ebn_object_reuse_extra(dp, map);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ebn_map_entries(int fd, uint32_t *ret_entries, uint32_t *ret_value)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (!r) {
		*ret_entries = info.max_entries;
		*ret_value = info.value_size;
	}
	return r;
}

int ebn_object_node(struct ebpfnet_datapath *dp, struct ebn_config *cfg, int node_fd)
{
	uint32_t n = 0, value = 0;
	int r;

	r = ebn_map_entries(node_fd, &n, &value);
	if (r < 0)
		return r;
	cfg->node_size = n * value;
	cfg->tick_shift = dp->tick_shift;
	return 0;
}

static int ebn_object_configure(struct ebpfnet_datapath *dp, struct ebn_object *o, const int *map_fd, const int *old_fd)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	struct ebn_config *cfg = ebn_object_cfg(o->obj);
	uint32_t n = 0, value = 0;
	int r;

	r = ebn_object_node(dp, cfg, map_fd[EBN_MAP_NODE]);
	if (r < 0)
		return r;
	r = ebn_map_entries(map_fd[EBN_MAP_FLOW4], &n, &value);
	cfg->flow4_mask = n - 1;
	if (!r)
		r = ebn_map_entries(map_fd[EBN_MAP_FLOW6], &n, &value);
	cfg->flow6_mask = n - 1;
	cfg->has_old = old_fd != NULL;
	if (!r && old_fd) {
		r = ebn_map_entries(old_fd[0], &n, &value);
		cfg->old4_mask = n - 1;
		if (!r)
			r = ebn_map_entries(old_fd[1], &n, &value);
		cfg->old6_mask = n - 1;
		cfg->old = dp->flows[0].layout;
	}
	if (r < 0)
		return r;
	/* without it the programs ask the kernel for every checksum */
	r = ebn_probe_kernel_skb();
	if (r == -ENOMEM)
		return r;
	cfg->kernel_skb = r > 0;
	r = ebn_probe_pace();
	if (r == -ENOMEM)
		return r;
	cfg->pace = r > 0;
	cfg->flow_seed[0] = hdr->flow_seed[0];
	cfg->flow_seed[1] = hdr->flow_seed[1];
	return 0;
}

static int ebn_object_fail(struct ebn_object *o, const char *name, int r, struct ebpfnet_diag *diag)
{
	const char *what = "cannot load the programs";

	if (r == -ENOMEM)
		return ebn_diag(diag, name, ENOMEM, "%s: no kernel memory", what);
	if (o->log[0]) {
		/* the verifier's refusals come as EACCES, EINVAL, E2BIG, …; to the caller they are one thing */
		ebn_diag(diag, name, r == -EPERM ? EPERM : EINVAL,
			 "the kernel's verifier refused a program");
		ebn_diag_detail(diag, o->log);
		return r == -EPERM ? -EPERM : -EINVAL;
	}
	return ebn_diag(diag, name, r, "%s", what);
}

int ebn_object_verify(struct ebn_object *o, const char *name, struct ebpfnet_diag *diag)
{
	libbpf_print_fn_t old = ebn_quiet();
	int r = bpf_object__load(o->obj);

	ebn_unquiet(old);
	return r < 0 ? ebn_object_fail(o, name, r, diag) : 0;
}

static int ebn_object_programs(struct ebn_object *o, struct ebn_set *set, struct ebpfnet_diag *diag)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	uint32_t len;
	int i, r;

	for (i = 0; i < EBN_PROGS; i++) {
		prog = bpf_object__find_program_by_name(o->obj, ebn_prog_names[i]);
		/* the object closes its own descriptors */
		set->prog_fd[i] = fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 3);
		if (set->prog_fd[i] < 0)
			return ebn_diag(diag, ebn_prog_names[i], errno, "cannot keep the program");
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		r = bpf_obj_get_info_by_fd(set->prog_fd[i], &info, &len);
		if (r < 0)
			return ebn_diag(diag, ebn_prog_names[i], r, "cannot ask about the program");
		/* libbpf leaves names out when its own probe for them fails, and by its name a pin is recognised */
		if (strncmp(info.name, ebn_prog_names[i], sizeof(info.name) - 1))
			return ebn_diag(diag, ebn_prog_names[i], EIO, "the program was loaded without its name");
		set->prog_id[i] = info.id;
	}
	return 0;
}

int ebn_object_load(struct ebpfnet_datapath *dp, struct ebn_object *o, const int *map_fd, const int *old_fd,
		    struct ebn_set *set, struct ebpfnet_diag *diag)
{
	struct ebn_set_meta *meta = &set->meta;
	libbpf_print_fn_t old = ebn_quiet();
	int r;

	r = ebn_object_maps(dp, o, map_fd, old_fd);
	if (!r)
		r = ebn_object_configure(dp, o, map_fd, old_fd);
	if (!r)
		r = bpf_object__load(o->obj);
	ebn_unquiet(old);
	if (r < 0)
		return ebn_object_fail(o, EBN_OBJECT_NAME, r, diag);
	r = ebn_object_programs(o, set, diag);
	if (r < 0)
		return r;
	*meta = dp->p->set.meta;
	meta->loaded = 1;
	meta->tables_gone = 0;
	meta->layout = o->layout;
	meta->loaded_ns = ebn_realtime_ns();
	meta->abi_minor = EBN_ABI_MINOR;
	ebn_format(meta->version, sizeof(meta->version), "%s", ebpfnet_version());
	ebn_format(meta->tag, sizeof(meta->tag), "%s", o->tag);
	return 0;
}

int ebn_object_stage_extra(struct ebpfnet_datapath *dp, struct ebn_object *o, struct ebpfnet_diag *diag)
{
	struct bpf_map *map;
	const char *name;
	int r;

	bpf_object__for_each_map(map, o->obj) {
		name = bpf_map__name(map);
		if (ebn_object_is_ours(name) >= 0 || bpf_map__is_internal(map) || bpf_map__fd(map) < 0 ||
		    !strcmp(name, "ebn_flow4_old") || !strcmp(name, "ebn_flow6_old") || !strcmp(name, EBN_BEFORE_MAP))
			continue;
		r = ebn_pins_stage_fd(dp, name, bpf_map__fd(map), diag);
		if (r < 0)
			return r;
	}
	return 0;
}

EBN_ASSERT(EBN_BEFORE_FROM_EP == (int)EBN_PROG_FROM_EP && EBN_BEFORE_TO_EP == (int)EBN_PROG_TO_EP &&
	   EBN_BEFORE_FROM_NETDEV == (int)EBN_PROG_FROM_NETDEV && EBN_BEFORE_TO_NETDEV == (int)EBN_PROG_TO_NETDEV &&
	   EBN_BEFORE_WATCH_IN == (int)EBN_PROG_WATCH_IN && EBN_BEFORE_WATCH_OUT == (int)EBN_PROG_WATCH_OUT,
	   "programs have the same numbers in the map");

/* The pin is what keeps the map's programs in it, should this process be killed. */
int ebn_object_stage_before(struct ebpfnet_datapath *dp, struct ebn_object *o, struct ebpfnet_diag *diag)
{
	return ebn_pins_stage_fd(dp, EBN_BEFORE_MAP, bpf_object__find_map_fd_by_name(o->obj, EBN_BEFORE_MAP), diag);
}

int ebn_object_before(struct ebn_object *o, const struct ebn_set *set, struct ebpfnet_diag *diag)
{
	int fd = bpf_object__find_map_fd_by_name(o->obj, EBN_BEFORE_MAP), r;
	uint32_t i, prog;

	for (i = 0; i <= EBN_PROG_WATCH_OUT; i++) {
		prog = (uint32_t)set->prog_fd[i];
		r = bpf_map_update_elem(fd, &i, &prog, BPF_ANY);
		if (r < 0)
			return ebn_diag(diag, ebn_prog_names[i], r, "the new programs cannot hand packets back to it");
	}
	return 0;
}
