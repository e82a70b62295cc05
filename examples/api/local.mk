# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# One small program per public header; tests/netns/examples-api runs them all.
noinst_PROGRAMS += examples/api/ctx examples/api/diag examples/api/features examples/api/health examples/api/ipam examples/api/labels examples/api/types
examples_api_ctx_SOURCES = examples/api/ctx.c
examples_api_ctx_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_diag_SOURCES = examples/api/diag.c
examples_api_diag_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_features_SOURCES = examples/api/features.c
examples_api_features_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_health_SOURCES = examples/api/health.c
examples_api_health_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_ipam_SOURCES = examples/api/ipam.c
examples_api_ipam_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_labels_SOURCES = examples/api/labels.c
examples_api_labels_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/policy
examples_api_policy_SOURCES = examples/api/policy.c
examples_api_policy_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_types_SOURCES = examples/api/types.c
examples_api_types_LDADD = $(EBN_EXAMPLE_LIBS)

# these load a datapath of their own, or look at one that is there
noinst_PROGRAMS += examples/api/conntrack examples/api/event examples/api/flow
examples_api_conntrack_SOURCES = examples/api/conntrack.c
examples_api_conntrack_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_event_SOURCES = examples/api/event.c examples/api/scratch.c examples/api/scratch.h
examples_api_event_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_flow_SOURCES = examples/api/flow.c examples/api/scratch.c examples/api/scratch.h
examples_api_flow_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/service
examples_api_service_SOURCES = examples/api/service.c
examples_api_service_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/device
examples_api_device_SOURCES = examples/api/device.c
examples_api_device_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/address examples/api/datapath examples/api/endpoint examples/api/host examples/api/nat examples/api/node
examples_api_node_SOURCES = examples/api/node.c examples/api/scratch.c examples/api/scratch.h
examples_api_node_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_address_SOURCES = examples/api/address.c examples/api/scratch.c examples/api/scratch.h
examples_api_address_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_datapath_SOURCES = examples/api/datapath.c
examples_api_datapath_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_endpoint_SOURCES = examples/api/endpoint.c
examples_api_endpoint_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_host_SOURCES = examples/api/host.c examples/api/scratch.c examples/api/scratch.h
examples_api_host_LDADD = $(EBN_EXAMPLE_LIBS)
examples_api_nat_SOURCES = examples/api/nat.c examples/api/scratch.c examples/api/scratch.h
examples_api_nat_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/egress
examples_api_egress_SOURCES = examples/api/egress.c examples/api/scratch.c examples/api/scratch.h
examples_api_egress_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/xdp
examples_api_xdp_SOURCES = examples/api/xdp.c
examples_api_xdp_LDADD = $(EBN_EXAMPLE_LIBS)
noinst_PROGRAMS += examples/api/source
examples_api_source_SOURCES = examples/api/source.c examples/api/scratch.c examples/api/scratch.h
examples_api_source_LDADD = $(EBN_EXAMPLE_LIBS)
