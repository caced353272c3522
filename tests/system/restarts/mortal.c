/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mortal.c -- a server that crashes when asked to.  With a capability `behind` it asks that server before it
 * answers.  Replies that it was asked to keep it gives with the next message, or a little later.
 */
#include "restarts.h"

#define KEEP_US		300u
#define BEHIND_US	4000000u	/* less than its caller waits */

struct mortal {
	const struct bx_sys *sys;
	uint32_t behind;			/* or BX_SLOT_NONE */
	uint32_t kept;				/* a reply, or BX_SLOT_NONE */
	uint64_t kept_word;
	struct bx_sys_service service;
	uint8_t string[WORK_STRING_MAX];
	uint8_t answer_string[WORK_STRING_MAX];
};

static void
crash(uint64_t how)
{
	switch (how) {
	case WORK_WRITE:
		*(volatile uint64_t *)(uintptr_t)BX_LAUNCH_ADDRESS = 0;
		break;
	case WORK_ILLEGAL:
		__asm__ volatile("ud2");
		break;
	case WORK_PANIC:
		bx_panic("mortal.c", "asked to");
		break;
	default:
		bx_sys_exit(7);
	}
}

static enum bx_err
ask_behind(struct mortal *mortal, uint64_t word)
{
	struct bx_sys_words words = { .label = WORK_KEEP, .word = { word } };
	enum bx_err err;

	if (mortal->behind == BX_SLOT_NONE)
		return BX_OK;
	err = bx_sys_call(mortal->behind, bx_sys_deadline_in_us(mortal->sys, BEHIND_US), &words);
	return err != BX_OK || words.word[0] == word + 1 ? err : BX_ERR_CORRUPT;
}

static void
answer_give(struct mortal *mortal, uint32_t reply, uint64_t word, enum bx_err err,
    const struct bx_ipc_message *request)
{
	struct bx_ipc_message answer = { .label = WORK_ECHO, .word = { word + 1, (uint64_t)(int64_t)err },
	    .cap_slot = BX_SLOT_NONE };

	/* The answer before this one has its string in answer_string as well: out with it. */
	bx_sys_service_answer(&mortal->service, BX_SLOT_NONE, NULL);
	if (request != NULL && request->string_length > 0) {
		__builtin_memcpy(mortal->answer_string, request->string, request->string_length);
		answer.string = mortal->answer_string;
		answer.string_length = request->string_length;
	}
	bx_sys_service_answer(&mortal->service, reply, &answer);
}

static void
kept_give(struct mortal *mortal)
{
	if (mortal->kept != BX_SLOT_NONE)
		answer_give(mortal, mortal->kept, mortal->kept_word, BX_OK, NULL);
	mortal->kept = BX_SLOT_NONE;
}

static void
take(struct mortal *mortal, const struct bx_sys_event *event)
{
	uint64_t word = event->message.word[0];

	if (event->message.label >= WORK_WRITE)
		crash(event->message.label);
	if (event->reply == BX_SLOT_NONE)
		return;
	kept_give(mortal);
	if (event->message.label == WORK_KEEP && bx_sys_service_has_room(&mortal->service)) {
		mortal->kept = event->reply;
		mortal->kept_word = word;
	} else {
		answer_give(mortal, event->reply, word, ask_behind(mortal, word), &event->message);
	}
}

int
bx_main(const struct bx_sys *sys)
{
	struct mortal mortal = { .sys = sys, .kept = BX_SLOT_NONE };
	struct bx_sys_event event;
	uint32_t endpoint, ready;

	if (bx_sys_find(sys->launch, "work", &endpoint) != BX_OK)
		return 1;
	if (bx_sys_find(sys->launch, "behind", &mortal.behind) != BX_OK)
		mortal.behind = BX_SLOT_NONE;
	bx_sys_service_init(&mortal.service, sys->launch, endpoint, mortal.string, sizeof mortal.string);
	if (bx_sys_find(sys->launch, "ready", &ready) == BX_OK)
		bx_err_ignore(bx_sys_signal(ready));
	for (;;) {
		uint64_t deadline = mortal.kept == BX_SLOT_NONE ? bx_sys_deadline_far() :
		    bx_sys_deadline_in_us(sys, KEEP_US);
		enum bx_err err = bx_sys_service_next(&mortal.service, deadline, &event);

		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
			take(&mortal, &event);
		else if (err == BX_ERR_TIMEOUT)
			kept_give(&mortal);
		else if (err != BX_OK && err != BX_ERR_AGAIN)
			return 2;
	}
}
