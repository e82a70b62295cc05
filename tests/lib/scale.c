// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "scale.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES 5u
#define PORTS 40u
#define PORT_FIRST 8000u

const char *const scale_names[SCALE_KINDS] = { "typical", "all-distinct", "overlapping", "churn" };

uint32_t scale_apps(const struct scale *s)
{
	uint32_t n = s->identities / 10;

	/* of these each identity is its own anyway */
	if (s->kind == SCALE_DISTINCT)
		n = 1000;
	return n ? n : 1;
}

int scale_labels(const struct scale *s, uint32_t i, struct ebpfnet_labels **ret)
{
	uint32_t apps = scale_apps(s), app = i % apps;
	char text[160];

	if (s->kind == SCALE_DISTINCT)
		snprintf(text, sizeof(text), "app=app-%u,env=prod,id=id-%u", app, i);
	else
		snprintf(text, sizeof(text), "app=app-%u,env=%s,version=v%u", app, app % 3 ? "prod" : "test", i / apps);
	return ebpfnet_labels_parse(text, "k8s", NULL, ret);
}

void scale_policy_name(uint32_t i, char ret[32])
{
	snprintf(ret, 32, "policy-%u", i);
}

/* A rule's peer as text. */
static void peer_text(const struct scale *s, uint32_t i, uint32_t r, uint32_t variant, char *text, size_t size)
{
	uint32_t n = i * RULES + r;

	/* an odd number is in one rule, an even one in that and the one before: no two in the same ones */
	if (s->kind == SCALE_DISTINCT)
		snprintf(text, size, "id in (id-%u,id-%u,id-%u)", 2 * n % s->identities, (2 * n + 1) % s->identities,
			 (2 * n + 2) % s->identities);
	else
		snprintf(text, size, "app=app-%u,env=prod", (i * 7 + r * 13 + variant) % scale_apps(s));
}

/* Within 10.0.0.0/8: lengths from 9 to 28, so that the short ones of some policies cover the long ones of others. */
static uint32_t cidr_text(uint32_t n, uint32_t variant, char *text, size_t size)
{
	uint32_t len = 9 + (n * 7 + variant) % 20, bits = n * 2654435761u >> 8;

	bits = 0x0a000000u | (bits & 0xffffffu);
	bits &= ~0u << (32 - len);
	snprintf(text, size, "%u.%u.%u.%u/%u", bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255, len);
	return len;
}

/* The first quarter of a prefix is left out of it. */
static void except_text(const char *cidr, uint32_t len, char *text, size_t size)
{
	snprintf(text, size, "%.*s/%u", (int)strcspn(cidr, "/"), cidr, len + 2);
}

/*
 * An application may be called by a few others, on ports of its own, and may call some. Overlapping: the last two rules are about
 * CIDRs, in and out, and every fourth policy denies what it speaks of.
 */
int scale_policy(const struct scale *s, uint32_t i, uint32_t variant, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_opts opts = { .sz = sizeof(opts), .default_deny_ingress = 1 };
	struct ebpfnet_policy_peer peers[RULES] = { 0 };
	struct ebpfnet_policy_rule rules[RULES];
	struct ebpfnet_port_range port[RULES];
	char name[32], subject[64], peer[RULES][64], left_out[RULES][64];
	const char *except[RULES];
	uint32_t r, len;

	scale_policy_name(i, name);
	snprintf(subject, sizeof(subject), "app=app-%u", i % scale_apps(s));
	opts.name = name;
	opts.subject = subject;
	memset(rules, 0, sizeof(rules));
	for (r = 0; r < RULES; r++) {
		peers[r].text = peer[r];
		rules[r].action = EBPFNET_VERDICT_ALLOW;
		if (s->kind == SCALE_OVERLAPPING && r >= RULES - 2) {
			len = cidr_text(i * 2 + r, variant, peer[r], sizeof(peer[r]));
			except_text(peer[r], len, left_out[r], sizeof(left_out[r]));
			except[r] = left_out[r];
			peers[r].kind = EBPFNET_PEER_CIDR;
			peers[r].except = &except[r];
			peers[r].n_except = 1;
			if (i % 4 == 3)
				rules[r].action = EBPFNET_VERDICT_DENY;
		} else {
			peer_text(s, i, r, variant, peer[r], sizeof(peer[r]));
		}
		port[r] = (struct ebpfnet_port_range){
			.protocol = IPPROTO_TCP, .first = (uint16_t)(PORT_FIRST + (i * 3 + r) % PORTS),
		};
		port[r].last = port[r].first;
		rules[r].sz = sizeof(rules[r]);
		rules[r].direction = r == RULES - 1 ? EBPFNET_EGRESS : EBPFNET_INGRESS;
		rules[r].peers = &peers[r];
		rules[r].n_peers = 1;
		rules[r].ports = &port[r];
		rules[r].n_ports = 1;
	}
	return ebpfnet_policy_set_add(set, &opts, rules, RULES);
}

int scale_fill(const struct scale *s, struct ebn_policy *policy, struct ebpfnet_policy_set *set, uint32_t *ids,
	       uint32_t *subs)
{
	struct ebpfnet_labels *labels;
	uint32_t i, id, sub;
	int err = 0;

	for (i = 0; i < s->identities && !err; i++) {
		err = scale_labels(s, i, &labels);
		if (err)
			break;
		err = ebn_policy_identity_get(policy, labels, &id);
		if (!err && ids)
			ids[i] = id;
		if (!err && i < s->subjects) {
			err = ebn_policy_subject_get(policy, labels, &sub);
			if (!err && subs)
				subs[i] = sub;
		}
		ebpfnet_labels_unref(labels);
	}
	for (i = 0; i < s->policies && !err; i++)
		err = scale_policy(s, i, 0, set);
	return err;
}

/* ---- what happens to it ---- */

int scale_churn_begin(const struct scale *s, struct scale_churn *c)
{
	uint32_t i;

	*c = (struct scale_churn){ .state = s->seed };
	c->variant = calloc(s->policies, sizeof(*c->variant));
	c->there = calloc(s->identities, sizeof(*c->there));
	if (!c->variant || !c->there) {
		scale_churn_end(c);
		return -ENOMEM;
	}
	for (i = 0; i < s->identities; i++)
		c->there[i] = true;
	return 0;
}

void scale_churn_end(struct scale_churn *c)
{
	free(c->variant);
	free(c->there);
	c->variant = NULL;
	c->there = NULL;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) */
static uint32_t below(struct scale_churn *c, uint32_t n)
{
	uint64_t x = c->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((x ^ (x >> 31)) % n);
}

struct scale_step scale_churn_step(const struct scale *s, struct scale_churn *c)
{
	struct scale_step step = { .identity = below(c, 4) != 0 };

	if (step.identity) {
		step.i = s->identities / 2 + below(c, s->identities - s->identities / 2);
		step.gone = c->there[step.i];
		c->there[step.i] = !step.gone;
		return step;
	}
	step.i = below(c, s->policies);
	step.gone = c->variant[step.i] != UINT32_MAX && !below(c, 3);
	step.variant = step.gone ? UINT32_MAX : below(c, 8);
	c->variant[step.i] = step.variant;
	return step;
}
