// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Files of packets, made here byte by byte. */
#include "suite.h"

#include "core/internal.h"
#include "../../examples/sim/capture.h"

#define SECONDS 1700000000ull

static struct {
	uint8_t b[1024];
	size_t len;
	bool big;
} file;
static struct capture c;
static char error[256];
static const uint8_t frame[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xb5, 0xaa };

static void put(uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		file.b[file.len++] = (uint8_t)(v >> 8 * (file.big ? bytes - 1 - i : i));
}

static void put_frame(size_t len)
{
	memcpy(file.b + file.len, frame, len);
	file.len += len;
}

static void begin(bool big)
{
	file.len = 0;
	file.big = big;
}

static void taken(size_t n)
{
	ck_assert_msg(!capture_read(file.b, file.len, &c, error, sizeof(error)), "%s", error);
	ck_assert_uint_eq(c.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(c.packets[i].len, sizeof(frame));
		ck_assert_mem_eq(c.packets[i].data, frame, sizeof(frame));
	}
}

static void refused(const char *why)
{
	ck_assert_int_eq(capture_read(file.b, file.len, &c, error, sizeof(error)), -EINVAL);
	ck_assert_msg(strstr(error, why) != NULL, "\"%s\", expected \"%s\"", error, why);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_null(c.packets);
}

static void pcap(uint32_t magic, uint32_t link)
{
	put(magic, 4);
	put(2, 2);
	put(4, 2);
	put(0, 8);
	put(65535, 4);
	put(link, 4);
}

static void pcap_packet(uint32_t part, uint32_t len)
{
	put(SECONDS, 4);
	put(part, 4);
	put(len, 4);
	put(len, 4);
	put_frame(sizeof(frame));
}

START_TEST(pcap_of_each_kind)
{
	for (int kind = 0; kind < 4; kind++) {
		begin(kind & 1);
		pcap(kind & 2 ? 0xa1b23c4d : 0xa1b2c3d4, 1);
		pcap_packet(7, sizeof(frame));
		pcap_packet(8, sizeof(frame));
		taken(2);
		ck_assert_uint_eq(c.packets[0].time_ns, SECONDS * 1000000000 + (kind & 2 ? 7 : 7000));
		ck_assert_uint_eq(c.packets[1].time_ns - c.packets[0].time_ns, kind & 2 ? 1 : 1000);
		capture_free(&c);
		file.len -= 1;
		refused("packet 2: 15 bytes, and the file ends before");
		file.len -= sizeof(frame);
		refused("packet 2: its header is cut off");
	}
	begin(false);
	pcap(0xa1b2c3d4, 101);
	refused("link type 101");
	file.len = 20;
	refused("the header of the file is cut off");
	begin(false);
	pcap(0xa1b2c3d4, 1);
	pcap_packet(0, 65536);
	refused("packet 1: 65536 bytes, more than 65535");
}
END_TEST

static size_t block(uint32_t type)
{
	size_t at = file.len;

	put(type, 4);
	put(0, 4);
	return at;
}

static void end_block(size_t at)
{
	size_t end;

	while (file.len % 4)
		put(0, 1);
	end = file.len + 4;
	file.len = at + 4;
	put(end - at, 4);
	file.len = end - 4;
	put(end - at, 4);
}

static void section(void)
{
	size_t at = block(0x0a0d0d0a);

	put(0x1a2b3c4d, 4);
	put(1, 2);
	put(0, 2);
	put(~0ull, 8);
	end_block(at);
}

/* resolution 255: not said */
static void interface(uint16_t link, uint32_t snaplen, uint8_t resolution)
{
	size_t at = block(1);

	put(link, 2);
	put(0, 2);
	put(snaplen, 4);
	if (resolution != 255) {
		put(9, 2);
		put(1, 2);
		put(resolution, 1);
		put(0, 3);
		put(0, 4);
	}
	end_block(at);
}

static void packet(uint32_t number, uint64_t stamp, uint32_t len)
{
	size_t at = block(6);

	put(number, 4);
	put(stamp >> 32, 4);
	put(stamp & 0xffffffff, 4);
	put(len, 4);
	put(len, 4);
	put_frame(sizeof(frame));
	end_block(at);
}

static void simple(uint32_t len)
{
	size_t at = block(3);

	put(len, 4);
	put_frame(sizeof(frame));
	end_block(at);
}

START_TEST(pcapng_of_each_resolution)
{
	static const struct {
		uint8_t resolution;
		uint64_t stamp, ns;
	} t[] = {
		{ 255, SECONDS * 1000000 + 5, SECONDS * 1000000000 + 5000 }, { 0, SECONDS, SECONDS * 1000000000 },
		{ 6, 5, 5000 }, { 9, SECONDS * 1000000000 + 5, SECONDS * 1000000000 + 5 }, { 12, 5999, 5 },
		{ 127, ~0ull, 0 }, { 0x80 | 1, 3, 1500000000 },
		{ 0x80 | 32, SECONDS << 32 | 1u << 31, SECONDS * 1000000000 + 500000000 },
	};

	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < EBN_ARRAY_SIZE(t); i++) {
			begin(big);
			section();
			interface(1, 0, 6);
			interface(1, 0, t[i].resolution);
			packet(1, t[i].stamp, sizeof(frame));
			taken(1);
			ck_assert_uint_eq(c.packets[0].time_ns, t[i].ns);
			capture_free(&c);
		}
	}
}
END_TEST

START_TEST(pcapng_blocks)
{
	size_t at, good;

	begin(false);
	section();
	interface(1, sizeof(frame), 9);
	/* longer on the wire than was kept */
	simple(sizeof(frame) + 100);
	at = block(0x0bad);
	put(1, 4);
	end_block(at);
	/* another section has its own byte order and interfaces */
	file.big = true;
	section();
	interface(1, 0, 9);
	packet(0, 1, sizeof(frame));
	taken(2);
	capture_free(&c);
	good = file.len;
	packet(1, 1, sizeof(frame));
	refused("packet 3: there is no interface 1");
	file.len = good;
	packet(0, 1, sizeof(frame) + 2);
	refused("packet 3: 17 bytes do not fit into its block");
	file.len = good;
	interface(113, 0, 9);
	packet(1, 1, sizeof(frame));
	refused("link type 113");
	file.len = good + 8;
	refused("a block is cut off");
	file.len = good;
	at = block(5);
	end_block(at);
	file.b[at + 7] = 11;
	refused("a block of");
	file.len = good;
	for (int i = 0; i < 5; i++)
		interface(1, 0, 9);
	file.b[8] ^= 0xff;
	refused("a section of no byte order");
	begin(false);
	section();
	for (int i = 0; i < 40; i++)
		interface(1, 0, 255);
	taken(0);
	capture_free(&c);
}
END_TEST

static void text(const char *t)
{
	file.len = strlen(t);
	memcpy(file.b, t, file.len);
}

START_TEST(hexadecimal)
{
	text("# a frame\n\n0102030405060708090a0b0c88b5aa\n 01:02:03:04:05:06 0708090A0B0C 88b5 aa # and again\r\n"
	     "01 02 03 04 05 06 07 08 09 0a 0b 0c 88 b5 aa");
	taken(3);
	ck_assert_uint_eq(c.packets[0].time_ns, 0);
	capture_free(&c);
	text("");
	taken(0);
	capture_free(&c);
	text("0102\n010\n");
	refused("line 2: not two hexadecimal digits at byte 1");
	text("0x01");
	refused("line 1: not two hexadecimal digits at byte 0");
	text(":01");
	refused("line 1: not two");
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct captured p = { .data = file.b, .len = 3, .time_ns = SECONDS * 1000000000 + 123456789 };
	char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);

	memcpy(file.b, "\1\2\3", 3);
	ck_assert_int_eq(capture_begin(f), 0);
	ck_assert_int_eq(capture_put(f, &p, "packet 1 passed"), 0);
	p.len = 0;
	ck_assert_int_eq(capture_put(f, &p, ""), 0);
	fclose(f);
	ck_assert_int_eq(capture_read(data, len, &c, error, sizeof(error)), 0);
	ck_assert_uint_eq(c.n, 2);
	ck_assert_uint_eq(c.packets[0].len, 3);
	ck_assert_uint_eq(c.packets[0].time_ns, p.time_ns);
	ck_assert_mem_eq(c.packets[0].data, "\1\2\3", 3);
	ck_assert_uint_eq(c.packets[1].len, 0);
	ck_assert_ptr_nonnull(memmem(data, len, "packet 1 passed", 15));
	capture_free(&c);
	free(data);
	/* a full disk */
	f = fopen("/dev/full", "w");
	ck_assert_ptr_nonnull(f);
	setvbuf(f, NULL, _IONBF, 0);
	ck_assert_int_eq(capture_begin(f), -EIO);
	ck_assert_int_eq(capture_put(f, &p, ""), -EIO);
	fclose(f);
}
END_TEST

RUN_SUITE("capture", pcap_of_each_kind, pcapng_of_each_resolution, pcapng_blocks, hexadecimal, what_is_written_is_read)
