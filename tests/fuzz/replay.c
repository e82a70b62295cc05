// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Runs a fuzz target without libFuzzer: over every file of its corpus, then over mutations of them.
 * The corpus is $top_srcdir/tests/fuzz/corpus/NAME for the program fuzz-NAME, or the arguments.
 * EBN_TEST_SEED=N repeats a run, EBN_FUZZ_RUNS=N sets the number of mutations.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define INPUTS_MAX 1024
#define INPUT_LEN_MAX 65536
#define RUNS 20000

struct input {
	uint8_t *data;
	size_t len;
};

static struct input inputs[INPUTS_MAX];
static size_t n_inputs;
static uint64_t state;
/* what a crash is reported with */
static struct input current;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return (size_t)(next_random() % n);
}

static void on_crash(int sig)
{
	static const char digits[] = "0123456789abcdef";
	char pair[2];
	size_t i;

	(void)!write(STDERR_FILENO, "input: ", 7);
	for (i = 0; i < current.len; i++) {
		pair[0] = digits[current.data[i] >> 4];
		pair[1] = digits[current.data[i] & 15];
		(void)!write(STDERR_FILENO, pair, 2);
	}
	(void)!write(STDERR_FILENO, "\n", 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int read_input(const char *path)
{
	struct input *in = &inputs[n_inputs];
	FILE *f = fopen(path, "rbe");

	if (!f || n_inputs == INPUTS_MAX) {
		fprintf(stderr, "%s: %s\n", path, f ? "too many inputs" : strerror(errno));
		if (f)
			fclose(f);
		return -1;
	}
	in->data = malloc(INPUT_LEN_MAX);
	FUZZ_CHECK(in->data);
	in->len = fread(in->data, 1, INPUT_LEN_MAX, f);
	fclose(f);
	n_inputs++;
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_corpus(const char *program)
{
	const char *top = getenv("top_srcdir"), *name = strstr(program, "fuzz-");
	struct dirent **entries;
	char folder[PATH_MAX / 2], path[PATH_MAX];
	int i, n, rc = 0;

	if (!name)
		return -1;
	while (strstr(name + 1, "fuzz-"))
		name = strstr(name + 1, "fuzz-");
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top ? top : ".", name + strlen("fuzz-"));
	n = scandir(folder, &entries, NULL, by_name);
	if (n < 0) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return -1;
	}
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && read_input(path) < 0)
			rc = -1;
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* A few random edits: bytes changed, removed, doubled, or a piece of another input put in. */
static void mutate(struct input *in)
{
	size_t edits = 1 + below(6), at, n;
	const struct input *other;

	while (edits--) {
		at = in->len ? below(in->len) : 0;
		switch (below(5)) {
		case 0:
			if (in->len)
				in->data[at] = (uint8_t)next_random();
			break;
		case 1:
			if (in->len)
				in->data[at] ^= (uint8_t)(1u << below(8));
			break;
		case 2:
			n = in->len ? 1 + below(in->len - at) : 0;
			memmove(in->data + at, in->data + at + n, in->len - at - n);
			in->len -= n;
			break;
		case 3:
			n = in->len ? 1 + below(in->len - at) : 0;
			if (in->len + n > INPUT_LEN_MAX)
				break;
			memmove(in->data + at + n, in->data + at, in->len - at);
			in->len += n;
			break;
		default:
			other = &inputs[below(n_inputs)];
			n = other->len ? 1 + below(other->len) : 0;
			if (at + n > INPUT_LEN_MAX)
				break;
			memcpy(in->data + at, other->data, n);
			if (at + n > in->len)
				in->len = at + n;
			break;
		}
	}
}

/* The target gets an allocation of the exact size, so that a sanitizer sees the first byte too many. */
static void run(const struct input *in)
{
	uint8_t *exact = malloc(in->len ? in->len : 1);

	FUZZ_CHECK(exact);
	memcpy(exact, in->data, in->len);
	current = *in;
	LLVMFuzzerTestOneInput(exact, in->len);
	free(exact);
}

int main(int argc, char **argv)
{
	const char *seed = getenv("EBN_TEST_SEED"), *runs_text = getenv("EBN_FUZZ_RUNS");
	unsigned long i, runs = runs_text ? strtoul(runs_text, NULL, 0) : RUNS;
	static uint8_t buffer[INPUT_LEN_MAX];
	struct input in = { .data = buffer };
	int a;

	for (a = 1; a < argc; a++)
		if (read_input(argv[a]) < 0)
			return EXIT_FAILURE;
	if (argc == 1 && read_corpus(argv[0]) < 0)
		return EXIT_FAILURE;
	if (!n_inputs) {
		fprintf(stderr, "the corpus is empty\n");
		return EXIT_FAILURE;
	}
	signal(SIGABRT, on_crash);
	signal(SIGSEGV, on_crash);
	for (i = 0; i < n_inputs; i++)
		run(&inputs[i]);

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
	printf("EBN_TEST_SEED=%llu\n", (unsigned long long)state);
	fflush(stdout);
	for (i = 0; i < runs; i++) {
		const struct input *from = &inputs[below(n_inputs)];

		memcpy(in.data, from->data, from->len);
		in.len = from->len;
		mutate(&in);
		run(&in);
	}
	printf("%zu inputs and %lu mutations\n", n_inputs, runs);
	for (i = 0; i < n_inputs; i++)
		free(inputs[i].data);
	return EXIT_SUCCESS;
}
