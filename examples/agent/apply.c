// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "agent.h"

#include <errno.h>
#include <string.h>

#include "control.h"

/* Flags that ebpfnet_endpoint_set_flags() changes in place: all there are. */
#define ENDPOINT_FLAGS (EBPFNET_ENDPOINT_AUDIT | EBPFNET_ENDPOINT_NO_REDIRECT)

static void log_failed(struct agent *a, const char *what, const char *name, int err)
{
	char text[768] = "";

	if (ebpfnet_diag_count(a->diag))
		ebpfnet_diag_format(a->diag, text, sizeof(text));
	agent_log(EBPFNET_LOG_WARNING, "%s %s: %s", what, name, *text ? text : strerror(-err));
}

static int create_endpoint(struct agent *a, const struct conf_endpoint *ep)
{
	struct ebpfnet_endpoint_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = ep->name,
		.device = ep->device,
		.mac = ep->mac,
		.id = ep->id,
		.addr4 = ep->addr4,
		.addr6 = ep->addr6,
		.gateway4 = ep->gateway4,
		.gateway6 = ep->gateway6,
		.labels = ep->labels,
		.flags = ep->flags,
		.diag = a->diag,
	};

	struct ebpfnet_endpoint *made;
	int err = ebpfnet_endpoint_create(a->dp, &opts, &made);

	if (err < 0)
		return err;
	err = ebpfnet_endpoint_set_rates(made, &ep->rates, sizeof(ep->rates));
	ebpfnet_endpoint_unref(made);
	return err;
}

/* Is the endpoint in the tables the one that is wanted, labels, flags and rates apart? */
static bool same_place(const struct conf_endpoint *want, const struct ebpfnet_endpoint_info *is)
{
	static const struct ebpfnet_mac none;

	return !strcmp(want->device, is->device) && (!want->id || want->id == is->id) &&
	       (!memcmp(&want->mac, &none, sizeof(none)) ||
		!memcmp(&want->mac, &is->mac, sizeof(is->mac))) &&
	       !memcmp(&want->addr4, &is->addr4, sizeof(is->addr4)) &&
	       !memcmp(&want->addr6, &is->addr6, sizeof(is->addr6)) &&
	       !memcmp(&want->gateway4, &is->gateway4, sizeof(is->gateway4)) &&
	       !memcmp(&want->gateway6, &is->gateway6, sizeof(is->gateway6));
}

static int change_endpoint(struct agent *a, const struct conf_endpoint *want,
			   struct ebpfnet_endpoint *ep)
{
	struct ebpfnet_endpoint_info is = {};
	struct ebpfnet_endpoint_rates rates;
	int err = ebpfnet_endpoint_get_info(ep, &is, sizeof(is));

	if (err < 0)
		return err;
	if (!same_place(want, &is)) {
		err = ebpfnet_endpoint_destroy(ep);
		return err < 0 ? err : create_endpoint(a, want);
	}
	err = ebpfnet_endpoint_restore(ep, a->diag);
	if (!err && strcmp(is.labels, ebpfnet_labels_format(want->labels)))
		err = ebpfnet_endpoint_set_labels(ep, want->labels);
	if (!err && (is.flags & ENDPOINT_FLAGS) != want->flags)
		err = ebpfnet_endpoint_set_flags(ep, want->flags);
	if (!err)
		err = ebpfnet_endpoint_get_rates(ep, &rates, sizeof(rates));
	if (!err && memcmp(&rates, &want->rates, sizeof(rates)) != 0)
		err = ebpfnet_endpoint_set_rates(ep, &want->rates, sizeof(want->rates));
	return err;
}

static int place_endpoint(struct agent *a, const struct conf_endpoint *want)
{
	struct ebpfnet_endpoint *is;
	int err = ebpfnet_endpoint_lookup(a->dp, want->name, &is);

	if (err == -ENOENT)
		return create_endpoint(a, want);
	if (err < 0)
		return err;
	err = change_endpoint(a, want, is);
	ebpfnet_endpoint_unref(is);
	return err;
}

int agent_apply_endpoint(struct agent *a, struct conf_endpoint *ep)
{
	struct conf_endpoint want;
	int before = ep->error, err;

	ebpfnet_diag_clear(a->diag);
	err = agent_lease(a, ep, &want);
	if (!err)
		err = place_endpoint(a, &want);
	ep->error = err;
	/* A device that is still not there is not news. */
	if (err < 0 && err != before)
		log_failed(a, "endpoint", ep->name, err);
	return err;
}

int agent_remove_endpoint(struct agent *a, const char *name)
{
	struct ebpfnet_endpoint *ep;
	int err = ebpfnet_endpoint_lookup(a->dp, name, &ep);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	err = ebpfnet_endpoint_destroy(ep);
	ebpfnet_endpoint_unref(ep);
	return err;
}

int agent_commit(struct agent *a, struct report *report)
{
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = a->diag };
	struct ebpfnet_policy_set *set;
	int err = conf_policy_set(a->conf, a->ctx, report, &set);

	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_policy_commit(a->dp, set, &opts);
	if (err < 0) {
		report_diag(report, a->diag, NULL, 0, false, "policies", strerror(-err));
		ebpfnet_policy_set_free(set);
		return err;
	}
	ebpfnet_policy_set_free(a->set);
	a->set = set;
	a->policy_staged = false;
	return 0;
}

/* ---- a whole configuration */

struct orphans {
	const struct conf *conf;
	char names[64][64];
	size_t n;
};

static int note_orphan(struct ebpfnet_endpoint *ep, void *userdata)
{
	struct ebpfnet_endpoint_info is = {};
	struct orphans *o = userdata;

	if (ebpfnet_endpoint_get_info(ep, &is, sizeof(is)) < 0 || is.flags & EBPFNET_ENDPOINT_HOST ||
	    conf_find_endpoint(o->conf, is.name))
		return 0;
	memccpy(o->names[o->n], is.name, 0, sizeof(o->names[0]) - 1);
	return ++o->n == sizeof(o->names) / sizeof(o->names[0]);
}

/* Endpoints in the tables that nobody wants; the walk may not destroy, so in portions. */
static void remove_orphans(struct agent *a, const struct conf *conf, struct agent_changes *changes)
{
	struct orphans o;
	size_t gone;

	do {
		memset(&o, 0, sizeof(o));
		o.conf = conf;
		gone = 0;
		if (ebpfnet_endpoint_foreach(a->dp, note_orphan, &o) < 0)
			return;
		for (size_t i = 0; i < o.n; i++) {
			int err = agent_remove_endpoint(a, o.names[i]);

			if (err < 0) {
				agent_log(EBPFNET_LOG_WARNING, "endpoint %s cannot be removed: %s",
					  o.names[i], strerror(-err));
				changes->failed++;
				continue;
			}
			control_changed(a, "endpoint", o.names[i], "delete");
			changes->deleted++;
			gone++;
		}
	} while (gone && o.n == sizeof(o.names) / sizeof(o.names[0]));
}

static void remove_old(struct agent *a, const struct conf *conf, const struct conf *old,
		       struct agent_changes *changes)
{
	char text[EBPFNET_PREFIX_STRLEN];

	for (size_t i = 0; i < old->n_devices; i++) {
		const struct conf_device *is = &old->devices[i];
		const struct conf_device *want = conf_find_device(conf, is->name);

		if (want && want->role == is->role)
			continue;
		ebpfnet_datapath_detach(a->dp, is->name, NULL);
		changes->deleted += !want;
	}
	for (size_t i = 0; i < old->n_addresses; i++) {
		const struct conf_address *is = &old->addresses[i];
		int err;

		if (conf_find_address(conf, &is->prefix))
			continue;
		err = ebpfnet_address_delete_prefix(a->dp, &is->prefix);
		ebpfnet_prefix_format(&is->prefix, text, sizeof(text));
		if (err < 0 && err != -ENOENT)
			agent_log(EBPFNET_LOG_WARNING, "address %s cannot be removed: %s", text,
				  strerror(-err));
		control_changed(a, "address", text, "delete");
		changes->deleted++;
	}
}

static void apply_address(struct agent *a, struct conf_address *want, const struct conf *old,
			  struct agent_changes *changes)
{
	const struct conf_address *was = old ? conf_find_address(old, &want->prefix) : NULL;
	char text[EBPFNET_PREFIX_STRLEN];

	if (was && !was->error && ebpfnet_labels_equal(was->labels, want->labels))
		return;
	want->error = ebpfnet_address_set_prefix(a->dp, &want->prefix, want->labels);
	ebpfnet_prefix_format(&want->prefix, text, sizeof(text));
	if (want->error) {
		agent_log(EBPFNET_LOG_WARNING, "address %s: %s", text, strerror(-want->error));
		changes->failed++;
		return;
	}
	if (was)
		changes->updated++;
	else
		changes->created++;
	control_changed(a, "address", text, was ? "update" : "create");
}

static void apply_device(struct agent *a, struct conf_device *want, const struct conf *old,
			 struct agent_changes *changes)
{
	const struct conf_device *was = old ? conf_find_device(old, want->name) : NULL;

	if (was && !was->error && was->role == want->role && was->pacing == want->pacing &&
	    conf_masquerade_equal(&was->masquerade, &want->masquerade))
		return;
	ebpfnet_diag_clear(a->diag);
	want->error = agent_attach_device(a, want, a->diag);
	if (want->error) {
		if (!was || was->error != want->error)
			log_failed(a, "device", want->name, want->error);
		changes->failed++;
		return;
	}
	if (was && !was->error)
		changes->updated++;
	else
		changes->created++;
}

static void apply_endpoints(struct agent *a, struct conf *conf, const struct conf *old,
			    struct agent_changes *changes)
{
	for (size_t i = 0; i < conf->n_endpoints; i++) {
		struct conf_endpoint *want = &conf->endpoints[i];
		const struct conf_endpoint *was = old ? conf_find_endpoint(old, want->name) : NULL;

		if (was)
			want->error = was->error;
		if (was && !was->error && conf_endpoint_equal(was, want))
			continue;
		if (agent_apply_endpoint(a, want) < 0) {
			changes->failed++;
			continue;
		}
		if (was)
			changes->updated++;
		else
			changes->created++;
		control_changed(a, "endpoint", want->name, was ? "update" : "create");
	}
}

static bool policies_differ(const struct conf *a, const struct conf *b)
{
	if (!b || a->n_policies != b->n_policies)
		return true;
	for (size_t i = 0; i < a->n_policies; i++)
		if (strcmp(a->policies[i].name, b->policies[i].name) ||
		    !conf_policy_equal(&a->policies[i], &b->policies[i]))
			return true;
	return false;
}

int agent_try(struct agent *a, const struct conf *conf, struct report *report)
{
	struct ebpfnet_policy_commit_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.dry_run = 1,
		.diag = a->diag,
	};
	struct ebpfnet_policy_set *set;
	int err = conf_policy_set(conf, a->ctx, report, &set);

	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_policy_commit(a->dp, set, &opts);
	if (err < 0)
		report_diag(report, a->diag, NULL, 0, false, "policies", strerror(-err));
	ebpfnet_policy_set_free(set);
	return err < 0 ? err : agent_services_try(a, conf, report);
}

/* What the file does not say stays as it is in the tables; they outlive the agent. */
static void apply_tracking(struct agent *a, const struct conf_node *node)
{
	int err;

	if (!node->tracking.sz)
		return;
	err = ebpfnet_ct_set_config(a->dp, &node->tracking);
	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "tracking: %s", strerror(-err));
}

int agent_apply(struct agent *a, struct conf *conf, const struct conf *old, struct report *report,
		struct agent_changes *changes)
{
	struct conf *before = a->conf;
	/* At the start everything is looked at: old says what was asked for, not what is there. */
	const struct conf *was = old == before ? old : NULL;
	int err;

	memset(changes, 0, sizeof(*changes));
	a->conf = conf;
	/* First what can refuse the whole, and before endpoints that the policy is about. */
	err = agent_ipam_apply(a, was, report);
	if (err < 0) {
		a->conf = before;
		return err;
	}
	err = agent_services_apply(a, conf, was, report, changes);
	if (err < 0) {
		a->conf = before;
		if (before)
			agent_ipam_apply(a, conf, NULL);
		return err;
	}
	if (a->policy_staged || policies_differ(conf, was)) {
		err = agent_commit(a, report);
		if (err < 0) {
			a->conf = before;
			if (before) {
				agent_services_apply(a, before, conf, NULL, changes);
				agent_ipam_apply(a, conf, NULL);
			}
			return err;
		}
		changes->policy = true;
		control_changed(a, "policy", "", "commit");
	}
	apply_tracking(a, &conf->node);
	agent_cgroups_apply(a, old);
	agent_xdp_apply(a, old);
	agent_nodes_apply(a);
	agent_host_apply(a);
	agent_egress_apply(a);
	/* What goes makes room: an address or a device may have moved to another entry. */
	remove_orphans(a, conf, changes);
	agent_ipam_collect(a);
	if (old)
		remove_old(a, conf, old, changes);
	for (size_t i = 0; i < conf->n_addresses; i++)
		apply_address(a, &conf->addresses[i], was, changes);
	for (size_t i = 0; i < conf->n_devices; i++)
		apply_device(a, &conf->devices[i], was, changes);
	apply_endpoints(a, conf, was, changes);
	agent_services_follow(a);
	a->state_dirty = true;
	return 0;
}

/* ---- devices that come and go */

static void device_gone(struct agent *a, struct conf_endpoint *ep)
{
	int err;

	if (ep->error)
		return;
	err = agent_remove_endpoint(a, ep->name);
	ep->error = -ENODEV;
	/* what programs made goes as it came, with its container; what the file speaks of should be there */
	agent_log(ep->source == CONF_FILE ? EBPFNET_LOG_WARNING : EBPFNET_LOG_DEBUG, "endpoint %s: its device %s is gone%s%s", ep->name, ep->device,
		  err ? ": " : "", err ? strerror(-err) : "");
	control_changed(a, "endpoint", ep->name, "update");
}

static uint32_t current_ifindex(struct agent *a, const char *name)
{
	struct ebpfnet_endpoint_info is = {};
	struct ebpfnet_endpoint *ep;
	uint32_t ifindex = 0;

	if (ebpfnet_endpoint_lookup(a->dp, name, &ep) < 0)
		return 0;
	if (!ebpfnet_endpoint_get_info(ep, &is, sizeof(is)) && *is.device)
		ifindex = is.ifindex;
	ebpfnet_endpoint_unref(ep);
	return ifindex;
}

/* A queueing discipline that came or went: what relied on it is policed from now on, or the other way round. */
void agent_qdisc_changed(struct agent *a, const char *device)
{
	for (size_t i = 0; i < a->conf->n_devices; i++) {
		const struct conf_device *d = &a->conf->devices[i];
		int err;

		if ((device && strcmp(device, d->name)) || d->error || d->role != EBPFNET_ROLE_NETDEV)
			continue;
		err = ebpfnet_datapath_set_pacing(a->dp, d->name, d->pacing, NULL);
		if (err < 0)
			agent_log(EBPFNET_LOG_WARNING, "device %s: pacing: %s", d->name, strerror(-err));
	}
}

void agent_link_changed(struct agent *a, const char *device, uint32_t ifindex)
{
	for (size_t i = 0; i < a->conf->n_endpoints; i++) {
		struct conf_endpoint *ep = &a->conf->endpoints[i];
		uint32_t is;

		if (device && strcmp(device, ep->device))
			continue;
		is = ep->error ? 0 : current_ifindex(a, ep->name);
		if (!ep->error && (!is || (device && is != ifindex)))
			device_gone(a, ep);
		if ((device && !ifindex) || !ep->error)
			continue;
		if (!agent_apply_endpoint(a, ep)) {
			agent_log(6, "endpoint %s: in force on %s", ep->name, ep->device);
			control_changed(a, "endpoint", ep->name, "update");
		}
	}
	for (size_t i = 0; i < a->conf->n_devices; i++) {
		struct conf_device *d = &a->conf->devices[i];

		if (device && strcmp(device, d->name))
			continue;
		if (device && !ifindex)
			d->error = -ENODEV;
		else
			d->error = agent_attach_device(a, d, NULL);
	}
}
