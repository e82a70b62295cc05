// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Who answers a service's clients: what each forwarding means for each kind of frontend, and what is refused. */
#include <netinet/in.h>
#include <string.h>

#include "service/internal.h"
#include "suite.h"

#define BOTH (EBN_SVC_F_DIRECT_TCP | EBN_SVC_F_DIRECT_UDP)

static struct ebpfnet_frontend front;
static struct ebpfnet_backend back[EBPFNET_SERVICE_DIRECT_BACKENDS + 1];

static struct ebpfnet_service_opts service(enum ebpfnet_forwarding forwarding, uint8_t kind, uint8_t proto)
{
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = "s", .frontends = &front, .n_frontends = 1,
					  .backends = back, .n_backends = 2, .forwarding = forwarding };
	size_t i;

	memset(&front, 0, sizeof(front));
	memset(back, 0, sizeof(back));
	if (kind != EBPFNET_FRONTEND_NODE_PORT)
		ck_assert_int_eq(ebpfnet_addr_parse("198.51.100.1", &front.addr), 0);
	front.kind = kind;
	front.protocol = proto;
	front.port = proto ? 80 : 0;
	for (i = 0; i < EBN_ARRAY_SIZE(back); i++) {
		ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.0", &back[i].addr), 0);
		back[i].addr.b[14] = (uint8_t)(i >> 8);
		back[i].addr.b[15] = (uint8_t)i;
		back[i].protocol = proto;
		back[i].port = proto ? 80 : 0;
	}
	return o;
}

static uint32_t direct(enum ebpfnet_forwarding forwarding, uint8_t kind, uint8_t proto,
		       enum ebpfnet_traffic_policy policy)
{
	struct ebpfnet_service_opts o = service(forwarding, kind, proto);
	struct ebn_svc_spec *spec;
	uint32_t flags;

	o.external_policy = policy;
	ck_assert_int_eq(ebn_svc_spec_new(&o, NULL, &spec), 0);
	flags = ebn_svc_direct(spec, &spec->front[0]);
	ck_assert_int_eq(ebn_svc_encapsulated(spec, &spec->front[0]),
			 forwarding == EBPFNET_FORWARDING_DSR_IPIP && kind == EBPFNET_FRONTEND_EXTERNAL_IP);
	free(spec);
	return flags;
}

START_TEST(what_goes_directly)
{
	static const struct {
		enum ebpfnet_forwarding forwarding;
		uint8_t kind, proto;
		enum ebpfnet_traffic_policy policy;
		uint32_t flags;
	} row[] = {
		{ EBPFNET_FORWARDING_NAT, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_DSR_IPIP, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER,
		  EBN_SVC_F_DIRECT_TCP },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_LOAD_BALANCER, IPPROTO_UDP, EBPFNET_TRAFFIC_CLUSTER,
		  EBN_SVC_F_DIRECT_UDP },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_EXTERNAL_IP, 0, EBPFNET_TRAFFIC_CLUSTER, BOTH },
		/* those that are served on their own node alone */
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_LOCAL, 0 },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_HOST_PORT, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_NODE_PORT, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_DSR_OPTION, EBPFNET_FRONTEND_CLUSTER_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_HYBRID, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP, EBPFNET_TRAFFIC_CLUSTER,
		  EBN_SVC_F_DIRECT_TCP },
		{ EBPFNET_FORWARDING_HYBRID, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_UDP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_HYBRID, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_SCTP, EBPFNET_TRAFFIC_CLUSTER, 0 },
		{ EBPFNET_FORWARDING_HYBRID, EBPFNET_FRONTEND_EXTERNAL_IP, 0, EBPFNET_TRAFFIC_CLUSTER,
		  EBN_SVC_F_DIRECT_TCP },
	};
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(row); i++)
		ck_assert_msg(direct(row[i].forwarding, row[i].kind, row[i].proto, row[i].policy) == row[i].flags,
			      "row %zu", i);
}
END_TEST

START_TEST(what_is_refused)
{
	struct ebpfnet_service_opts o;
	int f;

	for (f = EBPFNET_FORWARDING_NAT; f <= EBPFNET_FORWARDING_HYBRID; f++) {
		bool dsr = f != EBPFNET_FORWARDING_NAT;

		o = service((enum ebpfnet_forwarding)f, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP);
		ck_assert_int_eq(ebpfnet_service_check(&o, NULL), 0);
		o.algorithm = EBPFNET_ALGORITHM_LEAST_CONNECTIONS;
		ck_assert_int_eq(ebpfnet_service_check(&o, NULL), dsr ? -ENOTSUP : 0);
		o = service((enum ebpfnet_forwarding)f, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_SCTP);
		ck_assert_int_eq(ebpfnet_service_check(&o, NULL),
				 dsr && f != EBPFNET_FORWARDING_HYBRID ? -ENOTSUP : 0);
		o = service((enum ebpfnet_forwarding)f, EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP);
		o.n_backends = EBPFNET_SERVICE_DIRECT_BACKENDS;
		ck_assert_int_eq(ebpfnet_service_check(&o, NULL), 0);
		o.n_backends++;
		ck_assert_int_eq(ebpfnet_service_check(&o, NULL),
				 f >= EBPFNET_FORWARDING_DSR_OPTION ? -E2BIG : 0);
	}
	o.forwarding = (enum ebpfnet_forwarding)(EBPFNET_FORWARDING_HYBRID + 1);
	ck_assert_int_eq(ebpfnet_service_check(&o, NULL), -EINVAL);
}
END_TEST

/* As a restarted process reads it. */
START_TEST(it_is_kept)
{
	struct ebpfnet_service_opts o;
	struct ebn_svc_spec *spec, *read;
	struct ebn_svc_view view;
	void *record;
	int f;

	for (f = EBPFNET_FORWARDING_NAT; f <= EBPFNET_FORWARDING_HYBRID + 1; f++) {
		o = service(f <= EBPFNET_FORWARDING_HYBRID ? (enum ebpfnet_forwarding)f : EBPFNET_FORWARDING_NAT,
			    EBPFNET_FRONTEND_EXTERNAL_IP, IPPROTO_TCP);
		ck_assert_int_eq(ebn_svc_spec_new(&o, NULL, &spec), 0);
		spec->forwarding = (uint8_t)f;
		record = calloc(1, ebn_svc_record_size(spec));
		ck_assert_ptr_nonnull(record);
		ebn_svc_record_write(spec, 7, record);
		if (f > EBPFNET_FORWARDING_HYBRID) {
			ck_assert_int_eq(ebn_svc_record_read(record, ebn_svc_record_size(spec), 7, &read), -EPROTO);
		} else {
			ck_assert_int_eq(ebn_svc_record_read(record, ebn_svc_record_size(spec), 7, &read), 0);
			ck_assert(ebn_svc_spec_equal(spec, read));
			ck_assert_int_eq(ebn_svc_spec_view(read, &view), 0);
			ck_assert_int_eq((int)view.opts.forwarding, f);
			ebn_svc_view_done(&view);
			free(read);
		}
		free(record);
		free(spec);
	}
}
END_TEST

RUN_SUITE("service-forwarding", what_goes_directly, what_is_refused, it_is_kept)
