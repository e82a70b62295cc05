/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Services out of other programs' rules. */
#ifndef EBN_CTL_IMPORT_H
#define EBN_CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IMPORT_NAME_MAX 256
#define IMPORT_LINE_MAX 4096	/* bytes of a line */
#define IMPORT_RULES_MAX 1000000u
#define IMPORT_DEPTH_MAX 16u	/* chains that lead to each other */

struct import_backend {
	char addr[46];
	uint16_t port;		/* 0: the frontend's */
	double share;		/* of the new connections */
	size_t line;
};

/* One frontend and its backends. */
struct import_service {
	char name[IMPORT_NAME_MAX];	/* "": none was given */
	char addr[50];			/* address or prefix; "": of the node */
	uint16_t port, port_last;	/* 0: every port; port_last 0: one */
	const char *protocol;		/* "tcp", "udp" */
	const char *kind;
	uint32_t affinity;
	unsigned int from;		/* the way it was found first: what another one adds is the same again */
	struct import_backend *backend;
	size_t n, cap;
};

/* What became of a line. */
struct import_note {
	size_t line;
	char where[200];	/* "": the line */
	char what[IMPORT_NAME_MAX + 32];	/* "taken: service NAME", "left: REASON" */
};

struct import {
	struct import_service **service;
	size_t n, cap;
	struct import_note *note;
	size_t n_notes, cap_notes;
	size_t left;
};

void import_free(struct import *im);
/* The service of this frontend, made if there is none; NULL: no memory. */
struct import_service *import_frontend(struct import *im, const struct import_service *like);
/* -ENOMEM */
int import_backend(struct import_service *s, const struct import_backend *b);
/* What became of a line, once for each. -ENOMEM */
int import_taken(struct import *im, size_t line, const struct import_service *s);
int import_left(struct import *im, size_t line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What the service is called. */
void import_name(const struct import_service *s, char ret[IMPORT_NAME_MAX]);
/* As the agent's YAML has them, in the order of their names. */
int import_print(struct import *im, FILE *to);
/* In the order of lines. */
void import_report(struct import *im, const char *path, FILE *to);

/* The output of iptables-save(8) or ip6tables-save(8). 0, -ENOMEM, -EINVAL (ret_line: a line that is none of it), -E2BIG. */
int import_iptables(struct import *im, const char *text, size_t *ret_line);

/* The output of nft(8) with -j. 0, -ENOMEM, -EINVAL: not that, -E2BIG. */
int import_nft(struct import *im, const char *text);

#endif
