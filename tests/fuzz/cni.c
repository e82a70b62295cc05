// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a container runtime hands to ebpfnet-cni: a command, its arguments, a document on standard input. It is taken or refused
 * with a code and a message; a previous result in it is read as well. Input: a byte for the command, the arguments up to a NUL,
 * the document.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "../../examples/cni/cni.h"

/* The plugin is one process for one command: what its values point to lives as long as it does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:allocator_may_return_null=1";
}

static void put_stdin(const uint8_t *data, size_t size)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	FUZZ_CHECK(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
}

static void results(struct cni *c)
{
	struct cni_result r = { .host = "" };
	json_t *again, *stay = NULL;

	if (c->prev && cni_result_read(c, c->prev, "eth0", &r) < 0)
		FUZZ_CHECK(c->code && *c->message);
	again = cni_result_json(c, &r);
	FUZZ_CHECK(again);
	json_decref(again);
	if (cni_valid_attachments(c, &stay) == 0)
		json_decref(stay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cni c = { .netns_fd = -1, .container = "c1", .netns = "", .ifname = "eth0", .path = "" };
	size_t head = size ? strnlen((const char *)data + 1, size - 1) : 0;
	char *args;

	if (size < 2 || head == size - 1)
		return 0;
	args = fuzz_text(data + 1, head);
	c.command = CNI_ADD + data[0] % (CNI_GET_VERSION - CNI_ADD);
	c.args = args;
	put_stdin(data + head + 2, size - head - 2);
	cni_names(c.container, c.ifname, c.endpoint, c.device);
	if (cni_read_args(&c) < 0 || cni_read_conf(&c) < 0)
		FUZZ_CHECK(c.code && *c.message);
	else {
		FUZZ_CHECK(!c.code && c.network && *c.network && c.spec < SPECS && c.k8s_namespace);
		results(&c);
	}
	json_decref(c.conf);
	free(c.text);
	free(args);
	return 0;
}
