/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file xdp.h
 * The balancer on node devices, before the stack sees a packet (XDP). It serves the external IPs and load balancer addresses of
 * services whose forwarding is EBPFNET_FORWARDING_DSR_IPIP: a packet goes to a backend as it is, in a packet of its own, and the
 * backend, which has the service's address too, answers the client itself. Everything else is passed on untouched.
 *
 * A device keeps its balancer when the process ends; another process finds it, and an upgrade replaces its program in place.
 * Functions here are for the datapath's thread, as those of datapath.h.
 */
#ifndef EBPFNET_XDP_H
#define EBPFNET_XDP_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/service.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

/** Where the program runs. */
enum ebpfnet_xdp_mode {
	EBPFNET_XDP_AUTO,	/**< in the driver, or where it cannot, in the stack */
	EBPFNET_XDP_NATIVE,	/**< in the driver */
	EBPFNET_XDP_GENERIC,	/**< in the stack: any device, at the cost of an skb */
};

#define EBPFNET_XDP_CONNECTIONS_MAX 8388608u

struct ebpfnet_xdp_opts {
	size_t sz;		/**< EBPFNET_OPTS_INIT() */
	enum ebpfnet_xdp_mode mode;
	uint32_t connections;	/**< places for flows that are remembered, 16 bytes each, a power of two from 8 on; shared by all
				     devices. 0: those there are, at first 1,048,576 */
	struct ebpfnet_addr source4;	/**< source of the packets outside; the last 16 bits are the flow's, so that
					     receivers spread them. None: as it is, at first 172.16.0.0 */
	struct ebpfnet_addr source6;	/**< the last 32 bits are the flow's. None: as it is, at first 100:: */
};
#define ebpfnet_xdp_opts__last_field source6

/**
 * Puts the balancer on a device. The first device makes the tables. Doing it twice does nothing but set the sources.
 * @param device	name
 * @param opts		NULL: as all zero
 * @return 0, or
 *   -EINVAL	bad options (diag)
 *   -ENODEV	no such device
 *   -EEXIST	it is there in another mode, or another number of connections is: detach every device first (diag)
 *   -EBUSY	programs are not loaded, or somebody else's XDP program is on the device (diag)
 *   -EOPNOTSUPP	EBPFNET_XDP_NATIVE, and the driver cannot
 *   -EPERM, -EROFS, -ENOMEM, other errors of the kernel (diag)
 * On failure the device is as it was.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_xdp_attach(struct ebpfnet_datapath *dp, const char *device, const struct ebpfnet_xdp_opts *opts,
				   struct ebpfnet_diag *diag);

/** Takes it off; flows that are remembered stay so for the other devices. @return 0, -EINVAL, -ENODEV, -ENOENT (it is not there),
 *  -EBUSY, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_xdp_detach(struct ebpfnet_datapath *dp, const char *device);

struct ebpfnet_xdp_info {
	char device[16];
	uint32_t ifindex;
	enum ebpfnet_xdp_mode mode;	/**< never EBPFNET_XDP_AUTO */
	uint32_t program_id;
};

/** Called with each device; @p info is borrowed. <0 aborts, 1 stops, 0 goes on. */
typedef int (*ebpfnet_xdp_fn)(const struct ebpfnet_xdp_info *info, void *userdata);

/** Every device that has it. Works read-only. @return 0, 1, what @p fn returned below 0, -EINVAL, -EBUSY, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_xdp_foreach(struct ebpfnet_datapath *dp, ebpfnet_xdp_fn fn, void *userdata);

/** What it did, since the first device was attached. What it dropped is counted by reason, with everybody's drops. */
struct ebpfnet_xdp_stats {
	uint64_t connections_max;	/**< places */
	uint64_t connections;		/**< of them taken; what has ended stays until its place is wanted */
	uint64_t unrecorded;		/**< flows that found no place: their Maglev table remembers them */
	uint64_t checked;		/**< packets of known flows that were looked at again because a service changed */
	uint64_t echoes;		/**< echo requests answered */
	uint64_t errors;		/**< ICMP errors sent to the backend they are about */
	uint64_t too_big;		/**< packets answered with the path's MTU */
	uint64_t stack;			/**< handed to the stack in their packets: it finds the neighbour, or cuts them */
	uint64_t local;			/**< left alone, as their backend is on this node */
	struct ebpfnet_addr source4, source6;
};

/** All of them. @return 0, -EINVAL, -EBUSY, -ENOENT (it was never attached) @since 0.1 */
EBPFNET_API int ebpfnet_xdp_stats(struct ebpfnet_datapath *dp, struct ebpfnet_xdp_stats *ret, size_t size);

struct ebpfnet_xdp_service_stats {
	uint64_t packets;	/**< sent to backends */
	uint64_t bytes;		/**< from the network header on */
	uint64_t flows;		/**< given a backend */
	uint64_t drops;		/**< no backend, or not allowed */
};

/** Of a service; numbers from 16,384 on are counted together. @return 0, -EINVAL, -EBUSY, -ENOENT, -EAGAIN, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_xdp_service_stats(struct ebpfnet_datapath *dp, const char *service,
					  struct ebpfnet_xdp_service_stats *ret, size_t size);

struct ebpfnet_xdp_backend_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t connections;	/**< remembered to be there */
};

/** Of a backend, over all services. @return 0, -EINVAL, -EBUSY, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_xdp_backend_stats(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend,
					  struct ebpfnet_xdp_backend_stats *ret, size_t size);

EBPFNET_END_DECLS
#endif
