// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include "observe/ring.h"

/* How many records are taken before the kernel is told that their space is free. */
#define BATCH 64

int ebn_ring_map(struct ebn_ring *ring, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	int rc;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_RINGBUF || !info.max_entries || info.max_entries & (info.max_entries - 1))
		return -EINVAL;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * (uint64_t)info.max_entries, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		rc = -errno;
		munmap(consumer, page);
		return rc;
	}
	*ring = (struct ebn_ring){
		.consumer = consumer,
		.producer = producer,
		.data = (const uint8_t *)producer + page,
		.size = info.max_entries,
		.page = page,
	};
	return 0;
}

void ebn_ring_unmap(struct ebn_ring *ring)
{
	if (!ring->consumer)
		return;
	munmap(ring->consumer, ring->page);
	munmap((void *)(uintptr_t)ring->producer, ring->page + 2 * ring->size);
	ring->consumer = NULL;
}

/* acquire: pairs with the exchange by which the producer commits what it has written */
static uint32_t load_head(const struct ebn_ring *ring, uint64_t at)
{
	const void *head = ring->data + (at & (ring->size - 1));

	return __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);
}

int ebn_ring_read(struct ebn_ring *ring, unsigned int max, ebn_ring_fn fn, void *arg)
{
	/* this side alone writes the consumer's position; the kernel reads it with acquire before it reuses space */
	uint64_t at = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED), end, told = at;
	unsigned int n = 0;
	int rc = 0;

	/* acquire: the heads of all records below the producer's position are at least marked busy */
	end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	while (at < end && n < max && !rc && n < INT_MAX) {
		const uint8_t *record = ring->data + (at & (ring->size - 1));
		uint32_t head = load_head(ring, at), len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (head & BPF_RINGBUF_BUSY_BIT)
			break;
		if (len > ring->size - BPF_RINGBUF_HDR_SZ) {
			rc = -EBADMSG;
			break;
		}
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			rc = fn(record + BPF_RINGBUF_HDR_SZ, len, arg);
			n++;
		}
		at += ((uint64_t)len + BPF_RINGBUF_HDR_SZ + 7) & ~7ull;
		if (at - told >= ring->size / 8 || n % BATCH == 0) {
			__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
			told = at;
		}
	}
	/* release: the records were read before their space is given back */
	if (at != told)
		__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	ring->more = at < end && !(load_head(ring, at) & BPF_RINGBUF_BUSY_BIT);
	return rc < 0 ? rc : (int)n;
}
