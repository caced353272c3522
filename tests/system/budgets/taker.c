/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * taker.c -- takes all the time that it gets, from the tick that the judge says to the other; by itself,
 * or, with a capability `work', by having a server work for it.
 */
#include "budgets.h"

#define WORK_US		300u		/* in one call */

static uint64_t
take(const struct bx_sys *sys, uint64_t end)
{
	struct watch watch = watch_start(sys);

	while (watch_look(&watch) < end)
		;
	return watch.ran;
}

static uint64_t
have_taken(const struct bx_sys *sys, uint32_t service, uint64_t end)
{
	uint64_t ran = 0;

	while (bx_sys_now() < end) {
		struct bx_sys_words words = { .label = WORK_FOR };

		words.word[0] = sys->ticks_per_second / 1000000 * WORK_US;
		if (bx_sys_call(service, bx_sys_deadline_far(), &words) != BX_OK)
			return 0;
		ran += words.word[0];
	}
	return ran;
}

int
bx_main(const struct bx_sys *sys)
{
	struct bx_sys_words words = { .label = JUDGE_ASK };
	uint32_t judge, service;
	uint64_t ran;

	if (bx_sys_find(sys->launch, "judge", &judge) != BX_OK ||
	    bx_sys_call(judge, bx_sys_deadline_far(), &words) != BX_OK)
		return 1;
	bx_sys_sleep(words.word[0]);
	ran = bx_sys_find(sys->launch, "work", &service) == BX_OK ?
	    have_taken(sys, service, words.word[1]) : take(sys, words.word[1]);
	words = (struct bx_sys_words){ .label = JUDGE_TELL };
	words.word[0] = ran;
	if (bx_sys_call(judge, bx_sys_deadline_far(), &words) != BX_OK)
		return 2;
	/* The judge looks at its thread. */
	for (;;)
		bx_sys_sleep(bx_sys_deadline_far());
}
