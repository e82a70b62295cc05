// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <fcntl.h>
#include <linux/btf.h>
#include <sys/stat.h>

#include "core/features.h"

#define BTF_MAGIC_NUMBER 0xeb9f
#define BTF_LEN_MAX (256u << 20)

/* Bytes behind the head of a type, or -1 for a kind nobody knows: what follows it cannot be found then. */
static long type_tail(const struct btf_type *t)
{
	unsigned int n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (long)(n * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (long)(n * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (long)(n * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (long)(n * sizeof(struct btf_param));
	case BTF_KIND_DATASEC:
		return (long)(n * sizeof(struct btf_var_secinfo));
	default:
		return -1;
	}
}

int ebn_btf_find_func(const void *btf, size_t len, const char *name)
{
	const size_t name_size = strlen(name) + 1;
	struct btf_header h;
	const char *types, *strs, *end;
	int id;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, btf, sizeof(h));
	if (h.magic != BTF_MAGIC_NUMBER || h.hdr_len < sizeof(h) || h.hdr_len > len)
		return 0;
	len -= h.hdr_len;
	if (h.type_off > len || h.type_len > len - h.type_off || h.str_off > len || h.str_len > len - h.str_off)
		return 0;
	types = (const char *)btf + h.hdr_len + h.type_off;
	end = types + h.type_len;
	strs = (const char *)btf + h.hdr_len + h.str_off;
	for (id = 1; (size_t)(end - types) >= sizeof(struct btf_type); id++) {
		struct btf_type t;
		long tail;

		memcpy(&t, types, sizeof(t));
		types += sizeof(t);
		tail = type_tail(&t);
		if (tail < 0 || tail > end - types)
			return 0;
		types += tail;
		if (BTF_INFO_KIND(t.info) == BTF_KIND_FUNC && t.name_off < h.str_len &&
		    name_size <= h.str_len - t.name_off && !memcmp(strs + t.name_off, name, name_size))
			return id;
	}
	return 0;
}

int ebn_btf_func_id(const char *name)
{
	_close_ int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	_free_ char *image = NULL;
	struct stat st;
	size_t have = 0;

	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -EPERM : 0;
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > BTF_LEN_MAX)
		return 0;
	image = malloc((size_t)st.st_size);
	if (!image)
		return -ENOMEM;
	while (have < (size_t)st.st_size) {
		ssize_t n = read(fd, image + have, (size_t)st.st_size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return ebn_btf_find_func(image, have, name);
}
