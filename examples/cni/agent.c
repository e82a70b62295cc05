// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Endpoints and addresses are kept by an agent, whom the plugin asks over his control socket. */
#include "cni.h"
#include "../common/agent_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* An agent that says nothing for so long is taken for one that is not there. */
#define PATIENCE_MS 10000
#define ANSWER_MAX (64u << 20)

static const struct {
	const char *name;
	int err;
} codes[] = {
	{ "ENOENT", ENOENT }, { "EEXIST", EEXIST }, { "EADDRINUSE", EADDRINUSE }, { "ERANGE", ERANGE },
	{ "ENOSPC", ENOSPC }, { "EAGAIN", EAGAIN }, { "EINVAL", EINVAL },	  { "EPERM", EPERM },
	{ "ENODEV", ENODEV }, { "EBUSY", EBUSY },   { "EAFNOSUPPORT", EAFNOSUPPORT },
};

struct reader {
	int fd;
	char *text;
	size_t len, size, scanned;
};

static int more(struct reader *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	ssize_t n;

	if (r->size - r->len < 4096) {
		char *grown = r->size > ANSWER_MAX ? NULL : realloc(r->text, r->size * 2 + 16384);

		if (!grown)
			return -ENOMEM;
		r->text = grown;
		r->size = r->size * 2 + 16384;
	}
	n = poll(&p, 1, PATIENCE_MS);
	if (n <= 0)
		return n && errno == EINTR ? 0 : -ECONNREFUSED;
	n = recv(r->fd, r->text + r->len, r->size - r->len, 0);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -ECONNREFUSED;
	r->len += (size_t)n;
	return 0;
}

/* The next line as JSON. */
static int next_answer(struct reader *r, json_t **ret)
{
	char *end;
	int err;

	while (!r->len || !(end = memchr(r->text + r->scanned, '\n', r->len - r->scanned))) {
		r->scanned = r->len;
		err = more(r);
		if (err < 0)
			return err;
	}
	*ret = json_loadb(r->text, (size_t)(end - r->text), 0, NULL);
	r->len -= (size_t)(end + 1 - r->text);
	memmove(r->text, end + 1, r->len);
	r->scanned = 0;
	return json_is_object(*ret) ? 0 : -EPROTO;
}

static int said_no(struct cni *c, const json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	snprintf(c->details, sizeof(c->details), "%s", message ? message : "?");
	c->details[strcspn(c->details, "\n")] = '\0';
	for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(code, codes[i].name))
			return -codes[i].err;
	return -EIO;
}

/* Lists come in portions, which are put together: the members' arrays are joined. */
static int collect(struct cni *c, struct reader *r, json_t **ret)
{
	json_t *all = NULL, *answer = NULL;
	int err;

	while (!(err = next_answer(r, &answer))) {
		json_t *result = json_object_get(answer, "result"), *error = json_object_get(answer, "error"), *v;
		bool last = !json_is_true(json_object_get(result, "more"));
		const char *key;

		if (error) {
			err = said_no(c, error);
			break;
		}
		if (!all) {
			all = json_incref(result);
		} else {
			json_object_foreach(result, key, v)
				if (json_is_array(v))
					json_array_extend(json_object_get(all, key), v);
		}
		json_decref(answer);
		answer = NULL;
		if (last)
			break;
	}
	json_decref(answer);
	if (err < 0 || !ret)
		json_decref(all);
	else
		*ret = all;
	return err;
}

int cni_call(struct cni *c, const char *method, json_t *params, json_t **ret)
{
	json_t *request = json_pack("{s:i, s:s, s:o*}", "id", 1, "method", method, "params", params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	struct reader r = { .fd = agent_socket_open(c->socket) };
	int err = r.fd < 0 ? -ECONNREFUSED : text ? 0 : -ENOMEM;

	if (!err) {
		err = agent_socket_send(r.fd, text, strlen(text));
		if (!err)
			err = agent_socket_send(r.fd, "\n", 1);
		err = err < 0 ? -ECONNREFUSED : collect(c, &r, ret);
	}
	if (r.fd >= 0)
		close(r.fd);
	if (err == -ECONNREFUSED)
		snprintf(c->details, sizeof(c->details), "no agent answers at %.200s", c->socket);
	free(r.text);
	free(text);
	json_decref(request);
	return err;
}

int cni_refused(struct cni *c, int err, const char *what)
{
	int code = CNI_INTERNAL;

	switch (-err) {
	case ECONNREFUSED:
	case EAGAIN:
	case EBUSY:
		code = CNI_TRY_AGAIN;
		break;
	case ENOSPC:
		code = CNI_UNAVAILABLE;
		break;
	case EEXIST:
	case EADDRINUSE:
		code = CNI_EXISTS;
		break;
	case EINVAL:
	case ENOENT:
	case ERANGE:
	case EAFNOSUPPORT:
		code = CNI_INVALID_CONFIG;
		break;
	}
	return cni_fail(c, code, "%s: %s", what, *c->details ? c->details : strerror(-err));
}

static void put_addr(json_t *list, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return;
	ebpfnet_addr_format(addr, text, sizeof(text));
	json_array_append_new(list, json_string(text));
}

static void get_addrs(const json_t *list, struct ebpfnet_addr *v4, struct ebpfnet_addr *v6)
{
	struct ebpfnet_addr addr;
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)list, i, v)
		if (json_is_string(v) && !ebpfnet_addr_parse(json_string_value(v), &addr))
			*(ebpfnet_addr_family(&addr) == 4 ? v4 : v6) = addr;
}

static void put_bits(json_t *o, const char *key, uint64_t bits)
{
	if (bits)
		json_object_set_new(o, key, json_integer((json_int_t)bits));
}

static json_t *endpoint_params(const struct cni *c, const struct cni_endpoint *ep)
{
	static const struct ebpfnet_mac none;
	json_t *o = json_pack("{s:s, s:s, s:O, s:s, s:[], s:[]}", "name", ep->name, "device", ep->device, "labels", c->labels,
			      "namespace", c->k8s_namespace, "addresses", "gateways");
	char mac[18];

	if (!o)
		return NULL;
	put_addr(json_object_get(o, "addresses"), &ep->addr4);
	put_addr(json_object_get(o, "addresses"), &ep->addr6);
	put_addr(json_object_get(o, "gateways"), &ep->gateway4);
	put_addr(json_object_get(o, "gateways"), &ep->gateway6);
	if (ep->pool)
		json_object_set_new(o, "pool", json_string(ep->pool));
	put_bits(o, "tx_rate", c->rates.tx_bits);
	put_bits(o, "tx_burst", c->rates.tx_burst);
	put_bits(o, "rx_rate", c->rates.rx_bits);
	put_bits(o, "rx_burst", c->rates.rx_burst);
	if (ep->no_redirect)
		json_object_set_new(o, "flags", json_pack("[s]", "no-redirect"));
	if (memcmp(&ep->mac, &none, sizeof(none)) != 0) {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", ep->mac.b[0], ep->mac.b[1], ep->mac.b[2],
			 ep->mac.b[3], ep->mac.b[4], ep->mac.b[5]);
		json_object_set_new(o, "mac", json_string(mac));
	}
	return o;
}

static void read_endpoint(const json_t *o, struct cni_endpoint *ep)
{
	const char *attached = json_string_value(json_object_get(o, "attached"));
	const char *device = json_string_value(json_object_get(o, "device"));

	get_addrs(json_object_get(o, "addresses"), &ep->addr4, &ep->addr6);
	get_addrs(json_object_get(o, "gateways"), &ep->gateway4, &ep->gateway6);
	snprintf(ep->found_device, sizeof(ep->found_device), "%s", device ? device : "");
	ep->attached = attached && strcmp(attached, "no") != 0 && !json_object_get(o, "error");
}

static int agent_add(struct cni *c, struct cni_endpoint *ep)
{
	json_t *result = NULL;
	int err = cni_call(c, "endpoint.create", endpoint_params(c, ep), &result);

	/* left by an ADD that was killed: its interface is gone, or this ADD had not come so far */
	if (err == -EEXIST && !cni_call(c, "endpoint.delete", json_pack("{s:s}", "name", ep->name), NULL)) {
		*c->details = '\0';
		err = cni_call(c, "endpoint.create", endpoint_params(c, ep), &result);
	}
	if (err < 0)
		return cni_refused(c, err, "the endpoint cannot be made");
	read_endpoint(result, ep);
	json_decref(result);
	return ebpfnet_addr_family(&ep->addr4) || ebpfnet_addr_family(&ep->addr6) ? 0 :
		       cni_fail(c, CNI_INTERNAL, "the agent gave the endpoint no address");
}

static int agent_del(struct cni *c, const char *endpoint)
{
	int err = cni_call(c, "endpoint.delete", json_pack("{s:s}", "name", endpoint), NULL);

	*c->details = '\0';
	if (!err || err == -ENOENT)
		return 0;
	if (err == -ECONNREFUSED)
		return cni_spool(c, CNI_SPOOL_ENDPOINT, endpoint);
	return cni_refused(c, err, "the endpoint cannot be removed");
}

static int agent_get(struct cni *c, const char *endpoint, struct cni_endpoint *ret)
{
	json_t *result = NULL;
	int err = cni_call(c, "endpoint.get", json_pack("{s:s}", "name", endpoint), &result);

	if (err == -ENOENT)
		return cni_fail(c, CNI_UNKNOWN_CONTAINER, "the agent has no endpoint %s", endpoint);
	if (err < 0)
		return cni_refused(c, err, "the endpoint cannot be looked at");
	read_endpoint(result, ret);
	json_decref(result);
	return 0;
}

static int agent_list(struct cni *c, json_t **ret)
{
	json_t *result = NULL, *v;
	char label[256];
	size_t i;
	int err = cni_call(c, "endpoint.list", NULL, &result);

	if (err < 0)
		return cni_refused(c, err, "endpoints cannot be listed");
	snprintf(label, sizeof(label), "cni:network=%s;", c->network);
	*ret = json_array();
	json_array_foreach(json_object_get(result, "endpoints"), i, v) {
		const char *labels = json_string_value(json_object_get(v, "labels"));
		const char *at = labels ? strstr(labels, label) : NULL;

		if (at && (at == labels || at[-1] == ';'))
			json_array_append(*ret, json_object_get(v, "name"));
	}
	json_decref(result);
	return 0;
}

int cni_pool_has_room(struct cni *c)
{
	json_t *result = NULL, *v;
	bool found = false, full = false;
	size_t i;
	int err = cni_call(c, "ipam.pools", NULL, &result);

	if (err < 0)
		return cni_fail(c, CNI_UNAVAILABLE, "the agent has no addresses: %s", c->details);
	json_array_foreach(json_object_get(result, "pools"), i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));
		const json_t *four = json_object_get(v, "ipv4"), *six = json_object_get(v, "ipv6");

		if (!name || strcmp(name, c->pool) != 0)
			continue;
		found = true;
		full = (four && json_number_value(json_object_get(four, "free")) < 1) ||
		       (six && json_number_value(json_object_get(six, "free")) < 1);
	}
	json_decref(result);
	if (!found)
		return cni_fail(c, CNI_UNAVAILABLE, "the agent has no pool \"%.64s\"", c->pool);
	return full ? cni_fail(c, CNI_UNAVAILABLE, "the pool \"%.64s\" is used up", c->pool) : 0;
}

static int agent_status(struct cni *c)
{
	int err = cni_call(c, "hello", NULL, NULL);

	if (err < 0)
		return cni_fail(c, CNI_UNAVAILABLE, "%s", *c->details ? c->details : strerror(-err));
	return c->ipam_type ? 0 : cni_pool_has_room(c);
}

const struct cni_backend cni_agent = {
	.add = agent_add,
	.del = agent_del,
	.get = agent_get,
	.list = agent_list,
	.status = agent_status,
};
