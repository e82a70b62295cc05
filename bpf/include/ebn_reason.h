/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Why a packet was dropped, or what happened to it. One list for BPF, the library, the metrics and the
 * documentation. The numbers are ABI: append only.
 *
 * X(number, NAME, "text", hubble)	hubble: the number flow tools know for it (130..), 0: none
 */
#ifndef EBN_REASON_H
#define EBN_REASON_H

#define EBN_REASONS(X)                                                                                     \
	X(0, NONE, "forwarded", 0)                                                                         \
	X(1, POLICY, "denied by policy", 133)                                                              \
	X(2, POLICY_RULE, "denied by a deny rule", 181)                                                    \
	X(3, NO_POLICY, "no policy table for the endpoint", 133)                                           \
	X(4, SOURCE_MAC, "source MAC address is not the endpoint's", 130)                                  \
	X(5, SOURCE_IP, "source IP address is not the endpoint's", 132)                                    \
	X(6, NO_ENDPOINT, "no endpoint on this device", 150)                                               \
	X(7, TRUNCATED, "packet shorter than its headers say", 135)                                        \
	X(8, MALFORMED, "header is not valid", 134)                                                        \
	X(9, L3_PROTOCOL, "unsupported network protocol", 139)                                             \
	X(10, L4_PROTOCOL, "unsupported transport protocol", 142)                                          \
	X(11, FRAGMENT_UNKNOWN, "fragment whose first part was not seen", 157)                             \
	X(12, EXT_HEADER, "too many or unknown IPv6 extension headers", 156)                               \
	X(13, VLAN, "VLAN tag where none is expected", 182)                                                \
	X(14, FLOW_FULL, "flow table full: nothing could be given up", 155)                                \
	X(15, FLOW_BUSY, "flow being set up elsewhere", 155)                                               \
	X(16, FLOW_INVALID, "not a valid start of a connection", 136)                                      \
	X(17, FLOW_QUOTA, "endpoint's share of the flow table used up", 155)                               \
	X(18, RECHECK, "no longer allowed by policy", 133)                                                 \
	X(19, NO_ROUTE, "no route to the destination", 169)                                                \
	X(20, NEIGHBOUR, "ARP or neighbour discovery not for the endpoint", 152)                           \
	X(21, TABLES, "datapath tables missing or corrupt", 140)                                           \
	X(22, WRITE, "could not write to the packet", 141)                                                 \
	X(23, REDIRECT_PROXY, "proxy port without a proxy", 133)                                           \
	X(24, TTL, "time to live exceeded", 196)                                                           \
	X(25, MULTICAST, "multicast is not forwarded", 151)                                                \
	X(26, FRAGMENT_FULL, "fragment table full", 155)                                                   \
	X(27, ICMP_UNKNOWN, "ICMP error about a flow that is not known", 144)                              \
	X(28, AUTH, "authentication required", 189)                                                        \
	X(29, NAT_EXHAUSTED, "no port left to translate to", 167)                                          \
	X(30, NAT_UNKNOWN, "to be translated, but its flow is not known", 167)                             \
	X(31, NAT_ADDRESS, "to be translated, but there is no address for it", 167)                        \
	X(32, NAT_PORT, "the host's port is a translated flow's", 167)                                       \
	X(33, SVC_NO_BACKEND, "no backend of the service takes new flows", 158)                            \
	X(34, SVC_SOURCE, "source ranges of the service do not allow the client", 177)                     \
	X(35, SVC_PORT, "the client's port is in use at the backends of the service", 155)                 \
	X(36, SVC_UNKNOWN, "answer of a backend whose frontend is not known", 158) \
	X(37, OVERLAY_SOURCE, "from the overlay, but not from the node whose address it is", 171)          \
	X(38, RATE, "more than the endpoint's rate allows", 198)                                           \
	X(39, TOO_BIG, "larger than the next hop takes", 155)                                              \
	X(40, EGRESS_GATEWAY, "no way to the egress gateway, or it does not know the rule", 169)  \
	X(41, SVC_OPTION, "tells a frontend that its destination does not serve here", 134)

enum ebn_reason {
#define EBN_X(n, name, text, hubble) EBN_R_##name = n,
	EBN_REASONS(EBN_X)
#undef EBN_X
	EBN_R_MAX
};

/** Cells of the per-CPU counter array; a reason is masked to this. */
#define EBN_REASON_CELLS 64u

#endif
