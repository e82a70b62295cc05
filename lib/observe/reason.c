// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "observe/internal.h"

static const struct {
	const char *name;
	const char *text;
	uint16_t number;
} reasons[] = {
#define ROW(n, name, text, number) [n] = { #name, text, number },
	EBN_REASONS(ROW)
#undef ROW
};
_Static_assert(EBN_ARRAY_SIZE(reasons) == EBN_R_MAX, "every reason has a row");

const char *ebpfnet_reason_name(uint32_t reason)
{
	return reason < EBN_R_MAX ? reasons[reason].name : "?";
}

const char *ebpfnet_reason_text(uint32_t reason)
{
	return reason < EBN_R_MAX ? reasons[reason].text : "?";
}

unsigned int ebn_reason_number(uint32_t reason)
{
	return reason < EBN_R_MAX ? reasons[reason].number : 0;
}

/* Names that the common flow format has for the numbers in EBN_REASONS. */
const char *ebn_reason_common_name(unsigned int number)
{
	switch (number) {
	case 130:
		return "INVALID_SOURCE_MAC";
	case 132:
		return "INVALID_SOURCE_IP";
	case 133:
		return "POLICY_DENIED";
	case 134:
		return "INVALID_PACKET_DROPPED";
	case 135:
		return "CT_TRUNCATED_OR_INVALID_HEADER";
	case 136:
		return "CT_MISSING_TCP_ACK_FLAG";
	case 139:
		return "UNSUPPORTED_L3_PROTOCOL";
	case 140:
		return "MISSED_TAIL_CALL";
	case 141:
		return "ERROR_WRITING_TO_PACKET";
	case 142:
		return "UNKNOWN_L4_PROTOCOL";
	case 144:
		return "UNKNOWN_ICMPV4_TYPE";
	case 150:
		return "UNKNOWN_L3_TARGET_ADDRESS";
	case 151:
		return "STALE_OR_UNROUTABLE_IP";
	case 152:
		return "NO_MATCHING_LOCAL_CONTAINER_FOUND";
	case 155:
		return "CT_MAP_INSERTION_FAILED";
	case 156:
		return "INVALID_IPV6_EXTENSION_HEADER";
	case 157:
		return "IP_FRAGMENTATION_NOT_SUPPORTED";
	case 158:
		return "SERVICE_BACKEND_NOT_FOUND";
	case 167:
		return "NO_MAPPING_FOR_NAT_MASQUERADE";
	case 169:
		return "FIB_LOOKUP_FAILED";
	case 171:
		return "INVALID_IDENTITY";
	case 177:
		return "DENIED_BY_LB_SRC_RANGE_CHECK";
	case 181:
		return "POLICY_DENY";
	case 182:
		return "VLAN_FILTERED";
	case 189:
		return "AUTH_REQUIRED";
	case 196:
		return "TTL_EXCEEDED";
	case 198:
		return "DROP_RATE_LIMITED";
	default:
		return NULL;
	}
}

static const char *const points[] = {
	[EBN_AT_NONE] = "none",
	[EBN_AT_FROM_ENDPOINT] = "from-endpoint",
	[EBN_AT_TO_ENDPOINT] = "to-endpoint",
	[EBN_AT_FROM_NETDEV] = "from-network",
	[EBN_AT_TO_NETDEV] = "to-network",
	[EBN_AT_FROM_HOST] = "from-host",
	[EBN_AT_TO_HOST] = "to-host",
	[EBN_AT_FROM_OVERLAY] = "from-overlay",
	[EBN_AT_TO_OVERLAY] = "to-overlay",
};

const char *ebpfnet_event_point_name(uint8_t point)
{
	return point < EBN_ARRAY_SIZE(points) ? points[point] : "?";
}

static const char *const types[] = {
	[EBN_EV_NONE] = "none",
	[EBN_EV_VERDICT] = "verdict",
	[EBN_EV_DROP] = "drop",
	[EBN_EV_CLOSE] = "close",
	[EBN_EV_SEEN] = "seen",
};

const char *ebpfnet_event_type_name(uint8_t type)
{
	return type < EBN_ARRAY_SIZE(types) ? types[type] : "?";
}

static const char *const verdicts[] = {
	[EBN_V_DENY] = "deny",
	[EBN_V_ALLOW] = "allow",
	[EBN_V_REDIRECT] = "redirect",
	[EBN_V_AUDIT] = "audit",
	[EBN_V_AUTH] = "auth",
};

const char *ebn_verdict_name(uint8_t verdict)
{
	return verdict < EBN_ARRAY_SIZE(verdicts) ? verdicts[verdict] : "?";
}
