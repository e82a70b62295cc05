/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file datapath.h
 * The datapath: programs, tables and pins of one daemon. open → prepare → load → attach; later upgrade, status,
 * cleanup. Closing changes nothing in the kernel: programs and tables stay and go on enforcing; cleanup removes them.
 *
 * Several daemons live side by side, each with its own pin directory and devices.
 */
#ifndef EBPFNET_DATAPATH_H
#define EBPFNET_DATAPATH_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/identity.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_datapath;

#define EBPFNET_DATAPATH_READONLY 0x1u	/**< look only: no lock, read-only mappings */

struct ebpfnet_datapath_opts {
	size_t sz;
	const char *name;	/**< [a-zA-Z0-9_-]{1,32}; NULL: "default" */
	const char *pin_dir;	/**< absolute, on a bpffs; NULL: /sys/fs/bpf/ebpfnet/NAME. Made with mode 0700 */
	uint32_t flags;		/**< EBPFNET_DATAPATH_* */
	uint32_t reserved;	/**< 0 */
	/* Sizes of tables that are made new; 0: the default. Tables that are there keep theirs (see upgrade). */
	uint32_t flows4;	/**< IPv4 flows promised; default 65,536 */
	uint32_t flows6;	/**< IPv6 flows promised; default 32,768 */
	uint64_t table_bytes;	/**< node tables, a power of two, 1 MiB .. 256 MiB; default 32 MiB */
	uint32_t ring_bytes;	/**< event ring, a power of two of pages; default 1 MiB */
	uint32_t endpoints;	/**< endpoint rows; default 1024, at most 65,535 */
	const char *object_dir;	/**< load NAME.bpf.o from here instead of the built-in ones: absolute, owned by root,
				     not writable by others; NULL: built-in, or EBPFNET_OBJECT_PATH by secure_getenv(3) */
	struct ebpfnet_diag *diag;
	struct ebpfnet_identities *identities; /**< who numbers label sets: a reference is taken, the caller dispatches it;
						     calls that need a number may then fail as
						     ebpfnet_identities_acquire() does. NULL: the datapath itself */
};
#define ebpfnet_datapath_opts__last_field identities

/**
 * Opens the datapath of that name: takes the writer's lock and looks at the pins. Changes nothing yet but making the
 * pin directory.
 * @param[out] ret	one reference; ebpfnet_datapath_unref()
 * @return 0, or
 *   -EINVAL	bad options
 *   -EPERM, -EACCES	CAP_BPF, CAP_NET_ADMIN or CAP_PERFMON missing, or the directory is not ours (diag)
 *   -ENODEV	no bpffs at the pin directory (diag says how to mount one)
 *   -EBUSY	another process holds the writer's lock (diag names its pid)
 *   -EPROTO	pins of another layout major version, or corrupt ones: refused, not trusted (diag)
 *   -ENOENT	read-only and there is nothing
 *   -EOPNOTSUPP	the kernel lacks a required feature (diag names it)
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_open(struct ebpfnet_ctx *ctx, const struct ebpfnet_datapath_opts *opts,
				      struct ebpfnet_datapath **ret);

EBPFNET_API struct ebpfnet_datapath *ebpfnet_datapath_ref(struct ebpfnet_datapath *dp);
/** Drops a reference; NULL is allowed; returns NULL. The kernel's side stays as it is. @since 0.1 */
EBPFNET_API struct ebpfnet_datapath *ebpfnet_datapath_unref(struct ebpfnet_datapath *dp);

/**
 * Makes or adopts the tables and pins them. Adopted tables are checked and used as they are.
 * @return 0, -EROFS, -ENOSPC (memory cgroup or rlimit: diag), -EPROTO (corrupt tables), -ENOMEM, other errors of bpf(2)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_prepare(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

/**
 * Loads the program set, once for all endpoints, and pins it; when the same set is pinned already it is used. Calls
 * ebpfnet_datapath_prepare() if that was not done.
 * @return 0, or -EROFS, -EPERM, -EINVAL (the verifier refused: diag holds its last words), -EPROTO (an object of another
 * version), other errors of bpf(2)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_load(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

/** How a device that is no endpoint is attached. */
enum ebpfnet_role {
	EBPFNET_ROLE_WATCH,	/**< observed only: nothing is dropped or changed */
	EBPFNET_ROLE_NETDEV,	/**< a node's device towards the network */
};

/**
 * Attaches the programs to a device (endpoints attach theirs themselves, endpoint.h). Enforced at once by a clsact filter;
 * ebpfnet_datapath_maintain() moves it to an owned tcx link where the kernel has them.
 * @return 0, or -ENODEV (no such device), -EEXIST (attached in another role), -EBUSY (not loaded), -EROFS, -EPERM, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_attach(struct ebpfnet_datapath *dp, const char *device, enum ebpfnet_role role,
					struct ebpfnet_diag *diag);

/** How what limited endpoints send out of a node's device is kept to their rates (ebpfnet_endpoint_set_rates()). */
enum ebpfnet_pacing {
	EBPFNET_PACING_AUTO,	/**< paced where the device has fq, policed elsewhere; the default */
	EBPFNET_PACING_FQ,	/**< paced; the device gets fq in place of what it has, until it is detached or paced otherwise */
	EBPFNET_PACING_POLICE,	/**< policed, whatever the device has */
};

/**
 * Chooses for a device that is attached with EBPFNET_ROLE_NETDEV. Paced: the packets wait in the device's queueing discipline fq, its
 * root or below an mq, until they are paid for; policed: they are dropped. Kept in the tables until the device is detached. The
 * device is looked at now and in ebpfnet_datapath_attach(): call either again when its queueing discipline has been changed.
 * @return 1 the device paces, 0 it polices, or
 *   -EINVAL, -EROFS, -EBUSY, -ENODEV
 *   -ENOENT	not attached in that role; FQ: the kernel has no fq (diag)
 *   -EOPNOTSUPP	FQ: its programs cannot say when a packet leaves (Linux 5.18)
 *   -ENOSPC	seven devices pace already
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_set_pacing(struct ebpfnet_datapath *dp, const char *device, enum ebpfnet_pacing pacing,
					    struct ebpfnet_diag *diag);

struct ebpfnet_pacing_info {
	char device[16];	/**< as it is called now; "" when gone */
	uint32_t ifindex;
	uint8_t pacing;		/**< enum ebpfnet_pacing, as it was chosen */
	uint8_t paced;		/**< 1: it paces; 0: it polices */
	uint8_t overlay;	/**< 1: the overlay's, which paces when all node's devices do */
	uint8_t reserved;
};
/** Not 0 ends the walk and is returned. */
typedef int (*ebpfnet_pacing_fn)(const struct ebpfnet_pacing_info *info, void *userdata);

/**
 * Every device that is attached with EBPFNET_ROLE_NETDEV, and the overlay's. Read-only processes may ask, in the network namespace of
 * the devices. @return 0, what fn returned, -EINVAL, -EBUSY (tables not prepared), -EPROTO @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_foreach_pacing(struct ebpfnet_datapath *dp, ebpfnet_pacing_fn fn, void *userdata);

/** Takes our programs off a device; others' stay. @return 0, -ENOENT, -EROFS, -EPERM @since 0.1 */
EBPFNET_API int ebpfnet_datapath_detach(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_diag *diag);

/**
 * Does what waits to be done: moves fresh filters to tcx links, waits for a grace period and reuses space, collects expired
 * flows. Call it when ebpfnet_datapath_get_timeout() has passed.
 * @param budget_us	stop after about this long; 0: do all of it
 * @return 1 more is waiting, 0 all done, -EROFS, or an error of the first step that failed
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_maintain(struct ebpfnet_datapath *dp, unsigned int budget_us);

/** Milliseconds until ebpfnet_datapath_maintain() has something to do; 0: now; -1: nothing waits; -EINVAL. @since 0.1 */
EBPFNET_API int ebpfnet_datapath_get_timeout(struct ebpfnet_datapath *dp);

/** Where an upgrade can be made to fail, to test that it rolls back. Values are ABI. */
enum ebpfnet_upgrade_step {
	EBPFNET_UPGRADE_NONE,
	EBPFNET_UPGRADE_OPEN,
	EBPFNET_UPGRADE_TABLES,
	EBPFNET_UPGRADE_LOAD,
	EBPFNET_UPGRADE_MIGRATE,
	EBPFNET_UPGRADE_ATTACH,	/**< after half of the devices */
	EBPFNET_UPGRADE_PIN,
	EBPFNET_UPGRADE_DRAIN,
	EBPFNET_UPGRADE_STEPS
};

struct ebpfnet_upgrade_opts {
	size_t sz;
	uint32_t flows4;	/**< new size of a flow table; 0: as it is */
	uint32_t flows6;
	enum ebpfnet_upgrade_step fail_at; /**< for tests: fail with -ECANCELED at this step */
	uint32_t reserved;	/**< 0 */
	const char *object_dir;	/**< as in ebpfnet_datapath_opts */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_upgrade_opts__last_field diag

/**
 * Replaces every program by this library's, under load, and the flow tables when their size or layout changes; their
 * entries move over. Either all of it happens or everything is as before.
 * @return 0, or the error of the step that failed (everything has been rolled back; diag names the step)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_upgrade(struct ebpfnet_datapath *dp, const struct ebpfnet_upgrade_opts *opts);

/** Goes back to the program set before the last upgrade, kept for this until the next one. @return 0, -ENOENT (none is
 *  kept), -EPROTO (its table layout is gone), -EROFS, errors of bpf(2) @since 0.1 */
EBPFNET_API int ebpfnet_datapath_rollback(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

struct ebpfnet_datapath_status {
	char name[33];
	char version[31];	/**< of the library that loaded the programs */
	char program_tag[17];	/**< hash of the program set, hexadecimal */
	char loaded;		/**< 1: programs are loaded */
	char reserved[6];
	uint32_t generation;	/**< of the node tables */
	uint32_t adoptions;
	uint32_t endpoints;
	uint32_t devices;	/**< attached, endpoints included */
	uint32_t tcx_links;	/**< of these, by tcx link */
	uint32_t retired;	/**< extents waiting for a grace period */
	uint64_t table_bytes, table_used;
	uint64_t flows4, flows4_max;	/**< live entries, ways */
	uint64_t flows6, flows6_max;
	uint64_t memory;	/**< bytes of kernel memory the maps are charged for */
	uint64_t events_lost;
	uint64_t unrecorded;	/**< packets forwarded on their verdict without a flow entry */
};

/** Fills @p ret; @p size is sizeof(*ret) as the caller knows it. @return 0, -EINVAL, -EPROTO @since 0.1 */
EBPFNET_API int ebpfnet_datapath_status(struct ebpfnet_datapath *dp, struct ebpfnet_datapath_status *ret, size_t size);

struct ebpfnet_drop_stat {
	uint32_t reason;	/**< EBPFNET_REASON_*, event.h */
	uint32_t reserved;
	uint64_t packets;
	uint64_t bytes;
};

/** Drops by reason, only those that happened. @return number of reasons (may exceed @p n), -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_datapath_drops(struct ebpfnet_datapath *dp, struct ebpfnet_drop_stat *stats, size_t n);

/** A device's hooks, as ebpfnet_datapath_run() means them. Values are ABI. */
enum ebpfnet_hook {
	EBPFNET_HOOK_IN,	/**< what the device hands to the host: an endpoint sends, or the network */
	EBPFNET_HOOK_OUT,	/**< what the host hands to the device */
	EBPFNET_HOOK_XDP,	/**< the balancer (ebpfnet_xdp_attach()), before everything else */
};

#define EBPFNET_RUN_MAX 65535u	/**< bytes of a packet; kernels take less, see below */

struct ebpfnet_run_opts {
	size_t sz;
	const char *device;	/**< an endpoint's, or one that is attached */
	enum ebpfnet_hook hook;
	uint32_t reserved;	/**< 0 */
	const void *packet;	/**< from the Ethernet header on */
	size_t len;		/**< 14 .. EBPFNET_RUN_MAX */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_run_opts__last_field diag

struct ebpfnet_run_result {
	uint32_t action;	/**< TC_ACT_* or XDP_*, as the program returned it */
	uint32_t duration_ns;	/**< of the program, as the kernel measured it once */
	size_t len;		/**< of the packet behind the program; above the buffer's size: cut */
};

/**
 * Runs one packet through the programs of a device, as if it had come there. It is not sent anywhere: where the program says a
 * packet is to go on, nothing goes. Everything else is real: flows are made, counters counted and events reported. Two
 * exceptions reach the network: resets of a flow that is cut (ebpfnet_ct_config) are sent, and the routes that the balancer
 * asks for are the host's.
 *
 * The kernel gives the packet the type it would have at the device (for another host, when the destination's MAC address is not
 * the device's), no mark and no offloads.
 * @param buf	receives the packet as the program left it; may be NULL when @p size is 0
 * @param ret_size	sizeof(*ret)
 * @return 0, or
 *   -EINVAL	bad options; or the kernel refuses the packet: malformed headers, or longer than it runs (about 3,500 bytes,
 *		but for EBPFNET_HOOK_XDP)
 *   -ENODEV	no such device (diag)
 *   -ENOENT	the device is not attached, or has no balancer (diag)
 *   -EBUSY	programs are not loaded
 *   -EROFS	the datapath was opened read-only
 *   -EPERM	CAP_BPF or CAP_NET_ADMIN missing; for EBPFNET_HOOK_XDP CAP_SYS_ADMIN
 *   -ENOMEM, other errors of bpf(2)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_run(struct ebpfnet_datapath *dp, const struct ebpfnet_run_opts *opts, void *buf,
				     size_t size, struct ebpfnet_run_result *ret, size_t ret_size);

/**
 * Removes everything: programs off all devices, tables, pins, and the directory. Nothing that is not ours is touched. The
 * datapath is then as after ebpfnet_datapath_open().
 * @return 0, -EROFS, or the first error (the rest is removed all the same)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_datapath_cleanup(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

EBPFNET_END_DECLS
#endif
