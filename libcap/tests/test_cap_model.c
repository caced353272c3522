/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_cap_model.c -- libcap beside an independent model, over random operations.
 *
 * The model is written from the contract in cap.h, not from the code: a flat list of capabilities, each
 * with an identity of its own and the identity of the one it was derived from.  No links, no
 * slots; searching and sweeping instead.  After every operation result, capabilities, places and
 * parents must be the same on both sides, and the forest must be sound.
 */
#include "fixture.h"

#define MODEL_SPACES	4u
#define MODEL_MAX	64u
#define STEPS		20000u

struct model_cap {
	unsigned id;			/* 0: this entry is free */
	unsigned source;		/* id of what it was derived from, 0: a root */
	unsigned space;
	uint32_t index;
	struct bx_cap cap;
};

static struct model_cap model[MODEL_MAX];
static unsigned next_id;
static bool model_sealed[MODEL_SPACES];
static struct bx_cap_space spaces[MODEL_SPACES];
static const uint32_t plains[MODEL_SPACES] = { 3, 10, 8, 6 };
static const uint32_t replies[MODEL_SPACES] = { 0, 2, 3, 2 };
static uint64_t random_state;

static uint32_t
draw(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % limit);
}

static struct model_cap *
model_find(unsigned space, uint32_t index)
{
	for (unsigned i = 0; i < MODEL_MAX; i++)
		if (model[i].id != 0 && model[i].space == space && model[i].index == index)
			return &model[i];
	return NULL;
}

static struct model_cap *
model_by_id(unsigned id)
{
	for (unsigned i = 0; i < MODEL_MAX; i++)
		if (id != 0 && model[i].id == id)
			return &model[i];
	return NULL;
}

static bool
model_is_below(const struct model_cap *cap, unsigned ancestor)
{
	for (unsigned id = cap->source; id != 0; id = model_by_id(id)->source)
		if (id == ancestor)
			return true;
	return false;
}

static unsigned
model_children(unsigned id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEL_MAX; i++)
		n += model[i].id != 0 && model[i].source == id;
	return n;
}

static void
model_add(unsigned space, uint32_t index, struct bx_cap cap, unsigned source)
{
	for (unsigned i = 0; i < MODEL_MAX; i++)
		if (model[i].id == 0) {
			model[i] = (struct model_cap){ ++next_id, source, space, index, cap };
			return;
		}
	ck_abort_msg("the model is too small");
}

static bool
no_slot(unsigned space, uint32_t index)
{
	return index >= plains[space] + replies[space];
}

static enum bx_err
model_insert(unsigned space, uint32_t index, struct bx_cap cap)
{
	if (no_slot(space, index) || index >= plains[space])
		return BX_ERR_CAP_SLOT;
	if (model_sealed[space])
		return BX_ERR_CAP_SEALED;
	if (model_find(space, index) != NULL)
		return BX_ERR_CAP_OCCUPIED;
	cap.depth = 0;
	model_add(space, index, cap, 0);
	return BX_OK;
}

static enum bx_err
model_reply(unsigned space, uint32_t index, struct bx_cap cap)
{
	if (no_slot(space, index) || index < plains[space])
		return BX_ERR_CAP_SLOT;
	if (model_find(space, index) != NULL)
		return BX_ERR_CAP_OCCUPIED;
	model_add(space, index, cap, 0);
	return BX_OK;
}

static enum bx_err
model_derive(unsigned fs, uint32_t fi, const struct bx_cap_limits *limits, unsigned ts, uint32_t ti,
    uint64_t now)
{
	struct model_cap *from = model_find(fs, fi);
	struct bx_cap cap;

	if (no_slot(fs, fi) || no_slot(ts, ti))
		return BX_ERR_CAP_SLOT;
	if (from == NULL)
		return BX_ERR_CAP_EMPTY;
	if (from->cap.type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (from->cap.expiry <= now)
		return BX_ERR_CAP_EXPIRED;
	if (model_sealed[ts])
		return BX_ERR_CAP_SEALED;
	if (ti >= plains[ts])
		return BX_ERR_CAP_SLOT;
	if (model_find(ts, ti) != NULL)
		return BX_ERR_CAP_OCCUPIED;
	if ((limits->rights | from->cap.rights) != from->cap.rights)
		return BX_ERR_CAP_RIGHTS;
	if (limits->badge != 0 && from->cap.badge != 0)
		return BX_ERR_CAP_BADGE;
	if (from->cap.uses != BX_CAP_USES_UNLIMITED && limits->uses > from->cap.uses)
		return BX_ERR_CAP_USED_UP;
	if (limits->expiry > from->cap.expiry)
		return BX_ERR_CAP_EXPIRED;
	if (limits->first < from->cap.first ||
	    limits->first + limits->count > from->cap.first + from->cap.count)
		return BX_ERR_RANGE;
	if (from->cap.depth == BX_CAP_DEPTH_MAX)
		return BX_ERR_CAP_DEPTH;
	cap = from->cap;
	cap.rights = limits->rights;
	cap.uses = limits->uses;
	if (limits->badge != 0)
		cap.badge = limits->badge;
	cap.expiry = limits->expiry;
	cap.first = limits->first;
	cap.count = limits->count;
	cap.depth++;
	if (from->cap.uses != BX_CAP_USES_UNLIMITED)
		from->cap.uses -= limits->uses;
	model_add(ts, ti, cap, from->id);
	return BX_OK;
}

static enum bx_err
model_move(unsigned fs, uint32_t fi, unsigned ts, uint32_t ti)
{
	struct model_cap *from = model_find(fs, fi);

	if (no_slot(fs, fi) || no_slot(ts, ti))
		return BX_ERR_CAP_SLOT;
	if (from == NULL)
		return BX_ERR_CAP_EMPTY;
	if (from->cap.type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (model_sealed[fs] || model_sealed[ts])
		return BX_ERR_CAP_SEALED;
	if (ti >= plains[ts])
		return BX_ERR_CAP_SLOT;
	if (model_find(ts, ti) != NULL)
		return BX_ERR_CAP_OCCUPIED;
	if (model_children(from->id) != 0)
		return BX_ERR_BUSY;
	from->space = ts;
	from->index = ti;
	return BX_OK;
}

static enum bx_err
model_recharge(unsigned ps, uint32_t pi, unsigned cs, uint32_t ci, uint32_t uses, uint64_t now)
{
	struct model_cap *parent = model_find(ps, pi), *child = model_find(cs, ci);

	if (no_slot(ps, pi) || no_slot(cs, ci))
		return BX_ERR_CAP_SLOT;
	if (parent == NULL || child == NULL)
		return BX_ERR_CAP_EMPTY;
	if (parent->cap.expiry <= now)
		return BX_ERR_CAP_EXPIRED;
	if (!model_is_below(child, parent->id))
		return BX_ERR_CAP_NOT_CHILD;
	if (uses == 0 || child->cap.uses == BX_CAP_USES_UNLIMITED)
		return BX_ERR_INVALID;
	if (parent->cap.uses != BX_CAP_USES_UNLIMITED && parent->cap.uses < uses)
		return BX_ERR_CAP_USED_UP;
	if ((uint64_t)child->cap.uses + uses >= BX_CAP_USES_UNLIMITED)
		return BX_ERR_OVERFLOW;
	if (parent->cap.uses != BX_CAP_USES_UNLIMITED)
		parent->cap.uses -= uses;
	child->cap.uses += uses;
	return BX_OK;
}

/* Sweeps until nothing below `id` is left: fewer than a step's worth, so one call does it. */
static enum bx_err
model_remove(unsigned space, uint32_t index, bool itself)
{
	struct model_cap *cap = model_find(space, index);

	if (no_slot(space, index))
		return BX_ERR_CAP_SLOT;
	if (cap == NULL)
		return BX_ERR_CAP_EMPTY;
	for (bool again = true; again; ) {
		again = false;
		for (unsigned i = 0; i < MODEL_MAX; i++)
			if (model[i].id != 0 && model_is_below(&model[i], cap->id) &&
			    model_children(model[i].id) == 0) {
				model[i].id = 0;
				again = true;
			}
	}
	if (itself)
		cap->id = 0;
	return BX_OK;
}

static enum bx_err
model_lookup(unsigned space, uint32_t index, enum bx_cap_type type, uint8_t rights, uint64_t now)
{
	struct model_cap *cap = model_find(space, index);

	if (no_slot(space, index))
		return BX_ERR_CAP_SLOT;
	if (cap == NULL)
		return BX_ERR_CAP_EMPTY;
	if (cap->cap.type != type)
		return BX_ERR_CAP_TYPE;
	if ((rights | cap->cap.rights) != cap->cap.rights)
		return BX_ERR_CAP_RIGHTS;
	if (cap->cap.expiry <= now)
		return BX_ERR_CAP_EXPIRED;
	if (cap->cap.uses == 0)
		return BX_ERR_CAP_USED_UP;
	if (cap->cap.uses != BX_CAP_USES_UNLIMITED)
		cap->cap.uses--;
	return BX_OK;
}

/* Both sides hold the same, place by place. */
static void
ck_same(unsigned step)
{
	uint32_t bad;

	if (!bx_cap_forest_sound(&forest, &bad))
		ck_abort_msg("step %u: slot %u is not sound", step, bad);
	for (unsigned s = 0; s < MODEL_SPACES; s++)
		for (uint32_t i = 0; i < plains[s] + replies[s]; i++) {
			const struct model_cap *want = model_find(s, i), *source;
			const struct bx_cap_slot *have = slot_at(&spaces[s], i);
			uint32_t parent = BX_CAP_SLOT_NONE;

			if (want == NULL) {
				if (have->cap.type != BX_CAP_NONE)
					ck_abort_msg("step %u: %u/%u is taken", step, s, i);
				continue;
			}
			if (memcmp(&want->cap, &have->cap, sizeof have->cap) != 0)
				ck_abort_msg("step %u: %u/%u differs", step, s, i);
			source = model_by_id(want->source);
			if (source != NULL)
				parent = spaces[source->space].first_slot + source->index;
			if (have->parent != parent)
				ck_abort_msg("step %u: %u/%u has another parent", step, s, i);
		}
}

static struct bx_cap_limits
draw_limits(unsigned space, uint32_t index)
{
	struct bx_cap_limits limits = { .rights = (uint8_t)draw(32), .uses = draw(6),
	    .expiry = draw(40), .first = draw(8), .count = draw(8) };
	const struct model_cap *from = model_find(space, index);

	/* Mostly something that can work, field by field, so that trees grow deep. */
	if (from != NULL) {
		if (draw(6) != 0)
			limits.rights = from->cap.rights & (uint8_t)(draw(4) == 0 ? draw(32) : 31);
		if (draw(6) != 0)
			limits.expiry = from->cap.expiry;
		if (draw(6) != 0) {
			limits.first = from->cap.first;
			limits.count = from->cap.count;
		}
		if (draw(3) != 0)
			limits.uses = from->cap.uses;
	}
	if (draw(8) == 0)
		limits.badge = draw(3);
	return limits;
}

/* One random history, from the seed _i.  Late in it the last space is sealed. */
START_TEST(model_agrees)
{
	uint32_t first = 0;

	random_state = 0x9e3779b97f4a7c15u * ((uint64_t)_i + 1);
	next_id = 0;
	memset(model, 0, sizeof model);
	memset(model_sealed, 0, sizeof model_sealed);
	for (unsigned s = 0; s < MODEL_SPACES; s++)
		first += plains[s] + replies[s];
	bx_cap_forest_init(&forest, slots, first);
	first = 0;
	for (unsigned s = 0; s < MODEL_SPACES; s++) {
		ck_assert_int_eq(bx_cap_space_init(&forest, first, plains[s] + replies[s], plains[s],
		    &spaces[s]), BX_OK);
		first += plains[s] + replies[s];
	}
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned s1 = draw(MODEL_SPACES), s2 = draw(MODEL_SPACES);
		uint32_t i1 = draw(plains[s1] + replies[s1] + 1), i2 = draw(plains[s2] + replies[s2] + 1);
		struct bx_cap_place p1 = at(&spaces[s1], i1), p2 = at(&spaces[s2], i2);
		uint64_t now = draw(20);
		enum bx_err have = BX_OK, want = BX_OK;

		switch (draw(16)) {
		case 0: {
			struct bx_cap cap = { .type = (uint8_t)(draw(2) ? BX_CAP_IRQ : BX_CAP_MEMORY),
			    .rights = (uint8_t)draw(32), .uses = draw(2) ? draw(9) :
			    BX_CAP_USES_UNLIMITED, .object = { draw(3), 1 },
			    .expiry = draw(3) ? BX_CAP_EXPIRY_NEVER : draw(40), .count = draw(8) };

			have = bx_cap_insert(&forest, p1, &cap);
			want = model_insert(s1, i1, cap);
			break;
		}
		case 1: {
			struct bx_cap cap = { .type = BX_CAP_REPLY, .uses = 1, .object = { draw(9), 3 },
			    .expiry = BX_CAP_EXPIRY_NEVER };

			have = bx_cap_reply_insert(&forest, p1, &cap);
			want = model_reply(s1, i1, cap);
			break;
		}
		case 2: case 3: case 4: case 5: case 6: case 7: {
			struct bx_cap_limits limits = draw_limits(s1, i1);

			have = bx_cap_derive(&forest, p1, &limits, p2, now);
			want = model_derive(s1, i1, &limits, s2, i2, now);
			break;
		}
		case 8: {
			struct bx_cap_limits limits = { 0 };

			if (model_find(s1, i1) != NULL)
				limits = bx_cap_limits_same(&model_find(s1, i1)->cap);
			have = bx_cap_copy(&forest, p1, p2, now);
			want = model_derive(s1, i1, &limits, s2, i2, now);
			break;
		}
		case 9: case 10:
			have = bx_cap_move(&forest, p1, p2);
			want = model_move(s1, i1, s2, i2);
			break;
		case 11: case 12: {
			uint32_t uses = draw(12) == 0 ? UINT32_MAX - draw(3) : draw(4);

			have = bx_cap_recharge(&forest, p1, p2, uses, now);
			want = model_recharge(s1, i1, s2, i2, uses, now);
			break;
		}
		case 13: {
			uint8_t rights = (uint8_t)(1u << draw(5));
			uint32_t slot;

			have = bx_cap_lookup(&forest, p1, BX_CAP_MEMORY, rights, now, &slot);
			if (have == BX_OK)
				bx_cap_use(&forest, slot);
			want = model_lookup(s1, i1, BX_CAP_MEMORY, rights, now);
			break;
		}
		case 14:
			have = bx_cap_delete(&forest, p1);
			want = model_remove(s1, i1, true);
			break;
		case 15:
			if (draw(3) == 0) {
				have = bx_cap_revoke(&forest, p1);
				want = model_remove(s1, i1, false);
			} else if (step > STEPS / 2 && !model_sealed[MODEL_SPACES - 1]) {
				bx_cap_space_seal(&spaces[MODEL_SPACES - 1]);
				model_sealed[MODEL_SPACES - 1] = true;
			}
			break;
		}
		if (have != want)
			ck_abort_msg("step %u: %s, the model says %s", step, bx_err_name(have),
			    bx_err_name(want));
		ck_same(step);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libcap model");
	TCase *tc = tcase_create("model");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, model_agrees, 0, 8);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
