/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Limits of endpoints' rates, in the lines that programs count in (bpf/lib/rate.h). */
#include "datapath/endpoint.h"

#define EBN_RATE_BITS_MIN 8000ull
#define EBN_RATE_BITS_MAX 1000000000000ull
#define EBN_RATE_BURST_MAX 8000000000ull	/* a gigabyte */
#define EBN_RATE_BURST_LEAST (8ull * (128u << 10))	/* two of the largest segments that devices put together */

/* One switch, so that packets of nodes without limits look no further. */
static void ebn_rate_switch(struct ebpfnet_datapath *dp)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t flags = EBN_READ(hdr->flags) & ~EBN_NODE_F_RATE, i;

	for (i = 1; i < dp->p->n_share; i++)
		if (dp->share[i].rate_bits[0] || dp->share[i].rate_bits[1])
			flags |= EBN_NODE_F_RATE;
	EBN_WRITE(hdr->flags, flags);
}

/* A burst goes with its rate: while they change, one of both is that of before. */
static void ebn_rate_set(struct ebn_flow_share *s, int way, uint64_t bits, uint64_t burst)
{
	uint64_t given = burst, owed;

	if (!burst)
		burst = bits / 4;
	if (!given && burst < EBN_RATE_BURST_LEAST)
		burst = EBN_RATE_BURST_LEAST;
	if (burst > EBN_RATE_BURST_MAX)
		burst = EBN_RATE_BURST_MAX;
	EBN_WRITE(s->burst_bits[way], bits ? given : 0);
	owed = bits ? burst * 1000000 / bits : 0;
	EBN_WRITE(s->burst_us[way], owed < UINT32_MAX ? (uint32_t)owed : UINT32_MAX);
	EBN_WRITE(s->rate_bits[way], bits);
}

void ebn_rate_clear(struct ebpfnet_datapath *dp, uint32_t row)
{
	int way;

	if (!dp->share[row + 1].rate_bits[0] && !dp->share[row + 1].rate_bits[1])
		return;
	for (way = 0; way < 2; way++)
		ebn_rate_set(&dp->share[row + 1], way, 0, 0);
	ebn_rate_switch(dp);
}

static bool ebn_rate_valid(uint64_t bits, uint64_t burst)
{
	if (!bits)
		return !burst;
	return bits >= EBN_RATE_BITS_MIN && bits <= EBN_RATE_BITS_MAX && burst <= EBN_RATE_BURST_MAX;
}

int ebpfnet_endpoint_set_rates(struct ebpfnet_endpoint *ep, const struct ebpfnet_endpoint_rates *rates, size_t size)
{
	struct ebpfnet_endpoint_rates want = { 0 };
	struct ebn_flow_share *s;
	int r;

	if (!rates || size < sizeof(want))
		return -EINVAL;
	memcpy(&want, rates, sizeof(want));
	if (!ebn_rate_valid(want.tx_bits, want.tx_burst) || !ebn_rate_valid(want.rx_bits, want.rx_burst))
		return -EINVAL;
	r = ebn_ep_writable(ep);
	if (r < 0)
		return r;
	s = &ep->dp->share[ep->row + 1];
	ebn_rate_set(s, 0, want.tx_bits, want.tx_burst);
	ebn_rate_set(s, 1, want.rx_bits, want.rx_burst);
	ebn_rate_switch(ep->dp);
	return 0;
}

int ebpfnet_endpoint_get_rates(struct ebpfnet_endpoint *ep, struct ebpfnet_endpoint_rates *ret, size_t size)
{
	struct ebpfnet_endpoint_rates rates;
	const struct ebn_flow_share *s;

	if (!ep || !ret || size < sizeof(rates))
		return -EINVAL;
	if (!ep->dp)
		return -ESTALE;
	s = &ep->dp->share[ep->row + 1];
	rates.tx_bits = EBN_READ(s->rate_bits[0]);
	rates.rx_bits = EBN_READ(s->rate_bits[1]);
	rates.tx_burst = EBN_READ(s->burst_bits[0]);
	rates.rx_burst = EBN_READ(s->burst_bits[1]);
	memcpy(ret, &rates, sizeof(rates));
	return 0;
}
