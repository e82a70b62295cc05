// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *verdict_name(enum ebpfnet_verdict verdict)
{
	static const char *const names[] = {
		[EBPFNET_VERDICT_DENY] = "deny", [EBPFNET_VERDICT_ALLOW] = "allow", [EBPFNET_VERDICT_REDIRECT] = "redirect",
		[EBPFNET_VERDICT_AUDIT] = "audit", [EBPFNET_VERDICT_AUTH] = "auth", [EBPFNET_VERDICT_PASS] = "pass",
	};

	return names[verdict];
}

static const char *allow_or_deny(bool allowed)
{
	return allowed ? "allow" : "deny";
}

/* ---- validate ---- */

int cmd_validate(const struct options *o)
{
	int status = STATUS_YES;

	if (!o->n_args)
		return say("validate: no file is named");
	for (int i = 0; i < o->n_args; i++) {
		struct ebpfnet_policy_set *set;
		int n;

		if (ebpfnet_policy_set_new(o->ctx, &set) < 0)
			return say("%s", strerror(ENOMEM));
		n = policies_add(set, o->args[i]);
		if (n >= 0)
			printf("%s: %d %s\n", o->args[i], n, n == 1 ? "policy" : "policies");
		else if (n == -2)
			status = STATUS_TROUBLE;
		else if (status == STATUS_YES)
			status = STATUS_NO;
		ebpfnet_policy_set_free(set);
	}
	return status;
}

/* ---- matrix and diff ---- */

struct lines {
	json_t *array;		/* NULL: text */
	bool diff;
	size_t n;		/* written */
};

/* Verdicts that are more than yes and no. */
static void finer(json_t *o, const char *key, enum ebpfnet_verdict verdict)
{
	if (verdict != EBPFNET_VERDICT_ALLOW && verdict != EBPFNET_VERDICT_DENY)
		json_object_set_new(o, key, json_string(verdict_name(verdict)));
}

static json_t *row(const struct way *way, const struct judgement *is, const char *family)
{
	char buf[8];
	json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "source", way->src->name, "destination",
			      way->dst->name, "protocol", protocol_name(way->port.protocol, buf), "port",
			      (int)way->port.number, "ingress", allow_or_deny(is->allowed[EBPFNET_INGRESS]), "egress",
			      allow_or_deny(is->allowed[EBPFNET_EGRESS]), "combined", allow_or_deny(is->combined), "rule",
			      is->rule);

	if (!o)
		return NULL;
	if (family)
		json_object_set_new(o, "family", json_string(family));
	json_object_set_new(o, "ingress_rule", json_string(is->ingress.name));
	json_object_set_new(o, "egress_rule", json_string(is->egress.name));
	finer(o, "ingress_verdict", is->ingress.verdict);
	finer(o, "egress_verdict", is->egress.verdict);
	return o;
}

static int line(const struct way *way, const struct judgement *was, const struct judgement *is, const char *family,
		void *userdata)
{
	struct lines *l = userdata;
	char port[24];
	json_t *o;

	if (l->diff && was->combined == is->combined)
		return 0;
	l->n++;
	if (l->array) {
		o = row(way, is, family);
		if (o && l->diff) {
			json_object_set_new(o, "change", json_string(is->combined ? "open" : "close"));
			json_object_set_new(o, "old_rule", json_string(was->rule));
		}
		return o && !json_array_append_new(l->array, o) ? 0 : -ENOMEM;
	}
	port_write(way->port, port);
	if (l->diff)
		printf("%-5s  %-24s %-24s %-12s %s -> %s%s%s\n", is->combined ? "open" : "close", way->src->name,
		       way->dst->name, port, was->rule, is->rule, family ? "  " : "", family ? family : "");
	else
		printf("%-24s %-24s %-12s %-8s %-8s %-8s %s%s%s\n", way->src->name, way->dst->name, port,
		       verdict_name(is->ingress.verdict), verdict_name(is->egress.verdict), allow_or_deny(is->combined),
		       is->rule, family ? "  " : "", family ? family : "");
	return 0;
}

static int write_lines(struct lines *l)
{
	int err = 0;

	if (l->array) {
		err = json_dumpf(l->array, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(l->array);
	}
	return err;
}

/* old NULL: the matrix of set; else what differs between them. */
static int ways(const struct options *o, const struct inventory *inv, const struct ebpfnet_policy_set *old,
		const struct ebpfnet_policy_set *set)
{
	const struct ebpfnet_policy_set *const both[] = { set, old };
	struct lines l = { .diff = old != NULL };
	struct port *ports;
	size_t n_ports;
	int err;

	if (ports_of(o, inv, both, old ? 2 : 1, &ports, &n_ports))
		return STATUS_TROUBLE;
	if (o->json)
		l.array = json_array();
	else if (!old)
		printf("%-24s %-24s %-12s %-8s %-8s %-8s %s\n", "SOURCE", "DESTINATION", "PORT", "INGRESS", "EGRESS",
		       "COMBINED", "RULE");
	err = ways_foreach(inv, ports, n_ports, old, set, line, &l);
	free(ports);
	if (write_lines(&l) < 0 || err < 0)
		return say("%s", strerror(err < 0 ? -err : EIO));
	return old && l.n ? STATUS_NO : STATUS_YES;
}

int cmd_matrix(const struct options *o)
{
	struct ebpfnet_policy_set *set = NULL;
	struct inventory inv;
	int status;

	if (o->n_args)
		return say("matrix: \"%s\" is one too many; policies go behind --policy", o->args[0]);
	status = inventory_read(o->inventory, &inv);
	if (status)
		return status;
	status = policies_read(o->ctx, o->policies, o->n_policies, &inv, &set);
	if (!status)
		status = ways(o, &inv, NULL, set);
	ebpfnet_policy_set_free(set);
	inventory_free(&inv);
	return status;
}

int cmd_diff(const struct options *o)
{
	struct ebpfnet_policy_set *old = NULL, *set = NULL;
	struct inventory inv;
	int status;

	if (o->n_args)
		return say("diff: \"%s\" is one too many; policies go behind --old and --policy", o->args[0]);
	status = inventory_read(o->inventory, &inv);
	if (status)
		return status;
	status = policies_read(o->ctx, o->old, o->n_old, &inv, &old);
	if (!status)
		status = policies_read(o->ctx, o->policies, o->n_policies, &inv, &set);
	if (!status)
		status = ways(o, &inv, old, set);
	ebpfnet_policy_set_free(old);
	ebpfnet_policy_set_free(set);
	inventory_free(&inv);
	return status;
}

/* ---- explain ---- */

static int print_match(const struct ebpfnet_policy_match *m, void *userdata)
{
	static const char *const reasons[] = {
		[EBPFNET_RULE_DECIDES] = "decides", [EBPFNET_RULE_MATCHES] = "matches",
		[EBPFNET_RULE_NOT_SUBJECT] = "near: another subject", [EBPFNET_RULE_NOT_PEER] = "near: another peer",
		[EBPFNET_RULE_NOT_PORT] = "near: another port",
	};
	static const char *const tiers[] = {
		[EBPFNET_TIER_NORMAL] = "normal", [EBPFNET_TIER_ADMIN] = "admin", [EBPFNET_TIER_BASELINE] = "baseline",
	};
	json_t *array = userdata, *o;

	if (!array) {
		printf("    %-22s %-8s %-8s %s#%u%s%s\n", reasons[m->reason], tiers[m->tier], verdict_name(m->action),
		       m->policy, m->index, m->log ? "  " : "", m->log ? m->log : "");
		return 0;
	}
	o = json_pack("{s:s, s:s, s:s, s:s, s:i}", "reason", reasons[m->reason], "tier", tiers[m->tier], "action",
		      verdict_name(m->action), "policy", m->policy, "rule", (int)m->index);
	if (o && m->log)
		json_object_set_new(o, "log", json_string(m->log));
	return o && !json_array_append_new(array, o) ? 0 : -ENOMEM;
}

static int explain_side(const struct ebpfnet_policy_set *set, const struct way *way, enum ebpfnet_direction dir,
			const struct ebpfnet_policy_answer *answer, json_t *out)
{
	const char *side = dir == EBPFNET_EGRESS ? "egress" : "ingress", *name;
	json_t *rules = out ? json_array() : NULL, *o;
	struct ebpfnet_policy_query q;
	int err = 0;

	if (!out)
		printf("%s of %s: %s by %s\n", side, dir == EBPFNET_EGRESS ? way->src->name : way->dst->name,
		       verdict_name(answer->verdict), answer->name);
	query_of(way, dir, &name, &q);
	if (q.subject)
		err = ebpfnet_policy_explain_rules(set, &q, print_match, rules);
	if (out) {
		o = json_pack("{s:s, s:s, s:o}", "verdict", verdict_name(answer->verdict), "rule", answer->name, "rules", rules);
		json_object_set_new(out, side, o);
	}
	return err;
}

static int explain(const struct options *o, const struct ebpfnet_policy_set *set, const struct way *way)
{
	json_t *out = o->json ? json_object() : NULL;
	struct judgement is;
	int err = judge(set, way, &is);

	if (!err)
		err = explain_side(set, way, EBPFNET_EGRESS, &is.egress, out);
	if (!err)
		err = explain_side(set, way, EBPFNET_INGRESS, &is.ingress, out);
	if (err < 0) {
		json_decref(out);
		return say("%s", strerror(-err));
	}
	if (out) {
		json_object_set_new(out, "combined", json_string(allow_or_deny(is.combined)));
		json_dumpf(out, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(out);
	} else {
		printf("combined: %s by %s\n", allow_or_deny(is.combined), is.rule);
	}
	return is.combined ? STATUS_YES : STATUS_NO;
}

static const struct ebpfnet_addr *address(const struct end *end, const struct end *other, bool six)
{
	/* of the family the other one has, too */
	for (size_t i = 0; i < end->n_addrs; i++)
		for (size_t j = 0; j < (other->n_addrs ? other->n_addrs : 1); j++)
			if ((ebpfnet_addr_family(&end->addrs[i]) == 6) == six &&
			    (!other->n_addrs || (ebpfnet_addr_family(&other->addrs[j]) == 6) == six))
				return &end->addrs[i];
	return NULL;
}

int cmd_explain(const struct options *o)
{
	struct ebpfnet_policy_set *set = NULL;
	struct inventory inv;
	struct way way = { 0 };
	int status;

	if (o->n_args != 3 || !port_read(o->args[2], &way.port))
		return say("explain: a source, a destination and a port like \"80/TCP\" are wanted");
	status = inventory_read(o->inventory, &inv);
	if (status)
		return status;
	way.src = inventory_find(&inv, o->args[0]);
	way.dst = inventory_find(&inv, o->args[1]);
	if (!way.src || !way.dst) {
		status = say("the inventory has no \"%s\"", way.src ? o->args[1] : o->args[0]);
	} else {
		/* by IPv4 where both have it */
		for (int six = way.port.protocol == 58; six < 2 && !(way.src_addr || way.dst_addr); six++) {
			way.src_addr = address(way.src, way.dst, six);
			way.dst_addr = address(way.dst, way.src, six);
		}
		status = policies_read(o->ctx, o->policies, o->n_policies, &inv, &set);
		if (!status)
			status = explain(o, set, &way);
	}
	ebpfnet_policy_set_free(set);
	inventory_free(&inv);
	return status;
}
