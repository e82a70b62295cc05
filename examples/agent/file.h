/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef AGENT_FILE_H
#define AGENT_FILE_H

#include <stddef.h>

/* Reads a regular file whole, NUL added. 0, -E2BIG, -ENOMEM, -EINVAL (not a regular file), errors of
 * open(2) and read(2). */
int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len);

/* The same of what is open: a pipe, too, to its end. The caller closes it. 0, -E2BIG, -ENOMEM, errors of read(2). */
int file_read_fd(int fd, size_t max, char **ret_text, size_t *ret_len);

/* Puts text into a file of mode 0600 in one step: readers see the old or the new one, also after a
 * crash. */
int file_replace(const char *path, const char *text, size_t len);

#endif
