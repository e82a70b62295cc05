// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "control.h"
#include "file.h"
#include "health.h"

/*
 * The state file: what the file and the socket had asked for when it was written, so that a restart
 * knows what programs had set over the socket, and what has left the file meanwhile.
 */
#define STATE_VERSION 1

int agent_save_state(struct agent *a)
{
	json_t *root;
	char *text;
	int err = -ENOMEM;

	if (!a->conf || !a->state_path)
		return 0;
	root = json_pack("{s:i, s:o, s:o}", "agent", STATE_VERSION,
			 "file", conf_json(a->conf, false, CONF_FILE),
			 "socket", conf_json(a->conf, false, CONF_SOCKET));
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	if (text)
		err = file_replace(a->state_path, text, strlen(text));
	free(text);
	json_decref(root);
	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "%s: %s", a->state_path, strerror(-err));
	else
		a->state_dirty = false;
	return err;
}

static int parse_state_part(struct agent *a, const json_t *root, const char *key,
			    enum conf_source source, struct report *report, struct conf **ret)
{
	struct conf_parse how = { .source = source };
	json_t *part = json_object_get(root, key);
	char *text = json_is_object(part) ? json_dumps(part, JSON_INDENT(1)) : NULL;
	int err;

	if (!text) {
		report_error(report, a->state_path, 0, 0, NULL, "\"%s\" is missing", key);
		return -EPROTO;
	}
	err = conf_parse(text, strlen(text), &how, a->ctx, report, ret);
	free(text);
	return err;
}

/* What the last run left; none is an empty one. */
static int load_state(struct agent *a, struct report *report, struct conf **ret_file,
		      struct conf **ret_socket)
{
	json_t *root;
	char *text;
	size_t len;
	int err = file_read(a->state_path, TREE_TEXT_MAX, &text, &len);

	if (err == -ENOENT) {
		err = conf_new(ret_file);
		return err < 0 ? err : conf_new(ret_socket);
	}
	if (err < 0) {
		report_error(report, a->state_path, 0, 0, NULL, "%s", strerror(-err));
		return err;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	err = -EPROTO;
	if (json_integer_value(json_object_get(root, "agent")) == STATE_VERSION) {
		err = parse_state_part(a, root, "file", CONF_FILE, report, ret_file);
		if (!err)
			err = parse_state_part(a, root, "socket", CONF_SOCKET, report, ret_socket);
	}
	json_decref(root);
	if (err < 0)
		report_error(report, a->state_path, 0, 0, NULL, "not a state file of this version: "
			     "remove it to start without what was set over the socket");
	return err;
}

/* What the file has taken over while the agent was not running is the file's now. */
static void yield_to_file(const struct conf *file, struct conf *socket)
{
	for (size_t i = 0; i < file->n_endpoints; i++)
		if (conf_remove_endpoint(socket, file->endpoints[i].name))
			agent_log(EBPFNET_LOG_WARNING, "endpoint %s: the file replaces what was set "
				  "over the socket", file->endpoints[i].name);
	for (size_t i = 0; i < file->n_policies; i++)
		if (conf_remove_policy(socket, file->policies[i].name))
			agent_log(EBPFNET_LOG_WARNING, "policy %s: the file replaces what was set "
				  "over the socket", file->policies[i].name);
	for (size_t i = 0; i < file->n_addresses; i++)
		conf_remove_address(socket, &file->addresses[i].prefix);
	for (size_t i = 0; i < file->n_services; i++)
		if (conf_remove_service(socket, file->services[i].name))
			agent_log(EBPFNET_LOG_WARNING, "service %s: the file replaces what was set "
				  "over the socket", file->services[i].name);
	for (size_t i = 0; i < file->n_devices; i++)
		conf_remove_device(socket, file->devices[i].name);
}

static void log_changes(const char *what, const struct agent_changes *c)
{
	agent_log(6, "%s: %u created, %u changed, %u removed, %u waiting, policy %s", what, c->created,
		  c->updated, c->deleted, c->failed, c->policy ? "committed" : "unchanged");
}

int agent_start_conf(struct agent *a, struct conf *file)
{
	struct conf *old_file = NULL, *old_socket = NULL, *old = NULL, *conf = NULL;
	struct agent_changes changes;
	struct report report;
	int err;

	report_init(&report);
	err = load_state(a, &report, &old_file, &old_socket);
	if (!err)
		err = conf_merge(old_file, old_socket, &report, &old);
	if (!err) {
		yield_to_file(file, old_socket);
		err = conf_merge(file, old_socket, &report, &conf);
	}
	if (!err)
		agent_health_adopt(a, conf);
	if (!err)
		err = agent_apply(a, conf, old, &report, &changes);
	if (!err)
		log_changes("started", &changes);
	else if (conf != a->conf)
		conf_free(conf);
	agent_log_report(&report);
	report_clear(&report);
	conf_free(old);
	conf_free(old_file);
	conf_free(old_socket);
	return err;
}

static bool text_differs(const char *a, const char *b)
{
	return (!a != !b) || (a && strcmp(a, b));
}

/* Settings that are fixed while the agent runs. */
static void warn_fixed(struct report *report, const char *path, const struct conf_node *is,
		       const struct conf_node *want)
{
	if (text_differs(is->datapath, want->datapath) || text_differs(is->pin_dir, want->pin_dir) ||
	    text_differs(is->state_dir, want->state_dir) || text_differs(is->name, want->name) ||
	    is->table_bytes != want->table_bytes ||
	    is->ring_bytes != want->ring_bytes || is->endpoints != want->endpoints ||
	    is->history != want->history)
		report_warning(report, path, 0, "changes of \"node\" need a restart of the agent");
	if (is->flows4 != want->flows4 || is->flows6 != want->flows6)
		report_warning(report, path, 0, "new sizes of flow tables need an upgrade: "
			       "ebpfnetctl upgrade --flows4 N --flows6 N");
}

/* conf is taken over when 0 is returned. */
static int replace(struct agent *a, struct conf *conf, struct report *report,
		   struct agent_changes *changes)
{
	struct conf *old = a->conf;
	int err = agent_apply(a, conf, old, report, changes);

	if (!err)
		conf_free(old);
	return err;
}

int agent_reload(struct agent *a, struct report *report, struct agent_changes *changes)
{
	struct conf_parse how = { .path = a->opts.config, .source = CONF_FILE };
	struct conf *file, *conf;
	int err;

	if (!a->opts.config) {
		report_error(report, NULL, 0, 0, NULL, "the agent was started without a file");
		return -ENOENT;
	}
	err = conf_load(a->opts.config, &how, a->ctx, report, &file);
	if (!err) {
		warn_fixed(report, a->opts.config, &a->conf->node, &file->node);
		err = conf_merge(file, a->conf, report, &conf);
		if (!err) {
			err = replace(a, conf, report, changes);
			if (err < 0)
				conf_free(conf);
		}
		conf_free(file);
	}
	agent_log_report(report);
	if (err < 0) {
		a->reload_errors++;
		agent_log(EBPFNET_LOG_ERR, "nothing was changed");
		return err;
	}
	a->reloads++;
	agent_cni_write(a);
	log_changes("reloaded", changes);
	return 0;
}

int agent_apply_socket(struct agent *a, struct conf *socket, bool dry_run, struct report *report,
		       struct agent_changes *changes)
{
	struct conf *conf;
	int err = conf_merge(a->conf, socket, report, &conf);

	if (err < 0)
		return err;
	err = dry_run ? agent_try(a, conf, report) : replace(a, conf, report, changes);
	if (err < 0 || dry_run)
		conf_free(conf);
	return err;
}
