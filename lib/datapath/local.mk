# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
lib_libebpfnet_internal_la_SOURCES += lib/datapath/internal.h lib/datapath/private.h lib/datapath/endpoint.h \
	lib/datapath/active.c lib/datapath/address.c lib/datapath/attach.c lib/datapath/conntrack.c \
	lib/datapath/conntrack-export.c lib/datapath/conntrack-limits.c lib/datapath/conntrack-watch.c \
	lib/datapath/conntrack.h lib/datapath/datapath.c lib/datapath/endpoint.c \
	lib/datapath/endpoint-info.c lib/datapath/maintain.c lib/datapath/nat.c lib/datapath/nat-ports.c lib/datapath/nat.h \
	lib/datapath/netlink.c lib/datapath/object.c \
	lib/datapath/percpu.c lib/datapath/pacing.c lib/datapath/pins.c lib/datapath/policy.c lib/datapath/qdisc.c lib/datapath/qdisc.h lib/datapath/rate.c lib/datapath/run.c lib/datapath/service.c lib/datapath/service-count.c lib/datapath/sets.c lib/datapath/share.c lib/datapath/sock.c lib/datapath/sock-end.c lib/datapath/tables.c lib/datapath/upgrade.c
lib_libebpfnet_internal_la_SOURCES += lib/datapath/device.c lib/datapath/overlay.c lib/datapath/overlay-device.c lib/datapath/overlay-node.c \
	lib/datapath/overlay.h lib/datapath/links.c lib/datapath/links.h
lib_libebpfnet_internal_la_SOURCES += lib/datapath/egress.c lib/datapath/egress-piece.c lib/datapath/egress.h lib/datapath/source.c
lib_libebpfnet_internal_la_SOURCES += lib/datapath/host.c lib/datapath/host.h lib/datapath/host-address.c
lib_libebpfnet_internal_la_SOURCES += lib/datapath/tag.c lib/datapath/xdp.c lib/datapath/xdp-stats.c lib/datapath/xdp.h
