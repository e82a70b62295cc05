/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of lib/service/ share.
 *
 *	spec.c		a service as it was asked for: checked, copied, compared, stored
 *	record.c	and as it is stored
 *	rows.c		VIP rows and frontend rows, their chains
 *	sets.c		backend rows, sets
 *	sources.c	source ranges
 *	health_port.c	who has which
 *	engine.c	changes: everything is prepared, then carried out by what cannot fail
 *	change.c	what callers ask for, as changes
 *	adopt.c		taking tables over
 *	read.c		answers out of the mapped tables
 */
#ifndef EBN_SERVICE_INTERNAL_H
#define EBN_SERVICE_INTERNAL_H

#include "core/index.h"
#include "service/service.h"

#define EBN_SVC_ROWS_MAX (1u << 18)
#define EBN_SVC_BACKENDS_MAX (1u << 18)
#define EBN_SVC_NODE_ADDRS_MAX 256u
#define EBN_SVC_NONE_ID UINT32_MAX

/* ---- spec.c ---- */
struct ebn_svc_front {
	uint32_t addr[4];	/* masked; IPv4 mapped */
	uint16_t first, last;
	uint8_t proto, plen;
	uint8_t kind;		/* enum ebpfnet_frontend_kind */
	uint8_t row_kind;	/* enum ebn_svc_kind */
};

struct ebn_svc_backend {
	uint32_t addr[4];
	uint16_t port, weight;
	uint8_t proto, state;
	uint16_t reserved;
	const char *zone, *node; /* in the spec's strings, "" when there is none */
};

struct ebn_svc_source {
	uint32_t addr[4];
	uint32_t plen;		/* of 128 */
	uint32_t deny;
};

/* One block of memory. */
struct ebn_svc_spec {
	const char *name;
	uint32_t algorithm, affinity;
	uint8_t internal_local, external_local, prefer_zone, silent, forwarding;
	uint16_t health_port;	/* 0: none */
	uint32_t n_front, n_backend, n_source;
	struct ebn_svc_front *front;	/* node ports in both families: twice as many as were asked for at most */
	struct ebn_svc_backend *backend;
	struct ebn_svc_source *source;
	uint32_t strings;	/* bytes */
	char *string;		/* all of them; the name first */
};

/* Clears the bits behind a prefix. */
void ebn_svc_addr_mask(uint32_t a[4], unsigned int plen);
int ebn_svc_spec_new(const struct ebpfnet_service_opts *o, struct ebpfnet_diag *diag, struct ebn_svc_spec **ret);
int ebn_svc_node_spec(const struct ebpfnet_service_node_opts *o, struct ebpfnet_diag *diag, struct ebn_svc_spec **ret);
/* Does a frontend of this kind answer at addresses of this node? */
bool ebn_svc_own_node(uint8_t kind);
/* Do its packets of this protocol go to backends that answer their clients themselves? 0 or EBN_SVC_F_DIRECT_*. */
uint32_t ebn_svc_direct(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f);
/* Do its packets go to backends in packets of their own? */
bool ebn_svc_encapsulated(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f);
/* Is it of the frontend's family and protocol? */
bool ebn_svc_serves(const struct ebn_svc_backend *b, const struct ebn_svc_front *f);
bool ebn_svc_carries(const struct ebn_svc_spec *spec, const struct ebn_svc_backend *b, const struct ebn_svc_front *f);
bool ebn_svc_spec_equal(const struct ebn_svc_spec *a, const struct ebn_svc_spec *b);
int ebn_svc_spec_copy(const struct ebn_svc_spec *from, struct ebn_svc_spec **ret);
/* As stored: payload of an EBN_X_SVC_RECORD. */
uint32_t ebn_svc_record_size(const struct ebn_svc_spec *s);
void ebn_svc_record_write(const struct ebn_svc_spec *s, uint32_t number, void *payload);
/* -EPROTO: not sane. payload must not change meanwhile. */
int ebn_svc_record_read(const void *payload, uint32_t len, uint32_t number, struct ebn_svc_spec **ret);
/* The spec as a caller would have said it; *ret points into s and the arrays, which the caller frees. -ENOMEM. */
struct ebn_svc_view {
	struct ebpfnet_service_opts opts;
	struct ebpfnet_frontend *front;
	struct ebpfnet_backend *backend;
	struct ebpfnet_source_range *source;
};
int ebn_svc_spec_view(const struct ebn_svc_spec *s, struct ebn_svc_view *ret);
void ebn_svc_view_done(struct ebn_svc_view *v);

/* ---- the writer's memory ---- */
enum ebn_svc_place {
	EBN_SVC_FREE,
	EBN_SVC_HELD,		/* filled, nobody can reach it */
	EBN_SVC_LIVE,
	EBN_SVC_DYING,		/* free after a grace period */
};

struct ebn_svc_rowinfo {
	uint8_t place;
	uint32_t service;	/* its number; VIPs: 0 */
	uint32_t refs;		/* VIPs: frontends below it, and 1 when it is a node address */
	uint32_t ranges, anys, nodes, ipips; /* VIPs: of these */
	uint32_t claim;		/* change in which a frontend took it over */
};

struct ebn_svc_beinfo {
	uint8_t place;
	uint32_t refs;		/* sets and services that hold it */
};

struct ebn_svc_setinfo {
	uint32_t off;		/* 0: unused */
	uint32_t refs;
	uint64_t content;
	bool live;		/* was published */
};

/* A frontend of a service in the tables. */
struct ebn_svc_place_front {
	uint32_t row, vip;
	uint32_t set[EBN_SVC_FROMS];	/* numbers of sets */
	bool taken;		/* the row was the old service's */
};

struct ebn_svc {
	struct ebn_svc_spec *spec;
	uint32_t number;
	uint32_t record;	/* payload */
	uint32_t sources;	/* payload; 0: none */
	bool sources_taken;	/* was the old service's */
	uint32_t change;	/* in which it is going to be replaced or removed */
	struct ebn_svc_place_front *front;
	uint32_t fronts;	/* of them done */
	uint32_t *backend;	/* rows */
	uint32_t backends;	/* of them done */
};

struct ebn_svc_stack {
	uint32_t *v;
	size_t n, cap;
};

struct ebn_services {
	struct ebpfnet_ctx *ctx;
	struct ebn_node *nt;
	struct ebn_svc_counters counters;
	uint32_t change;	/* number of the change under way */
	/* rows and heads: as many, a power of two; 0 before the first service */
	uint32_t rows, rows_used;
	struct ebn_svc_rowinfo *row;
	uint8_t *chain;		/* rows in each, held ones included */
	struct ebn_svc_stack row_free;
	struct ebn_index row_index;
	uint32_t plens[128];	/* VIPs by length */
	/* backends */
	uint32_t backends, backends_used;
	struct ebn_svc_beinfo *backend;
	struct ebn_svc_stack backend_free;
	struct ebn_index backend_index;
	/* sets */
	struct ebn_svc_setinfo *set;
	size_t sets, set_cap;
	struct ebn_svc_stack set_free;
	struct ebn_index set_index;
	/* services by number; 0 is the node's record */
	struct ebn_svc **svc;
	uint32_t records, count;
	uint32_t staged;	/* the records after the change under way */
	struct ebn_svc_stack number_free;
	struct ebn_index name_index;
	/* this node */
	struct ebn_svc_spec *node; /* its addresses are the frontends, its name and zone are the one backend's */
	uint32_t node_record;
	uint32_t *node_vip;	/* rows, one for each frontend */
	/* while adopting */
	struct ebn_svc_stack old_sources;
	size_t old_sets;
};

int ebn_svc_push(struct ebn_svc_stack *st, uint32_t v);
uint64_t ebn_svc_name_hash(const char *name);

/* ---- rows.c ---- */
struct ebn_svc_row *ebn_svc_row(struct ebn_services *s, uint32_t row);
uint64_t ebn_svc_row_hash(const struct ebn_svc_row *r);
struct ebn_svc_head *ebn_svc_heads(struct ebn_services *s);
/* Room for n more rows; the arrays grow. -ENOSPC, -ENOMEM. */
int ebn_svc_rows_reserve(struct ebn_services *s, uint32_t n);
/* A row with this key, HELD. -ENOSPC: its chain is full. */
int ebn_svc_row_new(struct ebn_services *s, const struct ebn_svc_row *key, uint32_t *ret);
void ebn_svc_row_drop(struct ebn_services *s, uint32_t row);	/* HELD -> FREE */
void ebn_svc_row_link(struct ebn_services *s, uint32_t row);	/* HELD -> LIVE */
void ebn_svc_row_unlink(struct ebn_services *s, uint32_t row);	/* LIVE -> DYING; room for one deferral is there */
/* The VIP row of an address, made if it is not there; a reference. -ENOSPC. */
int ebn_svc_vip_get(struct ebn_services *s, const uint32_t addr[4], uint8_t plen, uint32_t *ret);
void ebn_svc_vip_put(struct ebn_services *s, uint32_t row);
/* A frontend comes to or leaves its VIP; EBN_SVC_VIP: this node does. With EBN_SVC_IPIP: it has EBN_SVC_F_IPIP. */
#define EBN_SVC_IPIP 0x80u
void ebn_svc_vip_count(struct ebn_services *s, uint32_t vip, uint8_t kind, int by);
/* Makes the VIP row say what its counts say; links it if it is HELD. */
void ebn_svc_vip_show(struct ebn_services *s, uint32_t vip);
void ebn_svc_plens_show(struct ebn_services *s);
/* Behind the stores of a change: what programs remember of services is to be looked at again. */
void ebn_svc_changed(struct ebn_services *s);
int ebn_svc_rows_adopt(struct ebn_services *s, struct ebpfnet_diag *diag);

/* ---- sets.c ---- */
int ebn_svc_backends_reserve(struct ebn_services *s, uint32_t n);
struct ebn_backend_row *ebn_svc_backend(struct ebn_services *s, uint32_t row);
uint64_t ebn_svc_backend_hash(const uint32_t addr[4], uint16_t port_be, uint8_t proto);
int ebn_svc_backend_get(struct ebn_services *s, const struct ebn_svc_backend *b, uint32_t *ret);
void ebn_svc_backend_put(struct ebn_services *s, uint32_t row);
/* The set of a frontend; a reference. -ENOSPC, -ENOMEM. */
int ebn_svc_set_get(struct ebn_services *s, const struct ebn_svc *svc, const struct ebn_svc_front *f,
		    enum ebn_svc_from from, uint32_t *ret);
/* Are its clients outside served by tc on node devices? Where all its backends for them are on this node. */
bool ebn_svc_outside(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f);
/* So they are, wherever its backends are, while the datapath has addresses for that. */
bool ebn_svc_anywhere(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f);
/* Would both sides of a frontend be served by one set? */
bool ebn_svc_set_one(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f);
void ebn_svc_set_put(struct ebn_services *s, uint32_t set);
/* Backends on the node of that name which clients outside may be given. */
uint32_t ebn_svc_local(const struct ebn_svc_spec *spec, const char *node);
int ebn_svc_sets_adopt(struct ebn_services *s, struct ebpfnet_diag *diag);
/* Payload of the flattened ranges. 0 and off 0: everybody. */
int ebn_svc_sources_new(struct ebn_services *s, const struct ebn_svc_spec *spec, uint32_t *ret);
bool ebn_svc_sources_equal(const struct ebn_svc_spec *a, const struct ebn_svc_spec *b);
bool ebn_svc_node_is(const struct ebn_services *s, const char *node);
bool ebn_svc_zone_is(const struct ebn_services *s, const char *zone);

/* ---- engine.c ---- */
struct ebn_svc_change {
	struct ebn_svc *old, *new;
};
struct ebn_svc_changes {
	struct ebn_svc_change *c;
	size_t n, cap;
};
int ebn_svc_prepare(struct ebn_services *s, struct ebn_svc_changes *c, struct ebpfnet_diag *diag);
/* After ebn_svc_prepare(), before ebn_svc_carry_out(). */
int ebn_svc_records_stage(struct ebn_services *s, const struct ebn_svc_changes *c);
void ebn_svc_carry_out(struct ebn_services *s, struct ebn_svc_changes *c);
/* Makes a prepared service reachable. */
void ebn_svc_show(struct ebn_services *s, struct ebn_svc *svc);
void ebn_svc_abort(struct ebn_services *s, struct ebn_svc_changes *c);
int ebn_svc_new(struct ebn_services *s, struct ebn_svc_spec *spec, struct ebn_svc **ret);
void ebn_svc_free(struct ebn_svc *svc);
struct ebn_svc *ebn_svc_find(struct ebn_services *s, const char *name);
/* ---- health_port.c ---- */
/* Has nobody else the health ports of a change, as one or as a port of the node? -EEXIST (diag), -ENOMEM. */
int ebn_svc_health_ports(struct ebn_services *s, const struct ebn_svc_changes *c, struct ebpfnet_diag *diag);
/* ---- adopt.c ---- */
int ebn_svc_records_reserve(struct ebn_services *s, uint32_t n);
uint32_t *ebn_svc_record_cell(struct ebn_services *s, uint32_t number);

#endif
