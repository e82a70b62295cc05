// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Exports: written, read, damaged in every way. */
#include <netinet/in.h>
#include <zlib.h>

#include "conntrack/image.h"
#include "ct-tables.h"

static struct ebn_flows tables[2], others[2];
static const uint32_t limits[8] = { 80, 80, 800, 80, 800, 80, 80, 800 };

struct buffer {
	uint8_t *data;
	size_t len;
	unsigned int images;
};

static int append(const void *data, size_t len, void *arg)
{
	struct buffer *b = arg;

	b->data = realloc(b->data, b->len + len);
	ck_assert_ptr_nonnull(b->data);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->images++;
	return 0;
}

static struct buffer export_all(void)
{
	struct ebn_ct_walk walk = ct_walk(tables);
	struct buffer b = { .data = NULL };

	ck_assert_int_eq(ebn_image_write(&walk, append, &b), 0);
	return b;
}

struct taken {
	unsigned int flows, imported, present, expired;
};

static int take(const struct ebn_image_flow *flow, void *arg)
{
	struct ebn_ct_walk walk = ct_walk(others);
	struct taken *t = arg;
	struct ebn_flow_copy c;
	bool v6;
	int r;

	t->flows++;
	if (!ebn_image_copy(flow, &walk.view, limits, &v6, &c)) {
		t->expired++;
		return 0;
	}
	r = ebn_flow_import(&others[v6], &c);
	t->imported += r == 1;
	t->present += r == 0;
	return 0;
}

static int count(const struct ebn_image_flow *flow, void *arg)
{
	(void)flow;
	++*(unsigned int *)arg;
	return 0;
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, 4);
	return le32toh(v);
}

static void put32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, 4);
}

/* The checksum of a changed image put right. */
static void sign(uint8_t *image, size_t len)
{
	memset(image + len - 8, 0, 8);
	put32(image + len - 8, (uint32_t)crc32(crc32(0, NULL, 0), image, (uInt)(len - 8)));
}

START_TEST(what_goes_out_comes_in)
{
	static const uint8_t proto[] = { 6, 17, 132, 47 };
	struct taken t = { 0 };
	struct ebn_ct_walk walk;
	struct ebpfnet_ct_entry a, b;
	struct ebn_flow_copy c;
	struct buffer out;
	unsigned int i, n = 0;

	ct_tables_make(tables, CT_SETS);
	ct_tables_make(others, CT_SETS * 2);
	for (i = 0; i < 100; i++) {
		uint8_t p = proto[i % 4], state = (uint8_t)(p == 17 || p == 47 ? EBN_FS_REPLIED : 1 + i / 4 % 5);

		c = ct_flow(i & 1, i, p, state, state >= EBN_FS_ESTABLISHED ? EBN_FF_PROVEN | EBN_FF_FIN_LO : 0);
		ct_put(tables, i & 1, &c);
	}
	/* rewritten flows stay here */
	c = ct_flow(false, 150, 6, EBN_FS_ESTABLISHED, EBN_FF_PROVEN | EBN_FF_NAT);
	ct_put(tables, false, &c);
	/* one is there already, with other counters */
	c = ct_flow(true, 17, 17, EBN_FS_REPLIED, 0);
	c.body.bytes[0] = c.body.bytes[1] = 1;
	ct_put(others, true, &c);
	out = export_all();
	ck_assert_uint_eq(out.images, 1);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, take, &t, NULL), 0);
	ck_assert_uint_eq(t.flows, 100);
	ck_assert_uint_eq(t.imported, 99);
	ck_assert_uint_eq(t.present, 1);
	walk = ct_walk(tables);
	while (ebn_ct_next_copy(&walk, &a, &c)) {
		struct ebpfnet_ct_tuple tuple = { EBPFNET_OPTS_INIT(tuple), .src = a.src, .dst = a.dst,
						  .sport = a.sport, .dport = a.dport, .protocol = a.protocol };
		struct ebn_flow_copy got;
		bool v6;

		if (a.sport == 1150) {
			ck_assert_int_eq(ebn_ct_find(others, &tuple, &v6, &got), -ENOENT);
			continue;
		}
		ck_assert_int_eq(ebn_ct_find(others, &tuple, &v6, &got), 0);
		ebn_ct_entry(&walk.view, &got, v6, &b);
		n++;
		if (a.sport == 1017) {
			ck_assert_uint_eq(b.bytes[0] + b.bytes[1], 2);
			continue;
		}
		ck_assert_mem_eq(&a.src, &b.src, 16);
		ck_assert_uint_eq(a.state, b.state);
		ck_assert_uint_eq(a.flags, b.flags);
		ck_assert_uint_eq(a.bytes[0], b.bytes[0]);
		ck_assert_uint_eq(a.bytes[1], b.bytes[1]);
		ck_assert_uint_eq(a.packets[1], b.packets[1]);
		ck_assert_mem_eq(a.tcp_flags, b.tcp_flags, 2);
		ck_assert_uint_eq(a.idle_ms, b.idle_ms);
		ck_assert_uint_eq(a.age_ms, b.age_ms);
		if ((a.protocol == 6 || a.protocol == 132) && a.state < EBPFNET_CT_ESTABLISHED)
			ck_assert_uint_eq(got.body.aux, 600);
		/* its verdict stands on nothing */
		ck_assert_uint_eq(b.epoch, 1u << 31);
	}
	ck_assert_uint_eq(n, 100);
	free(out.data);
	ct_tables_free(tables);
	ct_tables_free(others);
}
END_TEST

static int take_translated(const struct ebn_image_flow *flow, void *arg)
{
	struct ebn_ct_walk walk = ct_walk(others);
	struct ebn_flow_copy c, port;
	struct taken *t = arg;
	bool v6;

	t->flows++;
	ck_assert_uint_ne(flow->entry.flags & EBPFNET_CT_F_NAT, 0);
	ck_assert(ebn_image_copy(flow, &walk.view, limits, &v6, &c));
	ebn_image_reservation(&flow->entry, &c, 7, 0xabc0005, 3, &port);
	ct_put(others, v6, &c);
	ct_put(others, v6, &port);
	return 0;
}

/* Both entries as they were: the flow's port, and the reservation of it, by another row here. */
START_TEST(masqueraded_flows_keep_address_and_port)
{
	const struct ebpfnet_addr node[2] = { ct_addr("192.0.2.1"), ct_addr("2001:db8:2::1") };
	struct ebn_flow_copy flow[4], port[4], got;
	struct ebn_ct_walk walk;
	struct buffer out = { .data = NULL };
	struct taken t = { 0 };
	unsigned int i, from, hi;

	ct_tables_make(tables, CT_SETS);
	ct_tables_make(others, CT_SETS);
	walk = ct_walk(tables);
	walk.view.tables = tables;
	walk.view.nat_addrs = node;
	walk.view.n_nat_addrs = 2;
	for (i = 0; i < 4; i++) {
		struct ebpfnet_addr dst = ct_addr(i & 1 ? "2001:db8:1::99" : "10.200.0.99");
		uint8_t proto = i < 2 ? 6 : 17;

		flow[i] = ct_flow(i & 1, i, proto, EBN_FS_ESTABLISHED, EBN_FF_NAT | (i < 2 ? EBN_FF_PROVEN : 0));
		from = EBN_CTL_FLAGS(flow[i].body.ctl) & EBN_FF_INIT_HI ? 1 : 0;
		flow[i].body.row[!from] = htons((uint16_t)(4000 + i));
		ct_put(tables, i & 1, &flow[i]);
		memset(&port[i], 0, sizeof(port[i]));
		hi = ebn_ct_key(&node[i & 1], &dst, (uint16_t)(4000 + i), 80, proto, EBN_ZONE_NAT, &port[i].key);
		port[i].body = (struct ebn_flow_body){
			.ctl = EBN_CTL(0, EBN_FS_ESTABLISHED, EBN_FF_NAT | (hi ? EBN_FF_INIT_HI : 0), 0), .seen = 990,
			.decision = 9, .aux = htons((uint16_t)(1000 + i)) | 0x77u << 16,
		};
		port[i].body.row[hi] = flow[i].body.row[from];
		ct_put(tables, i & 1, &port[i]);
	}
	ck_assert_int_eq(ebn_image_write(&walk, append, &out), 0);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, take_translated, &t, NULL), 0);
	ck_assert_uint_eq(t.flows, 4);
	for (i = 0; i < 4; i++) {
		from = EBN_CTL_FLAGS(flow[i].body.ctl) & EBN_FF_INIT_HI ? 1 : 0;
		ck_assert_int_eq(ebn_flow_lookup(&others[i & 1], &flow[i].key, &got), 1);
		ck_assert_uint_eq(ntohs(got.body.row[!from]), 4000 + i);
		ck_assert_uint_eq(EBN_CTL_FLAGS(got.body.ctl), EBN_CTL_FLAGS(flow[i].body.ctl));
		ck_assert_int_eq(ebn_flow_lookup(&others[i & 1], &port[i].key, &got), 1);
		hi = EBN_CTL_FLAGS(port[i].body.ctl) & EBN_FF_INIT_HI ? 1 : 0;
		ck_assert_uint_eq(got.body.row[hi], 7);
		ck_assert_uint_eq(got.body.row[!hi], 0);
		ck_assert_uint_eq(got.body.aux, htons((uint16_t)(1000 + i)) | 5u << 16);
		ck_assert_uint_eq(got.body.decision, 3);
		ck_assert_uint_eq(got.body.seen, 990);
		ck_assert_uint_eq(EBN_CTL_STATE(got.body.ctl), EBN_FS_ESTABLISHED);
		ck_assert_uint_eq(EBN_CTL_FLAGS(got.body.ctl), EBN_CTL_FLAGS(port[i].body.ctl));
	}
	free(out.data);
	ct_tables_free(tables);
	ct_tables_free(others);
}
END_TEST

START_TEST(many_images_and_none)
{
	struct ebn_ct_walk walk;
	struct buffer out;
	unsigned int i, n = 0;
	struct ebn_flow_copy c;

	ct_tables_make(tables, 8192);
	out = export_all();
	ck_assert_uint_eq(out.images, 1);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, count, &n, NULL), 0);
	ck_assert_uint_eq(n, 0);
	free(out.data);
	for (i = 0; i < EBN_IMAGE_RECORDS + 5; i++) {
		c = ct_flow(false, i, 17, EBN_FS_REPLIED, 0);
		ct_put(tables, false, &c);
	}
	out = export_all();
	ck_assert_uint_eq(out.images, 2);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, count, &n, NULL), 0);
	ck_assert_uint_eq(n, EBN_IMAGE_RECORDS + 5);
	/* the last image is cut short: nothing of the first is given */
	n = 0;
	ck_assert_int_eq(ebn_image_read(out.data, out.len - 1, count, &n, NULL), -EBADMSG);
	ck_assert_uint_eq(n, 0);
	free(out.data);
	walk = ct_walk(tables);
	walk.filter.sport = 1003;
	out = (struct buffer){ .data = NULL };
	ck_assert_int_eq(ebn_image_write(&walk, append, &out), 0);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, count, &n, NULL), 0);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_lt(n, 10);
	free(out.data);
	ct_tables_free(tables);
}
END_TEST

START_TEST(over_their_limit_by_now)
{
	struct taken t = { 0 };
	struct ebn_flow_copy c;
	struct buffer out;

	ct_tables_make(tables, CT_SETS);
	ct_tables_make(others, CT_SETS);
	c = ct_flow(false, 1, 17, EBN_FS_REPLIED, 0);
	c.body.seen = 1000 - 80;
	ct_put(tables, false, &c);
	c = ct_flow(false, 2, 17, EBN_FS_REPLIED, 0);
	c.body.seen = 1000 - 81;
	ct_put(tables, false, &c);
	out = export_all();
	ck_assert_int_eq(ebn_image_read(out.data, out.len, take, &t, NULL), 0);
	ck_assert_uint_eq(t.imported, 1);
	ck_assert_uint_eq(t.expired, 1);
	free(out.data);
	ct_tables_free(tables);
	ct_tables_free(others);
}
END_TEST

/* An image of three flows, and where its first record is. */
static struct buffer three(uint8_t **record)
{
	struct ebn_flow_copy c;
	struct buffer out;
	unsigned int i;

	ct_tables_make(tables, CT_SETS);
	for (i = 0; i < 3; i++) {
		c = ct_flow(false, i, 6, EBN_FS_ESTABLISHED, EBN_FF_PROVEN);
		ct_put(tables, false, &c);
	}
	out = export_all();
	ct_tables_free(tables);
	*record = out.data + get32(out.data + EBN_IMAGE_H_HEADER);
	return out;
}

START_TEST(every_flipped_bit_and_every_cut_is_seen)
{
	uint8_t *record;
	struct buffer out = three(&record);
	unsigned int n = 0;
	size_t i;
	int r;

	for (i = 0; i < out.len * 8; i++) {
		out.data[i / 8] ^= (uint8_t)(1u << i % 8);
		r = ebn_image_read(out.data, out.len, count, &n, NULL);
		ck_assert_msg(r == -EBADMSG || r == -EPROTO || r == -E2BIG, "bit %zu: %d", i, r);
		out.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < out.len; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, out.data, i);
		ck_assert_int_eq(ebn_image_read(cut, i, count, &n, NULL), -EBADMSG);
		free(cut);
	}
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(ebn_image_read(out.data, out.len, count, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	free(out.data);
}
END_TEST

static int read_changed(size_t at, uint32_t value, unsigned int bytes, unsigned int *n)
{
	struct ebpfnet_diag *diag;
	uint8_t *record;
	struct buffer out = three(&record);
	uint32_t le = htole32(value);
	int r;

	memcpy(out.data + at, &le, bytes);
	sign(out.data, out.len);
	*n = 0;
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	r = ebn_image_read(out.data, out.len, count, n, diag);
	ck_assert_int_eq(!!ebpfnet_diag_count(diag), r < 0);
	ebpfnet_diag_free(diag);
	free(out.data);
	return r;
}

/* With a right checksum: it is what is in it that is wrong. */
START_TEST(what_is_not_sane_is_refused)
{
	uint8_t *record;
	struct buffer out = three(&record);
	size_t rec = (size_t)(record - out.data), field = EBN_IMAGE_HEADER;
	unsigned int n;

	ck_assert_int_eq(read_changed(EBN_IMAGE_H_MINOR, 9, 2, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_MAJOR, 2, 2, &n), -EPROTO);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_RECORDS, 4, 4, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_RECORDS, EBN_IMAGE_RECORDS_MAX + 1, 4, &n), -E2BIG);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_RECORD, EBN_IMAGE_RECORD_MAX + 1, 4, &n), -E2BIG);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_FIELDS, EBN_IMAGE_FIELDS_MAX + 1, 4, &n), -E2BIG);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_FIELDS, 1, 4, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(EBN_IMAGE_H_HEADER, 64, 4, &n), -EBADMSG);
	/* a field that leaves the record, twice the same, of no size, of another size; one nobody knows is left alone */
	ck_assert_int_eq(read_changed(field + 2, 65535, 2, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(field, EBN_IMAGE_DST, 2, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(field + 4, 0, 2, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(field + 4, 15, 2, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(field + 8 * (EBN_IMAGE_RULE - 1), 999, 2, &n), 0);
	ck_assert_int_eq(read_changed(field, 999, 2, &n), -EBADMSG);
	/* a state that does not exist, established without a proof, ICMPv6 in IPv4, no address, families that differ */
	ck_assert_int_eq(read_changed(rec + 37, EBN_FS_MAX, 1, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + 37, 0, 1, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + 40, 0, 4, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + 36, IPPROTO_ICMPV6, 1, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + 8, 0x01, 4, &n), -EBADMSG);
	/* masqueraded and no address; a port and not masqueraded */
	ck_assert_int_eq(read_changed(rec + 40, EBPFNET_CT_F_PROVEN | EBPFNET_CT_F_NAT, 4, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + get32(out.data + EBN_IMAGE_H_RECORD) - 2, 5, 2, &n), -EBADMSG);
	/* UDP is never half closed */
	ck_assert_int_eq(read_changed(rec + 36, IPPROTO_UDP | EBPFNET_CT_HALF_CLOSED << 8, 2, &n), -EBADMSG);
	ck_assert_int_eq(read_changed(rec + 36, IPPROTO_UDP | EBPFNET_CT_ESTABLISHED << 8, 2, &n), 0);
	ck_assert_uint_eq(n, 3);
	free(out.data);
}
END_TEST

static int stop(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	(void)arg;
	return -EPIPE;
}

START_TEST(who_takes_may_stop)
{
	struct ebn_ct_walk walk;

	ct_tables_make(tables, CT_SETS);
	walk = ct_walk(tables);
	ck_assert_int_eq(ebn_image_write(&walk, stop, NULL), -EPIPE);
	ct_tables_free(tables);
}
END_TEST

RUN_SUITE("ct-image", what_goes_out_comes_in, masqueraded_flows_keep_address_and_port, many_images_and_none,
	  over_their_limit_by_now, every_flipped_bit_and_every_cut_is_seen, what_is_not_sane_is_refused,
	  who_takes_may_stop)
