// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * ebpfnet-sim: what would become of these packets? Public headers, and the agent's reader of its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../agent/file.h"
#include "sim.h"

int sim_say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("ebpfnet-sim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 2;
}

int sim_failed(struct sim *s, const char *what, int err)
{
	char text[4096] = "";

	if (ebpfnet_diag_count(s->a.diag))
		ebpfnet_diag_format(s->a.diag, text, sizeof(text));
	return sim_say("%s: %s", what, *text ? text : strerror(-err));
}

static void usage(FILE *f)
{
	fputs("Usage: ebpfnet-sim --state FILE --in FILE --hook HOOK [OPTION]...\n"
	      "Runs packets through the programs, with the state that an agent's file says.\n\n"
	      "  -s, --state FILE      the agent's YAML file\n"
	      "  -i, --in FILE         packets: pcap, pcapng, or a line of hexadecimal each; - is standard input\n"
	      "  -k, --hook HOOK       endpoint, node or xdp\n"
	      "  -d, --device NAME     an endpoint, or a device; not needed when there is one only\n"
	      "  -D, --direction WAY   in: what the device hands to the host (the default); out: the other way\n"
	      "  -c, --ct FILE         flows that are there already, of \"ebpfnetctl ct --export\"\n"
	      "  -o, --out FILE        write what was not dropped, as it went on, as pcapng\n"
	      "  -j, --json            one JSON object a packet\n"
	      "  -v, --verbose         say what is done\n"
	      "  -V, --version         print the version and exit\n"
	      "  -h, --help            print this and exit\n\n"
	      "Exit status: 0 all were run, 2 trouble.\n", f);
}

static int where_is(const char *text, enum sim_where *ret)
{
	static const char *const names[] = { "endpoint", "node", "xdp" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*ret = (enum sim_where)i;
			return 0;
		}
	}
	return sim_say("--hook %s: endpoint, node or xdp", text);
}

/* 0 to go on; else the program's exit status plus one. */
static int option(struct sim_options *o, int c, bool *has_hook)
{
	switch (c) {
	case 's':
		o->state = optarg;
		return 0;
	case 'i':
		o->in = optarg;
		return 0;
	case 'k':
		*has_hook = true;
		return where_is(optarg, &o->where) ? 3 : 0;
	case 'd':
		o->device = optarg;
		return 0;
	case 'D':
		o->outwards = !strcmp(optarg, "out");
		return o->outwards || !strcmp(optarg, "in") ? 0 : sim_say("--direction %s: in or out", optarg) + 1;
	case 'c':
		o->ct = optarg;
		return 0;
	case 'o':
		o->out = optarg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'v':
		agent_log_init("ebpfnet-sim", true);
		return 0;
	case 'V':
		printf("ebpfnet-sim %s\n", ebpfnet_version());
		return 1;
	case 'h':
		usage(stdout);
		return 1;
	default:
		usage(stderr);
		return 3;
	}
}

static int parse(int argc, char **argv, struct sim_options *o)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "in", required_argument, NULL, 'i' },
		{ "hook", required_argument, NULL, 'k' },
		{ "device", required_argument, NULL, 'd' },
		{ "direction", required_argument, NULL, 'D' },
		{ "ct", required_argument, NULL, 'c' },
		{ "out", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	bool has_hook = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "s:i:k:d:D:c:o:jvVh", options, NULL)) != -1) {
		r = option(o, c, &has_hook);
		if (r)
			return r;
	}
	if (optind == argc && o->state && o->in && has_hook && !(o->where == SIM_XDP && o->outwards))
		return 0;
	if (o->where == SIM_XDP && o->outwards)
		return sim_say("there is no --direction out with --hook xdp") + 1;
	usage(stderr);
	return 3;
}

static int read_packets(struct sim *s)
{
	char error[256] = "", *data = NULL;
	size_t len = 0;
	int err, fd;

	fd = strcmp(s->o.in, "-") != 0 ? open(s->o.in, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	err = fd < 0 ? -errno : file_read_fd(fd, CAPTURE_BYTES_MAX, &data, &len);
	if (fd > STDIN_FILENO)
		close(fd);
	if (!err)
		err = capture_read(data, len, &s->in, error, sizeof(error));
	free(data);
	if (err == -E2BIG)
		return sim_say("%s: more than %u MiB", s->o.in, CAPTURE_BYTES_MAX >> 20);
	if (err < 0)
		return sim_say("%s: %s", s->o.in, *error ? error : strerror(-err));
	return s->in.n ? 0 : sim_say("%s: no packets", s->o.in);
}

static int open_out(struct sim *s)
{
	if (!s->o.out)
		return 0;
	s->out = fopen(s->o.out, "we");
	return s->out && !capture_begin(s->out) ? 0 : sim_say("%s: %s", s->o.out, strerror(errno));
}

static int close_out(struct sim *s, int status)
{
	if (!s->out || !fclose(s->out))
		return status;
	return status ? status : sim_say("%s: %s", s->o.out, strerror(errno));
}

/* The file is read as the agent reads it, before anything is made. */
static int load(struct sim *s, struct conf **ret)
{
	struct conf_parse how = { .path = s->o.state, .source = CONF_FILE };
	struct report report;
	int err;

	report_init(&report);
	err = conf_load(s->o.state, &how, s->a.ctx, &report, ret);
	agent_log_report(&report);
	report_clear(&report);
	return err < 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct sim s = { .inside_fd = -1 };
	struct conf *conf = NULL;
	int status;

	agent_log_init("ebpfnet-sim", false);
	status = parse(argc, argv, &s.o);
	if (status)
		return status - 1;
	if (ebpfnet_diag_new(&s.a.diag) < 0 || ebpfnet_ctx_new(NULL, &s.a.ctx) < 0)
		return sim_say("%s", strerror(ENOMEM));
	status = load(&s, &conf);
	if (!status)
		status = read_packets(&s);
	/* paths are the caller's until here */
	if (!status)
		status = open_out(&s);
	if (!status)
		status = sim_enter(&s);
	if (status)
		conf_free(conf);
	else
		status = sim_make(&s, conf);
	if (!status)
		status = sim_packets(&s);
	status = close_out(&s, status);
	sim_unmake(&s);
	return status;
}
