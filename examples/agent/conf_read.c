// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int conf_worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	return a < 0 ? a : b;
}

static bool is_nothing(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && node->plain &&
	       (!*node->value || !strcmp(node->value, "~") || !strcmp(node->value, "null"));
}

static int read_member(struct conf_reader *r, const struct tree_node *node,
		       const struct conf_key *keys, void *object)
{
	for (; keys->key; keys++) {
		if (strcmp(keys->key, node->key))
			continue;
		if (keys->read)
			return keys->read(r, node, object);
		return tree_error(r->tree, node, r->report,
				  "\"%s\" is not supported by this version", node->key);
	}
	return tree_error(r->tree, node, r->report, "unknown key \"%s\"", node->key);
}

int conf_read_map(struct conf_reader *r, const struct tree_node *map, const struct conf_key *keys,
		  void *object)
{
	int err = 0;

	if (map->kind != TREE_MAP)
		return tree_error(r->tree, map, r->report, "keys and values are expected here");
	for (const struct tree_node *n = map->first; n && err != -ENOMEM; n = n->next)
		err = conf_worse(err, read_member(r, n, keys, object));
	for (; keys->key; keys++)
		if (keys->required && !tree_get(map, keys->key))
			err = conf_worse(err, tree_error(r->tree, map, r->report,
							 "\"%s\" is missing", keys->key));
	return err;
}

int conf_read_list(struct conf_reader *r, const struct tree_node *list, conf_read_fn read,
		   void *object)
{
	int err = 0;

	if (is_nothing(list))
		return 0;
	if (list->kind != TREE_LIST)
		return tree_error(r->tree, list, r->report, "a list is expected here");
	for (const struct tree_node *n = list->first; n && err != -ENOMEM; n = n->next)
		err = conf_worse(err, read(r, n, object));
	return err;
}

int conf_read_text(struct conf_reader *r, const struct tree_node *node, char **ret)
{
	char *copy;

	if (node->kind != TREE_SCALAR)
		return tree_error(r->tree, node, r->report, "a text is expected here");
	if (is_nothing(node) || !*node->value)
		return tree_error(r->tree, node, r->report, "empty");
	copy = strdup(node->value);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int read_amount(struct conf_reader *r, const struct tree_node *node, const struct unit *units, uint64_t max,
		       uint64_t *ret)
{
	const char *text = node->kind == TREE_SCALAR ? node->value : "";
	uint64_t value = 0;
	char *end;

	errno = 0;
	if (*text >= '0' && *text <= '9')
		value = strtoull(text, &end, 10);
	else
		return tree_error(r->tree, node, r->report, "a number is expected here");
	while (*end == ' ')
		end++;
	while (units->name && strcmp(end, units->name) != 0)
		units++;
	if (!units->name)
		return tree_error(r->tree, node, r->report, "\"%s\" is not a number", text);
	if (errno || value > max / units->factor)
		return tree_error(r->tree, node, r->report, "%s is more than %llu", text,
				  (unsigned long long)max);
	*ret = value * units->factor;
	return 0;
}

int conf_read_number(struct conf_reader *r, const struct tree_node *node, uint64_t max, uint64_t *ret)
{
	static const struct unit units[] = { { "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, {} };

	return read_amount(r, node, units, max, ret);
}

int conf_read_bits(struct conf_reader *r, const struct tree_node *node, uint64_t max, uint64_t *ret)
{
	static const struct unit units[] = { { "", 1 }, { "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, {} };

	return read_amount(r, node, units, max, ret);
}

/* Labels as a map: made one text, so that there is one parser of labels. */
static int labels_text(struct conf_reader *r, const struct tree_node *map, char **ret)
{
	size_t len = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);
	int err = 0;

	if (!f)
		return -ENOMEM;
	for (const struct tree_node *n = map->first; n; n = n->next) {
		if (n->kind != TREE_SCALAR || strpbrk(n->value, ",;") || strpbrk(n->key, ",;=")) {
			err = tree_error(r->tree, n, r->report, "not a label");
			continue;
		}
		fprintf(f, "%s%s", n == map->first ? "" : ",", n->key);
		if (!is_nothing(n))
			fprintf(f, "=%s", n->value);
	}
	if (fclose(f) && !err)
		err = -ENOMEM;
	if (err < 0) {
		free(text);
		return err;
	}
	*ret = text;
	return 0;
}

int conf_read_labels(struct conf_reader *r, const struct tree_node *node,
		     struct ebpfnet_labels **ret)
{
	struct ebpfnet_labels *labels;
	char where[TREE_WHERE_LEN];
	char *text = NULL;
	int err;

	if (node->kind == TREE_LIST)
		return tree_error(r->tree, node, r->report, "labels are \"key: value\" or a text");
	if (node->kind == TREE_MAP) {
		err = labels_text(r, node, &text);
		if (err < 0)
			return err;
	}
	ebpfnet_diag_clear(r->diag);
	err = ebpfnet_labels_parse(text ? text : is_nothing(node) ? "" : node->value, NULL, r->diag,
				   &labels);
	free(text);
	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		report_diag(r->report, r->diag, r->tree->path, node->line, false,
			    tree_where(node, where, sizeof(where)),
			    err == -E2BIG ? "too many or too long labels" : "not labels");
		return -EINVAL;
	}
	ebpfnet_labels_unref(*ret);
	*ret = labels;
	return 0;
}

int conf_keep(json_t *object, const char *key, json_t *value)
{
	return value && !json_object_set_new(object, key, value) ? 0 : -ENOMEM;
}

int conf_keep_text(struct conf_reader *r, const struct tree_node *node, json_t *object)
{
	char *text = NULL;
	int err = conf_read_text(r, node, &text);

	if (err < 0)
		return err;
	err = conf_keep(object, node->key, json_string(text));
	free(text);
	return err;
}

int conf_keep_number(struct conf_reader *r, const struct tree_node *node, uint64_t max, json_t *object)
{
	uint64_t v;
	int err = conf_read_number(r, node, max, &v);

	return err < 0 ? err : conf_keep(object, node->key, json_integer((json_int_t)v));
}

int conf_keep_flag(struct conf_reader *r, const struct tree_node *node, json_t *object)
{
	if (node->kind != TREE_SCALAR || (strcmp(node->value, "true") != 0 && strcmp(node->value, "false") != 0))
		return tree_error(r->tree, node, r->report, "true or false is expected here");
	return conf_keep(object, node->key, json_boolean(*node->value == 't'));
}

static int read_prefix(struct conf_reader *r, const struct tree_node *node, void *list)
{
	if (node->kind != TREE_SCALAR)
		return tree_error(r->tree, node, r->report, "an address or a prefix is expected here");
	return json_array_append_new(list, json_string(node->value)) ? -ENOMEM : 0;
}

int conf_keep_prefixes(struct conf_reader *r, const struct tree_node *node, json_t *object)
{
	json_t *list = json_array();
	int err = conf_keep(object, node->key, list);

	return err < 0 ? err : conf_read_list(r, node, read_prefix, list);
}

int conf_note(struct conf_reader *r, char kind, const char *key, const struct tree_node *node)
{
	struct conf_seen *s;

	if (!(r->n_seen & (r->n_seen - 1))) {
		s = realloc(r->seen, (r->n_seen ? r->n_seen * 2 : 1) * sizeof(*s));
		if (!s)
			return -ENOMEM;
		r->seen = s;
	}
	s = &r->seen[r->n_seen++];
	snprintf(s->key, sizeof(s->key), "%c%s", kind, key);
	s->node = node;
	return 0;
}
