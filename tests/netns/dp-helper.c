/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The datapath's calls as commands, for the tests in this folder: each argument is one command with its words. Uses public
 * headers only. Errors go to stderr as "COMMAND: -errno name" and the diagnostics; the exit status is then 1.
 *
 *   dp-helper [-p PINDIR] [-o OBJECTDIR] [-m DISABLED] [-f FLOWS4,FLOWS6] [-e ENDPOINTS] [-t TABLEBYTES] [-r] COMMAND...
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dp-helper.h"

#define WORDS 24

struct ebpfnet_diag *diag;
struct ebpfnet_datapath *dp;
static struct ebpfnet_ctx *ctx;
static struct ebpfnet_policy_set *set;

static int fail(const char *what, int r)
{
	char text[8192];

	fprintf(stderr, "%s: %d %s\n", what, r, strerror(-r));
	if (ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fprintf(stderr, "%s", text);
	return r;
}

const char *word(char **w, const char *key)
{
	size_t n = strlen(key);

	for (; *w; w++)
		if (!strncmp(*w, key, n) && (*w)[n] == '=')
			return *w + n + 1;
	return NULL;
}

int number(char **w, const char *key)
{
	const char *v = word(w, key);

	return v ? (int)strtol(v, NULL, 0) : 0;
}

int address(char **w, const char *key, struct ebpfnet_addr *ret)
{
	const char *v = word(w, key);

	return v ? ebpfnet_addr_parse(v, ret) : 0;
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int endpoint(char **w)
{
	struct ebpfnet_endpoint_opts o = { EBPFNET_OPTS_INIT(o), .diag = diag };
	struct ebpfnet_labels *labels = NULL;
	int r = 0;

	if (!w[1] || !w[2])
		return -EINVAL;
	o.name = w[1];
	o.device = w[2];
	o.id = (uint16_t)number(w, "id");
	o.flags = (uint32_t)number(w, "flags");
	if (word(w, "mac"))
		r = ebpfnet_mac_parse(word(w, "mac"), &o.mac);
	r = r ? r : address(w, "addr4", &o.addr4);
	r = r ? r : address(w, "addr6", &o.addr6);
	r = r ? r : address(w, "gw4", &o.gateway4);
	r = r ? r : address(w, "gw6", &o.gateway6);
	if (!r && word(w, "labels"))
		r = ebpfnet_labels_parse(word(w, "labels"), NULL, diag, &labels);
	o.labels = labels;
	if (!r) {
		double t = now_us();

		r = ebpfnet_endpoint_create(dp, &o, NULL);
		if (word(w, "time"))
			printf("create %.1f us\n", now_us() - t);
	}
	ebpfnet_labels_unref(labels);
	return r;
}

/* "A.B.C.D/N,…" */
static int prefixes(char *list, struct ebpfnet_nat_prefix *ret, size_t max, size_t *ret_n)
{
	char *one, *slash, *save = NULL;
	int r;

	for (one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		slash = strchr(one, '/');
		if (!slash || *ret_n == max)
			return -EINVAL;
		*slash = '\0';
		r = ebpfnet_addr_parse(one, &ret[*ret_n].addr);
		if (r < 0)
			return r;
		ret[(*ret_n)++].len = (uint8_t)strtoul(slash + 1, NULL, 10);
	}
	return 0;
}

static int nat_set(char **w)
{
	struct ebpfnet_nat_prefix keep[2 * EBPFNET_NAT_PREFIXES] = { 0 };
	struct ebpfnet_nat_opts o = { EBPFNET_OPTS_INIT(o), .diag = diag, .keep = keep };
	char list[1024] = "";
	unsigned int min = 0, max = 0;
	int r;

	if (!w[1])
		return -EINVAL;
	o.flags = (uint32_t)number(w, "flags");
	if (word(w, "keep"))
		snprintf(list, sizeof(list), "%s", word(w, "keep"));
	if (word(w, "ports") && sscanf(word(w, "ports"), "%u-%u", &min, &max) != 2)
		return -EINVAL;
	o.port_min = (uint16_t)min;
	o.port_max = (uint16_t)max;
	r = prefixes(list, keep, 2 * EBPFNET_NAT_PREFIXES, &o.n_keep);
	r = r ? r : address(w, "addr4", &o.addr4);
	r = r ? r : address(w, "addr6", &o.addr6);
	return r ? r : ebpfnet_nat_set(dp, w[1], &o);
}

static int nat_show(const struct ebpfnet_nat_info *i, void *arg)
{
	char a4[EBPFNET_ADDR_STRLEN], a6[EBPFNET_ADDR_STRLEN];
	uint32_t k;

	(void)arg;
	ebpfnet_addr_format(&i->addr4, a4, sizeof(a4));
	ebpfnet_addr_format(&i->addr6, a6, sizeof(a6));
	printf("nat %s attached=%u addr4=%s addr6=%s ports=%u-%u keep=", i->device, i->attached, a4, a6, i->port_min, i->port_max);
	for (k = 0; k < i->n_keep; k++) {
		ebpfnet_addr_format(&i->keep[k].addr, a4, sizeof(a4));
		printf("%s%s/%u", k ? "," : "", a4, i->keep[k].len);
	}
	puts("");
	return 0;
}

static int nat_stats(char **w)
{
	struct ebpfnet_nat_stats st;
	char to[EBPFNET_ADDR_STRLEN];
	int r = ebpfnet_nat_stats(dp, w[1], &st, sizeof(st));

	if (r < 0)
		return r;
	ebpfnet_addr_format(&st.fullest_addr, to, sizeof(to));
	printf("natstats in_use=%" PRIu64 " range=%u fullest=%u %u%% warn=%u to=%s %u proto=%u given=%" PRIu64 " walked=%" PRIu64
	       " exhausted=%" PRIu64 "\n", st.in_use, st.range, st.fullest, st.fullest_percent, st.warn, to, st.fullest_port,
	       st.fullest_protocol, st.given, st.walked, st.exhausted);
	return 0;
}

static int nat(const char *c, char **w)
{
	struct ebpfnet_nat_info info;
	int r;

	if (!strcmp(c, "nat"))
		return nat_set(w);
	if (!strcmp(c, "natclear"))
		return w[1] ? ebpfnet_nat_clear(dp, w[1]) : -EINVAL;
	if (!strcmp(c, "natstats"))
		return nat_stats(w);
	if (!strcmp(c, "nats") && !w[1])
		return ebpfnet_nat_foreach(dp, nat_show, NULL);
	r = strcmp(c, "nats") ? -EINVAL : ebpfnet_nat_get(dp, w[1], &info, sizeof(info));
	return r < 0 ? r : nat_show(&info, NULL);
}

static int named(char **w, int (*fn)(struct ebpfnet_endpoint *ep, char **w))
{
	struct ebpfnet_endpoint *ep;
	int r;

	r = w[1] ? ebpfnet_endpoint_lookup(dp, w[1], &ep) : -EINVAL;
	if (r < 0)
		return r;
	r = fn(ep, w);
	ebpfnet_endpoint_unref(ep);
	return r;
}

static int do_destroy(struct ebpfnet_endpoint *ep, char **w)
{
	(void)w;
	return ebpfnet_endpoint_destroy(ep);
}

static int do_labels(struct ebpfnet_endpoint *ep, char **w)
{
	struct ebpfnet_labels *labels = NULL;
	int r;

	r = ebpfnet_labels_parse(w[2] ? w[2] : "", NULL, diag, &labels);
	if (!r)
		r = ebpfnet_endpoint_set_labels(ep, labels);
	ebpfnet_labels_unref(labels);
	return r;
}

static int do_flags(struct ebpfnet_endpoint *ep, char **w)
{
	return ebpfnet_endpoint_set_flags(ep, w[2] ? (uint32_t)strtoul(w[2], NULL, 0) : 0);
}

static int do_rates(struct ebpfnet_endpoint *ep, char **w)
{
	struct ebpfnet_endpoint_rates want = {}, is;
	uint64_t *const field[] = { &want.tx_bits, &want.tx_burst, &want.rx_bits, &want.rx_burst };
	int i, r = 0;

	for (i = 0; i < 4 && w[2] && w[2 + i]; i++)
		*field[i] = strtoull(w[2 + i], NULL, 0);
	if (w[2])
		r = ebpfnet_endpoint_set_rates(ep, &want, sizeof(want));
	if (!r)
		r = ebpfnet_endpoint_get_rates(ep, &is, sizeof(is));
	if (!r)
		printf("rates %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", is.tx_bits, is.tx_burst, is.rx_bits, is.rx_burst);
	return r;
}

static int do_stats(struct ebpfnet_endpoint *ep, char **w)
{
	struct ebpfnet_endpoint_stats st;
	int r = ebpfnet_endpoint_get_stats(ep, &st, sizeof(st));

	(void)w;
	if (!r)
		printf("tx=%" PRIu64 " tx_dropped=%" PRIu64 " rx=%" PRIu64 " rx_dropped=%" PRIu64 " begun=%" PRIu64
		       " answered=%" PRIu64 "\n", st.tx_packets, st.tx_dropped, st.rx_packets, st.rx_dropped,
		       st.flows_begun, st.flows_answered);
	return r;
}

static int do_restore(struct ebpfnet_endpoint *ep, void *arg)
{
	(void)arg;
	return ebpfnet_endpoint_restore(ep, diag);
}

static int do_info(struct ebpfnet_endpoint *ep, void *arg)
{
	struct ebpfnet_endpoint_info i;
	char a4[EBPFNET_ADDR_STRLEN] = "-", a6[EBPFNET_ADDR_STRLEN] = "-";
	int r = ebpfnet_endpoint_get_info(ep, &i, sizeof(i));

	(void)arg;
	if (r < 0)
		return r;
	if (ebpfnet_addr_family(&i.addr4))
		ebpfnet_addr_format(&i.addr4, a4, sizeof(a4));
	if (ebpfnet_addr_family(&i.addr6))
		ebpfnet_addr_format(&i.addr6, a6, sizeof(a6));
	printf("%u %s dev=%s ifindex=%u identity=%u attached=%u flags=%u addr4=%s addr6=%s labels=%s\n", i.id, i.name,
	       *i.device ? i.device : "-", i.ifindex, i.identity, i.attached, i.flags, a4, a6, i.labels);
	return 0;
}

static int status(void)
{
	struct ebpfnet_datapath_status s;
	int r = ebpfnet_datapath_status(dp, &s, sizeof(s));

	if (r < 0)
		return r;
	printf("name=%s version=%s tag=%s loaded=%d generation=%u adoptions=%u endpoints=%u devices=%u tcx_links=%u "
	       "flows4=%" PRIu64 " flows4_max=%" PRIu64 " flows6=%" PRIu64 " flows6_max=%" PRIu64 " memory=%" PRIu64
	       " used=%" PRIu64 " retired=%u lost=%" PRIu64 " unrecorded=%" PRIu64 "\n", s.name, s.version,
	       s.program_tag, s.loaded, s.generation, s.adoptions, s.endpoints, s.devices, s.tcx_links, s.flows4,
	       s.flows4_max, s.flows6, s.flows6_max, s.memory, s.table_used, s.retired, s.events_lost, s.unrecorded);
	return 0;
}

static int drops(void)
{
	struct ebpfnet_drop_stat st[64];
	int n = ebpfnet_datapath_drops(dp, st, 64), i;

	for (i = 0; i < n; i++)
		printf("drop %" PRIu32 " packets=%" PRIu64 " bytes=%" PRIu64 "\n", st[i].reason, st[i].packets,
		       st[i].bytes);
	return n < 0 ? n : 0;
}

/* rule NAME SUBJECT|- in|out PEER|- PROTOCOL|- PORT: adds a policy with one rule that allows, default deny in its direction. */
static int rule(char **w)
{
	struct ebpfnet_policy_opts po = { EBPFNET_OPTS_INIT(po), .diag = diag };
	struct ebpfnet_policy_rule pr = { EBPFNET_OPTS_INIT(pr), .action = EBPFNET_VERDICT_ALLOW };
	struct ebpfnet_port_range port = { 0 };
	struct ebpfnet_policy_peer peer = { 0 };
	int i;

	for (i = 1; i < 7; i++)
		if (!w[i])
			return -EINVAL;
	po.name = w[1];
	po.subject = strcmp(w[2], "-") ? w[2] : NULL;
	pr.direction = strcmp(w[3], "in") ? EBPFNET_EGRESS : EBPFNET_INGRESS;
	po.default_deny_ingress = pr.direction == EBPFNET_INGRESS;
	po.default_deny_egress = !po.default_deny_ingress;
	peer.text = w[4];
	if (strcmp(w[4], "-")) {
		pr.peers = &peer;
		pr.n_peers = 1;
	}
	if (strcmp(w[5], "-")) {
		port.protocol = !strcmp(w[5], "tcp") ? 6 : !strcmp(w[5], "udp") ? 17 : !strcmp(w[5], "icmp") ? 1 : 58;
		port.first = port.last = (uint16_t)strtoul(w[6], NULL, 10);
		pr.ports = &port;
		pr.n_ports = 1;
	}
	if (!set) {
		int r = ebpfnet_policy_set_new(ctx, &set);

		if (r < 0)
			return r;
	}
	return ebpfnet_policy_set_add(set, &po, &pr, 1);
}

/* Makes the rules since the last commit the policy. */
static int commit(void)
{
	struct ebpfnet_policy_commit_opts co = { EBPFNET_OPTS_INIT(co), .diag = diag };
	int r = set ? 0 : ebpfnet_policy_set_new(ctx, &set);

	if (!r)
		r = ebpfnet_policy_commit(dp, set, &co);
	ebpfnet_policy_set_free(set);
	set = NULL;
	return r;
}

static int flows(void)
{
	struct ebpfnet_ct_iter *it = NULL;
	struct ebpfnet_ct_entry e;
	int r, n = 0;

	r = ebpfnet_ct_iter_new(dp, NULL, &it);
	while (!r && ebpfnet_ct_iter_next(it, &e, sizeof(e)) == 1) {
		char a[EBPFNET_ADDR_STRLEN], b[EBPFNET_ADDR_STRLEN];

		ebpfnet_addr_format(&e.src, a, sizeof(a));
		ebpfnet_addr_format(&e.dst, b, sizeof(b));
		printf("flow %s %u -> %s %u proto=%u %s bytes=%llu,%llu\n", a, e.sport, b, e.dport, e.protocol,
		       ebpfnet_ct_state_name(e.state), (unsigned long long)e.bytes[0],
		       (unsigned long long)e.bytes[1]);
		n++;
	}
	ebpfnet_ct_iter_free(it);
	printf("flows=%d\n", n);
	return r;
}

static int known(char **w)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_addr a;
	uint32_t id;
	int r;

	r = w[1] ? ebpfnet_addr_parse(w[1], &a) : -EINVAL;
	if (!r && !w[2]) {
		r = ebpfnet_address_lookup(dp, &a, &id);
		if (!r)
			printf("identity=%u\n", id);
		return r;
	}
	if (!r && !strcmp(w[2], "-"))
		return ebpfnet_address_delete(dp, &a);
	if (!r)
		r = ebpfnet_labels_parse(w[2], NULL, diag, &labels);
	if (!r)
		r = ebpfnet_address_upsert(dp, &a, labels);
	ebpfnet_labels_unref(labels);
	return r;
}

static int upgrade(char **w)
{
	struct ebpfnet_upgrade_opts o = { EBPFNET_OPTS_INIT(o), .diag = diag };

	o.fail_at = (enum ebpfnet_upgrade_step)number(w, "fail");
	o.flows4 = (uint32_t)number(w, "flows4");
	o.flows6 = (uint32_t)number(w, "flows6");
	o.object_dir = word(w, "dir");
	return ebpfnet_datapath_upgrade(dp, &o);
}

static int maintain(void)
{
	int r;

	do
		r = ebpfnet_datapath_maintain(dp, 0);
	while (r == 1);
	return r;
}

struct observer {
	struct ebpfnet_names *names;
	bool json;
};

static int print_flow(const struct ebpfnet_event *event, void *userdata)
{
	struct observer *o = userdata;
	struct ebpfnet_flow flow;
	char line[8192];
	int r;

	r = ebpfnet_flow_from_event(o->names, event, &flow, sizeof(flow));
	if (r < 0)
		return r;
	r = o->json ? ebpfnet_flow_to_json(&flow, 0, line, sizeof(line)) :
		      ebpfnet_flow_to_text(&flow, line, sizeof(line));
	if (r >= (int)sizeof(line))
		return -EMSGSIZE;
	puts(line);
	fflush(stdout);
	return r < 0 ? r : 0;
}

/* observe [json]: prints flows until the end of standard input. */
static int observe(char **w)
{
	struct observer o = { .json = w[1] && !strcmp(w[1], "json") };
	struct ebpfnet_events *events = NULL;
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN } };
	int r;

	r = ebpfnet_names_new(dp, "node", &o.names);
	if (!r)
		r = ebpfnet_events_open(dp, NULL, print_flow, &o, &events);
	if (!r)
		puts("observing");
	fflush(stdout);
	while (r >= 0 && !fds[0].revents) {
		fds[1] = (struct pollfd){ .fd = ebpfnet_events_get_fd(events), .events = POLLIN };
		poll(fds, 2, ebpfnet_events_get_timeout(events));
		r = ebpfnet_events_dispatch(events, 0);
	}
	ebpfnet_events_free(events);
	ebpfnet_names_free(o.names);
	return r < 0 ? r : 0;
}

static int cut(char **w)
{
	struct ebpfnet_ct_config c = { EBPFNET_OPTS_INIT(c) };
	int r = w[1] ? ebpfnet_ct_get_config(dp, &c) : -EINVAL;

	if (r < 0)
		return r;
	c.cut = *w[1] == '1';
	return ebpfnet_ct_set_config(dp, &c);
}

static int write_piece(const void *data, size_t len, void *file)
{
	return fwrite(data, 1, len, file) == len ? 0 : -EIO;
}

static int export(char **w)
{
	FILE *f = w[1] ? fopen(w[1], "we") : NULL;
	int r;

	if (!f)
		return w[1] ? -errno : -EINVAL;
	r = ebpfnet_ct_export(dp, NULL, write_piece, f);
	return fclose(f) && !r ? -EIO : r;
}

static int import(char **w)
{
	struct ebpfnet_ct_import_stats st;
	FILE *f = w[1] ? fopen(w[1], "re") : NULL;
	size_t size = 64u << 20, len;
	void *data = f ? malloc(size) : NULL;
	int r;

	if (!data)
		return f ? -ENOMEM : -EINVAL;
	len = fread(data, 1, size, f);
	fclose(f);
	r = ebpfnet_ct_import(dp, data, len, &st, sizeof(st), diag);
	free(data);
	if (!r)
		printf("read=%" PRIu64 " imported=%" PRIu64 " present=%" PRIu64 " expired=%" PRIu64 " refused=%" PRIu64 "\n",
		       st.read, st.imported, st.present, st.expired, st.refused);
	return r;
}

/* How many flows there are, how many of them leave translated, and the packets of all of them. */
static int sums(void)
{
	uint64_t flows = 0, nat = 0, packets = 0;
	struct ebpfnet_ct_iter *it;
	struct ebpfnet_ct_entry e;
	int r = ebpfnet_ct_iter_new(dp, NULL, &it);

	if (r < 0)
		return r;
	while ((r = ebpfnet_ct_iter_next(it, &e, sizeof(e))) > 0) {
		flows++;
		nat += !!e.nat_port;
		packets += e.packets[0] + e.packets[1];
	}
	ebpfnet_ct_iter_free(it);
	printf("flows=%" PRIu64 " translated=%" PRIu64 " packets=%" PRIu64 "\n", flows, nat, packets);
	return r;
}

static int command(char **w)
{
	const char *c = w[0];

	if (!strcmp(c, "prepare"))
		return ebpfnet_datapath_prepare(dp, diag);
	if (!strcmp(c, "load"))
		return ebpfnet_datapath_load(dp, diag);
	if (!strcmp(c, "cleanup"))
		return ebpfnet_datapath_cleanup(dp, diag);
	if (!strcmp(c, "status"))
		return status();
	if (!strcmp(c, "drops"))
		return drops();
	if (!strcmp(c, "ep"))
		return endpoint(w);
	if (!strcmp(c, "eps"))
		return ebpfnet_endpoint_foreach(dp, do_info, NULL);
	if (!strcmp(c, "restore"))
		return ebpfnet_endpoint_foreach(dp, do_restore, NULL);
	if (!strcmp(c, "destroy"))
		return named(w, do_destroy);
	if (!strcmp(c, "labels"))
		return named(w, do_labels);
	if (!strcmp(c, "flags"))
		return named(w, do_flags);
	if (!strcmp(c, "stats") || !strcmp(c, "rates"))
		return named(w, *c == 's' ? do_stats : do_rates);
	if (!strncmp(c, "nat", 3))
		return nat(c, w);
	if (!strcmp(c, "attach"))
		return ebpfnet_datapath_attach(dp, w[1], w[2] && !strcmp(w[2], "netdev") ? EBPFNET_ROLE_NETDEV :
					       EBPFNET_ROLE_WATCH, diag);
	if (!strcmp(c, "detach"))
		return ebpfnet_datapath_detach(dp, w[1], diag);
	if (!strcmp(c, "rule"))
		return rule(w);
	if (!strcmp(c, "commit"))
		return commit();
	if (!strcmp(c, "flows"))
		return flows();
	if (!strcmp(c, "cut"))
		return cut(w);
	if (!strcmp(c, "export"))
		return export(w);
	if (!strcmp(c, "import"))
		return import(w);
	if (!strcmp(c, "sums"))
		return sums();
	if (!strcmp(c, "flush"))
		return ebpfnet_ct_flush(dp, NULL);
	if (!strcmp(c, "addr"))
		return known(w);
	if (!strcmp(c, "upgrade"))
		return upgrade(w);
	if (!strcmp(c, "rollback"))
		return ebpfnet_datapath_rollback(dp, diag);
	if (!strcmp(c, "maintain"))
		return maintain();
	if (!strcmp(c, "step")) {
		int r = ebpfnet_datapath_maintain(dp, 1);

		return r < 0 ? r : 0;
	}
	if (!strcmp(c, "observe"))
		return observe(w);
	if (!strcmp(c, "say")) {
		printf("%s\n", w[1] ? w[1] : "");
		fflush(stdout);
		return 0;
	}
	if (!strcmp(c, "sleep"))
		return w[1] ? usleep((useconds_t)strtoul(w[1], NULL, 10) * 1000) : -EINVAL;
	if (!strcmp(c, "wait")) {
		char byte;

		while (read(0, &byte, 1) > 0)
			;
		return 0;
	}
	return nodes_command(w);
}

static int run(const char *text)
{
	char copy[4096], *w[WORDS + 1] = { NULL }, *save = NULL, *t;
	int n = 0, r;

	snprintf(copy, sizeof(copy), "%s", text);
	for (t = strtok_r(copy, " ", &save); t && n < WORDS; t = strtok_r(NULL, " ", &save))
		w[n++] = t;
	if (!n)
		return 0;
	ebpfnet_diag_clear(diag);
	r = command(w);
	fflush(stdout);
	return r < 0 ? fail(text, r) : 0;
}

int main(int argc, char **argv)
{
	struct ebpfnet_ctx_opts co = { EBPFNET_OPTS_INIT(co) };
	struct ebpfnet_datapath_opts o = { EBPFNET_OPTS_INIT(o) };
	int c, r, i, loops = 1;
	char *comma;

	while ((c = getopt(argc, argv, "+p:n:o:m:f:e:t:l:r")) != -1) {
		switch (c) {
		case 'p': o.pin_dir = optarg; break;
		case 'n': o.name = optarg; break;
		case 'o': o.object_dir = optarg; break;
		case 'm': co.disable_features = strtoull(optarg, NULL, 0); break;
		case 'f':
			o.flows4 = (uint32_t)strtoul(optarg, &comma, 0);
			o.flows6 = *comma ? (uint32_t)strtoul(comma + 1, NULL, 0) : 0;
			break;
		case 'e': o.endpoints = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 't': o.table_bytes = strtoull(optarg, NULL, 0); break;
		case 'l': loops = (int)strtol(optarg, NULL, 0); break;
		case 'r': o.flags = EBPFNET_DATAPATH_READONLY; break;
		default: return 2;
		}
	}
	if (ebpfnet_diag_new(&diag) < 0)
		return 1;
	co.diag = diag;
	r = ebpfnet_ctx_new(&co, &ctx);
	o.diag = diag;
	if (!r)
		r = ebpfnet_datapath_open(ctx, &o, &dp);
	if (r < 0)
		fail("open", r);
	while (r >= 0 && loops--)
		for (i = optind; r >= 0 && i < argc; i++)
			r = run(argv[i]);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r < 0;
}
