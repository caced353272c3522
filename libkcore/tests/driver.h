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

/* The system: program p has threads 2p and 2p + 1, and these slots, in the order of the grants. */
#define PROGRAMS	4u
#define SLOTS		24u
#define REPLIES		4u
#define DATA_PAGES	20u		/* at ELF_DATA, in every program */
#define MEMORY_PAGES	24u
enum driver_slot {
	EP_A, EP_B, EP_C,		/* every right; badge 0x100 * (1 + which) + program */
	NOTE,				/* read, write; badge 1 << program */
	NOTE_READ,			/* another: program 3's end sets bit 3 */
	MEMORY, IRQ, PORTS, SPAWN, AUDIT, POWER,
	THREAD_OTHER,			/* second thread of the next program */
	THREAD_OWN,			/* own second thread */
	CSPACE,				/* of the next program */
	COUNTED,				/* EP_A, 20 uses, no badge */
	FREE_SLOT, REPLY_SLOT = SLOTS - REPLIES
};

struct build driver_build(void);
/* Makes it a system for research, in which programs 1 and 2 have open spaces. */
void driver_open(struct build *build);
/* Boots it with few frames; program 0 runs, the others are not started. */
void driver_world(struct world *world, struct build *build);

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
	bool calm;			/* most calls are IPC without buffers, most waits are long */
	bool wordy;			/* most messages have buffers, of at most some pages */
	void (*before_call)(struct world *);	/* or NULL; its registers are there */
	void (*before_fault)(struct world *, uint32_t kind, uint64_t address, uint64_t code);
};

/* `bytes` outlive the driver; NULL: choices come from `seed`, and with an odd one there are open
 * spaces.  With bytes and with every second pair of seeds, budgets. */
void driver_make(struct driver *driver, const uint8_t *bytes, size_t size, uint64_t seed);
/* One event.  False: the bytes are used up. */
bool driver_step(struct driver *driver);
/* Ends the system and proves conservation. */
void driver_end(struct driver *driver);

#endif
