# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
EBN_COMMON_SOURCES = examples/common/filter.c examples/common/filter.h \
	examples/common/show.c examples/common/show.h \
	examples/common/tracking.c examples/common/tracking.h examples/common/xdp_show.c examples/common/xdp_show.h
EBN_COMMON_SOURCES += examples/common/pool.c examples/common/pool.h
EBN_COMMON_SOURCES += examples/common/service.c examples/common/service.h examples/common/service_names.h \
	examples/common/service_show.c
