/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* pawn.c -- the program that the officer starts and kills: lives a few milliseconds, does nothing. */
#include <brainix/sys.h>

int
bx_main(const struct bx_sys *sys)
{
	bx_sys_sleep(bx_sys_deadline_in_us(sys, 3000));
	return 0;
}
