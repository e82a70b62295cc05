# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
lib_libebpfnet_internal_la_SOURCES += \
	lib/policy/adopt.c \
	lib/policy/classes.c \
	lib/policy/columns.c lib/policy/columns.h \
	lib/policy/compile.c \
	lib/policy/doc.c lib/policy/doc.h \
	lib/policy/engine.h \
	lib/policy/explain.c \
	lib/policy/groups.c \
	lib/policy/inst.c \
	lib/policy/inside.c lib/policy/inside.h \
	lib/policy/install.c \
	lib/policy/local.c \
	lib/policy/lookup.c \
	lib/policy/learn.c \
	lib/policy/marks.c lib/policy/marks.h \
	lib/policy/members.c \
	lib/policy/mention.c \
	lib/policy/model.c lib/policy/model.h \
	lib/policy/net.c lib/policy/net.h \
	lib/policy/outside.c lib/policy/outside.h \
	lib/policy/parse.c lib/policy/parse.h \
	lib/policy/parse_admin.c \
	lib/policy/parse_cilium.c \
	lib/policy/parse_cilium_shape.c \
	lib/policy/parse_k8s.c \
	lib/policy/parse_words.c \
	lib/policy/peers.c \
	lib/policy/plan.c lib/policy/plan.h \
	lib/policy/policy.c lib/policy/policy.h \
	lib/policy/ports.c \
	lib/policy/rank.c lib/policy/rank.h \
	lib/policy/shape.c lib/policy/shape.h \
	lib/policy/store.c
