/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * small_world.c -- libcap beside its specification (spec.h), over every sequence of operations in a
 * small world.
 *
 *	small_world [--depth N]
 *
 * The world: two spaces, each of two plain slots and one for replies, two moments in time.  The
 * operations: all of cap.h with every place, one place that is none, and arguments that are just
 * allowed and just not allowed.  Every operation can be tried in every state; most are refused.
 * After each step result and state must be what the specification says, and the sentences of
 * section 6 must hold of the step as they stand.
 *
 * States that were reached before are not gone on from again: what follows depends on the state
 * alone.  So all sequences up to the depth are covered, though each state is visited once.  A state
 * is remembered by a 128-bit fingerprint.
 */
#include <time.h>

#define SPACES		2u
#define PLAIN		2u
#define REPLIES		1u

#include "world.h"

#define DEPTH_DEFAULT	4u

/* An operation of the list: a verb, two places, and which arguments. */
struct operation {
	enum verb verb;
	uint8_t a, b;
	uint8_t variant;
};

/* Root capabilities: an unlimited one, a counted one with a badge, and two that there cannot be. */
static const struct bx_cap roots[] = {
	{ .type = BX_CAP_MEMORY, .rights = BX_RIGHT_READ | BX_RIGHT_WRITE,
	  .uses = BX_CAP_USES_UNLIMITED, .object = { 1, 1 }, .expiry = BX_CAP_EXPIRY_NEVER, .count = 2 },
	{ .type = BX_CAP_ENDPOINT, .rights = BX_RIGHT_WRITE, .uses = 2, .badge = 9,
	  .object = { COUNTED_OBJECT, 1 }, .expiry = BX_CAP_EXPIRY_NEVER },
	{ .type = BX_CAP_REPLY, .uses = 1, .object = { 4, 1 }, .expiry = BX_CAP_EXPIRY_NEVER },
	{ .type = BX_CAP_MEMORY, .uses = 1, .object = { 4, 1 }, .expiry = BX_CAP_EXPIRY_NEVER,
	  .first = 2, .count = UINT64_MAX - 1 },
};
static const struct bx_cap reply_cap = { .type = BX_CAP_REPLY, .uses = 1, .object = { 3, 1 },
	.expiry = BX_CAP_EXPIRY_NEVER };

#define LIMIT_VARIANTS	6u

/* What a derivation asks for: what the source has, but for one thing. */
static struct bx_cap_limits
limits_of(const struct bx_cap *source, uint8_t variant)
{
	struct bx_cap_limits limits = { .rights = source->rights, .uses = source->uses,
	    .expiry = source->expiry, .first = source->first, .count = source->count };

	switch (variant) {
	case 0: limits.rights = BX_RIGHT_WRITE; break;
	case 1: limits.rights = BX_RIGHT_WRITE | BX_RIGHT_GRANT; break;	/* too much */
	case 2: limits.uses = 1; break;
	case 3: limits.expiry = 1; limits.uses = 0; break;
	case 4: limits.badge = 5; break;			/* once only */
	case 5: limits.first = 1; limits.count = 1; break;	/* once only */
	}
	return limits;
}

static struct request
request_of(const struct operation *o, const struct spec *s)
{
	struct request r = { .verb = o->verb, .a = o->a, .b = o->b, .uses = o->variant,
	    .type = BX_CAP_MEMORY, .rights = o->variant, .now = 1 };

	if (o->verb == INSERT)
		r.cap = roots[o->variant];
	else if (o->verb == REPLY)
		r.cap = reply_cap;
	else if (o->verb == DERIVE && o->a != NO_PLACE)
		r.limits = limits_of(&s->at[o->a].cap, o->variant);
	return r;
}

#define OPERATIONS_MAX	1024u

static struct operation operations[OPERATIONS_MAX];
static uint32_t operation_count;

static void
add(enum verb verb, uint32_t a, uint32_t b, uint32_t variant)
{
	if (operation_count == OPERATIONS_MAX)
		abort();
	operations[operation_count++] = (struct operation){ verb, (uint8_t)a, (uint8_t)b,
	    (uint8_t)variant };
}

static void
make_operations(void)
{
	for (uint32_t a = 0; a <= NO_PLACE; a++) {
		for (uint32_t v = 0; v < BX_ARRAY_COUNT(roots); v++)
			add(INSERT, a, 0, v);
		add(REPLY, a, 0, 0);
		add(USE, a, 0, BX_RIGHT_READ);
		add(USE, a, 0, BX_RIGHT_WRITE);
		add(DELETE, a, 0, 0);
		add(REVOKE, a, 0, 0);
		add(LEAF, a, 0, 0);
		for (uint32_t b = 0; b <= NO_PLACE; b++) {
			for (uint32_t v = 0; v < LIMIT_VARIANTS; v++)
				add(DERIVE, a, b, v);
			add(COPY, a, b, 0);
			add(MOVE, a, b, 0);
			add(RECHARGE, a, b, 1);
		}
	}
	for (uint32_t space = 0; space < SPACES; space++)
		add(SEAL, space, 0, 0);
	add(TICK, 0, 0, 0);
}

struct fingerprint {
	uint64_t low, high;
};

static struct fingerprint *seen;
static uint64_t seen_count, seen_room;

static void *
room_for(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL) {
		fputs("small_world: no memory\n", stderr);
		exit(99);
	}
	return memory;
}

static struct fingerprint
fingerprint_of(const struct world *w)
{
	struct fingerprint f = { 0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu };
	uint64_t words[sizeof w->slots / 8 + 1];

	memcpy(words, w->slots, sizeof w->slots);
	words[sizeof w->slots / 8] = (uint64_t)w->spaces[0].sealed | (uint64_t)w->spaces[1].sealed << 1 |
	    w->now << 2;
	for (size_t i = 0; i < BX_ARRAY_COUNT(words); i++) {
		f.low = (f.low ^ words[i]) * 0xff51afd7ed558ccdu;
		f.low ^= f.low >> 32;
		f.high = (f.high + words[i]) * 0xc4ceb9fe1a85ec53u;
		f.high ^= f.high >> 29;
	}
	f.low |= f.low == 0;
	return f;
}

static bool
seen_put(struct fingerprint *table, uint64_t room, struct fingerprint f)
{
	uint64_t i = f.low & (room - 1);

	for (; table[i].low != 0; i = (i + 1) & (room - 1))
		if (table[i].low == f.low && table[i].high == f.high)
			return false;
	table[i] = f;
	return true;
}

/* Whether the state is new; it is not the next time. */
static bool
is_new(const struct world *w)
{
	if (seen_count * 2 >= seen_room) {
		uint64_t room = seen_room == 0 ? 1u << 16 : seen_room * 2;
		struct fingerprint *table = room_for(room, sizeof *table);

		for (uint64_t i = 0; i < seen_room; i++)
			if (seen[i].low != 0)
				(void)seen_put(table, room, seen[i]);
		free(seen);
		seen = table;
		seen_room = room;
	}
	if (!seen_put(seen, seen_room, fingerprint_of(w)))
		return false;
	seen_count++;
	return true;
}

/* States of one length, to go on from. */
struct level {
	struct world *worlds;
	uint64_t count, room;
};

static void
level_put(struct level *level, const struct world *w)
{
	if (level->count == level->room) {
		level->room = level->room == 0 ? 1024 : level->room * 2;
		level->worlds = realloc(level->worlds, level->room * sizeof *level->worlds);
		if (level->worlds == NULL)
			exit(99);
	}
	level->worlds[level->count++] = *w;
}

/* All operations from all states of `from`; new states go to *to, if there is one. */
static bool
go_on(const struct level *from, struct level *to, uint64_t *steps)
{
	struct spec start, state;
	struct world after;
	struct request r;
	enum bx_err err;

	for (uint64_t i = 0; i < from->count; i++) {
		abstract(&from->worlds[i], &start);
		for (uint32_t o = 0; o < operation_count; o++) {
			r = request_of(&operations[o], &start);
			after = from->worlds[i];
			state = start;
			if (!step(&after, &state, &r, &err))
				return false;
			if (is_new(&after) && to != NULL)
				level_put(to, &after);
		}
		*steps += operation_count;
	}
	return true;
}

int
main(int argc, char **argv)
{
	unsigned depth = DEPTH_DEFAULT;
	struct level level = { 0 }, next;
	struct world first;
	uint64_t steps = 0;
	double sequences = 0, of_length = 1;
	clock_t begin = clock();

	if (argc == 3 && strcmp(argv[1], "--depth") == 0)
		depth = (unsigned)strtoul(argv[2], NULL, 10);
	else if (argc != 1) {
		fputs("usage: small_world [--depth N]\n", stderr);
		return 2;
	}
	make_operations();
	if (!world_init(&first))
		return 1;
	(void)is_new(&first);
	level_put(&level, &first);
	for (unsigned length = 1; length <= depth; length++) {
		of_length *= operation_count;
		sequences += of_length;
		next = (struct level){ 0 };
		if (!go_on(&level, length < depth ? &next : NULL, &steps)) {
			printf("libcap small world: disagreement after %u operations\n", length);
			return 1;
		}
		free(level.worlds);
		level = next;
		printf("libcap small world: depth %u, %u operations: %.4g sequences, %llu states, %llu steps, %.1f s\n",
		    length, operation_count, sequences, (unsigned long long)seen_count,
		    (unsigned long long)steps, (double)(clock() - begin) / CLOCKS_PER_SEC);
		fflush(stdout);
	}
	free(level.worlds);
	free(seen);
	return 0;
}
