/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* scenarios.c -- see scenarios.h. */
#include "scenarios.h"

/* An op is: verb, a (slot), b, c, d, when, offer, pending. */
#define IPC(verb, slot, when)		{ (verb), (slot), PAST_END, 0, 0, (when), 0, 0 }
#define CALL(slot, when)		IPC(BX_SYS_CALL, slot, when)
#define SEND(slot, when)		IPC(BX_SYS_SEND, slot, when)
#define RECEIVE(slot, when)		{ BX_SYS_RECEIVE, (slot), REPLY_1, 0, 0, (when), 0, 0 }
#define RECEIVE_NO_REPLY(slot, when)	IPC(BX_SYS_RECEIVE, slot, when)
#define REPLY				{ BX_SYS_REPLY, 0, REPLY_1, 0, 0, 0, 0, 0 }
#define REPLY_RECEIVE(slot, when)	{ BX_SYS_REPLY_RECEIVE, (slot), REPLY_1, 0, 0, (when), 0, 0 }
#define DO(verb, slot)			{ (verb), (slot), 0, 0, 0, 0, 0, 0 }
#define DO2(verb, slot, b)		{ (verb), (slot), (b), 0, 0, 0, 0, 0 }
#define WAIT(slot, when)		{ BX_SYS_WAIT, (slot), 0, 0, 0, (when), 0, 0 }
#define TICK(tens)			{ OP_TICK, (tens), 0, 0, 0, 0, 0, 0 }
#define YIELD				DO(BX_SYS_YIELD, 0)
#define START				DO(BX_SYS_THREAD_START, THREAD_OWN)
#define MAP(page, first, count, flags)	\
	{ BX_SYS_MAP, MEMORY, (page) * 2, (first), (count) | (flags) << 4, 0, 0, 0 }
#define INSPECT(what, index, second)	{ BX_SYS_INSPECT, AUDIT, (what), (index), (second), 0, 0, 0 }
/* While an interrupt waits; with an offer. */
#define P(verb, slot, b, when, offer)	{ (verb), (slot), (b), 0, 0, (when), (offer), 1 }
#define OFFER(verb, slot, b, when, offer) { (verb), (slot), (b), 0, 0, (when), (offer), 0 }

/* Everybody's second thread is started as soon as he runs. */
static const struct model_op two_begin[] = { DO2(BX_SYS_SPAWN, SPAWN, 1) };
static const struct model_op three_begin[] = { DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 2) };
static const struct model_op four_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), START, YIELD, START, YIELD, START, YIELD, START, YIELD, START, YIELD,
	START, YIELD, START, YIELD, START,
};

static const struct model_op meet[] = {
	CALL(EP_A, SOON), CALL(EP_A, AT_ONCE), CALL(EP_A, PAST), CALL(EP_A, LATER), SEND(EP_A, SOON),
	SEND(EP_A, AT_ONCE), RECEIVE(EP_A, SOON), RECEIVE(EP_A, AT_ONCE), RECEIVE_NO_REPLY(EP_A, LATER),
	REPLY, REPLY_RECEIVE(EP_A, SOON), YIELD, TICK(4), DO(BX_SYS_CAP_DELETE, REPLY_1),
};

static const struct model_op chain[] = {
	CALL(EP_A, LATER), CALL(EP_B, SOON), SEND(EP_B, LATER), RECEIVE(EP_A, LATER), RECEIVE(EP_B, LATER),
	REPLY, REPLY_RECEIVE(EP_A, LATER), REPLY_RECEIVE(EP_B, LATER), YIELD, TICK(4),
};

/* All have waited before, so that calls find the short way open. */
static const struct model_op short_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 2), WAIT(NOTE, LATER), WAIT(NOTE, LATER),
	DO(BX_SYS_SIGNAL, NOTE), DO(BX_SYS_SIGNAL, NOTE), WAIT(NOTE, LATER), DO(BX_SYS_SIGNAL, NOTE),
};
static const struct model_op shorts[] = {
	CALL(EP_A, LATER), SEND(EP_A, LATER), RECEIVE(EP_A, LATER), REPLY_RECEIVE(EP_A, LATER), REPLY,
	DO(BX_SYS_SIGNAL, NOTE), DO(BX_SYS_NOTIFICATION_BIND, NOTE), YIELD, CALL(TIMED, LATER),
	CALL(COUNTED, LATER), TICK(7), DO2(BX_SYS_THREAD_PRIORITY, THREAD_OWN, 12),
	REPLY_RECEIVE(TIMED, LATER), REPLY_RECEIVE(EP_B, LATER), INSPECT(BX_INSPECT_THREAD, 0, 0),
};

static const struct model_op pairs[] = {
	CALL(EP_A, LATER), CALL(EP_B, LATER), SEND(EP_A, SOON), RECEIVE(EP_A, LATER), RECEIVE(EP_B, LATER),
	REPLY, REPLY_RECEIVE(EP_A, LATER), YIELD, TICK(4), DO(BX_SYS_THREAD_STOP, THREAD_OWN),
	DO(BX_SYS_THREAD_RESUME, THREAD_OWN),
};

static const struct model_op notes[] = {
	DO(BX_SYS_SIGNAL, NOTE), DO(BX_SYS_SIGNAL, EXITS), WAIT(NOTE, SOON), WAIT(NOTE, AT_ONCE),
	WAIT(COUNTED_NOTE, LATER), DO(BX_SYS_NOTIFICATION_BIND, NOTE),
	DO(BX_SYS_NOTIFICATION_BIND, EXITS), RECEIVE(EP_A, SOON), SEND(EP_A, LATER),
	DO2(BX_SYS_IRQ_BIND, IRQ, NOTE), DO2(BX_SYS_IRQ_BIND, IRQ, EXITS), DO(BX_SYS_IRQ_ACK, IRQ),
	DO(OP_INTERRUPT, 0), TICK(4), DO(BX_SYS_CAP_DELETE, NOTE), DO(BX_SYS_CAP_DELETE, IRQ),
	{ BX_SYS_SLEEP, 0, 0, 0, 0, SOON, 0, 0 }, YIELD,
};

static const struct model_op threads[] = {
	START, DO2(BX_SYS_THREAD_START, THREAD_OWN, 1), DO(BX_SYS_THREAD_STOP, THREAD_OWN),
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_THREAD_RESUME, THREAD_OWN),
	DO(BX_SYS_THREAD_RESUME, THREAD_NEXT), DO2(BX_SYS_THREAD_PRIORITY, THREAD_OWN, 15),
	DO2(BX_SYS_THREAD_PRIORITY, THREAD_NEXT, 5), DO2(BX_SYS_THREAD_PRIORITY, THREAD_NEXT, 21),
	CALL(EP_A, LATER), RECEIVE(EP_A, LATER), REPLY, WAIT(NOTE, SOON), YIELD, TICK(4),
};

static const struct model_op strings[] = {
	P(BX_SYS_CALL, EP_A, PAST_END, SOON, OFFER_LONG), P(BX_SYS_SEND, COUNTED, PAST_END, LATER, OFFER_LONG),
	P(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_LONG), P(BX_SYS_RECEIVE, EP_A, REPLY_1, SOON, OFFER_LONG),
	P(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_LONG),
	P(BX_SYS_REPLY_RECEIVE, EP_A, REPLY_1, SOON, OFFER_LONG), P(OP_TICK, 4, 0, 0, 0),
	P(BX_SYS_THREAD_STOP, THREAD_OWN, 0, 0, 0), DO(BX_SYS_THREAD_STOP, THREAD_NEXT),
	P(BX_SYS_YIELD, 0, 0, 0, 0), P(BX_SYS_THREAD_RESUME, THREAD_NEXT, 0, 0, 0), TICK(0),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_2, LATER, OFFER_SMALL_ROOM),
};

static const struct model_op offers[] = {
	OFFER(BX_SYS_CALL, EP_A, PAST_END, LATER, OFFER_SHORT),
	OFFER(BX_SYS_CALL, EP_A, PAST_END, LATER, OFFER_BAD_STRING),
	OFFER(BX_SYS_CALL, EP_A, PAST_END, LATER, OFFER_BAD_ROOM),
	OFFER(BX_SYS_CALL, EP_A, PAST_END, LATER, OFFER_CAP_OTHER),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_CAP),
	OFFER(BX_SYS_SEND, MUTE, PAST_END, LATER, OFFER_CAP_NO_ROOM),
	OFFER(BX_SYS_CALL, COUNTED, PAST_END, LATER, OFFER_NOTHING),
	OFFER(BX_SYS_CALL, TIMED, PAST_END, LATER, OFFER_NOTHING),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_UNALIGNED),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_BAD_BUFFERS),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_TOO_LONG),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_NO_SLOT),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, LATER, OFFER_EMPTY_SLOT),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_SHORT),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_SMALL_ROOM),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_BAD_ROOM),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_CAP),
	OFFER(BX_SYS_RECEIVE, COUNTED, REPLY_1, LATER, OFFER_CAP_TAKEN),
	OFFER(BX_SYS_RECEIVE, EP_A, EP_A, LATER, OFFER_NOTHING),
	OFFER(BX_SYS_RECEIVE, MUTE, REPLY_1, LATER, OFFER_NOTHING),
	OFFER(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_SHORT),
	OFFER(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_BAD_STRING),
	OFFER(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_CAP),
	OFFER(BX_SYS_REPLY_RECEIVE, EP_A, REPLY_1, LATER, OFFER_SHORT),
	TICK(5),
};

#define DERIVE(from, to, rights, badge, uses, when, offer) \
	{ BX_SYS_CAP_DERIVE, (from), (to), (rights) | (badge) << 5, (uses), (when), (offer), 0 }
static const struct model_op caps[] = {
	DERIVE(EP_A, FREE_1, 3, 0, 0, NEVER, 0), DERIVE(COUNTED, FREE_2, 2, 1, 2, LATER, 0),
	DERIVE(COUNTED, FREE_1, 2, 0, 4, LATER, 0), DERIVE(MUTE, FREE_1, 7, 0, 0, LATER, 0),
	DERIVE(FREE_1, FREE_2, 2, 1, 0, SOON, 0), DERIVE(NOTE, NOTE, 1, 0, 0, NEVER, OFFER_UNALIGNED),
	DO2(BX_SYS_CAP_COPY, COUNTED, FREE_1), DO2(BX_SYS_CAP_COPY, FREE_1, FREE_2),
	DO2(BX_SYS_CAP_COPY, NOTE, REPLY_1), DO2(BX_SYS_CAP_MOVE, FREE_1, FREE_2),
	DO2(BX_SYS_CAP_MOVE, COUNTED, FREE_1), DO2(BX_SYS_CAP_MOVE, EP_A, PAST_END),
	DO(BX_SYS_CAP_DELETE, FREE_1), DO(BX_SYS_CAP_DELETE, EP_A), DO(BX_SYS_CAP_DELETE, COUNTED),
	DO(BX_SYS_CAP_REVOKE, COUNTED), DO(BX_SYS_CAP_REVOKE, FREE_1), DO(BX_SYS_CAP_INFO, FREE_2),
	{ BX_SYS_CAP_RECHARGE, COUNTED, CSPACE_NEXT, FREE_2, 1, 0, 0, 0 },
	{ BX_SYS_CAP_RECHARGE, EP_A, CSPACE_NEXT, FREE_1, 3, 0, 0, 0 },
	OFFER(BX_SYS_SEND, EP_B, PAST_END, LATER, OFFER_CAP_OTHER),
	OFFER(BX_SYS_RECEIVE, EP_B, PAST_END, LATER, OFFER_CAP_OTHER),
	SEND(FREE_1, LATER), TICK(5),
};

/* Spaces that are not sealed: what is lent, lent on, and taken back.  0 lends to 1. */
static const struct model_op open[] = {
	DERIVE(EP_A, FREE_1, 3, 0, 0, NEVER, 0), DERIVE(COUNTED, FREE_1, 2, 1, 2, LATER, 0),
	DERIVE(FREE_1, FREE_2, 2, 2, 2, SOON, 0), DO2(BX_SYS_CAP_COPY, FREE_1, FREE_2),
	DO2(BX_SYS_CAP_MOVE, FREE_1, FREE_2), DO2(BX_SYS_CAP_MOVE, FREE_2, FREE_1),
	DO(BX_SYS_CAP_DELETE, FREE_1), DO(BX_SYS_CAP_DELETE, COUNTED), DO(BX_SYS_CAP_REVOKE, EP_A),
	DO(BX_SYS_CAP_REVOKE, COUNTED), DO(BX_SYS_CAP_REVOKE, FREE_1),
	{ BX_SYS_CAP_RECHARGE, COUNTED, CSPACE_NEXT, FREE_2, 1, 0, 0, 0 },
	{ BX_SYS_CAP_RECHARGE, FREE_1, CSPACE_NEXT, FREE_2, 2, 0, 0, 0 },
	OFFER(BX_SYS_SEND, EP_B, PAST_END, LATER, OFFER_CAP_OTHER),
	OFFER(BX_SYS_CALL, EP_B, PAST_END, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_RECEIVE, EP_B, REPLY_1, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_CAP), SEND(FREE_1, LATER), RECEIVE(FREE_2, LATER), TICK(4),
};

/* All call and serve by a capability that grants nothing, and have waited before: by the short way. */
#define PLAIN			(BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY)
static const struct model_op carries_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), DERIVE(EP_A, FREE_1, PLAIN, 0, 0, NEVER, 0), WAIT(NOTE, LATER),
	DERIVE(EP_A, FREE_1, PLAIN, 0, 0, NEVER, 0), DO(BX_SYS_SIGNAL, NOTE), WAIT(NOTE, LATER),
	DO(BX_SYS_SIGNAL, NOTE),
};
static const struct model_op carries[] = {
	OFFER(BX_SYS_CALL, FREE_1, PAST_END, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_CALL, EP_A, PAST_END, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_RECEIVE, FREE_1, REPLY_1, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_REPLY_RECEIVE, FREE_1, REPLY_1, LATER, OFFER_CAP),
	OFFER(BX_SYS_REPLY_RECEIVE, EP_A, REPLY_1, LATER, OFFER_CAP), CALL(FREE_1, LATER), REPLY, YIELD, TICK(4),
	DO(BX_SYS_CAP_DELETE, FREE_2),
};

/* The same with what holds something up. */
static const struct model_op held[] = {
	DO2(BX_SYS_CAP_MOVE, NOTE, FREE_1), DO2(BX_SYS_CAP_COPY, NOTE, FREE_1), WAIT(FREE_1, LATER),
	DO2(BX_SYS_CAP_COPY, EP_A, FREE_1),
	DO(BX_SYS_NOTIFICATION_BIND, FREE_1), DO2(BX_SYS_IRQ_BIND, IRQ, FREE_1), DO(OP_INTERRUPT, 0),
	DO2(BX_SYS_CAP_COPY, MEMORY, FREE_2), { BX_SYS_MAP, FREE_2, 0, 0, 2 | 3 << 4, 0, 0, 0 },
	DERIVE(MEMORY, FREE_2, 3, 0, 0, NEVER, 0), DO(BX_SYS_CAP_DELETE, FREE_1),
	DO(BX_SYS_CAP_DELETE, FREE_2), DO(BX_SYS_CAP_REVOKE, NOTE), DO(BX_SYS_CAP_REVOKE, MEMORY),
	OFFER(BX_SYS_SEND, EP_B, PAST_END, LATER, OFFER_CAP_FREE),
	OFFER(BX_SYS_RECEIVE, EP_B, REPLY_1, LATER, OFFER_CAP_FREE),
	DO2(BX_SYS_CAP_COPY, THREAD_NEXT, FREE_2), DO(BX_SYS_THREAD_STOP, FREE_2),
	DO2(BX_SYS_KILL, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 1),
};

static const struct model_op ends[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 2), DO2(BX_SYS_KILL, SPAWN, 1),
	DO2(BX_SYS_KILL, SPAWN, 2), DO(BX_SYS_EXIT, 3), DO(OP_FAULT, 0), CALL(EP_A, LATER),
	RECEIVE(EP_A, LATER), REPLY, WAIT(EXITS, LATER), TICK(4),
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_THREAD_RESUME, THREAD_NEXT),
};

/* Faults, and who handles them. */
static const struct model_op faults[] = {
	DO(OP_FAULT, 0), DO(OP_FAULT, 0), RECEIVE(EP_A, LATER), RECEIVE(EP_A, LATER), REPLY,
	REPLY_RECEIVE(EP_A, LATER), REPLY_RECEIVE(EP_A, LATER), CALL(EP_A, LATER), SEND(EP_A, SOON),
	RECEIVE_NO_REPLY(EP_A, LATER), TICK(4), YIELD, DO(BX_SYS_CAP_DELETE, REPLY_1),
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_THREAD_RESUME, THREAD_NEXT),
	DO2(BX_SYS_THREAD_PRIORITY, THREAD_NEXT, 12), DO2(BX_SYS_SPAWN, SPAWN, 1),
	DO2(BX_SYS_SPAWN, SPAWN, 2),
};

/* The second thread of the one whose first has faulted gives up what that one has named. */
static const struct model_op named_begin[] = { DO2(BX_SYS_SPAWN, SPAWN, 1), RECEIVE(EP_A, LATER), START, YIELD };
static const struct model_op named[] = {
	DO(OP_FAULT, 0), RECEIVE(EP_A, LATER), REPLY, YIELD, START, TICK(4), DO(BX_SYS_CAP_DELETE, EP_A),
	DO2(BX_SYS_CAP_MOVE, EP_A, FREE_1), CALL(EP_A, LATER),
};

static const struct model_op pieces[] = {
	P(BX_SYS_SPAWN, SPAWN, 1, 0, 0), P(BX_SYS_KILL, SPAWN, 1, 0, 0), P(BX_SYS_EXIT, 3, 0, 0, 0),
	P(BX_SYS_CALL, EP_A, PAST_END, LATER, 0), P(BX_SYS_RECEIVE, EP_A, REPLY_1, LATER, 0),
	P(OP_TICK, 0, 0, 0, 0), TICK(0), P(BX_SYS_THREAD_STOP, THREAD_NEXT, 0, 0, 0),
	P(BX_SYS_THREAD_RESUME, THREAD_NEXT, 0, 0, 0), P(OP_FAULT, 0, 0, 0, 0),
};

static const struct model_op memory[] = {
	MAP(0, 0, 2, 3), MAP(1, 4, 1, 1), MAP(2, 1, 2, 5), MAP(3, 6, 3, 3), MAP(0, 0, 1, 7), MAP(0, 0, 1, 2), MAP(9, 22, 3, 1),
	{ BX_SYS_MAP, MEMORY, 1, 0, 1 | 3 << 4, 0, 0, 0 }, { BX_SYS_UNMAP, MEMORY, 0, 0, 2, 0, 0, 0 },
	{ BX_SYS_UNMAP, MEMORY, 0, 1, 1, 0, 0, 0 }, { BX_SYS_UNMAP, MEMORY, 0, 23, 2, 0, 0, 0 },
	DO(BX_SYS_CAP_DELETE, MEMORY), YIELD, DO2(BX_SYS_KILL, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 1),
};

/* Budgets of two units in twenty; a server that has none, and one that has. */
static const struct model_times poor = { 50000, { 0, 100, 0 }, { 0, 1000, 0 }, { false, false, true }, false };
static const struct model_times line = { 50000, { 150, 0, 100 }, { 1000, 0, 1000 }, { false, true, false }, false };
static const struct model_times mixed = { 50000, { 0, 100, 0, 300 }, { 0, 1000, 0, 2000 },
    { false, false, true, false }, false };
/* Half a time slice. */
static const struct model_times halves = { 5000000, { 0 }, { 0 }, { false }, true };
static const struct model_op poor_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 2), RECEIVE(EP_A, FAR), DO2(BX_SYS_SPAWN, SPAWN, 1),
};
static const struct model_op budgets[] = {
	CALL(EP_A, FAR), CALL(EP_A, LATER), RECEIVE(EP_A, FAR), REPLY, REPLY_RECEIVE(EP_A, FAR),
	SEND(EP_A, FAR), TICK(1), TICK(3), TICK(18), YIELD, { BX_SYS_SLEEP, 0, 0, 0, 0, SOON, 0, 0 },
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_THREAD_RESUME, THREAD_NEXT), P(OP_TICK, 3, 0, 0, 0),
};
static const struct model_op donations[] = {
	CALL(EP_A, FAR), CALL(EP_B, FAR), RECEIVE(EP_A, FAR), RECEIVE(EP_B, FAR), REPLY,
	REPLY_RECEIVE(EP_B, FAR), TICK(1), TICK(2), TICK(17), DO(BX_SYS_THREAD_STOP, THREAD_NEXT),
	DO(BX_SYS_THREAD_RESUME, THREAD_NEXT), SEND(EP_B, SOON),
};

static const struct model_op slices[] = {
	TICK(1), TICK(2), DO(BX_SYS_SIGNAL, NOTE), WAIT(NOTE, FAR), YIELD, CALL(EP_A, FAR), RECEIVE(EP_A, FAR),
	REPLY,
};

/* Many pages, in steps; the other program, of more priority, wakes in between. */
#define MAP_20(first, flags, pending)	\
	{ BX_SYS_MAP, MEMORY, 0, (first), 4 | (flags) << 4, 0, 1, (pending) }
#define UNMAP_20(first, pending)	{ BX_SYS_UNMAP, MEMORY, 0, (first), 4, 0, 1, (pending) }
static const struct model_op maps_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), WAIT(NOTE, SOON), DO2(BX_SYS_CAP_COPY, MEMORY, FREE_1),
};
static const struct model_op maps[] = {
	MAP_20(0, 3, 1), MAP_20(2, 1, 0), UNMAP_20(0, 1), MAP(18, 22, 1, 1), MAP(30, 17, 1, 1),
	P(OP_TICK, 0, 0, 0, 0), P(OP_TICK, 4, 0, 0, 0), WAIT(NOTE, SOON), P(BX_SYS_THREAD_STOP, THREAD_NEXT, 0, 0, 0),
	DO(BX_SYS_THREAD_RESUME, THREAD_NEXT), DO(BX_SYS_CAP_REVOKE, MEMORY), DO(BX_SYS_CAP_DELETE, MEMORY),
	{ BX_SYS_MAP, FREE_1, 0, 0, 4 | 3 << 4, 0, 1, 1 }, DO2(BX_SYS_KILL, SPAWN, 0),
	{ BX_SYS_CAP_RECHARGE, MEMORY, CSPACE_NEXT, FREE_1, 1, 0, 0, 0 },
};

/* Who gives an answer of many steps has company: a second thread of more priority, which wakes. */
static const struct model_op answers_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), START, DO2(BX_SYS_THREAD_PRIORITY, THREAD_OWN, 12), WAIT(NOTE, LATER),
};
static const struct model_op answers[] = {
	OFFER(BX_SYS_CALL, EP_A, PAST_END, FAR, OFFER_LONG), OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, FAR, OFFER_LONG),
	P(BX_SYS_REPLY, 0, REPLY_1, 0, OFFER_LONG), REPLY, P(OP_TICK, 8, 0, 0, 0), TICK(8), WAIT(NOTE, LATER),
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_CAP_DELETE, REPLY_1), YIELD,
};

/* A call that was queued begins again, since the other side of its copy has left. */
static const struct model_op agains[] = {
	OFFER(BX_SYS_SEND, COUNTED, PAST_END, LATER, OFFER_LONG), P(BX_SYS_RECEIVE, EP_A, REPLY_1, SOON, OFFER_LONG),
	OFFER(BX_SYS_CALL, COUNTED, PAST_END, FAR, OFFER_LONG), P(OP_TICK, 4, 0, 0, 0), P(OP_TICK, 0, 0, 0, 0),
	OFFER(BX_SYS_RECEIVE, COUNTED, REPLY_1, LATER, OFFER_LONG), P(BX_SYS_SEND, EP_A, PAST_END, SOON, OFFER_LONG),
	YIELD, REPLY,
};

/* What a copy goes by is taken away in the middle of it, by the one that had lent it. */
static const struct model_op taken_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 2), DO2(BX_SYS_CAP_COPY, EP_A, FREE_1),
	OFFER(BX_SYS_SEND, EP_B, PAST_END, FAR, OFFER_CAP_FREE), YIELD,
	OFFER(BX_SYS_RECEIVE, EP_B, PAST_END, FAR, OFFER_CAP_OTHER), WAIT(NOTE, LATER),
};
/* Before that, one of them has queued by a capability of two uses. */
static const struct model_op spent_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_SPAWN, SPAWN, 2), DO2(BX_SYS_CAP_COPY, EP_A, FREE_1),
	OFFER(BX_SYS_SEND, EP_B, PAST_END, FAR, OFFER_CAP_FREE), YIELD,
	OFFER(BX_SYS_RECEIVE, EP_B, PAST_END, FAR, OFFER_CAP_OTHER), WAIT(NOTE, LATER), YIELD,
	OFFER(BX_SYS_SEND, COUNTED, PAST_END, FAR, OFFER_LONG),
};
static const struct model_op taken[] = {
	OFFER(BX_SYS_SEND, FREE_2, PAST_END, FAR, OFFER_LONG), OFFER(BX_SYS_CALL, FREE_2, PAST_END, FAR, OFFER_LONG),
	OFFER(BX_SYS_RECEIVE, FREE_2, REPLY_1, FAR, OFFER_LONG),
	P(BX_SYS_RECEIVE, EP_A, REPLY_1, FAR, OFFER_LONG), P(BX_SYS_SEND, EP_A, PAST_END, FAR, OFFER_LONG),
	OFFER(BX_SYS_SEND, COUNTED, PAST_END, FAR, OFFER_LONG),
	P(BX_SYS_RECEIVE, FREE_2, REPLY_1, FAR, OFFER_LONG),
	P(OP_TICK, 8, 0, 0, 0), P(OP_TICK, 0, 0, 0, 0), DO(BX_SYS_CAP_REVOKE, EP_A), DO(BX_SYS_CAP_DELETE, FREE_1),
	WAIT(NOTE, LATER), YIELD, REPLY,
};

/* While one of its threads copies, the other one of more priority puts another capability in the place of what
 * that goes by. */
static const struct model_op swaps[] = {
	P(BX_SYS_SEND, EP_A, PAST_END, FAR, OFFER_LONG), P(BX_SYS_RECEIVE, EP_A, REPLY_1, FAR, OFFER_LONG),
	OFFER(BX_SYS_SEND, EP_A, PAST_END, FAR, OFFER_LONG), OFFER(BX_SYS_RECEIVE, EP_A, REPLY_1, FAR, OFFER_LONG),
	DO2(BX_SYS_CAP_MOVE, EP_A, FREE_1), DO2(BX_SYS_CAP_MOVE, EP_B, EP_A), DO(BX_SYS_CAP_DELETE, EP_A),
	DO(BX_SYS_CAP_DELETE, COUNTED), P(OP_TICK, 8, 0, 0, 0), WAIT(NOTE, LATER), YIELD,
};

/* Who starts a program is stopped in the middle of it. */
static const struct model_op starts_begin[] = {
	DO2(BX_SYS_SPAWN, SPAWN, 2), WAIT(NOTE, SOON),
};
static const struct model_op starts[] = {
	P(BX_SYS_SPAWN, SPAWN, 1, 0, 0), P(OP_TICK, 0, 0, 0, 0), P(OP_TICK, 4, 0, 0, 0), WAIT(NOTE, SOON),
	DO(BX_SYS_THREAD_STOP, THREAD_NEXT), DO(BX_SYS_THREAD_RESUME, THREAD_NEXT), DO2(BX_SYS_KILL, SPAWN, 1),
	DO2(BX_SYS_SPAWN, SPAWN, 1), DO2(BX_SYS_KILL, SPAWN, 0), YIELD,
};

/* Ports, power, and what may be observed. */
#define PORT_IN(port, width)		{ BX_SYS_PORT_IN, PORT, (port), (width), 0, 0, 0, 0 }
#define PORT_OUT(port, width, value)	{ BX_SYS_PORT_OUT, PORT, (port), (width), (value), 0, 0, 0 }
static const struct model_op watches[] = {
	INSPECT(BX_INSPECT_SYSTEM, 0, 0), INSPECT(BX_INSPECT_PROGRAM, 1, 0), INSPECT(BX_INSPECT_THREAD, 0, 0),
	INSPECT(BX_INSPECT_THREAD, 1, 0), INSPECT(BX_INSPECT_CAP, 1, EP_A), INSPECT(BX_INSPECT_CAP, 0, REPLY_1),
	INSPECT(BX_INSPECT_CAP, 0, THREAD_NEXT), INSPECT(BX_INSPECT_CAP, 0, CSPACE_NEXT),
	INSPECT(BX_INSPECT_CAP, 1, PORT), INSPECT(BX_INSPECT_ENDPOINT, 0, 0),
	INSPECT(BX_INSPECT_NOTIFICATION, 0, 0), INSPECT(BX_INSPECT_ENDPOINT, 2, 0), INSPECT(9, 0, 0),
	INSPECT(BX_INSPECT_POOL, 0, 0), INSPECT(BX_INSPECT_POOL, 10, 0),
	OFFER(BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 0, OFFER_BAD_ROOM),
	{ BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 0, 0, SOON, 0, 0 },
	DO2(BX_SYS_PROGRAM_INFO, SPAWN, 1), DO2(BX_SYS_PROGRAM_INFO, SPAWN, 2),
	OFFER(BX_SYS_PROGRAM_INFO, SPAWN, 0, 0, OFFER_BAD_ROOM),
	{ BX_SYS_AUDIT_READ, AUDIT, 3, 9, 0, 0, 0, 0 }, { BX_SYS_AUDIT_READ, AUDIT, 100, 4, 0, 0, 0, 0 },
	DO2(BX_SYS_AUDIT_READ, AUDIT, 201), { BX_SYS_AUDIT_READ, AUDIT, 3, 2, 0, 0, OFFER_BAD_ROOM, 0 },
	CALL(EP_A, LATER), RECEIVE(EP_A, LATER), REPLY, WAIT(NOTE, LATER), DO(BX_SYS_SIGNAL, NOTE),
	DO(BX_SYS_NOTIFICATION_BIND, NOTE), DO2(BX_SYS_KILL, SPAWN, 1), DO(BX_SYS_EXIT, 7), DO(OP_FAULT, 0),
	DO(BX_SYS_SIGNAL, EXITS), DO2(BX_SYS_THREAD_PRIORITY, THREAD_NEXT, 12),
};
static const struct model_op devices[] = {
	PORT_IN(0, 0), PORT_IN(1, 0), PORT_IN(4, 0), PORT_IN(4, 1), PORT_IN(1, 2), PORT_IN(2, 3), PORT_IN(5, 0),
	PORT_OUT(1, 0, 0), PORT_OUT(1, 0, 1), PORT_OUT(3, 1, 1), PORT_OUT(1, 1, 2), PORT_OUT(1, 2, 2),
	PORT_OUT(1, 2, 3), PORT_OUT(2, 2, 0), DO2(BX_SYS_POWER, POWER, BX_POWER_OFF),
	DO2(BX_SYS_POWER, POWER, BX_POWER_RESET), DO2(BX_SYS_POWER, POWER, 3), DO2(BX_SYS_POWER, AUDIT, 1),
	DO(BX_SYS_CLOCK_INFO, 0), DO(BX_SYS_CAP_DELETE, PORT), YIELD, DO2(BX_SYS_PORT_IN, IRQ, 1),
};

#define LIST(array)		(array), BX_ARRAY_COUNT(array)
const struct scenario scenarios[] = {
	{ "meet", { 2, 1, { 10, 10 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(meet), 8, false, false },
	{ "chain", { 3, 1, { 10, 11, 9 }, false, false, { 0 }, NULL }, LIST(three_begin), LIST(chain), 8, false,
	  false },
	{ "short", { 3, 1, { 10, 10, 10 }, false, false, { 0 }, NULL }, LIST(short_begin), LIST(shorts), 7, false,
	  false },
	{ "pairs", { 2, 2, { 10, 10 }, false, false, { 0 }, NULL }, LIST(four_begin), LIST(pairs), 7, false, false },
	{ "notes", { 2, 1, { 10, 11 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(notes), 5, false, false },
	{ "threads", { 2, 2, { 10, 10 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(threads), 6, false,
	  false },
	{ "strings", { 2, 2, { 10, 10 }, true, false, { 0 }, NULL }, LIST(four_begin), LIST(strings), 5, true,
	  false },
	{ "offers", { 2, 1, { 10, 10 }, true, false, { 0 }, NULL }, LIST(two_begin), LIST(offers), 5, false, false },
	{ "caps", { 2, 1, { 10, 10 }, true, false, { 0 }, NULL }, LIST(two_begin), LIST(caps), 5, false, false },
	{ "open", { 2, 1, { 10, 10 }, false, true, { 0 }, NULL }, LIST(two_begin), LIST(open), 7, false, false },
	{ "carries", { 2, 1, { 10, 10 }, false, true, { 0 }, NULL }, LIST(carries_begin), LIST(carries), 7, false,
	  true },
	{ "held", { 2, 1, { 10, 10 }, false, true, { 0 }, NULL }, LIST(two_begin), LIST(held), 6, true, false },
	{ "ends", { 3, 1, { 10, 11, 9 }, false, false, { 0, 1, 2 }, NULL }, LIST(three_begin), LIST(ends), 5, true,
	  false },
	{ "faults", { 3, 1, { 10, 10, 9 }, false, false, { 0, 1, 1 }, NULL }, LIST(short_begin), LIST(faults), 5, true,
	  true },
	{ "named", { 2, 2, { 10, 10 }, false, true, { 0, 1 }, NULL }, LIST(named_begin), LIST(named), 6, true,
	  true },
	{ "pieces", { 2, 1, { 10, 10 }, false, false, { 0, 1 }, NULL }, LIST(two_begin), LIST(pieces), 7, true,
	  false },
	{ "memory", { 2, 1, { 10, 10 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(memory), 5, true, false },
	{ "budgets", { 3, 1, { 9, 10, 11 }, false, false, { 0 }, &poor }, LIST(poor_begin), LIST(budgets), 7,
	  false, true },
	{ "donations", { 3, 1, { 10, 10, 11 }, false, false, { 0 }, &line }, LIST(three_begin),
	  LIST(donations), 7, false, true },
	{ "slices", { 3, 1, { 10, 10, 14 }, false, false, { 0 }, &halves }, LIST(three_begin), LIST(slices), 7,
	  false, true },
	{ "maps", { 2, 1, { 10, 12 }, false, true, { 0 }, NULL }, LIST(maps_begin), LIST(maps), 5, true, true },
	{ "answers", { 2, 2, { 10, 10 }, true, false, { 0 }, NULL }, LIST(answers_begin), LIST(answers), 7, true,
	  true },
	{ "swaps", { 2, 2, { 10, 10 }, true, true, { 0 }, NULL }, LIST(answers_begin), LIST(swaps), 7, true,
	  true },
	{ "again", { 2, 1, { 10, 10 }, true, false, { 0 }, NULL }, LIST(two_begin), LIST(agains), 6, true, true },
	{ "taken", { 3, 1, { 10, 10, 12 }, true, true, { 0 }, NULL }, LIST(taken_begin), LIST(taken), 6, true,
	  true },
	{ "spent", { 3, 1, { 10, 10, 12 }, true, true, { 0 }, NULL }, LIST(spent_begin), LIST(taken), 5, true,
	  false },
	{ "starts", { 3, 1, { 10, 10, 12 }, false, false, { 0 }, NULL }, LIST(starts_begin), LIST(starts), 6,
	  true, false },
	{ "watches", { 2, 1, { 10, 10 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(watches), 4, true,
	  true },
	{ "devices", { 2, 1, { 10, 10 }, false, false, { 0 }, NULL }, LIST(two_begin), LIST(devices), 5, false,
	  false },
	{ "long-calls", { 3, 1, { 10, 10, 9 }, false, false, { 0 }, NULL }, LIST(three_begin), LIST(shorts), 0, false,
	  true },
	{ "long-open", { 3, 2, { 10, 11, 10 }, true, true, { 0, 1, 2 }, NULL }, LIST(three_begin), NULL, 0, 0,
	  false, true },
	{ "long-two", { 2, 2, { 10, 10 }, true, false, { 1, 2 }, NULL }, LIST(four_begin), NULL, 0, 0, false, true },
	{ "long-three", { 3, 2, { 11, 10, 10 }, true, false, { 0, 1, 2 }, NULL }, LIST(three_begin), NULL, 0, 0,
	  false, true },
	{ "long-poor", { 4, 2, { 9, 10, 12, 11 }, false, false, { 0, 1, 0, 2 }, &mixed }, LIST(three_begin),
	  NULL, 0, 0, false, true },
	{ "long-four", { 4, 2, { 10, 12, 11, 10 }, false, false, { 0, 1, 1, 2 }, NULL }, LIST(three_begin), NULL, 0,
	  0, false, true },
};
const unsigned scenario_count = BX_ARRAY_COUNT(scenarios);

/* ---- draws */

static const uint8_t usual_verbs[] = {
	BX_SYS_SIGNAL, BX_SYS_WAIT, BX_SYS_NOTIFICATION_BIND, BX_SYS_YIELD, BX_SYS_SLEEP,
	BX_SYS_CAP_DERIVE, BX_SYS_CAP_COPY, BX_SYS_CAP_MOVE, BX_SYS_CAP_DELETE, BX_SYS_CAP_REVOKE,
	BX_SYS_CAP_RECHARGE, BX_SYS_CAP_INFO, BX_SYS_MAP, BX_SYS_UNMAP, BX_SYS_THREAD_START,
	BX_SYS_THREAD_STOP, BX_SYS_THREAD_RESUME, BX_SYS_THREAD_PRIORITY, BX_SYS_IRQ_BIND, BX_SYS_IRQ_ACK,
	BX_SYS_SPAWN, BX_SYS_NULL, 15, 62 + 2, BX_SYS_PORT_IN, BX_SYS_PORT_OUT, BX_SYS_INSPECT, BX_SYS_INSPECT,
	BX_SYS_AUDIT_READ, BX_SYS_PROGRAM_INFO, BX_SYS_CLOCK_INFO, BX_SYS_POWER,
};
static const uint8_t ipc_verbs[] = {
	BX_SYS_CALL, BX_SYS_CALL, BX_SYS_RECEIVE, BX_SYS_RECEIVE, BX_SYS_REPLY_RECEIVE, BX_SYS_REPLY_RECEIVE,
	BX_SYS_REPLY, BX_SYS_SEND,
};

static uint8_t
usual_slot(uint8_t verb, uint32_t (*draw)(uint32_t))
{
	static const uint8_t ipc[] = { EP_A, EP_A, EP_A, EP_B, EP_B, COUNTED, TIMED, MUTE, FREE_1 };

	if (draw(16) == 0)
		return (uint8_t)draw(PAST_END + 2);
	if (verb >= BX_SYS_CALL && verb <= BX_SYS_REPLY_RECEIVE)
		return ipc[draw(sizeof ipc)];
	switch (verb) {
	case BX_SYS_SIGNAL:
	case BX_SYS_WAIT:
	case BX_SYS_NOTIFICATION_BIND:
		return draw(4) == 0 ? EXITS : draw(4) == 0 ? COUNTED_NOTE : NOTE;
	case BX_SYS_MAP:
	case BX_SYS_UNMAP:
		return MEMORY;
	case BX_SYS_IRQ_BIND:
	case BX_SYS_IRQ_ACK:
		return IRQ;
	case BX_SYS_SPAWN:
	case BX_SYS_KILL:
	case BX_SYS_PROGRAM_INFO:
		return SPAWN;
	case BX_SYS_PORT_IN:
	case BX_SYS_PORT_OUT:
		return PORT;
	case BX_SYS_INSPECT:
	case BX_SYS_AUDIT_READ:
		return AUDIT;
	case BX_SYS_POWER:
		return POWER;
	case BX_SYS_THREAD_START:
	case BX_SYS_THREAD_STOP:
	case BX_SYS_THREAD_RESUME:
	case BX_SYS_THREAD_PRIORITY:
		return draw(2) == 0 ? THREAD_OWN : THREAD_NEXT;
	case BX_SYS_CAP_DELETE:
		return draw(12) == 0 ? (uint8_t)draw(PAST_END) : (uint8_t)(FREE_1 + draw(5));
	default:
		return (uint8_t)draw(PAST_END);
	}
}

static uint8_t
draw_verb(uint32_t (*draw)(uint32_t))
{
	uint32_t what = draw(1000);

	if (what < 500)
		return ipc_verbs[draw(sizeof ipc_verbs)];
	if (what < 600)
		return OP_TICK;
	if (what < 640)
		return OP_INTERRUPT;
	if (what < 643)
		return OP_FAULT;
	if (what < 645)
		return BX_SYS_EXIT;
	if (what < 649)
		return BX_SYS_KILL;
	if (what < 700)
		return BX_SYS_SPAWN;
	return usual_verbs[draw(sizeof usual_verbs)];
}

static void
draw_ipc(const struct scenario *scenario, uint32_t (*draw)(uint32_t), struct model_op *op)
{
	if (draw(8) != 0)
		op->b = REPLY_1;
	op->c = draw(60) == 0;
	if (draw(3) == 0)
		op->offer = (uint8_t)draw(OFFER_COUNT);
	if ((op->offer == OFFER_LONG || op->offer == OFFER_BAD_ROOM) && !scenario->shape.strings)
		op->offer = OFFER_CAP;
}

/* Of what is held: capabilities and memory. */
static void
draw_held(uint32_t (*draw)(uint32_t), struct model_op *op)
{
	switch (op->verb) {
	case BX_SYS_CAP_DERIVE:
		op->b = draw(3) == 0 ? op->b : (uint8_t)(FREE_1 + draw(2));
		op->c = (uint8_t)draw(256);
		op->offer = draw(12) == 0 ? (uint8_t)(OFFER_UNALIGNED + draw(2)) : 0;
		break;
	case BX_SYS_CAP_COPY:
	case BX_SYS_CAP_MOVE:
		op->b = draw(3) == 0 ? op->b : (uint8_t)(FREE_1 + draw(2));
		break;
	case BX_SYS_CAP_RECHARGE:
		op->b = draw(6) == 0 ? op->b : CSPACE_NEXT;
		op->c = (uint8_t)draw(PAST_END);
		break;
	case BX_SYS_MAP:
		op->b = (uint8_t)draw(20);
		op->c = (uint8_t)draw(SPEC_PAGES);
		op->d = (uint8_t)(draw(4) | draw(8) << 4);
		break;
	case BX_SYS_UNMAP:
		op->c = (uint8_t)draw(SPEC_PAGES);
		break;
	default:
		break;
	}
}

/* Of threads, programs and what is observed. */
static void
draw_control(const struct scenario *scenario, uint32_t (*draw)(uint32_t), struct model_op *op)
{
	switch (op->verb) {
	case BX_SYS_THREAD_START:
		op->b = draw(8) == 0 ? (uint8_t)draw(3) : 0;
		op->c = draw(8) == 0;
		break;
	case BX_SYS_THREAD_PRIORITY:
		op->b = (uint8_t)(8 + draw(14));
		break;
	case BX_SYS_IRQ_BIND:
		op->b = draw(6) == 0 ? op->b : NOTE;
		break;
	case BX_SYS_AUDIT_READ:
		op->b = (uint8_t)draw(256);
		break;
	case BX_SYS_INSPECT:
		op->b = (uint8_t)draw(8);
		op->c = (uint8_t)draw(10);
		op->d = (uint8_t)draw(PAST_END + 1);
		break;
	case BX_SYS_SPAWN:
	case BX_SYS_KILL:
	case BX_SYS_PROGRAM_INFO:
		op->b = (uint8_t)draw(scenario->shape.programs + 1u);
		op->c = (uint8_t)draw(100);
		break;
	default:
		break;
	}
}

struct model_op
scenario_draw(const struct scenario *scenario, uint32_t (*draw)(uint32_t))
{
	static const uint8_t whens[] = { AT_ONCE, PAST, SOON, SOON, SOON, SOON, LATER, LATER, LATER, LATER };
	struct model_op op;

	if (scenario->ops > 0)
		return scenario->op[draw(scenario->ops)];
	op = (struct model_op){ .verb = draw_verb(draw) };
	op.pending = draw(5) == 0;
	op.when = draw(50) == 0 ? (uint8_t)(FAR + draw(2)) : whens[draw(sizeof whens)];
	if (op.verb == OP_TICK) {
		op.a = (uint8_t)(draw(3) == 0 ? draw(12) : draw(3));
		return op;
	}
	op.a = usual_slot(op.verb, draw);
	op.b = (uint8_t)draw(PAST_END + 1);
	op.c = (uint8_t)draw(4);
	op.d = (uint8_t)draw(4);
	if (op.verb >= BX_SYS_CALL && op.verb <= BX_SYS_REPLY_RECEIVE)
		draw_ipc(scenario, draw, &op);
	draw_held(draw, &op);
	draw_control(scenario, draw, &op);
	return op;
}
