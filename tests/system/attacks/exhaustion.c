/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* exhaustion.c -- attacks on what there is only so much of: processor, frames, threads, patience. */
#include "attack.h"

static void
busy_loop(struct attacker *attacker)
{
	(void)attacker;
	for (;;)
		__asm__ volatile("" : : : "memory");
}

/* Until the frame quota says no; then give all back, and again. */
static void
exhaust_frames(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");
	uint64_t tables = 0;
	enum bx_err err = BX_OK;

	/* One page each in another gigabyte: every one needs page tables, which count. */
	for (uint64_t i = 0; i < 256 && err == BX_OK; i++) {
		err = bx_sys_map(memory, 0x40000000ull * (i + 2), 0, 1, BX_MAP_READ);
		if (err == BX_OK)
			err = bx_sys_unmap(memory, 0, 1);
		tables += err == BX_OK;
	}
	say(attacker, "attack: after %lu gigabytes: %s", tables, bx_err_name(err));
	if (err != BX_ERR_QUOTA)
		breach(attacker, "the frame quota did not hold");
}

static void
worker(struct attacker *attacker)
{
	(void)attacker;
}

/* More threads than the manifest gives; the one that there is, twice. */
static void
exhaust_threads(struct attacker *attacker)
{
	uint32_t thread = slot_of(attacker, "worker");
	static uint8_t stack[4096];

	if (bx_sys_thread_start(thread, (uint64_t)(uintptr_t)worker, KERNEL_TEXT, 0) == BX_OK)
		say(attacker, "attack: a thread with a kernel stack address was started: it faults by itself");
	if (bx_sys_thread_start(thread, KERNEL_TEXT, (uint64_t)(uintptr_t)stack + sizeof stack, 0) == BX_OK)
		breach(attacker, "a thread was started at a kernel address");
	for (uint32_t slot = 0; slot < 200; slot++)
		if (slot != thread && bx_sys_thread_start(slot, 0x400000, 0x500000, 0) == BX_OK)
			breach(attacker, "a thread was started that the manifest does not give");
}

/* Two hundred thousand signals keep nobody from anything. */
static void
storm(struct attacker *attacker)
{
	uint32_t bell = slot_of(attacker, "bell");

	for (unsigned i = 0; i < 200000; i++)
		if (bx_sys_signal(bell) != BX_OK) {
			breach(attacker, "an honest signal was refused");
			return;
		}
}

/* Calls that nobody answers end at their deadline, and hold nothing. */
static void
impatient_calls(struct attacker *attacker)
{
	struct bx_sys_words words = { .label = 99 };
	uint32_t deaf = slot_of(attacker, "deaf");
	unsigned timeouts = 0;

	for (unsigned i = 0; i < 200; i++) {
		enum bx_err err = bx_sys_call(deaf, bx_sys_deadline_in_us(attacker->sys, 200), &words);

		timeouts += err == BX_ERR_TIMEOUT;
		if (err == BX_OK)
			breach(attacker, "somebody answered who does not run");
	}
	if (timeouts != 200)
		say(attacker, "attack: %u of 200 calls ended by their deadline", timeouts);
}

const struct attack attacks_exhaustion[] = {
	{ "busy-loop", ENDS_BY_FAULT, busy_loop },
	{ "exhaust-frames", ENDS_REFUSED, exhaust_frames },
	{ "exhaust-threads", ENDS_REFUSED, exhaust_threads },
	{ "storm", ENDS_REFUSED, storm },
	{ "impatient-calls", ENDS_REFUSED, impatient_calls },
	{ NULL, ENDS_REFUSED, NULL },
};
