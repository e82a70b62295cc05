// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the rules of a set speak of, for who wants to ask about all of it. */
#include "policy/model.h"
#include "policy/policy.h"

/* Protocol of a cell of the port map, and the first and last of its cells. */
static uint8_t protocol_at(uint32_t cell, uint32_t *ret_base, uint32_t *ret_last)
{
	static const struct {
		uint32_t base;
		uint8_t protocol;
	} known[] = {
		{ EBN_PORT_TCP, 6 }, { EBN_PORT_UDP, 17 }, { EBN_PORT_SCTP, 132 }, { EBN_PORT_ICMP, 1 },
				{ EBN_PORT_ICMP6, 58 },
	};

	for (size_t i = 0; i < EBN_ARRAY_SIZE(known); i++) {
		if (cell >= known[i].base && cell - known[i].base <= UINT16_MAX) {
			*ret_base = known[i].base;
			*ret_last = known[i].base + UINT16_MAX;
			return known[i].protocol;
		}
	}
	*ret_base = *ret_last = cell;
	return (uint8_t)(cell - EBN_PORT_PROTO);
}

/* Cells that are next to each other may be of several protocols. */
static int say_range(const struct ebn_range *r, ebpfnet_policy_port_fn fn, void *userdata)
{
	uint32_t base, last;
	int err = 0;

	for (uint32_t cell = r->first; !err && cell <= r->last; cell = last + 1) {
		struct ebpfnet_port_range port = { .protocol = protocol_at(cell, &base, &last) };
		uint32_t end = r->last < last ? r->last : last;

		/* all of a protocol is 0 to 0 */
		if (cell != base || end != last) {
			bool icmp = port.protocol == 1 || port.protocol == 58;

			port.first = (uint16_t)((cell - base) >> (icmp ? 8 : 0));
			port.last = (uint16_t)((end - base) >> (icmp ? 8 : 0));
			port.flags = EBPFNET_PORT_F_EXACT;
			if (icmp && cell == end) {
				port.flags |= EBPFNET_PORT_F_CODE;
				port.code = (uint8_t)(cell - base);
			}
		}
		err = fn(&port, userdata);
	}
	return err;
}

int ebpfnet_policy_set_ports(const struct ebpfnet_policy_set *set, ebpfnet_policy_port_fn fn, void *userdata)
{
	int err = 0;

	if (!set || !fn)
		return -EINVAL;
	for (size_t b = 0; !err && b < set->n; b++) {
		for (uint32_t i = 0; !err && i < set->books[b]->n_rules; i++) {
			const struct ebn_rule *r = &set->books[b]->rules[i];

			for (uint32_t k = 0; !err && k < r->n_ranges; k++)
				err = say_range(&r->ranges[k], fn, userdata);
			for (uint32_t k = 0; !err && k < r->n_named; k++) {
				struct ebpfnet_port_range port = { .protocol = r->named[k].protocol };
				char name[EBN_PORT_NAME_MAX + 1];
				size_t len = strcspn(r->named[k].key, "/");

				memcpy(name, r->named[k].key, len < sizeof(name) ? len : sizeof(name) - 1);
				name[len < sizeof(name) ? len : sizeof(name) - 1] = '\0';
				port.name = name;
				err = fn(&port, userdata);
			}
		}
	}
	return err;
}
