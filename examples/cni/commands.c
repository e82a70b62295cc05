// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the commands do, whoever keeps the endpoints. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cni_backend *backend(const struct cni *c)
{
	return c->standalone ? &cni_standalone : &cni_agent;
}

/* How far an ADD has come: undone in the reverse order when it fails. */
struct adding {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct ebpfnet_device_info device;
	struct cni_endpoint ep;
	bool delegated, made_device, made_endpoint;
};

/* Errors while undoing are logged: the one that is reported is the first. */
static void undo(struct cni *c, struct adding *a)
{
	struct cni quiet = *c;

	quiet.code = 0;
	if (a->made_device && ebpfnet_device_delete(a->ctx, c->device) < 0)
		cni_log("%s cannot be removed", c->device);
	if (a->made_endpoint && backend(c)->del(&quiet, c->endpoint) < 0)
		cni_log("undo: %s", quiet.message);
	quiet.code = 0;
	if (a->delegated && cni_delegate(&quiet, CNI_DEL, NULL) < 0)
		cni_log("undo: %s", quiet.message);
}

static int make_device(struct cni *c, struct adding *a)
{
	struct ebpfnet_device_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.host = c->device,
		.inside = c->ifname,
		.netns_fd = c->netns_fd,
		.mtu = c->mtu,
		.mac = c->mac,
		.kind = c->device_kind,
		.diag = a->diag,
	};
	struct ebpfnet_device_info is;
	int err = ebpfnet_device_create(a->ctx, &opts, &a->device, sizeof(a->device));

	/* the host's side alone: left by an ADD of the same name that was killed, in a namespace that is no more the one */
	if (err == -EEXIST && ebpfnet_device_find(a->ctx, c->netns_fd, c->ifname, &is, sizeof(is)) == -ENODEV &&
	    !ebpfnet_device_delete(a->ctx, c->device)) {
		ebpfnet_diag_clear(a->diag);
		err = ebpfnet_device_create(a->ctx, &opts, &a->device, sizeof(a->device));
	}
	if (err == -EEXIST)
		return cni_fail(c, CNI_EXISTS, "the container has an interface %s already", c->ifname);
	if (err == -EOPNOTSUPP && c->device_kind != EBPFNET_DEVICE_VETH)
		return cni_unsupported(c, "device", cni_member(c->conf, "device"),
				       "the kernel has no netkit devices (Linux 6.7, CONFIG_NETKIT)");
	if (err < 0)
		return cni_fail_diag(c, CNI_INTERNAL, "the interface cannot be made", err, a->diag);
	a->made_device = true;
	return 0;
}

static int configure(struct cni *c, struct adding *a)
{
	struct ebpfnet_device_config config = {
		EBPFNET_OPTS_INIT(config),
		.host = c->device,
		.inside = c->ifname,
		.netns_fd = c->netns_fd,
		.addr4 = a->ep.addr4,
		.addr6 = a->ep.addr6,
		.gateway4 = a->ep.gateway4,
		.gateway6 = a->ep.gateway6,
		.diag = a->diag,
	};
	int err = ebpfnet_device_configure(a->ctx, &config);

	return err < 0 ? cni_fail_diag(c, CNI_INTERNAL, "the interface cannot be configured", err, a->diag) : 0;
}

/* Where the addresses come from: the network's IPAM plugin, or the pool. */
static int find_addresses(struct cni *c, struct adding *a)
{
	struct cni_result r = { .mtu = 0 };
	json_t *result = NULL;
	int err;

	if (!c->ipam_type) {
		a->ep.pool = c->pool;
		a->ep.addr4 = c->want4;
		a->ep.addr6 = c->want6;
		return 0;
	}
	a->delegated = true;
	err = cni_delegate(c, CNI_ADD, &result);
	if (!err)
		err = cni_result_read(c, result, NULL, &r);
	if (!err && !ebpfnet_addr_family(&r.addr4) && !ebpfnet_addr_family(&r.addr6))
		err = cni_fail(c, CNI_INVALID_CONFIG, "IPAM plugin \"%.64s\" returned no address", c->ipam_type);
	a->ep.addr4 = r.addr4;
	a->ep.addr6 = r.addr6;
	a->ep.gateway4 = r.gateway4;
	a->ep.gateway6 = r.gateway6;
	json_decref(result);
	return err;
}

/* The order leaves no moment without enforcement: the interface is down until its endpoint is made. */
static int add_new(struct cni *c, struct adding *a, json_t **result)
{
	struct cni_result r;

	a->ep.name = c->endpoint;
	a->ep.device = c->device;
	/* the interface first: a second ADD fails on it before it has touched what the first one was given */
	if (make_device(c, a) < 0 || find_addresses(c, a) < 0)
		return -1;
	a->ep.mac = a->device.inside_mac;
	a->made_endpoint = true;
	if (backend(c)->add(c, &a->ep) < 0 || configure(c, a) < 0)
		return -1;
	r = (struct cni_result){
		.host_mac = a->device.host_mac, .mac = a->device.inside_mac, .mtu = a->device.mtu,
		.addr4 = a->ep.addr4, .addr6 = a->ep.addr6, .gateway4 = a->ep.gateway4, .gateway6 = a->ep.gateway6,
	};
	snprintf(r.host, sizeof(r.host), "%s", a->device.host);
	*result = cni_result_json(c, &r);
	return *result ? 0 : cni_fail(c, CNI_INTERNAL, "no memory");
}

/* Behind a plugin that made the interface: policy is put on it, its result is passed on. */
static int add_chained(struct cni *c, struct adding *a, json_t **result)
{
	struct cni_result r = { .mtu = 0 };
	int err;

	if (!cni_result_has_interface(c->prev, c->ifname) && c->spec > SPEC_0_2_0)
		return cni_fail(c, CNI_INVALID_CONFIG, "prevResult has no interface %s", c->ifname);
	if (cni_result_read(c, c->prev, c->ifname, &r) < 0)
		return -1;
	if (!ebpfnet_addr_family(&r.addr4) && !ebpfnet_addr_family(&r.addr6))
		return cni_fail(c, CNI_INVALID_CONFIG, "prevResult has no address of %s", c->ifname);
	err = ebpfnet_device_find(a->ctx, c->netns_fd, c->ifname, &a->device, sizeof(a->device));
	if (err < 0)
		return cni_fail(c, CNI_INVALID_CONFIG, "%s is no side of a pair whose other side is here: %s", c->ifname,
				strerror(-err));
	a->ep = (struct cni_endpoint){
		.name = c->endpoint, .device = a->device.host, .mac = a->device.inside_mac,
		.addr4 = r.addr4, .addr6 = r.addr6, .no_redirect = true,
	};
	a->made_endpoint = true;
	if (backend(c)->add(c, &a->ep) < 0)
		return -1;
	*result = json_incref(c->prev);
	json_object_set_new(*result, "cniVersion", json_string(c->version));
	return 0;
}

int cni_add(struct cni *c, json_t **result)
{
	struct adding a = { .ctx = NULL };
	int err;

	if (ebpfnet_diag_new(&a.diag) < 0 || ebpfnet_ctx_new(NULL, &a.ctx) < 0)
		return cni_fail(c, CNI_INTERNAL, "no memory");
	err = c->chained ? add_chained(c, &a, result) : add_new(c, &a, result);
	if (err < 0)
		undo(c, &a);
	ebpfnet_ctx_unref(a.ctx);
	ebpfnet_diag_free(a.diag);
	return err;
}

/*
 * Nothing that is missing is an error. The interface goes before its endpoint, so that there is none without policy. One
 * that another plugin made stays for that plugin, whose DEL comes next.
 */
int cni_del(struct cni *c)
{
	struct ebpfnet_ctx *ctx = NULL;
	int err = 0;

	if (c->ipam_type && cni_delegate(c, CNI_DEL, NULL) < 0)
		return -1;
	if (ebpfnet_ctx_new(NULL, &ctx) < 0)
		return cni_fail(c, CNI_INTERNAL, "no memory");
	err = ebpfnet_device_delete(ctx, c->device);
	ebpfnet_ctx_unref(ctx);
	if (err < 0 && err != -ENODEV)
		return cni_fail(c, CNI_TRY_AGAIN, "%s cannot be removed: %s", c->device, strerror(-err));
	return backend(c)->del(c, c->endpoint);
}

static bool same(const struct ebpfnet_addr *a, const struct ebpfnet_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Is it one of the names the plugin gives? Others' interfaces stay. */
static bool made_by_us(const char *device)
{
	return !strncmp(device, "ebn", 3) && strlen(device) == 15 && strspn(device + 3, "0123456789abcdef") == 12;
}

static int check_device(struct cni *c, const struct cni_endpoint *ep)
{
	struct ebpfnet_device_config config = {
		EBPFNET_OPTS_INIT(config),
		.host = c->device,
		.inside = c->ifname,
		.netns_fd = c->netns_fd,
		.addr4 = ep->addr4,
		.addr6 = ep->addr6,
		.gateway4 = ep->gateway4,
		.gateway6 = ep->gateway6,
	};
	struct ebpfnet_ctx *ctx = NULL;
	int err;

	if (ebpfnet_diag_new(&config.diag) < 0 || ebpfnet_ctx_new(NULL, &ctx) < 0) {
		ebpfnet_diag_free(config.diag);
		return cni_fail(c, CNI_INTERNAL, "no memory");
	}
	/* an interface that another plugin made is that plugin's to check */
	err = made_by_us(ep->found_device) ? ebpfnet_device_check(ctx, &config) : 0;
	ebpfnet_ctx_unref(ctx);
	if (err < 0)
		cni_fail_diag(c, CNI_CHECK_FAILED, "check", err, config.diag);
	ebpfnet_diag_free(config.diag);
	return err < 0 ? -1 : 0;
}

int cni_check(struct cni *c)
{
	struct cni_endpoint ep = { .name = c->endpoint };
	struct cni_result r = { .mtu = 0 };

	if (c->ipam_type && cni_delegate(c, CNI_CHECK, NULL) < 0)
		return -1;
	if (backend(c)->get(c, c->endpoint, &ep) < 0 || cni_result_read(c, c->prev, c->ifname, &r) < 0)
		return -1;
	if (!ep.attached)
		return cni_fail(c, CNI_CHECK_FAILED, "check: no policy is enforced on %s", c->ifname);
	if (!same(&r.addr4, &ep.addr4) || !same(&r.addr6, &ep.addr6))
		return cni_fail(c, CNI_CHECK_FAILED, "check: %s has other addresses than the result says", c->ifname);
	return check_device(c, &ep);
}

static int collect(struct cni *c, struct ebpfnet_ctx *ctx, const char *endpoint)
{
	struct cni_endpoint ep = { .name = endpoint };

	if (backend(c)->get(c, endpoint, &ep) < 0)
		return -1;
	if (made_by_us(ep.found_device))
		ebpfnet_device_delete(ctx, ep.found_device);
	return backend(c)->del(c, endpoint);
}

int cni_gc(struct cni *c)
{
	json_t *valid = NULL, *names = NULL, *v;
	struct ebpfnet_ctx *ctx = NULL;
	size_t i;
	int err = ebpfnet_ctx_new(NULL, &ctx) < 0 ? cni_fail(c, CNI_INTERNAL, "no memory") : cni_valid_attachments(c, &valid);

	if (!err)
		err = backend(c)->list(c, &names);
	/* goes on past errors: the first one is told */
	if (!err)
		json_array_foreach(names, i, v)
			if (!json_object_get(valid, json_string_value(v)) && collect(c, ctx, json_string_value(v)) < 0)
				err = -1;
	if (c->ipam_type && cni_delegate(c, CNI_GC, NULL) < 0)
		err = -1;
	json_decref(names);
	json_decref(valid);
	ebpfnet_ctx_unref(ctx);
	return err;
}

int cni_status(struct cni *c)
{
	if (c->ipam_type && cni_delegate(c, CNI_STATUS, NULL) < 0)
		return -1;
	return backend(c)->status(c);
}
