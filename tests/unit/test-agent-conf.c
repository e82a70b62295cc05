// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The agent's configuration: what it reads, and what it says to files that are wrong. */
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../examples/agent/conf.h"
#include "../../examples/agent/file.h"
#include "../../examples/common/service.h"

static struct ebpfnet_ctx *ctx;
static struct report report;

static int parse(const char *text, const char *path, struct conf **ret)
{
	struct conf_parse how = { .path = path, .source = CONF_FILE };

	if (!ctx)
		ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	report_init(&report);
	return conf_parse(text, strlen(text), &how, ctx, &report, ret);
}

static struct conf *good(const char *text)
{
	struct conf *conf = NULL;
	int err = parse(text, "t.yaml", &conf);

	if (err) {
		char *message = report_format(&report, 0);

		ck_abort_msg("%d: %s", err, message ? message : "?");
	}
	ck_assert_uint_eq(report.n, 0);
	return conf;
}

#define POLICY(name) \
	"  - apiVersion: networking.k8s.io/v1\n" \
	"    kind: NetworkPolicy\n" \
	"    metadata: {name: " name ", namespace: demo}\n" \
	"    spec: {podSelector: {}, policyTypes: [Ingress]}\n"

#define NAT "version: 1\ndevices:\n  - {device: eth0, role: netdev, masquerade: "

static const char whole[] =
	"version: 1\n"
	"node:\n"
	"  name: n1\n"
	"  datapath: dp-1\n"
	"  pin_dir: /sys/fs/bpf/x\n"
	"  state_dir: /var/lib/x\n"
	"  flows4: 1000\n"
	"  table_bytes: 4MiB\n"
	"  history: 0\n"
	"devices:\n"
	"  - {device: eth0, role: watch}\n"
	"endpoints:\n"
	"  - name: b\n"
	"    device: veth-b\n"
	"    addresses: [10.0.0.2, 'fd00::2']\n"
	"    gateways: [10.0.0.1]\n"
	"    mac: 02:00:00:00:00:02\n"
	"    namespace: demo\n"
	"    labels: {app: api, x: }\n"
	"    flags: [audit, no-redirect]\n"
	"    id: 7\n"
	"  - {name: a, device: veth-a, addresses: [10.0.0.3], labels: 'app=client'}\n"
	"policies:\n"
	POLICY("p1")
	POLICY("p0")
	"addresses:\n"
	"  - address: 192.0.2.1\n"
	"    labels: {app: far}\n";

START_TEST(everything_is_read)
{
	struct conf *conf = good(whole);
	struct conf_endpoint *ep;

	ck_assert_str_eq(conf->node.name, "n1");
	ck_assert_str_eq(conf->node.datapath, "dp-1");
	ck_assert_str_eq(conf->node.pin_dir, "/sys/fs/bpf/x");
	ck_assert_str_eq(conf->node.state_dir, "/var/lib/x");
	ck_assert_uint_eq(conf->node.flows4, 1000);
	ck_assert_uint_eq(conf->node.table_bytes, 4u << 20);
	ck_assert_uint_eq(conf->node.history, 0);
	ck_assert_uint_eq(conf->n_devices, 1);
	ck_assert_int_eq(conf->devices[0].role, EBPFNET_ROLE_WATCH);
	ck_assert_uint_eq(conf->n_endpoints, 2);
	ck_assert_str_eq(conf->endpoints[0].name, "a");
	ck_assert_str_eq(ebpfnet_labels_format(conf->endpoints[0].labels), "k8s:app=client;");
	ep = conf_find_endpoint(conf, "b");
	ck_assert_ptr_nonnull(ep);
	ck_assert_str_eq(ep->device, "veth-b");
	ck_assert_uint_eq(ep->id, 7);
	ck_assert_uint_eq(ep->mac.b[5], 2);
	ck_assert_int_eq(ebpfnet_addr_family(&ep->addr4), 4);
	ck_assert_int_eq(ebpfnet_addr_family(&ep->addr6), 6);
	ck_assert_int_eq(ebpfnet_addr_family(&ep->gateway6), 0);
	ck_assert_uint_eq(ep->flags, EBPFNET_ENDPOINT_AUDIT | EBPFNET_ENDPOINT_NO_REDIRECT);
	ck_assert_str_eq(ebpfnet_labels_get(ep->labels, "k8s", "io.kubernetes.pod.namespace"), "demo");
	ck_assert_str_eq(ebpfnet_labels_get(ep->labels, "k8s", "x"), "");
	ck_assert_uint_eq(conf->n_policies, 2);
	ck_assert_uint_eq(conf->n_addresses, 1);
	conf_free(conf);
}
END_TEST

START_TEST(a_device_may_pace)
{
	struct conf *conf = good("version: 1\ndevices:\n  - {device: eth0, role: netdev, pacing: fq}\n"
				 "  - {device: eth1, role: netdev, pacing: police}\n"
				 "  - {device: eth2, role: netdev, pacing: auto}\n  - {device: eth3, role: watch}\n");
	json_t *o;

	ck_assert_int_eq(conf->devices[0].pacing, EBPFNET_PACING_FQ);
	ck_assert_int_eq(conf->devices[1].pacing, EBPFNET_PACING_POLICE);
	ck_assert_int_eq(conf->devices[2].pacing, EBPFNET_PACING_AUTO);
	ck_assert_int_eq(conf->devices[3].pacing, EBPFNET_PACING_AUTO);
	o = conf_json(conf, false, -1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(o, "devices"), 0), "pacing")), "fq");
	ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(o, "devices"), 2), "pacing"));
	json_decref(o);
	conf_free(conf);
}
END_TEST

START_TEST(a_device_may_masquerade)
{
	struct conf *conf = good("version: 1\ndevices:\n  - {device: eth0, role: netdev, masquerade: {addresses: [192.0.2.1], "
				 "families: [ipv4, ipv6], ports: 2000-3000, host_ports: true, "
				 "keep: [10.0.0.0/8, 0.0.0.0/0, '::/0', 'fd00::/7']}}\n"
				 "  - {device: eth1, role: netdev, masquerade: true}\n"
				 "  - {device: eth2, role: netdev, masquerade: false}\n");
	const struct conf_masquerade *m = &conf->devices[0].masquerade;
	struct conf *again;
	char *text;
	json_t *o;

	ck_assert(m->on);
	ck_assert_uint_eq(m->flags, EBPFNET_NAT_IPV4 | EBPFNET_NAT_IPV6 | EBPFNET_NAT_HOST_PORTS);
	ck_assert_uint_eq(m->port_min, 2000);
	ck_assert_uint_eq(m->port_max, 3000);
	ck_assert_int_eq(ebpfnet_addr_family(&m->addr4), 4);
	ck_assert_int_eq(ebpfnet_addr_family(&m->addr6), 0);
	ck_assert_uint_eq(m->n_keep, 4);
	ck_assert_uint_eq(m->keep[0].len, 8);
	ck_assert_int_eq(ebpfnet_addr_family(&m->keep[1].addr), 4);
	ck_assert_int_eq(ebpfnet_addr_family(&m->keep[2].addr), 0);
	ck_assert_uint_eq(m->keep[3].len, 7);
	ck_assert(conf->devices[1].masquerade.on);
	ck_assert_uint_eq(conf->devices[1].masquerade.flags, 0);
	ck_assert(!conf->devices[2].masquerade.on);
	/* what is written reads back */
	o = conf_json(conf, false, -1);
	text = json_dumps(o, 0);
	again = good(text);
	ck_assert(conf_masquerade_equal(m, &again->devices[0].masquerade));
	ck_assert(!conf_masquerade_equal(m, &again->devices[1].masquerade));
	free(text);
	json_decref(o);
	conf_free(again);
	conf_free(conf);
}
END_TEST

START_TEST(policies_keep_their_place)
{
	struct conf *conf = good(whole);
	struct ebpfnet_policy_set *set = NULL;

	for (size_t i = 0; i < conf->n_policies; i++) {
		const struct conf_policy *p = &conf->policies[i];

		ck_assert_str_eq(p->path, "t.yaml");
		ck_assert_uint_eq(p->line, strstr(p->name, "p1") ? 24 : 28);
		ck_assert(strncmp(p->text, "    apiVersion", 14) == 0);
	}
	ck_assert_int_eq(conf_policy_set(conf, ctx, &report, &set), 0);
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 2);
	ebpfnet_policy_set_free(set);
	conf_free(conf);
}
END_TEST

/* Documents of any kind are entries: with several policies, with none, and those in a List one by one. */
START_TEST(policies_of_every_language)
{
	static const char yaml[] =
		"version: 1\npolicies:\n"
		"  - apiVersion: cilium.io/v2\n    kind: CiliumNetworkPolicy\n    metadata: {name: c, namespace: n}\n"
		"    specs: [{endpointSelector: {}, ingress: [{}]}, {endpointSelector: {}, egress: [{}]}]\n"
		"  - {apiVersion: cilium.io/v2alpha1, kind: CiliumCIDRGroup, metadata: {name: g}, spec: {externalCIDRs: [10.0.0.0/8]}}\n"
		"  - apiVersion: v1\n    kind: List\n    items:\n"
		"    - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: k}, spec: {podSelector: {}}}\n"
		"    - apiVersion: policy.networking.k8s.io/v1alpha1\n      kind: AdminNetworkPolicy\n"
		"      metadata: {name: a}\n      spec: {priority: 1, subject: {namespaces: {}}}\n";
	static const char *const names[] = { "admin:a", "cidr-group:g", "cilium:n/c/1", "default/k" };
	struct conf *conf = good(yaml);
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_uint_eq(conf->n_policies, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(conf->policies[i].name, names[i]);
	ck_assert_int_eq(conf_policy_set(conf, ctx, &report, &set), 0);
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 4);
	ebpfnet_policy_set_free(set);
	conf_free(conf);
}
END_TEST

static const char services[] =
	"version: 1\nnode: {zone: z1, addresses: [10.0.0.1, \"fd00::1\"], cgroups: [/sys/fs/cgroup]}\nservices:\n"
	"- name: web\n  frontends:\n  - {address: 10.96.0.1, port: 80}\n  - {port: 30080, kind: node-port}\n"
	"  - {address: 10.97.0.0/24, port: 100-200, protocol: udp, kind: load-balancer}\n"
	"  - {address: \"fd00::1\", kind: external-ip}\n"
	"  backends:\n  - {address: 10.0.0.2, port: 8080, weight: 3, zone: z1, node: n1, state: draining}\n"
	"  - {address: \"fd00::2\"}\n"
	"  algorithm: random\n  internal: local\n  no_backend: drop\n  external: local\n  health_port: 30100\n  affinity: 60\n  prefer_zone: true\n"
	"  allow: [10.0.0.0/8, 0.0.0.0/0, \"::/0\"]\n  deny: [10.1.2.3]\n"
	"- name: a\n  frontends: [{port: 53, protocol: udp}]\n  health_check: {type: http, port: 81, path: /up, interval_ms: 2000, "
	"timeout_ms: 500, rise: 1, fall: 5}\n";

static void check_web(const struct service *s)
{
	ck_assert_uint_eq(s->opts.n_frontends, 4);
	ck_assert_uint_eq(s->frontends[0].protocol, IPPROTO_TCP);
	ck_assert_uint_eq(s->frontends[1].kind, EBPFNET_FRONTEND_NODE_PORT);
	ck_assert_uint_eq(s->frontends[2].prefix, 24);
	ck_assert_uint_eq(s->frontends[2].port_last, 200);
	ck_assert_uint_eq(s->frontends[3].protocol, 0);
	ck_assert_uint_eq(s->backends[0].weight, 3);
	ck_assert_uint_eq(s->backends[0].state, EBPFNET_BACKEND_DRAINING);
	ck_assert_str_eq(s->backends[0].node, "n1");
	ck_assert_uint_eq(s->opts.n_sources, 4);
	ck_assert_uint_eq(s->sources[2].prefix, 0);
	ck_assert_uint_eq(s->sources[3].prefix, 32);
	ck_assert_uint_eq(s->sources[3].deny, 1);
	ck_assert_uint_eq(s->opts.affinity_seconds + s->opts.health_port, 60 + 30100);
	ck_assert_uint_eq(s->opts.prefer_zone, 1);
	ck_assert_int_eq(s->opts.no_backend, EBPFNET_NO_BACKEND_DROP);
	ck_assert_int_eq(s->opts.internal_policy, EBPFNET_TRAFFIC_LOCAL);
}

START_TEST(services_are_what_they_say)
{
	struct conf *conf = good(services), *again;
	const char *why = NULL;
	struct service s, t;
	json_t *o;
	char *text;

	ck_assert_uint_eq(conf->n_services, 2);
	ck_assert_str_eq(conf->services[0].name, "a");
	ck_assert_str_eq(conf->node.zone, "z1");
	ck_assert_uint_eq(json_array_size(conf->node.addresses), 2);
	ck_assert_int_eq(service_read(conf_find_service(conf, "web")->spec, &s, &why), 0);
	check_web(&s);
	/* what is shown of it says the same to the parser */
	o = json_pack("{s:i, s:[o]}", "version", 1, "services", service_json(&s.opts));
	text = json_dumps(o, 0);
	again = good(text);
	ck_assert_int_eq(service_read(again->services[0].spec, &t, &why), 0);
	check_web(&t);
	json_decref(o);
	free(text);
	service_done(&s);
	service_done(&t);
	conf_free(again);
	/* and so does what is kept */
	o = conf_json(conf, false, -1);
	text = json_dumps(o, 0);
	again = good(text);
	ck_assert(json_equal(conf->services[1].spec, again->services[1].spec));
	ck_assert_ptr_nonnull(json_object_get(again->services[0].spec, "health_check"));
	ck_assert(json_equal(conf->services[0].spec, again->services[0].spec));
	ck_assert_str_eq(again->node.zone, "z1");
	ck_assert(json_equal(conf->node.cgroups, again->node.cgroups));
	free(text);
	json_decref(o);
	conf_free(again);
	conf_free(conf);
}
END_TEST

/* What is written out is what is read back, also through JSON. */
START_TEST(json_reads_back)
{
	struct conf *conf = good(whole), *again;
	json_t *json = conf_json(conf, false, -1);
	char *text = json_dumps(json, JSON_INDENT(1));

	again = good(text);
	ck_assert_uint_eq(again->n_endpoints, conf->n_endpoints);
	for (size_t i = 0; i < conf->n_endpoints; i++)
		ck_assert(conf_endpoint_equal(&conf->endpoints[i], &again->endpoints[i]));
	ck_assert_uint_eq(again->n_policies, conf->n_policies);
	for (size_t i = 0; i < conf->n_policies; i++) {
		ck_assert_str_eq(conf->policies[i].name, again->policies[i].name);
		ck_assert(conf_policy_equal(&conf->policies[i], &again->policies[i]));
	}
	ck_assert_uint_eq(again->n_addresses, 1);
	ck_assert_uint_eq(again->node.table_bytes, conf->node.table_bytes);
	free(text);
	json_decref(json);
	conf_free(again);
	conf_free(conf);
}
END_TEST

START_TEST(merging_keeps_owners)
{
	struct conf *file = good(whole), *socket = NULL, *both = NULL;
	struct conf_parse how = { .source = CONF_SOCKET };
	static const char text[] = "{\"version\": 1, \"endpoints\": [{\"name\": \"z\", \"device\": \"z0\", "
				   "\"addresses\": [\"10.0.0.9\"]}]}";

	ck_assert_int_eq(conf_parse(text, strlen(text), &how, ctx, &report, &socket), 0);
	ck_assert_int_eq(conf_merge(file, socket, &report, &both), 0);
	ck_assert_uint_eq(both->n_endpoints, 3);
	ck_assert_int_eq(conf_find_endpoint(both, "z")->source, CONF_SOCKET);
	ck_assert_int_eq(conf_find_endpoint(both, "a")->source, CONF_FILE);
	ck_assert_int_eq(conf_remove_endpoint(both, "a"), 1);
	ck_assert_int_eq(conf_remove_endpoint(both, "a"), 0);
	ck_assert_ptr_null(conf_find_endpoint(both, "a"));
	conf_free(both);
	free(socket->endpoints[0].name);
	socket->endpoints[0].name = strdup("a");
	ck_assert_int_eq(conf_merge(file, socket, &report, &both), -EEXIST);
	conf_free(file);
	conf_free(socket);
}
END_TEST

START_TEST(files_are_read_beside_the_file)
{
	char dir[] = "/tmp/ebn-conf.XXXXXX", path[128], one[128];
	static const char yaml[] = "version: 1\npolicies:\n  - file: '*.np'\n";
	struct conf_parse how = { .path = path, .source = CONF_FILE };
	static const char policies[] = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
		"metadata: {name: a, namespace: demo}\nspec: {podSelector: {}}\n---\n"
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
		"metadata: {name: b, namespace: demo}\nspec: {podSelector: {}}\n";
	struct conf *conf;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/agent.yaml", dir);
	snprintf(one, sizeof(one), "%s/one.np", dir);
	ck_assert_int_eq(file_replace(path, yaml, strlen(yaml)), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(file_replace(one, policies, strlen(policies)), 0);
	report_init(&report);
	if (!ctx)
		ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(conf_load(path, &how, ctx, &report, &conf), 0);
	ck_assert_uint_eq(conf->n_policies, 2);
	ck_assert_str_eq(conf->policies[0].path, one);
	ck_assert_uint_eq(conf->policies[0].line, 2);
	ck_assert_uint_eq(conf->policies[1].line, 7);
	conf_free(conf);
	/* What is wrong in it is said of it, not of the file that names it. */
	ck_assert_int_eq(file_replace(one, "---\nkind: NetworkPolicy\n\n", 25), 0);
	ck_assert_int_lt(conf_load(path, &how, ctx, &report, &conf), 0);
	ck_assert_uint_ge(report.n, 1);
	ck_assert_str_eq(report.messages[0].path, one);
	ck_assert_uint_eq(report.messages[0].line, 2);
	report_clear(&report);
	unlink(one);
	unlink(path);
	rmdir(dir);
}
END_TEST

#define EP "endpoints:\n  - name: a\n    device: d0\n    addresses: [10.0.0.1]\n"

/* Documents that are wrong, the line that is at fault and a part of what is said about it. */
static const struct {
	const char *text;
	unsigned int line;
	const char *says;
} malformed[] = {
	{ "", 1, "version" },
	{ "# nothing\n", 1, "version" },
	{ "node: {}\n", 1, "\"version\" is missing" },
	{ "version: 2\n", 1, "not supported" },
	{ "version: one\n", 1, "number" },
	{ "version: 1\nversion: 1\n", 2, "twice" },
	{ "- version: 1\n", 1, "keys and values" },
	{ "version: 1\n---\nversion: 1\n", 3, "second document" },
	{ "version: 1\nfoo: 1\n", 2, "unknown key \"foo\"" },
	{ "version: 1\nservices: {}\n", 2, "a list is expected" },
	{ "version: 1\nservices:\n- {frontends: []}\n", 3, "\"name\" is missing" },
	{ "version: 1\nservices:\n- {name: a}\n", 3, "\"frontends\" is missing" },
	{ "version: 1\nservices:\n- {name: a, frontends: []}\n", 3, "without a frontend" },
	{ "version: 1\nservices:\n- {name: a b, frontends: [{port: 80}]}\n", 3, "printable" },
	{ "version: 1\nservices:\n- name: a\n  frontends:\n  - {port: 80}\n  - {port: 0}\n", 6, "a port is" },
	{ "version: 1\nservices:\n- name: a\n  frontends:\n  - {address: 10.0.0.0/33, port: 80}\n", 5, "or a prefix" },
	{ "version: 1\nservices:\n- name: a\n  frontends:\n  - {address: 10.0.0.1, port: 90-80}\n", 5, "FIRST-LAST" },
	{ "version: 1\nservices:\n- name: a\n  frontends:\n  - {address: 10.0.0.1, port: 80, protocol: gre}\n", 5, "tcp, udp" },
	{ "version: 1\nservices:\n- name: a\n  frontends:\n  - {address: 10.0.0.1, port: 80, kind: best}\n", 5, "a kind is" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  backends:\n  - {port: 80}\n", 6, "\"address\"" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  backends:\n  - {address: 10.0.0.1, weight: 0}\n", 6,
			"a weight" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  backends:\n  - {address: 10.0.0.1, state: up}\n", 6, "a state" },
	{ "version: 1\nservices:\n- {name: a, algorithm: least, frontends: [{port: 80}]}\n", 3, "an algorithm" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  affinity: 604801\n", 5, "more than" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  health_port: 90\n", 3, "external policy LOCAL" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  prefer_zone: maybe\n", 5, "true" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  allow: [nobody]\n", 5, "source range" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  colour: red\n", 5, "unknown key" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  health_check:\n    type: tcp\n    every: 5\n", 7,
			"unknown key \"every\"" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  health_check: {path: /}\n", 5, "\"type\" is missing" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  health_check: {type: tcp, port: 65536}\n", 5,
			"more than 65535" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  health_check: {type: tcp, interval_ms: 9}\n", 5,
			"interval_ms is 10" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{port: 80}]\n  backends: [{address: 10.0.0.1}]\n"
	  "  health_check: {type: tcp}\n", 6, "a check needs a port" },
	{ "version: 1\nservices:\n- {name: a, frontends: [{port: 80}]}\n- {name: a, frontends: [{port: 81}]}\n", 4,
			"a second service" },
	{ "version: 1\nservices:\n- name: a\n  frontends: [{address: 10.0.0.1, port: 80}]\n"
	  "  backends: [{address: \"fd00::1\"}]\n", 3, "address family" },
	{ "version: 1\nnode:\n  zone: a b\n", 3, "printable" },
	{ "version: 1\nnode:\n  addresses: [here]\n", 3, "not an address" },
	{ "version: 1\nnode:\n  cgroups: [here]\n", 3, "absolute" },
	{ "version: 1\noverlay:\n  mtu: 1000\n", 3, "1280 to 65535" },
	{ "version: 1\noverlay:\n  protocol: gre\n", 3, "vxlan or geneve" },
	{ "version: 1\noverlay:\n  protocol: 1\n", 3, "vxlan or geneve" },
	{ "version: 1\noverlay:\n  addresses: [here]\n", 3, "at most one of each family" },
	{ "version: 1\nnodes:\n- name: a\n", 3, "\"addresses\" is missing" },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1], native: perhaps}\n", 3, "true or false" },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1], prefixes: [10.0.0.1/8]}\n", 3, "prefixes: " },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1]}\n- {name: a, addresses: [192.0.2.2]}\n", 4, "already used in line 3" },
	{ "version: 1\nhost: {labels: {a: b}, audit: 1}\n", 2, "true or false" },
	{ "version: 1\nhost:\n  safe:\n  - {protocol: icmp, ports: 1}\n", 4, "ports: " },
	{ "version: 1\nhost:\n  safe:\n  - {from: [10.0.0.0/8], to: ['::/0']}\n", 4, "one of both" },
	{ "version: 1\nhost:\n  safe:\n  - {from: [10.0.0.1/8]}\n", 4, "no prefix" },
	{ "version: 1\nhost:\n  safe:\n  - {protocol: what}\n", 4, "protocol: " },
	{ "version: 1\nservices:\n- {name: a, frontends: [{address: 10.0.0.1, port: 1}], on_removal: later}\n", 3, "finish or reset" },
	{ "version: 1\nexporters: {}\n", 2, "not supported by this version" },
	{ "version: 1\nipam: {}\n", 2, "\"pools\" is missing" },
	{ "version: 1\nipam:\n  store: here\n  pools: []\n", 3, "absolute" },
	{ "version: 1\nipam:\n  quarantine: 86401\n  pools: []\n", 3, "more than 86400" },
	{ "version: 1\nipam:\n  pools:\n  - name: a\n", 4, "\"ranges\" is missing" },
	{ "version: 1\nipam:\n  pools:\n  - {name: a, ranges: []}\n", 4, "needs ranges" },
	{ "version: 1\nipam:\n  pools:\n  - {name: a, ranges: [{subnet: 10.0.0.1/24}]}\n", 4, "not a subnet" },
	{ "version: 1\nipam:\n  pools:\n  - {name: a, ranges: [{subnet: 10.0.0.0/24, gateway: no}]}\n", 4,
			"not an address" },
	{ "version: 1\nipam:\n  pools:\n  - {name: a, ranges: [{subnet: 10.0.0.0/24}]}\n"
	  "  - {name: b, ranges: [{subnet: 10.0.0.128/25}]}\n", 5, "pool a has some of these" },
	{ "version: 1\nipam:\n  pools:\n  - {name: a, ranges: [{subnet: 10.0.0.0/24}]}\n"
	  "  - {name: a, ranges: [{subnet: 10.0.0.0/24}]}\n", 5, "already used in line 4" },
	{ "version: 1\ncni: {pool: a}\n", 2, "\"conflist\" is missing" },
	{ "version: 1\ncni: {conflist: /a, pool: a, mtu: 100}\n", 2, "1280" },
	{ "version: 1\ncni: {conflist: /a, pool: a, device: ipvlan}\n", 2, "veth, netkit or netkit-l3" },
	{ "version: 1\noverlay:\n  mtu: 1000\n", 3, "1280 to 65535" },
	{ "version: 1\noverlay:\n  addresses: [here]\n", 3, "at most one of each family" },
	{ "version: 1\nnodes:\n- name: a\n", 3, "\"addresses\" is missing" },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1], native: perhaps}\n", 3, "true or false" },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1], prefixes: [10.0.0.1/8]}\n", 3, "prefixes: " },
	{ "version: 1\nnodes:\n- {name: a, addresses: [192.0.2.1]}\n- {name: a, addresses: [192.0.2.2]}\n", 4, "already used in line 3" },
	{ "version: 1\nexporters: {}\n", 2, "not supported by this version" },
	{ "version: 1\nnode: [a]\n", 2, "keys and values" },
	{ "version: 1\nnode:\n  color: red\n", 3, "unknown key \"color\"" },
	{ "version: 1\nnode:\n  datapath: a/b\n", 3, "a-z" },
	{ "version: 1\nnode:\n  datapath: ''\n", 3, "empty" },
	{ "version: 1\nnode:\n  pin_dir: tmp\n", 3, "absolute" },
	{ "version: 1\nnode:\n  state_dir: tmp\n", 3, "absolute" },
	{ "version: 1\nnode:\n  flows4: many\n", 3, "number" },
	{ "version: 1\nnode:\n  flows4: -1\n", 3, "number" },
	{ "version: 1\nnode:\n  flows4: 99999999999\n", 3, "more than" },
	{ "version: 1\nnode:\n  flows6: 3 apples\n", 3, "not a number" },
	{ "version: 1\nnode:\n  table_bytes: 3MiB\n", 3, "power of two" },
	{ "version: 1\nnode:\n  table_bytes: 4KiB\n", 3, "power of two" },
	{ "version: 1\nnode:\n  max_endpoints: 65536\n", 3, "more than" },
	{ "version: 1\nnode:\n  name: [x]\n", 3, "text" },
	{ "version: 1\nendpoints: 5\n", 2, "list" },
	{ "version: 1\nendpoints:\n  - 5\n", 3, "keys and values" },
	{ "version: 1\nendpoints:\n  - name: a\n", 3, "\"device\" is missing" },
	{ "version: 1\nendpoints:\n  - device: d\n    addresses: [10.0.0.1]\n", 3, "\"name\" is missing" },
	{ "version: 1\n" EP "    addresses: [10.0.0.2]\n", 6, "twice" },
	{ "version: 1\n" EP "    color: red\n", 6, "unknown key" },
	{ "version: 1\n" EP "    mac: 02:00\n", 6, "MAC" },
	{ "version: 1\n" EP "    mac: 01:00:00:00:00:01\n", 6, "group" },
	{ "version: 1\n" EP "    gateways: [10.0.0.300]\n", 6, "not an address" },
	{ "version: 1\n" EP "    gateways: 10.0.0.1\n", 6, "list" },
	{ "version: 1\n" EP "    gateways: [10.0.0.1, 10.0.0.2]\n", 6, "second address" },
	{ "version: 1\n" EP "    flags: [loud]\n", 6, "flag" },
	{ "version: 1\n" EP "    id: 0\n", 6, "id" },
	{ "version: 1\n" EP "    id: 65536\n", 6, "more than" },
	{ "version: 1\n" EP "    labels: [app]\n", 6, "labels" },
	{ "version: 1\n" EP "    labels:\n      app: 'a,b'\n", 7, "label" },
	{ "version: 1\n" EP "    labels:\n      app: [a]\n", 7, "label" },
	{ "version: 1\n" EP "    labels: '=x'\n", 6, "" },
	{ "version: 1\n" EP "    namespace: 'a;b'\n", 6, "namespace" },
	{ "version: 1\n" EP "  - name: a\n    device: d1\n    addresses: [10.0.0.2]\n", 6, "already used in line 3" },
	{ "version: 1\n" EP "  - name: b\n    device: d0\n    addresses: [10.0.0.2]\n", 7, "already used in line 4" },
	{ "version: 1\n" EP "  - name: b\n    device: d1\n    addresses: [10.0.0.1]\n", 8, "already used in line 5" },
	{ "version: 1\nendpoints:\n  - {name: a, device: d, addresses: []}\n", 3, "needs an address" },
	{ "version: 1\nendpoints:\n  - {name: a, device: a/b, addresses: [1.2.3.4]}\n", 3, "device" },
	{ "version: 1\nendpoints:\n  - {name: a, device: abcdefghijklmnop, addresses: [1.2.3.4]}\n", 3, "device" },
	{ "version: 1\nendpoints:\n  - {name: \"a\\tb\", device: d, addresses: [1.2.3.4]}\n", 3, "control" },
	{ "version: 1\n" EP "addresses:\n  - address: 10.0.0.1\n    labels: {a: b}\n", 7, "already used in line 5" },
	{ "version: 1\naddresses:\n  - address: 10.0.0.1/8\n    labels: {a: b}\n", 3, "neither an address" },
	{ "version: 1\naddresses:\n  - {address: 10.0.0.0/8, labels: {a: b}}\n  - {address: 10.0.0.0/8, labels: {a: c}}\n", 4,
	  "already" },
	{ "version: 1\naddresses:\n  - address: 10.0.0.1\n", 3, "\"labels\" is missing" },
	{ "version: 1\ndevices:\n  - {device: eth0, role: drop}\n", 3, "role" },
	{ "version: 1\ndevices:\n  - {device: eth0, role: watch, masquerade: true}\n", 3, "netdev" },
	{ "version: 1\ndevices:\n  - {device: eth0, role: watch, pacing: fq}\n", 3, "netdev" },
	{ "version: 1\ndevices:\n  - {device: eth0, role: netdev, pacing: slow}\n", 3, "pacing" },
	{ "version: 1\ndevices:\n  - {device: eth0, role: netdev, pacing: [fq]}\n", 3, "pacing" },
	{ NAT "{ports: 5-4}}\n", 3, "ports" },
	{ NAT "{ports: 0-4}}\n", 3, "ports" },
	{ NAT "{ports: 1-65536}}\n", 3, "ports" },
	{ NAT "{families: [ipx]}}\n", 3, "family" },
	{ NAT "{addresses: [192.0.2.1, 192.0.2.2]}}\n", 3, "second" },
	{ NAT "{addresses: [192.0.2.1/24]}}\n", 3, "not an address" },
	{ NAT "{keep: [10.0.0.0/33]}}\n", 3, "prefix" },
	{ NAT "{keep: [10.0.0.0]}}\n", 3, "prefix" },
	{ NAT "{keep: ['fd00::/129']}}\n", 3, "prefix" },
	{ NAT "{host_ports: 1}}\n", 3, "true" },
	{ NAT "{port: 1-2}}\n", 3, "port" },
	{ "version: 1\npolicies:\n  - {}\n", 3, "apiVersion" },
	{ "version: 1\npolicies:\n  - deny all\n", 3, "policy" },
	{ "version: 1\npolicies:\n  - file: /nonexistent/x.yaml\n", 3, "no such file" },
	{ "version: 1\npolicies:\n  - file: [a]\n", 3, "pattern" },
	{ "version: 1\npolicies:\n  - file: a*.none\n    other: b\n", 3, "apiVersion" },
	{ "version: 1\npolicies:\n  - apiVersion: v9\n    kind: Pod\n", 3, "" },
	{ "version: 1\npolicies:\n" POLICY("a") POLICY("a"), 7, "also at t.yaml:3" },
	{ "version: 1\npolicies:\n" POLICY("a") "      bad: [\n", 7, "" },
	{ "version: 1\nnode: &x {}\n", 2, "anchor" },
	{ "version: 1\nnode: *x\n", 2, "alias" },
	{ "version: 1\nnode: !!map {}\n", 2, "tag" },
	{ "version: 1\n? [a]\n: b\n", 2, "key" },
	{ "version: 1\nnode: {\n", 3, "" },
	{ "version: 1\n\tnode: {}\n", 2, "" },
	{ "version: 1\nnode: \"\\0\"\n", 2, "NUL" },
	{ "version: 1\nnode: \xff\n", 2, "UTF-8" },
	{ "version: 1\nx: " "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" "\n", 2, "deep" },
};

START_TEST(malformed_documents_name_the_line)
{
	struct conf *conf = NULL;
	int err = parse(malformed[_i].text, "t.yaml", &conf);
	char *text = report_format(&report, 0);
	bool found = false;

	ck_assert_msg(err < 0, "taken: %s", malformed[_i].text);
	ck_assert_ptr_null(conf);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < report.n; i++)
		found |= report.messages[i].line == malformed[_i].line &&
			 strstr(report.messages[i].text, malformed[_i].says);
	ck_assert_msg(found, "line %u, \"%s\" wanted; said: %s", malformed[_i].line,
		      malformed[_i].says, text);
	ck_assert(strncmp(text, "t.yaml:", 7) == 0);
	free(text);
	report_clear(&report);
}
END_TEST

/* The library's errors in a policy carry the line of the whole file. */
START_TEST(errors_inside_policies_have_the_files_line)
{
	struct conf *conf = NULL;
	char *text;

	ck_assert_int_lt(parse("version: 1\n# é\npolicies:\n" POLICY("fine")
			       "  - apiVersion: networking.k8s.io/v1\n"
			       "    kind: NetworkPolicy\n"
			       "    metadata: {name: b, namespace: demo}\n"
			       "    spec:\n"
			       "      podSelector: {}\n"
			       "      nonsense: 1\n", "t.yaml", &conf), 0);
	ck_assert_uint_ge(report.n, 1);
	ck_assert_uint_eq(report.messages[0].line, 13);
	text = report_format(&report, 0);
	ck_assert_ptr_nonnull(strstr(text, "t.yaml:13: "));
	ck_assert_ptr_nonnull(strstr(text, "nonsense"));
	free(text);
	report_clear(&report);
}
END_TEST

START_TEST(all_errors_are_said_at_once)
{
	struct conf *conf = NULL;

	ck_assert_int_lt(parse("version: 1\nnode: {x: 1, y: 2}\nendpoints: 3\nz: 4\n", "t.yaml", &conf), 0);
	ck_assert_uint_eq(report.errors, 4);
	report_clear(&report);
}
END_TEST

START_TEST(sockets_may_not_name_files)
{
	struct conf *conf = NULL;

	ck_assert_int_lt(parse("version: 1\npolicies:\n  - file: /etc/passwd\n", NULL, &conf), 0);
	ck_assert_ptr_nonnull(strstr(report.messages[0].text, "cannot be named"));
	report_clear(&report);
}
END_TEST

/* The file that is shipped as the complete example. */
START_TEST(the_sample_is_right)
{
	const char *top = getenv("top_srcdir");
	struct conf_parse how = { .source = CONF_FILE };
	char path[4096];
	struct conf *conf;

	snprintf(path, sizeof(path), "%s/examples/agent/agent.yaml", top ? top : ".");
	how.path = path;
	report_init(&report);
	if (!ctx)
		ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_msg(!conf_load(path, &how, ctx, &report, &conf), "%s", report_format(&report, 0));
	ck_assert_uint_eq(conf->n_endpoints, 4);
	ck_assert_uint_eq(conf->n_policies, 1);
	ck_assert_uint_eq(conf->n_addresses, 1);
	conf_free(conf);
}
END_TEST

/* Entries come and go in random order; the arrays stay sorted and complete. */
START_TEST(entries_in_random_order)
{
	uint64_t seed = test_seed();
	bool there[200] = {};
	struct conf *conf;
	size_t n = 0;

	ck_assert_int_eq(conf_new(&conf), 0);
	for (int i = 0; i < 20000; i++) {
		unsigned int k = test_below(&seed, 200);
		struct conf_address a = { .prefix = { .addr.b = { 1, (uint8_t)(k * 7), (uint8_t)k }, .len = 128 } };

		if (test_below(&seed, 2)) {
			ck_assert_int_eq(conf_put_address(conf, &a), 0);
			n += !there[k];
			there[k] = true;
		} else {
			ck_assert_int_eq(conf_remove_address(conf, &a.prefix), there[k]);
			n -= there[k];
			there[k] = false;
		}
		ck_assert_uint_eq(conf->n_addresses, n);
	}
	for (unsigned int k = 0; k < 200; k++) {
		struct ebpfnet_prefix prefix = { .addr.b = { 1, (uint8_t)(k * 7), (uint8_t)k }, .len = 128 };

		ck_assert_int_eq(conf_find_address(conf, &prefix) != NULL, there[k]);
	}
	conf_free(conf);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		everything_is_read,
		a_device_may_pace, a_device_may_masquerade,
		policies_keep_their_place,
		policies_of_every_language,
		json_reads_back,
		services_are_what_they_say,
		merging_keeps_owners,
		files_are_read_beside_the_file,
		errors_inside_policies_have_the_files_line,
		all_errors_are_said_at_once,
		sockets_may_not_name_files,
		the_sample_is_right,
		entries_in_random_order,
	};
	Suite *suite = suite_create("agent-conf");
	TCase *tc = tcase_create("conf");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, malformed_documents_name_the_line, 0,
			    (int)(sizeof(malformed) / sizeof(malformed[0])));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
