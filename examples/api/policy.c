// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * policy [FILE SUBJECT PEER PORT]: what do the network policies in FILE say when PEER calls SUBJECT on this TCP port?
 * SUBJECT and PEER are labels, PEER "-" is somebody nobody knows. Without arguments it asks about a policy of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/policy.h>

#define TCP 6

static const char built_in[] =
	"apiVersion: networking.k8s.io/v1\n"
	"kind: NetworkPolicy\n"
	"metadata: {name: api, namespace: demo}\n"
	"spec:\n"
	"  podSelector: {matchLabels: {app: api}}\n"
	"  ingress:\n"
	"  - from: [{podSelector: {matchLabels: {app: client}}}]\n"
	"    ports: [{port: 80}]\n";

static int fail(const char *what, struct ebpfnet_diag *diag)
{
	char text[4096] = "\n";

	ebpfnet_diag_format(diag, text, sizeof(text));
	fprintf(stderr, "policy: %s: %s", what, text);
	return 1;
}

static int ask(const struct ebpfnet_policy_set *set, struct ebpfnet_diag *diag, const char *subject, const char *peer,
	       const char *port)
{
	static const char *const verdicts[] = { "deny", "allow", "redirect", "audit", "auth" };
	struct ebpfnet_policy_query q = { EBPFNET_OPTS_INIT(q), .direction = EBPFNET_INGRESS, .protocol = TCP };
	struct ebpfnet_labels *s = NULL, *p = NULL;
	struct ebpfnet_policy_answer a;
	int err;

	err = ebpfnet_labels_parse(subject, "k8s", diag, &s);
	if (!err && strcmp(peer, "-"))
		err = ebpfnet_labels_parse(peer, "k8s", diag, &p);
	q.subject = s;
	q.peer = p;
	q.port = (uint16_t)strtoul(port, NULL, 10);
	if (!err)
		err = ebpfnet_policy_explain(set, &q, &a);
	if (!err)
		printf("%-5s %s -> %s port %s: %s\n", verdicts[a.verdict], p ? ebpfnet_labels_format(p) : "world",
		       ebpfnet_labels_format(s), port, a.name);
	ebpfnet_labels_unref(s);
	ebpfnet_labels_unref(p);
	return err ? fail("labels", diag) : 0;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(1 << 20);

	*len = 0;
	if (f && text)
		*len = fread(text, 1, 1 << 20, f);
	if (!f) {
		free(text);
		text = NULL;
	} else {
		fclose(f);
	}
	return text;
}

int main(int argc, char **argv)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = argc > 1 ? argv[1] : "built in" };
	struct ebpfnet_policy_set *set = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	const char *text = built_in;
	size_t len = strlen(built_in);
	char *file = NULL;
	int failed = 1;

	if (argc != 1 && argc != 5) {
		fprintf(stderr, "usage: policy [FILE SUBJECT PEER PORT]\n");
		return 1;
	}
	if (argc > 1) {
		text = file = read_file(argv[1], &len);
		if (!file) {
			fprintf(stderr, "policy: %s cannot be read\n", argv[1]);
			return 1;
		}
	}
	if (ebpfnet_ctx_new(NULL, &ctx) < 0 || ebpfnet_diag_new(&diag) < 0 || ebpfnet_policy_set_new(ctx, &set) < 0)
		goto out;
	opts.diag = diag;
	if (ebpfnet_policy_set_parse(set, text, len, &opts) < 0)
		failed = fail("parse", diag);
	else if (argc > 1)
		failed = ask(set, diag, argv[2], argv[3], argv[4]);
	else
		failed = ask(set, diag, "app=api,io.kubernetes.pod.namespace=demo",
			     "app=client,io.kubernetes.pod.namespace=demo", "80") ||
			 ask(set, diag, "app=api,io.kubernetes.pod.namespace=demo",
			     "app=db,io.kubernetes.pod.namespace=demo", "80") ||
			 ask(set, diag, "app=api,io.kubernetes.pod.namespace=demo", "-", "80");
out:
	ebpfnet_policy_set_free(set);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
	free(file);
	return failed;
}
