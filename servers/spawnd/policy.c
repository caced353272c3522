/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * policy.c -- see policy.h.
 */
#include "policy.h"

bool
policy_again(const struct policy *policy, struct history *history, uint64_t now_us, uint32_t *wait_us)
{
	if (history->restarts > 0 && now_us >= history->span_end_us)
		history->restarts = 0;
	if (history->restarts >= policy->times)
		return false;
	/* The kernel has checked that the longest one fits 32 bits, and the span. */
	*wait_us = policy->backoff_us != 0 ? policy->backoff_us << history->restarts : 0;
	if (history->restarts++ == 0)
		history->span_end_us = now_us + policy->within_us;
	return true;
}
