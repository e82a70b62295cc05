// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A network without an agent: each command opens the datapath and the store of addresses itself, ADD puts the policies of
 * some files in force. "standalone": {"datapath": NAME, "pin_dir": PATH, "store": PATH, "pools": [...], "policies": [FILE...]}.
 */
#include "cni.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../common/pool.h"

/* Others of the same network hold the datapath for some milliseconds each. */
#define WAIT_S 20
#define MAINTAIN_US 3000
#define POLICY_MAX (16 << 20)

struct world {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct ebpfnet_datapath *dp;
	struct ebpfnet_ipam *ipam;
};

static void close_world(struct world *w)
{
	ebpfnet_ipam_free(w->ipam);
	ebpfnet_datapath_unref(w->dp);
	ebpfnet_diag_free(w->diag);
	ebpfnet_ctx_unref(w->ctx);
}

static int failed(struct cni *c, struct world *w, int code, const char *what, int err)
{
	return cni_fail_diag(c, code, what, err, w->diag);
}

static const char *setting(const struct cni *c, const char *key, const char *fallback)
{
	const char *v = json_string_value(cni_member(c->standalone, key));

	return v && *v ? v : fallback;
}

static int open_datapath(struct cni *c, struct world *w)
{
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = setting(c, "datapath", "default"),
		.pin_dir = setting(c, "pin_dir", NULL),
		.diag = w->diag,
	};
	const struct timespec pause = { .tv_nsec = 5000000 };
	int err, i;

	for (i = 0; i < WAIT_S * 200; i++) {
		ebpfnet_diag_clear(w->diag);
		err = ebpfnet_datapath_open(w->ctx, &opts, &w->dp);
		if (err != -EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	if (err < 0)
		return failed(c, w, err == -EBUSY ? CNI_TRY_AGAIN : CNI_INTERNAL, "the datapath cannot be opened", err);
	err = ebpfnet_datapath_load(w->dp, w->diag);
	return err < 0 ? failed(c, w, CNI_INTERNAL, "the datapath cannot be loaded", err) : 0;
}

/* The datapath's lock keeps others of this network away from the store as well. */
static int open_ipam(struct cni *c, struct world *w)
{
	const json_t *pools = cni_member(c->standalone, "pools");
	struct ebpfnet_ipam_opts opts = { EBPFNET_OPTS_INIT(opts), .path = setting(c, "store", NULL), .diag = w->diag };
	int err;

	if (c->ipam_type || c->chained)
		return 0;
	if (!opts.path || *opts.path != '/' || !json_array_size(pools))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"standalone\": \"store\" (an absolute path) and \"pools\" are "
				"needed without an IPAM plugin");
	err = ebpfnet_ipam_new(w->ctx, &opts, &w->ipam);
	if (err < 0)
		return failed(c, w, err == -EBUSY ? CNI_TRY_AGAIN : CNI_IO, "the store cannot be opened", err);
	for (size_t i = 0; !err && i < json_array_size(pools); i++)
		err = pool_set(w->ipam, json_array_get(pools, i), w->diag);
	return err < 0 ? failed(c, w, CNI_INVALID_CONFIG, "invalid pool", err) : 0;
}

static int open_world(struct cni *c, struct world *w, bool addresses)
{
	struct ebpfnet_ctx_opts opts = { EBPFNET_OPTS_INIT(opts) };

	memset(w, 0, sizeof(*w));
	if (ebpfnet_diag_new(&w->diag) < 0 || ebpfnet_ctx_new(&opts, &w->ctx) < 0)
		return cni_fail(c, CNI_INTERNAL, "no memory");
	return open_datapath(c, w) < 0 || (addresses && open_ipam(c, w) < 0) ? -1 : 0;
}

static int read_file(const char *path, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= POLICY_MAX)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return -1;
	}
	*ret = text;
	*ret_len = (size_t)n;
	return 0;
}

/* Each ADD compiles the policies: its labels may be new to them. What has not changed is not published again. */
static int commit_policies(struct cni *c, struct world *w)
{
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = w->diag };
	struct ebpfnet_policy_parse_opts how = { EBPFNET_OPTS_INIT(how), .diag = w->diag };
	const json_t *files = cni_member(c->standalone, "policies");
	struct ebpfnet_policy_set *set = NULL;
	int err = ebpfnet_policy_set_new(w->ctx, &set);

	for (size_t i = 0; !err && i < json_array_size(files); i++) {
		const char *path = json_string_value(json_array_get(files, i));
		char *text = NULL;
		size_t len = 0;

		how.path = path;
		if (!path || *path != '/' || read_file(path, &text, &len) < 0)
			err = cni_fail(c, CNI_INVALID_CONFIG, "invalid \"standalone\": policies: %.200s cannot be read",
				       path ? path : "?");
		else
			err = ebpfnet_policy_set_parse(set, text, len, &how);
		/* how many policies there are is not asked */
		err = err < 0 ? err : 0;
		free(text);
	}
	if (!err)
		err = ebpfnet_policy_commit(w->dp, set, &opts);
	ebpfnet_policy_set_free(set);
	return err < 0 ? failed(c, w, CNI_INVALID_CONFIG, "the policies cannot be put in force", err) : 0;
}

static int make_labels(struct cni *c, struct ebpfnet_labels **ret)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	const char *key;
	json_t *v;
	int err;

	if (!f)
		return cni_fail(c, CNI_INTERNAL, "no memory");
	fprintf(f, "k8s:io.kubernetes.pod.namespace=%s", c->k8s_namespace);
	json_object_foreach(c->labels, key, v)
		fprintf(f, ";%s=%s", key, json_string_value(v));
	if (fclose(f))
		return cni_fail(c, CNI_INTERNAL, "no memory");
	err = ebpfnet_labels_parse(text, NULL, NULL, ret);
	if (err < 0)
		cni_fail(c, CNI_INVALID_CONFIG, "invalid labels: %.200s", text);
	free(text);
	return err < 0 ? -1 : 0;
}

static int lease(struct cni *c, struct world *w, struct cni_endpoint *ep)
{
	struct ebpfnet_ipam_request rq = {
		EBPFNET_OPTS_INIT(rq), .pool = ep->pool, .owner = ep->name,
		.addr4 = ep->addr4, .addr6 = ep->addr6, .diag = w->diag,
	};
	struct ebpfnet_ipam_lease l;
	int err;

	/* left by an ADD that was killed */
	ebpfnet_ipam_release(w->ipam, ep->name);
	ebpfnet_diag_clear(w->diag);
	err = ebpfnet_ipam_allocate(w->ipam, &rq, &l, sizeof(l));
	if (err < 0)
		return failed(c, w, err == -EAGAIN ? CNI_TRY_AGAIN : err == -ENOSPC ? CNI_UNAVAILABLE :
			      err == -EADDRINUSE ? CNI_EXISTS : CNI_INVALID_CONFIG, "no address", err);
	ep->addr4 = l.addr4;
	ep->addr6 = l.addr6;
	ep->gateway4 = l.gateway4;
	ep->gateway6 = l.gateway6;
	return 0;
}

static int create(struct cni *c, struct world *w, const struct cni_endpoint *ep)
{
	struct ebpfnet_endpoint_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = ep->name,
		.device = ep->device,
		.mac = ep->mac,
		.addr4 = ep->addr4,
		.addr6 = ep->addr6,
		.gateway4 = ep->gateway4,
		.gateway6 = ep->gateway6,
		.flags = ep->no_redirect ? EBPFNET_ENDPOINT_NO_REDIRECT : 0,
		.diag = w->diag,
	};
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_endpoint *stale, *made;
	int err;

	if (make_labels(c, &labels) < 0)
		return -1;
	if (!ebpfnet_endpoint_lookup(w->dp, ep->name, &stale)) {
		ebpfnet_endpoint_destroy(stale);
		ebpfnet_endpoint_unref(stale);
	}
	opts.labels = labels;
	ebpfnet_diag_clear(w->diag);
	err = ebpfnet_endpoint_create(w->dp, &opts, &made);
	ebpfnet_labels_unref(labels);
	if (!err) {
		err = ebpfnet_endpoint_set_rates(made, &c->rates, sizeof(c->rates));
		ebpfnet_endpoint_unref(made);
	}
	/* nobody else does the datapath's housekeeping */
	ebpfnet_datapath_maintain(w->dp, MAINTAIN_US);
	if (!err)
		return 0;
	return failed(c, w, err == -EEXIST ? CNI_EXISTS : err == -ENOSPC ? CNI_UNAVAILABLE : CNI_INTERNAL,
		      "the endpoint cannot be made", err);
}

static int standalone_add(struct cni *c, struct cni_endpoint *ep)
{
	struct world w;
	int err = open_world(c, &w, true);

	if (!err)
		err = commit_policies(c, &w);
	if (!err && ep->pool)
		err = lease(c, &w, ep);
	if (!err) {
		err = create(c, &w, ep);
		if (err < 0 && w.ipam)
			ebpfnet_ipam_release(w.ipam, ep->name);
	}
	close_world(&w);
	return err;
}

static int standalone_del(struct cni *c, const char *endpoint)
{
	struct ebpfnet_endpoint *ep;
	struct world w;
	int err = open_world(c, &w, !c->prev || !c->ipam_type);

	if (!err && !ebpfnet_endpoint_lookup(w.dp, endpoint, &ep)) {
		ebpfnet_endpoint_destroy(ep);
		ebpfnet_endpoint_unref(ep);
	}
	if (!err && w.ipam)
		ebpfnet_ipam_release(w.ipam, endpoint);
	if (!err)
		ebpfnet_datapath_maintain(w.dp, MAINTAIN_US);
	close_world(&w);
	return err;
}

static int standalone_get(struct cni *c, const char *endpoint, struct cni_endpoint *ret)
{
	struct ebpfnet_endpoint_info info = {};
	struct ebpfnet_endpoint *ep;
	struct world w;
	int err = open_world(c, &w, false);

	if (!err && ebpfnet_endpoint_lookup(w.dp, endpoint, &ep) < 0) {
		err = cni_fail(c, CNI_UNKNOWN_CONTAINER, "the datapath has no endpoint %s", endpoint);
	} else if (!err) {
		if (!ebpfnet_endpoint_get_info(ep, &info, sizeof(info))) {
			ret->addr4 = info.addr4;
			ret->addr6 = info.addr6;
			ret->gateway4 = info.gateway4;
			ret->gateway6 = info.gateway6;
			ret->attached = info.attached && *info.device;
			snprintf(ret->found_device, sizeof(ret->found_device), "%s", info.device);
		}
		ebpfnet_endpoint_unref(ep);
	}
	close_world(&w);
	return err;
}

struct listing {
	json_t *names;
	char label[256];
};

static int add_name(struct ebpfnet_endpoint *ep, void *userdata)
{
	struct ebpfnet_endpoint_info info = {};
	struct listing *l = userdata;
	const char *at;

	if (ebpfnet_endpoint_get_info(ep, &info, sizeof(info)) < 0)
		return 0;
	at = strstr(info.labels, l->label);
	if (at && (at == info.labels || at[-1] == ';'))
		json_array_append_new(l->names, json_string(info.name));
	return 0;
}

static int standalone_list(struct cni *c, json_t **ret)
{
	struct listing l = { .names = json_array() };
	struct world w;
	int err = open_world(c, &w, false);

	snprintf(l.label, sizeof(l.label), "cni:network=%s;", c->network);
	if (!err)
		ebpfnet_endpoint_foreach(w.dp, add_name, &l);
	close_world(&w);
	*ret = l.names;
	return err;
}

static int standalone_status(struct cni *c)
{
	struct ebpfnet_ipam_pool_info info = {};
	struct world w;
	int err = open_world(c, &w, true);

	if (err < 0) {
		c->code = CNI_UNAVAILABLE;
	} else if (w.ipam && ebpfnet_ipam_get_pool(w.ipam, c->pool, &info, sizeof(info)) < 0) {
		err = cni_fail(c, CNI_UNAVAILABLE, "there is no pool \"%.64s\"", c->pool);
	} else if ((info.usage4.total && !info.usage4.free) || (info.usage6.total && !info.usage6.free)) {
		err = cni_fail(c, CNI_UNAVAILABLE, "the pool \"%.64s\" is used up", c->pool);
	}
	close_world(&w);
	return err;
}

const struct cni_backend cni_standalone = {
	.add = standalone_add,
	.del = standalone_del,
	.get = standalone_get,
	.list = standalone_list,
	.status = standalone_status,
};
