/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file service.h
 * Service load balancing: an address that stands for many. A service has frontends, which clients name, and backends, which
 * answer. It is translated where a local client connects or sends (cgroup hooks), so that its packets carry the backend's
 * address from the first one on and pay nothing.
 *
 * Packets that endpoints send to a frontend are translated one by one, and their answers, where no socket did it; so are those
 * of clients outside on node devices, for backends on this node (external_policy). Policy is about the backend.
 *
 * Sockets are served in cgroups given to ebpfnet_service_attach(). A socket asks when it connects (TCP, connected UDP) or
 * sends (UDP); getpeername(2) and recvmsg(2) show the frontend's address.
 *
 * Functions here are for the datapath's thread, as those of datapath.h, unless they say otherwise.
 */
#ifndef EBPFNET_SERVICE_H
#define EBPFNET_SERVICE_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_diag;

/** Limits; beyond them -E2BIG or, over all services, -ENOSPC. */
#define EBPFNET_SERVICE_NAME_MAX 253	 /**< characters of a service's, node's or zone's name */
#define EBPFNET_SERVICE_FRONTENDS_MAX 4096 /**< of one service */
#define EBPFNET_SERVICE_BACKENDS_MAX 32768 /**< of one service */
#define EBPFNET_SERVICE_DIRECT_BACKENDS 1024 /**< of one with EBPFNET_FORWARDING_DSR_OPTION or _HYBRID */
#define EBPFNET_SERVICE_SOURCES_MAX 1024 /**< source ranges of one service */
#define EBPFNET_SERVICES_MAX 65535

/** What an address of a frontend is. It decides which traffic policy holds for it. */
enum ebpfnet_frontend_kind {
	EBPFNET_FRONTEND_CLUSTER_IP,	/**< internal policy; source ranges do not apply */
	EBPFNET_FRONTEND_NODE_PORT,	/**< a port at every address of this node */
	EBPFNET_FRONTEND_EXTERNAL_IP,
	EBPFNET_FRONTEND_LOAD_BALANCER,
	EBPFNET_FRONTEND_HOST_PORT,	/**< a port of this node, for backends on this node alone */
};

/**
 * A frontend. Of those that match a destination the one with the longest prefix wins, then one port before a range before
 * every port before every protocol.
 */
struct ebpfnet_frontend {
	struct ebpfnet_addr addr;	/**< none: every address of this node (node and host ports only) */
	uint16_t port;			/**< host order; 0 with port_last 0: every port */
	uint16_t port_last;		/**< inclusive; 0: port alone */
	uint8_t prefix;			/**< length of a prefix of VIPs, in the address's family; 0: the address alone */
	/** IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP; 0: each of them, with every port only. Of SCTP packets are served, for the kernel
	 *  asks no program about its sockets; not on devices of ebpfnet_xdp_attach(): -ENOTSUP with EBPFNET_FORWARDING_DSR_IPIP */
	uint8_t protocol;
	uint8_t kind;			/**< enum ebpfnet_frontend_kind */
	uint8_t reserved;		/**< 0 */
};

/** What a backend may be given. */
enum ebpfnet_backend_state {
	EBPFNET_BACKEND_ACTIVE,
	EBPFNET_BACKEND_DRAINING,	/**< keeps its flows, takes no new ones: about to leave */
	EBPFNET_BACKEND_QUARANTINED,	/**< the same: does not answer its health checks */
	EBPFNET_BACKEND_MAINTENANCE,	/**< the same: somebody works on it */
};

struct ebpfnet_backend {
	struct ebpfnet_addr addr;	/**< serves frontends of its own family */
	uint16_t port;			/**< host order; 0: the port that the client asked for */
	uint16_t weight;		/**< share of new flows; 0: 1 */
	uint8_t protocol;		/**< as the frontends it serves; 0: every protocol */
	uint8_t state;			/**< enum ebpfnet_backend_state */
	uint8_t reserved[2];		/**< 0 */
	const char *zone;		/**< where it is, or NULL */
	const char *node;		/**< name of the node it is on, or NULL */
};

/** Clients that may, or may not. The longest prefix that matches decides; an address that none matches may not, if any
 *  range allows, and may otherwise. */
struct ebpfnet_source_range {
	struct ebpfnet_addr addr;
	uint8_t prefix;			/**< in the address's family */
	uint8_t deny;			/**< 1: may not */
	uint8_t reserved[6];		/**< 0 */
};

enum ebpfnet_algorithm {
	EBPFNET_ALGORITHM_MAGLEV,	/**< by hash of the flow, the same on every node */
	EBPFNET_ALGORITHM_RANDOM,
	EBPFNET_ALGORITHM_FIRST,	/**< the first one in order that is active takes everything */
	EBPFNET_ALGORITHM_LEAST_CONNECTIONS, /**< of two that are drawn by weight, the one with fewer connections for its weight;
						   with EBPFNET_FORWARDING_NAT alone: else -ENOTSUP */
};

enum ebpfnet_traffic_policy {
	EBPFNET_TRAFFIC_CLUSTER,	/**< every backend */
	EBPFNET_TRAFFIC_LOCAL,		/**< those on this node */
};

enum ebpfnet_forwarding {
	EBPFNET_FORWARDING_NAT,		/**< the backend's address takes the frontend's place */
	EBPFNET_FORWARDING_DSR_IPIP,	/**< on devices of ebpfnet_xdp_attach(): packets to external IPs and load balancers
					     go to a backend of either family as they are, in a packet of their own, and it
					     answers the client itself. Everywhere else as NAT. A backend's port is 0 or the
					     frontend's */
	/**
	 * TCP and UDP of clients outside to external IPs and load balancers, by external policy CLUSTER: a backend that is an
	 * endpoint of a node reached by routes (EBPFNET_NODE_NATIVE) sees the client, and its node, which has to have the service,
	 * too, is told the frontend in an IP option, so that it answers the client itself. Everywhere else, and for datagrams in
	 * fragments, as NAT. At most EBPFNET_SERVICE_DIRECT_BACKENDS
	 */
	EBPFNET_FORWARDING_DSR_OPTION,
	EBPFNET_FORWARDING_HYBRID,	/**< TCP as DSR_OPTION, everything else as NAT */
};

enum ebpfnet_no_backend {
	EBPFNET_NO_BACKEND_REJECT,	/**< sockets get ECONNREFUSED; endpoints' packets are dropped and answered: TCP with an
					     RST, UDP with "port unreachable", SCTP's INIT with an ABORT */
	EBPFNET_NO_BACKEND_DROP,	/**< sockets get EHOSTUNREACH; packets are dropped in silence */
};

/** A service, all of it. Everything is copied. */
struct ebpfnet_service_opts {
	size_t sz;			/**< EBPFNET_OPTS_INIT() */
	const char *name;		/**< unique; 1 to 253 printable ASCII characters, no space */
	const struct ebpfnet_frontend *frontends;
	size_t n_frontends;		/**< at least one */
	const struct ebpfnet_backend *backends;
	size_t n_backends;
	const struct ebpfnet_source_range *sources; /**< for frontends that are not cluster IPs */
	size_t n_sources;		/**< 0: everybody may */
	enum ebpfnet_algorithm algorithm;
	enum ebpfnet_traffic_policy internal_policy;
	/**
	 * Of frontends that are not cluster IPs, for clients outside; local ones are not bound by it. LOCAL: they are served on
	 * node devices (EBPFNET_ROLE_NETDEV), their packets given to this node's endpoints with the client's own address, and
	 * answered in the frontend's name; without a backend on this node they are dropped in silence, without one on any node
	 * refused as no_backend says. CLUSTER: by every backend, those elsewhere see an address of this node
	 * (ebpfnet_service_source_set(), without which they are not served). Host ports are LOCAL in any case.
	 */
	enum ebpfnet_traffic_policy external_policy;
	enum ebpfnet_forwarding forwarding;
	enum ebpfnet_no_backend no_backend;
	uint32_t affinity_seconds;	/**< a client stays with its backend until it was silent this long; 0: it need not */
	/**
	 * TCP port of the node at which balancers outside ask whether they may send clients here: with external_policy LOCAL, and
	 * nobody else's; 0: none. The library keeps it, and says what to answer: ebpfnet_service_local(). To listen there is
	 * the caller's.
	 */
	uint16_t health_port;
	uint8_t prefer_zone;		/**< 1: backends of this node's zone alone, while one of them is active */
	uint8_t reserved[5];		/**< 0 */
};
#define ebpfnet_service_opts__last_field reserved

/** What a change did. */
struct ebpfnet_service_changes {
	uint32_t added;
	uint32_t changed;
	uint32_t removed;
	uint32_t unchanged;
};

/**
 * Adds a service, or makes one of this name what @p opts say. A living flow keeps its backend while that is in the service.
 * Each frontend changes with one store.
 * @param diag	messages; may be NULL
 * @return 0, or
 *   -EINVAL	a value out of range, a backend twice, a frontend no backend could ever serve (diag)
 *   -EEXIST	another service has a frontend that overlaps, or the health port (diag names both)
 *   -ENOTSUP	an option that no program of this version honours (diag)
 *   -E2BIG	over a limit of one service
 *   -ENOSPC	tables, numbers or prefix lengths used up
 *   -EBUSY	tables are not prepared
 *   -EROFS, -ENOMEM
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_upsert(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *opts,
				       struct ebpfnet_diag *diag);

/** Removes a service. @return 0, -EINVAL, -ENOENT, -EBUSY, -EROFS, -ENOMEM; on failure it is as before @since 0.1 */
EBPFNET_API int ebpfnet_service_delete(struct ebpfnet_datapath *dp, const char *name);

/**
 * Makes these the services: what is not among them goes, what is equal is not touched. All of it is checked, and all memory
 * is there, before anything changes.
 * @param services	n pointers; NULL when n is 0
 * @param ret		filled on success; may be NULL
 * @return as ebpfnet_service_upsert(); -EEXIST also for two of one name. On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_sync(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *const *services,
				     size_t n, struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag);

/** Would ebpfnet_service_sync() take these? Answers as it does, and changes nothing. @return as there @since 0.1 */
EBPFNET_API int ebpfnet_service_try(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *const *services,
				    size_t n, struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag);

/**
 * Is this a service? Checks the values of one by itself, without a datapath; from any thread. What overlaps or is there twice is
 * found by ebpfnet_service_try().
 * @return 0, -EINVAL, -ENOTSUP, -E2BIG, -ENOMEM as ebpfnet_service_upsert()
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_check(const struct ebpfnet_service_opts *opts, struct ebpfnet_diag *diag);

/**
 * Sets the state of a backend, in every service that has it or in one.
 * @param service	name, NULL: every service
 * @param backend	address, port and protocol count, the rest is ignored
 * @return number of services that changed, -EINVAL, -ENOENT (nobody has it), -ENOSPC, -EBUSY, -EROFS, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_set_backend_state(struct ebpfnet_datapath *dp, const char *service,
						  const struct ebpfnet_backend *backend,
						  enum ebpfnet_backend_state state);

/** What services need to know of this node. */
struct ebpfnet_service_node_opts {
	size_t sz;
	const char *node;		/**< name, as in struct ebpfnet_backend; NULL: none, nothing is local */
	const char *zone;		/**< NULL: none */
	const struct ebpfnet_addr *addrs; /**< where node and host ports answer, beside the loopback addresses */
	size_t n_addrs;			/**< up to 256 */
};
#define ebpfnet_service_node_opts__last_field n_addrs

/** Says who this node is; all of it. Services follow. @return as ebpfnet_service_upsert() @since 0.1 */
EBPFNET_API int ebpfnet_service_set_node(struct ebpfnet_datapath *dp, const struct ebpfnet_service_node_opts *opts,
					 struct ebpfnet_diag *diag);

/** A question: where would this flow go? */
struct ebpfnet_service_query {
	struct ebpfnet_addr src;	/**< none: not known yet, as of a socket that is not bound */
	struct ebpfnet_addr dst;
	uint16_t sport, dport;		/**< host order */
	uint8_t protocol;
	uint8_t outside;		/**< 1: the client is not on this node */
	uint8_t reserved[2];		/**< 0 */
};

enum ebpfnet_service_verdict {
	EBPFNET_SERVICE_NONE,		/**< not a service: goes where it says */
	EBPFNET_SERVICE_BACKEND,
	EBPFNET_SERVICE_NO_BACKEND,
	EBPFNET_SERVICE_SOURCE,		/**< the source ranges say no */
};

struct ebpfnet_service_answer {
	enum ebpfnet_service_verdict verdict;
	uint32_t slot, slots;		/**< of the table */
	uint32_t members;		/**< backends whose flows may stay */
	struct ebpfnet_addr backend;
	uint16_t port;
	uint16_t reserved;
	char service[256];
	char why[160];			/**< one sentence */
};

/**
 * Which backend would this tuple get, and why? Reads the tables as the programs do. Where programs choose at random (sockets
 * always do, unless there is an affinity) the answer is the one of the tuple's hash, and why says so.
 * @return 0, -EINVAL, -EBUSY, -EAGAIN (the tables kept changing)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_select(struct ebpfnet_datapath *dp, const struct ebpfnet_service_query *query,
				       struct ebpfnet_service_answer *ret, size_t size);

/**
 * Counters of a service since it was added. Sockets' packets are not seen. Of two the first is to backends, the second from them.
 * Packets of services and backends with high numbers (from 8,192 and 16,384 on, fewer on machines with more than eight CPUs) are
 * not told: 0.
 */
struct ebpfnet_service_stats {
	uint64_t connections;		/**< sockets given a backend, datagrams without a connection included */
	uint64_t no_backend;		/**< sockets, and packets of endpoints, that found none */
	uint64_t denied;		/**< by source ranges, likewise */
	uint64_t flows;			/**< of endpoints' packets, given a backend and let through */
	uint64_t packets[2];		/**< of such flows */
	uint64_t bytes[2];		/**< from the network header on */
};

/**
 * Called with each service; @p service and what it points to are borrowed for the call.
 * <0 aborts, 1 stops, 0 goes on.
 */
typedef int (*ebpfnet_service_fn)(const struct ebpfnet_service_opts *service, const struct ebpfnet_service_stats *stats,
				  void *userdata);

/** Every service, in order of number. Works read-only. @return 0, 1, what @p fn returned below 0, -EINVAL, -EBUSY, -EAGAIN,
 *  -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_service_foreach(struct ebpfnet_datapath *dp, ebpfnet_service_fn fn, void *userdata);

/**
 * How many backends on this node take new flows of clients outside: active ones, on the node of ebpfnet_service_set_node(), that
 * serve a frontend which is not a cluster IP. Works read-only, and is quickest on a datapath that is not.
 * @return 0 and the number, -EINVAL, -ENOENT, -EBUSY, -EAGAIN, -EPROTO, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_local(struct ebpfnet_datapath *dp, const char *name, uint32_t *ret);

/** Counters of a backend since it was added, over all services that have it; as in struct ebpfnet_service_stats. */
struct ebpfnet_backend_stats {
	uint64_t connections;
	uint64_t flows;
	uint64_t packets[2];
	uint64_t bytes[2];
	/** Now: flows that have not ended, and sockets until they are closed. A flow that falls silent is counted until it expires.
	 *  Of backends with numbers from 65,536 on not told: 0. Since 0.1 */
	uint64_t active;
};

/** Fills @p ret; @p size is sizeof(*ret) as the caller knows it. @return 0, -EINVAL, -ENOENT, -EBUSY, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_service_backend_stats(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend,
					      struct ebpfnet_backend_stats *ret, size_t size);

/**
 * How many flows of endpoints' packets there are now: of a service, to a backend. Reads the flow tables once, about 10 ms for
 * half a million places; nothing waits for it.
 * @param service	NULL: any
 * @param backend	NULL: any; address, port and protocol count
 * @return 0 and the number, -EINVAL, -ENOENT (no such service or backend), -EBUSY, -EAGAIN, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_active(struct ebpfnet_datapath *dp, const char *service,
				       const struct ebpfnet_backend *backend, uint64_t *ret);

/**
 * Serves the sockets of a cgroup (version 2) and of those below it. Stays, with its state, when the process ends; replaced
 * with the programs by an upgrade. Doing it twice does nothing.
 * @param path	of the cgroup's directory
 * @return 0, or
 *   -EINVAL	not a cgroup of version 2
 *   -ENOENT, -EACCES, -EPERM
 *   -EBUSY	programs are not loaded
 *   -ENOSPC	more than 64 cgroups
 *   -EROFS, -ENOMEM
 * On failure nothing is attached that was not.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_attach(struct ebpfnet_datapath *dp, const char *path, struct ebpfnet_diag *diag);

/**
 * Ends the sockets of the calling thread's network namespace that were connected to a backend through a service: for one that was
 * removed, whose clients would wait. They see ECONNABORTED; TCP's other end is reset. Those that named the backend itself stay, and
 * so do datagram sockets without a connection, which get another backend with their next datagram.
 * @param backend	address and port count, and the protocol: 0 is TCP and UDP
 * @return how many, -EINVAL, -EROFS, -EBUSY (tables are not prepared), -EOPNOTSUPP (a kernel without INET_DIAG_DESTROY), -EPERM,
 *   -ENOMEM, errors of netlink; some may have ended
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_end_sockets(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend);

#define EBPFNET_SERVICE_SOURCES 9u	/**< devices: EBPFNET_ROLE_NETDEV, and the overlay's */

/** What clients outside become to backends that are not on this node. */
struct ebpfnet_service_source_opts {
	size_t sz;
	/**
	 * To backends that a device of EBPFNET_ROLE_NETDEV leads to; none: the first address of global scope that the device has
	 * now. By the overlay it is always the overlay's own.
	 */
	struct ebpfnet_addr addr4, addr6;
	uint16_t port_min, port_max;	/**< as in struct ebpfnet_nat_opts */
	uint32_t reserved;		/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_service_source_opts__last_field diag

/**
 * From here on services with external_policy CLUSTER are served to clients outside on node devices (EBPFNET_ROLE_NETDEV): their
 * packets go to any backend, and one that is no endpoint here is called from an address of this node, so that it answers this node.
 * Policy there sees the node. Ports come out of the same reservations as masquerade's (nat.h). Devices and addresses are those of
 * now: call it again when they change. Kept in the tables.
 * @param opts	NULL: all defaults
 * @return 0, or
 *   -EINVAL	a bad range or address (diag)
 *   -EEXIST	an address is an endpoint's (diag)
 *   -EADDRINUSE	no range was given, and the host's own connections leave from every port (diag)
 *   -EADDRNOTAVAIL	no device is attached, or none has an address (diag)
 *   -ENOSPC	more than EBPFNET_SERVICE_SOURCES devices (diag), or the tables are full
 *   -EBUSY (tables not prepared), -EROFS, -ENOMEM, -EAGAIN, -EPROTO, errors of netlink
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_service_source_set(struct ebpfnet_datapath *dp, const struct ebpfnet_service_source_opts *opts);

/** Such clients are the host's again, their flows end. @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOSPC, -ENOMEM, -EAGAIN, -EPROTO
 *  @since 0.1 */
EBPFNET_API int ebpfnet_service_source_clear(struct ebpfnet_datapath *dp);

struct ebpfnet_service_source_device {
	char device[16];	/**< as it is called now; "" when gone */
	struct ebpfnet_addr addr4, addr6;	/**< none of a family: its packets do not leave there */
};
struct ebpfnet_service_source {
	uint32_t n_devices;
	uint16_t port_min, port_max;
	struct ebpfnet_service_source_device devices[EBPFNET_SERVICE_SOURCES];
};
/** What is in force. @param size	sizeof(*ret) @return 0, -EINVAL, -ENOENT (none was set), -EBUSY, -EAGAIN, -EPROTO @since 0.1 */
EBPFNET_API int ebpfnet_service_source_get(struct ebpfnet_datapath *dp, struct ebpfnet_service_source *ret,
					   size_t size);

/** Leaves a cgroup alone again; sockets that were translated stay so. @return 0, -EINVAL, -ENOENT, -EBUSY, -EROFS
 *  @since 0.1 */
EBPFNET_API int ebpfnet_service_detach(struct ebpfnet_datapath *dp, const char *path);

EBPFNET_END_DECLS
#endif
