/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * budgets.h -- what the programs of the systems `budgets' and `budgets-off' say to each other, and how
 * they measure.  Each measures by itself how long it ran: it looks at the clock all the time, and what
 * passes between two looks is its own if it is short.  No book of the kernel is asked.
 */
#ifndef BRAINIX_TEST_BUDGETS_H
#define BRAINIX_TEST_BUDGETS_H

#include <brainix/sys.h>

#define JUDGE_ASK	1u		/* -> word 0: tick of the beginning, 1: of the end */
#define JUDGE_TELL	2u		/* word 0: ticks it ran, or was served, in between */
#define WORK_FOR	1u		/* word 0: ticks for which the server is to run */

#define GAP_US		20u		/* a longer one was somebody else's */

struct watch {
	uint64_t last, gap, ran;
};

static inline struct watch
watch_start(const struct bx_sys *sys)
{
	return (struct watch){ .last = bx_sys_now(), .gap = sys->ticks_per_second / 1000000 * GAP_US };
}

/* Looks at the clock; returns it. */
static inline uint64_t
watch_look(struct watch *watch)
{
	uint64_t now = bx_sys_now(), passed = now - watch->last;

	if (passed < watch->gap)
		watch->ran += passed;
	watch->last = now;
	return now;
}

#endif
