/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* pawn.c -- the program that the officer starts and kills: lives a few milliseconds, does nothing.  With
 * the argument `take' it receives a call at its door, and ends without an answer; with `wait' it looks
 * once whether somebody calls, and ends while somebody waits. */
#include "attack.h"

#define WAIT_US		1000000u	/* of the caller in the queue */
#define HOLD_US		100000u		/* of the caller for an answer */
#define LIFE_US		3000u

int
bx_main(const struct bx_sys *sys)
{
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;
	uint32_t door;
	bool takes = argument_is(sys, "take"), waits = argument_is(sys, "wait");

	if ((takes || waits) && bx_sys_find(sys->launch, "door", &door) == BX_OK)
		bx_err_ignore(bx_sys_receive(door, sys->launch->reply_first,
		    takes ? bx_sys_deadline_in_us(sys, LONG_US) : 0, &words, &origin));
	bx_sys_sleep(bx_sys_deadline_in_us(sys, takes ? HOLD_US : waits ? WAIT_US : LIFE_US));
	return 0;
}
