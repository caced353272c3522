/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * model.c -- the core beside its specification, over all short and many long sequences of what can happen.
 *
 *	model [--deeper N] [--random N] [--seed S] [--only NAME]
 *	model --replay NAME OPS
 *
 * All short ones: a scenario is a system, how it got going, and an alphabet of ops; every
 * sequence of ops up to its depth (and N more; -2 without an option) is done.  A state that was met before with as many steps to go
 * is not gone on from again: what follows does not depend on how it was reached.  It is known by a 64-bit
 * fingerprint of the core's structures, without statistics, names of calls and the time of day.
 *
 * Long ones: ops are drawn without a look at the state, from seeds S, S + 1, ...  One that fails is
 * made shorter as long as it still does, and printed as OPS, which --replay takes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model.h"
#include "scenarios.h"

#define LENGTH		600u		/* ops of a random sequence */
#define DEPTH_MAX	16u
#define TABLE_BITS	22u
#define STUCK_SECONDS	60u

static struct model model;
static struct model_op trail[LENGTH + DEPTH_MAX];
static unsigned trail_length;
static const char *trail_name = "";
static uint64_t steps, tries, fast, states, sequences;

/* ---- what is said when something differs */

static void
op_print(FILE *to, const struct model_op *op)
{
	fprintf(to, "%u.%u.%u.%u.%u.%u.%u.%u", op->verb, op->a, op->b, op->c, op->d, op->when, op->offer,
	    op->pending);
}

static void
trail_print(void)
{
	fprintf(stderr, "--replay %s ", trail_name);
	for (unsigned i = 0; i < trail_length; i++) {
		if (i > 0)
			fputc(',', stderr);
		op_print(stderr, &trail[i]);
	}
	fputc('\n', stderr);
}

/* The core has panicked, or does not come back. */
static void
fallen(int signal)
{
	fprintf(stderr, "signal %d after %s %u ops: ", signal, trail_name, trail_length);
	trail_print();
	_exit(1);
}

/* ---- all short sequences */

struct snapshot {
	void *pools, *memory;
	struct bx_machine machine;
	struct bx_context *context;
	struct spec spec;
	struct sentences said;
};

static struct snapshot snapshots[DEPTH_MAX + 1];

static size_t
memory_bytes(void)
{
	const struct world *world = &model.world;

	return world->regions[1].base + world->regions[1].size;
}

static void
snapshot_take(struct snapshot *snapshot, bool memory)
{
	const struct world *world = &model.world;

	if (snapshot->pools == NULL)
		snapshot->pools = malloc(world->pool_bytes);
	if (memory && snapshot->memory == NULL)
		snapshot->memory = malloc(memory_bytes());
	memcpy(snapshot->pools, world->pools, world->pool_bytes);
	if (memory)
		memcpy(snapshot->memory, world->memory, memory_bytes());
	snapshot->machine = world->machine;
	snapshot->context = world->context;
	snapshot->spec = model.spec;
	snapshot->said = model.said;
}

static void
snapshot_back(const struct snapshot *snapshot, bool memory)
{
	struct world *world = &model.world;

	memcpy(world->pools, snapshot->pools, world->pool_bytes);
	if (memory)
		memcpy(world->memory, snapshot->memory, memory_bytes());
	world->machine = snapshot->machine;
	world->context = snapshot->context;
	model.spec = snapshot->spec;
	model.said = snapshot->said;
	if (memory)
		return;
	/* What calls under way have in memory may be read again. */
	for (unsigned i = 0; i < model.spec.thread_count; i++) {
		const struct spec_thread *thread = &model.spec.threads[i];

		if (thread->state != BX_THREAD_FREE && thread->asked.buffers == MEMORY_GOOD &&
		    (thread->asked.regs.number & 0xff) <= BX_SYS_REPLY_RECEIVE)
			user_put(world, thread->program, thread->asked.regs.buffers,
			    &thread->asked.offer, sizeof thread->asked.offer);
	}
}

static void
snapshots_free(void)
{
	for (unsigned i = 0; i <= DEPTH_MAX; i++) {
		free(snapshots[i].pools);
		free(snapshots[i].memory);
		snapshots[i].pools = NULL;
		snapshots[i].memory = NULL;
	}
}

/* FNV-1a over words, and a finish. */
static uint64_t
mix(uint64_t hash, const void *from, size_t length)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i + 8 <= length; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof word);
		hash = (hash ^ word) * 0x9fb21c651e98df25ull;
		hash ^= hash >> 29;
	}
	return hash;
}

static uint64_t
mix_word(uint64_t hash, uint64_t word)
{
	return mix(hash, &word, sizeof word);
}

static uint64_t
threads_print(uint64_t hash)
{
	const struct bx_kcore *core = model.world.core;

	for (uint32_t i = 0; i < core->thread_count; i++) {
		struct bx_thread thread = core->threads[i];

		/* Registers count while the call that they make is under way, or the user has them. */
		if (thread.state == BX_THREAD_READY && thread.restart == 0)
			memset(&thread.context, 0, sizeof thread.context);
		memset(thread.context.machine, 0, sizeof thread.context.machine);
		thread.context.root = 0;
		if (thread.context.value[2] > WORLD_TICKS)
			thread.context.value[2] -= model.world.machine.now;
		thread.deadline -= thread.state == BX_THREAD_READY ? thread.deadline : model.world.machine.now;
		if (thread.timer_key != UINT64_MAX)
			thread.timer_key -= model.world.machine.now;
		thread.timer_floor = 0;
		thread.generation = 0;
		thread.call_generation = 0;
		if (model.shape->times != NULL && model.shape->times->slices)
			hash = mix_word(hash, thread.slice_left ^ model.spec.used[i] << 32);
		thread.slice_left = 0;
		thread.cpu_ticks = 0;
		if (thread.has_buffers == 0)
			memset(&thread.buffers, 0, sizeof thread.buffers);
		hash = mix(hash, &thread, sizeof thread);
	}
	return mix(hash, core->timers, core->timer_count * sizeof core->timers[0]);
}

/* Accounts that can run out. */
static uint64_t
accounts_print(uint64_t hash)
{
	const struct bx_kcore *core = model.world.core;
	uint64_t now = model.world.machine.now;

	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_account *account = &core->accounts[i];

		if (account->budget == BX_BUDGET_NONE)
			continue;
		hash = mix_word(mix_word(hash, account->budget), (uint64_t)account->left);
		for (uint32_t r = 0; r < account->refill_count; r++)
			hash = mix_word(mix_word(hash, account->refills[r].at - now),
			    account->refills[r].ticks);
	}
	if (model.shape->times != NULL && model.shape->times->slices)
		hash = mix_word(hash, core->cpu.slice_end > now ? core->cpu.slice_end - now : 0);
	if (core->cpu.budget_end != UINT64_MAX)
		hash = mix_word(mix_word(hash, core->cpu.budget_end - now), core->cpu.since - now);
	return hash;
}

static uint64_t
fingerprint(void)
{
	const struct bx_kcore *core = model.world.core;
	uint64_t hash = accounts_print(threads_print(0x51ed270b));

	for (uint32_t i = 0; i < core->endpoint_count; i++) {
		struct bx_endpoint endpoint = core->endpoints[i];

		endpoint.messages = 0;
		endpoint.bytes = 0;
		hash = mix(hash, &endpoint, sizeof endpoint);
	}
	for (uint32_t i = 0; i < core->notification_count; i++) {
		struct bx_notification note = core->notifications[i];

		note.signals = 0;
		hash = mix(hash, &note, sizeof note);
	}
	for (uint32_t i = 0; i < core->program_count; i++) {
		const struct bx_program *program = &core->programs[i];

		hash = mix_word(hash, program->state | (uint64_t)program->work_state << 8 |
		    (uint64_t)(program->generation & 1) << 16 | (uint64_t)program->work_index << 32);
	}
	for (uint32_t i = 0; i < core->forest.slot_count; i++) {
		struct bx_cap_slot slot = core->forest.slots[i];

		slot.cap.object.generation = slot.cap.type != BX_CAP_NONE && slot.cap.type != BX_CAP_REPLY ?
		    0 : core->threads[slot.cap.object.index].call_generation ==
		    slot.cap.object.generation;
		if (slot.cap.expiry != BX_CAP_EXPIRY_NEVER && slot.cap.expiry != 0)
			slot.cap.expiry = slot.cap.expiry > model.world.machine.now ?
			    slot.cap.expiry - model.world.machine.now : 0;
		hash = mix(hash, &slot, sizeof slot);
	}
	for (uint64_t i = 0; i < core->memory_page_count; i++)
		hash = mix(hash, &core->frames[core->memory_pages[i]], sizeof(struct bx_frame));
	hash = mix(hash, core->cpu.ready, sizeof core->cpu.ready);
	hash = mix_word(hash, core->cpu.current | (uint64_t)core->cpu.account << 32);
	hash = mix_word(hash, core->irqs[0].notification | (uint64_t)core->irqs[0].slot << 40 |
	    (uint64_t)model.spec.irq_open << 32 | (uint64_t)(core->cpu.slice_end == BX_SLICE_ENDED) << 33 |
	    (uint64_t)model.spec.slice_given << 34);
	hash = sentences_print(&model.said, hash, mix_word);
	return hash == 0 ? 1 : hash;
}

/* State -> steps that were to go when it was met. */
static struct met {
	uint64_t hash;
	uint32_t left;
} *table;

static bool
met_before(uint64_t hash, uint32_t left)
{
	size_t mask = ((size_t)1 << TABLE_BITS) - 1, at = hash & mask;

	for (unsigned n = 0; n < 64; n++, at = (at + 1) & mask) {
		if (table[at].hash == hash) {
			if (table[at].left >= left)
				return true;
			table[at].left = left;
			return false;
		}
		if (table[at].hash == 0) {
			table[at] = (struct met){ hash, left };
			states++;
			return false;
		}
	}
	return false;			/* crowded: gone on from twice, at worst */
}

/* All sequences of the alphabet from here, by one more op each, down to the depth. */
static bool
all_from(const struct scenario *scenario, unsigned depth, unsigned most)
{
	snapshot_take(&snapshots[depth], scenario->memory);
	for (unsigned i = 0; i < scenario->ops; i++) {
		enum model_result result;

		trail[trail_length++] = scenario->op[i];
		if (i > 0)
			snapshot_back(&snapshots[depth], scenario->memory);
		result = model_do(&model, &scenario->op[i]);
		if (result == MODEL_DIFFERS)
			return false;
		if (result == MODEL_SAME) {
			if ((sequences++ & 0xfff) == 0)
				alarm(STUCK_SECONDS);
			if (depth + 1 < most && !met_before(fingerprint(), most - depth - 1) &&
			    !all_from(scenario, depth + 1, most))
				return false;
		}
		trail_length--;
	}
	snapshot_back(&snapshots[depth], scenario->memory);
	return true;
}

/* How it got going: to be the same, too. */
static bool
begin(const struct scenario *scenario)
{
	trail_name = scenario->name;
	trail_length = 0;
	(void)model_make(&model, &scenario->shape);
	for (unsigned i = 0; i < scenario->first_ops; i++) {
		if (model_do(&model, &scenario->first[i]) == MODEL_DIFFERS) {
			fprintf(stderr, "%s: at its beginning, op %u: %s\n", scenario->name, i,
			    model.difference);
			return false;
		}
	}
	return true;
}

static void
totals(void)
{
	steps += model.steps;
	tries += model.tries;
	fast += model.fast;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
all_short(const struct scenario *scenario, int deeper)
{
	double began = seconds();
	int depth = (int)scenario->depth + deeper;
	uint64_t sequences_before = sequences, states_before = states;

	depth = depth < 1 ? 1 : depth > (int)DEPTH_MAX ? (int)DEPTH_MAX : depth;
	if (!begin(scenario))
		return false;
	memset(table, 0, sizeof *table << TABLE_BITS);
	(void)met_before(fingerprint(), (uint32_t)depth);
	if (!all_from(scenario, 0, (unsigned)depth)) {
		fprintf(stderr, "%s: %s\n", scenario->name, model.difference);
		trail_print();
		return false;
	}
	totals();
	snapshots_free();
	model_end(&model);
	printf("%-10s depth %2d of %2u ops: %9llu sequences, %8llu states, %6.1f s\n", scenario->name, depth,
	    scenario->ops, (unsigned long long)(sequences - sequences_before),
	    (unsigned long long)(states - states_before), seconds() - began);
	return true;
}

/* ---- long ones */

static uint64_t random_state;

/* SplitMix64, Steele, Lea, Flood, OOPSLA 2014. */
static uint32_t
draw(uint32_t count)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % count);
}

/* True when they all do the same. */
static bool
run(const struct scenario *scenario, const struct model_op *ops, unsigned count)
{
	bool same = begin(scenario);

	for (unsigned i = 0; same && i < count; i++) {
		trail[trail_length++] = ops[i];
		model.serial = i + 1;
		same = model_do(&model, &ops[i]) != MODEL_DIFFERS;
	}
	totals();
	if (same)
		model_end(&model);
	else
		world_free(&model.world);
	return same;
}

/* Leaves out pieces, half of it at first, as long as it still fails. */
static unsigned
shrink(const struct scenario *scenario, struct model_op *ops, unsigned count)
{
	static struct model_op fewer[LENGTH];

	for (unsigned piece = count / 2; piece > 0; piece /= 2) {
		for (unsigned at = 0; at + piece <= count;) {
			memcpy(fewer, ops, at * sizeof ops[0]);
			memcpy(fewer + at, ops + at + piece, (count - at - piece) * sizeof ops[0]);
			if (run(scenario, fewer, count - piece)) {
				at += piece;
				continue;
			}
			count -= piece;
			memcpy(ops, fewer, count * sizeof ops[0]);
		}
	}
	(void)run(scenario, ops, count);
	return count;
}

static bool
long_one(const struct scenario *scenario, uint64_t seed)
{
	static struct model_op ops[LENGTH];
	unsigned count = LENGTH;

	random_state = seed;
	for (unsigned i = 0; i < LENGTH; i++)
		ops[i] = scenario_draw(scenario, draw);
	if (run(scenario, ops, count)) {
		sequences++;
		return true;
	}
	fprintf(stderr, "%s, seed %llu, after %u ops: %s\n", scenario->name, (unsigned long long)seed,
	    trail_length, model.difference);
	count = shrink(scenario, ops, trail_length);
	fprintf(stderr, "made shorter, to %u ops: %s\n", count, model.difference);
	trail_print();
	return false;
}

/* ---- one again */

/* One line: state and priority of each thread, whom or what it waits for. */
static void
threads_show(void)
{
	static const char *const names[] = { "free", "stopped", "ready", "sends", "receives", "calls",
		"waits", "sleeps", "faulted" };

	printf("     ");
	for (unsigned i = 0; i < model.spec.thread_count; i++) {
		const struct bx_thread *thread = &model.world.core->threads[i];

		printf(" %u %s%s %u", i, names[thread->state], thread->restart != 0 ? "!" : "",
		    thread->priority);
		if (thread->object != BX_NONE)
			printf(" at %u", thread->object);
		if (thread->partner != BX_NONE)
			printf(" by %u", thread->partner);
		putchar(i + 1 < model.spec.thread_count ? ';' : '\n');
	}
}

static int
replay(const struct scenario *scenario, const char *text)
{
	static struct model_op ops[LENGTH + DEPTH_MAX];
	unsigned count = 0;

	while (*text != 0 && count < BX_ARRAY_COUNT(ops)) {
		uint8_t *field = &ops[count].verb;

		for (unsigned i = 0; i < sizeof ops[0]; i++) {
			char *end;

			field[i] = (uint8_t)strtoul(text, &end, 10);
			text = *end == 0 ? end : end + 1;
		}
		count++;
	}
	if (!begin(scenario))
		return 1;
	for (unsigned i = 0; i < count; i++) {
		enum model_result result;

		trail[trail_length++] = ops[i];
		model.serial = i + 1;
		printf("%3u thread %3u: ", i, model.spec.current);
		op_print(stdout, &ops[i]);
		result = model_do(&model, &ops[i]);
		printf(" %s\n", result == MODEL_SAME ? "same" : result == MODEL_IDLE ? "idle" :
		    model.difference);
		threads_show();
		if (result == MODEL_DIFFERS)
			return 1;
	}
	model_end(&model);
	return 0;
}

static bool
wanted(const struct scenario *scenario, const char *only)
{
	return only == NULL || strcmp(only, scenario->name) == 0;
}

int
main(int argc, char **argv)
{
	const char *only = NULL, *again = NULL;
	uint64_t seed = 1;
	unsigned many = 100;
	int deeper = -2;
	double began = seconds();

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--deeper") == 0)
			deeper = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--random") == 0)
			many = (unsigned)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
		else if (strcmp(argv[i], "--replay") == 0 && i + 2 < argc) {
			only = argv[i + 1];
			again = argv[i + 2];
			i++;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, fallen);
	signal(SIGSEGV, fallen);
	signal(SIGALRM, fallen);
	table = malloc(sizeof *table << TABLE_BITS);
	want(table != NULL);
	for (unsigned s = 0; s < scenario_count; s++) {
		if (!wanted(&scenarios[s], only))
			continue;
		if (again != NULL)
			return replay(&scenarios[s], again);
		if (scenarios[s].depth > 0 && !all_short(&scenarios[s], deeper))
			return 1;
	}
	for (unsigned s = 0; s < scenario_count; s++) {
		double at = seconds();
		uint64_t before = steps;

		if (!wanted(&scenarios[s], only) || !scenarios[s].random || many == 0)
			continue;
		for (unsigned n = 0; n < many; n++) {
			alarm(STUCK_SECONDS);
			if (!long_one(&scenarios[s], seed + n))
				return 1;
		}
		alarm(0);
		printf("%-10s %u random sequences of up to %u ops: %llu steps, %.1f s\n", scenarios[s].name, many,
		    LENGTH, (unsigned long long)(steps - before), seconds() - at);
	}
	printf("core and specification: %llu sequences, %llu states, %llu steps (%llu by the short way), "
	    "%.2f choices a step, %.1f s\n", (unsigned long long)sequences, (unsigned long long)states,
	    (unsigned long long)steps, (unsigned long long)fast, (double)tries / (double)steps,
	    seconds() - began);
	free(table);
	return 0;
}
