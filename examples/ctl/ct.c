// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* ebpfnetctl ct: tracked flows, in the habits of conntrack(8). */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/filter.h"
#include "../common/show.h"
#include "ct_args.h"

/* ---- one flow on a line */

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	const char *t = json_string_value(json_object_get(o, key));

	return t ? t : "?";
}

static long long pair(const json_t *o, const char *key, size_t i)
{
	return (long long)json_integer_value(json_array_get(json_object_get(o, key), i));
}

static bool has_flag(const json_t *flow, const char *name)
{
	const json_t *flag;
	size_t i;

	json_array_foreach(json_object_get(flow, "flags"), i, flag)
		if (!strcmp(json_string_value(flag), name))
			return true;
	return false;
}

static void print_flow(const json_t *f, const struct ct_args *args)
{
	static const char *const dir[] = { "src", "dst" };

	if (args->extended)
		printf("%s ", strchr(text(f, "src"), ':') ? "ipv6" : "ipv4");
	printf("%-6s %-11s idle=%lld.%03lld ", text(f, "protocol"), text(f, "state"), number(f, "idle_ms") / 1000,
	       number(f, "idle_ms") % 1000);
	for (size_t i = 0; i < 2; i++) {
		printf("src=%s dst=%s sport=%lld dport=%lld packets=%lld bytes=%lld ", text(f, dir[i]),
		       text(f, dir[!i]), number(f, i ? "dport" : "sport"), number(f, i ? "sport" : "dport"),
		       pair(f, "packets", i), pair(f, "bytes", i));
		if (!i && !pair(f, "packets", 1))
			fputs("[UNREPLIED] ", stdout);
	}
	if (has_flag(f, "proven"))
		fputs("[ASSURED] ", stdout);
	if (has_flag(f, "audit"))
		fputs("[AUDIT] ", stdout);
	printf("rule=%lld", number(f, "rule"));
	if (args->extended)
		printf(" zone=%lld endpoint=%lld,%lld identity=%lld,%lld age=%lld.%03lld", number(f, "zone"),
		       number(f, "src_endpoint"), number(f, "dst_endpoint"), number(f, "src_identity"),
		       number(f, "dst_identity"), number(f, "age_ms") / 1000, number(f, "age_ms") % 1000);
	putchar('\n');
}

static int print_flows(struct ctl *ctl, const json_t *flows, const struct ct_args *args)
{
	const json_t *f;
	size_t i;

	if (ctl->json)
		print_json(flows);
	else
		json_array_foreach(flows, i, f)
			print_flow(f, args);
	return 0;
}

/* ---- from the agent, or from the tables */

static int read_filter(const json_t *params, struct ebpfnet_ct_filter *ret)
{
	const char *key = NULL;

	return ct_filter_read(params, ret, &key) < 0 ? fail("not a value for \"%s\"", key) : 0;
}

static int list_flows(struct ctl *ctl, const struct ct_args *args)
{
	struct ebpfnet_ct_filter filter;
	json_t *flows = NULL;
	struct direct *d;
	int status;

	if (!use_tables(ctl)) {
		flows = client_list(ctl, "ct.list", json_incref(args->filter), "flows", &status);
	} else {
		status = read_filter(args->filter, &filter);
		if (!status)
			status = direct_open(ctl, &d);
		if (status)
			return status;
		flows = direct_ct(d, &filter);
		if (!flows)
			status = fail("the tables cannot be read");
		direct_close(d);
	}
	if (flows)
		print_flows(ctl, flows, args);
	json_decref(flows);
	return status;
}

/* A method of the agent's that has an answer in the tables, too. */
static json_t *answer(struct ctl *ctl, const char *method, const struct ct_args *args, int *ret_status)
{
	struct ebpfnet_ct_filter filter;
	json_t *o = NULL;
	struct direct *d;

	if (!use_tables(ctl))
		return client_get(ctl, method, json_incref(args->filter), ret_status);
	*ret_status = args->command == 'C' ? read_filter(args->filter, &filter) : 0;
	if (!*ret_status)
		*ret_status = direct_open(ctl, &d);
	if (*ret_status)
		return NULL;
	o = args->command == 'C' ? show_ct_counts(direct_datapath(d), &filter) :
	    args->command == 'S' ? show_ct_pressure(direct_datapath(d)) : show_ct_config(direct_datapath(d));
	direct_close(d);
	if (!o)
		*ret_status = fail("the tables cannot be read");
	return o;
}

static int show_answer(struct ctl *ctl, const char *method, const struct ct_args *args)
{
	int status;
	json_t *o;

	/* changing something is the owner's */
	if (args->command == 'T' && json_object_size(args->filter))
		o = client_get(ctl, method, json_incref(args->filter), &status);
	else
		o = answer(ctl, method, args, &status);
	if (o && args->command == 'C' && !ctl->json)
		printf("%lld\n", number(o, "total"));
	else if (o)
		print_object(ctl, o);
	json_decref(o);
	return status;
}

static int get_flow(struct ctl *ctl, const struct ct_args *args)
{
	struct ebpfnet_ct_tuple tuple;
	struct ebpfnet_ct_entry entry;
	const char *key = NULL;
	json_t *flow = NULL;
	struct direct *d;
	int status, err;

	if (!use_tables(ctl)) {
		flow = client_get(ctl, "ct.get", json_incref(args->filter), &status);
	} else {
		if (ct_tuple_read(args->filter, &tuple, &key) < 0)
			return fail("-G needs a value for \"%s\"", key);
		status = direct_open(ctl, &d);
		if (status)
			return status;
		err = ebpfnet_ct_lookup(direct_datapath(d), &tuple, &entry, sizeof(entry));
		if (!err)
			flow = show_ct(&entry);
		else
			status = fail("%s", err == -ENOENT ? "no such flow" : strerror(-err));
		direct_close(d);
	}
	if (flow && ctl->json)
		print_json(flow);
	else if (flow)
		print_flow(flow, args);
	json_decref(flow);
	return status;
}

static int delete_flows(struct ctl *ctl, const struct ct_args *args)
{
	json_t *result;
	int status;

	/* Deleting all flows has a letter of its own, so that a forgotten filter does not do it. */
	if (args->command == 'D' && !json_object_size(args->filter))
		return fail("-D needs a filter; -F deletes all");
	if (args->command == 'F' && json_object_size(args->filter))
		return fail("-F deletes all and takes no filter");
	result = client_get(ctl, "ct.flush", json_incref(args->filter), &status);
	if (result)
		print_object(ctl, result);
	json_decref(result);
	return status;
}

/* ---- events: from the agent, or from the tables */

struct following {
	struct ctl *ctl;
	const struct ct_args *args;
};

/* name as ct_event_name() has it; the line has it in capitals, as conntrack(8) does. */
static void print_change(const struct following *f, const char *type, bool late, long long time_ns, json_t *flow)
{
	char name[16] = "", *line;

	for (size_t i = 0; i < sizeof(name) - 1 && type[i]; i++)
		name[i] = (char)toupper((unsigned char)type[i]);
	if (f->ctl->json) {
		json_object_set_new(flow, "event", json_string(name));
		json_object_set_new(flow, "late", json_boolean(late));
		json_object_set_new(flow, "time_ns", json_integer(time_ns));
		line = json_dumps(flow, JSON_COMPACT);
		puts(line ? line : "null");
		free(line);
		return;
	}
	if (f->args->timestamp)
		printf("[%lld.%06lld] ", time_ns / 1000000000, time_ns % 1000000000 / 1000);
	printf("%9s%s ", name, late ? "*" : " ");
	print_flow(flow, f->args);
}

static void print_missed(long long missed)
{
	fprintf(stderr, "ebpfnetctl: %lld flows came and went unseen\n", missed);
}

static int print_event(const struct ebpfnet_ct_event *event, void *userdata)
{
	json_t *flow = show_ct(&event->entry);
	struct timespec now;

	if (!flow)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	print_change(userdata, ct_event_name(event->type), event->flags & EBPFNET_CT_EVENT_LATE,
		     now.tv_sec * 1000000000LL + now.tv_nsec, flow);
	json_decref(flow);
	return 0;
}

/* The same as the agent tells it. */
static int print_told(struct ctl *ctl, json_t *result, void *userdata)
{
	json_t *event = json_object_get(result, "event"), *flow = json_object_get(event, "flow");

	(void)ctl;
	if (json_is_object(flow))
		print_change(userdata, text(event, "type"), json_is_true(json_object_get(event, "late")),
			     number(event, "time_ns"), flow);
	else if (json_object_get(result, "missed"))
		print_missed(number(result, "missed"));
	/* nobody reads on */
	return fflush(stdout) ? 1 : 0;
}

static int watch_agent(struct following *f)
{
	json_t *params = json_copy(f->args->filter), *events = json_array();

	for (unsigned int i = EBPFNET_CT_EVENT_NEW; i <= EBPFNET_CT_EVENT_DESTROY; i++)
		if (f->args->kinds & 1u << i)
			json_array_append_new(events, json_string(ct_event_name(i)));
	json_object_set_new(params, "events", events);
	return client_call(f->ctl, "ct.watch", params, print_told, f);
}

static int follow(struct ebpfnet_ct_watch *w)
{
	struct pollfd fd = { .fd = ebpfnet_ct_watch_get_fd(w), .events = POLLIN };
	uint64_t missed = 0;
	int err;

	for (;;) {
		if (poll(&fd, 1, ebpfnet_ct_watch_get_timeout(w)) < 0 && errno != EINTR)
			return fail("%s", strerror(errno));
		err = ebpfnet_ct_watch_dispatch(w, 0);
		if (err < 0)
			return fail("%s", strerror(-err));
		if (ebpfnet_ct_watch_missed(w) != missed) {
			missed = ebpfnet_ct_watch_missed(w);
			print_missed((long long)missed);
		}
		/* nobody reads on */
		if (fflush(stdout))
			return 0;
	}
}

static int watch_flows(struct ctl *ctl, const struct ct_args *args)
{
	struct ebpfnet_ct_watch_opts opts = { EBPFNET_OPTS_INIT(opts), .interval_ms = 200, .kinds = args->kinds };
	struct following f = { ctl, args };
	struct ebpfnet_ct_filter filter;
	struct ebpfnet_ct_watch *w;
	struct direct *d;
	int status, err;

	if (!use_tables(ctl))
		return watch_agent(&f);
	status = read_filter(args->filter, &filter);
	if (!status)
		status = direct_open(ctl, &d);
	if (status)
		return status;
	opts.filter = &filter;
	err = ebpfnet_ct_watch_new(direct_datapath(d), &opts, print_event, &f, &w);
	if (err < 0) {
		status = fail("%s", strerror(-err));
	} else {
		status = follow(w);
		ebpfnet_ct_watch_free(w);
	}
	direct_close(d);
	return status;
}

/* ---- export and import */

static int write_piece(const void *data, size_t len, void *userdata)
{
	return fwrite(data, 1, len, userdata) == len ? 0 : -EIO;
}

static int export_flows(struct ctl *ctl, const struct ct_args *args)
{
	bool to_stdout = !strcmp(args->file, "-");
	struct ebpfnet_ct_filter filter;
	struct direct *d;
	FILE *f;
	int status = read_filter(args->filter, &filter), err;

	if (!status)
		status = direct_open(ctl, &d);
	if (status)
		return status;
	f = to_stdout ? stdout : fopen(args->file, "we");
	if (!f) {
		status = fail("%s: %s", args->file, strerror(errno));
	} else {
		err = ebpfnet_ct_export(direct_datapath(d), &filter, write_piece, f);
		if ((to_stdout ? fflush(f) : fclose(f)) && !err)
			err = -errno;
		if (err < 0)
			status = fail("%s: %s", args->file, strerror(-err));
	}
	direct_close(d);
	return status;
}

#define IMAGE_HEADER 64u
#define IMAGE_MAX (16u << 20)

static char *base64(const uint8_t *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *ret = malloc((len + 2) / 3 * 4 + 1), *p = ret;

	for (size_t i = 0; ret && i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
			     (n > 2 ? data[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			*p++ = k <= n ? digits[v >> (18 - 6 * k) & 63] : '=';
	}
	if (ret)
		*p = '\0';
	return ret;
}

/* The next image of a file, whole; its header says how long it is (ebpfnet-flows(5)). 1, 0 at the end, -1: said why. */
static int next_image(FILE *f, const char *name, uint8_t **ret, size_t *ret_len)
{
	uint8_t head[IMAGE_HEADER];
	size_t got = fread(head, 1, sizeof(head), f);
	uint64_t len = 0;

	if (!got && feof(f))
		return 0;
	for (size_t i = 0; i < 8; i++)
		len |= (uint64_t)head[16 + i] << 8 * i;
	if (got < sizeof(head) || memcmp(head, "EBNFLOWS", 8) || len < sizeof(head) || len > IMAGE_MAX) {
		fail("%s: not an export of flows, or too large", name);
		return -1;
	}
	*ret = malloc(len);
	if (!*ret) {
		fail("no memory");
		return -1;
	}
	memcpy(*ret, head, sizeof(head));
	*ret_len = sizeof(head) + fread(*ret + sizeof(head), 1, len - sizeof(head), f);
	return 1;
}

static int import_flows(struct ctl *ctl, const struct ct_args *args)
{
	FILE *f = strcmp(args->file, "-") ? fopen(args->file, "re") : stdin;
	static const char *const sums[] = { "read", "imported", "present", "expired", "refused" };
	json_t *total = json_object();
	int status = 0, more;
	uint8_t *image;
	size_t len;

	if (!f)
		return fail("%s: %s", args->file, strerror(errno));
	while (!status && (more = next_image(f, args->file, &image, &len))) {
		char *data = more > 0 ? base64(image, len) : NULL;
		json_t *result = NULL;

		status = more < 0;
		if (data)
			result = client_get(ctl, "ct.import", json_pack("{s:s}", "data", data), &status);
		for (size_t i = 0; result && i < sizeof(sums) / sizeof(sums[0]); i++)
			json_object_set_new(total, sums[i], json_integer(number(total, sums[i]) +
									 number(result, sums[i])));
		json_decref(result);
		free(data);
		if (more > 0)
			free(image);
	}
	if (!status)
		print_object(ctl, total);
	json_decref(total);
	if (f != stdin)
		fclose(f);
	return status;
}

int cmd_ct(struct ctl *ctl, int argc, char **argv)
{
	struct ct_args args;
	int status = ct_args_read(argc, argv, &args);

	if (status)
		return status;
	ctl->json |= args.json;
	switch (args.command) {
	case 'L':
		status = list_flows(ctl, &args);
		break;
	case 'E':
		status = watch_flows(ctl, &args);
		break;
	case 'G':
		status = get_flow(ctl, &args);
		break;
	case 'D':
	case 'F':
		status = delete_flows(ctl, &args);
		break;
	case 'C':
		status = show_answer(ctl, "ct.count", &args);
		break;
	case 'S':
		status = show_answer(ctl, "ct.stats", &args);
		break;
	case 'T':
		status = show_answer(ctl, "ct.config", &args);
		break;
	case 'X':
		status = export_flows(ctl, &args);
		break;
	default:
		status = import_flows(ctl, &args);
	}
	json_decref(args.filter);
	return status;
}
