// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Flow tables under stress: programs on every CPU find, insert, update and kill, beside them user space looks up, lists,
 * kills, sweeps, reaps, a watch follows what comes and goes, an export is written, and a writer that imports is killed and
 * adopted. Everybody checks everything he sees.
 */
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "conntrack/image.h"
#include "conntrack/watch.h"
#include "core/internal.h"
#include "tables/flow.h"
#include "tables/node.h"

#include "ebn_config.h"
#include "flow_stress.h"
#include "tests/torture/flow_stress.skel.h"

#define NODE_SIZE EBN_NODE_SIZE_MIN
#define SETS 16u
#define OLD_SETS 256u
#define NEW_SETS 1024u
#define IDS (1u << 20)

struct world {
	struct flow_stress_bpf *skel;
	struct ebn_node_hdr *hdr;
	struct ebn_flows t, old;
	struct ebn_grace *grace;
	uint64_t rnd;
	bool v6;
	bool alone;		/* no user space beside the programs */
	/* user space's part of a phase */
	uint32_t kill, import, tick_us;
	volatile bool stop;
	uint64_t lookups, listed, killed, swept, reaped, imported, adopted, writers, bad;
	/* the watch: entries that it knows, by number */
	struct ebn_flows tables[2];
	struct ebn_ct_watch watch;
	int8_t *known;
	uint64_t came, went, exported;
};

static unsigned int failures;

#define EXPECT(cond, ...)                                                                                  \
	do {                                                                                               \
		if (!(cond)) {                                                                             \
			printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #cond);                           \
			printf(__VA_ARGS__);                                                               \
			printf("\n");                                                                      \
			failures++;                                                                        \
		}                                                                                          \
	} while (0)

static uint64_t next_random(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	return ebn_flow_mix(z);
}

static void *map_memory(struct bpf_map *map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* Of the table that is replaced: every word is elsewhere. */
static const struct ebn_flow_layout old_layout = {
	.words = { 9, 15 },
	.at = { { 7, 2, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, 8, 0, 1, 5, 6, 3 },
		{ 14, 3, 12, 7, 1, 9, 0, 13, 2, 11, 4, 10 } },
};

static void world_new(struct world *w, bool v6, uint32_t sets, uint32_t old_sets, uint64_t seed)
{
	uint64_t seeds[2] = { seed, ~seed * 3 }, rnd = seed;
	struct flow_stress_bpf *s = flow_stress_bpf__open();
	unsigned int i;

	memset(w, 0, sizeof(*w));
	if (!s || ebn_grace_new(NULL, &w->grace)) {
		printf("no skeleton or no grace\n");
		exit(1);
	}
	w->skel = s;
	w->v6 = v6;
	w->rnd = seed;
	s->rodata->ebn_cfg.node_size = NODE_SIZE;
	s->rodata->ebn_cfg.flow4_mask = s->rodata->ebn_cfg.flow6_mask = sets - 1;
	s->rodata->ebn_cfg.flow_seed[0] = seeds[0];
	s->rodata->ebn_cfg.flow_seed[1] = seeds[1];
	s->rodata->ebn_cfg.has_old = old_sets != 0;
	s->rodata->ebn_cfg.old4_mask = s->rodata->ebn_cfg.old6_mask = old_sets - 1;
	s->rodata->ebn_cfg.old = old_layout;
	bpf_map__set_value_size(s->maps.ebn_flow4_old, (uint32_t)ebn_flow_layout_bytes(&old_layout, 1, false));
	bpf_map__set_value_size(s->maps.ebn_flow6_old, (uint32_t)ebn_flow_layout_bytes(&old_layout, 1, true));
	bpf_map__set_value_size(s->maps.ebn_node, NODE_SIZE);
	bpf_map__set_max_entries(s->maps.ebn_flow4, sets);
	bpf_map__set_max_entries(s->maps.ebn_flow6, sets);
	bpf_map__set_max_entries(s->maps.ebn_flow4_old, old_sets ? old_sets : 1);
	bpf_map__set_max_entries(s->maps.ebn_flow6_old, old_sets ? old_sets : 1);
	bpf_map__set_autocreate(s->maps.ebn_flow4_old, old_sets != 0);
	bpf_map__set_autocreate(s->maps.ebn_flow6_old, old_sets != 0);
	if (flow_stress_bpf__load(s)) {
		printf("the programs do not load\n");
		exit(1);
	}
	w->hdr = map_memory(s->maps.ebn_node, NODE_SIZE);
	if (ebn_node_format(w->hdr, NODE_SIZE, seeds)) {
		printf("the node tables cannot be formatted\n");
		exit(1);
	}
	for (i = 0; i < EBN_ARRAY_SIZE(w->hdr->idle_ticks); i++)
		w->hdr->idle_ticks[i] = 1000000;
	w->t = (struct ebn_flows){ .mask = sets - 1, .v6 = v6, .seed = { seeds[0], seeds[1] } };
	w->t.mem = map_memory(v6 ? s->maps.ebn_flow6 : s->maps.ebn_flow4, ebn_flow_bytes(sets, v6));
	if (old_sets) {
		w->old = w->t;
		w->old.mask = old_sets - 1;
		w->old.layout = old_layout;
		w->old.mem = map_memory(v6 ? s->maps.ebn_flow6_old : s->maps.ebn_flow4_old,
					ebn_flow_layout_bytes(&old_layout, old_sets, v6));
	}
	for (i = 0; i < STRESS_CPUS; i++)
		s->bss->stat[i].seed = next_random(&rnd) | 1;
}

static void world_free(struct world *w)
{
	munmap(w->hdr, NODE_SIZE);
	munmap(w->t.mem, ebn_flow_bytes(w->t.mask + 1, w->v6));
	if (w->old.mem)
		munmap(w->old.mem, ebn_flow_layout_bytes(&old_layout, w->old.mask + 1, w->v6));
	ebn_grace_free(w->grace);
	flow_stress_bpf__destroy(w->skel);
}

/* ---- what a number looks like in user space ---- */

static struct ebn_flow_copy flow_of(const struct world *w, uint64_t id, uint8_t state)
{
	struct ebn_flow_copy c;
	__u64 words[6];

	memset(&c, 0, sizeof(c));
	stress_key(w->v6, id, words);
	memcpy(c.key.w, words, sizeof(words));
	stress_fill(&c.body, id, state, EBN_READ(w->skel->bss->cfg.now));
	return c;
}

static uint64_t id_of(const struct world *w, const struct ebn_flow_copy *c)
{
	return w->v6 ? ~c->key.w[1] : (uint32_t)c->key.w[1];
}

static bool good(const struct world *w, const struct ebn_flow_copy *c)
{
	uint64_t id = id_of(w, c);
	__u64 words[6];

	stress_key(w->v6, id, words);
	return !memcmp(words, c->key.w, w->v6 ? 48 : 16) &&
	       stress_good(id, c->tag, c->body.ctl, c->body.row, c->body.decision, c->body.aux);
}

/* ---- the programs ---- */

struct cpu_run {
	struct world *w;
	int cpu;
	double end;
	int err;
};

static double now_s(void)
{
	return (double)ebn_monotonic_ns() * 1e-9;
}

static void *cpu_main(void *arg)
{
	struct cpu_run *r = arg;
	struct bpf_program *prog = r->w->v6 ? r->w->skel->progs.stress6 : r->w->skel->progs.stress4;
	char packet[64] = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)r->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	do {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 500);

		r->err = bpf_prog_test_run_opts(bpf_program__fd(prog), &o);
	} while (!r->err && now_s() < r->end);
	return NULL;
}

/* ---- user space beside them ---- */

static void look_around(struct world *w)
{
	const struct stress_cfg cfg = { .first = w->skel->bss->cfg.first, .n = w->skel->bss->cfg.n,
					.keep = w->skel->bss->cfg.keep };
	struct ebn_flow_copy c, want;
	uint64_t pos = 0, id;
	int i;

	for (i = 0; i < 200; i++) {
		id = cfg.first + next_random(&w->rnd) % cfg.n;
		want = flow_of(w, id, EBN_FS_HALF_OPEN);
		w->lookups++;
		if (!ebn_flow_lookup(&w->t, &want.key, &c))
			continue;
		w->bad += !good(w, &c) || id_of(w, &c) != id;
		if (id >= cfg.keep && next_random(&w->rnd) % 1024 < w->kill)
			w->killed += (uint64_t)ebn_flow_kill(&w->t, &c);
	}
	while (ebn_flow_next(&w->t, &pos, &c)) {
		w->listed++;
		w->bad += !good(w, &c);
	}
}

static void *user_main(void *arg)
{
	struct world *w = arg;
	struct ebn_sweep s = { .idle_ticks = w->hdr->idle_ticks };
	uint64_t pos = 0, last = 0, reap = 0, now;

	while (!w->stop && !w->alone) {
		look_around(w);
		now = ebn_monotonic_ns();
		if (w->tick_us && now - last > w->tick_us * 1000ULL) {
			last = now;
			EBN_WRITE(w->skel->bss->cfg.now, w->skel->bss->cfg.now + 1);
			s.now = w->skel->bss->cfg.now;
			w->swept += ebn_flow_sweep(&w->t, &s, &pos, 32);
		}
		if (w->kill && now - reap > 20000000ULL) {
			reap = now;
			ebn_grace_wait(w->grace);
			w->reaped += ebn_flow_reap(&w->t);
		}
	}
	return NULL;
}

/* One look of the watch: how many changes. A flow that it was not told of cannot go. */
static unsigned int watch_look(struct world *w)
{
	struct ebn_ct_change c;
	unsigned int n = 0;
	uint64_t id;

	while (ebn_ct_watch_next(&w->watch, w->tables, &c)) {
		id = id_of(w, &c.flow);
		n++;
		w->bad += !good(w, &c.flow);
		if (c.type == EBPFNET_CT_EVENT_UPDATE || id >= IDS)
			continue;
		w->known[id] = (int8_t)(w->known[id] + (c.type == EBPFNET_CT_EVENT_NEW ? 1 : -1));
		w->came += c.type == EBPFNET_CT_EVENT_NEW;
		w->went += c.type == EBPFNET_CT_EVENT_DESTROY;
		/* more than one: a look takes time, a flow may have moved ahead of it, and its old place is seen by the next */
		w->bad += w->known[id] < 0;
	}
	return n;
}

static int swallow(const void *data, size_t len, void *arg)
{
	(void)data;
	*(uint64_t *)arg += len;
	return 0;
}

static void *watch_main(void *arg)
{
	struct world *w = arg;
	unsigned int looks = 0;

	while (!w->stop && !w->alone) {
		struct ebn_ct_walk walk = { .tables = w->tables, .view = { .now = 1, .tick_ns = 125000000 },
					    .filter = { .sz = sizeof(struct ebpfnet_ct_filter) } };

		watch_look(w);
		if (++looks % 16 == 1)
			w->bad += ebn_image_write(&walk, swallow, &w->exported) != 0;
	}
	return NULL;
}

static void watch_start(struct world *w)
{
	memset(w->tables, 0, sizeof(w->tables));
	w->tables[w->v6] = w->t;
	w->came = w->went = w->exported = 0;
	w->known = ebn_calloc(IDS, 1);
	if (!w->known || ebn_ct_watch_begin(&w->watch, w->tables)) {
		printf("no memory for a watch\n");
		exit(1);
	}
}

/* Everybody has stopped: what the watch knows is what is there, each once. */
static void watch_stop(struct world *w)
{
	struct ebn_flow_copy c;
	uint64_t pos = 0, id, wrong = 0;

	while (!w->alone && watch_look(w))
		;
	while (!w->alone && ebn_flow_next(&w->t, &pos, &c))
		if (id_of(w, &c) < IDS)
			w->known[id_of(w, &c)]--;
	for (id = 0; id < IDS; id++)
		wrong += w->known[id] != 0;
	EXPECT(!wrong, "%lu flows are not as the watch knows them", wrong);
	EXPECT(w->alone || (w->came >= w->went && w->exported), "came %lu went %lu exported %lu", w->came, w->went,
	       w->exported);
	ebn_ct_watch_end(&w->watch);
	free(w->known);
}

/* The writer that is killed: imports for ever; *done counts. */
static pid_t writer_start(struct world *w, volatile uint64_t *done)
{
	const uint32_t first = w->skel->bss->cfg.first, n = w->skel->bss->cfg.n;
	pid_t pid = fork();

	if (pid)
		return pid;
	w->rnd ^= (uint64_t)getpid() << 20;
	for (;;) {
		struct ebn_flow_copy c = flow_of(w, first + next_random(&w->rnd) % n, EBN_FS_CLOSING);

		*done += ebn_flow_import(&w->t, &c) == 1;
	}
}

static void writers(struct world *w, double end)
{
	volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec nap = { .tv_nsec = 1000000 };

	while (now_s() < end) {
		pid_t pid = w->import ? writer_start(w, done) : -1;

		nap.tv_nsec = 1000000 + (long)(next_random(&w->rnd) % 20000000);
		nanosleep(&nap, NULL);
		if (pid < 0)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		w->writers++;
		w->adopted += ebn_flow_adopt(&w->t);
	}
	w->imported = *done;
	munmap((void *)done, 4096);
}

/* ---- a phase ---- */

static struct stress_stat phase(struct world *w, const char *name, const struct stress_cfg *cfg, double seconds)
{
	struct cpu_run run[STRESS_CPUS];
	pthread_t threads[STRESS_CPUS], user, watcher;
	struct stress_stat sum = { 0 };
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), i, j;
	double end = now_s() + seconds;

	if (cpus > (int)STRESS_CPUS)
		cpus = STRESS_CPUS;
	memcpy((void *)&w->skel->bss->cfg, cfg, sizeof(*cfg));
	w->stop = false;
	watch_start(w);
	for (i = 0; i < cpus; i++) {
		run[i] = (struct cpu_run){ .w = w, .cpu = i, .end = end };
		if (pthread_create(&threads[i], NULL, cpu_main, &run[i]))
			exit(1);
	}
	if (pthread_create(&user, NULL, user_main, w) || pthread_create(&watcher, NULL, watch_main, w))
		exit(1);
	writers(w, end);
	for (i = 0; i < cpus; i++) {
		pthread_join(threads[i], NULL);
		EXPECT(!run[i].err, "test run: %d", run[i].err);
	}
	w->stop = true;
	pthread_join(user, NULL);
	pthread_join(watcher, NULL);
	watch_stop(w);
	for (i = 0; i < (int)STRESS_CPUS; i++) {
		struct stress_stat *s = &w->skel->bss->stat[i];
		const __u64 *from = (const __u64 *)s;
		__u64 *to = (__u64 *)&sum, seed = s->seed;

		for (j = 1; j < (int)(sizeof(sum) / 8); j++)
			to[j] += from[j];
		memset(s, 0, sizeof(*s));
		s->seed = seed;
	}
	printf("%s v%c: ops %llu hits %llu inserted %llu lost-race %llu busy %llu full %llu updated %llu update-lost %llu "
	       "killed %llu torn %llu gave-up %llu expired %llu\n",
	       name, w->v6 ? '6' : '4', sum.ops, sum.hits, sum.inserted, sum.lost_race, sum.busy, sum.full, sum.updated,
	       sum.update_failed, sum.killed, sum.torn, sum.gave_live, sum.gave_expired);
	printf("  watch: came %lu went %lu missed %lu, exported %lu bytes\n", w->came, w->went, w->watch.missed, w->exported);
	printf("  user: lookups %lu listed %lu killed %lu swept %lu reaped %lu imported %lu writers %lu adopted %lu\n",
	       w->lookups, w->listed, w->killed, w->swept, w->reaped, w->imported, w->writers, w->adopted);
	EXPECT(!sum.ghosts, "%llu reads of another flow", sum.ghosts);
	EXPECT(!sum.duplicates, "%llu duplicates", sum.duplicates);
	EXPECT(!sum.missing, "%llu protected flows were missed", sum.missing);
	EXPECT(!w->bad, "%lu copies were wrong in user space", w->bad);
	EXPECT(sum.ops > 1000, "%llu operations", sum.ops);
	return sum;
}

struct rest {
	uint64_t live, packets, bytes, keep;
};

/* What is left when everybody has stopped. */
static struct rest check_rest(const struct world *w, const struct ebn_flows *t, uint8_t *seen, uint32_t ids,
			      uint32_t keep)
{
	struct rest r = { 0 };
	struct ebn_flow_copy c, again;
	uint64_t pos = 0, id, tags = 0;
	uint32_t set, way;

	for (set = 0; set <= t->mask; set++) {
		for (way = 0; way < EBN_FLOW_WAYS; way++) {
			uint32_t state = EBN_TAG_STATE(ebn_flow_tag_at(t, set, way));

			EXPECT(state != EBN_TAG_CLAIM && state != EBN_TAG_UCLAIM, "set %u way %u: stuck claim", set, way);
			tags += state == EBN_TAG_LIVE;
		}
	}
	while (ebn_flow_next(t, &pos, &c)) {
		id = id_of(w, &c);
		r.live++;
		r.packets += c.body.packets[0] + c.body.packets[1];
		r.bytes += c.body.bytes[0] + c.body.bytes[1];
		r.keep += id < keep;
		EXPECT(good(w, &c) && id < ids, "entry %lu is not whole", id);
		if (id < ids) {
			EXPECT(!seen[id], "entry %lu twice", id);
			seen[id] = 1;
		}
		EXPECT(ebn_flow_lookup(t, &c.key, &again) == 1 && again.tag == c.tag, "entry %lu is where nobody looks",
		       id);
	}
	EXPECT(tags == r.live, "%lu live tags, %lu listed", tags, r.live);
	return r;
}

/* Few keys in a small table, and everybody at them. */
static void contention(bool v6, uint64_t seed)
{
	struct stress_cfg cfg = { .n = 220, .insert = 1, .kill = 1, .linger = 100, .check = 200,
				  .state = EBN_FS_HALF_OPEN };
	struct world w;
	uint8_t seen[220] = { 0 };
	struct stress_stat s;

	world_new(&w, v6, SETS, 0, seed);
	w.kill = 3;
	w.import = 1;
	w.tick_us = 20000;
	w.hdr->idle_ticks[EBN_FLOW_IDLE_TCP_HALF] = w.hdr->idle_ticks[EBN_FLOW_IDLE_UDP_HALF] = 0;
	s = phase(&w, "contention", &cfg, 4);
	EXPECT(s.inserted && s.hits && s.killed && s.updated, "it did not do what it is for");
	EXPECT(w.killed && w.swept && w.imported && w.writers, "user space did not do what it is for");
	check_rest(&w, &w.t, seen, cfg.n, 0);
	world_free(&w);
}

/* More new flows than fit: the protected ones stay. */
static void overload(bool v6, uint64_t seed)
{
	struct stress_cfg cfg = { .keep = 800, .n = 800, .insert = 1, .check = 50, .state = EBN_FS_HALF_OPEN };
	uint8_t *seen = ebn_calloc(IDS, 1);
	struct stress_stat s;
	struct world w;
	struct rest r;

	world_new(&w, v6, 256, 0, seed);
	s = phase(&w, "fill", &cfg, 0.3);
	EXPECT(s.inserted == cfg.keep, "%llu of %u inserted", s.inserted, cfg.keep);
	r = check_rest(&w, &w.t, seen, IDS, cfg.keep);
	EXPECT(r.live == cfg.keep && r.packets == s.hits + s.inserted && r.bytes == STRESS_BYTES * r.packets,
	       "live %lu packets %lu bytes %lu of %llu", r.live, r.packets, r.bytes, s.hits + s.inserted);
	memset(seen, 0, IDS);
	cfg.first = cfg.keep;
	cfg.n = IDS - cfg.keep;
	cfg.linger = 10;
	cfg.strict = 1;
	s = phase(&w, "overload", &cfg, 3);
	EXPECT(s.gave_live > 1000, "%llu given up", s.gave_live);
	cfg.insert = 0;
	cfg.first = 0;
	cfg.n = cfg.keep;
	phase(&w, "protected", &cfg, 0.2);
	r = check_rest(&w, &w.t, seen, IDS, cfg.keep);
	EXPECT(r.keep == cfg.keep, "%lu of %u protected flows are left", r.keep, cfg.keep);
	world_free(&w);
	free(seen);
}

/* A table that is replaced by a larger one of another layout under load: nothing is missed at any time. */
static void growth(bool v6, uint64_t seed)
{
	struct stress_cfg cfg = { .keep = 1000, .n = 1000, .insert = 1, .state = EBN_FS_ESTABLISHED };
	uint8_t seen[1000] = { 0 };
	struct ebn_flow_copy c;
	struct rest a, b;
	struct world w;
	uint64_t pos = 0;
	uint32_t i;

	world_new(&w, v6, NEW_SETS, OLD_SETS, seed);
	for (i = 0; i < cfg.n; i++) {
		c = flow_of(&w, i, EBN_FS_ESTABLISHED);
		EXPECT(ebn_flow_import(&w.old, &c) == 1, "import");
	}
	a = check_rest(&w, &w.old, seen, cfg.n, cfg.keep);
	EXPECT(a.live == cfg.n, "%lu flows in the old table", a.live);
	cfg.insert = 0;
	cfg.strict = 1;
	cfg.linger = 20;
	EBN_WRITE(w.hdr->stage, EBN_STAGE_DRAIN);
	/* a short time first, so that the tables are both in use when the next phase starts */
	phase(&w, "draining", &cfg, 1);
	memset(seen, 0, sizeof(seen));
	a = check_rest(&w, &w.old, seen, cfg.n, cfg.keep);
	b = check_rest(&w, &w.t, seen, cfg.n, cfg.keep);
	EXPECT(a.live + b.live == cfg.n, "%lu left, %lu moved", a.live, b.live);
	EXPECT(b.live > 0, "nothing moved");
	while (ebn_flow_next(&w.old, &pos, &c)) {
		EXPECT(ebn_flow_import(&w.t, &c) == 1, "import");
		ebn_flow_kill(&w.old, &c);
	}
	EBN_WRITE(w.hdr->stage, EBN_STAGE_ONE);
	phase(&w, "new table", &cfg, 0.3);
	world_free(&w);
}

/* ---- a flood, and a table with no room: check-slow ---- */

/* The 999th of 1,000 inserts by their time. */
static unsigned int p999_ns(const struct world *w)
{
	uint64_t all = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < STRESS_BUCKETS; i++)
		all += w->skel->bss->took[i];
	for (i = 0; i < STRESS_BUCKETS; i++) {
		sum += w->skel->bss->took[i];
		if (sum * 1000 >= all * 999)
			break;
	}
	return (i + 1) * 32;
}

/* Half-open flows, five million and more of them, beside established ones that fill 40 % of the table. */
static void flood(bool v6, uint64_t seed)
{
	const uint32_t sets = 32768, keep = sets * EBN_FLOW_WAYS * 2 / 5;
	struct stress_cfg cfg = { .keep = keep, .n = keep, .insert = 1, .state = EBN_FS_HALF_OPEN };
	struct ebn_flow_copy c, want;
	struct stress_stat s = { 0 };
	uint64_t inserted = 0, id;
	struct world w;
	int i;

	world_new(&w, v6, sets, 0, seed);
	w.alone = true;
	for (i = 0; i < 20 && inserted < keep; i++)
		inserted += phase(&w, "fill", &cfg, 1).inserted;
	EXPECT(inserted == keep, "%lu of %u are there", inserted, keep);
	cfg.strict = 1;
	cfg.timed = 1;
	cfg.first = keep;
	cfg.n = UINT32_MAX - keep;
	for (i = 0, inserted = 0; i < 40 && inserted < 5000000; i++) {
		s = phase(&w, "flood", &cfg, 1);
		inserted += s.inserted;
		EXPECT(!s.full, "%llu new flows found no way", s.full);
	}
	EXPECT(inserted >= 5000000, "%lu new flows", inserted);
	for (id = 0, i = 0; id < keep; id++) {
		want = flow_of(&w, id, EBN_FS_ESTABLISHED);
		i += ebn_flow_lookup(&w.t, &want.key, &c) == 1 && good(&w, &c);
	}
	EXPECT((uint32_t)i == keep, "%d of %u established flows are left", i, keep);
	printf("flood v%c: %lu new flows, %d of %u established ones left, 99.9 %% of inserts within %u ns\n",
	       v6 ? '6' : '4', inserted, i, keep, p999_ns(&w));
	world_free(&w);
}

/* Established flows until none fits; then every further one is refused and nothing that is there is touched. */
static void no_room(bool v6, uint64_t seed)
{
	const uint32_t sets = 4096, ways = sets * EBN_FLOW_WAYS;
	struct stress_cfg cfg = { .n = 1u << 30, .insert = 1, .state = EBN_FS_ESTABLISHED };
	char packet[64] = { 0 };
	struct stress_stat *st;
	double first;
	struct rest r;
	struct world w;
	uint8_t *seen;
	unsigned int cpu, i;

	world_new(&w, v6, sets, 0, seed);
	w.alone = true;
	memcpy((void *)&w.skel->bss->cfg, &cfg, sizeof(cfg));
	cpu = (unsigned int)sched_getcpu();
	st = &w.skel->bss->stat[cpu % STRESS_CPUS];
	for (i = 0; i < ways && !st->full; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 4);
		struct bpf_program *prog = v6 ? w.skel->progs.stress6 : w.skel->progs.stress4;

		EXPECT(!bpf_prog_test_run_opts(bpf_program__fd(prog), &o), "test run");
	}
	first = (double)st->inserted / ways;
	EXPECT(first > 0.6, "refused at %.3f", first);
	for (i = 0; i < 3; i++)
		phase(&w, "no room", &cfg, 0.5);
	seen = ebn_calloc(1u << 30, 1);
	if (seen) {
		r = check_rest(&w, &w.t, seen, 1u << 30, 0);
		EXPECT(r.live <= ways && r.live > ways * 9ULL / 10, "%lu live of %u", r.live, ways);
		printf("no room v%c: first refusal at %.1f %% of the ways, %lu of %u used in the end\n", v6 ? '6' : '4',
		       first * 100, r.live, ways);
	}
	free(seen);
	world_free(&w);
}

int main(int argc, char **argv)
{
	const char *text = getenv("EBN_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : ebn_monotonic_ns();

	printf("EBN_TEST_SEED=%lu\n", seed);
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "flood")) {
		flood(false, seed);
		flood(true, seed + 1);
		no_room(false, seed + 2);
		no_room(true, seed + 3);
		printf("%u failures\n", failures);
		return failures != 0;
	}
	contention(false, seed);
	contention(true, seed + 1);
	overload(false, seed + 2);
	overload(true, seed + 3);
	growth(false, seed + 4);
	growth(true, seed + 5);
	printf("%u failures\n", failures);
	return failures != 0;
}
