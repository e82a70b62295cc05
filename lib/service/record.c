// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A service as it is stored in the node tables, for a restarted writer and for readers; and as a caller would say it. */
#include <netinet/in.h>

#include "service/internal.h"

struct record_head {
	uint32_t number, bytes;
	uint32_t algorithm, affinity;
	uint8_t internal_local, external_local, prefer_zone, silent;
	uint32_t n_front, n_backend, n_source, strings;
	uint8_t forwarding, reserved;
	uint16_t health_port;
};

struct record_backend {
	uint32_t addr[4];
	uint16_t port, weight;
	uint8_t proto, state;
	uint16_t reserved;
	uint32_t zone, node;	/* into the strings */
};
EBN_ASSERT(sizeof(struct record_head) == 40, "head of a record");
EBN_ASSERT(sizeof(struct record_backend) == 32, "a backend of a record");

static uint64_t bytes_of(uint64_t fronts, uint64_t backends, uint64_t sources, uint64_t strings)
{
	return sizeof(struct record_head) + fronts * sizeof(struct ebn_svc_front) +
	       backends * sizeof(struct record_backend) + sources * sizeof(struct ebn_svc_source) + strings;
}

uint32_t ebn_svc_record_size(const struct ebn_svc_spec *s)
{
	return (uint32_t)bytes_of(s->n_front, s->n_backend, s->n_source, s->strings);
}

void ebn_svc_record_write(const struct ebn_svc_spec *s, uint32_t number, void *payload)
{
	struct record_head h = {
		.number = number,
		.bytes = ebn_svc_record_size(s),
		.algorithm = s->algorithm,
		.affinity = s->affinity,
		.internal_local = s->internal_local,
		.external_local = s->external_local,
		.prefer_zone = s->prefer_zone,
		.silent = s->silent,
		.forwarding = s->forwarding,
		.health_port = s->health_port,
		.n_front = s->n_front,
		.n_backend = s->n_backend,
		.n_source = s->n_source,
		.strings = s->strings,
	};
	char *p = payload;
	uint32_t i;

	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	memcpy(p, s->front, s->n_front * sizeof(*s->front));
	p += s->n_front * sizeof(*s->front);
	for (i = 0; i < s->n_backend; i++, p += sizeof(struct record_backend)) {
		const struct ebn_svc_backend *b = &s->backend[i];
		struct record_backend r = {
			.port = b->port,
			.weight = b->weight,
			.proto = b->proto,
			.state = b->state,
			.zone = (uint32_t)(b->zone - s->string),
			.node = (uint32_t)(b->node - s->string),
		};

		memcpy(r.addr, b->addr, sizeof(r.addr));
		memcpy(p, &r, sizeof(r));
	}
	memcpy(p, s->source, s->n_source * sizeof(*s->source));
	p += s->n_source * sizeof(*s->source);
	memcpy(p, s->string, s->strings);
}

static bool head_sane(const struct record_head *h, uint32_t len, uint32_t number)
{
	return h->number == number && h->n_front <= 2 * EBPFNET_SERVICE_FRONTENDS_MAX &&
	       h->n_backend <= EBPFNET_SERVICE_BACKENDS_MAX && h->n_source <= EBPFNET_SERVICE_SOURCES_MAX &&
	       h->strings && h->strings <= EBN_NODE_SIZE_MAX &&
	       h->bytes <= len && bytes_of(h->n_front, h->n_backend, h->n_source, h->strings) == h->bytes;
}

static bool front_sane(const struct ebn_svc_front *f)
{
	return f->plen <= 128 && f->row_kind >= EBN_SVC_PORT && f->row_kind <= EBN_SVC_ANY && f->first <= f->last &&
	       f->kind <= EBPFNET_FRONTEND_HOST_PORT;
}

/* What head said of the sizes is checked; the rest is here. */
static int spec_sane(const struct ebn_svc_spec *s)
{
	uint32_t i;

	if (s->forwarding > EBPFNET_FORWARDING_HYBRID)
		return -EPROTO;
	if (s->string[s->strings - 1] || (!*s->name && s->n_backend))
		return -EPROTO;
	for (i = 0; i < s->n_front; i++)
		if (!front_sane(&s->front[i]))
			return -EPROTO;
	for (i = 0; i < s->n_backend; i++)
		if (!s->backend[i].weight || s->backend[i].state > EBPFNET_BACKEND_MAINTENANCE)
			return -EPROTO;
	for (i = 0; i < s->n_source; i++)
		if (s->source[i].plen > 128 || s->source[i].deny > 1)
			return -EPROTO;
	return 0;
}

int ebn_svc_record_read(const void *payload, uint32_t len, uint32_t number, struct ebn_svc_spec **ret)
{
	const char *p = payload;
	struct ebn_svc_spec *s;
	struct record_backend r;
	struct record_head h;
	uint32_t i;
	int err = 0;

	if (len < sizeof(h))
		return -EPROTO;
	memcpy(&h, p, sizeof(h));
	if (!head_sane(&h, len, number))
		return -EPROTO;
	s = ebn_calloc(1, sizeof(*s) + h.n_backend * sizeof(*s->backend) + h.n_front * sizeof(*s->front) +
			       h.n_source * sizeof(*s->source) + h.strings);
	if (!s)
		return -ENOMEM;
	s->backend = (struct ebn_svc_backend *)(s + 1);
	s->front = (struct ebn_svc_front *)(s->backend + h.n_backend);
	s->source = (struct ebn_svc_source *)(s->front + h.n_front);
	s->string = (char *)(s->source + h.n_source);
	s->name = s->string;
	s->algorithm = h.algorithm;
	s->affinity = h.affinity;
	s->internal_local = h.internal_local;
	s->external_local = h.external_local;
	s->prefer_zone = h.prefer_zone;
	s->silent = h.silent;
	s->forwarding = h.forwarding;
	s->health_port = h.health_port;
	s->n_front = h.n_front;
	s->n_backend = h.n_backend;
	s->n_source = h.n_source;
	s->strings = h.strings;
	p += sizeof(h);
	memcpy(s->front, p, h.n_front * sizeof(*s->front));
	p += h.n_front * sizeof(*s->front);
	for (i = 0; !err && i < h.n_backend; i++, p += sizeof(r)) {
		memcpy(&r, p, sizeof(r));
		memcpy(s->backend[i].addr, r.addr, sizeof(r.addr));
		s->backend[i].port = r.port;
		s->backend[i].weight = r.weight;
		s->backend[i].proto = r.proto;
		s->backend[i].state = r.state;
		if (r.zone >= h.strings || r.node >= h.strings)
			err = -EPROTO;
		s->backend[i].zone = s->string + r.zone;
		s->backend[i].node = s->string + r.node;
	}
	if (!err) {
		memcpy(s->source, p, h.n_source * sizeof(*s->source));
		p += h.n_source * sizeof(*s->source);
		memcpy(s->string, p, h.strings);
		err = spec_sane(s);
	}
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

/* ---- as a caller would say it ---- */

static void view_front(const struct ebn_svc_front *f, struct ebpfnet_frontend *ret)
{
	static const uint32_t any4[4] = { 0, 0, 0, 0 };
	bool v4 = !f->addr[0] && !f->addr[1] && f->addr[2] == htonl(0xffff) && f->plen >= 96;

	memset(ret, 0, sizeof(*ret));
	if (memcmp(f->addr, any4, sizeof(any4)))
		memcpy(ret->addr.b, f->addr, 16);
	ret->port = f->row_kind == EBN_SVC_ANY ? 0 : f->first;
	ret->port_last = f->row_kind == EBN_SVC_RANGE ? f->last : 0;
	ret->prefix = f->plen == 128 ? 0 : (uint8_t)(v4 ? f->plen - 96 : f->plen);
	ret->protocol = f->proto;
	ret->kind = f->kind;
}

int ebn_svc_spec_view(const struct ebn_svc_spec *s, struct ebn_svc_view *ret)
{
	static const uint32_t any4[4] = { 0, 0, 0, 0 };
	struct ebn_svc_view v = {
		.front = ebn_calloc(s->n_front, sizeof(*v.front)),
		.backend = ebn_calloc(s->n_backend, sizeof(*v.backend)),
		.source = ebn_calloc(s->n_source, sizeof(*v.source)),
	};
	uint32_t i, n = 0;

	if (!v.front || !v.backend || !v.source) {
		ebn_svc_view_done(&v);
		return -ENOMEM;
	}
	for (i = 0; i < s->n_front; i++) {
		/* the first of a pair for the node's addresses: its twin stands for both */
		if (!s->front[i].addr[3] && s->front[i].addr[2] && s->front[i].plen == 128 && i + 1 < s->n_front &&
		    !memcmp(s->front[i + 1].addr, any4, sizeof(any4)))
			continue;
		view_front(&s->front[i], &v.front[n++]);
	}
	for (i = 0; i < s->n_backend; i++) {
		memcpy(v.backend[i].addr.b, s->backend[i].addr, 16);
		v.backend[i].port = s->backend[i].port;
		v.backend[i].weight = s->backend[i].weight;
		v.backend[i].protocol = s->backend[i].proto;
		v.backend[i].state = s->backend[i].state;
		v.backend[i].zone = *s->backend[i].zone ? s->backend[i].zone : NULL;
		v.backend[i].node = *s->backend[i].node ? s->backend[i].node : NULL;
	}
	for (i = 0; i < s->n_source; i++) {
		memcpy(v.source[i].addr.b, s->source[i].addr, 16);
		v.source[i].prefix = (uint8_t)(ebpfnet_addr_family(&v.source[i].addr) == 4 ? s->source[i].plen - 96 :
											     s->source[i].plen);
		v.source[i].deny = (uint8_t)s->source[i].deny;
	}
	v.opts = (struct ebpfnet_service_opts){
		EBPFNET_OPTS_INIT(v.opts),
		.name = s->name,
		.frontends = v.front,
		.n_frontends = n,
		.backends = v.backend,
		.n_backends = s->n_backend,
		.sources = v.source,
		.n_sources = s->n_source,
		.algorithm = (enum ebpfnet_algorithm)s->algorithm,
		.internal_policy = s->internal_local ? EBPFNET_TRAFFIC_LOCAL : EBPFNET_TRAFFIC_CLUSTER,
		.external_policy = s->external_local ? EBPFNET_TRAFFIC_LOCAL : EBPFNET_TRAFFIC_CLUSTER,
		.forwarding = (enum ebpfnet_forwarding)s->forwarding,
		.no_backend = s->silent ? EBPFNET_NO_BACKEND_DROP : EBPFNET_NO_BACKEND_REJECT,
		.affinity_seconds = s->affinity,
		.health_port = s->health_port,
		.prefer_zone = s->prefer_zone,
	};
	*ret = v;
	return 0;
}

void ebn_svc_view_done(struct ebn_svc_view *v)
{
	free(v->front);
	free(v->backend);
	free(v->source);
	memset(v, 0, sizeof(*v));
}
