/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * long_walk.c -- libcap beside its specification (spec.h), over long random histories.
 *
 *	long_walk [--steps N] [--seed N]
 *
 * A bigger world than small_world's: three spaces, 96 places, so that chains reach the greatest depth
 * and a removal takes more than one step.  Every history begins empty and has a temper: some grow
 * chains, some bushes, some are at war; late in it a space is sealed.  Arguments are mostly what the
 * source has, so that much succeeds, and now and then anything.
 */
#include <time.h>

#define SPACES		3u
#define PLAIN		30u
#define REPLIES		2u

#include "world.h"

#define STEPS_DEFAULT	1000000u
#define HISTORY		4000u

static uint64_t random_state;

static uint32_t
draw(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % limit);
}

enum temper { CHAINS, BUSHES, WAR, TEMPERS };

/* Where the last derivation or insertion went: chains grow there. */
static uint32_t latest;

static uint32_t
any_place(void)
{
	return draw(PLACES + 1);
}

/* Mostly one that holds something. */
static uint32_t
used_place(const struct spec *s)
{
	uint32_t place = any_place();

	for (unsigned n = 0; n < 8 && place < PLACES && empty(s, place); n++)
		place = draw(PLACES);
	return place;
}

static uint32_t
free_place(const struct spec *s)
{
	uint32_t place = any_place();

	for (unsigned n = 0; n < 8 && place < PLACES && !empty(s, place); n++)
		place = draw(PLACES);
	return place;
}

static uint64_t
any_number(void)
{
	static const uint64_t edges[] = { 0, 1, 2, UINT32_MAX - 1, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };

	return draw(4) == 0 ? edges[draw(BX_ARRAY_COUNT(edges))] : draw(12);
}

static struct bx_cap
any_root(void)
{
	bool counted = draw(2) == 0;
	struct bx_cap cap = { .type = (uint8_t)(1 + draw(BX_CAP_TYPE_COUNT - 1)),
	    .rights = (uint8_t)draw(32), .badge = draw(3) == 0 ? 1 + draw(2) : 0,
	    .uses = counted ? draw(5) * draw(5) : BX_CAP_USES_UNLIMITED,
	    .object = { counted ? COUNTED_OBJECT : COUNTED_OBJECT + 1 + draw(2), draw(3) },
	    .expiry = draw(3) != 0 ? BX_CAP_EXPIRY_NEVER : draw(40), .first = draw(3), .count = draw(12) };

	switch (draw(40)) {
	case 0: cap.type = (uint8_t)any_number(); break;
	case 1: cap.rights = (uint8_t)any_number(); break;
	case 2: cap.first = any_number(); cap.count = any_number(); break;
	case 3: cap.uses = UINT32_MAX - 1 - draw(3); break;
	case 4: cap.depth = 7; break;
	}
	return cap;
}

static struct bx_cap_limits
any_limits(const struct spec *s, uint32_t place)
{
	struct bx_cap_limits limits = { .rights = (uint8_t)draw(32), .uses = (uint32_t)any_number(),
	    .badge = draw(3), .expiry = any_number(), .first = any_number(), .count = any_number() };
	const struct bx_cap *from;

	if (no_slot(place) || draw(24) == 0)
		return limits;
	from = &s->at[place].cap;
	limits = (struct bx_cap_limits){ .rights = from->rights, .uses = from->uses,
	    .expiry = from->expiry, .first = from->first, .count = from->count };
	switch (draw(12)) {
	case 0: limits.rights = (uint8_t)draw(32); break;
	case 1: limits.uses = (uint32_t)any_number(); break;
	case 2: limits.uses = from->uses / 2; break;
	case 3: limits.badge = 1 + draw(3); break;
	case 4: limits.expiry = draw(40); break;
	case 5: limits.first = from->first + draw(3); limits.count = from->count - draw(3); break;
	}
	return limits;
}

static struct request
any_request(const struct spec *s, enum temper temper, bool late)
{
	struct request r = { .a = used_place(s), .b = free_place(s) };
	uint32_t dice = draw(100);

	if (dice < 80 && !no_slot(r.b) && !empty(s, r.b) && draw(3) != 0)
		dice = 97 + draw(3);			/* it is full */
	else if (temper == CHAINS && dice >= 75 && draw(4) != 0)
		dice = draw(75);
	if (dice < (temper == WAR ? 40u : 75u)) {
		r.verb = draw(8) == 0 ? COPY : DERIVE;
		if (temper == CHAINS && !empty(s, latest) && draw(256) != 0)
			r.a = latest;
		r.limits = any_limits(s, r.a);
	} else if (dice < 80) {
		r.verb = INSERT;
		r.a = free_place(s);
		r.cap = any_root();
	} else if (dice < 82) {
		r.verb = REPLY;
		r.a = draw(PLACES + 1);
		r.cap = (struct bx_cap){ .type = BX_CAP_REPLY, .uses = BX_CAP_USES_UNLIMITED,
		    .rights = (uint8_t)draw(32), .object = { COUNTED_OBJECT + 1, draw(9) },
		    .expiry = BX_CAP_EXPIRY_NEVER };
	} else if (dice < 86) {
		r.verb = MOVE;
		r.b = draw(8) == 0 ? any_place() : r.b;
	} else if (dice < 91) {
		r.verb = RECHARGE;
		r.b = used_place(s);
		if (!no_slot(r.b) && s->at[r.b].from != ROOT && draw(4) != 0)
			r.a = s->at[r.b].from;
		r.uses = draw(4) == 0 ? (uint32_t)any_number() : draw(3);
	} else if (dice < 95) {
		r.verb = USE;
		r.type = (enum bx_cap_type)draw(BX_CAP_TYPE_COUNT);
		if (!no_slot(r.a) && draw(4) != 0)
			r.type = (enum bx_cap_type)s->at[r.a].cap.type;
		r.rights = draw(3) == 0 ? (uint8_t)draw(32) : 0;
	} else if (dice < 96) {
		r.verb = TICK;
		r.now = draw(20);
	} else if (dice < 97 && late) {
		r.verb = SEAL;
		r.a = draw(SPACES);
	} else {
		/* Bushes and chains fall seldom, so that they grow. */
		r.verb = draw(2) == 0 ? REVOKE : DELETE;
		if (draw(temper == WAR ? 2 : 16) != 0)
			r.verb = LEAF;
	}
	return r;
}

static uint64_t results[64], again;
static uint32_t deepest;

static void
count(const struct spec *s, const struct request *r, enum bx_err err)
{
	results[-err & 63]++;
	again += err == BX_ERR_AGAIN && r->verb != LEAF;
	if ((r->verb == DERIVE || r->verb == COPY) && err == BX_OK) {
		latest = r->b;
		if (s->at[r->b].cap.depth > deepest)
			deepest = s->at[r->b].cap.depth;
	} else if (r->verb == INSERT && err == BX_OK) {
		latest = r->a;
	}
}

static bool
history(uint64_t steps)
{
	enum temper temper = (enum temper)draw(TEMPERS);
	struct world w;
	struct spec state;
	enum bx_err err;

	if (!world_init(&w))
		return false;
	abstract(&w, &state);
	latest = 0;
	for (uint64_t i = 0; i < steps; i++) {
		struct request r = any_request(&state, temper, i > HISTORY / 4 * 3);

		if (!step(&w, &state, &r, &err)) {
			printf("libcap long walk: disagreement after %llu steps of a history\n",
			    (unsigned long long)i);
			return false;
		}
		count(&state, &r, err);
	}
	return true;
}

int
main(int argc, char **argv)
{
	uint64_t steps = STEPS_DEFAULT, seed = 1, done = 0;
	clock_t begin = clock();
	unsigned kinds = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t *number = strcmp(argv[i], "--steps") == 0 ? &steps :
		    strcmp(argv[i], "--seed") == 0 ? &seed : NULL;

		if (number == NULL)
			argc = 2;
		else
			*number = strtoull(argv[i + 1], NULL, 10);
	}
	if (argc % 2 == 0) {
		fputs("usage: long_walk [--steps N] [--seed N]\n", stderr);
		return 2;
	}
	random_state = 0x9e3779b97f4a7c15u * (seed * 2 + 1);
	for (; done < steps; done += HISTORY)
		if (!history(HISTORY))
			return 1;
	for (unsigned i = 0; i < BX_ARRAY_COUNT(results); i++)
		kinds += results[i] != 0;
	printf("libcap long walk: %llu steps, %llu of them done, %u kinds of results, depth %u, "
	    "%llu removals in steps, %.1f s\n", (unsigned long long)done, (unsigned long long)results[0],
	    kinds, deepest, (unsigned long long)again, (double)(clock() - begin) / CLOCKS_PER_SEC);
	/* A walk that never gets anywhere shows nothing. */
	return results[0] * 4 < done || kinds < 15 || deepest != BX_CAP_DEPTH_MAX || again == 0;
}
