// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	/* Not blocking: a FIFO in the place of the file must not hold up the agent. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err;
	struct stat st;
	char *text;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		goto out;
	}
	err = -EINVAL;
	if (!S_ISREG(st.st_mode))
		goto out;
	err = -E2BIG;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		goto out;
	err = -ENOMEM;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		goto out;
	err = read_all(fd, text, (size_t)st.st_size, &len);
	if (err < 0) {
		free(text);
		goto out;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
out:
	close(fd);
	return err;
}

int file_read_fd(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	size_t room = 0, len = 0, got;
	char *text = NULL, *more;
	int err;

	do {
		/* one byte more than may come shows that there is too much, and is the NUL's otherwise */
		room = room * 2 + 65536 < max ? room * 2 + 65536 : max + 1;
		more = realloc(text, room);
		err = more ? read_all(fd, more + len, room - len, &got) : -ENOMEM;
		text = more ? more : text;
		len += err ? 0 : got;
	} while (!err && len == room && room <= max);
	if (!err && len > max)
		err = -E2BIG;
	if (err < 0) {
		free(text);
		return err;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(const char *path, const char *text, size_t len)
{
	char *temp;
	int fd, err;

	if (asprintf(&temp, "%s.new", path) < 0)
		return -ENOMEM;
	if (unlink(temp) < 0 && errno != ENOENT) {
		err = -errno;
		free(temp);
		return err;
	}
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : write_all(fd, text, len);
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(temp, path) < 0)
		err = -errno;
	if (err < 0 && fd >= 0)
		unlink(temp);
	free(temp);
	return err;
}
