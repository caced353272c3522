/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* protocol.h -- between the driver of the bounds benchmark and the programs that fill its tables. */
#ifndef BOUNDS_PROTOCOL_H
#define BOUNDS_PROTOCOL_H

#include <stdint.h>

/* Numbers of programs and threads: make-manifest. */
#define SERVED		1u
#define LARGE		2u
#define CROWD_0		3u
#define CROWDS		16u
#define CROWD_THREADS	60u
#define PAYERS		16u		/* of clients, and of senders: PAYERS_LOOKED in budget.c */
#define CLIENTS		(CROWDS * CROWD_THREADS)

/* What a program is told when it is spawned: its argument. */
enum role {
	ROLE_CALL,		/* crowd: each thread calls the queue */
	ROLE_CALL_MINE,		/* crowd: each calls the driver */
	ROLE_WAIT,		/* crowd: each thread waits at the notification */
	ROLE_LINK,		/* crowd: each thread serves its link, and then calls the next */
	ROLE_CHAIN,		/* crowd: the same, but only within the crowd, whose first thread calls the
				 * first link, until `deadline` */
	ROLE_RING,		/* crowd: each thread has received on its first link, and calls the driver */
	ROLE_FAULT,		/* crowd: each thread faults, again and again */
	ROLE_SLEEP,		/* crowd: each thread sleeps until `deadline` */
	ROLE_DELETE,		/* crowd: as ROLE_WAIT; at `deadline` the first deletes what they wait at,
				 * and tells the driver how long that took */
	ROLE_ECHO,		/* served: answers with what it gets, strings too */
	ROLE_SERVE,		/* served: receives `deadline` calls, answers none */
	ROLE_BURN,		/* served: as ROLE_SERVE, and then uses all the time that it gets */
	ROLE_EXIT,		/* large: ends with the tick as its exit code */
	ROLE_TRAP,		/* large: ends by a fault, at an address whose low half is the tick */
	ROLE_NOTHING
};
struct order {
	uint64_t role;
	uint64_t deadline;
};

#endif
