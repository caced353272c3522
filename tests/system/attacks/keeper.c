/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * keeper.c -- a program with `fpu': finds its vector registers empty, fills them with its own number,
 * and looks for some seconds whether they stay so while others run.  Two of them run at once.
 */
#include "attack.h"

#define REGISTERS	16u
#define LOOKS_US	2500000u

struct vectors {
	uint64_t half[REGISTERS][2];
};

#define EACH(code) code(0) code(1) code(2) code(3) code(4) code(5) code(6) code(7) code(8) code(9) \
	code(10) code(11) code(12) code(13) code(14) code(15)
#define STORE(n) "movups %%xmm" #n ", 16*" #n "(%0)\n\t"
#define FETCH(n) "movups 16*" #n "(%0), %%xmm" #n "\n\t"

static void
store(struct vectors *vectors)
{
	__asm__ volatile(EACH(STORE) : : "r" (vectors) : "memory");
}

static void
fetch(const struct vectors *vectors)
{
	__asm__ volatile(EACH(FETCH) : : "r" (vectors) : "memory");
}

static bool
all_are(const struct vectors *vectors, uint64_t value)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		if (vectors->half[i][0] != value || vectors->half[i][1] != value)
			return false;
	return true;
}

int
bx_main(const struct bx_sys *sys)
{
	struct attacker attacker = { .sys = sys };
	uint64_t mark = 0x6b65657065720000u + sys->launch->program;
	uint64_t end = bx_sys_deadline_in_us(sys, LOOKS_US);
	struct vectors vectors;

	store(&vectors);
	if (!all_are(&vectors, 0))
		breach(&attacker, "vector registers of somebody else at the start");
	for (unsigned i = 0; i < REGISTERS; i++)
		vectors.half[i][0] = vectors.half[i][1] = mark;
	fetch(&vectors);
	while (bx_sys_now() < end && attacker.breaches == 0) {
		bx_sys_sleep(bx_sys_deadline_in_us(sys, 1000));
		store(&vectors);
		if (!all_are(&vectors, mark))
			breach(&attacker, "vector registers changed while others ran");
	}
	if (attacker.breaches == 0)
		say(&attacker, "%s: contained", sys->launch->name);
	return 0;
}
