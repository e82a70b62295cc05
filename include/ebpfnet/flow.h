/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file flow.h
 * Flows: events with names, as text and JSON, and filters over them.
 */
#ifndef EBPFNET_FLOW_H
#define EBPFNET_FLOW_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/event.h>

EBPFNET_BEGIN_DECLS

/** One side of a flow. Strings are borrowed from the names object until it is refreshed or freed. */
struct ebpfnet_flow_side {
	const char *name;	/**< endpoint's name, or NULL */
	const char *labels;	/**< canonical form, never NULL */
	uint32_t identity;
	uint16_t endpoint;	/**< id, 0: not local */
	uint16_t reserved;
};

/** An event with its names. */
struct ebpfnet_flow {
	struct ebpfnet_event event;
	struct ebpfnet_flow_side src, dst;
	const char *egress_rule;	/**< "policy#rule" that decided, "default", or NULL: not asked */
	const char *ingress_rule;
	uint64_t realtime_ns;		/**< CLOCK_REALTIME */
	const char *node;		/**< node name, never NULL */
	uint8_t egress_verdict;		/**< enum ebpfnet_verdict of that decision, EBPFNET_FLOW_NOT_ASKED */
	uint8_t ingress_verdict;
	uint8_t reserved[6];
	const char *egress_log;		/**< text that the rule wants in logs, NULL: none; see struct ebpfnet_policy_rule */
	const char *ingress_log;
};
/** No decision in this direction, or one that is not known any more. */
#define EBPFNET_FLOW_NOT_ASKED 0xffu

struct ebpfnet_names;

/**
 * Names of identities, endpoints and rules, read from the tables; a read-only datapath will do.
 * @param node	node name, copied; NULL: the host's
 * @param[out] ret	holds a reference on @p dp; ebpfnet_names_free()
 * @return 0, or
 *   -EINVAL
 *   -EBUSY	the tables are not prepared
 *   -EPROTO	the tables are not sane
 *   -EAGAIN	they kept changing
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_names_new(struct ebpfnet_datapath *dp, const char *node, struct ebpfnet_names **ret);
/** Frees the names and with them the strings in flows; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_names_free(struct ebpfnet_names *names);
/** Reads again what changed since; cheap when nothing did. @return 1 changed, 0 not, -EINVAL, -EPROTO (not sane, or
 *  gone), -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_names_refresh(struct ebpfnet_names *names);

/** Puts names to an event; calls ebpfnet_names_refresh() when a number is not known. @return 0, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_flow_from_event(struct ebpfnet_names *names, const struct ebpfnet_event *event,
					struct ebpfnet_flow *ret, size_t size);

#define EBPFNET_FLOW_STRICT 0x1u	/**< JSON: nothing beyond the common flow format */

/** One line of JSON without a newline. @return length as snprintf(3) counts, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_flow_to_json(const struct ebpfnet_flow *flow, uint32_t flags, char *buf, size_t size);
/** One line for people: "TIME SRC -> DST TCP 80 ALLOWED by RULE". @return as snprintf(3), -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_flow_to_text(const struct ebpfnet_flow *flow, char *buf, size_t size);

struct ebpfnet_flow_filter;
/**
 * Parses "key=value" terms separated by blanks, all of which must hold, '!' before a term negates it, a value with blanks
 * stands in double quotes: verdict=allow|deny|audit|redirect|auth, type=verdict|drop|close|seen, proto=tcp|udp|icmp|…,
 * ip=ADDR, src=, dst= (address or name), port=N, sport=, dport=, endpoint=NAME, identity=N, label=SELECTOR, reason=NAME,
 * rule=TEXT, log=TEXT (in the texts that rules want in logs).
 * @return 0, -EINVAL (diag), -E2BIG, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_flow_filter_parse(const char *text, struct ebpfnet_diag *diag,
					  struct ebpfnet_flow_filter **ret);
/** Frees a filter; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_flow_filter_free(struct ebpfnet_flow_filter *filter);
/** 1 when the flow passes, 0 when not; a NULL filter passes everything. @since 0.1 */
EBPFNET_API int ebpfnet_flow_filter_match(const struct ebpfnet_flow_filter *filter, const struct ebpfnet_flow *flow);

EBPFNET_END_DECLS
#endif
