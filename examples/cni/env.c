// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cni.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define CONTAINER_MAX 1024

bool cni_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= CONTAINER_MAX && strchr(LETTERS, *name) && strspn(name, LETTERS "_.-") == len;
}

static bool ifname_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= 15 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strpbrk(name, "/: \t\n\v\f\r");
}

/* FNV-1a: the same names after an upgrade. */
static uint64_t hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

void cni_names(const char *container, const char *ifname, char endpoint[64], char device[16])
{
	uint64_t h = hash(hash(0xcbf29ce484222325u, container), ifname);

	if (strlen(container) > 47)
		snprintf(endpoint, 64, "%.30s-%016llx:%.15s", container, (unsigned long long)h, ifname);
	else
		snprintf(endpoint, 64, "%.47s:%.15s", container, ifname);
	snprintf(device, 16, "ebn%012llx", (unsigned long long)(h & 0xffffffffffffu));
}

static const struct {
	const char *name;
	enum cni_command command;
} commands[] = {
	{ "ADD", CNI_ADD },	  { "DEL", CNI_DEL },	    { "CHECK", CNI_CHECK },
	{ "GC", CNI_GC },	  { "STATUS", CNI_STATUS }, { "VERSION", CNI_GET_VERSION },
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* Notes every variable that is missing, in the specification's words. */
static int required(struct cni *c)
{
	bool container = c->command == CNI_ADD || c->command == CNI_DEL || c->command == CNI_CHECK;
	bool netns = c->command == CNI_ADD || c->command == CNI_CHECK;
	const struct {
		const char *name, *value;
		bool needed;
	} all[] = {
		{ "CNI_CONTAINERID", c->container, container }, { "CNI_NETNS", c->netns, netns },
		{ "CNI_IFNAME", c->ifname, container },		{ "CNI_PATH", c->path, c->command != CNI_GET_VERSION },
	};
	char list[80] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		/* an empty container has a code of its own */
		if (!all[i].needed || *all[i].value || (!i && getenv(all[i].name)))
			continue;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? "," : "", all[i].name);
	}
	if (len)
		return cni_fail(c, CNI_ENVIRONMENT, "required env variables [%s] missing", list);
	if (!container)
		return 0;
	if (!*c->container)
		return cni_fail(c, CNI_UNKNOWN_CONTAINER, "missing containerID");
	if (!cni_name_ok(c->container))
		return cni_fail(c, CNI_ENVIRONMENT, "invalid characters in CNI_CONTAINERID: \"%.64s\"", c->container);
	if (!ifname_ok(c->ifname))
		return cni_fail(c, CNI_ENVIRONMENT, "invalid CNI_IFNAME: \"%.64s\"", c->ifname);
	cni_names(c->container, c->ifname, c->endpoint, c->device);
	return 0;
}

int cni_read_environment(struct cni *c)
{
	const char *command = variable("CNI_COMMAND");

	c->container = variable("CNI_CONTAINERID");
	c->netns = variable("CNI_NETNS");
	c->ifname = variable("CNI_IFNAME");
	c->args = variable("CNI_ARGS");
	c->path = variable("CNI_PATH");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(command, commands[i].name))
			c->command = commands[i].command;
	if (c->command == CNI_NONE)
		return cni_fail(c, CNI_ENVIRONMENT, "unknown CNI_COMMAND: %.64s", command);
	return required(c);
}

int cni_open_netns(struct cni *c)
{
	struct stat st, own;
	struct statfs fs;
	const char *override = variable("CNI_NETNS_OVERRIDE");

	c->netns_fd = open(c->netns, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (c->netns_fd < 0)
		return cni_fail(c, CNI_NETNS, "failed to open netns \"%.200s\": %s", c->netns, strerror(errno));
	if (fstatfs(c->netns_fd, &fs) < 0 || fs.f_type != NSFS_MAGIC || fstat(c->netns_fd, &st) < 0)
		return cni_fail(c, CNI_NETNS, "\"%.200s\" is not a network namespace", c->netns);
	if (!strcmp(override, "1") || !strcmp(override, "true"))
		return 0;
	if (!stat("/proc/self/ns/net", &own) && own.st_dev == st.st_dev && own.st_ino == st.st_ino)
		return cni_fail(c, CNI_NETNS, "plugin's netns and netns from CNI_NETNS should not be the same");
	return 0;
}

/* ---- CNI_ARGS */

static int want_address(struct cni *c, const char *text)
{
	char buf[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_addr addr;
	size_t len = strcspn(text, "/");

	if (len >= sizeof(buf))
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (ebpfnet_addr_parse(buf, &addr) < 0)
		return -1;
	*(ebpfnet_addr_family(&addr) == 4 ? &c->want4 : &c->want6) = addr;
	return 0;
}

static int one_arg(struct cni *c, const char *key, const char *value, const char **unknown)
{
	if (!strcmp(key, "IP") && *value && want_address(c, value) < 0)
		return cni_fail(c, CNI_ENVIRONMENT, "invalid CNI_ARGS: IP=%.64s", value);
	if (!strcmp(key, "MAC") && *value && (ebpfnet_mac_parse(value, &c->mac) < 0 || c->mac.b[0] & 1))
		return cni_fail(c, CNI_ENVIRONMENT, "invalid CNI_ARGS: MAC=%.64s", value);
	if (!strcmp(key, "K8S_POD_NAME") && *value)
		c->pod = value;
	if (!strcmp(key, "K8S_POD_NAMESPACE")) {
		if (*value)
			c->k8s_namespace = value;
	} else if (strcmp(key, "IP") != 0 && strcmp(key, "MAC") != 0 && strcmp(key, "IgnoreUnknown") != 0 &&
		   strncmp(key, "K8S_POD_", 8) != 0) {
		*unknown = key;
	}
	return 0;
}

int cni_read_args(struct cni *c)
{
	/* for the life of the process: values point into it */
	char *text = strdup(c->args), *next = text, *pair;
	const char *unknown = NULL;
	bool ignore = false;

	if (!text)
		return cni_fail(c, CNI_INTERNAL, "no memory");
	while ((pair = strsep(&next, ";"))) {
		char *value = strchr(pair, '=');

		if (!*pair)
			continue;
		if (!value)
			return cni_fail(c, CNI_ENVIRONMENT, "invalid CNI_ARGS pair \"%.64s\"", pair);
		*value++ = '\0';
		if (!strcmp(pair, "IgnoreUnknown"))
			ignore = !strcmp(value, "1") || !strcmp(value, "true");
		if (one_arg(c, pair, value, &unknown) < 0)
			return -1;
	}
	if (unknown && !ignore)
		return cni_fail(c, CNI_ENVIRONMENT, "unknown CNI_ARGS [\"%.64s\"]", unknown);
	return 0;
}
