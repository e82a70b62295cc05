# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# docs/tutorial.md goes through these
noinst_PROGRAMS += examples/tutorial/balancer examples/tutorial/firewall
examples_tutorial_balancer_SOURCES = examples/tutorial/balancer.c
examples_tutorial_balancer_LDADD = $(EBN_EXAMPLE_LIBS)
examples_tutorial_firewall_SOURCES = examples/tutorial/firewall.c
examples_tutorial_firewall_LDADD = $(EBN_EXAMPLE_LIBS)
