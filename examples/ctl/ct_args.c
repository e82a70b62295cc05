// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ct_args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../common/filter.h"
#include "../common/tracking.h"
#include "ctl.h"

enum { SPORT = 256, DPORT, STATE, ENDPOINT, IDENTITY, ADDR, PORT, IDLE, ZONE, EXPORT, IMPORT };

static const struct option options[] = {
	{ "dump", no_argument, NULL, 'L' }, { "list", no_argument, NULL, 'L' },
	{ "event", no_argument, NULL, 'E' }, { "delete", no_argument, NULL, 'D' },
	{ "flush", no_argument, NULL, 'F' }, { "count", no_argument, NULL, 'C' },
	{ "get", no_argument, NULL, 'G' }, { "stats", no_argument, NULL, 'S' },
	{ "settings", no_argument, NULL, 'T' }, { "export", required_argument, NULL, EXPORT },
	{ "import", required_argument, NULL, IMPORT }, { "proto", required_argument, NULL, 'p' },
	{ "src", required_argument, NULL, 's' }, { "dst", required_argument, NULL, 'd' },
	{ "family", required_argument, NULL, 'f' }, { "output", required_argument, NULL, 'o' },
	{ "event-mask", required_argument, NULL, 'e' }, { "sport", required_argument, NULL, SPORT },
	{ "dport", required_argument, NULL, DPORT }, { "state", required_argument, NULL, STATE },
	{ "endpoint", required_argument, NULL, ENDPOINT }, { "identity", required_argument, NULL, IDENTITY },
	{ "addr", required_argument, NULL, ADDR }, { "port", required_argument, NULL, PORT },
	{ "idle", required_argument, NULL, IDLE }, { "zone", required_argument, NULL, ZONE }, {}
};

static int usage(void)
{
	return fail("usage: ebpfnetctl ct -L | -E | -D | -F | -C | -G | -S | -T | --export FILE | --import FILE "
		    "[FILTER] [-o json,extended,timestamp]");
}

static int put_text(json_t *filter, const char *key, const char *value)
{
	return json_object_set_new(filter, key, json_string(value)) ? fail("%s: not UTF-8", key) : 0;
}

static int put_number(json_t *filter, const char *key, const char *value, long long scale)
{
	long long n;
	char *end;

	n = strtoll(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || n > INT64_MAX / scale)
		return fail("%s: \"%s\" is not a number", key, value);
	return json_object_set_new(filter, key, json_integer(n * scale)) ? fail("no memory") : 0;
}

static int put_family(json_t *filter, const char *value)
{
	if (!strcmp(value, "ipv4") || !strcmp(value, "4") || !strcmp(value, "inet"))
		return put_number(filter, "family", "4", 1);
	if (!strcmp(value, "ipv6") || !strcmp(value, "6") || !strcmp(value, "inet6"))
		return put_number(filter, "family", "6", 1);
	return fail("\"%s\" is not a family: ipv4 or ipv6", value);
}

/* Words separated by commas, each given to fn. */
static int each_word(struct ct_args *args, const char *list, int (*fn)(struct ct_args *args, const char *word))
{
	int status = 0;

	while (!status && *list) {
		size_t len = strcspn(list, ",");
		char word[32];

		if (len >= sizeof(word))
			return fail("\"%s\" is not understood", list);
		memcpy(word, list, len);
		word[len] = '\0';
		status = fn(args, word);
		list += len + (list[len] == ',');
	}
	return status;
}

static int output_word(struct ct_args *args, const char *word)
{
	if (!strcmp(word, "json"))
		args->json = true;
	else if (!strcmp(word, "extended"))
		args->extended = true;
	else if (!strcmp(word, "timestamp"))
		args->timestamp = true;
	else
		return fail("\"%s\" is not an output: json, extended, timestamp", word);
	return 0;
}

static int event_word(struct ct_args *args, const char *word)
{
	if (!strcasecmp(word, "ALL"))
		args->kinds = 1u << EBPFNET_CT_EVENT_NEW | 1u << EBPFNET_CT_EVENT_UPDATE |
			      1u << EBPFNET_CT_EVENT_DESTROY;
	else if (!strcasecmp(word, "NEW"))
		args->kinds |= 1u << EBPFNET_CT_EVENT_NEW;
	else if (!strcasecmp(word, "UPDATES"))
		args->kinds |= 1u << EBPFNET_CT_EVENT_UPDATE;
	else if (!strcasecmp(word, "DESTROY"))
		args->kinds |= 1u << EBPFNET_CT_EVENT_DESTROY;
	else
		return fail("\"%s\" is not an event: ALL, NEW, UPDATES, DESTROY", word);
	return 0;
}

static int set_command(struct ct_args *args, int command, const char *file)
{
	if (args->command && args->command != command)
		return usage();
	args->command = command;
	args->file = file;
	return 0;
}

static int one_option(struct ct_args *args, int c, const char *value)
{
	switch (c) {
	case EXPORT:
		return set_command(args, 'X', value);
	case IMPORT:
		return set_command(args, 'I', value);
	case 'p':
		return put_text(args->filter, "protocol", value);
	case 's':
		return put_text(args->filter, "src", value);
	case 'd':
		return put_text(args->filter, "dst", value);
	case ADDR:
		return put_text(args->filter, "addr", value);
	case STATE:
		return put_text(args->filter, "state", value);
	case 'f':
		return put_family(args->filter, value);
	case SPORT:
		return put_number(args->filter, "sport", value, 1);
	case DPORT:
		return put_number(args->filter, "dport", value, 1);
	case PORT:
		return put_number(args->filter, "port", value, 1);
	case ENDPOINT:
		return put_number(args->filter, "endpoint_id", value, 1);
	case IDENTITY:
		return put_number(args->filter, "identity", value, 1);
	case ZONE:
		return put_number(args->filter, "zone", value, 1);
	case IDLE:
		return put_number(args->filter, "idle_min_ms", value, 1000);
	case 'o':
		return each_word(args, value, output_word);
	case 'e':
		return each_word(args, value, event_word);
	case '?':
		return usage();
	default:
		return set_command(args, c, NULL);
	}
}

/* "true" and "false" of a setting are no texts. */
static int as_switch(json_t *settings, const char *key)
{
	const char *on = json_string_value(json_object_get(settings, key));

	if (!on)
		return 0;
	if (strcmp(on, "true") && strcmp(on, "false"))
		return fail("%s is true or false", key);
	return json_object_set_new(settings, key, json_boolean(!strcmp(on, "true"))) ? fail("no memory") : 0;
}

/* What is left over: KEY=VALUE, with the control socket's names; settings for -T. */
static int the_rest(struct ct_args *args, int argc, char **argv)
{
	bool settings = args->command == 'T';
	json_t *more = settings ? arguments(argc, argv, CT_CONFIG_KEYS, CT_CONFIG_NUMBERS, "") :
		       arguments(argc, argv, CT_FILTER_KEYS, CT_FILTER_NUMBERS, "");
	int status = 0;

	if (!more)
		return 1;
	if (settings)
		status = as_switch(more, "midstream") || as_switch(more, "cut");
	if (!status && json_object_update(args->filter, more))
		status = fail("no memory");
	json_decref(more);
	return status;
}

int ct_args_read(int argc, char **argv, struct ct_args *ret)
{
	struct ct_args args = { .filter = json_object() };
	int c, status = args.filter ? 0 : fail("no memory");

	/* main() has left getopt in the middle of its own arguments */
	optind = 0;
	while (!status && (c = getopt_long(argc, argv, "LEDFCGSTp:s:d:f:o:e:", options, NULL)) != -1)
		status = one_option(&args, c, optarg);
	if (!status && !args.command)
		status = usage();
	if (!status)
		status = the_rest(&args, argc - optind, argv + optind);
	if (status) {
		json_decref(args.filter);
		return status;
	}
	*ret = args;
	return 0;
}
