// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Truth tables of the policy languages, written by hand from their specifications: truth/NAME.txt. The reference evaluator and
 * the library must both say what is written.
 */
#include "../unit/suite.h"

#include <string.h>

#include "../lib/world.h"

static const struct {
	const char *name;
	int number;
} protocols[] = { { "TCP", 6 }, { "UDP", 17 }, { "SCTP", 132 }, { "ICMP", 1 }, { "ICMPv6", 58 } };

static char *read_file(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/model/truth/%s", top ? top : ".", name);
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 0);
	fclose(f);
	return text;
}

static bool is_called(const json_t *o, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s%s", ref_text(o, "namespace"), *ref_text(o, "namespace") ? "/" : "",
		 ref_text(o, "name"));
	return !strcmp(full, name);
}

static void find_end(const json_t *inventory, char *name, bool six, struct ref_end *ret)
{
	static const char *const lists[] = { "pods", "external" };
	const json_t *o;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (!strncmp(name, "reserved:", 9)) {
		ret->kind = REF_RESERVED;
		ret->name = name + 9;
		return;
	}
	for (int l = 0; l < 2; l++) {
		json_array_foreach(json_object_get(inventory, lists[l]), i, o) {
			if (!is_called(o, name))
				continue;
			*ret = (struct ref_end){
				l ? REF_EXTERNAL : REF_POD, o, NULL,
				json_string_value(json_array_get(json_object_get(o, "ips"), six)),
			};
			return;
		}
	}
	ck_abort_msg("nobody is called %s", name);
}

/* "in SUBJECT PEER[@6] PORT/PROTOCOL VERDICT" */
static void check_line(const char *line, const json_t *inventory, const json_t *documents,
		       const struct ebpfnet_policy_set *set, const char *title)
{
	static const char *const verdicts[] = { "deny", "allow", "proxy" };
	char dir[8], subject[64], peer[64], proto[16], wanted[16], *six;
	struct ref_question q = { .inventory = inventory, .documents = documents };
	struct ebpfnet_policy_answer answer;
	struct ref_answer ref;
	int port, said;

	ck_assert_msg(sscanf(line, "%7s %63s %63s %d/%15s %15s", dir, subject, peer, &port, proto, wanted) == 6, "%s: %s",
		      title, line);
	six = strstr(peer, "@6");
	if (six)
		*six = '\0';
	q.ingress = !strcmp(dir, "in");
	ck_assert(q.ingress || !strcmp(dir, "out"));
	q.port = port;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (!strcmp(protocols[i].name, proto))
			q.protocol = protocols[i].number;
	ck_assert_int_gt(q.protocol, 0);
	find_end(inventory, subject, six != NULL, &q.subject);
	find_end(inventory, peer, six != NULL, &q.peer);
	ref_ask(&q, &ref);
	ck_assert_msg(!strcmp(verdicts[ref.verdict], wanted), "%s: %s: the reference says %s", title, line,
		      verdicts[ref.verdict]);
	said = world_explain(set, &q, &answer);
	ck_assert_msg(said >= 0 && !strcmp(verdicts[said], wanted), "%s: %s: the library says %d by %s", title, line, said,
		      answer.name);
}

/* A title, documents up to "--" (or none), lines. Returns how many. */
static unsigned int check_case(char *text, const json_t *inventory, struct ebpfnet_ctx *ctx)
{
	char *title = strsep(&text, "\n"), *rest = text, *sep = strstr(text, "\n--\n"), *line;
	struct ebpfnet_policy_set *set;
	json_t *documents = json_array();
	unsigned int n = 0;

	if (sep) {
		*sep = '\0';
		json_decref(documents);
		documents = ref_load(text, strlen(text));
		ck_assert_msg(documents != NULL, "%s", title);
		rest = sep + 4;
	}
	set = world_set(ctx, inventory, documents, false);
	ck_assert_msg(set != NULL, "%s", title);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		check_line(line, inventory, documents, set, title);
		n++;
	}
	ebpfnet_policy_set_free(set);
	json_decref(documents);
	return n;
}

static void check_table(const char *name, unsigned int least)
{
	char *all = read_file(name), *text = read_file("inventory.yaml"), *p, *next;
	json_t *inventory = ref_load(text, strlen(text));
	struct ebpfnet_ctx *ctx;
	unsigned int n = 0;

	ck_assert_ptr_nonnull(inventory);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	for (p = strstr(all, "\n== "); p; p = next) {
		next = strstr(p + 1, "\n== ");
		if (next)
			*next = '\0';
		n += check_case(p + 4, json_array_get(inventory, 0), ctx);
	}
	ck_assert_uint_ge(n, least);
	json_decref(inventory);
	ebpfnet_ctx_unref(ctx);
	free(text);
	free(all);
}

START_TEST(network_policies)
{
	check_table("k8s.txt", 80);
}
END_TEST

START_TEST(administrators)
{
	check_table("admin.txt", 50);
}
END_TEST

START_TEST(cilium)
{
	check_table("cilium.txt", 100);
}
END_TEST

RUN_SUITE("truth tables", network_policies, administrators, cilium)
