/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fixture.h -- one small system of capability spaces for the tests of libcap.  Internal.
 *
 * Slots 0..3 are the root region, then space A and space B, each 12 plain and 4 reply slots, then
 * a long space C.  Teardown proves that the forest is sound and that nothing is lost: everything is
 * deleted, and then every slot must be empty.
 */
#ifndef BRAINIX_CAP_TESTS_FIXTURE_H
#define BRAINIX_CAP_TESTS_FIXTURE_H

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/cap.h>

#define ROOT_SLOTS	4u
#define PLAIN		12u
#define REPLIES		4u
#define LONG		400u
#define SLOTS		(ROOT_SLOTS + 2 * (PLAIN + REPLIES) + LONG)

static struct bx_cap_slot slots[SLOTS];
static struct bx_cap_forest forest;
static struct bx_cap_space root, a, b, c;

/* A panic that is expected comes back here. */
static jmp_buf panicked;
static bool panic_expected;

_Noreturn void
bx_panic(const char *where, const char *what)
{
	if (panic_expected)
		longjmp(panicked, 1);
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

/* The statement ends in a panic: what a caller may never do is not refused, it is stopped. */
#define ck_panics(statement) do { \
	panic_expected = true; \
	if (setjmp(panicked) == 0) { \
		statement; \
		ck_abort_msg("no panic: %s", #statement); \
	} \
	panic_expected = false; \
} while (0)

static inline struct bx_cap_place
at(const struct bx_cap_space *space, uint32_t index)
{
	return (struct bx_cap_place){ space, index };
}

static inline struct bx_cap_slot *
slot_at(const struct bx_cap_space *space, uint32_t index)
{
	return &slots[space->first_slot + index];
}

static inline void
ck_sound(void)
{
	uint32_t bad = 0;

	ck_assert_msg(bx_cap_forest_sound(&forest, &bad), "slot %u is not sound", bad);
}

static inline uint32_t
used_slots(void)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		used += slots[i].cap.type != BX_CAP_NONE;
	return used;
}

static inline void
setup(void)
{
	bx_cap_forest_init(&forest, slots, SLOTS);
	ck_assert_int_eq(bx_cap_space_init(&forest, 0, ROOT_SLOTS, ROOT_SLOTS, &root), BX_OK);
	ck_assert_int_eq(bx_cap_space_init(&forest, ROOT_SLOTS, PLAIN + REPLIES, PLAIN, &a), BX_OK);
	ck_assert_int_eq(bx_cap_space_init(&forest, ROOT_SLOTS + PLAIN + REPLIES, PLAIN + REPLIES,
	    PLAIN, &b), BX_OK);
	ck_assert_int_eq(bx_cap_space_init(&forest, ROOT_SLOTS + 2 * (PLAIN + REPLIES), LONG, LONG,
	    &c), BX_OK);
}

static inline void
teardown(void)
{
	const struct bx_cap_space *const spaces[] = { &root, &a, &b, &c };

	ck_sound();
	for (size_t s = 0; s < BX_ARRAY_COUNT(spaces); s++)
		for (uint32_t i = 0; i < spaces[s]->slot_count; i++) {
			enum bx_err err;

			while ((err = bx_cap_delete(&forest, at(spaces[s], i))) == BX_ERR_AGAIN)
				ck_sound();
			ck_assert(err == BX_OK || err == BX_ERR_CAP_EMPTY);
		}
	ck_sound();
	ck_assert_uint_eq(used_slots(), 0);
}

/* A root capability with everything in it, for tests to change. */
static inline struct bx_cap
full_cap(void)
{
	return (struct bx_cap){
		.type = BX_CAP_MEMORY, .rights = BX_RIGHT_ALL, .uses = BX_CAP_USES_UNLIMITED,
		.object = { 7, 1 }, .expiry = BX_CAP_EXPIRY_NEVER, .first = 100, .count = 50,
	};
}

static inline void
insert(const struct bx_cap_space *space, uint32_t index, struct bx_cap cap)
{
	ck_assert_int_eq(bx_cap_insert(&forest, at(space, index), &cap), BX_OK);
}

static inline struct bx_cap_limits
same(const struct bx_cap_space *space, uint32_t index)
{
	return bx_cap_limits_same(&slot_at(space, index)->cap);
}

static inline void
copy(const struct bx_cap_space *from, uint32_t from_index, const struct bx_cap_space *to,
    uint32_t to_index)
{
	ck_assert_int_eq(bx_cap_copy(&forest, at(from, from_index), at(to, to_index), 0), BX_OK);
}

/* The whole array, kept to show that a refused operation changed nothing. */
static struct bx_cap_slot kept[SLOTS];

static inline void
keep(void)
{
	memcpy(kept, slots, sizeof slots);
}

static inline void
ck_unchanged(void)
{
	ck_assert_mem_eq(kept, slots, sizeof slots);
}

#endif
