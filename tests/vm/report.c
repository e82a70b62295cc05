// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What this kernel has and what the datapath takes of it, in lines that tools/kernel-table reads. Uses the public interface. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ebpfnet/ebpfnet.h>

static int features(struct ebpfnet_ctx *ctx)
{
	int f, r;

	for (f = 0; ebpfnet_feature_name(f); f++) {
		r = ebpfnet_feature_supported(ctx, f);
		if (r < 0)
			return r;
		printf("report: feature %s %d %d %s\n", ebpfnet_feature_name(f), r, ebpfnet_feature_required(f),
		       ebpfnet_feature_description(f));
	}
	return 0;
}

static uint32_t last_program(void)
{
	uint32_t id = 0, next;

	while (!bpf_prog_get_next_id(id, &next))
		id = next;
	return id;
}

/* Those that were loaded after @id. */
static int programs(uint32_t id)
{
	struct bpf_prog_info info;
	uint32_t len, n = 0;
	int fd, r;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		r = bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (r || strncmp(info.name, "ebn_", 4))
			continue;
		n++;
		printf("report: program %s %u %u\n", info.name, info.verified_insns, info.xlated_prog_len / 8);
	}
	return n ? 0 : -ENOENT;
}

/* The programs of services' sockets and of the balancer as well, where the kernel has what they are attached to. */
static int attached(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	static const char dir[] = "/run/ebn-report";
	int r;

	if (mkdir(dir, 0700))
		return -errno;
	r = mount("none", dir, "cgroup2", 0, NULL) ? -errno : ebpfnet_service_attach(dp, dir, diag);
	if (!r)
		r = ebpfnet_xdp_attach(dp, "lo", NULL, diag);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	return r;
}

int main(void)
{
	struct ebpfnet_datapath_opts o = { EBPFNET_OPTS_INIT(o), .name = "vm-report" };
	struct ebpfnet_datapath_status st;
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char text[4096];
	struct utsname u;
	uint32_t before;
	int r;

	uname(&u);
	printf("report: kernel %s %s\n", u.release, u.machine);
	r = ebpfnet_diag_new(&diag);
	if (!r)
		r = ebpfnet_ctx_new(NULL, &ctx);
	o.diag = diag;
	if (!r)
		r = features(ctx);
	before = last_program();
	if (!r)
		r = ebpfnet_datapath_open(ctx, &o, &dp);
	if (!r)
		r = ebpfnet_datapath_load(dp, diag);
	if (!r)
		r = attached(dp, diag);
	if (!r)
		r = programs(before);
	if (!r)
		r = ebpfnet_datapath_status(dp, &st, sizeof(st));
	if (!r)
		printf("report: memory %llu\n", (unsigned long long)st.memory);
	else if (ebpfnet_diag_format(diag, text, sizeof(text)) >= 0)
		printf("%s: %s\n", strerror(-r), text);
	if (dp)
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
