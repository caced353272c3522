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
#include "fuzz-corpus.h"

#ifndef FUZZ_CORPUS
#define FUZZ_CORPUS ""			/* no folder */
#endif

enum { CHECK_RUNS = 2000 };		/* without arguments */

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
