// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Methods on policies. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../common/filter.h"
#include "../common/show.h"
#include "agent.h"
#include "control.h"

static int fill_policies(struct agent *a, struct stream *s, json_t *array)
{
	for (int i = 0; i < CONTROL_CHUNK && s->at < a->conf->n_policies; i++, s->at++)
		if (json_array_append_new(array, conf_policy_json(&a->conf->policies[s->at], false)))
			return -ENOMEM;
	return s->at < a->conf->n_policies;
}

int method_policy_list(struct call *call)
{
	return call_list(call, "policies", fill_policies);
}

static int find_policy(struct call *call, struct conf_policy **ret)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", true, &name);
	if (err < 0)
		return err;
	*ret = conf_find_policy(call->agent->conf, name);
	return *ret ? 0 : call_error(call, -ENOENT, "name", "no policy \"%s\"", name);
}

int method_policy_get(struct call *call)
{
	struct conf_policy *policy;
	int err = find_policy(call, &policy);

	if (err < 0)
		return err;
	call->result = conf_policy_json(policy, true);
	return call->result ? 0 : -ENOMEM;
}

static json_t *stats_json(const struct agent *a)
{
	return json_pack("{s:I, s:b}", "policies", (json_int_t)a->conf->n_policies, "staged",
			 a->policy_staged);
}

/*
 * Puts next in the place of the conf in force and commits it, or only keeps it for later. On failure
 * everything is as before; next is taken over in any case.
 */
static int swap(struct call *call, struct conf *next, bool commit)
{
	struct agent *a = call->agent;
	struct conf *before = a->conf;
	struct report report;
	int err = 0;

	report_init(&report);
	a->conf = next;
	if (commit)
		err = agent_commit(a, &report);
	else
		a->policy_staged = true;
	if (err < 0) {
		a->conf = before;
		conf_free(next);
		call_report(call, err, &report);
	} else {
		conf_free(before);
		a->state_dirty = true;
		if (commit)
			control_changed(a, "policy", "", "commit");
		call->result = stats_json(a);
	}
	report_clear(&report);
	return err;
}

static int copy_conf(struct call *call, struct conf **ret)
{
	struct report report;
	int err;

	report_init(&report);
	err = conf_merge(call->agent->conf, call->agent->conf, &report, ret);
	if (err < 0)
		call_report(call, err, &report);
	report_clear(&report);
	return err;
}

/* The policy or text of the parameters as the agent's kind of entries. */
static int parse_policies(struct call *call, struct conf **ret)
{
	json_t *policy = json_object_get(call->params, "policy"), *list;
	const char *text = NULL;
	int err = param_text(call, "text", false, &text);

	if (err < 0)
		return err;
	if (!policy == !text)
		return call_error(call, -EINVAL, NULL, "either \"policy\" or \"text\" is expected");
	list = policy ? json_pack("[O]", policy) : json_pack("[{s:s}]", "text", text);
	err = list ? call_parse(call, "policies", list, ret) : -ENOMEM;
	json_decref(list);
	return err;
}

int method_policy_set(struct call *call)
{
	struct agent *a = call->agent;
	struct conf *parsed, *next;
	json_t *names, *name;
	bool commit = true;
	size_t i;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_bool(call, "commit", &commit);
	if (!err)
		err = parse_policies(call, &parsed);
	if (err < 0)
		return err;
	for (i = 0; !err && i < parsed->n_policies; i++) {
		const struct conf_policy *was = conf_find_policy(a->conf, parsed->policies[i].name);

		if (was && was->source == CONF_FILE)
			err = call_owned_by_file(call, "name", was->name);
	}
	if (!err)
		err = copy_conf(call, &next);
	if (err < 0) {
		conf_free(parsed);
		return err;
	}
	names = json_array();
	for (i = 0; !err && i < parsed->n_policies; i++) {
		json_array_append_new(names, json_string(parsed->policies[i].name));
		err = conf_put_policy(next, &parsed->policies[i]);
	}
	conf_free(parsed);
	if (err < 0)
		conf_free(next);
	else
		err = swap(call, next, commit);
	json_array_foreach(names, i, name) {
		if (!err)
			control_changed(a, "policy", json_string_value(name), "set");
	}
	json_decref(names);
	return err;
}

int method_policy_delete(struct call *call)
{
	struct conf_policy *policy;
	struct conf *next;
	json_t *name;
	bool commit = true;
	int err = param_bool(call, "commit", &commit);

	if (!err)
		err = find_policy(call, &policy);
	if (err < 0)
		return err;
	if (policy->source == CONF_FILE)
		return call_owned_by_file(call, "name", policy->name);
	err = copy_conf(call, &next);
	if (err < 0)
		return err;
	name = json_string(policy->name);
	conf_remove_policy(next, policy->name);
	err = swap(call, next, commit);
	if (!err)
		control_changed(call->agent, "policy", json_string_value(name), "delete");
	json_decref(name);
	return err;
}

int method_policy_commit(struct call *call)
{
	struct report report;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	report_init(&report);
	err = agent_commit(call->agent, &report);
	if (err < 0)
		call_report(call, err, &report);
	else
		call->result = stats_json(call->agent);
	if (!err)
		control_changed(call->agent, "policy", "", "commit");
	report_clear(&report);
	return err;
}

/* ---- explain */

struct question {
	struct ebpfnet_policy_query query;
	struct ebpfnet_labels *subject, *peer;
	uint16_t endpoint;	/* id of the subject, 0: not one of ours */
	uint32_t identity;	/* of the peer, 0: only its labels are known */
	struct ebpfnet_addr addr;	/* of the peer, when it is known */
};

static int endpoint_info(struct call *call, const char *key, const char *name,
			 struct ebpfnet_labels **ret, struct ebpfnet_endpoint_info *info)
{
	const struct conf_endpoint *conf = conf_find_endpoint(call->agent->conf, name);
	bool host = !conf && call->agent->conf->host && !strcmp(name, EBPFNET_HOST_NAME);
	struct ebpfnet_endpoint *ep;
	int err;

	if (!conf && !host)
		return call_error(call, -ENOENT, key, "no endpoint \"%s\"", name);
	*ret = conf && conf->labels ? ebpfnet_labels_ref(conf->labels) : NULL;
	if (ebpfnet_endpoint_lookup(call->agent->dp, name, &ep) < 0)
		return host ? call_error(call, -ENOENT, key, "no endpoint \"%s\"", name) : 0;
	err = ebpfnet_endpoint_get_info(ep, info, sizeof(*info));
	if (!err && host)
		err = ebpfnet_labels_parse(info->labels, NULL, NULL, ret);
	info->name = info->labels = NULL;
	ebpfnet_endpoint_unref(ep);
	return err;
}

static int parse_labels(struct call *call, const char *key, const char *text,
			struct ebpfnet_labels **ret)
{
	if (ebpfnet_labels_parse(text, NULL, NULL, ret) < 0)
		return call_error(call, -EINVAL, key, "not labels");
	return 0;
}

static int identity_labels(struct call *call, const char *key, uint32_t identity,
			   struct ebpfnet_labels **ret)
{
	char text[EBPFNET_LABELS_MAX * EBPFNET_LABEL_LEN_MAX / 4];
	int len = ebpfnet_identity_labels(call->agent->dp, identity, text, sizeof(text));

	if (len < 0 || (size_t)len >= sizeof(text))
		return call_error(call, -ENOENT, key, "no identity %u", identity);
	return parse_labels(call, key, text, ret);
}

static int read_subject(struct call *call, struct question *q)
{
	struct ebpfnet_endpoint_info info = {};
	const char *name = NULL, *labels = NULL;
	int err = param_text(call, "endpoint", false, &name);

	if (!err)
		err = param_text(call, "labels", false, &labels);
	if (err < 0)
		return err;
	if (!name == !labels)
		return call_error(call, -EINVAL, "endpoint",
				  "either \"endpoint\" or \"labels\" is expected");
	if (labels)
		return parse_labels(call, "labels", labels, &q->subject);
	err = endpoint_info(call, "endpoint", name, &q->subject, &info);
	q->endpoint = info.id;
	return err;
}

/* Who is behind the peer's address, and the number that the tables are asked with. */
static int peer_at(struct call *call, const char *key, struct question *q, uint32_t *ret_labels)
{
	struct ebpfnet_address_info info = {};
	int err = ebpfnet_address_match(call->agent->dp, &q->addr, &info, sizeof(info));

	if (err < 0)
		return call_error(call, err, key, "%s", strerror(-err));
	q->query.peer_addr = &q->addr;
	q->identity = info.peer_identity;
	*ret_labels = info.identity;
	return 0;
}

static int read_peer(struct call *call, struct question *q)
{
	struct ebpfnet_endpoint_info info = {};
	const char *name = NULL, *labels = NULL;
	uint64_t identity = 0;
	uint32_t number = 0;
	int err = param_text(call, "peer_endpoint", false, &name);

	if (!err)
		err = param_text(call, "peer_labels", false, &labels);
	if (!err)
		err = param_number(call, "peer_identity", UINT32_MAX, &identity);
	if (err < 0)
		return err;
	if (name) {
		err = endpoint_info(call, "peer_endpoint", name, &q->peer, &info);
		q->identity = info.identity;
		q->addr = ebpfnet_addr_family(&info.addr4) ? info.addr4 : info.addr6;
		return err || !info.id ? err : peer_at(call, "peer_endpoint", q, &number);
	}
	if (labels)
		return parse_labels(call, "peer_labels", labels, &q->peer);
	number = q->identity = (uint32_t)identity;
	if (json_object_get(call->params, "peer_address")) {
		err = param_addr(call, "peer_address", &q->addr);
		if (!err)
			err = peer_at(call, "peer_address", q, &number);
		if (err < 0)
			return err;
	}
	return number ? identity_labels(call, "peer_identity", number, &q->peer) : 0;
}

static int read_port(struct call *call, struct question *q)
{
	const char *direction = "ingress", *protocol = "tcp";
	uint64_t port = 0;
	int number, err = param_text(call, "direction", false, &direction);

	if (!err)
		err = param_text(call, "protocol", false, &protocol);
	if (!err)
		err = param_number(call, "port", 65535, &port);
	if (err < 0)
		return err;
	if (strcmp(direction, "ingress") && strcmp(direction, "egress"))
		return call_error(call, -EINVAL, "direction", "\"ingress\" or \"egress\" is expected");
	number = protocol_number(protocol);
	if (number < 0)
		return call_error(call, -EINVAL, "protocol", "not a protocol");
	q->query.sz = sizeof(q->query);
	q->query.direction = *direction == 'i' ? EBPFNET_INGRESS : EBPFNET_EGRESS;
	q->query.protocol = (uint8_t)number;
	q->query.port = (uint16_t)port;
	return 0;
}

static json_t *answer_json(const struct ebpfnet_policy_answer *answer)
{
	return json_pack("{s:s, s:I, s:s}", "verdict", show_verdict(answer->verdict), "rule",
			 (json_int_t)answer->rule, "name", answer->name);
}

static int answer(struct call *call, struct question *q)
{
	struct ebpfnet_policy_answer rules = {}, tables = {};
	struct agent *a = call->agent;
	uint16_t port = q->query.port;
	int err;

	q->query.subject = q->subject;
	q->query.peer = q->peer;
	err = ebpfnet_policy_explain(a->set, &q->query, &rules);
	if (err < 0)
		return call_error(call, err, NULL, "%s", strerror(-err));
	call->result = json_pack("{s:o}", "rules", answer_json(&rules));
	if (!q->endpoint || !q->identity)
		return call->result ? 0 : -ENOMEM;
	if (q->query.protocol == IPPROTO_ICMP || q->query.protocol == IPPROTO_ICMPV6)
		port = (uint16_t)(port << 8);
	err = ebpfnet_policy_lookup(a->dp, q->endpoint, q->query.direction, q->identity,
				    q->query.protocol, port, &tables);
	if (err < 0)
		return call_error(call, err, NULL, "the tables do not answer: %s", strerror(-err));
	json_object_set_new(call->result, "tables", answer_json(&tables));
	json_object_set_new(call->result, "agree", json_boolean(rules.verdict == tables.verdict));
	return 0;
}

int method_policy_explain(struct call *call)
{
	struct question q = {};
	int err = call_needs_datapath(call);

	if (!err && !call->agent->set)
		err = call_error(call, -EBUSY, NULL, "no policy has been committed yet");
	if (!err)
		err = read_port(call, &q);
	if (!err)
		err = read_subject(call, &q);
	if (!err)
		err = read_peer(call, &q);
	if (!err)
		err = answer(call, &q);
	ebpfnet_labels_unref(q.subject);
	ebpfnet_labels_unref(q.peer);
	return err;
}
