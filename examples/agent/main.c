// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * ebpfnet-agent: keeps a datapath as a YAML file and its control socket say. Public headers only.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent.h"
#include "control.h"
#include "health.h"
#include "healthz.h"

#define RUN_DIR "/run/ebpfnet"
#define CONFIG_DEFAULT "/etc/ebpfnet/agent.yaml"
/* Entries that are not in force are tried again this often, in seconds. */
#define RETRY_S 5

static void usage(FILE *f)
{
	fputs("Usage: ebpfnet-agent [OPTION]...\n"
	      "Keeps an eBPF datapath as a YAML file and a control socket say.\n\n"
	      "  -c, --config FILE     the YAML file (default " CONFIG_DEFAULT ")\n"
	      "  -n, --no-config       start without a file: everything comes over the socket\n"
	      "  -s, --socket PATH     control socket (default " RUN_DIR "/NAME.sock)\n"
	      "  -g, --group GROUP     members of GROUP may use the control socket\n"
	      "      --state FILE      what a restart must know (default " RUN_DIR "/NAME.state)\n"
	      "      --check           check the file and exit\n"
	      "      --cleanup         remove programs, tables and pins, and exit\n"
	      "      --cleanup-on-exit remove them when the agent ends\n"
	      "  -v, --verbose         log what is done in detail\n"
	      "  -V, --version         print the version and exit\n"
	      "  -h, --help            print this and exit\n", f);
}

static int parse_options(int argc, char **argv, struct agent_options *o)
{
	enum { OPT_STATE = 256, OPT_CHECK, OPT_CLEANUP, OPT_CLEANUP_ON_EXIT };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "no-config", no_argument, NULL, 'n' },
		{ "socket", required_argument, NULL, 's' },
		{ "group", required_argument, NULL, 'g' },
		{ "state", required_argument, NULL, OPT_STATE },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "cleanup", no_argument, NULL, OPT_CLEANUP },
		{ "cleanup-on-exit", no_argument, NULL, OPT_CLEANUP_ON_EXIT },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	o->config = CONFIG_DEFAULT;
	while ((c = getopt_long(argc, argv, "c:ns:g:vVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'n':
			o->config = NULL;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'g':
			o->group = optarg;
			break;
		case OPT_STATE:
			o->state = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_CLEANUP:
			o->cleanup = true;
			break;
		case OPT_CLEANUP_ON_EXIT:
			o->cleanup_on_exit = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'V':
			printf("ebpfnet-agent %s\n", ebpfnet_version());
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	usage(stderr);
	return -EINVAL;
}

/* ---- start */

static int load_file(struct agent *a, struct conf **ret)
{
	struct conf_parse how = { .path = a->opts.config, .source = CONF_FILE };
	struct report report;
	int err;

	if (!a->opts.config)
		return conf_new(ret);
	report_init(&report);
	err = conf_load(a->opts.config, &how, a->ctx, &report, ret);
	agent_log_report(&report);
	report_clear(&report);
	return err;
}

static int set_paths(struct agent *a, const struct conf *conf)
{
	const char *name = conf->node.datapath;

	/* Open to all, so that the socket's group gets to the socket; what is in it is not. */
	if (!a->opts.socket || !a->opts.state) {
		if (mkdir(RUN_DIR, 0755) < 0 ? errno != EEXIST : chmod(RUN_DIR, 0755) < 0) {
			agent_log(EBPFNET_LOG_ERR, RUN_DIR ": %s", strerror(errno));
			return -errno;
		}
	}
	if (a->opts.socket)
		a->socket_path = strdup(a->opts.socket);
	else if (asprintf(&a->socket_path, RUN_DIR "/%s.sock", name) < 0)
		a->socket_path = NULL;
	if (a->opts.state)
		a->state_path = strdup(a->opts.state);
	else if (asprintf(&a->state_path, RUN_DIR "/%s.state", name) < 0)
		a->state_path = NULL;
	return a->socket_path && a->state_path ? 0 : -ENOMEM;
}

static int failed(struct agent *a, const char *what, int err)
{
	char text[4096] = "";

	if (ebpfnet_diag_count(a->diag))
		ebpfnet_diag_format(a->diag, text, sizeof(text));
	agent_log(EBPFNET_LOG_ERR, "%s: %s", what, *text ? text : strerror(-err));
	return err;
}

/* Numbers of labels that outlive this machine's tables. */
static int open_identities(struct agent *a, const char *dir)
{
	struct ebpfnet_kvstore_file_opts file = { EBPFNET_OPTS_INIT(file), .path = dir, .diag = a->diag };
	struct ebpfnet_identities_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = a->diag };
	int err = ebpfnet_kvstore_file(&file, &opts.store);

	if (!err) {
		err = ebpfnet_identities_new(a->ctx, &opts, &a->identities);
		if (err < 0)
			ebpfnet_kvstore_free(opts.store);
	}
	return err < 0 ? failed(a, dir, err) : 0;
}

static int open_datapath(struct agent *a, const struct conf_node *node)
{
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = node->datapath,
		.pin_dir = node->pin_dir,
		.flows4 = node->flows4,
		.flows6 = node->flows6,
		.table_bytes = node->table_bytes,
		.ring_bytes = node->ring_bytes,
		.endpoints = node->endpoints,
		.diag = a->diag,
	};
	int err = node->state_dir ? open_identities(a, node->state_dir) : 0;

	if (err < 0)
		return err;
	opts.identities = a->identities;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_datapath_open(a->ctx, &opts, &a->dp);
	return err < 0 ? failed(a, "the datapath cannot be opened", err) : 0;
}

static int start_datapath(struct agent *a, const struct conf_node *node)
{
	int err = open_datapath(a, node);

	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_datapath_load(a->dp, a->diag);
	if (err < 0)
		return failed(a, "the datapath cannot be loaded", err);
	err = ebpfnet_names_new(a->dp, node->name, &a->names);
	if (err < 0)
		return failed(a, "names cannot be read", err);
	a->history.size = node->history;
	if (!a->history.size)
		return 0;
	a->history.events = calloc(a->history.size, sizeof(*a->history.events));
	return a->history.events ? 0 : failed(a, "history", -ENOMEM);
}

/* ---- the loop */

static void on_signal(struct agent *a, struct source *s, uint32_t events)
{
	struct signalfd_siginfo si;
	struct agent_changes changes;
	struct report report;

	(void)events;
	if (read(s->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGHUP) {
		a->stop = true;
		return;
	}
	report_init(&report);
	agent_reload(a, &report, &changes);
	report_clear(&report);
}

static int open_signals(struct agent *a)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	a->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals.fd < 0)
		return -errno;
	a->signals.ready = on_signal;
	return agent_watch(a, &a->signals, EPOLLIN);
}

static bool something_waits(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_endpoints; i++)
		if (conf->endpoints[i].error)
			return true;
	for (size_t i = 0; i < conf->n_devices; i++)
		if (conf->devices[i].error)
			return true;
	return false;
}

static void on_timer(struct agent *a, struct source *s, uint32_t events)
{
	uint64_t times;

	(void)events;
	if (read(s->fd, &times, sizeof(times)) != sizeof(times))
		return;
	if (something_waits(a->conf))
		agent_link_changed(a, NULL, 0);
	if (a->cgroups_waiting)
		agent_cgroups_apply(a, NULL);
	if (a->host_waiting)
		agent_host_apply(a);
	if (a->source_waiting)
		agent_source_apply(a);
	if (a->egress_waiting)
		agent_egress_apply(a);
	if (a->xdp_waiting)
		agent_xdp_apply(a, NULL);
}

static int open_timer(struct agent *a)
{
	struct itimerspec every = { .it_interval.tv_sec = RETRY_S, .it_value.tv_sec = RETRY_S };

	a->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer.fd < 0 || timerfd_settime(a->timer.fd, 0, &every, NULL) < 0)
		return -errno;
	a->timer.ready = on_timer;
	return agent_watch(a, &a->timer, EPOLLIN);
}

static int cleanup(struct agent *a)
{
	int err;

	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_datapath_cleanup(a->dp, a->diag);
	if (err < 0)
		return failed(a, "not everything could be removed", err);
	if (unlink(a->state_path) < 0 && errno != ENOENT)
		agent_log(EBPFNET_LOG_WARNING, "%s: %s", a->state_path, strerror(errno));
	agent_log(6, "programs, tables and pins are removed");
	return 0;
}

static int serve(struct agent *a, struct conf *file)
{
	const char *notify = secure_getenv("NOTIFY_SOCKET");
	int err = open_signals(a);

	if (!err)
		err = start_datapath(a, &file->node);
	if (err < 0)
		return err;
	/* Devices first heard of, then looked at: none is missed in between. */
	err = agent_links_open(a);
	if (!err)
		err = open_timer(a);
	if (err < 0)
		return failed(a, "start", err);
	err = agent_start_conf(a, file);
	if (err < 0)
		return err;
	/* whoever needs a number has it by now */
	if (a->identities && ebpfnet_identities_collect(a->identities) < 0)
		agent_log(EBPFNET_LOG_WARNING, "numbers of labels that nobody has any more stay taken");
	ebpfnet_diag_clear(a->diag);
	err = control_open(a, a->socket_path, a->opts.group);
	if (err < 0)
		return failed(a, a->socket_path, err);
	agent_cni_replay(a);
	agent_events_update(a);
	agent_save_state(a);
	/* last: who reads it comes at once */
	agent_cni_write(a);
	agent_log(6, "ready: datapath %s, control socket %s", a->conf->node.datapath, a->socket_path);
	agent_notify(notify, "READY=1");
	agent_run(a);
	agent_notify(notify, "STOPPING=1");
	control_close(a);
	agent_health_close(a);
	agent_healthz_close(a);
	agent_events_close(a);
	if (a->opts.cleanup_on_exit)
		return cleanup(a);
	agent_save_state(a);
	agent_log(6, "ended; the datapath goes on enforcing");
	return 0;
}

static void finish(struct agent *a)
{
	control_close(a);
	agent_health_close(a);
	agent_healthz_close(a);
	agent_events_close(a);
	conf_free(a->conf);
	ebpfnet_policy_set_free(a->set);
	ebpfnet_names_free(a->names);
	ebpfnet_ipam_free(a->ipam);
	ebpfnet_datapath_unref(a->dp);
	ebpfnet_identities_unref(a->identities);
	ebpfnet_diag_free(a->diag);
	ebpfnet_ctx_unref(a->ctx);
	free(a->history.events);
	free(a->socket_path);
	free(a->state_path);
}

static int agent_main(struct agent *a)
{
	struct ebpfnet_ctx_opts opts = { EBPFNET_OPTS_INIT(opts), .log = agent_library_log };
	struct conf *file = NULL;
	int err = ebpfnet_diag_new(&a->diag);

	if (!err)
		err = ebpfnet_ctx_new(&opts, &a->ctx);
	if (err < 0)
		return err;
	err = load_file(a, &file);
	if (err < 0 || a->opts.check) {
		conf_free(file);
		return err;
	}
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = a->epoll_fd < 0 ? -errno : set_paths(a, file);
	if (!err && a->opts.cleanup) {
		err = open_datapath(a, &file->node);
		if (!err)
			err = cleanup(a);
	} else if (!err) {
		err = serve(a, file);
	}
	conf_free(file);
	return err;
}

int main(int argc, char **argv)
{
	struct agent a = { .epoll_fd = -1, .started_ns = agent_now_ns() };
	int err;

	a.signals.fd = a.links.fd = a.ring.fd = a.timer.fd = -1;
	if (parse_options(argc, argv, &a.opts) < 0)
		return 2;
	agent_log_init("ebpfnet-agent", a.opts.verbose);
	umask(077);
	err = agent_main(&a);
	finish(&a);
	return err < 0;
}
