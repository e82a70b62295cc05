// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A service as it was asked for: checked and copied into one block. */
#include <netinet/in.h>
#include <stdio.h>

#include "service/internal.h"

static void addr_words(const struct ebpfnet_addr *a, uint32_t ret[4])
{
	memcpy(ret, a->b, 16);
}

void ebn_svc_addr_mask(uint32_t a[4], unsigned int plen)
{
	uint8_t *b = (uint8_t *)a;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (plen >= 8 * (i + 1))
			continue;
		b[i] = plen <= 8 * i ? 0 : (uint8_t)(b[i] & 0xff << (8 - (plen - 8 * i)));
	}
}

_Static_assert(EBPFNET_SERVICE_DIRECT_BACKENDS == EBN_SVC_DIRECT_MEMBERS, "limits are the layout's");

/* Printable, so that it can stand in messages and paths of documents. */
static bool text_valid(const char *t)
{
	size_t n;

	for (n = 0; t[n]; n++)
		if (n == EBPFNET_SERVICE_NAME_MAX || t[n] <= ' ' || t[n] > '~')
			return false;
	return n > 0;
}

static int check_options(const struct ebpfnet_service_opts *o, const char *name, struct ebpfnet_diag *diag)
{
	static const uint8_t zero[sizeof(o->reserved)];

	if ((unsigned int)EBN_OPT(o, algorithm, 0) > EBPFNET_ALGORITHM_LEAST_CONNECTIONS ||
	    (unsigned int)EBN_OPT(o, internal_policy, 0) > EBPFNET_TRAFFIC_LOCAL ||
	    (unsigned int)EBN_OPT(o, external_policy, 0) > EBPFNET_TRAFFIC_LOCAL ||
	    (unsigned int)EBN_OPT(o, forwarding, 0) > EBPFNET_FORWARDING_HYBRID ||
	    (unsigned int)EBN_OPT(o, no_backend, 0) > EBPFNET_NO_BACKEND_DROP || EBN_OPT(o, prefer_zone, 0) > 1 ||
	    (EBN_OPTS_HAS(o, reserved) && memcmp(o->reserved, zero, sizeof(zero))))
		return ebn_diag(diag, name, EINVAL, "an option is out of range");
	if (EBN_OPT(o, affinity_seconds, 0) > 7 * 86400)
		return ebn_diag(diag, name, EINVAL, "affinity of more than a week");
	if (EBN_OPT(o, algorithm, 0) == EBPFNET_ALGORITHM_LEAST_CONNECTIONS &&
	    EBN_OPT(o, forwarding, 0) != EBPFNET_FORWARDING_NAT)
		return ebn_diag(diag, name, ENOTSUP,
				"with direct server return nobody here sees connections end, which least connections need");
	if (EBN_OPT(o, health_port, 0) && EBN_OPT(o, external_policy, 0) != EBPFNET_TRAFFIC_LOCAL)
		return ebn_diag(diag, name, EINVAL, "a health port tells of external policy LOCAL, which it has not");
	return 0;
}

static int check_arrays(const struct ebpfnet_service_opts *o, const char *name, struct ebpfnet_diag *diag)
{
	size_t fronts = EBN_OPT(o, n_frontends, 0), backends = EBN_OPT(o, n_backends, 0);
	size_t sources = EBN_OPT(o, n_sources, 0);

	if (!fronts)
		return ebn_diag(diag, name, EINVAL, "a service without a frontend");
	if (!o->frontends || (backends && !o->backends) || (sources && !o->sources))
		return ebn_diag(diag, name, EINVAL, "an array is missing");
	if (fronts > EBPFNET_SERVICE_FRONTENDS_MAX)
		return ebn_diag(diag, name, E2BIG, "%zu frontends, at most %u", fronts, EBPFNET_SERVICE_FRONTENDS_MAX);
	if (backends > EBPFNET_SERVICE_BACKENDS_MAX)
		return ebn_diag(diag, name, E2BIG, "%zu backends, at most %u", backends, EBPFNET_SERVICE_BACKENDS_MAX);
	if (sources > EBPFNET_SERVICE_SOURCES_MAX)
		return ebn_diag(diag, name, E2BIG, "%zu source ranges, at most %u", sources, EBPFNET_SERVICE_SOURCES_MAX);
	return 0;
}

static int check_protocol(uint8_t proto, const char *name, struct ebpfnet_diag *diag)
{
	if (proto && proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP)
		return ebn_diag(diag, name, EINVAL, "protocol %u has no ports", proto);
	return 0;
}

bool ebn_svc_own_node(uint8_t kind)
{
	return kind == EBPFNET_FRONTEND_NODE_PORT || kind == EBPFNET_FRONTEND_HOST_PORT;
}

static int read_front(const struct ebpfnet_frontend *in, const char *name, struct ebpfnet_diag *diag,
		      struct ebn_svc_front *f)
{
	int family = ebpfnet_addr_family(&in->addr), err;
	unsigned int bits = family == 4 ? 32 : 128;

	if (in->kind > EBPFNET_FRONTEND_HOST_PORT || in->reserved)
		return ebn_diag(diag, name, EINVAL, "a frontend's kind is out of range");
	err = check_protocol(in->protocol, name, diag);
	if (err)
		return err;
	if ((in->port_last && in->port_last < in->port) || (!in->port && in->port_last))
		return ebn_diag(diag, name, EINVAL, "ports %u to %u", in->port, in->port_last);
	if (!in->protocol && in->port)
		return ebn_diag(diag, name, EINVAL, "a port without a protocol");
	if (in->kind == EBPFNET_FRONTEND_NODE_PORT && (family || in->port_last || !in->port))
		return ebn_diag(diag, name, EINVAL, "a node port has one port and no address of its own");
	if (!family && (!ebn_svc_own_node(in->kind) || !in->port))
		return ebn_diag(diag, name, EINVAL, "a frontend without an address");
	if (in->prefix > bits || (in->prefix && (!family || ebn_svc_own_node(in->kind))))
		return ebn_diag(diag, name, EINVAL, "a frontend's prefix is out of range");
	memset(f, 0, sizeof(*f));
	addr_words(&in->addr, f->addr);
	f->plen = (uint8_t)(in->prefix ? in->prefix + (family == 4 ? 96 : 0) : 128);
	ebn_svc_addr_mask(f->addr, f->plen);
	f->first = in->port;
	f->last = in->port_last ? in->port_last : in->port;
	f->proto = in->protocol;
	f->kind = in->kind;
	f->row_kind = !in->port ? EBN_SVC_ANY : f->first == f->last ? EBN_SVC_PORT : EBN_SVC_RANGE;
	if (f->row_kind == EBN_SVC_ANY)
		f->last = 65535;
	return 0;
}

/* Two for what answers at every address of the node: one of each family. */
static int read_fronts(const struct ebpfnet_service_opts *o, const char *name, struct ebpfnet_diag *diag,
		       struct ebn_svc_spec *s)
{
	struct ebn_svc_front *f;
	size_t i;
	int err;

	for (i = 0; i < o->n_frontends; i++) {
		f = &s->front[s->n_front];
		err = read_front(&o->frontends[i], name, diag, f);
		if (err)
			return err;
		s->n_front++;
		if (ebpfnet_addr_family(&o->frontends[i].addr))
			continue;
		f[1] = f[0];
		f[0].addr[2] = htonl(0xffff);
		s->n_front++;
	}
	return 0;
}

/* A string of the spec: "" is at the end of the name. */
static int keep(struct ebn_svc_spec *s, size_t room, const char *text, const char *last, const char **ret)
{
	size_t len;

	if (!text || !*text) {
		*ret = s->string + strlen(s->name);
		return 0;
	}
	if (last && !strcmp(last, text)) {
		*ret = last;
		return 0;
	}
	len = strlen(text) + 1;
	if (len > room - s->strings)
		return -EINVAL;
	memcpy(s->string + s->strings, text, len);
	*ret = s->string + s->strings;
	s->strings += (uint32_t)len;
	return 0;
}

static int read_backend(const struct ebpfnet_backend *in, const char *name, struct ebpfnet_diag *diag,
			struct ebn_svc_backend *b)
{
	static const uint8_t zero[sizeof(in->reserved)];
	int err;

	if (!ebpfnet_addr_family(&in->addr))
		return ebn_diag(diag, name, EINVAL, "a backend without an address");
	if (in->state > EBPFNET_BACKEND_MAINTENANCE || memcmp(in->reserved, zero, sizeof(zero)))
		return ebn_diag(diag, name, EINVAL, "a backend's state is out of range");
	if ((in->zone && *in->zone && !text_valid(in->zone)) || (in->node && *in->node && !text_valid(in->node)))
		return ebn_diag(diag, name, EINVAL, "a backend's zone or node has no valid name");
	err = check_protocol(in->protocol, name, diag);
	if (err)
		return err;
	addr_words(&in->addr, b->addr);
	b->port = in->port;
	b->weight = in->weight ? in->weight : 1;
	b->proto = in->protocol;
	b->state = in->state;
	return 0;
}

static int read_backends(const struct ebpfnet_service_opts *o, const char *name, size_t room, struct ebpfnet_diag *diag,
			 struct ebn_svc_spec *s)
{
	const char *zone = NULL, *node = NULL;
	struct ebn_svc_backend *b;
	size_t i;
	int err;

	for (i = 0; i < EBN_OPT(o, n_backends, 0); i++) {
		b = &s->backend[i];
		err = read_backend(&o->backends[i], name, diag, b);
		if (!err)
			err = keep(s, room, o->backends[i].zone, zone, &b->zone);
		if (!err)
			err = keep(s, room, o->backends[i].node, node, &b->node);
		if (err)
			return err;
		zone = b->zone;
		node = b->node;
		s->n_backend++;
	}
	return 0;
}

static int read_sources(const struct ebpfnet_service_opts *o, const char *name, struct ebpfnet_diag *diag,
			struct ebn_svc_spec *s)
{
	const struct ebpfnet_source_range *in;
	struct ebn_svc_source *src;
	int family;
	size_t i;

	for (i = 0; i < EBN_OPT(o, n_sources, 0); i++) {
		in = &o->sources[i];
		src = &s->source[i];
		family = ebpfnet_addr_family(&in->addr);
		addr_words(&in->addr, src->addr);
		/* "::" is an address here, with a prefix of 0 */
		if (!family && in->prefix)
			return ebn_diag(diag, name, EINVAL, "a source range without an address");
		if (in->prefix > (family == 4 ? 32 : 128) || in->deny > 1)
			return ebn_diag(diag, name, EINVAL, "a source range is out of range");
		src->plen = in->prefix + (family == 4 ? 96u : 0u);
		ebn_svc_addr_mask(src->addr, src->plen);
		src->deny = in->deny;
		s->n_source++;
	}
	return 0;
}

/* Strings of the backends, at most. */
static size_t string_room(const struct ebpfnet_service_opts *o)
{
	size_t n = strlen(o->name) + 1, i;

	for (i = 0; i < EBN_OPT(o, n_backends, 0); i++) {
		if (o->backends[i].zone)
			n += strnlen(o->backends[i].zone, EBPFNET_SERVICE_NAME_MAX) + 1;
		if (o->backends[i].node)
			n += strnlen(o->backends[i].node, EBPFNET_SERVICE_NAME_MAX) + 1;
	}
	return n;
}

static struct ebn_svc_spec *spec_alloc(size_t fronts, size_t backends, size_t sources, size_t strings)
{
	struct ebn_svc_spec *s;
	char *p;

	s = ebn_calloc(1, sizeof(*s) + backends * sizeof(*s->backend) + fronts * sizeof(*s->front) +
			       sources * sizeof(*s->source) + strings);
	if (!s)
		return NULL;
	s->backend = (struct ebn_svc_backend *)(s + 1);
	s->front = (struct ebn_svc_front *)(s->backend + backends);
	s->source = (struct ebn_svc_source *)(s->front + fronts);
	p = (char *)(s->source + sources);
	s->string = p;
	s->name = p;
	return s;
}

static bool is_v4(const uint32_t a[4])
{
	return !a[0] && !a[1] && a[2] == htonl(0xffff);
}

bool ebn_svc_encapsulated(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return spec->forwarding == EBPFNET_FORWARDING_DSR_IPIP &&
	       (f->kind == EBPFNET_FRONTEND_EXTERNAL_IP || f->kind == EBPFNET_FRONTEND_LOAD_BALANCER);
}

uint32_t ebn_svc_direct(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	uint32_t flags = 0;

	/* a node port's address is known to its own node alone */
	if (spec->forwarding < EBPFNET_FORWARDING_DSR_OPTION || !ebn_svc_anywhere(spec, f) ||
	    f->kind == EBPFNET_FRONTEND_NODE_PORT)
		return 0;
	if (!f->proto || f->proto == IPPROTO_TCP)
		flags |= EBN_SVC_F_DIRECT_TCP;
	if (spec->forwarding == EBPFNET_FORWARDING_DSR_OPTION && (!f->proto || f->proto == IPPROTO_UDP))
		flags |= EBN_SVC_F_DIRECT_UDP;
	return flags;
}

bool ebn_svc_serves(const struct ebn_svc_backend *b, const struct ebn_svc_front *f)
{
	/* a prefix of IPv6 that holds the mapped addresses is still one of IPv6 */
	bool v4 = is_v4(f->addr) && f->plen >= 96;

	return is_v4(b->addr) == v4 && (!b->proto || b->proto == f->proto);
}

/* In a packet of its own any family gets to a backend of any other. */
bool ebn_svc_carries(const struct ebn_svc_spec *spec, const struct ebn_svc_backend *b, const struct ebn_svc_front *f)
{
	return ebn_svc_serves(b, f) || (ebn_svc_encapsulated(spec, f) && (!b->proto || b->proto == f->proto));
}

/* A packet that arrives as it was sent arrives at the port it was sent to. */
static int check_ports(const struct ebn_svc_spec *s, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_front *f;
	uint32_t i, k;

	if (s->forwarding >= EBPFNET_FORWARDING_DSR_OPTION && s->n_backend > EBPFNET_SERVICE_DIRECT_BACKENDS)
		return ebn_diag(diag, s->name, E2BIG, "%u backends, at most %u with direct server return by an option",
				s->n_backend, EBPFNET_SERVICE_DIRECT_BACKENDS);
	for (i = 0; i < s->n_front; i++) {
		f = &s->front[i];
		if (ebn_svc_encapsulated(s, f) && f->proto == IPPROTO_SCTP)
			return ebn_diag(diag, s->name, ENOTSUP, "dsr-ipip carries TCP and UDP, SCTP not in this version");
		if (s->forwarding == EBPFNET_FORWARDING_DSR_OPTION && f->proto == IPPROTO_SCTP)
			return ebn_diag(diag, s->name, ENOTSUP, "dsr-option carries TCP and UDP, SCTP not in this version");
		for (k = 0; k < s->n_backend && ebn_svc_encapsulated(s, f); k++)
			if (s->backend[k].port && ebn_svc_carries(s, &s->backend[k], f) &&
			    (f->row_kind != EBN_SVC_PORT || f->first != s->backend[k].port))
				return ebn_diag(diag, s->name, EINVAL, "dsr-ipip keeps the port: a backend's is 0, or "
						"the frontend's, not %u", s->backend[k].port);
	}
	return 0;
}

/* A frontend that names a protocol or family no backend has is a mistake, not an outage. */
static int check_served(const struct ebn_svc_spec *s, struct ebpfnet_diag *diag)
{
	uint32_t i, k;

	for (i = 0; i < s->n_front && s->n_backend; i++) {
		for (k = 0; k < s->n_backend; k++)
			if (ebn_svc_carries(s, &s->backend[k], &s->front[i]))
				break;
		/* node ports are in both families, whatever the backends are in */
		if (k == s->n_backend && (s->front[i].addr[0] | s->front[i].addr[1] | s->front[i].addr[3]))
			return ebn_diag(diag, s->name, EINVAL,
					"a frontend of protocol %u, and no backend of it in its address family",
					s->front[i].proto);
	}
	return 0;
}

int ebn_svc_spec_new(const struct ebpfnet_service_opts *o, struct ebpfnet_diag *diag, struct ebn_svc_spec **ret)
{
	const char *name = o ? EBN_OPT(o, name, NULL) : NULL;
	struct ebn_svc_spec *s;
	size_t room;
	int err;

	if (!o || !EBN_OPTS_VALID(o, ebpfnet_service_opts))
		return -EINVAL;
	if (!name || !text_valid(name))
		return ebn_diag(diag, NULL, EINVAL, "a service's name is 1 to %u printable characters",
				EBPFNET_SERVICE_NAME_MAX);
	err = check_options(o, name, diag);
	if (!err)
		err = check_arrays(o, name, diag);
	if (err)
		return err;
	room = string_room(o);
	s = spec_alloc(2 * o->n_frontends, EBN_OPT(o, n_backends, 0), EBN_OPT(o, n_sources, 0), room);
	if (!s)
		return -ENOMEM;
	s->strings = (uint32_t)strlen(name) + 1;
	memcpy(s->string, name, s->strings);
	s->algorithm = EBN_OPT(o, algorithm, 0);
	s->affinity = EBN_OPT(o, affinity_seconds, 0);
	s->internal_local = EBN_OPT(o, internal_policy, 0) == EBPFNET_TRAFFIC_LOCAL;
	s->external_local = EBN_OPT(o, external_policy, 0) == EBPFNET_TRAFFIC_LOCAL;
	s->prefer_zone = EBN_OPT(o, prefer_zone, 0);
	s->silent = EBN_OPT(o, no_backend, 0) == EBPFNET_NO_BACKEND_DROP;
	s->forwarding = (uint8_t)EBN_OPT(o, forwarding, 0);
	s->health_port = EBN_OPT(o, health_port, 0);
	err = read_fronts(o, name, diag, s);
	if (!err)
		err = read_backends(o, name, room, diag, s);
	if (!err)
		err = read_sources(o, name, diag, s);
	if (!err)
		err = check_served(s, diag);
	if (!err)
		err = check_ports(s, diag);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

int ebpfnet_service_check(const struct ebpfnet_service_opts *opts, struct ebpfnet_diag *diag)
{
	struct ebn_svc_spec *spec;
	int err = ebn_svc_spec_new(opts, diag, &spec);

	if (!err)
		free(spec);
	return err;
}

bool ebn_svc_spec_equal(const struct ebn_svc_spec *a, const struct ebn_svc_spec *b)
{
	uint32_t i;

	if (a->algorithm != b->algorithm || a->affinity != b->affinity || a->internal_local != b->internal_local ||
	    a->external_local != b->external_local || a->prefer_zone != b->prefer_zone || a->silent != b->silent ||
	    a->forwarding != b->forwarding || a->health_port != b->health_port || a->n_front != b->n_front ||
	    a->n_backend != b->n_backend ||
	    a->n_source != b->n_source ||
	    strcmp(a->name, b->name) || memcmp(a->front, b->front, a->n_front * sizeof(*a->front)) ||
	    memcmp(a->source, b->source, a->n_source * sizeof(*a->source)))
		return false;
	for (i = 0; i < a->n_backend; i++)
		if (memcmp(&a->backend[i], &b->backend[i], offsetof(struct ebn_svc_backend, zone)) ||
		    strcmp(a->backend[i].zone, b->backend[i].zone) || strcmp(a->backend[i].node, b->backend[i].node))
			return false;
	return true;
}

int ebn_svc_spec_copy(const struct ebn_svc_spec *from, struct ebn_svc_spec **ret)
{
	struct ebn_svc_spec *s = spec_alloc(from->n_front, from->n_backend, from->n_source, from->strings);
	struct ebn_svc_spec at;
	uint32_t i;

	if (!s)
		return -ENOMEM;
	at = *s;
	*s = *from;
	s->front = at.front;
	s->backend = at.backend;
	s->source = at.source;
	s->string = at.string;
	s->name = at.string;
	memcpy(s->front, from->front, from->n_front * sizeof(*s->front));
	memcpy(s->backend, from->backend, from->n_backend * sizeof(*s->backend));
	memcpy(s->source, from->source, from->n_source * sizeof(*s->source));
	memcpy(s->string, from->string, from->strings);
	for (i = 0; i < s->n_backend; i++) {
		s->backend[i].zone = s->string + (from->backend[i].zone - from->string);
		s->backend[i].node = s->string + (from->backend[i].node - from->string);
	}
	*ret = s;
	return 0;
}

int ebn_svc_node_spec(const struct ebpfnet_service_node_opts *o, struct ebpfnet_diag *diag, struct ebn_svc_spec **ret)
{
	static const char name[] = ".node";
	const char *node = EBN_OPT(o, node, NULL), *zone = EBN_OPT(o, zone, NULL);
	size_t n = EBN_OPT(o, n_addrs, 0), room = 3 * (EBPFNET_SERVICE_NAME_MAX + 1), i;
	struct ebn_svc_spec *s;
	int err;

	if ((node && *node && !text_valid(node)) || (zone && *zone && !text_valid(zone)))
		return ebn_diag(diag, "node", EINVAL, "the node's or the zone's name is not valid");
	if (n > EBN_SVC_NODE_ADDRS_MAX)
		return ebn_diag(diag, "node", E2BIG, "%zu addresses, at most %u", n, EBN_SVC_NODE_ADDRS_MAX);
	if (n && !o->addrs)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (!ebpfnet_addr_family(&o->addrs[i]))
			return ebn_diag(diag, "node", EINVAL, "an address is none");
	s = spec_alloc(n, 1, 0, room);
	if (!s)
		return -ENOMEM;
	s->strings = sizeof(name);
	memcpy(s->string, name, sizeof(name));
	s->n_front = (uint32_t)n;
	for (i = 0; i < n; i++) {
		addr_words(&o->addrs[i], s->front[i].addr);
		s->front[i].plen = 128;
		s->front[i].last = 65535;
		s->front[i].row_kind = EBN_SVC_ANY;
	}
	s->n_backend = 1;
	s->backend->weight = 1;
	/* the room is more than both can need */
	err = keep(s, room, node, NULL, &s->backend->node);
	if (!err)
		err = keep(s, room, zone, NULL, &s->backend->zone);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}
