/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * loss.h -- the loss grid, for both stacks: frames of both directions are lost on a wire with a round trip of 100 ms and no other
 * bound; buffers of 32 KiB at both ends; the mean of ten seeds of 300 s, in virtual time.
 */
#ifndef LOSS_H
#define LOSS_H

#include <stdint.h>

#define SEEDS		10u
#define RUN_US		((uint64_t)300 * 1000000)
#define WAY_US		50000u
#define BUFFER		32768u

/* Chances in 1/10,000. */
static const struct loss_row {
	const char *name;
	uint32_t lose;
} loss_rows[] = {
	{ "0", 0 }, { "0.1", 10 }, { "1", 100 }, { "2", 200 }, { "5", 500 }, { "10", 1000 },
};

#endif
