/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * policy.h -- how often a program is started again, and when.  Pure; times are microseconds.
 *
 * A span begins with an end that is in none.  Within a span there are at most `times` restarts; the first
 * comes `backoff` after the end that it answers, each other one twice as long after its own as the one
 * before.  The end that finds them used up is the last.
 */
#ifndef BRAINIX_SPAWND_POLICY_H
#define BRAINIX_SPAWND_POLICY_H

#include <brainix/base.h>

/* From the manifest (brainix/sysimage.h, restart_*). */
struct policy {
	uint32_t times;
	uint32_t within_us, backoff_us;	/* backoff 0, or backoff << times <= within */
	bool halts;			/* BX_EXHAUSTED_HALT */
};

/* All zeros: no restart yet. */
struct history {
	uint32_t restarts;		/* in the present span */
	uint64_t span_end_us;
};

/* An end at the time `now_us`: whether the program is to be started again, and how long after; counts it. */
bool policy_again(const struct policy *policy, struct history *history, uint64_t now_us,
    uint32_t *wait_us);

#endif
