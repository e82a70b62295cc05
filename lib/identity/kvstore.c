// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Stores: any, and the one in memory. */
#include "identity/kvstore.h"

#include "identity/text.h"

int ebpfnet_kvstore_new(const struct ebpfnet_kvstore_ops *ops, void *store, struct ebpfnet_kvstore **ret)
{
	struct ebpfnet_kvstore *kv;

	if (!ops || !ret || ops->sz < sizeof(*ops) || !ebn_opts_valid(ops, sizeof(*ops)) || !ops->get || !ops->commit ||
	    !ops->list || !ops->watch || !ops->get_timeout || !ops->dispatch || !ops->destroy)
		return -EINVAL;
	kv = ebn_calloc(1, sizeof(*kv));
	if (!kv)
		return -ENOMEM;
	kv->ops = *ops;
	kv->store = store;
	*ret = kv;
	return 0;
}

void ebpfnet_kvstore_free(struct ebpfnet_kvstore *kvstore)
{
	if (!kvstore)
		return;
	kvstore->ops.destroy(kvstore->store);
	free(kvstore);
}

/* ---- pairs ---- */

static void pair_unref(struct ebn_kv_pair *p)
{
	if (p && --p->refs == 0)
		free(p);
}

static struct ebn_kv_pair *pair_new(const struct ebpfnet_kv_change *c)
{
	size_t key = strlen(c->key) + 1;
	struct ebn_kv_pair *p = ebn_calloc(1, sizeof(*p) + key + c->len);

	if (!p)
		return NULL;
	p->refs = 1;
	p->len = c->len;
	p->value = p->key + key;
	memcpy(p->key, c->key, key);
	if (c->len)
		memcpy(p->value, c->value, c->len);
	return p;
}

void ebn_kv_drop(struct ebn_kv_pair **fresh, size_t n)
{
	while (n-- > 0)
		pair_unref(EBN_TAKE_PTR(fresh[n]));
}

static void note(struct ebn_kv_notes *l, struct ebn_kv_pair *p, bool removed)
{
	p->refs++;
	l->note[l->n++] = (struct ebn_kv_note){ p, removed };
}

void ebn_kv_notes_done(struct ebn_kv_notes *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		pair_unref(l->note[i].pair);
	free(l->note);
	*l = (struct ebn_kv_notes){ 0 };
}

/* ---- in memory ---- */

static uint64_t key_hash(const char *key)
{
	return ebn_fnv(EBN_FNV_START, key, strlen(key));
}

static struct ebn_kv_pair *mem_find(struct ebn_kv_mem *m, const char *key, uint32_t *ret)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(&m->by_key, key_hash(key), cursor, i) {
		if (strcmp(m->pair[i]->key, key))
			continue;
		if (ret)
			*ret = i;
		return m->pair[i];
	}
	return NULL;
}

void ebn_kv_mem_done(struct ebn_kv_mem *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		pair_unref(m->pair[i]);
	free(m->pair);
	free(m->free);
	ebn_index_done(&m->by_key);
	ebn_kv_notes_done(&m->told);
	*m = (struct ebn_kv_mem){ 0 };
}

int ebn_kv_mem_get(struct ebn_kv_mem *m, const char *key, void *value, size_t size)
{
	const struct ebn_kv_pair *p;

	if (!key || (!value && size))
		return -EINVAL;
	p = mem_find(m, key, NULL);
	if (!p)
		return -ENOENT;
	if (size)
		memcpy(value, p->value, p->len < size ? p->len : size);
	return (int)p->len;
}

static bool key_valid(const char *key)
{
	size_t i;

	for (i = 0; key && key[i]; i++)
		if (i == EBPFNET_KV_KEY_MAX || key[i] <= ' ' || key[i] > '~')
			return false;
	return key && i;
}

static int check(struct ebn_kv_mem *m, const struct ebpfnet_kv_change *c)
{
	const struct ebn_kv_pair *p;

	if (!key_valid(c->key) || (!c->value && c->len) || c->reserved || (unsigned int)c->when > EBPFNET_KV_EQUAL ||
	    (c->when == EBPFNET_KV_EQUAL && !c->expect && c->expect_len))
		return -EINVAL;
	if (c->len > EBPFNET_KV_VALUE_MAX)
		return -E2BIG;
	p = mem_find(m, c->key, NULL);
	if (c->when == EBPFNET_KV_ABSENT && p)
		return -EAGAIN;
	if (c->when == EBPFNET_KV_EQUAL &&
	    (!p || p->len != c->expect_len || (p->len && memcmp(p->value, c->expect, p->len))))
		return -EAGAIN;
	return 0;
}

int ebn_kv_mem_prepare(struct ebn_kv_mem *m, const struct ebpfnet_kv_change *c, size_t n, struct ebn_kv_pair **fresh)
{
	size_t i;
	int r = 0;

	if (!c || !n || n > EBN_KV_CHANGES_MAX)
		return -EINVAL;
	for (i = 0; !r && i < n; i++)
		r = check(m, &c[i]);
	if (!r)
		r = ebn_index_reserve(&m->by_key, (uint32_t)n);
	if (!r)
		r = ebn_grow(&m->pair, &m->cap, m->n + n, sizeof(*m->pair));
	if (!r)
		r = ebn_grow(&m->free, &m->cap_free, m->n + n, sizeof(*m->free));
	if (!r && m->fn)
		r = ebn_grow(&m->told.note, &m->told.cap, m->told.n + n, sizeof(*m->told.note));
	for (i = 0; i < n; i++)
		fresh[i] = NULL;
	for (i = 0; !r && i < n; i++) {
		fresh[i] = c[i].value ? pair_new(&c[i]) : NULL;
		r = c[i].value && !fresh[i] ? -ENOMEM : 0;
	}
	if (r < 0)
		ebn_kv_drop(fresh, n);
	return r;
}

void ebn_kv_mem_apply(struct ebn_kv_mem *m, const struct ebpfnet_kv_change *c, size_t n, struct ebn_kv_pair **fresh,
		      struct ebn_kv_notes *log)
{
	struct ebn_kv_pair *old, *told;
	uint32_t at = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		old = mem_find(m, c[i].key, &at);
		told = fresh[i] ? fresh[i] : old;
		if (!told)
			continue;
		if (m->fn && !strncmp(told->key, m->prefix, strlen(m->prefix)))
			note(&m->told, told, !fresh[i]);
		if (log)
			note(log, told, !fresh[i]);
		if (old && !fresh[i]) {
			ebn_index_remove(&m->by_key, key_hash(old->key), at);
			m->free[m->n_free++] = at;
		} else if (!old) {
			at = m->n_free ? m->free[--m->n_free] : (uint32_t)m->n++;
			ebn_index_add(&m->by_key, key_hash(fresh[i]->key), at);
		}
		m->pair[at] = EBN_TAKE_PTR(fresh[i]);
		pair_unref(old);
	}
}

int ebn_kv_mem_list(struct ebn_kv_mem *m, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	size_t i, len;
	int r;

	if (!prefix || !fn)
		return -EINVAL;
	len = strlen(prefix);
	for (i = 0; i < m->n; i++) {
		const struct ebn_kv_pair *p = m->pair[i];
		struct ebpfnet_kv kv;

		if (!p || strncmp(p->key, prefix, len))
			continue;
		kv = (struct ebpfnet_kv){ p->key, p->value, p->len };
		r = fn(&kv, userdata);
		if (r < 0)
			return r;
	}
	return 0;
}

int ebn_kv_mem_watch(struct ebn_kv_mem *m, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	if (fn && (!prefix || ebn_format(m->prefix, sizeof(m->prefix), "%s", prefix) < 0))
		return -EINVAL;
	ebn_kv_notes_done(&m->told);
	m->fn = fn;
	m->userdata = userdata;
	return 0;
}

/* What the callback changes is told the next time. */
void ebn_kv_mem_tell(struct ebn_kv_mem *m)
{
	struct ebn_kv_notes l = m->told;
	struct ebpfnet_kv kv;
	size_t i;

	m->told = (struct ebn_kv_notes){ 0 };
	for (i = 0; i < l.n; i++) {
		const struct ebn_kv_pair *p = l.note[i].pair;

		kv = (struct ebpfnet_kv){ p->key, l.note[i].removed ? NULL : p->value, l.note[i].removed ? 0 : p->len };
		if (m->fn)
			(void)m->fn(&kv, m->userdata);
	}
	ebn_kv_notes_done(&l);
}

static int memory_get(void *store, const char *key, void *value, size_t size)
{
	return ebn_kv_mem_get(store, key, value, size);
}

static int memory_commit(void *store, const struct ebpfnet_kv_change *c, size_t n)
{
	struct ebn_kv_pair *fresh[EBN_KV_CHANGES_MAX];
	int r = ebn_kv_mem_prepare(store, c, n, fresh);

	if (!r)
		ebn_kv_mem_apply(store, c, n, fresh, NULL);
	return r;
}

static int memory_list(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	return ebn_kv_mem_list(store, prefix, fn, userdata);
}

static int memory_watch(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	return ebn_kv_mem_watch(store, prefix, fn, userdata);
}

static int memory_timeout(void *store)
{
	return ((struct ebn_kv_mem *)store)->told.n ? 0 : -1;
}

static int memory_dispatch(void *store)
{
	ebn_kv_mem_tell(store);
	return 0;
}

static void memory_destroy(void *store)
{
	ebn_kv_mem_done(store);
	free(store);
}

int ebpfnet_kvstore_memory(struct ebpfnet_kvstore **ret)
{
	static const struct ebpfnet_kvstore_ops ops = {
		.sz = sizeof(ops), .get = memory_get, .commit = memory_commit, .list = memory_list,
		.watch = memory_watch,
		.get_timeout = memory_timeout, .dispatch = memory_dispatch, .destroy = memory_destroy,
	};
	struct ebn_kv_mem *m;
	int r;

	if (!ret)
		return -EINVAL;
	m = ebn_calloc(1, sizeof(*m));
	r = m ? ebpfnet_kvstore_new(&ops, m, ret) : -ENOMEM;
	if (r < 0)
		free(m);
	return r;
}
