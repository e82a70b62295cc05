// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Addresses out of pools: for endpoints that name a pool, and for whoever asks over the socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/pool.h"
#include "agent.h"
#include "control.h"

#define STATE_DIR "/var/lib/ebpfnet"
/* Owners of endpoints' addresses begin so; those of others, who ask over the socket, may not. */
#define ENDPOINT_OWNER "endpoint/"

static int open_store(struct agent *a, const json_t *ipam)
{
	const json_t *quarantine = json_object_get(ipam, "quarantine");
	const char *store = json_string_value(json_object_get(ipam, "store"));
	struct ebpfnet_ipam_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = a->diag };
	char *path = NULL;
	int err;

	if (!store) {
		if (mkdir(STATE_DIR, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (asprintf(&path, STATE_DIR "/%s.ipam", a->conf->node.datapath) < 0)
			return -ENOMEM;
	}
	opts.path = store ? store : path;
	opts.quarantine_ms = (uint32_t)json_integer_value(quarantine) * 1000;
	if (quarantine && !opts.quarantine_ms)
		opts.flags = EBPFNET_IPAM_NO_QUARANTINE;
	err = ebpfnet_ipam_new(a->ctx, &opts, &a->ipam);
	free(path);
	return err;
}

static const json_t *find_pool(const json_t *pools, const char *name)
{
	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);

		if (!strcmp(json_string_value(json_object_get(pool, "name")), name))
			return pool;
	}
	return NULL;
}

/* Removes pools of old that are not in now, or stand there in another form. */
static void remove_pools(struct agent *a, const json_t *old, const json_t *now, bool changed)
{
	for (size_t i = 0; i < json_array_size(old); i++) {
		json_t *pool = json_array_get(old, i);
		const char *name = json_string_value(json_object_get(pool, "name"));
		const json_t *same = find_pool(now, name);

		if (!same || (changed && !json_equal(pool, (json_t *)same)))
			ebpfnet_ipam_remove_pool(a->ipam, name);
	}
}

static int set_pools(struct agent *a, const json_t *pools)
{
	int err = 0;

	for (size_t i = 0; !err && i < json_array_size(pools); i++)
		err = pool_set(a->ipam, json_array_get(pools, i), a->diag);
	return err;
}

int agent_ipam_apply(struct agent *a, const struct conf *old, struct report *report)
{
	const json_t *now = json_object_get(a->conf->ipam, "pools"), *was = NULL;
	int err = 0;

	ebpfnet_diag_clear(a->diag);
	if (!a->ipam && a->conf->ipam)
		err = open_store(a, a->conf->ipam);
	else if (old)
		was = json_object_get(old->ipam, "pools");
	if (!err && a->ipam) {
		remove_pools(a, was, now, false);
		err = set_pools(a, now);
		/* addresses moved from one pool to another: what changed gives way first */
		if (err == -EEXIST) {
			ebpfnet_diag_clear(a->diag);
			remove_pools(a, was, now, true);
			err = set_pools(a, now);
		}
	}
	if (err < 0 && report)
		report_diag(report, a->diag, NULL, 0, false, "ipam", strerror(-err));
	return err;
}

/* ---- endpoints */

static char *endpoint_owner(const char *name, char buf[128])
{
	snprintf(buf, 128, ENDPOINT_OWNER "%s", name);
	return buf;
}

/* Has the lease what the endpoint asks for by name? */
static bool lease_fits(const struct conf_endpoint *ep, const struct ebpfnet_ipam_lease *lease)
{
	return (!ebpfnet_addr_family(&ep->addr4) || !memcmp(&ep->addr4, &lease->addr4, sizeof(ep->addr4))) &&
	       (!ebpfnet_addr_family(&ep->addr6) || !memcmp(&ep->addr6, &lease->addr6, sizeof(ep->addr6)));
}

int agent_lease(struct agent *a, const struct conf_endpoint *ep, struct conf_endpoint *ret)
{
	struct ebpfnet_ipam_lease lease;
	char owner[128];
	int err;

	*ret = *ep;
	if (!ep->pool)
		return 0;
	if (!a->ipam)
		return -ENOENT;
	endpoint_owner(ep->name, owner);
	err = ebpfnet_ipam_lookup(a->ipam, owner, &lease, sizeof(lease));
	if (!err && !lease_fits(ep, &lease)) {
		ebpfnet_ipam_release(a->ipam, owner);
		err = -ENOENT;
	}
	if (err == -ENOENT) {
		struct ebpfnet_ipam_request rq = {
			EBPFNET_OPTS_INIT(rq),
			.pool = ep->pool,
			.owner = owner,
			.addr4 = ep->addr4,
			.addr6 = ep->addr6,
			.diag = a->diag,
		};

		err = ebpfnet_ipam_allocate(a->ipam, &rq, &lease, sizeof(lease));
	}
	if (err < 0)
		return err;
	ret->addr4 = lease.addr4;
	ret->addr6 = lease.addr6;
	if (!ebpfnet_addr_family(&ret->gateway4))
		ret->gateway4 = lease.gateway4;
	if (!ebpfnet_addr_family(&ret->gateway6))
		ret->gateway6 = lease.gateway6;
	return 0;
}

void agent_unlease(struct agent *a, const char *name)
{
	char owner[128];

	if (a->ipam)
		ebpfnet_ipam_release(a->ipam, endpoint_owner(name, owner));
}

int agent_ipam_release(struct agent *a, const char *owner)
{
	int err;

	if (!strncmp(owner, ENDPOINT_OWNER, strlen(ENDPOINT_OWNER)))
		return -EINVAL;
	err = a->ipam ? ebpfnet_ipam_release(a->ipam, owner) : 0;
	return err == -ENOENT ? 0 : err;
}

void agent_ipam_collect(struct agent *a)
{
	struct ebpfnet_ipam_collect_opts opts = { EBPFNET_OPTS_INIT(opts), .prefix = ENDPOINT_OWNER };
	const char **live = calloc(a->conf->n_endpoints + 1, sizeof(*live));
	char (*owner)[128] = calloc(a->conf->n_endpoints + 1, sizeof(*owner));
	size_t n = 0;

	if (a->ipam && live && owner) {
		for (size_t i = 0; i < a->conf->n_endpoints; i++)
			if (a->conf->endpoints[i].pool) {
				live[n] = endpoint_owner(a->conf->endpoints[i].name, owner[n]);
				n++;
			}
		opts.live = live;
		opts.n_live = n;
		if (!ebpfnet_ipam_collect(a->ipam, &opts, &n) && n)
			agent_log(6, "addresses of %zu endpoints that are gone are released", n);
	}
	free(owner);
	free(live);
}

/* ---- methods */

static int needs_ipam(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0 || call->agent->ipam)
		return err;
	return call_error(call, -ENOENT, NULL, "the agent's file has no \"ipam\"");
}

static int param_owner(struct call *call, const char **ret)
{
	int err = needs_ipam(call);

	if (!err)
		err = param_text(call, "owner", true, ret);
	if (!err && !strncmp(*ret, ENDPOINT_OWNER, strlen(ENDPOINT_OWNER)))
		err = call_error(call, -EPERM, "owner", "the addresses of endpoints are the agent's");
	return err;
}

static json_t *usage_json(const struct ebpfnet_ipam_usage *u)
{
	/* JSON has no numbers as large as a /64 */
	return json_pack("{s:f, s:I, s:I, s:f, s:I, s:i, s:b}", "total", (double)u->total, "used",
			 (json_int_t)u->used, "resting", (json_int_t)u->resting, "free", (double)u->free,
			 "outside", (json_int_t)u->outside, "percent", (int)u->percent, "low", (int)u->low);
}

int method_ipam_pools(struct call *call)
{
	struct agent *a = call->agent;
	const json_t *pools = json_object_get(a->conf ? a->conf->ipam : NULL, "pools");
	json_t *list = json_array();
	int err = needs_ipam(call);

	for (size_t i = 0; !err && i < json_array_size(pools); i++) {
		json_t *pool = json_copy(json_array_get(pools, i));
		struct ebpfnet_ipam_pool_info info;

		err = ebpfnet_ipam_get_pool(a->ipam, json_string_value(json_object_get(pool, "name")), &info,
					    sizeof(info));
		if (!err && info.usage4.total)
			json_object_set_new(pool, "ipv4", usage_json(&info.usage4));
		if (!err && info.usage6.total)
			json_object_set_new(pool, "ipv6", usage_json(&info.usage6));
		json_array_append_new(list, pool);
	}
	if (err < 0) {
		json_decref(list);
		return err;
	}
	call->result = json_pack("{s:o}", "pools", list);
	return call->result ? 0 : -ENOMEM;
}

struct portion {
	json_t *array;
	size_t skip, left;
};

static int add_entry(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	char text[EBPFNET_ADDR_STRLEN];
	struct portion *p = userdata;

	if (p->skip) {
		p->skip--;
		return 0;
	}
	if (!p->left)
		return 1;
	p->left--;
	ebpfnet_addr_format(&e->addr, text, sizeof(text));
	return json_array_append_new(p->array, json_pack("{s:s, s:s, s:s, s:I, s:I}", "address", text, "pool",
							 e->pool, "owner", e->owner, "since_ms",
							 (json_int_t)e->since_ms, "resting_ms",
							 (json_int_t)e->resting_ms)) ? -ENOMEM : 0;
}

static int fill_entries(struct agent *a, struct stream *s, json_t *array)
{
	struct portion p = { .array = array, .skip = s->at, .left = CONTROL_CHUNK };
	int more;

	if (!a->ipam)
		return 0;
	more = ebpfnet_ipam_foreach(a->ipam, add_entry, &p);
	s->at += CONTROL_CHUNK;
	return more;
}

int method_ipam_list(struct call *call)
{
	int err = needs_ipam(call);

	return err < 0 ? err : call_list(call, "addresses", fill_entries);
}

static int add_family(json_t *o, const char *key, const struct ebpfnet_addr *addr, const struct ebpfnet_addr *gateway,
		      unsigned int prefix)
{
	char text[EBPFNET_ADDR_STRLEN], via[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return 0;
	ebpfnet_addr_format(addr, text, sizeof(text));
	ebpfnet_addr_format(gateway, via, sizeof(via));
	return json_object_set_new(o, key, json_pack("{s:s, s:i, s:s*}", "address", text, "prefix", (int)prefix,
						     "gateway", ebpfnet_addr_family(gateway) ? via : NULL));
}

static int answer_lease(struct call *call, const struct ebpfnet_ipam_lease *l)
{
	json_t *o = json_object();

	if (add_family(o, "ipv4", &l->addr4, &l->gateway4, l->prefix4) ||
	    add_family(o, "ipv6", &l->addr6, &l->gateway6, l->prefix6)) {
		json_decref(o);
		return -ENOMEM;
	}
	call->result = o;
	return 0;
}

/* The addresses asked for, at most one of a family. */
static int param_wanted(struct call *call, struct ebpfnet_ipam_request *rq)
{
	const json_t *list = json_object_get(call->params, "addresses");

	if (list && !json_is_array(list))
		return call_error(call, -EINVAL, "addresses", "a list is expected");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct ebpfnet_addr addr, *to;

		if (!text || ebpfnet_addr_parse(text, &addr) < 0)
			return call_error(call, -EINVAL, "addresses", "not an address");
		to = ebpfnet_addr_family(&addr) == 4 ? &rq->addr4 : &rq->addr6;
		if (ebpfnet_addr_family(to))
			return call_error(call, -EINVAL, "addresses", "a second address of its family");
		*to = addr;
	}
	return 0;
}

int method_ipam_allocate(struct call *call)
{
	struct agent *a = call->agent;
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .diag = a->diag };
	struct ebpfnet_ipam_lease lease;
	char text[512] = "";
	int err = param_owner(call, &rq.owner);

	if (!err)
		err = param_text(call, "pool", true, &rq.pool);
	if (!err)
		err = param_wanted(call, &rq);
	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_ipam_allocate(a->ipam, &rq, &lease, sizeof(lease));
	if (err < 0) {
		if (ebpfnet_diag_count(a->diag))
			ebpfnet_diag_format(a->diag, text, sizeof(text));
		return call_error(call, err, NULL, "%s", *text ? text : strerror(-err));
	}
	return answer_lease(call, &lease);
}

int method_ipam_get(struct call *call)
{
	struct ebpfnet_ipam_lease lease;
	const char *owner = NULL;
	int err = needs_ipam(call);

	if (!err)
		err = param_text(call, "owner", true, &owner);
	if (err < 0)
		return err;
	err = ebpfnet_ipam_lookup(call->agent->ipam, owner, &lease, sizeof(lease));
	if (err < 0)
		return call_error(call, err, "owner", "\"%s\" has no address", owner);
	return answer_lease(call, &lease);
}

int method_ipam_release(struct call *call)
{
	const char *owner = NULL;
	int err = param_owner(call, &owner);

	if (err < 0)
		return err;
	err = ebpfnet_ipam_release(call->agent->ipam, owner);
	return err < 0 ? call_error(call, err, "owner", "\"%s\": %s", owner,
				    err == -ENOENT ? "has no address" : strerror(-err)) : 0;
}

int method_ipam_collect(struct call *call)
{
	struct ebpfnet_ipam_collect_opts opts = { EBPFNET_OPTS_INIT(opts) };
	const json_t *list = json_object_get(call->params, "live");
	const char **live;
	size_t released = 0;
	int err = needs_ipam(call);

	if (!err)
		err = param_text(call, "prefix", true, &opts.prefix);
	if (err < 0)
		return err;
	if (!strncmp(opts.prefix, ENDPOINT_OWNER, strlen(opts.prefix)) ||
	    !strncmp(opts.prefix, ENDPOINT_OWNER, strlen(ENDPOINT_OWNER)))
		return call_error(call, -EPERM, "prefix", "the addresses of endpoints are the agent's");
	if (!json_is_array(list))
		return call_error(call, -EINVAL, "live", "a list of owners is expected");
	live = calloc(json_array_size(list) + 1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	opts.live = live;
	opts.n_live = json_array_size(list);
	for (size_t i = 0; !err && i < opts.n_live; i++)
		if (!(live[i] = json_string_value(json_array_get(list, i))))
			err = call_error(call, -EINVAL, "live", "a list of owners is expected");
	if (!err)
		err = ebpfnet_ipam_collect(call->agent->ipam, &opts, &released);
	free(live);
	if (!err)
		call->result = json_pack("{s:I}", "released", (json_int_t)released);
	return err;
}
