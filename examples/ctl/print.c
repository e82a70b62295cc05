// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ctl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

void print_text(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(iscntrl((unsigned char)*text) && *text != '\n' && *text != '\t' ? '?' : *text, f);
}

void print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	puts(text ? text : "null");
	free(text);
}

/* A value as text of one line; the caller frees it. */
static char *as_text(const json_t *value)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const json_t *item;
	size_t i;

	if (!f)
		return NULL;
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		print_text(f, json_string_value(value));
		break;
	case JSON_INTEGER:
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(f, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", f);
		break;
	case JSON_FALSE:
		fputs("no", f);
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item) {
			char *one = as_text(item);

			fprintf(f, "%s%s", i ? " " : "", one ? one : "");
			free(one);
		}
		break;
	case JSON_OBJECT:
		fputs("{}", f);
		break;
	case JSON_NULL:
		fputs("-", f);
		break;
	}
	fclose(f);
	if (text && !*text) {
		free(text);
		text = strdup("-");
	}
	return text;
}

static const json_t *member(const json_t *object, const char *path)
{
	const char *dot = strchr(path, '.');
	char first[32];

	if (!dot)
		return json_object_get(object, path);
	snprintf(first, sizeof(first), "%.*s", (int)(dot - path), path);
	return member(json_object_get(object, first), dot + 1);
}

static void print_cells(char **cells, const struct column *columns, const int *width)
{
	for (int c = 0; columns[c].title; c++) {
		const char *text = cells[c] ? cells[c] : "?";

		if (!columns[c + 1].title && !columns[c].right)
			printf("%s", text);
		else
			printf(columns[c].right ? "%*s" : "%-*s", width[c], text);
		if (columns[c + 1].title)
			fputs("  ", stdout);
	}
	putchar('\n');
}

void print_list(const struct ctl *ctl, const json_t *list, const struct column *columns)
{
	size_t n = json_array_size(list), n_columns = 0;
	char **cells, *titles[COLUMNS_MAX];
	int width[COLUMNS_MAX];

	if (ctl->json) {
		print_json(list);
		return;
	}
	for (; columns[n_columns].title && n_columns < COLUMNS_MAX - 1; n_columns++) {
		titles[n_columns] = (char *)columns[n_columns].title;
		width[n_columns] = (int)strlen(columns[n_columns].title);
	}
	cells = calloc(n * n_columns + 1, sizeof(*cells));
	if (!cells)
		return;
	for (size_t i = 0; i < n * n_columns; i++) {
		const struct column *c = &columns[i % n_columns];

		cells[i] = as_text(member(json_array_get(list, i / n_columns), c->key));
		if (cells[i] && (int)strlen(cells[i]) > width[i % n_columns])
			width[i % n_columns] = (int)strlen(cells[i]);
	}
	print_cells(titles, columns, width);
	for (size_t i = 0; i < n; i++)
		print_cells(cells + i * n_columns, columns, width);
	for (size_t i = 0; i < n * n_columns; i++)
		free(cells[i]);
	free(cells);
}

static void print_members(const json_t *object, int indent)
{
	const char *key;
	json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)object, key, value)
		if (!json_is_object(value) && strlen(key) > width)
			width = strlen(key);
	json_object_foreach((json_t *)object, key, value) {
		char *text;

		if (json_is_object(value)) {
			printf("%*s%s:\n", indent, "", key);
			print_members(value, indent + 2);
			continue;
		}
		text = as_text(value);
		printf("%*s%-*s  %s\n", indent, "", (int)width, key, text ? text : "?");
		free(text);
	}
}

void print_object(const struct ctl *ctl, const json_t *object)
{
	if (ctl->json)
		print_json(object);
	else
		print_members(object, 0);
}

static bool listed(const char *list, const char *word, size_t len)
{
	for (const char *p = list; len && *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && !strncmp(p, word, len))
			return true;
		p += n;
	}
	return false;
}

/* The value of one argument as the kind its key says. NULL: a number is expected. */
static json_t *argument_value(const char *key, size_t len, const char *value, const char *numbers)
{
	long long n;
	char *end;

	if (!listed(numbers, key, len))
		return json_string(value);
	n = strtoll(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end ? json_integer(n) : NULL;
}

json_t *arguments(int argc, char **argv, const char *allowed, const char *numbers, const char *lists)
{
	json_t *o = json_object();

	for (int i = 0; i < argc; i++) {
		const char *eq = strchr(argv[i], '=');
		size_t len = eq ? (size_t)(eq - argv[i]) : 0;
		char key[32];
		json_t *v, *list;

		if (!eq || len >= sizeof(key) || !listed(allowed, argv[i], len)) {
			fail("\"%s\" is not one of KEY=VALUE with KEY of: %s", argv[i], allowed);
			json_decref(o);
			return NULL;
		}
		memcpy(key, argv[i], len);
		key[len] = '\0';
		v = argument_value(key, len, eq + 1, numbers);
		if (!v) {
			fail("%s: a number is expected", argv[i]);
			json_decref(o);
			return NULL;
		}
		if (!listed(lists, key, len)) {
			json_object_set_new(o, key, v);
			continue;
		}
		list = json_object_get(o, key);
		if (!list) {
			list = json_array();
			json_object_set_new(o, key, list);
		}
		json_array_append_new(list, v);
	}
	return o;
}
