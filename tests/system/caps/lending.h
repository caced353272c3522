/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* lending.h -- between a program that lends capabilities and those that borrow them: requests, by the
 * label of a call.  An answer's word 0 is the error of what was asked for. */
#ifndef LENDING_H
#define LENDING_H

#include <brainix/sys.h>

/* A borrower's places for capabilities, counted from its first free slot. */
#define PLACE_LENT	0u		/* here a capability comes in */
#define PLACE_COPIES	1u		/* from here on it puts what it makes of it */

#define BORROW_TAKE	1u		/* word 1: whether a capability came along */
#define BORROW_SIGNAL	2u		/* signals through it */
#define BORROW_INFO	3u		/* words 1, 2: what BX_SYS_CAP_INFO says of place word 0 */
#define BORROW_WIDEN	4u		/* tries to make more of it; word 1: how often it could */
#define BORROW_CHAIN	5u		/* copies of copies; word 0: how many; word 1: how many it made */
#define BORROW_DROP	6u		/* deletes it */
#define BORROW_WAIT	7u		/* answers, then waits on it for WAIT_US */
#define BORROW_WAITED	8u		/* word 0: how that ended; word 1: after so many microseconds */
#define BORROW_MAP	9u		/* maps it, memory of one page, writable */
#define BORROW_TOUCH	10u		/* whether the kernel finds that page mapped */
#define BORROW_FAVOUR	12u	/* signals through `favour'; word 1: its slot */
#define BORROW_GIVE	11u		/* an answer that carries what it has at `treasure` */

/* Only a failure waits so long. */
#define WAIT_US		20000000u

/* The first plain slot that the manifest left free. */
static inline uint32_t
first_free(const struct bx_sys *sys)
{
	uint32_t free = 1;

	for (uint32_t i = 0; i < sys->launch->entry_count; i++)
		if (sys->launch->entries[i].slot >= free)
			free = sys->launch->entries[i].slot + 1;
	return free;
}

#endif
