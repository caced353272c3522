/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * wire.c -- a bad wire between the stack and the tap device, for tests: frames of both directions are lost, doubled, exchanged
 * with the next, or have a bit changed, by chance.
 */
#include "host.h"

#include <stdio.h>
#include <string.h>

/* Chances in 1/10,000. */
static struct {
	uint32_t lose, duplicate, reorder, corrupt;
} wire;
static uint64_t seed;

/* A frame that lets the next one pass, for each direction. */
static struct {
	uint8_t bytes[HOST_FRAME];
	uint32_t length;
} held[2];

void
wire_set(const char *text)
{
	if (sscanf(text, "%u,%u,%u,%u,%llu", &wire.lose, &wire.duplicate, &wire.reorder, &wire.corrupt,
	    (unsigned long long *)&seed) != 5)
		host_die(text, "must be LOSE,DUPLICATE,REORDER,CORRUPT,SEED, the first four in 1/10,000");
}

static uint32_t
draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static bool
chance(uint32_t in_10000)
{
	return in_10000 != 0 && draw() % 10000 < in_10000;
}

void
wire_pass(uint32_t direction, uint8_t *frame, uint32_t length, void (*on)(void *, const uint8_t *, uint32_t), void *self)
{
	uint32_t before = held[direction].length;

	if (chance(wire.lose) || length > HOST_FRAME)
		return;
	if (chance(wire.corrupt))
		frame[draw() % length] ^= (uint8_t)(1u << draw() % 8);
	if (before == 0 && chance(wire.reorder)) {
		memcpy(held[direction].bytes, frame, length);
		held[direction].length = length;
		return;
	}
	on(self, frame, length);
	if (chance(wire.duplicate))
		on(self, frame, length);
	if (before != 0) {
		on(self, held[direction].bytes, before);
		held[direction].length = 0;
	}
}
