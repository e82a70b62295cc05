# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
EBN_BPF_OBJECTS += bpf/ebn_datapath.bpf.o bpf/ebn_sock.bpf.o bpf/ebn_socks.bpf.o bpf/ebn_xdp.bpf.o
EBN_BPF_INCLUDES += \
	bpf/include/ebn_config.h \
	bpf/include/ebn_egress.h \
	bpf/include/ebn_event.h \
	bpf/include/ebn_flow.h \
	bpf/include/ebn_flow_layout.h \
	bpf/include/ebn_node.h \
	bpf/include/ebn_overlay.h \
	bpf/include/ebn_reason.h \
	bpf/include/ebn_service.h \
	bpf/include/ebn_sock.h \
	bpf/include/ebn_types.h \
	bpf/include/ebn_vmlinux.h \
	bpf/include/ebn_xdp.h
EBN_BPF_INCLUDES += bpf/lib/config.h bpf/lib/count.h bpf/lib/flow.h bpf/lib/flow_give_up.h bpf/lib/flow_old.h bpf/lib/maps.h bpf/lib/maps_node.h bpf/lib/node.h
EBN_BPF_INCLUDES += bpf/lib/active.h bpf/lib/service.h bpf/lib/service_flow.h bpf/lib/service_carry.h bpf/lib/service_count.h bpf/lib/service_deliver.h bpf/lib/service_direct.h bpf/lib/service_known.h bpf/lib/service_none.h bpf/lib/service_tc.h bpf/lib/to_netdev.h bpf/lib/xdp.h bpf/lib/xdp_choose.h bpf/lib/xdp_conn.h bpf/lib/xdp_icmp.h bpf/lib/xdp_parse.h bpf/lib/xdp_send.h
EBN_BPF_INCLUDES += bpf/lib/carry.h bpf/lib/conntrack.h bpf/lib/cut.h bpf/lib/deliver.h bpf/lib/egress.h bpf/lib/endpoint.h bpf/lib/leave.h bpf/lib/event.h bpf/lib/frag.h bpf/lib/gateway.h bpf/lib/judge.h \
	bpf/lib/hdr.h bpf/lib/host.h bpf/lib/stage.h bpf/lib/icmp.h bpf/lib/icmp_error.h bpf/lib/nat.h bpf/lib/nat_known.h bpf/lib/neigh.h bpf/lib/overlay.h bpf/lib/tunnel.h bpf/lib/parse.h bpf/lib/pkt.h bpf/lib/policy.h \
	bpf/lib/rate.h bpf/lib/rewrite.h \
	bpf/lib/reason.h bpf/lib/run.h bpf/lib/sctp.h bpf/lib/stat.h bpf/lib/watch.h
EXTRA_DIST += bpf/instructions.csv tools/drop-reasons
