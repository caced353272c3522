/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * borrower.c -- takes a capability that comes with a call, and does with it what it is asked to; also
 * what it should not be able to do.  The same program runs with an open space (`borrow') and with a
 * sealed one (`vault').  Requests: lending.h.
 */
#include <brainix/cap.h>

#include "lending.h"

#define PAGE_ADDRESS	0x40000000u

struct borrower {
	const struct bx_sys *sys;
	uint32_t inbox, reply, lent, treasure;
	uint32_t favour;		/* or BX_SLOT_NONE */
	enum bx_err waited;
	uint64_t waited_us;
};

/* One thing more than the capability has, each time. */
static unsigned
widen(const struct borrower *b)
{
	const struct bx_derive wide[] = {
		{ .rights = BX_RIGHT_ALL, .uses = 0, .expiry = 0 },
		{ .rights = BX_RIGHT_READ, .uses = 0, .expiry = 0 },
		{ .uses = BX_CAP_USES_UNLIMITED, .expiry = 0 },
		{ .uses = 1000, .expiry = 0 },
		{ .badge = 0xbad, .expiry = 0 },
		{ .expiry = BX_CAP_EXPIRY_NEVER },
		{ .first = 0, .count = UINT64_MAX },
		{ .first = UINT64_MAX, .count = 1 },
	};
	unsigned made = 0;

	for (size_t i = 0; i < BX_ARRAY_COUNT(wide); i++) {
		struct bx_derive derive = wide[i];

		derive.to = b->lent + PLACE_COPIES;
		if (bx_sys_cap_derive(b->lent, &derive) == BX_OK) {
			made++;
			bx_err_ignore(bx_sys_cap_delete(b->lent + PLACE_COPIES));
		}
	}
	return made;
}

static void
chain(const struct borrower *b, struct bx_sys_words *words)
{
	uint64_t wanted = words->word[0], made = 0;
	enum bx_err err = BX_OK;

	while (made < wanted && err == BX_OK) {
		uint32_t to = b->lent + PLACE_COPIES + (uint32_t)made;

		err = bx_sys_cap_copy(to - 1, to);
		made += err == BX_OK;
	}
	words->word[0] = (uint64_t)(int64_t)err;
	words->word[1] = made;
}

static void
serve(struct borrower *b, struct bx_sys_words *words, uint64_t info)
{
	enum bx_err err = BX_OK;
	uint64_t value[2] = { 0, 0 };

	switch (words->label) {
	case BORROW_TAKE:
		words->word[1] = (info & BX_IPC_INFO_CAP) != 0;
		break;
	case BORROW_SIGNAL:
		err = bx_sys_signal(b->lent);
		break;
	case BORROW_INFO:
		err = bx_sys_cap_info(b->lent + (uint32_t)words->word[0], value);
		words->word[1] = value[0];
		words->word[2] = value[1];
		break;
	case BORROW_WIDEN:
		words->word[1] = widen(b);
		break;
	case BORROW_CHAIN:
		chain(b, words);
		return;
	case BORROW_DROP:
		err = bx_sys_cap_delete(b->lent);
		break;
	case BORROW_WAITED:
		err = b->waited;
		words->word[1] = b->waited_us;
		break;
	case BORROW_MAP:
		err = bx_sys_map(b->lent, PAGE_ADDRESS, 0, 1, BX_MAP_READ | BX_MAP_WRITE);
		if (err == BX_OK)
			*(volatile uint64_t *)(uintptr_t)PAGE_ADDRESS = words->word[1];
		break;
	case BORROW_FAVOUR:
		err = bx_sys_signal(b->favour);
		words->word[1] = b->favour;
		break;
	case BORROW_TOUCH:
		/* The kernel reads the structure before it looks at anything else. */
		err = bx_sys_cap_derive(0, (const struct bx_derive *)(uintptr_t)PAGE_ADDRESS);
		break;
	default:
		break;
	}
	words->word[0] = (uint64_t)(int64_t)err;
}

static void
wait_on_it(struct borrower *b)
{
	uint64_t began = bx_sys_now(), bits;

	b->waited = bx_sys_wait(b->lent, bx_sys_deadline_in_us(b->sys, WAIT_US), &bits);
	b->waited_us = bx_sys_us_of_ticks(b->sys->ticks_per_second, bx_sys_now() - began);
}

/* A sealed space has no free slots but those that its program has emptied. */
static uint32_t
place_make(const struct bx_sys *sys)
{
	uint32_t spare;

	if (bx_sys_find(sys->launch, "spare", &spare) != BX_OK)
		return first_free(sys);
	bx_err_ignore(bx_sys_cap_delete(spare));
	return spare;
}

int
bx_main(const struct bx_sys *sys)
{
	struct borrower b = { .sys = sys, .reply = sys->launch->reply_first, .lent = place_make(sys), .favour = BX_SLOT_NONE };
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin = { 0 };

	if (bx_sys_find(sys->launch, "inbox", &b.inbox) != BX_OK ||
	    bx_sys_find(sys->launch, "treasure", &b.treasure) != BX_OK)
		return 1;
	bx_err_ignore(bx_sys_find(sys->launch, "favour", &b.favour));
	for (;;) {
		struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = b.lent };
		uint64_t label;

		if (bx_sys_trap_buffers(BX_SYS_RECEIVE, b.inbox, b.reply, bx_sys_deadline_far(), &buffers,
		    &words, &origin) != BX_OK)
			continue;
		label = words.label;
		serve(&b, &words, origin.info);
		buffers.receive_slot = BX_SLOT_NONE;
		if (label == BORROW_GIVE)
			buffers.send_slot = b.treasure;
		if (bx_sys_trap_buffers(BX_SYS_REPLY, b.reply, 0, 0, &buffers, &words, &origin) != BX_OK)
			bx_err_ignore(bx_sys_cap_delete(b.reply));
		if (label == BORROW_WAIT)
			wait_on_it(&b);
	}
}
