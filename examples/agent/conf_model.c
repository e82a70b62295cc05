// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int conf_new(struct conf **ret)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return -ENOMEM;
	conf->node.datapath = strdup("default");
	if (!conf->node.datapath) {
		free(conf);
		return -ENOMEM;
	}
	conf->node.history = CONF_HISTORY_DEFAULT;
	*ret = conf;
	return 0;
}

void conf_endpoint_clear(struct conf_endpoint *ep)
{
	free(ep->name);
	free(ep->pool);
	ebpfnet_labels_unref(ep->labels);
	memset(ep, 0, sizeof(*ep));
}

void conf_policy_clear(struct conf_policy *policy)
{
	free(policy->name);
	free(policy->text);
	free(policy->path);
	memset(policy, 0, sizeof(*policy));
}

void conf_service_clear(struct conf_service *service)
{
	free(service->name);
	json_decref(service->spec);
	memset(service, 0, sizeof(*service));
}

void conf_address_clear(struct conf_address *address)
{
	ebpfnet_labels_unref(address->labels);
	memset(address, 0, sizeof(*address));
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->n_endpoints; i++)
		conf_endpoint_clear(&conf->endpoints[i]);
	for (size_t i = 0; i < conf->n_policies; i++)
		conf_policy_clear(&conf->policies[i]);
	for (size_t i = 0; i < conf->n_addresses; i++)
		conf_address_clear(&conf->addresses[i]);
	for (size_t i = 0; i < conf->n_services; i++)
		conf_service_clear(&conf->services[i]);
	free(conf->services);
	free(conf->devices);
	free(conf->endpoints);
	free(conf->policies);
	free(conf->addresses);
	free(conf->node.name);
	free(conf->node.datapath);
	free(conf->node.pin_dir);
	free(conf->node.state_dir);
	free(conf->node.zone);
	json_decref(conf->node.addresses);
	json_decref(conf->node.cgroups);
	json_decref(conf->node.source);
	json_decref(conf->node.xdp);
	json_decref(conf->ipam);
	json_decref(conf->cni);
	json_decref(conf->overlay);
	json_decref(conf->nodes);
	json_decref(conf->host);
	json_decref(conf->egress);
	free(conf);
}

/* ---- sorted arrays: the key of an element is compared by these */

typedef int (*compare_fn)(const void *key, const void *element);

static int by_device(const void *key, const void *element)
{
	return strcmp(key, ((const struct conf_device *)element)->name);
}

static int by_endpoint(const void *key, const void *element)
{
	return strcmp(key, ((const struct conf_endpoint *)element)->name);
}

static int by_policy(const void *key, const void *element)
{
	return strcmp(key, ((const struct conf_policy *)element)->name);
}

static int by_service(const void *key, const void *element)
{
	return strcmp(key, ((const struct conf_service *)element)->name);
}

static int by_address(const void *key, const void *element)
{
	return memcmp(key, &((const struct conf_address *)element)->prefix,
		      sizeof(struct ebpfnet_prefix));
}

struct array {
	void **base;
	size_t *n;
	size_t size;
	compare_fn compare;
};

#define ARRAY(conf, member, cmp) \
	((struct array){ (void **)&(conf)->member, &(conf)->n_##member, \
			 sizeof(*(conf)->member), cmp })

/* Where key stands, or would; *found says which. */
static size_t place(const struct array *a, const void *key, bool *found)
{
	size_t low = 0, high = *a->n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = a->compare(key, (char *)*a->base + mid * a->size);

		if (!c) {
			*found = true;
			return mid;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void *find(struct array a, const void *key)
{
	bool found;
	size_t i = place(&a, key, &found);

	return found ? (char *)*a.base + i * a.size : NULL;
}

/* Makes room for key and returns it zeroed; an element of that key is returned as it is. */
static void *make_room(struct array a, const void *key, bool *found)
{
	size_t i = place(&a, key, found), n = *a.n;
	char *base;

	if (*found)
		return (char *)*a.base + i * a.size;
	/* Room for a power of two: realloc only when n is one. */
	if (!(n & (n - 1))) {
		base = realloc(*a.base, (n ? n * 2 : 1) * a.size);
		if (!base)
			return NULL;
		*a.base = base;
	}
	base = (char *)*a.base + i * a.size;
	memmove(base + a.size, base, (n - i) * a.size);
	memset(base, 0, a.size);
	(*a.n)++;
	return base;
}

static void take_out(struct array a, void *element)
{
	char *end = (char *)*a.base + *a.n * a.size;
	char *next = (char *)element + a.size;

	memmove(element, next, (size_t)(end - next));
	if (--*a.n == 0) {
		free(*a.base);
		*a.base = NULL;
	}
}

struct conf_endpoint *conf_find_endpoint(const struct conf *conf, const char *name)
{
	return find(ARRAY((struct conf *)conf, endpoints, by_endpoint), name);
}

struct conf_policy *conf_find_policy(const struct conf *conf, const char *name)
{
	return find(ARRAY((struct conf *)conf, policies, by_policy), name);
}

struct conf_address *conf_find_address(const struct conf *conf, const struct ebpfnet_prefix *prefix)
{
	return find(ARRAY((struct conf *)conf, addresses, by_address), prefix);
}

struct conf_service *conf_find_service(const struct conf *conf, const char *name)
{
	return find(ARRAY((struct conf *)conf, services, by_service), name);
}

struct conf_device *conf_find_device(const struct conf *conf, const char *name)
{
	return find(ARRAY((struct conf *)conf, devices, by_device), name);
}

int conf_put_endpoint(struct conf *conf, struct conf_endpoint *ep)
{
	bool found;
	struct conf_endpoint *p = make_room(ARRAY(conf, endpoints, by_endpoint), ep->name, &found);

	if (!p)
		return -ENOMEM;
	if (found)
		conf_endpoint_clear(p);
	*p = *ep;
	memset(ep, 0, sizeof(*ep));
	return 0;
}

int conf_put_policy(struct conf *conf, struct conf_policy *policy)
{
	bool found;
	struct conf_policy *p = make_room(ARRAY(conf, policies, by_policy), policy->name, &found);

	if (!p)
		return -ENOMEM;
	if (found)
		conf_policy_clear(p);
	*p = *policy;
	memset(policy, 0, sizeof(*policy));
	return 0;
}

int conf_put_address(struct conf *conf, struct conf_address *address)
{
	bool found;
	struct conf_address *p = make_room(ARRAY(conf, addresses, by_address), &address->prefix, &found);

	if (!p)
		return -ENOMEM;
	if (found)
		conf_address_clear(p);
	*p = *address;
	memset(address, 0, sizeof(*address));
	return 0;
}

int conf_put_service(struct conf *conf, struct conf_service *service)
{
	bool found;
	struct conf_service *p = make_room(ARRAY(conf, services, by_service), service->name, &found);

	if (!p)
		return -ENOMEM;
	if (found)
		conf_service_clear(p);
	*p = *service;
	memset(service, 0, sizeof(*service));
	return 0;
}

int conf_put_device(struct conf *conf, const struct conf_device *device)
{
	bool found;
	struct conf_device *p = make_room(ARRAY(conf, devices, by_device), device->name, &found);

	if (!p)
		return -ENOMEM;
	*p = *device;
	return 0;
}

int conf_remove_endpoint(struct conf *conf, const char *name)
{
	struct conf_endpoint *p = conf_find_endpoint(conf, name);

	if (!p)
		return 0;
	conf_endpoint_clear(p);
	take_out(ARRAY(conf, endpoints, by_endpoint), p);
	return 1;
}

int conf_remove_policy(struct conf *conf, const char *name)
{
	struct conf_policy *p = conf_find_policy(conf, name);

	if (!p)
		return 0;
	conf_policy_clear(p);
	take_out(ARRAY(conf, policies, by_policy), p);
	return 1;
}

int conf_remove_address(struct conf *conf, const struct ebpfnet_prefix *prefix)
{
	struct conf_address *p = conf_find_address(conf, prefix);

	if (!p)
		return 0;
	conf_address_clear(p);
	take_out(ARRAY(conf, addresses, by_address), p);
	return 1;
}

int conf_remove_service(struct conf *conf, const char *name)
{
	struct conf_service *p = conf_find_service(conf, name);

	if (!p)
		return 0;
	conf_service_clear(p);
	take_out(ARRAY(conf, services, by_service), p);
	return 1;
}

int conf_remove_device(struct conf *conf, const char *name)
{
	struct conf_device *p = conf_find_device(conf, name);

	if (!p)
		return 0;
	take_out(ARRAY(conf, devices, by_device), p);
	return 1;
}

/* ---- comparing */

bool conf_endpoint_same_place(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
	return !strcmp(a->device, b->device) && a->id == b->id && !a->pool == !b->pool &&
	       (!a->pool || !strcmp(a->pool, b->pool)) &&
	       !memcmp(&a->mac, &b->mac, sizeof(a->mac)) &&
	       !memcmp(&a->addr4, &b->addr4, sizeof(a->addr4)) &&
	       !memcmp(&a->addr6, &b->addr6, sizeof(a->addr6)) &&
	       !memcmp(&a->gateway4, &b->gateway4, sizeof(a->gateway4)) &&
	       !memcmp(&a->gateway6, &b->gateway6, sizeof(a->gateway6));
}

bool conf_endpoint_equal(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
	return conf_endpoint_same_place(a, b) && a->flags == b->flags &&
	       !memcmp(&a->rates, &b->rates, sizeof(a->rates)) &&
	       ebpfnet_labels_equal(a->labels, b->labels);
}

bool conf_policy_equal(const struct conf_policy *a, const struct conf_policy *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* ---- merging */

static int copy_endpoint(struct conf *to, const struct conf_endpoint *from)
{
	struct conf_endpoint ep = *from;

	ep.name = strdup(from->name);
	ep.pool = from->pool ? strdup(from->pool) : NULL;
	ep.labels = from->labels ? ebpfnet_labels_ref(from->labels) : NULL;
	if (ep.name && (ep.pool || !from->pool) && !conf_put_endpoint(to, &ep))
		return 0;
	conf_endpoint_clear(&ep);
	return -ENOMEM;
}

static int copy_policy(struct conf *to, const struct conf_policy *from)
{
	struct conf_policy p = *from;

	p.name = strdup(from->name);
	p.path = from->path ? strdup(from->path) : NULL;
	p.text = malloc(from->len + 1);
	if (p.text)
		memcpy(p.text, from->text, from->len + 1);
	if (p.name && p.text && (p.path || !from->path) && !conf_put_policy(to, &p))
		return 0;
	conf_policy_clear(&p);
	return -ENOMEM;
}

static int copy_service(struct conf *to, const struct conf_service *from)
{
	struct conf_service s = { .name = strdup(from->name), .spec = json_incref(from->spec), .source = from->source };

	if (s.name && !conf_put_service(to, &s))
		return 0;
	conf_service_clear(&s);
	return -ENOMEM;
}

static int copy_address(struct conf *to, const struct conf_address *from)
{
	struct conf_address a = *from;

	a.labels = from->labels ? ebpfnet_labels_ref(from->labels) : NULL;
	if (!conf_put_address(to, &a))
		return 0;
	conf_address_clear(&a);
	return -ENOMEM;
}

static int twice(struct report *report, const char *what, const char *name)
{
	report_error(report, NULL, 0, 0, NULL,
		     "%s \"%s\" is in the file and was also set over the control socket", what, name);
	return -EEXIST;
}

static int copy_source(struct conf *to, const struct conf *from, enum conf_source source,
		       struct report *report)
{
	char text[EBPFNET_PREFIX_STRLEN];
	int err = 0;

	for (size_t i = 0; !err && i < from->n_devices; i++) {
		const struct conf_device *d = &from->devices[i];

		if (d->source != source)
			continue;
		err = conf_find_device(to, d->name) ? twice(report, "device", d->name) :
		      conf_put_device(to, d);
	}
	for (size_t i = 0; !err && i < from->n_endpoints; i++) {
		const struct conf_endpoint *ep = &from->endpoints[i];

		if (ep->source != source)
			continue;
		err = conf_find_endpoint(to, ep->name) ? twice(report, "endpoint", ep->name) :
		      copy_endpoint(to, ep);
	}
	for (size_t i = 0; !err && i < from->n_policies; i++) {
		const struct conf_policy *p = &from->policies[i];

		if (p->source != source)
			continue;
		err = conf_find_policy(to, p->name) ? twice(report, "policy", p->name) :
		      copy_policy(to, p);
	}
	for (size_t i = 0; !err && i < from->n_services; i++) {
		const struct conf_service *s = &from->services[i];

		if (s->source != source)
			continue;
		err = conf_find_service(to, s->name) ? twice(report, "service", s->name) : copy_service(to, s);
	}
	for (size_t i = 0; !err && i < from->n_addresses; i++) {
		const struct conf_address *a = &from->addresses[i];

		if (a->source != source)
			continue;
		ebpfnet_prefix_format(&a->prefix, text, sizeof(text));
		err = conf_find_address(to, &a->prefix) ? twice(report, "address", text) :
		      copy_address(to, a);
	}
	return err;
}

static int copy_node(struct conf_node *to, const struct conf_node *from)
{
	char *datapath = strdup(from->datapath);

	if (!datapath)
		return -ENOMEM;
	free(to->datapath);
	*to = *from;
	to->datapath = datapath;
	to->name = from->name ? strdup(from->name) : NULL;
	to->pin_dir = from->pin_dir ? strdup(from->pin_dir) : NULL;
	to->state_dir = from->state_dir ? strdup(from->state_dir) : NULL;
	to->zone = from->zone ? strdup(from->zone) : NULL;
	json_incref(to->addresses);
	json_incref(to->cgroups);
	json_incref(to->source);
	json_incref(to->xdp);
	return (from->name && !to->name) || (from->pin_dir && !to->pin_dir) || (from->state_dir && !to->state_dir) ||
	       (from->zone && !to->zone) ? -ENOMEM : 0;
}

int conf_merge(const struct conf *file, const struct conf *socket, struct report *report,
	       struct conf **ret)
{
	struct conf *conf;
	int err = conf_new(&conf);

	if (err < 0)
		return err;
	err = copy_node(&conf->node, &file->node);
	conf->ipam = json_incref(file->ipam);
	conf->cni = json_incref(file->cni);
	conf->overlay = json_incref(file->overlay);
	conf->nodes = json_incref(file->nodes);
	conf->host = json_incref(file->host);
	conf->egress = json_incref(file->egress);
	if (!err)
		err = copy_source(conf, file, CONF_FILE, report);
	if (!err && socket)
		err = copy_source(conf, socket, CONF_SOCKET, report);
	if (err < 0) {
		conf_free(conf);
		return err;
	}
	*ret = conf;
	return 0;
}
