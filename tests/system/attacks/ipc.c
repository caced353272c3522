/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc.c -- attacks on rendezvous: replies, badges, strings, cycles.  The program is server and client
 * of two endpoints of its own: it receives on `yard' and `hall', and its second thread, or itself, calls
 * them by `knock' and `ring'.
 */
#include "attack.h"

#define KNOCK_BADGE	0x77u		/* in the manifest */
#define SIDE_STACK	2048u
#define ROOM		4096u		/* of the victim */
#define LONG_STRING	(BX_IPC_STRING_MAX + 1)
#define SHORT_US	2000000u	/* of a call that is taken by then, and not answered */

/* What the second thread does: calls, as often as it is told, by the deadlines that it is told. */
struct side {
	const struct bx_sys *sys;
	uint32_t endpoint;
	uint32_t receive;		/* not BX_SLOT_NONE: receives here first, and keeps the reply */
	uint32_t reply;
	uint64_t wait_us[2];		/* of each call; 0: no such call */
	volatile uint32_t called, ended;
	volatile enum bx_err err[2];
};

static _Alignas(16) uint8_t side_stack[SIDE_STACK];
static uint8_t long_string[2 * ROOM];

BX_NORETURN static void
side_main(struct side *side)
{
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;

	if (side->receive != BX_SLOT_NONE)
		bx_err_ignore(bx_sys_receive(side->receive, side->reply,
		    bx_sys_deadline_in_us(side->sys, LONG_US), &words, &origin));
	for (unsigned i = 0; i < 2 && side->wait_us[i] != 0; i++) {
		words = (struct bx_sys_words){ .label = 40 + i };
		side->called++;
		side->err[i] = bx_sys_call(side->endpoint,
		    bx_sys_deadline_in_us(side->sys, side->wait_us[i]), &words);
		side->ended++;
	}
	for (;;)
		bx_sys_sleep(bx_sys_deadline_far());
}

static void
side_start(struct attacker *attacker, struct side *side)
{
	side->sys = attacker->sys;
	if (bx_sys_thread_start(slot_of(attacker, "worker1"), (uint64_t)(uintptr_t)side_main,
	    (uint64_t)(uintptr_t)side_stack + SIDE_STACK - 8, (uint64_t)(uintptr_t)side) != BX_OK)
		breach(attacker, "a thread of the quota could not be started");
}

static enum bx_err
take(struct attacker *attacker, uint32_t reply, struct bx_sys_origin *origin)
{
	struct bx_sys_words words = { 0 };

	return bx_sys_receive(slot_of(attacker, "yard"), reply,
	    bx_sys_deadline_in_us(attacker->sys, LONG_US), &words, origin);
}

static void
must(struct attacker *attacker, const char *what, enum bx_err have, enum bx_err want)
{
	if (have != want)
		say(attacker, "BREACH: %s: %s, not %s", what, bx_err_name(have), bx_err_name(want));
}

/* One call, one answer: the reply is gone with its first use. */
static void
reply_twice(struct attacker *attacker)
{
	uint32_t reply = attacker->sys->launch->reply_first;
	struct side side = { .endpoint = slot_of(attacker, "knock"), .receive = BX_SLOT_NONE,
		.wait_us = { LONG_US } };
	struct bx_sys_origin origin = { 0 };
	struct bx_sys_words words = { 0 };

	side_start(attacker, &side);
	must(attacker, "receiving", take(attacker, reply, &origin), BX_OK);
	must(attacker, "the answer", bx_sys_reply(reply, &words), BX_OK);
	must(attacker, "a second answer", bx_sys_reply(reply, &words), BX_ERR_CAP_EMPTY);
	must(attacker, "a third answer", bx_sys_reply(reply, &words), BX_ERR_CAP_EMPTY);
}

/* The reply to a call that ended by its deadline does not answer the next call of the same thread. */
static void
stale_reply(struct attacker *attacker)
{
	uint32_t reply = attacker->sys->launch->reply_first;
	struct side side = { .endpoint = slot_of(attacker, "knock"), .receive = BX_SLOT_NONE,
		.wait_us = { SHORT_US, LONG_US } };
	struct bx_sys_origin origin = { 0 };
	struct bx_sys_words words = { 0 };

	side_start(attacker, &side);
	must(attacker, "the first call", take(attacker, reply, &origin), BX_OK);
	must(attacker, "the second call", take(attacker, reply + 1, &origin), BX_OK);
	must(attacker, "how the first call ended", side.err[0], BX_ERR_TIMEOUT);
	must(attacker, "the first call's answer to the second", bx_sys_reply(reply, &words),
	    BX_ERR_CAP_STALE);
	if (side.ended != 1)
		breach(attacker, "a call was answered by another's reply");
	must(attacker, "its own answer", bx_sys_reply(reply + 1, &words), BX_OK);
}

/* The badge is the capability's, whatever the sender has in its registers. */
static void
forged_badge(struct attacker *attacker)
{
	struct side side = { .endpoint = slot_of(attacker, "knock"), .receive = BX_SLOT_NONE,
		.wait_us = { LONG_US } };
	struct bx_sys_origin origin = { 0 };
	struct bx_sys_words words = { 0 };
	uint32_t reply = attacker->sys->launch->reply_first;

	side_start(attacker, &side);
	while (side.called == 0)
		bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, 2000));
	bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, 20000));	/* it is queued: the long way */
	must(attacker, "receiving", take(attacker, reply, &origin), BX_OK);
	if (origin.badge != KNOCK_BADGE)
		say(attacker, "BREACH: the badge is 0x%lx", origin.badge);
	must(attacker, "the answer", bx_sys_reply(reply, &words), BX_OK);
}

/* Who calls itself, or one that waits for it, would wait for ever. */
static void
embrace(struct attacker *attacker)
{
	uint32_t yard = slot_of(attacker, "yard"), reply = attacker->sys->launch->reply_first;
	struct side side = { .endpoint = slot_of(attacker, "knock"),
		.receive = slot_of(attacker, "hall"), .reply = reply + 1, .wait_us = { LONG_US } };
	struct bx_sys_origin origin = { 0 };
	struct bx_sys_words words = { 0 };
	enum bx_err err;

	must(attacker, "nobody calls", bx_sys_receive(yard, reply, 0, &words, &origin),
	    BX_ERR_WOULD_BLOCK);
	must(attacker, "a call to oneself", bx_sys_call(slot_of(attacker, "knock"),
	    bx_sys_deadline_in_us(attacker->sys, LONG_US), &words), BX_ERR_WOULD_DEADLOCK);
	/* The other thread takes this send, then calls us: it waits, and we call it. */
	side_start(attacker, &side);
	must(attacker, "a send", bx_sys_message_send(slot_of(attacker, "ring"),
	    bx_sys_deadline_in_us(attacker->sys, LONG_US), &(struct bx_ipc_message){ .label = 1,
	    .cap_slot = BX_SLOT_NONE }), BX_OK);
	while (side.called == 0)
		bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, 2000));
	bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, 20000));
	err = bx_sys_call(slot_of(attacker, "ring"), bx_sys_deadline_in_us(attacker->sys, LONG_US), &words);
	/* If that thread was held up before its call, it is the one that closes the circle. */
	if (side.ended == 0 || side.err[0] != BX_ERR_WOULD_DEADLOCK)
		must(attacker, "a call to one that waits for us", err, BX_ERR_WOULD_DEADLOCK);
}

/* Replies come into the slots that are set apart for them, and nowhere else. */
static void
reply_slot_elsewhere(struct attacker *attacker)
{
	const struct bx_launch *launch = attacker->sys->launch;
	uint32_t slots[] = { slot_of(attacker, "console"), 0, launch->reply_first - 1,
		launch->reply_first + launch->reply_count, 1000, 0x7fffffff };
	struct bx_sys_origin origin = { 0 };
	struct bx_sys_words words = { 0 };

	for (size_t i = 0; i < BX_ARRAY_COUNT(slots); i++)
		must(attacker, "a reply elsewhere", bx_sys_receive(slot_of(attacker, "yard"), slots[i], 0,
		    &words, &origin), BX_ERR_CAP_SLOT);
}

/* The victim has room for 4096 bytes; a few more must not come. */
static void
string_too_long(struct attacker *attacker)
{
	struct bx_ipc_message message = { .label = 1, .string = long_string,
		.string_length = ROOM + 32, .cap_slot = BX_SLOT_NONE };
	struct bx_ipc_message answer = { .cap_slot = BX_SLOT_NONE };

	must(attacker, "a string longer than the receiver's room", bx_sys_message_call(
	    slot_of(attacker, "echo"), bx_sys_deadline_in_us(attacker->sys, LONG_US), &message,
	    &answer), BX_ERR_MSG_TOO_LONG);
}

/* No string is longer than 64 KiB, whoever would take it. */
static void
string_bound(struct attacker *attacker)
{
	struct bx_ipc_buffers buffers = { .send_address = (uint64_t)(uintptr_t)long_string,
		.send_length = LONG_STRING, .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE };
	struct registers r = { .number = BX_SYS_CALL | BX_IPC_BUFFERS << 8,
		.value = { slot_of(attacker, "echo"), 1,
		    bx_sys_deadline_in_us(attacker->sys, LONG_US) },
		.reply = BX_SLOT_NONE, .buffers = (uint64_t)(uintptr_t)&buffers };

	must(attacker, "a string of more than 64 KiB", (enum bx_err)call(&r), BX_ERR_RANGE);
}

/* A thread of one's own, with a priority above the program's. */
static void
raise_priority(struct attacker *attacker)
{
	uint32_t worker = slot_of(attacker, "worker1");

	for (uint32_t priority = 0; priority < 256; priority++) {
		enum bx_err err = bx_sys_thread_priority(worker, priority);

		if (err != (priority <= 30 ? BX_OK : BX_ERR_RANGE)) {
			say(attacker, "BREACH: priority %u: %s", priority, bx_err_name(err));
			return;
		}
	}
}

const struct attack attacks_ipc[] = {
	{ "reply-twice", ENDS_REFUSED, reply_twice },
	{ "stale-reply", ENDS_REFUSED, stale_reply },
	{ "forged-badge", ENDS_REFUSED, forged_badge },
	{ "embrace", ENDS_REFUSED, embrace },
	{ "reply-slot-elsewhere", ENDS_REFUSED, reply_slot_elsewhere },
	{ "string-too-long", ENDS_REFUSED, string_too_long },
	{ "string-bound", ENDS_REFUSED, string_bound },
	{ "raise-priority", ENDS_REFUSED, raise_priority },
	{ NULL, ENDS_REFUSED, NULL },
};
