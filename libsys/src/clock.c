/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * clock.c -- between ticks and microseconds, without overflow.  Pure.
 */
#include <brainix/sys.h>

#define US_PER_SECOND	1000000u

/* value * to / from for from, to < 2^44: whole seconds first, then the rest. */
static uint64_t
scale(uint64_t value, uint64_t from, uint64_t to)
{
	uint64_t whole = value / from, rest = value % from;

	if (to != 0 && whole > UINT64_MAX / to - 1)
		return UINT64_MAX;
	return whole * to + rest * to / from;
}

uint64_t
bx_sys_ticks_of_us(uint64_t ticks_per_second, uint64_t us)
{
	return scale(us, US_PER_SECOND, ticks_per_second);
}

uint64_t
bx_sys_us_of_ticks(uint64_t ticks_per_second, uint64_t ticks)
{
	return scale(ticks, ticks_per_second, US_PER_SECOND);
}
