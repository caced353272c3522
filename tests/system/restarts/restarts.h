/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * restarts.h -- what the programs of the system `churn` say to each other.
 *
 *	load	clients: call a server without end, look at every answer, report to the reaper
 *	mortal	servers that crash when asked to, keep replies, or ask another server
 *	reaper	kills servers and makes them crash, while the load goes on; measures and compares
 */
#ifndef BRAINIX_TEST_RESTARTS_H
#define BRAINIX_TEST_RESTARTS_H

#include <brainix/sys.h>

#define WORK_STRING_MAX	4096u

/* To a mortal. */
#define WORK_ECHO	1u	/* word 0 -> word 0 + 1; word 1: the error of the server behind; the same string */
#define WORK_KEEP	2u	/* the same, but answered later */
#define WORK_WRITE	3u	/* page fault */
#define WORK_ILLEGAL	4u	/* undefined instruction */
#define WORK_PANIC	5u
#define WORK_EXIT	6u
#define WORK_CRASHES	4u	/* kinds of them, from WORK_WRITE on */

/* To the reaper, from a load; answered when it may go on.  Words: exchanges that went well, that ended by
 * the death of the server, that ended in any other way; the last error of these, whose text is to be known. */
#define REAPER_REPORT	1u

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static inline uint64_t
random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
