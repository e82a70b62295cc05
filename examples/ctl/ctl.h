/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * ebpfnetctl: asks an agent over its control socket, or reads the pinned tables where there is none.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

struct ctl {
	const char *name;	/* of the datapath */
	const char *socket;	/* NULL: /run/ebpfnet/NAME.sock */
	const char *pin_dir;	/* NULL: the library's default */
	bool json;
	bool direct;		/* do not ask the agent, read the tables */
	int fd;			/* of the socket, -1 */
	char *in;		/* bytes received and not yet used */
	size_t in_len, in_size;
};

/* What a command does; argv[0] is its name. Exit status. */
typedef int (*command_fn)(struct ctl *ctl, int argc, char **argv);

/* An error message on stderr; returns 1, the exit status. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* client.c */

/* 0, or -errno: nobody answers. Says nothing. */
int client_open(struct ctl *ctl);
void client_close(struct ctl *ctl);
/* Called with each result; 1 stops, 0 goes on, <0: an error that was printed. */
typedef int (*client_fn)(struct ctl *ctl, json_t *result, void *userdata);
/*
 * Calls a method and hands over its results, until the last one. Takes params over (NULL: none). Prints
 * errors. Exit status.
 */
int client_call(struct ctl *ctl, const char *method, json_t *params, client_fn fn, void *userdata);
/* All items of a list in one array, or NULL and *ret_status is the exit status. */
json_t *client_list(struct ctl *ctl, const char *method, json_t *params, const char *member,
		    int *ret_status);
/* One result, or NULL and the exit status. */
json_t *client_get(struct ctl *ctl, const char *method, json_t *params, int *ret_status);

/* direct.c: the same answers out of the pinned tables. */
struct direct;
/* Opens read-only; says what is wrong. Exit status. */
int direct_open(const struct ctl *ctl, struct direct **ret);
void direct_close(struct direct *d);
struct ebpfnet_datapath *direct_datapath(struct direct *d);
json_t *direct_ct(struct direct *d, const struct ebpfnet_ct_filter *filter);
json_t *direct_endpoints(struct direct *d);
json_t *direct_identities(struct direct *d);

/* Agent if there is one, tables if not: true when the tables are to be read. */
bool use_tables(struct ctl *ctl);

/* print.c */

struct column {
	const char *title;
	const char *key;	/* member of each item; "a.b" goes down */
	bool right;		/* numbers */
};
/* Prints an array of objects as a table, or as JSON when asked to. Columns end with a NULL title. */
void print_list(const struct ctl *ctl, const json_t *list, const struct column *columns);
/* "key: value" lines, members indented; or JSON. */
void print_object(const struct ctl *ctl, const json_t *object);
void print_json(const json_t *value);
/* Prints text with control characters made harmless: it may come from others. */
void print_text(FILE *f, const char *text);

/* "key=value" arguments as an object; keys in numbers become integers, in lists arrays (both lists of
 * names separated by blanks). NULL and a message: not so. */
json_t *arguments(int argc, char **argv, const char *allowed, const char *numbers, const char *lists);

/* A whole file, or standard input for "-"; the caller frees it. NULL: an error was printed. */
char *read_input(const char *path);
/* Calls a method and prints its result. Takes params over. Exit status. */
int show(struct ctl *ctl, const char *method, json_t *params);

/* Of tracked flows. */
extern const struct column ct_columns[];

/* Prints the endpoints. Exit status. */
int list_endpoints(struct ctl *ctl);

/* Commands. */
int cmd_status(struct ctl *ctl, int argc, char **argv);
int cmd_endpoint(struct ctl *ctl, int argc, char **argv);
int cmd_policy(struct ctl *ctl, int argc, char **argv);
int cmd_address(struct ctl *ctl, int argc, char **argv);
int cmd_node(struct ctl *ctl, int argc, char **argv);
int cmd_egress(struct ctl *ctl, int argc, char **argv);
int cmd_host(struct ctl *ctl, int argc, char **argv);
int cmd_ipam(struct ctl *ctl, int argc, char **argv);
int cmd_cni(struct ctl *ctl, int argc, char **argv);
int cmd_identity(struct ctl *ctl, int argc, char **argv);
int cmd_ct(struct ctl *ctl, int argc, char **argv);
int cmd_observe(struct ctl *ctl, int argc, char **argv);
int cmd_service(struct ctl *ctl, int argc, char **argv);
int cmd_nat(struct ctl *ctl, int argc, char **argv);
int cmd_drops(struct ctl *ctl, int argc, char **argv);
int cmd_table(struct ctl *ctl, int argc, char **argv);
int cmd_config(struct ctl *ctl, int argc, char **argv);
int cmd_reload(struct ctl *ctl, int argc, char **argv);
int cmd_upgrade(struct ctl *ctl, int argc, char **argv);
int cmd_rollback(struct ctl *ctl, int argc, char **argv);
int cmd_watch(struct ctl *ctl, int argc, char **argv);
int cmd_call(struct ctl *ctl, int argc, char **argv);

/* attach.c: observe without an agent. Exit status. */
struct observe_options {
	const char *device;
	const char *filter;	/* NULL: all */
	bool json;
	unsigned long count;	/* stop after so many, 0: never */
};
int attach_and_observe(const struct observe_options *o);

#endif
