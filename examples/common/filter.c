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

/* "ADDRESS" or "ADDRESS/BITS". bits NULL: no prefix. */
static int parse_prefix(const char *text, struct ebpfnet_addr *ret, uint8_t *bits)
{
	const char *slash = strchr(text, '/');
	char addr[EBPFNET_ADDR_STRLEN], *end;
	unsigned long n;

	if (!slash)
		return ebpfnet_addr_parse(text, ret);
	if (!bits || (size_t)(slash - text) >= sizeof(addr) || slash[1] < '1' || slash[1] > '9')
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	n = strtoul(slash + 1, &end, 10);
	if (*end || ebpfnet_addr_parse(addr, ret) < 0 || n > (ebpfnet_addr_family(ret) == 4 ? 32 : 128))
		return -EINVAL;
	*bits = (uint8_t)n;
	return 0;
}

static int read_addr(const json_t *params, const char *key, struct ebpfnet_addr *ret, uint8_t *bits,
		     const char **ret_key)
{
	const json_t *v = json_object_get(params, key);

	if (!v)
		return 0;
	if (json_is_string(v) && !parse_prefix(json_string_value(v), ret, bits))
		return 0;
	*ret_key = key;
	return -EINVAL;
}

static int read_number(const json_t *params, const char *key, uint64_t max, uint64_t *ret,
		       const char **ret_key)
{
	const json_t *v = json_object_get(params, key);

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0 && (uint64_t)json_integer_value(v) <= max) {
		*ret = (uint64_t)json_integer_value(v);
		return 0;
	}
	*ret_key = key;
	return -EINVAL;
}

static int read_u16(const json_t *params, const char *key, uint16_t *ret, const char **ret_key)
{
	uint64_t n = *ret;
	int err = read_number(params, key, 65535, &n, ret_key);

	*ret = (uint16_t)n;
	return err;
}

static int read_protocol(const json_t *params, uint8_t *ret, const char **ret_key)
{
	const json_t *v = json_object_get(params, "protocol");
	int protocol;

	if (!v)
		return 0;
	protocol = json_is_string(v) ? protocol_number(json_string_value(v)) : -1;
	if (protocol < 0) {
		*ret_key = "protocol";
		return -EINVAL;
	}
	*ret = (uint8_t)protocol;
	return 0;
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
	uint64_t identity = 0;
	uint16_t family = 0;

	if (read_addr(params, "addr", &f.addr, &f.addr_bits, ret_key) ||
	    read_addr(params, "src", &f.src, &f.src_bits, ret_key) ||
	    read_addr(params, "dst", &f.dst, &f.dst_bits, ret_key) ||
	    read_u16(params, "port", &f.port, ret_key) || read_u16(params, "sport", &f.sport, ret_key) ||
	    read_u16(params, "dport", &f.dport, ret_key) ||
	    read_u16(params, "endpoint_id", &f.endpoint, ret_key) ||
	    read_number(params, "identity", UINT32_MAX, &identity, ret_key) ||
	    read_number(params, "idle_min_ms", INT64_MAX, &f.idle_min_ms, ret_key) ||
	    read_number(params, "age_min_ms", INT64_MAX, &f.age_min_ms, ret_key) ||
	    read_number(params, "age_max_ms", INT64_MAX, &f.age_max_ms, ret_key) ||
	    read_u16(params, "family", &family, ret_key) || read_protocol(params, &f.protocol, ret_key))
		return -EINVAL;
	f.identity = (uint32_t)identity;
	if (family && family != 4 && family != 6) {
		*ret_key = "family";
		return -EINVAL;
	}
	f.family = (uint8_t)family;
	if (read_state(params, &f.state) < 0) {
		*ret_key = "state";
		return -EINVAL;
	}
	*ret = f;
	return 0;
}

int ct_tuple_read(const json_t *params, struct ebpfnet_ct_tuple *ret, const char **ret_key)
{
	struct ebpfnet_ct_tuple t = { EBPFNET_OPTS_INIT(t) };
	static const char *const needed[] = { "src", "dst", "protocol" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!json_object_get(params, needed[i])) {
			*ret_key = needed[i];
			return -EINVAL;
		}
	}
	if (read_addr(params, "src", &t.src, NULL, ret_key) || read_addr(params, "dst", &t.dst, NULL, ret_key) ||
	    read_u16(params, "sport", &t.sport, ret_key) || read_u16(params, "dport", &t.dport, ret_key) ||
	    read_u16(params, "zone", &t.zone, ret_key) || read_protocol(params, &t.protocol, ret_key))
		return -EINVAL;
	if (ebpfnet_addr_family(&t.src) != ebpfnet_addr_family(&t.dst)) {
		*ret_key = "dst";
		return -EINVAL;
	}
	*ret = t;
	return 0;
}
