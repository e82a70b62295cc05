// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Smaller worlds that show the same. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shrink {
	struct world *w;
	bool (*differs)(const struct world *w, void *userdata);
	void *userdata;
	bool smaller;
};

/* Members of lists go one by one, here and below. */
static void lists(struct shrink *s, json_t *node)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_object(node)) {
		json_object_foreach(node, key, v)
			lists(s, v);
		return;
	}
	if (!json_is_array(node))
		return;
	for (i = json_array_size(node); i-- > 0;) {
		v = json_incref(json_array_get(node, i));
		json_array_remove(node, i);
		if (s->differs(s->w, s->userdata))
			s->smaller = true;
		else
			json_array_insert(node, i, v);
		json_decref(v);
	}
	json_array_foreach(node, i, v)
		lists(s, v);
}

void world_shrink(struct world *w, bool (*differs)(const struct world *w, void *userdata), void *userdata)
{
	struct shrink s = { w, differs, userdata, true };

	for (int round = 0; s.smaller && round < 8; round++) {
		s.smaller = false;
		lists(&s, w->documents);
	}
}

static const char *end_name(const struct ref_end *end, char buf[128])
{
	if (end->kind == REF_RESERVED)
		return end->name;
	snprintf(buf, 128, "%s/%s %s", ref_text(end->object, "namespace"), ref_text(end->object, "name"), end->ip);
	return buf;
}

void world_print(const struct world *w, const struct ref_question *q)
{
	char *inventory = json_dumps(w->inventory, JSON_COMPACT), *documents = json_dumps(w->documents, JSON_INDENT(1));
	char subject[128], peer[128];

	fprintf(stderr, "%s\n%s\n%s of %s, peer %s, protocol %d port %d\n", inventory, documents,
		q->ingress ? "ingress" : "egress", end_name(&q->subject, subject), end_name(&q->peer, peer), q->protocol,
		q->port);
	free(inventory);
	free(documents);
}
