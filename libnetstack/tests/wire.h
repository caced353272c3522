/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * wire.h -- a wire between two hosts in virtual time, that can lose, double, reorder, corrupt and delay frames by a seed.
 * It knows no stack: the benchmarks put lwIP on it as well.  For tests and benchmarks; it uses malloc.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_FRAME	2048u

struct flying {
	uint64_t at_us, order;
	uint32_t length;
	uint8_t to;
	uint8_t bytes[WIRE_FRAME];
};

/* Chances are in 1/10,000; they and what follows them may be changed at any time. */
struct wire {
	uint32_t lose, duplicate, reorder, corrupt;
	uint64_t delay_us;
	uint64_t jitter_us;		/* of a frame that is reordered */
	uint64_t byte_ps;		/* time on the wire for one byte, 0: none */
	uint32_t queue_max;		/* frames waiting for the wire in one direction, 0: any */

	uint64_t random;
	uint64_t busy_ps[2];		/* when each direction is free again */
	uint64_t order;
	struct flying *flying;		/* a heap */
	uint32_t flying_count, flying_capacity;
	uint64_t sent, lost, corrupted;
};

/* One that does nothing but delay by a millisecond. */
void wire_init(struct wire *wire, uint64_t seed);

/* Gives its memory back; what is under way is lost. */
void wire_free(struct wire *wire);

uint32_t wire_random(struct wire *wire);

/* A frame from host 0 or 1. */
void wire_send(struct wire *wire, uint64_t now_us, uint32_t from, const uint8_t *frame, uint32_t length);

/* When the next one arrives; UINT64_MAX: none is under way. */
uint64_t wire_next(const struct wire *wire);

/* Takes that one. */
void wire_take(struct wire *wire, struct flying *f);

#endif
