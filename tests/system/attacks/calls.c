/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* calls.c -- attacks through system calls: slots, pointers, numbers, and a million random ones. */
#include "attack.h"

/* Which calls are safe to try at random: not those by which a program ends, stops or slows itself,
 * gives its capabilities away, or starts a thread that faults in its name. */
static bool
is_tame(uint64_t number)
{
	switch (number & 0xff) {
	case BX_SYS_EXIT:
	case BX_SYS_YIELD:
	case BX_SYS_THREAD_START:
	case BX_SYS_THREAD_STOP:
	case BX_SYS_CAP_DELETE:
	case BX_SYS_CAP_REVOKE:
	case BX_SYS_CAP_MOVE:
		return false;
	default:
		return true;
	}
}

static bool
waits(uint64_t number)
{
	switch (number & 0xff) {
	case BX_SYS_CALL:
	case BX_SYS_SEND:
	case BX_SYS_RECEIVE:
	case BX_SYS_REPLY_RECEIVE:
	case BX_SYS_WAIT:
	case BX_SYS_SLEEP:
		return true;
	default:
		return false;
	}
}

#define NEIGHBOURS	200u		/* slots of other programs, on either side */

/* A buffer that random pointers hit sometimes, so that some calls get further than others. */
static uint8_t buffer[8192];

static void
random_calls(struct attacker *attacker)
{
	unsigned accepted = 0, refused = 0;

	attacker->random ^= attacker->parameter;	/* a seed, if one is given */
	while (accepted + refused < 1000000) {
		struct registers r;

		for (unsigned j = 0; j < 3; j++)
			r.value[j] = odd_value(attacker);
		for (unsigned j = 0; j < 6; j++)
			r.word[j] = odd_value(attacker);
		r.reply = odd_value(attacker);
		r.buffers = (random_next(attacker) & 1) != 0 ?
		    (uint64_t)(uintptr_t)buffer + (random_next(attacker) & 0x1ff8) : odd_value(attacker);
		r.number = random_next(attacker) % (BX_SYS_COUNT + 8);
		if ((random_next(attacker) & 15) == 0)
			r.number = odd_value(attacker);
		if ((random_next(attacker) & 3) == 0)
			r.number |= (uint64_t)BX_IPC_BUFFERS << 8;
		if (!is_tame(r.number))
			continue;
		if (waits(r.number))
			r.value[2] = soon(attacker);
		if (call(&r) == BX_OK)
			accepted++;
		else
			refused++;
	}
	say(attacker, "attack: %u calls accepted, %u refused", accepted, refused);
	if (refused == 0)
		breach(attacker, "nothing was refused");
}

static void
forged_slot(struct attacker *attacker, uint64_t number, uint64_t slot)
{
	struct registers r = { .number = number, .value = { slot, 1, 1 }, .word = { 1, 1, 1 },
		.reply = BX_SLOT_NONE };
	int64_t err = call(&r);

	if (err != BX_ERR_CAP_SLOT && err != BX_ERR_CAP_EMPTY) {
		breach(attacker, "a forged slot was not refused as such");
		say(attacker, "call %lu on slot 0x%lx: %s", number, slot, bx_err_name((enum bx_err)err));
	}
}

/* Every slot number beyond those that the manifest gave, for every call that takes one: those of the
 * programs before and after, and odd ones. */
static void
forged_slots(struct attacker *attacker)
{
	const struct bx_launch *launch = attacker->sys->launch;
	uint32_t end = launch->reply_first + launch->reply_count;
	static const uint64_t calls[] = { BX_SYS_CALL, BX_SYS_SEND, BX_SYS_RECEIVE, BX_SYS_REPLY,
		BX_SYS_SIGNAL, BX_SYS_WAIT, BX_SYS_MAP, BX_SYS_UNMAP, BX_SYS_THREAD_START,
		BX_SYS_IRQ_BIND, BX_SYS_IRQ_ACK, BX_SYS_PORT_IN, BX_SYS_PORT_OUT, BX_SYS_SPAWN,
		BX_SYS_KILL, BX_SYS_PROGRAM_INFO, BX_SYS_INSPECT, BX_SYS_AUDIT_READ, BX_SYS_POWER,
		BX_SYS_CAP_INFO, BX_SYS_CAP_COPY };
	static const uint64_t slots[] = { 0, 100, 1000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff, 0x100000001, 0x8000000000000001, UINT64_MAX };

	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		forged_slot(attacker, BX_SYS_SIGNAL, end + i);
		forged_slot(attacker, BX_SYS_SIGNAL, UINT32_MAX - i);
	}
	for (size_t i = 0; i < BX_ARRAY_COUNT(calls); i++)
		for (size_t j = 0; j < BX_ARRAY_COUNT(slots); j++)
			forged_slot(attacker, calls[i], slots[j]);
}

/* A capability that is there, of a type that the call does not take. */
static void
wrong_types(struct attacker *attacker)
{
	static const struct { const char *name; uint64_t number; } wrong[] = {
		{ "memory", BX_SYS_CALL }, { "memory", BX_SYS_SIGNAL }, { "memory", BX_SYS_SPAWN },
		{ "memory", BX_SYS_POWER }, { "memory", BX_SYS_PORT_OUT }, { "memory", BX_SYS_INSPECT },
		{ "memory", BX_SYS_REPLY }, { "bell", BX_SYS_CALL }, { "bell", BX_SYS_MAP },
		{ "bell", BX_SYS_IRQ_ACK }, { "bell", BX_SYS_KILL }, { "console", BX_SYS_SIGNAL },
		{ "console", BX_SYS_MAP }, { "console", BX_SYS_AUDIT_READ }, { "worker1", BX_SYS_CALL },
		{ "worker1", BX_SYS_MAP }, { "console", BX_SYS_REPLY }, { "worker1", BX_SYS_WAIT },
	};

	for (size_t i = 0; i < BX_ARRAY_COUNT(wrong); i++) {
		struct registers r = { .number = wrong[i].number,
			.value = { slot_of(attacker, wrong[i].name), 0x20000000, 0 }, .word = { 1, 1 },
			.reply = BX_SLOT_NONE };

		if (call(&r) != BX_ERR_CAP_TYPE)
			say(attacker, "BREACH: call %lu on %s: %s, not BX_ERR_CAP_TYPE", wrong[i].number,
			    wrong[i].name, bx_err_name((enum bx_err)(int64_t)r.number));
	}
}

/* Rights that the manifest did not give. */
static void
wrong_rights(struct attacker *attacker)
{
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;
	uint64_t bits;

	if (bx_sys_receive(slot_of(attacker, "console"), BX_SLOT_NONE, 0, &words, &origin) !=
	    BX_ERR_CAP_RIGHTS)
		breach(attacker, "a client received on its server's endpoint");
	if (bx_sys_wait(slot_of(attacker, "bell"), 0, &bits) != BX_ERR_CAP_RIGHTS)
		breach(attacker, "a signaller waited");
	if (bx_sys_notification_bind(slot_of(attacker, "bell")) != BX_ERR_CAP_RIGHTS)
		breach(attacker, "a signaller bound the notification");
	/* `look` is the same memory as `memory`, to read only. */
	if (bx_sys_map(slot_of(attacker, "look"), 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_EXECUTE) !=
	    BX_ERR_CAP_RIGHTS)
		breach(attacker, "memory without the right was mapped executable");
	if (bx_sys_map(slot_of(attacker, "look"), 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE) !=
	    BX_ERR_CAP_RIGHTS)
		breach(attacker, "memory without the right was mapped writable");
	if (bx_sys_map(slot_of(attacker, "look"), 0x20000000, 0, 1, BX_MAP_READ) != BX_OK)
		breach(attacker, "an honest mapping was refused");
}

/* The space is sealed: nothing can be put in, from nowhere; also not into a slot that is free again. */
static void
sealed_space(struct attacker *attacker)
{
	uint32_t console = slot_of(attacker, "console");
	uint32_t echo = slot_of(attacker, "echo");	/* without the console nobody would hear of it */

	if (bx_sys_cap_delete(slot_of(attacker, "bell")) != BX_OK)
		breach(attacker, "a capability could not be deleted");
	for (uint32_t to = 0; to < 64; to++) {
		struct bx_derive derive = { .to = to, .rights = BX_RIGHT_WRITE,
			.uses = BX_CAP_USES_UNLIMITED, .expiry = BX_CAP_EXPIRY_NEVER };

		if (bx_sys_cap_derive(console, &derive) == BX_OK)
			breach(attacker, "a capability was derived into a sealed space");
		if (bx_sys_cap_copy(console, to) == BX_OK)
			breach(attacker, "a capability was copied into a sealed space");
		if (bx_sys_cap_move(echo, to) == BX_OK)
			breach(attacker, "a capability was moved within a sealed space");
	}
}

/* Used up by its own deletion; what it named is refused from then on. */
static void
stale_slot(struct attacker *attacker)
{
	uint32_t bell = slot_of(attacker, "bell");

	if (bx_sys_signal(bell) != BX_OK)
		breach(attacker, "an honest signal was refused");
	if (bx_sys_cap_delete(bell) != BX_OK)
		breach(attacker, "a capability could not be deleted");
	if (bx_sys_signal(bell) != BX_ERR_CAP_EMPTY)
		breach(attacker, "a deleted capability still worked");
}

/* A reply capability is made by a call alone. */
static void
forged_reply(struct attacker *attacker)
{
	struct bx_sys_words words = { 0 };

	for (uint32_t slot = 0; slot < 64; slot++)
		if (bx_sys_reply(slot, &words) == BX_OK)
			breach(attacker, "a reply nobody waits for was taken");
}

/* Every pointer argument, with every kind of address that is not the program's to give. */
static void
bad_pointers(struct attacker *attacker)
{
	static const uint64_t bad[] = { 0, 8, 0x1000, 0x3ff8, VICTIM_ADDRESS, 0x7fffffffe000, 0x7fffffffeff8,
		0x7ffffffffff8, 0x800000000000, 0x8000000000000000, DIRECT_MAP, DIRECT_MAP + 0x100000,
		KERNEL_TEXT, KERNEL_TEXT + 0x11000, 0xfffffffffffffff8, 0xfffffffffffffff0, UINT64_MAX };
	uint32_t console = slot_of(attacker, "console");

	for (size_t i = 0; i < BX_ARRAY_COUNT(bad); i++) {
		struct registers r = { .number = BX_SYS_CALL | BX_IPC_BUFFERS << 8,
			.value = { console, 1, 0 }, .reply = BX_SLOT_NONE, .buffers = bad[i] };
		struct bx_ipc_buffers buffers = { .send_address = bad[i], .send_length = 64,
			.send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE };
		struct registers string = { .number = BX_SYS_CALL | BX_IPC_BUFFERS << 8,
			.value = { console, 1, bx_sys_deadline_in_us(attacker->sys, LONG_US) },
			.reply = BX_SLOT_NONE, .buffers = (uint64_t)(uintptr_t)&buffers };
		struct registers derive = { .number = BX_SYS_CAP_DERIVE, .value = { console },
			.buffers = bad[i] };
		int64_t expected = bad[i] % 8 != 0 ? BX_ERR_ALIGN : BX_ERR_ADDRESS;

		/* Not just "refused": past the pointer other things would refuse these as well. */
		if (call(&r) != expected)
			breach(attacker, "buffers were read where the program has none");
		if (call(&string) != BX_ERR_ADDRESS)
			breach(attacker, "a string was read where the program has none");
		if (call(&derive) != expected)
			breach(attacker, "derive read where the program has nothing");
	}
}

/* The program's constants are its own to read, and nobody's to write, the kernel included. */
static void
write_through_kernel(struct attacker *attacker)
{
	uint32_t echo = slot_of(attacker, "echo");
	uint8_t bytes[64] = { 1 };
	struct bx_ipc_message message = { .label = 1, .string = bytes, .string_length = sizeof bytes,
		.cap_slot = BX_SLOT_NONE };
	struct bx_ipc_message answer = { .string = (uint8_t *)(uintptr_t)attacks_calls,
		.string_length = sizeof bytes, .cap_slot = BX_SLOT_NONE };
	const char *before = attacks_calls[0].name;
	enum bx_err err = bx_sys_message_call(echo, bx_sys_deadline_in_us(attacker->sys, LONG_US),
	    &message, &answer);

	if (err == BX_OK)
		breach(attacker, "an answer was written into the program's constants");
	if (err != BX_ERR_ADDRESS)
		say(attacker, "attack: the call ended with %s", bx_err_name(err));
	if (attacks_calls[0].name != before)
		breach(attacker, "the program's constants have changed");
}

/* An address that the test knows from the kernel's symbols: what lies there is in the program's page
 * table, and not the program's. */
static void
copy_address(struct attacker *attacker)
{
	struct registers r = { .number = BX_SYS_CAP_DERIVE,
		.value = { slot_of(attacker, "console") }, .buffers = attacker->parameter };

	if (call(&r) != BX_ERR_ADDRESS)
		say(attacker, "BREACH: the kernel read at 0x%lx: %s", attacker->parameter,
		    bx_err_name((enum bx_err)(int64_t)r.number));
}

static void
unknown_numbers(struct attacker *attacker)
{
	static const uint64_t numbers[] = { BX_SYS_COUNT, 12, 15, 23, 31, 34, 44, 59, 255, 65, 0xfe };

	for (size_t i = 0; i < BX_ARRAY_COUNT(numbers); i++) {
		struct registers r = { .number = numbers[i] };

		if (call(&r) != BX_ERR_SYSCALL)
			say(attacker, "BREACH: system call %lu is %s", numbers[i],
			    bx_err_name((enum bx_err)(int64_t)r.number));
	}
}

const struct attack attacks_calls[] = {
	{ "random-calls", ENDS_REFUSED, random_calls },
	{ "forged-slots", ENDS_REFUSED, forged_slots },
	{ "wrong-types", ENDS_REFUSED, wrong_types },
	{ "wrong-rights", ENDS_REFUSED, wrong_rights },
	{ "sealed-space", ENDS_REFUSED, sealed_space },
	{ "stale-slot", ENDS_REFUSED, stale_slot },
	{ "forged-reply", ENDS_REFUSED, forged_reply },
	{ "bad-pointers", ENDS_REFUSED, bad_pointers },
	{ "write-through-kernel", ENDS_REFUSED, write_through_kernel },
	{ "copy-address", ENDS_REFUSED, copy_address },
	{ "unknown-numbers", ENDS_REFUSED, unknown_numbers },
	{ NULL, ENDS_REFUSED, NULL },
};
