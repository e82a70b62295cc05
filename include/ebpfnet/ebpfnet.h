/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file ebpfnet.h
 * All of libebpfnet.
 */
#ifndef EBPFNET_EBPFNET_H
#define EBPFNET_EBPFNET_H

#include <ebpfnet/common.h>
#include <ebpfnet/version.h>
#include <ebpfnet/types.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/features.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/kvstore.h>
#include <ebpfnet/identity.h>
#include <ebpfnet/policy.h>
#include <ebpfnet/service.h>
#include <ebpfnet/health.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/device.h>
#include <ebpfnet/egress.h>
#include <ebpfnet/endpoint.h>
#include <ebpfnet/address.h>
#include <ebpfnet/conntrack.h>
#include <ebpfnet/event.h>
#include <ebpfnet/flow.h>
#include <ebpfnet/host.h>
#include <ebpfnet/ipam.h>
#include <ebpfnet/nat.h>
#include <ebpfnet/node.h>
#include <ebpfnet/xdp.h>

#endif
