/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * later.c -- ends the console server a while after it was started, when nobody expects it.  Capability: victim
 * (spawn of consoled, write).
 */
#include <brainix/sys.h>

#define LATER_US	3000000u	/* what is to be typed before has been */
#define CONSOLED	1u		/* its number in the manifest */

int
bx_main(const struct bx_sys *sys)
{
	uint32_t victim;

	if (bx_sys_find(sys->launch, "victim", &victim) != BX_OK)
		return 1;
	bx_sys_sleep(bx_sys_deadline_in_us(sys, LATER_US));
	return bx_sys_kill(victim, CONSOLED) != BX_OK;
}
