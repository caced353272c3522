/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * timer.c -- a hierarchical timer wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels", scheme 7).
 *
 *   level 0   64 slots of 1 tick (1.024 ms)     level 2   64 slots of 4096 ticks
 *   level 1   64 slots of 64 ticks              level 3   64 slots of 262144 ticks
 *
 * A timer lies in the lowest level whose 64 slots reach it; when the wheel comes to a slot of a higher level, what
 * lies there is put in again, lower.  A map of bits for each level finds the next slot that is not empty.
 */
#include "transport.h"

#define REACH		((uint64_t)1 << 24)	/* 64^4 ticks, 4.7 hours: later ones are put in again then */

static void
slot_insert(struct bx_transport *t, uint32_t id, uint64_t due)
{
	struct timer *n = &t->timers[id];
	uint64_t ahead = due > t->tick ? min_u64(due - t->tick, REACH - 1) : 1;
	uint32_t level = (63u - (uint32_t)__builtin_clzll(ahead)) / 6;
	uint32_t slot = level * WHEEL_SLOTS + (uint32_t)((t->tick + ahead) >> (6 * level) & 63);

	n->due = due;
	n->slot = slot;
	n->prev = NONE;
	n->next = t->wheel[slot];
	if (n->next != NONE)
		t->timers[n->next].prev = id;
	t->wheel[slot] = id;
	t->wheel_map[level] |= (uint64_t)1 << slot % WHEEL_SLOTS;
}

static void
slot_remove(struct bx_transport *t, uint32_t id)
{
	struct timer *n = &t->timers[id];

	if (n->next != NONE)
		t->timers[n->next].prev = n->prev;
	if (n->prev != NONE)
		t->timers[n->prev].next = n->next;
	else
		t->wheel[n->slot] = n->next;
	if (t->wheel[n->slot] == NONE)
		t->wheel_map[n->slot / WHEEL_SLOTS] &= ~((uint64_t)1 << n->slot % WHEEL_SLOTS);
}

/* Lazily: a timer that lies earlier stays; when it comes up too early its owner sets it again. */
void
bx_tcp_timer_set(struct bx_transport *t, uint32_t id, uint64_t due_us)
{
	uint64_t due = (due_us >> TICK_SHIFT) + 1;
	struct timer *n = &t->timers[id];

	if (n->due != 0) {
		if (n->due <= due)
			return;
		slot_remove(t, id);
	} else {
		t->timer_used++;
	}
	slot_insert(t, id, due);
}

void
bx_tcp_conn_earlier(struct bx_transport *t, struct conn *c, uint64_t due_us)
{
	c->armed = due_us >> TICK_SHIFT;
	bx_tcp_timer_set(t, conn_id(t, c), due_us);
}

void
bx_tcp_timer_clear(struct bx_transport *t, uint32_t id)
{
	struct timer *n = &t->timers[id];

	if (n->due == 0)
		return;
	slot_remove(t, id);
	n->due = 0;
	t->timer_used--;
}

/* The tick of the next slot that is not empty, NEVER if all are. */
static uint64_t
next_tick(const struct bx_transport *t)
{
	uint64_t best = NEVER;

	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t map = t->wheel_map[level], now = t->tick >> (6 * level);
		uint32_t turn = (uint32_t)(now + 1) & 63;

		if (map == 0)
			continue;
		/* Slots lie 1 to 64 steps ahead: a bit at the present one is a whole turn away. */
		map = map >> turn | map << ((64 - turn) & 63);
		best = min_u64(best, (now + 1 + (uint32_t)__builtin_ctzll(map)) << (6 * level));
	}
	return best;
}

uint64_t
bx_tcp_timer_next(const struct bx_transport *t)
{
	uint64_t tick = next_tick(t);

	return tick == NEVER ? NEVER : tick << TICK_SHIFT;
}

/* Puts the timers of the slots that the wheel has just come to one level or more lower. */
static void
cascade(struct bx_transport *t)
{
	for (uint32_t level = WHEEL_LEVELS - 1; level > 0; level--) {
		uint32_t slot = level * WHEEL_SLOTS + (uint32_t)(t->tick >> (6 * level) & 63);

		if ((t->tick & (((uint64_t)1 << 6 * level) - 1)) != 0)
			continue;
		/* What is due at this very tick goes to level 0, one tick late. */
		for (uint32_t id = t->wheel[slot], next; id != NONE; id = next) {
			next = t->timers[id].next;
			slot_remove(t, id);
			slot_insert(t, id, t->timers[id].due);
		}
	}
}

uint32_t
bx_tcp_timer_expired(struct bx_transport *t, uint64_t now_us)
{
	uint64_t end = now_us >> TICK_SHIFT;

	for (;;) {
		uint32_t id = t->wheel[t->tick & 63];
		uint64_t next;

		if (id != NONE) {
			slot_remove(t, id);
			t->timers[id].due = 0;
			t->timer_used--;
			return id;
		}
		next = next_tick(t);
		if (next > end) {
			/* Nothing lies between: the wheel may jump, but not over a slot to cascade. */
			if (end > t->tick)
				t->tick = end;
			return NONE;
		}
		t->tick = next;
		cascade(t);
	}
}
