// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Egress gateways: rules from people and told to them, whose packets they are about, and where the gateways are. */
#include "datapath/egress.h"
#include "datapath/host.h"
#include "datapath/nat.h"
#include "datapath/overlay.h"

#include <arpa/inet.h>

/* ---- what a rule is made of ---- */

static bool name_ok(const char *name)
{
	size_t n = name ? strnlen(name, EBPFNET_EGRESS_NAME_MAX + 1) : 0, i;

	for (i = 0; i < n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-", name[i]))
			return false;
	return n && n <= EBPFNET_EGRESS_NAME_MAX;
}

/* The number between nodes, of every version and byte order: FNV-1a (RFC 9923) of the name, folded to 23 bits. */
static uint32_t number_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h ^ h >> 23) & EBN_EGRESS_ID_MAX;
	return h ? h : 1;
}

struct build {
	struct ebpfnet_datapath *dp;
	struct ebpfnet_diag *diag;
	struct ebn_egress_rule rule[EBN_EGRESS_RULES];
	uint32_t n;
	struct ebn_egress_prefix *px;
	size_t n_px, cap_px;
	char *text;
	size_t text_len, cap_text;
	const struct ebpfnet_selector *sel[EBN_EGRESS_RULES];
};

static int add_text(struct build *b, const char *text)
{
	size_t len = strlen(text) + 1;

	if (ebn_grow(&b->text, &b->cap_text, b->text_len + len, 1))
		return -ENOMEM;
	memcpy(b->text + b->text_len, text, len);
	b->text_len += len;
	return 0;
}

static int add_prefix(struct build *b, const char *path, const struct ebpfnet_prefix *p, uint32_t flags)
{
	struct ebn_egress_prefix *px;
	int bits = ebn_prefix_bits(p), i, left;

	if (bits < 0)
		return ebn_diag(b->diag, path, EINVAL, "not a prefix");
	if (b->n_px == EBN_EGRESS_PREFIXES)
		return ebn_diag(b->diag, path, ENOSPC, "more than %u prefixes", EBN_EGRESS_PREFIXES);
	if (ebn_grow(&b->px, &b->cap_px, b->n_px + 1, sizeof(*b->px)))
		return -ENOMEM;
	px = &b->px[b->n_px++];
	memset(px, 0, sizeof(*px));
	for (i = 0; i < 4; i++) {
		left = bits - 32 * i;
		px->mask[i] = htonl(left >= 32 ? UINT32_MAX : left > 0 ? UINT32_MAX << (32 - left) : 0);
		memcpy(&px->addr[i], p->addr.b + 4 * i, 4);
	}
	px->rule = b->n;
	px->flags = flags;
	/* "::/0" and the like are about IPv6 */
	if (ebpfnet_addr_family(&p->addr) != 4)
		px->flags |= EBN_EX_F_IP6;
	return 0;
}

/* This node is the gateway. */
static int read_here(struct build *b, const char *path, const struct ebpfnet_egress_rule *in,
		     struct ebn_egress_rule *rule)
{
	const struct ebpfnet_addr *addr[2] = { &in->addr4, &in->addr6 };
	int i, r;

	rule->flags = EBN_EG_F_HERE;
	for (i = 0; i < 2; i++) {
		if (!ebpfnet_addr_family(addr[i]))
			continue;
		if (ebpfnet_addr_family(addr[i]) != (i ? 6 : 4))
			return ebn_diag(b->diag, path, EINVAL, "not an address of IPv%d", i ? 6 : 4);
		memcpy(rule->addr[i], addr[i]->b, sizeof(rule->addr[i]));
		r = ebn_nat_address_ok(b->dp, rule->addr[i], i, b->diag);
		if (r < 0)
			return r;
	}
	if (!ebpfnet_addr_family(addr[0]) && !ebpfnet_addr_family(addr[1]))
		return ebn_diag(b->diag, path, EINVAL, "this node is the gateway, and has no address to leave with");
	return ebn_nat_ports(in->port_min, in->port_max, in->port_min || in->port_max, &rule->port_min, &rule->port_max,
			     b->diag);
}

/* Does the rule say what a gateway alone says? */
static bool gateways(const struct ebpfnet_egress_rule *in)
{
	return ebpfnet_addr_family(&in->addr4) || ebpfnet_addr_family(&in->addr6) || in->port_min || in->port_max;
}

static int read_rule(struct build *b, const struct ebpfnet_egress_rule *in)
{
	struct ebn_egress_rule *rule = &b->rule[b->n];
	const char *text = "";
	char path[32];
	uint32_t i;
	size_t k;
	int r = 0;

	ebn_format(path, sizeof(path), "rules[%u]", b->n);
	if (!name_ok(in->name))
		return ebn_diag(b->diag, path, EINVAL, "the name is not 1 to %u bytes of [A-Za-z0-9._/-]", EBPFNET_EGRESS_NAME_MAX);
	if (!in->n_to || !in->to || (in->n_except && !in->except))
		return ebn_diag(b->diag, path, EINVAL, "%s has no destinations", in->name);
	if (in->reserved)
		return ebn_diag(b->diag, path, EINVAL, "unknown bits");
	rule->id = number_of(in->name);
	for (i = 0; i < b->n; i++)
		if (b->rule[i].id == rule->id)
			return ebn_diag(b->diag, path, EEXIST, "%s is there, or a name of the same number is: take another one",
					in->name);
	rule->first = (uint32_t)b->n_px;
	for (k = 0; !r && k < in->n_except; k++)
		r = add_prefix(b, path, &in->except[k], EBN_EX_F_EXCEPT);
	for (k = 0; !r && k < in->n_to; k++)
		r = add_prefix(b, path, &in->to[k], 0);
	rule->n = (uint32_t)b->n_px - rule->first;
	if (!r && !in->node)
		r = read_here(b, path, in, rule);
	else if (!r && gateways(in))
		r = ebn_diag(b->diag, path, EINVAL, "addresses and ports are the gateway's to say, and %s is another node's",
			     in->name);
	if (!r && in->node && (!*in->node || strlen(in->node) > EBPFNET_NODE_NAME_MAX))
		r = ebn_diag(b->diag, path, EINVAL, "not a node's name");
	b->sel[b->n] = in->endpoints;
	if (in->endpoints) {
		/* the one of everybody is "", too */
		text = ebpfnet_selector_format(in->endpoints);
		text = *text ? text : "*";
	}
	if (!r)
		r = add_text(b, in->name);
	if (!r)
		r = add_text(b, text);
	if (!r)
		r = add_text(b, in->node ? in->node : "");
	b->n++;
	return r;
}

/* Rules are an array of what the caller was compiled with. */
static int read_rules(struct build *b, const struct ebpfnet_egress_opts *opts)
{
	const struct ebpfnet_egress_rule *in = EBN_OPT(opts, rules, NULL);
	size_t n = EBN_OPT(opts, n_rules, 0), i, sz;
	struct ebpfnet_egress_rule rule;
	int r = 0;

	if (!n)
		return 0;
	if (!in || !EBN_OPTS_VALID(in, ebpfnet_egress_rule) || in->sz < offsetof(struct ebpfnet_egress_rule, reserved))
		return ebn_diag(b->diag, "rules", EINVAL, "no rules, or not of a size that is known");
	if (n > EBN_EGRESS_RULES)
		return ebn_diag(b->diag, "rules", ENOSPC, "more than %u rules", EBN_EGRESS_RULES);
	sz = in->sz;
	for (i = 0; !r && i < n; i++) {
		memset(&rule, 0, sizeof(rule));
		memcpy(&rule, (const char *)in + i * sz, sz < sizeof(rule) ? sz : sizeof(rule));
		r = read_rule(b, &rule);
	}
	return r;
}

/* Where the gateway is, as the overlay has it. */
static void place(struct ebn_egress_rule *rule, const char *node, const struct ebn_ov *ov)
{
	uint32_t i;

	if (rule->flags & EBN_EG_F_HERE)
		return;
	rule->flags = EBN_EG_F_LOST;
	memset(rule->addr, 0, sizeof(rule->addr));
	for (i = 0; i < ov->n; i++) {
		if (strcmp(ov->node[i].name, node))
			continue;
		memcpy(rule->addr, ov->node[i].addr, sizeof(rule->addr));
		if (ov->ifindex && !(ov->node[i].flags & EBN_ON_F_NATIVE))
			rule->flags = ov->node[i].flags & EBN_ON_F_SEND6 ? EBN_EG_F_SEND6 : 0;
	}
}

static int place_all(struct ebpfnet_datapath *dp, struct ebn_egress_rule *rule, uint32_t n, const char *text)
{
	struct ebn_ov ov;
	uint32_t i;
	int r = ebn_ov_read(dp, &ov);

	for (i = 0; !r && i < n; i++) {
		text = ebn_eg_next(ebn_eg_next(text));
		place(&rule[i], text, &ov);
		text = ebn_eg_next(text);
	}
	ebn_ov_free(&ov);
	return r;
}

/* The host sends in its own name, and who has no labels is nobody yet. */
static bool selects(const struct ebpfnet_selector *sel, const struct ebpfnet_labels *labels)
{
	return ebpfnet_labels_count(labels) && !ebn_host_labels(labels) && ebpfnet_selector_match(sel, labels) > 0;
}

/* The piece, laid out as the tables have it. */
static int lay_out(const struct build *b, struct ebn_eg *ret)
{
	uint32_t masks = b->dp->p->n_endpoints, i, k;
	struct ebn_egress_head head = { .rules = b->n, .prefixes = (uint32_t)b->n_px, .masks = masks };
	uint64_t len = sizeof(head);

	if (!b->n)
		return 0;
	head.rules_off = (uint32_t)len;
	len += b->n * sizeof(*b->rule);
	head.prefixes_off = (uint32_t)len;
	len += b->n_px * sizeof(*b->px);
	head.masks_off = (uint32_t)len;
	len += masks * sizeof(uint64_t);
	head.text_off = (uint32_t)len;
	head.text_len = (uint32_t)b->text_len;
	len += b->text_len;
	ret->mem = calloc(1, len);
	if (!ret->mem)
		return -ENOMEM;
	ret->len = (uint32_t)len;
	ret->n = b->n;
	memcpy(ret->mem, &head, sizeof(head));
	memcpy(ebn_eg_rules(ret), b->rule, b->n * sizeof(*b->rule));
	memcpy(ebn_eg_prefixes(ret), b->px, b->n_px * sizeof(*b->px));
	memcpy(ret->mem + head.text_off, b->text, b->text_len);
	for (i = 0; i < masks; i++)
		for (k = 0; b->dp->p->eps[i] && k < b->n; k++)
			if (b->sel[k] && selects(b->sel[k], b->dp->p->eps[i]->labels))
				ebn_eg_masks(ret)[i] |= UINT64_C(1) << k;
	return 0;
}

int ebpfnet_egress_set(struct ebpfnet_datapath *dp, const struct ebpfnet_egress_opts *opts)
{
	struct build b = { .dp = dp };
	struct ebn_eg was = { 0 }, now = { 0 };
	uint32_t i;
	int r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_egress_opts))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	b.diag = EBN_OPT(opts, diag, NULL);
	r = read_rules(&b, opts);
	if (!r && b.n)
		r = place_all(dp, b.rule, b.n, b.text);
	if (!r)
		r = lay_out(&b, &now);
	if (!r)
		r = ebn_eg_read(dp, &was);
	for (i = 0; !r && was.mem && i < dp->p->n_endpoints; i++)
		if (!dp->p->eps[i])
			ebn_eg_masks(&was)[i] = 0;
	/* said again, as after a restart: no new generation of the tables */
	if (!r && (now.len != was.len || (now.len && memcmp(now.mem, was.mem, now.len))))
		r = ebn_eg_publish(dp, &now, b.diag);
	ebn_eg_free(&was);
	ebn_eg_free(&now);
	free(b.px);
	free(b.text);
	return r;
}

/* ---- changes elsewhere ---- */

/* The rules of these labels; selectors as the tables have them. */
static int mask_of(const struct ebn_eg *eg, const struct ebpfnet_labels *labels, uint64_t *ret)
{
	const char *text = ebn_eg_text(eg);
	struct ebpfnet_selector *sel;
	uint32_t i;
	int r;

	*ret = 0;
	for (i = 0; i < eg->n; i++) {
		text = ebn_eg_next(text);
		if (*text) {
			r = ebpfnet_selector_parse(strcmp(text, "*") ? text : "", NULL, &sel);
			if (r < 0)
				return r;
			if (selects(sel, labels))
				*ret |= UINT64_C(1) << i;
			ebpfnet_selector_unref(sel);
		}
		text = ebn_eg_next(ebn_eg_next(text));
	}
	return 0;
}

int ebn_eg_row(struct ebpfnet_datapath *dp, uint32_t row, const struct ebpfnet_labels *labels)
{
	uint32_t off = ebn_node_slot(dp->node, EBN_P_EGRESS).off;
	uint64_t mask = 0, *at;
	struct ebn_eg eg;
	int r = off ? ebn_eg_read(dp, &eg) : 0;

	if (!off || r < 0)
		return r;
	r = labels ? mask_of(&eg, labels, &mask) : 0;
	if (!r && row < ebn_eg_head(&eg)->masks) {
		at = ebn_node_ptr(dp->node, off + ebn_eg_head(&eg)->masks_off + row * (uint32_t)sizeof(mask),
				  sizeof(mask));
		EBN_WRITE(*at, mask);
	}
	ebn_eg_free(&eg);
	return r;
}

int ebn_eg_renew(struct ebpfnet_datapath *dp)
{
	struct ebn_egress_rule before[EBN_EGRESS_RULES];
	struct ebn_eg eg;
	int r = ebn_eg_read(dp, &eg);

	if (!r && eg.mem) {
		memcpy(before, ebn_eg_rules(&eg), eg.n * sizeof(*before));
		r = place_all(dp, ebn_eg_rules(&eg), eg.n, ebn_eg_text(&eg));
		if (!r && memcmp(before, ebn_eg_rules(&eg), eg.n * sizeof(*before)))
			r = ebn_eg_publish(dp, &eg, NULL);
	}
	ebn_eg_free(&eg);
	return r;
}

/* ---- telling ---- */

static void tell_prefix(const struct ebn_egress_prefix *px, struct ebpfnet_prefix *ret)
{
	int i;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->addr.b, px->addr, sizeof(ret->addr.b));
	for (i = 0; i < 4; i++)
		ret->len = (uint8_t)(ret->len + __builtin_popcount(px->mask[i]));
	if (!(px->flags & EBN_EX_F_IP6))
		ret->len = (uint8_t)(ret->len - 96);
}

/* How many endpoints each rule is about: the mask of a row that is none is of one that was. */
struct census {
	const struct ebn_eg *eg;
	uint32_t n[EBN_EGRESS_RULES];
};

static int count_row(uint32_t n, const struct ebn_ep_row *row, void *arg)
{
	struct census *c = arg;
	uint32_t i;

	(void)row;
	for (i = 0; n < ebn_eg_head(c->eg)->masks && i < c->eg->n; i++)
		c->n[i] += ebn_eg_masks(c->eg)[n] >> i & 1;
	return 0;
}

static void tell_rule(const struct ebn_eg *eg, uint32_t at, const char **text, struct ebpfnet_prefix *px,
		      struct ebpfnet_egress_info *ret)
{
	const struct ebn_egress_rule *rule = &ebn_eg_rules(eg)[at];
	const struct ebn_egress_prefix *from = &ebn_eg_prefixes(eg)[rule->first];
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	ret->name = *text;
	*text = ebn_eg_next(*text);
	if (**text)
		ret->endpoints = strcmp(*text, "*") ? *text : "";
	*text = ebn_eg_next(*text);
	ret->node = **text ? *text : NULL;
	*text = ebn_eg_next(*text);
	ret->number = rule->id;
	ret->flags = (rule->flags & EBN_EG_F_HERE ? EBPFNET_EGRESS_HERE : 0) |
		     (rule->flags & EBN_EG_F_LOST ? EBPFNET_EGRESS_LOST : 0);
	ret->port_min = rule->port_min;
	ret->port_max = rule->port_max;
	memcpy(ret->addr4.b, rule->addr[0], sizeof(ret->addr4.b));
	memcpy(ret->addr6.b, rule->addr[1], sizeof(ret->addr6.b));
	for (i = 0; i < rule->n; i++) {
		tell_prefix(&from[i], &px[i]);
		ret->n_except += from[i].flags & EBN_EX_F_EXCEPT ? 1 : 0;
	}
	ret->n_to = rule->n - ret->n_except;
	ret->except = px;
	ret->to = px + ret->n_except;
}

int ebpfnet_egress_foreach(struct ebpfnet_datapath *dp, ebpfnet_egress_fn fn, void *userdata)
{
	_free_ struct ebpfnet_prefix *px = NULL;
	struct ebpfnet_egress_info info;
	struct ebn_eg eg = { 0 };
	struct census census = { .eg = &eg };
	const char *text;
	uint32_t i;
	int r = fn ? ebn_dp_tables(dp) : -EINVAL;

	if (!r)
		r = ebn_eg_read(dp, &eg);
	if (!r && eg.mem) {
		px = calloc(EBN_EGRESS_PREFIXES, sizeof(*px));
		r = px ? ebn_rows_read_endpoints(dp->node_mem, dp->node_size, count_row, &census) : -ENOMEM;
	}
	text = !r && eg.mem ? ebn_eg_text(&eg) : NULL;
	for (i = 0; !r && i < eg.n; i++) {
		tell_rule(&eg, i, &text, px, &info);
		info.n_endpoints = census.n[i];
		r = fn(&info, userdata);
	}
	ebn_eg_free(&eg);
	return r;
}
