/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/store.h"

#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>

struct ebn_store {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn;		/* of a change under way */
	int lock_fd;		/* held while open: one process */
	bool broken;		/* LMDB takes nothing more, after a write that failed: to be opened anew */
	uint64_t max_bytes;
	char dir[];
};

static int store_error(int rc)
{
	switch (rc) {
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_PANIC:
		return -EPROTO;
	default:
		return rc > 0 ? -rc : rc < 0 ? -EIO : 0;
	}
}

static int store_dir(const char *dir, struct ebpfnet_diag *diag)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return ebn_diag(diag, dir, errno, "the store's folder cannot be made");
	if (stat(dir, &st) < 0)
		return ebn_diag(diag, dir, errno, "the store's folder cannot be looked at");
	if (!S_ISDIR(st.st_mode))
		return ebn_diag(diag, dir, ENOTDIR, "not a folder");
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return ebn_diag(diag, dir, EPERM, "others may write into the store's folder");
	return 0;
}

static int store_lock(struct ebn_store *s, const char *dir, struct ebpfnet_diag *diag)
{
	char path[PATH_MAX];

	if (ebn_format(path, sizeof(path), "%s/lock", dir) < 0)
		return ebn_diag(diag, dir, ENAMETOOLONG, "the store's path is too long");
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return ebn_diag(diag, path, errno, "the store's lock cannot be opened");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return ebn_diag(diag, dir, errno == EWOULDBLOCK ? EBUSY : errno, "another process has the store open");
	return 0;
}

/*
 * A file cut short would be read beyond its end, which is SIGBUS: it is made as long as it says it is. Pages of zeros
 * are none that LMDB takes for its own.
 */
static int store_length(struct ebn_store *s)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	struct stat st;
	MDB_stat stat;
	off_t want;

	mdb_env_info(s->env, &info);
	mdb_env_stat(s->env, &stat);
	if (mdb_env_get_fd(s->env, &fd) || fstat(fd, &st) < 0)
		return -EIO;
	want = (off_t)(info.me_last_pgno + 1) * (off_t)stat.ms_psize;
	if ((uint64_t)want > info.me_mapsize)
		return -EPROTO;
	return st.st_size >= want || !ftruncate(fd, want) ? 0 : -errno;
}

static int store_map(struct ebn_store *s)
{
	MDB_txn *txn;
	int r;

	r = store_error(mdb_env_create(&s->env));
	if (r < 0)
		return r;
	mdb_env_set_mapsize(s->env, s->max_bytes);
	/* the lock above is one for the whole store, so LMDB needs none of its own */
	r = store_error(mdb_env_open(s->env, s->dir, MDB_NOLOCK | MDB_NOTLS, 0600));
	if (!r)
		r = store_length(s);
	if (!r)
		r = store_error(mdb_txn_begin(s->env, NULL, 0, &txn));
	if (r < 0)
		return r;
	r = store_error(mdb_dbi_open(txn, NULL, 0, &s->dbi));
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	return store_error(mdb_txn_commit(txn));
}

int ebn_store_open(const char *dir, uint64_t max_bytes, struct ebpfnet_diag *diag, struct ebn_store **ret)
{
	size_t len = strlen(dir) + 1;
	struct ebn_store *s = ebn_calloc(1, sizeof(*s) + len);
	int r;

	if (!s)
		return -ENOMEM;
	s->lock_fd = -1;
	s->max_bytes = max_bytes;
	memcpy(s->dir, dir, len);
	r = store_dir(dir, diag);
	if (!r)
		r = store_lock(s, dir, diag);
	if (!r) {
		r = store_map(s);
		if (r < 0)
			ebn_diag(diag, dir, r, r == -EPROTO ? "the store is damaged or not one of this kind" :
							      "the store cannot be opened");
	}
	if (r < 0) {
		ebn_store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void ebn_store_close(struct ebn_store *s)
{
	if (!s)
		return;
	ebn_store_abort(s);
	if (s->env)
		mdb_env_close(s->env);
	ebn_close(&s->lock_fd);
	free(s);
}

/*
 * A write of LMDB's own page that failed has put the old one back, and ends the environment: all that follows would be refused.
 * The file is what it was before, so it is opened once more.
 */
static int store_mend(struct ebn_store *s)
{
	int r;

	if (!s->broken)
		return 0;
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
	r = store_map(s);
	s->broken = r < 0;
	return r;
}

int ebn_store_begin(struct ebn_store *s)
{
	int r;

	if (s->txn)
		return -EBUSY;
	r = store_mend(s);
	return r < 0 ? r : store_error(mdb_txn_begin(s->env, NULL, 0, &s->txn));
}

/* LMDB takes keys and values through pointers that are not const; it only reads them. */
static MDB_val store_val(const void *data, size_t len)
{
	return (MDB_val){ len, (void *)(uintptr_t)data };
}

int ebn_store_put(struct ebn_store *s, const void *key, size_t key_len, const void *value, size_t value_len)
{
	MDB_val k = store_val(key, key_len), v = store_val(value, value_len);

	return store_error(mdb_put(s->txn, s->dbi, &k, &v, 0));
}

int ebn_store_del(struct ebn_store *s, const void *key, size_t key_len)
{
	MDB_val k = store_val(key, key_len);
	int r = store_error(mdb_del(s->txn, s->dbi, &k, NULL));

	return r == -ENOENT ? 0 : r;
}

int ebn_store_commit(struct ebn_store *s)
{
	int r = store_error(mdb_txn_commit(EBN_TAKE_PTR(s->txn)));

	s->broken = r < 0;
	return r;
}

void ebn_store_abort(struct ebn_store *s)
{
	if (s->txn)
		mdb_txn_abort(EBN_TAKE_PTR(s->txn));
}

int ebn_store_foreach(struct ebn_store *s, ebn_store_fn fn, void *arg)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	MDB_txn *txn;
	int r, rc = 0;

	r = store_mend(s);
	if (!r)
		r = store_error(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn));
	if (r < 0)
		return r;
	r = store_error(mdb_cursor_open(txn, s->dbi, &cursor));
	if (!r) {
		while (rc >= 0 && !(r = store_error(mdb_cursor_get(cursor, &k, &v, MDB_NEXT))))
			rc = fn(k.mv_data, k.mv_size, v.mv_data, v.mv_size, arg);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	if (rc < 0)
		return rc;
	return r == -ENOENT ? 0 : r;
}
