// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Health of backends: heaps by the time of the next check, an index by name and address, and counts of results in a row. */
#include <netinet/in.h>

#include "core/index.h"
#include "core/internal.h"
#include <ebpfnet/health.h>

struct target {
	struct ebpfnet_backend backend;	/* address, port, protocol; the rest 0 */
	struct ebpfnet_health_config config; /* defaults filled in */
	enum ebpfnet_health_state state;
	uint32_t successes, failures;	/* in a row */
	uint64_t since_ns, last_ns, due_ns;
	uint64_t results, failed;
	uint64_t hash;
	uint32_t number;		/* in h->target */
	uint32_t place;			/* in the heap of its state */
	bool handed_out;		/* at least once */
	char service[];			/* "": every service */
};

#define STATES (EBPFNET_HEALTH_UNHEALTHY + 1)

/* Of one state: none is due before its parent at (i - 1) / 2. There is room for all of the object. */
struct heap {
	struct target **t;
	size_t n, cap;
};

struct ebpfnet_health {
	struct target **target;		/* n of them, without holes */
	size_t n, cap;
	struct heap heap[STATES];
	struct ebn_index index;		/* values are numbers */
};

/* What tells a backend from others. */
struct key {
	struct ebpfnet_addr addr;
	uint16_t port;
	uint8_t protocol;
	uint8_t zero[5];
};

const char *ebpfnet_health_state_name(enum ebpfnet_health_state state)
{
	static const char *const names[] = { "unknown", "healthy", "unhealthy" };

	return (unsigned int)state < EBN_ARRAY_SIZE(names) ? names[state] : NULL;
}

/* ---- heaps ---- */

static void put(struct heap *h, size_t place, struct target *t)
{
	h->t[place] = t;
	t->place = (uint32_t)place;
}

/* Finds its place for a target whose time has changed. */
static void sift(struct heap *h, struct target *t)
{
	size_t i = t->place, child;

	for (; i && h->t[(i - 1) / 2]->due_ns > t->due_ns; i = (i - 1) / 2)
		put(h, i, h->t[(i - 1) / 2]);
	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->t[child + 1]->due_ns < h->t[child]->due_ns)
			child++;
		if (h->t[child]->due_ns >= t->due_ns)
			break;
		put(h, i, h->t[child]);
	}
	put(h, i, t);
}

static void heap_add(struct heap *h, struct target *t)
{
	t->place = (uint32_t)h->n++;
	sift(h, t);
}

static void heap_remove(struct heap *h, struct target *t)
{
	struct target *last = h->t[--h->n];

	if (last == t)
		return;
	put(h, t->place, last);
	sift(h, last);
}

/* The target of these states that is due first; NULL: there is none. */
static struct target *first(const struct ebpfnet_health *h, uint32_t states)
{
	struct target *ret = NULL, *t;
	unsigned int i;

	for (i = 0; i < STATES; i++) {
		t = states >> i & 1 && h->heap[i].n ? h->heap[i].t[0] : NULL;
		if (t && (!ret || t->due_ns < ret->due_ns))
			ret = t;
	}
	return ret;
}

static uint64_t later(uint64_t now_ns, uint64_t ms)
{
	uint64_t ns = ms * 1000000u;

	return now_ns > UINT64_MAX - ns ? UINT64_MAX : now_ns + ns;
}

/* ---- finding ---- */

/* "" for every service; NULL: not a name. */
static const char *service_text(const char *service)
{
	size_t len;

	if (!service)
		return "";
	len = strnlen(service, EBPFNET_SERVICE_NAME_MAX + 1);
	return len && len <= EBPFNET_SERVICE_NAME_MAX ? service : NULL;
}

/* The name to look for, and its hash. NULL: name or backend are none. */
static const char *look(const char *service, const struct ebpfnet_backend *b, uint64_t *ret_hash)
{
	const char *name = service_text(service);
	struct key key = { 0 };

	if (!name || !b || !ebpfnet_addr_family(&b->addr) ||
	    (b->protocol && b->protocol != IPPROTO_TCP && b->protocol != IPPROTO_UDP))
		return NULL;
	key.addr = b->addr;
	key.port = b->port;
	key.protocol = b->protocol;
	*ret_hash = ebn_hash_bytes(&key, sizeof(key)) * 0x9e3779b97f4a7c15u + ebn_hash_bytes(name, strlen(name));
	return name;
}

static struct target *find(const struct ebpfnet_health *h, const char *name, const struct ebpfnet_backend *b,
			   uint64_t hash)
{
	uint32_t cur, number;

	ebn_index_for_each(&h->index, hash, cur, number) {
		struct target *t = h->target[number];

		if (!memcmp(&t->backend.addr, &b->addr, sizeof(b->addr)) && t->backend.port == b->port &&
		    t->backend.protocol == b->protocol && !strcmp(t->service, name))
			return t;
	}
	return NULL;
}

/* 0, -EINVAL or -ENOENT. */
static int find_public(const struct ebpfnet_health *h, const char *service, const struct ebpfnet_backend *b,
		       struct target **ret)
{
	uint64_t hash;
	const char *name = h ? look(service, b, &hash) : NULL;

	if (!name)
		return -EINVAL;
	*ret = find(h, name, b, hash);
	return *ret ? 0 : -ENOENT;
}

/* ---- the object ---- */

int ebpfnet_health_new(struct ebpfnet_health **ret)
{
	struct ebpfnet_health *h;

	if (!ret)
		return -EINVAL;
	h = ebn_calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	*ret = h;
	return 0;
}

void ebpfnet_health_free(struct ebpfnet_health *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->n; i++)
		free(h->target[i]);
	for (i = 0; i < STATES; i++)
		free(h->heap[i].t);
	free(h->target);
	ebn_index_done(&h->index);
	free(h);
}

/* With defaults in the place of 0. */
static int read_config(const struct ebpfnet_health_config *o, struct ebpfnet_health_config *ret)
{
	struct ebpfnet_health_config c = { 0 };

	if (!EBN_OPTS_VALID(o, ebpfnet_health_config))
		return -EINVAL;
	c.interval_ms = EBN_OPT(o, interval_ms, 0);
	c.timeout_ms = EBN_OPT(o, timeout_ms, 0);
	c.rise = EBN_OPT(o, rise, 0);
	c.fall = EBN_OPT(o, fall, 0);
	c.initial = EBN_OPT(o, initial, EBPFNET_HEALTH_UNKNOWN);
	c.cookie = EBN_OPT(o, cookie, 0);
	if (!c.interval_ms)
		c.interval_ms = EBPFNET_HEALTH_INTERVAL_MS;
	if (!c.timeout_ms)
		c.timeout_ms = c.interval_ms < EBPFNET_HEALTH_TIMEOUT_MS ? c.interval_ms : EBPFNET_HEALTH_TIMEOUT_MS;
	if (!c.rise)
		c.rise = EBPFNET_HEALTH_RISE;
	if (!c.fall)
		c.fall = EBPFNET_HEALTH_FALL;
	if (c.interval_ms < EBPFNET_HEALTH_INTERVAL_MIN_MS || c.interval_ms > EBPFNET_HEALTH_INTERVAL_MAX_MS ||
	    c.timeout_ms > c.interval_ms || c.rise > EBPFNET_HEALTH_RUN_MAX || c.fall > EBPFNET_HEALTH_RUN_MAX ||
	    (unsigned int)c.initial > EBPFNET_HEALTH_UNHEALTHY || EBN_OPT(o, reserved, 0))
		return -EINVAL;
	*ret = c;
	return 0;
}

static int add(struct ebpfnet_health *h, const char *name, const struct ebpfnet_backend *b, uint64_t hash,
	       const struct ebpfnet_health_config *config, uint64_t now_ns)
{
	size_t len = strlen(name);
	struct target *t;
	int i, r;

	if (h->n == EBPFNET_HEALTH_BACKENDS_MAX)
		return -ENOSPC;
	r = ebn_grow(&h->target, &h->cap, h->n + 1, sizeof(*h->target));
	/* whatever becomes of them: a change of state needs no memory */
	for (i = 0; !r && i < STATES; i++)
		r = ebn_grow(&h->heap[i].t, &h->heap[i].cap, h->n + 1, sizeof(*h->heap[i].t));
	if (!r)
		r = ebn_index_reserve(&h->index, 1);
	if (r < 0)
		return r;
	t = ebn_calloc(1, sizeof(*t) + len + 1);
	if (!t)
		return -ENOMEM;
	t->backend.addr = b->addr;
	t->backend.port = b->port;
	t->backend.protocol = b->protocol;
	t->config = *config;
	t->state = config->initial;
	t->since_ns = t->due_ns = now_ns;
	t->hash = hash;
	t->number = (uint32_t)h->n;
	memcpy(t->service, name, len);
	h->target[h->n++] = t;
	/* there is room */
	(void)ebn_index_add(&h->index, hash, t->number);
	heap_add(&h->heap[t->state], t);
	return 0;
}

int ebpfnet_health_track(struct ebpfnet_health *h, const char *service, const struct ebpfnet_backend *backend,
			 const struct ebpfnet_health_config *o, uint64_t now_ns)
{
	struct ebpfnet_health_config config;
	struct target *t;
	uint64_t hash, due;
	const char *name = h ? look(service, backend, &hash) : NULL;
	int r = name ? read_config(o, &config) : -EINVAL;

	if (r < 0)
		return r;
	t = find(h, name, backend, hash);
	if (!t)
		return add(h, name, backend, hash, &config, now_ns);
	t->config = config;
	due = later(now_ns, config.interval_ms);
	if (due < t->due_ns) {
		t->due_ns = due;
		sift(&h->heap[t->state], t);
	}
	return 0;
}

int ebpfnet_health_untrack(struct ebpfnet_health *h, const char *service, const struct ebpfnet_backend *backend)
{
	struct target *t, *last;
	int r = find_public(h, service, backend, &t);

	if (r < 0)
		return r;
	h->n--;
	ebn_index_remove(&h->index, t->hash, t->number);
	last = h->target[h->n];
	if (last != t) {
		/* the last one fills the hole; its entry just freed is room for the new one */
		ebn_index_remove(&h->index, last->hash, last->number);
		last->number = t->number;
		h->target[last->number] = last;
		(void)ebn_index_add(&h->index, last->hash, last->number);
	}
	heap_remove(&h->heap[t->state], t);
	free(t);
	return 0;
}

/* ---- checks and results ---- */

static void fill(const struct target *t, struct ebpfnet_health_info *ret, size_t size)
{
	const struct ebpfnet_health_info info = {
		.service = *t->service ? t->service : NULL,
		.backend = &t->backend,
		.cookie = t->config.cookie,
		.interval_ms = t->config.interval_ms,
		.timeout_ms = t->config.timeout_ms,
		.rise = t->config.rise,
		.fall = t->config.fall,
		.state = t->state,
		.successes = t->successes,
		.failures = t->failures,
		.since_ns = t->since_ns,
		.last_ns = t->last_ns,
		.due_ns = t->due_ns,
		.results = t->results,
		.failed = t->failed,
	};

	ebn_copy_out(ret, size, &info, sizeof(info));
}

uint64_t ebpfnet_health_due(const struct ebpfnet_health *h, uint32_t states)
{
	const struct target *t = h ? first(h, states) : NULL;

	return t ? t->due_ns : UINT64_MAX;
}

int ebpfnet_health_next(struct ebpfnet_health *h, uint64_t now_ns, uint32_t states, struct ebpfnet_health_info *ret,
			size_t size)
{
	uint32_t wait, spare;
	struct target *t;

	if (!h || !ret)
		return -EINVAL;
	t = first(h, states);
	if (!t || t->due_ns > now_ns)
		return 0;
	wait = t->config.interval_ms;
	spare = wait - t->config.timeout_ms;
	if (!t->handed_out)
		wait -= (uint32_t)((t->hash >> 32) % (spare + 1));
	t->handed_out = true;
	t->due_ns = later(now_ns, wait);
	sift(&h->heap[t->state], t);
	fill(t, ret, size);
	return 1;
}

static void count(uint32_t *run, uint32_t *other)
{
	*run += *run < UINT32_MAX;
	*other = 0;
}

int ebpfnet_health_report(struct ebpfnet_health *h, const char *service, const struct ebpfnet_backend *backend,
			  int success, uint64_t now_ns, enum ebpfnet_health_state *ret)
{
	enum ebpfnet_health_state state;
	struct target *t;
	int r = find_public(h, service, backend, &t);

	if (r < 0)
		return r;
	if (now_ns < t->last_ns)
		return -ESTALE;
	t->last_ns = now_ns;
	t->results++;
	t->failed += !success;
	if (success)
		count(&t->successes, &t->failures);
	else
		count(&t->failures, &t->successes);
	state = t->successes >= t->config.rise ? EBPFNET_HEALTH_HEALTHY :
		t->failures >= t->config.fall  ? EBPFNET_HEALTH_UNHEALTHY : t->state;
	r = state != t->state;
	if (r) {
		heap_remove(&h->heap[t->state], t);
		t->state = state;
		t->since_ns = now_ns;
		heap_add(&h->heap[state], t);
	}
	if (ret)
		*ret = state;
	return r;
}

int ebpfnet_health_get(const struct ebpfnet_health *h, const char *service, const struct ebpfnet_backend *backend,
		       struct ebpfnet_health_info *ret, size_t size)
{
	struct target *t;
	int r = ret ? find_public(h, service, backend, &t) : -EINVAL;

	if (!r)
		fill(t, ret, size);
	return r;
}

int ebpfnet_health_foreach(const struct ebpfnet_health *h, ebpfnet_health_fn fn, void *userdata)
{
	struct ebpfnet_health_info info;
	size_t i;
	int r;

	if (!h || !fn)
		return -EINVAL;
	for (i = 0; i < h->n; i++) {
		fill(h->target[i], &info, sizeof(info));
		r = fn(&info, userdata);
		if (r)
			return r;
	}
	return 0;
}
