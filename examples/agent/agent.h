/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The agent: one thread, one epoll loop around one datapath.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <ebpfnet/ebpfnet.h>
#include "conf.h"
#include "report.h"

struct control;
struct health;
struct healthz;
struct agent;

/* What epoll points to. */
struct source {
	int fd;
	void (*ready)(struct agent *a, struct source *s, uint32_t events);
};

struct agent_options {
	const char *config;	/* NULL: none */
	const char *socket;	/* NULL: /run/ebpfnet/DATAPATH.sock */
	const char *group;	/* of the socket; NULL: root's */
	const char *state;	/* NULL: /run/ebpfnet/DATAPATH.state */
	bool check;
	bool cleanup;
	bool cleanup_on_exit;
	bool verbose;
};

/* The last events, so that one can ask after the fact. */
struct history {
	struct ebpfnet_event *events;
	uint32_t size;
	uint64_t count;		/* ever recorded; event i stands at i % size */
};

/* What an apply did. */
struct agent_changes {
	unsigned int created, updated, deleted, failed;	/* entries of all kinds */
	bool policy;
};

#define AGENT_EVENTS 32

struct agent {
	struct agent_options opts;
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;	/* scratch */
	struct ebpfnet_datapath *dp;	/* NULL in tests of the protocol */
	struct ebpfnet_identities *identities;	/* NULL: the datapath numbers labels itself */
	struct ebpfnet_events *events;	/* NULL: switched off */
	struct ebpfnet_names *names;
	struct ebpfnet_policy_set *set;	/* as committed */
	struct ebpfnet_ipam *ipam;	/* NULL: the file has none */
	struct conf *conf;		/* as applied; entries carry why they are not in force */
	struct control *control;
	struct health *health;		/* NULL: no service has a check */
	struct healthz *healthz;	/* NULL: no service has a health port */
	struct history history;
	char *socket_path, *state_path;
	bool state_dirty;		/* must be written */
	bool policy_staged;		/* policies were set that wait for policy.commit */
	size_t cgroups_waiting;		/* cgroups that could not be served yet */
	size_t xdp_waiting;		/* devices that have no balancer yet */
	bool source_waiting;		/* addresses for clients outside could not be set */
	bool egress_waiting;		/* rules of egress gateways could not be set */
	bool host_waiting;		/* the host is to be an endpoint, or to have other addresses */
	bool stop;
	uint64_t started_ns, reloads, reload_errors, lost_seen;
	int epoll_fd, n_events;
	struct epoll_event epoll_events[AGENT_EVENTS];	/* n_events that the loop is at */
	struct source signals, links, ring, timer;
};

/* log.c: lines on stderr with the program's name, or systemd's priority prefix when stderr is the journal. program is kept. */
void agent_log_init(const char *program, bool verbose);
void agent_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void agent_log_report(const struct report *report);
void agent_library_log(void *userdata, int level, const char *file, int line, const char *func,
		       const char *text);
/* Tells systemd, if it asked to be told: "READY=1". notify_socket: value of NOTIFY_SOCKET or NULL. */
void agent_notify(const char *notify_socket, const char *text);

uint64_t agent_now_ns(void);

/* loop.c */
int agent_watch(struct agent *a, struct source *s, uint32_t events);
void agent_unwatch(struct agent *a, struct source *s);
/* Until a->stop is set. */
void agent_run(struct agent *a);

/*
 * apply.c: makes the datapath what conf says, and conf that of the agent (which takes it over). old:
 * what was in force: the agent's conf, or at the start what the last run left, or NULL. A failure
 * before anything was changed is returned and reported, conf is then the caller's; single entries that
 * fail later are kept with their error and tried again.
 */
int agent_apply(struct agent *a, struct conf *conf, const struct conf *old, struct report *report,
		struct agent_changes *changes);
/* Everything that may refuse the whole, before anything is changed: does the policy fit? */
int agent_try(struct agent *a, const struct conf *conf, struct report *report);
/* Commits the policies of the conf in force. */
int agent_commit(struct agent *a, struct report *report);
/* Makes one endpoint of the conf in force as it should be. Returns 0 or why not, also in ep->error. */
int agent_apply_endpoint(struct agent *a, struct conf_endpoint *ep);
/* Masquerade, if it is to, and programs. 0 or -errno. */
int agent_attach_device(struct agent *a, const struct conf_device *d, struct ebpfnet_diag *diag);
/* Takes an endpoint out of the datapath. 0 or an error; one that is not there is success. */
int agent_remove_endpoint(struct agent *a, const char *name);
/* nodes.c: makes the overlay, and the nodes the file speaks of, what the conf in force says. */
void agent_nodes_apply(struct agent *a);

/* host.c: makes the host what the conf in force says, and its addresses those that the kernel has. */
void agent_host_apply(struct agent *a);
void agent_egress_apply(struct agent *a);
void agent_source_apply(struct agent *a);
void agent_host_addresses(struct agent *a);

/* ipam.c */
/* Makes the pools those of the conf in force; old: those that were. */
int agent_ipam_apply(struct agent *a, const struct conf *old, struct report *report);
/* The endpoint with the addresses it is to have: its own, or those leased for it (now, if need be). *ret borrows. */
int agent_lease(struct agent *a, const struct conf_endpoint *ep, struct conf_endpoint *ret);
/* Gives back what an endpoint had leased, if anything. */
void agent_unlease(struct agent *a, const char *name);
/* Takes back what endpoints had that are in no configuration any more. */
void agent_ipam_collect(struct agent *a);
/* Addresses that are no endpoint's; 0 also when there are none. */
int agent_ipam_release(struct agent *a, const char *owner);

/* services.c */
/*
 * Makes services and what they must know of the node those of conf, all or nothing; at the end tells those who watch. old:
 * what was in force, or NULL.
 */
int agent_services_apply(struct agent *a, const struct conf *conf, const struct conf *old, struct report *report,
			 struct agent_changes *changes);
/* Checks backends, and answers balancers, as the services of the conf in force say. */
void agent_services_follow(struct agent *a);
/*
 * removed.c: ends the sockets that services connected to backends of these specifications which no service of now has any more.
 */
void agent_backends_removed(struct agent *a, const struct conf *now, const json_t *const *was, size_t n_was);
/* Would they be taken? Changes nothing. */
int agent_services_try(struct agent *a, const struct conf *conf, struct report *report);
/* Serves the cgroups of the conf in force and no longer those of old. What is not there is tried again. */
void agent_cgroups_apply(struct agent *a, const struct conf *old);
/* Is the text in a list of texts? */
bool agent_listed(const json_t *list, const char *text);
/* The same for the devices that have the balancer. */
void agent_xdp_apply(struct agent *a, const struct conf *old);

/* cni.c */
/* Carries out the deletions that were left while the agent was not running. The socket must listen already. */
void agent_cni_replay(struct agent *a);
/* Writes the conflist. 0; -ENOENT: there is to be none; or another error, logged. */
int agent_cni_write(struct agent *a);

/* A device came (ifindex) or went (0): endpoints on it are made or taken down. NULL: look at all. */
void agent_link_changed(struct agent *a, const char *device, uint32_t ifindex);
/* NULL: any. */
void agent_qdisc_changed(struct agent *a, const char *device);

/* reload.c */
/* Brings the datapath in line with the file and what the last run left. Takes nothing over. */
int agent_start_conf(struct agent *a, struct conf *file);
/* Reads the file again. 0, or an error: then nothing was changed. */
int agent_reload(struct agent *a, struct report *report, struct agent_changes *changes);
/* Gives the socket's entries a new content, as config.apply does. dry_run: only checks. */
int agent_apply_socket(struct agent *a, struct conf *socket, bool dry_run, struct report *report,
		       struct agent_changes *changes);
int agent_save_state(struct agent *a);

/* events.c */
int agent_events_open(struct agent *a);
void agent_events_close(struct agent *a);
void agent_events_dispatch(struct agent *a);
/* Switches events on or off, as history and observers need them. */
void agent_events_update(struct agent *a);

/* links.c */
int agent_links_open(struct agent *a);

#endif
