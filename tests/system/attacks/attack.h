/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* attack.h -- what the attacks share.  See attack.c. */
#ifndef ATTACK_H
#define ATTACK_H

#include <brainix/cap.h>
#include <brainix/sys.h>

struct attacker {
	const struct bx_sys *sys;
	uint64_t random;
	uint64_t parameter;		/* a hexadecimal number after the attack's name; 0: none */
	unsigned breaches;
};

/* How an attack ends: refused by the kernel, by a fault of exactly this kind, or by being killed. */
enum attack_end {
	ENDS_REFUSED, ENDS_PAGE_FAULT, ENDS_PROTECTION, ENDS_ILLEGAL, ENDS_ARITHMETIC, ENDS_NO_FPU,
	ENDS_BY_KILL,
	ENDS_BY_VENDOR,		/* protection on Intel's processors, an illegal instruction on AMD's */
	ENDS_FAR_RETURN		/* protection; an emulator's page fault on the way: test_attacks.py */
};

struct attack {
	const char *name;
	enum attack_end ends;
	void (*run)(struct attacker *attacker);
};

/* Each ends with a NULL name. */
extern const struct attack attacks_memory[], attacks_instructions[], attacks_calls[],
    attacks_exhaustion[], attacks_ipc[];

void say(struct attacker *attacker, const char *format, ...) BX_PRINTF(2, 3);
/* Tells the test where the fault must be, before it is. */
void touches(struct attacker *attacker, uint64_t address);
void breach(struct attacker *attacker, const char *what);
uint64_t random_next(struct attacker *attacker);
uint32_t slot_of(struct attacker *attacker, const char *name);
/* Whether the argument's first word is `name`. */
bool argument_is(const struct bx_sys *sys, const char *name);
/* The hexadecimal number that is the argument's last word. */
uint64_t argument_number(const struct bx_sys *sys);

/* One system call with every register chosen. */
struct registers {
	uint64_t number, value[3], word[6], reply, buffers;
};

int64_t call(struct registers *r);
/* A number at which mistakes like to be. */
uint64_t odd_value(struct attacker *attacker);
/* A deadline in the past or nearly now, so that no random wait stops the attack. */
uint64_t soon(struct attacker *attacker);

/* The guest's clock is the host's, which may be held up between any two instructions: a deadline by which
 * something must have happened is far away (only a failure waits for it), one that is to pass unmet not nearer
 * than a second. */
#define LONG_US		10000000u

#define VICTIM_ADDRESS	0x30000000u	/* where the victim maps its secret; nobody else does */
#define LOOT_PAGES	4u		/* of the memory object, in the manifest */
#define STACK_PAGES	4u		/* of the first thread, by default */
#define STACK_BOTTOM	(BX_USER_END - (5 + STACK_PAGES) * BX_PAGE_SIZE)
#define CREW_FAULTS_AT	0xc0ffe000u	/* where the threads of faulting-threads fault */

/* What the hoarder is told to do, by a message's label; see hoarder.c. */
#define HOARDER_KEEP	101u
#define HOARDER_SLEEP	102u
#define HOARDER_REPORT	103u
#define HOARDER_REPLIES	3u		/* callers it can keep, beside the one that tells it what to do */

#define KERNEL_TEXT	0xffffffff80000000ull
#define DIRECT_MAP	0xffff800000000000ull

#endif
