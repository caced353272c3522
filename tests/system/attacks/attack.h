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

enum attack_end { ENDS_BY_FAULT, ENDS_REFUSED };

struct attack {
	const char *name;
	enum attack_end ends;
	void (*run)(struct attacker *attacker);
};

/* Each ends with a NULL name. */
extern const struct attack attacks_memory[], attacks_instructions[], attacks_calls[],
    attacks_exhaustion[];

void say(struct attacker *attacker, const char *format, ...) BX_PRINTF(2, 3);
void breach(struct attacker *attacker, const char *what);
uint64_t random_next(struct attacker *attacker);
uint32_t slot_of(struct attacker *attacker, const char *name);

#define VICTIM_ADDRESS	0x30000000u	/* where the victim maps its secret; nobody else does */
#define KERNEL_TEXT	0xffffffff80000000ull
#define DIRECT_MAP	0xffff800000000000ull

#endif
