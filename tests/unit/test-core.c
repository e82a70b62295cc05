// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <ebpfnet/cleanup.h>

#include "core/features.h"
#include "core/internal.h"
#include "core/order.h"
#include "ebn_config.h"
#include "ebn_datapath.skel.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_ctx, ebpfnet_ctx_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

struct heard {
	int level, line, calls;
	char text[2048], file[128];
};

static void hear(void *userdata, int level, const char *file, int line, const char *func, const char *text)
{
	struct heard *h = userdata;

	ck_assert_ptr_nonnull(func);
	h->calls++;
	h->level = level;
	h->line = line;
	snprintf(h->text, sizeof(h->text), "%s", text);
	snprintf(h->file, sizeof(h->file), "%s", file);
	errno = EXDEV;
}

START_TEST(ctx_counts_references)
{
	struct ebpfnet_ctx *ctx = NULL;

	ck_assert_int_eq(ebpfnet_ctx_new(NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_ptr_eq(ebpfnet_ctx_ref(ctx), ctx);
	ck_assert_ptr_null(ebpfnet_ctx_unref(ctx));
	ck_assert_int_eq(ebpfnet_ctx_set_log(ctx, NULL, NULL), 0);
	ck_assert_ptr_null(ebpfnet_ctx_unref(ctx));
	ck_assert_ptr_null(ebpfnet_ctx_unref(NULL));
	ck_assert_ptr_null(ebpfnet_ctx_ref(NULL));
	ck_assert_int_eq(ebpfnet_ctx_set_log(NULL, hear, NULL), -EINVAL);
}
END_TEST

START_TEST(ctx_refuses_bad_options)
{
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct {
		struct ebpfnet_ctx_opts known;
		uint64_t future;
	} o = { .known = { .sz = sizeof(o) } };
	struct ebpfnet_ctx *ctx = NULL;

	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	o.future = 1;
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), -EINVAL);
	ck_assert_ptr_null(ctx);
	o.future = 0;
	o.known.sz = 3;
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), -EINVAL);
	o.known.sz = SIZE_MAX;
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), -EINVAL);
	o.known.sz = sizeof(o.known);
	o.known.diag = diag;
	o.known.disable_features = 1ull << EBPFNET_FEATURE_MAX;
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), -EINVAL);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	/* an old caller, whose struct ends before the mask */
	o.known.sz = offsetof(struct ebpfnet_ctx_opts, disable_features);
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), 0);
	ck_assert_uint_eq(ctx->disabled, 0);
	ebpfnet_ctx_unref(ctx);
	/* a newer caller, who asks for nothing new */
	o.known.sz = sizeof(o);
	o.known.disable_features = 1 << EBPFNET_FEATURE_TCX;
	ck_assert_int_eq(ebpfnet_ctx_new(&o.known, &ctx), 0);
	ck_assert_uint_eq(ctx->disabled, 1 << EBPFNET_FEATURE_TCX);
	ebpfnet_ctx_unref(ctx);
}
END_TEST

START_TEST(log_reaches_the_callback)
{
	struct heard h = { 0 };
	struct ebpfnet_ctx_opts o = { EBPFNET_OPTS_INIT(o), .log = hear, .log_userdata = &h };
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;

	ck_assert_int_eq(ebpfnet_ctx_new(&o, &ctx), 0);
	errno = ENOENT;
	ebn_warn(ctx, "one %d\ntwo", 1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(h.level, EBPFNET_LOG_WARNING);
	ck_assert_str_eq(h.text, "one 1");
	ck_assert_int_gt(h.line, 0);
	ck_assert(strstr(h.file, "test-core.c"));
	ck_assert(strncmp(h.file, "..", 2));
	ebn_debug(ctx, "%3000d", 1);
	ck_assert_int_eq(h.calls, 2);
	ck_assert_uint_lt(strlen(h.text), 2000);
	ebpfnet_ctx_set_log(ctx, NULL, NULL);
	ebn_debug(ctx, "nobody hears");
	ebn_debug(NULL, "nobody hears");
	ck_assert_int_eq(h.calls, 2);
}
END_TEST

START_TEST(diag_keeps_messages_in_order)
{
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_diag_message m;

	ck_assert_int_eq(ebpfnet_diag_new(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), -ENOENT);
	ck_assert_int_eq(ebn_diag(diag, "eth0", ENODEV, "no device %s\n", "x\ny\033"), -ENODEV);
	ck_assert_int_eq(ebn_diag(diag, NULL, -EPERM, "first"), -EPERM);
	ck_assert_int_eq(ebn_diag_at(diag, "a.yaml", 3, 7, 0, "odd"), 0);
	ck_assert_int_eq(ebn_diag(NULL, "x", E2BIG, "lost"), -E2BIG);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 3);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
	ck_assert_str_eq(m.text, "no device x y?");
	ck_assert_str_eq(m.path, "eth0");
	ck_assert_int_eq(m.error, ENODEV);
	ck_assert_ptr_null(m.detail);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 1, &m), 0);
	ck_assert_int_eq(m.error, EPERM);
	ck_assert_ptr_null(m.path);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 2, &m), 0);
	ck_assert_uint_eq(m.line, 3);
	ck_assert_uint_eq(m.column, 7);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 3, &m), -ENOENT);
	ck_assert_int_eq(ebpfnet_diag_get(NULL, 0, &m), -EINVAL);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, NULL), -EINVAL);
	ebpfnet_diag_clear(diag);
	ebpfnet_diag_clear(NULL);
	ebpfnet_diag_free(NULL);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 0);
	ck_assert_uint_eq(ebpfnet_diag_count(NULL), 0);
}
END_TEST

START_TEST(diag_formats_as_snprintf_counts)
{
	static const char want[] = "a.yaml:3:7: bad key: Invalid argument\n"
				   "    one\n"
				   "    two\n"
				   "eth0: warning: slow\n"
				   "plain: No such device\n";
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	char text[256], part[16];
	size_t size;

	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_diag_format(diag, NULL, 0), 0);
	ebn_diag_at(diag, "a.yaml", 3, 7, EINVAL, "bad key");
	ebn_diag_detail(diag, "one\ntwo\n");
	ebn_diag(diag, "eth0", 0, "slow");
	ebn_diag(diag, NULL, ENODEV, "plain");
	ck_assert_int_eq(ebpfnet_diag_format(diag, text, sizeof(text)), sizeof(want) - 1);
	ck_assert_str_eq(text, want);
	ck_assert_int_eq(ebpfnet_diag_format(diag, NULL, 0), sizeof(want) - 1);
	for (size = 1; size < sizeof(part); size++) {
		memset(part, 'x', sizeof(part));
		ck_assert_int_eq(ebpfnet_diag_format(diag, part, size), sizeof(want) - 1);
		ck_assert_uint_eq(strlen(part), size - 1);
		ck_assert(!strncmp(part, want, size - 1));
		ck_assert_int_eq(part[size], 'x');
	}
	ck_assert_int_eq(ebpfnet_diag_format(diag, NULL, 1), -EINVAL);
	ck_assert_int_eq(ebpfnet_diag_format(NULL, text, 1), -EINVAL);
}
END_TEST

START_TEST(diag_is_bounded)
{
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_diag_message m;
	_free_ char *big = malloc(100001);
	int i;

	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	memset(big, 'a', 100000);
	big[100000] = '\0';
	memcpy(big + 99000, "\nlast\033[m", 9);
	ebn_diag_detail(diag, "no message to belong to");
	ck_assert_int_eq(ebn_diag(diag, NULL, EINVAL, "x"), -EINVAL);
	ebn_diag_detail(diag, big);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
	ck_assert_uint_le(strlen(m.detail), 16384);
	ck_assert(!strncmp(m.detail, "last?[m", 7));
	for (i = 0; i < 5000; i++)
		ck_assert_int_eq(ebn_diag(diag, NULL, EINVAL, "x"), -EINVAL);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1024);
	ebn_diag_detail(diag, "of a message that was not kept");
	ck_assert_int_eq(ebpfnet_diag_get(diag, 1023, &m), 0);
	ck_assert_ptr_null(m.detail);
}
END_TEST

START_TEST(helpers_keep_their_bounds)
{
	uint32_t *list = NULL;
	size_t cap = 0;
	char buf[4] = "xyz", out[8];

	ck_assert_int_eq(ebn_grow(&list, &cap, 1, sizeof(*list)), 0);
	ck_assert_uint_ge(cap, 1);
	list[0] = 7;
	ck_assert_int_eq(ebn_grow(&list, &cap, 100, sizeof(*list)), 0);
	ck_assert_uint_ge(cap, 100);
	ck_assert_uint_eq(list[0], 7);
	ck_assert_uint_eq(list[99], 0);
	ck_assert_int_eq(ebn_grow(&list, &cap, SIZE_MAX / 2, sizeof(*list)), -ENOMEM);
	ck_assert_int_eq(ebn_grow(&list, &cap, SIZE_MAX, 1), -ENOMEM);
	ck_assert_uint_eq(list[0], 7);
	free(list);
	ck_assert_ptr_null(ebn_calloc(SIZE_MAX, 2));
	ck_assert_int_eq(ebn_format(buf, sizeof(buf), "%s", "abc"), 0);
	ck_assert_int_eq(ebn_format(buf, sizeof(buf), "%s", "abcd"), -ENAMETOOLONG);
	memset(out, 'x', sizeof(out));
	ebn_copy_out(out, sizeof(out), "abcd", 4);
	ck_assert_mem_eq(out, "abcd\0\0\0\0", 8);
	ebn_copy_out(out, 2, "wxyz", 4);
	ck_assert_mem_eq(out, "wxcd", 4);
	ck_assert_uint_gt(ebn_monotonic_ns(), 0);
	ck_assert_uint_gt(ebn_realtime_ns(), 1000000000ull * 1600000000ull);
	memset(out, 0, sizeof(out));
	ck_assert_int_eq(ebn_random(out, sizeof(out)), 0);
	ck_assert(memcmp(out, "\0\0\0\0\0\0\0\0", 8));
}
END_TEST

static void expect_addr(const char *text, const char *want, int family)
{
	struct ebpfnet_addr addr;
	char out[EBPFNET_ADDR_STRLEN];

	ck_assert_msg(ebpfnet_addr_parse(text, &addr) == 0, "%s", text);
	ck_assert_int_eq(ebpfnet_addr_family(&addr), family);
	ck_assert_int_eq(ebpfnet_addr_format(&addr, out, sizeof(out)), strlen(want));
	ck_assert_str_eq(out, want);
}

START_TEST(addresses_read_and_write)
{
	static const char *const bad[] = { "", "::", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", "fe80::1%eth0",
					   ":::", "1:2:3:4:5:6:7", "a.b.c.d", "01.2.3.4", NULL };
	struct ebpfnet_addr addr = { .b = { 1 } }, none = { .b = { 0 } };
	char out[EBPFNET_ADDR_STRLEN];
	int i;

	expect_addr("192.0.2.1", "192.0.2.1", 4);
	expect_addr("0.0.0.0", "0.0.0.0", 4);
	expect_addr("255.255.255.255", "255.255.255.255", 4);
	expect_addr("::ffff:10.1.0.9", "10.1.0.9", 4);
	expect_addr("2001:DB8:0:0:0:0:0:1", "2001:db8::1", 6);
	expect_addr("1:0:0:2:0:0:0:3", "1:0:0:2::3", 6);
	expect_addr("1:0:0:2:3:0:0:4", "1::2:3:0:0:4", 6);
	expect_addr("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", 6);
	expect_addr("::1", "::1", 6);
	expect_addr("1::", "1::", 6);
	expect_addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6);
	for (i = 0; bad[i]; i++) {
		ck_assert_msg(ebpfnet_addr_parse(bad[i], &addr) == -EINVAL, "%s", bad[i]);
		ck_assert_int_eq(addr.b[0], 1);
	}
	ck_assert_int_eq(ebpfnet_addr_parse(NULL, &addr), -EINVAL);
	ck_assert_int_eq(ebpfnet_addr_parse("1.2.3.4", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_addr_format(NULL, out, sizeof(out)), -EINVAL);
	ck_assert_int_eq(ebpfnet_addr_format(&none, NULL, 0), 4);
	ck_assert_int_eq(ebpfnet_addr_format(&none, out, 3), 4);
	ck_assert_str_eq(out, "no");
	ck_assert_int_eq(ebpfnet_addr_family(NULL), 0);
	ck_assert_int_eq(ebpfnet_addr_family(&none), 0);
}
END_TEST

/* inet_ntop(3) is the model; it writes a dotted tail for ::a.b.c.d, which RFC 5952 leaves to taste. */
START_TEST(addresses_agree_with_the_c_library)
{
	uint64_t rng = test_seed();
	int i, j;

	for (i = 0; i < 50000; i++) {
		struct ebpfnet_addr addr, back;
		char want[INET6_ADDRSTRLEN], got[EBPFNET_ADDR_STRLEN];

		for (j = 0; j < 16; j += 2) {
			unsigned int w = test_below(&rng, 2) ? 0 : test_below(&rng, 3) ? test_below(&rng, 65536) : 1;

			addr.b[j] = (uint8_t)(w >> 8);
			addr.b[j + 1] = (uint8_t)w;
		}
		addr.b[0] |= 0x20;
		inet_ntop(AF_INET6, addr.b, want, sizeof(want));
		ck_assert_int_eq(ebpfnet_addr_format(&addr, got, sizeof(got)), strlen(want));
		ck_assert_str_eq(got, want);
		ck_assert_int_eq(ebpfnet_addr_parse(got, &back), 0);
		ck_assert_mem_eq(&addr, &back, sizeof(addr));
	}
}
END_TEST

START_TEST(mac_addresses_read)
{
	static const char *const bad[] = { "", "02:00:00:00:00", "02:00:00:00:00:01:", "02:00:00:00:00:1", "0:0:0:0:0:0",
					   "02-00-00-00-00-01", "02:00:00:00:00:0g", "020000000001", NULL };
	struct ebpfnet_mac mac;
	int i;

	ck_assert_int_eq(ebpfnet_mac_parse("02:aB:00:ff:0F:01", &mac), 0);
	ck_assert_mem_eq(mac.b, "\x02\xab\x00\xff\x0f\x01", 6);
	for (i = 0; bad[i]; i++)
		ck_assert_msg(ebpfnet_mac_parse(bad[i], &mac) == -EINVAL, "%s", bad[i]);
	ck_assert_mem_eq(mac.b, "\x02\xab\x00\xff\x0f\x01", 6);
	ck_assert_int_eq(ebpfnet_mac_parse(NULL, &mac), -EINVAL);
	ck_assert_int_eq(ebpfnet_mac_parse("02:00:00:00:00:01", NULL), -EINVAL);
}
END_TEST

START_TEST(features_have_names)
{
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	int i, j, required = 0;

	for (i = 0; i < EBPFNET_FEATURE_MAX; i++) {
		ck_assert_str_ne(ebpfnet_feature_name(i), "");
		ck_assert_str_ne(ebpfnet_feature_description(i), "");
		for (j = 0; j < i; j++)
			ck_assert_str_ne(ebpfnet_feature_name(i), ebpfnet_feature_name(j));
		required += ebpfnet_feature_required(i);
	}
	ck_assert_int_eq(required, 9);
	ck_assert_ptr_null(ebpfnet_feature_name(EBPFNET_FEATURE_MAX));
	ck_assert_ptr_null(ebpfnet_feature_description(-1));
	ck_assert_int_eq(ebpfnet_feature_required(EBPFNET_FEATURE_MAX), -EINVAL);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_MAX), -EINVAL);
	ck_assert_int_eq(ebpfnet_feature_supported(ctx, -1), -EINVAL);
	ck_assert_int_eq(ebpfnet_feature_supported(NULL, EBPFNET_FEATURE_TCX), -EINVAL);
	ck_assert_int_eq(ebpfnet_features_check(NULL, NULL), -EINVAL);
}
END_TEST

/* Everything is masked, so nothing is tried and no privilege is needed. */
START_TEST(features_can_be_masked)
{
	struct ebpfnet_ctx_opts o = { EBPFNET_OPTS_INIT(o), .disable_features = (1 << EBPFNET_FEATURE_MAX) - 1 };
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_diag_message m;
	int i;

	ck_assert_int_eq(ebpfnet_ctx_new(&o, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	for (i = 0; i < EBPFNET_FEATURE_MAX; i++)
		ck_assert_int_eq(ebpfnet_feature_supported(ctx, i), 0);
	ck_assert_int_eq(ebpfnet_features_check(ctx, NULL), -EOPNOTSUPP);
	ck_assert_int_eq(ebpfnet_features_check(ctx, diag), -EOPNOTSUPP);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 9);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
	ck_assert_str_eq(m.path, "btf");
	ck_assert_int_eq(m.error, EOPNOTSUPP);
}
END_TEST

/* A small image: an int, a pointer to it, a function "f". */
static const uint32_t btf_types[] = { 1, 1u << 24, 4, 32, 0, 2u << 24, 1, 5, 12u << 24, 1 };
static const char btf_strings[] = "\0int\0f";

static size_t btf_image(unsigned char *buf)
{
	uint32_t h[6] = { 0x0001eb9f, 24, 0, sizeof(btf_types), sizeof(btf_types), sizeof(btf_strings) };

	memcpy(buf, h, sizeof(h));
	memcpy(buf + sizeof(h), btf_types, sizeof(btf_types));
	memcpy(buf + sizeof(h) + sizeof(btf_types), btf_strings, sizeof(btf_strings));
	return sizeof(h) + sizeof(btf_types) + sizeof(btf_strings);
}

START_TEST(btf_is_not_trusted)
{
	unsigned char image[256];
	uint64_t rng = test_seed();
	size_t len = btf_image(image), cut;
	int i;

	ck_assert_int_eq(ebn_btf_find_func(image, len, "f"), 3);
	ck_assert_int_eq(ebn_btf_find_func(image, len, "int"), 0);
	ck_assert_int_eq(ebn_btf_find_func(image, len, "ff"), 0);
	for (cut = 0; cut < len; cut++) {
		_free_ unsigned char *copy = malloc(cut ? cut : 1);

		memcpy(copy, image, cut);
		ck_assert_int_eq(ebn_btf_find_func(copy, cut, "f"), 0);
	}
	for (i = 0; i < 50000; i++) {
		_free_ unsigned char *copy = malloc(len);
		unsigned int flips = 1 + test_below(&rng, 4);

		memcpy(copy, image, len);
		while (flips--)
			copy[test_below(&rng, (unsigned int)len)] = (unsigned char)test_random(&rng);
		ck_assert_int_ge(ebn_btf_find_func(copy, len, "f"), 0);
	}
}
END_TEST

START_TEST(prefixes)
{
	static const struct {
		const char *text, *want;
	} good[] = {
		{ "10.0.0.0/8", "10.0.0.0/8" }, { "0.0.0.0/0", "0.0.0.0/0" }, { "::/0", "::/0" }, { "2001:db8::/32", "2001:db8::/32" },
		{ "192.0.2.1", "192.0.2.1" }, { "192.0.2.1/32", "192.0.2.1" }, { "2001:db8::1/128", "2001:db8::1" },
		{ "128.0.0.0/1", "128.0.0.0/1" }, { "::ffff:10.0.0.0/8", "10.0.0.0/8" },
	};
	static const char *const bad[] = { "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "2001:db8::/129", "::1/64", "10.0.0.0/08",
					   "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "10.0.0.0/8/8", "x/8",
					   "10.0.0.0/4294967304" };
	struct ebpfnet_prefix p = { .len = 77 }, again;
	char text[EBPFNET_PREFIX_STRLEN];
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(ebpfnet_prefix_parse(bad[i], &p) == -EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(p.len, 77);
	for (i = 0; i < EBN_ARRAY_SIZE(good); i++) {
		ck_assert_msg(ebpfnet_prefix_parse(good[i].text, &p) == 0, "%s", good[i].text);
		ck_assert_int_eq(ebpfnet_prefix_format(&p, text, sizeof(text)), (int)strlen(good[i].want));
		ck_assert_str_eq(text, good[i].want);
		ck_assert_int_eq(ebpfnet_prefix_parse(text, &again), 0);
		ck_assert_int_eq(memcmp(&p, &again, sizeof(p)), 0);
	}
	ck_assert_int_eq(ebpfnet_prefix_parse(NULL, &p), -EINVAL);
	ck_assert_int_eq(ebpfnet_prefix_parse("::/0", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_prefix_format(NULL, text, sizeof(text)), -EINVAL);
	p.reserved[3] = 1;
	ck_assert_int_eq(ebpfnet_prefix_format(&p, text, sizeof(text)), -EINVAL);
}
END_TEST

/* Dependencies are taken out of the programs' code and of nothing else, once; and what is cut short is not read behind its end. */
START_TEST(dependencies_are_eased)
{
	static const unsigned char line[8] = { 0x57, 3 };
	unsigned char *copy, *exact;
	size_t size, n, i, cut;
	const void *elf = ebn_datapath_bpf__elf_bytes(&size);

	copy = malloc(size);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, elf, size);
	n = ebn_order_ease(copy, size);
	ck_assert_uint_gt(n, 0);
	for (i = 0; i < size; i++) {
		if (copy[i] == ((const unsigned char *)elf)[i])
			continue;
		ck_assert_uint_eq(i % 8, 0);
		ck_assert_uint_eq(copy[i], 0xb7);
		ck_assert_uint_eq(((const unsigned char *)elf)[i], line[0]);
		ck_assert_int_eq(memcmp(copy + i + 2, line + 2, 6), 0);
		n--;
	}
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(ebn_order_ease(copy, size), 0);
	for (cut = 0; cut < size; cut += cut < 128 ? 1 : size / 50) {
		exact = malloc(cut + !cut);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, elf, cut);
		ebn_order_ease(exact, cut);
		free(exact);
	}
	/* section headers that lead outside */
	for (i = 40; i < 64; i++) {
		memcpy(copy, elf, size);
		copy[i] ^= 0xff;
		ebn_order_ease(copy, size);
	}
	free(copy);
}
END_TEST

RUN_SUITE("core", ctx_counts_references, ctx_refuses_bad_options, log_reaches_the_callback,
	  diag_keeps_messages_in_order, diag_formats_as_snprintf_counts, diag_is_bounded, helpers_keep_their_bounds,
	  addresses_read_and_write, addresses_agree_with_the_c_library, mac_addresses_read, features_have_names,
	  features_can_be_masked, btf_is_not_trusted, prefixes, dependencies_are_eased)
