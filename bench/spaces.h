/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Network namespaces by their descriptors: they have no name and no process, and go with the bench, however that ends.
 * What a command of the shell does, it does where its caller is.
 */
#ifndef EBN_BENCH_SPACES_H
#define EBN_BENCH_SPACES_H

#include "bench.h"

/* A new one with its loopback up; -errno. */
int spaces_new(struct bench *b);
/* Goes there; gives back where it was, to spaces_leave(). */
int spaces_enter(int space);
void spaces_leave(int was);
/* A command in there, printf-like, of at most a KiB. */
__attribute__((format(printf, 3, 4))) int spaces_shell(struct bench *b, int space, const char *fmt, ...);
/* Waits until a device there carries packets: the kernel gets it going in its own time after it was taken up. */
int spaces_ready(struct bench *b, int space, const char *device);
/* What `ip link … netns` takes for it. */
void spaces_path(int space, char ret[48]);

#endif
