// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Images that anybody may have written: every number is held against the data before it is used. */
#include "conntrack/image.h"

#include <endian.h>
#include <netinet/in.h>
#include <zlib.h>

struct image {
	const uint8_t *data;
	uint32_t header, n_fields, record, n_records;
	uint64_t total;
	uint16_t offset[EBN_IMAGE_FIELD_MAX];	/* + 1; 0: not there */
};

static const struct {
	const char *name;
	uint16_t bytes;
	bool needed;
} known[EBN_IMAGE_FIELD_MAX] = {
#define EBN_X(n, text, size, must) [n] = { #text, size, must },
	EBN_IMAGE_FIELDS(EBN_X)
#undef EBN_X
};

/* n is at most 8. */
static uint64_t get(const uint8_t *at, size_t n)
{
	uint64_t le = 0;

	memcpy(&le, at, n);
	return le64toh(le);
}

static int read_fields(struct image *im, struct ebpfnet_diag *diag)
{
	const uint8_t *f = im->data + EBN_IMAGE_HEADER;
	uint32_t i, number, offset, bytes;

	for (i = 0; i < im->n_fields; i++, f += EBN_IMAGE_FIELD) {
		number = (uint32_t)get(f, 2);
		offset = (uint32_t)get(f + 2, 2);
		bytes = (uint32_t)get(f + 4, 2);
		if (!bytes || bytes > im->record || offset > im->record - bytes)
			return ebn_diag(diag, NULL, EBADMSG, "field %u is not within a record", number);
		/* one of a later minor version, which we do without */
		if (number >= EBN_IMAGE_FIELD_MAX || !known[number].bytes)
			continue;
		if (im->offset[number] || bytes != known[number].bytes)
			return ebn_diag(diag, NULL, EBADMSG, "field %s is there twice or of a wrong size",
					known[number].name);
		im->offset[number] = (uint16_t)(offset + 1);
	}
	for (i = 0; i < EBN_IMAGE_FIELD_MAX; i++)
		if (known[i].needed && !im->offset[i])
			return ebn_diag(diag, NULL, EBADMSG, "field %s is missing", known[i].name);
	return 0;
}

/* The image at data, of which len bytes are there. */
static int read_head(const uint8_t *data, size_t len, struct image *im, struct ebpfnet_diag *diag)
{
	*im = (struct image){ .data = data };
	if (len < EBN_IMAGE_HEADER || memcmp(data, EBN_IMAGE_MAGIC, 8) != 0)
		return ebn_diag(diag, NULL, EBADMSG, "not an export of flows");
	if (get(data + EBN_IMAGE_H_MAJOR, 2) != EBN_IMAGE_MAJOR)
		return ebn_diag(diag, NULL, EPROTO, "format %u is not known here",
				(unsigned int)get(data + EBN_IMAGE_H_MAJOR, 2));
	im->header = (uint32_t)get(data + EBN_IMAGE_H_HEADER, 4);
	im->total = get(data + EBN_IMAGE_H_TOTAL, 8);
	im->n_fields = (uint32_t)get(data + EBN_IMAGE_H_FIELDS, 4);
	im->record = (uint32_t)get(data + EBN_IMAGE_H_RECORD, 4);
	im->n_records = (uint32_t)get(data + EBN_IMAGE_H_RECORDS, 4);
	if (im->n_fields > EBN_IMAGE_FIELDS_MAX || im->record > EBN_IMAGE_RECORD_MAX ||
	    im->n_records > EBN_IMAGE_RECORDS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "%u fields, records of %u bytes, %u of them: too much", im->n_fields,
				im->record, im->n_records);
	/* no overflow: the limits above keep each part below 2^32 */
	if (im->header != EBN_IMAGE_HEADER + im->n_fields * EBN_IMAGE_FIELD ||
	    im->total != im->header + (uint64_t)im->record * im->n_records + EBN_IMAGE_TRAILER || im->total > len)
		return ebn_diag(diag, NULL, EBADMSG, "cut short, or the sizes in its header are wrong");
	len = (size_t)im->total - EBN_IMAGE_TRAILER;
	if (get(data + len, 8) != crc32(crc32(0, NULL, 0), data, (uInt)len))
		return ebn_diag(diag, NULL, EBADMSG, "damaged: its checksum is wrong");
	return read_fields(im, diag);
}

static uint64_t field(const struct image *im, const uint8_t *record, enum ebn_image_field f)
{
	return im->offset[f] ? get(record + im->offset[f] - 1, known[f].bytes) : 0;
}

static bool sane(const struct ebpfnet_ct_entry *e)
{
	int family = ebpfnet_addr_family(&e->src);
	bool handshake = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_SCTP;

	if (!family || family != ebpfnet_addr_family(&e->dst))
		return false;
	if (e->state == EBPFNET_CT_NONE || e->state > EBPFNET_CT_HALF_CLOSED)
		return false;
	if (!handshake && (e->state == EBPFNET_CT_HALF_CLOSED || e->state == EBPFNET_CT_CLOSING))
		return false;
	/* translated, as its flag says, to an address of its family, and then to a port if it has ports */
	if (e->flags & EBPFNET_CT_F_NAT ? ebpfnet_addr_family(&e->nat_addr) != family || (e->sport && !e->nat_port) :
					  ebpfnet_addr_family(&e->nat_addr) || e->nat_port)
		return false;
	/* only a proven handshake is ever established, and what is not cannot become it by an import */
	if (handshake && e->state >= EBPFNET_CT_ESTABLISHED && !(e->flags & EBPFNET_CT_F_PROVEN))
		return false;
	/* the other family's ICMP */
	return e->protocol != (family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static void read_record(const struct image *im, const uint8_t *r, struct ebn_image_flow *ret)
{
	*ret = (struct ebn_image_flow){
		.entry = {
			.sport = (uint16_t)field(im, r, EBN_IMAGE_SPORT),
			.dport = (uint16_t)field(im, r, EBN_IMAGE_DPORT),
			.protocol = (uint8_t)field(im, r, EBN_IMAGE_PROTOCOL),
			.state = (uint8_t)field(im, r, EBN_IMAGE_STATE),
			.zone = (uint16_t)field(im, r, EBN_IMAGE_ZONE),
			.flags = (uint32_t)field(im, r, EBN_IMAGE_FLAGS),
			.tcp_flags = { (uint8_t)field(im, r, EBN_IMAGE_TCP_FLAGS_INITIATOR),
				       (uint8_t)field(im, r, EBN_IMAGE_TCP_FLAGS_RESPONDER) },
			.packets = { field(im, r, EBN_IMAGE_PACKETS_INITIATOR),
				     field(im, r, EBN_IMAGE_PACKETS_RESPONDER) },
			.bytes = { field(im, r, EBN_IMAGE_BYTES_INITIATOR), field(im, r, EBN_IMAGE_BYTES_RESPONDER) },
			.idle_ms = field(im, r, EBN_IMAGE_IDLE_MS),
			.age_ms = field(im, r, EBN_IMAGE_AGE_MS),
			.rule = (uint32_t)field(im, r, EBN_IMAGE_RULE),
			.nat_port = (uint16_t)field(im, r, EBN_IMAGE_NAT_PORT),
		},
		.sequence = (uint32_t)field(im, r, EBN_IMAGE_SEQUENCE),
	};
	memcpy(ret->entry.src.b, r + im->offset[EBN_IMAGE_SRC] - 1, 16);
	memcpy(ret->entry.dst.b, r + im->offset[EBN_IMAGE_DST] - 1, 16);
	if (im->offset[EBN_IMAGE_NAT_ADDRESS])
		memcpy(ret->entry.nat_addr.b, r + im->offset[EBN_IMAGE_NAT_ADDRESS] - 1, 16);
	else
		/* an export of before they were kept: such flows were left out of it, whatever the flag says */
		ret->entry.flags &= ~EBPFNET_CT_F_NAT;
}

static int check_records(const struct image *im, struct ebpfnet_diag *diag)
{
	struct ebn_image_flow flow;
	uint32_t i;

	for (i = 0; i < im->n_records; i++) {
		read_record(im, im->data + im->header + (size_t)i * im->record, &flow);
		if (!sane(&flow.entry))
			return ebn_diag(diag, NULL, EBADMSG, "record %u is not a flow", i);
	}
	return 0;
}

static int give_records(const struct image *im, int (*fn)(const struct ebn_image_flow *flow, void *arg), void *arg)
{
	struct ebn_image_flow flow;
	uint32_t i;
	int r = 0;

	for (i = 0; i < im->n_records && r >= 0; i++) {
		read_record(im, im->data + im->header + (size_t)i * im->record, &flow);
		r = fn(&flow, arg);
	}
	return r;
}

int ebn_image_read(const void *data, size_t len, int (*fn)(const struct ebn_image_flow *flow, void *arg), void *arg,
		   struct ebpfnet_diag *diag)
{
	const uint8_t *at = data, *end = at + len;
	struct image im;
	int r;

	if (!len)
		return ebn_diag(diag, NULL, EBADMSG, "not an export of flows");
	for (; at < end; at += im.total) {
		r = read_head(at, (size_t)(end - at), &im, diag);
		if (!r)
			r = check_records(&im, diag);
		if (r < 0)
			return r;
	}
	for (at = data; at < end; at += im.total) {
		r = read_head(at, (size_t)(end - at), &im, diag);
		if (!r)
			r = give_records(&im, fn, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Ticks of a time; what is longer than the clock can tell is the longest it can. */
static uint32_t ticks_of(uint64_t ms, uint64_t tick_ns)
{
	uint64_t most = INT32_MAX / 2, ticks = ms > UINT64_MAX / 1000000u ? most : ms * 1000000u / tick_ns;

	return (uint32_t)(ticks < most ? ticks : most);
}

bool ebn_image_copy(const struct ebn_image_flow *flow, const struct ebn_ct_view *view, const uint32_t *idle_ticks,
		    bool *ret_v6, struct ebn_flow_copy *ret)
{
	const struct ebpfnet_ct_entry *e = &flow->entry;
	uint32_t idle = ticks_of(e->idle_ms, view->tick_ns), age = ticks_of(e->age_ms, view->tick_ns), f = e->flags;
	bool handshake = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_SCTP;
	unsigned int from;
	uint8_t flags;

	if (idle > EBN_READ(idle_ticks[ebn_flow_idle_index(e->protocol, e->state)]))
		return false;
	memset(ret, 0, sizeof(*ret));
	from = ebn_ct_key(&e->src, &e->dst, e->sport, e->dport, e->protocol, e->zone, &ret->key);
	flags = (uint8_t)((from ? EBN_FF_INIT_HI : 0) | (f & EBPFNET_CT_F_PROVEN ? EBN_FF_PROVEN : 0) |
			  (f & EBPFNET_CT_F_PICKED_UP ? EBN_FF_IMPORTED : 0) |
			  (f & EBPFNET_CT_F_AUDIT ? EBN_FF_AUDIT : 0) | (f & EBPFNET_CT_F_NAT ? EBN_FF_NAT : 0) |
			  (f & EBPFNET_CT_F_FIN_INITIATOR ? (from ? EBN_FF_FIN_HI : EBN_FF_FIN_LO) : 0) |
			  (f & EBPFNET_CT_F_FIN_RESPONDER ? (from ? EBN_FF_FIN_LO : EBN_FF_FIN_HI) : 0));
	ret->body = (struct ebn_flow_body){
		.ctl = EBN_CTL(0, e->state, flags, view->epoch),
		.seen = view->now - idle,
		.decision = UINT16_MAX,
		.aux = handshake && !(flags & (EBN_FF_PROVEN | EBN_FF_IMPORTED)) ? flow->sequence :
			view->now - (age > idle ? age : idle),
	};
	ret->body.packets[from] = (uint32_t)e->packets[0];
	ret->body.packets[!from] = (uint32_t)e->packets[1];
	ret->body.bytes[from] = e->bytes[0];
	ret->body.bytes[!from] = e->bytes[1];
	ret->body.tcp_flags[from] = e->tcp_flags[0];
	ret->body.tcp_flags[!from] = e->tcp_flags[1];
	if (f & EBPFNET_CT_F_NAT)
		ret->body.row[!from] = htons(e->nat_port);
	*ret_v6 = ebpfnet_addr_family(&e->src) == 6;
	return true;
}

void ebn_image_reservation(const struct ebpfnet_ct_entry *e, const struct ebn_flow_copy *flow, uint16_t row,
			   uint32_t incarnation, uint16_t id, struct ebn_flow_copy *ret)
{
	uint8_t state = (uint8_t)EBN_CTL_STATE(flow->body.ctl);
	unsigned int node;

	memset(ret, 0, sizeof(*ret));
	node = ebn_ct_key(&e->nat_addr, &e->dst, e->nat_port, e->dport, e->protocol, EBN_ZONE_NAT, &ret->key);
	ret->body = (struct ebn_flow_body){
		.ctl = EBN_CTL(0, state, EBN_FF_NAT | (node ? EBN_FF_INIT_HI : 0), 0),
		.seen = flow->body.seen,
		.decision = id,
		.aux = htons(e->sport) | incarnation << 16,
	};
	ret->body.row[node] = row;
}
