// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conntrack/image.h"

#include <endian.h>
#include <zlib.h>

static const struct {
	uint16_t number, bytes;
} fields[] = {
#define EBN_X(n, name, bytes, needed) { n, bytes },
	EBN_IMAGE_FIELDS(EBN_X)
#undef EBN_X
};

#define EBN_X(n, name, bytes, needed) + (bytes)
enum { RECORD = 0 EBN_IMAGE_FIELDS(EBN_X) };
#undef EBN_X
#define HEAD (EBN_IMAGE_HEADER + EBN_ARRAY_SIZE(fields) * EBN_IMAGE_FIELD)
#define SPACE (HEAD + EBN_IMAGE_RECORDS * (size_t)RECORD + EBN_IMAGE_TRAILER)

/* n is at most 8. */
static void put(uint8_t *at, uint64_t value, size_t n)
{
	uint64_t le = htole64(value);

	memcpy(at, &le, n);
}

static void put_head(uint8_t *image, uint32_t records)
{
	uint8_t *f = image + EBN_IMAGE_HEADER;
	uint16_t offset = 0;
	size_t i;

	memset(image, 0, HEAD);
	memcpy(image, EBN_IMAGE_MAGIC, 8);
	put(image + EBN_IMAGE_H_MAJOR, EBN_IMAGE_MAJOR, 2);
	put(image + EBN_IMAGE_H_MINOR, EBN_IMAGE_MINOR, 2);
	put(image + EBN_IMAGE_H_HEADER, HEAD, 4);
	put(image + EBN_IMAGE_H_TOTAL, HEAD + (uint64_t)records * RECORD + EBN_IMAGE_TRAILER, 8);
	put(image + EBN_IMAGE_H_FIELDS, EBN_ARRAY_SIZE(fields), 4);
	put(image + EBN_IMAGE_H_RECORD, RECORD, 4);
	put(image + EBN_IMAGE_H_RECORDS, records, 4);
	put(image + EBN_IMAGE_H_TIME, ebn_realtime_ns(), 8);
	for (i = 0; i < EBN_ARRAY_SIZE(fields); i++, f += EBN_IMAGE_FIELD) {
		put(f, fields[i].number, 2);
		put(f + 2, offset, 2);
		put(f + 4, fields[i].bytes, 2);
		offset = (uint16_t)(offset + fields[i].bytes);
	}
}

static void put_record(uint8_t *at, const struct ebn_image_flow *flow)
{
	const struct ebpfnet_ct_entry *e = &flow->entry;
	const uint64_t number[EBN_IMAGE_FIELD_MAX] = {
		[EBN_IMAGE_SPORT] = e->sport,
		[EBN_IMAGE_DPORT] = e->dport,
		[EBN_IMAGE_PROTOCOL] = e->protocol,
		[EBN_IMAGE_STATE] = e->state,
		[EBN_IMAGE_ZONE] = e->zone,
		[EBN_IMAGE_FLAGS] = e->flags,
		[EBN_IMAGE_TCP_FLAGS_INITIATOR] = e->tcp_flags[0],
		[EBN_IMAGE_TCP_FLAGS_RESPONDER] = e->tcp_flags[1],
		[EBN_IMAGE_PACKETS_INITIATOR] = e->packets[0],
		[EBN_IMAGE_PACKETS_RESPONDER] = e->packets[1],
		[EBN_IMAGE_BYTES_INITIATOR] = e->bytes[0],
		[EBN_IMAGE_BYTES_RESPONDER] = e->bytes[1],
		[EBN_IMAGE_IDLE_MS] = e->idle_ms,
		[EBN_IMAGE_AGE_MS] = e->age_ms,
		[EBN_IMAGE_SEQUENCE] = flow->sequence,
		[EBN_IMAGE_RULE] = e->rule,
		[EBN_IMAGE_NAT_PORT] = e->nat_port,
	};
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(fields); at += fields[i].bytes, i++) {
		if (fields[i].number == EBN_IMAGE_SRC)
			memcpy(at, e->src.b, 16);
		else if (fields[i].number == EBN_IMAGE_DST)
			memcpy(at, e->dst.b, 16);
		else if (fields[i].number == EBN_IMAGE_NAT_ADDRESS)
			memcpy(at, e->nat_addr.b, 16);
		else
			put(at, number[fields[i].number], fields[i].bytes);
	}
}

static int flush(uint8_t *image, uint32_t records, ebpfnet_ct_write_fn fn, void *userdata)
{
	size_t len = HEAD + (size_t)records * RECORD;

	put_head(image, records);
	put(image + len, crc32(crc32(0, NULL, 0), image, (uInt)len), 8);
	return fn(image, len + EBN_IMAGE_TRAILER, userdata);
}

int ebn_image_write(struct ebn_ct_walk *walk, ebpfnet_ct_write_fn fn, void *userdata)
{
	_free_ uint8_t *image = malloc(SPACE);
	struct ebn_image_flow flow;
	struct ebn_flow_copy c;
	uint32_t n = 0;
	int r = 0;

	if (!image)
		return -ENOMEM;
	while (r >= 0 && ebn_ct_next_copy(walk, &flow.entry, &c)) {
		/* what a service has translated needs more than the flow; a port, its reservation, which may be gone */
		if (EBN_CTL_FLAGS(c.body.ctl) & EBN_FF_SVC || !flow.entry.state)
			continue;
		if (EBN_CTL_FLAGS(c.body.ctl) & EBN_FF_NAT && !ebpfnet_addr_family(&flow.entry.nat_addr))
			continue;
		flow.sequence = c.body.aux;
		put_record(image + HEAD + (size_t)n * RECORD, &flow);
		if (++n < EBN_IMAGE_RECORDS)
			continue;
		r = flush(image, n, fn, userdata);
		n = 0;
	}
	/* an export of nothing is an image of nothing */
	if (r >= 0)
		r = flush(image, n, fn, userdata);
	return r < 0 ? r : 0;
}
