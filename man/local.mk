# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
EBN_MAN_PAGES += man/libebpfnet.7 \
	man/ebpfnet_conntrack.3 \
	man/ebpfnet_ctx.3 \
	man/ebpfnet_diag.3 \
	man/ebpfnet_egress.3 \
	man/ebpfnet_event.3 \
	man/ebpfnet_features.3 \
	man/ebpfnet_flow.3 \
	man/ebpfnet_host.3 \
	man/ebpfnet_identities.3 \
	man/ebpfnet_ipam.3 \
	man/ebpfnet_kvstore.3 \
	man/ebpfnet_labels.3 \
	man/ebpfnet_nat.3 \
	man/ebpfnet_node.3 \
	man/ebpfnet_policy.3 \
	man/ebpfnet-flows.5 \
	man/ebpfnet-policy-file.5 \
	man/ebpfnet_types.3
EBN_MAN_PAGES += man/ebpfnet_health.3 man/ebpfnet_service.3 man/ebpfnet_xdp.3
EBN_MAN_PAGES += man/ebpfnet_datapath.3 man/ebpfnet_endpoint.3 man/ebpfnet_address.3
EBN_MAN_PAGES += man/ebpfnet_device.3
