// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What a running agent keeps in memory, the tables that it shares with the programs apart. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "lab.h"
#include "setup.h"

#define DEVICE "ebna"
#define ENDPOINTS 200u
#define IDENTITIES 5000u
#define POLICIES 300u

/* Endpoints of twenty applications, and addresses each with labels of its own. */
static int write_world(struct bench *b, const struct lab *l)
{
	FILE *f = fopen(l->conf, "we");
	unsigned int i;

	if (!f)
		return bench_fail(b, -errno, "%s: %s", l->conf, strerror(errno));
	fprintf(f, "version: 1\nnode: {datapath: bench-%d, flows4: 65536, flows6: 65536}\nendpoints:\n", (int)getpid());
	for (i = 0; i < ENDPOINTS; i++)
		fprintf(f, "- {name: ep%u, device: " DEVICE "%u, addresses: [10.50.0.%u], gateways: [10.50.1.1], namespace: bench,"
			" labels: {app: a%u}}\n", i, i, i + 1, i % 20);
	fprintf(f, "addresses:\n");
	for (i = 0; i < IDENTITIES; i++)
		fprintf(f, "- {address: 10.60.%u.%u, labels: {app: a%u, pod: p%u, io.kubernetes.pod.namespace: bench}}\n", i >> 8, i & 255,
			i % 20, i);
	fprintf(f, "policies:\n");
	for (i = 0; i < POLICIES; i++)
		fprintf(f, "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p%u, namespace: bench}, spec:"
			" {podSelector: {matchLabels: {app: a%u}}, policyTypes: [Ingress], ingress: [{from: [{podSelector:"
			" {matchLabels: {app: a%u}}}], ports: [{protocol: TCP, port: %u}]}]}}\n", i, i % 20, (i / 20) % 20, 1000 + i);
	return fclose(f) ? bench_fail(b, -EIO, "%s: %s", l->conf, strerror(errno)) : 0;
}

/* What is resident of all but the mapped BPF maps, in MiB. */
static int resident(struct bench *b, pid_t pid, double *ret)
{
	unsigned long kib, sum = 0;
	char path[64], line[512];
	bool tables = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return bench_fail(b, -errno, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		/* the head of a mapping begins with its addresses */
		if (strspn(line, "0123456789abcdef") > 4)
			tables = strstr(line, "bpf-map") != NULL;
		else if (!tables && sscanf(line, "Rss: %lu kB", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	*ret = (double)sum / 1024;
	return 0;
}

/* All of the world enforced: the last endpoint is there when the control socket answers. */
static int memory(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct lab l;
	double mib = 0;
	int err;

	(void)row;
	err = lab_open(b, &l);
	if (err)
		return err;
	err = setup_devices(b, DEVICE, ENDPOINTS);
	if (!err)
		err = write_world(b, &l);
	if (!err)
		err = lab_agent(b, &l);
	if (!err)
		err = resident(b, l.agent, &mib);
	if (!err) {
		bench_add(&s, mib);
		bench_value(res, &s, 0, 1);
	}
	lab_close(b, &l);
	return err;
}

const struct bench_row bench_agent_rows[] = {
	{ "agent-memory/200ep-5000id", "MiB", 40, memory, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
