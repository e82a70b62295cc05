/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Frames from a device as fast as it takes them, 64 with one system call.
 *
 *	flood DEVICE GATEWAY-MAC syn|udp|fragment SOURCE DESTINATION seconds=N | count=N [seed=N] [batch=N] [pause=US]
 *
 * syn: to port 80 from random ports with random numbers. udp: random ports with seconds=, with count= flow number i is from port
 * 1024 + i % 50000 to port 10000 + i / 50000, so that the same can be sent again. fragment: first ones of datagrams that never
 * come, and later ones of datagrams that never were. pause: between batches. Says how many a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define SIZE 128
#define UDP 17
#define TCP 6
#define FRAGMENT6 44
/* Newer headers have it by name. */
#ifndef PACKET_QDISC_BYPASS
#define PACKET_QDISC_BYPASS 20
#endif

enum mode { SYN, DATAGRAM, FRAGMENT };

static struct {
	uint8_t gateway[6], own[6];
	uint8_t src[16], dst[16];
	bool v6;
	enum mode mode;
	uint64_t count, seed;
	double seconds;
	unsigned int batch;
	useconds_t pause;
} opt = { .seed = 1, .batch = BATCH };

static uint8_t frames[BATCH][SIZE];

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = opt.seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	return s;
}

static unsigned int fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~((s & 0xffff) + (s >> 16));
}

static size_t l4(uint8_t *p, uint64_t i)
{
	uint64_t r = opt.count ? 0 : draw();
	size_t n = opt.v6 ? 16 : 4, len = opt.mode == SYN ? 20 : 8;
	uint32_t s = sum(opt.src, n, 0) + sum(opt.dst, n, (uint32_t)len + (opt.mode == SYN ? TCP : UDP));

	memset(p, 0, len);
	put16(p, opt.count ? 1024 + (unsigned int)(i % 50000) : (unsigned int)(r & 0xffff) | 1);
	if (opt.mode == SYN)
		put16(p + 2, 80);
	else
		put16(p + 2, opt.count ? 10000 + (unsigned int)(i / 50000) : (unsigned int)(r >> 16 & 0xffff) | 1);
	if (opt.mode == SYN) {
		put32(p + 4, (uint32_t)(r >> 32));
		p[12] = 0x50;
		p[13] = 2;
		put16(p + 14, 1024);
		put16(p + 16, fold(sum(p, len, s)));
	} else {
		put16(p + 4, (unsigned int)len);
		put16(p + 6, fold(sum(p, len, s)));
	}
	return len;
}

/* A frame; returns its length. */
static size_t make(uint8_t *f, uint64_t i)
{
	uint64_t r = opt.mode == FRAGMENT ? draw() : 0;
	uint8_t *ip = f + 14, *at = ip + (opt.v6 ? 40 : 20);
	/* more of it to come; or 8 * 3 bytes behind its beginning */
	unsigned int frag = opt.mode != FRAGMENT ? 0 : r & 1 ? 1 : 3 << 1 | (r >> 1 & 1);
	size_t len;

	memcpy(f, opt.gateway, 6);
	memcpy(f + 6, opt.own, 6);
	put16(f + 12, opt.v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (opt.v6 && frag) {
		at[0] = UDP;
		at[1] = 0;
		put16(at + 2, frag >> 1 << 3 | (frag & 1));
		put32(at + 4, (uint32_t)(r >> 32));
		at += 8;
	}
	len = l4(at, i);
	if (frag) {
		memset(at + len, 0, 24);
		len += 24 - len % 8;
	}
	at += len;
	memset(ip, 0, opt.v6 ? 8 : 20);
	if (opt.v6) {
		ip[0] = 0x60;
		put16(ip + 4, (unsigned int)(at - ip - 40));
		ip[6] = frag ? FRAGMENT6 : opt.mode == SYN ? TCP : UDP;
		ip[7] = 64;
		memcpy(ip + 8, opt.src, 16);
		memcpy(ip + 24, opt.dst, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, (unsigned int)(at - ip));
		put16(ip + 4, (unsigned int)(r >> 32 & 0xffff));
		put16(ip + 6, (frag & 1 ? 0x2000 : 0) | frag >> 1);
		ip[8] = 64;
		ip[9] = opt.mode == SYN ? TCP : UDP;
		memcpy(ip + 12, opt.src, 4);
		memcpy(ip + 16, opt.dst, 4);
		put16(ip + 10, fold(sum(ip, 20, 0)));
	}
	return (size_t)(at - f);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int send_batch(int fd, unsigned int n, uint64_t from)
{
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	unsigned int i, done = 0;
	int r;

	memset(m, 0, sizeof(m));
	for (i = 0; i < n; i++) {
		v[i] = (struct iovec){ .iov_base = frames[i], .iov_len = make(frames[i], from + i) };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		r = sendmmsg(fd, m + done, n - done, 0);
		/* ENOBUFS: the device is full, and that is what a flood is about */
		if (r < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (r > 0)
			done += (unsigned int)r;
		else if (!opt.count)
			return 0;
	}
	return 0;
}

static int open_device(const char *name)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) || ioctl(fd, SIOCGIFHWADDR, &ifr)) {
		perror(name);
		exit(1);
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	memcpy(opt.own, ifr.ifr_hwaddr.sa_data, 6);
	return fd;
}

static bool option(const char *text)
{
	const char *value = strchr(text, '=');

	if (!value++)
		return false;
	if (!strncmp(text, "seconds=", 8))
		opt.seconds = strtod(value, NULL);
	else if (!strncmp(text, "count=", 6))
		opt.count = strtoull(value, NULL, 0);
	else if (!strncmp(text, "seed=", 5))
		opt.seed = strtoull(value, NULL, 0);
	else if (!strncmp(text, "pause=", 6))
		opt.pause = (useconds_t)strtoul(value, NULL, 0);
	else if (!strncmp(text, "batch=", 6))
		opt.batch = (unsigned int)strtoul(value, NULL, 0);
	else
		return false;
	return opt.batch && opt.batch <= BATCH;
}

static bool arguments(int argc, char **argv)
{
	static const char *const modes[] = { "syn", "udp", "fragment" };
	uint8_t *m = opt.gateway;
	int i;

	if (argc < 7 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		return false;
	for (i = 0; i < 3 && strcmp(modes[i], argv[3]); i++)
		;
	opt.mode = (enum mode)i;
	opt.v6 = strchr(argv[4], ':');
	if (i == 3 || inet_pton(opt.v6 ? AF_INET6 : AF_INET, argv[4], opt.src) != 1 ||
	    inet_pton(opt.v6 ? AF_INET6 : AF_INET, argv[5], opt.dst) != 1)
		return false;
	for (i = 6; i < argc; i++)
		if (!option(argv[i]))
			return false;
	return opt.count || opt.seconds > 0;
}

int main(int argc, char **argv)
{
	double begin, end;
	uint64_t sent = 0;
	unsigned int n;
	int fd, r = 0;

	if (!arguments(argc, argv)) {
		fprintf(stderr, "flood: DEVICE MAC syn|udp|fragment SOURCE DESTINATION seconds=N|count=N [seed=|batch=|pause=]\n");
		return 2;
	}
	fd = open_device(argv[1]);
	begin = now();
	end = begin + opt.seconds;
	while (!r && (opt.count ? sent < opt.count : now() < end)) {
		n = opt.count && opt.count - sent < opt.batch ? (unsigned int)(opt.count - sent) : opt.batch;
		r = send_batch(fd, n, sent);
		sent += n;
		if (opt.pause)
			usleep(opt.pause);
	}
	if (r)
		fprintf(stderr, "flood: %s\n", strerror(-r));
	printf("%llu frames, %.0f a second\n", (unsigned long long)sent, (double)sent / (now() - begin));
	close(fd);
	return r != 0;
}
