// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The store that survives restarts: pairs in memory, and behind them LMDB, written in batches. */
#include "identity/kvstore.h"

#include "core/store.h"

#define SIZE_MAX_BYTES (1ull << 30)
#define BATCH_MAX 4096u
#define BATCH_MS 20u

struct file {
	struct ebn_kv_mem mem;
	struct ebn_store *store;
	struct ebn_kv_notes log;	/* not written yet */
	uint64_t due_ns;		/* CLOCK_MONOTONIC; when log is not empty */
	bool sync;
};

static int note_write(struct ebn_store *s, const struct ebn_kv_note *n)
{
	size_t len = strlen(n->pair->key);

	return n->removed ? ebn_store_del(s, n->pair->key, len) :
			    ebn_store_put(s, n->pair->key, len, n->pair->value, n->pair->len);
}

/* All that waits, as one change. On failure it goes on waiting. */
static int flush(struct file *f)
{
	size_t i;
	int r;

	if (!f->log.n)
		return 0;
	r = ebn_store_begin(f->store);
	if (r < 0)
		return r;
	for (i = 0; !r && i < f->log.n; i++)
		r = note_write(f->store, &f->log.note[i]);
	if (r < 0) {
		ebn_store_abort(f->store);
		return r;
	}
	r = ebn_store_commit(f->store);
	if (!r)
		ebn_kv_notes_done(&f->log);
	return r;
}

/* The changes alone, before memory knows of them. */
static int commit_now(struct file *f, const struct ebpfnet_kv_change *c, size_t n)
{
	size_t i;
	int r;

	r = ebn_store_begin(f->store);
	for (i = 0; !r && i < n; i++)
		r = c[i].value ? ebn_store_put(f->store, c[i].key, strlen(c[i].key), c[i].value, c[i].len) :
				 ebn_store_del(f->store, c[i].key, strlen(c[i].key));
	if (r < 0) {
		ebn_store_abort(f->store);
		return r;
	}
	return ebn_store_commit(f->store);
}

static int file_get(void *store, const char *key, void *value, size_t size)
{
	return ebn_kv_mem_get(&((struct file *)store)->mem, key, value, size);
}

static int file_commit(void *store, const struct ebpfnet_kv_change *c, size_t n)
{
	struct ebn_kv_pair *fresh[EBN_KV_CHANGES_MAX];
	struct file *f = store;
	int r;

	/* what waits for a disk that is full, say, has a limit */
	r = f->log.n < BATCH_MAX ? 0 : flush(f);
	if (r < 0)
		return r;
	r = ebn_kv_mem_prepare(&f->mem, c, n, fresh);
	if (r < 0)
		return r;
	r = f->sync ? commit_now(f, c, n) : ebn_grow(&f->log.note, &f->log.cap, f->log.n + n, sizeof(*f->log.note));
	if (r < 0) {
		ebn_kv_drop(fresh, n);
		return r;
	}
	if (!f->log.n)
		f->due_ns = ebn_monotonic_ns() + BATCH_MS * 1000000ull;
	ebn_kv_mem_apply(&f->mem, c, n, fresh, f->sync ? NULL : &f->log);
	return 0;
}

static int file_list(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	return ebn_kv_mem_list(&((struct file *)store)->mem, prefix, fn, userdata);
}

static int file_watch(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	return ebn_kv_mem_watch(&((struct file *)store)->mem, prefix, fn, userdata);
}

static int file_timeout(void *store)
{
	struct file *f = store;
	uint64_t now = ebn_monotonic_ns();

	if (f->mem.told.n)
		return 0;
	if (!f->log.n)
		return -1;
	return f->due_ns > now ? (int)((f->due_ns - now + 999999) / 1000000) : 0;
}

static int file_dispatch(void *store)
{
	struct file *f = store;
	int r = f->log.n && ebn_monotonic_ns() >= f->due_ns ? flush(f) : 0;

	/* not again at once: the disk may be full for long */
	if (r < 0)
		f->due_ns = ebn_monotonic_ns() + 1000000000ull;
	ebn_kv_mem_tell(&f->mem);
	return r;
}

static void file_destroy(void *store)
{
	struct file *f = store;

	if (f->store)
		(void)flush(f);
	ebn_store_close(f->store);
	ebn_kv_notes_done(&f->log);
	ebn_kv_mem_done(&f->mem);
	free(f);
}

/* A record from the disk: whatever it holds, it is checked as a change is. */
static int load(const void *key, size_t key_len, const void *value, size_t value_len, void *arg)
{
	struct ebpfnet_kv_change c = { .value = value_len ? value : "", .len = value_len, .when = EBPFNET_KV_ABSENT };
	struct ebn_kv_pair *fresh[1];
	char text[EBPFNET_KV_KEY_MAX + 1];
	struct file *f = arg;
	int r;

	if (!key_len || key_len > EBPFNET_KV_KEY_MAX || memchr(key, 0, key_len))
		return -EPROTO;
	memcpy(text, key, key_len);
	text[key_len] = '\0';
	c.key = text;
	r = ebn_kv_mem_prepare(&f->mem, &c, 1, fresh);
	if (!r)
		ebn_kv_mem_apply(&f->mem, &c, 1, fresh, NULL);
	return r == -ENOMEM || !r ? r : -EPROTO;
}

int ebpfnet_kvstore_file(const struct ebpfnet_kvstore_file_opts *opts, struct ebpfnet_kvstore **ret)
{
	static const struct ebpfnet_kvstore_ops ops = {
		.sz = sizeof(ops), .get = file_get, .commit = file_commit, .list = file_list, .watch = file_watch,
		.get_timeout = file_timeout, .dispatch = file_dispatch, .destroy = file_destroy,
	};
	struct ebpfnet_diag *diag;
	struct file *f;
	int r;

	if (!ret || !opts || !EBN_OPTS_VALID(opts, ebpfnet_kvstore_file_opts) || !EBN_OPT(opts, path, NULL))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	if ((EBN_OPT(opts, flags, 0) & ~EBPFNET_KVSTORE_SYNC) || EBN_OPT(opts, reserved, 0))
		return ebn_diag(diag, "flags", EINVAL, "unknown bits");
	f = ebn_calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->sync = EBN_OPT(opts, flags, 0) & EBPFNET_KVSTORE_SYNC;
	r = ebn_store_open(opts->path, SIZE_MAX_BYTES, diag, &f->store);
	if (!r) {
		r = ebn_store_foreach(f->store, load, f);
		if (r < 0)
			ebn_diag(diag, opts->path, r, "a record of the store is not sane");
	}
	if (!r)
		r = ebpfnet_kvstore_new(&ops, f, ret);
	if (r < 0)
		file_destroy(f);
	return r;
}
