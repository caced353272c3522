/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * capcost.c -- every operation of libcap a thousand times, in a forest of a given size and shape, for
 * callgrind to count the instructions of.
 *
 *	capcost wide|deep CAPABILITIES
 *
 *	wide	one root, and everything else derived from it
 *	deep	chains from one root down to the greatest depth
 *
 * Each operation has a function op_NAME of its own, in which only the loop and the operation are; what
 * is needed before and after is done outside of it.  The program prints how often each was done,
 *
 *	NAME TIMES
 *
 * and callgrind says what the function took with all that it calls; cap.sh divides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/cap.h>

#define ROUNDS	1000u		/* of each operation; so many free slots beside the forest's */
#define MEASURED __attribute__((noinline))

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

struct cost {
	struct bx_cap_forest forest;
	struct bx_cap_space all;	/* [0, size): the forest; then free slots; then reply slots */
	uint32_t size;
	uint32_t some[ROUNDS];		/* capabilities from all over the forest, not too deep to derive */
	uint32_t leaf[ROUNDS];		/* and the deepest ones */
	unsigned failures;
};

static struct bx_cap_place
at(const struct cost *c, uint32_t index)
{
	return (struct bx_cap_place){ &c->all, index };
}

static struct bx_cap_place
spare(const struct cost *c, uint32_t i)
{
	return at(c, c->size + i);
}

static void
done(const char *name, uint64_t times)
{
	printf("%s %llu\n", name, (unsigned long long)times);
}

/* ---- what is measured */

MEASURED static void
op_lookup(struct cost *c)
{
	uint32_t slot;

	for (uint32_t i = 0; i < ROUNDS; i++)
		if (bx_cap_lookup(&c->forest, at(c, c->some[i]), BX_CAP_MEMORY, BX_RIGHT_READ, 1, &slot) ==
		    BX_OK)
			bx_cap_use(&c->forest, slot);
		else
			c->failures++;
}

MEASURED static void
op_derive(struct cost *c)
{
	const struct bx_cap_limits limits = { .rights = BX_RIGHT_READ, .uses = 5, .expiry = 1000, .first = 3,
	    .count = 2 };

	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_derive(&c->forest, at(c, c->some[i]), &limits, spare(c, i), 1) != BX_OK;
}

MEASURED static void
op_copy(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_copy(&c->forest, at(c, c->some[i]), spare(c, i), 1) != BX_OK;
}

/* From the root, to what lies under it as deep as there is anything. */
MEASURED static void
op_recharge(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_recharge(&c->forest, at(c, 0), at(c, c->leaf[i]), 1, 1) != BX_OK;
}

MEASURED static void
op_move(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_move(&c->forest, at(c, c->leaf[i]), spare(c, i)) != BX_OK;
}

MEASURED static void
op_delete(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_delete(&c->forest, spare(c, i)) != BX_OK;
}

MEASURED static void
op_insert(struct cost *c)
{
	static const struct bx_cap cap = { .type = BX_CAP_ENDPOINT, .rights = BX_RIGHT_ALL,
		.uses = BX_CAP_USES_UNLIMITED, .object = { 2, 1 }, .expiry = BX_CAP_EXPIRY_NEVER };

	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_insert(&c->forest, spare(c, i), &cap) != BX_OK;
}

MEASURED static void
op_reply(struct cost *c)
{
	static const struct bx_cap reply = { .type = BX_CAP_REPLY, .uses = BX_CAP_USES_UNLIMITED,
		.object = { 2, 1 }, .expiry = BX_CAP_EXPIRY_NEVER };

	for (uint32_t i = 0; i < ROUNDS; i++)
		c->failures += bx_cap_reply_insert(&c->forest, spare(c, ROUNDS + i), &reply) != BX_OK;
}

/* The whole forest, in steps; so many are there that each counts one. */
MEASURED static void
op_revoke(struct cost *c)
{
	while (bx_cap_revoke(&c->forest, at(c, 0)) == BX_ERR_AGAIN)
		;
}

/* ---- what is not */

static void
refuse(const char *what)
{
	fprintf(stderr, "capcost: %s\n", what);
	exit(1);
}

static void
delete_spares(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		if (bx_cap_delete(&c->forest, spare(c, i)) != BX_OK)
			refuse("a spare capability is not there");
}

/* The use-counted leaf at the end of a chain, or a child of a wide root. */
static void
make(struct cost *c, bool deep)
{
	const struct bx_cap root = { .type = BX_CAP_MEMORY, .rights = BX_RIGHT_ALL,
		.uses = BX_CAP_USES_UNLIMITED, .object = { 1, 1 }, .expiry = BX_CAP_EXPIRY_NEVER,
		.count = 1000 };
	struct bx_cap_limits limits = bx_cap_limits_same(&root);
	uint32_t from = 0, leaves = 0, others = 0;

	if (bx_cap_insert(&c->forest, at(c, 0), &root) != BX_OK)
		refuse("no root");
	for (uint32_t i = 1; i < c->size; i++) {
		/* A chain's last is counted, and so is every second child of a wide root. */
		bool last = deep ? c->forest.slots[from].cap.depth == BX_CAP_DEPTH_MAX - 1 || i + 1 == c->size :
		    i % 2 == 0;

		limits.uses = last ? 9 : BX_CAP_USES_UNLIMITED;
		if (bx_cap_derive(&c->forest, at(c, from), &limits, at(c, i), 1) != BX_OK)
			refuse("the forest does not grow");
		from = deep && !last ? i : 0;
	}
	/* Those that are looked at lie all over; with few, the same comes more than once. */
	for (uint32_t n = 0; n < c->size && leaves < ROUNDS; n++) {
		uint32_t i = 1 + (uint32_t)(((uint64_t)n * 7919) % (c->size - 1));

		if (c->forest.slots[i].cap.uses == 9)
			c->leaf[leaves++] = i;
	}
	for (uint32_t n = 0; others < ROUNDS; n++) {
		uint32_t i = 1 + (uint32_t)(((uint64_t)n * 7919) % (c->size - 1));

		if (c->forest.slots[i].cap.uses != 9)
			c->some[others++] = i;
	}
	for (uint32_t i = leaves; i < ROUNDS; i++)
		c->leaf[i] = c->leaf[i % leaves];
}

/* Each leaf can be moved once, and small forests have few: fresh ones, derived from all over. */
static void
leaves_make(struct cost *c)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (bx_cap_copy(&c->forest, at(c, c->some[i]), spare(c, 2 * ROUNDS + i), 1) != BX_OK)
			refuse("no leaf to move");
		c->leaf[i] = c->size + 2 * ROUNDS + i;
	}
}

int
main(int argc, char **argv)
{
	static struct cost cost;
	struct bx_cap_slot *slots;
	uint32_t count;

	if (argc != 3 || (strcmp(argv[1], "wide") != 0 && strcmp(argv[1], "deep") != 0)) {
		fputs("usage: capcost wide|deep CAPABILITIES\n", stderr);
		return 2;
	}
	cost.size = (uint32_t)strtoul(argv[2], NULL, 10);
	if (cost.size < 10)
		refuse("at least 10 capabilities");
	count = cost.size + 3 * ROUNDS;
	slots = malloc(count * sizeof *slots);
	if (slots == NULL)
		refuse("no memory");
	bx_cap_forest_init(&cost.forest, slots, count);
	if (bx_cap_space_init(&cost.forest, 0, count, count, &cost.all) != BX_OK)
		refuse("no space");
	make(&cost, argv[1][0] == 'd');

	op_lookup(&cost);
	done("lookup", ROUNDS);
	op_derive(&cost);
	done("derive", ROUNDS);
	delete_spares(&cost);
	op_copy(&cost);
	done("copy", ROUNDS);
	delete_spares(&cost);
	op_recharge(&cost);
	done("recharge", ROUNDS);
	op_insert(&cost);
	done("insert", ROUNDS);
	delete_spares(&cost);
	leaves_make(&cost);
	op_move(&cost);
	done("move", ROUNDS);
	op_delete(&cost);
	done("delete", ROUNDS);
	cost.all.plain_count = cost.size + ROUNDS;
	op_reply(&cost);
	done("reply", ROUNDS);
	op_revoke(&cost);
	done("revoke", cost.size - 1);
	if (cost.failures != 0 || slots[0].child != BX_CAP_SLOT_NONE)
		refuse("an operation that should be done was refused");
	free(slots);
	return 0;
}
