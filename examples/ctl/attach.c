// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * "observe --attach DEVICE": a datapath of its own that only watches, beside whatever else runs on the
 * device, and is removed when the program ends.
 */
#include "ctl.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The datapath's name, the process's number added, and where the library pins by default. */
#define NAME_PREFIX "observe-"
#define PIN_DIR "/sys/fs/bpf/ebpfnet"

struct watcher {
	const struct observe_options *opts;
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct ebpfnet_datapath *dp;
	struct ebpfnet_names *names;
	struct ebpfnet_flow_filter *filter;
	struct ebpfnet_events *events;
	unsigned long shown;
	bool broken;		/* nobody reads our output */
	int signals;
};

static int failed(struct watcher *w, const char *what, int err)
{
	char text[4096] = "";

	if (ebpfnet_diag_count(w->diag))
		ebpfnet_diag_format(w->diag, text, sizeof(text));
	return fail("%s: %s", what, *text ? text : strerror(-err));
}

static int on_event(const struct ebpfnet_event *event, void *userdata)
{
	struct watcher *w = userdata;
	struct ebpfnet_flow flow;
	char text[8192];
	int len;

	if (ebpfnet_flow_from_event(w->names, event, &flow, sizeof(flow)) < 0 ||
	    !ebpfnet_flow_filter_match(w->filter, &flow))
		return 0;
	len = w->opts->json ? ebpfnet_flow_to_json(&flow, 0, text, sizeof(text)) :
	      ebpfnet_flow_to_text(&flow, text, sizeof(text));
	if (len <= 0 || (size_t)len >= sizeof(text))
		return 0;
	w->broken = puts(text) < 0;
	w->shown++;
	return w->broken || w->shown == w->opts->count;
}

/* Signals are read, not delivered: whatever happens, the programs are taken off again. */
static int block_signals(struct watcher *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	w->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return w->signals < 0 ? -errno : 0;
}

/* Takes away what one left that was killed. One that lives holds its lock, and has its process. */
static void remove_left(struct watcher *w, const char *name)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name };
	struct ebpfnet_datapath *dp;
	char *end;
	long pid = strtol(name + strlen(NAME_PREFIX), &end, 10);

	if (*end || pid <= 0 || !kill((pid_t)pid, 0) || errno != ESRCH)
		return;
	if (ebpfnet_datapath_open(w->ctx, &opts, &dp) < 0)
		return;
	ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
}

static void remove_all_left(struct watcher *w)
{
	glob_t found = {};

	if (!glob(PIN_DIR "/" NAME_PREFIX "[1-9]*", 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++)
			remove_left(w, strrchr(found.gl_pathv[i], '/') + 1);
	globfree(&found);
}

static int start(struct watcher *w)
{
	struct ebpfnet_events_opts eo = { EBPFNET_OPTS_INIT(eo) };
	struct ebpfnet_datapath_opts dpo = { EBPFNET_OPTS_INIT(dpo), .diag = w->diag };
	char name[33];
	int err;

	remove_all_left(w);
	/* Small: it knows no endpoints and no policy. */
	snprintf(name, sizeof(name), NAME_PREFIX "%d", (int)getpid());
	dpo.name = name;
	dpo.flows4 = dpo.flows6 = 4096;
	dpo.table_bytes = 1u << 20;
	dpo.endpoints = 16;
	err = ebpfnet_datapath_open(w->ctx, &dpo, &w->dp);
	if (err < 0)
		return failed(w, "the datapath cannot be opened", err);
	err = ebpfnet_datapath_load(w->dp, w->diag);
	if (err < 0)
		return failed(w, "the programs cannot be loaded", err);
	err = ebpfnet_names_new(w->dp, NULL, &w->names);
	if (!err)
		err = ebpfnet_events_open(w->dp, &eo, on_event, w, &w->events);
	if (err < 0)
		return failed(w, "events cannot be read", err);
	err = ebpfnet_datapath_attach(w->dp, w->opts->device, EBPFNET_ROLE_WATCH, w->diag);
	return err < 0 ? failed(w, w->opts->device, err) : 0;
}

static void watch(struct watcher *w)
{
	struct pollfd fds[] = {
		{ .fd = w->signals, .events = POLLIN },
		{ .fd = ebpfnet_events_get_fd(w->events), .events = POLLIN },
		/* Tells when the reader of a pipe is gone. */
		{ .fd = STDOUT_FILENO, .events = 0 },
	};

	for (;;) {
		int ms = ebpfnet_datapath_get_timeout(w->dp), other;

		other = ebpfnet_events_get_timeout(w->events);
		if (ms < 0 || (other >= 0 && other < ms))
			ms = other;
		if (poll(fds, 3, ms) < 0 && errno != EINTR)
			return;
		if (fds[0].revents || fds[2].revents & (POLLERR | POLLNVAL))
			return;
		ebpfnet_events_dispatch(w->events, 0);
		if (fflush(stdout) || w->broken || (w->opts->count && w->shown >= w->opts->count))
			return;
		if (!ebpfnet_datapath_get_timeout(w->dp))
			ebpfnet_datapath_maintain(w->dp, 1000);
	}
}

static int finish(struct watcher *w, int status)
{
	int err;

	if (w->events && ebpfnet_events_lost(w->events))
		fprintf(stderr, "ebpfnetctl: %llu events were not shown: too many\n",
			(unsigned long long)ebpfnet_events_lost(w->events));
	ebpfnet_events_free(w->events);
	ebpfnet_names_free(w->names);
	if (w->dp) {
		ebpfnet_diag_clear(w->diag);
		err = ebpfnet_datapath_cleanup(w->dp, w->diag);
		if (err < 0)
			status = failed(w, "not everything could be removed", err);
	}
	ebpfnet_datapath_unref(w->dp);
	ebpfnet_flow_filter_free(w->filter);
	ebpfnet_ctx_unref(w->ctx);
	ebpfnet_diag_free(w->diag);
	if (w->signals >= 0)
		close(w->signals);
	return status;
}

int attach_and_observe(const struct observe_options *o)
{
	struct watcher w = { .opts = o, .signals = -1 };
	int err = ebpfnet_diag_new(&w.diag), status;

	if (!err)
		err = ebpfnet_ctx_new(NULL, &w.ctx);
	if (!err && o->filter)
		err = ebpfnet_flow_filter_parse(o->filter, w.diag, &w.filter);
	if (err < 0)
		return finish(&w, failed(&w, "filter", err));
	err = block_signals(&w);
	if (err < 0)
		return finish(&w, failed(&w, "signals", err));
	status = start(&w);
	if (!status)
		watch(&w);
	return finish(&w, status);
}
