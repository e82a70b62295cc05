/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of lib/datapath/ share.
 *
 * A pin directory holds
 *   setN/		one complete set: all maps, the programs and ebn_meta, which says what the set is
 *   current		symbolic link to the set in force
 *   previous		the one before the last upgrade, for a rollback
 *   next		the one an upgrade is moving to; there only while it runs
 *   links/		tcx links, IFINDEX-in and IFINDEX-out
 *   sock/, xdp/	sock.c, xdp.c
 *   stage/		a set being built; never believed
 * A set is built in stage/, renamed to its number, and then becomes current by renaming a symbolic link over the old one. So a
 * process killed at any moment leaves the old set or the new one, and perhaps rubbish that no link names; the next writer
 * removes it.
 */
#ifndef EBN_DATAPATH_PRIVATE_H
#define EBN_DATAPATH_PRIVATE_H

#include <limits.h>
#include <bpf/libbpf.h>
#include "datapath/internal.h"
#include "policy/policy.h"
#include <ebpfnet/endpoint.h>

#define EBN_META_MAGIC 0x617465642d6e6265ULL
#define EBN_META_MAP "ebn_meta"

/* The value of ebn_meta, frozen once it is written. */
struct ebn_set_meta {
	uint64_t magic;
	uint32_t size;
	uint16_t abi_major, abi_minor;
	uint32_t node_abi;
	uint32_t flow_abi;
	uint32_t event_abi;
	uint32_t loaded;	/* 0: tables only */
	uint64_t instance;	/* as in the node tables' header */
	uint64_t loaded_ns;	/* CLOCK_REALTIME */
	char version[32];
	char tag[24];
	uint32_t tick_shift;
	uint32_t tables_gone;	/* kept for its name only: its flow tables were replaced */
	struct ebn_flow_layout layout;
};
EBN_ASSERT(sizeof(struct ebn_set_meta) == 144, "ebn_meta");

struct ebn_set {
	uint32_t number;	/* 0: none */
	struct ebn_set_meta meta;
	int prog_fd[EBN_PROGS];	/* -1: not there */
	uint32_t prog_id[EBN_PROGS];
};

/*
 * What is attached where, in the node tables (piece EBN_P_USER1, user space only): the writer's memory of it, good across a
 * restart. Row n belongs to endpoint row n; the EBN_DEV_EXTRA rows behind them are for other devices. Written after the
 * kernel did it, so a row may lag behind but never promises what is not there; restore compares it with the kernel.
 */
struct ebn_dev_row {
	uint32_t ifindex;	/* 0: free */
	uint8_t kind;		/* enum ebn_dev_kind */
	uint8_t clsact_made;	/* the qdisc is ours to remove */
	uint8_t state[EBN_HOOKS]; /* enum ebn_dev_state */
	uint16_t prio[EBN_HOOKS]; /* of our filters */
	uint16_t stay;		/* the kernel refused the links: it stays with filters */
	uint8_t netkit;		/* the host's side of a netkit pair, opened when attached */
	uint8_t shut;		/* the ways that were shut before, EBN_NETKIT_*: they are again when detached */
	uint32_t link_id[EBN_HOOKS];
	uint32_t pacing;	/* enum ebpfnet_pacing, of a node's device */
	uint32_t reserved;
};
EBN_ASSERT(sizeof(struct ebn_dev_row) == 32, "a device row is 32 bytes");
#define EBN_DEV_EXTRA 256u
enum ebn_dev_kind {
	EBN_DEV_NONE,
	EBN_DEV_ENDPOINT,
	EBN_DEV_WATCH,
	EBN_DEV_NETDEV,
	EBN_DEV_OVERLAY,
	EBN_DEV_KINDS,
};
enum ebn_dev_state {
	EBN_DEV_OFF,
	EBN_DEV_FILTER,
	EBN_DEV_LINK,
};

struct ebn_nl {
	struct mnl_socket *sock;
	uint32_t seq;
	uint32_t portid;
};

/* A map that endpoints' packets to services are counted by (service-count.c). */
enum { EBN_COUNT_SVC, EBN_COUNT_BE, EBN_COUNT_MAPS };
struct ebn_count_map {
	int fd;			/* -1: nothing counts */
	uint32_t cells;
};

struct ebn_dp_private {
	char pin_dir[PATH_MAX];
	int dir_fd;		/* of pin_dir; holds the lock */
	struct ebn_set set;	/* current */
	struct ebn_set prev;	/* number 0: none is kept */
	/* sizes of tables made new */
	uint32_t want_flows[2];
	uint64_t want_table_bytes;
	uint32_t want_ring_bytes;
	uint32_t want_endpoints;
	char *object_dir;
	struct ebpfnet_identities *identities;	/* NULL: the policy numbers label sets itself */
	struct ebn_nl nl;
	struct ebn_grace *grace;
	uint32_t n_endpoints;	/* rows */
	uint32_t n_share;	/* lines of the map of shares: one more */
	uint32_t *owned;	/* places counted in this turn of the sweep, by family and line */
	uint32_t *owned_before;	/* the shares when it began, by line and family */
	uint32_t *served;	/* flows counted in this turn, and in the map when it began, by backend row */
	uint32_t n_served, room_served;	/* rows; 0: they are not counted */
	uint32_t dev_off;	/* device rows in the node tables */
	uint32_t dev_n;
	uint32_t dev_next;	/* where maintain looks on for filters to move */
	struct ebpfnet_endpoint **eps; /* by row */
	uint32_t live;		/* of them */
	uint64_t ids[65536 / 64]; /* endpoint ids in use */
	uint32_t last_id;
	/* maintain */
	uint64_t sweep_pos[2];
	bool sweep_done[2];
	uint64_t sweep_due_ns;	/* CLOCK_MONOTONIC */
	uint64_t sweep_every_ns;
	uint64_t sweep_killed, sweep_live;	/* of this turn */
	bool sweeping;
	bool reap;
	uint64_t tick_base;	/* tick - now / length of a tick, at the last calibration */
	uint64_t tick_checked_ns;
	struct ebn_sock_state *sock;	/* NULL: no socket program was ever loaded */
	struct ebn_xdp_state *xdp;
	struct ebn_count_map count[EBN_COUNT_MAPS];	/* of the writer; closed where dp is read-only */
	/* counters of masquerade when they were last looked at */
	uint64_t nat_walked, nat_exhausted;
	bool nat_warned;
};

/* ---- pins.c ---- */
int ebn_pins_open(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag);
int ebn_pin_path(struct ebpfnet_datapath *dp, char *buf, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Number of the set a symbolic link names, or -ENOENT, -EPROTO. */
int ebn_pins_number(struct ebpfnet_datapath *dp, const char *link, uint32_t *ret);
/* An empty stage/, removing what a killed writer left there. */
int ebn_pins_stage(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
int ebn_pins_stage_fd(struct ebpfnet_datapath *dp, const char *name, int fd, struct ebpfnet_diag *diag);
/* stage/ becomes set number and link names it. */
int ebn_pins_commit(struct ebpfnet_datapath *dp, uint32_t number, const char *link, struct ebpfnet_diag *diag);
/* Makes link name a set; number 0 removes it. */
int ebn_pins_point(struct ebpfnet_datapath *dp, const char *link, uint32_t number, struct ebpfnet_diag *diag);
/* Removes a file, or a directory and what is in it. */
int ebn_pins_remove(struct ebpfnet_datapath *dp, const char *name);
/* The directory of tcx links. */
int ebn_pins_links(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
/* Removes what no link names. */
void ebn_pins_tidy(struct ebpfnet_datapath *dp);
/* Removes everything of ours and the directory's contents. */
int ebn_pins_clear(struct ebpfnet_datapath *dp);
/* An unused set number. */
uint32_t ebn_pins_free_number(struct ebpfnet_datapath *dp);
enum ebn_fd_kind { EBN_FD_OTHER, EBN_FD_MAP, EBN_FD_PROG, EBN_FD_LINK };
enum ebn_fd_kind ebn_fd_kind(int fd);
/* Opens a pin of that kind; flags as BPF_OBJ_GET's. -EPROTO: it is something else. */
int ebn_pin_get(struct ebpfnet_datapath *dp, const char *path, enum ebn_fd_kind kind, uint32_t flags,
		struct ebpfnet_diag *diag);

/* ---- sets.c ---- */
void ebn_set_init(struct ebn_set *set);
void ebn_set_close(struct ebn_set *set);
/* Reads ebn_meta and the programs of a pinned set. */
int ebn_set_open(struct ebpfnet_datapath *dp, uint32_t number, struct ebn_set *ret, struct ebpfnet_diag *diag);
/* Builds stage/ with these maps and programs (fds may be -1: not pinned), and meta. */
int ebn_set_stage(struct ebpfnet_datapath *dp, const int *map_fd, const struct ebn_set *set, struct ebpfnet_diag *diag);

/* ---- tables.c ---- */
int ebn_tables_create(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
int ebn_tables_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
int ebn_tables_map(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
int ebn_tables_adopt(struct ebpfnet_datapath *dp, bool fresh, struct ebpfnet_diag *diag);
void ebn_tables_close(struct ebpfnet_datapath *dp);
int ebn_flow_map_create(const struct ebn_flow_layout *layout, int family, uint64_t flows, struct ebpfnet_diag *diag,
			int *ret);
int ebn_flow_map_open(struct ebpfnet_datapath *dp, const struct ebn_flow_layout *layout, int family, int fd,
		      struct ebn_flows *ret, struct ebpfnet_diag *diag);
/* Before the first programs: makes the flow tables be of this layout. */
int ebn_tables_lay_out(struct ebpfnet_datapath *dp, const struct ebn_flow_layout *layout, struct ebpfnet_diag *diag);
void ebn_flow_map_close(struct ebn_flows *t);
uint32_t ebn_tick_shift(void);

/* ---- object.c ---- */
struct ebn_object {
	void *mem;		/* when read from a file */
	const void *data;
	size_t size;
	char tag[17];
	struct bpf_object *obj;
	char *log;
	struct ebn_flow_layout layout;	/* of the tables it needs; ebn_object_open()'s */
};
/* Reads and checks an object; dir NULL: the built-in one. Closed by ebn_object_close() also after a failure. */
int ebn_object_open(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag, struct ebn_object *ret);
/* Loads it on these maps (old[] NULL: no table is being drained); fills set's programs and meta. */
int ebn_object_load(struct ebpfnet_datapath *dp, struct ebn_object *o, const int *map_fd, const int *old_fd,
		    struct ebn_set *set, struct ebpfnet_diag *diag);
/* Extra maps of the object (not in ebn_map_names[]) are pinned with the set they were loaded for. */
int ebn_object_stage_extra(struct ebpfnet_datapath *dp, struct ebn_object *o, struct ebpfnet_diag *diag);
/* The programs that those loaded with old[] hand packets back to: the map, and who they are. */
#define EBN_BEFORE_MAP "ebn_before"
int ebn_object_stage_before(struct ebpfnet_datapath *dp, struct ebn_object *o, struct ebpfnet_diag *diag);
int ebn_object_before(struct ebn_object *o, const struct ebn_set *set, struct ebpfnet_diag *diag);
void ebn_object_close(struct ebn_object *o);
/* For other objects than the datapath's. builtin: its bytes; a directory's file name.bpf.o goes before it. */
struct ebn_bytes {
	const void *data;
	size_t size;
};
int ebn_object_open_as(const char *name, const struct ebn_bytes *builtin, const char *dir, struct ebpfnet_diag *diag,
		       struct ebn_object *ret);
/* Is its layout ours? */
int ebn_object_belongs(const char *where, struct bpf_object *obj, struct ebpfnet_diag *diag);
/* A variable of .rodata, until the object is loaded; NULL: none of this name and size. */
/* libbpf's own messages go nowhere until ebn_unquiet(). */
libbpf_print_fn_t ebn_quiet(void);
void ebn_unquiet(libbpf_print_fn_t old);
void *ebn_object_var(struct bpf_object *obj, const char *name, size_t size);
/* What the programs are verified with of the node tables, and of this machine. */
int ebn_object_node(struct ebpfnet_datapath *dp, struct ebn_config *cfg, int node_fd);
int ebn_object_verify(struct ebn_object *o, const char *name, struct ebpfnet_diag *diag);

/* ---- netlink.c ---- */
/* NETLINK_ROUTE, NETLINK_SOCK_DIAG */
int ebn_nl_open(struct ebn_nl *nl, int protocol);
void ebn_nl_close(struct ebn_nl *nl);
struct nlmsghdr;
typedef int (*ebn_nl_fn)(const struct nlmsghdr *nlh, void *arg);
/* Begins a request in buf. */
struct nlmsghdr *ebn_nl_request(struct ebn_nl *nl, char *buf, uint16_t type, uint16_t flags);
/*
 * Sends one request and reads until its answer ends. cb (or NULL) sees each message that carries data; returning < 0 keeps
 * that error, but the answer is read to its end, so that the next request finds an empty socket. what: words of the diag.
 */
int ebn_nl_talk(struct ebn_nl *nl, struct nlmsghdr *req, ebn_nl_fn cb, void *arg, struct ebpfnet_diag *diag,
		const char *what);
struct ebn_link_info {
	uint32_t ifindex;
	uint32_t flags;		/* IFF_* */
	uint32_t mtu;
	uint32_t peer;		/* ifindex of the other end, 0: none */
	int32_t peer_netns;	/* id of the other end's network namespace, -1: this one */
	char name[16];
	uint8_t mac[6];
	bool has_mac;
	bool netkit;		/* a side of a netkit pair */
	bool netkit_primary;	/* the one that settings are made at */
	bool netkit_l3;
	uint8_t netkit_shut;	/* EBN_NETKIT_*: what passes nothing without a program of netkit's own */
};
/* Ways through a netkit pair. */
#define EBN_NETKIT_TO 0x1u	/* what the host sends */
#define EBN_NETKIT_FROM 0x2u	/* what the inside sends */
int ebn_nl_link(struct ebn_nl *nl, const char *name, uint32_t ifindex, struct ebn_link_info *ret);
/* By its primary side: these ways (EBN_NETKIT_*) shut, the others open. */
int ebn_nl_netkit_ways(struct ebn_nl *nl, uint32_t ifindex, uint8_t shut, struct ebpfnet_diag *diag);
/* MAC address of the other end of a pair, wherever it is. */
int ebn_nl_peer_mac(struct ebn_nl *nl, const struct ebn_link_info *link, uint8_t mac[6]);
/* The device's first address of global scope; family AF_INET or AF_INET6. -EADDRNOTAVAIL: it has none. */
int ebn_nl_addr(struct ebn_nl *nl, uint32_t ifindex, int family, struct ebpfnet_addr *ret);
int ebn_nl_link_delete(struct ebn_nl *nl, uint32_t ifindex);
/* The device needs no link-local address. */
void ebn_nl_no_address(struct ebn_nl *nl, uint32_t ifindex);
/* All its bits are its prefix. */
/* Every address of the network namespace; scope is RT_SCOPE_*. fn < 0 aborts and is returned. */
typedef int (*ebn_nl_addr_fn)(const struct ebpfnet_addr *addr, uint32_t ifindex, uint8_t scope, void *arg);
int ebn_nl_addrs(struct ebn_nl *nl, ebn_nl_addr_fn fn, void *arg);
int ebn_nl_addr_add(struct ebn_nl *nl, uint32_t ifindex, const struct ebpfnet_addr *addr, struct ebpfnet_diag *diag);
struct ebn_filter {
	uint32_t ifindex;
	enum ebn_hook hook;
	uint16_t prio;
	uint32_t handle;
	int prog_fd;		/* to set */
	const char *name;
	uint32_t prog_id;	/* as read */
};
/* 1 made, 0 there already */
int ebn_nl_clsact_add(struct ebn_nl *nl, uint32_t ifindex, struct ebpfnet_diag *diag);
int ebn_nl_clsact_del(struct ebn_nl *nl, uint32_t ifindex);
/* replace false: -EEXIST when the handle is taken */
int ebn_nl_filter_set(struct ebn_nl *nl, const struct ebn_filter *f, bool replace, struct ebpfnet_diag *diag);
int ebn_nl_filter_del(struct ebn_nl *nl, const struct ebn_filter *f);
typedef int (*ebn_filter_fn)(const struct ebn_filter *f, const char *kind, void *arg);
/* Every filter on a hook. No qdisc: none. */
int ebn_nl_filters(struct ebn_nl *nl, uint32_t ifindex, enum ebn_hook hook, ebn_filter_fn fn, void *arg);

/* ---- attach.c ---- */
struct ebn_dev_row *ebn_dev(struct ebpfnet_datapath *dp, uint32_t n);
/* A copy, from the mapping: read-only processes have no more. */
int ebn_dev_read(struct ebpfnet_datapath *dp, uint32_t n, struct ebn_dev_row *ret);
int ebn_dev_find(struct ebpfnet_datapath *dp, uint32_t ifindex, uint32_t *ret);
/* Attaches filters for row n; on failure nothing is left. */
int ebn_dev_attach(struct ebpfnet_datapath *dp, uint32_t n, const struct ebn_link_info *link, enum ebn_dev_kind kind,
		   struct ebpfnet_diag *diag);
int ebn_dev_detach(struct ebpfnet_datapath *dp, uint32_t n);
/* Takes a row for a device that is not attached yet. */
void ebn_dev_take(struct ebn_dev_row *d, const struct ebn_link_info *link, enum ebn_dev_kind kind);
/* A row for a device that is no endpoint's. -ENOMEM: all are taken. */
int ebn_dev_free_row(struct ebpfnet_datapath *dp, uint32_t *ret);
/* Compares a row with the kernel and attaches what is missing. 1: something was, 0. */
int ebn_dev_restore(struct ebpfnet_datapath *dp, uint32_t n, struct ebpfnet_diag *diag);
/* Moves one waiting filter to a link; 1: did, 0: none waits. */
int ebn_dev_move_one(struct ebpfnet_datapath *dp);
uint32_t ebn_dev_moves(struct ebpfnet_datapath *dp);
/* Makes every hook of row n run set's programs. */
int ebn_dev_swap(struct ebpfnet_datapath *dp, uint32_t n, const struct ebn_set *set, struct ebpfnet_diag *diag);
int ebn_prog_of(enum ebn_dev_kind kind, enum ebn_hook hook);
int ebn_devs_open(struct ebpfnet_datapath *dp, bool fresh, struct ebpfnet_diag *diag);
/* Detaches all of ours. The first error. */
int ebn_devs_clear(struct ebpfnet_datapath *dp);

/* ---- pacing.c ---- */
/* Looks at the device's queueing discipline, changes it when that was asked for, and tells the programs: 1: it paces, 0. */
int ebn_pacing_apply(struct ebpfnet_datapath *dp, uint32_t n, struct ebpfnet_diag *diag);
/* The device is to be detached; what we put on it goes. */
void ebn_pacing_forget(struct ebpfnet_datapath *dp, uint32_t n);
/* Behind a change of the devices. */
int ebn_pacing_overlay(struct ebpfnet_datapath *dp);

/* ---- endpoint.c ---- */
int ebn_eps_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
void ebn_eps_close(struct ebpfnet_datapath *dp);

/* ---- share.c ---- */
int ebn_share_open(struct ebpfnet_datapath *dp);
void ebn_share_close(struct ebpfnet_datapath *dp);
/* Around a turn of the sweep, which counts into p->owned. ebn_share_end(): how many owners are over their share. */
void ebn_share_begin(struct ebpfnet_datapath *dp);
uint32_t ebn_share_end(struct ebpfnet_datapath *dp);
/* Makes an endpoint's share this part of each flow table, 0: no limit. Also when the tables' sizes have changed. */
void ebn_share_quota(struct ebpfnet_datapath *dp, uint32_t percent);
/* Owners that are over their share of a table now. */
uint32_t ebn_share_over(const struct ebpfnet_datapath *dp, int family);

/* ---- active.c ---- */
/* Around a turn of the sweep. */
void ebn_active_begin(struct ebpfnet_datapath *dp);
void ebn_active_end(struct ebpfnet_datapath *dp);
/* As struct ebn_sweep's front; arg is dp. */
void ebn_active_seen(const struct ebn_flow_copy *c, int by, void *arg);
void ebn_active_close(struct ebpfnet_datapath *dp);
void ebn_active_reset(struct ebpfnet_datapath *dp, uint32_t row);
/* Flows and sockets. */
uint64_t ebn_active_read(const struct ebpfnet_datapath *dp, uint32_t row);

/* ---- maintain.c ---- */
/* Flows were deleted: the next turn of the sweep comes soon, so that their owners have room again. */
void ebn_dp_sweep_soon(struct ebpfnet_datapath *dp);
/* Waits for a grace period when something waits for one, and reuses it: 1, else 0. */
int ebn_dp_grace(struct ebpfnet_datapath *dp);
/* Before an update: when the tables are nearly full of what waits for a grace period, waits for it. */
void ebn_dp_room(struct ebpfnet_datapath *dp);

/* ---- sock.c ---- */
struct ebn_sock_state;
/* Maps of an earlier process, if there are any. */
int ebn_sock_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
void ebn_sock_close(struct ebpfnet_datapath *dp);
/* Leaves every cgroup, at once; the pins' removal would do it later. */
void ebn_sock_clear(struct ebpfnet_datapath *dp);
/* Makes every cgroup that is attached run the programs of dir (NULL: the built-in ones). */
int ebn_sock_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag);
struct ebpfnet_service_stats;
/* -ENOENT: nothing counts yet; ret is zeroed. */
int ebn_sock_service_stats(struct ebpfnet_datapath *dp, uint32_t number, struct ebpfnet_service_stats *ret);
uint64_t ebn_sock_backend_count(struct ebpfnet_datapath *dp, uint32_t row);

/* The map of sockets' storage, -1: none yet. */
int ebn_sock_storage(const struct ebpfnet_datapath *dp);
void ebn_sock_reset_service(struct ebpfnet_datapath *dp, uint32_t number);
void ebn_sock_reset_backend(struct ebpfnet_datapath *dp, uint32_t row);

/* ---- xdp.c, xdp-stats.c; as in sock.c ---- */
int ebn_xdp_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
void ebn_xdp_close(struct ebpfnet_datapath *dp);
void ebn_xdp_clear(struct ebpfnet_datapath *dp);
int ebn_xdp_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag);
void ebn_xdp_reset_service(struct ebpfnet_datapath *dp, uint32_t number);
void ebn_xdp_reset_backend(struct ebpfnet_datapath *dp, uint32_t row);

/* ---- percpu.c: cells of n words, summed over the CPUs ---- */
int ebn_percpu_sum(int map_fd, uint32_t cell, uint64_t *ret, size_t n);
void ebn_percpu_zero(int map_fd, uint32_t cell, size_t n);
/* As many cells of so many bytes as do not take more than 8 MiB on all CPUs, at least 1,024. */
uint32_t ebn_percpu_cells(uint32_t most, size_t bytes);

/* ---- service-count.c: what endpoints' packets are counted by ---- */
/* Cells of a map of the programs; 0: not one of these maps. */
uint32_t ebn_count_cells(const char *name);
void ebn_count_open(struct ebpfnet_datapath *dp);
void ebn_count_close(struct ebpfnet_datapath *dp);
void ebn_count_reset(struct ebpfnet_datapath *dp, int map, uint32_t cell);
/* To read a map by; the caller closes ret->fd. -ENOENT: nothing counts. */
int ebn_count_reader(struct ebpfnet_datapath *dp, int map, struct ebn_count_map *ret);
/* All zero where nobody counted, -ENOENT. */
int ebn_count_read(const struct ebn_count_map *m, int map, uint32_t cell, uint64_t *ret);
/* Flows there are; service 0, row UINT32_MAX: any. */
uint64_t ebn_count_active(struct ebpfnet_datapath *dp, uint32_t service, uint32_t row);

/* ---- service.c: the programs beside the set, both kinds ---- */
/* The number of a service: 0, -ENOENT, -EAGAIN, -ENOMEM. */
int ebn_service_number(struct ebpfnet_datapath *dp, const char *name, uint32_t *ret);
int ebn_counts_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
void ebn_counts_close(struct ebpfnet_datapath *dp);
int ebn_counts_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag);

/* ---- tag.c: which object the programs of links are of ---- */
int ebn_tag_write(struct ebpfnet_datapath *dp, const char *pin, const char *tag);
bool ebn_tag_is(struct ebpfnet_datapath *dp, const char *pin, const char *tag);

/* ---- upgrade.c ---- */
/* Brings an upgrade that was cut short to an end, back or forth. */
int ebn_upgrade_recover(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

#endif
