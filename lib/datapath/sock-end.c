// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Ends the sockets that were connected to a backend through a service. sock_diag(7) lists those that are connected to its address
 * and gives each a cookie; an iterator over the map of sockets' storage tells the cookies of those that a service led there. One
 * that named the backend itself is left alone.
 */
#include "datapath/private.h"
#include "ebn_sock.h"
#include "ebn_socks.skel.h"
#include <ebpfnet/service.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

struct candidate {
	uint8_t family, protocol;
	bool led;			/* by a service */
	struct inet_diag_sockid id;
};

struct search {
	struct ebpfnet_addr addr;
	uint64_t w0, w1;		/* the same as words */
	uint16_t port;			/* network order */
	uint8_t protocol;
	struct candidate *c;
	size_t n, cap;
};

static bool is_to(const struct search *s, const struct inet_diag_msg *msg)
{
	struct ebpfnet_addr to = { { 0 } };

	if (msg->id.idiag_dport != s->port)
		return false;
	if (msg->idiag_family == AF_INET6) {
		memcpy(to.b, msg->id.idiag_dst, sizeof(to.b));
	} else {
		to.b[10] = to.b[11] = 0xff;
		memcpy(to.b + 12, msg->id.idiag_dst, 4);
	}
	return !memcmp(&to, &s->addr, sizeof(to));
}

static int see(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct search *s = arg;
	int r;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) || !is_to(s, msg))
		return 0;
	r = ebn_grow(&s->c, &s->cap, s->n + 1, sizeof(*s->c));
	if (!r)
		s->c[s->n++] = (struct candidate){ msg->idiag_family, s->protocol, false, msg->id };
	return r;
}

static int list(struct ebn_nl *nl, uint8_t family, struct search *s)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));

	memset(req, 0, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = s->protocol;
	/* a listener has no peer, and what waits for its time to pass has no socket any more */
	req->idiag_states = ~((1u << TCP_LISTEN) | (1u << TCP_TIME_WAIT));
	return ebn_nl_talk(nl, nlh, see, s, NULL, "sockets");
}

/* ---- who was led there ---- */

static void mark(struct search *s, const struct ebn_socks_record *r)
{
	size_t i;

	if (!r->cookie || r->be0 != s->w0 || r->be1 != s->w1 || r->port != s->port)
		return;
	for (i = 0; i < s->n; i++)
		if (((uint64_t)s->c[i].id.idiag_cookie[1] << 32 | s->c[i].id.idiag_cookie[0]) == r->cookie)
			s->c[i].led = true;
}

static int read_all(int fd, struct search *s)
{
	struct ebn_socks_record r;
	ssize_t n;

	/* whole records: what one read takes is what programs have written */
	while ((n = read(fd, &r, sizeof(r))) != 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n != (ssize_t)sizeof(r))
			return n < 0 ? -errno : -EPROTO;
		mark(s, &r);
	}
	return 0;
}

static int ask_program(int storage, struct search *s)
{
	union bpf_iter_link_info info = { .map = { .map_fd = (uint32_t)storage } };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct ebn_socks_bpf *skel;
	struct bpf_link *link;
	_close_ int fd = -1;
	int r;

	skel = ebn_socks_bpf__open_and_load();
	if (!skel)
		return -errno;
	link = bpf_program__attach_iter(skel->progs.ebn_socks, &opts);
	r = link ? 0 : -errno;
	if (!r) {
		fd = bpf_iter_create(bpf_link__fd(link));
		r = fd < 0 ? -errno : read_all(fd, s);
	}
	bpf_link__destroy(link);
	ebn_socks_bpf__destroy(skel);
	return r;
}

/* ---- their end ---- */

/* 1: ended, 0: it was gone. */
static int end(struct ebn_nl *nl, const struct candidate *c)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, SOCK_DESTROY, NLM_F_ACK);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	int r;

	memset(req, 0, sizeof(*req));
	req->sdiag_family = c->family;
	req->sdiag_protocol = c->protocol;
	req->idiag_states = ~0u;
	req->id = c->id;
	r = ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "ending a socket");
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int search_run(struct ebn_nl *nl, int storage, uint8_t protocol, struct search *s)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 }, protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	libbpf_print_fn_t old;
	size_t i;
	int r = 0, n = 0;

	for (i = 0; !r && i < 4; i++) {
		s->protocol = protocols[i / 2];
		if (!protocol || protocol == s->protocol)
			r = list(nl, families[i % 2], s);
	}
	if (r < 0 || !s->n)
		return r;
	old = ebn_quiet();
	r = ask_program(storage, s);
	ebn_unquiet(old);
	for (i = 0; r >= 0 && i < s->n; i++) {
		r = s->c[i].led ? end(nl, &s->c[i]) : 0;
		n += r > 0;
	}
	return r < 0 ? r : n;
}

int ebpfnet_service_end_sockets(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend)
{
	struct search s = { .n = 0 };
	struct ebn_nl nl;
	int r, storage;

	if (!dp || !backend || !ebpfnet_addr_family(&backend->addr) || !backend->port ||
	    (backend->protocol && backend->protocol != IPPROTO_TCP && backend->protocol != IPPROTO_UDP))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	storage = ebn_sock_storage(dp);
	/* no socket was ever translated */
	if (storage < 0)
		return 0;
	s.addr = backend->addr;
	memcpy(&s.w0, backend->addr.b, sizeof(s.w0));
	memcpy(&s.w1, backend->addr.b + 8, sizeof(s.w1));
	s.port = htons(backend->port);
	r = ebn_nl_open(&nl, NETLINK_SOCK_DIAG);
	if (r < 0)
		return r;
	r = search_run(&nl, storage, backend->protocol, &s);
	ebn_nl_close(&nl);
	free(s.c);
	return r;
}
