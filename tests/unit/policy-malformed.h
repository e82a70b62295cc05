/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Documents that are not network policies, each with the one error it must give: line (0: none), errno, words. */
#ifndef POLICY_MALFORMED_H
#define POLICY_MALFORMED_H

#include <errno.h>

#define HEAD "apiVersion: networking.k8s.io/v1\n" "kind: NetworkPolicy\n"
#define META HEAD "metadata:\n" "  name: a\n"
#define SPEC META "spec:\n" "  podSelector: {}\n"

static const struct {
	const char *text;
	unsigned int line;
	int err;
	const char *words;
} malformed[] = {
	{ "x",
	  1, EINVAL, "a map is wanted" },
	{ "[]",
	  1, EINVAL, "a map is wanted" },
	{ "- a\n"
	  "- b\n",
	  1, EINVAL, "a map is wanted" },
	{ "42\n",
	  1, EINVAL, "a map is wanted" },
	{ "\"text\"",
	  1, EINVAL, "a map is wanted" },
	{ "{",
	  2, EINVAL, "" },
	{ "a: b: c\n",
	  1, EINVAL, "" },
	{ "a:\n"
	  "\t- b\n",
	  2, EINVAL, "" },
	{ "{]",
	  1, EINVAL, "" },
	{ "a: 'b\n",
	  2, EINVAL, "" },
	{ "a: \"\\q\"\n",
	  1, EINVAL, "" },
	{ "a: &x b\n",
	  1, EINVAL, "anchors" },
	{ "a: *x\n",
	  1, EINVAL, "anchors" },
	{ "a: !!str b\n",
	  1, EINVAL, "anchors" },
	{ "a: &x [b]\n",
	  1, EINVAL, "anchors" },
	{ "a: !x {}\n",
	  1, EINVAL, "anchors" },
	{ "&k a: b\n",
	  1, EINVAL, "anchors" },
	{ "\? [a]\n"
	  ": b\n",
	  1, EINVAL, "plain word" },
	{ "\? {a: b}\n"
	  ": c\n",
	  1, EINVAL, "plain word" },
	{ "a: 1\n"
	  "a: 2\n",
	  2, EINVAL, "given twice" },
	{ SPEC "spec: {}\n",
	  7, EINVAL, "given twice" },
	{ "a: \"\\0\"\n",
	  1, EINVAL, "NUL" },
	{ "\"\\0\": a\n",
	  1, EINVAL, "NUL" },
	{ "a: \001\n",
	  1, EINVAL, "not a text" },
	{ HEAD "metadata: \377\n",
	  3, EINVAL, "not a text" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  1, E2BIG, "too deeply" },
	{ "{}",
	  1, EINVAL, "apiVersion is missing" },
	{ "kind: NetworkPolicy\n",
	  1, EINVAL, "apiVersion is missing" },
	{ "apiVersion: v1\n",
	  1, EINVAL, "kind is missing" },
	{ "apiVersion: extensions/v1beta1\n"
	  "kind: NetworkPolicy\n",
	  1, EINVAL, "\"extensions/v1beta1\" is no API of policies" },
	{ "apiVersion: []\n",
	  1, EINVAL, "apiVersion: a value is wanted" },
	{ "apiVersion: networking.k8s.io/v1\n",
	  1, EINVAL, "kind is missing" },
	{ "apiVersion: networking.k8s.io/v1\n"
	  "kind: Pod\n",
	  2, EINVAL, "\"Pod\" is no kind of policy of" },
	{ "apiVersion: networking.k8s.io/v1\n"
	  "kind: List\n",
	  2, EINVAL, "no kind of policy" },
	{ HEAD,
	  1, EINVAL, "metadata is missing" },
	{ META,
	  1, EINVAL, "spec is missing" },
	{ HEAD "metadata: null\n"
	  "spec: {}\n",
	  1, EINVAL, "metadata is missing" },
	{ META "spec: ~\n",
	  1, EINVAL, "spec is missing" },
	{ META "sepc: {}\n",
	  5, EINVAL, "unknown field \"sepc\"" },
	{ SPEC "extra: 1\n",
	  7, EINVAL, "unknown field \"extra\"" },
	{ SPEC "---\n"
	  "foo: 1\n",
	  8, EINVAL, "apiVersion is missing" },
	{ HEAD "metadata: []\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  3, EINVAL, "a map is wanted" },
	{ HEAD "metadata: x\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  3, EINVAL, "a map is wanted" },
	{ HEAD "metadata: {}\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  3, EINVAL, "metadata: name is missing" },
	{ META "  naem: b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "unknown field \"naem\"" },
	{ HEAD "metadata:\n"
	  "  name: A\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: a_b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: -a\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: a-\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: a..b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: .a\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: [a]\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "metadata.name: a value is wanted" },
	{ HEAD "metadata:\n"
	  "  name: a/b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: \"\"\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ HEAD "metadata:\n"
	  "  name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaa\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  4, EINVAL, "no name" },
	{ META "  namespace: A\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "no name" },
	{ META "  namespace: a.b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "no name" },
	{ META "  namespace: {}\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "metadata.namespace: a value is wanted" },
	{ META "  namespace: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "no name" },
	{ META "  namespace: a b\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  5, EINVAL, "no name" },
	{ META "spec: []\n",
	  5, EINVAL, "a map is wanted" },
	{ META "spec: {}\n",
	  5, EINVAL, "podSelector is missing" },
	{ META "spec:\n"
	  "  podSelector:\n",
	  6, EINVAL, "podSelector is missing" },
	{ META "spec:\n"
	  "  podSelector: x\n",
	  6, EINVAL, "a map is wanted" },
	{ META "spec:\n"
	  "  podSelector: []\n",
	  6, EINVAL, "a map is wanted" },
	{ META "spec:\n"
	  "  podSelecter: {}\n",
	  6, EINVAL, "unknown field" },
	{ SPEC "  ingres: []\n",
	  7, EINVAL, "unknown field \"ingres\"" },
	{ SPEC "  priority: 1\n",
	  7, EINVAL, "unknown field" },
	{ SPEC "  namespaceSelector: {}\n",
	  7, EINVAL, "unknown field" },
	{ META "spec:\n"
	  "  podSelector: {app: a}\n",
	  6, EINVAL, "unknown field \"app\"" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabel: {}\n",
	  7, EINVAL, "unknown field" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels: []\n",
	  7, EINVAL, "a map is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels: a\n",
	  7, EINVAL, "a map is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: [b]\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: {}\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: 1\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: true\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a:\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: 1.5\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: null\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: b c\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: -b\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: b/c\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a: 'b,c=d'\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      'a b': c\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a/b/c: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      /a: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      a/: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      '': d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      k8s:a: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      -a: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      A.B/c: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchLabels:\n"
	  "      '!a': d\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions: {}\n",
	  7, EINVAL, "a list is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - a\n",
	  8, EINVAL, "a map is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {}\n",
	  8, EINVAL, "key is missing" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a}\n",
	  8, EINVAL, "operator is missing" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {operator: In}\n",
	  8, EINVAL, "key is missing" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: Equals}\n",
	  8, EINVAL, "\"Equals\": In, NotIn, Exists or DoesNotExist is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: in, values: [b]}\n",
	  8, EINVAL, "is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: In}\n",
	  8, EINVAL, "needs values" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: In, values: []}\n",
	  8, EINVAL, "needs values" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: NotIn}\n",
	  8, EINVAL, "needs values" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: Exists, values: [b]}\n",
	  8, EINVAL, "takes no values" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: DoesNotExist, values: [b]}\n",
	  8, EINVAL, "takes no values" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: In, values: b}\n",
	  8, EINVAL, "a list is wanted" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: In, values: [b c]}\n",
	  8, EINVAL, "not a label's value" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, operator: In, values: [1]}\n",
	  8, EINVAL, "in quotes" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: '(', operator: Exists}\n",
	  8, EINVAL, "no label key" },
	{ META "spec:\n"
	  "  podSelector:\n"
	  "    matchExpressions:\n"
	  "    - {key: a, op: In}\n",
	  8, EINVAL, "unknown field" },
	{ SPEC "  policyTypes: Ingress\n",
	  7, EINVAL, "a list is wanted" },
	{ SPEC "  policyTypes: [ingress]\n",
	  7, EINVAL, "Ingress or Egress" },
	{ SPEC "  policyTypes: [Both]\n",
	  7, EINVAL, "Ingress or Egress" },
	{ SPEC "  policyTypes: [[]]\n",
	  7, EINVAL, "spec.policyTypes[0]: a value is wanted" },
	{ SPEC "  ingress: {}\n",
	  7, EINVAL, "a list is wanted" },
	{ SPEC "  ingress: x\n",
	  7, EINVAL, "a list is wanted" },
	{ SPEC "  egress: {}\n",
	  7, EINVAL, "a list is wanted" },
	{ SPEC "  ingress: [x]\n",
	  7, EINVAL, "a map is wanted" },
	{ SPEC "  ingress:\n"
	  "  -\n",
	  8, EINVAL, "something is wanted" },
	{ SPEC "  ingress:\n"
	  "  - to: []\n",
	  8, EINVAL, "unknown field \"to\"" },
	{ SPEC "  egress:\n"
	  "  - from: []\n",
	  8, EINVAL, "unknown field \"from\"" },
	{ SPEC "  ingress:\n"
	  "  - form: []\n",
	  8, EINVAL, "unknown field" },
	{ SPEC "  ingress:\n"
	  "  - from: {}\n",
	  8, EINVAL, "a list is wanted" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - x\n",
	  9, EINVAL, "a map is wanted" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - {}\n",
	  9, EINVAL, "a peer needs" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    -\n",
	  9, EINVAL, "something is wanted" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - podSelector:\n",
	  9, EINVAL, "a peer needs" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - podSelector: []\n",
	  9, EINVAL, "a map is wanted" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - namespaceSelector: x\n",
	  9, EINVAL, "a map is wanted" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - podSelector: {}\n"
	  "      pods: {}\n",
	  10, EINVAL, "unknown field" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - ipBlock: {cidr: 10.0.0.0}\n",
	  9, EINVAL, "no prefix" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - ipBlock: {cidr: 10.0.0.0/8}\n"
	  "      podSelector: {}\n",
	  9, EINVAL, "ipBlock does not go with" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - namespaceSelector: {matchLabels: {a: 1}}\n",
	  9, EINVAL, "in quotes" },
	{ SPEC "  ingress:\n"
	  "  - from:\n"
	  "    - podSelector: {matchLabels: {a: b, a: c}}\n",
	  9, EINVAL, "given twice" },
	{ SPEC "  ingress:\n"
	  "  - ports: {}\n",
	  8, EINVAL, "a list is wanted" },
	{ SPEC "  ingress:\n"
	  "  - ports: 80\n",
	  8, EINVAL, "a list is wanted" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - 80\n",
	  9, EINVAL, "a map is wanted" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {prot: TCP}\n",
	  9, EINVAL, "unknown field" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {protocol: ICMP}\n",
	  9, EINVAL, "TCP, UDP or SCTP" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {protocol: tcp}\n",
	  9, EINVAL, "TCP, UDP or SCTP" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {protocol: [TCP]}\n",
	  9, EINVAL, "a value is wanted" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 0}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 65536}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: -1}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 1.5}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: '80'}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 080}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: hTTp}\n",
	  9, EINVAL, "from 1 to 65535 or a port's name" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: []}\n",
	  9, EINVAL, "a value is wanted" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 99999999999999999999}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {endPort: 90}\n",
	  9, EINVAL, "endPort without port" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 90, endPort: 80}\n",
	  9, EINVAL, "from port to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 80, endPort: 65536}\n",
	  9, EINVAL, "from port to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 80, endPort: x}\n",
	  9, EINVAL, "from port to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: 0x50}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  ingress:\n"
	  "  - ports:\n"
	  "    - {port: ' 80'}\n",
	  9, EINVAL, "from 1 to 65535" },
	{ SPEC "  policyTypes: [Ingress]\n"
	  "  egress:\n"
	  "  - to: [{}]\n",
	  9, EINVAL, "a peer needs" },
	{ SPEC "---\n"
	  "apiVersion: networking.k8s.io/v1\n"
	  "kind: NetworkPolicy\n"
	  "metadata:\n"
	  "  name: a\n"
	  "spec:\n"
	  "  podSelector: {}\n",
	  11, EEXIST, "policy default/a is there already" },
	{ "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\""
	  "a\"},\n"
	  "\"spec\":{\"podSelector\":{},\"x\":1}}",
	  2, EINVAL, "unknown field \"x\"" },
	{ "{\"apiVersion\":\"networking.k8s.io/v1\",\n"
	  "\"kind\":\"NetworkPolicy\",,}",
	  2, EINVAL, "" },
};

#endif
