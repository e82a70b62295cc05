# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
lib_libebpfnet_internal_la_SOURCES += lib/service/internal.h lib/service/maglev.h lib/service/service.h \
	lib/service/adopt.c lib/service/change.c lib/service/engine.c lib/service/health.c lib/service/health_port.c lib/service/maglev.c lib/service/read.c \
	lib/service/record.c lib/service/rows.c lib/service/sets.c lib/service/sources.c lib/service/spec.c
EXTRA_DIST += docs/services.md docs/adr/0050-maglev-sizes-in-steps.md docs/adr/0051-translations-kept-with-the-socket.md
