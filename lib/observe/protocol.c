// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <netinet/in.h>

#include "observe/internal.h"

const char *ebn_protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_ICMP:
		return "ICMPv4";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	case IPPROTO_IGMP:
		return "IGMP";
	case IPPROTO_GRE:
		return "GRE";
	case IPPROTO_ESP:
		return "ESP";
	case IPPROTO_AH:
		return "AH";
	case 112:
		return "VRRP";
	default:
		return NULL;
	}
}

static const char *icmp4_name(uint16_t type)
{
	switch (type) {
	case 0:
		return "EchoReply";
	case 3:
		return "DestinationUnreachable";
	case 4:
		return "SourceQuench";
	case 5:
		return "Redirect";
	case 8:
		return "EchoRequest";
	case 9:
		return "RouterAdvertisement";
	case 10:
		return "RouterSolicitation";
	case 11:
		return "TimeExceeded";
	case 12:
		return "ParameterProblem";
	case 13:
		return "TimestampRequest";
	case 14:
		return "TimestampReply";
	default:
		return NULL;
	}
}

static const char *icmp6_name(uint16_t type)
{
	switch (type) {
	case 1:
		return "DestinationUnreachable";
	case 2:
		return "PacketTooBig";
	case 3:
		return "TimeExceeded";
	case 4:
		return "ParameterProblem";
	case 128:
		return "EchoRequest";
	case 129:
		return "EchoReply";
	case 130:
		return "MulticastListenerQuery";
	case 131:
		return "MulticastListenerReport";
	case 132:
		return "MulticastListenerDone";
	case 133:
		return "RouterSolicitation";
	case 134:
		return "RouterAdvertisement";
	case 135:
		return "NeighborSolicitation";
	case 136:
		return "NeighborAdvertisement";
	case 137:
		return "Redirect";
	case 143:
		return "MulticastListenerReportV2";
	default:
		return NULL;
	}
}

const char *ebn_icmp_name(bool v6, uint16_t type)
{
	return v6 ? icmp6_name(type) : icmp4_name(type);
}
