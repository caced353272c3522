/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* spin.c -- never gives the processor back of its own will. */
#include <brainix/sys.h>

int
bx_main(const struct bx_sys *sys)
{
	(void)sys;
	for (;;)
		__asm__ volatile("" : : : "memory");
}
