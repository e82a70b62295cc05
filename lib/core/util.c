// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "core/internal.h"

/* A larger options struct is garbage rather than the future. */
#define OPTS_SIZE_MAX 4096

bool ebn_opts_valid(const void *opts, size_t known)
{
	const unsigned char *bytes = opts;
	size_t sz, i;

	memcpy(&sz, opts, sizeof(sz));
	if (sz < sizeof(sz) || sz > OPTS_SIZE_MAX)
		return false;
	for (i = known; i < sz; i++)
		if (bytes[i])
			return false;
	return true;
}

void ebn_copy_out(void *dst, size_t dst_size, const void *src, size_t src_size)
{
	size_t n = dst_size < src_size ? dst_size : src_size;

	memcpy(dst, src, n);
	memset((char *)dst + n, 0, dst_size - n);
}

void *ebn_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	/* calloc(0) may return NULL, which here means "no memory" */
	return calloc(1, bytes ? bytes : 1);
}

int ebn_grow(void *p, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? *cap : 8, bytes;
	void *old, *grown;

	if (n <= *cap)
		return 0;
	while (want < n)
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return -ENOMEM;
	if (__builtin_mul_overflow(want, size, &bytes))
		return -ENOMEM;
	memcpy(&old, p, sizeof(old));
	grown = realloc(old, bytes);
	if (!grown)
		return -ENOMEM;
	memset((char *)grown + *cap * size, 0, bytes - *cap * size);
	memcpy(p, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

int ebn_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t ebn_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t ebn_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int ebn_random(void *buf, size_t len)
{
	unsigned char *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
