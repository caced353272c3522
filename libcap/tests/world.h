/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * world.h -- libcap itself in the terms of spec.h, and one step of both, compared.  For tests.
 *
 * The includer has defined SPACES, PLAIN and REPLIES.
 */
#ifndef BRAINIX_CAP_TESTS_WORLD_H
#define BRAINIX_CAP_TESTS_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "spec.h"

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

struct world {
	struct bx_cap_slot slots[PLACES];
	struct bx_cap_space spaces[SPACES];
	uint64_t now;
};

static inline bool
world_init(struct world *w)
{
	struct bx_cap_forest forest;
	bool good = true;

	bx_cap_forest_init(&forest, w->slots, PLACES);
	for (uint32_t i = 0; i < SPACES; i++)
		good = good && bx_cap_space_init(&forest, i * EACH, EACH, PLAIN, &w->spaces[i]) == BX_OK;
	w->now = 0;
	return good;
}

static inline struct bx_cap_place
real_place(const struct world *w, uint32_t place)
{
	if (place >= PLACES)
		return (struct bx_cap_place){ &w->spaces[0], EACH };
	return (struct bx_cap_place){ &w->spaces[place / EACH], place % EACH };
}

/* One leaf below the place, as an owner of objects would do it. */
static inline enum bx_err
real_leaf(struct bx_cap_forest *forest, struct bx_cap_place place)
{
	uint32_t slot, leaf, near;
	enum bx_err err = bx_cap_slot_of(place, &slot);

	if (err != BX_OK)
		return err;
	if (forest->slots[slot].cap.type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	leaf = bx_cap_leaf_next(forest, slot, BX_CAP_SLOT_NONE);
	if (leaf == BX_CAP_SLOT_NONE)
		return BX_OK;
	near = bx_cap_leaf_remove(forest, leaf);
	return bx_cap_leaf_next(forest, slot, near) == BX_CAP_SLOT_NONE ? BX_OK : BX_ERR_AGAIN;
}

static inline enum bx_err
real_do(struct world *w, const struct request *r)
{
	struct bx_cap_forest forest = { w->slots, PLACES };
	struct bx_cap_place a = real_place(w, r->a), b = real_place(w, r->b);
	uint32_t slot;
	enum bx_err err;

	switch (r->verb) {
	case INSERT: return bx_cap_insert(&forest, a, &r->cap);
	case REPLY: return bx_cap_reply_insert(&forest, a, &r->cap);
	case DERIVE: return bx_cap_derive(&forest, a, &r->limits, b, w->now);
	case COPY: return bx_cap_copy(&forest, a, b, w->now);
	case MOVE: return bx_cap_move(&forest, a, b);
	case RECHARGE: return bx_cap_recharge(&forest, a, b, r->uses, w->now);
	case USE:
		err = bx_cap_lookup(&forest, a, r->type, r->rights, w->now, &slot);
		if (err == BX_OK)
			bx_cap_use(&forest, slot);
		return err;
	case DELETE: return bx_cap_delete(&forest, a);
	case REVOKE: return bx_cap_revoke(&forest, a);
	case LEAF: return real_leaf(&forest, a);
	case SEAL: bx_cap_space_seal(&w->spaces[r->a]); return BX_OK;
	case TICK: w->now = r->now; return BX_OK;
	}
	return BX_ERR_CORRUPT;
}

/* What the specification would call this world. */
static inline void
abstract(const struct world *w, struct spec *s)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		s->at[p].cap = w->slots[p].cap;
		s->at[p].from = w->slots[p].parent == BX_CAP_SLOT_NONE ? ROOT : w->slots[p].parent;
	}
	for (uint32_t i = 0; i < SPACES; i++)
		s->sealed[i] = w->spaces[i].sealed;
	s->now = w->now;
}

static inline void
show_state(const char *title, const struct spec *s)
{
	fprintf(stderr, "%s\n", title);
	for (uint32_t p = 0; p < PLACES; p++) {
		const struct bx_cap *cap = &s->at[p].cap;

		if (!empty(s, p))
			fprintf(stderr, "  place %u: type %u rights %x uses %u badge %llu expiry %llx "
			    "range %llu+%llu depth %u from %d\n", p, cap->type, cap->rights, cap->uses,
			    (unsigned long long)cap->badge, (unsigned long long)cap->expiry,
			    (unsigned long long)cap->first, (unsigned long long)cap->count, cap->depth,
			    (int)s->at[p].from);
	}
	for (uint32_t i = 0; i < SPACES; i++)
		fprintf(stderr, "  space %u %s\n", i, s->sealed[i] ? "sealed" : "open");
	fprintf(stderr, "  now %llu\n", (unsigned long long)s->now);
}

/*
 * One request on `w`, whose state in the specification's words is *state before and after.  Returns
 * whether both sides agree in result and state, and section 6 holds of the step; *err is the result.
 */
static inline bool
step(struct world *w, struct spec *state, const struct request *r, enum bx_err *err)
{
	struct spec want = *state, have;
	bool gone[PLACES];
	enum bx_err want_err;
	const char *broken;
	uint32_t bad = BX_CAP_SLOT_NONE;
	bool sound;

	*err = real_do(w, r);
	abstract(w, &have);
	for (uint32_t p = 0; p < PLACES; p++)
		gone[p] = !empty(state, p) && empty(&have, p);
	want_err = spec_do(&want, r, gone);
	broken = broken_sentence(state, &have, r, *err);
	sound = bx_cap_forest_sound(&(struct bx_cap_forest){ w->slots, PLACES }, &bad);
	if (broken == NULL && sound && want_err == *err && same_state(&want, &have)) {
		*state = have;
		return true;
	}
	fprintf(stderr, "%s %u %u: %s, the specification says %s%s%s%s\n", verb_names[r->verb], r->a, r->b,
	    bx_err_name(*err), bx_err_name(want_err), broken != NULL ? "; broken: " : "",
	    broken != NULL ? broken : "", sound ? "" : "; the forest is not sound");
	show_state("before", state);
	show_state("after", &have);
	show_state("specified", &want);
	return false;
}

#endif
