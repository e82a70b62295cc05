/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Preloaded: makes one system call of a program fail. Counts bpf(2), which libbpf makes through syscall(3), sendto(2), which
 * netlink requests go through, and the calls on directories that put pins in place; with FAIL_KIND=memory allocations instead.
 * Call number FAIL_AT (1 first) fails with FAIL_ERRNO. How many calls there were is written to the file FAIL_COUNT at the end.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, at = -1;
static int number;
static bool in_memory;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static int failing(bool memory)
{
	const char *t;

	if (at < 0) {
		t = getenv("FAIL_KIND");
		in_memory = t && !strcmp(t, "memory");
		t = getenv("FAIL_AT");
		at = t ? strtol(t, NULL, 10) : 0;
		t = getenv("FAIL_ERRNO");
		number = t ? (int)strtol(t, NULL, 10) : ENOMEM;
	}
	if (memory != in_memory || ++calls != at)
		return 0;
	errno = number;
	return 1;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

long syscall(long nr, ...)
{
	long (*real)(long, long, long, long, long, long, long) =
		(long (*)(long, long, long, long, long, long, long))next("syscall");
	long a[6];
	va_list ap;
	int i;

	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_bpf && failing(false))
		return -1;
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		(ssize_t (*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))next("sendto");

	return failing(false) ? -1 : real(fd, buf, n, flags, to, len);
}

int renameat(int fd, const char *from, int to_fd, const char *to)
{
	int (*real)(int, const char *, int, const char *) =
		(int (*)(int, const char *, int, const char *))next("renameat");

	return failing(false) ? -1 : real(fd, from, to_fd, to);
}

int symlinkat(const char *to, int fd, const char *name)
{
	int (*real)(const char *, int, const char *) = (int (*)(const char *, int, const char *))next("symlinkat");

	return failing(false) ? -1 : real(to, fd, name);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
	int (*real)(int, const char *, mode_t) = (int (*)(int, const char *, mode_t))next("mkdirat");

	return failing(false) ? -1 : real(fd, name, mode);
}

void *malloc(size_t n)
{
	return failing(true) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return failing(true) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return failing(true) ? NULL : __libc_realloc(p, n);
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("FAIL_COUNT");
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!f)
		return;
	fprintf(f, "%ld\n", calls);
	fclose(f);
}
