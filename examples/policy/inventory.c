// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Who there is: namespaces, pods, external addresses and services, as YAML or JSON. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../agent/file.h"
#include "../agent/tree.h"

#define NS_KEY "k8s:io.kubernetes.pod.namespace"
#define NS_LABEL "k8s:io.cilium.k8s.namespace.labels."

/* What no label has, and what would be another one to who reads it. */
#define MARKS ",;=!()\"\\ "

struct reader {
	struct tree *tree;
	struct report report;
	const struct tree_node *namespaces;
	struct inventory *inv;
};

/* A text that grows; NULL once memory was short. */
struct text {
	char *p;
	size_t len;
};

static bool add(struct text *t, const char *a, const char *b, const char *c, const char *d)
{
	size_t more = strlen(a) + strlen(b) + strlen(c) + strlen(d);
	char *p = realloc(t->p, t->len + more + 1);

	if (!p)
		return false;
	t->p = p;
	snprintf(p + t->len, more + 1, "%s%s%s%s", a, b, c, d);
	t->len += more;
	return true;
}

/* ---- shapes ---- */

static int want_map(struct reader *r, const struct tree_node *n, const char *keys)
{
	char key[64];

	if (n->kind != TREE_MAP)
		return tree_error(r->tree, n, &r->report, "a map is wanted");
	for (const struct tree_node *c = n->first; c; c = c->next) {
		snprintf(key, sizeof(key), " %s ", c->key);
		if (!strstr(keys, key))
			return tree_error(r->tree, c, &r->report, "unknown field");
	}
	return 0;
}

static int want_list(struct reader *r, const struct tree_node *n)
{
	return n->kind == TREE_LIST ? 0 : tree_error(r->tree, n, &r->report, "a list is wanted");
}

/* The text of a field; required: it must be there. */
static int want_text(struct reader *r, const struct tree_node *map, const char *key, bool required, const char **ret)
{
	const struct tree_node *n = tree_get(map, key);

	*ret = NULL;
	if (!n && !required)
		return 0;
	if (!n)
		return tree_error(r->tree, map, &r->report, "%s is missing", key);
	if (n->kind != TREE_SCALAR || !*n->value || strpbrk(n->value, MARKS))
		return tree_error(r->tree, n, &r->report, "a name or number is wanted");
	*ret = n->value;
	return 0;
}

/* Appends ",PREFIXkey=value" for each label of the map. */
static int labels_add(struct reader *r, const struct tree_node *map, const char *prefix, struct text *t)
{
	if (!map)
		return 0;
	if (map->kind != TREE_MAP)
		return tree_error(r->tree, map, &r->report, "a map is wanted");
	for (const struct tree_node *c = map->first; c; c = c->next) {
		if (c->kind != TREE_SCALAR || strpbrk(c->value, MARKS) || strpbrk(c->key, MARKS ":"))
			return tree_error(r->tree, c, &r->report, "a label is wanted");
		if (!add(t, ",", prefix, c->key, "=") || !add(t, c->value, "", "", ""))
			return -ENOMEM;
	}
	return 0;
}

static int addrs_read(struct reader *r, const struct tree_node *list, struct end *end)
{
	int err = list ? want_list(r, list) : 0;

	for (const struct tree_node *c = list && !err ? list->first : NULL; c; c = c->next) {
		struct ebpfnet_addr addr;

		if (c->kind != TREE_SCALAR || ebpfnet_addr_parse(c->value, &addr) < 0)
			return tree_error(r->tree, c, &r->report, "an address is wanted");
		if (!append(&end->addrs, &end->n_addrs, &addr, sizeof(addr)))
			return -ENOMEM;
	}
	return err;
}

/* ---- pods ---- */

static const struct tree_node *labels_of_namespace(const struct reader *r, const char *name)
{
	for (const struct tree_node *n = r->namespaces ? r->namespaces->first : NULL; n; n = n->next)
		if (!strcmp(tree_get(n, "name")->value, name))
			return tree_get(n, "labels");
	return NULL;
}

static int namespaces_check(struct reader *r, const struct tree_node *list)
{
	const char *name;
	int err = want_list(r, list);

	for (const struct tree_node *n = list->first; !err && n; n = n->next) {
		err = want_map(r, n, " name labels ");
		if (!err)
			err = want_text(r, n, "name", true, &name);
		if (!err && tree_get(n, "labels") && tree_get(n, "labels")->kind != TREE_MAP)
			err = tree_error(r->tree, tree_get(n, "labels"), &r->report, "a map is wanted");
	}
	return err;
}

/* A named port is a label of the source "port". */
static int port_add(struct reader *r, const struct tree_node *n, struct end *end, struct text *t)
{
	const char *name, *number, *protocol;
	char spec[32], low[16];
	struct port port;
	int err = want_map(r, n, " name port protocol ");

	if (!err)
		err = want_text(r, n, "name", false, &name);
	if (!err)
		err = want_text(r, n, "port", true, &number);
	if (!err)
		err = want_text(r, n, "protocol", false, &protocol);
	if (err < 0)
		return err;
	snprintf(spec, sizeof(spec), "%.8s/%.8s", number, protocol ? protocol : "TCP");
	if (!port_read(spec, &port) || !port.number || port.protocol == 1 || port.protocol == 58)
		return tree_error(r->tree, n, &r->report, "a port from 1 to 65535 and TCP, UDP or SCTP are wanted");
	if (!name)
		return 0;
	snprintf(spec, sizeof(spec), "%u", port.number);
	snprintf(low, sizeof(low), "%s", port.protocol == 6 ? "/tcp=" : port.protocol == 17 ? "/udp=" : "/sctp=");
	if (!add(t, ",port:", name, low, spec) || !append(&end->ports, &end->n_ports, &port, sizeof(port)))
		return -ENOMEM;
	return 0;
}

static int pod_read(struct reader *r, const struct tree_node *n, struct end *end)
{
	const struct tree_node *ports = tree_get(n, "ports"), *of_ns;
	const char *ns, *name;
	struct text t = { 0 };
	int err = want_map(r, n, " namespace name labels ips ports ");

	if (!err)
		err = want_text(r, n, "namespace", false, &ns);
	if (!err)
		err = want_text(r, n, "name", true, &name);
	if (err < 0)
		return err;
	ns = ns ? ns : "default";
	if (asprintf(&end->name, "%s/%s", ns, name) < 0) {
		end->name = NULL;
		return -ENOMEM;
	}
	of_ns = labels_of_namespace(r, ns);
	err = add(&t, NS_KEY "=", ns, "", "") ? labels_add(r, tree_get(n, "labels"), "k8s:", &t) : -ENOMEM;
	/* every namespace has this one, said or not */
	if (!err && !(of_ns && tree_get(of_ns, "kubernetes.io/metadata.name")))
		err = add(&t, "," NS_LABEL, "kubernetes.io/metadata.name=", ns, "") ? 0 : -ENOMEM;
	if (!err)
		err = labels_add(r, of_ns, NS_LABEL, &t);
	if (!err)
		err = addrs_read(r, tree_get(n, "ips"), end);
	if (!err && ports)
		err = want_list(r, ports);
	for (const struct tree_node *p = ports && !err ? ports->first : NULL; !err && p; p = p->next)
		err = port_add(r, p, end, &t);
	if (!err && ebpfnet_labels_parse(t.p, NULL, NULL, &end->labels) < 0)
		err = tree_error(r->tree, n, &r->report, "its labels are too many, too long, or no labels");
	free(t.p);
	return err;
}

static int external_read(struct reader *r, const struct tree_node *n, struct end *end)
{
	const char *name;
	int err = want_map(r, n, " name ips ");

	if (!err)
		err = want_text(r, n, "name", true, &name);
	if (err < 0)
		return err;
	end->name = strdup(name);
	err = end->name ? addrs_read(r, tree_get(n, "ips"), end) : -ENOMEM;
	return !err && !end->n_addrs ? tree_error(r->tree, n, &r->report, "ips are missing") : err;
}

static void end_free(struct end *end)
{
	free(end->name);
	ebpfnet_labels_unref(end->labels);
	free(end->addrs);
	free(end->ports);
}

static int ends_read(struct reader *r, const struct tree_node *list,
		     int (*read)(struct reader *, const struct tree_node *, struct end *))
{
	int err = want_list(r, list);

	for (const struct tree_node *n = list->first; !err && n; n = n->next) {
		struct end end = { 0 };

		err = read(r, n, &end);
		if (!err && inventory_find(r->inv, end.name))
			err = tree_error(r->tree, n, &r->report, "\"%s\" is there already", end.name);
		if (!err)
			err = append(&r->inv->ends, &r->inv->n_ends, &end, sizeof(end)) ? 0 : -ENOMEM;
		if (err < 0)
			end_free(&end);
	}
	return err;
}

/* ---- services ---- */

static void service_free(struct service *s)
{
	for (size_t i = 0; i < s->n_prefixes; i++)
		free(s->prefixes[i]);
	free(s->prefixes);
	free(s->name);
	free(s->labels);
	free(s->selector);
}

static int service_read(struct reader *r, const struct tree_node *n, struct service *s)
{
	const struct tree_node *selector = tree_get(n, "selector"), *ips = tree_get(n, "ips");
	struct text labels = { 0 }, sel = { 0 };
	const char *ns, *name;
	int err = want_map(r, n, " namespace name labels selector ips ");

	if (!err)
		err = want_text(r, n, "namespace", false, &ns);
	if (!err)
		err = want_text(r, n, "name", true, &name);
	if (err < 0)
		return err;
	ns = ns ? ns : "default";
	err = asprintf(&s->name, "%s/%s", ns, name) < 0 ? -ENOMEM : 0;
	if (err < 0)
		s->name = NULL;
	if (!err)
		err = add(&labels, NS_KEY "=", ns, "", "") ? labels_add(r, tree_get(n, "labels"), "k8s:", &labels) : -ENOMEM;
	/* a service without a selector has no pods behind it */
	if (!err && selector && selector->kind == TREE_MAP && selector->first)
		err = add(&sel, NS_KEY "=", ns, "", "") ? labels_add(r, selector, "k8s:", &sel) : -ENOMEM;
	s->labels = labels.p;
	s->selector = sel.p;
	if (!err && ips)
		err = want_list(r, ips);
	for (const struct tree_node *c = ips && !err ? ips->first : NULL; !err && c; c = c->next) {
		char *ip = c->kind == TREE_SCALAR ? strdup(c->value) : NULL;

		if (!ip)
			err = tree_error(r->tree, c, &r->report, "an address is wanted");
		else if (!append(&s->prefixes, &s->n_prefixes, &ip, sizeof(ip)))
			err = -ENOMEM;
	}
	return err;
}

static int services_read(struct reader *r, const struct tree_node *list)
{
	int err = want_list(r, list);

	for (const struct tree_node *n = list->first; !err && n; n = n->next) {
		struct service s = { 0 };

		err = service_read(r, n, &s);
		if (!err)
			err = append(&r->inv->services, &r->inv->n_services, &s, sizeof(s)) ? 0 : -ENOMEM;
		if (err < 0)
			service_free(&s);
	}
	return err;
}

/* ---- all of it ---- */

static int read_all(struct reader *r)
{
	const struct tree_node *top = r->tree->documents, *n;
	int err;

	if (!top || top->next) {
		report_error(&r->report, r->tree->path, 1, 0, NULL, "one document is wanted");
		return -EINVAL;
	}
	err = want_map(r, top, " namespaces pods external services ");
	if (err < 0)
		return err;
	r->namespaces = tree_get(top, "namespaces");
	if (r->namespaces)
		err = namespaces_check(r, r->namespaces);
	n = tree_get(top, "pods");
	if (!err && n)
		err = ends_read(r, n, pod_read);
	n = tree_get(top, "external");
	if (!err && n)
		err = ends_read(r, n, external_read);
	n = tree_get(top, "services");
	return !err && n ? services_read(r, n) : err;
}

int inventory_parse(const char *text, size_t len, const char *path, struct inventory *ret)
{
	struct reader r = { .inv = ret };
	char *line;
	int err;

	memset(ret, 0, sizeof(*ret));
	report_init(&r.report);
	err = tree_parse(text, len, path, 1, &r.report, &r.tree);
	if (!err)
		err = read_all(&r);
	for (size_t i = 0; i < r.report.n; i++) {
		line = report_format(&r.report, i);
		say("%s", line ? line : strerror(ENOMEM));
		free(line);
	}
	if (err < 0 && !r.report.n)
		say("%s: %s", path, strerror(-err));
	report_clear(&r.report);
	if (r.tree)
		tree_free(r.tree);
	if (err < 0)
		inventory_free(ret);
	return err < 0 ? STATUS_TROUBLE : 0;
}

int inventory_read(const char *path, struct inventory *ret)
{
	char *text = NULL;
	size_t len = 0;
	int status;

	if (!path)
		return say("--inventory FILE is missing");
	status = file_read(path, TREE_TEXT_MAX, &text, &len);
	if (status < 0)
		return say("%s: %s", path, strerror(-status));
	status = inventory_parse(text, len, path, ret);
	free(text);
	return status;
}

void inventory_free(struct inventory *inv)
{
	for (size_t i = 0; i < inv->n_ends; i++)
		end_free(&inv->ends[i]);
	for (size_t i = 0; i < inv->n_services; i++)
		service_free(&inv->services[i]);
	free(inv->ends);
	free(inv->services);
	memset(inv, 0, sizeof(*inv));
}

const struct end *inventory_find(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->n_ends; i++)
		if (!strcmp(inv->ends[i].name, name))
			return &inv->ends[i];
	return NULL;
}
