// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Where packets are run. Two network namespaces, for the host's sides of devices and for their insides, and a mount namespace with
 * a BPF file system: nothing of the machine's is seen or touched, and all of it is gone when the process ends, however.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../agent/file.h"
#include "sim.h"

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/sim"
/* Ethernet header: destination, source. */
#define MAC_LEN 6u

static int trouble(const char *what)
{
	return sim_say("%s: %s%s", what, strerror(errno), errno == EPERM ? " (this needs root)" : "");
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok ? 0 : -errno;
}

int sim_enter(struct sim *s)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		return trouble("namespaces");
	s->inside_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->inside_fd < 0 || unshare(CLONE_NEWNET) < 0)
		return trouble("namespaces");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("bpf", BPFFS, "bpf", 0, "mode=0700") < 0)
		return trouble(BPFFS);
	/* whatever the machine does: packets for others are nobody's here */
	if (write_file("/proc/sys/net/ipv4/ip_forward", "0") < 0)
		return trouble("ip_forward");
	return 0;
}

/* ---- devices ---- */

static int set_up(const char *name, const uint8_t *mac)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	memccpy(req.ifr_name, name, 0, sizeof(req.ifr_name) - 1);
	if (mac) {
		req.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(req.ifr_hwaddr.sa_data, mac, MAC_LEN);
		if (ioctl(fd, SIOCSIFHWADDR, &req) < 0)
			err = -errno;
		memset(&req.ifr_ifru, 0, sizeof(req.ifr_ifru));
	}
	req.ifr_flags = IFF_UP;
	if (!err && ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* inside and host: MAC addresses, or NULL for any. */
static int make_device(struct sim *s, const char *name, const uint8_t *inside, const uint8_t *host)
{
	struct ebpfnet_device_opts opts = { EBPFNET_OPTS_INIT(opts), .host = name, .inside = name,
					    .netns_fd = s->inside_fd, .diag = s->a.diag };
	int err;

	if (if_nametoindex(name))
		return 0;
	if (inside)
		memcpy(opts.mac.b, inside, MAC_LEN);
	ebpfnet_diag_clear(s->a.diag);
	err = ebpfnet_device_create(s->a.ctx, &opts, NULL, 0);
	if (err >= 0)
		err = set_up(name, host);
	return err < 0 ? sim_failed(s, name, err) : 0;
}

/* MAC addresses that the file does not say are those of the first packet. */
static const uint8_t *taken(const struct sim *s, const char *device, bool source)
{
	if (strcmp(device, s->device) || !s->in.n || s->in.packets[0].len < 2 * MAC_LEN)
		return NULL;
	return s->in.packets[0].data + (source ? MAC_LEN : 0);
}

static int make_devices(struct sim *s, const struct conf *conf)
{
	const char *underlay = json_string_value(json_object_get(conf->overlay, "underlay"));
	int status = 0;

	for (size_t i = 0; !status && i < conf->n_endpoints; i++) {
		const struct conf_endpoint *ep = &conf->endpoints[i];
		const uint8_t *mac = ep->mac.b;
		struct ebpfnet_mac none = { { 0 } };

		if (!memcmp(&ep->mac, &none, sizeof(none)))
			mac = taken(s, ep->device, !s->o.outwards);
		status = make_device(s, ep->device, mac, NULL);
	}
	for (size_t i = 0; !status && i < conf->n_devices; i++)
		status = make_device(s, conf->devices[i].name, NULL,
				     taken(s, conf->devices[i].name, s->o.outwards));
	for (size_t i = 0; !status && i < json_array_size(conf->node.xdp); i++) {
		const char *name = json_string_value(json_array_get(conf->node.xdp, i));

		status = make_device(s, name, NULL, taken(s, name, false));
	}
	if (!status && underlay)
		status = make_device(s, underlay, NULL, NULL);
	return status;
}

/* ---- whose hook ---- */

static int find_endpoint(struct sim *s, const struct conf *conf)
{
	const struct conf_endpoint *found = conf->n_endpoints == 1 && !s->o.device ? &conf->endpoints[0] : NULL;

	for (size_t i = 0; s->o.device && i < conf->n_endpoints; i++)
		if (!strcmp(conf->endpoints[i].name, s->o.device) || !strcmp(conf->endpoints[i].device, s->o.device))
			found = &conf->endpoints[i];
	if (found) {
		memcpy(s->device, found->device, sizeof(s->device));
		return 0;
	}
	return s->o.device ? sim_say("%s: no endpoint, and no endpoint's device", s->o.device) :
			     sim_say("the file has %zu endpoints: which is said with --device", conf->n_endpoints);
}

static int find_device(struct sim *s, const struct conf *conf)
{
	size_t n = s->o.where == SIM_XDP ? json_array_size(conf->node.xdp) : conf->n_devices;

	for (size_t i = 0; i < n; i++) {
		const char *name = s->o.where == SIM_XDP ? json_string_value(json_array_get(conf->node.xdp, i)) :
							   conf->devices[i].name;

		if (s->o.device ? !strcmp(name, s->o.device) : n == 1) {
			snprintf(s->device, sizeof(s->device), "%s", name);
			return 0;
		}
	}
	if (s->o.device)
		return sim_say("%s: not among the file's %s", s->o.device,
			       s->o.where == SIM_XDP ? "devices with the balancer (node.xdp)" : "devices");
	return sim_say("the file has %zu %s: which is said with --device", n,
		       s->o.where == SIM_XDP ? "devices with the balancer (node.xdp)" : "devices");
}

/* ---- the state ---- */

/* What reaches out of our namespaces: stores, sockets of the machine's processes, and what is told to others. */
static int leave_out(struct conf *conf)
{
	free(conf->node.state_dir);
	conf->node.state_dir = NULL;
	json_decref(conf->node.cgroups);
	conf->node.cgroups = NULL;
	json_decref(conf->ipam);
	conf->ipam = NULL;
	json_decref(conf->cni);
	conf->cni = NULL;
	for (size_t i = 0; i < conf->n_endpoints; i++)
		if (conf->endpoints[i].pool)
			return sim_say("endpoint %s: its addresses come from a pool, which is not looked into: say them",
				       conf->endpoints[i].name);
	return 0;
}

/* All that is not in force as the file says it: the agent would wait for it, here it is an answer. */
static int in_force(const struct agent *a)
{
	struct ebpfnet_overlay_info overlay;
	struct ebpfnet_node_info node;
	const json_t *v;
	size_t i;

	for (i = 0; i < a->conf->n_endpoints; i++)
		if (a->conf->endpoints[i].error)
			return sim_say("endpoint %s: %s", a->conf->endpoints[i].name,
				       strerror(-a->conf->endpoints[i].error));
	for (i = 0; i < a->conf->n_devices; i++)
		if (a->conf->devices[i].error)
			return sim_say("device %s: %s", a->conf->devices[i].name, strerror(-a->conf->devices[i].error));
	for (i = 0; i < a->conf->n_addresses; i++)
		if (a->conf->addresses[i].error)
			return sim_say("an address: %s", strerror(-a->conf->addresses[i].error));
	if (a->conf->overlay && ebpfnet_overlay_get(a->dp, &overlay, sizeof(overlay)) < 0)
		return sim_say("the overlay cannot be made");
	json_array_foreach(a->conf->nodes, i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));

		if (ebpfnet_node_get(a->dp, name, &node, sizeof(node)) < 0)
			return sim_say("node %s is not taken", name);
	}
	return a->xdp_waiting ? sim_say("the balancer is not on every device of node.xdp") : 0;
}

static int import_flows(struct sim *s)
{
	struct ebpfnet_ct_import_stats st;
	char *data;
	size_t len;
	int err;

	if (!s->o.ct)
		return 0;
	err = file_read(s->o.ct, CAPTURE_BYTES_MAX, &data, &len);
	if (err < 0)
		return sim_say("%s: %s", s->o.ct, strerror(-err));
	ebpfnet_diag_clear(s->a.diag);
	err = ebpfnet_ct_import(s->a.dp, data, len, &st, sizeof(st), s->a.diag);
	free(data);
	return err < 0 ? sim_failed(s, s->o.ct, err) : 0;
}

int sim_make(struct sim *s, struct conf *conf)
{
	struct agent *a = &s->a;
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts), .name = "sim", .pin_dir = PINS, .flows4 = conf->node.flows4,
		.flows6 = conf->node.flows6, .table_bytes = conf->node.table_bytes, .ring_bytes = conf->node.ring_bytes,
		.endpoints = conf->node.endpoints, .diag = a->diag,
	};
	struct agent_changes changes;
	struct report report;
	int err, status = s->o.where == SIM_ENDPOINT ? find_endpoint(s, conf) : find_device(s, conf);

	if (!status)
		status = leave_out(conf);
	if (!status)
		status = make_devices(s, conf);
	if (status) {
		conf_free(conf);
		return status;
	}
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_datapath_open(a->ctx, &opts, &a->dp);
	if (!err)
		err = ebpfnet_datapath_load(a->dp, a->diag);
	if (!err)
		err = ebpfnet_names_new(a->dp, conf->node.name, &a->names);
	if (err < 0) {
		status = sim_failed(s, "the datapath", err);
		conf_free(conf);
		return status;
	}
	report_init(&report);
	err = agent_apply(a, conf, NULL, &report, &changes);
	agent_log_report(&report);
	report_clear(&report);
	if (err < 0) {
		conf_free(conf);
		return sim_say("%s is not taken: %s", s->o.state, strerror(-err));
	}
	status = in_force(a);
	return status ? status : import_flows(s);
}

void sim_unmake(struct sim *s)
{
	ebpfnet_events_free(s->events);
	ebpfnet_names_free(s->a.names);
	ebpfnet_policy_set_free(s->a.set);
	if (s->a.dp)
		ebpfnet_datapath_cleanup(s->a.dp, NULL);
	ebpfnet_datapath_unref(s->a.dp);
	ebpfnet_diag_free(s->a.diag);
	ebpfnet_ctx_unref(s->a.ctx);
	if (s->a.conf)
		conf_free(s->a.conf);
	capture_free(&s->in);
	free(s->flows);
	json_decref(s->reports);
	if (s->inside_fd >= 0)
		close(s->inside_fd);
}
