/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz-guided.c -- main() for a fuzz target that is to run for long: an input that reaches something new is kept and
 * mutated further.
 *
 *	fuzz_x --seconds N --seed S --keep FOLDER --total FILE --failed FILE [--max LEN] FILE...
 *
 *	--keep		the corpus that grows; what reaches nothing of its own is deleted from it at the start
 *	--total		how many executions all runs have made, as a decimal number; written about once a second
 *	--failed	where the input goes at which the target failed, or hung for 20 seconds of its own time
 *	FILE...		more inputs to begin with (of a folder: each file in it)
 *
 * What libFuzzer does for each input beside running it (a table of how often each feature was met, comparisons,
 * several clocks) takes longer than most inputs do.  Here it is one pass over the counters of the compiler.
 *
 * Wants clang: the target and the library with -fsanitize=address -fsanitize-coverage=inline-8bit-counters; this file
 * without, and linked with -fsanitize=address.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "fuzz-corpus.h"

enum {
	COUNTERS_MAX = 1 << 20,
	HANG_S = 20,
	NEWEST = 64,			/* of these comes every second input */
	LOOK_AT_CLOCK = 1024		/* runs */
};

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end);
const char *__asan_default_options(void);

static uint8_t *counters;
static size_t counter_count;
/* For each counter a bit for each class of counts that was met: 1, 2, 3, 4.., 8.., 16.., 32.., 128... */
static uint8_t seen[COUNTERS_MAX];
static uint8_t class_of[256];
static struct corpus corpus;
static uint8_t data[INPUT_MAX];
static size_t size;
static volatile uint64_t runs;
static uint64_t total_before;
static int total_file;
static const char *failed_name, *keep_name;

/* Called by the program's constructors, once for each part of it, with the same bounds each time. */
void
__sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end)
{
	if (start == end)
		return;
	if (counters != NULL && counters != start)
		die("has counters in two places", "fuzz-guided");
	counters = start;
	counter_count = (size_t)(end - start);
	if (counter_count > COUNTERS_MAX)
		die("has too many counters", "fuzz-guided");
}

/* An abort is a finding, and so is an instruction that is none, by which clang traps undefined behaviour; freed
 * blocks need not be remembered for long, nor who asked for each. */
const char *
__asan_default_options(void)
{
	return "handle_abort=1:handle_sigill=1:detect_leaks=0:quarantine_size_mb=1:malloc_context_size=0";
}

static void
classes_make(void)
{
	static const uint8_t first[9] = { 1, 2, 3, 4, 8, 16, 32, 128, 0 };

	for (uint32_t i = 0; i < 8; i++) {
		for (uint32_t n = first[i]; n < (first[i + 1] != 0 ? first[i + 1] : 256u); n++)
			class_of[n] = (uint8_t)(1u << i);
	}
}

/* Whether a counter says something new. */
static bool
counter_is_new(size_t i)
{
	uint8_t met = class_of[counters[i]];

	if ((met & ~seen[i]) == 0)
		return false;
	seen[i] |= met;
	return true;
}

/* Whether the last run met something new; sets the counters back. */
static bool
is_new(void)
{
	bool found = false;
	uint64_t word;
	size_t i = 0;

	for (; counter_count - i >= sizeof word; i += sizeof word) {
		memcpy(&word, counters + i, sizeof word);
		if (word == 0)
			continue;
		for (size_t k = i; k < i + sizeof word; k++)
			found |= counter_is_new(k);
		memset(counters + i, 0, sizeof word);
	}
	for (; i < counter_count; i++) {
		found |= counter_is_new(i);
		counters[i] = 0;
	}
	return found;
}

static void
total_write(void)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%020" PRIu64 "\n", total_before + runs);

	if (pwrite(total_file, text, (size_t)length, 0) != length)
		die("cannot be written", "--total");
}

static void
total_open(const char *name)
{
	char text[32] = { 0 };

	total_file = open(name, O_RDWR | O_CREAT, 0666);
	if (total_file < 0)
		die(strerror(errno), name);
	if (flock(total_file, LOCK_EX | LOCK_NB) != 0)
		die("another run counts here", name);
	if (read(total_file, text, sizeof text - 1) > 0)
		total_before = strtoumax(text, NULL, 10);
}

static void
file_write(const char *name, const uint8_t *bytes, size_t length)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (file < 0 || write(file, bytes, length) != (ssize_t)length || close(file) != 0)
		die("cannot be written", name);
}

/* The sanitizers are about to end the program. */
static void
failed(void)
{
	file_write(failed_name, data, size);
	total_write();
}

static void
tick(int signal_number)
{
	static uint64_t last;
	static uint32_t stuck_s;

	stuck_s = runs == last ? stuck_s + 1 : 0;
	last = runs;
	if (stuck_s >= HANG_S)
		abort();
	(void)signal_number;
}

/* The name of an input in the folder that grows: FNV-1a, 64 bits. */
static void
name_of(const uint8_t *bytes, size_t length, char *path, size_t path_size)
{
	uint64_t hash = 0xcbf29ce484222325u;
	int n;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	n = snprintf(path, path_size, "%s/%016" PRIx64, keep_name, hash);
	if (n < 0 || (size_t)n >= path_size)
		die("name too long", keep_name);
}

static bool
run_counted(void)
{
	run(data, size);
	runs++;
	return is_new();
}

static int
by_size(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

/* Shortest first, so that what a short one reaches does not keep a long one. */
static void
corpus_replay(size_t max)
{
	size_t kept = 0;
	char path[4096];

	qsort(corpus.inputs, corpus.count, sizeof corpus.inputs[0], by_size);
	for (size_t i = 0; i < corpus.count; i++) {
		size = corpus.inputs[i].size < max ? corpus.inputs[i].size : max;
		memcpy(data, corpus.inputs[i].data, size);
		if (run_counted()) {
			corpus.inputs[kept++] = corpus.inputs[i];
			continue;
		}
		name_of(corpus.inputs[i].data, corpus.inputs[i].size, path, sizeof path);
		unlink(path);
		free(corpus.inputs[i].data);
	}
	corpus.count = kept;
}

static void
corpus_keep(void)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	char path[4096];

	if (copy == NULL)
		die("out of memory", "fuzz-guided");
	memcpy(copy, data, size);
	if (corpus.count == CORPUS_MAX)
		die("too many files", keep_name);
	corpus.inputs[corpus.count++] = (struct input){ copy, size };
	name_of(data, size, path, sizeof path);
	file_write(path, data, size);
}

/* New ones are mutated more, and of the others the shorter. */
static const struct input *
choose(uint64_t *state)
{
	size_t newest = corpus.count < NEWEST ? corpus.count : NEWEST;
	const struct input *a, *b;

	if (random_below(state, 2) == 0)
		return &corpus.inputs[corpus.count - 1 - random_below(state, newest)];
	a = &corpus.inputs[random_below(state, corpus.count)];
	b = &corpus.inputs[random_below(state, corpus.count)];
	return a->size < b->size ? a : b;
}

static double
seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
run_for(uint64_t seconds, uint64_t state, size_t max)
{
	double now = seconds_of(CLOCK_MONOTONIC), end = now + (double)seconds, written = now;

	for (uint64_t n = 0; now < end; n++) {
		size = 0;
		if (corpus.count > 0) {
			const struct input *from = choose(&state);

			size = from->size < max ? from->size : max;
			memcpy(data, from->data, size);
		}
		for (size_t i = random_below(&state, MUTATIONS_MAX) + 1; i > 0; i--)
			size = mutate(&state, data, size, max, &corpus);
		if (run_counted())
			corpus_keep();
		if (n % LOOK_AT_CLOCK != 0)
			continue;
		now = seconds_of(CLOCK_MONOTONIC);
		if (now - written >= 1) {
			total_write();
			written = now;
		}
	}
}

int
main(int argc, char **argv)
{
	const struct itimerval each_second = { { 1, 0 }, { 1, 0 } };
	uint64_t seconds = 0, seed = 1;
	const char *total_name = NULL;
	size_t max = 4096, met = 0, began;
	double cpu;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = number(argv[++i]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = number(argv[++i]);
		else if (strcmp(argv[i], "--max") == 0)
			max = number(argv[++i]);
		else if (strcmp(argv[i], "--keep") == 0)
			keep_name = argv[++i];
		else if (strcmp(argv[i], "--total") == 0)
			total_name = argv[++i];
		else if (strcmp(argv[i], "--failed") == 0)
			failed_name = argv[++i];
		else
			corpus_add(&corpus, argv[i]);
	}
	if (keep_name == NULL || total_name == NULL || failed_name == NULL || counters == NULL)
		die("needs --keep, --total, --failed, and counters", "fuzz-guided");
	if (max == 0 || max > INPUT_MAX)
		die("must be from 1 to 1048576", "--max");
	corpus_add(&corpus, keep_name);
	total_open(total_name);
	classes_make();
	__sanitizer_set_death_callback(failed);
	signal(SIGPROF, tick);
	setitimer(ITIMER_PROF, &each_second, NULL);

	run_counted();			/* of no length */
	corpus_replay(max);
	began = corpus.count;
	run_for(seconds, seed, max);
	total_write();
	for (size_t i = 0; i < counter_count; i++)
		met += seen[i] != 0;
	cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	printf("%" PRIu64 " executions, %.0f a second of one core, %zu of %zu blocks, corpus %zu (%zu new)\n",
	    (uint64_t)runs, (double)runs / cpu, met, counter_count, corpus.count, corpus.count - began);
	return 0;
}
