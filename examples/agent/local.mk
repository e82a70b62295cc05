# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
EBN_AGENT_SOURCES = \
	examples/agent/agent.h examples/agent/apply.c examples/agent/conf.c examples/agent/conf.h \
	examples/agent/conf_egress.c examples/agent/conf_endpoint.c examples/agent/conf_host.c examples/agent/conf_ipam.c examples/agent/conf_json.c examples/agent/conf_model.c examples/agent/conf_nat.c examples/agent/conf_nodes.c \
	examples/agent/conf_policy.c examples/agent/conf_read.c examples/agent/conf_read.h examples/agent/conf_service.c \
	examples/agent/conn.c examples/agent/control.h examples/agent/ct_watch.c examples/agent/entries.c \
	examples/agent/cni.c examples/agent/egress.c examples/agent/egress.h examples/agent/ipam.c examples/agent/events.c examples/agent/file.c examples/agent/file.h examples/agent/links.c \
	examples/agent/health.c examples/agent/health.h examples/agent/healthz.c examples/agent/healthz.h examples/agent/http.c examples/agent/http.h examples/agent/host.c examples/agent/host.h examples/agent/log.c examples/agent/loop.c examples/agent/methods.c examples/agent/nodes.c examples/agent/nodes.h examples/agent/params.c \
	examples/agent/policies.c examples/agent/probe.c examples/agent/probe.h examples/agent/reading.c examples/agent/reload.c \
	examples/agent/removed.c examples/agent/report.c examples/agent/report.h examples/agent/server.c \
	examples/agent/server.h examples/agent/services.c examples/agent/source.c examples/agent/tracking.c examples/agent/tree.c examples/agent/tree.h examples/agent/xdp.c $(EBN_COMMON_SOURCES)

bin_PROGRAMS += examples/agent/ebpfnet-agent
examples_agent_ebpfnet_agent_SOURCES = examples/agent/main.c $(EBN_AGENT_SOURCES)
examples_agent_ebpfnet_agent_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
examples_agent_ebpfnet_agent_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

# the agent without its main(), for tests
check_LTLIBRARIES = examples/agent/libagent.la
examples_agent_libagent_la_SOURCES = $(EBN_AGENT_SOURCES)
examples_agent_libagent_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

exampledir = $(docdir)/examples
dist_example_DATA = examples/agent/agent.yaml
EXTRA_DIST += docs/getting-started.md
EBN_MAN_PAGES += man/ebpfnet-agent.8 man/ebpfnet-agent.yaml.5 man/ebpfnet-control.7
