/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flows outside of tables: the format of ebpfnet-flows(5). An export is one image or more, one behind the other; each is
 * complete in itself: a header, a list of the fields that its records have, the records, a checksum. All numbers are
 * little-endian.
 */
#ifndef EBN_CONNTRACK_IMAGE_H
#define EBN_CONNTRACK_IMAGE_H

#include "conntrack/conntrack.h"

#define EBN_IMAGE_MAGIC "EBNFLOWS"
#define EBN_IMAGE_MAJOR 1u
#define EBN_IMAGE_MINOR 1u
#define EBN_IMAGE_HEADER 64u
#define EBN_IMAGE_FIELD 8u
#define EBN_IMAGE_TRAILER 8u
/* Limits of what is read, whoever has written it. */
#define EBN_IMAGE_FIELDS_MAX 256u
#define EBN_IMAGE_RECORD_MAX 4096u
#define EBN_IMAGE_RECORDS_MAX 65536u
/* What we write. */
#define EBN_IMAGE_RECORDS 16384u

/* Offsets in the header. */
enum {
	EBN_IMAGE_H_MAJOR = 8,
	EBN_IMAGE_H_MINOR = 10,
	EBN_IMAGE_H_HEADER = 12,	/* u32: bytes before the first record */
	EBN_IMAGE_H_TOTAL = 16,		/* u64: bytes of the image, trailer included */
	EBN_IMAGE_H_FIELDS = 24,	/* u32 */
	EBN_IMAGE_H_RECORD = 28,	/* u32: bytes of one record */
	EBN_IMAGE_H_RECORDS = 32,	/* u32 */
	EBN_IMAGE_H_TIME = 40,		/* u64: CLOCK_REALTIME in ns */
};

/* Fields: X(number, NAME, bytes, needed). The numbers are the format's, append only. */
#define EBN_IMAGE_FIELDS(X)                                                                                \
	X(1, SRC, 16, 1)                                                                                   \
	X(2, DST, 16, 1)                                                                                   \
	X(3, SPORT, 2, 1)                                                                                  \
	X(4, DPORT, 2, 1)                                                                                  \
	X(5, PROTOCOL, 1, 1)                                                                               \
	X(6, STATE, 1, 1)                                                                                  \
	X(7, ZONE, 2, 0)                                                                                   \
	X(8, FLAGS, 4, 0)                                                                                  \
	X(9, TCP_FLAGS_INITIATOR, 1, 0)                                                                    \
	X(10, TCP_FLAGS_RESPONDER, 1, 0)                                                                   \
	X(11, PACKETS_INITIATOR, 8, 0)                                                                     \
	X(12, PACKETS_RESPONDER, 8, 0)                                                                     \
	X(13, BYTES_INITIATOR, 8, 0)                                                                       \
	X(14, BYTES_RESPONDER, 8, 0)                                                                       \
	X(15, IDLE_MS, 8, 1)                                                                               \
	X(16, AGE_MS, 8, 0)                                                                                \
	X(17, SEQUENCE, 4, 0)                                                                              \
	X(18, RULE, 4, 0)                                                                                  \
	X(19, NAT_ADDRESS, 16, 0)                                                                          \
	X(20, NAT_PORT, 2, 0)

enum ebn_image_field {
#define EBN_X(n, name, bytes, needed) EBN_IMAGE_##name = n,
	EBN_IMAGE_FIELDS(EBN_X)
#undef EBN_X
	EBN_IMAGE_FIELD_MAX
};

/* A flow in words: what an entry says, and the number that proves a handshake that is under way. */
struct ebn_image_flow {
	struct ebpfnet_ct_entry entry;
	uint32_t sequence;
};

/* Writes all flows of a walk but those whose translation is not known. 0, -ENOMEM, or what fn returned below 0. */
int ebn_image_write(struct ebn_ct_walk *walk, ebpfnet_ct_write_fn fn, void *userdata);

/*
 * Reads and checks images to their end; fn is called with each flow, in a second pass when all is right. 0, -EBADMSG, -EPROTO,
 * -E2BIG (diag), or what fn returned below 0.
 */
int ebn_image_read(const void *data, size_t len, int (*fn)(const struct ebn_image_flow *flow, void *arg), void *arg,
		   struct ebpfnet_diag *diag);

/*
 * The entry of a flow as it goes into a table; false: it is over its limit. v6 says which table. A translated flow's has its port,
 * and its reservation is another entry.
 */
bool ebn_image_copy(const struct ebn_image_flow *flow, const struct ebn_ct_view *view, const uint32_t *idle_ticks,
		    bool *ret_v6, struct ebn_flow_copy *ret);
/* The reservation of a translated flow, whose entry is flow: of an endpoint's row, number and incarnation, by the device's row of id. */
void ebn_image_reservation(const struct ebpfnet_ct_entry *e, const struct ebn_flow_copy *flow, uint16_t row,
			   uint32_t incarnation, uint16_t id, struct ebn_flow_copy *ret);

#endif
