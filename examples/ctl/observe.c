// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct printing {
	struct observe_options opts;
	unsigned long printed;
};

static int print_one(struct printing *p, const json_t *item)
{
	char *text;

	if (json_is_string(item)) {
		print_text(stdout, json_string_value(item));
		putchar('\n');
	} else {
		text = json_dumps(item, JSON_COMPACT);
		puts(text ? text : "null");
		free(text);
	}
	return ++p->printed == p->opts.count;
}

static int print_flows(struct ctl *ctl, json_t *result, void *userdata)
{
	const json_t *flow = json_object_get(result, "flow"), *lost = json_object_get(result, "lost");
	const json_t *many = json_object_get(result, "flows"), *item;
	struct printing *p = userdata;
	size_t i;
	int stop = 0;

	(void)ctl;
	if (!flow)
		flow = json_object_get(result, "text");
	if (!many)
		many = json_object_get(result, "texts");
	if (lost)
		fprintf(stderr, "ebpfnetctl: %" JSON_INTEGER_FORMAT " flows were not shown: too many\n",
			json_integer_value(lost));
	if (flow)
		stop = print_one(p, flow);
	json_array_foreach(many, i, item) {
		stop = stop || print_one(p, item);
	}
	return fflush(stdout) ? -1 : stop;
}

/* The arguments that are left are the terms of one filter. */
static char *join(int argc, char **argv)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (int i = 0; i < argc; i++)
		fprintf(f, "%s%s", i ? " " : "", argv[i]);
	fclose(f);
	return text;
}

static int usage(void)
{
	return fail("usage: ebpfnetctl observe [-f] [-l LAST] [-c COUNT] [-o json|text] "
		    "[--attach DEVICE] [FILTER…]");
}

static bool read_number(const char *text, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *ret <= UINT32_MAX;
}

int cmd_observe(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' }, { "last", required_argument, NULL, 'l' },
		{ "count", required_argument, NULL, 'c' }, { "output", required_argument, NULL, 'o' },
		{ "attach", required_argument, NULL, 'a' }, {}
	};
	struct printing p = { .opts.json = ctl->json };
	bool follow = false;
	unsigned long last = 0;
	char *filter;
	json_t *params;
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "+fl:c:o:", options, NULL)) != -1) {
		if (c == 'f')
			follow = true;
		else if (c == 'l' && read_number(optarg, &last))
			continue;
		else if (c == 'c' && read_number(optarg, &p.opts.count))
			continue;
		else if (c == 'o' && (!strcmp(optarg, "json") || !strcmp(optarg, "text")))
			p.opts.json = *optarg == 'j';
		else if (c == 'a')
			p.opts.device = optarg;
		else
			return usage();
	}
	filter = join(argc - optind, argv + optind);
	if (!filter)
		return fail("out of memory");
	p.opts.filter = *filter ? filter : NULL;
	if (p.opts.device) {
		status = attach_and_observe(&p.opts);
	} else {
		params = json_pack("{s:b, s:s, s:s}", "follow", follow, "format",
				   p.opts.json ? "json" : "text", "filter", filter);
		if (last)
			json_object_set_new(params, "last", json_integer((json_int_t)last));
		status = client_call(ctl, "observe", params, print_flows, &p);
	}
	free(filter);
	return status;
}
