# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The library inside other people's event loops.
EBN_LOOP_SOURCES = examples/loops/watch.c examples/loops/watch.h examples/api/scratch.c examples/api/scratch.h
noinst_PROGRAMS += examples/loops/epoll
examples_loops_epoll_SOURCES = examples/loops/epoll.c $(EBN_LOOP_SOURCES)
examples_loops_epoll_LDADD = $(EBN_EXAMPLE_LIBS)
if HAVE_SYSTEMD
noinst_PROGRAMS += examples/loops/sd-event
endif
EXTRA_PROGRAMS += examples/loops/sd-event
examples_loops_sd_event_SOURCES = examples/loops/sd-event.c $(EBN_LOOP_SOURCES)
examples_loops_sd_event_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
examples_loops_sd_event_LDADD = $(EBN_EXAMPLE_LIBS) $(SYSTEMD_LIBS)
