// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A writer of node tables that is killed at random moments, many times over, beside a reader that never stops. The reader
 * stands for a program: it follows the root without ever looking twice, and only grace periods protect it. It must find
 * each generation whole, every address that always exists, and nobody's identity under another's address. After each kill
 * the tables are adopted, and every line of space must be either reachable or free.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit/suite.h"
#include "tables/names.h"
#include "tables/rows.h"

#define SIZE (8u << 20)
#define ROWS 32u
#define STABLE 3000u		/* addresses that are never removed */
#define CHURN 6000u		/* addresses that come and go behind them */
#define GROUPS 1000u		/* of three prefixes, of which one is never removed */

struct shared {
	uint64_t passes;	/* of the reader: outside the tables each time it is raised */
	uint64_t found, generations, failed;
	uint64_t published;	/* by all writers */
	uint64_t opened;	/* how many writers have adopted */
};

static uint8_t *mem;
static struct shared *sh;
static struct ebn_node *nt;
static struct ebn_rows *rows;
static uint64_t seed;

#define FAIL(...) give_up(__LINE__, __VA_ARGS__)
__attribute__((format(printf, 2, 3), noreturn)) static void give_up(int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "node-crash: line %d: ", line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	sh->failed = 1;
	_exit(1);
}

static void ok(int err, int line)
{
	if (err)
		give_up(line, "error %d", err);
}
#define OK(x) ok(x, __LINE__)

static void address(uint32_t i, uint32_t addr[4])
{
	addr[0] = 0x20010db8;
	addr[1] = i;
	addr[2] = i * 2654435761u;
	addr[3] = 1;
}

static uint32_t identity_of(uint32_t i)
{
	return 1000 + i;
}

/* Prefixes that nest by threes, in a corner where no address is. The first of each three is never removed. */
static uint32_t prefix(uint32_t i, uint32_t addr[4])
{
	uint32_t group = i % GROUPS;

	addr[0] = 0x20020db8;
	addr[1] = group * 2654435761u;
	addr[2] = addr[3] = 0xffffffff;
	return 64 + i / GROUPS * (9 + group % 7);
}

/* ---- the reader ---- */

static uint32_t program_addr(const struct ebn_dir *dir, uint32_t i)
{
	const struct ebn_addr_bucket *b = (const struct ebn_addr_bucket *)(mem + dir->slot[EBN_P_ADDR].off);
	uint32_t addr[4], which, w, k, at, id, n = dir->slot[EBN_P_ADDR].n;
	uint64_t hash;

	address(i, addr);
	hash = ebn_addr_hash(addr);
	for (which = 0; which < 2; which++) {
		at = (uint32_t)(which ? hash >> 32 : hash) & (n - 1);
		for (w = 0; w < 4; w++) {
			id = __atomic_load_n(&b[at].e[w].identity, __ATOMIC_ACQUIRE);
			for (k = 0; k < 4 && EBN_READ(b[at].e[w].addr[k]) == addr[k]; k++)
				;
			if (id && k == 4)
				return id;
		}
	}
	return 0;
}

/* One of the group's three prefixes, whatever the writer does. */
static void program_prefix(const struct ebn_dir *dir, uint32_t group)
{
	struct ebn_prefix p = { 0 };
	uint32_t addr[4];
	int err;

	prefix(group, addr);
	err = ebn_rows_read_prefix(mem, SIZE, dir, addr, &p);
	if (err != -EAGAIN && (err || (p.identity - 1) % GROUPS != group))
		FAIL("group %u: error %d, identity %u", group, err, p.identity);
}

static void program_generation(const struct ebn_dir *dir)
{
	uint32_t p, k, len, stamp = dir->slot[EBN_P_USER0].n;
	const uint32_t *w;

	if (dir->magic != EBN_DIR_MAGIC || dir->slot[EBN_P_USER1].n != stamp)
		FAIL("generation %u: directory of two", dir->generation);
	for (p = EBN_P_USER0; p <= EBN_P_USER1 && stamp; p++) {
		w = (const uint32_t *)(mem + dir->slot[p].off);
		len = (stamp * 7 % 500 + 1) * 4;
		for (k = 0; k < len / 4; k++)
			if (EBN_READ(w[k]) != stamp)
				FAIL("generation %u: word %u is %u, not %u", dir->generation, k, EBN_READ(w[k]), stamp);
	}
}

static void reader(void)
{
	const struct ebn_node_hdr *h = (const struct ebn_node_hdr *)mem;
	const struct ebn_dir *dir;
	uint64_t root, last = 0;
	uint32_t i, k, id;

	for (;;) {
		root = __atomic_load_n(&h->root, __ATOMIC_ACQUIRE);
		dir = (const struct ebn_dir *)(mem + EBN_ROOT_OFF(root));
		if (dir->generation != EBN_ROOT_GEN(root))
			FAIL("directory of generation %u under root %u", dir->generation, EBN_ROOT_GEN(root));
		sh->generations += root != last;
		last = root;
		program_generation(dir);
		for (k = 0; k < 20; k++) {
			i = test_below(&seed, STABLE + CHURN);
			id = program_addr(dir, i);
			if (id != identity_of(i) && (id || i < STABLE))
				FAIL("address %u has identity %u, not %u", i, id, identity_of(i));
			sh->found += !!id;
			program_prefix(dir, i % GROUPS);
		}
		__atomic_store_n(&sh->passes, sh->passes + 1, __ATOMIC_RELEASE);
	}
}

/* ---- the writer ---- */

/* Waits until the reader has left whatever it was in: what RCU does for programs. */
static void grace_wait(void)
{
	uint64_t from = __atomic_load_n(&sh->passes, __ATOMIC_SEQ_CST);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&sh->passes, __ATOMIC_ACQUIRE) < from + 2) {
		if (sh->failed)
			_exit(1);
		sched_yield();
	}
}

static uint32_t stamped(enum ebn_piece piece, uint32_t stamp)
{
	uint32_t off, k, n = stamp * 7 % 500 + 1, *w;

	OK(ebn_node_alloc(nt, piece, n * 4, &off));
	w = ebn_node_ptr(nt, off, n * 4);
	for (k = 0; k < n; k++)
		w[k] = stamp;
	return off;
}

static void change_generation(void)
{
	struct ebn_slot old[2] = { ebn_node_slot(nt, EBN_P_USER0), ebn_node_slot(nt, EBN_P_USER1) };
	uint32_t stamp = 1 + test_below(&seed, 1000000), off[2];

	off[0] = stamped(EBN_P_USER0, stamp);
	off[1] = stamped(EBN_P_USER1, stamp);
	OK(ebn_node_begin(nt));
	ebn_node_set(nt, EBN_P_USER0, off[0], stamp);
	ebn_node_set(nt, EBN_P_USER1, off[1], stamp);
	OK(ebn_node_publish(nt));
	OK(ebn_node_retire(nt, old[0].off));
	OK(ebn_node_retire(nt, old[1].off));
	sh->published++;
}

static void change_name(void)
{
	uint32_t i = test_below(&seed, 2000);
	char text[64];
	int err;

	snprintf(text, sizeof(text), "name %u %0*u", i, (int)test_below(&seed, 40) + 1, 0);
	err = ebn_name_set(rows, EBN_NAME_RULE, i, test_below(&seed, 3) ? text : NULL);
	OK(err == -ENOSPC ? 0 : err);
}

static void change_endpoint(void)
{
	uint32_t row, ifindex = 1 + test_below(&seed, ROWS * 2);

	if (!ebn_ep_row_by_ifindex(rows, ifindex, &row)) {
		OK(ebn_ep_row_put(rows, row));
	} else if (!ebn_ep_row_get(rows, &row)) {
		ebn_ep_row(rows, row)->ifindex = ifindex;
		OK(ebn_ep_row_publish(rows, row));
	}
}

static void change_address(void)
{
	uint32_t i = STABLE + test_below(&seed, CHURN), addr[4];
	int err;

	address(i, addr);
	err = test_below(&seed, 2) ? ebn_addr_set(rows, addr, identity_of(i), 0) : ebn_addr_del(rows, addr);
	OK(err == -ENOENT || err == -ENOSPC ? 0 : err);
}

static void change_prefix(void)
{
	struct ebn_prefix_value v = { 0 };
	uint32_t i = GROUPS + test_below(&seed, GROUPS * 2), addr[4], len = prefix(i, addr);
	int err;

	v.identity = 1 + i;
	err = test_below(&seed, 2) ? ebn_prefix_set(rows, addr, len, &v) : ebn_prefix_del(rows, addr, len);
	OK(err == -ENOENT || err == -ENOSPC ? 0 : err);
}

static void writer_open(void)
{
	struct ebn_slot s;
	uint32_t p;

	OK(ebn_node_open(mem, SIZE, NULL, &nt));
	OK(ebn_rows_open(nt, ROWS, NULL, &rows));
	for (p = EBN_P_USER0; p <= EBN_P_USER1; p++) {
		s = ebn_node_slot(nt, (enum ebn_piece)p);
		if (s.off)
			OK(ebn_node_mark(nt, s.off, p, 4));
	}
	grace_wait();
	OK(ebn_node_adopted(nt));
}

static void writer_close(void)
{
	ebn_rows_free(rows);
	ebn_node_free(nt);
}

static void writer(void)
{
	uint32_t i;

	writer_open();
	__atomic_store_n(&sh->opened, sh->opened + 1, __ATOMIC_RELEASE);
	for (;;) {
		change_generation();
		for (i = 0; i < 40; i++) {
			change_address();
			change_prefix();
		}
		for (i = 0; i < 4; i++)
			change_name();
		change_endpoint();
		OK(ebn_class_set(rows, test_below(&seed, 40000), 1 + test_below(&seed, 50)));
		if (ebn_node_grace_cut(nt)) {
			grace_wait();
			ebn_node_grace_done(nt);
		}
	}
}

/* ---- what must hold after each kill ---- */

static uint64_t extent_bytes(uint32_t off)
{
	return off ? ((const struct ebn_extent *)(mem + off))[-1].len + EBN_LINE : 0;
}

/* All that the root leads to, counted without the library. */
static uint64_t reachable(void)
{
	const struct ebn_dir *dir = (const struct ebn_dir *)(mem + EBN_ROOT_OFF(((struct ebn_node_hdr *)mem)->root));
	const struct ebn_name_cell *cell = (const struct ebn_name_cell *)(mem + dir->slot[EBN_P_NAMES].off);
	const uint32_t *page = (const uint32_t *)(mem + dir->slot[EBN_P_IDDIR].off);
	uint64_t sum = EBN_NODE_EXTENT_OFF + sizeof(*dir) + EBN_LINE;
	uint32_t i;

	for (i = 0; i < EBN_P_MAX; i++)
		sum += extent_bytes(dir->slot[i].off);
	for (i = 0; i < dir->slot[EBN_P_NAMES].n; i++)
		sum += extent_bytes(cell[i].off);
	for (i = 0; i < EBN_IDDIR_CELLS; i++)
		sum += extent_bytes(page[i]);
	return sum;
}

static int check_name(uint32_t number, const char *text, void *arg)
{
	char want[32];

	(void)arg;
	snprintf(want, sizeof(want), "name %u 0", number);
	if (strncmp(text, want, strlen(want)))
		FAIL("name %u is \"%s\"", number, text);
	return 0;
}

/* Each is what was once put in, and found where it belongs. */
static int check_prefix(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	struct ebn_prefix_value found;
	uint32_t want[4];

	(void)arg;
	if (prefix(v->identity - 1, want) != len || ebn_prefix_get(rows, addr, len, &found) ||
	    found.identity != v->identity)
		FAIL("prefix of identity %u", v->identity);
	return 0;
}

static void check_adopted(void)
{
	uint32_t i, id, row, live = 0, got = 0, addr[4];
	uint64_t used;

	writer_open();
	OK(ebn_node_verify(nt));
	used = reachable();
	if (ebn_node_used(nt) != used)
		FAIL("%llu bytes in use, %llu reachable", (unsigned long long)ebn_node_used(nt),
		     (unsigned long long)used);
	program_generation(ebn_node_dir(nt));
	for (i = 0; i < STABLE + CHURN; i++) {
		address(i, addr);
		if (ebn_addr_get(rows, addr, &id, NULL) ? i < STABLE : id != identity_of(i))
			FAIL("address %u lost", i);
	}
	for (i = 0; i < GROUPS; i++)
		program_prefix(ebn_node_dir(nt), i);
	OK(ebn_prefix_foreach(rows, check_prefix, NULL));
	OK(ebn_rows_read_names(mem, SIZE, EBN_NAME_RULE, check_name, NULL));
	for (i = 1; i <= ROWS * 2; i++) {
		if (ebn_ep_row_by_ifindex(rows, i, &row))
			continue;
		live++;
		if (ebn_ep_row(rows, row)->ifindex != i)
			FAIL("device %u has the row of %u", i, ebn_ep_row(rows, row)->ifindex);
	}
	while (!ebn_ep_row_get(rows, &row))
		got++;
	if (live + got != ROWS)
		FAIL("%u rows live, %u free, of %u", live, got, ROWS);
	writer_close();
}

static void make_tables(void)
{
	static const uint64_t flow_seed[2] = { 5, 6 };
	struct ebn_prefix_value v = { 0 };
	uint32_t i, addr[4], len;

	OK(ebn_node_format(mem, SIZE, flow_seed));
	OK(ebn_node_open(mem, SIZE, NULL, &nt));
	OK(ebn_rows_open(nt, ROWS, NULL, &rows));
	OK(ebn_node_adopted(nt));
	for (i = 0; i < STABLE; i++) {
		address(i, addr);
		OK(ebn_addr_set(rows, addr, identity_of(i), 0));
	}
	for (i = 0; i < GROUPS; i++) {
		len = prefix(i, addr);
		v.identity = 1 + i;
		OK(ebn_prefix_set(rows, addr, len, &v));
	}
	writer_close();
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		FAIL("fork: %d", errno);
	if (pid)
		return pid;
	seed ^= (uint64_t)getpid() << 20;
	fn();
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, i, wait;
	uint64_t opened;
	struct timespec ts = { 0 };
	pid_t reading, writing;
	int status;

	seed = test_seed();
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || sh == MAP_FAILED)
		return 99;
	make_tables();
	reading = start(reader);
	for (i = 0; i < kills && !sh->failed; i++) {
		opened = sh->opened;
		writing = start(writer);
		/* half of them anywhere, half of them at work: on a loaded machine few would get that far */
		for (wait = 0; i % 2 && wait < 1000 && __atomic_load_n(&sh->opened, __ATOMIC_ACQUIRE) == opened; wait++)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		ts.tv_nsec = test_below(&seed, 6000000);
		nanosleep(&ts, NULL);
		kill(writing, SIGKILL);
		waitpid(writing, &status, 0);
		if (!WIFSIGNALED(status))
			break;
		check_adopted();
	}
	kill(reading, SIGKILL);
	waitpid(reading, &status, 0);
	printf("%lu kills, %llu publishes, %llu generations seen in %llu passes, %llu addresses found\n", i,
	       (unsigned long long)sh->published, (unsigned long long)sh->generations,
	       (unsigned long long)sh->passes, (unsigned long long)sh->found);
	return sh->failed || i < kills || sh->published < kills / 10 || !sh->generations;
}
