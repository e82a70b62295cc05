/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file labels.h
 * Label sets and selectors.
 *
 * A label is source:key=value. The canonical form of a set is its labels sorted by source, then key, each ended
 * by ';': "k8s:app=api;k8s:io.kubernetes.pod.namespace=demo;". A set is immutable; equal sets have equal
 * canonical forms and equal hashes. "key=" and "key" are the same label. Sources, keys and values are visible ASCII
 * without any of , ; = ! ( ) " and backslash; sources and keys have no ':' either. Pure: no context, no system calls but
 * memory.
 */
#ifndef EBPFNET_LABELS_H
#define EBPFNET_LABELS_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/diag.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_labels;
struct ebpfnet_selector;
struct ebpfnet_label_filter;

/** Limits: more is -E2BIG. */
#define EBPFNET_LABELS_MAX 64
#define EBPFNET_LABEL_LEN_MAX 512
#define EBPFNET_SELECTOR_REQUIREMENTS_MAX 64
#define EBPFNET_SELECTOR_VALUES_MAX 1024	/**< of all requirements together */
#define EBPFNET_LABEL_FILTER_RULES_MAX 256

/**
 * Parses labels separated by ',' or ';': "app=api,k8s:tier=web,reserved:host". Without a source it is
 * @p default_source ("k8s" when NULL). A key given twice: the later wins.
 * @param[out] ret	one reference; ebpfnet_labels_unref()
 * @return 0, or
 *   -EINVAL	not a label (the diag says where)
 *   -E2BIG	over a limit
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_labels_parse(const char *text, const char *default_source, struct ebpfnet_diag *diag,
				     struct ebpfnet_labels **ret);

/** Takes a reference; returns @p labels. @since 0.1 */
EBPFNET_API struct ebpfnet_labels *ebpfnet_labels_ref(struct ebpfnet_labels *labels);
/** Drops a reference; NULL is allowed. Always returns NULL. @since 0.1 */
EBPFNET_API struct ebpfnet_labels *ebpfnet_labels_unref(struct ebpfnet_labels *labels);

/** Canonical form, borrowed for the life of the set; "" for NULL or an empty set. @since 0.1 */
EBPFNET_API const char *ebpfnet_labels_format(const struct ebpfnet_labels *labels);

/** Number of labels; 0 for NULL. @since 0.1 */
EBPFNET_API size_t ebpfnet_labels_count(const struct ebpfnet_labels *labels);

/** Value of source:key, "" for a label without value, NULL when absent. @p source NULL: any source. @since 0.1 */
EBPFNET_API const char *ebpfnet_labels_get(const struct ebpfnet_labels *labels, const char *source, const char *key);

/** 1 when the sets are equal, else 0. @since 0.1 */
EBPFNET_API int ebpfnet_labels_equal(const struct ebpfnet_labels *a, const struct ebpfnet_labels *b);

/** Hash of the canonical form (64-bit FNV-1a), the same in every version and on every machine. @since 0.1 */
EBPFNET_API uint64_t ebpfnet_labels_hash(const struct ebpfnet_labels *labels);

/**
 * Parses a selector in the Kubernetes string form: "app=api,tier!=web,env in (a,b),env notin (c),x,!y".
 * Keys may carry a source ("k8s:app"); without one, or with "any:", any source matches. "==" is "=". As in Kubernetes,
 * "!=" and "notin" hold for sets without the key. "" matches everything.
 * @return 0, -EINVAL, -E2BIG, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_selector_parse(const char *text, struct ebpfnet_diag *diag, struct ebpfnet_selector **ret);

/** Takes a reference; returns @p selector. @since 0.1 */
EBPFNET_API struct ebpfnet_selector *ebpfnet_selector_ref(struct ebpfnet_selector *selector);
/** Drops a reference; NULL is allowed. Always returns NULL. @since 0.1 */
EBPFNET_API struct ebpfnet_selector *ebpfnet_selector_unref(struct ebpfnet_selector *selector);

/** Canonical text of the selector, borrowed for its life: requirements sorted and unique. "" for NULL. @since 0.1 */
EBPFNET_API const char *ebpfnet_selector_format(const struct ebpfnet_selector *selector);

/** 1 when every requirement holds for the set, else 0. A NULL selector matches nothing. @since 0.1 */
EBPFNET_API int ebpfnet_selector_match(const struct ebpfnet_selector *selector, const struct ebpfnet_labels *labels);

/**
 * Parses a label filter: which labels make an identity. Rules "[!][SOURCE:]KEY" separated by blanks or commas, '!' leaves out;
 * '*' in a key stands for any characters, without a source or with "any:" every source is meant. Of the rules that speak of
 * a label the one with most characters besides '*' decides, of equals the later; a label no rule speaks of stays, so begin
 * with "!*" to list what stays. Labels of the source "reserved" always stay.
 * @param text	NULL: the default, which leaves out what changes with every object or place (pod-template-hash,
 *		controller-revision-hash, most of kubernetes.io), see ebpfnet_labels(3)
 * @return 0, -EINVAL (the diag says where), -E2BIG, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_label_filter_parse(const char *text, struct ebpfnet_diag *diag,
					   struct ebpfnet_label_filter **ret);

/** Takes a reference; returns @p filter. @since 0.1 */
EBPFNET_API struct ebpfnet_label_filter *ebpfnet_label_filter_ref(struct ebpfnet_label_filter *filter);
/** Drops a reference; NULL is allowed. Always returns NULL. @since 0.1 */
EBPFNET_API struct ebpfnet_label_filter *ebpfnet_label_filter_unref(struct ebpfnet_label_filter *filter);

/** Its rules in their order, separated by one blank; borrowed for its life. "" for NULL. @since 0.1 */
EBPFNET_API const char *ebpfnet_label_filter_format(const struct ebpfnet_label_filter *filter);

/**
 * The labels that stay.
 * @param[out] ret	one reference, of @p labels itself when all stay
 * @return 0, -EINVAL, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_label_filter_apply(const struct ebpfnet_label_filter *filter, struct ebpfnet_labels *labels,
					   struct ebpfnet_labels **ret);

EBPFNET_END_DECLS
#endif
