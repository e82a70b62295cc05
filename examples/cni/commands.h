/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The commands: 0, or -1 with the error noted. */
#ifndef CNI_COMMANDS_H
#define CNI_COMMANDS_H

#include "cni.h"

int cni_add(struct cni *c, json_t **result);
int cni_del(struct cni *c);
int cni_check(struct cni *c);
int cni_gc(struct cni *c);
int cni_status(struct cni *c);

#endif
