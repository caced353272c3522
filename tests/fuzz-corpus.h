/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz-corpus.h -- what the two main()s of fuzz targets share (fuzz-main.c, fuzz-guided.c): the inputs of a
 * corpus, random numbers, mutations.
 */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CORPUS_MAX = 65536,		/* files */
	INPUT_MAX = 1 << 20,		/* bytes */
	MUTATIONS_MAX = 8		/* per input */
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
	static uint8_t bytes[INPUT_MAX + 1];
	FILE *file = fopen(name, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL)
		die(strerror(errno), name);
	if (corpus->count == CORPUS_MAX)
		die("too many files", name);
	size = fread(bytes, 1, sizeof bytes, file);
	if (ferror(file) != 0)
		die("cannot be read", name);
	if (size > INPUT_MAX)
		die("too large for a corpus", name);
	fclose(file);
	data = malloc(size > 0 ? size : 1);
	if (data == NULL)
		die("out of memory", name);
	memcpy(data, bytes, size);
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

#endif
