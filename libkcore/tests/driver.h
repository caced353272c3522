/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * driver.h -- a busy little system driven by choices: from a seeded generator (test_random.c) or
 * from bytes (fuzz_syscall.c).  Four programs of two threads each hold capabilities of every kind
 * for each other; each step one event happens, most often a system call of the current thread.
 * After each step all invariants of the core must hold, and a system call that has come back must
 * have left in the registers what abi.h allows and nothing else.
 */
#ifndef BRAINIX_KCORE_DRIVER_H
#define BRAINIX_KCORE_DRIVER_H

#include "fixture.h"

#define DRIVER_THREADS	8
#define DRIVER_ERRORS	128		/* -err of those that system calls give */

struct driver {
	struct world world;
	const uint8_t *bytes;		/* choices, or NULL: from `seed` */
	size_t size, at;
	uint64_t seed;
	uint64_t steps;
	struct bx_context asked[DRIVER_THREADS];	/* registers when the call was made */
	uint32_t generation[DRIVER_THREADS];
	bool in_call[DRIVER_THREADS];
	uint64_t entry;			/* of the next thread to be started */
	uint64_t results[BX_SYS_COUNT][DRIVER_ERRORS];	/* how often each call gave each error */
	uint64_t waits, signals, strings, faults, interrupted;
};

/* `bytes` outlive the driver; NULL: choices come from `seed`. */
void driver_make(struct driver *driver, const uint8_t *bytes, size_t size, uint64_t seed);
/* One event.  False: the bytes are used up. */
bool driver_step(struct driver *driver);
/* Ends the system and proves conservation. */
void driver_end(struct driver *driver);

#endif
