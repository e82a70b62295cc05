// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/net.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* The first n bits of both. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int n)
{
	unsigned int rest = n % 8;

	if (memcmp(a, b, n / 8))
		return false;
	return !rest || !((a[n / 8] ^ b[n / 8]) >> (8 - rest));
}

int ebn_net_parse(const char *text, struct ebn_net *ret)
{
	char addr[EBPFNET_ADDR_STRLEN];
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t len = text ? slash ? (size_t)(slash - text) : strlen(text) : 0;
	struct ebn_net net = { .family = 6, .len = 128 };
	unsigned int bits = 0, max;

	if (!len || len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	memcpy(net.b, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, addr, net.b + sizeof(mapped)) == 1)
		net.family = 4;
	else if (inet_pton(AF_INET6, addr, net.b) != 1 || !memcmp(net.b, mapped, sizeof(mapped)))
		return -EINVAL;
	max = net.family == 4 ? 32 : 128;
	if (slash) {
		const char *p = slash + 1;

		if (!*p || (*p == '0' && p[1]))
			return -EINVAL;
		for (; *p >= '0' && *p <= '9' && bits <= max; p++)
			bits = bits * 10 + (unsigned int)(*p - '0');
		if (*p || bits > max)
			return -EINVAL;
		net.len = (uint8_t)(bits + 128 - max);
	}
	for (unsigned int i = net.len; i < 128; i++)
		if (net.b[i / 8] >> (7 - i % 8) & 1)
			return -EINVAL;
	*ret = net;
	return 0;
}

void ebn_net_format(const struct ebn_net *net, char *buf)
{
	static const struct ebpfnet_addr none;
	struct ebpfnet_addr addr;
	char text[EBPFNET_ADDR_STRLEN] = "::";

	memcpy(addr.b, net->b, sizeof(addr.b));
	if (memcmp(&addr, &none, sizeof(addr)))
		ebpfnet_addr_format(&addr, text, sizeof(text));
	snprintf(buf, EBN_NET_LABEL_LEN, "%s/%d", text, net->family == 4 ? net->len - 96 : net->len);
}

void ebn_net_label(const struct ebn_net *net, char *buf)
{
	char text[EBN_NET_LABEL_LEN], *slash;

	ebn_net_format(net, text);
	slash = strchr(text, '/');
	*slash = '\0';
	snprintf(buf, EBN_NET_LABEL_LEN, "%s%.*s%s/%.3s", *text == ':' ? "0" : "", EBPFNET_ADDR_STRLEN, text,
		 slash[-1] == ':' ? "0" : "", slash + 1);
	for (char *p = buf; *p; p++)
		if (*p == ':')
			*p = '-';
}

bool ebn_net_has(const struct ebn_net *net, const struct ebpfnet_addr *addr)
{
	return ebpfnet_addr_family(addr) == net->family && same_bits(net->b, addr->b, net->len);
}

bool ebn_net_covers(const struct ebn_net *outer, const struct ebn_net *inner)
{
	return outer->family == inner->family && outer->len <= inner->len && same_bits(outer->b, inner->b, outer->len);
}

int ebn_net_cmp(const void *a, const void *b)
{
	const struct ebn_net *x = a, *y = b;
	int order = (x->family > y->family) - (x->family < y->family);

	if (!order)
		order = memcmp(x->b, y->b, sizeof(x->b));
	return order ? order : (x->len > y->len) - (x->len < y->len);
}
