/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* pawn.c -- the program that the officer starts and kills: lives a few milliseconds, does nothing.  With
 * the argument `take' it receives a call at its door, and ends without an answer; with `wait' it looks
 * once whether somebody calls, and ends while somebody waits: that takes a tenth of a second. */
#include "attack.h"

int
bx_main(const struct bx_sys *sys)
{
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;
	uint32_t door;

	if (sys->argument_length != 0 && bx_sys_find(sys->launch, "door", &door) == BX_OK)
		bx_err_ignore(bx_sys_receive(door, sys->launch->reply_first, argument_is(sys, "take") ?
		    bx_sys_deadline_in_us(sys, 100000) : 0, &words, &origin));
	bx_sys_sleep(bx_sys_deadline_in_us(sys, sys->argument_length != 0 ? 100000 : 3000));
	return 0;
}
