/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * wire.c -- a wire in virtual time; see wire.h.
 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

void
wire_init(struct wire *wire, uint64_t seed)
{
	memset(wire, 0, sizeof *wire);
	wire->random = seed * 2 + 1;
	wire->delay_us = 1000;
}

void
wire_free(struct wire *wire)
{
	free(wire->flying);
	wire->flying = NULL;
	wire->flying_count = wire->flying_capacity = 0;
}

uint32_t
wire_random(struct wire *wire)
{
	wire->random = wire->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(wire->random >> 33);
}

static bool
earlier(const struct flying *a, const struct flying *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
swap(struct wire *wire, uint32_t a, uint32_t b)
{
	struct flying t = wire->flying[a];

	wire->flying[a] = wire->flying[b];
	wire->flying[b] = t;
}

static void
heap_add(struct wire *wire, const uint8_t *frame, uint32_t length, uint8_t to, uint64_t at_us)
{
	uint32_t i = wire->flying_count;
	struct flying *f;

	if (i == wire->flying_capacity) {
		wire->flying_capacity = i == 0 ? 64 : 2 * i;
		wire->flying = realloc(wire->flying, wire->flying_capacity * sizeof *f);
		if (wire->flying == NULL)
			abort();
	}
	f = &wire->flying[i];
	f->at_us = at_us;
	f->order = wire->order++;
	f->length = length;
	f->to = to;
	memcpy(f->bytes, frame, length);
	wire->flying_count++;
	for (; i != 0 && earlier(&wire->flying[i], &wire->flying[(i - 1) / 2]); i = (i - 1) / 2)
		swap(wire, i, (i - 1) / 2);
}

void
wire_take(struct wire *wire, struct flying *f)
{
	uint32_t i = 0;

	*f = wire->flying[0];
	wire->flying[0] = wire->flying[--wire->flying_count];
	for (;;) {
		uint32_t best = i, left = 2 * i + 1;

		if (left < wire->flying_count && earlier(&wire->flying[left], &wire->flying[best]))
			best = left;
		if (left + 1 < wire->flying_count && earlier(&wire->flying[left + 1], &wire->flying[best]))
			best = left + 1;
		if (best == i)
			return;
		swap(wire, i, best);
		i = best;
	}
}

static bool
chance(struct wire *wire, uint32_t in_10000)
{
	return in_10000 != 0 && wire_random(wire) % 10000 < in_10000;
}

void
wire_send(struct wire *wire, uint64_t now_us, uint32_t from, const uint8_t *frame, uint32_t length)
{
	uint64_t at = now_us + wire->delay_us;
	uint8_t copy[WIRE_FRAME];

	memcpy(copy, frame, length);
	wire->sent++;
	if (chance(wire, wire->lose)) {
		wire->lost++;
		return;
	}
	if (wire->byte_ps != 0) {
		uint64_t now_ps = now_us * 1000000, need = length * wire->byte_ps;

		if (wire->busy_ps[from] < now_ps)
			wire->busy_ps[from] = now_ps;
		if (wire->queue_max != 0 &&
		    wire->busy_ps[from] - now_ps > (uint64_t)wire->queue_max * 1514 * wire->byte_ps) {
			wire->lost++;
			return;
		}
		wire->busy_ps[from] += need;
		at = wire->busy_ps[from] / 1000000 + wire->delay_us;
	}
	if (chance(wire, wire->corrupt)) {
		copy[wire_random(wire) % length] ^= (uint8_t)(1u << wire_random(wire) % 8);
		wire->corrupted++;
	}
	if (chance(wire, wire->reorder))
		at += wire_random(wire) % (wire->jitter_us + 1);
	heap_add(wire, copy, length, (uint8_t)(1 - from), at);
	if (chance(wire, wire->duplicate))
		heap_add(wire, copy, length, (uint8_t)(1 - from), at + wire_random(wire) % 100);
}

uint64_t
wire_next(const struct wire *wire)
{
	return wire->flying_count != 0 ? wire->flying[0].at_us : UINT64_MAX;
}
