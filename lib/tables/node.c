// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Why publishing is safe, for x86 and arm64 alike.
 *
 * The writer fills pieces and a directory with plain stores, then stores the root with release: on
 * arm64 an stlr, on x86 a plain mov, for x86 keeps stores in order. A reader that sees the new root
 * therefore sees what was stored before it, provided its own loads are ordered behind the load of
 * the root. In programs they are, because every later address is computed from the root (address
 * dependency); readers in user space load the root with acquire. Words that change in place are
 * single aligned stores with release, for the same reason: a word that names bytes (an offset, a
 * row, an identity) is stored after these bytes. Space and rows are used again only after a grace
 * period: programs run inside an RCU read side, so none of them that could have read the old root
 * is still running.
 */
#include "tables/arena.h"
#include "tables/node.h"
#include "ebn_service.h"

#define LINE EBN_LINE
#define FIRST_LINE (EBN_NODE_EXTENT_OFF / LINE)
#define CHECK_TRIES 8

struct deferred {
	void (*fn)(void *arg, uint64_t cookie);
	void *arg;
	uint64_t cookie;
};

struct deferred_list {
	struct deferred *d;
	size_t n, cap;
};

struct ebn_node {
	uint8_t *mem;
	uint64_t size;
	struct ebn_arena arena;
	struct ebn_dir *txn;		/* the open transaction's directory, NULL: none */
	uint32_t txn_off;
	struct deferred_list waiting;	/* for the next cut */
	struct deferred_list cut;
	bool adopted;
};

/* ---- checks that trust nothing ---- */

struct checked {
	uint64_t root;
	struct ebn_dir dir;
};

/* Smallest payload of a piece with n elements, 0: anything goes. */
static uint64_t piece_bytes(enum ebn_piece piece, uint32_t n)
{
	switch (piece) {
	case EBN_P_IFINDEX:
		return (uint64_t)n * sizeof(struct ebn_if_bucket);
	case EBN_P_ENDPOINT:
		return (uint64_t)n * sizeof(struct ebn_ep_row);
	case EBN_P_ADDR:
		return (uint64_t)n * sizeof(struct ebn_addr_bucket);
	case EBN_P_IDDIR:
		return (uint64_t)n * sizeof(uint32_t);
	case EBN_P_PORT:
		return (uint64_t)n * sizeof(uint16_t);
	case EBN_P_SUBJECT:
		return (uint64_t)n * sizeof(struct ebn_subject_row);
	case EBN_P_DECISION:
		return (uint64_t)n * sizeof(struct ebn_decision);
	case EBN_P_NAMES:
		return (uint64_t)n * sizeof(uint64_t);
	case EBN_P_PREFIX_NODE:
		return (uint64_t)n * sizeof(struct ebn_prefix_node);
	case EBN_P_PREFIX:
		return (uint64_t)n * sizeof(struct ebn_prefix);
	case EBN_P_HOST:
		return sizeof(struct ebn_host_head) + (uint64_t)n * sizeof(struct ebn_host_safe);
	case EBN_P_SVC_HASH:
		return sizeof(struct ebn_svc_head) + (uint64_t)n * sizeof(uint32_t);
	case EBN_P_SVC_ROW:
		return (uint64_t)n * sizeof(struct ebn_svc_row);
	case EBN_P_BACKEND:
		return (uint64_t)n * sizeof(struct ebn_backend_row);
	case EBN_P_SVC_RECORD:
		return (uint64_t)n * sizeof(uint32_t);
	default:
		return 0;
	}
}

static bool piece_pow2(enum ebn_piece piece)
{
	return piece == EBN_P_IFINDEX || piece == EBN_P_ADDR || piece == EBN_P_SVC_HASH;
}

/* Copies the head of the extent whose payload is at off; false when it cannot be one. */
static bool extent_read(const uint8_t *mem, uint64_t size, uint32_t off, struct ebn_extent *ret)
{
	const struct ebn_extent *x;

	if (off % LINE || off < EBN_NODE_EXTENT_OFF + LINE || off >= size)
		return false;
	x = (const struct ebn_extent *)(mem + off - LINE);
	ret->magic = EBN_READ(x->magic);
	ret->type = EBN_READ(x->type);
	ret->len = EBN_READ(x->len);
	return ret->magic == EBN_EXTENT_MAGIC && ret->len && ret->len % LINE == 0 && ret->len <= size - off;
}

static int check_header(const uint8_t *mem, uint64_t size, struct ebpfnet_diag *diag)
{
	const struct ebn_node_hdr *h = (const struct ebn_node_hdr *)mem;

	if (size < EBN_NODE_SIZE_MIN || size > EBN_NODE_SIZE_MAX || (size & (size - 1)))
		return ebn_diag(diag, "node tables", EPROTO, "size %llu is no power of two in range",
				(unsigned long long)size);
	/* the magic is stored last, with release: what is read behind it is whole */
	if (__atomic_load_n(&h->magic, __ATOMIC_ACQUIRE) != EBN_NODE_MAGIC)
		return ebn_diag(diag, "node tables", EPROTO, "no node tables here: wrong magic");
	if (EBN_READ(h->abi) != EBN_NODE_ABI)
		return ebn_diag(diag, "node tables", EPROTO, "layout version %u, this library knows %u",
				EBN_READ(h->abi), EBN_NODE_ABI);
	if (EBN_READ(h->hdr_size) != EBN_NODE_HDR_SIZE || EBN_READ(h->size) != size)
		return ebn_diag(diag, "node tables", EPROTO, "header does not belong to an array of this size");
	return 0;
}

/* The directory that root names, into c. What cannot be is an error, whoever wrote it. */
static int check_root(const uint8_t *mem, uint64_t size, uint64_t root, struct checked *c,
		      struct ebpfnet_diag *diag)
{
	uint32_t off = EBN_ROOT_OFF(root), i, j;
	struct ebn_extent x[EBN_P_MAX];

	c->root = root;
	if (!extent_read(mem, size, off, &x[0]) || x[0].type != EBN_X_DIR || x[0].len < sizeof(c->dir))
		return ebn_diag(diag, "node tables", EPROTO, "root names no directory");
	for (i = 0; i < sizeof(c->dir) / 8; i++)
		((uint64_t *)&c->dir)[i] = EBN_READ(((const uint64_t *)(mem + off))[i]);
	if (c->dir.magic != EBN_DIR_MAGIC || c->dir.generation != EBN_ROOT_GEN(root))
		return ebn_diag(diag, "node tables", EPROTO, "directory is not of the root's generation");
	for (i = 0; i < EBN_P_MAX; i++) {
		struct ebn_slot s = c->dir.slot[i];

		x[i].len = 0;
		if (!s.off && !s.n)
			continue;
		if (i == EBN_P_NONE || !extent_read(mem, size, s.off, &x[i]) || x[i].type != i ||
		    piece_bytes(i, s.n) > x[i].len || (piece_pow2(i) && (!s.n || (s.n & (s.n - 1)))))
			return ebn_diag(diag, "node tables", EPROTO, "piece %u is not sane", i);
		for (j = 1; j < i; j++)
			if (x[j].len && s.off - LINE < c->dir.slot[j].off + x[j].len &&
			    c->dir.slot[j].off - LINE < s.off + x[i].len)
				return ebn_diag(diag, "node tables", EPROTO, "pieces %u and %u overlap", j, i);
	}
	return 0;
}

static uint64_t root_load(const uint8_t *mem)
{
	return __atomic_load_n(&((const struct ebn_node_hdr *)mem)->root, __ATOMIC_ACQUIRE);
}

/* A writer may be publishing meanwhile: what was read counts only while the root stands. */
static int check_all(const uint8_t *mem, uint64_t size, struct checked *c, struct ebpfnet_diag *diag)
{
	uint64_t root;
	int i, err;

	if (!mem)
		return -EINVAL;
	err = check_header(mem, size, diag);
	if (err)
		return err;
	for (i = 0; i < CHECK_TRIES; i++) {
		root = root_load(mem);
		err = check_root(mem, size, root, c, NULL);
		/* loads above stay above: acquire orders only what follows */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (EBN_READ(((const struct ebn_node_hdr *)mem)->root) != root)
			continue;
		return err ? check_root(mem, size, root, c, diag) : 0;
	}
	return -EAGAIN;
}

int ebn_node_check(const void *mem, uint64_t size, struct ebpfnet_diag *diag)
{
	struct checked c;

	return check_all(mem, size, &c, diag);
}

int ebn_node_read_root(const void *mem, uint64_t size, uint64_t *ret_root, struct ebn_dir *ret_dir)
{
	struct checked c;
	int err;

	err = check_all(mem, size, &c, NULL);
	if (err)
		return err;
	*ret_root = c.root;
	*ret_dir = c.dir;
	return 0;
}

bool ebn_node_root_is(const void *mem, uint64_t root)
{
	/* what the caller copied was loaded before this looks again */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return EBN_READ(((const struct ebn_node_hdr *)mem)->root) == root;
}

/* ---- making and opening ---- */

int ebn_node_format(void *mem, uint64_t size, const uint64_t seed[2])
{
	struct ebn_node_hdr *h = mem;
	struct ebn_extent *x;
	struct ebn_dir *dir;
	int err;

	if (!mem || !seed || size < EBN_NODE_SIZE_MIN || size > EBN_NODE_SIZE_MAX || (size & (size - 1)))
		return -EINVAL;
	err = ebn_random(&h->instance, sizeof(h->instance));
	if (err)
		return err;
	h->abi = EBN_NODE_ABI;
	h->hdr_size = EBN_NODE_HDR_SIZE;
	h->size = size;
	h->created_ns = ebn_realtime_ns();
	h->flow_seed[0] = seed[0];
	h->flow_seed[1] = seed[1];
	x = (struct ebn_extent *)((uint8_t *)mem + EBN_NODE_EXTENT_OFF);
	x->magic = EBN_EXTENT_MAGIC;
	x->type = EBN_X_DIR;
	x->len = sizeof(*dir);
	x->generation = 1;
	dir = (struct ebn_dir *)(x + 1);
	dir->magic = EBN_DIR_MAGIC;
	dir->generation = 1;
	__atomic_store_n(&h->root, EBN_ROOT(EBN_NODE_EXTENT_OFF + LINE, 1), __ATOMIC_RELEASE);
	__atomic_store_n(&h->magic, EBN_NODE_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

int ebn_node_open(void *mem, uint64_t size, struct ebpfnet_diag *diag, struct ebn_node **ret)
{
	struct ebn_node *nt;
	struct checked c;
	int err;

	if (!ret)
		return -EINVAL;
	err = check_all(mem, size, &c, diag);
	if (err)
		return err;
	nt = ebn_calloc(1, sizeof(*nt));
	if (!nt)
		return -ENOMEM;
	nt->mem = mem;
	nt->size = size;
	err = ebn_arena_init(&nt->arena, FIRST_LINE, (uint32_t)(size / LINE) - FIRST_LINE);
	if (!err)
		err = ebn_node_mark(nt, EBN_ROOT_OFF(c.root), EBN_X_DIR, sizeof(c.dir));
	if (err) {
		ebn_node_free(nt);
		return err;
	}
	*ret = nt;
	return 0;
}

void ebn_node_free(struct ebn_node *nt)
{
	if (!nt)
		return;
	ebn_arena_done(&nt->arena);
	free(nt->waiting.d);
	free(nt->cut.d);
	free(nt);
}

int ebn_node_mark(struct ebn_node *nt, uint32_t off, uint32_t type, uint32_t len)
{
	struct ebn_extent x;
	int err;

	if (!extent_read(nt->mem, nt->size, off, &x) || x.type != type || x.len < len)
		return -EPROTO;
	err = ebn_arena_reserve(&nt->arena, off / LINE - 1, x.len / LINE + 1);
	return err == -ENOMEM || err == -EBUSY ? err : err ? -EPROTO : 0;
}

int ebn_node_adopted(struct ebn_node *nt)
{
	struct ebn_node_hdr *h = ebn_node_hdr(nt);
	uint32_t i;
	int err;

	if (nt->adopted)
		return 0;
	err = ebn_arena_seal(&nt->arena);
	if (err)
		return err;
	nt->adopted = true;
	EBN_WRITE(h->writer_pid, (uint32_t)getpid());
	EBN_WRITE(h->adoptions, h->adoptions + 1);
	/*
	 * The last writer may have died between a publish and the raise of the epochs that goes
	 * with it. Flows admitted before would then never be checked against what was published, so
	 * each is checked once more.
	 */
	for (i = 0; i < EBN_EPOCH_SUBJECTS; i++)
		ebn_node_raise_subject(nt, i);
	for (i = 0; i < EBN_EPOCH_ADDRS; i++)
		ebn_node_raise_addr(nt, (uint64_t)i << 20);
	return 0;
}

/* ---- space ---- */

int ebn_node_alloc(struct ebn_node *nt, uint32_t type, uint32_t len, uint32_t *ret)
{
	struct ebn_extent *x;
	uint32_t line, lines;
	int err;

	if (!len || !nt->adopted)
		return -EINVAL;
	if (len > nt->size)
		return -ENOSPC;
	lines = (len + LINE - 1) / LINE;
	err = ebn_arena_alloc(&nt->arena, lines + 1, &line);
	if (err)
		return err;
	x = (struct ebn_extent *)(nt->mem + (size_t)line * LINE);
	memset(x, 0, (size_t)(lines + 1) * LINE);
	x->magic = EBN_EXTENT_MAGIC;
	x->type = type;
	x->len = lines * LINE;
	x->generation = ebn_node_generation(nt) + 1;
	*ret = (line + 1) * LINE;
	return 0;
}

/* Free space does not look like an extent, so that nobody takes it for one. */
static void extent_wipe(void *arg, uint32_t line, uint32_t lines)
{
	struct ebn_node *nt = arg;
	struct ebn_extent *x = (struct ebn_extent *)(nt->mem + (size_t)line * LINE);

	(void)lines;
	EBN_WRITE(x->magic, 0);
}

void ebn_node_release(struct ebn_node *nt, uint32_t off)
{
	if (off < LINE || off % LINE)
		return;
	if (!ebn_arena_free(&nt->arena, off / LINE - 1))
		extent_wipe(nt, off / LINE - 1, 0);
}

int ebn_node_retire(struct ebn_node *nt, uint32_t off)
{
	if (!off)
		return 0;
	if (off < LINE || off % LINE)
		return -EINVAL;
	return ebn_arena_retire(&nt->arena, off / LINE - 1);
}

int ebn_node_defer(struct ebn_node *nt, void (*fn)(void *arg, uint64_t cookie), void *arg, uint64_t cookie)
{
	struct deferred_list *l = &nt->waiting;
	int err;

	if (!fn)
		return -EINVAL;
	err = ebn_grow(&l->d, &l->cap, l->n + 1, sizeof(*l->d));
	if (err)
		return err;
	l->d[l->n++] = (struct deferred){ .fn = fn, .arg = arg, .cookie = cookie };
	return 0;
}

int ebn_node_defer_room(struct ebn_node *nt, uint32_t n)
{
	return ebn_grow(&nt->waiting.d, &nt->waiting.cap, nt->waiting.n + n, sizeof(*nt->waiting.d));
}

void *ebn_node_ptr(struct ebn_node *nt, uint32_t off, uint32_t len)
{
	if (off > nt->size || len > nt->size - off)
		return NULL;
	return nt->mem + off;
}

uint32_t ebn_node_len(struct ebn_node *nt, uint32_t off)
{
	uint32_t lines;

	if (off < LINE || off % LINE)
		return 0;
	lines = ebn_arena_len(&nt->arena, off / LINE - 1);
	return lines ? (lines - 1) * LINE : 0;
}

/* ---- publishing ---- */

const struct ebn_dir *ebn_node_dir(struct ebn_node *nt)
{
	return (const struct ebn_dir *)(nt->mem + EBN_ROOT_OFF(ebn_node_hdr(nt)->root));
}

struct ebn_slot ebn_node_slot(struct ebn_node *nt, enum ebn_piece piece)
{
	return ebn_node_dir(nt)->slot[piece];
}

/* A copy of the published directory in free space. */
static int dir_copy(struct ebn_node *nt, uint32_t *ret)
{
	uint32_t off;
	int err;

	err = ebn_node_alloc(nt, EBN_X_DIR, sizeof(struct ebn_dir), &off);
	if (err)
		return err;
	memcpy(nt->mem + off, ebn_node_dir(nt), sizeof(struct ebn_dir));
	*ret = off;
	return 0;
}

static int dir_publish(struct ebn_node *nt, uint32_t off)
{
	struct ebn_node_hdr *h = ebn_node_hdr(nt);
	struct ebn_dir *dir = (struct ebn_dir *)(nt->mem + off);
	uint32_t old = EBN_ROOT_OFF(h->root);

	dir->generation = ebn_node_generation(nt) + 1;
	/* I1: everything above is stored before the word that makes it reachable */
	__atomic_store_n(&h->root, EBN_ROOT(off, dir->generation), __ATOMIC_RELEASE);
	return ebn_node_retire(nt, old);
}

int ebn_node_begin(struct ebn_node *nt)
{
	int err;

	if (nt->txn)
		return -EBUSY;
	err = dir_copy(nt, &nt->txn_off);
	if (err)
		return err;
	nt->txn = (struct ebn_dir *)(nt->mem + nt->txn_off);
	return 0;
}

void ebn_node_set(struct ebn_node *nt, enum ebn_piece piece, uint32_t off, uint32_t n)
{
	if (nt->txn && piece > EBN_P_NONE && piece < EBN_P_MAX)
		nt->txn->slot[piece] = (struct ebn_slot){ .off = off, .n = n };
}

int ebn_node_publish(struct ebn_node *nt)
{
	if (!nt->txn)
		return -EINVAL;
	nt->txn = NULL;
	return dir_publish(nt, nt->txn_off);
}

void ebn_node_abort(struct ebn_node *nt)
{
	if (!nt->txn)
		return;
	nt->txn = NULL;
	ebn_node_release(nt, nt->txn_off);
}

static int dir_swap(struct ebn_node *nt, const enum ebn_piece *piece, const struct ebn_slot *slot, unsigned int n)
{
	unsigned int i;
	uint32_t dir;
	int err;

	err = dir_copy(nt, &dir);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		((struct ebn_dir *)(nt->mem + dir))->slot[piece[i]] = slot[i];
		ebn_node_set(nt, piece[i], slot[i].off, slot[i].n);
	}
	return dir_publish(nt, dir);
}

int ebn_node_swap(struct ebn_node *nt, enum ebn_piece piece, uint32_t off, uint32_t n)
{
	struct ebn_slot slot = { .off = off, .n = n };

	return dir_swap(nt, &piece, &slot, 1);
}

int ebn_node_swap_two(struct ebn_node *nt, const enum ebn_piece piece[2], const struct ebn_slot slot[2])
{
	return dir_swap(nt, piece, slot, 2);
}

uint32_t ebn_node_generation(struct ebn_node *nt)
{
	return EBN_ROOT_GEN(ebn_node_hdr(nt)->root);
}

uint64_t ebn_node_used(struct ebn_node *nt)
{
	return EBN_NODE_EXTENT_OFF + (uint64_t)nt->arena.used * LINE;
}

uint64_t ebn_node_size(struct ebn_node *nt)
{
	return nt->size;
}

struct ebn_node_hdr *ebn_node_hdr(struct ebn_node *nt)
{
	return (struct ebn_node_hdr *)nt->mem;
}

int ebn_node_verify(struct ebn_node *nt)
{
	return nt->adopted ? ebn_arena_verify(&nt->arena) : -EPROTO;
}

/* ---- epochs ---- */

/*
 * Release: a program that sees the raised epoch, and reads the root behind it, sees what was
 * published before the raise. There is one writer, so reading and storing need not be one
 * operation.
 */
static void epoch_raise(struct ebn_node *nt, uint32_t base, uint32_t index)
{
	uint32_t *e = (uint32_t *)(nt->mem + base) + index;

	/* programs raise them as well, when a packet tells whose an address is */
	__atomic_fetch_add(e, 1, __ATOMIC_RELEASE);
}

void ebn_node_raise_subject(struct ebn_node *nt, uint32_t subject)
{
	epoch_raise(nt, EBN_EPOCH_SUBJECT_OFF, subject & (EBN_EPOCH_SUBJECTS - 1));
}

void ebn_node_raise_addr(struct ebn_node *nt, uint64_t addr_hash)
{
	epoch_raise(nt, EBN_EPOCH_ADDR_OFF, ebn_addr_epoch(addr_hash));
}

/* ---- grace periods ---- */

uint32_t ebn_node_retired(struct ebn_node *nt)
{
	return nt->arena.retired + nt->arena.cut + (uint32_t)(nt->waiting.n + nt->cut.n);
}

uint32_t ebn_node_grace_cut(struct ebn_node *nt)
{
	struct deferred_list tmp = nt->cut;

	/* one batch at a time: what came after its cut is not covered by its grace period */
	if (nt->arena.cut || nt->cut.n)
		return nt->arena.cut + (uint32_t)nt->cut.n;
	nt->cut = nt->waiting;
	nt->waiting = tmp;
	return ebn_arena_cut(&nt->arena) + (uint32_t)nt->cut.n;
}

void ebn_node_grace_done(struct ebn_node *nt)
{
	struct deferred_list l = nt->cut;
	size_t i;

	/* a function called here may defer or retire again: that goes to the next batch */
	nt->cut = (struct deferred_list){ 0 };
	ebn_arena_reap(&nt->arena, extent_wipe, nt);
	for (i = 0; i < l.n; i++)
		l.d[i].fn(l.d[i].arg, l.d[i].cookie);
	free(l.d);
}
