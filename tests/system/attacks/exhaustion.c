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

/* ---- threads */

#define WORKERS		8u		/* threads beside the first, in the manifest */
#define WORKER_STACK	2048u

/* What the threads do, and how it went. */
struct crew {
	uint32_t endpoint;
	uint64_t deadline;
	volatile uint32_t begun, ended;		/* one processor: a bit is set by one instruction */
	volatile enum bx_err err[WORKERS];
};

struct crew_member {
	struct crew *crew;
	uint32_t number;
};

static struct crew_member members[WORKERS];
static _Alignas(16) uint8_t stacks[WORKERS][WORKER_STACK];

static uint32_t
worker_slot(struct attacker *attacker, uint32_t number)
{
	char name[] = "worker1";

	name[6] = (char)(name[6] + (char)number);
	return slot_of(attacker, name);
}

/* Never comes back: there is nothing to come back to. */
BX_NORETURN static void
rest(void)
{
	for (;;)
		bx_sys_sleep(bx_sys_deadline_far());
}

static void
worker_call(struct crew_member *member)
{
	struct crew *crew = member->crew;
	struct bx_sys_words words = { .label = 99 };
	uint32_t bit = 1u << member->number;

	__asm__ volatile("orl %1, %0" : "+m" (crew->begun) : "r" (bit) : "cc");
	crew->err[member->number] = bx_sys_call(crew->endpoint, crew->deadline, &words);
	__asm__ volatile("orl %1, %0" : "+m" (crew->ended) : "r" (bit) : "cc");
	rest();
}

static void
worker_fault(struct crew_member *member)
{
	volatile uint64_t *nowhere = (volatile uint64_t *)(uintptr_t)CREW_FAULTS_AT;

	(void)member;
	*nowhere = 1;
	rest();
}

static void
worker_rest(struct crew_member *member)
{
	(void)member;
	rest();
}

/* Starts all threads there are, at the same function; a call in between as in any function that
 * was called leaves the stack 8 bytes off. */
static void
crew_start(struct attacker *attacker, struct crew *crew, void (*function)(struct crew_member *))
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		members[i] = (struct crew_member){ .crew = crew, .number = i };
		if (bx_sys_thread_start(worker_slot(attacker, i), (uint64_t)(uintptr_t)function,
		    (uint64_t)(uintptr_t)stacks[i] + WORKER_STACK - 8,
		    (uint64_t)(uintptr_t)&members[i]) != BX_OK)
			breach(attacker, "a thread of the quota could not be started");
	}
}

/* Every thread of the quota runs: none can be started again, or beyond them; all can be stopped. */
static void
exhaust_threads(struct attacker *attacker)
{
	uint32_t first = worker_slot(attacker, 0), last = worker_slot(attacker, WORKERS - 1);
	struct crew crew = { 0 };

	if (bx_sys_thread_start(first, KERNEL_TEXT, (uint64_t)(uintptr_t)stacks[1], 0) !=
	    BX_ERR_ADDRESS)
		breach(attacker, "a thread was started at a kernel address");
	if (bx_sys_thread_start(first, (uint64_t)(uintptr_t)worker_rest, KERNEL_TEXT, 0) !=
	    BX_ERR_ADDRESS)
		breach(attacker, "a thread was started with a kernel stack");
	crew_start(attacker, &crew, worker_rest);
	for (uint32_t slot = 0; slot < 200; slot++) {
		bool ours = slot >= first && slot <= last;
		enum bx_err err = bx_sys_thread_start(slot, (uint64_t)(uintptr_t)worker_rest,
		    (uint64_t)(uintptr_t)stacks[1], 0);

		if (err == BX_OK)
			breach(attacker, "a thread was started beyond those that there are");
		else if (ours && err != BX_ERR_STATE)
			breach(attacker, "a running thread was not refused as one");
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		if (bx_sys_thread_stop(worker_slot(attacker, i)) != BX_OK)
			breach(attacker, "a thread could not be stopped");
}

/* All threads fault; the first would go on. */
static void
faulting_threads(struct attacker *attacker)
{
	struct crew crew = { 0 };

	touches(attacker, CREW_FAULTS_AT);
	crew_start(attacker, &crew, worker_fault);
	bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, LONG_US));
}

/* ---- what a server has */

#define CREW_US		2000000u	/* by then their calls end */
#define HOARD_US	5000000u	/* by then the hoarder has done what it was told: some time after that */

/* All threads call; how many of them ended by `expected`, once all have. */
static unsigned
crew_call(struct attacker *attacker, struct crew *crew, enum bx_err expected)
{
	unsigned as_expected = 0;

	crew_start(attacker, crew, worker_call);
	bx_sys_sleep(crew->deadline);
	for (unsigned n = 0; n < 100 && crew->ended != (1u << WORKERS) - 1; n++)
		bx_sys_sleep(bx_sys_deadline_in_us(attacker->sys, 20000));
	if (crew->begun != (1u << WORKERS) - 1)
		breach(attacker, "a thread never ran");
	if (crew->ended != (1u << WORKERS) - 1)
		breach(attacker, "a call outlived its deadline");
	for (unsigned i = 0; i < WORKERS; i++) {
		if (crew->err[i] == expected)
			as_expected++;
		else
			say(attacker, "attack: a call ended with %s", bx_err_name(crew->err[i]));
	}
	return as_expected;
}

/* Asks the hoarder, which must run; false when it does not. */
static bool
hoarder_ask(struct attacker *attacker, uint64_t label, uint64_t us, struct bx_sys_words *words)
{
	enum bx_err err;

	*words = (struct bx_sys_words){ .label = label, .word = { us } };
	err = bx_sys_call(slot_of(attacker, "deaf"), bx_sys_deadline_in_us(attacker->sys, LONG_US),
	    words);
	if (err == BX_OK)
		return true;
	breach(attacker, "the hoarder does not answer");
	say(attacker, "attack: %s", bx_err_name(err));
	return false;
}

/* More callers than the server has slots for replies, and it answers none: it is told that it has no
 * more, they wait until their deadlines, and what it kept is worth nothing then. */
static void
exhaust_replies(struct attacker *attacker)
{
	struct bx_sys_words words;
	struct crew crew = { .endpoint = slot_of(attacker, "deaf") };

	if (!hoarder_ask(attacker, HOARDER_KEEP, HOARD_US, &words))
		return;
	crew.deadline = bx_sys_deadline_in_us(attacker->sys, CREW_US);
	if (crew_call(attacker, &crew, BX_ERR_TIMEOUT) != WORKERS)
		breach(attacker, "a call that nobody answers did not end by its deadline");
	if (!hoarder_ask(attacker, HOARDER_REPORT, 0, &words))
		return;
	if (words.word[0] != HOARDER_REPLIES)
		breach(attacker, "the hoarder did not take as many callers as it has slots");
	if ((enum bx_err)(int64_t)words.word[1] != BX_ERR_CAP_OCCUPIED)
		breach(attacker, "a full reply slot was not refused as such");
	if (words.word[2] != HOARDER_REPLIES)
		breach(attacker, "a kept reply outlived its caller");
}

/* A call that nobody answers gives back the registers that it does not use, whatever the kernel did with
 * them meanwhile.  The first call leaves a timer entry, with which the second takes the short way. */
static void
unanswered_call(struct attacker *attacker)
{
	uint64_t deadline = bx_sys_deadline_in_us(attacker->sys, CREW_US), deaf = slot_of(attacker, "deaf");
	struct registers r = { .number = BX_SYS_CALL, .word = { HOARD_US },
		.value = { deaf, HOARDER_KEEP, deadline } };

	if (call(&r) != BX_OK) {
		breach(attacker, "the hoarder does not answer");
		return;
	}
	r = (struct registers){ .number = BX_SYS_CALL, .value = { deaf, 7, deadline +
		bx_sys_ticks_of_us(attacker->sys->ticks_per_second, 1000) }, .reply = 99, .buffers = 98 };
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		r.word[i] = 0x1234567800000000u + i;
	if (call(&r) != BX_ERR_TIMEOUT)
		breach(attacker, "a call that nobody answers did not end by its deadline");
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		if (r.word[i] != 0x1234567800000000u + i)
			breach(attacker, "a word of a call that failed is another");
	for (unsigned i = 0; i < 3; i++)
		if (r.value[i] != 0)
			breach(attacker, "a call that failed has a value");
}

/* The queue of an endpoint whose server runs and does not receive. */
static void
exhaust_queue(struct attacker *attacker)
{
	struct bx_sys_words words;
	struct crew crew = { .endpoint = slot_of(attacker, "deaf") };

	if (!hoarder_ask(attacker, HOARDER_SLEEP, HOARD_US, &words))
		return;
	crew.deadline = bx_sys_deadline_in_us(attacker->sys, CREW_US);
	if (crew_call(attacker, &crew, BX_ERR_TIMEOUT) != WORKERS)
		breach(attacker, "a call that nobody takes did not end by its deadline");
	/* The queue is empty again: the hoarder awakes and hears us. */
	if (hoarder_ask(attacker, HOARDER_REPORT, 0, &words) && words.word[0] != 0)
		breach(attacker, "the hoarder took a caller that had gone");
}

/* Every page of the memory object, and then one more; every page a second time. */
static void
exhaust_memory(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");

	for (uint64_t i = 0; i < LOOT_PAGES; i++)
		if (bx_sys_map(memory, 0x20000000 + i * 0x200000, i, 1, BX_MAP_READ | BX_MAP_WRITE) !=
		    BX_OK)
			breach(attacker, "a page of the object could not be mapped");
	if (bx_sys_map(memory, 0x28000000, LOOT_PAGES, 1, BX_MAP_READ) != BX_ERR_RANGE)
		breach(attacker, "a page after the last was not refused with BX_ERR_RANGE");
	for (uint64_t i = 0; i < LOOT_PAGES; i++)
		if (bx_sys_map(memory, 0x28000000, i, 1, BX_MAP_READ) != BX_ERR_MAPPED)
			breach(attacker, "a mapped page was not refused with BX_ERR_MAPPED");
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

/* Calls that nobody takes end at their deadline, each and always, and hold nothing. */
static void
impatient_calls(struct attacker *attacker)
{
	struct bx_sys_words words;
	uint32_t deaf = slot_of(attacker, "deaf");
	unsigned timeouts = 0;

	if (!hoarder_ask(attacker, HOARDER_SLEEP, 6 * LONG_US, &words))
		return;
	for (unsigned i = 0; i < 200; i++)
		timeouts += bx_sys_call(deaf, bx_sys_deadline_in_us(attacker->sys, 200), &words) ==
		    BX_ERR_TIMEOUT;
	say(attacker, "attack: %u of 200 calls ended by their deadline", timeouts);
	if (timeouts != 200)
		breach(attacker, "a call that nobody takes did not end by its deadline");
}

/* A server that was never started may be yet: whoever calls it waits, but not beyond the deadline. */
static void
absent_server(struct attacker *attacker)
{
	struct bx_sys_words words = { .label = 99 };

	if (bx_sys_call(slot_of(attacker, "absent"), bx_sys_deadline_in_us(attacker->sys, 200000),
	    &words) != BX_ERR_TIMEOUT)
		breach(attacker, "a call of a program that does not run did not end by its deadline");
}

const struct attack attacks_exhaustion[] = {
	{ "busy-loop", ENDS_BY_KILL, busy_loop },
	{ "exhaust-frames", ENDS_REFUSED, exhaust_frames },
	{ "exhaust-memory", ENDS_REFUSED, exhaust_memory },
	{ "exhaust-threads", ENDS_REFUSED, exhaust_threads },
	{ "faulting-threads", ENDS_PAGE_FAULT, faulting_threads },
	{ "exhaust-replies", ENDS_REFUSED, exhaust_replies },
	{ "unanswered-call", ENDS_REFUSED, unanswered_call },
	{ "exhaust-queue", ENDS_REFUSED, exhaust_queue },
	{ "storm", ENDS_REFUSED, storm },
	{ "impatient-calls", ENDS_REFUSED, impatient_calls },
	{ "absent-server", ENDS_REFUSED, absent_server },
	{ NULL, ENDS_REFUSED, NULL },
};
