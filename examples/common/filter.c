// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int protocol_number(const char *text)
{
	static const struct { const char *name; int number; } names[] = {
		{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP },
		{ "icmpv6", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP }, { "any", 0 },
	};
	unsigned long n;
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(names[i].name, text))
			return names[i].number;
	if (*text < '0' || *text > '9')
		return -1;
	n = strtoul(text, &end, 10);
	return *end || n > 255 ? -1 : (int)n;
}

static int read_addr(const json_t *params, const char *key, struct ebpfnet_addr *ret,
		     const char **ret_key)
{
	const json_t *v = json_object_get(params, key);

	if (!v)
		return 0;
	if (json_is_string(v) && !ebpfnet_addr_parse(json_string_value(v), ret))
		return 0;
	*ret_key = key;
	return -EINVAL;
}

static int read_u16(const json_t *params, const char *key, uint16_t *ret, const char **ret_key)
{
	const json_t *v = json_object_get(params, key);

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= 65535) {
		*ret = (uint16_t)json_integer_value(v);
		return 0;
	}
	*ret_key = key;
	return -EINVAL;
}

static int read_state(const json_t *params, uint8_t *ret)
{
	const json_t *v = json_object_get(params, "state");

	if (!v)
		return 0;
	for (uint8_t i = EBPFNET_CT_HALF_OPEN; i <= EBPFNET_CT_HALF_CLOSED; i++) {
		if (json_is_string(v) && !strcasecmp(json_string_value(v), ebpfnet_ct_state_name(i))) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

int ct_filter_read(const json_t *params, struct ebpfnet_ct_filter *ret, const char **ret_key)
{
	struct ebpfnet_ct_filter f = { EBPFNET_OPTS_INIT(f) };
	const json_t *v = json_object_get(params, "protocol");
	uint16_t family = 0;
	int protocol;

	if (read_addr(params, "addr", &f.addr, ret_key) || read_addr(params, "src", &f.src, ret_key) ||
	    read_addr(params, "dst", &f.dst, ret_key) || read_u16(params, "port", &f.port, ret_key) ||
	    read_u16(params, "dport", &f.dport, ret_key) ||
	    read_u16(params, "endpoint_id", &f.endpoint, ret_key) ||
	    read_u16(params, "family", &family, ret_key))
		return -EINVAL;
	if (family && family != 4 && family != 6) {
		*ret_key = "family";
		return -EINVAL;
	}
	f.family = (uint8_t)family;
	if (v) {
		protocol = json_is_string(v) ? protocol_number(json_string_value(v)) : -1;
		if (protocol < 0) {
			*ret_key = "protocol";
			return -EINVAL;
		}
		f.protocol = (uint8_t)protocol;
	}
	if (read_state(params, &f.state) < 0) {
		*ret_key = "state";
		return -EINVAL;
	}
	*ret = f;
	return 0;
}
