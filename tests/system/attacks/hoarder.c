/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hoarder.c -- a bad server, on the endpoint `deaf`: told to, it keeps every caller it has a slot for and
 * answers none, or takes nobody at all, for as many microseconds as word 0 says.
 * HOARDER_REPORT then asks for: word 0 how many it took, word 1 what it was told when it wanted one
 * more, word 2 how many of the replies it kept were worth nothing in the end.
 */
#include "attack.h"

struct hoard {
	const struct bx_sys *sys;
	uint32_t deaf, reply;		/* the first slot for replies is for those who tell it what to do */
	struct bx_sys_words report;
};

static void
keep(struct hoard *hoard, uint64_t deadline)
{
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;
	uint32_t kept = 0, stale = 0;

	while (kept < HOARDER_REPLIES && bx_sys_receive(hoard->deaf, hoard->reply + 1 + kept, deadline,
	    &words, &origin) == BX_OK)
		kept++;
	hoard->report.word[0] = kept;
	hoard->report.word[1] = (uint64_t)(int64_t)bx_sys_receive(hoard->deaf, hoard->reply + 1,
	    deadline, &words, &origin);
	bx_sys_sleep(deadline);
	for (uint32_t i = 0; i < kept; i++)
		stale += bx_sys_reply(hoard->reply + 1 + i, &words) == BX_ERR_CAP_STALE;
	hoard->report.word[2] = stale;
}

int
bx_main(const struct bx_sys *sys)
{
	struct hoard hoard = { .sys = sys, .reply = sys->launch->reply_first };

	if (bx_sys_find(sys->launch, "deaf", &hoard.deaf) != BX_OK ||
	    sys->launch->reply_count != HOARDER_REPLIES + 1)
		return 1;
	for (;;) {
		struct bx_sys_words words = { 0 };
		struct bx_sys_origin origin;
		uint64_t label, deadline;

		if (bx_sys_receive(hoard.deaf, hoard.reply, bx_sys_deadline_far(), &words, &origin) !=
		    BX_OK)
			continue;
		label = words.label;
		deadline = bx_sys_deadline_in_us(sys, words.word[0]);
		if (bx_sys_reply(hoard.reply, label == HOARDER_REPORT ? &hoard.report : &words) != BX_OK)
			continue;
		hoard.report = (struct bx_sys_words){ 0 };
		if (label == HOARDER_KEEP)
			keep(&hoard, deadline);
		else if (label == HOARDER_SLEEP)
			bx_sys_sleep(deadline);
	}
}
