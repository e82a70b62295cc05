// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What packets say, for people and programs. Nothing is decided by it. */
#include <arpa/inet.h>
#include <string.h>

#include "../common/show.h"
#include "sim.h"

enum { ETHERNET = 14, IP4 = 20, IP6 = 40 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static json_t *mac(const uint8_t *p)
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static void set_address(json_t *o, const char *key, int family, const uint8_t *p)
{
	char text[INET6_ADDRSTRLEN];

	json_object_set_new(o, key, json_string(inet_ntop(family, p, text, sizeof(text))));
}

static void ports(json_t *o, uint8_t protocol, const uint8_t *p, size_t len)
{
	if ((protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) && len >= 4) {
		json_object_set_new(o, "sport", json_integer(get16(p)));
		json_object_set_new(o, "dport", json_integer(get16(p + 2)));
		if (protocol == IPPROTO_TCP && len >= 14)
			json_object_set_new(o, "tcp_flags", json_integer(p[13]));
	} else if ((protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && len >= 2) {
		json_object_set_new(o, "type", json_integer(p[0]));
		json_object_set_new(o, "code", json_integer(p[1]));
	}
}

static void network(json_t *o, const uint8_t *p, size_t len, unsigned int depth)
{
	uint8_t protocol;
	size_t head;
	char number[8];

	if (len >= IP4 && p[0] >> 4 == 4) {
		head = (p[0] & 15u) * 4u;
		protocol = p[9];
		set_address(o, "src", AF_INET, p + 12);
		set_address(o, "dst", AF_INET, p + 16);
		json_object_set_new(o, "ttl", json_integer(p[8]));
		/* a later fragment has no ports */
		if (get16(p + 6) & 0x1fff)
			len = head = IP4;
	} else if (len >= IP6 && p[0] >> 4 == 6) {
		head = IP6;
		protocol = p[6];
		set_address(o, "src", AF_INET6, p + 8);
		set_address(o, "dst", AF_INET6, p + 24);
		json_object_set_new(o, "ttl", json_integer(p[7]));
	} else {
		return;
	}
	json_object_set_new(o, "protocol", json_string(show_protocol(protocol, number)));
	if (head > len)
		return;
	if (!depth && (protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6)) {
		json_t *inner = json_object();

		network(inner, p + head, len - head, 1);
		json_object_set_new(o, "inner", inner);
		return;
	}
	ports(o, protocol, p + head, len - head);
}

json_t *sim_describe(const uint8_t *data, size_t len)
{
	json_t *o = json_object();
	uint16_t type;

	json_object_set_new(o, "length", json_integer((json_int_t)len));
	if (len < ETHERNET)
		return o;
	type = get16(data + 12);
	json_object_set_new(o, "dst_mac", mac(data));
	json_object_set_new(o, "src_mac", mac(data + 6));
	json_object_set_new(o, "ethertype", json_sprintf("0x%04x", type));
	if (type == 0x0800 || type == 0x86dd)
		network(o, data + ETHERNET, len - ETHERNET, 0);
	return o;
}

static void one_packet(const json_t *p, FILE *f)
{
	const char *src = json_string_value(json_object_get(p, "src"));
	const json_t *inner = json_object_get(p, "inner");

	if (!src) {
		src = json_string_value(json_object_get(p, "ethertype"));
		fprintf(f, "%s%s", src ? "ethertype " : "no Ethernet header", src ? src : "");
		return;
	}
	fputs(src, f);
	if (json_object_get(p, "sport"))
		fprintf(f, ".%lld", json_integer_value(json_object_get(p, "sport")));
	fprintf(f, " > %s", json_string_value(json_object_get(p, "dst")));
	if (json_object_get(p, "dport"))
		fprintf(f, ".%lld", json_integer_value(json_object_get(p, "dport")));
	fprintf(f, " %s", json_string_value(json_object_get(p, "protocol")));
	if (json_object_get(p, "type"))
		fprintf(f, " %lld/%lld", json_integer_value(json_object_get(p, "type")),
			json_integer_value(json_object_get(p, "code")));
	if (inner) {
		fputs(" (", f);
		one_packet(inner, f);
		fputc(')', f);
	}
}

void sim_text(const json_t *result, FILE *f)
{
	const json_t *list, *v;
	size_t i;

	fprintf(f, "%lld: ", json_integer_value(json_object_get(result, "number")));
	one_packet(json_object_get(result, "packet"), f);
	fprintf(f, ": %s", json_string_value(json_object_get(result, "verdict")));
	v = json_object_get(result, "reason");
	if (v)
		fprintf(f, ", %s", json_string_value(v));
	v = json_object_get(result, "rewritten");
	if (v) {
		fputs("\n    as ", f);
		one_packet(v, f);
	}
	list = json_object_get(result, "events");
	json_array_foreach(list, i, v) {
		fprintf(f, "\n    event %s", json_string_value(json_object_get(v, "text")));
	}
	list = json_object_get(result, "flows");
	json_array_foreach(list, i, v) {
		const json_t *flow = json_object_get(v, "flow");

		fprintf(f, "\n    flow %s: ", json_string_value(json_object_get(v, "change")));
		one_packet(flow, f);
		fprintf(f, " %s", json_string_value(json_object_get(flow, "state")));
	}
	fputc('\n', f);
}
