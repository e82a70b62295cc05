// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* CIDR groups and services of a set. */
#include "policy/model.h"

#include "identity/text.h"

struct ebn_group *ebn_group_ref(struct ebn_group *g)
{
	g->refs++;
	return g;
}

void ebn_group_unref(struct ebn_group *g)
{
	if (!g || --g->refs)
		return;
	free(g->name);
	ebpfnet_labels_unref(g->labels);
	ebpfnet_selector_unref(g->selector);
	free(g->nets);
	free(g);
}

static uint64_t group_hash(uint8_t kind, const char *name)
{
	return ebn_text_hash(name) + kind;
}

static bool find(const struct ebpfnet_policy_set *set, uint8_t kind, const char *name, uint32_t *ret)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(&set->group_names, group_hash(kind, name), cursor, i) {
		if (set->groups[i]->kind == kind && !strcmp(set->groups[i]->name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

const struct ebn_group *ebn_set_group(const struct ebpfnet_policy_set *set, uint8_t kind, const char *name)
{
	uint32_t i;

	return find(set, kind, name, &i) ? set->groups[i] : NULL;
}

bool ebn_peer_means(const struct ebn_peer *peer, const struct ebn_group *g)
{
	if (peer->kind != g->kind)
		return false;
	return peer->name ? !strcmp(peer->name, g->name) : ebpfnet_selector_match(peer->selector, g->labels);
}

void ebn_set_groups_clear(struct ebpfnet_policy_set *set)
{
	for (size_t i = 0; i < set->n_groups; i++)
		ebn_group_unref(set->groups[i]);
	free(set->groups);
	ebn_index_done(&set->group_names);
}

static bool name_ok(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len > EBN_GROUP_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!ebn_is_key_char(name[i]))
			return false;
	return true;
}

static int nets_from(const struct ebpfnet_policy_group *in, struct ebpfnet_diag *diag, struct ebn_group *g)
{
	uint32_t kept = 0;

	if (in->n_prefixes > EBN_GROUP_NETS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "group %s: more than %u prefixes", in->name, EBN_GROUP_NETS_MAX);
	if (in->n_prefixes && !in->prefixes)
		return ebn_diag(diag, NULL, EINVAL, "group %s: prefixes are missing", in->name);
	g->nets = ebn_calloc(in->n_prefixes, sizeof(*g->nets));
	if (!g->nets)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_prefixes; i++)
		if (!in->prefixes[i] || ebn_net_parse(in->prefixes[i], &g->nets[i]) < 0)
			return ebn_diag(diag, NULL, EINVAL, "group %s: \"%.64s\" is no prefix, or has bits behind it",
					in->name, in->prefixes[i] ? in->prefixes[i] : "");
	if (in->n_prefixes)
		qsort(g->nets, in->n_prefixes, sizeof(*g->nets), ebn_net_cmp);
	for (size_t i = 0; i < in->n_prefixes; i++)
		if (!kept || ebn_net_cmp(&g->nets[kept - 1], &g->nets[i]))
			g->nets[kept++] = g->nets[i];
	g->n_nets = kept;
	return 0;
}

static int group_from(const struct ebpfnet_policy_group *in, struct ebpfnet_diag *diag, struct ebn_group **ret)
{
	struct ebn_group *g = ebn_calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->refs = 1;
	g->kind = (uint8_t)in->kind;
	g->name = strdup(in->name);
	err = g->name ? ebpfnet_labels_parse(in->labels ? in->labels : "", NULL, diag, &g->labels) : -ENOMEM;
	if (!err && in->selector)
		err = ebpfnet_selector_parse(in->selector, diag, &g->selector);
	if (!err)
		err = nets_from(in, diag, g);
	if (err < 0) {
		ebn_group_unref(g);
		return err;
	}
	*ret = g;
	return 0;
}

int ebn_group_new(const struct ebpfnet_policy_group *group, struct ebn_group **ret)
{
	struct ebpfnet_policy_group in = { 0 };

	if (!EBN_OPTS_VALID(group, ebpfnet_policy_group))
		return -EINVAL;
	memcpy(&in, group, group->sz < sizeof(in) ? group->sz : sizeof(in));
	if (in.kind != EBPFNET_PEER_CIDR_GROUP && in.kind != EBPFNET_PEER_SERVICE)
		return ebn_diag(in.diag, NULL, EINVAL, "a group is of CIDRs or a service");
	if (!name_ok(in.name))
		return ebn_diag(in.diag, NULL, EINVAL, "not a group's name: \"%.64s\"", in.name ? in.name : "");
	if (in.reserved || (in.selector && in.kind != EBPFNET_PEER_SERVICE))
		return ebn_diag(in.diag, NULL, EINVAL, "group %s: only a service has endpoints behind it", in.name);
	return group_from(&in, in.diag, ret);
}

int ebn_set_reserve_groups(struct ebpfnet_policy_set *set, size_t n, struct ebpfnet_diag *diag)
{
	if (!n)
		return 0;
	if (set->n_groups + n > EBN_GROUPS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "more than %u groups in a set", EBN_GROUPS_MAX);
	if (ebn_grow(&set->groups, &set->groups_cap, set->n_groups + n, sizeof(*set->groups)) < 0)
		return -ENOMEM;
	return ebn_index_reserve(&set->group_names, (uint32_t)n);
}

void ebn_set_put_group(struct ebpfnet_policy_set *set, struct ebn_group *g)
{
	uint32_t i;

	if (find(set, g->kind, g->name, &i)) {
		ebn_group_unref(set->groups[i]);
		set->groups[i] = g;
		return;
	}
	ebn_index_add(&set->group_names, group_hash(g->kind, g->name), (uint32_t)set->n_groups);
	set->groups[set->n_groups++] = g;
}

int ebpfnet_policy_set_group(struct ebpfnet_policy_set *set, const struct ebpfnet_policy_group *group)
{
	struct ebn_group *g = NULL;
	int err;

	if (!set || !group)
		return -EINVAL;
	err = ebn_group_new(group, &g);
	if (!err)
		err = ebn_set_reserve_groups(set, 1, EBN_OPT(group, diag, NULL));
	if (err < 0) {
		ebn_group_unref(g);
		return err;
	}
	ebn_set_put_group(set, g);
	return 0;
}

int ebpfnet_policy_set_ungroup(struct ebpfnet_policy_set *set, enum ebpfnet_peer_kind kind, const char *name)
{
	struct ebn_group *last;
	uint32_t i, end;

	if (!set || !name)
		return -EINVAL;
	if (!find(set, (uint8_t)kind, name, &i))
		return -ENOENT;
	end = (uint32_t)set->n_groups - 1;
	last = set->groups[end];
	ebn_index_remove(&set->group_names, group_hash((uint8_t)kind, name), i);
	if (i != end) {
		/* the place that was just left takes it: no memory is asked for */
		ebn_index_remove(&set->group_names, group_hash(last->kind, last->name), end);
		ebn_index_add(&set->group_names, group_hash(last->kind, last->name), i);
	}
	ebn_group_unref(set->groups[i]);
	set->groups[i] = last;
	set->n_groups = end;
	return 0;
}
