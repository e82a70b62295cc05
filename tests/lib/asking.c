// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Worlds as the library sees them. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put(char *buf, size_t size, size_t *at, const char *a, const char *b, const char *c)
{
	*at += (size_t)snprintf(buf + *at, size - *at, ",%s%s=%s", a, b, c);
	return 0;
}

struct ebpfnet_labels *world_labels(const json_t *inventory, const struct ref_end *end)
{
	const char *ns = ref_text(end->object, "namespace"), *key;
	struct ebpfnet_labels *ret = NULL;
	char buf[2048], low[32], number[16];
	size_t at = 0, i;
	const json_t *v;

	if (end->kind == REF_EXTERNAL)
		return NULL;
	if (end->kind == REF_RESERVED) {
		snprintf(buf, sizeof(buf), "reserved:%s", end->name);
		return ebpfnet_labels_parse(buf, NULL, NULL, &ret) < 0 ? NULL : ret;
	}
	put(buf, sizeof(buf), &at, "k8s:", "io.kubernetes.pod.namespace", ns);
	put(buf, sizeof(buf), &at, "k8s:io.cilium.k8s.namespace.labels.", "kubernetes.io/metadata.name", ns);
	json_object_foreach((json_t *)json_object_get(end->object, "labels"), key, v)
		put(buf, sizeof(buf), &at, "k8s:", key, json_string_value(v));
	json_object_foreach((json_t *)json_object_get(ref_namespace(inventory, ns), "labels"), key, v)
		put(buf, sizeof(buf), &at, "k8s:io.cilium.k8s.namespace.labels.", key, json_string_value(v));
	json_array_foreach(json_object_get(end->object, "ports"), i, v) {
		snprintf(low, sizeof(low), "%s/%s", ref_text(v, "name"), ref_text(v, "protocol"));
		for (char *p = strchr(low, '/'); *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
		snprintf(number, sizeof(number), "%d", (int)json_integer_value(json_object_get(v, "port")));
		put(buf, sizeof(buf), &at, "port:", low, number);
	}
	return ebpfnet_labels_parse(buf + 1, NULL, NULL, &ret) < 0 ? NULL : ret;
}

static int add_services(struct ebpfnet_policy_set *set, const json_t *inventory)
{
	const json_t *s, *v;
	const char *key;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(inventory, "services"), i, s) {
		char name[64], labels[256], selector[256];
		size_t l = 0, k = 0;
		struct ebpfnet_policy_group group = {
			EBPFNET_OPTS_INIT(group), .kind = EBPFNET_PEER_SERVICE, .name = name, .labels = labels + 1,
		};

		snprintf(name, sizeof(name), "%s/%s", ref_text(s, "namespace"), ref_text(s, "name"));
		put(labels, sizeof(labels), &l, "k8s:", "io.kubernetes.pod.namespace", ref_text(s, "namespace"));
		put(selector, sizeof(selector), &k, "k8s:", "io.kubernetes.pod.namespace", ref_text(s, "namespace"));
		json_object_foreach((json_t *)json_object_get(s, "labels"), key, v)
			put(labels, sizeof(labels), &l, "k8s:", key, json_string_value(v));
		json_object_foreach((json_t *)json_object_get(s, "selector"), key, v)
			put(selector, sizeof(selector), &k, "k8s:", key, json_string_value(v));
		if (json_object_size(json_object_get(s, "selector")))
			group.selector = selector + 1;
		err = err ? err : ebpfnet_policy_set_group(set, &group);
	}
	return err;
}

struct ebpfnet_policy_set *world_set(struct ebpfnet_ctx *ctx, const json_t *inventory, const json_t *documents,
		bool quiet)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = "world" };
	struct ebpfnet_policy_set *set = NULL;
	char words[2048] = "";
	json_t *list = json_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind", "List", "items", documents);
	char *text = json_dumps(list, JSON_INDENT(1));
	int err = ebpfnet_diag_new(&opts.diag);

	if (!err)
		err = ebpfnet_policy_set_new(ctx, &set);
	if (!err)
		err = ebpfnet_policy_set_parse(set, text, strlen(text), &opts);
	if (err >= 0)
		err = add_services(set, inventory);
	if (err < 0) {
		ebpfnet_diag_format(opts.diag, words, sizeof(words));
		if (!quiet)
			fprintf(stderr, "%d: %s\n", err, words);
		ebpfnet_policy_set_free(set);
		set = NULL;
	}
	ebpfnet_diag_free(opts.diag);
	json_decref(list);
	free(text);
	return set;
}

int world_explain(const struct ebpfnet_policy_set *set, const struct ref_question *q, struct ebpfnet_policy_answer *ret)
{
	struct ebpfnet_labels *subject = world_labels(q->inventory, &q->subject), *peer = world_labels(q->inventory,
			&q->peer);
	const char *name = ref_text(q->peer.object, "name");
	struct ebpfnet_addr addr;
	struct ebpfnet_policy_query query = {
		EBPFNET_OPTS_INIT(query), .direction = q->ingress ? EBPFNET_INGRESS : EBPFNET_EGRESS,
		.protocol = (uint8_t)q->protocol, .port = (uint16_t)q->port, .subject = subject, .peer = peer,
	};
	int err;

	if (q->peer.ip && ebpfnet_addr_parse(q->peer.ip, &addr) == 0)
		query.peer_addr = &addr;
	if (q->peer.kind == REF_EXTERNAL) {
		query.peer_names = &name;
		query.n_peer_names = 1;
	}
	err = ebpfnet_policy_explain(set, &query, ret);
	ebpfnet_labels_unref(subject);
	ebpfnet_labels_unref(peer);
	if (err < 0)
		return err;
	return ret->verdict == EBPFNET_VERDICT_DENY ? REF_DENY : ret->verdict == EBPFNET_VERDICT_REDIRECT ?
			REF_PROXY : REF_ALLOW;
}
