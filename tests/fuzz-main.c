/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz-main.c -- main() for a fuzz target that is not linked with libFuzzer.
 *
 *	fuzz_x FILE...			replay each file (of a folder: each file in it)
 *	fuzz_x --runs N [--seed S] [--max LEN] [--save FILE] FILE...
 *					then feed N pseudo-random mutations of them
 *	fuzz_x				as `make check' does it: then 2000 mutations
 *
 * Where no FILE is given, the corpus is the folder that FUZZ_CORPUS named when this file was
 * compiled, below $BX_SRCDIR.
 *
 * The same seed gives the same inputs on every machine.  What fails is the target itself: a crash,
 * a sanitizer's report, bx_panic.  With --save each input is in FILE before it is tried, so that
 * FILE holds the one that failed.
 *
 * Built with clang -fsanitize=fuzzer the target does not need this file.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_CORPUS
#define FUZZ_CORPUS ""			/* no folder */
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CORPUS_MAX = 4096,		/* files */
	INPUT_MAX = 1 << 20,		/* bytes */
	MUTATIONS_MAX = 8,		/* per input */
	CHECK_RUNS = 2000		/* without arguments */
};

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input inputs[CORPUS_MAX];
	size_t count;
};

/* Steele, Lea, Flood: SplitMix64, OOPSLA 2014.  Every seed is a good one. */
static uint64_t
random_word(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A number below `limit`, which is not 0. */
static size_t
random_below(uint64_t *state, size_t limit)
{
	return (size_t)(random_word(state) % limit);
}

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(99);
}

/* An exact-size copy, so that a sanitizer sees a read one past the end. */
static void
run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		die("out of memory", "fuzz");
	if (size > 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void
corpus_add_file(struct corpus *corpus, const char *name)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data = malloc(INPUT_MAX + 1);
	size_t size;

	if (file == NULL)
		die(strerror(errno), name);
	if (data == NULL)
		die("out of memory", name);
	if (corpus->count == CORPUS_MAX)
		die("too many files", name);
	size = fread(data, 1, INPUT_MAX + 1, file);
	if (ferror(file) != 0)
		die("cannot be read", name);
	if (size > INPUT_MAX)
		die("too large for a corpus", name);
	fclose(file);
	corpus->inputs[corpus->count++] = (struct input){ data, size };
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A folder's files in the order of their names: the run does not depend on the file system. */
static void
corpus_add(struct corpus *corpus, const char *name)
{
	struct dirent **entries;
	int count = scandir(name, &entries, is_visible, alphasort);

	if (count < 0) {
		if (errno != ENOTDIR)
			die(strerror(errno), name);
		corpus_add_file(corpus, name);
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];
		int length = snprintf(path, sizeof path, "%s/%s", name, entries[i]->d_name);

		if (length < 0 || (size_t)length >= sizeof path)
			die("name too long", name);
		corpus_add_file(corpus, path);
		free(entries[i]);
	}
	free(entries);
}

/* One change.  `size` is at most `max` before and after. */
static size_t
mutate(uint64_t *state, uint8_t *data, size_t size, size_t max, const struct corpus *corpus)
{
	static const uint64_t edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff
	};
	size_t at, length;
	uint64_t word;

	switch (random_below(state, size > 0 ? 8 : 1)) {
	case 0:				/* insert random bytes */
		at = random_below(state, size + 1);
		length = random_below(state, 16) + 1;
		if (length > max - size)
			length = max - size;
		memmove(data + at + length, data + at, size - at);
		for (size_t i = 0; i < length; i++)
			data[at + i] = (uint8_t)random_word(state);
		return size + length;
	case 1:				/* flip a bit */
		data[random_below(state, size)] ^= (uint8_t)(1u << random_below(state, 8));
		return size;
	case 2:				/* another byte */
		data[random_below(state, size)] = (uint8_t)random_word(state);
		return size;
	case 3:				/* cut out */
		at = random_below(state, size);
		length = random_below(state, size - at) + 1;
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 4:				/* cut off */
		return random_below(state, size);
	case 5:				/* a number on the edge, in either byte order */
		word = edges[random_below(state, sizeof edges / sizeof edges[0])];
		length = (size_t)1 << random_below(state, 4);
		if (length > size)
			return size;
		at = random_below(state, size - length + 1);
		for (size_t i = 0; i < length; i++) {
			size_t to = random_below(state, 2) != 0 ? i : length - 1 - i;

			data[at + to] = (uint8_t)(word >> (8 * i));
		}
		return size;
	case 6:				/* a little more or less */
		at = random_below(state, size);
		data[at] = (uint8_t)(data[at] + random_below(state, 9) - 4);
		return size;
	default:			/* a piece of another input */
		if (corpus->count == 0)
			return size;
		{
			const struct input *other = &corpus->inputs[random_below(state, corpus->count)];

			if (other->size == 0)
				return size;
			length = random_below(state, other->size) + 1;
			at = random_below(state, size);
			if (length > size - at)
				length = size - at;
			memcpy(data + at, other->data + random_below(state, other->size - length + 1),
			    length);
			return size;
		}
	}
}

/* What `make check' feeds. */
static void
corpus_add_own(struct corpus *corpus)
{
	const char *tree = getenv("BX_SRCDIR");
	char path[4096];
	int length = snprintf(path, sizeof path, "%s/%s", tree != NULL ? tree : ".", FUZZ_CORPUS);

	if (length < 0 || (size_t)length >= sizeof path)
		die("name too long", FUZZ_CORPUS);
	corpus_add(corpus, path);
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t value;

	if (text == NULL)
		die("a number is missing", "fuzz");
	errno = 0;
	value = strtoumax(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0')
		die("is not a number", text);
	return value;
}

static void
save(const char *name, const uint8_t *data, size_t size)
{
	FILE *file = fopen(name, "wb");

	if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
		die("cannot be written", name);
}

int
main(int argc, char **argv)
{
	static struct corpus corpus;
	static uint8_t data[INPUT_MAX];
	const char *save_name = NULL;
	uint64_t runs = 0, seed = 1;
	size_t max = 4096;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--runs") == 0)
			runs = number(argv[++i]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = number(argv[++i]);
		else if (strcmp(argv[i], "--max") == 0)
			max = number(argv[++i]);
		else if (strcmp(argv[i], "--save") == 0 && argv[i + 1] != NULL)
			save_name = argv[++i];
		else
			corpus_add(&corpus, argv[i]);
	}
	if (argc == 1)
		runs = CHECK_RUNS;
	if (corpus.count == 0 && strlen(FUZZ_CORPUS) > 0)
		corpus_add_own(&corpus);
	if (max == 0 || max > INPUT_MAX)
		die("must be from 1 to 1048576", "--max");

	run(data, 0);
	for (size_t i = 0; i < corpus.count; i++)
		run(corpus.inputs[i].data, corpus.inputs[i].size);
	for (uint64_t n = 0; n < runs; n++) {
		/* Each run has a stream of its own, so that run n can be had without the others. */
		uint64_t state = seed + n * 0xd1342543de82ef95u;
		size_t size = 0;

		if (corpus.count > 0) {
			const struct input *from = &corpus.inputs[random_below(&state, corpus.count)];

			size = from->size < max ? from->size : max;
			memcpy(data, from->data, size);
		}
		for (size_t i = random_below(&state, MUTATIONS_MAX) + 1; i > 0; i--)
			size = mutate(&state, data, size, max, &corpus);
		if (save_name != NULL)
			save(save_name, data, size);
		run(data, size);
	}
	printf("%" PRIu64 " inputs, all came back\n", 1 + corpus.count + runs);
	for (size_t i = 0; i < corpus.count; i++)
		free(corpus.inputs[i].data);
	return 0;
}
